#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Thirty processes for a long time: publishers that update, readers that fetch, peers that come and go, hostile neighbours.

    Interop/soak.py [--minutes 60] [--nodes 26] [--seed 2026] [--chart FILE.svg]

Every node is a whole `roost` in a network namespace of its own; beside them stand a libtorrent DHT and noise.py twice. Each minute
a publisher publishes a new release and some of the nodes that churn end, every second one by `kill -9`, and start again with
their home. Readers fetch all the time. Sampled are resident memory, descriptors and threads of every node that stays, the
fullest queue that `status` shows, and how long each fetch took.

A node that holds more releases takes more memory, and a leak would look the same. So updates end in the middle of the run; the
rest goes on, and memory is tested there. What a release costs is printed from the first half.

The verdict: memory flat (a straight line through the samples of the second half, its slope beside its standard error),
descriptors no more at the end than in the middle, no queue beyond its bound, no fetch of an available site failed.
Use a release build for figures. The chart and the samples go to Interop/output."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lab  # noqa: E402
import roost  # noqa: E402
from clients import DHT, PORT, expect  # noqa: E402
from lab import common  # noqa: E402

# MiB in an hour that a node's memory may grow, by the slope of the mean over all nodes that stay.
GROWTH = 12
# Minutes without updates below which memory is not judged: a node that has just begun still fills its tables.
JUDGED = 5
# Descriptors that the fullest node may have more at the end than in the middle.
DESCRIPTORS = 24
OUTPUT = pathlib.Path(__file__).resolve().parent / "output"


def line(samples):
    """(slope, standard error) of a straight line through (x, y)."""
    if len(samples) < 4:
        return 0.0, float("inf")
    mean_x, mean_y = (statistics.fmean(sample[axis] for sample in samples) for axis in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in samples)
    return slope, (rest / (len(samples) - 2) / spread) ** 0.5


class Site:
    """One published folder and what its publisher did last."""

    def __init__(self, node, number):
        self.node, self.number, self.release = node, number, 0
        self.folder = node.host.path("site", "index.html").parent
        self.address = None
        self.publish()

    def publish(self):
        self.release += 1
        (self.folder / "index.html").write_text(f"<h1>site {self.number}</h1><p>release {self.release}</p>" + "x" * 3000)
        (self.folder / f"{self.release % 4}.bin").write_bytes(random.Random(self.release).randbytes(200_000))
        report = self.node.publish(self.folder, *(() if self.address else ("--new",)), "--label", f"1.{self.release}")
        self.address = roost.address_of(report)


class Soak:
    def __init__(self, network, options):
        self.lab, self.options, self.random = network, options, random.Random(options.seed)
        self.dht = DHT(network, nodes=6)
        publishers = max(2, options.nodes // 7)
        churners = options.nodes // 4
        self.nodes = [roost.Node(network.host(f"node{number}"), self.dht) for number in range(options.nodes)]
        self.stayers = self.nodes[:options.nodes - churners]
        self.churners = self.nodes[options.nodes - churners:]
        for node in self.nodes:
            node.wait_dht(nodes=3, timeout=60)
        self.sites = [Site(node, number) for number, node in enumerate(self.stayers[:publishers])]
        self.readers = self.stayers[publishers:]
        targets = [f"{node.host.address}:{PORT}" for node in self.stayers]
        self.noise = []
        for number in range(2):
            host = network.host(f"noise{number}")
            self.noise.append(host.start([sys.executable, pathlib.Path(__file__).parent / "noise.py", host.address, "40", *targets]))
            expect(self.noise[-1], "ready", 20)
        self.began = time.monotonic()
        self.samples, self.fetches, self.failures, self.queues = [], [], [], {}
        self.fetched, self.updated, self.lock = 0, 0.0, threading.Lock()

    @property
    def now(self):
        return time.monotonic() - self.began

    def sample(self):
        rows = []
        for node in self.stayers:
            memory = common.mem_of(node.pid)
            if not memory or node.process.exited is not None:
                self.failures.append(f"{node.host.name}: the node ended: {node.host.log_tail(2)}")
                continue
            rows.append((memory[1], len(os.listdir(f"/proc/{node.pid}/fd")), len(os.listdir(f"/proc/{node.pid}/task"))))
        self.samples.append((self.now, rows))

    def look(self, node):
        """Whether a queue of the node stands beyond its bound."""
        for torrent in node.value("status")["torrents"]:
            for queue in torrent.get("queues") or []:
                used, bound = queue["used"], queue["bound"]
                self.queues[queue["name"]] = max(self.queues.get(queue["name"], (0, bound)), (used, bound))
                # One piece or message may always pass.
                if used > bound + (16 << 20 if "bytes" in queue["name"] else 1):
                    self.failures.append(f"{node.host.name}: {queue['name']} holds {used} of {bound}")

    def fetch(self, reader, site):
        """One fetch of the newest release into a new folder, which is removed: what stays is what the node keeps."""
        before = site.release
        with self.lock:
            self.fetched += 1
            folder = reader.host.path(f"got{self.fetched}")
        began = time.monotonic()
        try:
            reader.fetch(site.address, folder, timeout=90)
            page = (folder / "index.html").read_text()
            seen = int(page.split("release ")[1].split("<")[0])
            self.fetches.append((self.now, time.monotonic() - began, before - seen))
        except Exception as error:  # Whatever it is, it is what the reader saw.
            self.failures.append(f"{self.now / 60:.1f} min: {reader.host.name} of site {site.number}: {str(error)[-400:]}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def churn(self):
        for number, node in enumerate(self.random.sample(self.churners, max(1, len(self.churners) // 3))):
            if number % 2:
                node.process.p.kill()
                # A thread of the process's own waits for its end.
                while node.process.exited is None:
                    time.sleep(0.02)
            else:
                node.stop()
            node.start()

    def run(self):
        # One thread turns the lab (churn, updates, looks); two fetch.
        end = self.began + self.options.minutes * 60
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            readers = [pool.submit(self.read, end, number) for number in range(2)]
            turner = pool.submit(self.turn, end)
            while time.monotonic() < end and not turner.done():
                self.sample()
                time.sleep(5)
            for task in [*readers, turner]:
                task.result()
        self.sample()

    def read(self, end, number):
        choice = random.Random(self.options.seed + number)
        mine = self.readers[number::2]
        while time.monotonic() < end:
            self.fetch(choice.choice(mine), choice.choice(self.sites))
            time.sleep(1)

    def turn(self, end):
        minute = 0
        while time.monotonic() < end:
            minute += 1
            began = time.monotonic()
            if self.now < self.options.minutes * 30:
                self.random.choice(self.sites).publish()
                self.updated = self.now
            self.churn()
            for node in self.random.sample(self.stayers, min(6, len(self.stayers))):
                self.look(node)
            self.say(minute)
            while time.monotonic() < min(end, began + 60):
                time.sleep(0.5)

    def say(self, minute):
        memory = [row[0] for row in self.samples[-1][1]] if self.samples else [0]
        print(f"{minute:3d} min: {len(self.fetches)} fetches, {len(self.failures)} failures, memory {statistics.fmean(memory):.1f} MiB mean, "
              f"{max(memory):.1f} most", flush=True)


def verdict(soak):
    """(passed, sentences)."""
    samples = [sample for sample in soak.samples if sample[1]]
    # A minute after the last update every reader has it, if it ever will.
    still = min(max(samples[-1][0] / 2, soak.updated + 60), samples[-1][0] * 0.8)
    early, late = ([sample for sample in samples if (sample[0] > still) == is_late] for is_late in (False, True))
    mean, before = ([(when / 3600, statistics.fmean(row[0] for row in rows)) for when, rows in part] for part in (late, early))
    slope, error = line(mean)
    updates = sum(site.release for site in soak.sites)
    middle = max(row[1] for when, rows in late[:max(1, len(late) // 3)] for row in rows)
    last = max(row[1] for when, rows in late[-max(1, len(late) // 4):] for row in rows)
    times = sorted(seconds for _, seconds, _ in soak.fetches)
    old = sorted(behind for _, _, behind in soak.fetches)
    is_judged = samples[-1][0] - still >= JUDGED * 60
    flat = not is_judged or slope - 2 * error <= GROWTH
    sentences = [
        f"memory: {before[0][1]:.1f} MiB a node at first, {mean[0][1]:.1f} with {updates} releases of {len(soak.sites)} sites, {mean[-1][1]:.1f} at the end; "
        f"slope without updates {slope:+.1f} ± {error:.1f} MiB an hour (bound {GROWTH}): "
        f"{'too short to judge' if not is_judged else 'flat' if flat else 'GROWS'}",
        f"descriptors of the fullest node: {middle} in the middle, {last} at the end: {'none lost' if last <= middle + DESCRIPTORS else 'LOST'}",
        f"threads of the fullest node: {max(row[2] for _, rows in late for row in rows)}",
        f"fetches: {len(times)}, median {times[len(times) // 2]:.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s, last {times[-1]:.2f} s; "
        f"releases behind the publisher: at most {old[-1]}, {sum(1 for value in old if value > 0)} of {len(old)} fetches" if times else "no fetch came to an end",
        "fullest queues: " + ", ".join(f"{name} {used} of {bound}" for name, (used, bound) in sorted(soak.queues.items()) if used),
        f"failures: {len(soak.failures)}",
    ]
    passed = flat and last <= middle + DESCRIPTORS and not soak.failures and bool(times)
    return passed, sentences


def chart(soak, path):
    """Memory (mean and most), descriptors (most) and each fetch, over time, as one SVG."""
    width, height, left, gap = 900, 170, 60, 46
    span = max(1, soak.samples[-1][0])
    parts = []

    def panel(number, title, series, points=()):
        top = 30 + number * (height + gap)
        most = max([y for _, values in series for _, y in values] + [y for _, y in points] + [1]) * 1.1
        place = lambda x, y: (left + x / span * width, top + height - y / most * height)  # noqa: E731
        parts.append(f'<text x="{left}" y="{top - 8}" font-weight="bold">{title}</text>')
        for step in range(5):
            y = most * step / 4
            level = place(0, y)[1]
            parts.append(f'<line x1="{left}" x2="{left + width}" y1="{level:.1f}" y2="{level:.1f}" stroke="#ddd"/>'
                         f'<text x="{left - 6}" y="{level + 4:.1f}" text-anchor="end">{y:.4g}</text>')
        for minute in range(0, int(span / 60) + 1, max(1, int(span / 600))):
            x = place(minute * 60, 0)[0]
            parts.append(f'<text x="{x:.1f}" y="{top + height + 14}" text-anchor="middle">{minute}</text>')
        for colour, values in series:
            parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="' + " ".join("%.1f,%.1f" % place(*value) for value in values) + '"/>')
        for point in points:
            parts.append('<circle cx="%.1f" cy="%.1f" r="2" fill="#07a"/>' % place(*point))

    rows = [(when, rows) for when, rows in soak.samples if rows]
    panel(0, "resident memory, MiB: mean and most of the nodes that stay; minutes below",
          [("#07a", [(when, statistics.fmean(row[0] for row in values)) for when, values in rows]),
           ("#c40", [(when, max(row[0] for row in values)) for when, values in rows])])
    panel(1, "descriptors: mean and most", [("#07a", [(when, statistics.fmean(row[1] for row in values)) for when, values in rows]),
                                            ("#c40", [(when, max(row[1] for row in values)) for when, values in rows])])
    panel(2, "fetches, seconds each", [], [(when, seconds) for when, seconds, _ in soak.fetches])
    path.parent.mkdir(parents=True, exist_ok=True)
    size = f'width="{left + width + 20}" height="{30 + 3 * (height + gap)}"'
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11"><rect {size} fill="white"/>'
                    + "\n".join(parts) + "</svg>\n")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--nodes", type=int, default=26)
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--chart", type=pathlib.Path, default=OUTPUT / "soak.svg")
    options = options.parse_args()
    lab.enter()
    common.Proc._sample = lambda process: None
    with lab.Lab() as network:
        soak = Soak(network, options)
        print(f"{len(soak.nodes)} nodes ({len(soak.sites)} publish, {len(soak.readers)} read, {len(soak.churners)} come and go), "
              f"{len(soak.dht.host.addresses)} DHT nodes, {len(soak.noise)} hostile neighbours, {options.minutes:g} minutes", flush=True)
        soak.run()
        chart(soak, options.chart)
        options.chart.with_suffix(".json").write_text(json.dumps({"samples": soak.samples, "fetches": soak.fetches, "failures": soak.failures}))
        passed, sentences = verdict(soak)
    for sentence in sentences:
        print(sentence, flush=True)
    for failure in soak.failures[:20]:
        print(f"FAILED {failure}", flush=True)
    print(f"chart: {options.chart}")
    print(f"soak: {'passed' if passed else 'FAILED'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
