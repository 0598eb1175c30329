"""The parent of the worker processes on a GPU: rows by the precision of their products, and peers
for as long as there is time.

What enters: the options. What leaves: a report as data; after each row also as a file.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ..cpu.candidates import OURS
from ..cpu.run import Run
from .candidates import PEERS, environment
from .table import ROWS

Found = dict[str, Any]


class DeviceRun(Run):
    """All rows with all candidates. Workers have rows of one precision and kind, so that peers can
    be left out of the next when the time is over.
    """

    package = "benchmarks.gpu"
    peers = PEERS
    table = ROWS

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.end = time.monotonic() + options.budget

    def _left(self) -> list[tuple[str, list[str]]]:
        left = [row for row in self.rows if row.name not in self.results]
        now = [row for row in left if row.tf32 == left[0].tf32 and row.kind == left[0].kind]
        return [(row.name, self._allowed(row.name)) for row in now]

    def _allowed(self, row: str) -> list[str]:
        late = time.monotonic() > self.end
        for name in self.candidates if late else ():
            if name not in OURS:
                self.out.setdefault((row, name), "no time left")
        return [c for c in self.candidates if (row, c) not in self.out]

    def _variables(self, cache: str) -> dict[str, str]:
        caches = {"XDG_CACHE_HOME": cache, "TORCHINDUCTOR_CACHE_DIR": f"{cache}/inductor"}
        return environment(False) | caches | {"LAZYTENSOR_CACHE_DIR": f"{cache}/lazytensor"}

    def _worker(self, variables: dict[str, str]) -> None:
        first = next(row for row in self.rows if row.name not in self.results)
        super()._worker(variables | environment(first.tf32))

    def _take(self, event: Found) -> None:
        super()._take(event)
        folder: Path | None = self.options.out
        if folder and event["event"] == "done":
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "rows.json").write_text(json.dumps(self.results, indent=1))
