# SPDX-License-Identifier: Apache-2.0
"""What owners do with their sites, and what readers then see: thefts and recoveries, rotations, withdrawals, links."""
import base64
import json
import pathlib
import shutil
import time

import roost
import stock_item
import thief
from clients import PORT, DHT, Libtorrent
from content import expect_same, make_tree
from lab import common
from registry import case

CONTENT = 8420
MARKER = (".roost-site",)
# How long a reader may take to see what its owner says; most see it at the next page.
SECONDS = 15


class Answer:
    """What a gateway answered: status, headers with lower-case names, body."""

    def __init__(self, node, url):
        host = node.host
        body = host.path("answer.body")
        done = host.run(["curl", "-s", "-D", "-", "-o", body, "--max-time", "90", "-w", "%{time_starttransfer}", url], timeout=100)
        head, _, seconds = done.stdout.replace("\r\n", "\n").rpartition("\n\n")
        lines = head.split("\n")
        self.status, self.seconds = int(lines[0].split()[1]), float(seconds)
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.body = body.read_bytes() if body.exists() else b""

    @property
    def release(self):
        """(number, label) of what was shown."""
        number, _, label = self.headers.get("x-roost-release", "").partition(" ")
        return number, label


def origin(report, release=None):
    name = base64.b32encode(bytes.fromhex(roost.site_id(report))).decode().rstrip("=").lower()
    return f"http://{f'v{release}-' if release else ''}{name}.localhost:{CONTENT}"


def opened(node, address):
    """The page at an address as its reader gets it: `roost open`, then the browser."""
    return Answer(node, node.value("open", address, "--print")["url"])


def folder(host, name, text):
    """A site of one page, with something beside it."""
    host.path(name, "index.html").write_text(f"<p>{text}</p>")
    host.path(name, "notes", "page.html").write_text(f"<p>a page of {text}</p>")
    return host.path(name)


def joined(lab, name, dht, **options):
    return roost.Node(lab.host(name), dht, **options).wait_dht()


def published(lab, dht, text="the owner's first words"):
    owner = joined(lab, "owner", dht)
    return owner, owner.publish(folder(owner.host, "site", text), "--new", "--label", "1.0.0")


def expect(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r} and not {wanted!r}")


def expect_soon(node, report, label, seconds=SECONDS):
    """Until the reader's gateway shows the release with this label; the seconds it took."""
    began = time.monotonic()
    while True:
        answer = opened(node, roost.address_of(report))
        taken = time.monotonic() - began
        if (answer.status, answer.release[1]) == (200, label):
            return taken
        if taken > seconds:
            raise AssertionError(f"{node.host.name} still shows {answer.status} {answer.release} after {taken:.0f} s and not {label}")
        time.sleep(0.3)


def labels(node, report, valid=True):
    return [release["label"] for release in node.value("site", "releases", report["site"]) if release["valid"] == valid]


def warnings(node, report):
    return node.value("site", "show", report["site"])["warnings"]


def expect_both_histories(node, report, good, bad):
    expect(labels(node, report), good, f"the valid releases at {node.host.name}")
    if bad not in labels(node, report, valid=False):
        raise AssertionError(f"{node.host.name} does not show the release {bad} as disowned: {node.value('site', 'releases', report['site'])}")
    if not any(bad in warning for warning in warnings(node, report)):
        raise AssertionError(f"{node.host.name} warns of nothing: {warnings(node, report)}")


# -------------------------------------------------------------------- thefts

def rob(lab, dht, owner, report):
    """A node of somebody who copied the owner's home while it lay still, and the kit, which the owner had moved away."""
    kit = owner.host.path("kit.txt")
    shutil.move(f"{owner.home}/recovery/{roost.site_id(report)}.kit", kit)
    owner.stop()
    host = lab.host("thief")
    shutil.copytree(owner.home, host.path("home"))
    return host, kit


def everywhere(dht, *nodes):
    return [(address, PORT) for address in dht.host.addresses] + [(node.host.address, PORT) for node in nodes]


def poison(dht, home, report, bad, *nodes):
    """Puts the pointer to the bad release under the site key with the highest number there is."""
    seed = thief.site_key(home, roost.site_id(report))
    value = {"ih": bytes.fromhex(bad["v1"]), "ih2": bytes.fromhex(bad["v2"])}
    key, taken = stock_item.put(everywhere(dht, *nodes), seed, value, sequence=2 ** 63 - 1)
    expect(key, report["key"], "the key that was stolen")
    if taken == 0:
        raise AssertionError("no node took the thief's pointer")


@case("owners", "a stolen key signs a bad release and a pointer of number 2^63-1: the owner's recovery brings every reader back")
def stolen_key(lab):
    dht = DHT(lab)
    owner, good = published(lab, dht)
    fooled, asleep = joined(lab, "fooled", dht), joined(lab, "asleep", dht)
    for reader in (fooled, asleep):
        expect_soon(reader, good, "1.0.0")
    asleep.stop()
    host, kit = rob(lab, dht, owner, good)
    robber = roost.Node(host, dht).wait_dht()
    bad = robber.publish(folder(host, "bad", "the thief's words"), "--site", good["site"], "--label", "6.6.6")
    poison(dht, robber.home, good, bad, fooled)
    expect_soon(fooled, good, "6.6.6")
    late = joined(lab, "late", dht)
    expect_soon(late, good, "6.6.6")
    owner.start()
    owner.wait_dht()
    owner.command("site", "recover", good["site"], "--kit", kit)
    seconds = {reader.host.name: expect_soon(reader, good, "1.0.0") for reader in (owner, fooled, late)}
    asleep.start()
    asleep.wait_dht()
    newcomer = joined(lab, "newcomer", dht)
    seconds |= {reader.host.name: expect_soon(reader, good, "1.0.0") for reader in (asleep, newcomer)}
    for reader in (owner, fooled, late):
        expect_both_histories(reader, good, ["1.0.0"], "6.6.6")
    owner.publish(folder(owner.host, "site", "the owner's later words"), "--site", good["site"], "--label", "1.1.0")
    for reader in (fooled, late, asleep, newcomer):
        expect_soon(reader, good, "1.1.0")
    print("      back after " + ", ".join(f"{name} {taken:.1f} s" for name, taken in seconds.items()), flush=True)


@case("owners", "a reader who knows the site key alone, from a stock link, is not led to the thief's tree for ever")
def stolen_link(lab):
    dht = DHT(lab)
    owner, good = published(lab, dht)
    host, kit = rob(lab, dht, owner, good)
    robber = roost.Node(host, dht).wait_dht()
    bad = robber.publish(folder(host, "bad", "the thief's words"), "--site", good["site"], "--label", "6.6.6")
    poison(dht, robber.home, good, bad)
    robber.stop()
    owner.start()
    owner.wait_dht()
    owner.command("site", "recover", good["site"], "--kit", kit)
    reader = joined(lab, "reader", dht)
    answer = opened(reader, good["magnet"])
    expect((answer.status, answer.release[1]), (200, "1.0.0"), "what the link opens")


@case("owners", "two histories by one key: readers of either are warned and frozen, and come back with the recovery")
def two_histories(lab):
    dht = DHT(lab)
    owner, good = published(lab, dht)
    fooled, loyal = joined(lab, "fooled", dht), joined(lab, "loyal", dht)
    for reader in (fooled, loyal):
        expect_soon(reader, good, "1.0.0")
    loyal.stop()
    host, kit = rob(lab, dht, owner, good)
    robber = roost.Node(host, dht).wait_dht()
    robber.publish(folder(host, "bad", "the thief's words"), "--site", good["site"], "--label", "6.6.6")
    expect_soon(fooled, good, "6.6.6")
    robber.stop()
    fooled.stop()
    # The owner, who has not heard of it, goes on as before.
    bootstrap, owner.bootstrap = owner.bootstrap, []
    owner.start()
    owner.publish(folder(owner.host, "site", "the owner's later words"), "--site", good["site"], "--label", "1.1.0")
    owner.stop()
    owner.bootstrap = bootstrap
    owner.start()
    loyal.start()
    for node in (owner, loyal):
        node.wait_dht()
    expect_soon(loyal, good, "1.1.0")
    for node in (fooled, robber):
        node.start()
        node.wait_dht()
    for reader, shown in ((fooled, "6.6.6"), (loyal, "1.1.0")):
        wait(lambda: any("two histories" in warning for warning in warnings_of_page(reader, good)), 30, f"{reader.host.name}'s warning")
        expect_soon(reader, good, shown)
    refused = owner.command("publish", str(folder(owner.host, "site", "more")), "--site", good["site"], "--label", "1.1.1", check=False)
    if refused.returncode == 0 or "recover" not in refused.stderr:
        raise AssertionError(f"publishing to a site with two histories ended with {refused.returncode}: {refused.stderr}")
    owner.command("site", "recover", good["site"], "--kit", kit)
    seconds = {reader.host.name: expect_soon(reader, good, "1.1.0") for reader in (owner, loyal, fooled)}
    for reader in (loyal, fooled):
        expect_both_histories(reader, good, ["1.0.0", "1.1.0"], "6.6.6")
        if any("two histories" in warning for warning in warnings(reader, good)):
            raise AssertionError(f"{reader.host.name} still says that nothing new is shown")
    print("      back after " + ", ".join(f"{name} {taken:.1f} s" for name, taken in seconds.items()), flush=True)


def warnings_of_page(node, report):
    """After a page load, which looks for newer beside it."""
    opened(node, roost.address_of(report))
    return warnings(node, report)


def wait(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {seconds} s")
        time.sleep(0.5)


# -------------------------------------------------------------------- the owner's other words

@case("owners", "after a rotation the site is written by its next key, found by its old links, and its readers follow")
def rotated(lab):
    dht = DHT(lab)
    owner, first = published(lab, dht)
    reader = joined(lab, "reader", dht)
    expect_soon(reader, first, "1.0.0")
    owner.command("site", "rotate", first["site"])
    second = owner.publish(folder(owner.host, "site", "words by the next key"), "--site", first["site"], "--label", "1.1.0")
    expect((second["site"], second["key"]), (first["site"], first["key"]), "site and key after the rotation")
    expect_soon(reader, first, "1.1.0")
    expect(labels(reader, first), ["1.0.0", "1.1.0"], "the history")
    expect(warnings(reader, first), [], "warnings of a rotation")
    owner.command("site", "rotate", first["site"])
    owner.publish(folder(owner.host, "site", "words by the third key"), "--site", first["site"], "--label", "1.2.0")
    expect_soon(reader, first, "1.2.0")
    stranger = joined(lab, "stranger", dht)
    answer = opened(stranger, first["magnet"])
    expect((answer.status, answer.release[1]), (200, "1.2.0"), "what the first link opens")


@case("owners", "a withdrawn release: its pages say 410, the one before it is shown, and without any left the site says 410")
def withdrawn(lab):
    dht = DHT(lab)
    owner, first = published(lab, dht)
    second = owner.publish(folder(owner.host, "site", "words to be taken back"), "--site", first["site"], "--label", "1.0.1")
    reader = joined(lab, "reader", dht)
    expect_soon(reader, first, "1.0.1")
    owner.command("site", "withdraw", first["site"])
    expect_soon(reader, first, "1.0.0")
    expect(Answer(reader, origin(first, second["seq"]) + "/").status, 410, "the page of the withdrawn release")
    expect([release["withdrawn"] for release in reader.value("site", "releases", first["site"])], [False, True], "what the history says")
    owner.command("site", "withdraw", first["site"], "--seq", first["seq"])
    wait(lambda: opened(reader, first["site"]).status == 410, SECONDS, "410")
    expect(reader.command("fetch", first["site"], "-o", reader.host.path("got"), check=False).returncode, 69, "the exit code of a fetch")
    stranger = joined(lab, "stranger", dht)
    # While nobody has been met yet, the page is 503: who is new waits, and never sees what was withdrawn.
    statuses = []
    wait(lambda: statuses.append(opened(stranger, first["site"]).status) or statuses[-1] == 410, SECONDS, "410 for somebody new")
    expect(set(statuses) <= {503, 410}, True, f"what somebody new was shown: {statuses}")


# -------------------------------------------------------------------- links

@case("owners", "every kind of address opens the right release and page, and can be fetched")
def addresses(lab):
    dht = DHT(lab)
    owner, first = published(lab, dht)
    copy = owner.host.path("copy")
    shutil.copytree(owner.host.path("site"), copy, ignore=shutil.ignore_patterns(*MARKER))
    second = owner.publish(folder(owner.host, "site", "the second release"), "--site", first["site"], "--label", "1.1.0")
    reader = joined(lab, "reader", dht)
    site = roost.address_of(first)
    gateway = opened(reader, site)
    expect(gateway.release, (str(second["seq"]), "1.1.0"), site)
    print(f"      first byte of a site never heard of: {gateway.seconds:.2f} s", flush=True)
    expectations = {
        f"{site}/notes/page.html": ("1.1.0", b"a page of the second release"),
        f"{site}@1.0.0": ("1.0.0", b"the owner's first words"),
        f"{site}@1.0.0/notes/page.html": ("1.0.0", b"a page of the owner's first words"),
        f"{site}@{first['seq']}/": ("1.0.0", b"the owner's first words"),
        f"{origin(first)}/notes/page.html": ("1.1.0", b"a page of the second release"),
        f"{origin(first, first['seq'])}/": ("1.0.0", b"the owner's first words"),
        first["magnet"]: ("1.1.0", b"the second release"),
        f"magnet:?xs=urn:btpk:{first['key']}": ("1.1.0", b"the second release"),
        roost.site_id(first): ("1.1.0", b"the second release"),
    }
    for address, (label, text) in expectations.items():
        answer = opened(reader, address)
        expect((answer.status, answer.release[1]), (200, label), address)
        if text not in answer.body:
            raise AssertionError(f"{address} shows {answer.body!r}")
    for number, address in enumerate((f"{site}@1.0.0", f"{site}@{first['seq']}", f"{origin(first, first['seq'])}/")):
        fetched = reader.fetch(address, reader.host.path(f"first{number}"))
        expect(fetched["label"], "1.0.0", address)
        expect_same(copy, reader.host.path(f"first{number}"))
    for number, address in enumerate((f"magnet:?xs=urn:btpk:{first['key']}", origin(first) + "/", site)):
        expect(reader.fetch(address, reader.host.path(f"second{number}"))["label"], "1.1.0", address)
        expect_same(owner.host.path("site"), reader.host.path(f"second{number}"), ignore=MARKER)
    for address in (f"{site}@9.9.9", f"{site}@77"):
        expect(reader.command("fetch", address, "-o", reader.host.path("none"), check=False).returncode, 69, address)


def register_for(words, salt, key_seed):
    @case("owners", f"a stock item that names a tree by its v1 hash alone{words} opens in the gateway and can be fetched (BEP 46)")
    def stock_item_opens(lab):
        dht = DHT(lab)
        host = lab.host("stranger")
        source = make_tree(host.path("data", "tree"))
        meta = common.make_torrent(str(source), str(host.path("t.torrent")), "v1", 65536)
        Libtorrent(host, "seed", source.parent, host.path("t.torrent"), dht=dht).wait_seeding()
        key, taken = stock_item.put(everywhere(dht), key_seed, {"ih": bytes.fromhex(meta["v1"])}, salt=salt)
        if taken == 0:
            raise AssertionError("no libtorrent node took the item")
        link = f"magnet:?xs=urn:btpk:{key}" + (f"&s={salt.hex()}" if salt else "")
        reader = joined(lab, "reader", dht)
        answer = opened(reader, link)
        expect((answer.status, answer.body), (200, (source / "index.html").read_bytes()), "the page")
        reader.fetch(link, reader.host.path("got"), timeout=180)
        expect_same(source, reader.host.path("got"))


register_for("", b"", bytes(31) + b"\1")
register_for(", under a salt,", b"a second site of one key", bytes(31) + b"\2")


# -------------------------------------------------------------------- why

def why(node, address):
    """The exit code, the names of the stages, and the one that failed."""
    done = node.command("why", address, "--json", check=False)
    report = json.loads(done.stdout)
    failed = [stage for stage in report["stages"] if not stage["ok"]]
    expect(report["ok"], not failed, f"what why says of {address}")
    return done.returncode, [stage["stage"] for stage in report["stages"]], failed[0] if failed else None


@case("owners", "why follows an address through all its stages, and names what fails with a remedy", waits=True)
def explained(lab):
    dht = DHT(lab)
    owner, good = published(lab, dht)
    reader = joined(lab, "reader", dht)
    site = roost.address_of(good)
    stages = ["name", "key", "release", "peers", "blocks", "page"]
    expect(why(reader, site), (0, stages, None), "all is well")

    def failure(node, address, stage, code, *words):
        returned, _, failed = why(node, address)
        expect((failed and failed["stage"], returned), (stage, code), f"what fails of {address}: {failed}")
        text = f"{failed['detail']} {failed.get('remedy')}"
        for word in words:
            if word not in text:
                raise AssertionError(f"'{word}' is not in what is said of {address}: {text}")

    failure(reader, "betanet://nothing", "name", 65, "betanet://<64 hex digits>")
    failure(reader, f"betanet://{'5' * 64}", "key", 69, "--peer")
    failure(reader, f"{site}@9.9.9", "release", 69, "site releases")
    failure(reader, f"{site}/nowhere.html", "blocks", 69, "path")
    reader.command("deny", "add", f"site:{roost.site_id(good)}")
    failure(reader, site, "key", 77, "deny")
    late = joined(lab, "late", dht)
    expect(opened(late, site).status, 200, "the first page")
    owner.stop()
    reader.stop()
    failure(late, f"{site}/notes/page.html", "blocks", 69, "--peer")
    expect(why(late, site), (0, stages, None), "what is on the disk is shown without peers")
    owner.start()
    owner.wait_dht()
    late.stop()
    # Nothing is left to mend it from: the reader is off, and the folder that it was published from is elsewhere.
    owner.host.path("site").rename(owner.host.path("moved"))
    for path in pathlib.Path(owner.home, "content").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(bytes(255 - byte for byte in path.read_bytes()))
    failure(owner, site, "page", 69, "damaged", "doctor")
    late.start()
    late.wait_dht()
    wait(lambda: why(owner, site)[0] == 0, 60, "the damaged page from its reader")
    owner.command("site", "withdraw", good["site"])
    wait(lambda: opened(late, site).status == 410, 60, "410")
    failure(late, site, "release", 69, "withdrawn")
