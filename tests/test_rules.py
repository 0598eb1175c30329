"""checkpoint and custom_vjp: gradients by a rule, against those of plain functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.runtime.counters import counting

X = np.array([0.7, -1.2, 0.4])
B = np.array([[0.3, -0.8, 1.4], [1.1, 0.6, -0.5]])


def arr(data: Any) -> Any:
    return xp.asarray(np.asarray(data))


def num(x: Any) -> Any:
    return np.asarray(x)


def plain(x: Any) -> Any:
    return xp.sin(x) * xp.exp(x)


def remembered(x: Any) -> Any:
    return plain(x), {"x": x, "e": xp.exp(x)}


def backward(saved: Any, ct: Any) -> Any:
    x, e = saved["x"], saved["e"]
    return (ct * (xp.cos(x) * e + xp.sin(x) * e),)


ruled = xp.custom_vjp(remembered, backward)
again = xp.checkpoint(plain)
BOTH = pytest.mark.parametrize("f", [ruled, again])


@BOTH
def test_values_and_first_derivatives(f: Any) -> None:
    np.testing.assert_array_equal(num(f(arr(X))), num(plain(arr(X))))
    got = xp.grad(lambda x: xp.sum(f(x) ** 2))(arr(X))
    want = xp.grad(lambda x: xp.sum(plain(x) ** 2))(arr(X))
    np.testing.assert_allclose(num(got), num(want), rtol=1e-12)


@BOTH
def test_second_derivatives(f: Any) -> None:
    got = xp.hessian(lambda x: xp.sum(f(x) ** 2))(arr(X))
    want = xp.hessian(lambda x: xp.sum(plain(x) ** 2))(arr(X))
    np.testing.assert_allclose(num(got), num(want), rtol=1e-12)


@BOTH
def test_batches(f: Any) -> None:
    np.testing.assert_array_equal(num(xp.vmap(f)(arr(B))), num(plain(arr(B))))
    each = xp.vmap(xp.grad(lambda x: xp.sum(f(x) * x)))(arr(B))
    want = [num(xp.grad(lambda x: xp.sum(plain(x) * x))(arr(row))) for row in B]
    np.testing.assert_allclose(num(each), want, rtol=1e-12)
    whole = xp.grad(lambda b: xp.sum(xp.vmap(f)(b) ** 2))(arr(B))
    np.testing.assert_allclose(num(whole), num(xp.grad(lambda b: xp.sum(plain(b) ** 2))(arr(B))))
    jacobian = xp.jacobian(f)(arr(X))
    np.testing.assert_allclose(num(jacobian), num(xp.jacobian(plain)(arr(X))), rtol=1e-12)


def test_the_rule_is_what_counts() -> None:
    f = xp.custom_vjp(lambda x, n: (x * n, None), lambda saved, ct: (ct * 100, None))
    by_x = xp.grad(lambda x: xp.sum(f(x, arr(2.0))))(arr(X))
    np.testing.assert_array_equal(num(by_x), [100.0] * 3)
    by_n = xp.grad(lambda n: xp.sum(f(arr(X), n)))(arr(2.0))
    np.testing.assert_array_equal(num(by_n), 0.0)


def test_trees_and_one_cotangent_alone() -> None:
    f = xp.custom_vjp(
        lambda p: ({"s": p["a"] + p["b"], "d": p["a"] * 2}, ()),
        lambda saved, ct: {"a": ct["s"] * 3, "b": ct["d"] * 5},
    )
    p = {"a": arr(X), "b": arr(X)}
    got = xp.grad(lambda p: xp.sum(f(p)["s"]) + xp.sum(f(p)["d"]))(p)
    np.testing.assert_array_equal(num(got["a"]), [3.0] * 3)
    np.testing.assert_array_equal(num(got["b"]), [5.0] * 3)
    partly = xp.grad(lambda p: xp.sum(f(p)["s"]))(p)
    np.testing.assert_array_equal(num(partly["b"]), [0.0] * 3)


def test_tangents() -> None:
    value, tangent = xp.jvp(again, (arr(X),), (arr(X),))
    want = xp.jvp(plain, (arr(X),), (arr(X),))
    np.testing.assert_array_equal(num(value), num(want[0]))
    np.testing.assert_array_equal(num(tangent), num(want[1]))
    with pytest.raises(TypeError, match="has no tangents"):
        xp.jvp(ruled, (arr(X),), (arr(X),))


def test_integers_among_arguments() -> None:
    f = xp.checkpoint(lambda x, i: (xp.take(x, i), i + 1))
    got = xp.grad(lambda x: xp.sum(f(x, arr([0, 0, 2]))[0]))(arr(X))
    np.testing.assert_array_equal(num(got), [2.0, 0.0, 1.0])
    assert num(f(arr(X), arr([0]))[1]).tolist() == [1]


def test_nothing_is_computed_again_without_a_gradient() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return xp.exp(x)

    y = xp.checkpoint(f)(arr(X))
    assert num(y).shape == (3,)
    assert len(calls) == 1
    xp.grad(lambda x: xp.sum(xp.checkpoint(f)(x)))(arr(X))
    assert len(calls) == 3


def test_results_without_arrays() -> None:
    assert xp.checkpoint(lambda x: ())(arr(X)) == ()


@pytest.mark.parametrize("f", [ruled, again])
def test_compiled_once(f: Any) -> None:
    step = xp.grad(lambda x: xp.sum(f(x) ** 2))
    with config.context(execution="compile"):
        want = num(step(arr(X)))
        num(step(arr(X)))
        with counting() as counts:
            got = num(step(arr(X)))
    assert counts.compilations == 0
    np.testing.assert_array_equal(got, want)


def test_errors() -> None:
    with pytest.raises(TypeError, match="must return a pair"):
        xp.custom_vjp(plain, backward)(arr(X))
    with pytest.raises(TypeError, match="an argument must be an array"):
        xp.checkpoint(plain)("text")
    many = xp.custom_vjp(remembered, lambda saved, ct: (ct, ct))
    short = xp.custom_vjp(remembered, lambda saved, ct: (ct[:1],))
    with pytest.raises(ValueError, match="cotangents"):
        xp.grad(lambda x: xp.sum(many(x)))(arr(X))
    with pytest.raises(ValueError, match="shape"):
        xp.grad(lambda x: xp.sum(short(x)))(arr(X))
