#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes keys.json: what docs/protocols/keys.md describes, by a second implementation.

Needs Python's `cryptography` 44 or later. It shares no code with the program.
"""
import base64
import hashlib
import hmac
import json
import pathlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hchacha20 import hchacha20


def sha256(data):
    return hashlib.sha256(data).digest()


def hkdf32(secret, info):
    pseudorandom = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(pseudorandom, info + b"\x01", hashlib.sha256).digest()


def public(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise ValueError(number)


def cbor(value):
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(cbor(element) for element in value)
    pairs = sorted((cbor(key), cbor(element)) for key, element in value.items())
    return head(5, len(pairs)) + b"".join(key + element for key, element in pairs)


def record(seed, kind, body, not_before, expires=None, network=b""):
    payload = cbor({
        "type": kind, "v": 1, "network": network, "issuer": public(seed), "notBefore": not_before,
        "expires": expires, "crit": [], "body": body,
    })
    message = b"roost/" + kind.encode() + b"\0" + payload
    return cbor([payload, Ed25519PrivateKey.from_private_bytes(seed).sign(message)])


def statement(signer, act, epoch, sequence, previous, root, following, recovery, devices, time):
    return record(signer, "identity", {
        "act": act, "id": identity, "epoch": epoch, "seq": sequence, "prev": previous, "root": public(root),
        "next": sha256(public(following)), "recovery": sha256(public(recovery)), "devices": devices,
    }, time)


def key_file(header, key, nonce, content, purpose):
    header += nonce
    inner = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    return header + inner.encrypt(bytes(4) + nonce[16:], content, header + purpose)


def kit(kind, subject, seed):
    payload = bytes([1, kind]) + subject + seed
    text = base64.b32encode(payload + sha256(b"roost/recovery-kit\0" + payload)[:4]).decode()
    groups = [text[at:at + 4] for at in range(0, len(text), 4)]
    return "".join(" ".join(groups[at:at + 4]) + "\n" for at in range(0, len(groups), 4))


def seed(number):
    return bytes([number]) * 32


device_seed, local_key = seed(1), seed(9)
root, following, recovery = seed(2), seed(3), seed(4)
identity = sha256(public(root))
laptop = [public(hkdf32(device_seed, b"roost/device/1\0" + identity)), "laptop"]
create = statement(root, "create", 0, 0, bytes(32), root, following, recovery, [laptop], 1700000000)
update = statement(root, "update", 0, 1, sha256(create), root, following, recovery, [], 1700000050)
rotate = statement(following, "rotate", 0, 2, sha256(update), following, seed(5), recovery, [], 1700000100)
recover = statement(recovery, "recover", 1, 0, sha256(create), seed(6), seed(7), seed(8), [], 1700000200)

nonce, salt = bytes(range(24)), bytes(range(24, 40))
passphrase = "correct horse \u00fc"
stretched = Argon2id(salt=salt, length=32, iterations=2, lanes=1, memory_cost=8192).derive(passphrase.encode())

vectors = {
    "deviceSeed": device_seed.hex(),
    "peerKeyOfMainline": public(hkdf32(device_seed, b"roost/peer/1\0mainline")).hex(),
    "deviceKeyOfIdentity": laptop[0].hex(),
    "record": record(device_seed, "peer", {"roles": ["relay"], "port": 8422}, 1700000000, 1700003600, b"mainline").hex(),
    "identity": {
        "root": root.hex(), "next": following.hex(), "recovery": recovery.hex(), "afterRotate": seed(5).hex(),
        "afterRecover": (seed(6) + seed(7) + seed(8)).hex(), "id": identity.hex(), "create": create.hex(),
        "update": update.hex(), "rotate": rotate.hex(), "recover": recover.hex(),
    },
    "recoveryKit": kit(1, identity, recovery),
    "keyFile": {
        "random": (nonce + salt).hex(), "content": b"secret".hex(), "purpose": "identity",
        "localKey": local_key.hex(), "passphrase": passphrase, "passes": 2, "kibibytes": 8192,
        "sealedByLocalKey": key_file(b"ROOSTKEY\1\0", local_key, nonce, b"secret", b"identity").hex(),
        "sealedByPassphrase": key_file(
            b"ROOSTKEY\1\1" + struct.pack(">II", 2, 8192) + salt, stretched, nonce, b"secret", b"identity").hex(),
    },
}
pathlib.Path(__file__).with_name("keys.json").write_text(json.dumps(vectors, indent=1) + "\n")
