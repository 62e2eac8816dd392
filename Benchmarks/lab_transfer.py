# SPDX-License-Identifier: Apache-2.0
"""One seeder to one leecher over a long, lossy path of the lab: Roost beside libtorrent and a bare TCP flow, in one run.

    Benchmarks/lab_transfer.py [--rate 200mbit] [--delay 25ms] [--loss 0.001] [--size 256] [--cc bbr --cc reno] [--runs 3]

The congestion control is pinned for all of both hosts, to one of net.ipv4.tcp_allowed_congestion_control:
namespaces get no other. `delay` is one way on the sender's link; both directions have it, so the round trip is twice as long; `loss` is
on the sender's way. One JSON line a transfer; at the end medians, as shares of the link's bits, of what they carry of TCP payload
(1,448 of 1,514 bytes), and of libtorrent.
Each line also says where its time went, in seconds, by the bytes that reached the reader's device: `wire` is what all of them take at the link's rate,
`start` what the first two seconds did not use of it, `later` what the rest did not; `stillness` is the part of `later` in which nothing came for 60 ms and more.
ROOST_BINARY names a release build."""
import argparse
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
from clients import Libtorrent  # noqa: E402
from lab import common  # noqa: E402
from lab.path import RATES, amount  # noqa: E402

TUNED = json.loads((ROOT / "Benchmarks/anchors-extra.json").read_text())


def tuned():
    """The settings of "libtorrent-tuned" in anchors-extra.json."""
    return next(entry["settings"] for entry in TUNED if entry["name"] == "libtorrent-tuned")


def pinned(host, control):
    host.run(["sh", "-c", f"echo {control} > /proc/sys/net/ipv4/tcp_congestion_control"])
    return host


SAMPLES = """
import time
while True:
    with open("/proc/net/dev") as devices:
        received = sum(int(line.partition(":")[2].split()[0]) for line in devices if ":" in line and "lo:" not in line)
    print(time.monotonic(), received, flush=True)
    time.sleep(0.02)
"""


class Meter:
    """Bytes that reach a host, looked at every 20 ms."""

    def __init__(self, host):
        self.process = host.start([sys.executable, "-c", SAMPLES])
        self.process.wait_line(lambda line: " " in line, 10)

    def spent(self, began, ended, link):
        """Where the time between two moments went; `link` in bytes a second."""
        samples = [tuple(map(float, text.split())) for _, text in list(self.process.lines) if text.count(" ") == 1]
        before = [value for moment, value in samples if moment <= began]
        rows = [(began, before[-1] if before else samples[0][1])] + [row for row in samples if began < row[0] <= ended]
        wire = (rows[-1][1] - rows[0][1]) / link
        head = max(value for moment, value in rows if moment <= began + 2)
        start = 2 - (head - rows[0][1]) / link
        steps = [(a, b) for a, b in zip(rows, rows[1:]) if a[0] > began + 2]
        quiet, run = 0.0, 0.0
        for a, b in steps:
            run = run + b[0] - a[0] if b[1] - a[1] < 0.1 * link * (b[0] - a[0]) else 0.0
            quiet += 0.0 if run < 0.06 else b[0] - a[0] if run - (b[0] - a[0]) >= 0.06 else run
        return {"wire": round(wire, 2), "start": round(start, 2), "later": round(ended - began - wire - start, 2), "stillness": round(quiet, 2)}


def bare(sender, reader, o):
    """Megabytes a second of one TCP flow of as many bytes, from its first byte on, and when it began and ended."""
    script = ROOT / "Interop/probe.py"
    sink = reader.start([sys.executable, script, "sink", reader.address, 7001])
    sink.wait_line(lambda line: "ready" in line, 10)
    sender.run([sys.executable, script, "pour", f"{reader.address}:7001", o.size << 20], timeout=600)
    ended, said, _ = sink.wait_line(lambda line: "mbit" in line, 600)
    said = json.loads(said)
    return said["mbit"] / 8, ended - said["seconds"], ended


def seeder_and_leecher(name, sender, reader, source, torrent, got):
    """Starts both; returns the leecher."""
    if name == "roost":
        seeder = roost.Torrent(sender, "seed", torrent, source.parent, options=("--utp", "off")).wait_seeding(120)
        time.sleep(0.5)
        return roost.Torrent(reader, "get", torrent, got, peers=[seeder.address], options=("--utp", "off"))
    settings = {"enable_outgoing_utp": False, "enable_incoming_utp": False, **(tuned() if name == "libtorrent-tuned" else {})}
    seeder = Libtorrent(sender, "seed", source.parent, torrent, settings=settings).wait_seeding(120)
    time.sleep(0.5)
    return Libtorrent(reader, "leech", got, torrent, peers=[seeder.address], settings=settings)


def said(client, event):
    """When a client reported it first: from `ready` on, its start does not count."""
    return next(moment for moment, line in client.process.lines if f'"event": "{event}"' in line or f'"event":"{event}"' in line)


def transfer(name, control, o):
    with lab.Lab() as network:
        net = network.internet(seed=o.seed)
        up = lab.Path(o.rate, o.delay, loss=o.loss, queue=o.queue)
        sender = pinned(net.host("sender", up, lab.Path(o.rate, o.delay, queue=o.queue)), control)
        reader = pinned(net.host("reader"), control)
        meter, link = Meter(reader), amount(o.rate, RATES) / 8
        if name == "tcp":
            rate, began, ended = bare(sender, reader, o)
            return {"MBps": round(rate, 2), "seconds": round(ended - began, 2), **meter.spent(began, ended, link)}
        source, torrent, got = sender.path("data", "tree"), sender.path("t.torrent"), reader.path("got")
        common.make_file(str(source / "noise.bin"), o.size << 20)
        common.make_torrent(str(source), str(torrent), o.kind, 1 << 18)
        leecher = seeder_and_leecher(name, sender, reader, source, torrent, got)
        leecher.wait_complete(900)
        began, ended = said(leecher, "ready"), said(leecher, "complete")
        seconds = ended - began
        same = common.same_content(str(source), str(got / "tree"))
        return {"MBps": round((o.size << 20) / 1e6 / seconds, 2), "seconds": round(seconds, 2), "same": same, **meter.spent(began, ended, link), "emulator_cpu": round(net.emulator.cpu_seconds() / seconds, 2)}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--rate", default="200mbit")
    a.add_argument("--delay", default="25ms")
    a.add_argument("--queue", default="50ms")
    a.add_argument("--loss", type=float, default=0.001)
    a.add_argument("--size", type=int, default=256, help="MiB")
    a.add_argument("--kind", default="v1")
    a.add_argument("--runs", type=int, default=1)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--cc", action="append")
    a.add_argument("--client", action="append")
    o = a.parse_args()
    lab.enter()
    os.environ.setdefault("ROOST_LAB_DIR", "/dev/shm")
    link = amount(o.rate, RATES) / 8e6
    for control in o.cc or ["bbr", "reno"]:
        rates = {}
        for _ in range(o.runs):
            for name in o.client or ["tcp", "libtorrent", "libtorrent-tuned", "roost"]:
                row = transfer(name, control, o)
                rates.setdefault(name, []).append(row["MBps"])
                print(json.dumps({"bench": "lab-transfer", "client": name, "cc": control, "rate": o.rate, "delay": o.delay, "loss": o.loss, "MiB": o.size, **row}), flush=True)
        medians = {name: statistics.median(values) for name, values in rates.items()}
        ratios = {name: {"of_link": round(value / link, 3), "of_payload": round(value / link * 1514 / 1448, 3), **({"of_libtorrent": round(value / medians["libtorrent"], 2)} if "libtorrent" in medians else {})} for name, value in medians.items()}
        print(json.dumps({"bench": "lab-transfer", "cc": control, "medians": medians, "ratios": ratios}), flush=True)


if __name__ == "__main__":
    main()
