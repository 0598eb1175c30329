"""What a compiled function keeps for one kind of arguments: a program, and what is made of results.

What enters: a function and a call taken apart. What leaves: an Entry, made by one run on arguments
that stand for those of the call; then results of calls. It must not know how entries are found.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._base.devices import Device
from .._base.devices import device as device_of
from .._base.dtypes import DType, canonical
from .._base.pytree import TreeDef, flatten, unflatten
from ..array_api import _views as views
from ..array_api._rules import cut, gone
from ..array_api.array import Array
from ..ir.node import TRACING, Node, Weak, describe_line, known, leaf, user_line
from ..runtime.gpus import at_hand
from ..runtime.jit import ACTIVE, Description, Program, Source, Trace, compiled
from ..runtime.pending import new_bytes
from ._arguments import NUMBERS, Statics, leaves
from ._guards import Guards, guards
from ._weak import node_of
from .random import Generator

ticks = itertools.count()
# Calls of an entry from which on such calls are written out, which costs as much as a hundred.
OFTEN = 16
# Results of fewer bytes are not counted towards the next look at what is pending.
FEW = 4096


class Call(NamedTuple):
    """A call taken apart: all arguments, those that aren't static, and what their leaves are.

    `bound` is whether the first argument is the object of a method.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    bound: bool
    rest: Sequence[Any]
    named: dict[str, Any]
    buffers: list[Any]
    handles: list[Any]


# How an output comes about: of the program, as a fresh array over an argument's buffer, as the
# argument itself, as a fresh array over a constant's, as what it was when traced, as a number.
PROGRAM, BUFFER, ITSELF, CONSTANT, STATIC, NUMBER = range(6)


class Output(NamedTuple):
    """How one output comes about, and of what."""

    how: int
    number: int = 0
    dtype: Any = None
    device: Any = None
    thing: Any = None


class Results(NamedTuple):
    """What a function gave: different objects, their places in a tree, arguments written to."""

    structure: TreeDef
    outputs: list[Output]
    order: list[int]
    writes: list[tuple[int, int]]

    def single(self) -> bool:
        """Whether it is one array of the program, and nothing else happens."""
        return self.structure.type is None and not self.writes and not self.outputs[0].how

    def plain(self) -> list[tuple[int, DType, Device]] | None:
        """Numbers and types of the outputs, where all are arrays of the program."""
        if any(o.how != PROGRAM for o in self.outputs):
            return None
        return [(o.number, o.dtype, o.device) for o in self.outputs]


def array_of(value: Any, dtype: DType, device: Device) -> Array:
    """An array over a buffer that nobody writes to."""
    return Array(known(value, dtype, device))


class Entry:
    """A program for one kind of arguments, as long as its guards hold."""

    __slots__ = (
        "__weakref__", "_gone", "_plain", "_single", "alive", "description", "donated", "guards",
        "hits", "named", "nbytes", "often", "program", "results", "streams", "tally", "used",
        "written",
    )  # fmt: skip

    def __init__(self, program: Program, results: Results, streams: list[Any], nbytes: int) -> None:
        self.program = program
        self.streams = streams
        self.used = next(ticks)
        self.hits = 0
        self.often = OFTEN
        self.tally = np.zeros(1, np.int64)  # calls that went the written way
        self.written: Callable[..., Any] | None = None
        self.named: tuple[str, ...] = ()  # names of the last of its arguments
        self.guards = Guards()
        self.description: Description = {}
        self.alive: Callable[[], Any] | None = None
        self.donated: frozenset[int] = frozenset()
        self.results = results
        self.nbytes = nbytes if nbytes >= FEW else 0
        self._single = results.outputs[0] if results.single() else None
        self._plain = results.plain()
        self._gone: tuple[Any, list[tuple[int, Node]]] = None, []

    def donate(self, numbers: Sequence[int]) -> None:
        """Give these arguments away, unless they are results, or written to."""
        kept = {o.number for o in self.results.outputs if o.how in (ITSELF, BUFFER)}
        self.donated = frozenset(numbers) - kept - {i for i, _ in self.results.writes}
        self.program.donate(self.donated)

    def run(self, buffers: list[Any], handles: list[Any]) -> Any:
        """The result of a call. Raises what computing it raises."""
        streams = self.streams
        if streams:
            streams = [handles[s] if type(s) is int else s for s in streams]
        env = self.program.fill(buffers, streams)
        if self.donated:
            self.give_away(buffers, handles)
            found = self.program.run(env, None)
        else:
            found = self.program.run(env, env.copy())
        if self.nbytes:
            new_bytes(self.nbytes)
        if self._single is not None:
            return Array(known(found[0], self._single.dtype, self._single.device))
        return self._result(found, buffers, handles)

    def _result(self, found: list[Any], buffers: list[Any], handles: list[Any]) -> Any:
        results = self.results
        for i, number in results.writes:
            _write(handles[i], found[number])
        if self._plain is not None:
            made = [Array(known(found[i], dtype, device)) for i, dtype, device in self._plain]
        else:
            made = [_made(o, found, buffers, handles) for o in results.outputs]
        return unflatten(results.structure, [made[i] for i in results.order])

    def give_away(self, buffers: list[Any], handles: list[Any]) -> None:
        """Leave no other reference to the buffers of donated arrays than the plan's, so that the
        pool takes them back when they were read last.
        """
        where = user_line()
        before, nodes = self._gone
        if where != before:
            text = (
                f"this array was donated to `{self.program.name}` at {describe_line(where)}: "
                "its memory may hold something else by now; go on with the result, or donate "
                "nothing"
            )
            nodes = [(i, gone(handles[i]._node, text)) for i in self.donated]
            self._gone = where, nodes
        for i, node in nodes:
            buffers[i] = None
            handles[i]._node = node


def _made(o: Output, found: list[Any], buffers: list[Any], handles: list[Any]) -> Any:
    """One output of a call."""
    if o.how == PROGRAM:
        return array_of(found[o.number], o.dtype, o.device)
    if o.how == ITSELF:
        return handles[o.number]
    if o.how == STATIC:
        return o.thing
    if o.how == NUMBER:
        return at_hand(found[o.number]).item()
    if o.how == BUFFER:
        return Array(leaf(buffers[o.number], o.device))
    return array_of(o.thing, o.dtype, o.device)


def _write(x: Any, value: Any) -> None:
    """What the function wrote into an argument is written into that of the call."""
    if type(x) is Array:
        views.written(x, known(value, x._node.dtype, x._node.device))
    else:
        x[...] = at_hand(value)


# --- tracing --------------------------------------------------------------------------------------


class Tracer:
    """Runs a function once, on arguments that stand for those of a call."""

    def __init__(self, function: Callable[..., Any], statics: Statics, call: Call, name: str):
        self._function = function
        self._statics = statics
        self._call = call
        self._trace = Trace(name)
        self._stand_ins: list[Any] = []
        self._numbers: dict[Node, int] = {}

    def entry(self, description: Description) -> Entry:
        """The entry. Raises what the function raises, NoValue where it needs a value."""
        args, kwargs = self._arguments()
        try:
            entry = self._traced(args, kwargs)
        finally:
            self._trace.close()
        owner = self._call.args[0] if self._call.bound else None
        entry.guards = guards(self._function, owner)
        entry.description = description
        return entry

    def _traced(self, args: list[Any], kwargs: dict[str, Any]) -> Entry:
        TRACING.depth += 1
        ACTIVE.trace = self._trace
        try:
            results = self._results(self._function(*args, **kwargs))
            program = compiled(self._trace, list(self._numbers))
        finally:
            ACTIVE.trace = None
            TRACING.depth -= 1
        streams = [self._stream(s) for s in self._trace.streams]
        nbytes = sum(n.size * n.dtype.itemsize for n in self._numbers)
        return Entry(program, results, streams, nbytes)

    def _stream(self, stream: Any) -> Any:
        """A stream; one that is an argument by its number."""
        return next((i for i, h in enumerate(self._call.handles) if h is stream), stream)

    # --- arguments --------------------------------------------------------------------------------

    def _arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """The arguments, with stand-ins for leaves that aren't static."""
        call = self._call
        structure = flatten((list(call.rest), call.named))[1]
        given = zip(call.handles, call.buffers, self._paths(), strict=True)
        self._stand_ins = [self._stand_in(i, *leaf) for i, leaf in enumerate(given)]
        rest, named = unflatten(structure, self._stand_ins)
        return self._statics.joined(call.args, call.kwargs, call.bound, rest, named)

    def _paths(self) -> list[str]:
        """Where each leaf stands."""
        call, out = self._call, []
        for i in self._statics.places(len(call.args), call.bound):
            out += [path for path, _ in leaves(call.args[i : i + 1], {}, i)]
        return out + [path for path, _ in leaves((), call.named)]

    def _stand_in(self, number: int, handle: Any, buffer: Any, path: str) -> Any:
        if isinstance(handle, Generator):
            return handle
        if type(buffer) in NUMBERS:
            return self._trace.number(number, type(buffer), path)
        dtype = canonical(buffer.dtype)
        device = handle._node.device if type(handle) is Array else device_of(None)
        return Array(self._trace.array(number, buffer.shape, dtype, device, path))

    # --- results ----------------------------------------------------------------------------------

    def _results(self, result: Any) -> Results:
        found, structure = flatten(result)
        different = {id(x): x for x in found}
        places = {key: place for place, key in enumerate(different)}
        own = {id(x): i for i, x in enumerate(self._stand_ins)}
        outputs = [self._output(x, own.get(key)) for key, x in different.items()]
        return Results(structure, outputs, [places[id(x)] for x in found], self._writes())

    def _number(self, node: Node) -> int:
        """The place of a node among those that the program computes."""
        return self._numbers.setdefault(node, len(self._numbers))

    def _written(self, i: int) -> bool:
        """Whether the function has made an argument mean something else."""
        x = self._stand_ins[i]
        return type(x) is Array and self._trace.sources.get(x._node) != Source("array", i)

    def _writes(self) -> list[tuple[int, int]]:
        """Arguments that were written to, and what is in them afterwards."""
        return [
            (i, self._number(self._stand_ins[i]._node))
            for i, handle in enumerate(self._call.handles)
            if self._written(i) and not isinstance(handle, np.generic)
        ]

    def _output(self, x: Any, argument: int | None) -> Output:
        """How an object of the result comes about; `argument` is the number of that it is."""
        if argument is not None and not (
            self._written(argument) and isinstance(self._call.handles[argument], np.generic)
        ):
            return Output(ITSELF, argument)
        if type(x) is Weak:
            return Output(NUMBER, self._number(node_of(x)))
        if type(x) is not Array:
            return Output(STATIC, thing=x)
        node = cut(x)
        if node.value is not None:
            return Output(CONSTANT, 0, node.dtype, node.device, node.value)
        source = self._trace.sources.get(node)
        if source is not None and source.what == "array":
            return Output(BUFFER, source.number, node.dtype, node.device)
        return Output(PROGRAM, self._number(node), node.dtype, node.device)
