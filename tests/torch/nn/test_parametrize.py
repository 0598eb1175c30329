"""Parametrizations against PyTorch: what is learned, computed, named, copied and refused."""

import copy
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.torch.both import drawn, ours, real

BOTH = (real, ours)


def symmetric(T: Any) -> Any:
    """A parametrization that has an inverse."""

    class Symmetric(T.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, x: Any) -> Any:
            return x.triu()

    return Symmetric()


def doubled(T: Any) -> Any:
    """A parametrization that has none."""

    class Doubled(T.nn.Module):
        def forward(self, x: Any) -> Any:
            return 2 * x

    return Doubled()


def linear(T: Any, rows: int = 3) -> Any:
    T.manual_seed(1)
    return drawn(T, lambda: T.nn.Linear(3, rows))


def rounded(t: Any) -> Any:
    return np.round(np.asarray(t.tolist()), 5).tolist()


def described(module: Any) -> Any:
    """Class, state and the computed weight."""
    state = {name: rounded(value) for name, value in module.state_dict().items()}
    return type(module).__name__, state, rounded(module.weight)


def learned(T: Any, module: Any) -> Any:
    """A module after two steps."""
    x = T.arange(6.0).reshape(2, 3) / 6
    optimizer = T.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        module(x).sin().sum().backward()
        optimizer.step()
    return described(module)


def outcome(f: Any, T: Any) -> Any:
    try:
        return f(T)
    except Exception as error:
        return type(error).__name__, str(error)


def registered(T: Any) -> Any:
    return T.nn.utils.parametrize.register_parametrization(linear(T), "weight", symmetric(T))


def twice(T: Any) -> Any:
    return T.nn.utils.parametrize.register_parametrization(registered(T), "weight", doubled(T))


CASES: dict[str, Any] = {
    "one": lambda T: learned(T, registered(T)),
    "two": lambda T: learned(T, twice(T)),
    "weight_norm": lambda T: learned(T, T.nn.utils.parametrizations.weight_norm(linear(T, 2))),
    "weight_norm of all": lambda T: learned(
        T, T.nn.utils.parametrizations.weight_norm(linear(T, 2), dim=None)
    ),
    "spectral_norm": lambda T: learned(
        T, drawn(T, lambda: T.nn.utils.parametrizations.spectral_norm(linear(T, 2)))
    ),
    "removed": lambda T: described(
        T.nn.utils.parametrize.remove_parametrizations(twice(T), "weight")
    ),
    "removed as learned": lambda T: described(
        T.nn.utils.parametrize.remove_parametrizations(registered(T), "weight", False)
    ),
    "removed of two": lambda T: T.nn.utils.parametrize.remove_parametrizations(
        T.nn.utils.parametrizations.weight_norm(linear(T)), "weight", False
    ),
    "printed": lambda T: str(twice(T)),
    "copied": lambda T: learned(T, copy.deepcopy(registered(T))),
    "no name": lambda T: T.nn.utils.parametrize.register_parametrization(
        linear(T), "other", symmetric(T)
    ),
    "not there": lambda T: T.nn.utils.parametrize.remove_parametrizations(linear(T), "weight"),
    "shape": lambda T: T.nn.utils.parametrize.register_parametrization(
        linear(T), "weight", T.nn.Flatten(0)
    ),
    "shape of the second": lambda T: T.nn.utils.parametrize.register_parametrization(
        registered(T), "weight", T.nn.Flatten(0)
    ),
    "no inverse": lambda T: setattr(twice(T), "weight", T.ones(3, 3)),
    "spectral name": lambda T: T.nn.utils.parametrizations.spectral_norm(T.nn.ReLU()),
    "spectral dim": lambda T: T.nn.utils.parametrizations.spectral_norm(linear(T), dim=2),
    "spectral steps": lambda T: T.nn.utils.parametrizations.spectral_norm(
        linear(T), n_power_iterations=0
    ),
    "before": lambda T: T.nn.utils.parametrize.type_before_parametrizations(twice(T)).__name__,
    "asked": lambda T: [
        T.nn.utils.parametrize.is_parametrized(m, *names)
        for m in (linear(T), twice(T)) for names in ((), ("weight",), ("bias",))
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_parametrized_alike(case: str) -> None:
    want, got = (outcome(CASES[case], T) for T in BOTH)
    assert got == want


def test_a_value_can_be_set() -> None:
    for T in BOTH:
        module = registered(T)
        module.weight = T.arange(9.0).reshape(3, 3)
        assert module.weight.tolist() == [[0, 1, 2], [1, 4, 5], [2, 5, 8]]


def test_inside_cached_it_is_computed_once() -> None:
    for T in BOTH:
        module = registered(T)
        with T.nn.utils.parametrize.cached():
            assert module.weight is module.weight
        assert module.weight is not module.weight


def test_states_of_the_older_weight_norm_can_be_loaded() -> None:
    for T in BOTH:
        new = T.nn.utils.parametrizations.weight_norm(linear(T, 2))
        old = {"bias": T.zeros(2), "weight_g": T.ones(2, 1), "weight_v": T.ones(2, 3)}
        new.load_state_dict(old)
        assert np.allclose(new.weight.tolist(), 3**-0.5)
