"""Functions that compute an elementary function an element at a time.

What enters: its name and a dtype. What leaves: the text of a module, or machine code. It must not
know arrays.
"""

from ..._base.dtypes import DType
from .code import KERNEL, TYPES, Code, Value
from .functions import FUNCTIONS
from .plain import assembled


def plain(name: str, dtype: DType, arity: int) -> bytes:
    """Machine code without the compiler (`assembled`)."""
    c = Code(declares=False)
    inputs = [Value(f"%x{i}", TYPES[dtype]) for i in range(arity)]
    result = FUNCTIONS[name](c, *inputs)
    return assembled(c.lines, inputs, result)


def element(name: str, dtype: DType, arity: int, fused: bool) -> str:
    """The module of `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)`, an element at a time;
    the words are strides.
    """
    c, kinds, count = Code(fused), TYPES[dtype], range(arity + 1)
    pointers, words = Value("%pointers", "ptr"), Value("%words", "ptr")
    bases = [c.fresh(f"load ptr, {c.step(pointers, 8 * i)}", "ptr") for i in count]
    strides = [c.fresh(f"load i64, {c.step(words, 8 * i)}", "i64") for i in count]
    before, head, work, end = c.block, *map(c.name, ("head", "work", "end"))
    c.jump(head)
    c.label(head)
    i = c.phi("i64", (Value("%lo", "i64"), before))
    c.branch(c.compare("slt", i, Value("%hi", "i64")), work, end)
    c.label(work)
    *inputs, out = [c.step(b, c.binary("mul", i, s)) for b, s in zip(bases, strides, strict=True)]
    values = [c.fresh(f"load {kinds}, {at}", kinds) for at in inputs]
    c.raw(f"store {FUNCTIONS[name](c, *values)}, {out}")
    c.also(i, c.binary("add", i, 1), c.block)
    c.jump(head)
    c.label(end)
    return "\n".join([KERNEL, *c.lines, "ret i64 0", "}", *sorted(c.declared)]) + "\n"
