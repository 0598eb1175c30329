"""Plans of rows compiled by NVRTC for two generations of cards, where there is none: no kernel
spills or has memory of its own.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor._base.devices import CPU
from lazytensor.ops import create, gather, iterated, movement, scan, windows
from lazytensor.targets.cuda.calls import Code, Planned, matrices, symmetric
from lazytensor.targets.cuda.source import HEAD

from . import (
    test_convolutions,
    test_copies,
    test_device_sorts,
    test_draws,
    test_gathers,
    test_iterated,
    test_scans,
    test_scatters,
    test_symmetric,
    test_walks_on_devices,
    test_windows,
)
from .calls import FILES, Call, part_of, plan
from .nvrtc import ARCHITECTURES, compiled, nvrtc

# Registers of a thread at most: with as many, 512 threads are there at once.
REGISTERS = 128
SOME = (d.bool_, d.int64, d.float16, d.float32, d.complex128)
# Modules that they are shared out to.
PARTS = 3


def calls(dtypes: Iterable[d.DType] = SOME) -> Iterator[Call]:
    """Some of each sort of row."""
    for dtype in dtypes:
        yield from test_copies.moved(dtype)
        yield from test_copies.cut(dtype)
        yield from test_gathers.of_rows(dtype)
        if d.kind(dtype) == "i":
            yield Call(iterated.gcd, list(test_iterated.pairs(dtype)))
        yield Call(create.iota, [], (2, dtype, CPU))
        if d.kind(dtype) != "b":
            yield from test_windows.overlapping(dtype)
            yield from test_convolutions.convolutions(dtype)
        if d.kind(dtype) not in "bc":
            yield from test_windows.greatest(dtype)
        if d.kind(dtype) != "c":
            yield from test_device_sorts.sorts(dtype, [40, 3000], 2)
        yield from test_scans.scans(dtype, [2, 300, 2049])
        if d.kind(dtype) == "f":
            yield from test_scans.logarithms(dtype)
            yield from test_walks_on_devices.walked(dtype)
            yield from test_iterated.polynomials(dtype)
            yield from test_iterated.gammas(dtype)
            yield Call(iterated.frexp, [test_iterated.numbers(dtype)])
        if d.kind(dtype) in "fc":
            yield from test_scans.recurrences(dtype)
        for op in test_scatters.ROWS:
            if test_scatters.takes(op, dtype):
                yield from test_scatters.written(op, dtype)
        if test_scatters.takes(gather.gather_add, dtype):
            yield from test_scatters.added(dtype)
    for hermitian in (False, True):
        yield from test_symmetric.systems(d.float32, hermitian)
        yield from test_symmetric.systems(d.complex128, hermitian)
    yield from test_gathers.beyond()
    yield from test_draws.streams()
    yield from test_draws.lanes()


def between() -> Iterator[Planned]:
    """What solvers need besides libraries."""
    for dtype in (d.float32, d.float64, d.complex64, d.complex128):
        wide = d.complex128 if d.kind(dtype) == "c" else d.float64
        yield matrices.identity(dtype, 2, 3)
        yield matrices.adjoint(dtype, 2, 3, 4)
        yield matrices.positive(dtype, 2, 3)
        yield matrices.scale(dtype, 2, 3)
        yield matrices.only_singular(dtype, 2, 3)
        yield matrices.times_others(dtype, 2, 3)
        yield matrices.put_singular(dtype, 2, 3)
        if d.kind(dtype) == "c":
            yield symmetric.factors(dtype, 2, 3)
        yield matrices.halvings(dtype, 2, 3, 5.0)
        yield matrices.halve(wide, dtype, 2, 3)
        yield matrices.convert(dtype, wide, 2)
        yield matrices.replace(dtype, 2, 3, 1)
        for yes in (False, True):
            yield matrices.triangle(dtype, 2, 3, 4, yes)
            yield matrices.over_values(dtype, 2, 3, 4, yes)
            yield matrices.determinant(dtype, 2, 3, yes)
            yield matrices.refused(dtype, 2, "", yes)
            yield matrices.combine(dtype, 2, 3, yes, (1.0, 2.0, 3.0), 4.0)
    yield matrices.refused(d.int32, 2, "")


def codes(found: Iterable[Call]) -> list[Code]:
    """The kernels of calls, each once."""
    return of_plans(map(plan, found))


def of_plans(found: Iterable[Planned]) -> list[Code]:
    """The kernels of plans, each once."""
    return list(dict.fromkeys(s.code for one in found for s in one.steps))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_is_spilled(architecture: str, part: int, full: bool) -> None:
    """With --full of rows of every dtype."""
    nvrtc()
    dtypes = test_scatters.DTYPES if full else SOME
    found = [*codes(calls(dtypes)), *of_plans(between())][part::PARTS]
    texts = [code.function(f"k{i}") for i, code in enumerate(found)]
    heads = [part_of(name) for name in ("types", "scalar", *FILES)]
    reports = compiled("\n".join([HEAD, *heads, *texts]), architecture)
    assert len(reports) == len(found)
    for i, code in enumerate(found):
        report = reports[f"k{i}"]
        assert not report.spilled and not report.stack, (code.body, report)
        assert report.registers <= REGISTERS, (code.body, report)


def test_texts_stand_for_themselves() -> None:
    nvrtc()
    for code in codes(calls())[::40]:
        assert list(compiled(code.source("some_name"), "sm_80")) == ["some_name"]


def sized(m: int, n: int) -> Iterator[Call]:
    """Rows on arrays of so many lines and elements."""
    x, rng = np.ones((m, n), np.float32), np.random.default_rng(0)
    i = rng.integers(0, m, 2 * n)
    yield Call(movement.reshape, [x.T], ((m * n,),))
    yield Call(movement.concat, [x, x], (1,))
    yield Call(gather.gather, [x, i])
    yield Call(gather.scatter, [x, x[i], i])
    yield Call(gather.scatter_add, [x, x[i], i])
    yield Call(scan.cumsum, [x], (1,))
    yield Call(scan.cumsum, [x.astype(np.int64)], (1,))
    yield Call(scan.argselect, [x], (1, 0, n // 2, True))
    yield Call(windows.overlap_add, [x[None]], ((m + n - 1,), (1,), (1,)))


def test_new_sizes_compile_nothing() -> None:
    """Lines are long, so that none of them is cut otherwise."""
    found = [codes(sized(m, n)) for m in (12, 40) for n in (2500, 3001)]
    assert all(set(each) == set(found[0]) for each in found)


def test_what_lies_alike_is_planned_once() -> None:
    first, second = (plan(call) for call in [Call(scan.sort, [np.ones((3, 5))], (1, False))] * 2)
    assert first is second
