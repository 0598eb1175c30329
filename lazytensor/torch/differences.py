"""`gradient`: slopes of samples along axes, by central differences and one-sided ones at the ends.

What enters: tensors, distances or places of the samples. What leaves: tensors, one an axis. It must
not know how anything is computed.
"""

from typing import Any

from . import _dtypes
from ._dispatch import FUNCTIONS, NUMBERS, need_tensor, op
from .tensor import Tensor
from .views import axes_of

__all__: list[str] = []

Ends = tuple[Tensor, Tensor, Tensor]


def _joined(parts: Ends, a: int) -> Tensor:
    return FUNCTIONS["cat"](parts, a)  # type: ignore[no-any-return]


def _even(x: Tensor, a: int, h: Any, order: int) -> Tensor:
    """Slopes of samples h apart."""
    n = x.shape[a]
    at = [x.narrow(a, i % n, 1) for i in (0, 1, 2 if n > 2 else 1, -1, -2, -3 if n > 2 else -2)]
    inner = (x.narrow(a, 2, n - 2) - x.narrow(a, 0, n - 2)) / (h * 2)
    if order == 1:
        return _joined(((at[1] - at[0]) / h, inner, (at[3] - at[4]) / h), a)
    first = (at[0] * -1.5 + at[1] * 2 + at[2] * -0.5) / h
    last = (at[3] * 1.5 + at[4] * -2 + at[5] * 0.5) / h
    return _joined((first, inner, last), a)


def _edge(f: tuple[Tensor, Tensor, Tensor], near: Tensor, far: Tensor) -> Tensor:
    """The slope at an end of three samples, at distances `near` and then `far`."""
    both = near + far
    own = (2.0 * near + far) / near / both
    return -own * f[0] + both / near / far * f[1] - near / far / both * f[2]


def _uneven(x: Tensor, a: int, places: Tensor, order: int) -> Tensor:
    """Slopes of samples at places."""
    n = x.shape[a]
    shape = [1] * x.ndim
    shape[a] = -1
    d = (places[1:] - places[:-1]).reshape(shape)
    left, right = d.narrow(a, 0, d.shape[a] - 1), d.narrow(a, 1, d.shape[a] - 1)
    both = left + right
    inner = (
        -right / (left * both) * x.narrow(a, 0, n - 2)
        + (right - left) / (left * right) * x.narrow(a, 1, n - 2)
        + left / (right * both) * x.narrow(a, 2, n - 2)
    )
    at = [x.narrow(a, i % n, 1) for i in (0, 1, -1, -2)]
    ends = [d.narrow(a, i % d.shape[a], 1) for i in (0, -1)]
    if order == 1:
        first, last = (at[1] - at[0]) / ends[0], (at[2] - at[3]) / ends[1]
        return _joined((first, inner, last), a)
    thirds = [x.narrow(a, i % n, 1) for i in (2, -3)]
    next_ = [d.narrow(a, i % d.shape[a], 1) for i in (1, -2)]
    first = _edge((at[0], at[1], thirds[0]), ends[0], next_[0])
    last = -_edge((at[2], at[3], thirds[1]), ends[1], next_[1])
    return _joined((first, inner, last), a)


def _several(spacing: Any, count: int, named: Any) -> list[Any]:
    """A distance, or places, for each axis. Raises RuntimeError for another number of them."""
    if spacing is None or isinstance(spacing, NUMBERS):
        return [1 if spacing is None else spacing] * count
    if isinstance(spacing, Tensor) or not isinstance(spacing, tuple | list):
        raise TypeError(
            "gradient() received an invalid combination of arguments: spacing must be a number, or "
            f"a sequence of numbers or of tensors, not {type(spacing).__name__}"
        )
    if len(spacing) != count and named is None:
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
            f"equal to 'self.dim() = {count}', since dim argument was not given, but got a list of "
            f"length {len(spacing)}"
        )
    if len(spacing) != count:
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim "
            "arguments to have the same length, but got a spacing argument of length "
            f"{len(spacing)} and a dim argument of length {count}."
        )
    for s in spacing:
        if isinstance(s, Tensor) and s.ndim != 1:
            raise RuntimeError(
                "torch.gradient expected each element of spacing to have one dimension, but got an "
                f"element with {s.ndim} dimensions!"
            )
    return list(spacing)


@op(method=False)
def gradient(
    input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Slopes along axes, all by default. Raises RuntimeError, IndexError for axes."""
    x = need_tensor("gradient", input)
    axes = tuple(range(x.ndim)) if dim is None else axes_of(dim, x.ndim)
    each = _several(spacing, len(axes), dim)
    if x.dtype is _dtypes.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for a in axes:
        if x.shape[a] < edge_order + 1:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1"
            )
    return tuple([
        (_uneven if isinstance(h, Tensor) else _even)(x, a, h, edge_order)
        for a, h in zip(axes, each)
    ])  # fmt: skip
