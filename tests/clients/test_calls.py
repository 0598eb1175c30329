"""500 calls of SciPy's functions give NumPy's answers."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")
from . import calls
from .compare import Same

# SciPy's own difference: roots found by `eigvals` stay complex for a foreign namespace.
OTHER_DTYPE = ("signal.tf2zpk(b, a)",)


def outcome(function: Any) -> Any:
    """The result, with SciPy's own warnings about small samples silenced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function()


def test_there_are_500_and_no_two_the_same() -> None:
    assert len(calls.CALLS) == len(set(calls.CALLS)) == 500


@pytest.mark.parametrize("part", calls.SUBPACKAGES)
def test_every_call_gives_numpys_answer(part: str, xp: ModuleType, same: Same, scipy_with) -> None:
    scipy_with(part)
    reference = calls.bind(np)
    wrong: list[str] = []
    for (text, ours), (_, numpys) in zip(calls.bind(xp), reference, strict=True):
        if not text.startswith(part + "."):
            continue
        wanted = outcome(numpys)
        try:
            same(outcome(ours), wanted, rtol=1e-8, dtypes=text not in OTHER_DTYPE)
        except Exception as error:  # every failing call is named, not the first
            wrong.append(f"{text}: {type(error).__name__}: {error}")
    assert not wrong, f"{len(wrong)} calls differ:\n" + "\n".join(wrong)


def test_a_singular_system_is_told_apart_by_scipy():
    interpolate = pytest.importorskip("scipy.interpolate")
    xp = pytest.importorskip("lazytensor")
    points = xp.asarray([[2.0, 2.0], [2.0, 2.0], [3.0, 3.0]])
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        interpolate.RBFInterpolator(points, xp.asarray([0.0, 1.0, 2.0]), kernel="linear")(points)
