# SPDX-License-Identifier: Apache-2.0
"""Zone-wide announcement (S3-011): who is in a network of one's own is known to all."""
import time

import roost
from clients import DHT, PORT, ask, expect
from registry import case


class Member:
    """`roost dht node --zone`, alone with its address."""

    def __init__(self, host, address, bootstrap):
        self.address, self.next = f"{address}:{PORT}", 0
        argv = [roost.BINARY, "dht", "node", "--zone", "lab", "--listen", self.address, "--events"]
        for node in bootstrap:
            argv += ["--bootstrap", node]
        self.process = host.start(argv)

    def wait_ready(self):
        expect(self.process, "ready", 60)
        return self

    def known(self):
        return set(ask(self.process, self, 20, {"op": "zone"})["nodes"])


def holders(members, address):
    return sum(address in member.known() for member in members)


def until(what, condition, seconds):
    """How long it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.2)
    return time.monotonic() - began


def zone(lab, count):
    host = lab.host("zone", addresses=count)
    members = []
    for address in host.addresses[:-1]:
        members.append(Member(host, address, [member.address for member in members[:3]]))
        if len(members) <= 3:
            members[-1].wait_ready()
    for member in members[3:]:
        member.wait_ready()
    until("everybody knows half of the others", lambda: all(len(m.known()) * 2 >= count for m in members), 60)
    newcomer = Member(host, host.addresses[-1], [member.address for member in members[:3]]).wait_ready()
    took = until(
        "half of all nodes hold the newcomer's address",
        lambda: holders(members, newcomer.address) * 2 >= count, 30)
    until("the newcomer knows half of the others", lambda: len(newcomer.known()) * 2 >= count, 30)
    # With its input it ends, and says so.
    newcomer.process.p.stdin.close()
    until("nobody holds the address of who said that it goes",
          lambda: holders(members, newcomer.address) == 0, 30)
    return took


@case("zones", "S3-011: sixteen processes: half of all hold a newcomer's address at once, and none when it has gone")
def processes(lab):
    zone(lab, 16)


@case("zones", "S3-011: a hundred processes and more: half of all hold a newcomer's address within 30 s", optional=True)
def many_processes(lab):
    print(f"half of 120 nodes hold the newcomer's address after {zone(lab, 120):.1f} s")


@case("zones", "S3-011: whole nodes of a network of their own list each other, beside libtorrent nodes that know nothing of it")
def nodes(lab):
    dht = DHT(lab, nodes=4)
    nodes = []
    for number in range(3):
        node = roost.Node(lab.host(f"node{number}"), dht, network="none", settings={"zone-announcement": "on"})
        nodes.append(node)
    listed = lambda node: {member["addresses"][0] for member in node.value("network", "members") if member["addresses"]}
    expected = {node.listen for node in nodes}
    for node in nodes:
        until("each node lists all", lambda: listed(node) == expected, 40)
    own = [member for member in nodes[0].value("network", "members") if member["own"]]
    if [member["peer"] for member in own] != [nodes[0].value("status")["peerID"]]:
        raise AssertionError(f"the node's own record is not its own: {own}")
    nodes[2].stop()
    for node in nodes[:2]:
        until("who was stopped is not listed", lambda: nodes[2].listen not in listed(node), 40)
