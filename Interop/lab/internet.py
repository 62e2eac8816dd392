# SPDX-License-Identifier: Apache-2.0
"""Hosts on the emulator: each with an access link of its own, in the open or in a home behind an address translator."""
import ctypes
import fcntl
import itertools
import socket
import struct

from .emulator import Emulator
from .host import Host
from .path import Path
from .space import ip

# The kernel fills in no checksums and cuts runs before they leave: the emulator takes frames as they would be on a wire.
SIOCETHTOOL, SIOCSIFNAME = 0x8946, 0x8923
OFFLOADS = {"checksums": 0x17, "gather": 0x19, "tcp segments": 0x1F, "segments": 0x24, "joined on arrival": 0x2C}
# All hosts have the same: frames cross as they are, without ARP.
HARDWARE = "02:00:00:00:00:01"
KINDS = ("full", "restricted", "port", "symmetric")


def without_offloads(device):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        for command in OFFLOADS.values():
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            fcntl.ioctl(opened, SIOCETHTOOL, struct.pack("16sP8x", device.encode(), ctypes.addressof(value)))


class InternetHost(Host):
    """A host on the emulator. `up` and `down` are its link's two directions."""

    def __init__(self, internet, name, scratch, up, down, home, environment):
        self.internet, self.home = internet, home
        super().__init__(name, scratch, 1, environment)
        self.shape(up, down)

    def _addresses(self, count):
        return [self.home.inside()] if self.home else super()._addresses(count)

    def _attach(self):
        def prepare(outer, inner):
            for device in (outer, inner):
                without_offloads(device)
            ip("link", "set", inner, "address", HARDWARE)
            ip("link", "set", inner, "arp", "off")
        outer, inner = self._cable(prepare)
        ip("link", "set", outer, "up")
        way = ["via", self.home.gateway, "dev", inner, "onlink"] if self.home else ["dev", inner]
        self.ip("route", "add", "default", *way, "src", self.address)
        self.tell("port", self.name, outer, self.address, *([self.home.name] if self.home else []))

    def tell(self, *words):
        return self.internet.emulator.tell(*words)

    def shape(self, up, down=None):
        """Gives the link other properties, also while packets are under way."""
        self.tell("link", self.name, "up", *up.words())
        self.tell("link", self.name, "down", *(down or up).words())

    def cut(self, is_cut=True):
        """Takes the cable out, or puts it in again."""
        self.tell("link", self.name, "both", f"cut={int(is_cut)}")

    def capture(self, file, largest=65535):
        """What an observer of the link sees from now on, as pcap; until `stop_capture` or the end."""
        self.tell("capture", self.name, file, largest)

    def stop_capture(self):
        self.tell("capture", self.name, "off")

    def traffic(self):
        """Packets and bytes of each direction, and what was lost, with what the kernel refused."""
        return self.tell("statistics")["hosts"][self.name]


class Home:
    """A translator with one public address, and room for hosts behind it. It answers NAT-PMP."""

    _numbers = itertools.count(1)

    def __init__(self, internet, name, kind, hairpin):
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
        self.internet, self.name, self.kind = internet, name, kind
        number = next(self._numbers)
        self.address = f"10.{120 + number // 256}.{number % 256}.1"
        self.prefix, self.count = f"192.168.{number % 256}", 1
        self.gateway = f"{self.prefix}.1"
        internet.emulator.tell("nat", name, kind, self.address, self.gateway, *(["hairpin"] if hairpin else []))

    def inside(self):
        self.count += 1
        return f"{self.prefix}.{self.count}"

    def forward(self, host, port, protocol="tcp", outer=None):
        """Leads everybody who comes to the outer port to the host."""
        self.internet.emulator.tell("map", self.name, protocol, host.address, port, outer or port)


class Internet:
    """The hosts of one emulator. Made by `Lab.internet()`."""

    def __init__(self, lab, seed):
        self.lab, self.emulator = lab, Emulator(f"{lab.scratch}/emulator.log")
        self._rules, self._homes, self._names = itertools.count(1), itertools.count(1), set()
        self.emulator.tell("seed", seed)

    def host(self, name, up=Path(), down=None, home=None):
        """A host; without `down` both directions are alike. `home`: what it is behind."""
        if name in self._names:
            # The emulator knows hosts by their names.
            raise ValueError(f"a host is called {name} already")
        self._names.add(name)
        host = InternetHost(self, name, self.lab.scratch, up, down or up, home, self.lab.environment)
        self.lab.hosts.append(host)
        return host

    def home(self, kind, name=None, hairpin=False):
        return Home(self, name or f"home{next(self._homes)}-{kind}", kind, hairpin)

    def censor(self, host=None, reset=False, **conditions):
        """Drops what fulfils all conditions, on one host's link or on all; with `reset` it ends TCP connections for both sides.

        Conditions: address ("10.0.0.0/8"), port, protocol ("tcp"), text or data (anywhere in one packet's payload: a server's
        name in a TLS hello), share (0...1 of what matches). Returns the rule, for `hits` and `pardon`."""
        name = f"rule{next(self._rules)}"
        for key in ("text", "data"):
            if key in conditions:
                value = conditions.pop(key)
                conditions["bytes"] = (value.encode() if isinstance(value, str) else value).hex()
        words = [f"{key}={value}" for key, value in conditions.items()]
        self.emulator.tell("censor", name, host.name if host else "*", "reset" if reset else "drop", *words)
        return name

    def hits(self, rule):
        return self.emulator.tell("hits", rule)["hits"]

    def pardon(self, rule):
        self.emulator.tell("uncensor", rule)

    def close(self):
        self.emulator.close()
