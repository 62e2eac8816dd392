# SPDX-License-Identifier: Apache-2.0
"""The network in user space (`Interop/emulator`, in C): built when its sources are newer, run beside the lab, told what to do."""
import json
import pathlib
import select
import subprocess

from .building import built
from .space import ROOT, common


class Emulator:
    """One emulator. Commands are answered in order; one that is refused raises."""

    def __init__(self, log):
        self.log = pathlib.Path(log)
        argv = [built("lab-emulator", list((ROOT / "Interop/emulator").iterdir()))]
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, preexec_fn=common._die_with_parent)

    def tell(self, *words):
        line = " ".join(map(str, words))
        if unfit := [word for word in map(str, words) if not word or word != "".join(word.split())]:
            raise ValueError(f"{unfit[0]!r} is not one word: names and files of the lab have no blanks")
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise RuntimeError(f"{line}: {self._ended()}") from None
        if not select.select([self.process.stdout], [], [], 20)[0]:
            raise TimeoutError(f"the emulator did not answer to {line!r}")
        said = self.process.stdout.readline()
        if not said:
            raise RuntimeError(f"{line}: {self._ended()}")
        answer = json.loads(said)
        if not answer.get("ok"):
            raise RuntimeError(f"{line}: {answer.get('error')}")
        return answer

    def _ended(self):
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            code = "no answer"
        return f"the emulator has ended ({code}): {' / '.join(self.log_tail()) or 'it said nothing'}"

    def log_tail(self, lines=6):
        return self.log.read_text(errors="replace").splitlines()[-lines:] if self.log.exists() else []

    def cpu_seconds(self):
        return common.cpu_of(self.process.pid) or 0.0

    def close(self):
        try:
            self.process.stdin.close()
        except OSError:
            # It had ended by itself, and something was still to be told to it.
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
