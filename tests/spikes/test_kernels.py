"""Third spike: one elementwise and one softmax kernel, from the same Kernel to NumPy, LLVM IR and
CUDA C.
"""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lower.kernel import Kernel, Launch
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.ops.reduce import kept_shape
from lazytensor.runtime.materialize import value

from . import loops


def softmax(x: Node) -> Node:
    axes = (1,)
    e = g.exp(x - g.reshape(g.max(x, axes), kept_shape(x, axes)))
    return e / g.reshape(g.sum(e, axes), kept_shape(x, axes))


def elementwise(x: Node) -> Node:
    return g.tanh(x * 0.5 + 0.25) * (x - 1.0)


def the_kernel(node: Node) -> Kernel:
    steps = lower(linearize([node])).steps
    assert len(steps) == 1 and isinstance(steps[0], Launch)
    return steps[0].kernel


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((37, 61)).astype(np.float32)


PROGRAMS = [softmax, elementwise]


def _scalars(kernel: Kernel, node: Node) -> list[np.ndarray]:
    graph = linearize([node])
    return [graph.order[p].value for p in graph.leaves]


def _arguments(kernel: Kernel, node: Node, out: np.ndarray) -> list:
    arrays = [*_scalars(kernel, node), out]
    flat: list = [out.shape[0], out.shape[1]]
    for a in arrays:
        strides = [s // a.itemsize for s in a.strides] if a.ndim == 2 else [0, 0]
        flat += [a, *strides]
    return flat


@pytest.mark.parametrize("program", PROGRAMS)
def test_numpy(program, rows):
    with config.context(execution="compile"):
        compiled = value(program(leaf(rows)))
    with config.context(execution="interpret"):
        assert compiled.tobytes() == value(program(leaf(rows))).tobytes()


@pytest.mark.parametrize("program", PROGRAMS)
def test_llvm(program, rows):
    llvm = pytest.importorskip("llvmlite.binding")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    node = program(leaf(rows))
    kernel = the_kernel(node)
    text = loops.LLVM().function(kernel)
    module = llvm.parse_assembly(text.replace("float*", "ptr").replace("i64*", "ptr"))
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    out = np.empty_like(rows)
    args = _arguments(kernel, node, out)
    kinds = [ctypes.c_void_p if isinstance(a, np.ndarray) else ctypes.c_int64 for a in args]
    values = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in args]
    ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address("kernel"))(*values)
    np.testing.assert_allclose(out, value(program(leaf(rows))), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("program", PROGRAMS)
def test_cuda(program, rows):
    text = loops.C().function(the_kernel(program(leaf(rows))))
    assert len(cubin(text, "--gpu-architecture=sm_90", "--fmad=false", "--std=c++17")) > 1000


def test_cuda_source_with_an_error_is_refused():
    with pytest.raises(AssertionError, match="undefined"):
        cubin('extern "C" __global__ void kernel() { undefined(); }', "--gpu-architecture=sm_90")


def cubin(text: str, *options: str) -> bytes:
    """CUDA C compiled by NVRTC, which needs no device. Raises AssertionError with NVRTC's log."""
    package = pytest.importorskip("nvidia.cuda_nvrtc")
    library = next(Path(p) for p in package.__path__) / "lib" / "libnvrtc.so.12"
    nvrtc, program, size = ctypes.CDLL(str(library)), ctypes.c_void_p(), ctypes.c_size_t()
    args = (ctypes.c_char_p * len(options))(*[o.encode() for o in options])
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None)
    status = nvrtc.nvrtcCompileProgram(program, len(options), args)
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    assert status == 0, log.value.decode()
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    out = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, out)
    return out.raw
