"""Fusion: nodes in order -> groups, each of which becomes one step.

Elementwise nodes of one shape, the reductions over their trailing axes, what is computed from the
reduced rows, and elementwise nodes that read those again share a group (softmax is one). A node
joins a group of its arguments unless that would close a cycle among groups. What enters: nodes in
topological order. What leaves: groups, in an order in which they can run.
"""

from collections.abc import Iterator, Sequence

from .._base.shapes import Shape, prod
from ..ir.node import Node
from ..ops._tree import runs

# A row longer than this many elements would leave the cache between stages, so no kernel goes over
# it twice.
LONGEST_ROW = 1 << 15
MOST_MEMBERS, MOST_NATIVE = 1000, 200
# Elements up to which calling a kernel costs as much as running it, so that kernels over as many
# are made one, with this many operands at most.
SMALL, MOST_OPERANDS = 1 << 14, 96


class Group:
    """Nodes that run as one step. `space` is None for a node that stands alone."""

    __slots__ = ("after", "axes", "levels", "members", "number", "space")

    def __init__(self, number: int, space: Shape | None) -> None:
        self.number = number
        self.space = space
        # The axes that are reduced, sorted.
        self.axes: tuple[int, ...] = ()
        self.members: list[Node] = []
        self.levels: dict[Node, bool] = {}
        self.after = 0

    @property
    def rows(self) -> Shape:
        """The axes that aren't reduced."""
        return tuple(n for a, n in enumerate(self.space or ()) if a not in self.axes)

    @property
    def kept(self) -> Shape:
        """The shape of a row value with the reduced axes kept."""
        return tuple(1 if a in self.axes else n for a, n in enumerate(self.space or ()))

    @property
    def columns(self) -> int:
        """How many elements are folded into one; 1 where nothing is."""
        return _columns(self.space or (), self.axes)

    @property
    def order(self) -> tuple[int, ...]:
        """The axes of the space, those that are reduced last."""
        kept = (a for a in range(len(self.space or ())) if a not in self.axes)
        return (*kept, *self.axes)


class Fuser:
    """Groups nodes one after another. A `native` target folds longer rows than it keeps, and along
    any axes; others fold the trailing ones.
    """

    def __init__(self, enabled: bool = True, native: bool = False) -> None:
        self.groups: list[Group | None] = []
        self.of: dict[Node, Group] = {}
        self._enabled = enabled
        self._native = native
        self._most = MOST_NATIVE if native else MOST_MEMBERS
        self._longest = 1 << 62 if native else LONGEST_ROW
        # Numbers of the groups that some group comes after, as bits.
        self._awaited = 0

    def add(self, node: Node) -> None:
        """Put a node into a group of its arguments, or a new one."""
        group = self._join(node) if self._enabled else None
        if group is None:
            group = self._new(node)
        group.members.append(node)
        self.of[node] = group
        self._depend(group, node.args)

    # --- which group -------------------------------------------------------------------------

    def _new(self, node: Node) -> Group:
        space = self._space(node)
        group = Group(len(self.groups), space)
        self.groups.append(group)
        group.levels[node] = False
        if space is not None and node.op.kind == "reduce":
            group.axes = node.params[0]
            group.levels[node] = True
        return group

    def _sources(self, node: Node) -> list[Group]:
        """Groups of its arguments, those over most elements first: what stands for a row of these
        would else part what computes it from what reads it.
        """
        found = dict.fromkeys(self.of[a] for a in node.args if a in self.of)
        return sorted(found, key=lambda group: -prod(group.space or ()))

    def _join(self, node: Node) -> Group | None:
        chosen: Group | None = None
        for group in self._sources(node):
            if group.space is None or len(group.members) >= self._most:
                continue
            if chosen is None:
                chosen = group if self._level(node, group) is not None else None
            elif self._merges(chosen, group):
                self._merge(chosen, group)
        return chosen if chosen is not None and self._admits(node, chosen) else None

    def _admits(self, node: Node, group: Group) -> bool:
        """Whether the node can be a member; if so its level is noted."""
        level = self._level(node, group)
        if level is None or not self._acyclic(node, group):
            return False
        if node.op.kind == "reduce":
            group.axes = node.params[0]
        group.levels[node] = level
        return True

    def _space(self, node: Node) -> Shape | None:
        """The iteration space that a node starts; None when it stands alone."""
        if node.op.kind == "elementwise" and node.size:
            return node.shape  # type: ignore[no-any-return]
        if self._row_reduction(node):
            return node.args[0].shape  # type: ignore[no-any-return]
        return None

    def _level(self, node: Node, group: Group) -> bool | None:
        """True: a row value of the group; False: a full one; None: no member."""
        kind = node.op.kind
        rows_only = all(group.levels.get(a, True) for a in node.args)
        if kind == "reduce":
            fits = self._row_reduction(node) and not rows_only
            fits = fits and node.args[0].shape == group.space
            return True if fits and group.axes in ((), node.params[0]) else None
        if kind == "elementwise":
            return _elementwise_level(node, group, rows_only)
        if kind == "movement" and group.axes and rows_only:
            return _movement_level(node, group)
        return None

    def _rows_fit(self, a: Group, b: Group) -> bool:
        """Whether rows of both may be gone over at once: long ones if neither reads the other."""
        columns = _columns(a.space or (), a.axes or b.axes)
        if columns <= LONGEST_ROW:
            return True
        apart = not (a.after >> b.number & 1 or b.after >> a.number & 1)
        return columns <= self._longest and apart

    def _row_reduction(self, node: Node) -> bool:
        """A reduction whose rows are short enough, along axes that the target folds."""
        op = node.op
        if op.kind != "reduce" or op.params != ("axes",) or op.body is None:
            return False
        axes, shape = node.params[0], node.args[0].shape
        if not axes or not node.args[0].size or len(runs(shape, axes)) > 1:
            return False
        trailing = axes == tuple(range(len(shape) - len(axes), len(shape)))
        return (trailing or self._native) and _columns(shape, axes) <= self._longest

    # --- cycles --------------------------------------------------------------------------------

    def _acyclic(self, node: Node, group: Group) -> bool:
        bit = 1 << group.number
        return not any(
            self.of[a] is not group and self.of[a].after & bit for a in node.args if a in self.of
        )

    def _depend(self, group: Group, args: Sequence[Node]) -> None:
        """Note what the group comes after, and so does all that comes after the group."""
        new = 0
        for a in args:
            source = self.of.get(a)
            if source is not None and source is not group:
                new |= source.after | 1 << source.number
        if new & ~group.after:
            self._spread(group, new)

    def _spread(self, group: Group, new: int) -> None:
        group.after |= new
        self._awaited |= new
        bit = 1 << group.number
        for other in self.groups if self._awaited & bit else ():
            if other is not None and other.after & bit:
                other.after |= new

    def _merges(self, a: Group, b: Group) -> bool:
        if a.space != b.space or (a.axes and b.axes and a.axes != b.axes):
            return False
        if len(a.members) + len(b.members) > self._most or not self._rows_fit(a, b):
            return False
        if (a.axes or b.axes) and not _together_fit(a, b):
            return False
        return not self._between(a, b) and not self._between(b, a)

    def _between(self, a: Group, b: Group) -> bool:
        """Whether some group comes after `a` and before `b`."""
        rest = b.after & ~(1 << a.number)
        bit = 1 << a.number
        while rest:
            low = rest & -rest
            middle = self.groups[low.bit_length() - 1]
            if middle is not None and middle.after & bit:
                return True
            rest ^= low
        return False

    def _merge(self, a: Group, b: Group) -> None:
        """Put all of `b` into `a`."""
        a.members += b.members
        a.levels.update(b.levels)
        a.axes = a.axes or b.axes
        for node in b.members:
            self.of[node] = a
        self.groups[b.number] = None
        gone, bit = 1 << b.number, 1 << a.number
        new = (a.after | b.after) & ~gone & ~bit
        a.after = new
        awaited = self._awaited & (gone | bit)
        self._awaited = self._awaited & ~gone | (bit | new if awaited else new)
        for other in self.groups if awaited else ():
            if other is not None and other is not a and other.after & (gone | bit):
                other.after = (other.after & ~gone) | bit | new

    # --- kernels that have nothing to do with one another -------------------------------------

    def gather(self) -> None:
        """Make one group of those over the same small space that do not depend on one another."""
        kept: dict[tuple[Shape, tuple[int, ...]], tuple[Group, int]] = {}
        small = [g for g in self.groups if g is not None and _gathers(g)]
        for group in small if self._enabled else ():
            key = (group.space or (), group.axes)
            operands = (16 if group.axes else 2) * len(group.members)  # at most; folds count more
            found, held = kept.get(key, (None, 0))
            if found is not None and held + operands <= MOST_OPERANDS and self._apart(found, group):
                self._merge(found, group)
                kept[key] = found, held + operands
            else:
                kept[key] = group, operands

    def _apart(self, a: Group, b: Group) -> bool:
        """Whether two groups may run at once."""
        direct = a.after >> b.number & 1 or b.after >> a.number & 1
        return not direct and self._merges(a, b)

    # --- the result ------------------------------------------------------------------------------

    def ordered(self, position: dict[Node, int]) -> list[Group]:
        """Groups by their last members, each after what it reads; members in the graph's order:
        what a program makes late is made late, and so not held long.
        """
        left = [group for group in self.groups if group is not None]
        for group in left:
            group.members.sort(key=position.__getitem__)
        found: list[Group] = []
        done = 0
        for group in sorted(left, key=lambda group: position[group.members[-1]]):
            first = [g for g in self._before(group, done) if g is not None]
            found += sorted(first, key=lambda group: (group.after.bit_count(), group.number))
            done |= group.after | 1 << group.number
        return found

    def _before(self, group: Group, done: int) -> Iterator[Group | None]:
        """The group and those that it comes after, but for those that are done."""
        rest = (group.after | 1 << group.number) & ~done
        while rest:
            low = rest & -rest
            yield self.groups[low.bit_length() - 1]
            rest ^= low


def _gathers(group: Group) -> bool:
    """Whether a group is a small kernel."""
    return group.space is not None and prod(group.space) <= SMALL


def _columns(space: Shape, axes: tuple[int, ...]) -> int:
    return prod([space[a] for a in axes])


def _elementwise_level(node: Node, group: Group, rows_only: bool) -> bool | None:
    if group.axes and rows_only and node.shape in (group.rows, group.kept):
        same = all(a.shape in (node.shape, ()) for a in node.args)
        return True if same else None
    return False if node.shape == group.space and _reads_fit(node, group) else None


def _reads_fit(node: Node, group: Group) -> bool:
    """Row values are read with their reduced axes kept, and not at all along rows that are too long
    to be gone over again.
    """
    read = [a for a in node.args if group.levels.get(a, False)]
    fit = all(_lies_along_rows(a, group) for a in read)
    return fit and not (read and group.columns > LONGEST_ROW)


def _lies_along_rows(value: Node, group: Group) -> bool:
    """Whether what is broadcast to the space is a row value with its reduced axes kept; leading
    ones may be missing.
    """
    kept: Shape = (1,) * (len(group.kept) - value.ndim) + value.shape
    return kept == group.kept


def _together_fit(a: Group, b: Group) -> bool:
    """Whether full values of groups that are to be one read the row values of the other along rows.
    A full value may have been grouped before what folds its axes was known.
    """
    folds = a if a.axes else b
    for one, other in ((a, b), (b, a)):
        full = (node for node in one.members if not one.levels[node])
        read = (arg for node in full for arg in node.args if other.levels.get(arg, False))
        if not all(_lies_along_rows(arg, folds) for arg in read):
            return False
    return True


def _movement_level(node: Node, group: Group) -> bool | None:
    """Axes of size 1 put behind a row value, or taken away."""
    if node.op.name == "reshape" and node.shape in (group.rows, group.kept):
        return True
    return None
