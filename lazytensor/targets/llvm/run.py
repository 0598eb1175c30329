"""Runs kernels on arrays: native functions by kernel and by how operands lie.

What enters: launches and buffers. What leaves: filled buffers. It must not know graphs.
"""

import struct
from dataclasses import replace
from typing import Any

import numpy as np

from ..._base.shapes import prod
from ...lower.kernel import Kernel, Launch
from ...ops._tree import BLOCK
from .bind import LONGEST, Array, Binding, bind
from .call import Launcher, launcher
from .emit import Form, Module, emit, room_bytes
from .machine import Machine, machine, unique
from .split import Halves, halves
from .store import Store

# Elements from which on other threads may run meanwhile.
LONG = 1 << 14


class Functions:
    """Native functions by kernel and form; compiled when they are first needed."""

    def __init__(self, store: Store | None, compiled: Any) -> None:
        self.machine: Machine = machine()
        self.store = store
        self._compiled = compiled
        self.launch: Launcher = launcher(self.machine, self.object_code)
        self._known: dict[tuple[Kernel, Form], tuple[int, Module]] = {}

    def object_code(self, text: str) -> bytes:
        """From the store, or compiled and put there."""
        key = self.machine.key(text)
        found = self.store.get(key) if self.store else None
        if found is None:
            self._compiled(text)
            found = self.machine.compile(text)
            if self.store:
                self.store.put(key, found)
        return found

    def function(self, kernel: Kernel, form: Form) -> tuple[int, Module]:
        """The address of a kernel's function for a form. Raises Unsupported."""
        known = self._known.get((kernel, form))
        if known is None:
            module = emit(kernel, form, self.machine.host)
            name = unique(self.machine.key(module.text))
            text = module.text.replace(f"@{module.name}(", f"@{name}(")
            address = self.machine.link(self.object_code(text), name)
            known = self._known[kernel, form] = (address, module)
        return known

    def words(self, kernel: Kernel, form: Form, *words: int) -> bytes:
        """What `launch` takes for a kernel without rows; `words` are the operands' strides."""
        address, _ = self.function(kernel, form)
        operands = len(form.columns)
        return struct.pack(f"{3 + operands}q", address, 1, 0, *(words * operands)[:operands])


class Bound:
    """A launch bound to how its operands lie: all but their addresses is settled."""

    __slots__ = ("binding", "room", "words")

    def __init__(self, functions: Functions, launch: Launch, binding: Binding) -> None:
        address, module = functions.function(launch.kernel, binding.form)
        self.binding = binding
        elements = binding.count * (binding.columns if binding.form.rows else 1)
        words = (address, int(elements >= LONG), *binding.words)
        self.words = struct.pack(f"{len(words)}q", *words)
        self.room = sum(room_bytes(binding.columns, dtype) for dtype in module.kept)


def run(
    functions: Functions, launch: Launch, args: list[Array], outs: list[Array], threads: int
) -> None:
    """Fill `outs`. Raises Unsupported before anything is written."""
    columns = prod(launch.axes[len(launch.axes) - launch.folded :]) if launch.folded else 0
    if columns > LONGEST:
        _run_long(functions, launch, args, outs, threads, -(-columns // BLOCK))
    else:
        _run(functions, launch, args, outs, threads, 0)


def _run_long(
    functions: Functions,
    launch: Launch,
    args: list[Array],
    outs: list[Array],
    threads: int,
    blocks: int,
) -> None:
    """Fold blocks of each row, then what they are folded to."""
    pair = launch.bound.get("halves")
    if pair is None:
        pair = launch.bound["halves"] = _halved(launch, blocks)
    parts, first, second = pair
    rows = first.axes[: len(first.axes) - first.folded]
    kernel = first.kernel
    folded = [np.empty((*rows, blocks), kernel.dtype(k)) for k in kernel.outputs[len(parts.full) :]]
    _run(functions, first, args, [*(outs[i] for i in parts.full), *folded], threads, blocks)
    rest = [o for i, o in enumerate(outs) if i not in parts.full]
    run(functions, second, [*folded, *(args[i] for i in parts.rows)], rest, threads)


def _halved(launch: Launch, blocks: int) -> tuple[Halves, Launch, Launch]:
    parts = halves(launch.kernel)
    rows = launch.axes[: len(launch.axes) - launch.folded]
    first = replace(launch, kernel=parts.first, bound={})
    second = replace(launch, kernel=parts.second, axes=(*rows, blocks), folded=1, bound={})
    return parts, first, second


def _run(
    functions: Functions,
    launch: Launch,
    args: list[Array],
    outs: list[Array],
    threads: int,
    blocks: int,
) -> None:
    key = tuple([a.strides for a in args])
    bound = launch.bound.get(key)
    if bound is None:
        bound = launch.bound[key] = Bound(functions, launch, bind(launch, args, outs, blocks))
    binding = bound.binding
    for i, shape in binding.copies:
        args[i] = np.ascontiguousarray(np.broadcast_to(args[i], shape))
    if bound.room:
        outs = [*outs, np.empty(bound.room, np.uint8)]
    functions.launch(bound.words, 0, binding.count, *args, *outs)


def source(functions: Functions, launch: Launch, args: list[Array], outs: list[Array]) -> str:
    """The text of a kernel's function. Raises Unsupported."""
    return emit(launch.kernel, bind(launch, args, outs).form, functions.machine.host).text
