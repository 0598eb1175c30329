"""Every cell of the table is executed: inference, bodies, derivatives, batching; none is blank."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazytensor._base import dtypes as d
from lazytensor.ir.op import DERIVATIVES, NONDIFF, REQUIRED, ROWS, Op, blanks, register
from lazytensor.ops import g

from . import checks
from .samples import COMPUTED, Sample, dtypes_of, samples

BY_NAME = {op.name: op for op in COMPUTED}
NAMES = sorted(BY_NAME)
rows = pytest.mark.parametrize("name", NAMES)


def of(*kinds: str) -> list[str]:
    return [n for n in NAMES if BY_NAME[n].kind in kinds]


# --- no blanks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ROWS))
def test_no_column_is_blank(name: str) -> None:
    assert blanks(ROWS[name]) == []


def required() -> list[tuple[str, str]]:
    """One row of each kind, with each column that the kind requires."""
    first = {op.kind: op.name for op in reversed(ROWS.values())}
    return [(first[kind], column) for kind, columns in REQUIRED.items() for column in columns]


@pytest.mark.parametrize(("name", "column"), required())
def test_a_blank_column_is_refused(name: str, column: str) -> None:
    columns = sum(DERIVATIVES, ()) if column == "derivative" else (column,)
    op = checks.changed(ROWS[name], **dict.fromkeys(columns))
    op.name = f"{name}_without"
    assert blanks(op) == [column]
    with pytest.raises(ValueError, match=f"{op.name}' of kind '{op.kind}' .*: {column}$"):
        register(op)
    assert op.name not in ROWS


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="'sin' is in the table already"):
        register(checks.changed(ROWS["sin"]))


# --- inference ------------------------------------------------------------------------------------


@rows
def test_inferred_shape_and_dtype(name: str) -> None:
    op, count = BY_NAME[name], 0
    for dtype in dtypes_of(op):
        for sample in samples(op, dtype):
            checks.inference(op, sample)
            count += 1
    assert count >= 2


# --- bodies ---------------------------------------------------------------------------------------


def grid(op: Op, dtype: d.DType) -> list[tuple[checks.Array, ...]]:
    line = checks.special(dtype)
    if op.name == "where":
        return [(np.array([[True], [False]]), line, line[::-1].copy())]
    axes = [line.reshape(-1, *(1,) * k) for k in range(op.arity or 1)]
    return [tuple(axes)]


def parameters(op: Op) -> list[tuple[Any, ...]]:
    return [(to,) for to in (*d.STANDARD, d.float16, d.bfloat16())] if op.params else [()]


@pytest.mark.parametrize("name", of("elementwise"))
def test_body_has_the_bits_of_value(name: str) -> None:
    op = BY_NAME[name]
    for dtype in dtypes_of(op):
        for args, params in itertools.product(grid(op, dtype), parameters(op)):
            checks.body(op, args, params)


@pytest.mark.parametrize("name", of("elementwise"))
def test_kernels_have_the_bits_of_value(name: str) -> None:
    op = BY_NAME[name]
    for dtype in dtypes_of(op):
        for args, params in itertools.product(grid(op, dtype), parameters(op)):
            if params != (dtype,):  # a cast to its own dtype is no work
                checks.compiled(op, args, params)


# --- derivatives ----------------------------------------------------------------------------------

DIFFERENTIABLE = [n for n in NAMES if BY_NAME[n].differentiable()]
# QR of a tall matrix with a complete Q has no derivative: `test_qr_complete_is_refused`.
DOUBLE = (d.float64, d.complex128)


def smooth(op: Op) -> list[Sample]:
    out = [s for t in DOUBLE if t in dtypes_of(op) for s in samples(op, t)]
    if op.name == "qr":
        return [s for s in out if s.params == ("reduced",) or not _tall(s)]
    if op.name == "cast":
        return [s for s in out if s.params[0] in DOUBLE]
    return out


def _tall(sample: Sample) -> bool:
    m, n = sample.args[0].shape[-2:]
    return bool(m > n)


def check_all(check: Callable[..., None], op: Op, seeds: int) -> None:
    found = smooth(op)
    assert found
    for i, sample in enumerate(found * seeds):
        check(op, sample, np.random.default_rng(i))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_first_derivatives(name: str, effort: Callable[[int, int], int]) -> None:
    check_all(checks.first_order, BY_NAME[name], effort(1, 10))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_second_derivatives(name: str, effort: Callable[[int, int], int]) -> None:
    check_all(checks.second_order, BY_NAME[name], effort(1, 10))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_derivatives_add_up(name: str) -> None:
    op = BY_NAME[name]
    if op.outputs > 1 or op.arity != 1:
        check_all(checks.additive, op, 1)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_shapes_and_dtypes_of_derivatives(name: str) -> None:
    op = BY_NAME[name]
    for dtype in (t for t in dtypes_of(op) if d.kind(t) in "fc"):
        for sample in samples(op, dtype):
            if name != "qr" or sample.params == ("reduced",):
                checks.derivative_types(op, sample, np.random.default_rng(0))


# Factors that have a derivative in theory, but none in PyTorch, nor here.
NO_DERIVATIVE = ("geqrf", "ldl_factor", "ldl_solve")


@rows
def test_other_rows_say_nondiff(name: str) -> None:
    op = BY_NAME[name]
    if not op.differentiable() and op.kind != "create" and name not in NO_DERIVATIVE:
        assert NONDIFF in (op.partials, op.transpose, op.vjp)
        for dtype in dtypes_of(op):
            for sample in samples(op, dtype)[:1]:
                y = checks.apply(op, checks.nodes_of(sample), sample.params)
                discrete = d.kind(y.dtype) in "biu" or op.domain in ("b", "biu", "iu")
                assert discrete or name == "fixed"


# --- batching -------------------------------------------------------------------------------------

ONE_OF_EACH = (d.bool_, d.int32, d.uint8, d.uint64, d.float64, d.complex128)


@pytest.mark.parametrize("name", [n for n in NAMES if BY_NAME[n].batch is not None])
def test_batch_is_a_loop(name: str) -> None:
    op = BY_NAME[name]
    for dtype in (t for t in ONE_OF_EACH if t in dtypes_of(op)):
        for sample in samples(op, dtype):
            checks.batching(op, sample)


def test_pick_takes_one_output_of_each_example() -> None:
    x = np.random.default_rng(0).random((3, 2, 2)) + np.eye(2)
    signs = g.pick(g.slogdet(checks.leaf(x)), 0)
    found = ROWS["pick"].batch(g, (True,), signs.args[0], 0)
    assert checks.same_bits(*checks.compute([found, signs]))
    assert found.shape == (3,)


def test_rows_without_array_arguments_need_no_batching() -> None:
    assert [n for n in NAMES if BY_NAME[n].batch is None] == of("create")
