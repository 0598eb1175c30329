"""What a module says of names that it doesn't have, and parts that load when they are first named.

What enters: a module's name, as users know it. What leaves: its `__getattr__`. It must not know
what there is.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["ABSENT", "MISSING", "Absent", "missing", "parts"]


# Where to look for what there is.
MISSING = " (lazytensor: docs/torch_coverage.md lists what is there)"


# Methods and attributes of PyTorch's tensors that aren't there: sparse and quantized ones, and some
# that PyTorch itself refuses by now.
ABSENT = (
    "ccol_indices", "chalf", "coalesce", "col_indices", "const_data_ptr", "crow_indices",
    "dequantize", "eig", "grad_dtype", "index", "indices", "int_repr", "ipu", "is_coalesced",
    "is_distributed", "is_same_size", "lstsq", "map2_", "module_load", "mtia",
    "q_per_channel_axis", "q_per_channel_scales", "q_per_channel_zero_points", "q_scale",
    "q_zero_point", "qscheme", "reinforce", "resize_as_sparse_", "row_indices",
    "slice_inverse", "smm", "solve", "sparse_mask", "sparse_resize_", "sparse_resize_and_clear_",
    "sspaddmm", "storage_type", "symeig", "to_mkldnn", "to_padded_tensor", "to_sparse",
    "to_sparse_bsc", "to_sparse_bsr", "to_sparse_coo", "to_sparse_csc", "to_sparse_csr", "values",
    "xpu",
)  # fmt: skip


class Absent:
    """A name that a class of PyTorch's has and ours has not: AttributeError says where to look."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, x: Any, kind: type) -> Any:
        text = f"'{kind.__name__}' object has no attribute '{self.name}'{MISSING}"
        raise AttributeError(text, name=self.name, obj=x)


def missing(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose names are all there: it raises AttributeError."""

    def absent(name: str) -> Any:
        """Raises AttributeError."""
        raise AttributeError(f"module {module!r} has no attribute {name!r}{MISSING}")

    return absent


def parts(package: str, *names: str) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose modules of these names load when they are named."""
    absent = missing(package.removeprefix("lazytensor."))

    def load(name: str) -> Any:
        """A module of the package, loaded now. Raises AttributeError for any other name."""
        return import_module(f"{package}.{name}") if name in names else absent(name)

    return load
