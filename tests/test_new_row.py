"""Adding an elementwise primitive touches one row: added here at run time, and used everywhere.

The face, derivatives in both directions, batching, simplification, fusion, the numpy and null
targets, and the emitters of the third spike: none of them names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from spikes import loops, test_kernels

import lazytensor as lt
from lazytensor._base import config
from lazytensor.array_api import _rules
from lazytensor.array_api.array import Array
from lazytensor.extra.transforms import grad, hessian, jvp, vmap
from lazytensor.ir.op import ROWS
from lazytensor.ops import g
from lazytensor.ops._families import unary
from lazytensor.runtime.counters import counting

X = np.array([-3.0, -0.5, -0.0, 0.25, 2.0, np.inf])
FINITE = X[:-1]


@pytest.fixture
def softsign() -> Iterator[Callable[[Any], Any]]:
    """The one row, and a function of the face by the rules that all elementwise ones have."""
    row = unary(
        "softsign",
        "f",
        lambda np, x: np.divide(x, np.abs(x) + x.dtype.type(1)),
        lambda s, x: s.div(x, s.add(s.abs(x), 1)),
        lambda g, y, x: g.square(g.reciprocal(g.abs(x) + 1)),
        "x / (1 + |x|).",
    )
    rule = _rules.Unary("softsign", row, "f", "iu")
    try:
        yield lambda x: Array(rule(_rules.node_of(x, "softsign")))
    finally:
        del ROWS["softsign"]
        g.__dict__.pop("softsign", None)


def expected(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with np.errstate(invalid="ignore"):
        return x / (np.abs(x) + 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("execution", ["interpret", "compile", "auto"])
def test_values_on_the_numpy_target(softsign: Any, dtype: str, execution: str) -> None:
    x = X.astype(dtype)
    with config.context(execution=execution), counting() as done:
        found = np.asarray(softsign(lt.asarray(x)) * 2 + 1)
    np.testing.assert_array_equal(found, expected(x) * 2 + 1)
    assert found.dtype == dtype
    if execution == "compile":
        assert (done.kernels, done.interpreted) == (1, 0)


def test_the_null_target_plans_it(softsign: Any) -> None:
    with config.context(target="null", execution="compile"), counting() as done:
        found = np.asarray(lt.sum(softsign(lt.asarray(np.ones((64, 64))))))
    assert found == 0
    assert done.plans == 1


def test_the_faces_rules_hold_for_it(softsign: Any) -> None:
    assert softsign(lt.asarray([1, 2])).dtype == lt.float64
    with pytest.raises(TypeError, match="softsign: .* got dtype bool"):
        softsign(lt.asarray([True]))


@pytest.mark.parametrize("execution", ["interpret", "compile"])
def test_derivatives_and_batches(softsign: Any, execution: str) -> None:
    x = lt.asarray(FINITE)
    slope = 1 / (1 + np.abs(FINITE)) ** 2
    total = lambda x: lt.sum(softsign(x) * 3)  # noqa: E731
    with config.context(execution=execution):
        np.testing.assert_allclose(np.asarray(grad(total)(x)), 3 * slope)
        out, along = jvp(softsign, (x,), (x,))
        np.testing.assert_array_equal(np.asarray(out), expected(FINITE))
        np.testing.assert_allclose(np.asarray(along), slope * FINITE)
        curve = -6 * np.sign(FINITE) / (1 + np.abs(FINITE)) ** 3
        np.testing.assert_allclose(np.asarray(hessian(total)(x)), np.diag(curve))
        rows = lt.stack([x, 2 * x, 3 * x])
        per_row = np.asarray(vmap(grad(total))(rows))
        np.testing.assert_allclose(per_row, 3 / (1 + np.abs(np.asarray(rows))) ** 2)
        mapped = np.asarray(vmap(softsign, in_axes=1)(rows))
        np.testing.assert_array_equal(mapped, expected(np.asarray(rows).T))


@pytest.fixture
def emitters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spike's emitters with one scalar instruction more, of those that a target must emit."""
    monkeypatch.setitem(loops.C.CALLS, "abs", "fabsf")
    monkeypatch.setitem(loops.LLVM.CALLS, "abs", "llvm.fabs.f32")


@pytest.mark.usefixtures("emitters", "softsign")
@pytest.mark.parametrize("target", ["numpy", "llvm", "cuda"])
def test_every_emitter_takes_its_body(target: str) -> None:
    rows = np.linspace(-3, 3, 35, dtype=np.float32).reshape(5, 7)
    check = getattr(test_kernels, f"test_{target}")
    check(lambda x: g.softsign(x * 0.5) - g.softsign(x), rows)


def test_the_row_is_gone_afterwards() -> None:
    assert "softsign" not in ROWS
    with pytest.raises(AttributeError, match="no op 'softsign'"):
        g.softsign
