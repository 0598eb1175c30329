"""Convolutions of which each channel out reads one channel in: small products of matrices, one for
each channel of each example, with windows copied that lie as they do in memory.

What enters: padded examples, weights, gradients. What leaves: arrays. It must not know rows.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

Ints = tuple[int, ...]
# Windows of so many bytes are copied at a time.
CHUNK_BYTES = 1 << 21


def sliding(np: Any, x: Any, sizes: Ints, strides: Ints, dilations: Ints) -> Any:
    """A view (…, *sizes, *counts)."""
    k, lead = len(sizes), x.ndim - len(sizes)
    spans = tuple(d * (n - 1) + 1 for n, d in zip(sizes, dilations, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, spans, tuple(range(lead, x.ndim)))
    steps = tuple(slice(None, None, s) for s in (*strides, *dilations))
    view = view[(..., *steps)]
    inner = tuple(range(lead, lead + k))
    return view.transpose(*range(lead), *(a + k for a in inner), *inner)


def outputs(np: Any, x: Any, w: Any, counts: Ints, strides: Ints, dilations: Ints) -> Any:
    """(examples, channels out, *counts) of padded examples."""
    n, kernel = len(x), w.shape[2:]
    rows = _rows(np, x)
    weights = _repeated(np, w, n, x.shape[1])
    whole = counts if max(strides, default=1) > 1 else (counts[0], *x.shape[3:])
    out = np.empty((n * len(w), *counts), x.dtype)
    per = len(w) // x.shape[1]
    for part in _parts(len(rows), prod((*kernel, *whole)) * x.itemsize):
        if whole is counts:
            seen = sliding(np, rows[part], kernel, strides, dilations)
            found = np.matmul(weights[part], seen.reshape(len(seen), prod(kernel), -1))
        else:
            found = _in_lines(np, rows[part], weights[part], whole, counts, dilations, kernel)
        inside = found.reshape(-1, *whole)[(slice(None), *map(slice, counts))]
        out[part.start * per : part.stop * per] = inside
    return out.reshape(n, len(w), *counts)


def _in_lines(
    np: Any, rows: Any, weights: Any, whole: Ints, counts: Ints, dilations: Ints, kernel: Ints
) -> Any:
    """For strides of 1 a place of a window is an offset into a channel as one line: long pieces
    are copied. What comes out between rows, where windows would go over an edge, is not for use.
    """
    shape, item = rows.shape[1:], rows.itemsize
    pitch = [prod(shape[i + 1 :]) for i in range(len(shape))]
    length = sum((c - 1) * p for c, p in zip(counts, pitch)) + 1
    steps = (d * p * item for d, p in zip(dilations, pitch))
    view = np.lib.stride_tricks.as_strided(
        rows, (len(rows), *kernel, length), (prod(shape) * item, *steps, item), writeable=False
    )
    found = np.zeros((len(rows), weights.shape[1], prod(whole)), rows.dtype)
    found[..., :length] = np.matmul(weights, view.reshape(len(rows), prod(kernel), length))
    return found


def weights(np: Any, x: Any, y: Any, kernel: Ints, strides: Ints, dilations: Ints) -> Any:
    """(channels out, 1, *kernel): windows times what was made of them, summed over examples."""
    n, groups, many = len(x), x.shape[1], y.shape[1]
    rows, made = _rows(np, x), np.ascontiguousarray(y).reshape(n * groups, many // groups, -1)
    each = np.empty((len(rows), many // groups, prod(kernel)), x.dtype)
    for part in _parts(len(rows), prod((*kernel, *y.shape[2:])) * x.itemsize):
        seen = sliding(np, rows[part], kernel, strides, dilations)
        seen = seen.reshape(len(seen), prod(kernel), -1)
        np.matmul(made[part], seen.swapaxes(1, 2), each[part])
    return each.reshape(n, many, 1, *kernel).sum(0)


def _rows(np: Any, x: Any) -> Any:
    """Channels of examples, one after another."""
    return np.ascontiguousarray(x).reshape(-1, *x.shape[2:])


def _repeated(np: Any, w: Any, n: int, groups: int) -> Any:
    """The weights for each channel of each example: (…, channels out of it, places)."""
    own = w.reshape(1, groups, len(w) // groups, -1)
    return np.repeat(own, n, 0).reshape(n * groups, *own.shape[2:])


def _parts(n: int, each: int) -> Iterator[slice]:
    step = max(1, CHUNK_BYTES // max(each, 1))
    return (slice(i, min(i + step, n)) for i in range(0, n, step))
