"""Reductions, running totals, norms and statistics against PyTorch: values, texts, gradients."""

from math import inf as INF
from math import nan as NAN
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as lazy  # noqa: E402
from tests.torch.calls import same_gradients, same_text  # noqa: E402

CALLS = """
T.max(e)
T.max(e,0)
T.max(e,1)
T.amax(e)
T.amax(e,0)
T.amax(e,1)
T.amin(e)
T.argmax(e)
T.argmax(e,0)
T.argmax(c)
T.argmin(b)
T.argmax(b)
T.max(c)
T.max(c,0)
T.amax(c)
T.amax(b)
T.aminmax(x)
T.aminmax(x,dim=0)
T.aminmax(e)
T.aminmax(e,dim=0)
T.aminmax(c)
T.max(b)
T.max(b,0)
T.max(x,i)
T.max(x,0,True)
T.max(x,(0,1))
T.all(x,())
T.any(x,())
T.all(x,(0,1))
T.all(x.to(T.uint8))
T.all(x.to(T.uint8),0)
T.any(c)
T.sum(x,())
T.amax(x,())
T.amax(x,(0,1),True)
T.prod(b)
T.prod(x,0,dtype=T.float64)
T.prod(x,(0,1))
T.prod(z,0)
T.nansum(c)
T.nansum(i)
T.nansum(b)
T.nanmean(i)
T.nanmean(x,0)
T.logsumexp(i,0)
T.logsumexp(c,0)
T.logsumexp(x,None)
T.count_nonzero(x,(0,))
T.count_nonzero(x,())
T.std(i)
T.std(e)
T.std(x,())
T.var(x,0,False)
T.var(x,False)
T.var(x,correction=2)
T.var(x,[0,1],correction=None)
T.var(z)
T.var(c)
T.std_mean(x)
T.var_mean(x,0,correction=0)
T.var_mean(i)
T.quantile(x,0.5)
T.quantile(x,1.5)
T.quantile(i,0.5)
T.quantile(e,0.5)
T.quantile(x,T.tensor([.1,.2]),0)
T.quantile(x,T.tensor([[.1,.2]]),0)
T.quantile(x,T.tensor([.1,.2],dtype=T.float64),0)
T.quantile(x,.5,interpolation='foo')
T.quantile(x,T.tensor([.1,2.]),0)
T.nanquantile(x,.5,0,True,interpolation='nearest')
T.quantile(x,.5,keepdim=True)
T.cumsum(b,0)
T.cumsum(x,2)
T.cumprod(i,0,dtype=T.float32)
T.cummax(x,0)
T.cummax(c,0)
T.cummin(b,0)
T.logcumsumexp(x,0)
T.logcumsumexp(i,0)
T.logcumsumexp(c,0)
T.cumsum(z,0)
T.cummax(z,0)
T.diff(x)
T.diff(z)
T.diff(x,n=-1)
T.diff(x,n=3)
T.diff(x,dim=0,prepend=x)
T.diff(x,dim=0,prepend=z)
T.diff(x,dim=0,prepend=e[:,:2])
T.diff(b)
T.trapezoid(T.tensor([[1,2,200],[3,250,5]],dtype=T.uint8),T.tensor([1,2,100],dtype=T.uint8))
T.cumulative_trapezoid(T.tensor([1,200,100],dtype=T.uint8))
T.cumulative_trapezoid(T.tensor([[1,2,200],[3,250,5]],dtype=T.uint8),T.tensor([1,2,100],dtype=T.uint8))
T.einsum('ij->i',T.tensor([[1,255],[3,4]],dtype=T.uint8))
T.einsum('ij,j->i',T.tensor([[1,255],[3,4]],dtype=T.uint8),T.tensor([1,2],dtype=T.uint8))
T.einsum('ij,j->',T.tensor([[1,255],[3,4]],dtype=T.uint8),T.tensor([1,2],dtype=T.uint8))
T.einsum('ij,kl->ik',T.tensor([[1,255],[3,4]],dtype=T.uint8),T.tensor([[1,2]],dtype=T.uint8))
T.linalg.vander(T.tensor([1,2,200],dtype=T.uint8))
T.unravel_index(T.tensor([1,5],dtype=T.uint8),(2,3))[0]
T.trapezoid(x)
T.trapezoid(x,dx=2.)
T.trapezoid(x,x)
T.trapezoid(x,T.arange(3.))
T.trapezoid(x,T.arange(2.))
T.cumulative_trapezoid(x,dim=0)
T.cumulative_trapezoid(i,dim=0)
T.trapezoid(i)
T.trapezoid(b)
T.cov(x)
T.cov(z)
T.cov(i)
T.cov(x,correction=0,fweights=T.tensor([1,2,3]))
T.cov(x,aweights=T.tensor([1.,2,3]))
T.cov(T.ones(2,2,2))
T.cov(x,fweights=T.tensor([1.,2,3]))
T.cov(x,fweights=T.tensor([[1,2,3]]))
T.cov(x,fweights=T.tensor([1,2]))
T.cov(x,aweights=T.tensor([1,2]))
T.cov(x,aweights=T.tensor([1.,2,-3]))
T.cov(x,fweights=T.tensor([1,2,-3]))
T.cov(b)
T.corrcoef(x)
T.corrcoef(z)
T.corrcoef(T.ones(2,2,2))
T.renorm(x,2,0,1.)
T.renorm(T.arange(3.),2,0,1.)
T.renorm(x,-1,0,1.)
T.renorm(x,2,0,-1.)
T.renorm(i,2,0,1.)
T.norm(x)
T.norm(x,1)
T.norm(x,'fro',0)
T.norm(x,'nuc')
T.norm(x,float('inf'),(0,1))
T.norm(x,3,1,True)
T.norm(i)
T.norm(x,'foo')
T.norm(x,2,dtype=T.float64)
T.norm(x,p=2,dim=(0,1))
T.norm(c)
T.norm(e,float('inf'))
T.dist(x,x+1)
T.dist(x,x+1,float('inf'))
T.dist(i,i)
T.dist(x,T.ones(4))
T.softmax(x,1)
T.softmax(i,1)
T.softmax(i,1,T.float32)
T.softmax(x,2)
T.softmax(x,1,dtype=T.float64)
T.log_softmax(i,1)
T.log_softmax(x,-1)
T.softmax(c,0)
T.softmax(z,0)
"""

GRADIENTS = """
T.sum(x)
T.sum(x,0)
T.nansum(x)
T.mean(x)
T.mean(x,1)
T.nanmean(x,0)
T.prod(x)
T.prod(x,1)
T.logsumexp(x,0)
T.amax(x)
T.amin(x,0)
T.aminmax(x)[0]
T.max(x)
T.max(x,0)[0]
T.max(x,y)
T.min(x,1)[0]
T.min(x)
T.softmax(x,0)
T.log_softmax(x,0)
T.quantile(x,w)
T.quantile(x,.3,1)
T.cumsum(x,0)
T.cumprod(x,0)
T.cummax(x,0)[0]
T.cummin(x,0)[0]
T.logcumsumexp(x,0)
T.diff(x)
T.trapezoid(x)
T.trapezoid(x,y)
T.cumulative_trapezoid(x,y)
T.std(x)
T.var(x,0)
T.std_mean(x,0)[0]
T.std_mean(x,0)[1]
T.var_mean(x)[0]
T.cov(x)
T.corrcoef(x)
T.norm(x)
T.norm(x,1)
T.norm(x,inf,0)
T.norm(x,3,0)
T.norm(x,'nuc')
T.norm(x*0)
T.norm(c)
T.dist(x,y)
T.renorm(x,2,0,.5)
(x*1).cumsum_(0)
"""


@pytest.mark.parametrize("call", CALLS.split("\n")[1:-1])
def test_calls_print_and_raise_the_same(call):
    same_text(call)


@pytest.mark.parametrize("call", GRADIENTS.split("\n")[1:-1])
def test_gradients_are_the_same(call):
    same_gradients(call)


NUMPYS = ["sum", "mean", "amax", "amin", "all", "any", "logsumexp", "nansum", "count_nonzero"]


@pytest.mark.parametrize("dim", ["N.int64(1)", "T.tensor(0)", "(N.int64(0),1)"])
@pytest.mark.parametrize("name", NUMPYS)
def test_axes_as_numpys_numbers_or_tensors(name: str, dim: str) -> None:
    def found(T: Any) -> Any:
        x = T.tensor([[1.5, -2.0, 0.25], [4.0, 0.0, -1.0]])
        return getattr(x, name)(dim=eval(dim, {"N": np, "T": T})).tolist()

    assert found(lazy) == pytest.approx(found(torch))


def test_counts_over_several_axes() -> None:
    x = lazy.tensor([[1, 0], [2, 3]])
    assert x.count_nonzero(0, 1).item() == 3


@pytest.mark.parametrize("call", ["T.softmax(x,1)", "T.log_softmax(x,1)", "T.sign(x)", "x.sign_()",
                                  "T.logsumexp(x,1)", "x.norm(-1)", "T.sgn(x)"])  # fmt: skip
def test_infinities_and_nan(call: str) -> None:
    def found(T: Any) -> list[str]:
        rows = [[NAN, 1.0, -INF], [2.0, INF, 0.0], [-INF, -INF, -INF], [-INF, 0.0, 0.0]]
        return [str(v) for v in eval(call, {"T": T, "x": T.tensor(rows)}).flatten().tolist()]

    assert found(lazy) == found(torch)
