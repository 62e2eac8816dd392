#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A BitTorrent peer that lies: it claims to have everything, serves any info dictionary, and answers requests with noise.

    liar.py HOST:PORT [TORRENT [zeros]]     with `zeros` it answers with zeros: true, where the torrent says so. Without a
    torrent it claims to have all of whatever it is asked for (BEP 6 "have all"). Prints {"event":"lie"} for each false block, {"event":"closed"} when a peer hangs up"""
import hashlib
import json
import os
import pathlib
import socketserver
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Benchmarks"))
import bt_common as common  # noqa: E402

METADATA_PIECE = 16384
OWN_METADATA_ID = 3


def say(**values):
    print(json.dumps(values), flush=True)


class Liar(socketserver.StreamRequestHandler):
    def message(self, kind, payload=b""):
        self.wfile.write(struct.pack(">IB", 1 + len(payload), kind) + payload)

    def handle(self):
        try:
            self.converse()
        except (OSError, struct.error, ValueError):
            pass
        say(event="closed")

    def converse(self):
        greeting = self.rfile.read(68)
        if not greeting.startswith(b"\x13BitTorrent protocol"):
            return  # encrypted: the caller comes again in plain text
        infohash, reserved = greeting[28:48], bytearray(8)
        reserved[5], reserved[7] = 0x10, 0x04
        self.wfile.write(b"\x13BitTorrent protocol" + reserved + infohash + b"-XX0001-" + os.urandom(12))
        info = self.server.info
        extensions = {"m": {"ut_metadata": OWN_METADATA_ID}, "metadata_size": len(info)} if info else {"m": {}}
        self.message(20, b"\0" + common.bencode(extensions))
        self.message(*((5, self.server.bitfield) if info else (14,)))
        self.message(1)
        their_metadata_id = 0
        while header := self.rfile.read(4):
            body = self.rfile.read(struct.unpack(">I", header)[0])
            if not body:
                continue
            if body[0] == 6:
                index, begin, length = struct.unpack(">III", body[1:13])
                self.message(7, struct.pack(">II", index, begin) + self.server.block(min(length, 1 << 17)))
                say(event="lie", piece=index)
            elif body[0] == 20 and body[1] == 0:
                their_metadata_id = common.bdecode(body[2:])[0].get(b"m", {}).get(b"ut_metadata", 0)
            elif body[0] == 20 and body[1] == OWN_METADATA_ID:
                piece = common.bdecode(body[2:])[0][b"piece"]
                answer = common.bencode({"msg_type": 1, "piece": piece, "total_size": len(info)})
                self.message(20, bytes([their_metadata_id]) + answer + info[piece * METADATA_PIECE:(piece + 1) * METADATA_PIECE])


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    with Server((host, int(port)), Liar) as server:
        server.block = bytes if sys.argv[3:] == ["zeros"] else os.urandom
        server.info = b""
        if sys.argv[2:]:
            info = common.bdecode(pathlib.Path(sys.argv[2]).read_bytes())[0][b"info"]
            server.info = common.bencode(info)
            pieces = len(info[b"pieces"]) // 20
            bits = (1 << pieces) - 1 << -pieces % 8
            server.bitfield = bits.to_bytes((pieces + 7) // 8, "big")
        say(event="ready", infohash=hashlib.sha1(server.info).hexdigest())
        server.serve_forever()


if __name__ == "__main__":
    main()
