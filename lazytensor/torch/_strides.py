"""Where results of elementwise operations lie in memory.

What enters: tensors, shapes. What leaves: strides, as PyTorch's iterators choose them. It must not
know any operation.
"""

from collections.abc import Sequence

from ._dtypes import dtype
from .tensor import Ints, Tensor, contiguous, is_contiguous, normal

__all__ = ["broadcast", "dense", "elementwise_strides", "gapless", "ordered_strides",
           "refuse_wider"]  # fmt: skip


def dense(x: Tensor) -> Ints | None:
    """Strides of a copy: those of x where its elements fill memory, each once, else in the order of
    these, without gaps.
    """
    if x._strides is None or not x._node.size or gapless(x):
        return x._strides
    return ordered_strides(x._node.shape, (x._strides,), 1)


def gapless(x: Tensor) -> bool:
    """Whether the elements fill a span of memory, each place once."""
    return x._strides is None or not x._node.size or _fills(x._node.shape, x._strides)


def _fills(shape: Ints, strides: Ints) -> bool:
    expected = 1
    for s, n in sorted((s, n) for s, n in zip(strides, shape) if n > 1):
        if s != expected:
            return False
        expected *= n
    return True


def elementwise_strides(
    shape: Ints, tensors: Sequence[Tensor], mixed: bool = False, joint: dtype | None = None
) -> Ints | None:
    """The strides of an elementwise result: as its operands lie in memory, where they agree.
    `mixed` says that there is an operand of another shape, such as a number; `joint` is the dtype
    that operands are copied to first.
    """
    if all(t._strides is None for t in tensors) and (
        0 not in shape or (len(tensors) < 2 and not mixed)
    ):
        return None
    own = [t._strides if joint in (None, t.dtype) else dense(t) for t in tensors]
    if not mixed and all(t._node.shape == shape for t in tensors):
        if all(s is None or is_contiguous(shape, s) for s in own):
            return None
        last = channels_last(shape)
        if last and all(_alike(shape, s or contiguous(shape), last) for s in own):
            return normal(shape, last)
        if own[0] and _fills(shape, own[0]) and all(s == own[0] for s in own):
            return own[0]
    sizes = [t._node.shape for t in tensors]
    return ordered_strides(
        shape, [_aligned(n, s or contiguous(n), shape) for n, s in zip(sizes, own) if n]
    )


def channels_last(shape: Ints) -> Ints:
    """The strides of images whose channels, axis 1, are innermost; () for what isn't 4-d."""
    if len(shape) != 4:
        return ()
    _, c, h, w = shape
    return c * h * w, 1, w * c, c


def in_channels_last(shape: Ints, strides: Ints) -> bool:
    """Whether strides of images or volumes show by themselves that channels are innermost; where
    sizes of 1 leave it open they don't.
    """
    if len(shape) not in (4, 5) or not strides[1]:
        return False
    least = 0
    for a in (1, *range(len(shape) - 1, 1, -1), 0):
        if not shape[a] or strides[a] < least or (a == 0 and least == strides[1]):
            return False
        least = strides[a] * shape[a]
    return True


def _alike(shape: Ints, strides: Ints, wanted: Ints) -> bool:
    """Whether strides are the same but for axes of size 1."""
    return all(n == 1 or a == b for n, a, b in zip(shape, strides, wanted))


def ordered_strides(
    shape: Sequence[int], rows: Sequence[Sequence[int]], least: int = 0
) -> tuple[int, ...] | None:
    """The strides of a result whose axes lie in memory as those of its operands: `rows` has the
    strides of each, 0 along axes that it hasn't. `least` is how long an empty axis is taken to be.
    """
    ndim = len(shape)
    perm = list(range(ndim - 1, -1, -1))
    for i in range(1, ndim):
        at = i
        for j in range(i - 1, -1, -1):
            order = _compared(rows, shape, perm[j], perm[at])
            if order > 0:
                perm[j], perm[at] = perm[at], perm[j]
                at = j
            elif order < 0:
                break
    if perm == list(range(ndim - 1, -1, -1)):
        return None
    out, step = [0] * ndim, 1
    for a in perm:
        out[a] = step
        step *= max(shape[a], least)
    return normal(tuple(shape), tuple(out))


def _aligned(own: Ints, strides: Ints, shape: Ints) -> Ints:
    """The strides along the axes of the result, 0 where an operand is repeated."""
    lead = len(shape) - len(own)
    rest = [0 if n == 1 != m else s for n, m, s in zip(own, shape[lead:], strides)]
    return (*[0] * lead, *rest)


def _compared(rows: Sequence[Sequence[int]], shape: Sequence[int], a: int, b: int) -> int:
    """1 where axis `a` lies further out than `b`, -1 further in, 0 where nothing says."""
    for strides in rows:
        if strides[a] == 0 or strides[b] == 0:
            continue
        if strides[a] != strides[b]:
            return 1 if strides[a] > strides[b] else -1
        if shape[a] > shape[b]:
            return 1
    return 0


def broadcast(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    """The shape that both are broadcast to. Raises RuntimeError in PyTorch's words."""
    ndim = max(len(a), len(b))
    left = (1,) * (ndim - len(a)) + tuple(a)
    right = (1,) * (ndim - len(b)) + tuple(b)
    for axis in range(ndim - 1, -1, -1):
        n, m = left[axis], right[axis]
        if n != m and 1 not in (n, m):
            raise RuntimeError(
                f"The size of tensor a ({n}) must match the size of tensor b ({m}) at "
                f"non-singleton dimension {axis}"
            )
    return tuple(m if n == 1 else n for n, m in zip(left, right))


def refuse_wider(shape: Sequence[int], new: Sequence[int]) -> None:
    """Raises RuntimeError where what is written doesn't fit into what it is written to."""
    if (joint := broadcast(shape, new)) != tuple(shape):
        raise RuntimeError(
            f"output with shape {list(shape)} doesn't match the broadcast shape {list(joint)}"
        )
