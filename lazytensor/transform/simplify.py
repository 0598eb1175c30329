"""Simplification: a graph rebuilt over placeholders, once forward, with rewriting rules by op name.

What enters: a graph (or some of its places) and the places whose values are wanted. What leaves:
new nodes for them, and the places that became inputs. Every rule holds for NaN, infinities and -0,
and leaves bits as they are. It must not know kernels or targets.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .._base.dtypes import float32, kind
from .._base.log import log
from .._base.module import module
from .._base.record import Record
from ..ir.graph import SPECIAL, Graph
from ..ir.node import SCALAR, Node, make, placeholder, scalar
from ..ops._tree import runs
from ._rewrite import Rule, again, is_number
from .pieces import joined
from .places import few_of_computed, negative_choice, one_of_line, rows_added, sum_of_choice


class Simplified(Record):
    """`outputs` are nodes over placeholders whose index is a position in `inputs`, the places they
    stand for.
    """

    outputs: list[Node]
    inputs: list[int]


def simplify(
    graph: Graph, places: Iterable[int], wanted: Sequence[int], rules: bool = True
) -> Simplified:
    """Places of a graph, in order, rebuilt; what they read that is not among them becomes an
    input.
    """
    builder = _Builder(rules)
    new: dict[int, Node] = {}
    inputs: list[int] = []

    def at(place: int) -> Node:
        if place not in new:
            node = graph.order[place]
            if _special(node):
                return node
            new[place] = placeholder(node.shape, node.dtype, node.device, len(inputs))
            inputs.append(place)
        return new[place]

    for place in places:
        node = graph.order[place]
        if node.value is None and node.op.kind != "leaf":
            args = tuple(at(i) for i in graph.rows[place][2:])
            new[place] = builder.add(node.op, args, node.params, place)
    return Simplified([at(place) for place in wanted], inputs)


def _special(node: Node) -> bool:
    return node.op is SCALAR and node.value.item() in SPECIAL


class _Builder:
    """Makes nodes, each once, after asking the rules for something simpler."""

    def __init__(self, rules: bool) -> None:
        self._made: dict[Any, Node] = {}
        self._rules = RULES if rules else {}

    def add(self, op: Any, args: tuple[Node, ...], params: tuple[Any, ...], place: int) -> Node:
        """The node, or what stands for it."""
        key = (op, args, params)
        node = self._made.get(key)
        if node is None:
            node = make(op, args, params)
            node.where = place
            self._made[key] = node = self._simpler(node)
        return node

    def _simpler(self, node: Node) -> Node:
        for rule in self._rules.get(node.op.name, ()) or self._rules.get(node.op.kind, ()):
            found = rule(node)
            if found is not None:
                log(6, f"rewrite {rule.__name__}: {node} -> {found}")
                return self._once(found, node.serial)
        return node

    def _once(self, node: Node, before: int) -> Node:
        """A replacement, made of nodes that are made once: those after `before` are new."""
        if node.op.kind == "leaf":
            return node
        args = tuple([self._once(a, before) if a.serial > before else a for a in node.args])
        key = (node.op, args, node.params)
        known = self._made.get(key)
        if known is None:
            known = self._made[key] = node if args == node.args else _renewed(node, args)
        return known


def _renewed(node: Node, args: tuple[Node, ...]) -> Node:
    return again(node.op.name, args, node.params, node)


def _kept(node: Node, x: Node) -> Node | None:
    """`x` for `node`, where shapes agree."""
    return x if x.shape == node.shape else None


def one_factor(node: Node) -> Node | None:
    """x * 1 -> x."""
    x, y = node.args
    return (
        _kept(node, x) if is_number(y, "1.0") else _kept(node, y) if is_number(x, "1.0") else None
    )


def zero_term(node: Node) -> Node | None:
    """x + 0 -> x for integers (for floats -0 + 0 is 0)."""
    x, y = node.args
    if kind(node.dtype) not in "iu":
        return None
    return (
        _kept(node, x) if is_number(y, "0.0") else _kept(node, y) if is_number(x, "0.0") else None
    )


def zero_subtrahend(node: Node) -> Node | None:
    """x - 0 -> x."""
    x, y = node.args
    return _kept(node, x) if is_number(y, "0.0") else None


def one_divisor(node: Node) -> Node | None:
    """x / 1 -> x."""
    x, y = node.args
    return _kept(node, x) if is_number(y, "1.0") and kind(node.dtype) == "f" else None


def own_inverse(node: Node) -> Node | None:
    """-(-x) -> x, and the same for conj and invert."""
    x = node.args[0]
    return x.args[0] if x.op is node.op else None


def same_choice(node: Node) -> Node | None:
    """where(c, x, x) -> x."""
    _, x, y = node.args
    return _kept(node, x) if x is y else None


def lossless_cast(node: Node) -> Node | None:
    """cast(x, its own dtype) -> x; cast(cast(x, wider), t) -> cast(x, t)."""
    x = node.args[0]
    if x.dtype is node.dtype:
        return x
    if x.op is not node.op:
        return None
    y = x.args[0]
    if (
        kind(y.dtype) == "b"
        or not np.can_cast(y.dtype, x.dtype, "safe")
        or kind(y.dtype) != kind(x.dtype)
    ):
        return None
    return y if y.dtype is node.dtype else again("cast", (y,), node.params, node)


def run_by_run(node: Node) -> Node | None:
    """A reduction over axes with others between them -> one over the last run of axes, then the
    rest: the tree of sums goes so (half precision in single).
    """
    (x,), axes = node.args, node.params[0]
    found = runs(x.shape, axes)
    if len(found) < 2 or not x.size:
        return None
    half = x.dtype.itemsize == 2 and kind(x.dtype) == "f"
    x = again("cast", (x,), (float32,), node) if half else x
    for run in reversed(found):
        x = again(node.op.name, (x,), (run,), node)
    return again("cast", (x,), (node.dtype,), node) if half else x


def no_reshape(node: Node) -> Node | None:
    """reshape to the same shape -> x; reshape of a reshape -> one reshape, unless the first one
    copies: what it gives may be read elsewhere, and the second one shows it.
    """
    x = node.args[0]
    if x.shape == node.shape:
        return x
    if x.op is not node.op:
        return None
    y = x.args[0]
    if y.shape == node.shape:
        return y
    return None if y.op.kind == "movement" else again("reshape", (y,), node.params, node)


def no_permute(node: Node) -> Node | None:
    """permute by the identity -> x; permute of a permute -> one permute."""
    x, axes = node.args[0], node.params[0]
    if axes == tuple(range(len(axes))):
        return x
    if x.op is node.op:
        both = tuple(x.params[0][a] for a in axes)
        y = x.args[0]
        return y if both == tuple(range(len(both))) else again("permute", (y,), (both,), node)
    return None


def no_broadcast(node: Node) -> Node | None:
    """broadcast to the same shape -> x; broadcast of a broadcast -> one broadcast."""
    x = node.args[0]
    if x.shape == node.shape:
        return x
    return again("broadcast_to", x.args, node.params, node) if x.op is node.op else None


def no_mark(node: Node) -> Node | None:
    """fixed(x) -> x: derivatives have been taken."""
    return node.args[0]


def no_embed(node: Node) -> Node | None:
    """embed in nothing more -> x."""
    (x,), steps = node.args, node.params[2]
    return x if x.shape == node.shape and all(s == 1 for s in steps) else None


def no_slice(node: Node) -> Node | None:
    """slice of all -> x; slice of a slice -> one slice."""
    x = node.args[0]
    starts, sizes, steps = node.params
    if x.shape == node.shape and all(s == 1 for s in steps):
        return x
    if x.op is not node.op or 0 in sizes:
        return None
    inner_starts, _, inner_steps = x.params
    both = tuple(a + b * s for a, b, s in zip(inner_starts, starts, inner_steps, strict=True))
    strides = tuple(a * b for a, b in zip(inner_steps, steps, strict=True))
    return again("slice", x.args, (both, sizes, strides), node)


def no_transfer(node: Node) -> Node | None:
    """transfer to the device where x is -> x."""
    x = node.args[0]
    return x if x.device is node.device else None


def single_reduction(node: Node) -> Node | None:
    """A sum, product, maximum … over axes of size 1 -> reshape; sums turn -0 into 0."""
    x, axes = node.args[0], node.params[0]
    if not x.size or x.dtype is not node.dtype or any(x.shape[a] != 1 for a in axes):
        return None
    found = again("reshape", (x,), (node.shape,), node)
    if node.op.name == "sum" and kind(x.dtype) in "fc":
        return again("add", (found, scalar(0, x.dtype, x.device)), (), node)
    return None if kind(x.dtype) == "c" else found


def bare_operands(node: Node) -> Node | None:
    """Elementwise ops broadcast by themselves: broadcast_to is dropped from their arguments."""
    bare = tuple(a.args[0] if a.op.name == "broadcast_to" else a for a in node.args)
    if bare == node.args:
        return None
    found = make(node.op, bare, node.params)
    found.where = node.where
    return found if found.shape == node.shape else _one_bare(node)


def _one_bare(node: Node) -> Node | None:
    """All but one of the broadcasts dropped, where together they make the shape."""
    args = list(node.args)
    for i, a in enumerate(args):
        if a.op.name == "broadcast_to":
            args[i] = a.args[0]
            if make(node.op, tuple(args), node.params).shape != node.shape:
                args[i] = a
    if tuple(args) == node.args:
        return None
    found = make(node.op, tuple(args), node.params)
    found.where = node.where
    return found


def folded(node: Node) -> Node | None:
    """An op of special scalars -> its value, where that is special again."""
    if node.shape or not all(a.op is SCALAR for a in node.args):
        return None
    with np.errstate(all="ignore"):
        found = node.op.value(module(), *(a.value for a in node.args), *node.params)
    value = np.asarray(found).item()
    return scalar(value, node.dtype, node.device) if value in SPECIAL else None


_REDUCTION: tuple[Rule, ...] = (single_reduction, run_by_run)
_COMMON: tuple[Rule, ...] = (folded, bare_operands)
# By op name; an op without an entry has its kind's.
RULES: dict[str, tuple[Rule, ...]] = {
    "elementwise": _COMMON,
    "multiply": (one_factor, *_COMMON),
    "add": (zero_term, joined, *_COMMON),
    "subtract": (zero_subtrahend, *_COMMON),
    "divide": (one_divisor, *_COMMON),
    "negative": (own_inverse, negative_choice, *_COMMON),
    "conj": (own_inverse, *_COMMON),
    "invert": (own_inverse, *_COMMON),
    "where": (same_choice, *_COMMON),
    "cast": (lossless_cast, *_COMMON),
    "reshape": (no_reshape,),
    "permute": (no_permute,),
    "broadcast_to": (no_broadcast,),
    "fixed": (no_mark,),
    "slice": (no_slice,),
    "embed": (no_embed,),
    "transfer": (no_transfer,),
    "sum": (*_REDUCTION, sum_of_choice),
    "prod": _REDUCTION,
    "max": _REDUCTION,
    "min": _REDUCTION,
    "any": _REDUCTION,
    "all": _REDUCTION,
    "gather": (few_of_computed,),
    "scatter": (one_of_line,),
    "scatter_add": (one_of_line, rows_added),
}
