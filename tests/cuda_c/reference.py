"""The reference's kernels over the elementary functions that the harness computes with, so that
kernels that call them are compared bit for bit.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from lazytensor._base.dtypes import bfloat16
from lazytensor._base.module import Replaced
from lazytensor.ir.scalar import INSTRUCTIONS
from lazytensor.lower.kernel import Kernel, Launch
from lazytensor.lower.segments import Segments
from lazytensor.lower.totals import Totals
from lazytensor.ops._eager import FUNCTIONS, INEXACT
from lazytensor.targets import numpy as target

from .harness import address, library

TYPES = {
    "float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64", "complex64": "c64",
    "complex128": "c128",
}  # fmt: skip
NAMES = {*INEXACT, "sqrt", "sign", "rint"}
BOTH = NAMES - {"erf", "atan2", "hypot", "logaddexp"}  # of complex numbers too
BLOCK = 1 << 17


def _text() -> str:
    """A loop for each function and type."""
    lines = []
    for name in sorted(NAMES):
        operands = [f"x{i}" for i in range(INSTRUCTIONS[name][0])]
        pointers = "".join(f"const char *{x}, " for x in operands)
        for kind in TYPES.values() if name in BOTH else list(TYPES.values())[:4]:
            place = f"i * sizeof(memory<{kind}>)"
            loads = ", ".join(f"load<{kind}>({x} + {place})" for x in operands)
            lines.append(
                f'extern "C" void {name}_{kind}({pointers}char *y, i64 n) {{'
                f"for (i64 i = 0; i < n; ++i) store<{kind}>(y + {place}, {name}_({loads})); }}"
            )
    return "\n".join(["namespace lt {", *lines, "}"])


@cache
def _functions() -> Any:
    return library(_text())


def function(name: str) -> Callable[..., Any]:
    """What NumPy calls `FUNCTIONS[name]`, by the harness where it isn't exact."""

    def call(*arrays: Any, out: Any = None) -> Any:
        operands, arity = list(arrays), INSTRUCTIONS[name][0]
        if len(operands) > arity:
            out = operands.pop()
        kind = TYPES.get(operands[0].dtype.name)
        if kind is None or (kind[0] != "c" and name not in INEXACT):
            return getattr(np, FUNCTIONS[name])(*operands, out=out)
        xs = [np.ascontiguousarray(x) for x in np.broadcast_arrays(*operands)]
        y = np.empty(xs[0].shape, xs[0].dtype)
        places = [ctypes.c_void_p(address(a)) for a in (*xs, y)]
        getattr(_functions(), f"{name}_{kind}")(*places, ctypes.c_longlong(y.size))
        y = y.reshape(np.broadcast_shapes(*(x.shape for x in operands)))
        if out is None:
            return y
        out[...] = y
        return out

    return call


def absolute(x: Any, out: Any = None) -> Any:
    """NumPy's, but for the modulus of complex numbers."""
    if x.dtype.kind != "c":
        return np.absolute(x, out)
    return function("hypot")(x.real, x.imag, out=out)


MODULE = Replaced(
    frozenset(FUNCTIONS[name] for name in (*NAMES, "abs")),
    lambda: {FUNCTIONS[name]: function(name) for name in NAMES} | {"absolute": absolute},
)


@cache
def _compiled(kernel: Kernel) -> target.Compiled:
    bfloat16()
    return target.compile_source(target.emit(kernel, MODULE), f"<reference {id(kernel)}>")


def run(step: Launch, args: list[Any], outs: list[Any]) -> None:
    """A step on arrays."""
    if isinstance(step, Segments):
        _boxes(step, args, outs)
    elif isinstance(step, Totals):
        _apart(step, args, dict(zip(step.outs, outs, strict=True)))
    else:
        _launch(step, args, outs)


def _boxes(step: Segments, args: list[Any], outs: list[Any]) -> None:
    for box in step.boxes:
        made = [np.empty(s, t) for s, t in zip(box.launch.shapes, step.dtypes, strict=True)]
        _launch(box.launch, [args[i][key] for i, key in box.takes], made)
        for out, part in zip(outs, made, strict=True):
            out[box.out] = part


def _apart(step: Totals, args: list[Any], known: dict[int, Any]) -> None:
    """The launch, then the sums of what it has stored."""
    launch = step.apart
    assert launch is not None
    made = [
        known[slot] if slot in known else np.empty(shape, dtype)
        for slot, shape, dtype in zip(launch.outs, launch.shapes, launch.dtypes, strict=True)
    ]
    _launch(launch, args[: len(launch.args)], made)
    for t in step.totals:
        x = args[t.number] if t.of_input else made[t.number]
        own = [x if i < 0 else args[i] for i in t.args]
        _launch(t.launch, own, [known[slot] for slot in t.launch.outs])


def _launch(launch: Launch, args: list[Any], outs: list[Any]) -> None:
    forwards = [a.copy() if min(a.strides, default=0) < 0 else a for a in args]
    with np.errstate(all="ignore"):
        target.run(launch, _compiled(launch.kernel), forwards, outs, BLOCK, 1)
