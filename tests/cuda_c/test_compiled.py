"""Kernels compiled by NVRTC for two generations of cards, where there is none: what the assembler
reports of registers and memory.
"""

import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from table.samples import dtypes_of

import lazytensor._base.dtypes as d
from lazytensor.ir.node import leaf
from lazytensor.ir.scalar import instructions
from lazytensor.lower import fuse
from lazytensor.lower.kernel import Kernel
from lazytensor.targets.cuda import function
from lazytensor.targets.cuda.folds import at_once
from lazytensor.targets.cuda.form import ACROSS, MOST_THREADS, SUMMED, Form
from lazytensor.targets.cuda.source import FILES, HEAD, part

from .cases import Case, cases
from .edges import every
from .harness import Key, bound
from .nvrtc import ARCHITECTURES, Report, compiled, nvrtc, reports, text_of
from .test_folds import DTYPES, PROGRAMS, data, nodes, of_every_row
from .test_graphs import graph

# Registers of a thread at most, by how many threads a block may have: 65,536 are shared out.
# Kernels across rows, those that sum rows, and those that keep so many bytes of one take more.
REGISTERS, MORE, MUCH = {256: 96, 1024: 64}, {256: 128, 512: 128, 1024: 64}, 128
# CUDA's trigonometric functions keep digits of 2/π for large arguments in memory of the thread.
TRIGONOMETRIC, TABLE = {"sin", "cos", "tan"}, 40
OF_COMPLEX = {"exp", "expm1", "sinh", "cosh", "tanh", "pow"}


# Kernels of a module; what stands for their names; reports by text and architecture.
MODULE, NAME = 16, "any_name"
_known: dict[tuple[str, str], Report] = {}


def keys(found: Iterable[Case]) -> list[Key]:
    """The kernels of cases, in the forms that their arguments ask for."""
    return list(
        dict.fromkeys(
            (command.kernel, command.form)
            for c in found
            for command in bound(c.launch, c.args, c.wants).commands
        )
    )


def allowed(kernel: Kernel, form: Form) -> int:
    """Registers of a thread at most."""
    more = form.way in (ACROSS, SUMMED) or (form.held and at_once(kernel) >= MUCH)
    return (MORE if more else REGISTERS)[form.threads]


def _trigonometric(kernel: Kernel) -> bool:
    """Whether a kernel computes trigonometric functions, or those of complex numbers that do."""
    for stage in kernel.stages:
        if stage.op.kind == "elementwise":
            dtypes = tuple(kernel.dtype(a) for a in stage.args)
            several = any(d.kind(dtype) == "c" for dtype in dtypes)
            names = instructions(stage.op.body, dtypes, stage.params)
            if not (TRIGONOMETRIC | (OF_COMPLEX if several else set())).isdisjoint(names):
                return True
    return False


def compile_all(kernels: Iterable[Key], architecture: str) -> dict[Key, Report]:
    """Compile kernels, of each text one, a few in a module, on as many threads as there are
    processors; the report of each.
    """
    texts = {key: function(*key, NAME) for key in kernels}
    new = [t for t in dict.fromkeys(texts.values()) if (t, architecture) not in _known]
    modules = [new[i : i + MODULE] for i in range(0, len(new), MODULE)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(_module, modules, [architecture] * len(modules)))
    return {key: _known[text, architecture] for key, text in texts.items()}


def _module(texts: list[str], architecture: str) -> None:
    functions = [text.replace(NAME, f"k{i}") for i, text in enumerate(texts)]
    found = compiled("\n".join([HEAD, *map(part, FILES), *functions]), architecture)
    assert len(found) == len(texts)
    for i, text in enumerate(texts):
        _known[text, architecture] = found[f"k{i}"]


def check(kernels: list[Key], architecture: str) -> dict[Key, Report]:
    """Compile kernels; none spills, has more registers than it should, or memory of its own."""
    return frugal(compile_all(kernels, architecture), architecture)


def frugal(by_key: dict[Key, Report], architecture: str) -> dict[Key, Report]:
    """The same of reports."""
    for (kernel, form), report in by_key.items():
        what = (architecture, [s.op.name for s in kernel.stages], form, report)
        assert not report.spilled, what
        assert report.stack <= TABLE * _trigonometric(kernel), what
        assert report.registers <= allowed(kernel, form), what
    return by_key


STANDARD = [(name, n, axis) for n in (1000, 4000, 20_000) for axis in (0, 1) for name in PROGRAMS]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_standard_rows(dtype: str, architecture: str) -> None:
    nvrtc()
    found = [
        c
        for name, n, axis in STANDARD
        for c in cases(nodes(name, data((5, n) if axis else (n, 50), np.dtype(dtype)), axis))
    ]
    forms = {form for _, form in check(keys(found), architecture)}
    assert any(form.threads == MOST_THREADS for form in forms)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_rows(dtype: d.DType, architecture: str) -> None:
    nvrtc()
    every_case = [c for what, node in every(dtype, dtypes_of) for c in cases([node], what)]
    every_case += of_every_row(dtype)
    check(keys(every_case), architecture)


# Of so many kernels of random graphs hardly one spills, so many bytes at most: one whose blocks
# have so many threads that each has 64 registers.
OF, SPILLED = 200, 64


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_random_graphs(architecture: str, effort: Callable[[int, int], int]) -> None:
    nvrtc()
    seeds = range(effort(500, 2000))
    found = compile_all(keys(c for s in seeds for c in graph(s)), architecture)
    spilling = {key: report for key, report in found.items() if report.spilled}
    frugal({key: report for key, report in found.items() if key not in spilling}, architecture)
    assert len(found) > effort(900, 4000) and len(spilling) * OF <= len(found), spilling
    for (_, form), report in spilling.items():
        assert form.threads == MOST_THREADS and report.spilled <= SPILLED, report


def test_reads_of_four_elements_are_one() -> None:
    """Whole vectors are moved where operands allow it."""
    (case,) = cases([leaf(data((4096,), d.float32)) * 2.0 + 1.0])
    (key,) = keys([case])
    ptx = text_of("\n".join([HEAD, *map(part, ("types", "scalar")), function(*key, "k")]))
    assert "ld.global.v4" in ptx and "st.global.v4" in ptx


def many(count: int, across: bool = False) -> list[Case]:
    """A kernel of so many matrices; some lie across."""
    xs = [data((40, 40), d.float32, k) for k in range(count)]
    total = leaf(xs[0])
    for k, x in enumerate(xs[1:]):
        total = total + leaf(x.T if across and k % 2 else x)
    return cases([total])


def test_many_operands(monkeypatch: Any) -> None:
    """Words lie in memory where there are more than any driver takes."""
    nvrtc()
    monkeypatch.setattr(fuse, "MOST_NATIVE", 1 << 20)
    found = [c for count in (8, 16, 32, 64, 96) for c in many(count)]
    assert not any(r.spilled for r in compile_all(keys(found), "sm_90").values())
    found = [*many(180, across=True), *many(180)]
    assert [form.far for _, form in keys(found)] == [True, False]
    assert compile_all(keys(found), "sm_90")


def test_elements_are_read_before_others_are_written() -> None:
    """What a thread has of a row is on its way at once."""
    (case,) = cases(nodes("softmax", data((5, 20_000), d.float32), 1))
    (key,) = keys([case])
    ptx = text_of("\n".join([HEAD, *map(part, ("types", "scalar", "folds")), function(*key, "k")]))
    moves = re.findall(r"(ld|st)\.global", ptx)
    assert moves[-8:] == ["ld"] * 4 + ["st"] * 4, moves


def test_reports_of_spilled_registers_are_read() -> None:
    log = """
ptxas info    : Compiling entry function 'k' for 'sm_90'
ptxas info    : Function properties for k
    24 bytes stack frame, 20 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 48 registers, used 1 barriers, 24 bytes cumulative stack size
"""
    assert reports(log) == {"k": Report(48, 24, 36)}
