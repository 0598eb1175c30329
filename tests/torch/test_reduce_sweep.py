"""Reductions, orders and elementwise operations over dtypes, shapes, places in memory and seeds,
against PyTorch: values, dtypes, shapes, strides, classes of exceptions.
"""

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as ours  # noqa: E402

CALLS = """
sum(x) sum(x,0) nansum(x,-1) mean(x) mean(x,(0,-1)) prod(x) prod(x,-1) logsumexp(x,0) all(x)
any(x,-1) count_nonzero(x,0) amax(x,-1) amin(x) aminmax(x) argmax(x) argmin(x,-1) max(x) min(x,0)
max(x,-1,True) softmax(x,-1) log_softmax(x,0) msort(x) cumsum(x,0) cumprod(x,-1) logcumsumexp(x,0)
diff(x) std(x) var(x,0) std_mean(x,-1) quantile(x,.3) nanquantile(x,.7,0) norm(x) norm(x,1,0)
norm(x,3) dist(x,x) clamp(x,1,3) clamp(x,0.5) clamp_min(x,2) clamp_max(x,1.5) lerp(x,x,.5)
addcmul(x,x,x,value=2) addcdiv(x,x,x) nan_to_num(x) isclose(x,x) fmax(x,x) float_power(x,2)
xlogy(x,x) gcd(x,x) heaviside(x,x) ldexp(x,x) frexp(x) deg2rad(x) frac(x) sgn(x) angle(x) conj(x)
isreal(x) isposinf(x) sinc(x) erfc(x) erfinv(x) lgamma(x) digamma(x) polygamma(1,x) i0(x)
logaddexp(x,x) logaddexp2(x,x) special.ndtr(x) special.entr(x) special.i1(x) special.i1e(x)
special.xlog1py(x,x) bincount(x) unique(x) unique_consecutive(x,dim=-1) igamma(x,x) equal(x,x)
allclose(x,x) renorm(x,2,0,1.) trapezoid(x) positive(x) fill(x,1) topk(x,1)[0] median(x,-1)[0]
"""
SHAPES = ((3, 4), (4,), (2, 3, 4), (0,), (2, 0, 3), ())
NAMES = ("uint8", "int8", "int16", "int32", "int64", "bool", "float16", "float32", "float64",
         "complex64")  # fmt: skip
TOLERANCES = {"float16": (2e-3, 1e-3), "float32": (3e-6, 1e-5), "complex64": (3e-6, 1e-5)}
# Where a kernel never runs on what has no elements or axes, PyTorch doesn't refuse the dtype.
LENIENT = ("amax", "median", "unique")


def _pair(name: str, shape: tuple[int, ...], seed: int, order: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 4, shape)
    if name.startswith(("float", "complex")):
        data = data / 3 + 0.1
    data = np.asarray(data, name)
    pair = torch.from_numpy(data.copy()), ours.from_numpy(data.copy())
    return tuple(t.permute(order) for t in pair) if order else pair


def _outcome(call: str, T: Any, x: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = eval(f"T.{call}", {"T": T, "x": x})
        except (TypeError, ValueError, IndexError, RuntimeError) as error:
            return error
    return list(found) if isinstance(found, tuple) else [found]


def _same(got: Any, want: Any, name: str, places: bool) -> None:
    if not isinstance(want, torch.Tensor):
        assert got == want
        return
    assert str(got.dtype) == str(want.dtype)
    assert tuple(got.shape) == tuple(want.shape)
    if want.numel() and places:
        assert got.stride() == want.stride()
    rtol, atol = TOLERANCES.get(name, (1e-9, 1e-9))
    if want.dtype == torch.float32 and name not in TOLERANCES:
        rtol, atol = TOLERANCES["float32"]
    np.testing.assert_allclose(got.numpy(force=True), want.numpy(force=True), rtol, atol)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("call", CALLS.split())
def test_the_same_for_all_dtypes_and_shapes(call: str, name: str) -> None:
    for seed, shape in enumerate(SHAPES):
        for order in (None, tuple(range(len(shape)))[::-1]):
            x, y = _pair(name, shape, seed, order)
            want, got = _outcome(call, torch, x), _outcome(call, ours, y)
            if isinstance(want, Exception):
                kinds = (Exception,) if call.startswith(LENIENT) else (type(want),)
                assert isinstance(got, kinds), (shape, want, got)
            elif not (call.startswith(LENIENT) and isinstance(got, Exception) and y.numel() < 2):
                assert not isinstance(got, Exception), (shape, got)
                for a, b in zip(got, want, strict=True):
                    _same(a, b, name, not call.startswith("unique"))
