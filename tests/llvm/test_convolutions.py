"""Convolutions of the native target and their gradients are those of NumPy, to rounding."""

from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lazytensor.torch as torch
from lazytensor._base import config
from lazytensor._base.module import MODULES
from lazytensor.ir.op import ROWS
from lazytensor.runtime.counters import counting
from lazytensor.targets.llvm import convolution

from .fenced import fenced

EXACT = {"float32": 1e-5, "float64": 1e-13}


class Case(NamedTuple):
    """Images, weights, and how windows go."""

    x: np.ndarray
    w: np.ndarray
    params: tuple[Any, ...]


def numbers(rng: np.random.Generator, low: int, high: int, count: int) -> tuple[int, ...]:
    """So many, up to before `high`."""
    return tuple(int(v) for v in rng.integers(low, high, count))


def case(seed: int, dtype: str, alone: bool) -> Case:
    """A convolution over one to three axes; `alone`: each channel for itself."""
    rng = np.random.default_rng(seed)
    axes = int(rng.integers(1, 4))
    kernel, steps, apart = (numbers(rng, 1, 4, axes) for _ in range(3))
    pads = tuple((int(a), int(b)) for a, b in rng.integers(-1, 3, (axes, 2)))
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, apart, strict=True))
    sizes = tuple(
        max(s - lo - hi, 3) + int(rng.integers(0, 20))
        for s, (lo, hi) in zip(spans, pads, strict=True)
    )
    groups, many, outer = numbers(rng, 1, 9 if alone else 4, 3)
    channels = 1 if alone else many * 6
    n = int(rng.integers(1, 3))
    x = rng.standard_normal((n, groups * channels, *sizes)).astype(dtype)
    w = rng.standard_normal((groups * outer, channels, *kernel)).astype(dtype)
    return Case(x, w, (steps, pads, apart, groups))


def close(got: np.ndarray, want: np.ndarray, dtype: str) -> None:
    """As NumPy has it in double precision."""
    assert got.shape == want.shape and got.dtype == dtype
    np.testing.assert_allclose(got, want, EXACT[dtype], EXACT[dtype] * (1 + np.abs(want).max()))


def value(name: str, np_: Any, *args: Any) -> np.ndarray:
    """What a row's value column gives."""
    return ROWS[name].value(np_, *args)


def both(name: str, dtype: str, arrays: tuple[np.ndarray, ...], *params: Any) -> np.ndarray:
    """By native kernels, after a comparison with NumPy's."""
    got = value(name, MODULES["llvm"], *arrays, *params)
    close(got, value(name, np, *(a.astype(np.float64) for a in arrays), *params), dtype)
    return got


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("seed", range(8))
def test_near_windows(seed, dtype):
    """Of 3 by 3 places, weights stay in registers: the bits of wider windows with zeros."""
    rng = np.random.default_rng(seed)
    n, channels, many, *sizes = numbers(rng, 1, 4, 3) + numbers(rng, 3, 40, 2)
    x = rng.standard_normal((n, channels, *sizes)).astype(dtype)
    w = rng.standard_normal((channels * many, 1, 3, 3)).astype(dtype)
    pads = tuple((int(a), int(b)) for a, b in rng.integers(0, 3, (2, 2)))
    got = both("conv", dtype, (x, w), (1, 1), pads, (1, 1), channels)
    wider = np.concatenate([w, np.zeros_like(w[..., :1])], axis=-1)
    further = (pads[0], (pads[1][0], pads[1][1] + 1))
    same = both("conv", dtype, (x, wider), (1, 1), further, (1, 1), channels)
    np.testing.assert_array_equal(got, same)


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_values(seed, alone, dtype):
    x, w, params = case(seed, dtype, alone)
    y = both("conv", dtype, (x, w), *params)
    ct = np.random.default_rng(seed).standard_normal(y.shape).astype(dtype)
    both("conv_input", dtype, (ct, w), x.shape[2:], *params)
    both("conv_weight", dtype, (x, ct), w.shape[2:], *params)


@pytest.mark.parametrize("size", [5, 7, 8, 9, 14, 16, 17, 31])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_nothing_beyond_images_is_touched(stride, channels, size):
    rng = np.random.default_rng(size)
    for dtype in EXACT:
        for window, pad in ((1, 0), (3, 0), (3, 1)):
            x = fenced(rng.standard_normal((1, channels * 2, size, size)).astype(dtype))
            w = fenced(rng.standard_normal((4, channels, window, window)).astype(dtype))
            params = ((stride,) * 2, ((pad, pad),) * 2, (1, 1), 2)
            y = both("conv", dtype, (x, w), *params)
            both("conv_weight", dtype, (x, fenced(y)), w.shape[2:], *params)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("breath", [1, convolution.BREATH])
def test_bits(breath, alone, monkeypatch):
    """On one thread and on several, in small pieces and in large ones; of an image as of all."""
    monkeypatch.setattr(convolution, "BREATH", breath)
    native = MODULES["llvm"]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 32, 40, 40)).astype(np.float32)
    w = rng.standard_normal((32, 1 if alone else 32, 3, 3)).astype(np.float32)
    params = ((1, 1), ((1, 1),) * 2, (1, 1), 32 if alone else 1)
    found = set()
    for threads in (1, 2, 5):
        with config.context(target="llvm", num_threads=threads):
            y = value("conv", native, x, w, *params)
            one = value("conv", native, x[1:2], w, *params)
            weights = value("conv_weight", native, x, y, (3, 3), *params)
            found.add((y.tobytes(), weights.tobytes()))
            assert one.tobytes() == y[1:2].tobytes()
    assert len(found) == 1


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("sizes", [(50,), (7, 7), (11, 9)])
def test_small_images_are_taken_together(sizes, groups, dtype, monkeypatch):
    """Their windows fill chunks, of which there are as many as all need; an image's bits stay."""
    jobs, plan = [], convolution._plan
    monkeypatch.setattr(convolution, "_plan", lambda *how: jobs.append(plan(*how)) or jobs[-1])
    rng = np.random.default_rng(len(sizes))
    axes = len(sizes)
    x = rng.standard_normal((6, 100 * groups, *sizes)).astype(dtype)
    w = rng.standard_normal((8 * groups, 100, *(3,) * axes)).astype(dtype)
    for stride, apart in ((1, 1), (2, 1), (1, 2)):
        params = ((stride,) * axes, ((2, 1),) * axes, (apart,) * axes, groups)
        with config.context(target="llvm", num_threads=1):
            y = both("conv", dtype, (x, w), *params)
            assert y.flags.c_contiguous
            windows = 6 * int(np.prod(y.shape[2:]))
            assert [job.units for _, job, _ in jobs] == [groups * -(-windows // convolution.CHUNK)]
            jobs.clear()
            for i in range(6):
                one = value("conv", MODULES["llvm"], x[i : i + 1], w, *params)
                assert one.tobytes() == y[i : i + 1].tobytes()
            jobs.clear()
        with config.context(target="llvm", num_threads=5):
            assert value("conv", MODULES["llvm"], x, w, *params).tobytes() == y.tobytes()
        jobs.clear()


def test_interpreted_and_compiled():
    rng = np.random.default_rng(0)
    x, w = (
        torch.tensor(rng.standard_normal(s).astype(np.float32))
        for s in ((2, 8, 9, 9), (8, 8, 3, 3))
    )
    found = set()
    for execution in ("interpret", "compile"):
        with config.context(target="llvm", execution=execution):
            a, b = x.clone().requires_grad_(), w.clone().requires_grad_()
            y = torch.nn.functional.conv2d(a, b, padding=1)
            y.square().sum().backward()
            found.add(tuple(t.detach().numpy().tobytes() for t in (y, a.grad, b.grad)))
    assert len(found) == 1


def test_zeros_around_are_multiplied():
    """An infinite weight times a zero outside the image is no number, as in NumPy's products."""
    for groups in (1, 2):
        x, w = np.ones((1, 2, 9, 9), np.float32), np.ones((2, 2 // groups, 3, 3), np.float32)
        w[0, 0, 0, 0] = np.inf
        args = (x, w, (1, 1), ((1, 1),) * 2, (1, 1), groups)
        with np.errstate(all="ignore"):
            want = value("conv", np, *args)
        np.testing.assert_array_equal(value("conv", MODULES["llvm"], *args), want)


@pytest.mark.parametrize("groups", [1, 6])
def test_how_images_lie(groups):
    """Every second image, reversed rows, channels last."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 12, 11, 10))
    w = rng.standard_normal((6, 6 // groups, 3, 3))
    params = ((1, 2), ((1, 1),) * 2, (1, 1), groups)
    last = np.ascontiguousarray(x[:, :6].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for view in (
        x[::2, ::2],
        x[:, :6, ::-1],
        x[:, :6, :, ::-1],
        last,
        np.broadcast_to(x[:1, :6], last.shape),
    ):
        both("conv", "float64", (view, w[..., ::-1]), *params)


def test_what_is_numpy_s():
    """Integers, complex numbers, four axes, nothing at all; half precision is summed in single."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 3, 6, 6)) * 9, rng.standard_normal((4, 3, 2, 2)) * 9
    plain = ((1, 1), ((0, 0),) * 2, (1, 1), 1)
    four = ((1,) * 4, ((0, 0),) * 4, (1,) * 4, 1)
    for dtype in (np.int32, np.complex64):
        args = (x.astype(dtype), w.astype(dtype), *plain)
        np.testing.assert_array_equal(
            value("conv", MODULES["llvm"], *args), value("conv", np, *args)
        )
    args = (x[..., None, None], w[..., None, None], *four)
    np.testing.assert_array_equal(value("conv", MODULES["llvm"], *args), value("conv", np, *args))
    assert value("conv", MODULES["llvm"], x[:0], w, *plain).shape == (0, 4, 5, 5)
    half = value("conv", MODULES["llvm"], x.astype(np.float16), w.astype(np.float16), *plain)
    assert half.dtype == np.float16


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("size", [(1,), (1, 1), (4, 3)])
def test_one_window_for_an_image(size, n):
    """Products of matrices, on every target."""
    rng = np.random.default_rng(0)
    axes = len(size)
    x, w = rng.standard_normal((n, 5, *size)), rng.standard_normal((7, 5, *size))
    params = ((2,) * axes, ((0, 0),) * axes, (1,) * axes, 1)
    y = rng.standard_normal((n, 7, *(1,) * axes))
    for np_ in (np, MODULES["llvm"]):
        flat = x.reshape(n, w[0].size) @ w.reshape(7, w[0].size).T
        np.testing.assert_allclose(value("conv", np_, x, w, *params), flat.reshape(y.shape))
        found = value("conv_input", np_, y, w, size, *params)
        np.testing.assert_allclose(found, np.einsum("no,oc...->nc...", y.reshape(n, 7), w))
        found = value("conv_weight", np_, x, y, size, *params)
        np.testing.assert_allclose(found, np.einsum("nc...,no->oc...", x, y.reshape(n, 7)))


def test_one_function_for_all_sizes():
    def run(size, channels, window, stride):
        x, w = np.ones((1, channels, size, size)), np.ones((4, channels, window, window))
        value("conv", MODULES["llvm"], x, w, (stride,) * 2, ((1, 1),) * 2, (1, 1), 1)

    run(8, 5, 3, 1)
    with counting() as done:
        for size in range(8, 16):
            run(size, size, 1 + size % 3, 1 + size % 4)
    assert done.compilations == 0


def test_few_images_are_shared_out_by_rows():
    """One small image keeps several threads busy: the weights are cut."""
    job = convolution._products(
        (1, 64, 7, 7),
        (12544, 196, 28, 4),
        (512, 64, 3, 3),
        (7, 7),
        ((1, 1), ((1, 1),) * 2, (1, 1)),
        1,
        4,
    )
    assert job.units == 8
