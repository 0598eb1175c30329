"""Views and their writes: what NumPy's views show, ours show, and nothing is kept alive by it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lazytensor as xp
from lazytensor.array_api import exchange

WAYS: dict[str, Any] = {
    "rows": lambda m, x: x[1:, ...],
    "every other": lambda m, x: x[::2, ...],
    "backwards": lambda m, x: x[::-1, ...],
    "column": lambda m, x: x[..., 0],
    "new axis": lambda m, x: x[None, ...],
    "whole": lambda m, x: x[...],
    "flip": lambda m, x: m.flip(x, axis=-1),
    "flat": lambda m, x: m.reshape(x, (-1,)),
    "turned": lambda m, x: m.permute_dims(x, tuple(reversed(range(x.ndim)))),
    "moved": lambda m, x: m.moveaxis(x, 0, -1),
    "longer": lambda m, x: m.expand_dims(x, axis=0),
    "first": lambda m, x: m.unstack(x, axis=0)[0],
    "transpose": lambda m, x: x.transpose(),
    "copy": lambda m, x: x.copy(),
}
WRITES: dict[str, Any] = {
    "add": lambda x: x.__iadd__(1),
    "multiply": lambda x: x.__imul__(-2),
    "all": lambda x: x.__setitem__(..., 7),
    "first": lambda x: x.__setitem__((0, ...), x[-1, ...] + 10),
    "read": lambda x: np.asarray(x),
}


@given(st.data())
def test_random_views_and_writes_are_numpys(data: st.DataObject) -> None:
    start = np.arange(24.0).reshape(2, 3, 4)
    ours, numpys = [xp.asarray(start)], [start.copy()]
    for _ in range(data.draw(st.integers(1, 14))):
        at = data.draw(st.integers(0, len(ours) - 1))
        if not ours[at].size or ours[at].ndim in (0, 6):
            continue
        action = data.draw(st.sampled_from([*WAYS, *WRITES]))
        if action == "flat" and not numpys[at].flags.c_contiguous:
            continue  # NumPy copies there
        if action in WAYS:
            ours.append(WAYS[action](xp, ours[at]))
            numpys.append(WAYS[action](np, numpys[at]))
        else:
            WRITES[action](ours[at])
            WRITES[action](numpys[at])
    for found, wanted in zip(ours, numpys, strict=True):
        np.testing.assert_array_equal(np.asarray(found), wanted)


def test_a_write_passes_over_handles_that_are_gone() -> None:
    x = xp.zeros((4, 4))
    inner = x[1:, :][:, 1:][0, :]
    gc.collect()
    inner += 5
    assert x.tolist()[1] == [0.0, 5.0, 5.0, 5.0]


def test_siblings_of_an_array_that_is_alive() -> None:
    x = xp.zeros(6)
    left, right = x[:4], x[2:]
    left += 1
    right *= 3
    assert left.tolist() == [1.0, 1.0, 3.0, 3.0]
    assert x.tolist() == [1.0, 1.0, 3.0, 3.0, 0.0, 0.0]


def test_operator_and_assignment_of_one_statement_write_once() -> None:
    x = xp.asarray([1.0, 2.0, 3.0])
    view = x[1:]
    x[1:] += 10
    assert x.tolist() == [1.0, 12.0, 13.0]
    assert view.tolist() == [12.0, 13.0]


def test_what_is_no_view_stays_as_it_is() -> None:
    x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    others = [x[xp.asarray([0, 1])], x[x > 0], x + 0, x.copy(), x.flatten(), x[0, 0]]
    others.append(xp.reshape(x, (4,), copy=True))
    before = [y.tolist() for y in others]
    x[...] = 0
    assert [y.tolist() for y in others] == before


def test_pending_readers_keep_the_value_of_their_time() -> None:
    x = xp.asarray([1.0, 2.0, 3.0])
    doubled = x[1:] * 2
    x[1:] = 0
    assert doubled.tolist() == [4.0, 6.0]


def test_links_keep_nothing_alive() -> None:
    x = xp.zeros(1000)
    gone = weakref.ref(x)
    view = x[:10]
    del x
    assert gone() is None
    assert view.tolist() == [0.0] * 10


def test_a_long_chain_of_slices_stays_short() -> None:
    x = xp.zeros(5000)
    for _ in range(4000):
        x = x[1:]
    depth, link = 0, x._link
    while link is not None:
        depth, link = depth + 1, link.parent
    assert depth <= 3
    x += 1
    assert float(xp.sum(x)) == 1000.0


def test_many_short_lived_views_are_forgotten() -> None:
    x = xp.zeros((4, 4))
    for i in range(5000):
        assert x[i % 4, :].shape == (4,)
    assert len(x._link.below) < 100


def test_overlap_add_as_scipy_writes_it() -> None:
    blocks = xp.reshape(xp.arange(12.0), (3, 4))
    head, tail = blocks[:, :3], blocks[:, 3:]
    head[1:, :1] += tail[:-1, :]
    assert xp.reshape(head, (-1,)).tolist() == [0, 1, 2, 7, 5, 6, 15, 9, 10]


def test_lent_memory_is_read_as_it_is_at_each_call() -> None:
    x = xp.asarray([1.0, 2.0, 3.0])
    pending = x * 2
    memory = exchange.lend(x)
    memory[0] = 50
    before = x + 0
    memory[1] = 60
    assert pending.tolist() == [2.0, 4.0, 6.0]
    assert before.tolist() == [50.0, 2.0, 3.0]
    assert x.tolist() == [50.0, 60.0, 3.0]
    assert exchange.lend(x).base is memory


@pytest.mark.cpu("its memory is lent")
def test_memory_that_was_given_back_is_not_copied() -> None:
    x = xp.asarray([1.0, 2.0, 3.0])
    address = exchange.lend(x).ctypes.data
    x + 1
    assert exchange.lend(x).ctypes.data == address


def test_scipy_fills_the_array_it_is_given() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    out, image = xp.zeros((4, 4)), xp.asarray(np.eye(4))
    ndimage.uniform_filter(image, 3, output=out)
    np.testing.assert_allclose(np.asarray(out), ndimage.uniform_filter(np.eye(4), 3))
