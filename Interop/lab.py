# SPDX-License-Identifier: Apache-2.0
"""A private network on one machine: several hosts, each a network namespace of its own, joined by a bridge.

The addresses lie in 10/8, because Transmission's DHT ignores 127/8. Nothing leaves: the namespace that holds the bridge
has no other device. Needs root. All of it is gone when the program ends.

Hosts reach each other through the bridge's own address, not directly: the kernel keeps 1,024 neighbours for all
namespaces together, and forty hosts that each know forty neighbours would have packets dropped on the whole machine.
What is sent to all (multicast) still crosses the bridge."""
import ctypes
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "Benchmarks"))
import bt_common as common  # noqa: E402  (ours, shared with the benchmarks)
from tracker import Tracker  # noqa: E402

CLONE_NEWNET = 0x40000000
GATEWAY = "10.77.0.1"
NETWORK = "10.0.0.0/8"
_numbers = itertools.count(1)


def ip(*words, pid=None):
    """`ip …`, in the namespace of a process if one is given."""
    prefix = ["nsenter", "-t", str(pid), "-n"] if pid else []
    done = subprocess.run([*prefix, "ip", *map(str, words)], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")


def enter():
    """Moves this process into a namespace with only the bridge. Once, before any thread is made."""
    if os.geteuid() != 0:
        sys.exit("the lab makes network namespaces: run it as root")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit(f"no private network namespace: {os.strerror(ctypes.get_errno())}")
    ip("link", "set", "lo", "up")
    ip("link", "add", "lab", "type", "bridge")
    ip("addr", "add", f"{GATEWAY}/8", "dev", "lab")
    ip("link", "set", "lab", "up")
    # It forwards, and does not tell the hosts that they could do without it.
    for name, value in (("conf/all/send_redirects", 0), ("conf/lab/send_redirects", 0), ("ip_forward", 1)):
        pathlib.Path("/proc/sys/net/ipv4", name).write_text(str(value))
    os.environ["BT_NETNS"] = "0"
    common.pin_congestion_control()


class Host:
    """One machine of the lab: its addresses, its scratch folder, its processes."""

    def __init__(self, name, scratch, addresses=1):
        self.name, self.number = name, next(_numbers)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=scratch))
        self.processes = []
        # The namespace lives as long as this process; it ends with the harness.
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], preexec_fn=common._die_with_parent)
        self._wait_for_namespace()
        outer, inner = f"v{self.number}", f"p{self.number}"
        ip("link", "add", outer, "type", "veth", "peer", "name", inner)
        ip("link", "set", outer, "master", "lab")
        ip("link", "set", outer, "up")
        ip("link", "set", inner, "netns", self.holder.pid)
        prefix = f"10.{77 + self.number // 256}.{self.number % 256}"
        self.addresses = [f"{prefix}.{last}" for last in range(1, addresses + 1)]
        for address in self.addresses:
            ip("addr", "add", f"{address}/32", "dev", inner, pid=self.holder.pid)
        ip("link", "set", "lo", "up", pid=self.holder.pid)
        ip("link", "set", inner, "up", pid=self.holder.pid)
        ip("route", "add", GATEWAY, "dev", inner, "src", self.address, pid=self.holder.pid)
        ip("route", "add", NETWORK, "via", GATEWAY, "src", self.address, pid=self.holder.pid)

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
        process = common.Proc(self.command(argv), cwd=str(self.folder), **options)
        self.processes.append(process)
        return process

    def run(self, argv, timeout=60, check=True, stdin=None, env=None):
        """A process that ends; returns it with its output."""
        done = subprocess.run(
            self.command(argv), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout,
            input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, preexec_fn=common._die_with_parent,
            env={**os.environ, **(env or {})},
        )
        with open(self.path("stderr.log"), "a") as log:
            log.write(done.stderr)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(map(str, argv))} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
        return done

    def close(self):
        for process in reversed(self.processes):
            process.stop(timeout=6)
        self.holder.send_signal(signal.SIGKILL)
        self.holder.wait()

    def log_tail(self, lines=6):
        log = self.folder / "stderr.log"
        return log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []


class Lab:
    """The hosts of one case. Leaving the `with` ends their processes and removes their folders."""

    def __init__(self):
        self.scratch = tempfile.mkdtemp(prefix="roost-lab-", dir=os.environ.get("ROOST_LAB_DIR"))
        self.hosts, self.trackers = [], []

    def host(self, name, addresses=1):
        host = Host(name, self.scratch, addresses)
        self.hosts.append(host)
        return host

    def tracker(self):
        """A tracker over HTTP and UDP that every host reaches."""
        tracker = Tracker(host=GATEWAY, interval=2)
        self.trackers.append(tracker)
        return tracker

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            for host in self.hosts:
                for line in host.log_tail():
                    print(f"      {host.name}: {line}")
        for host in self.hosts:
            host.close()
        for tracker in self.trackers:
            tracker.close()
        if not os.environ.get("ROOST_LAB_KEEP"):
            shutil.rmtree(self.scratch, ignore_errors=True)
