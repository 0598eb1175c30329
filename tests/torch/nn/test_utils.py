"""torch.nn.utils over real tensors: clipping, vectors, packed sequences, norms, stateless calls."""

from __future__ import annotations

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from overtorch import NAME, package  # noqa: E402

nn = package("nn")
BOTH = [nn, torch.nn]


def agree(function: Any) -> None:
    ours, theirs = (function(m) for m in BOTH)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


def with_grads() -> list[Any]:
    torch.manual_seed(0)
    params = [torch.randn(s, requires_grad=True) for s in ((3, 2), (4,), ())]
    for p in params[:2]:
        p.grad = torch.randn_like(p)
    return params


@pytest.mark.parametrize("norm", [2, 1, 3.5, float("inf"), 0])
@pytest.mark.parametrize("limit", [0.1, 100])
def test_clipping(norm: float, limit: float) -> None:
    def clipped(m: Any) -> Any:
        params = with_grads()
        total = m.utils.clip_grad_norm_(params, limit, norm)
        m.utils.clip_grad_value_(params[0], 0.05)
        return [total, *(p.grad for p in params[:2])]

    agree(clipped)


def test_clipping_what_is_not_finite() -> None:
    texts = []
    for m in BOTH:
        params = with_grads()
        params[0].grad[0, 0] = float("nan")
        with pytest.raises(RuntimeError) as caught:
            m.utils.clip_grad_norm_(params, 1, error_if_nonfinite=True)
        texts.append(str(caught.value))
        assert m.utils.clip_grad_norm_([], 1).item() == 0
        with pytest.warns(UserWarning, match="is an empty generator"):
            m.utils.clip_grad_norm_((p for p in ()), 1)
    assert texts[0] == texts[1]


def test_vectors() -> None:
    def round_trip(m: Any) -> Any:
        params = with_grads()
        vector = m.utils.parameters_to_vector(params)
        m.utils.vector_to_parameters(vector * 2, params)
        return [vector.detach(), *(p.detach() for p in params)]

    agree(round_trip)


SEQUENCES = [torch.arange(3.0), torch.arange(5.0), torch.arange(1.0)]


def test_packed_sequences() -> None:
    def packed(m: Any) -> Any:
        rnn = m.utils.rnn
        p = rnn.pack_sequence(SEQUENCES, enforce_sorted=False)
        padded, lengths = rnn.pad_packed_sequence(p, batch_first=True, padding_value=-1)
        back = rnn.unpack_sequence(p)
        other = rnn.pack_padded_sequence(padded, lengths, True, enforce_sorted=False)
        wide = rnn.pad_packed_sequence(other, total_length=7)[0]
        text = repr(p.to(torch.float64)).replace(NAME, "torch")
        assert (p.double().data.dtype, p.is_cuda) == (torch.float64, False)
        return [*p, padded, lengths, *back, *other, wide, torch.tensor(len(text))]

    agree(packed)
    for side in ("left", "right"):
        agree(lambda m, side=side: m.utils.rnn.pad_sequence(SEQUENCES, True, 9, side))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("state", [False, True])
def test_recurrent_layers_over_packed_sequences(kind: str, state: bool) -> None:
    def run(m: Any) -> Any:
        torch.manual_seed(0)
        layer = getattr(m, kind)(2, 3, bidirectional=True)
        p = m.utils.rnn.pack_sequence([torch.rand(n, 2) for n in (2, 4, 1)], False)
        hx = torch.rand(2, 3, 3)
        given = ((hx, hx * 2) if kind == "LSTM" else hx) if state else None
        out, last = layer(p, given)
        return [*out, *(last if kind == "LSTM" else [last])]

    agree(run)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["weight_norm", "spectral_norm"])
def test_norms_of_weights(kind: str) -> None:
    def run(m: Any) -> Any:
        torch.manual_seed(0)
        x, seen = torch.rand(2, 3), []
        for layer in (m.Linear(3, 4), m.ConvTranspose1d(2, 3, 2)):
            normed = getattr(m.utils, kind)(layer)
            data = x if isinstance(layer, m.Linear) else torch.rand(1, 2, 5)
            normed(data).sum().backward()
            normed(data)
            grads = [p.grad for p in normed.parameters()]
            state = dict(normed.state_dict())
            seen += [*grads, *(state[k] for k in sorted(state))]
            getattr(m.utils, f"remove_{kind}")(layer)
            seen.append(layer.weight.detach())
            assert isinstance(layer.weight, m.Parameter)
        return seen

    agree(run)


@pytest.mark.parametrize("kind", [None, "matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("sizes", [(3, 3), (4, 3), (2, 4)])
def test_orthogonal_weights(sizes: tuple[int, int], kind: str | None) -> None:
    def run(m: Any) -> Any:
        torch.manual_seed(0)
        put = m.utils.parametrizations.orthogonal
        layer = put(m.Linear(*sizes), orthogonal_map=kind)
        drawn = layer.weight
        layer.weight = m.init.orthogonal_(torch.empty(sizes[1], sizes[0]))
        base = layer.parametrizations.weight[0].base
        if sizes[0] == sizes[1]:  # what is orthogonal is its own base, to the last bit
            assert torch.equal(base, layer.weight.detach())
        out = layer(torch.ones(2, sizes[0]))
        grads = torch.autograd.grad(out.square().sum(), list(layer.parameters()))
        return drawn, layer.weight, base, out, grads

    agree(run)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["weight_norm", "spectral_norm"])
def test_refusals_of_norms(kind: str) -> None:
    texts = []
    for m in BOTH:
        put, take = getattr(m.utils, kind), getattr(m.utils, f"remove_{kind}")
        for call in (lambda: put(put(m.Linear(1, 1))), lambda: take(m.Linear(1, 1))):  # noqa: B023
            with pytest.raises((RuntimeError, ValueError)) as caught:
                call()
            texts.append(str(caught.value))
    assert texts[:2] == texts[2:]


def test_stateless_calls() -> None:
    from torch.func import functional_call as theirs

    ours = nn.utils.stateless.functional_call
    results = []
    for m, call in ((nn, ours), (torch.nn, theirs)):
        torch.manual_seed(0)
        model = m.Sequential(m.Linear(2, 2), m.BatchNorm1d(2), m.Linear(2, 2))
        model[2].weight = model[0].weight
        given = {"0.weight": torch.ones(2, 2, requires_grad=True), "1.running_mean": torch.ones(2)}
        before = copy.deepcopy(dict(model.state_dict()))
        x = torch.rand(3, 2)
        model.eval()
        out = call(model, given, (x,))
        grad = torch.autograd.grad(out.sum(), given["0.weight"])[0]
        torch.testing.assert_close(before, dict(model.state_dict()))
        with pytest.raises(RuntimeError) as caught:
            call(model, given, x, strict=True)
        results.append((out, grad))
        assert str(caught.value).startswith("Error(s) in reparametrizing")
    torch.testing.assert_close(results[0], results[1])
