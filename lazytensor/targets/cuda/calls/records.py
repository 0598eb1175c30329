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

    def sort(self, records: Place, room: Room) -> tuple[list[Step], Place]:
        """Launches that sort each line, and where the records are then."""
        length = min(TILE, 1 << max(0, self.n - 1).bit_length())
        found = [self._tiles(records, length)]
        other = self.room(room) if length < self.n else records
        while length < self.n:
            found.append(self._merge(other, records, length))
            records, other, length = other, records, 2 * length
        return found, records

    def _tiles(self, records: Place, size: int) -> Step:
        tiles = -(-self.n // size)
        count = -(-self.lines * tiles // (TILE // size))
        body = f"LT_ROOM(room);\nsort_tiles<{self.kind}>(a.w, room);"
        tail = (self.lines, self.n, size, tiles)
        threads, shared = (SORTERS, 1, 1), TILE * self.itemsize
        return blocks(RECORDS, body, count, threads, shared, (records,), tail)

    def _merge(self, to: Place, source: Place, length: int) -> Step:
        body = f"merge_runs<{self.kind}, {number(2 * self.count)}>(a.w);"
        return step(RECORDS, body, self.count, (to, source), (self.lines, self.n, length))
