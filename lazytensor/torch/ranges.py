"""Numbers at equal distances, their powers, matrices with ones on the diagonal.

What enters: bounds, steps, dtypes, devices. What leaves: tensors, or PyTorch's errors. It must not
know operations on tensors.
"""

from math import ceil, isfinite
from typing import Any

import numpy as np

from ..ir.node import Node, scalar
from ..ops import g
from . import _dtypes
from ._calls import no_such_call, refuse
from ._dispatch import FUNCTIONS
from ._dtypes import default, dtype, fit
from ._host import placed_new
from ._record import cast
from .create import assign_out, new, place, public
from .tensor import Tensor

__all__: list[str] = []


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, Tensor | np.generic) else x


@public()
def arange(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None,
    dtype: dtype | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers from start up to, without, end, by step: int64 of ints, else the default dtype."""
    first, last, by = map(_number, (0, start, step) if end is None else (start, end, step))
    refuse(_dtypes.int64 if dtype is None else dtype, "arange_cpu", "03")
    _refuse_range(first, last, by)
    whole = all(isinstance(v, int) for v in (first, last, by))
    of = dtype or (out.dtype if out is not None else _dtypes.int64 if whole else default())
    count = _steps(first, last, by, of)
    made = new(_line(first, by, count, of, place(device)), of, requires_grad)
    return made if out is None else assign_out(out, made)


def _refuse_range(first: Any, last: Any, by: Any) -> None:
    if by == 0:
        raise RuntimeError("step must be nonzero")
    if not (isfinite(first) and isfinite(last)):
        raise RuntimeError(f"unsupported range: {first:g} -> {last:g}")
    if (by > 0 and first > last) or (by < 0 and first < last):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def _steps(first: Any, last: Any, by: Any, of: dtype) -> int:
    """How many numbers there are: in int64 bounds and steps count without their fractions."""
    if of is _dtypes.int64:
        whole = [fit(v, of) for v in (first, last, by)]
        if not whole[2]:
            raise ValueError("step must be nonzero")
        return len(range(*whole))
    count = ceil((float(last) - float(first)) / float(by))
    if count >= 2**63:
        raise RuntimeError("invalid size, possible overflow?")
    return max(0, count)


def _line(first: Any, by: Any, count: int, of: dtype, device: Any) -> Node:
    """first + i * by, computed in int64 or double and rounded once, as PyTorch does."""
    number = _dtypes.int64 if of._rank < 2 else _dtypes.float64
    i = g.iota(count, number.numpy, device)
    if (first, by) != (0, 1):
        i = g.add(g.multiply(i, scalar(fit(by, number), number.numpy, device)),
                  scalar(fit(first, number), number.numpy, device))  # fmt: skip
    return cast(i, of)


@public()
def range_(start: Any = 0, end: Any = None, step: Any = 1, **kwargs: Any) -> Tensor:
    """Numbers from start to end, which is included, by step; without `device` on the CPU."""
    count = int((end - start) / step) + 1
    of, device = kwargs.get("dtype") or default(), kwargs.get("device")
    where = place("cpu" if device is None else device)
    return new(_line(float(start), float(step), count, of, where), of)


FUNCTIONS["range"] = FUNCTIONS.pop("range_")


@public()
def linspace(
    start: Any, end: Any, steps: int, *, out: Tensor | None = None, dtype: dtype | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` numbers at equal distances from start to end, both included."""
    _no_axes("linspace", start, end)
    first, last = _number(start), _number(end)
    steps = _counted("linspace", start, end, steps)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    complex_ = isinstance(first, complex) or isinstance(last, complex)
    of = _spaced_dtype("linspace", dtype, complex_)
    found = _spaced(first, last, steps, of)
    made = new(placed_new(found, place(device)), of, requires_grad)
    return made if out is None else assign_out(out, made)


def _spaced_dtype(name: str, of: dtype | None, complex_: bool) -> dtype:
    """Raises RuntimeError for a real dtype of complex ends."""
    meant = default().to_complex() if complex_ else default()
    if of is not None and complex_ and of._rank != 3:
        raise RuntimeError(
            f"{name}(): inferred dtype c10::complex<float> can't be safely cast to passed dtype "
            f"{_dtypes.TITLES[of]}"
        )
    return meant if of is None else of


def _no_axes(name: str, start: Any, end: Any) -> None:
    tensors = [(word, x) for word, x in (("start", start), ("end", end)) if isinstance(x, Tensor)]
    if any(x.ndim for _, x in tensors):
        found = " and ".join(f"{word} with {x.ndim} dimension(s)" for word, x in tensors)
        raise RuntimeError(
            f"{name} only supports 0-dimensional start and end tensors, but got {found}."
        )


_REST = (
    "*, Tensor out = None, torch.dtype dtype = None, torch.layout layout = None, torch.device "
    "device = None, bool pin_memory = False, bool requires_grad = False"
)


def _counted(name: str, start: Any, end: Any, steps: Any, base: str = "") -> int:
    """The number of steps. Raises TypeError for what is no integer, RuntimeError below zero."""
    if not isinstance(steps, int | np.integer):
        kinds = (("Tensor", "Tensor"), ("Number", "Tensor"), ("Tensor", "Number"),
                 ("Number", "Number"))  # fmt: skip
        listed = [f"{a} start, {b} end, int steps, {base}{_REST}" for a, b in kinds]
        raise no_such_call(name, (start, end, steps), *listed)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return int(steps)


def _spaced(first: Any, last: Any, steps: int, of: dtype) -> np.ndarray[Any, Any]:
    """From both ends to the middle, in the dtype itself, as PyTorch does."""
    work = of.numpy if of._rank > 1 else np.dtype(np.float64)
    if work.itemsize == 2:
        work = np.dtype(np.float32)
    a, b = work.type(first), work.type(last)
    if steps == 1:
        return np.array([a]).astype(of.numpy)
    each = (b - a) / work.type(max(steps - 1, 1))
    half = steps // 2
    found = np.arange(steps).astype(work)
    found[half:] = found[: steps - half][::-1]  # those to the other end
    found *= each
    np.add(found[:half], a, out=found[:half])
    np.subtract(b, found[half:], out=found[half:])
    return found.astype(of.numpy, copy=False)


@public()
def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: dtype | None = None,
    device: Any = None, requires_grad: bool = False, layout: Any = None, out: Any = None,
) -> Tensor:  # fmt: skip
    """`base` to the powers of a linspace."""
    _no_axes("logspace", start, end)
    count = _counted("logspace", start, end, steps, "float base = 10.0, ")
    first, last = _number(start), _number(end)
    complex_ = isinstance(first, complex) or isinstance(last, complex)
    given = out.dtype if dtype is None and out is not None else dtype
    of = _spaced_dtype("logspace", given, complex_)
    powers = _spaced(first, last, count, _dtypes.complex128 if complex_ else _dtypes.float64)
    found = np.power(base, powers).astype(of.numpy)
    made = new(placed_new(found, place(device)), of, requires_grad)
    return made if out is None else assign_out(out, made)


@public()
def eye(
    n: int, m: int | None = None, *, out: Tensor | None = None, dtype: dtype | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A matrix with ones on its diagonal."""
    for place_, letter, size in ((1, "n", n), (2, "m", 0 if m is None else m)):
        if not isinstance(size, int):
            raise TypeError(
                f"eye(): argument '{letter}' (position {place_}) must be int, not "
                f"{type(size).__name__}"
            )
        if size < 0:
            raise RuntimeError(f"{letter} must be greater or equal to 0, got {size}")
    of, where = dtype or default(), place(device)
    i = g.iota(n, np.dtype(np.int64), where)
    j = g.iota(n if m is None else m, np.dtype(np.int64), where)
    on = g.equal(g.reshape(i, (i.size, 1)), g.reshape(j, (1, j.size)))
    made = new(cast(on, of), of, requires_grad)
    return made if out is None else assign_out(out, made)
