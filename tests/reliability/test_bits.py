"""The same bits: for any number of threads, size of blocks, hash seed, alignment of buffers, first
run or later one, interpreted or compiled, fused or not, whole or in part.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.ops import ROWS
from lazytensor.runtime import cache

from . import programs as p

CASES = [(dtype, name) for dtype in p.DTYPES for name in p.programs(dtype)]


@pytest.fixture(autouse=True)
def fresh():
    cache.CACHE.clear()


def bits(dtype: str, name: str, x: Any = None, **settings: Any) -> list[Any]:
    with config.context(**settings):
        return p.bits(p.programs(dtype)[name], p.made(dtype) if x is None else x)


@pytest.mark.parametrize(("dtype", "name"), CASES)
def test_interpreted_or_compiled_cold_or_warm(dtype, name):
    want = bits(dtype, name, execution="interpret")
    for settings in (
        {"execution": "compile"},
        {"execution": "compile", "block_bytes": 64},
        {"execution": "compile", "fuse": False},
        {"execution": "auto"},
    ):
        for _ in range(2):
            assert bits(dtype, name, **settings) == want, settings


@pytest.mark.parametrize("name", ["gelu", "softmax", "reductions", "transcendental"])
@pytest.mark.parametrize("size", [2, 48, 1000, 65536])
def test_any_size_of_blocks(name, size, full):
    for dtype in p.REAL if full else ("float32",):
        x = p.made(dtype, (6, 11, 130))
        want = bits(dtype, name, x, execution="interpret")
        assert bits(dtype, name, x, execution="compile", block_bytes=size) == want, dtype


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_any_number_of_threads(threads, full):
    for dtype in ("float32", "complex64", "int16", *(p.REAL if full else ())):
        x = p.made(dtype, (64, 40, 70))
        chosen = ("gelu", "softmax", "layer norm") if dtype in p.REAL else ("polynomial",)
        for name in chosen:
            want = bits(dtype, name, x, execution="compile", num_threads=1)
            assert bits(dtype, name, x, execution="compile", num_threads=threads) == want, dtype


def placed(a: np.ndarray) -> Iterator[np.ndarray]:
    """The array in memory at odd offsets, in other layouts, and read-only."""
    for offset in (1, 3, 8, 17):
        memory = np.empty(a.nbytes + 64, np.uint8)
        view = memory[offset : offset + a.nbytes].view(a.dtype).reshape(a.shape)
        view[...] = a
        yield view
    yield np.asfortranarray(a)
    wide = np.empty((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    yield wide[..., ::2]
    yield np.ascontiguousarray(a[::-1, :, ::-1])[::-1, :, ::-1]


@pytest.mark.cpu("NumPy's memory is shared")
@pytest.mark.parametrize("dtype", p.DTYPES)
@pytest.mark.parametrize("mode", ["interpret", "compile"])
def test_any_alignment_and_layout_of_buffers(dtype, mode, full):
    a = np.array(np.asarray(p.made(dtype)))
    names = list(p.programs(dtype))
    for name in names if full else names[::2]:
        want = bits(dtype, name, xp.asarray(a), execution=mode)
        for buffer in placed(a):
            assert bits(dtype, name, xp.asarray(buffer, copy=False), execution=mode) == want, name


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int32"])
def test_a_part_has_the_bits_that_it_has_in_the_whole(dtype):
    x = p.made(dtype, (4, 9, 600))
    whole = np.asarray(xp.sum(x, axis=2))
    for i in range(4):
        part = np.asarray(xp.sum(x[i], axis=1))
        assert p.canonical(part).tobytes() == p.canonical(whole[i]).tobytes()


def digests(shape: str = "3,7,23", **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.programs", shape],
        capture_output=True,
        text=True,
        timeout=250,
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
        env={**os.environ, **env},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == len(CASES)
    return done.stdout


PROCESSES = [
    {"PYTHONHASHSEED": "1"},
    {"PYTHONHASHSEED": "4242", "LAZYTENSOR_EXECUTION": "compile"},
    {"PYTHONHASHSEED": "77", "LAZYTENSOR_EXECUTION": "interpret"},
    {"PYTHONHASHSEED": "5", "LAZYTENSOR_NUM_THREADS": "4", "LAZYTENSOR_EXECUTION": "compile"},
    {"PYTHONHASHSEED": "6", "LAZYTENSOR_MAX_PENDING": "2"},
    {"PYTHONMALLOC": "malloc", "LAZYTENSOR_POOL_BYTES": "0"},
]


@pytest.fixture(scope="module")
def in_a_process() -> str:
    return digests(PYTHONHASHSEED="0")


@pytest.mark.parametrize("number", range(len(PROCESSES)))
def test_any_process_and_hash_seed(number, in_a_process):
    assert digests(**PROCESSES[number]) == in_a_process


@pytest.mark.cpu("a process of its own, where arrays may be on the CPU")
def test_this_process_agrees_with_another(in_a_process):
    lines = dict(line.rsplit(": ", 1) for line in in_a_process.splitlines())
    for dtype, name in CASES:
        x = p.made(dtype, (3, 7, 23))
        assert p.digest(p.bits(p.programs(dtype)[name], x)) == lines[f"{dtype}: {name}"]


@pytest.mark.cpu("a bug is planted in what it computes")
def test_another_order_of_additions_is_noticed(monkeypatch):
    """The check itself: compiled sums that are added up otherwise have other bits."""
    x = p.made("float32", (3, 5, 5000))
    want = bits("float32", "layer norm", x, execution="interpret")
    tree = ROWS["sum"].value
    monkeypatch.setattr(
        ROWS["sum"],
        "value",
        lambda np, x, axes: np.sum(x, axes) if x.ndim > 1 else tree(np, x, axes),
    )
    cache.CACHE.clear()
    assert bits("float32", "layer norm", x, execution="interpret") != want


def test_a_change_of_one_bit_is_noticed():
    x = p.made("float32")
    flipped = np.array(np.asarray(x))
    flipped[2, 3, 4] = np.nextafter(flipped[2, 3, 4], np.float32(np.inf))
    assert bits("float32", "sorts", x) != bits("float32", "sorts", xp.asarray(flipped))
