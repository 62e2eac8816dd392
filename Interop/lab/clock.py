# SPDX-License-Identifier: Apache-2.0
"""A wall clock of the lab's own for the processes in it: `clock.c`, preloaded; docs/decisions/0018."""
import mmap
import os
import pathlib
import struct

from .building import built
from .path import TIMES, amount

SOURCE = pathlib.Path(__file__).with_name("clock.c")


class Clock:
    """What is added to the wall clock of processes that were started with `environment`, from the next call on.

    Monotonic clocks go on as they were: it is as if somebody had set the clock. Times of files are the kernel's."""

    def __init__(self, folder):
        self.file, self.seconds = os.path.join(folder, "clock"), 0.0
        with open(self.file, "wb+") as opened:
            opened.write(bytes(8))
            opened.flush()
            self.mapped = mmap.mmap(opened.fileno(), 8)
        library = built("lab-clock.so", [SOURCE], "-shared", "-fPIC")
        self.environment = {"LD_PRELOAD": str(library), "ROOST_LAB_CLOCK": self.file}

    def shift(self, text):
        """Moves it by "+36h", "-5m"…; returns the seconds that it is ahead in all."""
        self.seconds += amount(text, TIMES)
        self.mapped[:8] = struct.pack("<q", round(self.seconds * 1e9))
        return self.seconds
