# SPDX-License-Identifier: Apache-2.0
"""Raw UDP query load on one DHT node: queries answered a second and CPU microseconds of the node a query.

  python3 bt_dhtload.py --target libtorrent --network 60 --seconds 5
  python3 bt_dhtload.py --target aria2 --network 60
  python3 bt_dhtload.py --clients node.json --target node --network 60
The load comes from many 127.x addresses, so that limits per source address do not hide the node's speed;
--sources 1 shows those limits. It keeps a bounded window of open queries, and stops by itself.
"""
import argparse
import json
import os
import random
import select
import socket
import subprocess
import sys
import time

import bt_clients as K
import bt_common as C
from bt_dht import LT_DHT, Driver, settle


def query(method, tid, nid, target):
    if method == "ping":
        return b"d1:ad2:id20:" + nid + b"e1:q4:ping1:t4:" + tid + b"1:y1:qe"
    if method == "find_node":
        return b"d1:ad2:id20:" + nid + b"6:target20:" + target + b"e1:q9:find_node1:t4:" + tid + b"1:y1:qe"
    if method == "get_peers":
        return b"d1:ad2:id20:" + nid + b"9:info_hash20:" + target + b"e1:q9:get_peers1:t4:" + tid + b"1:y1:qe"
    if method == "get":
        return b"d1:ad2:id20:" + nid + b"6:target20:" + target + b"e1:q3:get1:t4:" + tid + b"1:y1:qe"
    raise ValueError(method)


def load(addr, method, seconds, window, sources, base, rnd=None):
    rnd = rnd or random.Random(7)
    socks = []
    for i in range(sources):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.%d.%d.%d" % (base, 1 + i // 250, 1 + i % 250), 0))
        s.setblocking(False)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        socks.append(s)
    ids = [rnd.randbytes(20) for _ in range(sources)]
    targets = [rnd.randbytes(20) for _ in range(512)]
    ep = select.epoll()
    byfd = {}
    for s in socks:
        ep.register(s.fileno(), select.EPOLLIN)
        byfd[s.fileno()] = s
    sent = got = errors = bytes_in = nodes = 0
    n = open_ = 0
    lat, when = [], {}
    t0 = time.monotonic()
    end = t0 + seconds
    last = t0
    while True:
        now = time.monotonic()
        if now >= end:
            break
        while open_ < window:
            tid = n.to_bytes(4, "big")
            k = n % sources
            try:
                socks[k].sendto(query(method, tid, ids[k], targets[n % 512]), addr)
            except OSError:
                break
            if n % 16 == 0:
                when[tid] = time.monotonic()
            n += 1
            open_ += 1
        sent = n
        any_ = False
        for fd, _ in ep.poll(0.02):
            s = byfd[fd]
            while True:
                try:
                    b = s.recv(4096)
                except OSError:
                    break
                any_ = True
                got += 1
                bytes_in += len(b)
                open_ -= 1
                if b"1:y1:e" in b:
                    errors += 1
                if b"5:nodes" in b:
                    nodes += 1
                i = b.find(b"1:t4:")
                if i > 0 and b[i + 5:i + 9] in when:
                    lat.append(time.monotonic() - when.pop(b[i + 5:i + 9]))
        if any_:
            last = time.monotonic()
        elif time.monotonic() - last > 0.3:
            open_ = 0  # what is open by now is lost
            last = time.monotonic()
    for s in socks:
        s.close()
    wall = time.monotonic() - t0
    return {"sent": sent, "answered": got, "errors": errors, "with_nodes": nodes, "seconds": round(wall, 2), "per_s": round(got / wall),
            "answer_bytes": round(bytes_in / got) if got else 0, "p50_us": round(1e6 * C.median(lat)) if lat else None,
            "p99_us": round(1e6 * C.quantile(lat, .99)) if lat else None}


class TransmissionDht(K.Transmission):
    def __init__(self, name, spec, role, ws, bootstrap, host, log):
        p = C.free_port(host)
        conf = os.path.join(ws, "trdht-%d" % p)
        os.makedirs(conf)
        h, q = bootstrap.rsplit(":", 1)
        with open(os.path.join(conf, "dht.bootstrap"), "w") as f:
            f.write("%s %s\n" % (h, q))
        self.host, self.port, self.addr = host, p, (host, p)
        st = {"bind-address-ipv4": host, "peer-port": p, "dht-enabled": True, "lpd-enabled": False, "utp-enabled": False,
              "port-forwarding-enabled": False, "rpc-enabled": False, "download-dir": conf}
        with open(os.path.join(conf, "settings.json"), "w") as f:
            json.dump(st, f)
        self.proc = C.Proc(["transmission-daemon", "-f", "-g", conf], env={"HOME": conf}, log=log)


ARIA_DHT = {"argv": ["aria2c", "--no-conf", "--enable-dht=true", "--dht-listen-addr={host}", "--dht-listen-port={port}", "--listen-port={port}",
                     "--interface={host}", "--dht-entry-point={bootstrap}", "--dht-file-path={tmp}/dht.dat", "--enable-rpc=false", "--bt-enable-lpd=false", "--enable-dht6=false",
                     "--dir={tmp}", "--summary-interval=0", "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"], "settle": 3}


def main():
    a = argparse.ArgumentParser()
    K.add_arguments(a)
    a.add_argument("--target", action="append", default=[])
    a.add_argument("--methods", default="ping,find_node,get_peers,get")
    a.add_argument("--network", type=int, default=60, help="libtorrent nodes around the target, so that its table is full")
    a.add_argument("--seconds", type=float, default=4)
    a.add_argument("--window", type=int, default=256)
    a.add_argument("--sources", type=int, default=200)
    a.add_argument("--procs", type=int, default=2)
    a.add_argument("--settle", type=float, default=10)
    a.add_argument("--worker", help=argparse.SUPPRESS)
    o = a.parse_args()
    if o.worker:
        j = json.loads(o.worker)
        j["addr"] = tuple(j["addr"])
        print(json.dumps(load(**j)))
        return
    C.confine()
    reg = K.Registry(o.clients)
    reg.specs["libtorrent"][1]["dht"] = LT_DHT
    reg.specs["libtorrent-defaults"] = (K.CommandClient, {"dht": {"argv": LT_DHT["argv"] + ["--defaults"], "ready": {"json": "ready"}}})
    reg.specs["aria2"][1]["dht"] = ARIA_DHT
    st = json.loads(o.settings)
    with C.Workspace("shm") as ws:
        net = C.Proc([K.PY, os.path.join(C.HERE, "bt_lt_dht.py"), "--count", str(o.network), "--base", "127.1.0.1"], log=o.log)
        try:
            _, line, _ = net.wait_line(lambda l: "ready" in l, 120)
            drv = Driver(net)
            addrs = json.loads(line)["nodes"]
            settle(drv, addrs, o.settle)
            for ti, name in enumerate(o.target or ["libtorrent"]):
                host = "127.2.0.%d" % (ti + 1)
                if name == "transmission":
                    c = TransmissionDht(name, {}, "dht", ws.root, "127.1.0.1:6881", host, o.log)
                else:
                    cls, sp = reg.specs[name]
                    c = K.CommandClient(name, sp, "dht", ws.root, host=host, log=o.log, settings=st, extra={"bootstrap": "127.1.0.1:6881"})
                try:
                    if name.startswith("libtorrent"):  # let the target meet the network
                        d = Driver(c.proc)
                        for _ in range(3):
                            d.op(op="warm", lookups=5)
                            time.sleep(0.5)
                    else:
                        time.sleep(o.settle)
                    for method in o.methods.split(","):
                        cpu0 = c.proc.meter()["cpu"]
                        ps = []
                        for k in range(o.procs):
                            w = {"addr": list(c.addr), "method": method, "seconds": o.seconds, "window": max(1, o.window // o.procs),
                                 "sources": max(1, o.sources // o.procs), "base": 100 + k}
                            ps.append(subprocess.Popen([sys.executable, os.path.abspath(__file__), "--worker", json.dumps(w)], stdout=subprocess.PIPE))
                        rs = [json.loads(p.communicate()[0]) for p in ps]
                        time.sleep(0.1)
                        cpu = c.proc.meter()["cpu"] - cpu0
                        got = sum(r["answered"] for r in rs)
                        C.emit({"bench": "dhtload", "target": name, "method": method, "sources": o.sources, "window": o.window,
                                "sent": sum(r["sent"] for r in rs), "answered": got, "errors": sum(r["errors"] for r in rs),
                                "with_nodes": sum(r["with_nodes"] for r in rs),
                                "per_s": sum(r["per_s"] for r in rs), "answer_bytes": rs[0]["answer_bytes"],
                                "p50_us": rs[0]["p50_us"], "p99_us": rs[0]["p99_us"], "cpu_s": round(cpu, 2),
                                "cpu_us_per_answer": round(1e6 * cpu / got, 1) if got else None}, o.out)
                    m = c.proc.meter()
                    C.emit({"bench": "dhtload-memory", "target": name, "rss_MiB": round(m["peak_rss"], 1), "anon_MiB": round(m["peak_anon"], 1)}, o.out)
                finally:
                    c.stop()
        finally:
            net.stop(3)


if __name__ == "__main__":
    main()
