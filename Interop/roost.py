# SPDX-License-Identifier: Apache-2.0
"""The program under test on a host of the lab: stand-alone torrent commands, a DHT node, and a whole node."""
import json
import os
import time

from clients import PORT, ask, expect
from lab import ROOT

BINARY = os.environ.get("ROOST_BINARY") or str(ROOT / ".build/debug/roost")


def run(host, *arguments, timeout=120, check=True):
    """A command that ends."""
    return host.run([BINARY, *arguments], timeout=timeout, check=check)


def value(host, *arguments, timeout=120):
    """A command's one JSON value."""
    return json.loads(run(host, *arguments, "--json", timeout=timeout).stdout)


def site_id(report):
    """64 hex digits: SHA-256 of the site's key."""
    return report["site"].removeprefix("betanet://")


def address_of(report):
    return f"betanet://{site_id(report)}"


class Torrent:
    """`roost torrent get` or `seed`, reporting events."""

    def __init__(self, host, verb, source, folder, peers=(), dht=None, options=(), listen=None):
        """`listen`: addresses with their port, one of each family; by default the host's own."""
        listen = listen or [f"{host.address}:{PORT}"]
        self.host, self.address = host, listen[0]
        argv = [BINARY, "torrent", verb, source, "--dir", folder, "--events", "--wait-go", *options]
        for address in listen:
            argv += ["--listen", address]
        for peer in peers:
            argv += ["--peer", peer]
        if dht:
            argv += ["--bootstrap", dht.bootstrap]
        self.process = host.start(argv)
        expect(self.process, "ready", 20)
        # With --wait-go the program goes on serving after it is complete, until its input ends.
        self.process.send("go")

    def wait_seeding(self, timeout=30):
        expect(self.process, "seeding", timeout)
        return self

    def wait_complete(self, timeout=90):
        expect(self.process, "complete", timeout)
        return self


class DHTNode:
    """`roost dht node --events`."""

    def __init__(self, host, dht):
        self.process, self.next = host.start([BINARY, "dht", "node", "--listen", f"{host.address}:{PORT}", "--bootstrap", dht.bootstrap, "--events"]), 0
        expect(self.process, "ready", 20)

    def ask(self, timeout=30, **operation):
        return ask(self.process, self, timeout, operation)


class DHT:
    """A small network of `roost dht node`s, all on one host with an address each."""

    def __init__(self, lab, nodes=8):
        self.host = lab.host("dht", addresses=nodes)
        self.bootstrap = f"{self.host.address}:{PORT}"
        self.next = 0
        self.processes = []
        for address in self.host.addresses:
            argv = [BINARY, "dht", "node", "--listen", f"{address}:{PORT}", "--bootstrap", self.bootstrap, "--events"]
            self.processes.append(self.host.start(argv))
            expect(self.processes[-1], "ready", 20)
        for process in self.processes:
            ask(process, self, 30, {"op": "warm", "lookups": 2})


class Node:
    """A node with its own home; its gateway and control API stand on the loopback interface of its host."""

    def __init__(self, host, dht=None, serve="quota", home="home", bootstrap=(), listen=None, network=None, settings=None):
        self.network = network
        self.host, self.home, self.listen = host, str(host.path(home)), listen or f"{host.address}:{PORT}"
        self.serve, self.bootstrap = serve, ([dht.bootstrap] if dht else []) + list(bootstrap)
        self.process = None
        self.command("init", "--serve", serve)
        for key, value in (settings or {}).items():
            self.command("config", "set", key, value)
        self.start()

    def command(self, *arguments, timeout=120, check=True):
        return run(self.host, *arguments, "--home", self.home, timeout=timeout, check=check)

    def value(self, *arguments, timeout=120):
        """A command's JSON value."""
        return json.loads(self.command(*arguments, "--json", timeout=timeout).stdout)

    def start(self, timeout=30):
        argv = [BINARY, "start", "--home", self.home, "--listen", self.listen]
        argv += ["--network", self.network or ("mainline" if self.bootstrap else "none")]
        for node in self.bootstrap:
            argv += ["--bootstrap", node]
        self.process = self.host.start(argv)
        self.wait_ready(timeout)

    def wait_ready(self, timeout):
        end = time.monotonic() + timeout
        while True:
            done = self.command("status", "--json", check=False, timeout=20)
            if done.returncode == 0:
                return json.loads(done.stdout)
            if self.process.exited is not None:
                raise RuntimeError(f"the node ended with {self.process.p.returncode}: {self.host.log_tail(3)}")
            if time.monotonic() > end:
                raise TimeoutError(f"the node does not answer: {(done.stderr or done.stdout).strip()[-300:]}")
            time.sleep(0.2)

    def wait_dht(self, nodes=4, timeout=30):
        """Until the routing table has that many nodes."""
        end = time.monotonic() + timeout
        while sum(network["dhtNodes"] for network in self.value("status")["networks"]) < nodes:
            if time.monotonic() > end:
                raise TimeoutError(f"fewer than {nodes} DHT nodes after {timeout} s")
            time.sleep(0.3)
        return self

    def publish(self, folder, *options, timeout=120):
        return self.value("publish", str(folder), *options, timeout=timeout)

    def fetch(self, address, folder, timeout=120):
        return self.value("fetch", address, "-o", str(folder), timeout=timeout)

    def stop(self):
        """As a service manager stops it."""
        self.process.stop(timeout=10)

    @property
    def pid(self):
        return self.process.pid
