"""Reading and writing by index, against NumPy: whatever a key may be made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazytensor as xp

from .checking import same_bits
from .drawing import Draw


def part_of_key(d: Draw, n: int) -> Any:
    """An integer or a slice for an axis of that length."""
    if n and d.flag() and d.flag():
        return d.number(-n, n - 1)
    ends = [None, *range(-n - 1, n + 2)]
    return slice(d.one_of(*ends), d.one_of(*ends), d.one_of(None, 1, 2, -1, -2, 3))


def basic_key(d: Draw, x: np.ndarray) -> Any:
    """Integers, slices, an ellipsis and new axes."""
    count = d.number(0, x.ndim)
    back = d.number(0, count)
    front = [part_of_key(d, n) for n in x.shape[: count - back]]
    rear = [part_of_key(d, n) for n in x.shape[x.ndim - back :]]
    key = [*front, *([Ellipsis] if back or d.flag() else []), *rear]
    if d.flag():
        key.insert(d.number(0, len(key)), None)
    return tuple(key) if len(key) != 1 or d.flag() else key[0]


def array_key(d: Draw, x: np.ndarray) -> Any:
    """A mask over leading axes, or arrays of integers and integers for some of them."""
    if d.flag():
        return d.of(x.shape[: d.number(0, x.ndim)], "bool")
    shape = tuple(d.number(1, 3) for _ in range(d.number(0, 2)))
    arrays = [d.rng.integers(-n, n, size=shape) for n in x.shape]
    return tuple(a if d.flag() or not i else int(a.flat[0]) for i, a in enumerate(arrays))


def ours(key: Any) -> Any:
    """A key with our arrays in it."""
    if isinstance(key, tuple):
        return tuple(map(ours, key))
    return xp.asarray(key) if isinstance(key, np.ndarray) else key


def cases(
    name: str, key: Callable[[Draw, np.ndarray], Any], count: int
) -> list[tuple[Draw, Any, Any]]:
    """Draws with an array and a key for it."""
    out = []
    for number in range(count):
        d = Draw(name, number % 8, "float64" if number % 2 else "int16")
        d.rng = np.random.Generator(np.random.PCG64(number))
        x = d.array(nonempty=key is array_key, least=int(key is array_key))
        out.append((d, x, key(d, x)))
    return out


KEYS = {"basic": basic_key, "arrays": array_key}


@pytest.mark.parametrize("name", KEYS)
def test_reading(name: str, effort: Callable[[int, int], int]) -> None:
    for _, x, key in cases(name, KEYS[name], effort(300, 5000)):
        got = np.asarray(xp.asarray(x)[ours(key)])
        assert got.shape == x[key].shape, (x.shape, key)
        assert same_bits(got, np.asarray(x[key])), (x, key)


@pytest.mark.parametrize("name", KEYS)
def test_writing(name: str, effort: Callable[[int, int], int]) -> None:
    for d, x, key in cases(name, KEYS[name], effort(300, 5000)):
        value = d.of(x[key].shape[-1:] if d.flag() else (), special=False)
        want, mine = x.copy(), xp.asarray(x)
        reader = xp.positive(mine)
        if _repeats(x, key):
            continue
        want[key] = value
        mine[ours(key)] = xp.asarray(value)
        assert same_bits(np.asarray(mine), want), (x, key, value)
        assert same_bits(np.asarray(reader), x)


def _repeats(x: np.ndarray, key: Any) -> bool:
    """Whether a place is written twice: which value stays is left open."""
    places = np.arange(x.size).reshape(x.shape)[key]
    return len(np.unique(places)) != places.size


@pytest.mark.parametrize("key", [3, -4, (0, 0, 0), (slice(None), 5), "a", 1.0, (..., ...)], ids=str)
def test_keys_that_numpy_refuses_are_refused(key: Any) -> None:
    x = np.zeros((3, 2))
    with pytest.raises(IndexError):
        x[key]
    with pytest.raises(IndexError):
        xp.asarray(x)[key]
