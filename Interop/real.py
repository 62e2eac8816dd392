#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real input: Debian's python3.11-doc and libboost1.81-doc as sites, with the figures that the project promises.

    Interop/real.py [--package python3.11-doc]… [--releases 50]

The input is the package's tree as Debian installs it beneath usr/share: 1,076 and 8,047 regular files, and links, of which two
dangle. A link that stays inside is published as what it names, so boost's site, with one to its whole manual, has twice the
names and once the bytes. What is compared are the regular files.

For each: published by one node, fetched byte-identical by a second, and by a third after the publisher stopped; one file changes and
the second fetches only what changed; one page opens with at most 256 KiB beyond its own bytes; editing the folder during and after
publishing changes no release; many releases of one changed file each cost at most 1.1 times the site plus the changes.
Ends with 'N passed, N failed'. Downloads the packages once, with apt, into .build/real-input."""
import argparse
import base64
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lab  # noqa: E402
import roost  # noqa: E402
from clients import DHT  # noqa: E402
from content import digest  # noqa: E402

CACHE = lab.ROOT / ".build/real-input"
PACKAGES = ("python3.11-doc", "libboost1.81-doc")
PAGE_BUDGET = 256 * 1024


def unpacked(package):
    """The files of the package under usr/share, from Debian."""
    folder = CACHE / package
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        if not any(CACHE.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "update", "-qq"], check=True)
            subprocess.run(["apt-get", "download", "-qq", package], cwd=CACHE, check=True)
        archive = next(CACHE.glob(f"{package}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, f"{folder}.part"], check=True)
        os.rename(f"{folder}.part", folder)
    return folder / "usr/share"


def expect_site(source, copy):
    """Every regular file is there byte for byte; what is there beyond was a link that stays inside."""
    want, got = digest(source), digest(copy)
    wrong = [name for name, sha in want.items() if got.get(name) != sha and not name.startswith(".roost-site")]
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(want)} files are missing or differ, first {wrong[0]}")
    extra = [name for name in got if name not in want and not through_a_link(source / name, source)]
    if extra:
        raise AssertionError(f"{len(extra)} files came from nowhere, first {extra[0]}")


def through_a_link(path, root):
    return any(part.is_symlink() for part in (path, *path.parents) if part.is_relative_to(root))


class Run:
    def __init__(self, network, package):
        self.network, self.package, self.passed, self.failed = network, package, 0, 0
        self.changed = 0  # bytes of new files in all later releases
        self.dht = DHT(network, nodes=6)
        self.publisher = self.node("publisher")
        self.source = self.publisher.host.path(package)
        shutil.copytree(unpacked(package), self.source, symlinks=True)
        # What was published first, to compare with after the folder was edited.
        self.original = self.publisher.host.path("original")
        shutil.copytree(self.source, self.original, symlinks=True)

    def node(self, name):
        return roost.Node(self.network.host(name), self.dht).wait_dht(nodes=3)

    def step(self, what, body):
        began = time.monotonic()
        try:
            detail = body() or ""
            self.passed += 1
            print(f"PASS {time.monotonic() - began:6.1f} s  {self.package}: {what} {detail}", flush=True)
            return True
        except Exception as error:  # noqa: BLE001
            self.failed += 1
            print(f"FAIL {time.monotonic() - began:6.1f} s  {self.package}: {what}: {type(error).__name__}: {error}", flush=True)
            return False

    def publish(self):
        regular = [path for path in self.original.rglob("*") if path.is_file() and not path.is_symlink()]
        links = [path for path in self.original.rglob("*") if path.is_symlink()]
        count, size = len(regular), sum(path.stat().st_size for path in regular)
        self.report = self.publisher.publish(self.source, "--new", "--label", "1.0.0", timeout=600)
        self.address = roost.address_of(self.report)
        # One that dangles is met, and named, once for each way that leads to it.
        skipped = {pathlib.Path(each["path"]).name for each in self.report["skipped"]}
        left_out = {path.name for path in links if not path.exists() or not path.resolve().is_relative_to(self.original.resolve())}
        if skipped != left_out:
            raise AssertionError(f"{skipped} were left out and not {left_out}")
        return (f"in {self.report['seconds']:.1f} s ({count} regular files, {size} bytes, {len(links)} links; "
                f"{self.report['files']} names published, {len(skipped)} dangling links left out)")

    def fetch_second(self):
        self.second = self.node("second")
        fetched = self.second.fetch(f"{self.address}@1.0.0", self.second.host.path("first"), timeout=900)
        expect_site(self.original, self.second.host.path("first"))
        return f"({fetched['received']} bytes received in {fetched['seconds']:.1f} s)"

    def one_page(self):
        """The last page by name, of the middle size, through a node that has nothing yet."""
        reader = self.node("pages")
        pages = sorted(self.original.rglob("*.html"), key=lambda path: path.stat().st_size)
        pages = [page for page in pages if not through_a_link(page, self.original)]
        page = pages[len(pages) // 2]
        label = base64.b32encode(bytes.fromhex(roost.site_id(self.report))).decode().rstrip("=").lower()
        url = f"http://{label}.localhost:8420/{page.relative_to(self.original)}"
        before = self.received(reader)
        done = reader.host.run(["curl", "-s", "-f", "--max-time", "60", "--resolve", "*:8420:127.0.0.1", "-o", reader.host.path("page"), "-w", "%{time_total}", url])
        if reader.host.path("page").read_bytes() != page.read_bytes():
            raise AssertionError("the page differs")
        time.sleep(3)  # what would be fetched ahead counts as well
        beyond = self.received(reader) - before - page.stat().st_size
        if beyond > PAGE_BUDGET:
            raise AssertionError(f"{beyond} bytes were received beyond the page's {page.stat().st_size}")
        return f"({page.stat().st_size} bytes, {beyond} beyond, {float(done.stdout):.2f} s)"

    @staticmethod
    def received(node):
        """Bytes that the host's interface took in, whatever they were for: headers and the DHT count too."""
        lines = node.host.run(["cat", "/proc/net/dev"]).stdout.splitlines()
        return next(int(line.split(":")[1].split()[0]) for line in lines if line.strip().startswith("p"))

    def update(self):
        page = next(path for path in sorted(self.source.rglob("*.html")) if not path.is_symlink())
        page.write_text("<h1>changed</h1>" + "x" * 5000)
        self.changed += page.stat().st_size
        self.report = self.publisher.publish(self.source, "--site", self.address, "--label", "1.0.1", timeout=600)
        before = self.received(self.second)
        fetched = self.second.fetch(f"{self.address}@1.0.1", self.second.host.path("second"), timeout=600)
        all_bytes = self.received(self.second) - before
        expect_site(self.source, self.second.host.path("second"))
        if fetched["received"] > PAGE_BUDGET:
            raise AssertionError(f"{fetched['received']} bytes were received for a change of 5,016")
        return f"({fetched['received']} bytes received, {all_bytes} on the wire in all, {fetched['seconds']:.1f} s)"

    def edited_while_published(self):
        """A folder that changes under the publisher: the release is one of its states, and every fetch gives the same."""
        victim = max((path for path in self.source.rglob("*") if path.is_file() and not path.is_symlink()), key=lambda path: path.stat().st_size)
        original, stop = victim.read_bytes(), threading.Event()
        self.changed += len(original)

        def edit():
            number = 0
            while not stop.is_set():
                number += 1
                victim.write_bytes(original[: len(original) - number % 1000] + b"%d" % number)
        editor = threading.Thread(target=edit)
        editor.start()
        try:
            report = self.publisher.publish(self.source, "--site", self.address, "--label", "1.0.2", timeout=600)
        finally:
            stop.set()
            editor.join()
        victim.write_bytes(b"edited after publishing")
        copies = []
        for node in (self.second, self.publisher):
            copy = node.host.path("edited")
            node.fetch(f"{self.address}@{report['seq']}", copy, timeout=600)
            copies.append(digest(copy))
        if copies[0] != copies[1]:
            raise AssertionError("two fetches of one release differ")
        first = self.second.host.path("first-again")
        self.second.fetch(f"{self.address}@1.0.0", first, timeout=600)
        expect_site(self.original, first)

    def many_releases(self, releases):
        home = pathlib.Path(self.publisher.home)
        # Both in allocated blocks: thousands of small files take more of any disk than their bytes.
        size, before = used(self.original), used(home)
        page = next(path for path in sorted(self.source.rglob("*.html")) if not path.is_symlink())
        for number in range(releases):
            body = os.urandom(20_000)
            page.write_bytes(body)
            self.changed += len(body)
            self.publisher.publish(self.source, "--site", self.address, "--label", f"1.1.{number}", timeout=600)
        after = used(home)
        detail = f"({after} bytes on disk, {before} before; site {size}, changes {self.changed})"
        if after > 1.1 * size + self.changed:
            raise AssertionError(detail)
        return detail

    def third_alone(self):
        self.publisher.stop()
        third = self.node("third")
        fetched = third.fetch(f"{self.address}@1.0.0", third.host.path("got"), timeout=900)
        expect_site(self.original, third.host.path("got"))
        return f"({fetched['seconds']:.1f} s)"

    def all(self, releases):
        if not self.step("is published", self.publish):
            return
        if not self.step("a second node has it byte for byte", self.fetch_second):
            return
        self.step("one page costs one page", self.one_page)
        self.step("an update moves what changed", self.update)
        self.step("editing the folder changes no release", self.edited_while_published)
        self.step(f"{releases} releases cost their changes", lambda: self.many_releases(releases))
        self.step("a third node has it after the publisher stopped", self.third_alone)


def used(folder):
    """Bytes allocated on disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--package", action="append", default=[])
    options.add_argument("--releases", type=int, default=50)
    given = options.parse_args()
    packages = given.package or PACKAGES
    for package in packages:
        unpacked(package)  # the lab has no way out
    lab.enter()
    passed = failed = 0
    for package in packages:
        with lab.Lab() as network:
            run = Run(network, package)
            run.all(given.releases)
            passed, failed = passed + run.passed, failed + run.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
