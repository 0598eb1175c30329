"""Functions of nodes against PyTorch's, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from lazytensor.ir.node import Node, leaf
from lazytensor.runtime.materialize import materialize
from lazytensor.transform.grad import vjp

torch = pytest.importorskip("torch")

TOLERANCE = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 3e-6, "float64": 1e-13}


def drawn(shape: Sequence[int], dtype: str = "float64", seed: int = 0) -> np.ndarray[Any, Any]:
    """Normal numbers."""
    return np.asarray(np.random.default_rng([seed, *shape]).normal(size=shape)).astype(dtype)


def many(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def of_torch(t: Any) -> np.ndarray[Any, Any]:
    t = t.detach()
    return t.float().numpy() if t.dtype is torch.bfloat16 else t.numpy()


def floating(a: np.ndarray[Any, Any]) -> bool:
    return a.dtype.kind in "fcV"


def close(got: Any, want: Any, dtype: str, scale: float, what: str) -> None:
    """Shape equal; values to `scale` times the dtype's tolerance, relative to the largest."""
    got = np.asarray(got)
    assert got.shape == want.shape, f"{what}: {got.shape} for {want.shape}"
    if got.dtype.kind == "V" or got.dtype.name == "bfloat16":
        got = got.astype(np.float32)
    assert got.dtype == want.dtype, f"{what}: {got.dtype} for {want.dtype}"
    if want.dtype.kind in "biu" or not want.size:
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    tol = scale * TOLERANCE[dtype]
    finite = np.abs(want[np.isfinite(want)])
    size = float(finite.max(initial=0.0))
    np.testing.assert_allclose(got, want, rtol=tol, atol=tol * size, err_msg=what)


def forward(f: Callable[..., Any], arrays: Sequence[Any]) -> tuple[list[Any], tuple[Node, ...]]:
    nodes = [leaf(a) if isinstance(a, np.ndarray) else a for a in arrays]
    out = many(f(*nodes))
    materialize(out)
    return nodes, out


def tensors(arrays: Sequence[Any]) -> list[Any]:
    """Tensors of the arrays, those in floating point with `requires_grad`."""
    found = [
        torch.from_numpy(a.astype(np.float32)).bfloat16()
        if isinstance(a, np.ndarray) and a.dtype.name == "bfloat16"
        else torch.from_numpy(a.copy()) if isinstance(a, np.ndarray) else a
        for a in arrays
    ]
    for a, t in zip(arrays, found, strict=True):
        if isinstance(a, np.ndarray) and (floating(a) or a.dtype.name == "bfloat16"):
            t.requires_grad_()
    return found


def agree(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    *arrays: Any,
    scale: float = 1,
    second: bool = False,
    gradient: bool = True,
) -> None:
    """Values, gradients for a random cotangent and, if asked for, gradients of these."""
    dtype = next(a for a in arrays if isinstance(a, np.ndarray)).dtype.name
    nodes, out = forward(ours, arrays)
    given = tensors(arrays)
    wanted = many(theirs(*given))
    assert len(out) == len(wanted)
    for got, want in zip(out, wanted, strict=True):
        close(got.value, of_torch(want), dtype, scale, "value")
    moving = [i for i, t in enumerate(given) if getattr(t, "requires_grad", False)]
    if not gradient or not moving:
        return
    inputs, leaves = [nodes[i] for i in moving], [given[i] for i in moving]
    pairs = [(o, w) for o, w in zip(out, wanted, strict=True) if w.requires_grad]
    _backward(pairs, inputs, leaves, dtype, scale, second)


def _backward(
    pairs: Any, inputs: Any, leaves: Any, dtype: str, scale: float, second: bool, seed: int = 7
) -> None:
    like = [p.value for p, _ in pairs] if pairs[0][0].value is not None else None
    if like is None:
        materialize([p for p, _ in pairs])
        like = [p.value for p, _ in pairs]
    cts = [drawn(a.shape, "float64", seed).astype(a.dtype) for a in like]
    got = vjp([p for p, _ in pairs], inputs, [leaf(c) for c in cts])
    want = torch.autograd.grad(
        [w for _, w in pairs], leaves, [t.detach() for t in tensors(cts)], allow_unused=True,
        create_graph=second,
    )  # fmt: skip
    materialize([n for n in got if n is not None])
    again = []
    for i, (n, t) in enumerate(zip(got, want, strict=True)):
        if n is None or t is None:
            assert t is None or not t.any(), f"gradient {i} is missing"
            assert n is None or not n.value.any(), f"gradient {i} should be none"
            continue
        close(n.value, of_torch(t), dtype, 4 * scale, f"gradient {i}")
        again += [(n, t)] if t.requires_grad else []
    if second and again:
        _backward(again, inputs, leaves, dtype, 10 * scale, False, seed + 1)


def refused_alike(ours: Callable[[], Any], theirs: Callable[[], Any], exact: bool = True) -> None:
    """Both raise; the same type and, if `exact`, the same text."""
    with pytest.raises(Exception) as want:
        theirs()
    with pytest.raises(type(want.value)) as got:
        ours()
    if exact:
        assert str(got.value) == str(want.value)
