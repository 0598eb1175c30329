"""torch.save and torch.load: both formats, both ways against PyTorch; what no file may do."""

import collections
import contextlib
import copy
import io
import pickle
import random
import struct
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from lazytensor.torch import _pickle, _restore, _zip, serialization
from lazytensor.torch._checkpoint import DTYPES, StorageSpec, TensorSpec
from lazytensor.torch._pickle import Name
from lazytensor.torch.serialization import load, save

# Of PyTorch: one is asked for because this folder itself would else pass for the module.
VERSION = "2.13"


class Tensor:
    """A tensor of the plain face: bytes, and which of them it shows."""

    def __init__(self, data, dtype, offset, size, stride, requires_grad=False, metadata=None):
        self.data, self.dtype, self.metadata = data, dtype, metadata or {}
        self.offset, self.size, self.stride = offset, size, stride
        self.requires_grad, self.state = requires_grad, {}

    def numpy(self):
        flat = self.data.view(np.dtype(self.dtype))[self.offset :]
        strides = [n * flat.itemsize for n in self.stride]
        return np.lib.stride_tricks.as_strided(flat, self.size, strides)


class Parameter(Tensor):
    pass


class Storage(collections.namedtuple("Storage", "data dtype")):
    __slots__ = ()


class Size(tuple):
    __slots__ = ()


class Plain:
    """A face whose tensors are the above: no PyTorch needed."""

    def __init__(self):
        self.places = []
        dtypes = {f"torch.{name}": types.SimpleNamespace(name=name) for name in DTYPES}
        self.constants = {
            **dtypes, "torch.Size": Size, "torch.device": lambda *a: ("device", *a),
            "torch.Tensor": Tensor, "torch.nn.parameter.Parameter": Parameter,
        }  # fmt: skip

    def describe(self, value):
        if isinstance(value, Tensor):
            storage = self._storage(value.data)
            return TensorSpec(
                storage, value.dtype, value.offset, value.size, value.stride, value.requires_grad,
                isinstance(value, Parameter), value.metadata, None, value.state,
            )  # fmt: skip
        if type(value) is Storage:
            return self._storage(value.data)._replace(dtype=value.dtype)
        return (Name.of("torch.Size"), (tuple(value),)) if type(value) is Size else None

    def _storage(self, data):
        return StorageSpec(id(data), data.nbytes, lambda: data)

    def storage(self, data, dtype):
        return data

    def place(self, storage, location):
        self.places.append(location)
        return storage if location == "meta" else None

    def typed(self, storage, dtype):
        return Storage(storage, dtype)

    def tensor(self, *args):
        return Tensor(*args)

    def parameter(self, data, requires_grad):
        return Parameter(data.data, data.dtype, data.offset, data.size, data.stride, requires_grad)

    def restored(self, tensor, subclass, state):
        tensor.state = state
        return tensor


def tensor_of(array):
    array = np.asarray(array)
    data = np.frombuffer(array.tobytes(), np.uint8)
    stride = tuple(n // array.itemsize for n in np.empty(array.shape, array.dtype).strides)
    return Tensor(data, array.dtype.name, 0, array.shape, stride)


@contextlib.contextmanager
def connected(face):
    before = serialization._State.tensors
    serialization.connect(face)
    try:
        yield face
    finally:
        serialization._State.tensors = before


@pytest.fixture
def plain():
    with connected(Plain()) as face:
        yield face


def saved(value, **options):
    file = io.BytesIO()
    save(value, file, **options)
    return file.getvalue()


def again(value, **options):
    return load(io.BytesIO(saved(value, **options)))


FORMATS = pytest.mark.parametrize("zipped", [True, False])


@FORMATS
def test_containers_come_back(plain, zipped):
    value = {
        "none": None, "bools": [True, False], 3: -(2**70), "ints": (0, 255, 256, 70000, -1, 2**31),
        "floats": [0.5, -0.0, float("inf")], "text": "αβ\ud800", "bytes": b"\x00\xff",
        "array": bytearray(b"abc"), "set": {1, "a", (2, 3)}, "complex": 1 - 2j, (): {},
        "ordered": OrderedDict(a=1, b=OrderedDict()), "counter": collections.Counter("abca"),
        "size": Size((1, 2)), "many": list(range(3000)), ("a", (1, 2)): [[[]]],
    }  # fmt: skip
    found = again(value, _use_new_zipfile_serialization=zipped)
    assert repr(found) == repr(value)
    assert type(found["size"]) is Size and type(found["counter"]) is collections.Counter


@FORMATS
def test_what_is_shared_stays_shared(plain, zipped):
    x = tensor_of(np.arange(12.0))
    y = Tensor(x.data, "float64", 1, (3, 2), (1, 4))
    inner = [x]
    a, b, c, d = again([x, y, inner, inner], _use_new_zipfile_serialization=zipped)
    assert a.data is b.data and c is d and c[0] is a
    assert (b.offset, b.size, b.stride) == (1, (3, 2), (1, 4))
    assert np.array_equal(b.numpy(), np.arange(12.0)[1:].reshape(-1)[[[0, 4], [1, 5], [2, 6]]])


def test_a_value_may_hold_itself(plain):
    value = [1, {}]
    value[1]["me"] = value
    found = again(value)
    assert found[1]["me"] is found


def test_attributes_of_dictionaries_and_tensors(plain):
    value = OrderedDict(w=tensor_of([1.0]))
    value._metadata = OrderedDict({"": {"version": 1}})
    value["w"].state = {"name": "w"}
    value["p"] = Parameter(tensor_of([2.0]).data, "float64", 0, (1,), (1,), True)
    value["p"].state = {"lr": 2}
    found = again(value)
    assert found._metadata == value._metadata
    assert found["w"].state == {"name": "w"}
    assert type(found["p"]) is Parameter and found["p"].state == {"lr": 2}
    assert found["p"].requires_grad


def test_one_memory_as_two_dtypes_is_refused(plain):
    x = tensor_of(np.arange(4.0))
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        saved([x, Tensor(x.data, "int64", 0, (4,), (1,))])


def test_hooks_are_warned_of(plain, monkeypatch):
    spec = plain.describe(tensor_of([1.0]))._replace(hooks=(print,))
    with pytest.warns(UserWarning, match="print.* on tensor will not be serialized"):
        saved(spec)


def test_nothing_is_opened_for_what_cannot_be_pickled(plain, tmp_path):
    path = tmp_path / "kept.pt"
    save(1, path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save(lambda: 0, path)
    assert load(path) == 1


def test_paths_and_files(plain, tmp_path):
    for name in ("a.b.pt", "noext", "ü.pt"):
        save([name], tmp_path / name)
        assert load(str(tmp_path / name)) == [name]
    with pytest.raises(RuntimeError, match="Parent directory .* does not exist"):
        save(1, tmp_path / "no" / "x.pt")
    with pytest.raises(RuntimeError, match="Is a directory"):
        save(1, tmp_path)
    with pytest.raises(RuntimeError, match="invalid file name"):
        save(1, tmp_path / ".pt")
    with pytest.raises(AttributeError, match="'write' attribute"):
        save(1, object())
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.pt")
    with pytest.raises(AttributeError, match="seekable"):
        load(object())
    with pytest.raises(NotImplementedError, match="pickle_module"):
        save(1, io.BytesIO(), pickle_module=types)


def test_files_that_only_read_and_seek(plain):
    class Few:
        def __init__(self, data):
            inner = io.BytesIO(data)
            self.read, self.readline, self.seek, self.tell = (
                inner.read, inner.readline, inner.seek, inner.tell,
            )  # fmt: skip

    for zipped in (True, False):
        data = saved(tensor_of(np.arange(5.0)), _use_new_zipfile_serialization=zipped)
        assert np.array_equal(load(Few(data)).numpy(), np.arange(5.0))


def test_archives_in_zip64_form(plain, monkeypatch, tmp_path):
    monkeypatch.setattr(_zip, "LIMIT", 100)
    x = tensor_of(np.arange(100.0))
    data = saved([x, tensor_of([1.0])])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
    a, b = load(io.BytesIO(data))
    assert np.array_equal(a.numpy(), x.numpy()) and b.numpy() == 1
    torch = pytest.importorskip("torch", minversion=VERSION)
    assert torch.load(io.BytesIO(data))[0].tolist() == list(range(100))


def test_records_start_at_multiples_of_64(plain):
    data = saved({n: tensor_of(np.full(n, 7.0)) for n in range(9)})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            head = data[entry.header_offset :]
            start = entry.header_offset + 30 + sum(struct.unpack("<2H", head[26:30]))
            assert start % 64 == 0
            assert data[start : start + entry.file_size] == archive.read(entry)


def test_mapped_files(plain, tmp_path):
    path = tmp_path / "x.pt"
    save([tensor_of(np.arange(9.0)), tensor_of(np.arange(3, dtype=np.int8))], path)
    a, b = load(path, mmap=True)
    assert np.array_equal(a.numpy(), np.arange(9.0)) and b.numpy()[2] == 2
    assert type(a.data) is np.ndarray and not a.data.flags.owndata
    a.data[:] = 0
    assert load(path)[0].numpy()[3] == 3
    with pytest.raises(ValueError, match="f must be a file path"):
        load(io.BytesIO(path.read_bytes()), mmap=True)
    save(1, path, _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used"):
        load(path, mmap=True)


def test_mapped_files_of_other_zip_writers(plain, tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(repacked(BASE, lambda name, x: x))
    assert np.array_equal(load(path, mmap=True).numpy(), np.arange(8.0))
    path.write_bytes(repacked(BASE, lambda name, x: x, zipfile.ZIP_DEFLATED))
    with pytest.raises(RuntimeError, match="can't be mapped"):
        load(path, mmap=True)


def test_several_legacy_values_in_one_file(plain):
    file = io.BytesIO()
    for n in range(3):
        save([n, tensor_of(np.arange(n))], file, _use_new_zipfile_serialization=False)
    file.seek(0)
    assert [load(file)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(EOFError):
        load(file)


def test_places(plain):
    data = saved(tensor_of([1.0]))
    seen = []
    load(io.BytesIO(data), map_location=lambda storage, place: seen.append(place))
    assert seen == ["cpu"]
    other = np.zeros(8, np.uint8)
    assert load(io.BytesIO(data), map_location=lambda storage, place: other).data is other
    load(io.BytesIO(data), map_location={"cpu": "meta"})
    load(io.BytesIO(data), map_location="meta")
    load(io.BytesIO(data), map_location={"cuda:0": "meta"})
    assert plain.places == ["meta", "meta"]
    with pytest.raises(RuntimeError, match="deserialize object on a CUDA device"):
        load(io.BytesIO(data), map_location="cuda:1")
    with pytest.raises(RuntimeError, match=r"restore data location .*tagged with weird"):
        load(io.BytesIO(data), map_location="weird")


def repacked(data, change, kind=zipfile.ZIP_STORED):
    """An archive with each record (name, bytes) changed; None leaves it out."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", kind) as new:
        for entry in old.infolist():
            found = change(entry.filename, old.read(entry))
            if found is not None:
                new.writestr(entry.filename, found)
    return file.getvalue()


def with_pickle(value, payload):
    return repacked(saved(value), lambda name, x: payload if name.endswith("data.pkl") else x)


def test_another_byte_order(plain):
    x = [tensor_of(np.arange(5.0)), tensor_of(np.arange(3) + 2j), tensor_of(np.int8([1, 2]))]
    other = {"little": b"big", "big": b"little"}[sys.byteorder]

    def change(name, data):
        if name.endswith("byteorder"):
            return other
        if "/data/" in name:
            return np.frombuffer(data, "u1" if len(data) < 8 else "u8").byteswap().tobytes()
        return data

    found = load(io.BytesIO(repacked(saved(x), change)))
    for a, b in zip(found, x):
        assert np.array_equal(a.numpy(), b.numpy())
    bad = repacked(saved(1), lambda name, d: b"x" if name.endswith("byteorder") else d)
    with pytest.raises(ValueError, match="Unknown endianness type: x"):
        load(io.BytesIO(bad))


def test_assumed_byte_order(plain):
    data = saved(tensor_of([1.0]), _disable_byteorder_record=True)
    assert load(io.BytesIO(data)).numpy() == 1
    serialization.set_default_load_endianness(serialization.LoadEndianness.BIG)
    try:
        assert load(io.BytesIO(data)).numpy() != 1
    finally:
        serialization.set_default_load_endianness(None)
    assert serialization.get_default_load_endianness() is None
    with pytest.raises(TypeError):
        serialization.set_default_load_endianness("big")


def test_compressed_archives(plain, monkeypatch):
    data = repacked(saved(tensor_of(np.zeros(10_000))), lambda n, x: x, zipfile.ZIP_DEFLATED)
    assert not load(io.BytesIO(data)).numpy().any()
    monkeypatch.setattr(_zip, "INFLATED", 1000)
    with pytest.raises(RuntimeError, match="takes 8.* bytes in memory"):
        load(io.BytesIO(data))


class Foreign:
    def __init__(self, x=0):
        self.x = x


def triple(x):
    return 3 * x


class Calls:
    def __reduce__(self):
        return triple, (5,)


@FORMATS
def test_refused_globals_are_named(plain, zipped):
    name = f"{__name__}.Foreign"
    data = saved([Foreign()], _use_new_zipfile_serialization=zipped)
    for only in (None, True, False):
        with pytest.raises(pickle.UnpicklingError) as caught:
            load(io.BytesIO(data), weights_only=only)
        assert (
            f"Unsupported global: GLOBAL {name} was not an allowed global by default. Please use "
            f"`torch.serialization.add_safe_globals([{name}])`" in str(caught.value)
        )
    assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == [name]


@FORMATS
def test_what_the_user_vouches_for(plain, zipped):
    data = saved([Foreign(4), Calls()], _use_new_zipfile_serialization=zipped)
    with serialization.safe_globals([Foreign, triple]):
        found = load(io.BytesIO(data))
        assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == []
    assert found[0].x == 4 and found[1] == 15
    assert serialization.get_safe_globals() == []
    with pytest.raises(pickle.UnpicklingError):
        load(io.BytesIO(data))
    serialization.add_safe_globals([(Foreign, "other.Name")])
    assert serialization.get_safe_globals() == [(Foreign, "other.Name")]
    renamed = pickle_of(b"cother\nName\n)\x81}X\x01\x00\x00\x00xK\x07sb.")
    assert load(io.BytesIO(renamed)).x == 7
    serialization.clear_safe_globals()
    for bad, error in ((((1,)), ValueError), ((Foreign, 1), TypeError)):
        with serialization.safe_globals([bad]), pytest.raises(error):
            load(io.BytesIO(data))


def test_numpy_scalars_when_vouched_for(plain):
    value = [np.float64(1.5), np.int32(7)]
    data = saved(value)
    with pytest.raises(pickle.UnpicklingError, match="GLOBAL numpy"):
        load(io.BytesIO(data))
    names = [np._core.multiarray.scalar, np.dtype, type(np.dtype("f8")), type(np.dtype("i4"))]
    with serialization.safe_globals(names):
        assert load(io.BytesIO(data)) == value


def test_the_table_is_small(plain):
    for extra in list(plain.constants):
        if "float8" in extra or "complex32" in extra:
            del plain.constants[extra]
    assert len(_restore.known_names(plain)) <= 60


# What a file may not do ------------------------------------------------------------------------


def pickle_of(body, legacy=False):
    """An archive whose pickle has these instructions."""
    return repacked(BASE, lambda name, x: b"\x80\x02" + body if name.endswith("data.pkl") else x)


with connected(Plain()):
    BASE = saved(tensor_of(np.arange(8.0)))


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


def number(n):
    data = n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def storage(key="0", numel=8, kind="torch\nDoubleStorage", where="cpu"):
    parts = (text("storage"), f"c{kind}\n".encode(), text(key), text(where), number(numel))
    return b"(" + b"".join(parts) + b"tQ"


def tensor(offset=0, size=(8,), stride=(1,), store=None, name="_rebuild_tensor_v2", more=b""):
    store = storage() if store is None else store
    shapes = b"".join(b"(" + b"".join(map(number, s)) + b"t" for s in (size, stride))
    hooks = b"ccollections\nOrderedDict\n)R"
    args = b"(" + store + number(offset) + shapes + b"\x89" + hooks + more + b"t"
    return f"ctorch._utils\n{name}\n".encode() + args + b"R."


def bomb(levels):
    """A tuple of two, each of which is the same tuple of two, and so on."""
    return b")" + b"".join(b"q%c" % n + b"h%c" % n + b"\x86" for n in range(levels))


OD = b"ccollections\nOrderedDict\n"
HOSTILE = {
    "system": b"cos\nsystem\nX\x04\x00\x00\x00true\x85R.",
    "posix": b"cposix\nsystem\nX\x04\x00\x00\x00true\x85R.",
    "eval": b"c__builtin__\neval\nX\x01\x00\x00\x001\x85R.",
    "exec": b"cbuiltins\nexec\nX\x01\x00\x00\x001\x85R.",
    "getattr": b"cbuiltins\ngetattr\n.",
    "import": b"c__builtin__\n__import__\nX\x02\x00\x00\x00os\x85R.",
    "dotted": b"ccollections\nOrderedDict.fromkeys\n.",
    "dotted module": b"ctorch.serialization\nos.system\n.",
    "subprocess": b"csubprocess\nPopen\nX\x04\x00\x00\x00true\x85R.",
    "global chain": b"ccollections\nOrderedDict\ncfunctools\npartial\n.",
    "load from bytes": b"ctorch.storage\n_load_from_bytes\nX\x00\x00\x00\x00\x85R.",
    "call of a value": b"K\x01)R.",
    "call of a text": text("os.system") + text("true") + b"\x85R.",
    "call of a dtype": b"ctorch\nfloat32\n)R.",
    "call of a tensor class": b"ctorch\nTensor\n)R.",
    "arguments no tuple": OD + b"]R.",
    "new of a function": b"ctorch._utils\n_rebuild_tensor_v2\n)\x81.",
    "new of a text": text("x") + b")\x81.",
    "build of a list": b"]}b.",
    "build of a class": OD + b"}b.",
    "build of a set": b"\x8f}b.",
    "dunder state": OD + b")R}" + text("__class__") + b"K\x01sb.",
    "state bomb": OD + b")R}" + bomb(60) + b"K\x01sb.",
    "state no dict": OD + b")R]b.",
    "append to a dict": b"}K\x01a.",
    "extend a tuple": b")(K\x01e.",
    "set item of a list": b"]K\x01K\x02s.",
    "odd items": b"}(K\x01u.",
    "key of lists": b"}]K\x02s.",
    "no mark": b"K\x01e.",
    "empty stack": b"0.",
    "stop at nothing": b".",
    "tuple of nothing": b"\x87.",
    "memo of nothing": b"h\x05.",
    "put of nothing": b"q\x05.",
    "no end": b"}",
    "long name": b"c" + b"a" * 10_000 + b"\nb\n.",
    "unended name": b"cos",
    "text beyond the end": b"X\xff\xff\xff\x7fab",
    "text no utf-8": b"X\x01\x00\x00\x00\xff.",
    "frame": b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
    "stack global": text("os") + text("system") + b"\x93.",
    "inst": b"(ios\nsystem\n.",
    "obj": b"(" + OD + b"o.",
    "extension": b"\x82\x01.",
    "text persistent id": b"Pos.system\n.",
    "persistent text": text("x") + b"Q.",
    "persistent module": b"(" + text("module") + OD + b"tQ.",
    "persistent nothing": b")Q.",
    "key bomb": b"}" + bomb(60) + b"K\x01s.",
    "set bomb": b"cbuiltins\nset\n]" + bomb(60) + b"a\x85R.",
    "counter bomb": b"ccollections\nCounter\n" + bomb(60) + b"\x85R.",
    "refused bomb": bomb(60) + b")R.",
    "deep key": b"})" + b"\x85" * 20_000 + b"K\x01s.",
    "many sets": b"]("
    + b"K\x01" * 3000
    + b"eq\x00"
    + b"cbuiltins\nset\nq\x01\x86"
    + b"h\x01h\x00\x85R" * 300
    + b".",
    "bytearray of a size": b"cbuiltins\nbytearray\n" + number(2**40) + b"\x85R.",
    "codec": b"c_codecs\nencode\n" + text("x") + text("zip") + b"\x86R.",
    "codec of bytes": b"c_codecs\nencode\nK\x01" + text("latin1") + b"\x86R.",
    "complex of text": b"cbuiltins\ncomplex\n" + text("1") + b"\x85R.",
    "ordered of a text": OD + text("ab") + b"\x85R.",
    "ordered of no pairs": OD + b"](K\x01e\x85R.",
    "size of texts": b"ctorch\nSize\n](" + text("a") + b"e\x85R.",
    "device of a list": b"ctorch\ndevice\n]\x85R.",
    "huge storage": tensor(store=storage(numel=2**61)),
    "overflowing storage": tensor(store=storage(numel=2**80)),
    "negative storage": tensor(store=storage(numel=-1)),
    "larger storage": tensor(size=(9,), store=storage(numel=9)),
    "smaller storage": tensor(size=(2,), store=storage(numel=2)),
    "storage not there": tensor(store=storage(key="1")),
    "storage elsewhere": tensor(store=storage(key="../../etc/passwd")),
    "storage at an absolute path": tensor(store=storage(key="/etc/passwd")),
    "storage of no class": tensor(store=storage(kind="torch\nSize")),
    "storage of an unknown class": tensor(store=storage(kind="torch\nWeirdStorage")),
    "two sizes of a storage": b"]" + storage() + b"a" + storage(numel=4) + b"a.",
    "no storage": tensor(store=b"K\x01"),
    "beyond the end": tensor(size=(9,)),
    "offset beyond the end": tensor(offset=1),
    "stride beyond the end": tensor(stride=(2,)),
    "huge offset": tensor(offset=2**62),
    "overflowing offset": tensor(offset=2**64 - 1),
    "negative offset": tensor(offset=-1),
    "negative stride": tensor(stride=(-1,)),
    "negative size": tensor(size=(-1,)),
    "overflowing stride": tensor(stride=(2**63,)),
    "sum that overflows": tensor(size=(2**62, 2**62), stride=(4, 4)),
    "overflowing size": tensor(size=(2**62, 2**62), stride=(0, 0)),
    "strides missing": tensor(stride=()),
    "sizes of texts": tensor().replace(number(8) + b"t(", text("a") + b"t("),
    "metadata of a list": tensor(more=b"]"),
    "metadata unknown": tensor(more=b"}" + text("x") + b"\x88s"),
    "too many arguments": tensor(more=b"NNN"),
    "dtype no dtype": tensor(name="_rebuild_tensor_v3", more=b"K\x01"),
    "parameter of no tensor": b"ctorch._utils\n_rebuild_parameter\nK\x01\x88N\x87R.",
    "type of no tensor": b"ctorch._tensor\n_rebuild_from_type_v2\n(" + OD + OD + b")}tR.",
    "quantized": b"ctorch._utils\n_rebuild_qtensor\n.",
    "sparse": b"ctorch._utils\n_rebuild_sparse_tensor\n.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused(plain, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((pickle.UnpicklingError, RuntimeError)) as caught:
        load(io.BytesIO(pickle_of(HOSTILE[name])))
    assert 10 < len(str(caught.value)) < 2000
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_legacy_pickles_are_refused(plain, name):
    """The same in the older format; what it takes of storages is in the file's keys."""
    head = b"".join(pickle.dumps(x, 2) for x in (_restore.MAGIC, _restore.PROTOCOL, {}))
    bytes_of = struct.pack("<q", 8) + np.arange(8.0).tobytes()
    for keys in (["0"], []):
        tail = pickle.dumps(keys, 2) + bytes_of * len(keys)
        with pytest.raises((pickle.UnpicklingError, RuntimeError, EOFError)):
            load(io.BytesIO(head + b"\x80\x02" + HOSTILE[name] + tail))


def test_the_honest_form_of_these_loads(plain):
    """The tests above refuse for their own reasons: what they start from is fine."""
    assert load(io.BytesIO(pickle_of(tensor()))).size == (8,)
    expanded = load(io.BytesIO(pickle_of(tensor(size=(2**40,), stride=(0,)))))
    assert expanded.size == (2**40,)
    found = load(io.BytesIO(pickle_of(tensor(more=b"}" + text("conj") + b"\x88s"))))
    assert found.metadata == {"conj": True}


def test_other_protocols_are_warned_of(plain):
    with (
        pytest.warns(UserWarning, match="protocol 4"),
        pytest.raises(pickle.UnpicklingError, match="Unsupported operand 149"),
    ):
        again({"a": [1]}, pickle_protocol=4)


ARCHIVES = {
    "no data.pkl": lambda n, x: None if n.endswith("data.pkl") else x,
    "no storage": lambda n, x: None if n.endswith("data/0") else x,
    "short storage": lambda n, x: x[:12] if n.endswith("data/0") else x,
    "long storage": lambda n, x: x * 2 if n.endswith("data/0") else x,
    "byte order": lambda n, x: b"?" if n.endswith("byteorder") else x,
    "script": lambda n, x: x,
}


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_corrupt_archives_are_refused(plain, name, kind):
    data = repacked(BASE, ARCHIVES[name], kind)
    if name == "script":
        file = io.BytesIO(data)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("archive/constants.pkl", b"")
        data = file.getvalue()
    with pytest.raises((RuntimeError, ValueError)):
        load(io.BytesIO(data))


def test_names_that_lead_elsewhere_are_ignored(plain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = io.BytesIO(BASE)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("archive/../../x", b"x")
        archive.writestr("/etc/x", b"x")
    assert load(io.BytesIO(file.getvalue())).size == (8,)
    assert not list(tmp_path.iterdir())


def test_overlapping_and_lying_records_are_refused(plain):
    place = BASE.rindex(b"PK\x01\x02")
    first = BASE.index(b"PK\x01\x02")
    last = bytearray(BASE)
    last[place + 42 : place + 46] = struct.pack("<I", 0)
    huge = bytearray(BASE)
    for at in (20, 24):
        huge[first + at : first + at + 4] = struct.pack("<I", 2**31)
    inflated = bytearray(BASE)
    inflated[first + 10 : first + 12] = struct.pack("<H", 8)
    inflated[first + 24 : first + 28] = struct.pack("<I", 2**32 - 2)
    for data in (last, huge, inflated):
        with pytest.raises(RuntimeError):
            load(io.BytesIO(bytes(data)))


def test_flipped_storage_bytes_are_noticed(plain):
    data = bytearray(BASE)
    place = BASE.index(np.arange(8.0).tobytes())
    data[place + 10] ^= 4
    with pytest.raises(RuntimeError, match="checksum"):
        load(io.BytesIO(bytes(data)))


@FORMATS
def test_truncated_files_are_refused(plain, zipped):
    data = saved([tensor_of(np.arange(6.0)), "text"], _use_new_zipfile_serialization=zipped)
    for n in range(0, len(data) - 1, 7):
        with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError)):
            load(io.BytesIO(data[:n]))


@FORMATS
def test_random_corruptions_raise_or_load(plain, zipped):
    """What is hit may not matter; nothing but tensors and containers ever comes, nor a crash."""
    data = saved({"a": tensor_of(np.arange(6.0))}, _use_new_zipfile_serialization=zipped)
    refusals = (RuntimeError, EOFError, ValueError, pickle.UnpicklingError, OSError)
    random_ = random.Random(0)
    for _ in range(400):
        found = bytearray(data)
        for _ in range(random_.randint(1, 4)):
            found[random_.randrange(len(found))] = random_.randrange(256)
        with contextlib.suppress(*refusals, UserWarning):
            load(io.BytesIO(bytes(found)))


@pytest.mark.parametrize(
    "data", [b"hello world", b"", pickle.dumps({"a": 1}, 2), b"PK\x05\x06" + bytes(18)]
)
def test_other_files_are_refused(plain, data):
    with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError)):
        load(io.BytesIO(data))


def test_tar_files_are_refused(plain):
    with pytest.raises(RuntimeError, match=r"legacy \.tar format"):
        load(io.BytesIO(bytes(257) + b"ustar" + bytes(300)))


def test_arguments_of_load(plain):
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        load(io.BytesIO(BASE), foo=1)
    with pytest.raises(RuntimeError, match="explicit pickle_module"):
        load(io.BytesIO(BASE), pickle_module=pickle, weights_only=True)
    with pytest.raises(NotImplementedError, match="pickle_module"):
        load(io.BytesIO(BASE), pickle_module=types)
    with pytest.raises(NotImplementedError, match="safetensors"):
        load("model.safetensors")
    assert load(io.BytesIO(BASE), weights_only=False, encoding="latin1").size == (8,)
    assert load(io.BytesIO(BASE), pickle_module=pickle).size == (8,)


def test_a_face_must_be_connected(monkeypatch):
    monkeypatch.setattr(serialization._State, "tensors", None)
    monkeypatch.setattr(serialization, "__package__", "nothing.that.is.loaded")
    with pytest.raises(RuntimeError, match="no face"):
        save(1, io.BytesIO())


def test_a_survey_builds_nothing(plain):
    noted = _pickle.Survey(_pickle.bounded(io.BytesIO(HOSTILE["subprocess"])))
    noted.load()
    assert noted.names == {"subprocess.Popen"}


# With PyTorch ----------------------------------------------------------------------------------


class Real:
    """A face whose tensors are PyTorch's own."""

    def __init__(self, torch):
        self.torch = torch
        self.constants = {f"torch.{name}": getattr(torch, name) for name in DTYPES}
        self.constants |= {
            "torch.Size": torch.Size, "torch.device": torch.device, "torch.Tensor": torch.Tensor,
            "torch.nn.parameter.Parameter": torch.nn.Parameter,
        }  # fmt: skip

    def describe(self, value):
        torch = self.torch
        if isinstance(value, torch.Tensor):
            metadata = {"conj": value.is_conj(), "neg": value.is_neg()}
            return TensorSpec(
                self._storage(value.untyped_storage()), str(value.dtype)[6:],
                value.storage_offset(), tuple(value.shape), value.stride(), value.requires_grad,
                isinstance(value, torch.nn.Parameter), {k: v for k, v in metadata.items() if v},
                None, vars(value) or None,
            )  # fmt: skip
        if isinstance(value, torch.UntypedStorage):
            return self._storage(value)
        if isinstance(value, torch.storage.TypedStorage):
            return self._storage(value._untyped_storage)._replace(dtype=str(value.dtype)[6:])
        if isinstance(value, torch.dtype):
            return Name.of(str(value))
        if isinstance(value, torch.device):
            return Name.of("torch.device"), (value.type,)
        return (Name.of("torch.Size"), (tuple(value),)) if type(value) is torch.Size else None

    def _storage(self, storage):
        def read():
            if not storage.nbytes():
                return np.empty(0, np.uint8)
            return self.torch.tensor([], dtype=self.torch.uint8).set_(storage).numpy()

        return StorageSpec(storage._cdata, storage.nbytes(), read)

    def storage(self, data, dtype):
        return self.torch.from_numpy(data).untyped_storage()

    def place(self, storage, location):
        return None

    def typed(self, storage, dtype):
        dtype = getattr(self.torch, dtype)
        return self.torch.storage.TypedStorage(wrap_storage=storage, dtype=dtype, _internal=True)

    def tensor(self, storage, dtype, offset, size, stride, requires_grad, metadata):
        made = self.torch.empty(0, dtype=getattr(self.torch, dtype))
        made = made.set_(storage, offset, size, stride).requires_grad_(requires_grad)
        self.torch._utils.set_tensor_metadata(made, metadata)
        return made

    def parameter(self, data, requires_grad):
        return self.torch.nn.Parameter(data, requires_grad)

    def restored(self, tensor, subclass, state):
        vars(tensor).update(state)
        return tensor


@pytest.fixture
def torch():
    module = pytest.importorskip("torch", minversion=VERSION)
    with connected(Real(module)):
        yield module


def same(torch, a, b):
    """Whether two values are the same in every way that a file keeps."""
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert (a.dtype, a.shape, a.stride()) == (b.dtype, b.shape, b.stride())
        assert (a.storage_offset(), a.requires_grad) == (b.storage_offset(), b.requires_grad)
        assert (a.is_conj(), a.is_neg()) == (b.is_conj(), b.is_neg())
        assert vars(a) == vars(b)
        assert bytes(a.untyped_storage()) == bytes(b.untyped_storage())
    elif isinstance(a, dict):
        assert list(a) == list(b)
        assert set(vars(a) if hasattr(a, "__dict__") else ()) == set(
            vars(b) if hasattr(b, "__dict__") else ()
        )
        for key in a:
            same(torch, a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(torch, x, y)
    elif isinstance(a, torch.storage.TypedStorage):
        assert a.dtype == b.dtype and bytes(a._untyped_storage) == bytes(b._untyped_storage)
    else:
        assert a == b or a != a


def zeroed_id(data):
    """The archive without the digits of the fingerprint, which hashes names in PyTorch's way."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo("archive/.data/serialization_id")
        digits, check = archive.read(entry), struct.pack("<I", entry.CRC)
    assert len(digits) == 40 and digits.isdigit()
    return data.replace(digits[:20], b"0" * 20).replace(check, b"0000"), digits[20:]


def both_ways(torch, value, **options):
    theirs = io.BytesIO()
    torch.save(value, theirs, **options)
    ours = saved(value, **options)
    if not options:
        assert zeroed_id(ours) == zeroed_id(theirs.getvalue())
    elif b"UntypedStorage" in ours:  # which PyTorch writes in this format, but doesn't read
        same(torch, load(io.BytesIO(theirs.getvalue())), load(io.BytesIO(ours)))
        return load(io.BytesIO(ours))
    same(torch, torch.load(io.BytesIO(ours)), torch.load(io.BytesIO(theirs.getvalue())))
    same(torch, load(io.BytesIO(theirs.getvalue())), torch.load(io.BytesIO(ours)))
    return load(io.BytesIO(theirs.getvalue()))


LEGACY = pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])


@LEGACY
@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_both_ways(torch, dtype, options):
    kind = getattr(torch, dtype)
    data = torch.randint(0, 2, (4, 48), dtype=torch.uint8)
    x = (data.bool() if dtype == "bool" else data).view(kind)
    empty = torch.empty(0, 3, dtype=kind)
    both_ways(torch, [x, x.t(), x[1:, :1], empty, torch.tensor(1).to(kind)], **options)


@LEGACY
def test_views_and_storages_both_ways(torch, options):
    x = torch.arange(24.0).reshape(2, 3, 4)
    value = {
        "x": x, "views": (x.permute(2, 0, 1), x[:, 1], x[..., ::2], x.as_strided((2, 2), (1, 1))),
        "expanded": torch.ones(1).expand(5, 7), "scalar": torch.tensor(2.5),
        "storage": torch.arange(3, dtype=torch.uint8).untyped_storage(),
        "types": [torch.float32, torch.bool, torch.Size([2, 3]), torch.device("cpu")],
        "grad": torch.ones(2, requires_grad=True), "parameter": torch.nn.Parameter(x[0]),
        "frozen": torch.nn.Parameter(torch.ones(1), requires_grad=False),
        "conjugated": torch.ones(2, dtype=torch.complex64).conj(),
        "negative": torch.ones(2, dtype=torch.complex64).conj().imag,
    }  # fmt: skip
    found = both_ways(torch, value, **options)
    assert found["x"].untyped_storage()._cdata == found["views"][0].untyped_storage()._cdata
    found["x"][0, 1, 0] = -1
    assert found["views"][1][0, 0] == -1


@LEGACY
def test_attributes_both_ways(torch, options):
    a, b = torch.nn.Parameter(torch.ones(2)), torch.ones(2)
    a.note, b.note = "a", ["b"]
    both_ways(torch, [a, b, a], **options)


@LEGACY
def test_modules_and_optimizers_both_ways(torch, options):
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(),
        torch.nn.Linear(4 * 36, 5),
    )  # fmt: skip
    for make in (torch.optim.AdamW, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)):
        optimizer = make(net.parameters())
        net(torch.randn(3, 1, 8, 8)).sum().backward()
        optimizer.step()
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3)
        value = {
            "model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3,
            "schedule": schedule.state_dict(), "rng": torch.get_rng_state(), "loss": [0.5, 0.25],
        }  # fmt: skip
        found = both_ways(torch, value, **options)
        assert found["model"]._metadata == value["model"]._metadata
        copy.deepcopy(net).load_state_dict(found["model"])


@LEGACY
def test_containers_both_ways(torch, options):
    shared = [torch.ones(2)]
    value = {
        "a": shared, "b": shared, "n": [None, True, 2**40, -(2**70), 1.5, "ü", b"\x00\xff"],
        "long": list(range(2500)), "set": {1}, "complex": 1j, "bytes": bytearray(b"ab"),
        "many": {str(n): n for n in range(1100)}, "counter": collections.Counter("aab"),
        "tuple": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
    }  # fmt: skip
    found = both_ways(torch, value, **options)
    assert found["a"] is found["b"]


@pytest.mark.parametrize("seed", range(20))
def test_random_values_both_ways(torch, seed):
    both_ways(torch, random_value(torch, random.Random(seed), 4))


def random_value(torch, r, depth):
    kind = r.randrange(8 if depth else 4)
    if kind < 3:
        dtype = getattr(torch, r.choice(["float32", "int64", "bfloat16", "bool", "complex64"]))
        x = torch.ones([r.randrange(4) for _ in range(r.randrange(4))]).to(dtype)
        return r.choice([x, x.mT if x.ndim > 1 else x, x[:1] if x.ndim else x])
    if kind == 3:
        return r.choice([None, True, 7, -1.5, "text", (), [], {}])
    parts = [random_value(torch, r, depth - 1) for _ in range(r.randrange(5))]
    if kind < 6:
        return (list, tuple)[kind % 2](parts)
    return (dict, OrderedDict)[kind % 2](zip("abcde", parts))


def test_files_both_ways(torch, tmp_path):
    for name in ("model.pth", "a.b.c", "plain", "ü.pt"):
        ours, theirs = tmp_path / "ours" / name, tmp_path / "theirs" / name
        for path, write in ((ours, save), (theirs, torch.save)):
            path.parent.mkdir(exist_ok=True)
            write({"w": torch.arange(5)}, path)
        with zipfile.ZipFile(ours) as a, zipfile.ZipFile(theirs) as b:
            assert a.namelist() == b.namelist()
        same(torch, load(theirs), torch.load(ours))
        same(torch, load(theirs, mmap=True), torch.load(ours, mmap=True))


def test_no_checksums(torch):
    torch.serialization.set_crc32_options(False)
    try:
        file = io.BytesIO()
        torch.save(torch.arange(5), file)
    finally:
        torch.serialization.set_crc32_options(True)
    assert load(io.BytesIO(file.getvalue())).tolist() == [0, 1, 2, 3, 4]


def test_refusals_name_what_pytorch_names(torch):
    data = saved({"x": [Foreign()]})
    texts = []
    for read in (load, torch.load):
        with pytest.raises(pickle.UnpicklingError) as caught:
            read(io.BytesIO(data))
        texts.append(str(caught.value).partition("WeightsUnpickler error: ")[2].split("\n")[0])
    assert texts[0] == texts[1]
    unsafe = torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data))
    assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == unsafe


CASES = {
    "no data.pkl": repacked(BASE, ARCHIVES["no data.pkl"]),
    "no storage": repacked(BASE, ARCHIVES["no storage"]),
    "short storage": repacked(BASE, ARCHIVES["short storage"]),
    "byte order": repacked(BASE, ARCHIVES["byte order"]),
    "half": BASE[: len(BASE) // 2],
    "beyond the end": pickle_of(tensor(size=(9,))),
    "empty": b"",
    "pickle": pickle.dumps([1], 2),
    "eval": pickle_of(HOSTILE["eval"]),
    "system": pickle_of(HOSTILE["system"]),
}


@pytest.mark.parametrize("name", CASES)
def test_errors_are_of_pytorchs_class(torch, name):
    with pytest.raises((RuntimeError, ValueError, EOFError, pickle.UnpicklingError)) as theirs:
        torch.load(io.BytesIO(CASES[name]))
    with pytest.raises(type(theirs.value)) as ours:
        load(io.BytesIO(CASES[name]))
    if "PytorchStreamReader" in str(theirs.value):
        assert str(ours.value) == str(theirs.value)


def test_errors_of_save_are_pytorchs(torch, tmp_path):
    x = torch.arange(4.0)
    for value, path in (([x, x.view(torch.int32)], io.BytesIO()), (1, tmp_path / "no" / "x.pt")):
        texts = []
        for write in (save, torch.save):
            with pytest.raises(RuntimeError) as caught:
                write(value, path)
            texts.append(str(caught.value))
        assert texts[0] == texts[1]
