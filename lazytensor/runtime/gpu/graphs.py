"""The CUDA graphs of a plan.

What enters: slots filled with a plan's inputs. What leaves: a graph that runs the plan on them. A
graph has the addresses that it was captured with, so that there are several: for inputs that come
in turn, and for results that are still held when the next are made. It must not know how a graph is
captured.

- Inputs are read where they lie. What nothing else has may be written over, as step by step.
- Results are left in arrays that are given out, and written again when nobody has them any more.
- What comes at ever new addresses, or is held for long, is copied, if that takes less time than a
  graph saves.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from ..._base import config
from ..._base.devices import Device
from ..._base.shapes import prod
from ...ir.graph import COUNTED
from ...lower.account import is_view
from ...lower.kernel import Call, Launch, Plan
from .driver import driver
from .memory import NeedsHost, there
from .recorded import Frame, Recorded, Results, Run, Static, record
from .spare import dying

# Bytes that a kernel moves while the next one is launched, and that are copied while one is.
HIDES, WORTH = 32 << 20, 6 << 20
# Graphs of a plan, and arrays for each of its results.
MOST_GRAPHS, MOST_RESULTS = 16, 3
Key = tuple[Any, tuple[int, ...]]


class Graphs:
    """The graphs of a plan for one GPU and one stream."""

    def __init__(self, plan: Plan, env: Sequence[Any], device: Device) -> None:
        """Raises NeedsHost where graphs are not worth while, or can't be."""
        self._device, self._outputs = device, plan.outputs
        self._stream, self._tf32 = driver().stream(), config.get("tf32")
        self._steps = sum(not (isinstance(s, Call) and is_view(s.op)) for s in plan.steps)
        self._types = _types(plan)
        self._constants = {slot: Static(x, device) for slot, x in plan.constants}
        filled = [i for i, x in enumerate(env) if x is not None]
        self._inputs = [i for i in filled if i not in self._constants]
        self._mortal = sorted(set(_mortal(plan)).intersection(self._inputs))
        self._copied = {i for i in self._inputs if not _lies_there(env[i])}
        made = {j for j, slot in enumerate(plan.outputs) if slot not in filled}
        self._apart = set() if COUNTED else made
        moved = sum(env[i].nbytes for i in self._inputs if i not in self._copied)
        if moved + self._bytes(made) > HIDES * self._steps or not self._worth(env):
            raise NeedsHost("launching takes no time")
        self._begin(env)

    def _begin(self, env: Sequence[Any]) -> None:
        """There are no graphs; they are to copy what they are to."""
        self._graphs: dict[Key, dict[Results, Recorded]] = {}
        self._results: list[Results] = []
        self._read = [i for i in self._inputs if i not in self._copied]
        self._dead = [i for i in self._mortal if i not in self._copied]
        self._frame = Frame(
            self._device, room(self._device), self._outputs,
            {i: Static(env[i], self._device) for i in self._copied}, self._constants,
            self._apart, self._new_results(),
        )  # fmt: skip

    def in_order(self) -> bool:
        """Whether work goes on in the stream that graphs were captured for, and products are to be
        rounded as then.
        """
        return bool(self._stream == driver().stream() and self._tf32 == config.get("tf32"))

    def find(self, env: Sequence[Any], run: Run) -> Recorded | None:
        """A graph for these inputs; None where there is none, and never will be. `run` runs steps
        one by one. Raises what capturing raises.
        """
        while True:
            key = self._key(env)
            for results, found in self._graphs.get(key, {}).items() if key else ():
                if results.free():
                    return found
            if key and sum(map(len, self._graphs.values())) < MOST_GRAPHS:
                room = next((each for each in self._results if each.free()), None) or self._more()
                if room is not None:
                    return self._recorded(env, key, room, run)
            if not (self._copy_more(env) and self._worth(env)):
                return None
            self._begin(env)

    def _key(self, env: Sequence[Any]) -> Key | None:
        """How the inputs lie that are read where they are, and which of them die; None where one is
        in memory of the host.
        """
        try:
            lie = tuple([(env[i].data.ptr, env[i].strides) for i in self._read])
        except AttributeError:
            return None
        return lie, tuple([i for i in self._dead if dying(env, i)])

    def _recorded(self, env: Sequence[Any], key: Key, results: Results, run: Run) -> Recorded:
        with _capturing:
            found = record(self._frame, env, key[1], results, run)
        self._graphs.setdefault(key, {})[results] = found
        return found

    def _more(self) -> Results | None:
        """Further arrays for results, if there may be any."""
        if len(self._results) == MOST_RESULTS:
            return None
        self._results.append(self._new_results())
        return self._results[-1]

    def _copy_more(self, env: Sequence[Any]) -> bool:
        """Let something be copied because of which no graph fits: inputs of the host; results that
        are held; the inputs that come at the most addresses. Whether there is any.
        """
        host = {i for i in self._read if not _lies_there(env[i])}
        held = [each.held() for each in self._results]
        if host:
            self._copied |= host
        elif len(held) == MOST_RESULTS and all(held):
            self._apart |= set.intersection(*held) or set.union(*held)
        else:
            places = [{lie[k] for lie, _ in self._graphs} for k in range(len(self._read))]
            most = max([2, *map(len, places)])
            vary = {i for i, found in zip(self._read, places, strict=True) if len(found) == most}
            self._copied |= vary
            return bool(vary)
        return True

    def _worth(self, env: Sequence[Any]) -> bool:
        """Whether launching kernels takes longer than copying what is to be copied."""
        moved = sum(_nbytes(env[i]) for i in self._copied) + self._bytes(self._apart)
        return bool(moved <= WORTH * self._steps)

    def _bytes(self, numbers: set[int]) -> int:
        types = [self._types[self._outputs[j]] for j in numbers]
        return sum(prod(shape) * dtype.itemsize for shape, dtype in types)

    def _new_results(self) -> Results:
        return Results([self._types.get(slot) for slot in self._outputs])


def _lies_there(x: Any) -> bool:
    return type(x) is not tuple and there(x)


def _nbytes(x: Any) -> int:
    return sum(map(_nbytes, x)) if type(x) is tuple else int(x.nbytes)


def _types(plan: Plan) -> dict[int, tuple[Any, Any]]:
    """Shapes and dtypes of outputs that steps make. Raises NeedsHost for several arrays as one."""
    found: dict[int, tuple[Any, Any]] = {}
    for step in plan.steps:
        if isinstance(step, Launch):
            found.update(zip(step.outs, zip(step.shapes, step.dtypes, strict=True), strict=True))
        elif step.op.outputs == 1:
            found[step.outs[0]] = step.shape, step.dtype
        elif step.outs[0] in plan.outputs:
            raise NeedsHost("an output of several arrays")
    return found


def _mortal(plan: Plan) -> Iterator[int]:
    """Slots that a step may write over when nothing else has them."""
    for step in plan.steps:
        if isinstance(step, Launch):
            yield from (step.args[i] for i, _ in step.over)
        elif step.over:
            yield step.args[0]


# --- memory ---------------------------------------------------------------------------------------

_rooms: dict[tuple[Any, Device, int], Any] = {}
# One graph is captured at a time: those of a stream are noted in the same one.
_capturing = threading.RLock()


def room(device: Device) -> Any:
    """The room of graphs that are launched in the stream in force."""
    key = driver(), device, driver().stream()
    with _capturing:
        if key not in _rooms:
            _rooms[key] = driver().room()
        return _rooms[key]


def forget() -> None:
    """Let rooms go with their graphs."""
    _rooms.clear()
