"""The tree of sums and products: the same additions, in the same order, however the work is cut.

Along the reduced axis, in logical order: blocks of 4,096; within a block 512 lanes, each summing
its elements i, i + 512, …, in order; lanes are folded in halves; the sums of blocks are reduced in
the same way. What enters: a ufunc-like `combine` with `reduce`, an array. What leaves: the reduced
array. It must not know which op it serves.
"""

from typing import Any

BLOCK, LANES = 4096, 512


def fold(np: Any, combine: Any, x: Any) -> Any:
    """Axis -2 reduced by adding its upper half to its lower until one is left; an odd
    middle stays.
    """
    n = x.shape[-2]
    if n == 1:
        return x[..., 0, :]
    half = n // 2
    high = n - half
    acc = np.empty((*x.shape[:-2], high, x.shape[-1]), x.dtype)
    combine(x[..., :half, :], x[..., high:, :], acc[..., :half, :])
    if high > half:
        acc[..., half, :] = x[..., half, :]
    while high > 1:
        n, half = high, high // 2
        high = n - half
        low = acc[..., :half, :]
        combine(low, acc[..., high:n, :], low)
    return acc[..., 0, :]


def _block(np: Any, combine: Any, x: Any) -> Any:
    """Axis -2, of at most BLOCK elements, reduced."""
    n, inner = x.shape[-2:]
    rounds = n // LANES
    if rounds == 0:
        return fold(np, combine, x)
    lanes = x[..., : rounds * LANES, :].reshape(*x.shape[:-2], rounds, LANES * inner)
    acc = combine.reduce(lanes, -2).reshape(*x.shape[:-2], LANES, inner)
    rest = n - rounds * LANES
    if rest:
        part = acc[..., :rest, :]
        combine(part, x[..., rounds * LANES :, :], part)
    return fold(np, combine, acc)


def reduce_middle(np: Any, combine: Any, x: Any) -> Any:
    """(outer, n, inner) -> (outer, inner). `x` must be C-contiguous and n positive."""
    outer, n, inner = x.shape
    while n > BLOCK:
        whole = n // BLOCK
        parts = [_block(np, combine, x[:, : whole * BLOCK].reshape(outer, whole, BLOCK, inner))]
        if n % BLOCK:
            parts.append(_block(np, combine, x[:, whole * BLOCK :])[:, None])
        x = np.concatenate(parts, 1)
        n = x.shape[1]
    return _block(np, combine, x)


def _narrow(x: Any) -> bool:
    """Short rows, many of them: additions run along the rows' axis only after a transpose."""
    return bool(x.shape[2] == 1 and x.shape[1] <= 64 and x.shape[0] >= 64)


def tree_reduce(np: Any, combine: Any, x: Any, axes: tuple[int, ...], identity: Any) -> Any:
    """`x` reduced over `axes` (sorted); `identity` where there is nothing to reduce."""
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    shape = tuple(x.shape[a] for a in kept)
    if x.size == 0 or not axes:
        return x.copy() if not axes else np.full(shape, identity, x.dtype)
    first, last = axes[0], axes[-1]
    if last - first + 1 != len(axes):
        x = x.transpose(*kept, *axes)
        first, last = len(kept), x.ndim - 1
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
