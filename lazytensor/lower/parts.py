"""A graph cut into pieces that are lowered by themselves: each is of one device, and not too long.

What enters: a graph. What leaves: places of its pieces, in an order in which they can be run. It
must not know what becomes of them.
"""

from collections.abc import Sequence

from .._base import config
from .._base.devices import Device, is_gpu
from .._base.record import Record
from ..ir.graph import Graph
from ..ir.node import SCALAR

# Longer graphs are cut, so that no pass and no generated function sees more.
PIECE = 2000
# Whose native code kernels are for, which fold along any axes; nothing for the reference.
HOST, GPU = "host", "gpu"


class Piece(Record):
    """Places of a graph, those of them that are read elsewhere, and what is `native` to them."""

    places: Sequence[int]
    wanted: list[int]
    native: str


def pieces(graph: Graph) -> list[Piece]:
    """The pieces of a graph, each after what it reads."""
    owners = [node.device if is_gpu(node.device) else None for node in graph.order]
    every = range(len(graph.order))
    parts = _by_device(graph, owners) if any(owners) else [every]
    cut = [part[i : i + PIECE] for part in parts for i in range(0, len(part), PIECE)]
    read = _read_elsewhere(graph, cut)
    native = HOST if config.get("target") == "llvm" else ""
    return [
        Piece(part, [p for p in part if p in read], GPU if owners[part[0]] else native)
        for part in cut
    ]


def _by_device(graph: Graph, owners: Sequence[Device | None]) -> list[Sequence[int]]:
    """Places by how often the device changes on the way to them, and by device."""
    changes = [0] * len(owners)
    found: dict[tuple[int, Device | None], list[int]] = {}
    for place, row in enumerate(graph.rows):
        if _computed(graph, place):
            for i in row[2:]:
                if _computed(graph, i):
                    changes[place] = max(changes[place], changes[i] + (owners[i] != owners[place]))
            found.setdefault((changes[place], owners[place]), []).append(place)
    return [found[key] for key in sorted(found, key=lambda key: key[0])]


def _computed(graph: Graph, place: int) -> bool:
    node = graph.order[place]
    return node.value is None and node.op.kind != "leaf"


def _read_elsewhere(graph: Graph, cut: Sequence[Sequence[int]]) -> set[int]:
    """Places that other pieces read, and outputs; leaves aside."""
    piece_of = {place: k for k, part in enumerate(cut) for place in part}
    found = set(graph.outputs)
    for place, (node, row) in enumerate(zip(graph.order, graph.rows, strict=True)):
        if node.op is not SCALAR and _computed(graph, place):
            found.update(i for i in row[2:] if piece_of.get(i) != piece_of[place])
    return {p for p in found if graph.order[p].op.kind != "leaf"}
