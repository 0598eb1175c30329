"""Sequences of different lengths: padded to one tensor, or packed without padding.

What enters: tensors and lengths. What leaves: padded tensors, or `PackedSequence`s. It must not
know recurrent layers.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ... import _api as torch
from ...tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    """The fields of a PackedSequence."""

    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(PackedSequence_):
    """Sequences without padding: the first elements of all, longest sequence first, then the second
    ones, and so on; `batch_sizes` says how many there are of each.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Any = None,
        sorted_indices: Any = None,
        unsorted_indices: Any = None,
    ) -> "PackedSequence":
        """One from its fields, or from the pair of the first two."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(_ON_CPU)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _indices(self, move: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Both permutations, moved where there are any."""
        both = (self.sorted_indices, self.unsorted_indices)
        moved = [None if t is None else move(t) for t in both]
        return moved[0], moved[1]

    def pin_memory(self) -> "PackedSequence":
        """The same in pinned memory."""
        indices = self._indices(lambda t: t.pin_memory())
        return type(self)(self.data.pin_memory(), self.batch_sizes, *indices)

    def to(self, *args: Any, **kwargs: Any) -> "PackedSequence":
        """The same with data cast or moved, itself if nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        _, _, non_blocking, layout = torch._C._nn._parse_to(*args, **kwargs)
        indices = self._indices(
            lambda t: t.to(data.device, non_blocking=non_blocking, memory_format=layout)
        )
        return type(self)(data, self.batch_sizes, *indices)

    def cuda(self, *args: Any, **kwargs: Any) -> "PackedSequence":
        """The same on a CUDA device."""
        return self.to(*args, **{"device": "cuda", **kwargs})

    def cpu(self) -> "PackedSequence":
        """The same on the CPU."""
        return self.to("cpu")

    def double(self) -> "PackedSequence":
        """The same in float64."""
        return self.to(dtype=torch.float64)

    def float(self) -> "PackedSequence":
        """The same in float32."""
        return self.to(dtype=torch.float32)

    def half(self) -> "PackedSequence":
        """The same in float16."""
        return self.to(dtype=torch.float16)

    def long(self) -> "PackedSequence":
        """The same in int64."""
        return self.to(dtype=torch.int64)

    def int(self) -> "PackedSequence":
        """The same in int32."""
        return self.to(dtype=torch.int32)

    def short(self) -> "PackedSequence":
        """The same in int16."""
        return self.to(dtype=torch.int16)

    def char(self) -> "PackedSequence":
        """The same in int8."""
        return self.to(dtype=torch.int8)

    def byte(self) -> "PackedSequence":
        """The same in uint8."""
        return self.to(dtype=torch.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return bool(self.data.is_cuda)

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return bool(self.data.is_pinned())


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes one, None for None."""
    if permutation is None:
        return None
    output = torch.empty_like(permutation, memory_format=torch.legacy_contiguous_format)
    places = torch.arange(0, permutation.numel(), device=permutation.device)
    return output.scatter_(0, permutation, places)


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded tensor (length, batch, *), or (batch, length, *) with batch_first.

    RuntimeError for lengths that do not fall, unless they need not be sorted.
    """
    if isinstance(lengths, Tensor):
        lengths = lengths.to(dtype=torch.int64)
    else:
        lengths = torch.as_tensor(lengths, dtype=torch.int64, device="cpu")
    order = None
    if not enforce_sorted:
        lengths, order = torch.sort(lengths, descending=True)
        order = order.to(input.device)
        input = input.index_select(0 if batch_first else 1, order)
    data, batch_sizes = torch._nn._pack_padded_sequence(input, lengths, batch_first)
    return PackedSequence(data, batch_sizes, order, None)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Any, Any]:
    """The padded tensor of packed sequences, in their first order, and their lengths."""
    longest = sequence.batch_sizes.size(0)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being "
                f"{longest}"
            )
        longest = total_length
    padded, lengths = torch._nn._pad_packed_sequence(
        sequence.data, sequence.batch_sizes, batch_first, padding_value, longest
    )
    order = sequence.unsorted_indices
    if order is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, order), lengths[order.cpu()]


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Any:
    """Tensors (length, *) as one (longest, batch, *), or (batch, longest, *)."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    return torch._nn.pad_sequence(tuple(sequences), batch_first, padding_value, padding_side)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The sequences of a padded tensor, each in its own length."""
    if not batch_first:
        padded_sequences.transpose_(0, 1)
    places = torch.arange(padded_sequences.shape[1], device=lengths.device)
    return [row[places < length] for row, length in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack tensors (length, *)."""
    lengths = torch.as_tensor([sequence.size(0) for sequence in sequences], device="cpu")
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The tensors that were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


_ON_CPU = (
    "batch_sizes should always be on CPU. Instances of PackedSequence should never be created "
    "manually. They should be instantiated by functions like pack_sequence and "
    "pack_padded_sequences in nn.utils.rnn. "
    "https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
)
