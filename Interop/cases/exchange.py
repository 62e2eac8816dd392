# SPDX-License-Identifier: Apache-2.0
"""What peers tell each other besides blocks: other peers (BEP 11), introductions (BEP 55), what they lost (BEP 54), what they
allow (BEP 6), what they want (BEP 21, 53), super-seeding (BEP 16); and peers that abuse it."""
import json
import pathlib
import sys
import time

import roost
from cases.torrents import prepared
from clients import LIBTORRENT_CLIENT, PORT, Libtorrent, event, expect
from content import expect_same
from lab import ROOT, common
from registry import case

RAW = ROOT / "Interop/rawpeer.py"
PEX = ("--pex", "on")


def raw(lab, target, meta, mode, other=None, host=None):
    host = host or lab.host(f"raw-{mode}")
    argv = [sys.executable, RAW, f"{host.address}:{PORT}", target, (meta["v1"] or meta["v2"])[:40], mode] + ([other] if other else [])
    process = host.start(argv)
    expect(process, "ready", 10)
    return process


def peers_of(client):
    """Addresses of the peers of a libtorrent client."""
    start = len(client.process.lines)
    client.process.send("stats")
    return {peer.get("address") for peer in client.process.wait_line(event("stats"), 10, start)[2]["peers"]}


def wait_peer(client, host, timeout=15):
    end = time.monotonic() + timeout
    while not any(address and address.startswith(host.address + ":") for address in peers_of(client)):
        if time.monotonic() > end:
            raise TimeoutError(f"{host.address} is not among its peers {peers_of(client)}")
        time.sleep(0.2)


@case("libtorrent", "BEP 11: Roost hears of a seed through libtorrent, which cannot serve it")
def pex_from_libtorrent(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    seeder = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    middle_host = lab.host("middle")
    # It takes little and gives nothing: what the reader gets comes from the seed.
    middle = Libtorrent(middle_host, "leech", middle_host.path("got"), torrent, peers=[seeder.address],
                        settings={"download_rate_limit": 20_000, "unchoke_slots_limit": 0, "allowed_fast_set_size": 0, "ignore_limits_on_local_network": False})
    wait_peer(middle, host)
    reader = lab.host("reader")
    roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[middle.address], options=PEX).wait_complete(100)
    expect_same(source, reader.path("got", "tree"))


@case("libtorrent", "BEP 11: libtorrent hears of a seed through Roost, which serves it slowly")
def pex_from_roost(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    seeder = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    middle_host = lab.host("middle")
    middle = roost.Torrent(middle_host, "get", torrent, middle_host.path("got"), peers=[seeder.address],
                           options=(*PEX, "--rate-down", "20KiB", "--rate-up", "10KiB"))
    time.sleep(1.5)
    reader = lab.host("reader")
    leech = Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[middle.address])
    leech.wait_complete(100)
    expect_same(source, reader.path("got", "tree"))


@case("libtorrent", "BEP 16: libtorrent clients that know each other complete from a Roost super-seed")
def super_seed(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    seeder = roost.Torrent(host, "seed", torrent, source.parent, options=("--super-seed",)).wait_seeding()
    hosts = [lab.host(f"reader-{number}") for number in range(3)]
    clients = []
    for reader in hosts:
        clients.append(Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[seeder.address] + [client.address for client in clients]))
    for client in clients:
        expect(client.process, "complete", 60)
    for client in clients:
        client.process.stop()
    for reader in hosts:
        expect_same(source, reader.path("got", "tree"))


@case("libtorrent", "BEP 53: Roost gets the files that a magnet selects and no others")
def select_only(lab):
    host, source, torrent, meta = prepared(lab, "v1")
    seeder = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    files = roost.value(host, "torrent", "show", torrent)["files"]
    number = next(index for index, file in enumerate(files) if "large.bin" in json.dumps(file))
    reader = lab.host("reader")
    roost.Torrent(reader, "get", common.magnet_of(meta) + f"&so={number}", reader.path("got"), peers=[seeder.address]).wait_complete(60)
    name = "tree/large.bin"
    if reader.path("got", name).read_bytes() != (source / "large.bin").read_bytes():
        raise AssertionError("the file differs")
    whole = [path for path in reader.path("got").rglob("*") if path.is_file() and path.stat().st_size and path.name.endswith(".html")
             and path.stat().st_size == (source / path.relative_to(reader.path("got", "tree"))).stat().st_size]
    if len(whole) > 6:
        raise AssertionError(f"{len(whole)} other files were fetched")


@case("libtorrent", "BEP 6: Roost fetches while it is choked what libtorrent allows it")
def allowed_fast(lab):
    host, source, _, _ = prepared(lab, "v1")
    small, torrent = source / "deep", host.path("small.torrent")
    common.make_file(str(small / "data.bin"), 5 * 65536, seed=3)
    common.make_torrent(str(small), str(torrent), "v1", 65536)
    seeder = Libtorrent(host, "seed", source, torrent, settings={"unchoke_slots_limit": 0, "allowed_fast_set_size": 12}).wait_seeding()
    reader = lab.host("reader")
    ours = roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[seeder.address])
    expect(ours.process, "first", 20)


@case("libtorrent", "BEP 54: a file that Roost has lost is taken back, and libtorrent gets it from another")
def do_not_have(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    common_seed = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    ours_host = lab.host("forgetful")
    ours = roost.Torrent(ours_host, "get", torrent, ours_host.path("got"), peers=[common_seed.address]).wait_complete(60)
    (ours_host.path("got", "tree", "large.bin")).write_bytes(b"")
    reader = lab.host("reader")
    leech = Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[ours.address])
    time.sleep(2)  # it gets what there still is, and is refused the rest
    leech.process.send(f"peer {common_seed.address}")
    leech.wait_complete(90)
    expect_same(source, reader.path("got", "tree"))


def utp_client(host, mode, folder, torrent, peers=()):
    """A libtorrent client that speaks uTP beside TCP."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, LIBTORRENT_CLIENT, mode, "--dir", folder, "--listen", f"{host.address}:{PORT}", "--utp", "on", "--torrent", torrent]
    for peer in peers:
        argv += ["--peer", peer]
    process = host.start(argv)
    expect(process, "ready", 20)
    return process


@case("libtorrent", "BEP 55: Roost introduces a stranger to libtorrent, which dials it over uTP at once")
def relay(lab):
    host, source, torrent, meta = prepared(lab, "v1")
    ours = roost.Torrent(host, "seed", torrent, source.parent, options=(*PEX, "--utp", "on", "--rate-up", "100KiB")).wait_seeding()
    target = lab.host("target")
    utp_client(target, "leech", target.path("got"), torrent, peers=[ours.address])
    time.sleep(1.5)
    stranger = raw(lab, ours.address, meta, "rendezvous", other=f"{target.address}:{PORT}")
    answer = expect(stranger, "message", 10)
    if (answer["kind"], answer["endpoint"]) != (1, f"{target.address}:{PORT}"):
        raise AssertionError(f"the relay answered {answer}")
    syn = expect(stranger, "syn", 10)
    if not syn["from"].startswith(target.address + ":"):
        raise AssertionError(f"dialled by {syn['from']}")


@case("libtorrent", "BEP 55: Roost, introduced by a stranger, dials libtorrent over uTP and gets the torrent from it")
def introduced(lab):
    host, source, torrent, meta = prepared(lab, "v1")
    seeder = utp_client(host, "seed", source.parent, torrent)
    expect(seeder, "seeding", 30)
    reader = lab.host("reader")
    ours = roost.Torrent(reader, "get", torrent, reader.path("got"), options=(*PEX, "--utp", "on"))
    raw(lab, ours.address, meta, "introduce", other=f"{host.address}:{PORT}")
    ours.wait_complete(60)
    expect_same(source, reader.path("got", "tree"))


DROPPED = ("slow", "requests", "oversized", "haves", "garbage", "pex", "reneger")
BORNE = ("hashes", "silent")


@case("hostile", "peers that flood, dribble, lie, ask for too much and never serve are dropped or borne, and the download completes")
def abusers(lab):
    host, source, torrent, meta = prepared(lab, "v1")
    seeder = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    host.slow("6mbit")
    reader = lab.host("reader")
    ours = roost.Torrent(reader, "get", torrent, reader.path("got"), options=PEX)
    crowd = {mode: raw(lab, ours.address, meta, mode) for mode in DROPPED + BORNE}
    ours.process.send(f"peer {seeder.address}")
    ours.wait_complete(60)
    expect_same(source, reader.path("got", "tree"))
    for mode in DROPPED:
        expect(crowd[mode], "closed", 20)
    peak = common.mem_of(ours.process.p.pid)[0]
    if peak > 200:
        raise AssertionError(f"it took {peak:.0f} MiB")


@case("hostile", "BEP 9: peers that let an invented info dictionary dribble in do not hold up a magnet that another can answer")
def dribblers(lab):
    host, source, torrent, meta = prepared(lab, "v1")
    seeder = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    reader = lab.host("reader")
    ours = roost.Torrent(reader, "get", common.magnet_of(meta), reader.path("got"), options=PEX)
    for number in range(2):
        expect(raw(lab, ours.address, meta, "dribble", host=lab.host(f"dribbler-{number}")), "asked", 10)
    ours.process.send(f"peer {seeder.address}")
    ours.wait_complete(40)
    expect_same(source, reader.path("got", "tree"))
