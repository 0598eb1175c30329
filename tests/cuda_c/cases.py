"""Launches of the kernels that graphs are lowered to, with arguments and with the results that the
reference gives; and what compares them with those of the CUDA kernels.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node
from lazytensor.lower import segments, totals
from lazytensor.lower.kernel import Call, Launch, Plan
from lazytensor.lower.pipeline import lower
from lazytensor.targets.cuda import Bound, Form, Unsupported, function

from . import reference
from .compare import same
from .fences import FILL, beside, fenced
from .harness import Fibres, Key, bound


@dataclass
class Case:
    """A launch, its arguments, and what it should give."""

    launch: Launch
    args: list[np.ndarray]
    wants: list[np.ndarray]
    what: Any = ""


def plan_of(nodes: Sequence[Node]) -> tuple[Plan, Any]:
    """The plan of a graph for a target that folds along any axes, and the graph."""
    always = mock.patch.object(totals, "WORTH", 1), mock.patch.object(segments, "WORTH", 1)
    with always[0], always[1], config.context(target="llvm"):
        graph = linearize(nodes)
        return lower(graph), graph


def cases(nodes: Sequence[Node], what: Any = "") -> list[Case]:
    """The launches that compute some nodes."""
    plan, graph = plan_of(nodes)
    env: list[Any] = [None] * plan.slots
    for slot, place in enumerate(plan.inputs):
        env[slot] = graph.order[place].value
    env = [env[i] for i in range(plan.slots)]
    for slot, value in plan.constants:
        env[slot] = value
    found = []
    for step in plan.steps:
        args = [env[i] for i in step.args]
        if isinstance(step, Call):
            env[step.outs[0]] = _called(step, args)
            continue
        outs = [np.empty(s, d) for s, d in zip(step.shapes, step.dtypes, strict=True)]
        reference.run(step, args, outs)
        found.append(Case(step, args, outs, what))
        for slot, out in zip(step.outs, outs, strict=True):
            env[slot] = out
    return found


def _called(step: Call, args: list[Any]) -> Any:
    if step.index is not None:
        return args[0][step.index]
    with np.errstate(all="ignore"):
        return step.op.value(np, *args, *step.params)


def supported(case: Case) -> bool:
    """Whether there is code for the kernel of a case."""
    try:
        for c in bound(case.launch, case.args, case.wants).commands:
            function(c.kernel, c.form, "kernel")
    except Unsupported:
        return False
    return True


def check(given: Iterable[Case]) -> Counter[str]:
    """Run cases, with memory that ends where operands do, threads in order, and with memory that
    begins where they do, threads in the opposite order; how often each form was taken.
    """
    seen: Counter[str] = Counter()
    jobs: list[tuple[Case, Bound, list[Any], list[Any], bool]] = []
    for case in given:
        if not supported(case):
            seen["unsupported"] += 1
            continue
        for at_end in (True, False):
            args = [fenced(a, at_end) for a in case.args]
            outs = [fenced(np.full_like(w, 0), at_end) for w in case.wants]
            found = bound(case.launch, args, outs)
            jobs.append((case, found, args, outs, at_end))
            seen.update(trait for c in found.commands for trait in _traits(c.form))
    keys: list[Key] = [(c.kernel, c.form) for _, b, *_ in jobs for c in b.commands]
    fibres = Fibres(keys)
    seen["kernels"] = len(fibres.names)
    for case, commands, args, outs, backwards in jobs:
        for out in outs:
            out.reshape(-1).view(np.uint8)[...] = 0xA5
        fibres.run(commands, args, outs, backwards)
        for got, want in zip(outs, case.wants, strict=True):
            assert (beside(got) == FILL).all(), (case.what, "written beyond an output")
            same(got, want, (case.what, [c.form for c in commands.commands], case.launch.axes))
    return seen


def _traits(form: Form) -> list[str]:
    found = [f"{form.way} {form.part}", f"{form.way} wide {form.wide}"]
    found += [f"{form.way} partial"] * form.partial + [f"{form.way} sets"] * form.sets
    found += [f"{form.way} held"] * form.held + [f"{form.way} spread"] * form.spread
    found += [f"{form.way} {lie}" for lie in form.lie]
    found += [f"{form.way} {'several' if form.outer > 1 else form.outer} outer"]
    found += [f"{form.way} {form.inner} inner"] * (form.way != "flat")
    return found
