"""Runs kernels on arrays: native functions by kernel and by how operands lie.

What enters: launches and buffers. What leaves: filled buffers. It must not know graphs.
"""

import struct
from dataclasses import replace
from typing import Any

import numpy as np

from ...lower.kernel import Kernel, Launch
from ...ops._tree import BLOCK
from .across import schedule
from .bind import LONGEST, Array, Binding, bind, laid_out
from .call import Launcher, head, launcher
from .emit import emit
from .emitter import Form, Module, room_bytes, vector_width
from .machine import Machine, machine, unique
from .split import halves
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
        operands = len(form.lie)
        fields = (*head(address, True), 0, *(words * operands)[:operands])
        return struct.pack(f"{len(fields)}q", *fields)


class Bound:
    """A launch bound to how its operands lie: all but their addresses is settled."""

    __slots__ = ("binding", "room", "tables", "words")

    def __init__(self, functions: Functions, launch: Launch, binding: Binding) -> None:
        address, module = functions.function(launch.kernel, binding.form)
        self.binding = binding
        elements = binding.count * (binding.columns if binding.form.rows else 1)
        words = (*head(address, elements >= LONG), *binding.words)
        self.words = struct.pack(f"{len(words)}q", *words)
        self.room = sum(room_bytes(binding.kept, dtype) for dtype in module.kept)
        self.tables = [schedule(binding.table)] if binding.table else []


def run(
    functions: Functions, launch: Launch, args: list[Array], outs: list[Array], threads: int
) -> None:
    """Fill `outs`. Raises Unsupported before anything is written."""
    bound = launch.bound.get(tuple([a.strides for a in args]))
    if bound is None:
        bound = _bound(functions, launch, args, outs)
    if isinstance(bound, _Long):
        _run_long(functions, bound, args, outs, threads)
    else:
        _call(functions, launch, bound, args, outs)


def _bound(
    functions: Functions, launch: Launch, args: list[Array], outs: list[Array]
) -> "Bound | _Long":
    """How to run a launch on operands that lie like these, remembered."""
    width = vector_width(launch.kernel, functions.machine.host)
    binding = bind(launch, args, outs, width)
    bound: Bound | _Long
    if launch.folded and not binding.form.across and binding.columns > LONGEST:
        bound = _Long(launch, -(-binding.columns // BLOCK))
    else:
        bound = Bound(functions, launch, binding)
    launch.bound[tuple([a.strides for a in args])] = bound
    return bound


def _call(
    functions: Functions, launch: Launch, bound: Bound, args: list[Array], outs: list[Array]
) -> None:
    for i in bound.binding.copies:
        args[i] = laid_out(launch, args[i])
    rest = [np.empty(bound.room, np.uint8)] if bound.room else []
    count = bound.binding.count
    if functions.launch(bound.words, 0, count, *args, *outs, *rest, *bound.tables):
        args = [np.asarray(a) for a in args]
        functions.launch(bound.words, 0, count, *args, *outs, *rest, *bound.tables)


class _Long:
    """A launch over rows that are folded block by block, and what follows of the blocks."""

    def __init__(self, launch: Launch, blocks: int) -> None:
        self.parts = parts = halves(launch.kernel)
        self.rows = launch.axes[: len(launch.axes) - launch.folded]
        self.blocks = blocks
        self.first = replace(launch, kernel=parts.first, bound={})
        space = (*self.rows, blocks)
        reduced = (len(self.rows),)
        self.second = replace(launch, kernel=parts.second, axes=space, reduced=reduced, bound={})


def _run_long(
    functions: Functions, long: _Long, args: list[Array], outs: list[Array], threads: int
) -> None:
    """Fold blocks of each row, then what they are folded to."""
    first, parts = long.first, long.parts
    dtypes = [first.kernel.dtype(k) for k in first.kernel.outputs[len(parts.full) :]]
    folded = [np.empty((*long.rows, long.blocks), dtype) for dtype in dtypes]
    made = [*(outs[i] for i in parts.full), *folded]
    key = tuple([a.strides for a in args])
    bound = first.bound.get(key)
    if bound is None:
        width = vector_width(first.kernel, functions.machine.host)
        binding = bind(first, args, made, width, long.blocks)
        bound = first.bound[key] = Bound(functions, first, binding)
    _call(functions, first, bound, list(args), made)
    rest = [o for i, o in enumerate(outs) if i not in parts.full]
    run(functions, long.second, [*folded, *(args[i] for i in parts.rows)], rest, threads)
