# SPDX-License-Identifier: Apache-2.0
"""IPv6 alone and beside IPv4: BEP 7, 11, 14, 29 and 32 with libtorrent, and sites between nodes."""
import time

import roost
from cases.dht_extensions import RoostNode, until
from cases.exchange import raw
from cases.torrents import prepared
from clients import PORT, Libtorrent, expect
from content import PIECE, expect_same, make_tree
from lab import common
from registry import case


def six_of(host):
    """An IPv6 address of the host, with the port; the processes that are given it use no other."""
    return f"[{host.six()}]:{PORT}"


class DHT6:
    """A DHT of Roost nodes that has IPv6 alone."""

    def __init__(self, lab, nodes=3):
        self.nodes, self.bootstrap = [], None
        for number in range(nodes):
            host = lab.host(f"dht-{number}")
            address = six_of(host)
            self.nodes.append(RoostNode(host, [address], [self.bootstrap] if self.bootstrap else []))
            self.bootstrap = self.bootstrap or address
        until("the nodes do not know each other", lambda: len(self.nodes[0].ask(op="find", target="00" * 20)["nodes"]) == nodes - 1)


@case("libtorrent", "BEP 32: over IPv6 alone Roost gets by magnet what libtorrent announced to the DHT")
def discovered_by_roost(lab):
    dht = DHT6(lab)
    host, source, torrent, meta = prepared(lab, "v1")
    Libtorrent(host, "seed", source.parent, torrent, dht=dht, listen=[six_of(host)]).wait_seeding()
    reader = lab.host("reader")
    roost.Torrent(reader, "get", common.magnet_of(meta), reader.path("got"), dht=dht, listen=[six_of(reader)]).wait_complete(60)
    expect_same(source, reader.path("got", "tree"))


@case("libtorrent", "BEP 32: over IPv6 alone libtorrent gets by magnet what Roost announced to the DHT")
def discovered_by_libtorrent(lab):
    dht = DHT6(lab)
    host, source, torrent, meta = prepared(lab, "hybrid")
    roost.Torrent(host, "seed", torrent, source.parent, dht=dht, listen=[six_of(host)]).wait_seeding()
    reader = lab.host("reader")
    Libtorrent(reader, "leech", reader.path("got"), magnet=common.magnet_of(meta), dht=dht, listen=[six_of(reader)]).wait_complete(60)
    expect_same(source, reader.path("got", "tree"), ignore=(".pad",))


@case("libtorrent", "BEP 29: uTP over IPv6, both directions")
def utp(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    first = Libtorrent(host, "seed", source.parent, torrent, listen=[six_of(host)], utp="only").wait_seeding()
    middle = lab.host("middle")
    ours = roost.Torrent(middle, "get", torrent, middle.path("got"), peers=[first.address], options=("--utp", "only"),
                         listen=[six_of(middle)]).wait_complete(60)
    first.process.stop()
    reader = lab.host("reader")
    Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[ours.address], listen=[six_of(reader)], utp="only").wait_complete(60)
    expect_same(source, reader.path("got", "tree"))


@case("libtorrent", "BEP 11: a reader of both families hears of an IPv6 seed through a Roost peer that it knows over IPv4 (added6)")
def pex(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    seeder = Libtorrent(host, "seed", source.parent, torrent, listen=[six_of(host)]).wait_seeding()
    middle_host, reader = lab.host("middle"), lab.host("reader")
    slow = ("--pex", "on", "--rate-down", "20KiB", "--rate-up", "10KiB")
    middle = roost.Torrent(middle_host, "get", torrent, middle_host.path("got"), peers=[seeder.address], options=slow,
                           listen=[f"{middle_host.address}:{PORT}", six_of(middle_host)])
    time.sleep(1.5)
    roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[middle.address], options=("--pex", "on"),
                  listen=[f"{reader.address}:{PORT}", six_of(reader)]).wait_complete(60)
    expect_same(source, reader.path("got", "tree"))


def register_for(transport):
    @case("trackers", f"BEP 7, BEP 15: Roost and libtorrent find each other by a {transport.upper()} tracker over IPv6 alone")
    def tracked(lab):
        tracker = lab.tracker(six=True)
        url = tracker.url if transport == "http" else tracker.udp_url
        host, source, torrent, _ = prepared(lab, "v1")
        address = six_of(host)
        seeder = roost.Torrent(host, "seed", torrent, source.parent, options=["--tracker", url], listen=[address]).wait_seeding()
        until("the seeder did not announce itself", lambda: tracker.events(host.six()) == ["started"])
        theirs = lab.host("theirs")
        tracked_torrent = host.path("tracked.torrent")
        common.make_torrent(str(source), str(tracked_torrent), "v1", PIECE, trackers=[url])
        Libtorrent(theirs, "leech", theirs.path("got"), tracked_torrent, listen=[six_of(theirs)]).wait_complete(60)
        reader = lab.host("reader")
        roost.Torrent(reader, "get", torrent, reader.path("got"), options=["--tracker", url], listen=[six_of(reader)]).wait_complete(60)
        seeder.process.send("quit")
        until("the seeder did not say goodbye", lambda: "stopped" in tracker.events(host.six()), 10)
        expect_same(source, reader.path("got", "tree"))
        expect_same(source, theirs.path("got", "tree"))


for each in ("http", "udp"):
    register_for(each)


@case("libtorrent", "BEP 14: Roost gets from libtorrent, which only the IPv6 group of the local network tells it of")
def local_network(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    reader = lab.host("reader")
    ours = roost.Torrent(reader, "get", torrent, reader.path("got"), options=("--lsd",), listen=[six_of(reader)])
    Libtorrent(host, "seed", source.parent, torrent, settings={"enable_lsd": True}, listen=[six_of(host)]).wait_seeding()
    ours.wait_complete(60)
    expect_same(source, reader.path("got", "tree"))


@case("sites", "BEP 32: a site is published and fetched over IPv6 alone; a node of both families serves those of each")
def sites(lab):
    middle_host, author_host, reader_host, four_host = (lab.host(name) for name in ("middle", "author", "reader", "four"))
    six = middle_host.six()
    middle = roost.Node(middle_host, listen=f"0.0.0.0:{PORT}")
    status = middle.value("status")
    if status["listen"] != [f"0.0.0.0:{PORT}", f"[::]:{PORT}"] or status["networks"][0]["ipv6"] != f"[::]:{PORT}":
        raise AssertionError(f"it listens on {status['listen']}")
    author = roost.Node(author_host, listen=six_of(author_host), bootstrap=[f"[{six}]:{PORT}"])
    source = make_tree(author.host.path("site"))
    report = author.publish(source, "--new")
    address = roost.address_of(report)
    reader = roost.Node(reader_host, listen=six_of(reader_host), bootstrap=[f"[{six}]:{PORT}"])
    reader.fetch(address, reader.host.path("got"))
    expect_same(source, reader.host.path("got"), ignore=(".roost-site",))
    # The node of both reads it over IPv6, and a node without IPv6 reads it from there.
    middle.fetch(address, middle.host.path("got"))
    table = middle.value("dht", "table")
    if not table[0]["buckets6"]:
        raise AssertionError("no node of IPv6 is listed")
    four = roost.Node(four_host, listen=f"{four_host.address}:{PORT}", bootstrap=[f"{middle_host.address}:{PORT}"])
    four.fetch(address, four.host.path("got"))
    expect_same(source, four.host.path("got"), ignore=(".roost-site",))
    if four.value("status")["networks"][0]["ipv6"] != "off":
        raise AssertionError("the last node says that it has IPv6")


@case("sites", "BEP 10, BEP 42: a node that the DHT has seen over IPv6 names that address to a peer that it meets over IPv4")
def named(lab):
    other_host, host, reader = lab.host("other"), lab.host("node"), lab.host("reader")
    entrance, own = other_host.six(), host.six()
    roost.Node(other_host, listen=f"0.0.0.0:{PORT}")
    node = roost.Node(host, listen=f"0.0.0.0:{PORT}", bootstrap=[f"[{entrance}]:{PORT}"])
    report = node.publish(make_tree(host.path("site")), "--new")

    def told():
        peer = raw(lab, f"{host.address}:{PORT}", report, "greet", host=reader)
        return expect(peer, "greeting", 10)["ipv6"] == own
    until("it does not name its IPv6 address", told, 20)
