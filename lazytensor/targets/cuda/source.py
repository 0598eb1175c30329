"""From a kernel and its form to CUDA C.

What enters: a Kernel, a Form. What leaves: text that stands for itself: the parts of `device/` that
it needs, and one function. It must not know how it is compiled.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from ..._base.dtypes import kind
from ...lower.kernel import Kernel
from .flat import Flat
from .folds import Folds, at_once
from .form import ACROSS, ALONG, FLAT, SUMMED, TILED, Form
from .summed import Summed
from .tiled import Tiled
from .words import MOST_WORDS

# What NVRTC is told besides the architecture: IEEE's arithmetic, nothing fused.
OPTIONS = (
    "--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true",
)  # fmt: skip
# Threads among which a multiprocessor's 65,536 registers are shared out; it holds several times
# as many. Told of none, the assembler spills registers so that there is room for all.
RESIDENT = {FLAT: 512, TILED: 512, ALONG: 768, ACROSS: 512, SUMMED: 512}
# The same at most where a thread keeps so many bytes of a row in registers.
MUCH, FEWER = 128, 512
HEAD = """\
#define LT_FN __device__ __forceinline__
#define LT_CALLED static __device__ __noinline__
#define LT_GIVEN const __grid_constant__
#define LT_KERNEL(NAME, THREADS, BLOCKS) \\
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) NAME
#define LT_ROOM(NAME) \\
  extern __shared__ __align__(16) char lt_room[]; \\
  char *const NAME = lt_room
"""


_WAYS = {FLAT: Flat, TILED: Tiled, ALONG: Folds, ACROSS: Folds, SUMMED: Summed}
# The files of `device/`, in order.
FILES = ("types", "scalar", "complex", "functions", "folds")


WRITTEN: dict[str, Callable[[], str]] = {}
"""What writes parts that are no files, since the table has what they say."""


@cache
def part(name: str) -> str:
    """A file of `device/`, or a part that is written."""
    if name in WRITTEN:
        return WRITTEN[name]()
    return (Path(__file__).parent / "device" / f"{name}.cuh").read_text(encoding="utf-8")


def parts(kernel: Kernel) -> list[str]:
    """The files of `device/` that a kernel needs, in order."""
    dtypes = [kernel.dtype(k) for k in range(kernel.count)]
    complex_ = ["complex", "functions"] if any(kind(d) == "c" for d in dtypes) else []
    folds = ["folds"] if kernel.reduced else []
    return [name for name in FILES if name in ("types", "scalar", *complex_, *folds)]


def function(kernel: Kernel, form: Form, name: str) -> str:
    """The kernel's function alone. Raises `Unsupported`."""
    emitter = _WAYS[form.way](kernel, form)
    lines = "\n".join(_indented(emitter.body()))
    resident = RESIDENT[form.way]
    if form.held and at_once(kernel) >= MUCH:
        resident = min(resident, FEWER)
    blocks = max(1, resident // form.threads)
    count = MOST_WORDS if form.sets else emitter.words.count
    words = f"struct {name}_words {{ {'const i64 *w' if form.far else f'i64 w[{count}]'}; }};"
    head = f"LT_KERNEL({name}, {form.threads}, {blocks})(LT_GIVEN {name}_words a) {{"
    return f"namespace lt {{\n{words}\n{head}\n{lines}\n}}\n}}\n"


def _indented(lines: list[str]) -> Iterator[str]:
    """Lines with two spaces for each brace that is open."""
    depth = 1
    for line in lines:
        depth -= line.startswith("}")
        yield "  " * depth * (not line.startswith("#")) + line
        depth += line.endswith("{")


def key(kernel: Kernel, form: Form) -> str:
    """What tells a kernel's text from all others, whatever its name."""
    text = "\n".join((*OPTIONS, source(kernel, form)))
    return hashlib.sha256(text.encode()).hexdigest()


def source(kernel: Kernel, form: Form, name: str = "kernel") -> str:
    """All that NVRTC reads. Raises `Unsupported`."""
    return "\n".join([HEAD, *map(part, parts(kernel)), function(kernel, form, name)])
