# SPDX-License-Identifier: Apache-2.0
"""What somebody can do who copied a home: open its sealed key files, as docs/protocols/keys.md describes them."""
import ctypes
import pathlib

HEAD, NONCE, TAG = 10, 24, 16


def opened(path, local_key):
    """The content of a key file that the home's local key protects."""
    data, purpose = path.read_bytes(), f"roost/key/{path.stem}".encode()
    if data[:8] != b"ROOSTKEY" or data[9] != 0:
        raise AssertionError(f"{path.name} is no key file that a local key opens")
    header, sealed = data[:HEAD + NONCE], data[HEAD + NONCE:]
    content, additional = ctypes.create_string_buffer(len(sealed) - TAG), header + purpose
    sodium = ctypes.CDLL("libsodium.so.23")
    if sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            content, None, None, sealed, ctypes.c_ulonglong(len(sealed)), additional, ctypes.c_ulonglong(len(additional)), header[HEAD:], local_key):
        raise AssertionError(f"{path.name} does not open")
    return content.raw


def site_key(home, site):
    """The seed of a site's key."""
    keys = pathlib.Path(home, "keys")
    local_key = (keys / "local.key").read_bytes()
    for path in keys.glob(f"*{site}*.key"):
        content = opened(path, local_key)
        mark = b"\x66origin\x58\x20"  # the key "origin" of a CBOR map, and 32 bytes
        start = content.index(mark) + len(mark)
        return content[start:start + 32]
    raise AssertionError(f"no key of the site among {[path.name for path in keys.iterdir()]}")
