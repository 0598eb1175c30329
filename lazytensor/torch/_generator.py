"""Generators of random numbers: objects over a state, and the default ones.

What enters: seeds, states as tensors of bytes. What leaves: what draws from them: the CPU's engine,
or the stream of a CUDA device. It must not know what is drawn.
"""

import operator
from typing import Any

import numpy as np

from .._base.devices import CPU, Device
from . import _types
from ._device_draws import Draws
from ._dtypes import uint8
from ._graph import MODE
from ._host import value
from ._philox import Philox
from ._random import Engine
from .create import from_array
from .tensor import Tensor

__all__ = ["Generator", "default_generator", "engine"]


class Generator:
    """A source of random numbers for tensors on the CPU, or on a CUDA device. Raises RuntimeError
    for a device that isn't there.
    """

    _engine: Engine | Philox

    def __init__(self, device: Any = "cpu") -> None:
        where = _types.CPU if device is None else _types.device(device)
        if where.type not in ("cpu", "cuda"):
            raise RuntimeError(
                f"Device type {where.type} is not supported for torch.Generator() api."
            )
        self.device = _types.indexed(where)
        _types.node_device(self.device)
        self._engine = Engine() if where.type == "cpu" else Philox()

    def manual_seed(self, seed: int) -> "Generator":
        """Begin anew from a seed; returns itself. Raises ValueError for more than 64 bits."""
        try:
            self._engine.manual_seed(operator.index(seed))
        except TypeError:
            raise TypeError(
                f"manual_seed expected a long, but got {type(seed).__name__}"
            ) from None
        return self

    def seed(self) -> int:
        """Begin anew from a seed of the operating system's, which is returned."""
        return self._engine.seed()

    def initial_seed(self) -> int:
        """The seed that it began with."""
        return self._engine.initial_seed

    def get_state(self) -> Tensor:
        """The state, uint8[5056], of CUDA devices uint8[16]."""
        return from_array(self._engine.state(), None, "cpu")

    def set_state(self, new_state: Tensor) -> None:
        """Take over a state. Raises TypeError for what is no tensor of bytes, RuntimeError for what
        is no state.
        """
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state.dtype is not uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        self._engine.set_state(np.asarray(value(new_state._read())))

    def clone_state(self) -> "Generator":
        """Another generator in the same state."""
        out = Generator(self.device)
        out._engine = self._engine.clone()
        return out

    def graphsafe_get_state(self) -> "Generator":
        """The generator itself, whose state is its own."""
        return self

    def graphsafe_set_state(self, other: "Generator") -> "Generator":
        """Draw from the state of another generator from now on; returns itself. Raises RuntimeError
        for one of another kind of device.
        """
        if self.device.type != other.device.type:
            raise RuntimeError(f"Expected a {self.device.type.upper()} Generator")
        self._engine = other._engine
        return self

    def _counted(self) -> Philox:
        if isinstance(self._engine, Philox):
            return self._engine
        raise RuntimeError("CPU Generator does not use offset")

    def get_offset(self) -> int:
        """How far a CUDA device's generator has come. Raises RuntimeError for the CPU's."""
        return self._counted().offset

    def set_offset(self, offset: int) -> "Generator":
        """Let a CUDA device's generator go on at an offset; returns itself. Raises RuntimeError for
        the CPU's, and for what is no multiple of 4.
        """
        self._counted().set_offset(operator.index(offset))
        return self

    def __getstate__(self) -> Any:
        return self.initial_seed(), self._engine.state(), str(self.device)

    def __setstate__(self, state: Any) -> None:
        self.__init__(state[2])  # type: ignore[misc]
        self._engine.set_state(state[1])

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {hex(id(self))}>"


default_generator = Generator()


class _Defaults:
    """The default generators of CUDA devices that were asked for, the seed of others to come."""

    def __init__(self) -> None:
        self.made: dict[int, Generator] = {}
        self.seed: int | None = None


_DEFAULTS = _Defaults()


def default_of(index: int) -> Generator:
    """The default generator of a CUDA device. Raises RuntimeError where there is none."""
    found = _DEFAULTS.made.get(index)
    if found is None:
        found = _DEFAULTS.made[index] = Generator(_types.device("cuda", index))
        if _DEFAULTS.seed is not None:
            found.manual_seed(_DEFAULTS.seed)
    return found


def seed_devices(seed: int) -> None:
    """Let the default generators of all CUDA devices begin anew from a seed."""
    _DEFAULTS.seed = seed
    for generator in _DEFAULTS.made.values():
        generator.manual_seed(seed)


def engine(generator: Any, device: Device = CPU) -> Engine | Draws:
    """What to draw from for a device: that of a generator, of the device's default one for None.
    Raises TypeError, and RuntimeError for a generator of another kind of device and within a mapped
    function that may not draw.
    """
    for transform in reversed(MODE.transforms):
        transform.draws()
    where = _types.torch_device(device)
    state = _chosen(generator, where)._engine
    return state if isinstance(state, Engine) else Draws(state, device)


def _chosen(generator: Any, where: _types.device) -> Generator:
    if generator is None:
        cuda = where.type == "cuda"
        return default_of(int(where.index or 0)) if cuda else default_generator
    if not isinstance(generator, Generator):
        raise TypeError(
            f"argument 'generator' must be torch._C.Generator, not {type(generator).__name__}"
        )
    if generator.device.type != where.type:
        raise RuntimeError(
            f"Expected a '{where.type}' device type for generator but found "
            f"'{generator.device.type}'"
        )
    return generator
