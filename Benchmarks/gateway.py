#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""First byte of a page at the gateway: cached, and uncached from a connected peer. Prints milliseconds; asserts nothing.

Two nodes on hosts of the interop lab; one publishes a site of 200 pages, the other's gateway is asked."""
import base64
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Interop"))
import lab  # noqa: E402
import roost  # noqa: E402
from clients import DHT  # noqa: E402
from lab import common  # noqa: E402

PAGES = 200


def first_byte(host, url):
    """(status, milliseconds to the first byte) as curl measures them, connecting included."""
    done = host.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{time_starttransfer}", "--resolve", "*:8420:127.0.0.1", url])
    status, seconds = done.stdout.split()
    return int(status), 1000 * float(seconds)


def main():
    lab.enter()
    with lab.Lab() as network:
        dht = DHT(network, nodes=4)
        publisher = roost.Node(network.host("publisher"), dht).wait_dht(nodes=2)
        for number in range(PAGES):
            publisher.host.path("site", f"{number:03d}", "index.html").write_text(f"<h1>page {number}</h1>" + "text " * 3000)
        report = publisher.publish(publisher.host.path("site"), "--new", "--label", "1.0.0")
        reader = roost.Node(network.host("reader"), dht).wait_dht(nodes=2)
        label = base64.b32encode(bytes.fromhex(roost.site_id(report))).decode().rstrip("=").lower()
        base = f"http://{label}.localhost:8420"
        first_byte(reader.host, f"{base}/000/")  # finds the publisher
        for name, paths in (("uncached", [f"/{number:03d}/" for number in range(1, 60)]), ("cached", ["/001/"] * 60)):
            rows = [first_byte(reader.host, base + path) for path in paths]
            times = [milliseconds for status, milliseconds in rows if status == 200]
            print(json.dumps({"bench": f"gateway first byte, {name}", "answered": len(times), "asked": len(rows),
                              "median_ms": round(common.median(times), 2) if times else None,
                              "p95_ms": round(common.quantile(times, 0.95), 2) if times else None}), flush=True)


if __name__ == "__main__":
    main()
