"""Programs over the face whose results are to be the same bits however they are run.

Run as a module this prints a digest of each, so that processes can be compared.
"""

import hashlib
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import lazytensor as xp

Program = Callable[[Any], Any]

REAL = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = ("bool", *INTEGERS, *REAL, *COMPLEX)


def data(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Numbers of a dtype, with a few special ones."""
    rng = np.random.default_rng([seed, len(dtype), *map(ord, dtype), *shape])
    wanted = xp.asarray([0.0]).dtype if dtype == "bfloat16" else np.dtype(dtype)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        info = np.iinfo(dtype)
        low = max(info.min, -1000)
        return rng.integers(low, min(info.max, 1000), shape).astype(wanted)
    x = rng.standard_normal(shape) * np.exp(rng.standard_normal(shape))
    if dtype in COMPLEX:
        x = x + 1j * rng.standard_normal(shape)
    x = x.astype(wanted)
    flat = x.reshape(-1)
    for at, special in enumerate((0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, 1.0)):
        if flat.size > 40:
            flat[at * 5 + 3] = special
    return x


def softmax(x: Any) -> Any:
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def layer_norm(x: Any) -> Any:
    center = x - xp.mean(x, axis=-1, keepdims=True)
    return center / xp.sqrt(xp.mean(center * center, axis=-1, keepdims=True) + 1e-5)


def gelu(x: Any) -> Any:
    return 0.5 * x * (1.0 + xp.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def polynomial(x: Any) -> Any:
    y = x
    for k in range(6):
        y = y * x + k
    return y


def reductions(x: Any) -> list[Any]:
    """Sums over every axis, and all, of several layouts."""
    layouts = (x, xp.permute_dims(x, (2, 0, 1)), xp.flip(x, axis=1), x[:, ::2, 1:])
    axes = (None, 0, 1, 2, (0, 2), (1, 2))
    return [xp.sum(v, axis=a) for v in layouts for a in axes] + [xp.prod(x, axis=1)]


NUMERIC: dict[str, Program] = {
    "reductions": reductions,
    "polynomial": polynomial,
    "running sums": lambda x: [xp.cumulative_sum(x, axis=a) for a in range(3)],
    "running products": lambda x: [xp.cumulative_prod(x, axis=a) for a in range(3)],
    "a row sum, read again": lambda x: x * 2 + xp.sum(x, axis=2, keepdims=True, dtype=x.dtype),
    "matmul": lambda x: xp.matmul(x, xp.matrix_transpose(x)),
    "shifted": lambda x: xp.concat([x[1:] * 3, xp.roll(x, 2, axis=1)], axis=0) - 1,
}  # fmt: skip
ORDERED: dict[str, Program] = {
    "sorts": lambda x: [xp.sort(x, axis=a, descending=d) for a in range(3) for d in (False, True)],
    "argsorts": lambda x: [xp.argsort(x, axis=a) for a in range(3)],
    "extremes": lambda x: [
        f(x, axis=a) for f in (xp.max, xp.min, xp.argmax, xp.argmin) for a in (None, 0, 2)
    ],
    "clip and compare": lambda x: xp.where(x > 0, xp.clip(x, 0, 1), x),
}
FLOATING: dict[str, Program] = {
    "softmax": softmax,
    "layer norm": layer_norm,
    "gelu": gelu,
    "variance": lambda x: [xp.var(x, axis=a) for a in (None, 0, 1, (1, 2))],
    "transcendental": lambda x: xp.sin(xp.exp(-xp.abs(x))) * xp.log1p(x * x) + xp.atan2(x, 3 - x),
    "logsumexp": lambda x: xp.log(xp.sum(xp.exp(xp.clip(x, -9.0, 9.0)), axis=1)),
}  # fmt: skip
COMPLEXES: dict[str, Program] = {
    "complex products": lambda x: x * xp.conj(x) * (1 + 2j) - x / (x + 1j),
    "complex functions": lambda x: xp.exp(x * 0.1) + xp.sqrt(x),
    "absolute": lambda x: [xp.abs(x), xp.real(x) * xp.imag(x)],
    "complex mean": lambda x: [xp.mean(x, axis=a) for a in (None, 0, 2)],
}
LOGICAL: dict[str, Program] = {
    "logic": lambda x: [xp.all(x, axis=0), xp.any(x, axis=1), ~x, x & xp.flip(x)],
    "count": lambda x: xp.count_nonzero(x, axis=2),
}


def programs(dtype: str) -> dict[str, Program]:
    """Those that take a dtype."""
    if dtype == "bool":
        return LOGICAL
    real = {**NUMERIC, **ORDERED} if dtype not in COMPLEX else {**NUMERIC, **COMPLEXES}
    return {**real, **FLOATING} if dtype in REAL else real


def results(out: Any) -> Iterator[Any]:
    """The arrays of a result."""
    yield from out if isinstance(out, list | tuple) else [out]


def made(dtype: str, shape: tuple[int, ...] = (5, 7, 23)) -> Any:
    """The array that a program is run on."""
    if dtype == "bfloat16":
        return xp.astype(xp.asarray(data("float32", shape)), "bfloat16")
    return xp.asarray(data(dtype, shape))


def bits(program: Program, x: Any) -> list[tuple[str, tuple[int, ...], bytes]]:
    """Dtype, shape and bytes of each result; NaNs are all one."""
    arrays = list(results(program(x)))
    xp.materialize(*arrays)
    return [(str(a.dtype), a.shape, canonical(np.asarray(a)).tobytes()) for a in arrays]


def canonical(a: np.ndarray) -> np.ndarray:
    """The array with one NaN for all NaNs: their payloads are the hardware's affair."""
    if a.dtype.kind == "c":
        part = np.float32 if a.dtype == np.complex64 else np.float64
        return canonical(np.ascontiguousarray(a).reshape(-1).view(part))
    if a.dtype.kind in "fV":
        return np.where(np.isnan(a), np.array(np.nan, a.dtype), a)
    return a


def digest(found: list[tuple[str, tuple[int, ...], bytes]]) -> str:
    """A short name of results."""
    h = hashlib.sha256()
    for dtype, shape, raw in found:
        h.update(f"{dtype}{shape}".encode() + raw)
    return h.hexdigest()[:16]


def main() -> None:
    """Print a digest of every program, by dtype."""
    warnings.simplefilter("error")
    shape = tuple(map(int, sys.argv[1].split(",")))
    for dtype in DTYPES:
        x = made(dtype, shape)
        for name, program in programs(dtype).items():
            print(f"{dtype}: {name}: {digest(bits(program, x))}")


if __name__ == "__main__":
    main()
