"""Every row that has a plan, on the samples of the table, and which rows have none."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from table.samples import COMPUTED, dtypes_of, samples

import lazytensor._base.dtypes as d
from lazytensor.ir.op import ROWS, Op
from lazytensor.ops import gather, scan
from lazytensor.targets.cuda import calls
from lazytensor.targets.cuda.calls import Fails, has, plan, planned, scatters, sorts

from .calls import Call, check
from .compare import same
from .harness import compiler
from .test_convolutions import near

# By functions that the reference's library has otherwise, or in another order.
ROUNDED = {"logcumsumexp", "log_walk", "igamma", "igammac", "ldl_solve"}


def exact(op: Op, dtype: d.DType) -> bool:
    """Whether a row gives the bits of NumPy's: not sums in another order, nor NumPy's products of
    complex numbers, which are fused.
    """
    products = op in (scan.cumprod, scan.recurrence) and d.kind(dtype) == "c"
    return not (products or op.kind == "contract" or op.name in ROUNDED)


def of_table(op: Op) -> Iterator[Call]:
    for dtype in dtypes_of(op):
        for sample in samples(op, dtype):
            compare = same if exact(op, dtype) else near
            yield Call(op, list(sample.args), sample.params, compare=compare)


PLANNED = [op for op in COMPUTED if has(op)]


@pytest.mark.parametrize("op", PLANNED, ids=lambda op: op.name)
def test_samples_of_the_table(op: Op) -> None:
    compiler()
    check(of_table(op))


def test_rows_without_a_plan() -> None:
    """Kernels, what libraries do, what is left to the host, and what isn't made for devices."""
    kernels = {op for op in COMPUTED if op.kind == "elementwise"}
    folds = {op for op in COMPUTED if op.kind == "reduce" and op not in PLANNED}
    assert {op.name for op in folds} == {
        "sum", "prod", "max", "min", "any", "all", "argmax", "argmin",
    }  # fmt: skip
    left = {op for op in COMPUTED if op not in PLANNED} - kernels - folds
    rest = {"matmul", "transfer"}
    assert {op.name for op in left if op.kind not in ("linalg", "fft")} == rest
    assert planned(ROWS["matmul"], (), [np.ones((2, 2))] * 2, [np.ones((2, 2))]) is None


def test_words_of_a_status() -> None:
    fails = Fails((5, 7), (False, True), 10)
    assert fails.error(0, 0) is None
    assert str(fails.error(3, -9)) == "index -9 is out of bounds for axis 0 of size 5"
    assert str(fails.error(11, -1)) == f"index {2**64 - 1} is out of bounds for axis 1 of size 7"


def test_numbers_of_many_threads(monkeypatch: Any) -> None:
    """Where 32 bits don't do for numbers of threads."""
    compiler()
    monkeypatch.setattr(plan, "NARROW", 1)
    for module in (sorts, scatters):
        monkeypatch.setattr(module, "SHORT", 0)
    calls._planned.cache_clear()
    rows = [
        op for op in PLANNED if op in (gather.gather, gather.scatter_add, scan.cumsum, scan.argsort)
    ]
    seen = check(call for op in rows for call in of_table(op))
    assert all("u64" in body or "sort_tiles" in body for body in seen) and len(rows) == 4
    assert any("Apart" in body for body in seen) and not any("Packed" in body for body in seen)
    calls._planned.cache_clear()
