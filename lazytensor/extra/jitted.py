"""`jit`: functions that are traced once for each kind of arguments, and then run without Python.

What enters: a function of arrays, numbers and containers of these. What leaves: one that finds a
program by the types of its arguments and runs it on their buffers. What the function finds outside
its arguments counts as constant; it is guarded as `_guards` says. It must not know how a function
is traced, nor how a program runs.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import ref

from .._base import config, pytree
from .._base.errors import REFUSALS, publish, shortened
from .._base.log import log
from .._base.pytree import flatten, parts_of
from ..array_api._rules import brief
from ..array_api.array import Array
from ..ir.node import TRACING
from ..runtime.jit import MISSES, Difference, Miss, Program, explained
from ..runtime.materialize import materialize as compute
from ..runtime.written import MISSED
from ._arguments import (
    Pending,
    Refused,
    Statics,
    as_places,
    described,
    function_name,
    gather,
    leaves,
    pending,
)
from ._entries import Call, Entry, Tracer, ticks
from ._written import written

__all__ = ["jit", "register_pytree"]

Function = Callable[..., Any]


class CacheInfo(NamedTuple):
    """How often a compiled function found a program and how often not, the most that are kept, and
    how many there are.
    """

    hits: int
    misses: int
    maxsize: int
    currsize: int


class Jitted:
    """A compiled function: called as the function itself. See `jit`."""

    def __init__(
        self, function: Function, statics: Statics, donated: Sequence[int], most: int
    ) -> None:
        functools.update_wrapper(self, function)
        self.__wrapped__ = function
        self._statics = statics
        self._donated = frozenset(donated)
        self._most = most
        self._entries: dict[Any, Entry] = {}
        self._last: Entry | None = None  # whose calls are written out, if it was found last
        self._hits = self._misses = 0

    def __repr__(self) -> str:
        return f"<jit of {self.__wrapped__!r}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        last = self._last
        if last is not None and (tuple(kwargs) == last.named if kwargs else not last.named):
            given = (*args, *kwargs.values()) if kwargs else args
            try:
                found = last.written(*given)  # type: ignore[misc]
            except REFUSALS as error:
                raise shortened(error) from error.__cause__
            if found is not MISSED:
                return found
        if TRACING.depth:
            return self.__wrapped__(*args, **kwargs)
        try:
            return self._call(args, kwargs, False)
        except REFUSALS as error:
            raise shortened(error) from error.__cause__

    def __get__(self, owner: Any, cls: Any = None) -> Any:
        return self if owner is None else Bound(self, owner)

    def lower(self, *args: Any, **kwargs: Any) -> Program:
        """The program for a call with these arguments, traced if need be, and not run: `graph` is
        what was traced, `plan` what is run. Raises as a call, but for what computing it raises.
        """
        try:
            return self._lower(args, kwargs, False)
        except REFUSALS as error:
            raise shortened(error) from error.__cause__

    def cache_info(self) -> CacheInfo:
        """Hits, misses, the most programs that are kept, and how many there are."""
        hits = self._hits + sum(int(e.tally[0]) for e in list(self._entries.values()))
        return CacheInfo(hits, self._misses, self._most, len(self._entries))

    def clear_cache(self) -> None:
        """Forget all programs: the next call traces the function again."""
        self._entries.clear()
        self._last = None
        self._hits = self._misses = 0

    # --- a call -----------------------------------------------------------------------------------

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool) -> Any:
        last = self._last
        if last is not None:  # which written calls don't note
            last.used = next(ticks)
        key, rest, named, buffers, handles = self._take(args, kwargs, bound)
        entry = self._find(key, args)
        if entry is None:
            entry = self._miss(key, Call(args, kwargs, bound, rest, named, buffers, handles))
        else:
            self._hits += 1
            if not (bound or self._statics.any):
                self._write(entry, args, kwargs)
        try:
            return entry.run(buffers, handles)
        except OverflowError:  # an integer that the dtype can't hold: as it is without jit
            if not entry.program.numbers:
                raise
            return self.__wrapped__(*args, **kwargs)

    def _write(self, entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Have calls as this one written out, once those that aren't are many."""
        entry.hits += 1
        if entry.hits >= entry.often:
            entry.often *= 4
            entry.named = tuple(kwargs)
            entry.written = written(entry, (*args, *kwargs.values())) or entry.written
        self._last = entry if entry.written is not None else None

    def _lower(self, args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool) -> Program:
        key, rest, named, buffers, handles = self._take(args, kwargs, bound)
        call = Call(args, kwargs, bound, rest, named, buffers, handles)
        return (self._find(key, args) or self._miss(key, call)).program

    def _take(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool
    ) -> tuple[tuple[Any, ...], Sequence[Any], dict[str, Any], list[Any], list[Any]]:
        """A call's key, the arguments that aren't static, their buffers, and their leaves.

        Raises TypeError.
        """
        parts: list[Any] = [config.fingerprint()]
        rest: Sequence[Any] = args
        named = kwargs
        if bound or self._statics.any:
            rest, named = self._statics.split(args, kwargs, bound, parts)
        head = len(parts)
        while True:
            buffers: list[Any] = []
            handles: list[Any] = []
            try:
                gather(rest, parts, buffers, handles)
                if named:
                    parts.append(tuple(named))
                    gather(named.values(), parts, buffers, handles)
            except Pending:
                compute(list(pending((*rest, *named.values()))), cutting=True)
                del parts[head:]
            except Refused as error:
                raise self._refusal(args, kwargs, error.args[0]) from None
            else:
                return tuple(parts), rest, named, buffers, handles

    def _refusal(self, args: tuple[Any, ...], kwargs: dict[str, Any], x: Any) -> Exception:
        path = next(path for path, leaf in leaves(args, kwargs) if leaf is x)
        return TypeError(
            f"jit: {path} of `{function_name(self)}` must be an array, a number, or a container "
            f"of these, got {type(x).__name__}: {brief(x)}; anything else can be static "
            "(static_argnums, static_argnames)"
        )

    def _find(self, key: Any, args: tuple[Any, ...]) -> Entry | None:
        """The entry for a key, if it is still right."""
        entry = self._entries.get(key)
        if entry is None or not entry.guards.hold():
            return None
        if entry.alive is not None and entry.alive() is not args[0]:
            return None
        entry.used = next(ticks)
        return entry

    # --- a miss -----------------------------------------------------------------------------------

    def _miss(self, key: Any, call: Call) -> Entry:
        self._misses += 1
        self._last = None
        name = function_name(self)
        description = described(self._statics, call.args, call.kwargs, call.bound)
        miss = _missed(name, self._entries.get(key), description, list(self._entries.values()))
        MISSES.append((ref(self), miss))
        log(1, str(miss))
        entry = Tracer(self.__wrapped__, self._statics, call, name).entry(description)
        if self._donated:
            entry.donate(self._given_away(call))
        if call.bound:
            entry.alive = _reference(call.args[0], functools.partial(_forget, ref(self), key))
        self._keep(key, entry)
        return entry

    def _keep(self, key: Any, entry: Entry) -> None:
        self._forget(key)
        self._entries[key] = entry
        while len(self._entries) > self._most:
            found = list(self._entries.items())
            self._forget(min(found, key=lambda item: item[1].used)[0])

    def _forget(self, key: Any) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            if self._last is entry:
                self._last = None
            self._hits += int(entry.tally[0])

    def _given_away(self, call: Call) -> list[int]:
        """The numbers of the arrays in donated arguments."""
        found: list[int] = []
        at = 0
        for i in self._statics.places(len(call.args), call.bound):
            count = len(flatten(call.args[i])[0])
            found += range(at, at + count) if i in self._donated else ()
            at += count
        return [i for i in found if type(call.handles[i]) is Array]


def _reference(owner: Any, forget: Callable[[Any], None]) -> Callable[[], Any]:
    """What gives the object of a method while it is alive."""
    try:
        return ref(owner, forget)
    except TypeError:
        return lambda: owner


def _forget(jitted: Callable[[], Jitted | None], key: Any, _: Any) -> None:
    """The object of a method is gone, and so are programs for it."""
    found = jitted()
    if found is not None:
        found._forget(key)


def _missed(name: str, stale: Entry | None, new: Any, known: list[Entry]) -> Miss:
    """Why a call found no program."""
    if stale is not None:
        changed = [Difference(where, "value", a, b) for where, a, b in stale.guards.changed()]
        return Miss("jit", name, "something outside the arguments has changed", tuple(changed))
    if not known:
        return Miss("jit", name, "nothing was compiled yet")
    found = explained(new, [e.description for e in known])
    return Miss("jit", name, "the nearest program is for other arguments", found)


class Bound:
    """A compiled method of an object, which is told apart by identity, or taken apart itself if it
    is a container.
    """

    def __init__(self, jitted: Jitted, owner: Any) -> None:
        self.__wrapped__ = jitted
        self.__self__ = owner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        jitted, owner = self.__wrapped__, self.__self__
        if TRACING.depth:
            return jitted.__wrapped__(owner, *args, **kwargs)
        try:
            return jitted._call((owner, *args), kwargs, parts_of(owner) is None)
        except REFUSALS as error:
            raise shortened(error) from error.__cause__

    def lower(self, *args: Any, **kwargs: Any) -> Program:
        """As that of the function."""
        owner = self.__self__
        return self.__wrapped__._lower((owner, *args), kwargs, parts_of(owner) is None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


def jit(
    f: Function | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    max_entries: int = 64,
) -> Any:
    """A function that computes what `f` does without running it again for arguments of known types.

    The first call with arguments of some structure, shapes, dtypes and types of numbers runs `f` on
    stand-ins without values and compiles what it did; later ones run that. Arguments and results
    are arrays, Python numbers and containers of these; results may hold anything else, too, which
    is what it was in the first call. Static arguments are compared by value, and `f` gets
    them as they are. Whatever else `f` reads counts as constant; the closure cells and globals that
    it refers to are compared by identity, and a change runs `f` again. Streams of random numbers go
    on with every call. Arrays in donated arguments give their memory away and can't be used
    afterwards. `max_entries` programs are kept, those used last.

    Without `f`, a decorator. The result has `lower(*args)`, `cache_info()` and `clear_cache()`.
    Raises TypeError for what is no function, positions and names that are none, and, when called,
    for arguments that are neither arrays nor static, for unhashable static ones, and where `f`
    needs the value of an argument; ValueError for positions that `f` does not have.

    >>> @lazytensor.jit
    ... def scaled(x, factor):
    ...     return x / xp.sum(x) * factor
    >>> scaled(xp.asarray([1.0, 3.0]), 2.0)
    Array([0.5, 1.5], dtype=float64)
    >>> scaled(xp.asarray([2.0, 2.0]), 10.0)
    Array([5., 5.], dtype=float64)
    >>> scaled.cache_info()
    CacheInfo(hits=1, misses=1, maxsize=64, currsize=1)
    """
    if f is None:
        return functools.partial(
            jit,
            static_argnums=static_argnums,
            static_argnames=static_argnames,
            donate_argnums=donate_argnums,
            max_entries=max_entries,
        )
    if not callable(f):
        raise TypeError(f"jit: f must be a function, got {type(f).__name__}: {brief(f)}")
    if type(max_entries) is not int or max_entries < 1:
        raise ValueError(f"jit: max_entries must be a positive int, got {max_entries!r}")
    statics = Statics(f, static_argnums, static_argnames)
    donated = as_places("donate_argnums", donate_argnums)
    if both := statics.nums.intersection(donated):
        raise ValueError(f"jit: argument {min(both)} is both static and donated")
    return Jitted(f, statics, donated, max_entries)


def register_pytree(
    cls: type,
    parts: Callable[[Any], tuple[Sequence[Any], Any]],
    build: Callable[[Any, Sequence[Any]], Any],
) -> None:
    """Make a class a container of arrays, for `jit` and all transforms.

    `parts(x)` gives its children and what else there is to it, which must be hashable;
    `build(rest, children)` makes one again. Raises TypeError for what is no class, ValueError for
    a class that is a container already.

    >>> class Point:
    ...     def __init__(self, x, y):
    ...         self.x, self.y = x, y
    >>> lazytensor.register_pytree(
    ...     Point, lambda p: ((p.x, p.y), None), lambda rest, children: Point(*children))
    >>> lazytensor.jit(lambda p: p.x * p.y)(Point(xp.asarray(3.0), xp.asarray(2.0)))
    Array(6., dtype=float64)
    """
    pytree.register(cls, parts, build)


publish(globals())
