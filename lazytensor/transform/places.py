"""Rules for elements at places. Few of them are taken of what an elementwise operation reads, not
of its result; what is written to one place of each line is a choice, which kernels compute.

What enters: a node. What leaves: one that stands for it, or None. Places are checked as they were,
with the same errors. It must not know kernels or targets.
"""

from .._base.dtypes import float32, float64, int32, int64, kind, real_of
from .._base.shapes import Shape
from ..ir.node import SCALAR, Node, scalar
from ._rewrite import again, is_number

# Gathers stand for one of an array that has so many times the elements of all their results; so
# many operations are done again at most. What is computed or written to has so many elements at
# least, and so many times those of a line.
SPARSE, MOST_AGAIN, WORTH, LINES = 4, 16, 1 << 14, 4


def _line(index: Node, axis: int) -> bool:
    """Whether an index counts 0, 1, … along an axis, and is the same along others."""
    n, x = index.shape[axis], index
    if x.op.name == "broadcast_to":
        x = x.args[0]
    behind = index.ndim - 1 - axis
    if x.shape != (1,) * (x.ndim - 1 - behind) + (n,) + (1,) * behind:
        return False
    if x.op.name == "reshape":
        x = x.args[0]
    return bool(x.op.name == "iota" and x.shape == (n,))


def _bare(x: Node) -> Node:
    """What a reshape shows, if that needs no copy."""
    return x.args[0] if x.op.name == "reshape" and x.args[0].op.kind != "movement" else x


def _shaped(x: Node, shape: Shape, like: Node) -> Node:
    x = _bare(x)
    return x if x.shape == shape else again("reshape", (x,), (shape,), like)


def _spread(x: Node, shape: Shape, like: Node) -> Node:
    return x if x.shape == shape else again("broadcast_to", (x,), (shape,), like)


def _padded(x: Node, ndim: int) -> Shape:
    """An operand's shape with so many axes."""
    return (1,) * (ndim - x.ndim) + x.shape  # type: ignore[no-any-return]


# --- few elements of what is computed ------------------------------------------------------------


class _Taking:
    """The elements that a gather takes of an array, taken of what that is computed of."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.source, *self.indices = node.args
        self.places: Shape = self.indices[0].shape
        self.lines = [self._counted(i) for i in self.indices]
        self.left, self.taken = MOST_AGAIN, 0
        self._made: dict[Node, Node] = {}

    @property
    def lead(self) -> Shape:
        """The axes with indices."""
        return self.source.shape[: len(self.indices)]  # type: ignore[no-any-return]

    def _counted(self, index: Node) -> int | None:
        """The axis of the places along which an index counts."""
        return next((a for a in range(index.ndim) if _line(index, a)), None)

    def checked(self) -> bool:
        """Whether every index that may be outside is one of an axis that some operand has."""
        axes = zip(self.lead, self.lines, strict=True)
        return all(n > 1 or (a is not None and self.places[a] == n) for n, a in axes)

    def of(self, x: Node) -> Node:
        """What stands for the elements of an operand."""
        if x not in self._made:
            self._made[x] = x if x.op is SCALAR else self._kept(x) or self._again(x)
        return self._made[x]

    def _kept(self, x: Node) -> Node | None:
        """All elements of an operand, where that is what is taken: the same for each place of axes
        that it hasn't.
        """
        k, full = len(self.indices), _padded(x, self.source.ndim)
        shape, before = [1] * len(self.places), -1
        for n, a in zip(full[:k], self.lines, strict=False):
            if n != 1:
                if a is None or a <= before or self.places[a] != n:
                    return None
                shape[a], before = n, a
        return _shaped(x, (*shape, *full[k:]), self.node)

    def _again(self, x: Node) -> Node:
        if x.op.kind == "elementwise" and self.left > 0 and x.size >= SPARSE * self.node.size:
            self.left -= 1
            return again(x.op.name, tuple(self.of(a) for a in x.args), x.params, self.node)
        self.taken += 1
        full = _padded(x, self.source.ndim)
        shape = (*self.lead, *full[len(self.indices) :])
        whole = _spread(_shaped(x, full, self.node), shape, self.node)
        return again("gather", (whole, *self.indices), (), self.node)


def few_of_computed(node: Node) -> Node | None:
    """gather(f(x, y), …) -> f(gather(x, …), gather(y, …)) where it leaves few elements."""
    source, least = node.args[0], max(WORTH, SPARSE * node.size)
    if source.op.kind != "elementwise" or source.size < least or not node.size:
        return None
    taking = _Taking(node)
    if not taking.checked():
        return None
    found = taking.of(source)
    worth = taking.left and taking.taken * SPARSE * node.size <= source.size
    return found if worth and found.shape == node.shape else None


# --- rows that are added -------------------------------------------------------------------------


def _weighted(u: Node) -> tuple[Node, Node | None]:
    """An array, and what it is multiplied by, if that may be a weight for each row."""
    if u.op.name != "multiply":
        return u, None
    x, y = u.args
    if x.op.name == "gather" and x.shape == u.shape:
        return x, y
    return (y, x) if y.op.name == "gather" and y.shape == u.shape else (u, None)


def _weights(weight: Node | None, u: Node, places: Shape) -> Node | None:
    """A weight for each place, if that is what it is."""
    if weight is None:
        one = scalar(1, u.dtype, u.device)
        return again("broadcast_to", (one,), (places,), u)
    full, k = _padded(weight, u.ndim), len(places)
    if any(n != 1 for n in full[k:]):
        return None
    each = weight if full == weight.shape else again("reshape", (weight,), (full,), u)
    return _spread(_shaped(each, full[:k], u), places, u)


def rows_added(node: Node) -> Node | None:
    """scatter_add(x, gather(y, i) * w, j) -> gather_add(x, y, w, j, i), w a number for each row:
    what is taken isn't stored. Failures are told of where each of the two was asked for.
    """
    x, u, *to = node.args
    taken, weight = _weighted(u)
    if taken.op.name != "gather" or not u.size >= WORTH or node.dtype not in (float32, float64):
        return None
    y, *of = taken.args
    if not len(to) == len(of) == 1 or to[0].shape != of[0].shape:
        return None
    w = _weights(weight, u, to[0].shape)
    if w is None:
        return None
    found = again("gather_add", (x, y, w, *to, *of), (), node)
    found.where = taken.where, node.where
    return found


# --- one place of each line ----------------------------------------------------------------------


def _only(x: Node, indices: tuple[Node, ...]) -> int | None:
    """The axis of which each line has one place, all other indices counting along theirs; an array
    of places may have this axis or not.
    """
    k, places = len(indices), indices[0].shape

    def lines(axis: int) -> bool:
        at = [j - (len(places) < k and j > axis) for j in range(k)]
        others = [j for j in range(k) if j != axis]
        fits = len(places) < k or places[axis] == 1
        return fits and all(
            places[at[j]] == x.shape[j] and _line(indices[j], at[j]) for j in others
        )

    whole = k > 1 and len(places) in (k - 1, k)
    return next((a for a in range(k) if lines(a)), None) if whole else None


def _counting(n: int, axis: int, node: Node) -> Node:
    """0, 1, … along an axis of an array like a node, in integers as wide as its elements."""
    wide = real_of(node.dtype).itemsize > int32.itemsize or n > 1 << 30
    numbers = again("iota", (), (n, int64 if wide else int32, node.device), node)
    return _shaped(numbers, tuple([n if a == axis else 1 for a in range(node.ndim)]), node)


def _here(node: Node, indices: tuple[Node, ...], axis: int) -> Node:
    """Where the places are, in the result. What counts along the axis, taken at the places, are the
    places themselves, checked.
    """
    k, shape = len(indices), node.shape
    counting = _counting(shape[axis], axis, node)
    lead = _spread(_shaped(counting, counting.shape[:k], node), shape[:k], node)
    places = again("gather", (lead, *indices), (), node)
    each = (*shape[:axis], 1, *shape[axis + 1 : k], *(1,) * (node.ndim - k))
    return again("equal", (_shaped(places, each, node), counting), (), node)


def one_of_line(node: Node) -> Node | None:
    """scatter(x, u, …) of one element of each line -> where(place == 0, 1, …, u, x); scatter_add
    the same with x + u.
    """
    x, u, *indices = node.args
    axis = _only(x, tuple(indices))
    if axis is None or kind(x.dtype) == "b" or x.size < LINES * x.shape[axis]:
        return None
    u = _shaped(u, (*x.shape[:axis], 1, *x.shape[axis + 1 :]), node)
    x = x.args[0] if x.op.name == "broadcast_to" else x
    if node.op.name == "scatter_add":
        u = _added(x, u, node)
    return again("where", (_here(node, tuple(indices), axis), u, x), (), node)


def _added(x: Node, u: Node, like: Node) -> Node:
    """x + u."""
    if x.shape:
        return again("add", (x, u), (), like)
    return _shaped(again("add", (x, _bare(u)), (), like), u.shape, like)


def _choice(node: Node) -> tuple[Node, Node, Node] | None:
    """The arguments of a `where` that is 0 but for something smaller."""
    if node.op.name != "where":
        return None
    condition, u, rest = node.args
    zero = is_number(rest, "0.0") or is_number(rest, "-0.0")
    return (condition, u, rest) if zero and u.size < node.size else None


def negative_choice(node: Node) -> Node | None:
    """-where(c, u, 0) -> where(c, -u, -0) for something smaller than the result."""
    found = _choice(node.args[0])
    if found is None:
        return None
    condition, u, rest = found
    zero = scalar(-rest.value.item(), rest.dtype, rest.device)
    u = _shaped(again("negative", (_bare(u),), (), node), u.shape, node)
    return again("where", (condition, u, zero), (), node)


def _one_of(condition: Node, axis: int) -> bool:
    """Whether a condition holds at one place of each line along an axis."""
    if condition.op.name != "equal":
        return False
    place, counting = condition.args
    if counting.ndim != condition.ndim or not _line(counting, axis) or place.shape[axis] != 1:
        return False
    place = place.args[0] if place.op.name == "reshape" else place
    if place.op.name != "gather":
        return False
    x, n = place.args[0], counting.shape[axis]
    return any(m == n and _line(x, a) for a, m in enumerate(x.shape))


def sum_of_choice(node: Node) -> Node | None:
    """sum(where(place == 0, 1, …, u, 0)) along that axis -> u + 0, as sums turn -0 into 0."""
    x, axes = node.args[0], node.params[0]
    found = _choice(x)
    if found is None or len(axes) > 1 or x.dtype is not node.dtype:
        return None
    (axis,), full = axes, _padded(found[1], x.ndim)
    if full[axis] != 1 or not _one_of(found[0], axis):
        return None
    u = _shaped(found[1], (*full[:axis], *full[axis + 1 :]), node)
    u = again("add", (u, scalar(0, x.dtype, x.device)), (), node)
    return _spread(u, node.shape, node)
