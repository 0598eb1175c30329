"""Every elementwise row for every dtype as CUDA C: the bits of the reference at all numbers at
which something changes.
"""

from collections.abc import Callable

import pytest
from table.samples import dtypes_of

import lazytensor._base.dtypes as d

from .cases import cases, check, supported
from .edges import every
from .harness import compiler

DTYPES = (*d.STANDARD, d.float16, d.bfloat16())
# What there is no code for yet.
MISSING = {
    f"{name} {dtype.name}"
    for name in (
        "sqrt", "round", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan",
        "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sign", "pow",
    )
    for dtype in d.COMPLEX_FLOATING
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_rows(dtype: d.DType, effort: Callable[[int, int], int]) -> None:
    compiler()
    found = [c for what, node in every(dtype, dtypes_of) for c in cases([node], what)]
    missing = {c.what.strip() for c in found if not supported(c)}
    assert missing == {m for m in MISSING if m.split()[1] == dtype.name}
    step = effort(3, 1) if dtype in (d.float16, d.bfloat16()) else 1
    seen = check(found[::step])
    assert seen["kernels"] >= len(found[::step]) - len(missing)
