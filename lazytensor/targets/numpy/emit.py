"""From a kernel to Python text over ufuncs: `def kernel(x0, …, y0, …, t0, …)`, one statement an
instruction.

The text computes one block; `run` cuts arrays into blocks. What enters: a Kernel. What leaves: the
text, the objects it names, and which scratch arrays it wants. It must not know sizes.
"""

from typing import Any

import numpy as np

from ..._base.dtypes import DType, kind, uint32
from ..._base.record import Record
from ...ir.scalar import Interpreter
from ...lower.kernel import FULL, ROW, Kernel
from ...ops._eager import FUNCTIONS, SPECIAL
from .select import select

Level = str


class Value(Record):
    """A value of the block: its register's name when it has one."""

    dtype: DType
    level: Level
    name: str = ""
    reads: int = 0


class Instruction(Record):
    """`out` = `name`(args); `code` is the row's column for those that are no ufunc."""

    name: str
    out: Value
    args: tuple[Value, ...]
    code: Any = None


class Source(Record):
    """What a kernel compiles from. Equal text and names make equal functions, so `key` identifies
    it. `over` has pairs of an input and an output that may have the same memory.
    """

    text: str
    names: dict[str, Any]
    scratch: tuple[tuple[DType, Level], ...]
    key: Any = None
    over: frozenset[tuple[int, int]] = frozenset()


class _Tracer(Interpreter):
    """Runs scalar bodies on values of the block, noting the instructions."""

    def __init__(self, module: Any) -> None:
        self.instructions: list[Instruction] = []
        self.constants: dict[Any, Value] = {}
        self.names: dict[str, Any] = {"copyto": np.copyto, "np": module}

    def emit(self, name: str, dtype: DType, *operands: Any) -> Value:
        """Note one instruction."""
        level = FULL if any(v.level == FULL for v in operands) else ROW
        return self.note(name, Value(dtype, level), operands)

    def note(self, name: str, out: Value, operands: Any, code: Any = None) -> Value:
        """Append an instruction."""
        for v in operands:
            v.reads += 1
        self.instructions.append(Instruction(name, out, tuple(operands), code))
        return out

    def const(self, value: Any, dtype: DType) -> Value:
        """A 0-d array, named once."""
        key = (repr(value), dtype)
        if key not in self.constants:
            name = f"c{len(self.constants)}"
            self.names[name] = np.asarray(value).astype(dtype)
            self.constants[key] = Value(dtype, ROW, name)
        return self.constants[key]

    def cast(self, value: Any, dtype: DType) -> Value:
        """Note a conversion."""
        return self.note("cast", Value(dtype, value.level), (value,))


def emit(kernel: Kernel, module: Any = np) -> Source:
    """The text of a kernel, over the functions of a NumPy-like module."""
    tracer = _Tracer(module)
    values = [Value(x.dtype, x.level, f"x{i}", 1) for i, x in enumerate(kernel.inputs)]
    values += [tracer.const(c.value, c.dtype) for c in kernel.constants]
    for stage in kernel.stages:
        args = [values[i] for i in stage.args]
        values.append(_stage(tracer, stage, args, kernel))
    return _Writer(tracer, kernel, values).source()


def _stage(tracer: _Tracer, stage: Any, args: list[Value], kernel: Kernel) -> Value:
    if stage.reduces:
        return tracer.note("reduce", Value(stage.dtype, ROW), args, stage.op.value)
    if stage.op.kind == "movement":
        return args[0]
    out: Value = stage.op.body(tracer, *args, *stage.params)
    if (out.name and out.name[0] in "xc") or any(out is a for a in args):
        out = tracer.cast(out, out.dtype)
    if out.level != stage.level and kernel.reduced:
        out = tracer.note("cast", Value(out.dtype, stage.level), (out,))
    return out


def _overlaps(instruction: Instruction) -> bool:
    """Whether the result must not be written over an argument that is read for the last time."""
    return instruction.name in ("cast", "complex", "real", "imag", "reduce") or bool(
        instruction.code
    )


class _Writer:
    """Gives registers to values and writes the statements.

    A value's register is its output array, or an output array whose own value comes after the last
    read of this one, or a scratch array. Fewer arrays leave more of the cache to each.
    """

    def __init__(self, tracer: _Tracer, kernel: Kernel, values: list[Value]) -> None:
        self.tracer = tracer
        self.kernel = kernel
        self.inputs = len(kernel.inputs)
        self.free: dict[tuple[DType, Level], list[str]] = {}
        self.scratch: list[tuple[DType, Level]] = []
        self.lines: list[str] = []
        self.copies: list[str] = []
        self.home: dict[int, str] = {}
        self.born: dict[str, int] = {}
        self.last: dict[int, int] = {}
        self.read: dict[str, int] = {}
        self.written: dict[str, int] = {}
        for i, number in enumerate(kernel.outputs):
            self._claim_output(values[number], f"y{i}")

    def _claim_output(self, value: Value, name: str) -> None:
        """An output's value is computed straight into its array; a second output of one value is a
        copy.
        """
        value.reads += 1
        if id(value) in self.home or value.name:
            self.copies.append(f"copyto({name}, {value.name or self.home[id(value)]})")
        else:
            self.home[id(value)] = name

    def source(self) -> Source:
        """The whole function."""
        self._lifetimes()
        for instruction in self.tracer.instructions:
            if instruction.out.reads:
                self._write(instruction)
        args = [f"x{i}" for i in range(self.inputs)]
        args += [f"y{i}" for i in range(len(self.kernel.outputs))]
        args += [f"t{i}" for i in range(len(self.scratch))]
        body = "\n".join(f"    {line}" for line in self.lines + self.copies) or "    pass"
        text = f"def kernel({', '.join(args)}):\n{body}\n"
        scratch = tuple(self.scratch)
        consts = tuple((repr(v), k[1]) for k, v in self.tracer.constants.items())
        # the text says `reduce(…)` for every reduction, and no dtypes: columns and scratch belong
        # to the key
        named = tuple((n, v) for n, v in self.tracer.names.items() if not isinstance(v, np.ndarray))
        key = (text, named, scratch, consts, tuple(self.tracer.constants))
        return Source(text, self.tracer.names, scratch, key, self._over())

    def _over(self) -> frozenset[tuple[int, int]]:
        """An output may have the memory of an input whose last read comes before the first write
        to the output, as its own value or as a register.
        """
        end = len(self.lines)  # where outputs are copied
        return frozenset(
            (i, j)
            for i in range(self.inputs)
            for j in range(len(self.kernel.outputs))
            if self.read.get(f"x{i}", -1) < self.written.get(f"y{j}", end)
        )

    def _note(self, names: list[str], out: str, overlaps: bool) -> None:
        """What the statements to come read and write. An elementwise one has read an element when
        it writes it: its reads count as those of the statement before.
        """
        line = len(self.lines)
        self.written.setdefault(out, line)
        self.read.update(dict.fromkeys(names, line if overlaps else line - 1))

    def _lifetimes(self) -> None:
        """When each value is read last, and when each output array gets its own value; till then it
        is free.
        """
        for i, instruction in enumerate(self.tracer.instructions):
            for v in instruction.args:
                self.last[id(v)] = i
            name = self.home.get(id(instruction.out))
            if name:
                self.born[name] = i if _overlaps(instruction) else i + 1
                self.free.setdefault((instruction.out.dtype, instruction.out.level), []).append(
                    name
                )

    def _register(self, value: Value) -> str:
        slot = (value.dtype, value.level)
        if id(value) in self.home:
            return self.home[id(value)]
        free, last = self.free.setdefault(slot, []), self.last.get(id(value), -1)
        for name in reversed(free):
            if self.born.get(name, 1 << 62) > last:
                free.remove(name)
                return name
        self.scratch.append(slot)
        return f"t{len(self.scratch) - 1}"

    def _release(self, value: Value) -> None:
        value.reads -= 1
        if not value.reads and value.name[0] in "ty" and id(value) not in self.home:
            self.free.setdefault((value.dtype, value.level), []).append(value.name)

    def _write(self, instruction: Instruction) -> None:
        out, args = instruction.out, instruction.args
        names = [v.name for v in args]
        if _overlaps(instruction):
            out.name = self._register(out)
        for v in args:
            self._release(v)
        out.name = out.name or self._register(out)
        self._note(names, out.name, _overlaps(instruction))
        self.lines += self._statement(instruction, out.name, names)

    def _statement(self, instruction: Instruction, out: str, names: list[str]) -> list[str]:
        """The statements of one instruction, into the register `out`."""
        name, args = instruction.name, instruction.args
        if name == "reduce":
            column = self._name("reduce", instruction.code)
            return [f"{out}[:, 0] = {column}(np, {names[0]}, (1,))"]
        if name == "cast":
            return [self._cast(out, names[0], args[0].dtype, instruction.out.dtype)]
        if name in ("real", "imag"):
            return [f"copyto({out}, {names[0]}.{name})"]
        special = SPECIAL.get((name, args[0].dtype.kind))
        if special is not None:
            return [
                f"copyto({out}, {self._name(special.__name__, special)}(np, {', '.join(names)}))"
            ]
        if name == "select":
            return [f"{self._name('select', select)}({', '.join(names)}, {out})"]
        function = self._name(FUNCTIONS[name], getattr(self.tracer.names["np"], FUNCTIONS[name]))
        by_name = name in ("max", "min")  # by position is quicker, but deprecated for these
        return [f"{function}({', '.join(names)}, {'out=' * by_name}{out})"]

    def _cast(self, out: str, name: str, source: DType, dtype: DType) -> str:
        if kind(source) == "c" and kind(dtype) not in "cb":
            name += ".real"
        if dtype is uint32 and kind(source) in "cf":
            name += ".astype(np.int64)"
        return f'copyto({out}, {name}, "unsafe")'

    def _name(self, text: str, value: Any) -> str:
        """A name for an object in the function's namespace."""
        names = self.tracer.names
        name, i = text, 0
        while names.setdefault(name, value) is not value:
            i += 1
            name = f"{text}{i}"
        return name
