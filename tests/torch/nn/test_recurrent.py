"""Recurrent networks against PyTorch: outputs, states, gradients, packed sequences, refusals."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.torch.both import drawn, neutral, ours, real

SETTINGS: list[dict[str, Any]] = [
    {},
    {"bias": False, "batch_first": True},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 3, "dropout": 0.5},
]
DROPS = pytest.mark.cpu("draws with the CPU's generator")
NETWORKS = [
    *(
        pytest.param(kind, settings, marks=[DROPS] if "dropout" in settings else [])
        for kind in ("LSTM", "GRU", "RNN")
        for settings in SETTINGS
    ),
    ("LSTM", {"proj_size": 2, "bidirectional": True, "bias": False}),
    ("RNN", {"nonlinearity": "relu"}),
]


def computed(m: Any, kind: str, settings: dict[str, Any], form: str) -> list[Any]:
    """Outputs, last states, gradients, and what the outputs remember."""
    m.manual_seed(0)
    net = drawn(m, lambda: getattr(m.nn, kind)(3, 4, **settings))
    first = settings.get("batch_first", False)
    x: Any = drawn(m, lambda: m.randn(5, 3, 3)).requires_grad_()
    lengths, sort = m.tensor([3, 5, 2]), False
    if form == "packed":
        given = (
            m.nn.utils.rnn.pack_padded_sequence(x, lengths, first, enforce_sorted=sort)
            if not first
            else m.nn.utils.rnn.pack_sequence([x[0], x[1, :2]], enforce_sorted=sort)
        )
        out, state = net(given)
        last, _ = m.nn.utils.rnn.pad_packed_sequence(out, first, padding_value=0.5)
    else:
        out, state = net(x[0] if form == "one" else x)
        last = out
    states = state if isinstance(state, tuple) else (state,)
    weighted = sum((s * (i + 2)).sum() for i, s in enumerate(states))
    (last.pow(2).sum() + weighted).backward()
    grads = [x.grad, *(p.grad for p in net.parameters())]
    arrays = [t.detach().cpu().numpy() for t in (last, *states, *grads)]
    return [*arrays, type(states[0].grad_fn).__name__]


@pytest.mark.parametrize("form", ["batch", "one", "packed"])
@pytest.mark.parametrize(("kind", "settings"), NETWORKS, ids=str)
def test_networks_compute_what_pytorchs_do(kind: str, settings: dict[str, Any], form: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own, theirs = (computed(m, kind, settings, form) for m in (ours, real))
    assert own[-1] == theirs[-1]
    for a, b in zip(own[:-1], theirs[:-1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_states_go_from_one_call_to_the_next() -> None:
    def carried(m: Any) -> Any:
        m.manual_seed(1)
        net, state = drawn(m, lambda: m.nn.LSTM(2, 3, num_layers=2)), None
        for _ in range(3):
            out, state = net(drawn(m, lambda: m.randn(4, 2, 2)), state)
            state = tuple(s.detach() for s in state)
        return out.detach().cpu().numpy(), type(net(m.randn(4, 2, 2))[0].grad_fn).__name__

    (a, name), (b, theirs) = carried(ours), carried(real)
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert name == theirs


CASES: list[Callable[[Any], Any]] = [
    lambda m: m.nn.LSTM(3, 4)(m.randn(0, 2, 3)),
    lambda m: m.nn.LSTM(3, 4)(m.randn(5, 2, 3).double()),
    lambda m: m.lstm(m.ones(5, 2, 3), (m.ones(1, 2, 4),), [], True, 1, 0.0, False, False, False),
    lambda m: m.nn.LSTM(3, 4)(m.randn(5, 0, 3))[0].shape,
    lambda m: m.nn.GRU(3, 4, bidirectional=True, batch_first=True)(m.randn(0, 5, 3))[0].shape,
    lambda m: m.nn.utils.rnn.pack_padded_sequence(m.arange(10.0).view(5, 2), [5, 3]),
    lambda m: m.nn.utils.rnn.pack_padded_sequence(m.arange(10.0).view(5, 2), [3, 5]),
    lambda m: m.nn.utils.rnn.pack_padded_sequence(m.arange(10.0).view(2, 5), [5, 3], True),
    lambda m: m.nn.utils.rnn.pack_padded_sequence(
        m.arange(10.0).view(5, 2), [3, 5], enforce_sorted=False
    ),
    lambda m: m.nn.utils.rnn.pack_padded_sequence(m.arange(10.0).view(5, 2), [3, 0]),
    lambda m: m.nn.utils.rnn.pack_padded_sequence(m.arange(10.0).view(5, 2), [3]),
    lambda m: m.nn.utils.rnn.pad_packed_sequence(
        m.nn.utils.rnn.pack_padded_sequence(m.arange(10.0).view(5, 2), [4, 2]), True, -1.0, 7
    ),
    lambda m: m.nn.utils.rnn.pack_padded_sequence(
        m.arange(10.0).view(5, 2).requires_grad_(), [5, 3]
    ).data.grad_fn.name(),
    lambda m: m.nn.utils.rnn.unpack_sequence(m.nn.utils.rnn.pack_sequence([m.ones(3), m.zeros(2)])),
    lambda m: m.legacy_contiguous_format,
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_packing_and_refusals(number: int) -> None:
    def said(m: Any) -> str:
        try:
            return neutral(str(CASES[number](m)))
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    assert said(ours) == said(real)
