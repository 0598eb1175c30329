"""Pruning, orthogonal weights, kernels of attention, files of the hub, against PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

import lazytensor.torch as ours
import lazytensor.torch.hub
import lazytensor.torch.nn.utils.prune
import lazytensor.torch.types
import lazytensor.torch.utils.model_zoo

real = pytest.importorskip("torch")
import torch.nn.utils.prune  # noqa: E402, F401

PRUNED = """
p.l1_unstructured(linear, "weight", amount=0.3).weight_mask
p.l1_unstructured(linear, "weight", amount=4).weight
p.random_unstructured(linear, "weight", 0.5).weight_mask
p.random_structured(linear, "weight", 2, dim=1).weight_mask
p.ln_structured(linear, "weight", 0.5, 2, 0).weight_mask
p.custom_from_mask(linear, "bias", m.tensor([1, 0, 1, 0])).bias
p.identity(linear, "bias").bias_mask
p.l1_unstructured(p.random_structured(linear, "weight", 1, dim=0), "weight", 0.5).weight_mask
p.ln_structured(p.l1_unstructured(linear, "weight", 0.3), "weight", 1, 1, 0).weight_mask
p.global_unstructured(both(linear), p.L1Unstructured, amount=0.4), list(linear.buffers())
list(p.l1_unstructured(linear, "weight", 0.3).state_dict())
p.remove(p.l1_unstructured(linear, "weight", 0.3), "weight").state_dict()
p.is_pruned(linear), p.is_pruned(p.identity(linear, "weight"))
p.L1Unstructured(2).prune(m.tensor([3.0, -1.0, 2.0, 0.5]))
p.l1_unstructured(linear, "weight", 0.5)(m.ones(1, 6)).sum().backward(), linear.weight_orig.grad
p.l1_unstructured(linear, "weight", 30)
p.l1_unstructured(linear, "weight", 2, m.ones(24))
p.l1_unstructured(linear, "weight", 1.5)
p.l1_unstructured(linear, "weight", "a")
p.ln_structured(linear, "bias", 0.5, 2, 0)
p.remove(linear, "weight")
""".strip().splitlines()


def said(m: Any, code: str) -> str:
    """What an expression gives, or is refused with."""
    m.manual_seed(0)

    def both(x: Any) -> Any:
        return [(x, "weight"), (x, "bias")]

    names = {"both": both, "m": m, "nn": m.nn, "p": m.nn.utils.prune, "linear": m.nn.Linear(6, 4)}
    try:
        return str(eval(code, names)).replace("lazytensor.torch.", "torch.")
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("code", PRUNED)
def test_pruning_is_pytorchs(code: str) -> None:
    assert said(ours, code) == said(real, code)


@pytest.mark.parametrize("sizes", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("kind", [None, "cayley", "matrix_exp", "householder"])
def test_orthogonal_weights(sizes: tuple[int, int], kind: str | None) -> None:
    def made(m: Any) -> list[Any]:
        m.manual_seed(1)
        layer = m.nn.utils.parametrizations.orthogonal(m.nn.Linear(*sizes), orthogonal_map=kind)
        first = layer.weight.tolist()
        layer(m.arange(float(sizes[0]))).square().sum().backward()
        slope = layer.parametrizations.weight.original.grad.tolist()
        layer.weight = m.nn.init.orthogonal_(m.empty(sizes[1], sizes[0]))
        return [*first, *slope, *layer.weight.tolist(), str(layer)]

    *own, title = made(ours)
    *theirs, expected = made(real)
    assert title == expected
    for a, b in zip(own, theirs, strict=True):
        assert a == pytest.approx(b, rel=1e-4, abs=1e-5)


ORTHOGONAL = """
nn.utils.parametrizations.orthogonal(linear, "bias")
nn.utils.parametrizations.orthogonal(linear, "nothing")
nn.utils.parametrizations.orthogonal(linear, orthogonal_map="qr")
nn.utils.parametrizations.orthogonal(linear, use_trivialization=False).weight.shape
""".strip().splitlines()


@pytest.mark.parametrize("code", ORTHOGONAL)
def test_orthogonal_weights_are_refused_as_in_pytorch(code: str) -> None:
    assert said(ours, code) == said(real, code)


def test_kernels_of_attention_may_be_chosen() -> None:
    q = ours.ones(1, 2, 4)
    plain = ours.nn.functional.scaled_dot_product_attention(q, q, q)
    backends = ours.nn.attention.SDPBackend
    with ours.nn.attention.sdpa_kernel([backends.MATH, backends.FLASH_ATTENTION]):
        assert ours.equal(ours.nn.functional.scaled_dot_product_attention(q, q, q), plain)
    with pytest.raises(AssertionError), ours.nn.attention.sdpa_kernel("math"):
        pass


def test_parameters_are_fetched_once(tmp_path: Any) -> None:
    file = tmp_path / "w-0123.pth"
    ours.save({"w": ours.arange(3)}, file)
    fetch = ours.utils.model_zoo.load_url
    kept = tmp_path / "kept"
    found = fetch(file.as_uri(), model_dir=str(kept))
    assert ours.equal(found["w"], ours.arange(3))
    assert [p.name for p in kept.iterdir()] == ["w-0123.pth"]
    file.unlink()
    assert ours.equal(fetch(file.as_uri(), model_dir=str(kept))["w"], ours.arange(3))
    ours.hub.set_dir(str(tmp_path))
    try:
        assert ours.hub.get_dir() == str(tmp_path)
        ours.save(0, file)
        with pytest.raises(RuntimeError, match="invalid hash value"):
            ours.hub.load_state_dict_from_url(file.as_uri(), check_hash=True)
    finally:
        lazytensor.torch.hub._CHOSEN.clear()


def test_what_is_fetched_lies_as_other_files_do(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the user's folder where that is named, and to be read by whoever may read files there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "w.pth"
    ours.save(0, file)
    ours.hub.download_url_to_file(file.as_uri(), "~/copy.pth")
    assert (tmp_path / "copy.pth").read_bytes() == file.read_bytes()
    assert (tmp_path / "copy.pth").stat().st_mode == file.stat().st_mode
    with pytest.raises(RuntimeError, match="invalid hash value"):
        ours.hub.download_url_to_file(file.as_uri(), "~/other.pth", "0123")
    assert {p.name for p in tmp_path.iterdir()} == {"w.pth", "copy.pth"}


def test_types_for_annotations() -> None:
    assert isinstance(1.5, ours.types.Number)
    assert isinstance("cpu", ours.types.Device)
