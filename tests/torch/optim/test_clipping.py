"""Gradients clipped at once: the bits and versions of doing it one by one."""

from typing import Any

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor.torch import foreach

SHAPES = [(3, 5), (7,), (), (1, 40)]


def parameters(dtype: Any, scale: float = 1.0) -> list[Any]:
    rng = np.random.default_rng(5)
    found = []
    for shape in SHAPES:
        p = torch.nn.Parameter(torch.tensor(rng.standard_normal(shape), dtype=dtype))
        p.grad = torch.tensor(rng.standard_normal(shape) * scale, dtype=dtype)
        found.append(p)
    return found


def clipped(params: list[Any], norm: float, most: float) -> list[Any]:
    total = torch.nn.utils.clip_grad_norm_(params, most, norm)
    return [(t.double().cpu().numpy().tobytes(), t._version, t.dtype, t.grad_fn)
            for t in (total, *[p.grad for p in params])]  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("norm", [2.0, 1.0, 0.0, 3.0, -1.0, float("inf"), float("-inf")])
def test_bits_and_versions(norm: float, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for most in (0.5, 1e6):
        found = clipped(parameters(dtype), norm, most)
        monkeypatch.setattr(foreach, "apart", lambda *tensors: False)
        assert clipped(parameters(dtype), norm, most) == found
        monkeypatch.undo()


@pytest.mark.parametrize("scale", [0.0, float("nan"), float("inf")])
def test_norms_that_are_no_numbers_or_0(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    found = clipped(parameters(torch.float32, scale), 2.0, 1.0)
    monkeypatch.setattr(foreach, "apart", lambda *tensors: False)
    assert clipped(parameters(torch.float32, scale), 2.0, 1.0) == found


def test_gradients_that_share_memory_are_scaled_one_after_another() -> None:
    whole = torch.ones(4)
    params = [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(4))]
    params[0].grad, params[1].grad = whole[:2], whole
    torch.nn.utils.clip_grad_norm_(params, 6.0**0.5 / 2)
    np.testing.assert_allclose(whole.tolist(), [0.25, 0.25, 0.5, 0.5], rtol=1e-5)


def test_a_number_that_is_among_what_is_written_to_or_a_part_of_it() -> None:
    x, y = torch.tensor(2.0), torch.tensor(3.0)
    torch._foreach_mul_([x, y], x)
    assert (x.item(), y.item()) == (4.0, 12.0)
    one, more = torch.tensor([2.0]), torch.tensor([3.0])
    for part in (one[0], one.detach()[0]):
        with pytest.raises(RuntimeError, match="refer to a single memory location"):
            torch._foreach_add_([one, more], part)


@pytest.mark.parametrize("name", ["add", "mul", "div"])
@pytest.mark.parametrize("other", [1e9, 3, 0.1, -0.0, True, torch.tensor(0.7), torch.tensor(2)])
def test_lists_with_a_number(name: str, other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def written(dtype: Any) -> list[Any]:
        xs = [p.detach() for p in parameters(dtype)]
        getattr(torch, f"_foreach_{name}_")(xs, other)
        return [(x.double().cpu().numpy().tobytes(), x._version, x.dtype) for x in xs]

    for dtype in (torch.float32, torch.float16, torch.float64):
        found = written(dtype)
        monkeypatch.setattr(foreach, "apart", lambda *tensors: False)
        assert written(dtype) == found
        monkeypatch.undo()


def test_gradients_at_once_are_found_without_operations_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = parameters(torch.float32)
    for name in ("norm", "mul_", "vector_norm"):
        monkeypatch.delitem(foreach.FUNCTIONS, name, raising=False)
    monkeypatch.setattr(foreach, "_one", None)
    monkeypatch.setattr(foreach, "_write", None)
    assert torch.nn.utils.clip_grad_norm_(params, 1.0).item() > 1
    assert torch.nn.utils.get_total_norm([p.grad for p in params]).item() <= 1.00001
