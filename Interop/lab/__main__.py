# SPDX-License-Identifier: Apache-2.0
"""A lab to work in by hand: `python3 Interop/lab --help`, docs/lab.md."""
import argparse
import inspect
import json
import os
import pathlib
import re
import socket
import sys
import tempfile

sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)
import lab  # noqa: E402

# Named for the process that `up` runs as root in a user namespace of its own, too.
SOCKET = os.environ.setdefault("ROOST_LAB", f"{tempfile.gettempdir()}/roost-lab-{os.getuid()}.sock")


# What a link may be told, and how it is read.
SETTINGS = {"rate": str, "delay": str, "jitter": str, "queue": str, "loss": float, "duplicate": float, "reorder": float, "reorder_by": str}
CONDITIONS = ("address", "port", "protocol", "text", "data", "share")


def one_of(word, known, what):
    if word not in known:
        raise ValueError(f"{word!r} is no {what}: {', '.join(known)}")
    return word


def pairs(words, known, what):
    """NAME=VALUE…, of these names, each once."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        one_of(name, known, what)
        if not equals or not value:
            raise ValueError(f"{name} has no value: {name}=VALUE")
        if name in found:
            raise ValueError(f"{name} is given twice")
        found[name] = value
    return found


class World:
    """The lab that `up` holds; each method is a command of others. What is not understood is refused before anything is done."""

    def __init__(self, network, seed):
        self.network, self.internet, self.homes = network, network.internet(seed), {}
        network.clock()

    def _host(self, name):
        for host in self.network.hosts:
            if host.name == name:
                return host
        raise ValueError(f"no host is called {name}: {', '.join(host.name for host in self.network.hosts) or 'none was made; host NAME makes one'}")

    @staticmethod
    def _free(name, taken, what):
        if name in taken:
            raise ValueError(f"a {what} is called {name} already: take another name")
        # It is a folder's name, too.
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,30}", name):
            raise ValueError(f"{name!r} is no name: up to 31 letters, digits, dots and dashes")

    @staticmethod
    def _path(given):
        values = {}
        for name, value in given.items():
            try:
                values[name] = SETTINGS[name](value)
            except ValueError:
                raise ValueError(f"{name}={value} is no probability: from 0 to 1") from None
        path = lab.Path(**values)
        path.words()
        return path

    def home(self, name, kind):
        """home NAME full|restricted|port|symmetric"""
        self._free(name, self.homes, "home")
        one_of(kind, lab.KINDS, "kind of home")
        self.homes[name] = self.internet.home(kind, name)
        return self.homes[name].address

    def host(self, name, *settings):
        """host NAME [home=NAME] [SETTING=VALUE…]"""
        self._free(name, [host.name for host in self.network.hosts], "host")
        given = pairs(settings, ["home", *SETTINGS], "setting of a host")
        home = given.pop("home", None)
        if home is not None and home not in self.homes:
            raise ValueError(f"no home is called {home}: {', '.join(self.homes) or 'none was made; home NAME KIND makes one'}")
        return self.internet.host(name, self._path(given), home=self.homes.get(home)).address

    def shape(self, name, *settings):
        """shape NAME [SETTING=VALUE…]"""
        self._host(name).shape(self._path(pairs(settings, SETTINGS, "setting of a link")))

    def cut(self, name, state="on"):
        """cut NAME [on|off]"""
        self._host(name).cut(one_of(state, ("on", "off"), "state of a cut") == "on")

    def capture(self, name, file):
        """capture NAME FILE|off"""
        host = self._host(name)
        host.stop_capture() if file == "off" else host.capture(file)

    def censor(self, host, action, *conditions):
        """censor NAME|'*' drop|reset [CONDITION=VALUE…]"""
        at = None if host == "*" else self._host(host)
        one_of(action, ("drop", "reset"), "action of a censor")
        return self.internet.censor(at, action == "reset", **pairs(conditions, CONDITIONS, "condition of a censor"))

    def pardon(self, rule):
        """pardon RULE"""
        self.internet.pardon(rule)

    def clock(self, shift="+0s"):
        """clock [±AMOUNT]"""
        return f"{self.network.clock(shift):+.0f} s"

    def show(self):
        """show"""
        return {host.name: {"address": host.address, "home": host.home.name if host.home else None, **host.traffic()} for host in self.network.hosts}

    def enter(self, name):
        """run NAME PROGRAM [ARGUMENT…]"""
        # What `run` needs to enter a host.
        host = self._host(name)
        return {"pid": host.holder.pid, "folder": str(host.folder), "environment": host.environment}


COMMANDS = [name for name in vars(World) if name[0] != "_" and name != "enter"]


def is_up():
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(SOCKET)
            return True
        except OSError:
            return False


def serve(seed):
    if is_up():
        sys.exit(f"a lab is up at {SOCKET}: end it, or name another socket in ROOST_LAB")
    lab.enter()
    with lab.Lab() as network:
        world = World(network, seed)
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(SOCKET)
        try:
            os.chmod(SOCKET, 0o600)
            listener.listen()
            print(f"the lab is up at {SOCKET}; Ctrl-C ends it with all that runs in it", flush=True)
            while True:
                client, _ = listener.accept()
                with client:
                    answer(client, world)
        except KeyboardInterrupt:
            pass
        finally:
            os.unlink(SOCKET)


def obey(world, command, *words):
    method = getattr(world, command)
    try:
        inspect.signature(method).bind(*words)
    except TypeError:
        raise ValueError(f"as it is given: {method.__doc__}") from None
    return method(*words)


def answer(client, world):
    """One command. Neither a wrong one nor a client that goes may end the lab."""
    try:
        with client.makefile("rw") as stream:
            line = stream.readline()
            if not line:
                # Somebody looked whether a lab is up.
                return
            try:
                said = {"value": obey(world, *json.loads(line))}
            except Exception as error:  # noqa: BLE001
                said = {"error": str(error) or type(error).__name__}
            stream.write(json.dumps(said) + "\n")
    except OSError:
        pass


def ask(*words):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(SOCKET)
        except OSError:
            sys.exit("no lab is up: python3 Interop/lab up")
        with client.makefile("rw") as stream:
            stream.write(json.dumps(words) + "\n")
            stream.flush()
            line = stream.readline()
    if not line:
        sys.exit("the lab has ended: python3 Interop/lab up")
    said = json.loads(line)
    if "error" in said:
        sys.exit(f"{words[0]}: {said['error']}")
    return said["value"]


def run(name, argv):
    host = ask("enter", name)
    os.chdir(host["folder"])
    os.environ.update(host["environment"])
    # Without root the lab has a user namespace of its own, to be entered first.
    user = [] if os.readlink(f"/proc/{host['pid']}/ns/user") == os.readlink("/proc/self/ns/user") else ["-U", "--preserve-credentials"]
    os.execvp("nsenter", ["nsenter", "-t", str(host["pid"]), *user, "-n", *argv])


def main():
    options = argparse.ArgumentParser(prog="Interop/lab", description=__doc__)
    options.add_argument("command", choices=["up", "run", *COMMANDS])
    options.add_argument("words", nargs=argparse.REMAINDER)
    given = options.parse_args()
    words = given.words
    if given.command == "up":
        if words and not (len(words) == 1 and words[0].isdigit()):
            options.error("as it is given: up [SEED], a whole number")
        return serve(int(words[0]) if words else 1)
    if given.command == "run":
        if len(words) < 2:
            options.error(f"as it is given: {World.enter.__doc__}")
        return run(words[0], words[1:])
    if given.command == "capture" and len(words) == 2 and words[1] != "off":
        # The lab stands in another folder.
        words[1] = os.path.abspath(words[1])
    value = ask(given.command, *words)
    if value is not None:
        print(value if isinstance(value, str) else json.dumps(value, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
