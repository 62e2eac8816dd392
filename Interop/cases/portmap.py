# SPDX-License-Identifier: Apache-2.0
"""A node behind a router (miniupnpd over nftables) asks it to let peers through, over IPv4 by forwarding and over IPv6 by a hole in its
firewall, and takes that back when it stops."""
import ipaddress
import time

import roost
from clients import PORT
from lab import ip
from registry import case

ROUTER, BEHIND, OUTSIDE = "192.168.77.1", "192.168.77.2", "11.22.33.44"
# Public ones: a router is asked for no others.
ROUTER6, BEHIND6, OUTER6 = "2a00:1450:77::1", "2a00:1450:77::2", "2a00:1450:88::1"
RULES = """table inet filter {
  chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 100; policy accept; jump postrouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
"""

# Nothing of IPv6 comes in that was not asked for.
RULES_SIX = RULES.replace("jump miniupnpd; }", 'meta nfproto ipv6 ct state established,related accept; jump miniupnpd; iifname "OUT" meta nfproto ipv6 drop; }', 1)


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

    def __init__(self, lab, natpmp, six=False):
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
        self.outside_device = outside
        if six:
            self.add_six(inside, behind, outside, world)
        self.host.run(["nft", "-f", "-"], stdin=RULES_SIX.replace("OUT", outside) if six else RULES)
        if six and not natpmp:
            # It answers PCP over IPv6 also where it was told not to.
            self.host.run(["nft", "-f", "-"], stdin="table inet filter {\nchain input { type filter hook input priority 0; udp dport 5351 reject\n}\n}")
        configuration = self.host.path("miniupnpd.conf")
        configuration.write_text(
            f"ext_ifname={outside}\nlistening_ip={inside}\nport=0\nenable_natpmp={'yes' if natpmp else 'no'}\nenable_upnp=yes\nsecure_mode=yes\n"
            f"lease_file={self.host.path('leases')}\nuuid=00000000-0000-0000-0000-000000000001\nupnp_table_name=filter\nupnp_nat_table_name=filter\n"
            "upnp_forward_chain=miniupnpd\nupnp_nat_chain=prerouting_miniupnpd\nupnp_nat_postrouting_chain=postrouting_miniupnpd\n"
            "allow 1024-65535 192.168.77.0/24 1024-65535\n" + ("" if six else "ipv6_disable=yes\n"))
        self.host.start(["/usr/sbin/miniupnpd", "-d", "-f", configuration, "-P", self.host.path("miniupnpd.pid")])
        time.sleep(1)

    def add_six(self, inside, behind, outside, world):
        for host, device, address in (
            (self.host, inside, f"{ROUTER6}/64"), (self.inner, behind, f"{BEHIND6}/64"),
            (self.host, outside, "2a00:1450:88::2/64"), (self.outer, world, f"{OUTER6}/64"),
        ):
            ip("-6", "addr", "add", address, "dev", device, "nodad", pid=host.holder.pid)
        # As a router's advertisement has it, and never the same twice: the address of the link.
        ip("-6", "addr", "add", "fe80::77/64", "dev", inside, "nodad", pid=self.host.holder.pid)
        ip("-6", "route", "add", "default", "via", "fe80::77", "dev", behind, pid=self.inner.holder.pid)
        ip("-6", "route", "add", "2a00:1450:77::/64", "via", "2a00:1450:88::2", "dev", world, pid=self.outer.holder.pid)
        self.host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"])

    def pinholes(self):
        """How many rules let through what is sent to the node's port."""
        rules = self.host.run(["nft", "list", "chain", "inet", "filter", "miniupnpd"]).stdout
        # miniupnpd writes the address as bytes of the header, and nft shows it so.
        address = ipaddress.ip_address(BEHIND6).packed.hex()
        return sum(address in line and f"dport {PORT}" in line for line in rules.splitlines())

    def reaches(self):
        """Whether a stranger outside can connect over IPv6."""
        dial = f"import socket; socket.create_connection(('{BEHIND6}', {PORT}), 2).close()"
        return self.outer.run(["python3", "-c", dial], check=False).returncode == 0

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


def register_pinholes(name, natpmp):
    @case("router", f"IPv6, {name}: the router's firewall lets peers through to a node's public address, and no longer when it has stopped", waits=True)
    def opened(lab):
        if lab.host("probe").run(["nft", "-f", "-"], stdin=RULES, check=False).returncode:
            print("this kernel has no address translation by nftables: nothing is tried")
            return
        router = Router(lab, natpmp, six=True)
        inner, home = router.inner, str(router.inner.path("home"))
        roost.run(inner, "init", "--serve", "own", "--home", home)
        roost.run(inner, "config", "set", "port-mapping", "on", "--home", home)
        listening = f"import socket, time; s = socket.create_server(('::', {PORT}), family=socket.AF_INET6); print('ready', flush=True); time.sleep(60)"
        other = inner.start(["python3", "-c", listening])
        other.wait_line(lambda line: "ready" in line, 10)
        if router.reaches():
            raise AssertionError("the firewall lets everybody through")
        other.stop()
        node = inner.start([roost.BINARY, "start", "--home", home, "--listen", f"0.0.0.0:{PORT}", "--network", "none"])
        until(router.pinholes, 2)

        def said():
            done = roost.run(inner, "status", "--home", home, check=False)
            return f"lets through [{BEHIND6}]:{PORT}, TCP and UDP, by {name}" in done.stdout

        until(said, True)
        until(router.reaches, True)
        node.stop()
        until(router.pinholes, 0)


register_pinholes("PCP", True)
register_pinholes("UPnP", False)
register_for("PCP", True)
register_for("UPnP", False)
