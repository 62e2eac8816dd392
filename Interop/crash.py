#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kill -9` of a node at random instants while it publishes and while it fetches.

After each kill the node starts again without repair, and
  * what `publish` had acknowledged is there, release for release, byte for byte;
  * what `fetch` had acknowledged is there, without the network;
  * an interrupted publish is there wholly or not at all, and can be repeated;
  * every file that another node then fetches from it is byte-identical: no corrupt block is served.

    Interop/crash.py [--rounds 50] [--seed N]      half of the rounds publish, half fetch"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lab  # noqa: E402
import roost  # noqa: E402
from clients import DHT  # noqa: E402
from content import expect_same, make_tree  # noqa: E402

MARKER = (".roost-site",)


def kill_during(node, draw, longest, *arguments):
    """Runs the command and kills the node after a random share of `longest` seconds; the command's JSON if it was acknowledged."""
    command = node.host.command([roost.BINARY, *arguments, "--home", node.home, "--json", "--no-start"])
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + draw.uniform(0, longest)
    while client.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(node.pid, signal.SIGKILL)
    node.process.wait_exit(10)
    try:
        output, _ = client.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        client.kill()
        output, _ = client.communicate()
    # A client that saw the node die says so by its exit code; JSON with exit code 0 is an acknowledgement.
    return json.loads(output) if client.returncode == 0 and output.strip() else None


def change(source, draw, number):
    """A new release's worth of edits."""
    files = sorted(path for path in source.rglob("*") if path.is_file() and path.name != ".roost-site")
    for path in draw.sample(files, 3):
        path.write_bytes(draw.randbytes(draw.randrange(1, 60_000)))
    (source / "large.bin").write_bytes(draw.randbytes(6_000_000))
    (source / f"new-{number}.txt").write_text(f"round {number}\n")


class Publishing:
    """A publisher that is killed; a reader that checks everything that was acknowledged."""

    def __init__(self, network, dht, draw):
        self.network, self.dht, self.draw = network, dht, draw
        self.node = roost.Node(network.host("publisher"), dht).wait_dht(nodes=2)
        self.source = make_tree(self.node.host.path("site"))
        began = time.monotonic()
        self.report = self.node.publish(self.source, "--new", "--label", "0.0.0")
        self.longest = max(0.5, (time.monotonic() - began) * 1.6)
        self.acknowledged = {}
        self.keep(self.report)

    def keep(self, report):
        copy = self.node.host.path("kept", str(report["seq"]))
        shutil.copytree(self.source, copy)
        self.acknowledged[report["seq"]] = copy

    def round(self, number):
        change(self.source, self.draw, number)
        before = max(self.acknowledged)
        done = kill_during(self.node, self.draw, self.longest, "publish", str(self.source), "--site", roost.address_of(self.report), "--label", f"0.0.{number}")
        self.node.start()
        site = self.node.value("site", "show", roost.address_of(self.report))
        if done:
            self.keep(done)
            expect(site["seq"] >= done["seq"], f"release {done['seq']} was acknowledged, after the restart {site['seq']} is newest")
        elif site["seq"] > before:
            self.keep({"seq": site["seq"]})  # it was durable, only the answer was lost
        expect(site["seq"] >= before, f"release {before} is lost: {site['seq']} is newest")
        return "acknowledged" if done else "durable, unanswered" if site["seq"] > before else "not published"

    def finish(self):
        """A fresh reader fetches every acknowledged release from the survivor."""
        reader = roost.Node(self.network.host("checker"), self.dht).wait_dht(nodes=2)
        for sequence, copy in sorted(self.acknowledged.items()):
            got = reader.host.path("got", str(sequence))
            reader.fetch(f"{roost.address_of(self.report)}@{sequence}", got, timeout=180)
            expect_same(copy, got, ignore=MARKER)


class Fetching:
    """A reader that is killed while it fetches; the publisher stays."""

    def __init__(self, network, dht, draw):
        self.network, self.dht, self.draw = network, dht, draw
        self.publisher = roost.Node(network.host("source"), dht).wait_dht(nodes=2)
        self.node = roost.Node(network.host("reader"), dht).wait_dht(nodes=2)
        self.longest, self.fetched = 3.0, []

    def round(self, number):
        source = make_tree(self.publisher.host.path("sites", str(number)), seed=number)
        (source / "large.bin").write_bytes(self.draw.randbytes(12_000_000))
        report = self.publisher.publish(source, "--new", "--label", "1.0.0")
        address = roost.address_of(report)
        cut = self.node.host.path("cut", str(number))
        done = kill_during(self.node, self.draw, self.longest, "fetch", address, "-o", str(cut))
        self.node.start()
        if done:
            self.fetched.append((address, source))
            expect_same(source, cut, ignore=MARKER)
        # What is left half-way is picked up, and what is delivered is right.
        again = self.node.host.path("again", str(number))
        began = time.monotonic()
        try:
            self.node.fetch(address, again, timeout=180)
        except RuntimeError:
            print(f"      {self.node.command('fetch', address, '-o', str(again), '--trace', timeout=180, check=False)}", flush=True)
            print(f"      {self.publisher.command('why', address, timeout=180, check=False)}", flush=True)
            raise
        self.longest = max(0.5, 0.7 * self.longest + 0.5 * (time.monotonic() - began))
        expect_same(source, again, ignore=MARKER)
        self.fetched.append((address, source))
        return "acknowledged" if done else "cut"

    def finish(self):
        """The publisher goes; the reader still has every site that it acknowledged, and serves it rightly."""
        self.publisher.stop()
        checker = roost.Node(self.network.host("third"), self.dht).wait_dht(nodes=2)
        for number, (address, source) in enumerate(dict(self.fetched).items()):
            own, others = self.node.host.path("own", str(number)), checker.host.path("got", str(number))
            self.node.fetch(address, own)
            expect_same(source, own, ignore=MARKER)
            checker.fetch(address, others, timeout=180)
            expect_same(source, others, ignore=MARKER)


def explain(network):
    """What the nodes that still run say of themselves and of the sites they know."""
    for host in network.hosts:
        for home in host.folder.glob("home"):
            for command in (["status"], ["dht", "table"], ["site", "list"]):
                done = roost.run(host, *command, "--home", home, check=False, timeout=30)
                print(f"      {host.name} {' '.join(command)}: {(done.stdout or done.stderr).strip()[-1500:]}", flush=True)


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--seed", type=int, default=int(time.time()))
    given = options.parse_args()
    lab.enter()
    draw = random.Random(given.seed)
    print(f"seed {given.seed}", flush=True)
    passed = failed = 0
    with lab.Lab() as network:
        dht = DHT(network, nodes=4)
        for kind, rounds in ((Publishing, given.rounds - given.rounds // 2), (Fetching, given.rounds // 2)):
            try:
                subject = kind(network, dht, draw)
                for number in range(1, rounds + 1):
                    print(f"PASS {kind.__name__.lower()} {number}: {subject.round(number)}", flush=True)
                    passed += 1
                subject.finish()
                print(f"PASS {kind.__name__.lower()}: all that was acknowledged is there, byte-identical", flush=True)
                passed += 1
            except Exception as error:  # noqa: BLE001  (any failure is the finding)
                explain(network)
                print(f"FAIL {kind.__name__.lower()}: {type(error).__name__}: {error}", flush=True)
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
