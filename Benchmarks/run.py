#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks that the documents quote: Roost beside libtorrent in one run, as ratios, and first bytes at the gateway.

    Benchmarks/run.py [--quick]        ROOST=path of a release build (default .build/release/roost)

Nothing is asserted: machines differ, and only rows of one run can be compared. Each row is printed as one JSON line."""
import argparse
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOST = pathlib.Path(os.environ.get("ROOST", HERE.parent / ".build/release/roost"))


def bench(script, *arguments):
    print(f"\n### {script} {' '.join(arguments)}", flush=True)
    # The adapters name the program `roost`; it is found on PATH.
    environment = {**os.environ, "PATH": f"{ROOST.parent}:{os.environ['PATH']}", "BT_PYTHON": sys.executable}
    return subprocess.run([sys.executable, HERE / script, "--clients", HERE / "roost.json", *arguments], env=environment, check=False).returncode


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="small sizes, one run each")
    given = options.parse_args()
    if not os.access(ROOST, os.X_OK):
        sys.exit(f"{ROOST} is not there: swift build -c release --product roost")
    size, runs = ("64M", "1") if given.quick else ("1G", "3")
    pairs = [word for pair in ("libtorrent:libtorrent", "libtorrent:roost", "roost:libtorrent", "roost:roost") for word in ("--pair", pair)]
    failed = 0
    for kind in ("v1", "v2"):
        failed += bench("bt_transfer.py", "--size", size, "--runs", runs, "--kind", kind, *pairs) != 0
    failed += bench("bt_transfer.py", "--files", "1000" if given.quick else "10000", "--file-size", "4k", "--piece", "64k", *pairs) != 0
    failed += bench("bt_check.py", "--size", size, "--client", "libtorrent", "--client", "roost") != 0
    failed += bench("bt_magnet.py", "--runs", "3" if given.quick else "10", "--pair", "libtorrent:libtorrent", "--pair", "libtorrent:roost", "--pair", "roost:libtorrent") != 0
    failed += bench("bt_probe.py", "--seeder", "libtorrent", "--seeder", "roost") != 0
    print("\n### gateway", flush=True)
    failed += subprocess.run([sys.executable, HERE / "gateway.py"], env={**os.environ, "ROOST_BINARY": str(ROOST)}, check=False).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
