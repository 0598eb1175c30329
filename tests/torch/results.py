"""Calls whose results are compared as users see them: kinds of tuples, dtypes, shapes, strides,
names of derivatives, values up to rounding, exceptions with texts, gradients to second order.

In come expressions over a module `T` and operands; a difference raises AssertionError. It knows no
operation.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import lazytensor.torch as ours

Operands = Callable[[Any], dict[str, Any]]


def _outcome(call: str, T: Any, operands: Operands) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        T.manual_seed(0)
        try:
            return eval(call, operands(T))
        except Exception as error:
            return error


# How the texts of Python's own, and of PyTorch's, refusals of arguments differ is not compared.
UNFIT = ("invalid combination", "positional argument", "unexpected keyword")


def same_results(call: str, operands: Operands, rtol: float = 1e-9) -> None:
    """Assert that both libraries give the same, or refuse in the same words; `rtol` is for double
    precision, and infinite to compare no values.
    """
    want, got = _outcome(call, torch, operands), _outcome(call, ours, operands)
    _same(got, want, rtol)


def _same(got: Any, want: Any, rtol: float) -> None:
    if isinstance(want, Exception):
        assert type(got).__name__ == type(want).__name__, repr(got)
        if not any(words in str(want) for words in UNFIT):
            assert str(got) == str(want)
    elif isinstance(want, torch.Tensor):
        assert isinstance(got, ours.Tensor), repr(got)
        _same_tensor(got, want, rtol)
    elif isinstance(want, tuple):
        assert type(got).__name__ == type(want).__name__.removesuffix("_out"), repr(got)
        assert len(got) == len(want)
        for mine, theirs in zip(got, want, strict=True):
            _same(mine, theirs, rtol)
    else:
        assert got == want


def _same_tensor(got: Any, want: torch.Tensor, rtol: float) -> None:
    assert str(got.dtype) == str(want.dtype)
    assert tuple(got.shape) == tuple(want.shape)
    assert got.stride() == want.stride()
    names = [t.grad_fn.name() if t.grad_fn is not None else None for t in (got, want)]
    assert names[0] == names[1]
    if rtol < float("inf"):
        size = want.element_size() // (1 + want.is_complex())
        _close(got, want, max(rtol, {8: 0.0, 4: 3e-5}.get(size, 2e-2)))


def _close(got: Any, want: torch.Tensor, rtol: float) -> None:
    wide = torch.complex128 if want.is_complex() else torch.float64
    theirs = want.detach().resolve_conj().to(wide).numpy(force=True)
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = max(1.0, finite.max() if finite.size else 0.0)
    mine = got.detach().to(ours.complex128 if want.is_complex() else ours.float64).numpy(force=True)
    np.testing.assert_allclose(mine, theirs, rtol, rtol * scale)


def same_derivatives(call: str, operands: Operands, rtol: float = 1e-8) -> None:
    """Assert that the gradients of a call, and the gradients of those, are the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want, got = _derivatives(call, torch, operands), _derivatives(call, ours, operands)
    assert [t is None for t in got] == [t is None for t in want]
    for mine, theirs in zip(got, want, strict=True):
        if theirs is not None:
            assert tuple(mine.shape) == tuple(theirs.shape)
            _close(mine, theirs, rtol)


def _derivatives(call: str, T: Any, operands: Operands) -> list[Any]:
    given = operands(T)
    leaves = [t for t in given.values() if isinstance(t, T.Tensor) and t.requires_grad]
    out = eval(call, given)
    used = T.autograd.grad(out, leaves, _weights(T, out), allow_unused=True)
    wanted = [t for t, g in zip(leaves, used, strict=True) if g is not None]
    out = eval(call, given)
    first = T.autograd.grad(out, wanted, _weights(T, out), create_graph=True)
    seen = [g for g in first if g.requires_grad]
    second = []
    if seen:
        weights = [_weights(T, g) for g in seen]
        second = T.autograd.grad(seen, wanted, weights, allow_unused=True)
    return [out, *first, *(g for g in second if g is not None)]


def _weights(T: Any, x: Any) -> Any:
    """A fixed cotangent, of no symmetry."""
    size = int(np.prod(tuple(x.shape)))
    found = np.cos(np.arange(size) * 1.7 + 0.3).reshape(tuple(x.shape))
    if x.dtype.is_complex:
        found = found + 1j * np.sin(np.arange(size) * 2.3).reshape(tuple(x.shape))
    return T.tensor(found.tolist(), dtype=x.dtype).reshape(tuple(x.shape))
