"""Quotients by a number of the row: the bits of a division, whatever is divided by whatever, in all
ways of going over rows; and that they are no divisions where they need not be.
"""

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor._base.record import replace
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lower.kernel import Launch
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.runtime import cache
from lazytensor.runtime.materialize import materialize
from lazytensor.targets.llvm import bind
from lazytensor.targets.llvm.emit import emit
from lazytensor.targets.llvm.form import UNIT, Form, Host

from .running import recording, same
from .test_kernels import agrees

DTYPES = ["float32", "float64"]
FLAT, ALONG = (Form((UNIT, UNIT), rows, divides=True) for rows in (0, 1))
ACROSS = replace(ALONG, axis=0, block=256, across=True)
Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module", autouse=True)
def short_rows() -> Iterator[None]:
    """Rows of any length are prepared for."""
    cache.CACHE.clear()
    with mock.patch.object(bind, "DIVIDED", 0):
        yield
    cache.CACHE.clear()


def by_rows(x: Any, d: Any) -> Node:
    return g.divide(x, g.reshape(d, (*d.shape, 1)))


def check(program: Callable[..., Node], x: Array, d: Array, want: Array) -> None:
    """What is compiled has NumPy's bits."""
    with config.context(target="llvm", execution="compile"):
        out = program(leaf(x), leaf(d))
        materialize((out,))
    same(out.value, want, (x.shape, d.shape))


def divided(x: Array, d: Array) -> None:
    """Each row by its number."""
    with np.errstate(all="ignore"):
        check(by_rows, x, d, x / d[:, None])


def any_bits(rng: np.random.Generator, dtype: str, *shape: int) -> Array:
    size = np.dtype(dtype).itemsize
    return rng.integers(0, 256, (*shape, size), np.uint8).view(dtype)[..., 0]


def special(dtype: str) -> Array:
    """Numbers at and around all ends, of both signs."""
    f = np.finfo(dtype)
    half, digits = f.maxexp // 2, f.nmant + 1
    powers = [0, 1, digits, 2 * digits, half, f.maxexp - 1, f.maxexp - digits]
    found = [0.0, np.inf, np.nan, 3.0, f.max, f.tiny, f.smallest_subnormal, f.tiny * 3, 1 / 3]
    found += [float(np.ldexp(1.0, s * p)) for p in powers for s in (-1, 1)]
    found += [float(np.ldexp(1.0, f.minexp + k)) for k in (-digits + 1, digits, 2 * digits)]
    near = np.array(found, dtype)
    with np.errstate(all="ignore"):
        around = [np.nextafter(near, np.array(to, dtype)) for to in (0, np.inf)]
        whole = np.concatenate([near, *around, near * np.array(1.5, dtype)])
    return np.concatenate([whole, -whole])


@pytest.mark.parametrize("dtype", DTYPES)
def test_special(dtype: str) -> None:
    """All by all; one at a time among those that need no division, too."""
    numbers = special(dtype)
    divided(np.tile(numbers, (len(numbers), 1)), numbers)
    for d in (1.0, 3.0, 0.1):
        among = np.ones((len(numbers), 64), dtype)
        among[:, 17] = numbers
        divided(among, np.full(len(numbers), d, dtype))


def hardest(d: float, dtype: str, count: int = 3000) -> Array:
    """Numbers whose quotients by one with an odd last digit are nearest to where rounding changes:
    x 2^p = m d + k, digits of x and d as whole numbers, m one digit longer and odd, k small.
    """
    p = np.finfo(dtype).nmant + 2
    digits, found = int(np.ldexp(d, p - 2)), []
    for k in (s * k for k in range(1, 2 * count, 2) for s in (1, -1)):
        m = -k * pow(digits, -1, 1 << p) % (1 << p)
        x = (m * digits + k) >> p
        if m >> p - 1 and not x >> p - 1:
            found.append(np.ldexp(x, 2 - p))
    return np.array(found, dtype)


def ending(number: Any, last: int) -> Any:
    """A number between 1 and 2 whose last digits are set."""
    digits = np.finfo(number.dtype).nmant
    return np.ldexp(int(np.ldexp(number, digits)) | last, -digits).astype(number.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mantissas(dtype: str, effort: Callable[[int, int], int]) -> None:
    """A few by all, or by those that are hardest: the least and the greatest, few bits set, any."""
    rng, eps = np.random.default_rng(1), float(np.finfo(dtype).eps)
    chosen = [1 + eps, 2 - eps, 2 - 3 * eps, 1.5, 4 / 3, 1.25, 2**0.5]
    chosen += list(1 + rng.random(effort(5, 200)))
    every = (np.arange(1 << 23, dtype=np.uint32) | 0x3F800000).view(np.float32)
    for number in np.array(chosen, dtype):
        d = ending(number, 1)
        x = every if dtype == "float32" else hardest(float(d), dtype)
        assert x.size > 1000
        divided(x[None], d[None])


@pytest.mark.parametrize("dtype", DTYPES)
def test_exponents(dtype: str) -> None:
    """All exponents by many: where quotients begin to be divided, none is wrong yet. With these
    last digits q d - x would be rounded to the wrong side first.
    """
    f = np.finfo(dtype)
    half, digits = f.maxexp // 2, f.nmant + 1
    for number in np.array([1.1, 1.9], dtype):
        d = ending(number, 7)
        x = hardest(float(d), dtype, 60)
        exponents = np.arange(f.minexp - digits, f.maxexp)[:, None]
        rows = [np.ldexp(some, exponents) for some in (x[x < d], x[x > d])]  # quotients' exponents
        for k in (0, 1, -1, -3, digits - 1, digits, digits + 1, half - 1, half, -half, -half - 1):
            for numbers in rows:
                divided(numbers, np.full(len(numbers), np.ldexp(d, k), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(6))
def test_any(dtype: str, seed: int) -> None:
    """Any bits by any; any exponents by what is near 1."""
    rng = np.random.default_rng(seed)
    divided(any_bits(rng, dtype, 300, 200), any_bits(rng, dtype, 300))
    most = np.finfo(dtype).maxexp
    d = np.ldexp(1 + rng.random(300), rng.integers(-most // 2 - 3, most // 2 + 3, 300))
    with np.errstate(all="ignore"):
        spread = np.ldexp(rng.standard_normal((300, 200)), rng.integers(-most, most, (300, 1)))
        numbers = spread.astype(dtype)
    divided(numbers, d.astype(dtype))


@hypothesis.given(st.data())
@hypothesis.settings(max_examples=60, deadline=None)
def test_chosen(data: Any) -> None:
    width = data.draw(st.sampled_from([32, 64]))
    numbers = st.floats(width=width)
    row = data.draw(st.lists(numbers, min_size=1, max_size=70))
    d = data.draw(st.lists(numbers, min_size=1, max_size=4))
    dtype = f"float{width}"
    divided(np.tile(np.array(row, dtype), (len(d), 1)), np.array(d, dtype))


# --- ways over rows ------------------------------------------------------------------------------


def softmax(x: Any, axis: int) -> Node:
    kept = tuple(1 if a == axis else n for a, n in enumerate(x.shape))
    e = g.exp(x - g.reshape(g.max(x, (axis,)), kept))
    return g.divide(e, g.reshape(g.sum(e, (axis,)), kept))


def scaled(x: Any, axis: int) -> tuple[Node, ...]:
    """By several numbers, in several passes, one of them an array of rows, one the same for all."""
    kept = tuple(1 if a == axis else n for a, n in enumerate(x.shape))
    first = g.divide(x, g.reshape(g.sum(x * x, (axis,)), kept))
    second = g.reshape(g.sum(first, (axis,)), kept)
    return g.divide(first, second), g.divide(g.divide(x, second), 3.0 + second * 0)


def both(x: Any, axis: int) -> tuple[Node, ...]:
    """Rows by their sums, and sums over all rows of that."""
    y = softmax(x, axis)
    return y, g.sum(y * x, (1 - axis,)), g.sum(x, (1 - axis,))


PROGRAMS: dict[str, Any] = {"softmax": softmax, "scaled": scaled, "both": both}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_ways(name: str, dtype: str) -> None:
    """Along and across, elements that need a division among others, and rows that do."""
    rng, program = np.random.default_rng(2), PROGRAMS[name]
    with recording() as seen:
        for shape in ((70, 300), (300, 9), (33, 64), (5, 1), (40, 2000)):
            x = (rng.standard_normal(shape) * 3).astype(dtype)
            x[:, ::7] = 0
            x[1::5] *= np.array(2.0 ** (-140 if dtype == "float32" else -14), dtype)
            x[3::11] = -np.abs(x[3::11])
            for axis in (0, 1):
                agrees(lambda x, axis=axis: program(x, axis), x)
                agrees(lambda x, axis=axis: program(x, axis), np.asfortranarray(x))
    assert seen["along in passes"] and seen["across in passes"] and seen["divides"]


def test_the_same_for_all() -> None:
    """By a scalar, and by a constant; what isn't there for all elements of a vector."""
    x = np.random.default_rng(3).standard_normal(1000).astype(np.float32)
    x[::9] = 0
    for d in (3.7, -3.7, 0.0, np.nan, 1e-30):
        number = np.float32(d)
        with np.errstate(all="ignore"):
            check(g.divide, x, np.asarray(number), x / number)
        agrees(lambda x, number=number: g.divide(x, g.exp(x)) + g.divide(x, number), x)


# --- what is written -----------------------------------------------------------------------------


def text(output: Node, form: Form, fused: bool = True) -> str:
    """Of the only kernel of an array."""
    with config.context(target="llvm"):
        (step,) = [s for s in lower(linearize([output])).steps if isinstance(s, Launch)]
    return emit(step.kernel, form, Host(64, fused, True, 32))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", [ALONG, ACROSS])
def test_written(form: Form, dtype: str) -> None:
    """One division a row, and one of vectors of which an element fails."""
    x = leaf(np.ones((64, 300), dtype))
    found = text(softmax(x, 1), form)
    assert found.count(" fdiv ") == 2 and found.count("quotient") == 2
    plain = text(softmax(x, 1), form, fused=False)
    assert plain.count(" fdiv ") == 1 and "quotient" not in plain


@pytest.mark.parametrize(("dtype", "columns"), [("float32", 128), ("float64", 64)])
def test_long_rows(dtype: str, columns: int) -> None:
    """Short rows are not prepared for, nor is what varies along a row."""

    def prepared(x: Array, d: Array) -> bool:
        settings = config.context(target="llvm", execution="compile")
        with recording() as seen, settings, mock.patch.object(bind, "DIVIDED", 512):
            materialize((g.divide(leaf(x), leaf(d)),))
        return seen["divides"] > 0

    x, d = np.ones((20, columns), dtype), np.ones((20, 1), dtype)
    assert prepared(x, d) and not prepared(x[:, 1:].copy(), d) and not prepared(x, x + 1)


def test_not_written() -> None:
    """What varies along a row is divided by, and half precision and complex numbers are."""
    x = leaf(np.ones((64, 300), np.float32))
    assert "quotient" not in text(g.divide(x, g.exp(x)), FLAT)
    for dtype in ("float16", "complex64"):
        assert "quotient" not in text(scaled(leaf(np.ones((64, 300), dtype)), 1)[0], ALONG)
