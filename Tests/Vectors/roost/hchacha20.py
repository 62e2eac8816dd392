# SPDX-License-Identifier: Apache-2.0
"""HChaCha20 of draft-irtf-cfrg-xchacha-03 §2.2, which Python's `cryptography` lacks: for the second implementations here and in
`../homes`."""
import struct


def hchacha20(key, nonce):
    """The 32 bytes of subkey from a key of 32 bytes and a nonce of 16."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def step(target, addend, rotated, count):
        state[target] = (state[target] + state[addend]) & 0xFFFFFFFF
        mixed = state[rotated] ^ state[target]
        state[rotated] = (mixed << count | mixed >> (32 - count)) & 0xFFFFFFFF

    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            step(a, b, d, 16)
            step(c, d, b, 12)
            step(a, b, d, 8)
            step(c, d, b, 7)
    return struct.pack("<8I", *state[:4], *state[12:])
