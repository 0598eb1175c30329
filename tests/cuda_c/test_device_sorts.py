"""Sorts along an axis on a device: stable both ways, NaN last, for every dtype and layout, around
the sizes of tiles and runs.
"""

from collections.abc import Iterator

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ops import scan

from .calls import Call, check, plan
from .harness import compiler
from .test_folds import data

DTYPES = (*d.REAL_FLOATING, *d.SIGNED, *d.UNSIGNED, d.bool_, d.float16, d.bfloat16())
LENGTHS = [1, 2, 3, 7, 8, 9, 31, 33, 64, 100]
LONG = [1023, 1024, 1025, 2049, 5000]


def several(dtype: d.DType, n: int, lines: int) -> np.ndarray:
    """Lines in which some elements are equal, some are NaN, and some zeros have a sign."""
    x = data((lines, n), dtype, n)
    some = np.random.default_rng(n).integers(0, 5, (lines, n)).astype(dtype)
    if d.kind(dtype) == "f":
        some = np.where(some == 0, np.asarray(-0.0, dtype), some)
    return np.where(np.arange(lines)[:, None] % 2 == 0, some, x)


def sorts(dtype: d.DType, lengths: list[int], lines: int) -> Iterator[Call]:
    for n in lengths:
        x = several(dtype, n, lines)
        for descending in (False, True):
            for y, axis in ((x, 1), (x.T, 0), (x[:, ::-1], 1), (x.reshape(1, lines, n)[::-1], 2)):
                yield Call(scan.sort, [y], (axis, descending))
                yield Call(scan.argsort, [y], (axis, descending))
            start = n // 3
            yield Call(scan.argselect, [x], (1, start, n - start - n // 4, descending))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_short_lines(dtype: d.DType) -> None:
    compiler()
    found = [*sorts(dtype, LENGTHS, 5), *sorts(dtype, [9], 300)]
    x = several(dtype, 4, 6).reshape(2, 3, 4)
    found += [Call(scan.sort, [x.transpose(2, 0, 1)], (axis, True)) for axis in range(3)]
    found += [Call(scan.argsort, [x[:, :0]], (axis, True)) for axis in range(3)]
    found.append(Call(scan.argselect, [x], (2, 2, 0, False)))
    check(found)


@pytest.mark.parametrize("dtype", [d.float32, d.float64, d.int64, d.uint8], ids=lambda t: t.name)
def test_long_lines(dtype: d.DType) -> None:
    compiler()
    seen = check(
        call
        for n in LONG
        for x in (several(dtype, n, 2),)
        for call in (
            Call(scan.sort, [x], (1, n % 2 == 0)),
            Call(scan.argsort, [x.T], (0, n % 2 == 1)),
        )
    )
    assert sum(count for body, count in seen.items() if "merge_runs" in body) == 2 * (1 + 2 + 3)


@pytest.mark.parametrize("dtype", [d.float32, d.int64], ids=lambda dtype: dtype.name)
def test_some_of_long_lines(dtype: d.DType) -> None:
    """What is kept of runs becomes less with each merge."""
    compiler()
    x = several(dtype, 7001, 3)
    parts = [(0, 1), (0, 10), (5, 700), (900, 300), (3000, 1000), (6990, 11)]
    check(
        Call(scan.argselect, [x], (1, start, count, descending))
        for start, count in parts
        for descending in (False, True)
    )


def test_less_is_sorted_where_less_is_wanted() -> None:
    x = several(d.float32, 9000, 1)
    threads = [
        [s.blocks * s.threads[0] for s in plan(call).steps if "merge_runs" in s.code.body]
        for call in (
            Call(scan.argselect, [x], (1, 0, 10, False)),
            Call(scan.argsort, [x], (1, False)),
        )
    ]
    assert threads == [[9216, 256, 256, 256], [9216] * 4]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_searches(dtype: d.DType) -> None:
    compiler()
    x, found = several(dtype, 40, 2), list[Call]()
    for n in (0, 1, 2, 40):
        line = scan.sort.value(np, x[0, :n], 0, False)
        for side in ("left", "right"):
            found += [
                Call(scan.searchsorted, [line, v], (side,))
                for v in (x, x.T, x[1, ::-1], x[0, 0].reshape(()), x[:, :0])
            ]
    check(found)
