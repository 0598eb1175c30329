"""Values and callables of PyTorch, in terms of another library that behaves as PyTorch.

In comes what PyTorch's own test tables hold: tensors, dtypes, devices, containers of them, and
functions, some of them lambdas that name `torch`. Out comes the same over the library under test.
Which library that is, this module does not know: PyTorch itself can stand in its place.
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal import common_methods_invocations, common_utils
from torch.testing._internal.opinfo.core import SampleInput

NUMPY_DIMENSIONS = 64
SEED = 42  # of PyTorch's `wrapper_set_seed`
NAMED = (torch.dtype, torch.layout, torch.memory_format)


class MissingName(Exception):
    """The library under test has no such name."""


def named(module: Any, path: str) -> Any:
    """The object at a dotted path in a module; MissingName says what isn't there."""
    found = module
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except (AttributeError, NotImplementedError) as error:
            raise MissingName(path) from error
    return found


def is_at(thing: Any, path: str) -> bool:
    """Whether PyTorch has this very object at a path."""
    try:
        return named(torch, path) is thing
    except MissingName:
        return False


def public_path(thing: Any) -> str | None:
    """Where a function or class of PyTorch stands in its namespace, below `torch`."""
    module, name = getattr(thing, "__module__", None) or "torch", getattr(thing, "__name__", "")
    own = module.removeprefix("torch").lstrip(".")
    homes = ["", "nn.functional", "linalg", "special", own.partition("._")[0], own]
    paths = (f"{home}.{name}".lstrip(".") for home in homes)
    return next((path for path in paths if name and is_at(thing, path)), None)


def tensors(value: Any) -> Iterator[Any]:
    """All tensors in nested containers, in order; a tensor is what has a `stride` method."""
    if isinstance(value, SampleInput):
        yield from tensors((value.input, value.args, value.kwargs))
    elif isinstance(value, dict):
        yield from tensors(tuple(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors(item)
    elif callable(getattr(value, "stride", None)):
        yield value


class Translator:
    """From PyTorch's values to a library's; the same tensor twice gives the same tensor twice.

    What is on the CPU there is on `device` here.
    """

    def __init__(self, lib: Any, device: str = "cpu") -> None:
        self.lib = lib
        self.device = device
        self._seen: dict[int, tuple[Any, Any]] = {}  # id -> (what keeps the id alive, translation)

    def __call__(self, value: Any) -> Any:
        """The translation of any value."""
        if isinstance(value, torch.Tensor):
            return self._once(value, self._tensor)
        if isinstance(value, NAMED):
            return named(self.lib, str(value).removeprefix("torch."))
        if isinstance(value, torch.device):
            return self.lib.device(self.device if value.type == "cpu" else str(value))
        if isinstance(value, torch.Generator):
            return self._once(value, self._generator)
        if isinstance(value, slice):
            return slice(self(value.start), self(value.stop), self(value.step))
        if isinstance(value, (list, tuple, dict, SampleInput)):
            return self._container(value)
        if callable(value):
            return self.function(value)
        return self.device if isinstance(value, str) and value == "cpu" else value

    def _container(self, value: Any) -> Any:
        if isinstance(value, SampleInput):
            new = SampleInput(self(value.input), args=self(value.args), kwargs=self(value.kwargs))
            new.output_process_fn_grad = self.function(value.output_process_fn_grad)
            return new
        if isinstance(value, dict):
            return {self(key): self(item) for key, item in value.items()}
        if isinstance(value, torch.Size):
            return self.lib.Size(tuple(value))
        items = [self(item) for item in value]
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return type(value)(items)

    def _once(self, value: Any, make: Callable[[Any], Any]) -> Any:
        if id(value) not in self._seen:
            self._seen[id(value)] = (value, make(value))
        return self._seen[id(value)][1]

    def _generator(self, generator: torch.Generator) -> Any:
        new = self.lib.Generator(self.device)
        new.set_state(self(generator.get_state()))
        return new

    def _tensor(self, t: torch.Tensor) -> Any:
        make = self._strided if t.layout == torch.strided else self._sparse
        new = (self._meta if t.is_meta else make)(t.detach())
        return new.requires_grad_() if t.requires_grad else new

    def _meta(self, t: torch.Tensor) -> Any:
        dtype = self(t.dtype)
        return self.lib.empty_strided(tuple(t.shape), t.stride(), dtype=dtype, device="meta")

    def _strided(self, t: torch.Tensor) -> Any:
        """The same values at the same strides and offset, in memory of the library's own."""
        plain = t.resolve_conj().resolve_neg()
        size = plain.untyped_storage().nbytes() // plain.element_size()
        memory = plain.as_strided((size,), (1,), 0).numpy().copy()
        if plain.is_contiguous() and plain.numel() == size and plain.ndim <= NUMPY_DIMENSIONS:
            return self._sent(self.lib.from_numpy(memory.reshape(tuple(plain.shape))))
        flat = self._sent(self.lib.from_numpy(memory))
        return flat.as_strided(tuple(plain.shape), plain.stride(), plain.storage_offset())

    def _sent(self, t: Any) -> Any:
        return t if self.device == "cpu" else t.to(self.device)

    def _sparse(self, t: torch.Tensor) -> Any:
        if self.lib is torch:
            return t.clone()
        if t.layout != torch.sparse_coo:
            raise MissingName(str(t.layout))
        make = named(self.lib, "sparse_coo_tensor")
        t = t.coalesce()
        return make(self(t.indices()), self(t.values()), tuple(t.shape))

    def function(self, f: Any) -> Any:
        """A callable: by its public name if PyTorch has one for it, else with its names bound anew.

        Raises MissingName for a name that the library lacks.
        """
        if isinstance(f, functools.partial):
            return functools.partial(self(f.func), *self(f.args), **self(f.keywords))
        if f is common_methods_invocations.wrapper_set_seed:
            return self._seeded
        if f is common_utils.freeze_rng_state:
            return contextlib.nullcontext
        if isinstance(f, torch.nn.PairwiseDistance):
            return named(self.lib, "nn.PairwiseDistance")(f.norm, f.eps, f.keepdim)
        if isinstance(f, types.ModuleType):
            path = f.__name__.removeprefix("torch").lstrip(".")
            return named(self.lib, path) if path else self.lib
        if isinstance(f, types.FunctionType) and f.__module__.startswith("torch.testing"):
            return self._rebound(f)
        if (getattr(f, "__module__", None) or "torch").startswith("torch"):
            path = public_path(f)
            return named(self.lib, path) if path else f
        return f

    def _seeded(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        self.lib.manual_seed(SEED)
        return op(*args, **kwargs)

    def _rebound(self, f: types.FunctionType) -> types.FunctionType:
        """A copy of a function whose globals and closure are the library's."""
        outer = f.__globals__
        bound = {name: self._bind(outer[name]) for name in _names(f.__code__) if name in outer}
        bound["__builtins__"] = outer["__builtins__"]
        cells = tuple(types.CellType(self(cell.cell_contents)) for cell in f.__closure__ or ())
        new = types.FunctionType(f.__code__, bound, f.__name__, self(f.__defaults__), cells)
        new.__kwdefaults__ = self(f.__kwdefaults__)
        return new

    def _bind(self, value: Any) -> Any:
        if isinstance(value, types.ModuleType):
            return self.function(value) if value.__name__.split(".")[0] == "torch" else value
        return self(value)


def _names(code: types.CodeType) -> set[str]:
    """The names that a function and those inside it look up."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def array(t: Any) -> np.ndarray:
    """The values of a tensor of either library, copied out of whatever it is a view of."""
    if str(t.layout) != "torch.strided":
        t = t.to_dense()
    wide = {"torch.bfloat16": "float", "torch.complex32": "cfloat"}.get(str(t.dtype))
    if wide:
        t = getattr(t, wide)()
    return t.numpy(force=True)
