# SPDX-License-Identifier: Apache-2.0
"""N libtorrent sessions as DHT nodes on 127.x.y.z, driven by JSON lines on stdin.

This is the "dht" contract that a node under test can speak too (with one node instead of N):
  stdout {"event":"ready","nodes":["127.1.0.1:6881", ...]}
  stdin  {"op":"announce","id":I,"info_hash":HEX,"port":P}          -> {"event":"result","id":I}
  stdin  {"op":"get_peers","id":I,"info_hash":HEX}                   -> {"event":"result","id":I,"peers":N}   at the first answer with peers
  stdin  {"op":"put","id":I,"seed":HEX32,"salt":HEX,"value":HEX}     -> {"event":"result","id":I,"stored":N,"key":HEX}
  stdin  {"op":"get","id":I,"key":HEX,"salt":HEX}                    -> {"event":"first","id":I,"seq":S} then {"event":"result","id":I,"seq":S,"value":HEX}
  stdin  {"op":"put_immutable","id":I,"value":HEX}                   -> {"event":"result","id":I,"stored":N,"target":HEX}
  stdin  {"op":"get_immutable","id":I,"target":HEX}                  -> {"event":"result","id":I,"value":HEX}
  stdin  {"op":"warm","id":I,"lookups":K}                            -> K random lookups by every node (network only)
An op may carry "node": which of the N sessions does it (0 by default).
"""
import argparse
import hashlib
import json
import os
import select
import sys
import time

import libtorrent as lt

# --- Ed25519 public key from a seed, enough for BEP 44 keys (RFC 8032) ---
_P = 2 ** 255 - 19
_D = -121665 * pow(121666, _P - 2, _P) % _P


def _add(a, b):
    A, B = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    Cc, Dd = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    E, F, G, H = B - A, Dd - Cc, Dd + Cc, B + A
    return E * F % _P, G * H % _P, F * G % _P, E * H % _P


def _mul(s, p):
    q = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = _add(q, p)
        p = _add(p, p)
        s >>= 1
    return q


_GY = 4 * pow(5, _P - 2, _P) % _P
_x2 = (_GY * _GY - 1) * pow(_D * _GY * _GY + 1, _P - 2, _P)
_GX = pow(_x2, (_P + 3) // 8, _P)
if (_GX * _GX - _x2) % _P:
    _GX = _GX * pow(2, (_P - 1) // 4, _P) % _P
if _GX & 1:
    _GX = _P - _GX
_G = (_GX, _GY, 1, _GX * _GY % _P)


def keypair(seed):
    """(64-byte expanded secret, 32-byte public key) as libtorrent wants them."""
    h = bytearray(hashlib.sha512(seed).digest())
    h[0] &= 248
    h[31] &= 63
    h[31] |= 64
    x, y, z, _ = _mul(int.from_bytes(h[:32], "little"), _G)
    zi = pow(z, _P - 2, _P)
    x, y = x * zi % _P, y * zi % _P
    return bytes(h), (y | ((x & 1) << 255)).to_bytes(32, "little")


def say(**k):
    sys.stdout.write(json.dumps(k) + "\n")
    sys.stdout.flush()


LOOPBACK = {  # what a loopback DHT needs: libtorrent's defaults reject or throttle nodes that share an address range
    "dht_restrict_routing_ips": False, "dht_restrict_search_ips": False, "dht_prefer_verified_node_ids": False,
    "dht_enforce_node_id": False, "dht_ignore_dark_internet": False,
}
UNLIMITED = {"dht_upload_rate_limit": 100000000, "dht_block_ratelimit": 1000000, "dht_block_timeout": 1}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--count", type=int, default=1)
    a.add_argument("--base", default="127.1.0.1", help="first address; the others follow it")
    a.add_argument("--port", type=int, default=6881)
    a.add_argument("--bootstrap", default="", help="HOST:PORT of a node; none: the first of these nodes")
    a.add_argument("--set", default="{}")
    a.add_argument("--defaults", action="store_true", help="keep libtorrent's rate limits")
    o = a.parse_args()
    b = [int(x) for x in o.base.split(".")]
    base = b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]
    ses, addrs = [], []
    first = o.bootstrap
    for i in range(o.count):
        n = base + i
        ip = "%d.%d.%d.%d" % (n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255)
        st = {"listen_interfaces": "%s:%d" % (ip, o.port), "enable_dht": True, "enable_lsd": False, "enable_upnp": False,
              "enable_natpmp": False, "dht_bootstrap_nodes": first, "aio_threads": 1, "hashing_threads": 1,
              "alert_mask": lt.alert.category_t.dht_notification | lt.alert.category_t.dht_operation_notification
              | lt.alert.category_t.status_notification | lt.alert.category_t.error_notification}
        st.update(LOOPBACK)
        if not o.defaults:
            st.update(UNLIMITED)
        st.update(json.loads(o.set))
        s = lt.session(st)
        ses.append(s)
        addrs.append("%s:%d" % (ip, o.port))
        if i == 0 and not first:
            first = addrs[0]
        if o.count > 20:
            time.sleep(0.01)
    end = time.monotonic() + 10
    while time.monotonic() < end and not all(s.is_listening() for s in ses):
        time.sleep(0.02)
    say(event="ready", nodes=addrs, version=lt.__version__)

    wait_peers, wait_put, wait_get, wait_imm = {}, {}, {}, {}

    def alerts(i):
        for al in ses[i].pop_alerts():
            n = type(al).__name__
            if n == "dht_get_peers_reply_alert":
                k = (i, str(al.info_hash))
                if k in wait_peers and al.num_peers() > 0:
                    say(event="result", id=wait_peers.pop(k), peers=al.num_peers())
            elif n == "dht_mutable_item_alert":
                k = (i, bytes(al.key).hex(), bytes(al.salt).hex())
                if k in wait_get:
                    it = al.item
                    v = it.get("v", it) if isinstance(it, dict) else it
                    v = v if isinstance(v, bytes) else lt.bencode(v) if v is not None else b""
                    say(event="result" if al.authoritative else "first", id=wait_get[k], seq=al.seq, value=v.hex())
                    if al.authoritative:
                        wait_get.pop(k)
            elif n == "dht_put_alert":
                pk = bytes(al.public_key).hex()
                k = (i, pk) if any(al.public_key) else (i, str(al.target))
                if k in wait_put:
                    d, key = wait_put.pop(k)
                    say(event="result", id=d, stored=al.num_success, key=pk, target=str(al.target))
            elif n == "dht_immutable_item_alert":
                k = (i, str(al.target))
                if k in wait_imm:
                    it = al.item
                    v = it.get("value", it) if isinstance(it, dict) else it
                    say(event="result", id=wait_imm.pop(k), value=(v if isinstance(v, bytes) else lt.bencode(v)).hex())

    buf = b""
    active = set([0])
    last_all = 0.0
    fd = sys.stdin.fileno()
    os.set_blocking(fd, False)
    while True:
        r, _, _ = select.select([fd], [], [], 0.0005 if (wait_peers or wait_put or wait_get or wait_imm) else 0.02)
        if r:
            x = os.read(fd, 65536)
            if not x:
                break
            buf += x
        while b"\n" in buf:
            line, buf = buf.split(b"\n", 1)
            c = json.loads(line)
            i = c.get("node", 0)
            s = ses[i]
            active.add(i)
            op = c["op"]
            if op == "announce":
                s.dht_announce(lt.sha1_hash(bytes.fromhex(c["info_hash"])), c["port"])
                say(event="result", id=c["id"])
            elif op == "get_peers":
                wait_peers[(i, c["info_hash"])] = c["id"]
                s.dht_get_peers(lt.sha1_hash(bytes.fromhex(c["info_hash"])))
            elif op == "put":
                sk, pk = keypair(bytes.fromhex(c["seed"]))
                wait_put[(i, pk.hex())] = (c["id"], pk.hex())
                s.dht_put_mutable_item(sk, pk, bytes.fromhex(c["value"]), bytes.fromhex(c.get("salt", "")))
            elif op == "get":
                wait_get[(i, c["key"], c.get("salt", ""))] = c["id"]
                s.dht_get_mutable_item(bytes.fromhex(c["key"]), bytes.fromhex(c.get("salt", "")))
            elif op == "put_immutable":
                t = str(s.dht_put_immutable_item(bytes.fromhex(c["value"])))
                wait_put[(i, t)] = (c["id"], t)
            elif op == "get_immutable":
                wait_imm[(i, c["target"])] = c["id"]
                s.dht_get_immutable_item(lt.sha1_hash(bytes.fromhex(c["target"])))
            elif op == "warm":
                # a node of a fresh network only lists peers that answered it: look things up to meet them
                for x in ses:
                    for _ in range(c.get("lookups", 4)):
                        x.dht_get_peers(lt.sha1_hash(os.urandom(20)))
                    time.sleep(0.02)
                say(event="result", id=c["id"])
        for i in list(active):
            alerts(i)
        now = time.monotonic()
        if now - last_all > 1:
            last_all = now
            for i in range(len(ses)):
                if i not in active:
                    ses[i].pop_alerts()
    os._exit(0)


if __name__ == "__main__":
    main()
