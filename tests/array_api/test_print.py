"""Text of arrays: NumPy's options, bounded size, and HTML that starts no work."""

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.runtime.counters import counting


@pytest.fixture(autouse=True)
def _as_numpy():
    yield
    xp.set_printoptions()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([1.0, 2.5], "Array([1. , 2.5], dtype=float64)"),
        (3, "Array(3, dtype=int64)"),
        ([[True], [False]], "Array([[ True],\n       [False]], dtype=bool)"),
        ([], "Array([], dtype=float64)"),
        (np.zeros((0, 3)), "Array([], shape=(0, 3), dtype=float64)"),
    ],
)
def test_repr(data: object, text: str) -> None:
    assert repr(xp.asarray(data)) == text


def test_str_is_numpys() -> None:
    x = np.linspace(0, 1, 12).reshape(3, 4)
    assert str(xp.asarray(x)) == str(x)
    assert f"{xp.asarray(x)}" == str(x)


def test_options() -> None:
    x = xp.asarray([1 / 3, 1e-9, np.nan])
    with np.printoptions(precision=2, suppress=True):
        assert repr(x) == "Array([0.33, 0.  ,  nan], dtype=float64)"
    before = repr(x)
    xp.set_printoptions(precision=1, nanstr="none", suppress=True)
    assert repr(x) == "Array([ 0.3,  0. , none], dtype=float64)"
    assert "nan" in repr(np.asarray(x))
    xp.set_printoptions(precision=3)
    assert "0.333" in repr(x)
    xp.set_printoptions()
    assert repr(x) == before
    with pytest.raises(TypeError):
        xp.set_printoptions(precision="a")
    with pytest.raises(TypeError):
        xp.set_printoptions(colour=1)
    with pytest.raises(ValueError):
        xp.set_printoptions(sign="x")
    assert repr(x) == before


def test_lines_are_no_longer_than_asked() -> None:
    for n in range(1, 40):
        for width in (40, 75):
            xp.set_printoptions(linewidth=width)
            lines = repr(xp.arange(n) / 7).splitlines()
            assert max(map(len, lines)) <= width
    xp.set_printoptions(linewidth=30)
    assert repr(xp.arange(4.0)) == "Array([0., 1., 2., 3.],\n      dtype=float64)"


@pytest.mark.parametrize("shape", [(10**6,), (100, 100, 100), (2,) * 20, (3,) * 12, (1,) * 40])
def test_bounded(shape: tuple[int, ...]) -> None:
    x = xp.zeros(shape)
    for text in (repr(x), str(x)):
        assert len(text) < (2000 if len(shape) < 4 else 40_000)
    with np.printoptions(threshold=10**6):
        assert repr(xp.arange(1001)).count(",") == 1001


def test_a_device_that_is_not_the_default_is_named() -> None:
    with config.context(cpu_devices=2):
        assert repr(xp.ones(1, device="cpu:1")) == "Array([1.], dtype=float64, device='cpu:1')"
        with config.context(default_device="cpu:1"):
            assert repr(xp.ones(1)) == "Array([1.], dtype=float64)"
            assert repr(xp.ones(1, device="cpu")) == "Array([1.], dtype=float64, device='cpu')"


def test_html_starts_no_work() -> None:
    x = xp.arange(3) * 2 + 1
    with counting() as done:
        html = x._repr_html_()
    assert done.graphs == 0
    assert "pending, 3 operations" in html
    assert "(3,)" in html
    assert "int64" in html
    xp.materialize(x)
    assert "computed" in x._repr_html_()
    assert "[1 3 5]" in x._repr_html_()
    big = xp.zeros(10_000)
    xp.materialize(big)
    assert len(big._repr_html_()) < 500


def test_traced_arrays_can_be_printed() -> None:
    seen = []

    def f(x):
        seen.extend((repr(x * 2), str(x), repr(xp.ones(1))))
        return x

    xp.vmap(f)(xp.ones((2, 3)))
    assert seen[0] == "Array(traced, shape=(3,), dtype=float64)"
    assert seen[1] == seen[0]
    assert seen[2] == "Array([1.], dtype=float64)"
