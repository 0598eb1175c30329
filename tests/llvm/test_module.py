"""Functions of arrays in place of NumPy's: the same bits element by element and over vectors, and
little is compiled for few elements."""

import os
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor.ops._eager import FUNCTIONS as OF_NUMPY
from lazytensor.ops._eager import INEXACT
from lazytensor.runtime import native
from lazytensor.runtime.counters import counting
from lazytensor.targets.llvm import module, scans
from lazytensor.targets.llvm.functions import FUNCTIONS
from lazytensor.targets.llvm.machine import fuses

from .running import same
from .samples import pairs, singles
from .test_functions import BINARY, DTYPES


def function(name: str) -> module.Function:
    """One that has computed nothing yet."""
    return module.Function(name, native.objects(), native._vectors)


def calls(name: str, dtype: str) -> list[tuple[Any, ...]]:
    """Arguments that lie in all ways."""
    if name not in BINARY:
        x = singles(dtype, 100)
        return [(x,), (x[:1],), (x[::-2],), (x[:1].reshape(()),), (x[:0],)]
    x, y = pairs(name, dtype, 100)
    n = len(x) // 7 * 7
    table = y[:n].reshape(7, -1)
    return [(x, y), (x[:1], y), (x, y[:1]), (x[:7, None], table), (x[::3], y[::-3]), (x[:1], y[:1])]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_bits_by_element_and_by_vector(name: str, dtype: str, monkeypatch: Any) -> None:
    arguments = calls(name, dtype)
    few = [function(name)(*xs) for xs in arguments]
    monkeypatch.setattr(module, "WORTH", 0)
    for xs, got in zip(arguments, few, strict=True):
        same(got, function(name)(*xs), name)


def test_compiled_when_much_was_computed(monkeypatch: Any) -> None:
    """One function for however operands lie, and one over vectors after that."""
    assert native.objects().launch  # compiled before
    monkeypatch.setattr(native.objects(), "store", None)
    monkeypatch.setattr(native.functions(), "_known", {})
    x, y = np.linspace(0.5, 2.0, 1000), np.ones(1)
    power = function("pow")
    made = []
    calls = [(x, x), (x, y), (y, x), *[(x, x)] * (module.WORTH // 1000), (x, x), (x, x[::-1])]
    for xs in calls:
        with counting() as done:
            power(*xs)
        made.append(done.compilations)
    few = module.COMPILED // 1000 if fuses() else 0
    assert [n for n, count in enumerate(made) if count] == [few, module.WORTH // 1000]
    assert sum(made) == 2


@pytest.mark.skipif(not fuses(), reason="needs Linux on x86-64 with fused multiply-add")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(INEXACT))
def test_few_elements_need_no_compiler(name: str, dtype: str, monkeypatch: Any) -> None:
    """Nor does anything that it would be asked for: the same bits as its own function has."""
    arguments = calls(name, dtype)
    monkeypatch.setattr(module, "COMPILED", 0)
    by_compiler = [function(name)(*xs) for xs in arguments]
    monkeypatch.undo()
    for xs, want in zip(arguments, by_compiler, strict=True):
        f = function(name)
        same(f(*xs), want, name)
        # what is left after a rare case is the compiler's
        assert not f._known or name in ("sin", "cos", "tan")


PROGRAM = """
import sys
import lazytensor as xp
print(repr([float(x) for x in xp.exp(xp.asarray([0.5, -700.25]))]), "llvmlite" in sys.modules)
"""


@pytest.mark.skipif(not fuses(), reason="needs Linux on x86-64 with fused multiply-add")
def test_the_compiler_is_not_loaded(tmp_path: Any) -> None:
    """By a process that finds nothing kept, nor by one that finds what it has kept."""
    environment = {**os.environ, "LAZYTENSOR_CACHE_DIR": str(tmp_path)}
    want = f"{function('exp')(np.array([0.5, -700.25])).tolist()!r} False\n"
    for _ in range(2):
        command = [sys.executable, "-c", PROGRAM]
        assert subprocess.check_output(command, env=environment, text=True) == want
        assert [f.name[:6] for f in (tmp_path / "kernels").iterdir() if "plain" in f.name]


@pytest.mark.skipif(not fuses(), reason="needs Linux on x86-64 with fused multiply-add")
def test_rare_cases_are_left_to_the_compiler_from_where_they_are() -> None:
    x = np.array([1.0, 2.0, 1e300, 3.0])
    want = function("sin")._call([x], None)
    in_place = x.copy()
    function("sin")(in_place, out=in_place)
    assert abs(want - np.sin(x)).max() < 1e-15
    same(in_place, want, "sin")


def test_calls_of_few_elements_count_as_some() -> None:
    f, x = function("exp"), np.ones(1)
    for _ in range(module.COMPILED // module.CALL):
        f(x)
    assert not f._known or not fuses()
    f(x)
    assert f._known


@pytest.mark.parametrize("name", ["exp", "cumsum"])
def test_threads_that_want_a_function_at_once(name: str, monkeypatch: Any) -> None:
    """Each made one, the last was kept, and the others' code was unloaded while it ran."""
    objects = native.objects()
    made = []

    def slowly(*args: Any) -> Any:
        made.append(getattr(type(objects), way)(objects, *args))
        time.sleep(0.05)
        return made[-1]

    way = "linked" if name == "cumsum" else "found"
    monkeypatch.setattr(objects, way, slowly)
    f, together, found = new(name), threading.Barrier(6), []

    def work() -> None:
        together.wait()
        double = np.dtype("float64")
        one = f._address(double) if name == "cumsum" else f._by_element(double, (False,))
        found.append(one)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(made) > 1 and len(set(found)) == 1


def new(name: str) -> Any:
    """A function that has computed nothing yet."""
    objects = native.objects()
    return scans.cumulatives(objects)[name] if name == "cumsum" else function(name)


def test_a_large_array_is_computed_over_vectors_at_once(monkeypatch: Any) -> None:
    """Counted by what would be compiled: no function that goes element by element."""
    monkeypatch.setattr(module.Function, "_by_element", None)
    out = function("exp")(np.zeros(module.WORTH))
    assert OF_NUMPY["exp"] == "exp" and (out == 1.0).all()
