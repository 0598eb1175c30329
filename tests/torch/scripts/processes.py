"""Tensors that processes share, and processes that fail together. `processes.py METHOD`."""

import os
import sys

import torch
import torch.multiprocessing as mp
from torch import nn


def mark(number, shared, model):
    """Write to memory that all processes have."""
    shared[number] = number + 1
    with torch.no_grad():
        model.weight[number].fill_(number)


def answer(given, taken):
    """Change what comes, in place, and send views of it back."""
    for x in iter(given.get, None):
        x.mul_(10)
        taken.put((x[1:], type(x).__name__, x.requires_grad, tuple(x.stride()), x.is_shared()))
        del x
    given.get()


def fail(number):
    """One raises, the other sleeps until it is ended."""
    if number == 1:
        raise ValueError("number one")
    mp.Event().wait(60)


def leave(number):
    os._exit(3)


def train(number, model, lock):
    """A few steps without waiting for one another, as of a shared model."""
    torch.manual_seed(number)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(40):
        x = torch.randn(16, 3)
        loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        with lock:
            optimizer.step()


def main(method):
    torch.manual_seed(0)
    shared, model = torch.zeros(4)[1:], nn.Linear(2, 3, bias=False)
    print(shared.is_shared(), shared.share_memory_().is_shared(), model.share_memory() is model)
    mp.start_processes(mark, (shared, model), nprocs=3, start_method=method)
    print(shared, model.weight, shared.untyped_storage().is_shared())

    context = mp.get_context(method)
    given, taken = context.Queue(), context.Queue()
    process = context.Process(target=answer, args=(given, taken))
    process.start()
    for x in (torch.ones(3), torch.arange(6.0).reshape(2, 3).T, nn.Parameter(torch.ones(2, 2))):
        given.put(x.requires_grad_(False))
        print(taken.get(), x, x.is_shared())
    given.put(None)
    given.put(None)
    process.join()
    print(process.exitcode)

    for f in (fail, leave):
        try:
            mp.start_processes(f, nprocs=2, start_method=method)
        except mp.ProcessRaisedException as error:
            print(error.error_index, str(error).splitlines()[-1])
        except mp.ProcessExitedException as error:
            print(error.exit_code, str(error)[9:])
    try:
        taken.put(torch.ones(2, requires_grad=True) * 2)
        mp.reducer.ForkingPickler.dumps(torch.ones(2, requires_grad=True) * 2)
    except RuntimeError as error:
        print(error)

    net = nn.Linear(3, 1)
    net.share_memory()
    mp.start_processes(train, (net, context.Lock()), nprocs=2, start_method=method)
    print((net.weight - 1).abs().max() < 0.2, net.bias.abs() < 0.2)


if __name__ == "__main__":
    main(sys.argv[1])
