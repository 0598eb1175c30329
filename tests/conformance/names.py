"""The checkers of names and signatures, over any namespace."""

from __future__ import annotations

import inspect
from typing import Any

from . import standard
from .checking import function


def home(xp: Any, part: str) -> Any:
    """Where a part of the standard lives in a namespace."""
    return {"main": xp, "info": None}.get(
        part, getattr(xp, part, None)
    ) or xp.__array_namespace_info__()


def signature_text(f: Any) -> str:
    """A signature without annotations."""
    signature = inspect.signature(f)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def missing_names(xp: Any) -> list[str]:
    """Functions, extensions, dtypes and constants that are not there."""
    names = [
        f"{part}.{name}"
        for part, name in standard.every_name()
        if not hasattr(home(xp, part), name)
    ]
    return names + [n for n in (*standard.DTYPES, *standard.CONSTANTS) if not hasattr(xp, n)]


def wrong_signatures(xp: Any) -> list[str]:
    """Functions whose parameters, their kinds or defaults are others than the standard's."""
    out = []
    for part, name in standard.every_name():
        f = getattr(home(xp, part), name) if part == "info" else function(xp, part, name)
        found, want = signature_text(f), standard.SIGNATURES[part][name]
        if found != want:
            out.append(f"{part}.{name}{found} instead of {want}")
    return out
