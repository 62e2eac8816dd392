# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up while a node publishes and fetches."""
import json
import shutil
import subprocess

import roost
from clients import DHT
from content import expect_same, make_tree
from registry import case

MARKER = (".roost-site",)


class SmallDisk:
    """A host's folder on a file system of its own of `mebibytes`, for a home."""

    def __init__(self, host, mebibytes):
        self.path = host.path("small")
        self.path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", self.path], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=False)


def refused(done):
    """The command has failed for want of space, and says so."""
    if done.returncode != 74:
        raise AssertionError(f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")
    error = json.loads(done.stderr.strip().splitlines()[-1])["error"]
    if "space" not in error["message"] or "Free space" not in error["remedy"]:
        raise AssertionError(f"no clear message: {error}")


@case("disk", "a site is fetched into an empty folder where a disk is mounted")
def mounted(lab):
    dht = DHT(lab, nodes=4)
    node = roost.Node(lab.host("one"), dht).wait_dht(nodes=2)
    source = make_tree(node.host.path("site"))
    report = node.publish(source, "--new")
    with SmallDisk(node.host, 20) as disk:
        node.fetch(roost.address_of(report), disk.path)
        expect_same(source, disk.path, ignore=MARKER)
        if left := [path.name for path in disk.path.iterdir() if path.name.startswith(".roost")]:
            raise AssertionError(f"{left} are left")


@case("disk", "a full disk: publish and fetch say so with code 74, leave nothing half, and go on in the room there is")
def full(lab):
    dht = DHT(lab, nodes=4)
    host = lab.host("small")
    with SmallDisk(host, 20):
        node = roost.Node(host, dht, home="small/home").wait_dht(nodes=2)
        other = roost.Node(lab.host("other"), dht).wait_dht(nodes=2)
        large = make_tree(host.path("large"))
        (large / "large.bin").write_bytes(b"x" * 1_000_000 + bytes(range(256)) * 160_000)
        small = make_tree(host.path("little"), seed=2)
        # What was there before must still be there afterwards.
        kept = node.publish(small, "--new")
        refused(node.command("publish", str(large), "--new", "--json", check=False))
        if len(node.value("site", "list")) != 1:
            raise AssertionError("a site that was not published is listed")
        keys = list((host.path("small/home/keys")).glob("site-*"))
        if len(keys) != 1:
            raise AssertionError(f"{len(keys)} site keys are left")
        foreign = other.publish(large, "--new")
        out = host.path("out")
        refused(node.command("fetch", roost.address_of(foreign), "-o", str(out), "--json", check=False, timeout=180))
        if out.exists():
            raise AssertionError("half a site was written")
        # The home works on, in the room that is left, and after a restart.
        (small / "more.txt").write_text("more\n")
        again = node.publish(small)
        node.stop()
        node.start()
        copy = other.host.path("copy")
        got = other.fetch(roost.address_of(kept), copy)
        if got["seq"] != again["seq"]:
            raise AssertionError(f"release {got['seq']} came, {again['seq']} was published")
        expect_same(small, copy, ignore=MARKER)


@case("disk", "a site of one's own that lost files and its folder: doctor says so, and the node lives on (decision 0029)", waits=True)
def lost(lab):
    """A release build's node ended here: a torrent that could not be saved took `SwarmService` off its executor."""
    host = lab.host("alone")
    node = roost.Node(host, network="none")
    source = make_tree(host.path("site"))
    node.publish(source, "--new")
    (source / "one").write_text("2")
    node.publish(source)
    process = node.process
    shutil.rmtree(source)
    content = host.path("home/content")
    for path in content.rglob("*"):
        if path.is_file() and path.name != "1.pack":
            path.unlink()
    packed = content / "packs/1.pack"
    packed.write_bytes(b"".join(bytes([byte ^ 1]) for byte in packed.read_bytes()[:4096]) + packed.read_bytes()[4096:])
    found = node.command("doctor", "--json", check=False, timeout=180)
    if found.returncode != 65:
        raise AssertionError(f"doctor ended with {found.returncode}: {(found.stderr or found.stdout)[-300:]}")
    if process.exited is not None:
        raise AssertionError("the node ended")
    node.publish(make_tree(host.path("other"), seed=2), "--new")
