#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a soak says of itself: a function of what it recorded, and made-up records that it must judge rightly.

    Interop/soak_verdict.py              judges the made-up records (`make lint`)
    Interop/soak_verdict.py FILE.json    judges what a run has written

A record: `samples` [[second, {node that stays: [MiB, descriptors, threads]}]], `churned` (the same of those that come and go),
`fetches` [[second of its end, seconds, reader, site, releases behind]], `queues` {name: {used, bound, node}}, `failures` [{what, first,
count}], `updated` (second of the last update), `updates` (releases in all), `sites` (their number), and

    plan      {seconds, updates, churned (ends of those that come and go), stayers, churners, readers, company {name: messages a second}}
    ends      [{second, node, how: killed, asked or itself, code, took, last: whether the run was over}]
    homes     {node: {doctor (its exit status), problems, left}}
    company   {name: {ended: second, where before it was asked to, code, sent}}

What a record does not have is not judged, and the verdict says so."""
import json
import pathlib
import statistics
import sys

from soak_bounds import of_fetches, of_peaks, of_queues, of_readers, of_samples
from soak_flat import of_growth
from soak_made_up import check, made_up  # noqa: F401  (for whoever tries records of his own)
from soak_plan import of_churn, of_company, of_ends, of_updates


class Findings:
    """What was found, and what could not be judged."""

    def __init__(self):
        self.sentences, self.faults, self.unjudged = [], [], []

    def add(self, faults, sentence):
        self.faults += faults
        self.sentences.append(sentence)

    def leave(self, what, why):
        self.unjudged.append(what)
        self.sentences.append(f"not judged: {what}: {why}")

    @property
    def word(self):
        return "FAILED" if self.faults else f"passed, not judged: {', '.join(self.unjudged)}" if self.unjudged else "passed"


def verdict(record):
    """(the word, sentences, faults): passed where nothing is wrong and nothing was left unjudged."""
    found = Findings()
    samples = [(when, rows) for when, rows in record["samples"] if rows]
    if samples:
        mean = [statistics.fmean(row[0] for row in samples[at][1].values()) for at in (0, -1)]
        found.sentences.append(f"memory: {mean[0]:.1f} MiB a node at first, {mean[1]:.1f} at the end with {record['updates']} releases of {record['sites']} sites")
        of_samples(samples, record, found)
        of_peaks(samples, record, found)
        of_growth(samples, record["updated"], found)
        of_readers(record, samples[-1][0], found)
    else:
        found.faults.append("nothing was sampled")
    of_fetches(record, found)
    for part in (of_queues, of_updates, of_churn, of_company, of_ends):
        part(record, found)
    found.faults += [f"{failure['what']} (first after {failure['first'] / 60:.1f} min, {failure['count']} times)" for failure in record["failures"]]
    return found.word, found.sentences, found.faults


def main():
    if len(sys.argv) < 2:
        return 1 if check(verdict) else 0
    word, sentences, faults = verdict(json.loads(pathlib.Path(sys.argv[1]).read_text()))
    print("\n".join([*sentences, *(f"FAILED {fault}" for fault in faults), f"soak: {word}"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
