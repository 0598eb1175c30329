"""Windows, `torch.signal.windows`, `stft` and `istft` against PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import lazytensor.torch as ours
from tests.torch.results import same_derivatives, same_results
from tests.torch.test_torch_fft import operands

CALLS = (Path(__file__).parent / "data" / "signal_calls.txt").read_text().splitlines()


@pytest.mark.parametrize("call", CALLS)
def test_calls(call: str) -> None:
    same_results(call, operands, 1e-6)


def test_every_window_is_there() -> None:
    assert sorted(ours.signal.windows.__all__) == sorted(torch.signal.windows.__all__)


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
def test_windows_of_all_lengths(name: str) -> None:
    for n in range(12):
        for periodic in (False, True):
            same_results(f"T.{name}_window({n},{periodic},dtype=T.float64)", operands)
            same_results(f"T.signal.windows.{name}({n},sym={periodic})", operands)


def leaves(T: Any) -> dict[str, Any]:
    """A signal `x`, a complex one `c`, windows `w` and `k`, with gradients, in double precision."""
    x = np.sin(np.arange(40) * 1.3).reshape(2, 20)
    w = 1.5 + np.sin(np.arange(6.0))
    double = {"dtype": T.float64, "requires_grad": True}
    complex_ = {"dtype": T.complex128, "requires_grad": True}
    return {
        "T": T, "x": T.tensor(x.tolist(), **double), "w": T.tensor(w.tolist(), **double),
        "c": T.tensor((x + 1j * x[::-1]).tolist(), **complex_),
        "k": T.tensor((w + 0.5j).tolist(), **complex_),
    }  # fmt: skip


DERIVATIVES = """
T.stft(x,6,window=w,return_complex=True)
T.stft(x[0],8,2,6,w,normalized=True,return_complex=True)
T.stft(c,6,window=k,center=False)
T.stft(x,6,window=k,pad_mode='constant')
T.stft(x,8,win_length=6,window=w,onesided=False,return_complex=False)
T.stft(x,8,3,6,w,center=False,align_to_window=True,return_complex=True)
T.istft(c.reshape(2,4,5),6,2,window=w)
T.istft(c[0].reshape(4,5),6,2,window=w,length=9)
T.istft(c.reshape(2,4,5),6,2,window=w,center=False,normalized=True)
T.istft(c.reshape(8,5),8,2,6,window=k,return_complex=True,onesided=False)
T.istft(c.reshape(8,5),8,2,6,window=w,onesided=False)
"""


@pytest.mark.parametrize("call", DERIVATIVES.split())
def test_derivatives(call: str) -> None:
    same_derivatives(call, leaves)


def test_signals_come_back() -> None:
    x = np.random.default_rng(0).standard_normal((3, 50))
    window = ours.hann_window(16, dtype=ours.float64)
    spectra = ours.stft(ours.tensor(x), 16, 4, window=window, return_complex=True)
    found = ours.istft(spectra, 16, 4, window=window, length=50)
    np.testing.assert_allclose(found.numpy(force=True), x, atol=1e-12)
