"""An expression evaluated with two libraries: what it gives, where that lies in memory, its history
and gradients, or what it raises.

In come an expression over the names that `names` defines and a library that behaves as PyTorch; out
comes a description that two libraries should agree on.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np


def names(lib: Any, grad: bool) -> dict[str, Any]:
    """Fresh tensors: x, w of (2, 3), y (3,), z (), c (2, 3, 4), i, ii, m, v integers, masks."""
    rng = np.random.default_rng(3)

    def of(*shape: int) -> Any:
        return lib.tensor(rng.standard_normal(shape).tolist(), requires_grad=grad)

    out = {name: of(*shape) for name, shape in
           {"x": (2, 3), "w": (2, 3), "y": (3,), "z": (), "c": (2, 3, 4)}.items()}  # fmt: skip
    out["i"] = lib.tensor([1, 0])
    out["v"] = lib.tensor([2, 0, 1])
    out["ii"] = lib.tensor([[0, 1, 0], [1, 1, 0]])
    out["m"] = lib.tensor([[True, False, True], [False, False, True]])
    out["f"] = lib.tensor(rng.standard_normal((2, 3)).tolist(), dtype=lib.float64)
    out["n"] = lib.tensor([[3, 0, 5], [0, 7, 0]])
    return {**out, "torch": lib}


def described(value: Any) -> Any:
    """What a user can see of a result."""
    if isinstance(value, (list, tuple)):
        return [described(v) for v in value]
    if not callable(getattr(value, "stride", None)):
        return re.sub(r"device=cuda:\d", "device=cpu", str(value))
    fn = value.grad_fn
    found = value.detach().tolist()
    return (found, str(value.dtype), tuple(value.shape), value.stride(), value.storage_offset(),
            "" if fn is None else type(fn).__name__, value.requires_grad)  # fmt: skip


def _pulled(lib: Any, env: dict[str, Any], value: Any) -> Any:
    outs = [t for t in (value if isinstance(value, (list, tuple)) else [value]) if
            getattr(t, "requires_grad", False)]  # fmt: skip
    if not outs:
        return []
    rng = np.random.default_rng(5)
    given = [lib.tensor(rng.standard_normal(tuple(t.shape)).tolist(), dtype=t.dtype)
             for t in outs]  # fmt: skip
    ends = [env[name] for name in "xwyzc"]
    found = lib.autograd.grad(outs, ends, given, allow_unused=True)
    return [None if t is None else np.round(np.asarray(t.tolist()), 5).tolist() for t in found]


def outcome(lib: Any, expression: str, grad: bool) -> Any:
    """The description of a value with its gradients, or of an error."""
    env = names(lib, grad)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = eval(expression, env)
            return described(value), _pulled(lib, env, value) if grad else []
        except Exception as error:
            # An assertion of PyTorch's own tells the place in its sources.
            said = re.sub(r"FAILED at .* report a bug to PyTorch\.", "FAILED:", str(error))
            return type(error).__name__, said.split("\n")[0]
