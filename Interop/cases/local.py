# SPDX-License-Identifier: Apache-2.0
"""Peers that find each other in the local network alone (BEP 14): no DHT, no tracker, no address given."""
import time

import roost
from cases.torrents import prepared
from clients import Libtorrent, expect
from content import expect_same, make_tree
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


def alone(lab, name):
    """A node without a DHT that looks for peers in the local network."""
    node = roost.Node(lab.host(name))
    node.command("config", "set", "local-discovery", "on")
    node.stop()
    node.start()
    return node


# A holder that announced the site just now says so again only after a minute.
@case("sites", "BEP 14: a site is fetched from a node that only the local network tells of", optional=True)
def site_without_dht(lab):
    holder, reader = alone(lab, "holder"), alone(lab, "reader")
    source = make_tree(holder.host.path("site"))
    report = holder.publish(source, "--new")
    began = time.monotonic()
    while True:
        done = reader.command("fetch", roost.address_of(report), "-o", str(reader.host.path("got")), check=False)
        if done.returncode == 0:
            break
        if time.monotonic() - began > 100:
            raise AssertionError(f"not fetched: {done.stderr.strip()[-200:]}")
        time.sleep(2)
    expect_same(source, reader.host.path("got"), ignore=(".roost-site",))
