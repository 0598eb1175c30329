"""Named tuples of results: `torch.return_types.max(values=…, indices=…)` and their like.

What enters: names. What leaves: classes of tuples, which are pytrees, picklable, and printed as
PyTorch prints them. It must not know tensors.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

__all__ = ["structseq"]


class Results(tuple[Any, ...]):
    """A tuple whose items have names too. Made of one iterable with an item for each name."""

    __slots__ = ()
    fields: tuple[str, ...] = ()
    n_fields = n_sequence_fields = n_unnamed_fields = 0

    def __new__(cls, items: Iterable[Any]) -> "Results":
        """Raises TypeError for a wrong number of items."""
        found = super().__new__(cls, items)
        if len(found) != len(cls.fields):
            raise TypeError(
                f"{_name(cls)}() takes a {len(cls.fields)}-sequence ({len(found)}-sequence given)"
            )
        return found

    def __repr__(self) -> str:
        parts = ",\n".join(f"{k}={v!r}" for k, v in zip(self.fields, self))
        return f"{_name(type(self))}(\n{parts})"

    def __reduce__(self) -> Any:
        return type(self), (tuple(self),)


def _name(cls: type) -> str:
    return f"torch.return_types.{cls.__name__}"


def structseq(name: str, *fields: str) -> Any:
    """A class of named results, public as `torch.return_types.<name>`."""
    body: dict[str, Any] = {f: property(itemgetter(i)) for i, f in enumerate(fields)}
    sizes = dict.fromkeys(("n_fields", "n_sequence_fields"), len(fields))
    body |= {"__slots__": (), "fields": fields, "__module__": "torch.return_types", **sizes}
    return type(name, (Results,), body)


max = structseq("max", "values", "indices")
min = structseq("min", "values", "indices")
median = structseq("median", "values", "indices")
nanmedian = structseq("nanmedian", "values", "indices")
mode = structseq("mode", "values", "indices")
kthvalue = structseq("kthvalue", "values", "indices")
sort = structseq("sort", "values", "indices")
topk = structseq("topk", "values", "indices")
cummax = structseq("cummax", "values", "indices")
cummin = structseq("cummin", "values", "indices")
aminmax = structseq("aminmax", "min", "max")
histogram = structseq("histogram", "hist", "bin_edges")
histogramdd = structseq("histogramdd", "hist", "bin_edges")
frexp = structseq("frexp", "mantissa", "exponent")
linalg_cholesky_ex = structseq("linalg_cholesky_ex", "L", "info")
linalg_eig = structseq("linalg_eig", "eigenvalues", "eigenvectors")
linalg_eigh = structseq("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_inv_ex = structseq("linalg_inv_ex", "inverse", "info")
linalg_ldl_factor = structseq("linalg_ldl_factor", "LD", "pivots")
linalg_ldl_factor_ex = structseq("linalg_ldl_factor_ex", "LD", "pivots", "info")
linalg_lstsq = structseq(
    "linalg_lstsq", "solution", "residuals", "rank", "singular_values"
)
linalg_lu = structseq("linalg_lu", "P", "L", "U")
linalg_lu_factor = structseq("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = structseq("linalg_lu_factor_ex", "LU", "pivots", "info")
linalg_qr = structseq("linalg_qr", "Q", "R")
linalg_slogdet = structseq("linalg_slogdet", "sign", "logabsdet")
linalg_solve_ex = structseq("linalg_solve_ex", "result", "info")
linalg_svd = structseq("linalg_svd", "U", "S", "Vh")
geqrf = structseq("geqrf", "a", "tau")
_lu_with_info = structseq("_lu_with_info", "LU", "pivots", "info")
lu_unpack = structseq("lu_unpack", "P", "L", "U")
qr = structseq("qr", "Q", "R")
slogdet = structseq("slogdet", "sign", "logabsdet")
svd = structseq("svd", "U", "S", "V")
triangular_solve = structseq("triangular_solve", "solution", "cloned_coefficient")
