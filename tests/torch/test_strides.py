"""Where results lie in memory: random views of small tensors, one operation, PyTorch's strides."""

from __future__ import annotations

import random
from math import prod
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as lazy  # noqa: E402

SEEDS = 3000
DTYPES = ("float32", "float32", "float64", "int64", "int32", "bool")
ONE = """
    x.cos() x.square() x.exp() x.sign() x.logical_not() x.abs() x.isnan() x.sigmoid() x.floor()
    x.clone() x.relu() x.cumsum(0) x.flip(0) x.sort(0)[0] x.double() x.float() x.bool() x**3 x**0.5
    x+1 x*2.5 x/2 1-x x>0 x==0 x!=x x.clamp(-1,1) T.where(x>0,x,0.5) T.where(x>0,1.,2.)
    T.where(x>0,x,x.double()) x.masked_fill(x>0,1) T.zeros_like(x) T.roll(x,1) x.tril() x.argsort(0)
    x.contiguous() x.nan_to_num() x.round() x.sum(0,keepdim=True) x.amax(0,keepdim=True)
    x+x.double() x.remainder(2) T.lerp(x,x,0.5) T.addcmul(x,x,x) x.index_select(0,T.tensor([0,0]))
    T.stack([x,x],0) T.stack([x,x],-1) T.cat([x,x],0) x.softmax(0) T.nn.functional.hardtanh(x)
    T.nn.functional.gelu(x) T.nn.functional.prelu(x,T.tensor([0.5])) x.to(T.complex64).abs()
""".split()
TWO = """
    x+z z*x x-z x>z x**z T.where(x>0,x,z) T.where(z>0,x,1) T.where(z>0,z,x) T.maximum(x,z)
    T.atan2(x,z) x.clamp(z) T.lerp(x.double(),z.double(),0.5) T.logical_and(x,z)
    x.masked_fill(z>0,1) T.addcmul(x,z,z) T.hypot(x.double(),z.double()) T.copysign(x,z)
    T.nn.functional.mse_loss(x.double(),z.double(),reduction='none')
    T.nn.functional.smooth_l1_loss(x.double(),z.double(),reduction='none')
""".split()


def tensor(rng: random.Random, shape: list[int]) -> str:
    """The expression of a tensor of this shape, its axes in any order in memory."""
    order = rng.sample(range(len(shape)), len(shape))
    inside = [shape[a] for a in order]
    back = [order.index(a) for a in range(len(shape))]
    count = prod(shape)
    return (f"T.arange({count}).sub({count // 2}).to(T.{rng.choice(DTYPES)})"
            f".reshape({inside}).permute({back})")  # fmt: skip


def view(rng: random.Random, x: Any) -> str:
    """A view of a tensor, as what is written after it."""
    n = x.dim()
    if not n:
        return rng.choice(["[None]", ".expand(2)"])
    a, b = rng.randrange(n), rng.randrange(n)
    return rng.choice([
        f".transpose({a}, {b})", f".transpose({a}, {b})", f".unsqueeze({rng.randint(0, n)})",
        f"[{':,' * a}::2]", f"[{':,' * a}1:]", f"[{':,' * a}0:1]", ".squeeze()", "[0]",
        f".unfold({a}, {max(1, x.shape[a] - rng.randint(0, 1))}, 1)",
        f".expand({[2, *(m if m != 1 else rng.choice([1, 3]) for m in x.shape)]})",
        ".diagonal(0, 0, -1)", ".reshape(-1)", ".to(memory_format=T.channels_last)",
    ])  # fmt: skip


def program(seed: int) -> tuple[str, dict[str, str]]:
    """An expression over tensors x and z, and theirs."""
    rng = random.Random(seed)
    source = tensor(rng, [rng.choice([1, 2, 3, 2]) for _ in range(rng.randint(0, 4))])
    x = eval(source, {"T": torch})
    for _ in range(rng.randint(0, 4)):
        more = source + view(rng, x)
        try:
            x, source = eval(more, {"T": torch}), more
        except (RuntimeError, IndexError):  # it can't be viewed so
            continue
    if rng.random() < 0.6:
        return rng.choice(ONE), {"x": source}
    shape = [m if rng.random() < 0.7 else 1 for m in x.shape][rng.choice([0, 0, 1]):]
    return rng.choice(TWO), {"x": source, "z": tensor(rng, shape)}


def strides(T: Any, expression: str, sources: dict[str, str]) -> Any:
    """Of the operands and of the result, or the error."""
    env = {"T": T, **{name: eval(source, {"T": T}) for name, source in sources.items()}}
    try:
        env["out"] = eval(expression, env)
    except Exception as error:
        return type(error).__name__
    return {name: tuple(env[name].stride()) for name in (*sources, "out")}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(4))
def test_strides_of_results(part, effort):
    each = effort(SEEDS, 30 * SEEDS) // 4
    found = []
    for seed in range(part * each, (part + 1) * each):
        case = program(seed)
        got, want = strides(lazy, *case), strides(torch, *case)
        if got != want:
            found.append(f"seed {seed}: {case}: {got}, not {want}")
    assert not found, "\n".join(found[:5])


def test_a_wrong_stride_is_seen():
    class Wrong:
        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

        def zeros_like(self, x: Any) -> Any:
            return torch.zeros_like(x).contiguous()

    case = "T.zeros_like(x)", {"x": "T.ones(2, 3).t()"}
    assert strides(Wrong(), *case) != strides(torch, *case) == strides(lazy, *case)
