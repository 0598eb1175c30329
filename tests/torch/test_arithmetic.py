"""Elementwise operations of several operands, complex numbers against PyTorch."""

from math import inf as INF
from math import nan as NAN
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as lazy  # noqa: E402
from tests.torch.calls import same_gradients, same_text  # noqa: E402

CALLS = """
T.clamp(x,1,3)
T.clamp(x)
T.clamp(i,1.5)
T.clamp(i,0,T.tensor(3))
T.clamp(i,T.tensor(1.5))
T.clamp(c,1)
T.clamp(b,0,1)
T.clamp(x,min=T.ones(3),max=T.ones(2,1)*3)
T.clamp(x,max=2)
T.clamp_min(i,2.5)
T.clamp_max(x,T.ones(3))
T.clamp(x,3,1)
T.where(b,x,0)
T.where(b,x,i)
T.where(b,1,2)
T.where(b,1.,2)
T.where(b,1.,2j)
T.where(b,1,x)
T.where(x,x,x)
T.where(b.to(T.uint8),x,x)
T.where(b,x,T.ones(4))
T.where(b,i,1.5)
T.where(b,True,i)
T.lerp(x,x+1,0.5)
T.lerp(x,x.double(),.5)
T.lerp(x,x+1,x)
T.lerp(x,x+1,x.double())
T.lerp(i,i,.5)
T.lerp(x,i,.5)
T.lerp(x,T.ones(4),.5)
T.lerp(c,c,.5+1j)
T.addcmul(x,x,x,value=2)
T.addcmul(i,x,x,value=2)
T.addcmul(i,i,i,value=2.5)
T.addcdiv(x,x,x+1,value=2)
T.addcdiv(i,i,i+1)
T.addcdiv(x,i,i+1)
T.addcmul(x,i,i)
T.addcmul(b,b,b)
T.nan_to_num(i)
T.nan_to_num(b)
T.nan_to_num(c)
T.nan_to_num(x,nan=1)
T.isclose(x,i)
T.isclose(x,x,rtol=-1)
T.isclose(x,x,atol=-1)
T.isclose(i,i)
T.allclose(x,i)
T.allclose(x,x)
T.equal(x,i)
T.equal(x,x)
T.equal(x,2)
T.equal(x,e)
T.fmax(x,i)
T.fmax(c,c)
T.fmin(b,b)
T.float_power(i,2)
T.float_power(2,i)
T.float_power(x,1j)
T.gcd(i,i)
T.gcd(x,x)
T.gcd(b,b)
T.lcm(i,i+1)
T.lcm(x,x)
T.gcd(i,2)
T.heaviside(x,i)
T.heaviside(x,z)
T.heaviside(c,c)
T.heaviside(i,i)
T.heaviside(x,1.)
T.ldexp(x,i)
T.ldexp(i,i)
T.ldexp(x,x)
T.ldexp(x,2)
T.frexp(x)
T.frexp(i)
T.deg2rad(i)
T.rad2deg(b)
T.deg2rad(c)
T.frac(x)
T.frac(i)
T.frac(c)
T.sgn(c)
T.sgn(x)
T.sgn(b)
T.angle(x)
T.angle(i)
T.angle(b)
T.angle(c)
T.conj(x)
T.conj(c)
T.conj_physical(c)
T.conj_physical(x)
T.resolve_conj(T.conj(c))
T.resolve_neg(x)
T.polar(x,x)
T.polar(x,i)
T.polar(i,i)
T.polar(x,x.double())
T.complex(x,x)
T.complex(x,x.double())
T.complex(i,i)
T.view_as_real(c)
T.view_as_real(x)
T.view_as_complex(x)
T.view_as_complex(T.ones(2,2))
T.view_as_complex(i)
T.view_as_complex(T.ones(2,4)[:,:2])
T.view_as_complex(T.ones(2,2).t())
T.positive(b)
T.positive(x)
T.isreal(x)
T.isreal(c)
T.isposinf(x)
T.isneginf(c)
T.is_nonzero(z)
T.is_nonzero(x)
"""

GRADIENTS = """
T.clamp(x,.2,.6)
T.clamp(x,min=y)
T.clamp(x,y,y+.1)
T.clamp_min(x,.2)
T.clamp_max(x,y)
T.where(b,x,y)
T.where(b,x,0)
T.lerp(x,y,.3)
T.lerp(x,y,x)
T.addcmul(x,x,y,value=2)
T.addcdiv(x,y,x)
T.nan_to_num(x)
T.fmax(x,y)
T.fmin(x,y)
T.float_power(x,2)
T.ldexp(x,y)
T.frexp(x)[0]
T.deg2rad(x)
T.frac(x)
T.sgn(x)
T.sgn(c)
T.angle(c)
T.conj(c)
T.conj_physical(c)
T.polar(x,y)
T.complex(x,y)
T.view_as_real(c)
T.view_as_complex(x.reshape(3,2))
(x*1).fill_(2.)
(x*1).zero_()
(x*1).clamp_(.2,.5)
T.fill(x,3.)
"""


@pytest.mark.parametrize("call", CALLS.split("\n")[1:-1])
def test_calls_print_and_raise_the_same(call):
    same_text(call)


@pytest.mark.parametrize("call", GRADIENTS.split("\n")[1:-1])
def test_gradients_are_the_same(call):
    same_gradients(call)


QUOTIENTS = [
    "x // y", "T.div(x, y, rounding_mode='floor')", "T.div(x, y, rounding_mode='trunc')", "x % y",
    "T.fmod(x, y)", "x // 2", "x % 2", "2 // x",
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("call", QUOTIENTS)
def test_quotients_and_rests_of_zeros_and_infinities(call: str, dtype: str) -> None:
    def found(T: Any) -> list[str]:
        numbers = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, INF, -INF, NAN, 1e-30, 7.3, 0.1, -0.3]
        x = T.tensor(numbers, dtype=getattr(T, dtype))[:, None]
        return list(map(str, eval(call, {"T": T, "x": x, "y": x.T}).flatten().tolist()))

    assert found(lazy) == found(torch)


@pytest.mark.parametrize("name", ["remainder", "fmod"])
@pytest.mark.parametrize("divisor", [2.0, -2.0, 0.5, -1.0, INF, -INF, 0.0])
def test_gradients_of_rests(name: str, divisor: float) -> None:
    def found(T: Any) -> list[str]:
        numbers = [5.3, -5.3, 1.0, -1.0, 0.0, -0.0, 7.5, INF, 2.0, NAN]
        x = T.tensor(numbers, dtype=T.float64, requires_grad=True)
        y = T.full((10,), divisor, dtype=T.float64, requires_grad=True)
        grads = T.autograd.grad(getattr(T, name)(x, y).sum(), [x, y])
        return [str(v) for t in grads for v in t.tolist()]

    assert found(lazy) == found(torch)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("exponent", [2, 3, 3.0, -1, -1.0])
def test_powers_that_are_products(exponent: float, dtype: str) -> None:
    """To the bit, with what they give at special points, and their gradients there."""
    special = [0.0, -0.0, 1, -1.5, INF, -INF, NAN, 1e-40, 1e38, -1e-30, 3e20]
    found = []
    for T in (torch, lazy):
        x = T.tensor([*special, *T.arange(1, 200).div(7).tolist()], dtype=getattr(T, dtype))
        x.requires_grad_()
        y = x**exponent
        y.sum().backward()
        found.append((y.numpy(force=True), x.grad.numpy(force=True), str(y.grad_fn).split(" ")[0]))
    (y, grad, name), (ours, our_grad, our_name) = found
    assert name == our_name
    assert y.tobytes() == ours.tobytes() or exponent < 0
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(y), rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(torch.tensor(our_grad), torch.tensor(grad), equal_nan=True)
