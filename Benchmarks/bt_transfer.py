# SPDX-License-Identifier: Apache-2.0
"""One seeder -> N leechers. Figures: wall time from the moment the leecher gets the torrent
until it reports all pieces checked, MB/s, CPU seconds and peak memory of each side.

  python3 bt_transfer.py --pair libtorrent:libtorrent --size 1G
  python3 bt_transfer.py --pair libtorrent:libtorrent --size 256M --leechers 8
  python3 bt_transfer.py --pair transmission:libtorrent --files 10000 --file-size 4k
  python3 bt_transfer.py --clients node.json --pair node:libtorrent --pair libtorrent:node --pair libtorrent:libtorrent
"""
import argparse
import json
import os
import threading
import time

import bt_clients as K
import bt_common as C


def run(reg, o, ws, seeder_name, leecher_name, root, kind, piece, r):
    host = "127.0.0.1"
    run_dir = ws.path("run-%d" % time.monotonic_ns(), mkdir=True)
    tracker = None
    need_tracker = "argument" not in reg.ways(leecher_name) and "dial" not in reg.ways(seeder_name) and "tracker" in reg.ways(leecher_name)
    if o.leechers > 1:
        need_tracker = need_tracker or "argument" not in reg.ways(leecher_name)
    if need_tracker or "tracker" in reg.ways(leecher_name):
        tracker = C.Tracker(host)
    tf = os.path.join(run_dir, "t.torrent")
    tracked = tracker is not None and need_tracker
    meta = C.make_torrent(root, tf, kind, piece, [tracker.url] if tracked else [])
    st = json.loads(o.settings)
    seeder = leechers = None
    leechers = []
    try:
        seeder = reg.start(seeder_name, "seed", ws=run_dir, torrent=tf, data=os.path.dirname(root), utp=o.utp, log=o.log,
                           tracker=tracker and tracker.url, settings=st, host=host)
        seeder.go()
        seeder.wait_seeding()
        time.sleep(0.3)
        if tracked:  # make sure the seeder is known before the leecher asks
            ih = bytes.fromhex(meta["v1"] or meta["v2"][:40])
            tracker.swarms.setdefault(ih, {})[seeder.addr] = True
        for i in range(o.leechers):
            d = os.path.join(run_dir, "l%d" % i)
            os.makedirs(d)
            peers = [seeder.addr] + [x.addr for x in leechers] if "argument" in reg.ways(leecher_name) else []
            leechers.append(reg.start(leecher_name, "leech", ws=run_dir, torrent=tf, data=d, peers=peers, utp=o.utp,
                                      log=o.log, tracker=tracker and tracker.url, settings=st, host=host))
        s0 = seeder.proc.meter()["cpu"]
        t0s = [x.go() for x in leechers]
        how = None
        for x in leechers:
            how = K.connect(reg, seeder, x, bytes.fromhex(meta["v1"] or meta["v2"][:40]))
        done = [None] * len(leechers)
        first = [None] * len(leechers)

        def wait(i):
            try:
                first[i] = leechers[i].wait_first(o.timeout)
            except Exception:
                pass
            try:
                done[i] = leechers[i].wait_complete(o.timeout)
            except Exception as e:
                done[i] = e

        ts = [threading.Thread(target=wait, args=(i,)) for i in range(len(leechers))]
        [t.start() for t in ts]
        [t.join() for t in ts]
        bad = [e for e in done if isinstance(e, Exception)]
        if bad:
            raise bad[0]
        sm = seeder.proc.meter()
        lm = [x.proc.meter() for x in leechers]
        t0 = min(t0s)
        wall = max(done) - t0
        row = {"bench": "transfer", "seeder": seeder_name, "leecher": leecher_name, "kind": kind, "store": o.store, "run": r,
               "piece": piece, "bytes": meta["size"], "files": len(C.walk(root)), "leechers": len(leechers), "utp": o.utp, "joined": how,
               "wall_s": round(wall, 3), "MBps": round(meta["size"] / wall / 1e6, 1),
               "seeder_cpu_s": round(sm["cpu"] - s0, 2), "leecher_cpu_s": round(sum(m["cpu"] - x.cpu0 for m, x in zip(lm, leechers)), 2),
               "seeder_rss_MiB": round(sm["peak_rss"], 1), "leecher_rss_MiB": round(max(m["peak_rss"] for m in lm), 1),
               "seeder_anon_MiB": round(sm["peak_anon"], 1), "leecher_anon_MiB": round(max(m["peak_anon"] for m in lm), 1)}
        if first[0]:
            row["first_piece_s"] = round(first[0] - t0s[0], 3)
        if len(leechers) > 1:
            row["median_done_s"] = round(C.median([d - t0 for d in done]), 3)
            row["aggregate_MBps"] = round(meta["size"] * len(leechers) / wall / 1e6, 1)
        if not o.no_verify:
            for x in leechers:
                x.stop()
            row["same"] = all(C.same_content(root, os.path.join(run_dir, "l%d" % i, os.path.basename(root))) for i in range(len(leechers)))
        return row
    finally:
        for x in leechers + ([seeder] if seeder else []):
            x.stop()
        if tracker:
            tracker.close()
        import shutil
        shutil.rmtree(run_dir, ignore_errors=True)


def main():
    a = argparse.ArgumentParser()
    K.add_arguments(a)
    a.add_argument("--pair", action="append", default=[], metavar="SEEDER:LEECHER")
    a.add_argument("--size", default="1G")
    a.add_argument("--files", type=int, default=0, help="many files instead of one")
    a.add_argument("--file-size", default="4k")
    a.add_argument("--kind", default="v1", choices=("v1", "v2", "hybrid"))
    a.add_argument("--piece", default="1M")
    a.add_argument("--leechers", type=int, default=1)
    a.add_argument("--runs", type=int, default=1)
    a.add_argument("--timeout", type=float, default=300)
    a.add_argument("--no-verify", action="store_true")
    o = a.parse_args()
    C.confine()
    reg = K.Registry(o.clients)
    with C.Workspace(o.store) as ws:
        if o.files:
            root = ws.path("data", "tree")
            C.make_tree(root, o.files, C.parse_size(o.file_size))
        else:
            root = ws.path("data", "big.bin")
            C.make_file(root, C.parse_size(o.size))
        for r in range(o.runs):  # pairs alternate, so that drift of the machine hits all of them
            for p in o.pair or ["libtorrent:libtorrent"]:
                s, l = p.split(":")
                try:
                    row = run(reg, o, ws, s, l, root, o.kind, C.parse_size(o.piece), r)
                except Exception as e:
                    row = {"bench": "transfer", "seeder": s, "leecher": l, "kind": o.kind, "store": o.store, "run": r, "error": repr(e)[:400]}
                C.emit(row, o.out)


if __name__ == "__main__":
    main()
