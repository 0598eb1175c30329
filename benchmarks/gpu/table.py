"""The rows: programs of `benchmarks/cpu` at sizes for a GPU.

What enters: rows of the CPU. What leaves: rows with their bytes, the precision of their products
and the places at which their results are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from ..cpu import formulas, gpt, normalized, row, table
from ..cpu.row import per

M = 1 << 20


@dataclass(frozen=True)
class Row(row.Row):
    """A row for a GPU. tf32: products of float32 may be rounded to TF32. stride: results are
    compared at every so many-th place of the first axis, for programs whose results there depend
    on inputs there alone. cupy: the program for CuPy, else NumPy's.
    """

    tf32: bool = False
    stride: int = 1
    cupy: row.Program | None = None


NAMED = {r.name: r for r in table.ROWS}


def at(name: str, cpu: str, *sizes: int, **changes: Any) -> Row:
    """A row of the CPU under another name, at other sizes."""
    of = {f.name: getattr(NAMED[cpu], f.name) for f in fields(row.Row)}
    return Row(**(of | {"name": name, "sizes": sizes} | changes))


LAYERS, BATCH = 4, 16
GPT: dict[str, Any] = {
    "make": partial(gpt.batch, count=BATCH),
    "state": partial(gpt.state, layers=LAYERS),
    "flops": partial(gpt.flops, count=BATCH, layers=LAYERS),
}
MLP_SIZES, GPT_SIZES = (128, 784, 512, 512, 10), (256, 512, 1024)
F, B, S = "memory", "matrix", "step"

# fmt: off
ROWS = [
    at("fma4_64M", "fma4_16M", 64 * M, kind=F, bytes=per(20), stride=61),
    at("blackscholes_32M", "blackscholes_4M", 32 * M, kind=F, bytes=per(16), stride=127,
       cupy=formulas.black_scholes),
    at("gelu_64M", "gelu_16M", 64 * M, kind=F, bytes=per(8), stride=61),
    at("softmax_8192x8192", "softmax_4096x1024", 8192, 8192, kind=F, bytes=per(8), stride=61),
    at("softmax_262144x128", "softmax_4096x1024", 262144, 128, kind=F, bytes=per(8), stride=61),
    at("layernorm_16384x4096", "layernorm_4096x1024", 16384, 4096, kind=F, bytes=per(8),
       stride=61, cupy=normalized.layernorm),
    at("sum_cols_16384x4096", "sum_cols_4096x1024", 16384, 4096, kind=F, bytes=per(4),
       tolerance=1e-4),
    at("sum_rows_16384x4096", "sum_rows_4096x1024", 16384, 4096, kind=F, bytes=per(4)),
    at("dot_64M", "dot_16M", 64 * M, kind=F, bytes=per(8)),
    at("transpose_add_8192", "transpose_add_4096", 8192, 8192, kind=F, bytes=per(12)),
    at("rbf_outer_8192", "rbf_outer_2048", 8192, kind=F, bytes=lambda n: 4 * n * n),
    at("matmul_4096", "sgemm_1024", 4096, kind=B),
    at("mm_gelu_4096", "mm_gelu_1024", 4096, kind=B),
    at("attention_8x16x1024x64", "attention_4x8x256x64", 8, 16, 1024, 64, kind=B),
    at("tiny_200ops_1k", "tiny_200ops_1k", 1000, kind="call"),
    at("mlp_step", "mlp_step", *MLP_SIZES, kind=S),
    at("gpt_step", "gpt_step", *GPT_SIZES, kind=S, **GPT),
    at("mlp_step_tf32", "mlp_step", *MLP_SIZES, kind=S, tf32=True, tolerance=5e-3),
    at("gpt_step_tf32", "gpt_step", *GPT_SIZES, kind=S, tf32=True, tolerance=5e-3, **GPT),
]
# fmt: on
