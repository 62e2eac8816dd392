#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A swarm of mixed clients in which peers come and go: does everybody who stays complete, and does memory stay flat?

    Interop/churn.py [--peers 60] [--minutes 10] [--size 32M] [--check]

Roost, libtorrent and aria2 in equal parts, each on a host of its own, find each other through one tracker. Every minute a fifth
of them leaves, every second one of these by `kill -9`, and as many newcomers of the same kind join. One seed of each kind stays.
A newcomer has 60 seconds; a leaver that had as long and was not complete is a failure too. The memory of the Roost seed, which
serves all the time, is sampled; after the first minute its slope must be flat. Use a release build."""
import argparse
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lab  # noqa: E402
import roost  # noqa: E402
from clients import Aria2, Libtorrent  # noqa: E402
from lab import common  # noqa: E402

KINDS = ("roost", "libtorrent", "aria2")
PATIENCE = 60
# MiB that the seed's memory may grow in ten minutes, by the slope of a straight line through the samples.
GROWTH = 8


class Peer:
    """One client that downloads, or holds everything from the start."""

    def __init__(self, swarm, kind, seeds=False):
        self.kind, self.swarm = kind, swarm
        self.host = swarm.lab.host(f"{kind}-{'seed' if seeds else 'peer'}")
        self.began, self.seconds = time.monotonic(), None
        if seeds:
            folder = self.host.path("got", "film.bin").parent
            (folder / "film.bin").write_bytes(swarm.source.read_bytes())
        else:
            folder = self.host.path("got")
        self.folder = folder
        self.client = self.start(folder, seeds)

    def start(self, folder, seeds):
        torrent, verb = self.swarm.torrent, "seed" if seeds else "get"
        if self.kind == "roost":
            return roost.Torrent(self.host, verb, torrent, folder, options=("--tracker", self.swarm.tracker.url))
        if self.kind == "libtorrent":
            return Libtorrent(self.host, "seed" if seeds else "leech", folder, torrent=torrent)
        return Aria2(self.host, folder, torrent, self.swarm.tracker, seeds)

    def poll(self):
        """Whether it is complete; remembers how long it took."""
        if self.seconds is None:
            words = ("Download complete", "SEED(") if self.kind == "aria2" else ('"complete"',)
            found = [when for when, line in list(self.client.process.lines) if any(word in line for word in words)]
            if found:
                self.seconds = found[0] - self.began
        return self.seconds is not None

    def leave(self, rudely):
        if rudely:
            self.client.process.p.kill()
        self.host.close()
        self.swarm.lab.hosts.remove(self.host)


class MixedSwarm:
    def __init__(self, network, size, random_source):
        self.lab, self.random = network, random_source
        self.tracker = network.tracker()
        origin = network.host("origin")
        self.source = origin.path("data", "film.bin")
        common.make_file(str(self.source), size)
        self.torrent = origin.path("film.torrent")
        common.make_torrent(str(self.source), str(self.torrent), "v1", 262144, trackers=[self.tracker.url])
        self.seeds = [Peer(self, kind, seeds=True) for kind in KINDS]
        self.peers, self.times, self.failures = [], {kind: [] for kind in KINDS}, []

    def join(self, kind):
        self.peers.append(Peer(self, kind))

    def leave(self, peer, rudely):
        self.peers.remove(peer)
        self.settle(peer)
        peer.leave(rudely)

    def settle(self, peer):
        """Counts what became of a peer that goes."""
        age = time.monotonic() - peer.began
        if peer.poll():
            self.times[peer.kind].append(peer.seconds)
            if not common.same_content(str(self.source), str(peer.folder / "film.bin")):
                self.failures.append(f"{peer.kind}: other bytes")
        elif age > PATIENCE:
            self.failures.append(f"{peer.kind}: not complete after {age:.0f} s")

    def churn(self, share):
        leavers = self.random.sample(self.peers, max(1, int(len(self.peers) * share)))
        for number, peer in enumerate(leavers):
            self.leave(peer, rudely=number % 2 == 0)
            self.join(peer.kind)


def slope(samples):
    """MiB in ten minutes, of a straight line through (seconds, MiB)."""
    count = len(samples)
    if count < 3:
        return 0.0
    mean_x, mean_y = (sum(sample[axis] for sample in samples) / count for axis in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return 600 * sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread


def run(swarm, peers, minutes):
    """Memory of the Roost seed as (seconds, MiB)."""
    for number in range(peers - len(swarm.seeds)):
        swarm.join(KINDS[number % len(KINDS)])
    began, samples, next_churn = time.monotonic(), [], 60
    seed = swarm.seeds[0].client.process
    while (now := time.monotonic() - began) < minutes * 60:
        for peer in swarm.peers:
            peer.poll()
        samples.append((now, common.mem_of(seed.pid)[1]))
        if now >= next_churn:
            next_churn += 60
            done = sum(peer.poll() for peer in swarm.peers)
            print(f"{now / 60:4.1f} min: {done} of {len(swarm.peers)} complete, seed {samples[-1][1]:.1f} MiB", flush=True)
            swarm.churn(0.2)
        time.sleep(1)
    end = time.monotonic() + PATIENCE
    while not all(peer.poll() for peer in swarm.peers) and time.monotonic() < end:
        time.sleep(0.5)
    for peer in list(swarm.peers):
        if not peer.poll():
            peer.began = min(peer.began, time.monotonic() - PATIENCE - 1)
        swarm.settle(peer)
    return samples


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peers", type=int, default=60)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--size", default="32M")
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--check", action="store_true")
    options = options.parse_args()
    lab.enter()
    # Sixty samplers of fifty readings a second would weigh more than the swarm.
    common.Proc._sample = lambda process: None
    with lab.Lab() as network:
        swarm = MixedSwarm(network, common.parse_size(options.size), random.Random(options.seed))
        samples = run(swarm, options.peers, options.minutes)
        for kind in KINDS:
            times = sorted(swarm.times[kind])
            if times:
                print(f"{kind}: {len(times)} complete, median {times[len(times) // 2]:.1f} s, last {times[-1]:.1f} s", flush=True)
        late = [sample for sample in samples if sample[0] > 60]
        growth = slope(late)
        print(f"memory of the Roost seed: {late[0][1] if late else 0:.1f} MiB after a minute, {samples[-1][1]:.1f} at the end, "
              f"slope {growth:+.1f} MiB in ten minutes (bound {GROWTH})", flush=True)
        for failure in swarm.failures:
            print(f"FAILED {failure}", flush=True)
    return 1 if options.check and (swarm.failures or growth > GROWTH) else 0


if __name__ == "__main__":
    sys.exit(main())
