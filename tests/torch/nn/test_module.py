"""class Module over real tensors: attributes, states, hooks, conversions, printed forms."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import OrderedDict
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from overtorch import NAME, package  # noqa: E402

nn = package("nn")
BOTH = [nn, torch.nn]


def net(m: Any) -> Any:
    """A model with most kinds of members."""

    class Net(m.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = m.Linear(3, 4)
            self.norm = m.BatchNorm1d(4)
            self.rest = m.ModuleList([m.Sequential(m.ReLU(), m.Dropout(0.0)) for _ in range(2)])
            self.shared = self.first
            self.scale = m.Parameter(torch.ones(4))
            self.register_buffer("seen", torch.zeros(1))
            self.register_buffer("hidden", torch.zeros(2), persistent=False)
            self.table = m.ModuleDict({"a": m.Identity()})
            self.nothing = None
            self.register_parameter("none", None)

        def forward(self, x: Any, double: bool = False) -> Any:
            x = self.norm(self.first(x)) * self.scale
            for layer in self.rest:
                x = layer(x)
            return x * 2 if double else x

    torch.manual_seed(0)
    return Net()


def complaint(call: Any) -> tuple[type, str]:
    try:
        call()
    except Exception as error:
        return type(error), str(error).replace(NAME, "torch")
    raise AssertionError("nothing was refused")


def each(function: Any) -> list[Any]:
    """What a function gives for our modules and for PyTorch's."""
    return [function(m) for m in BOTH]


def agree(function: Any) -> None:
    ours, theirs = each(function)
    assert ours == theirs


def test_walks() -> None:
    def walk(m: Any) -> Any:
        model = net(m)
        kinds = ("parameters", "buffers", "modules", "children")
        return [[n for n, _ in getattr(model, f"named_{k}")()] for k in kinds] + [
            [n for n, _ in model.named_parameters("p", remove_duplicate=False)],
            [n for n, _ in model.named_modules(prefix="m", remove_duplicate=False)],
            [n for n, _ in model.named_parameters(recurse=False)],
            len(list(model.parameters())),
            sorted(set(dir(model)) & {"first", "scale", "seen", "shared", "none"}),
            list(model.state_dict()),
            repr(model),
        ]

    agree(walk)


def test_paths() -> None:
    for m in BOTH:
        model = net(m)
        assert model.get_submodule("rest.1.0") is model.rest[1][0]
        assert model.get_submodule("") is model
        assert model.get_parameter("first.weight") is model.first.weight
        assert model.get_buffer("norm.running_mean") is model.norm.running_mean
        model.set_submodule("rest.0.1", m.Identity())
        assert isinstance(model.rest[0][1], m.Identity)


REFUSED: dict[str, Any] = {
    "no module": lambda m: net(m).get_submodule("rest.7"),
    "not a module": lambda m: net(m).get_submodule("scale"),
    "no parameter": lambda m: net(m).get_parameter("first.b"),
    "not a parameter": lambda m: net(m).get_parameter("seen"),
    "not a buffer": lambda m: net(m).get_buffer("scale"),
    "set nothing": lambda m: net(m).set_submodule("", m.Identity()),
    "set strict": lambda m: net(m).set_submodule("x", m.Identity(), strict=True),
    "set over": lambda m: net(m).set_submodule("scale", m.Identity()),
    "attribute": lambda m: net(m).missing,
    "parameter by tensor": lambda m: setattr(net(m), "scale", torch.ones(2)),
    "parameter by number": lambda m: setattr(net(m), "scale", 1),
    "module by tensor": lambda m: setattr(net(m), "first", torch.ones(2)),
    "buffer by number": lambda m: setattr(net(m), "seen", "a"),
    "buffer name": lambda m: net(m).register_buffer(1, None),
    "buffer dot": lambda m: net(m).register_buffer("a.b", None),
    "buffer empty": lambda m: net(m).register_buffer("", None),
    "buffer taken": lambda m: net(m).register_buffer("scale", None),
    "buffer type": lambda m: net(m).register_buffer("b", 1),
    "parameter name": lambda m: net(m).register_parameter(1, None),
    "parameter dot": lambda m: net(m).register_parameter("a.b", None),
    "parameter taken": lambda m: net(m).register_parameter("seen", None),
    "parameter type": lambda m: net(m).register_parameter("b", torch.ones(1)),
    "computed": lambda m: net(m).register_parameter("b", m.Parameter(torch.ones(1)).__mul__(2)),
    "module type": lambda m: net(m).add_module("b", 1),
    "module name": lambda m: net(m).add_module(1, m.Identity()),
    "module dot": lambda m: net(m).add_module("a.b", m.Identity()),
    "module empty": lambda m: net(m).add_module("", m.Identity()),
    "module taken": lambda m: net(m).add_module("scale", m.Identity()),
    "arguments": lambda m: m.Module(1),
    "keywords": lambda m: m.Module(a=1),
    "forward": lambda m: m.Module()(1),
    "train": lambda m: m.Module().train("yes"),
    "extra": lambda m: m.Module().get_extra_state(),
    "set extra": lambda m: m.Module().set_extra_state(1),
    "integer": lambda m: net(m).to(torch.int32),
    "state type": lambda m: net(m).load_state_dict([]),
    "state missing": lambda m: net(m).load_state_dict({}),
    "state unexpected": lambda m: net(m).load_state_dict({**net(m).state_dict(), "x.y": 1, "z": 2}),
    "state size": lambda m: net(m).load_state_dict({**net(m).state_dict(), "scale": torch.ones(2)}),
    "sequential index": lambda m: m.Sequential(m.Identity())[1],
    "sequential sum": lambda m: m.Sequential() + m.ModuleList(),
    "sequential times": lambda m: m.Sequential() * 0,
    "sequential insert": lambda m: m.Sequential().insert(3, m.Identity()),
    "list index": lambda m: m.ModuleList()[0],
    "list extend": lambda m: m.ModuleList().extend(1),
    "list call": lambda m: m.ModuleList()(1),
    "dict key": lambda m: m.ModuleDict()["a"],
    "dict update": lambda m: m.ModuleDict([1]),
    "dict update 2": lambda m: m.ModuleDict([(1,)]),
    "dict update 3": lambda m: m.ModuleDict(1),
    "parameters call": lambda m: m.ParameterList()(),
    "parameters extend": lambda m: m.ParameterList().extend(torch.ones(2)),
    "parameter dict": lambda m: m.ParameterDict({1: 2}),
    "parameter dict call": lambda m: m.ParameterDict()(1),
    "parameter dict update": lambda m: m.ParameterDict(1),
    "both hooks": lambda m: (
        lambda n: (n.register_backward_hook(print), n.register_full_backward_hook(print))
    )(m.Identity()),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_those_of_torch(name: str) -> None:
    agree(lambda m: complaint(lambda: REFUSED[name](m)))


def test_before_init() -> None:
    def early(m: Any) -> Any:
        def attempt(value: Any) -> Any:
            class Early(m.Module):  # type: ignore[misc]
                def __init__(self) -> None:
                    self.x = value

            return complaint(Early)

        texts = [attempt(m.Parameter(torch.ones(1))), attempt(m.Identity())]
        blank = m.Module.__new__(m.Module)
        texts.append(complaint(lambda: blank.register_buffer("a", None)))
        texts.append(complaint(lambda: blank.register_parameter("a", None)))
        return texts

    agree(early)


def test_assignment_moves_names_between_kinds() -> None:
    def moved(m: Any) -> Any:
        model, kinds = m.Module(), []
        for value in (m.Parameter(torch.ones(1)), m.Buffer(torch.ones(2)), m.Identity(), 3):
            if hasattr(model, "x") and not isinstance(value, m.Identity):
                del model.x
            model.x = value
            places = (model._parameters, model._buffers, model._modules, model.__dict__)
            kinds.append([("x" in place) for place in places])
        model.x = m.Parameter(torch.ones(1))  # takes the place of the attribute
        kinds.append("x" in model.__dict__)
        del model.x
        model.x = m.Buffer(torch.ones(2))
        model.x = torch.zeros(3)  # a buffer stays one
        kinds.append("x" in model._buffers)
        model.x = None
        kinds.append(list(model.state_dict()))
        model.y = m.Buffer(torch.ones(1), persistent=False)
        kinds.append(list(model.state_dict()))
        return kinds

    agree(moved)


def test_states_go_both_ways() -> None:
    ours, theirs = net(nn), net(torch.nn)
    with torch.no_grad():
        for p in theirs.parameters():
            p.add_(1)
    state = theirs.state_dict()
    assert str(ours.load_state_dict(state)) == "<All keys matched successfully>"
    torch.testing.assert_close(dict(ours.state_dict()), dict(state))
    assert ours.state_dict()._metadata == state._metadata
    back = net(torch.nn)
    back.load_state_dict(ours.state_dict())
    torch.testing.assert_close(dict(back.state_dict()), dict(state))


def test_loose_loads() -> None:
    def loose(m: Any) -> Any:
        model = net(m)
        state = model.state_dict()
        del state["scale"]
        state["other"] = torch.ones(1)
        result = model.load_state_dict(state, strict=False)
        return list(result.missing_keys), list(result.unexpected_keys), repr(result)

    agree(loose)


def test_assigned_loads() -> None:
    for m in BOTH:
        model = net(m)
        state = {k: v.double() for k, v in model.state_dict().items()}
        model.load_state_dict(state, assign=True)
        assert model.scale.dtype == torch.float64
        assert isinstance(model.scale, m.Parameter)
        assert model.first.weight.data_ptr() == state["shared.weight"].data_ptr()


def test_state_hooks_and_extra_state() -> None:
    def order(m: Any) -> Any:
        log: list[Any] = []

        class Extra(m.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.w = m.Parameter(torch.ones(1))

            def get_extra_state(self) -> Any:
                return {"n": 3}

            def set_extra_state(self, state: Any) -> None:
                log.append(state)

        model = m.Sequential(Extra())
        model.register_state_dict_pre_hook(lambda mod, prefix, keep: log.append(("pre", prefix)))
        model[0].register_state_dict_post_hook(
            lambda mod, state, prefix, local: log.append(("post", prefix, list(state)))
        )
        model[0]._register_state_dict_hook(lambda mod, state, prefix, local: log.append(local))
        model[0].register_load_state_dict_pre_hook(
            lambda mod, state, prefix, *rest: log.append((type(mod).__name__, prefix, rest[1]))
        )
        model.register_load_state_dict_post_hook(
            lambda mod, keys: log.append((list(keys.missing_keys), list(keys.unexpected_keys)))
        )
        state = model.state_dict()
        log.append(list(state))
        model.load_state_dict(state)
        log.append(complaint(lambda: model.load_state_dict({"0.w": torch.ones(1)})))
        return log

    agree(order)


def test_old_positional_state_dict() -> None:
    def old(m: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target: Any = OrderedDict()
            return list(m.Linear(1, 1).state_dict(target, "p.")), list(target)

    agree(old)


def test_forward_hooks() -> None:
    def order(m: Any) -> Any:
        log: list[Any] = []
        model = net(m)

        def note(name: str, result: Any = None) -> Any:
            def hook(mod: Any, *args: Any) -> Any:
                log.append((name, type(mod).__name__, len(args)))
                return result

            return hook

        model.register_forward_pre_hook(note("pre"))
        model.register_forward_pre_hook(note("pre kwargs"), with_kwargs=True)
        model.register_forward_pre_hook(note("first"), prepend=True)
        model.register_forward_hook(note("after"))
        model.register_forward_hook(note("after kwargs"), with_kwargs=True, prepend=True)
        model.norm.register_forward_hook(note("changed", torch.zeros(2, 4)))
        own = __import__("importlib").import_module(m.__name__ + ".modules.module")
        handles = [
            own.register_module_forward_pre_hook(note("all pre")),
            own.register_module_forward_hook(note("all")),
        ]
        out = model(torch.ones(2, 3), double=True)
        for handle in handles:
            handle.remove()
        return log, out.tolist()

    agree(order)


def test_pre_hooks_change_arguments() -> None:
    def changed(m: Any) -> Any:
        layer = m.Identity()
        layer.register_forward_pre_hook(lambda mod, args: args[0] + 1)
        layer.register_forward_pre_hook(
            lambda mod, args, kwargs: ((args[0] * 10,), kwargs), with_kwargs=True
        )
        bad = m.Identity()
        bad.register_forward_pre_hook(lambda mod, args, kwargs: 3, with_kwargs=True)
        return layer(torch.ones(1)).item(), complaint(lambda: bad(1))

    agree(changed)


def test_hooks_that_are_always_called() -> None:
    def called(m: Any) -> Any:
        log: list[str] = []

        class Broken(m.Module):  # type: ignore[misc]
            def forward(self, x: Any) -> Any:
                raise ValueError("broken")

        layer = Broken()
        layer.register_forward_hook(lambda *_: log.append("never"))
        layer.register_forward_hook(lambda *_: log.append("always"), always_call=True)

        def raising(*_: Any) -> None:
            raise KeyError("k")

        layer.register_forward_hook(raising, always_call=True)
        with pytest.warns(UserWarning, match="was silenced") as seen:
            log.append(str(complaint(lambda: layer(1))))
        return log, [str(w.message) for w in seen]

    agree(called)


def test_backward_hooks() -> None:
    def order(m: Any) -> Any:
        log: list[Any] = []
        torch.manual_seed(0)
        layer = m.Sequential(m.Linear(2, 3), m.Tanh())

        def note(name: str, factor: float | None = None) -> Any:
            def hook(mod: Any, *grads: Any) -> Any:
                shown = [[None if g is None else g.tolist() for g in part] for part in grads]
                log.append((name, type(mod).__name__, shown))
                return None if factor is None else tuple(g * factor for g in grads[0])

            return hook

        layer.register_full_backward_pre_hook(note("pre", 2.0))
        layer.register_full_backward_hook(note("full", 3.0))
        layer[1].register_full_backward_hook(note("tanh"))
        x = torch.ones(2, 2, requires_grad=True)
        layer(x).sum().backward()
        return log, x.grad.tolist(), layer[0].weight.grad.tolist()

    agree(order)


def test_backward_hooks_without_inputs_that_need_gradients() -> None:
    def seen(m: Any) -> Any:
        log: list[Any] = []
        torch.manual_seed(0)
        layer = m.Linear(2, 1)
        layer.register_full_backward_hook(lambda mod, gi, go: log.append((gi, go[0].tolist())))
        with pytest.warns(UserWarning, match="Full backward hook is firing"):
            layer(torch.ones(1, 2)).sum().backward()
        return log

    agree(seen)


def test_backward_hooks_of_the_old_kind() -> None:
    def seen(m: Any) -> Any:
        log: list[Any] = []
        torch.manual_seed(0)
        layer = m.Sequential(m.Linear(2, 2), m.Tanh())
        layer.register_backward_hook(lambda mod, gi, go: log.append((len(gi), go[0].tolist())))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            layer(torch.ones(1, 2, requires_grad=True)).sum().backward()
        return log, [str(w.message) for w in caught]

    agree(seen)


def test_conversions() -> None:
    for m in BOTH:
        model = net(m)
        weight = model.first.weight
        weight.grad = torch.ones_like(weight)
        assert model.double() is model
        assert model.first.weight is weight
        assert weight.dtype == weight.grad.dtype == torch.float64
        assert model.norm.num_batches_tracked.dtype == torch.int64
        assert model.to(torch.float16).scale.dtype == torch.float16
        assert model.bfloat16().scale.dtype == torch.bfloat16
        assert model.float().half().seen.dtype == torch.float16
        assert model.to(torch.ones(1)).scale.dtype == torch.float32
        assert model.type(torch.float64).scale.dtype == torch.float64
        assert model.to("cpu", torch.float32).scale.dtype == torch.float32
        assert m.Conv2d(1, 2, 3).to(memory_format=torch.channels_last).weight.stride(1) == 1
        model.zero_grad(set_to_none=False)
        assert weight.grad.abs().sum() == 0
        model.zero_grad()
        assert weight.grad is None
        model.requires_grad_(False)
        assert not any(p.requires_grad for p in model.parameters())
        assert model.eval().rest[1][1].training is False
        assert model.train().rest[1][1].training is True


def test_copies_and_pickles() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.LSTM(3, 2), nn.BatchNorm1d(2))
    model[0].extra = [1]
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(other) == repr(model)
        assert other[0].extra == [1]
        assert isinstance(other[0].weight, nn.Parameter)
        torch.testing.assert_close(dict(other.state_dict()), dict(model.state_dict()))
        assert other[0].weight is not model[0].weight
        assert other[1](torch.ones(4, 3))[0].shape == (4, 2)


def test_apply_reaches_children_first() -> None:
    def names(m: Any) -> Any:
        seen: list[str] = []
        net(m).apply(lambda mod: seen.append(type(mod).__name__))
        return seen

    agree(names)


def test_containers() -> None:
    def used(m: Any) -> Any:
        s = m.Sequential(OrderedDict(a=m.ReLU(), b=m.Tanh()))
        s.append(m.Sigmoid())
        steps = [repr(s), repr(s[1:]), len(s), [type(x).__name__ for x in s]]
        s[0] = m.Identity()
        del s[1]
        steps += [repr(s), repr(s + s), repr(s * 2), repr(2 * s)]
        s += m.Sequential(m.ELU())
        s *= 2
        s.insert(-1, m.GELU()).extend([m.CELU()])
        steps += [repr(s), type(s.pop(0)).__name__, len(s)]
        modules = m.ModuleList([m.Linear(1, 1), m.Linear(1, 1), m.ReLU()])
        modules.insert(1, m.Tanh())
        modules += [m.ReLU()]
        steps += [repr(modules), repr(modules[1:3]), len(modules + modules)]
        del modules[1:3]
        modules[-1] = m.GELU()
        steps += [repr(modules), repr(m.ModuleList()), type(modules.pop(0)).__name__]
        d = m.ModuleDict([["x", m.ReLU()], ["y", m.Tanh()]])
        d.update({"z": m.ELU()})
        steps += [repr(d), list(d), "x" in d, len(d), type(d.pop("x")).__name__, list(d.keys())]
        d.clear()
        steps.append(len(d))
        p = m.ParameterList([torch.ones(2), m.Parameter(torch.ones(3, 2)), "text"])
        p.append(torch.ones(1))
        steps += [repr(p), len(p), repr(p[:2]), p[-2], list(p.state_dict())]
        q = m.ParameterDict({"b": torch.ones(2), "a": torch.ones(1)})
        q["c"] = 3
        steps += [repr(q), list(q), q.get("zz", 5), q.pop("c"), list(reversed(q)), "a" in q]
        steps += [sorted((q | m.ParameterDict({"k": torch.ones(1)})).keys()), q.popitem()[0]]
        steps += [q.setdefault("n", torch.ones(2)).shape, len(q.copy()), list(q.fromkeys("uv"))]
        return steps

    agree(used)


def test_registration_hooks() -> None:
    def seen(m: Any) -> Any:
        log: list[Any] = []
        own = __import__("importlib").import_module(m.__name__ + ".modules.module")
        kinds = ("buffer", "module", "parameter")
        handles = [
            getattr(own, f"register_module_{kind}_registration_hook")(
                lambda mod, name, value, kind=kind: log.append((kind, name))
            )
            for kind in kinds
        ]
        layer = m.BatchNorm1d(2)
        layer.extra = m.Identity()
        layer.running_mean = torch.ones(2)
        for handle in handles:
            handle.remove()
        m.Linear(1, 1)
        return log

    agree(seen)


def test_parameters() -> None:
    def seen(m: Any) -> Any:
        p = m.Parameter(torch.ones(2))
        q = m.Parameter(torch.ones(2, dtype=torch.int32), requires_grad=False)
        lazy = m.UninitializedParameter()
        buffer = m.Buffer(torch.ones(2))
        return [
            repr(p).split("\n")[0],
            repr(lazy),
            p.requires_grad,
            q.requires_grad,
            m.Parameter().shape,
            isinstance(p, torch.Tensor),
            isinstance(torch.ones(1), m.Parameter),
            isinstance(buffer, m.Buffer),
            isinstance(p, m.Buffer),
            buffer.persistent,
            complaint(lambda: lazy.shape),
            complaint(lambda: lazy.share_memory_()),
            copy.deepcopy(p).tolist(),
            isinstance(pickle.loads(pickle.dumps(p)), m.Parameter),
            type(p + 1).__name__,
        ]

    agree(seen)


def test_lazy_modules() -> None:
    def seen(m: Any) -> Any:
        torch.manual_seed(0)
        layer = m.LazyLinear(2)
        before = repr(layer), list(layer.state_dict()), layer.has_uninitialized_params()
        layer(torch.ones(1, 3))
        after = repr(layer), layer.weight.tolist(), type(layer).__name__
        other = m.LazyLinear(2)
        other.load_state_dict(layer.state_dict())
        return before, after, other.weight.tolist()

    agree(seen)
