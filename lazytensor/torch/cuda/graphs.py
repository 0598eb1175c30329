"""CUDA graphs as `torch.cuda` has them: what was done to tensors once is done again by a replay.

What enters: a stretch of a program. What leaves: a program of the tensors that it read, which
leaves what it made in the tensors that it made or wrote to, and that are still there. The stretch
itself changes nothing, as nothing runs while PyTorch captures. What is run again and again becomes
a CUDA graph of the device's by itself; this module must not know how.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ..._base.devices import Device, device
from ..._base.pytree import flatten
from ...ir.graph import ancestors
from ...ir.node import TRACING, Node, apply, leaf, serials
from ...runtime.jit import Program, Trace, compiled
from ...runtime.materialize import materialize
from .._compute import compute
from .._dispatch import FUNCTIONS
from .._driver import CAPTURE, driver
from .._missing import missing
from .._philox import Philox
from ..amp.autocast_mode import is_autocast_cache_enabled, is_autocast_enabled
from ..autograd.engine import grad
from ..storage import Storage
from ..tensor import Tensor
from . import _live
from ._devices import device_count, is_current_stream_capturing
from .streams import Stream, StreamContext

__all__ = ["CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing",
           "make_graphed_callables"]  # fmt: skip

Pool = tuple[int, int]
_pools = count(1)


def graph_pool_handle() -> Pool:
    """A token for the memory of graphs, which all of them share anyway."""
    driver()
    return 0, next(_pools)


def _devices() -> list[Device]:
    return [device(f"cuda:{i}") for i in range(device_count())]


def _storages() -> list[Storage]:
    """The memory of all tensors on CUDA devices."""
    found = [x._share() for where in _devices() for x in list(_live.tensors(where))]
    return list({id(each): each for each in found}.values())


class _Drawn(NamedTuple):
    """The state of a draw: so many counters further on than the first one of its stream."""

    philox: Philox
    further: int
    bound: tuple[int, ...]


class CUDAGraph:
    """What was done within `torch.cuda.graph`, to be done again by `replay`.

    Numbers of the host are those of the capture. Raises RuntimeError without a CUDA device.
    """

    def __init__(self, keep_graph: bool = False) -> None:
        driver()
        self._pool: Pool | None = None
        self._program: Program | None = None
        self._reads: list[Storage | _Drawn] = []
        self._writes: list[Storage] = []
        self._before: dict[Node, Storage] = {}
        self._taken: dict[Philox, int] = {}

    def capture_begin(
        self, pool: Pool | None = None, capture_error_mode: str = "global",
        check_input_liveness: bool = False,
    ) -> None:  # fmt: skip
        """What comes until `capture_end` is what a replay does."""
        if CAPTURE.graph is not None:
            raise RuntimeError("a CUDA graph is being captured already")
        if capture_error_mode not in ("global", "thread_local", "relaxed"):
            raise RuntimeError(
                f"Unknown capture error mode. Expected `global`, `thread_local`, or `relaxed`, got "
                f"{capture_error_mode}"
            )
        if self._program is not None:
            raise RuntimeError(
                "This CUDAGraph instance already owns a captured graph. To capture a new graph, "
                "create a new instance."
            )
        self._pool = pool or graph_pool_handle()
        self._before = _apart(_storages())
        self._first = serials()
        TRACING.depth += 1
        CAPTURE.graph, CAPTURE.draws = self, []

    def capture_end(self) -> None:
        """The end of what a replay does."""
        if CAPTURE.graph is not self:
            raise RuntimeError("capture_end() called before capture_begin().")
        try:
            made = _made(self._before, self._first)
        finally:  # from now on, values cut tensors off from what they were computed of
            CAPTURE.graph = None
            TRACING.depth -= 1
        for node, stor in self._before.items():  # nothing has run
            if stor.node is not node:
                stor.write((), node)
        self._taken, drawn = _given_back(CAPTURE.draws)
        self._writes = [stor for stor, _ in made]
        before: dict[Node, Storage | _Drawn] = {**self._before, **drawn}
        self._program, self._reads = _program([n for _, n in made], before, self._first)
        self._before = {}

    def instantiate(self) -> None:
        """Raises RuntimeError where nothing was captured."""
        self._captured("instantiate")

    def _captured(self, name: str) -> Program:
        if self._program is None:
            raise RuntimeError(f"Called CUDAGraph::{name} without a preceding successful capture.")
        return self._program

    def replay(self) -> None:
        """Do again what was captured, with what its tensors hold now."""
        program = self._captured("replay")
        nodes = [each.whole() for each in self._reads if isinstance(each, Storage)]
        materialize([node for node in nodes if node.value is None], cutting=True)
        starts = {philox: philox.take(n) for philox, n in self._taken.items()}
        env = program.fill([_buffer(each, starts) for each in self._reads], [])
        found = program.run(env, env.copy())
        for stor, value in zip(self._writes, found, strict=True):
            stor.write((), leaf(value, stor.node.device))

    def reset(self) -> None:
        """Forget what was captured."""
        self._program, self._reads, self._writes = None, [], []

    def pool(self) -> Pool:
        """The token for its memory. Raises RuntimeError where nothing was captured."""
        self._captured("pool")
        assert self._pool is not None
        return self._pool


def _given_back(
    draws: Sequence[tuple[Node, Philox, int, int, tuple[int, ...]]],
) -> tuple[dict[Philox, int], dict[Node, _Drawn]]:
    """How many counters are taken of each stream, which are given back, and what states are."""
    taken: dict[Philox, int] = {}
    found: dict[Node, _Drawn] = {}
    for node, philox, position, counters, bound in draws:
        if philox not in taken:
            philox.set_offset(4 * position)
        found[node] = _Drawn(philox, taken.get(philox, 0), bound)
        taken[philox] = taken.get(philox, 0) + counters
    return taken, found


def _buffer(each: Storage | _Drawn, starts: dict[Philox, tuple[int, int]]) -> Any:
    """What fills an input: a tensor's elements, or a state that goes on in its stream."""
    if isinstance(each, Storage):
        return each.whole().value
    seed, position = starts[each.philox]
    return np.array((seed, position + each.further, *each.bound), np.uint64)


def _apart(storages: Sequence[Storage]) -> dict[Node, Storage]:
    """The storages by their nodes, which are computed, and of which each has one of its own."""
    nodes = [stor.whole() for stor in storages]
    materialize([node for node in nodes if node.value is None], cutting=True)
    found: dict[Node, Storage] = {}
    for stor in storages:
        node = stor.whole()
        if node in found:
            node = stor.node = leaf(node.value, node.device)
        found[node] = stor
    return found


def _made(before: dict[Node, Storage], first: int) -> list[tuple[Storage, Node]]:
    """The memory that was made or written to since, with what is in it."""
    return [(stor, stor.node) for stor in _storages()
            if stor.node not in before and stor.node.serial > first]  # fmt: skip


def _program(
    outputs: Sequence[Node], before: Mapping[Node, Storage | _Drawn], first: int
) -> tuple[Program, list[Storage | _Drawn]]:
    """What computes nodes of what was there before, or is drawn anew, and what it reads."""
    trace = Trace("a CUDA graph")
    reads: list[Storage | _Drawn] = []
    new: dict[Node, Node] = {}
    for node in ancestors(outputs, lambda n: n in before or n.serial <= first):
        if node in before:
            new[node] = trace.array(
                len(reads), node.shape, node.dtype, node.device, "a tensor of a CUDA graph"
            )
            reads.append(before[node])
        elif node.serial > first and node.args:
            new[node] = apply(node.op, tuple([new[a] for a in node.args]), node.params)
        else:
            new[node] = node
    try:
        return compiled(trace, [new[node] for node in outputs]), reads
    finally:
        trace.close()


class graph:
    """A context whose operations on CUDA tensors are what a graph's replay does."""

    default_capture_stream: Stream | None = None

    def __init__(
        self, cuda_graph: CUDAGraph, pool: Pool | None = None, stream: Stream | None = None,
        capture_error_mode: str = "global", enable_annotations: bool = False,
        check_input_liveness: bool = False,
    ) -> None:  # fmt: skip
        if stream is None and graph.default_capture_stream is None:
            graph.default_capture_stream = Stream()
        self.capture_stream = stream or graph.default_capture_stream
        self.stream_ctx = StreamContext(self.capture_stream)
        self.cuda_graph, self.pool, self.capture_error_mode = cuda_graph, pool, capture_error_mode

    def __enter__(self) -> None:
        self.stream_ctx.__enter__()
        try:
            self.cuda_graph.capture_begin(self.pool, self.capture_error_mode)
        except BaseException:
            self.stream_ctx.__exit__()
            raise

    def __exit__(self, *exception: object) -> None:
        try:
            self.cuda_graph.capture_end()
        finally:
            self.stream_ctx.__exit__(*exception)


def make_graphed_callables(
    callables: Any, sample_args: Any, num_warmup_iters: int = 3, allow_unused_input: bool = False,
    pool: Pool | None = None,
) -> Any:  # fmt: skip
    """The callables, run so often that what they do is compiled: what comes again and again is
    launched as a CUDA graph by itself, forwards and backwards. Raises what PyTorch refuses.
    """
    driver()
    if is_autocast_enabled() and is_autocast_cache_enabled():
        raise RuntimeError(
            "make_graphed_callables does not support the autocast caching. Please set "
            "`cache_enabled=False`."
        )
    single = type(callables) is not tuple
    pairs = [(callables, sample_args)] if single else list(zip(callables, sample_args))
    for each, args in pairs:
        _refuse(each, args)
    for each, args in pairs:
        for _ in range(num_warmup_iters):
            _run(each, args, allow_unused_input)
    return callables


def _refuse(function: Any, args: Any) -> None:
    """Raises AssertionError for what PyTorch doesn't take."""
    hooks = ("_backward_hooks", "_forward_hooks", "_forward_pre_hooks")
    if any(getattr(function, name, None) for name in hooks):
        raise AssertionError(
            "Modules must not have hooks registered at the time they are passed. However, "
            "registering hooks on modules after passing them through make_graphed_callables is "
            "allowed."
        )
    if any(b.requires_grad for b in getattr(function, "buffers", tuple)()):
        raise AssertionError(
            "In any :class:`~torch.nn.Module` passed to :func:`~make_graphed_callables`, only "
            "parameters may be trainable. All buffers must have ``requires_grad=False``."
        )
    if not all(isinstance(x, Tensor) for x in flatten(args)[0]):
        raise AssertionError(
            "In the beta API, sample_args for each callable must contain only Tensors. Other "
            "types are not allowed."
        )


def _run(function: Any, args: Any, allow_unused: bool) -> None:
    """Once forwards, and backwards where there is something to differentiate."""
    outputs = [x for x in flatten(function(*args))[0] if isinstance(x, Tensor)]
    inputs = [x for x in (*flatten(args)[0], *getattr(function, "parameters", tuple)())
              if x.requires_grad]  # fmt: skip
    ends = [x for x in outputs if x.requires_grad]
    if ends:
        weights = [FUNCTIONS["ones_like"](x) for x in ends]
        found = grad(ends, inputs, weights, allow_unused=allow_unused)
        outputs += [x for x in found if x is not None]
    compute(outputs)


__getattr__ = missing("torch.cuda.graphs")
