# SPDX-License-Identifier: Apache-2.0
"""A libtorrent client driven by lines on stdin, reporting JSON lines on stdout.

It speaks the bench's "json lines" contract, the same one a node under test can speak:
  stdout {"event":"ready","port":N}    the listen socket is open
  stdin  go                            add the torrent now (only with --wait-go)
  stdout {"event":"seeding"}           seeder: the data is checked and it serves
  stdout {"event":"metadata"}          magnet: the info dictionary is here
  stdout {"event":"first"}             leecher: the first piece passed its check
  stdout {"event":"complete"}          leecher: all pieces passed
  stdout {"event":"checked","progress":p}  check mode: done
  stdin  peer HOST:PORT                connect to that peer
  stdin  stats                         print counters and peer transport
"""
import argparse
import json
import os
import signal
import sys
import threading
import time

import libtorrent as lt


def say(**k):
    k["t"] = time.monotonic()
    sys.stdout.write(json.dumps(k) + "\n")
    sys.stdout.flush()


def settings(listen, utp, extra):
    host, port = listen.rsplit(":", 1)
    s = {
        "listen_interfaces": "%s:%s" % (host, port),
        "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "dht_bootstrap_nodes": "",
        "allow_multiple_connections_per_ip": True,
        "enable_outgoing_utp": utp != "off", "enable_incoming_utp": utp != "off",
        "enable_outgoing_tcp": utp != "only", "enable_incoming_tcp": utp != "only",
        "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.status_notification
        | lt.alert.category_t.storage_notification,
    }
    s.update(extra)
    return s


def create(o):
    """--dir is the file or folder to publish, --torrent the file to write."""
    fl = {"v1": lt.create_torrent.v1_only, "v2": lt.create_torrent.v2_only, "hybrid": 0}[o.kind]
    t0 = time.monotonic()
    if hasattr(lt, "list_files"):
        t = lt.create_torrent(lt.list_files(o.dir), o.piece, flags=fl)
    else:
        fs = lt.file_storage()
        lt.add_files(fs, o.dir)
        t = lt.create_torrent(fs, o.piece, flags=fl)
    lt.set_piece_hashes(t, os.path.dirname(o.dir))
    raw = lt.bencode(t.generate())
    with open(o.torrent, "wb") as f:
        f.write(raw)
    say(event="created", seconds=time.monotonic() - t0)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("mode", choices=("seed", "leech", "check", "create"))
    a.add_argument("--torrent")
    a.add_argument("--magnet")
    a.add_argument("--dir", required=True)
    a.add_argument("--listen", default="127.0.0.1:0")
    a.add_argument("--peer", action="append", default=[])
    a.add_argument("--utp", choices=("off", "on", "only"), default="off")
    a.add_argument("--set", default="{}", help="libtorrent settings, JSON")
    a.add_argument("--wait-go", action="store_true")
    a.add_argument("--metadata-only", action="store_true")
    a.add_argument("--first", action="store_true", help="report the first piece (costs an alert a piece)")
    a.add_argument("--kind", choices=("v1", "v2", "hybrid"), default="v1")
    a.add_argument("--piece", type=int, default=1 << 20)
    o = a.parse_args()
    if o.mode == "create":
        return create(o)

    st = settings(o.listen, o.utp, json.loads(o.set))
    if o.first:
        st["alert_mask"] |= 0x400000  # piece_progress
    ses = lt.session(st)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    deadline = time.monotonic() + 5
    while not ses.is_listening() and time.monotonic() < deadline:
        time.sleep(0.005)
    say(event="ready", port=ses.listen_port(), version=lt.__version__)

    if o.wait_go:
        while True:
            line = sys.stdin.readline()
            if not line:
                return
            if line.strip() == "go":
                break

    if o.magnet:
        p = lt.parse_magnet_uri(o.magnet)
    else:
        p = lt.add_torrent_params()
        p.ti = lt.torrent_info(o.torrent)
    p.save_path = o.dir
    f = lt.torrent_flags
    p.flags &= ~(f.auto_managed | f.paused | f.apply_ip_filter)
    p.flags |= f.update_subscribe
    say(event="adding")
    h = ses.add_torrent(p)
    for peer in o.peer:
        host, port = peer.rsplit(":", 1)
        h.connect_peer((host.strip("[]"), int(port)))

    first = False
    told = False

    def stdin_loop():
        for line in sys.stdin:
            w = line.split()
            if not w:
                continue
            if w[0] == "peer":
                host, port = w[1].rsplit(":", 1)
                h.connect_peer((host.strip("[]"), int(port)))
            elif w[0] == "stats":
                say(event="stats", peers=[{"client": repr(x.client), "type": int(x.connection_type),
                                           "flags": int(x.flags), "address": "%s:%d" % x.ip, "queue": x.download_queue_length}
                                          for x in h.get_peer_info()])
            elif w[0] == "quit":
                stop.set()
        stop.set()

    threading.Thread(target=stdin_loop, daemon=True).start()
    while not stop.is_set():
        ses.wait_for_alert(20)
        for al in ses.pop_alerts():
            n = type(al).__name__
            if n == "metadata_received_alert":
                say(event="metadata")
                if o.metadata_only:
                    say(event="complete")
            elif n == "piece_finished_alert" and not first:
                first = True
                say(event="first")
            elif n == "torrent_finished_alert" and o.mode == "leech":
                say(event="complete")
            elif n == "torrent_checked_alert":
                if o.mode == "check":
                    say(event="checked", progress=h.status().progress)
                elif o.mode == "seed" and not told:
                    told = True
                    say(event="seeding", progress=h.status().progress)
            elif n.endswith("error_alert") or n == "torrent_error_alert" or n == "metadata_failed_alert":
                print(n, al.message(), file=sys.stderr, flush=True)
    say(event="bye")
    os._exit(0) if o.mode == "seed" else None


if __name__ == "__main__":
    main()
