# SPDX-License-Identifier: Apache-2.0
"""Serving capacity grows with demand: many readers of one seeder serve each other."""
import roost
from clients import DHT
from content import expect_same
from lab import common
from registry import case

SIZE, READERS = 8 << 20, 40


def sent(host):
    """Bytes that left the host's interface, headers included."""
    lines = host.run(["cat", "/proc/net/dev"]).stdout.splitlines()
    return next(int(line.split(":")[1].split()[8]) for line in lines if line.strip().startswith("p"))


@case("scale", f"S0-01: {READERS} readers of 8 MiB: the first seeder, on a slow line, uploads at most three times its size, and then may leave", optional=True)
def many_readers(lab):
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
    for number in range(READERS):
        reader = lab.host(f"reader-{number}")
        readers.append((reader, roost.Torrent(reader, "get", torrent, reader.path("got"), dht=dht)))
    for _, client in readers[: READERS // 2]:
        client.wait_complete(120)
    copies = (sent(host) - before) / SIZE
    seeder.process.stop()
    for reader, client in readers:
        client.wait_complete(120)
        expect_same(source.parent, reader.path("got"), ignore=(".",))  # a resume record stands beside
    if copies > 3:
        raise AssertionError(f"the seeder sent {copies:.1f} copies before half of the readers were done")
