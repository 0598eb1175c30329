"""Elementwise operations, with PyTorch's promotion, names and places in memory.

What enters: tensors and Python numbers. What leaves: tensors. It must not know how anything is
computed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._base.devices import CPU
from ..ir.node import Node, apply
from ..ir.op import Op
from ..ops import elementwise as rows
from ..ops import g
from ._calls import OPERANDS, no_such_call, refuse, some_tensor, tensor_first
from ._dispatch import (
    NUMBERS,
    alias,
    broadcast,
    in_place,
    need_tensor,
    number,
    op,
    result_type,
)
from ._dtypes import bool_, default, dtype
from ._graph import MODE
from ._host import known
from ._overlap import refuse_overlap
from ._record import cast, distinct, noted, record, together
from ._strides import dense, elementwise_strides
from .tensor import Ints, Tensor, is_contiguous, wrap

# --- one tensor -----------------------------------------------------------------------------------


def pointwise(name: str, f: Callable[..., Node], x: Tensor, of: dtype | None = None) -> Tensor:
    """An elementwise function of one tensor, recorded as `name`."""
    node = x._read()
    return record(wrap(f(node), of, strides_like(x)), name, (x,), (node,))


def strides_like(x: Tensor) -> Ints | None:
    """Strides of an elementwise result: those of x where its elements fill memory, each once."""
    if x._strides is None or is_contiguous(x._node.shape, x._strides):
        return None
    return elementwise_strides(x._node.shape, (x,))


def floated(x: Tensor) -> Tensor:
    """Integers and booleans in the default floating-point dtype, with their own history."""
    if x.dtype._rank > 1:
        return x
    out = wrap(cast(x._read(), default()), None, dense(x))
    out._fn, out._out = x._edge()
    return out


def unary(
    name: str, title: str, f: Callable[[Node], Node], floating: bool = True, refused: str = ""
) -> None:
    """Make `torch.name(x)` public: integers in floating point if `floating`."""

    def function(input: Tensor) -> Tensor:
        x = need_tensor(name, input)
        refuse(x, f"{name}_vml_cpu", refused)
        return pointwise(title, f, floated(x) if floating else x)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each element. Source: PyTorch's documentation of it."
    op(name, inplace=True, out=True)(function)


def _row(row: Op) -> Callable[[Node], Node]:
    return lambda x: apply(row, (x,))


for _name, _title, _op in (
    ("exp", "Exp", rows.exp), ("expm1", "Expm1", rows.expm1), ("log", "Log", rows.log),
    ("log1p", "Log1P", rows.log1p), ("log2", "Log2", rows.log2), ("log10", "Log10", rows.log10),
    ("sin", "Sin", rows.sin), ("cos", "Cos", rows.cos), ("tan", "Tan", rows.tan),
    ("asin", "Asin", rows.asin), ("acos", "Acos", rows.acos), ("atan", "Atan", rows.atan),
    ("sinh", "Sinh", rows.sinh), ("cosh", "Cosh", rows.cosh), ("tanh", "Tanh", rows.tanh),
    ("asinh", "Asinh", rows.asinh), ("acosh", "Acosh", rows.acosh), ("atanh", "Atanh", rows.atanh),
    ("sqrt", "Sqrt", rows.sqrt_), ("erf", "Erf", rows.erf),
    ("reciprocal", "Reciprocal", rows.reciprocal),
):  # fmt: skip
    unary(_name, _title, _row(_op), refused="3" if _name == "erf" else "")
for _new, _old in (("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan"), ("arcsinh", "asinh"),
                   ("arccosh", "acosh"), ("arctanh", "atanh")):  # fmt: skip
    alias(_new, _old)
    alias(_new + "_", _old + "_")

unary("rsqrt", "Rsqrt", lambda x: g.reciprocal(g.sqrt(x)))
unary("exp2", "Exp2", lambda x: g.exp(g.multiply(x, float(np.log(2.0)))))


@op(inplace=True, out=True)
def square(input: Tensor) -> Tensor:
    """`pow(2)`: of bool, int64."""
    return pow(need_tensor("square", input), 2)


@op(inplace=True, out=True)
def neg(input: Tensor) -> Tensor:
    """The negative of each element. Raises RuntimeError for bool."""
    if need_tensor("neg", input).dtype is bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
            "invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return pointwise("Neg", _row(rows.negative), input)


alias("negative", "neg")
alias("negative_", "neg_")


@op(out=True)
def abs(input: Tensor) -> Tensor:
    """Absolute values; of complex numbers their moduli, which are real. Raises NotImplementedError
    for bool.
    """
    x = need_tensor("abs", input)
    refuse(x, "abs_cpu", "0")
    out = pointwise("Abs", _row(rows.abs_), x)
    if x.dtype._rank == 3:
        out._strides = dense(x)
    return out


@op()
def abs_(input: Tensor) -> Tensor:
    """`abs`, in place. Raises NotImplementedError for bool, RuntimeError for complex numbers."""
    refuse_overlap(need_tensor("abs_", input))
    refuse(input, "abs_cpu", "0")
    if input.dtype._rank == 3:
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    return in_place(abs, "abs", input)  # type: ignore[no-any-return]


alias("absolute", "abs")
alias("absolute_", "abs_")


@op(inplace=True, out=True)
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1 of each element."""
    x = need_tensor("sign", input)
    if x.dtype._rank == 3:
        raise NotImplementedError(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use "
            "torch.sgn instead."
        )
    return pointwise("Sign", (lambda n: n) if x.dtype is bool_ else real_sign, x)


def real_sign(x: Node) -> Node:
    """The sign, of real NaN 0, unlike NumPy's."""
    if x.dtype.kind != "f":
        return g.sign(x)
    return g.where(g.isnan(x), g.constant(0, x), g.sign(x))


@op(inplace=True, out=True)
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)) of each element."""
    return pointwise("Sigmoid", _sigmoid, floated(need_tensor("sigmoid", input)))


def _sigmoid(x: Node) -> Node:
    """By tanh, which neither overflows nor loses figures at either end."""
    if x.dtype.kind == "c":
        return g.reciprocal(g.add(g.exp(g.negative(x)), 1))
    below = g.signbit(x)
    e = g.exp(g.where(below, x, g.negative(x)))
    return g.divide(g.where(below, e, g.constant(1, x)), g.add(e, 1))


@op(inplace=True, out=True)
def bitwise_not(input: Tensor) -> Tensor:
    """Each bit inverted; of bool, logical not. Raises RuntimeError for floating point."""
    x = need_tensor("bitwise_not", input)
    refuse(x, "bitwise_not_cpu", "23")
    return pointwise("", _row(rows.invert), x)


@op(inplace=True, out=True)
def logical_not(input: Tensor) -> Tensor:
    """Whether each element is zero."""
    x = need_tensor("logical_not", input)
    return pointwise("", lambda n: g.invert(cast(n, bool_)), x, bool_)


def _rounding(name: str, row: Op) -> None:
    def function(input: Tensor) -> Tensor:
        x = need_tensor(name, input)
        if x.dtype._rank == 3:
            raise NotImplementedError(f"{name} is not supported for complex inputs")
        refuse(x, f"{name}_vml_cpu", "0")
        return pointwise(name.title(), _row(row) if x.dtype._rank > 1 else lambda n: n, x)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each element; integers as they are."
    op(name, inplace=True, out=True)(function)


for _name, _op in (("floor", rows.floor), ("ceil", rows.ceil), ("trunc", rows.trunc)):
    _rounding(_name, _op)
alias("fix", "trunc")
alias("fix_", "trunc_")


@op(inplace=True, out=True)
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Each element rounded to `decimals`, halves to even."""
    x = need_tensor("round", input)
    refuse(x, "round_vml_cpu", "03")
    if x.dtype._rank < 2:
        return pointwise("Round", lambda n: n, x)
    if not decimals:
        return pointwise("Round", _row(rows.round_), x)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    up, down = (g.multiply, g.divide) if decimals > 0 else (g.divide, g.multiply)
    return pointwise("Round", lambda n: down(g.round(up(n, scale)), scale), x)


def _predicate(name: str, f: Callable[[Node], Node], out: bool = False) -> None:
    def function(input: Tensor) -> Tensor:
        x = need_tensor(name, input)
        if x.dtype._rank == 3 and name == "signbit":
            raise NotImplementedError("signbit is not implemented for complex tensors.")
        return wrap(f(x._read()), bool_, strides_like(x))

    function.__name__ = name
    function.__doc__ = f"`{name}` of each element, bool."
    op(name, out=out)(function)


_predicate("isnan", _row(rows.isnan))
_predicate("isinf", _row(rows.isinf))
_predicate("isfinite", _row(rows.isfinite))
_predicate("signbit", lambda n: g.broadcast_to(g.cast(g.constant(0, n), bool_.numpy), n.shape)
           if n.dtype.kind in "bu" else g.signbit(n), True)  # fmt: skip


# --- two operands ---------------------------------------------------------------------------------


def is_number(x: Any) -> bool:
    """Whether it is a Python number, or NumPy's."""
    return isinstance(x, NUMBERS)


def binary(
    name: str,
    title: str,
    f: Callable[[Node, Node], Node],
    a: Any,
    b: Any,
    *,
    floating: bool = False,
    of: dtype | None = None,
    work: dtype | None = None,
) -> Tensor:
    """An elementwise function of two operands in their common dtype, recorded as `name`."""
    tensors = _operands(name, a, b)
    joint = work or result_type(a, b)
    if floating and joint._rank < 2:
        joint = default()
    read = near = [x._read() for x in tensors]
    if len(tensors) == 2:
        broadcast(a._node.shape, b._node.shape)
        if read[0] is read[1]:
            read = near = distinct(read)
        if read[0].device is not read[1].device:
            near = together(read)
    rest = iter(near)
    out = f(*[cast(next(rest), joint) if isinstance(x, Tensor) else number(x, joint, read[0], True)
              for x in (a, b)])  # fmt: skip
    copied = joint if work is None else result_type(a, b)
    strides = elementwise_strides(out.shape, tensors, len(tensors) < 2 and out.ndim > 0, copied)
    made = wrap(out, of, strides)
    if MODE.grad and title:
        return record(made, title, tensors, read)
    if MODE.inference:
        made._inference = True
    return made


def _operands(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    found = tuple([x for x in (a, b) if isinstance(x, Tensor)])
    for position, (x, argument) in enumerate(((a, "input"), (b, "other")), 1):
        if not isinstance(x, Tensor) and not is_number(x):
            raise TypeError(
                f"{name}(): argument '{argument}' (position {position}) must be Tensor, not "
                f"{type(x).__name__}"
            )
    if not found:
        raise TypeError(
            f"{name}(): argument 'input' (position 1) must be Tensor, not {type(a).__name__}"
        )
    return found


@op(inplace=True, out=True)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """input + alpha * other."""
    made = binary("add", "Add", _scaled(g.add, input, other, alpha), input, other)
    return made if type(alpha) is int and alpha == 1 else noted(made, alpha=alpha)


@op(inplace=True, out=True)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """input - alpha * other. Raises RuntimeError for bool."""
    if _among_bools(input, other):
        both = all(isinstance(x, bool) or (isinstance(x, Tensor) and x.dtype is bool_)
                   for x in (input, other))  # fmt: skip
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
            if both
            else "Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
            "trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    made = binary("sub", "Sub", _scaled(g.subtract, input, other, alpha), input, other)
    return made if type(alpha) is int and alpha == 1 else noted(made, alpha=alpha)


def _among_bools(*operands: Any) -> bool:
    return any(
        x.dtype is bool_ if isinstance(x, Tensor) else type(x) is bool for x in operands
    )


def _scaled(f: Callable[[Node, Node], Node], x: Any, y: Any, alpha: Any) -> Any:
    """`f` of x and alpha * y. Raises RuntimeError for integers and a floating-point alpha."""
    if type(alpha) is int and alpha == 1:
        return f
    joint = result_type(x, y)
    if isinstance(alpha, float) and joint._rank < 2:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating "
                           "point number.")  # fmt: skip
    return lambda m, n: f(m, g.multiply(n, number(alpha, joint, n)))


alias("subtract", "sub")
alias("subtract_", "sub_")


@op(inplace=True)
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """other - alpha * input."""
    if not isinstance(input, Tensor) or not isinstance(other, OPERANDS):
        raise no_such_call(
            "rsub", (input, other), "Tensor input, Tensor other, *, Number alpha = 1",
            "Tensor input, Number other, Number alpha = 1",
        )  # fmt: skip
    if _among_bools(input, other):
        sub(other, input)
    f = _scaled(g.subtract, other, input, alpha)
    title = "RsubBackward1" if is_number(other) else "Rsub"
    return noted(binary("rsub", title, lambda x, y: f(y, x), input, other), alpha=alpha)  # type: ignore[no-any-return]


@op(inplace=True, out=True)
def mul(input: Any, other: Any) -> Tensor:
    """input * other; of bool, logical and."""
    return binary("mul", "Mul", g.multiply, input, other)


alias("multiply", "mul")
alias("multiply_", "mul_")


@op(inplace=True, out=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other; rounded with `rounding_mode` "trunc" or "floor"."""
    if rounding_mode is None:
        return binary("div", "Div", g.divide, input, other, floating=True)
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"'{rounding_mode}'"
        )
    refuse(result_type(input, other), f"div_{rounding_mode}_cpu", "03")
    _refuse_zero(input, other)
    f = _truncated if rounding_mode == "trunc" else _floored
    return binary("div", "Div", f, input, other)


def _refuse_zero(x: Any, y: Any) -> None:
    """Raises RuntimeError where integers on the CPU are divided by a 0 that is known."""
    if result_type(x, y)._rank > 1:
        return
    tensors = [t for t in (x, y) if isinstance(t, Tensor)]
    if not all(t._node.size and t._node.device is CPU for t in tensors):
        return
    found = known(y._read()) if isinstance(y, Tensor) else y
    if found is not None and not (found.all() if isinstance(found, np.ndarray) else found):
        raise RuntimeError("ZeroDivisionError")


def _truncated(x: Node, y: Node) -> Node:
    if x.dtype.kind == "f":
        return g.trunc(g.divide(x, y))
    quotient = g.floor_divide(x, y)
    if x.dtype.kind in "bu":
        return quotient
    exact = g.equal(g.multiply(quotient, y), x)
    below = g.logical_and(g.invert(exact), g.less(g.bitwise_xor(x, y), 0))
    return g.where(below, g.add(quotient, 1), quotient)


for _new in ("divide", "true_divide"):
    alias(_new, "div")
    alias(_new + "_", "div_")


@op(inplace=True, out=True)
def floor_divide(input: Any, other: Any) -> Tensor:
    """The largest integer not above input / other."""
    refuse(result_type(input, other), "div_floor_cpu", "03")
    _refuse_zero(input, other)
    return binary("floor_divide", "", _floored, input, other)


def _floored(x: Node, y: Node) -> Node:
    """As C++ code has it: infinite over finite numbers are NaN, -1 over infinity is -1."""
    if x.dtype.kind != "f":
        return g.floor_divide(x, y)
    rest = g.fmod(x, y)
    ratio = g.divide(g.subtract(x, rest), y)
    ratio = g.where(_apart(rest, y), g.subtract(ratio, 1.0), ratio)
    low = g.floor(ratio)
    near = g.where(g.less(0.5, g.subtract(ratio, low)), g.add(low, 1.0), low)
    plain = g.divide(x, y)
    near = g.where(g.equal(ratio, 0.0), g.copysign(g.constant(0.0, plain), plain), near)
    return g.floor(g.where(g.equal(y, 0.0), plain, near))  # which is flat


def _apart(rest: Node, y: Node) -> Node:
    """Where there is a rest of another sign than the divisor's."""
    signs = g.not_equal(g.less(y, 0.0), g.less(rest, 0.0))
    return g.logical_and(g.not_equal(rest, 0.0), signs)


@op(inplace=True, out=True)
def remainder(input: Any, other: Any) -> Tensor:
    """input - other * floor(input / other): of the sign of `other`."""
    some_tensor("remainder", input, other, rest="")
    refuse(result_type(input, other), "remainder_cpu", "03")
    _refuse_zero(input, other)
    return binary("remainder", "Remainder", _remainder, input, other)


def _remainder(x: Node, y: Node) -> Node:
    """C's remainder, moved to the sign of y: without a rest it is 0 of the sign of x."""
    if x.dtype.kind != "f":
        return g.remainder(x, y)
    rest = g.fmod(x, y)
    return g.where(_apart(rest, y), g.add(rest, y), rest)


@op(inplace=True, out=True)
def fmod(input: Any, other: Any) -> Tensor:
    """The remainder of C: of the sign of `input`."""
    tensor_first("fmod", input, other)
    refuse(result_type(input, other), "fmod_cpu", "03")
    _refuse_zero(input, other)
    return binary("fmod", "Fmod", g.fmod, input, other)


_POWERS: dict[Any, Callable[[Node], Node]] = {
    2: _row(rows.square),
    3: lambda x: g.multiply(g.multiply(x, x), x),
    -1: _row(rows.reciprocal),
}


def _power(x: Tensor, exponent: Any) -> Callable[[Node], Node] | None:
    """How PyTorch has a power that it doesn't leave to the general function."""
    wide = x.dtype._rank == 2 and x.dtype.itemsize >= 4
    return _POWERS.get(exponent) if exponent == 2 or wide else None


@op(inplace=True, out=True)
def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent. Raises RuntimeError for integers to negative powers."""
    some_tensor("pow", input, exponent, ("input", "exponent"))
    if is_number(exponent) and isinstance(input, Tensor):
        if input.dtype._rank < 2 and type(exponent) is int and exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        joint = result_type(input, exponent)
        known = _power(input, exponent) if joint is input.dtype else None
        if known is not None:
            return pointwise("Pow", known, input)
        out = binary("pow", "Pow", g.pow, input, exponent)
        out._strides = elementwise_strides(input._node.shape, (input,), joint=joint)
        return out
    refuse(result_type(input, exponent), "pow", "0")
    title = "PowBackward2" if is_number(input) else "PowBackward1"
    return binary("pow", title, g.pow, input, exponent)


def _comparison(name: str, f: Callable[[Node, Node], Node], symbol: str) -> None:
    def function(input: Any, other: Any) -> Tensor:
        tensor_first(name, input, other)
        if name not in ("eq", "ne") and (joint := result_type(input, other))._rank == 3:
            if isinstance(other, Tensor):
                broadcast(input._node.shape, other._node.shape)
            refuse(joint, f"{name}_cpu")
        return binary(name, "", f, input, other, of=bool_)

    function.__name__ = name
    function.__doc__ = f"input {symbol} other of each pair of elements, bool."
    op(name, inplace=True, out=True)(function)


_comparison("eq", g.equal, "==")
_comparison("ne", g.not_equal, "!=")
_comparison("lt", g.less, "<")
_comparison("le", g.less_equal, "<=")
_comparison("gt", lambda x, y: g.less(y, x), ">")
_comparison("ge", lambda x, y: g.less_equal(y, x), ">=")
for _new, _old in (("not_equal", "ne"), ("less", "lt"), ("less_equal", "le"), ("greater", "gt"),
                   ("greater_equal", "ge")):  # fmt: skip
    alias(_new, _old)
    alias(_new + "_", _old + "_")


def _pairwise(
    name: str, title: str, f: Callable[[Node, Node], Node], floating: bool = False,
    numbers: bool = False, inplace: bool = True, refused: str = "",
) -> None:  # fmt: skip
    def function(input: Any, other: Any) -> Tensor:
        if numbers:
            tensor_first(name, input, other)
        else:
            need_tensor(name, input)
            need_tensor(name, other, 2, "other")
        joint = result_type(input, other)
        if joint._rank == 3 and not inplace:
            raise RuntimeError(f"{name} not implemented for complex tensors.")
        refuse(joint, f"{name}_cpu", refused)
        return binary(name, title, f, input, other, floating=floating)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each pair of elements."
    op(name, inplace=inplace, out=True)(function)


_pairwise("maximum", "Maximum", g.maximum, inplace=False)
_pairwise("minimum", "Minimum", g.minimum, inplace=False)
_pairwise("atan2", "Atan2", g.atan2, True, refused="3")
_pairwise("hypot", "Hypot", g.hypot, refused="013")
_pairwise("copysign", "Copysign", g.copysign, True, True, refused="3")
_pairwise("nextafter", "Nextafter", g.nextafter, refused="013")
alias("arctan2", "atan2")
alias("arctan2_", "atan2_")


def _bitwise(name: str, f: Callable[[Node, Node], Node], kernel: str = "") -> None:
    def function(input: Any, other: Any) -> Tensor:
        some_tensor(name, input, other, rest="")
        refuse(result_type(input, other), f"{kernel or name}_cpu", "023" if kernel else "23")
        return binary(name, "", f, input, other)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each pair of integers, or booleans."
    op(name, inplace=True, out=True)(function)


for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    _bitwise(_name, getattr(g, _name))
_bitwise("bitwise_left_shift", g.left_shift, "lshift")
_bitwise("bitwise_right_shift", g.right_shift, "rshift")


def _logical(name: str, f: Callable[[Node, Node], Node]) -> None:
    def function(input: Tensor, other: Tensor) -> Tensor:
        need_tensor(name, input)
        need_tensor(name, other, 2, "other")
        return binary(name, "", f, input, other, of=bool_, work=bool_)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each pair: zero is false, all else true."
    op(name, inplace=True, out=True)(function)


for _name in ("logical_and", "logical_or", "logical_xor"):
    _logical(_name, getattr(g, _name))


__all__ = ["binary", "floated", "in_place", "is_number", "pointwise", "strides_like", "unary"]
