# SPDX-License-Identifier: Apache-2.0
"""The lab's emulator measured from within: what it promises of delay, loss, rate and order, of translators, censors, observers
and clocks. When these fail, the lab is at fault."""
import json
import os
import struct
import subprocess
import sys
import time

import lab as laboratory
from lab import Path
from registry import case

SCRIPT = laboratory.ROOT / "Interop/probe.py"
# The system's: the one that runs this may lie where nobody but its owner may look.
PYTHON = "/usr/bin/python3"


def probe(host, *words, **options):
    done = host.run([sys.executable, SCRIPT, *words], **options)
    return json.loads(done.stdout.splitlines()[-1])


def echo(host, port=7000):
    host.start([sys.executable, SCRIPT, "echo", host.address, port]).wait_line(lambda line: "ready" in line, 10)
    return f"{host.address}:{port}"


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


@case("lab", "a path of 40 ms has a round trip of 80 ms; jitter adds to it, and keeps the order")
def delay(network):
    net = network.internet()
    near, far = net.host("near", Path(delay="30ms")), net.host("far", Path(delay="10ms"))
    seen = probe(near, "ping", echo(far), 40, 0.01)
    # A busy machine is late, never early.
    expect(seen["answers"] == 40 and 80 <= min(seen["ms"]) < 100, f"{seen}")
    near.shape(Path(delay="30ms", jitter="40ms"))
    # Packets that follow each other closely wait for those before them, so that most have more than the mean of the jitter.
    seen = probe(near, "ping", f"{far.address}:7000", 100, 0.005)
    expect(seen["order"] == sorted(seen["order"]), f"{seen}")
    seen = probe(near, "ping", f"{far.address}:7000", 40, 0.05)
    expect(80 <= min(seen["ms"]) < 115 and max(seen["ms"]) > 120, f"{seen}")


@case("lab", "a path loses, doubles and reorders as many packets as it is told, the same ones for the same seed")
def accidents(network):
    def run(path, seed=5):
        net = network.internet(seed)
        near, far = net.host("near", path, Path()), net.host("far")
        return probe(near, "ping", echo(far), 2000, 0.0005)

    seen, again = run(Path(loss=0.1)), run(Path(loss=0.1))
    expect(1700 <= seen["answers"] <= 1890, f"{seen['answers']} of 2000 at a loss of a tenth")
    expect(set(seen["order"]) == set(again["order"]), "other packets were lost in the second run")
    seen = run(Path(duplicate=0.2))
    expect(2300 <= seen["answers"] <= 2500, f"{seen['answers']} of 2000, of which a fifth should come twice")
    seen = run(Path(delay="5ms", reorder=0.1, reorder_by="20ms"))
    late = sum(1 for one, other in zip(seen["order"], seen["order"][1:]) if other < one)
    expect(seen["answers"] == 2000 and late >= 100, f"{late} packets came late")


@case("lab", "a path of 200 Mbit/s and 50 ms carries them on TCP, and its queue is as long as told")
def rate(network):
    net = network.internet()
    near, far = net.host("near", Path("200mbit", "25ms", queue="200ms")), net.host("far")
    sink = far.start([sys.executable, SCRIPT, "sink", far.address, 7001])
    sink.wait_line(lambda line: "ready" in line, 10)
    before = net.emulator.cpu_seconds()
    near.run([sys.executable, SCRIPT, "flood", f"{far.address}:7001", 4, "cubic"])
    seen = json.loads(sink.wait_line(lambda line: "mbit" in line, 10)[1])
    busy = (net.emulator.cpu_seconds() - before) / seen["seconds"]
    print(f"      {seen['mbit']:.0f} Mbit/s, of them {seen['late']:.0f} in the second half; the emulator had {busy:.0%} of a core")
    expect(150 <= seen["late"] <= 201, f"{seen}")


def reflectors(net):
    """Two hosts with two ports each, that say whom they see: mapping and filtering as RFC 4787 has them."""
    hosts = [net.host("first"), net.host("second")]
    return [echo(host, port) for host in hosts for port in (7000, 7001)]


def register_translator(kind, same_mapping, admits):
    @case("lab", f"RFC 4787: a translator of kind {kind} maps and filters as it should")
    def translator(network):
        net = network.internet()
        home = net.home(kind)
        inner, places = net.host("inner", home=home), reflectors(net)
        seen = probe(inner, "mapping", *places)
        expect(all(address == home.address for address, _ in seen["seen"]), f"{seen}")
        expect((len({port for _, port in seen["seen"]}) == 1) == same_mapping, f"mapped to {seen}")
        # It sends to the first place only; which of the four get through to where that place saw it?
        process = inner.start([sys.executable, SCRIPT, "listen", places[0]])
        outer = json.loads(process.wait_line(lambda line: "outer" in line, 10)[1])["outer"]
        for index, place in enumerate(places):
            host = [host for host in network.hosts if host.address == place.split(":")[0]][0]
            probe(host, "say", place, f"{outer[0]}:{outer[1]}", index)
        process.send("done")
        got = json.loads(process.wait_line(lambda line: "heard" in line, 10)[1])["heard"]
        expect(got == admits, f"heard {got} and not {admits}")


# Of: the place itself, another port of its host, another host (two ports).
register_translator("full", True, [0, 1, 2, 3])
register_translator("restricted", True, [0, 1])
register_translator("port", True, [0])
register_translator("symmetric", False, [0])


@case("lab", "two hosts behind one translator reach each other inside, and outside only where it hairpins")
def hairpin(network):
    net = network.internet()
    for turns in (False, True):
        home = net.home("full", f"home-{turns}", hairpin=turns)
        one, other = net.host(f"one-{turns}", home=home), net.host(f"other-{turns}", home=home)
        place = echo(other)
        expect(probe(one, "ping", place, 3, 0.01)["answers"] == 3, "not inside")
        home.forward(other, 7000, "udp")
        answers = probe(one, "ping", f"{home.address}:7000", 3, 0.01)["answers"]
        expect((answers == 3) == turns, f"{answers} answers by way of the outer address, hairpin {turns}")


@case("lab", "a censor drops by address, port and bytes, resets TCP for both sides, and pardons")
def censor(network):
    net = network.internet()
    near, far = net.host("near"), net.host("far")
    web = far.start([sys.executable, SCRIPT, "web", far.address, 8080])
    web.wait_line(lambda line: "ready" in line, 10)
    place = f"{far.address}:8080"
    expect(probe(near, "get", place, "harmless")["status"] == 200, "not without a censor")
    rule = net.censor(near, reset=True, protocol="tcp", text="forbidden")
    began = time.monotonic()
    expect(probe(near, "get", place, "forbidden") == {"error": "ConnectionResetError"}, "no reset")
    expect(time.monotonic() - began < 5 and net.hits(rule) >= 1, "the reset came late")
    web.wait_line(lambda line: "ConnectionResetError" in line, 10)
    expect(probe(near, "get", place, "harmless")["status"] == 200, "not after the reset")
    for conditions in ({"address": f"{far.address}/32"}, {"port": 8080, "protocol": "tcp"}):
        dropping = net.censor(**conditions)
        expect(probe(near, "get", place, "harmless", 1) == {"error": "TimeoutError"}, f"got through {conditions}")
        net.pardon(dropping)
    net.pardon(rule)
    expect(probe(near, "get", place, "forbidden")["status"] == 200, "not pardoned")


@case("lab", "an observer's capture holds every packet of a link as soon as it has passed, with checksums that are right")
def capture(network):
    net = network.internet()
    home = net.home("symmetric")
    near, far = net.host("near", home=home), net.host("far")
    place = echo(far)
    for host in (near, far):
        host.capture(host.path("seen.pcap"))
    expect(probe(near, "ping", place, 20, 0.001)["answers"] == 20, "lost on the way")
    for host in (near, far):
        bytes_, at, count = host.path("seen.pcap").read_bytes(), 24, 0
        while at < len(bytes_):
            size = struct.unpack_from("<I", bytes_, at + 8)[0]
            packet = bytes_[at + 16:at + 16 + size]
            at, count = at + 16 + size, count + 1
            expect(folded(packet[:20]) == 0, "an IPv4 checksum is wrong")
            pseudo = packet[12:20] + struct.pack(">HH", packet[9], len(packet) - 20)
            expect(folded(pseudo + packet[20:]) == 0, "a UDP checksum is wrong")
        expect(count == 40, f"{count} packets seen and not 40")
    expect(bytes([10, 120]) in far.path("seen.pcap").read_bytes(), "the observer outside does not see the translator's address")


def folded(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) & 1 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


@case("lab", "the lab's clock moves by 36 hours for the processes in it, while they run, and for nobody else")
def clock(network):
    network.clock()
    host = network.host("host")
    process = host.start([sys.executable, SCRIPT, "clock"])
    first = json.loads(process.wait_line(lambda line: "wall" in line, 10)[1])
    network.clock("+36h")
    last = json.loads(process.wait_line(lambda line: "wall" in line and json.loads(line)["wall"] - first["wall"] > 3600, 10)[1])
    ahead = last["wall"] - first["wall"] - (last["monotonic"] - first["monotonic"])
    expect(abs(ahead - 36 * 3600) < 2, f"{ahead} s ahead")
    expect(0 <= last["monotonic"] - first["monotonic"] < 60, "the monotonic clock moved too")
    outside = subprocess.run([sys.executable, "-c", "import time; print(time.time())"], stdout=subprocess.PIPE, text=True, check=True)
    expect(abs(float(outside.stdout) - time.time()) < 60, "the clock moved outside")


# What must be refused, and what of the reason.
REFUSED = {
    "host inner": "a host is called inner already", "host third foo=1": "'foo' is no setting of a host: home, rate", "host third delay": "delay has no value",
    "host third rate=fast": "'fast' is no amount", "host third rate=0mbit": "carries nothing", "host third loss=x": "loss=x is no probability", "host third loss=2": "is no probability",
    "host third delay=-5ms": "delay is below zero", "host third home=nowhere": "no home is called nowhere: flat", "host third delay=1ms delay=2ms": "delay is given twice",
    "host ../third": "is no name", "host": "as it is given: host NAME", "home flat full": "a home is called flat already", "home round circle": "'circle' is no kind of home",
    "shape inner home=flat": "'home' is no setting of a link", "cut inner banana": "'banana' is no state of a cut: on, off", "cut inner on off": "as it is given: cut NAME",
    "capture inner": "as it is given: capture NAME FILE|off", "censor inner explode": "'explode' is no action of a censor: drop, reset",
    "censor inner drop colour=red": "'colour' is no condition", "censor inner drop text=": "text has no value", "censor inner drop port=x": "a port is a number from 1",
    "censor inner drop port=80x": "a port is a number from 1", "censor inner drop protocol=smtp": "protocols are tcp, udp and icmp",
    "censor * drop share=2": "a share is a number from 0 to 1", "censor inner drop address=10.0.0.0/40": "an address is", "censor nobody drop": "no host is called nobody: inner, outer",
    "clock banana": "'banana' is no amount", "pardon rule99": "no rule has this name", "run inner": "as it is given: run NAME PROGRAM", "up soon": "as it is given: up [SEED]",
}


@case("lab", "without root a lab is made, shaped, censored and entered by its commands, in a user namespace of its own; what it does not understand it refuses")
def by_hand(network):
    scratch = network.host("outside").path("socket").parent
    os.chmod(network.scratch, 0o755)
    os.chmod(scratch, 0o777)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*nobody, "unshare", "-rn", PYTHON, "-c", ""], stderr=subprocess.DEVNULL, check=False).returncode:
        print("      this system lets nobody but root make namespaces, or has no Python: nothing is tried")
        return
    # As the documents tell it: nobody names the socket.
    argv = [*nobody, "env", "-u", "ROOST_LAB", PYTHON, laboratory.ROOT / "Interop/lab"]
    environment = {"TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    holder = network.hosts[0].start([*argv, "up"], env=environment)
    holder.wait_line(lambda line: "is up" in line, 60)

    def tell(*words):
        done = subprocess.run([*map(str, argv), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, env={**os.environ, **environment}, check=False)
        return done.stdout.strip(), done.stderr.strip()

    tell("home", "flat", "port")
    inner, outer = tell("host", "inner", "home=flat", "delay=5ms")[0], tell("host", "outer")[0]
    expect(inner.startswith("192.168.") and outer.startswith("10."), f"{inner} and {outer}")
    server = subprocess.Popen([*map(str, argv), "run", "outer", PYTHON, SCRIPT, "echo", outer, "7000"], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        expect("ready" in server.stdout.readline(), "no echo")
        seen = json.loads(tell("run", "inner", PYTHON, SCRIPT, "ping", f"{outer}:7000", 5, 0.01)[0])
        expect(seen["answers"] == 5 and min(seen["ms"]) >= 10, f"{seen}")
        expect(tell("clock", "+36h")[0] == "+129600 s" and "no host is called" in tell("cut", "nobody")[1], "the commands")
        expect(json.loads(tell("show")[0])["inner"]["up"]["packets"] == 5, tell("show")[0])
        expect("a lab is up" in tell("up")[1], "a second lab takes the first one's socket")
        for words, reason in REFUSED.items():
            said = tell(*words.split())
            expect(not said[0] and reason in said[1] and "Traceback" not in said[1], f"{words}: {said}")
        expect(set(json.loads(tell("show")[0])) == {"inner", "outer"}, "what was refused was done")
        expect(json.loads(tell("run", "inner", PYTHON, SCRIPT, "ping", f"{outer}:7000", 5, 0.01)[0])["answers"] == 5, "what was refused was done")
        holder.stop()
        expect(server.wait(10) != 0, "what was begun in the lab goes on after it")
        left = [path.name for path in scratch.iterdir() if path.name.startswith("roost-lab")]
        expect(not left, f"left behind: {left}")
    finally:
        server.kill()
        server.wait()
