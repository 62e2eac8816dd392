# SPDX-License-Identifier: Apache-2.0
"""BEP 32, 33, 43 and 51 against libtorrent's DHT nodes."""
import hashlib
import json
import os
import socket
import sys
import time

import roost
from cases.torrents import prepared
from clients import OPEN_DHT, PORT, Libtorrent, ask, expect
from content import expect_same
from lab import ROOT, common
from registry import case


class Nodes:
    """libtorrent DHT nodes at addresses of one host."""

    def __init__(self, host, addresses, bootstrap="", **settings):
        argv = [sys.executable, ROOT / "Interop/lt_nodes.py", "--bootstrap", bootstrap, "--set", json.dumps(settings)]
        for address in addresses:
            argv += ["--listen", address]
        self.process, self.next = host.start(argv), 0
        expect(self.process, "ready", 20)

    def ask(self, timeout=30, **operation):
        return ask(self.process, self, timeout, operation)


class RoostNode:
    """`roost dht node --events` at one address of each family."""

    def __init__(self, host, addresses, bootstrap=(), *options):
        argv = [roost.BINARY, "dht", "node", "--events", *options]
        for address in addresses:
            argv += ["--listen", address]
        for address in bootstrap:
            argv += ["--bootstrap", address]
        self.process, self.next = host.start(argv), 0
        expect(self.process, "ready", 20)

    def ask(self, timeout=30, **operation):
        return ask(self.process, self, timeout, operation)


def until(what, check, timeout=25):
    """Asks again until the check holds."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} after {timeout} s")
        time.sleep(0.3)


def query(address, method, **arguments):
    """One raw query from the harness; the answer's `r`, or None where nothing comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.settimeout(1.5)
        message = {"a": {"id": os.urandom(20), **arguments}, "q": method, "t": b"xx", "y": "q"}
        own.sendto(common.bencode(message), (address, PORT))
        try:
            return common.bdecode(own.recv(4096))[0].get(b"r")
        except TimeoutError:
            return None


def listed(address):
    """The IPv4 addresses that a node gives for a random target."""
    nodes = (query(address, "find_node", target=os.urandom(20)) or {}).get(b"nodes", b"")
    return {socket.inet_ntoa(nodes[start + 20:start + 24]) for start in range(0, len(nodes), 26)}


def network(lab, count=6, **settings):
    """A DHT of libtorrent nodes on one host, and its addresses."""
    host = lab.host("dht", addresses=count)
    nodes = Nodes(host, [f"{address}:{PORT}" for address in host.addresses], f"{host.address}:{PORT}", **settings)
    nodes.ask(op="warm", lookups=4)
    return nodes, host.addresses


def infohash(name):
    return hashlib.sha1(name.encode()).hexdigest()


def second_family(host):
    """Gives the host an IPv6 address, which it returns with the port."""
    return f"[{host.six()}]:{PORT}"


@case("dht", "BEP 32: over IPv6 libtorrent enters the DHT at a Roost node; each finds the peer that the other announced")
def ipv6(lab):
    ours, theirs = lab.host("ours"), lab.host("theirs")
    own = second_family(ours)
    node = RoostNode(ours, [own])
    other = Nodes(theirs, [second_family(theirs)], own)
    other.ask(op="warm", lookups=2)
    until("libtorrent is not listed", lambda: node.ask(op="find", target=infohash("x"))["nodes"])
    for number, (writer, reader) in enumerate(((node, other), (other, node))):
        torrent = infohash(f"six {number}")
        writer.ask(op="announce", info_hash=torrent, port=7000)
        until("no peer was found", lambda: found(reader, torrent))


def found(reader, torrent):
    try:
        return reader.ask(op="get_peers", info_hash=torrent, timeout=3)["peers"]
    except TimeoutError:
        return 0


@case("dht", "BEP 32: a Roost node of both families that knows only IPv4 entrances finds the IPv6 network through another such node")
def dual_stack(lab):
    hosts = [lab.host(name) for name in ("first", "second", "six")]
    six = [second_family(host) for host in hosts]
    four = [f"{host.address}:{PORT}" for host in hosts]
    only = RoostNode(hosts[2], [six[2]])
    first = RoostNode(hosts[0], [four[0], six[0]], [six[2]])
    until("the first does not know the IPv6 node", lambda: first.ask(op="find", target=infohash("x"))["nodes"])
    second = RoostNode(hosts[1], [four[1], six[1]], [four[0]])
    only.ask(op="announce", info_hash=infohash("beyond"), port=7000)
    until("the IPv6 node's peer was not found", lambda: found(second, infohash("beyond")))


@case("dht", "BEP 33: Roost counts seeds and others by the filters of libtorrent's nodes, and libtorrent's announces are told apart in Roost's")
def scrape(lab):
    nodes, addresses = network(lab)
    host = lab.host("ours")
    node = RoostNode(host, [f"{host.address}:{PORT}"], [f"{addresses[0]}:{PORT}"])
    node.ask(op="warm", lookups=4)
    torrent = infohash("counted")

    def counted():
        for number in range(len(addresses)):
            nodes.ask(op="announce", node=number, info_hash=torrent, port=7000 + number, seed=int(number < 2))
        report = node.ask(op="scrape", info_hash=torrent)
        if report["sources"] > 0 and round(report["seeds"]) == 2 and round(report["downloaders"]) == len(addresses) - 2:
            return report
        return None
    until("the swarm was not counted", counted)
    own = until("Roost has no filters", lambda: (answer := query(host.address, "get_peers", info_hash=bytes.fromhex(torrent), scrape=1)) and b"BFsd" in answer and answer)
    if len(own[b"BFsd"]) != 256 or len(own[b"BFpe"]) != 256 or not any(own[b"BFsd"]) or b"values" in own:
        raise AssertionError(f"Roost answered {own}")


@case("dht", "BEP 43: a read-only Roost node finds what others announced and is in nobody's table; Roost lists no read-only node of libtorrent")
def read_only(lab):
    nodes, addresses = network(lab)
    nodes.ask(op="announce", info_hash=infohash("there"), port=7000)
    quiet = lab.host("quiet")
    node = RoostNode(quiet, [f"{quiet.address}:{PORT}"], [f"{addresses[0]}:{PORT}"], "--read-only")
    node.ask(op="warm", lookups=6)
    until("no peer was found", lambda: found(node, infohash("there")))
    told = set().union(*(listed(address) for address in addresses for _ in range(4)))
    if quiet.address in told or not told:
        raise AssertionError(f"libtorrent's nodes tell of {told}")
    if query(quiet.address, "ping") is not None:
        raise AssertionError("a read-only node answered")
    ours, silent = lab.host("ours"), lab.host("silent")
    other = RoostNode(ours, [f"{ours.address}:{PORT}"])
    theirs = Nodes(silent, [f"{silent.address}:{PORT}"], f"{ours.address}:{PORT}", dht_read_only=True)
    theirs.ask(op="warm", lookups=4)
    time.sleep(1)
    if silent.address in listed(ours.address):
        raise AssertionError("Roost lists a read-only node")
    del other


@case("dht", "BEP 51: Roost collects the torrents that libtorrent's nodes have peers of, and libtorrent those of Roost")
def samples(lab):
    nodes, addresses = network(lab, dht_sample_infohashes_interval=0)
    host = lab.host("ours")
    node = RoostNode(host, [f"{host.address}:{PORT}"], [f"{addresses[0]}:{PORT}"])
    node.ask(op="warm", lookups=4)
    torrents = {infohash(f"sample {number}") for number in range(4)}

    def collected():
        for torrent in torrents:
            nodes.ask(op="announce", info_hash=torrent, port=7000)
        return set(node.ask(op="sample", target=infohash("anything"))["samples"]) >= torrents
    until("Roost did not collect the samples", collected)
    answer = until("Roost gives no samples", lambda: (
        given := nodes.ask(op="sample", to=[host.address, PORT], target=infohash("x"))) and set(given["samples"]) & torrents and given, 40)
    if answer["total"] < 1 or not 0 <= answer["interval"] <= 21_600:
        raise AssertionError(f"Roost answered {answer}")


@case("dht", "BEP 5: nodes that know nobody enter the DHT through a stock peer of a torrent, and so meet each other")
def port_messages(lab):
    host, source, torrent, meta = prepared(lab, "v1")
    stock = {"enable_dht": True, **OPEN_DHT}
    seeder = Libtorrent(host, "seed", source.parent, torrent, settings=stock).wait_seeding()
    link = f"{common.magnet_of(meta)}&x.pe={seeder.address}"
    readers = [roost.Node(lab.host(name), network="mainline") for name in ("first", "second")]
    for reader in readers:
        if sum(network["dhtNodes"] for network in reader.value("status")["networks"]):
            raise AssertionError("it knows a node already")
        reader.fetch(link, reader.host.path("got"))
        expect_same(source, reader.host.path("got"))
    for reader in readers:
        reader.wait_dht(2)
