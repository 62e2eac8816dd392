# SPDX-License-Identifier: Apache-2.0
"""A BEP 46 item as any client may write it, put straight to DHT nodes with BEP 44's get and put.

libtorrent's Python binding stores strings only, and the value of BEP 46 is a dictionary: so the harness signs and puts it."""
import hashlib
import os
import socket

import bt_lt_dht as curve  # Ed25519 points, ours, from Benchmarks
from lab import GATEWAY, common

ORDER = 2 ** 252 + 27742317777372353535851937790883648493


def encoded(scalar):
    """The point scalar × G, encoded (RFC 8032 §5.1.2)."""
    x, y, z, _ = curve._mul(scalar, curve._G)
    inverse = pow(z, curve._P - 2, curve._P)
    x, y = x * inverse % curve._P, y * inverse % curve._P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % ORDER


def sign(seed, message):
    """(public key, signature), RFC 8032 §5.1.6."""
    digest = hashlib.sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & (2 ** 254 - 8) | 2 ** 254
    public = encoded(secret)
    nonce = number(digest[32:], message)
    commitment = encoded(nonce)
    return public, commitment + ((nonce + number(commitment, public, message) * secret) % ORDER).to_bytes(32, "little")


def query(link, node, name, arguments):
    link.sendto(common.bencode({"t": b"xx", "y": "q", "q": name, "a": arguments}), node)
    return common.bdecode(link.recv(4096))[0]


def put(nodes, seed, value, sequence=1, salt=b""):
    """Stores the item at each of the nodes ("host", port); returns its public key and how many took it."""
    body = common.bencode(value)
    salted = {"salt": salt} if salt else {}
    public, signature = sign(seed, (b"4:salt" + common.bencode(salt) if salt else b"") + b"3:seqi%de1:v" % sequence + body)
    own, taken = os.urandom(20), 0
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind((GATEWAY, 0))
    link.settimeout(3)
    for node in nodes:
        try:
            token = query(link, node, "get", {"id": own, "target": hashlib.sha1(public + salt).digest()})[b"r"][b"token"]
            answer = query(link, node, "put", {"id": own, "k": public, "seq": sequence, "sig": signature, "token": token, "v": value, **salted})
            taken += answer.get(b"y") == b"r"
        except (TimeoutError, KeyError):
            continue
    link.close()
    return public.hex(), taken
