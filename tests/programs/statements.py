"""Statements of random programs: each takes arrays of either namespace and small integers, and is
valid by construction.

A statement is written once and run with lazytensor and with NumPy; where the standard differs from
NumPy, `REFERENCE` says what is right.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Statement = Callable[..., Any]
UNARY: dict[str, Statement] = {}
BINARY: dict[str, Statement] = {}
TERNARY: dict[str, Statement] = {}
# What NumPy gives another answer for: the name of a statement -> the right one over NumPy.
REFERENCE: dict[str, Statement] = {}

FLOATS = ("float32", "float64")


def floating(xp: Any, x: Any) -> Any:
    """x as a real floating-point array."""
    if xp.isdtype(x.dtype, "real floating"):
        return x
    if xp.isdtype(x.dtype, "complex floating"):
        return xp.real(x)
    return xp.astype(x, xp.float64 if str(x.dtype) in ("int64", "uint64") else xp.float32)


def numeric(xp: Any, x: Any) -> Any:
    """x without bool."""
    return xp.astype(x, xp.int32) if xp.isdtype(x.dtype, "bool") else x


def real(xp: Any, x: Any) -> Any:
    """x without bool or complex numbers."""
    x = numeric(xp, x)
    return xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x


def integral(xp: Any, x: Any) -> Any:
    """x as integers, from a comparison where it isn't."""
    if xp.isdtype(x.dtype, "integral"):
        return x
    return xp.astype(boolean(xp, x), xp.int32)


def boolean(xp: Any, x: Any) -> Any:
    """Where x is positive; x itself if it is bool."""
    return x if xp.isdtype(x.dtype, "bool") else real(xp, x) > 0


def pair(xp: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Both in their common dtype; where the standard names none, y in that of x."""
    a, b = x.dtype, y.dtype
    if a == b:
        return x, y
    kinds = [k for k in ("bool", "integral", "numeric") if xp.isdtype(a, k) and xp.isdtype(b, k)]
    both_floating = all(xp.isdtype(d, ("real floating", "complex floating")) for d in (a, b))
    if (kinds and "integral" in kinds and "uint64" not in (str(a), str(b))) or both_floating:
        common = xp.result_type(a, b)
        return xp.astype(x, common), xp.astype(y, common)
    if xp.isdtype(b, "complex floating"):
        y = xp.real(y)
    return x, xp.astype(y, a) if not xp.isdtype(a, "bool") else boolean(xp, y)


def fit(xp: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """y cut or repeated to something that broadcasts with x."""
    if _broadcasts(x.shape, y.shape):
        return x, y
    flat = xp.reshape(y, (-1,))
    n = x.shape[-1] if x.ndim else 0
    if n and flat.shape[0] >= n:
        return x, flat[:n]
    return x, flat[0] if y.size else xp.zeros((), dtype=y.dtype)


def _broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(a), reversed(b), strict=False))


def axis_of(x: Any, p: int) -> int:
    """An axis of x."""
    return p % x.ndim if x.ndim else 0


def unary(f: Statement) -> Statement:
    """f(xp, x, p) as a statement."""
    UNARY[f.__name__] = f
    return f


def binary(f: Statement) -> Statement:
    """f(xp, x, y, p) as a statement."""
    BINARY[f.__name__] = f
    return f


def _elementwise() -> None:
    for name in (
        *("exp", "expm1", "log", "log1p", "log2", "sqrt", "sin", "cos", "tan", "tanh", "atan"),
        *("asinh", "floor", "ceil", "trunc", "round", "acos", "sinh", "signbit"),
    ):
        UNARY[name] = lambda xp, x, p, name=name: getattr(xp, name)(floating(xp, x))
    for name in ("abs", "negative", "square", "sign", "positive"):
        UNARY[name] = lambda xp, x, p, name=name: getattr(xp, name)(numeric(xp, x))
    for name in ("isnan", "isinf", "isfinite"):
        UNARY[name] = lambda xp, x, p, name=name: getattr(xp, name)(numeric(xp, x))
    for name in ("add", "subtract", "multiply"):
        BINARY[name] = lambda xp, x, y, p, name=name: _apply(xp, name, x, y, numeric)
    for name in ("maximum", "minimum", "less", "greater_equal"):
        BINARY[name] = lambda xp, x, y, p, name=name: _apply(xp, name, x, y, real)
    for name in ("divide", "atan2", "hypot", "logaddexp", "copysign"):
        BINARY[name] = lambda xp, x, y, p, name=name: _apply(xp, name, x, y, floating)
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        BINARY[name] = lambda xp, x, y, p, name=name: _apply(xp, name, x, y, integral)
    for name in ("equal", "not_equal"):
        BINARY[name] = lambda xp, x, y, p, name=name: _apply(xp, name, x, y, numeric)
    for name in ("logical_and", "logical_or", "logical_xor"):
        BINARY[name] = lambda xp, x, y, p, name=name: _apply(xp, name, x, y, boolean)


def _apply(xp: Any, name: str, x: Any, y: Any, of: Statement) -> Any:
    x, y = fit(xp, of(xp, x), of(xp, y))
    return getattr(xp, name)(*pair(xp, x, of(xp, y)))


_elementwise()


@unary
def scaled(xp: Any, x: Any, p: int) -> Any:
    return numeric(xp, x) * (p % 7) + 1


@unary
def scaled_float(xp: Any, x: Any, p: int) -> Any:
    return floating(xp, x) * (p % 11 / 4) - 0.25


@unary
def power(xp: Any, x: Any, p: int) -> Any:
    return floating(xp, x) ** (p % 4)


@unary
def shifted(xp: Any, x: Any, p: int) -> Any:
    return integral(xp, x) << (p % 5)


@unary
def inverted(xp: Any, x: Any, p: int) -> Any:
    return ~(integral(xp, x) if p % 2 else boolean(xp, x))


@unary
def cast(xp: Any, x: Any, p: int) -> Any:
    """Only where every value has an image: not from floats to integers."""
    if xp.isdtype(x.dtype, "complex floating"):
        return xp.astype(x, xp.complex64 if p % 2 else xp.complex128)
    if xp.isdtype(x.dtype, "real floating"):
        return xp.astype(x, (xp.float32, xp.float64, xp.complex64, xp.complex128)[p % 4])
    names = ("int8", "int16", "int32", "int64", "uint8", "uint16", "float32", "float64", "bool")
    return xp.astype(x, getattr(xp, names[p % len(names)]))


@unary
def complexed(xp: Any, x: Any, p: int) -> Any:
    x = floating(xp, x)
    return xp.astype(x, xp.complex64 if x.dtype == xp.float32 else xp.complex128) * (1 + 2j)


@unary
def conjugated(xp: Any, x: Any, p: int) -> Any:
    return xp.conj(numeric(xp, x))


@unary
def imaginary(xp: Any, x: Any, p: int) -> Any:
    return xp.imag(x) if xp.isdtype(x.dtype, "complex floating") else floating(xp, x)


def _reductions() -> None:
    for name, of in (
        ("sum", numeric),
        ("max", real),
        ("min", real),
        ("any", boolean),
        ("all", boolean),
        ("mean", floating),
    ):
        UNARY[name] = lambda xp, x, p, name=name, of=of: _reduce(xp, name, of(xp, x), p)
    for name in ("argmax", "argmin"):
        UNARY[name] = lambda xp, x, p, name=name: _arg(xp, name, real(xp, x), p)


def _reduce(xp: Any, name: str, x: Any, p: int) -> Any:
    if not x.size:
        return x
    axes: Sequence[Any] = (
        None,
        axis_of(x, p),
        tuple(range(x.ndim)),
        (x.ndim - 1,) if x.ndim else (),
    )
    axis = axes[p // 2 % 4] if x.ndim else None
    return getattr(xp, name)(x, axis=axis, keepdims=bool(p % 2))


def _arg(xp: Any, name: str, x: Any, p: int) -> Any:
    return (
        getattr(xp, name)(x, axis=axis_of(x, p), keepdims=bool(p % 2)) if x.size and x.ndim else x
    )


_reductions()


@unary
def product_of_signs(xp: Any, x: Any, p: int) -> Any:
    return _reduce(xp, "prod", xp.sign(real(xp, x)), p)


@unary
def variance(xp: Any, x: Any, p: int) -> Any:
    x = floating(xp, x)
    return xp.var(x, axis=axis_of(x, p), keepdims=True) if x.size and x.ndim else x


@unary
def cumulative(xp: Any, x: Any, p: int) -> Any:
    x = numeric(xp, x)
    return xp.cumulative_sum(x, axis=axis_of(x, p), dtype=x.dtype) if x.ndim else x


@unary
def ordered(xp: Any, x: Any, p: int) -> Any:
    x = real(xp, x)
    return xp.sort(x, axis=axis_of(x, p)) if x.ndim else x


@unary
def order(xp: Any, x: Any, p: int) -> Any:
    x = real(xp, x)
    return xp.argsort(x, axis=axis_of(x, p), stable=True) if x.ndim else x


@unary
def flattened(xp: Any, x: Any, p: int) -> Any:
    return xp.reshape(x, (-1,)) if p % 2 else xp.reshape(x, (*x.shape, 1))


@unary
def halved(xp: Any, x: Any, p: int) -> Any:
    return xp.reshape(x, (2, x.size // 2)) if x.size % 2 == 0 else x


@unary
def reversed_axes(xp: Any, x: Any, p: int) -> Any:
    return xp.permute_dims(x, tuple(reversed(range(x.ndim))))


@unary
def flipped(xp: Any, x: Any, p: int) -> Any:
    return xp.flip(x, axis=axis_of(x, p)) if x.ndim else x


@unary
def rolled(xp: Any, x: Any, p: int) -> Any:
    return xp.roll(x, p % 5 - 2, axis=axis_of(x, p // 5)) if x.ndim else x


@unary
def expanded(xp: Any, x: Any, p: int) -> Any:
    return xp.expand_dims(x, axis=p % (x.ndim + 1)) if x.ndim < 5 else x


@unary
def squeezed(xp: Any, x: Any, p: int) -> Any:
    ones = [i for i, n in enumerate(x.shape) if n == 1]
    return xp.squeeze(x, axis=ones[p % len(ones)]) if ones else x


@unary
def stacked(xp: Any, x: Any, p: int) -> Any:
    return xp.stack([x, x], axis=p % (x.ndim + 1)) if x.size < 500 and x.ndim < 5 else x


@unary
def repeated(xp: Any, x: Any, p: int) -> Any:
    return xp.broadcast_to(x, (p % 3 + 1, *x.shape)) if x.size < 500 and x.ndim < 5 else x


@unary
def first(xp: Any, x: Any, p: int) -> Any:
    return x[p % x.shape[0], ...] if x.ndim and x.shape[0] else x


@unary
def every_other(xp: Any, x: Any, p: int) -> Any:
    return x[..., p % 2 :: 2] if x.ndim else x


@unary
def backwards(xp: Any, x: Any, p: int) -> Any:
    return x[::-1, ...] if x.ndim else x


@unary
def inner(xp: Any, x: Any, p: int) -> Any:
    return x[1:-1, ...] if x.ndim else x


@unary
def new_axis(xp: Any, x: Any, p: int) -> Any:
    return x[None, ...] if x.ndim < 5 else x


@unary
def masked(xp: Any, x: Any, p: int) -> Any:
    return x[boolean(xp, x)]


@unary
def triangle(xp: Any, x: Any, p: int) -> Any:
    return xp.tril(x, k=p % 3 - 1) if x.ndim >= 2 else x


@binary
def taken(xp: Any, x: Any, y: Any, p: int) -> Any:
    if not x.ndim or not x.shape[0]:
        return x
    index = xp.reshape(integral(xp, y), (-1,))[:6]
    index = xp.astype(index, xp.int64) % x.shape[0]
    return xp.take(x, index, axis=0)


@binary
def written(xp: Any, x: Any, y: Any, p: int) -> Any:
    """A slice set to numbers of another array."""
    x = xp.asarray(x, copy=True)
    if x.ndim and x.size:
        row = x[p % x.shape[0], ...]
        _, y = fit(xp, row, y)
        y = pair(xp, row, y)[1]
        fits = _broadcasts_to(y.shape, row.shape) and y.dtype == x.dtype
        x[p % x.shape[0], ...] = y if fits else row
    return x


def _broadcasts_to(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return len(a) <= len(b) and all(
        m in (1, n) for m, n in zip(reversed(a), reversed(b), strict=False)
    )


@unary
def written_where(xp: Any, x: Any, p: int) -> Any:
    """A mask set to a number."""
    x = xp.asarray(x, copy=True)
    x[boolean(xp, x)] = (p % 2 == 0) if xp.isdtype(x.dtype, "bool") else p % 3
    return x


@binary
def added_in_place(xp: Any, x: Any, y: Any, p: int) -> Any:
    x = xp.asarray(numeric(xp, x), copy=True)
    x, y = fit(xp, x, y)
    y = pair(xp, x, numeric(xp, y))[1]
    if _broadcasts_to(y.shape, x.shape) and y.dtype == x.dtype:
        x += y
    return x


@binary
def concatenated(xp: Any, x: Any, y: Any, p: int) -> Any:
    x, y = pair(xp, xp.reshape(x, (-1,)), xp.reshape(y, (-1,)))
    return xp.concat([x, y[:10]], axis=0) if x.dtype == y.dtype else x


@binary
def multiplied(xp: Any, x: Any, y: Any, p: int) -> Any:
    """A matrix product of what the arrays have in common."""
    x, y = xp.reshape(floating(xp, x), (-1,)), xp.reshape(floating(xp, y), (-1,))
    n = min(x.shape[0], y.shape[0]) // 2
    x, y = pair(xp, x[: 2 * n], y[: 2 * n])
    return xp.matmul(xp.reshape(x, (2, n)), xp.reshape(y, (n, 2)))


@binary
def chosen(xp: Any, x: Any, y: Any, p: int) -> Any:
    x, y = fit(xp, numeric(xp, x), numeric(xp, y))
    x, y = pair(xp, x, y)
    return xp.where(boolean(xp, x), x, y)


@binary
def clipped(xp: Any, x: Any, y: Any, p: int) -> Any:
    return xp.clip(floating(xp, x), -1.0, float(p % 5))


@binary
def floored(xp: Any, x: Any, y: Any, p: int) -> Any:
    return _apply(xp, "floor_divide", x, y, real)


@binary
def remaindered(xp: Any, x: Any, y: Any, p: int) -> Any:
    return _apply(xp, "remainder", x, y, real)


def _standard_floor_divide(xp: Any, x: Any, y: Any, p: int) -> Any:
    """The quotient itself where either is infinite, as the standard has it."""
    got = floored(xp, x, y, p)
    a, b = pair(xp, *fit(xp, real(xp, x), real(xp, y)))
    if not xp.isdtype(got.dtype, "real floating"):
        return got
    infinite = np.isinf(a) | np.isinf(b)
    return np.where(infinite, np.divide(a, b), got)


REFERENCE["floored"] = _standard_floor_divide
ALL: list[tuple[str, int, Statement]] = [
    *((name, 1, f) for name, f in UNARY.items()),
    *((name, 2, f) for name, f in BINARY.items()),
]
# Statements whose result is exact in NumPy as well; the others round, or add in another order.
INEXACT = {
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "sin",
    "cos",
    "tan",
    "tanh",
    "atan",
    "asinh",
    "acos",
    "sinh",
    "sum",
    "mean",
    "variance",
    "cumulative",
    "multiplied",
    "atan2",
    "hypot",
    "logaddexp",
    "power",
}
# NumPy fuses a product and a sum in some of its loops over complex numbers; here none ever is.
COMPLEX_PRODUCTS = {"multiply", "square", "complexed", "scaled"}
