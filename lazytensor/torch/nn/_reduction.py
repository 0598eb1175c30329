"""The old way to name a reduction: size_average and reduce.

What enters: the two flags. What leaves: "none", "mean" or "sum", with a warning. It must not know
losses.
"""

import warnings


def get_enum(reduction: str) -> int:
    """0 for none, 1 for mean, 2 for sum; ValueError for others."""
    numbers = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
            stacklevel=3,
        )
    if reduction not in numbers:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return numbers[reduction]


def legacy_get_string(
    size_average: bool | None, reduce: bool | None, emit_warning: bool = True
) -> str:
    """The reduction that the two flags mean; None is true."""
    if reduce is False:
        name = "none"
    else:
        name = "sum" if size_average is False else "mean"
    if emit_warning:
        warnings.warn(
            "size_average and reduce args will be deprecated, please use "
            f"reduction='{name}' instead.",
            stacklevel=3,
        )
    return name


def legacy_get_enum(size_average: bool | None, reduce: bool | None) -> int:
    """get_enum of the reduction that the two flags mean."""
    return get_enum(legacy_get_string(size_average, reduce))


def chosen(size_average: bool | None, reduce: bool | None, reduction: str) -> int:
    """get_enum of the reduction, which the two flags override."""
    if size_average is not None or reduce is not None:
        return legacy_get_enum(size_average, reduce)
    return get_enum(reduction)
