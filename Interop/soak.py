#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Thirty processes for a long time: publishers that update, readers that fetch, peers that come and go, hostile neighbours.

    Interop/soak.py [--minutes 60] [--nodes 26] [--seed 2026] [--chart FILE.svg]

Every node is a whole `roost` in a network namespace of its own; beside them stand a libtorrent DHT and noise.py twice. Each minute
a publisher publishes a new release and some of the nodes that churn end, every second one by `kill -9`, and start again with
their home. Readers fetch all the time, each in its turn. Sampled are resident memory, descriptors and threads of every node, every
queue that `status` shows, and how long each fetch took. In the end the doctor of each node is asked, then each node to end.

A node that holds more releases takes more memory, and a leak would look the same. So updates end in the middle of the run; the
rest goes on, and memory is tested there. What a release costs is printed from the first half.

The verdict (soak_verdict.py): that happened which was planned; memory flat, in the mean and in each node (a straight line through
the samples without updates, its slope beside its standard error), and never more than updates explain; no descriptors lost, no
queue beyond its bound, no reader left behind or waiting, no fetch of an available site failed or slow; everybody ended as it was
asked to, and not before. Use a release build for figures. The chart and the samples (.json beside it) are written however the run
ends, to Interop/output."""
import argparse
import concurrent.futures
import itertools
import json
import math
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
from soak_chart import chart  # noqa: E402
from soak_ends import Company, doctor_of, end, left_by  # noqa: E402
from soak_verdict import verdict  # noqa: E402
from soak_watch import Watch  # noqa: E402

OUTPUT = pathlib.Path(__file__).resolve().parent / "output"
# Messages a second of one hostile neighbour.
RATE = 40


class Site:
    """One published folder and what its publisher did last."""

    def __init__(self, node, number):
        self.node, self.number = node, number
        # Begun; and acknowledged, from when on readers must have it.
        self.release = self.published = 0
        self.folder = node.host.path("site", "index.html").parent
        self.address = None
        self.publish()

    def publish(self):
        self.release += 1
        (self.folder / "index.html").write_text(f"<h1>site {self.number}</h1><p>release {self.release}</p>" + "x" * 3000)
        (self.folder / f"{self.release % 4}.bin").write_bytes(random.Random(self.release).randbytes(200_000))
        report = self.node.publish(self.folder, *(() if self.address else ("--new",)), "--label", f"1.{self.release}")
        self.address = roost.address_of(report)
        self.published = self.release


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
        company = {"dht": self.dht.process}
        for number in range(2):
            host = network.host(f"noise{number}")
            company[host.name] = host.start([sys.executable, pathlib.Path(__file__).parent / "noise.py", host.address, RATE, *targets])
            expect(company[host.name], "ready", 20)
        self.company = Company(company)
        self.began, self.stopped = time.monotonic(), threading.Event()
        self.watch, self.fetches, self.failures = Watch(self), [], {}
        # Those that are gone just now because they were to go; whose turn it is next, and how.
        self.away, self.next = set(), self.rounds(self.churners)
        self.ends, self.homes = [], {}
        # A process ends with the thread that has started it: this one is there until the end.
        self.starter = concurrent.futures.ThreadPoolExecutor(1)
        self.fetched, self.updated, self.lock = 0, 0.0, threading.Lock()

    def rounds(self, members):
        """Each in turn, in another order each time; the ways to end take turns."""
        ways = itertools.cycle(("asked", "killed"))
        while True:
            for member in self.random.sample(members, len(members)):
                yield member, next(ways)

    @property
    def going(self):
        """Of those that come and go, so many every minute."""
        return max(1, len(self.churners) // 3)

    @property
    def plan(self):
        # A turn each minute; one that would hardly begin is none.
        minutes, turns, updates = self.options.minutes, *(max(1, math.ceil(span - 0.1)) for span in (self.options.minutes, self.options.minutes / 2))
        names = {name: [node.host.name for node in getattr(self, name)] for name in ("stayers", "churners", "readers")}
        rates = {name: RATE if name.startswith("noise") else 0 for name in self.company.members}
        return {"seconds": minutes * 60, "updates": updates, "churned": turns * self.going, **names, "company": rates}

    @property
    def now(self):
        return time.monotonic() - self.began

    def fail(self, what, key=None):
        """Once, however often it happens. `key`: what it is, where the words are others each time."""
        with self.lock:
            failure = self.failures.setdefault(key or what, {"what": what, "first": self.now, "count": 0})
            failure["count"] += 1

    def fetch(self, reader, site):
        """One fetch of the newest release into a new folder, which is removed: what stays is what the node keeps."""
        before = site.published
        with self.lock:
            self.fetched += 1
            folder = reader.host.path(f"got{self.fetched}")
        began = time.monotonic()
        try:
            reader.fetch(site.address, folder, timeout=90)
            page = (folder / "index.html").read_text()
            seen = int(page.split("release ")[1].split("<")[0])
            self.fetches.append((self.now, time.monotonic() - began, reader.host.name, site.number, before - seen))
        except Exception as error:  # Whatever it is, it is what the reader saw.
            if not self.stopped.is_set():
                self.fail(f"{reader.host.name} of site {site.number}: {str(error)[-400:]}", (reader, site, type(error)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def churn(self):
        for node, how in itertools.islice(self.next, self.going):
            with self.lock:
                self.away.add(node)
            self.ends.append(end(node, how, self.now))
            self.starter.submit(node.start).result()
            with self.lock:
                self.away.discard(node)

    def run(self):
        """Until its time is over or something ends it; whatever that is is among the failures."""
        end = self.began + self.options.minutes * 60
        # One thread turns the lab (churn, updates, looks); two fetch.
        works = [(self.turn, ()), *((self.read, (number,)) for number in range(2))]
        threads = [threading.Thread(target=self.work, args=work, daemon=True) for work in works]
        try:
            for thread in threads:
                thread.start()
            while time.monotonic() < end and not self.stopped.is_set():
                self.watch.sample()
                self.stopped.wait(max(0, min(5, end - time.monotonic())))
            self.watch.sample()
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            self.fail(f"ended after {self.now / 60:.1f} min: {type(error).__name__} {error}")
        finally:
            self.stopped.set()
            # A node that is just starting again is there when all are asked to end.
            threads[0].join(60)
            for thread in threads:
                # A command under way ends with its node.
                thread.join(10)

    def finish(self):
        """Asks every node what is wrong with it, and to end; then the company."""
        with concurrent.futures.ThreadPoolExecutor(6) as workers:
            list(workers.map(self.dismiss, self.nodes))
        self.company.dismiss()
        self.starter.shutdown()

    def dismiss(self, node):
        try:
            self.homes[node.host.name] = home = {"doctor": None, "problems": [], "left": []}
            if node.process.exited is None:
                home.update(doctor_of(node))
            self.ends.append(end(node, "asked", self.now, last=True))
            home["left"] = left_by(node)
        except Exception as error:  # The others are asked all the same.
            self.fail(f"{node.host.name} in the end: {type(error).__name__}: {str(error)[-400:]}")

    def work(self, body, arguments):
        while not self.stopped.is_set():
            try:
                body(*arguments)
            except Exception as error:  # What breaks fails the run, and what else happens in it is worth seeing.
                if not self.stopped.is_set():
                    self.fail(f"{body.__name__}: {type(error).__name__}: {str(error)[-400:]}", (body, type(error)))
                self.stopped.wait(5)

    def read(self, number):
        """Each reader in its turn and each site in its turn, so that none is forgotten; in another order each time."""
        choice = random.Random(self.options.seed + number)
        mine = list(enumerate(self.readers[number::2]))
        for turn in itertools.count():
            for place, reader in choice.sample(mine, len(mine)):
                if self.stopped.wait(1):
                    return
                self.fetch(reader, self.sites[(place + turn) % len(self.sites)])

    def turn(self):
        """One minute."""
        began = time.monotonic()
        if self.now >= self.options.minutes * 60:
            # It is just over.
            self.stopped.wait(5)
            return
        if self.now < self.options.minutes * 30:
            self.random.choice(self.sites).publish()
            self.updated = self.now
        self.churn()
        # In this thread all that came and went are there again.
        for node in self.random.sample(self.nodes, min(8, len(self.nodes))):
            self.watch.look(node)
        self.say()
        self.stopped.wait(max(0, began + 60 - time.monotonic()))

    def say(self):
        memory = [row[0] for row in self.watch.samples[-1][1].values()] if self.watch.samples else []
        print(f"{self.now / 60:5.1f} min: {len(self.fetches)} fetches, {len(self.failures)} failures, memory {statistics.fmean(memory or [0]):.1f} MiB mean, "
              f"{max(memory or [0]):.1f} most", flush=True)

    @property
    def record(self):
        """As soak_verdict.py has it."""
        with self.lock:
            failures = [dict(failure) for failure in self.failures.values()]
        return {"samples": list(self.watch.samples), "churned": list(self.watch.churned), "fetches": list(self.fetches), "failures": failures,
                "queues": dict(self.watch.queues), "updated": self.updated, "updates": sum(site.published for site in self.sites), "sites": len(self.sites),
                "plan": self.plan, "ends": list(self.ends), "homes": dict(self.homes), "company": self.company.record}

    def keep(self):
        """Writes the chart and the samples."""
        path, record = self.options.chart, self.record
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").write_text(json.dumps(record))
        chart(record, path)
        return record


def parse():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--nodes", type=int, default=26)
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--chart", type=pathlib.Path, help="an .svg; a file of this process's own in Interop/output")
    given = options.parse_args()
    # Two that run at the same time have each its own.
    given.chart = (given.chart or OUTPUT / f"soak-{given.seed}-{os.getpid()}.svg").resolve()
    if given.nodes < 7 or not 0 < given.minutes < math.inf:
        options.error("a soak has seven nodes or more, and some minutes")
    if given.chart.suffix != ".svg":
        options.error("--chart names an .svg; the samples are written beside it")
    return given


def main():
    options = parse()
    lab.enter()
    common.Proc._sample = lambda process: None
    with lab.Lab() as network:
        soak = Soak(network, options)
        print(f"{len(soak.nodes)} nodes ({len(soak.sites)} publish, {len(soak.readers)} read, {len(soak.churners)} come and go), "
              f"{len(soak.dht.host.addresses)} DHT nodes, {len(soak.company.members) - 1} hostile neighbours, {options.minutes:g} minutes", flush=True)
        try:
            soak.run()
            soak.finish()
        finally:
            record = soak.keep()
    word, sentences, faults = verdict(record)
    for sentence in sentences:
        print(sentence, flush=True)
    for fault in faults[:20]:
        print(f"FAILED {fault}", flush=True)
    if len(faults) > 20:
        print(f"FAILED and {len(faults) - 20} more, in the samples")
    print(f"chart: {options.chart}")
    print(f"soak: {word}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
