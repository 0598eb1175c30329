"""The checks of one operator of PyTorch's own table (`op_db`) against a library under test.

In come an operator's name and a library that behaves as PyTorch; out comes a verdict for each way
of using the operator: as a function, a method, in place, with `out=`, its gradients to second
order, its exceptions. Nothing here knows of runs over many operators, of processes or of reports.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import signal
import time
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.testing._internal import common_utils
from torch.testing._internal.common_device_type import toleranceOverride
from torch.testing._internal.common_methods_invocations import op_db

from tests.torch.translate import (
    SEED,
    MissingName,
    Translator,
    array,
    is_at,
    named,
    public_path,
    tensors,
)

DTYPES = (torch.float32, torch.int64, torch.bool, torch.complex64)
# rtol, atol: those of torch.testing.assert_close; what isn't named here is exact.
TOLERANCES = {
    torch.float16: (1e-3, 1e-5),
    torch.bfloat16: (1.6e-2, 1e-5),
    torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7),
    torch.complex32: (1e-3, 1e-5),
    torch.complex64: (1.3e-6, 1e-5),
    torch.complex128: (1e-7, 1e-7),
}
# Memory that nobody has written to: only its shape, strides and dtype mean anything.
UNDEFINED = ("empty", "empty_like", "empty_permuted", "empty_strided", "new_empty")
UNDEFINED += ("new_empty_strided", "resize_", "resize_as_")
# Factors that are unique only up to signs or phases: compared as the samples' own processing of
# outputs leaves them, beside the shapes and dtypes of all of them.
GAUGE = ("linalg.svd", "svd", "linalg.eig", "linalg.eigh", "svd_lowrank", "pca_lowrank")
# Condition numbers are known to as many units of the last place as they are large: a relative
# tolerance in single precision.
CONDITION = {"linalg.cond": 1e-5}
SECONDS = 60.0
# Samples would be seeded by the name of the `unittest` test that asks for them, which is looked for
# in the sources of every caller: here there is none, and the search takes longer than the checks.
common_utils.extract_test_fn = lambda: None
# A seed is noted for devices of every kind that may be found later, with the stack of the call:
# under pytest that takes longer than the checks.
for _kind in (torch.cuda, torch.mtia, torch.xpu):
    if not _kind.is_available():
        _kind.manual_seed_all = lambda seed: None


class Differs(Exception):
    """What a library gives is not what PyTorch gives; the text says how."""


class OutOfTime(BaseException):
    """An operator took longer than it may: no `except Exception` on the way stops this."""


@dataclass
class Result:
    """What became of one operator: for each column that applies, "" or why it failed."""

    op: str
    columns: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What a call gave: a value, or an exception; whether PyTorch drew random numbers for it."""

    value: Any = None
    error: Exception | None = None
    drew: bool = False


def is_public(op: Any) -> bool:
    """Whether users can call an operator on a CPU by a public name."""
    private = any(part.startswith("_") for part in op.name.split("."))
    return not private and not op.name.startswith(("torch.ops", "jiterator"))


@functools.cache
def operators() -> dict[str, Any]:
    """The public operators that have samples on CPU, by name and variant."""
    found = {op.full_name: op for op in op_db if is_public(op) and callable_exists(op)}
    return {name: op for name, op in found.items() if any(True for _ in samples(op, limit=1))}


def callable_exists(op: Any) -> bool:
    """Whether PyTorch has the operator under a public name (two stand under `torch.ops` only)."""
    return not isinstance(op.op, torch._ops.OpOverload)


def samples(
    op: Any, limit: int | None = None, *, grad: bool = False, dtypes: Any = DTYPES
) -> Iterator[tuple[str, Any]]:
    """(where it comes from, sample input), at most `limit` for each dtype that the op supports."""
    for dtype in dtypes:
        if dtype not in (op.backward_dtypes if grad else op.dtypes):
            continue
        torch.manual_seed(0)
        with quiet():
            inputs = op.sample_inputs("cpu", dtype, requires_grad=grad)
            for i, sample in enumerate(itertools.islice(inputs, limit)):
                yield f"{str(dtype).removeprefix('torch.')} sample {i}", sample


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No warnings: what is deprecated is as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# --- callables ------------------------------------------------------------------------------------


def function_of(op: Any, to: Translator) -> Callable[..., Any]:
    """The operator's function in a translator's library."""
    f = op.op
    if isinstance(f, types.FunctionType) and f.__module__.startswith("torch.testing"):
        return to.function(f)
    for path in (op.name, f"Tensor.{op.name}"):
        if is_at(f, path):
            return named(to.lib, path)
    path = public_path(f)
    if path is None:
        raise MissingName(f"public name of {f}")
    return named(to.lib, path)


def method_of(variant: Any, to: Translator) -> Callable[..., Any]:
    """A method of Tensor, or a lambda over one, in a translator's library."""
    name = getattr(variant, "__name__", "")
    if getattr(torch.Tensor, name, None) is variant:
        return named(to.lib, f"Tensor.{name}")
    return to.function(variant)


def run(f: Callable[..., Any], lib: Any, sample: Any) -> Outcome:
    """Call a function on a translated sample, with the generator at a known place."""
    return attempt(lib, f, sample.input, *sample.args, **sample.kwargs)


def attempt(lib: Any, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Outcome:
    """The outcome of a call, with the generator at a known place."""
    with quiet():
        lib.manual_seed(0)
        try:
            return Outcome(f(*args, **kwargs), drew=lib is torch and has_drawn())
        except Exception as error:
            return Outcome(error=error)


def has_drawn() -> bool:
    """Whether PyTorch's generator is elsewhere than after any of the seeds that samples set."""
    state = torch.get_rng_state()
    return not any(torch.equal(state, seeded(seed)) for seed in (0, SEED))


@functools.cache
def seeded(seed: int) -> torch.Tensor:
    """The state of PyTorch's generator after a seed."""
    return torch.Generator().manual_seed(seed).get_state()


# --- comparison -----------------------------------------------------------------------------------


def tolerance(op: Any, dtype: torch.dtype) -> tuple[float, float]:
    """rtol and atol for an operator: PyTorch's own, widened where its tests of the op say so."""
    rtol, atol = TOLERANCES.get(dtype, (0.0, 0.0))
    if op is not None and dtype in (torch.float32, torch.complex64):
        rtol = max(rtol, CONDITION.get(op.name, 0.0))
    for info in op.decorators if op is not None else ():
        on_cpu = getattr(info, "device_type", None) in (None, "cpu")
        for decorator in getattr(info, "decorators", [info]):
            if on_cpu and isinstance(decorator, toleranceOverride) and dtype in decorator.d:
                rtol = max(rtol, decorator.d[dtype].rtol)
                atol = max(atol, decorator.d[dtype].atol)
    return rtol, atol


def compare(got: Any, want: Any, op: Any = None, *, values: bool = True) -> None:
    """Raise Differs unless `got`, of the library under test, is what PyTorch's `want` is."""
    if isinstance(want, torch.Tensor):
        _compare_tensors(got, want, op, values)
    elif isinstance(want, (list, tuple)):
        _compare_sequences(got, want, op, values)
    elif isinstance(want, dict):
        _check(list(got) == list(want), f"keys {list(got)}, not {list(want)}")
        for key, item in want.items():
            compare(got[key], item, op, values=values)
    elif isinstance(want, (torch.dtype, torch.device, torch.layout)):
        _check(str(got) == str(want), f"{got}, not {want}")
    elif isinstance(want, (float, complex)):
        _check(type(got) is type(want), f"a {type(got).__name__}, not a {type(want).__name__}")
        same = np.isclose(got, want, 1.3e-6, 1e-5, equal_nan=True)
        _check(not values or bool(same), f"{got}, not {want}")
    else:
        same = type(got) is type(want) and got == want
        _check(same or callable(want), f"{got!r}, not {want!r}")


def _compare_sequences(got: Any, want: Any, op: Any, values: bool) -> None:
    kind = isinstance(got, (list, tuple)) and isinstance(got, tuple) == isinstance(want, tuple)
    _check(kind, f"a {type(got).__name__}, not a {type(want).__name__}")
    _check(len(got) == len(want), f"{len(got)} results, not {len(want)}")
    for place, (mine, theirs) in enumerate(zip(got, want)):
        try:
            compare(mine, theirs, op, values=values)
        except Differs as error:
            raise Differs(f"[{place}] {error}") from None


def _compare_tensors(got: Any, want: torch.Tensor, op: Any, values: bool) -> None:
    _check(callable(getattr(got, "stride", None)), f"a {type(got).__name__}, not a tensor")
    _check(str(got.dtype) == str(want.dtype), f"{got.dtype}, not {want.dtype}")
    _check(tuple(got.shape) == tuple(want.shape), f"shape {[*got.shape]}, not {[*want.shape]}")
    _check(got.requires_grad == want.requires_grad, f"requires_grad is {got.requires_grad}")
    if values:
        mine, theirs = torch.tensor(array(got)), torch.tensor(array(want))
        rtol, atol = tolerance(op, want.dtype)
        _check(*_close(mine, theirs, rtol, atol))


def _close(got: torch.Tensor, want: torch.Tensor, rtol: float, atol: float) -> tuple[bool, str]:
    """Whether all elements are close, and where the first that isn't stands."""
    off = ~torch.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    if not off.any():
        return True, ""
    at = tuple(off.nonzero()[0].tolist())
    pair = f"{got[at].item()}, not {want[at].item()}"
    return False, f"{int(off.sum())} of {off.numel()} elements: at {list(at)} {pair}"


def _check(right: bool, text: str) -> None:
    if not right:
        raise Differs(text)


def same_error(got: Outcome, want: Outcome, *, text: bool = False) -> None:
    """Raise Differs unless both calls raised exceptions of one class, or neither did."""
    if want.error is None and got.error is not None:
        raise Differs(f"raised {described(got.error)}")
    if want.error is not None:
        theirs = type(want.error).__name__
        _check(got.error is not None, f"raised nothing, not {theirs}: {want.error}")
        mine = type(got.error).__name__
        _check(mine == theirs, f"raised {described(got.error)}, not {described(want.error)}")
        same = str(got.error) == str(want.error)
        _check(same or not text, f"said {str(got.error)!r}, not {str(want.error)!r}")


def described(error: Any) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")


# --- columns --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checker:
    """The checks of one operator, each a column; `lib` is the library under test."""

    op: Any
    lib: Any
    limit: int | None = None
    device: str = "cpu"

    def translator(self, lib: Any) -> Translator:
        """From PyTorch's values to a library's: those of the one under test are on the device."""
        return Translator(lib, self.device if lib is self.lib else "cpu")

    def defined(self, want: Outcome) -> bool:
        """Whether values are compared: not those of memory that nobody has written to, nor what a
        device's own generator draws.
        """
        return self.op.name not in UNDEFINED and (self.device == "cpu" or not want.drew)

    def pair(
        self, pick: Callable[[Translator], Any], sample: Any
    ) -> tuple[Outcome, Outcome, Any, Any]:
        """What the library gives, what PyTorch gives, and the two samples, each newly made."""
        mine, theirs = self.translator(self.lib), self.translator(torch)
        f, reference = pick(mine), pick(theirs)
        ours, real = mine(sample), theirs(sample)
        return run(f, self.lib, ours), run(reference, torch, real), ours, real

    def calls(self, pick: Callable[[Translator], Any]) -> None:
        """One way of calling the operator, over all samples of all dtypes."""
        for where, sample in samples(self.op, self.limit):
            with at(where):
                got, want, ours, real = self.pair(pick, sample)
                same_error(got, want)
                if want.error is None:
                    values = self.defined(want)
                    self.results(got.value, want.value, ours, real, values)
                    self.places(got.value, want.value)
                    compare([*tensors(ours)], [*tensors(real)], self.op, values=values)

    def results(self, got: Any, want: Any, ours: Any, real: Any, values: bool) -> None:
        """Compare what two calls gave."""
        if self.op.name not in GAUGE:
            compare(got, want, self.op, values=values)
            return
        compare(got, want, self.op, values=False)
        process = (ours.output_process_fn_grad, real.output_process_fn_grad)
        compare(process[0](got), process[1](want), self.op, values=values)

    def places(self, got: Any, want: Any) -> None:
        """Raise Differs unless results are on the device where PyTorch's are on the CPU."""
        for mine, theirs in zip(tensors([got]), tensors([want]), strict=True):
            place = self.device if theirs.device.type == "cpu" else str(theirs.device)
            _check(str(mine.device) == place, f"on {mine.device}, not on {place}")

    def forward(self) -> None:
        """The function."""
        self.calls(functools.partial(function_of, self.op))

    def method(self) -> None:
        """The method of Tensor."""
        self.calls(functools.partial(method_of, self.op.method_variant))

    def inplace(self) -> None:
        """The method that writes to its tensor."""
        self.calls(functools.partial(method_of, self.op.inplace_variant))

    def out(self) -> None:
        """The function with `out=`: an empty tensor, whose memory the result goes to."""
        for where, sample in samples(self.op, self.limit):
            with at(where):
                self._out(sample)

    def _out(self, sample: Any) -> None:
        got, want, ours, real = self.pair(functools.partial(function_of, self.op), sample)
        if want.error is not None or not all(isinstance(t, torch.Tensor) for t in _flat(want)):
            return
        same_error(got, want)
        sinks = []
        for outcome, to, inputs in ((got, self.lib, ours), (want, torch, real)):
            kinds = [named(to, str(t.dtype).removeprefix("torch.")) for t in _flat(outcome)]
            places = [t.device for t in _flat(outcome)]
            sink = tuple(to.empty((0,), dtype=d, device=at) for d, at in zip(kinds, places))
            inputs.kwargs = {**inputs.kwargs, "out": sink if len(sink) > 1 else sink[0]}
            sinks.append(sink)
        again = [
            run(function_of(self.op, self.translator(lib)), lib, inputs)
            for lib, inputs in ((self.lib, ours), (torch, real))
        ]
        same_error(*again)
        if again[1].error is None and self.op.name not in GAUGE:
            compare(sinks[0], sinks[1], self.op, values=self.defined(again[1]))

    def aliases(self) -> None:
        """Other names of the function."""
        for alias in self.op.aliases:
            named(self.lib, alias.name.removeprefix("torch."))

    def backward(self) -> None:
        """Gradients of fixed random cotangents, in float32."""
        self.gradients((torch.float32,), self.limit, second=False)

    def backward_complex(self) -> None:
        """The same in complex64."""
        self.gradients((torch.complex64,), self.limit, second=False)

    def second(self) -> None:
        """Gradients of gradients, of two samples in float64."""
        self.gradients((torch.float64,), 2, second=True)

    def gradients(self, dtypes: Any, limit: int | None, *, second: bool) -> None:
        """Compare gradients, and what raises."""
        for where, sample in samples(self.op, limit, grad=True, dtypes=dtypes):
            with at(where):
                outcomes = []
                for lib in (self.lib, torch):
                    to = self.translator(lib)
                    f = function_of(self.op, to)
                    outcomes.append(attempt(lib, gradients, lib, f, to(sample), second))
                same_error(*outcomes)
                if outcomes[1].error is None:
                    got, want = (outcome.value for outcome in outcomes)
                    compare(got, want, self.op, values=self.defined(outcomes[1]))
                    self.places(got, want)

    def errors(self, *, text: bool = False) -> None:
        """The classes of exceptions that wrong inputs raise."""
        with quiet():
            wrong = list(self.op.error_inputs("cpu"))
        for i, case in enumerate(wrong):
            with at(f"error input {i}"):
                pick = functools.partial(function_of, self.op)
                got, want, *_ = self.pair(pick, case.sample_input)
                if want.error is not None:
                    same_error(got, want, text=text)

    def texts(self) -> None:
        """The same, and their texts."""
        self.errors(text=True)

    def columns(self) -> Iterator[str]:
        """The checks that apply to the operator."""
        op = self.op
        yield "forward"
        applies = {
            "method": op.method_variant,
            "inplace": op.inplace_variant,
            "out": op.supports_out,
            "aliases": op.aliases,
            "backward": op.supports_autograd and torch.float32 in op.backward_dtypes,
            "backward_complex": op.supports_autograd and torch.complex64 in op.backward_dtypes,
            "second": op.supports_gradgrad and torch.float64 in op.backward_dtypes,
            "errors": op.error_inputs_func,
            "texts": op.error_inputs_func,
        }
        yield from (name for name, applicable in applies.items() if applicable)


def _flat(outcome: Outcome) -> list[Any]:
    """What a call gave, as a list."""
    value = outcome.value
    return list(value) if isinstance(value, (list, tuple)) else [value]


@contextlib.contextmanager
def at(where: str) -> Iterator[None]:
    """Failures inside say which sample they come from."""
    try:
        yield
    except MissingName as error:
        raise Differs(f"there is no {error}") from error
    except Exception as error:
        text = str(error) if isinstance(error, Differs) else described(error)
        raise Differs(f"{where}: {text}") from error


def gradients(lib: Any, f: Callable[..., Any], sample: Any, second: bool) -> list[Any]:
    """Gradients of fixed random cotangents with respect to a sample's leaves; the second ones too.

    Returns a list with None where an input doesn't matter.
    """
    leaves = [t for t in tensors(sample) if t.requires_grad]
    value = sample.output_process_fn_grad(f(sample.input, *sample.args, **sample.kwargs))
    first = _pull(lib, list(tensors([value])), leaves, second)
    if not second:
        return first
    return first + _pull(lib, [g for g in first if g is not None], leaves, False)


def _pull(lib: Any, outputs: list[Any], leaves: list[Any], create_graph: bool) -> list[Any]:
    outputs = [t for t in outputs if t.requires_grad]
    if not outputs or not leaves:
        return []
    rng = np.random.default_rng(7)
    cotangents = [cotangent(lib, rng, t) for t in outputs]
    return list(
        lib.autograd.grad(outputs, leaves, cotangents, create_graph=create_graph, allow_unused=True)
    )


def cotangent(lib: Any, rng: np.random.Generator, t: Any) -> Any:
    """Random numbers of a tensor's shape and dtype."""
    values = rng.standard_normal(tuple(t.shape))
    if t.is_complex():
        values = values + 1j * rng.standard_normal(tuple(t.shape))
    return lib.from_numpy(np.asarray(values)).to(t.device, t.dtype)


# --- runs -----------------------------------------------------------------------------------------


def check(
    name: str,
    lib: Any,
    *,
    columns: Any = None,
    limit: int | None = None,
    seconds: float = SECONDS,
    device: str = "cpu",
) -> Result:
    """Run an operator's checks, all or the named ones, each within a time limit."""
    op = operators()[name]
    checker = Checker(op, lib, limit, device)
    result = Result(name)
    start = time.perf_counter()
    for column in checker.columns():
        if columns is None or column in columns:
            result.columns[column] = verdict(getattr(checker, column), seconds)
    result.seconds = round(time.perf_counter() - start, 3)
    return result


def verdict(column: Callable[[], None], seconds: float) -> str:
    """Run one check: "" or why it failed."""
    try:
        with time_limit(seconds):
            column()
    except OutOfTime:
        return f"took more than {seconds:g} s"
    except MissingName as error:
        return f"there is no {error}"
    except Exception as error:
        text = str(error) if isinstance(error, Differs) else described(error)
        return text.replace("\n", " ")[:300] or type(error).__name__
    return ""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime inside when the time is over, where the platform has such a timer."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def over(*_: Any) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
