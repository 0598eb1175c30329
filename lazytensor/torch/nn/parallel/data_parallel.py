"""A module whose batches are split over CUDA devices; without any it is called as it is.

What enters: a module. What leaves: a module around it. It must not know any particular module.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from ... import _api as torch
from ..modules.module import Module
from .parallel_apply import parallel_apply
from .replicate import replicate
from .scatter_gather import gather, place, scatter_kwargs

__all__ = ["DataParallel", "data_parallel"]


def _index(where: Any) -> int:
    found = place(where)
    return -1 if found.index is None else int(found.index)


def _indices(device_ids: Any) -> list[int]:
    every = range(torch.cuda.device_count()) if device_ids is None else device_ids
    return [_index(i) for i in every]


def _check(module: Module, there: Any) -> None:
    for t in chain(module.parameters(), module.buffers()):
        if t.device != there:
            raise RuntimeError(
                f"module must have its parameters and buffers on device {there} (device_ids[0]) "
                f"but found one of them on device: {t.device}"
            )


class DataParallel(Module):
    """Splits batches over devices, calls a copy of the module on each, and joins the results.

    Gradients go to the module, which is on the first device.
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.module, self.dim = module, dim
        self.device_ids: list[int] = []
        if not torch.cuda.is_available():
            return
        self.device_ids = _indices(device_ids)
        first = self.device_ids[0]
        self.output_device = first if output_device is None else _index(output_device)
        self.src_device_obj = torch.device("cuda", first)
        if len(self.device_ids) == 1:
            module.to(self.src_device_obj)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives for the whole batch. Raises RuntimeError where it isn't on the
        first device.
        """
        if not self.device_ids:
            return self.module(*inputs, **kwargs)
        _check(self.module, self.src_device_obj)
        parts, named = self.scatter(inputs, kwargs, self.device_ids)
        if not parts and not named:
            parts, named = ((),), ({},)
        if len(self.device_ids) == 1:
            return self.module(*parts[0], **named[0])
        replicas = self.replicate(self.module, self.device_ids[: len(parts)])
        return self.gather(self.parallel_apply(replicas, parts, named), self.output_device)

    def replicate(self, module: Module, device_ids: Sequence[Any]) -> list[Module]:
        """Copies of the module."""
        return replicate(module, device_ids, not torch.is_grad_enabled())

    def scatter(self, inputs: Any, kwargs: Any, device_ids: Sequence[Any]) -> Any:
        """The parts of a batch."""
        return scatter_kwargs(inputs, kwargs, device_ids, self.dim)

    def parallel_apply(self, replicas: Sequence[Any], inputs: Any, kwargs: Any) -> list[Any]:
        """What the copies give."""
        return parallel_apply(replicas, inputs, kwargs, self.device_ids[: len(replicas)])

    def gather(self, outputs: Any, output_device: Any) -> Any:
        """The results joined."""
        return gather(outputs, output_device, self.dim)


def data_parallel(
    module: Module, inputs: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0,
    module_kwargs: Any = None,
) -> Any:  # fmt: skip
    """What a module gives for a batch that is split over devices. Raises RuntimeError where there
    is none, and where the module isn't on the first.
    """
    if not torch.cuda.is_available():
        raise RuntimeError("device type could not be determined")
    given = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    ids = _indices(device_ids)
    _check(module, torch.device("cuda", ids[0]))
    parts, named = scatter_kwargs(given, module_kwargs, ids, dim)
    if not parts and not named:
        parts, named = ((),), ({},)
    if len(ids) == 1:
        return module(*parts[0], **named[0])
    used = ids[: len(parts)]
    replicas = replicate(module, used, not torch.is_grad_enabled())
    outputs = parallel_apply(replicas, parts, named, used)
    return gather(outputs, ids[0] if output_device is None else output_device, dim)
