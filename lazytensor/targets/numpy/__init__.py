"""The reference target: generated Python over ufuncs with `out`, in cache-sized blocks.

What enters: a Kernel; then launches with buffers. What leaves: a compiled kernel; filled buffers.
"""

import linecache
from collections.abc import Callable
from typing import Any

from ...lower.kernel import Kernel
from .emit import Source, emit
from .run import Compiled, run

__all__ = ["Compiled", "Source", "compile_source", "emit", "run"]


def compile_source(source: Source, filename: str) -> Compiled:
    """The kernel's function; its text is visible in tracebacks under `filename`."""
    names: dict[str, Any] = dict(source.names)
    exec(compile(source.text, filename, "exec"), names)
    function: Callable[..., None] = names["kernel"]
    linecache.cache[filename] = (
        len(source.text),
        None,
        source.text.splitlines(keepends=True),
        filename,
    )
    return Compiled(function, source.scratch, source.text.count("\n") - 1, source.over)


def source(kernel: Kernel) -> Source:
    """The kernel's text."""
    return emit(kernel)
