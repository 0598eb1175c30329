"""`torch.autograd` itself against PyTorch: walks, hooks, modes, anomalies, errors."""

# ruff: noqa: E501

import warnings
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.torch.both import blocks, ours, real, same

BEGIN = """
A = torch.autograd
f64 = torch.float64
x = torch.tensor([0.3, -1.2, 2.0], dtype=f64, requires_grad=True)
w = torch.tensor([0.5, -0.4, 1.1], dtype=f64, requires_grad=True)
v = torch.tensor([1.0, -2.0, 0.5], dtype=f64)
def shown(name):
    def hook(*args):
        print(name, [None if g is None else g.tolist() if not isinstance(g, tuple) else [None if h is None else h.tolist() for h in g] for g in args])
    return hook
"""

WALKS = """
(x * w).sum().backward()
(x * 2).sum().backward()
r = x.grad, w.grad

y = x * w
y.backward(v)
r = x.grad

y = x.sin()
A.backward([y.sum(), (y * 2).sum()], [torch.tensor(2.0, dtype=f64), None])
r = x.grad

A.backward((x * w, x.exp()), (v, v))
r = x.grad, w.grad

y = (x ** 3).sum()
y.backward(create_graph=True)
g = x.grad
r = g, A.grad(g.sum(), x)

y = (x ** 3).sum()
y.backward(create_graph=True)
(x ** 2).sum().backward(create_graph=True)
r = x.grad

y = x * 2
(y * y).sum().backward(inputs=[y, w]) if False else (y * y).sum().backward(inputs=[y])
r = y.grad, x.grad

y = (x * w).sum()
y.backward(inputs=x)
r = x.grad, w.grad

r = A.grad((x * w).sum(), [x, w])

r = A.grad((x * w).sum(), x, create_graph=True)

r = A.grad([x.sum(), (x * w).sum()], [x])

r = A.grad(x.sum(), [x, w], allow_unused=True), A.grad(x.sum(), [x, w], materialize_grads=True)

y = x * 2
r = A.grad((y * y).sum(), [y, x, x])

y = x.exp()
y.retain_grad()
y.retain_grad()
z = y * y
z.sum().backward()
r = y.grad, y.retains_grad, x.retains_grad, z.is_leaf

y = x.exp()
r = A.grad(y, x, v, retain_graph=True), A.grad(y, x, v.float())

a, b = x.split([1, 2])
(b * 2).sum().backward()
r = x.grad

a, b = torch.max(x, 0)
a.backward()
r = x.grad, b.requires_grad

y = x * x
z = y + y * x
r = A.grad(z.sum(), x, create_graph=True)
r = r, A.grad(r[0].sum(), x)

with torch.no_grad(): y = x * 2
r = y, torch.is_grad_enabled()

with torch.no_grad():
    with torch.enable_grad(): y = x * 2
r = y

with torch.set_grad_enabled(False): y = x * 2
with torch.set_grad_enabled(True): z = x * 2
torch.set_grad_enabled(False)
u = x * 3
torch.set_grad_enabled(True)
r = y, z, u

@torch.no_grad()
def f(x): return x * 2
@torch.no_grad
def g(x): return x * 3
@torch.enable_grad()
def h(x): return x * 4
@torch.set_grad_enabled(False)
def k(x): return x * 5
with torch.no_grad(): y = h(x)
r = f(x), g(x), y, k(x), x * 6

@torch.no_grad()
def f(x):
    for i in range(2):
        got = yield x * i
        print(got)
    return 7
made = f(x)
r = [next(made), made.send('sent')]
r.append(torch.is_grad_enabled())
try: next(made)
except StopIteration as end: r.append(end.value)

@torch.no_grad()
class C:
    def __init__(self, x): self.y = x * 2
r = C(x).y

with torch.inference_mode(): y = x * 2
r = y.is_inference(), y.requires_grad, torch.is_inference_mode_enabled()

@torch.inference_mode()
def f(x): return x * 2
@torch.inference_mode
def g(x): return x * 2, torch.is_inference_mode_enabled()
r = f(x).is_inference(), g(x)

with torch.inference_mode():
    with torch.inference_mode(False): y = x * 2
r = y

r = A.Variable(v), A.Variable(v, requires_grad=True), isinstance(x, A.Variable), A.variable.Variable is A.Variable

A.Variable(3)

r = A.Variable()

with A.set_multithreading_enabled(False): (x * w).sum().backward()
r = x.grad, A.grad_mode.no_grad is torch.no_grad

@A.set_multithreading_enabled(True)
def f(x): return x * 2
r = f(x)
"""

HOOKS = """
x.register_hook(shown('x'))
(x * w).sum().backward()
r = A.grad((x * w).sum(), w), A.grad((x * 3).sum(), x)

h = x.register_hook(lambda g: g * 10)
(x * w).sum().backward()
h.remove()
(x * w).sum().backward()
r = x.grad

y = x * 2
y.register_hook(lambda g: g * 10)
y.register_hook(shown('y'))
(y * w).sum().backward()
r = x.grad

y = x * 2
y.register_hook(lambda g: g * 10)
r = A.grad((y * w).sum(), [y, x], create_graph=True)

y = x * w
y.grad_fn.register_hook(shown('node'))
y.grad_fn.register_prehook(shown('before'))
y.sum().backward()

y = x * w
y.grad_fn.register_hook(lambda gi, go: tuple(g * 2 for g in gi))
y.grad_fn.register_prehook(lambda go: tuple(g * 3 for g in go))
y.sum().backward()
r = x.grad, w.grad

y = x * w
with y.grad_fn.register_hook(shown('node')): pass
y.sum().backward()
r = y.grad_fn.name(), [f[0].name() for f in y.grad_fn.next_functions], y.grad_fn.metadata

fn = (x * 1).grad_fn.next_functions[0][0]
fn.register_hook(shown('leaf'))
fn.register_prehook(shown('before'))
(x * w).sum().backward()
r = x.grad, fn.variable is x

x.register_post_accumulate_grad_hook(lambda t: print('after', t.grad.tolist()))
(x * w).sum().backward()
(x * w).sum().backward()

(x * w).register_post_accumulate_grad_hook(print)

v.register_hook(print)

v.register_post_accumulate_grad_hook(print)

v.retain_grad()

x.register_hook(lambda g: 3)
(x * w).sum().backward()

x.register_hook(lambda g: g[:2])
(x * w).sum().backward()

x.register_hook(lambda g: g.float())
(x * w).sum().backward()

y = x * w
y.grad_fn.register_hook(lambda gi, go: gi[:1])
y.sum().backward()

y = x * w
y.grad_fn.register_prehook(lambda go: (go[0][:2],))
y.sum().backward()

y = x * v
y.grad_fn.register_hook(lambda gi, go: (gi[0], v))
y.sum().backward()
"""

ERRORS = """
v.sum().backward()

(x * w).backward()

(x * w).backward(v[:2])

(x * w).backward(3)

(x * w).backward(v * 1j)

A.backward([x.sum(), w.sum()], [v])

y = (x * w).sum()
y.backward()
y.backward()

y = x.exp()
y.mul_(2)
y.sum().backward()

y = x.sum()
y.backward(inputs=[])

y = x.sum()
y.backward(inputs=[v])

A.grad(x.sum(), ())

A.grad(x.sum(), v)

A.grad(x.sum(), w)

A.grad(x.sum(), w, allow_unused=False, materialize_grads=True)

A.grad((x * 1j), x)

A.grad((x * 1j).sum(), x)

x.add_(1)

x[0] = 3

x[:2].add_(1)

x.requires_grad = 3

(x * 2).requires_grad = False

torch.arange(3).requires_grad_()

x.grad = 3

x.grad = x

x.grad = v.float()

x.grad = v[:2]

with torch.inference_mode(): y = v * 2
y.requires_grad_()

with torch.inference_mode(): y = v * 2
x * y

with torch.inference_mode(): y = v * 2
y.add_(1)
"""


@pytest.mark.parametrize("program", blocks(WALKS))
def test_walks(program: str) -> None:
    same(program, BEGIN)


@pytest.mark.parametrize("program", blocks(HOOKS))
def test_hooks(program: str) -> None:
    same(program, BEGIN)


@pytest.mark.parametrize("program", blocks(ERRORS))
def test_errors(program: str) -> None:
    same(program, BEGIN)


# --- anomalies ------------------------------------------------------------------------------------


def told(lib: Any, run: Any) -> tuple[list[str], str]:
    """The beginnings of warnings, and the error's text."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        try:
            run(lib)
        except RuntimeError as error:
            text = str(error)
        else:
            text = ""
    return [str(f.message).split(". ")[0] for f in found], text


def nan(lib: Any) -> None:
    x = lib.zeros(2, requires_grad=True)
    with lib.autograd.detect_anomaly():
        (x.sqrt() * 0).sum().backward()


def nan_later(lib: Any) -> None:
    x = lib.zeros(2, requires_grad=True)
    y = (x.sqrt() * 0).sum()
    with lib.autograd.set_detect_anomaly(True):
        y.backward()


def unchecked(lib: Any) -> None:
    x = lib.zeros(2, requires_grad=True)
    with lib.autograd.detect_anomaly(check_nan=False):
        (x.sqrt() * 0).sum().backward()


def failing(lib: Any) -> None:
    class Fails(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise RuntimeError("planted")

    x = lib.zeros(2, requires_grad=True)
    with lib.autograd.detect_anomaly():
        Fails.apply(x).sum().backward()


@pytest.mark.parametrize("run", [nan, nan_later, unchecked, failing])
def test_anomalies(run: Any) -> None:
    assert told(ours, run) == told(real, run)
