"""Reductions of a row: in registers where the order changes no bit, else by `ops/_tree`.

What enters: a vector of values at a time. What leaves: the folded value of the row. It must not
know where values come from.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._base.dtypes import DType, float16, float32, kind, real_of
from ...lower.kernel import Kernel, Stage
from ...lower.order import combine
from ...ops._tree import BLOCK, GROUP, LANES
from .code import BITS, INTEGER, Code, Value
from .form import Unsupported
from .loops import least, where
from .memory import Operand, Registers, offset
from .passes import keeps_place
from .scalar import Lane, ir_type

_OPCODES = {("add", "f"): "fadd", ("mul", "f"): "fmul"}


def follows_tree(kernel: Kernel, stage: Stage) -> bool:
    """Whether the bits of a reduction depend on the order."""
    return combine(kernel, stage) in ("add", "mul") and kind(kernel.dtype(stage.args[0])) in "fc"


def fold_of(e: Any, k: int, tree: "type[TreeFold] | None" = None) -> "Fold":
    """The fold of a reduction stage; sums and products by some class of tree."""
    stage = e.plan.stage(k)
    name, dtype = combine(e.kernel, stage), e.kernel.dtype(stage.args[0])
    if follows_tree(e.kernel, stage):
        return (tree or TreeFold)(e, stage, name, dtype)
    if keeps_place(e.kernel, stage):
        return Place(e, stage, name, dtype)
    return (FloatExtremum if kind(dtype) == "f" else AnyOrder)(e, stage, name, dtype)


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

    def add(self, lane: Lane, column: Value | None = None) -> None:
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


_IDENTITIES: dict[str, Callable[[DType], Any]] = {
    "add": lambda dtype: 0,
    "mul": lambda dtype: 1,
    "max": _least,
    "or_": _least,
    "min": _greatest,
    "and_": _greatest,
}


class AnyOrder(Fold):
    """Whatever folds integers, all and any."""

    def __init__(self, e: Any, stage: Stage, name: str, dtype: DType) -> None:
        super().__init__(e, stage, name, dtype)
        self.start = [self.c.const(_IDENTITIES[name](dtype), ir_type(dtype), e.width)]

    def _join(self, x: Value, y: Value) -> Value:
        lane: Lane = self.e.native.emit(
            self.name, self.dtype, Lane(self.dtype, x), Lane(self.dtype, y)
        )
        return lane.only

    def add(self, lane: Lane, column: Value | None = None) -> None:
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
    """The greatest or least number, or some NaN, if there was one; -0 is less than 0. Numbers are
    compared as integers in the same order, NaNs beyond all of them.
    """

    def __init__(self, e: Any, stage: Stage, name: str, dtype: DType) -> None:
        super().__init__(e, stage, name, dtype)
        self._kinds = ir_type(dtype)
        self._bits = BITS[self._kinds]
        self._beyond, sign = ("sgt", 1) if name == "max" else ("slt", -1)
        self._bias = sign * ((1 << np.finfo(dtype).nmant) - 1)
        least = -sign << self._bits - 1 if sign > 0 else (1 << self._bits - 1) - 1
        self.start = [self.c.const(least, INTEGER[self._bits], e.width)]

    def _ordered(self, bits: Value) -> Value:
        """From the bits of numbers to integers in their order, and back."""
        c = self.c
        negative = c.binary("ashr", bits, self._bits - 1)
        return c.binary("xor", bits, c.binary("lshr", negative, 1))

    def _join(self, x: Value, y: Value) -> Value:
        return self.c.select(self.c.compare(self._beyond, y, x), y, x)

    def add(self, lane: Lane, column: Value | None = None) -> None:
        """Fold a vector in."""
        c = self.c
        bits = c.bits(c.splat(lane.only, self.e.width))
        at = c.binary("sub", self._ordered(bits), self._bias)
        self.registers = [self._join(self.registers[0], at)]

    def result(self) -> Lane:
        """The folded value; NaN if any was."""
        self.registers = [self._halved(self.registers[0], self._join)]
        return self.finished()

    def finished(self) -> Lane:
        """What the registers hold, element by element."""
        c = self.c
        bits = self._ordered(c.binary("add", self.registers[0], self._bias))
        return Lane(self.stage.dtype, c.convert("bitcast", bits, self._kinds))


class Place(Fold):
    """The place of the first greatest or least element, or of the first NaN: the element, and the
    number of its vector; where columns come one by one its column.
    """

    def __init__(self, e: Any, stage: Stage, name: str, dtype: DType) -> None:
        super().__init__(e, stage, name, dtype)
        c, kinds, largest = self.c, ir_type(dtype), name == "argmax"
        if kind(dtype) == "f":
            first: Any = float("-inf") if largest else float("inf")
            self._letter, self._equal = "o", "oeq"
        else:
            first = (_least if largest else _greatest)(dtype)
            self._letter, self._equal = "s" if kind(dtype) == "i" else "u", "eq"
        self._beyond = "gt" if largest else "lt"
        self._places = "i64" if e.form.across and dtype.itemsize == 8 else "i32"
        at = c.const(0 if e.ordered else (1 << 31) - 1, self._places, e.width)
        self.start = [c.const(first, kinds, e.width), at]
        if not e.form.across:
            self.start.append(c.const(0, "i32"))

    def _later(self, x: Value, y: Value) -> Value:
        """Whether a later element takes the place of another."""
        c = self.c
        if kind(self.dtype) != "f":
            return c.compare(self._letter + self._beyond, y, x)
        return c.binary("and", c.compare("u" + self._beyond, y, x), c.compare("ord", x, x))

    def _better(self, x: Value, at: Value, y: Value, place: Value) -> tuple[Value, Value]:
        """The one that counts of two elements, and its place, in whatever order they come."""
        c = self.c
        same = c.compare(self._equal, y, x)
        if kind(self.dtype) == "f":
            neither = c.binary("and", c.compare("uno", x, x), c.compare("uno", y, y))
            same = c.binary("or", same, neither)
        earlier = c.binary("and", same, c.compare("slt", place, at))
        better = c.binary("or", self._later(x, y), earlier)
        return c.select(better, y, x), c.select(better, place, at)

    def add(self, lane: Lane, column: Value | None = None) -> None:
        """Fold a vector in; of the next columns, or all of one."""
        c, (x, at, *number) = self.c, self.registers
        y = c.splat(lane.only, self.e.width)
        if column is not None:
            if self._places != "i64":
                column = c.convert("trunc", column, "i32")
            place = c.splat(column, self.e.width)
            if not self.e.ordered:
                self.registers = list(self._better(x, at, y, place))
                return
            later = self._later(x, y)
            self.registers = [c.select(later, y, x), c.select(later, place, at)]
            return
        later, place = self._later(x, y), c.splat(number[0], self.e.width)
        found = [c.select(later, y, x), c.select(later, place, at)]
        self.registers = [*found, c.binary("add", number[0], 1)]

    def result(self) -> Lane:
        """The place."""
        c, (x, at, _) = self.c, self.registers
        at = c.binary("add", c.binary("mul", at, x.width), c.numbers(x.width))
        while x.width > 1:
            half = x.width // 2
            low, high = ([self._part(v, i, half) for v in (x, at)] for i in (0, half))
            x, at = self._better(*low, *high)
        self.registers = [x, at]
        return self.finished()

    def finished(self) -> Lane:
        """What the registers hold, element by element."""
        at = self.registers[1]
        return Lane(self.stage.dtype, at if at.type == "i64" else self.c.convert("sext", at, "i64"))


class TreeFold(Fold):
    """Sums and products: a register holds the lanes of a group of columns, another those of a
    block.
    """

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

    def take_rooms(self) -> None:
        """Memory for the lanes of a block, and for the sums of blocks."""
        for _ in self.start:
            self.lanes.append(self.e.room(self.kinds, LANES))
            self.blocks.append(self.e.room(self.kinds, LANES))

    @property
    def identity(self) -> float:
        """What may be combined with anything; -0, since 0 + -0 is 0."""
        floating = kind(self.part) == "f"
        return (-0.0 if floating else 0) if self.name == "add" else 1

    def add(self, lane: Lane, column: Value | None = None) -> None:
        """Combine a vector with the lanes."""
        if self.wide is not self.dtype:
            lane = self.e.native.cast(lane, self.wide)
        pairs = zip(self.registers, lane.parts, strict=True)
        self.registers = [self.join(r, self.c.splat(v, self.e.width)) for r, v in pairs]

    def join(self, x: Value, y: Value) -> Value:
        """Two parts combined."""
        return self.c.binary(self.opcode, x, y)

    def begin(self) -> None:
        """Start a block."""
        for room, v in zip(self.lanes, self.start, strict=True):
            self.c.raw(f"store {v}, {room}")

    def end_group(self, registers: Registers) -> None:
        """Combine a group's lanes with those of the block."""
        for room, v in zip(self.lanes, registers, strict=True):
            self.c.raw(f"store {self.join(self._held(room), v)}, {room}")

    def end_block(self, number: Value) -> None:
        """Fold the lanes of a block."""
        for room, block in zip(self.lanes, self.blocks, strict=True):
            found = self._halved(self._held(room), self.join)
            self.c.raw(f"store {found}, {offset(self.c, block, number, self.part.itemsize)}")

    def end(self, blocks: Value) -> None:
        """Fold the sums of blocks, which take the place of the first."""
        for room, v in zip(self.blocks, self.start, strict=True):
            parts = self.c.first(blocks, self._held(room), v)
            self.c.raw(f"store {self._halved(parts, self.join)}, {room}")

    def _held(self, room: Value) -> Value:
        return self.c.fresh(f"load {self.start[0].full}, {room}", self.kinds, self.e.width)

    def result(self) -> Lane:
        """The folded value: of the blocks' folds."""
        self.registers = [self.c.fresh(f"load {self.kinds}, {b}", self.kinds) for b in self.blocks]
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
        for f in (*self.free, *self.trees):
            f.registers, left = left[: len(f.start)], left[len(f.start) :]

    def _work(
        self, places: list[Value], strides: list[Value | None], registers: Registers
    ) -> Registers:
        self._give(registers)
        self.body(places, strides)
        return [v for f in (*self.free, *self.trees) for v in f.registers]

    # --- blocks ----------------------------------------------------------------------------------

    def _blocked(self) -> None:
        for f in self.trees:
            f.take_rooms()
        slots = [(self.e.room(v.full, 1), v) for f in self.free for v in f.start]
        for room, v in slots:
            self.c.raw(f"store {v}, {room}")
        self.e.count_up(self.e.count, BLOCK, lambda start: self._block(start, slots))
        self._several()
        self._give([self._held(room, v) for room, v in slots])

    def _held(self, room: Value, like: Value) -> Value:
        return self.c.fresh(f"load {like.full}, {room}", like.type, like.width)

    def _several(self) -> None:
        """Fold the sums of blocks, where there is more than one."""
        c = self.c

        def end() -> None:
            blocks = c.binary("udiv", c.binary("add", self.e.count, BLOCK - 1), BLOCK)
            for f in self.trees:
                f.end(blocks)

        where(c, c.compare("sgt", self.e.count, BLOCK), end)

    def _block(self, start: Value, slots: list[tuple[Value, Value]]) -> None:
        c = self.c
        for f in self.trees:
            f.begin()
        length = least(c, c.binary("sub", self.e.count, start), BLOCK)
        self.e.count_up(length, GROUP, lambda i: self._group(start, i, length, slots))
        for f in self.trees:
            f.end_block(c.binary("udiv", start, BLOCK))

    def _group(
        self, start: Value, i: Value, length: Value, slots: list[tuple[Value, Value]]
    ) -> None:
        c, e = self.c, self.e
        count = least(c, c.binary("sub", length, i), GROUP)
        moved = [e.columns.moved(o, c.binary("add", start, i)) for o in self.operands]
        held = [self._held(room, v) for room, v in slots]
        lanes = [v for f in self.trees for v in f.start]
        after = e.columns.run(count, moved, [*held, *lanes], self._work)
        for (room, _), v in zip(slots, after, strict=False):
            c.raw(f"store {v}, {room}")
        left = after[len(slots) :]
        for f in self.trees:
            f.end_group(left[: len(f.start)])
            left = left[len(f.start) :]
