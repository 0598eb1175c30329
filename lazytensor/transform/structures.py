"""Pieces of a graph and their derivatives, found once for each structure: functions and the rules
of rows give templates, by which later pieces of that structure are made, and their cotangents.

What enters: functions of nodes; inputs, outputs, cotangents. What leaves: what the functions make;
cotangents of the inputs, as `grad.vjp` gives them. It must not know who asks.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..ir.node import SCALAR, TRACING, Node, make, placeholder
from ..ir.template import Template
from ._path import path
from .grad import vjp

__all__ = ["Laid", "Piece", "by_rules", "laid", "piece_of", "repeated"]

MOST = 4096  # structures that are remembered
_pieces: "dict[Any, Piece]" = {}


def kind_of(x: Node) -> Any:
    """All that rules look at in what they don't compute: its type, and how it is shown of another,
    since derivatives look through a transpose.
    """
    if x.op.kind != "movement" or len(x.args) != 1:
        return x.shape, x.dtype, x.device
    of = x.args[0]
    return x.shape, x.dtype, x.device, x.op, x.params, of.shape, of.dtype


class Piece:
    """The structure of what lies between inputs and outputs. Its members are the inputs, and what
    else is read and computed, in the order in which it is first met.

    entries: one a member: of what is read its kind, of what is computed (op, parameters, places of
    arguments). outputs: places.
    """

    __slots__ = ("entries", "inputs", "outputs", "pulls")

    def __init__(self, inputs: int, entries: tuple[Any, ...], outputs: tuple[int, ...]) -> None:
        self.inputs = inputs
        self.entries = entries
        self.outputs = outputs
        self.pulls: dict[Any, _Pull | None] = {}

    def pull(
        self, members: Sequence[Node], wanted: tuple[bool, ...], cotangents: Sequence[Node | None]
    ) -> list[Node | None]:
        """Cotangents of the inputs, None of those that aren't wanted or don't matter: by the rules
        when it is first asked for, then by a template.
        """
        key = wanted, tuple([None if ct is None else kind_of(ct) for ct in cotangents])
        found = self.pulls.get(key)
        if found is not None:
            return found(members, cotangents)
        if key in self.pulls:
            self.pulls[key] = found = _Pull(self, wanted, cotangents)
            return found(members, cotangents)
        self.pulls[key] = None
        return by_rules([members[i] for i in self.outputs], members, wanted, cotangents)

    def bare(self, members: Sequence[Node]) -> list[Node | None]:
        """The members without the inputs and what is computed, for `again`."""
        pairs = enumerate(zip(self.entries, members, strict=True))
        return [x if i >= self.inputs and _is_read(e) else None for i, (e, x) in pairs]

    def again(self, members: Sequence[Node | None]) -> list[Node]:
        """The members with what isn't there computed, or stood for by a placeholder."""
        nodes: list[Node] = []
        for place, (entry, node) in enumerate(zip(self.entries, members, strict=True)):
            if node is None:
                node = (
                    placeholder(*entry[:3], place)
                    if _is_read(entry)
                    else make(entry[0], tuple([nodes[i] for i in entry[2:]]), entry[1])
                )
            nodes.append(node)
        return nodes


def _is_read(entry: Any) -> bool:
    return type(entry[0]) is tuple


class _Pull:
    """The cotangents of a piece's inputs as a template over its members, the sources of those that
    are shown of others, and the cotangents of outputs.
    """

    __slots__ = ("sources", "template")

    def __init__(
        self, piece: Piece, wanted: tuple[bool, ...], cotangents: Sequence[Node | None]
    ) -> None:
        of = [e if _is_read(e) else None for e in piece.entries]
        stood = [None if kind is None else _stand_in(kind) for kind in of]
        self.sources = [i for i, kind in enumerate(of) if kind is not None and len(kind) > 3]
        members = piece.again(stood)
        given = [None if ct is None else _stand_in(kind_of(ct)) for ct in cotangents]
        parts = by_rules([members[i] for i in piece.outputs], members, wanted, given)
        self.template = Template(self._given(members, given), parts)

    def __call__(
        self, members: Sequence[Node], cotangents: Sequence[Node | None]
    ) -> list[Node | None]:
        return self.template.made(self._given(members, cotangents))

    def _given(self, members: Sequence[Node], cotangents: Sequence[Node | None]) -> list[Node]:
        shown = [ct for ct in cotangents if ct is not None]
        sources = [ct.args[0] for ct in shown if len(kind_of(ct)) > 3]
        return [*members, *shown, *[members[i].args[0] for i in self.sources], *sources]


def _stand_in(kind: Any) -> Node:
    """A placeholder; for what is shown of another, that of one."""
    shape, dtype, device = kind[:3]
    if len(kind) == 3:
        return placeholder(shape, dtype, device, 0)
    op, params, *of = kind[3:]
    return make(op, (placeholder(*of, device, 0),), params)


def by_rules(
    outputs: Sequence[Node], members: Sequence[Node], wanted: Sequence[bool],
    cotangents: Sequence[Node | None],
) -> list[Node | None]:  # fmt: skip
    """One a flag, of the first members."""
    found = iter(vjp(outputs, [x for x, on in zip(members, wanted) if on], cotangents))
    return [next(found) if on else None for on in wanted]


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
    return _kept(len(inputs), tuple(entries), tuple([read(y) for y in outputs])), members


def _always(node: Node) -> bool:
    return True


def _kept(inputs: int, entries: tuple[Any, ...], outputs: tuple[int, ...]) -> Piece:
    """The one object for a structure, while it is remembered."""
    key = inputs, entries, outputs
    piece = _pieces.get(key)
    if piece is None:
        if len(_pieces) >= MOST:
            _pieces.clear()
        piece = _pieces[key] = Piece(inputs, entries, outputs)
    return piece


class Laid:
    """What a function makes of inputs of some kinds: `out`, with the piece that it is the output
    of, the members, and the nodes that were computed.
    """

    __slots__ = ("computed", "members", "out", "piece")

    def __init__(self, way: "_Way", inputs: Sequence[Node]) -> None:
        nodes = way.template.nodes(inputs)
        self.piece = way.piece
        self.members = [nodes[i] for i in way.members]
        self.computed = nodes[way.first :]
        self.out = self.members[way.piece.outputs[0]]


class _Way:
    """How a function makes its output of inputs of some kinds."""

    __slots__ = ("first", "members", "piece", "template")

    def __init__(self, piece: Piece, template: Template) -> None:
        self.piece = piece
        self.template = template
        self.members: Any = template.wanted
        self.first = piece.inputs + len(template.constants)


_ways: dict[Any, _Way | None] = {}


def laid(
    f: Callable[..., Node], params: tuple[Any, ...], operands: Sequence[Node | None]
) -> tuple[Node, Laid | None]:
    """`f(*operands, *params)`, which depends on nothing but kinds of different nodes and on what the
    text of params says: by the function for the first two times, then with how it was laid.
    """
    if TRACING.depth:
        return f(*operands, *params), None
    key = f, repr(params), tuple([None if x is None else kind_of(x) for x in operands])
    way = _ways.get(key)
    if way is not None:
        made = Laid(way, [x for x in operands if x is not None])
        return made.out, made
    if key in _ways:
        _ways[key] = _way(f, params, key[2])
    else:
        _first(_ways, key)
    return f(*operands, *params), None


def _first(known: dict[Any, Any], key: Any) -> None:
    """A key comes for the first time: what comes once is not worth a template."""
    if len(known) >= MOST:
        known.clear()
    known[key] = None


def _way(f: Callable[..., Node], params: tuple[Any, ...], kinds: Sequence[Any]) -> _Way | None:
    """How a function makes its output of inputs; None where it reads anything else but numbers."""
    operands = [None if kind is None else _stand_in(kind) for kind in kinds]
    inputs = [x for x in operands if x is not None]
    piece, members = piece_of(inputs, [f(*operands, *params)])
    template = Template(inputs, members)
    return _Way(piece, template) if _closed(template) else None


def _closed(template: Template) -> bool:
    """Whether a template reads nothing but what it is given, and numbers."""
    return all(x.op is SCALAR for x in template.constants)


_templates: dict[Any, Template | None] = {}


def repeated(
    f: Callable[..., Sequence[Node]], params: tuple[Any, ...], operands: Sequence[Node]
) -> Sequence[Any]:
    """`f(*operands, *params)`, nodes that depend on nothing but kinds of nodes and on what the text
    of params says: by a template from the third time on.
    """
    if TRACING.depth:
        return f(*operands, *params)
    key = f, repr(params), tuple([kind_of(x) for x in operands])
    template = _templates.get(key)
    if template is not None:
        return template.made(operands)
    if key in _templates:
        inputs = [_stand_in(kind) for kind in key[2]]
        template = Template(inputs, f(*inputs, *params))
        _templates[key] = template if _closed(template) else None
    else:
        _first(_templates, key)
    return f(*operands, *params)
