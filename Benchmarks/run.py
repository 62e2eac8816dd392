#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks that the documents quote: Roost beside libtorrent in one run, as ratios, and first bytes at the gateway.

    Benchmarks/run.py [--quick]        ROOST=path of a release build (default .build/release/roost)

Nothing is asserted: machines differ, and only rows of one run can be compared. Each row is printed as one JSON line; at the
end stand the medians, as ratios of Roost to libtorrent."""
import argparse
import json
import os
import pathlib
import subprocess
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOST = pathlib.Path(os.environ.get("ROOST", HERE.parent / ".build/release/roost"))
ROWS = pathlib.Path(tempfile.mkdtemp(prefix="roost-bench-")) / "rows.jsonl"
# Offers no encryption first, which Roost does not speak: otherwise it comes back in the clear a second later.
PLAIN = {"name": "libtorrent-plain", "base": "libtorrent", "settings": {"out_enc_policy": 2, "in_enc_policy": 2}}


def bench(script, *arguments):
    print(f"\n### {script} {' '.join(arguments)}", flush=True)
    clients = ROWS.with_name("plain.json")
    clients.write_text(json.dumps(PLAIN))
    # The adapters name the program `roost`; it is found on PATH.
    environment = {**os.environ, "PATH": f"{ROOST.parent}:{os.environ['PATH']}", "BT_PYTHON": sys.executable}
    return subprocess.run([sys.executable, HERE / script, "--clients", HERE / "roost.json", "--clients", clients, "--out", ROWS, *arguments], env=environment, check=False).returncode


def median(key, **wanted):
    """The median of one figure over the rows that have these values, or None."""
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()]
    figures = [row[key] for row in rows if key in row and all(row.get(name) == value for name, value in wanted.items())]
    return statistics.median(figures) if figures else None


def compare(title, unit, ours, theirs):
    if ours and theirs:
        print(f"{title:<44} {ours:>10.1f} {theirs:>11.1f} {unit:<5} {ours / theirs:>6.2f}", flush=True)


def summary():
    print(f"\n### medians\n{'':<44} {'roost':>10} {'libtorrent':>11} {'':<5} {'ratio':>6}", flush=True)
    for kind in ("v1", "v2"):
        for files in sorted({json.loads(line).get("files", 0) for line in ROWS.read_text().splitlines() if '"transfer"' in line}):
            name = f"{kind}, {'one file' if files == 1 else f'{files} files'}"
            rows = {"bench": "transfer", "kind": kind, "files": files}
            both = {**rows, "seeder": "libtorrent-plain"}
            compare(f"fetching, {name}", "MB/s", median("MBps", leecher="roost", **both), median("MBps", leecher="libtorrent-plain", **both))
            serve = {**rows, "leecher": "libtorrent-plain"}
            compare(f"serving, {name}", "MB/s", median("MBps", seeder="roost", **serve), median("MBps", seeder="libtorrent-plain", **serve))
            compare(f"both sides alike, {name}", "MB/s", median("MBps", seeder="roost", leecher="roost", **rows), median("MBps", leecher="libtorrent-plain", **both))
            compare(f"fetching, peak memory, {name}", "MiB", median("leecher_rss_MiB", leecher="roost", seeder="roost", **rows), median("leecher_rss_MiB", leecher="libtorrent-plain", **both))
    for bench in ("create", "check"):
        for kind in ("v1", "v2"):
            compare(f"{bench}, {kind}", "MB/s", median("MBps", bench=bench, kind=kind, client="roost"), median("MBps", bench=bench, kind=kind, client="libtorrent"))
    for algorithm in ("sha1", "sha256"):
        print(f"openssl speed, one core, {algorithm}: {median('MBps_one_core', bench='openssl', alg=algorithm)} MB/s", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="small sizes, one run each")
    given = options.parse_args()
    if not os.access(ROOST, os.X_OK):
        sys.exit(f"{ROOST} is not there: swift build -c release --product roost")
    size, runs = ("64M", "1") if given.quick else ("1G", "3")
    pairs = [word for pair in ("libtorrent-plain:libtorrent-plain", "libtorrent-plain:roost", "roost:libtorrent-plain", "roost:roost") for word in ("--pair", pair)]
    failed = 0
    for kind in ("v1", "v2"):
        failed += bench("bt_transfer.py", "--size", size, "--runs", runs, "--kind", kind, *pairs) != 0
    failed += bench("bt_transfer.py", "--files", "1000" if given.quick else "10000", "--runs", runs, "--file-size", "4k", "--piece", "64k", *pairs) != 0
    failed += bench("bt_check.py", "--size", size, "--runs", runs, "--client", "libtorrent", "--client", "roost") != 0
    failed += bench("bt_magnet.py", "--runs", "3" if given.quick else "10", "--pair", "libtorrent:libtorrent", "--pair", "libtorrent:roost", "--pair", "roost:libtorrent") != 0
    failed += bench("bt_probe.py", "--seeder", "libtorrent", "--seeder", "roost") != 0
    summary()
    print("\n### gateway", flush=True)
    failed += subprocess.run([sys.executable, HERE / "gateway.py"], env={**os.environ, "ROOST_BINARY": str(ROOST)}, check=False).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
