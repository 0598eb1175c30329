"""Each check of a cell fails on a planted bug, and only there: the row as it stands passes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazytensor._base import dtypes as d
from lazytensor.ir.op import ROWS

from . import checks
from .samples import samples
from .test_cells import grid

SEED = 5


def run(check: Callable[..., None], op: Any, dtype: d.DType) -> None:
    for sample in samples(op, dtype):
        if check in (checks.first_order, checks.second_order, checks.additive):
            check(op, sample, np.random.default_rng(SEED))
        elif check in (checks.body, checks.compiled):
            for args in grid(op, dtype):
                check(op, args, ())
        else:
            check(op, sample)


def nan_is_lost(s: Any, x: Any, y: Any) -> Any:
    return s.select(s.lt(y, x), x, y)


def sign_of_zero_is_lost(s: Any, x: Any) -> Any:
    return s.select(s.lt(x, 0), s.neg(x), x)


def unweighted(g: Any, ct: Any, x: Any, axis: int) -> tuple[Any, ...]:
    return (g.irfft(ct, axis, x.shape[axis]) * x.shape[axis],)


def detached(g: Any, y: Any, x: Any) -> tuple[Any, ...]:
    return (checks.leaf(checks.compute([g.cos(x)])[0]),)


def prod_by_division(g: Any, ct: Any, y: Any, x: Any, axes: Any) -> tuple[Any, ...]:
    kept = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    total = g.broadcast_to(g.reshape(ct * y, kept), x.shape)
    return (total / x,)


def forgets_one(g: Any, tangents: Any, y: Any, a: Any, b: Any) -> Any:
    of_a, of_b = tangents
    return g.solve(a, of_b if of_a is None else -g.matmul(of_a, y))


BUGS: list[tuple[str, Callable[..., None], d.DType, dict[str, Any]]] = [
    ("sqrt", checks.inference, d.float32, {"infer": lambda x: (x.shape, d.float64)}),
    ("sum", checks.inference, d.int8, {"infer": lambda x, a: (x.shape[len(a) :], d.int64)}),
    ("add", checks.inference, d.float64, {"infer": lambda x, y: (x.shape, x.dtype)}),
    ("eigvals", checks.inference, d.float64, {"infer": lambda x: (x.shape[:-1], x.dtype)}),
    ("sort", checks.inference, d.float64, {"value": lambda np, x, axis, down: x.T}),
    ("maximum", checks.body, d.float32, {"body": nan_is_lost}),
    ("maximum", checks.compiled, d.float32, {"body": nan_is_lost}),
    ("abs", checks.body, d.float64, {"body": sign_of_zero_is_lost}),
    ("left_shift", checks.body, d.int32, {"body": lambda s, x, y: s.mul(x, s.add(y, y))}),
    ("divide", checks.body, d.complex64, {"body": lambda s, x, y: s.mul(x, s.div(1, y))}),
    ("sin", checks.first_order, d.float64, {"partials": lambda g, y, x: (g.cos(x) * 1.001,)}),
    ("exp", checks.first_order, d.complex128, {"partials": lambda g, y, x: (g.conj(y),)}),
    ("multiply", checks.first_order, d.float64, {"partials": lambda g, z, x, y: (y, y)}),
    ("cumsum", checks.first_order, d.float64, {"transpose": lambda g, c, x, a: (g.cumsum(c, a),)}),
    ("rfft", checks.first_order, d.float64, {"transpose": unweighted}),
    ("matmul", checks.first_order, d.complex128, {"jvp": lambda g, t, z, x, y: g.matmul(*t)}),
    ("prod", checks.first_order, d.float64, {"vjp": prod_by_division}),
    ("solve", checks.additive, d.float64, {"jvp": forgets_one}),
    ("sin", checks.second_order, d.float64, {"partials": detached}),
    ("cumsum", checks.batching, d.float64, {"batch": lambda g, b, x, a: g.cumsum(x, a)}),
    ("sin", checks.batching, d.float64, {"batch": lambda g, b, x: g.cos(x)}),
    ("sum", checks.batching, d.float64, {"batch": lambda g, b, x, a: g.sum(x, a)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "check", "dtype", "columns"), BUGS)
def test_a_planted_bug_is_found(
    name: str, check: Callable[..., None], dtype: d.DType, columns: dict[str, Any]
) -> None:
    op = ROWS[name]
    run(check, op, dtype)
    with pytest.raises(AssertionError):
        run(check, checks.changed(op, **columns), dtype)
