"""What a mistake looks like to the user: the class, the words, the line, how deep, how fast."""

import contextlib
import timeit
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazytensor as xp

X = xp.ones((2, 3))
LIBRARY = str(Path(xp.__file__).parent)

# (call, class, words that the text must have: function, argument, what was given)
CALLS: list[tuple[Callable[[], Any], type, tuple[str, ...]]] = [
    (lambda: X + xp.ones(4), ValueError, ("add", "(2, 3)", "(4,)")),
    (lambda: X < 1j, TypeError, ("less", "complex128")),
    (lambda: X >= X * 1j, TypeError, ("greater_equal", "complex128")),
    (lambda: X & 1, TypeError, ("bitwise_and", "float64")),
    (lambda: ~X, TypeError, ("bitwise_invert", "float64")),
    (lambda: -xp.asarray(True), TypeError, ("negative", "bool")),
    (lambda: X @ X, ValueError, ("matmul", "(2, 3)")),
    (lambda: xp.sin("a"), TypeError, ("sin", "x", "str", "'a'")),
    (lambda: xp.sin([1.0]), TypeError, ("sin", "x", "list", "[1.0]")),
    (lambda: xp.exp(xp.asarray(True)), TypeError, ("exp", "bool")),
    (lambda: xp.add(X, "b"), TypeError, ("add", "argument 2", "str", "'b'")),
    (lambda: xp.atan2(X, X * 1j), TypeError, ("atan2", "complex128")),
    (lambda: xp.bitwise_and(X, X), TypeError, ("bitwise_and", "integer or boolean", "float64")),
    (lambda: xp.reshape(X, (4,)), ValueError, ("reshape", "(2, 3)", "(4,)")),
    (lambda: xp.permute_dims(X, (0,)), ValueError, ("permute_dims", "(0,)", "(2, 3)")),
    (lambda: xp.concat([X, xp.ones(2)]), ValueError, ("concat", "(2, 3)", "(2,)")),
    (lambda: xp.stack([X, X[0]]), ValueError, ("stack", "(2, 3)", "(3,)")),
    (lambda: xp.squeeze(X, 0), ValueError, ("squeeze", "axis 0", "2")),
    (lambda: xp.zeros("ab"), TypeError, ("shape", "'ab'")),
    (lambda: xp.zeros(2, dtype="m8[s]"), TypeError, ("timedelta64", "float64")),
    (lambda: xp.zeros(2, device="moon"), ValueError, ("'moon'", "'cpu'")),
    (lambda: xp.arange(1, 2, 0), ValueError, ("arange", "step")),
    (lambda: xp.full(2, 999, dtype=xp.int8), OverflowError, ("999", "int8")),
    (lambda: xp.eye(-1), ValueError, ("shape", "-1")),
    (lambda: xp.take(X, xp.asarray([0.5]), axis=0), TypeError, ("take", "float64")),
    (lambda: X[5], IndexError, ("5", "axis 0", "2")),
    (lambda: X[0, 0, 0], IndexError, ("too many", "3", "(2, 3)")),
    (lambda: X[1.5], IndexError, ("index", "1.5")),
    (lambda: float(X), TypeError, ("float", "(2, 3)")),
    (lambda: bool(X), ValueError, ("ambiguous", "(2, 3)")),
    (lambda: xp.astype(X * 1j, xp.float64), TypeError, ("complex128", "float64")),
    (lambda: xp.finfo(xp.int8), TypeError, ("finfo", "int8")),
    (lambda: xp.isdtype(xp.int8, "x"), ValueError, ("'x'", "integral")),
    (lambda: X.to_device("moon"), ValueError, ("'moon'",)),
    (lambda: X.sum(out=X), TypeError, ("sum", "out", "Array")),
    (lambda: xp.clip(X, "a"), TypeError, ("clip", "'a'")),
    (lambda: xp.tril(X[0]), ValueError, ("tril", "(3,)")),
    (lambda: xp.meshgrid(X), ValueError, ("meshgrid", "argument 1", "(2, 3)")),
]


def caught(call: Callable[[], Any]) -> BaseException:
    with pytest.raises(Exception) as info:
        call()
    return info.value


@pytest.mark.parametrize(("call", "error", "words"), CALLS)
def test_class_and_words(call: Callable[[], Any], error: type, words: tuple[str, ...]) -> None:
    found = caught(call)
    assert isinstance(found, error)
    assert [w for w in words if w not in str(found)] == []


def depth(error: BaseException) -> int:
    """Frames of the library below the user's line."""
    frames = traceback.extract_tb(error.__traceback__)
    last = max(i for i, f in enumerate(frames) if f.filename == __file__)
    return sum(f.filename.startswith(LIBRARY) for f in frames[last + 1 :])


@pytest.mark.parametrize("call", [c for c, *_ in CALLS])
def test_few_frames_of_the_library_are_shown(call: Callable[[], Any]) -> None:
    error = caught(call)
    assert depth(error) <= 5
    assert error.__context__ is None or error.__suppress_context__


@pytest.mark.parametrize("call", [c for c, *_ in CALLS])
def test_bad_calls_are_refused_at_once(call: Callable[[], Any]) -> None:
    def run() -> None:
        with contextlib.suppress(TypeError, ValueError, IndexError, OverflowError):
            call()

    assert min(timeit.repeat(run, number=20, repeat=5)) / 20 < 300e-6


def test_operators_show_two_frames_at_most() -> None:
    for call in (lambda: X + xp.ones(4), lambda: X @ X, lambda: X < 1j, lambda: X[9]):
        assert depth(caught(call)) <= 2


def test_a_failed_write_changes_nothing() -> None:
    x = xp.arange(3)
    for write in (
        lambda: x.__setitem__(7, 1),
        lambda: x.__setitem__(0, "a"),
        lambda: x.__iadd__(0.5),
        lambda: x.__iadd__(xp.ones((3, 3), dtype=xp.int64)),
        lambda: x.sort(axis=3),
    ):
        caught(write)
        assert x.tolist() == [0, 1, 2]


def test_no_warnings_come_from_values() -> None:
    with np.errstate(all="raise"):
        x = xp.asarray([0.0, -1.0, 1e308, np.nan])
        for y in (x / 0, xp.log(x), x * x, xp.asarray([1]) // 0, xp.astype(x / 0, xp.int8)):
            assert y.shape[0] in (1, 4)
            xp.materialize(y)
