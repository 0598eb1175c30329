"""Functions of every dtype: the dtype of the result is PyTorch's, or the refusal, word for word;
Python numbers that don't fit a dtype."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as lazy  # noqa: E402

DTYPES = ("bool", "uint8", "int8", "int64", "float16", "bfloat16", "float32", "complex64")
CALLS = """
    x.abs() x.all() x.amax() x.aminmax()[0] x.angle() x.any() x.argmax() x.argsort(0) x.atan2(x)
    x.addcdiv(x,x) x.addcmul(x,x) x.bincount() x.bitwise_and(x) x.bitwise_not() x.ceil() x.clone()
    x.clamp(-1,1) x.clamp_min(0) x.copysign(x) x.cos() x.count_nonzero() x.cov() x.cross(x)
    x.cummax(0)[0] x.cumprod(0) x.cumsum(0) x.diff() x.digamma() x.dist(x) x.dot(x) x.erf()
    x.erfinv() x.exp() x.exp2() x.expm1() x.flip(0) x.float_power(2) x.floor() x.floor_divide(2)
    x.fmax(x) x.fmod(2) x.frac() x.frexp()[0] x.gcd(x) x.heaviside(x) x.histc(3) x.hypot(x) x.i0()
    x.igamma(x) x.imag x.isnan() x.isreal() x.kthvalue(1)[0] x.lcm(x) x.ldexp(x) x.lerp(x,0.5)
    x.lgamma() x.log_softmax(0) x.logaddexp(x) x.logcumsumexp(0) x.logical_not() x.logical_xor(x)
    x.logit() x.logsumexp(0) x.max() x.mean() x.median() x.mode(0)[0] x.mvlgamma(1) x.nan_to_num()
    x.nansum() x.neg() x.nextafter(x) x.norm() x.outer(x) x.polygamma(1) x.prod() x.quantile(0.5)
    x.real x.relu() x.remainder(2) x.renorm(2,0,1.) x.round() x.rsqrt() x.sgn() x.sigmoid()
    x.sign() x.signbit() x.sinc() x.softmax(0) x.sort(0)[0] x.sqrt() x.square() x.std() x.sum()
    x.topk(1)[0] x.trace() x.tril() x.true_divide(2) x.trunc() x.unique() x.var() x.xlogy(x)
    x+1 x*2.5 x-2 1-x -x x/2 x//2 x%2 x**3 x**0.5 x<<1 x>0 x==0 x&x abs(x) x[None]@x
    T.where(x>0,x,0.5) T.where(x>0,1.,2.) x.masked_fill(x>0,1) T.stack([x,x]) T.zeros_like(x)
    F.celu(x) F.elu(x) F.gelu(x) F.glu(x.repeat(2)) F.hardshrink(x) F.hardsigmoid(x) F.hardswish(x)
    F.hardtanh(x) F.layer_norm(x,x.shape) F.leaky_relu(x) F.logsigmoid(x) F.mish(x)
    F.normalize(x,dim=0) F.prelu(x,T.tensor([0.5])) F.relu6(x) F.rrelu(x) F.selu(x) F.silu(x)
    F.softplus(x) F.softshrink(x) F.tanhshrink(x) F.threshold(x,0.,1.)
""".split()


def outcome(T: Any, call: str, dtype: str) -> str:
    """The dtype of a result, or the refusal."""
    x = T.tensor([1, 0, 1]).to(getattr(T, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(eval(call, {"T": T, "F": T.nn.functional, "x": x}).dtype)
        except Exception as error:
            return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_refusals(dtype):
    found = {call: (outcome(lazy, call, dtype), outcome(torch, call, dtype)) for call in CALLS}
    assert {call: pair for call, pair in found.items() if pair[0] != pair[1]} == {}


EVERY = (*DTYPES, "int16", "int32", "float64", "complex128")
PAIRS = """
    x+y x-y x*y x/y x//y x%y x**y x<y x==y T.where(m,x,y) T.cat([x,y]) T.stack([x,y]) T.maximum(x,y)
    x+z x*z x/z x//z T.where(m,x,z) x&y x|y T.atan2(x,y) T.result_type(x,y) x.copy_(y) x.add_(y)
    x.mul_(z) T.lerp(x,y,0.5) T.addcmul(x,x,y) T.hypot(x,y) T.fmod(x,y) T.logaddexp(x,y) T.dot(x,y)
    T.outer(x,y) T.isclose(x,y) x.masked_fill(m,z) T.clamp(x,y) T.fmax(x,y) T.copysign(x,y)
    T.xlogy(x,y) T.gcd(x,y) T.floor_divide(x,z) x.pow(z) T.searchsorted(x,y) T.mv(x[None],y)
    T.einsum('i,i->i',x,y) T.einsum('i,i->',x,y) T.kron(x,y) T.cross(x[[0,1,0]],y[[0,1,0]],0)
    x.index_add(0,T.tensor([0,1]),y) x.scatter(0,T.tensor([0]),y[:1]) x.eq(z) x.type_as(y)
    x.index_put((T.tensor([0]),),z) T.can_cast(x.dtype,y.dtype) T.promote_types(x.dtype,y.dtype)
    T.heaviside(x,y) T.ldexp(x,y) T.logical_and(x,y) T.nextafter(x,y) T.bitwise_left_shift(x,y)
    T.inner(x,y) x.float_power(y) T.dist(x,y) T.bincount(x,y) F.mse_loss(x,y) F.l1_loss(x,y)
    F.linear(x[None],y[None]) T.matmul(x,y)
""".split()


@pytest.mark.parametrize("part", range(2))
def test_promotion(part, effort):
    """Every pair of dtypes, an eighth of the calls for each; with --full all."""

    def outcome(T: Any, call: str, first: str, second: str) -> str:
        def of(name: str, shape: tuple[int, ...]) -> Any:
            return (T.arange(max(1, sum(shape))) + 1).to(getattr(T, name)).reshape(shape)

        env = {"T": T, "F": T.nn.functional, "m": T.tensor([True, False]), "x": of(first, (2,)),
               "y": of(second, (2,)), "z": of(second, ())}  # fmt: skip
        try:
            found = eval(call, env)
            return str(getattr(found, "dtype", found))
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def differ(call: str, a: str, b: str) -> bool:
        got, want = outcome(lazy, call, a, b), outcome(torch, call, a, b)
        complex32 = "complex32" in want or "ComplexHalf" in want  # a dtype that isn't there
        return got.partition(":")[0] != want.partition(":")[0] and not complex32

    cases = [(c, a, b) for a in EVERY for b in EVERY for c in PAIRS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [case for case in cases[part :: effort(16, 2)] if differ(*case)] == []


NUMBERS = """
    x+(-1) x*-1 x-300 x==-1 x<-1 x+256 x+(-256) x//-1 x%-1 x&-1 T.where(x>0,x,-1) x.add(1,alpha=-1)
    x.clamp(-1,1) x.clamp(min=-1) x.clamp(-300,1) x.fill_(-1) x.fill_(300) x.fill_(-1.0)
    x.fill_(float('nan')) x.fill_(1j) x.masked_fill(x>0,-1) x.masked_fill(x>0,300)
    T.full((2,),-1,dtype=x.dtype) T.full((2,),300,dtype=x.dtype) x.index_fill(0,T.tensor([0]),-1)
    x.scatter(0,T.tensor([0]),-1) T.addcmul(x,x,x,value=-1) F.pad(x,(1,1),value=1) x+2**40
    T.arange(0,3,dtype=x.dtype) x.fill_(1e300) x*1e300 x.new_full((2,),-1)
""".split()


@pytest.mark.parametrize("dtype", "uint8 int8 int16 int32 int64 float16 float32".split())
def test_numbers_that_do_not_fit_wrap_or_are_refused(dtype):
    def outcome(T: Any, call: str) -> Any:
        x = T.tensor([1, 0, 100]).to(getattr(T, dtype))
        try:
            found = eval(call, {"T": T, "F": T.nn.functional, "x": x})
            return found.dtype.itemsize, str(found.tolist())
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    found = {call: (outcome(lazy, call), outcome(torch, call)) for call in NUMBERS}
    assert {call: pair for call, pair in found.items() if pair[0] != pair[1]} == {}
