# SPDX-License-Identifier: Apache-2.0
"""What is seen of a soak's nodes while it runs: memory, descriptors and threads of each, and how full their queues are."""
import os

from lab import common
from soak_bounds import QUEUES, SLACK


class Watch:
    """Looks at the nodes of a soak and keeps what it saw; what is wrong already is the soak's to note."""

    def __init__(self, soak):
        self.soak = soak
        self.samples, self.churned, self.queues = [], [], {}

    def sample(self):
        """One look at everybody. Who comes and goes may be gone, if it was to go."""
        for name, code in self.soak.company.watch(self.soak.now):
            self.soak.fail(f"{name} ended with {code}")
        with self.soak.lock:
            present = [(node, node.process) for node in self.soak.churners if node not in self.soak.away]
        self.churned.append((self.soak.now, self.rows(present)))
        self.samples.append((self.soak.now, self.rows([(node, node.process) for node in self.soak.stayers])))

    def rows(self, processes):
        rows = {}
        for node, process in processes:
            try:
                memory = common.mem_of(process.pid)
                counts = [len(os.listdir(f"/proc/{process.pid}/{name}")) for name in ("fd", "task")]
            except OSError:
                # It ended between two looks.
                memory = None
            if memory and memory[1] and process.exited is None:
                rows[node.host.name] = [memory[1], *counts]
                continue
            with self.soak.lock:
                was_to_go = node in self.soak.away or node.process is not process
            if not was_to_go:
                self.soak.fail(f"{node.host.name}: the node ended: {node.host.log_tail(2)}", (node, "end"))
        return rows

    def look(self, node):
        """Notes how full every queue of the node is: its own, and those of each torrent."""
        status = node.value("status")
        own = status.get("queues") or []
        if missing := QUEUES - {queue["name"] for queue in own}:
            self.soak.fail(f"{node.host.name}: its status shows no queue {', '.join(sorted(missing))}")
        for torrent in status["torrents"]:
            if not torrent.get("queues"):
                self.soak.fail(f"{node.host.name}: a torrent in its status shows no queues")
            own += torrent.get("queues") or []
        for queue in own:
            self.note(node.host.name, **queue)

    def note(self, node, name, used, bound):
        """Keeps the fullest of each name, as seen from its bound."""
        known = self.queues.get(name)
        if known is None or used - bound > known["used"] - known["bound"]:
            self.queues[name] = {"used": used, "bound": bound, "node": node}
        if used > bound + SLACK.get(name, 0):
            print(f"{self.soak.now / 60:.1f} min: {node}: {name} holds {used} of {bound}", flush=True)
