"""Special functions against PyTorch: values, texts, gradients."""

import pytest

pytest.importorskip("torch")

from tests.torch.calls import same_gradients, same_text

CALLS = """
T.xlogy(i,i)
T.xlogy(x,2)
T.xlogy(2,x)
T.sinc(i)
T.sinc(c)
T.logit(x)
T.logit(x/6,eps=.1)
T.logit(i)
T.logit(c)
T.erfc(i)
T.erfc(c)
T.erfinv(c)
T.lgamma(b)
T.digamma(i)
T.polygamma(1,x+1)
T.polygamma(-1,x)
T.polygamma(1,i)
T.polygamma(0,c)
T.mvlgamma(x+3,2)
T.mvlgamma(x,2)
T.mvlgamma(i+3,2)
T.mvlgamma(x,0)
T.igamma(x,x)
T.igamma(x,i)
T.igamma(i,i)
T.i0(i)
T.i0(c)
T.logaddexp2(x,x)
T.logaddexp2(i,i)
T.logaddexp(i,i)
T.logaddexp(c,c)
T.exp2(c)
"""

GRADIENTS = """
T.xlogy(x,y)
T.sinc(x)
T.logit(x)
T.logit(x,.2)
T.erfc(x)
T.erfinv(x)
T.lgamma(x)
T.polygamma(2,x)
T.mvlgamma(x+3,2)
T.igamma(y.detach(),x)
T.igammac(y.detach(),x)
T.i0(x)
T.logaddexp(x,y)
T.logaddexp(c,c*2)
T.logaddexp2(x,y)
T.special.ndtri(x)
T.special.ndtr(x)
T.special.log_ndtr(x)
T.special.entr(x)
T.special.erfcx(x)
T.special.i0e(x)
T.special.i1(x)
T.special.i1e(x)
T.special.xlog1py(x,y)
T.special.bessel_j0(x)
"""


@pytest.mark.parametrize("call", CALLS.split("\n")[1:-1])
def test_calls_print_and_raise_the_same(call):
    same_text(call)


@pytest.mark.parametrize("call", GRADIENTS.split("\n")[1:-1])
def test_gradients_are_the_same(call):
    same_gradients(call)
