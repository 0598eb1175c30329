"""All rows, in the order of the report."""

from __future__ import annotations

from . import (
    convolution,
    elementwise,
    formulas,
    gpt_script,
    linear,
    movement,
    normalized,
    overheads,
    reductions,
    training,
)

PARTS = (
    elementwise,
    formulas,
    reductions,
    normalized,
    movement,
    linear,
    convolution,
    training,
    gpt_script,
    overheads,
)
ROWS = [row for part in PARTS for row in part.ROWS]
