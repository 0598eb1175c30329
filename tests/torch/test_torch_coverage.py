"""The page of PyTorch's names says what is there."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("torch_coverage", DOCS / "torch_coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(script):
    assert script.PAGE.read_text() == script.page(), "run: python docs/torch_coverage.py"


@pytest.mark.parametrize(
    ("path", "some", "none"),
    [
        (
            "torch",
            {"add", "float32", "no_grad", "device", "FloatTensor", "pi"},
            {"os", "sym_int", "AliasDb"},
        ),
        ("torch.Tensor", {"add_", "grad", "T", "shape", "backward"}, {"_base"}),
        ("torch.nn", {"Linear", "Module", "Parameter"}, {"functional"}),
        ("torch.nn.functional", {"relu", "cross_entropy"}, {"Optional", "math", "TYPE_CHECKING"}),
        ("torch.optim", {"SGD", "Adam"}, {"os", "_functional"}),
        ("torch.linalg", {"norm", "svd"}, {"Tensor", "common_notes"}),
    ],
)
def test_names_are_pytorchs_documented_ones(script, path, some, none):
    names = set(script.names(path))
    assert some <= names
    assert not none & names


def test_what_is_missing_counts_as_missing(script, monkeypatch):
    monkeypatch.setattr(script.lazytensor, "torch", torch)
    for path in script.NAMESPACES:
        names = script.names(path)
        assert script.there(path, names) == set(names)
        assert script.there(path, ["no_such_name"]) == set()
