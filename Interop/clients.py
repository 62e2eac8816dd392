# SPDX-License-Identifier: Apache-2.0
"""Other people's clients on hosts of the lab: libtorrent, Transmission 3.00 and aria2.

Each is told where to find its peers by one of: an address, a DHT node, or a tracker."""
import base64
import json
import pathlib
import sys
import time

from lab import ROOT

LIBTORRENT_CLIENT = ROOT / "Benchmarks/bt_lt_client.py"
LIBTORRENT_DHT = ROOT / "Benchmarks/bt_lt_dht.py"
PORT = 6881

# A private network's DHT: libtorrent's defaults reject or throttle nodes that share an address range.
OPEN_DHT = {
    "dht_restrict_routing_ips": False, "dht_restrict_search_ips": False, "dht_prefer_verified_node_ids": False,
    "dht_enforce_node_id": False, "dht_ignore_dark_internet": False, "dht_block_ratelimit": 1000, "dht_upload_rate_limit": 10_000_000,
    "dht_announce_interval": 10,
}


def event(name):
    """Matches a line that is a JSON object with this event."""
    def match(line):
        try:
            value = json.loads(line)
        except ValueError:
            return None
        return value if isinstance(value, dict) and value.get("event") == name else None
    return match


def expect(process, name, timeout=60):
    """Waits for the event; an `error` event of the process fails at once with what it says."""
    def match(line):
        value = event(name)(line)
        if value is None and (failed := event("error")(line)):
            raise RuntimeError(f"it reported: {failed}")
        return value
    return process.wait_line(match, timeout)[2]


class DHT:
    """A small network of libtorrent DHT nodes, all on one host with an address each."""

    def __init__(self, lab, nodes=8):
        self.host = lab.host("dht", addresses=nodes)
        self.process = self.host.start([sys.executable, LIBTORRENT_DHT, "--count", nodes, "--base", self.host.address, "--port", PORT])
        expect(self.process, "ready", 20)
        self.bootstrap = f"{self.host.address}:{PORT}"
        self.next = 0
        # A node of a fresh network lists only peers that answered it: let them meet.
        self.ask(op="warm", lookups=4)
        time.sleep(1)

    def ask(self, timeout=30, **operation):
        """One operation of the line contract at the head of bt_lt_dht.py; its result."""
        return ask(self.process, self, timeout, operation)


def ask(process, counter, timeout, operation):
    counter.next += 1
    number = counter.next
    start = len(process.lines)
    process.send(json.dumps({**operation, "id": number}))

    def match(line):
        value = event("result")(line) or event("error")(line)
        return value if value and value.get("id") == number else None
    result = process.wait_line(match, timeout, start)[2]
    if result["event"] == "error":
        raise RuntimeError(f"{operation['op']}: {result}")
    return result


class Libtorrent:
    """A libtorrent session with one torrent."""

    def __init__(self, host, mode, folder, torrent=None, magnet=None, peers=(), dht=None, settings=None, listen=None, utp="off"):
        """`listen`: addresses with their port; by default the host's own."""
        self.host, self.address = host, (listen or [f"{host.address}:{PORT}"])[0]
        settings = dict(settings or {})
        if dht:
            settings |= {"enable_dht": True, "dht_bootstrap_nodes": dht.bootstrap, **OPEN_DHT}
        argv = [sys.executable, LIBTORRENT_CLIENT, mode, "--dir", folder, "--listen", ",".join(listen or [self.address]), "--utp", utp,
                "--set", json.dumps(settings)]
        argv += ["--torrent", torrent] if torrent else ["--magnet", magnet]
        for peer in peers:
            argv += ["--peer", peer]
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        self.process = host.start(argv)
        expect(self.process, "ready", 20)

    def wait_seeding(self, timeout=30):
        expect(self.process, "seeding", timeout)
        return self

    def wait_complete(self, timeout=90):
        """Complete and ended: libtorrent 2.1 says complete when all is verified, and writes its cache when it ends."""
        expect(self.process, "complete", timeout)
        self.process.stop()
        return self


def libtorrent_create(host, source, torrent, kind, piece):
    host.run([sys.executable, LIBTORRENT_CLIENT, "create", "--dir", source, "--torrent", torrent, "--kind", kind, "--piece", piece])


class Transmission:
    """transmission-daemon, driven through its RPC from within its host."""

    RPC = 9091

    def __init__(self, host, folder, dht=None, encryption=1):
        """`encryption`: 0 plain preferred, 1 encrypted preferred, 2 encrypted only."""
        self.host, self.session = host, ""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        home = host.path("transmission", "settings.json").parent
        settings = {
            "bind-address-ipv4": host.address, "bind-address-ipv6": "::1", "peer-port": 51413, "peer-port-random-on-start": False,
            "dht-enabled": dht is not None, "lpd-enabled": False, "pex-enabled": True, "port-forwarding-enabled": False, "utp-enabled": False,
            "rpc-bind-address": "127.0.0.1", "rpc-port": self.RPC, "rpc-authentication-required": False, "rpc-whitelist-enabled": False,
            "rpc-host-whitelist-enabled": False, "download-dir": str(self.folder), "incomplete-dir-enabled": False, "encryption": encryption,
            "ratio-limit-enabled": False, "idle-seeding-limit-enabled": False, "start-added-torrents": True,
        }
        (home / "settings.json").write_text(json.dumps(settings))
        if dht:
            # Transmission reads extra DHT routers, one "address port" a line, from this file.
            (home / "dht.bootstrap").write_text("".join(f"{address} {PORT}\n" for address in dht.host.addresses))
        self.process = host.start(["transmission-daemon", "-f", "-g", home, "--no-portmap"], env={"TRANSMISSION_HOME": str(home), "HOME": str(home)})
        self.address = f"{host.address}:51413"
        end = time.monotonic() + 20
        while True:
            try:
                self.rpc("session-get")
                return
            except (RuntimeError, ValueError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def rpc(self, method, **arguments):
        body = json.dumps({"method": method, "arguments": arguments})
        for _ in range(2):
            done = self.host.run(
                ["curl", "-s", "-i", "--max-time", "10", "-H", f"X-Transmission-Session-Id: {self.session}", "--data-binary", "@-",
                 f"http://127.0.0.1:{self.RPC}/transmission/rpc"], stdin=body, check=False)
            if done.returncode:
                raise RuntimeError(f"transmission does not answer ({done.returncode})")
            head, _, reply = done.stdout.replace("\r\n", "\n").partition("\n\n")
            if " 409 " not in head.split("\n")[0]:
                break
            self.session = next(line.split(": ", 1)[1] for line in head.split("\n") if line.lower().startswith("x-transmission-session-id"))
        value = json.loads(reply)
        if value["result"] != "success":
            raise RuntimeError(f"transmission: {value['result']}")
        return value["arguments"]

    def add(self, torrent=None, magnet=None):
        source = {"metainfo": base64.b64encode(pathlib.Path(torrent).read_bytes()).decode()} if torrent else {"filename": magnet}
        self.rpc("torrent-add", **source)
        return self

    def wait(self, what, timeout):
        end = time.monotonic() + timeout
        while True:
            torrents = self.rpc("torrent-get", fields=["status", "percentDone", "leftUntilDone", "metadataPercentComplete", "errorString", "peersConnected", "files"])["torrents"]
            if torrents and what(torrents[0]):
                return torrents[0]
            if time.monotonic() > end:
                raise TimeoutError(f"transmission: {({k: v for k, v in torrents[0].items() if k != 'files'} if torrents else 'no torrent')}")
            time.sleep(0.3)

    def wait_seeding(self, timeout=60):
        return self.wait(lambda torrent: torrent["status"] == 6 and torrent["percentDone"] == 1, timeout)

    def wait_complete(self, timeout=120):
        return self.wait(lambda torrent: torrent["metadataPercentComplete"] == 1 and torrent["leftUntilDone"] == 0 and torrent["status"] == 6, timeout)


class Aria2:
    """aria2c with one torrent or magnet link; it cannot be handed a peer, so it finds them through a tracker, or in a DHT."""

    def __init__(self, host, folder, torrent, tracker=None, seed=False, options=(), url=None, dht=None):
        self.host, self.folder = host, pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.address = f"{host.address}:{PORT}"
        # aria2 speaks to UDP trackers from its DHT's port only; without an entry point that DHT stays empty.
        ports = ["--enable-dht=true", f"--dht-listen-port={PORT + 1}", f"--dht-file-path={host.path('aria2', 'dht.dat')}"] if url else ["--enable-dht=false"]
        if dht:
            # What is left of an earlier table would be dialled first; it looks at the entry point only with an empty one.
            ports = ["--enable-dht=true", f"--dht-listen-port={PORT}", f"--dht-entry-point={dht.bootstrap}", f"--dht-file-path={host.path('aria2', 'dht.dat')}"]
        trackers = [] if tracker is None and url is None else [f"--bt-tracker={url or tracker.url}"]
        self.process = host.start(
            ["aria2c", f"--dir={folder}", f"--interface={host.address}", f"--listen-port={PORT}", *ports, "--enable-dht6=false",
             "--bt-enable-lpd=false", "--file-allocation=none", "--allow-overwrite=true", "--no-conf", "--summary-interval=1", "--console-log-level=notice",
             "--seed-ratio=0", f"--check-integrity={'true' if seed else 'false'}", *trackers, *options, str(torrent)])

    def wait_seeding(self, timeout=40):
        self.process.wait_line(lambda line: "SEED(" in line or "seeding" in line.lower() or "Verification finished successfully" in line, timeout)
        return self

    def wait_complete(self, timeout=90):
        self.process.wait_line(lambda line: "Download complete" in line or "SEED(" in line, timeout)
        return self
