# SPDX-License-Identifier: Apache-2.0
"""DHT latency on a loopback network: get_peers, BEP 44 put and get, seen from one measured client.

  python3 bt_dht.py --nodes 100 --ops 50
  python3 bt_dht.py --nodes 100 --dead 0.3 --delay-ms 25 --client libtorrent --client node --clients node.json
The background network is N libtorrent sessions in one process; each measured client joins it.
"""
import argparse
import hashlib
import json
import os
import signal
import socket
import subprocess
import time

import bt_clients as K
import bt_common as C

LT_DHT = {"argv": ["{python}", "{here}/bt_lt_dht.py", "--base", "{host}", "--port", "{port}", "--bootstrap", "{bootstrap}",
                   "--set", "{settings}"], "ready": {"json": "ready"}}


class Driver:
    def __init__(self, proc):
        self.proc, self.n = proc, 0

    def op(self, timeout=30, **c):
        self.n += 1
        c["id"] = self.n
        start = len(self.proc.lines)
        t0 = time.monotonic()
        self.proc.send(json.dumps(c))
        first = None

        def m(line):
            nonlocal first
            try:
                j = json.loads(line)
            except ValueError:
                return None
            if j.get("id") != c["id"]:
                return None
            if j["event"] == "first" and first is None:
                first = time.monotonic() - t0
            return j if j["event"] == "result" else None

        t, _, j = self.proc.wait_line(m, timeout, start)
        return (t - t0) * 1000, (first or (t - t0)) * 1000, j


def nodes_known(addrs):
    """How many nodes each one lists in answer to a raw find_node (8 at most)."""
    out = []
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.9.9.9", 0))
    s.settimeout(1)
    for a in addrs:
        h, p = a.rsplit(":", 1)
        q = C.bencode({"t": b"wu", "y": "q", "q": "find_node", "a": {"id": os.urandom(20), "target": os.urandom(20)}})
        try:
            s.sendto(q, (h, int(p)))
            r = C.bdecode(s.recv(4096))[0]
            out.append(len(r[b"r"].get(b"nodes", b"")) // 26)
        except OSError:
            out.append(0)
    s.close()
    return out


def settle(drv, addrs, seconds):
    """Random lookups until every node lists 8 others, or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        drv.op(op="warm", lookups=3, timeout=60)
        time.sleep(1)
        k = nodes_known(addrs)
        if min(k) >= min(8, len(addrs) - 2):
            break
    return nodes_known(addrs)


def row_of(xs):
    ok = [x for x in xs if x is not None]
    return {"n": len(xs), "failed": len(xs) - len(ok), "median_ms": round(C.median(ok), 1) if ok else None,
            "p95_ms": round(C.quantile(ok, .95), 1) if ok else None, "max_ms": round(max(ok), 1) if ok else None}


def main():
    a = argparse.ArgumentParser()
    K.add_arguments(a)
    a.add_argument("--client", action="append", default=[])
    a.add_argument("--nodes", type=int, default=100)
    a.add_argument("--ops", type=int, default=40)
    a.add_argument("--settle", type=float, default=20)
    a.add_argument("--dead", type=float, default=0, help="share of the nodes that vanish before measuring")
    a.add_argument("--delay-ms", type=float, default=0, help="one-way delay on loopback (needs tc, sch_netem and a private namespace)")
    o = a.parse_args()
    inside = C.confine()
    delay = 0
    if o.delay_ms and inside:
        p = subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "%gms" % o.delay_ms, "limit", "100000"],
                           capture_output=True, text=True)
        delay = o.delay_ms if p.returncode == 0 else 0
        if not delay:
            print("note: no netem here: " + p.stderr.strip())
    st = json.loads(o.settings)
    reg = K.Registry(o.clients)
    reg.specs["libtorrent"][1]["dht"] = LT_DHT
    with C.Workspace("shm") as ws:
        live = o.nodes - int(o.nodes * o.dead)
        net = C.Proc([K.PY, os.path.join(C.HERE, "bt_lt_dht.py"), "--count", str(live), "--base", "127.1.0.1"],
                     log=o.log)
        doomed = None
        try:
            _, line, _ = net.wait_line(lambda l: "ready" in l, 120)
            nodes = json.loads(line)["nodes"]
            D = Driver(net)
            if live < o.nodes:  # in a process of their own, stopped (silent, not closed) before measuring
                doomed = C.Proc([K.PY, os.path.join(C.HERE, "bt_lt_dht.py"), "--count", str(o.nodes - live), "--base", "127.1.8.1",
                                 "--bootstrap", nodes[0]], log=o.log)
                _, line, _ = doomed.wait_line(lambda l: "ready" in l, 120)
                settle(Driver(doomed), json.loads(line)["nodes"], o.settle)
            counts = settle(D, nodes, o.settle)
            m = net.meter()
            base = {"nodes": o.nodes, "dead": o.dead, "delay_ms": delay}
            C.emit({"bench": "dht-net", **base, "nodes_in_answer_median": C.median(counts), "nodes_in_answer_min": min(counts),
                    "rss_per_session_MiB": round(m["peak_rss"] / live, 2), "anon_per_session_MiB": round(m["peak_anon"] / live, 2),
                    "cpu_s": m["cpu"]}, o.out)
            # the content: torrents announced and items stored by network nodes
            ihs = [hashlib.sha1(b"torrent %d" % i).hexdigest() for i in range(o.ops)]
            for i, ih in enumerate(ihs):
                for k in range(3):
                    D.op(op="announce", info_hash=ih, port=7000 + k, node=(i * 3 + k + 1) % live)
            items = []
            put = []
            for i in range(o.ops):
                try:
                    ms, _, j = D.op(op="put", seed=hashlib.sha256(b"net %d" % i).hexdigest(), salt=b"s".hex(),
                                    value=b"x".hex() * 100, node=(i + 1) % live)
                    items.append(j["key"])
                    put.append(ms)
                except TimeoutError:
                    put.append(None)
            C.emit({"bench": "dht", "what": "put by network nodes", "client": "libtorrent", **base, **row_of(put)}, o.out)
            time.sleep(2)
            if doomed:
                os.kill(doomed.pid, signal.SIGSTOP)
            for ci, name in enumerate(o.client or ["libtorrent"]):
                cls, sp = reg.specs[name]
                c = K.CommandClient(name, {**sp, "d": 0}, "dht", ws.root, host="127.2.0.%d" % (ci + 1), log=o.log,
                                    settings=st, extra={"bootstrap": nodes[0]})
                try:
                    time.sleep(min(o.settle, 6))
                    d = Driver(c.proc)
                    res = {"get_peers": [], "get": [], "get first": [], "put": [], "stored": []}
                    for i in range(o.ops):
                        try:
                            res["get_peers"].append(d.op(op="get_peers", info_hash=ihs[i])[0])
                        except TimeoutError:
                            res["get_peers"].append(None)
                    for key in items:
                        try:
                            ms, first, j = d.op(op="get", key=key, salt=b"s".hex())
                            ok = bool(j.get("value"))
                            res["get"].append(ms if ok else None)
                            res["get first"].append(first if ok else None)
                        except TimeoutError:
                            res["get"].append(None)
                            res["get first"].append(None)
                    for i in range(o.ops):
                        try:
                            ms, _, j = d.op(op="put", seed=hashlib.sha256(b"cli %d %s" % (i, name.encode())).hexdigest(),
                                            salt=b"s".hex(), value=b"y".hex() * 100)
                            res["put"].append(ms if j.get("stored") else None)
                            res["stored"].append(j.get("stored", 0))
                        except TimeoutError:
                            res["put"].append(None)
                    cm = c.proc.meter()
                    for w in ("get_peers", "get first", "get", "put"):
                        r = row_of(res[w])
                        if w == "put" and res["stored"]:
                            r["stored_median"] = C.median(res["stored"])
                        C.emit({"bench": "dht", "what": w, "client": name, **base, **r}, o.out)
                    C.emit({"bench": "dht-client", "client": name, **base, "cpu_s": cm["cpu"], "rss_MiB": round(cm["peak_rss"], 1),
                            "anon_MiB": round(cm["peak_anon"], 1)}, o.out)
                finally:
                    c.stop()
        finally:
            if doomed:
                try:
                    os.kill(doomed.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            net.stop(3)


if __name__ == "__main__":
    main()
