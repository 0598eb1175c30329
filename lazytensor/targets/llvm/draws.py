"""What PyTorch's distributions compute of uniform numbers: normal ones in single precision,
functions of the C library, multiplications rounded once, permutations.

What enters: arrays. What leaves: arrays, with the bits of `torch/_random_math.py`; None for what
there is no code for. It must not know generators.
"""

import ctypes
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .call import packed
from .code import Code, Value
from .loops import HI, LO, each, loaded, module, pointers, words
from .machine import Linked
from .memory import offset
from .objects import Objects

# Numbers of a block: eight for radii, eight for angles.
BLOCK, HALF = 16, 8
Numbers = Sequence[float]


class _Known:
    """Functions by what they are for."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._linked: dict[Any, Linked] = {}

    def _run(
        self, key: Any, text: Callable[[], str], count: int, *arrays: Any, of: Any = ()
    ) -> None:
        known = self._linked.get(key)
        if known is None:
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._linked.setdefault(key, self._objects.linked(text()))
        self._objects.launch(packed(known.address, True, *of), 0, count, *arrays)


# --- normal numbers -------------------------------------------------------------------------------


class _Normal:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over blocks, in place. The words
    are the bits of mean and deviation; `log`, `sin`, `cos` are the coefficients of polynomials and
    `parts` what an eighth of a turn and ln 2 are the sums of.
    """

    def __init__(self, constants: dict[str, Numbers]) -> None:
        self.c = c = Code()
        self.k = constants
        (self.numbers,) = pointers(c, 1)
        self.mean, self.std = (
            c.splat(c.convert("bitcast", c.convert("trunc", w, "i32"), "float"), HALF)
            for w in words(c, 2)
        )

    def text(self) -> str:
        """The module."""
        each(self.c, LO, HI, 1, self._block)
        return module(self.c)

    def _block(self, i: Value) -> None:
        c = self.c
        at = offset(c, self.numbers, i, 4 * BLOCK)
        places = (at, offset(c, at, c.const(HALF, "i64"), 4))
        first, second = (
            c.fresh(f"load <{HALF} x float>, {p}, align 4", "float", HALF) for p in places
        )
        one = c.const(1.0, "float", HALF)
        radius = c.intrinsic("sqrt", c.fmul(self._log(c.fsub(one, first)), -2.0))
        turned = self._turned(c.fmul(second, self.k["turn"][0]))
        for place, x in zip(places, turned, strict=True):
            made = c.intrinsic("fma", c.fmul(radius, x), self.std, self.mean)
            c.raw(f"store {made}, {place}, align 4")

    def _fma(self, x: Value, y: Any, z: Any) -> Value:
        return self.c.intrinsic("fma", *self.c.alike(x, y, z))

    def _polynomial(self, x: Value, coefficients: Numbers) -> Value:
        y = self.c.const(coefficients[0], "float", HALF)
        for k in coefficients[1:]:
            y = self._fma(y, x, k)
        return y

    def _log(self, x: Value) -> Value:
        """Of positive normal numbers."""
        c = self.c
        bits = c.bits(x)
        power = c.binary("sub", c.binary("lshr", bits, 23), 126)
        bits = c.binary("or", c.binary("and", bits, 0x7FFFFF), 0x3F000000)
        fraction = c.convert("bitcast", bits, "float")
        small = c.compare("olt", fraction, self.k["root"][0])
        power = c.binary("add", power, c.convert("sext", small, "i32"))
        power = c.convert("sitofp", power, "float")
        more = c.select(small, fraction, c.const(0.0, "float", HALF))
        fraction = c.fsub(c.fadd(fraction, more), 1.0)
        square = c.fmul(fraction, fraction)
        y = c.fmul(self._polynomial(fraction, self.k["log"]), fraction)
        low, high = self.k["ln2"]
        y = self._fma(y, square, c.fmul(power, low))
        y = c.fadd(fraction, c.fsub(y, c.fmul(square, 0.5)))
        return self._fma(power, high, y)

    def _turned(self, angle: Value) -> tuple[Value, Value]:
        """cos and sin of angles from 0 to a whole turn."""
        c, k = self.c, self.k
        octant = c.convert("fptosi", c.fmul(angle, k["eighths"][0]), "i32")
        octant = c.binary("and", c.binary("add", octant, 1), -2)
        x, less = angle, c.fneg(c.convert("sitofp", octant, "float"))
        for part in k["parts"]:
            x = self._fma(less, part, x)
        square = c.fmul(x, x)
        cos = c.fmul(self._polynomial(square, k["cos"]), square)
        cos = c.fadd(self._fma(cos, square, c.fneg(c.fmul(square, 0.5))), 1.0)
        sin = self._fma(c.fmul(self._polynomial(square, k["sin"]), square), x, x)
        swapped = c.compare("ne", c.binary("and", octant, 2), 0)
        return (
            self._signed(c.select(swapped, sin, cos), c.binary("add", octant, 2)),
            self._signed(c.select(swapped, cos, sin), octant),
        )

    def _signed(self, x: Value, octant: Value) -> Value:
        """-x where the octant has a 4."""
        c = self.c
        sign = c.binary("shl", c.binary("and", octant, 4), 29)
        return c.convert("bitcast", c.binary("xor", c.bits(x), sign), "float")


class BoxMuller(_Known):
    """The function (uniforms, mean, std, constants) that makes normal numbers of them, in place; it
    says whether it did.
    """

    def __call__(self, x: Any, mean: float, std: float, constants: dict[str, Numbers]) -> bool:
        if x.dtype != np.float32 or not self._objects.machine.host.fused:
            return False
        of = struct.unpack("II", struct.pack("ff", mean, std))
        self._run("normal", lambda: _Normal(constants).text(), x.size // BLOCK, x, of=of)
        return True


# --- functions of the C library -------------------------------------------------------------------


def _calls(name: str) -> str:
    """The module that calls a function of the C library for each element."""
    c = Code()
    x, y = pointers(c, 2)

    def one(i: Value) -> None:
        value = c.fresh(f"load double, {offset(c, x, i, 8)}", "double")
        made = c.fresh(f"call double @{name}({value})", "double")
        c.raw(f"store {made}, {offset(c, y, i, 8)}")

    c.declared.add(f"declare double @{name}(double)")
    each(c, LO, HI, 1, one)
    return module(c)


class CLibrary(_Known):
    """The function (name, x) → what the C library's function of that name makes of each float64."""

    def __call__(self, name: str, x: Any) -> Any:
        try:
            self._provide(name)
        except (AttributeError, OSError, TypeError):  # a system that doesn't show its library
            return None
        x = np.ascontiguousarray(x)
        out = np.empty_like(x)
        self._run(name, lambda: _calls(name), x.size, x, out)
        return out

    def _provide(self, name: str) -> None:
        if name not in self._linked:
            self._objects.machine.provide_from(ctypes.CDLL(None), name)


# --- multiplications rounded once -----------------------------------------------------------------


def _fma(kinds: str, size: int) -> str:
    """The module that makes a · b + c of each a; the words are the bits of b and c."""
    c = Code()
    x, y = pointers(c, 2)
    by, more = (
        c.convert("bitcast", c.convert("trunc", w, f"i{8 * size}"), kinds) for w in words(c, 2)
    )

    def some(i: Value, width: int) -> None:
        value = loaded(c, offset(c, x, i, size), kinds, size, width)
        made = c.intrinsic("fma", *c.alike(value, c.splat(by, width), c.splat(more, width)))
        c.raw(f"store {made}, {offset(c, y, i, size)}, align {size}")

    rest = each(c, LO, c.binary("sub", HI, HALF - 1), HALF, lambda i: some(i, HALF))
    each(c, rest, HI, 1, lambda i: some(i, 1))
    return module(c)


class Fma(_Known):
    """The function (a, b, c) → a · b + c of an array and two numbers of its dtype."""

    def __call__(self, a: Any, b: float, c: float) -> Any:
        if a.dtype not in (np.float32, np.float64) or not self._objects.machine.host.fused:
            return None
        a = np.ascontiguousarray(a)
        out = np.empty_like(a)
        of = np.array([b, c], a.dtype).view(f"i{a.itemsize}").tolist()
        text = lambda: _fma("float" if a.itemsize == 4 else "double", a.itemsize)  # noqa: E731
        self._run(a.dtype, text, a.size, a, out, of=of)
        return out


# --- permutations ---------------------------------------------------------------------------------


def _exchanges() -> str:
    """The module that exchanges each place in turn with the one that its word, by the number of
    places from there on, leaves as remainder.
    """
    c = Code()
    numbers, drawn = pointers(c, 2)

    def one(i: Value) -> None:
        left = c.binary("sub", HI, i)
        word = c.fresh(f"load i64, {offset(c, drawn, i, 8)}", "i64")
        here = offset(c, numbers, i, 8)
        there = offset(c, here, c.binary("urem", word, left), 8)
        a, b = (c.fresh(f"load i64, {p}", "i64") for p in (here, there))
        c.raw(f"store {b}, {here}")
        c.raw(f"store {a}, {there}")

    each(c, LO, c.binary("sub", HI, 1), 1, one)
    return module(c)


class Exchanged(_Known):
    """The function (words, count) → a permutation: place after place is exchanged."""

    def __call__(self, drawn: Any, count: int) -> Any:
        numbers = np.arange(count)
        self._run("exchanges", _exchanges, count, numbers, drawn)
        return numbers
