"""Calls of a compiled function written out: what arguments have to be, kernels, results.

What enters: an Entry that was found some times, and the call that found it. What leaves: a function
of the arguments, which gives MISSED for any others, and where anything else isn't as it was. It
must not know how entries are found, nor how kernels run.
"""

import weakref
from collections.abc import Callable
from typing import Any

from .._base import config
from .._base.devices import Device
from .._base.dtypes import DType
from .._base.pytree import TreeDef
from ..array_api.array import Array
from ..ir.node import TRACING, Node, known
from ..runtime.observe import OBSERVERS, TIMERS
from ..runtime.pending import new_bytes
from ..runtime.written import CallLines, Watched, called, captured_lines, number_lines
from ._arguments import NUMBERS
from ._guards import Identities

# Arguments and results, what is in containers among them.
MOST = 64
_SETTINGS = (*config.LOWERING, "debug")
_PLAIN = list, tuple, dict


class _Other(Exception):
    """Something that isn't written out."""


def written(entry: Any, args: tuple[Any, ...]) -> Callable[..., Any] | None:
    """The function, or None for what has more to it than small arrays, numbers, lists, tuples and
    dicts.
    """
    results = entry.results.plain()
    if results is None or entry.results.writes or len(results) > MOST:
        return None
    on_gpu = entry.program.plan.captured is not None
    lines = CallLines()
    try:
        arguments = _Arguments(lines, on_gpu)
        arguments.take("args", args)
        if on_gpu:
            return _on_gpu(lines, entry, arguments, results)
        identities = entry.guards.identities()
        run = _here(entry, arguments, results, identities or ((), ()))
        if run is None or (_flat(args) and identities is not None and _as_it_is(entry.results)):
            return run
        if identities is None:
            _guarded(lines, entry)
        return _around(lines, entry, arguments, run)
    except _Other:
        return None


Results = list[tuple[int, DType, Device]]


def _here(
    entry: Any, arguments: "_Arguments", results: Results, identities: Identities
) -> Callable[..., Any] | None:
    """Native code that runs a program on the host."""
    if entry.donated:
        return None
    settings = _SETTINGS, config.several(_SETTINGS)
    watched = Watched(settings, identities, entry.tally, entry.nbytes)
    return called(entry.program, arguments.nodes, results, Array, watched)


def _around(
    lines: CallLines, entry: Any, arguments: "_Arguments", run: Callable[..., Any]
) -> Callable[..., Any]:
    """What there is to do around native code."""
    handles = [x for x, node in zip(arguments.names, arguments.nodes, strict=True) if node]
    operands = [*handles, *number_lines(lines, entry.program, arguments.names)]
    lines.add(f"r = {lines.name(run)}({', '.join(operands)})")
    lines.missed("r is MISSED")
    made = [f"r{i}" for i in range(len(entry.results.outputs))]
    lines.add(f"{', '.join(made)} = r")
    return _returned(lines, entry.results)


def _flat(args: tuple[Any, ...]) -> bool:
    """Whether arguments are handles alone."""
    return all(type(x) is Array for x in args)


def _returned(lines: CallLines, results: Any) -> Callable[..., Any]:
    """The function of lines that have made all outputs: it gives the result."""
    leaves = [f"r{i}" for i in results.order]
    lines.add(f"return {_tree(lines, results.structure, leaves)}")
    return lines.caught()


def _as_it_is(results: Any) -> bool:
    """Whether a result is one handle, or a tuple of different ones."""
    structure = results.structure
    flat = structure.type is tuple and all(c.type is None for c in structure.children)
    different = list(results.order) == list(range(len(results.outputs)))
    return structure.type is None or (flat and different and len(results.order) > 1)


def _on_gpu(
    lines: CallLines, entry: Any, arguments: "_Arguments", results: Results
) -> Callable[..., Any] | None:
    """The run of a program for a GPU, which has the only references to what is donated."""
    settings, now = lines.name(_SETTINGS), lines.name(config.several(_SETTINGS))
    lines.names |= {
        "TRACING": TRACING, "OBSERVERS": OBSERVERS, "TIMERS": TIMERS, "Array": Array,
        "known": known, "several": config.several, "new_bytes": new_bytes, "tally": entry.tally,
    }  # fmt: skip
    lines.missed(f"TRACING.depth or several({settings}) != {now} or OBSERVERS or TIMERS")
    _guarded(lines, entry)
    given = []
    if entry.donated:
        handles = arguments.names
        lines.names["entry"] = weakref.proxy(entry)  # which has the function
        buffers = "".join(f"a{i} = " for i in range(len(handles)))
        given.append(f"entry.give_away([None] * {len(handles)}, [{', '.join(handles)}])")
        given.append(f"{buffers}n = None")
    if not captured_lines(lines, entry.program, given, bool(entry.donated)):
        return None
    for i, (number, dtype, device) in enumerate(results):
        types = f"{lines.name(dtype)}, {lines.name(device)}"
        value = f"v{entry.program.plan.outputs[number]}"
        lines.add(f"r{i} = Array(known({value}, {types}))")
    lines.add("tally[0] += 1")
    if entry.nbytes:
        lines.add(f"new_bytes({entry.nbytes})")
    return _returned(lines, entry.results)


def _guarded(lines: CallLines, entry: Any) -> None:
    """What the function found outside its arguments has to be as it was."""
    guards = entry.guards
    if guards.names or guards.cells or guards.arrays:
        lines.missed(f"not {lines.name(guards)}.hold()")


class _Arguments:
    """Takes arguments apart, as `_arguments.gather` does, and numbers the leaves: what lines call
    them, and the nodes of handles.
    """

    def __init__(self, lines: CallLines, on_gpu: bool) -> None:
        self._lines = lines
        self._on_gpu = on_gpu
        self._all = 0
        self.names: list[str] = []
        self.nodes: list[Node | None] = []

    def take(self, name: str, x: Any) -> None:
        """What a variable has to be for the call to be like one with x: buffers of its leaves."""
        self._all += 1
        if self._all > MOST:
            raise _Other
        kind = type(x)
        if x is None:
            self._lines.missed(f"{name} is not None")
        elif kind in _PLAIN:
            self._container(name, x)
        elif kind is Array:
            self._array(name, x)
        elif kind in NUMBERS:
            self._lines.missed(f"type({name}) is not {self._lines.name(kind)}")
            leaf = self._leaf(name, None)
            if self._on_gpu:
                self._lines.add(f"a{leaf} = {name}")
        else:
            raise _Other

    def _leaf(self, name: str, node: Node | None) -> int:
        self.names.append(name)
        self.nodes.append(node)
        return len(self.names) - 1

    def _container(self, name: str, x: Any) -> None:
        lines, kind = self._lines, type(x)
        lines.missed(f"type({name}) is not {lines.name(kind)} or len({name}) != {len(x)}")
        if kind is dict:
            lines.missed(f"tuple({name}) != {lines.name(tuple(x))}")
        children = [f"{name}_{i}" for i in range(len(x))]
        if children:
            lines.add(f"{', '.join(children)}, = {name}{'.values()' if kind is dict else ''}")
        for child, value in zip(children, x.values() if kind is dict else x, strict=True):
            self.take(child, value)

    def _array(self, name: str, x: Array) -> None:
        """On the host native code looks at handles."""
        lines, node, leaf = self._lines, x._node, self._leaf(name, x._node)
        if not self._on_gpu:
            return
        dtype, device = lines.name(node.dtype), lines.name(node.device)
        lines.missed(f"type({name}) is not Array")
        lines.add(f"n = {name}._node; a{leaf} = n.value")
        lines.missed(
            f"a{leaf} is None or n.args or n.dtype is not {dtype} or n.device is not {device} "
            f"or n.shape != {lines.name(node.shape)}"
        )


def _tree(lines: CallLines, structure: TreeDef, leaves: list[str]) -> str:
    """A container of results, of which the first leaves are taken."""
    kind = structure.type
    if kind is None:
        return leaves.pop(0)
    if kind is type(None):
        return "None"
    if kind not in _PLAIN:
        raise _Other
    children = [_tree(lines, child, leaves) for child in structure.children]
    if kind is dict:
        keys = map(lines.name, structure.static)
        return "{" + ", ".join(f"{k}: {x}" for k, x in zip(keys, children, strict=True)) + "}"
    inside = "".join(f"{x}, " for x in children)
    return f"[{inside}]" if kind is list else f"({inside})"
