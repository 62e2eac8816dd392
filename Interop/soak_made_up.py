# SPDX-License-Identifier: Apache-2.0
"""Judges the judge: an honest run that never was, and what may go wrong in one."""
import copy
import functools
import math
import random
import sys

from soak_bounds import QUEUES, TORRENT_QUEUES

HALF = 1800
NODES = [f"node{number}" for number in range(26)]
STAYERS, CHURNERS, READERS = NODES[:20], NODES[20:], NODES[3:20]
# Seconds between two looks; a real run looks three times as often.
STEP = 15
NEW = ("plan", "churned", "ends", "homes", "company")


def ends_of(minutes):
    """Two of those that come and go end every minute, one of them by kill -9; then all."""
    def end(second, node, how, last=False):
        return {"second": second, "node": node, "how": how, "code": -9 if how == "killed" else 0, "took": 0.4, "last": last}
    coming = [end(turn // 2 * 60 + 5, CHURNERS[turn % 6], ("asked", "killed")[(turn + turn // 6) % 2]) for turn in range(2 * minutes)]
    return coming + [end(minutes * 60 + 2, node, "asked", True) for node in NODES]


def made_up(minutes=60, memory=lambda node, second: 0, descriptors=lambda node, second: 0, behind=lambda node, second: 0):
    """An honest run with what is added to it, by the number of the node."""
    draw, end, updates = random.Random(7), minutes * 60, math.ceil(minutes / 2)
    samples, churned = [], []
    for second in range(0, end + 1, STEP):
        rows = {}
        for number, node in enumerate(NODES):
            held = 50 + 6 * min(1, second / end * 2) + 2 * second / 3600 + draw.gauss(0, 0.1)
            rows[node] = [held + memory(number, second), 60 + number * 2 + draw.randrange(-12, 13) + descriptors(number, second), 24]
        samples.append([second, {node: rows[node] for node in STAYERS}])
        churned.append([second, {node: rows[node] for number, node in enumerate(CHURNERS) if (second // STEP + number) % 12}])
    fetches = [[second, 0.6, READERS[second % 17], second % 3, behind(second % 17 + 3, second)] for second in range(10, end, 2)]
    queues = {name: {"used": 9, "bound": 100, "node": "node1"} for name in QUEUES | TORRENT_QUEUES}
    queues["bytes of open pieces"]["bound"] = 24 << 20
    company = {"noise0": 40, "noise1": 40, "dht": 0}
    return {
        "samples": samples, "churned": churned, "fetches": fetches, "queues": queues, "failures": [], "updated": (updates - 1) * 60, "updates": 3 + updates, "sites": 3,
        "plan": {"seconds": end, "updates": updates, "churned": 2 * minutes, "stayers": STAYERS, "churners": CHURNERS, "readers": READERS, "company": company},
        "ends": ends_of(minutes), "homes": {node: {"doctor": 0, "problems": [], "left": []} for node in NODES},
        "company": {name: {"ended": None, "code": 0, "sent": rate * end * 9 // 10 if rate else None} for name, rate in company.items()},
    }


@functools.cache
def an_hour():
    return made_up()


def honest_hour():
    return copy.deepcopy(an_hour())


def with_fetches(change):
    """An honest hour whose fetches `change` gives back as they are, as others, or not at all (None)."""
    record = honest_hour()
    record["fetches"] = [fetch for fetch in map(change, record["fetches"]) if fetch]
    return record


def changed(path, **values):
    """An honest hour with other values at one place, as "company/noise0"."""
    record = honest_hour()
    place = record
    for name in filter(None, path.split("/")):
        place = place[int(name) if isinstance(place, list) else name]
    place.update(values)
    return record


def with_ends(change):
    record = honest_hour()
    record["ends"] = [end for end in map(change, record["ends"]) if end]
    return record


def without_rows(name, is_gone):
    record = honest_hour()
    for part in ("samples", "churned"):
        record[part] = [[second, {node: row for node, row in rows.items() if node != name or not is_gone(second)}] for second, rows in record[part]]
    return record


def honest():
    """(title, the word that it must be judged, record)"""
    record = honest_hour()
    yield "an honest hour", "passed", record
    yield "honest minutes", "passed, not judged: growth without updates, every site at every reader after the last update", made_up(minutes=6)
    yield "readers that were behind", "passed", made_up(behind=lambda node, second: 1 if second < 1830 else 0)
    yield "few nodes that were missed by a turn that took long", "passed", with_ends(lambda end: None if not end["last"] and end["second"] in (305, 905) else end)
    yield ("a run of before", "passed, not judged: length and company, readers that never read, churn, hostile neighbours and the DHT, the nodes' ends",
           {name: value for name, value in record.items() if name not in NEW})
    for name, used in (("connections", 100), ("bytes of open pieces", (24 << 20) + 16384)):
        record = honest_hour()
        record["queues"][name]["used"] = used
        yield f"{name}: {used}", "passed", record


def of_growth():
    yield "a leak in one node", made_up(memory=lambda node, second: second / 3600 * 30 if node == 4 else 0)
    yield "a small leak in all", made_up(memory=lambda node, second: max(0, second - HALF) / 3600 * 8)
    yield "a slope that cannot be told", made_up(memory=lambda node, second: second // STEP % 2 * 80)
    yield "a descriptor a minute in the emptiest node", made_up(descriptors=lambda node, second: second // 60 if node == 0 else 0)
    yield "few descriptors in each", made_up(descriptors=lambda node, second: second // 120)
    yield "3 GB a node in the half hour of updates, then flat", made_up(memory=lambda node, second: min(second, HALF) / HALF * 3000)
    yield "half a MiB more for each release", made_up(memory=lambda node, second: min(second, HALF) / 60 * 0.5)
    yield "a MiB more for each release in one node", made_up(memory=lambda node, second: min(second, HALF) / 60 if node == 6 else 0)
    yield "100 MiB at once when updates have ended", made_up(memory=lambda node, second: 100 if second >= HALF else 0)
    yield "100 MiB for a minute", made_up(memory=lambda node, second: 100 if node == 2 and 600 <= second < 660 else 0)
    yield "300 MiB from the first minute on", made_up(memory=lambda node, second: 300)
    yield "900 descriptors more in the half hour of updates", made_up(descriptors=lambda node, second: min(second, HALF) / 2)
    yield "four descriptors more for each release", made_up(descriptors=lambda node, second: min(second, HALF) / 15)
    yield "one that comes and goes has 200 MiB", made_up(memory=lambda node, second: 150 if node == 22 else 0)
    yield "one that comes and goes has 600 descriptors", made_up(descriptors=lambda node, second: 500 if node == 22 else 0)
    record = honest_hour()
    for second, rows in record["samples"]:
        rows["node3"][2] += second // 120
    yield "a thread more every two minutes", record


def of_readers():
    yield "no fetch", with_fetches(lambda fetch: None)
    yield "a reader that stays behind", made_up(behind=lambda node, second: 1 if node == 5 and second > 900 else 0)
    yield "readers stop in the middle", with_fetches(lambda fetch: fetch if fetch[0] < HALF else None)
    yield "readers stop after half a minute", with_fetches(lambda fetch: fetch if fetch[0] < 30 else None)
    yield "readers stop in the last minutes", with_fetches(lambda fetch: fetch if fetch[0] < 3300 else None)
    yield "one reader never reads", with_fetches(lambda fetch: fetch if fetch[2] != "node5" else None)
    yield "one reader stops after a quarter", with_fetches(lambda fetch: fetch if fetch[2] != "node5" or fetch[0] < 900 else None)
    yield "one reader pauses", with_fetches(lambda fetch: fetch if fetch[2] != "node5" or not 900 < fetch[0] < 1200 else None)
    yield "one reader leaves out a site when updates have ended", with_fetches(lambda fetch: fetch if fetch[2:4] != ["node5", 1] or fetch[0] < HALF else None)
    yield "every fetch takes 89 s", with_fetches(lambda fetch: [fetch[0], 89.0, *fetch[2:]])
    yield "every fetch takes 4 s", with_fetches(lambda fetch: [fetch[0], 4.0, *fetch[2:]])
    yield "every fifteenth fetch takes 40 s", with_fetches(lambda fetch: [fetch[0], 40.0 if fetch[0] % 15 == 0 else 0.6, *fetch[2:]])
    yield "every fetch of one reader takes 7 s", with_fetches(lambda fetch: [fetch[0], 7.0 if fetch[2] == "node5" else 0.6, *fetch[2:]])


def of_queues():
    for name, used in (("connections", 101), ("bytes of open pieces", 25 << 20)):
        record = honest_hour()
        record["queues"][name]["used"] = used
        yield f"{name}: {used}", record
    yield "no queue seen", {**honest_hour(), "queues": {}}
    yield "one queue only", {**honest_hour(), "queues": {"connections": {"used": 1, "bound": 100, "node": "node1"}}}


def of_looks():
    yield "nothing sampled", {**honest_hour(), "samples": []}
    yield "nobody looks for minutes", {**honest_hour(), "samples": [sample for sample in honest_hour()["samples"] if sample[0] < 600 or sample[0] > 1900 and sample[0] % 140 == 0]}
    record = made_up(minutes=50)
    yield "a run that ended early", {**record, "plan": honest_hour()["plan"]}
    yield "a node that ended", without_rows("node7", lambda second: second > 3000)
    yield "a node that never was there", without_rows("node7", lambda second: True)
    yield "a failure", changed("", failures=[{"what": "it broke", "first": 60, "count": 3}])


def of_updates_and_churn():
    yield "no update", changed("", updates=3, updated=0)
    yield "half of the updates", changed("", updates=18)
    yield "nobody comes and goes", with_ends(lambda end: end if end["last"] else None)
    yield "nobody comes and goes in the second half", with_ends(lambda end: end if end["last"] or end["second"] < HALF else None)
    yield "nobody by kill -9", with_ends(lambda end: end if end["how"] == "asked" else None)
    yield "all by kill -9", with_ends(lambda end: end if end["last"] else {**end, "how": "killed", "code": -9})
    yield "one of them never goes", with_ends(lambda end: end if end["last"] else {**end, "node": "node20"})
    yield "one of them is gone for most of the time", without_rows("node22", lambda second: second > 1000)
    yield "one that goes has a wrong exit status", with_ends(lambda end: {**end, "code": 1} if end["how"] == "asked" and end["second"] == 65 else end)
    yield "one that goes has to be killed", with_ends(lambda end: {**end, "code": -9, "took": 30.0} if end["how"] == "asked" and end["second"] == 65 else end)
    yield "one has ended before it is asked", with_ends(lambda end: {**end, "how": "itself", "code": -11} if end["second"] == 65 else end)
    yield "one that stays has a wrong exit status in the end", with_ends(lambda end: {**end, "code": -6} if end["node"] == "node4" else end)
    yield "one is gone in the end", with_ends(lambda end: end if end["node"] != "node23" or not end["last"] else None)
    yield "a doctor finds something", changed("homes/node21", doctor=65, problems=["a file of content is not what its hash says"])
    yield "a doctor was not heard", changed("homes/node21", doctor=None)
    yield "one leaves a file behind", changed("homes/node21", left=["tmp/1"])


def of_company():
    yield "a hostile neighbour dies", changed("company/noise0", ended=600, code=1, sent=None)
    yield "a hostile neighbour ends with a wrong status", changed("company/noise1", code=1)
    yield "a hostile neighbour does not end", changed("company/noise1", code=None)
    yield "a hostile neighbour says next to nothing", changed("company/noise1", sent=12)
    yield "the DHT dies", changed("company/dht", ended=1200, code=-11)
    record = honest_hour()
    del record["company"]["noise1"]
    yield "a hostile neighbour never was there", record


def check(verdict):
    """How many made-up records are not judged as they must be."""
    cases = list(honest())
    for bad in (of_growth, of_readers, of_queues, of_looks, of_updates_and_churn, of_company):
        cases += [(title, "FAILED", record) for title, record in bad()]
    wrong = 0
    for title, word, record in cases:
        said, _, faults = verdict(record)
        if said != word:
            wrong += 1
            print(f"{title}: judged '{said}', must be '{word}': {faults[:3]}", file=sys.stderr)
    return wrong
