# SPDX-License-Identifier: Apache-2.0
"""Obfuscated connections (Message Stream Encryption) with libtorrent, Transmission and aria2, both directions."""
import roost
from cases.torrents import listed, prepared
from clients import Aria2, Libtorrent, Transmission, expect
from content import PIECE, expect_same
from lab import common
from registry import case

FORCED = {"out_enc_policy": 0, "in_enc_policy": 0}
LEVELS = {"plain payload": 1, "RC4 payload": 2}


def forced(level):
    return {**FORCED, "allowed_enc_level": LEVELS[level]}


def register_for(level):
    @case("libtorrent", f"obfuscation, {level}: libtorrent that allows nothing else seeds, Roost gets after its plain attempt is refused")
    def forced_seeds(lab):
        host, source, torrent, _ = prepared(lab, "hybrid")
        seeder = Libtorrent(host, "seed", source.parent, torrent, settings=forced(level)).wait_seeding()
        reader = lab.host("reader")
        roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[seeder.address]).wait_complete()
        expect_same(source, reader.path("got", "tree"))

    @case("libtorrent", f"obfuscation, {level}: libtorrent that allows nothing else gets from Roost")
    def forced_gets(lab):
        host, source, torrent, _ = prepared(lab, "hybrid")
        seeder = roost.Torrent(host, "seed", torrent, source.parent).wait_seeding()
        reader = lab.host("reader")
        client = Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[seeder.address], settings=forced(level))
        expect(client.process, "complete", 60)
        client.process.stop()
        expect_same(source, reader.path("got", "tree"), ignore=(".pad",))


for each in LEVELS:
    register_for(each)


@case("libtorrent", "obfuscation: v2: Roost that requires it exchanges with libtorrent by default settings, both ways")
def required(lab):
    host, source, torrent, _ = prepared(lab, "v2")
    first = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    middle = lab.host("middle")
    ours = roost.Torrent(middle, "get", torrent, middle.path("got"), peers=[first.address], options=("--encryption", "require")).wait_complete()
    first.process.stop()
    reader = lab.host("reader")
    Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[ours.address]).wait_complete()
    expect_same(source, reader.path("got", "tree"), ignore=(".pad",))


@case("libtorrent", "obfuscation: off: libtorrent, which dials obfuscated first, comes again plain")
def switched_off(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    seeder = roost.Torrent(host, "seed", torrent, source.parent, options=("--encryption", "off")).wait_seeding()
    reader = lab.host("reader")
    Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[seeder.address]).wait_complete()
    expect_same(source, reader.path("got", "tree"), ignore=(".pad",))


@case("transmission", "obfuscation: v1: Transmission that requires it seeds, Roost gets", waits=True)
def transmission_seeds(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    client = Transmission(host, source.parent, encryption=2).add(torrent)
    client.wait_seeding()
    reader = lab.host("reader")
    roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[client.address]).wait_complete()
    expect_same(source, reader.path("got", "tree"))


# Transmission's own timers take most of half a minute.
@case("transmission", "obfuscation: v1: Roost seeds, Transmission that requires it gets", optional=True)
def transmission_gets(lab):
    tracker = lab.tracker()
    host, source, _, _ = prepared(lab, "v1")
    torrent = host.path("tracked.torrent")
    meta = common.make_torrent(str(source), str(torrent), "v1", PIECE, trackers=[tracker.url])
    seeder = roost.Torrent(host, "seed", torrent, source.parent, options=("--encryption", "require")).wait_seeding()
    listed(tracker, meta, seeder.address)
    reader = lab.host("reader")
    Transmission(reader, reader.path("got"), encryption=2).add(torrent).wait_complete()
    expect_same(source, reader.path("got", "tree"), without_empty=True)


ARIA2 = {"plain payload": ("--bt-require-crypto=true",), "RC4 payload": ("--bt-force-encryption=true",)}


def register_aria2(level):
    @case("aria2", f"obfuscation, {level}: v1: aria2 that requires it seeds, Roost gets")
    def seeds(lab):
        tracker = lab.tracker()
        host, source, torrent, _ = prepared(lab, "v1")
        client = Aria2(host, source.parent, torrent, tracker, seed=True, options=ARIA2[level]).wait_seeding()
        reader = lab.host("reader")
        roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[client.address]).wait_complete()
        expect_same(source, reader.path("got", "tree"))

    @case("aria2", f"obfuscation, {level}: v1: Roost seeds, aria2 that requires it gets")
    def gets(lab):
        tracker = lab.tracker()
        host, source, torrent, meta = prepared(lab, "v1")
        seeder = roost.Torrent(host, "seed", torrent, source.parent).wait_seeding()
        listed(tracker, meta, seeder.address)
        reader = lab.host("reader")
        Aria2(reader, reader.path("got"), torrent, tracker, seed=False, options=ARIA2[level]).wait_complete()
        expect_same(source, reader.path("got", "tree"))


for each in ARIA2:
    register_aria2(each)


UTP_ONLY = {"enable_outgoing_utp": True, "enable_incoming_utp": True, "enable_outgoing_tcp": False, "enable_incoming_tcp": False}


@case("libtorrent", "obfuscation: uTP: libtorrent that allows only RC4 over uTP seeds, Roost gets")
def over_utp(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    seeder = Libtorrent(host, "seed", source.parent, torrent, settings={**forced("RC4 payload"), **UTP_ONLY}).wait_seeding()
    reader = lab.host("reader")
    roost.Torrent(reader, "get", torrent, reader.path("got"), peers=[seeder.address], options=("--utp", "only")).wait_complete()
    expect_same(source, reader.path("got", "tree"))


@case("libtorrent", "obfuscation: uTP: libtorrent that allows only RC4 over uTP gets from Roost")
def to_utp(lab):
    host, source, torrent, _ = prepared(lab, "v1")
    seeder = roost.Torrent(host, "seed", torrent, source.parent, options=("--utp", "on")).wait_seeding()
    reader = lab.host("reader")
    client = Libtorrent(reader, "leech", reader.path("got"), torrent, peers=[seeder.address], settings={**forced("RC4 payload"), **UTP_ONLY})
    expect(client.process, "complete", 60)
    client.process.stop()
    expect_same(source, reader.path("got", "tree"), ignore=(".pad",))
