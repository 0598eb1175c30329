"""Graphs, streams and ranges of `torch.cuda`, on virtual devices."""

from __future__ import annotations

import sys
import threading
import types

import numpy as np
import pytest

import lazytensor.torch as torch
from lazytensor._base import config
from lazytensor.torch import nn

WITHOUT = pytest.mark.cpu("what is where there is no GPU")


@pytest.fixture(autouse=True)
def devices():
    with config.context(virtual_cuda=2, default_device="cpu"):
        yield


def trained(graphed, amp=False, optimizer=lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).cuda()
    optimizer = optimizer(model.parameters())
    batches = [(torch.randn(12, 4), torch.randint(3, (12,))) for _ in range(8)]
    x, y = torch.empty(12, 4, device="cuda"), torch.empty(12, dtype=torch.int64, device="cuda")

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=amp):
            loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    found, graph = [], torch.cuda.CUDAGraph()
    for i, (a, b) in enumerate(batches):
        x.copy_(a)
        y.copy_(b)
        if graphed and i == 3:
            with torch.cuda.graph(graph):
                loss = step()
                assert torch.cuda.is_current_stream_capturing()
        if graphed and i >= 3:
            graph.replay()
        else:
            loss = step()
        found.append(loss.item())
    return found, [p.tolist() for p in (*model.parameters(), *model.buffers())]


@pytest.mark.parametrize("amp", [False, True])
def test_a_graph_is_a_training_step(amp):
    """With what is kept from step to step: parameters, momenta, running means, counts."""
    want, got = trained(False, amp), trained(True, amp)
    assert got == want
    assert not torch.cuda.is_current_stream_capturing()


@pytest.mark.parametrize("how", [{}, {"amsgrad": True}, {"weight_decay": 0.1}])
@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
def test_steps_that_count_on_the_device(kind, how):
    def made(capturable):
        return lambda p: getattr(torch.optim, kind)(p, 0.01, capturable=capturable, **how)

    plain, eager = trained(False, False, made(False)), trained(False, False, made(True))
    np.testing.assert_allclose(plain[0], eager[0], rtol=1e-5)
    assert trained(True, False, made(True)) == eager


def test_what_is_captured_does_not_run():
    x, total = torch.ones(3, device="cuda"), torch.zeros(3, device="cuda")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = x * 2
        total += y
        part = total[1:]
    assert total.tolist() == [0, 0, 0]
    for i in range(1, 4):
        x.fill_(i)
        graph.replay()
        assert y.tolist() == [2 * i] * 3 and total.tolist() == [i * (i + 1)] * 3
        assert part.tolist() == total.tolist()[1:]


def test_tensors_of_equal_elements_are_told_apart():
    """Though they are one array until one of them is written to."""
    a = torch.arange(3.0, device="cuda")
    b = a.clone()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        c = a * 10 + b
    b.fill_(1)
    graph.replay()
    assert c.tolist() == [1, 11, 21]


def test_replays_draw_anew():
    """The numbers that the same calls would have drawn, from generators that go on."""

    def drawn(x, own):
        y = nn.functional.dropout(x, 0.5) + torch.rand(64, device="cuda")
        return y, torch.randn(64, device="cuda", generator=own)

    def run(graphed):
        torch.manual_seed(5)
        own, x = torch.Generator("cuda").manual_seed(7), torch.ones(64, device="cuda")
        found, graph = [drawn(x, own)], torch.cuda.CUDAGraph()
        if graphed:
            with torch.cuda.graph(graph):
                y, z = drawn(x, own)
        for _ in range(3):
            if graphed:
                graph.replay()
            else:
                y, z = drawn(x, own)
            found.append((y.clone(), z.clone()))
        found.append((torch.rand(4, device="cuda"), torch.rand(4, device="cuda", generator=own)))
        return [(y.tolist(), z.tolist()) for y, z in found]

    want, got = run(False), run(True)
    assert got == want and want[1] != want[2]


def test_a_graph_of_several_devices():
    x = torch.ones(3, device="cuda:0")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = (x + 1).to("cuda:1") * 3
    x.fill_(4)
    graph.replay()
    assert y.device == torch.device("cuda:1") and y.tolist() == [15, 15, 15]


def test_what_graphs_refuse():
    graph = torch.cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="replay without a preceding successful capture"):
        graph.replay()
    with pytest.raises(RuntimeError, match=r"capture_end\(\) called before"):
        graph.capture_end()
    with pytest.raises(RuntimeError, match="Unknown capture error mode"):
        graph.capture_begin(capture_error_mode="none")
    graph.capture_begin()
    with pytest.raises(RuntimeError, match="being captured already"):
        torch.cuda.CUDAGraph().capture_begin()
    with pytest.raises(RuntimeError, match="host draws poisson numbers"):
        torch.poisson(torch.ones(3, device="cuda"))
    before, refused = torch.cuda.current_stream(), torch.cuda.graph(torch.cuda.CUDAGraph())
    with pytest.raises(RuntimeError, match="being captured already"), refused:
        pass
    assert torch.cuda.current_stream() == before
    graph.capture_end()
    graph.reset()
    with pytest.raises(KeyError), torch.cuda.graph(torch.cuda.CUDAGraph()):
        raise KeyError
    assert not torch.cuda.is_current_stream_capturing()
    w = torch.ones(3, device="cuda", requires_grad=True)
    w.sum().backward()
    for capturable, text in ((False, "capturable is False"), (True, "counts its steps")):
        optimizer = torch.optim.RMSprop([w], capturable=capturable)
        with pytest.raises(RuntimeError, match=text), torch.cuda.graph(torch.cuda.CUDAGraph()):
            optimizer.step()
    with torch.cuda.graph(graph):
        y = w * 2
    assert graph.pool() and graph.pool() != torch.cuda.graph_pool_handle()
    with pytest.raises(RuntimeError, match="already owns a captured graph"):
        graph.capture_begin()
    graph.reset()
    with torch.cuda.graph(graph):
        y = w * 3
    graph.replay()
    assert y.tolist() == [3, 3, 3]


def test_graphed_callables():
    model = nn.Linear(3, 2).cuda()
    x = torch.ones(4, 3, device="cuda", requires_grad=True)
    want = model(x).sum()
    graphed = torch.cuda.make_graphed_callables(model, (x,))
    graphed(x).sum().backward()
    assert graphed(x).sum().item() == want.item() and model.weight.grad.tolist() == [[4] * 3] * 2
    both = torch.cuda.make_graphed_callables((torch.sin, model), ((x,), (x,)))
    assert len(both) == 2
    with pytest.raises(AssertionError, match="contain only Tensors"):
        torch.cuda.make_graphed_callables(model, (3,))
    model.register_forward_hook(lambda *args: None)
    with pytest.raises(AssertionError, match="must not have hooks"):
        torch.cuda.make_graphed_callables(model, (x,))
    unused = torch.ones(2, device="cuda", requires_grad=True)
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.cuda.make_graphed_callables(lambda a, b: a * 2, (x, unused))


def test_streams_of_any_device():
    a, b = torch.Stream("cuda:1"), torch.cuda.Stream("cuda:1")
    assert isinstance(b, torch.Stream) and not isinstance(a, torch.cuda.Stream) and a != b
    assert (a.device_type, a.device_index, a.device) == (1, 1, torch.device("cuda:1"))
    assert repr(a).startswith("torch.Stream device_type=cuda, device_index=1, stream_id=")
    with a:
        assert torch.cuda.current_device() == 1 and torch.cuda.current_stream() == a
        assert isinstance(torch.cuda.current_stream(), torch.cuda.Stream)
        x = torch.ones(3, device="cuda") + 1
    assert torch.cuda.current_device() == 0
    assert torch.cuda.current_stream(1) == torch.cuda.default_stream(1)
    event = a.record_event()
    assert type(event) is torch.Event and type(b.record_event()) is torch.cuda.Event
    a.wait_event(event)
    a.wait_stream(b)
    a.synchronize()
    assert a.query() and event.query() and x.tolist() == [2, 2, 2]
    assert a.__cuda_stream__() == (0, a.native_handle) and not a.is_capturing()
    start, end = (torch.Event("cuda", enable_timing=True) for _ in range(2))
    start.record()
    end.record()
    assert start.elapsed_time(end) >= 0 and start.device == torch.device("cuda:0")
    assert start.event_id and repr(start).startswith("torch.Event device_type=cuda, device_index=0")
    again = torch.Stream(stream_id=77, device_index=1, device_type=1)
    assert again == torch.cuda.ExternalStream(77, "cuda:1") and again.stream_id == 77


@WITHOUT
def test_without_a_device():
    with config.context(virtual_cuda=0):
        with pytest.raises(RuntimeError, match="no CUDA device"):
            torch.cuda.CUDAGraph()
        with pytest.raises(RuntimeError, match="NVTX functions not"):
            torch.cuda.nvtx.mark("here")


@WITHOUT
def test_streams_of_the_cpu():
    with config.context(virtual_cuda=0):
        s, e = torch.Stream(), torch.Event()
        assert repr(s) == "torch.Stream device_type=cpu, device_index=-1, stream_id=0"
        assert repr(e) == "torch.Event device_type=cpu, device_index=-1, event_flag=0, event_id=0"
        assert s == torch.Stream("cpu") and s.query() and e.query() and not s.is_capturing()
        s.synchronize()
        s.wait_event(e)
        e.wait()
        with s as found:
            assert found is s
        for refused in (s.record_event, e.record, lambda: s.wait_stream(s)):
            with pytest.raises(RuntimeError, match="cpu backend doesn't support events"):
                refused()
        with pytest.raises(RuntimeError):
            torch.Stream("cuda")


def test_a_stream_that_two_threads_enter():
    """Each of them goes on where it was."""
    shared, first, second = (torch.cuda.Stream() for _ in range(3))
    inside, done, found = threading.Event(), threading.Event(), []

    def other():
        with config.context(virtual_cuda=2), torch.cuda.stream(second):
            with shared:
                inside.set()
                done.wait(10)
            found.append(torch.cuda.current_stream())

    thread = threading.Thread(target=other)
    with torch.cuda.stream(first):
        with shared:
            thread.start()
            assert inside.wait(10)
        found.append(torch.cuda.current_stream())
        done.set()
        thread.join()
    assert found == [first, second]


def test_ranges():
    nvtx = torch.cuda.nvtx
    assert [nvtx.range_push("a"), nvtx.range_push("b"), nvtx.range_pop()] == [0, 1, 1]
    with nvtx.range("step {}", 3):
        assert nvtx.range_push("c") == 2
        nvtx.range_pop()
    depths = []

    def other():
        with config.context(virtual_cuda=2):
            depths.append(nvtx.range_push("other"))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert depths == [0] and nvtx.range_pop() == 0 and nvtx.range_pop() == -1
    assert nvtx.range_push("again") == 0 and nvtx.range_pop() == 0
    handle = nvtx.range_start("x")
    nvtx.range_end(handle)
    nvtx.mark("here")
    with torch.cuda.profiler.profile():
        torch.ones(1, device="cuda").item()


def test_the_runtime():
    runtime = torch.cuda.cudart()
    assert runtime.cudaProfilerStart() == runtime.cudaProfilerStop() == 0
    assert runtime.cudaMemGetInfo(0) == torch.cuda.mem_get_info(0)
    torch.cuda.check_error(0)
    with pytest.raises(torch.cuda.CudaError, match=r"out of memory \(2\)"):
        torch.cuda.check_error(2)
    assert issubclass(torch.cuda.CudaError, RuntimeError)
    nested = torch.cuda.memory_stats_as_nested_dict()
    flat = torch.cuda.memory_stats()
    assert nested["allocated_bytes"]["all"]["peak"] == flat["allocated_bytes.all.peak"]
    assert nested["num_ooms"] == 0 and torch.cuda.get_allocator_backend() == "native"
    assert torch.cuda.get_per_process_memory_fraction() == 1.0
    torch.cuda.set_per_process_memory_fraction(0.5, 1)
    assert torch.cuda.get_per_process_memory_fraction(1) == 0.5
    torch.cuda.set_per_process_memory_fraction(1.0, 1)
    for wrong, error in ((1, TypeError), (1.5, ValueError)):
        with pytest.raises(error):
            torch.cuda.set_per_process_memory_fraction(wrong)


def test_figures_of_the_management_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    for ask in (torch.cuda.utilization, torch.cuda.temperature, torch.cuda.memory_usage):
        with pytest.raises(ModuleNotFoundError, match="nvidia-ml-py does not seem"):
            ask()
    assert torch.cuda.list_gpu_processes().startswith("pynvml module not found")
    process = types.SimpleNamespace(pid=7, usedGpuMemory=3 << 20)
    rates = types.SimpleNamespace(gpu=40, memory=30)
    monkeypatch.setitem(sys.modules, "pynvml", types.SimpleNamespace(
        NVMLError_DriverNotLoaded=OSError, nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda i: i, nvmlDeviceGetHandleByUUID=lambda name: name,
        nvmlDeviceGetUtilizationRates=lambda handle: rates,
        nvmlDeviceGetTemperature=lambda handle, sensor: {1: 50, 6: 60}[handle] + sensor,
        nvmlDeviceGetPowerUsage=lambda handle: {"GPU-1": 70}[handle],
        nvmlDeviceGetClockInfo=lambda handle, kind: 1000 + kind,
        nvmlDeviceGetMemoryInfo=lambda handle: types.SimpleNamespace(used=9),
        nvmlDeviceGetComputeRunningProcesses=lambda handle: [process],
    ))  # fmt: skip
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert (torch.cuda.utilization(), torch.cuda.memory_usage()) == (40, 30)
    assert torch.cuda.temperature(1) == 50 and torch.cuda.clock_rate() == 1001
    assert torch.cuda.device_memory_used() == 9
    text = torch.cuda.list_gpu_processes(1)
    assert text == "GPU:1\nprocess          7 uses        3.000 MB GPU memory"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6,GPU-1")
    assert torch.cuda.temperature(0) == 60 and torch.cuda.power_draw(1) == 70


def test_names_that_are_listed_are_there():
    listed = [n for n in dir(torch.cuda) if not n.startswith("_")]
    assert {"CUDAGraph", "nvtx", "cudart", "utilization"} <= set(listed)
    assert all(getattr(torch.cuda, name) is not None for name in listed)
    assert np.array_equal(torch.ones(2).numpy(), [1, 1])
