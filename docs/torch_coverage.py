"""Writes torch_coverage.md: which of PyTorch's public names `lazytensor.torch` has.

    python docs/torch_coverage.py

Needs PyTorch. A name counts if PyTorch documents it (has a docstring for it, or lists it in the
`__all__` of a module other than `torch` itself); constants and dtypes count without one.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import typing
import warnings
from pathlib import Path
from typing import Any

import torch

import lazytensor.torch

PAGE = Path(__file__).with_name("torch_coverage.md")
# In the order of the page: modules and classes of PyTorch.
NAMESPACES = (
    *("torch", "torch.Tensor", "torch.autograd", "torch.autograd.functional"),
    *("torch.autograd.forward_ad", "torch.autograd.graph", "torch.func", "torch.nn"),
    *("torch.nn.Module", "torch.nn.functional", "torch.nn.init", "torch.nn.utils"),
    *("torch.nn.utils.rnn", "torch.nn.utils.parametrizations", "torch.optim"),
    *("torch.optim.lr_scheduler", "torch.utils.data", "torch.utils.checkpoint", "torch.linalg"),
    *("torch.fft", "torch.special", "torch.signal.windows", "torch.random", "torch.testing"),
    *("torch.distributions", "torch.amp", "torch.accelerator", "torch.cuda", "torch.jit"),
    *("torch.masked", "torch.sparse"),
)
# Of the interpreter, compilers and kernels that PyTorch is built of, which it shows as well.
INTERNAL = re.compile(
    r"sym_|Sym[A-Z]|cudnn|miopen|mkldnn|fbgemm|quantize|q_|fake_|choose_q|qscheme|native_|parse_"
    r"|import_ir|merge_type|unify_type|init_num|Script|JIT|Dispatch|Aggregation|Tag$|fork$|wait$"
    r"|boolean_dispatch|ha(s|ndle)_torch_function|bit(s\d.*)?$|u?int[1-7]$"
)
INTERNAL_HOMES = ("torch._C", "torch._ops", "torch._decomp")
# What is missing and why, where a name could be expected: the first pattern that a path matches.
REASONS = {
    r"torch\.cuda\.\w+Storage": "PyTorch gives typed storages up; `untyped_storage()` is there",
    r"torch\.cuda\.GreenContext": "CuPy has no green contexts",
    r"torch\.cuda\.jiterator": "CUDA C of users has no derivative, and no meaning on other devices",
    r"torch\.cuda\.sparse": "there are no sparse tensors",
    r"torch\.cuda\.tunable": "cuBLAS chooses among its kernels by itself",
}
# Types that stand in PyTorch's manual without having a docstring.
TYPES = {"Event", "Generator", "LinAlgError", "OutOfMemoryError", "Size", "Stream", "Tensor"}
TYPES |= {"device", "dtype", "finfo", "iinfo", "layout", "memory_format"}
CONSTANTS = (torch.dtype, torch.layout, torch.memory_format, torch.Generator, float)

INTRODUCTION = """---
orphan: true
---

# Coverage of PyTorch's names

Which of the names that PyTorch {version} documents `lazytensor.torch` has. That a name is there
says nothing of each of its options: one that isn't supported raises `NotImplementedError` and says
so. A name that is missing raises `AttributeError`. Written by `docs/torch_coverage.py`.

| namespace | there | of |
| --- | ---: | ---: |
"""


def resolve(root: Any, path: str) -> Any:
    """The object at a path below `torch` in either library; None where there is none."""
    found = root
    for part in path.split(".")[1:]:
        try:
            found = getattr(found, part)
        except (AttributeError, NotImplementedError):
            found = _submodule(found, part)
        if found is None:
            return None
    return found


def _submodule(module: Any, name: str) -> Any:
    """A submodule that only its import makes visible, or None."""
    if not inspect.ismodule(module):
        return None
    full = f"{module.__name__}.{name}"
    try:
        return importlib.import_module(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        return None


def names(path: str) -> list[str]:
    """The names that PyTorch documents in one of its namespaces, sorted."""
    space = resolve(torch, path)
    listed = getattr(space, "__all__", None) if path != "torch" else None
    everything = {n for n in listed or dir(space) if not n.startswith("_") and hasattr(space, n)}
    return sorted(n for n in everything if listed or _documented(space, n, getattr(space, n)))


def _documented(space: Any, name: str, thing: Any) -> bool:
    """Whether a name of a module without a list of its names, or of a class, is documented."""
    foreign = isinstance(thing, (typing.TypeVar, typing._SpecialForm))
    if inspect.ismodule(thing) or foreign or INTERNAL.match(name):
        return False
    if not callable(thing):
        return inspect.isclass(space) or isinstance(thing, CONSTANTS)
    home = getattr(thing, "__module__", None) or "torch"
    if not home.startswith("torch"):
        return False
    if inspect.isclass(thing) and (name in TYPES or type(thing).__name__ == "tensortype"):
        return True
    inner = inspect.isclass(thing) and home.startswith(INTERNAL_HOMES)
    return bool(inspect.getdoc(thing)) and not inner


def there(path: str, wanted: list[str]) -> set[str]:
    """Those of the names that lazytensor.torch has in the namespace."""
    space = resolve(lazytensor.torch, path)
    return {name for name in wanted if space is not None and _has(space, name)}


def _has(space: Any, name: str) -> bool:
    try:
        getattr(space, name)
    except (AttributeError, NotImplementedError):
        return False
    return True


def page() -> str:
    """The whole page."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = {path: names(path) for path in NAMESPACES}
        found = {path: there(path, listed) for path, listed in wanted.items()}
    out = INTRODUCTION.format(version=torch.__version__.partition("+")[0])
    counts = {path: (len(found[path]), len(listed)) for path, listed in wanted.items()}
    counts["all of them"] = tuple(map(sum, zip(*counts.values())))
    out += "".join(f"| `{path}` | {n} | {total} |\n" for path, (n, total) in counts.items())
    return out.replace("`all of them`", "all of them") + "".join(
        section(path, listed, found[path]) for path, listed in wanted.items()
    )


def section(path: str, listed: list[str], found: set[str]) -> str:
    """A namespace: what is there, and what isn't."""
    missing = [name for name in listed if name not in found]
    have = [name for name in listed if name in found]
    parts = [f"\n## {path}\n"]
    parts += [f"\nThere: {_code(have)}.\n"] if have else []
    parts += [f"\nMissing: {_code(missing)}.\n"] if missing else []
    return "".join(parts) + _reasons(path, missing)


def _reasons(path: str, missing: list[str]) -> str:
    """Why names are missing, as a table, where there is something to say."""
    why: dict[str, list[str]] = {}
    for name in missing:
        matching = [r for pattern, r in REASONS.items() if re.fullmatch(pattern, f"{path}.{name}")]
        if matching:
            why.setdefault(matching[0], []).append(name)
    rows = "".join(f"| {_code(names)} | {reason} |\n" for reason, names in why.items())
    return f"\n| missing | since |\n| --- | --- |\n{rows}" if rows else ""


def _code(listed: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in listed)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE}\n")
