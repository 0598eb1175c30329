"""Machine code of elementary functions without the compiler, an element at a time: each instruction
takes its operands from memory and leaves its result there. Loading the compiler takes as long as a
hundred of these; bits are the same, since the instructions are.

What enters: lines of a text without branches. What leaves: instructions of x86-64 with fused
multiply-add, which need nothing that lies elsewhere. It must not know functions, nor arrays.
"""

import re
import struct
from collections.abc import Callable, Sequence

from .code import SHORT, Value

# A function of (how many elements are left, where addresses and strides are), as C calls functions
# on Linux, begins and ends so; it gives how many are left, which is none unless one of the rest is
# a case for the compiler's function.
_BEGIN, _END = bytes.fromhex("55 4889e5 4881ec"), bytes.fromhex("4889f8 c9 c3")
_ONE_LESS = bytes.fromhex("4883ef01")  # sub rdi, 1
_JUMP_IF_NOT_ZERO = bytes.fromhex("0f85")

# A truth is 0 or 1, whatever its width: in what takes it as a number it would be something else.
_TRUTHS = frozenset(("and", "or", "xor", "select", "zext", "call"))
_SIZES = {"i1": 4, "i32": 4, "i64": 8, "float": 4, "double": 8}
_WIDE = {4: b"", 8: b"\x48"}
_RAX, _RCX, _RDX = range(3)

# Of rax and rcx; those of 8 bytes have `_WIDE` in front.
_INTEGERS = {
    "add": "01c8", "sub": "29c8", "and": "21c8", "or": "09c8", "xor": "31c8", "mul": "0fafc1",
    "shl": "d3e0", "lshr": "d3e8", "ashr": "d3f8",
}  # fmt: skip
# Of xmm0 and xmm1, after a byte that tells single from double.
_NUMBERS = {"fadd": "0f58c1", "fmul": "0f59c1", "fsub": "0f5cc1", "fdiv": "0f5ec1"}
_OF = {"float": b"\xf3", "double": b"\xf2"}
# al, after a comparison.
_SIGNED = {
    "eq": "0f94c0", "ne": "0f95c0", "slt": "0f9cc0", "sge": "0f9dc0", "sle": "0f9ec0",
    "sgt": "0f9fc0", "ult": "0f92c0", "uge": "0f93c0", "ule": "0f96c0", "ugt": "0f97c0",
}  # fmt: skip
# The same for numbers, where what isn't ordered counts as less and as equal.
_ORDERED = {
    "ogt": "0f97c0", "oge": "0f93c0", "one": "0f95c0", "ueq": "0f94c0", "ult": "0f92c0",
    "ule": "0f96c0", "uno": "0f9ac0", "ord": "0f9bc0", "oeq": "0f9bc1 0f94c0 20c8",
    "une": "0f9ac1 0f95c0 08c8",
}  # fmt: skip
_SWAPPED = {"olt": "ogt", "ole": "oge", "ugt": "ult", "uge": "ule"}
_ROUNDED = {"roundeven": 8, "floor": 9, "ceil": 10, "trunc": 11}
_WORDS = re.compile(r"[^\s,()=]+")


class Unknown(Exception):
    """A text has something else in it than plain instructions."""


class _Function:
    """The instructions of one function so far. A named value lies in a place of its own, and the
    last number that was computed in xmm0 as well.
    """

    def __init__(self) -> None:
        self.code = bytearray()
        self.leaves: list[int] = []
        self._places: dict[str, int] = {}
        self._last = ""

    @property
    def room(self) -> int:
        """Bytes for all values, a multiple of 16."""
        return (len(self._places) + 1) // 2 * 16

    def add(self, *parts: bytes | str) -> None:
        """Instructions."""
        for part in parts:
            self.code += bytes.fromhex(part) if isinstance(part, str) else part

    def _place(self, name: str) -> bytes:
        """Where a value is, from rbp on."""
        return struct.pack("<i", self._places[name])

    def fetch(self, register: int, type: str, operand: str) -> None:
        """An operand's bits to an integer register."""
        size = _SIZES[type]
        if operand[0] == "%":
            at = bytes((0x8B, 0x85 | register << 3))
            self.add(_WIDE[size], at, self._place(operand))
        else:
            constant = _bits(type, operand).to_bytes(size, "little")
            self.add(_WIDE[size], bytes((0xB8 + register,)), constant)

    def fetch_number(self, register: int, type: str, operand: str) -> None:
        """An operand to an xmm register."""
        if operand == self._last:
            self.add(bytes((0x0F, 0x28, 0xC0 | register << 3)) if register else b"")
        elif operand[0] == "%":
            at = bytes((0x0F, 0x10, 0x85 | register << 3))
            self.add(_OF[type], at, self._place(operand))
        else:
            self.fetch(_RAX, type, operand)
            self.add(b"\x66", _WIDE[_SIZES[type]], bytes((0x0F, 0x6E, 0xC0 | register << 3)))

    def keep(self, name: str) -> None:
        """rax as a value."""
        self._places[name] = -8 * (len(self._places) + 1)
        self.add("488985", self._place(name))

    def keep_number(self, name: str, type: str) -> None:
        """xmm0 as a value."""
        self._places[name] = -8 * (len(self._places) + 1)
        self.add(_OF[type], "0f1185", self._place(name))
        self._last = name

    def fetch_all(self, type: str, *operands: str) -> None:
        """Operands to xmm0, xmm1 and so on."""
        for register in reversed(range(len(operands))):
            self.fetch_number(register, type, operands[register])
        self._last = ""

    def leave(self) -> None:
        """Give up here unless the zero flag is set."""
        self.add(_JUMP_IF_NOT_ZERO)
        self.leaves.append(len(self.code))
        self.add(bytes(4))


def _bits(type: str, text: str) -> int:
    """The bits of a constant, as texts have it. Raises Unknown."""
    if text in ("true", "false"):
        return int(text == "true")
    try:
        value = int(text, 0)
    except ValueError:
        raise Unknown(text) from None
    if type == "float":
        (number,) = struct.unpack("d", value.to_bytes(8, "little"))
        return int.from_bytes(struct.pack("f", number), "little")
    return value % (1 << 8 * _SIZES[type])


def _integer(f: _Function, out: str, opcode: str, type: str, x: str, y: str) -> None:
    f.fetch(_RCX, type, y)
    f.fetch(_RAX, type, x)
    f.add(_WIDE[_SIZES[type]], _INTEGERS[opcode])
    f.keep(out)


def _number(f: _Function, out: str, opcode: str, type: str, x: str, y: str) -> None:
    f.fetch_all(type, x, y)
    f.add(_OF[type], _NUMBERS[opcode])
    f.keep_number(out, type)


def _compare(f: _Function, out: str, opcode: str, predicate: str, type: str, *xy: str) -> None:
    if opcode == "icmp":
        f.fetch(_RCX, type, xy[1])
        f.fetch(_RAX, type, xy[0])
        f.add(_WIDE[_SIZES[type]], "39c8", _SIGNED[predicate])
    else:
        f.fetch_all(type, *(reversed(xy) if predicate in _SWAPPED else xy))
        f.add("66" if type == "double" else "", "0f2ec1")
        f.add(_ORDERED[_SWAPPED.get(predicate, predicate)])
    f.add("0fb6c0")
    f.keep(out)


def _select(f: _Function, out: str, opcode: str, *words: str) -> None:
    _, condition, type, x, _, y = words
    f.fetch(_RDX, "i1", condition)
    f.fetch(_RCX, type, y)
    f.fetch(_RAX, type, x)
    f.add("85d2", "480f44c1")
    f.keep(out)


def _negate(f: _Function, out: str, opcode: str, type: str, x: str) -> None:
    f.fetch(_RAX, type, x)
    f.add(_WIDE[_SIZES[type]], "0fbaf8", _sign(type))
    f.keep(out)


def _sign(type: str) -> bytes:
    return bytes((8 * _SIZES[type] - 1,))


def _convert(f: _Function, out: str, opcode: str, type: str, x: str, _: str, to: str) -> None:
    if opcode in ("fpext", "fptrunc"):
        f.fetch_all(type, x)
        f.add(_OF[type], "0f5ac0")
        f.keep_number(out, to)
        return
    f.fetch(_RAX, type, x)
    if opcode == "sitofp":
        f.add(_OF[to], _WIDE[_SIZES[type]], "0f2ac0")
        f.keep_number(out, to)
        return
    if to == "i1" or to not in _SIZES:
        raise Unknown(to)
    f.keep(out)


def _call(f: _Function, out: str, opcode: str, type: str, name: str, *words: str) -> None:
    _, stem, of, *_ = name.split(".") + [""] * 3
    x, wide = words[1::2], _WIDE[_SIZES[type]]
    if name[1] == '"':  # what is there for rare cases: the first operand says for which
        f.fetch(_RDX, "i1", x[0])
        f.add("85d2")
        f.leave()
        f.fetch(_RAX, type, x[1])
    elif of != SHORT.get(type):
        raise Unknown(name)
    elif stem in ("fabs", "copysign"):
        f.fetch(_RCX, type, x[-1])
        f.fetch(_RAX, type, x[0])
        f.add(wide, "0fbaf0", _sign(type))
        if stem == "copysign":
            f.add(wide, "c1e9", _sign(type), wide, "c1e1", _sign(type), wide, "09c8")
    else:
        f.fetch_all(type, *x)
        f.add(_intrinsic(stem, type))
        f.keep_number(out, type)
        return
    f.keep(out)


def _intrinsic(stem: str, type: str) -> bytes:
    """An instruction of xmm0 and those after it. Raises Unknown."""
    double = type == "double"
    if stem == "fma":
        return bytes.fromhex("c4e2f1a9c2" if double else "c4e271a9c2")
    if stem == "sqrt":
        return _OF[type] + bytes.fromhex("0f51c0")
    if stem in _ROUNDED:
        return bytes((0x66, 0x0F, 0x3A, 0x0A + double, 0xC0, _ROUNDED[stem]))
    raise Unknown(stem)


_WRITERS: dict[str, Callable[..., None]] = {
    **dict.fromkeys(_INTEGERS, _integer),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(("icmp", "fcmp"), _compare),
    **dict.fromkeys(("bitcast", "trunc", "zext", "fpext", "fptrunc", "sitofp"), _convert),
    "select": _select, "fneg": _negate, "call": _call,
}  # fmt: skip


def assembled(lines: Sequence[str], inputs: Sequence[Value], result: Value) -> bytes:
    """A function that computes `lines` for so many elements: a 64-bit address of each input and of
    the result are where it is told, then their strides; addresses move on as it goes. What it gives
    is how many elements are left, of which the first is a rare case. Raises Unknown.
    """
    f, last = _Function(), len(inputs)
    for i, x in enumerate(inputs):
        f.add("488b46", bytes((8 * i,)), _WIDE[_SIZES[x.type]], "8b00")
        f.keep(x.text)
    for line in lines:
        try:
            out, *words = _WORDS.findall(line)
            if "i1" in words[1:3] and words[0] not in _TRUTHS:
                raise Unknown(line)
            _WRITERS[words[0]](f, out, *words)
        except (IndexError, KeyError, TypeError, ValueError):
            raise Unknown(line) from None
    f.fetch(_RAX, result.type, result.text)
    f.add("488b4e", bytes((8 * last,)), _WIDE[_SIZES[result.type]], "8901")
    for i in range(last + 1):
        f.add("488b46", bytes((8 * (last + 1 + i),)), "480146", bytes((8 * i,)))
    f.add(_ONE_LESS, _JUMP_IF_NOT_ZERO)
    f.add(struct.pack("<i", -len(f.code) - 4))
    for at in f.leaves:
        f.code[at : at + 4] = struct.pack("<i", len(f.code) - at - 4)
    return _BEGIN + struct.pack("<i", f.room) + f.code + _END
