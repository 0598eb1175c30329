"""What the standard, version 2025.12, says of names: signatures, dtypes, promotion. Facts only, as
data.
"""

from __future__ import annotations

import numpy as np

VERSION = "2025.12"

# One line a signature, then the names that have it; a word alone opens a namespace.
_TEXT = """
main
(x, /): abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor imag
(x, /): isfinite isinf isnan log log1p log2 log10 logical_not negative positive real reciprocal
(x, /): round sign signbit sin sinh square sqrt tan tanh trunc matrix_transpose nonzero
(x, /): unique_all unique_counts unique_inverse unique_values
(x1, x2, /): add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor
(x1, x2, /): copysign divide equal floor_divide greater greater_equal hypot less less_equal
(x1, x2, /): logaddexp
(x1, x2, /): logical_and logical_or logical_xor maximum minimum multiply nextafter not_equal pow
(x1, x2, /): remainder subtract matmul
(x, /, min=None, max=None): clip
(start, /, stop=None, step=1, *, dtype=None, device=None): arange
(obj, /, *, dtype=None, device=None, copy=None): asarray
(shape, *, dtype=None, device=None): empty ones zeros
(x, /, *, dtype=None, device=None): empty_like ones_like zeros_like
(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None): eye
(x, /, *, device=None, copy=None): from_dlpack
(shape, fill_value, *, dtype=None, device=None): full
(x, /, fill_value, *, dtype=None, device=None): full_like
(start, stop, /, num, *, dtype=None, device=None, endpoint=True): linspace
(*arrays, indexing='xy'): meshgrid
(x, /, *, k=0): tril triu
(x, dtype, /, *, copy=True, device=None): astype
(from_, to, /): can_cast
(type, /): finfo iinfo
(dtype, kind): isdtype
(*arrays_and_dtypes): result_type
(x, indices, /, *, axis=None): take
(x, indices, /, *, axis=-1): take_along_axis
(x1, x2, /, *, axes=2): tensordot
(x1, x2, /, *, axis=-1): vecdot
(*arrays): broadcast_arrays
(*shapes): broadcast_shapes
(x, /, shape): broadcast_to
(arrays, /, *, axis=0): concat stack
(x, /, axis): expand_dims squeeze
(x, /, *, axis=None): flip
(x, source, destination, /): moveaxis
(x, /, axes): permute_dims
(x, repeats, /, *, axis=None): repeat
(x, /, shape, *, copy=None): reshape
(x, /, shift, *, axis=None): roll
(x, repetitions, /): tile
(x, /, *, axis=0): unstack
(x, /, *, axis=None, keepdims=False): argmax argmin count_nonzero max mean min all any
(x1, x2, /, *, side='left', sorter=None): searchsorted
(condition, x1, x2, /): where
(x1, x2, /, *, invert=False): isin
(x, /, *, axis=-1, descending=False, stable=True): argsort sort
(x, /, *, axis=None, dtype=None, include_initial=False): cumulative_sum cumulative_prod
(x, /, *, axis=None, dtype=None, keepdims=False): prod sum
(x, /, *, axis=None, correction=0.0, keepdims=False): std var
(x, /, *, axis=-1, n=1, prepend=None, append=None): diff
(): __array_namespace_info__
linalg
(x, /, *, upper=False): cholesky
(x1, x2, /, *, axis=-1): cross vecdot
(x, /): det eig eigh eigvals eigvalsh inv matrix_transpose slogdet svdvals
(x, /, *, offset=0): diagonal
(x1, x2, /): matmul outer solve
(x, /, *, keepdims=False, ord='fro'): matrix_norm
(x, n, /): matrix_power
(x, /, *, rtol=None): matrix_rank pinv
(x, /, *, mode='reduced'): qr
(x, /, *, full_matrices=True): svd
(x1, x2, /, *, axes=2): tensordot
(x, /, *, offset=0, dtype=None): trace
(x, /, *, axis=None, keepdims=False, ord=2): vector_norm
fft
(x, /, *, n=None, axis=-1, norm='backward'): fft ifft rfft irfft hfft ihfft
(x, /, *, s=None, axes=None, norm='backward'): fftn ifftn rfftn irfftn
(n, /, *, d=1.0, dtype=None, device=None): fftfreq rfftfreq
(x, /, *, axes=None): fftshift ifftshift
info
(): capabilities default_device devices
(*, device=None): default_dtypes
(*, device=None, kind=None): dtypes
array
(self, /): __abs__ __bool__ __complex__ __dlpack_device__ __float__ __index__ __int__ __invert__
(self, /): __neg__ __pos__
(self, other, /): __add__ __and__ __eq__ __floordiv__ __ge__ __gt__ __le__ __lshift__ __lt__
(self, other, /): __matmul__ __mod__ __mul__ __ne__ __or__ __pow__ __rshift__ __sub__ __truediv__
(self, other, /): __xor__
(self, /, *, api_version=None): __array_namespace__
(self, /, *, stream=None, max_version=None, dl_device=None, copy=None): __dlpack__
(self, key, /): __getitem__
(self, key, value, /): __setitem__
(self, device, /, *, stream=None): to_device
"""


def _parse(text: str) -> dict[str, dict[str, str]]:
    """namespace -> name -> signature."""
    out: dict[str, dict[str, str]] = {}
    part = ""
    for line in text.strip().splitlines():
        if ": " not in line:
            part = line
            out[part] = {}
            continue
        signature, names = line.split("): ")
        out[part].update(dict.fromkeys(names.split(), signature + ")"))
    return out


SIGNATURES = _parse(_TEXT)
ATTRIBUTES = ("T", "device", "dtype", "mT", "ndim", "shape", "size")
# Each of these operators has a reflected and an in-place form with the signature of the operator.
ARITHMETIC = "add and floordiv lshift matmul mod mul or pow rshift sub truediv xor".split()
CONSTANTS = {"e": np.e, "inf": np.inf, "nan": np.nan, "newaxis": None, "pi": np.pi}

BOOL = ("bool",)
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGER = SIGNED + UNSIGNED
FLOATING = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
DTYPES = BOOL + INTEGER + FLOATING + COMPLEX

REAL = INTEGER + FLOATING
INEXACT = FLOATING + COMPLEX
NUMERIC = REAL + COMPLEX

# The dtypes that an elementwise function takes.
DOMAINS: dict[tuple[str, ...], tuple[str, ...]] = {
    NUMERIC: tuple(
        "abs conj real negative positive sign square isfinite isinf isnan add multiply pow "
        "subtract".split()
    ),
    REAL: tuple(
        "ceil floor round trunc floor_divide greater greater_equal less less_equal maximum minimum "
        "remainder".split()
    ),
    INEXACT: tuple(
        "acos acosh asin asinh atan atanh cos cosh exp expm1 log log1p log2 log10 reciprocal sin "
        "sinh sqrt tan tanh divide".split()
    ),
    FLOATING: tuple("signbit atan2 copysign hypot logaddexp nextafter".split()),
    COMPLEX: ("imag",),
    BOOL + INTEGER: tuple("bitwise_invert bitwise_and bitwise_or bitwise_xor".split()),
    INTEGER: tuple("bitwise_left_shift bitwise_right_shift".split()),
    BOOL: tuple("logical_not logical_and logical_or logical_xor".split()),
    DTYPES: ("equal", "not_equal"),
}


def domain(name: str) -> tuple[str, ...]:
    """The dtypes that an elementwise function takes."""
    return next(dtypes for dtypes, names in DOMAINS.items() if name in names)


def _promotions() -> dict[tuple[str, str], str]:
    """(dtype, dtype) -> dtype, for all pairs that the standard defines."""
    out: dict[tuple[str, str], str] = {("bool", "bool"): "bool"}
    for chain in (SIGNED, UNSIGNED, FLOATING, COMPLEX):
        out.update(
            {(a, b): chain[max(i, j)] for i, a in enumerate(chain) for j, b in enumerate(chain)}
        )
    for i, a in enumerate(SIGNED):
        for j, b in enumerate(UNSIGNED[:3]):
            out[a, b] = out[b, a] = SIGNED[max(i, j + 1)]
    for i, a in enumerate(FLOATING):
        for j, b in enumerate(COMPLEX):
            out[a, b] = out[b, a] = COMPLEX[max(i, j)]
    return out


PROMOTIONS = _promotions()


def elementwise(count: int) -> list[str]:
    """Names of the elementwise functions of so many arguments."""
    signature = ("(x, /)", "(x1, x2, /)")[count - 1]
    named = {name for names in DOMAINS.values() for name in names}
    return [
        name for name, text in SIGNATURES["main"].items() if text == signature and name in named
    ]


def every_name() -> list[tuple[str, str]]:
    """(namespace, name) of all functions."""
    return [(part, name) for part in ("main", "linalg", "fft", "info") for name in SIGNATURES[part]]
