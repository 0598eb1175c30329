"""Calls of a compiled function written out: what arguments have to be, kernels, results.

What enters: an Entry that was found some times, and the call that found it. What leaves: a function
of the entry, its owner and the arguments, which gives MISSED for any others, and where anything
else isn't as it was. It must not know how entries are found, nor how kernels run.
"""

from collections.abc import Callable
from typing import Any

from .._base import config
from .._base.pytree import TreeDef
from ..array_api.array import Array
from ..ir.node import TRACING, known
from ..runtime.observe import OBSERVERS, TIMERS
from ..runtime.pending import new_bytes
from ..runtime.written import CallLines, captured_lines, plan_lines
from ._arguments import NUMBERS

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
    lines = CallLines()
    lines.names.update(TRACING=TRACING, OBSERVERS=OBSERVERS, TIMERS=TIMERS, Array=Array,
                       known=known, several=config.several, new_bytes=new_bytes)  # fmt: skip
    try:
        _outside(lines, entry)
        arguments = _Arguments(lines)
        arguments.take("args", tuple(args))
        on_gpu = entry.program.plan.captured is not None
        if not (_on_gpu(lines, entry, arguments) if on_gpu else _here(lines, entry)):
            return None
        _results(lines, entry)
    except _Other:
        return None
    caught = "OverflowError" if on_gpu else "(MemoryError, OverflowError)"
    return lines.caught("entry, owner, args", caught)


def _here(lines: CallLines, entry: Any) -> bool:
    return not entry.donated and plan_lines(lines, entry.program)


def _on_gpu(lines: CallLines, entry: Any, arguments: "_Arguments") -> bool:
    """The run of a program for a GPU, which has the only references to what is donated."""
    given = []
    if entry.donated:
        handles = arguments.handles
        buffers = "".join(f"a{i} = " for i in range(len(handles)))
        given.append(f"entry.give_away([None] * {len(handles)}, [{', '.join(handles)}])")
        given.append(f"{buffers}n = None")
    return captured_lines(lines, entry.program, given, bool(entry.donated))


def _outside(lines: CallLines, entry: Any) -> None:
    """What has to be as it was outside the arguments."""
    settings, now = lines.name(_SETTINGS), lines.name(config.several(_SETTINGS))
    lines.missed(f"TRACING.depth or several({settings}) != {now} or OBSERVERS or TIMERS")
    guards = entry.guards
    if guards.names or guards.cells or guards.arrays:
        lines.missed("not entry.guards.hold()")


class _Arguments:
    """Takes arguments apart, as `_arguments.gather` does, and numbers the leaves."""

    def __init__(self, lines: CallLines) -> None:
        self._lines = lines
        self._all = 0
        self.handles: list[str] = []

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
            self._lines.add(f"a{self._leaf(name)} = {name}")
        else:
            raise _Other

    def _leaf(self, name: str) -> int:
        self.handles.append(name)
        return len(self.handles) - 1

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
        lines, node, leaf = self._lines, x._node, self._leaf(name)
        dtype, device = lines.name(node.dtype), lines.name(node.device)
        lines.missed(f"type({name}) is not Array")
        lines.add(f"n = {name}._node; a{leaf} = n.value")
        lines.missed(
            f"a{leaf} is None or n.args or n.dtype is not {dtype} or n.device is not {device} "
            f"or n.shape != {lines.name(node.shape)}"
        )


def _results(lines: CallLines, entry: Any) -> None:
    """Notes of the call, and what it gives."""
    results, outputs = entry.results, entry.program.plan.outputs
    plain = results.plain()
    if plain is None or results.writes or len(plain) > MOST:
        raise _Other
    lines.add("owner.hit(entry)")
    if entry.nbytes:
        lines.add(f"new_bytes({entry.nbytes})")
    for i, (number, dtype, device) in enumerate(plain):
        types = f"{lines.name(dtype)}, {lines.name(device)}"
        lines.add(f"r{i} = Array(known(v{outputs[number]}, {types}))")
    leaves = [f"r{i}" for i in results.order]
    lines.add(f"return {_tree(lines, results.structure, leaves)}")


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
