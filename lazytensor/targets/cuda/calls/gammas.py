"""Incomplete gamma functions: the formulas of the table as functions of CUDA C, loops between them.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ...._base.dtypes import float64
from ....ops import _gamma, iterated
from ....ops._formula import Formula
from ..scalar import Name, Text
from ..source import WRITTEN
from .iterated import PARTS, elements
from .plan import Planned

# The functions' arguments, and what they compute on the way.
A, X, P, Q = "shape", "bound", "below", "above"


class _Statements:
    """Statements, some of which are carried out only where a condition holds."""

    def __init__(self) -> None:
        self.text = Text()

    def named(self, *names: str) -> list[Formula]:
        """Numbers that have these names."""
        return [Formula(self.text, Name(float64, name)) for name in names]

    def called(self, function: str, *args: Formula) -> Formula:
        """What a function of `device/iterated.cuh` gives."""
        arguments = ", ".join(x.value.text for x in args)
        return Formula(self.text, Name(float64, f"{function}({arguments})"))

    @contextmanager
    def where(self, condition: Formula) -> Iterator[None]:
        """A context whose statements are carried out where the condition holds."""
        self.text.lines.append(f"if ({condition.value.text}) {{")
        yield
        self.text.lines.append("}")

    def let(self, names: Sequence[str], found: Sequence[Formula]) -> None:
        """Let names mean something else."""
        self.text.lines += [f"{n} = {x.value.text};" for n, x in zip(names, found, strict=True)]


def _function(name: str, result: int) -> list[str]:
    """P (0) or Q (1) of two numbers, as `ops/_gamma.incomplete` has them."""
    by = _Statements()
    a, x = by.named(A, X)
    uniform, lower, upper = _gamma.ways(a, x)
    by.text.lines.append(f"f64 {P} = bits_as<f64>(0x7ff8000000000000ull), {Q} = {P};")
    with by.where(uniform):
        by.let((P, Q), _gamma.uniform(a, x))
    with by.where(lower):
        found = _gamma.power(a, x) * by.called("gamma_series", a, x)
        by.let((P, Q), (found, _gamma.complement(a, x, found)))
    with by.where(upper):
        found = _gamma.power(a, x) * a * by.called("gamma_fraction", a, x)
        by.let((P, Q), (1.0 - found, found))
    last = _gamma.limits(a, x, *by.named(P, Q))[result]
    head = f"LT_CALLED f64 {name}(f64 {A}, f64 {X}) {{"
    return [head, *by.text.lines, f"return {last.value.text};", "}"]


def _functions() -> str:
    both = [*_function("lower_gamma", 0), *_function("upper_gamma", 1)]
    return "\n".join(["namespace lt {", *both, "}"])


def _plan(function: str) -> Callable[..., Planned]:
    def body(dtype: str, axes: str) -> str:
        a, x = (f"f64(source(load<{dtype}>(here.p[{i}])))" for i in (1, 2))
        begin = f"const Here<3, {axes}> here(a.w);\nif (!here.there) return;\n"
        return f"{begin}store(here.p[0], cast_<{dtype}>({function}({a}, {x})));"

    return elements(body, (*PARTS, "gammas"))


WRITTEN["gammas"] = _functions
PLANS = {iterated.igamma: _plan("lower_gamma"), iterated.igammac: _plan("upper_gamma")}
