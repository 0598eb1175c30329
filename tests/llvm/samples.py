"""Arguments that functions are tested with."""

import numpy as np

SPECIAL = [
    *(
        0.0,
        np.inf,
        np.nan,
        1.0,
        0.5,
        2.0,
        2.5,
        3.0,
        1e-45,
        1e-40,
        1e-38,
        5e-324,
        1e-308,
        1e-300,
        1e300,
    ),
    *(1e5, 1e9, 1e20, 2.0**24 - 1, 2.0**24, 2.0**53 - 1, 2.0**53, 2.0**60, 3e38, 1.7e308),
    *(88.72, 88.73, 89.4, 89.5, 103.97, 103.98, 709.78, 709.79, 710.47, 710.48, 745.13, 745.14),
    *(1 + 2.0**-23, 1 - 2.0**-24, 1 + 2.0**-52, 1 - 2.0**-53),
]
# Where a function's way of computing changes, or where its value is 0, and how far around.
PLACES = [
    *((1.0, 1e-1), (1.0, 1e-4), (1.0, 1e-7), (0.5, 1e-2), (0.5493, 1e-2), (0.70711, 1e-3)),
    *((1.41421, 1e-3), (0.29289, 1e-2), (0.41421, 1e-2), (0.34657, 1e-2), (1.03972, 1e-2)),
    *((88.7228, 1e-4), (103.6, 1e-2), (709.7827, 1e-5), (710.4758, 1e-5), (742.0, 1e-2)),
    *((17.3, 0.1), (37.4, 0.1), (9.0, 0.1), (1e5, 0.1), (1e6, 0.1), (2.0**30, 0.1), (1e22, 1)),
]


def special(dtype: str) -> np.ndarray:
    """Special values, of both signs."""
    with np.errstate(over="ignore"):
        return np.array([*SPECIAL, *(-np.array(SPECIAL))]).astype(dtype)


def bits(rng: np.random.Generator, dtype: str, n: int) -> np.ndarray:
    """Numbers with random bits."""
    size = np.dtype(dtype).itemsize
    return rng.integers(0, 1 << (8 * size), n, dtype=f"u{size}").view(dtype)


def singles(dtype: str, n: int) -> np.ndarray:
    """Arguments of functions of one number, some 6 n of them."""
    rng = np.random.default_rng(2)
    few = max(n // 16, 4)
    parts = [bits(rng, dtype, n), *(rng.standard_normal(n) * s for s in (0.3, 3.0, 100.0))]
    for place, reach in PLACES:
        parts.append(place * (1 + reach * rng.standard_normal(few)) * rng.choice([-1.0, 1.0], few))
    turns = np.concatenate([np.arange(few), rng.integers(0, 1 << 20, few)])
    parts += [
        turns * (np.pi / 2),
        np.exp(rng.uniform(-50, 5, n // 2)),
        -np.exp(rng.uniform(-50, 1, few)),
    ]
    parts += [sign * (1 - np.exp(-rng.uniform(0, 37, few))) for sign in (1.0, -1.0)]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate([special(dtype), *(p.astype(dtype) for p in parts)])


def pairs(name: str, dtype: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Arguments of functions of two numbers: all pairs of special values, and some 6 n more."""
    with np.errstate(all="ignore"):
        return mixed(name, dtype, n)


def mixed(name: str, dtype: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs."""
    rng = np.random.default_rng(3)
    edge = special(dtype)
    xs, ys = [np.repeat(edge, len(edge))], [np.tile(edge, len(edge))]
    some, normal = bits(rng, dtype, n), rng.standard_normal
    for x, y in (
        (some, bits(rng, dtype, n)),
        (some, normal(n)),
        (some, some * normal(n)),
        (normal(n) * 10, normal(n) * 10),
        (normal(n) * 5, rng.integers(-30, 30, n)),
    ):
        xs.append(x)
        ys.append(y)
    if name == "pow":  # results over the whole range, from x near 1 and elsewhere
        whole = (-1080, 1030) if dtype == "float64" else (-152, 130)
        for x in (np.exp(5 * normal(n)), 1 + 2.0 ** -rng.uniform(0, 23, n)):
            xs.append(x)
            ys.append(rng.uniform(*whole, n) / np.log2(x))
    x, y = (np.concatenate([np.asarray(p).astype(dtype) for p in ps]) for ps in (xs, ys))
    return x, y
