"""The default generators of CUDA devices, as `torch.cuda.random` has them.

What enters: devices, seeds and states. What leaves: the same. It must not know what is drawn.
"""

from collections.abc import Iterable
from typing import Any

from .._generator import default_of, seed_devices
from .._missing import missing
from ..tensor import Tensor
from ._devices import device_count, indexed, is_available

__all__ = [
    "get_rng_state", "get_rng_state_all", "initial_seed", "manual_seed", "manual_seed_all", "seed",
    "seed_all", "set_rng_state", "set_rng_state_all",
]  # fmt: skip


def get_rng_state(device: Any = "cuda") -> Tensor:
    """The state of a device's generator, on the CPU."""
    return default_of(indexed(device)).get_state()


def get_rng_state_all() -> list[Tensor]:
    """The states of all devices' generators."""
    return [get_rng_state(i) for i in range(device_count())]


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Set the state of a device's generator. Raises TypeError and RuntimeError for no state."""
    default_of(indexed(device)).set_state(new_state)


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Set the states of all devices' generators."""
    for i, state in enumerate(new_states):
        set_rng_state(state, i)


def manual_seed(seed: int) -> None:
    """Seed the generator of the current device, if there is one."""
    if is_available():
        default_of(indexed()).manual_seed(int(seed))


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all devices."""
    seed_devices(int(seed))


def seed() -> None:
    """Seed the generator of the current device from the operating system, if there is one."""
    if is_available():
        default_of(indexed()).seed()


def seed_all() -> None:
    """Seed the generators of all devices, alike, from the operating system."""
    if is_available():
        seed_devices(default_of(0).seed())


def initial_seed() -> int:
    """The seed that the current device's generator began with."""
    return default_of(indexed()).initial_seed()


__getattr__ = missing("torch.cuda.random")
