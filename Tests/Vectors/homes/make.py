#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps the home that a build writes, as a sample for later builds to open.

    make.py NAME --binary PATH --built "date and commit of the build"

Run it with the last build before a format on disk changes and with the first one after; NAME is the folder beside this
file, which must not be there yet. The build publishes two releases of a site, reads and pins a site of a neighbour, stops
in the middle of another, fetches a torrent, joins a DHT of two and makes identities; then the home is copied, and
`read.py`, which shares no code with the program, says what is in it. Everything happens on the loopback interface of a
network namespace of its own and in one folder, so a sample has nothing of the machine but device and inode numbers.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

from kept_formats import root_of

HERE = pathlib.Path(__file__).resolve().parent
WORK = pathlib.Path("/tmp/roost-kept-home")
# Of a run, not of a node: who holds the home, where it listens, what it said.
LEFT_OUT = ("lock", "node.address", "roost.log", "tmp")


def filler(name, count):
    """Bytes that everybody can make, that no two blocks have in common and that the repository packs well."""
    return b"".join(b"%s %d\n" % (name.encode(), number) for number in range(count))[:count]


# Path: bytes, and whether it may be run. One file is too long for a pack, one is empty.
GARDEN = {
    "index.html": (b"<!doctype html><title>Garden</title><h1>Spring</h1>", False),
    "style.css": (b"h1 { color: green }\n", False),
    "empty.txt": (b"", False),
    "photo.bin": (filler("photo", 66_000), False),
    "tools/count.sh": (b"#!/bin/sh\nls | wc -l\n", True),
    "gr\u00fc\u00dfe/\u00e4.txt": (b"a name beyond ASCII\n", False),
}
SUMMER = dict(GARDEN) | {
    "index.html": (b"<!doctype html><title>Garden</title><h1>Summer</h1>", False),
    "harvest.txt": (filler("harvest", 3_000), False),
}
NOTES = {"index.html": (b"<!doctype html><title>Notes</title>", False), "a.txt": (b"a\n", False), "b.txt": (filler("notes", 20_000), False)}
FILM = {"film.bin": (filler("film", 100_000), False)}
SONG = filler("song", 20_000)
# The snapshot cache notes only files that nobody has touched for two seconds.
SETTLED = 3


STARTED = []


def start(*argv):
    """A process that ends with this one at the latest."""
    process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    STARTED.append(process)
    return process


class Host:
    """A node of the build with a home of its own."""

    def __init__(self, binary, name, port):
        self.binary, self.home, self.port, self.process = str(binary), str(WORK / name), port, None
        self.init = self.value("init", "--serve", "quota")

    def run(self, *arguments, check=True):
        done = subprocess.run([self.binary, *arguments, "--home", self.home], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        if check and done.returncode:
            raise SystemExit(f"roost {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def value(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))

    def start(self, *options):
        base = [self.binary, "start", "--home", self.home, "--network", "none", "--listen", f"127.0.0.1:{self.port}",
                "--gateway", f"127.0.0.1:{self.port + 1}", "--control", f"127.0.0.1:{self.port + 2}"]
        self.process = start(*base, *options)
        wait(f"the node of {self.home}", lambda: self.run("status", check=False))
        return self

    def stop(self):
        self.run("stop")
        self.process.wait(30)


def wait(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {seconds} s")
        time.sleep(0.2)


def write(name, files):
    folder = WORK / name
    for path, (content, executable) in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o755 if executable else 0o644)
        os.utime(file, (1_750_000_000, 1_750_000_000))
    return str(folder)


def slow_way(listen, target, most, then):
    """Forwards slowly from one port to another; calls `then` once `most` bytes have come back, and ends."""
    server = socket.create_server(("127.0.0.1", listen))
    passed = [0]

    def forward(source, sink, counts):
        try:
            while data := source.recv(4096):
                sink.sendall(data)
                passed[0] += len(data) if counts else 0
                time.sleep(0.02 if counts else 0)
                if passed[0] >= most:
                    then()
                    break
        except OSError:
            pass
        source.close()
        sink.close()

    def accept():
        while passed[0] < most:
            client = server.accept()[0]
            upstream = socket.create_connection(("127.0.0.1", target))
            threading.Thread(target=forward, args=(client, upstream, False), daemon=True).start()
            threading.Thread(target=forward, args=(upstream, client, True), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def song_torrent():
    """A v1 torrent of one file, by hand."""
    pieces = b"".join(hashlib.sha1(SONG[at:at + 16384]).digest() for at in range(0, len(SONG), 16384))
    info = b"d6:lengthi%de4:name8:song.bin12:piece lengthi16384e6:pieces%d:" % (len(SONG), len(pieces)) + pieces + b"e"
    path = WORK / "song.torrent"
    path.write_bytes(b"d4:info" + info + b"e")
    (WORK / "songs").mkdir()
    (WORK / "songs/song.bin").write_bytes(SONG)
    return str(path), hashlib.sha1(info).hexdigest()


def make(binary):
    """Runs the build; returns what it was told to do and what it answered."""
    neighbour = Host(binary, "neighbour", 21000).start()
    home = Host(binary, "home", 21100)
    kit = WORK / "second.kit"
    facts = {"identities": ["me", "second"], "denied": "betanet://" + "aa" * 32, "denyList": "bb" * 32}
    home.run("id", "new", "second", "--kit", str(kit))
    home.run("config", "set", "quota", "123456789")
    (WORK / "home/deny/friends.deny").write_text(f"# of friends\nv2 {facts['denyList']} not nice\n")
    home.start("--bootstrap", "127.0.0.1:21000")
    home.run("deny", "add", facts["denied"])
    facts["peer"] = home.init["peerID"]

    garden = write("garden", GARDEN)
    time.sleep(SETTLED)
    first = home.value("publish", garden, "--by", "second", "--message", "spring")
    write("garden", SUMMER)
    time.sleep(SETTLED)
    second = home.value("publish", garden, "--message", "summer")
    facts["garden"] = first["site"]
    notes = neighbour.value("publish", write("notes", NOTES))
    home.run("fetch", notes["site"], "--peer", "127.0.0.1:21000", "--output", str(WORK / "notes.read"))
    home.run("site", "pin", notes["site"])
    facts["notes"] = notes["site"]

    torrent, facts["song"] = song_torrent()
    start(binary, "torrent", "seed", torrent, "--dir", WORK / "songs", "--listen", "127.0.0.1:21300")
    home.run("fetch", torrent, "--peer", "127.0.0.1:21300", "--output", str(WORK / "songs.read"))

    # The last: the publisher is gone when a part of its film has come.
    studio = Host(binary, "studio", 21200).start()
    film = studio.value("publish", write("film", FILM))
    facts["film"] = film["site"]
    slow_way(21250, 21200, 60_000, studio.process.kill)
    reading = start(binary, "fetch", film["site"], "--peer", "127.0.0.1:21250", "--output", WORK / "film.read", "--home", home.home)
    studio.process.wait(60)
    time.sleep(1)
    reading.kill()
    home.stop()
    neighbour.stop()
    answers = ("seq", "label", "files", "bytes", "key", "v1", "v2")
    facts["releases"] = [{name: release[name] for name in answers} for release in (first, second)]
    return facts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--built", required=True, help="when, and of which commit: for PROVENANCE.md")
    options = parser.parse_args()
    sample = HERE / options.name
    if sample.exists() or WORK.exists():
        raise SystemExit(f"{sample} or {WORK} is there already")
    if os.environ.get("ROOST_OWN_NETWORK") != "1":
        command = 'ip link set lo up && exec "$@"'
        os.execvpe("unshare", ["unshare", "-rn", "sh", "-c", command, "sh", sys.executable, *sys.argv],
                   os.environ | {"ROOST_OWN_NETWORK": "1"})
    WORK.mkdir(mode=0o700)
    try:
        facts = make(options.binary.resolve())
        shutil.copytree(WORK / "home", sample / "home", ignore=lambda folder, names: [
            name for name in names if folder == str(WORK / "home") and name in LEFT_OUT
        ])
    finally:
        for process in STARTED:
            process.kill()
            process.wait()
        shutil.rmtree(WORK)
    facts["built"] = options.built
    facts["files"] = described()
    (sample / "made.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    subprocess.run([sys.executable, HERE / "read.py", sample], check=True)


def described():
    """The files of each site, as they were written for it."""
    def rows(files):
        return {path: row(content) | {"executable": executable} for path, (content, executable) in files.items()}

    def row(content):
        root = root_of(content)
        return {"length": len(content), "sha256": hashlib.sha256(content).hexdigest(), "root": root.hex() if root else None}

    return {"garden": [rows(GARDEN), rows(SUMMER)], "notes": [rows(NOTES)], "film": [rows(FILM)],
            "song": [{"song.bin": row(SONG) | {"executable": False}}]}


if __name__ == "__main__":
    main()
