"""Writes to views in the history of what they show: class CopySlices.

What enters: a record of what was written, where in its base the view lies. What leaves: a record of
the base, whose cotangents are split between what the base was and what was written. It must not
know class Tensor.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..ir.node import Node
from ._graph import Edge, GradFn
from .storage import Steps, put, read

__all__ = ["CopySlices", "Slices"]

Ints = tuple[int, ...]


class Slices(NamedTuple):
    """Where in its base a view lies: the steps there, the base's strides (None: contiguous), the
    view's sizes, strides and offset, and how it was made where strides don't say it, else None.
    """

    steps: Steps
    base: Ints | None
    view: tuple[Ints, Ints, int]
    links: Any


class CopySlices(GradFn):
    """The record of a tensor, a view of which was written to: `fn` is that of what was written."""

    __slots__ = ("fn", "place")

    def __init__(self, edge: Edge, before: Node, after: Node, place: Slices, fn: GradFn) -> None:
        read = fn.inputs or (before,)
        super().__init__((edge, *fn.edges[1:]), (before, *read[1:]), (after,))
        self.place = place
        self.fn = fn

    @property
    def next_functions(self) -> tuple[Edge, ...]:
        """The record that made the base, and those of what was written."""
        return (self.edges[0], *self.fn.next_functions[1:])

    def check(self) -> None:
        """As the record of what was written."""
        self.fn.check()

    def pull(self, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        """Cotangents of the base as it was, and of what was written."""
        (ct,) = cotangents
        assert ct is not None
        part = ct
        for step in self.place.steps:
            part = read(part, step)
        found = self.fn.pull([part])
        first = found[0]
        return (None if first is None else put(ct, self.place.steps, first), *found[1:])

    def free(self) -> None:
        """Let go of what was saved."""
        self.fn.free()
