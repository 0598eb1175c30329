"""Activations against PyTorch: values, and derivatives at kinks, far out, to second order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazytensor._base.dtypes import canonical
from lazytensor.ir.node import leaf
from lazytensor.lang import activation as a

from .against_torch import agree, drawn, refused_alike, torch

F = torch.nn.functional

# name, arguments, numbers at which the derivative has a kink
CASES: list[tuple[str, tuple[Any, ...], tuple[float, ...]]] = [
    ("relu", (), ()), ("relu6", (), (6,)), ("hardtanh", (), (1, -1)),
    ("hardtanh", (-2, 0.5), (-2, 0.5)),
    ("leaky_relu", (), ()), ("leaky_relu", (-0.5,), ()), ("elu", (), ()), ("elu", (0.7,), ()),
    ("selu", (), ()), ("celu", (), ()), ("celu", (1.7,), ()), ("gelu", (), ()), ("sigmoid", (), ()),
    ("silu", (), ()), ("mish", (), ()), ("softplus", (), (20,)), ("softplus", (2.0, 3.0), (1.5,)),
    ("softshrink", (), (0.5, -0.5)), ("softshrink", (0.0,), ()), ("hardshrink", (), (0.5, -0.5)),
    ("tanhshrink", (), ()), ("hardswish", (), (3, -3)), ("hardsigmoid", (), (3, -3)),
    ("logsigmoid", (), ()), ("softsign", (), ()), ("threshold", (0.5, 7.0), (0.5,)),
    ("softmin", (0,), ()), ("softmax", (0,), ()), ("log_softmax", (0,), ()), ("glu", (0,), ()),
]  # fmt: skip
ONCE = ("hardsigmoid",)  # PyTorch has no second derivative of it
FAR = [0.0, -0.0, 20.0, -20.0, 100.0, -100.0, 1e3, -1e3, 1e-30, -1e-30]


def theirs(name: str, args: Any) -> Any:
    f = getattr(F, name)
    return lambda x: f(x, *args)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}{c[1]}")
def test_activations(case: Any, dtype: str) -> None:
    name, args, kinks = case
    x = np.concatenate([drawn((50,), seed=3) * 3, FAR, kinks, [0.0] * (len(kinks) % 2)])
    ours = getattr(a, name)
    # sums of halves are rounded at other places
    scale = 4 if "soft" in name or name in ("tanhshrink", "mish", "gelu") else 1
    if dtype == "float64" and (name == "hardsigmoid" or args == (1.7,)):
        scale = 1e6  # PyTorch rounds a constant of their derivatives to single
    agree(
        lambda x: ours(x, *args), theirs(name, args), x.astype(canonical(dtype)), scale=scale
    )
    if dtype == "float64":
        x = drawn((50,), seed=3) * 3
        agree(lambda x: ours(x, *args), theirs(name, args), x, second=name not in ONCE, scale=scale)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}{c[1]}")
def test_infinities_and_nan(case: Any) -> None:
    name, args, _ = case
    if args != (0,):
        x = np.array([np.inf, -np.inf, np.nan, 0.5])
        agree(lambda x: getattr(a, name)(x, *args), theirs(name, args), x, gradient=False)


def test_gelu_by_tanh() -> None:
    x = np.concatenate([drawn((50,)) * 3, FAR])
    agree(lambda x: a.gelu(x, "tanh"), lambda x: F.gelu(x, approximate="tanh"), x, second=True)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4)])
def test_prelu(shape: Any) -> None:
    for n in {1, shape[1] if len(shape) > 1 else 1}:
        x, w = drawn(shape), drawn((n,), seed=1)
        agree(a.prelu, F.prelu, x, w, second=True)
        agree(a.prelu, F.prelu, np.asarray(np.round(x)), w)


def test_rrelu() -> None:
    x = np.array([1.0, 0.0, -2.0, 3.0, -1.0])
    slopes = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    agree(a.rrelu, lambda x, s: torch.where(x > 0, x, x * s), x, slopes)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 6, 5)])
def test_glu(shape: Any) -> None:
    for axis in range(-len(shape), len(shape)):
        if shape[axis] % 2 == 0:
            agree(
                lambda x, axis=axis: a.glu(x, axis), lambda x, axis=axis: F.glu(x, axis),
                drawn(shape), second=True,
            )  # fmt: skip


WRONG = [
    (lambda: a.glu(leaf(drawn((2, 3)))), lambda: F.glu(torch.ones(2, 3))),
    (lambda: a.glu(leaf(drawn(()))), lambda: F.glu(torch.ones(()))),
    (lambda: a.celu(leaf(drawn((2,))), 0.0), lambda: F.celu(torch.ones(2), 0.0)),
    (lambda: a.gelu(leaf(drawn((2,))), "erf"), lambda: F.gelu(torch.ones(2), approximate="erf")),
    (lambda: a.softshrink(leaf(drawn((2,))), -1.5),
     lambda: F.softshrink(torch.ones(2).double(), -1.5)),
    (lambda: a.hardtanh(leaf(drawn((2,))), 1, -1), lambda: F.hardtanh(torch.ones(2), 1, -1)),
    (lambda: a.prelu(leaf(drawn((2, 3))), leaf(drawn((2,)))),
     lambda: F.prelu(torch.ones(2, 3), torch.ones(2))),
]  # fmt: skip


@pytest.mark.parametrize("i", range(len(WRONG)))
def test_refusals(i: int) -> None:
    refused_alike(*WRONG[i])
