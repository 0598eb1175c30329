"""PyTorch's words for operations that a mapped function can't do.

What enters: names of operations. What leaves: texts. It must not know tensors.
"""

__all__ = ["no_value"]

# What PyTorch says where a function that is mapped asks for what differs between examples.
_REPORT = (
    " Please file an issue at https://github.com/pytorch/pytorch/issues if you need this feature."
)
_SAME = (
    "Vmap does not currently support same randomness with a batched tensor input. Please file an "
    "issue with functorch"
)
_NO_VALUE = {
    "__getitem__": "vmap: We do not support batching operators that can support dynamic shape. "
    "Attempting to batch over indexing with a boolean mask.",
    "allclose": f"vmap over torch.allclose isn't supported yet.{_REPORT}",
    "equal": "Batching rule not implemented for aten::equal. We could not generate a fallback.",
    "masked_select": "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We "
    "cannot support this because for each batch this would return a differently shaped Tensor."
    + _REPORT,
    "numpy": "Cannot access data pointer of Tensor that doesn't have storage",
    **dict.fromkeys(("bernoulli", "binomial", "multinomial", "normal", "poisson"), _SAME),
}
_ATEN = {"unique": "_unique2", "bincount": "bincount", "nonzero_static": "nonzero"}


def no_value(name: str) -> str:
    """PyTorch's words for an operation that asks for values of an example."""
    found = _NO_VALUE.get(name)
    if found is not None:
        return found
    return (
        "vmap: We do not support batching operators that can output dynamic shape. Attempted to "
        f"vmap over aten::{_ATEN.get(name, name)}.{_REPORT}"
    )
