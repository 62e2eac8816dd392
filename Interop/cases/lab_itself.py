# SPDX-License-Identifier: Apache-2.0
"""Strangers among themselves: shows that the lab and its clients work before Roost is judged by them."""
import stock_item
from clients import PORT, DHT, Aria2, Libtorrent, Transmission
from content import PIECE, expect_same, make_tree
from lab import common
from registry import case


def prepared(lab, kind, trackers=()):
    host = lab.host("seeder")
    source = make_tree(host.path("data", "tree"))
    torrent = host.path("tree.torrent")
    return host, source, torrent, common.make_torrent(str(source), str(torrent), kind, PIECE, trackers=trackers)


@case("lab", "libtorrent to libtorrent by magnet through the DHT, hybrid", optional=True)
def libtorrent_pair(lab):
    dht = DHT(lab)
    host, source, torrent, meta = prepared(lab, "hybrid")
    Libtorrent(host, "seed", source.parent, torrent, dht=dht).wait_seeding()
    reader = lab.host("reader")
    Libtorrent(reader, "leech", reader.path("got"), magnet=common.magnet_of(meta), dht=dht).wait_complete(90)
    expect_same(source, reader.path("got", "tree"), ignore=(".pad",))


@case("lab", "libtorrent to Transmission by magnet through the DHT, v1", optional=True)
def transmission_pair(lab):
    dht = DHT(lab)
    host, source, torrent, meta = prepared(lab, "v1")
    Libtorrent(host, "seed", source.parent, torrent, dht=dht).wait_seeding()
    reader = lab.host("reader")
    Transmission(reader, reader.path("got"), dht=dht).add(magnet=common.magnet_of(meta)).wait_complete(180)
    expect_same(source, reader.path("got", "tree"), without_empty=True)


@case("lab", "Transmission to aria2 by a tracker, v1", optional=True)
def aria2_pair(lab):
    tracker = lab.tracker()
    host, source, torrent, _ = prepared(lab, "v1", trackers=[tracker.url])
    Transmission(host, source.parent).add(torrent).wait_seeding()
    reader = lab.host("reader")
    Aria2(reader, reader.path("got"), torrent, tracker, seed=False).wait_complete()
    expect_same(source, reader.path("got", "tree"))


@case("lab", "libtorrent nodes take and return the stock BEP 46 item that the harness signs", optional=True)
def item(lab):
    dht = DHT(lab)
    value = {"ih": bytes(range(20))}
    key, taken = stock_item.put([(address, PORT) for address in dht.host.addresses], bytes(32), value)
    if taken == 0:
        raise AssertionError("no node took the item")
    answer = dht.ask(op="get", key=key, salt="", timeout=40)
    if common.bdecode(bytes.fromhex(answer["value"]))[0] != {b"ih": value["ih"]}:
        raise AssertionError(f"read {answer}")


@case("lab", "the exit code of a process is its own, however soon it ends")
def exit_codes(lab):
    host = lab.host("user")
    codes = {host.start(["sh", "-c", f"sleep 0.00{number % 10}; exit 130"]).code(20) for number in range(40)}
    if codes != {130}:
        raise AssertionError(f"told {codes}")
