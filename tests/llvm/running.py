"""Runs a program of `graphs` in all ways, compares, and counts what of the target it takes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from lazytensor._base import config
from lazytensor.lower import again, memory
from lazytensor.runtime import cache, execute, native
from lazytensor.runtime.materialize import materialize
from lazytensor.targets.llvm import run
from lazytensor.targets.llvm.passes import Passes

from .graphs import Graph, Program, arrays

WAYS: list[dict[str, Any]] = [
    {"target": "llvm", "execution": "compile", "num_threads": 1},
    {"target": "llvm", "execution": "compile", "num_threads": 3},
]


def results(p: Program, leaves: list[Any], **settings: Any) -> tuple[Graph, list[Any]]:
    """The graph, and the values that are asked for."""
    with config.context(**settings):
        graph = Graph(p, leaves)
        nodes = graph.asked(p.asked)
        materialize(tuple(nodes))
        return graph, [n.value for n in nodes]


def same(got: np.ndarray, want: np.ndarray, what: Any) -> None:
    """Dtype, shape and bits, but for what kind of NaN."""
    assert got.dtype == want.dtype and got.shape == want.shape, what
    a, b = (np.ascontiguousarray(x).reshape(-1) for x in (got, want))
    if a.dtype.kind == "c":
        part = np.float32 if a.dtype == np.complex64 else np.float64
        a, b = a.view(part), b.view(part)
    if a.dtype.kind == "f":
        nan = np.isnan(a) & np.isnan(b)
        a, b = np.where(nan, 0, a), np.where(nan, 0, b)
    if a.tobytes() != b.tobytes():
        size = a.itemsize
        bad = np.flatnonzero((a.view(np.uint8) != b.view(np.uint8)).reshape(-1, size).any(1))
        raise AssertionError(
            f"{what}: {len(bad)} of {a.size} of {got.dtype}{got.shape} differ, from {bad[:5]} on: "
            f"{a[bad[:3]]} != {b[bad[:3]]}"
        )


def check(p: Program) -> None:
    """All ways give the same bits, and leave the leaves as they are."""
    leaves = arrays(p)
    before = [a.tobytes() for a in leaves]
    graph, want = results(p, leaves, target="llvm", execution="interpret")
    ways = list(WAYS)
    if graph.exact:
        ways += [{"target": "numpy", "execution": how} for how in ("interpret", "compile")]
    worth = 0 if p.asked % 2 else memory.WORTH
    least = 0 if p.asked % 3 else again.WORTH
    for way in ways:
        shared = (1, 64) if way.get("num_threads") == 3 else (run.SPLIT, run.GRAIN)
        with (
            mock.patch.object(memory, "WORTH", worth),
            mock.patch.object(again, "WORTH", least),
            mock.patch.object(run, "SPLIT", shared[0]),
            mock.patch.object(run, "GRAIN", shared[1]),
        ):
            _, got = results(p, leaves, **way)
        for n, (a, b) in enumerate(zip(got, want, strict=True)):
            same(a, b, f"value {n} by {way}")
        assert [a.tobytes() for a in leaves] == before, "leaves were written to"


@contextmanager
def recording() -> Iterator[Counter[str]]:
    """Which ways of the target are taken meanwhile, and how often."""
    seen: Counter[str] = Counter()
    bound, long, take, spared = run.Bound.__init__, run.Long.__init__, native.bound, execute.spared
    summed, give = run.Summed.__init__, again._Source._give

    def on_summed(self: Any, *args: Any) -> None:
        summed(self, *args)
        seen["summed"] += 1

    def on_again(self: Any, reader: Any, nodes: Any) -> None:
        give(self, reader, nodes)
        seen["again"] += bool(nodes)

    def on_bound(self: Any, functions: Any, launch: Any, binding: Any) -> None:
        bound(self, functions, launch, binding)
        seen.update(_traits(launch, binding))
        seen["over allowed"] += bool(self.over)

    def on_long(self: Any, *args: Any) -> None:
        long(self, *args)
        seen["long"] += 1

    def on_native(launch: Any, args: Any) -> Any:
        found = take(launch, args)
        seen["unsupported"] += found is None
        return found

    def on_spared(args: Any, pairs: Any) -> Any:
        found = spared(args, pairs)
        seen["over"] += bool(found)
        return found

    with (
        mock.patch.object(run.Bound, "__init__", on_bound),
        mock.patch.object(run.Long, "__init__", on_long),
        mock.patch.object(run.Summed, "__init__", on_summed),
        mock.patch.object(again._Source, "_give", on_again),
        mock.patch.object(native, "bound", on_native),
        mock.patch.object(execute, "spared", on_spared),
    ):
        cache.CACHE.clear()
        yield seen
        cache.CACHE.clear()


def _traits(launch: Any, binding: Any) -> list[str]:
    form, kernel = binding.form, launch.kernel
    folds = "folded" if kernel.reduced else "flat" if not form.rows else "rows"
    kind = "across" if form.across else "tiled" if form.crossing else "along"
    plan = Passes(kernel)
    many = [f"{kind} in passes"] if len(plan.passes) > 1 else []
    kept = [f"{kind} keeping"] if set(plan.saved) - set(kernel.outputs) else []
    read = [f"{kind} reading outputs"] if set(plan.saved) & set(kernel.outputs) else []
    copied = [f"{kind} with copies"] if binding.copies else []
    out = (
        [f"{kind} copying outputs"] if any(i >= len(kernel.inputs) for i in binding.copies) else []
    )
    lie = [f"{kind} {f}" for f in set(form.lie)]
    stream = [*["stream"] * form.stream, *["anywhere"] * form.anywhere]
    stream += [*["turned"] * bool(binding.turned), *["divides"] * form.divides]
    return [f"{kind} {folds}", *many, *kept, *read, *copied, *out, *lie, *stream]
