# SPDX-License-Identifier: Apache-2.0
"""A machine of the lab: a network namespace with a device, a scratch folder and processes."""
import itertools
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from .space import GATEWAY, NETWORK, common, ip

_numbers = itertools.count(1)


def those_in(inside):
    """The processes in network namespaces, of which the inodes are given."""
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}/ns/net").st_ino in inside:
                yield int(name)
        except OSError:
            # Somebody else's, or gone.
            continue


def end_those_in(namespaces):
    """Ends whatever runs in these network namespaces, open files each: daemons, and what others have started in them (`lab run`)."""
    inside = {os.fstat(namespace).st_ino for namespace in namespaces}
    for number, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 2)):
        end = time.monotonic() + patience
        for pid in those_in(inside):
            try:
                os.kill(pid, number)
            except OSError:
                pass
        while any(those_in(inside)) and time.monotonic() < end:
            time.sleep(0.05)


class Host:
    """One machine: its addresses, its scratch folder, its processes. This kind hangs on the bridge: a fast path without faults.

    Hosts reach each other through the bridge's own address, not directly: the kernel keeps 1,024 neighbours for all
    namespaces together, and forty hosts that each know forty neighbours would have packets dropped on the whole machine.
    What is sent to all (multicast) still crosses the bridge."""

    def __init__(self, name, scratch, addresses=1, environment=None):
        self.name, self.number = name, next(_numbers)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=scratch))
        self.processes = []
        self.environment = {} if environment is None else environment
        # The namespace lives as long as this process; it ends with the harness.
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], preexec_fn=common._die_with_parent)
        self._wait_for_namespace()
        self.addresses = self._addresses(addresses)
        self._attach()

    def _addresses(self, count):
        prefix = f"10.{77 + self.number // 256}.{self.number % 256}"
        return [f"{prefix}.{last}" for last in range(1, count + 1)]

    def _attach(self):
        outer, inner = self._cable()
        ip("link", "set", outer, "master", "lab")
        ip("link", "set", outer, "up")
        self.ip("route", "add", GATEWAY, "dev", inner, "src", self.address)
        self.ip("route", "add", NETWORK, "via", GATEWAY, "src", self.address)

    def _cable(self, prepare=lambda outer, inner: None):
        """A device in the host, with its addresses, and its other end; both names."""
        outer, inner = f"v{self.number}", f"p{self.number}"
        ip("link", "add", outer, "type", "veth", "peer", "name", inner)
        prepare(outer, inner)
        ip("link", "set", inner, "netns", self.holder.pid)
        for address in self.addresses:
            self.ip("addr", "add", f"{address}/32", "dev", inner)
        self.ip("link", "set", "lo", "up")
        self.ip("link", "set", inner, "up")
        return outer, inner

    def six(self):
        """Gives the host an IPv6 address as well, which it returns. All of them are on one link."""
        address = f"fd77::{self.number:x}:1"
        self.ip("-6", "addr", "replace", f"{address}/64", "dev", f"p{self.number}", "nodad")
        return address

    def ip(self, *words):
        ip(*words, pid=self.holder.pid)

    def _wait_for_namespace(self):
        own = os.readlink("/proc/self/ns/net")
        for _ in range(500):
            if os.readlink(f"/proc/{self.holder.pid}/ns/net") != own:
                return
            time.sleep(0.01)
        raise RuntimeError("unshare made no namespace")

    @property
    def address(self):
        return self.addresses[0]

    def slow(self, rate):
        """Limits what the host sends, to a rate in tc's words ("8mbit")."""
        done = self.run(["tc", "qdisc", "replace", "dev", f"p{self.number}", "root", "tbf", "rate", rate, "burst", "256kb", "latency", "400ms"], check=False)
        if done.returncode:
            raise RuntimeError(f"tc: {done.stderr.strip()}")

    def path(self, *parts):
        """A path in the host's scratch folder; its parent exists."""
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def command(self, argv):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *map(str, argv)]

    def start(self, argv, **options):
        """A process that runs on; its output lines are kept."""
        options.setdefault("log", str(self.path("stderr.log")))
        options["env"] = {**self.environment, **(options.get("env") or {})}
        process = common.Proc(self.command(argv), cwd=str(self.folder), **options)
        self.processes.append(process)
        return process

    def run(self, argv, timeout=60, check=True, stdin=None, env=None):
        """A process that ends; returns it with its output."""
        done = subprocess.run(
            self.command(argv), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout,
            input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, preexec_fn=common._die_with_parent,
            env={**os.environ, **self.environment, **(env or {})},
        )
        with open(self.path("stderr.log"), "a") as log:
            log.write(done.stderr)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(map(str, argv))} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
        return done

    def others(self):
        """(number, name) of every process in the host, whoever has started it."""
        found = []
        for pid in those_in({os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino}):
            try:
                if pid != self.holder.pid:
                    found.append((pid, pathlib.Path(f"/proc/{pid}/comm").read_text().strip()))
            except OSError:
                # It has ended meanwhile.
                continue
        return found

    def close(self):
        for process in reversed(self.processes):
            process.stop(timeout=6)
        self.holder.send_signal(signal.SIGKILL)
        self.holder.wait()

    def log_tail(self, lines=6):
        log = self.folder / "stderr.log"
        return log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
