"""Fused layers and tensors to test with, against PyTorch."""

import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.torch.both import drawn, ours
from tests.torch.both import real as torch


def conv(T: Any, **kwargs: Any) -> tuple[Any, Any]:
    T.manual_seed(1)
    layer = drawn(T, lambda: T.nn.Conv1d(2, 3, 2, **kwargs)), T.nn.BatchNorm1d(3)
    layer[1](layer[0](drawn(T, lambda: T.randn(4, 2, 5))))
    return tuple(m.eval() for m in layer)  # type: ignore[return-value]


def linear(T: Any, rows: int = 3, features: int = 3) -> tuple[Any, Any]:
    T.manual_seed(1)
    layer, bn = drawn(T, lambda: T.nn.Linear(2, rows)), T.nn.BatchNorm1d(features)
    if rows == features:
        bn(layer(drawn(T, lambda: T.randn(4, 2))))
    return layer.eval(), bn.eval()


def transposed(T: Any) -> tuple[Any, Any]:
    T.manual_seed(1)
    layer = drawn(T, lambda: T.nn.ConvTranspose1d(2, 3, 2)), T.nn.BatchNorm1d(3)
    return tuple(m.eval() for m in layer)  # type: ignore[return-value]


FUSED: dict[str, Any] = {
    "conv": lambda T: T.nn.utils.fuse_conv_bn_eval(*conv(T)),
    "conv without bias": lambda T: T.nn.utils.fuse_conv_bn_eval(*conv(T, bias=False)),
    "transposed": lambda T: T.nn.utils.fuse_conv_bn_eval(*transposed(T), transpose=True),
    "linear": lambda T: T.nn.utils.fuse_linear_bn_eval(*linear(T)),
    "linear, one feature": lambda T: T.nn.utils.fuse_linear_bn_eval(*linear(T, 3, 1)),
    "training": lambda T: T.nn.utils.fuse_linear_bn_eval(linear(T)[0].train(), linear(T)[1]),
    "sizes": lambda T: T.nn.utils.fuse_linear_bn_eval(*linear(T, 3, 2)),
}


@pytest.mark.parametrize("case", FUSED)
def test_fused_alike(case: str) -> None:
    found = []
    for T in (torch, ours):
        try:
            layer = FUSED[case](T)
            found.append([np.round(np.asarray(p.tolist()), 5).tolist() for p in layer.parameters()])
        except AssertionError as error:
            found.append([str(error)])
    assert found[1] == found[0]


MADE = (
    "2,3,dtype=T.float32", "(4,),dtype=T.int64", "5,dtype=T.uint8", "(2,2),dtype=T.bool",
    "3,dtype=T.complex64", "3,dtype=T.float64,low=0,high=1",
    "2,3,dtype=T.float32,noncontiguous=True",
    "9,dtype=T.int32,low=-1,high=2,exclude_zero=True", "3,dtype=T.float32,low=-4e38,high=4e38",
    "3,dtype=T.float32,low=2,high=1", "3,dtype=T.int8,low=200,high=300",
    "3,dtype=T.int64,requires_grad=True", "3,dtype=T.float32,requires_grad=True",
    "3,dtype=T.float32,low=float('nan')", "3,dtype=T.float32,low=1,high=1",
)  # fmt: skip


@pytest.mark.parametrize("arguments", MADE)
def test_tensors_to_test_with(arguments: str) -> None:
    found = []
    for T in (torch, ours):
        T.manual_seed(4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                out = eval(f"T.testing.make_tensor({arguments},device='cpu')", {"T": T})
                found.append((out.tolist(), str(out.dtype), out.stride(), out.requires_grad))
            except ValueError as error:
                found.append((str(error),))
    assert found[1] == found[0]
