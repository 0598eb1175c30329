"""Seeded draws of arrays, shapes and arguments: small first, so that the first failure is a small
one.
"""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import numpy as np

# Sizes 0 and 1 stand here more often than chance would have it.
LENGTHS = (0, 1, 1, 2, 2, 3, 5)
LARGE = 1e30
SPECIAL_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, float("inf"), float("-inf"), float("nan"), LARGE, -3.5)


class Call(NamedTuple):
    """Arguments of a function; arrays in them are NumPy's."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def elements(self) -> int:
        """How large the call is."""
        values = [*self.args, *self.kwargs.values()]
        flat = [v for item in values for v in (item if isinstance(item, list) else [item])]
        return sum(v.size for v in flat if isinstance(v, np.ndarray))


def call(*args: Any, **kwargs: Any) -> Call:
    """The arguments of a call."""
    return Call(tuple(map(_as_array, args)), {k: _as_array(v) for k, v in kwargs.items()})


def _as_array(value: Any) -> Any:
    """NumPy's scalars are 0-d arrays in other namespaces."""
    return np.asarray(value) if isinstance(value, np.generic) else value


class Draw:
    """One draw: everything it gives follows from the name of the test and its number."""

    def __init__(self, name: str, number: int, dtype: str) -> None:
        self.rng = np.random.Generator(
            np.random.PCG64(zlib.crc32(f"{name} {dtype}".encode()) + number)
        )
        self.dtype = np.dtype(dtype)
        self.rank = min(number // 2, 3)

    def one_of(self, *choices: Any) -> Any:
        """One of these."""
        return choices[int(self.rng.integers(len(choices)))]

    def flag(self) -> bool:
        """True or False."""
        return bool(self.rng.integers(2))

    def number(self, low: int, high: int) -> int:
        """low <= number <= high."""
        return int(self.rng.integers(low, high + 1))

    # --- shapes -------------------------------------------------------------------------------

    def shape(self, least: int = 0, nonempty: bool = False) -> tuple[int, ...]:
        """A shape of `least` axes or more."""
        rank = max(least, self.number(0, self.rank))
        lengths = LENGTHS[1:] if nonempty else LENGTHS
        return tuple(self.one_of(*lengths) for _ in range(rank))

    def part_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts to this one."""
        start = self.number(0, len(shape))
        return tuple(n if self.flag() or self.flag() else 1 for n in shape[start:])

    def axis(self, x: np.ndarray) -> int:
        """An axis, from the front or from the end."""
        return self.number(-x.ndim, x.ndim - 1)

    def axes(self, x: np.ndarray) -> Any:
        """None, an axis, or a tuple of distinct axes."""
        if not x.ndim or (self.flag() and self.flag()):
            return self.one_of(None, ()) if not x.ndim else None
        if self.flag():
            return self.axis(x)
        chosen = self.rng.permutation(x.ndim)[: self.number(1, x.ndim)]
        return tuple(int(a) - (x.ndim if self.flag() else 0) for a in chosen)

    # --- arrays -------------------------------------------------------------------------------

    def array(self, *, least: int = 0, nonempty: bool = False, special: bool = True) -> np.ndarray:
        """An array of this draw's dtype."""
        return self.of(self.shape(least, nonempty), special=special)

    def of(self, shape: tuple[int, ...], dtype: Any = None, *, special: bool = True) -> np.ndarray:
        """An array of a shape; `special` lets infinities, NaNs and signed zeros in."""
        found = np.dtype(dtype) if dtype is not None else self.dtype
        if found.kind == "c":
            out = np.empty(shape, found)
            out.real, out.imag = (self._floats(shape, special) for _ in range(2))
            # whether a product overflows on the way depends on how its parts are added
            return np.where(np.abs(out) == LARGE, found.type(7), out)
        return np.asarray(self._real(shape, found, special), found)

    def _real(self, shape: tuple[int, ...], dtype: np.dtype, special: bool) -> np.ndarray:
        if dtype.kind == "b":
            return self.rng.integers(2, size=shape)
        if dtype.kind == "f":
            return self._floats(shape, special)
        info = np.iinfo(dtype)
        if special and self.flag():
            return self.rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)
        return self.rng.integers(max(info.min, -9), 9, size=shape, endpoint=True)

    def _floats(self, shape: tuple[int, ...], special: bool) -> np.ndarray:
        with np.errstate(over="ignore"):
            out = np.round(self.rng.normal(size=shape) * self.one_of(1, 4), 3)
        if special and self.one_of(True, True, False):
            chosen = self.rng.random(shape) < 0.6
            out = np.where(chosen, self.rng.choice(SPECIAL_FLOATS, shape), out)
        return out

    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        """Two arrays that broadcast together."""
        shape = self.shape()
        shapes = [shape, self.part_of(shape)]
        if self.flag():
            shapes.reverse()
        return self.of(shapes[0]), self.of(shapes[1])

    def matrix(self, rows: int, columns: int) -> np.ndarray:
        """A stack of matrices of finite numbers."""
        stack = tuple(self.one_of(0, 1, 2) for _ in range(self.number(0, 1) * (self.rank > 1)))
        return self.of((*stack, rows, columns), special=False)

    def regular(self) -> np.ndarray:
        """A stack of square matrices that are far from singular."""
        x = self.matrix(*[self.number(0, 4)] * 2)
        return x + 20 * np.eye(x.shape[-1], dtype=x.dtype)

    def hermitian(self) -> np.ndarray:
        """A stack of positive definite matrices."""
        x = self.regular()
        return np.asarray((x + np.conjugate(np.swapaxes(x, -1, -2))) / 2, x.dtype)
