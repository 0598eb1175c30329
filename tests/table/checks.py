"""What must hold of one row on one sample. Each check raises AssertionError where it does not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lazytensor._base import config
from lazytensor._base import dtypes as d
from lazytensor._base.module import module
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, apply, leaf
from lazytensor.ir.op import COLUMNS, Op
from lazytensor.ops import g
from lazytensor.ops._eager import Eager
from lazytensor.ops._matrices import adjoint, row, wide
from lazytensor.runtime import materialize
from lazytensor.runtime.counters import counting
from lazytensor.runtime.interpret import interpret
from lazytensor.transform.grad import vjp
from lazytensor.transform.jvp import jvp

from .samples import POSITIVE, Array, Rng, Sample

Arrays = Sequence[Array]


def changed(op: Op, **columns: Any) -> Op:
    """A copy of a row, in no table, with other columns: for planting bugs."""
    same = {column: getattr(op, column) for column in COLUMNS}
    return Op(
        op.name, op.kind, op.arity, params=op.params, domain=op.domain, outputs=op.outputs,
        fails=op.fails, **{**same, **columns},
    )  # fmt: skip


def compute(nodes: Sequence[Node]) -> list[Any]:
    """Values by the value columns, never by a compiled plan."""
    graph = linearize(nodes)
    return interpret(graph, graph.outputs)


def nodes_of(sample: Sample) -> tuple[Node, ...]:
    return tuple(leaf(a) for a in sample.args)


def many(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


# --- inference ------------------------------------------------------------------------------------


def inference(op: Op, sample: Sample) -> None:
    """The inferred shapes and dtypes are those of the value."""
    node = apply(op, nodes_of(sample), sample.params)
    with np.errstate(all="ignore"):
        values = many(op.value(module(), *sample.args, *sample.params))
    shapes, dtypes = (node.shape, node.dtype) if op.outputs > 1 else ((node.shape,), (node.dtype,))
    for value, shape, dtype in zip(values, shapes, dtypes, strict=True):
        assert np.shape(value) == shape, f"{op.name}: inferred {shape}, is {np.shape(value)}"
        assert value.dtype == dtype, f"{op.name}: inferred {dtype}, is {value.dtype}"
        assert d.canonical(dtype) is dtype


# --- bodies ---------------------------------------------------------------------------------------


def special(dtype: d.DType) -> Array:
    """Zeros of both signs, infinities, NaN, subnormals, extremes and a few ordinary numbers."""
    kind = d.kind(dtype)
    if kind == "b":
        return np.array([False, True])
    if kind in "iu":
        info = np.iinfo(dtype)
        numbers = [info.min, info.min + 1, 0, 1, 2, 3, 7, info.bits - 1, info.bits, info.max]
        return np.array([*numbers, *([] if kind == "u" else [-1, -2, -7])], dtype)
    if kind == "c":
        part = special(d.real_of(dtype))
        part = part[~np.isin(part, (3, -3, 0.5))]
        return np.asarray([complex(a, b) for a in part for b in part], dtype)
    subnormal = np.ones(1, f"u{dtype.itemsize}").view(dtype)
    big = np.finfo(dtype).max if dtype.kind == "f" else float.fromhex("0x1.fep127")
    line = [0.0, np.inf, 1, 3, 0.5, big, 6.0e4, 1e-3]
    with np.errstate(all="ignore"):
        positive = np.concatenate([np.asarray(line).astype(dtype), subnormal])
        return np.concatenate([positive, -positive, np.asarray([np.nan]).astype(dtype)])


def same_bits(a: Array, b: Array) -> bool:
    """Equal with the sign of zeros; any NaN equals any NaN, also as a part of a complex number."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind == "c":
        return same_bits(a.real, b.real) and same_bits(a.imag, b.imag)
    if a.dtype.kind in "biu":
        return bool((a == b).all())
    both_nan = np.isnan(a) & np.isnan(b)
    return bool((((a == b) & (np.signbit(a) == np.signbit(b))) | both_nan).all())


def body(op: Op, args: Arrays, params: tuple[Any, ...]) -> None:
    """The scalar body, run instruction by instruction, gives the bits of the value column."""
    with np.errstate(all="ignore"):
        value = np.asarray(op.value(module(), *args, *params))
        found = np.asarray(op.body(Eager(module()), *args, *params))
    same_values(op, args, params, value, found)


def compiled(op: Op, args: Arrays, params: tuple[Any, ...]) -> None:
    """A kernel made of the scalar body alone gives the bits of the value column."""
    with np.errstate(all="ignore"):
        wanted = np.asarray(op.value(module(), *args, *params))
    with config.context(execution="compile"), counting() as counts:
        found = materialize.value(apply(op, tuple(leaf(a) for a in args), params))
    assert counts.kernels == 1, f"{op.name} ran without a kernel"
    same_values(op, args, params, wanted, found)


def same_values(op: Op, args: Arrays, params: tuple[Any, ...], value: Array, found: Array) -> None:
    """Raises with the first place at which two results of a row differ."""
    assert value.dtype == found.dtype, f"{op.name}: value {value.dtype}, body {found.dtype}"
    found = np.broadcast_to(found, value.shape)
    if same_bits(value, found):
        return
    full = [np.broadcast_to(a, value.shape) for a in args]
    wrong = [
        i for i in np.ndindex(value.shape) if not same_bits(value[(*i, None)], found[(*i, None)])
    ]
    i = wrong[0]
    raise AssertionError(
        f"{op.name}({', '.join(str(a[i]) for a in full)}, {params}): value {value[i]}, body"
        f" {found[i]}, {value.dtype}, and {len(wrong) - 1} more"
    )


# --- derivatives ----------------------------------------------------------------------------------


def observe(op: Op, y: Node, sample: Sample) -> list[Node]:
    """Results as the test sees them: of vectors with a free phase, what doesn't depend on it."""
    if op.outputs == 1:
        return [y]
    parts = [g.pick(y, i) for i in range(op.outputs)]
    if op.name in ("eigh", "eig"):
        return [parts[0], _weighted(parts[1], adjoint(g, parts[1]))]
    if op.name != "svd":
        return parts
    u, s, vh = parts
    k = s.shape[-1]
    seen = [s, _weighted(_columns(u, 0, k), adjoint(g, _columns(adjoint(g, vh), 0, k)))]
    for basis in (u, adjoint(g, vh)):
        if basis.shape[-1] > k:
            rest = _columns(basis, k, basis.shape[-1] - k)
            seen.append(_weighted(rest, adjoint(g, rest), even=True))
    return seen


def _columns(x: Node, start: int, size: int) -> Node:
    starts = (*(0,) * (x.ndim - 1), start)
    return g.slice(x, starts, (*x.shape[:-1], size), (1,) * x.ndim)


def _weighted(v: Node, h: Node, even: bool = False) -> Node:
    n = v.shape[-1]
    weights = leaf(np.ones(n) if even else 1 + np.arange(float(n)))
    return g.matmul(v * row(g, wide(g, weights, v)), h)


def _direction(op: Op, x: Array, rng: Rng, params: tuple[Any, ...] = ()) -> Array:
    """A random tangent; Hermitian for rows that read one half of a Hermitian matrix."""
    t = rng.standard_normal(x.shape)
    t = np.asarray(t + 1j * rng.standard_normal(x.shape) if x.dtype.kind == "c" else t, x.dtype)
    if op.name in POSITIVE or (op.name == "pinv" and params == (True,)):
        t = (t + t.conj().swapaxes(-1, -2)) / 2
    return t


# Arguments by which PyTorch has no derivative: rows give NaN, and here they stay where they are.
STILL = {**dict.fromkeys(("zeta", "igamma", "igammac"), 0), "pinv": 1}


class Call:
    """A row as a function of its floating-point arguments."""

    def __init__(self, op: Op, sample: Sample, rng: Rng) -> None:
        self.op, self.sample = op, sample
        floating = [i for i, a in enumerate(sample.args) if a.dtype.kind in "fc"]
        self.moving = [i for i in floating if i != STILL.get(op.name)]
        self.x = [sample.args[i] for i in self.moving]
        self.t, self.s = (
            [_direction(op, x, rng, sample.params) for x in self.x] for _ in range(2)
        )
        _, outputs = self.build(self.x)
        self.ct = [_direction(Op("", "leaf", 0), np.zeros(y.shape, y.dtype), rng) for y in outputs]

    def build(self, x: Arrays) -> tuple[list[Node], list[Node]]:
        """Fresh leaves and the results observed."""
        args = list(self.sample.args)
        for i, new in zip(self.moving, x, strict=True):
            args[i] = new
        leaves = [leaf(a) for a in args]
        y = apply(self.op, tuple(leaves), self.sample.params)
        seen = [o for o in observe(self.op, y, self.sample) if d.kind(o.dtype) in "fc"]
        return [leaves[i] for i in self.moving], seen

    def values(self, x: Arrays) -> Arrays:
        return compute(self.build(x)[1])

    def gradient(self, x: Arrays) -> tuple[list[Node], list[Node | None]]:
        leaves, outputs = self.build(x)
        return leaves, vjp(outputs, leaves, [leaf(c) for c in self.ct])


def filled(found: Sequence[Node | None], like: Arrays) -> list[Array]:
    """Values of derivatives, of the shapes and dtypes of `like`; zeros where there is none."""
    values = iter(compute([n for n in found if n is not None]))
    out = [
        np.zeros_like(x) if n is None else next(values) for n, x in zip(found, like, strict=True)
    ]
    for value, x in zip(out, like, strict=True):
        assert value.shape == x.shape, f"a derivative of shape {value.shape} for {x.shape}"
        assert value.dtype == x.dtype, f"a derivative of dtype {value.dtype} for {x.dtype}"
    return out


def inner(a: Arrays, b: Arrays) -> float:
    return float(sum(np.sum(np.conj(x) * y).real for x, y in zip(a, b, strict=True)))


def differences(f: Callable[[Arrays], Arrays], x: Arrays, t: Arrays, h: float) -> list[Array]:
    """Central differences along t."""
    plus = f([np.asarray(a + h * b) for a, b in zip(x, t, strict=True)])
    minus = f([np.asarray(a - h * b) for a, b in zip(x, t, strict=True)])
    return [(p - m) / (2 * h) for p, m in zip(plus, minus, strict=True)]


def _close(what: str, name: str, a: Any, b: Any, tol: float) -> None:
    for x, y in zip(a, b, strict=True):
        scale = 1 + (np.max(np.abs(y)) if np.size(y) else 0)
        error = np.max(np.abs(np.asarray(x) - y)) if np.size(y) else 0
        assert error <= tol * scale, f"{name}: {what} is off by {error}:\n{x}\nfor\n{y}"


def first_order(op: Op, sample: Sample, rng: Rng) -> None:
    """jvp is the difference quotient, and vjp its adjoint."""
    call = Call(op, sample, rng)
    leaves, outputs = call.build(call.x)
    pushed = filled(jvp(outputs, leaves, [leaf(t) for t in call.t]), call.ct)
    _close("jvp", op.name, pushed, differences(call.values, call.x, call.t, 1e-6), 1e-6)
    pulled = filled(call.gradient(call.x)[1], call.x)
    _close("vjp", op.name, [inner(pulled, call.t)], [inner(call.ct, pushed)], 1e-9)


def derivative_types(op: Op, sample: Sample, rng: Rng) -> None:
    """Derivatives have the shapes and dtypes of what they are the derivatives of."""
    call = Call(op, sample, rng)
    leaves, outputs = call.build(call.x)
    tangents = jvp(outputs, leaves, [leaf(t) for t in call.t])
    cotangents = vjp(outputs, leaves, [leaf(c) for c in call.ct])
    for found, like in zip((*tangents, *cotangents), (*call.ct, *call.x), strict=True):
        if found is not None:
            assert (found.shape, found.dtype) == (like.shape, like.dtype), f"{op.name}: {found}"


def additive(op: Op, sample: Sample, rng: Rng) -> None:
    """Derivatives with one tangent, or one cotangent, at a time add up to those with all."""
    call = Call(op, sample, rng)
    leaves, outputs = call.build(call.x)
    tangents, cotangents = [leaf(t) for t in call.t], [leaf(c) for c in call.ct]
    pushed = [jvp(outputs, leaves, one) for one in (*_alone(tangents), tangents)]
    _sums("jvp", op.name, [filled(p, call.ct) for p in pushed])
    pulled = [vjp(outputs, leaves, one) for one in (*_alone(cotangents), cotangents)]
    _sums("vjp", op.name, [filled(p, call.x) for p in pulled])


def _alone(nodes: list[Node]) -> Iterator[list[Node | None]]:
    for place in range(len(nodes)):
        yield [n if i == place else None for i, n in enumerate(nodes)]


def _sums(what: str, name: str, found: list[list[Array]]) -> None:
    *parts, whole = found
    total = [sum(p) for p in zip(*parts, strict=True)]
    _close(f"the sum of {what}s", name, total, whole, 1e-9)


def second_order(op: Op, sample: Sample, rng: Rng) -> None:
    """The derivative of the gradient is its difference quotient, and symmetric."""
    call = Call(op, sample, rng)
    leaves, grads = call.gradient(call.x)
    there = [n for n in grads if n is not None]
    x = [a for a, n in zip(call.x, grads, strict=True) if n is not None]
    pushed = filled(jvp(there, leaves, [leaf(t) for t in call.t]), x)
    numeric = differences(
        lambda at: compute([n for n in call.gradient(at)[1] if n is not None]), call.x, call.t, 1e-5
    )
    _close("second jvp", op.name, pushed, numeric, 1e-5)
    s = [a for a, n in zip(call.s, grads, strict=True) if n is not None]
    pulled = filled(vjp(there, leaves, [leaf(a) for a in s]), call.x)
    _close("second vjp", op.name, [inner(pulled, call.t)], [inner(s, pushed)], 1e-8)


# --- batching -------------------------------------------------------------------------------------

WRITES = ("scatter", "scatter_add", "scatter_max", "scatter_min", "scatter_multiply")
INDICES = {"gather": 1, "gather_add": 3, **dict.fromkeys(WRITES, 2)}


def _examples(op: Op, place: int, x: Array, count: int) -> list[Array]:
    """Arrays like x: places stay inside, sorted arrays sorted, matrices regular."""
    if op.name == "searchsorted" and x.dtype.kind == "b":
        return [np.sort(np.roll(x, k), None).reshape(x.shape) for k in range(count)]
    if place >= INDICES.get(op.name, 99) or x.dtype.kind == "b":
        return [np.roll(x, k) for k in range(count)]
    if x.dtype.kind in "iu":
        return [np.asarray(x + k, x.dtype) for k in range(count)]
    return [np.asarray(x * (1 + 0.125 * k), x.dtype) for k in range(count)]


def batching(op: Op, sample: Sample, count: int = 3) -> None:
    """For each way to batch the arguments, the batch rule gives what a loop does."""
    for batched in itertools.product((False, True), repeat=len(sample.args)):
        if any(batched):
            _batched(op, sample, batched, count)


def _batched(op: Op, sample: Sample, batched: tuple[bool, ...], count: int) -> None:
    stacks = [
        _examples(op, i, x, count) if on else [x] * count
        for i, (x, on) in enumerate(zip(sample.args, batched, strict=True))
    ]
    args = [
        leaf(np.stack(stack)) if on else leaf(stack[0])
        for stack, on in zip(stacks, batched, strict=True)
    ]
    y = op.batch(g, batched, *args, *sample.params)
    parts = [y] if op.outputs == 1 else [g.pick(y, i) for i in range(op.outputs)]
    with np.errstate(all="ignore"):
        loop = [many(op.value(module(), *one, *sample.params)) for one in zip(*stacks, strict=True)]
    for found, wanted in zip(compute(parts), zip(*loop, strict=True), strict=True):
        _like_loop(op, found, np.stack(wanted))


def _like_loop(op: Op, found: Array, wanted: Array) -> None:
    assert found.shape == wanted.shape, f"{op.name}: batch of {found.shape} for {wanted.shape}"
    assert found.dtype == wanted.dtype, f"{op.name}: batch of {found.dtype} for {wanted.dtype}"
    if op.kind in ("contract", "linalg"):
        np.testing.assert_allclose(found, wanted, 1e-9, 1e-12, err_msg=op.name)
    else:
        assert same_bits(found, wanted), f"{op.name}: batch\n{found}\nloop\n{wanted}"
