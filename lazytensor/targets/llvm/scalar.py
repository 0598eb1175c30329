"""Scalar instructions as LLVM IR: an interpreter whose values are vectors of a kernel's loop.

What enters: lanes (one value for a real dtype, two for a complex one). What leaves: lanes, with the
bits that NumPy gives, or the functions of `functions/` where those are the target's own. It must
not know rows, nor loops. Raises `Unsupported` for what this target leaves to the reference.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..._base.dtypes import DType, bool_, float32, float64, kind, real_of
from ...ir.scalar import Interpreter
from .code import BITS, Code, Value
from .form import Unsupported
from .functions import FUNCTIONS, OF_NONPOSITIVE
from .functions.integer import SIGNED_POWER, UNSIGNED_POWER
from .quotients import Divisor, quotient

_TYPES = {"float16": "half", "float32": "float", "float64": "double", "bool": "i1"}
_HALF = "half"
# Calls up to which an elementary function is put in their place.
INLINED = 4


class Lane:
    """A value of the loop: its dtype, and one IR value or, for complex numbers, two;
    `nonpositive` tells that it is known to be 0 or less, or NaN.
    """

    __slots__ = ("dtype", "nonpositive", "parts")

    def __init__(self, dtype: DType, *parts: Value) -> None:
        self.dtype = dtype
        self.parts = parts
        self.nonpositive = False

    @property
    def only(self) -> Value:
        """The IR value of a real dtype."""
        (value,) = self.parts
        return value

    @property
    def width(self) -> int:
        """How many elements it has."""
        return self.parts[0].width


@cache
def ir_type(dtype: DType) -> str:
    """The IR type of an element, of a part for complex dtypes."""
    if kind(dtype) in "iu":
        return f"i{dtype.itemsize * 8}"
    found = _TYPES.get(real_of(dtype).name)
    if found is None:
        raise Unsupported(dtype.name)
    return found


class Native(Interpreter):
    """Writes the instructions of scalar bodies into a `Code`."""

    def __init__(self, code: Code, half: bool) -> None:
        self.code = code
        self._half = half
        self.functions: dict[str, tuple[Callable[..., Value], list[Value]]] = {}
        self.divisors: dict[str, Divisor] = {}  # by the texts of what vectors are divided by

    def emit(self, name: str, dtype: DType, *operands: Any) -> Lane:
        """One instruction."""
        self._check(dtype, *(o.dtype for o in operands))
        letter = kind(operands[0].dtype)
        if letter == "c" or name == "complex":
            return _complex(self, name, dtype, operands)
        if name == "select" and kind(dtype) == "c":
            condition, x, y = operands
            pairs = zip(x.parts, y.parts, strict=True)
            return Lane(dtype, *(self.code.select(condition.only, a, b) for a, b in pairs))
        rule = _RULES.get((name, letter)) or _RULES.get((name, ""))
        values = [o.only for o in operands]
        if name == "div" and values[0].width > 1 and (by := self.divisors.get(repr(values[1]))):
            return Lane(dtype, quotient(self.code, values[0], by))
        if rule is not None:
            return Lane(dtype, rule(self.code, *values))
        return Lane(dtype, self._function(name, operands[0], values))

    def _check(self, *dtypes: DType) -> None:
        for dtype in dtypes:
            if ir_type(dtype) == _HALF and not self._half:
                raise Unsupported("half precision without instructions for it")

    def _function(self, name: str, first: Lane, values: list[Value]) -> Value:
        function, dtype = FUNCTIONS.get(name), first.dtype
        if name in OF_NONPOSITIVE and first.nonpositive:
            name, function = f"{name}.nonpositive", OF_NONPOSITIVE[name]
        if name == "pow" and kind(dtype) in "iu":
            signed = kind(dtype) == "i"
            name, function = f"pow.{dtype.name}", SIGNED_POWER if signed else UNSIGNED_POWER
            return self._own(name, function, self.code.alike(*values))
        if function is None or dtype not in (float32, float64):
            raise Unsupported(f"{name} of {dtype}")
        values = self.code.alike(*values)
        return self._own(name, function, values)

    def _own(self, name: str, function: Callable[..., Value], values: list[Value]) -> Value:
        """A call of a function of the module."""
        like = values[0]
        label = f'@"own.{name}.{like.type}.v{like.width}"'
        if label not in self.functions:
            self.functions[label] = (function, values)
        rhs = f"call {like.full} {label}({', '.join(map(repr, values))})"
        return self.code.result(rhs, like.type, like.width)

    def definitions(self, lines: list[str]) -> set[str]:
        """What the module declares and defines besides: functions that are called a few times are
        put in their callers' place.
        """
        found: set[str] = set()
        for label, (function, values) in self.functions.items():
            calls = sum(label in line for line in lines)
            found |= _definition(label, function, values, self.code.fused, calls <= INLINED)
        return found

    def const(self, value: Any, dtype: DType) -> Lane:
        """A number, converted as NumPy's `astype` does."""
        number = np.asarray(value).astype(dtype)[()]
        kinds = ir_type(dtype)
        if kind(dtype) == "c":
            return Lane(dtype, *(self.code.const(p, kinds) for p in (number.real, number.imag)))
        return Lane(dtype, self.code.const(number, kinds))

    def cast(self, value: Any, dtype: DType) -> Lane:
        """As `ops/_eager.convert`."""
        self._check(dtype, value.dtype)
        c, source = self.code, value.dtype
        if kind(dtype) == "b":
            return Lane(dtype, _nonzero(c, value))
        parts = [_cast(c, p, real_of(source), real_of(dtype)) for p in value.parts]
        if kind(dtype) != "c":
            return Lane(dtype, parts[0])
        if len(parts) == 1:
            parts.append(c.splat(c.const(0, ir_type(dtype)), parts[0].width))
        return Lane(dtype, *parts)


def _definition(
    label: str, function: Callable[..., Value], values: list[Value], fused: bool, inlined: bool
) -> set[str]:
    c = Code(fused)
    arguments = [Value(f"%x{i}", v.type, v.width) for i, v in enumerate(values)]
    out = function(c, *arguments)
    how = "alwaysinline" if inlined else "noinline"
    head = f"define internal {out.full} {label}({', '.join(map(repr, arguments))}) {how} nounwind"
    body = "\n".join([*c.lines, f"ret {out}"])
    return c.declared | {f"{head} {{\n{body}\n}}"}


# --- conversions ---------------------------------------------------------------------------------


def _nonzero(c: Code, x: Lane) -> Value:
    """Whether any part isn't 0 (NaN isn't)."""
    if x.dtype is bool_:
        return x.only
    predicate = "ne" if kind(x.dtype) in "iu" else "une"
    tests = [c.compare(predicate, p, 0) for p in x.parts]
    return tests[0] if len(tests) == 1 else c.binary("or", *tests)


def _cast(c: Code, x: Value, source: DType, dtype: DType) -> Value:
    to, have, want = ir_type(dtype), kind(source), kind(dtype)
    if source is dtype:
        return x
    if have in "biu" and want in "iu":
        grows = BITS[to] > BITS[x.type]
        return c.convert(("sext" if have == "i" else "zext") if grows else "trunc", x, to)
    if have in "biu":
        return c.convert("sitofp" if have == "i" else "uitofp", x, to)
    if want == "f":
        if {to, x.type} == {"double", _HALF}:
            x = c.convert("fpext", x, "float") if x.type == _HALF else _to_odd(c, x)
        return c.convert("fpext" if BITS[to] > BITS[x.type] else "fptrunc", x, to)
    return _to_integer(c, x, dtype)


def _to_odd(c: Code, x: Value) -> Value:
    """Doubles as floats, those that are none towards the neighbour with an odd last digit: rounded
    to half precision, that gives what rounding once does.
    """
    near = c.convert("fptrunc", x, "float")
    back, bits = c.convert("fpext", near, "double"), c.bits(near)
    beyond = c.compare("ogt", c.intrinsic("fabs", back), c.intrinsic("fabs", x))
    odd = c.binary("or", c.select(beyond, c.binary("sub", bits, 1), bits), 1)
    bits = c.select(c.compare("one", back, x), odd, bits)
    return c.convert("bitcast", bits, "float")


def _to_integer(c: Code, x: Value, dtype: DType) -> Value:
    """Towards zero; NaN and what is out of range as the processor's own conversion to 32 or 64
    bits, of which the low bits are taken.
    """
    if x.type == _HALF:
        x = c.convert("fpext", x, "float")
    to = ir_type(dtype)
    if to == "i64" and kind(dtype) == "u":
        big = c.compare("oge", x, 2.0**63)
        low = _truncated(c, c.select(big, c.fsub(x, 2.0**63), x), "i64")
        return c.binary("xor", low, c.select(big, c.const(-(2**63), "i64"), 0))
    wide = "i64" if BITS[to] == 64 or (to == "i32" and kind(dtype) == "u") else "i32"
    out = _truncated(c, x, wide)
    return c.convert("trunc", out, to)


def _truncated(c: Code, x: Value, to: str) -> Value:
    limit = 2.0 ** (BITS[to] - 1)
    if to == "i32" and x.type == "double":
        inside = c.binary("and", c.compare("olt", x, limit), c.compare("ogt", x, -limit - 1))
    else:
        inside = c.binary("and", c.compare("olt", x, limit), c.compare("oge", x, -limit))
    safe = c.select(inside, x, 0)
    return c.select(inside, c.convert("fptosi", safe, to), -(2 ** (BITS[to] - 1)))


# --- complex numbers -----------------------------------------------------------------------------


def _complex(native: Native, name: str, dtype: DType, operands: tuple[Lane, ...]) -> Lane:
    rule = _COMPLEX.get(name)
    if rule is None:
        raise Unsupported(f"{name} of {operands[0].dtype}")
    out = rule(native.code, *(o.parts for o in operands))
    return Lane(dtype, *(out if isinstance(out, tuple) else (out,)))


Pair = tuple[Value, Value]


def _complex_multiply(c: Code, x: Pair, y: Pair) -> Pair:
    real = c.fsub(c.fmul(x[0], y[0]), c.fmul(x[1], y[1]))
    return real, c.fadd(c.fmul(x[0], y[1]), c.fmul(x[1], y[0]))


def _complex_divide(c: Code, x: Pair, y: Pair) -> Pair:
    """R. L. Smith, Algorithm 116: Complex division, CACM 5 (1962), as NumPy has it."""
    (a, b), (p, q) = x, y
    size, other = c.intrinsic("fabs", p), c.intrinsic("fabs", q)
    first = c.compare("oge", size, other)
    large, small = c.select(first, p, q), c.select(first, q, p)
    ratio = c.fdiv(small, large)
    scale = c.fdiv(c.const(1, large.type), c.fadd(large, c.fmul(small, ratio)))
    ar, br = c.fmul(a, ratio), c.fmul(b, ratio)
    real = c.fmul(c.select(first, c.fadd(a, br), c.fadd(ar, b)), scale)
    imag = c.fmul(c.select(first, c.fsub(b, ar), c.fsub(br, a)), scale)
    zero = c.binary("and", c.compare("oeq", size, 0), c.compare("oeq", other, 0))
    return c.select(zero, c.fdiv(a, size), real), c.select(zero, c.fdiv(b, size), imag)


def _both(opcode: str) -> Callable[[Code, Pair, Pair], Pair]:
    return lambda c, x, y: (c.binary(opcode, x[0], y[0]), c.binary(opcode, x[1], y[1]))


def _parts_tests(join: str, name: str) -> Callable[..., Value]:
    def rule(c: Code, *operands: Pair) -> Value:
        test = _RULES[name, "f"]
        first, second = (test(c, *(o[i] for o in operands)) for i in (0, 1))
        return c.binary(join, first, second)

    return rule


_COMPLEX: dict[str, Callable[..., Any]] = {
    "complex": lambda c, x, y: (c.alike(x[0], y[0])[0], c.alike(x[0], y[0])[1]),
    "neg": lambda c, x: (c.fneg(x[0]), c.fneg(x[1])),
    "conj": lambda c, x: (x[0], c.fneg(x[1])),
    "real": lambda c, x: x[0],
    "imag": lambda c, x: x[1],
    "add": _both("fadd"),
    "sub": _both("fsub"),
    "mul": _complex_multiply,
    "div": _complex_divide,
    "isnan": _parts_tests("or", "isnan"),
    "isinf": _parts_tests("or", "isinf"),
    "isfinite": _parts_tests("and", "isfinite"),
    "eq": _parts_tests("and", "eq"),
    "ne": _parts_tests("or", "ne"),
}

# --- real numbers: (instruction, kind of the first operand) -> rule; "" for any kind -------------

Rule = Callable[..., Value]


def _opcode(opcode: str) -> Rule:
    return lambda c, x, y: c.binary(opcode, x, y)


def _same(c: Code, x: Value) -> Value:
    return x


def _intrinsic(name: str, suffix: str = "") -> Rule:
    return lambda c, *values: c.intrinsic(name, *c.alike(*values), suffix=suffix)


def _compare(predicate: str) -> Rule:
    return lambda c, x, y: c.compare(predicate, x, y)


def _never(c: Code, x: Value) -> Value:
    return c.splat(c.const(0, "i1"), x.width)


def _always(c: Code, x: Value) -> Value:
    return c.splat(c.const(1, "i1"), x.width)


def _isnan(c: Code, x: Value) -> Value:
    return c.compare("uno", x, x)


def _isinf(c: Code, x: Value) -> Value:
    return c.compare("oeq", c.intrinsic("fabs", x), float("inf"))


def _isfinite(c: Code, x: Value) -> Value:
    return c.compare("olt", c.intrinsic("fabs", x), float("inf"))


def _float_sign(c: Code, x: Value) -> Value:
    one = c.select(c.compare("ogt", x, 0), c.const(1, x.type), 0)
    signed = c.select(c.compare("olt", x, 0), c.const(-1, x.type), one)
    return c.select(_isnan(c, x), x, signed)


def _integer_sign(c: Code, x: Value) -> Value:
    positive = c.select(c.compare("sgt", x, 0), c.const(1, x.type), 0)
    return c.select(c.compare("slt", x, 0), c.const(-1, x.type), positive)


def _extremum(above: str) -> Rule:
    """The first where it is NaN or the greater (smaller), else the second; of zeros that differ in
    sign the second, in half precision the first, as NumPy has it.
    """

    def rule(c: Code, x: Value, y: Value) -> Value:
        if x.type == _HALF:
            above_or_same = above.replace("t", "e")
            return c.select(c.binary("or", c.compare(above_or_same, x, y), _isnan(c, x)), x, y)
        return c.select(c.binary("or", c.compare(above, x, y), _isnan(c, x)), x, y)

    return rule


def _pick(predicate: str) -> Rule:
    return lambda c, x, y: c.select(c.compare(predicate, x, y), x, y)


def _divisor(c: Code, x: Value, y: Value, signed: bool) -> Value:
    """y, or 1 where division by it would trap."""
    bad = c.compare("eq", y, 0)
    if signed:
        least = c.compare("eq", x, -(2 ** (BITS[x.type] - 1)))
        bad = c.binary("or", bad, c.binary("and", least, c.compare("eq", y, -1)))
    return c.select(bad, c.const(1, y.type), y)


def _wrong_side(c: Code, rest: Value, y: Value) -> Value:
    """Whether a remainder isn't 0 and has another sign than the divisor."""
    differs = c.compare("slt", c.binary("xor", rest, y), 0)
    return c.binary("and", c.compare("ne", rest, 0), differs)


def _signed_floor(c: Code, x: Value, y: Value) -> Value:
    by = _divisor(c, x, y, True)
    q = c.binary("sdiv", x, by)
    rest = c.binary("sub", x, c.binary("mul", q, by))
    down = c.select(_wrong_side(c, rest, by), c.binary("sub", q, 1), q)
    return c.select(c.compare("eq", y, 0), c.const(0, x.type), down)


def _signed_mod(c: Code, x: Value, y: Value) -> Value:
    by = _divisor(c, x, y, True)
    rest = c.binary("srem", x, by)
    moved = c.select(_wrong_side(c, rest, by), c.binary("add", rest, by), rest)
    return c.select(c.compare("eq", y, 0), c.const(0, x.type), moved)


def _division(opcode: str, signed: bool) -> Rule:
    """0 where the divisor is."""

    def rule(c: Code, x: Value, y: Value) -> Value:
        out = c.binary(opcode, x, _divisor(c, x, y, signed))
        return c.select(c.compare("eq", y, 0), c.const(0, x.type), out)

    return rule


def _shift(opcode: str) -> Rule:
    """By the width or more, or less than 0: 0, or -1 for a negative number shifted right."""

    def rule(c: Code, x: Value, y: Value) -> Value:
        far: Any = c.binary("ashr", x, BITS[x.type] - 1) if opcode == "ashr" else c.const(0, x.type)
        return c.select(c.compare("ult", y, BITS[x.type]), c.binary(opcode, x, y), far)

    return rule


def _table() -> dict[tuple[str, str], Rule]:
    rules: dict[tuple[str, str], Rule] = {
        ("select", ""): lambda c, condition, x, y: c.select(condition, x, y),
        ("real", ""): _same, ("conj", ""): _same,
        ("isnan", ""): _never, ("isinf", ""): _never, ("isfinite", ""): _always,
        ("add", "b"): _opcode("or"), ("mul", "b"): _opcode("and"),
        ("max", "b"): _opcode("or"), ("min", "b"): _opcode("and"),
        ("lt", "b"): _compare("ult"), ("le", "b"): _compare("ule"),
        ("invert", "b"): lambda c, x: c.binary("xor", x, 1), ("abs", "b"): _same,
    }  # fmt: skip
    for letter in "biu":
        for name, opcode in (("and_", "and"), ("or_", "or"), ("xor", "xor")):
            rules[name, letter] = _opcode(opcode)
        rules["eq", letter], rules["ne", letter] = _compare("eq"), _compare("ne")
    for letter in "iu":
        for name in ("add", "sub", "mul"):
            rules[name, letter] = _opcode(name)
        rules["neg", letter] = lambda c, x: c.binary("sub", c.const(0, x.type), x)
        rules["invert", letter] = lambda c, x: c.binary("xor", x, -1)
        rules["shl", letter] = _shift("shl")
    _integers(rules)
    _floats(rules)
    return rules


def _integers(rules: dict[tuple[str, str], Rule]) -> None:
    for letter, sign in (("i", "s"), ("u", "u")):
        rules["lt", letter], rules["le", letter] = _compare(f"{sign}lt"), _compare(f"{sign}le")
        rules["max", letter], rules["min", letter] = _pick(f"{sign}gt"), _pick(f"{sign}lt")
        rules["fmod", letter] = _division(f"{sign}rem", letter == "i")
    rules["abs", "i"] = _intrinsic("abs", ", i1 false")
    rules["abs", "u"] = _same
    rules["sign", "i"] = _integer_sign
    rules["sign", "u"] = lambda c, x: c.convert("zext", c.compare("ne", x, 0), x.type)
    rules["floordiv", "i"], rules["mod", "i"] = _signed_floor, _signed_mod
    rules["floordiv", "u"], rules["mod", "u"] = _division("udiv", False), _division("urem", False)
    rules["shr", "i"], rules["shr", "u"] = _shift("ashr"), _shift("lshr")


def _floats(rules: dict[tuple[str, str], Rule]) -> None:
    for name in ("add", "sub", "mul", "div"):
        rules[name, "f"] = _opcode("f" + name)
    for name, predicate in (("eq", "oeq"), ("ne", "une"), ("lt", "olt"), ("le", "ole")):
        rules[name, "f"] = _compare(predicate)
    rules["sqrt", "f"], rules["copysign", "f"] = _intrinsic("sqrt"), _intrinsic("copysign")
    rules["floor", "f"], rules["ceil", "f"] = _intrinsic("floor"), _intrinsic("ceil")
    rules["trunc", "f"], rules["rint", "f"] = _intrinsic("trunc"), _intrinsic("roundeven")
    rules["abs", "f"] = _intrinsic("fabs")
    rules["neg", "f"] = lambda c, x: c.fneg(x)
    rules["sign", "f"] = _float_sign
    rules["isnan", "f"], rules["isinf", "f"], rules["isfinite", "f"] = _isnan, _isinf, _isfinite
    rules["signbit", "f"] = lambda c, x: c.compare("slt", c.bits(x), 0)
    rules["max", "f"], rules["min", "f"] = _extremum("ogt"), _extremum("olt")


_RULES = _table()
