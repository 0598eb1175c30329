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


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_rows(dtype: d.DType, effort: Callable[[int, int], int]) -> None:
    compiler()
    found = [c for what, node in every(dtype, dtypes_of) for c in cases([node], what)]
    assert all(map(supported, found))
    step = effort(3, 1) if dtype in (d.float16, d.bfloat16()) else 1
    seen = check(found[::step])
    assert seen["kernels"] > len(found[::step]) // 2
