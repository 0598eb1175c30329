"""Spike: loop nests from a `Kernel`, as C (for CUDA) and as LLVM IR, from the same stages and
scalar bodies.

It shows that what `lower/` hands to targets is enough for compiled ones: the row of a reduction is
run through once per reduction, full values are computed again where they are read.
"""

from typing import Any

from lazytensor.ir.scalar import Interpreter
from lazytensor.lower.kernel import FULL, Kernel

IDENTITY = {"add": "0.0", "max": "-inf"}


class Text(Interpreter):
    """Notes one line an instruction; values are names with a dtype."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0

    def fresh(self, dtype: Any) -> "Name":
        """A new name."""
        self.count += 1
        return Name(f"{self.prefix}v{self.count}", dtype)

    prefix = ""


class Name(str):
    """A name that carries a dtype."""

    dtype: Any

    def __new__(cls, text: str, dtype: Any) -> "Name":
        out = super().__new__(cls, text)
        out.dtype = dtype
        return out


class C(Text):
    """C for CUDA: one thread a row."""

    OPS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
    CALLS = {"exp": "expf", "max": "fmaxf", "tanh": "tanhf"}

    def emit(self, name: str, dtype: Any, *operands: Any) -> Name:
        out = self.fresh(dtype)
        if name in self.OPS:
            self.lines.append(f"float {out} = {operands[0]} {self.OPS[name]} {operands[1]};")
        else:
            self.lines.append(f"float {out} = {self.CALLS[name]}({', '.join(operands)});")
        return out

    def const(self, value: Any, dtype: Any) -> Name:
        return Name(
            {"-inf": "(-__int_as_float(0x7f800000))"}.get(str(value), f"{float(value)!r}f"), dtype
        )

    def load(self, i: int, dtype: Any) -> Name:
        out = self.fresh(dtype)
        self.lines.append(f"float {out} = x{i}[r * x{i}r + c * x{i}c];")
        return out

    def store(self, i: int, value: Name) -> None:
        self.lines.append(f"y{i}[r * y{i}r + c * y{i}c] = {value};")

    def reduce(self, kernel: Kernel, number: int, value: Any) -> Name:
        stage = kernel.stages[number - len(kernel.inputs) - len(kernel.constants)]
        acc = self.fresh(stage.dtype)
        self.lines.append(f"float {acc} = {self.const(start(stage), stage.dtype)};")
        self.lines.append("for (long long c = 0; c < cols; ++c) {")
        self.lines.append(f"{acc} = {stage.op.body(self, acc, value())}; }}")
        return acc

    def loop(self, body: Any) -> None:
        self.lines.append("for (long long c = 0; c < cols; ++c) {")
        body()
        self.lines.append("}")

    def function(self, kernel: Kernel) -> str:
        nest(self, kernel)
        arrays = [f"x{i}" for i in range(len(kernel.inputs))] + [
            f"y{i}" for i in range(len(kernel.outputs))
        ]
        args = ", ".join(f"float* {a}, long long {a}r, long long {a}c" for a in arrays)
        head = f'extern "C" __global__ void kernel(long long rows, long long cols, {args}) {{\n'
        head += "long long r = blockIdx.x * (long long)blockDim.x + threadIdx.x;\n"
        head += "if (r >= rows) return;\n"
        return head + "\n".join(self.lines) + "\n}\n"


class LLVM(Text):
    """LLVM IR; loops count in memory, which the optimiser turns into registers."""

    prefix = "%"
    OPS = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
    CALLS = {"exp": "llvm.exp.f32", "max": "llvm.maximum.f32", "tanh": "tanhf"}

    def emit(self, name: str, dtype: Any, *operands: Any) -> Name:
        out = self.fresh(dtype)
        if name in self.OPS:
            self.lines.append(f"{out} = {self.OPS[name]} float {operands[0]}, {operands[1]}")
        else:
            args = ", ".join(f"float {o}" for o in operands)
            self.lines.append(f"{out} = call float @{self.CALLS[name]}({args})")
        return out

    def const(self, value: Any, dtype: Any) -> Name:
        import struct

        bits = struct.unpack(
            "<Q", struct.pack("<d", struct.unpack("<f", struct.pack("<f", float(value)))[0])
        )[0]
        return Name(f"0x{bits:016X}", dtype)

    def _address(self, name: str) -> str:
        r, c, p, q = (self.fresh(None) for _ in range(4))
        self.lines += [
            f"{r} = load i64, i64* %c",
            f"{c} = mul i64 {r}, %{name}c",
            f"{p} = mul i64 %r, %{name}r",
            f"{q} = add i64 {c}, {p}",
        ]
        out = self.fresh(None)
        self.lines.append(f"{out} = getelementptr float, float* %{name}, i64 {q}")
        return out

    def load(self, i: int, dtype: Any) -> Name:
        address, out = self._address(f"x{i}"), self.fresh(dtype)
        self.lines.append(f"{out} = load float, float* {address}")
        return out

    def store(self, i: int, value: Name) -> None:
        self.lines.append(f"store float {value}, float* {self._address(f'y{i}')}")

    def loop(self, body: Any) -> None:
        self.count += 1
        k = self.count
        i, j, test = (self.fresh(None) for _ in range(3))
        self.lines += [
            "store i64 0, i64* %c",
            f"br label %head{k}",
            f"head{k}:",
            f"{i} = load i64, i64* %c",
        ]
        self.lines += [
            f"{test} = icmp slt i64 {i}, %cols",
            f"br i1 {test}, label %body{k}, label %end{k}",
            f"body{k}:",
        ]
        body()
        again = self.fresh(None)
        self.lines += [
            f"{j} = load i64, i64* %c",
            f"{again} = add i64 {j}, 1",
            f"store i64 {again}, i64* %c",
        ]
        self.lines += [f"br label %head{k}", f"end{k}:"]

    def reduce(self, kernel: Kernel, number: int, value: Any) -> Name:
        stage = kernel.stages[number - len(kernel.inputs) - len(kernel.constants)]
        self.lines.append(f"store float {self.const(start(stage), stage.dtype)}, float* %acc")

        def body() -> None:
            new = value()
            old = self.fresh(stage.dtype)
            self.lines.append(f"{old} = load float, float* %acc")
            self.lines.append(f"store float {stage.op.body(self, old, new)}, float* %acc")

        self.loop(body)
        out = self.fresh(stage.dtype)
        self.lines.append(f"{out} = load float, float* %acc")
        return out

    def function(self, kernel: Kernel) -> str:
        nest(self, kernel)
        arrays = [f"x{i}" for i in range(len(kernel.inputs))] + [
            f"y{i}" for i in range(len(kernel.outputs))
        ]
        args = ", ".join(f"float* %{a}, i64 %{a}r, i64 %{a}c" for a in arrays)
        head = [f"declare float @{name}(float)" for name in ("llvm.exp.f32", "tanhf")]
        head += [
            "declare float @llvm.maximum.f32(float, float)",
            f"define void @kernel(i64 %rows, i64 %cols, {args}) {{",
        ]
        head += [
            "entry:",
            "%c = alloca i64",
            "%acc = alloca float",
            "br label %rowhead",
            "rowhead:",
        ]
        head += ["%r = phi i64 [0, %entry], [%rnext, %rowend]", "%more = icmp slt i64 %r, %rows"]
        head += ["br i1 %more, label %row, label %exit", "row:", "store i64 0, i64* %c"]
        tail = [
            "br label %rowend",
            "rowend:",
            "%rnext = add i64 %r, 1",
            "br label %rowhead",
            "exit:",
            "ret void",
            "}",
        ]
        return "\n".join([*head, *self.lines, *tail]) + "\n"


def start(stage: Any) -> str:
    """What a reduction begins with."""
    probe = Probe()
    stage.op.body(probe, Name("a", stage.dtype), Name("b", stage.dtype))
    return IDENTITY[probe.name]


class Probe(Interpreter):
    """Notes which instruction a body is."""

    def emit(self, name: str, dtype: Any, *operands: Any) -> Name:
        self.name = name
        return Name("out", dtype)


def nest(out: Any, kernel: Kernel) -> None:
    """The stages of one row: reductions in order, then a loop that stores."""
    rows: dict[int, Name] = {}
    first = len(kernel.inputs) + len(kernel.constants)

    def value(number: int) -> Name:
        if number in rows:
            return rows[number]
        if number < len(kernel.inputs):
            return out.load(number, kernel.inputs[number].dtype)
        if number < first:
            constant = kernel.constants[number - len(kernel.inputs)]
            return out.const(constant.value, constant.dtype)
        stage = kernel.stages[number - first]
        args = [value(a) for a in stage.args]
        return args[0] if stage.op.kind == "movement" else stage.op.body(out, *args, *stage.params)

    for number, stage in enumerate(kernel.stages, first):
        if stage.reduces:
            rows[number] = out.reduce(kernel, number, lambda stage=stage: value(stage.args[0]))
        elif stage.level != FULL and kernel.reduced:
            rows[number] = value(number)

    def stores() -> None:
        for i, number in enumerate(kernel.outputs):
            out.store(i, value(number))

    out.loop(stores)
