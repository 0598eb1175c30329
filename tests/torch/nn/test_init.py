"""Initial values over real tensors: the same draws, in the same order."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from overtorch import package  # noqa: E402

nn = package("nn")
BOTH = [nn.init, torch.nn.init]
SHAPES = [(4, 3), (3, 4), (2, 3, 3), (4, 2, 3, 5), (16, 17), (1, 1)]

CALLS: dict[str, Any] = {
    "uniform": lambda m, t: m.uniform_(t, -1, 2),
    "normal": lambda m, t: m.normal_(t, 1, 2),
    "trunc_normal": lambda m, t: m.trunc_normal_(t),
    "trunc_normal narrow": lambda m, t: m.trunc_normal_(t, 0, 1, 0.5, 0.6),
    "trunc_normal tail": lambda m, t: m.trunc_normal_(t, 0.5, 0.3, 1, 2),
    "constant": lambda m, t: m.constant_(t, 0.3),
    "ones": lambda m, t: m.ones_(t),
    "zeros": lambda m, t: m.zeros_(t),
    "xavier_uniform": lambda m, t: m.xavier_uniform_(t, 2),
    "xavier_normal": lambda m, t: m.xavier_normal_(t),
    "kaiming_uniform": lambda m, t: m.kaiming_uniform_(t, 0.1, "fan_out"),
    "kaiming_normal": lambda m, t: m.kaiming_normal_(t, nonlinearity="relu"),
    "orthogonal": lambda m, t: m.orthogonal_(t, 2),
    "seeded": lambda m, t: m.normal_(t, generator=torch.Generator().manual_seed(3)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_are_those_of_torch(name: str, shape: Any, dtype: Any) -> None:
    results = []
    for module in BOTH:
        torch.manual_seed(9)
        tensor = torch.empty(shape, dtype=dtype, requires_grad=True)
        assert CALLS[name](module, tensor) is tensor
        results.append((tensor.detach(), torch.rand(())))
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 6, 3, 3), (2, 2, 3, 1, 2)])
def test_special_matrices(groups: int, shape: Any) -> None:
    ours, theirs = (m.dirac_(torch.ones(shape), groups) for m in BOTH)
    assert torch.equal(ours, theirs)
    ours, theirs = (m.eye_(torch.ones(3, groups)) for m in BOTH)
    assert torch.equal(ours, theirs)
    sparse = []
    for m in BOTH:
        torch.manual_seed(1)
        sparse.append(m.sparse_(torch.empty(10, 4), 0.3))
    assert torch.equal(*sparse)


def test_gains_and_fans() -> None:
    names = [
        "linear",
        "conv2d",
        "conv_transpose3d",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "selu",
    ]
    for name in names:
        assert len({m.calculate_gain(name) for m in BOTH}) == 1
    assert nn.init.calculate_gain("leaky_relu", 0.5) == math.sqrt(2 / 1.25)
    t = torch.empty(4, 3, 2)
    assert len({m._calculate_fan_in_and_fan_out(t) for m in BOTH}) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.calculate_gain("x"),
        lambda m: m.calculate_gain("leaky_relu", True),
        lambda m: m.eye_(torch.ones(2)),
        lambda m: m.dirac_(torch.ones(2, 2)),
        lambda m: m.dirac_(torch.ones(3, 2, 2), 2),
        lambda m: m.xavier_uniform_(torch.ones(2)),
        lambda m: m.kaiming_uniform_(torch.ones(2, 2), mode="x"),
        lambda m: m.orthogonal_(torch.ones(2)),
        lambda m: m.sparse_(torch.ones(2), 0.1),
    ],
)
def test_refusals(call: Any) -> None:
    texts = []
    for module in BOTH:
        with pytest.raises(ValueError) as caught:
            call(module)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_warnings() -> None:
    texts = []
    for module in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module.normal(torch.ones(1))
            module.kaiming_uniform_(torch.ones(0, 2))
            module.trunc_normal_(torch.ones(2), 0, 1, -4, -2.5)
        texts.append([(w.category, str(w.message)) for w in caught])
    assert texts[0] == texts[1]
