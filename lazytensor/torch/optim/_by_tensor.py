"""Methods that change each parameter by its own gradient alone.

What enters: a parameter, its gradient, what is remembered of it, its group's settings. What leaves:
the parameter, changed in place. It must not know any particular method.
"""

from typing import Any, ClassVar

from .. import _api as torch
from .._direct import Shared, direct, step
from ..tensor import Tensor
from .optimizer import Group, Optimizer, State, _to_scalar, _use_grad_for_differentiable

_CAPTURABLE = (
    "If capturable=True, params and state_steps must be on supported devices: "
    "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla']."
)


def check_lr(lr: Any) -> None:
    """Refuse learning rates that are negative, or tensors of several elements."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_not_negative(**values: tuple[str, Any]) -> None:
    """Refuse settings below zero; each comes with its name in texts."""
    for text, value in values.values():
        if not value >= 0.0:
            raise ValueError(f"Invalid {text} value: {value}")


def check_betas(betas: Any) -> None:
    """Refuse decay rates outside [0, 1)."""
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_fused(fused: Any, foreach: Any, differentiable: Any) -> None:
    """Refuse ways to run a step that exclude one another."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def counter(value: float = 0.0) -> Any:
    """A number that is remembered, as a tensor."""
    wide = torch.get_default_dtype() == torch.float64
    return torch.tensor(value, dtype=torch.float64 if wide else torch.float32)


def zeros(p: Any) -> Any:
    """Zeros in the shape and layout of a parameter."""
    return torch.zeros_like(p, memory_format=torch.preserve_format)


def kept(x: Any, group: Group) -> Any:
    """x itself, or a copy where gradients through it are recorded and it will change in place."""
    return x.clone() if group["differentiable"] else x


def decayed(grad: Any, p: Any, group: Group) -> Any:
    """The gradient with weight decay, or the parameter decayed by itself."""
    decay = group.get("weight_decay", 0)
    if decay == 0:
        return grad
    if group.get("decoupled_weight_decay"):
        p.mul_(1 - _to_scalar(group["lr"]) * decay)
        return grad
    return grad.add(p, alpha=decay)


def next_step(state: State) -> Any:
    """Count one step more; its number."""
    state["step"] += 1
    return state["step"].item()


def real(value: Any) -> Any:
    """A complex tensor seen as pairs of reals, anything else as it is."""
    complex_ = isinstance(value, Tensor) and torch.is_complex(value)
    return torch.view_as_real(value) if complex_ else value


class ByTensor(Optimizer):
    """An optimizer whose step is `_begin` once and `_update` every time, for each parameter."""

    # Settings that states from older versions lack, and what they were.
    _older: ClassVar[dict[str, Any]]
    # What is remembered as a tensor, and was as a number in older versions.
    _counters: tuple[str, ...] = ("step",)
    # Whether complex parameters are seen as pairs of reals, and decay as such.
    _pairs: bool = True
    _decays_in_pairs: bool = False
    # Whether `_update` does nothing that cells (`torch/_direct.py`) can't.
    _written_down: bool = False
    # What the parameters of the group have in common whose turn it is; and of each by its number.
    _shared: Shared
    _known: dict[int, Shared] | None = None

    def _begin(self, p: Any, state: State, group: Group) -> None:
        """Fill what is remembered of a parameter."""
        raise NotImplementedError

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        """Change a parameter, and what is remembered of it, in place; the gradient is decayed."""
        raise NotImplementedError

    def _remembered(self, p: Any, group: Group) -> State:
        """What is remembered of a parameter, filled at the first time."""
        state: State = self.state[p]
        if len(state) == 0:
            self._begin(p, state, group)
        return state

    def __setstate__(self, state: State) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self._older.items():
                group.setdefault(name, value)
            for p in group["params"]:
                own = self.state.get(p) or {}
                for name in self._counters:
                    if name in own and not isinstance(own[name], Tensor):
                        own[name] = counter(float(own[name]))

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Change all parameters that have gradients; returns what closure did, called first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for i, group in enumerate(self.param_groups):
            self._shared = self._of_group(i, group)
            for p in group["params"]:
                if p.grad is not None:
                    self._one(p, group)
        return loss

    def _of_group(self, i: int, group: Group) -> Shared:
        if self._known is None:
            self._known = {}
        known = self._known.get(i)
        if known is None or not (known.plain and known.lasts(group)):
            known = self._known[i] = Shared(group, self._counters)
        return known

    def _one(self, p: Any, group: Group) -> None:
        if group.get("capturable") and p.device.type == "cpu":
            raise AssertionError(_CAPTURABLE)
        state = self._remembered(p, group)
        if self._written_down and self._shared.plain and self._directly(p, state, group):
            return
        grad = -p.grad if group["maximize"] else p.grad
        pairs = self._pairs and torch.is_complex(p)
        late = pairs and self._decays_in_pairs
        grad = grad if late else decayed(grad, p, group)
        if pairs:
            state = {name: real(value) for name, value in state.items()}
            p, grad = real(p), real(grad)
        self._update(p, decayed(grad, p, group) if late else grad, state, group)

    def _directly(self, p: Any, state: State, group: Group) -> bool:
        """The step where nothing sees how it is done; whether that is so."""
        kept = tuple(state)
        names, counters = self._shared.names(kept)
        tensors, counts = [p, p.grad], []
        if kept:
            tensors += [state[name] for name in names]
            counts = [state[name] for name in counters]
        if not direct(*tensors) or not all(map(direct, counts)):
            return False

        def update(cells: Any, counts: Any) -> None:
            own, grad, *rest = cells
            held: State = {**dict(zip(names, rest)), **dict(zip(counters, counts))}
            self._update(own, decayed(grad, own, group), held, group)

        step(tensors, counts, self._shared, kept, update)
        return True
