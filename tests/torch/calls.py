"""Calls, written as Python expressions, evaluated under PyTorch and under the library.

In come expressions over a module `T` and a few tensors; out comes what each library gives, as text
or as numbers with gradients. It knows no operation.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import torch

import lazytensor.torch as ours


def operands(T: Any) -> dict[str, Any]:
    """Tensors for calls that need no gradient: `e` empty, `z` 0-d, `c` complex, `i`, `b` others."""
    x, i = T.arange(6.0).reshape(2, 3), T.arange(6).reshape(2, 3)
    e, z, c = T.ones(0, 3), T.tensor(2.0), T.tensor([1 + 2j])
    inf = float("inf")
    return {"T": T, "x": x, "i": i, "e": e, "z": z, "c": c, "b": i > 2, "inf": inf}


def leaves(T: Any, dtype: str = "float64") -> dict[str, Any]:
    """Tensors for calls with gradients: `x`, `y` real, `c` complex; `b` a mask, `w` numbers."""
    d = getattr(T, dtype)
    x = T.tensor([[0.1, 0.5, 0.3], [0.7, 0.2, 0.9]], dtype=d, requires_grad=True)
    y = T.tensor([[0.4, 0.5, 0.8], [0.2, 0.6, 0.9]], dtype=d, requires_grad=True)
    c = T.tensor([1 + 2j, 0.5 - 1j], dtype=T.complex128, requires_grad=True)
    b = T.tensor([[True, False, True], [False, True, True]])
    w = T.tensor([0.1, 0.4, 0.6], dtype=d)
    return {"T": T, "x": x, "y": y, "c": c, "b": b, "w": w, "inf": float("inf")}


def plain(text: str) -> str:
    """What tensors print, but for where they are, and the ends of lines after the numbers."""
    found = re.sub(r",\s+device='cuda:\d'", "", text)
    return re.sub(r",\n\s+(?=dtype|grad_fn|requires_grad)", ", ", found)


def text(call: str, T: Any) -> str:
    """What a call prints, or the class and the text of what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(repr(eval(call, operands(T))))
        except Exception as error:
            said = str(error)
            return f"{type(error).__name__}: {'' if 'invalid combination' in said else said}"


def same_text(call: str) -> None:
    """Assert that both libraries print, or raise, the same."""
    want, got = text(call, torch), text(call, ours)
    if want == "TypeError: ":  # of calls that fit no signature only the class is compared
        got = got[: len(want)]
    assert got == want


def _gradients(call: str, T: Any) -> tuple[Any, list[Any]]:
    given = leaves(T)
    out = eval(call, given)
    found = [out.detach()]
    name = out.grad_fn.name() if out.grad_fn is not None else None
    if out.requires_grad:
        out.backward((T.arange(float(out.numel())).reshape(out.shape) + 1).to(out.dtype))
        found += [given[v].grad for v in "xyc"]
    return name, found


def same_gradients(call: str, rtol: float = 1e-9) -> None:
    """Assert that values, names of derivatives and gradients are the same."""
    want_name, want = _gradients(call, torch)
    got_name, got = _gradients(call, ours)
    assert got_name == want_name
    assert [t is None for t in got] == [t is None for t in want]
    for a, b in zip(got, want, strict=True):
        if a is not None:
            assert a.shape == b.shape
            np.testing.assert_allclose(
                a.resolve_conj().numpy(force=True), b.resolve_conj().numpy(force=True), rtol, 1e-12
            )
