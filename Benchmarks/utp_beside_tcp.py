# SPDX-License-Identifier: Apache-2.0
"""A uTP transfer of Roost beside one TCP flow, from one host over one link (root): what TCP keeps of what it has alone.

  python3 Benchmarks/utp_beside_tcp.py --rate 200mbit --queue 400ms --seconds 15

Two network namespaces and a token bucket (tc tbf) between them, a round trip of next to nothing; with --delay the lab's emulator is
between them, which adds so much each way. Prints one JSON line for each queue."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "Interop"), str(ROOT / "Benchmarks")]
import lab  # noqa: E402
import roost  # noqa: E402
from lab import Path, common  # noqa: E402

SINK = """
import socket, sys, time
s = socket.create_server((sys.argv[1], 5201)); print('{"event": "ready"}', flush=True)
c, _ = s.accept(); total = 0; mark = time.monotonic()
while data := c.recv(1 << 20):
    total += len(data)
    if time.monotonic() - mark > 0.1:
        mark = time.monotonic(); print(mark, total, flush=True)
"""
SOURCE = """
import socket, sys
c = socket.socket(); c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, sys.argv[2].encode())
c.connect((sys.argv[1], 5201)); block = bytes(1 << 18)
while True: c.sendall(block)
"""


def rate(process, start, end):
    """Bytes a second that the sink counted between two times."""
    points = [tuple(map(float, text.split())) for _, text in process.lines if text and text[0].isdigit()]
    inside = [point for point in points if start <= point[0] <= end]
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0]) if len(inside) > 1 else 0.0


def downloaded(path):
    return sum(f.stat().st_blocks * 512 for f in path.rglob("*") if f.is_file())


def hosts(network, o, queue):
    if o.delay:
        net = network.internet()
        return net.host("sender", Path(o.rate, o.delay, queue=queue), Path()), net.host("reader")
    sender, reader = network.host("sender"), network.host("reader")
    # On the far side of the bridge: on its own device the sender's TCP sees how full the queue is, and holds back.
    tc = ["tc", "qdisc", "replace", "dev", f"v{reader.number}", "root", "tbf", "rate", o.rate, "burst", "128kb", "latency", queue]
    subprocess.run(tc, check=True)
    return sender, reader


def measure(o, queue):
    with lab.Lab() as network:
        sender, reader = hosts(network, o, queue)
        source = sender.path("data", "tree")
        source.mkdir()
        with open(source / "noise.bin", "wb") as out:
            for _ in range(o.size):
                out.write(os.urandom(1 << 20))
        torrent = sender.path("t.torrent")
        common.make_torrent(str(source), str(torrent), "v1", 1 << 18)
        sink = reader.start([sys.executable, "-c", SINK, reader.address])
        sink.wait_line(lambda line: "ready" in line or None, 10)
        flow = sender.start([sys.executable, "-c", SOURCE, reader.address, o.cc])
        time.sleep(2)
        start = time.monotonic()
        time.sleep(o.seconds)
        alone = rate(sink, start, time.monotonic())
        seeder = roost.Torrent(sender, "seed", torrent, source.parent, options=("--utp", "only")).wait_seeding()
        got = reader.path("got")
        roost.Torrent(reader, "get", torrent, got, peers=[seeder.address], options=("--utp", "only"))
        time.sleep(3)
        start, before = time.monotonic(), downloaded(got)
        time.sleep(o.seconds)
        beside, utp = rate(sink, start, time.monotonic()), (downloaded(got) - before) / o.seconds
        flow.stop()
        time.sleep(2)
        before = downloaded(got)
        time.sleep(4)
        return {"bench": "utp-beside-tcp", "tcp": o.cc, "rate": o.rate, "queue": queue, "delay": o.delay, "tcp_alone_MBps": round(alone / 1e6, 2), "tcp_beside_MBps": round(beside / 1e6, 2),
                "kept": round(beside / alone, 3) if alone else None, "utp_beside_MBps": round(utp / 1e6, 2), "utp_alone_MBps": round((downloaded(got) - before) / 4e6, 2)}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--rate", default="200mbit")
    a.add_argument("--queue", action="append", help="as tc's latency; may be repeated")
    a.add_argument("--delay", help="one way, in the lab's emulator")
    a.add_argument("--cc", default="cubic", help="congestion control of the TCP flow")
    a.add_argument("--seconds", type=float, default=10)
    a.add_argument("--size", type=int, default=400, help="MiB to transfer")
    o = a.parse_args()
    lab.enter()
    for queue in o.queue or ["400ms", "100ms", "20ms"]:
        print(json.dumps(measure(o, queue)), flush=True)


if __name__ == "__main__":
    main()
