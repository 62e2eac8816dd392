# SPDX-License-Identifier: Apache-2.0
"""A cold page of 1 MB over 80 ms of round trip: first paint in Chromium, from a peer through Roost and from nginx over HTTPS, in one run.

    Benchmarks/lab_page.py [--delay 40ms] [--rate 50mbit] [--runs 3]

The page: 30 KB of HTML, a style sheet of 50 KB that must be there before anything is painted, twenty pictures of 46 KB. Times are in milliseconds from the
moment that the address is entered. "Cold": the reader's node has joined the network and has never heard of the site; the browser is running, with no
connection open. For Roost `found` is `roost open` (the site's head, its release, the directory), then the browser goes to the gateway. For nginx: TCP, TLS 1.3, request.
ROOST_BINARY names a release build."""
import argparse
import base64
import json
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "Interop"), str(ROOT / "Benchmarks")]
import lab  # noqa: E402
import roost  # noqa: E402
from cdp import Browser  # noqa: E402
from clients import PORT  # noqa: E402
from lab import common  # noqa: E402

PICTURES, PICTURE, STYLE, TEXT = 20, 46_000, 50_000, 30_000
PAINT = "JSON.stringify({paint: (performance.getEntriesByName('first-contentful-paint')[0] || {}).startTime, load: performance.timing.loadEventEnd - performance.timing.navigationStart, origin: performance.timeOrigin})"


def bitmap(count, seed):
    """A BMP of noise, 24 bits a pixel, of about so many bytes."""
    width = 120
    height = count // (width * 3)
    head = b"BM" + (54 + width * 3 * height).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    head += width.to_bytes(4, "little") + height.to_bytes(4, "little") + (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24)
    return head + seed.to_bytes(2, "little") + os.urandom(width * 3 * height - 2)


def write_page(folder):
    folder.mkdir(parents=True)
    pictures = "".join(f'<img src="p{number}.bmp" width=120 height=120>' for number in range(PICTURES))
    words = "<p>" + ("A word, and another word. " * (TEXT // 26)) + "</p>"
    (folder / "index.html").write_text(f'<!doctype html><meta charset=utf-8><title>page</title><link rel=stylesheet href=style.css><h1>Heading</h1>{pictures}{words}')
    (folder / "style.css").write_text("body{color:#123}" + "".join(f".c{number}{{margin:{number % 97}px}}" for number in range(STYLE // 19)))
    for number in range(PICTURES):
        (folder / f"p{number}.bmp").write_bytes(bitmap(PICTURE, number))
    return sum(file.stat().st_size for file in folder.iterdir())


def painted(browser, url):
    """Milliseconds to first paint and to the load event."""
    page = browser.page()
    page.open(url)
    page.wait(lambda: json.loads(page.evaluate(PAINT)).get("paint"), "a paint")
    page.wait(lambda: json.loads(page.evaluate(PAINT))["load"] > 0, "the load event")
    return json.loads(page.evaluate(PAINT))


def nginx(host, root):
    home = host.path("nginx", "nginx.conf").parent
    host.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", home / "key.pem",
              "-out", home / "certificate.pem", "-subj", "/CN=lab", "-days", "2"])
    (home / "nginx.conf").write_text(f"""
        daemon off; worker_processes 1; user root; pid {home}/pid; error_log {home}/error.log; events {{ worker_connections 256; }}
        http {{ access_log off; sendfile on; tcp_nopush on; types {{ text/html html; text/css css; image/bmp bmp; }}
          client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
          server {{ listen {host.address}:443 ssl http2; ssl_certificate {home}/certificate.pem; ssl_certificate_key {home}/key.pem; ssl_protocols TLSv1.3; root {root}; }} }}""")
    host.start(["/usr/sbin/nginx", "-p", home, "-e", home / "error.log", "-c", home / "nginx.conf"])
    end = time.monotonic() + 10
    while host.run(["curl", "-sk", "-o", "/dev/null", f"https://{host.address}/"], check=False).returncode:
        if time.monotonic() > end:
            raise TimeoutError("nginx does not listen")
        time.sleep(0.1)
    return f"https://{host.address}/"


def dht(net, path):
    """A small network of nodes, each as far from the reader as the publisher is."""
    hosts = [net.host(f"dht{number}", path) for number in range(4)]
    bootstrap = f"{hosts[0].address}:{PORT}"
    for host in hosts:
        process = host.start([roost.BINARY, "dht", "node", "--listen", f"{host.address}:{PORT}", "--bootstrap", bootstrap, "--events"])
        process.wait_line(lambda line: "ready" in line, 20)
    return bootstrap


def measure(o):
    with lab.Lab() as network:
        net = network.internet()
        line = lab.Path(o.rate, o.delay, queue="100ms")
        publisher, server, reader = net.host("publisher", line), net.host("server", line), net.host("reader")
        for host in (publisher, server, reader):
            host.run(["sh", "-c", f"echo {o.cc} > /proc/sys/net/ipv4/tcp_congestion_control"])
        size = write_page(publisher.path("page"))
        bootstrap = dht(net, line)
        ours = roost.Node(publisher, bootstrap=[bootstrap]).wait_dht(nodes=3)
        report = ours.publish(publisher.path("page"), "--new", "--label", "1.0.0")
        time.sleep(5)
        node = roost.Node(reader, bootstrap=[bootstrap]).wait_dht(nodes=3)
        address = nginx(server, publisher.path("page"))
        with Browser(reader, "--ignore-certificate-errors") as browser:
            browser.page("data:text/html,warm").evaluate("1")
            theirs = painted(browser, address)
            name = base64.b32encode(bytes.fromhex(roost.site_id(report))).decode().rstrip("=").lower()
            began = time.monotonic()
            node.command("open", "--print", roost.address_of(report))
            found = (time.monotonic() - began) * 1000
            mine = painted(browser, f"http://{name}.localhost:8420/")
            warm = painted(browser, f"http://{name}.localhost:8420/")
    return {"bytes": size, "roost_found_ms": round(found), "roost_paint_ms": round(found + mine["paint"]), "roost_load_ms": round(found + mine["load"]), "roost_kept_paint_ms": round(warm["paint"]),
            "nginx_paint_ms": round(theirs["paint"]), "nginx_load_ms": round(theirs["load"]), "roost_over_nginx": round((found + mine["paint"]) / theirs["paint"], 2)}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--rate", default="50mbit")
    a.add_argument("--delay", default="40ms", help="one way: half of the round trip")
    a.add_argument("--cc", default="reno", help="of all hosts; a namespace takes only what net.ipv4.tcp_allowed_congestion_control names")
    a.add_argument("--runs", type=int, default=1)
    o = a.parse_args()
    lab.enter()
    rows = []
    for _ in range(o.runs):
        rows.append(measure(o))
        print(json.dumps({"bench": "lab-page", "rate": o.rate, "delay": o.delay, "cc": o.cc, **rows[-1]}), flush=True)
    print(json.dumps({"bench": "lab-page", "medians": {key: statistics.median(row[key] for row in rows) for key in rows[0]}}), flush=True)


if __name__ == "__main__":
    main()
