"""einops by its array API functions, opt_einsum by the module of our arrays' type."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from .compare import Same

Job = Callable[[Any, Any], Any]


def picture(xp: Any) -> Any:
    return xp.reshape(xp.arange(2 * 4 * 6 * 3, dtype=xp.float64), (2, 4, 6, 3)) / 10


EINOPS: dict[str, Job] = {
    "rearrange": lambda e, xp: e.rearrange(picture(xp), "b h w c -> b c h w"),
    "flatten": lambda e, xp: e.rearrange(picture(xp), "b h w c -> b (h w c)"),
    "split": lambda e, xp: e.rearrange(picture(xp), "b (h i) (w j) c -> (b i j) h w c", i=2, j=3),
    "list": lambda e, xp: e.rearrange([picture(xp), picture(xp)], "n b h w c -> b h (n w) c"),
    "identity": lambda e, xp: e.rearrange(picture(xp), "... c -> ... c"),
    "ellipsis": lambda e, xp: e.rearrange(picture(xp), "b ... -> ... b"),
    "new axis": lambda e, xp: e.rearrange(picture(xp), "b h w c -> b 1 h w 1 c"),
    "mean": lambda e, xp: e.reduce(picture(xp), "b (h i) w c -> b h c", "mean", i=2),
    "max": lambda e, xp: e.reduce(picture(xp), "b h w c -> c", "max"),
    "sum": lambda e, xp: e.reduce(picture(xp), "b h w c -> b 1 1 c", "sum"),
    "min": lambda e, xp: e.reduce(picture(xp), "... c -> c", "min"),
    "prod": lambda e, xp: e.reduce(picture(xp) + 1, "b (h i) w c -> h w", "prod", i=4),
    "all": lambda e, xp: e.reduce(picture(xp) > 1, "b h w c -> b", "all"),
    "repeat": lambda e, xp: e.repeat(picture(xp), "b h w c -> b (h r) (w s) c", r=2, s=2),
    "repeat new axis": lambda e, xp: e.repeat(picture(xp), "b h w c -> b t h w c", t=3),
    "pack": lambda e, xp: e.pack([picture(xp), picture(xp)[:, 0, ...]], "b * c"),
    "unpack": lambda e, xp: e.unpack(picture(xp)[:, 0, ...], [(2,), (4,)], "b * c"),
    # einops asks no library for a copy in memory of the host.
    "asnumpy": lambda e, xp: e.asnumpy(picture(xp).to_device("cpu")),
}


@pytest.mark.parametrize("name", list(EINOPS))
def test_einops(name: str, xp: ModuleType, same: Same) -> None:
    einops = pytest.importorskip("einops.array_api")
    same(EINOPS[name](einops, xp), EINOPS[name](einops, np), ours=name != "asnumpy")


CONTRACTIONS = """ab,bc->ac ab,bc,cd->ad ab,ab-> ab,ab->ab a,b->ab ab->ba ab-> ab->b aab->ab aab->b
abc,cd->abd abc,abd->acd abc,bcd,da->a abcd,cd->ab a,a-> a,ab,b-> abc,abc,abc->ac ab,cd->abcd
ab,bc,cd,de->ae abc,ab,c->b ba,bc->ac ab,bc,ca-> abcd,abef,ca,db->ef ab...,b->a... ...a,...a->...
abc->cab aaa->a aa-> abcde,e->dcba ab,bc,ca->abc a,,b->ab ,ab->ba aab,b->a"""
SIZES = dict(zip("abcdef", (3, 4, 2, 5, 2, 3), strict=True))


def operand(xp: Any, term: str, number: int) -> Any:
    shape = tuple(SIZES[letter] for letter in term.replace("...", "ef"))
    count = int(np.prod(shape))
    return xp.reshape(xp.sin(xp.arange(count, dtype=xp.float64) + number), shape)


@pytest.mark.parametrize("optimize", ["auto", "optimal"])
@pytest.mark.parametrize("equation", CONTRACTIONS.split())
def test_opt_einsum(equation: str, optimize: str, xp: ModuleType, same: Same) -> None:
    opt_einsum = pytest.importorskip("opt_einsum")
    terms = equation.split("->")[0].split(",")
    ours, numpys = ([operand(n, t, i) for i, t in enumerate(terms)] for n in (xp, np))
    result = opt_einsum.contract(equation, *ours, optimize=optimize)
    same(result, np.einsum(equation, *numpys))


def test_opt_einsum_expression_with_constants(xp: ModuleType, same: Same) -> None:
    opt_einsum = pytest.importorskip("opt_einsum")
    for namespace in (xp, np):
        a, b = (operand(namespace, term, 1) for term in ("ab", "bc"))
        expression = opt_einsum.contract_expression("ab,bc->ac", (3, 4), b, constants=[1])
        same(expression(a), operand(np, "ab", 1) @ operand(np, "bc", 1), ours=namespace is xp)


def test_namespace_einsum(xp: ModuleType, same: Same) -> None:
    a, b = (operand(xp, term, 1) for term in ("abc", "cd"))
    wanted = np.einsum("abc,cd->adb", operand(np, "abc", 1), operand(np, "cd", 1))
    same(xp.einsum("abc,cd->adb", a, b), wanted)
