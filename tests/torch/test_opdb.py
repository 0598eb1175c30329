"""PyTorch's own operator table: what is listed as passing passes, and the checker sees what is
wrong."""

from __future__ import annotations

import collections
import importlib
import time
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")  # op_db imports it

from lazytensor._base import config  # noqa: E402
from tests.torch import opdb  # noqa: E402
from tests.torch.op_checks import (  # noqa: E402
    check,
    function_of,
    gradients,
    operators,
    run,
    samples,
)
from tests.torch.translate import Translator, array, tensors  # noqa: E402

PARTS = 12
DROPOUT = "nn.functional.dropout2d"
KNOWN = ["add", "max.reduction_with_dim", "linalg.svd", "bernoulli", "nn.functional.dropout", "T"]


class Planted:
    """PyTorch with some names replaced."""

    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


class Wrong(torch.autograd.Function):
    """A sine whose derivative is twice what it should be."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0].cos()


def shifted(x, *, out=None):
    return torch.sin(x, out=out).add_(0.001 if x.is_floating_point() else 0)


def in_another_dtype(x, *, out=None):
    return torch.sin(x, out=out).double()


def writes_to_its_input(x, *, out=None):
    y = torch.sin(x, out=out)
    x.zero_()
    return y


def refuses(x, *, out=None):
    raise ValueError("no")


def hangs(x, *, out=None):
    time.sleep(60)


@pytest.mark.parametrize("name", KNOWN)
def test_pytorch_passes_its_own_yardstick(name):
    result = check(name, torch, limit=3)
    assert not any(result.columns.values()), result


@pytest.mark.parametrize(
    ("planted", "column", "reason"),
    [
        (shifted, "forward", "elements"),
        (in_another_dtype, "forward", "torch.float64, not torch.float32"),
        (writes_to_its_input, "forward", "elements"),
        (refuses, "forward", "raised ValueError: no"),
        (hangs, "forward", "took more than 0.5 s"),
        (Wrong.apply, "backward", "elements"),
    ],
)
def test_a_wrong_function_is_seen(planted, column, reason):
    result = check("sin", Planted(sin=planted), columns=[column], limit=3, seconds=0.5)
    assert reason in result.columns[column]


@pytest.mark.parametrize(
    ("error", "errors", "texts"),
    [(None, "", "said 'something else'"), (KeyError, "raised KeyError", "raised KeyError")],
)
def test_a_wrong_exception_is_seen(error, errors, texts):
    def planted(*args, **kwargs):
        try:
            return torch.movedim(*args, **kwargs)
        except Exception as right:
            raise (error or type(right))("something else") from None

    columns = check("movedim", Planted(movedim=planted), columns=["errors", "texts"]).columns
    assert errors in columns["errors"] and (errors or not columns["errors"])
    assert texts in columns["texts"]


def test_a_missing_name_is_seen():
    class Without(Planted):
        def __getattr__(self, name):
            raise AttributeError(name)

    columns = check("sin", Without(manual_seed=torch.manual_seed), limit=1).columns
    assert columns["forward"] == "there is no sin"
    assert columns["method"] == "there is no Tensor.sin"


def test_a_crash_costs_one_operator(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "crashing.py").write_text(
        "import os\nfrom torch import *\nfrom torch import Tensor\ndef sin(x): os._exit(3)\n"
    )
    plan = opdb.Plan("crashing", columns=("forward",), limit=1)
    results = {r.op: r.columns["forward"] for r in opdb.run(["cos", "sin", "exp"], plan, 1)}
    assert results == {"cos": "", "sin": "the process ended with 3", "exp": ""}


def test_reports(tmp_path, capsys):
    path = tmp_path / "report.json"
    argv = ["--only", "sin", "--under", "torch", "--limit", "1", "--workers", "0"]
    assert opdb.main([*argv, "--report", str(path)]) == 0
    assert "forward: 1 of 1" in capsys.readouterr().out
    assert '"op": "sin"' in path.read_text()


def test_the_list_grows_and_shrinks(tmp_path):
    path = tmp_path / "passing.txt"
    opdb.write_passing([opdb.Result("a", {"forward": "", "out": "no"})], path)
    opdb.write_passing([opdb.Result("b", {"out": "", "forward": ""})], path)
    assert opdb.read_passing(path) == {"a": ("forward",), "b": ("forward", "out")}
    opdb.write_passing([opdb.Result("a", {"forward": "no"})], path)
    assert opdb.read_passing(path) == {"b": ("forward", "out")}


def failures(results: list[opdb.Result]) -> dict[str, str]:
    """`op column` -> reason."""
    return {f"{r.op} {c}": why for r in results for c, why in r.columns.items() if why}


# What an index on a GPU is becomes known when something is computed; for weights that are none,
# PyTorch has other words there.
LATE = ("gather", "multinomial", "scatter", "scatter_add")
ERRORS = ("errors", "texts")


def plans(device: str, limit: int | None) -> dict[str, opdb.Plan]:
    """How what is listed is checked where tensors are on a device."""
    passing = opdb.read_passing()
    if device != "cpu":
        passing |= {name: tuple(c for c in passing[name] if c not in ERRORS) for name in LATE}
    return {
        name: opdb.Plan(columns=columns, limit=limit, device=device)
        for name, columns in sorted(passing.items())
    }


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_listed_passes(part, full):
    """Every fourth operator that is listed, with three samples of each dtype; with --full all."""
    lib = importlib.import_module(opdb.UNDER_TEST)
    listed = plans(str(lib.get_default_device()), None if full else 3)
    assert set(listed) <= set(operators()), "names that PyTorch's table doesn't have"
    names = [*listed][part :: PARTS if full else 4 * PARTS]
    results = [listed[name].check(name) for name in names]
    assert results
    assert failures(results) == {}


@pytest.mark.cpu("virtual devices of the CPU")
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("part", range(2))
def test_a_part_of_what_is_listed_passes_on_a_device(part, full):
    """Every twentieth operator that is listed, its tensors on a virtual CUDA device; with --full
    all.
    """
    listed = plans("cuda:0", 2)
    with config.context(virtual_cuda=1):
        names = [*listed][part :: 2 if full else 40]
        results = [listed[name].check(name) for name in names]
    assert results
    assert failures(results) == {}


@pytest.mark.cpu("virtual devices of the CPU")
def test_a_device_gives_the_cpus_bits():
    """Forward and backward, of every thirtieth operator, where nothing is drawn."""
    lib = importlib.import_module(opdb.UNDER_TEST)
    passing = opdb.read_passing()
    for name in sorted(n for n in passing if "backward" in passing[n])[::30]:
        op = operators()[name]
        for _, sample in samples(op, 2, grad=True, dtypes=(torch.float32,)):
            if draws(op, sample):
                continue
            with config.context(virtual_cuda=1):
                found = [on_device(lib, op, sample, where) for where in ("cpu", "cuda:0")]
            assert found[0] == found[1], name


def draws(op, sample):
    """Whether PyTorch draws random numbers for a sample."""
    to = Translator(torch)
    return run(function_of(op, to), torch, to(sample)).drew


def test_what_draws_is_known():
    """Dropout that doesn't train, and random numbers for no element, draw nothing."""
    for name, found in (("sin", {False}), ("rand_like", {False, True}), (DROPOUT, {False, True})):
        op = operators()[name]
        assert {draws(op, sample) for _, sample in samples(op, 3)} == found, name


def on_device(lib, op, sample, where):
    """The bits of results and gradients, computed on a device."""
    to = Translator(lib, where)
    f, mine = function_of(op, to), to(sample)
    lib.manual_seed(0)
    value = mine.output_process_fn_grad(f(mine.input, *mine.args, **mine.kwargs))
    lib.manual_seed(0)
    grads = gradients(lib, f, to(sample), False)
    results = [*tensors([value]), *(g for g in grads if g is not None)]
    assert all(str(t.device) == where for t in results)
    return [(str(t.dtype), tuple(t.shape), array(t).tobytes()) for t in results]


def test_the_list_is_long_enough():
    """Operators that pass as a function, with their gradients, and whose errors are PyTorch's."""
    columns = collections.Counter(c for passed in opdb.read_passing().values() for c in passed)
    assert columns["forward"] >= 630
    assert columns["backward"] >= 490
    assert columns["errors"] >= 205
