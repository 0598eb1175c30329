"""Elementwise operations of several operands: bounds, choices, interpolation, comparison.

What enters: tensors and Python numbers. What leaves: tensors, Python's truth values. It must not
know how anything is computed.
"""

from collections.abc import Callable, Sequence
from math import pi
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang import pointwise as nodes
from ..lang import special
from ..ops import g
from . import return_types
from ._calls import refuse, some_tensor, tensor_first
from ._dispatch import (
    FUNCTIONS,
    alias,
    assign,
    broadcast,
    in_place,
    need_tensor,
    number,
    op,
    refuse_leaf,
    result_type,
    same_device,
)
from ._dtypes import TITLES, bool_, complex128, default, dtype, fit, float64, uint8
from ._host import value
from ._overlap import refuse_overlap
from ._record import cast, for_writing, noted, run, run_many, to_dtype, together
from ._strides import dense, elementwise_strides
from ._unbatched import no_value
from .convert import array
from .pointwise import binary, floated, is_number, pointwise, strides_like
from .tensor import Tensor, wrap

__all__ = ["several"]


def several(
    title: str, f: Callable[..., Node], operands: Sequence[Any], joint: dtype
) -> Tensor:
    """An elementwise function of tensors, numbers and None, in their common dtype."""
    given = [x for x in operands if isinstance(x, Tensor)]
    there = same_device(given)
    shape = given[0]._node.shape
    for x in given[1:]:
        shape = broadcast(shape, x._node.shape)
    like = next(t for t in given if t._node.device is there)._read()
    fixed = [number(x, joint, like) if is_number(x) else None for x in operands]

    def filled(*found: Node) -> Node:
        left = iter(together(found, there))
        return f(*[cast(next(left), joint) if isinstance(x, Tensor) else n
                   for x, n in zip(operands, fixed)])  # fmt: skip

    out = run(title, filled, given)
    out._strides = elementwise_strides(out._node.shape, given, joint=joint)
    return out


def _integral(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype._rank < 2


# --- bounds ---------------------------------------------------------------------------------------


def _clamped(name: str, title: str, x: Any, low: Any, high: Any) -> Tensor:
    need_tensor(name, x)
    bounds = [b for b in (low, high) if b is not None]
    if not bounds:
        raise RuntimeError(f"torch.{name}: At least one of 'min' or 'max' must not be None")
    for b in bounds:
        if not is_number(b):
            need_tensor(name, b, 2, "min")
    if any(result_type(t)._rank == 3 for t in (x, *bounds)):
        raise NotImplementedError("clamp is not supported for complex types")
    by_tensor = any(isinstance(b, Tensor) for b in bounds)
    if by_tensor is not (name == "clamp"):
        title += "Backward1"
    made = several(title, nodes.clamp, (x, low, high), result_type(x, *bounds))
    return made if by_tensor else noted(made, bounds=(low, high))


@op(inplace=True, out=True)
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Each element between bounds, numbers or tensors; `max` where they cross. Raises RuntimeError
    without any.
    """
    return _clamped("clamp", "Clamp", input, min, max)


@op(inplace=True, out=True)
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Each element, or a bound where it is less."""
    tensor_first("clamp_min", input, min, "min")
    return _clamped("clamp_min", "ClampMin", input, min, None)


@op(inplace=True, out=True)
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Each element, or a bound where it is greater."""
    tensor_first("clamp_max", input, max, "max")
    return _clamped("clamp_max", "ClampMax", input, None, max)


alias("clip", "clamp")
alias("clip_", "clamp_")


def _ignoring_nan(name: str, before: Callable[[Node, Node], Node]) -> None:
    def f(x: Node, y: Node) -> Node:
        first = before(x, y)
        return g.where(g.logical_or(first, g.isnan(y)), x, y)

    def function(input: Tensor, other: Tensor) -> Tensor:
        x, y = need_tensor(name, input), need_tensor(name, other, 2, "other")
        if 3 in (x.dtype._rank, y.dtype._rank):
            raise RuntimeError(f"{name} not implemented for complex tensors.")
        return binary(name, name.title(), f, x, y)

    function.__name__ = name
    function.__doc__ = f"The {name[1:]}imum of each pair, the number where the other is NaN."
    op(name, out=True)(function)


_ignoring_nan("fmax", lambda x, y: g.less_equal(y, x))
_ignoring_nan("fmin", g.less_equal)


@op(inplace=True, out=True)
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:  # fmt: skip
    """NaN (by 0) and infinities (by the greatest and least numbers) replaced."""
    x = need_tensor("nan_to_num", input)
    by = 0.0 if nan is None else nan
    out = pointwise("NanToNum", lambda n: nodes.nan_to_num(n, by, posinf, neginf), x)
    out._strides = dense(x)
    return out


# --- choices --------------------------------------------------------------------------------------


def _chosen(condition: Any, x: Any, y: Any) -> Tensor:
    c = need_tensor("where", condition, 1, "condition")
    if c.dtype not in (bool_, uint8):
        raise RuntimeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{TITLES[c.dtype]}"
        )
    for k, t in ((2, x), (3, y)):
        if not is_number(t):
            need_tensor("where", t, k, "input" if k == 2 else "other")
    joint = result_type(x, y)
    given = [t for t in (x, y) if isinstance(t, Tensor)]
    there = same_device([c, *given])
    shape: tuple[int, ...] = c._node.shape
    for t in given:
        shape = broadcast(shape, t._node.shape)
    on = together([cast(c._read(), bool_)], there)[0]
    parts = [t if isinstance(t, Tensor) else wrap(number(t, joint, on, True)) for t in (x, y)]
    out = run("Where", lambda *n: g.where(on, *[cast(m, joint) for m in together(n, there)]), parts)
    copies = [t if t.dtype is joint else wrap(t._node, t.dtype, dense(t)) for t in given]
    out._strides = elementwise_strides(out._node.shape, [c, *copies], len(given) < 2)
    return noted(out, holds=c._strides)  # type: ignore[no-any-return]


@op(method=False, out=True)
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where a condition holds, else `other`; the places where it holds, without them."""
    if input is None and other is None:
        return FUNCTIONS["nonzero"](condition, as_tuple=True)
    return _chosen(condition, input, other)


@op(name="where", function=False)
def _where_method(input: Tensor, condition: Tensor, other: Any) -> Tensor:
    """The tensor where a condition holds, else `other`."""
    return _chosen(condition, input, other)


@op(inplace=True, out=True)
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 below 0, 1 above, `values` at 0. Raises RuntimeError for different dtypes."""
    x, v = need_tensor("heaviside", input), need_tensor("heaviside", values, 2, "values")
    if 3 in (x.dtype._rank, v.dtype._rank):
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if x.dtype is not v.dtype:
        raise RuntimeError(
            "heaviside is not yet implemented for tensors with different dtypes."
        )
    return binary("heaviside", "Heaviside", nodes.heaviside, x, v)


# --- interpolation, products and quotients added --------------------------------------------------

_C = {
    "uint8": "unsigned char", "int8": "signed char", "int16": "short", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float",
    "float64": "double", "bool": "bool", "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}  # fmt: skip


def _alike(x: Tensor, y: Tensor, name: str) -> None:
    if x.dtype is not y.dtype:
        a, b = _C.get(x.dtype._name), _C.get(y.dtype._name)
        raise RuntimeError(f"expected dtype {a} for `{name}` but got dtype {b}")


@op(inplace=True, out=True)
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight * (end - input), of one dtype. Raises RuntimeError, NotImplementedError for
    integers.
    """
    x, y = need_tensor("lerp", input), need_tensor("lerp", end, 2, "end")
    _alike(x, y, "end")
    by_tensor = isinstance(weight, Tensor)
    if by_tensor:
        _alike(x, weight, "weight")
    elif not is_number(weight):
        need_tensor("lerp", weight, 3, "weight")
    refuse(x, f"lerp_kernel_{'tensor' if by_tensor else 'scalar'}", "01")
    return several("LerpBackward1" if by_tensor else "Lerp", nodes.lerp, (x, y, weight), x.dtype)


def _accumulating(name: str, f: Callable[..., Node]) -> None:
    def function(input: Tensor, tensor1: Any, tensor2: Any, *rest: Any, value: Any = 1) -> Tensor:
        if rest:
            value, tensor1, tensor2 = tensor1, tensor2, rest[0]
        x = need_tensor(name, input)
        a = need_tensor(name, tensor1, 2, "tensor1")
        b = need_tensor(name, tensor2, 3, "tensor2")
        if name == "addcdiv" and _integral(a) and _integral(b):
            raise RuntimeError(_DIVISION)
        joint = result_type(x, a, b)
        refuse(joint, f"{name}_cpu_out", "0")
        by = fit(value, joint)
        return several(name.title(), lambda x, a, b: f(x, a, b, by), (x, a, b), joint)

    function.__name__ = name
    sign = "*" if name == "addcmul" else "/"
    function.__doc__ = f"input + value * tensor1 {sign} tensor2. NotImplementedError for bool."
    op(name, inplace=True, out=True)(function)


_DIVISION = (
    "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will "
    "perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be "
    "implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer "
    "inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv "
    "behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all "
    "dtypes."
)
_accumulating("addcmul", nodes.addcmul)
_accumulating("addcdiv", nodes.addcdiv)

# --- powers, integers -----------------------------------------------------------------------------


def _wide(input: Any, exponent: Any) -> dtype:
    return complex128 if result_type(input, exponent)._rank == 3 else float64


@op(out=True)
def float_power(input: Any, exponent: Any) -> Tensor:
    """input ** exponent in float64, or complex128. Raises TypeError for two numbers."""
    some_tensor("float_power", input, exponent, ("input", "exponent"))
    of = _wide(input, exponent)
    x, y = (to_dtype(t, of) if isinstance(t, Tensor) else t for t in (input, exponent))
    return FUNCTIONS["pow"](x, y)  # type: ignore[no-any-return]


@op(function=False)
def float_power_(input: Tensor, exponent: Any) -> Tensor:
    """`float_power`, in place. Raises RuntimeError unless the tensor has its dtype."""
    of = _wide(input, exponent)
    if input.dtype is not of:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {TITLES[input.dtype]} but the operation's "
            f"result requires dtype {TITLES[of]}"
        )
    return in_place(float_power, "float_power", input, exponent)  # type: ignore[no-any-return]


@op(inplace=True, out=True)
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input * 2 ** other."""
    x, y = need_tensor("ldexp", input), need_tensor("ldexp", other, 2, "other")
    joint = result_type(x, y)
    if x.dtype._rank == 2:
        refuse(y, "ldexp_cpu_exp", "0")
    return several("Ldexp", nodes.ldexp, (x, y), joint if joint._rank > 1 else default())


@op(out=True)
def frexp(input: Tensor) -> Any:
    """`(mantissa, exponent)`: mantissas in [1/2, 1), int32 exponents. Raises RuntimeError."""
    x = need_tensor("frexp", input)
    if x.dtype._rank != 2:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    found = run_many("Frexp", nodes.frexp, (x,))
    for t in found:
        t._strides = dense(x)
    return return_types.frexp(found)


def _divisor(name: str, f: Callable[[Node, Node], Node]) -> None:
    def function(input: Tensor, other: Tensor) -> Tensor:
        x, y = need_tensor(name, input), need_tensor(name, other, 2, "other")
        joint = result_type(x, y)
        refuse(joint, f"{name}_cpu", "023")
        return binary(name, "", f, x, y)

    function.__name__ = name
    what = "greatest common divisor" if name == "gcd" else "least common multiple"
    function.__doc__ = f"The {what} of each pair of integers, not negative."
    op(name, inplace=True, out=True)(function)


_divisor("gcd", special.gcd)
_divisor("lcm", special.lcm)

# --- one operand ----------------------------------------------------------------------------------


def _converted(name: str, factor: float) -> None:
    def function(input: Tensor) -> Tensor:
        x = need_tensor(name, input)
        if x.dtype._rank == 3:
            raise RuntimeError(f"{name} is not supported for complex tensors.")
        return pointwise(name.title(), lambda n: n * factor, floated(x))

    function.__name__ = name
    function.__doc__ = f"`{name}` of each angle."
    op(name, inplace=True, out=True)(function)


_converted("deg2rad", pi / 180)
_converted("rad2deg", 180 / pi)


@op(inplace=True, out=True)
def frac(input: Tensor) -> Tensor:
    """What is behind the point. Raises NotImplementedError unless real floating point."""
    x = need_tensor("frac", input)
    refuse(x, "frac_cpu", "013")
    return pointwise("Frac", lambda n: n - g.trunc(n), x)


@op()
def positive(input: Tensor) -> Tensor:
    """The tensor itself. Raises RuntimeError for bool."""
    if need_tensor("positive", input).dtype is bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def _infinite(name: str, sign: float) -> None:
    def function(input: Tensor) -> Tensor:
        x = need_tensor(name, input)
        if x.dtype._rank == 3:
            raise RuntimeError(f"{name} does not support complex inputs.")
        n = x._read()
        if x.dtype._rank < 2:
            none = g.broadcast_to(cast(g.constant(0, n), bool_), n.shape)
            return wrap(none, bool_, strides_like(x))
        return wrap(g.equal(n, sign * float("inf")), bool_, strides_like(x))

    function.__name__ = name
    function.__doc__ = f"Whether each element is {'+' if sign > 0 else '-'}infinity."
    op(name, out=True)(function)


_infinite("isposinf", 1)
_infinite("isneginf", -1)

# --- comparison -----------------------------------------------------------------------------------


@op()
def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """|input - other| <= atol + rtol * |other|. Raises RuntimeError for different dtypes."""
    x, y = need_tensor("isclose", input), need_tensor("isclose", other, 2, "other")
    if x.dtype is not y.dtype:
        raise RuntimeError(f"{TITLES[x.dtype]} did not match {TITLES[y.dtype]}")
    for name, bound in (("rtol", rtol), ("atol", atol)):
        if bound < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {bound:g}")
    return binary(
        "isclose", "", lambda a, b: nodes.isclose(a, b, rtol, atol, equal_nan), x, y, of=bool_
    )


@op()
def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all elements are close, as Python's bool. Raises as `isclose`."""
    need_tensor("allclose", input)
    close = isclose(input, other, rtol, atol, equal_nan)
    return bool(array(close, no_value("allclose")).all())


@op()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shapes and all elements are equal, as Python's bool."""
    x, y = need_tensor("equal", input), need_tensor("equal", other, 2, "other")
    if x._node.shape != y._node.shape:
        return False
    joint = result_type(x, y)
    same = g.equal(cast(x._read(), joint), cast(y._read(), joint))
    return bool(np.asarray(value(same)).all())


@op()
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero. Raises RuntimeError for another number of elements."""
    return bool(need_tensor("is_nonzero", input))


# --- filling --------------------------------------------------------------------------------------


@op(name="zero_")
def zero_(input: Tensor) -> Tensor:
    """Every element 0, in place."""
    refuse_leaf(input)
    return assign(input, for_writing(input, _filled, "Zero", input, 0))


@op(name="fill_")
def fill_(input: Tensor, value: Any) -> Tensor:
    """Every element one number, or that of a tensor without axes, in place. Raises RuntimeError."""
    refuse_leaf(input, (value,))
    if isinstance(value, Tensor):  # which PyTorch copies
        refuse_overlap(input)
    title = "FillBackward3" if isinstance(value, Tensor) else "FillBackward2"
    return assign(input, for_writing(input, _filled, title, input, value))


def _filled(title: str, x: Tensor, new: Any) -> Tensor:
    """A tensor of one number. Raises RuntimeError for a tensor with axes."""
    if isinstance(new, Tensor) and new.ndim:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {new.ndim} "
            "dimensions."
        )

    def f(n: Node, *given: Node) -> Node:
        one = cast(given[0], x.dtype) if given else number(new, x.dtype, n)
        return g.broadcast_to(one, n.shape)

    given = [new] if isinstance(new, Tensor) else []
    out = run(title, f, (x, *given), x.dtype)
    out._strides = dense(x)
    return out


@op(name="fill", method=False)
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of one number, of the size and dtype of another."""
    title = "FillBackward1" if isinstance(value, Tensor) else "Fill"
    return _filled(title, need_tensor("fill", input), value)

