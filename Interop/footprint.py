#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node on a small machine (S1-07): 256 MiB of memory and a quarter of one core, in a control group of its own.

    Interop/footprint.py [--size 64M] [--idle 60] [--check]

Everything that the small machine's owner runs is in the group: the node, and each command. It fetches a site from another node,
shows a page of it, publishes one of its own that the other fetches, updates it, and pins. Then it is measured at rest. Budgets:
start 2 s (with a whole core), 128 MiB idle, 256 MiB at most, 2 % of one core idle. Needs root, for the group; a release build for
figures (ROOST_BINARY=.build/release/roost)."""
import argparse
import base64
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lab  # noqa: E402
import roost  # noqa: E402
from clients import DHT  # noqa: E402
from lab import common  # noqa: E402

MEMORY, SHARE = 256 << 20, 0.25
START, IDLE, ACTIVE, CPU = 2.0, 128, 256, 2.0
GROUPS = pathlib.Path("/sys/fs/cgroup")


class Group:
    """A control group with a bound on memory and on a share of one core."""

    def __init__(self, memory, share):
        name, period = f"roost-{os.getpid()}", 100_000
        quota = int(period * share)
        if (GROUPS / "cgroup.controllers").exists():
            self.folders = [GROUPS / name]
            values = {"memory.max": memory, "cpu.max": f"{quota} {period}"}
        else:
            self.folders = [GROUPS / kind / name for kind in ("memory", "cpu")]
            values = {"memory.limit_in_bytes": memory, "cpu.cfs_period_us": period, "cpu.cfs_quota_us": quota}
        for folder in self.folders:
            folder.mkdir()
        for name, value in values.items():
            place = next((folder / name for folder in self.folders if (folder / name).exists()), None)
            if not place:
                raise RuntimeError(f"control groups here have no {name}")
            place.write_text(str(value))

    def within(self, argv):
        """The command line that runs another in the group."""
        joins = "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in self.folders)
        return ["sh", "-c", f'{joins}; exec "$@"', "sh", *map(str, argv)]

    @property
    def throttled(self):
        """How often its share of the core was used up."""
        statistics = next(folder / "cpu.stat" for folder in self.folders if (folder / "cpu.stat").exists()).read_text()
        return int(statistics.split("nr_throttled ")[1].split()[0])

    def close(self):
        for folder in self.folders:
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except OSError:
                    time.sleep(0.1)


class SmallHost:
    """A host of the lab whose processes are all in a group."""

    def __init__(self, host, group):
        self.host, self.group = host, group

    def run(self, argv, **options):
        return self.host.run(self.group.within(argv), **options)

    def start(self, argv, **options):
        return self.host.start(self.group.within(argv), **options)

    def __getattr__(self, name):
        return getattr(self.host, name)


def seconds_of_cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Footprint:
    def __init__(self, network, dht, options):
        self.lab, self.dht, self.options, self.failed = network, dht, options, 0
        self.other = roost.Node(network.host("other"), dht).wait_dht(nodes=2)

    def say(self, what, is_within):
        self.failed += not is_within
        print(f"{'ok    ' if is_within else 'FAILED'} {what}", flush=True)

    def start(self):
        """With a whole core and nothing else to do, as the budget means it."""
        node = roost.Node(self.lab.host("start"), self.dht)
        node.stop()
        began = time.monotonic()
        node.start()
        seconds = time.monotonic() - began
        node.stop()
        self.say(f"start: {seconds:.2f} s until it answers (budget {START:g})", seconds <= START)

    def publish(self, node, size):
        page = node.host.path("site", "index.html")
        page.write_text("<h1>a site</h1>" + "x" * 20_000)
        common.make_file(str(page.parent / "film.bin"), size)
        return page, node.publish(page.parent, "--new", "--label", "1.0.0", timeout=600)

    def journeys(self, node):
        size = self.options.size
        page, report = self.publish(self.other, size)
        began = time.monotonic()
        label = base64.b32encode(bytes.fromhex(roost.site_id(report))).decode().rstrip("=").lower()
        shown = node.host.path("page")
        node.host.run(["curl", "-s", "-f", "--max-time", "60", "--resolve", "*:8420:127.0.0.1", "-o", shown, f"http://{label}.localhost:8420/"])
        self.say(f"a page: {time.monotonic() - began:.2f} s", shown.read_bytes() == page.read_bytes())
        began = time.monotonic()
        node.fetch(roost.address_of(report), node.host.path("got"), timeout=600)
        same = common.same_content(str(page.parent / "film.bin"), str(node.host.path("got", "film.bin")))
        self.say(f"a site of {size >> 20} MiB fetched: {time.monotonic() - began:.1f} s", same)
        node.command("site", "pin", roost.address_of(report))
        began = time.monotonic()
        own, report = self.publish(node, size)
        self.say(f"a site of {size >> 20} MiB published: {time.monotonic() - began:.1f} s", True)
        for label in ("1.0.1", "1.0.2"):
            own.write_text(f"<h1>{label}</h1>")
            node.publish(own.parent, "--label", label, timeout=600)
            self.other.fetch(roost.address_of(report), self.other.host.path(label), timeout=600)
            self.say(f"its update {label} read by the other", self.other.host.path(label, "index.html").read_text() == own.read_text())

    def measure(self):
        self.start()
        group = Group(MEMORY, SHARE)
        try:
            began = time.monotonic()
            node = roost.Node(SmallHost(self.lab.host("small"), group), self.dht)
            self.say(f"home made and started with a quarter of a core: {time.monotonic() - began:.1f} s", True)
            node.wait_dht(nodes=2, timeout=60)
            self.journeys(node)
            peak = common.mem_of(node.pid)[0]
            self.say(f"at most {peak:.1f} MiB resident (budget {ACTIVE}); the group was made to wait {group.throttled} times", peak <= ACTIVE)
            node.stop()
            node.start(timeout=60)
            time.sleep(20)
            before = seconds_of_cpu(node.pid)
            time.sleep(self.options.idle)
            share = (seconds_of_cpu(node.pid) - before) / self.options.idle * 100
            now = common.mem_of(node.pid)[1]
            self.say(f"idle: {now:.1f} MiB resident (budget {IDLE}), {share:.2f} % of one core over {self.options.idle:g} s (budget {CPU:g})",
                     now <= IDLE and share <= CPU)
            node.stop()
        finally:
            group.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--size", type=common.parse_size, default=64 << 20)
    options.add_argument("--idle", type=float, default=60)
    options.add_argument("--check", action="store_true")
    given = options.parse_args()
    lab.enter()
    with lab.Lab() as network:
        footprint = Footprint(network, DHT(network, nodes=4), given)
        footprint.measure()
    return 1 if given.check and footprint.failed else 0


if __name__ == "__main__":
    sys.exit(main())
