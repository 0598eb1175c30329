"""Tensors among NumPy's operands and functions: PyTorch's kinds of results, or its refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as lazy  # noqa: E402

CALLS = """
    x+a a+x x+f f+x x*a a*x x-a a-x x/a a/x x**a a**x x<a a<x x==a a==x x!=a r+a a+r r*f f*r x@f f@x
    x&a x.int()&a a&x.int() x//a a//x x%a a%x divmod(a,x) f>x x+np.array(2) x.int()*np.array(2.5)
    np.sin(x) np.add(x,f) np.stack([x,x]) np.concatenate([x,x]) np.dot(x,f) np.dot(f,x) f.dot(x)
    np.maximum(x,f) np.isnan(x) np.exp(r) np.where(x>0,x,f) np.array([x,x]) np.asarray(x) np.abs(x)
    np.sqrt(x.double()) np.clip(x,0,1) np.linalg.norm(x) np.cumsum(x) np.transpose(x[None])
    np.reshape(x,(3,1)) np.isclose(x,f) np.allclose(x,f) np.array_equal(x,f) np.argmax(x)
    np.add.reduce(x) np.multiply.outer(x,x) np.negative(x) np.equal(x,f) np.logical_and(x,f)
    np.full(3,x[0]) np.vstack([x,f]) np.round(x) np.sort(x) np.expand_dims(x,0) np.squeeze(x[None])
    np.outer(x,f) np.matmul(x,f) np.interp(x,f,f) np.bitwise_and(x.int(),1) x.__array_wrap__(f)
    np.add(x,1,out=np.zeros(3,np.float32))
""".split()
SCALARS = ["np.float16(0.5)", "np.float32(2)", "np.float64(2.5)", "np.uint8(3)", "np.int32(-1)",
           "np.int64(3)", "np.bool_(True)", "np.complex64(1j)", "np.complex128(1j)"]  # fmt: skip
# A half-precision tensor with a complex number would be of a dtype that isn't there, complex32.
WITH_SCALARS = [f"{t}{o}{s}" for s in SCALARS for t in ("x", "x.int()", "x.half()", "x[1]", "x>0")
                for o in "+*<" if (t, s) != ("x.half()", "np.complex128(1j)")]  # fmt: skip
WRITES = ["x+=f", "f+=x", "x*=f", "f*=x", "f[:]=x", "f[0]=x[1]", "x-=f.astype(np.float64)",
          "f/=x+1", "x[0]=f.tolist()[0]", "x[0]=np.float64(3)", "x[0]=np.int64(3)"]  # fmt: skip


def seen(value: Any) -> Any:
    plain = value.detach() if hasattr(value, "detach") else value
    listed = str(plain.tolist() if hasattr(plain, "tolist") else plain)
    return type(value).__name__, str(getattr(value, "dtype", "")), listed


def outcome(T: Any, run: Any) -> Any:
    x, r = T.arange(3.0), T.ones(3, requires_grad=True)
    f = np.ones(3, np.float32)
    names = {"T": T, "np": np, "x": x, "r": r, "f": f, "a": np.array([1, 2, 3])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run(names)
        except Exception as error:
            return type(error).__name__


@pytest.mark.cpu("NumPy reads tensors")
@pytest.mark.parametrize("call", [*CALLS, *WITH_SCALARS])
def test_calls(call):
    got, want = (outcome(T, lambda names: seen(eval(call, names))) for T in (lazy, torch))
    assert got == want


@pytest.mark.cpu("NumPy reads tensors")
@pytest.mark.parametrize("write", WRITES)
def test_writes(write):
    def run(names: Any) -> Any:
        exec(write, names)
        return seen(names["x"]), seen(names["f"])

    assert outcome(lazy, run) == outcome(torch, run)


CREATED = """
    T.arange(3,dtype=T.bool) T.arange(3,0,dtype=T.complex64) T.linspace(0,1j,3)
    T.linspace(0,1j,3,dtype=T.float32) T.logspace(0,1j,3,dtype=T.int32) T.tensor(None,dtype=T.bool)
    T.tensor([1,'a'],dtype=T.bool) x['a'] T.logspace(0,1,3,dtype=T.float64)
    T.full((2,),np.float32(2)) T.full((2,),np.bool_(True)) T.full((2,),np.int8(3))
    T.tensor([np.bool_(True)]) T.full_like(x,np.complex64(2)) x.new_full((2,),np.float16(2))
    T.zeros(2).fill_(np.bool_(True)) T.where(x>1,x,np.float64(2)) T.clamp(x,np.float32(1))
    T.pow(np.float32(2),x) T.add(x,np.float32(2)) T.tensor(np.bool_(True))
    x.add(1,alpha=np.int64(2))
""".split()


@pytest.mark.parametrize("call", CREATED)
def test_what_is_made(call):
    got, want = (outcome(T, lambda names: seen(eval(call, names))) for T in (lazy, torch))
    assert got == want


NUMPY_INTS = {
    "narrow": lambda x, n: x.narrow(n(0), n(1), n(2)),
    "as_strided": lambda x, n: x.as_strided((n(2), n(3)), (n(6), n(1)), n(1)),
    "select": lambda x, n: x.select(n(0), n(1)),
    "slices": lambda x, n: x[n(1) : n(3), :: n(2)],
    "reshape": lambda x, n: x.t().reshape(n(3), n(8)),
    "diagonal": lambda x, n: x.diagonal(n(1)),
    "unfold": lambda x, n: x.unfold(n(1), n(2), n(3)),
}


@pytest.mark.parametrize("name", NUMPY_INTS)
def test_views_by_numpys_integers_are_those_by_pythons(name: str) -> None:
    """Nothing of NumPy's types is left, nor remembered for equal ones of Python's."""
    x = lazy.arange(24).reshape(4, 6)
    for n in (np.int64, np.int32, lazy.tensor, int):
        y = NUMPY_INTS[name](x, n)
        told = [*y.shape, *y.stride(), y.storage_offset()]
        assert {type(k) for k in told} == {int}
        assert y.tolist() == NUMPY_INTS[name](x, int).tolist()
