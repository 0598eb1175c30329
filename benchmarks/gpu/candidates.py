"""The contestants on a GPU: how each library's arrays get there, what waits for it, how it is read.

What enters: a row and its inputs as NumPy's arrays. What leaves: a `Candidate` of `benchmarks/cpu`
whose `call` may end before its results are there, which `wait` waits for. A library that is not
installed raises ImportError when it is loaded; a row that it can't express gives None.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..cpu import candidates as cpu
from ..cpu.candidates import OURS, Call, Candidate, donated, keeping
from ..cpu.row import leaves
from .table import Row

DEVICE = "cuda:0"
GRAPHS = "torch.compile+graphs"
PEERS = ("torch", "torch.compile", GRAPHS, "jax.jit", "cupy")
MODULES = {"torch.compile": "torch", GRAPHS: "torch", "jax.jit": "jax"}


def environment(tf32: bool) -> dict[str, str]:
    """Environment variables of a process in which products are or aren't rounded to TF32."""
    return {
        "LAZYTENSOR_DEFAULT_DEVICE": DEVICE,
        "LAZYTENSOR_TF32": str(int(tf32)),
        "CUPY_TF32": str(int(tf32)),
        "JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32" if tf32 else "float32",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # else it takes most of the device
    }


def installed(name: str) -> str | None:
    """Why a candidate can't take part, or None."""
    if name in OURS and (missing := cpu.installed(name)):
        return missing
    try:
        found = _sees(name)
    except (ImportError, RuntimeError) as error:
        return f"{name}: {str(error).splitlines()[0]}"
    return None if found else f"{name} sees no GPU"


def _sees(name: str) -> bool:
    if name in OURS[:2] or name == "cupy":
        importlib.import_module("cupy")
        return _gpus().count() > 0
    if name == "jax.jit":
        return bool(importlib.import_module("jax").devices("cuda"))
    module = "lazytensor.torch" if name in OURS else "torch"
    return bool(importlib.import_module(module).cuda.is_available())


def build(name: str, row: Row, state: Any) -> Candidate | None:
    """The candidate for a row, or None where the row is not for it."""
    return BUILDERS[name](row, state)


def _gpus() -> Any:
    return importlib.import_module("lazytensor.runtime.gpus")


def _device() -> Any:
    return importlib.import_module("lazytensor._base.devices").device(DEVICE)


# --- the device -----------------------------------------------------------------------------------


def copying(nbytes: int) -> Candidate:
    """Copies of so many bytes within the device, between two pairs of arrays in turn."""
    driver = importlib.import_module("lazytensor.runtime.gpu.driver").driver()
    kind = np.dtype(np.uint8)
    with driver.on(0):
        pairs = [[driver.empty((nbytes,), kind) for _ in range(2)] for _ in range(2)]

    def call(pair: list[Any]) -> None:
        with driver.on(0):
            driver.copy(*pair)

    pairs.append(pairs[0])
    inputs = iter(pairs)
    return Candidate(call, lambda _: next(inputs), wait=_wait)


def name_of_device() -> str:
    """What the device is called."""
    cupy = importlib.import_module("cupy")
    try:
        found = cupy.cuda.runtime.getDeviceProperties(0)
    except cupy.cuda.runtime.CUDARuntimeError:
        driver = importlib.import_module("lazytensor.runtime.gpu.driver").driver()
        return f"no GPU, {type(driver).__name__} in its place"
    return f"{found['name'].decode()}, CUDA {cupy.cuda.runtime.driverGetVersion()}"


def tidy() -> None:
    """Give back what libraries keep of the device's memory."""
    _gpus().clear()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()


def _wait(results: Any) -> None:
    _gpus().loaded().wait(_device())


# --- ours -----------------------------------------------------------------------------------------


def _placed(x: np.ndarray) -> Any:
    import lazytensor as lt

    out = lt.asarray(x, device=DEVICE)
    lt.materialize(out)
    return out


def _ours(row: Row, state: Any, compiling: bool = False) -> Candidate | None:
    if row.array is None:
        return None
    import lazytensor as lt

    def lazy(*inputs: Any) -> Any:
        result = row.array(lt, *inputs)
        lt.materialize(*leaves(result))
        return result

    call = lt.jit(cpu.plain(row.array, lt), **donated(row)) if compiling else lazy
    return Candidate(keeping(call, row, state, _placed), _placed, cpu.compilations, _wait)


def _face(row: Row, state: Any, compiling: bool = False) -> Candidate | None:
    """The same script of PyTorch over lazytensor."""
    if not row.face:
        return None
    torch = importlib.import_module("lazytensor.torch")
    materialize = importlib.import_module("lazytensor.runtime.materialize").materialize
    call = _torch_call(row, torch, torch.compile if compiling else lambda f: f, state)

    def forced(*inputs: Any) -> Any:
        result = call(*inputs)
        materialize([x._node for x in leaves(result)])
        return result

    return call and Candidate(forced, _cuda(torch), cpu.compilations, _wait)


# --- PyTorch, JAX, CuPy ---------------------------------------------------------------------------


def _cuda(torch: Any) -> Call:
    return lambda x: torch.from_numpy(x.copy()).to(DEVICE)


def _torch_call(row: Row, torch: Any, compile_: Call, state: Any) -> Call | None:
    return cpu.torch_call(row, torch, compile_, state, _cuda(torch))


def _torch(row: Row, state: Any, mode: str = "") -> Candidate | None:
    import torch

    torch.set_float32_matmul_precision("high" if row.tf32 else "highest")

    def compile_(program: Call) -> Call:
        if not mode:
            return program
        return torch.compile(cpu.plain(program), mode=mode)

    torch._dynamo.reset()
    call = _torch_call(row, torch, compile_, state)
    if call is None:
        return None

    def stepping(*inputs: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()
        return call(*inputs)

    run = stepping if mode == "reduce-overhead" else call
    return Candidate(run, _cuda(torch), wait=lambda _: torch.cuda.synchronize())


def _graphs(row: Row, state: Any) -> Candidate | None:
    """CUDA graphs of PyTorch's, where launching kernels is what takes time."""
    return _torch(row, state, "reduce-overhead") if row.kind in ("step", "call") else None


def _jax(row: Row, state: Any) -> Candidate | None:
    if row.array is None:
        return None
    import jax

    compiled = jax.jit(partial(row.array, cpu.Jax()), **donated(row))
    call = keeping(compiled, row, state, jax.numpy.array)
    return Candidate(call, jax.numpy.array, compiled._cache_size, jax.block_until_ready)


class _Cupy:
    """One namespace out of CuPy's two."""

    def __init__(self) -> None:
        self._parts = [importlib.import_module(n) for n in ("cupy", "cupyx.scipy.special")]

    def __getattr__(self, name: str) -> Any:
        for part in self._parts:
            if hasattr(part, name):
                return getattr(part, name)
        raise AttributeError(name)


def _cupy(row: Row, state: Any) -> Candidate | None:
    program = row.cupy or row.numpy or row.array
    if program is None or row.kind == "step":
        return None
    import cupy

    wait = cupy.cuda.Device(0).synchronize
    return Candidate(partial(program, _Cupy()), cupy.asarray, wait=lambda _: wait())


def read(result: Any) -> list[np.ndarray]:
    """The results as NumPy's arrays."""
    return [_read(x) for x in leaves(result)]


def _read(x: Any) -> np.ndarray:
    if hasattr(x, "detach"):
        return np.array(x.detach().cpu().numpy())
    return np.array(x.get() if type(x).__module__.startswith("cupy") else x)


BUILDERS: dict[str, Callable[[Row, Any], Candidate | None]] = {
    "lazytensor": _ours,
    "lazytensor.jit": partial(_ours, compiling=True),
    "lazytensor.torch": _face,
    "lazytensor.torch.compile": partial(_face, compiling=True),
    "torch": _torch,
    "torch.compile": partial(_torch, mode="default"),
    GRAPHS: _graphs,
    "jax.jit": _jax,
    "cupy": _cupy,
}
