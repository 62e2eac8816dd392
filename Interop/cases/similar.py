# SPDX-License-Identifier: Apache-2.0
"""BEP 38: a torrent that libtorrent made names another, whose files are used."""
import json
import pathlib
import shutil

import libtorrent
import roost
from clients import PORT, Libtorrent
from content import PIECE, expect_same, make_tree
from registry import case

FLAGS = {"v1": libtorrent.create_torrent.v1_only, "v2": libtorrent.create_torrent.v2_only, "hybrid": 0}


def create(source, out, kind, piece, similar=None, collection=None):
    """A torrent of a folder, by libtorrent; returns its infohash of 20 bytes."""
    storage = libtorrent.file_storage()
    libtorrent.add_files(storage, str(source))
    maker = libtorrent.create_torrent(storage, piece, flags=FLAGS[kind])
    if similar:
        maker.add_similar_torrent(similar)
    if collection:
        maker.add_collection(collection)
    libtorrent.set_piece_hashes(maker, str(source.parent))
    pathlib.Path(out).write_bytes(libtorrent.bencode(maker.generate()))
    return libtorrent.torrent_info(str(out)).info_hashes().get_best()


def size_of(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())


def register_for(kind, relation):
    @case("similar", f"BEP 38: {kind}: of a torrent of libtorrent's that is similar by {relation} only what has changed is fetched")
    def similar(lab):
        host = lab.host("seeder")
        source = make_tree(host.path("old", "tree"))
        collection = "org.example.trees" if relation == "collection" else None
        old = create(source, host.path("old.torrent"), kind, PIECE, collection=collection)
        shutil.copytree(source, host.path("new", "tree"))
        changed = host.path("new", "tree", "block.bin")
        changed.write_bytes(bytes(16384))
        named = None if collection else old
        # Another piece length: no piece hash is the same.
        create(changed.parent, host.path("new.torrent"), kind, PIECE // 2, similar=named, collection=collection)
        shown = roost.value(host, "torrent", "show", host.path("new.torrent"))
        if (shown["similar"], shown["collections"]) != ([str(old)] if named else [], [collection] if collection else []):
            raise AssertionError(f"it shows {shown['similar']} and {shown['collections']}")
        seeder = Libtorrent(host, "seed", changed.parent.parent, host.path("new.torrent")).wait_seeding()
        reader = lab.host("reader")
        shutil.copytree(source, reader.path("have", "tree"))
        shutil.copy(host.path("old.torrent"), reader.path("have", "old.torrent"))
        report = json.loads(roost.run(
            reader, "torrent", "get", host.path("new.torrent"), "--dir", reader.path("got"), "--similar", reader.path("have"),
            "--listen", f"{reader.address}:{PORT}", "--peer", seeder.address, "--json",
        ).stdout)
        expect_same(changed.parent, reader.path("got", "tree"))
        expect_same(source, reader.path("have", "tree"))
        # In v1 a piece reaches over the files beside the one that changed.
        fetched, most = report["received"], 16384 + 2 * (PIECE // 2)
        if not 16384 <= fetched <= most or report["reused"] < size_of(source) - most:
            raise AssertionError(f"{fetched} bytes were fetched and {report['reused']} reused")


for each in FLAGS:
    register_for(each, "infohash")
register_for("v1", "collection")
