# SPDX-License-Identifier: Apache-2.0
"""A lab to work in by hand: `python3 Interop/lab --help`, docs/lab.md."""
import argparse
import json
import os
import pathlib
import socket
import sys
import tempfile

sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)
import lab  # noqa: E402

# Named for the process that `up` runs as root in a user namespace of its own, too.
SOCKET = os.environ.setdefault("ROOST_LAB", f"{tempfile.gettempdir()}/roost-lab-{os.getuid()}.sock")


class World:
    """The lab that `up` holds; each method is a command of others."""

    def __init__(self, network, seed):
        self.network, self.internet, self.homes = network, network.internet(seed), {}
        network.clock()

    def _host(self, name):
        for host in self.network.hosts:
            if host.name == name:
                return host
        raise ValueError(f"no host is called {name}")

    @staticmethod
    def _path(settings):
        known = {"rate": str, "delay": str, "jitter": str, "queue": str, "loss": float, "duplicate": float, "reorder": float, "reorder_by": str}
        pairs = [word.split("=", 1) for word in settings]
        return lab.Path(**{name: known[name](value) for name, value in pairs})

    def home(self, name, kind):
        self.homes[name] = self.internet.home(kind, name)
        return self.homes[name].address

    def host(self, name, *settings):
        behind = [word[5:] for word in settings if word.startswith("home=")]
        path = self._path([word for word in settings if not word.startswith("home=")])
        return self.internet.host(name, path, home=self.homes[behind[0]] if behind else None).address

    def shape(self, name, *settings):
        self._host(name).shape(self._path(settings))

    def cut(self, name, state="on"):
        self._host(name).cut(state == "on")

    def capture(self, name, file):
        host = self._host(name)
        host.stop_capture() if file == "off" else host.capture(os.path.abspath(file))

    def censor(self, host, action, *conditions):
        words = dict(word.split("=", 1) for word in conditions)
        return self.internet.censor(None if host == "*" else self._host(host), action == "reset", **words)

    def pardon(self, rule):
        self.internet.pardon(rule)

    def clock(self, shift="+0s"):
        return f"{self.network.clock(shift):+.0f} s"

    def show(self):
        return {host.name: {"address": host.address, "home": host.home.name if host.home else None, **host.traffic()} for host in self.network.hosts}

    def enter(self, name):
        """What `run` needs to enter a host."""
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


def answer(client, world):
    """One command. Neither a wrong one nor a client that goes may end the lab."""
    try:
        with client.makefile("rw") as stream:
            line = stream.readline()
            if not line:
                # Somebody looked whether a lab is up.
                return
            try:
                words = json.loads(line)
                said = {"value": getattr(world, words[0])(*words[1:])}
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
            answer = json.loads(stream.readline())
    if "error" in answer:
        sys.exit(answer["error"])
    return answer["value"]


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
    if given.command == "up":
        return serve(*map(int, given.words or [1]))
    if given.command == "run":
        return run(given.words[0], given.words[1:])
    value = ask(given.command, *given.words)
    if value is not None:
        print(value if isinstance(value, str) else json.dumps(value, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
