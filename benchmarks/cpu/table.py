"""All rows, in the order of the report."""

from __future__ import annotations

from . import elementwise, formulas

ROWS = [*elementwise.ROWS, *formulas.ROWS]
