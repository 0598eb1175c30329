"""Tensors of several CUDA devices combined in place, as `torch.cuda.nccl` has it, within a process.

What enters: a tensor for each device. What leaves: nothing; outputs are written to, and record no
history. Copies between devices and operations of tensors do it: it must not know NCCL.
"""

from collections.abc import Container, Sequence
from typing import Any

from .._dispatch import FUNCTIONS
from .._missing import missing
from ..autograd.modes import no_grad
from ..tensor import Tensor

__all__ = ["all_gather", "all_reduce", "broadcast", "reduce", "reduce_scatter"]

# NCCL's numbers of what combines two numbers; the last one is the mean.
SUM, _MEAN = 0, 4
_NAMES = "add", "mul", "maximum", "minimum", "add"


def is_available(tensors: Sequence[Tensor]) -> bool:
    """Whether tensors can be combined: contiguous ones, of which each is on a device of its own."""
    devices = {x.get_device() for x in tensors}
    return len(devices) == len(tensors) and all(x.is_cuda and x.is_contiguous() for x in tensors)


def _check(inputs: Any, outputs: Any, more: int = 1, fewer: int = 1) -> None:
    """Raises TypeError for what isn't several tensors, RuntimeError for those that don't go
    together: an output has `more` times, or of `fewer` parts one of, an input's elements.
    """
    for each in (inputs, outputs):
        if not isinstance(each, Container) or isinstance(each, Tensor):
            raise TypeError("Inputs should be a collection of tensors")
    if not inputs or len(inputs) != len(outputs):
        raise RuntimeError(f"expected {max(len(inputs), 1)} outputs, but got {len(outputs)}")
    if not (is_available(inputs) and is_available(outputs)):
        raise RuntimeError("tensors must be contiguous and each on a CUDA device of its own")
    n, dtype = inputs[0].numel(), inputs[0].dtype
    alike = all(x.numel() == n and x.dtype is dtype for x in inputs)
    if not (alike and all(y.numel() * fewer == n * more and y.dtype is dtype for y in outputs)):
        raise RuntimeError("tensors must have one dtype, and numbers of elements that go together")


def _combined(inputs: Sequence[Tensor], like: Tensor, op: int) -> Tensor:
    """All inputs as one row of numbers where `like` is. Raises RuntimeError."""
    if not 0 <= op <= _MEAN:
        raise RuntimeError(f"NCCL has no reduction {op}")
    rows = [x.reshape(-1).to(like.device) for x in inputs]
    total: Any = rows[0]
    for row in rows[1:]:
        total = FUNCTIONS[_NAMES[op]](total, row)
    if op != _MEAN:
        return total  # type: ignore[no-any-return]
    whole = not (total.is_floating_point() or total.is_complex())
    return FUNCTIONS["div"](total, len(rows), rounding_mode="trunc" if whole else None)  # type: ignore[no-any-return]


def _write(output: Tensor, row: Tensor) -> None:
    output.copy_(row.reshape(output.shape))


@no_grad()
def all_reduce(
    inputs: Sequence[Tensor], outputs: Any = None, op: int = SUM, streams: Any = None,
    comms: Any = None,
) -> None:  # fmt: skip
    """Leave what all inputs combine to in each output, by default in the inputs themselves."""
    outputs = inputs if outputs is None else outputs
    _check(inputs, outputs)
    found = [_combined(inputs, y, op) for y in outputs]
    for y, row in zip(outputs, found, strict=True):
        _write(y, row)


@no_grad()
def reduce(
    inputs: Sequence[Tensor], output: Any = None, root: int = 0, op: int = SUM,
    streams: Any = None, comms: Any = None, *, outputs: Any = None,
) -> None:  # fmt: skip
    """Leave what all inputs combine to in one output, by default in the input `root`."""
    if outputs is not None and output is not None:
        raise ValueError("'output' and 'outputs' can not be both specified")
    chosen = output if outputs is None else outputs
    if chosen is not None and not isinstance(chosen, Tensor):
        chosen = chosen[root]
    _check(inputs, inputs)
    y = inputs[root] if chosen is None else chosen
    _check(inputs[:1], [y])
    _write(y, _combined(inputs, y, op))


@no_grad()
def broadcast(
    inputs: Sequence[Tensor], root: int = 0, streams: Any = None, comms: Any = None
) -> None:
    """Leave the elements of the input `root` in all of them."""
    _check(inputs, inputs)
    row = inputs[root].reshape(-1)
    for i, x in enumerate(inputs):
        if i != root:
            _write(x, row.to(x.device))


@no_grad()
def all_gather(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], streams: Any = None, comms: Any = None
) -> None:
    """Leave all inputs, one after another, in each output."""
    _check(inputs, outputs, more=len(inputs) if isinstance(inputs, Sequence) else 1)
    for y in outputs:
        _write(y, FUNCTIONS["cat"]([x.reshape(-1).to(y.device) for x in inputs]))


@no_grad()
def reduce_scatter(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], op: int = SUM, streams: Any = None,
    comms: Any = None,
) -> None:  # fmt: skip
    """Leave of what all inputs combine to one part in each output."""
    _check(inputs, outputs, fewer=len(inputs) if isinstance(inputs, Sequence) else 1)
    for i, y in enumerate(outputs):
        n = y.numel()
        _write(y, _combined([x.reshape(-1)[i * n : (i + 1) * n] for x in inputs], y, op))


__getattr__ = missing("torch.cuda.nccl")
