# SPDX-License-Identifier: Apache-2.0
"""The namespace that holds a lab: a bridge, and no way out. Gone when the program ends.

The addresses lie in 10/8, because Transmission's DHT ignores 127/8. Without root the lab stands in a user namespace, where this
process is root (`unshare -rn`)."""
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "Benchmarks"))
import bt_common as common  # noqa: E402  (ours, shared with the benchmarks)

CLONE_NEWNET = 0x40000000
GATEWAY = "10.77.0.1"
GATEWAY6 = "fd77::ffff:1"
NETWORK = "10.0.0.0/8"


def ip(*words, pid=None):
    """`ip …`, in the namespace of a process if one is given."""
    prefix = ["nsenter", "-t", str(pid), "-n"] if pid else []
    done = subprocess.run([*prefix, "ip", *map(str, words)], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")


def six_of_the_bridge():
    """The bridge's IPv6 address; again does no harm."""
    ip("-6", "addr", "replace", f"{GATEWAY6}/64", "dev", "lab", "nodad")


def _end(number, _):
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def enter():
    """Moves this process into a namespace with only the bridge. Once, before any thread is made."""
    if os.geteuid() != 0:
        if not shutil.which("unshare"):
            sys.exit("the lab makes network namespaces: it needs root, or unshare (util-linux)")
        os.execvp("unshare", ["unshare", "-rn", sys.executable, *sys.argv])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit(f"no private network namespace: {os.strerror(ctypes.get_errno())}")
    ip("link", "set", "lo", "up")
    # With an address of its own: a bridge otherwise has that of one of its ports, and when that port's host ends, whoever knows the
    # old one reaches nobody for seconds.
    ip("link", "add", "lab", "address", "02:77:00:00:00:01", "type", "bridge")
    ip("addr", "add", f"{GATEWAY}/8", "dev", "lab")
    ip("link", "set", "lab", "up")
    # It forwards, and does not tell the hosts that they could do without it.
    for name, value in (("conf/all/send_redirects", 0), ("conf/lab/send_redirects", 0), ("ip_forward", 1)):
        pathlib.Path("/proc/sys/net/ipv4", name).write_text(str(value))
    os.environ["BT_NETNS"] = "0"
    # A shell without job control has what it starts in the background ignore Ctrl-C, and whatever that starts does too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What the lab has made is removed then, too.
    signal.signal(signal.SIGTERM, _end)
    common.pin_congestion_control()


