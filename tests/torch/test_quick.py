"""The short way of elementwise operations: the bits, versions, dtypes and refusals of the long way,
and only where nothing sees the difference.
"""

import itertools
from typing import Any

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor.torch import _dispatch

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
NUMBERS = (0.3, -2, 0.0, -0.0, float("inf"), float("nan"), 7)
PAIRS = ("add", "sub", "mul", "div", "eq", "ne", "lt", "le", "gt", "ge")
WRITTEN = ("add_", "sub_", "mul_", "div_")


def tensors(dtype: Any, shape: tuple[int, ...] = (3, 5)) -> list[Any]:
    rng = np.random.default_rng(2)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan]
    found = []
    for _ in range(3):
        x = rng.standard_normal(shape)
        x = np.where(rng.random(shape) < 0.3, rng.choice(special, shape), x)
        found.append(torch.tensor(x, dtype=dtype))
    return found


def calls() -> dict[str, Any]:
    """Calls of three tensors by their text."""
    found: dict[str, Any] = {}
    for name, y in itertools.product((*PAIRS, *WRITTEN), (None, *NUMBERS)):
        found[f"{name} {y}"] = lambda a, b, c, n=name, y=y: getattr(a, n)(b if y is None else y)
    for name, alpha in itertools.product(("add", "sub", "add_", "sub_"), (1, 1.0, 0.3, -0.0, 3)):
        found[f"{name} alpha {alpha}"] = lambda a, b, c, n=name, k=alpha: getattr(a, n)(b, alpha=k)
        found[f"{name} 2 {alpha}"] = lambda a, b, c, n=name, k=alpha: getattr(a, n)(2, alpha=k)
    for name, w in itertools.product(("lerp", "lerp_"), (0.0, 0.3, 0.5, 1.7, float("nan"))):
        found[f"{name} {w}"] = lambda a, b, c, n=name, w=w: getattr(a, n)(b, w)
    for name, v in itertools.product(("addcmul", "addcdiv", "addcmul_", "addcdiv_"), (1, 0.3, -2)):
        found[f"{name} {v}"] = lambda a, b, c, n=name, v=v: getattr(a, n)(b, c, value=v)
    for name, low, high in itertools.product(("clamp", "clamp_"), (None, -0.5, 1), (0.5, -1, None)):
        if low is not None or high is not None:
            found[f"{name} {low} {high}"] = lambda a, b, c, n=name, p=low, q=high: getattr(a, n)(
                p, q
            )
    for name in ("maximum", "minimum"):
        found[name] = lambda a, b, c, n=name: getattr(torch, n)(a, b)
    for y in (None, 0.3, float("nan")):
        found[f"where {y}"] = lambda a, b, c, y=y: torch.where(c > 0, a, b if y is None else y)
    found["copy_"] = lambda a, b, c: a.copy_(b)
    found["+= x"] = lambda a, b, c: a.__iadd__(b)
    found["+= itself"] = lambda a, b, c: a.add_(a)
    found["/ 2"] = lambda a, b, c: a / 2
    found["torch.add"] = lambda a, b, c: torch.add(a, b, alpha=2)
    return found


CALLS = calls()


def seen(call: Any, dtype: Any) -> list[Any]:
    given = tensors(dtype)
    out = call(*given)
    found = [id(out) == id(given[0])]
    for t in (out, *given):
        bits = t.double().numpy(force=True).tobytes()
        found += [bits, t._version, t.dtype, t.stride(), t.requires_grad]
    return found


@pytest.mark.parametrize("name", CALLS)
def test_bits_and_versions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Any] = []

    def noting(quick: Any) -> Any:
        def f(args: Any, kwargs: Any) -> Any:
            out = quick(args, kwargs)
            taken.append(out)
            return out

        return f

    for key, quick in list(_dispatch.QUICK.items()):
        monkeypatch.setitem(_dispatch.QUICK, key, noting(quick))
    found = [seen(CALLS[name], dtype) for dtype in DTYPES]
    assert all(any(out is not None for out in taken[i :: len(DTYPES)]) for i in range(len(DTYPES)))
    for key in list(_dispatch.QUICK):
        monkeypatch.delitem(_dispatch.QUICK, key)
    assert [seen(CALLS[name], dtype) for dtype in DTYPES] == found


class Watched(torch.Tensor):
    """A class that may ask what is done."""


def leaf_of(x: Any) -> Any:
    return x.clone().requires_grad_()


def test_what_is_watched_goes_the_long_way() -> None:
    x, y = torch.ones(2, 3), torch.full((2, 3), 2.0)
    quick = _dispatch.QUICK
    assert quick["add"]((x, y), {}) is not None
    others = [
        y.double(), y.int(), torch.ones(3), torch.ones(3, 2).t(), y.as_subclass(Watched), True,
        torch.tensor(1.0), y.clone().requires_grad_(), np.float32(1), "1", None,
    ]  # fmt: skip
    for other in others:
        assert quick["add"]((x, other), {}) is None
        assert quick["add_"]((x, other), {}) is None
        assert quick["mul"]((other, x), {}) is None
    assert quick["add"]((x, y), {"out": y}) is None
    assert quick["add"]((x,), {}) is None
    assert quick["div"]((x, y), {"rounding_mode": "floor"}) is None
    assert quick["clamp"]((x, float("nan")), {}) is None
    assert quick["maximum"]((x, 2.0), {}) is None
    assert quick["where"]((x > 0, x, y), {}) is not None
    assert quick["where"]((x[0] > 0, x, y), {}) is None
    assert quick["where"]((x, x, y), {}) is None
    assert quick["where"]((x > 0, leaf_of(x), y), {}) is None
    assert quick["mul"]((torch.ones(0), 2.0), {}) is None
    whole = torch.ones(4, 3)
    assert quick["add_"]((whole[:2], y), {}) is None  # a view
    assert quick["add_"]((y, y.detach()), {}) is None  # of the same memory
    with torch.inference_mode():
        assert quick["add"]((x, y), {}) is None
    with torch.autocast("cpu"):
        assert quick["mul"]((x, y), {}) is None
    torch.vmap(lambda v: v.mul(2.0))(x)
    leaf = torch.ones(2, 3, requires_grad=True)
    with torch.no_grad():
        assert quick["add_"]((leaf, y), {}) is leaf
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        leaf.add_(y)


@pytest.mark.parametrize("name", ["add", "mul", "eq", "maximum", "lerp", "addcmul", "copy_"])
def test_names_of_arguments_are_those_of_the_long_way(name: str) -> None:
    x = torch.ones(2)
    f = getattr(torch.Tensor, name)
    for names in (("y",), ("y", "weight"), ("a", "b")):
        with pytest.raises(TypeError):
            f(x, **dict.fromkeys(names, x))
    with pytest.raises(TypeError):
        f(x=x)


def test_conditions_are_the_first_of_the_function_and_the_second_of_the_method() -> None:
    x, y = torch.ones(2), torch.zeros(2)
    assert torch.where(x > 0, x, y).tolist() == x.where(x > 0, y).tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="condition to be a boolean tensor"):
        (x > 0).where(x, y)


def test_numbers_that_do_not_fit() -> None:
    x = torch.ones(2, dtype=torch.float16)
    with pytest.raises(RuntimeError, match="without overflow"):
        x.add(x, alpha=1e9)
    with pytest.raises(RuntimeError, match="without overflow"):
        x.clamp_(max=1e9)


def test_views_see_what_is_written() -> None:
    x = torch.zeros(4)
    view, same = x[1:3], x.detach()
    x.add_(torch.arange(4.0)).mul_(2.0)
    assert view.tolist() == [2.0, 4.0] and same.tolist() == [0.0, 2.0, 4.0, 6.0]
    x.copy_(torch.ones(4))
    assert view.tolist() == [1.0, 1.0] and x._version == same._version == 3
