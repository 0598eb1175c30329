"""Kernels compiled by NVRTC for two generations of cards, where there is none: what the assembler
reports of registers and memory.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from table.samples import dtypes_of

import lazytensor._base.dtypes as d
from lazytensor.ir.node import leaf
from lazytensor.ir.scalar import instructions
from lazytensor.lower.kernel import Kernel
from lazytensor.ops import g
from lazytensor.targets.cuda import function
from lazytensor.targets.cuda.form import MOST_THREADS
from lazytensor.targets.cuda.source import HEAD, part

from .cases import Case, cases, supported
from .edges import every
from .harness import Key, bound
from .nvrtc import ARCHITECTURES, Report, compiled, nvrtc, reports, text_of
from .test_folds import DTYPES, PROGRAMS, data, nodes, of_every_row
from .test_graphs import graph

# Registers of a thread at most: a multiprocessor holds 65,536, and blocks of 1,024 threads must fit.
REGISTERS = {256: 96, 1024: 64}
# CUDA's own trigonometric functions keep the digits of 2/π that large arguments need in local memory.
TRIGONOMETRIC, TABLE = {"sin", "cos", "tan"}, 40


def keys(found: Iterable[Case]) -> list[Key]:
    """The kernels of cases, in the forms that their arguments ask for."""
    return list(
        dict.fromkeys(
            (c.launch.kernel, p.form)
            for c in found
            if supported(c)
            for p in bound(c.launch, c.args, c.wants).parts
        )
    )


def _trigonometric(kernel: Kernel) -> bool:
    names: set[str] = set()
    for stage in kernel.stages:
        if stage.op.kind == "elementwise":
            dtypes = tuple(kernel.dtype(a) for a in stage.args)
            names.update(instructions(stage.op.body, dtypes, stage.params))
    return bool(names & TRIGONOMETRIC)


def check(kernels: list[Key], architecture: str) -> dict[Key, Report]:
    """Compile kernels; none spills, has more registers than it should, or memory of its own."""
    texts = [function(*key, f"k{i}") for i, key in enumerate(kernels)]
    found = compiled(
        "\n".join([HEAD, *map(part, ("types", "scalar", "complex", "folds")), *texts]), architecture
    )
    assert len(found) == len(kernels)
    by_key = {key: found[f"k{i}"] for i, key in enumerate(kernels)}
    for (kernel, form), report in by_key.items():
        what = (architecture, [s.op.name for s in kernel.stages], form, report)
        assert not report.spilled, what
        assert report.stack <= TABLE * _trigonometric(kernel), what
        assert report.registers <= REGISTERS[form.threads], what
    return by_key


STANDARD = {(name, n, axis) for name in PROGRAMS for n in (1000, 4000, 20_000) for axis in (0, 1)}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_standard_rows(dtype: str, architecture: str, effort: Callable[[int, int], int]) -> None:
    nvrtc()
    chosen = sorted(STANDARD)[:: effort(2 if dtype == "float64" else 1, 1)]
    found = [
        c
        for name, n, axis in chosen
        for c in cases(nodes(name, data((5, n) if axis else (n, 50), np.dtype(dtype)), axis))
    ]
    forms = {form for _, form in check(keys(found), architecture)}
    assert any(form.threads == MOST_THREADS for form in forms)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_rows(dtype: d.DType, architecture: str, effort: Callable[[int, int], int]) -> None:
    """Without --full each dtype for one of the two, and some of the rows of floating-point numbers,
    which take long.
    """
    nvrtc()
    number = DTYPES.index(dtype)
    if number % 2 != ARCHITECTURES.index(architecture) and effort(1, 0):
        pytest.skip("the other architecture is sampled for this dtype")
    step = effort({2: 6, 4: 2, 8: 2}[dtype.itemsize], 1) if d.kind(dtype) == "f" else 1
    rows = [c for what, node in every(dtype, dtypes_of) for c in cases([node], what)]
    check(keys([*rows[number % step :: step], *of_every_row(dtype)]), architecture)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_random_graphs(architecture: str, effort: Callable[[int, int], int]) -> None:
    nvrtc()
    first = 500 * ARCHITECTURES.index(architecture)
    check(keys(c for seed in range(first, first + effort(12, 500)) for c in graph(seed)), architecture)


def test_reads_of_four_elements_are_one() -> None:
    """Whole vectors are moved where operands allow it."""
    (case,) = cases([leaf(data((4096,), d.float32)) * 2.0 + 1.0])
    (key,) = keys([case])
    ptx = text_of("\n".join([HEAD, *map(part, ("types", "scalar")), function(*key, "k")]))
    assert "ld.global.v4" in ptx and "st.global.v4" in ptx


def test_reports_of_spilled_registers_are_read() -> None:
    log = """
ptxas info    : Compiling entry function 'k' for 'sm_90'
ptxas info    : Function properties for k
    24 bytes stack frame, 20 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 48 registers, used 1 barriers, 24 bytes cumulative stack size
"""
    assert reports(log) == {"k": Report(48, 24, 36)}
