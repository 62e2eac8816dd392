#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The acceptance table of the swarm engine: Roost beside libtorrent in one run, as ratios, with the limits of the same run.

    Benchmarks/run.py [--runs 5] [--only GROUP]... [--out FILE]      ROOST=path of a release build (default .build/release/roost)
    Benchmarks/run.py --table FILE                                   the table again, of rows measured before

Nothing is asserted: machines differ, and only rows of one run can be compared. Each row is printed as one JSON line, and kept
in the file with the name of its group; at the end stands the table, of medians. `lines.py` says what the groups and lines are."""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from lines import GROUPS, LINES, Rows

HERE = pathlib.Path(__file__).resolve().parent
ROOST = pathlib.Path(os.environ.get("ROOST", HERE.parent / ".build/release/roost")).absolute()
CLIENTS = ["--clients", str(HERE / "roost.json"), "--clients", str(HERE / "anchors-extra.json")]


def environment(folder):
    """For a script. The adapters name the program `roost` and find it on PATH; the lab of the interop suite reads ROOST_BINARY."""
    os.symlink(ROOST, f"{folder}/roost")
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "BT_PYTHON": sys.executable, "ROOST_BINARY": str(ROOST)}


def measure(group, runs, out):
    """Runs one group's command, and keeps its rows; True when it ended well and no row tells of an error."""
    script, arguments, repeated = GROUPS[group]
    command = [sys.executable, str(HERE / script), *(CLIENTS if script.startswith("bt_") else []), *arguments, *(["--runs", str(runs)] if repeated else [])]
    print(f"\n### {group}: {script} {' '.join(arguments)}", flush=True)
    well = True
    with tempfile.TemporaryDirectory() as named, subprocess.Popen(command, env=environment(named), stdout=subprocess.PIPE, text=True) as process:
        for text in process.stdout:
            print(text, end="", flush=True)
            if text.startswith("{"):
                row = json.loads(text)
                well = well and "error" not in row
                out.write(json.dumps({"group": group, "at": round(time.time()), **row}) + "\n")
                out.flush()
    return process.returncode == 0 and well


def shown(value, unit):
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def cells(line, rows):
    """(figures, ratio or figure) of a line, as text and number."""
    figure = line.figure(rows)
    if not isinstance(figure, tuple):
        return shown(figure, line.unit), figure
    ours, theirs, unit = figure
    return f"{shown(ours, unit)} / {shown(theirs, unit)}", ours / theirs


def table(rows):
    """The table as Markdown: measured figures, the ratio or figure that counts, its bar and goal."""
    print("\n| work | figures | value | bar | goal | |\n|---|---|---|---|---|---|")
    for line in LINES:
        sign = "≥" if line.at_least else "≤"
        try:
            figures, value = cells(line, Rows([row for row in rows if row["group"] == line.group]))
        except (statistics.StatisticsError, KeyError):
            continue
        verdict = "goal" if line.holds(value, line.goal) else "✓" if line.holds(value, line.bar) else "✗"
        print(f"| {line.title} | {figures} | **{value:.3g}** | {sign} {line.bar:g} | {sign} {line.goal:g} | {verdict} |")
    used = sorted({row["congestion"] for row in rows if "congestion" in row})
    print(f"\nTCP of both sides: {', '.join(used) or 'not known'}. Limits of the same run:")
    for row in rows:
        if row["bench"] in ("openssl", "limit"):
            print(json.dumps({key: value for key, value in row.items() if key not in ("group", "at")}))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--only", action="append", choices=list(GROUPS), help="one group; may be repeated")
    options.add_argument("--out", type=pathlib.Path, default=HERE.parent / ".build/bench.jsonl", help="rows are added to it")
    options.add_argument("--table", type=pathlib.Path, metavar="FILE", help="only print the table of this file")
    given = options.parse_args()
    failed, began = [], 0 if given.table else round(time.time())
    if not given.table:
        if not os.access(ROOST, os.X_OK):
            sys.exit(f"{ROOST} is not there: swift build -c release --product roost")
        with given.out.open("a") as out:
            failed = [group for group in given.only or GROUPS if not measure(group, given.runs, out)]
    rows = [json.loads(text) for text in (given.table or given.out).read_text().splitlines()]
    # Rows of other runs, with other limits, are no part of this one.
    table([row for row in rows if row["at"] >= began])
    if failed:
        sys.exit(f"not all rows came of: {', '.join(failed)}")


if __name__ == "__main__":
    main()
