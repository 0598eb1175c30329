"""Summaries for TensorBoard: scalars, histograms, text, as serialized messages.

What enters: names, numbers, arrays, tensors. What leaves: bytes. It must not know files.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...tensor import Tensor
from . import _wire

__all__ = ["histogram", "histogram_raw", "scalar", "text"]

# The numbers that the format gives to types of elements.
_FLOAT, _DOUBLE, _STRING = 1, 2, 7


def make_np(x: Any) -> np.ndarray:
    """An array of what a tensor, array or number holds. Raises NotImplementedError for others."""
    if isinstance(x, np.ndarray):
        return x
    if np.isscalar(x):
        return np.array([x])
    if isinstance(x, Tensor):
        whole: Any = x.detach().cpu()
        wide = whole.float() if str(whole.dtype) == "torch.bfloat16" else whole
        return np.asarray(wide.numpy())
    raise NotImplementedError(f"Got {type(x)}, but numpy array or torch tensor are expected.")


def _value(tag: str, *fields: bytes) -> bytes:
    """A summary with one value."""
    return _wire.embed(1, _wire.text(1, tag) + b"".join(fields))


def _plugin(name: str) -> bytes:
    """The metadata that names the part of TensorBoard that shows a value."""
    return _wire.embed(9, _wire.embed(1, _wire.text(1, name)))


def scalar(
    name: str, tensor: Any, new_style: bool = False, double_precision: bool = False
) -> bytes:
    """One number. Raises AssertionError for a tensor with several."""
    array = make_np(tensor).squeeze()
    if array.ndim != 0:
        raise AssertionError(
            f"Tensor should contain one element (0 dimensions).             "
            f"Was given size: {array.size} and {array.ndim} dimensions."
        )
    number = float(array)
    if not new_style:
        return _value(name, _wire.floating(2, number, "f", always=True))
    if double_precision:
        proto = _wire.varint(1, _DOUBLE) + _wire.doubles(6, [number])
    else:
        proto = _wire.varint(1, _FLOAT) + _wire.doubles(5, [number], "f")
    return _value(name, _wire.embed(8, proto), _plugin("scalars"))


def text(tag: str, string: str) -> bytes:
    """A text, which TensorBoard reads as Markdown."""
    shape = _wire.embed(2, _wire.embed(2, _wire.varint(1, 1)))
    proto = _wire.varint(1, _STRING) + shape + _wire.text(8, string)
    return _value(f"{tag}/text_summary", _wire.embed(8, proto), _plugin("text"))


def histogram_raw(
    name: str,
    min: float,
    max: float,
    num: float,
    sum: float,
    sum_squares: float,
    bucket_limits: Iterable[float],
    bucket_counts: Iterable[float],
) -> bytes:
    """A histogram of which everything is known."""
    numbers = [
        _wire.floating(i, float(x)) for i, x in enumerate((min, max, num, sum, sum_squares), 1)
    ]
    limits = _wire.doubles(6, [float(x) for x in bucket_limits])
    counts = _wire.doubles(7, [float(x) for x in bucket_counts])
    return _value(name, _wire.embed(5, b"".join(numbers) + limits + counts))


def histogram(name: str, values: Any, bins: Any, max_bins: int | None = None) -> bytes:
    """A histogram of values. Raises ValueError where there are none."""
    flat = make_np(values).astype(float).reshape(-1)
    if flat.size == 0:
        raise ValueError("The input has no element.")
    counts, limits = np.histogram(flat, bins=bins)
    if max_bins is not None and len(counts) > max_bins:
        counts, limits = _fewer(counts, limits, len(counts) // max_bins)
    counts, limits = _support(counts, limits)
    return histogram_raw(
        name, flat.min(), flat.max(), len(flat), flat.sum(), flat.dot(flat), limits, counts
    )


def _fewer(counts: np.ndarray, limits: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Every `step` bins as one."""
    firsts = np.arange(0, len(counts), step)
    return np.add.reduceat(counts, firsts), np.append(limits[firsts], limits[-1])


def _support(counts: np.ndarray, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bins from the one before the first with a value to the last, by their upper limits.

    The bin before stands for the lower limit of the first. Raises ValueError where no bin has any.
    """
    used = np.flatnonzero(counts)
    if not used.size:
        raise ValueError("The histogram is empty, please file a bug report.")
    first, last = int(used[0]), int(used[-1]) + 1
    return np.concatenate([[0], counts[first:last]]), limits[first : last + 1]
