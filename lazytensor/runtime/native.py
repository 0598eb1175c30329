"""The native target of this process: its functions, where their object code is kept, and what it
leaves to the reference.

What enters: launches. What leaves: functions that fill buffers, or None where it has no code.
The compiler is loaded when there is something to compile.
"""

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any

from .._base import config
from .._base.dtypes import DType
from .._base.folders import cache_folder
from .._base.log import log
from .._base.module import MODULES, Replaced
from .._base.threads import COMPILING
from ..lower.kernel import Launch
from ..ops._eager import FUNCTIONS, INEXACT, WHOLE
from ..targets.llvm import eager, run
from ..targets.llvm.objects import Objects, kept
from .buffers import empty, room
from .counters import COUNTERS

_objects: Objects | None = None
_functions: run.Functions | None = None


@cache
def available() -> bool:
    """Whether the compiler is installed."""
    return importlib.util.find_spec("llvmlite") is not None


def objects() -> Objects:
    """Object code, and where it is kept, found when some is first needed."""
    global _objects
    if _objects is None:
        with COMPILING:
            if _objects is None:
                folder = os.path.join(cache_folder(), "kernels")
                _objects = kept(folder, config.get("cache_bytes"), _compiled)
    return _objects


def functions() -> run.Functions:
    """What the target has compiled in this process."""
    global _functions
    if _functions is None:
        with COMPILING:
            if _functions is None:
                _functions = run.Functions(objects())
    return _functions


def _compiled(text: str) -> None:
    COUNTERS.compilations += 1
    log(4, text)


def bound(launch: Launch, args: list[Any]) -> Any:
    """The launch as a function of (args, outs) for arguments that lie like these; None where the
    target has no code for it, or there is no compiler.
    """
    if not available():
        return None
    try:
        return run.bound(functions(), launch, args)
    except run.Unsupported as reason:
        log(1, f"kernel of {len(launch.kernel.stages)} stages left to the reference: {reason}")
        return None


def caller(handle: type, node: type, known: Mapping[str, Any], most: int) -> Any:
    """What carries out whole calls on handles of a type (`targets/llvm/calls.py`). Raises OSError
    where objects don't show what they hold.
    """
    with COMPILING:
        from ..targets.llvm.calls import Caller
    return Caller(objects(), handle, node, known, most)


def source(launch: Launch, args: list[Any]) -> str | None:
    """The text of a kernel for operands that lie as these; None where there is none."""
    if not available():
        return None
    try:
        return run.source(functions(), launch, args)
    except run.Unsupported:
        return None


class _Replacements(Mapping[str, Any]):
    """By name. Most products are the BLAS's: for the function that decides, nothing is compiled."""

    def __getitem__(self, name: str) -> Any:
        if name == "matmul":
            return _product()
        named = next((load for load, names in _NAMES.items() if name in names), _common)
        return named(objects())[name]

    def __iter__(self) -> Iterator[str]:
        return chain(("matmul",), *_NAMES.values(), _common(objects()))

    def __len__(self) -> int:
        return len(list(iter(self)))


@cache
def _product() -> Any:
    return eager.Matmul(objects, room)


@cache
def _common(objects: Any) -> Any:
    return eager.functions(objects, bound, _vectors, room, empty)


@cache
def _whole(objects: Any) -> Any:
    with COMPILING:
        from ..targets.llvm import whole
    return whole.functions(objects, room)


@cache
def _drawn(objects: Any) -> Any:
    with COMPILING:
        from ..targets.llvm import drawn
    return drawn.functions(objects)


# Names of what few graphs want, which is loaded together.
_NAMES: dict[Callable[[Any], Any], tuple[str, ...]] = {
    _drawn: ("box_muller", "c_library", "exchanged", "fma", "twister"),
    _whole: (
        "convolution", "convolution_weights", "gather_add", "lu_panel", "running", "substitution",
        "window_maxima",
    ),
}  # fmt: skip


@cache
def _replacements() -> Mapping[str, Any]:
    return _Replacements()


def _vectors(name: str, dtype: DType, same: tuple[bool, ...]) -> bytes:
    return functions().instruction(name, dtype, same)


if available():
    MODULES["llvm"] = Replaced(WHOLE.union(FUNCTIONS[name] for name in INEXACT), _replacements)
