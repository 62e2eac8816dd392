# SPDX-License-Identifier: Apache-2.0
"""What `run.py` measures: the groups of commands, each a few minutes, and the lines of the acceptance table made of their rows.

A group's rows carry its name. A line is a figure of one group, computed from medians, with its bar and its goal."""
import statistics
from dataclasses import dataclass
from typing import Callable

OURS, TUNED, THEIRS = "roost:roost", "libtorrent-tuned:libtorrent-tuned", "libtorrent:libtorrent"
SMALL = ["--files", "10000", "--file-size", "4k", "--piece", "64k"]
COMPARED = ["--client", "roost", "--client", "libtorrent"]


def pairs(*names):
    return [word for name in names for word in ("--pair", name)]


# name → (script, arguments, may its --runs be set)
GROUPS = {
    "limits": ("limits.py", [], True),
    "v1": ("bt_transfer.py", ["--size", "1G", *pairs(OURS, TUNED)], True),
    "mixed": ("bt_transfer.py", ["--size", "1G", *pairs("roost:libtorrent", "libtorrent:roost", THEIRS)], True),
    "v2": ("bt_transfer.py", ["--size", "1G", "--kind", "v2", *pairs(OURS, THEIRS)], True),
    "hybrid": ("bt_transfer.py", ["--size", "1G", "--kind", "hybrid", *pairs(OURS, THEIRS)], True),
    "disk-v1": ("bt_transfer.py", ["--size", "1G", "--store", "disk", *pairs(OURS, THEIRS)], True),
    "disk-v2": ("bt_transfer.py", ["--size", "1G", "--store", "disk", "--kind", "v2", *pairs(OURS, THEIRS)], True),
    "disk-hybrid": ("bt_transfer.py", ["--size", "1G", "--store", "disk", "--kind", "hybrid", *pairs(OURS, THEIRS)], True),
    "crowd": ("bt_transfer.py", ["--size", "256M", "--leechers", "8", *pairs(OURS, TUNED)], True),
    "small-v1": ("bt_transfer.py", [*SMALL, *pairs(OURS, TUNED)], True),
    "small-v2": ("bt_transfer.py", [*SMALL, "--kind", "v2", *pairs(OURS, THEIRS)], True),
    "small-check": ("bt_check.py", [*SMALL, "--what", "create,check", *COMPARED], True),
    "check": ("bt_check.py", ["--size", "1G", "--what", "openssl,create,check", *COMPARED], True),
    "magnet-20": ("bt_magnet.py", ["--files", "20", *pairs(OURS, THEIRS)], True),
    "magnet-10000": ("bt_magnet.py", ["--files", "10000", "--file-size", "64", *pairs(OURS, THEIRS)], True),
    "probe": ("bt_probe.py", ["--seeder", "roost", "--seeder", "libtorrent"], True),
    "utp": ("bt_transfer.py", ["--size", "256M", "--utp", "only", *pairs(OURS, THEIRS)], True),
    "utp-beside-tcp": ("utp_beside_tcp.py", [], False),
    "dht-answers": ("bt_dhtload.py", ["--methods", "find_node,get", "--target", "roost", "--target", "libtorrent"], False),
    "dht-get": ("bt_dht.py", ["--nodes", "100", "--dead", "0.3", "--ops", "10", "--client", "roost"], False),
    "gateway": ("gateway.py", [], False),
}


class Rows:
    """The rows of one group that have these values, and medians over them."""

    def __init__(self, rows):
        self.rows = rows

    def of(self, pair=None, **wanted):
        if pair:
            wanted["seeder"], wanted["leecher"] = pair.split(":")
        return Rows([row for row in self.rows if all(row.get(key) == value for key, value in wanted.items())])

    def median(self, *keys):
        """The median over the rows of the sum of these figures; StatisticsError where there is none."""
        return statistics.median(sum(row[key] for key in keys) for row in self.rows if all(row.get(key) is not None for key in keys))


@dataclass
class Line:
    """One line of the table: `figure` of the group's rows must be at least (or at most) the bar."""

    title: str
    group: str
    figure: Callable
    at_least: bool
    bar: float
    goal: float
    unit: str = ""

    def holds(self, value, bound):
        return value >= bound if self.at_least else value <= bound


def rate(ours, theirs):
    return lambda rows: (rows.of(ours).median("MBps"), rows.of(theirs).median("MBps"), "MB/s")


def seconds(ours, theirs):
    return lambda rows: (rows.of(ours).median("wall_s"), rows.of(theirs).median("wall_s"), "s")


def work(bench, kind):
    return lambda rows: tuple(rows.of(bench=bench, kind=kind, client=name).median("wall_s") for name in ("roost", "libtorrent")) + ("s",)


def of_openssl(kind, algorithm):
    return lambda rows: (rows.of(bench="check", kind=kind, client="roost").median("MBps"), rows.of(bench="openssl", alg=algorithm).median("MBps_all_cores"), "MB/s")


def answer(method):
    return lambda rows: tuple(rows.of(bench="dhtload", target=name, method=method).median("cpu_us_per_answer") for name in ("roost", "libtorrent")) + ("µs",)


def alone(key, **wanted):
    return lambda rows: rows.of(**wanted).median(key)


LINES = [
    Line("1 GiB v1, tmpfs: rate ÷ libtorrent tuned", "v1", rate(OURS, TUNED), True, 1.3, 2),
    Line("the same: CPU of both sides ÷ tuned", "v1", lambda r: (r.of(OURS).median("seeder_cpu_s", "leecher_cpu_s"), r.of(TUNED).median("seeder_cpu_s", "leecher_cpu_s"), "s"), False, 0.8, 0.5),
    Line("the same: peak memory of the leecher", "v1", alone("leecher_rss_MiB", pair=OURS), False, 96, 48, "MiB"),
    Line("first verified piece, dialling", "v1", lambda r: 1000 * r.of(OURS).median("first_piece_s"), False, 20, 5, "ms"),
    Line("1 GiB v2, tmpfs: rate ÷ libtorrent", "v2", rate(OURS, THEIRS), True, 2, 3),
    Line("1 GiB hybrid, tmpfs: rate ÷ libtorrent", "hybrid", rate(OURS, THEIRS), True, 2, 3),
    Line("1 GiB v1, disk: rate ÷ libtorrent", "disk-v1", rate(OURS, THEIRS), True, 2, 3),
    Line("1 GiB v2, disk: rate ÷ libtorrent", "disk-v2", rate(OURS, THEIRS), True, 2, 3),
    Line("1 GiB hybrid, disk: rate ÷ libtorrent", "disk-hybrid", rate(OURS, THEIRS), True, 2, 3),
    Line("Roost → libtorrent ÷ libtorrent → libtorrent", "mixed", rate("roost:libtorrent", THEIRS), True, 1.0, 1.5),
    Line("libtorrent → Roost ÷ libtorrent → libtorrent", "mixed", rate("libtorrent:roost", THEIRS), True, 1.0, 1.2),
    Line("lone 16 KiB block, round trip", "probe", alone("block_rtt_ms_median", seeder="roost"), False, 1, 0.1, "ms"),
    Line("8 leechers, 256 MiB: time ÷ tuned", "crowd", seconds(OURS, TUNED), False, 0.7, 0.4),
    Line("10,000 × 4 KiB, v1: time ÷ tuned", "small-v1", seconds(OURS, TUNED), False, 1.1, 0.6),
    Line("10,000 × 4 KiB, v2: time ÷ libtorrent", "small-v2", seconds(OURS, THEIRS), False, 0.12, 0.06),
    *[Line(f"10,000 × 4 KiB, {kind}: create ÷ libtorrent", "small-check", work("create", kind), False, 0.8, 0.4) for kind in ("v1", "v2", "hybrid")],
    *[Line(f"10,000 × 4 KiB, {kind}: re-check ÷ libtorrent", "small-check", work("check", kind), False, 1.0, 0.5) for kind in ("v1", "v2", "hybrid")],
    Line("re-check 1 GiB v1 ÷ `openssl speed -multi` SHA-1", "check", of_openssl("v1", "sha1"), True, 0.7, 0.82),
    Line("re-check 1 GiB v2 ÷ `openssl speed -multi` SHA-256", "check", of_openssl("v2", "sha256"), True, 0.7, 0.82),
    Line("magnet → metadata, 20 files", "magnet-20", alone("metadata_ms", pair=OURS), False, 5, 2, "ms"),
    Line("magnet → metadata, 10,000 files", "magnet-10000", alone("metadata_ms", pair=OURS), False, 15, 5, "ms"),
    Line("uTP only, 256 MiB: rate ÷ libtorrent", "utp", rate(OURS, THEIRS), True, 5, 20),
    Line("uTP beside TCP, 200 Mbit/s, queue of 100 ms: TCP keeps", "utp-beside-tcp", alone("kept", queue="100ms"), True, 0.9, 0.9),
    Line("DHT find_node: CPU an answer ÷ libtorrent", "dht-answers", answer("find_node"), False, 0.6, 0.3),
    Line("DHT get: CPU an answer ÷ libtorrent", "dht-answers", answer("get"), False, 0.6, 0.3),
    Line("BEP 44 get, 100 nodes, 30 silent: the slowest of 10", "dht-get", alone("max_ms", what="get"), False, 1500, 300, "ms"),
    Line("first byte of a page that is there", "gateway", alone("median_ms", bench="gateway first byte, cached"), False, 5, 5, "ms"),
    Line("first byte of a page that a connected peer has", "gateway", alone("median_ms", bench="gateway first byte, uncached"), False, 50, 50, "ms"),
]
