"""Random words and uniform numbers of a Mersenne Twister, over vectors.

What enters: a generator's state, 624 words and how many of them are used up; room for numbers. What
leaves: the numbers, and the state after them. It must not know distributions.

M. Matsumoto and T. Nishimura, Mersenne Twister (1998).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .call import packed
from .code import Code, Value
from .loops import HI, LO, ZERO, each, least, module, pointers, where
from .machine import Linked
from .memory import offset
from .objects import Objects

LENGTH, FAR, WIDTH = 624, 397, 8
_UPPER, _LOWER, _MATRIX = 0x80000000, 0x7FFFFFFF, 0x9908B0DF


def _span(c: Code, start: Value, end: Value, body: Callable[[Value, int], None]) -> None:
    """`body(i, width)` over vectors, then over what is left."""
    last = c.binary("sub", end, WIDTH - 1)
    rest = each(c, start, last, WIDTH, lambda i: body(i, WIDTH))
    each(c, rest, end, 1, lambda i: body(i, 1))


class _Words:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)`: numbers lo to hi of the second
    array are drawn from the first, the state.
    """

    def __init__(self, made: str) -> None:
        self.c = Code()
        self.state, self.out = pointers(self.c, 2)
        self.made = made

    def text(self) -> str:
        """The module."""
        c = self.c
        place = self._at(self.state, c.const(LENGTH, "i64"))
        head, work, end = map(c.name, ("head", "work", "end"))
        c.jump(head)
        c.label(head)
        i = c.phi("i64", (LO, "entry"))
        c.branch(c.compare("slt", i, HI), work, end)
        c.label(work)
        full = c.compare("uge", c.fresh(f"load i32, {place}", "i32"), LENGTH)
        where(c, full, lambda: self._turn(place))
        used = c.convert("zext", c.fresh(f"load i32, {place}", "i32"), "i64")
        many = least(c, c.binary("sub", HI, i), c.binary("sub", c.const(LENGTH, "i64"), used))
        self._taken(self._at(self.state, used), i, many)
        c.raw(f"store {c.convert('trunc', c.binary('add', used, many), 'i32')}, {place}")
        c.also(i, c.binary("add", i, many), c.block)
        c.jump(head)
        c.label(end)
        return module(c)

    def _at(self, base: Value, i: Value, size: int = 4) -> Value:
        return offset(self.c, base, i, size)

    def _load(self, i: Value, width: int) -> Value:
        return self._word(self._at(self.state, i), width)

    def _word(self, at: Value, width: int) -> Value:
        kinds = "i32" if width == 1 else f"<{width} x i32>"
        return self.c.fresh(f"load {kinds}, {at}, align 4", "i32", width)

    # --- the next turn ---------------------------------------------------------------------------

    def _turn(self, place: Value) -> None:
        c = self.c
        first, middle, last = (c.const(n, "i64") for n in (0, LENGTH - FAR, LENGTH - 1))
        _span(c, first, middle, lambda i, width: self._renew(i, width, FAR, 1))
        _span(c, middle, last, lambda i, width: self._renew(i, width, FAR - LENGTH, 1))
        self._renew(last, 1, FAR - LENGTH, 1 - LENGTH)
        c.raw(f"store i32 0, {place}")

    def _renew(self, i: Value, width: int, far: int, beside: int) -> None:
        c = self.c
        here, following = self._load(i, width), self._load(c.binary("add", i, beside), width)
        mixed = c.binary("or", c.binary("and", here, _UPPER), c.binary("and", following, _LOWER))
        odd = c.binary("sub", c.const(0, "i32", width), c.binary("and", following, 1))
        new = c.binary("xor", c.binary("lshr", mixed, 1), c.binary("and", odd, _MATRIX))
        new = c.binary("xor", new, self._load(c.binary("add", i, far), width))
        c.raw(f"store {new}, {self._at(self.state, i)}, align 4")

    # --- numbers ---------------------------------------------------------------------------------

    def _taken(self, words: Value, first: Value, many: Value) -> None:
        size = 8 if self.made == "long" else 4
        out = self._at(self.out, first, size)

        def some(i: Value, width: int) -> None:
            number = self._number(self._tempered(self._word(self._at(words, i), width)))
            self.c.raw(f"store {number}, {self._at(out, i, size)}, align {size}")

        _span(self.c, ZERO, many, some)

    def _tempered(self, y: Value) -> Value:
        c = self.c
        y = c.binary("xor", y, c.binary("lshr", y, 11))
        y = c.binary("xor", y, c.binary("and", c.binary("shl", y, 7), 0x9D2C5680))
        y = c.binary("xor", y, c.binary("and", c.binary("shl", y, 15), 0xEFC60000))
        return c.binary("xor", y, c.binary("lshr", y, 18))

    def _number(self, word: Value) -> Value:
        c = self.c
        if self.made == "long":
            return c.convert("zext", word, "i64")
        if self.made == "word":
            return word
        fraction = c.convert("sitofp", c.binary("and", word, (1 << 24) - 1), "float")
        return c.fmul(fraction, 2.0**-24)


def _pairs(made: str) -> str:
    """The module that makes numbers of 64 bits, or doubles, of pairs of words, in place: the first
    word is the upper one.
    """
    c = Code()
    (numbers,) = pointers(c, 1)

    def some(i: Value, width: int) -> None:
        at, kinds = offset(c, numbers, i, 8), "i64" if width == 1 else f"<{width} x i64>"
        x = c.fresh(f"load {kinds}, {at}, align 8", "i64", width)
        x = c.binary("or", c.binary("shl", x, 32), c.binary("lshr", x, 32))
        if made == "double":
            x = c.convert("sitofp", c.binary("and", x, (1 << 53) - 1), "double")
            x = c.fmul(x, 2.0**-53)
        c.raw(f"store {x}, {at}, align 8")

    _span(c, LO, HI, some)
    return module(c)


# What is made of words: of each one, or of pairs of them.
_SINGLE = {"single": np.float32, "long": np.uint64}
_PAIRS = {"pair": np.uint64, "double": np.float64}


class Twister:
    """The function (state, made, count) → so many numbers: `single` ones, words in 64 bits
    (`long`), `pair`s of words, or `double`s of these.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._known: dict[str, Linked] = {}

    def __call__(self, state: Any, made: str, count: int) -> Any:
        if made in _SINGLE:
            out = np.empty(count, _SINGLE[made])
            self._run(made, count, state, out)
            return out
        out = np.empty(count, _PAIRS[made])
        self._run("word", 2 * count, state, out)
        self._run(made, count, out)
        return out

    def _run(self, made: str, count: int, *arrays: Any) -> None:
        known = self._known.get(made)
        if known is None:
            text = _pairs(made) if made in _PAIRS else _Words(made).text()
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault(made, self._objects.linked(text))
        self._objects.launch(packed(known.address, True), 0, count, *arrays)
