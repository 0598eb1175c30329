"""Records: classes of named fields, as data classes are to their users, made in no time.

A data class writes and compiles the text of its methods when it is defined, half a millisecond for
each, which every process pays; these share one set of methods. What enters: annotations. What
leaves: a class whose objects are made, shown, compared and, if frozen, hashed by their fields. That
frozen ones don't change is left to type checkers. It must not know what records are of.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, dataclass_transform

__all__ = ["Record", "compared", "field", "replace"]

_MISSING: Any = object()


class _Field:
    """What is said of a field besides its type."""

    __slots__ = ("compare", "default", "default_factory")

    def __init__(self, default: Any, default_factory: Any, compare: bool) -> None:
        self.default = default
        self.default_factory = default_factory
        self.compare = compare

    def first(self, name: str) -> Any:
        """The value of a field that none was given for. Raises TypeError where one has to be."""
        if self.default_factory is not None:
            return self.default_factory()
        if self.default is _MISSING:
            raise TypeError(f"missing argument: {name!r}")
        return self.default


def field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] | None = None,
    compare: bool = True,
) -> Any:
    """A field with a default, or what makes one; and whether it is compared."""
    return _Field(default, default_factory, compare)


@dataclass_transform(field_specifiers=(field,))
class Record:
    """The methods of all records; `frozen` ones are hashed by what they are compared by."""

    _fields: ClassVar[dict[str, _Field]] = {}
    _names: ClassVar[tuple[str, ...]] = ()
    _compared: ClassVar[tuple[str, ...]] = ()
    _values: ClassVar[Callable[[Any], Any]]

    def __init_subclass__(cls, frozen: bool = False) -> None:
        cls._fields = fields = {**cls._fields, **{n: _own(cls, n) for n in cls.__annotations__}}
        cls._names = tuple(fields)
        cls._compared = tuple([name for name, f in fields.items() if f.compare])
        cls._values = attrgetter(*cls._compared)
        if not frozen:
            cls.__hash__ = None  # type: ignore[assignment]

    def __init__(self, *given: Any, **named: Any) -> None:
        for name, value in zip(self._names, given):
            setattr(self, name, value)
        if named or len(given) != len(self._names):
            self._rest(len(given), named)

    def _rest(self, given: int, named: dict[str, Any]) -> None:
        """Set what was given by name, and what was not given."""
        left = self._names[given:]
        if given > len(self._names) or set(named).difference(left):
            raise TypeError(f"{type(self).__name__}: {given} arguments and {[*named]} don't fit")
        for name in left:
            setattr(self, name, named[name] if name in named else self._fields[name].first(name))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        values = type(self)._values
        return bool(values(self) == values(other))

    def __hash__(self) -> int:
        return hash(type(self)._values(self))

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in self._names]
        return f"{type(self).__qualname__}({', '.join(shown)})"


def _own(cls: type, name: str) -> _Field:
    """What a class's body says of a field; a plain default stays there."""
    said = vars(cls).get(name, _MISSING)
    return said if isinstance(said, _Field) else _Field(said, None, True)


AnyRecord = TypeVar("AnyRecord", bound=Record)


def replace(record: AnyRecord, **changes: Any) -> AnyRecord:
    """A record with other values for some fields."""
    same = {name: getattr(record, name) for name in record._names if name not in changes}
    return type(record)(**same, **changes)


def compared(of: type[Record]) -> tuple[str, ...]:
    """Names of the fields by which two are compared."""
    return of._compared
