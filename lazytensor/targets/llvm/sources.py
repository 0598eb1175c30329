"""What decides texts besides what they are of: the sources of all that writes them.

What enters: the package's files. What leaves: a digest of them, which is kept beside what code is
kept by, and found again by where they are, how long, and when they were written, as byte code is.
Where they can't be read, or were changed while this process runs, which may have loaded them
before, there is none.
"""

import marshal
import os
from collections.abc import Iterator
from functools import cache
from operator import attrgetter

from ..._base.digests import blake2b
from ..._base.module import STARTED
from ..._base.store import Store

_HERE = os.path.dirname(os.path.realpath(__file__))
_PACKAGE = os.path.dirname(os.path.dirname(_HERE))
# What the modules of this folder take of other packages and write into texts.
BESIDES = (
    "_base/dtypes.py",
    "_base/record.py",
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
_TOLD = attrgetter("st_mtime_ns", "st_ctime_ns", "st_size", "st_ino", "st_dev")
_ALIKE = 2  # the format in which equal values are the same bytes, whatever else refers to them


def files() -> Iterator[str]:
    """Paths, in an order that is always the same."""
    for folder in (_HERE, os.path.join(_HERE, "functions")):
        names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
        yield from (f"{folder}{os.sep}{name}" for name in names)
    yield from (f"{_PACKAGE}{os.sep}{name}" for name in BESIDES)


@cache
def digest(store: Store | None) -> str | None:
    """Of names and contents: what the store has for such files, else what is read."""
    paths = list(files())
    try:
        key = stated("sources", paths)
        if key is None:
            return None
        known = store.get(key) if store else None
        found = known.decode() if known else _read(paths)
    except OSError:
        return None
    if store and found and not known:
        store.put(key, found.encode())
    return found


def stated(what: str, paths: list[str], besides: bytes = b"") -> str | None:
    """A key by what the system says of files without reading them: when they were written, which
    may be set at will, and when they were put where they are, which may not. None for changed ones.
    Raises OSError.
    """
    told = [_TOLD(os.stat(path)) for path in paths]
    if max(told)[0] > STARTED * 1e9:
        return None
    said = marshal.dumps((paths, told, besides), _ALIKE)
    return f"{what}_{blake2b(said, digest_size=20).hexdigest()}"


def _read(paths: list[str]) -> str | None:
    """The digest itself; None where a file was changed meanwhile."""
    found = blake2b(digest_size=20)
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_mtime > STARTED:
                return None
            text = file.read()
        found.update(f"{os.path.basename(path)} {len(text)}\n".encode() + text)
    return found.hexdigest()
