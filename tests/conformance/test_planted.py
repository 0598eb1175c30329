"""The checkers fail on planted bugs: NumPy itself, and namespaces with one wrong function each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import array_api_strict
import numpy as np
import pytest

from .calls import ROWS
from .checking import first_failure
from .differences import STRICT
from .names import missing_names, wrong_signatures


class Planted:
    """NumPy with some names replaced."""

    def __init__(self, **replaced: Any) -> None:
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def positive_zero(x: Any) -> Any:
    """Loses the sign of zero."""
    return np.negative(x) + 0.0


BUGS: dict[str, tuple[str, str, Any]] = {
    "a sign of zero": ("main", "negative", positive_zero),
    "NaN in maximum": ("main", "maximum", lambda x, y: np.where(x > y, x, y)),
    "no keepdims": (
        "main",
        "sum",
        lambda x, axis, keepdims, dtype: np.sum(x, axis=axis, dtype=dtype),
    ),
    "dtype of a sum": ("main", "sum", lambda x, dtype, **k: np.sum(x, dtype=dtype or x.dtype, **k)),
    "unstable": ("main", "argsort", lambda x, axis, descending, stable: np.argsort(x, axis=axis)),
    "negative indices": ("main", "take", lambda x, i, axis: np.take(x, abs(i), axis, mode="clip")),
    "zero-size": ("main", "flip", lambda x, axis: np.flip(x, axis) if x.size else x.ravel()),
    "wraps around": ("main", "add", lambda x, y: np.clip(np.add(x, y), -100, 100)),
    "one off": ("main", "arange", lambda a, b, c, dtype: np.arange(a, b + 1, c, dtype=dtype)),
    "raises": ("main", "concat", lambda arrays, axis: np.concat(arrays, axis=abs(axis))),
    "inexact": ("main", "exp", lambda x: (np.exp(x) * (1 + 1e-3)).astype(x.dtype)),
    "not finite": ("main", "log", lambda x: np.log(np.abs(x))),
    "the norm": ("fft", "fft", lambda x, n, axis, norm: np.fft.fft(x, n=n, axis=axis)),
    "upper": ("linalg", "cholesky", lambda x, upper: np.linalg.cholesky(x)),
    "NumPy's quotient": ("main", "floor_divide", np.floor_divide),
}


@pytest.mark.parametrize("name", BUGS)
def test_a_wrong_function_is_found(name: str) -> None:
    part, function, wrong = BUGS[name]
    if part == "main":
        namespace: Any = Planted(**{function: wrong})
    else:
        extension = SimpleNamespace(**{**vars(getattr(np, part)), function: wrong})
        namespace = Planted(**{part: extension})
    with np.errstate(all="ignore"):
        assert first_failure(namespace, part, function, 16) is not None


def test_numpy_passes_where_nothing_is_planted() -> None:
    for function in ("negative", "maximum", "sum", "take", "flip", "concat"):
        with np.errstate(all="ignore"):
            assert first_failure(np, "main", function, 6) is None


@pytest.mark.parametrize("where", [(p, n) for p in ROWS for n in ROWS[p]], ids=".".join)
def test_both_oracles_agree(where: tuple[str, str]) -> None:
    """What is drawn is within the standard, and array-api-strict gives what NumPy gives."""
    with np.errstate(all="ignore"):
        found = first_failure(array_api_strict, *where, 16)
    assert (found is not None) == (where in STRICT), found


def test_the_failure_is_a_small_one() -> None:
    text = first_failure(Planted(flip=lambda x, axis: x), "main", "flip", 10)
    assert text is not None
    assert text.count("\n") < 5


def test_missing_names_and_wrong_signatures_are_found() -> None:
    def wrong(x: Any, /, *, axis: Any = 0) -> None:
        """Another default than the standard's."""

    names = dict.fromkeys(("flip", "unstack"), wrong)
    namespace = Planted(
        **names, sin=lambda y, /: y, __array_namespace_info__=np.__array_namespace_info__
    )
    found = wrong_signatures_of(namespace)
    assert any(text.startswith("main.flip") for text in found)
    assert any(text.startswith("main.sin(y, /)") for text in found)
    assert not any(text.startswith("main.unstack") for text in found)
    without = {k: v for k, v in vars(np).items() if k not in ("matmul", "int8", "newaxis")}
    assert missing_names(SimpleNamespace(**without)) == ["main.matmul", "int8", "newaxis"]


def wrong_signatures_of(namespace: Any) -> list[str]:
    """Signatures of functions that have one: NumPy's ufuncs have none before NumPy 2.4."""
    try:
        return wrong_signatures(namespace)
    except ValueError as error:
        pytest.skip(f"this NumPy has functions without signatures: {error}")
