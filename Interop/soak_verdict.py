#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a soak says of itself: a function of what it recorded, and made-up records that it must judge rightly.

    Interop/soak_verdict.py              judges the made-up records (`make lint`)
    Interop/soak_verdict.py FILE.json    judges what a run has written

A record: `samples` [[second, {node: [MiB, descriptors, threads]}]], `fetches` [[second of its end, seconds, reader, site, releases
behind]], `queues` {name: {used, bound, node}}, `failures` [{what, first, count}], `updated` (second of the last update), `updates`,
`sites`."""
import json
import pathlib
import random
import statistics
import sys

# Minutes without updates below which memory and descriptors are not judged: a node that has just begun still fills its tables.
JUDGED = 5
# Of growth without updates: (what may last, what may come once and weighs less the longer one looks), as a + b / minutes. Memory in
# MiB an hour, by the slope of a straight line; descriptors by the difference of medians. Two honest hours (21 November 2026, 40
# nodes) had in their last 29 minutes at most 2.0 and 3.4 MiB an hour (mean, one node), -3 and 4 descriptors; in windows of five
# minutes 4.5 and 12.3 MiB an hour, 7 and 22 descriptors.
MEMORY = {"mean": (6, 20), "node": (10, 60)}
DESCRIPTORS = {"mean": (6, 20), "node": (12, 90)}
# A slope is told if its standard error is so much smaller than what it is held against.
CERTAIN = 4
# The bytes that may pass a queue's bound: one piece, where one must always pass (SessionQueue.bound). Those of a soak's sites
# have 16 KiB.
SLACK = {"bytes of open pieces": 1 << 16}


def line(samples):
    """(slope, standard error) of a straight line through (x, y)."""
    if len(samples) < 4:
        return 0.0, float("inf")
    mean_x, mean_y = (statistics.fmean(sample[axis] for sample in samples) for axis in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in samples)
    return slope, (rest / (len(samples) - 2) / spread) ** 0.5


def bound_of(pair, minutes):
    return pair[0] + pair[1] / minutes


def growth(series, bound):
    """(what is wrong or None, slope, error): a slope must be told to be below the bound."""
    slope, error = line(series)
    if slope - 2 * error > bound:
        return "GROWS", slope, error
    if error > bound / CERTAIN or slope + 2 * error > bound:
        return "CANNOT BE TOLD", slope, error
    return None, slope, error


def series_of(samples, node, column, scale=3600):
    """(hours, value) of one node; of their mean with None."""
    if node is None:
        return [(when / scale, statistics.fmean(row[column] for row in rows.values())) for when, rows in samples]
    return [(when / scale, rows[node][column]) for when, rows in samples if node in rows]


def of_memory(quiet, nodes, minutes):
    bound, each = bound_of(MEMORY["mean"], minutes), bound_of(MEMORY["node"], minutes)
    what, slope, error = growth(series_of(quiet, None, 0), bound)
    found = {node: growth(series_of(quiet, node, 0), each) for node in nodes}
    most = max(found, key=lambda node: found[node][1])
    faults = [f"the mean of memory: {what}"] if what else []
    faults += [f"memory of {node}: {what}, {slope:+.1f} ± {error:.1f} MiB an hour" for node, (what, slope, error) in found.items() if what]
    return faults, (f"slope without updates {slope:+.1f} ± {error:.1f} MiB an hour (bound {bound:.1f}), at most {found[most][1]:+.1f} ± "
                    f"{found[most][2]:.1f} of {most} (bound {each:.1f}): {'flat' if not faults else 'NOT FLAT'}")


def of_descriptors(quiet, nodes, minutes):
    bound, each = bound_of(DESCRIPTORS["mean"], minutes), bound_of(DESCRIPTORS["node"], minutes)
    early, late = quiet[:max(1, len(quiet) // 3)], quiet[-max(1, len(quiet) // 4):]
    medians = {node: [statistics.median(rows[node][1] for _, rows in part if node in rows) for part in (early, late)] for node in nodes}
    more = {node: last - first for node, (first, last) in medians.items()}
    most, mean = max(more, key=more.get), statistics.fmean(more.values())
    faults = [f"descriptors of {node}: {medians[node][0]:g} in the middle, {medians[node][1]:g} at the end" for node in nodes if more[node] > each]
    if mean > bound:
        faults.append(f"descriptors: {mean:+.1f} a node from the middle to the end")
    return faults, (f"descriptors from the middle to the end: {mean:+.1f} a node (bound {bound:.1f}), at most {more[most]:+g} of {most} "
                    f"(bound {each:.1f}): {'none lost' if not faults else 'LOST'}")


def of_fetches(record):
    fetches = record["fetches"]
    if not fetches:
        return ["no fetch came to an end"], "no fetch came to an end"
    times = sorted(fetch[1] for fetch in fetches)
    behind = [fetch[4] for fetch in fetches]
    # A minute after the last update every reader has it, if it ever will: the last word of each on each site counts.
    last = {(reader, site): missed for when, seconds, reader, site, missed in sorted(fetches) if when - seconds > record["updated"] + 60}
    faults = [f"{reader} is still {missed} releases behind site {site} at the end" for (reader, site), missed in last.items() if missed > 0]
    return faults, (f"fetches: {len(times)}, median {times[len(times) // 2]:.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s, last {times[-1]:.2f} s; "
                    f"releases behind the publisher: at most {max(behind)}, {sum(1 for value in behind if value > 0)} of {len(behind)} fetches, "
                    f"{len(faults)} of {len(last)} readers of a site at the end")


def of_queues(queues):
    if not queues:
        return ["no queue was seen"], "no queue was seen"
    faults = [f"the queue '{name}' of {queue['node']} holds {queue['used']} of {queue['bound']}" for name, queue in sorted(queues.items())
              if queue["used"] > queue["bound"] + SLACK.get(name, 0)]
    full = ", ".join(f"{name} {queue['used']} of {queue['bound']}" for name, queue in sorted(queues.items()) if queue["used"])
    return faults, f"fullest of {len(queues)} queues: {full or 'all empty'}"


def verdict(record):
    """(the word, sentences, faults): passed where nothing is wrong, and of everything that was judged nothing is left untold."""
    samples = [(when, rows) for when, rows in record["samples"] if rows]
    if not samples:
        return "FAILED", [], ["nothing was sampled"] + [failure["what"] for failure in record["failures"]]
    first, last = samples[0][1], samples[-1][1]
    faults = [f"{node} is in the first sample and not in the last" for node in first if node not in last]
    end = samples[-1][0]
    still = max(end / 2, record["updated"] + 60)
    quiet = [sample for sample in samples if sample[0] > still]
    minutes = (end - still) / 60
    is_judged = minutes >= JUDGED and len(quiet) >= 12
    sentences = [f"memory: {statistics.fmean(row[0] for row in first.values()):.1f} MiB a node at first, "
                 f"{statistics.fmean(row[0] for row in (quiet or samples)[0][1].values()):.1f} with {record['updates']} releases of {record['sites']} sites, "
                 f"{statistics.fmean(row[0] for row in last.values()):.1f} at the end"]
    # Its end is a failure already.
    whole = [node for node in first if quiet and node in quiet[0][1] and node in last]
    if is_judged and whole:
        for found, said in (of_memory(quiet, whole, minutes), of_descriptors(quiet, whole, minutes)):
            faults += found
            sentences.append(said)
    else:
        sentences.append(f"{max(0, minutes):.1f} minutes without updates: too short to judge memory and descriptors (from {JUDGED} on)")
    sentences.append(f"threads of the fullest node: {max(row[2] for _, rows in samples for row in rows.values())}")
    for found, said in (of_fetches(record), of_queues(record["queues"])):
        faults += found
        sentences.append(said)
    faults += [f"{failure['what']} (first after {failure['first'] / 60:.1f} min, {failure['count']} times)" for failure in record["failures"]]
    return "FAILED" if faults else "passed" if is_judged else "passed, memory and descriptors not judged", sentences, faults


# The rest judges the judge.

def made_up(minutes=60, memory=lambda node, second: 0, descriptors=lambda node, second: 0, behind=lambda node, second: 0):
    """An honest run with what is added to it."""
    draw, end = random.Random(7), minutes * 60
    nodes = [f"node{number}" for number in range(20)]
    samples = []
    for second in range(0, end + 1, 5):
        rows = {}
        for number, node in enumerate(nodes):
            held = 60 + 6 * min(1, second / end * 2) + 2 * second / 3600 + draw.gauss(0, 0.1)
            rows[node] = [held + memory(number, second), 60 + number * 2 + draw.randrange(-12, 13) + descriptors(number, second), 24]
        samples.append([second, rows])
    fetches = [[second, 0.6, nodes[second % 17 + 3], second % 3, behind(second % 17 + 3, second)] for second in range(10, end, 2)]
    queues = {"connections": {"used": 17, "bound": 100, "node": "node1"}, "bytes of open pieces": {"used": 9, "bound": 24 << 20, "node": "node1"}}
    return {"samples": samples, "fetches": fetches, "queues": queues, "failures": [], "updated": end / 2, "updates": 33, "sites": 3}


def check():
    """Whether each made-up record is judged as it must be."""
    half = 1800
    wrong = 0

    def must(title, word, record):
        nonlocal wrong
        found, _, faults = verdict(record)
        if found != word:
            wrong += 1
            print(f"{title}: judged '{found}', must be '{word}': {faults}", file=sys.stderr)

    must("an honest hour", "passed", made_up())
    must("honest minutes", "passed, memory and descriptors not judged", made_up(minutes=6))
    must("a leak in one node", "FAILED", made_up(memory=lambda node, second: second / 3600 * 30 if node == 4 else 0))
    must("a small leak in all", "FAILED", made_up(memory=lambda node, second: max(0, second - half) / 3600 * 8))
    must("a slope that cannot be told", "FAILED", made_up(memory=lambda node, second: second // 5 % 2 * 80))
    must("a descriptor a minute in the emptiest node", "FAILED", made_up(descriptors=lambda node, second: second // 60 if node == 0 else 0))
    must("few descriptors in each", "FAILED", made_up(descriptors=lambda node, second: second // 120))
    must("a reader that stays behind", "FAILED", made_up(behind=lambda node, second: 1 if node == 5 and second > 900 else 0))
    must("readers that were behind", "passed", made_up(behind=lambda node, second: 1 if second < 1830 else 0))
    for name, used, word in (("connections", 101, "FAILED"), ("connections", 100, "passed"), ("bytes of open pieces", (24 << 20) + 16384, "passed"),
                             ("bytes of open pieces", 25 << 20, "FAILED")):
        record = made_up()
        record["queues"][name]["used"] = used
        must(f"{name}: {used}", word, record)
    must("no queue seen", "FAILED", {**made_up(), "queues": {}})
    must("no fetch", "FAILED", {**made_up(), "fetches": []})
    must("nothing sampled", "FAILED", {**made_up(), "samples": []})
    must("a failure", "FAILED", {**made_up(), "failures": [{"what": "it broke", "first": 60, "count": 3}]})
    record = made_up()
    for second, rows in record["samples"]:
        if second > 3000:
            del rows["node7"]
    must("a node that ended", "FAILED", record)
    return wrong


def main():
    if len(sys.argv) < 2:
        return 1 if check() else 0
    word, sentences, faults = verdict(json.loads(pathlib.Path(sys.argv[1]).read_text()))
    print("\n".join([*sentences, *(f"FAILED {fault}" for fault in faults), f"soak: {word}"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
