"""Reductions of a row: in registers where the order changes no bit, else by `ops/_tree`.

What enters: a vector of values at a time. What leaves: the folded value of the row. It must not
know where values come from.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._base.dtypes import DType, float16, float32, kind, real_of
from ...lower.kernel import Stage
from ...ops._tree import BLOCK, LANES
from .code import Code, Value, vector
from .memory import Operand, Registers, offset
from .passes import combine
from .scalar import Lane, Unsupported, ir_type

# Rows of up to BLOCK * PARTS columns are folded in one go.
PARTS = LANES
_OPCODES = {("add", "f"): "fadd", ("mul", "f"): "fmul"}


class Helpers:
    """Functions of a module that kernels call: texts by name."""

    def __init__(self, nbytes: int) -> None:
        self.texts: dict[str, str] = {}
        self._bytes = nbytes

    def fold(self, opcode: str, kinds: str, size: int) -> str:
        """The name of `T fold(ptr values, i64 n)`, which folds in halves and overwrites."""
        name = f"fold_{opcode}_{kinds}"
        if name not in self.texts:
            self.texts[name] = _fold_text(name, opcode, kinds, size, self._bytes // size)
        return name


def _fold_text(name: str, opcode: str, kinds: str, size: int, width: int) -> str:
    """As `ops/_tree.fold`: the upper half is added to the lower until one is left; an odd middle
    stays. Vectors go beyond a half; what they spoil there is not read again, but for the middle.
    """
    c = Code()
    values = Value("%values", "ptr")
    c.jump("level")
    c.label("level")
    n = c.phi("i64", (Value("%n", "i64"), "entry"))
    c.branch(c.compare("sgt", n, 1), "split", "end")
    c.label("split")
    half = c.binary("lshr", n, 1)
    high = c.binary("sub", n, half)
    middle = offset(c, values, half, size)
    kept = c.fresh(f"load {kinds}, {middle}", kinds)
    upper = offset(c, values, high, size)
    c.jump("add")
    c.label("add")
    j = c.phi("i64", (c.const(0, "i64"), "split"))
    at = offset(c, values, j, size)
    whole = vector(kinds, width)
    x = c.fresh(f"load {whole}, {at}, align {size}", kinds, width)
    y = c.fresh(f"load {whole}, {offset(c, upper, j, size)}, align {size}", kinds, width)
    c.raw(f"store {c.binary(opcode, x, y)}, {at}, align {size}")
    after = c.binary("add", j, width)
    c.also(j, after, "add")
    c.branch(c.compare("slt", after, half), "add", "done")
    c.label("done")
    c.raw(f"store {kept}, {middle}")
    c.also(n, high, "done")
    c.jump("level")
    c.label("end")
    c.raw(f"ret {c.fresh(f'load {kinds}, {values}', kinds)}")
    head = f"define internal {kinds} @{name}(ptr %values, i64 %n) nounwind {{\nentry:"
    return "\n".join([head, *c.lines, "}"])


def fold_of(e: Any, k: int, tree: "type[TreeFold] | None" = None) -> "Fold":
    """The fold of a reduction stage; sums and products by some class of tree."""
    stage = e.plan.stage(k)
    name, dtype = combine(e.kernel, stage), e.kernel.dtype(stage.args[0])
    if name in ("add", "mul"):
        return (tree or TreeFold)(e, stage, name, dtype)
    return (
        FloatExtremum(e, stage, name, dtype)
        if kind(dtype) == "f"
        else AnyOrder(e, stage, name, dtype)
    )


class Fold:
    """`start` are the registers that it begins with; `add` takes a vector; `result` is the fold of
    all of them.
    """

    def __init__(self, e: Any, stage: Stage, name: str, dtype: DType) -> None:
        self.e = e
        self.c: Code = e.c
        self.stage = stage
        self.name = name
        self.dtype = dtype
        self.start: Registers = []
        self.registers: Registers = []

    def add(self, lane: Lane) -> None:
        """Fold a vector in."""
        raise NotImplementedError

    def result(self) -> Lane:
        """The folded value, after the loop."""
        raise NotImplementedError

    def finished(self) -> Lane:
        """What the registers hold, element by element."""
        raise NotImplementedError

    def _halved(self, x: Value, join: Callable[[Value, Value], Value]) -> Value:
        """The elements of a vector, joined."""
        while x.width > 1:
            half = x.width // 2
            x = join(*(self._part(x, first, half) for first in (0, half)))
        return x

    def _part(self, x: Value, first: int, count: int) -> Value:
        if count == 1:
            return self.c.result(f"extractelement {x}, i64 {first}", x.type)
        places = ", ".join(f"i32 {first + i}" for i in range(count))
        rhs = f"shufflevector {x}, {x.full} poison, <{count} x i32> <{places}>"
        return self.c.result(rhs, x.type, count)


def _least(dtype: DType) -> Any:
    return False if kind(dtype) == "b" else np.iinfo(dtype).min


def _greatest(dtype: DType) -> Any:
    return True if kind(dtype) == "b" else np.iinfo(dtype).max


class AnyOrder(Fold):
    """Extrema of integers, all and any."""

    def __init__(self, e: Any, stage: Stage, name: str, dtype: DType) -> None:
        super().__init__(e, stage, name, dtype)
        identity = _least(dtype) if name in ("max", "or_") else _greatest(dtype)
        self.start = [self.c.const(identity, ir_type(dtype), e.width)]

    def _join(self, x: Value, y: Value) -> Value:
        lane: Lane = self.e.native.emit(
            self.name, self.dtype, Lane(self.dtype, x), Lane(self.dtype, y)
        )
        return lane.only

    def add(self, lane: Lane) -> None:
        """Fold a vector in."""
        self.registers = [self._join(self.registers[0], self.c.splat(lane.only, self.e.width))]

    def result(self) -> Lane:
        """The folded value."""
        self.registers = [self._halved(self.registers[0], self._join)]
        return self.finished()

    def finished(self) -> Lane:
        """What the registers hold, element by element."""
        return Lane(self.stage.dtype, self.registers[0])


class FloatExtremum(Fold):
    """The greatest or least number, and beside it some NaN, if there was one."""

    def __init__(self, e: Any, stage: Stage, name: str, dtype: DType) -> None:
        super().__init__(e, stage, name, dtype)
        self._kinds = ir_type(dtype)
        infinite = float("-inf") if name == "max" else float("inf")
        self.start = [self.c.const(v, self._kinds, e.width) for v in (infinite, 0.0)]
        self._beyond = "ogt" if name == "max" else "olt"

    def _number(self, x: Value, y: Value) -> Value:
        """y where it is beyond x."""
        return self.c.select(self.c.compare(self._beyond, y, x), y, x)

    def _nan(self, x: Value, y: Value) -> Value:
        """y where it is NaN, else x."""
        return self.c.select(self.c.compare("uno", y, y), y, x)

    def add(self, lane: Lane) -> None:
        """Fold a vector in."""
        number, nan = self.registers
        value = self.c.splat(lane.only, self.e.width)
        self.registers = [self._number(number, value), self._nan(nan, value)]

    def result(self) -> Lane:
        """The folded value; NaN if any was."""
        number = self._halved(self.registers[0], self._number)
        self.registers = [number, self._halved(self.registers[1], self._nan)]
        return self.finished()

    def finished(self) -> Lane:
        """What the registers hold, element by element."""
        return Lane(self.stage.dtype, self._nan(*self.registers))


class TreeFold(Fold):
    """Sums and products: lanes on the stack, folded in halves block by block."""

    def __init__(self, e: Any, stage: Stage, name: str, dtype: DType) -> None:
        super().__init__(e, stage, name, dtype)
        if kind(dtype) == "c" and name == "mul":
            raise Unsupported("products of complex numbers along a row")
        self.wide = float32 if dtype is float16 else dtype
        self.part = real_of(self.wide)
        self.kinds = ir_type(self.wide)
        self.opcode = _OPCODES.get((name, kind(self.part)), name)
        count = 2 if kind(dtype) == "c" else 1
        self.start = [self.c.const(self.identity, self.kinds, e.width)] * count
        self.lanes: list[Value] = []
        self.blocks: list[Value] = []
        self.places: list[Value] = []

    def take_rooms(self) -> None:
        """Memory for the lanes of a block, and for the folds of blocks."""
        for _ in self.start:
            self.lanes.append(self.e.room(self.kinds, LANES + 2 * self.e.width))
            self.blocks.append(self.e.room(self.kinds, PARTS + 2 * self.e.width))

    @property
    def operands(self) -> list[Operand]:
        """The lanes, as what a loop goes along."""
        return [Operand(self.part, base, written=True) for base in self.lanes]

    @property
    def identity(self) -> float:
        """What may be combined with anything; -0, since 0 + -0 is 0."""
        floating = kind(self.part) == "f"
        return (-0.0 if floating else 0) if self.name == "add" else 1

    def add(self, lane: Lane) -> None:
        """Fold a vector into its lanes."""
        c, size = self.c, self.part.itemsize
        if self.wide is not self.dtype:
            lane = self.e.native.cast(lane, self.wide)
        for value, at in zip(lane.parts, self.places, strict=True):
            whole = c.splat(value, self.e.width)
            old = c.fresh(f"load {whole.full}, {at}, align {size}", whole.type, whole.width)
            c.raw(f"store {c.binary(self.opcode, old, whole)}, {at}, align {size}")

    def fold(self, rooms: Sequence[Value], count: Value) -> list[Value]:
        """The fold of `count` numbers in each room."""
        name = self.e.helpers.fold(self.opcode, self.kinds, self.part.itemsize)
        call = f"call {self.kinds} @{name}({{}}, {count})"
        return [self.c.fresh(call.format(room), self.kinds) for room in rooms]

    def result(self) -> Lane:
        """The folded value: of the blocks' folds."""
        return self.finished()

    def finished(self) -> Lane:
        """What the registers hold, element by element."""
        parts = self.registers
        if self.name == "add" and kind(self.part) == "f":
            parts = [self.c.fadd(v, 0.0) for v in parts]
        lane = Lane(self.wide, *parts)
        return lane if self.wide is self.dtype else self.e.native.cast(lane, self.dtype)


Body = Callable[[list[Value], list[Value | None]], None]


class Loop:
    """The columns of a pass: in one go, or in blocks where a fold needs its tree."""

    def __init__(self, e: Any, operands: list[Operand], folds: Sequence[Fold], body: Body) -> None:
        self.e = e
        self.c: Code = e.c
        self.operands = operands
        self.free = [f for f in folds if not isinstance(f, TreeFold)]
        self.trees = [f for f in folds if isinstance(f, TreeFold)]
        for f in self.trees:
            f.take_rooms()
        self.body = body

    def run(self) -> None:
        """Write the loop; folds have their last registers after it."""
        if self.trees:
            self._blocked()
        else:
            start = [v for f in self.free for v in f.start]
            self._give(self.e.columns.run(self.e.count, self.operands, start, self._work))

    def _give(self, registers: Registers) -> None:
        left = list(registers)
        for f in self.free:
            f.registers, left = left[: len(f.start)], left[len(f.start) :]

    def _work(
        self, places: list[Value], strides: list[Value | None], registers: Registers
    ) -> Registers:
        self._give(registers)
        own = len(self.operands)
        rest = places[own:]
        for f in self.trees:
            f.places, rest = rest[: len(f.lanes)], rest[len(f.lanes) :]
        self.body(places[:own], strides[:own])
        return [v for f in self.free for v in f.registers]

    # --- blocks ----------------------------------------------------------------------------------

    def _least(self, x: Value, y: int) -> Value:
        return self.c.select(self.c.compare("slt", x, y), x, self.c.const(y, "i64"))

    def _blocked(self) -> None:
        slots = [(self.e.room(v.full, 1), v) for f in self.free for v in f.start]
        for room, v in slots:
            self.c.raw(f"store {v}, {room}")
        if self.e.form.block:
            lanes = self._lanes(self.c.const(0, "i64"), self.e.count, slots)
            for f in self.trees:
                f.registers = f.fold(f.lanes, lanes)
        else:
            self.e.count_up(self.e.count, BLOCK, lambda i: self._block(i, slots))
            blocks = self.c.binary("lshr", self.c.binary("add", self.e.count, BLOCK - 1), 12)
            for f in self.trees:
                f.registers = f.fold(f.blocks, blocks)
        self._give([self._held(room, v) for room, v in slots])

    def _held(self, room: Value, like: Value) -> Value:
        return self.c.fresh(f"load {like.full}, {room}", like.type, like.width)

    def _block(self, start: Value, slots: list[tuple[Value, Value]]) -> None:
        c = self.c
        length = self._least(c.binary("sub", self.e.count, start), BLOCK)
        lanes = self._lanes(start, length, slots)
        block = c.binary("lshr", start, 12)
        for f in self.trees:
            for value, room in zip(f.fold(f.lanes, lanes), f.blocks, strict=True):
                c.raw(f"store {value}, {offset(c, room, block, f.part.itemsize)}")

    def _lanes(self, start: Value, length: Value, slots: list[tuple[Value, Value]]) -> Value:
        """Fold a block into its lanes; how many there are."""
        lanes = self._least(length, LANES)
        self.e.count_up(lanes, self.e.width, self._clear)
        self.e.count_up(length, LANES, lambda r: self._round(start, r, length, slots))
        return lanes

    def _clear(self, i: Value) -> None:
        for f in self.trees:
            full, size = self.c.const(f.identity, f.kinds, self.e.width), f.part.itemsize
            for room in f.lanes:
                self.c.raw(f"store {full}, {offset(self.c, room, i, size)}, align {size}")

    def _round(
        self, start: Value, r: Value, length: Value, slots: list[tuple[Value, Value]]
    ) -> None:
        c, e = self.c, self.e
        count = self._least(c.binary("sub", length, r), LANES)
        first = c.binary("add", start, r)
        moved = [e.columns.moved(o, first) for o in self.operands]
        moved += [o for f in self.trees for o in f.operands]
        held = [self._held(room, v) for room, v in slots]
        after = e.columns.run(count, moved, held, self._work)
        for (room, _), v in zip(slots, after, strict=True):
            c.raw(f"store {v}, {room}")
