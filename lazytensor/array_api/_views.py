"""Views: an array made by moving another's elements shows these, and a write to either is seen by
both, as NumPy has it and as programs over the standard have come to rely on.

What enters: handles and the nodes they meant. What leaves: links between handles, and nodes for
those that a write concerns. It must not know class Array but as a handle.

The graph stays pure. A write gives the outermost array a node with the new elements put in, and its
other views what they show of that. So reading costs nothing extra, and nothing is kept alive: links
hold handles weakly, and a handle that is gone is passed over. Two views stop seeing one another
when no array is left that both were made from.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from weakref import ref

import numpy as np

from .._base.threads import renewed
from ..ir.node import Node, apply
from ..ir.op import Op
from ..lang import indexing
from ..ops import g
from ..ops import movement as rows
from . import exchange
from ._rules import cut, exposed, places

# One movement on the way from an array to what its view shows: an op and its parameters.
Step = tuple[Op, tuple[Any, ...]]
Steps = tuple[Step, ...]


def _read(x: Node, step: Step) -> Node:
    """What a step shows of x."""
    return apply(step[0], (x,), step[1])


def _permuted_back(x: Node, new: Node, axes: tuple[int, ...]) -> Node:
    return g.permute(new, tuple(sorted(range(len(axes)), key=axes.__getitem__)))


# The movements that show an array's elements, each once, and how new ones get to their places.
_WRITE: dict[Op, Callable[..., Node]] = {
    rows.reshape: lambda x, new, shape: g.reshape(new, x.shape),
    rows.permute: _permuted_back,
    rows.slice_: lambda x, new, starts, sizes, steps: g.update_slice(x, new, starts, steps),
}
Handle = TypeVar("Handle")

# Links looked through before those of dead handles are first dropped.
FEW = 16


class Link:
    """A handle's place among its views: what it shows elements of, by which steps, its own
    views.
    """

    __slots__ = ("__weakref__", "below", "handle", "limit", "parent", "steps")

    def __init__(self, handle: Any, parent: "Link | None" = None, steps: Steps = ()) -> None:
        self.handle = ref(handle)
        self.parent = parent
        self.steps = steps
        self.below: list[ref[Link]] = []
        self.limit = FEW

    def add(self, child: "Link") -> None:
        """Another view; now and then those that are gone are dropped."""
        if len(self.below) >= self.limit:
            self.below = [r for r in self.below if r() is not None]
            self.limit = max(FEW, 2 * len(self.below))
        self.below.append(ref(child))

    def shorten(self) -> None:
        """Pass over a dead parent without other views, so that chains of slices don't grow."""
        above = self.parent
        while above is not None and above.handle() is None and len(above.below) == 1:
            self.steps = above.steps + self.steps
            self.parent = above = above.parent
            if above is not None:
                above.add(self)


def way(source: Node, node: Node) -> Steps | None:
    """The movements from one node to another; None where it isn't reached by movements alone."""
    steps = []
    while node is not source:
        if node.op not in _WRITE:
            return None
        steps.append((node.op, node.params))
        (node,) = node.args
    return tuple(steps[::-1])


def link(parent: Any, source: Node, child: Handle) -> Handle:
    """`child`, made a view of `parent`, whose node was `source`, if it shows its elements.

    What is no handle of the same kind (a NumPy array, a Python scalar) has no views.
    """
    if type(parent) is not type(child):
        return child
    steps = way(source, child._node)  # type: ignore[attr-defined]
    if steps is None:
        return child
    _join(parent, child, steps)
    return child


def _join(parent: Any, child: Any, steps: Steps) -> None:
    above = parent._link
    if above is None:
        above = parent._link = Link(parent)
    elif above.parent is not None:
        above.shorten()
    child._link = new = Link(child, above, steps)
    above.add(new)


def shows(handle: Any, source: Node, value: Any, key: tuple[Any, ...]) -> bool:
    """Whether the value about to be assigned to `handle[key]` is the view that is there already:
    `x[key] += 1` assigns what it has written.
    """
    linked = value._link
    if linked is None or linked.parent is None or linked.parent is not handle._link:
        return False
    return bool(linked.steps == way(source, indexing.getitem(source, key, places)))


def written(handle: Any, node: Node) -> None:
    """Make the handle mean a new node, and tell the array it shows elements of, and all views."""
    handle._node = node
    own = handle._link
    if own is None:
        return
    whole, steps = _outermost(handle)
    if whole is not handle:
        node = _put(cut(whole), steps, node)
        whole._node = node
    _show(whole._link, node, own)


def _outermost(handle: Any) -> tuple[Any, Steps]:
    """The outermost array that is left of those that the handle shows elements of, and
    the steps.
    """
    whole: Any = handle
    steps: Steps = ()
    for above, down in _ancestors(handle._link):
        found = above.handle()
        if found is not None:
            whole, steps = found, down
    return whole, steps


_lending = threading.Lock()
renewed(globals(), _lending=threading.Lock)


def lend(handle: Any) -> np.ndarray[Any, Any]:
    """As `exchange.lend`; for a view the outermost array's memory is lent, and the view's part of
    it.

    Where no part of memory shows the elements (they were copied on the way) it is the view's alone.
    """
    with _lending:
        whole, steps = _outermost(handle) if handle._link is not None else (handle, ())
        part = memory = exchange.lend(whole)
        for step in steps:
            part = step[0].value(np, part, *step[1])
        if whole is handle:
            return memory
        if not np.shares_memory(part, memory):
            return exchange.lend(handle)
        handle._node = exposed(part.view(), handle._node.device)
        return part


def _ancestors(own: Link) -> Iterator[tuple[Link, Steps]]:
    """The links above one, nearest first, and the steps that lead down from each."""
    way: Steps = ()
    while own.parent is not None:
        way = own.steps + way
        own = own.parent
        yield own, way


def _put(node: Node, steps: Steps, new: Node) -> Node:
    """The node with what the steps lead to replaced."""
    nodes = [node]
    for step in steps[:-1]:
        nodes.append(_read(nodes[-1], step))
    for (op, params), inside in zip(reversed(steps), reversed(nodes)):
        new = _WRITE[op](inside, new, *params)
    return new


def _show(outer: Link, node: Node, writer: Link) -> None:
    """Give all views of `outer`, whose new node is given, what they show of it."""
    stack = [(outer, node)]
    while stack:
        above, whole = stack.pop()
        for child in filter(None, [r() for r in above.below]):
            handle = child.handle()
            if child is writer and handle is not None:
                shown = handle._node
            else:
                shown = whole
                for step in child.steps:
                    shown = _read(shown, step)
                if handle is not None:
                    handle._node = shown
            stack.append((child, shown))
