"""Memory shared with others: DLPack, buffers, files, beside PyTorch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as ours  # noqa: E402

LIBRARIES = [ours, torch]


def outcome(f, lib):
    """What a call gives, as plain data; an exception as its class and text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x = f(lib)
    except Exception as error:
        return type(error).__name__, str(error)
    if not isinstance(x, lib.Tensor):
        return x
    return x.tolist(), str(x.dtype), tuple(x.stride()), x.requires_grad


BYTES = b"12345678"
BUFFERS = [
    (BYTES, {"dtype": "int32"}),
    (BYTES + b"9", {"dtype": "int32"}),
    (BYTES + b"9", {"dtype": "int32", "offset": 1}),
    (BYTES, {"dtype": "int32", "count": 1, "offset": 4}),
    (BYTES, {"dtype": "int32", "count": 3}),
    (BYTES, {"dtype": "int32", "count": 0}),
    (BYTES, {"dtype": "int32", "count": -2}),
    (BYTES, {"dtype": "int32", "offset": 9}),
    (BYTES, {"dtype": "int32", "offset": -1}),
    (BYTES, {"dtype": "int32", "offset": 1}),
    (b"", {"dtype": "int32"}),
    (BYTES, {"dtype": "float32", "requires_grad": True}),
    (BYTES, {"dtype": "complex64"}),
    (BYTES, {"dtype": "bool"}),
]


@pytest.mark.parametrize(("data", "options"), BUFFERS)
def test_frombuffer(data, options):
    def call(lib):
        dtype = getattr(lib, options["dtype"])
        return lib.frombuffer(bytearray(data), **(options | {"dtype": dtype}))

    assert outcome(call, ours) == outcome(call, torch)


def test_frombuffer_takes_buffers_only():
    for lib in LIBRARIES:
        with pytest.raises(ValueError, match="does not implement Python buffer protocol"):
            lib.frombuffer(3, dtype=lib.int32)


def test_a_buffer_is_shared_and_one_that_is_constant_is_warned_of():
    for lib in LIBRARIES:
        data = bytearray(4)
        x = lib.frombuffer(data, dtype=lib.uint8)
        x[1] = 7
        data[2] = 9
        assert x.tolist() == list(data) == [0, 7, 9, 0]
    with pytest.warns(UserWarning, match="The given buffer is not writable"):
        ours.frombuffer(BYTES, dtype=ours.uint8)


CAPSULES = [
    lambda lib: lib.from_dlpack(lib.to_dlpack(lib.ones(2))),
    lambda lib: type(lib.to_dlpack(lib.ones(2, requires_grad=True))).__name__,
    lambda lib: tuple(lib.ones(2).__dlpack_device__()),
]
DLPACK = [
    lambda lib: lib.from_dlpack(np.arange(6.0).reshape(2, 3).T),
    lambda lib: lib.from_dlpack(np.arange(4, dtype=np.int16), copy=True),
    lambda lib: lib.utils.dlpack.from_dlpack(lib.ones(2, 3).mT),
    lambda lib: lib.from_dlpack(lib.tensor([True, False])),
    lambda lib: lib.from_dlpack(lib.tensor([1 + 2j])),
    lambda lib: lib.from_dlpack(np.arange(3.0), device="cpu"),
    lambda lib: lib.from_dlpack(3),
    lambda lib: lib.from_dlpack(lib.ones(2, requires_grad=True)),
]


OF_THE_HOST = pytest.mark.cpu("capsules of the host's memory")


@pytest.mark.parametrize(
    "call", [*(pytest.param(call, marks=OF_THE_HOST) for call in CAPSULES), *DLPACK]
)
def test_dlpack(call):
    assert outcome(call, ours) == outcome(call, torch)


@pytest.mark.parametrize("lib", LIBRARIES)
def test_dlpack_shares_memory(lib):
    a = np.arange(3.0)
    x = lib.from_dlpack(a)
    y = lib.from_dlpack(lib.to_dlpack(x))
    doubled = x * 2
    y[1] = 9
    a[0] = 5
    assert x.tolist() == y.tolist() == a.tolist() == [5, 9, 2]
    assert doubled.tolist() == [0, 2, 4]
    assert lib.from_dlpack(a, copy=True).data_ptr() != x.data_ptr() == y.data_ptr()


def test_between_libraries():
    x = torch.arange(4)
    y = ours.from_dlpack(x)
    z = torch.from_dlpack(y)
    y += 1
    assert x.tolist() == z.tolist() == [1, 2, 3, 4]
    assert np.from_dlpack(y).tolist() == [1, 2, 3, 4]


def in_file(shared, size, dtype="float32", name="data"):
    def call(lib, folder):
        path = folder / name
        if name == "data":
            path.write_bytes(np.arange(4, dtype=np.float32).tobytes())
        x = lib.from_file(str(path), shared, size, dtype=getattr(lib, dtype))
        x[0] = 3
        return (*x.tolist(), path.stat().st_size, path.read_bytes() if shared else None)

    return call


@pytest.mark.parametrize(
    "call",
    [
        in_file(False, 3),
        in_file(True, 4, "int32"),
        in_file(True, 6),
        in_file(True, 2, name="new"),
        in_file(False, 5),
        in_file(False, 2, name="none"),
    ],
)
def test_from_file(call, tmp_path):
    found = []
    for lib in LIBRARIES:
        folder = tmp_path / ("ours" if lib is ours else "theirs")
        folder.mkdir()
        text = str(outcome(lambda lib, at=folder: call(lib, at), lib))
        found.append(text.replace(str(folder), ""))
    assert found[0] == found[1]
