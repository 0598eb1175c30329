"""Memory that goes out and comes in: NumPy, DLPack, pickles, SciPy's compiled functions, views."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config


def test_scipy_gets_memory_that_it_could_write_to():
    signal = pytest.importorskip("scipy.signal")
    x = xp.asarray(np.sin(np.arange(30.0)))
    sos = signal.butter(3, 0.2, output="sos")
    got = np.asarray(signal.sosfilt(xp.asarray(sos), x))
    np.testing.assert_allclose(got, signal.sosfilt(sos, np.asarray(x)), rtol=1e-12)
    assert not np.asarray(x).flags.writeable


def test_views_of_another_dtype():
    x = np.arange(6.0).reshape(2, 3) + 1j
    ours = xp.asarray(x)
    np.testing.assert_array_equal(np.asarray(ours.view(float)), x.view(float))
    assert ours.view() is not ours and ours.view().dtype == x.dtype
    with pytest.raises(ValueError, match="view"):
        xp.asarray(np.ones((2, 3), np.float32)).view(np.float64)


@pytest.mark.cpu("NumPy shows its memory")
def test_asarray_of_numpy_reads_or_shares() -> None:
    n = np.arange(4.0)
    x = xp.asarray(n, copy=False)
    before = x * 2
    n[0] = 10
    after = x * 2
    assert before.tolist() == [0, 2, 4, 6]
    assert after.tolist() == [20, 2, 4, 6]
    assert x.tolist() == [10, 1, 2, 3]
    assert np.shares_memory(np.asarray(x), n)
    x[1] = -1
    assert n.tolist() == [10, 1, 2, 3]
    assert x.tolist() == [10, -1, 2, 3]


@pytest.mark.cpu("NumPy shows its memory")
def test_memory_whose_owner_is_gone_is_not_copied_again() -> None:
    x = xp.asarray(np.arange(100.0), copy=False)
    where = np.asarray(x).__array_interface__["data"][0]
    y = x + 0
    assert y.tolist() == list(range(100))
    assert np.asarray(x).__array_interface__["data"][0] == where
    assert x._node.args == ()


@pytest.mark.cpu("NumPy shows its memory")
def test_exposed_memory_is_read_when_the_function_is_called() -> None:
    n = np.arange(6.0).reshape(2, 3)
    x = xp.asarray(n, copy=False)
    results = [xp.exp(x), xp.sum(x, axis=0), x[0], x.T, xp.concat([x, x]), x.reshape(3, 2), -x]
    want = [np.array(np.asarray(f)) for f in (np.exp(n), n.sum(0), n[0], n.T)]
    n[:] = 0
    for got, expected in zip(results, want):
        np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-15)


@pytest.mark.cpu("NumPy shows its memory")
def test_numpy_gets_read_only_views() -> None:
    x = xp.arange(3.0)
    view = np.asarray(x)
    assert np.asarray(x).__array_interface__["data"] == view.__array_interface__["data"]
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
    copied = np.array(x)
    copied[0] = 5
    assert x.tolist() == [0, 1, 2]
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy=False"):
        np.asarray(x, dtype=np.float32, copy=False)
    assert np.asarray(x, copy=False) is not None


@pytest.mark.cpu("NumPy shows its memory")
def test_views_outlive_their_array() -> None:
    x = xp.ones(200_000) * 3
    view = np.asarray(x)
    capsule = np.from_dlpack(x)
    del x
    for _ in range(5):
        xp.materialize(xp.ones(200_000) * 7)
    assert (view == 3).all()
    assert (capsule == 3).all()


@pytest.mark.cpu("NumPy shows its memory")
@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint64", "float32", "float64", "complex64", "float16"]
)
def test_dlpack_both_ways(dtype: str) -> None:
    n = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    x = xp.asarray(n)
    there = np.from_dlpack(x)
    assert not there.flags.writeable
    np.testing.assert_array_equal(there, n)
    assert np.shares_memory(there, np.asarray(x))
    back = xp.from_dlpack(n)
    assert (back.dtype, back.device) == (n.dtype, "cpu")
    assert np.shares_memory(np.asarray(back), n)
    twice = xp.from_dlpack(n, copy=True)
    n[0, 0] = 1
    assert bool(back[0, 0]) is True
    assert bool(twice[0, 0]) is False


@pytest.mark.cpu("NumPy shows its memory")
def test_dlpack_arguments() -> None:
    x = xp.arange(3.0)
    kind, index = x.__dlpack_device__()
    assert (int(kind), index) == (1, 0)
    assert xp.from_dlpack(x) is x
    assert xp.from_dlpack(x, copy=True) is not x
    for version in (None, (0, 8), (1, 0), (1, 1)):
        for wanted in (None, True, False):
            assert "dltensor" in repr(x.__dlpack__(max_version=version, copy=wanted))
    assert x.__dlpack__(dl_device=(1, 0)) is not None
    with pytest.raises(BufferError, match="CPU"):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(ValueError, match="stream"):
        x.__dlpack__(stream=3)
    with pytest.raises(TypeError, match="__dlpack__"):
        xp.from_dlpack([1, 2])
    with pytest.raises(ValueError, match="tpu"):
        xp.from_dlpack(np.ones(2), device="tpu")


@pytest.mark.cpu("NumPy shows its memory")
def test_constants_never_share_memory_that_may_be_written_to() -> None:
    for x in (xp.asarray(1.5), xp.ones(3)):
        assert "dltensor" in repr(x.__dlpack__(copy=False))
    assert xp.asarray(1.5).tolist() == 1.5
    assert xp.asarray(1.5)._node.value.flags.writeable is False


def test_malformed_producers() -> None:
    class Broken:
        def __init__(self, answer: object) -> None:
            self.answer = answer

        def __dlpack__(self, **kwargs: object) -> object:
            return self.answer

        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

    for answer in (None, 3, "capsule", object()):
        with pytest.raises((TypeError, ValueError, BufferError)):
            xp.from_dlpack(Broken(answer))
    with pytest.raises(BufferError):
        xp.from_dlpack(np.array(["a"]))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol: int) -> None:
    x = xp.arange(6).reshape(2, 3) * 2
    y = pickle.loads(pickle.dumps(x, protocol))
    assert (y.dtype, y.device, y.tolist()) == (x.dtype, x.device, x.tolist())
    y += 1
    assert (y - x).tolist() == [[1] * 3] * 2


def test_pickles_keep_the_device_where_it_is_there() -> None:
    with config.context(cpu_devices=2):
        data = pickle.dumps(xp.ones(2, device="cpu:1"))
        assert pickle.loads(data).device == "cpu:1"


def test_numpy_files(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", xp.arange(5))
    assert np.load(tmp_path / "x.npy").tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(xp.arange(3), [0, 1, 2])
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(xp.arange(3), [0, 1, 3])


def test_copies_in_every_way() -> None:
    x = xp.arange(3.0) + 1
    for made in (copy.copy(x), copy.deepcopy(x), copy.deepcopy([x])[0]):
        made[0] = 9
        assert x.tolist() == [1, 2, 3]


def test_scipy_writes_through_a_slice_given_as_output():
    ndimage = pytest.importorskip("scipy.ndimage")
    x = np.arange(20.0).reshape(4, 5)
    out, want = xp.zeros((4, 5)), np.zeros((4, 5))
    ndimage.gaussian_filter(xp.asarray(x[:2]), 1.0, output=out[1:3])
    ndimage.gaussian_filter(x[:2], 1.0, output=want[1:3])
    np.testing.assert_array_equal(np.asarray(out), want)
