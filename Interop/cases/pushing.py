# SPDX-License-Identifier: Apache-2.0
"""Releases that are brought to peers before their publisher leaves."""
import time

import roost
from clients import DHT
from content import expect_same, make_tree
from registry import case

MARKER = (".roost-site",)


def keeper(lab, name, dht, accepts):
    node = roost.Node(lab.host(name), dht)
    node.command("config", "set", "accept-pushes", "on" if accepts else "off")
    return node.wait_dht()


@case("push", "S0-20 S0-21: a release is pushed to three of five random keepers, its publisher stops at once, and a reader has it within 10 s")
def survives_its_publisher(lab):
    dht = DHT(lab)
    keepers = {node.host.address: node for node in (keeper(lab, f"keeper{n}", dht, n < 5) for n in range(6))}
    publisher = roost.Node(lab.host("publisher"), dht).wait_dht()
    source = make_tree(publisher.host.path("site"))
    # Keepers must have said so in the DHT first.
    report = wait_for_push(publisher, source, 3)
    publisher.stop()
    holders = {peer.rsplit(":", 1)[0] for peer in report["pushed"]["peers"]}
    if len(holders) != 3 or not holders <= set(keepers):
        raise AssertionError(f"pushed to {holders} of {set(keepers)}")
    for address, node in keepers.items():
        known = [site for site in node.value("site", "list") if site["site"] == report["site"]]
        whole = bool(known) and known[0]["stored"] == report["bytes"]
        if whole != (address in holders):
            raise AssertionError(f"{address} holds {known} and was{'' if address in holders else ' not'} named")
    reader = roost.Node(lab.host("reader"), dht).wait_dht()
    begin = time.monotonic()
    reader.fetch(report["site"], reader.host.path("got"))
    if time.monotonic() - begin > 10:
        raise AssertionError(f"read only after {time.monotonic() - begin:.1f} s")
    expect_same(source, reader.host.path("got"), ignore=MARKER)


def wait_for_push(publisher, source, copies, attempts=5):
    for number in range(attempts):
        done = publisher.command("publish", str(source), *(["--new"] if number == 0 else ["--message", "again"]),
                                 "--push", str(copies), "--json", check=False)
        if done.returncode == 0:
            return roost.json.loads(done.stdout)
        if done.returncode != 69:
            raise AssertionError(f"exit {done.returncode}: {done.stderr}")
        time.sleep(1)
    raise AssertionError(f"not pushed after {attempts} attempts: {done.stdout} {done.stderr}")
