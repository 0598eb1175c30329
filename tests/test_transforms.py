"""grad, vjp, jvp, vmap of functions of arrays: against differences, loops, PyTorch, one another."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import lazytensor as lt
from lazytensor._base import config
from lazytensor.extra.transforms import grad, hessian, jacobian, jvp, value_and_grad, vjp, vmap
from lazytensor.ir.node import TRACING
from lazytensor.ir.op import ROWS
from lazytensor.runtime.counters import counting
from lazytensor.runtime.pending import settle

Array = Any
X = np.array([0.7, -1.2, 0.4, 2.1])
A = np.array([[0.3, -0.8, 1.4, 0.2], [1.1, 0.6, -0.5, 0.9], [-0.7, 1.3, 0.1, -1.6]])


def arr(data: Any, dtype: Any = None) -> Array:
    return lt.asarray(np.asarray(data, dtype))


def num(x: Array) -> np.ndarray[Any, Any]:
    return np.asarray(x)


def differences(f: Callable[[Any], Any], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Fourth-order central differences, for each element of x; results may have any shape."""
    rows = []
    for place in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[place] = 1e-3
        at = [num(f(arr(x + k * e))) for k in (-2, -1, 1, 2)]
        rows.append((at[0] - 8 * at[1] + 8 * at[2] - at[3]) / 12e-3)
    return np.moveaxis(np.array(rows), 0, -1).reshape((*rows[0].shape, *x.shape))


# Scalar functions of one array of shape (4,), smooth at X.
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "elementwise": lambda x: lt.sum(lt.sin(x) * x + lt.exp(-x * x)),
    "broadcast": lambda x: lt.sum(lt.tanh(arr(A) * x) ** 2 / (1 + x * x)),
    "matmul": lambda x: lt.sum(lt.sin(arr(A) @ x)),
    "softmax": lambda x: (lt.exp(x - lt.max(x)) / lt.sum(lt.exp(x - lt.max(x))))[1],
    "variance": lambda x: lt.var(x * x) + lt.mean(x) ** 3,
    "indexing": lambda x: lt.sum(x[1:] * x[:-1]) + x[0] * lt.sum(lt.take(x, arr([0, 2, 2]))),
    "shapes": lambda x: lt.sum(lt.reshape(x, (2, 2)) @ lt.reshape(lt.flip(x), (2, 2)).T),
    "joined": lambda x: lt.prod(lt.concat([x, x * 0.5 + 2])) + lt.sum(lt.stack([x, x * x])[1]),
    "chosen": lambda x: (
        lt.sum(lt.where(x > 0, x * x, lt.exp(x))) + lt.sum(lt.clip(x, -1, 1.5) ** 3)
    ),
    "norms": lambda x: lt.linalg.vector_norm(x) + lt.sum(lt.abs(x) * x),
    "scans": lambda x: lt.sum(lt.cumulative_sum(x * x) * x),
    "roots": lambda x: lt.sum(lt.sqrt(x * x + 1) + lt.log1p(x * x) + lt.hypot(x, x + 3)),
}


@pytest.fixture(params=FUNCTIONS)
def function(request: pytest.FixtureRequest) -> Callable[[Array], Array]:
    return FUNCTIONS[request.param]


def test_the_gradient_is_that_of_finite_differences(function: Callable[[Array], Array]) -> None:
    np.testing.assert_allclose(
        num(grad(function)(arr(X))), differences(function, X), rtol=1e-6, atol=1e-8
    )


def test_the_hessian_is_that_of_finite_differences(function: Callable[[Array], Array]) -> None:
    found = num(hessian(function)(arr(X)))
    np.testing.assert_allclose(found, differences(grad(function), X), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found, found.T, rtol=1e-9, atol=1e-9)


def test_forward_is_reverse(function: Callable[[Array], Array]) -> None:
    x, v = arr(X), arr([0.3, -0.2, 0.9, 0.5])
    out, along = jvp(function, (x,), (v,))
    np.testing.assert_allclose(num(out), num(function(x)), rtol=1e-14)
    back = grad(function)
    np.testing.assert_allclose(num(along), num(lt.sum(back(x) * v)), rtol=1e-10, atol=1e-12)
    _, twice = jvp(back, (x,), (v,))
    _, pull = vjp(back, x)
    np.testing.assert_allclose(num(twice), num(pull(v)[0]), rtol=1e-9, atol=1e-10)
    turned = grad(lambda y: jvp(function, (y,), (v,))[1])(x)
    np.testing.assert_allclose(num(turned), num(twice), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_batch_is_a_loop(function: Callable[[Array], Array], axis: int) -> None:
    rows = np.stack([X, X * 0.9, X + 0.05])
    batch = arr(rows if axis == 0 else rows.T)
    want = [num(function(arr(r))) for r in rows]
    np.testing.assert_allclose(num(vmap(function, in_axes=axis)(batch)), want, rtol=1e-10)
    found = num(vmap(grad(function), in_axes=axis, out_axes=axis)(batch))
    want = [num(grad(function)(arr(r))) for r in rows]
    np.testing.assert_allclose(found if axis == 0 else found.T, want, rtol=1e-9, atol=1e-10)


def test_compositions_in_every_order(function: Callable[[Array], Array]) -> None:
    rows = arr(np.stack([X, X * 0.9]))
    v = arr([0.3, -0.2, 0.9, 0.5])
    per_row = num(vmap(grad(function))(rows))
    whole = grad(lambda r: lt.sum(vmap(function)(r)))(rows)
    np.testing.assert_allclose(num(whole), per_row, rtol=1e-9, atol=1e-10)
    pushed = vmap(lambda r: jvp(function, (r,), (v,))[1])(rows)
    np.testing.assert_allclose(num(pushed), per_row @ num(v), rtol=1e-9, atol=1e-10)
    _, along = jvp(vmap(function), (rows,), (lt.stack([v, v]),))
    np.testing.assert_allclose(num(along), per_row @ num(v), rtol=1e-9, atol=1e-10)
    cube = lt.stack([rows, rows * 1.1])
    nested = num(vmap(vmap(grad(function)))(cube))
    assert nested.shape == (2, 2, 4)
    np.testing.assert_allclose(nested[0], per_row, rtol=1e-9, atol=1e-10)
    second = num(vmap(hessian(function))(rows))
    np.testing.assert_allclose(second[0], num(hessian(function)(arr(X))), rtol=1e-8, atol=1e-9)


def test_the_difference_check_fails_on_a_planted_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ROWS["sin"], "partials", lambda g, y, x: (g.cos(x) + 1e-4,))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        test_the_gradient_is_that_of_finite_differences(FUNCTIONS["elementwise"])


def test_derivatives_of_derivatives_do_not_mix() -> None:
    def outer(x: Array) -> Array:
        return x * jvp(lambda y: x + y, (x,), (lt.asarray(1.0),))[1]

    assert float(grad(outer)(lt.asarray(3.0))) == 1.0
    cubic = grad(grad(grad(lambda x: x**4)))
    assert float(cubic(lt.asarray(2.0))) == pytest.approx(48.0)
    inner = lambda x: grad(lambda y: x * y * y)(x)  # noqa: E731
    assert float(grad(inner)(lt.asarray(3.0))) == 12.0


def test_the_namespace_has_them() -> None:
    for f in (grad, hessian, jacobian, jvp, value_and_grad, vjp, vmap):
        assert getattr(lt, f.__name__) is f
        assert f.__name__ in lt.__all__


# --- arguments and results ------------------------------------------------------------------------


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclass
class Layer:
    weight: Any
    bias: Any


def test_pytrees_of_every_kind() -> None:
    params = {
        "layers": [Layer(arr(A), arr([1.0, 2.0, 3.0])), Pair(arr([0.5, 0.5, 1.0]), None)],
        "scale": (arr(2.0), 3.0),
    }

    def loss(p: Any, x: Array) -> Array:
        first, second = p["layers"]
        return lt.sum((first.weight @ x + first.bias) * second.a) * p["scale"][0] * p["scale"][1]

    value, found = value_and_grad(loss)(params, arr(X))
    x, w = X, np.array([0.5, 0.5, 1.0])
    assert float(value) == pytest.approx(6 * ((A @ x + [1, 2, 3]) @ w))
    assert type(found["layers"][0]) is Layer
    assert type(found["layers"][1]) is Pair
    assert found["layers"][1].b is None
    np.testing.assert_allclose(num(found["layers"][0].weight), 6 * np.outer(w, x))
    np.testing.assert_allclose(num(found["layers"][0].bias), 6 * w)
    np.testing.assert_allclose(num(found["scale"][1]), float(value) / 3)


def test_a_list_of_arrays_and_several_argnums() -> None:
    def f(ws: list[Array], x: Array, *, power: int = 1) -> Array:
        return lt.sum(ws[0] * x**power) + lt.sum(ws[1])

    ws, x = [arr(X), arr(A)], arr(X)
    of_ws = grad(f)(ws, x, power=2)
    assert type(of_ws) is list
    np.testing.assert_allclose(num(of_ws[0]), X**2)
    np.testing.assert_allclose(num(of_ws[1]), np.ones_like(A))
    both = grad(f, argnums=(1, 0))(ws, x)
    assert type(both) is tuple
    np.testing.assert_allclose(num(both[0]), X)
    np.testing.assert_allclose(num(grad(f, argnums=-1)(ws, x)), X)
    (one,) = grad(f, argnums=(1,))(ws, x)
    np.testing.assert_allclose(num(one), X)


def test_aux_comes_beside() -> None:
    f = lambda x: (lt.sum(x * x), {"double": 2 * x, "name": "aux"})  # noqa: E731
    found, aux = grad(f, has_aux=True)(arr(X))
    np.testing.assert_allclose(num(found), 2 * X)
    np.testing.assert_allclose(num(aux["double"]), 2 * X)
    assert aux["name"] == "aux"
    (value, aux), found = value_and_grad(f, has_aux=True)(arr(X))
    assert float(value) == pytest.approx((X * X).sum())
    out, pull, aux = vjp(f, arr(X), has_aux=True)
    np.testing.assert_allclose(num(pull(1.0)[0]), 2 * X)
    out, along, aux = jvp(f, (arr(X),), (arr(X),), has_aux=True)
    assert float(along) == pytest.approx(2 * (X * X).sum())
    assert float(out) == float(value)


def test_what_does_not_vary_has_zeros_and_integers_none() -> None:
    x, i = arr(X), arr([0, 1])
    _, pull = vjp(lambda x, i, unused: {"taken": lt.take(x, i), "where": i}, x, i, x)
    of_x, of_i, of_unused = pull({"taken": arr([1.0, 2.0]), "where": None})
    assert num(of_x).tolist() == [1.0, 2.0, 0.0, 0.0]
    assert of_i is None
    assert num(of_unused).tolist() == [0.0] * 4
    _, tangents = jvp(lambda x, i: (x[0], i + 1), (x, i), (None, None))
    assert float(tangents[0]) == 0.0
    assert tangents[1] is None
    assert num(grad(lambda x: lt.asarray(3.0))(x)).tolist() == [0.0] * 4
    assert num(grad(lambda x: 3.0)(x)).tolist() == [0.0] * 4


def test_values_can_be_looked_at_inside() -> None:
    def f(x: Array) -> Array:
        if x[0] > 0:
            return lt.sum(x * float(x[1]))
        return lt.sum(x * x)

    np.testing.assert_allclose(num(grad(f)(arr(X))), [-1.2] * 4)
    np.testing.assert_allclose(num(grad(f)(arr(-X))), -2 * X)

    def whole(x: Array) -> Array:
        y = lt.sin(x)
        num(y)
        return lt.sum(y * y)

    np.testing.assert_allclose(num(grad(whole)(arr(X))), np.sin(2 * X))


def test_in_place_operators_and_setitem_inside() -> None:
    def f(x: Array) -> Array:
        y = x * 1.0
        y[1:3] = y[1:3] * x[0]
        y[0] = 5.0
        x += 1.0
        return lt.sum(y * x)

    x = arr(X)
    np.testing.assert_allclose(num(grad(f)(x)), differences(f, X), rtol=1e-7, atol=1e-9)
    assert num(x).tolist() == X.tolist()


def test_pending_arguments_are_not_computed_and_closures_are_constants() -> None:
    x = arr(X) * 2.0
    y = x * 3.0
    with counting() as done:
        found = grad(lambda a: lt.sum(a * a + y * a))(x)
    assert done.graphs == 0
    np.testing.assert_allclose(num(found), 2 * 2 * X + 6 * X)
    same = grad(lambda a: lt.sum(a * x))(x)
    np.testing.assert_allclose(num(same), 2 * X)
    with counting() as done:
        both = grad(lambda a, b: lt.sum(a * b), argnums=(0, 1))(x, x)
    np.testing.assert_allclose(num(both[0]), num(both[1]))
    assert done.graphs == 0


def test_outside_of_transforms_nothing_is_traced_any_more() -> None:
    def fails(x: Array) -> Array:
        assert TRACING.depth == 1
        raise RuntimeError("on purpose")

    for transformed in (grad(fails), vmap(fails)):
        with pytest.raises(RuntimeError, match="on purpose"):
            transformed(arr(X))
        assert TRACING.depth == 0


def test_jacobians() -> None:
    f = lambda x: lt.sin(arr(A) * x)  # noqa: E731
    found = num(jacobian(f)(arr(X)))
    assert found.shape == (3, 4, 4)
    np.testing.assert_allclose(found, differences(f, X), rtol=1e-6, atol=1e-8)
    tree = jacobian(lambda p: {"sum": p[0] + p[1], "product": p[0] * p[1]})([arr(X), arr(X)])
    np.testing.assert_allclose(num(tree["product"][1]), np.diag(X))
    _, second = jacobian(lambda a, b: a * lt.sum(b), argnums=(0, 1))(arr(X), arr(X))
    np.testing.assert_allclose(num(second), np.outer(X, np.ones(4)))
    blocks = hessian(lambda p: lt.sum(p["a"] * p["a"] * p["b"]))({"a": arr(X), "b": arr(X)})
    np.testing.assert_allclose(num(blocks["a"]["b"]), np.diag(2 * X))
    np.testing.assert_allclose(num(blocks["b"]["b"]), np.zeros((4, 4)))


# --- batching -------------------------------------------------------------------------------------


def test_axes_of_pytrees() -> None:
    f = lambda p, x: {"dot": lt.sum(p["w"] * x) + p["b"], "x": x}  # noqa: E731
    p = {"w": arr(A.T), "b": 2.0}
    found = vmap(f, in_axes=({"w": 1, "b": None}, None), out_axes={"dot": 0, "x": None})(p, arr(X))
    np.testing.assert_allclose(num(found["dot"]), A @ X + 2)
    assert num(found["x"]).tolist() == X.tolist()
    spread = vmap(f, in_axes=[{"w": 1, "b": None}, None], out_axes={"dot": 0, "x": 1})(p, arr(X))
    assert num(spread["x"]).tolist() == np.stack([X] * 3, 1).tolist()
    pairs = vmap(lambda p: p[0] * p[1], in_axes=((0, None),))((arr(X), arr(3.0)))
    np.testing.assert_allclose(num(pairs), 3 * X)


def test_keyword_arguments_are_passed_on() -> None:
    f = lambda x, *, k, name: x * k if name == "k" else x  # noqa: E731
    assert num(vmap(f)(arr(X), k=arr([1.0, 2.0]), name="k")).shape == (4, 2)


def test_outer_products_by_two_maps() -> None:
    outer = vmap(vmap(lambda a, b: a * b, in_axes=(None, 0)), in_axes=(0, None))
    np.testing.assert_array_equal(num(outer(arr(X), arr(X[:3]))), np.outer(X, X[:3]))


def test_what_is_the_same_for_all_examples_is_computed_once() -> None:
    big = arr(np.linspace(0, 1, 1000))
    with counting() as done:
        num(vmap(lambda x: x + lt.sum(lt.exp(big)))(arr(X)))
    assert done.bytes < 3 * 8000


def test_no_values_inside_a_map() -> None:
    for look in (bool, float, num, lambda x: x if x > 0 else -x):
        with pytest.raises(TypeError, match=r"an array of shape \(\) is needed while"):
            vmap(lambda x, look=look: x * look(x))(arr(X))


@pytest.mark.parametrize("n", [0, 1])
def test_batches_of_none_and_of_one(n: int) -> None:
    f = lambda x: lt.sum(x * x)  # noqa: E731
    assert num(vmap(f)(arr(np.ones((n, 3))))).tolist() == [3.0] * n
    assert num(vmap(grad(f))(arr(np.ones((n, 3))))).shape == (n, 3)


# --- errors ---------------------------------------------------------------------------------------

total = FUNCTIONS["elementwise"]
ERRORS: list[tuple[Callable[[Array], Any], type[Exception], str]] = [
    (
        lambda x: grad(lambda x: x * 2)(x),
        ValueError,
        r"scalar result, got an array of shape \(4,\)",
    ),
    (lambda x: grad(lambda x: [x])(x), TypeError, r"scalar result, got \[\*\]"),
    (lambda x: grad(lambda x: lt.sum(x) > 0)(x), TypeError, "real floating-point result, got bool"),
    (lambda x: grad(lambda x: lt.sum(x) * 1j)(x), TypeError, "result, got complex128"),
    (
        lambda x: grad(lambda x: "loss")(x),
        TypeError,
        "must be an array or a number, got str: 'loss'",
    ),
    (lambda x: grad(total)(arr([1, 2])), TypeError, "argnums=0 needs floating-point.*got int64"),
    (lambda x: grad(total)(3), TypeError, "argnums=0 needs floating-point.*got int64"),
    (lambda x: grad(total)(True), TypeError, "got bool"),
    (lambda x: grad(total)([x, "b"]), TypeError, "argnums=0 selects must be an array.*str: 'b'"),
    (lambda x: grad(total, argnums=2)(x, x), ValueError, "argnums=2 .* 2 positional arguments"),
    (lambda x: grad(total, argnums=-3)(x, x), ValueError, "argnums=-3 .* 2 positional"),
    (lambda x: grad(total, argnums=(0, -2))(x, x), ValueError, r"not repeat, got \(0, -2\)"),
    (lambda x: grad(total, argnums=0.5)(x), TypeError, "argnums must be an int.* got 0.5"),
    (lambda x: grad(total, has_aux=True)(x), TypeError, r"must return a pair \(result, aux\)"),
    (lambda x: jacobian(lambda x: x > 0)(x), TypeError, "floating-point, got bool"),
    (lambda x: jacobian(total)(arr([1, 2])), TypeError, "got int64"),
    (lambda x: vjp(total, x)[1](arr([1.0])), ValueError, r"shape \(\), got \(1,\)"),
    (lambda x: vjp(total, x)[1]((1.0,)), ValueError, r"cotangents \(\*,\) .* structure \*"),
    (lambda x: vjp(total, x)[1](1j), TypeError, "must be float64, got complex128"),
    (lambda x: jvp(total, (x,), (arr([1.0]),)), ValueError, r"shape \(4,\), got \(1,\)"),
    (lambda x: jvp(total, (x,), (arr(X, np.float32),)), TypeError, "be float64, got float32"),
    (lambda x: jvp(total, (x,), (x, x)), ValueError, r"tangents \(\*, \*\) doesn't fit"),
    (lambda x: jvp(total, x, x), TypeError, "primals must be a tuple or a list, got Array"),
    (lambda x: jvp(total, (arr([1]),), (arr([1]),)), TypeError, "int64, which has none"),
    (lambda x: vmap(total, in_axes=1)(x), IndexError, r"in_axes=1 for array 0 .* shape \(4,\)"),
    (lambda x: vmap(total, in_axes="a")(x), TypeError, "in_axes='a' .* must be an int"),
    (lambda x: vmap(total, in_axes=(0, 0))(x), ValueError, r"in_axes \(\*, \*\) doesn't fit"),
    (lambda x: vmap(total, in_axes=None)(x), ValueError, "maps none of the 1 arrays"),
    (lambda x: vmap(total)(2.0), IndexError, r"of shape \(\)"),
    (lambda x: vmap(total)("a"), TypeError, "array 0 of the arguments must be an array.*'a'"),
    (lambda x: vmap(total, out_axes=1)(x), IndexError, r"out_axes=1 .* shape \(4,\)"),
    (lambda x: vmap(total, out_axes=None)(x), ValueError, "depends on the example"),
    (lambda x: vmap(total, out_axes=(0, 0))(x), ValueError, "out_axes .* doesn't fit"),
    (
        lambda x: vmap(lambda a, b: a)(x, x[1:]),
        ValueError,
        "differ: array 0 has 4 along axis 0, array 1 has 3 along axis 0",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), ERRORS, ids=range(len(ERRORS)))
def test_bad_calls_say_what_was_given(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(arr(X))
    assert TRACING.depth == 0


# --- against PyTorch ------------------------------------------------------------------------------

Z = np.array([0.3 + 0.8j, -1.1 + 0.2j, 0.6 - 0.7j, 1.4j, -0.5])

COMPLEX: dict[str, Callable[[Any, Any], Any]] = {
    "abs": lambda xp, z: abs(z) * xp.real(z),
    "square": lambda xp, z: xp.real(z * z * z),
    "divide": lambda xp, z: xp.imag(1 / (z + 2)) + xp.real(z / (z * z + 3)),
    "conj": lambda xp, z: xp.real(xp.conj(z) * xp.exp(z)),
    "exp": lambda xp, z: xp.imag(xp.exp(z) * xp.sin(z)),
    "log": lambda xp, z: xp.real(xp.log(z + 3)) + xp.imag(xp.sqrt(z + 4)),
    "hyperbolic": lambda xp, z: xp.real(xp.tanh(z) + xp.cosh(z) * xp.cos(z)),
    "power": lambda xp, z: xp.real((z + 3) ** 3),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_gradients_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    f = COMPLEX[name]
    z = torch.tensor(Z, requires_grad=True)
    f(torch, z).sum().backward()
    found = num(grad(lambda z: lt.sum(f(lt, z)))(arr(Z)))
    np.testing.assert_allclose(found, z.grad.numpy(), rtol=1e-10, atol=1e-12)


KINKS = np.array([-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 1.0, 3.0])
KINKED: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "abs": (lt.abs, lambda t, x: t.abs(x)),
    "sign": (lt.sign, lambda t, x: t.sign(x)),
    "sqrt": (lambda x: lt.sqrt(lt.abs(x)), lambda t, x: t.sqrt(t.abs(x))),
    "maximum": (lambda x: lt.maximum(x, x * x), lambda t, x: t.maximum(x, x * x)),
    "minimum": (
        lambda x: lt.minimum(x, lt.ones_like(x)),
        lambda t, x: t.minimum(x, t.ones_like(x)),
    ),
    "max": (lt.max, lambda t, x: t.amax(x)),
    "min": (lambda x: lt.min(lt.abs(x)), lambda t, x: t.amin(t.abs(x))),
    "prod": (lt.prod, lambda t, x: t.prod(x)),
    "pow": (lambda x: x**2.0 + x**0.0, lambda t, x: x**2.0 + x**0.0),
    "floor": (lambda x: lt.floor(x) * x, lambda t, x: t.floor(x) * x),
    "remainder": (lambda x: lt.remainder(x, 0.75 + 0 * x), lambda t, x: t.remainder(x, 0.75)),
    "where": (lambda x: lt.where(x >= 0, x, 2 * x), lambda t, x: t.where(x >= 0, x, 2 * x)),
    "relu": (lambda x: lt.where(x > 0, x, 0 * x), lambda t, x: t.relu(x)),
}


@pytest.mark.parametrize("name", KINKED)
def test_gradients_at_kinks_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = KINKED[name]
    x = torch.tensor(KINKS, requires_grad=True)
    theirs(torch, x).sum().backward()
    found = num(grad(lambda x: lt.sum(ours(x)))(arr(KINKS)))
    np.testing.assert_allclose(found, x.grad.numpy(), rtol=1e-12)


# --- long chains ----------------------------------------------------------------------------------


@pytest.fixture
def shallow() -> Iterator[None]:
    """Hardly any recursion."""
    before = sys.getrecursionlimit()
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    sys.setrecursionlimit(depth + 200)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("shallow")
def test_the_gradient_of_a_long_loop() -> None:
    n = 20_000

    def loop(x: Array) -> Array:
        y = x
        for _ in range(n):
            y = y * 0.9999 + 0.0001 * x
        return y

    value, found = value_and_grad(loop)(lt.asarray(2.0))
    assert float(found) == pytest.approx(1.0, rel=1e-9)
    assert float(value) == pytest.approx(2.0, rel=1e-9)


@pytest.mark.parametrize("limit", [2, 3, 5])
def test_a_flush_while_tracing_cuts_no_history(limit: int) -> None:
    x = lt.asarray([1.0, 2.0, 3.0])
    with config.context(max_pending=limit):
        settle()
        found = [grad(lambda x: lt.sum(x * x))(x) for _ in range(4)]
        value, gradient = value_and_grad(lambda x: (lt.sum(x * x), x + 1.0), has_aux=True)(x)
    settle()
    for got in (*found, gradient):
        np.testing.assert_array_equal(np.asarray(got), [2.0, 4.0, 6.0])
    assert float(value[0]) == 14.0
