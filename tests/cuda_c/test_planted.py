"""What the harness finds: kernels that are wrong in one place."""

import faulthandler
import multiprocessing
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ir.node import leaf
from lazytensor.ops import g

from . import harness
from .cases import Case, cases, check
from .edges import numbers
from .harness import compiler
from .planting import planted
from .test_folds import data, nodes

Cases = Callable[[], list[Case]]


def sums() -> list[Case]:
    """Rows that several warps have, and columns."""
    shapes = ((3, 700), 1), ((70, 9), 0)
    return [
        case
        for shape, axis in shapes
        for name in ("sum", "softmax")
        for case in cases(nodes(name, data(shape, d.float32), axis))
    ]


def extrema() -> list[Case]:
    x = data((40, 40), d.float32)
    return cases([g.maximum(leaf(x), leaf(np.ascontiguousarray(x.T)))])


def short() -> list[Case]:
    """Elements of which the last are fewer than a thread has."""
    return cases([leaf(data((1027,), d.float32)) * 2.0 + 1.0])


def conversions() -> list[Case]:
    return cases([g.cast(leaf(numbers(d.float32)), d.int32)])


ALL_WRITTEN = "room[threadIdx.z * 32 + threadIdx.x] = a;\n    __syncthreads();"
PLANTED = {
    "a missing barrier": (sums, "folds", ALL_WRITTEN, ALL_WRITTEN.splitlines()[0]),
    "a result read early": (sums, "folds", "__syncthreads();\n    a = room[0];", "a = room[0];"),
    "a barrier for some": (
        sums, "folds", "if (threadIdx.z == 0) {", "if (threadIdx.z == 0) {\n      __syncthreads();"
    ),
    "a shuffle for some": (
        sums, "folds", "if (d < lanes) a =", "if (d < lanes && (threadIdx.x & 31) < d) a ="
    ),
    "lanes in another order": (
        sums, "folds", "for (int d = 16; d; d /= 2)", "for (int d = 1; d <= 16; d *= 2)"
    ),
    "groups in another order": (
        sums, "folds", "for (int w = 1; w < blockDim.z; ++w)",
        "for (int w = blockDim.z - 1; w; --w)",
    ),
    "a tail that is written whole": (short, "types", "if (i + k < n) store", "store"),
    "NaN that is lost": (extrema, "scalar", "lt_(y, x) || isnan_(x)", "lt_(y, x)"),
}  # fmt: skip


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: Any) -> None:
    compiler()
    of, *change = PLANTED[bug]
    found = of()
    check(found)
    planted(monkeypatch, harness, "part", *change)
    with pytest.raises(AssertionError):
        check(found)


def _quietly(found: list[Case]) -> None:
    faulthandler.disable()
    check(found)


LOAD, INSIDE = "const memory<T> *>(p));", "inside ? i32(x)"
KILLED = {
    "a read beyond an array": (
        short,
        signal.SIGSEGV,
        "types",
        LOAD,
        LOAD.replace("p)", "p + 4096)"),
    ),
    "an undefined conversion": (conversions, signal.SIGILL, "scalar", INSIDE, "true ? i32(x)"),
}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("bug", KILLED)
def test_who_goes_too_far_is_killed(bug: str, monkeypatch: Any) -> None:
    compiler()
    of, how, *change = KILLED[bug]
    found = of()
    planted(monkeypatch, harness, "part", *change)
    process = multiprocessing.get_context("fork").Process(target=_quietly, args=(found,))
    process.start()
    process.join(60)
    assert process.exitcode == -how
