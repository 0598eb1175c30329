"""What distributions share that are given by real parameters of one shape each."""

from typing import TYPE_CHECKING, Any

from .. import _api
from .distribution import Distribution
from .utils import NUMBERS, broadcast_all

__all__ = ["Located"]

torch: Any = _api


class Located(Distribution):
    """A distribution of numbers by parameters of one shape, `_params`: numbers or tensors."""

    has_rsample = True

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def _take(self, values: Any, validate_args: bool | None) -> None:
        """Keep the parameters, broadcast to one shape, that of the batch."""
        found = broadcast_all(*values)
        for name, value in zip(self._params, found, strict=True):
            setattr(self, name, value)
        numbers = all(isinstance(v, NUMBERS) for v in values)
        Distribution.__init__(self, () if numbers else found[0].shape, validate_args=validate_args)

    def _empty(self, sample_shape: Any) -> Any:
        """Memory for draws, of the dtype and on the device of the parameters."""
        like = getattr(self, self._params[0])
        return torch.empty(self._extended_shape(sample_shape), dtype=like.dtype, device=like.device)

    def _check(self, value: Any) -> None:
        """Raises ValueError for what can't have been drawn, where that is checked."""
        if self._validate_args:
            self._validate_sample(value)
