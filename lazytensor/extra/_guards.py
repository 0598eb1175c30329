"""What a traced function found outside its arguments: noted, and compared at the next call.

What enters: a function. What leaves: Guards, which tell whether closure cells, globals and the
attributes of a method's object are still what they were: of the function, and of the functions that
it refers to. What is inside lists, dicts and objects is not looked at. It must not know programs.
"""

import builtins
import dis
import functools
from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType, MethodType
from typing import Any

from ..array_api._rules import brief, is_exposed
from ..array_api.array import Array

Identities = tuple[Sequence[tuple[dict[str, Any], str, Any]], Sequence[tuple[Any, Any]]]
_GONE: Any = object()
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
# Functions of the user that are looked into: the traced one, and those that it refers to.
DEPTH = 1


class Guards:
    """Names in dicts, closure cells and arrays, with what they held."""

    __slots__ = ("arrays", "cells", "names")

    def __init__(self) -> None:
        self.names: list[tuple[dict[str, Any], str, Any, str]] = []
        self.cells: list[tuple[Any, Any, str]] = []
        self.arrays: list[tuple[Array, Any, str]] = []

    def hold(self) -> bool:
        """Whether everything is as it was."""
        if not (self.names or self.cells):  # the most common case, and the quickest
            return not self.arrays
        for names, name, value, _ in self.names:
            if names.get(name, _GONE) is not value and not _same(names.get(name, _GONE), value):
                return False
        for cell, value, _ in self.cells:
            if _content(cell) is not value and not _same(_content(cell), value):
                return False
        for array, state, _ in self.arrays:
            node = array._node
            if node.value is not state and node is not state:
                return False
        return True

    def identities(self) -> Identities | None:
        """Names in dicts, and cells, with what they hold now that everything is as it was; None
        where comparing these would not tell all.
        """
        names = [(d, n, d.get(n, _GONE)) for d, n, *_ in self.names]
        cells = [(c, _content(c)) for c, *_ in self.cells]
        gone = any(found[-1] is _GONE for found in (*names, *cells))
        if self.arrays or gone or any(type(d) is not dict for d, *_ in names):
            return None
        return names, cells

    def changed(self) -> list[tuple[str, str, str]]:
        """What is not as it was, in words: where, before and now."""
        found = [(w, v, d.get(n, _GONE)) for d, n, v, w in self.names]
        found += [(w, v, _content(c)) for c, v, w in self.cells]
        out = [(w, _brief(a), _brief(b)) for w, a, b in found if a is not b and not _same(a, b)]
        written = [w for a, s, w in self.arrays if a._node.value is not s and a._node is not s]
        return out + [(w, "the elements that it had", "other elements") for w in written]

    def note(self, where: str, value: Any) -> None:
        """What an array holds is compared too; memory that others write to is never the same."""
        if type(value) is Array:
            node = value._node
            state = _GONE if is_exposed(node) else node if node.value is None else node.value
            self.arrays.append((value, state, where))


def _brief(value: Any) -> str:
    return "nothing" if value is _GONE else brief(value)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _GONE


def _same(a: Any, b: Any) -> bool:
    """Whether two plain values are one, -0.0 and 0.0 apart."""
    return type(a) is type(b) and isinstance(a, _PLAIN) and repr(a) == repr(b)


def guards(function: Any, owner: Any = None) -> Guards:
    """The guards of a function, and of the object that it is a method of."""
    found = Guards()
    owner = _object(function) if owner is None else owner
    if owner is not None and hasattr(owner, "__dict__"):
        for name in list(vars(owner)):
            _name(found, vars(owner), name, f"attribute `{name}`")
    todo, seen = [(function, 0)], set()
    while todo:
        thing, depth = todo.pop()
        for f in _functions(thing):
            if id(f) not in seen and depth <= DEPTH:
                seen.add(id(f))
                deeper = depth + (not _ours(f) and not hasattr(f, "__wrapped__"))
                todo += [(value, deeper) for value in _note(found, f)]
    return found


def _object(function: Any) -> Any:
    """The object of a bound method, or the object that is called; None for plain functions."""
    if isinstance(function, MethodType):
        return None if isinstance(function.__self__, type) else function.__self__
    ours = type(function).__module__.startswith("lazytensor.")
    plain = isinstance(function, FunctionType | type | functools.partial) or ours
    return None if plain else function


def _ours(f: FunctionType) -> bool:
    """Whether a function is of the package: `__module__` is that of the function it wraps."""
    return str(f.__globals__.get("__name__", "")).startswith("lazytensor.")


def _functions(thing: Any) -> Iterator[FunctionType]:
    """The Python functions that calling a thing runs, as far as that can be seen."""
    if isinstance(thing, functools.partial):
        for part in (thing.func, *thing.args, *thing.keywords.values()):
            yield from _functions(part)
    elif isinstance(thing, MethodType):
        yield from _functions(thing.__func__)
    elif isinstance(thing, FunctionType):
        yield thing
    elif getattr(type(thing), "__module__", "").startswith("lazytensor.extra."):
        yield from _functions(getattr(thing, "__wrapped__", None))
    elif callable(thing) and not isinstance(thing, type):
        call = type(thing).__call__
        yield from (call,) if isinstance(call, FunctionType) else ()


def _note(found: Guards, f: FunctionType) -> list[Any]:
    """Note the cells and globals of a function; the values, which may be functions."""
    values = []
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
        value = _content(cell)
        if not _ours(f):
            where = f"`{name}` around `{f.__name__}`"
            found.cells.append((cell, value, where))
            found.note(where, value)
        values.append(value)
    names = () if _ours(f) else dict.fromkeys(_globals(f.__code__))
    own = [n for n in names if n in f.__globals__ or not hasattr(builtins, n)]
    values += [_name(found, f.__globals__, n, f"global `{n}` of `{f.__name__}`") for n in own]
    return [v for v in values if not isinstance(v, type)]


def _name(found: Guards, names: dict[str, Any], name: str, where: str) -> Any:
    value = names.get(name, _GONE)
    found.names.append((names, name, value, where))
    found.note(where, value)
    return value


def _globals(code: CodeType) -> Iterator[str]:
    """The global names that code refers to, that of inner functions too."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals(constant)
