"""Whether two arrays are the same: dtype, shape and bits, but for what kind of NaN.

What enters: arrays. What leaves: an AssertionError that says where they differ.
"""

from typing import Any

import numpy as np


def _plain(x: np.ndarray) -> np.ndarray:
    """Elements in a row, parts of complex numbers one by one, half precision as single."""
    flat = np.ascontiguousarray(x).reshape(-1)
    if flat.dtype.name == "bfloat16":
        flat = flat.astype(np.float32)
    if flat.dtype.kind == "c":
        flat = flat.view(flat.real.dtype)
    return np.where(np.isnan(flat), np.nan, flat).astype(flat.dtype) if _floats(flat) else flat


def _floats(x: np.ndarray) -> bool:
    return x.dtype.kind == "f"


def same(got: np.ndarray, want: np.ndarray, what: Any) -> None:
    """Fail unless they are."""
    assert got.dtype == want.dtype and got.shape == want.shape, what
    a, b = _plain(got), _plain(want)
    if a.tobytes() != b.tobytes():
        differs = (a.view(np.uint8) != b.view(np.uint8)).reshape(-1, a.itemsize).any(1)
        bad = np.flatnonzero(differs)
        raise AssertionError(
            f"{what}: {len(bad)} of {a.size} of {got.dtype}{got.shape} differ, from {bad[:5]} on: "
            f"{a[bad[:3]]} != {b[bad[:3]]}"
        )
