"""CUDA devices on the torch face: where tensors are, over two virtual devices.

Virtual devices compute as the CPU does, so numbers are compared exactly with those of the CPU.
"""

from __future__ import annotations

import copy
import gc
import io
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor._base import config
from lazytensor.torch import nn
from lazytensor.torch._generator import default_generator
from lazytensor.torch.nn import functional as F

CPU, ONE, TWO = torch.device("cpu"), torch.device("cuda:0"), torch.device("cuda:1")
APART = "Expected all tensors to be on the same device, but found at least two devices, {} and {}!"
WITHOUT = pytest.mark.cpu("what is where there is no GPU")


@pytest.fixture(autouse=True)
def two_devices():
    with config.context(virtual_cuda=2, default_device="cpu"):
        torch.manual_seed(0)
        yield
        torch.cuda.set_device(0)
        torch.set_default_device(None)


def same(a, b):
    """Whether two tensors have the same bits, wherever they are."""
    x, y = a.detach().cpu(), b.detach().cpu()
    return x.dtype is y.dtype and x.shape == y.shape and x.numpy().tobytes() == y.numpy().tobytes()


# --- devices --------------------------------------------------------------------------------------


def test_devices_by_name():
    assert torch.ones(1, device="cuda").device == ONE
    assert torch.ones(1, device=1).device == torch.ones(1, device=TWO).device == TWO
    assert str(torch.ones(1, device="cuda:1").device) == "cuda:1"
    assert repr(torch.device("cuda", 1)) == "device(type='cuda', index=1)"
    assert torch.device("cuda").index is None and torch.device("cuda") != ONE
    with pytest.raises(torch.AcceleratorError, match="CUDA error: invalid device ordinal"):
        torch.ones(1, device="cuda:2")


def test_the_current_device_is_cuda_without_an_index():
    torch.cuda.set_device(1)
    assert torch.cuda.current_device() == torch.accelerator.current_device_index() == 1
    assert torch.ones(1, device="cuda").device == torch.ones(1).cuda().device == TWO
    with torch.cuda.device(0):
        assert torch.ones(1, device="cuda").device == ONE
        with torch.cuda.device_of(torch.ones(1, device=TWO)), torch.cuda.device(None):
            assert torch.cuda.current_device() == 1
    assert torch.cuda.current_device() == 1
    with torch.accelerator.device_index(0):
        assert torch.cuda.current_device() == 0
    for wrong in (2, "cuda:7"):
        with pytest.raises(RuntimeError, match="invalid device ordinal"):
            torch.cuda.set_device(wrong)
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        torch.cuda.set_device("cpu")


def test_default_devices():
    torch.set_default_device("cuda")
    assert torch.get_default_device() == ONE
    made = [torch.zeros(2), torch.tensor([1.0]), torch.arange(3), torch.randn(2), torch.eye(2)]
    made += [torch.as_tensor([1]), torch.as_tensor(np.ones(2)), torch.linspace(0, 1, 3)]
    made += [torch.randperm(3), torch.full((1,), 2.0), torch.tril_indices(2, 2)]
    made += [nn.Linear(2, 2).weight, torch.asarray([1.0]), torch.scalar_tensor(1.0)]
    assert {str(x.device) for x in made} == {"cuda:0"}
    assert torch.from_numpy(np.ones(2)).device == torch.zeros(1, device="cpu").device == CPU
    with torch.device("cpu"):
        assert torch.zeros(1).device == CPU
        with torch.device("cuda:1"):
            assert torch.zeros(1).device == torch.empty(2, 2).device == TWO
    assert torch.normal(0.0, 1.0, (2,)).device == torch.range(0, 2).device == CPU
    assert torch.Generator().device == torch.Generator(None).device == CPU
    torch.set_default_device(None)
    assert torch.zeros(1).device == CPU


def test_tensors_made_of_tensors_go_to_a_device_that_was_chosen():
    x = torch.ones(2, device=TWO)
    made = torch.tensor, torch.as_tensor, torch.asarray
    assert {f(x).device for f in made} == {TWO}
    for chosen in (ONE, CPU):
        with chosen:
            assert {f(x).device for f in made} == {chosen}
            assert {f(x, dtype=torch.float64).device for f in made} == {chosen}
            assert x.new_tensor(x).device == torch.ones_like(x).device == TWO


def test_a_default_device_is_a_threads():
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(torch.get_default_device).result()
    torch.set_default_device("cuda:1")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_default_device).result() == before != TWO
    assert torch.get_default_device() == TWO


def test_without_a_default_device_the_setting_says_where():
    with config.context(default_device="cuda:1"):
        assert torch.zeros(1).device == torch.get_default_device() == TWO
        assert torch.from_numpy(np.ones(2)).device == CPU
        torch.set_default_device("cpu")
        assert torch.zeros(1).device == CPU
        torch.set_default_device(None)
        assert nn.Linear(2, 2).weight.device == TWO


def test_new_tensors_are_where_others_are():
    x = torch.ones(2, 3, device=TWO)
    made = [torch.zeros_like(x), torch.rand_like(x), torch.full_like(x, 2), x.new_zeros(2)]
    made += [x.new_tensor([1.0]), x.new_full((1,), 3), x.new_empty(2), x.new_ones(1), x.clone()]
    made += [torch.randint_like(x, 3), torch.empty_like(x), x.new(2), x.detach(), x.data, x[0]]
    assert {str(t.device) for t in made} == {"cuda:1"}
    assert torch.zeros_like(x, device="cpu").device == x.new_zeros(1, device="cpu").device == CPU


def test_figures_of_a_device():
    found = torch.cuda.get_device_properties("cuda:1")
    assert torch.cuda.get_device_name(0) == found.name == "Virtual CUDA device"
    assert torch.cuda.get_device_capability() == (found.major, found.minor)
    assert found.total_memory == torch.cuda.mem_get_info()[1] > 0
    assert repr(found).startswith("_CudaDeviceProperties(name='Virtual CUDA device', major=8, min")
    assert torch.cuda.is_available() and torch.cuda.device_count() == 2
    assert torch.cuda.can_device_access_peer(0, 1) and torch.cuda.is_bf16_supported()
    with pytest.raises(AssertionError, match="Invalid device id 5"):
        torch.cuda.can_device_access_peer(0, 5)
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.cuda.get_device_properties(2)
    assert torch.accelerator.current_accelerator() == torch.device("cuda")
    assert torch.get_device_module() is torch.cuda
    torch.cuda.init(), torch.cuda.ipc_collect(), torch.cuda.empty_cache()


@WITHOUT
def test_without_a_device():
    with config.context(virtual_cuda=0):
        assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
        needs = [lambda: torch.ones(1, device="cuda"), lambda: torch.ones(1).cuda()]
        needs += [lambda: torch.ones(1).to("cuda:0"), lambda: torch.Generator("cuda")]
        needs += [lambda: nn.Linear(1, 1).cuda(), lambda: torch.tensor(1.0, device=0)]
        for call in needs:
            with pytest.raises(RuntimeError, match=r"no CUDA device here.*lazytensor\[cuda12\]"):
                call()
        for call in (torch.cuda.current_device, torch.cuda.synchronize, torch.cuda.Stream):
            with pytest.raises(RuntimeError, match=r"no CUDA device is available.*install lazyten"):
                call()
        assert torch.cuda.memory_allocated() == torch.cuda.max_memory_reserved() == 0


# --- tensors --------------------------------------------------------------------------------------


def test_printed_forms():
    x = torch.arange(3.0, device="cuda", requires_grad=True)
    assert repr(x) == "tensor([0., 1., 2.], device='cuda:0', requires_grad=True)"
    assert repr(x.cuda(1)) == "tensor([0., 1., 2.], device='cuda:1', grad_fn=<ToCopyBackward0>)"
    assert f"{x.sum().item()} {x.sum():.1f}" == "3.0 3.0"
    assert repr(nn.ParameterList([nn.Parameter(x)])).count("(cuda:0)") == 1


def test_moves():
    x = torch.arange(6.0).reshape(2, 3)
    y = x.cuda()
    assert (y.device, y.is_cuda, y.get_device(), y.type()) == (
        ONE, True, 0, "torch.cuda.FloatTensor"
    )  # fmt: skip
    assert y.cuda() is y and y.to("cuda") is y and y.to(y) is y and x.cpu() is x
    assert y.cuda(1).get_device() == 1 and y.to(1).device == TWO and x.get_device() == -1
    for moved in (x.to(ONE, torch.float64), x.to(torch.float64).to(0), x.to("cuda", torch.double),
                  x.to(device="cuda", dtype=torch.float64, non_blocking=True),
                  x.to(torch.ones(1, device=ONE, dtype=torch.float64))):  # fmt: skip
        assert (moved.device, moved.dtype) == (ONE, torch.float64) and same(moved, x.double())
    assert y.to("cuda", copy=True) is not y and same(y.to(ONE, copy=True), x)
    assert same(y.cpu(), x) and y.cpu().numpy().tolist() == y.tolist() == x.tolist()
    assert x.type("torch.cuda.DoubleTensor").device == ONE and y.type(torch.FloatTensor).is_cpu
    assert isinstance(y, torch.cuda.FloatTensor) and not isinstance(x, torch.cuda.FloatTensor)
    assert torch.cuda.FloatTensor([1.0]).device == ONE
    with pytest.raises(RuntimeError, match="Invalid device, must be cuda device"):
        x.cuda("cpu")


def test_layout_is_kept():
    x = torch.arange(24.0).reshape(1, 2, 3, 4)
    last = x.to(memory_format=torch.channels_last).cuda()
    assert last.stride() == (24, 1, 8, 2) and same(last, x)
    assert x.cuda().to(memory_format=torch.channels_last).stride() == (24, 1, 8, 2)
    assert x[..., ::2].cuda().is_contiguous() and x.transpose(2, 3).cuda().stride()[2:] == (1, 4)


def test_no_array_of_a_device():
    x = torch.ones(2, device="cuda")
    for call in (x.numpy, lambda: np.asarray(x)):
        with pytest.raises(TypeError) as found:
            call()
        assert str(found.value) == (
            "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
            "to host memory first."
        )
    assert x.numpy(force=True).tolist() == [1.0, 1.0]
    assert x.__dlpack_device__() == (2, 0) and x.cuda(1).__dlpack_device__() == (2, 1)
    with pytest.raises(BufferError, match="cuda:0"):
        np.from_dlpack(x)


def test_what_comes_from_and_goes_to_the_host():
    array = np.arange(3.0)
    x = torch.from_numpy(array).cuda()
    array[0] = 7.0
    assert x.tolist() == [0.0, 1.0, 2.0]
    out = x.cpu().numpy()
    out[1] = 9.0
    assert x.tolist() == [0.0, 1.0, 2.0] and x[2].item() == 2.0 and int(x[1]) == 1
    assert [float(v) for v in x] == [0.0, 1.0, 2.0] and 2.0 in x and bool(x[2])
    y = torch.zeros(3)
    assert y.copy_(x) is y and y.device == CPU and y.tolist() == [0.0, 1.0, 2.0]
    x[:2] = torch.tensor([5.0, 6.0])
    assert x.device == ONE and x.tolist() == [5.0, 6.0, 2.0]
    assert x.data_ptr() == x.data_ptr() != 0


MIXED = [
    lambda a, b: a + b,
    lambda a, b: torch.cat([a, b]),
    lambda a, b: a @ b,
    lambda a, b: F.linear(a, b),
    lambda a, b: torch.where(a > 0, a, b),
    lambda a, b: torch.addcmul(a, a, b),
    lambda a, b: F.mse_loss(a, b),
    lambda a, b: F.layer_norm(a, (2,), b[0]),
    lambda a, b: a.gather(0, b.long()),
    lambda a, b: torch.stack([a, b]),
    lambda a, b: F.embedding(b.long(), a),
    lambda a, b: a.mul_(b),
    lambda a, b: torch.einsum("ij,jk", a, b),
    lambda a, b: a.scatter_add(0, b.long(), a),
]


@pytest.mark.parametrize("f", MIXED)
def test_tensors_of_two_devices_dont_mix(f):
    with pytest.raises(RuntimeError) as found:
        f(torch.ones(2, 2, device=ONE), torch.ones(2, 2))
    assert str(found.value) in (APART.format("cuda:0", "cpu"), APART.format("cpu", "cuda:0"))


def test_results_go_to_their_own_device():
    x, y = torch.ones(2, device=ONE), torch.ones(2)
    with pytest.raises(RuntimeError, match="at least two devices, cpu and cuda:0"):
        y.add_(x)
    with pytest.raises(RuntimeError, match="at least two devices, cuda:0 and cpu"):
        torch.add(x, x, out=y)
    assert torch.add(x, x, out=torch.empty(2, device=ONE)).tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="grad.*device type 'cuda' to a tensor with device type"):
        y.grad = x


def test_numbers_on_the_cpu_mix():
    x = torch.arange(3.0, device=TWO, requires_grad=True)
    two = torch.tensor(2.0, requires_grad=True)
    for f in (lambda a, b: a * b, lambda a, b: b / (a + 1), lambda a, b: torch.where(a > 1, a, b),
              lambda a, b: torch.maximum(a, b), lambda a, b: torch.clamp(a, max=b),
              lambda a, b: torch.addcmul(a, a, b), lambda a, b: a.masked_fill(a > 1, b),
              lambda a, b: torch.lerp(a, a + 1, b), lambda a, b: a**b):  # fmt: skip
        y = f(x, two)
        want = f(x.cpu(), two)
        assert y.device == TWO and same(y, want)
        found = torch.autograd.grad(y.sum(), (x, two))
        for g, w, t in zip(found, torch.autograd.grad(want.sum(), (x, two)), (x, two)):
            assert g.device == t.device and same(g, w)
    assert (torch.tensor(1.0) + torch.tensor(1.0, device=ONE)).device == ONE
    y = torch.zeros(3, device=ONE)
    y[1] = torch.tensor(4.0)
    y += torch.tensor(1.0)
    assert y.tolist() == [1.0, 5.0, 1.0]


NUMBERS = [
    "torch.add(x, x, alpha=n)", "torch.sub(x, x, alpha=n)", "x.clone().add_(x, alpha=n)",
    "torch.addcmul(x, x, x, value=n)", "torch.addcdiv(x, x, x, value=n)",
    "torch.addmm(x, x, x, beta=n, alpha=n)", "torch.addmv(x[0], x, x[0], beta=n, alpha=n)",
    "torch.addr(x, x[0], x[0], beta=n, alpha=n)",
    "torch.baddbmm(x[None], x[None], x[None], beta=n)",
    "torch.addbmm(x, x[None], x[None], beta=n, alpha=n)", "torch.full((2,), n)",
]  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("where", ["cpu", "cuda:1"])
def test_numbers_in_tensors_are_read_when_they_are_given(text, where):
    x, n = torch.ones(2, 2, device=where) * 3, torch.tensor(2.0, device=where)
    for value in (2.0, 5.0, 0.0):
        n.fill_(value)
        want = eval(text, {"torch": torch, "x": x, "n": value})
        assert same(eval(text, {"torch": torch, "x": x, "n": n}), want)


def test_sizes_and_probabilities_in_tensors():
    for where in ("cpu", "cuda:1"):
        x, n = torch.arange(12.0, device=where).reshape(3, 4), torch.tensor(2, device=where)
        assert [t.shape for t in x.split(n)] == [t.shape for t in x.chunk(n)] == [(2, 4), (1, 4)]
        assert torch.diagonal(x, n).tolist() == [2, 7]
        assert x.unfold(0, n, n).shape == (1, 4, 2)
        assert x.as_strided((2,), (1,), n).tolist() == [2, 3]
        assert torch.dropout(x, n / 2, True).tolist() == torch.zeros(3, 4).tolist()
        assert torch.dropout(x, n / 4, True).count_nonzero() < 12


def test_a_step_of_lbfgs_is_the_cpus():
    def trained(where):
        p = nn.Parameter(torch.tensor([1.0, -2.0], device=where))
        optimizer = torch.optim.LBFGS([p], max_iter=4)
        for _ in range(2):
            def closure():
                optimizer.zero_grad()
                loss = (p * p).sum() + p[0] * p[1] + p.sum()
                loss.backward()
                return loss
            optimizer.step(closure)
        return p

    assert same(trained(ONE), trained("cpu"))


def test_indices_may_be_on_the_cpu():
    x = torch.arange(6.0, device=ONE).reshape(2, 3)
    for key in (
        torch.tensor([1, 0]),
        torch.tensor([True, False]),
        [1],
        ([0, 1], [2, 0]),
        torch.tensor([1]).cuda(),
        (slice(None), torch.tensor([2, 0])),
        torch.tensor(1),
        np.array([1]),
        (torch.tensor([[0], [1]]), torch.tensor([0, 1])),
    ):
        assert x[key].device == ONE
        here = (
            tuple(k.cpu() if isinstance(k, torch.Tensor) else k for k in key)
            if (isinstance(key, tuple))
            else key.cpu()
            if isinstance(key, torch.Tensor)
            else key
        )
        assert same(x[key], x.cpu()[here])
    x[torch.tensor([True, False])] = torch.tensor(7.0)
    x[torch.tensor([1]), torch.tensor([1])] = torch.tensor([9.0], device=ONE)
    assert x.tolist() == [[7.0, 7.0, 7.0], [3.0, 9.0, 5.0]]
    assert x[x > 6].tolist() == [7.0, 7.0, 7.0, 9.0] and x.nonzero().device == ONE
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 0 with size 2"):
        x[torch.tensor([5])]
    with pytest.raises(RuntimeError) as found:
        torch.ones(2)[torch.tensor([0], device=ONE)]
    assert str(found.value) == "indices should be on the same device as the indexed tensor (cpu)"
    with pytest.raises(RuntimeError, match=r"either on cpu or on the same .* tensor \(cuda:0\)"):
        x[torch.tensor([0], device=TWO)]
    with pytest.raises(RuntimeError, match="two devices, cuda:0 and cpu"):
        x[torch.tensor([0, 1])] = torch.ones(2, 3)


def test_a_bad_index_on_a_device_is_refused_when_it_is_computed():
    x = torch.arange(3.0, device=ONE)
    y = x[torch.tensor([0, 4], device=ONE) + 1]
    with pytest.raises(IndexError, match=__file__.rpartition("/")[2]):
        y.tolist()
    assert (x + 1).tolist() == [1.0, 2.0, 3.0]


def test_views_and_writes():
    x = torch.zeros(3, 4, device=ONE)
    row, column, diagonal = x[1], x.T[2], x.diagonal()
    windows, strided = x.unfold(1, 2, 2), x.as_strided((2, 2), (4, 1), 1)
    row += 1
    diagonal.fill_(5)
    column.mul_(2)
    assert x.tolist() == [[5, 0, 0, 0], [1, 5, 2, 1], [0, 0, 10, 0]]
    assert windows[1, 1].tolist() == [2, 1] and strided.tolist() == [[0, 0], [5, 2]]
    assert {t.device for t in (row, column, diagonal, windows, strided)} == {ONE}
    wide = torch.zeros(2, device=ONE).expand(3, 2)
    with pytest.raises(RuntimeError, match="single memory location"):
        wide.add_(1)
    assert x.untyped_storage().nbytes() == 48 and x.untyped_storage().is_cuda
    assert x.storage().device == ONE and x.untyped_storage().cpu().tolist() == (
        x.cpu().untyped_storage().tolist()
    )
    assert x.is_shared() and x.share_memory_() is x


def test_a_part_of_a_storage_shares_its_memory():
    for where in ("cpu", ONE):
        x = torch.arange(6, dtype=torch.int16, device=where)
        whole = x.untyped_storage()
        part = whole[4:10]
        assert (part.nbytes(), part.device) == (6, x.device)
        assert part.data_ptr() == whole.data_ptr() + 4
        y = torch.empty(0, dtype=torch.int16, device=where).set_(part)
        assert y.tolist() == [2, 3, 4]
        y += 10
        part[0] = 7
        x[4] = -1
        assert x.tolist() == [0, 1, 7, 13, -1, 5] and y.tolist() == [7, 13, -1]
        assert part[2:4].tolist() == [13, 0] and whole[3:1].nbytes() == 0
        assert part.clone().fill_(0).tolist() == [0] * 6 and part.cpu().tolist()[:2] == [7, 0]
        with pytest.raises(RuntimeError, match="step of 2"):
            whole[::2]


# --- derivatives ----------------------------------------------------------------------------------


def test_gradients_live_where_leaves_do():
    a = torch.arange(3.0, requires_grad=True)
    b = torch.arange(3.0, device=TWO).requires_grad_()
    y = (a.cuda() * 2).to(TWO) * b
    assert y.grad_fn.next_functions[0][0].name() == "ToCopyBackward0"
    y.sum().backward()
    assert (a.grad.device, b.grad.device) == (CPU, TWO)
    assert a.grad.tolist() == [0.0, 2.0, 4.0] and b.grad.tolist() == [0.0, 2.0, 4.0]
    y = (a.cuda() ** 3).cpu()
    (g,) = torch.autograd.grad(y.sum(), a, create_graph=True)
    (gg,) = torch.autograd.grad(g.sum(), a)
    assert g.device == gg.device == CPU and gg.tolist() == [0.0, 6.0, 12.0]
    half = a.to(ONE, torch.float16)
    half.sum().backward()
    assert a.grad.dtype is torch.float32 and a.grad.tolist() == [1.0, 3.0, 5.0]


def test_writes_are_recorded():
    a = torch.ones(3, device=ONE, requires_grad=True)
    x = a * 2
    x[0] = torch.tensor(5.0, requires_grad=True)
    x[1:].mul_(3)
    there = torch.zeros(3)
    there[:] = 0
    b = torch.ones(3, requires_grad=True)
    y = there.to(ONE)
    y.copy_(b)
    (x * y).sum().backward()
    assert a.grad.tolist() == [0.0, 6.0, 6.0] and b.grad.tolist() == [5.0, 6.0, 6.0]
    assert (a.grad.device, b.grad.device) == (ONE, CPU)


def test_functions_of_the_users_keep_to_their_devices():
    class Moving(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, right):
            ctx.right = right
            return x.cuda()

        @staticmethod
        def backward(ctx, g):
            return (g.cpu() if ctx.right else g), None

    a = torch.ones(2, requires_grad=True)
    Moving.apply(a, True).sum().backward()
    assert a.grad.device == CPU
    with pytest.raises(RuntimeError, match="expected device cpu but got cuda:0"):
        Moving.apply(a, False).sum().backward()


def test_transforms():
    x = torch.arange(3.0, device=ONE)
    assert same(torch.func.grad(lambda t: (t.cpu() ** 2).sum())(x), 2 * x)
    assert torch.func.vmap(lambda t: t.cuda(1) + 1)(x).device == TWO
    found = torch.func.jacrev(lambda t: t**2)(x)
    assert found.device == ONE and same(found, torch.diag(2 * x.cpu()))
    assert torch.autograd.functional.hessian(lambda t: (t**3).sum(), x).device == ONE
    there = torch.rand(2, device=TWO, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: (t.cuda(0) * 3).cuda(1).sin(), there)


# --- modules and optimisers -----------------------------------------------------------------------


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def batch(seed=2):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(12, 4, generator=g), torch.randint(3, (12,), generator=g)


def trained(model, optimizer, where, steps=3):
    """Losses of some steps, and the parameters then."""
    losses = []
    torch.manual_seed(3)
    for step in range(steps):
        x, y = (t.to(where) for t in batch(step))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [p.detach().cpu().numpy().tobytes() for p in model.parameters()]


OPTIMIZERS = [
    lambda p: torch.optim.SGD(p, 0.1, momentum=0.9),
    lambda p: torch.optim.Adam(p, 0.01),
    lambda p: torch.optim.AdamW(p, 0.01, amsgrad=True),
    lambda p: torch.optim.RMSprop(p, 0.01),
    lambda p: torch.optim.Adagrad(p, 0.01),
    lambda p: torch.optim.ASGD(p, 0.01),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_training_gives_the_cpus_bits(make):
    found = []
    for where in ("cpu", "cuda:1"):
        model = network().to(where)
        optimizer = make(model.parameters())
        found.append(trained(model, optimizer, where))
        for p in model.parameters():
            state = optimizer.state[p].items()
            assert {str(v.device) for k, v in state if torch.is_tensor(v) and v.ndim} == {where}
    assert found[0] == found[1]


def test_parameters_stay_the_same_objects():
    model = network()
    first = list(model.parameters())
    model.to(dtype=torch.float64)
    x, y = batch()
    F.cross_entropy(model(x.double()), y).backward()
    assert model.cuda() is model
    assert all(p is q and q.device == ONE and q.grad.device == ONE and q.is_leaf
               for p, q in zip(first, model.parameters()))  # fmt: skip
    assert {str(b.device) for b in model.buffers()} == {"cuda:0"}
    model.to("cuda:1")
    assert first[0].device == TWO and first[0].dtype is torch.float64
    model.cpu()
    assert first[0].device == CPU and model.to_empty(device="cuda")[0].weight.device == ONE


def test_optimisers_states_are_loaded_to_the_parameters_device():
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    trained(model, optimizer, "cpu", 1)
    state = copy.deepcopy(optimizer.state_dict())
    there = copy.deepcopy(model).cuda()
    other = torch.optim.Adam(there.parameters())
    other.load_state_dict(state)
    kept = other.state[there[0].weight]
    assert kept["exp_avg"].device == ONE and kept["step"].device == CPU
    assert trained(model, optimizer, "cpu", 2) == trained(there, other, "cuda:0", 2)


class Split(nn.Module):
    """A model whose halves are on two devices."""

    def __init__(self, first, second):
        super().__init__()
        self.places = first, second
        whole = network()
        self.first, self.second = whole[:3].to(first), whole[3:].to(second)

    def forward(self, x):
        return self.second(self.first(x.to(self.places[0])).to(self.places[1]))


def test_a_model_on_two_devices_trains_as_on_one():
    found = []
    for first, second in (("cpu", "cpu"), ("cuda:0", "cuda:1"), ("cuda:0", "cpu")):
        model = Split(first, second)
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        found.append(trained(model, optimizer, second))
        assert model.first[0].weight.grad.device == torch.device(first)
    assert found[0] == found[1] == found[2]


def test_layers_with_state_of_their_own():
    x = torch.randn(2, 5, 4, device=TWO)
    lstm = nn.LSTM(4, 3, batch_first=True).to(TWO)
    out, (h, c) = lstm(x)
    assert {str(t.device) for t in (out, h, c)} == {"cuda:1"}
    packed = nn.utils.rnn.pack_padded_sequence(x, [5, 3], batch_first=True)
    assert packed.data.device == TWO and packed.batch_sizes.device == CPU
    attention = nn.MultiheadAttention(4, 2, batch_first=True).to(TWO)
    mask = nn.Transformer.generate_square_subsequent_mask(5, device=TWO)
    assert attention(x, x, x, attn_mask=mask)[0].device == TWO
    assert nn.utils.clip_grad_norm_([lstm.weight_ih_l0], 1.0).device.type in ("cpu", "cuda")
    lazy = nn.LazyLinear(2, device=ONE)
    assert lazy(torch.ones(1, 7, device=ONE)).device == lazy.weight.device == ONE
    with pytest.raises(RuntimeError, match="at least two devices"):
        lazy(torch.ones(1, 7))


def test_data_parallel():
    x, y = batch()
    model = network()
    model[3].p = 0.0
    model.eval()
    both = nn.DataParallel(copy.deepcopy(model).cuda())
    assert both.device_ids == [0, 1] and both.output_device == 0
    out = both(x.cuda())
    assert out.device == ONE and same(out, model(x))
    F.cross_entropy(out, y.cuda()).backward()
    F.cross_entropy(model(x), y).backward()
    for p, q in zip(both.parameters(), model.parameters()):
        assert p.grad.device == ONE
        torch.testing.assert_close(p.grad.cpu(), q.grad, rtol=1e-5, atol=1e-7)
    assert [*both.state_dict()][0] == "module.0.weight"
    wrong = nn.DataParallel(network())
    with pytest.raises(
        RuntimeError, match=r"on device cuda:0 \(device_ids\[0\]\) but found .* cpu"
    ):
        wrong(x)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scalars = nn.parallel.gather([torch.ones((), device=ONE), torch.ones((), device=TWO)], 1)
    assert scalars.tolist() == [1.0, 1.0] and scalars.device == TWO
    assert "Was asked to gather along dimension 0" in str(caught[0].message)


def test_batch_statistics_of_the_first_device_are_the_modules():
    x, _ = batch()
    model = nn.BatchNorm1d(4).cuda()
    nn.DataParallel(model)(x.cuda())
    alone = nn.BatchNorm1d(4)
    alone(x[:6])
    assert same(model.running_mean, alone.running_mean) and model.num_batches_tracked.item() == 1


def test_scatter_and_replicate():
    x = torch.arange(5.0, requires_grad=True)
    parts = nn.parallel.scatter({"x": [x, 3]}, [0, 1])
    assert [str(p["x"][0].device) for p in parts] == ["cuda:0", "cuda:1"]
    assert [p["x"][1] for p in parts] == [3, 3] and parts[0]["x"][0].tolist() == [0.0, 1.0, 2.0]
    joined = nn.parallel.gather([p["x"][0] * 2 for p in parts], "cpu")
    joined.sum().backward()
    assert x.grad.tolist() == [2.0] * 5
    layer = nn.Linear(2, 2).cuda()
    copies = nn.parallel.replicate(layer, [0, 1])
    found = nn.parallel.parallel_apply(copies, [torch.ones(1, 2, device=d) for d in (ONE, TWO)])
    assert [y.device for y in found] == [ONE, TWO] and not [*copies[1].parameters()]
    (found[0].sum() + found[1].sum().to(ONE)).backward()
    assert layer.weight.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert [t.device for t in torch.cuda.comm.broadcast(x, [0, 1])] == [ONE, TWO]
    assert torch.cuda.comm.reduce_add([torch.ones(1, device=d) for d in (ONE, TWO)]).item() == 2.0


# --- files, copies, loaders -----------------------------------------------------------------------


def saved(obj):
    out = io.BytesIO()
    torch.save(obj, out)
    return out.getvalue()


def test_files():
    x = torch.arange(6.0, device=TWO)
    data = saved({"x": x, "part": x[2:4], "p": nn.Parameter(x)})
    load = lambda **kwargs: torch.load(io.BytesIO(data), **kwargs)  # noqa: E731
    assert load()["x"].device == TWO and same(load()["x"], x)
    for where in ("cpu", torch.device("cuda:0"), {"cuda:1": "cpu"}, lambda s, place: None):
        found = load(map_location=where)
        wanted = where if isinstance(where, torch.device) else TWO if callable(where) else CPU
        assert found["x"].device == wanted and same(found["part"], x[2:4])
        found["x"][2] = 9.0
        assert found["part"][0].item() == 9.0  # they share memory
    assert saved(x.cpu()) != data and load(map_location="cuda")["p"].device == ONE


@WITHOUT
def test_files_without_a_device():
    data = saved({"x": torch.arange(6.0, device=TWO)})
    load = lambda **kwargs: torch.load(io.BytesIO(data), **kwargs)  # noqa: E731
    with config.context(virtual_cuda=0):
        with pytest.raises(RuntimeError, match="deserialize object on a CUDA device"):
            load()
        assert load(map_location="cpu")["x"].device == CPU


def test_copies_and_pickles():
    x = torch.arange(3.0, device=TWO)
    for y in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert y.device == TWO and same(x, y)
    model = pickle.loads(pickle.dumps(nn.Linear(2, 2).cuda()))
    assert model.weight.device == ONE
    storage = pickle.loads(pickle.dumps(x.untyped_storage()))
    assert storage.device == TWO and storage.tolist() == x.untyped_storage().tolist()


@WITHOUT
def test_pinned_memory_without_a_device():
    x = torch.arange(3.0)
    with config.context(virtual_cuda=0), pytest.raises(RuntimeError, match="none is available"):
        x.pin_memory()
    with config.context(virtual_cuda=0), pytest.raises(RuntimeError, match="no pinned memory"):
        torch.zeros(3, pin_memory=True)


def test_pinned_memory():
    x = torch.arange(3.0)
    pinned = x.pin_memory()
    assert not x.is_pinned() and pinned.is_pinned() and pinned.pin_memory() is pinned
    assert same(pinned, x) and same(pinned.cuda(non_blocking=True), x)
    with pytest.raises(RuntimeError, match="cannot pin 'torch.cuda.FloatTensor' only dense CPU"):
        x.cuda().pin_memory()
    made = [torch.zeros(3, pin_memory=True), torch.tensor([1.0], pin_memory=True), x.new_ones(2)]
    made += [torch.rand(2, pin_memory=True), torch.empty_like(x, pin_memory=True)]
    assert [m.is_pinned() for m in made] == [True, True, False, True, True]
    assert made[0].tolist() == [0, 0, 0] and made[0].add_(1).is_pinned()
    with pytest.raises(RuntimeError, match="Only dense CPU tensors can be pinned"):
        torch.empty(3, device=ONE, pin_memory=True)
    assert x.cuda().to("cpu", non_blocking=True).is_pinned() and not x.cuda().cpu().is_pinned()
    w = torch.ones(3, requires_grad=True)
    (w.pin_memory() * x).sum().backward()
    assert same(w.grad, x)
    data = torch.utils.data.TensorDataset(torch.arange(4.0), torch.arange(4))
    for a, b in torch.utils.data.DataLoader(data, batch_size=2, pin_memory=True):
        assert a.is_pinned() and b.is_pinned() and a.cuda(non_blocking=True).device == ONE


# --- random numbers -------------------------------------------------------------------------------


def test_each_device_has_its_generator():
    torch.manual_seed(7)
    there = [torch.randn(5, device=d) for d in (ONE, TWO)]
    assert same(there[0], there[1])  # seeded alike
    before = default_generator.get_state()
    state = torch.cuda.get_rng_state(1)
    first = torch.rand(4, device=TWO)
    assert default_generator.get_state().equal(before)
    torch.cuda.set_rng_state(state, 1)
    assert same(torch.rand(4, device=TWO), first)
    torch.cuda.manual_seed(9)
    assert torch.cuda.initial_seed() == 9 and torch.initial_seed() == 7
    torch.cuda.manual_seed_all(11)
    assert same(torch.rand(3, device=ONE), torch.rand(3, device=TWO))
    states = torch.cuda.get_rng_state_all()
    with torch.random.fork_rng():
        torch.rand(3, device=ONE), torch.nn.functional.dropout(torch.ones(5, device=TWO), 0.5)
    assert all(a.equal(b) for a, b in zip(states, torch.cuda.get_rng_state_all()))
    assert len(torch.cuda.default_generators) == 2 and states[0].device == CPU


def test_generators_of_a_device():
    g = torch.Generator(device="cuda").manual_seed(3)
    assert g.device == ONE and g.initial_seed() == 3
    x = torch.rand(4, device=ONE, generator=g)
    assert same(x, torch.rand(4, device=ONE, generator=torch.Generator("cuda").manual_seed(3)))
    assert torch.empty(3, device=ONE).normal_(generator=g).device == ONE
    assert torch.randperm(4, device=ONE, generator=g).device == ONE
    assert torch.multinomial(torch.ones(3, device=ONE), 2, generator=g).device == ONE
    assert torch.bernoulli(torch.full((3,), 0.5, device=ONE), generator=g).device == ONE
    assert pickle.loads(pickle.dumps(g)).device == g.clone_state().device == ONE
    with pytest.raises(RuntimeError) as found:
        torch.rand(3, generator=g)
    assert str(found.value) == "Expected a 'cpu' device type for generator but found 'cuda'"
    with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator but found"):
        torch.rand(3, device=ONE, generator=torch.Generator())


# --- streams, events, memory ----------------------------------------------------------------------


def test_streams():
    a, b = torch.cuda.Stream(), torch.cuda.Stream(device=1, priority=-1)
    default = torch.cuda.default_stream()
    assert torch.cuda.current_stream() == default != a and default.cuda_stream == 0
    assert repr(default) == "<torch.cuda.Stream device=cuda:0 cuda_stream=0x0>"
    with torch.cuda.stream(b):
        assert torch.cuda.current_stream() == b and torch.cuda.current_device() == 1
        with a:
            assert torch.cuda.current_stream() is a and torch.cuda.current_device() == 0
        assert torch.cuda.current_stream(0) == default and torch.cuda.current_stream() == b
    assert torch.cuda.current_stream() == default and torch.cuda.current_device() == 0
    a.wait_stream(b)
    event = b.record_event()
    a.wait_event(event)
    assert a.query() and event.query() and event.device == TWO and hash(a) != hash(b)
    a.synchronize(), event.synchronize(), event.wait(a)
    with torch.cuda.stream(None):
        assert torch.cuda.current_stream() == default


def test_events_take_the_time_of_what_was_asked_for():
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    assert repr(start) == "<torch.cuda.Event uninitialized>" and start.query()
    with pytest.raises(ValueError, match="Both events must be recorded before calculating"):
        start.elapsed_time(end)
    x = torch.ones(100, 100, device=ONE)
    start.record()
    y = x @ x
    assert y._node.value is None
    end.record()
    assert y._node.value is not None and start.elapsed_time(end) > 0.0
    with pytest.raises(ValueError, match="argument 'enable_timing=True'"):
        start.elapsed_time(torch.cuda.Event())
    with torch.cuda.device(1), pytest.raises(RuntimeError, match="doesn't|does not match"):
        start.record()


def test_synchronize_computes_what_is_pending_on_the_device():
    x, y, z = (torch.ones(3, device=d) + 1 for d in (ONE, TWO, CPU))
    torch.cuda.synchronize(1)
    assert (x._node.value, z._node.value) == (None, None) and y._node.value is not None
    torch.cuda.synchronize()
    assert x._node.value is not None and z._node.value is None
    bad = torch.ones(2, device=ONE)[torch.tensor([4], device=ONE) + 1]
    with pytest.raises(IndexError):
        torch.cuda.synchronize()
    del bad
    torch.cuda.synchronize()


def test_memory_is_counted():
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    x = torch.zeros(1000, device=ONE)  # 4,000 bytes in blocks of 512
    y = torch.zeros(10, device=ONE, dtype=torch.float64)
    part = x[10:20]
    assert torch.cuda.memory_allocated() == before + 4096 + 512
    assert torch.cuda.memory_allocated(1) == torch.cuda.memory_allocated("cuda:1")
    stats = torch.cuda.memory_stats()
    assert stats["allocated_bytes.all.current"] == before + 4608 and stats["num_ooms"] == 0
    del x, y
    assert torch.cuda.memory_allocated() == before + 4096  # a view has it
    del part
    assert torch.cuda.memory_allocated() == before
    assert torch.cuda.max_memory_allocated() == before + 4608
    assert torch.cuda.memory_reserved() >= before + 4608
    torch.cuda.reset_peak_memory_stats()
    assert torch.cuda.max_memory_allocated() == before
    assert "Allocated memory" in torch.cuda.memory_summary()
    free, total = torch.cuda.mem_get_info()
    assert 0 < free <= total


# --- mixed precision ------------------------------------------------------------------------------


def test_autocast():
    x, w = torch.randn(3, 4, device=ONE), torch.randn(5, 4, device=ONE, requires_grad=True)
    with torch.autocast("cuda"):
        assert torch.is_autocast_enabled() and not torch.is_autocast_enabled("cpu")
        y = F.linear(x, w)
        assert y.dtype is torch.float16 and same(y, F.linear(x.half(), w.half()).half())
        assert (x + 1).dtype is torch.float32 and (y + x[:, :1]).dtype is torch.float32
        assert y.exp().dtype is y.softmax(-1).dtype is y.sum().dtype is torch.float32
        assert torch.einsum("ij,kj->ik", x, w).dtype is torch.float16
        assert torch.relu(y).dtype is torch.float16 and (y @ y.T).dtype is torch.float16
        assert (x.cpu() @ x.cpu().T).dtype is torch.float32
        assert (x.double() @ x.double().T).dtype is torch.float64
        with torch.autocast("cuda", dtype=torch.bfloat16):
            assert (x @ x.T).dtype is torch.get_autocast_dtype("cuda") is torch.bfloat16
        with torch.autocast("cuda", enabled=False):
            assert (x @ x.T).dtype is torch.float32
        loss = F.mse_loss(y, torch.zeros_like(y))
        assert loss.dtype is torch.float32
        with pytest.raises(RuntimeError, match="binary_cross_entropy .* unsafe to autocast"):
            F.binary_cross_entropy(y.sigmoid(), y.sigmoid())
    assert not torch.is_autocast_enabled() and F.linear(x, w).dtype is torch.float32
    loss.backward()
    assert w.grad.dtype is torch.float32 and w.grad.device == ONE

    @torch.autocast("cuda")
    def product(a):
        return a @ a.T

    assert product(x).dtype is torch.float16


def test_parameters_are_cast_once():
    w = torch.randn(4, 4, device=ONE, requires_grad=True)
    x = torch.randn(2, 4, device=ONE)
    with torch.autocast("cuda"):
        y = F.linear(F.linear(x, w), w)
        found = y.grad_fn.next_functions
        casts = {f for f, _ in found if f is not None and f.name() == "ToCopyBackward0"}
        assert len(casts) == 1 or y.grad_fn is not None
    y.sum().backward()
    one = w.grad.clone()
    w.grad = None
    half = w.half()
    F.linear(F.linear(x.half(), half), half).float().sum().backward()
    torch.testing.assert_close(one, w.grad, rtol=2e-3, atol=2e-3)


@WITHOUT
def test_autocast_without_a_device_says_so():
    with config.context(virtual_cuda=0), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with torch.autocast("cuda"):
            assert not torch.is_autocast_enabled()
    assert "CUDA is not available" in str(caught[0].message)


def test_functions_under_autocast():
    seen = []

    class Double(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cuda", cast_inputs=torch.float32)
        def forward(ctx, x):
            seen.append((x.dtype, torch.is_autocast_enabled()))
            return x * 2

        @staticmethod
        @torch.amp.custom_bwd(device_type="cuda")
        def backward(ctx, g):
            seen.append(torch.is_autocast_enabled())
            return g * 2

    x = torch.ones(2, device=ONE, dtype=torch.float16, requires_grad=True)
    with torch.autocast("cuda"):
        y = Double.apply(x)
    y.sum().backward()
    assert y.dtype is torch.float32 and x.grad.tolist() == [2.0, 2.0]
    assert seen == [(torch.float32, False), False]


def test_scaled_training():
    def losses(where, enabled):
        model = network().to(where)
        model[3].p = 0.0
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        scaler = torch.amp.GradScaler(where, init_scale=256.0, growth_interval=2, enabled=enabled)
        found = []
        for step in range(4):
            x, y = (t.to(where) for t in batch(step))
            optimizer.zero_grad()
            with torch.autocast(where, enabled=enabled, dtype=torch.float16):
                loss = F.cross_entropy(model(x), y)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            scaler.step(optimizer)
            scaler.update()
            found.append(loss.item())
        return found, scaler

    half, scaler = losses("cuda", True)
    full, _ = losses("cpu", False)
    np.testing.assert_allclose(half, full, rtol=2e-2)
    assert scaler.get_scale() == 1024.0 and scaler._scale.device == ONE
    p = nn.Parameter(torch.ones(1, device=TWO))
    p.grad = torch.full((1,), float("inf"), device=TWO)
    optimizer = torch.optim.SGD([p], 1.0)
    scaler.step(optimizer)
    scaler.update()
    assert p.item() == 1.0 and scaler.get_scale() == 512.0


def test_precision_of_products():
    matmul = torch.backends.cuda.matmul
    assert not matmul.allow_tf32 and torch.get_float32_matmul_precision() == "highest"
    matmul.allow_tf32 = True
    assert torch.get_float32_matmul_precision() == "high" and matmul.fp32_precision == "tf32"
    torch.set_float32_matmul_precision("highest")
    assert not matmul.allow_tf32 and torch.backends.cuda.is_built()


# --- PyTorch's own lists of what autocast does ----------------------------------------------------

LISTS = {
    "torch_fp16": torch.float16,
    "nn_fp16": torch.float16,
    "linalg_fp16": torch.float16,
    "methods_fp16": torch.float16,
    "torch_fp32": torch.float32,
    "nn_fp32": torch.float32,
    "methods_fp32": torch.float32,
    "torch_need_autocast_promote": torch.float32,
}
# What is no function of users'; `einsum`, whose sizes there don't fit.
PRIVATE = ("_convolution", "convolution", "cudnn_convolution", "cudnn_convolution_transpose")
PRIVATE += ("index_put", "nll_loss2d", "einsum")


def listed():
    """(list, name, arguments, named ones) of PyTorch's lists for CUDA devices."""
    theirs = pytest.importorskip("torch")
    lists = pytest.importorskip("torch.testing._internal.autocast_test_lists")
    theirs.manual_seed(0)
    found = lists.AutocastTestLists("cpu")
    for name in LISTS:
        for case in getattr(found, name):
            named = next((x for x in case[2:] if isinstance(x, dict)), {})
            if case[0] not in PRIVATE:
                yield name, case[0], case[1], named


def function_named(name):
    """A function, or a method, by the name that PyTorch's lists have."""
    linalg = name.removeprefix("linalg_")
    places = ((torch, name), (torch._nn, name), (F, name), (torch.linalg, linalg))
    return next(
        (getattr(place, n) for place, n in places if callable(getattr(place, n, None))),
        getattr(torch.Tensor, name, None),
    )


def test_autocast_is_pytorchs_for_cuda():
    translate = pytest.importorskip("tests.torch.translate")
    seen, rules = 0, torch.amp.autocast_mode.rule_of
    for kind, name, args, named in listed():
        to = translate.Translator(torch, "cuda:0")
        given, f = to(args), function_named(name)
        with torch.autocast("cuda", dtype=torch.float16):
            out = f(*given, **to(named))
        out = out[0] if isinstance(out, tuple) else out
        assert out.dtype is LISTS[kind], name
        if rules(name, "cuda") is not None:
            cast, _ = rules(name, "cuda")(given, {}, "cuda", torch.float16, False)
            want = f(*cast, **to(named))
            assert same(out, want[0] if isinstance(want, tuple) else want), name
        seen += 1
    assert seen > 80
