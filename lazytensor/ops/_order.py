"""Sorts along an axis, stable both ways, by integers that hold an element's rank and its place.

No two of these are equal, so that any way to sort or select them is stable. NaN is greater than any
number and equal to itself, zeros are equal. What enters: arrays, and the NumPy-like module. What
leaves: arrays. It must not know nodes.
"""

from typing import Any

# Elements up to which NumPy's stable sorts are as good; those that become ranks at once.
FEW, BLOCK = 1 << 9, 1 << 14


def sort(np: Any, x: Any, axis: int, descending: bool) -> Any:
    """Sorted along an axis."""
    wide, lines = _lined(np, x, axis)
    if not _alike(np, lines):
        return np.take_along_axis(x, argsort(np, x, axis, descending), axis)
    kind = "stable" if lines.itemsize < 4 else None  # what is equal has the same bits
    found = np.sort(lines, -1, kind).astype(wide.dtype, copy=False)
    return _placed(np, found[..., ::-1] if descending else found, axis).astype(x.dtype, copy=False)


def argsort(np: Any, x: Any, axis: int, descending: bool) -> Any:
    """The places, int64, from which `sort` takes its elements."""
    return argselect(np, x, axis, 0, x.shape[axis], descending)


def argselect(np: Any, x: Any, axis: int, start: int, count: int, descending: bool) -> Any:
    """From the start on so many of the places that `argsort` gives."""
    _, lines = _lined(np, x, axis)
    if not lines.size or not count:
        found = np.zeros((*lines.shape[:-1], count), np.int64)
    else:
        found = _selected(np, lines, start, count, descending)
    return _placed(np, found, axis)


def _selected(np: Any, x: Any, start: int, count: int, descending: bool) -> Any:
    n = x.shape[-1]
    radix = x.itemsize < 4 and count == n  # which NumPy has for narrow integers
    packed = None if radix or x.size <= FEW else _packed(np, x, descending)
    if packed is not None:
        packed = _part(packed, start, count)
        packed.sort(-1)
        packed &= (1 << _bits(n)) - 1
        return packed
    if descending:  # of the lines reversed, from the end
        found = _ascending(np, np.ascontiguousarray(x[..., ::-1]), n - start - count, count)
        return n - 1 - found[..., ::-1]
    return _ascending(np, x, start, count)


def _lined(np: Any, x: Any, axis: int) -> tuple[Any, Any]:
    """Lines along the last axis, in a dtype that NumPy sorts well, and their own dtype's array."""
    wide = x.astype(np.float32) if x.dtype.kind == "V" or x.dtype == np.float16 else x
    return wide, np.ascontiguousarray(np.moveaxis(wide, axis, -1))


def _placed(np: Any, found: Any, axis: int) -> Any:
    return np.ascontiguousarray(np.moveaxis(found, -1, axis))


def _alike(np: Any, x: Any) -> bool:
    """Whether elements that are equal have the same bits: neither NaN nor -0 among them."""
    if x.dtype.kind != "f":
        return True
    least = np.iinfo(f"i{x.itemsize}").min
    return not (np.isnan(x).any() or (x.view(f"i{x.itemsize}") == least).any())


# --- ranks and places in one integer --------------------------------------------------------------


def _bits(n: int) -> int:
    """Of a place."""
    return (n - 1).bit_length()


def _packed(np: Any, x: Any, descending: bool) -> Any:
    """Integers that are sorted as the elements of each line are, places in their lower bits; None
    where that takes more than 64.
    """
    n, flat = x.shape[-1], x.reshape(-1)
    rank = _rank(np, flat, 63 - _bits(n))
    if rank is None:
        return None
    out = np.empty(flat.shape, np.int64)
    for first in range(0, flat.size, BLOCK):
        part = out[first : first + BLOCK]
        part[...] = rank(flat[first : first + BLOCK])
        if descending:
            np.invert(part, part)
        part <<= _bits(n)
    out = out.reshape(x.shape)
    out |= np.arange(n)
    return out


def _rank(np: Any, x: Any, bits: int) -> Any:
    """What gives integers of so many bits and a sign that are in the order of elements, or None."""
    if x.dtype == np.float32:
        return (lambda part: _of_single(np, part)) if bits >= 31 else None
    if x.dtype.kind == "f":
        return None
    low, high = x.min(), x.max()
    if int(high) - int(low) >> bits:
        return None
    if x.dtype.kind == "b":
        return lambda part: part
    return lambda part: np.subtract(part, low, dtype=_differences(np, x.dtype))


def _differences(np: Any, dtype: Any) -> Any:
    """A dtype whose numbers hold differences of a dtype's, once these wrap around."""
    return dtype if dtype.itemsize == 8 else np.int64


def _of_single(np: Any, x: Any) -> Any:
    """The magnitude's bits, negated where the number is negative; the greatest for NaN."""
    bits = x.view(np.int32)
    sign = bits >> 31
    rank = bits & 0x7FFFFFFF
    rank ^= sign
    rank -= sign
    missing = np.isnan(x)
    if missing.any():
        rank[missing] = 0x7FFFFFFF
    return rank


def _part(packed: Any, start: int, count: int) -> Any:
    """From the start on so many of each line's integers, in any order."""
    if start:
        packed.partition(start, -1)
        packed = packed[..., start:]
    if count < packed.shape[-1]:
        packed.partition(count - 1, -1)
        packed = packed[..., :count]
    return packed


# --- elements themselves --------------------------------------------------------------------------


def _ascending(np: Any, x: Any, start: int, count: int) -> Any:
    n = x.shape[-1]
    if x.size <= FEW or x.itemsize < 4:
        return np.argsort(x, -1, "stable")[..., start : start + count].astype(np.int64, copy=False)
    found = _told_apart(np, x, start, count) if count < n else None
    return _repaired(np, x)[..., start : start + count] if found is None else found


def _told_apart(np: Any, x: Any, start: int, count: int) -> Any:
    """Places of what lies between the first and the last element that are wanted; None where other
    elements are as great as one of these.
    """
    low = np.partition(x, start, -1)[..., start, None]
    high = np.partition(x, start + count - 1, -1)[..., start + count - 1, None]
    inside = (x >= low) & (x <= high)
    if not (inside.sum(-1) == count).all():
        return None
    places = np.nonzero(inside)[-1].reshape(*x.shape[:-1], count)
    order = np.argsort(np.take_along_axis(x, places, -1), -1, "stable")
    return np.take_along_axis(places, order, -1)


def _repaired(np: Any, x: Any) -> Any:
    """A sort that is not stable, then places of equal elements sorted."""
    order = np.argsort(x, -1).astype(np.int64, copy=False)
    found = np.take_along_axis(x, order, -1)
    here, before = found[..., 1:], found[..., :-1]
    same = (here == before) | ((here != here) & (before != before))
    if same.any():
        order[..., 1:] |= np.cumsum(~same, -1) << _bits(x.shape[-1])
        order.sort(-1)
        order &= (1 << _bits(x.shape[-1])) - 1
    return order
