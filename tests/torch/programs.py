"""Random programs of views, writes, hooks and gradients, run line by line on PyTorch and on another
library, with everything compared that a user can see of each variable.

    python -m tests.torch.programs [--seeds FIRST:LAST] [--under MODULE] [--lines N]

A seed gives a program: Python source, written against PyTorch as the oracle of shapes. A difference
is reported with the program, cut down to the lines that it needs, which can be run by hand.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import importlib
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from tests.torch.both import neutral
from tests.torch.statements import MOST_ELEMENTS, STATEMENTS

LENGTH = 14  # lines of a program
NAMES = re.compile(r"^[a-z]\d+$")


NEVER: dict[int, int] = {}  # no tensor's version is counted from another than 0


@dataclass(eq=False)
class Difference(Exception):
    """Where two libraries part: the line's number, what differs, and how."""

    line: int
    aspect: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.aspect}: {self.text}"


def environment(lib: Any) -> dict[str, Any]:
    """The names that a program starts with."""
    return {"torch": lib, "np": np, "log": []}


def execute(line: str, env: dict[str, Any]) -> Exception | None:
    """Run a line; what it raised."""
    try:
        exec(line, env)
    except Exception as error:
        return error.with_traceback(None)
    return None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No warnings: what is deprecated, or of no use, is as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# --- writing --------------------------------------------------------------------------------------


@dataclass
class ProgramWriter:
    """A program being written, with its state under PyTorch."""

    rng: random.Random
    lines: list[str] = field(default_factory=list)
    env: dict[str, Any] = field(default_factory=lambda: environment(torch))
    count: int = 0

    def pick(self, *conditions: Callable[[torch.Tensor], bool]) -> str | None:
        """A tensor's name, of the last ones more often than of others; None if none fits."""
        names = [n for n, v in self.env.items() if isinstance(v, torch.Tensor)]
        names = [n for n in names if all(_holds(c, self.env[n]) for c in conditions)]
        if not names:
            return None
        return self.rng.choice(names[-3:] if self.rng.random() < 0.5 else names)

    def value(self, name: str) -> torch.Tensor:
        """The tensor of a name."""
        return self.env[name]

    def new(self) -> str:
        """A new tensor's name."""
        self.count += 1
        return f"v{self.count}"

    def arrays(self) -> list[str]:
        """Names of NumPy arrays with a dimension and an element."""
        found = self.env.items()
        return [n for n, v in found if isinstance(v, np.ndarray) and v.ndim and v.size]

    def hooks(self) -> list[str]:
        """Names of handles of hooks."""
        return [n for n, v in self.env.items() if isinstance(v, torch.utils.hooks.RemovableHandle)]

    def add(self, line: str | None) -> None:
        """Run a line and keep it, unless it makes too large a tensor."""
        if line is None:
            return
        self.lines.append(line)
        execute(line, self.env)
        for name, value in list(self.env.items()):
            if isinstance(value, torch.Tensor):
                self._look_at(name, value)

    def _look_at(self, name: str, t: torch.Tensor) -> None:
        """Give up what is too large; read `grad_fn`, as comparison does after each line.

        PyTorch 2.13 crashes (a null pointer) in `register_hook` on a view whose base was written
        to since `grad_fn` was last read.
        """
        if t.numel() > MOST_ELEMENTS:
            self.add(f"del {name}")
        _look(lambda: t.grad_fn)


def _holds(condition: Callable[[torch.Tensor], bool], t: torch.Tensor) -> bool:
    """Whether a condition holds; it does not for tensors that can't be read any more."""
    try:
        return condition(t)
    except RuntimeError:
        return False


@quiet()
def program(seed: int, length: int = LENGTH) -> list[str]:
    """The lines of a seed's program."""
    writer = ProgramWriter(random.Random(seed))
    weights = [weight for weight, _ in STATEMENTS]
    creation = [f for _, f in STATEMENTS[:2]]
    for f in (creation[0], *writer.rng.choices(creation, k=1)):
        writer.add(f(writer))
    while len(writer.lines) < length:
        ((_, f),) = writer.rng.choices(STATEMENTS, weights)
        writer.add(f(writer))
    return writer.lines


def apart(line: str) -> str:
    """A line without memory that is NumPy's too, which no tensor on a GPU shares."""
    line = line.replace("torch.from_numpy(", "torch.tensor(")
    return line.replace(".numpy()", ".clone().numpy(force=True)")


# --- what a user sees -----------------------------------------------------------------------------


def seen(t: Any, born: dict[int, int] = NEVER) -> dict[str, Any]:
    """What is to be seen of a tensor without asking for its values. Versions are counted from those
    that `born` has for tensors by their ids.
    """
    looks: dict[str, Callable[[], Any]] = {
        "dtype": lambda: str(t.dtype),
        "shape": lambda: tuple(t.shape),
        "stride()": lambda: t.stride(),
        "storage_offset()": lambda: t.storage_offset(),
        "is_contiguous()": lambda: t.is_contiguous(),
        "_version": lambda: t._version - born.get(id(t), 0),
        "requires_grad": lambda: t.requires_grad,
        "is_leaf": lambda: t.is_leaf,
        "is_inference()": lambda: t.is_inference(),
        "output_nr": lambda: t.output_nr,
        "is a view": lambda: t._base is not None,
        "grad_fn": lambda: t.grad_fn and t.grad_fn.name(),
        "next_functions": lambda: t.grad_fn and [_name(f) for f, _ in t.grad_fn.next_functions],
    }
    return {what: _look(f) for what, f in looks.items()}


def _name(f: Any) -> str | None:
    return f.name() if f is not None else None


def _look(f: Callable[[], Any]) -> Any:
    """What a look gives; a refusal is something seen as well."""
    try:
        return f()
    except Exception as error:
        return type(error).__name__


def values(t: Any) -> np.ndarray:
    """A copy of a tensor's values."""
    return np.array(t.numpy(force=True))


def storages(env: dict[str, Any], names: list[str]) -> list[int]:
    """For each tensor, the first that shares memory with it."""
    where = [env[n].untyped_storage().data_ptr() or -i - 1 for i, n in enumerate(names)]
    return [where.index(place) for place in where]


# --- comparison -----------------------------------------------------------------------------------


@quiet()
def compare(programs: list[str], lib: Any, *, eager: bool = True, texts: bool = False) -> None:
    """Run lines on both libraries; raise Difference at the first one that shows.

    With `eager` all is compared after each line, else values only at the end, so that much is
    pending. With `texts` errors must say the same. Where PyTorch fails an assertion of its own,
    which it asks to report as a bug, there is nothing to go by: nothing after it is compared.
    """
    ours, theirs = environment(lib), environment(torch)
    if lib.get_default_device().type == "cuda":
        programs = [apart(line) for line in programs]
    number, born = 0, {}
    for number, line in enumerate(programs, 1):
        known = {id(v) for v in theirs.values()}
        got, want = execute(line, ours), execute(line, theirs)
        if got is None and "INTERNAL ASSERT FAILED" in str(want):
            return
        _same_error(number, got, want, texts)
        count_from(theirs, known, born, line)
        _same_state(number, ours, theirs, look=eager, born=born)
    _same_state(number, ours, theirs, look=True, born=born)


def count_from(env: dict[str, Any], known: set[int], born: dict[int, int], line: str) -> None:
    """Note the versions that new tensors begin with which a line made of inference tensors.

    How often PyTorch's own code writes to such a result before it gives it out is counted outside
    of inference mode, and only there: nothing that a user did. So their versions, and those of
    tensors that share their memory, are counted from there on.
    """
    tensors = [v for v in env.values() if isinstance(v, torch.Tensor)]
    read = [env.get(n) for n in re.findall(r"\b[a-z]\d+\b", line.partition("=")[2])]
    inferred = any(isinstance(v, torch.Tensor) and v.is_inference() for v in read)
    where = {id(v): v.untyped_storage().data_ptr() for v in tensors}
    for v in tensors:
        if id(v) in known:
            continue
        born.pop(id(v), None)
        same = [id(t) for t in tensors if t is not v and where[id(t)] == where[id(v)] != 0]
        if any(i in born for i in same):
            born[id(v)] = next(born[i] for i in same if i in born)
        elif inferred and not (same or v.is_inference() or v.requires_grad):
            born[id(v)] = v._version


def _same_error(number: int, got: Any, want: Any, texts: bool) -> None:
    mine, other = (f"{type(e).__name__}: {e}" if e is not None else "nothing" for e in (got, want))
    if type(got).__name__ != type(want).__name__ or (texts and mine != other):
        raise Difference(number, "raised", f"{mine}, not {other}")


def _same_state(
    number: int,
    ours: dict[str, Any],
    theirs: dict[str, Any],
    *,
    look: bool,
    born: dict[int, int] = NEVER,
) -> None:
    """All variables, and with `look` their values, gradients and printed forms."""
    _same(number, "log", ours["log"], theirs["log"])
    variables = [n for n in theirs if NAMES.match(n) and isinstance(theirs[n], torch.Tensor)]
    for name in variables:
        got, want = ours.get(name), theirs[name]
        if not hasattr(got, "stride"):
            raise Difference(number, name, f"a {type(got).__name__}, not a tensor")
        mine = seen(got)
        for what, right in seen(want, born).items():
            _same(number, f"{name}.{what}", mine[what], right)
        _same(number, f"{name}.grad is None", got.grad is None, want.grad is None)
        if look:
            _same_values(number, name, got, want)
    if look:
        memory = _look(lambda: storages(ours, variables))
        _same(number, "storages", memory, storages(theirs, variables))


def _same(number: int, aspect: str, got: Any, want: Any) -> None:
    if got != want and not _nearly(got, want):
        raise Difference(number, aspect, f"{got}, not {want}")


def _nearly(got: Any, want: Any) -> bool:
    """Nested lists and tuples of numbers that differ by rounding, or hold NaN."""
    if isinstance(want, (list, tuple)):
        same = type(got) is type(want) and len(got) == len(want)
        return same and all(map(_nearly, got, want))
    if isinstance(want, (float, complex)) and isinstance(got, (float, complex)):
        return bool(np.isclose(got, want, 1e-4, 1e-4, equal_nan=True))
    return bool(got == want)


def _same_values(number: int, name: str, got: Any, want: Any) -> None:
    right = _look(lambda: values(want))
    if isinstance(right, str):  # a view that a write has ruined
        _same(number, f"{name} values", _look(lambda: values(got)), right)
        return
    exact = _close(number, f"{name} values", _look(lambda: values(got)), right)
    if want.grad is not None:
        mine, right = seen(got.grad), seen(want.grad)
        for what in right:
            _same(number, f"{name}.grad.{what}", mine[what], right[what])
        exact &= _close(
            number, f"{name}.grad values", _look(lambda: values(got.grad)), values(want.grad)
        )
        if exact:
            _same(number, f"repr({name}.grad)", *_printed(got.grad, want.grad))
    if exact:
        _same(number, f"repr({name})", *_printed(got, want))


def _printed(got: Any, want: Any) -> list[Any]:
    """What both are printed as, on a GPU but for the device."""
    form = neutral if got.is_cuda else str
    return [_look(lambda t=t: form(repr(t))) for t in (got, want)]


def _close(number: int, aspect: str, got: Any, want: np.ndarray) -> bool:
    """Raise Difference unless close, relative to the largest value; whether all bits agree."""
    if isinstance(got, str):
        raise Difference(number, aspect, f"raises {got}")
    if (got.shape, got.dtype) != (want.shape, want.dtype):
        raise Difference(number, aspect, f"{got.dtype}{got.shape}, not {want.dtype}{want.shape}")
    finite = np.abs(want[np.isfinite(want)]) if want.dtype != bool else want
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    with np.errstate(all="ignore"):
        same = np.isclose(got, want, 1e-5, 1e-6 * scale, equal_nan=True)
    if not same.all():
        at = tuple(np.argwhere(~same)[0].tolist())
        raise Difference(number, aspect, f"at {list(at)} {got[at]}, not {want[at]}")
    return got.tobytes() == want.tobytes()


# --- shrinking ------------------------------------------------------------------------------------


def difference(lines: list[str], lib: Any, **how: Any) -> Difference | None:
    """The first difference of a program, if there is one."""
    try:
        compare(lines, lib, **how)
    except Difference as found:
        return found
    return None


def shrink(lines: list[str], lib: Any, **how: Any) -> tuple[list[str], Difference]:
    """The lines that a difference needs: each that can go without it going away has gone."""
    found = difference(lines, lib, **how)
    if found is None:
        raise ValueError("the program shows no difference")
    lines = lines[: found.line]
    for place in reversed(range(len(lines))):
        fewer = lines[:place] + lines[place + 1 :]
        kept = difference(fewer, lib, **how)
        if kept is not None and kind(kept) == kind(found):
            lines, found = fewer, kept
    return lines, found


def kind(found: Difference) -> str:
    """What kind of difference it is: the aspect without the variable; for errors their classes."""
    if found.aspect == "raised":
        return ", not ".join(part.partition(":")[0] for part in found.text.split(", not "))
    return re.sub(r"\b[a-z]\d+\b", "v", found.aspect)


def mode(seed: int) -> bool:
    """Whether a seed's program is looked at after each line: every second one."""
    return seed % 2 == 0


def search(
    seeds: range, lib: Any, length: int = LENGTH, *, texts: bool = False
) -> Iterator[tuple[int, list[str], Difference]]:
    """(seed, its shrunk program, difference), of each seed that shows one."""
    for seed in seeds:
        lines = program(seed, length)
        how = {"eager": mode(seed), "texts": texts}
        if difference(lines, lib, **how) is not None:
            yield seed, *shrink(lines, lib, **how)


def report(seed: int, lines: list[str], found: Difference) -> str:
    """A difference with its program."""
    return "\n".join([f"seed {seed}: {found}", *(f"    {line}" for line in lines)])


def main(argv: list[str] | None = None) -> int:
    """Run seeds, print differences and how often each kind came; 0 if there was none."""
    parser = argparse.ArgumentParser(prog="python -m tests.torch.programs", description=__doc__)
    parser.add_argument("--seeds", default="0:1000", help="FIRST:LAST")
    parser.add_argument("--under", default="lazytensor.torch", help="the module under test")
    parser.add_argument("--lines", type=int, default=LENGTH, help="of a program")
    parser.add_argument("--texts", action="store_true", help="errors must say the same")
    chosen = parser.parse_args(argv)
    seeds = range(*map(int, chosen.seeds.split(":")))
    kinds: collections.Counter[str] = collections.Counter()
    lib = importlib.import_module(chosen.under)
    for seed, lines, found in search(seeds, lib, chosen.lines, texts=chosen.texts):
        kinds[kind(found)] += 1
        if kinds[kind(found)] <= 3:
            print(report(seed, lines, found), flush=True)
    for name, count in kinds.most_common():
        print(f"{count:4d} × {name}")
    print(f"{kinds.total()} of {len(seeds)} programs differ")
    return int(kinds.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
