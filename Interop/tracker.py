#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A tracker over HTTP and UDP on one port number, with announce and scrape: BEP 3, 7, 15, 21, 23, 24, 41, 48.

For tests: it keeps everything in memory and believes everybody. Other programs and Roost meet at it.

    python3 Interop/tracker.py --listen 127.0.0.1:6969 [--interval 30]
"""
import argparse
import http.server
import ipaddress
import os
import socket
import socketserver
import struct
import threading
import time
import urllib.parse

PROTOCOL = 0x41727101980
EVENTS = {0: "", 1: "completed", 2: "started", 3: "stopped"}


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    keys = sorted((key.encode() if isinstance(key, str) else key, entry) for key, entry in value.items())
    return b"d" + b"".join(bencode(key) + bencode(entry) for key, entry in keys) + b"e"


class Swarms:
    """Who announced which torrent. `swarms`: infohash → {(host, port): is a seed}."""

    def __init__(self, interval):
        self.interval, self.swarms, self.finished, self.paused = interval, {}, {}, {}
        self.lock = threading.Lock()
        # (time, infohash in hex, (host, port), event, over what, the request's other fields)
        self.announces = []
        self.scrapes = []

    def announce(self, infohash, peer, left, event, transport, wanted=50, fields=None):
        """The other peers, seeds first for those who lack something; (seeders, leechers)."""
        with self.lock:
            swarm = self.swarms.setdefault(infohash, {})
            if event == "stopped":
                swarm.pop(peer, None)
            else:
                swarm[peer] = left == 0
                self.paused.setdefault(infohash, set()).discard(peer)
                if event == "paused":
                    self.paused[infohash].add(peer)
            if event == "completed":
                self.finished[infohash] = self.finished.get(infohash, 0) + 1
            self.announces.append((time.monotonic(), infohash.hex(), peer, event, transport, fields or {}))
            others = [other for other in swarm if other != peer and other[1] and not (swarm[other] and left == 0)]
            if event == "stopped":
                others = []
            return others[:max(0, wanted)], self._counts(swarm)

    @staticmethod
    def _counts(swarm):
        return sum(swarm.values()), len(swarm) - sum(swarm.values())

    def scrape(self, infohash, transport):
        with self.lock:
            self.scrapes.append((infohash.hex(), transport))
            if infohash not in self.swarms:
                return None
            seeders, leechers = self._counts(self.swarms[infohash])
            return seeders, leechers, self.finished.get(infohash, 0), leechers - len(self.paused.get(infohash, ()))


def compact(peers, version):
    kept = [(ipaddress.ip_address(host), port) for host, port in peers]
    return b"".join(host.packed + struct.pack("!H", port) for host, port in kept if host.version == version)


class HTTPHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        pairs = [(key, urllib.parse.unquote_to_bytes(value.replace("+", "%20"))) for key, _, value in (pair.partition("=") for pair in url.query.split("&"))]
        last = url.path.rsplit("/", 1)[-1]
        if last.startswith("announce"):
            self.reply(self.announce(dict(pairs)))
        elif last.startswith("scrape"):
            self.reply(self.scrape([value for key, value in pairs if key == "info_hash"]))
        else:
            self.send_error(404)

    def announce(self, query):
        infohash = query.get("info_hash", b"")
        if len(infohash) != 20 or not query.get("port", b"").isdigit():
            return {"failure reason": "info_hash and port are needed"}
        peer = (self.client_address[0].removeprefix("::ffff:"), int(query["port"]))
        left = int(query["left"]) if query.get("left", b"").isdigit() else 1
        wanted = int(query["numwant"]) if query.get("numwant", b"").isdigit() else 50
        fields = {key: query[key].decode(errors="replace") for key in ("key", "trackerid", "left", "uploaded", "downloaded", "numwant") if key in query}
        peers, (seeders, leechers) = self.server.swarms.announce(infohash, peer, left, query.get("event", b"").decode(), "http", wanted, fields)
        answer = {"interval": self.server.swarms.interval, "min interval": 1, "complete": seeders, "incomplete": leechers,
                  "tracker id": b"\x00id", "external ip": ipaddress.ip_address(peer[0]).packed}
        if query.get("compact") == b"1":
            return {**answer, "peers": compact(peers, 4), "peers6": compact(peers, 6)}
        return {**answer, "peers": [{"ip": host, "port": port} for host, port in peers]}

    def scrape(self, infohashes):
        files = {}
        for infohash in infohashes[:74]:
            if (found := self.server.swarms.scrape(infohash, "http")) is not None:
                files[infohash] = dict(zip(("complete", "incomplete", "downloaded", "downloaders"), found))
        return {"files": files}

    def reply(self, value):
        body = bencode(value)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class HTTPServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, handler):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, request, client_address):
        pass


class UDPServer:
    """BEP 15. A connection id is bound to an address and lives for two minutes."""

    def __init__(self, address, swarms):
        self.swarms, self.connections = swarms, {}
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(address)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                datagram, source = self.socket.recvfrom(65536)
                answer = self.answer(datagram, source[:2])
                if answer:
                    self.socket.sendto(answer, source)
            except (OSError, ValueError, struct.error):
                if self.socket.fileno() < 0:
                    return

    def answer(self, datagram, source):
        if len(datagram) < 16:
            return None
        connection, action, transaction = struct.unpack_from("!QII", datagram)
        if action == 0:
            if connection != PROTOCOL:
                return None
            fresh = int.from_bytes(os.urandom(8), "big")
            self.connections[fresh] = (source, time.monotonic() + 120)
            return struct.pack("!IIQ", 0, transaction, fresh)
        owner, end = self.connections.get(connection, (None, 0))
        if owner != source or end < time.monotonic():
            return struct.pack("!II", 3, transaction) + b"connect first"
        if action == 1 and len(datagram) >= 98:
            return self.announce(datagram, transaction, source)
        if action == 2:
            hashes = [datagram[start:start + 20] for start in range(16, len(datagram) - 19, 20)][:74]
            counts = [self.swarms.scrape(infohash, "udp") or (0, 0, 0, 0) for infohash in hashes]
            return struct.pack("!II", 2, transaction) + b"".join(struct.pack("!III", seeders, finished, leechers) for seeders, leechers, finished, _ in counts)
        return struct.pack("!II", 3, transaction) + b"unknown action"

    def announce(self, datagram, transaction, source):
        infohash, _, _, left, _, event, _, key, wanted, port = struct.unpack_from("!20s20sQQQIIIiH", datagram, 16)
        fields = {"key": f"{key:08x}", "url": self.url(datagram[98:])}
        peers, (seeders, leechers) = self.swarms.announce(
            infohash, (source[0], port), left, EVENTS.get(event, "?"), "udp", 50 if wanted < 0 else wanted, fields)
        head = struct.pack("!IIIII", 1, transaction, self.swarms.interval, leechers, seeders)
        return head + compact(peers, 6 if ":" in source[0] else 4)

    @staticmethod
    def url(options):
        """BEP 41: what the client's URL had behind host and port."""
        text, index = b"", 0
        while index < len(options) and options[index] != 0:
            if options[index] == 1:
                index += 1
                continue
            if index + 1 >= len(options):
                break
            length = options[index + 1]
            if options[index] == 2:
                text += options[index + 2:index + 2 + length]
            index += 2 + length
        return text.decode(errors="replace")


class Tracker:
    def __init__(self, host="127.0.0.1", port=0, interval=2):
        self.state = Swarms(interval)
        for _ in range(50):
            self.http = HTTPServer((host, port), HTTPHandler)
            self.http.swarms = self.state
            self.port = self.http.server_address[1]
            try:
                self.udp = UDPServer((host, self.port), self.state)
                break
            except OSError:
                # Somebody has the UDP port of that number.
                self.http.server_close()
                if port:
                    raise
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self.port}/announce"
        self.udp_url = f"udp://{name}:{self.port}/announce"
        self.swarms, self.announces, self.scrapes = self.state.swarms, self.state.announces, self.state.scrapes

    def events(self, address, transport=None):
        """The events that the peer at this address announced, in order."""
        return [event for _, _, peer, event, over, _ in list(self.announces) if peer[0] == address and transport in (None, over)]

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.udp.socket.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--listen", default="127.0.0.1:6969")
    options.add_argument("--interval", type=int, default=30)
    given = options.parse_args()
    host, _, port = given.listen.rpartition(":")
    tracker = Tracker(host.strip("[]"), int(port), given.interval)
    print(f"{tracker.url}\n{tracker.udp_url}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
