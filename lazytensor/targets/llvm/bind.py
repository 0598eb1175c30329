"""From a launch and how its operands lie to what a native function reads.

What enters: a launch, its arrays. What leaves: a Binding: axes merged where all operands allow it,
the kernel's form, and its words. It must not know machine code.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._base.processors import count as threads
from ..._base.record import Record, replace
from ..._base.shapes import Shape, prod
from ...lower.kernel import FULL, Kernel, Launch
from ...lower.layout import Axis, contiguous, merged, out_strides, strides
from ...ops._tree import BLOCK, LANES
from .form import OTHER, REVERSED, SAME, STRIDED, UNIT, Form, Unsupported, registers, tile
from .passes import planned
from .stack import MOST_COLUMNS, MOST_ROW_VALUES, STACK, row_bytes

Array = np.ndarray[Any, Any]
# Bytes of outputs from which on they are written past the caches.
STREAM = 1 << 24
# Bytes of a row that begins anywhere from which on that is worth the look where.
LONG_ROW = 1 << 10
# Columns from which on a row is cut into blocks, and these are folded in a second go.
LONGEST = 4 * BLOCK
# Registers of a vector of rows that lie apart: elements are put together in others, and what folds
# hold takes some.
FEW = 2
# Vectors of a tile of rows where they lie apart, and at most: memory is read in its order where all
# rows are one tile.
LEAST, WIDE = 8, 256
# Columns times the width of vectors up to which a tile of many rows is kept.
SPACIOUS = 1 << 13
# How often an argument is read at least that is turned before.
OFTEN = 16
# Bytes of a row from which on it pays to prepare for divisions by a number of the row.
DIVIDED = 1 << 9
# Bytes that the second cache holds for sure.
SOON = 1 << 17


class Binding(Record):
    """`count` rows, or columns where there are no rows; `copies` are the operands that are laid out
    anew, before or afterwards; `kept` is how many elements of a value are kept between passes;
    `turned` arguments are copied with the axes of rows from the `first` on behind the columns.
    """

    form: Form
    count: int
    columns: int
    elements: int
    words: tuple[int, ...]
    copies: tuple[int, ...]
    kept: int
    turned: tuple[int, ...] = ()
    first: int = 0


class _Layout(Record, frozen=True):
    """Axes of rows, and that of the columns, merged; with the strides of all operands."""

    rows: list[Axis]
    columns: int
    along: tuple[int, ...]
    copies: tuple[int, ...]


def bind(launch: Launch, args: Sequence[Array], width: int, blocks: int = 0) -> Binding:
    """How the kernel of a launch is to be called on arrays that lie like these, by vectors of some
    width; with `blocks`, for that many blocks of each row, whose folds lie along a last axis of
    their outputs.
    """
    layout = _layout(launch, args, max(blocks, 1))
    sizes = _sizes(launch, args)
    narrow = _narrow(launch.kernel, width)
    if launch.folded and not blocks and _goes_across(launch, layout, sizes, narrow):
        first = _first(launch, layout.rows[-1][0])
        turned = _turned(launch, layout, sizes)
        if turned:
            layout = _layout(launch, args, 1, turned=(turned, first))
        return replace(_across(launch, layout, sizes, width), turned=turned, first=first)
    apart = tuple(i for i in _written(launch) if layout.along[i] != sizes[i] and not launch.whole)
    if apart and layout.columns > 1:
        layout = _layout(launch, args, max(blocks, 1), apart)
    found = _along(launch, layout, sizes, blocks, width)
    followed = _followed(args, found.form.lie)
    return replace(found, form=replace(found.form, followed=followed)) if followed else found


def _followed(args: Sequence[Array], lie: Sequence[str]) -> tuple[int, ...]:
    """Arguments that show the same memory as another one which goes through it a little before, as
    in a stencil.
    """
    full = [i for i, a in enumerate(args) if lie[i] == UNIT and a.size > 1]
    if len(full) < 2:
        return ()
    places = sorted((args[i].ctypes.data, i) for i in full)
    return tuple(
        i
        for n, (at, i) in enumerate(places)
        if any(
            place - at < SOON and np.may_share_memory(args[i], args[j])
            for place, j in places[n + 1 :]
        )
    )


def _divides(kernel: Kernel, lie: Sequence[str], columns: int) -> bool:
    """Whether vectors of long rows, or of all there is, are divided by numbers of these."""
    plan, inputs = planned(kernel), len(kernel.inputs)
    numbers = (k for p in plan.passes for k in plan.divisors(p))
    size = max(kernel.dtype(k).itemsize for k in range(kernel.count))
    return columns * size >= DIVIDED and any(
        not plan.full(k) or (k < inputs and lie[k] == SAME) for k in numbers
    )


def _sizes(launch: Launch, args: Sequence[Array]) -> tuple[int, ...]:
    """Bytes of an element of each operand."""
    return (*(a.itemsize for a in args), *(d.itemsize for d in launch.dtypes))


def _layout(
    launch: Launch,
    args: Sequence[Array],
    blocks: int,
    apart: tuple[int, ...] = (),
    turned: tuple[tuple[int, ...], int] = ((), 0),
) -> _Layout:
    """The layout with operands copied whose folded axes can't be gone along with one stride, and
    those in `apart`; and with some arguments turned.
    """
    split, sizes = len(launch.axes) - launch.folded, _sizes(launch, args)
    steps = [strides(launch, i, a) for i, a in enumerate(args)]
    steps += [out_strides(launch, i, blocks) for i in range(len(launch.shapes))]
    copies = tuple(
        i for i, s in enumerate(steps) if i in apart or _scattered(launch.axes[split:], s[split:])
    )
    for i in copies:
        steps[i] = contiguous(launch.axes, sizes[i])
    for i in turned[0]:
        steps[i] = _turned_strides(launch, args[i], steps[i], turned[1])
    axes = [(n, tuple(s[k] for s in steps)) for k, n in enumerate(launch.axes)]
    if launch.folded:
        rows, inner = merged(axes[:split]), merged(axes[split:])
        rows = rows or [(1, (0,) * len(steps))]
    else:
        rows = merged(axes)
        inner = [rows.pop()] if rows else []
    columns, along = inner[0] if inner else (1, _sizes(launch, args))
    return _Layout(rows, columns, along, copies)


def bind_totals(launch: Launch, args: Sequence[Array], width: int) -> Binding:
    """How a kernel that adds up rows is to be called. Raises Unsupported where its rows are not one
    axis of vectors.
    """
    layout, sizes = _layout(launch, args, 1), _sizes(launch, args)
    apart = any(layout.along[i] != sizes[i] for i in _written(launch))
    if apart or layout.copies or len(layout.rows) != 1 or layout.columns > LONGEST:
        raise Unsupported("sums over rows that are not one axis of vectors")
    if _goes_across(launch, layout, sizes, width):
        raise Unsupported("sums over rows by a kernel across rows")
    (count, strides), columns = layout.rows[0], layout.columns
    own = tuple(launch.kernel.dtype(k).itemsize for k in launch.kernel.totals)
    rows = [(count, (*strides, *(columns * n for n in own)))]
    lie = (*_lie(layout.along, sizes, columns), *(UNIT for _ in own))
    divides = _divides(launch.kernel, lie, columns)
    form = Form(lie, 1, _streams(layout.rows, launch), divides=divides)
    words = _words(columns, rows, (*layout.along, *own))
    units = -(-count // BLOCK) * LANES
    return Binding(form, units, columns, prod(launch.axes), words, (), columns)


def _along(
    launch: Launch, layout: _Layout, sizes: tuple[int, ...], blocks: int, width: int
) -> Binding:
    rows, columns, along = list(layout.rows), layout.columns, layout.along
    lie = _lie(along, sizes, columns)
    block, axis = 0, -1
    crossing: tuple[int, ...] = ()
    tall = rows[-1][0] if rows else 0
    if blocks:
        axis, block = len(rows), BLOCK
        rows.append((blocks, _block_strides(launch, along, sizes)))
    elif not launch.folded and (crossing := _crossing(rows, lie, sizes)):
        steps = rows.pop()[1]
        axis, block = len(rows), tile(sizes[i] for i in crossing)
        rows.append((-(-columns // block), tuple(s * block for s in along)))
        rows.append((-(-tall // block), tuple(s * block for s in steps)))
    stream = not (blocks or layout.copies) and _streams(layout.rows, launch)
    anywhere = not (stream or blocks or layout.copies or crossing) and _anywhere(layout, launch)
    most = int(not launch.folded and bool(rows) and columns < width)
    form = Form(
        lie, len(rows), stream or anywhere, axis, block, crossing=crossing, most=most,
        anywhere=anywhere, divides=_divides(launch.kernel, lie, columns if rows else DIVIDED),
    )  # fmt: skip
    words = (*_words(columns, rows, along), *([tall] if crossing else []))
    count = prod([n for n, _ in rows]) if rows else columns
    return Binding(form, count, columns, prod(launch.axes), words, layout.copies, columns)


def _across(launch: Launch, layout: _Layout, sizes: tuple[int, ...], width: int) -> Binding:
    *rows, (length, steps) = layout.rows
    columns, written = layout.columns, _written(launch)
    lie = _lie(steps, sizes, length)
    apart = STRIDED in lie or OTHER in lie
    narrow = _narrow(launch.kernel, width)
    most = FEW if narrow < width and (apart or length < width) else 0
    width = narrow if most else width
    share = -(-length * prod([n for n, _ in rows]) // threads())
    tile = _tile(launch.kernel, min(length, share), columns, width, apart)
    whole = not (layout.copies or length % width) and all(steps[i] == sizes[i] for i in written)
    stream = whole and _streams([*rows, (columns, layout.along)], launch)
    rows.append((-(-length // tile), tuple(s * tile for s in steps)))
    divides = _divides(launch.kernel, lie, columns)
    form = Form(lie, len(rows), stream, len(rows) - 1, tile, True, most=most, divides=divides)
    words = (*_words(length, rows, steps), *layout.along, columns)
    count = prod([n for n, _ in rows])
    elements = prod(launch.axes)
    kept = columns * (tile + width)
    return Binding(form, count, columns, elements, words, layout.copies, kept)


def _first(launch: Launch, length: int) -> int:
    """The first of the axes of rows that make up the last one, merged."""
    first = len(launch.axes) - launch.folded
    while prod(launch.axes[first : len(launch.axes) - launch.folded]) < length:
        first -= 1
    return first


def _turned(launch: Launch, layout: _Layout, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Arguments that lie along the columns, and are small beside how often they are read."""
    steps, found = layout.rows[-1][1], []
    for i, x in enumerate(launch.kernel.inputs):
        axes = [*layout.rows, (layout.columns, layout.along)]
        own = prod([n for n, s in axes if s[i]])
        strided = steps[i] not in (0, sizes[i]) and layout.along[i] == sizes[i]
        if x.level == FULL and strided and own * OFTEN <= prod(launch.axes):
            found.append(i)
    return tuple(found)


def _turned_order(launch: Launch, first: int) -> tuple[int, ...]:
    split, rank = len(launch.axes) - launch.folded, len(launch.axes)
    return (*range(first), *range(split, rank), *range(first, split))


def _turned_strides(
    launch: Launch, a: Array, strides: Sequence[int], first: int
) -> tuple[int, ...]:
    order = _turned_order(launch, first)
    shape = [n if s else 1 for n, s in zip(launch.axes, strides, strict=True)]
    laid = contiguous([shape[k] for k in order], a.itemsize)
    return tuple(laid[order.index(k)] if shape[k] > 1 else 0 for k in range(len(shape)))


def turned(launch: Launch, a: Array, first: int) -> Array:
    """A copy of an argument with the axes of rows from the first on behind the columns."""
    once = a[tuple([slice(None) if stride else slice(1) for stride in a.strides])]
    full = once.reshape((1,) * (len(launch.axes) - a.ndim) + once.shape).transpose(launch.order)
    return np.ascontiguousarray(full.transpose(_turned_order(launch, first)))


def _tile(kernel: Kernel, length: int, columns: int, width: int, apart: bool) -> int:
    """Rows that are gone over together: few where they lie apart or columns are kept, fewer where
    folds hold many sums, and where there are not so many for a thread.
    """
    plan = planned(kernel)
    most = STACK // (width * row_bytes(plan))
    kept = columns * width > SPACIOUS and bool(plan.saved)
    vectors = min(LEAST if kept or apart else WIDE, max(1, 1 << most.bit_length() >> 1))
    while vectors > LEAST and vectors // 2 * width >= length:
        vectors //= 2
    return vectors * width


def _narrow(kernel: Kernel, width: int) -> int:
    """The width of vectors of FEW registers."""
    return width * min(FEW, registers(kernel)) // registers(kernel)


def _goes_across(launch: Launch, layout: _Layout, sizes: tuple[int, ...], width: int) -> bool:
    """Whether vectors go along the last axis of rows: outputs or most of what is read and varies
    along both axes lie so, or rows, of which there are many, have fewer columns than the tree of
    sums has lanes.
    """
    length, steps = layout.rows[-1]
    values = sum(s.level != FULL for s in launch.kernel.stages)
    if length < width or not 1 < layout.columns <= MOST_COLUMNS or values > MOST_ROW_VALUES:
        return False
    if any(layout.along[i] != sizes[i] for i in _written(launch)):
        return True
    read = [i for i in range(len(launch.kernel.inputs)) if steps[i] and layout.along[i]]
    along = sum(sizes[i] for i in read if layout.along[i] == sizes[i])
    across = sum(sizes[i] for i in read if steps[i] == sizes[i])
    return across > along or (layout.columns < LANES and length >= 4 * width)


def _written(launch: Launch) -> list[int]:
    """Outputs that vary along the columns, as operands."""
    kernel = launch.kernel
    full = [i for i, k in enumerate(kernel.outputs) if kernel.level(k) == FULL]
    return [len(kernel.inputs) + i for i in full]


def _words(length: int, rows: Sequence[Axis], along: Sequence[int]) -> tuple[int, ...]:
    words = [length]
    for i, stride in enumerate(along):
        words += [*(s[i] for _, s in rows), stride]
    return (*words, *(n for n, _ in rows))


def _block_strides(launch: Launch, along: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """Bytes from one block of a row to the next, for each operand."""
    inputs, full = len(launch.kernel.inputs), _written(launch)
    return tuple(s * BLOCK if i < inputs or i in full else sizes[i] for i, s in enumerate(along))


def laid_out(launch: Launch, a: Array) -> Array:
    """A copy of an argument whose axes lie as those of the launch."""
    space = [0] * len(launch.axes)
    for k, n in zip(launch.order, launch.axes, strict=True):
        space[k] = n
    return np.ascontiguousarray(np.broadcast_to(a, space).transpose(launch.order))


def _scattered(axes: Shape, strides: Sequence[int]) -> bool:
    """Whether some axes can't be gone along with one stride."""
    return len(axes) > 1 and len(merged([(n, (s,)) for n, s in zip(axes, strides)])) > 1


def _lie(strides: Sequence[int], sizes: Sequence[int], length: int) -> tuple[str, ...]:
    """How each operand lies along an axis."""
    return tuple(
        UNIT
        if stride == size or length == 1
        else SAME
        if not stride
        else REVERSED
        if stride == -size
        else OTHER
        if stride == 2 * size
        else STRIDED
        for stride, size in zip(strides, sizes, strict=True)
    )


def _crossing(rows: Sequence[Axis], lie: Sequence[str], sizes: Sequence[int]) -> tuple[int, ...]:
    """Arguments that go on from one row to the next where others go along columns."""
    steps = rows[-1][1] if rows else ()
    each = enumerate(zip(lie, steps, sizes, strict=False))
    return tuple(i for i, (f, s, n) in each if f == STRIDED and s == n)


def _streams(rows: Sequence[Axis], launch: Launch) -> bool:
    """Whether outputs are too large to be found in the caches, and those that vary along the
    columns have rows that begin at whole vectors; buffers of that size do. What is written over an
    input is in the caches, and may lie anywhere; so may copies, and boxes of an output.
    """
    nbytes = sum(prod(s) * d.itemsize for s, d in zip(launch.shapes, launch.dtypes))
    if launch.over or launch.whole or nbytes < STREAM:
        return False
    written = _written(launch)
    return all(strides[i] % 64 == 0 for _, strides in rows for i in written)


def _anywhere(layout: _Layout, launch: Launch) -> bool:
    """Whether an output that is too large for the caches has long rows that begin anywhere: vectors
    of it then go past the caches from the first whole one on. What the one before has computed may
    be computed again, so that nothing is folded or written over.
    """
    if launch.over or launch.folded or len(launch.shapes) != 1 or not layout.rows:
        return False
    size, (place,) = launch.dtypes[0].itemsize, _written(launch) or (-1,)
    along = layout.along[place] == size and layout.columns * size >= LONG_ROW
    return along and prod(launch.whole or launch.shapes[0]) * size >= STREAM
