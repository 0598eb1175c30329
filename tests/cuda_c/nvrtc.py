"""NVRTC through ctypes: text to machine code for an architecture, with the assembler's report.

It works where there is no device.
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
    """What the assembler says of a kernel: a thread's registers, bytes of its stack, and bytes that
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


def _compile(text: str, options: list[str]) -> Any:
    """A program of the text."""
    program, library = ctypes.c_void_p(), nvrtc()
    _check(library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"k.cu", 0, None, None))
    given = (ctypes.c_char_p * len(options))(*(o.encode() for o in options))
    code = library.nvrtcCompileProgram(program, len(options), given)
    assert not code, _log(program)[:4000]
    return program


def compiled(text: str, architecture: str) -> dict[str, Report]:
    """Compile a text for an architecture; the report of each of its kernels."""
    options = [*OPTIONS, f"--gpu-architecture={architecture}", "--ptxas-options=-v"]
    program = _compile(text, options)
    log = _log(program)
    _check(nvrtc().nvrtcDestroyProgram(ctypes.byref(program)))
    return reports(log)


def text_of(text: str) -> str:
    """The assembler text of a program."""
    program, size = _compile(text, [*OPTIONS, "--gpu-architecture=compute_80"]), ctypes.c_size_t()
    _check(nvrtc().nvrtcGetPTXSize(program, ctypes.byref(size)))
    out = ctypes.create_string_buffer(size.value)
    _check(nvrtc().nvrtcGetPTX(program, out))
    _check(nvrtc().nvrtcDestroyProgram(ctypes.byref(program)))
    return out.value.decode()


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
