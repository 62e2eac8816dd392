#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web server of the attacker: an empty page for scripts to run in, redirects wherever it is asked, and a log of every hit.

    hostile.py HOST:PORT    prints a line {"event":"hit","path":…} for each request"""
import json
import pathlib
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "Benchmarks"))
import bt_common as common  # noqa: E402


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        print(json.dumps({"event": "hit", "method": self.command, "host": self.headers.get("Host"), "path": self.path}), flush=True)
        target = urllib.parse.parse_qs(url.query).get("to")
        self.send_response(307 if target else 200)
        if target:
            self.send_header("Location", target[0])
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if not target:
            self.wfile.write(b"<!doctype html><title>hostile</title><body>hostile</body>")

    do_GET = do_POST = do_HEAD = do_OPTIONS = answer


if __name__ == "__main__":
    host, port = sys.argv[1].rsplit(":", 1)
    server = common.QuickHTTPServer((host, int(port)), Handler)
    print(json.dumps({"event": "ready"}), flush=True)
    server.serve_forever()
