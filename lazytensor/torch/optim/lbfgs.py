"""L-BFGS, with a line search where wanted.

What enters: parameters, and a closure that computes the loss and the gradients anew. What leaves:
changed parameters. It must not know models. Nocedal & Wright, Numerical Optimization, ch. 3 and 7.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import _api as torch
from ._by_tensor import check_lr
from .optimizer import Optimizer, State, _to_scalar

__all__ = ["LBFGS"]


class _Point(NamedTuple):
    """A place on the line: step, loss, gradient, and the gradient's part along the line."""

    t: Any
    loss: Any
    grad: Any
    slope: Any


def _cubic(a: _Point, b: _Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points with slopes is least, within bounds."""
    low, high = bounds if bounds is not None else (min(a.t, b.t), max(a.t, b.t))
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if a.t <= b.t:
        place = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        place = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(place, low), high)


class _Search:
    """A line search for the strong Wolfe conditions."""

    def __init__(self, at: Callable[[Any], _Point], start: _Point, size: Any, limit: int) -> None:
        self.at, self.start, self.size, self.limit = at, start, size, limit
        self.iterations, self.evaluations = 0, 0
        self.c1, self.c2, self.tolerance = 1e-4, 0.9, 1e-9

    def _try(self, t: Any) -> _Point:
        self.evaluations += 1
        return self.at(t)

    def _too_high(self, point: _Point) -> bool:
        start = self.start
        return bool(point.loss > start.loss + self.c1 * point.t * start.slope)

    def _flat(self, point: _Point) -> bool:
        return bool(abs(point.slope) <= -self.c2 * self.start.slope)

    def run(self, t: Any) -> _Point:
        """A point that satisfies the conditions, or the best of those tried."""
        bracket, done = self._bracket(t)
        if not done:
            self._zoom(bracket)
        low = 0 if bracket[0].loss <= bracket[-1].loss else 1
        return bracket[low]

    def _bracket(self, t: Any) -> tuple[list[_Point], bool]:
        """Two points with one between that satisfies the conditions, or such a one alone."""
        before, point = self.start, self._try(t)
        while self.iterations < self.limit:
            rises = self.iterations > 1 and point.loss >= before.loss
            if self._too_high(point) or rises:
                return [before, point], False
            if self._flat(point):
                return [point], True
            if point.slope >= 0:
                return [before, point], False
            ends = (point.t + 0.01 * (point.t - before.t), point.t * 10)
            step = _cubic(before, point, ends)
            before, point = point, self._try(step)
            self.iterations += 1
        return [self.start, point], False

    def _between(self, bracket: list[_Point], stuck: bool) -> tuple[Any, bool]:
        """The next step to try, kept from the ends, and whether it was close to one."""
        t = _cubic(bracket[0], bracket[1])
        low, high = min(p.t for p in bracket), max(p.t for p in bracket)
        eps = 0.1 * (high - low)
        if not min(high - t, t - low) < eps:
            return t, False
        if not (stuck or t >= high or t <= low):
            return t, True
        return (high - eps if abs(t - high) < abs(t - low) else low + eps), False

    def _zoom(self, bracket: list[_Point]) -> None:
        """Narrow a bracket until an end satisfies the conditions."""
        low, high = (0, 1) if bracket[0].loss <= bracket[-1].loss else (1, 0)
        done = stuck = False
        while not done and self.iterations < self.limit:
            if abs(bracket[1].t - bracket[0].t) * self.size < self.tolerance:
                return
            t, stuck = self._between(bracket, stuck)
            point = self._try(t)
            self.iterations += 1
            if self._too_high(point) or point.loss >= bracket[low].loss:
                bracket[high] = point
                low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
                continue
            done = self._flat(point)
            if not done and point.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = point


class _History:
    """The last changes of parameters and gradients, from which directions are computed."""

    def __init__(self, state: State, limit: int) -> None:
        self.limit = limit
        self.changes: list[Any] = state.get("old_dirs", [])
        self.steps: list[Any] = state.get("old_stps", [])
        self.ro: list[Any] = state.get("ro", [])
        self.diagonal: Any = state.get("H_diag", 1)

    def add(self, change: Any, step: Any) -> None:
        """Remember a change of the gradient over a step, unless curvature is not positive."""
        along = change.dot(step)
        if not along > 1e-10:
            return
        if len(self.changes) == self.limit:
            for old in (self.changes, self.steps, self.ro):
                old.pop(0)
        self.changes.append(change)
        self.steps.append(step)
        self.ro.append(1.0 / along)
        self.diagonal = along / change.dot(change)

    def direction(self, grad: Any) -> Any:
        """Minus the inverse Hessian times the gradient, by two loops over the history."""
        q, n = grad.neg(), len(self.changes)
        factors: list[Any] = [None] * n
        for i in range(n - 1, -1, -1):
            factors[i] = self.steps[i].dot(q) * self.ro[i]
            q.add_(self.changes[i], alpha=-factors[i])
        r = torch.mul(q, self.diagonal)
        for i in range(n):
            back = self.changes[i].dot(r) * self.ro[i]
            r.add_(self.steps[i], alpha=factors[i] - back)
        return r

    def save(self, state: State) -> None:
        """Put the history into a state."""
        state["old_dirs"], state["old_stps"] = self.changes, self.steps
        state["ro"], state["H_diag"] = self.ro, self.diagonal


class LBFGS(Optimizer):
    """The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def _gather_flat_grad(self) -> Any:
        """All gradients in a row."""
        parts = []
        for p in self._params:
            part = p.new_zeros(p.numel()) if p.grad is None else p.grad.reshape(-1)
            parts.append(torch.view_as_real(part).view(-1) if torch.is_complex(part) else part)
        return torch.cat(parts, 0)

    def _add_grad(self, step_size: Any, update: Any) -> None:
        """Move all parameters along a direction."""
        offset = 0
        for p in self._params:
            real = torch.view_as_real(p) if torch.is_complex(p) else p
            part = update[offset : offset + real.numel()]
            real.add_(part.view_as(real), alpha=step_size)
            offset += real.numel()

    def _searched(self, closure: Any, t: Any, d: Any, start: _Point, limit: int) -> Any:
        """The point that a line search finds, and how often it evaluated."""
        first = [p.clone(memory_format=torch.contiguous_format) for p in self._params]

        def at(step: Any) -> _Point:
            self._add_grad(step, d)
            loss = float(closure())
            grad = self._gather_flat_grad()
            for p, value in zip(self._params, first, strict=True):
                p.copy_(value)
            return _Point(step, loss, grad, grad.dot(d))

        search = _Search(at, start, d.abs().max(), limit)
        return search.run(t), search.evaluations

    def _advance(
        self, closure: Any, t: Any, d: Any, start: _Point, left: int, last: bool
    ) -> tuple[_Point, int]:
        """Move along a direction: where that led to, and how often it evaluated."""
        name = self.param_groups[0]["line_search_fn"]
        if name is not None:
            if name != "strong_wolfe":
                raise RuntimeError("only 'strong_wolfe' is supported")
            point, evaluations = self._searched(closure, t, d, start, left)
            self._add_grad(point.t, d)
            return point, evaluations
        self._add_grad(t, d)
        if last:
            return start._replace(t=t), 0
        loss = float(closure())
        return _Point(t, loss, self._gather_flat_grad(), None), 1

    def step(self, closure: Any = None) -> Any:
        """Several iterations; returns the loss before them."""
        with torch.no_grad():
            return self._step(torch.enable_grad()(closure))

    def _step(self, closure: Any) -> Any:
        group, state = self.param_groups[0], self.state[self._params[0]]
        lr, limit, small = _to_scalar(group["lr"]), group["max_iter"], group["tolerance_change"]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        loss, evaluations = float(first_loss), 1
        state["func_evals"] += 1
        grad = self._gather_flat_grad()
        if grad.abs().max() <= group["tolerance_grad"]:
            return first_loss
        history = _History(state, group["history_size"])
        d, t, before = state.get("d"), state.get("t"), state.get("prev_flat_grad")
        loss_before = state.get("prev_loss")
        for n in range(1, limit + 1):
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d, t = grad.neg(), min(1.0, 1.0 / grad.abs().sum()) * lr
            else:
                history.add(grad.sub(before), d.mul(t))
                d, t = history.direction(grad), lr
            before, loss_before = grad.clone(memory_format=torch.contiguous_format), loss
            slope = grad.dot(d)
            if slope > -small:
                break
            start = _Point(0, loss, before, slope)
            left = group["max_eval"] - evaluations
            point, count = self._advance(closure, t, d, start, left, n == limit)
            t, loss, grad = point.t, point.loss, point.grad
            evaluations += count
            state["func_evals"] += count
            if (
                evaluations >= group["max_eval"]
                or grad.abs().max() <= group["tolerance_grad"]
                or d.mul(t).abs().max() <= small
                or abs(loss - loss_before) < small
            ):
                break
        history.save(state)
        state |= {"d": d, "t": t, "prev_flat_grad": before, "prev_loss": loss_before}
        return first_loss
