# SPDX-License-Identifier: Apache-2.0
"""Torrents between Roost and libtorrent, Transmission and aria2, both directions, byte for byte."""
import libtorrent
import roost
from clients import DHT, Aria2, Libtorrent, Transmission, libtorrent_create
from content import PIECE, expect_same, make_tree
from lab import common
from registry import case

KINDS = ("v1", "v2", "hybrid")


def prepared(lab, kind, maker="harness"):
    """A seeder's host with the tree, its torrent (by the harness, by Roost or by libtorrent) and the torrent's names."""
    host = lab.host("seeder")
    source = make_tree(host.path("data", "tree"))
    torrent = host.path("tree.torrent")
    if maker == "roost":
        roost.run(host, "torrent", "create", source, "--torrent", torrent, "--kind", kind, "--piece", PIECE)
    elif maker == "libtorrent":
        libtorrent_create(host, source, torrent, kind, PIECE)
    meta = common.make_torrent(str(source), str(torrent if maker == "harness" else host.path("reference.torrent")), kind, PIECE)
    return host, source, torrent, meta


def shown(host, torrent):
    return roost.value(host, "torrent", "show", torrent)


def register_for(kind):
    @case("libtorrent", f"S0-02: {kind}: a torrent that Roost writes is valid to libtorrent, which seeds it to Roost")
    def created_by_roost(lab):
        host, source, torrent, _ = prepared(lab, kind, maker="roost")
        seeder = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
        reader = lab.host("reader")
        roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[seeder.address]).wait_complete()
        name = shown(host, torrent)["name"]
        expect_same(source, reader.path("got", name))

    @case("libtorrent", f"S0-02: {kind}: Roost reads libtorrent's torrent, agrees on its infohashes, and seeds it to libtorrent")
    def created_by_libtorrent(lab):
        host, source, torrent, _ = prepared(lab, kind, maker="libtorrent")
        info = libtorrent.torrent_info(str(torrent)).info_hashes()
        value = shown(host, torrent)
        expected = (str(info.v1) if info.has_v1() else None, str(info.v2) if info.has_v2() else None)
        if (value.get("v1"), value.get("v2")) != expected:
            raise AssertionError(f"infohashes {value.get('v1')}, {value.get('v2')} and not {expected}")
        seeder = roost.Torrent(host, "seed", torrent, source.parent).wait_seeding()
        reader = lab.host("reader")
        Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[seeder.address]).wait_complete()
        expect_same(source, reader.path("got", "tree"), ignore=(".pad",))

    @case("libtorrent", f"{kind}: Roost gets by magnet from a libtorrent seeder that it is told of")
    def magnet_from_libtorrent(lab):
        host, source, torrent, meta = prepared(lab, kind)
        seeder = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
        reader = lab.host("reader")
        roost.Torrent(reader, "get", common.magnet_of(meta), reader.path("got"), peers=[seeder.address]).wait_complete()
        expect_same(source, reader.path("got", "tree"))

    @case("libtorrent", f"{kind}: libtorrent gets by magnet from a Roost seeder that it is told of")
    def magnet_from_roost(lab):
        host, source, torrent, meta = prepared(lab, kind)
        seeder = roost.Torrent(host, "seed", torrent, source.parent).wait_seeding()
        reader = lab.host("reader")
        Libtorrent(reader, "leech", reader.path("got"), magnet=common.magnet_of(meta), peers=[seeder.address]).wait_complete()
        expect_same(source, reader.path("got", "tree"), ignore=(".pad",))

    @case("libtorrent", f"S2-06: {kind}: Roost gets by magnet a torrent that it finds through the DHT")
    def discovered_by_roost(lab):
        dht = DHT(lab)
        host, source, torrent, meta = prepared(lab, kind)
        Libtorrent(host, "seed", source.parent, torrent, dht=dht).wait_seeding()
        reader = lab.host("reader")
        roost.Torrent(reader, "get", common.magnet_of(meta), reader.path("got"), dht=dht).wait_complete(120)
        expect_same(source, reader.path("got", "tree"))

    @case("libtorrent", f"S2-06: {kind}: libtorrent gets by magnet a torrent that Roost announced to the DHT")
    def discovered_by_libtorrent(lab):
        dht = DHT(lab)
        host, source, torrent, meta = prepared(lab, kind)
        roost.Torrent(host, "seed", torrent, source.parent, dht=dht).wait_seeding()
        reader = lab.host("reader")
        Libtorrent(reader, "leech", reader.path("got"), magnet=common.magnet_of(meta), dht=dht).wait_complete(120)
        expect_same(source, reader.path("got", "tree"), ignore=(".pad",))


for each in KINDS:
    register_for(each)


def listed(tracker, meta, address):
    """Makes the tracker name this peer to whoever asks for the torrent."""
    host, port = address.rsplit(":", 1)
    tracker.swarms.setdefault(bytes.fromhex(meta["v1"]), {})[(host, int(port))] = True


@case("transmission", "S3-157: v1: Transmission seeds, Roost gets", waits=True)
def transmission_seeds(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    client = Transmission(host, source.parent).add(torrent)
    client.wait_seeding()
    reader = lab.host("reader")
    roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[client.address]).wait_complete()
    expect_same(source, reader.path("got", "tree"))


@case("transmission", "S3-157: v1: Roost seeds, Transmission gets, told by a tracker", waits=True)
def transmission_gets(lab):
    tracker = lab.tracker()
    host, source, _, _ = prepared(lab, "v1")
    torrent = host.path("tracked.torrent")
    meta = common.make_torrent(str(source), str(torrent), "v1", PIECE, trackers=[tracker.url])
    seeder = roost.Torrent(host, "seed", torrent, source.parent).wait_seeding()
    listed(tracker, meta, seeder.address)
    reader = lab.host("reader")
    Transmission(reader, reader.path("got")).add(torrent).wait_complete()
    expect_same(source, reader.path("got", "tree"), without_empty=True)


@case("transmission", "v1: Transmission gets by magnet a torrent that Roost announced to the DHT", waits=True)
def transmission_discovers(lab):
    dht = DHT(lab)
    host, source, torrent, meta = prepared(lab, "v1")
    roost.Torrent(host, "seed", torrent, source.parent, dht=dht).wait_seeding()
    reader = lab.host("reader")
    Transmission(reader, reader.path("got"), dht=dht).add(magnet=common.magnet_of(meta)).wait_complete(180)
    expect_same(source, reader.path("got", "tree"), without_empty=True)


@case("transmission", "v1: Roost gets by magnet from Transmission, found through the DHT", waits=True)
def transmission_discovered(lab):
    dht = DHT(lab)
    host, source, torrent, meta = prepared(lab, "v1")
    Transmission(host, source.parent, dht=dht).add(torrent).wait_seeding()
    reader = lab.host("reader")
    roost.Torrent(reader, "get", common.magnet_of(meta), reader.path("got"), dht=dht).wait_complete(180)
    expect_same(source, reader.path("got", "tree"))


@case("aria2", "v1: aria2 seeds, Roost gets")
def aria2_seeds(lab):
    tracker = lab.tracker()
    host, source, torrent, _ = prepared(lab, "v1")
    client = Aria2(host, source.parent, torrent, tracker, seed=True).wait_seeding()
    reader = lab.host("reader")
    roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[client.address]).wait_complete()
    expect_same(source, reader.path("got", "tree"))


@case("aria2", "v1: Roost seeds, aria2 gets, told by a tracker")
def aria2_gets(lab):
    tracker = lab.tracker()
    host, source, torrent, meta = prepared(lab, "v1")
    seeder = roost.Torrent(host, "seed", torrent, source.parent).wait_seeding()
    listed(tracker, meta, seeder.address)
    reader = lab.host("reader")
    Aria2(reader, reader.path("got"), torrent, tracker, seed=False).wait_complete()
    expect_same(source, reader.path("got", "tree"))
