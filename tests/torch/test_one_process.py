"""`torch.amp`, `torch.distributed`, `torch.nn.parallel`, `torch.compiler` for one process on a CPU:
they say what PyTorch says.
"""

from __future__ import annotations

import importlib
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from tests.torch.both import drawn, neutral

ours = importlib.import_module("lazytensor.torch")
real = pytest.importorskip("torch")
importlib.import_module("torch.nn.parallel")


def said(f: Callable[[], Any]) -> str:
    """What a call gives, or refuses."""
    try:
        return neutral(str(f()))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def scaled(m: Any) -> list[Any]:
    """A training in which a gradient overflows."""
    m.manual_seed(0)
    net = drawn(m, lambda: m.nn.Linear(3, 2))
    optimizer = m.optim.SGD(net.parameters(), lr=0.01)
    scaler = m.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    out: list[Any] = [scaler.is_enabled(), scaler.get_scale(), scaler.state_dict()]
    for i in range(6):
        optimizer.zero_grad()
        loss = net(m.ones(4, 3) * (float("inf") if i == 3 else 1)).pow(2).sum()
        scaler.scale(loss).backward()
        if i % 2:
            scaler.unscale_(optimizer)
        out.append(scaler.step(optimizer))
        scaler.update()
        out += [scaler.state_dict(), round(net.weight.sum().item(), 5)]
    other = pickle.loads(pickle.dumps(scaler))
    out.append(other.state_dict())
    other.load_state_dict(scaler.state_dict())
    out.append(neutral(str(scaler.scale([m.ones(2), (m.ones(1),)]))))
    scaler.update(4.0)
    out.append(scaler.get_scale())
    calls = (
        lambda: scaler.unscale_(optimizer),
        lambda: scaler.unscale_(optimizer),
        lambda: scaler.step(optimizer),
        lambda: scaler.step(optimizer),
        lambda: scaler.step(optimizer, closure=1),
        lambda: other.update(),
        lambda: scaler.scale(3),
        lambda: other.load_state_dict({}),
        lambda: m.amp.GradScaler("cpu", growth_factor=1.0),
        lambda: m.amp.GradScaler("cpu", backoff_factor=1.0),
    )
    return out + [said(call) for call in calls]


def unscaled(m: Any) -> list[Any]:
    """Without a GPU the scaler for one does nothing, and the old name warns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scaler = m.cuda.amp.GradScaler(enabled=False)
        found = [scaler.scale(3), scaler.state_dict(), scaler.get_scale(), scaler.is_enabled()]
        found.append(m.cuda.amp.GradScaler().is_enabled())
        found.append(m.GradScaler().is_enabled())
    return found + [(w.category.__name__, str(w.message)) for w in caught]


def grouped(m: Any) -> list[Any]:
    """Collectives of one process."""
    dist = importlib.import_module(f"{m.__name__}.distributed")
    x, y = m.ones(2), m.zeros(2)
    address = {"init_method": "tcp://127.0.0.1:29517", "rank": 0, "world_size": 1}
    start = dist.init_process_group
    calls = (
        dist.is_available,
        dist.is_initialized,
        dist.get_rank,
        lambda: dist.all_reduce(x),
        dist.destroy_process_group,
        lambda: m.nn.parallel.DistributedDataParallel(m.nn.Linear(1, 1)),
        lambda: start("gloo", init_method="tcp://127.0.0.1:29517", world_size=1),
        lambda: start("gloo", **address),
        dist.is_initialized,
        lambda: start("gloo", **address),
        dist.get_rank,
        dist.get_world_size,
        dist.get_backend,
        dist.barrier,
        lambda: dist.all_reduce(x, op=dist.ReduceOp.SUM),
        lambda: dist.all_reduce(x, async_op=True).wait() and None,
        lambda: dist.broadcast(x, 0),
        lambda: dist.broadcast(x, 1),
        lambda: dist.all_gather([y], x),
        lambda: (x, y),
        lambda: wrapped(m),
        lambda: m.nn.parallel.DistributedDataParallel(m.nn.ReLU()),
        dist.destroy_process_group,
        dist.is_initialized,
    )
    return [said(call) for call in calls]


def wrapped(m: Any) -> list[Any]:
    """A module around another."""
    m.manual_seed(0)
    net = m.nn.parallel.DistributedDataParallel(m.nn.Linear(2, 1))
    out = [str(net), list(net.state_dict()), net.require_backward_grad_sync]
    with net.no_sync():
        out.append(net.require_backward_grad_sync)
    net(m.ones(3, 2)).sum().backward()
    return [*out, neutral(str(net.module.weight.grad)), net.require_backward_grad_sync]


def spread(m: Any) -> list[Any]:
    """A module that could be copied to GPUs."""
    m.manual_seed(0)
    net = m.nn.DataParallel(m.nn.Linear(2, 1))
    return [str(net), net.device_ids, list(net.state_dict()), net(m.ones(3, 2)).shape]


def compiled(m: Any) -> list[Any]:
    """What is asked of a compiler outside it."""
    compiler = importlib.import_module(f"{m.__name__}.compiler")
    return [
        compiler.is_compiling(),
        compiler.disable(abs)(-1),
        compiler.disable()(len)([1]),
        said(lambda: compiler.allow_in_graph(3)),
        compiler.reset(),
    ]


WITHOUT = pytest.mark.cpu("what is where there is no GPU")
CASES = (
    scaled,
    pytest.param(unscaled, marks=WITHOUT),
    grouped,
    pytest.param(spread, marks=WITHOUT),
    compiled,
)


@pytest.mark.parametrize("case", CASES)
def test_the_same_as_pytorch(case: Callable[[Any], list[Any]]) -> None:
    for own, theirs in zip(case(ours), case(real), strict=True):
        assert own == theirs


def test_more_processes_are_refused_by_name() -> None:
    start = ours.distributed.init_process_group
    with pytest.raises(NotImplementedError, match="2 processes"):
        start("gloo", init_method="tcp://127.0.0.1:1", rank=0, world_size=2)
    with pytest.raises(RuntimeError, match="NCCL built in"):
        start("nccl", init_method="tcp://127.0.0.1:1", rank=0, world_size=1)
    assert not ours.distributed.is_initialized()


def test_switches_of_the_compiler_are_remembered() -> None:
    dynamo = importlib.import_module("lazytensor.torch._dynamo")
    assert dynamo.config.verbose is False
    dynamo.config.verbose = True
    assert dynamo.config.verbose is True
    dynamo.config.verbose = False
