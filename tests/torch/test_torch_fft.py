"""`torch.fft` against PyTorch."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import lazytensor.torch as ours
from tests.torch.results import same_derivatives, same_results

CALLS = (Path(__file__).parent / "data" / "fft_calls.txt").read_text().splitlines()
NAMES = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")


def operands(T: Any) -> dict[str, Any]:
    """Tensors: `x` real, `c` complex, `i`, `b`, `h`, `bf`, `d` of other dtypes, `e` empty, `z` 0-d;
    a `g` behind: with gradients.
    """
    x = T.arange(12.0).reshape(3, 4)
    c, i = x.to(T.complex64) + 1j, T.arange(6).reshape(2, 3)
    return {
        "T": T, "x": x, "c": c, "i": i, "b": i > 2, "h": x.half(), "bf": x.bfloat16(),
        "d": x.double(), "e": T.ones(0, 3), "z": T.tensor(2.0), "inf": float("inf"),
        "xg": x.clone().requires_grad_(), "cg": c.clone().requires_grad_(),
    }  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_calls(call: str) -> None:
    same_results(call, operands, 1e-6)


def test_every_name_is_there() -> None:
    public = {n for n in dir(torch.fft) if not n.startswith(("_", "common", "factory"))}
    assert public - {"torch", "Tensor"} <= set(dir(ours.fft))


def leaves(T: Any) -> dict[str, Any]:
    """`x` real, `c` complex, both with gradients, in double precision."""
    x = np.sin(np.arange(24) * 1.3).reshape(2, 3, 4)
    c = x + 1j * np.cos(np.arange(24) * 0.4).reshape(2, 3, 4)
    return {
        "T": T, "x": T.tensor(x.tolist(), dtype=T.float64, requires_grad=True),
        "c": T.tensor(c.tolist(), dtype=T.complex128, requires_grad=True),
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_derivatives(name: str, norm: str) -> None:
    real = name in ("rfft", "ihfft")
    for x, (n, dim) in itertools.product("x" if real else "xc", ((None, 0), (3, -1), (6, -1))):
        same_derivatives(f"(T.fft.{name}({x}**2,{n},{dim},'{norm}')*(1+0j))**2", leaves)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_along_several_axes(name: str) -> None:
    x = "x" if name in ("rfft", "ihfft") else "c"
    for form in (f"{name}2({x}**2)", f"{name}n({x}**2,dim=(2,0))", f"{name}n({x}**2,s=(2,5))"):
        same_derivatives(f"(T.fft.{form}*(1+0j))**2", leaves)


@pytest.mark.parametrize("name", NAMES)
def test_places_in_memory(name: str) -> None:
    for order in itertools.permutations(range(3)):
        for dim in range(3):
            same_results(f"T.fft.{name}(T.ones(3,4,5).permute({order}),dim={dim})", operands)
            many = f"T.fft.{name}n(T.ones(3,4,5),dim={order[: dim + 1]})"
            same_results(many, operands)
