"""`torch._foreach_*` against PyTorch: values, histories, gradients, in place, errors."""

import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import lazytensor.torch as ours

ALL = [name for name in dir(torch) if name.startswith("_foreach_")]
SECOND = ("add", "sub", "mul", "div", "maximum", "minimum", "clamp_min", "clamp_max", "pow")
UNARY = [
    name.removeprefix("_foreach_")
    for name in ALL
    if not name.endswith("_") and f"{name}_" in ALL
    and name.removeprefix("_foreach_") not in (*SECOND, "addcmul", "addcdiv", "lerp")
]  # fmt: skip


def names(T: Any) -> dict[str, Any]:
    """Lists to work on: `x`, `y`, `w` of two tensors, `i` of integers, `z` without axes."""
    rng = np.random.default_rng(5)

    def made(*shape: int) -> Any:
        return T.tensor((rng.random(shape) * 0.8 + 0.1).tolist(), dtype=T.float64)

    lists = {name: [made(2, 3), made(4)] for name in "xyw"}
    return {"T": T, **lists, "i": [T.tensor([3, 1, 2])], "z": T.tensor(1.5, dtype=T.float64)}


def listed(value: Any) -> Any:
    """What a user sees of a result."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [listed(v) for v in value]
    figures = 12 if "64" in str(value.dtype) else 5
    return np.round(np.asarray(value.detach().tolist()), figures).tolist(), str(value.dtype)


def outcome(T: Any, call: str) -> Any:
    """A call's value with what it left in the lists, or its error."""
    env = names(T)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return listed(eval(call, env)), [listed(env[k]) for k in "xywi"]
        except Exception as error:
            said = str(error)
            return type(error).__name__, "" if "invalid combination" in said else said


def history(T: Any, call: str) -> Any:
    """Names of derivatives and gradients of a call, where the lists need them."""
    env = names(T)
    ends = [t.requires_grad_() for k in "xyw" for t in env[k]]
    out = eval(call, env)
    total = sum((t * (k + 1.5)).sum() for k, t in enumerate(out))
    found = T.autograd.grad(total, ends, allow_unused=True)
    return [t.grad_fn.name() for t in out], [
        None if t is None else np.round(np.asarray(t.tolist()), 9).tolist() for t in found
    ]


def test_every_name_is_there() -> None:
    assert [name for name in ALL if not hasattr(ours, name)] == []
    assert len(UNARY) == 30


OPERANDS = ("2", "2.5", "[2, 3.5]", "z", "y", "[1.]", "y[:1]", "[]", "'a'", "T.ones(2)")
ERRORS = ("T._foreach_abs([])", "T._foreach_abs(T.ones(2))", "T._foreach_abs([1])",
          "T._foreach_exp_([])", "T._foreach_neg([T.tensor(True)])",
          "T._foreach_sub([T.tensor(True)],[T.tensor(True)])", "T._foreach_div_(i,2)",
          "T._foreach_norm(i)", "T._foreach_powsum(i)", "T._foreach_max([T.ones(0)])",
          "T._foreach_norm([T.ones(0)],float('inf'))", "T._foreach_mm(x,y[:1])",
          "T._foreach_copy_(x,y[:1])", "T._foreach_addcdiv(i,i,i)", "T._foreach_addcmul(x,y,w,z)",
          "T._foreach_addcmul(x,y[:1],w)", "T._foreach_addcmul(x,y,w,[1.])",
          "T._foreach_addcmul(x,y,w,T.ones(3))", "T._foreach_lerp(x,y,[.5])",
          "T._foreach_mul(x,y,alpha=2)", "T._foreach_add(x,[T.ones(5),T.ones(4)])")  # fmt: skip
OTHERS = ("T._foreach_pow(2.,x)", "T._foreach_pow(2,i)", "T._foreach_clone(x)", "T._foreach_max(x)",
          "T._foreach_norm(x)", "T._foreach_norm(x,1)", "T._foreach_norm(x,float('inf'))",
          "T._foreach_norm(x,2,T.float32)", "T._foreach_powsum(x,3)",
          "T._foreach_mm([x[0]],[T.ones(3,2).double()])",
          "T._foreach_lerp(x,y,.25)", "T._foreach_lerp(x,y,[.25,.5])", "T._foreach_lerp(x,y,w)",
          "T._foreach_lerp_(x,y,.25)", "T._foreach_lerp_(x,y,w)", "T._foreach_copy_(x,y)",
          "T._foreach_zero_(x)", "T._foreach_exp(i)", "T._foreach_add(i,1.5)",
          "T._foreach_add(x,y,alpha=3)", "T._foreach_sub_(x,y,alpha=3)",
          "T._foreach_add(x,z,alpha=2)",
          "T._foreach_maximum(i,1.5)", "T._foreach_clone(x,memory_format=T.contiguous_format)",
          *[f"T._foreach_{f}{s}(x,y,w{v})" for f in ("addcmul", "addcdiv") for s in ("", "_")
            for v in ("", ",2.", ",[2,3.]", ",value=2", ",T.tensor([2.,3.])")])  # fmt: skip
RECORDED = ("T._foreach_pow(2.,x)", "T._foreach_clone(x)", "T._foreach_max(x)",
            "T._foreach_norm(x)", "T._foreach_lerp(x,y,.25)", "T._foreach_lerp(x,y,[.25,.5])",
            "T._foreach_lerp(x,y,w)", "T._foreach_addcmul(x,y,w)",
            "T._foreach_addcmul(x,y,w,[2.,3.])",
            "T._foreach_addcdiv(x,y,w,2.)", "T._foreach_add(x,y,alpha=3)",
            "T._foreach_mm([x[0]],[T.ones(3,2).double()])")  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("suffix", ["", "_"])
def test_of_one_list(name: str, suffix: str) -> None:
    call = f"T._foreach_{name}{suffix}(x)"
    assert outcome(ours, call) == outcome(torch, call)


@pytest.mark.parametrize("name", SECOND)
@pytest.mark.parametrize("suffix", ["", "_"])
@pytest.mark.parametrize("other", OPERANDS)
def test_of_two(name: str, suffix: str, other: str) -> None:
    call = f"T._foreach_{name}{suffix}(x,{other})"
    want = outcome(torch, call)
    got = outcome(ours, call)
    if want == ("TypeError", ""):  # the list of signatures is not compared
        got = got[0], ""
    assert got == want


@pytest.mark.parametrize("call", [*ERRORS, *OTHERS])
def test_others(call: str) -> None:
    want = outcome(torch, call)
    got = outcome(ours, call)
    if want == ("TypeError", ""):
        got = got[0], ""
    assert got == want


@pytest.mark.parametrize(
    "call",
    [*(f"T._foreach_{name}(x)" for name in UNARY),
     *(f"T._foreach_{name}(x,{y})" for name in SECOND for y in ("2.5", "[2,3.5]", "z", "y")),
     *RECORDED],
)  # fmt: skip
def test_histories(call: str) -> None:
    assert history(ours, call) == history(torch, call)


def test_leaves_are_not_written_to() -> None:
    for T in (torch, ours):
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
            T._foreach_add_([T.ones(2, requires_grad=True)], 1)
