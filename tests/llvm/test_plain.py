"""Machine code without the compiler: random texts have the compiler's bits, and what isn't plain is
refused."""

import ctypes
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor.targets.llvm.code import Code, Value
from lazytensor.targets.llvm.loading import instructions
from lazytensor.targets.llvm.machine import fuses, machine
from lazytensor.targets.llvm.plain import Unknown, assembled

from .compiled import TYPES, compiled
from .samples import pairs

pytestmark = pytest.mark.skipif(not fuses(), reason="needs x86-64 with fused multiply-add")

ORDERED = "oeq ogt oge olt ole one ord ueq ugt uge ult ule une uno".split()
SIGNED = "eq ne slt sle sgt sge ult ule ugt uge".split()
INTEGER = {"float": "i32", "double": "i64"}


def grown(c: Code, rng: random.Random, pool: dict[str, list[Value]], type: str) -> None:
    """One more value, of any kind, from values that are there and constants. Only of what was given
    are bits and the sign looked at: those of NaN that was computed depend on operands' places.
    """
    given = rng.choice(pool[type][:2])
    word, size = INTEGER[type], 32 if type == "float" else 64
    x, y, z = (rng.choice([*pool[type], c.const(rng.gauss(0, 3), type)]) for _ in range(3))
    k, n = (rng.choice([*pool[word], c.const(rng.getrandbits(size - 1), word)]) for _ in range(2))
    p, q = (rng.choice(pool["i1"]) for _ in range(2))
    shift = c.const(rng.randrange(size), word)
    other = {"float": "double", "double": "float"}[type]
    makers: list[Callable[[], Value]] = [
        lambda: c.binary(rng.choice(["fadd", "fsub", "fmul", "fdiv"]), x, y),
        lambda: c.fma(x, y, z),
        lambda: c.fneg(x),
        lambda: c.intrinsic(rng.choice(["fabs", "sqrt", "floor", "ceil", "trunc", "roundeven"]), x),
        lambda: c.intrinsic("copysign", x, given),
        lambda: c.compare(rng.choice(ORDERED), x, y),
        lambda: c.compare(rng.choice(SIGNED), k, n),
        lambda: c.select(p, x, y),
        lambda: c.select(p, k, n),
        lambda: c.binary(rng.choice(["add", "sub", "mul", "and", "or", "xor"]), k, n),
        lambda: c.binary(rng.choice(["shl", "lshr", "ashr"]), k, shift),
        lambda: c.binary(rng.choice(["and", "or", "xor"]), p, q),
        lambda: c.bits(given),
        lambda: c.convert("bitcast", k, type),
        lambda: c.convert("sitofp", k, type),
        lambda: c.convert("zext", p, word),
        lambda: c.convert("bitcast", c.convert("zext", c.bits(given), "i64"), "double")
        if type == "float"
        else c.convert("zext", c.convert("trunc", k, "i32"), "i64"),
        lambda: c.convert(
            "fptrunc" if type == "float" else "fpext",
            c.convert("fpext" if type == "float" else "fptrunc", x, other),
            type,
        ),
    ]
    value = rng.choice(makers)()
    pool.setdefault(value.type, []).append(value)


def program(seed: int) -> Callable[..., Value]:
    """A function of two numbers that is different for each seed."""

    def function(c: Code, x: Value, y: Value) -> Value:
        rng, type = random.Random(seed), x.type
        pool = {type: [x, y], INTEGER[type]: [c.bits(x)], "i1": [c.compare("olt", x, y)]}
        for _ in range(40):
            grown(c, rng, pool, type)
        out = c.convert("sitofp", pool[INTEGER[type]][-1], type) if seed % 2 else pool[type][-1]
        for truth in pool["i1"][-4:]:
            out = c.select(truth, c.fneg(out), out)
        return out

    return function


def run(function: Callable[..., Value], dtype: str, *arrays: Any) -> tuple[Any, int]:
    """What machine code of the function gives, and how many elements it left."""
    c, arity = Code(), len(arrays)
    inputs = [Value(f"%x{i}", TYPES[dtype]) for i in range(arity)]
    result = function(c, *inputs)
    code = assembled(c.lines, inputs, result)
    address, memory = instructions(code)
    out, size = np.zeros_like(arrays[0]), arrays[0].itemsize
    places = [a.__array_interface__["data"][0] for a in (*arrays, out)]
    words = (ctypes.c_int64 * (2 * arity + 2))(*places, *[size] * (arity + 1))
    left = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)(address)(
        out.size, words
    )
    del memory
    return out, left


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("seed", range(60))
def test_random_texts(seed: int, dtype: str) -> None:
    """Signs and digits of NaN aside, which an operand's place decides."""
    x, y = (np.ascontiguousarray(a[:400]) for a in pairs("atan2", dtype, 100))
    function = program(seed)
    want = compiled(function, dtype, 1, arity=2)(x, y)
    got, left = run(function, dtype, x, y)
    assert left == 0
    real = ~(np.isnan(want) & np.isnan(got))
    assert got[real].tobytes() == want[real].tobytes()


@pytest.mark.parametrize("predicate", ORDERED)
@pytest.mark.parametrize("dtype", TYPES)
def test_comparisons(predicate: str, dtype: str) -> None:
    """All pairs of what is greater, less, equal and not ordered."""

    def truth(c: Code, x: Value, y: Value) -> Value:
        return c.select(c.compare(predicate, x, y), c.const(1.0, x.type), 0.0)

    some = np.array([1.0, 2.0, -0.0, 0.0, np.inf, np.nan], dtype)
    x, y = np.repeat(some, 6), np.tile(some, 6)
    got, _ = run(truth, dtype, x, y)
    np.testing.assert_array_equal(got, compiled(truth, dtype, 1, arity=2)(x, y))


@pytest.mark.parametrize(
    "line",
    [
        "%y = sdiv i64 %x0, 3",
        "%y = sext i32 %x0 to i64",
        "%y = trunc i64 %x0 to i1",
        "%y = sitofp i1 true to double",
        "%y = add i1 true, true",
        "%y = icmp slt i1 true, false",
        "%y = call double @llvm.sin.f64(double %x0)",
        "%y = call i64 @llvm.smin.i64(i64 %x0, i64 1)",
        "%y = fadd double %x0, %missing",
        "%y = fadd double %x0, poison",
        "br label %loop",
        "store double %x0, ptr %p",
        "",
    ],
)
def test_other_texts_are_refused(line: str) -> None:
    x = Value("%x0", "double")
    with pytest.raises(Unknown):
        assembled([line], [x], x)


def test_the_processor_is_the_compilers() -> None:
    assert machine().host.fused
