"""The Python parts of the torch face over real tensors.

They are written against the public API alone, so that they can be put over PyTorch itself: a
package of another name with the same sources, whose `_api` and `tensor` are PyTorch. What they
compute there must be what PyTorch's own parts compute.

There is nothing above that package: a part that takes a name from a private module of the face
that isn't replaced here, and not from `_api`, fails at its import with "attempted relative import
beyond top-level package".
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch

NAME = "torch_face_over_torch"
SETS = [("_dispatch", "PLAIN"), ("copying", "OWN"), ("operators", "FAST")]
SOURCES = Path(__file__).resolve().parents[2] / "lazytensor" / "torch"


class _Kernels:
    """Kernels by ATen's names and argument order."""

    def __getattr__(self, name: str) -> Any:
        for place in (torch._C._nn, torch._C._VariableFunctions, torch):
            if hasattr(place, name):
                return getattr(place, name)
        raise AttributeError(name)


class _Api(ModuleType):
    """PyTorch, with `_nn` where kernels are looked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


def package(part: str) -> Any:
    """A part of the face, such as "nn", over PyTorch."""
    if NAME not in sys.modules:
        root = ModuleType(NAME)
        root.__path__ = [str(SOURCES)]
        api = _Api(f"{NAME}._api")
        api.__dict__["_nn"] = _Kernels()
        tensor = ModuleType(f"{NAME}.tensor")
        tensor.__dict__["Tensor"] = torch.Tensor
        root._api, root.tensor = api, tensor
        sys.modules |= {NAME: root, f"{NAME}._api": api, f"{NAME}.tensor": tensor}
        for module, name in SETS:  # of which types operations need not look twice
            shim = ModuleType(f"{NAME}.{module}")
            shim.__dict__[name] = set()
            sys.modules[shim.__name__] = shim
        eager = ModuleType(f"{NAME}._compute")
        eager.__dict__["compute"] = lambda tree: None
        sys.modules[eager.__name__] = eager
        watched = ModuleType(f"{NAME}._direct")
        watched.__dict__["Shared"] = lambda *given: SimpleNamespace(plain=False)
        watched.__dict__.update(dict.fromkeys(("direct", "step")))
        sys.modules[watched.__name__] = watched
    return importlib.import_module(f"{NAME}.{part}")
