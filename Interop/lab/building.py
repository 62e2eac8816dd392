# SPDX-License-Identifier: Apache-2.0
"""The lab's parts in C: built into `.build` when their sources are newer."""
import atexit
import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile

from .space import ROOT


def built(name, sources, *options):
    """The path of the program. Two labs that begin at once build it once."""
    folder = ROOT / ".build"
    if os.access(ROOT, os.W_OK):
        folder.mkdir(exist_ok=True)
    if not os.access(folder, os.W_OK):
        # Not in a folder that somebody else could have made: once for each process then.
        folder = pathlib.Path(tempfile.mkdtemp(prefix="roost-lab-programs-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    program = folder / name
    with open(f"{program}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists() or program.stat().st_mtime < max(source.stat().st_mtime for source in sources):
            compiled = sorted(str(source) for source in sources if source.suffix == ".c")
            flags = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", *options]
            # Swift brings a C compiler where the system has none.
            compiler = os.environ.get("CC") or shutil.which("cc") or "clang"
            subprocess.run([compiler, *flags, "-o", f"{program}.new", *compiled], check=True)
            os.replace(f"{program}.new", program)
    return program
