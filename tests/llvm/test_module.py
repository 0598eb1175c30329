"""Functions of arrays in place of NumPy's: the same bits element by element and over vectors, and
little is compiled for few elements."""

import threading
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor.ops._eager import FUNCTIONS as OF_NUMPY
from lazytensor.runtime import native
from lazytensor.runtime.counters import counting
from lazytensor.targets.llvm import module, scans
from lazytensor.targets.llvm.functions import FUNCTIONS

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


def test_vectors_are_compiled_when_much_was_computed(monkeypatch: Any) -> None:
    monkeypatch.setattr(native.objects(), "store", None)
    monkeypatch.setattr(native.loaded().functions, "_known", {})
    x, y = np.linspace(0.5, 2.0, 1000), np.ones(1)
    power = function("pow")
    made = []
    for xs in [(x, x), (x, y), (y, x), *[(x, x)] * (module.WORTH // 1000), (x, x), (x, x[::-1])]:
        with counting() as done:
            power(*xs)
        made.append(done.compilations)
    assert made[:3] == [1, 0, 0], "one function for however operands lie"
    assert sum(made[3:]) == 1 and made[-1] == 0


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
