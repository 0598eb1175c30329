"""NumPy arrays in, NumPy arrays out: what the tests of this folder share."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lazytensor._base.dtypes import STANDARD, kind
from lazytensor.ir.node import Node, leaf
from lazytensor.runtime.materialize import value

SHAPES = [(), (1,), (7,), (0,), (3, 4), (0, 3), (3, 0), (2, 3, 4), (2, 0, 4), (1, 5, 1)]


def made(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> np.ndarray[Any, Any]:
    """Numbers of a dtype, negative ones among them where it has them, none of them NaN."""
    rng = np.random.default_rng([seed, *shape, ord(np.dtype(dtype).char)])
    k = kind(np.dtype(dtype))
    if k in "iu":
        return np.asarray(rng.integers(0 if k == "u" else -9, 10, shape), dtype)
    x = rng.normal(size=shape)
    return np.asarray(
        x < 0.3 if k == "b" else x + 1j * rng.normal(size=shape) if k == "c" else x, dtype
    )


def run(f: Callable[..., Any], *arrays: Any, **kwargs: Any) -> Any:
    """`f` on nodes of the arrays, computed; shapes and dtypes are checked to be as inferred."""
    out = f(
        *(leaf(np.asarray(a)) if isinstance(a, np.ndarray | np.generic) else a for a in arrays),
        **kwargs,
    )
    return tuple(map(_computed, out)) if isinstance(out, tuple) else _computed(out)


def _computed(node: Node) -> np.ndarray[Any, Any]:
    out = value(node)
    assert (out.shape, out.dtype) == (node.shape, node.dtype)
    return out


def dtypes(kinds: str) -> list[np.dtype[Any]]:
    """The standard's dtypes of these kinds."""
    return [d for d in STANDARD if kind(d) in kinds]


def axes_of(ndim: int) -> Iterator[Any]:
    """None, each axis from both ends, the empty tuple, and pairs."""
    yield None
    yield from range(-ndim, ndim)
    yield ()
    if ndim > 1:
        yield (0, -1)
    if ndim > 2:
        yield (2, 0)


def same(got: np.ndarray[Any, Any], want: Any, dtype: Any = None, scale: float = 1.0) -> None:
    """Shape and dtype equal, values to `scale` times 50 ulp of the largest, integers exactly."""
    want = np.asarray(want, dtype)
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    if want.dtype.kind in "biu" or not want.size:
        np.testing.assert_array_equal(got, want)
        return
    finite = want[np.isfinite(want)]
    size = float(np.max(np.abs(finite), initial=0.0))
    eps = float(np.finfo(want.dtype).eps)
    np.testing.assert_allclose(got, want, rtol=50 * scale * eps, atol=50 * scale * eps * size)
