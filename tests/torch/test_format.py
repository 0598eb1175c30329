"""The printed form against PyTorch's own, character for character."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazytensor.torch import _format
from lazytensor.torch._format import Options, contents, formatted, suffixes, text

# A version is asked for because this folder itself would else pass for the module.
torch = pytest.importorskip("torch", minversion="2.13")

INTEGRAL = ("bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64")
FLOATING = ("float16", "bfloat16", "float32", "float64")
FLOAT8 = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
COMPLEX = ("complex64", "complex128")
DTYPES = (*INTEGRAL, *FLOATING, *FLOAT8, *COMPLEX)

SHAPES = [(), (0,), (1,), (5,), (40,), (0, 3), (3, 0), (2, 3), (2, 1, 4), (1, 2, 3, 2), (2, 0, 4)]
LARGE = [
    (1001,),
    (1500,),
    (40, 30),
    (1200, 1),
    (1, 1200),
    (7, 8, 20),
    (6, 6, 30),
    (2, 600),
    (3, 7, 7, 7),
]
SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1e-5, 1e9, 1.0, -1.0, 0.5, 123456.0, 9.99995)


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Both sides' options as they were before the test."""
    with torch._tensor_str.printoptions(), _format.printoptions():
        for side in (_format, torch):
            side.set_printoptions(profile="default")
        yield


def numpy_dtype(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name) if hasattr(ml_dtypes, name) else name)


def to_torch(values: np.ndarray[Any, Any]) -> Any:
    """The tensor with an array's bits."""
    if values.dtype.type.__module__ != "ml_dtypes":
        return torch.from_numpy(values.copy())
    bits = values.view(f"i{values.dtype.itemsize}").copy()
    return torch.from_numpy(bits).view(getattr(torch, values.dtype.name))


def real_numbers(rng: np.random.Generator, shape: tuple[int, ...], style: int) -> Any:
    """Floating-point numbers of one of several looks."""
    x = rng.normal(size=shape) * 10.0 ** rng.integers(-6, 12)
    if style == 1:
        x = np.round(rng.normal(size=shape) * 10.0 ** rng.integers(0, 10))
    elif style == 2:
        x = rng.normal(size=shape) * 10.0 ** rng.integers(-12, 12, size=shape)
    elif style == 3:
        x = rng.choice(SPECIAL, size=shape)
    elif style == 4:
        x = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan], size=shape)
    elif style == 5:
        x = np.where(rng.random(shape) < 0.1, rng.choice(SPECIAL, size=shape), rng.random(shape))
    return x


def made(rng: np.random.Generator, shape: tuple[int, ...], name: str) -> np.ndarray[Any, Any]:
    """A random array of a dtype, from random bits or random numbers."""
    dtype, style = numpy_dtype(name), int(rng.integers(7))
    if name == "bool":
        return np.asarray(rng.random(shape) < rng.random())
    if name in INTEGRAL:
        bits = np.frombuffer(rng.bytes(8 * int(np.prod(shape))), np.uint64).reshape(shape)
        return np.asarray(bits >> np.uint64(rng.integers(64))).astype(dtype)
    if style == 6 and name not in COMPLEX:
        count = int(np.prod(shape))
        return np.frombuffer(rng.bytes(dtype.itemsize * count), dtype).reshape(shape)
    with np.errstate(all="ignore"):
        x = np.asarray(real_numbers(rng, shape, style))
        if name in COMPLEX:
            z = np.empty(shape, np.complex128)
            z.real, z.imag = x, real_numbers(rng, shape, int(rng.integers(6)))
            return z.astype(dtype)
        return x.astype(dtype)


def ours(values: np.ndarray[Any, Any], name: str, **about: Any) -> str:
    options = _format.PRINT_OPTS
    return text(values, suffixes(f"torch.{name}", values.shape, options, **about), options)


def same(values: np.ndarray[Any, Any], name: str) -> None:
    assert ours(values, name) == repr(to_torch(values))


def set_both(**options: Any) -> None:
    _format.set_printoptions(**options)
    torch.set_printoptions(**options)


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_and_shapes(name: str, effort: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(ord(name[0]) + len(name))
    for _ in range(effort(6, 60)):
        for shape in SHAPES:
            same(made(rng, shape, name), name)
    for _ in range(effort(1, 6)):
        for shape in LARGE:
            same(made(rng, shape, name), name)


@pytest.mark.parametrize("name", DTYPES)
def test_print_options(name: str, effort: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(len(name))
    for _ in range(effort(40, 400)):
        set_both(
            precision=int(rng.integers(0, 9)),
            threshold=rng.choice([-1, 0, 1, 5, 20, 1000]),
            edgeitems=int(rng.integers(0, 5)),
            linewidth=int(rng.integers(0, 130)),
            sci_mode=[None, None, True, False][rng.integers(4)],
        )
        same(made(rng, SHAPES[rng.integers(len(SHAPES))], name), name)
        shape = tuple(int(n) for n in rng.integers(1, 7, size=rng.integers(4)))
        same(made(rng, shape, name), name)


@given(
    st.lists(st.floats(width=64), min_size=1, max_size=12),
    st.integers(0, 6),
    st.sampled_from([None, True, False]),
)
def test_any_doubles(numbers: list[float], precision: int, sci_mode: bool | None) -> None:
    set_both(precision=precision, sci_mode=sci_mode)
    same(np.asarray(numbers), "float64")


@given(st.lists(st.complex_numbers(), min_size=1, max_size=8))
def test_any_complex_numbers(numbers: list[complex]) -> None:
    same(np.asarray(numbers), "complex128")


def test_signalling_nan_is_silent() -> None:
    same(np.asarray([0x7FA0, 0x3F80], np.uint16).view(ml_dtypes.bfloat16), "bfloat16")
    same(np.asarray([0x7FA00000, 0x3F800000], np.uint32).view(np.float32), "float32")
    quiet = formatted(np.asarray(0x7FA00000, np.uint32).view(np.float32), ".3f")
    assert quiet == "nan"


@given(st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=8))
def test_any_bits_of_bfloat16(bits: list[int]) -> None:
    same(np.asarray(bits, np.uint16).view(ml_dtypes.bfloat16), "bfloat16")


@pytest.mark.parametrize("numbers", [
    [1000.0, 1.0], [1000.1, 1.0], [1001.0, 1.0], [1e8, 1e6], [1.0000001e8, 1e6], [1e-4], [9.9e-5],
    [1e8 + 2, 1e8], [1e308, 5e-324], [-1.0, np.nan], [np.inf, 0.5], [9.99999], [0.99999, 100],
])  # fmt: skip
@pytest.mark.parametrize("name", ["float64", "float32"])
def test_where_exponents_begin(numbers: list[float], name: str) -> None:
    with np.errstate(over="ignore"):
        same(np.asarray(numbers).astype(name), name)


def test_suffixes_wrap_as_pytorch_wraps_them() -> None:
    for n in range(1, 40):
        for name in ("float32", "float64"):
            values = np.linspace(0, 1, n).astype(name)
            tensor = to_torch(values).requires_grad_()
            assert ours(values, name, requires_grad=True) == repr(tensor)
            assert ours(values * 2, name, requires_grad=True, grad_fn="MulBackward0") == repr(
                tensor * 2
            )


def test_default_dtypes() -> None:
    before = torch.get_default_dtype()
    try:
        for default in ("float16", "bfloat16", "float64"):
            torch.set_default_dtype(getattr(torch, default))
            for name in (*FLOATING, *COMPLEX, "int64", "bool"):
                for shape in ((), (0,), (0, 2), (2,)):
                    values = np.ones(shape, numpy_dtype(name))
                    got = ours(values, name, default_dtype=f"torch.{default}")
                    assert got == repr(to_torch(values))
    finally:
        torch.set_default_dtype(before)


def test_tensors_without_data() -> None:
    device = _format.device_suffix("meta", None)
    for edgeitems in (0, 3):
        set_both(edgeitems=edgeitems)
        for shape in ((), (3,), (0,), (2, 3)):
            for name in ("float32", "int64", "bool"):
                about = suffixes(
                    f"torch.{name}", shape, _format.PRINT_OPTS, device=device, meta=True
                )
                want = repr(torch.empty(shape, dtype=getattr(torch, name), device="meta"))
                assert text("...", about, _format.PRINT_OPTS) == want


def test_devices() -> None:
    assert _format.device_suffix("cpu", None) == _format.device_suffix("cpu", 0) == ""
    assert _format.device_suffix("cpu", 1) == "device='cpu:1'"
    assert _format.device_suffix("cuda", 0) == "device='cuda:0'"
    assert _format.device_suffix("cuda", 0, default="cuda", current=0) == ""
    assert _format.device_suffix("cuda", 1, default="cuda", current=0) == "device='cuda:1'"
    about = suffixes("torch.float64", (1,), Options(), device="device='cpu:1'", requires_grad=True)
    got = text(np.ones(1), about, Options())
    assert got == "tensor([1.], device='cpu:1', dtype=torch.float64, requires_grad=True)"


def test_dual_tensors() -> None:
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(torch.ones(2), torch.zeros(2))
        tangent = ours(np.zeros(2, np.float32), "float32")
        assert ours(np.ones(2, np.float32), "float32", tangent=tangent) == repr(dual)


def test_subclasses_and_parameters() -> None:
    class Longer(torch.Tensor):
        pass

    class Weight(torch.nn.Parameter):
        pass

    values, options = np.random.default_rng(0).normal(size=(3, 12)).astype(np.float32), Options()
    tensor = to_torch(values)
    assert text(values, [], options, prefix="Longer(") == repr(tensor.as_subclass(Longer))
    plain = text(values, ["requires_grad=True"], options)
    assert _format.parameter_text(plain) == repr(torch.nn.Parameter(tensor))
    named = text(values, ["requires_grad=True"], options, prefix="Weight(")
    assert _format.parameter_text(named, plain=False) == repr(Weight(tensor))
    assert text("hello", ["requires_grad=True"], options) == tensor.requires_grad_().__repr__(
        tensor_contents="hello"
    )


def outcome(call: Callable[[], str]) -> str:
    """What a call gives, or the error it raises, as text."""
    try:
        return call()
    except (OverflowError, TypeError, ValueError) as error:
        return repr(error)


@pytest.mark.parametrize("spec", ["", ".3f", "5d", ">12", "e", "x", "g", "s", "08.2f"])
@pytest.mark.parametrize("name", ["bool", "int64", *FLOATING, *COMPLEX])
def test_format_of_a_tensor_without_axes(name: str, spec: str) -> None:
    values = np.asarray(1.5).astype(numpy_dtype(name))
    want = outcome(lambda: format(to_torch(values), spec))
    assert outcome(lambda: formatted(values, spec)) == want


@pytest.mark.parametrize("call", [
    {"profile": "short"}, {"profile": "full"}, {"profile": "default"}, {"profile": "no such"},
    {"profile": "short", "precision": 7}, {"precision": 0}, {"sci_mode": True}, {},
    {"threshold": 5, "edgeitems": 1, "linewidth": 30}, {"edgeitems": 0},
])  # fmt: skip
def test_setting_options(call: dict[str, Any]) -> None:
    set_both(precision=2, edgeitems=5, sci_mode=False)
    set_both(**call)
    assert _format.get_printoptions() == torch._tensor_str.get_printoptions()
    assert list(_format.get_printoptions()) == list(torch._tensor_str.get_printoptions())
    values = np.linspace(-3, 200, 1100)
    same(values, "float64")


def test_options_of_a_block_are_put_back() -> None:
    before = _format.get_printoptions()
    with _format.printoptions(precision=1, sci_mode=True):
        assert _format.get_printoptions() == {**before, "precision": 1, "sci_mode": True}
    assert _format.get_printoptions() == before
    with pytest.raises(ZeroDivisionError), _format.printoptions(precision=1):
        1 / 0
    assert _format.get_printoptions() == before
    with pytest.raises(TypeError), _format.printoptions(digits=3):
        pass


def test_options_are_seen_by_other_threads() -> None:
    seen: list[dict[str, Any]] = []
    _format.set_printoptions(precision=9)
    thread = threading.Thread(target=lambda: seen.append(_format.get_printoptions()))
    thread.start()
    thread.join()
    assert seen == [_format.get_printoptions()]


@pytest.mark.parametrize("call", [{"linewidth": np.inf}, {"precision": -1}])
def test_options_that_cannot_be_used_fail_as_in_pytorch(call: dict[str, Any]) -> None:
    set_both(**call)
    values = np.asarray([0.5, 1.25])
    got = outcome(lambda: contents(values, _format.PRINT_OPTS, 7))
    assert got == outcome(lambda: repr(to_torch(values)))
    assert "Error" in got


def test_a_summary_reads_only_the_edges() -> None:
    class Watched(np.ndarray):  # type: ignore[type-arg]
        read: list[int] = []

        def __getitem__(self, key: Any) -> Any:
            taken = super().__getitem__(key)
            self.read.append(taken.size)
            return np.asarray(taken)

        def astype(self, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("all of the array was read")

    values = np.broadcast_to(np.float32(1.5), (10**6, 10**5, 4)).view(Watched)
    assert contents(values, Options(), 7).count("1.5000") == 6 * 6 * 4
    assert Watched.read == [6 * 6 * 4]


def test_this_comparison_notices_a_difference() -> None:
    torch.set_printoptions(precision=5)
    with pytest.raises(AssertionError):
        same(np.asarray([0.123456]), "float64")
