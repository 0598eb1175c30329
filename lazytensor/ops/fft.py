"""Fourier transforms along one axis, which is not negative; the inverse ones divide by the length.

Single precision in gives single precision out. What enters and leaves: as the columns of `ir/op.py`
say. It must not know other rows but through the builder.
"""

from collections.abc import Callable
from typing import Any

from .._base.dtypes import (
    DType,
    complex64,
    complex128,
    complex_of,
    float32,
    float64,
    int64,
    real_of,
)
from .._base.shapes import Shape
from ..ir.node import Node
from ..ir.op import Op, register
from ._families import Infer

REAL, COMPLEX = (float32, float64), (complex64, complex128)


def _check(name: str, x: Node, axis: int, dtypes: tuple[DType, ...]) -> None:
    if x.dtype not in dtypes:
        raise TypeError(f"{name}: expected {dtypes[0]} or {dtypes[1]}, got {x.dtype}")
    if not 0 <= axis < x.ndim:
        raise ValueError(f"{name}: axis {axis} is out of bounds for shape {x.shape}")
    if not x.shape[axis]:
        raise ValueError(f"{name}: axis {axis} of shape {x.shape} has no elements to transform")


def _resized(x: Node, axis: int, n: int) -> Shape:
    return (*x.shape[:axis], n, *x.shape[axis + 1 :])


def _infer_complex(name: str) -> Callable[..., Infer]:
    def infer(x: Node, axis: int) -> Infer:
        _check(name, x, axis, COMPLEX)
        return x.shape, x.dtype

    return infer


def _infer_rfft(x: Node, axis: int) -> Infer:
    _check("rfft", x, axis, REAL)
    return _resized(x, axis, x.shape[axis] // 2 + 1), complex_of(x.dtype)


def _infer_irfft(x: Node, axis: int, n: int) -> Infer:
    _check("irfft", x, axis, COMPLEX)
    if n < 1 or x.shape[axis] != n // 2 + 1:
        raise ValueError(
            f"irfft: {n} numbers come from {n // 2 + 1} frequencies, not {x.shape[axis]}: "
            "crop or pad first"
        )
    return _resized(x, axis, n), real_of(x.dtype)


def _value(name: str) -> Callable[..., Any]:
    return lambda np, x, axis: getattr(np.fft, name)(x, axis=axis)


def _batch(name: str) -> Callable[..., Node]:
    return lambda g, batched, x, axis, *rest: getattr(g, name)(x, axis + 1, *rest)


def _weighted(g: Any, x: Node, axis: int, n: int, once: float, twice: float) -> Node:
    """Frequencies of n real numbers: those that stand for their conjugate too times `twice`, those
    that stand for themselves alone times `once`."""
    k = g.iota(n // 2 + 1, int64, x.device)
    alone = g.logical_or(g.equal(k, 0), g.equal(k + k, n))
    weight = g.where(alone, g.constant(once, x), g.constant(twice, x))
    line = tuple(n // 2 + 1 if a == axis else 1 for a in range(x.ndim))
    return x * g.reshape(weight, line)  # type: ignore[no-any-return]


def _rfft_transpose(g: Any, ct: Node, x: Node, axis: int) -> tuple[Node]:
    n = x.shape[axis]
    return (g.irfft(_weighted(g, ct, axis, n, n, n / 2), axis, n),)


def _irfft_transpose(g: Any, ct: Node, x: Node, axis: int, n: int) -> tuple[Node]:
    return (_weighted(g, g.rfft(ct, axis), axis, n, 1 / n, 2 / n),)


def _row(name: str, params: tuple[str, ...], domain: str, **columns: Any) -> Op:
    return register(Op(name, "fft", 1, params=params, domain=domain, batch=_batch(name), **columns))


fft = _row(
    "fft", ("axis",), "c", infer=_infer_complex("fft"), value=_value("fft"),
    transpose=lambda g, ct, x, axis: (g.ifft(ct, axis) * x.shape[axis],),
    doc="Discrete Fourier transform of complex numbers.",
)  # fmt: skip
ifft = _row(
    "ifft", ("axis",), "c", infer=_infer_complex("ifft"), value=_value("ifft"),
    transpose=lambda g, ct, x, axis: (g.fft(ct, axis) * (1 / x.shape[axis]),),
    doc="Inverse discrete Fourier transform, divided by the length.",
)  # fmt: skip
rfft = _row(
    "rfft", ("axis",), "f", infer=_infer_rfft, value=_value("rfft"), transpose=_rfft_transpose,
    doc="Discrete Fourier transform of n real numbers: its first n // 2 + 1 frequencies.",
)  # fmt: skip
irfft = _row(
    "irfft", ("axis", "n"), "c", infer=_infer_irfft,
    value=lambda np, x, axis, n: np.fft.irfft(x, n, axis), transpose=_irfft_transpose,
    doc="n real numbers from n // 2 + 1 frequencies: the inverse of `rfft`.",
)  # fmt: skip
