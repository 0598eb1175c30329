"""The coefficients of the native target's functions.

    python benchmarks/minimax.py > lazytensor/targets/llvm/functions/coefficients.py

Each row is a function F near 0, given by what a polynomial P must be so that F is found from it,
and by how an error of P is weighed in the result. P is the minimax polynomial (Remez' exchange, in
60 digits), its coefficients rounded to the type; the error stated is that of the rounded ones.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from mpmath import mp, mpf

mp.dps = 100
Function = Callable[[mpf], mpf]
LN2 = mp.log(2)


class Row(NamedTuple):
    """P(x) ≈ target(x) on [low, high], with the error target's times weight."""

    name: str
    what: str
    target: Function
    weight: Function
    low: mpf
    high: mpf
    terms: tuple[int, int]  # of float and of double


def remez(f: Function, w: Function, low: mpf, high: mpf, terms: int) -> list[mpf]:
    """The polynomial with so many terms whose weighed error is least."""
    n = terms + 1
    middle, reach = (low + high) / 2, (high - low) / 2
    middle += reach * mpf(10) ** -9  # no point is 0
    grid = [middle - reach * mp.cos(mp.pi * k / (30 * n)) for k in range(30 * n + 1)]
    values = [(x, f(x), w(x)) for x in grid]
    points = [values[30 * k + 17] for k in range(n)]
    found: list[mpf] = []
    for _ in range(12):
        rows = []
        for i, (x, _, v) in enumerate(points):
            rows.append([x**j for j in range(terms)] + [(-1) ** i / v])
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix([y for _, y, _ in points]))
        found = list(solution)[:terms]
        errors = [(mp.polyval(found[::-1], x) - y) * v for x, y, v in values]
        peaks: list[int] = []
        for i, e in enumerate(errors):
            if peaks and (errors[peaks[-1]] > 0) == (e > 0):
                if abs(e) > abs(errors[peaks[-1]]):
                    peaks[-1] = i
            else:
                peaks.append(i)
        while len(peaks) > n:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) < n:
            break
        points = [values[i] for i in peaks]
        sizes = [abs(errors[i]) for i in peaks]
        if max(sizes) < min(sizes) * mpf("1.001"):
            break
    return found


def rounded(row: Row, terms: int, type: Callable[[float], float]) -> list[float]:
    """The coefficients in a type: each is rounded, and those after it make the best
    of it."""
    found: list[float] = []
    if row.low < 0:  # what is left has no weight within the range: the exchange doesn't settle
        return [float(type(float(v))) for v in remez(*row[2:6], terms)]
    for k in range(terms):

        def rest(x: mpf, k: int = k) -> mpf:
            return (row.target(x) - (mp.polyval(found[::-1], x) if found else 0)) / x**k

        def weight(x: mpf, k: int = k) -> mpf:
            return row.weight(x) * abs(x) ** k

        best = remez(rest, weight, row.low, row.high, terms - k)
        found.append(float(type(float(best[0]))))
    return found


def error(row: Row, found: list[float]) -> float:
    """The binary logarithm of the greatest error of a polynomial."""
    points = [row.low + (row.high - row.low) * (k + mpf("0.5")) / 1000 for k in range(1000)]
    errors = [(mp.polyval(found[::-1], x) - row.target(x)) * row.weight(x) for x in points]
    return float(mp.log(max(map(abs, errors)), 2))


def odd(f: Function) -> tuple[Function, Function]:
    """For f(x) = x + x³ P(x²): P, and the weight of its error relative to f."""

    def target(z: mpf) -> mpf:
        x = mp.sqrt(z)
        return (f(x) - x) / (x * z)

    return target, lambda z: mp.sqrt(z) * z / abs(f(mp.sqrt(z)))


def log_tail(z: mpf) -> mpf:
    """L in log((1 + s) / (1 - s)) = 2 s + s z L(z), z = s²."""
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / (s * z)


def log2_tail(z: mpf) -> mpf:
    """L in log2((1 + s) / (1 - s)) = s (2 / ln 2 + 2 / (3 ln 2) z + z² L(z)), z = s²."""
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) / s - 2 - 2 * z / 3) / LN2 / z**2


HALF = LN2 / 2 * mpf("1.0005")
QUARTER = mp.pi / 4 * mpf("1.006")
S2 = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mpf("1.0001")
ROWS = [
    Row("EXP", "exp(r) = 1 + r + r² P(r), |r| < 0.3468; relative",
        lambda r: (mp.expm1(r) - r) / r**2,
        lambda r: r**2 / mp.exp(r), -HALF, HALF, (5, 10)),
    Row("EXPM1", "exp(r) - 1 = r + r² P(r), |r| < 0.3468; relative",
        lambda r: (mp.expm1(r) - r) / r**2,
        lambda r: r**2 / abs(mp.expm1(r)), -HALF, HALF, (6, 11)),
    Row("EXP2", "2^r = 1 + r (ln 2 + r P(r)), |r| < 0.501; relative",
        lambda r: (mp.expm1(r * LN2) - r * LN2) / r**2,
        lambda r: r**2 / mp.exp(r * LN2), mpf("-0.501"), mpf("0.501"), (5, 11)),
    Row("LOG", "log((1+s)/(1-s)) = 2s + s z P(z), z = s² < 0.02945; relative",
        log_tail, lambda z: z / 2, mpf(0), S2, (3, 7)),
    Row("LOG2", "log2((1+s)/(1-s)) = s (2/ln 2 + z (2/(3 ln 2) + z P(z))), z = s² < 0.02945; "
        "relative",
        log2_tail, lambda z: z**2 / 2, mpf(0), S2, (3, 9)),
    Row("SIN4", "sin r = r + r³ P(r²), |r| < 0.791; relative",
        *odd(mp.sin), mpf(0), QUARTER**2, (3, 6)),
    Row("COS4", "cos r = 1 - r²/2 + r⁴ P(r²), |r| < 0.791; relative",
        lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2,
        lambda z: z**2 / mp.cos(mp.sqrt(z)), mpf(0), QUARTER**2, (3, 6)),
    Row("ATAN", "atan x = x + x³ P(x²), |x| ≤ 1; relative",
        *odd(mp.atan), mpf(0), mpf(1), (10, 21)),
    Row("ASIN", "asin x = x + x³ P(x²), |x| ≤ 1/2; relative",
        *odd(mp.asin), mpf(0), mpf("0.25"), (5, 13)),
    Row("SINH", "sinh x = x + x³ P(x²), |x| < 1; relative",
        *odd(mp.sinh), mpf(0), mpf(1), (4, 7)),
]  # fmt: skip

HEADER = '''\
"""Coefficients of minimax polynomials, lowest first: what `benchmarks/minimax.py` prints.

Each holds for the range stated; the error is that of the result with rounded coefficients and exact
arithmetic, in powers of two for float and double. It must not know what is done with them.
"""

Coefficients = dict[str, tuple[float, ...]]'''


def main() -> None:
    """Print the file."""
    blocks = [HEADER]
    for row in ROWS:
        lines, errors = [f"{row.name}: Coefficients = {{"], []
        for name, type, terms in zip(("float", "double"), (np.float32, np.float64), row.terms):
            found = rounded(row, terms, type)
            errors.append(f"2^{error(row, found):.1f}")
            lines += [f'    "{name}": (', *(f"        {v!r}," for v in found), "    ),"]
        blocks.append("\n".join([f"# {row.what}:\n# {', '.join(errors)}.", *lines, "}"]))
    print("\n\n".join(blocks))


if __name__ == "__main__":
    main()
