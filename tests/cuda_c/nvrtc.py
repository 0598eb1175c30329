"""NVRTC through ctypes: text to machine code for an architecture, with the assembler's report. Works
where there is no device.
"""

import ctypes
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lazytensor.targets.cuda import OPTIONS

ARCHITECTURES = ("sm_80", "sm_90")


class Report(NamedTuple):
    """What the assembler says of a kernel: registers of a thread, bytes of its stack, and bytes that
    it spills.
    """

    registers: int
    stack: int
    spilled: int


@cache
def nvrtc() -> Any:
    """The library; skips where there is none."""
    spec = find_spec("nvidia.cuda_nvrtc") if find_spec("nvidia") else None
    folders = [Path(p) / "lib" for p in (spec.submodule_search_locations or ())] if spec else []
    found = [f for folder in folders for f in sorted(folder.glob("libnvrtc.so.*"))]
    if not found:
        pytest.skip("no NVRTC: pip install nvidia-cuda-nvrtc-cu12")
    return ctypes.CDLL(str(found[0]))


def _check(code: int) -> None:
    assert not code, f"NVRTC's error {code}"


def _log(program: Any) -> str:
    size = ctypes.c_size_t()
    _check(nvrtc().nvrtcGetProgramLogSize(program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    _check(nvrtc().nvrtcGetProgramLog(program, text))
    return text.value.decode()


def compiled(text: str, architecture: str) -> dict[str, Report]:
    """Compile a text; the report of each of its kernels."""
    program = ctypes.c_void_p()
    library = nvrtc()
    _check(library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"k.cu", 0, None, None))
    options = [*OPTIONS, f"--gpu-architecture={architecture}", "--ptxas-options=-v"]
    given = (ctypes.c_char_p * len(options))(*(o.encode() for o in options))
    code = library.nvrtcCompileProgram(program, len(options), given)
    log = _log(program)
    _check(library.nvrtcDestroyProgram(ctypes.byref(program)))
    assert not code, log[:4000]
    return reports(log)


def reports(log: str) -> dict[str, Report]:
    """What a program's log says of each kernel."""
    found: dict[str, Report] = {}
    for entry in re.split(r"Compiling entry function '", log)[1:]:
        name = entry[: entry.index("'")]
        stack, stores, loads = (
            int(re.search(rf"(\d+) bytes {what}", entry)[1])  # type: ignore[index]
            for what in ("stack frame", "spill stores", "spill loads")
        )
        registers = int(re.search(r"Used (\d+) registers", entry)[1])  # type: ignore[index]
        found[name] = Report(registers, stack, stores + loads)
    return found
