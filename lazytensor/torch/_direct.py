"""An optimiser's step on tensors that nothing watches: what operations in place would write,
without the way there, which for a model's many parameters takes longer than to compute. The
operations on one parameter are written down; the nodes of all that go the same way are made of
that.

What enters: tensors, numbers. What leaves: tensors that were written to. It must not know any
particular method.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..ir.node import TRACING, Node, leaf, placeholder
from ..ir.template import Template
from ..ops import g
from ..transform.structures import repeated
from ._dispatch import number
from ._dtypes import of
from ._graph import MODE
from ._host import value
from .operators import FAST
from .tensor import Tensor

__all__ = ["Cell", "Count", "Shared", "apart", "direct", "each", "number_like", "step", "write"]

# An operation and the places of its operands: those of what is read are negative.
Row = tuple[Any, ...]
# Types of parameters that are remembered for one way to change them.
MOST_TYPES = 1024
# Changes cells and counts.
Update = Callable[[Any, Any], None]


def _home(t: Tensor) -> int:
    """What tensors of one memory have in common."""
    return id(t._stor or t)


def _watching() -> bool:
    """Whether writes are recorded, or seen by a transform."""
    return MODE.grad or MODE.inference or bool(MODE.transforms or MODE.levels)


def direct(*tensors: Tensor) -> bool:
    """Whether nothing sees how these are written to: no history, transform or class of the user's;
    they have one real dtype, shape and device, lie as usual, and share no memory.
    """
    return not _watching() and _alike(tensors, tensors[0]._node.shape)


def _alike(tensors: Sequence[Tensor], shape: Any = None) -> bool:
    """Whether tensors are no views, of no class of the user's, have one real dtype and device, and
    a shape if it is given, lie as usual, and share no memory.
    """
    kind, device, homes = tensors[0].dtype, tensors[0]._node.device, set()
    for t in tensors:
        if type(t) not in FAST or t.dtype is not kind or t._node.device is not device:
            return False
        if shape is not None and t._node.shape != shape:
            return False
        if t._base is not None or t._strides is not None or t._inference is True:
            return False
        homes.add(id(t._stor or t))
    return kind._rank == 2 and len(homes) == len(tensors)


def apart(tensors: Sequence[Tensor], read: Sequence[Tensor] = ()) -> bool:
    """Whether each is `direct`, all have one dtype and device, and none shares memory with another
    or with what is read beside them.
    """
    if _watching() or not _alike(tensors):
        return False
    return not read or {*map(_home, tensors)}.isdisjoint(map(_home, read))


def number_like(value: Any, x: Tensor) -> Node | None:
    """The node of a number, or of a tensor of one without axes, in the dtype and on the device of
    x; None where that takes more.
    """
    node = x._node
    if type(value) in (int, float):
        return number(value, x.dtype, node, True)
    if type(value) not in FAST or value._node.shape or value._node.device is not node.device:
        return None
    return value._read() if value.dtype is x.dtype else None


def each(
    f: Callable[..., Sequence[Node]], tensors: Sequence[Tensor], *others: Node
) -> Sequence[Node]:
    """`f(*others, *nodes)` of the tensors' nodes, which looks at nothing but their types."""
    return repeated(f, (), [*others, *[t._read() for t in tensors]])


def write(x: Tensor, node: Node, times: int) -> None:
    """Put elements in the place of the old, as so many operations, of a tensor that is `direct`."""
    counter = x._counter or x._count()
    counter[0] += times
    stor = x._stor
    if stor is None:
        x._node = node
    elif stor.write(x._steps, node):
        x._node, x._seen = node, stor.stamp


# --- operations -----------------------------------------------------------------------------------


def _scaled_sum(x: Node, y: Node, alpha: Node) -> Node:
    return g.add(x, g.multiply(y, alpha))


def _near(x: Node, y: Node, weight: Node) -> Node:
    return g.add(x, g.multiply(weight, g.subtract(y, x)))


def _far(x: Node, y: Node, weight: Node) -> Node:
    return g.subtract(y, g.multiply(g.subtract(y, x), g.subtract(1, weight)))


def _plus_product(x: Node, a: Node, b: Node) -> Node:
    return g.add(x, g.multiply(a, b))


def _plus_scaled_product(x: Node, a: Node, b: Node, value: Node) -> Node:
    return g.add(x, g.multiply(g.multiply(a, value), b))


def _plus_ratio(x: Node, a: Node, b: Node) -> Node:
    return g.add(x, g.divide(a, b))


def _plus_scaled_ratio(x: Node, a: Node, b: Node, value: Node) -> Node:
    return g.add(x, g.divide(g.multiply(a, value), b))


def _over(x: Node, by: Node) -> Node:
    return g.multiply(g.reciprocal(x), by)


# --- what is written down -------------------------------------------------------------------------


class Shared:
    """What the parameters of a group have in common: whether its settings are Python's numbers,
    which of what is remembered are counters, and what was written down.
    """

    __slots__ = ("_counters", "_names", "_settings", "plain", "written")

    def __init__(self, group: dict[str, Any], counters: Sequence[str]) -> None:
        asked = group["maximize"], group.get("capturable"), group.get("differentiable")
        self._settings = [each for each in group.items() if each[0] not in _NAMES]
        self.plain = not any(asked) and all(_is_plain(each) for _, each in self._settings)
        self.written: dict[Any, _Written] = {}
        self._counters = counters
        self._names: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}

    def lasts(self, group: dict[str, Any]) -> bool:
        """Whether what is plain is so in one more step: the group has the very settings, which
        can't have changed in themselves. What was written down with counters is forgotten.
        """
        settings = [each for each in group.items() if each[0] not in _NAMES]
        if len(settings) != len(self._settings):
            return False
        for (name, new), (known, before) in zip(settings, self._settings):
            if name != known or new is not before or type(new) is list:
                return False
        self.written = {key: each for key, each in self.written.items() if not each.counts}
        return True

    def names(self, state: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """The names of what is remembered, apart from counters, and these."""
        found = self._names.get(state)
        if found is None:
            others = [name for name in state if name not in self._counters]
            found = self._names[state] = others, [n for n in self._counters if n in state]
        return found


# What is in a group beside its settings.
_NAMES = frozenset(("params", "param_names"))


def _is_plain(setting: Any) -> bool:
    """Whether a setting is a number of Python's, or some."""
    if type(setting) is tuple or type(setting) is list:
        return all(map(_is_plain, setting))
    return setting is None or type(setting) in (bool, int, float, str)


class Sheet:
    """Operations on some nodes, which are the first operands; then come numbers."""

    __slots__ = ("read", "rows")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.read = list(nodes)
        self.rows: list[Row] = []

    def note(self, operation: Any, x: int, *others: Any) -> int:
        """The place of what an operation gives."""
        places = [(y if type(y) is Cell else self.number(y)).place for y in others]
        self.rows.append((operation, x, *places))
        return len(self.rows) - 1

    def number(self, value: Any, wraps: bool = True) -> "Cell":
        """A number in the dtype of the nodes, which it has to fit where it isn't `wraps`."""
        like = self.read[0]
        self.read.append(number(value, of(like.dtype), like, wraps))
        return Cell(self, ~(len(self.read) - 1))


class _Written:
    """What was written down: what makes what is changed of nodes and numbers, the numbers, how
    often each tensor is written to; counters, and how often these are.
    """

    __slots__ = ("counts", "laid", "numbers", "times")

    def __init__(self, update: Update, nodes: Sequence[Node], counts: Sequence[Any]) -> None:
        sheet, self.counts = Sheet(nodes), [Count(n) for n in counts]
        cells = [Cell(sheet, ~i) for i in range(len(nodes))]
        update(cells, self.counts)
        self.times = [cell.writes for cell in cells]
        self.numbers = sheet.read[len(nodes) :]
        self.laid = _laid(tuple(sheet.rows), tuple([cell.place for cell in cells if cell.writes]))


def step(
    tensors: Sequence[Tensor], counters: Sequence[Tensor], shared: Shared, names: tuple[str, ...],
    update: Update,
) -> None:  # fmt: skip
    """Change tensors as `update(cells, counts)` changes cells that stand for them, and counters;
    what depends on names, dtypes and counters alone is written down once.
    """
    nodes = [t._read() for t in tensors]
    counts: list[Any] = []
    key: tuple[Any, ...] = (names, nodes[0].dtype, nodes[0].device)
    if counters:
        counts = [value(c._read())[()] for c in counters]
        key += tuple([(n.dtype, n.item()) for n in counts])
    written = shared.written.get(key)
    if written is None:
        written = shared.written[key] = _Written(update, nodes, counts)
    made = iter(written.laid.made(nodes, written.numbers))
    for t, times in zip(tensors, written.times):
        if times:
            write(t, next(made), times)
    for c, count in zip(counters, written.counts, strict=True):
        if count.writes:
            write(c, leaf(np.array(count.value), c._node.device), count.writes)


@lru_cache(256)
def _laid(rows: tuple[Row, ...], wanted: tuple[int, ...]) -> "_Laid":
    """What makes what is wanted of what is read; one for equal rows."""
    return _Laid(rows, wanted)


class _Laid:
    """Rows of elementwise operations on nodes of one type, and numbers like them: a template for
    each type.
    """

    __slots__ = ("_rows", "_templates", "_wanted")

    def __init__(self, rows: tuple[Row, ...], wanted: tuple[int, ...]) -> None:
        self._rows, self._wanted = rows, wanted
        self._templates: dict[Any, Template] = {}

    def made(self, nodes: Sequence[Node], numbers: Sequence[Node]) -> Sequence[Any]:
        """What is wanted."""
        first = nodes[0]
        template = self._templates.get((first.shape, first.dtype, first.device))
        if template is None or TRACING.depth:
            return self._first(nodes, numbers)
        return template.made([*nodes, *numbers])

    def _first(self, nodes: Sequence[Node], numbers: Sequence[Node]) -> Sequence[Any]:
        """What is wanted, by a new template; for a function that is being traced by none."""
        read, first = [*nodes, *numbers], nodes[0]
        if TRACING.depth:
            return self._of(read)
        stood = [placeholder(x.shape, x.dtype, x.device, 0) for x in read]
        if len(self._templates) >= MOST_TYPES:
            self._templates.clear()
        template = Template(stood, self._of(stood))
        self._templates[first.shape, first.dtype, first.device] = template
        return template.made(read)

    def _of(self, read: Sequence[Node]) -> list[Node]:
        made: list[Node] = []
        for operation, *places in self._rows:
            made.append(operation(*[made[i] if i >= 0 else read[~i] for i in places]))
        return [made[i] if i >= 0 else read[~i] for i in self._wanted]


class Cell:
    """A tensor of a sheet, or what was computed of some, with the methods of tensors."""

    __slots__ = ("_sheet", "place", "writes")

    def __init__(self, sheet: Sheet, place: int) -> None:
        self._sheet = sheet
        self.place = place
        self.writes = 0

    def _new(self, operation: Any, *others: Any) -> "Cell":
        return Cell(self._sheet, self._sheet.note(operation, self.place, *others))

    def _factor(self, value: Any) -> "Cell":
        return self._sheet.number(value, False)

    def _put(self, made: "Cell") -> "Cell":
        self.place = made.place
        self.writes += 1
        return self

    def is_complex(self) -> bool:
        """No: see `direct`."""
        return False

    def mul(self, by: Any) -> "Cell":
        """By a number or a cell."""
        return self._new(g.multiply, by)

    def mul_(self, by: Any) -> "Cell":
        """`mul` in place."""
        return self._put(self.mul(by))

    def div(self, by: Any) -> "Cell":
        """Over a number or a cell."""
        return self._new(g.divide, by)

    def add(self, other: Any, *, alpha: Any = 1) -> "Cell":
        """Plus alpha times a number or a cell."""
        if type(alpha) is int and alpha == 1:
            return self._new(g.add, other)
        return self._new(_scaled_sum, other, self._factor(alpha))

    def add_(self, other: Any, *, alpha: Any = 1) -> "Cell":
        """`add` in place."""
        return self._put(self.add(other, alpha=alpha))

    def lerp_(self, end: "Cell", weight: Any) -> "Cell":
        """On the way to another, from whichever end is nearer, in place."""
        by = self._factor(weight)
        way = _near if abs(self._sheet.read[~by.place].value) < 0.5 else _far
        return self._put(self._new(way, end, by))

    def addcmul_(self, a: "Cell", b: "Cell", *, value: Any = 1) -> "Cell":
        """Plus value times a product, in place."""
        if value == 1:
            return self._put(self._new(_plus_product, a, b))
        return self._put(self._new(_plus_scaled_product, a, b, self._factor(value)))

    def addcdiv_(self, a: "Cell", b: "Cell", *, value: Any = 1) -> "Cell":
        """Plus value times a ratio, in place."""
        if value == 1:
            return self._put(self._new(_plus_ratio, a, b))
        return self._put(self._new(_plus_scaled_ratio, a, b, self._factor(value)))

    def addcmul(self, a: "Cell", b: "Cell", *, value: Any = 1) -> "Cell":
        """`addcmul_` of something new."""
        return Cell(self._sheet, self.place).addcmul_(a, b, value=value)

    def sqrt(self) -> "Cell":
        """The root."""
        return self._new(g.sqrt)

    def sqrt_(self) -> "Cell":
        """The root, in place."""
        return self._put(self.sqrt())

    def abs(self) -> "Cell":
        """Without signs."""
        return self._new(g.abs)

    def maximum(self, other: "Cell") -> "Cell":
        """The greater of two."""
        return self._new(g.maximum, other)

    def copy_(self, other: "Cell") -> "Cell":
        """Another's elements."""
        return self._put(other)

    __mul__, __truediv__, __add__ = mul, div, add

    def __rtruediv__(self, other: Any) -> "Cell":
        """A number over the cell: by the reciprocal, as tensors have it."""
        return self._new(_over, other)


class Count:
    """A number that is remembered as a tensor, with what methods do to it."""

    __slots__ = ("value", "writes")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.writes = 0

    def _put(self, value: Any) -> "Count":
        self.value = value
        self.writes += 1
        return self

    def __iadd__(self, more: float) -> "Count":
        """More by a number, in the dtype of the tensor."""
        return self._put(self.value + self.value.dtype.type(more))

    def __imul__(self, by: float) -> "Count":
        """By a number, in the dtype of the tensor."""
        return self._put(self.value * self.value.dtype.type(by))

    def item(self) -> Any:
        """The number."""
        return self.value.item()
