"""The parent of the worker processes: which candidate runs what, and for how long it may compile.

What enters: the options. What leaves: a report as data. Where a worker dies, or a first call takes
longer than the limit, the candidate that was at it is left out of its row, and another worker goes
on from there.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from .candidates import OURS, PEERS, environment
from .row import Row
from .table import ROWS

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = "benchmarks.cpu"
STALL = 900.0  # seconds without an event after which a worker counts as hung
KEPT = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=1099511627776:glibc.malloc.hugetlb=1"
Found = dict[str, Any]


def chosen_rows(globs: list[str], rows: Sequence[Row] = ROWS) -> list[Row]:
    """The rows that the globs name."""
    return [r for r in rows if not globs or any(fnmatch(r.name, g) for g in globs)]


def chosen_candidates(
    peers: list[str], every: Sequence[str] = PEERS, package: str = PACKAGE
) -> tuple[list[str], dict[str, str]]:
    """Ours and the peers that are there, and why others aren't."""
    wanted = [*OURS, *(p for p in peers or every if p != "none")]
    missing = {name: why for name in wanted if (why := absent(name, package))}
    return [name for name in wanted if name not in missing], missing


def absent(name: str, package: str = PACKAGE) -> str | None:
    """Why a candidate can't take part; asked in a process of its own, to load nothing here."""
    code = f"from {package}.candidates import installed; print(installed({name!r}) or '')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or (f"{name} does not load" if done.returncode else None)


class Worker:
    """A running worker process and its events."""

    def __init__(
        self, work: Found, variables: dict[str, str], log: Any, package: str = PACKAGE
    ) -> None:
        command = [sys.executable, "-m", f"{package}.worker", json.dumps(work)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line)
        self.lines.put(None)

    def events(self, limit: float) -> Iterator[Found]:
        """Its events; the last one is `late` or `died` where it did not come to its end."""
        patience = STALL
        while True:
            try:
                line = self.lines.get(timeout=patience)
            except queue.Empty:
                self.stop()
                yield {"event": "late"}
                return
            if line is None:
                yield {"event": "died", "status": self.process.wait()}
                return
            if line.startswith("@@ "):
                event = json.loads(line[3:])
                patience = limit if event["event"] == "first" else STALL
                yield event
                if event["event"] == "end":
                    return

    def stop(self) -> None:
        """End it with the compilers that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Run:
    """All rows with all candidates, over as many workers as it takes."""

    package = PACKAGE
    peers: Sequence[str] = PEERS
    table: Sequence[Row] = ROWS

    def __init__(self, options: Any) -> None:
        self.options = options
        self.candidates, self.missing = chosen_candidates(options.peers, self.peers, self.package)
        self.rows = chosen_rows(options.rows, self.table)
        self.results: dict[str, Found] = {}
        self.out: dict[tuple[str, str], str] = {}
        self.versions: dict[str, str] = {}
        self.at = ("", "")

    def go(self) -> Found:
        """Measure, and return everything that was found."""
        with tempfile.TemporaryDirectory() as cache:
            while self._left():
                self._worker(self._variables(cache))
        for (row, name), why in self.out.items():
            self.results.setdefault(row, {"found": {}})["found"][name] = {"failed": why}
        order = [r.name for r in self.rows if r.name in self.results]
        return self.nothing() | {"rows": {name: self.results[name] for name in order}}

    def nothing(self) -> Found:
        """The report, without rows."""
        return {
            "rows": {},
            "candidates": self.candidates,
            "missing": self.missing,
            "versions": self.versions,
        }

    def _variables(self, cache: str) -> dict[str, str]:
        """The worker's environment; caches on disk begin empty."""
        options = self.options
        found = environment(options.threads, options.target)
        found |= {"XDG_CACHE_HOME": cache, "TORCHINDUCTOR_CACHE_DIR": f"{cache}/inductor"}
        if options.pages_kept:
            found["GLIBC_TUNABLES"] = KEPT
        return found

    def _left(self) -> list[tuple[str, list[str]]]:
        return [
            (row.name, [c for c in self.candidates if (row.name, c) not in self.out])
            for row in self.rows
            if row.name not in self.results
        ]

    def _worker(self, variables: dict[str, str]) -> None:
        options = self.options
        work = {"rows": self._left(), "rounds": options.rounds, "small": options.small}
        with tempfile.TemporaryFile("w+") as log:
            worker = Worker({**work, "clock": options.clock}, variables, log, self.package)
            self.at = ("", "")
            try:
                for event in worker.events(options.compile_limit):
                    self._take(event)
            finally:
                worker.stop()
                if options.verbose:
                    log.seek(0)
                    print(log.read(), file=sys.stderr)

    def _take(self, event: Found) -> None:
        kind = event["event"]
        if kind == "row":
            print(f"  {event['row']}", end="", file=sys.stderr, flush=True)
            self.at = (event["row"], "")
        elif kind == "first":
            self.at = (event["row"], event["candidate"])
        elif kind == "warm":
            self.at = (event["row"], "")
        elif kind == "done":
            print(" ✓", file=sys.stderr, flush=True)
            self.results[event["row"]] = event["result"]
        elif kind == "end":
            self.versions |= event["versions"]
        else:
            self._lost(event)

    def _lost(self, event: Found) -> None:
        """A worker that did not end: leave out whoever was at it."""
        row, name = self.at
        why = f"> {self.options.compile_limit:g} s" if event["event"] == "late" else "died"
        print(f" [{name}: {why}]", file=sys.stderr, flush=True)
        if not row:
            raise SystemExit("a worker died before its first row; --verbose tells why")
        if name:
            self.out[row, name] = why
        else:
            self.results[row] = {"found": {}, "kind": "", "failed": why}
