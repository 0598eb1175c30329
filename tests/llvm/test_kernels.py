"""Kernels of the native target: random small graphs have the interpreter's bits, whatever the
layout of leaves, the sizes and the number of threads; and bugs that were found so.
"""

import ctypes
import mmap
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor._base.module import MODULES, Replaced
from lazytensor.ir.node import Node, leaf
from lazytensor.lower import memory as plans
from lazytensor.ops import g
from lazytensor.runtime import cache, native
from lazytensor.runtime.materialize import materialize
from lazytensor.targets.llvm import across, bind, folds, memory, objects
from lazytensor.targets.llvm.code import Value
from lazytensor.targets.llvm.form import Host
from lazytensor.targets.llvm.loops import ZERO, each
from lazytensor.targets.llvm.machine import machine

from .graphs import LAYOUTS, Program, array, draw
from .running import check, recording, same

# What the sample must reach (`running.recording`): ways over a kernel, layouts, and what follows.
REACHED = """
along flat, along rows, along folded, along in passes, along keeping, along reading outputs,
along with copies, along copying outputs, along u, along b, along r, along o, along s,
across folded, across in passes, across keeping, across reading outputs, across u, across b,
across s, tiled rows, long, over, again, unsupported
"""


def data(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(3).standard_normal(shape).astype(dtype)


def agrees(program: Callable[..., Node | Sequence[Node]], *arrays: Any) -> None:
    """Compiled, a program has the bits that it has when it is interpreted."""
    found = []
    for how in ("interpret", "compile"):
        with config.context(target="llvm", execution=how):
            out = program(*map(leaf, arrays))
            nodes = (out,) if isinstance(out, Node) else tuple(out)
            materialize(nodes)
            found.append([n.value for n in nodes])
    for want, got in zip(*found, strict=True):
        same(got, want, "compiled")


def small_beside_large(seed: int) -> None:
    """Sums over short rows of a large array and one that is the same along most axes."""
    rng = np.random.default_rng(seed)
    sizes = ([16, 20, 33], [1, 2, 3], [65, 70, 130], [2, 5, 17], [1, 2])
    shape = tuple(int(rng.choice(s)) for s in sizes)
    shape = tuple(shape[k] for k in rng.choice([(0, 1, 2, 3, 4), (1, 0, 2, 3, 4), (2, 1, 0, 3, 4)]))
    axes = tuple(sorted({3, *rng.choice([3, 4, 4, 1], 1).tolist()}))
    dtype = str(rng.choice(["float32", "float64", "int16", "complex64"]))
    few = tuple(1 if n in (16, 20, 33) or rng.random() < 0.2 else n for n in shape)
    y = array(few, dtype, LAYOUTS[seed % len(LAYOUTS)], seed)
    y = np.broadcast_to(y, shape) if rng.random() < 0.5 else y
    x = array(shape, dtype, "c" if seed % 3 else LAYOUTS[seed // 3 % len(LAYOUTS)], seed)
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
    agrees(lambda x, y: (g.sum(x * y, axes), x + g.reshape(g.sum(y * x, axes), kept)), x, y)


def test_arguments_that_are_turned(effort: Callable[[int, int], int]) -> None:
    with recording() as seen:
        for seed in range(effort(60, 2000)):
            small_beside_large(seed)
    assert seen["turned"]


@st.composite
def programs(pick: Any) -> Program:
    return draw(lambda below: pick(st.integers(0, below - 1)))


def fuzz(count: int, **settings: Any) -> None:
    """Check so many programs."""

    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        **settings,
    )
    @hypothesis.given(programs())
    def inner(program: Program) -> None:
        check(program)

    inner()


@pytest.mark.parametrize("dtype", [f"{u}int{8 << k}" for u in ("", "u") for k in range(4)])
def test_powers_of_integers(dtype: str) -> None:
    rng, (low, high) = np.random.default_rng(5), (np.iinfo(dtype).min, np.iinfo(dtype).max)
    wide = [rng.integers(low, high, 300, dtype=dtype, endpoint=True) for _ in range(2)]
    x = np.concatenate([wide[0], rng.integers(max(low, -3), 4, 900).astype(dtype)])
    y = np.concatenate([wide[1], rng.integers(max(low, -5), 70, 900).astype(dtype)])
    rng.shuffle(y)
    agrees(lambda x, y: g.pow(x, y) + y, x, y)
    agrees(lambda x, y: g.pow(x, y) + x, x[:400].reshape(20, 20), y[:20])
    power = g.pow(leaf(x[y >= 0]), leaf(y[y >= 0]))
    with config.context(target="llvm", execution="compile"):
        materialize((power,))
    size = 1 << 8 * x.itemsize
    pairs = zip(x[y >= 0].tolist(), y[y >= 0].tolist(), power.value.tolist(), strict=True)
    assert all(pow(a, b, size) == p % size for a, b, p in pairs)


def test_half_and_double_precision() -> None:
    """Rounded once, also in the middle between two numbers and next to it."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    agrees(lambda x: g.cast(x, np.dtype("float64")) * 1.5, every)
    with np.errstate(all="ignore"):
        middle = (every[:-1].astype(np.float64) + every[1:]) / 2
    around = [middle, *(np.nextafter(middle, to) for to in (-np.inf, np.inf)), middle * 1e-9]
    doubles = np.concatenate([*around, [np.inf, -np.inf, np.nan, 1e300, 5e-324, -0.0]])
    agrees(lambda x: g.abs(g.cast(x, np.dtype("float16"))), doubles)
    agrees(lambda x: g.cast(x * 2.0, np.dtype("float16")), doubles.astype(np.complex128))


@pytest.mark.skipif(sys.platform == "win32", reason="memory is protected by another call there")
@pytest.mark.parametrize("dtype", ["bool", "int8", "float16", "float32", "float64", "complex128"])
def test_every_other_element(dtype: str) -> None:
    """Nothing beyond the last one is touched: arrays end at a page that may not be read."""
    size = np.dtype(dtype).itemsize
    memory = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    beyond = np.frombuffer(memory, np.uint8).ctypes.data + mmap.PAGESIZE
    assert not ctypes.CDLL(None).mprotect(ctypes.c_void_p(beyond), mmap.PAGESIZE, 0)
    for n in (1, 2, 15, 16, 17, 64, 65, 120):
        end = np.frombuffer(memory, dtype)[: mmap.PAGESIZE // size]
        x = end[len(end) - (2 * n - 1) :][::2]
        x[...] = data(n).astype(dtype)
        agrees(lambda x: (g.not_equal(x, x), g.where(x, x, x) if dtype == "bool" else x * x), x)


@pytest.mark.timeout(4 * 3600)
def test_random_graphs(effort: Callable[[int, int], int]) -> None:
    with recording() as seen:
        fuzz(effort(1000, 20_000))
    missing = {name.strip() for name in REACHED.split(",")} - {k for k, n in seen.items() if n}
    assert not missing, seen


def anew(monkeypatch: Any, folder: Path, host: Host | None = None) -> None:
    """The target as in a new process, on some processor, with an empty folder of kernels: what
    planted bugs write is found by what it is of.
    """
    cache.CACHE.clear()
    functions = frozenset(MODULES["llvm"]._names)
    monkeypatch.setattr(native, "_objects", None)
    monkeypatch.setattr(native, "_functions", None)
    monkeypatch.setattr(native, "cache_folder", lambda: folder)
    monkeypatch.setitem(MODULES, "llvm", Replaced(functions, native._replacements))
    if host is not None:
        monkeypatch.setattr(machine(), "host", host)
        monkeypatch.setattr(objects, "fuses", lambda: host.fused)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "host", [Host(16, False, False), Host(16, True, True), Host(64, True, True)], ids=str
)
def test_random_graphs_for_other_processors(
    host: Host, effort: Callable[[int, int], int], monkeypatch: Any, tmp_path: Path
) -> None:
    anew(monkeypatch, tmp_path, host)
    with recording():
        fuzz(effort(60, 2000))


COLUMNS = (2, 3, 7, 31, 32, 33, 63, 65, 255, 256, 257, 300, 511, 1000, 8191, 8192, 8193, 8500)


@pytest.mark.parametrize("length", [*COLUMNS, 3 * 8192, 3 * 8192 + 5, 5 * 8192 + 300, 1 << 17])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int16"])
def test_folds_across_rows_of_any_length(length: int, dtype: str) -> None:
    """Sums of several blocks, of a last one that isn't full, and of few lanes."""
    for rows in (33, 64):
        x = data(length, rows, dtype=dtype)

        def program(x: Node) -> list[Node]:
            sums = [g.sum(x, (0,)), g.sum(x * x, (0,))]
            if dtype == "complex64":
                return sums
            return [*sums, g.prod(x + x, (0,)), g.max(x, (0,)), g.argmax(x * x, (0,))]

        with recording() as seen:
            agrees(program, x)
        assert seen["across folded"]


@pytest.mark.parametrize("dtype", ["bool", "int8", "float16", "float32", "int64", "complex128"])
def test_tiles_of_any_shape(dtype: str) -> None:
    """Of less than a square, of squares over one another, of several and a part."""
    for rows, columns in ((40, 7), (7, 40), (17, 40), (65, 100), (129, 260), (300, 35)):
        x, y = data(columns, rows, dtype=dtype), data(rows, columns, dtype=dtype)
        with recording() as seen:
            agrees(lambda x, y: g.where(g.equal(g.permute(x, (1, 0)), y), y, y), x, y)
            agrees(lambda x: g.equal(g.permute(x, (1, 0)), x), data(rows, rows, dtype=dtype))
        assert seen["tiled rows"]


# --- what it would find ---------------------------------------------------------------------------


def _lanes(monkeypatch: Any) -> None:
    monkeypatch.setattr(folds, "GROUP", 128)


def _order(monkeypatch: Any) -> None:
    """Lanes of sums across rows are added in sequence."""

    def folded(self: Any, held: Any, lanes: Value, to: Value) -> None:
        def add(lane: Value) -> None:
            self._slots(lambda slot, row: held.join(slot, ZERO, lane))

        each(self.c, self.c.const(1, "i64"), lanes, 1, add)
        self._slots(lambda slot, row: held.move(slot, to))

    monkeypatch.setattr(across.Across, "_folded", folded)


def _tail(monkeypatch: Any) -> None:
    """The last of an odd number of elements that are left is read as the first."""
    real = memory.Columns._copy

    def copy(self: Any, source: Any, to: Any, count: Any, dtype: Any) -> None:
        read = to.text.startswith("%room")
        real(self, source, to, self.c.binary("and", count, -2) if read else count, dtype)

    monkeypatch.setattr(memory.Columns, "_copy", copy)


@pytest.mark.parametrize("plant", [_lanes, _order, _tail], ids=lambda f: f.__name__[1:])
def test_a_planted_bug_is_found(
    plant: Callable[[Any], None], monkeypatch: Any, tmp_path: Path
) -> None:
    anew(monkeypatch, tmp_path)
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        fuzz(2000, phases=[hypothesis.Phase.generate], database=None)
    cache.CACHE.clear()


# --- what is rare: stores past the caches, scalars, subclasses -----------------------------------


STREAMED: dict[str, Callable[..., Any]] = {
    "one": lambda x, y: g.sqrt(x) + y,
    "several": lambda x, y: (x * y, x - y, g.less(x, y)),
    "another dtype": lambda x, y: g.cast(x * y, np.dtype("float64")),
    "folded": lambda x, y: g.reshape(g.sum(x, (1,)), (x.shape[0], 1)) * y,
    "columns": lambda x, y: g.reshape(g.sum(x, (0,)), (1, x.shape[1])) * y,
    "across": lambda x, y: x * g.permute(g.reshape(y, x.shape[::-1]), (1, 0)),
}


@pytest.mark.parametrize("shape", [(515, 1024), (515, 1027), (1, 600_001), (4096, 128)])
@pytest.mark.parametrize("name", STREAMED)
def test_stores_past_the_caches(name: str, shape: tuple[int, ...], monkeypatch: Any) -> None:
    monkeypatch.setattr(bind, "STREAM", 1 << 18)
    monkeypatch.setattr(plans, "WORTH", 1 << 62)  # what may be written over an input isn't streamed
    x, y = (leaf(np.abs(data(*shape))) for _ in range(2))
    want: list[Any] = []
    with recording() as seen:
        for how in ("interpret", "compile", "compile"):
            with config.context(target="llvm", execution=how, num_threads=3):
                out = STREAMED[name](x, y)
                nodes = (out,) if isinstance(out, Node) else tuple(out)
                materialize((*nodes, x, y))
                want = want or [n.value for n in nodes]
                for n, w in zip(nodes, want, strict=True):
                    same(n.value, w, how)
    partial = bool(seen["across folded"] and shape[1] % 128)
    assert seen["stream"] or shape == (515, 1027) or partial


def _inside(x: Node) -> Node:
    """All but the first row and column."""
    n, m = x.shape
    return g.slice(x, (1, 1), (n - 1, m - 1), (1, 1))


def _rolled(x: Node) -> Node:
    """Columns moved on by one, the last one first: two boxes."""
    n, m = x.shape
    parts = g.slice(x, (0, m - 1), (n, 1), (1, 1)), g.slice(x, (0, 0), (n, m - 1), (1, 1))
    return g.concat(parts, 1)


ANYWHERE: dict[str, Callable[..., Node]] = {
    "rows": lambda x, y: _inside(x) * _inside(y),
    "boxes": lambda x, y: _rolled(x) * 2.0 + y,
    "masks": lambda x, y: g.less(_inside(x), _inside(y)),
    "another dtype": lambda x, y: g.cast(_inside(x) * _inside(y), np.dtype("float64")),
    "complex": lambda x, y: g.cast(_inside(x), np.dtype("complex128")) * 1j,
    "functions": lambda x, y: g.exp(_inside(x)) - g.tanh(_inside(y)),
}


@pytest.mark.parametrize("columns", [1027, 1035, 2999])
@pytest.mark.parametrize("name", ANYWHERE)
def test_rows_that_begin_anywhere_go_past_the_caches(
    name: str, columns: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(bind, "STREAM", 1 << 17)
    monkeypatch.setattr(plans, "WORTH", 1 << 62)
    x, y = (leaf(data(203, columns)) for _ in range(2))
    want = None
    with recording() as seen:
        for how in ("interpret", "compile"):
            with config.context(target="llvm", execution=how, num_threads=3):
                out = ANYWHERE[name](x, y)
                materialize((out,))
                want = out.value if want is None else want
                same(out.value, want, how)
    assert seen["anywhere"]


def test_the_inside_of_what_is_large_goes_past_the_caches(monkeypatch: Any) -> None:
    """Boxes of an output are as large as all of it."""
    x, y = (leaf(data(203, 1027)) for _ in range(2))
    monkeypatch.setattr(bind, "STREAM", x.value.nbytes)
    with recording() as seen, config.context(target="llvm", execution="compile"):
        materialize((ANYWHERE["boxes"](x, y),))
    assert seen["anywhere"]


class Sub(np.ndarray):
    pass


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex128"])
def test_scalars_and_subclasses_of_arrays(dtype: str) -> None:
    x, y = data(40, 33, dtype=dtype), np.dtype(dtype).type(3)
    z = x.view(Sub)

    def program(a: Node, b: Node) -> list[Node]:
        return [a * b + b, g.reshape(g.sum(a + b, (0,)), (1, 33)) * b, g.sum(a * b, (0, 1))]

    for pair in [(x, y), (z, y), (z, z[:, :1]), (z.T.copy().T, x), (z[::-1], y)]:
        agrees(program, *pair)
    agrees(lambda a: a * a + a, y)
    if x.dtype.kind == "f":
        agrees(lambda a, b: g.exp(a) + g.tanh(b), z, y)


# --- bugs that were found -------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "axes"), [((40000, 3), (0,)), ((200, 200, 3), (0, 1))])
def test_a_long_row_with_an_argument_of_rows_that_keeps_axes(
    shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    """All rows were combined with the argument's first element."""
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
    agrees(lambda x, w: g.reshape(g.sum(x, axes), kept) * w, data(*shape), data(*kept))


def test_the_reference_takes_arguments_with_as_many_axes_as_rows() -> None:
    """What is left to it along inner axes failed: a matrix was taken for a number for each row."""

    def program(x: Node, y: Node) -> Node:
        return g.sum(g.cast(x, np.dtype("float64")) * y, (0, 2))

    agrees(program, data(7, 3, 7, 5, dtype="float16"), data(7, 5, dtype="float64"))


def test_what_is_laid_out_anew_is_not_stored_past_the_caches() -> None:
    """It was, to copies that don't begin at whole vectors: the process was killed."""

    def program(x: Node) -> Node:
        y = g.cast(x, np.dtype("float64"))
        return y / g.reshape(g.sum(y * y, (1,)), (256, 1, 4))

    agrees(program, data(256, 8192, 4))


def test_rows_of_tiles_that_begin_anywhere_are_not_stored_past_the_caches() -> None:
    """They were, since every 16th row begins at a whole vector: the process was killed."""

    def program(x: Node, y: Node) -> Node:
        return g.cast(x * g.permute(y, (1, 0)), np.dtype("float64"))

    agrees(program, data(1603, 1603), data(1603, 1603))


def test_tiles_of_elements_as_wide_as_a_vector(monkeypatch: Any, tmp_path: Path) -> None:
    """On processors whose vectors have 16 bytes there was no code for double complex ones."""
    anew(monkeypatch, tmp_path, Host(16, True, True))
    x = data(33, 47) + 1j * data(33, 47)
    y = np.ascontiguousarray(x.T)
    agrees(lambda x, y: x + g.permute(y, (1, 0)), x.astype("complex128"), y.astype("complex128"))


@pytest.mark.parametrize("shape", [(20, 30), (600, 30), (300, 40_000), (40_000, 300)])
@pytest.mark.parametrize("axis", [0, 1])
def test_much_that_is_computed_of_rows(shape: tuple[int, ...], axis: int) -> None:
    """The second half of a long kernel raised that this target has no code for it."""

    def program(x: Node) -> Node:
        row = g.sum(x, (axis,))
        for _ in range(30):
            row = g.sqrt(row * row + 1.0)
        return row

    agrees(program, data(*shape))


def test_a_turned_argument_that_is_the_same_along_an_axis() -> None:
    """Its copy had the axis, its strides didn't: sums were of others' elements."""
    x, y = data(3, 20, 70, 5), data(3, 1, 70, 5)
    agrees(lambda x, y: g.sum(x * y, (3,)), x, np.broadcast_to(y, x.shape))
    agrees(lambda x, y: g.sum(x * y, (3,)), x, y)
