"""The printer: a graph as Python text that runs, over a builder `g`, and makes the graph again.

What enters: a graph, or nodes. What leaves: text, a line a node, its dtype and shape a comment;
`names()` is what the text refers to. It must not know rows, or what a reader looks for in a plan.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._base.devices import CPU, Device, device
from .._base.dtypes import STANDARD, DType, canonical, float16
from .builder import g
from .graph import SPECIAL, Graph, linearize
from .node import SCALAR, Node, scalar

_DTYPES = {d.name: d for d in (*STANDARD, float16)}


def names() -> dict[str, Any]:
    """What a printed graph refers to: `exec(text, names())` defines its function, `graph`."""
    helpers = {"g": g, "scalar": scalar, "device": device, "dtype": canonical}
    return {**helpers, "inf": math.inf, "nan": math.nan, **_DTYPES}


def inputs(graph: Graph) -> list[Node]:
    """The nodes that are arguments of the printed function, in order: all leaves but scalars."""
    return [node for node in graph.order if _is_input(node)]


def show(what: Graph | Sequence[Node]) -> str:
    """The text of a function `graph`, which makes of `inputs(graph)` a graph with the same key."""
    return _Text(what if isinstance(what, Graph) else linearize(what)).function()


def type_text(node: Node) -> str:
    """`float32[3, 4]`, in brackets for several outputs, with the device where it is not `cpu`."""
    if type(node.dtype) is tuple:
        text = f"({', '.join(map(_array_text, node.dtype, node.shape))})"
    else:
        text = _array_text(node.dtype, node.shape)
    return text if node.device == CPU else f"{text} on {node.device}"


def _array_text(dtype: DType, shape: Any) -> str:
    return f"{dtype.name}[{', '.join(map(str, shape))}]"


def _is_input(node: Node) -> bool:
    return node.op is not SCALAR and (node.value is not None or node.op.kind == "leaf")


class _Text:
    """Names for places, and lines for nodes."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        made = (r for n, r in zip(graph.order, graph.rows, strict=True) if not _is_input(n))
        self._reads = Counter(place for row in made for place in row[2:])
        self._names = [self._name(place) for place in range(len(graph.order))]

    def _name(self, place: int) -> str:
        node = self._graph.order[place]
        if node.op is not SCALAR:
            return f"x{place}" if _is_input(node) else f"t{place}"
        return f"s{place}" if self._own_line(place) else _scalar_text(node)

    def _own_line(self, place: int) -> bool:
        """Whether a scalar has a name: text that stands twice would make two nodes of it."""
        return self._reads[place] > 1 and self._graph.order[place].value.item() not in SPECIAL

    def function(self) -> str:
        """All of it."""
        order = self._graph.order
        named = zip(self._names, order, strict=True)
        given = [(name, node) for name, node in named if _is_input(node)]
        lines = [f"def graph({', '.join(name for name, _ in given)}):"]
        lines += [f"    # {name}: {type_text(node)}" for name, node in given]
        lines += [self._line(p) for p, node in enumerate(order) if self._has_line(p, node)]
        results = [self._names[place] for place in self._graph.outputs]
        return "\n".join([*lines, f"    return {', '.join(results) or '()'}"]) + "\n"

    def _has_line(self, place: int, node: Node) -> bool:
        return self._own_line(place) if node.op is SCALAR else not _is_input(node)

    def _line(self, place: int) -> str:
        node = self._graph.order[place]
        name = self._names[place]
        if node.op is SCALAR:
            return f"    {name} = {_scalar_text(node)}"
        return f"    {name} = g.{node.op.name}({self._operands(place)})  # {type_text(node)}"

    def _operands(self, place: int) -> str:
        node = self._graph.order[place]
        places = self._graph.rows[place][2:]
        like = None if node.op.arity is None else self._like(places)
        args = [self._argument(place, like) for place in places]
        if node.op.arity is None:
            args = [f"[{', '.join(args)}]"]
        return ", ".join([*args, *map(_param_text, node.params)])

    def _like(self, places: Sequence[int]) -> Node | None:
        """The argument whose dtype the builder gives to bare Python scalars."""
        named = [p for p in places if self._graph.order[p].op is not SCALAR or self._own_line(p)]
        return self._graph.order[named[-1]] if named else None

    def _argument(self, place: int, like: Node | None) -> str:
        node = self._graph.order[place]
        bare = node.op is SCALAR and like is not None and not self._own_line(place)
        if bare and node.dtype is like.dtype and node.device is like.device:  # type: ignore[union-attr]
            return _number_text(node.value)
        return self._names[place]


def _scalar_text(node: Node) -> str:
    where = "" if node.device is CPU else f", {_param_text(node.device)}"
    return f"scalar({_number_text(node.value)}, {_param_text(node.dtype)}{where})"


def _number_text(value: np.ndarray[Any, Any]) -> str:
    """The shortest text of a 0-d buffer that gives it back."""
    if value.dtype.kind in "biu":
        return repr(value.item())
    if value.dtype.kind == "c":
        return f"complex({_number_text(value.real)}, {_number_text(value.imag)})"
    return repr(float(str(value[()])))


def _param_text(param: Any) -> str:
    """A parameter as an expression over `names()`."""
    if isinstance(param, np.dtype):
        return param.name if param.name in _DTYPES else f"dtype({param.name!r})"
    if isinstance(param, Device):
        return repr(param)
    if isinstance(param, tuple):
        inner = [_param_text(p) for p in param]
        return f"({inner[0]},)" if len(inner) == 1 else f"({', '.join(inner)})"
    return repr(param)
