"""Comparing what a client returned for our arrays with what it returned for NumPy's.

Enters: two results of any nesting (tuples, dicts, result objects, arrays, scalars). Leaves: an
`AssertionError` that names the place of the first difference. Knows no client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

# Differences this small are rounding, also where all the values are: estimates of errors, roots.
ROUNDING = {"float64": 2e-14, "complex128": 2e-14}
TOLERANCE = {"float32": 2e-5, "complex64": 2e-5, "float16": 2e-2}
Leaf = tuple[str, Any]


def leaves(value: Any, path: str = "result") -> Iterator[Leaf]:
    """Every array and plain value within a result, with the way to it."""
    if hasattr(value, "dtype") or isinstance(value, str | bytes | int | float | complex):
        yield path, value
    elif isinstance(value, Mapping):
        for key in value:
            yield from leaves(value[key], f"{path}[{key!r}]")
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    elif value is not None and hasattr(value, "__dict__"):
        public = {k: v for k, v in vars(value).items() if k[0] != "_" and not callable(v)}
        yield from leaves(public, path)


class Same:
    """The comparison for one namespace."""

    def __init__(self, xp: ModuleType) -> None:
        self.array = type(xp.asarray(0.0))

    def __call__(
        self,
        actual: Any,
        expected: Any,
        *,
        rtol: float = 1e-9,
        ours: bool = True,
        dtypes: bool = True,
    ) -> None:
        """Equal structure, dtypes, shapes and values; with `ours`, NumPy's arrays became `xp`'s."""
        found, wanted = dict(leaves(actual)), dict(leaves(expected))
        assert list(found) == list(wanted), f"other parts: {list(found)} != {list(wanted)}"
        for path, value in wanted.items():
            if ours and isinstance(value, np.ndarray):
                assert isinstance(found[path], self.array), f"{path} is {type(found[path])}"
            self._leaf(path, found[path], value, rtol, dtypes)

    def _leaf(self, path: str, found: Any, wanted: Any, rtol: float, dtypes: bool) -> None:
        if isinstance(wanted, str | bytes):
            assert found == wanted, path
            return
        got, want = np.asarray(found), np.asarray(wanted)
        if dtypes and hasattr(wanted, "dtype"):
            assert got.dtype == want.dtype, f"{path} is {got.dtype}, not {want.dtype}"
        loose = max(rtol, TOLERANCE.get(want.dtype.name, 0.0))
        atol = loose * (np.max(np.abs(want[np.isfinite(want)]), initial=0.0) if want.size else 0.0)
        small = max(min(atol, loose), ROUNDING.get(want.dtype.name, 0.0))
        np.testing.assert_allclose(got, want, rtol=loose, atol=small, err_msg=path)
        assert got.shape == want.shape, f"{path} has shape {got.shape}, not {want.shape}"
