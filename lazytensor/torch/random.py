"""`torch.random`: the default generator's seed and state.

What enters: seeds and states. What leaves: the same. It must not know what is drawn.
"""

import contextlib
import operator
from collections.abc import Iterator
from typing import Any

from .._base.devices import cuda_devices
from . import _types
from ._generator import Generator, default_generator, default_of, seed_devices
from ._missing import missing
from .tensor import Tensor

__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


def manual_seed(seed: Any) -> Generator:
    """Seed the default generators of all devices; that of the CPU is returned.

    Raises ValueError for over 64 bits.
    """
    number = operator.index(int(seed))
    default_generator.manual_seed(number)
    seed_devices(number)
    return default_generator


def seed() -> int:
    """Seed the default generator from the operating system; returns the seed."""
    found = default_generator.seed()
    seed_devices(found)
    return found


def initial_seed() -> int:
    """The seed that the default generator began with."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, uint8[5056]."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Set the state of the default generator. Raises TypeError and RuntimeError for no state."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Any = None, enabled: bool = True, _caller: str = "fork_rng",
    _devices_kw: str = "devices", device_type: str = "cuda",
) -> Iterator[None]:  # fmt: skip
    """Within a `with` block what is drawn leaves the default generators as they were."""
    if not enabled:
        yield
        return
    if device_type != "cuda":
        _types.node_device(device_type)
    indices = range(cuda_devices()) if devices is None else map(_types.cuda_index, devices)
    own = [default_generator, *map(default_of, indices)]
    states = [generator.get_state() for generator in own]
    try:
        yield
    finally:
        for generator, state in zip(own, states, strict=True):
            generator.set_state(state)


__getattr__ = missing("torch.random")
