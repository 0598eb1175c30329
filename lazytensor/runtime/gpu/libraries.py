"""cuSOLVER and cuBLAS, as CuPy calls them in the order of the stream in force.

What enters: names. What leaves: functions that take addresses and sizes, or arrays of CuPy's. It
must not know rows, nor how matrices lie.
"""

import importlib
from functools import cached_property
from typing import Any


class Libraries:
    """What CuPy has of them: functions by their names in the libraries, without `cusolverDn` and
    `cublas`, for the current device.
    """

    @cached_property
    def complete(self) -> bool:
        """Whether the libraries are installed."""
        try:
            return self.cusolver is not None and self.cublas is not None
        except ImportError:
            return False

    @cached_property
    def cusolver(self) -> Any:
        """Factorisations of one matrix; Cholesky's of many. Raises ImportError without them."""
        return importlib.import_module("cupy_backends.cuda.libs.cusolver")

    @cached_property
    def cublas(self) -> Any:
        """Triangular systems; LU of many matrices. Raises ImportError without them."""
        return importlib.import_module("cupy_backends.cuda.libs.cublas")

    @cached_property
    def linalg(self) -> Any:
        """Values and vectors of arrays of CuPy's (`cupy.linalg`)."""
        return importlib.import_module("cupy.linalg")

    def solver(self) -> int:
        """cuSOLVER's handle of the current device."""
        return int(self._device.get_cusolver_handle())

    def products(self) -> int:
        """cuBLAS's handle of the current device."""
        return int(self._device.get_cublas_handle())

    def has(self, name: str) -> bool:
        """Whether this version of cuSOLVER, for this device, has some function."""
        try:
            known = importlib.import_module("cupyx.cusolver")
        except ImportError:
            return False
        return bool(known.check_availability(name))

    @cached_property
    def _device(self) -> Any:
        return importlib.import_module("cupy.cuda.device")
