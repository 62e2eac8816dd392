# SPDX-License-Identifier: Apache-2.0
"""A node behind a router (miniupnpd over nftables) asks it to let peers through, and takes that back when it stops."""
import time

import roost
from clients import PORT
from lab import ip
from registry import case

ROUTER, BEHIND, OUTSIDE = "192.168.77.1", "192.168.77.2", "11.22.33.44"
RULES = """table inet filter {
  chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 100; policy accept; jump postrouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
"""


def joined(one, other, number):
    """A cable between two hosts; the names of its ends."""
    first, second = f"a{number}n{one.number}", f"b{number}n{other.number}"
    ip("link", "add", first, "type", "veth", "peer", "name", second)
    for name, host in ((first, one), (second, other)):
        ip("link", "set", name, "netns", host.holder.pid)
        ip("link", "set", name, "up", pid=host.holder.pid)
    return first, second


class Router:
    """A host with a public address, and one behind it."""

    def __init__(self, lab, natpmp):
        self.host, self.inner, self.outer = lab.host("router"), lab.host("behind"), lab.host("outside")
        inside, behind = joined(self.host, self.inner, 1)
        outside, world = joined(self.host, self.outer, 2)
        for host, device, address in (
            (self.host, inside, f"{ROUTER}/24"), (self.inner, behind, f"{BEHIND}/24"),
            (self.host, outside, f"{OUTSIDE}/24"), (self.outer, world, "11.22.33.1/24"),
        ):
            ip("addr", "add", address, "dev", device, pid=host.holder.pid)
        ip("route", "add", "default", "via", ROUTER, "dev", behind, pid=self.inner.holder.pid)
        self.host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"], check=False)
        self.host.run(["nft", "-f", "-"], stdin=RULES)
        configuration = self.host.path("miniupnpd.conf")
        configuration.write_text(
            f"ext_ifname={outside}\nlistening_ip={inside}\nport=0\nenable_natpmp={'yes' if natpmp else 'no'}\nenable_upnp=yes\nsecure_mode=yes\n"
            f"lease_file={self.host.path('leases')}\nuuid=00000000-0000-0000-0000-000000000001\nupnp_table_name=filter\nupnp_nat_table_name=filter\n"
            "upnp_forward_chain=miniupnpd\nupnp_nat_chain=prerouting_miniupnpd\nupnp_nat_postrouting_chain=postrouting_miniupnpd\n"
            "allow 1024-65535 192.168.77.0/24 1024-65535\n")
        self.host.start(["/usr/sbin/miniupnpd", "-d", "-f", configuration, "-P", self.host.path("miniupnpd.pid")])
        time.sleep(1)

    def forwarded(self):
        """Whether TCP and UDP of the port lead inside."""
        rules = self.host.run(["nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd"]).stdout
        return rules.count(f"dnat ip to {BEHIND}:{PORT}")


def until(what, wanted, seconds=30):
    end = time.monotonic() + seconds
    while (found := what()) != wanted:
        if time.monotonic() > end:
            raise AssertionError(f"{found!r} and not {wanted!r}")
        time.sleep(0.3)


def register_for(name, natpmp):
    @case("router", f"{name}: the router lets peers through to a node, which says so, and no longer when it has stopped")
    def mapped(lab):
        if lab.host("probe").run(["nft", "-f", "-"], stdin=RULES, check=False).returncode:
            print("this kernel has no address translation by nftables: nothing is tried")
            return
        router = Router(lab, natpmp)
        inner = router.inner
        home = str(inner.path("home"))
        roost.run(inner, "init", "--serve", "own", "--home", home)
        roost.run(inner, "config", "set", "port-mapping", "on", "--home", home)
        node = inner.start([roost.BINARY, "start", "--home", home, "--listen", f"0.0.0.0:{PORT}", "--network", "none"])
        until(router.forwarded, 2)

        def said():
            done = roost.run(inner, "status", "--home", home, check=False)
            return f"{OUTSIDE}:{PORT}, TCP and UDP, by {name}" in done.stdout

        until(said, True)
        router.outer.run(["python3", "-c", f"import socket; socket.create_connection(('{OUTSIDE}', {PORT}), 10).close()"])
        node.stop()
        until(router.forwarded, 0)


register_for("PCP", True)
register_for("UPnP", False)
