#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A BitTorrent peer of a few lines that does one thing, good or bad, and says what came of it.

    rawpeer.py OWN-HOST:PORT TARGET-HOST:PORT INFOHASH MODE [OTHER-HOST:PORT]

It dials the target and prints JSON lines: {"event":"open"} after the handshakes, {"event":"closed"} when the other hangs up.
    slow        sends its handshake a byte at a time
    requests    asks for blocks while choked, without end         oversized   asks for a block of 1 MiB
    haves       announces pieces that do not exist                garbage     claims a message of 4 GiB
    pex         tells of peers without end                        hashes      asks for hashes without end
    silent      claims everything, never unchokes, says nothing   reneger     takes back and announces a piece without end
    dribble     claims an info dictionary of 16 MiB and sends a portion of it every two seconds
    rendezvous  asks the target to introduce it to OTHER (BEP 55); {"event":"message","kind",…} for each answer, and
                {"event":"syn","from"} when a uTP connection is begun towards it
    introduce   tells the target to dial OTHER over uTP
    greet       {"event":"greeting","ipv4","ipv6"}: where else the target says that it is reached (BEP 10)"""
import ipaddress
import json
import os
import pathlib
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Benchmarks"))
import bt_common as common  # noqa: E402

PEX, HOLEPUNCH, DONTHAVE, METADATA = 1, 4, 7, 9


def say(**values):
    print(json.dumps(values), flush=True)


def endpoint(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def address(packed):
    return str(ipaddress.ip_address(packed)) if packed else None


def compact(text):
    host, port = endpoint(text)
    return socket.inet_aton(host) + struct.pack(">H", port)


class Peer:
    def __init__(self, own, target, infohash):
        self.own, self.theirs = own, {}
        self.socket = socket.socket()
        self.socket.bind((endpoint(own)[0], 0))
        self.socket.connect(endpoint(target))
        self.infohash = bytes.fromhex(infohash)
        self.lock = threading.Lock()

    def greeting(self):
        return common.handshake(self.infohash, b"-XX0002-" + os.urandom(12), bytes.fromhex("0000000000100005"))

    def send(self, kind, payload=b""):
        with self.lock:
            self.socket.sendall(struct.pack(">IB", 1 + len(payload), kind) + payload)

    def extended(self, name, payload):
        if name in self.theirs:
            self.send(20, bytes([self.theirs[name]]) + payload)

    def open(self):
        self.socket.sendall(self.greeting())
        self.file = self.socket.makefile("rb")
        if len(self.file.read(68)) < 68:
            raise OSError("no handshake")
        names = {"ut_pex": PEX, "ut_holepunch": HOLEPUNCH, "lt_donthave": DONTHAVE}
        greeting = {"m": names, "p": endpoint(self.own)[1]}
        if MODE == "dribble":
            names["ut_metadata"], greeting["metadata_size"] = METADATA, 16 << 20
        self.send(20, b"\0" + common.bencode(greeting))
        self.send(*((14,) if MODE in ("silent", "reneger") else (15,)))
        say(event="open")

    def read(self):
        """Until the other side hangs up."""
        while header := self.file.read(4):
            body = self.file.read(struct.unpack(">I", header)[0])
            if body[:2] == b"\x14\0":
                handshake = common.bdecode(body[2:])[0]
                self.theirs = {name.decode(): number for name, number in handshake.get(b"m", {}).items() if number}
                if MODE == "greet":
                    say(event="greeting", **{name: address(handshake.get(name.encode())) for name in ("ipv4", "ipv6")})
            elif body[:2] == bytes([20, METADATA]) and b"msg_typei0e" in body:
                say(event="asked")
                time.sleep(2)
                piece = common.bdecode(body[2:])[0][b"piece"]
                self.extended("ut_metadata", common.bencode({"msg_type": 1, "piece": piece, "total_size": 16 << 20}) + bytes(16384))
            elif body[:2] == bytes([20, HOLEPUNCH]):
                where = f"{socket.inet_ntoa(body[4:8])}:{struct.unpack('>H', body[8:10])[0]}"
                say(event="message", kind=body[2], endpoint=where, error=struct.unpack(">I", body[10:14])[0])

    def act(self, mode, other):
        number = 0
        while True:
            number += 1
            if mode == "requests":
                self.send(6, struct.pack(">III", number % 4, 0, 16384))
            elif mode == "oversized":
                self.send(2)
                self.send(6, struct.pack(">III", 0, 0, 1 << 20))
            elif mode == "haves":
                self.send(4, struct.pack(">I", 1 << 30))
            elif mode == "garbage":
                self.socket.sendall(b"\xff\xff\xff\xff\x05")
            elif mode == "pex":
                peers = b"".join(bytes([10, 77, 250, value]) + b"\x1a\xe1" for value in range(50))
                self.extended("ut_pex", common.bencode({"added": peers, "added.f": bytes(50)}))
            elif mode == "hashes":
                self.send(21, os.urandom(32) + struct.pack(">IIII", 0, 0, 512, 8))
            elif mode == "reneger":
                self.extended("lt_donthave", struct.pack(">I", 0))
                self.send(4, struct.pack(">I", 0))
            elif mode in ("rendezvous", "introduce") and "ut_holepunch" in self.theirs:
                kind = 0 if mode == "rendezvous" else 1
                self.extended("ut_holepunch", bytes([kind, 0]) + compact(other) + bytes(4))
                return
            elif mode == "dribble":
                return
            time.sleep(0.05 if mode in ("pex", "rendezvous", "introduce", "silent", "oversized", "garbage", "greet") else 0.0001)


def listen_for_syn(own):
    port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port.bind(endpoint(own))
    while True:
        data, source = port.recvfrom(2048)
        if len(data) >= 20 and data[0] == 0x41:
            say(event="syn", **{"from": f"{source[0]}:{source[1]}"})


def quietly(action, *arguments):
    try:
        action(*arguments)
    except (OSError, struct.error, ValueError):
        pass


def main():
    own, target, infohash = sys.argv[1:4]
    other = sys.argv[5] if len(sys.argv) > 5 else None
    say(event="ready")
    try:
        peer = Peer(own, target, infohash)
        if MODE == "slow":
            for byte in peer.greeting():
                peer.socket.sendall(bytes([byte]))
                time.sleep(2)
        peer.open()
        threading.Thread(target=quietly, args=(peer.act, MODE, other), daemon=True).start()
        if MODE == "rendezvous":
            threading.Thread(target=quietly, args=(listen_for_syn, own), daemon=True).start()
        peer.read()
    except (OSError, struct.error):
        pass
    say(event="closed")
    # The harness ends us; what was said can still be read.
    time.sleep(3600)


MODE = sys.argv[4]
if __name__ == "__main__":
    main()
