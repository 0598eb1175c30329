"""Writes at places given by indices: the bits of doing it one by one, whatever is written where."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor._base.errors import OutsideOf
from lazytensor.ir.op import Op
from lazytensor.ops import gather
from lazytensor.targets.cuda import calls
from lazytensor.targets.cuda.calls import scatters

from .calls import Call, check
from .harness import compiler
from .test_folds import data
from .test_gathers import index

ROWS = (
    gather.scatter, gather.scatter_add, gather.scatter_max, gather.scatter_min,
    gather.scatter_multiply,
)  # fmt: skip
DTYPES = (*d.STANDARD, d.float16, d.bfloat16())


def takes(op: Op, dtype: d.DType) -> bool:
    return d.kind(dtype) in op.domain


def written(op: Op, dtype: d.DType) -> Iterator[Call]:
    """Rows and elements, several to a place and none; written over the first argument too."""
    x, rows = data((20, 9), dtype), data((70, 9), dtype, 1)
    i, few = index((70,), 20), index((70,), 3, np.int32)
    for over in (False, True):
        yield Call(op, [x, rows, i], (), over)
        yield Call(op, [x, rows, few], (), over)
        yield Call(op, [x[:, ::2], rows[:, ::2], few], (), over)
        yield Call(op, [x.T.copy().T, rows[::-1], few], (), over)
        yield Call(op, [x, data((70,), dtype, 2), i, index((70,), 9, np.uint8)], (), over)
        yield Call(op, [x[:, 0], data((70,), dtype, 2), few], (), over)
    yield Call(op, [x, rows.reshape(7, 10, 9).swapaxes(0, 1), few.reshape(7, 10).T])
    yield Call(op, [x, rows[:0], i[:0]])
    yield Call(op, [x[:, :0], rows[:, :0], i])
    yield Call(op, [x, rows[0], np.array(-2)])
    wide = data((4, 32), dtype, 3)
    yield Call(op, [wide, data((6, 32), dtype, 4), index((6,), 4)])


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_rows(op: Op, dtype: d.DType, effort: Callable[[int, int], int]) -> None:
    """Without --full every other case, others for each dtype."""
    compiler()
    if not takes(op, dtype):
        pytest.skip("the row doesn't take this dtype")
    step = effort(2, 1)
    check(list(written(op, dtype))[DTYPES.index(dtype) % step :: step])


def test_many_rows() -> None:
    """More than a tile; some of them go to one place."""
    compiler()
    x, found = data((37,), d.float32), list[Call]()
    for n in (1023, 1025, 3000):
        u = data((n,), d.float32, n)
        for op in ROWS:
            found.append(Call(op, [x, u, index((n,), 37)]))
            found.append(Call(op, [x, u, index((n,), 2)]))
    seen = check(found)
    assert any("merge_runs" in body for body in seen)


@pytest.mark.parametrize("dtype", [d.bool_, d.float32, d.complex128], ids=lambda dtype: dtype.name)
def test_few_rows_for_many_places(dtype: d.DType, monkeypatch: Any) -> None:
    """Then they are sorted, though only the last of each place stays."""
    compiler()
    monkeypatch.setattr(scatters, "MANY", -1)
    monkeypatch.setattr(scatters, "SPARSE", -1)
    calls._planned.cache_clear()
    seen = check([*written(gather.scatter, dtype), *beyond(gather.scatter)])
    assert any("put_last" in body for body in seen)
    assert not any("put_latest" in body for body in seen)
    calls._planned.cache_clear()


def test_integers_are_combined_at_once() -> None:
    compiler()
    found = [
        Call(op, [data((9,), t), data((40,), t, 1), index((40,), 9)])
        for op in ROWS[1:4]
        for t in (d.int32, d.uint32, d.int64, d.uint64)
    ]
    seen = check(found)
    assert sum(count for body, count in seen.items() if "put_at_once" in body) == len(found)
    assert not any("sort_tiles" in body for body in seen)


def beyond(*rows: Op) -> Iterator[Call]:
    """Bad indices: nothing is written outside, and the first one is reported."""
    i, j = index((50,), 20), index((50,), 6)
    i[[7, 30]], j[[3, 40]] = (20, -99), (6, -7)
    for op in rows:
        for dtype in (d.float32, d.int64):
            y, v = data((20, 6), dtype), data((50, 6), dtype)
            yield Call(op, [y, v, i])
            yield Call(op, [y, v[:, 0], i, j])
            yield Call(op, [y, v[:, 0], index((50,), 20), j])
            yield Call(op, [y[:0], v, index((50,), 20)])


def test_bad_indices() -> None:
    compiler()
    found = list(beyond(*ROWS))
    assert all(call.error for call in found)
    check(found)


# --- rows of one array added to those of another --------------------------------------------------


def added(dtype: d.DType) -> Iterator[Call]:
    """Rows of several lengths that lie in several ways, added to places of several and of none."""
    to, taken = index((70,), 20), index((70,), 30, np.int32, 1)
    few = index((70,), 3, np.uint8)
    for n in (1, 3, 4, 9, 32):
        x, y, w = data((20, n), dtype), data((30, n), dtype, 1), data((70,), dtype, 2)
        for over in (False, True):
            yield Call(gather.gather_add, [x, y, w, to, taken], (), over)
            same = np.broadcast_to(w[:1], w.shape)
            yield Call(gather.gather_add, [x, y, same, few, taken], (), over)
    for source in (y[:, 1:17], y[::-1, 3:31:2], y.T.copy().T[:, :16], y[:, :0]):
        m = source.shape[1]
        yield Call(gather.gather_add, [x[:, 2 : 2 + m], source, w, to, taken], (), True)
        yield Call(gather.gather_add, [x[:, :m], source, w[::-1], few, taken[::-1]])
    bags = np.broadcast_to(index((7, 1), 20), (7, 10))
    weights, deep = data((10, 7), dtype, 4).T, data((30, 2, 5, 3), dtype, 5)
    yield Call(gather.gather_add, [x, y, weights, bags, taken.reshape(7, 10)])
    yield Call(gather.gather_add, [deep[:20], deep, w, to, taken])
    yield Call(gather.gather_add, [deep[:, :, 0, 0], deep[:, :, 1, 1], w, to, taken])
    yield Call(gather.gather_add, [x[:, 0], y[:, 0], w, to, taken])
    yield Call(gather.gather_add, [x, y, w[:0], to[:0], taken[:0]])
    yield Call(gather.gather_add, [x, y, w[0], to[0], taken[0]])


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_rows_that_are_added(dtype: d.DType) -> None:
    compiler()
    if not takes(gather.gather_add, dtype):
        pytest.skip("the row doesn't take this dtype")
    seen = check(added(dtype))
    assert any("Weighted" in body for body in seen)


def test_many_rows_that_are_added() -> None:
    """More than a tile; some of them go to one place."""
    compiler()
    x, y, found = data((37, 4), d.float32), data((50, 4), d.float32, 1), list[Call]()
    for n in (1023, 1025, 3000):
        w = data((n,), d.float32, n)
        for places in (37, 2):
            found.append(Call(gather.gather_add, [x, y, w, index((n,), places), index((n,), 50)]))
    assert any("merge_runs" in body for body in check(found))


def outside() -> Iterator[Call]:
    """Of both indices that of what is taken is told of first, and each as one of axis 0."""
    x, y, w = data((20, 3), d.float32), data((30, 3), d.float32), data((50,), d.float32)
    good, bad = (index((50,), 20), index((50,), 30)), (index((50,), 20), index((50,), 30))
    bad[0][[7, 30]], bad[1][[9, 40]] = (20, -99), (-31, 30)
    for to, taken in ((bad[0], good[1]), (good[0], bad[1]), bad):
        yield Call(gather.gather_add, [x, y, w, to, taken])
        across = (a.reshape(5, 10).T for a in (w, to, taken))
        yield Call(gather.gather_add, [x, y, *across])
        yield Call(gather.gather_add, [x[:, :0], y[:, :0], w, to, taken])
    yield Call(gather.gather_add, [x[:0], y, w, *good])
    yield Call(gather.gather_add, [x, y[:0], w, *good])
    last = good[0].astype(np.uint64)
    last[3] = 2**64 - 5
    yield Call(gather.gather_add, [x, y, w, last, good[1]])


def test_bad_indices_of_rows_that_are_added() -> None:
    compiler()
    found = list(outside())
    assert all(type(call.error) is OutsideOf for call in found)
    assert {call.error.number for call in found if call.error} == {0, 1}
    check(found)


def test_half_precision_is_summed_in_single() -> None:
    """4096 ones, which in half precision alone come to 2048, and in bfloat16 to 256."""
    compiler()
    for dtype in (d.float16, d.bfloat16()):
        one, places = np.ones((4096, 1), dtype), np.zeros(4096, np.int64)
        nothing = np.zeros((1, 1), dtype)
        found = [
            Call(gather.scatter_add, [nothing, one, places]),
            Call(gather.gather_add, [nothing, one[:1], one[:, 0], places, places]),
        ]
        check(found)
        assert all(float(call.wants[0][0, 0]) == 4096 for call in found)
