"""jit: a hit runs no Python and makes no nodes; results are those of the function itself."""

from __future__ import annotations

import functools
import gc
import math
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config, pytree
from lazytensor._base.devices import is_gpu
from lazytensor.ir.node import TRACING
from lazytensor.lower.kernel import Launch
from lazytensor.runtime.buffers import POOLED
from lazytensor.runtime.counters import counting
from lazytensor.runtime.jit import ACTIVE
from lazytensor.runtime.materialize import NoValue
from tests.programs import statements
from tests.programs.test_programs import DTYPES, LINE, SHAPES, leaf, same_bits

X = np.array([1.0, -2.0, 3.0])


def arr(data: Any = X, dtype: Any = None) -> Any:
    return xp.asarray(np.asarray(data, dtype))


def address(x: Any) -> Any:
    """Where the elements lie."""
    value = x._node.value
    return value.data.ptr if is_gpu(x.device) else value.__array_interface__["data"][0]


def counted(f: Callable[..., Any], **options: Any) -> tuple[Any, list[int]]:
    """The compiled function, and a list that grows each time it is traced."""
    runs: list[int] = []

    @functools.wraps(f)
    def traced(*args: Any, **kwargs: Any) -> Any:
        runs.append(1)
        return f(*args, **kwargs)

    return xp.jit(traced, **options), runs


def equal(a: Any, b: Any) -> None:
    """The same tree, to the last bit."""
    xs, one = pytree.flatten(a)
    ys, other = pytree.flatten(b)
    assert one == other
    for x, y in zip(xs, ys, strict=True):
        assert type(x) is type(y)
        same_bits(np.asarray(x), np.asarray(y), f"{a} and {b}")


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Any:
    yield
    assert TRACING.depth == 0
    assert ACTIVE.trace is None


# --- hits -----------------------------------------------------------------------------------------


def test_a_hit_makes_no_nodes_and_runs_no_python_of_the_user():
    f, runs = counted(lambda x, y: xp.sum(xp.exp(x) * y) + xp.max(x @ y))
    x, y, twice = arr(), arr(X + 1), arr(X * 2)
    xp.materialize(twice)
    first = f(x, y)
    with counting() as done:
        second = f(twice, y)
    assert len(runs) == 1
    assert (done.nodes, done.graphs, done.plans, done.compilations, done.interpreted) == (0,) * 5
    assert done.kernels + done.calls > 0
    equal(first, xp.sum(xp.exp(x) * y) + xp.max(x @ y))
    equal(second, xp.sum(xp.exp(x * 2) * y) + xp.max((x * 2) @ y))


def test_a_miss_for_each_shape_dtype_device_and_structure():
    f, runs = counted(lambda x: xp.sum(x["a"]) if isinstance(x, dict) else xp.sum(x[0]))
    with config.context(cpu_devices=2):
        calls = [
            [arr()],
            [arr(np.ones(4))],
            [arr(X, np.float32)],
            [xp.asarray(X, device="cpu:1")],
            [arr(np.ones((3, 2)))],
            (arr(),),
            [arr(), arr()],
            {"a": arr()},
            {"a": arr(), "b": arr()},
            {"a": 1.0},
            {"a": 1},
            {"a": True},
            {"a": 1j},
        ]
        for k, x in enumerate(calls):
            for _ in range(2):
                f(x)
            assert len(runs) == k + 1
    assert f.cache_info() == (len(calls), len(calls), 64, len(calls))


def test_how_elements_lie_makes_no_difference():
    f, runs = counted(lambda x: xp.sum(xp.exp(x), axis=0) * x)
    data = np.arange(12.0).reshape(3, 4)
    for x in (arr(data), arr(data.T.copy()).T, arr(np.repeat(data, 2, 1))[:, ::2], xp.ones((3, 4))):
        equal(f(x), xp.sum(xp.exp(x), axis=0) * x)
    assert len(runs) == 1


def test_positions_names_and_defaults():
    f, runs = counted(lambda x, y=2.0, *, z=3.0: x * y + z)
    for args, kwargs in [((arr(),), {}), ((arr(), 4.0), {}), ((arr(),), {"y": 4.0, "z": arr()})]:
        equal(f(*args, **kwargs), (lambda x, y=2.0, *, z=3.0: x * y + z)(*args, **kwargs))
        equal(f(*args, **kwargs), f(*args, **kwargs))
    assert len(runs) == 3


@pytest.mark.cpu("what is interpreted")
def test_pending_arguments_are_computed_together():
    f, runs = counted(lambda a, b: a * b)
    x = arr(np.ones((50, 50)))
    y = x @ x
    with counting() as done:
        got = f(y + 1, y * 2)
    equal(got, xp.ones((50, 50)) * 51 * 100)
    f(y + 1, y * 2)
    assert len(runs) == 1
    assert (done.interpreted, done.kernels) == (3, 1)


@pytest.mark.cpu("NumPy's memory is shared")
def test_memory_of_others_is_read_as_it_is_at_the_call():
    f, runs = counted(lambda x: x + 1.0)
    memory = np.zeros(3)
    x = xp.asarray(memory, copy=False)
    first = f(x)
    memory[:] = 5
    second = f(x)
    memory[:] = 7
    assert (first.tolist(), second.tolist(), len(runs)) == ([1.0] * 3, [6.0] * 3, 1)


def test_numpy_arrays_and_scalars_are_inputs():
    f, runs = counted(lambda x: (x * 2, xp.reshape(x, (-1,))))
    memory = np.arange(3.0)
    _, view = f(memory)
    memory[:] = 9
    assert view.tolist() == [0.0, 1.0, 2.0]
    assert f(memory)[0].tolist() == [18.0] * 3
    assert f(np.float32(2))[0].dtype == np.float32
    assert f(np.float32(3))[0].item() == 6.0
    assert len(runs) == 2


def test_results_are_handed_on_without_growing():
    f = xp.jit(lambda x: 0.5 * x + 1.0)
    x = arr()
    for _ in range(100):
        x = f(x)
    assert x._node.args == ()
    np.testing.assert_allclose(np.asarray(x), 2.0)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32", "float64", "complex64"])
@pytest.mark.parametrize(
    "number", [0, 1, -1, 2, 7, 300, True, 0.0, -0.0, 1.0, 0.5, 2.5, 1j, 3 + 4j]
)
def test_numbers_adapt_to_arrays_as_without_jit(dtype, number):
    def f(x: Any, s: Any) -> Any:
        return [x * s, s + x, x - s, xp.where(x != 0, x, s), x == s, xp.full((2,), s)]

    compiled, x = xp.jit(f), arr([0, 1, 3], dtype)
    for _ in range(2):
        try:
            want = f(x, number)
        except (OverflowError, TypeError) as error:
            with pytest.raises(type(error), match=re.escape(str(error))):
                compiled(x, number)
        else:
            equal(compiled(x, number), want)


def test_a_number_is_an_input_and_never_a_part_of_the_program():
    f, runs = counted(lambda x, s: x * s + s)
    for s in [1.0, 0.0, 2.0, 0.5, -1.0, 3.25, -0.0, math.inf, 1e-310]:
        equal(f(arr(), s), arr() * s + s)
    assert len(runs) == 1
    (step,) = f.lower(arr(), 1.0).plan.steps
    assert isinstance(step, Launch)
    assert step.kernel.constants == ()
    assert f.cache_info().misses == 1


def test_arithmetic_of_numbers_is_python_s():
    def f(a: Any, b: Any) -> Any:
        return (a + b, 2 - a, a * 3, a / b, a // b, a % b, 2**b, -a, +a, abs(-a), a < b, a == 3,
                a != b, b <= 1, a.__class__, True & (a > b))  # fmt: skip

    for a, b in [(7, 3), (7.5, 2.0), (-7, 2), (6.0, 4), (True, 2), (True, True)]:
        compiled = xp.jit(f)
        for _ in range(2):
            got, want = compiled(a, b), f(a, b)
            assert got == want
            assert [type(x) for x in got] == [type(x) for x in want]


def test_parts_of_numbers():
    f = xp.jit(lambda s: (s.real, s.imag, s.conjugate()))
    for s in (3 + 4j, 2.5, 7):
        assert [type(x) for x in f(s)] == [type(s.real), type(s.real), type(s)]
        assert f(s) == (s.real, s.imag, s.conjugate())


def test_integers_keep_bits_and_shifts():
    f = xp.jit(lambda a, b: (a & b, a | b, a ^ b, ~a, a << b, a >> 1, 5 & a))
    assert f(12, 3) == (0, 15, 15, -13, 96, 6, 4)


def test_numbers_meet_numpy_arrays():
    f = xp.jit(lambda s: (np.arange(3.0) * s, s - np.arange(3.0), np.float32(2) * s))
    a, b, c = f(3.0)
    assert (a.tolist(), b.tolist(), c.item()) == ([0.0, 3.0, 6.0], [3.0, 2.0, 1.0], 6.0)


def test_numbers_make_arrays_and_are_indices():
    f = xp.jit(lambda x, i, s: (x[i], xp.asarray([s, 1.0, i]), xp.clip(x, s, 2), xp.asarray(s)))
    for i, s in [(0, 0.5), (-1, -0.5)]:
        equal(f(arr(), i, s), (arr()[i], xp.asarray([s, 1.0, i]), xp.clip(arr(), s, 2),
                               xp.asarray(s)))  # fmt: skip


def test_an_integer_beyond_the_dtype_is_as_it_is_without_jit():
    f = xp.jit(lambda x, n: (x < n, x == n))
    x = arr([1, 2], np.uint8)
    equal(f(x, 2), (x < 2, x == 2))
    equal(f(x, 300), (x < 300, x == 300))
    with pytest.raises(OverflowError, match="Python integer 300 is out of bounds for uint8"):
        xp.jit(lambda x, n: x + n)(x, 300)


def test_adam_s_step_count_compiles_nothing():
    def step(p: Any, m: Any, g: Any, t: int, beta: float) -> Any:
        m = beta * m + (1 - beta) * g
        return p - 0.1 * m / (1 - beta**t), m

    f, runs = counted(step)
    p, m = arr(X, np.float32), arr(X * 0, np.float32)
    q, n = p, m
    f(p, m, p, 1, 0.9)
    with counting() as done:
        for t in range(1, 20):
            p, m = f(p, m, p, t, 0.9)
    assert (len(runs), done.plans, done.compilations, done.nodes) == (1, 0, 0, 0)
    for t in range(1, 20):
        q, n = step(q, n, q, t, 0.9)
    np.testing.assert_allclose(np.asarray(p), np.asarray(q), rtol=1e-6)


@pytest.mark.parametrize(
    "ask",
    [float, int, bool, complex, math.sqrt, round, math.floor, hash, range, lambda s: [1][s],
     lambda s: {1: 2}[s], lambda s: s in [1, 2], lambda s: max(s, 2), xp.arange,
     lambda s: xp.ones(3)[:s], np.ones],
)  # fmt: skip
def test_the_value_of_a_number_is_not_there(ask):
    f = xp.jit(lambda s: xp.asarray(ask(s)))
    with pytest.raises((NoValue, TypeError)) as found:
        f(3)
    if isinstance(found.value, NoValue):
        assert f"argument 0 is needed at {__file__}:" in str(found.value)


def test_what_a_number_shows_of_itself():
    shown = []
    xp.jit(lambda s: shown.append(f"{s} {s:.3f} {s!r}") or s)(2.5)
    assert shown == ["<traced float> <traced float> <traced float>"]


# --- what is needed while tracing -----------------------------------------------------------------


def test_a_value_is_needed():
    def f(x: Any, y: Any) -> Any:
        if xp.sum(y["w"][0]) > 0:
            return x
        return -x

    with pytest.raises(NoValue) as found:
        xp.jit(f)(arr(), {"w": [arr()]})
    where = f"{__file__}:{f.__code__.co_firstlineno + 1}"
    assert str(found.value) == (
        "`f` is being traced by jit, and a value that depends on argument 1['w'][0] is needed at "
        f"{where}, where there is none yet: make static what decides in Python code "
        "(static_argnums, static_argnames), choose by where(…) instead of `if`, and take shapes "
        "that depend on values (x[mask], nonzero) out of the function"
    )


@pytest.mark.parametrize(
    "f",
    [float, np.asarray, lambda x: x[x > 0], xp.nonzero, xp.unique_values, lambda x: x.tolist(),
     lambda x: xp.materialize(x), lambda x: list(map(float, x)), np.from_dlpack],
)  # fmt: skip
def test_values_are_needed(f):
    x = arr(2.0) if f is float else arr()
    with pytest.raises(NoValue, match="is being traced by jit"):
        xp.jit(lambda x: f(x))(x)
    equal(xp.jit(lambda x: x + 1)(x), x + 1)


def test_what_does_not_depend_on_arguments_has_values():
    w = arr()
    f = xp.jit(lambda x: x * 2 if float(xp.sum(w)) > 0 else x)
    equal(f(arr()), arr() * 2)


class Store:
    thing: Any = None


def test_a_leaked_array_says_where_it_comes_from():
    kept: list[Any] = []

    def leaky(x: Any) -> Any:
        kept.append(x * 2)
        Store.thing = x
        return x + 1

    xp.jit(leaky)(arr())
    line = sys._getframe().f_lineno - 1
    want = (
        f"an array that was made while `leaky` was traced (by jit, called at {__file__}:{line}) "
        "was kept beyond the call; it stands for argument 0 and has no value: return it from "
        "`leaky` instead of storing it"
    )
    for use in (lambda: kept[0].tolist(), lambda: float((Store.thing + 1)[0]),
                lambda: repr(kept[0]), lambda: xp.jit(lambda y: y + kept[0])(arr()),
                lambda: xp.jit(lambda y: y)(kept[0]),
                lambda: xp.materialize(xp.sum(Store.thing @ arr()))):  # fmt: skip
        with pytest.raises(NoValue) as found:
            use()
        assert str(found.value) == want


def test_a_leaked_number_says_where_it_comes_from():
    kept: list[Any] = []
    xp.jit(lambda s: kept.append(s) or xp.ones(2) * s)(2.0)
    with pytest.raises(NoValue, match="was kept beyond the call"):
        float(kept[0])


def test_an_exception_leaves_nothing_broken():
    fail = [True]

    def f(x: Any) -> Any:
        y = x * 2
        if fail[0]:
            raise RuntimeError("mine")
        return y

    compiled = xp.jit(f)
    with pytest.raises(RuntimeError, match="mine"):
        compiled(arr())
    assert compiled.cache_info().currsize == 0
    fail[0] = False
    equal(compiled(arr()), arr() * 2)


def test_refusals_in_the_function_show_the_user_s_line():
    def f(x: Any) -> Any:
        return x + xp.ones(7)

    with pytest.raises(ValueError, match="add: shapes") as found:
        xp.jit(f)(arr())
    assert found.traceback[-1].lineno + 1 == f.__code__.co_firstlineno + 1


def test_errors_of_data_name_the_user_s_line_in_every_call():
    def f(a: Any) -> Any:
        return xp.linalg.inv(a)

    compiled = xp.jit(f)
    equal(compiled(xp.eye(2)), xp.eye(2))
    line = f.__code__.co_firstlineno + 1
    for _ in range(2):
        with pytest.raises(np.linalg.LinAlgError, match=f"made at {__file__}:{line}"):
            np.asarray(compiled(xp.zeros((2, 2))))  # a GPU tells when a value is read
    equal(compiled(2 * xp.eye(2)), xp.eye(2) / 2)


# --- static arguments -----------------------------------------------------------------------------


def test_static_arguments_are_compared_by_value():
    f, runs = counted(lambda x, n, mode: x[:n] if mode == "head" else x[-n:],
                      static_argnums=1, static_argnames=("mode",))  # fmt: skip
    equal(f(arr(), 2, "head"), arr()[:2])
    equal(f(arr(), 2, mode="head"), arr()[:2])
    equal(f(arr(), n=1, mode="tail"), arr()[-1:])
    assert len(runs) == 3
    equal(f(arr(), n=1, mode="tail"), arr()[-1:])
    equal(f(arr(), 2, "head"), arr()[:2])
    assert len(runs) == 3


@pytest.mark.parametrize("values", [(0.0, -0.0), (1, True, 1.0, 1 + 0j), ((1,), (True,), (1.0,)),
                                    (math.nan,), ((0.0,), (-0.0,))])  # fmt: skip
def test_static_values_that_are_equal_but_not_the_same(values):
    seen: list[str] = []
    f = xp.jit(lambda x, v: seen.append(repr(v)) or x, static_argnums=(1,))
    for _ in range(2):
        for v in values:
            f(arr(), v)
    assert seen == [repr(v) for v in values]


def named(x: Any, mode: Any) -> Any:
    return x


REFUSED = {
    "jit: f must be a function, got int: 3": (TypeError, lambda: xp.jit(3)),
    "jit: static_argnums must be an int or a tuple of ints, got 'x'": (
        TypeError,
        lambda: xp.jit(named, static_argnums="x"),
    ),
    "jit: static_argnums must not be negative, got -1": (
        ValueError,
        lambda: xp.jit(named, static_argnums=-1),
    ),
    "jit: static_argnums has 2, but `named` takes 2 positional arguments": (
        ValueError,
        lambda: xp.jit(named, static_argnums=2),
    ),
    "jit: static_argnames has 'm', but `named` has no such name": (
        ValueError,
        lambda: xp.jit(named, static_argnames="m"),
    ),
    "jit: static_argnames must be a string or a tuple of these, got (1,)": (
        TypeError,
        lambda: xp.jit(named, static_argnames=(1,)),
    ),
    "jit: argument 1 is both static and donated": (
        ValueError,
        lambda: xp.jit(named, static_argnames="mode", donate_argnums=1),
    ),
    "jit: max_entries must be a positive int, got 0": (
        ValueError,
        lambda: xp.jit(named, max_entries=0),
    ),
    "jit: argument 1 of `named` is static, so it must be hashable and no array, got list: [1]": (
        TypeError,
        lambda: xp.jit(named, static_argnums=1)(arr(), [1]),
    ),
    "jit: argument `mode` of `named` is static, so it must be hashable and no array, got Array: "
    "Array([1.], dtype=float64)": (
        TypeError,
        lambda: xp.jit(named, static_argnames="mode")(arr(), mode=xp.ones(1)),
    ),
    "jit: argument 1['a'][0] of `named` must be an array, a number, or a container of these, got "
    "str: 'sum'; anything else can be static (static_argnums, static_argnames)": (
        TypeError,
        lambda: xp.jit(named)(arr(), {"a": ["sum"]}),
    ),
    "register_pytree: cls must be a class, got 3": (
        TypeError,
        lambda: xp.register_pytree(3, None, None),
    ),
    "register_pytree: list is a container already": (
        ValueError,
        lambda: xp.register_pytree(list, None, None),
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text):
    error, make = REFUSED[text]
    with pytest.raises(error) as found:
        make()
    assert str(found.value) == text


# --- what the function finds outside --------------------------------------------------------------

RATE = 0.5
WEIGHTS = xp.ones(3)


def helper(x: Any) -> Any:
    return x * RATE


def test_a_global_that_changes_retraces(monkeypatch):
    f, runs = counted(lambda x: x * RATE)
    equal(f(arr()), arr() * 0.5)
    monkeypatch.setitem(globals(), "RATE", 2.0)
    equal(f(arr()), arr() * 2.0)
    monkeypatch.setitem(globals(), "RATE", float("2.0"))
    equal(f(arr()), arr() * 2.0)
    assert len(runs) == 2


def test_a_global_of_a_function_that_is_called_retraces(monkeypatch):
    f, runs = counted(lambda x: helper(x) + 1)
    equal(f(arr()), arr() * 0.5 + 1)
    monkeypatch.setitem(globals(), "RATE", 4.0)
    equal(f(arr()), arr() * 4.0 + 1)
    monkeypatch.setitem(globals(), "helper", lambda x: x)
    equal(f(arr()), arr() + 1)
    assert len(runs) == 3


def test_a_closure_cell_that_changes_retraces():
    scale: Any = 2.0
    f = xp.jit(lambda x: x * scale)
    equal(f(arr()), arr() * 2.0)
    scale = arr()
    equal(f(arr()), arr() * arr())
    scale[0] = 5.0
    equal(f(arr()), arr() * scale)
    scale += 1
    equal(f(arr()), arr() * scale)
    assert f.cache_info()[:2] == (0, 4)
    f(arr())
    assert f.cache_info().hits == 1


def test_pending_arrays_from_outside_are_computed_once():
    w = xp.ones((60, 60)) @ xp.ones((60, 60))
    f, runs = counted(lambda x: x + w)
    x = xp.zeros((60, 60))
    equal(f(x), xp.zeros((60, 60)) + 60.0)
    with counting() as done:
        f(x)
    assert done.calls == 0
    w = w + 1.0
    equal(f(x), xp.zeros((60, 60)) + 61.0)
    assert len(runs) == 2


@pytest.mark.cpu("NumPy's memory is shared")
def test_memory_of_others_from_outside_is_read_in_each_call():
    memory = np.ones(3)
    outside = xp.asarray(memory, copy=False)
    f = xp.jit(lambda x: x * outside)
    equal(f(arr()), arr())
    memory[:] = 3
    equal(f(arr()), arr() * 3.0)


def test_functions_of_ours_and_partials_are_looked_through(monkeypatch):
    def loss(x: Any) -> Any:
        return xp.sum(x * RATE)

    f = xp.jit(xp.grad(loss))
    g = xp.jit(functools.partial(lambda a, x: a * RATE * x, 2.0))
    equal((f(arr()), g(arr())), (arr() * 0 + 0.5, arr()))
    monkeypatch.setitem(globals(), "RATE", 3.0)
    equal((f(arr()), g(arr())), (arr() * 0 + 3.0, arr() * 6))


def test_what_was_undefined_may_come():
    def f(x: Any) -> Any:
        try:
            return x * later
        except NameError:
            return x

    compiled = xp.jit(f)
    equal(compiled(arr()), arr())
    globals()["later"] = 3.0
    try:
        equal(compiled(arr()), arr() * 3)
    finally:
        del globals()["later"]
    equal(compiled(arr()), arr())


# --- containers, results --------------------------------------------------------------------------


class Pair(NamedTuple):
    u: Any
    v: Any


@dataclass
class State:
    w: Any
    rest: Any = None


class Custom:
    def __init__(self, a: Any, name: str) -> None:
        self.a, self.name = a, name


xp.register_pytree(
    Custom, lambda c: ((c.a,), c.name), lambda name, children: Custom(*children, name)
)


def test_containers():
    def f(s: State, p: Pair, c: Custom) -> Any:
        doubled = Custom(c.a * 2, c.name)
        return {"s": State(p.u, [s.w, None, (p.v + 1,)]), "c": doubled, "p": Pair(s.rest, "text")}

    compiled, runs = counted(f)
    for name in ("one", "one", "two"):
        got = compiled(State(arr(), 2.0), Pair(arr() * 2, arr()), Custom(arr(), name))
        equal(got["s"].rest[2][0], arr() + 1)
        assert (got["c"].name, got["p"], got["s"].rest[1]) == (name, Pair(2.0, "text"), None)
        equal(got["c"].a, arr() * 2)
    assert len(runs) == 2


def test_results_that_are_arguments_constants_or_no_arrays():
    made = object()
    f = xp.jit(lambda x, s: (x, s, made, None, "text", xp.zeros(2), x * 1, 3, (y := x + 1), y))
    x, number = arr(), 1234.5
    for _ in range(2):
        a, s, m, none, text, zeros, b, three, y, z = f(x, number)
        assert a is x and s is number and m is made and none is None and y is z
        assert (text, three, zeros.tolist(), b.tolist()) == ("text", 3, [0.0, 0.0], X.tolist())
        zeros += 1


def test_results_that_show_the_memory_of_an_argument():
    f = xp.jit(lambda x: (xp.reshape(x, (3, 1)), x[1:]))
    x = arr()
    a, b = f(x)
    x[...] = 0.0
    a[...] = 9.0
    assert (b.tolist(), f(x)[1].tolist()) == ([-2.0, 3.0], [0.0, 0.0])


def test_arguments_that_are_written_to():
    def f(x: Any, s: dict[str, Any]) -> Any:
        x += 1
        s["w"][0] = 7.0
        row = s["v"][1:]
        row *= 2
        return x

    compiled, runs = counted(f)
    for _ in range(2):
        x, w, v = arr(), arr(), arr()
        view = v[1:]
        assert compiled(x, {"w": w, "v": v}) is x
        assert (x.tolist(), w.tolist(), v.tolist(), view.tolist()) == (
            [2.0, -1.0, 4.0], [7.0, -2.0, 3.0], [1.0, -4.0, 6.0], [-4.0, 6.0],
        )  # fmt: skip
    memory = np.array(X)
    compiled(memory, {"w": arr(), "v": arr()})
    assert (memory.tolist(), len(runs)) == ([2.0, -1.0, 4.0], 1)


def test_no_arguments_and_no_results():
    assert xp.jit(lambda: ())() == ()
    equal(xp.jit(lambda: xp.arange(3) * 2)(), xp.arange(3) * 2)
    assert xp.jit(lambda x: None)(arr()) is None


# --- donation -------------------------------------------------------------------------------------

USES: dict[str, Callable[[Any], Any]] = {
    "operators": lambda x: x + 1,
    "functions": xp.sum,
    "two": lambda x: xp.maximum(x, x),
    "values": lambda x: x.tolist(),
    "numpy": np.asarray,
    "slices": lambda x: x[0],
    "writes": lambda x: x.__setitem__(0, 1.0),
    "in place": lambda x: x.__iadd__(1.0),
    "printing": repr,
    "dlpack": np.from_dlpack,
    "jit": lambda x: xp.jit(lambda y: y + 1)(x),
    "again": lambda x: xp.jit(lambda y: y + 1, donate_argnums=0)(x),
}


@pytest.mark.parametrize("use", USES)
def test_a_donated_array_can_t_be_used(use):
    x, y = arr(), arr()

    def halved(x: Any, y: Any) -> Any:
        return x / 2 + y

    got = xp.jit(halved, donate_argnums=0)(x, y)
    line = sys._getframe().f_lineno - 1
    equal(got, arr() / 2 + y)
    with pytest.raises(ValueError, match="was donated") as found:
        USES[use](x)
    assert str(found.value) == (
        f"this array was donated to `halved` at {__file__}:{line}: its memory may hold something "
        "else by now; go on with the result, or donate nothing"
    )
    assert x.shape == (3,)


def test_donated_memory_is_used_again():
    n = POOLED // 4

    def f(x: Any) -> Any:
        return xp.sum(x, axis=0) * xp.ones((2 * n, 1)) + 0.5

    keep, give = xp.jit(f), xp.jit(f, donate_argnums=(0,))
    for compiled, reused in ((keep, False), (give, True)):
        x = xp.jit(lambda x: x + 1.0)(xp.zeros((2 * n, 1)))
        want = np.asarray(f(x))
        at = address(x)
        got = compiled(x)
        assert (address(got) == at) is reused
        np.testing.assert_array_equal(np.asarray(got), want)


def test_nothing_is_given_away_to_a_call_that_an_integer_does_not_fit():
    f = xp.jit(lambda x, n: x < n, donate_argnums=0)
    x = arr([1, 2], np.uint8)
    f(arr([1, 2], np.uint8), 2)
    assert f(x, 300).tolist() == [True, True]
    assert x.tolist() == [1, 2]


def test_what_is_returned_or_written_to_is_not_given_away():
    f = xp.jit(lambda x, y, z: (x, y.__iadd__(1.0), z[0] * 2), donate_argnums=(0, 1, 2))
    x, y, z = arr(), arr(), arr()
    assert f(x, y, [z])[0] is x
    equal((x, y), (arr(), arr() + 1))
    with pytest.raises(ValueError, match="was donated"):
        z.tolist()


# --- the cache ------------------------------------------------------------------------------------


def test_the_programs_used_last_are_kept():
    f, runs = counted(lambda x: x + 1, max_entries=2)
    one, two, three = (xp.ones(n) for n in (1, 2, 3))
    for x in (one, two, one, three, one):
        f(x)
    assert len(runs) == 3
    f(two)
    assert len(runs) == 4
    assert f.cache_info() == (2, 4, 2, 2)
    f.clear_cache()
    assert f.cache_info() == (0, 0, 2, 0)
    f(two)
    assert len(runs) == 5


def test_settings_that_change_programs_are_a_part_of_the_key():
    f, runs = counted(lambda x: x + 1)
    f(arr())
    with config.context(target="null"):
        assert f(arr()).tolist() == [0.0] * 3
    equal(f(arr()), arr() + 1)
    assert len(runs) == 2


def test_settings_for_all_threads_count_too():
    f, runs = counted(lambda x: x + 1)
    f(arr())
    before = config.get("target")
    config.set(target="null")
    try:
        assert f(arr()).tolist() == [0.0] * 3
    finally:
        config.set(target=before)
    equal(f(arr()), arr() + 1)
    assert len(runs) == 2


def test_nothing_is_kept_alive():
    def f(x: Any) -> Any:
        return x * outer

    outer = xp.ones(3)
    gc.disable()
    try:
        x = arr()
        xp.materialize(x)
        handle, buffer = weakref.ref(x), weakref.ref(x._node.value)
        compiled = xp.jit(f)
        compiled(x)
        del x
        assert (handle(), buffer()) == (None, None)
    finally:
        gc.enable()


# --- other transforms, methods, decorators --------------------------------------------------------


def test_transforms_compose_with_jit():
    def f(x: Any) -> Any:
        return xp.sum(xp.sin(x) * x)

    x, rows = arr(), arr(np.arange(6.0).reshape(2, 3))
    jitted = xp.jit(f)
    equal(xp.grad(jitted)(x), xp.grad(f)(x))
    equal(xp.jit(xp.grad(f))(x), xp.grad(f)(x))
    equal(xp.jit(xp.grad(jitted))(x), xp.grad(f)(x))
    equal(xp.jit(xp.value_and_grad(f))(x), xp.value_and_grad(f)(x))
    equal(xp.vmap(jitted)(rows), xp.vmap(f)(rows))
    equal(xp.jit(xp.vmap(xp.grad(f)))(rows), xp.vmap(xp.grad(f))(rows))
    equal(xp.jit(xp.hessian(f))(x), xp.hessian(f)(x))
    equal(xp.jit(lambda x: jitted(x) * 2)(x), f(x) * 2)
    equal(xp.jit(lambda x, t: xp.jvp(jitted, (x,), (t,)))(x, x), xp.jvp(f, (x,), (x,)))
    equal(xp.jit(xp.grad(xp.checkpoint(f)))(x), xp.grad(f)(x))


def test_a_jit_in_a_jit_is_a_part_of_it():
    inner, runs = counted(lambda x: x * 2)
    outer = xp.jit(lambda x: inner(x) + inner(x + 1))
    outer(arr())
    outer(arr())
    assert len(runs) == 2
    assert inner.cache_info().misses == 0


class Model:
    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.w = xp.ones(3)

    @xp.jit
    def __call__(self, x: Any) -> Any:
        return x * self.scale + self.w

    @functools.partial(xp.jit, static_argnums=2)
    def power(self, x: Any, n: int) -> Any:
        return x**n * self.scale

    @staticmethod
    @xp.jit
    def double(x: Any) -> Any:
        return x * 2


def test_methods():
    one, two = Model(2.0), Model(3.0)
    for _ in range(2):
        equal((one(arr()), two(arr())), (arr() * 2 + 1, arr() * 3 + 1))
    one.scale = 5.0
    one.w[0] = 2.0
    equal(one(arr()), arr() * 5 + one.w)
    equal(one.power(arr(), 3), arr() ** 3 * 5.0)
    equal(Model.double(arr()), arr() * 2)
    equal(xp.jit(two.power)(arr(), 2), xp.jit(lambda x, n: x**n * 3.0)(arr(), 2))
    equal(xp.grad(lambda x: xp.sum(one(x)))(arr()), xp.grad(lambda x: xp.sum(x * 5.0))(arr()))
    assert Model.__call__.cache_info()[:2] == (2, 3)


def test_bound_methods_and_objects_that_are_called():
    class Scale:
        def __init__(self) -> None:
            self.by = 2.0

        def __call__(self, x: Any) -> Any:
            return x * self.by

        def twice(self, x: Any) -> Any:
            return self(self(x))

    scale = Scale()
    one, two = xp.jit(scale), xp.jit(scale.twice)
    equal((one(arr()), two(arr())), (arr() * 2.0, arr() * 4.0))
    scale.by = 3.0
    equal((one(arr()), two(arr())), (arr() * 3.0, arr() * 9.0))


def test_an_object_and_what_it_holds_are_not_kept_alive_by_its_methods():
    model = Model(2.0)
    model(arr())
    gone, weights = weakref.ref(model), weakref.ref(model.w)
    held = Model.__call__.cache_info().currsize
    gc.disable()
    try:
        del model
        assert (gone(), weights()) == (None, None)
        assert Model.__call__.cache_info().currsize == held - 1
    finally:
        gc.enable()


@dataclass
class Layer:
    w: Any

    @xp.jit
    def apply(self, x: Any) -> Any:
        return self.w * x


def test_a_container_is_taken_apart_when_its_methods_are_called():
    equal(Layer(arr()).apply(arr()), arr() * arr())
    equal(Layer(arr() * 2).apply(arr()), arr() * arr() * 2)
    assert Layer.apply.cache_info()[:2] == (1, 1)


def test_the_decorator_with_and_without_arguments():
    @xp.jit
    def one(x: Any) -> Any:
        """One."""
        return x

    @xp.jit(static_argnames="n", max_entries=3)
    def two(x: Any, n: int) -> Any:
        return x * n

    assert (one.__name__, one.__doc__, one.__wrapped__.__name__) == ("one", "One.", "one")
    equal(two(arr(), n=3), arr() * 3)
    assert two.cache_info().maxsize == 3
    assert repr(one).startswith("<jit of <function")


# --- random numbers -------------------------------------------------------------------------------


def test_a_stream_goes_on_with_each_call():
    ours, theirs = xp.random.default_rng(3), xp.random.default_rng(3)

    def noisy(x: Any, rng: Any) -> Any:
        return x + rng.random(3) + rng.normal(0.0, 2.0, (5, 1)), rng.integers(0, 9, 3)

    f, runs = counted(lambda x: noisy(x, ours))
    for _ in range(3):
        equal(f(arr()), noisy(arr(), theirs))
        equal(ours.random(3), theirs.random(3))
    assert len(runs) == 1


def test_a_stream_as_an_argument():
    f, runs = counted(lambda rng, x, sigma: x + rng.normal(0.0, sigma, 3))
    for seed in (1, 2):
        ours, theirs = xp.random.default_rng(seed), xp.random.default_rng(seed)
        for sigma in (1.0, 2.5):
            equal(f(ours, arr(), sigma), arr() + theirs.normal(0.0, sigma, 3))
        assert repr(ours) == repr(theirs)
    assert len(runs) == 1


def test_a_stream_made_inside_gives_the_same_in_each_call():
    f = xp.jit(lambda x: x + xp.random.default_rng(5).split(2)[1].random(3))
    want = arr() + xp.random.default_rng(5).split(2)[1].random(3)
    for _ in range(2):
        equal(f(arr()), want)


def test_streams_under_other_transforms():
    ours, theirs = xp.random.default_rng(3), xp.random.default_rng(3)
    f = xp.jit(xp.grad(lambda x: xp.sum(x * ours.random(3))))
    for _ in range(2):
        equal(f(arr()), theirs.random(3) * 1)


@pytest.mark.parametrize("use", ["split", "spawn", "__getstate__"])
def test_what_would_freeze_a_stream_is_refused(use):
    rng = xp.random.default_rng(3)
    f = xp.jit(lambda x: (getattr(rng, use)(*((1,) if use == "spawn" else ())), x)[1])
    with pytest.raises(TypeError, match="a Generator that a function of jit finds can't be"):
        f(arr())
    equal(rng.random(2), xp.random.default_rng(3).random(2))


def test_a_stream_without_a_seed_is_refused_inside():
    with pytest.raises(TypeError, match="a Generator without a seed is made in `<lambda>`"):
        xp.jit(lambda x: x + xp.random.default_rng().random(3))(arr())


def test_the_value_of_a_draw_is_not_there():
    rng = xp.random.default_rng(3)
    with pytest.raises(NoValue, match="depends on a draw from a Generator"):
        xp.jit(lambda x: x if rng.random() > 0.5 else -x)(arr())


# --- threads --------------------------------------------------------------------------------------


def test_threads_share_a_compiled_function():
    f = xp.jit(lambda x, s: xp.sum(xp.exp(x) * s))
    wrong: list[Any] = []

    def work(k: int) -> None:
        for n in range(1, 30):
            x = arr(np.full(n % 5 + 1, float(k)))
            got, want = float(f(x, float(n))), float(np.sum(np.exp(np.asarray(x)) * n))
            if abs(got - want) > 1e-9 * want:
                wrong.append((got, want))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert f.cache_info().currsize == 5


def test_a_trace_is_of_its_own_thread():
    other: list[Any] = []

    def f(x: Any) -> Any:
        def elsewhere() -> None:
            other.append(float(xp.sum(xp.ones(3) * 2)))
            other.append(xp.random.default_rng().random(2).shape)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        return x

    xp.jit(f)(arr())
    assert other == [6.0, (2,)]


# --- random programs ------------------------------------------------------------------------------

# Statements whose shapes depend on values.
NEED_VALUES = {"masked"}
LEAF = st.tuples(
    st.integers(0, len(SHAPES) - 1), st.integers(0, len(DTYPES) - 1), st.integers(0, 2**16)
)


def program(lines: Any) -> Callable[..., Any]:
    """A function of arrays that returns all that a random program computes."""

    def f(*leaves: Any) -> Any:
        values = list(leaves)
        for op, i, j, p in lines:
            name, arity, statement = statements.ALL[op % len(statements.ALL)]
            args = [values[k % len(values)] for k in (i, j)[:arity]]
            values.append(args[0] if name in NEED_VALUES else statement(xp, *args, p))
        return values

    return f


@hypothesis.given(st.lists(LEAF, min_size=1, max_size=4), st.lists(LINE, min_size=1, max_size=30))
def test_random_programs_are_the_same_compiled(leaves, lines):
    f = program(lines)
    compiled = xp.jit(f)
    for twin in (0, 1):
        data = [arr(leaf(*x, twin)) for x in leaves]
        with config.context(execution="interpret"):
            want = [np.asarray(v) for v in f(*data)]
        got = compiled(*data)
        for k, (a, b) in enumerate(zip(got, want, strict=True)):
            same_bits(np.asarray(a), b, f"value {k}")
    assert compiled.cache_info()[:2] == (1, 1)


def test_a_planted_bug_is_found(monkeypatch):
    """A program that forgets its second argument differs."""
    from lazytensor.runtime.jit import Program

    fill = Program._fill

    def forgetful(self: Any, slot: int, node: Any, trace: Any) -> None:
        fill(self, slot, node, trace)
        if self.arrays and self.arrays[-1][1] == 1:
            self.arrays[-1] = (slot, 0)

    monkeypatch.setattr(Program, "_fill", forgetful)
    f = xp.jit(lambda x, y: x - y)
    assert f(arr(), arr() * 2).tolist() == [0.0] * 3


WITHOUT_A_COMPILER = """
import sys
sys.modules["llvmlite"] = None
import lazytensor as xp
compiled = xp.jit(lambda x: x * 2.0 + 1.0)
found = [compiled(xp.asarray([1.0, 3.0])).tolist() for _ in range(100)]
assert found == [[3.0, 7.0]] * 100
"""


def test_many_calls_where_there_is_no_compiler():
    subprocess.run([sys.executable, "-c", WITHOUT_A_COMPILER], check=True, timeout=60)
