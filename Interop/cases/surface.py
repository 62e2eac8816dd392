# SPDX-License-Identifier: Apache-2.0
"""The words, codes and JSON that scripts build on: one value on standard output, errors as JSON, codes of sysexits."""
import json
import os
import shutil
import signal
import time

import roost
from clients import PORT
from registry import case

NOWHERE = "betanet://" + "11" * 32
INTERRUPTED, PIECE = 16 << 20, 1 << 18
# Seconds after the start: before, while and after it begins.
INSTANTS = (0, 0.02, 0.06, 0.12, 0.2, 0.3, 0.45, 0.6, 0.8, 1.5, 2)


def outcome(host, home, *arguments, timeout=60):
    """(exit code, the one JSON value on standard output or None, the error or None)."""
    done = host.run([roost.BINARY, *arguments, "--home", home, "--json"], timeout=timeout, check=False)
    out = json.loads(done.stdout) if done.stdout.strip() else None
    error = json.loads(done.stderr)["error"] if done.stderr.strip() else None
    if error is not None and set(error) != {"kind", "message", "remedy"}:
        raise AssertionError(f"{arguments}: the error has {sorted(error)}")
    return done.returncode, out, error


def expect(host, home, code, kind, *arguments):
    got, out, error = outcome(host, home, *arguments)
    if got != code or (error or {}).get("kind") != kind or (code and out is not None):
        raise AssertionError(f"{arguments}: ended with {got}, {out}, {error}, and not with {code} and {kind}")


@case("surface", "wrong words and wrong things end with their exit codes, one JSON value each")
def codes(lab):
    host = lab.host("user")
    home = str(host.path("home"))
    expect(host, home, 69, "unavailable", "status")
    expect(host, home, 69, "unavailable", "site", "list", "--no-start")
    expect(host, home, 64, "usage", "publish")
    expect(host, home, 64, "usage", "start", "--nonsense")
    for words, named in ((["frobnicate"], "frobnicate"), (["site", "frobnicate"], "frobnicate"), (["dht"], "needs a command"), (["pubish", "x"], "roost publish")):
        code, _, error = outcome(host, home, *words)
        if code != 64 or named not in error["message"] + error["remedy"]:
            raise AssertionError(f"{words} ended with {code} and: {error}")
    expect(host, home, 78, "configuration", "config", "get", "nonsense")
    expect(host, home, 78, "configuration", "config", "set", "listen", "nonsense")
    expect(host, home, 66, "noInput", "torrent", "show", "/none/such")
    expect(host, home, 66, "noInput", "torrent", "create", "/none/such", "--torrent", host.path("x"))
    for length in ("100KiB", "3", "1GiB", "much"):
        expect(host, home, 64, "usage", "torrent", "create", "/etc/hostname", "--torrent", host.path("x"), "--kind", "v1", "--piece", length)
    expect(host, home, 65, "badData", "torrent", "show", "magnet:?xt=urn:btih:zz")
    expect(host, "/proc/none", 73, "cannotCreate", "init")
    if outcome(host, home, "init")[0] or not outcome(host, home, "init")[1]["made"] == []:
        raise AssertionError("init is not safe to repeat")


@case("surface", "a node's commands: publish, fetch and deny with bad input, and a second node that is told who is in its way")
def node(lab):
    host = lab.host("user")
    node = roost.Node(host)
    host.path("site").mkdir()
    host.path("empty").mkdir()
    host.path("site", "index.html").write_text("<p>here</p>")
    report = node.publish(host.path("site"), "--new", "--label", "1.0.0")
    for key in ("site", "key", "magnet", "v1", "v2", "seq", "label", "files", "bytes", "skipped", "gateway"):
        report[key]
    here = (host, node.home)
    expect(*here, 66, "noInput", "publish", host.path("none"))
    expect(*here, 66, "noInput", "publish", host.path("site", "index.html"))
    expect(*here, 66, "noInput", "publish", host.path("empty"))
    expect(*here, 65, "badData", "publish", host.path("site"), "--site", "nonsense")
    expect(*here, 77, "notPermitted", "publish", host.path("site"), "--site", NOWHERE)
    expect(*here, 64, "usage", "publish", host.path("site"), "--label", "1.0.0")
    expect(*here, 65, "badData", "open", "nonsense", "--print")
    expect(*here, 73, "cannotCreate", "fetch", report["site"], "-o", host.path("site"))
    expect(*here, 73, "cannotCreate", "fetch", report["site"], "-o", "/proc/none")
    expect(*here, 69, "notFound", "fetch", report["site"] + "@none", "-o", host.path("none"))
    if host.path("none").exists():
        raise AssertionError("a refused fetch left its folder")
    if outcome(*here, "deny", "add", NOWHERE)[0]:
        raise AssertionError("deny add")
    expect(*here, 77, "denied", "open", NOWHERE, "--print")
    if outcome(*here, "deny", "remove", NOWHERE)[0]:
        raise AssertionError("deny remove")
    expect(*here, 66, "noInput", "deny", "remove", NOWHERE)
    code, out, _ = outcome(*here, "why", "nonsense")
    if code != 65 or out["ok"]:
        raise AssertionError(f"why nonsense: {code} {out}")
    expect(*here, 75, "busy", "start")
    other = str(host.path("other"))
    code, _, error = outcome(host, other, "start")
    if code != 75 or "roost (process" not in error["message"]:
        raise AssertionError(f"a busy gateway port: {code} {error}")
    busy = f"{host.address}:{roost.PORT}"
    code, _, error = outcome(host, other, "start", "--listen", busy, "--gateway", "127.0.0.1:0", "--control", "127.0.0.1:0")
    if code != 75 or "roost (process" not in error["message"]:
        raise AssertionError(f"a busy port for peers: {code} {error}")
    if "holders" not in outcome(*here, "site", "show", report["site"], "--replicas")[1]:
        raise AssertionError("site show --replicas names nobody")


@case("surface", "a node that was killed is no node: its home is free, whoever has its number now")
def killed(lab):
    host = lab.host("user")
    home = host.path("home")
    outcome(host, str(home), "init")
    # What a crash leaves, after the number was given to another process: process 1 always runs.
    (home / "lock").write_text("1\n")
    expect(host, str(home), 69, "unavailable", "status")
    code, out, error = outcome(host, str(home), "start", "--detach", "--network", "none")
    if code or "peerID" not in out:
        raise AssertionError(f"no node could be started: {code} {error}")
    if outcome(host, str(home), "stop")[0]:
        raise AssertionError("stop")


@case("surface", "a download that Ctrl-C ends at any instant is not reported as done, and goes on from there")
def interrupted(lab):
    seeder, reader = lab.host("seeder"), lab.host("reader")
    source = seeder.path("data", "film.bin")
    source.write_bytes(os.urandom(INTERRUPTED))
    torrent = seeder.path("t.torrent")
    roost.run(seeder, "torrent", "create", source, "--torrent", torrent, "--piece", PIECE)
    seed = roost.Torrent(seeder, "seed", torrent, source.parent).wait_seeding()
    got = reader.path("got", "film.bin")
    command = [roost.BINARY, "torrent", "get", torrent, "--dir", got.parent, "--listen", f"{reader.address}:0", "--peer", seed.address, "--json"]
    for number, instant in enumerate(INSTANTS):
        process = reader.start([*command, "--rate-down", "1MiB"])
        time.sleep(instant)
        began = time.monotonic()
        process.p.send_signal(signal.SIGINT)
        if number % 3 == 2:
            process.p.send_signal(signal.SIGINT)
        code = process.code(8)
        # Before it has begun, the signal itself ends it; a shell calls that 130 too.
        if code not in (130, -signal.SIGINT) or time.monotonic() - began > 5:
            raise AssertionError(f"after {instant} s it ended with {code} in {time.monotonic() - began:.1f} s: {process.lines}")
    original, there = source.read_bytes(), got.read_bytes()
    kept = sum(original[at:at + PIECE] == there[at:at + PIECE] for at in range(0, len(original), PIECE))
    report = json.loads(reader.run(command).stdout)
    if got.read_bytes() != original:
        raise AssertionError("the file differs")
    if not kept or report["received"] > INTERRUPTED - (kept - 1) * PIECE:
        raise AssertionError(f"{kept} pieces of 256 KiB were there, and {report['received']} bytes came again")


@case("surface", "limits set while a node runs hold at once, and status shows them with every queue's bound")
def limits_hold(lab):
    seeder = roost.Node(lab.host("seeder"))
    source = seeder.host.path("site")
    source.mkdir()
    (source / "big.bin").write_bytes(os.urandom(1_500_000))
    report = seeder.publish(source, "--new")
    seeder.command("config", "set", "upload-limit", "300000")
    status = seeder.value("status")
    if status["limits"]["upload"] != 300_000:
        raise AssertionError(f"status says {status['limits']}")
    if any(queue["used"] > queue["bound"] for queue in status["queues"]) or len(status["queues"]) < 8:
        raise AssertionError(f"queues {status['queues']}")
    reader = roost.Node(lab.host("reader"))

    def seconds(folder):
        began = time.monotonic()
        reader.value("fetch", report["site"], "-o", str(reader.host.path(folder)), "--peer", f"{seeder.host.address}:{PORT}")
        return time.monotonic() - began

    slow = seconds("slow")
    if slow < 3:
        raise AssertionError(f"1.5 MB at 0.3 MB/s took {slow:.1f} s")
    shutil.rmtree(reader.host.path("slow"))
    reader.command("site", "remove", report["site"])
    seeder.command("config", "set", "upload-limit", "0")
    if seconds("quick") > slow / 2:
        raise AssertionError("the limit was not lifted")
