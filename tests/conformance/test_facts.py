"""What the standard says in words about NaN, zeros and empty arrays, where NumPy was not asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazytensor as xp

NAN, INF = float("nan"), float("inf")


def a(*values: Any, dtype: Any = None) -> Any:
    """A vector."""
    return xp.asarray(values, dtype=dtype)


FACTS: dict[str, tuple[Callable[[], Any], Any]] = {
    "every NaN is a value of its own": (lambda: xp.unique_values(a(NAN, 1.0, NAN)).shape, (3,)),
    "and occurs once": (lambda: sorted(xp.unique_counts(a(NAN, NAN)).counts.tolist()), [1, 1]),
    "zeros of both signs are one value": (lambda: xp.unique_values(a(0.0, -0.0)).shape, (1,)),
    "NaN is no member": (lambda: xp.isin(a(NAN), a(NAN)).tolist(), [False]),
    "NaN is true": (lambda: bool(xp.any(a(NAN))), True),
    "-0 is false": (lambda: bool(xp.all(a(-0.0))), False),
    "all of nothing": (lambda: bool(xp.all(xp.zeros(0))), True),
    "any of nothing": (lambda: bool(xp.any(xp.zeros(0))), False),
    "sum of nothing": (lambda: float(xp.sum(xp.zeros(0))), 0.0),
    "product of nothing": (lambda: float(xp.prod(xp.zeros(0))), 1.0),
    "NaN counts": (lambda: int(xp.count_nonzero(a(NAN, 0.0, -0.0, 1.0))), 2),
    "NaN wins in max": (lambda: str(float(xp.max(a(1.0, NAN, 2.0)))), "nan"),
    "NaN wins in min": (lambda: str(float(xp.min(a(1.0, NAN, 2.0)))), "nan"),
    "NaN is kept by clip": (lambda: str(float(xp.clip(xp.asarray(NAN), 0.0, 1.0))), "nan"),
    "sums of small integers are wide": (lambda: xp.sum(a(100, 100, dtype=xp.int8)).dtype, xp.int64),
    "and of unsigned ones": (lambda: xp.sum(a(200, 200, dtype=xp.uint8)).dtype, xp.uint64),
    "sums of float32 stay": (lambda: xp.sum(a(1, dtype=xp.float32)).dtype, xp.float32),
    "indices are of the default type": (lambda: xp.argmax(a(1.0)).dtype, xp.int64),
    "the first of equals": (lambda: int(xp.argmax(a(1, 3, 3))), 1),
    "equal elements keep their order, descending too": (
        lambda: xp.argsort(a(1, 2, 1, 2), descending=True).tolist(),
        [1, 3, 0, 2],
    ),
    "-1 // inf": (lambda: str((xp.asarray(-1.0) // INF).tolist()), "-0.0"),
    "signs of zero": (lambda: xp.signbit(a(0.0, -0.0, -NAN, -1.0)).tolist()[:2], [False, True]),
    "nothing is repeated": (lambda: xp.repeat(a(1, 2), 0).shape, (0,)),
    "0-d stays 0-d": (lambda: xp.flip(xp.asarray(1)).shape, ()),
}


@pytest.mark.parametrize("name", FACTS)
def test_fact(name: str) -> None:
    compute, want = FACTS[name]
    assert compute() == want


def test_the_mean_of_nothing_is_nan_without_a_warning() -> None:
    assert np.isnan(np.asarray(xp.mean(xp.zeros(0))))


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_extremes_of_nothing_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        getattr(xp, name)(xp.zeros((0, 2)), axis=0)


def test_nonzero_needs_an_axis() -> None:
    with pytest.raises(ValueError, match="nonzero"):
        xp.nonzero(xp.asarray(1))
