# SPDX-License-Identifier: Apache-2.0
"""Nodes use trackers and web seeds: those of links and torrents that are opened, and those that releases name."""
import shutil
import time
import urllib.parse

import roost
from clients import PORT, Libtorrent
from content import PIECE, expect_same, make_tree
from lab import Path, common
from registry import case
from web import Nginx

MARKER = (".roost-site",)


def wait_for(what, timeout, sentence):
    end = time.monotonic() + timeout
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(sentence)
        time.sleep(0.2)


def local(node):
    """The lab's addresses are private ones."""
    node.command("config", "set", "allow-local-sources", "on")
    return node


def stock(lab, tracker):
    """A tree of somebody else's that libtorrent seeds, known to a tracker alone."""
    host = lab.host("seeder")
    source = make_tree(host.path("data", "tree"))
    torrent = host.path("tree.torrent")
    meta = common.make_torrent(str(source), str(torrent), "v1", PIECE, trackers=[tracker.url])
    Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    return source, meta


def magnet(meta, **parameters):
    return f"magnet:?xt=urn:btih:{meta['v1']}" + "".join(f"&{name}={urllib.parse.quote(url, safe='')}" for name, url in parameters.items())


def get(host, url, timeout=60):
    """Through the gateway, as a program gets it."""
    host.run(["curl", "-sS", "--fail", "--max-time", str(timeout), "-o", host.path("page"), url], timeout=timeout + 10)
    return host.path("page").read_bytes()


def register_file(kind):
    @case("sources", f"BEP 19 BEP 52: a .torrent file ({kind}) opens and is fetched from nginx alone: no peer is needed for what the file says")
    def file(lab):
        host = lab.host("web")
        source = make_tree(host.path("www", "tree"))
        server = Nginx(host, source.parent)
        reader = local(roost.Node(lab.host("reader")))
        torrent = reader.host.path("tree.torrent")
        common.make_torrent(str(source), str(torrent), kind, PIECE, web_seeds=[server.url])
        opened = reader.value("open", "--print", str(torrent))
        if get(reader.host, opened["url"] + "index.html") != (source / "index.html").read_bytes():
            raise AssertionError("another page")
        fetched = reader.fetch(str(torrent), reader.host.path("got"))
        expect_same(source, reader.host.path("got"))
        if fetched["label"] != "tree":
            raise AssertionError(f"it is called {fetched['label']!r}")


for each in ("v1", "v2", "hybrid"):
    register_file(each)


@case("sources", "BEP 52: a hybrid is one torrent: fetched by its v1 link, by its v2 link and by its file, one after the other")
def hybrid(lab):
    host = lab.host("seeder")
    source = make_tree(host.path("data", "tree"))
    torrent = host.path("tree.torrent")
    meta = common.make_torrent(str(source), str(torrent), "hybrid", PIECE)
    seeder = Libtorrent(host, "seed", source.parent, torrent).wait_seeding()
    reader = roost.Node(lab.host("reader"))
    links = [f"magnet:?xt=urn:btih:{meta['v1']}", f"magnet:?xt=urn:btmh:1220{meta['v2']}"]
    for number, link in enumerate([*links, links[0], str(torrent)]):
        where = reader.host.path(f"got{number}")
        reader.fetch(link if link == str(torrent) else f"{link}&x.pe={seeder.address}", where)
        expect_same(source, where)


@case("sources", "BEP 27: a node refuses a private torrent's file, says what to use, and keeps nothing of it")
def private(lab):
    host = lab.host("reader")
    reader = local(roost.Node(host))
    source = make_tree(host.path("tree"))
    torrent = host.path("tree.torrent")
    common.make_torrent(str(source), str(torrent), "v1", PIECE)
    # The info dictionary ends the file, and this key follows `pieces` in it.
    torrent.write_bytes(torrent.read_bytes()[:-2] + b"7:privatei1eee")
    for command in ("fetch", "open", "why"):
        done = reader.command(command, str(torrent), check=False)
        if done.returncode != 77 or "roost torrent get" not in done.stderr:
            raise AssertionError(f"{command}: {done.returncode} {done.stderr}")
    if reader.value("status")["torrents"]:
        raise AssertionError("it is open")


@case("sources", "BEP 9 BEP 12: a page of a stranger's torrent opens through the gateway by the tracker that its magnet link names")
def magnet_with_tracker(lab):
    tracker = lab.tracker()
    source, meta = stock(lab, tracker)
    reader = local(roost.Node(lab.host("reader")))
    opened = reader.value("open", "--print", magnet(meta, tr=tracker.url))
    page = get(reader.host, opened["url"] + "index.html")
    if page != (source / "index.html").read_bytes():
        raise AssertionError("another page")
    wait_for(lambda: "started" in tracker.events(reader.host.address), 10, "the reader did not announce itself")
    # A stranger's word does not lead into the local network where the user has not said so.
    shy = roost.Node(lab.host("shy"))
    opened = shy.value("open", "--print", magnet(meta, tr=tracker.url))
    shy.host.run(["curl", "-s", "--max-time", "4", opened["url"]], check=False)
    if tracker.events(shy.host.address):
        raise AssertionError("a link led the node to a private address")


@case("sources", "BEP 19: a .torrent file's web seed serves a node whose only peer is slow")
def torrent_with_web_seed(lab):
    net = lab.internet()
    host = net.host("web")
    source = make_tree(host.path("www", "tree"))
    server = Nginx(host, source.parent)
    reader = local(roost.Node(net.host("reader")))
    torrent = reader.host.path("tree.torrent")
    common.make_torrent(str(source), str(torrent), "hybrid", PIECE, web_seeds=[server.url])
    # Somebody must give the description, but shall not be done with the files before the web server is asked.
    slow = net.host("slow", Path("400kbit", "5ms"), Path())
    seed = Libtorrent(slow, "seed", source.parent, torrent).wait_seeding()
    reader.value("fetch", str(torrent), "-o", str(reader.host.path("got")), "--peer", seed.address)
    expect_same(source, reader.host.path("got"))
    if sum(count for _, _, count in server.requests()) < 100_000:
        raise AssertionError(f"the web seed gave only {server.requests()}")


@case("sources", "a site's own tracker and web server: readers and stock clients find it without any DHT")
def site_with_tracker(lab):
    tracker = lab.tracker()
    web = lab.host("web")
    owner = roost.Node(lab.host("owner"))
    source = make_tree(owner.host.path("site"))
    shutil.copytree(source, web.path("www", "site"))
    server = Nginx(web, web.path("www"))
    owner.command("config", "set", "trackers", f"{tracker.url},{tracker.udp_url}")
    owner.command("config", "set", "web-seeds", server.url)
    report = owner.publish(source, "--new")
    wait_for(lambda: tracker.events(owner.host.address).count("started") >= 2, 20, f"the owner announced {tracker.events(owner.host.address)}")
    # A stranger who knows nothing but the v1 infohash and the tracker.
    stranger = lab.host("stranger")
    stranger_link = magnet({"v1": report["v1"]}, tr=tracker.url)
    Libtorrent(stranger, "leech", stranger.path("got"), magnet=stranger_link).wait_complete(40)
    expect_same(source, stranger.path("got", "site"), ignore=MARKER)
    # A reader learns both from the release itself.
    reader = local(roost.Node(lab.host("reader")))
    reader.value("fetch", report["site"], "-o", str(reader.host.path("got")), "--peer", f"{owner.host.address}:{PORT}")
    expect_same(source, reader.host.path("got"), ignore=MARKER)
    wait_for(lambda: "started" in tracker.events(reader.host.address), 20, "the reader did not announce itself")
    if not server.requests():
        raise AssertionError("the web server was not asked")
    owner.stop()
    wait_for(lambda: "stopped" in tracker.events(owner.host.address), 10, "the owner did not say goodbye")
