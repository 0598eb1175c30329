"""Elementwise operations, with PyTorch's promotion, names and places in memory.

What enters: tensors and Python numbers. What leaves: tensors. The operators are bound here. It must
not know how anything is computed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.node import Node, apply, apply_alike, scalar
from ..ir.op import Op
from ..ops import elementwise as rows
from ..ops import g
from . import _dtypes
from ._dispatch import (
    FUNCTIONS,
    NUMBERS,
    alias,
    broadcast,
    cast,
    distinct,
    elementwise_strides,
    in_place,
    need_tensor,
    number,
    op,
    record,
    result_type,
    same_device,
    saved_entry,
    to_dtype,
)
from ._dtypes import bool_, default, dtype
from ._graph import MODE, grad_fn_class
from .tensor import Ints, Tensor, wrap
from .views import dense

# --- one tensor -----------------------------------------------------------------------------------


def pointwise(name: str, f: Callable[..., Node], x: Tensor, of: dtype | None = None) -> Tensor:
    """An elementwise function of one tensor, recorded as `name`."""
    node = x._read()
    return record(wrap(f(node), of, strides_like(x)), name, (x,), (node,))


def strides_like(x: Tensor) -> Ints | None:
    """Strides of an elementwise result: those of x where its elements fill memory, each once."""
    if x._strides is None:
        return None
    own = dense(x)
    return own if own is x._strides else elementwise_strides(x._node.shape, (x,))


def floated(x: Tensor) -> Tensor:
    """Integers and booleans in the default floating-point dtype."""
    return x if x.dtype._rank > 1 else to_dtype(x, default())


def unary(
    name: str, title: str, f: Callable[[Node], Node], floating: bool = True, refused: str = ""
) -> None:
    """Make `torch.name(x)` public: integers in floating point if `floating`."""

    def function(input: Tensor) -> Tensor:
        x = need_tensor(name, input)
        if refused and x.dtype._rank in map(int, refused):
            raise RuntimeError(f'"{name}_cpu" not implemented for {_titled(x)}')
        return pointwise(title, f, floated(x) if floating else x)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each element. Source: PyTorch's documentation of it."
    op(name, inplace=True, out=True)(function)


def _titled(x: Tensor) -> str:
    return f"'{_dtypes.TITLES[x.dtype]}'"


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
    unary(_name, _title, _row(_op))
for _new, _old in (("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan"), ("arcsinh", "asinh"),
                   ("arccosh", "acosh"), ("arctanh", "atanh")):  # fmt: skip
    alias(_new, _old)
    alias(_new + "_", _old + "_")

unary("rsqrt", "Rsqrt", lambda x: g.reciprocal(g.sqrt(x)))
unary("square", "Pow", _row(rows.square), floating=False)
unary("exp2", "Exp2", lambda x: g.exp(g.multiply(x, float(np.log(2.0)))))


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


@op(inplace=True, out=True)
def abs(input: Tensor) -> Tensor:
    """Absolute values; of complex numbers their moduli, which are real."""
    x = need_tensor("abs", input)
    return input if x.dtype is bool_ else pointwise("Abs", _row(rows.abs_), x)


alias("absolute", "abs")
alias("absolute_", "abs_")


@op(inplace=True, out=True)
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1 of each element."""
    x = need_tensor("sign", input)
    if x.dtype._rank == 3:
        raise RuntimeError(
            "Unlike NumPy, torch.sign doesn't support complex numbers. Please use torch.sgn instead"
        )
    return pointwise("Sign", (lambda n: n) if x.dtype is bool_ else _row(rows.sign), x)


@op(inplace=True, out=True)
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)) of each element."""
    return pointwise("Sigmoid", _sigmoid, floated(need_tensor("sigmoid", input)))


def _sigmoid(x: Node) -> Node:
    """By tanh, which neither overflows nor loses figures at either end."""
    if x.dtype.kind == "c":
        return g.reciprocal(g.add(g.exp(g.negative(x)), 1))
    e = g.exp(g.negative(g.abs(x)))
    return g.divide(g.where(g.signbit(x), e, g.constant(1, x)), g.add(e, 1))


@op(inplace=True, out=True)
def bitwise_not(input: Tensor) -> Tensor:
    """Each bit inverted; of bool, logical not. Raises RuntimeError for floating point."""
    x = need_tensor("bitwise_not", input)
    if x.dtype._rank > 1:
        raise RuntimeError(f'"bitwise_not_cpu" not implemented for {_titled(x)}')
    return pointwise("", _row(rows.invert), x)


@op(inplace=True, out=True)
def logical_not(input: Tensor) -> Tensor:
    """Whether each element is zero."""
    x = need_tensor("logical_not", input)
    return pointwise("", lambda n: g.invert(cast(n, bool_)), x, bool_)


def _rounding(name: str, row: Op) -> None:
    def function(input: Tensor) -> Tensor:
        x = need_tensor(name, input)
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
    if x.dtype._rank < 2:
        return pointwise("Round", lambda n: n, x)
    if not decimals:
        return pointwise("Round", _row(rows.round_), x)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    up, down = (g.multiply, g.divide) if decimals > 0 else (g.divide, g.multiply)
    return pointwise("Round", lambda n: down(g.round(up(n, scale)), scale), x)


def _predicate(name: str, f: Callable[[Node], Node]) -> None:
    def function(input: Tensor) -> Tensor:
        x = need_tensor(name, input)
        return wrap(f(x._read()), bool_, strides_like(x))

    function.__name__ = name
    function.__doc__ = f"`{name}` of each element, bool."
    op(name)(function)


_predicate("isnan", _row(rows.isnan))
_predicate("isinf", _row(rows.isinf))
_predicate("isfinite", _row(rows.isfinite))
_predicate("signbit", lambda n: g.broadcast_to(g.cast(g.constant(0, n), bool_.numpy), n.shape)
           if n.dtype.kind in "bu" else g.signbit(n))  # fmt: skip


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
    like = tensors[0]._read()
    nodes = [cast(x._read(), joint) if isinstance(x, Tensor) else number(x, joint, like)
             for x in (a, b)]  # fmt: skip
    if len(tensors) == 2:
        broadcast(a._node.shape, b._node.shape)
    if nodes[0] is nodes[1]:
        nodes = distinct(nodes)
    out = f(*nodes)
    strides = elementwise_strides(out.shape, tensors)
    made = wrap(out, of, strides)
    if MODE.grad and made.dtype._rank > 1:
        read = [n for n, x in zip(nodes, (a, b)) if isinstance(x, Tensor)]
        casted = [_cast_recorded(x, n) for x, n in zip(tensors, read)]
        return record(made, title, casted, read)
    if MODE.inference:
        made._inference = True
    return made


def _cast_recorded(x: Tensor, node: Node) -> Tensor:
    """The tensor, or where its value was cast the recorded cast of it."""
    own = x._node
    if node.dtype is own.dtype or not x.requires_grad:
        return x
    return record(wrap(node), "ToCopy", (x,), (own,))


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
    if len(found) == 2:
        same_device(found)
    return found


@op(inplace=True, out=True)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """input + alpha * other."""
    return binary("add", "Add", g.add, input, _scaled("add", input, other, alpha))


@op(inplace=True, out=True)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """input - alpha * other. Raises RuntimeError for bool."""
    if any(isinstance(x, Tensor) and x.dtype is bool_ for x in (input, other)):
        both = all(isinstance(x, bool) or (isinstance(x, Tensor) and x.dtype is bool_)
                   for x in (input, other))  # fmt: skip
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
            if both
            else "Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
            "trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return binary("sub", "Sub", g.subtract, input, _scaled("sub", input, other, alpha))


def _scaled(name: str, x: Any, y: Any, alpha: Any) -> Any:
    if type(alpha) is int and alpha == 1:
        return y
    if isinstance(alpha, float) and result_type(x, y)._rank < 2:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating "
                           "point number.")  # fmt: skip
    return mul(y, alpha) if isinstance(y, Tensor) else y * alpha


alias("subtract", "sub")
alias("subtract_", "sub_")


@op(inplace=True)
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """other - alpha * input."""
    scaled = _scaled("rsub", other, input, alpha)
    return binary("rsub", "Rsub", lambda x, y: g.subtract(y, x), scaled, other)


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
    f = _truncated if rounding_mode == "trunc" else _floored
    return binary("div", "Div", f, input, other)


def _truncated(x: Node, y: Node) -> Node:
    if x.dtype.kind in "fc":
        return g.trunc(g.divide(x, y))
    quotient = g.floor_divide(x, y)
    if x.dtype.kind in "bu":
        return quotient
    exact = g.equal(g.multiply(quotient, y), x)
    below = g.logical_and(g.invert(exact), g.less(g.bitwise_xor(x, y), 0))
    return g.where(below, g.add(quotient, 1), quotient)


def _floored(x: Node, y: Node) -> Node:
    return g.floor(g.divide(x, y)) if x.dtype.kind == "c" else g.floor_divide(x, y)


for _new in ("divide", "true_divide"):
    alias(_new, "div")
    alias(_new + "_", "div_")


@op(inplace=True, out=True)
def floor_divide(input: Any, other: Any) -> Tensor:
    """The largest integer not above input / other."""
    return binary("floor_divide", "", _floored, input, other)


@op(inplace=True, out=True)
def remainder(input: Any, other: Any) -> Tensor:
    """input - other * floor(input / other): of the sign of `other`."""
    return binary("remainder", "Remainder", g.remainder, input, other)


@op(inplace=True, out=True)
def fmod(input: Any, other: Any) -> Tensor:
    """The remainder of C: of the sign of `input`."""
    return binary("fmod", "Fmod", g.fmod, input, other)


@op(inplace=True, out=True)
def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent. Raises RuntimeError for integers to negative powers."""
    if is_number(exponent) and isinstance(input, Tensor):
        if input.dtype._rank < 2 and type(exponent) is int and exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        if exponent == 2 and result_type(input, exponent) is input.dtype:
            return pointwise("Pow", _row(rows.square), input)
    return binary("pow", "Pow", g.pow, input, exponent)


def _comparison(name: str, f: Callable[[Node, Node], Node], symbol: str) -> None:
    def function(input: Any, other: Any) -> Tensor:
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
    name: str, title: str, f: Callable[[Node, Node], Node], floating: bool = False
) -> None:
    def function(input: Any, other: Any) -> Tensor:
        return binary(name, title, f, input, other, floating=floating)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each pair of elements."
    op(name, inplace=True, out=True)(function)


_pairwise("maximum", "Maximum", g.maximum)
_pairwise("minimum", "Minimum", g.minimum)
_pairwise("atan2", "Atan2", g.atan2, True)
_pairwise("hypot", "Hypot", g.hypot)
_pairwise("copysign", "Copysign", g.copysign, True)
_pairwise("nextafter", "Nextafter", g.nextafter)
alias("arctan2", "atan2")
alias("arctan2_", "atan2_")


def _bitwise(name: str, f: Callable[[Node, Node], Node]) -> None:
    def function(input: Any, other: Any) -> Tensor:
        joint = result_type(input, other)
        if joint._rank > 1:
            raise RuntimeError(f'"{name}_cpu" not implemented for \'{_dtypes.TITLES[joint]}\'')
        return binary(name, "", f, input, other)

    function.__name__ = name
    function.__doc__ = f"`{name}` of each pair of integers, or booleans."
    op(name, inplace=True, out=True)(function)


for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    _bitwise(_name, getattr(g, _name))
_bitwise("bitwise_left_shift", g.left_shift)
_bitwise("bitwise_right_shift", g.right_shift)


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


# --- operators ------------------------------------------------------------------------------------
# The way of `x * y` and `x * 2.0` with nothing to cast or broadcast is as short as it can be: these
# few lines are most of what an operation on a small tensor costs.

_new_object = object.__new__


def _direct(row: Op, title: str, slow: Any, cross: bool) -> Callable[[Tensor, Any], Any]:
    """The operator of a row; `cross` where each operand's gradient needs the other."""
    fn_class = grad_fn_class(title + "Backward0")

    def operator(self: Tensor, other: Any) -> Any:
        kind = type(other)
        if kind is float or kind is int:
            if self.dtype._rank != 2 or type(self) not in FAST:
                return _slow(slow, self, other)
            x = self._read()
            y = scalar(other, x.dtype, x.device)
        elif kind in FAST:
            if self.dtype is not other.dtype or self.dtype._rank < 2 or type(self) not in FAST:
                return _slow(slow, self, other)
            x, y = self._read(), other._read()
            if x.shape != y.shape or x.device is not y.device or x is y:
                return _slow(slow, self, other)
            if other._strides is not None:
                return _slow(slow, self, other)
        else:
            return _slow(slow, self, other)
        if self._strides is not None or MODE.inference or MODE.hooks:
            return _slow(slow, self, other)
        out: Tensor = _new_object(Tensor)
        out.dtype = self.dtype
        out._node = node = apply_alike(row, (x, y), x, x.dtype)
        if MODE.grad:
            edge = self._edge()
            if kind in FAST:
                theirs = other._edge()
                if edge[0] is not None or theirs[0] is not None:
                    saved = []
                    if cross and theirs[0] is not None:
                        saved.append(saved_entry(self))
                    if cross and edge[0] is not None:
                        saved.append(saved_entry(other))
                    out._fn = fn_class((edge, theirs), (x, y), (node,), tuple(saved))
            elif edge[0] is not None:
                out._fn = fn_class((edge,), (x,), (node,))
        return out

    return operator


FAST: set[type] = {Tensor}


def _slow(slow: Any, x: Any, y: Any) -> Any:
    if isinstance(y, (*NUMBERS, Tensor)) or hasattr(y, "__torch_function__"):
        return slow(x, y)
    return NotImplemented


def _plain(name: str, swapped: bool = False) -> Callable[[Tensor, Any], Any]:
    def operator(self: Tensor, other: Any) -> Any:
        public = getattr(Tensor, name)
        if swapped:
            return _slow(lambda a, b: public(b, a), self, other)
        return _slow(public, self, other)

    return operator


def _written(name: str) -> Callable[[Tensor, Any], Any]:
    def operator(self: Tensor, other: Any) -> Any:
        return _slow(getattr(Tensor, name + "_"), self, other)

    return operator


def _bind(symbol: str, operator: Any) -> None:
    operator.__name__ = operator.__qualname__ = f"__{symbol}__"
    setattr(Tensor, f"__{symbol}__", operator)


def _bind_all() -> None:
    def public(name: str) -> Any:
        return getattr(Tensor, name)

    for symbol, name, row, title, cross in (
        ("add", "add", rows.add, "Add", False),
        ("sub", "sub", rows.subtract, "Sub", False),
        ("mul", "mul", rows.multiply, "Mul", True),
    ):
        _bind(symbol, _direct(row, title, public(name), cross))
        _bind("i" + symbol, _written(name))
    _bind("radd", _direct(rows.add, "Add", public("add"), False))
    _bind("rmul", _direct(rows.multiply, "Mul", public("mul"), True))
    _bind("rsub", _plain("rsub"))
    for symbol, name in (
        ("truediv", "div"), ("floordiv", "floor_divide"), ("mod", "remainder"), ("pow", "pow"),
        ("and", "bitwise_and"), ("or", "bitwise_or"), ("xor", "bitwise_xor"),
        ("lshift", "bitwise_left_shift"), ("rshift", "bitwise_right_shift"),
    ):  # fmt: skip
        _bind(symbol, _plain(name))
        _bind("r" + symbol, _plain(name, True))
        _bind("i" + symbol, _written(name))
    _bind("rtruediv", _reciprocal)
    for symbol in ("eq", "ne", "lt", "le", "gt", "ge"):
        _bind(symbol, _plain(symbol))
    for symbol, name in (("neg", "neg"), ("abs", "abs"), ("invert", "bitwise_not")):
        setattr(Tensor, f"__{symbol}__", public(name))
    _bind("pos", lambda self: self)
    setattr(Tensor, "__hash__", object.__hash__)  # noqa: B010  (comparison took it away)


def _reciprocal(self: Tensor, other: Any) -> Any:
    """other / self: as PyTorch, by the reciprocal."""
    if not isinstance(other, NUMBERS):
        return NotImplemented
    return mul(FUNCTIONS["reciprocal"](self), other)


_bind_all()
__all__ = ["binary", "floated", "in_place", "is_number", "pointwise", "strides_like", "unary"]
