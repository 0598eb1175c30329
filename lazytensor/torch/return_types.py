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
