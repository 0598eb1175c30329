"""What decides texts besides what they are of: the sources of all that writes them.

What enters: the package's files. What leaves: a digest of them. Where they can't be read, or were
changed while this process runs, which may have loaded them before, there is none.
"""

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ..._base.module import STARTED

_HERE = Path(__file__).resolve().parent
_PACKAGE = _HERE.parent.parent
# What the modules of this folder take of other packages and write into texts.
BESIDES = (
    "_base/dtypes.py",
    "_base/shapes.py",
    "ir/scalar.py",
    "lower/cost.py",
    "lower/kernel.py",
    "lower/layout.py",
    "lower/order.py",
    "ops/_eager.py",
    "ops/_error.py",
    "ops/_tree.py",
    "ops/maxima.py",
)


def files() -> Iterator[str]:
    """Paths, in an order that is always the same."""
    for folder in (_HERE, _HERE / "functions"):
        names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
        yield from (f"{folder}{os.sep}{name}" for name in names)
    yield from (f"{_PACKAGE}{os.sep}{name}" for name in BESIDES)


@cache
def digest() -> str | None:
    """Of names and contents."""
    found = hashlib.blake2b(digest_size=20)
    try:
        for path in files():
            with open(path, "rb", buffering=0) as file:
                if os.fstat(file.fileno()).st_mtime > STARTED:
                    return None
                text = file.read()
            found.update(f"{os.path.basename(path)} {len(text)}\n".encode() + text)
    except OSError:
        return None
    return found.hexdigest()
