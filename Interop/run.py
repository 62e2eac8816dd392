#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the interop cases, each on hosts of its own in a private network.

    .venv/bin/python Interop/run.py [--list] [--only WORD]… [--jobs N]

Every case prints PASS or FAIL; the last line is 'N passed, N failed', and the exit code is 1 when one failed.
ROOST_BINARY names the program; ROOST_LAB_KEEP=1 keeps the scratch folders of the hosts."""
import argparse
import concurrent.futures
import importlib
import os
import pathlib
import sys
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lab  # noqa: E402
import registry  # noqa: E402
import roost  # noqa: E402

MODULES = ("lab_itself", "lab_paths", "torrents", "obfuscation", "utp", "local", "exchange", "portmap", "nat", "dht", "dht_extensions", "families", "zones", "trackers", "web_seeds", "resuming", "hostile_peers", "similar", "sites", "sources", "pushing", "owners", "scale", "disk", "surface", "browser")


def chosen(only, modules):
    for name in modules:
        importlib.import_module(f"cases.{name}")
    for group, title, body, optional, waits in registry.CASES:
        wanted = any(word.lower() in f"{group}: {title}".lower() for word in only)
        if wanted or (not only and not optional):
            yield f"{group}: {title}", body, waits


def run(title, body, verbose):
    """The reason of the failure, or None, and the seconds."""
    began = time.monotonic()
    try:
        with lab.Lab() as network:
            body(network)
        return None, time.monotonic() - began
    except Exception as error:  # noqa: BLE001  (a case may fail in any way)
        if verbose:
            traceback.print_exc()
        return f"{type(error).__name__}: {error}", time.monotonic() - began


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--list", action="store_true")
    options.add_argument("--only", action="append", default=[], metavar="WORD")
    options.add_argument("--jobs", type=int, default=max(1, min(3, (os.cpu_count() or 1))))
    options.add_argument("--verbose", action="store_true")
    options.add_argument(
        "--again", action="store_true",
        help="try a case that failed once more, alone: other people's timers miss their turn on a busy machine",
    )
    given = options.parse_args()
    selected = list(chosen(given.only, MODULES))
    if given.list:
        print("\n".join(title for title, _, _ in selected))
        return 0
    if not selected:
        print("no case has such a name", file=sys.stderr)
        return 64
    if not os.access(roost.BINARY, os.X_OK):
        print(f"{roost.BINARY} is not there: run `make build`, or name the program in ROOST_BINARY", file=sys.stderr)
        return 66
    lab.enter()
    failures, lock = [], threading.Lock()

    def perform(title, body):
        reason, seconds = run(title, body, given.verbose)
        with lock:
            print(f"{'FAIL' if reason else 'PASS'} {seconds:6.1f} s  {title}", flush=True)
            if reason:
                failures.append(title)
                print(f"      {reason}", flush=True)

    # One lane works, the other waits for other people's timers: together they take as long as the working one.
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as working, concurrent.futures.ThreadPoolExecutor(given.jobs) as waiting:
        jobs = [(waiting if waits else working).submit(perform, title, body) for title, body, waits in selected]
        try:
            for job in jobs:
                job.result()
        finally:
            # Nothing more begins after Ctrl-C or SIGTERM; what runs comes to its end.
            for job in jobs:
                job.cancel()
    if given.again and failures:
        bodies, second = {title: body for title, body, _ in selected}, failures
        failures = []
        print(f"{len(second)} failed among others and run again, alone:", flush=True)
        for title in second:
            perform(title, bodies[title])
    print(f"{len(selected) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
