# SPDX-License-Identifier: Apache-2.0
"""Peers that lie, and torrents that want to write where they should not."""
import hashlib
import shutil
import sys

import roost
from clients import DHT, PORT, Libtorrent, expect
from content import PIECE, expect_same, make_tree
from lab import ROOT, common
from registry import case

LIAR = ROOT / "Interop/liar.py"


def liar(lab, torrent, *answers):
    host = lab.host("liar")
    process = host.start([sys.executable, LIAR, f"{host.address}:{PORT}", torrent, *answers])
    expect(process, "ready", 10)
    return process, f"{host.address}:{PORT}"


def count(process, event):
    return sum(f'"event": "{event}"' in line for _, line in list(process.lines))


@case("hostile", "S2-01: a peer that sends noise is dropped and stays out while the download completes from an honest one")
def noise(lab):
    host = lab.host("seeder")
    source = make_tree(host.path("data", "tree"))
    torrent = host.path("tree.torrent")
    common.make_torrent(str(source), str(torrent), "v1", PIECE)
    honest = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    host.slow("16mbit")  # so that the liar is asked, too
    process, address = liar(lab, torrent)
    reader = lab.host("reader")
    roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[address, honest.address]).wait_complete(60)
    expect_same(source, reader.path("got", "tree"))
    if count(process, "lie") == 0:
        raise AssertionError("the liar was never asked: the case shows nothing")
    if count(process, "closed") == 0:
        raise AssertionError("the liar was not dropped")


@case("hostile", "S2-01: of the five peers that are found for a site's address two lie, and the reader gets exactly what was published")
def two_of_five(lab):
    dht = DHT(lab, nodes=4)
    publisher = roost.Node(lab.host("publisher"), dht).wait_dht(nodes=2)
    source = publisher.host.path("site")
    source.mkdir()
    for number in range(4):
        common.make_file(str(source / f"part-{number}.bin"), 1 << 20, seed=number)
    report = publisher.publish(source, "--new", "--label", "1.0.0")
    honest = [publisher]
    for number in range(2):
        keeper = roost.Node(lab.host(f"keeper-{number}"), dht).wait_dht(nodes=2)
        keeper.fetch(roost.address_of(report), keeper.host.path("got"))
        honest.append(keeper)
    for node in honest:
        node.host.slow("8mbit")  # so that the liars are asked, too
    liars = []
    for number in range(2):
        host = lab.host(f"liar-{number}")
        node = roost.DHTNode(host, dht)
        liars.append(host.start([sys.executable, LIAR, f"{host.address}:{PORT + 1}"]))
        expect(liars[-1], "ready", 10)
        for infohash in (roost.site_id(report), report["v1"], report["v2"]):
            node.ask(op="announce", info_hash=infohash[:40], port=PORT + 1)
    reader = roost.Node(lab.host("reader"), dht).wait_dht(nodes=2)
    reader.fetch(roost.address_of(report), reader.host.path("got"))
    expect_same(source, reader.host.path("got"), ignore=(".roost-site",))
    if sum(count(process, "lie") for process in liars) == 0:
        raise AssertionError("neither liar was asked for a block: the case shows nothing")


ESCAPES = [
    ["..", "outside.txt"], ["a", "..", "..", "outside.txt"], ["/etc", "outside.txt"], ["..\\outside.txt"], ["a/../../outside.txt"],
    ["a\0b"], [".", "..", "outside.txt"], [""],
]


def crafted(path, files, name=b"tree"):
    """A v1 torrent of one-byte files with these paths; the bytes are all zero."""
    info = {"name": name, "piece length": 16384, "pieces": hashlib.sha1(bytes(len(files))).digest(),
            "files": [{"length": 1, "path": [part for part in parts]} for parts in files]}
    path.write_bytes(common.bencode({"info": info}))
    return {"v1": hashlib.sha1(common.bencode(info)).hexdigest(), "v2": None, "name": "tree"}


def outside(host, folder):
    """Names that appeared in the host's folder but not beneath the download folder, or at the places that the paths aim at."""
    known = {"stderr.log", "evil.torrent"}
    found = [path.name for path in host.folder.iterdir() if path != folder and path.name not in known]
    return found + [path.name for path in host.folder.parent.iterdir() if "outside" in path.name]


def register_for(parts):
    @case("hostile", f"a torrent with the path {parts!r} writes nothing outside, whether from a file or from a peer's metadata")
    def escape(lab):
        reader = lab.host("reader")
        torrent, folder = reader.path("evil.torrent"), reader.path("got")
        meta = crafted(torrent, [["good.txt"], parts])
        folder.mkdir()
        process, address = liar(lab, torrent, "zeros")
        for source in (str(torrent), common.magnet_of(meta)):
            shutil.rmtree(folder)
            folder.mkdir()
            done = roost.run(reader, "torrent", "get", source, "--dir", folder, "--listen", f"{reader.address}:{PORT}", "--peer", address, "--timeout", "10", check=False)
            if done.returncode not in (0, 65):
                raise AssertionError(f"it ended with {done.returncode}, neither done nor bad data: {done.stderr.strip()[-200:]}")
            if done.returncode == 0 and not list(folder.rglob("good*")):
                raise AssertionError("it says that it is done and wrote nothing")
            if escaped := outside(reader, folder):
                raise AssertionError(f"written outside: {escaped}")


for each in ESCAPES:
    register_for(each)
