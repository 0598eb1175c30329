"""Elements moved, parts replaced, views' copies, views of bits and complex parts, storages agree
with PyTorch's."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lazytensor.torch as lazy  # noqa: E402
from tests.torch.expressions import outcome  # noqa: E402

VALUES = """
torch.roll(x, 1)
torch.roll(x, (1, -2), (0, 1))
x.roll(4, 1)
torch.roll(torch.ones(0), 1)
torch.flip(x, (0,))
x.flip(0, 1)
torch.flip(x, dims=(-1,))
x.t().flip(0)
x.fliplr()
y.flipud()
torch.rot90(x)
torch.rot90(x, 2)
torch.rot90(x, -1)
torch.rot90(x, 4)
torch.rot90(c, 1, (2, 0))
x.tril()
c.triu(1)
torch.tril(m)
torch.tril_indices(3, 2)
torch.tril_indices(2, 3, 1, dtype=torch.int32)
torch.triu_indices(3, 3, -1)
y.diag()
y.diag(-1)
x.diag()
x.diag(1)
x.diagflat()
x.diagflat(1)
torch.diag_embed(x)
torch.diag_embed(x, 1, 0, 2)
torch.diagonal_scatter(x, y[:2])
torch.diagonal_scatter(x, i)
torch.select_scatter(x, y, 0, 1)
torch.slice_scatter(x, w, 0)
torch.slice_scatter(x, w[:, :2], 1, 0, 3, 2)
torch.as_strided_scatter(x, y, (3,), (2,))
torch.as_strided_scatter(x.t(), y, (3,), (2,), 1)
torch.expand_copy(y, (2, 3))
torch.view_copy(x, (6,))
torch.unfold_copy(x, 1, 2, 1)
torch.permute_copy(x, (1, 0))
torch.transpose_copy(x, 0, 1)
torch.t_copy(x)
torch.squeeze_copy(x)
torch.squeeze_copy(x, 0)
torch.unsqueeze_copy(x, 1)
torch.select_copy(x, 1, 0)
torch.slice_copy(x, 1, 1)
torch.split_copy(x, 1)
torch.split_with_sizes_copy(x, [1, 1])
torch.unbind_copy(x)
torch.diagonal_copy(x)
torch.as_strided_copy(x, (2,), (2,), 1)
torch.alias_copy(x)
torch.narrow_copy(x, 1, 1, 2)
x.unsafe_split(1)
x.unsafe_chunk(2, 1)
x.unsafe_split_with_sizes([1, 2], 1)
(x * 1).squeeze(0)
x[:1].squeeze((0,))
x[:1].squeeze()
x.unflatten(1, (1, 3))
x.unflatten(1, (-1, 3))
x.T
x.mT
c.mT
z.mT
x.H
c.mH
torch.unravel_index(torch.tensor([5, 1]), (2, 3))
torch.unravel_index(torch.tensor([3]), 4)
x.resize(3, 2)
torch.view_as_real(torch.complex(x, w))
torch.view_as_complex(c[:, :, 2:])
torch.view_as_real(torch.complex(x, w).t())
torch.complex(x, w).real
torch.complex(x, w).imag
torch.complex(x, w)[:, 1:].imag
x.real
""".strip().split("\n")
PLAIN = """
x.view(torch.int32)
x.view(torch.uint8)
x.view(torch.int16)
z.view(torch.int32)
f.view(torch.int32)
f.view(torch.complex128) if f.shape[-1] % 2 == 0 else f
c.view(torch.float64)
c[:, 1:].view(torch.complex64)
f[:, 1:].view(torch.int16)
f.t().view(torch.int64)
n.view(torch.float32).view(torch.int64)
x.clone().resize_(3, 1)
x.clone().resize_(2, 2)
x.t().resize_(2, 2)
x[1].resize_(2)
torch.resize_as_(x.clone(), torch.ones(1, 2))
torch.Tensor().set_(x)
torch.Tensor().set_(x[1].untyped_storage())
torch.Tensor().set_(x.storage(), 1, (2, 2), (2, 1))
x.untyped_storage().nbytes()
x[1].untyped_storage().size()
x[1].storage().size()
x.storage().dtype
x.storage().tolist()
x.t().storage().tolist()
x.untyped_storage().tolist()
x.untyped_storage()[3:7]
x.untyped_storage()[3]
n.untyped_storage()
n.storage()
n.storage()[2]
len(f.untyped_storage())
x.untyped_storage() is x[0].untyped_storage()
x.untyped_storage().data_ptr() == x.data_ptr()
x.storage().element_size()
x.is_set_to(x.detach())
x.is_set_to(x[0])
""".strip().split("\n")
ERRORS = """
torch.roll(x, (1, 2))
torch.roll(x, (1, 2), (0,))
torch.roll(x, ())
torch.roll(x, 1, 5)
torch.flip(x, (0, 0))
torch.flip(x, (3,))
torch.fliplr(y)
torch.flipud(z)
torch.rot90(x, 1, (0,))
torch.rot90(x, 1, (0, 0))
torch.rot90(y)
torch.rot90(x, 1, (0, 5))
torch.tril(y)
torch.triu(z)
torch.tril_indices(2, -1)
torch.tril_indices(2, 2, dtype=torch.float32)
torch.diag(c)
torch.diag_embed(z)
torch.diag_embed(x, 0, 0, 0)
torch.diagonal_scatter(x, y)
torch.select_scatter(x, y, 0, 5)
torch.select_scatter(x, y, 1, 0)
torch.slice_scatter(x, y, 0, 0, 1)
torch.slice_scatter(x, x, 0, 0, 2, 0)
torch.as_strided_scatter(x, y, (2,), (1,))
x.unflatten(0, (2, 2))
x.unflatten(1, ())
x.unflatten(1, (2, -1))
x.unsafe_chunk(0)
y.mT
y.H
c.H
y.mH
torch.narrow_copy(x, 0, 0, 5)
x.resize(2, 2)
x.clone().requires_grad_().resize_(1)
torch.Tensor().set_(f)
x.storage()[0:2]
x.untyped_storage()[99]
torch.view_as_complex(x)
torch.view_as_complex(torch.ones(2, 2).t())
torch.view_as_complex(torch.ones(9)[1:].view(4, 2))
torch.view_as_real(x)
x.imag
x.view(torch.float64)
c[..., 0].view(torch.float64)
torch.ones(5)[1:].view(torch.float64)
z.view(torch.float64)
x.t().view(torch.uint8)
x.as_strided((3,), (-1,))
x.as_strided((10,), (1,))
x.as_strided((3,), (1,), -1)
x.as_strided((2, 2), (1,))
x.expand(2, 2, 3).add_(1)
y.expand(2, 3).copy_(x)
y[:-1].add_(y[1:])
y[:-1].copy_(y[1:])
torch.ones(3, 3).as_strided((3, 3), (1, 3)).add_(torch.ones(3))
y.expand(2, 3).__setitem__(slice(None), 3)
torch.unravel_index(torch.tensor([3.0]), (2, 2))
""".strip().split("\n")


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("expression", VALUES)
def test_values(expression, grad):
    assert outcome(lazy, expression, grad) == outcome(torch, expression, grad)


@pytest.mark.parametrize("expression", PLAIN)
def test_memory(expression):
    assert outcome(lazy, expression, False) == outcome(torch, expression, False)


@pytest.mark.parametrize("expression", ERRORS)
def test_errors(expression):
    assert outcome(lazy, expression, False) == outcome(torch, expression, False)


def test_writes_go_through_views_of_bits_and_parts():
    for lib in (lazy, torch):
        x = lib.tensor([1.0, 2.0, 3.0, 4.0])
        x.view(lib.int32)[0] = 0x40400000
        assert x.tolist() == [3.0, 2.0, 3.0, 4.0]
        x.view(lib.complex64)[1] = 5 + 6j
        assert x.tolist() == [3.0, 2.0, 5.0, 6.0]
        pairs = lib.view_as_complex(x.view(2, 2))
        pairs.imag = lib.tensor([7.0, 8.0])
        pairs.real.zero_()
        assert x.tolist() == [0.0, 7.0, 0.0, 8.0]
        lib.view_as_real(pairs)[0, 0] = 9
        assert (x.tolist(), x._version) == ([9.0, 7.0, 0.0, 8.0], 5)
        x.untyped_storage()[3] = 0
        x.storage()[1] = 1.5
        assert x.tolist()[1:] == [1.5, 0.0, 8.0]


@pytest.mark.cpu("memory is shared with NumPy")
def test_writes_of_numpy_go_through_strided_views():
    for lib in (lazy, torch):
        x = lib.tensor([9.0, 1.5, 0.0, 8.0])
        x.as_strided((2,), (2,)).numpy()[:] = 4
        assert x.tolist() == [4.0, 1.5, 4.0, 8.0]


# --- random programs of views and writes ----------------------------------------------------------

VIEWS = [
    lambda t, r: t[r.randrange(t.shape[0])] if t.dim() and t.shape[0] else t[...],
    lambda t, r: t[..., :: r.choice([1, 2])] if t.dim() else t.unsqueeze(0),
    lambda t, r: t[r.randrange(3) :] if t.dim() else t.reshape(1),
    lambda t, r: t.transpose(0, -1) if t.dim() else t.view(()),
    lambda t, r: t.unsqueeze(r.randrange(t.dim() + 1)),
    lambda t, r: t.squeeze(),
    lambda t, r: t.diagonal() if t.dim() > 1 else t[None],
    lambda t, r: t.unfold(0, 2, 1) if t.dim() and t.shape[0] > 1 else t.flatten(),
    lambda t, r: t.expand(2, *t.shape),
    lambda t, r: t.flatten(),
    lambda t, r: t.reshape(-1, 2) if t.numel() % 2 == 0 and t.numel() else t.reshape(-1),
    lambda t, r: t.as_strided((2,), (1,)),
    lambda t, r: t.detach(),
    lambda t, r: t.split(2, -1)[-1] if t.dim() else t[None],
]
WRITES = [
    lambda t, o, r: t.add_(1),
    lambda t, o, r: t.mul_(-2),
    lambda t, o, r: t.fill_(r.randrange(9)),
    lambda t, o, r: t.zero_(),
    lambda t, o, r: t.copy_(o),
    lambda t, o, r: t.add_(o),
    lambda t, o, r: t.__setitem__(0, r.randrange(9)),
    lambda t, o, r: t.masked_fill_(t > 3, 7),
    lambda t, o, r: t.transpose_(0, -1),
    lambda t, o, r: t.index_fill_(0, t.new_zeros(1).long(), 5.0),
]


def _program(lib, seed, grad):
    """A state after each step: what every tensor shows, where, its history; or the error."""
    r = random.Random(seed)
    base = lib.arange(24.0).reshape(4, 6)
    tensors = [(base.requires_grad_() * 1) if grad else base]
    trace = []
    for _ in range(7):
        t, o = r.choice(tensors), r.choice(tensors)
        view, write, writes = r.choice(VIEWS), r.choice(WRITES), r.random() < 0.45
        try:
            if writes:
                write(t, o, r)
            elif t.numel() > 1:
                tensors.append(view(t, r))
        except (RuntimeError, IndexError, TypeError) as error:
            trace.append((type(error).__name__, str(error).split("\n")[0]))
        trace.append([_seen(x) for x in tensors])
    return trace


def _made_by(x):
    try:
        return "" if x.grad_fn is None else type(x.grad_fn).__name__
    except RuntimeError as error:  # a view of which a write can't be recorded
        return str(error)


def _seen(x):
    return (np.asarray(x.detach().tolist()).tolist(), tuple(x.shape), x.stride(),
            x.storage_offset(), x._version, x._is_view(), x.requires_grad,
            _made_by(x))  # fmt: skip


@pytest.mark.filterwarnings("ignore:Use of:UserWarning")  # of writes to expanded tensors
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_random_views_and_writes(seed, grad):
    got, want = _program(lazy, seed, grad), _program(torch, seed, grad)
    for mine, theirs in zip(got, want, strict=True):
        assert mine == theirs


@pytest.mark.cpu("memory is shared with NumPy")
def test_a_strided_copy_of_exposed_memory_has_its_gradient():
    x = lazy.ones(2, 3, requires_grad=True)
    shared = x.detach().numpy()
    lazy.as_strided_copy(x, (2,), (2,), 1).sum().backward()
    assert x.grad.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert shared.sum() == 6
