"""Views that a plan takes by an index."""

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import leaf
from lazytensor.lower.kernel import Call
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.runtime import cache
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import materialize

SLICES = {
    "all but the ends": ((1, 2), (4, 3), (1, 1)),
    "every second": ((0, 1), (3, 2), (2, 3)),
    "nothing": ((0, 6), (0, 0), (1, 1)),
    "backwards": ((5, 6), (6, 4), (-1, -2)),
}


@pytest.mark.parametrize("target", ["llvm", "numpy"])
@pytest.mark.parametrize("name", SLICES)
def test_a_slice_in_a_plan(name, target):
    starts, sizes, steps = SLICES[name]
    numbers = np.arange(42.0).reshape(6, 7)
    with config.context(execution="compile", target=target):
        cache.CACHE.clear()
        y = g.slice(g.cumsum(leaf(numbers), 0), starts, sizes, steps)
        (step,) = [s for s in lower(linearize([y])).steps if isinstance(s, Call) and s.op is y.op]
        with counting() as done:
            materialize((y,))
    assert (step.index is None) is (name == "backwards")
    assert done.calls == 1 and done.bytes == numbers.nbytes + (step.index is None) * y.value.nbytes
    index = tuple(
        slice(a, None if a + n * s < 0 else a + n * s, s)
        for a, n, s in zip(starts, sizes, steps, strict=True)
    )
    np.testing.assert_array_equal(y.value, np.cumsum(numbers, 0)[index][: sizes[0], : sizes[1]])
