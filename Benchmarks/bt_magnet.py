# SPDX-License-Identifier: Apache-2.0
"""BEP 9: time from handing a client a magnet link with one reachable peer until it has the info dictionary.

  python3 bt_magnet.py --pair libtorrent:libtorrent --pair libtorrent:transmission --runs 10
  python3 bt_magnet.py --files 10000 --pair libtorrent:libtorrent       (an info dictionary of some 500 kB)
"""
import argparse
import json
import os
import shutil
import time

import bt_clients as K
import bt_common as C


def main():
    a = argparse.ArgumentParser()
    K.add_arguments(a)
    a.add_argument("--pair", action="append", default=[])
    a.add_argument("--files", type=int, default=20)
    a.add_argument("--file-size", default="4k")
    a.add_argument("--kind", default="v1", choices=("v1", "v2", "hybrid"))
    a.add_argument("--piece", default="64k")
    a.add_argument("--runs", type=int, default=5)
    a.add_argument("--timeout", type=float, default=60)
    o = a.parse_args()
    C.confine()
    reg = K.Registry(o.clients)
    st = json.loads(o.settings)
    with C.Workspace(o.store) as ws:
        root = ws.path("data", "tree")
        C.make_tree(root, o.files, C.parse_size(o.file_size))
        for r in range(o.runs):
            for pair in o.pair or ["libtorrent:libtorrent"]:
                s, l = pair.split(":")
                rd = ws.path("run-%d" % time.monotonic_ns(), mkdir=True)
                tf = os.path.join(rd, "t.torrent")
                tracker = C.Tracker() if "argument" not in reg.ways(l) and "tracker" in reg.ways(l) else None
                meta = C.make_torrent(root, tf, o.kind, C.parse_size(o.piece))
                ih = bytes.fromhex(meta["v1"] or meta["v2"][:40])
                row = {"bench": "magnet", "seeder": s, "leecher": l, "kind": o.kind, "files": o.files, "run": r,
                       "torrent_bytes": os.path.getsize(tf), "utp": o.utp}
                S = L = None
                try:
                    S = reg.start(s, "seed", ws=rd, torrent=tf, data=os.path.dirname(root), utp=o.utp, log=o.log, settings=st)
                    S.go()
                    S.wait_seeding()
                    if tracker:
                        tracker.swarms[ih] = {S.addr: True}
                    os.makedirs(os.path.join(rd, "l"))
                    mag = C.magnet_of(meta, [tracker.url] if tracker else [], ["%s:%d" % S.addr])
                    L = reg.start(l, "magnet", ws=rd, magnet=mag, data=os.path.join(rd, "l"),
                                  peers=[S.addr] if "argument" in reg.ways(l) else [], utp=o.utp, log=o.log, settings=st)
                    t0 = L.go()
                    row["joined"] = "leecher dials" if "argument" in reg.ways(l) else "tracker" if tracker else K.connect(reg, S, L, ih)
                    row["metadata_ms"] = round((L.wait_metadata(o.timeout) - t0) * 1000, 1)
                except Exception as e:
                    row["error"] = repr(e)[:300]
                finally:
                    for x in (L, S):
                        if x:
                            x.stop()
                    if tracker:
                        tracker.close()
                    shutil.rmtree(rd, ignore_errors=True)
                C.emit(row, o.out)


if __name__ == "__main__":
    main()
