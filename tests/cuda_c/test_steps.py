"""Steps as commands: boxes, batches, outputs over arguments, and what a device allows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor._base import record
from lazytensor.ir.node import Node, leaf
from lazytensor.lower import fuse
from lazytensor.lower.kernel import Batch
from lazytensor.lower.segments import Segments
from lazytensor.ops import g
from lazytensor.targets.cuda import Bound, bind, key, launches, source, together
from lazytensor.targets.cuda.words import MOST_WORDS

from .cases import Case, cases, check, plan_of
from .compare import same
from .fences import fenced
from .harness import Fibres, bound, compiler
from .nvrtc import ARCHITECTURES, nvrtc
from .test_compiled import check as compile_all
from .test_folds import PROGRAMS, data, nodes
from .test_totals import gradients


def rolled(x: np.ndarray, by: tuple[int, ...]) -> Node:
    """What a roll is made of."""
    out = leaf(x)
    for axis, k in enumerate(by):
        ends = [(0, n) for n in out.shape]
        parts = []
        for low, high in ((out.shape[axis] - k, out.shape[axis]), (0, out.shape[axis] - k)):
            ends[axis] = (low, high)
            starts, counts = zip(*((a, b - a) for a, b in ends), strict=True)
            parts.append(g.slice(out, starts, counts, (1,) * len(ends)))
        out = g.concat(tuple(parts), axis)
    return out


def joins(dtype: Any) -> Iterator[Node]:
    """Kernels that read what is put together of parts."""
    x, y, z = (data(s, dtype, k) for k, s in enumerate([(40, 30), (40, 7), (5, 37)]))
    w = data((37,), dtype, 3)
    row = g.concat((leaf(x), leaf(y)), 1)
    yield row * leaf(w) + leaf(w)
    below = g.concat((leaf(data((37, 37), dtype, 4)), leaf(z[:3])), 0)
    yield g.where(g.equal(row, below), row, below)
    yield g.concat((leaf(x.T), leaf(x.T)), 1) * leaf(data((30, 80), dtype, 5))
    yield g.concat((leaf(data((1000,), dtype, 6)), leaf(data((1,), dtype, 7))), 0) * leaf(w[:1])


@pytest.mark.parametrize("dtype", [d.float32, d.float64, d.int8, d.complex128])
def test_boxes(dtype: Any) -> None:
    """What is put together of parts is computed part by part, each into its place."""
    compiler()
    found = [c for node in joins(dtype) for c in cases([node], dtype)]
    boxes = [len(c.launch.boxes) for c in found if isinstance(c.launch, Segments)]
    assert len(boxes) >= 3 and max(boxes) >= 3, boxes
    seen = check(found)
    assert any(seen[f"{way} sets"] for way in ("flat", "tiled")), seen


def test_rolls_are_few_launches() -> None:
    compiler()
    x = data((60, 70), d.float32, 1)
    found = [c for by in ((1, 0), (0, 1), (3, 5)) for c in cases([rolled(x, by) - leaf(x)], by)]
    assert all(isinstance(c.launch, Segments) for c in found)
    counts = [len(bound(c.launch, c.args, c.wants).commands) for c in found]
    assert max(counts) <= 3, counts
    check(found)


# --- batches --------------------------------------------------------------------------------------


def batch(count: int, shape: tuple[int, ...], update: Any) -> tuple[Batch, list[Case]]:
    """So many updates, and what each should give."""
    pairs = [(data(shape, d.float32, k), data(shape, d.float32, k + 100)) for k in range(count)]
    asked = [node for x, y in pairs for node in update(leaf(x), leaf(y))]
    plan, _ = plan_of(asked)
    (step,) = plan.runs
    assert isinstance(step, Batch)
    return step, cases(asked)


def moments(x: Node, m: Node) -> list[Node]:
    """An update like an optimiser's."""
    return [m, x - m / (g.sqrt(m * m) + 1.0)]


UPDATES = {
    "moments": lambda x, y: moments(x, x * 0.9 + y * 0.1),
    "sums": lambda x, y: [g.sum(x * y, (1,)), x * y],
    "rows": lambda x, y: [PROGRAMS["softmax"](x * y, 1)],
}


@pytest.mark.parametrize("shape", [(3, 5), (40, 70), (2, 9000)])
@pytest.mark.parametrize("name", ["moments", "sums"])
def test_batches(name: str, shape: tuple[int, int], monkeypatch: Any) -> None:
    """Launches of one kernel are one, or a few where words don't fit."""
    compiler()
    monkeypatch.setattr(fuse, "SMALL", 0)
    step, found = batch(40, shape, UPDATES[name])
    assert len(step.launches) == len(found) == 40
    bounds = [bound(c.launch, c.args, c.wants) for c in found]
    joined = together(bounds)
    stages = len(bounds[0].commands)
    assert stages <= len(joined.commands) <= 2 * stages
    assert joined.scratch == sum(b.scratch for b in bounds)
    assert all(c.form.sets and len(c.words(range(1000))) == MOST_WORDS for c in joined.commands)
    run(joined, found, backwards=False)
    run(joined, found, backwards=True)


def run(joined: Bound, found: Sequence[Case], backwards: bool) -> None:
    """Run launches together, and compare what each gives."""
    arrays, outs = [], []
    for c in found:
        made = [np.full_like(w, 7) for w in c.wants]
        arrays += [*c.args, *made]
        outs.append(made)
    fibres = Fibres((c.kernel, c.form) for c in joined.commands)
    fibres.run(joined, arrays, [], backwards)
    for case, made in zip(found, outs, strict=True):
        for got, want in zip(made, case.wants, strict=True):
            same(got, want, "batch")


def test_launches_that_lie_otherwise() -> None:
    """Several forms, and launches of several kernels, run together all the same."""
    compiler()
    x = data((50, 60), d.float32, 1)
    found = [
        c
        for k, y in enumerate((x, x[:, ::-1], x[1:], x[::2, 1:], x[:7]))
        for c in cases([leaf(y) * float(k % 2 + 2)], k)
    ]
    found += cases(nodes("softmax", x, 1)) + cases(nodes("sum", data((2, 9000), d.float32), 1))
    found += cases(nodes("sum", data((2, 9001), d.float32), 1))
    joined = together([bound(c.launch, c.args, c.wants) for c in found])
    assert len(joined.commands) < sum(len(bound(c.launch, c.args, c.wants).commands) for c in found)
    run(joined, found, backwards=True)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_sets_take_no_memory(architecture: str, monkeypatch: Any) -> None:
    """Words of several sets are read where they were passed."""
    nvrtc()
    monkeypatch.setattr(fuse, "SMALL", 0)
    keys = []
    for name in UPDATES:
        _, found = batch(3, (3, 5), UPDATES[name])
        joined = together([bound(c.launch, c.args, c.wants) for c in found])
        keys += [(c.kernel, c.form) for c in joined.commands]
    assert all(form.sets for _, form in keys)
    compile_all(keys, architecture)


# --- outputs over arguments -----------------------------------------------------------------------


def given(case: Case) -> Case:
    """The case with all arguments given away."""
    pairs = tuple(
        (i, j)
        for i, a in enumerate(case.args)
        for j, w in enumerate(case.wants)
        if a.shape == w.shape and a.dtype == w.dtype
    )
    return replace(case, launch=record.replace(case.launch, over=pairs))


def over_cases() -> Iterator[Case]:
    x, y = data((70, 90), d.float32, 1), data((70, 90), d.float32, 2)
    yield from cases([leaf(x) * leaf(y) - leaf(y)], "flat")
    yield from cases([leaf(x) * leaf(y.T.copy().T)], "tiled")
    yield from cases([leaf(x.T.copy().T) * leaf(y.T.copy().T) + leaf(x)], "tiled twice")
    yield from cases([leaf(x[:, ::-1]) + leaf(y)], "backwards")
    for axis in (0, 1):
        for shape in ((70, 90), (300, 40), (3, 9000), (9000, 9)):
            for name in ("softmax", "standard", "extrema"):
                yield from cases(nodes(name, data(shape, d.float32), axis), (name, shape, axis))
    wide = data((4, 33, 8), d.float64, 3)
    yield from cases([g.sum(leaf(wide), (2,)), leaf(wide) + 1.0], "rows")


def test_outputs_over_arguments() -> None:
    """Each pair that is allowed, one by one: the output has the argument's memory."""
    compiler()
    jobs = [
        (case, pair, backwards, *over_one(case, *pair, backwards))
        for case in map(given, over_cases())
        for pair in bound(case.launch, case.args, case.wants).over
        for backwards in (False, True)
    ]
    tried = {c.what if isinstance(c.what, str) else c.what[0] for c, *_ in jobs}
    assert tried >= {"flat", "tiled", "softmax", "extrema", "rows"}
    fibres = Fibres((c.kernel, c.form) for *_, found in jobs for c in found.commands)
    for case, pair, backwards, args, outs, found in jobs:
        fibres.run(found, args, outs, backwards)
        for got, want in zip(outs, case.wants, strict=True):
            same(got, want, (case.what, pair, [c.form for c in found.commands]))


def over_one(
    case: Case, i: int, j: int, backwards: bool
) -> tuple[list[np.ndarray], list[np.ndarray], Bound]:
    """Arrays of which an output is an argument, and the case on them."""
    args = [fenced(a, backwards) for a in case.args]
    outs = [np.empty_like(w) for w in case.wants]
    outs[j] = args[i]
    return args, outs, bound(case.launch, args, outs)


def test_what_is_not_written_over() -> None:
    """Arguments that lie otherwise, that are read again later, and those of rows."""
    x, y = data((70, 90), d.float32, 1), data((70, 90), d.float32, 2)

    def pairs(*asked: Node) -> tuple[tuple[int, int], ...]:
        (case,) = map(given, cases(asked))
        return bound(case.launch, case.args, case.wants).over

    assert pairs(leaf(x) + leaf(y)) == ((0, 0), (1, 0))
    assert pairs(leaf(x.T.copy().T) + leaf(y)) == ((1, 0),)
    assert pairs(leaf(x[:, ::-1]) + leaf(y)) == ((1, 0),)
    z = leaf(x)
    total = g.reshape(g.sum(z, (1,)), (70, 1))
    assert pairs(z / total) == ((0, 0),)
    twice = z * 2.0
    assert pairs(twice, twice / g.reshape(g.sum(twice, (1,)), (70, 1))) == ((0, 1),)
    row = leaf(data((70, 1), d.float32, 3))
    assert pairs(row * total) == ()


# --- limits ---------------------------------------------------------------------------------------


def programs() -> Iterator[Case]:
    x, y = data((33, 65), d.float32, 1), data((65, 33), d.float32, 2)
    yield from cases([leaf(x) * 2.0])
    yield from cases([leaf(x) + leaf(y.T)])
    yield from cases([leaf(data((9, 33, 65), d.float32)[:, ::2]) * 2.0])
    for axis in (0, 1):
        for shape in ((33, 65), (2, 9000), (9000, 2)):
            for name in ("sum", "softmax"):
                yield from cases(nodes(name, data(shape, d.float32), axis), (name, shape, axis))


def test_grids_of_two_axes(monkeypatch: Any) -> None:
    """More blocks than a grid's first axis has are those of several rows of blocks, some of which
    have nothing to do."""
    compiler()
    monkeypatch.setattr(launches, "NARROW", 0)
    monkeypatch.setattr(launches, "MOST_BLOCKS", 4)
    monkeypatch.setattr(launches, "LEAST_UNITS", 1)
    monkeypatch.setattr(fuse, "SMALL", 0)
    x, u = (leaf(data((70, 40), d.float32, k)) for k in (1, 2))
    found = [*programs(), *cases(gradients(x, u, 1))]
    grids = {c.grid for k in found for c in bound(k.launch, k.args, k.wants).commands}
    assert any(y > 1 and x == 3 for x, y, _ in grids)
    check(found)


def test_a_grid_has_no_more_blocks_than_a_device_allows() -> None:
    x = np.broadcast_to(np.int8(1), (1 << 32, 1, 3000))
    launch = cases([g.sum(leaf(np.ones((4, 3, 3000), np.int8)), (2,))])[0].launch
    huge = record.replace(launch, axes=(1 << 32, 1, 3000), shapes=((1 << 32, 1),), bound={})
    (part,) = bind(huge, [x], [0, 0]).parts
    assert part.blocks == 1 << 32 and not part.form.narrow
    assert part.grid == ((1 << 31) - 1, 3, 1)


def test_words_in_memory(monkeypatch: Any) -> None:
    compiler()
    monkeypatch.setattr(launches, "MOST_WORDS", 5)
    found = list(programs())
    commands = [c for k in found for c in bound(k.launch, k.args, k.wants).commands]
    assert all(c.form.far for c in commands)
    check(found)


def test_nothing_is_launched_for_nothing() -> None:
    """Rows without columns have results; where there are no rows nothing is launched."""
    compiler()
    x, found = np.ones((4, 3), np.float32), []
    for axis, columns, rows in ((1, 0, 5), (1, 5, 0), (0, 0, 5), (0, 5, 0)):
        for name, want in (("sum", 0.0), ("prod", 1.0)):
            (case,) = cases([getattr(g, name)(leaf(x), (axis,))])
            launch = record.replace(case.launch, axes=(rows, columns), shapes=((rows,),), bound={})
            empty = np.ones((rows, columns) if axis else (columns, rows), np.float32)
            out = np.full(rows, want, np.float32)
            assert len(bound(launch, [empty], [out]).commands) == bool(rows)
            found.append(Case(launch, [empty], [out], (name, axis, rows, columns)))
    (case,) = cases([leaf(x) * 2.0])
    nothing = np.ones((0, 3), np.float32)
    launch = record.replace(case.launch, axes=(0, 3), shapes=((0, 3),), bound={})
    assert bound(launch, [nothing], [nothing]) == Bound((), 2)
    check([*found, Case(launch, [nothing], [nothing])])


def test_a_key_is_that_of_the_text() -> None:
    (case,) = cases([leaf(np.ones(9, np.float32)) * 2.0])
    (command,) = bound(case.launch, case.args, case.wants).commands
    other = replace(command.form, wide=1)
    assert key(command.kernel, command.form) == key(command.kernel, replace(command.form))
    assert key(command.kernel, command.form) != key(command.kernel, other)
    assert "a.w[" in source(command.kernel, command.form)
