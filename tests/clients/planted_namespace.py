"""array-api-strict with one bug: standard deviations are a third too large.

SciPy asks the arrays for their namespace, so the bug is planted there, in a process of its own.
"""

from __future__ import annotations

from typing import Any

import array_api_strict
from array_api_strict import __array_namespace_info__, empty

__all__ = ["__array_namespace_info__", "empty"]

_std = array_api_strict.std


def std(x: Any, /, **options: Any) -> Any:
    """`std`, but wrong."""
    return _std(x, **options) * (4 / 3)


array_api_strict.std = std
