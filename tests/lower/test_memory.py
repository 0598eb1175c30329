"""Which outputs are written over a dying input: what the plan says, what the kernel allows, and
what is seen of it: fewer bytes, the same bits, and nothing that anything else has is written to.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.node import Node, leaf
from lazytensor.lower import memory
from lazytensor.lower.kernel import Launch
from lazytensor.ops import g
from lazytensor.runtime import buffers, cache, execute
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import materialize, value
from lazytensor.targets.numpy import emit
from tests.lower.test_fuse import layernorm, plan_of, softmax, softmax_backward

N = 160  # of which a square has more than WORTH
SQUARE = N * N * 4


@pytest.fixture(autouse=True)
def compiled() -> Any:
    with config.context(execution="compile", target="numpy", num_threads=1):
        cache.CACHE.clear()
        yield
        cache.CACHE.clear()


def data(*shape: int, dtype: str = "float32") -> Node:
    rng = np.random.default_rng(5)
    return leaf(rng.standard_normal(shape or (N, N)).astype(dtype))


def launches(*nodes: Node) -> list[Launch]:
    return [step for step in plan_of(*nodes).steps if isinstance(step, Launch)]


def product() -> Node:
    x = data()
    return g.matmul(x, x)


def bytes_of(program: Callable[[], Node]) -> int:
    """Bytes that a program takes once it is planned."""
    want = value(program()).copy()
    node = program()
    with counting() as done:
        materialize((node,))
    assert node.value.tobytes() == want.tobytes()
    return done.bytes


# --- what the plan says ---------------------------------------------------------------------------


def test_a_dying_input_of_the_same_elements_may_be_written_over() -> None:
    (launch,) = launches(g.tanh(product()) + 1.5)
    assert launch.over == ((0, 0),)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: g.cast(x * 1.5, np.dtype("float64")),
        lambda x: g.exp(g.reshape(g.sum(x, (0,)), (1, N))) * data(),
        lambda x: g.matmul(g.tanh(x), x),
    ],
    ids=["another dtype", "broadcast", "read after"],
)
def test_others_may_not(program: Callable[[Node], Node]) -> None:
    found = launches(program(product()))
    assert found and not any(i == 0 for launch in found for i, _ in launch.over)


def test_small_outputs_are_not_worth_it() -> None:
    x = data(8, 8)
    (launch,) = launches(g.tanh(g.matmul(x, x)) + 1.5)
    assert launch.over == ()


def test_an_output_of_the_plan_is_kept() -> None:
    y = product()
    assert not any(launch.over for launch in launches(g.tanh(y) + 1.5, y))


def test_views_of_what_the_plan_did_not_make_are_not_written_over() -> None:
    x, y = data(), product()
    (launch,) = launches(g.permute(x, (1, 0)) + 1.5)
    assert launch.over == ()
    (launch,) = launches(g.reshape(y, (N * N,)) + 1.5)
    assert launch.over == ((0, 0),)


def test_kernels_over_rows_too() -> None:
    (launch,) = launches(softmax(product()))
    assert launch.over == ((0, 0),)


# --- what the kernel allows -----------------------------------------------------------------------


def emitted(*nodes: Node) -> tuple[str, set[tuple[int, int]]]:
    """The kernel's statements, and the pairs that it allows."""
    (launch,) = launches(*nodes)
    source = emit(launch.kernel)
    return source.text.split("\n", 1)[1], set(source.over)


def allowed(*nodes: Node) -> set[tuple[int, int]]:
    return emitted(*nodes)[1]


def test_an_input_that_is_read_after_the_first_write_may_not_be_written_over() -> None:
    x, y, z = data(), data(), data()
    assert allowed(g.tanh(x * y) + z) == {(0, 0), (1, 0)}


def test_nor_one_that_another_output_reads_still() -> None:
    x, y = g.exp(data()), data()
    text, over = emitted(x * y, x + y)
    assert text.split() == "exp(x0, y1) multiply(y1, x1, y0) add(y1, x1, y1)".split()
    assert over == {(0, 0), (0, 1)}  # the second output's array is a register before


def test_nor_a_row_that_is_read_while_it_is_folded() -> None:
    """exp(x - max) goes into the output, and x isn't read again; a centered row reads x twice."""
    assert allowed(softmax(data())) == {(0, 0)}
    assert (0, 0) in allowed(layernorm(data()))


def test_the_check_sees_a_planted_bug(monkeypatch: Any) -> None:
    """Were every pair allowed, bits would change."""

    def program() -> Node:
        y, z = product(), g.exp(g.matmul(data(), data()) * 0.001)
        return g.tanh(y * 0.01) + z * y

    want = value(program()).tobytes()
    cache.CACHE.clear()
    execute._kernels.clear()
    execute._by_kernel.clear()
    writer = sys.modules["lazytensor.targets.numpy.emit"]._Writer
    monkeypatch.setattr(writer, "_over", lambda self: frozenset({(2, 0)}))
    value(program())
    got = value(program()).tobytes()
    execute._kernels.clear()
    execute._by_kernel.clear()
    assert got != want


# --- what is seen of it ---------------------------------------------------------------------------


def test_a_result_is_written_over_a_product() -> None:
    assert bytes_of(lambda: g.tanh(product()) + 1.5) == SQUARE


def test_a_result_is_written_over_a_kernels_own() -> None:
    x = data()
    assert bytes_of(lambda: g.exp(g.cumsum(g.exp(x), 0) * 0.001)) <= 2 * SQUARE


def test_large_ones_of_the_pool(monkeypatch: Any) -> None:
    monkeypatch.setattr(buffers, "POOL", buffers.Pool())
    x = data(600, 600)

    def program() -> Node:
        y = x
        for _ in range(4):
            y = g.tanh(g.permute(g.tanh(y) * 2.5, (1, 0)) - 0.5)
        return y

    size = 600 * 600 * 4
    assert bytes_of(program) <= 5 * size
    assert buffers.POOL.stats()["peak"] <= 4 * size


@pytest.mark.parametrize("hold", ["leaf", "view of a leaf", "user", "kept"])
def test_what_anything_else_has_is_not_written_to(hold: str) -> None:
    x = data()
    before = x.value.copy()
    for _ in range(3):
        if hold == "leaf":
            value(g.tanh(x) * 2.5)
        elif hold == "view of a leaf":
            value(g.tanh(g.reshape(g.reshape(x, (N * N,)), (N, N))) * 2.5)
        else:
            y = g.matmul(x, x)
            shown = value(y)[3:] if hold == "user" else value(g.sum(y, (0, 1)))
            kept = value(y).copy()
            value(g.tanh(y) * 2.5)
            assert value(y).tobytes() == kept.tobytes() and shown is not None
        assert x.value.tobytes() == before.tobytes()


def test_an_input_that_is_read_in_another_order_too() -> None:
    """The plan doesn't know that a transpose shows the same memory; its references are seen."""
    for _ in range(3):
        y = g.exp(g.matmul(data(), data()) * 0.01)
        got = value(g.tanh(y) * g.permute(y, (1, 0)) + g.matmul(y, y) * 0.001)
        e = np.exp(np.matmul(data().value, data().value) * np.float32(0.01))
        np.testing.assert_allclose(got, np.tanh(e) * e.T + e @ e * 0.001, rtol=1e-5)


def test_a_view_that_lives_longer() -> None:
    """Two steps see one buffer: the first may not write over what the second still reads."""
    for k in range(3):
        y = g.exp(g.matmul(data(), data()) * 0.01)
        flat = g.reshape(y, (N * N,))
        a, b = g.tanh(flat) * 2.5, g.cumsum(g.permute(y, (1, 0)), 0)
        materialize((a, b))
        whole = np.exp(np.matmul(data().value, data().value) * np.float32(0.01))
        np.testing.assert_allclose(a.value, np.tanh(whole.ravel()) * 2.5, rtol=1e-5)
        np.testing.assert_allclose(b.value, np.cumsum(whole.T, 0), rtol=1e-4)
        assert k < 3


PROGRAMS: dict[str, Callable[[], Node]] = {
    "softmax": lambda: softmax(product()),
    "its derivative": lambda: softmax_backward(product()),
    "layer norm": lambda: layernorm(product()) * 2.5,
    "where": lambda: g.where(g.less(product(), 0.25), product(), g.exp(product() * 0.01)),
    "integers": lambda: g.cast(product(), np.dtype("int32")) * g.cast(product(), np.dtype("int32")),
    "complex": lambda: g.complex(product(), product() * 3.5) * g.complex(product(), product()),
    "twice": lambda: product() * product() + product(),
    "rows": lambda: g.sum(g.exp(product() * 0.01), (1,)) * g.max(product(), (1,)) + 1.5,
}


@pytest.mark.parametrize("settings", [{}, {"num_threads": 3, "block_bytes": 512}, {"fuse": False}])
@pytest.mark.parametrize("name", PROGRAMS)
def test_bits_are_the_same(name: str, settings: dict[str, Any], monkeypatch: Any) -> None:
    with config.context(execution="interpret"):
        want = value(PROGRAMS[name]())
    monkeypatch.setattr(memory, "WORTH", 0)
    with config.context(**settings):
        for _ in range(3):
            got = value(PROGRAMS[name]())
            assert got.tobytes() == want.tobytes() and got.dtype == want.dtype


def test_where_references_are_not_counted_nothing_is_written_over(monkeypatch: Any) -> None:
    monkeypatch.setattr(buffers, "COUNTED", False)
    assert bytes_of(lambda: g.tanh(product()) + 1.5) == 2 * SQUARE


def test_a_kernel_that_fails_halfway_is_run_again_from_the_start(monkeypatch: Any) -> None:
    want = value(g.tanh(product()) + 1.5).tobytes()
    value(g.tanh(product()) + 1.5)
    real, failures = execute.target.run, [1]

    def run(step: Any, compiled: Any, args: Any, outs: Any, *how: Any) -> None:
        real(step, compiled, args, outs, *how)
        if failures:
            failures.pop()
            raise MemoryError

    monkeypatch.setattr(execute.target, "run", run)
    assert value(g.tanh(product()) + 1.5).tobytes() == want
