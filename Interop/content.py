# SPDX-License-Identifier: Apache-2.0
"""What the cases transfer, and how it is compared: names and bytes of every regular file."""
import hashlib
import os
import pathlib
import random

PIECE = 65536
EMPTY = hashlib.sha256().hexdigest()


def make_tree(root, seed=7):
    """A folder with what trips clients: an empty file, one byte, exact blocks and pieces, a large file, deep and non-ASCII names."""
    root, draw = pathlib.Path(root), random.Random(seed)
    sizes = {
        "index.html": 700, "empty.txt": 0, "one": 1, "block.bin": 16384, "block-and-one.bin": 16385, "piece.bin": PIECE,
        "large.bin": 3_000_017, "deep/er/and/deeper/leaf.txt": 33, "with space.txt": 4097, "Ünïcode/日本.txt": 20_000,
    }
    for number in range(40):
        sizes[f"many/{number:03d}.html"] = draw.randrange(0, 30_000)
    for name, size in sizes.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw.randbytes(size))
    return root


def digest(root):
    """Relative name → SHA-256 of every regular file."""
    root, found = pathlib.Path(root), {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = pathlib.Path(folder, name)
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    found[str(path.relative_to(root))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def expect_same(original, copy, ignore=(), without_empty=False):
    """Fails with the first difference. `ignore`: names that begin so do not count, on either side.

    `without_empty`: the client does not create files without content (Transmission 3.00)."""
    want, got = ({name: sha for name, sha in digest(root).items() if not name.startswith(tuple(ignore))} for root in (original, copy))
    if without_empty:
        want = {name: sha for name, sha in want.items() if sha != EMPTY}
        got = {name: sha for name, sha in got.items() if sha != EMPTY}
    if missing := sorted(set(want) - set(got)):
        raise AssertionError(f"{len(missing)} files are missing, first {missing[0]!r}")
    if extra := sorted(set(got) - set(want)):
        raise AssertionError(f"{len(extra)} files are too many, first {extra[0]!r}")
    if wrong := sorted(name for name in want if want[name] != got[name]):
        raise AssertionError(f"{len(wrong)} files differ, first {wrong[0]!r}")
    if not want:
        raise AssertionError("nothing was compared")
