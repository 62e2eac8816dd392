# SPDX-License-Identifier: Apache-2.0
"""The network in user space (`Interop/emulator`, in C): built when its sources are newer, run beside the lab, told what to do."""
import json
import select
import subprocess

from .building import built
from .space import ROOT, common


class Emulator:
    """One emulator. Commands are answered in order; one that is refused raises."""

    def __init__(self, log):
        self.process = subprocess.Popen(
            [built("lab-emulator", list((ROOT / "Interop/emulator").iterdir()))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(log, "ab"), preexec_fn=common._die_with_parent)

    def tell(self, *words):
        line = " ".join(map(str, words))
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], 20)[0]:
            raise TimeoutError(f"the emulator did not answer to {line!r}")
        answer = json.loads(self.process.stdout.readline() or '{"error": "the emulator has ended"}')
        if not answer.get("ok"):
            raise RuntimeError(f"{line}: {answer.get('error')}")
        return answer

    def cpu_seconds(self):
        return common.cpu_of(self.process.pid) or 0.0

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
