"""Forward mode: the tangents of what is computed while a level is open.

What enters: nodes with tangents. What leaves: tangents of nodes that were computed from them, by
one sweep over what lies between. Operations with rules of the user's own say their tangents when
they run. It must not know who opened a level.
"""

from collections.abc import Sequence
from typing import Any

from ...ir.graph import ancestors
from ...ir.node import TRACING, Node
from ...ops.movement import reshape
from ...transform._path import varies
from ...transform.jvp import push
from .._graph import MODE, Edge, GradFn, grad_fn_class, last_record
from .._record import record
from ..storage import Steps, Storage
from ..tensor import Tensor, view_of, wrap
from .passages import fresh

__all__ = ["Level", "custom_tangents", "dual", "parts"]


class _Sink(GradFn):
    """Where gradients go that nobody wants."""

    __slots__ = ()
    custom_rule = True

    def custom(self, cotangents: Sequence[Any], create: bool) -> list[Tensor | None]:
        """Nothing."""
        return []


class Level:
    """An open level; a context. `known` has the tangents of nodes, None where there is none."""

    def __init__(self) -> None:
        self.known: dict[Node, Any] = {}
        self.given: list[tuple[Tensor, Node]] = []  # tangents that came from outside
        self.stopped: list[Node] = []
        self.begin = 0

    def __enter__(self) -> "Level":
        self.begin = last_record()
        MODE.levels = (*MODE.levels, self)
        TRACING.depth += 1
        return self

    def __exit__(self, *exception: object) -> None:
        TRACING.depth -= 1
        MODE.levels = tuple(level for level in MODE.levels if level is not self)

    def set(self, node: Node, tangent: Tensor) -> None:
        """Let a node have a tangent."""
        found = fresh(tangent._read())
        self.known[node] = found
        self.given.append((tangent, found))

    def stop(self, node: Node) -> Node:
        """The same value without a tangent."""
        out = fresh(node)
        self.known[out] = None
        self.stopped.append(out)
        return out

    def tangent(self, node: Node) -> Node | None:
        """The tangent of a node; None where it doesn't vary. No recursion."""
        known = self.known
        for y in ancestors([node], known.__contains__):
            if y in known:
                continue
            given = [known.get(x) for x in y.args]
            on = any(t is not None for t in given) and varies(y)
            known[y] = push(y, given) if on else None
        found: Node | None = known[node]
        return found

    def of(self, x: Tensor) -> Tensor | None:
        """The tangent of a tensor, with the history of what it was computed from."""
        node = self.tangent(x._read())
        if node is None:
            return None
        out = wrap(fresh(node), x.dtype)
        pairs = [*self._outside(x), *[(t._edge(), n) for t, n in self.given]]
        pairs = [(edge, n) for edge, n in pairs if edge[0] is not None]
        if MODE.grad and pairs:
            sink = _Sink((), (), ())
            sink.count = 1
            pairs += [((sink, 0), n) for n in self.stopped]
            edges, nodes = zip(*pairs, strict=True)
            out._fn = grad_fn_class("JvpBackward0")(edges, nodes, (out._node,))
        return out

    def _outside(self, x: Tensor) -> list[tuple[Edge, Node]]:
        """Where the history of x leaves the level: edges with the nodes that were read there."""
        found: dict[tuple[int, int, Node], tuple[Edge, Node]] = {}
        stack = [x._edge()[0]]
        seen = set(stack)
        while stack:
            fn = stack.pop()
            if fn is None:
                continue
            for edge, node in zip(fn.edges, fn.read(), strict=True):
                into = edge[0]
                if into is None:
                    continue
                if into._sequence <= self.begin or not into.edges:
                    found[id(into), edge[1], node] = edge, node
                elif into not in seen:
                    seen.add(into)
                    stack.append(into)
        return list(found.values())


class _Echo(Storage):
    """The memory of a dual tensor, which has nodes of its own: what is written there is written to
    the tensor that it was made of too.
    """

    __slots__ = ("into",)
    into: Tensor

    def write(self, steps: Steps, new: Node) -> bool:
        """Replace what the steps show."""
        plain = super().write(steps, new)
        self.into._share().write(self.into._steps, self.node)
        return plain


def _alias(x: Tensor, source: Node) -> Tensor:
    """A view of all of x, of a node of its own."""
    out = view_of(x, source, ((reshape, (source.shape,)),), x._stride(), x._offset)
    out._base = x if x._base is None else x._base
    out._at = out._count()[0]
    return record(out, "Alias", (x,), (x._read(),))


def dual(level: Level, x: Tensor, tangent: Tensor) -> Tensor:
    """A view of x that has a tangent. Raises RuntimeError for one that doesn't fit."""
    if x._node.shape != tangent._node.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original "
            f"Tensor, this is not supported. Tensor is of size {list(x._node.shape)} while the "
            f"given forward gradient is of size {list(tangent._node.shape)}."
        )
    x._share()
    out = _alias(x, fresh(x._read()))
    out._stor = echo = _Echo(out._node, x._order())
    echo.into, out._steps, out._seen = x, (), 0
    level.set(out._node, tangent)
    return out


def parts(level: Level, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """A view of x without its tangent, and the tangent."""
    tangent = level.of(x)
    x._share()
    return _alias(x, level.stop(x._read())), tangent


def custom_tangents(cls: Any, base: Any, ctx: Any, args: Sequence[Any], outs: list[Any]) -> None:
    """Let the outputs of a user's operation have the tangents that its `jvp` gives."""
    for level in MODE.levels:
        tangents = [level.of(a) if isinstance(a, Tensor) else None for a in args]
        if all(t is None for t in tangents):
            continue
        kept = ctx._kept
        if ctx.saved_for_forward is not None:
            ctx.to_save = ctx.saved_for_forward
        if ctx.materialize_grads:
            likes = iter(ctx._inputs)
            tangents = [_given(t, next(likes)) if isinstance(a, Tensor) else None
                        for a, t in zip(args, tangents, strict=True)]  # fmt: skip
        found = cls.jvp(ctx, *tangents)
        ctx.to_save, ctx._kept = (), kept
        for out, tangent in zip(outs, found if isinstance(found, tuple) else (found,), strict=True):
            if isinstance(out, Tensor):
                _told(level, out, tangent)


def _given(tangent: Tensor | None, like: Any) -> Tensor | None:
    if tangent is not None or like.dtype._rank < 2:
        return tangent
    zeros: Tensor = like.zeros()
    return zeros


def _told(level: Level, out: Tensor, tangent: Tensor | None) -> None:
    if out._stor is None:
        out._node = fresh(out._read())
    if tangent is None:
        level.known[out._read()] = None
    else:
        level.set(out._read(), tangent)
