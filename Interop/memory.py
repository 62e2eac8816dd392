#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Resident memory of a node: idle with 100 sites, and while it fetches 1 GiB from another node.

    Interop/memory.py [--sites 100] [--size 1G] [--check]

Use a release build (ROOST_BINARY=.build/release/roost). With --check the budgets are enforced: 64 MiB idle, 96 MiB fetching."""
import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lab  # noqa: E402
import roost  # noqa: E402
from clients import DHT  # noqa: E402
from lab import common  # noqa: E402

IDLE, FETCHING = 64, 96  # MiB, of the acceptance list


def rss(process):
    """(peak, now), MiB."""
    peak, now, _ = common.mem_of(process.pid)
    return peak, now


def idle(network, dht, sites):
    node = roost.Node(network.host("idle"), dht).wait_dht(nodes=2)
    for number in range(sites):
        page = node.host.path("sites", str(number), "index.html")
        page.write_text(f"<h1>site {number}</h1>" + "x" * 5000)
        node.publish(page.parent, "--new", "--label", "1.0.0")
    node.stop()
    node.start()
    time.sleep(20)
    _, now = rss(node.process)
    listed = len(node.value("site", "list"))
    print(f"idle with {listed} sites: {now:.1f} MiB resident (budget {IDLE})", flush=True)
    return now <= IDLE and listed == sites


def fetching(network, dht, size):
    publisher = roost.Node(network.host("source"), dht).wait_dht(nodes=2)
    common.make_file(str(publisher.host.path("big", "film.bin")), size)
    report = publisher.publish(publisher.host.path("big"), "--new", "--label", "1.0.0", timeout=600)
    print(f"publishing {size >> 20} MiB: {rss(publisher.process)[0]:.1f} MiB peak", flush=True)
    reader = roost.Node(network.host("reader"), dht).wait_dht(nodes=2)
    got = reader.host.path("got")
    fetched = reader.fetch(roost.address_of(report), got, timeout=900)
    peak, now = rss(reader.process)
    same = common.same_content(str(publisher.host.path("big", "film.bin")), str(got / "film.bin"))
    print(f"fetching {size >> 20} MiB in {fetched['seconds']:.1f} s: {peak:.1f} MiB peak, {now:.1f} now (budget {FETCHING}); "
          f"the publisher {rss(publisher.process)[0]:.1f} peak", flush=True)
    return peak <= FETCHING and same


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sites", type=int, default=100)
    options.add_argument("--size", type=common.parse_size, default=1 << 30)
    options.add_argument("--check", action="store_true")
    given = options.parse_args()
    lab.enter()
    with lab.Lab() as network:
        dht = DHT(network, nodes=4)
        within = [idle(network, dht, given.sites), fetching(network, dht, given.size)]
    if given.check:
        print(f"{sum(within)} passed, {len(within) - sum(within)} failed")
    return 1 if given.check and not all(within) else 0


if __name__ == "__main__":
    sys.exit(main())
