"""Every code cell of the primer, in order, under both: what it prints, and how it fails."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import re
import sys
import warnings
from types import ModuleType
from typing import Any

import pytest

from tests.torch.both import neutral
from tests.torch.tutorial import CELLS, MEMORY, PRINTED, RANDOM

ADDRESS = re.compile(r"0x[0-9a-f]+")
NUMBER = r"-?(?:\d+\.\d*(?:e[+-]\d+)?|inf|nan)"
SEED = 20


def evaluate(code: str, names: dict[str, Any]) -> None:
    """Run a cell; the value of a last expression is shown, as in a notebook."""
    tree = ast.parse(code)
    last = tree.body[-1]
    shown = ast.Expression(tree.body.pop().value) if isinstance(last, ast.Expr) else None  # type: ignore[attr-defined]
    exec(compile(tree, "<cell>", "exec"), names)
    if shown is not None:
        value = eval(compile(shown, "<cell>", "eval"), names)
        if value is not None:
            print(repr(value))


def output(code: str, names: dict[str, Any]) -> str:
    """What a cell prints, the last line of a traceback included."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        # PyTorch 2 warns where a cell resizes `out`.
        warnings.simplefilter("ignore", UserWarning)
        try:
            evaluate(code, names)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return printed.getvalue().removesuffix("\n")


def outputs(module: ModuleType, monkeypatch: pytest.MonkeyPatch, seed: int) -> dict[int, str]:
    """What all cells print where `import torch` gives the module, by their numbers; NumPy reads
    tensors that are on a GPU from the CPU, and the device is left out of what is printed.
    """
    monkeypatch.setitem(sys.modules, "torch", module)
    module.manual_seed(seed)
    names: dict[str, Any] = {"__name__": "__main__"}
    if module.get_default_device().type == "cpu":
        return {cell.number: output(cell.code, names) for cell in CELLS}
    cells = {cell.number: cell.code.replace(".numpy()", ".cpu().numpy()") for cell in CELLS}
    return {number: neutral(output(code, names)) for number, code in cells.items()}


def form(text: str) -> re.Pattern[str]:
    """What matches the same text with any other numbers that are drawn: those with a fraction."""
    tight = re.sub(r"\[\s+", "[", text)  # numbers are aligned by their signs
    parts = re.split(r"(-?\d+\.\d{4,}(?:e[+-]\d+)?|^\d+$|\s+)", tight, flags=re.MULTILINE)
    return re.compile("".join(map(_form_of_part, parts)))


def _form_of_part(part: str) -> str:
    if part.isspace():
        return r"\s+"
    if part.isdigit():
        return r"\d+"
    if re.fullmatch(NUMBER, part):
        return r"\s*" + NUMBER
    return re.escape(part).replace(r"\[", r"\[\s*")


def leftovers(text: str) -> str:
    """The text with numbers of its first two tensors, which nothing was written to, left out."""
    *lines, last = text.splitlines()
    number = r"-?\d+\.(?:\d+(?:e[+-]\d+)?)?|-?\b(?:inf|nan)\b|-?\b\d+\b(?=[,\]])"
    return re.sub(r"\s", "", re.sub(number, "#", "\n".join(lines))) + last


def differs(number: int, expected: str, found: str) -> bool:
    """Whether a cell printed what the primer doesn't."""
    if number == MEMORY:
        return leftovers(found) != leftovers(expected)
    if number in RANDOM:
        return form(expected).fullmatch(found) is None
    allowed = {expected, PRINTED.get(number, expected)}
    return ADDRESS.sub("0x", found) not in {ADDRESS.sub("0x", text) for text in allowed}


@pytest.fixture(params=["torch", "lazytensor.torch"])
def module(request: pytest.FixtureRequest) -> ModuleType:
    """PyTorch where it is installed, and ours."""
    return pytest.importorskip(request.param)


@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_every_cell(module: ModuleType, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    found = outputs(module, monkeypatch, seed)
    wrong = [c.number for c in CELLS if differs(c.number, c.output, found[c.number])]
    assert {number: found[number] for number in wrong} == {}


@pytest.mark.cpu("random numbers as PyTorch's on the CPU")
@pytest.mark.parametrize("seed", range(SEED, SEED + 20))
def test_same_numbers_from_the_same_seed(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    theirs = outputs(pytest.importorskip("torch"), monkeypatch, seed)
    ours = outputs(importlib.import_module("lazytensor.torch"), monkeypatch, seed)
    for number in set(ours) - {MEMORY}:
        assert ADDRESS.sub("0x", ours[number]) == ADDRESS.sub("0x", theirs[number]), number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (4, "tensor([[0, 0, 0],\n        [0, 0, 0],\n        [0, 0, 0]])"),
        (6, CELLS[4].output.replace("1.,", "1,")),
        (6, CELLS[4].output.replace(", dtype=torch.float64", "")),
        (14, CELLS[11].output.splitlines()[0]),
        (17, "tensor([0.1581])"),
        (22, "<MulBackward0 object at 0x7faf43bc9b00>"),
        (23, PRINTED[23].replace("MeanBackward0", "SumBackward0")),
        (31, CELLS[25].output.replace("requires_grad=True", "")),
        (38, "tensor([[0., 0., 0.]])\n tensor([0, 0], dtype=torch.int32) \n tensor([1, 2, 3, 4])"),
        (54, "AttributeError: 'NoneType' object has no attribute 'datum'"),
    ],
)
def test_other_outputs_would_be_seen(number: int, text: str) -> None:
    cell = next(cell for cell in CELLS if cell.number == number)
    assert not differs(number, cell.output, cell.output)
    assert differs(number, cell.output, text)
