# SPDX-License-Identifier: Apache-2.0
"""Creating torrents and re-checking data.

  python3 bt_check.py --size 1G --client libtorrent --client transmission
  python3 bt_check.py --files 10000 --file-size 4k --client libtorrent
Also prints what one core does with SHA-1 and SHA-256 (openssl speed), the bound for one hashing thread.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import time

import bt_clients as K
import bt_common as C


def openssl(alg, size=16384, cores=1):
    multi = ["-multi", str(cores)] if cores > 1 else []
    try:
        p = subprocess.run(["openssl", "speed", *multi, "-evp", alg, "-bytes", str(size), "-seconds", "2", "-mr"],
                           capture_output=True, text=True, timeout=30)
    except OSError:
        return None
    m = re.findall(r"^\+F:\d+:[^:]*:([\d.]+)", p.stdout, re.M)
    return round(float(m[-1]) / 1e6, 1) if m else None


def main():
    a = argparse.ArgumentParser()
    K.add_arguments(a)
    a.add_argument("--client", action="append", default=[])
    a.add_argument("--size", default="1G")
    a.add_argument("--files", type=int, default=0)
    a.add_argument("--file-size", default="4k")
    a.add_argument("--piece", default="1M")
    a.add_argument("--kinds", default="v1,v2,hybrid")
    a.add_argument("--runs", type=int, default=1)
    a.add_argument("--what", default="openssl,create,check")
    a.add_argument("--label", default="")
    o = a.parse_args()
    C.confine()
    reg = K.Registry(o.clients)
    st = json.loads(o.settings)
    piece = C.parse_size(o.piece)
    if "openssl" in o.what:
        for alg in ("sha1", "sha256"):
            C.emit({"bench": "openssl", "alg": alg, "MBps_one_core": openssl(alg), "MBps_all_cores": openssl(alg, cores=os.cpu_count()),
                    "cores": os.cpu_count()}, o.out)
    with C.Workspace(o.store) as ws:
        if o.files:
            root = ws.path("data", "tree")
            C.make_tree(root, o.files, C.parse_size(o.file_size))
        else:
            root = ws.path("data", "big.bin")
            C.make_file(root, C.parse_size(o.size))
        total = sum(s for _, s in C.walk(root))
        nfiles = len(C.walk(root))
        for r in range(o.runs):
            for name in o.client or ["libtorrent"]:
                for kind in o.kinds.split(","):
                    base = {"client": name, "kind": kind, "bytes": total, "files": nfiles, "store": o.store, "run": r, "piece": piece}
                    if o.label:
                        base["label"] = o.label
                    cls, sp = reg.specs[name]
                    c = None
                    if "create" in o.what and reg.has(name, "create") and cls is K.CommandClient and kind in sp["create"].get("kinds", [kind]):
                        tf = ws.path("made-%d.torrent" % time.monotonic_ns())
                        try:
                            c = reg.start(name, "create", ws=ws.root, torrent=tf, data=root, log=o.log,
                                          extra={"kind": kind, "piece": piece, "piece_kib": piece // 1024})
                            t = c.wait_complete(600) - c.t0
                            C.emit({"bench": "create", **base, "wall_s": round(t, 3), "MBps": round(total / t / 1e6, 1),
                                    "cpu_s": round(c.proc.last["cpu"], 2), "rss_MiB": round(c.proc.last["peak_rss"], 1),
                                    "torrent_bytes": os.path.getsize(tf)}, o.out)
                        except Exception as e:
                            C.emit({"bench": "create", **base, "error": repr(e)[:300]}, o.out)
                        finally:
                            if c:
                                c.stop()
                    c = None
                    if "check" in o.what and reg.has(name, "check"):
                        if name.startswith(("transmission", "aria2")) and kind != "v1":
                            continue
                        rd = ws.path("run-%d" % time.monotonic_ns(), mkdir=True)
                        tf = os.path.join(rd, "t.torrent")
                        C.make_torrent(root, tf, kind, piece)
                        try:
                            c = reg.start(name, "check", ws=rd, torrent=tf, data=os.path.dirname(root), log=o.log, settings=st)
                            c.go()
                            t = c.wait_complete(600)
                            cpu = c.proc.meter()["cpu"] - c.cpu0
                            wall = t - c.t0
                            if hasattr(c, "recheck"):
                                c0 = c.proc.meter()["cpu"]
                                wall = c.recheck()
                                cpu = c.proc.meter()["cpu"] - c0
                            C.emit({"bench": "check", **base, "wall_s": round(wall, 3), "MBps": round(total / wall / 1e6, 1),
                                    "cpu_s": round(cpu, 2), "rss_MiB": round(c.proc.last["peak_rss"], 1),
                                    "anon_MiB": round(c.proc.last["peak_anon"], 1), "settings": st}, o.out)
                        except Exception as e:
                            C.emit({"bench": "check", **base, "error": repr(e)[:300]}, o.out)
                        finally:
                            if c:
                                c.stop()
                            shutil.rmtree(rd, ignore_errors=True)


if __name__ == "__main__":
    main()
