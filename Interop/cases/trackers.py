# SPDX-License-Identifier: Apache-2.0
"""Trackers: Roost, libtorrent, Transmission and aria2 find each other by a tracker alone; hostile trackers harm nothing."""
import sys
import time

import roost
from clients import PORT, Aria2, Libtorrent, Transmission, expect
from content import PIECE, expect_same, make_tree
from lab import ROOT, common
from registry import case

HOSTILE = ROOT / "Interop/hostile_tracker.py"


def tracked(lab, urls, kind="v1", name="tracked.torrent"):
    host = lab.host("seeder")
    source = make_tree(host.path("data", "tree"))
    torrent = host.path(name)
    meta = common.make_torrent(str(source), str(torrent), kind, PIECE, trackers=urls)
    return host, source, torrent, meta


def wait_for(what, timeout, sentence):
    end = time.monotonic() + timeout
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(sentence)
        time.sleep(0.1)


def register_for(transport):
    @case("trackers", f"S3-096: Roost, libtorrent, Transmission and aria2 find each other by {transport.upper()} tracker alone", waits=True)
    def all_at_once(lab):
        tracker = lab.tracker()
        url = tracker.url if transport == "http" else tracker.udp_url
        host, source, torrent, meta = tracked(lab, [url])
        seeder = roost.Torrent(host, "seed", torrent, source.parent, options=["--allow-local"]).wait_seeding()
        wait_for(lambda: tracker.events(host.address) == ["started"], 10, "the seeder did not announce itself")
        hosts = {name: lab.host(name) for name in ("libtorrent", "transmission", "aria2", "reader")}
        clients = {
            "libtorrent": Libtorrent(hosts["libtorrent"], "leech", hosts["libtorrent"].path("got"), torrent),
            "transmission": Transmission(hosts["transmission"], hosts["transmission"].path("got")).add(torrent),
        }
        if transport == "http":
            clients["aria2"] = Aria2(hosts["aria2"], hosts["aria2"].path("got"), torrent, tracker, seed=False)
        else:
            clients["aria2"] = Aria2(hosts["aria2"], hosts["aria2"].path("got"), torrent, tracker, seed=False, url=url)
        clients["transmission"].wait_complete(60)
        clients["aria2"].wait_complete(60)
        expect(clients["libtorrent"].process, "complete", 60)
        # Now the others serve Roost: the first seeder says goodbye.
        seeder.process.send("quit")
        wait_for(lambda: "stopped" in tracker.events(host.address), 10, "the seeder did not say goodbye")
        reader = hosts["reader"]
        got = roost.Torrent(reader, "get", torrent, reader.path("got"), options=["--tracker", url]).wait_complete(60)
        wait_for(lambda: tracker.events(reader.address)[:2] == ["started", "completed"], 10, f"announced {tracker.events(reader.address)}")
        got.process.send("quit")
        wait_for(lambda: "stopped" in tracker.events(reader.address), 10, "the reader did not say goodbye")
        for name in ("transmission", "aria2", "reader"):
            expect_same(source, hosts[name].path("got", "tree"), without_empty=True)
        over = {entry[4] for entry in tracker.announces if entry[2][0] == reader.address}
        if over != {transport}:
            raise AssertionError(f"announced over {over}")


for each in ("http", "udp"):
    register_for(each)


@case("trackers", "S3-096: a magnet link's trackers are asked; a hybrid is announced under both hashes, the path sent along (BEP 41)")
def magnet(lab):
    tracker = lab.tracker()
    host, source, torrent, meta = tracked(lab, [tracker.url, tracker.udp_url], "hybrid")
    Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    wait_for(lambda: tracker.events(host.address), 20, "libtorrent did not announce")
    reader = lab.host("reader")
    link = common.magnet_of(meta) + f"&tr={tracker.udp_url}"
    roost.Torrent(reader, "get", link, reader.path("got"), options=["--allow-local"]).wait_complete(60)
    expect_same(source, reader.path("got", "tree"))
    ours = [entry for entry in tracker.announces if entry[2][0] == reader.address]
    if {entry[1] for entry in ours} != {meta["v1"], meta["v2"][:40]}:
        raise AssertionError(f"announced {ours}")
    if {entry[5].get("url") for entry in ours} != {"/announce"}:
        raise AssertionError(f"no URL data: {ours}")


@case("trackers", "BEP 48: a scrape over HTTP and UDP counts what libtorrent and Transmission announced", waits=True)
def scrape(lab):
    tracker = lab.tracker()
    host, source, torrent, _ = tracked(lab, [tracker.url, tracker.udp_url])
    Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    other = lab.host("other")
    Transmission(other, other.path("got")).add(torrent)
    wait_for(lambda: {host.address, other.address} <= {entry[2][0] for entry in tracker.announces}, 30, "they did not announce")
    shown = roost.value(other, "torrent", "show", "--scrape", "--allow-local", torrent)
    counts = [(each["tracker"], each.get("seeders", 0) + each.get("leechers", 0)) for each in shown["scrapes"]]
    if counts != [(tracker.url, 2), (tracker.udp_url, 2)]:
        raise AssertionError(f"scraped {shown['scrapes']}")
    refused = roost.value(other, "torrent", "show", "--scrape", torrent)
    if any("seeders" in each for each in refused["scrapes"]):
        raise AssertionError("a stranger's tracker in the local network was asked")


def misbehaving(lab):
    host = lab.host("tracker")
    process = host.start([sys.executable, HOSTILE, f"{host.address}:8000", "8001"])
    paths = expect(process, "ready", 10)["paths"]
    return host, process, [f"http://{host.address}:8000{path}" for path in paths] + [f"udp://{host.address}:8000"]


def said(process, event, **values):
    return [line for _, line in list(process.lines) if f'"event": "{event}"' in line and all(str(value) in line for value in values.values())]


@case("hostile", "S3-096: trackers with hostile replies cost nothing, reach nothing, and the download completes beside them")
def hostile(lab):
    tracker = lab.tracker()
    host, source, torrent, _ = tracked(lab, [tracker.url])
    Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    wait_for(lambda: tracker.events(host.address), 20, "libtorrent did not announce")
    _, process, urls = misbehaving(lab)
    reader = lab.host("reader")
    # A service on the reader's own loopback, which no tracker may have it visit.
    watch = reader.start([sys.executable, HOSTILE, f"{reader.address}:8000", "8001"])
    expect(watch, "ready", 10)
    options = [word for url in urls for word in ("--tracker", url)]
    reading = roost.Torrent(reader, "get", torrent, reader.path("got"), options=[*options, "--allow-local"]).wait_complete(60)
    expect_same(source, reader.path("got", "tree"))
    wait_for(lambda: len(said(process, "asked")) >= len(urls), 20, "not every tracker was asked")
    time.sleep(1)
    if said(process, "victim") or said(watch, "victim"):
        raise AssertionError(f"a tracker had Roost visit {said(process, 'victim') + said(watch, 'victim')}")
    if said(process, "swallowed"):
        raise AssertionError("an endless reply was read")
    status = open(f"/proc/{reading.process.pid}/status").read()
    resident = next(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("VmHWM"))
    if resident > 220:
        raise AssertionError(f"{resident} MiB at the peak")


@case("hostile", "S3-096: a torrent's own trackers in the local network and on this machine are not asked unless the user says so")
def forbidden(lab):
    tracker = lab.tracker()
    host, source, torrent, _ = tracked(lab, [tracker.url, tracker.udp_url, "http://127.0.0.1:8001/announce", "http://localhost:8001/announce"])
    watch = host.start([sys.executable, HOSTILE, f"{host.address}:8000", "8001"])
    expect(watch, "ready", 10)
    roost.Torrent(host, "seed", torrent, source.parent).wait_seeding()
    time.sleep(2)
    if tracker.announces or said(watch, "victim"):
        raise AssertionError("it was asked")
