"""Object code is put in memory without the compiler, as its linker would."""

import ctypes
import mmap
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("llvmlite")

from lazytensor._base.store import Store
from lazytensor.targets.llvm import loading, machine
from lazytensor.targets.llvm.compiler import Compiler

x86_64_linux = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="x86-64 on Linux alone"
)
COMPILER = Compiler()
# Constants of several sizes, a table, a function that calls another, one of the C library's, and
# one that is given.
TEXT = """
@table = internal constant [4 x i64] [i64 3, i64 5, i64 7, i64 11]
declare i64 @given(i64)
declare i64 @labs(i64)
define internal double @half(double %x) noinline nounwind {
  %y = fmul double %x, 0x3FE8000000000000
  ret double %y
}
define i64 @named(i64 %i, double %x) nounwind {
  %at = getelementptr [4 x i64], ptr @table, i64 0, i64 %i
  %a = load i64, ptr %at
  %h = call double @half(double %x)
  %t = fadd double %h, 0x4059100000000000
  %b = fptosi double %t to i64
  %c = call i64 @labs(i64 %b)
  %d = call i64 @given(i64 %c)
  %e = add i64 %a, %d
  ret i64 %e
}
"""
GIVEN = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(lambda n: 1000 * n)


def given() -> dict[str, int]:
    address = ctypes.cast(GIVEN, ctypes.c_void_p).value
    assert address is not None
    return {"given": address}


def called(found: Any, i: int, x: float) -> int:
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_double)(found[0])
    out: int = function(i, x)
    return out


@x86_64_linux
@pytest.mark.parametrize("soon", [False, True])
def test_code_runs_as_the_linker_has_it_run(soon: bool) -> None:
    code = COMPILER.compile(TEXT, soon)
    ours, theirs = loading.loaded(code, "named", given()), COMPILER.link(code, "named", given())
    assert ours is not None
    for i, x in ((0, 2.0), (1, -4000.0), (3, 0.0)):
        want = [3, 5, 7, 11][i] + 1000 * abs(int(0.75 * x + 100.25))
        assert called(ours, i, x) == called(theirs, i, x) == want


@x86_64_linux
def test_memory_that_runs_is_not_written_to() -> None:
    found = loading.loaded(COMPILER.compile(TEXT, False), "named", given())
    assert found is not None
    here = [
        line.split()[1]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if int(line.split("-")[0], 16) <= found[0] < int(line.split("-")[1].split()[0], 16)
    ]
    assert here == ["r-xp"]


HEAD = "define i64 @named() nounwind"
OTHERS = {
    "writable": f"@kept = global i64 3\n{HEAD} {{\n%x = load i64, ptr @kept\nret i64 %x\n}}",
    "nowhere": f"declare i64 @nowhere()\n{HEAD} {{\n%x = call i64 @nowhere()\nret i64 %x\n}}",
    "unwound": f"{HEAD} uwtable {{\nret i64 3\n}}",
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_other_code_is_left_to_the_linker(text: str) -> None:
    assert loading.loaded(COMPILER.compile(text, False), "named", {}) is None


def test_other_formats_are_left_to_the_linker() -> None:
    code = COMPILER.compile(TEXT, False)
    for other in (b"\xcf\xfa\xed\xfe" + code[4:], code[:18] + b"\xb7" + code[19:], b"\x64\x86"):
        assert loading.loaded(other, "named", given()) is None


@x86_64_linux
def test_where_nothing_written_may_run_the_linker_is_asked(monkeypatch: Any) -> None:
    def refuse(size: int, fill: Any) -> Any:
        raise OSError

    monkeypatch.setattr(loading, "placed", refuse)
    assert machine.processor() is None and not machine.fuses.__wrapped__()
    one = machine.Machine()
    one.provide("given", given()["given"])
    linked = one.link(one.compile(TEXT), "named")
    assert not isinstance(linked._code, mmap.mmap)
    assert called((linked.address,), 2, 0.0) == 100_007


# --- the processor --------------------------------------------------------------------------------


@x86_64_linux
def test_every_core_is_the_same_processor() -> None:
    said, cores = set(), os.sched_getaffinity(0)
    try:
        for core in list(cores)[:8]:
            os.sched_setaffinity(0, {core})
            said.add(machine.processor())
    finally:
        os.sched_setaffinity(0, cores)
    assert len(said) == 1 and None not in said


@x86_64_linux
def test_what_is_kept_of_a_processor_is_what_the_compiler_says(
    monkeypatch: Any, tmp_path: Path
) -> None:
    store = Store(tmp_path / "kept")
    first, again = machine.Machine(store), machine.Machine(store)
    assert "_compiler" not in vars(again)
    asked = machine.Machine()
    assert (again.host, again.identity) == (first.host, first.identity)
    assert (again.host, again.identity) == (asked.host, asked.identity)
    real = machine.processor()
    assert real is not None
    monkeypatch.setattr(machine, "processor", lambda: real[:-1] + b"\x01")
    assert "_compiler" in vars(machine.Machine(store))


PROGRAM = """
import sys
import numpy as np
import lazytensor as xp
xp.config.set(execution="compile")
x = xp.asarray(np.linspace(0, 1, 5000))
found = xp.sum(xp.tanh(x) * xp.exp(-x) + x[0])
print(repr(float(found)), float(xp.sum(xp.log1p(x[:40]))), "llvmlite" in sys.modules)
"""


@x86_64_linux
def test_a_process_that_compiles_nothing_loads_no_compiler(tmp_path: Path) -> None:
    env = {**os.environ, "LAZYTENSOR_CACHE_DIR": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=env, text=True, capture_output=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert [s.pop() for s in said] == ["True", "False"]
    assert said[0] == said[1]
