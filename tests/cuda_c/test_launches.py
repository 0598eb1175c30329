"""How launches are bound: grids, words, and that no size is part of a kernel's text."""

from typing import Any

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ir.node import leaf
from lazytensor.lower.kernel import Launch
from lazytensor.ops import g
from lazytensor.targets.cuda import Binding, bind, source

from .cases import Case, cases
from .harness import address
from .nvrtc import nvrtc, text_of
from .test_folds import PROGRAMS, nodes


def bound(launch: Launch, args: Any, outs: Any) -> Binding:
    """How a launch is called on arrays."""
    return bind(launch, args, [address(a) for a in (*args, *outs)])


def bindings(program: str, shape: tuple[int, int], axis: int) -> list[Binding]:
    """The launches of a program on an array of ones."""
    found = cases(nodes(program, np.ones(shape, np.float32), axis))
    return [bound(c.launch, c.args, c.wants) for c in found]


# What is left of rows that were cut into so many blocks.
REST = {3: ("along", "rest", 1, (4, 8, 1), 0), 2: ("along", "rest", 1, (2, 64, 1), 0)}


def test_elements() -> None:
    (case,) = cases([leaf(np.ones((1000, 1000), np.float32)) * 2.0])
    (part,) = bound(case.launch, case.args, case.wants).parts
    assert (part.form.way, part.form.wide, part.form.lie) == ("flat", 4, ("unit", "unit"))
    assert (part.blocks, part.threads, part.shared) == (-(-250_000 // 256), (256, 1, 1), 0)
    assert part.sizes == (1, 1_000_000, 250_000)
    assert part.tail == (1_000_000, 4, 4)


@pytest.mark.parametrize(
    ("shape", "axis", "want"),
    [
        ((64, 256), 1, [("along", "whole", 8, (32, 8, 1), 0)]),
        ((1000, 4), 1, [("along", "whole", 16, (4, 64, 1), 0)]),
        ((64, 1000), 1, [("along", "whole", 32, (32, 2, 4), 1024)]),
        ((2, 8192), 1, [("along", "whole", 2, (32, 1, 32), 4096)]),
        ((2, 20_000), 1, [("along", "blocks", 6, (32, 1, 32), 4096), REST[3]]),
        ((300, 20_000), 1, [("along", "whole", 300, (32, 1, 32), 4096)]),
        ((100, 1000), 0, [("across", "whole", 125, (8, 32, 1), 1024)]),
        ((100, 10_000), 0, [("across", "whole", 313, (32, 32, 1), 4096)]),
        ((10_000, 64), 0, [("across", "blocks", 16, (8, 32, 1), 1024), REST[2]]),
    ],
)  # fmt: skip
def test_sums(shape: tuple[int, int], axis: int, want: list[Any]) -> None:
    (binding,) = bindings("sum", shape, axis)
    found = [(p.form.way, p.form.part, p.blocks, p.threads, p.shared) for p in binding.parts]
    assert found == want
    rows, columns = shape[1 - axis], shape[axis]
    blocks = -(-columns // 8192)
    assert binding.scratch == (32 * rows * blocks if len(want) == 2 else 0)


@pytest.mark.parametrize("program", PROGRAMS)
def test_new_sizes_compile_nothing(program: str) -> None:
    forms = set()
    for rows in range(1, 301, 23):
        for columns in (1000, 1001, 1500, 2047):
            forms.update(p.form for b in bindings(program, (rows, columns), 1) for p in b.parts)
    along = {form.outer for form in forms if form.way == "along"}
    assert along <= {0, 1}  # one row has no axis of rows
    assert len(forms) <= len(along) + 2  # squares are stored with vectors or, of odd sizes, without


def fused() -> Case:
    x, y, z = (leaf(np.ones(1024, np.float32) * k) for k in (2, 3, 5))
    (case,) = cases([g.sqrt(x * y + z) / y])
    return case


def test_arithmetic_is_that_of_the_standard() -> None:
    """No product is fused with a sum, nothing flushed to zero, quotients and roots are rounded."""
    nvrtc()
    case = fused()
    (part,) = bound(case.launch, case.args, case.wants).parts
    ptx = text_of(source(case.launch.kernel, part.form))
    assert "fma" not in ptx and ".ftz" not in ptx and ".approx" not in ptx
    assert all(name in ptx for name in ("mul.rn.f32", "add.rn.f32", "div.rn.f32", "sqrt.rn.f32"))


def test_the_text_stands_for_itself() -> None:
    """One function by its name, with no more of `device/` than it needs."""
    case = fused()
    (part,) = bound(case.launch, case.args, case.wants).parts
    text = source(case.launch.kernel, part.form, "some_name")
    assert text.count("LT_KERNEL(some_name, 256, 2)") == 1
    assert "struct Add" not in text and "square_root" not in text
    (case,) = cases([g.sum(leaf(np.ones((9, 9), np.complex64)), (1,))])
    (part,) = bound(case.launch, case.args, case.wants).parts
    assert "struct Add" in source(case.launch.kernel, part.form)
    assert case.launch.dtypes == (d.complex64,)
