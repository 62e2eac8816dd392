#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A tracker that wants to harm whoever asks it. Each path below is one way; over UDP it answers everything wrong.

    python3 Interop/hostile_tracker.py HOST:PORT VICTIM_PORT

Also listens on VICTIM_PORT of every address of the host, loopback included, and reports who comes: {"event": "victim"}."""
import json
import os
import socket
import struct
import sys
import threading
import time

ONE = 6 * b"\x01"


def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


def head(status="200 OK", **fields):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode()


def body(content):
    return head(Content_Length=len(content)) + content


def answers(host, port, victim):
    """Path → bytes, or a generator of bytes that may take its time."""
    def redirect(where):
        return head("302 Found", Location=where, Content_Length=0)

    def endless(first, more, pause=0.0):
        yield first
        while True:
            yield more
            time.sleep(pause)

    def deep():
        return body(b"d5:peers" + b"l" * 100_000 + b"e" * 100_000 + b"e")

    named = [("127.0.0.1", victim), (host, 22), ("0.0.0.0", victim), ("255.255.255.255", victim), ("224.0.0.1", victim), ("169.254.169.254", 80)]
    peers = b"".join(socket.inet_aton(address) + struct.pack("!H", number) for address, number in named)
    return {
        "/huge/announce": lambda: endless(head() + b"d5:peers999999999:", os.urandom(65536)),
        "/length/announce": lambda: head(Content_Length=10**15) + b"d",
        "/heads/announce": lambda: endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 1000 + b"\r\n"),
        "/slow/announce": lambda: endless(head(Content_Length=1000) + b"d", b"1", 0.5),
        "/silent/announce": lambda: endless(b"", b"", 1),
        "/types/announce": lambda: body(b"d8:completele10:incomplete4:many8:intervald1:ai1ee12:min intervalle5:peersi-1e6:peers6d1:ai1eee"),
        "/negative/announce": lambda: body(b"d8:intervali-99999999999e5:peers0:e"),
        "/far/announce": lambda: body(b"d8:intervali9223372036854775807e5:peers0:e"),
        "/deep/announce": deep,
        "/noise/announce": lambda: os.urandom(4096),
        "/gzip/announce": lambda: head(Content_Encoding="gzip", Content_Length=20) + bytes(20),
        "/peers/announce": lambda: body(b"d8:intervali60e5:peers%d:" % len(peers) + peers + b"e"),
        "/many/announce": lambda: body(b"d8:intervali60e5:peers240000:" + b"".join(struct.pack("!IH", 0x0B000000 + n, 6881) for n in range(40_000)) + b"e"),
        "/loopback/announce": lambda: redirect(f"http://127.0.0.1:{victim}/announce?loopback"),
        "/name/announce": lambda: redirect(f"http://localhost:{victim}/announce?name"),
        "/mapped/announce": lambda: redirect(f"http://[::ffff:127.0.0.1]:{victim}/announce?mapped"),
        "/number/announce": lambda: redirect(f"http://2130706433:{victim}/announce?number"),
        "/file/announce": lambda: redirect("file:///etc/passwd"),
        "/circle/announce": lambda: redirect(f"http://{host}:{port}/circle/announce"),
    }


def serve(connection, table):
    try:
        with connection:
            request = b""
            while b"\r\n\r\n" not in request:
                part = connection.recv(4096)
                if not part:
                    return
                request += part
            path = request.split(b" ")[1].split(b"?")[0].decode()
            say("asked", path=path)
            answer = table.get(path, lambda: head("404 Not Found", Content_Length=0))()
            sent = 0
            for part in [answer] if isinstance(answer, bytes) else answer:
                connection.sendall(part)
                sent += len(part)
                if sent > 200 << 20:
                    say("swallowed", path=path)
                    return
    except OSError:
        say("dropped", path=locals().get("path", "?"))


def listen(address, port, handler):
    server = socket.create_server((address, port), backlog=64)
    while True:
        connection, source = server.accept()
        threading.Thread(target=handler, args=(connection, source), daemon=True).start()


def victim(connection, source):
    connection.settimeout(5)
    try:
        first = connection.recv(100)
    except OSError:
        first = b""
    say("victim", source=source[0], first=first[:60].decode(errors="replace"))
    connection.close()


def datagrams(host, port):
    """Wrong numbers, wrong actions, too short, too long; and now and then the right connection id with a bad reply."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((host, port))
    while True:
        datagram, source = server.recvfrom(65536)
        if len(datagram) < 16:
            continue
        action, number = struct.unpack_from("!II", datagram, 8)
        say("asked", path=f"udp {action}")
        evil = b"".join(socket.inet_aton(address) + struct.pack("!H", 6881) for address in ("127.0.0.1", "0.0.0.0"))
        for reply in [
            b"", b"\0", struct.pack("!II", action, number ^ 1) + bytes(12), struct.pack("!II", 99, number) + bytes(90), struct.pack("!I", action),
            struct.pack("!II", action, number) + bytes(3), os.urandom(1400), struct.pack("!IIIII", 1, number ^ 2, 0, 0, 0) + evil,
            struct.pack("!IIQ", 0, number, 7) if action == 0 else struct.pack("!IIIII", 1, number, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF) + evil + b"\1\2\3",
        ]:
            server.sendto(reply, source)


def main():
    host, _, port = sys.argv[1].rpartition(":")
    victim_port = int(sys.argv[2])
    table = answers(host, int(port), victim_port)
    for address, number, handler in [(host, int(port), lambda connection, _: serve(connection, table)), ("0.0.0.0", victim_port, victim)]:
        threading.Thread(target=listen, args=(address, number, handler), daemon=True).start()
    threading.Thread(target=datagrams, args=(host, int(port)), daemon=True).start()
    time.sleep(0.2)
    say("ready", paths=sorted(table))
    for line in sys.stdin:
        if line.strip() == "quit":
            return


if __name__ == "__main__":
    main()
