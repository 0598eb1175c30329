"""The tree of sums and products: the same additions, in the same order, however the work is cut.

Along the reduced axis, in logical order: blocks of 8,192; within a block 32 lanes, of which lane i
has the elements i, i + 32, …: eight of them are combined in order, and what these come to, in
order; lanes are folded in halves. The sums of blocks are reduced in the same way. Axes with kept
ones between them are reduced one run after another, the last one first. What enters: a ufunc-like
`combine` with `reduce`, an array. What leaves: the reduced array. It must not know which op it
serves.
"""

from collections.abc import Sequence
from operator import add, mul
from typing import Any

import numpy

from .._base.dtypes import float64

# Python's own operations on doubles, which are NumPy's.
_PLAIN = {numpy.add: add, numpy.multiply: mul}
LANES, ROUNDS = 32, 8
GROUP = LANES * ROUNDS
BLOCK = 32 * GROUP
# Doubles up to which a sum of all is taken of Python's numbers.
NUMBERS = 96
# Elements up to which an axis among several is reduced where it lies.
SMALL = 1 << 12


def half(n: int) -> int:
    """How many of n lanes the others are added to: the greatest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def fold(combine: Any, x: Any) -> Any:
    """Axis -2 reduced in halves; may write to `x`."""
    n = x.shape[-2]
    while n > 1:
        low = half(n)
        acc = x[..., : n - low, :]
        combine(acc, x[..., low:n, :], acc)
        n = low
    return x[..., 0, :]


def _into(combine: Any, acc: Any, x: Any) -> None:
    """Combine the first lanes with as many others."""
    part = acc[..., : x.shape[-2], :]
    combine(part, x, part)


def _lanes(combine: Any, x: Any) -> Any:
    """Axis -2, of at most GROUP elements, as lanes; a copy."""
    n, inner = x.shape[-2:]
    rounds = n // LANES
    if rounds == 0:
        return x.copy()
    whole = x[..., : rounds * LANES, :].reshape(*x.shape[:-2], rounds, LANES * inner)
    acc = combine.reduce(whole, -2).reshape(*x.shape[:-2], LANES, inner)
    if n % LANES:
        _into(combine, acc, x[..., rounds * LANES :, :])
    return acc


def _block(combine: Any, x: Any) -> Any:
    """Axis -2, of at most BLOCK elements, reduced."""
    n, inner = x.shape[-2:]
    groups = n // GROUP
    if groups == 0:
        return fold(combine, _lanes(combine, x))
    lead = x.shape[:-2]
    parts = _lanes(combine, x[..., : groups * GROUP, :].reshape(*lead, groups, GROUP, inner))
    acc = combine.reduce(parts.reshape(*lead, groups, LANES * inner), -2)
    acc = acc.reshape(*lead, LANES, inner)
    if n % GROUP:
        _into(combine, acc, _lanes(combine, x[..., groups * GROUP :, :]))
    return fold(combine, acc)


def reduce_middle(np: Any, combine: Any, x: Any) -> Any:
    """(outer, n, inner) -> (outer, inner). `x` must be C-contiguous and n positive."""
    outer, n, inner = x.shape
    while n > BLOCK:
        whole = n // BLOCK
        parts = [_block(combine, x[:, : whole * BLOCK].reshape(outer, whole, BLOCK, inner))]
        if n % BLOCK:
            parts.append(_block(combine, x[:, whole * BLOCK :])[:, None])
        x = np.concatenate(parts, 1)
        n = x.shape[1]
    return _block(combine, x)


def _narrow(x: Any) -> bool:
    """Short rows, many of them: additions run along the rows' axis only after a transpose."""
    return bool(x.shape[2] == 1 and x.shape[1] <= 64 and x.shape[0] >= 64)


def runs(shape: Sequence[int], axes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Sorted axes in runs, between which there are axes longer than 1 that are not among them."""
    found: list[list[int]] = []
    for a in axes:
        before = found[-1][-1] if found else -2
        if found and all(shape[k] == 1 for k in range(before + 1, a)):
            found[-1].append(a)
        else:
            found.append([a])
    return [tuple(run) for run in found]


def _of_numbers(plain: Any, numbers: list[float]) -> float:
    """Fewer than GROUP elements, as Python's numbers: of some that is quicker."""
    lanes = numbers[:LANES]
    for start in range(LANES, len(numbers), LANES):
        part = numbers[start : start + LANES]
        lanes[: len(part)] = map(plain, lanes, part)
    n = len(lanes)
    while n > 1:
        low = half(n)
        lanes[: n - low] = map(plain, lanes, lanes[low:n])
        n = low
    return lanes[0]


def _few(combine: Any, x: Any) -> Any:
    """Axis 0, of at most LANES elements: each is a lane of its own."""
    n = len(x)
    if n == 1:
        return x[0].copy()
    while n > 1:
        low = half(n)
        if n == 2 * low:
            x = combine(x[:low], x[low:])
        else:
            lanes = x[:low].copy()
            part = lanes[: n - low]
            combine(part, x[low:], part)
            x = lanes
        n = low
    return x[0]


def tree_reduce(np: Any, combine: Any, x: Any, axes: tuple[int, ...], identity: Any) -> Any:
    """`x` reduced over `axes` (sorted); `identity` where there is nothing to reduce."""
    if 0 < x.size <= NUMBERS and 0 < x.ndim == len(axes) and x.dtype is float64:
        plain = _PLAIN.get(combine)
        if plain is not None:
            line = x if x.ndim == 1 else x.ravel()
            return float64.type(_of_numbers(plain, line.tolist()))
    few = len(axes) == 1 and x.size and x.shape[axes[0]] <= LANES
    if few and x.ndim <= 2:
        return _few(combine, x.T if axes[0] else x)
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    if few and x.size <= SMALL:
        return _few(combine, x.transpose(axes + kept))
    shape = tuple(x.shape[a] for a in kept)
    if x.size == 0 or not axes:
        return x.copy() if not axes else np.full(shape, identity, x.dtype)
    for run in reversed(runs(x.shape, axes)):
        x = _reduced(np, combine, x, run[0], run[-1])
    return x.reshape(shape)


def _reduced(np: Any, combine: Any, x: Any, first: int, last: int) -> Any:
    """`x` reduced from one axis to another, which stay with one element."""
    shape = (*x.shape[:first], *(1,) * (last + 1 - first), *x.shape[last + 1 :])
    outer, n, inner = (
        _product(x.shape[:first]),
        _product(x.shape[first : last + 1]),
        _product(x.shape[last + 1 :]),
    )
    x = np.ascontiguousarray(x).reshape(outer, n, inner)
    if _narrow(x):
        x = np.ascontiguousarray(x[:, :, 0].T)[None]
    return reduce_middle(np, combine, x).reshape(shape)


def _product(sizes: tuple[int, ...]) -> int:
    n = 1
    for k in sizes:
        n *= k
    return n
