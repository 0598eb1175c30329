"""Sums of arrays that are zero but for a part each: what the parts make together, as where slices
of one array are differentiated.

What enters: a node. What leaves: a node with the same bits, or None. It must not know kernels.
"""

from .._base.dtypes import kind
from .._base.record import Record
from ..ir.node import Node, scalar
from ._rewrite import again, is_number

# Parts at most; elements from which on kernels read parts one by one.
MOST, WORTH = 256, 1 << 14


class _Pieces(Record, frozen=True):
    """Parts along an axis, by where they begin, in order; the rest is 0."""

    axis: int
    parts: list[tuple[int, Node]]


def joined(node: Node) -> Node | None:
    """embed(a) + embed(b), which lie apart along an axis -> concat([a + 0, b + 0]): -0 + 0 is 0."""
    found = [_pieces(a) for a in node.args if a.shape == node.shape]
    if len(found) < 2 or kind(node.dtype) not in "fiu":
        return None
    first, second = found
    whole = None
    if first is not None and second is not None and first.axis == second.axis:
        parts = sorted([*first.parts, *second.parts], key=lambda part: part[0])
        whole = _concat(node, _Pieces(first.axis, parts)) if len(parts) <= MOST else None
    return _over(node) if whole is None else whole


def _over(node: Node) -> Node | None:
    """x + embed(a) -> x + concat([0, a, 0]), which a kernel reads part by part."""
    if node.size < WORTH or all(a.op.name != "embed" for a in node.args):
        return None
    args = tuple([_with_gaps(a) for a in node.args])
    same = all(a is b for a, b in zip(args, node.args, strict=True))
    return None if same else again("add", args, (), node)


def _with_gaps(x: Node) -> Node:
    pieces = _pieces(x) if x.op.name == "embed" else None
    if pieces is None:
        return x
    ((start, part),) = pieces.parts
    end = start + part.shape[pieces.axis]
    rest = x.shape[pieces.axis] - end
    parts = (*_gap(x, pieces.axis, start), part, *_gap(x, pieces.axis, rest))
    return again("concat", parts, (pieces.axis,), x)


def _pieces(node: Node) -> _Pieces | None:
    """What is known of a node's parts."""
    if node.op.name == "embed":
        shape, starts, steps = node.params
        axes = [a for a, (n, k) in enumerate(zip(shape, node.args[0].shape)) if n != k]
        if len(axes) == 1 and set(steps) == {1}:
            return _Pieces(axes[0], [(starts[axes[0]], node.args[0])])
    if node.op.name == "concat":
        (axis,), at, parts = node.params, 0, []
        for part in node.args:
            parts += [] if _is_zero(part) else [(at, part)]
            at += part.shape[axis]
        return _Pieces(axis, parts)
    return None


def _concat(node: Node, pieces: _Pieces) -> Node | None:
    """The whole, or None where parts overlap."""
    axis, at, whole = pieces.axis, 0, []
    for start, part in pieces.parts:
        if start < at:
            return None
        whole += _gap(node, axis, start - at)
        whole.append(_plus_zero(part, node))
        at = start + part.shape[axis]
    whole += _gap(node, axis, node.shape[axis] - at)
    return again("concat", tuple(whole), (axis,), node)


def _gap(node: Node, axis: int, size: int) -> list[Node]:
    if not size:
        return []
    shape = tuple(size if a == axis else n for a, n in enumerate(node.shape))
    return [again("broadcast_to", (_zero(node),), (shape,), node)]


def _plus_zero(part: Node, like: Node) -> Node:
    added = part.op.name == "add" and any(is_number(a, "0.0") for a in part.args)
    return part if added or kind(part.dtype) != "f" else again("add", (part, _zero(part)), (), like)


def _is_zero(node: Node) -> bool:
    return node.op.name == "broadcast_to" and is_number(node.args[0], "0.0")


def _zero(like: Node) -> Node:
    return scalar(0, like.dtype, like.device)
