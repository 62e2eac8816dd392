# SPDX-License-Identifier: Apache-2.0
"""BEP 5, 44 and 46 against libtorrent's DHT nodes."""
import hashlib
import time

import roost
from clients import DHT, Libtorrent, Transmission
from content import expect_same, make_tree
from lab import common
from registry import case

SEED = hashlib.sha256(b"a key of the interop cases").hexdigest()
SALT = b"home page".hex()


def both(lab):
    """A DHT of libtorrent nodes and one Roost node that joined it."""
    dht = DHT(lab)
    node = roost.DHTNode(lab.host("ours"), dht)
    node.ask(op="warm", lookups=4)
    return dht, node


def read_mutable(reader, key, salt, value):
    """The value as bytes that both sides may print bencoded or plain."""
    answer = reader.ask(op="get", key=key, salt=salt, timeout=40)
    got = bytes.fromhex(answer["value"])
    if got not in (value, common.bencode(value)):
        raise AssertionError(f"read {got!r} and not {value!r}")
    return answer["seq"]


@case("dht", "libtorrent reads the mutable item that Roost put (BEP 44)")
def mutable_from_roost(lab):
    dht, node = both(lab)
    put = node.ask(op="put", seed=SEED, salt=SALT, value=b"written by Roost".hex())
    read_mutable(dht, put["key"], SALT, b"written by Roost")


@case("dht", "Roost reads the mutable item that libtorrent put (BEP 44)")
def mutable_from_libtorrent(lab):
    dht, node = both(lab)
    put = dht.ask(op="put", seed=SEED, salt=SALT, value=b"written by libtorrent".hex())
    read_mutable(node, put["key"], SALT, b"written by libtorrent")


@case("dht", "the same seed gives both the same key, and a newer value replaces the older one (BEP 44)")
def newer_wins(lab):
    dht, node = both(lab)
    first = dht.ask(op="put", seed=SEED, salt="", value=b"first".hex())
    older = read_mutable(node, first["key"], "", b"first")
    second = node.ask(op="put", seed=SEED, salt="", value=b"second".hex())
    if second["key"] != first["key"]:
        raise AssertionError("the two derive different keys from one seed")
    newer = read_mutable(dht, first["key"], "", b"second")
    if newer <= older:
        raise AssertionError(f"seq went from {older} to {newer}")


@case("dht", "immutable items cross in both directions (BEP 44)")
def immutable(lab):
    dht, node = both(lab)
    for writer, reader, value in ((node, dht, b"from Roost"), (dht, node, b"from libtorrent")):
        target = writer.ask(op="put_immutable", value=value.hex())["target"]
        got = bytes.fromhex(reader.ask(op="get_immutable", target=target, timeout=40)["value"])
        if got not in (value, common.bencode(value)):
            raise AssertionError(f"read {got!r} and not {value!r}")


@case("dht", "a peer that either announces is found by the other (BEP 5)")
def peers(lab):
    dht, node = both(lab)
    for number, (writer, reader) in enumerate(((node, dht), (dht, node))):
        infohash = hashlib.sha1(b"torrent %d" % number).hexdigest()
        writer.ask(op="announce", info_hash=infohash, port=6881)
        end = time.monotonic() + 20
        while True:
            try:
                if reader.ask(op="get_peers", info_hash=infohash, timeout=5)["peers"] > 0:
                    break
            except TimeoutError:
                pass
            if time.monotonic() > end:
                raise AssertionError("the announced peer was not found within 20 s")


@case("dht", "S3-070 S2-06: what a running node holds is announced so that libtorrent finds it by get_peers, and it finds what libtorrent announced", waits=True)
def node_announces(lab):
    dht = DHT(lab, nodes=20)
    node = roost.Node(lab.host("publisher"), dht).wait_dht()
    report = node.publish(make_tree(node.host.path("site")), "--new", "--label", "1.0.0")
    wanted = {"v1 torrent": report["v1"], "v2 torrent": report["v2"][:40], "site": roost.site_id(report)[:40]}
    for what, infohash in wanted.items():
        found(dht, infohash, what)
    reader = lab.host("reader")
    seeder = lab.host("seeder")
    source = make_tree(seeder.path("data", "tree"), seed=8)
    meta = common.make_torrent(str(source), str(seeder.path("t.torrent")), "v1", 65536)
    Libtorrent(seeder, "seed", source.parent, seeder.path("t.torrent"), dht=dht).wait_seeding()
    other = roost.Node(reader, dht).wait_dht()
    other.fetch(common.magnet_of(meta), reader.path("got"))
    expect_same(source, reader.path("got"))


def found(reader, infohash, what, timeout=60):
    end = time.monotonic() + timeout
    while True:
        try:
            if reader.ask(op="get_peers", info_hash=infohash, timeout=5)["peers"] > 0:
                return
        except TimeoutError:
            pass
        if time.monotonic() > end:
            raise AssertionError(f"nobody is announced for the {what} after {timeout} s")


@case("dht", "S2-09: the item of a published site is exactly {ih, ih2, r}, signed, under the site key; libtorrent reads it by dht_get_mutable_item, and the next release replaces it (S2-11)")
def site_item(lab):
    dht = DHT(lab)
    node = roost.Node(lab.host("publisher"), dht).wait_dht()
    source = make_tree(node.host.path("site"))
    first = node.publish(source, "--new", "--label", "1.0.0")
    older = expect_item(dht, first)
    (source / "index.html").write_text("<p>changed</p>")
    second = node.publish(source, "--site", first["site"], "--label", "1.0.1")
    if second["v1"] == first["v1"] or second["v2"] == first["v2"]:
        raise AssertionError("S2-07: the content changed and an infohash did not")
    newer = expect_item(dht, second)
    if newer <= older:
        raise AssertionError(f"seq went from {older} to {newer}")


def expect_item(dht, report, timeout=40):
    """Waits for the item to name this release; its seq."""
    end, problem = time.monotonic() + timeout, "no item was found"
    while time.monotonic() < end:
        try:
            answer = dht.ask(op="get", key=report["key"], salt="", timeout=20)
        except TimeoutError:
            continue
        value = common.bdecode(bytes.fromhex(answer["value"]))[0] if answer["value"] else {}
        if value.get(b"ih", b"").hex() == report["v1"] and value.get(b"ih2", b"").hex() == report["v2"]:
            if sorted(value) != [b"ih", b"ih2", b"r"] or len(value[b"r"]) != 32:
                raise AssertionError(f"the item holds {value}")
            if hashlib.sha256(bytes.fromhex(report["key"])).hexdigest() != roost.site_id(report):
                raise AssertionError("S4-61: the site id is not the hash of the key")
            return answer["seq"]
        problem = f"the item says {value}"
        time.sleep(1)
    raise AssertionError(problem)


@case("dht", "a DHT of Roost nodes alone serves Transmission: it bootstraps in it, and Roost finds what it announced (S3-070)", waits=True)
def transmission_among_roost(lab):
    dht = roost.DHT(lab)
    seeder = lab.host("seeder")
    source = make_tree(seeder.path("data", "tree"))
    meta = common.make_torrent(str(source), str(seeder.path("t.torrent")), "v1", 65536)
    client = Transmission(seeder, source.parent, dht=dht)
    client.add(seeder.path("t.torrent")).wait_seeding()
    reader = lab.host("reader")
    roost.Torrent(reader, "get", common.magnet_of(meta), reader.path("got"), dht=dht).wait_complete(240)
    expect_same(source, reader.path("got", "tree"))


@case("dht", "S3-070: in a DHT of Roost nodes alone Transmission finds, by magnet, what Roost announced", waits=True)
def transmission_finds_among_roost(lab):
    dht = roost.DHT(lab)
    host = lab.host("seeder")
    source = make_tree(host.path("data", "tree"))
    meta = common.make_torrent(str(source), str(host.path("t.torrent")), "v1", 65536)
    roost.Torrent(host, "seed", host.path("t.torrent"), source.parent, dht=dht).wait_seeding()
    reader = lab.host("reader")
    Transmission(reader, reader.path("got"), dht=dht).add(magnet=common.magnet_of(meta)).wait_complete(240)
    expect_same(source, reader.path("got", "tree"), without_empty=True)
