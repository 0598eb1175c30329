"""Programs and packages written for PyTorch, run unmodified by `lazytensor run`.

`scripts/` holds programs of our own that use what well-known small ones use. Packages are tried
where they are installed: what they compute must be what they compute with PyTorch.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.torch.running import ROOT, apart, printed, run

SCRIPTS = ROOT / "tests" / "torch" / "scripts"
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="needs PyTorch to compare with")

WORDS = [
    *(("sorting.py", "50", *kind, "float32") for kind in (("fused", "0"), ("masked", "0.1"))),
    *(("sorting.py", "100", *kind, "float64") for kind in (("fused", "0"), ("masked", "0.1"))),
    *(("naming.py", "60", kind) for kind in ("table", "mean", "window", "plain", "gated")),
    ("balancing.py", "12"),
    ("inferring.py", "12"),
    ("trimming.py", "8"),
    *(("reading.py", "40", kind) for kind in ("LSTM", "GRU", "RNN")),
]

# What a package computes, as a program that prints it.
PACKAGES = {
    "einops": """
import torch
from einops import einsum, pack, parse_shape, rearrange, reduce, repeat, unpack
from einops.layers.torch import EinMix, Rearrange, Reduce
torch.manual_seed(0)
x = torch.randn(2, 6, 4, 4)
print(rearrange(x, "b (c g) h w -> b g (h w) c", g=2).sum(1).shape, parse_shape(x, "b c h w"))
print(reduce(x, "b c (h 2) (w 2) -> b c h w", "max").mean(), reduce(x, "b c h w -> c", "mean"))
print(repeat(x[0, 0], "h w -> (h 2) w").shape, einsum(x, x, "b c h w, b d h w -> b c d")[0, 0])
packed, shapes = pack([x, x[:, 0]], "b * w")
print(packed.shape, shapes, [part.shape for part in unpack(packed, shapes, "b * w")])
net = torch.nn.Sequential(
    Rearrange("b c (h p) (w q) -> b (h w) (c p q)", p=2, q=2),
    EinMix("b n c -> b n d", weight_shape="c d", bias_shape="d", c=24, d=3),
    Reduce("b n d -> b d", "mean"),
)
print(net)
loss = net(x).pow(2).sum()
loss.backward()
print(loss, net[1].weight.grad.norm())
""",
    "torchdiffeq": """
import torch
from torchdiffeq import odeint, odeint_adjoint, odeint_event
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
class Field(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)
        )
    def forward(self, t, y):
        return self.net(y**3)
field, start, times = Field(), torch.tensor([[2.0, 0.0]]), torch.linspace(0.0, 1.0, 5)
for method in ("dopri5", "dopri8", "bosh3", "rk4", "euler", "midpoint", "explicit_adams"):
    with torch.no_grad():
        print(method, odeint(field, start, times, method=method)[-1])
for solve in (odeint, odeint_adjoint):
    field.zero_grad()
    solve(field, start, times, rtol=1e-8, atol=1e-8)[-1].pow(2).sum().backward()
    print(solve.__name__, [round(p.grad.norm().item(), 5) for p in field.parameters()])
fall = lambda t, y: (y[1], torch.tensor([-9.8]))
state = (torch.tensor([10.0]), torch.tensor([0.0]))
options = {"event_fn": lambda t, y: y[0], "odeint_interface": odeint}
print(odeint_event(fall, state, torch.tensor(0.0), **options)[0])
""",
    "safetensors": """
import io, tempfile, os
import torch
from safetensors.torch import load, load_file, save, save_file
torch.manual_seed(0)
state = {"a": torch.randn(3, 4), "b": torch.arange(5), "c": torch.ones(2, dtype=torch.bfloat16)}
again = load(save(state))
print(all(torch.equal(again[k], v) and again[k].dtype == v.dtype for k, v in state.items()))
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "x.safetensors")
    save_file(state, path, metadata={"format": "pt"})
    print(load_file(path)["a"], load_file(path)["c"])
""",
}


@needs_torch
@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_program_learns_the_same(words: tuple[str, ...], tmp_path: Path) -> None:
    script = str(SCRIPTS / words[0])
    ours, theirs = (printed(script, *words[1:], cwd=tmp_path, ours=o) for o in (True, False))
    assert apart(ours.losses, theirs.losses) <= (1e-9 if "float64" in words else 1e-4)
    assert ours.rest == theirs.rest


@needs_torch
@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_computes_the_same(package: str, tmp_path: Path) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} isn't installed")
    ours, theirs = (printed("-c", PACKAGES[package], cwd=tmp_path, ours=o) for o in (True, False))
    assert ours.rest == theirs.rest


@pytest.mark.slow
@pytest.mark.parametrize(("package", "tests"), [("einops", "einops.tests")])
def test_a_package_passes_its_own_suite(package: str, tests: str, tmp_path: Path) -> None:
    if find_spec(tests) is None:
        pytest.skip(f"{tests} isn't installed")
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", tests]
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    backends = {"EINOPS_TEST_BACKENDS": "numpy,torch"}
    done = run(*words, cwd=tmp_path, ours=True, **backends)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


@needs_torch
@pytest.mark.parametrize("name", ["empty", "ones", "rand", "randn", "zeros"])
def test_sizes_are_taken_by_name(name: str) -> None:
    """As einops' suite gives them."""
    for library in ("torch", "lazytensor.torch"):
        made = getattr(importlib.import_module(library), name)
        assert made(size=[2, 3]).shape == made(size=(2, 3), dtype=None).shape == (2, 3)
        with pytest.raises(TypeError):
            made(2, size=(3,))
