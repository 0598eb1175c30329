"""Plans of rows compiled by NVRTC for two generations of cards, where there is none: no kernel
spills or has memory of its own.
"""

from collections.abc import Callable, Iterable, Iterator

import pytest

import lazytensor._base.dtypes as d
from lazytensor._base.devices import CPU
from lazytensor.ops import create
from lazytensor.targets.cuda.calls import Code
from lazytensor.targets.cuda.source import HEAD

from . import (
    test_convolutions,
    test_copies,
    test_device_sorts,
    test_draws,
    test_gathers,
    test_scans,
    test_scatters,
    test_windows,
)
from .calls import FILES, Call, part_of, plan
from .nvrtc import ARCHITECTURES, compiled, nvrtc

# Registers of a thread at most: with as many, 512 threads are there at once.
REGISTERS = 128
SOME = (d.bool_, d.int64, d.float16, d.float32, d.complex128)


def calls() -> Iterator[Call]:
    """Some of each sort of row."""
    for dtype in SOME:
        yield from test_copies.moved(dtype)
        yield from test_copies.cut(dtype)
        yield from test_gathers.of_rows(dtype)
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
        if d.kind(dtype) in "fc":
            yield from test_scans.recurrences(dtype)
        for op in test_scatters.ROWS:
            if test_scatters.takes(op, dtype):
                yield from test_scatters.written(op, dtype)
    yield from test_gathers.beyond()
    yield from test_draws.streams()


def codes(found: Iterable[Call]) -> list[Code]:
    """The kernels of calls, each once."""
    return list(dict.fromkeys(s.code for call in found for s in plan(call).steps))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_is_spilled(architecture: str, effort: Callable[[int, int], int]) -> None:
    nvrtc()
    found = codes(calls())[ARCHITECTURES.index(architecture) :: effort(3, 1)]
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
