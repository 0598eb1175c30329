"""How samples are fetched from a dataset and made a batch.

What enters: numbers of samples. What leaves: batches. It must not know processes.
"""

from collections.abc import Callable
from typing import Any

from ...._compute import compute
from ..dataset import IterableDataset


class Fetcher:
    """Fetches samples by their numbers, or the next ones of an iterable dataset."""

    def __init__(
        self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool
    ) -> None:
        self.dataset, self.auto_collation = dataset, auto_collation
        self.collate_fn, self.drop_last = collate_fn, drop_last
        self.iterable = isinstance(dataset, IterableDataset)
        self.samples = iter(dataset) if self.iterable else None
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """The batch of some numbers, computed; StopIteration where an iterable one has ended."""
        batch = self.collate_fn(self._next(index) if self.iterable else self._at(index))
        compute(batch)
        return batch

    def _at(self, index: Any) -> Any:
        if not self.auto_collation:
            return self.dataset[index]
        if hasattr(self.dataset, "__getitems__") and self.dataset.__getitems__:
            return self.dataset.__getitems__(index)
        return [self.dataset[i] for i in index]

    def _next(self, index: Any) -> Any:
        if self.ended:
            raise StopIteration
        samples: Any = self.samples
        if not self.auto_collation:
            return next(samples)
        data = []
        for _ in index:
            try:
                data.append(next(samples))
            except StopIteration:
                self.ended = True
                break
        if not data or (self.drop_last and len(data) < len(index)):
            raise StopIteration
        return data
