"""Sorting, searching, counting against PyTorch: values, texts, gradients."""

import pytest

pytest.importorskip("torch")

from tests.torch.calls import same_gradients, same_text

CALLS = """
T.median(e)
T.median(e,0)
T.median(e,1)
T.median(x)
T.median(c)
T.median(b)
T.median(b,0)
T.nanmedian(x,0)
T.mode(x)
T.mode(e)
T.mode(e,0)
T.mode(b)
T.mode(z)
T.kthvalue(x,5)
T.kthvalue(x,0,0)
T.kthvalue(b,1)
T.kthvalue(z,1)
T.kthvalue(e,1,0)
T.sort(c)
T.sort(x,0,True)
T.sort(x,stable=True)
T.sort(x,dim=0,descending=True,stable=True)
T.sort(b)
T.argsort(x,0)
T.msort(z)
T.msort(x)
T.topk(x,4)
T.topk(x,2,0,False)
T.topk(z,1)
T.topk(z,0)
T.topk(c,1)
T.topk(b,1)
T.searchsorted(T.arange(3.),x)
T.searchsorted(T.arange(3.),1.)
T.searchsorted(T.arange(3.),i)
T.searchsorted(x,T.ones(3,2))
T.searchsorted(x,x,out_int32=True,right=True)
T.searchsorted(T.arange(3.),x,side='foo')
T.searchsorted(T.arange(3.),x,side='left',right=True)
T.searchsorted(T.arange(3.),x,sorter=T.tensor([2,1,0]))
T.searchsorted(T.arange(3.),x,sorter=T.tensor([2,1]))
T.searchsorted(T.arange(3.),x,sorter=T.tensor([2,1,5]))
T.searchsorted(T.arange(3.),x,sorter=T.tensor([2.,1,0]))
T.searchsorted(z,x)
T.bucketize(x,T.arange(3.))
T.bucketize(x,x)
T.bucketize(2,T.arange(3.))
T.bucketize(2.5,T.arange(3.),out_int32=True)
T.isin(x,i)
T.isin(x,2)
T.isin(2,x)
T.isin(x,x,invert=True,assume_unique=True)
T.unique(x)
T.unique(x,True,True)
T.unique(x,return_counts=True)
T.unique(x,return_inverse=True,return_counts=True,dim=1)
T.unique(e,dim=0)
T.unique(z)
T.unique_consecutive(x)
T.unique_consecutive(x,True,True)
T.unique_consecutive(x,return_counts=True,dim=0)
T.unique_consecutive(z)
T.unique(x,dim=3)
T.histc(x)
T.histc(x,4)
T.histc(x,4,1,3)
T.histc(x,4,3,1)
T.histc(x,0)
T.histc(i,4)
T.histc(T.tensor([1.,float('inf')]),4)
T.histc(T.tensor([1.,float('nan')]),4)
T.histogram(x,4)
T.histogram(x,4,range=(0.,2.),density=True)
T.histogram(x,T.tensor([0.,2.,5.]),weight=x)
T.histogram(i,4)
T.histogram(x,0)
T.histogram(x,4,range=(3.,1.))
T.histogram(x,2,weight=T.ones(3))
T.bincount(T.tensor([1,2,2]))
T.bincount(T.tensor([1,2,2]),minlength=5)
T.bincount(T.tensor([1,2,2]),T.tensor([1.,2,3]))
T.bincount(T.tensor([1,2,2]),T.tensor([1,2,3]))
T.bincount(x)
T.bincount(T.tensor([-1]))
T.bincount(T.tensor([1.]))
T.bincount(T.tensor([1]),minlength=-1)
T.bincount(T.tensor([],dtype=T.int64),minlength=3)
T.bincount(T.tensor([1]),T.tensor([1.,2]))
"""

GRADIENTS = """
T.sort(x)[0]
T.msort(x)
T.topk(x,2)[0]
T.kthvalue(x,2)[0]
T.mode(x)[0]
T.median(x)
T.median(x,0)[0]
T.nanmedian(x)
T.nanmedian(x,0)[0]
"""


@pytest.mark.parametrize("call", CALLS.split("\n")[1:-1])
def test_calls_print_and_raise_the_same(call):
    same_text(call)


@pytest.mark.parametrize("call", GRADIENTS.split("\n")[1:-1])
def test_gradients_are_the_same(call):
    same_gradients(call)
