"""Factorisations of stacks of matrices that NumPy has not, step by step, as LAPACK takes them.

Steps are taken for all matrices of a stack at once where each takes the same ones; blocks of rows
turn most of the work into products. What enters: a NumPy-like module, arrays (…, m, n). What
leaves: arrays, pivots counted from 1 as LAPACK's are. It must not know nodes.
"""

from math import sqrt
from typing import Any

from .._base.module import own

BLOCK = 32
# Rows of a block that native code solves; multiplications from which on it is asked.
WIDE, MANY = 64, 1 << 14


def size1(np: Any, x: Any) -> Any:
    """|re| + |im|, by which LAPACK chooses pivots."""
    return np.abs(x.real) + np.abs(x.imag) if x.dtype.kind == "c" else np.abs(x)


def _stacked(x: Any) -> Any:
    """(…, m, n) as (batch, m, n)."""
    count = 1
    for n in x.shape[:-2]:
        count *= n
    return x.reshape((count, *x.shape[-2:]))


# --- triangular systems ---------------------------------------------------------------------------


def substitute(np: Any, a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """x with T x = b, T the lower or upper triangle of a, its diagonal taken as 1 if `unit`."""
    native = own(np, "substitution") if b.size * a.shape[-1] >= MANY else None
    if native and a.dtype.kind == "f":
        return _substituted(np, native, a, b, upper, unit)
    if upper:
        flipped = substitute(np, a[..., ::-1, ::-1], b[..., ::-1, :], False, unit)
        return np.ascontiguousarray(flipped[..., ::-1, :])
    a, x = np.ascontiguousarray(a), np.array(b, order="C")
    n = a.shape[-1]
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        if start:
            x[..., start:end, :] -= np.matmul(a[..., start:end, :start], x[..., :start, :])
        for i in range(start, end):
            if i > start:
                x[..., i, :] -= np.matmul(a[..., i : i + 1, start:i], x[..., start:i, :])[..., 0, :]
            if not unit:
                x[..., i, :] /= a[..., i, i, None]
    return x


def _substituted(np: Any, native: Any, a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """The same by native code for blocks on the diagonal."""
    left, x = _stacked(a), _stacked(np.array(b, order="C"))
    n = a.shape[-1]
    starts = range(0, n, WIDE)
    for start in reversed(starts) if upper else starts:
        end = min(start + WIDE, n)
        done = slice(end, n) if upper else slice(0, start)
        if done.stop > done.start:
            x[:, start:end] -= np.matmul(left[:, start:end, done], x[:, done])
        native(left[:, start:end, start:end], x[:, start:end], upper, unit)
    return x.reshape(b.shape)


# --- LU -------------------------------------------------------------------------------------------


def lu(np: Any, x: Any) -> tuple[Any, Any, Any]:
    """L and U in one matrix, the rows exchanged with each, and where U is first 0 (0: nowhere)."""
    m, n = x.shape[-2:]
    k = min(m, n)
    a = np.array(_stacked(x), order="C")
    pivots = np.zeros((a.shape[0], k), np.int32)
    info = np.zeros(a.shape[0], np.int32)
    native = own(np, "lu_panel") if a.size * k >= MANY else None
    for start in range(0, k, BLOCK):
        end = min(start + BLOCK, k)
        if not (native and native(a, pivots, info, start, end)):
            _eliminated(np, a, pivots, info, start, end)
        if end < n:
            top = a[:, start:end, start:end]
            a[:, start:end, end:] = substitute(np, top, a[:, start:end, end:], False, True)
            a[:, end:, end:] -= np.matmul(a[:, end:, start:end], a[:, start:end, end:])
    lead = x.shape[:-2]
    return a.reshape(x.shape), pivots.reshape((*lead, k)), info.reshape(lead)


def _eliminated(np: Any, a: Any, pivots: Any, info: Any, start: int, end: int) -> None:
    """Columns of matrices eliminated in place, rows exchanged whole."""
    panel, moved, places, zero = _panel(np, a[:, start:, start:end])
    a[:, start:] = np.take_along_axis(a[:, start:], moved[..., None], 1)
    a[:, start:, start:end] = panel
    pivots[:, start:end] = places + (start + 1)
    info[(info == 0) & (zero > 0)] = zero[(info == 0) & (zero > 0)] + start


def _panel(np: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """A few columns eliminated: factors, the order that rows came to, the rows exchanged with each,
    and where a pivot is first 0, from 1.
    """
    a = np.array(x.swapaxes(-1, -2), order="C")  # a copy also of one column
    count, width, rows = a.shape
    moved = np.tile(np.arange(rows), (count, 1))
    places, zero = np.zeros((count, width), np.int32), np.zeros(count, np.int32)
    each = np.arange(count)
    for j in range(width):
        place = j + size1(np, a[:, j, j:]).argmax(-1)
        places[:, j] = place
        for line in (a, moved):
            chosen = line[each, ..., place]
            line[each, ..., place] = line[..., j]
            line[..., j] = chosen
        pivot = a[:, j, j]
        flat = pivot == 0
        zero[flat & (zero == 0)] = j + 1
        a[:, j, j + 1 :] /= np.where(flat, 1, pivot)[:, None]
        a[:, j + 1 :, j + 1 :] -= a[:, j + 1 :, j, None] * a[:, j, None, j + 1 :]
    return a.swapaxes(-1, -2), moved, places, zero


def order(np: Any, pivots: Any, rows: int) -> Any:
    """The order of rows that exchanging each with its pivot makes."""
    flat = pivots.reshape((-1, pivots.shape[-1])) if pivots.size else pivots.reshape((0, 0))
    count = 1
    for n in pivots.shape[:-1]:
        count *= n
    found = np.tile(np.arange(rows, dtype=np.int64), (count, 1))
    each = np.arange(count)
    for j in range(pivots.shape[-1] if pivots.size else 0):
        place = flat[:, j].astype(np.int64) - 1
        chosen = found[each, place]
        found[each, place] = found[:, j]
        found[:, j] = chosen
    return found.reshape((*pivots.shape[:-1], rows))


def _lu_solution(np: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """x with a x = b for one matrix, singular ones too, and where U is first 0."""
    factors, pivots, info = lu(np, a)
    y = substitute(np, factors, b[order(np, pivots, a.shape[-1])], False, True)
    return substitute(np, factors, y, True, False), info


def solution(np: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """x with a x = b, and for singular matrices the place of a pivot that is 0."""
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        return np.linalg.solve(a, b), info
    except np.linalg.LinAlgError:
        x = np.empty_like(b)
        for i in np.ndindex(a.shape[:-2]):
            x[i], info[i] = _lu_solution(np, a[i], b[i])
        return x, info


def inverse(np: Any, a: Any) -> tuple[Any, Any]:
    """The inverse, and for singular matrices the place of a pivot that is 0."""
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        return np.linalg.inv(a), info
    except np.linalg.LinAlgError:
        one = np.eye(a.shape[-1], dtype=a.dtype)
        return solution(np, a, np.array(np.broadcast_to(one, a.shape)))


# --- Cholesky -------------------------------------------------------------------------------------


def cholesky(np: Any, a: Any) -> tuple[Any, Any]:
    """L, as far as it goes, and the order of the first minor that is not positive (0: none is)."""
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        low = np.linalg.cholesky(a)
        if not np.isnan(np.diagonal(low, axis1=-2, axis2=-1)).any():
            return low, info
        raise np.linalg.LinAlgError
    except np.linalg.LinAlgError:
        low = np.tril(a)
        for i in np.ndindex(a.shape[:-2]):
            info[i] = _partial_cholesky(np, low[i])
        return low, info


def _partial_cholesky(np: Any, a: Any) -> int:
    """Overwrite the lower triangle of one matrix until a pivot is not positive."""
    for j in range(a.shape[-1]):
        row = a[j, :j]
        pivot = a[j, j].real - np.sum((row * row.conj()).real)
        a[j, j] = pivot
        if not pivot > 0:
            return j + 1
        a[j, j] = np.sqrt(pivot)
        a[j + 1 :, j] = (a[j + 1 :, j] - a[j + 1 :, :j] @ row.conj()) / a[j, j]
    return 0


# --- LDL ------------------------------------------------------------------------------------------


def ldl(np: Any, x: Any, hermitian: bool) -> tuple[Any, Any, Any]:
    """L and the block diagonal D in one lower triangle, by Bunch and Kaufman's pivots.

    Source: Bunch, Kaufman, Some stable methods for calculating inertia and solving symmetric linear
    systems (1977). A pivot below 0 stands for a block of two.
    """
    a = np.tril(x)
    pivots = np.zeros(x.shape[:-1], np.int32)
    info = np.zeros(x.shape[:-2], np.int32)
    for i in np.ndindex(x.shape[:-2]):
        info[i] = _ldl(np, a[i], pivots[i], hermitian and a.dtype.kind == "c")
    return a, pivots, info


def _ldl(np: Any, a: Any, pivots: Any, hermitian: bool) -> int:
    n, k, info = a.shape[-1], 0, 0
    while k < n:
        if hermitian:
            a[k, k] = a[k, k].real
        place, step = _ldl_pivot(np, a, k)
        if place < 0:
            info, place = info or k + 1, k
            pivots[k] = k + 1
            k += 1
            continue
        _exchange(a, k, k + step - 1, place, step, hermitian)
        _eliminate(np, a, k, step, hermitian)
        pivots[k : k + step] = place + 1 if step == 1 else -(place + 1)
        k += step
    return info


def _ldl_pivot(np: Any, a: Any, k: int) -> tuple[int, int]:
    """The row to exchange, -1 where the column is 0, and the size of the block."""
    alpha = (1 + sqrt(17)) / 8
    own = float(size1(np, a[k, k]))
    column = size1(np, a[k + 1 :, k])
    largest = float(column.max()) if column.size else 0.0
    if max(own, largest) == 0 or own != own:
        return -1, 1
    if own >= alpha * largest:
        return k, 1
    place = k + 1 + int(column.argmax())
    across = float(size1(np, a[place, k:place]).max())
    if place + 1 < a.shape[-1]:
        across = max(across, float(size1(np, a[place + 1 :, place]).max()))
    if own >= alpha * largest * (largest / across):
        return k, 1
    if float(size1(np, a[place, place])) >= alpha * across:
        return place, 1
    return place, 2


def _exchange(a: Any, k: int, row: int, place: int, step: int, hermitian: bool) -> None:
    """Exchange two rows and columns of what the lower triangle stands for."""
    if place == row:
        return
    a[place + 1 :, [row, place]] = a[place + 1 :, [place, row]]
    middle = a[row + 1 : place, row].copy()
    a[row + 1 : place, row] = a[place, row + 1 : place]
    a[place, row + 1 : place] = middle
    if hermitian:
        a[row + 1 : place, row] = a[row + 1 : place, row].conj()
        a[place, row + 1 : place + 1] = a[place, row + 1 : place + 1].conj()
        a[place, row] = a[place, row].conj()
        a[place, place] = a[place, place].real
    a[row, row], a[place, place] = a[place, place].copy(), a[row, row].copy()
    if step == 2:
        a[k + 1, k], a[place, k] = a[place, k].copy(), a[k + 1, k].copy()


def _eliminate(np: Any, a: Any, k: int, step: int, hermitian: bool) -> None:
    """Take the block at k out of what is below and right of it."""
    rest = k + step
    if rest == a.shape[-1]:
        return
    left = a[rest:, k:rest].copy()
    block = _block(np, a, k, step, hermitian)
    scaled = np.linalg.solve(block.swapaxes(0, 1), left.swapaxes(0, 1)).swapaxes(0, 1)
    right = left.conj() if hermitian else left
    a[rest:, rest:] -= np.tril(scaled @ right.swapaxes(0, 1))
    a[rest:, k:rest] = scaled
    if hermitian:
        each = np.arange(rest, a.shape[-1])
        a[each, each] = a[each, each].real


def _block(np: Any, a: Any, k: int, step: int, hermitian: bool) -> Any:
    """The block of D at k, whole."""
    block = np.array(a[k : k + step, k : k + step])
    if step == 2:
        block[0, 1] = block[1, 0].conj() if hermitian else block[1, 0]
    return block


def ldl_solution(np: Any, a: Any, pivots: Any, b: Any, hermitian: bool) -> Any:
    """x with P L D L^T P^T x = b, of the factors that `ldl` gives."""
    x = np.array(b, order="C")
    for i in np.ndindex(a.shape[:-2]):
        _ldl_solve(np, a[i], pivots[i], x[i], hermitian and a.dtype.kind == "c")
    return x


def _steps(pivots: Any) -> list[tuple[int, int, int]]:
    """Where the blocks of D start, how large they are, which row was exchanged with their last."""
    found, k = [], 0
    while k < len(pivots):
        step = 1 if pivots[k] > 0 else 2
        found.append((k, step, abs(int(pivots[k])) - 1))
        k += step
    return found


def _ldl_solve(np: Any, a: Any, pivots: Any, x: Any, hermitian: bool) -> None:
    for k, step, place in _steps(pivots):
        last = k + step - 1
        x[[last, place]] = x[[place, last]]
        x[k + step :] -= a[k + step :, k : k + step] @ x[k : k + step]
        x[k : k + step] = np.linalg.solve(_block(np, a, k, step, hermitian), x[k : k + step])
    for k, step, place in reversed(_steps(pivots)):
        last = k + step - 1
        left = a[k + step :, k : k + step].swapaxes(0, 1)
        x[k : k + step] -= (left.conj() if hermitian else left) @ x[k + step :]
        x[[last, place]] = x[[place, last]]


# --- the exponential of a matrix ------------------------------------------------------------------

# Numerators of the diagonal Padé approximant of order 13.
PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0,
    960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
REACH = 5.371920351148152


def exponential(np: Any, x: Any) -> Any:
    """e^x by scaling and squaring, in double precision.

    Source: Higham, The scaling and squaring method for the matrix exponential revisited (2005).
    """
    a = _stacked(x).astype(np.result_type(x.dtype, np.float64))
    norm = np.abs(a).sum(-2).max(-1, initial=0)
    _, exponent = np.frexp(np.where(np.isfinite(norm), norm, 0) / REACH)
    halvings = np.maximum(exponent, 0)
    out = _approximant(np, a * np.ldexp(1.0, -halvings)[:, None, None])
    for i in range(int(halvings.max(initial=0))):
        more = halvings > i
        out[more] = np.matmul(out[more], out[more].copy())
    return out.astype(x.dtype).reshape(x.shape)


def _approximant(np: Any, a: Any) -> Any:
    one = np.eye(a.shape[-1], dtype=a.dtype)
    a2 = np.matmul(a, a.copy())
    a4 = np.matmul(a2, a2.copy())
    a6 = np.matmul(a2, a4)
    c = PADE
    high = np.matmul(a6, c[13] * a6 + c[11] * a4 + c[9] * a2)
    odd = np.matmul(a, high + c[7] * a6 + c[5] * a4 + c[3] * a2 + c[1] * one)
    even = np.matmul(a6, c[12] * a6 + c[10] * a4 + c[8] * a2)
    even = even + c[6] * a6 + c[4] * a4 + c[2] * a2 + c[0] * one
    return np.linalg.solve(even - odd, even + odd)


# --- pseudo-inverses ------------------------------------------------------------------------------


def pseudo_inverse(np: Any, x: Any, limits: Any, hermitian: bool) -> Any:
    """V / S U^H, of singular values above the larger of two limits (…, 2): the first as it is, the
    second times the largest value.
    """
    u, s, vh, sizes = _values(np, x, hermitian)
    largest = sizes.max(-1, keepdims=True) if sizes.shape[-1] else sizes[..., :0]
    limit = np.maximum(limits[..., :1], limits[..., 1:] * largest)
    above = sizes > limit if sizes.shape[-1] else sizes > 0
    inverse = np.where(above, 1 / np.where(above, s, 1), 0).astype(s.dtype)
    scaled = vh.conj().swapaxes(-1, -2) * inverse[..., None, :]
    return np.matmul(scaled, u.conj().swapaxes(-1, -2))


def _values(np: Any, x: Any, hermitian: bool) -> tuple[Any, Any, Any, Any]:
    if hermitian:
        w, v = np.linalg.eigh(x)
        return v, w, v.conj().swapaxes(-1, -2), np.abs(w)
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return u, s, vh, s
