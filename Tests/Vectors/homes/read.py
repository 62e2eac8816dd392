#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes read.json of a kept home: what stands in its files by docs/protocols/storage-layout.md, dht.md and keys.md.

    read.py SAMPLE

A second implementation: it shares no code with the program. Needs Python's `cryptography` 44 or later. It fails where the
home does not have what `make.py` had put into it.
"""
import hashlib
import json
import pathlib
import socket
import sqlite3
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from kept_formats import bdecode, cbor, open_key_file, root_of  # noqa: E402
from make import FILM  # noqa: E402

# What no sample may have: places of people, of this checkout, and this machine's name.
OF_A_MACHINE = [b"/home/", b"/root/", b"/Users/", b"/etc/", str(pathlib.Path(__file__).resolve().parents[3]).encode()]
OF_A_MACHINE += [name.encode() for name in (socket.gethostname(),) if len(name) > 3]


def sha256(data):
    return hashlib.sha256(data).digest()


def sealed_by_hash(data, magic):
    """What stands between a magic of eight bytes and the SHA-256 of everything before it."""
    assert data[:8] == magic and sha256(data[:-32]) == data[-32:], magic
    return data[8:-32]


def pack_records(data):
    """storage-layout.md §3.1: headers, and the bytes behind them."""
    at, found = 0, []
    while at < len(data):
        header = data[at:at + 56]
        mark, magic, length, stored, root, check = struct.unpack(">c3sIQ32s8s", header)
        assert mark in b"FD" and magic == b"rp1" and sha256(header[1:48])[:8] == check
        content = data[at + 56:at + 56 + length]
        assert len(content) == length and (mark == b"D" or root_of(content) == root)
        found.append({"held": mark == b"F", "length": length, "storedAt": stored, "root": root.hex(), "header": header.hex()})
        at += 56 + length
    return found


def ranges(data):
    """§4."""
    body = sealed_by_hash(data, b"roostrg1")
    length, count = struct.unpack_from(">QI", body)
    bounds = struct.unpack(f">{2 * count}Q", body[12:])
    return {"length": length, "ranges": [list(bounds[at:at + 2]) for at in range(0, 2 * count, 2)]}


def snapshot(data):
    """§8."""
    names = ("device", "inode", "length", "modified", "changed", "root")
    rows = struct.iter_unpack(">QQqqq32s", sealed_by_hash(data, b"roostsc1"))
    return [dict(zip(names, row[:5] + (row[5].hex(),))) for row in rows]


def manifest(chunks):
    """§5.2."""
    files = []
    for chunk in chunks:
        at, before = 0, b""
        while at < len(chunk):
            shared, more = struct.unpack_from(">HH", chunk, at)
            path = before[:shared] + chunk[at + 4:at + 4 + more]
            at += 4 + more
            flags, length = struct.unpack_from(">BQ", chunk, at)
            at += 9
            root = chunk[at:at + 32].hex() if flags & 2 else None
            at += 32 if root else 0
            files.append({"path": path.decode(), "length": length, "executable": bool(flags & 1), "root": root})
            before = path
    return files


def dht(data):
    """dht.md §7."""
    state = bdecode(data)
    assert state[b"v"] == 1

    def contacts(name, size):
        rows = state[name]
        return [rows[at:at + size].hex() for at in range(0, len(rows), size)]

    numbers = [{"target": target.hex(), "sequence": number} for target, number in struct.iter_unpack(">20sQ", state[b"seqs"])]
    kept = [{"own": entry[b"own"], "key": entry[b"k"].hex() if b"k" in entry else None, "seq": entry.get(b"seq"),
             "infohash": entry[b"ih"].hex() if b"ih" in entry else None, "port": entry.get(b"port")} for entry in state[b"kept"]]
    return {"id": state[b"id"].hex(), "nodes": contacts(b"nodes", 26), "nodes6": contacts(b"nodes6", 38), "seqs": numbers, "kept": kept}


def metadata(path):
    """§5: the rows that the tests state; times and blobs of other documents are left to them."""
    database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    database.row_factory = sqlite3.Row

    def plain(row, *skipped):
        return {name: row[name].hex() if isinstance(row[name], bytes) else row[name] for name in row.keys() if name not in skipped}

    chunks = {row["hash"]: row["bytes"] for row in database.execute("SELECT * FROM manifestChunk")}
    assert all(sha256(content) == key for key, content in chunks.items())
    releases = []
    for row in database.execute("SELECT * FROM release ORDER BY site, seq"):
        listed = row["manifest"]
        hashes = [listed[at:at + 32] for at in range(0, len(listed or b""), 32)]
        release = plain(row, "manifest", "v1Pieces")
        release["files"] = manifest(chunks[key] for key in hashes) if listed is not None else None
        release["v1Pieces"] = row["v1Pieces"].hex() if row["v1Pieces"] else None
        releases.append(release)
    return {
        "schema": [row[0] for row in database.execute("SELECT identifier FROM grdb_migrations ORDER BY rowid")],
        "statements": {row[0]: row[1] for row in database.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'grdb%' AND name NOT LIKE 'sqlite%' ORDER BY name")},
        "sites": [plain(row) for row in database.execute("SELECT * FROM site ORDER BY id")],
        "heads": [plain(row) for row in database.execute("SELECT * FROM highestHead ORDER BY site")],
        "releases": releases,
        "layers": [plain(row) for row in database.execute("SELECT * FROM pieceLayer ORDER BY root")],
        "wants": [plain(row) for row in database.execute("SELECT * FROM want ORDER BY site, root")],
        "torrents": [plain(row, "metainfo") for row in database.execute("SELECT * FROM torrent ORDER BY number")],
        "denied": [plain(row) for row in database.execute("SELECT * FROM denyRule ORDER BY value")],
        "items": [plain(row) for row in database.execute("SELECT * FROM item ORDER BY target")],
        "settings": [plain(row) for row in database.execute("SELECT * FROM setting ORDER BY name")],
    }


def keys(folder):
    """keys.md: each file opened with the local key, and the public side of identities."""
    local = (folder / "local.key").read_bytes()
    found = {}
    for file in sorted(folder.glob("*.key")):
        if file.name != "local.key":
            found[file.stem] = open_key_file(file.read_bytes(), local, b"roost/key/" + file.stem.encode()).hex()
    identities = []
    for file in sorted(folder.glob("*.public")):
        content = cbor(file.read_bytes())
        identities.append({"id": file.stem.removeprefix("identity-"), "name": content["name"], "added": content["added"],
                           "statements": len(content["statements"])})
    return {"keys": found, "identities": identities}


def complete(home):
    """Files of content that have a place of their own, by their names."""
    return {f"{file.parent.name}/{file.name}": {"length": file.stat().st_size, "sha256": sha256(file.read_bytes()).hex()}
            for file in sorted((home / "content").glob("*/*")) if file.parent.name != "packs"}


def read(home):
    packs = sorted((home / "content/packs").glob("*.pack"))
    return {
        "layout": int((home / "version").read_text()),
        "config": (home / "config.toml").read_text(),
        "content": complete(home),
        "packs": {file.name: pack_records(file.read_bytes()) for file in packs},
        "partial": {file.name: ranges(file.read_bytes()) for file in sorted((home / "partial").glob("*.ranges"))},
        "snapshots": {file.name: snapshot(file.read_bytes()) for file in sorted((home / "cache").glob("*.snapshot"))},
        "dht": {file.name: dht(file.read_bytes()) for file in sorted(home.glob("dht-*.state"))},
        "metadata": metadata(home / "metadata.sqlite"),
        **keys(home / "keys"),
    }


def check(home, found, made):
    """That the sample is worth keeping: it has what was done, and nothing of the machine."""
    held = {row["root"] for rows in found["packs"].values() for row in rows if row["held"]}
    held |= {name.partition("/")[2] for name in found["content"]}
    for release in found["metadata"]["releases"]:
        name = next(name for name in ("garden", "notes", "film") if made[name].endswith(release["site"]))
        files = {file["path"]: file for file in release["files"]}
        written = made["files"][name][release["seq"] - 1]
        assert files.keys() == written.keys(), name
        for path, file in files.items():
            assert file["length"] == written[path]["length"] and file["executable"] == written[path]["executable"], path
            assert file["root"] == written[path]["root"], path
            assert name == "film" or file["root"] is None or file["root"] in held, path
    for name, part in found["partial"].items():
        came = (home / "partial" / name.removesuffix(".ranges")).read_bytes()
        assert part["ranges"] and all(came[low:high] == FILM["film.bin"][0][low:high] for low, high in part["ranges"])
    assert len(found["metadata"]["releases"]) == 4 and len(found["identities"]) == 2 and len(found["partial"]) == 1
    assert all(found[part] for part in ("dht", "keys", "snapshots")) and all(found["snapshots"].values())
    assert all(state["nodes"] for state in found["dht"].values())
    for file in home.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert not any(word in content for word in OF_A_MACHINE), f"{file} names a place of this machine"


def main():
    sample = pathlib.Path(sys.argv[1])
    found = read(sample / "home")
    check(sample / "home", found, json.loads((sample / "made.json").read_text()))
    (sample / "read.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
