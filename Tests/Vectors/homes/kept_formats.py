# SPDX-License-Identifier: Apache-2.0
"""What the readers of kept homes share: CBOR, bencode, sealed key files (keys.md) and BEP 52 roots. No code of the program."""
import hashlib
import pathlib
import sys

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "roost"))
from hchacha20 import hchacha20  # noqa: E402


def cbor(data):
    value, end = _cbor(data, 0)
    assert end == len(data)
    return value


def _cbor(data, at):
    major, small = data[at] >> 5, data[at] & 31
    at += 1
    if small >= 24 and major != 7:
        size = 1 << small - 24
        small, at = int.from_bytes(data[at:at + size], "big"), at + size
    if major in (0, 1):
        return (small if major == 0 else -1 - small), at
    if major in (2, 3):
        part = data[at:at + small]
        return (part if major == 2 else part.decode()), at + small
    if major == 4:
        items = []
        for _ in range(small):
            item, at = _cbor(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(small):
            key, at = _cbor(data, at)
            pairs[key], at = _cbor(data, at)
        return pairs, at
    return {20: False, 21: True, 22: None}[small], at


def bdecode(data):
    value, end = _bdecode(data, 0)
    assert end == len(data)
    return value


def _bdecode(data, at):
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        items, at = [], at + 1
        while data[at:at + 1] != b"e":
            item, at = _bdecode(data, at)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2]))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end], end


def open_key_file(data, local, purpose):
    """The content of a file that the local key seals."""
    header, nonce, sealed = data[:34], data[10:34], data[34:]
    assert header[:10] == b"ROOSTKEY\x01\x00", "version 1, sealed by the local key"
    inner = ChaCha20Poly1305(hchacha20(local, nonce[:16]))
    return inner.decrypt(bytes(4) + nonce[16:], sealed, header + purpose)


def root_of(content):
    """BEP 52 "pieces root": over blocks of 16 KiB, filled up with hashes of zeros to a power of two."""
    if not content:
        return None
    row = [hashlib.sha256(content[at:at + 16384]).digest() for at in range(0, len(content), 16384)]
    while len(row) & (len(row) - 1):
        row.append(bytes(32))
    while len(row) > 1:
        row = [hashlib.sha256(row[at] + row[at + 1]).digest() for at in range(0, len(row), 2)]
    return row[0]
