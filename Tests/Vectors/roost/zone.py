#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes zone.json: what docs/protocols/zone-announcement.md describes, by a second implementation.

Needs Python's `cryptography` 44 or later. It shares no code with the program but that of keys.py.
"""
import hashlib
import json
import pathlib

from keys import cbor, public, record

NETWORK = b"lab"


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


def peer_record(seed, seq, life, addresses, signed):
    body = {"seq": seq, "life": life, "addrs": addresses}
    return record(seed, "peer", body, signed, expires=signed + life, network=NETWORK)


def identify(seed):
    return hashlib.sha256(public(seed)).digest()[:8]


def digest(seed, seq):
    return identify(seed) + seq.to_bytes(8, "big")


def query(name, arguments):
    arguments = {b"id": bytes(range(20)), b"zone": TAG, b"token": b"12345678", **arguments}
    return bencode({b"a": arguments, b"q": name, b"t": b"\1\2", b"y": b"q"})


def answer(fields):
    return bencode({b"r": {b"id": bytes(range(20)), b"zone": 1, **fields}, b"t": b"\1\2", b"y": b"r"})


TAG = hashlib.sha256(b"roost/zone\0" + NETWORK).digest()[:8]
SEEDS = [bytes([number]) * 32 for number in range(1, 21)]
RECORDS = [peer_record(seed, number + 100, 180, [["ip", bytes([10, 0, 0, number, 0x1A, 0xE1])]], 1_800_000_000)
           for number, seed in enumerate(SEEDS)]
MIXED = peer_record(SEEDS[0], 7, 60, [["ip", bytes(15) + b"\1\x1a\xe1"], ["onion", b"abc"]], 1_800_000_000)
SUMS = []
for bucket in range(64):
    held = sorted((digest(seed, number + 100) for number, seed in enumerate(SEEDS)), key=lambda entry: entry[:8])
    held = b"".join(entry for entry in held if entry[0] >> 2 == bucket)
    SUMS.append(hashlib.sha256(held).digest()[:6] if held else bytes(6))

VALUES = {
    "network": NETWORK.hex(),
    "tag": TAG.hex(),
    "records": [entry.hex() for entry in RECORDS],
    "mixed": MIXED.hex(),
    "ids": [identify(seed).hex() for seed in SEEDS],
    "sums": b"".join(SUMS).hex(),
    "tell": query(b"zone_tell", {b"d": digest(SEEDS[0], 100), b"r": bytes(4) + RECORDS[0], b"back": b"back"}).hex(),
    "compare": query(b"zone_compare", {b"sums": b"".join(SUMS), b"from": 63}).hex(),
    "get": query(b"zone_get", {b"ids": identify(SEEDS[0]) + identify(SEEDS[1])}).hex(),
    "answer": answer({b"d": digest(SEEDS[1], 101), b"next": 5, b"r": [(9).to_bytes(4, "big") + RECORDS[1]]}).hex(),
}

if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("zone.json")
    path.write_text(json.dumps(VALUES, indent=1) + "\n")
