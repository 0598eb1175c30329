"""Every optimizer over real tensors: trajectories to the bit, states, texts of errors, hooks."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from overtorch import package  # noqa: E402

optim = package("optim")

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("SGD", {"lr": torch.tensor(0.1)}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"lr": torch.tensor([0.1]), "maximize": True, "betas": (0.8, 0.9)}),
    ("AdamW", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.1, "centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("Adadelta", {}),
    ("Adadelta", {"rho": 0.5, "weight_decay": 0.1}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.1, "weight_decay": 0.1}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1, "betas": (0.8, 0.7), "weight_decay": 0.1}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "t0": 2, "weight_decay": 0.1}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "step_sizes": (0.05, 0.15)}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "weight_decay": 0.1, "d": 2.0, "eps": (1e-8, 1e-2)}),
]
IDS = [f"{i}-{name}" for i, (name, _) in enumerate(CASES)]


def parameters(dtype: Any) -> list[Any]:
    torch.manual_seed(1)
    shapes = [(4, 3), (5,), ()]
    return [torch.randn(s, dtype=dtype).requires_grad_() for s in shapes]


def loss(params: list[Any], step: int) -> Any:
    total = 0.0
    for i, p in enumerate(params):
        if not (i == 2 and step < 2):  # one parameter gets its gradient later
            total = total + ((p - 0.3 * i).abs() ** 2).sum().sin() + (p * p.conj()).real.sum()
    return total


def trained(module: Any, name: str, kwargs: Any, dtype: Any, steps: int = 8) -> Any:
    """Parameters and the optimizer after some steps."""
    params = parameters(dtype)
    optimizer = getattr(module, name)(params, **copy.deepcopy(kwargs))
    for step in range(steps):
        optimizer.zero_grad()
        loss(params, step).backward()
        optimizer.step()
    return params, optimizer


def same(a: Any, b: Any) -> None:
    """Equal structures, tensors to the bit."""
    if isinstance(a, torch.Tensor):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert a == b


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_trajectories_are_those_of_torch(case: Any, dtype: Any) -> None:
    if case[0] == "Adafactor" and dtype.is_complex:
        for module in (optim, torch.optim):
            with pytest.raises(RuntimeError, match="^Adafactor does not support complex param"):
                trained(module, *case, dtype)
        return
    ours, theirs = (trained(m, *case, dtype) for m in (optim, torch.optim))
    same(ours[0], theirs[0])
    same(ours[1].state_dict(), theirs[1].state_dict())
    assert repr(ours[1]) == repr(theirs[1])


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_states_of_torch_go_on_here(case: Any) -> None:
    theirs_params, theirs = trained(torch.optim, *case, torch.float32)
    params = [p.detach().clone().requires_grad_() for p in theirs_params]
    ours = getattr(optim, case[0])(params, **copy.deepcopy(case[1]))
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    for p, o in ((params, ours), (theirs_params, theirs)):
        for step in range(3):
            o.zero_grad(set_to_none=False)
            loss(p, step + 5).backward()
            o.step()
    same(params, theirs_params)
    same(ours.state_dict(), theirs.state_dict())


@pytest.mark.parametrize("shape", [(4, 3), (3, 5)])
@pytest.mark.parametrize(
    "kwargs",
    [{}, {"lr": 0.1, "nesterov": False}, {"lr": 0.1, "adjust_lr_fn": "match_rms_adamw"},
     {"lr": torch.tensor(0.1), "ns_steps": 3, "weight_decay": 0.0}],
)  # fmt: skip
def test_muon(shape: Any, kwargs: Any) -> None:
    found = []
    for module in (optim, torch.optim):
        torch.manual_seed(2)
        p = torch.randn(shape).requires_grad_()
        optimizer = module.Muon([p], **kwargs)
        for step in range(4):
            optimizer.zero_grad()
            ((p - step) ** 2).sin().sum().backward()
            optimizer.step()
        found.append((p.detach(), optimizer.state_dict()))
    same(found[0], found[1])


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adadelta", "NAdam"])
def test_differentiable_steps(name: str) -> None:
    grads = []
    for module in (optim, torch.optim):
        x = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
        p = x * 2
        p.retain_grad()
        optimizer = getattr(module, name)([p], lr=0.1, differentiable=True)
        for _ in range(2):
            p.grad = (x * 0.5 + 1).clone()
            optimizer.step()
        grads.append(torch.autograd.grad(p.sin().sum(), x)[0])
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("start", [(-1.5, 2.0), (0.3, -0.7), (3.0, 3.0)])
def test_lbfgs(search: str | None, start: Any) -> None:
    results = []
    for module in (optim, torch.optim):
        x = torch.tensor(start, requires_grad=True)
        optimizer = module.LBFGS(
            [x], lr=0.1 if search is None else 1, line_search_fn=search, history_size=4
        )
        losses = []

        def closure(x: Any = x, optimizer: Any = optimizer, losses: Any = losses) -> Any:
            optimizer.zero_grad()
            value = (1 - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2
            value.backward()
            losses.append(value.item())
            return value

        for _ in range(4):
            optimizer.step(closure)
        results.append((losses, x.detach()))
    assert results[0][0] == results[1][0]
    same(results[0][1], results[1][1])


def test_groups_and_names() -> None:
    for module in (optim, torch.optim):
        a, b = (torch.ones(2, requires_grad=True) for _ in range(2))
        optimizer = module.SGD([{"params": [("a", a)], "lr": 0.5}, {"params": [("b", b)]}], lr=0.1)
        assert [g["param_names"] for g in optimizer.param_groups] == [["a"], ["b"]]
        assert [g["lr"] for g in optimizer.param_groups] == [0.5, 0.1]
        (a.sum() + b.sum()).backward()
        optimizer.step()
        same([a.detach(), b.detach()], [torch.full((2,), 0.5), torch.full((2,), 0.9)])


def p() -> Any:
    return torch.ones(2, requires_grad=True)


REFUSED: dict[str, Any] = {
    "tensor": lambda m: m.SGD(p()),
    "empty": lambda m: m.SGD([]),
    "lr": lambda m: m.SGD([p()], lr=-1.0),
    "lr size": lambda m: m.Adam([p()], lr=torch.ones(2)),
    "momentum": lambda m: m.SGD([p()], momentum=-1),
    "nesterov": lambda m: m.SGD([p()], nesterov=True),
    "betas": lambda m: m.Adam([p()], betas=(0.9, 1.0)),
    "betas type": lambda m: m.Adam([p()], betas=(0, 0.5)),
    "eps": lambda m: m.Adam([p()], eps=-1),
    "decay": lambda m: m.AdamW([p()], weight_decay=-1),
    "rho": lambda m: m.Adadelta([p()], rho=2),
    "etas": lambda m: m.Rprop([p()], etas=(1, 2)),
    "alpha": lambda m: m.RMSprop([p()], alpha=-1),
    "accumulator": lambda m: m.Adagrad([p()], initial_accumulator_value=-1),
    "momentum_decay": lambda m: m.NAdam([p()], momentum_decay=-1),
    "d": lambda m: m.Adafactor([p()], d=0.5),
    "beta2_decay": lambda m: m.Adafactor([p()], beta2_decay=0.5),
    "eps of two": lambda m: m.Adafactor([p()], eps=(-1, 1)),
    "matrices": lambda m: m.Muon([p()]),
    "rule": lambda m: m.Muon([p()], adjust_lr_fn="other"),
    "set": lambda m: m.SGD([{"params": {p()}}]),
    "not tensors": lambda m: m.SGD([1]),
    "computed": lambda m: m.SGD([p() * 2]),
    "some names": lambda m: m.SGD([("a", p()), p()]),
    "group": lambda m: m.SGD([p()]).add_param_group(1),
    "twice": lambda m: (lambda q: m.SGD([q]).add_param_group({"params": q}))(p()),
    "names": lambda m: m.SGD([p()]).add_param_group({"params": [("a", p())]}),
    "lbfgs groups": lambda m: m.LBFGS([{"params": [p()]}, {"params": [p()]}]),
    "fused": lambda m: m.SGD([p()], fused=True, foreach=True),
    "differentiable": lambda m: m.Adam([p()], fused=True, differentiable=True),
    "load groups": lambda m: m.SGD([p()]).load_state_dict({"state": {}, "param_groups": []}),
    "load sizes": lambda m: m.SGD([p()]).load_state_dict(
        {"state": {}, "param_groups": [{"params": []}]}
    ),
    "base": lambda m: m.Optimizer([p()], {}).step(),
    "required": lambda m: m.Optimizer(
        [p()], {"lr": importlib.import_module(m.__name__ + ".optimizer").required}
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_those_of_torch(name: str) -> None:
    texts = []
    for module in (optim, torch.optim):
        with pytest.raises(Exception) as caught:
            REFUSED[name](module)
        texts.append((type(caught.value), str(caught.value)))
    assert texts[0] == texts[1]


def test_hooks_come_in_torchs_order() -> None:
    orders = []
    for module in (optim, torch.optim):
        order: list[str] = []
        q = p()
        optimizer = module.SGD([q], lr=0.1)
        own = importlib.import_module(module.__name__ + ".optimizer")
        note = lambda text, order=order: lambda *_: order.append(text)  # noqa: E731
        handles = [
            optimizer.register_step_pre_hook(note("before")),
            optimizer.register_step_post_hook(note("after")),
            own.register_optimizer_step_pre_hook(note("all before")),
            own.register_optimizer_step_post_hook(note("all after")),
            optimizer.register_state_dict_pre_hook(note("save")),
            optimizer.register_state_dict_post_hook(note("saved")),
            optimizer.register_load_state_dict_pre_hook(note("load")),
            optimizer.register_load_state_dict_post_hook(note("loaded")),
        ]
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        for handle in handles:
            handle.remove()
        optimizer.step()
        orders.append(order)
    assert orders[0] == orders[1]


def test_closures_and_returns() -> None:
    for module in (optim, torch.optim):
        q = p()

        def closure(q: Any = q) -> Any:
            assert torch.is_grad_enabled()
            return (q**2).sum()

        assert module.SGD([q]).step(closure).item() == 2.0
