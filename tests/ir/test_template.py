"""Templates: what is written out once it is used often is what is made row by row."""

import inspect
import threading
from typing import Any

import numpy as np
import pytest

from lazytensor._base.devices import CPU
from lazytensor.ir import template as template_module
from lazytensor.ir.node import Node, describe_line, leaf, placeholder, scalar
from lazytensor.ir.template import AFTER, Template
from lazytensor.ops import g

F32 = np.dtype("float32")


def made(x: Node, y: Node, i: Node) -> list[Node]:
    """Of one, two and three arguments, with parameters and without, one that fails on data."""
    product = g.matmul(x, g.permute(y, (1, 0))) * scalar(0.25, F32)
    chosen = g.where(g.less(product, scalar(0, F32)), product, g.tanh(product))
    return [g.gather([chosen, i]), chosen]


def template() -> Template:
    i64 = np.dtype("int64")
    given = [placeholder((4, 3), F32, CPU, 0), placeholder((5, 3), F32, CPU, 0)]
    given.append(placeholder((2,), i64, CPU, 0))
    return Template(given, [*made(*given), None])


def given() -> list[Node]:
    ones = [leaf(np.ones(shape, np.float32)) for shape in ((4, 3), (5, 3))]
    return [*ones, leaf(np.array([0, 3]))]


def told(nodes: list[Node]) -> list[Any]:
    """All that there is to nodes, those that they read by their places."""
    place = {node: i for i, node in enumerate(nodes)}
    return [
        (n.op, [place[a] for a in n.args], n.params, n.shape, n.dtype, n.device, n.kept)
        for n in nodes
    ]


def test_what_is_written_out_makes_the_same_nodes() -> None:
    one, all_ = template(), [given() for _ in range(AFTER + 2)]
    found = [one.nodes(nodes) for nodes in all_]
    assert all(told(nodes) == told(found[0]) for nodes in found)
    for nodes, given_ in zip(found, all_, strict=True):
        assert nodes[:3] == given_
        assert all(n.value is None for n in nodes if n.args)
        serials = [n.serial for n in nodes if n.args]
        assert serials == sorted(set(serials))
    assert len({id(n) for nodes in found for n in nodes if n.args}) == (AFTER + 2) * one.size


def test_what_is_written_in_parts_makes_the_same_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """At each use one part more, the rest row by row."""
    monkeypatch.setattr(template_module, "PART", 2)
    one = template()
    want = told(one.nodes(given()))
    for use in range(1, AFTER + 6):
        assert told(one.nodes(given())) == want
        assert len(one._written) == min(max(0, use + 2 - AFTER), -(-one.size // 2))


def test_two_threads_write_the_same_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """One while the other does: it stood there twice, and its nodes were made twice."""
    one = template()
    want = told(one.nodes(given()))
    for _ in range(AFTER - 2):
        one.nodes(given())
    real, other = template_module._written, threading.Thread(target=one.nodes, args=(given(),))

    def slow(*args: Any) -> Any:
        if not other.ident:
            other.start()
            other.join()
        return real(*args)

    monkeypatch.setattr(template_module, "_written", slow)
    for _ in range(3):
        assert told(one.nodes(given())) == want
    assert not other.is_alive() and other.ident


def test_what_fails_knows_the_line_of_each_use() -> None:
    one = template()
    for _ in range(AFTER + 2):
        line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
        gathered, _, nothing = one.made(given())
        assert nothing is None and gathered is not None
        assert describe_line(gathered.where).endswith(f"test_template.py:{line}")
