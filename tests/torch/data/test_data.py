"""Datasets, samplers and loaders over real tensors: the same batches in the same order."""

from __future__ import annotations

import collections
import random
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from overtorch import package  # noqa: E402

data = package("utils.data")
BOTH = [data, torch.utils.data]
Point = collections.namedtuple("Point", "x y")


def dataset(module: Any, n: int = 10) -> Any:
    return module.TensorDataset(torch.arange(n), torch.arange(n) * 0.5)


def listed(value: Any) -> Any:
    """Batches as plain values."""
    if isinstance(value, torch.Tensor):
        return (str(value.dtype), value.tolist())
    if isinstance(value, dict):
        return {k: listed(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return (
            type(value)([listed(v) for v in value])
            if type(value) in (list, tuple)
            else (
                type(value).__name__,
                [listed(v) for v in value],
            )
        )
    return value


def passes(module: Any, options: Any, n: int = 10) -> Any:
    """Two passes over a loader, and the state of the generator afterwards."""
    torch.manual_seed(5)
    options = options(module)
    loader = module.DataLoader(dataset(module, n), **options)
    batches = [listed(list(loader)) for _ in range(2)]
    return len(loader), batches, torch.get_rng_state().sum().item()


OPTIONS: dict[str, Any] = {
    "plain": lambda m: {},
    "batches": lambda m: {"batch_size": 3},
    "drop last": lambda m: {"batch_size": 3, "drop_last": True},
    "shuffled": lambda m: {"batch_size": 4, "shuffle": True},
    "generator": lambda m: {"shuffle": True, "generator": torch.Generator().manual_seed(2)},
    "no batches": lambda m: {"batch_size": None, "shuffle": True},
    "replacement": lambda m: {"sampler": m.RandomSampler(range(10), True, 70), "batch_size": 9},
    "more": lambda m: {"sampler": m.RandomSampler(range(10), num_samples=25)},
    "subset": lambda m: {"sampler": m.SubsetRandomSampler([3, 1, 7])},
    "weights": lambda m: {"sampler": m.WeightedRandomSampler([0.1, 0.5, 2], 8)},
    "no replacement": lambda m: {"sampler": m.WeightedRandomSampler([0.1, 0.5, 2], 2, False)},
    "batch sampler": lambda m: {"batch_sampler": m.BatchSampler(range(7), 2, False)},
    "share": lambda m: {"sampler": m.distributed.DistributedSampler(range(10), 3, 1)},
    "share dropped": lambda m: {
        "sampler": m.distributed.DistributedSampler(range(10), 3, 2, drop_last=True, shuffle=False)
    },
    "collate": lambda m: {"collate_fn": lambda batch: [b[0] for b in batch], "batch_size": 4},
    "workers": lambda m: {"num_workers": 2, "batch_size": 3, "shuffle": True},
    "persistent": lambda m: {
        "num_workers": 2,
        "batch_size": 3,
        "shuffle": True,
        "persistent_workers": True,
        "prefetch_factor": 1,
    },
}


@pytest.mark.parametrize("name", OPTIONS)
def test_loaders_give_torchs_batches(name: str) -> None:
    ours, theirs = (passes(module, OPTIONS[name]) for module in BOTH)
    assert ours == theirs


@pytest.mark.parametrize("n", [1, 2, 30, 31, 257])
@pytest.mark.parametrize("seed", [0, 1, 123456789])
def test_shuffles_of_many_sizes(n: int, seed: int) -> None:
    orders = []
    for module in BOTH:
        torch.manual_seed(seed)
        orders.append(list(module.RandomSampler(range(n))))
    assert orders[0] == orders[1]


class Drawing:
    """Every sample is what each generator of the worker draws."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        import torch.utils.data as theirs

        info = data.get_worker_info() or theirs.get_worker_info()
        draws = (torch.rand(()).item(), random.random(), np.random.rand())  # noqa: NPY002
        return (*draws, info.id, info.num_workers, info.seed)


def test_workers_are_seeded_as_torchs() -> None:
    results = []
    for module in BOTH:
        torch.manual_seed(3)
        loader = module.DataLoader(Drawing(), num_workers=2, batch_size=2)
        results.append(listed(list(loader)))
    assert results[0] == results[1]


def counting(module: Any) -> Any:
    class Counting(module.IterableDataset):  # type: ignore[misc]
        def __iter__(self) -> Any:
            info = module.get_worker_info()
            step = 1 if info is None else info.num_workers
            return iter(range(0 if info is None else info.id, 11, step))

        def __len__(self) -> int:
            return 11

    return Counting()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 4},
        {"batch_size": 4, "drop_last": True},
        {"batch_size": None},
        {"batch_size": 2, "num_workers": 2},
        {"batch_size": 2, "num_workers": 2, "persistent_workers": True},
    ],
)
def test_iterable_datasets(options: Any) -> None:
    results = []
    for module in BOTH:
        loader = module.DataLoader(counting(module), **options)
        results.append([listed(list(loader)) for _ in range(2)])
    assert results[0] == results[1]


BATCHES: list[Any] = [
    [1, 2],
    [1.5, 2],
    [True, False],
    ["a", "b"],
    [b"a", b"b"],
    [np.float32(1), np.float32(2)],
    [np.ones(2), np.zeros(2)],
    [{"a": 1, "b": [1.0, 2.0]}, {"a": 2, "b": [3.0, 4.0]}],
    [(1, "x"), (2, "y")],
    [Point(1, 2.0), Point(3, 4.0)],
    [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    [[1, [2, 3]], [4, [5, 6]]],
    [torch.ones(2), torch.zeros(2)],
    [range(2), range(2)],
]


@pytest.mark.parametrize("batch", BATCHES, ids=range(len(BATCHES)))
def test_collation(batch: Any) -> None:
    for name in ("default_collate", "default_convert"):
        ours, theirs = (getattr(module, name)(batch) for module in BOTH)
        assert type(ours) is type(theirs)
        assert listed(ours) == listed(theirs)


class Failing:
    def __init__(self, error: Any) -> None:
        self.error = error

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        raise self.error


REFUSED: dict[str, Any] = {
    "workers": lambda m: m.DataLoader([1], num_workers=-1),
    "timeout": lambda m: m.DataLoader([1], timeout=-1),
    "prefetch": lambda m: m.DataLoader([1], prefetch_factor=2),
    "prefetch negative": lambda m: m.DataLoader([1], num_workers=1, prefetch_factor=-2),
    "persistent": lambda m: m.DataLoader([1], persistent_workers=True),
    "shuffle and sampler": lambda m: m.DataLoader([1], shuffle=True, sampler=[0]),
    "batch sampler": lambda m: m.DataLoader([1], batch_size=2, batch_sampler=[[0]]),
    "drop last": lambda m: m.DataLoader([1], batch_size=None, drop_last=True),
    "iterable": lambda m: m.DataLoader(counting(m), shuffle=True),
    "context": lambda m: m.DataLoader([1], multiprocessing_context="fork"),
    "context name": lambda m: m.DataLoader([1], num_workers=1, multiprocessing_context="x"),
    "context type": lambda m: m.DataLoader([1], num_workers=1, multiprocessing_context=1),
    "set": lambda m: setattr(m.DataLoader([1]), "batch_size", 2),
    "empty": lambda m: m.DataLoader([], shuffle=True),
    "replacement": lambda m: m.RandomSampler([1], replacement=1),
    "samples": lambda m: m.RandomSampler([1], num_samples=0),
    "batch": lambda m: m.BatchSampler([1], 0, False),
    "batch drop": lambda m: m.BatchSampler([1], 1, 1),
    "weights": lambda m: m.WeightedRandomSampler([[1.0]], 1),
    "weighted": lambda m: m.WeightedRandomSampler([1.0], True),
    "sizes": lambda m: m.TensorDataset(torch.ones(2), torch.ones(3)),
    "no datasets": lambda m: m.ConcatDataset([]),
    "concat": lambda m: m.ConcatDataset([[1]])[-3],
    "stack": lambda m: m.StackDataset(),
    "stack sizes": lambda m: m.StackDataset([1], [1, 2]),
    "stack both": lambda m: m.StackDataset([1], a=[1]),
    "split": lambda m: m.random_split([1, 2], [1, 2]),
    "fraction": lambda m: m.random_split([1, 2], [1.5, -0.5]),
    "base": lambda m: m.Dataset()[0],
    "collate": lambda m: m.default_collate([object]),
    "collate text": lambda m: m.default_collate([np.array(["a"])]),
    "uneven": lambda m: m.default_collate([[1], [1, 2]]),
    "rank": lambda m: m.distributed.DistributedSampler([1], 2, 2),
    "raised": lambda m: list(m.DataLoader(Failing(KeyError("k")))),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_those_of_torch(name: str) -> None:
    texts = []
    for module in BOTH:
        with pytest.raises(Exception) as caught:
            REFUSED[name](module)
        texts.append((type(caught.value), str(caught.value)))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("error", [ValueError("v"), KeyError("k"), IndexError(3)])
def test_errors_in_workers(error: Exception) -> None:
    for module in BOTH:
        with pytest.raises(type(error), match=r"in DataLoader worker process 0\.\nOriginal Trace"):
            list(module.DataLoader(Failing(error), num_workers=1))


def fails(worker: int) -> None:
    raise OSError(f"worker {worker}")


def test_errors_at_the_start_of_workers() -> None:
    with pytest.raises(OSError, match="worker 0"):
        next(iter(data.DataLoader([1, 2], num_workers=1, worker_init_fn=fails)))


class Dying:
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        raise SystemExit(1)


def test_dead_workers_are_noticed() -> None:
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpect"):
        list(data.DataLoader(Dying(), num_workers=1))


def test_random_splits() -> None:
    results = []
    for module in BOTH:
        torch.manual_seed(1)
        parts = [
            *module.random_split(range(10), [3, 7]),
            *module.random_split(range(11), [0.5, 0.3, 0.2], torch.Generator().manual_seed(4)),
        ]
        results.append([list(part) for part in parts])
    assert results[0] == results[1]


def test_datasets_of_datasets() -> None:
    for module in BOTH:
        both = dataset(module, 3) + dataset(module, 2)
        assert [int(both[i][0]) for i in (0, 2, 3, 4, -1)] == [0, 2, 0, 1, 1]
        assert len(both) == 5
        chain = counting(module) + counting(module)
        assert len(list(chain)) == len(chain) == 22
        stack = module.StackDataset(a=[1, 2], b=[3, 4])
        assert stack[1] == {"a": 2, "b": 4}
        assert stack.__getitems__([0, 1]) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
        assert module.StackDataset([1, 2], [3, 4]).__getitems__([1]) == [(2, 4)]
        subset = module.Subset([5, 6, 7], [2, 0])
        assert (subset[0], list(subset), subset.__getitems__([1])) == (7, [7, 5], [5])
