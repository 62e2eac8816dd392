# SPDX-License-Identifier: Apache-2.0
"""Peers that find each other in the local network alone (BEP 14): no DHT, no tracker, no address given."""
import roost
from cases.torrents import prepared
from clients import Libtorrent, expect
from content import expect_same
from registry import case

LSD = {"enable_lsd": True}


@case("libtorrent", "BEP 14: v1: Roost gets from libtorrent, which only the local network tells it of")
def from_libtorrent(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    reader = lab.host("reader")
    ours = roost.Torrent(reader, "get", torrent, reader.path("got"), options=("--lsd",))
    Libtorrent(host, "seed", source.parent, torrent, settings=LSD).wait_seeding()
    ours.wait_complete(60)
    expect_same(source, reader.path("got", "tree"))


@case("libtorrent", "BEP 14: hybrid: libtorrent gets from Roost, which only the local network tells it of")
def from_roost(lab):
    host, source, torrent, _ = prepared(lab, "hybrid")
    reader = lab.host("reader")
    client = Libtorrent(reader, "leech", reader.path("got"), torrent, settings=LSD)
    roost.Torrent(host, "seed", torrent, source.parent, options=("--lsd",)).wait_seeding()
    expect(client.process, "complete", 60)
    client.process.stop()
    expect_same(source, reader.path("got", "tree"), ignore=(".pad",))


@case("libtorrent", "BEP 14: two Roost clients find each other by magnet in the local network")
def among_ours(lab):
    from lab import common

    host, source, torrent, meta = prepared(lab, "v2")
    roost.Torrent(host, "seed", torrent, source.parent, options=("--lsd",)).wait_seeding()
    reader = lab.host("reader")
    roost.Torrent(reader, "get", common.magnet_of(meta), reader.path("got"), options=("--lsd",)).wait_complete(90)
    expect_same(source, reader.path("got", "tree"))
