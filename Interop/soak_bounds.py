# SPDX-License-Identifier: Apache-2.0
"""What holds in every minute of a soak: how large nodes become, how full queues, how long fetches and pauses of readers last."""
import statistics

# Seconds between two looks, where every five are meant.
UNSEEN = 60
# (column of a sample, what it is, bound of the mean, bound of one node, the most that is ever right). The bounds are above the node's
# first look: (so much, for each node that stays, for each update so far).
# Four honest hours of 30 updates among 26 nodes, 20 of which stay (21 November 2026): memory +3.8 to +5 MiB a node after two minutes,
# +6.6 to +6.9 in the end, +7.5 to +8.2 in the node that grew most; descriptors at most +60 to +71, +90 to +107 in one node, and no
# more in the second half hour than in the first ten minutes; threads +1. S1-07 promises 256 MiB.
PEAKS = (
    (0, "MiB", (8, 0, 0.2), (12, 0, 0.25), 256),
    (1, "descriptors", (30, 3, 0.5), (40, 6, 1), 1000),
    (2, "threads", (8, 0, 0), (16, 0, 0), 64),
)
# Seconds. On an idle machine the median is 0.12 and the 95th of a hundred 0.25, on a busy one with a debug build 0.6 and 1.4.
SLOW = {"median": 3, "p95": 8, "median of one reader": 5}
# Seconds between two fetches of one reader: in an hour of readers drawn by chance at most 115. Half of the run, where that is less.
PAUSE = 240
# The node's own queues; a look that lacks one of them has looked at nothing. Those of each torrent come beside.
QUEUES = {"swarm jobs", "site jobs", "files open", "wants not written down", "connections of all torrents", "uTP connections", "DHT items", "control connections"}
# Of each torrent.
TORRENT_QUEUES = {"connections", "bytes of open pieces", "known addresses"}
# The bytes that may pass a queue's bound: one piece, where one must always pass (SessionQueue.bound). Those of a soak's sites
# have 16 KiB.
SLACK = {"bytes of open pieces": 1 << 16}


def of_samples(samples, record, found):
    """Somebody looked all the time, at everybody who stays."""
    first, last, plan = samples[0][1], samples[-1][1], record.get("plan")
    end = samples[-1][0]
    times = [0, *(when for when, _ in samples), plan["seconds"] if plan else end]
    pause, since = max((later - earlier, earlier) for earlier, later in zip(times, times[1:]))
    faults = [f"{node} is in the first sample and not in the last" for node in first if node not in last]
    if pause > UNSEEN:
        faults.append(f"nobody looked for {pause:.0f} s after {since / 60:.1f} min (bound {UNSEEN} s)")
    if plan:
        faults += [f"{node} is not in the first sample" for node in plan["stayers"] if node not in first]
    else:
        found.leave("length and company", "the record has no plan to hold them against")
    found.add(faults, f"{len(samples)} looks in {end / 60:.1f} minutes at {len(first)} nodes that stay, at most {pause:.0f} s apart (bound {UNSEEN})")


def updates_at(record, when):
    """Updates until then: they come evenly until the last."""
    made = record["updates"] - record["sites"]
    return made * min(1, when / record["updated"]) if record["updated"] else made


def of_peaks(samples, record, found):
    """Nothing grows beyond what updates explain, whether it shrinks again or not: a leak for each release is seen here."""
    first = samples[0][1]
    for column, what, of_mean, of_node, ever in PEAKS:
        begun = {node: row[column] for node, row in first.items()}
        # Who comes and goes is held against what the others began with.
        usual, most, closest = statistics.fmean(begun.values()), (0, ""), {}

        def look(name, more, bound, when):
            limit = bound[0] + bound[1] * len(first) + bound[2] * updates_at(record, when)
            closest[name] = max(closest.get(name, (float("-inf"),)), (more - limit, more, limit, when))

        for when, rows in samples + record.get("churned", []):
            for node, row in rows.items():
                look(node, row[column] - begun.get(node, usual), of_node, when)
                most = max(most, (row[column], node))
            if staying := [row[column] - begun[node] for node, row in rows.items() if node in begun]:
                look("the mean", statistics.fmean(staying), of_mean, when)
        faults = [f"{name}: {more:+.1f} {what} after {when / 60:.1f} min (bound {limit:.1f})" for name, (over, more, limit, when) in closest.items() if over > 0]
        if most[0] > ever:
            faults.append(f"{most[1]}: {most[0]:.0f} {what} (bound {ever})")
        mean = closest.pop("the mean")
        name = max(closest, key=closest.get)
        found.add(faults, f"{what} above the first look, where closest to the bound: mean {mean[1]:+.1f} (bound {mean[2]:.1f}), {name} "
                  f"{closest[name][1]:+.1f} (bound {closest[name][2]:.1f}); at most {most[0]:.1f}, of {most[1]} (bound {ever})")


def of_fetches(record, found):
    fetches = record["fetches"]
    if not fetches:
        return found.add(["no fetch came to an end"], "no fetch came to an end")
    times = sorted(fetch[1] for fetch in fetches)
    median, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    by_reader = {reader: statistics.median(fetch[1] for fetch in fetches if fetch[2] == reader) for reader in {fetch[2] for fetch in fetches}}
    faults = [f"fetches: {name} {value:.2f} s (bound {SLOW[name]} s)" for name, value in (("median", median), ("p95", p95)) if value > SLOW[name]]
    faults += [f"fetches of {reader}: median {value:.2f} s (bound {SLOW['median of one reader']} s)" for reader, value in sorted(by_reader.items())
               if value > SLOW["median of one reader"]]
    behind = [fetch[4] for fetch in fetches]
    found.add(faults, f"fetches: {len(times)}, median {median:.2f} s (bound {SLOW['median']}), p95 {p95:.2f} s (bound {SLOW['p95']}), last {times[-1]:.2f} s; "
              f"releases behind the publisher: at most {max(behind)}, {sum(1 for value in behind if value > 0)} of {len(behind)} fetches")


def of_readers(record, end, found):
    """Every reader reads until the end, and has what was published last."""
    fetches, plan = sorted(record["fetches"]), record.get("plan")
    readers = plan["readers"] if plan else sorted({fetch[2] for fetch in fetches})
    if not plan:
        found.leave("readers that never read", "the record does not list the readers")
    bound, faults, longest = min(PAUSE, end / 2), [], 0
    for reader in readers:
        times = [0, *(fetch[0] for fetch in fetches if fetch[2] == reader), end]
        pause, since = max((later - earlier, earlier) for earlier, later in zip(times, times[1:]))
        longest = max(longest, pause)
        if pause > bound:
            faults.append(f"{reader} read nothing for {pause:.0f} s after {since / 60:.1f} min (bound {bound:.0f} s)")
    # A minute after the last update every reader has it, if it ever will: the last word of each on each site counts.
    late = [fetch for fetch in fetches if fetch[0] - fetch[1] > record["updated"] + 60]
    last = {(reader, site): missed for _, _, reader, site, missed in late}
    behind = [f"{reader} is still {missed} releases behind site {site} at the end" for (reader, site), missed in last.items() if missed > 0]
    wanted = [(reader, site) for reader in readers for site in range(record["sites"])]
    # In so many fetches each reader comes to each site.
    if len(late) >= 3 * len(wanted):
        faults += [f"{reader} has not read site {site} since the last update" for reader, site in wanted if (reader, site) not in last]
    else:
        found.leave("every site at every reader after the last update", f"{len(late)} fetches of {len(wanted)} pairs")
    found.add(faults + behind, f"{len(readers)} readers, the longest pause of one {longest:.0f} s (bound {bound:.0f}); after the last update "
              f"{len(last)} of {len(wanted)} readers of a site read it, {len(behind)} an older release at last")


def of_queues(record, found):
    if "queues" not in record:
        return found.leave("queues", "the record has none")
    queues = record["queues"]
    faults = [f"no node was seen to have the queue '{name}'" for name in sorted((QUEUES | TORRENT_QUEUES) - set(queues))]
    faults += [f"the queue '{name}' of {queue['node']} holds {queue['used']} of {queue['bound']}" for name, queue in sorted(queues.items())
               if queue["used"] > queue["bound"] + SLACK.get(name, 0)]
    full = ", ".join(f"{name} {queue['used']} of {queue['bound']}" for name, queue in sorted(queues.items()) if queue["used"])
    found.add(faults, f"fullest of {len(queues)} queues: {full or 'all empty'}")
