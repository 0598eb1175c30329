"""What random functions refuse, in PyTorch's words.

What enters: arguments of random functions. What leaves: nothing, bounds moved to where a dtype can
hold them, or RuntimeError, ValueError and NotImplementedError. It must not know generators.
"""

import warnings
from typing import Any

import numpy as np

__all__ = [
    "floating",
    "implemented",
    "integer_bounds",
    "multinomial_arguments",
    "permutation_length",
    "positive",
    "scalar_type",
    "uniform_bounds",
    "unit_interval",
]

Array = np.ndarray[Any, Any]

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
FLOATING = frozenset({"float16", "bfloat16", "float32", "float64"})
SIGNED = frozenset({"uint8", "int8", "int16", "int32", "int64"})
# PyTorch's name of a dtype and the name of its C++ type.
_NAMES = {
    "bool": ("Bool", "bool"),
    "uint8": ("Byte", "unsigned char"),
    "int8": ("Char", "signed char"),
    "int16": ("Short", "short int"),
    "int32": ("Int", "int"),
    "int64": ("Long", "long int"),
    "uint16": ("UInt16", "short unsigned int"),
    "uint32": ("UInt32", "unsigned int"),
    "uint64": ("UInt64", "long unsigned int"),
    "float16": ("Half", "c10::Half"),
    "bfloat16": ("BFloat16", "c10::BFloat16"),
    "float32": ("Float", "float"),
    "float64": ("Double", "double"),
    "complex64": ("ComplexFloat", "c10::complex<float>"),
    "complex128": ("ComplexDouble", "c10::complex<double>"),
}
_DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
_LARGEST = {
    "float16": 65504.0,
    "bfloat16": (2.0 - 2.0**-7) * 2.0**127,
    "float32": float(np.finfo(np.float32).max),
    "float64": float(np.finfo(np.float64).max),
}


def scalar_type(dtype: np.dtype[Any]) -> str:
    """PyTorch's name for a dtype: Float, Long, ComplexDouble."""
    return _NAMES[dtype.name][0]


def digits(dtype: np.dtype[Any]) -> int:
    """Bits of the significand of a floating-point dtype, the hidden one counted."""
    return _DIGITS[dtype.name]


def implemented(kernel: str, dtype: np.dtype[Any], among: frozenset[str]) -> None:
    """Raise NotImplementedError unless a kernel exists for the dtype."""
    if dtype.name not in among:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_type(dtype)}'")


def floating(distribution: str, dtype: np.dtype[Any], name: str) -> None:
    """Raise RuntimeError unless the dtype is real floating point; `name` is how it is called."""
    if dtype.name not in FLOATING:
        raise RuntimeError(
            f"{distribution} distribution is a continuous probability distribution. dtype must be "
            f"a floating point but you specified {name}"
        )


def c_name(dtype: np.dtype[Any]) -> str:
    """The name of a dtype's C++ type."""
    return _NAMES[dtype.name][1]


def positive(function: str, name: str, value: float, label: str = "") -> None:
    """Raise RuntimeError unless value > 0. `label` is how the value is called the second time."""
    if not value > 0:
        raise RuntimeError(
            f"{function} expects {name} > 0.0, but found {label or name + '='}{value:g}"
        )


def unit_interval(function: str, p: float, closed: bool) -> None:
    """Raise RuntimeError unless p is in [0, 1], or in (0, 1) where the interval is open."""
    if not (0 <= p <= 1 if closed else 0 < p < 1):
        interval = "[0, 1]" if closed else "(0, 1)"
        raise RuntimeError(f"{function} expects p to be in {interval}, but got p={p:g}")


def _within(value: float, name: str, low: float, high: float, dtype: np.dtype[Any]) -> None:
    if not low <= value <= high:
        raise RuntimeError(f"{name} is out of bounds for {c_name(dtype)}")


def uniform_bounds(low: float, high: float, dtype: np.dtype[Any]) -> None:
    """Raise RuntimeError unless both bounds and their distance are numbers of the dtype, in order.

    NotImplementedError for dtypes that aren't real floating point.
    """
    implemented("check_uniform_bounds", dtype, FLOATING)
    largest = _LARGEST[dtype.name]
    _within(low, "from", -largest, largest, dtype)
    _within(high, "to", -largest, largest, dtype)
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}"
        )
    if high - low > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{scalar_type(dtype)}>::max(), but "
            f"found to={high:g} and from={low:g} which result in to-from to exceed the limit"
        )


def _as_stored(number: int, dtype: np.dtype[Any]) -> int:
    """An integer as a floating-point dtype holds it; the lowest int64 where that has no such."""
    wide = np.array(min(number, HIGHEST), np.int64).astype(f"f{max(dtype.itemsize, 4)}")
    with np.errstate(over="ignore"):
        stored = float(wide.astype(dtype))
    return int(stored) if abs(stored) < 2.0**63 else LOWEST


def _step(number: int, dtype: np.dtype[Any]) -> int:
    """The distance of neighbours near an integer."""
    exponent = max(abs(number).bit_length() - 1, 0)
    return 1 << max(exponent - digits(dtype) + 1, 0)


def _moved_low(low: int, dtype: np.dtype[Any]) -> int:
    stored = _as_stored(low + 1, dtype)
    return stored + _step(low + 1, dtype) if stored < low else low


def _moved_high(high: int, dtype: np.dtype[Any]) -> int:
    stored = _as_stored(high - 1, dtype)
    return stored - _step(high - 1, dtype) if stored >= high else high


def _in_range(low: int, last: int, dtype: np.dtype[Any]) -> None:
    if dtype.name in FLOATING:
        largest = _LARGEST[dtype.name]
        _within(low, "from", -largest, largest, dtype)
        _within(last, "to - 1", -largest, largest, dtype)
        _warn_of_gaps(low, "from", dtype)
        _warn_of_gaps(last, "to - 1", dtype)
    elif dtype.kind == "c":
        raise RuntimeError(
            "check_random_bounds handles only integral, floating-point and boolean types"
        )
    else:
        least, most = _integer_range(dtype)
        _within(low, "from", least, min(most, HIGHEST), dtype)
        _within(last, "to - 1", least, min(most, HIGHEST), dtype)


def _integer_range(dtype: np.dtype[Any]) -> tuple[int, int]:
    if dtype.kind == "b":
        return 0, 1
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _warn_of_gaps(value: int, name: str, dtype: np.dtype[Any]) -> None:
    bits = digits(dtype)
    if abs(value) > 1 << bits:
        warnings.warn(
            f"{name} is out of bounds [-(2^{bits}), 2^{bits}]. Due to precision limitations "
            f"{c_name(dtype)} can support discrete uniform distribution only within this range. "
            "This warning will become an error in version 1.7 release, please fix the code in "
            "advance",
            UserWarning,
            stacklevel=6,
        )


def integer_bounds(low: int, high: int | None, dtype: np.dtype[Any]) -> tuple[int, int]:
    """First and last of the integers that `random_(low, high)` draws from.

    None stands for the largest number of the dtype, or for the last of those that a floating-point
    dtype holds without gaps. Raises RuntimeError where there is none, or where the dtype doesn't
    hold them; warns where a floating-point dtype doesn't hold all of them.
    """
    if high is None:
        return _open_bounds(low, dtype)
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    if dtype.name in FLOATING:
        low, high = _moved_low(low, dtype), _moved_high(high, dtype)
        if low >= high:
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but "
                f"got from={low} >= to={high}"
            )
    _in_range(low, high - 1, dtype)
    return low, high - 1


def _open_bounds(low: int, dtype: np.dtype[Any]) -> tuple[int, int]:
    if dtype.name in FLOATING:
        last = 1 << digits(dtype)
        low = _moved_low(low, dtype)
        if low >= last:
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' "
                f"casted to dtype, but got from={low} > to_inc={last}"
            )
    elif dtype.kind == "c":
        raise RuntimeError(
            "random_from_to_impl handles only integral, floating-point and boolean types"
        )
    else:
        last = _integer_range(dtype)[1]
    _in_range(low, last, dtype)
    return low, last


def permutation_length(count: int, dtype: np.dtype[Any]) -> None:
    """Raise RuntimeError where a dtype doesn't hold all numbers below `count`.

    NotImplementedError for dtypes that permutations aren't made of.
    """
    if dtype.name in SIGNED:
        if count > 0 and count - 1 > np.iinfo(dtype).max:
            raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow")
    elif dtype.name in FLOATING and dtype.name != "bfloat16":
        _counted(count, dtype)
    implemented("randperm", dtype, FLOATING | SIGNED)


def _counted(count: int, dtype: np.dtype[Any]) -> None:
    bits = digits(dtype)
    if count > (1 << bits) + 1:
        most = str((1 << bits) + 1) if bits == 11 else f"2^{bits}+1"
        raise RuntimeError(f"n cannot be greater than {most} for {scalar_type(dtype)} type.")


def multinomial_arguments(weights: Any, count: int, replacement: bool) -> None:
    """Raise RuntimeError for weights or a number of samples that `multinomial` refuses at once."""
    if weights.ndim not in {1, 2}:
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if weights.dtype.name not in FLOATING:
        raise RuntimeError(
            "multinomial only supports floating-point dtypes for input, got: "
            + scalar_type(weights.dtype)
        )
    if count <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and count > weights.shape[-1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
        )
    if weights.shape[-1] > 1 << 24:
        raise RuntimeError("number of categories cannot exceed 2^24")
