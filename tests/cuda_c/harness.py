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
from lazytensor.targets.cuda import Binding, Form, Part, bind, function
from lazytensor.targets.cuda.form import FLAT
from lazytensor.targets.cuda.source import FILES, part
from lazytensor.targets.cuda.words import Words

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

    def launch(
        self, kernel: Kernel, p: Part, addresses: Sequence[int], backwards: bool = False
    ) -> None:
        """One launch; `addresses` are those of inputs, outputs and scratch memory."""
        name = self.names[kernel, p.form]
        words = (*addresses, *p.sizes, *p.tail)
        assert len(words) == Words(len(addresses) - 1, p.form.outer, p.form.inner).count
        assert p.threads[2] <= 64 and p.shared <= 48 << 10, "what a device doesn't allow"
        shape = (ctypes.c_uint * 6)(p.blocks, *p.threads, p.shared, p.form.way != FLAT)
        call = getattr(self.library, name)
        wrong = call((ctypes.c_longlong * len(words))(*words), shape, int(backwards))
        assert not wrong, f"{name}: {WRONG[wrong]}"

    def run(
        self, launch: Launch, binding: Binding, args: Sequence[Any], outs: Sequence[Any],
        backwards: bool = False,
    ) -> None:  # fmt: skip
        """A launch on arrays."""
        scratch = np.full(binding.scratch + 16, 0xFF, np.uint8)
        aligned = scratch.ctypes.data + -scratch.ctypes.data % 16
        addresses = (*map(address, (*args, *outs)), aligned)
        for p in binding.parts:
            self.launch(launch.kernel, p, addresses, backwards)


def address(a: Any) -> int:
    """Where the first element of an array is."""
    return int(np.asarray(a).__array_interface__["data"][0])


def bound(launch: Launch, args: Sequence[Any], outs: Sequence[Any]) -> Binding:
    """How a launch is called on arrays."""
    return bind(launch, args, [address(a) for a in (*args, *outs)])
