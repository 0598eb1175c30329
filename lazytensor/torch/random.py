"""`torch.random`: the default generator's seed and state.

What enters: seeds and states. What leaves: the same. It must not know what is drawn.
"""

import contextlib
import operator
from collections.abc import Iterator
from typing import Any

from ._generator import Generator, default_generator
from ._missing import missing
from .tensor import Tensor

__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


def manual_seed(seed: Any) -> Generator:
    """Seed the default generator, which is returned. Raises ValueError for over 64 bits."""
    return default_generator.manual_seed(operator.index(int(seed)))


def seed() -> int:
    """Seed the default generator from the operating system; returns the seed."""
    return default_generator.seed()


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
    """Within a `with` block what is drawn leaves the default generator as it was."""
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)


__getattr__ = missing("torch.random")
