"""Anomaly detection: where in the forward pass a failing gradient comes from.

What enters: records and what they answered. What leaves: warnings with the line that made a record,
and errors for NaN. It must not know how gradients are made.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from .._graph import ANOMALY, GradFn
from .._host import value
from ..tensor import Tensor

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled",
           "look_for_nan", "point_at", "set_detect_anomaly"]  # fmt: skip


def point_at(fn: GradFn) -> None:
    """Warn of the line of the forward pass that made a record."""
    found = fn.metadata.get("traceback_")
    if found is None:
        warnings.warn(
            f"Error detected in {fn.name()}. No forward pass information available. Enable detect "
            "anomaly during forward pass for more information.",
            stacklevel=2,
        )
        return
    warnings.warn(
        f"Error detected in {fn.name()}. Traceback of forward call that caused the error:\n"
        + "".join(found),
        stacklevel=2,
    )


def look_for_nan(fn: GradFn, parts: Sequence[Tensor | None]) -> None:
    """Raises RuntimeError where a gradient has a NaN."""
    for place, part in enumerate(parts):
        if part is None:
            continue
        found = value(part._read())
        if bool((found != found).any()):
            point_at(fn)
            raise RuntimeError(
                f"Function '{fn.name()}' returned nan values in its {place}th output."
            )


class set_detect_anomaly:
    """Turn anomaly detection on or off: from now on, and as a context."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = ANOMALY.on, ANOMALY.check_nan
        ANOMALY.on, ANOMALY.check_nan = mode, check_nan

    def __enter__(self) -> None:
        """Nothing: it is on since it was made."""

    def __exit__(self, *exception: Any) -> None:
        ANOMALY.on, ANOMALY.check_nan = self._before


class detect_anomaly:
    """A context in which records remember their line, and NaN in gradients is an error."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self._before = False, True
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before = ANOMALY.on, ANOMALY.check_nan
        ANOMALY.on, ANOMALY.check_nan = True, self.check_nan

    def __exit__(self, *exception: Any) -> None:
        ANOMALY.on, ANOMALY.check_nan = self._before


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return ANOMALY.on


def is_anomaly_check_nan_enabled() -> bool:
    """Whether it looks for NaN."""
    return ANOMALY.check_nan
