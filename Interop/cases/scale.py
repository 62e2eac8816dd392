# SPDX-License-Identifier: Apache-2.0
"""Serving capacity grows with demand: many readers of one seeder serve each other. And what was served is not held on to."""
import time

import roost
from clients import DHT, expect
from content import expect_same
from lab import common
from registry import case

SIZE = 8 << 20


def sent(host):
    """Bytes that left the host's interface, headers included."""
    lines = host.run(["cat", "/proc/net/dev"]).stdout.splitlines()
    return next(int(line.split(":")[1].split()[8]) for line in lines if line.strip().startswith("p"))


@case("scale", "S0-01: 40 readers of 8 MiB: the first seeder, on a slow line, uploads at most two and a half times its size, and may then die")
def forty_readers(lab):
    many_readers(lab, 40)


@case("scale", "S0-01: the same with 20 readers, no more than are dialled at once", optional=True)
def twenty_readers(lab):
    many_readers(lab, 20)


def many_readers(lab, count):
    dht = DHT(lab)
    host = lab.host("seeder")
    source = host.path("data", "film.bin")
    common.make_file(str(source), SIZE)
    torrent = host.path("film.torrent")
    common.make_torrent(str(source), str(torrent), "v2", 65536)
    seeder = roost.Torrent(host, "seed", torrent, source.parent, dht=dht).wait_seeding()
    host.slow("40mbit")
    before = sent(host)
    readers = []
    for number in range(count):
        reader = lab.host(f"reader-{number}")
        readers.append((reader, roost.Torrent(reader, "get", torrent, reader.path("got"), dht=dht)))
    half = count // 2
    for _, client in readers[:half]:
        client.wait_complete(120)
    at_half = (sent(host) - before) / SIZE
    for _, client in readers[half:]:
        client.wait_complete(120)
    copies = (sent(host) - before) / SIZE
    print(f"      copies that left the seeder: {at_half:.2f} when {half} readers were done, {copies:.2f} with all {count}", flush=True)
    # One more has begun when the seeder dies.
    late = lab.host("late")
    last = roost.Torrent(late, "get", torrent, late.path("got"), dht=dht)
    expect(last.process, "first", 60)
    seeder.process.p.kill()
    last.wait_complete(120)
    for reader, _ in [*readers, (late, last)]:
        expect_same(source.parent, reader.path("got"), ignore=(".",))  # a resume record stands beside
    if copies > 2.5:
        raise AssertionError(f"the seeder sent {copies:.1f} copies to {count} readers")


@case("scale", "who follows a site has no connection left for the releases that it has")
def old_releases(lab):
    dht = DHT(lab, nodes=3)
    nodes = [roost.Node(lab.host(name), dht).wait_dht(nodes=2) for name in ("publisher", "first", "second")]
    publisher, readers = nodes[0], nodes[1:]
    page = publisher.host.path("site", "index.html")
    for release in range(1, 6):
        page.write_text(f"<h1>release {release}</h1>")
        report = publisher.publish(page.parent, *(() if release > 1 else ("--new",)))
        for reader in readers:
            reader.fetch(roost.address_of(report), reader.host.path(f"got{release}"))
    end = time.monotonic() + 20
    while any(node.value("peers") for node in nodes):
        if time.monotonic() > end:
            raise AssertionError(f"peers of old releases are connected still: {[len(node.value('peers')) for node in nodes]}")
        time.sleep(0.3)
