"""Where results of elementwise operations lie in memory.

What enters: tensors, shapes. What leaves: strides, as PyTorch's iterators choose them. It must not
know any operation.
"""

from collections.abc import Sequence

from .tensor import Tensor, is_contiguous, normal

__all__ = ["broadcast", "elementwise_strides", "gapless", "ordered_strides"]


def gapless(x: Tensor) -> bool:
    """Whether the elements fill a span of memory, each place once."""
    if x._strides is None or not x._node.size:
        return True
    expected = 1
    for s, n in sorted((s, n) for s, n in zip(x._strides, x._node.shape) if n > 1):
        if s != expected:
            return False
        expected *= n
    return True


def elementwise_strides(
    shape: Sequence[int], tensors: Sequence[Tensor], mixed: bool = False
) -> tuple[int, ...] | None:
    """The strides of an elementwise result: as its operands lie in memory, where they agree.
    `mixed` says that there is an operand of another shape, such as a number.
    """
    if all(t._strides is None for t in tensors) and (
        0 not in shape or (len(tensors) < 2 and not mixed)
    ):
        return None
    if not mixed and all(t._node.shape == shape for t in tensors):
        if all(t._strides is None or is_contiguous(tuple(shape), t._strides) for t in tensors):
            return None
        own = tensors[0]._strides
        if gapless(tensors[0]) and all(t._strides == own for t in tensors[1:]):
            return own
    ndim = len(shape)
    rows = [_aligned(t, ndim, shape) for t in tensors if t._node.shape]
    return ordered_strides(shape, rows)


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


def _aligned(t: Tensor, ndim: int, shape: Sequence[int]) -> list[int]:
    own, strides = t._node.shape, t._stride()
    lead = ndim - len(own)
    return [0] * lead + [
        0 if n == 1 and shape[a + lead] != 1 else s for a, (n, s) in enumerate(zip(own, strides))
    ]


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
