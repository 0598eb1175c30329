"""Pieces of a graph and their derivatives, found once for each structure: functions and the rules
of rows give templates, by which later pieces of that structure are made, and their cotangents.

What enters: functions of nodes; inputs, outputs, cotangents. What leaves: what the functions make;
cotangents of the inputs, as `grad.vjp` gives them. It must not know who asks.

What comes once is not worth a template: one is made when a structure is met for the second time,
over placeholders of the kinds of what is read. Rules look at nothing else.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..ir.node import PLACEHOLDER, SCALAR, TRACING, Node, make, placeholder
from ..ir.template import Template
from ._path import path
from .grad import pull, vjp

__all__ = [
    "Laid", "Piece", "by_rules", "laid", "laid_many", "piece_of", "pull_one", "repeated",
]  # fmt: skip

# Structures of each sort that are remembered; nodes that all of them stand for.
MOST, MOST_NODES = 1024, 1 << 19
Recipes = dict[Any, Any]  # False: met once; None: there is no template
_pieces: "dict[Any, Piece]" = {}
_pulls: Recipes = {}
_ways: Recipes = {}
_repeated: Recipes = {}
_SORTS: tuple[dict[Any, Any], ...] = _pieces, _pulls, _ways, _repeated


class _Held:
    """How many nodes what is remembered stands for, at most."""

    nodes = 0


def _remembered(nodes: int) -> None:
    """Note that more is remembered: all is forgotten when that is too much."""
    _Held.nodes += nodes
    if _Held.nodes > MOST_NODES:
        _Held.nodes = 0
        for sort in _SORTS:
            sort.clear()


def _recipe(known: Recipes, key: Any, make_one: Callable[[], Any]) -> Any:
    """The recipe for a key that isn't met for the first time; None where there is none."""
    found = known.get(key)
    if found is False:
        found = known[key] = make_one()
        if found is not None:
            _remembered(found.size)
    elif found is None and key not in known:
        if len(known) >= MOST:
            known.clear()
        known[key] = False
    return found


# --- what is read ---------------------------------------------------------------------------------


def kind_of(x: Node) -> Any:
    """All that rules look at in what they don't compute: its type, and how it is shown of another,
    since derivatives look through a transpose.
    """
    if x.op.kind != "movement" or len(x.args) != 1:
        return x.shape, x.dtype, x.device
    of = x.args[0]
    return x.shape, x.dtype, x.device, x.op, x.params, of.shape, of.dtype


def _is_shown(x: Node) -> bool:
    return x.op.kind == "movement" and len(x.args) == 1


def _type_of(x: Node | None) -> Any:
    return None if x is None else (x.shape, x.dtype, x.device)


def _stand_in(kind: Any) -> Node:
    """A placeholder; for what is shown of another, that of one."""
    shape, dtype, device = kind[:3]
    if len(kind) == 3:
        return placeholder(shape, dtype, device, 0)
    op, params, of_shape, of_dtype = kind[3:]
    return make(op, (placeholder(of_shape, of_dtype, device, 0),), params)


def _with_sources(read: Sequence[Node], rest: Sequence[Node]) -> list[Node]:
    """What a template is given: what is read, the rest, and of what some of it is shown."""
    return [*read, *rest, *[x.args[0] for x in read if _is_shown(x)]]


def _sound(template: Template) -> Template | None:
    """A template that reads no placeholder but those that it is given."""
    return None if any(x.op is PLACEHOLDER for x in template.constants) else template


# --- derivatives ----------------------------------------------------------------------------------


def by_rules(
    outputs: Sequence[Node], inputs: Sequence[Node], wanted: Sequence[bool],
    cotangents: Sequence[Node | None],
) -> list[Node | None]:  # fmt: skip
    """Cotangents of those of the inputs that are wanted, one a flag."""
    found = iter(vjp(outputs, [x for x, on in zip(inputs, wanted) if on], cotangents))
    return [next(found) if on else None for on in wanted]


def pull_one(out: Node, ct: Node, wanted: tuple[bool, ...]) -> list[Node | None]:
    """`grad.pull` of one node. Rules that give partial derivatives are as quick as a template."""
    if out.op.partials is not None:
        return pull(out, ct, wanted)
    kinds = tuple([kind_of(x) for x in out.args])
    key = out.op, out.params, wanted, _type_of(ct), kinds

    def template() -> Template | None:
        inputs = [_stand_in(kind) for kind in kinds]
        y, given = make(out.op, tuple(inputs), out.params), _stand_in(key[3])
        return _sound(Template(_with_sources(inputs, [given, y]), pull(y, given, wanted)))

    found = _recipe(_pulls, key, template)
    return found.made(_with_sources(out.args, [ct, out])) if found else pull(out, ct, wanted)


class Piece:
    """The structure of what lies between inputs and outputs. Its members are the inputs, and what
    else is read and computed, in the order in which it is first met.

    entries: one a member: of what is read its kind, of what is computed (op, parameters, places of
    arguments). outputs: places.
    """

    __slots__ = ("_pulls", "_read", "_shown", "entries", "inputs", "outputs")

    def __init__(self, inputs: int, entries: tuple[Any, ...], outputs: tuple[int, ...]) -> None:
        self.inputs = inputs
        self.entries = entries
        self.outputs = outputs
        self._read = [i for i, entry in enumerate(entries) if type(entry[0]) is tuple]
        self._shown = [i for i in self._read if len(entries[i]) > 3]
        self._pulls: Recipes = {}

    def pull(
        self, members: Sequence[Node], wanted: tuple[bool, ...], cotangents: Sequence[Node | None]
    ) -> list[Node | None]:
        """Cotangents of the inputs, None of those that aren't wanted or don't matter."""
        types = tuple([_type_of(ct) for ct in cotangents])
        found = _recipe(self._pulls, (wanted, types), lambda: self._template(wanted, types))
        if found and (not self._shown or all(_is_shown(members[i]) for i in self._shown)):
            return found.made(self._given(members, cotangents))  # type: ignore[no-any-return]
        return by_rules([members[i] for i in self.outputs], members, wanted, cotangents)

    def _template(self, wanted: tuple[bool, ...], types: tuple[Any, ...]) -> Template | None:
        stood: list[Node | None] = [None] * len(self.entries)
        for i in self._read:
            stood[i] = _stand_in(self.entries[i])
        members = self.again(stood)
        cotangents = [None if of is None else _stand_in(of) for of in types]
        parts = by_rules([members[i] for i in self.outputs], members, wanted, cotangents)
        return _sound(Template(self._given(members, cotangents), parts))

    def _given(self, members: Sequence[Node], cotangents: Sequence[Node | None]) -> list[Node]:
        given = [*members, *[ct for ct in cotangents if ct is not None]]
        return given + [members[i].args[0] for i in self._shown] if self._shown else given

    def bare(self, members: Sequence[Node]) -> list[Node | None]:
        """The members without the inputs and what is computed, for `again`."""
        left: list[Node | None] = [None] * len(members)
        for i in self._read:
            left[i] = members[i] if i >= self.inputs else None
        return left

    def again(self, members: Sequence[Node | None]) -> list[Node]:
        """The members with what isn't there computed, or stood for by a placeholder."""
        nodes: list[Node] = []
        for place, (entry, node) in enumerate(zip(self.entries, members, strict=True)):
            if node is None and type(entry[0]) is tuple:
                node = placeholder(entry[0], entry[1], entry[2], place)
            elif node is None:
                node = make(entry[0], tuple([nodes[i] for i in entry[2:]]), entry[1])
            nodes.append(node)
        return nodes


def piece_of(inputs: Sequence[Node], outputs: Sequence[Node]) -> tuple[Piece, list[Node]]:
    """The structure between inputs, which are different ones, and outputs; and its members."""
    members = list(inputs)
    number = {x: i for i, x in enumerate(members)}
    entries = [kind_of(x) for x in members]

    def read(node: Node) -> int:
        place = number.get(node)
        if place is None:
            place = number[node] = len(members)
            members.append(node)
            entries.append(kind_of(node))
        return place

    for node in path(outputs, inputs, _always):
        entry = (node.op, node.params, *[read(a) for a in node.args])
        number[node] = len(members)
        members.append(node)
        entries.append(entry)
    places = tuple([read(y) for y in outputs])
    return _kept(len(inputs), tuple(entries), places), members


def _always(node: Node) -> bool:
    return True


def _kept(*structure: Any) -> Piece:
    """The one object for a structure, while it is remembered."""
    piece = _pieces.get(structure)
    if piece is None:
        if len(_pieces) >= MOST:
            _pieces.clear()
        piece = _pieces[structure] = Piece(*structure)
        _remembered(len(piece.entries))
    return piece


# --- functions ------------------------------------------------------------------------------------


class Laid:
    """What a function makes of inputs of some kinds: `outs`, with the piece that they are the
    outputs of, the members, and the nodes that were computed.
    """

    __slots__ = ("computed", "members", "outs", "piece")

    def __init__(self, way: "_Way", inputs: Sequence[Node]) -> None:
        self.piece = way.piece
        self.members = members = way.template.nodes(inputs)
        self.computed = members[way.first :]
        self.outs = [members[i] for i in way.piece.outputs]


class _Way:
    """How a function makes its outputs of inputs of some kinds: a template, whose places are those
    of the members of a piece.
    """

    __slots__ = ("first", "piece", "size", "template")

    def __init__(self, inputs: Sequence[Node], template: Template) -> None:
        self.template = template
        self.size = 2 * template.size
        self.first = len(inputs) + len(template.constants)
        read = [kind_of(x) for x in (*inputs, *template.constants)]
        computed = [(row[0], row[1], *row[-1]) for row in template.rows]
        places = tuple([place for place in template.wanted if place is not None])
        self.piece = Piece(len(inputs), (*read, *computed), places)


def laid(
    f: Callable[..., Node], params: tuple[Any, ...], operands: Sequence[Node | None]
) -> tuple[Node, Laid | None]:
    """`f(*operands, *params)`, which depends on nothing but kinds of nodes, which are different
    ones, and on params; and how it was laid, if it was.
    """
    made = _laid(f, params, operands)
    return (f(*operands, *params), None) if made is None else (made.outs[0], made)


def laid_many(
    f: Callable[..., Sequence[Node]], params: tuple[Any, ...], operands: Sequence[Node | None]
) -> tuple[Sequence[Node], Laid | None]:
    """`laid` for a function that makes several nodes."""
    made = _laid(f, params, operands)
    return (f(*operands, *params), None) if made is None else (made.outs, made)


# Types whose text says all that there is to know.
_TOLD = frozenset((bool, int, float, complex, str, type(None)))


def _told(params: Sequence[Any]) -> bool:
    """Whether the text of params says what they are: that of a tensor has but a few digits."""
    if _TOLD.issuperset(map(type, params)):
        return True
    return all(type(p) in _TOLD or (type(p) in (tuple, list) and _told(p)) for p in params)


def _laid(
    f: Callable[..., Any], params: tuple[Any, ...], operands: Sequence[Node | None]
) -> Laid | None:
    if TRACING.depth or not _told(params):
        return None
    kinds = tuple([None if x is None else kind_of(x) for x in operands])
    way = _recipe(_ways, (f, repr(params), kinds), lambda: _way(f, params, kinds))
    return Laid(way, [x for x in operands if x is not None]) if way else None


def _way(f: Callable[..., Any], params: tuple[Any, ...], kinds: Sequence[Any]) -> _Way | None:
    """How a function makes its outputs of inputs; None where it reads anything else but numbers."""
    operands = [None if kind is None else _stand_in(kind) for kind in kinds]
    inputs = [x for x in operands if x is not None]
    found = f(*operands, *params)
    template = _closed(Template(inputs, [found] if isinstance(found, Node) else found))
    return None if template is None else _Way(inputs, template)


def _closed(template: Template) -> Template | None:
    """A template that reads nothing but what it is given, and numbers."""
    return template if all(x.op is SCALAR for x in template.constants) else None


def repeated(
    f: Callable[..., Sequence[Node]], params: tuple[Any, ...], operands: Sequence[Node]
) -> Sequence[Any]:
    """`f(*operands, *params)`, nodes that depend on nothing but kinds of nodes and on params."""
    if TRACING.depth or not _told(params):
        return f(*operands, *params)
    kinds = tuple([kind_of(x) for x in operands])

    def template() -> Template | None:
        inputs = [_stand_in(kind) for kind in kinds]
        return _closed(Template(inputs, f(*inputs, *params)))

    found = _recipe(_repeated, (f, repr(params), kinds), template)
    return found.made(operands) if found else f(*operands, *params)
