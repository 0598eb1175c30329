"""Programs run under both libraries: what they give, or the error, must be the same."""

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch as real

import lazytensor.torch as ours

__all__ = ["differences", "drawn", "neutral", "outcome", "same"]


def drawn(lib: Any, make: Callable[[], Any]) -> Any:
    """A module or tensor that is made with the CPU's random numbers, moved to where tensors go."""
    with lib.device("cpu"):
        made = make()
    return made.to(lib.get_default_device())


def described(x: Any) -> Any:
    """Something that can be compared: tensors as dtype, shape, whether they need a gradient, and
    values.
    """
    if hasattr(x, "requires_grad") and hasattr(x, "detach"):
        data = x.detach().resolve_conj().tolist()
        return ("tensor", str(x.dtype), tuple(x.shape), x.requires_grad, np.asarray(data))
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return (type(x).__name__, *[described(y) for y in x])
    if isinstance(x, list | tuple):
        return (type(x).__name__, *[described(y) for y in x])
    if isinstance(x, dict):
        return (type(x).__name__, *[(k, described(v)) for k, v in x.items()])
    if isinstance(x, float | complex) and not isinstance(x, bool):
        return np.asarray(x)
    return x if isinstance(x, str | int | type(None)) else type(x).__name__


def outcome(lib: Any, text: str, begin: str = "") -> Any:
    """What the program leaves as `r` and prints, or its error: type and text."""
    env: dict[str, Any] = {"torch": lib, "T": lib}
    printed = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
        warnings.simplefilter("ignore")
        lib.manual_seed(0)
        exec(begin, env)
        try:
            exec(text, env)
        except Exception as error:
            return "error", type(error).__name__, neutral(str(error))
    return "value", described(env.get("r")), neutral(printed.getvalue())


def neutral(text: str) -> str:
    """A text as it is where tensors are on the CPU, and a line has room for all that follows."""
    text = re.sub(r",\s+device='cuda:0'", "", text)
    text = re.sub(r",\s+(dtype|grad_fn|requires_grad)=", r", \1=", text)
    text = text.replace("type='cuda', index=0", "type='cpu'")
    return text.replace("torch.cuda.", "torch.").replace("cuda:0", "cpu")


def differences(got: Any, want: Any, rtol: float) -> str:
    """Where two descriptions differ; "" where they don't."""
    if isinstance(want, np.ndarray) and isinstance(got, np.ndarray):
        if got.shape == want.shape and np.allclose(got, want, rtol, rtol, equal_nan=True):
            return ""
        return f"{got} is not {want}"
    if isinstance(want, tuple) and isinstance(got, tuple) and len(got) == len(want):
        return next((d for g, w in zip(got, want) if (d := differences(g, w, rtol))), "")
    if type(got) is type(want) and isinstance(got == want, bool) and got == want:
        return ""
    return f"{got!r} is not {want!r}"


def same(text: str, begin: str = "", rtol: float = 1e-5, message: bool = True) -> None:
    """Raises AssertionError where both libraries differ."""
    want, got = outcome(real, text, begin), outcome(ours, text, begin)
    if not message and want[0] == got[0] == "error":
        want, got = want[:2], got[:2]
    found = differences(got, want, rtol)
    assert not found, f"{text}\n{found}"


OF_THE_CPU = re.compile(
    r"torch\.rand|(bernoulli|multinomial|normal|uniform)_?\(|dropout|nn\.[A-Z]\w*[a-z]\(\d|\.numpy\("
)


def blocks(text: str) -> Sequence[Any]:
    """The programs of a text, which blank lines part, to be parameters of a test."""
    programs = [block.strip() for block in text.split("\n\n") if block.strip()]
    mark = pytest.mark.cpu("random numbers as PyTorch's on the CPU, or memory of NumPy's")
    return [pytest.param(p, marks=mark) if OF_THE_CPU.search(p) else p for p in programs]
