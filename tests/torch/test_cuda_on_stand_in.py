"""The torch face on GPUs that stand-ins take the place of: memory of their own, kernels of their
own. What `test_cuda.py` shows on virtual devices is not repeated.
"""

from __future__ import annotations

from itertools import pairwise
from unittest import mock

import numpy as np
import pytest

import lazytensor as xp
import lazytensor.torch as torch
from lazytensor import inspect
from lazytensor._base import config
from lazytensor.torch import _philox, nn
from tests.reliability import foreign

pytest.importorskip("cupy", reason="no CuPy, whose arrays are used")
stand_in = pytest.importorskip("tests.cuda_c.stand_in")


@pytest.fixture(autouse=True)
def on_the_cpu():
    """Tensors are made on the CPU where nothing else is said."""
    with config.context(default_device="cpu"):
        yield


def losses(where):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).to(where)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    found = []
    for _ in range(2):
        x, y = torch.randn(12, 4).to(where), torch.randint(3, (12,)).to(where)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def test_a_step_of_the_same_structure_on_several_devices():
    with stand_in.standing_in(count=2):
        want = losses("cpu")
        for where in ("cuda:1", "cpu", "cuda:0"):
            np.testing.assert_allclose(losses(where), want, rtol=1e-5)


def compiled_losses(where, told):
    """Of a training step under `torch.compile`; `told` is called in it."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).to(where)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)

    @torch.compile
    def step(x, y):
        told()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    batches = [(torch.randn(12, 4).to(where), torch.randint(3, (12,)).to(where)) for _ in range(2)]
    return [step(*batches[k % 2]).item() for k in range(14)]


def test_a_compiled_step_is_one_graph_and_its_python_runs():
    with stand_in.standing_in(count=1) as driver:
        replays, ran = [], []
        found = compiled_losses("cuda", lambda: replays.append(driver.replays))
        want = compiled_losses("cpu", lambda: ran.append(None))
        np.testing.assert_allclose(found, want, rtol=1e-5)
        assert len(replays) == len(ran) == 14
        assert [b - a for a, b in pairwise(replays[8:])] == [1] * 5


def bags(where):
    """Weighted sums of rows of a table, and the gradient of the table."""
    rng = np.random.default_rng(0)
    table = torch.tensor(rng.standard_normal((50, 64)), device=where, requires_grad=True)
    ids, begins = rng.integers(0, 50, 300), np.arange(0, 300, 5)
    ids, begins, weights = (
        torch.tensor(a, device=where) for a in (ids, begins, rng.standard_normal(300))
    )
    out = nn.functional.embedding_bag(ids, table, begins, mode="sum", per_sample_weights=weights)
    return out, *torch.autograd.grad((out * out).sum(), table)


def test_rows_are_added_to_bags_as_they_are_taken():
    """By kernels that store no copy of them, with the bits of the CPU's."""
    with stand_in.standing_in(count=1), config.context(execution="compile"):
        names = [step.name for step in inspect.explain(*bags("cuda")).steps]
        assert names.count("gather_add") == 2 and "gather" not in names
        for got, want in zip(bags("cuda"), bags("cpu"), strict=True):
            assert got.is_cuda and got.tolist() == want.tolist()


def test_arrays_of_other_libraries():
    with stand_in.standing_in(count=2):
        x = torch.arange(4.0, device="cuda:1") + 1
        assert x.__dlpack_device__() == (2, 1) and x.__cuda_array_interface__["shape"] == (4,)
        y = torch.from_dlpack(stand_in.Foreign(x._read().value))
        assert y.device == x.device and (y + 1).tolist() == [2.0, 3.0, 4.0, 5.0]
        assert torch.from_dlpack(x).tolist()[0] == 1.0
        with pytest.raises(AttributeError, match="__cuda_array_interface__ on non-CUDA tensor"):
            torch.ones(1).__cuda_array_interface__


def test_tensors_that_need_gradients_are_not_shared():
    with stand_in.standing_in(count=2):
        x = torch.ones(2, device="cuda", requires_grad=True)
        with pytest.raises(BufferError, match="tensors that require gradient, use tensor.detach"):
            torch.from_dlpack(x)
        for where in ("cpu", "cuda:0", "cuda:1"):
            found = torch.from_dlpack(x.detach(), device=where)
            assert found.device == torch.device(where) and found.tolist() == [1.0, 1.0]
        with pytest.raises(BufferError, match="memory of a stand-in"):  # which is all that's wrong
            torch.to_dlpack(x)


def test_consumers_ask_for_a_copy_on_the_cpu():
    with stand_in.standing_in(count=2):
        for x in torch.arange(4.0, device="cuda:1"), xp.arange(4.0, device="cuda:1"):
            assert np.from_dlpack(x + 1, device="cpu").tolist() == [1.0, 2.0, 3.0, 4.0]
            with pytest.raises(BufferError, match="memory of a stand-in"):
                (x + 1).__dlpack__()


@pytest.mark.parametrize("capsule", [foreign.capsule, foreign.later_capsule])
def test_capsules_say_where_their_tensors_are(capsule):
    """CuPy takes one of a GPU, as NumPy does one of the CPU."""
    with stand_in.standing_in(count=2) as gpus:
        x = torch.arange(4.0, device="cuda:1") + 1
        assert x.tolist() == [1.0, 2.0, 3.0, 4.0]
        asked = []

        def take(y):
            asked.append((y.__dlpack_device__(), y.__dlpack__(stream=None)))
            return x._read().value

        given = capsule(device_type=2, device_id=1)
        with mock.patch.object(gpus, "foreign", take):
            for found in torch.from_dlpack(given), torch.asarray(given):
                assert found.device == x.device and found.tolist() == x.tolist()
        assert asked == [((2, 1), given)] * 2


class Interface:
    """An array of a library that has no DLPack."""

    __cuda_array_interface__ = {}  # the stand-in asks for the array itself

    def __init__(self, array):
        self.array = array


def test_arrays_that_have_no_more_than_an_interface():
    with stand_in.standing_in(count=2):
        held = torch.arange(4.0, device="cuda:1") + 1
        held.sum().item()
        x = Interface(held._read().value)
        where = held.__cuda_array_interface__["data"]
        for shared in (torch.as_tensor(x, device="cuda:1"), torch.from_dlpack(x)):
            assert shared.__cuda_array_interface__["data"] == where
        shared = torch.asarray(x, device="cuda:1", dtype=torch.float32)
        assert shared.__cuda_array_interface__["data"] == where
        own = torch.tensor(x, device="cuda:1")
        assert own.__cuda_array_interface__["data"] != where
        assert (own.device, own.tolist()) == (held.device, [1.0, 2.0, 3.0, 4.0])
        assert torch.as_tensor(x).device.type == torch.tensor(x).device.type == "cpu"
        assert torch.as_tensor(x, dtype=torch.int64, device="cuda:0").tolist() == [1, 2, 3, 4]


def test_one_number_is_shown_in_memory_of_its_own():
    with stand_in.standing_in(count=1):
        x, y = (torch.tensor(1.5, device="cuda") for _ in range(2))
        where = x.__cuda_array_interface__["data"][0]
        stand_in.shown(x._node.value)[...] = 3
        assert where == x._node.value.data.ptr != y.__cuda_array_interface__["data"][0]
        assert (x.item(), y.item(), torch.full((), 1.5, device="cuda").item()) == (3, 1.5, 1.5)


def test_storages_have_addresses_of_their_own():
    with stand_in.standing_in(count=1):
        x = torch.arange(6.0, device="cuda") + 1
        number = torch.tensor(2.0, device="cuda")
        others = [x.clone(), torch.tensor(x), x[2:].clone(), x * 1, number, number.clone()]
        kept = [x, *others]
        assert len({t.data_ptr() for t in kept}) == len(kept)
        assert [t.data_ptr() for t in kept] == [t.data_ptr() for t in kept]
        assert x[2:].data_ptr() == x.data_ptr() + 8 and x.detach().data_ptr() == x.data_ptr()
        assert x.__cuda_array_interface__["data"][0] == x.data_ptr()
        assert others[2].tolist() == [3, 4, 5, 6] and number.item() == 2


def test_a_device_without_memory():
    with stand_in.standing_in(count=1, capacity=1 << 16):
        x = torch.arange(64.0).to("cuda")
        with pytest.raises(torch.cuda.OutOfMemoryError, match="CUDA out of memory"):
            (x.expand(1 << 12, 64) + 1).tolist()
        assert issubclass(torch.OutOfMemoryError, RuntimeError)
        assert (x + 1).sum().item() == 2080


def test_a_copy_of_what_is_computed():
    with stand_in.standing_in(count=1):
        x = torch.arange(4.0).to("cuda") * 2
        assert x.sum().item() == 12
        np.testing.assert_array_equal(x.cpu().numpy(), [0, 2, 4, 6])


def test_who_answers_for_gpus():
    """Every question is one that CuPy can be asked."""
    import cupy

    from lazytensor.torch._driver import DRIVERS, Driver, Properties
    from lazytensor.torch.cuda import _gpu

    real = DRIVERS["real"]
    assert len(_gpu._FIGURES) + 4 == len(Properties.__dataclass_fields__)
    assert all(callable(getattr(real, name)) for name in vars(Driver) if name[0] != "_")
    assert _gpu._uuid(bytes(range(16))) == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert callable(cupy.cuda.get_elapsed_time) and hasattr(cupy.cuda.Stream, "wait_event")
    for name in ("MemoryPool", "PythonFunctionAllocator", "set_allocator", "using_allocator"):
        assert callable(getattr(cupy.cuda, name))


DRAWN = {
    "rand": lambda: torch.rand(9000, device="cuda"),
    "rand64": lambda: torch.rand(9000, device="cuda", dtype=torch.float64),
    "uniform": lambda: torch.empty(90, 50, device="cuda").uniform_(-0.3, 0.1),
    "randint": lambda: torch.randint(-7, 100, (9000,), device="cuda"),
    "wide": lambda: torch.randint(-(2**60), 2**60, (9000,), device="cuda"),
    "dropout": lambda: nn.functional.dropout(torch.arange(9000.0, device="cuda"), 0.4),
    "half": lambda: nn.functional.dropout(torch.ones(9000, device="cuda").half(), 0.4),
    "bernoulli": lambda: torch.bernoulli(torch.linspace(0, 1, 9000, device="cuda")),
    "poisson": lambda: torch.poisson(torch.ones(30, device="cuda")),
    "randn": lambda: torch.randn(9000, device="cuda"),
    "randn64": lambda: torch.randn(9000, device="cuda", dtype=torch.float64),
    "exponential": lambda: torch.empty(9000, device="cuda").exponential_(),
}


@pytest.mark.parametrize("name", DRAWN)
def test_numbers_are_those_of_virtual_devices(name, monkeypatch):
    """Of a device that holds 4,096 threads, as the stand-in does; drawn where they are."""
    found = []
    with stand_in.standing_in(count=1) as driver:
        torch.manual_seed(4)
        drawn = DRAWN[name]()
        assert torch.cuda.get_device_properties(0).multi_processor_count == 2
        gets = driver.gets
        drawn = drawn + 0
        found.append(drawn.tolist())
        assert driver.gets == gets + 1
    monkeypatch.setattr(_philox, "_most", lambda of, index: 4096)
    with config.context(virtual_cuda=1):
        torch.manual_seed(4)
        found.append(DRAWN[name]().tolist())
    if name in ("randn", "randn64", "exponential"):
        digits = 1e-14 if name == "randn64" else 1e-6
        np.testing.assert_allclose(*found, rtol=digits, atol=digits)
    else:
        assert found[0] == found[1]


def test_a_captured_step_draws_anew():
    """The state is an input: what is replayed is compiled once and draws other numbers."""
    found = []
    with stand_in.standing_in(count=1) as driver:
        torch.manual_seed(4)
        x = torch.ones(256).to("cuda")
        assert x.tolist()
        for step in range(8):
            compiled = driver.compiled
            found.append(tuple((nn.functional.dropout(x, 0.5) * 3 + 1).tolist()))
            assert step == 0 or driver.compiled == compiled
        assert driver.replays > 0 and torch.cuda.default_generators[0].get_offset() == 32
    assert len(set(found)) == 8
    with config.context(virtual_cuda=1):
        torch.manual_seed(4)
        x = torch.ones(256, device="cuda")
        again = [tuple((nn.functional.dropout(x, 0.5) * 3 + 1).tolist()) for _ in range(8)]
    assert found == again


def test_the_most_memory_is_that_of_the_busiest_moment():
    """Also where nobody asked then: two temporaries of a plan beside its input."""
    with stand_in.standing_in(count=1) as driver:
        x = torch.arange(1 << 14).float().to("cuda")
        y = (x + 1).sum()
        assert y.item() > 0
        torch.cuda.reset_peak_memory_stats()
        start = torch.cuda.memory_allocated()
        assert torch.cuda.max_memory_allocated() == start == driver.used
        (torch.cumsum(x.sin(), 0) * 2).sum().item()
        most = torch.cuda.max_memory_allocated()
        assert most >= start + (1 << 16) and torch.cuda.memory_allocated() < start + 4096
        assert torch.cuda.memory_stats()["allocated_bytes.all.peak"] == most
        torch.cuda.reset_peak_memory_stats()
        assert torch.cuda.max_memory_allocated() == torch.cuda.memory_allocated()


def test_want_of_memory_is_counted():
    with stand_in.standing_in(count=1, capacity=1 << 16):
        x = torch.arange(64.0).to("cuda")
        with pytest.raises(torch.cuda.OutOfMemoryError):
            (x.expand(1 << 12, 64) + 1).tolist()
        assert torch.cuda.memory_stats()["num_ooms"] >= 1
        assert torch.cuda.mem_get_info()[1] == 1 << 16


def test_pinned_memory_goes_to_devices_as_it_is():
    """It is kept until the device has read it, and what is written to it later is not seen."""
    from lazytensor.runtime.gpu.pinned import is_pinned

    with stand_in.standing_in(count=1):
        want = np.arange(1 << 14, dtype=np.float32)
        x = torch.arange(1 << 14).float().pin_memory()
        assert x.is_pinned() and is_pinned(x._read().value)
        y = x.to("cuda", non_blocking=True)
        torch.cuda.synchronize()
        x.mul_(2)
        del x
        z = torch.ones(1 << 14).pin_memory().to("cuda")
        np.testing.assert_array_equal((y + z).cpu().numpy(), want + 1)
        back = y.to("cpu", non_blocking=True)
        assert back.is_pinned()
        np.testing.assert_array_equal(back.numpy(), want)


def test_ctc_is_computed_where_it_is(monkeypatch):
    """Forwards and backwards: nothing goes by way of the host."""
    from lazytensor.runtime.gpu import steps

    def by_host(step, *rest):
        raise AssertionError(f"{step} is left to the host")

    monkeypatch.setattr(steps, "_by_host", by_host)

    def losses(where):
        torch.manual_seed(0)
        x = torch.randn(12, 3, 7).to(where).requires_grad_(True)
        labels = torch.tensor([[1, 2, 2, 3], [4, 4, 5, 6], [1, 0, 0, 0]]).to(where)
        lengths = torch.tensor([12, 11, 9]), torch.tensor([4, 4, 1])
        loss = nn.functional.ctc_loss(x.log_softmax(2), labels, *lengths, reduction="sum")
        loss.backward()
        return loss.item(), x.grad.cpu().numpy()

    with stand_in.standing_in(count=1):
        loss, grad = losses("cuda")
    want, other = losses("cpu")
    np.testing.assert_allclose(loss, want, rtol=1e-6)
    np.testing.assert_allclose(grad, other, atol=1e-5)


def test_replays_of_graphs_are_launches_of_graphs():
    with stand_in.standing_in(count=1) as driver:
        w = torch.ones(8, 8, device="cuda", requires_grad=True)
        x = torch.ones(4, 8, device="cuda")
        optimizer, graph = torch.optim.SGD([w], 0.5), torch.cuda.CUDAGraph()
        graph.capture_begin()
        loss = (x @ w).tanh().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        graph.capture_end()
        found = []
        for i in range(16):
            x.fill_(0.125 * (i % 3))
            if i == 12:
                done = driver.replays, driver.launches
            graph.replay()
            found.append(loss.item())
        assert driver.replays - done[0] >= 4
        want = torch.ones(8, 8, requires_grad=True)
        for i, seen in enumerate(found):
            loss = (torch.full((4, 8), 0.125 * (i % 3)) @ want).tanh().mean()
            loss.backward()
            assert abs(loss.item() - seen) < 1e-6
            with torch.no_grad():
                want -= 0.5 * want.grad
            want.grad = None


def test_streams_of_others():
    """CuPy takes them by CUDA's protocol."""
    import cupy

    from lazytensor.torch.cuda._gpu import _Address

    assert _Address(77).__cuda_stream__() == (0, 77)
    assert cupy.cuda.Stream.from_external(_Address(77)).ptr == 77
    with pytest.raises(TypeError, match="protocol"):
        cupy.cuda.Stream.from_external(77)


def test_calls_of_several_outputs():
    with stand_in.standing_in(count=1) as gpus:
        for step in range(8):
            x = torch.tensor([0.0, 1.5, -6.0, 1e30]) * (step + 1)
            there = x.cuda()
            assert there.tolist() == x.tolist()
            made = [sum(torch.frexp(y + 1.0)) for y in (there, x)]
            assert made[0].tolist() == made[1].tolist()
        assert gpus.replays
