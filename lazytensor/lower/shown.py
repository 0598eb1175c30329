"""Views that kernels alone read: these take elements in any order, so that what runs backwards in
memory need not be copied before.

What enters: the steps of a piece. What leaves: the calls among them, marked. It must not know
targets.
"""

from collections.abc import Iterable, Sequence

from .kernel import Launch, Step


def mark_shown(steps: Sequence[Step], kept: Iterable[int]) -> None:
    """Note which calls may give a view that runs backwards: what reads it, or a view of it, are
    kernels.
    """
    copied = set(kept)
    for step in reversed(steps):
        if isinstance(step, Launch):
            continue
        view = step.op.kind == "movement" and step.op.cheap
        step.shown = view and step.outs[0] not in copied
        if not step.shown:
            copied.update(step.args)
