"""Every elementwise row for every dtype as CUDA C: the bits of the reference at all numbers at
which something changes.
"""

import pytest
from table.samples import dtypes_of

import lazytensor._base.dtypes as d

from .cases import cases, check, supported
from .edges import every
from .harness import compiler

DTYPES = (*d.STANDARD, d.float16, d.bfloat16())


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_rows(dtype: d.DType) -> None:
    compiler()
    found = [c for what, node in every(dtype, dtypes_of) for c in cases([node], what)]
    assert all(map(supported, found))
    assert check(found)["kernels"] > len(found) // 2
