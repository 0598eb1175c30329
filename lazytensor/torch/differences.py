"""Numerical gradients along axes, from values at points that lie evenly or not.

What enters: tensors, distances or coordinates. What leaves: a tensor for each axis. It must not
know how anything is computed.
"""

from typing import Any

from ._dispatch import FUNCTIONS, need_tensor, op
from .tensor import Tensor
from .views import axes_of

__all__: list[str] = []


def _refuse(
    x: Any, axes: tuple[int, ...], spacing: Any, edge_order: int, everywhere: bool
) -> None:
    several = isinstance(spacing, list | tuple)
    if several and everywhere and len(spacing) != len(axes):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
            f"equal to 'self.dim() = {x.ndim}', since dim argument was not given, but got a list "
            f"of length {len(spacing)}"
        )
    if isinstance(spacing, list | tuple) and len(spacing) != len(axes):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim "
            f"arguments to have the same length, but got a spacing argument of length "
            f"{len(spacing)} and a dim argument of length {len(axes)}."
        )
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for t in spacing if isinstance(spacing, list | tuple) else ():
        if isinstance(t, Tensor) and t.device != x.device:
            raise RuntimeError(
                "torch.gradient expected each tensor to be on the same device, but got devices "
                f"{x.device} and {t.device}!"
            )
    if any(x.shape[a] < edge_order + 1 for a in axes):
        raise RuntimeError(
            "torch.gradient expected each dimension size to be at least edge_order+1"
        )


def _piece(x: Any, a: int, start: int, count: int = 1) -> Any:
    return x.narrow(a, start % x.shape[a], count)


def _even(x: Any, a: int, step: Any, edge_order: int) -> Any:
    """Central differences of points `step` apart, and one-sided ones of an order at both ends."""
    n = x.shape[a]
    first, last = (_piece(x, a, i) for i in (0, -1))
    if edge_order == 1:
        ends = [(_piece(x, a, 1) - first) / step, (last - _piece(x, a, -2)) / step]
    else:
        ends = [
            (-1.5 * first + 2.0 * _piece(x, a, 1) - 0.5 * _piece(x, a, 2)) / step,
            (0.5 * _piece(x, a, -3) - 2.0 * _piece(x, a, -2) + 1.5 * last) / step,
        ]
    middle = (_piece(x, a, 2, n - 2) - _piece(x, a, 0, n - 2)) / step / 2 if n > 2 else None
    return _joined(a, ends, middle)


def _joined(a: int, ends: list[Any], middle: Any) -> Any:
    return FUNCTIONS["cat"]([ends[0], ends[1]] if middle is None else [ends[0], middle, ends[1]], a)


def _weighted(x: Any, a: int, starts: tuple[int, int, int], before: Any, after: Any) -> Any:
    """The derivative of the parabola through three neighbours, at the middle one."""
    both, n = before + after, before.shape[a]
    parts = [_piece(x, a, s, n) for s in starts]
    return (
        -after / (before * both) * parts[0]
        + (after - before) / (before * after) * parts[1]
        + before / (after * both) * parts[2]
    )


def _end(x: Any, a: int, places: tuple[int, int, int], near: Any, far: Any) -> Any:
    """The derivative of the parabola through an end and the next two points, at the end."""
    both = near + far
    here, next_, then = (_piece(x, a, p) for p in places)
    return (
        -(2.0 * near + far) / (near * both) * here
        + both / (near * far) * next_
        - near / (far * both) * then
    )


def _uneven(x: Any, a: int, points: Any, edge_order: int) -> Any:
    """Derivatives of parabolas through neighbours, whose coordinates are given."""
    n = x.shape[a]
    shape = [1] * x.ndim
    shape[a] = n - 1
    steps = (points[1:] - points[:-1]).reshape(shape)
    near = [_piece(steps, a, i) for i in (0, -1)]
    if edge_order == 1:
        ends = [
            (_piece(x, a, 1) - _piece(x, a, 0)) / near[0],
            (_piece(x, a, -1) - _piece(x, a, -2)) / near[1],
        ]
    else:
        ends = [
            _end(x, a, (0, 1, 2), near[0], _piece(steps, a, 1)),
            -_end(x, a, (-1, -2, -3), near[1], _piece(steps, a, -2)),
        ]
    middle = None
    if n > 2:
        before, after = _piece(steps, a, 0, n - 2), _piece(steps, a, 1, n - 2)
        middle = _weighted(x, a, (0, 1, 2), before, after)
    return _joined(a, ends, middle)


@op(method=False)
def gradient(
    input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Derivatives along axes, all by default, by differences. Raises RuntimeError for arguments
    that don't fit.
    """
    x: Any = need_tensor("gradient", input)
    axes = tuple(range(x.ndim)) if dim is None else axes_of(dim, x.ndim)
    _refuse(x, axes, spacing, edge_order, dim is None)
    steps = spacing if isinstance(spacing, list | tuple) else [spacing] * len(axes)
    return tuple([
        _uneven(x, a, step, edge_order)
        if isinstance(step, Tensor) and step.ndim
        else _even(x, a, 1.0 if step is None else step, edge_order)
        for a, step in zip(axes, steps)
    ])  # fmt: skip
