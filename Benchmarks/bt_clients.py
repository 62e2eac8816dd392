# SPDX-License-Identifier: Apache-2.0
"""Client adapters. A client is either a JSON description of commands (see README.md) or one
of the built-in adapters that need an RPC (transmission, qbittorrent).

A started client offers: .proc (metering), .addr, wait_seeding(), go(), wait_first(),
wait_metadata(), wait_complete(), dial(addr), stop().
"""
import base64
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request

import bt_common as C

PY = os.environ.get("BT_PYTHON", sys.executable)  # a Python that can import libtorrent

BUILTIN = {
    "libtorrent": {
        "peers": ["argument", "dial"],
        "contract": "json-lines",
        "seed": {"argv": ["{python}", "{here}/bt_lt_client.py", "seed", "--wait-go", "--torrent", "{torrent}",
                          "--dir", "{dir}", "--listen", "{host}:{port}", "--utp", "{utp}", "--set", "{settings}"],
                 "ready": {"json": "ready"}, "go": "go", "seeding": {"json": "seeding"}},
        "leech": {"argv": ["{python}", "{here}/bt_lt_client.py", "leech", "--wait-go", "--first", "--torrent", "{torrent}",
                           "--dir", "{dir}", "--listen", "{host}:{port}", "--utp", "{utp}", "--set", "{settings}",
                           "@peers:--peer"],
                  "ready": {"json": "ready"}, "go": "go", "first": {"json": "first"}, "done": {"json": "complete"}},
        "magnet": {"argv": ["{python}", "{here}/bt_lt_client.py", "leech", "--wait-go", "--metadata-only", "--magnet",
                            "{magnet}", "--dir", "{dir}", "--listen", "{host}:{port}", "--utp", "{utp}",
                            "--set", "{settings}", "@peers:--peer"],
                   "ready": {"json": "ready"}, "go": "go", "metadata": {"json": "metadata"}, "done": {"json": "complete"}},
        "check": {"argv": ["{python}", "{here}/bt_lt_client.py", "check", "--wait-go", "--torrent", "{torrent}",
                           "--dir", "{dir}", "--listen", "{host}:{port}", "--set", "{settings}"],
                  "ready": {"json": "ready"}, "go": "go", "done": {"json": "checked"}},
        "create": {"argv": ["{python}", "{here}/bt_lt_client.py", "create", "--dir", "{dir}", "--torrent", "{torrent}",
                            "--kind", "{kind}", "--piece", "{piece}"], "done": {"exit": True}},
        "settings": {},
    },
    "transmission-create": {
        "create": {"argv": ["transmission-create", "-o", "{torrent}", "-s", "{piece_kib}", "{dir}"], "kinds": ["v1"],
                   "done": {"exit": True}},
    },
    "aria2": {
        "peers": ["tracker"],
        "seed": {"argv": ["aria2c", "--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                          "--enable-peer-exchange=false", "--listen-port={port}", "--interface={host}",
                          "--dir={dir}", "--seed-ratio=0.0", "--check-integrity=true", "--bt-seed-unverified=false",
                          "--summary-interval=0", "--file-allocation=none", "{torrent}"],
                 "ready": {"tcp": True}, "seeding": {"tcp": True}, "settle": 0.5},
        "leech": {"argv": ["aria2c", "--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                           "--enable-peer-exchange=false", "--listen-port={port}", "--interface={host}",
                           "--dir={dir}", "--seed-time=0", "--summary-interval=0",
                           "--file-allocation={alloc}", "{torrent}"],
                  "done": {"exit": True}},
        "magnet": {"argv": ["aria2c", "--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                            "--enable-peer-exchange=false", "--listen-port={port}", "--interface={host}", "--dir={dir}",
                            "--bt-metadata-only=true", "--bt-save-metadata=true", "--summary-interval=0", "{magnet}"],
                   "done": {"exit": True}},
        "check": {"argv": ["aria2c", "--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                           "--listen-port={port}", "--interface={host}", "--dir={dir}", "--hash-check-only=true",
                           "--check-integrity=true", "--summary-interval=0", "{torrent}"],
                  "done": {"exit": True}},
        "vars": {"alloc": "none"},
    },
}


def sub(x, v):
    return re.sub(r"\{(\w+)\}", lambda m: str(v[m[1]]) if m[1] in v else m[0], x)


class CommandClient:
    """A client described by commands; see README.md for the fields."""

    def __init__(self, name, spec, role, ws, torrent=None, magnet=None, data=None, peers=(), utp="off", host="127.0.0.1",
                 log=None, tracker=None, settings=None, extra=None):
        self.name, self.spec, self.role, self.host = name, spec, role, host
        self.port = C.free_port(host)
        self.addr = (host, self.port)
        d = spec[role]
        v = {"python": PY, "here": C.HERE, "torrent": torrent, "magnet": magnet, "dir": data, "host": host, "port": self.port,
             "utp": utp, "settings": json.dumps({**spec.get("settings", {}), **(settings or {})}), "tmp": ws, "tracker": tracker or "",
             "peers": ",".join("%s:%d" % p for p in peers), "peer": "%s:%d" % peers[0] if peers else ""}
        v.update(spec.get("vars", {}))
        v.update(extra or {})
        argv = []
        for x in d["argv"]:
            if x.startswith("@peers:"):
                for p in peers:
                    argv += [x[7:], "%s:%d" % p] if not x.endswith("=") else [x[7:] + "%s:%d" % p]
            else:
                argv.append(sub(x, v))
        self.d = d
        self.t0 = time.monotonic()
        self.proc = C.Proc(argv, env={k: sub(x, v) for k, x in d.get("env", spec.get("env", {})).items()}, cwd=ws, log=log)
        if "ready" in d:
            self._until(d["ready"], 60)
        self.cpu0 = 0.0

    def _until(self, how, timeout):
        if how is None:
            return None
        if how.get("exit"):
            t = self.proc.wait_exit(timeout)
            if self.proc.p.returncode != 0:
                raise RuntimeError("%s exited %d: %s" % (self.name, self.proc.p.returncode, self.proc.lines[-6:]))
            return t
        if "json" in how:
            def m(line):
                try:
                    return json.loads(line).get("event") == how["json"]
                except (ValueError, AttributeError):
                    return False
            t, line, _ = self.proc.wait_line(m, timeout)
            j = json.loads(line)
            if how["json"] == "ready" and j.get("port"):
                self.port = j["port"]
                self.addr = (self.host, self.port)
            return t
        if "regex" in how:
            r = re.compile(how["regex"])
            return self.proc.wait_line(r.search, timeout)[0]
        if how.get("tcp"):
            import socket
            end = time.monotonic() + timeout
            while time.monotonic() < end:
                try:
                    socket.create_connection(self.addr, timeout=1).close()
                    return time.monotonic()
                except OSError:
                    time.sleep(0.02)
            raise TimeoutError("%s does not listen" % self.name)
        raise ValueError(how)

    def go(self):
        self.cpu0 = self.proc.meter()["cpu"]
        if "go" in self.d:
            self.t0 = time.monotonic()
            self.proc.send(self.d["go"])
        return self.t0

    def wait_seeding(self, timeout=300):
        t = self._until(self.d.get("seeding"), timeout)
        time.sleep(self.d.get("settle", 0))
        return t

    def wait_first(self, timeout=300):
        return self._until(self.d.get("first"), timeout)

    def wait_metadata(self, timeout=120):
        return self._until(self.d.get("metadata", self.d.get("done")), timeout)

    def wait_complete(self, timeout=600):
        return self._until(self.d["done"], timeout)

    def dial(self, addr):
        self.proc.send("peer %s:%d" % addr)

    def stop(self):
        self.proc.stop()


class Transmission:
    """transmission-daemon through its RPC. It never dials a 127/8 address, so it must be dialled."""

    peers = []

    def __init__(self, name, spec, role, ws, torrent=None, magnet=None, data=None, peers=(), utp="off", host="127.0.0.1",
                 log=None, tracker=None, settings=None):
        self.name, self.role, self.host = name, role, host
        self.port, self.rpc_port = C.free_port(host), C.free_port(host)
        self.addr = (host, self.port)
        self.torrent, self.magnet, self.data = torrent, magnet, data
        conf = os.path.join(ws, "tr-%s-%d" % (role, self.port))
        os.makedirs(conf)
        st = {"bind-address-ipv4": host, "bind-address-ipv6": "::1", "peer-port": self.port, "peer-port-random-on-start": False,
              "dht-enabled": False, "lpd-enabled": False, "pex-enabled": False, "port-forwarding-enabled": False,
              "utp-enabled": utp != "off", "rpc-bind-address": host, "rpc-port": self.rpc_port,
              "rpc-authentication-required": False, "rpc-whitelist-enabled": False, "rpc-host-whitelist-enabled": False,
              "download-dir": data, "incomplete-dir-enabled": False, "start-added-torrents": True, "preallocation": 1,
              "cache-size-mb": 4, "ratio-limit-enabled": False, "blocklist-enabled": False}
        st.update(spec.get("settings", {}))
        st.update(settings or {})
        with open(os.path.join(conf, "settings.json"), "w") as f:
            json.dump(st, f)
        self.proc = C.Proc([spec.get("binary", "transmission-daemon"), "-f", "-g", conf, "--no-portmap"],
                           env={"TRANSMISSION_HOME": conf, "HOME": conf}, log=log)
        self.sid = ""
        end = time.monotonic() + 30
        while True:
            try:
                self.version = self.rpc("session-get")["version"]
                break
            except OSError:
                if time.monotonic() > end or self.proc.exited:
                    raise
                time.sleep(0.05)

    def rpc(self, method, **args):
        body = json.dumps({"method": method, "arguments": args}).encode()
        for _ in range(2):
            r = urllib.request.Request("http://%s:%d/transmission/rpc" % (self.host, self.rpc_port), body,
                                       {"X-Transmission-Session-Id": self.sid})
            try:
                with urllib.request.urlopen(r, timeout=10) as f:
                    j = json.load(f)
                if j["result"] != "success":
                    raise RuntimeError(j["result"])
                return j["arguments"]
            except urllib.error.HTTPError as e:
                if e.code != 409:
                    raise
                self.sid = e.headers["X-Transmission-Session-Id"]
        raise RuntimeError("rpc refused")

    def go(self):
        self.cpu0 = self.proc.meter()["cpu"]
        self.t0 = time.monotonic()
        if self.torrent:
            with open(self.torrent, "rb") as f:
                self.rpc("torrent-add", metainfo=base64.b64encode(f.read()).decode(), **{"download-dir": self.data})
        else:
            self.rpc("torrent-add", filename=self.magnet, **{"download-dir": self.data})
        return self.t0

    def _poll(self, fields, pred, timeout, step=0.01):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            ts = self.rpc("torrent-get", fields=fields)["torrents"]
            if ts and pred(ts[0]):
                return time.monotonic()
            time.sleep(step)
        raise TimeoutError("%s: %s" % (self.name, ts))

    def wait_seeding(self, timeout=600):
        return self._poll(["status", "percentDone"], lambda t: t["status"] == 6 and t["percentDone"] == 1, timeout)

    def wait_first(self, timeout=300):
        return None

    def wait_metadata(self, timeout=120):
        return self._poll(["metadataPercentComplete"], lambda t: t["metadataPercentComplete"] == 1, timeout)

    def wait_complete(self, timeout=600):
        if self.role == "check":
            return self._poll(["status", "percentDone", "recheckProgress"],
                              lambda t: t["status"] in (4, 6) and t["percentDone"] == 1, timeout)
        return self._poll(["leftUntilDone", "metadataPercentComplete"],
                          lambda t: t["metadataPercentComplete"] == 1 and t["leftUntilDone"] == 0, timeout)

    def recheck(self):
        t0 = time.monotonic()
        self.rpc("torrent-verify")
        self._poll(["status"], lambda t: t["status"] in (1, 2), 10, 0.002)
        return self._poll(["status"], lambda t: t["status"] not in (1, 2), 600, 0.005) - t0

    def stop(self):
        self.proc.stop()


class QBittorrent(Transmission):
    """qbittorrent-nox through its web API (it is libtorrent inside)."""

    peers = ["tracker"]

    def __init__(self, name, spec, role, ws, torrent=None, magnet=None, data=None, peers=(), utp="off", host="127.0.0.1",
                 log=None, tracker=None, settings=None):
        self.name, self.role, self.host = name, role, host
        self.port, self.rpc_port = C.free_port(host), C.free_port(host)
        self.addr = (host, self.port)
        self.torrent, self.magnet, self.data, self.static = torrent, magnet, data, peers
        prof = os.path.join(ws, "qb-%s-%d" % (role, self.port))
        os.makedirs(os.path.join(prof, "qBittorrent", "config"))
        with open(os.path.join(prof, "qBittorrent", "config", "qBittorrent.conf"), "w") as f:
            f.write("[LegalNotice]\nAccepted=true\n[BitTorrent]\nSession\\DHTEnabled=false\nSession\\LSDEnabled=false\n"
                    "Session\\PeXEnabled=false\nSession\\Port=%d\nSession\\Interface=lo\nSession\\InterfaceName=lo\nSession\\InterfaceAddress=%s\n"
                    "Session\\BTProtocol=%s\nSession\\QueueingSystemEnabled=false\nSession\\MultiConnectionsPerIp=true\n"
                    "[Network]\nPortForwardingEnabled=false\n"
                    "[Preferences]\nWebUI\\Address=%s\nWebUI\\Port=%d\nWebUI\\LocalHostAuth=false\nWebUI\\UseUPnP=false\n"
                    % (self.port, host, {"off": "TCP", "only": "UTP"}.get(utp, "Both"), host, self.rpc_port))
        self.proc = C.Proc([spec.get("binary", "qbittorrent-nox"), "--profile=" + prof], env={"HOME": prof}, log=log)
        end = time.monotonic() + 30
        while True:
            try:
                self.version = self.get("app/version").decode()
                break
            except OSError:
                if time.monotonic() > end or self.proc.exited:
                    raise
                time.sleep(0.05)

    def get(self, p, form=None):
        body, head = None, {"Referer": "http://%s:%d" % (self.host, self.rpc_port)}
        if form:
            b = "btbench"
            parts = []
            for k, fn, v in form:
                parts.append(("--%s\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n" % (b, k, '; filename="t.torrent"\r\nContent-Type: application/x-bittorrent' if fn else "")).encode() + v + b"\r\n")
            body = b"".join(parts) + ("--%s--\r\n" % b).encode()
            head["Content-Type"] = "multipart/form-data; boundary=" + b
        r = urllib.request.Request("http://%s:%d/api/v2/%s" % (self.host, self.rpc_port, p), body, head)
        with urllib.request.urlopen(r, timeout=10) as f:
            return f.read()

    def go(self):
        self.cpu0 = self.proc.meter()["cpu"]
        self.t0 = time.monotonic()
        form = [("savepath", 0, self.data.encode()), ("root_folder", 0, b"true"), ("contentLayout", 0, b"Original")]
        if self.torrent:
            with open(self.torrent, "rb") as f:
                form.append(("torrents", 1, f.read()))
        else:
            form.append(("urls", 0, self.magnet.encode()))
        self.get("torrents/add", form)
        return self.t0

    def _info(self, pred, timeout):
        end = time.monotonic() + timeout
        j = None
        while time.monotonic() < end:
            j = json.loads(self.get("torrents/info"))
            if j and pred(j[0]):
                return time.monotonic()
            time.sleep(0.02)
        raise TimeoutError("%s: %s" % (self.name, j))

    def wait_seeding(self, timeout=300):
        return self._info(lambda t: t["progress"] == 1 and t["state"] in ("uploading", "stalledUP", "forcedUP"), timeout)

    def wait_metadata(self, timeout=120):
        return self._info(lambda t: t["state"] not in ("metaDL", "forcedMetaDL"), timeout)

    def wait_complete(self, timeout=600):
        return self._info(lambda t: t["progress"] == 1 and not t["state"].startswith("checking"), timeout)


PYTHONIC = {"transmission": (Transmission, {}),
            # transmission prefers RC4 by default; this one prefers plain text
            "transmission-plain": (Transmission, {"settings": {"encryption": 0}}),
            "qbittorrent": (QBittorrent, {})}


class Registry:
    def __init__(self, files=()):
        self.specs = {k: (CommandClient, v) for k, v in BUILTIN.items()}
        for k, (cls, sp) in PYTHONIC.items():
            self.specs[k] = (cls, sp)
        self.specs["aria2-prealloc"] = (CommandClient, {**BUILTIN["aria2"], "vars": {"alloc": "prealloc"}})
        for f in files:
            with open(f) as fh:
                j = json.load(fh)
            for d in j if isinstance(j, list) else [j]:
                if "base" in d:  # a variant of a client that is already known
                    cls, sp = self.specs[d["base"]]
                    merged = {**sp, **d}
                    merged["settings"] = {**sp.get("settings", {}), **d.get("settings", {})}
                    self.specs[d["name"]] = (cls, merged)
                else:
                    self.specs[d["name"]] = (CommandClient, d)

    def start(self, name, role, **kw):
        cls, sp = self.specs[name]
        return cls(name, sp, role, **kw)

    def ways(self, name):
        cls, sp = self.specs[name]
        return sp.get("peers", getattr(cls, "peers", []))

    def has(self, name, role):
        cls, sp = self.specs[name]
        return cls is not CommandClient or role in sp


def add_arguments(a):
    a.add_argument("--clients", action="append", default=[], help="JSON file with further client descriptions")
    a.add_argument("--out", help="append each row to this JSON-lines file")
    a.add_argument("--store", choices=("shm", "disk"), default="shm")
    a.add_argument("--log", help="append the clients' stderr to this file")
    a.add_argument("--utp", choices=("off", "on", "only"), default="off")
    a.add_argument("--settings", default="{}", help="JSON passed to adapters that take settings")


def connect(reg, seeder, leecher, info_hash):
    """After both were told to go: bring them together if the leecher was not given the seeder."""
    s_ways, l_ways = reg.ways(seeder.name), reg.ways(leecher.name)
    if "argument" in l_ways:
        return "leecher dials"
    if "dial" in s_ways:
        seeder.dial(leecher.addr)
        return "seeder dials"
    if "tracker" in l_ways:
        return "tracker"
    leecher._relay = C.introduce(seeder.addr, leecher.addr, info_hash)
    return "relay"
