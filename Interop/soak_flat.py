# SPDX-License-Identifier: Apache-2.0
"""Whether memory and descriptors stay as they are where nothing is published any more: a part of what a soak says of itself."""
import statistics

# Minutes without updates below which this is not judged: a node that has just begun still fills its tables.
JUDGED = 5
# Of growth without updates: (what may last, what may come once and weighs less the longer one looks), as a + b / minutes. Memory in
# MiB an hour, by the slope of a straight line; descriptors by the difference of medians. Two honest hours (21 November 2026, 40
# nodes) had in their last 29 minutes at most 2.0 and 3.4 MiB an hour (mean, one node), -3 and 4 descriptors; in windows of five
# minutes 4.5 and 12.3 MiB an hour, 7 and 22 descriptors.
MEMORY = {"mean": (6, 20), "node": (10, 60)}
DESCRIPTORS = {"mean": (6, 20), "node": (12, 90)}
# A slope is told if its standard error is so much smaller than what it is held against.
CERTAIN = 4


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


def of_memory(quiet, nodes, minutes, found):
    bound, each = bound_of(MEMORY["mean"], minutes), bound_of(MEMORY["node"], minutes)
    what, slope, error = growth(series_of(quiet, None, 0), bound)
    grown = {node: growth(series_of(quiet, node, 0), each) for node in nodes}
    most = max(grown, key=lambda node: grown[node][1])
    faults = [f"the mean of memory: {what}"] if what else []
    faults += [f"memory of {node}: {what}, {slope:+.1f} ± {error:.1f} MiB an hour" for node, (what, slope, error) in grown.items() if what]
    found.add(faults, f"slope without updates {slope:+.1f} ± {error:.1f} MiB an hour (bound {bound:.1f}), at most {grown[most][1]:+.1f} ± "
              f"{grown[most][2]:.1f} of {most} (bound {each:.1f}): {'flat' if not faults else 'NOT FLAT'}")


def of_descriptors(quiet, nodes, minutes, found):
    bound, each = bound_of(DESCRIPTORS["mean"], minutes), bound_of(DESCRIPTORS["node"], minutes)
    early, late = quiet[:max(1, len(quiet) // 3)], quiet[-max(1, len(quiet) // 4):]
    medians = {node: [statistics.median(rows[node][1] for _, rows in part if node in rows) for part in (early, late)] for node in nodes}
    more = {node: last - first for node, (first, last) in medians.items()}
    most, mean = max(more, key=more.get), statistics.fmean(more.values())
    faults = [f"descriptors of {node}: {medians[node][0]:g} in the middle, {medians[node][1]:g} at the end" for node in nodes if more[node] > each]
    if mean > bound:
        faults.append(f"descriptors: {mean:+.1f} a node from the middle to the end")
    found.add(faults, f"descriptors from the middle to the end: {mean:+.1f} a node (bound {bound:.1f}), at most {more[most]:+g} of {most} "
              f"(bound {each:.1f}): {'none lost' if not faults else 'LOST'}")


def of_growth(samples, updated, found):
    first, end = samples[0][1], samples[-1][0]
    still = max(end / 2, updated + 60)
    quiet = [sample for sample in samples if sample[0] > still]
    minutes = max(0, end - still) / 60
    # Who ended between is a fault of its own.
    whole = [node for node in first if quiet and all(node in rows for rows in (quiet[0][1], quiet[-1][1]))]
    if minutes < JUDGED or len(quiet) < 12 or not whole:
        return found.leave("growth without updates", f"{minutes:.1f} minutes of it; from {JUDGED} on it is judged")
    of_memory(quiet, whole, minutes, found)
    of_descriptors(quiet, whole, minutes, found)
