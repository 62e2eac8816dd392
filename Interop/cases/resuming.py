# SPDX-License-Identifier: Apache-2.0
"""A long transfer that is cut off again and again."""
import os
import random
import time

import roost
from cases.scale import sent
from clients import Libtorrent
from content import expect_same
from lab import common
from registry import case

SIZE = 100 << 20
CUTS = 4


def on_disk(folder):
    """Bytes of the files that hold something, holes not counted."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


@case("resuming", "S3-096: 100 MiB from libtorrent with kill -9 at four random points go on each time, and little is fetched twice")
def killed_again_and_again(lab):
    seeder = lab.host("seeder")
    source = seeder.path("data", "big.bin")
    with source.open("wb") as out:
        for _ in range(SIZE >> 20):
            out.write(os.urandom(1 << 20))
    torrent = seeder.path("t.torrent")
    common.make_torrent(str(source), str(torrent), "v1", 1 << 18)
    peer = Libtorrent(seeder, "seed", source.parent, torrent).wait_seeding()
    reader, draw = lab.host("reader"), random.Random()
    before = sent(seeder)
    points = sorted(draw.randrange(SIZE // 20, SIZE * 9 // 10) for _ in range(CUTS))
    for point in points:
        get = roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[peer.address], options=("--rate-down", "40MiB"))
        while on_disk(reader.path("got")) < point and get.process.exited is None:
            time.sleep(0.02)
        get.process.p.kill()
        get.process.wait_exit(10)
    roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[peer.address]).wait_complete()
    expect_same(source.parent, reader.path("got"), ignore=(".",))
    copies = (sent(seeder) - before) / SIZE
    print(f"      cut at {', '.join(f'{point >> 20} MiB' for point in points)}; {copies:.2f} copies were sent", flush=True)
    # What was in flight and the pieces under way are lost at each cut, and headers count too.
    if copies > 1.5:
        raise AssertionError(f"{copies:.2f} copies left the seeder")
