# SPDX-License-Identifier: Apache-2.0
"""Small measuring programs for the lab's own cases. Each prints JSON lines; `echo`, `sink`, `web`, `listen`, `clock` run on.

    ping PLACE COUNT INTERVAL · mapping PLACE… · listen PLACE · say FROM TO NUMBER · flood PLACE SECONDS CC · pour PLACE BYTES · get PLACE WORD [SECONDS]
    echo HOST PORT · sink HOST PORT · web HOST PORT · clock"""
import http.server
import json
import socket
import socketserver
import struct
import sys
import threading
import time
import urllib.request


def say(**values):
    print(json.dumps(values), flush=True)


def endpoint(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def udp(address=None, timeout=1.0):
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if address:
        opened.bind(address)
    opened.settimeout(timeout)
    return opened


def echo(host, port):
    """Answers with what came and who seems to have sent it; "say NUMBER HOST PORT" goes on to there."""
    opened = udp((host, int(port)), None)
    say(ready=True)
    while True:
        data, source = opened.recvfrom(2048)
        if data.startswith(b"say "):
            _, number, to, at = data.decode().split()
            opened.sendto(number.encode(), (to, int(at)))
        else:
            opened.sendto(data + b"|" + f"{source[0]}:{source[1]}".encode(), source)


def ping(place, count, interval):
    """Numbered packets: round trips in milliseconds, and the numbers in the order of their arrival."""
    opened, count = udp(), int(count)
    sent, milliseconds, order = {}, [], []

    def collect():
        try:
            while True:
                data = opened.recv(2048)
                number = struct.unpack_from(">I", data)[0]
                milliseconds.append((time.monotonic() - sent[number]) * 1000)
                order.append(number)
        except TimeoutError:
            return
    reader = threading.Thread(target=collect)
    reader.start()
    for number in range(count):
        sent[number] = time.monotonic()
        opened.sendto(struct.pack(">I", number) + bytes(60), endpoint(place))
        time.sleep(float(interval))
    reader.join()
    say(answers=len(order), ms=milliseconds, order=order)


def seen_by(opened, place):
    for _ in range(5):
        opened.sendto(b"who", endpoint(place))
        try:
            return endpoint(opened.recv(2048).split(b"|")[1].decode())
        except TimeoutError:
            continue
    raise TimeoutError(place)


def mapping(*places):
    opened = udp()
    say(seen=[seen_by(opened, place) for place in places])


def listen(place):
    opened = udp()
    say(outer=seen_by(opened, place))
    sys.stdin.readline()
    heard = []
    try:
        while True:
            heard.append(int(opened.recv(2048)))
    except TimeoutError:
        say(heard=sorted(heard))


def say_on(place, to, number):
    opened, (host, port) = udp(), endpoint(to)
    opened.sendto(f"say {number} {host} {port}".encode(), endpoint(place))
    say(sent=True)


def sink(host, port):
    with socket.create_server((host, int(port))) as server:
        say(ready=True)
        stream, _ = server.accept()
        start, marks = time.monotonic(), []
        total = 0
        while data := stream.recv(1 << 18):
            total += len(data)
            marks.append((time.monotonic() - start, total))
    seconds = marks[-1][0]
    middle = [mark for mark in marks if mark[0] >= seconds / 2][0]
    say(mbit=total * 8e-6 / seconds, late=(total - middle[1]) * 8e-6 / (seconds - middle[0]), seconds=seconds)


def flood(place, seconds, control):
    with socket.socket() as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
        stream.connect(endpoint(place))
        end, block = time.monotonic() + float(seconds), bytes(1 << 18)
        while time.monotonic() < end:
            stream.sendall(block)
    say(sent=True)


def pour(place, count):
    """So many bytes over TCP, with the congestion control of the host."""
    with socket.create_connection(endpoint(place)) as stream:
        block = bytes(1 << 18)
        for _ in range(int(count) // len(block)):
            stream.sendall(block)
    say(sent=True)


class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def handle(self):
        try:
            super().handle()
        except ConnectionError as error:
            say(error=type(error).__name__)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        # The library's asks the DNS for the host's name, which waits where there is none.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


def web(host, port):
    server = Server((host, int(port)), Web)
    say(ready=True)
    server.serve_forever()


def get(place, word, seconds=10):
    try:
        with urllib.request.urlopen(f"http://{place}/{word}", timeout=float(seconds)) as answer:
            say(status=answer.status)
    except OSError as error:
        reason = getattr(error, "reason", error)
        say(error=type(reason if isinstance(reason, Exception) else error).__name__)


def clock():
    while True:
        say(wall=time.time(), monotonic=time.monotonic())
        time.sleep(0.2)


VERBS = {"echo": echo, "ping": ping, "mapping": mapping, "listen": listen, "say": say_on, "sink": sink, "flood": flood, "pour": pour, "web": web, "get": get, "clock": clock}

if __name__ == "__main__":
    VERBS[sys.argv[1]](*sys.argv[2:])
