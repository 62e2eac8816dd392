# SPDX-License-Identifier: Apache-2.0
"""How the processes of a soak end: nodes that are killed, nodes that are asked, and the company that must live until the end."""
import json
import os
import pathlib
import signal
import time

# Seconds that a node has from the request to end until it is killed.
PATIENCE = 30


class Company:
    """Hostile neighbours and the DHT: each ends with its input, and says then what it has done."""

    def __init__(self, members):
        """`members`: name → process"""
        self.members = members
        self.record = {name: {"ended": None, "code": None, "sent": None} for name in members}

    def watch(self, now):
        """Those that have ended since the last look, though nobody asked them to."""
        for name, process in self.members.items():
            if process.exited is not None and self.record[name]["ended"] is None:
                self.record[name].update(ended=now, code=process.p.returncode)
                yield name, process.p.returncode

    def dismiss(self):
        for name, process in self.members.items():
            if self.record[name]["ended"] is None:
                process.p.stdin.close()
        for name, process in self.members.items():
            try:
                self.record[name].update(code=process.code(PATIENCE), sent=sent_by(process))
            except TimeoutError:
                # It is ended with its host.
                pass


def sent_by(process):
    """What it counted, of a process that counts."""
    for _, line in reversed(process.lines):
        try:
            return json.loads(line)["sent"]
        except (ValueError, KeyError, TypeError):
            continue
    return None


def end(node, how, now, last=False):
    """Ends a node as it is told, and writes down how it went."""
    process, began = node.process, time.monotonic()
    if process.exited is not None:
        how = "itself"
    elif how == "killed":
        # Not by the process object, which would look for its end and take the exit status from who waits for it.
        os.kill(process.pid, signal.SIGKILL)
        process.wait_exit(PATIENCE)
    else:
        process.stop(timeout=PATIENCE)
    return {"second": now, "node": node.host.name, "how": how, "code": process.p.returncode, "took": time.monotonic() - began, "last": last}


def doctor_of(node):
    """What the doctor of a running node finds: its exit status and the problems."""
    done = node.command("doctor", "--no-start", "--no-repair", "--json", check=False)
    try:
        findings = json.loads(done.stdout)["findings"]
        problems = [finding["what"] for finding in findings if finding["state"] != "ok"]
    except (ValueError, KeyError):
        problems = [(done.stderr or done.stdout).strip()[-300:]]
    return {"doctor": done.returncode, "problems": problems}


def left_by(node):
    """What a node that was asked to end has left: unfinished files, a log that is not written back into the database, processes."""
    home = pathlib.Path(node.home)
    left = [str(path.relative_to(home)) for path in [*home.glob("tmp/*"), *(log for log in home.glob("*-wal") if log.stat().st_size)]]
    # Commands that were under way see that the node is gone.
    end = time.monotonic() + PATIENCE
    while (others := node.host.others()) and time.monotonic() < end:
        time.sleep(0.1)
    return left + [f"process {pid} ({name})" for pid, name in others]
