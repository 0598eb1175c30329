"""Sorts of records, rank and place of an element, in scratch memory.

What enters: how many lines of how many records there are. What leaves: launches. It must not know
what the records are of.
"""

from dataclasses import dataclass

from .plan import Place, Room, Step, blocks, number, step

RECORDS = ("types", "scalar", "cells", "sorts")
# Records that a block sorts, and its threads.
TILE, SORTERS = 1024, 256
# Ranks and places that fit into one word.
SHORT = 1 << 32


@dataclass(frozen=True, slots=True)
class Sorted:
    """Launches, where the records are then, and how many each line has left."""

    steps: tuple[Step, ...]
    records: Place
    n: int


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of n records each; `packed` tells that rank and place have 32 bits at most."""

    lines: int
    n: int
    packed: bool

    @property
    def kind(self) -> str:
        """The records' type."""
        return "Packed" if self.packed else "Apart"

    @property
    def itemsize(self) -> int:
        """Bytes of a record."""
        return 8 if self.packed else 16

    @property
    def count(self) -> int:
        """How many records there are."""
        return self.lines * self.n

    def room(self, room: Room) -> Place:
        """Scratch memory for all of them."""
        return room.take(self.count * self.itemsize)

    def sort(self, records: Place, room: Room, most: int) -> "Sorted":
        """Launches that sort each line; of all but the first ones, `most` of them, nothing is asked
        for.
        """
        length, n = min(TILE, 1 << max(0, self.n - 1).bit_length()), self.n
        found = [self._tiles(records, length)]
        other = self.room(room) if length < n else records
        while length < n:
            pairs, kept = -(-n // (2 * length)), min(2 * length, most)
            left = (pairs - 1) * kept + min(n - (pairs - 1) * 2 * length, kept)
            found.append(self._merge(other, records, (n, length, left, kept)))
            records, other, length, n = other, records, kept, left
        return Sorted(tuple(found), records, n)

    def _tiles(self, records: Place, size: int) -> Step:
        tiles = -(-self.n // size)
        count = -(-self.lines * tiles // (TILE // size))
        body = f"LT_ROOM(room);\nsort_tiles<{self.kind}>(a.w, room);"
        tail = (self.lines, self.n, size, tiles)
        threads, shared = (SORTERS, 1, 1), TILE * self.itemsize
        return blocks(RECORDS, body, count, threads, shared, (records,), tail)

    def _merge(self, to: Place, source: Place, sizes: tuple[int, int, int, int]) -> Step:
        """From lines of n records, in runs of a length, to other such lines."""
        body = f"merge_runs<{self.kind}, {number(2 * self.count)}>(a.w);"
        count = self.lines * sizes[0]
        return step(RECORDS, body, count, (to, source), (self.lines, *sizes))
