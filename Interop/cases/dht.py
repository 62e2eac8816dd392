# SPDX-License-Identifier: Apache-2.0
"""BEP 5, 44 and 46 against libtorrent's DHT nodes."""
import hashlib
import time

import roost
from clients import DHT
from lab import common
from registry import case

SEED = hashlib.sha256(b"a key of the interop cases").hexdigest()
SALT = b"home page".hex()


def both(lab):
    """A DHT of libtorrent nodes and one Roost node that joined it."""
    dht = DHT(lab)
    node = roost.DHTNode(lab.host("ours"), dht)
    node.ask(op="warm", lookups=4)
    return dht, node


def read_mutable(reader, key, salt, value):
    """The value as bytes that both sides may print bencoded or plain."""
    answer = reader.ask(op="get", key=key, salt=salt, timeout=40)
    got = bytes.fromhex(answer["value"])
    if got not in (value, common.bencode(value)):
        raise AssertionError(f"read {got!r} and not {value!r}")
    return answer["seq"]


@case("dht", "libtorrent reads the mutable item that Roost put (BEP 44)")
def mutable_from_roost(lab):
    dht, node = both(lab)
    put = node.ask(op="put", seed=SEED, salt=SALT, value=b"written by Roost".hex())
    read_mutable(dht, put["key"], SALT, b"written by Roost")


@case("dht", "Roost reads the mutable item that libtorrent put (BEP 44)")
def mutable_from_libtorrent(lab):
    dht, node = both(lab)
    put = dht.ask(op="put", seed=SEED, salt=SALT, value=b"written by libtorrent".hex())
    read_mutable(node, put["key"], SALT, b"written by libtorrent")


@case("dht", "the same seed gives both the same key, and a newer value replaces the older one (BEP 44)")
def newer_wins(lab):
    dht, node = both(lab)
    first = dht.ask(op="put", seed=SEED, salt="", value=b"first".hex())
    older = read_mutable(node, first["key"], "", b"first")
    second = node.ask(op="put", seed=SEED, salt="", value=b"second".hex())
    if second["key"] != first["key"]:
        raise AssertionError("the two derive different keys from one seed")
    newer = read_mutable(dht, first["key"], "", b"second")
    if newer <= older:
        raise AssertionError(f"seq went from {older} to {newer}")


@case("dht", "immutable items cross in both directions (BEP 44)")
def immutable(lab):
    dht, node = both(lab)
    for writer, reader, value in ((node, dht, b"from Roost"), (dht, node, b"from libtorrent")):
        target = writer.ask(op="put_immutable", value=value.hex())["target"]
        got = bytes.fromhex(reader.ask(op="get_immutable", target=target, timeout=40)["value"])
        if got not in (value, common.bencode(value)):
            raise AssertionError(f"read {got!r} and not {value!r}")


@case("dht", "a peer that either announces is found by the other (BEP 5)")
def peers(lab):
    dht, node = both(lab)
    for number, (writer, reader) in enumerate(((node, dht), (dht, node))):
        infohash = hashlib.sha1(b"torrent %d" % number).hexdigest()
        writer.ask(op="announce", info_hash=infohash, port=6881)
        end = time.monotonic() + 20
        while True:
            try:
                if reader.ask(op="get_peers", info_hash=infohash, timeout=5)["peers"] > 0:
                    break
            except TimeoutError:
                pass
            if time.monotonic() > end:
                raise AssertionError("the announced peer was not found within 20 s")
