# SPDX-License-Identifier: Apache-2.0
"""Web servers of the lab: nginx as people run it, and one of our own that misbehaves on request."""
import http.server
import json
import pathlib
import re
import sys
import threading
import time
import urllib.parse

from lab import ROOT

PORT = 8080


class Nginx:
    """Debian's nginx, serving a folder over HTTP with keep-alive and ranges; its log tells who asked for what."""

    def __init__(self, host, root):
        self.host, self.url = host, f"http://{host.address}:{PORT}/"
        home = host.path("nginx", "nginx.conf").parent
        self.log = home / "access.log"
        (home / "nginx.conf").write_text(f"""
            daemon off; worker_processes 1; user root; pid {home}/pid; error_log {home}/error.log;
            events {{ worker_connections 256; }}
            http {{
              access_log {self.log} combined; sendfile on; default_type application/octet-stream;
              client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
              uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
              server {{ listen {host.address}:{PORT}; root {pathlib.Path(root)};
                location ~ ^/there/(.*)$ {{ return 302 http://{host.address}:{PORT}/$1$is_args$args; }}
              }}
            }}""")
        self.process = host.start(["/usr/sbin/nginx", "-p", home, "-e", home / "error.log", "-c", home / "nginx.conf"])
        end = time.monotonic() + 10
        while host.run(["curl", "-s", "-o", "/dev/null", self.url], check=False).returncode == 7:
            if time.monotonic() > end:
                raise TimeoutError("nginx does not listen")
            time.sleep(0.1)

    def requests(self, agent="Roost"):
        """(path, status, bytes) of each request of the program."""
        found = []
        for line in self.log.read_text().splitlines() if self.log.exists() else []:
            match = re.match(r'(\S+) \S+ \S+ \[[^\]]*\] "GET (\S+) [^"]*" (\d+) (\d+) "[^"]*" "([^"]*)"', line)
            if match and agent.lower() in match[5].lower():
                found.append((urllib.parse.unquote(match[2]), int(match[3]), int(match[4])))
        return found


class FaultyServer:
    """Runs this file on a host: serves `root` with the faults that the first folder of the path names."""

    def __init__(self, host, root, torrent=None):
        self.url = f"http://{host.address}:{PORT + 1}/"
        self.process = host.start([sys.executable, pathlib.Path(__file__), host.address, PORT + 1, root, *([torrent] if torrent else [])])
        self.process.wait_line(lambda line: "ready" in line, 30)

    def count(self, text):
        return sum(text in line for _, line in list(self.process.lines))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    busy = {}

    def log_message(self, *_):
        pass

    def do_GET(self):
        fault, _, rest = urllib.parse.unquote(self.path.split("?")[0]).lstrip("/").partition("/")
        print(json.dumps({"event": "asked", "path": self.path, "range": self.headers.get("Range")}), flush=True)
        getattr(self, f"do_{fault}", self.missing)(rest)

    def content(self, rest):
        path = (self.server.root / rest).resolve()
        return path.read_bytes() if path.is_file() and path.is_relative_to(self.server.root) else None

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def missing(self, _):
        self.answer(404)

    def ranged(self, data):
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if not match:
            return self.answer(200, data)
        first, last = int(match[1]), min(int(match[2]), len(data) - 1)
        self.answer(206, data[first:last + 1], Content_Range=f"bytes {first}-{last}/{len(data)}")

    def do_good(self, rest):
        data = self.content(rest)
        return self.missing(rest) if data is None else self.ranged(data)

    def do_plain(self, rest):
        """No ranges: always the whole file."""
        data = self.content(rest)
        return self.missing(rest) if data is None else self.answer(200, data)

    def do_bad(self, rest):
        """Every byte wrong."""
        data = self.content(rest)
        return self.missing(rest) if data is None else self.ranged(bytes(byte ^ 255 for byte in data))

    def do_busy(self, rest):
        """503 for the first three requests, then good."""
        self.busy["n"] = self.busy.get("n", 0) + 1
        return self.answer(503, Retry_After=1) if self.busy["n"] <= 3 else self.do_good(rest)

    def do_cut(self, rest):
        """Ends each answer after 100,000 bytes."""
        data = self.content(rest)
        if data is None:
            return self.missing(rest)
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        first, last = (int(match[1]), int(match[2])) if match else (0, len(data) - 1)
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        self.wfile.write(data[first:last + 1][:100_000])
        self.close_connection = True

    def do_slow(self, rest):
        data = self.content(rest)
        if data is None:
            return self.missing(rest)
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for byte in data:
            self.wfile.write(bytes([byte]))
            time.sleep(1)

    def do_inward(self, rest):
        self.answer(302, Location=f"http://127.0.0.1:8001/{rest}")

    def do_circle(self, rest):
        self.answer(302, Location=self.path)

    def do_wrong(self, rest):
        """Another range than was asked for."""
        data = self.content(rest)
        if data is None:
            return self.missing(rest)
        self.answer(206, data[:10], Content_Range=f"bytes 0-9/{len(data)}")

    def do_seed(self, _):
        """BEP 17: pieces by number; now and then it says to come back in a second."""
        query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2], encoding="latin-1"))
        self.busy["seed"] = self.busy.get("seed", 0) + 1
        if self.busy["seed"] % 16 == 2:
            return self.answer(503, b"1")
        start = int(query["piece"]) * self.server.piece_length
        data = self.server.stream[start:start + self.server.piece_length]
        if "ranges" in query:
            data = b"".join(data[int(first):int(last) + 1] for first, last in (part.split("-") for part in query["ranges"].split(",")))
        self.answer(200, data)


def main():
    sys.path.insert(0, str(ROOT / "Benchmarks"))
    server = http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
    server.root = pathlib.Path(sys.argv[3]).resolve()
    if len(sys.argv) > 4:
        import libtorrent
        info = libtorrent.torrent_info(sys.argv[4])
        files, server.piece_length = info.files(), info.piece_length()
        server.stream = b"".join(
            bytes(files.file_size(index)) if files.file_flags(index) & libtorrent.file_flags_t.flag_pad_file
            else (server.root / files.file_path(index)).read_bytes() for index in range(files.num_files()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"event": "ready"}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
