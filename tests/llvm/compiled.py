"""Elementary functions compiled for arrays: `compiled(function, dtype, width)` is a callable."""

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from lazytensor.targets.llvm.code import Code, Value

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
TYPES = {"float32": "float", "float64": "double"}
KEEP: list[Any] = []


def loop(function: Callable[..., Value], type: str, width: int, fused: bool, arity: int) -> str:
    """A module with `f(x…, y, n)`, n a multiple of the width."""
    c = Code(fused)
    whole = Value("", type, width).full
    size = 4 if type == "float" else 8
    pointers = ["%x0", "%x1"][:arity]
    c.raw("br label %body")
    c.label("body")
    c.raw("%i = phi i64 [0, %0], [%next, %body]")
    loads = []
    for p in pointers:
        c.raw(f"{p}p = getelementptr {type}, ptr {p}, i64 %i")
        loads.append(c.fresh(f"load {whole}, ptr {p}p, align {size}", type, width))
    y = function(c, *loads)
    c.raw(f"%yp = getelementptr {type}, ptr %y, i64 %i")
    c.raw(f"store {y}, ptr %yp, align {size}")
    c.raw(f"%next = add i64 %i, {width}")
    c.raw("%more = icmp ult i64 %next, %n")
    c.raw("br i1 %more, label %body, label %end\nend:\nret void")
    inputs = ", ".join(f"ptr noalias {p}" for p in (*pointers, "%y"))
    head = f"define void @f({inputs}, i64 %n)"
    return "\n".join([*sorted(c.declared), f"{head} {{", *c.lines, "}"])


def machine_code(text: str, assembly: bool = False) -> Any:
    """The address of `f`, or its assembly."""
    module = llvm.parse_assembly(text)
    module.verify()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=2, jit=True
    )
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = False
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    if assembly:
        return machine.emit_assembly(module)
    engine = llvm.create_mcjit_compiler(module, machine)
    machine._owned = True  # the engine frees it
    engine.finalize_object()
    KEEP.append((engine, module, machine, builder))
    return engine.get_function_address("f")


def compiled(
    function: Callable[..., Value], dtype: str, width: int, fused: bool = True, arity: int = 1
) -> Callable[..., np.ndarray]:
    """The function for arrays of a dtype, computed so many elements at a time."""
    address = machine_code(loop(function, TYPES[dtype], width, fused, arity))
    raw = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arity + 1), ctypes.c_int64)(address)

    def call(*arrays: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        n = arrays[0].size
        if out is not None:
            raw(*(a.ctypes.data for a in arrays), out.ctypes.data, n)
            return out
        padded = [np.resize(np.asarray(a, dtype), -(-n // width) * width) for a in arrays]
        y = np.empty_like(padded[0])
        raw(*(a.ctypes.data for a in padded), y.ctypes.data, y.size)
        return y[:n]

    return call
