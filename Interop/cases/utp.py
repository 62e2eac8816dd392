# SPDX-License-Identifier: Apache-2.0
"""BEP 29 between Roost and libtorrent, both directions, with nothing but uTP, over good and bad paths."""
import os
import pathlib
import shutil
import subprocess
import time

import roost
from clients import PORT, Libtorrent
from content import PIECE, expect_same
from lab import Path, common
from registry import case

ONLY_UTP = {"enable_outgoing_tcp": False, "enable_incoming_tcp": False, "enable_outgoing_utp": True, "enable_incoming_utp": True}
SIZE = 6 << 20


def prepared(host):
    """On the seeder's host one file of noise, and its torrent."""
    source = host.path("data", "tree")
    source.mkdir()
    (source / "noise.bin").write_bytes(os.urandom(SIZE))
    torrent = host.path("noise.torrent")
    common.make_torrent(str(source), str(torrent), "v1", PIECE)
    return source, torrent


def good(lab):
    """How a host on a good path is made."""
    return lab.host


def lossy(lab):
    """And one of which each packet in a hundred is lost, each way: the same ones in each run."""
    net = lab.internet(seed=29)
    return lambda name: net.host(name, Path(loss=0.005))


def from_libtorrent(lab, path=good, options=("--utp", "only")):
    made = path(lab)
    host, reader = made("seeder"), made("reader")
    source, torrent = prepared(host)
    seeder = Libtorrent(host, "seed", source.parent, torrent, settings=ONLY_UTP).wait_seeding()
    roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[seeder.address], options=options).wait_complete()
    expect_same(source, reader.path("got", "tree"))


def from_roost(lab, path=good, options=("--utp", "only")):
    made = path(lab)
    host, reader = made("seeder"), made("reader")
    source, torrent = prepared(host)
    seeder = roost.Torrent(host, "seed", torrent, source.parent, options=options).wait_seeding()
    Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[seeder.address], settings=ONLY_UTP).wait_complete()
    expect_same(source, reader.path("got", "tree"))


@case("utp", "BEP 29: Roost gets from a libtorrent that has nothing but uTP")
def gets(lab):
    from_libtorrent(lab)


@case("utp", "BEP 29: Roost seeds to a libtorrent that has nothing but uTP")
def seeds(lab):
    from_roost(lab)


@case("utp", "BEP 29: Roost gets from libtorrent over a path that loses one packet of a hundred")
def gets_with_loss(lab):
    from_libtorrent(lab, lossy)


@case("utp", "BEP 29: Roost seeds to libtorrent over a path that loses one packet of a hundred")
def seeds_with_loss(lab):
    from_roost(lab, lossy)


@case("utp", "BEP 29: without being asked, Roost uses uTP where a peer takes no TCP")
def falls_back(lab):
    from_libtorrent(lab, options=())


@case("utp", "BEP 29: without being asked, Roost accepts uTP")
def accepts(lab):
    from_roost(lab, options=())


def decoded(capture):
    """What tshark reads in a capture: packets that are uTP, and complaints."""
    fields = ["-T", "fields", "-e", "_ws.col.Protocol", "-e", "_ws.malformed", "-e", "_ws.expert.message"]
    argv = ["tshark", "-r", str(capture), "-d", f"udp.port=={PORT},bt-utp", *fields]
    lines = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    return rows, [row for row in rows if any(row[1:])]


@case("utp", "BEP 29: Wireshark decodes every packet between Roost and libtorrent as uTP, without a complaint (needs tshark)", optional=True)
def wireshark(lab):
    if not shutil.which("tshark"):
        raise RuntimeError("tshark is not installed: apt-get install tshark")
    host = lab.host("seeder")
    source, torrent = prepared(host)
    capture = pathlib.Path(host.path("utp.pcap"))
    # Runs that the kernel cuts are to be cut before they are captured.
    host.run(["ip", "link", "set", "dev", f"p{host.number}", "gso_max_segs", "1"])
    watcher = host.start(["tshark", "-q", "-i", f"p{host.number}", "-f", f"udp port {PORT}", "-s", "256", "-F", "pcap", "-w", capture])
    time.sleep(3)
    seeder = roost.Torrent(host, "seed", torrent, source.parent, options=("--utp", "only")).wait_seeding()
    reader = lab.host("reader")
    Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[seeder.address], settings=ONLY_UTP).wait_complete()
    expect_same(source, reader.path("got", "tree"))
    time.sleep(1)
    watcher.stop()
    rows, complaints = decoded(capture)
    # The payload of a stream is BitTorrent's own, which has a dissector of its own.
    strange = {row[0] for row in rows} - {"BT-uTP", "BitTorrent"}
    if len(rows) < 1000 or strange or complaints:
        raise AssertionError(f"{len(rows)} packets, other protocols {strange}, complaints {complaints[:3]}")
