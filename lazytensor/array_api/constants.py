"""Constants: a chapter of the standard. Nothing enters; Python floats and None leave."""

import math

__all__ = ["e", "inf", "nan", "newaxis", "pi"]

e = math.e
inf = math.inf
nan = math.nan
newaxis = None
pi = math.pi
