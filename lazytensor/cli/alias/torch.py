"""`import torch` means `lazytensor.torch` where this folder comes first on `sys.path`.

What enters: names of modules, `torch` and what is beneath it. What leaves: the very modules of
`lazytensor.torch`, so that `torch.nn is lazytensor.torch.nn`. It must not know what they hold.

Imported as `torch`, this module puts the finder in front of all others and `lazytensor.torch` in
its own place. A new interpreter gets there by PYTHONPATH, or by the `sys.path` that
`multiprocessing` hands to a process it spawns; a forked one has the finder already.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

__all__ = ["NAME", "TARGET", "Finder", "Loader", "install"]

NAME, TARGET = "torch", "lazytensor.torch"


def install() -> None:
    """Put the finder in front of all others, once."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())


class Loader:
    """Gives the module of `lazytensor.torch`, as it is."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module, imported under its own name. Raises what its import raises."""
        module = import_module(self._target)
        self._spec = module.__spec__
        _retitle(module)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has run already; only its specification was changed on the way here."""
        module.__spec__ = self._spec


def _retitle(module: ModuleType) -> None:
    """Let classes say that they are of `torch`, where programs find them and look for them: those
    of its own namespace of that, others of the module that they are defined in.
    """
    for found in list(vars(module).values()):
        if isinstance(found, type) and found.__module__.startswith(f"{TARGET}."):
            root = module.__name__ == TARGET
            found.__module__ = NAME if root else NAME + found.__module__.removeprefix(TARGET)


class Finder:
    """Finds `torch` and `torch.*`, and says so where `lazytensor.torch` has no such part."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of a module, None for other packages' modules and in inquiries.

        Raises ModuleNotFoundError when a statement imports what is not there.
        """
        if not f"{name}.".startswith((f"{NAME}.", f"{TARGET}.")):
            return None
        inquiry = _inquiry()
        if inquiry and name.startswith(TARGET):
            return None
        rest = name.removeprefix(TARGET).removeprefix(NAME)
        real = find_spec(TARGET + rest)
        if real is None and not inquiry:
            raise _missing(NAME + rest)
        return None if real is None or name.startswith(TARGET) else _alias(name, real)


def _inquiry() -> bool:
    """Whether the finder's caller was asked by `importlib.util.find_spec`, not by an import."""
    return sys._getframe(3).f_globals.get("__name__") != "importlib._bootstrap"


def _missing(name: str) -> ModuleNotFoundError:
    text = f"No module named {name!r}: lazytensor.torch has no such part"
    return ModuleNotFoundError(f"{text} (docs/torch_coverage.md lists what it has)", name=name)


def _alias(name: str, real: ModuleSpec) -> ModuleSpec:
    inner = real.submodule_search_locations
    # The loader has what the import system calls; the abstract class would cost an import.
    out = ModuleSpec(name, Loader(real.name), origin=real.origin)  # type: ignore[arg-type]
    out.submodule_search_locations = inner
    return out


if __name__ == NAME:
    install()
    sys.modules[NAME] = import_module(TARGET)
    _retitle(sys.modules[NAME])
