#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the machine can do, for the same run as the rates: one stream over loopback between two processes, and plain writes of
1 GiB to the tmpfs and to the disk (not synced, as no client here syncs). `bt_check.py` has those of hashing."""
import argparse
import os
import socket
import tempfile
import time

import bt_common as C

TOTAL, CHUNK = 1 << 30, 1 << 18


def loopback():
    """MB/s of one TCP stream between two processes, 256 KiB a call, into one warm buffer."""
    listener = socket.create_server(("127.0.0.1", 0))
    if os.fork() == 0:
        with socket.create_connection(listener.getsockname()) as out:
            chunk = bytes(CHUNK)
            for _ in range(TOTAL // CHUNK):
                out.sendall(chunk)
        os._exit(0)
    stream, _ = listener.accept()
    buffer, got, start = bytearray(CHUNK), 0, time.monotonic()
    while got < TOTAL:
        got += stream.recv_into(buffer)
    took = time.monotonic() - start
    os.wait()
    return TOTAL / took / 1e6


def writing(folder):
    """MB/s of one writer into a new file."""
    chunk = os.urandom(CHUNK)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as out:
        start = time.monotonic()
        for _ in range(TOTAL // CHUNK):
            out.write(chunk)
        return TOTAL / (time.monotonic() - start) / 1e6


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    C.confine()
    disk = os.environ.get("BT_DISK_DIR", tempfile.gettempdir())
    for what, measure in (("TCP over loopback", loopback), ("writing to tmpfs", lambda: writing("/dev/shm")), ("writing to disk", lambda: writing(disk))):
        figures = [measure() for _ in range(given.runs)]
        C.emit({"bench": "limit", "what": what, "MBps": round(C.median(figures))})


if __name__ == "__main__":
    main()
