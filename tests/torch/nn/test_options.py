"""Options of layers and losses that are tensors, one after another, and inputs without elements:
against PyTorch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import lazytensor.torch as ours

# Different, but alike in four digits.
NUMBERS = (0.00012344, 0.00012345, 0.00012346)
Option = Callable[[Any, Any, Any], Any]
OPTIONS: dict[str, Option] = {
    "margin": lambda T, x, n: T.nn.functional.multi_margin_loss(x, T.tensor([0, 2]), margin=n),
    "rms_norm": lambda T, x, n: T.nn.functional.rms_norm(x, (3,), eps=n),
    "batch_norm": lambda T, x, n: T.nn.functional.batch_norm(x, None, None, None, None, True, 0, n),
    "group_norm": lambda T, x, n: T.nn.functional.group_norm(x, 1, eps=n),
    "instance_norm": lambda T, x, n: T.nn.functional.instance_norm(x[None], eps=n),
    "attention": lambda T, x, n: T.nn.functional.scaled_dot_product_attention(x, x, x, scale=n),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_numbers_in_tensors(name: str) -> None:
    def found(T: Any) -> list[Any]:
        x = T.tensor([[0.002, 0.005, 0.001], [0.01, 0.02, 0.04]], dtype=T.float64)
        numbers = [T.tensor(n, dtype=T.float64) for n in NUMBERS]
        return [OPTIONS[name](T, x, n).cpu().numpy() for n in numbers]

    got = found(ours)
    np.testing.assert_allclose(got, found(torch), rtol=1e-12)
    assert len({x.tobytes() for x in got}) == len(NUMBERS)


@pytest.mark.parametrize("shape", [(0, 1, 3), (2, 0, 3)])
def test_no_probabilities_have_no_alignments(shape: tuple[int, ...]) -> None:
    for T in (ours, torch):
        lengths = T.zeros(shape[1], dtype=T.int64)
        labels = T.zeros((shape[1], 0), dtype=T.int64)
        with pytest.raises(RuntimeError, match="^log_probs tensor must not be empty$"):
            T.nn.functional.ctc_loss(T.zeros(shape), labels, lengths, lengths)
