"""What a row of the benchmark is: a program, its inputs, and what its time is compared with.

A row is data. Its program is written once, over a namespace, where NumPy, JAX and lazytensor can
share the text; PyTorch shares it too unless `torch` is given. It must not know how it is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Program = Callable[..., Any]
Sizes = tuple[int, ...]
Make = Callable[..., tuple[Any, ...]]  # make(rng, *sizes)
Figure = Callable[..., float]  # of the sizes

TRANSCENDENTAL = 16  # flops that one exp, log, sin, tanh … counts for


def worst(got: np.ndarray, want: np.ndarray) -> float:
    """The greatest difference, each relative to its number and to the mean size of all."""
    if got.shape != want.shape:
        return float("inf")
    if not want.size:
        return 0.0
    size = np.abs(want)
    error = np.abs(got - want) / (size + size.mean() + 1e-300)
    return float(np.max(error))  # NaN where there is one


def share(got: np.ndarray, want: np.ndarray) -> float:
    """The share of elements that differ: for programs that round-off sends other ways."""
    return float(np.mean(got != want)) if got.shape == want.shape else float("inf")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    name, sizes: the sizes of the inputs, which `--small` divides. make: `(rng, *sizes)` → inputs.
    array: the program over a namespace, `array(xp, *inputs)`. kind: which limits hold for it.
    flops, bytes: of the sizes; bytes are those of inputs and results unless given. numpy, torch:
    the program where the shared text does not do. factory: `(torch, compile, *state)` → a call, for
    programs of PyTorch that keep a state or call backward. numexpr: an expression over the inputs
    a, b, c …, with `constants`. numba: `njit` → a call. state: `(rng, *sizes)` → arrays, for
    programs `array(xp, state, *inputs)` → (state, result). drive: compiled program → call.
    reference: what results are compared with, else NumPy's program. tolerance, judge: how far they
    may be from it. peers: only these. face: whether the PyTorch program runs over lazytensor too.
    warm: calls before the clock, or a second of them.
    """

    name: str
    array: Program | None
    make: Make
    sizes: Sizes
    kind: str = ""
    flops: Figure | None = None
    bytes: Figure | None = None
    numpy: Program | None = None
    torch: Program | None = None
    factory: Program | None = None
    numexpr: str = ""
    constants: dict[str, float] = field(default_factory=dict)
    numba: Program | None = None
    state: Make | None = None
    drive: Program | None = None
    reference: Program | None = None
    tolerance: float = 1e-5
    judge: Callable[[np.ndarray, np.ndarray], float] = worst
    peers: tuple[str, ...] = ()
    face: bool = False
    warm: int = 10

    def allows(self, candidate: str) -> bool:
        """Whether the row is meant for a candidate at all."""
        return not self.peers or candidate in self.peers


def shrunk(sizes: Sizes, divisor: int) -> Sizes:
    """The sizes divided, each down to 16 at the least where it was more."""
    return tuple(max(min(n, 16), n // divisor) for n in sizes)


def tree_map(function: Callable[[Any], Any], tree: Any) -> Any:
    """Nested tuples, lists and dictionaries with `function` of their leaves."""
    if isinstance(tree, tuple | list):
        return type(tree)(tree_map(function, x) for x in tree)
    if isinstance(tree, dict):
        return {name: tree_map(function, x) for name, x in tree.items()}
    return function(tree)


def leaves(tree: Any) -> list[Any]:
    """The leaves of nested tuples, lists and dictionaries."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, tuple | list):
        return [leaf for x in tree for leaf in leaves(x)]
    return [tree]


def doubled(x: Any) -> Any:
    """A leaf in double precision, as the reference takes it."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "fc":
        return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    return x


def per(count: float) -> Figure:
    """So many for each element of an array of the shape `sizes`."""
    return lambda *sizes: count * math.prod(sizes)


def floats(count: int, low: float = 0.0, high: float = 1.0, dtype: type = np.float32) -> Make:
    """A maker of `count` arrays of the shape `sizes`, uniform."""

    def make(rng: np.random.Generator, *sizes: int) -> tuple[np.ndarray, ...]:
        return tuple(uniform(rng, sizes, low, high, dtype) for _ in range(count))

    return make


def uniform(
    rng: np.random.Generator,
    sizes: Sizes,
    low: float = 0.0,
    high: float = 1.0,
    dtype: type = np.float32,
) -> np.ndarray:
    """Uniform numbers between `low` and `high`."""
    numbers = rng.random(sizes, dtype=dtype)
    numbers *= dtype(high - low)
    numbers += dtype(low)
    return numbers


def normal(rng: np.random.Generator, *sizes: int, dtype: type = np.float32) -> np.ndarray:
    """Standard normal numbers."""
    return rng.standard_normal(sizes, dtype=dtype)
