#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzzes the parsers, and keeps the books.

    Fuzz/run.py MINUTES [TARGET…]     so many CPU minutes, spread evenly over the targets (all of them)
    Fuzz/run.py MINUTES --jobs 4      four targets at a time
    Fuzz/run.py --until 30            until each target has had 30 CPU minutes in all, who has had the least first
    Fuzz/run.py --crash FILE TARGET   makes a crash file smaller and says what breaks
    Fuzz/run.py --list

The fuzzer is `swift build -c release --product RoostFuzz` with ROOST_FUZZ=1, in its own build folder (`make fuzz` does it all).
Corpora grow in .build-fuzz/corpora and begin with Tests/Vectors and the targets' own samples. Crashes are kept in
.build-fuzz/crashes, as once-… where they did not come again. Totals of all runs stand in Fuzz/LEDGER.md, which this script alone
writes.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRATCH = pathlib.Path(os.environ.get("ROOST_FUZZ_SCRATCH", ROOT / ".build-fuzz"))
FUZZER = pathlib.Path(os.environ.get("ROOST_FUZZ_BINARY", SCRATCH / "release/RoostFuzz"))
SHIFT = 5  # minutes a target has at a time under --until
LEDGER = pathlib.Path(os.environ.get("ROOST_FUZZ_LEDGER", ROOT / "Fuzz/LEDGER.md"))
# What stands before the minutes of each build, below the table.
BUILDS = "CPU minutes by the commit of the build (+: with changes of its own): "
HEAD = """# What was fuzzed

Written by `Fuzz/run.py`; one line a target, all runs together. Edges are those of our own modules that the target's corpus
reaches; the corpus is what libFuzzer keeps because it reaches something new. A crash that stands here is fixed and its input is
in `Regressions/`, or it is an open fault.

| target | CPU minutes | executions | edges | corpus | crashes | last run |
|---|---:|---:|---:|---:|---:|---|
"""


def environment(target=None):
    """Swift traps are libFuzzer's to catch, so the backtracer stays out; a leak is none where a cache is meant."""
    values = dict(os.environ, SWIFT_BACKTRACE="enable=no", ASAN_OPTIONS="detect_leaks=0:handle_segv=1:allocator_may_return_null=1")
    if target:
        values["FUZZ_TARGET"] = target
    return values


def targets():
    """name → (longest input, vectors)"""
    try:
        lines = subprocess.run([FUZZER, "--list"], env=environment(), check=True, stdout=subprocess.PIPE, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        what = "is not there" if not FUZZER.exists() else "does not name its targets" if isinstance(error, subprocess.CalledProcessError) else f"cannot be run ({error.strerror})"
        sys.exit(f"fuzz: {FUZZER} {what}: build it with Scripts/fuzz-build (`make fuzz` builds and runs it), or name another in ROOST_FUZZ_BINARY")
    rows = [line.split("\t") for line in lines.splitlines()]
    return {row[0]: (int(row[1]), row[2:]) for row in rows}


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def vectors(paths, longest):
    """Files as they are; of JSON each string, and the bytes of those in hexadecimal."""
    for path in paths:
        for file in sorted((ROOT / "Tests/Vectors" / path).rglob("*")):
            if not file.is_file() or file.suffix in (".md", ".py"):
                continue
            data = file.read_bytes()
            if len(data) <= longest:
                yield data
            if file.suffix == ".json":
                for text in strings(json.loads(data)):
                    yield text.encode()[:longest]
                    if len(text) % 2 == 0 and re.fullmatch("[0-9a-fA-F]{2,}", text):
                        yield bytes.fromhex(text)[:longest]


def seed(target, longest, paths):
    folder = SCRATCH / "corpora" / target
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([FUZZER, "--samples", folder], env=environment(target), check=True)
    for data in vectors(paths, longest):
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    return folder


def build():
    """The commit of the fuzzer, as Scripts/fuzz-build has left it beside the program."""
    noted = FUZZER.with_name("RoostFuzz.commit")
    try:
        return noted.read_text().strip() if noted.stat().st_mtime >= FUZZER.stat().st_mtime else "unknown"
    except OSError:
        return "unknown"


def number(pattern, text, default=0):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else default


def breaks(file, target):
    """Whether it does so again: on a machine that stands still for a while every input is a slow one."""
    result = subprocess.run([FUZZER, "-timeout=20", file], env=environment(target), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return result.returncode != 0


def kept(file, target, log):
    """A crash that does not come again is kept too, with what was said: under another name, as it counts for nothing."""
    once = file.with_name(f"once-{file.name}")
    file.rename(once)
    once.with_name(f"{once.name}.log").write_bytes(log.read_bytes())
    return once


def fuzz(target, longest, paths, seconds):
    """One libFuzzer process; returns what it did."""
    corpus = seed(target, longest, paths)
    crashes = SCRATCH / "crashes" / target
    crashes.mkdir(parents=True, exist_ok=True)
    before = set(crashes.iterdir())
    command = [FUZZER, f"-max_total_time={seconds}", f"-max_len={longest}", f"-artifact_prefix={crashes}/", "-timeout=20",
               "-rss_limit_mb=3000", "-print_final_stats=1", "-use_value_profile=1", "-reload=0", corpus]
    dictionary = ROOT / "Fuzz/Dictionaries" / f"{target}.dict"
    if dictionary.exists():
        command.insert(1, f"-dict={dictionary}")
    log = SCRATCH / "logs" / f"{target}.log"
    log.parent.mkdir(exist_ok=True)
    made_from = build()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment(target), stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(errors="replace")
    found = [file for file in sorted(set(crashes.iterdir()) - before) if not file.name.startswith("once-")]
    again = [file for file in found if breaks(file, target)]
    return {
        "minutes": (usage.ru_utime + usage.ru_stime) / 60,
        "executions": number(r"stat::number_of_executed_units: (\d+)", text) or number(r"(?m)^#(\d+)", text),
        "edges": number(r"cov: (\d+)", text),
        "corpus": sum(1 for _ in corpus.iterdir()),
        "crashes": again,
        "once": [kept(file, target, log) for file in found if file not in again],
        "failed": process.returncode != 0,
        "text": text,
        "build": made_from,
    }


def read_ledger():
    rows = {}
    for line in LEDGER.read_text().splitlines() if LEDGER.exists() else []:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 7 and cells[1].replace(".", "").isdigit() and cells[0] != "**all**":
            rows[cells[0]] = [float(cells[1])] + [int(cell.replace(",", "")) for cell in cells[2:6]] + [cells[6]]
    return rows


def read_builds():
    """commit → CPU minutes; those of before this was kept are in none."""
    lines = [line for line in LEDGER.read_text().splitlines() if line.startswith(BUILDS)] if LEDGER.exists() else []
    return {name: float(minutes) for line in lines for name, minutes in re.findall(r"\b([0-9a-f]{7,40}\+?|unknown) ([0-9]+\.[0-9]+)", line)}


def write_ledger(rows, builds):
    lines = []
    for name in sorted(rows):
        minutes, executions, edges, corpus, crashes, day = rows[name]
        lines.append(f"| {name} | {minutes:.1f} | {executions:,} | {edges:,} | {corpus:,} | {crashes} | {day} |")
    total = [sum(row[index] for row in rows.values()) for index in (0, 1, 4)]
    lines.append(f"| **all** | {total[0]:.1f} | {total[1]:,} | | | {total[2]} | |")
    named = [f"{name} {minutes:.2f}" for name, minutes in builds.items()]
    before = total[0] - sum(builds.values())
    lines += ["", BUILDS + ", ".join(named + ([f"before that was noted {before:.1f}"] if before >= 1 else []))]
    LEDGER.write_text(HEAD + "\n".join(lines) + "\n")


def record(target, run):
    rows, builds = read_ledger(), read_builds()
    builds[run["build"]] = builds.get(run["build"], 0.0) + run["minutes"]
    old = rows.get(target, [0.0, 0, 0, 0, 0, ""])
    rows[target] = [old[0] + run["minutes"], old[1] + run["executions"], max(old[2], run["edges"]), run["corpus"],
                    old[4] + len(run["crashes"]), time.strftime("%Y-%m-%d", time.gmtime())]
    write_ledger(rows, builds)


def reason(text):
    """What libFuzzer, the sanitizer or Swift said, in a line."""
    for pattern in (r"BROKEN: .*", r"Fatal error: .*", r"ERROR: (?:AddressSanitizer|libFuzzer): .*"):
        found = re.search(pattern, text)
        if found:
            return found.group()[:300]
    return "ended without a word"


def reduce(file, target):
    known = targets()
    shorter = pathlib.Path(str(file) + ".min")
    subprocess.run([FUZZER, "-minimize_crash=1", "-max_total_time=30", f"-max_len={known[target][0]}", f"-exact_artifact_path={shorter}", file],
                   env=environment(target), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for path in (file, shorter):
        if pathlib.Path(path).exists():
            result = subprocess.run([FUZZER, path], env=environment(target), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            text = result.stdout.decode(errors="replace")
            print(path, len(pathlib.Path(path).read_bytes()), "bytes:", reason(text))
            print("\n".join(re.findall(r"^ +#\d+ .*/Sources/.*|^ +#\d+ .*/Fuzz/.*", text, re.M)[:12]))


def arguments_of_the_caller():
    parser = argparse.ArgumentParser()
    parser.add_argument("minutes", type=float, nargs="?", default=1)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--until", type=float, metavar="MINUTES", help="CPU minutes that each target shall have had in all runs")
    parser.add_argument("--crash", nargs=2, metavar=("FILE", "TARGET"))
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


class Shifts:
    """Gives targets their turns, and writes down what came of them."""

    def __init__(self, known, chosen, arguments):
        self.known, self.chosen, self.jobs, self.until = known, chosen, arguments.jobs, arguments.until
        minutes = arguments.minutes if self.until is None else SHIFT * len(chosen)
        self.seconds = max(1, round(minutes * 60 / len(chosen)))
        self.books, self.broken = threading.Lock(), []

    def length(self, name):
        """Seconds of the next shift: no more than the target still lacks."""
        if self.until is None:
            return self.seconds
        lacking = self.until - read_ledger().get(name, [0.0])[0]
        return min(self.seconds, max(30, round(lacking * 60) + 5))

    def shift(self, name):
        with self.books:
            seconds = self.length(name)
        run = fuzz(name, *self.known[name], seconds)
        with self.books:
            record(name, run)
            print(f"{name:<18} {run['executions']:>10,} executions  {run['edges']:>6,} edges  corpus {run['corpus']:>5,}  {run['minutes']:.1f} CPU min",
                  flush=True)
            if run["once"]:
                print(f"{name}: did not come again, kept: {', '.join(map(str, run['once']))}", flush=True)
            if run["failed"]:
                self.broken.append(name)
                print(f"{name}: {reason(run['text'])}\n    {', '.join(map(str, run['crashes'])) or 'no crash file'}", flush=True)

    def due(self, running):
        """Who has had the least comes first, so that runs that are cut short even out."""
        spent = read_ledger()
        had = {name: spent.get(name, [0.0])[0] for name in self.chosen if name not in self.broken and name not in running}
        return [name for name in sorted(had, key=had.get) if self.until is None or had[name] < self.until]

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as workers:
            if self.until is None:
                list(workers.map(self.shift, self.due({})))
            running = {}
            while self.until is not None:
                with self.books:
                    for name in self.due(running.values())[:self.jobs - len(running)]:
                        running[workers.submit(self.shift, name)] = name
                if not running:
                    break
                for done in concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                    del running[done]
                    done.result()


def main():
    arguments = arguments_of_the_caller()
    known = targets()
    if arguments.list:
        return print("\n".join(known))
    if unknown := [name for name in [*arguments.targets, *(arguments.crash or [])[1:]] if name not in known]:
        sys.exit(f"fuzz: no such target: {', '.join(unknown)}; Fuzz/run.py --list names them")
    if arguments.crash and not pathlib.Path(arguments.crash[0]).is_file():
        sys.exit(f"fuzz: there is no file {arguments.crash[0]}")
    if arguments.crash:
        return reduce(*arguments.crash)
    chosen = arguments.targets or list(known)
    shifts = Shifts(known, chosen, arguments)
    shifts.run()
    if shifts.broken:
        sys.exit(f"fuzz: broken: {', '.join(shifts.broken)}")


if __name__ == "__main__":
    main()
