"""Runs kernels without a device: their CUDA C is compiled by g++ with `fibres.h`, many kernels at a
time, and run on arrays of NumPy.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazytensor.lower.kernel import Kernel, Launch
from lazytensor.targets import cuda
from lazytensor.targets.cuda import Bound, Command, Form, function
from lazytensor.targets.cuda.form import FLAT
from lazytensor.targets.cuda.source import FILES, part
from lazytensor.targets.cuda.words import MOST_WORDS, Words

HERE = Path(__file__).parent
FLAGS = (
    "-std=c++17", "-O1", "-ffp-contract=off", "-fno-strict-aliasing", "-w", "-fPIC", "-shared",
    # What C leaves undefined ends the process.
    "-fsanitize=signed-integer-overflow,shift,integer-divide-by-zero,float-cast-overflow",
    "-fsanitize-undefined-trap-on-error",
)  # fmt: skip
WRONG = (
    "",
    "more threads than its bounds allow",
    "a barrier that some threads don't reach",
    "a shuffle that some threads of a warp don't reach",
)
Key = tuple[Kernel, Form]


def compiler() -> str:
    """The path of g++; skips where there is none."""
    found = shutil.which("g++")
    if found is None:
        pytest.skip("no g++ to compile kernels for the processor")
    return found


def library(text: str) -> Any:
    """A text with `fibres.h` in front, compiled and loaded."""
    with tempfile.TemporaryDirectory(prefix="lazytensor-cuda-") as folder:
        source, target = Path(folder) / "kernels.cpp", Path(folder) / "kernels.so"
        head = ['#include "fibres.h"', *map(part, FILES)]
        source.write_text("\n".join([*head, text]), encoding="utf-8")
        command = [compiler(), *FLAGS, f"-I{HERE}", str(source), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[:4000]
        return ctypes.CDLL(str(target))


class Fibres:
    """Kernels that run as fibres; those in `keys` are compiled together."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.names = {key: f"k{i}" for i, key in enumerate(dict.fromkeys(keys))}
        texts = [function(*key, name) for key, name in self.names.items()]
        self.library = library("\n".join(texts)) if texts else None

    def command(self, c: Command, addresses: Sequence[int], backwards: bool = False) -> None:
        """One launch; `addresses` are those of arguments, outputs and scratch memory."""
        name, words = self.names[c.kernel, c.form], c.words(addresses)
        allowed(c, len(words))
        given = (ctypes.c_longlong * len(words))(*words)
        pointer = (ctypes.c_void_p * 1)(ctypes.addressof(given))
        x, y, _ = c.grid
        shape = (ctypes.c_uint * 7)(x, *c.threads, c.shared, c.form.way != FLAT, y)
        wrong = getattr(self.library, name)(pointer if c.form.far else given, shape, int(backwards))
        assert not wrong, f"{name}: {WRONG[wrong]}"

    def run(
        self, bound: Bound, args: Sequence[Any], outs: Sequence[Any], backwards: bool = False
    ) -> None:
        """A step on arrays."""
        assert len(args) + len(outs) == bound.arrays
        scratch = np.full(bound.scratch + 256, 0xFF, np.uint8)
        aligned = scratch.ctypes.data + -scratch.ctypes.data % 256
        for c in bound.commands:
            self.command(c, (*map(address, (*args, *outs)), aligned), backwards)


def allowed(c: Command, words: int) -> None:
    """Fail where a device wouldn't launch it, or it has another number of words than it reads."""
    for s in c.sets:
        known = Words(len(s.places) - 1, c.form.outer, c.form.inner)
        assert len(s.places) + len(s.rest) == known.count
    assert words <= MOST_WORDS or c.form.far, "more words than a kernel may be given"
    assert words == (MOST_WORDS if c.form.sets else known.count), "others than it reads"
    x, y, z = c.grid
    assert 0 < x < 1 << 31 and 0 < y < 1 << 16 and z == 1, "more blocks than there may be"
    assert c.threads[2] <= 64 and c.shared <= 48 << 10, "what a device doesn't allow"


def address(a: Any) -> int:
    """Where the first element of an array is."""
    return int(np.asarray(a).__array_interface__["data"][0])


def bound(step: Launch, args: Sequence[Any], outs: Sequence[Any]) -> Bound:
    """How a step is run on arrays."""
    return cuda.bound(step, args, list(map(address, (*args, *outs))))
