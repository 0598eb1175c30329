"""Recurrent layers and cells.

What enters: sequences (length, batch, features), padded or packed, and first states. What leaves:
the outputs at every step and the last states. It must not know how steps are computed.
"""

import math
import numbers
import warnings
from typing import Any

from ... import _api as torch
from .. import init
from ..utils.rnn import PackedSequence
from .module import Module
from .utils import fresh

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

# How many times hidden_size the rows of weights are, by mode.
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _uniform(module: Module, hidden_size: int) -> None:
    """Draw all parameters from U(-1/√hidden_size, 1/√hidden_size)."""
    bound = 1.0 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for weight in module.parameters():
        init.uniform_(weight, -bound, bound)


def _permuted(hx: Any, permutation: Any) -> Any:
    return hx if permutation is None else hx.index_select(1, permutation)


def _check_types(values: dict[str, tuple[Any, type]]) -> None:
    for name, (value, kind) in values.items():
        if not isinstance(value, kind):
            raise TypeError(
                f"{name} should be of type {kind.__name__}, got: {type(value).__name__}"
            )


def _check_dropout(dropout: Any, num_layers: int) -> None:
    number = isinstance(dropout, numbers.Real) and not isinstance(dropout, bool)
    if not number or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            "element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=4,
        )


def _check_sizes(input_size: Any, hidden_size: Any, num_layers: int, proj_size: int) -> None:
    """Refuse sizes that no network has, with TypeError or ValueError."""
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        _check_types({name: (size, int)})
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


class RNNBase(Module):
    """Layers of recurrent networks, one or two directions each.

    Weights are called weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_hr_l0, and so on;
    those of the other direction end in _reverse.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_dropout(dropout, num_layers)
        _check_types({"bias": (bias, bool), "batch_first": (batch_first, bool)})
        _check_sizes(input_size, hidden_size, num_layers, proj_size)
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode, self.input_size, self.hidden_size = mode, input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional = float(dropout), bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                self._register(f"_l{layer}{suffix}", layer, device, dtype)
        self.reset_parameters()

    def _register(self, end: str, layer: int, device: Any, dtype: Any) -> None:
        """Register the weights of one layer in one direction."""
        rows, out = _GATES[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        directions = 2 if self.bidirectional else 1
        shapes: dict[str, Any] = {
            "weight_ih": (rows, self.input_size if layer == 0 else out * directions),
            "weight_hh": (rows, out),
        }
        if self.bias:
            shapes |= {"bias_ih": rows, "bias_hh": rows}
        if self.proj_size > 0:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for name, shape in shapes.items():
            setattr(self, name + end, fresh(shape, device, dtype))
        self._all_weights.append([name + end for name in shapes])

    @property
    def all_weights(self) -> list[list[Any]]:
        """The weights, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for names in self._all_weights for name in names]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    def flatten_parameters(self) -> None:
        """Nothing: weights need not lie in one piece of memory here."""

    def reset_parameters(self) -> None:
        """Draw all from U(-1/√hidden_size, 1/√hidden_size)."""
        _uniform(self, self.hidden_size)

    def check_input(self, input: Any, batch_sizes: Any) -> None:
        """Refuse inputs of other dtypes, ranks or features."""
        dtype = self._flat_weights[0].dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). Convert "
                f"input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. Expected "
                f"{self.input_size}, got {input.size(-1)}"
            )

    def _state_size(self, input: Any, batch_sizes: Any, features: int) -> tuple[int, int, int]:
        """The shape of a state: layers times directions, batch, features."""
        if batch_sizes is None:
            batch = input.size(0 if self.batch_first else 1)
        else:
            batch = int(batch_sizes[0])
        return self.num_layers * (2 if self.bidirectional else 1), batch, features

    def get_expected_hidden_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """The shape of the hidden state."""
        return self._state_size(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self, hx: Any, expected_hidden_size: Any, msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Refuse states of other shapes with RuntimeError."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Any, hidden: Any, batch_sizes: Any) -> None:
        """Refuse inputs and states that do not fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Any) -> Any:
        """A state with its batch in another order."""
        return _permuted(hx, permutation)

    def _zero_state(self, input: Any, batch_sizes: Any) -> Any:
        """The state to begin with where none is given."""
        shape = self.get_expected_hidden_size(input, batch_sizes)
        return torch.zeros(shape, dtype=input.dtype, device=input.device)

    def _run(self, input: Any, hx: Any, batch_sizes: Any) -> Any:
        """All layers over all steps: output, and each state."""
        kernel = getattr(torch._nn, self.mode.lower())
        settings = (self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        if batch_sizes is None:
            return kernel(input, hx, self._flat_weights, *settings, self.batch_first)
        return kernel(input, batch_sizes, hx, self._flat_weights, *settings)

    def _batched_state(self, hx: Any, batched: bool) -> Any:
        """A state with a batch; RuntimeError where its rank does not suit the input's."""
        if hx is None:
            return None
        if not batched:
            if hx.dim() != 2:
                raise RuntimeError(
                    f"For unbatched 2-D input, hx should also be 2-D but got {hx.dim()}-D tensor"
                )
            return hx.unsqueeze(1)
        if hx.dim() != 3:
            raise RuntimeError(
                f"For batched 3-D input, hx should also be 3-D but got {hx.dim()}-D tensor"
            )
        return hx

    def _states(self, result: Any) -> Any:
        """The last states among what a kernel returns."""
        return result[1]

    def _single_state(self, hx: Any) -> Any:
        """A state without its batch of one."""
        return hx.squeeze(1)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The outputs of the last layer at every step, and the last states of all layers."""
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            name = "RNN" if self.mode.startswith("RNN") else self.mode
            raise ValueError(
                f"{name}: Expected input to be 2D or 3D, got {input.dim()}D "
                + ("tensor instead" if name == "RNN" else "instead")
            )
        batched, dim = input.dim() == 3, 0 if self.batch_first else 1
        input = input if batched else input.unsqueeze(dim)
        hx = self._batched_state(hx, batched)
        hx = self._zero_state(input, None) if hx is None else hx
        self.check_forward_args(input, hx, None)
        result = self._run(input, hx, None)
        output, states = result[0], self._states(result)
        if batched:
            return output, states
        return output.squeeze(dim), self._single_state(states)

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> tuple[Any, Any]:
        input, batch_sizes, order, back = packed
        if hx is None:
            hx = self._zero_state(input, batch_sizes)
        else:
            hx = self.permute_hidden(hx, order)
        self.check_forward_args(input, hx, batch_sizes)
        result = self._run(input, hx, batch_sizes)
        output = PackedSequence(result[0], batch_sizes, order, back)
        return output, self.permute_hidden(self._states(result), back)

    def extra_repr(self) -> str:
        """Sizes, others where they are not the usual."""
        text = f"{self.input_size}, {self.hidden_size}"
        usual = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        values = ((name, getattr(self, name), value) for name, value in usual.items())
        return text + "".join(f", {name}={own}" for name, own, value in values if own != value)


class RNN(RNNBase):
    """Elman networks: h' = tanh(W x + b + U h + c), or relu in the place of tanh."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        nonlinearity = args[3] if len(args) > 3 else kwargs.pop("nonlinearity", "tanh")
        args = args[:3] + args[4:]
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter & Schmidhuber 1997), with projections where wanted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """The shape of the cell state."""
        return self._state_size(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Any, hidden: Any, batch_sizes: Any) -> None:
        """Refuse inputs and states that do not fit."""
        self.check_input(input, batch_sizes)
        sizes = (
            self.get_expected_hidden_size(input, batch_sizes),
            self.get_expected_cell_size(input, batch_sizes),
        )
        for i, size in enumerate(sizes):
            text = f"Expected hidden[{i}] size {{}}, got {{}}"
            self.check_hidden_size(hidden[i], size, text)

    def permute_hidden(self, hx: Any, permutation: Any) -> Any:
        """Both states with their batch in another order."""
        return hx if permutation is None else tuple(_permuted(h, permutation) for h in hx)

    def _zero_state(self, input: Any, batch_sizes: Any) -> Any:
        cell = self.get_expected_cell_size(input, batch_sizes)
        zeros = torch.zeros(cell, dtype=input.dtype, device=input.device)
        return super()._zero_state(input, batch_sizes), zeros

    def _batched_state(self, hx: Any, batched: bool) -> Any:
        if hx is None:
            return None
        rank = 3 if batched else 2
        if any(h.dim() != rank for h in hx):
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {kind} input, hx and cx should also be {rank}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        return hx if batched else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))

    def _states(self, result: Any) -> Any:
        return tuple(result[1:])

    def _single_state(self, hx: Any) -> Any:
        return tuple(h.squeeze(1) for h in hx)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """One step of a recurrent network."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = fresh((rows, input_size), device, dtype)
        self.weight_hh = fresh((rows, hidden_size), device, dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, fresh(rows, device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all from U(-1/√hidden_size, 1/√hidden_size)."""
        _uniform(self, self.hidden_size)

    def extra_repr(self) -> str:
        """Sizes, others where they are not the usual."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = self.__dict__.get("nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def _check(self, input: Any, states: Any) -> None:
        """Refuse inputs and states that are neither vectors nor matrices."""
        name = type(self).__name__
        for what, value in (("input", input), *states):
            if value.dim() not in (1, 2):
                raise ValueError(
                    f"{name}: Expected {what} to be 1D or 2D, got {value.dim()}D instead"
                )

    def _zeros(self, input: Any) -> Any:
        shape = (input.size(0), self.hidden_size)
        return torch.zeros(shape, dtype=input.dtype, device=input.device)

    def _step(self, kernel: Any, input: Any, hx: Any) -> Any:
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return kernel(input, hx, *weights)

    def _one_state(self, kernel: Any, input: Any, hx: Any) -> Any:
        """The step of a cell with one state: (batch, features), or both without the batch."""
        self._check(input, () if hx is None else (("hidden", hx),))
        batched = input.dim() == 2
        rows = input if batched else input.unsqueeze(0)
        if hx is None:
            hx = self._zeros(rows)
        elif not batched:
            hx = hx.unsqueeze(0)
        result = self._step(kernel, rows, hx)
        return result if batched else result.squeeze(0)


class RNNCell(RNNCellBase):
    """One step of an Elman network."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        kernel = getattr(torch._nn, f"rnn_{self.nonlinearity}_cell")
        return self._one_state(kernel, input, hx)


class LSTMCell(RNNCellBase):
    """One step of long short-term memory."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The next hidden and cell state."""
        self._check(input, ((f"hx[{i}]", value) for i, value in enumerate(hx or ())))
        batched = input.dim() == 2
        rows = input if batched else input.unsqueeze(0)
        if hx is None:
            zeros = self._zeros(rows)
            hx = (zeros, zeros)
        elif not batched:
            hx = (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
        h, c = self._step(torch._nn.lstm_cell, rows, hx)
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of gated recurrent units."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state."""
        return self._one_state(torch._nn.gru_cell, input, hx)
