# SPDX-License-Identifier: Apache-2.0
"""A private network on one machine, with real processes: docs/lab.md.

    lab.enter()
    with lab.Lab() as network:
        plain = network.host("plain")                                         # on a bridge: fast, no faults
        internet = network.internet()                                         # on the emulator
        server = internet.host("server", lab.Path("200mbit", "25ms", loss=0.001))
        reader = internet.host("reader", home=internet.home("symmetric"))
"""
import os
import shutil
import tempfile

from tracker import Tracker

from .clock import Clock
from .host import Host, end_those_in
from .internet import KINDS, Home, Internet, InternetHost
from .path import Path
from .space import GATEWAY, GATEWAY6, NETWORK, ROOT, common, enter, ip, six_of_the_bridge

__all__ = ["GATEWAY", "KINDS", "NETWORK", "ROOT", "Clock", "Home", "Host", "Internet", "InternetHost", "Lab", "Path", "common", "enter", "ip"]


class Lab:
    """The hosts of one case. Leaving the `with` ends all that runs on them, whoever has started it, and removes their folders."""

    def __init__(self):
        self.scratch = tempfile.mkdtemp(prefix="roost-lab-", dir=os.environ.get("ROOST_LAB_DIR"))
        self.hosts, self.trackers, self.internets = [], [], []
        self.environment, self._clock = {}, None

    def host(self, name, addresses=1):
        host = Host(name, self.scratch, addresses, self.environment)
        self.hosts.append(host)
        return host

    def internet(self, seed=1):
        """A network in user space, with links, translators, observers and censors. Same seed, same accidents."""
        self.internets.append(Internet(self, seed))
        return self.internets[-1]

    def clock(self, shift="+0s"):
        """Moves the wall clock of all processes that were started since the first call; seconds that it is ahead."""
        if self._clock is None:
            self._clock = Clock(self.scratch)
            self.environment.update(self._clock.environment)
        return self._clock.shift(shift)

    def tracker(self, six=False):
        """A tracker over HTTP and UDP that every host reaches; `six`: over IPv6, from hosts that have it."""
        if six:
            six_of_the_bridge()
        tracker = Tracker(host=GATEWAY6 if six else GATEWAY, interval=2)
        self.trackers.append(tracker)
        return tracker

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind and issubclass(kind, Exception):
            self._tell_logs()
        # Held open, or the kernel would give their numbers to others.
        namespaces = [os.open(f"/proc/{host.holder.pid}/ns/net", os.O_RDONLY) for host in self.hosts]
        try:
            for part in [*self.hosts, *self.internets, *self.trackers]:
                part.close()
        finally:
            end_those_in(namespaces)
            for namespace in namespaces:
                os.close(namespace)
            if not os.environ.get("ROOST_LAB_KEEP"):
                shutil.rmtree(self.scratch, ignore_errors=True)

    def _tell_logs(self):
        for name, log in [(host.name, host) for host in self.hosts] + [("emulator", internet.emulator) for internet in self.internets]:
            for line in log.log_tail():
                print(f"      {name}: {line}")
