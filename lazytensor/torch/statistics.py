"""Variances, quantiles, covariances.

What enters: tensors, axes, Python numbers. What leaves: tensors. It must not know how anything is
computed.
"""

from collections.abc import Callable
from math import prod as product
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang import linalg, reductions
from ..lang._checks import as_dtype, kept, squares, widened
from ..ops import g
from ..ops.scan import take_along
from . import _dtypes
from ._dispatch import FUNCTIONS, need_tensor, op
from ._dtypes import TITLES, bool_
from ._host import value
from ._record import run, run_many
from .create import filled
from .reduce import dims, over
from .tensor import Tensor
from .views import axis

Axes = tuple[int, ...]

# --- variances ------------------------------------------------------------------------------------


def variance(x: Node, axes: Axes, correction: float) -> Node:
    """Mean square distance from the mean, the count less `correction`, at least 0, in its place."""
    wide = widened(x)
    count = product(x.shape[a] for a in axes)
    center = kept(reductions.mean(wide, axes), x, axes, True)
    total = g.sum(squares(wide - center), axes)
    return total / g.constant(max(count - correction, 0.0), total)


def deviation(x: Node, axes: Axes, correction: float) -> Node:
    """The square root of the variance; where that is 0 the gradient is 0."""
    return g.root(variance(x, axes, correction))


def _rounded(f: Callable[..., Node], x: Node, axes: Axes, correction: float) -> Node:
    real = np.dtype(x.dtype.type(0).real.dtype) if x.dtype.kind == "c" else x.dtype
    found = f(x, axes, correction)
    return found if x.dtype.kind == "c" else as_dtype(found, real)


Spread = tuple[Tensor, Axes, float, bool]


def _arguments(
    refused: str, input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any
) -> Spread:
    """Of `f(x, unbiased)`, `f(x, dim, unbiased, keepdim)`, `f(x, dim, correction=…, keepdim=…)`."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if input.dtype._rank < 2:
        raise RuntimeError(refused)
    if correction is None:
        correction = 1 if unbiased or unbiased is None else 0
    return input, dims(dim, input.ndim), float(correction), keepdim


def _spread(name: str, title: str, f: Callable[..., Node]) -> None:
    def function(
        input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
        correction: Any = None,
    ) -> Tensor:  # fmt: skip
        x = need_tensor(name, input)
        text = "std and var only support floating point and complex dtypes"
        x, axes, less, keep = _arguments(text, x, dim, unbiased, keepdim, correction)
        return run(title, lambda n: over(lambda n, a: _rounded(f, n, a, less), n, axes, keep), (x,))

    def with_mean(
        input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
        correction: Any = None,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        x = need_tensor(f"{name}_mean", input)
        text = f"{name}_mean only support floating point and complex dtypes"
        x, axes, less, keep = _arguments(text, x, dim, unbiased, keepdim, correction)

        def both(n: Node) -> tuple[Node, Node]:
            first = over(lambda n, a: _rounded(f, n, a, less), n, axes, keep)
            return first, over(reductions.mean, n, axes, keep)

        return run_many(f"{title}Mean", both, (x,))

    function.__name__, with_mean.__name__ = name, f"{name}_mean"
    what = "standard deviation" if name == "std" else "variance"
    function.__doc__ = (
        f"The {what} over axes, all by default; the count less `correction` (1) in the "
        "denominator. Raises RuntimeError for integers."
    )
    with_mean.__doc__ = f"`({name}, mean)` over axes. Raises RuntimeError for integers."
    op(name, out=True)(function)
    op(f"{name}_mean", method=False)(with_mean)


_spread("std", "Std", deviation)
_spread("var", "Var", variance)

# --- quantiles ------------------------------------------------------------------------------------

_WAYS = ("linear", "lower", "higher", "midpoint", "nearest")


def _checked(name: str, x: Tensor, q: Any, way: str) -> Tensor:
    """The quantiles as a tensor. Raises RuntimeError in PyTorch's words."""
    if not x.numel():
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if not isinstance(q, Tensor) and not 0 <= q <= 1:
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
    given = q if isinstance(q, Tensor) else filled((), float(q), x.dtype, x.device)
    if given.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if x.dtype not in (_dtypes.float32, _dtypes.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if given.dtype is not x.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if way not in _WAYS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {way}"
        )
    data = np.asarray(value(given._read()))
    if isinstance(q, Tensor) and not ((data >= 0) & (data <= 1)).all():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    return given


def _ranks(last: Node, q: Node, lines: Node, skip_nan: bool, way: str) -> Node:
    """(lines, q): places among sorted elements that quantiles stand at; `last` is a place."""
    wide = g.reshape(q, (1, q.size))
    if skip_nan:
        there = g.sum(g.cast(g.invert(g.isnan(lines)), q.dtype), (1,)) - 1
        ranks = g.reshape(g.maximum(there, 0), (lines.shape[0], 1)) * wide
    else:
        ranks = g.broadcast_to(wide * last, (lines.shape[0], q.size))
        bad = g.reshape(g.any(g.isnan(lines), (1,)), (lines.shape[0], 1))
        ranks = g.where(bad, last, ranks)
    if way in ("lower", "higher"):
        return g.floor(ranks) if way == "lower" else g.ceil(ranks)
    return g.round(ranks) if way == "nearest" else ranks


def _quantiles(lines: Node, q: Node, skip_nan: bool, way: str) -> Node:
    """(lines, q) of (lines, n): sorted, and between neighbours interpolated."""
    index = g.argsort(lines, 1, False)
    ordered = take_along(g, lines, index, 1)
    ranks = _ranks(g.constant(lines.shape[1] - 1, q), q, lines, skip_nan, way)
    below = g.cast(ranks, np.dtype(np.int64))
    low = take_along(g, ordered, below, 1)
    if way not in ("linear", "midpoint"):
        return low
    weight = g.constant(0.5, ranks) if way == "midpoint" else ranks - g.floor(ranks)
    high = take_along(g, ordered, g.cast(g.ceil(ranks), np.dtype(np.int64)), 1)
    near = g.less(g.abs(weight), 0.5)
    distance = high - low
    return g.where(near, low + weight * distance, high - distance * (1 - weight))


def _arranged(x: Node, a: int | None, keepdim: bool, q: Node, f: Callable[..., Node]) -> Node:
    """The axis last, quantiles first."""
    if a is None:
        rest: Axes = (1,) * x.ndim if keepdim else ()
        found = f(g.reshape(x, (1, x.size)), q)
    else:
        others = [b for b in range(x.ndim) if b != a]
        moved = g.permute(x, (*others, a)) if x.ndim else x
        n = x.shape[a] if x.ndim else 1
        found = f(g.reshape(moved, (x.size // n, n)), q)
        rest = tuple(1 if b == a else m for b, m in enumerate(x.shape) if keepdim or b != a)
    return g.reshape(g.permute(found, (1, 0)), (*q.shape, *rest))


def _quantile(name: str, skip_nan: bool) -> None:
    def function(
        input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
        interpolation: str = "linear",
    ) -> Tensor:  # fmt: skip
        x = need_tensor(name, input)
        at = _checked("quantile", x, q, interpolation)
        a = None if dim is None else axis(dim, x.ndim)

        def f(lines: Node, q: Node) -> Node:
            return _quantiles(lines, q, skip_nan, interpolation)

        return run("~SqueezeBackward4", lambda n: _arranged(n, a, keepdim, at._read(), f), (x,))

    function.__name__ = name
    function.__doc__ = (
        "Quantiles of all elements, or along an axis, interpolated: one, or a vector of them in "
        "front. Raises RuntimeError in PyTorch's words."
    )
    op(name, out=True)(function)


_quantile("quantile", False)
_quantile("nanquantile", True)

# --- covariance -----------------------------------------------------------------------------------


def _weights(name: str, w: Any, count: int, integral: bool) -> None:
    if w.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.ndim} "
            "dimensions"
        )
    if (w.dtype._rank == 1) is not integral or w.dtype._rank not in (1, 2):
        what = "integral" if integral else "floating point"
        raise RuntimeError(
            f"cov(): expected {name} to have {what} dtype but got {name} with {TITLES[w.dtype]} "
            "dtype"
        )
    if w.numel() != count:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input "
            f"but got {w.numel()} != {count}"
        )
    if w.numel() and np.asarray(value(w._read())).min() < 0:
        raise RuntimeError(f"cov(): {name} cannot be negative")


@op()
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The covariance matrix of rows, observations counted and weighted. Raises RuntimeError."""
    f: dict[str, Any] = FUNCTIONS
    x: Any = need_tensor("cov", input)
    if x.ndim > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{x.ndim} dimensions"
        )
    if x.dtype is bool_:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = x if x.ndim == 2 else f["reshape"](x, (1, -1))
    count = rows.shape[1]
    for name, w, integral in (("fweights", fweights, True), ("aweights", aweights, False)):
        if w is not None:
            _weights(name, w, count, integral)
    w, total = _combined(f, fweights, aweights, count)
    if w is None:
        center = f["sum"](rows, 1) / total
    else:
        center = f["sum"](rows * w, 1) / total
    if (aweights is None) or correction == 0:
        norm = total - correction
    else:
        norm = total - correction * f["sum"](w * aweights) / total
    norm = norm.clip(min=0) if isinstance(norm, Tensor) else max(norm, 0)
    apart = rows - f["unsqueeze"](center, 1)
    other = f["conj"](f["t"](apart if w is None else apart * w))
    return f["squeeze"](f["true_divide"](run("Mm", linalg.matmul, (apart, other)), norm))  # type: ignore[no-any-return]


def _combined(f: Any, fweights: Any, aweights: Any, count: int) -> tuple[Any, Any]:
    """Weights of observations, None for all 1, and their sum."""
    given = [w for w in (fweights, aweights) if w is not None]
    if not given:
        return None, count
    w = given[0] if len(given) == 1 else given[0] * given[1]
    return w, f["sum"](w)


@op()
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlation coefficients of rows. Raises RuntimeError for more than two axes."""
    f: dict[str, Any] = FUNCTIONS
    x = need_tensor("corrcoef", input)
    if x.ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{x.ndim} dimensions"
        )
    c = cov(x)
    if not c.ndim:
        return f["div"](c, c)  # type: ignore[no-any-return]
    d = f["diagonal"](c)
    d = f["sqrt"](f["real"](d) if c.dtype.is_complex else d)
    c = f["div"](f["div"](c, f["unsqueeze"](d, 1)), d)
    if not c.dtype.is_complex:
        return f["clip"](c, -1, 1)  # type: ignore[no-any-return]
    return f["complex"](f["clip"](f["real"](c), -1, 1), f["clip"](f["imag"](c), -1, 1))  # type: ignore[no-any-return]
