# SPDX-License-Identifier: Apache-2.0
"""Peers behind address translators of each kind, in the lab's emulator: introductions (BEP 55) between two homes, what happens
where they cannot work, and ports that a home was asked for."""
import os
import time

import roost
from clients import PORT
from content import expect_same
from lab import Path, common
from registry import case

SIZE = 8 << 20
# Who introduces gets and serves so slowly that a download that ends in time came from elsewhere.
SLOWLY = "16KiB"
LINE = Path("50mbit", "10ms")


def prepared(host):
    source = host.path("data", "tree")
    source.mkdir()
    (source / "noise.bin").write_bytes(os.urandom(SIZE))
    torrent = host.path("noise.torrent")
    common.make_torrent(str(source), str(torrent), "v1", 1 << 16)
    return source, torrent


def copied(host, torrent):
    path = host.path("noise.torrent")
    path.write_bytes(torrent.read_bytes())
    return path


class Scene:
    """A peer in the open that has nothing yet and is slow, a seed at home, a reader in another home; both homes know only the
    first. It is no seed, for two seeds have nothing to say to each other."""

    def __init__(self, network, homes, rate=SLOWLY):
        net = network.internet()
        self.relay = net.host("relay", LINE)
        self.seed, self.reader = (net.host(name, LINE, home=net.home(kind, f"of-{name}")) for name, kind in zip(("seed", "reader"), homes))
        self.source, torrent = prepared(self.seed)
        options = ("--pex", "on", "--utp", "on")
        relay = roost.Torrent(self.relay, "get", copied(self.relay, torrent), self.relay.path("got"), options=(*options, "--rate-up", rate, "--rate-down", rate))
        # It has all, and dials whom it is told: `seed` waits to be dialled.
        roost.Torrent(self.seed, "get", torrent, self.source.parent, peers=[relay.address], options=options).wait_complete()
        time.sleep(1)
        self.got = self.reader.path("got")
        self.download = roost.Torrent(self.reader, "get", copied(self.reader, torrent), self.got, peers=[relay.address], options=options)

    def complete(self, seconds):
        self.download.wait_complete(seconds)
        expect_same(self.source, self.got / "tree")

    def left_home(self):
        """How many times its content the seed sent."""
        return self.seed.traffic()["up"]["bytes"] / SIZE


def register_meeting(*kinds):
    @case("nat", f"BEP 55: a reader behind a {kinds[1]} translator gets a site's bytes from a seed behind a {kinds[0]} one, introduced by a third")
    def meets(network):
        scene = Scene(network, kinds)
        scene.complete(60)
        if scene.left_home() < 0.9:
            raise AssertionError(f"only {scene.left_home():.0%} of it left the seed's home")


for pair in (("port", "port"), ("restricted", "port"), ("full", "symmetric"), ("port", "restricted")):
    register_meeting(*pair)


@case("nat", "BEP 55: between two symmetric translators no introduction helps; the download falls back to who introduced them")
def falls_back(network):
    scene = Scene(network, ("symmetric", "symmetric"), rate="2MiB")
    scene.complete(60)
    # Once to who introduced them, and not to the reader.
    if scene.left_home() > 1.3:
        raise AssertionError(f"{scene.left_home():.0%} of it left the seed's home: some went through two symmetric translators")


@case("nat", "RFC 6886: a node at home asks its router for a port by NAT-PMP, says so, and a stranger outside dials it through")
def mapped(network):
    net = network.internet()
    home = net.home("symmetric")
    inner, outer = net.host("inner", LINE, home=home), net.host("outer", LINE)
    place = str(inner.path("home"))
    roost.run(inner, "init", "--serve", "own", "--home", place)
    roost.run(inner, "config", "set", "port-mapping", "on", "--home", place)
    inner.start([roost.BINARY, "start", "--home", place, "--listen", f"0.0.0.0:{PORT}", "--network", "none"])
    wanted = f"{home.address}:{PORT}, TCP and UDP, by NAT-PMP"
    end = time.monotonic() + 30
    while wanted not in (said := roost.run(inner, "status", "--home", place, check=False).stdout):
        if time.monotonic() > end:
            raise AssertionError(f"status does not say {wanted!r}: {said[-600:]}")
        time.sleep(0.3)
    outer.run(["python3", "-c", f"import socket; socket.create_connection(('{home.address}', {PORT}), 10).close()"])
