"""Vectors of several registers, for what computes much of little: which kernels have them, the bits
of all their elements, and that the order of instructions is nobody else's concern.
"""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lazytensor as xp
from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lower.kernel import Launch
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.targets.llvm import run
from lazytensor.targets.llvm.bind import bind
from lazytensor.targets.llvm.form import IN_ORDER, Host, in_order, registers
from lazytensor.targets.llvm.machine import machine
from lazytensor.targets.llvm.objects import Objects
from tests.llvm.test_kernels import agrees, data

HOST = Host(32, True, True)


def polynomial(x: Any) -> Any:
    y = x * 3
    for k in range(1, 12):
        y = (y + k) * x
    return y


def of_two(x: Any, y: Any) -> Any:
    for _ in range(8):
        x = x * y + 1
    return x + polynomial(y)


def of_many(*xs: Any) -> Any:
    for _ in range(4):
        xs = tuple(x * y + x for x, y in zip(xs, (*xs[1:], xs[0]), strict=True))
    return sum(xs[1:], xs[0])


def sigmoid(x: Any) -> Any:
    return 1 / (1 + g.exp(-x))


def kernel(*outputs: Node) -> Any:
    with config.context(target="llvm"):
        (step,) = [s for s in lower(linearize(outputs)).steps if isinstance(s, Launch)]
    return step.kernel


def text(output: Node) -> str:
    """Of the kernel of an array."""
    arrays = [np.ones(40, np.float32)]
    with config.context(target="llvm"):
        (step,) = lower(linearize([output])).steps
    arrays += [np.ones((), np.float32)] * (len(step.kernel.inputs) - 1)
    return run.source(run.Functions(Objects(None, lambda text: None)), step, arrays)


def leaves(count: int, dtype: str = "float32") -> list[Node]:
    return [leaf(data(40, dtype=dtype)) for _ in range(count)]


def test_how_many_registers():
    (x,), (i,), two, many = leaves(1), leaves(1, "int8"), leaves(2), leaves(6)
    exp, total = kernel(g.exp(x)), kernel(g.sum(polynomial(x), (0,)))
    softmax = kernel(g.exp(x) / g.reshape(g.sum(g.exp(x), (0,)), (1,)))
    found = [
        (registers(k), in_order(k, HOST))
        for k in (
            kernel(x + 1), kernel(polynomial(x)), kernel(of_two(*two)), kernel(of_many(*many)),
            exp, total, softmax, kernel(polynomial(i)),
        )
    ]  # fmt: skip
    assert found == [
        (1, False), (7, True), (4, True), (4, False), (4, True), (2, False), (4, True), (2, False)
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "complex64", "uint8"])
def test_all_elements(dtype):
    for n in (1, 2, 27, 28, 29, 55, 56, 57, 111, 112, 113, 200):
        x = data(2 * n, dtype="float32") * 2
        x = x.astype(dtype)
        agrees(polynomial, x[:n])
        agrees(polynomial, x[::-2])
        agrees(lambda x: (polynomial(x), polynomial(x) * 2), x[::2])
        agrees(of_two, x[:n], x[n:])


@pytest.mark.parametrize("columns", [1, 3, 8, 15, 16, 31, 32, 33, 48, 100])
def test_short_rows(columns):
    x, row = data(37, columns), data(columns)
    agrees(lambda x, y: sigmoid(x + y), x, row)
    agrees(lambda x, y: polynomial(x + y), x, row)
    agrees(lambda x, y: polynomial(x + y), x.T.copy().T, row)
    agrees(lambda x, y: g.sum(g.exp(x + y), (1,)), x, row)


def test_the_same_for_all_threads():
    x = data(1 << 19, dtype="float64")
    found = []
    for threads in (1, 3):
        with config.context(target="llvm", execution="compile", num_threads=threads):
            found.append(np.asarray(polynomial(xp.asarray(x))))
    assert found[0].tobytes() == found[1].tobytes()


def test_the_order_is_kept_for_a_module_alone():
    """Others of the process, such as Numba, compile as before."""
    one, (x,) = machine(), leaves(1)
    texts = [text(polynomial(x)), text(x * 2)]
    assert [t.startswith(IN_ORDER) for t in texts] == [True, False]
    reordered = texts[0].removeprefix(IN_ORDER)
    before = one.compile(reordered)
    kept = one.compile(texts[0])
    assert before == one.compile(reordered) != kept
    with pytest.raises(RuntimeError):
        one.compile(IN_ORDER + "no module")
    assert before == one.compile(reordered)


@pytest.mark.parametrize(("threads", "tile"), [(1, 1024), (2, 512), (3, 512), (64, 32)])
def test_tiles_of_rows_are_as_wide_as_there_are_rows_for_a_thread(threads: int, tile: int) -> None:
    x = np.ones((2000, 1024))
    with config.context(target="llvm", num_threads=threads):
        (launch,) = lower(linearize([g.sum(leaf(x), (0,))])).steps
        assert isinstance(launch, Launch)
        assert bind(launch, [x], 4).form.block == tile
