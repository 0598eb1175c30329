"""The contestants: how each library is loaded, held to its threads, fed and read.

What enters: a row and its inputs as NumPy's arrays. What leaves: a `Candidate`, whose `call` takes
one prepared set of inputs and ends when its results are there. A library that is not installed
raises ImportError when it is loaded; a row that it can't express gives None.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from .row import Row, leaves, tree_map

Call = Callable[..., Any]
OURS = ("lazytensor", "lazytensor.jit", "lazytensor.torch", "lazytensor.torch.compile")
PEERS = ("numpy", "numexpr", "numba", "torch", "torch.compile", "jax.jit")
MODULES = {"torch.compile": "torch", "jax.jit": "jax", **dict.fromkeys(OURS, "lazytensor")}


def _there(results: Any) -> None:
    """They are."""


@dataclass
class Candidate:
    """A contestant of one row. call: `(*prepared inputs)` → results. convert: from NumPy's arrays,
    to memory of its own: what another one has just read is in the caches.

    compiled: how many times something was compiled so far, where the library tells. wait: until
    results are there, where calls end before.
    """

    call: Call
    convert: Call = np.array
    compiled: Callable[[], int] | None = None
    wait: Call = _there


def environment(threads: int, target: str | None) -> dict[str, str]:
    """Environment variables that hold each library to its threads."""
    counted = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_MAX_THREADS",
        "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "LAZYTENSOR_NUM_THREADS",
        "NPROC",
    )
    found = dict.fromkeys(counted, str(threads))
    eigen = "true" if threads > 1 else "false"
    found["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={eigen}"
    found["JAX_PLATFORMS"] = "cpu"
    found["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # else a pool of processes outlives the row
    return found | ({"LAZYTENSOR_TARGET": target} if target else {})


def installed(name: str) -> str | None:
    """Why a candidate can't take part, or None."""
    try:
        module = importlib.import_module(MODULES.get(name, name))
    except ImportError:
        return f"{MODULES.get(name, name)} is not installed"
    attribute = name.partition(".")[2]
    if name in OURS and attribute and not _has(module, attribute):
        return f"{name} is not there yet"
    return None


def _has(module: Any, path: str) -> bool:
    for part in path.split("."):
        if not hasattr(module, part):
            try:
                importlib.import_module(f"{module.__name__}.{part}")
            except ImportError:
                return False
        module = getattr(module, part)
    return True


def build(name: str, row: Row, state: Any) -> Candidate | None:
    """The candidate for a row, or None where the row is not for it."""
    if not row.allows(name):
        return None
    made: Candidate | None = BUILDERS[name](row, state)
    if made is not None and row.drive is not None:
        made.call = row.drive(made.call)
    return made


class _Stateful:
    """A functional step, `(state, *inputs)` → (state, result), as a call that keeps the state."""

    def __init__(self, step: Call, state: Any) -> None:
        self.step, self.state = step, state

    def __call__(self, *inputs: Any) -> Any:
        self.state, result = self.step(self.state, *inputs)
        return result


def keeping(call: Call, row: Row, state: Any, convert: Call) -> Call:
    """The call of a row, with a state of its own where the row has one."""
    return call if row.state is None else _Stateful(call, tree_map(convert, state))


def donated(row: Row) -> dict[str, Any]:
    """How a functional step is compiled: the state before it is given away, as scripts over
    arrays that are written in place have none either.
    """
    return {} if row.state is None else {"donate_argnums": 0}


# --- NumPy, NumExpr, Numba ------------------------------------------------------------------------


def _numpy(row: Row, state: Any) -> Candidate | None:
    program = row.numpy or row.array
    if program is None:
        return None
    return Candidate(keeping(partial(program, np), row, state, np.copy))


def _numexpr(row: Row, state: Any) -> Candidate | None:
    if not row.numexpr:
        return None
    import numexpr

    def call(*inputs: np.ndarray) -> Any:
        numbers = {k: inputs[0].dtype.type(c) for k, c in row.constants.items()}
        return numexpr.evaluate(row.numexpr, dict(zip("abcdefgh", inputs, strict=False)) | numbers)

    return Candidate(call)


def _numba(row: Row, state: Any) -> Candidate | None:
    if row.numba is None:
        return None
    import numba

    njit = partial(numba.njit, cache=True) if os.environ.get("NUMBA_CACHE_DIR") else numba.njit
    return Candidate(keeping(row.numba(njit), row, state, np.copy))


# --- JAX ------------------------------------------------------------------------------------------


class Jax:
    """One namespace out of JAX's several."""

    def __init__(self) -> None:
        import jax
        import jax.numpy
        import jax.scipy.special

        self._parts = (jax.numpy, jax, jax.nn, jax.scipy.special)

    def __getattr__(self, name: str) -> Any:
        for part in self._parts:
            if hasattr(part, name):
                return getattr(part, name)
        raise AttributeError(name)


def _jax(row: Row, state: Any) -> Candidate | None:
    if row.array is None:
        return None
    import jax

    jax.config.update("jax_enable_x64", False)
    compiled = jax.jit(partial(row.array, Jax()), **donated(row))
    kept = keeping(compiled, row, state, _to_jax)

    def call(*inputs: Any) -> Any:
        return jax.block_until_ready(kept(*inputs))

    return Candidate(call, _to_jax, compiled._cache_size)


def _to_jax(x: np.ndarray) -> Any:
    """A JAX array; the first one in double precision turns that on."""
    import jax

    if x.dtype in (np.float64, np.complex128):
        jax.config.update("jax_enable_x64", True)
    return jax.numpy.array(x)


# --- PyTorch, and whatever has its interface ------------------------------------------------------


def torch_call(
    row: Row, torch: Any, compile_: Call, state: Any, convert: Call | None = None
) -> Call | None:
    """The program of PyTorch, with a state of its own that `convert` makes of NumPy's arrays."""
    if row.factory is not None:
        owned = convert or _owned(torch)
        kept = () if row.state is None else (tree_map(owned, state),)
        return row.factory(torch, compile_, *kept)
    program = row.torch or row.array
    return None if program is None or row.state else compile_(partial(program, torch))


def _owned(torch: Any) -> Call:
    """Tensors with memory of their own."""
    return lambda x: torch.from_numpy(x.copy())


def _torch(row: Row, state: Any, compiling: bool = False) -> Candidate | None:
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if not compiling:
        call = torch_call(row, torch, lambda f: f, state)
        return call and Candidate(call, _owned(torch))
    from torch._dynamo import reset
    from torch._dynamo.utils import counters

    reset()
    call = torch_call(row, torch, lambda f: torch.compile(plain(f)), state)
    return call and Candidate(call, _owned(torch), lambda: counters["stats"]["unique_graphs"])


def plain(program: Call, *first: Any) -> Call:
    """A program as a function, since compilers look into functions and not into partials."""

    def run(*inputs: Any) -> Any:
        return program(*first, *inputs)

    return run


# --- ours -----------------------------------------------------------------------------------------


def compilations() -> int:
    return importlib.import_module("lazytensor.runtime.counters").counters().compilations


def _ours(row: Row, state: Any, compiling: bool = False) -> Candidate | None:
    if row.array is None:
        return None
    import lazytensor as lt

    if compiling:  # what it gives is there
        step = lt.jit(plain(row.array, lt), **donated(row))
        return Candidate(keeping(step, row, state, lt.asarray), lt.asarray, compilations)
    materialize = lt.materialize

    def single(*inputs: Any) -> Any:
        result = row.array(lt, *inputs)
        if isinstance(result, lt.Array):
            materialize(result)
        else:
            materialize(*leaves(result))
        return result

    return Candidate(keeping(single, row, state, lt.asarray), lt.asarray, compilations)


def _face(row: Row, state: Any, compiling: bool = False) -> Candidate | None:
    """The same script of PyTorch over lazytensor, of tensors whose memory nothing shares."""
    if not row.face:
        return None
    torch = importlib.import_module("lazytensor.torch")
    compile_ = torch.compile if compiling else lambda f: f
    call = torch_call(row, torch, compile_, state)

    def forced(*inputs: Any) -> Any:
        result = call(*inputs)
        for x in leaves(result):
            (x.detach() if x.requires_grad else x).numpy()  # of one handle alone, no copy
        return result

    return call and Candidate(forced, lambda x: torch.from_numpy(x).clone(), compilations)


def read(result: Any) -> list[np.ndarray]:
    """The results as NumPy's arrays."""
    return [np.array(x.detach().numpy() if hasattr(x, "detach") else x) for x in leaves(result)]


def versions() -> dict[str, str]:
    """Of the libraries that this process has loaded."""
    names = ("lazytensor", "numpy", "numexpr", "numba", "torch", "jax", "llvmlite")
    found = {n: importlib.sys.modules.get(n, SimpleNamespace()) for n in names}
    return {n: str(m.__version__) for n, m in found.items() if hasattr(m, "__version__")}


BUILDERS: dict[str, Callable[[Row, Any], Candidate | None]] = {
    "numpy": _numpy,
    "numexpr": _numexpr,
    "numba": _numba,
    "torch": _torch,
    "torch.compile": partial(_torch, compiling=True),
    "jax.jit": _jax,
    "lazytensor": _ours,
    "lazytensor.jit": partial(_ours, compiling=True),
    "lazytensor.torch": _face,
    "lazytensor.torch.compile": partial(_face, compiling=True),
}
