"""Several virtual CPU devices: arrays are made on them, stay on them, and are never mixed."""

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config

pytestmark = pytest.mark.cpu("virtual devices of the CPU")
HERE = "cpu:2"


@pytest.fixture(autouse=True)
def three_devices() -> Iterator[None]:
    with config.context(cpu_devices=3):
        yield


def here(x: Any) -> xp.Array:
    return xp.asarray(np.asarray(x), device=HERE)


def on(out: Any) -> set[str]:
    """The devices of all arrays in a result."""
    if isinstance(out, xp.Array):
        np.asarray(out)
        return {str(out.device)}
    if isinstance(out, list | tuple):
        return set().union(*map(on, out))
    return set()


CREATE: dict[str, Callable[[Any], Any]] = {
    "arange": lambda d: xp.arange(5, device=d),
    "arange of floats": lambda d: xp.arange(0.0, 1.0, 0.25, device=d),
    "arange down": lambda d: xp.arange(5, 0, -2, dtype=xp.uint8, device=d),
    "asarray of a scalar": lambda d: xp.asarray(2.5, device=d),
    "asarray of a sequence": lambda d: xp.asarray([[1, 2], [3, 4]], device=d),
    "asarray of NumPy": lambda d: xp.asarray(np.arange(3), device=d),
    "asarray without a copy": lambda d: xp.asarray(np.arange(3), device=d, copy=False),
    "asarray in another dtype": lambda d: xp.asarray(np.arange(3), device=d, dtype=xp.float32),
    "empty": lambda d: xp.empty((2, 3), device=d),
    "eye": lambda d: xp.eye(3, 4, k=1, device=d),
    "from_dlpack": lambda d: xp.from_dlpack(np.arange(3.0), device=d),
    "full": lambda d: xp.full((2,), 7, device=d),
    "linspace": lambda d: xp.linspace(0, 1, 5, device=d),
    "ones": lambda d: xp.ones(3, device=d),
    "zeros": lambda d: xp.zeros(3, device=d),
    "empty_like": lambda d: xp.empty_like(xp.ones(2), device=d),
    "full_like": lambda d: xp.full_like(xp.ones(2), 3.0, device=d),
    "ones_like": lambda d: xp.ones_like(xp.ones(2), device=d),
    "zeros_like": lambda d: xp.zeros_like(xp.ones(2), device=d),
    "astype": lambda d: xp.astype(xp.ones(2), xp.int8, device=d),
    "fftfreq": lambda d: xp.fft.fftfreq(5, device=d),
    "rfftfreq": lambda d: xp.fft.rfftfreq(5, device=d),
    "to_device": lambda d: xp.ones(3).to_device(d or "cpu"),
}


@pytest.mark.parametrize("name", CREATE)
@pytest.mark.parametrize("device", [None, "cpu", "cpu:1", "cpu:2"])
def test_every_creation_function_takes_a_device(name, device):
    made = CREATE[name](device)
    assert on(made) == {device or "cpu"}
    if name not in ("empty", "empty_like"):
        np.testing.assert_array_equal(np.asarray(made), np.asarray(CREATE[name](None)))


@pytest.mark.parametrize("name", CREATE)
@pytest.mark.parametrize("device", ["cpu:3", "gpu", "cuda:0", "", "cpu:-1", "cpu:x"])
def test_unknown_devices_are_refused(name, device):
    if name == "to_device" and not device:
        return
    with pytest.raises(ValueError, match="device"):
        CREATE[name](device)


X = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])

PROPAGATE: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda x: [x + 1, 2.0 * x, x / x, -x, abs(x), x**2, x // 2, x % 2, 1 - x],
    "comparison": lambda x: [x < 1, x == x, x != 2, x >= 0.5],
    "functions": lambda x: [xp.sin(x), xp.where(x > 1, x, 0.0), xp.clip(x, 0, 1), xp.isnan(x)],
    "scalars first": lambda x: [xp.maximum(2.0, x), xp.pow(2.0, x), xp.atan2(1.0, x)],
    "reductions": lambda x: [xp.sum(x), xp.max(x, axis=0), xp.std(x), xp.argmin(x), xp.all(x)],
    "running": lambda x: [xp.cumulative_sum(x, axis=0, include_initial=True), xp.diff(x)],
    "shapes": lambda x: [x.T, xp.reshape(x, (9,)), xp.stack([x, x]), *xp.unstack(x), xp.roll(x, 1)],
    "broadcast": lambda x: xp.broadcast_arrays(x, x[0]),
    "repeats": lambda x: [xp.repeat(x, 2), xp.repeat(x, here([1, 0, 2]), axis=0)],
    "tiles": lambda x: [xp.tile(x, (2, 1)), xp.flip(x), xp.moveaxis(x, 0, 1)],
    "triangles": lambda x: [xp.tril(x), xp.triu(x, k=1), *xp.meshgrid(x[0], x[1])],
    "indexing": lambda x: [x[0], x[1:, ::2], x[..., None], x[[0, 2]], x[x > 1.0], x[:, 1]],
    "taking": lambda x: [
        xp.take(x, xp.asarray([0, 2], device=HERE), axis=1),
        xp.take_along_axis(x, xp.argsort(x), axis=-1),
    ],
    "sorting": lambda x: [xp.sort(x), xp.argsort(x), xp.searchsorted(xp.sort(x[0]), x[1])],
    "searching": lambda x: [*xp.nonzero(x), xp.count_nonzero(x), xp.isin(x, x[0])],
    "sets": lambda x: [xp.unique_values(x), *xp.unique_all(x), *xp.unique_counts(x)],
    "products": lambda x: [x @ x, xp.vecdot(x, x), xp.tensordot(x, x), xp.linalg.outer(x[0], x[1])],
    "linalg": lambda x: [
        xp.linalg.inv(x),
        xp.linalg.det(x),
        *xp.linalg.svd(x),
        *xp.linalg.qr(x),
        *xp.linalg.eigh(x),
        *xp.linalg.eig(x),
        xp.linalg.solve(x, x[0]),
        xp.linalg.cholesky(x),
        xp.linalg.pinv(x),
        xp.linalg.matrix_power(x, 3),
        xp.linalg.matrix_rank(x),
        xp.linalg.vector_norm(x),
        xp.linalg.trace(x),
        xp.linalg.cross(x, x),
    ],
    "fft": lambda x: [xp.fft.fft(x), xp.fft.irfft(xp.fft.rfft(x)), xp.fft.fftshift(x)],
    "likes": lambda x: [xp.zeros_like(x), xp.full_like(x, 2.0), xp.astype(x, xp.float32)],
    "asarray": lambda x: [xp.asarray(x), xp.asarray(x, copy=True), xp.asarray(x, dtype=xp.float32)],
    "copies": lambda x: [copy.copy(x), copy.deepcopy(x), x.copy(), x.astype(xp.int8)],
    "transforms": lambda x: [
        xp.grad(lambda a: xp.sum(a * a))(x),
        xp.vmap(lambda a: xp.sum(a))(x),
        *xp.jvp(xp.sin, (x,), (x,)),
        *xp.value_and_grad(lambda a: xp.sum(xp.exp(a)))(x),
        xp.jacobian(lambda a: a * 2.0)(x[0]),
    ],
    "beyond": lambda x: [xp.einsum("ij,jk->ik", x, x), xp.pad(x, 1), xp.median(x), xp.nansum(x)],
}  # fmt: skip


@pytest.mark.parametrize("mode", ["interpret", "compile"])
@pytest.mark.parametrize("name", PROPAGATE)
def test_results_are_where_their_arguments_are(name, mode):
    with config.context(execution=mode):
        assert on(PROPAGATE[name](here(X))) == {HERE}


def test_numpy_operands_come_to_the_arrays_device():
    assert on([here(X) + X, X * here(X), here(X) - np.float64(2.0), here(X)[np.array([0, 1])]]) == {
        HERE
    }


MIX: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "**": lambda x, y: x**y,
    "<": lambda x, y: x < y,
    "==": lambda x, y: x == y,
    "@": lambda x, y: x @ y,
    "+=": lambda x, y: x.__iadd__(y),
    "in another dtype": lambda x, y: x + xp.astype(y, xp.float32),
    "0-d": lambda x, y: x + y[0, 0],
    "add": xp.add,
    "atan2": xp.atan2,
    "maximum": xp.maximum,
    "where": lambda x, y: xp.where(x > 0, x, y),
    "where, the condition": lambda x, y: xp.where(y > 0, x, x),
    "clip": lambda x, y: xp.clip(x, y, 5.0),
    "concat": lambda x, y: xp.concat([x, y]),
    "stack": lambda x, y: xp.stack([x, y]),
    "take": lambda x, y: xp.take(x, xp.astype(y[0], xp.int64), axis=0),
    "an index": lambda x, y: x[xp.argsort(y[0])],
    "a value": lambda x, y: x.__setitem__(0, y[0]),
    "searchsorted": lambda x, y: xp.searchsorted(x[0], y[0]),
    "solve": xp.linalg.solve,
    "tensordot": xp.tensordot,
    "vecdot": xp.vecdot,
    "outer": lambda x, y: xp.linalg.outer(x[0], y[0]),
    "isin": xp.isin,
    "einsum": lambda x, y: xp.einsum("ij,jk->ik", x, y),
}


@pytest.mark.parametrize("name", MIX)
def test_devices_are_not_mixed(name):
    x, y = xp.asarray(X), here(X)
    for a, b in ((x, y), (y, x)):
        with pytest.raises(ValueError, match=r"(?s)cpu:2.*cpu|cpu.*cpu:2"):
            MIX[name](a, b)
    np.testing.assert_array_equal(np.asarray(x), X)
    np.testing.assert_array_equal(np.asarray(y), X)


@pytest.mark.parametrize("name", MIX)
def test_the_same_calls_on_one_device_are_taken(name):
    MIX[name](here(X), here(X))


def test_to_device_and_back():
    x = xp.asarray(X)
    y = (x * 2.0).to_device("cpu:1")
    assert on(y) == {"cpu:1"} and on(y.to_device("cpu")) == {"cpu"}
    assert y.to_device("cpu:1") is y
    assert y.device == "cpu:1" and repr(y.device) == "device('cpu:1')"
    np.testing.assert_array_equal(np.asarray(y), X * 2.0)
    z = y.to_device("cpu:2") + y.to_device("cpu:2")
    assert on(z) == {"cpu:2"}
    np.testing.assert_array_equal(np.asarray(z), X * 4.0)


def test_gradients_go_back_across_a_transfer():
    gradient = xp.grad(lambda a: xp.sum((a * a).to_device("cpu:1") * 3.0).to_device("cpu"))(
        xp.asarray(X)
    )
    assert on(gradient) == {"cpu"}
    np.testing.assert_array_equal(np.asarray(gradient), 6.0 * X)


def test_device_names_are_the_same_object():
    assert xp.ones(1, device="cpu:1").device is xp.zeros(2, device="cpu:1").device
    assert xp.ones(1, device="cpu:0").device is xp.ones(1).device
    assert xp.asarray([1.0], device=xp.ones(1, device="cpu:2").device).device == "cpu:2"


def test_the_namespace_lists_them():
    assert xp.__array_namespace_info__().devices() == ("cpu", "cpu:1", "cpu:2")
    assert xp.__array_namespace_info__().default_device() == "cpu"
    assert set(xp.__array_namespace_info__().dtypes(device="cpu:2")) == set(
        xp.__array_namespace_info__().dtypes()
    )


def test_a_device_is_gone_when_there_are_fewer():
    with config.context(cpu_devices=3):
        xp.ones(1, device="cpu:2")
    with config.context(cpu_devices=2), pytest.raises(ValueError, match="unknown device 'cpu:2'"):
        xp.ones(1, device="cpu:2")


def test_pickles_keep_their_device_where_there_is_one():
    data = pickle.dumps(here(X) + 1.0)
    again = pickle.loads(data)
    assert again.device == HERE
    np.testing.assert_array_equal(np.asarray(again), X + 1.0)
    with config.context(cpu_devices=1):
        assert pickle.loads(data).device == "cpu"


def test_virtual_cuda_devices():
    with config.context(virtual_cuda=2):
        assert xp.__array_namespace_info__().devices()[-2:] == ("cuda:0", "cuda:1")
        x = xp.asarray(X, device="cuda")
        assert x.device == "cuda:0" and (x + 1.0).to_device("cuda:1").device == "cuda:1"
        np.testing.assert_array_equal(np.asarray((x + 1.0).to_device("cuda:1")), X + 1.0)
        with pytest.raises(ValueError, match="the CUDA devices are 'cuda:0' to 'cuda:1'"):
            xp.ones(1, device="cuda:2")
    with pytest.raises(ValueError, match=r"no CUDA device here.*install lazytensor\[cuda12\]"):
        xp.ones(1, device="cuda")


def test_dlpack_names_the_cpu_for_all_of_them():
    assert here(X).__dlpack_device__() == (1, 0)
    np.testing.assert_array_equal(np.from_dlpack(here(X)), X)
    assert xp.from_dlpack(here(X)).device == HERE


def test_the_environment_variable():
    code = "import lazytensor as xp; print(*xp.__array_namespace_info__().devices(), sep=';')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "LAZYTENSOR_CPU_DEVICES": "4"},
        check=True,
    )
    assert done.stdout.strip() == "cpu;cpu:1;cpu:2;cpu:3"
