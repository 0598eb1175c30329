"""Which tensors may be written to: not those that show an element of memory more than once, nor
memory that is read meanwhile.

What enters: tensors. What leaves: PyTorch's refusals. It must not know operations.
"""

from collections.abc import Sequence

from ._strides import gapless
from .tensor import Tensor

_MORE_THAN_ONCE = (
    "unsupported operation: more than one element of the written-to tensor refers to a single "
    "memory location. Please clone() the tensor before performing the operation."
)
_SOME_ALSO_READ = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
    "single memory location. Please clone() the tensor before performing the operation."
)


def refuse_shared(outs: Sequence[Tensor], read: Sequence[Tensor]) -> None:
    """Raises RuntimeError for outputs that show an element of memory more than once, or memory of
    what is read.
    """
    for o in outs:
        refuse_overlap(o)
        if any(t is o or (o._stor is not None and t._stor is o._stor) for t in read):
            raise RuntimeError(_SOME_ALSO_READ)


def refuse_overlap(x: Tensor, others: Sequence[Tensor] = ()) -> None:
    """Raises RuntimeError for a tensor that shows an element of memory more than once, or a part of
    the memory of another, where that is plain to see.
    """
    if x._strides is not None and x._node.size and any(
        s == 0 and n > 1 for s, n in zip(x._strides, x._node.shape)
    ):
        raise RuntimeError(_MORE_THAN_ONCE)
    if x._stor is None:
        return
    for t in others:
        if t._stor is x._stor and t is not x and _partly(x, t):
            raise RuntimeError(_SOME_ALSO_READ)


def refuse_meeting(x: Tensor, given: Tensor) -> None:
    """Raises RuntimeError for what lies in the memory that is written to, all of it or a part,
    where that is plain to see.
    """
    if given._stor is None or given._stor is not x._stor or given is x:
        return
    if _meet(_spans(x, given)):
        raise RuntimeError(_SOME_ALSO_READ)


def _partly(x: Tensor, t: Tensor) -> bool:
    """Whether the spans of two tensors without gaps meet, but are not the same."""
    spans = _spans(x, t)
    if spans and spans[0] == spans[1]:
        return x._stride() != t._stride()
    return _meet(spans)


def _spans(*tensors: Tensor) -> list[tuple[int, int]]:
    """From which byte to which each lies; nothing where one is empty or has gaps."""
    if not all(t._node.size and gapless(t) for t in tensors):
        return []
    return [
        (t._offset * t.dtype.itemsize, (t._offset + t._node.size) * t.dtype.itemsize)
        for t in tensors
    ]


def _meet(spans: Sequence[tuple[int, int]]) -> bool:
    return bool(spans) and spans[0][0] < spans[1][1] and spans[1][0] < spans[0][1]
