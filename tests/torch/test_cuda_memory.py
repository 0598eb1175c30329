"""Pools, allocators and figures of memory; waiting; tensors of several devices combined."""

from __future__ import annotations

import gc
import shutil
import subprocess
import threading
import warnings

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor._base import config
from tests.cuda_c import stand_in

nccl = torch.cuda.nccl
STREAM = "Invalid type for stream argument"


@pytest.fixture(autouse=True)
def on_the_cpu():
    """Tensors are made on the CPU where nothing else is said."""
    with config.context(default_device="cpu"):
        yield


@pytest.fixture(params=["virtual", "real"])
def devices(request):
    """Two devices: virtual ones, and GPUs for which others stand in."""
    gc.collect()
    if request.param == "real":
        pytest.importorskip("cupy")
        with stand_in.standing_in(count=2) as driver:
            yield driver
    else:
        with config.context(virtual_cuda=2):
            yield None


def made(n=1000):
    """A new tensor that is pending."""
    return torch.arange(float(n)).to("cuda") * 2


# --- pools ----------------------------------------------------------------------------------------


def test_a_pool_has_what_is_computed_within(devices):
    pool, before = torch.cuda.MemPool(), made()
    assert pool.use_count() == 1 and pool.id[0] == 0 and pool.id != torch.cuda.MemPool().id
    with torch.cuda.use_mem_pool(pool):
        within = made()
        assert pool.use_count() == 2
        seen = made(2000)
        assert seen.tolist()[-1] == 3998
        with torch.cuda.use_mem_pool(torch.cuda.MemPool()):
            deeper = made()
        elsewhere = made().to("cuda:1")
    after = made()
    assert pool.use_count() == 1
    found = pool.snapshot()
    addresses = {each["address"] for each in found}
    whole = torch.cuda.memory_snapshot()
    if devices is not None:  # virtual devices have copies of their own where addresses are told
        assert {within.data_ptr(), seen.data_ptr()} <= addresses
        outside = {x.data_ptr() for x in (before, deeper, elsewhere, after)}
        assert not outside & addresses and outside <= {each["address"] for each in whole}
    sizes = sorted(each["requested_size"] for each in found)
    assert sizes == [4000, 8000] and all(each["segment_pool_id"] == pool.id for each in found)
    assert {0, 1} == {each["device"] for each in whole} and len(whole) >= 6
    for each in whole:
        (block,) = each["blocks"]
        assert block["state"] == "active_allocated" and block["address"] == each["address"]
        assert each["requested_size"] <= each["total_size"] == block["size"]
        assert each["segment_type"] == "small"
    del within, found
    assert [each["requested_size"] for each in pool.snapshot()] == [8000]


def test_pools_are_of_one_thread(devices):
    pool, found = torch.cuda.MemPool(), []

    def other():
        x = made()
        assert x.tolist()[-1] == 1998
        found.append(x)

    with torch.cuda.use_mem_pool(pool):
        mine = made()
        if devices is not None:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            assert found[0].data_ptr() not in {each["address"] for each in pool.snapshot()}
    assert len(pool.snapshot()) == 1 and mine.tolist()[-1] == 1998


def test_nothing_of_a_pool_is_kept_by_graphs():
    """What runs again and again is a CUDA graph, whose results have memory of the graph's."""
    pytest.importorskip("cupy")
    with stand_in.standing_in(count=1) as driver:
        x, pool = torch.arange(64.0).to("cuda"), torch.cuda.MemPool()

        def step():
            y = torch.cumsum(x.sin() + 1, 0) * 2
            return y, y.tolist()

        for _ in range(8):
            want = step()[1]
        assert driver.replays > 0
        replays = driver.replays
        with torch.cuda.use_mem_pool(pool):
            y, found = step()
        assert driver.replays == replays and found == want
        assert y.data_ptr() in {each["address"] for each in pool.snapshot()}
        assert step()[1] == want and driver.replays > replays


def test_options_that_a_pool_does_not_have(devices):
    for name in ("use_on_oom", "no_split"):
        with pytest.raises(NotImplementedError, match=name):
            torch.cuda.MemPool(**{name: True})


# --- blocks and allocators ------------------------------------------------------------------------


def test_blocks_for_others(devices):
    used = 0 if devices is None else devices.used
    first = torch.cuda.caching_allocator_alloc(1000)
    second = torch.cuda.memory.caching_allocator_alloc(500, "cuda:1", 0)
    assert first != second and first and second
    assert devices is None or devices.used == used + 1500
    with pytest.raises(TypeError, match=STREAM):
        torch.cuda.caching_allocator_alloc(10, stream="none")
    torch.cuda.caching_allocator_delete(first)
    torch.cuda.caching_allocator_delete(second)
    assert devices is None or devices.used == used
    with pytest.raises(RuntimeError, match="invalid device pointer"):
        torch.cuda.caching_allocator_delete(first)
    if devices is not None:
        with pytest.raises(torch.cuda.OutOfMemoryError):
            torch.cuda.caching_allocator_alloc(1 << 40)


def test_memory_is_not_kept_where_it_should_not_be(devices):
    with torch.cuda.memory.caching_allocator_disabled():
        x = made()
        assert x.tolist()[-1] == 1998
        asked = devices and devices.asked
        torch.cuda.caching_allocator_enable(False)
        with torch.cuda.memory.caching_allocator_disabled():
            pass
        assert devices is None or (asked > 0 and not devices.keeping)
    y = made()
    assert y.tolist()[-1] == 1998
    assert devices is None or (devices.asked == asked and devices.keeping)


SOURCE = """
#include <cstdlib>
#include <sys/types.h>
static long used = 0, calls = 0;
extern "C" void *give(ssize_t size, int device, void *stream) {
    calls++; used += size;
    return aligned_alloc(256, (size + 511) / 256 * 256);
}
extern "C" void *none(ssize_t size, int device, void *stream) { return nullptr; }
extern "C" void take(void *p, ssize_t size, int device, void *stream) { used -= size; free(p); }
extern "C" long so_much() { return used; }
extern "C" long so_often() { return calls; }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ compiles the allocator")
    folder = tmp_path_factory.mktemp("allocator")
    source, target = folder / "give.cpp", folder / "give.so"
    source.write_text(SOURCE)
    subprocess.run([compiler, "-shared", "-fPIC", str(source), "-o", str(target)], check=True)
    return str(target)


def test_allocators_of_users(library):
    import ctypes

    pytest.importorskip("cupy")
    counts = ctypes.CDLL(library)
    own = torch.cuda.memory.CUDAPluggableAllocator(library, "give", "take")
    with stand_in.standing_in(count=1):
        pool = torch.cuda.MemPool(own.allocator())
        with torch.cuda.use_mem_pool(pool):
            x = made()
        assert counts.so_much() >= 4000 and x.tolist()[-1] == 1998
        with pytest.raises(RuntimeError, match="Can't swap an already initialized allocator"):
            torch.cuda.memory.change_current_allocator(own)
        del x
        gc.collect()
        assert counts.so_much() == 0
        empty = torch.cuda.memory.CUDAPluggableAllocator(library, "none", "take")
        with (
            pytest.raises(torch.cuda.OutOfMemoryError, match="out of memory"),
            torch.cuda.use_mem_pool(torch.cuda.MemPool(empty)),
        ):
            made().tolist()
    with stand_in.standing_in(count=1):
        torch.cuda.change_current_allocator(own)
        calls = counts.so_often()
        assert made().tolist()[-1] == 1998 and counts.so_often() > calls
        gc.collect()
    with config.context(virtual_cuda=1), pytest.raises(RuntimeError, match="no allocator"):
        torch.cuda.MemPool(own)
    with pytest.raises(AttributeError):
        torch.cuda.CUDAPluggableAllocator(library, "give", "no_such_name")


# --- pinned memory, waiting -----------------------------------------------------------------------


def test_pinned_memory_is_counted(devices):
    gc.collect()
    torch.cuda.reset_accumulated_host_memory_stats()
    torch.cuda.reset_peak_host_memory_stats()
    start = torch.cuda.host_memory_stats()
    x = torch.ones(1000).pin_memory()
    y = torch.ones(500).pin_memory()
    stats = torch.cuda.host_memory_stats()
    grown = {name: stats[name] - start[name] for name in stats}
    assert grown["active_bytes.current"] == grown["active_bytes.peak"] == 6000
    assert grown["active_requests.current"] == 2 and grown["allocated_bytes.allocated"] == 6000
    del x
    stats = torch.cuda.host_memory_stats_as_nested_dict()["active_bytes"]
    now = start["active_bytes.current"] + 2000
    assert (stats["current"], stats["peak"]) == (now, now + 4000)
    assert stats["freed"] == stats["allocated"] - now
    torch.cuda.memory.reset_peak_host_memory_stats()
    torch.cuda.memory.reset_accumulated_host_memory_stats()
    stats = torch.cuda.host_memory_stats_as_nested_dict()["active_bytes"]
    assert (stats["peak"], stats["allocated"], stats["freed"]) == (now, now, 0)
    assert y.is_pinned()


def test_waiting_is_told(devices):
    assert torch.cuda.get_sync_debug_mode() == 0
    try:
        torch.cuda.set_sync_debug_mode("error")
        assert torch.cuda.get_sync_debug_mode() == 2
        x = made()
        torch.cuda.synchronize()
        if devices is not None:
            with pytest.raises(RuntimeError, match="called a synchronizing CUDA operation"):
                x.tolist()
        torch.cuda.set_sync_debug_mode(1)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            assert x.tolist()[-1] == 1998
        assert devices is None or [w.filename for w in told] == [__file__]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for wrong in ("loud", 3):
        with pytest.raises(RuntimeError, match="invalid value of debug_mode"):
            torch.cuda.set_sync_debug_mode(wrong)


@pytest.mark.cpu("what is where there is no GPU")
def test_without_a_device():
    with config.context(virtual_cuda=0):
        assert torch.cuda.host_memory_stats() == {} and torch.cuda.memory_snapshot() == []
        torch.cuda.caching_allocator_enable(False)
        torch.cuda.caching_allocator_enable()
        for ask in (
            torch.cuda.MemPool,
            torch.cuda.get_sync_debug_mode,
            lambda: torch.cuda.caching_allocator_alloc(8),
        ):
            with pytest.raises(RuntimeError, match="no CUDA device is available"):
                ask()


# --- several devices ------------------------------------------------------------------------------


@pytest.fixture
def two():
    with config.context(virtual_cuda=2):
        yield


def rows(*numbers):
    """A tensor on each device."""
    return [torch.tensor(row, device=f"cuda:{i}") for i, row in enumerate(numbers)]


OPS = {0: np.add, 1: np.multiply, 2: np.maximum, 3: np.minimum, 4: lambda a, b: (a + b) / 2}


@pytest.mark.parametrize("op", OPS)
def test_reductions_over_devices(two, op):
    a, b = np.float32([1, -2, 3, 5]), np.float32([4, 0.5, -6, 7])
    want = OPS[op](a, b).tolist()
    inputs = rows(a.tolist(), b.tolist())
    outputs = [torch.zeros_like(x) for x in inputs]
    nccl.all_reduce(inputs, outputs, op)
    assert [y.tolist() for y in outputs] == [want, want] and inputs[0].tolist() == a.tolist()
    parts = [torch.zeros(2, device=f"cuda:{i}") for i in range(2)]
    nccl.reduce_scatter(inputs, parts, op)
    assert [y.tolist() for y in parts] == [want[:2], want[2:]]
    nccl.reduce(inputs, root=1, op=op)
    assert inputs[1].tolist() == want and inputs[0].tolist() == a.tolist()
    nccl.reduce(inputs, outputs[0], op=op)
    assert outputs[0].tolist() == OPS[op](a, np.float32(want)).tolist()


def test_copies_over_devices(two):
    inputs = rows([1, 2], [3, 4])
    outputs = rows([0] * 4, [0] * 4)
    nccl.all_gather(inputs, outputs)
    assert [y.tolist() for y in outputs] == [[1, 2, 3, 4]] * 2
    nccl.broadcast(inputs, root=1)
    assert [x.tolist() for x in inputs] == [[3, 4]] * 2
    assert [x.device.index for x in inputs] == [0, 1]
    nccl.all_reduce(inputs)
    assert [x.tolist() for x in inputs] == [[6, 8]] * 2
    w = torch.ones(2, device="cuda", requires_grad=True)
    nccl.reduce([w, torch.ones(2, device="cuda:1")], out := torch.zeros(2, device="cuda"))
    assert out.tolist() == [2, 2] and not out.requires_grad


def test_combined_where_they_are():
    pytest.importorskip("cupy")
    with stand_in.standing_in(count=2) as driver:
        inputs = rows([1.0, 2.0], [3.0, 4.0])
        assert [x.tolist() for x in inputs] == [[1, 2], [3, 4]]
        gets = driver.gets
        nccl.all_reduce(inputs)
        torch.cuda.synchronize(1)
        assert driver.gets == gets and driver.copies > 0
        assert [x.tolist() for x in inputs] == [[4, 6]] * 2


def test_what_does_not_go_together(two):
    x, y = rows([1.0, 2.0], [3.0, 4.0])
    assert nccl.is_available([x, y]) and not nccl.is_available([x, x])
    assert not nccl.is_available([torch.ones(2), y])
    with pytest.raises(TypeError, match="collection of tensors"):
        nccl.all_reduce(x)
    for wrong in ([x, x], [x, y[:1]], [x, y.double()], [x, torch.ones(2)], []):
        with pytest.raises(RuntimeError):
            nccl.all_reduce(wrong)
    with pytest.raises(RuntimeError, match="no reduction 5"):
        nccl.all_reduce([x, y], op=5)
    with pytest.raises(ValueError, match="can not be both"):
        nccl.reduce([x, y], x, outputs=[x, y])
    with pytest.raises(RuntimeError, match="go together"):
        nccl.all_gather([x, y], [x, y])
