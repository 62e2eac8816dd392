#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes come and go (S3-007): a fifth of them is replaced every minute; is what is there still found?

    Interop/replaced.py [--nodes 30] [--minutes 10] [--seed 2026] [--check]

Whole nodes, each in a network namespace of its own; two of them publish sites and stay. Every minute a fifth of all leaves for
good, some by `kill -9`, and as many newcomers with empty homes take their places, knowing one DHT node. Each newcomer opens a page of
both sites through the gateway, as a browser does, and searches for their holders; as many that stay on do so too. At least 99 % of
the searches and of the pages must succeed."""
import argparse
import base64
import concurrent.futures
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lab  # noqa: E402
import roost  # noqa: E402
from clients import DHT  # noqa: E402
from lab import common  # noqa: E402

SHARE, BAR = 0.2, 0.99
PAGES = 40


class Site:
    def __init__(self, node, number):
        self.pages = {}
        for page in range(PAGES):
            path = node.host.path("site", f"page{page}.html")
            path.write_text(f"<h1>site {number}, page {page}</h1>" + "x" * (500 * page))
            self.pages[path.name] = path.read_bytes()
        self.address = roost.address_of(node.publish(path.parent, "--new", "--label", "1.0.0"))
        label = base64.b32encode(bytes.fromhex(self.address.removeprefix("betanet://"))).decode().rstrip("=").lower()
        self.origin = f"http://{label}.localhost:8420"


class Pages:
    def __init__(self, network, options):
        self.lab, self.options, self.random = network, options, random.Random(options.seed)
        self.dht = DHT(network, nodes=6)
        self.count, self.asked, self.failures = 0, {"search": 0, "page": 0}, []
        self.times = []
        self.nodes = [self.join() for _ in range(options.nodes)]
        self.sites = [Site(node, number) for number, node in enumerate(self.nodes[:2])]

    def join(self):
        self.count += 1
        return roost.Node(self.lab.host(f"node{self.count}"), self.dht)

    def attempt(self, what, node, body):
        self.asked[what] += 1
        began = time.monotonic()
        try:
            body()
            if what == "page":
                self.times.append(time.monotonic() - began)
        except Exception as error:  # Whatever it is, it is what the reader saw.
            self.failures.append((what, f"{node.host.name} after {time.monotonic() - began:.1f} s: {str(error)[-300:]}"))
            print(f"FAILED {what} {self.failures[-1][1]}", flush=True)

    def search(self, node, site):
        if not node.value("site", "show", "--replicas", site.address, timeout=60).get("holders"):
            raise RuntimeError("nobody was found who holds the site")

    def open(self, node, site, name):
        place = node.host.path(f"page-{name}")
        node.host.run(["curl", "-s", "-f", "--max-time", "60", "--resolve", "*:8420:127.0.0.1", "-o", place, f"{site.origin}/{name}"], timeout=70)
        if place.read_bytes() != site.pages[name]:
            raise RuntimeError("another page was shown")

    def visit(self, node, name):
        for site in self.sites:
            self.attempt("page", node, lambda: self.open(node, site, name))
            self.attempt("search", node, lambda: self.search(node, site))

    def replace(self, position):
        """One leaves and another comes."""
        old = self.nodes[position]
        if position % 2:
            old.process.p.kill()
            while old.process.exited is None:
                time.sleep(0.02)
        else:
            old.stop()
        old.host.close()
        self.lab.hosts.remove(old.host)
        self.nodes[position] = self.join()
        return self.nodes[position]

    def run(self):
        each = max(1, round(SHARE * self.options.nodes))
        end = time.monotonic() + self.options.minutes * 60
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for minute in range(1, int(self.options.minutes) + 1):
                began = time.monotonic()
                gone = self.random.sample(range(2, len(self.nodes)), each)
                names = [f"page{self.random.randrange(PAGES)}.html" for _ in self.nodes]
                new = list(pool.map(self.replace, gone))
                stay = self.random.sample([node for node in self.nodes[2:] if node not in new], each)
                list(pool.map(self.visit, new + stay, names))
                print(f"{minute:2d} min: {len(self.times)} pages, {len(self.failures)} failures", flush=True)
                time.sleep(max(0, min(end, began + 60) - time.monotonic()))

    def verdict(self):
        within = bool(self.times)
        for what, all in self.asked.items():
            good = all - sum(1 for kind, _ in self.failures if kind == what)
            print(f"{what}: {good} of {all} ({good / all:.2%}, bar {BAR:.0%})")
            within = within and good >= BAR * all
        times = sorted(self.times)
        print(f"a page: median {times[len(times) // 2]:.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s" if times else "no page was shown")
        return within


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, default=30)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--check", action="store_true")
    given = options.parse_args()
    lab.enter()
    common.Proc._sample = lambda process: None
    with lab.Lab() as network:
        pages = Pages(network, given)
        pages.run()
        within = pages.verdict()
    return 1 if given.check and not within else 0


if __name__ == "__main__":
    sys.exit(main())
