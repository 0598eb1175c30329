"""The methods of arrays that NumPy's have and the standard's functions cover, with NumPy's
signatures.

What enters: handles. What leaves: handles; Python numbers from `item` and `tolist`. `np.sum(x)`
and its like call these with NumPy's keywords; `out` is taken for that and must be None. It must not
know the chapters: methods go to `lang` straight.
"""

from typing import Any, Self

import numpy as np

from .._base.dtypes import canonical
from .._base.errors import refusing
from .._base.shapes import normalize_axis, prod
from ..ir.node import Node, leaf
from ..lang import linalg, movement, reductions, sorting
from ..runtime.materialize import asked, value
from . import _rules as rules
from . import _views as views
from ._rules import cut, node_of


def _no_out(name: str, out: Any) -> None:
    if out is not None:
        raise TypeError(
            f"{name}: out must be None: arrays are not written into, got {type(out).__name__}"
        )


def _listed(x: Any) -> Any:
    """Lists as NumPy arrays, which NumPy's methods take where the standard wants arrays."""
    return np.asarray(x) if isinstance(x, list | tuple) else x


class Methods:
    """NumPy's methods over the node of a handle."""

    __slots__ = ()

    def __init__(self, node: Node) -> None:
        raise NotImplementedError  # the class of handles has it, and the slot

    @property
    def _node(self) -> Node:
        raise NotImplementedError

    @_node.setter
    def _node(self, node: Node) -> None: ...

    def _with(self, node: Node) -> Self:
        """A handle like this one on another node."""
        return type(self)(node)

    def _view(self, source: Node, node: Node) -> Self:
        """A handle that shows elements of this one, whose node was `source`."""
        return views.link(self, source, self._with(node))

    # --- attributes -------------------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._node.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self._node.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return int(self._node.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.itemsize * self.size

    @property
    def T(self) -> Self:
        """The transpose of a matrix. Raises ValueError for another number of axes."""
        if self.ndim != 2:
            raise ValueError(
                f"x.T needs two axes, got shape {self._node.shape}: use x.mT or permute_dims"
            )
        x = cut(self)
        return self._view(x, movement.permute(x, (1, 0)))

    @property
    @refusing
    def mT(self) -> Self:
        """The transpose of every matrix. Raises ValueError for fewer than two axes."""
        x = cut(self)
        return self._view(x, linalg.matrix_transpose(x))

    @property
    def real(self) -> Self:
        """Real parts."""
        return self._with(rules.REAL(cut(self)))

    @property
    def imag(self) -> Self:
        """Imaginary parts: zeros of a real array."""
        return self._with(rules.imag(cut(self)))

    # --- values -----------------------------------------------------------------------------------

    def item(self, *index: Any) -> Any:
        """The element at an index, or the only one, as a Python number. Raises ValueError,
        IndexError.
        """
        if not index and self.size != 1:
            raise ValueError(f"item: expected one element, got shape {self._node.shape}")
        return asked(self._node).item(*index)

    def tolist(self) -> Any:
        """Nested lists of Python numbers; of an array without axes the number."""
        return asked(self._node).tolist()

    # --- shapes -----------------------------------------------------------------------------------

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Self:
        """The elements in row-major order in another shape, of which one size may be -1."""
        if order not in ("C", "A", "K"):
            raise ValueError(f"reshape: order must be 'C', got {order!r}")
        wanted = shape[0] if len(shape) == 1 else shape
        x = cut(self)
        out = movement.reshape(x, wanted)
        return self._with(out) if copy else self._view(x, out)

    def transpose(self, *axes: Any) -> Self:
        """The axes in another order, reversed by default."""
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        x = cut(self)
        order = tuple(reversed(range(x.ndim))) if given is None else tuple(given)
        return self._view(x, movement.permute(x, order, "transpose"))

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """Two axes exchanged."""
        x = cut(self)
        order = list(range(x.ndim))
        a, b = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
        order[a], order[b] = b, a
        return self._view(x, movement.permute(x, tuple(order)))

    def ravel(self, order: str = "C") -> Self:
        """One axis of all elements, in row-major order."""
        return self.reshape(-1, order=order) if self.size else self.reshape(0)

    def flatten(self, order: str = "C") -> Self:
        """One axis of all elements, in row-major order; never a view."""
        return self._with(self.ravel(order)._node)

    def view(self, dtype: Any = None) -> Self:
        """The same bytes as another dtype; the value is computed. Raises ValueError for sizes.

        Nothing is shared: writing to one of the two handles leaves the other as it is.
        """
        node = cut(self)
        if dtype is None:
            return self._with(node)
        target, buffer = canonical(dtype), value(node)
        try:
            found = buffer.view(target)
        except ValueError as error:
            raise ValueError(f"view: {node.dtype} {node.shape} as {target}: {error}") from None
        return self._with(leaf(found, node.device))

    def squeeze(self, axis: Any = None) -> Self:
        """Without axes of size 1: all, or those given."""
        x = cut(self)
        if axis is None:
            axis = tuple(a for a, n in enumerate(x.shape) if n == 1)
        return self._view(x, movement.squeeze(x, axis))

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        """Every element several times, along an axis or flattened."""
        counts = (
            repeats
            if isinstance(repeats, int)
            else value(node_of(_listed(repeats), "repeat", "repeats"))
        )
        return self._with(movement.repeat(cut(self), counts, axis))

    def take(
        self, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise"
    ) -> Self:
        """Elements at integer indices along an axis, or of the flattened array."""
        _no_out("take", out)
        if mode != "raise":
            raise ValueError(f"take: mode must be 'raise', got {mode!r}")
        x = cut(self) if axis is not None else cut(self.ravel())
        return self._with(movement.take(x, node_of(_listed(indices), "take", "indices"), axis or 0))

    # --- dtypes and copies ------------------------------------------------------------------------

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
        copy: bool = True,
    ) -> Self:  # fmt: skip
        """The elements in another dtype. Raises TypeError for complex to real numbers."""
        node = rules.converted(cut(self), canonical(dtype))
        return self if node is self._node and not copy else self._with(node)

    def copy(self, order: str = "C") -> Self:
        """Another handle on the same elements."""
        return self._with(cut(self))

    def conj(self) -> Self:
        """Complex conjugates; a real array is its own."""
        return self._with(rules.CONJ(cut(self)))

    def conjugate(self) -> Self:
        """Complex conjugates; a real array is its own."""
        return self.conj()

    def round(self, decimals: int = 0, out: None = None) -> Self:
        """Rounded to a number of decimals, halves to even."""
        _no_out("round", out)
        return self._with(rules.rounded(cut(self), decimals))

    def clip(self, min: Any = None, max: Any = None, out: None = None) -> Self:
        """Limited to an interval; either end may be None."""
        _no_out("clip", out)
        return self._with(rules.clip(cut(self), min, max))

    # --- reductions -------------------------------------------------------------------------------

    def sum(
        self, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
    ) -> Self:
        """Sum over axes, all by default; small integers in 64 bits."""
        _no_out("sum", out)
        return self._with(reductions.sum(cut(self), axis, dtype=dtype, keepdims=keepdims))

    def prod(
        self, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
    ) -> Self:
        """Product over axes, all by default; small integers in 64 bits."""
        _no_out("prod", out)
        return self._with(reductions.prod(cut(self), axis, dtype=dtype, keepdims=keepdims))

    def mean(
        self, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
    ) -> Self:
        """Arithmetic mean over axes, all by default; of integers in float64."""
        _no_out("mean", out)
        return self._with(reductions.mean(cut(self), axis, dtype=dtype, keepdims=keepdims))

    def var(
        self, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0,
        keepdims: bool = False, *, correction: float | None = None,
    ) -> Self:  # fmt: skip
        """Variance over axes, all by default, of n - ddof (or `correction`) degrees."""
        _no_out("var", out)
        degrees = ddof if correction is None else correction
        return self._with(
            reductions.var(cut(self), axis, correction=degrees, dtype=dtype, keepdims=keepdims)
        )

    def std(
        self, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0,
        keepdims: bool = False, *, correction: float | None = None,
    ) -> Self:  # fmt: skip
        """Standard deviation over axes: the root of `var`."""
        _no_out("std", out)
        degrees = ddof if correction is None else correction
        return self._with(
            reductions.std(cut(self), axis, correction=degrees, dtype=dtype, keepdims=keepdims)
        )

    def max(self, axis: Any = None, out: None = None, keepdims: bool = False) -> Self:
        """Maximum over axes, all by default; NaN if any element is."""
        _no_out("max", out)
        return self._with(reductions.max(cut(self), axis, keepdims=keepdims))

    def min(self, axis: Any = None, out: None = None, keepdims: bool = False) -> Self:
        """Minimum over axes, all by default; NaN if any element is."""
        _no_out("min", out)
        return self._with(reductions.min(cut(self), axis, keepdims=keepdims))

    def any(self, axis: Any = None, out: None = None, keepdims: bool = False) -> Self:
        """Whether any element is true, over axes, all by default."""
        _no_out("any", out)
        return self._with(reductions.any(cut(self), axis, keepdims=keepdims))

    def all(self, axis: Any = None, out: None = None, keepdims: bool = False) -> Self:
        """Whether all elements are true, over axes, all by default."""
        _no_out("all", out)
        return self._with(reductions.all(cut(self), axis, keepdims=keepdims))

    def argmax(self, axis: int | None = None, out: None = None, keepdims: bool = False) -> Self:
        """Place of the first maximum along an axis, or of the flattened array."""
        _no_out("argmax", out)
        return self._with(reductions.argmax(cut(self), axis, keepdims=keepdims))

    def argmin(self, axis: int | None = None, out: None = None, keepdims: bool = False) -> Self:
        """Place of the first minimum along an axis, or of the flattened array."""
        _no_out("argmin", out)
        return self._with(reductions.argmin(cut(self), axis, keepdims=keepdims))

    def cumsum(self, axis: int | None = None, dtype: Any = None, out: None = None) -> Self:
        """Running sums along an axis, or of the flattened array."""
        _no_out("cumsum", out)
        x = cut(self) if axis is not None else cut(self.ravel())
        return self._with(reductions.cumulative_sum(x, axis, dtype=dtype))

    def cumprod(self, axis: int | None = None, dtype: Any = None, out: None = None) -> Self:
        """Running products along an axis, or of the flattened array."""
        _no_out("cumprod", out)
        x = cut(self) if axis is not None else cut(self.ravel())
        return self._with(reductions.cumulative_prod(x, axis, dtype=dtype))

    # --- places, orders, products -----------------------------------------------------------------

    def nonzero(self) -> tuple[Self, ...]:
        """The indices, one array an axis, of elements that are not zero. Computes the array."""
        x = cut(self)
        if not x.shape:
            raise ValueError("nonzero: expected at least one axis, got shape ()")
        return tuple(self._with(i) for i in rules.places(x))

    def argsort(self, axis: int | None = -1, kind: Any = None, order: None = None) -> Self:
        """Indices that sort along an axis, or the flattened array; equals keep their order."""
        x = cut(self) if axis is not None else cut(self.ravel())
        return self._with(sorting.argsort(x, -1 if axis is None else axis))

    def sort(self, axis: int = -1, kind: Any = None, order: None = None) -> None:
        """Sort along an axis, in place: this handle means the sorted array then."""
        views.written(self, sorting.sort(cut(self), axis))

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Self:
        """Where values go into this sorted vector."""
        x, values = rules.promoted("searchsorted", self, _listed(v))
        order = None if sorter is None else node_of(sorter, "searchsorted", "sorter")
        return self._with(sorting.searchsorted(x, values, side=side, sorter=order))

    def dot(self, b: Any) -> Self:
        """The product: of matrices, vectors, or with an array without axes."""
        x, y = rules.promoted("dot", self, _listed(b))
        if not x.shape or not y.shape:
            return self._with(rules.MULTIPLY(x, y))
        axes = ((x.ndim - 1,), (max(y.ndim - 2, 0),))
        return self._with(linalg.tensordot(x, y, axes))
