"""`torch.testing`: whether tensors are as expected, in PyTorch's words.

What enters: tensors, numbers, sequences and mappings of them. What leaves: nothing, or
AssertionError that says how far apart they are.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import _dtypes
from ._draw_test import make_tensor
from ._missing import missing
from .convert import array
from .create import as_tensor
from .tensor import Tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

_TOLERANCES = {
    _dtypes.float16: (1e-3, 1e-5), _dtypes.bfloat16: (1.6e-2, 1e-5),
    _dtypes.float32: (1.3e-6, 1e-5), _dtypes.float64: (1e-7, 1e-7),
    _dtypes.complex64: (1.3e-6, 1e-5), _dtypes.complex128: (1e-7, 1e-7),
}  # fmt: skip


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None,
    atol: float | None = None, equal_nan: bool = False, check_device: bool = True,
    check_dtype: bool = True, check_layout: bool = True, check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """Raises AssertionError where values differ by more than `atol + rtol * |expected|`.

    Tolerances are those of the dtype by default. Dtypes, devices and, if asked for, strides are
    compared too. ValueError for one tolerance without the other, TypeError for unrelated types.
    """
    if (rtol is None) != (atol is None):
        raise ValueError(
            f"rtol and atol must both be specified or both be unspecified, but got {rtol=} and "
            f"{atol=}"
        )
    options = (rtol, atol, equal_nan, check_device, check_dtype, check_stride)
    _compare(actual, expected, options, "", msg)


def _compare(actual: Any, expected: Any, options: Any, where: str, msg: Any) -> None:
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if set(actual) != set(expected):
            _fail(f"The keys of the mappings do not match: {sorted(actual)} != {sorted(expected)}",
                  msg)  # fmt: skip
        for key in actual:
            _compare(actual[key], expected[key], options, f"{where}[{key!r}]", msg)
        return
    if _sequence(actual) and _sequence(expected):
        if len(actual) != len(expected):
            _fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", msg)
        for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
            _compare(a, b, options, f"{where}[{i}]", msg)
        return
    if actual is None and expected is None:
        return
    x, y = (v if isinstance(v, Tensor) else as_tensor(v) for v in (actual, expected))
    both = isinstance(actual, Tensor) and isinstance(expected, Tensor)
    _tensors(x, y, options, both, where, msg)


def _sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str)


def _tensors(x: Tensor, y: Tensor, options: Any, both: bool, where: str, msg: Any) -> None:
    rtol, atol, equal_nan, check_device, check_dtype, check_stride = options
    if x.shape != y.shape:
        _fail(f"The values for attribute 'shape' do not match: {x.shape} != {y.shape}.", msg)
    if both and check_device and x.device != y.device:
        _fail(f"The values for attribute 'device' do not match: {x.device} != {y.device}.", msg)
    if both and check_dtype and x.dtype is not y.dtype:
        _fail(f"The values for attribute 'dtype' do not match: {x.dtype} != {y.dtype}.", msg)
    if check_stride and x._stride() != y._stride():
        _fail(f"The values for attribute 'stride()' do not match: {x._stride()} != {y._stride()}.",
              msg)  # fmt: skip
    if rtol is None:
        pairs = [_TOLERANCES.get(t.dtype, (0.0, 0.0)) for t in (x, y)]
        rtol, atol = max(p[0] for p in pairs), max(p[1] for p in pairs)
    _values(array(x), array(y), (rtol, atol, equal_nan), where, msg)


def _values(a: Any, b: Any, limits: tuple[float, float, bool], where: str, msg: Any) -> None:
    rtol, atol, equal_nan = limits
    kind: Any = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    if a.dtype.kind in "biu" and b.dtype.kind in "biu":
        kind = np.int64
    with np.errstate(all="ignore"):
        x, y = a.astype(kind), b.astype(kind)
        apart = np.abs(x - y)
        good = (x == y) | (np.isfinite(y) & (apart <= atol + rtol * np.abs(y)))
        if equal_nan:
            good |= np.isnan(x) & np.isnan(y)
    if good.all():
        return
    count, size = int((~good).sum()), good.size
    shown = np.where(good, 0, apart)
    worst = np.unravel_index(int(np.nanargmax(shown)) if np.isfinite(shown).any() else 0, a.shape)
    text = [
        f"Tensor-likes are not {'equal' if not rtol and not atol else 'close'}!",
        "",
        f"Mismatched elements: {count} / {size} ({100 * count / size:.1f}%)",
        (
            f"Greatest absolute difference: {shown[worst]} at index {tuple(map(int, worst))} "
            f"(up to {atol} allowed)"
        ),
    ]
    if where:
        text += ["", f"The failure occurred for item {where}"]
    _fail("\n".join(text), msg)


def _fail(text: str, msg: Any) -> None:
    if callable(msg):
        text = msg(text)
    elif msg is not None:
        text = msg
    raise AssertionError(text)


def assert_allclose(actual: Any, expected: Any, rtol: Any = None, atol: Any = None,
                    equal_nan: bool = True, msg: str = "") -> None:  # fmt: skip
    """`assert_close` of older programs."""
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False,
                 msg=msg or None)  # fmt: skip


__getattr__ = missing("torch.testing")
