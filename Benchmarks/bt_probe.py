# SPDX-License-Identifier: Apache-2.0
"""Speaks the peer protocol to a seeding client byte by byte, and reports what it says and how fast:
handshake reserved bits, peer id, extension handshake, messages before ours, time to metadata (BEP 9),
time from "interested" to "unchoke", time to the first block, and blocks/s with a deep request queue.

  python3 bt_probe.py --seeder libtorrent --seeder transmission --seeder aria2 --seeder qbittorrent
"""
import argparse
import json
import os
import shutil
import socket
import struct
import time

import bt_clients as K
import bt_common as C

NAMES = {0: "choke", 1: "unchoke", 2: "interested", 3: "not interested", 4: "have", 5: "bitfield", 6: "request", 7: "piece", 8: "cancel",
         9: "port", 13: "suggest", 14: "have all", 15: "have none", 16: "reject", 17: "allowed fast", 20: "extended",
         21: "hash request", 22: "hashes", 23: "hash reject"}
RESERVED = {"dht": (7, 1), "fast": (7, 4), "v2": (7, 0x10), "extension": (5, 0x10), "azureus": (0, 0x80), "location": (2, 8)}


class Wire:
    def __init__(self, addr, info_hash, reserved):
        self.t0 = time.monotonic()
        self.s = socket.create_connection(addr, timeout=30)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s.sendall(C.handshake(info_hash, b"-XX0001-" + os.urandom(6).hex().encode(), reserved))
        self.buf = b""
        h = self.read(68)
        self.t_hs = time.monotonic()
        self.reserved, self.peer_id, self.ih = h[20:28], h[48:68], h[28:48]

    def read(self, n):
        while len(self.buf) < n:
            x = self.s.recv(1 << 18)
            if not x:
                raise OSError("closed")
            self.buf += x
        r, self.buf = self.buf[:n], self.buf[n:]
        return r

    def msg(self):
        n = struct.unpack("!I", self.read(4))[0]
        if n == 0:
            return None, b""
        b = self.read(n)
        return b[0], b[1:]

    def send(self, mid, payload=b""):
        self.s.sendall(struct.pack("!IB", 1 + len(payload), mid) + payload)


def probe(addr, meta, total, piece, queue, blocks):
    """One connection for everything, as a client would do."""
    r = {}
    ih = bytes.fromhex(meta["v1"] or meta["v2"][:40])
    w = Wire(addr, ih, bytes.fromhex("0000000000100015" if meta["v2"] else "0000000000100005"))
    r["handshake_ms"] = round(1000 * (w.t_hs - w.t0), 1)
    r["reserved"] = w.reserved.hex()
    r["answered_hash"] = "v1" if w.ih.hex() == meta["v1"] else "v2" if meta["v2"] and w.ih.hex() == meta["v2"][:40] else w.ih.hex()
    r["bits"] = [k for k, (i, m) in RESERVED.items() if w.reserved[i] & m]
    r["peer_id_prefix"] = w.peer_id[:8].decode("latin-1")
    w.send(20, b"\0" + C.bencode({"m": {"ut_metadata": 3, "ut_pex": 1}, "v": "probe 1", "reqq": 2000}))
    w.send(15)  # have none
    order, ext, t_ext = [], None, None
    end = time.monotonic() + 20
    w.s.settimeout(20)
    npieces = -(-total // piece)
    have = False
    while time.monotonic() < end and (ext is None or not have):
        mid, p = w.msg()
        order.append(NAMES.get(mid, "keepalive" if mid is None else str(mid)))
        if mid == 20 and p[0] == 0:
            ext = C.bdecode(p[1:])[0]
            t_ext = time.monotonic()
        if mid in (5, 14):
            have = True
    r["before_ours"] = order
    r["ext_handshake_ms"] = round(1000 * (t_ext - w.t0), 1)
    r["ext"] = {k.decode(): (v if isinstance(v, int) else {kk.decode(): vv for kk, vv in v.items()} if isinstance(v, dict)
                             else v.decode("latin-1") if k == b"v" else v.hex()) for k, v in ext.items()}
    # metadata
    size, mid_md = ext.get(b"metadata_size"), ext.get(b"m", {}).get(b"ut_metadata")
    if size and mid_md:
        t = time.monotonic()
        n = -(-size // 16384)
        for i in range(n):
            w.send(20, bytes([mid_md]) + C.bencode({"msg_type": 0, "piece": i}))
        got = {}
        while len(got) < n:
            mid, p = w.msg()
            if mid == 20 and p[0] == 3:
                d, at = C.bdecode(p, 1)
                got[d[b"piece"]] = p[at:] if d[b"msg_type"] == 1 else None
        r["metadata_ms"] = round(1000 * (time.monotonic() - t), 1)
        r["metadata_pieces"] = n
    # unchoke
    t = time.monotonic()
    w.send(2)
    try:
        while True:
            mid, p = w.msg()
            if mid == 1:
                break
    except (OSError, socket.timeout) as e:
        r["unchoke_ms"] = None
        r["note"] = "not unchoked in 20 s: %r" % e
        return r
    r["unchoke_ms"] = round(1000 * (time.monotonic() - t), 1)
    # one block
    t = time.monotonic()
    w.send(6, struct.pack("!III", 0, 0, min(16384, total)))
    while True:
        mid, p = w.msg()
        if mid == 7:
            break
    r["first_block_ms"] = round(1000 * (time.monotonic() - t), 2)
    # many blocks with a deep queue
    t = time.monotonic()
    per = piece // 16384
    want = min(blocks, total // 16384)
    sent = got = rej = 0
    while got + rej < want:
        batch = b""
        while sent < want and sent - got - rej < queue:
            batch += struct.pack("!IBIII", 13, 6, sent // per % npieces, sent % per * 16384, 16384)
            sent += 1
        if batch:
            w.s.sendall(batch)
        mid, p = w.msg()
        if mid == 7:
            got += 1
        elif mid == 16:
            rej += 1
    dt = time.monotonic() - t
    r["queue"] = queue
    r["MBps"] = round(got * 16384 / dt / 1e6, 1)
    r["rejected"] = rej
    # the cost of a round trip: 20 single blocks, one at a time
    ts = []
    for i in range(20):
        t = time.monotonic()
        w.send(6, struct.pack("!III", i % npieces, 0, 16384))
        while w.msg()[0] != 7:
            pass
        ts.append(time.monotonic() - t)
    r["block_rtt_ms_median"] = round(1000 * C.median(ts), 2)
    w.s.close()
    return r


def main():
    a = argparse.ArgumentParser()
    K.add_arguments(a)
    a.add_argument("--seeder", action="append", default=[])
    a.add_argument("--size", default="64M")
    a.add_argument("--kind", default="v1", choices=("v1", "v2", "hybrid"))
    a.add_argument("--piece", default="256k")
    a.add_argument("--queue", type=int, default=250)
    a.add_argument("--runs", type=int, default=1)
    o = a.parse_args()
    C.confine()
    reg = K.Registry(o.clients)
    st = json.loads(o.settings)
    with C.Workspace(o.store) as ws:
        root = ws.path("data", "big.bin")
        total, piece = C.parse_size(o.size), C.parse_size(o.piece)
        C.make_file(root, total)
        for name in (o.seeder or ["libtorrent"]) * o.runs:
            rd = ws.path("run-%d" % time.monotonic_ns(), mkdir=True)
            tf = os.path.join(rd, "t.torrent")
            meta = C.make_torrent(root, tf, o.kind, piece)
            S = None
            row = {"bench": "probe", "seeder": name, "kind": o.kind}
            try:
                S = reg.start(name, "seed", ws=rd, torrent=tf, data=os.path.dirname(root), utp="off", log=o.log, settings=st)
                S.go()
                S.wait_seeding()
                time.sleep(0.5)
                row.update(probe(S.addr, meta, total, piece, o.queue, total // 16384))
            except Exception as e:
                row["error"] = repr(e)[:300]
            finally:
                if S:
                    S.stop()
                shutil.rmtree(rd, ignore_errors=True)
            C.emit(row, o.out)


if __name__ == "__main__":
    main()
