"""The arguments of a compiled function: taken apart for the key, and in words for messages.

What enters: the arguments of a call. What leaves: the parts of its key, buffers, and the objects
they came from; paths and descriptions of them. It must not know programs.

The parts say all that a program depends on, in an order that can be read back in one way only: tags
for containers and numbers, dtype, shape and device for arrays. How elements lie in memory is not
among them: strides are arguments of a kernel.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .._base import config
from .._base.devices import CPU
from .._base.devices import device as device_of
from .._base.pytree import parts_of
from ..array_api._rules import PYTHON, brief, cut, frozen
from ..array_api.array import Array
from ..ir.node import Node
from ..lang.promote import python_type
from ..runtime.jit import Description
from .random import Generator


class _Tag:
    """What marks a part of a key, equal to nothing else: dtypes are equal to many things."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


NUMBERS = {kind: _Tag(kind.__name__) for kind in PYTHON}
LIST, TUPLE, DICT = _Tag("list"), _Tag("tuple"), _Tag("dict")
OTHER, NONE, STREAM = _Tag("container"), _Tag("None"), _Tag("stream")


class Pending(Exception):
    """An argument has no value yet."""


class Refused(Exception):
    """An argument is neither an array nor a number nor a container."""


def gather(values: Iterable[Any], parts: list[Any], buffers: list[Any], handles: list[Any]) -> None:
    """Append the parts of the key, and for each leaf its buffer or number, and the leaf itself.

    Raises Pending where an array has to be computed first, Refused with the leaf for what is none.
    """
    for x in values:
        kind = type(x)
        if kind is Array:
            node = x._node
            value = node.value
            if value is None or node.args:
                node = _known(x)
                value = node.value
            parts += (node.dtype, node.shape, node.device)
            buffers.append(value)
            handles.append(x)
        elif kind in NUMBERS:
            parts.append(NUMBERS[kind])
            buffers.append(x)
            handles.append(x)
        elif kind is list or kind is tuple:
            parts += (LIST if kind is list else TUPLE, len(x))
            gather(x, parts, buffers, handles)
        elif kind is dict:
            parts += (DICT, tuple(x))
            gather(x.values(), parts, buffers, handles)
        else:
            _other(x, parts, buffers, handles)


def _known(x: Array) -> Node:
    """The node of an array, whose memory nobody else writes to."""
    if x._node.value is None:
        raise Pending
    return cut(x)


def _other(x: Any, parts: list[Any], buffers: list[Any], handles: list[Any]) -> None:
    """What is rarer."""
    found = parts_of(x)
    if found is not None:
        parts += (NONE,) if x is None else (OTHER, type(x), found[0], len(found[1]))
        gather(found[1], parts, buffers, handles)
    elif _is_numpy(x):
        node = frozen(x, CPU)
        parts += (node.dtype, node.shape, device_of(None))
        buffers.append(node.value)
        handles.append(x)
    elif isinstance(x, Generator):
        at = next((i for i, known in enumerate(handles) if known is x), len(handles))
        parts += (STREAM, at)
        buffers.append(x)
        handles.append(x)
    elif isinstance(x, PYTHON):
        gather((python_type(x)(x),), parts, buffers, [])
        handles.append(x)
    else:
        raise Refused(x)


def _is_numpy(x: Any) -> bool:
    return isinstance(x, np.generic) or (isinstance(x, np.ndarray) and x.__array_priority__ <= 0)


def pending(values: Any) -> Iterator[Node]:
    """The nodes of arrays in containers that have no value yet."""
    for x in values:
        if type(x) is Array:
            if x._node.value is None:
                yield x._node
        elif (found := parts_of(x)) is not None:
            yield from pending(found[1])


# --- static arguments -----------------------------------------------------------------------------


def static_key(x: Any) -> Any:
    """A value by type and equality; numbers that are equal but not the same are told apart."""
    kind = type(x)
    if kind is float or kind is complex:
        return kind, repr(x)
    if kind is tuple or kind is frozenset:
        return kind, kind(map(static_key, x))
    hash(x)
    return kind, x


class Statics:
    """Which arguments are static: by position and by name, each by the other where it has both."""

    def __init__(self, function: Callable[..., Any], nums: Any, names: Any) -> None:
        self.nums = frozenset(as_places("static_argnums", nums))
        self.names = frozenset(_as_names(names))
        self.any = bool(self.nums or self.names)
        self._function = function
        if self.any:
            self._pair(_parameters(function))

    def _pair(self, parameters: list[inspect.Parameter] | None) -> None:
        """Positions of names, and names of positions. Raises ValueError for unknown ones."""
        if parameters is None:
            return
        places = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, _BOTH)]
        variadic = {p.kind for p in parameters}
        named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, _BOTH)]
        name = function_name(self._function)
        for i in self.nums:
            if i >= len(places) and inspect.Parameter.VAR_POSITIONAL not in variadic:
                raise ValueError(
                    f"jit: static_argnums has {i}, but `{name}` takes {len(places)} positional "
                    "arguments"
                )
        for n in self.names:
            if n not in named and inspect.Parameter.VAR_KEYWORD not in variadic:
                raise ValueError(f"jit: static_argnames has {n!r}, but `{name}` has no such name")
        both = {p.name for p in parameters if p.kind is _BOTH}
        nums = self.nums | {i for i, n in enumerate(places) if n in self.names}
        self.names |= {places[i] for i in self.nums if i < len(places) and places[i] in both}
        self.nums = nums

    def places(self, count: int, bound: bool) -> list[int]:
        """Positions of arguments that aren't static, nor the object that a method is bound to."""
        return [i for i in range(bound, count) if i not in self.nums]

    def split(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool, parts: list[Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The other arguments; keys of static ones are appended. Raises TypeError."""
        parts.append(len(args))
        if bound:
            parts.append(id(args[0]))
        rest = [args[i] for i in self.places(len(args), bound)]
        given = [i for i in sorted(self.nums) if bound <= i < len(args)]
        parts += [self._key(f"argument {i}", args[i]) for i in given]
        static = [n for n in kwargs if n in self.names]
        parts += [(n, self._key(f"argument `{n}`", kwargs[n])) for n in static]
        return rest, {n: x for n, x in kwargs.items() if n not in self.names}

    def _key(self, path: str, x: Any) -> Any:
        try:
            if type(x) is Array:
                raise TypeError
            return static_key(x)
        except TypeError:
            raise TypeError(
                f"jit: {path} of `{function_name(self._function)}` is static, so it must be "
                f"hashable and no array, got {type(x).__name__}: {brief(x)}"
            ) from None

    def joined(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool, rest: Any, named: Any
    ) -> tuple[list[Any], dict[str, Any]]:
        """All arguments of a call, with others for those that aren't static."""
        whole = list(args)
        for i, x in zip(self.places(len(args), bound), rest, strict=True):
            whole[i] = x
        return whole, {n: named.get(n, x) for n, x in kwargs.items()}


_BOTH = inspect.Parameter.POSITIONAL_OR_KEYWORD


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def as_places(what: str, nums: Any) -> list[int]:
    """Positions of arguments. Raises TypeError for what are none, ValueError for negative ones."""
    given = list(nums) if isinstance(nums, tuple | list | set | frozenset) else [nums]
    if not all(type(i) is int for i in given):
        raise TypeError(f"jit: {what} must be an int or a tuple of ints, got {nums!r}")
    if any(i < 0 for i in given):
        raise ValueError(f"jit: {what} must not be negative, got {nums!r}")
    return given


def _as_names(names: Any) -> list[str]:
    given = [names] if isinstance(names, str) else list(names)
    if not all(isinstance(n, str) for n in given):
        raise TypeError(f"jit: static_argnames must be a string or a tuple of these, got {names!r}")
    return given


def function_name(function: Any) -> str:
    """What a function is called in messages."""
    return getattr(function, "__name__", None) or type(function).__name__


# --- in words -------------------------------------------------------------------------------------


def _children(x: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The children of a container with their paths."""
    static, children = parts_of(x) or ((), ())
    if isinstance(x, dict):
        names = [f"[{key!r}]" for key in static]
    elif isinstance(x, list | tuple) and not hasattr(x, "_fields"):
        names = [f"[{i}]" for i in range(len(children))]
    elif hasattr(type(x), "__dataclass_fields__") or hasattr(x, "_fields"):
        names = [f".{field}" for field in getattr(x, "_fields", static)]
    else:
        names = [f"<{i}>" for i in range(len(children))]
    for name, child in zip(names, children):
        yield path + name, child


def leaves(
    args: tuple[Any, ...], kwargs: dict[str, Any], first: int = 0
) -> Iterator[tuple[str, Any]]:
    """The leaves of arguments with their paths, in order; `first` is the position of the first."""
    todo = [(f"argument {i}", x) for i, x in enumerate(args, first)]
    todo += [(f"argument `{n}`", x) for n, x in kwargs.items()]
    todo.reverse()
    while todo:
        path, x = todo.pop()
        if parts_of(x) is None:
            yield path, x
        else:
            todo += reversed(list(_children(x, path)))


def described(
    statics: Statics, args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool
) -> Description:
    """All that the key says, in words."""
    out: Description = {}
    for name, setting in zip(config.LOWERING, config.fingerprint(), strict=True):
        out["settings", name] = setting
    for i, x in enumerate(args):
        _describe(out, f"argument {i}", x, i in statics.nums or (bound and not i))
    for n, x in kwargs.items():
        _describe(out, f"argument `{n}`", x, n in statics.names)
    return out


def _describe(out: Description, path: str, x: Any, static: bool) -> None:
    if static:
        out[path, "static value"] = brief(x)
        return
    found = parts_of(x)
    if found is not None:
        out[path, "structure"] = _structure(x, found)
        for name, child in _children(x, path):
            _describe(out, name, child, False)
    elif type(x) is Array or _is_numpy(x):
        out[path, "shape"] = tuple(x.shape)
        out[path, "dtype"] = str(x.dtype)
        out[path, "device"] = str(getattr(x, "device", "cpu"))
    else:
        out[path, "type"] = type(x).__name__


def _structure(x: Any, found: tuple[Any, Any]) -> str:
    if x is None:
        return "None"
    keys = f" with {', '.join(map(repr, found[0]))}" if isinstance(x, dict) else ""
    return f"{type(x).__name__} of {len(found[1])}{keys}"
