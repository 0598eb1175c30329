"""LLVM IR as text: a writer of instructions over scalars and vectors of any width.

What enters: values and numbers. What leaves: lines of a function, and the declarations that they
need. An instruction that a block has already is not written again. It must not know kernels.
"""

import struct
from typing import Any

from ..._base.dtypes import DType, float32, float64

BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "half": 16, "float": 32, "double": 64}
# How every kernel begins.
KERNEL = "define i64 @kernel(i64 %lo, i64 %hi, ptr %pointers, ptr %words) nounwind {\nentry:"
INTEGER = {16: "i16", 32: "i32", 64: "i64"}
TYPES: dict[DType, str] = {float32: "float", float64: "double"}
SHORT = {"half": "f16", "float": "f32", "double": "f64"}


class Value:
    """The result of an instruction, a constant or an argument: `width` elements of a type."""

    __slots__ = ("text", "type", "width")

    def __init__(self, text: str, type: str, width: int = 1) -> None:
        self.text = text
        self.type = type
        self.width = width

    @property
    def full(self) -> str:
        """The type, for a vector the vector's."""
        return self.type if self.width == 1 else f"<{self.width} x {self.type}>"

    def __repr__(self) -> str:
        return f"{self.full} {self.text}"


def vector(type: str, width: int) -> str:
    """The type of `width` elements."""
    return type if width == 1 else f"<{width} x {type}>"


def literal(value: Any, type: str) -> str:
    """A number as IR has it; floating-point ones by their bits."""
    if type == "i1":
        return "true" if value else "false"
    if type[0] == "i":
        return str(int(value))
    if type == "half":
        return "0xH" + struct.pack(">e", value).hex().upper()
    if type == "float":
        value = struct.unpack("f", struct.pack("f", value))[0]
    return "0x" + struct.pack(">d", value).hex().upper()


class Code:
    """The instructions of one function. Operands may be Python numbers (constants of the type of
    the first operand that is a value) and scalars among vectors (repeated for each element).
    `declared` is what the module must have besides: declarations, constants, and whole functions
    out of line, unless it doesn't want those.
    """

    def __init__(self, fused: bool = True, declares: bool = True) -> None:
        self.declares = declares
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self.fused = fused
        self.block = "entry"
        self._count = 0
        self._memo: dict[str, Value] = {}
        self._phis: dict[str, int] = {}

    # --- names, blocks, constants --------------------------------------------------------------

    def name(self, stem: str = "v") -> str:
        """A name that is not taken, without its sigil."""
        self._count += 1
        return f"{stem}{self._count}"

    def raw(self, line: str) -> None:
        """A line as it stands."""
        self.lines.append(line)

    def label(self, name: str) -> None:
        """Begin a block; what blocks before it have computed is not looked for in it."""
        self._memo.clear()
        self.block = name
        self.lines.append(f"{name}:")

    def jump(self, name: str) -> None:
        """Go on in a block."""
        self.lines.append(f"br label %{name}")

    def branch(self, condition: Value, then: str, other: str) -> None:
        """Go on in one of two blocks."""
        self.lines.append(f"br i1 {condition.text}, label %{then}, label %{other}")

    def result(self, rhs: str, type: str, width: int = 1) -> Value:
        """The value of an instruction without effects, written once a block."""
        known = self._memo.get(rhs)
        if known is None:
            known = self._memo[rhs] = self.fresh(rhs, type, width)
        return known

    def fresh(self, rhs: str, type: str, width: int = 1) -> Value:
        """The value of an instruction that must be carried out here, such as a load."""
        out = Value("%" + self.name(), type, width)
        self.lines.append(f"{out.text} = {rhs}")
        return out

    def phi(self, type: str, *edges: tuple[Value, str], width: int = 1) -> Value:
        """The value that belongs to the block which was left; `also` adds an edge afterwards."""
        pairs = ", ".join(f"[{v.text}, %{block}]" for v, block in edges)
        out = self.fresh(f"phi {vector(type, width)} {pairs}", type, width)
        self._phis[out.text] = len(self.lines) - 1
        return out

    def also(self, phi: Value, value: Value, block: str) -> None:
        """One more edge of a phi."""
        self.lines[self._phis[phi.text]] += f", [{value.text}, %{block}]"

    def const(self, value: Any, type: str, width: int = 1) -> Value:
        """A number, for vectors in each element."""
        text = literal(value, type)
        return Value(text if width == 1 else f"splat ({type} {text})", type, width)

    def splat(self, x: Value, width: int) -> Value:
        """A scalar in each of `width` elements."""
        if x.width == width:
            return x
        if x.text[0] not in "%@":
            return Value(f"splat ({x.type} {x.text})", x.type, width)
        full = vector(x.type, width)
        one = self.result(f"insertelement {full} poison, {x}, i64 0", x.type, width)
        zeros = f"<{width} x i32> zeroinitializer"
        return self.result(f"shufflevector {one}, {full} poison, {zeros}", x.type, width)

    def alike(self, *operands: Any) -> list[Value]:
        """Operands as values of one width."""
        widths = {o.width if type(o) is Value else 0 for o in operands}
        if len(widths) == 1:
            return list(operands)
        like = next(o for o in operands if isinstance(o, Value))
        values = [o if isinstance(o, Value) else self.const(o, like.type) for o in operands]
        width = max(v.width for v in values)
        return [self.splat(v, width) for v in values]

    # --- instructions ----------------------------------------------------------------------------

    def binary(self, opcode: str, x: Any, y: Any) -> Value:
        """`fadd`, `fsub`, `fmul`, `fdiv`, `add`, `sub`, `mul`, `and`, `or`, `xor`, `shl`, `lshr`,
        `ashr`, `sdiv`, `udiv`, `srem`, `urem`."""
        a, b = self.alike(x, y)
        return self.result(f"{opcode} {a}, {b.text}", a.type, a.width)

    def fadd(self, x: Any, y: Any) -> Value:
        """x + y."""
        return self.binary("fadd", x, y)

    def fsub(self, x: Any, y: Any) -> Value:
        """x - y."""
        return self.binary("fsub", x, y)

    def fmul(self, x: Any, y: Any) -> Value:
        """x * y."""
        return self.binary("fmul", x, y)

    def fdiv(self, x: Any, y: Any) -> Value:
        """x / y."""
        return self.binary("fdiv", x, y)

    def fneg(self, x: Value) -> Value:
        """-x, the sign bit flipped."""
        return self.result(f"fneg {x}", x.type, x.width)

    def fma(self, x: Any, y: Any, z: Any) -> Value:
        """x * y + z, rounded once where the machine has such an instruction."""
        if not self.fused:
            return self.fadd(self.fmul(x, y), z)
        return self.intrinsic("fma", *self.alike(x, y, z))

    def compare(self, predicate: str, x: Any, y: Any) -> Value:
        """A vector of i1; predicates are those of `fcmp` (oeq, olt, une, uno …) and `icmp` (eq,
        slt, ult …)."""
        a, b = self.alike(x, y)
        opcode = "icmp" if a.type[0] in "ip" else "fcmp"
        return self.result(f"{opcode} {predicate} {a}, {b.text}", "i1", a.width)

    def select(self, condition: Value, x: Any, y: Any) -> Value:
        """x where the condition holds, else y; one of them may be a number."""
        a, b = self.alike(x, y)
        width = max(condition.width, a.width)
        if condition.width > 1:
            condition, a, b = (self.splat(v, width) for v in (condition, a, b))
        return self.result(f"select {condition}, {a}, {b}", a.type, a.width)

    def first(self, count: Value, x: Value, y: Value) -> Value:
        """x in so many elements, y in those after them."""
        count = self.convert("trunc", count, "i32")
        return self.select(self.compare("slt", self.numbers(x.width), count), x, y)

    def numbers(self, width: int) -> Value:
        """0, 1, … as 32-bit integers."""
        return Value(f"<{', '.join(f'i32 {i}' for i in range(width))}>", "i32", width)

    def convert(self, opcode: str, x: Value, type: str) -> Value:
        """`bitcast`, `trunc`, `zext`, `sext`, `fptrunc`, `fpext`, `sitofp`, `uitofp`, `fptosi`,
        `fptoui`, or nothing where the type is the same."""
        if x.type == type:
            return x
        return self.result(f"{opcode} {x} to {vector(type, x.width)}", type, x.width)

    def intrinsic(self, name: str, *operands: Value, suffix: str = "") -> Value:
        """`llvm.<name>` of values of one type: fma, sqrt, fabs, floor, ceil, trunc, roundeven,
        copysign, …; `suffix` holds further arguments, such as `, i1 false`."""
        x = operands[0]
        short = SHORT.get(x.type, x.type)
        mangled = f"llvm.{name}.{short if x.width == 1 else f'v{x.width}{short}'}"
        types = [o.full for o in operands] + [p.split()[0] for p in suffix.split(", ")[1:]]
        self.declared.add(f"declare {x.full} @{mangled}({', '.join(types)})")
        args = ", ".join(map(repr, operands)) + suffix
        return self.result(f"call {x.full} @{mangled}({args})", x.type, x.width)

    def step(self, base: Value, nbytes: Any) -> Value:
        """The place some bytes further."""
        count = nbytes if isinstance(nbytes, Value) else self.const(nbytes, "i64")
        return self.result(f"getelementptr i8, {base}, {count}", "ptr")

    def bits(self, x: Value) -> Value:
        """The bits of floating-point numbers, as integers."""
        return self.convert("bitcast", x, INTEGER[BITS[x.type]])
