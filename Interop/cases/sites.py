# SPDX-License-Identifier: Apache-2.0
"""Sites between nodes, and sites that strangers' clients keep alive."""
import shutil
import time

import roost
import stock_item
from clients import DHT, PORT, Aria2, Libtorrent, Transmission
from content import expect_same, make_tree
from lab import common
from registry import case

MARKER = (".roost-site",)


def published(lab, dht, **options):
    """A node that published a folder; the folder and what `publish` said."""
    node = roost.Node(lab.host("publisher"), dht, **options).wait_dht()
    source = make_tree(node.host.path("site"))
    return node, source, node.publish(source, "--new", "--label", "1.0.0")


def joined(lab, name, dht, **options):
    return roost.Node(lab.host(name), dht, **options).wait_dht()


@case("sites", "S0-18 S3-004 S3-030: a site is published, fetched by a second node, and by a third after the publisher stopped")
def outlives_its_publisher(lab):
    dht = DHT(lab)
    publisher, source, report = published(lab, dht)
    second = joined(lab, "second", dht)
    expect_report(second.fetch(roost.address_of(report), second.host.path("got")), report, source)
    expect_same(source, second.host.path("got"), ignore=MARKER)
    publisher.stop()
    third = joined(lab, "third", dht)
    third.fetch(roost.address_of(report), third.host.path("got"))
    expect_same(source, third.host.path("got"), ignore=MARKER)


def expect_report(fetched, report, source):
    for key in ("site", "seq", "label"):
        if fetched[key] != report[key]:
            raise AssertionError(f"fetch says {key} {fetched[key]} and publish said {report[key]}")
    if fetched["bytes"] != report["bytes"]:
        raise AssertionError(f"fetch says {fetched['bytes']} bytes and publish said {report['bytes']}")


@case("sites", "an update moves only the blocks that changed")
def update_moves_little(lab):
    dht = DHT(lab)
    publisher, source, report = published(lab, dht)
    second = joined(lab, "second", dht)
    second.fetch(roost.address_of(report), second.host.path("first"))
    (source / "index.html").write_text("<p>the second release</p>")
    update = publisher.publish(source, "--site", report["site"], "--label", "1.0.1")
    fetched = second.fetch(roost.address_of(update), second.host.path("second"))
    if fetched["seq"] <= report["seq"]:
        raise AssertionError(f"still release {fetched['seq']}")
    expect_same(source, second.host.path("second"), ignore=MARKER)
    if fetched["received"] > 256 * 1024:
        raise AssertionError(f"received {fetched['received']} bytes for a page of 25")


@case("sites", "S2-03: a site survives with only Transmission seeding its v1 twin", waits=True)
def transmission_keeps_it(lab):
    dht = DHT(lab)
    publisher, source, report = published(lab, dht)
    keeper = Transmission(lab.host("keeper"), lab.hosts[-1].path("kept"), dht=dht)
    keeper.add(magnet=f"magnet:?xt=urn:btih:{report['v1']}")
    keeper.wait_complete(240)
    expect_same(source, lab.hosts[-1].path("kept", "site"), ignore=MARKER, without_empty=True)
    # Transmission 3.00 announces itself only when its search has ended, which can take it a minute.
    wait_for_peers(dht, report["v1"], 2)
    publisher.stop()
    reader = joined(lab, "reader", dht)
    reader.fetch(report["magnet"], reader.host.path("got"), timeout=240)
    expect_same(source, reader.host.path("got"), ignore=MARKER)


def wait_for_peers(dht, v1, count, timeout=150):
    """Until a node of the DHT names that many peers of the torrent."""
    end = time.monotonic() + timeout
    while True:
        try:
            if dht.ask(op="get_peers", info_hash=v1, timeout=10)["peers"] >= count:
                return
        except TimeoutError:
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"the DHT names fewer than {count} peers after {timeout} s")
        time.sleep(1)


def register_for(kind, link):
    @case("sites", f"S0-02 S2-05: libtorrent finds and downloads a published site by the magnet link of its {kind} torrent")
    def libtorrent_reads_a_site(lab):
        dht = DHT(lab)
        _, source, report = published(lab, dht)
        reader = lab.host("reader")
        Libtorrent(reader, "leech", reader.path("got"), magnet=link(report), dht=dht).wait_complete(120)
        expect_same(source, reader.path("got", "site"), ignore=MARKER)


register_for("v1", lambda report: f"magnet:?xt=urn:btih:{report['v1']}")
register_for("v2", lambda report: f"magnet:?xt=urn:btmh:1220{report['v2']}")


@case("sites", "S0-02 S2-05: aria2 finds and downloads a published site by the magnet link of its v1 torrent", waits=True)
def aria2_reads_a_site(lab):
    dht = DHT(lab)
    _, source, report = published(lab, dht)
    wait_for_peers(dht, report["v1"], 1)
    reader = lab.host("reader")
    magnet = f"magnet:?xt=urn:btih:{report['v1']}"
    # It calls the torrent's description a download of its own; the whole is here when it ends.
    Aria2(reader, reader.path("got"), magnet, dht=dht, options=("--seed-time=0",)).process.code(90)
    expect_same(source, reader.path("got", "site"), ignore=MARKER, without_empty=True)


@case("sites", "libtorrent reads the item that names a published site's torrents (BEP 46)")
def item_is_readable(lab):
    dht = DHT(lab)
    publisher, _, report = published(lab, dht)
    wait_for_item(dht, report)


def wait_for_item(dht, report, timeout=40):
    end = time.monotonic() + timeout
    while True:
        try:
            answer = dht.ask(op="get", key=report["key"], salt="", timeout=20)
            value = common.bdecode(bytes.fromhex(answer["value"]))[0] if answer["value"] else {}
            if value.get(b"ih", b"").hex() == report["v1"] and value.get(b"ih2", b"").hex() == report["v2"]:
                return
            problem = f"the item says {value}"
        except TimeoutError:
            problem = "no item was found"
        if time.monotonic() > end:
            raise AssertionError(problem)
        time.sleep(1)


@case("sites", "S2-08 S2-09: Roost opens a stock BEP 46 item that libtorrent nodes hold, with nothing of ours in it")
def stock_bep46_item(lab):
    dht = DHT(lab)
    host = lab.host("stranger")
    source = make_tree(host.path("data", "tree"))
    meta = common.make_torrent(str(source), str(host.path("t.torrent")), "v1", 65536)
    Libtorrent(host, "seed", source.parent, host.path("t.torrent"), dht=dht).wait_seeding()
    key, taken = stock_item.put([(address, PORT) for address in dht.host.addresses], bytes(32), {"ih": bytes.fromhex(meta["v1"])})
    if taken == 0:
        raise AssertionError("no libtorrent node took the item")
    reader = joined(lab, "reader", dht)
    reader.fetch(f"magnet:?xs=urn:btpk:{key}", reader.host.path("got"), timeout=180)
    expect_same(source, reader.host.path("got"))


@case("sites", "the owner's folder is not a serving source: editing it changes no release")
def folder_is_not_served(lab):
    dht = DHT(lab)
    publisher, source, report = published(lab, dht)
    original = publisher.host.path("original")
    shutil.copytree(source, original)
    (source / "large.bin").write_bytes(b"edited after publishing")
    (source / "index.html").unlink()
    second = joined(lab, "second", dht)
    second.fetch(roost.address_of(report), second.host.path("got"))
    expect_same(original, second.host.path("got"), ignore=MARKER)


def stored_of(node, report):
    """Bytes of the newest release that a node holds."""
    return next(site for site in node.value("site", "list") if site["site"] == report["site"])["stored"]


@case("sites", "S0-18: with cache-share 0.3 a reader keeps about 30 % of the parts, announces them, and gives them when the publisher is gone")
def keeps_a_share(lab):
    dht = DHT(lab)
    publisher = roost.Node(lab.host("publisher"), dht).wait_dht()
    source = publisher.host.path("site")
    for number in range(80):
        name = source / f"{number:03d}.html"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_text(f"<p>page {number} " + f"{number:03d} " * 5000)
    report = publisher.publish(source, "--new", "--label", "1.0.0")
    second = joined(lab, "second", dht)
    second.fetch(roost.address_of(report), second.host.path("got"))
    second.command("config", "set", "cache-share", "0.3")
    # A node that starts is reading nothing: what is not in its share goes now.
    second.stop()
    second.start()
    stored, before, end = report["bytes"], 0, time.monotonic() + 20
    while stored != before or stored == report["bytes"]:
        if time.monotonic() > end:
            raise AssertionError("all of the site is kept")
        time.sleep(0.5)
        before, stored = stored, stored_of(second, report)
    if not 0.1 <= stored / report["bytes"] <= 0.5:
        raise AssertionError(f"{stored} of {report['bytes']} bytes are kept")
    second.wait_dht()
    publisher.stop()
    third = joined(lab, "third", dht)
    third.command("open", "--print", roost.address_of(report))
    fetching = third.host.start([roost.BINARY, "fetch", roost.address_of(report), "-o", str(third.host.path("got")), "--home", third.home])
    end, got = time.monotonic() + 30, 0
    while got != stored:
        if time.monotonic() > end:
            raise AssertionError(f"{got} of the {stored} bytes that the reader keeps came from it")
        time.sleep(0.3)
        got = stored_of(third, report)
    fetching.stop()
