"""`torch.autograd.functional` and batched gradients against PyTorch."""

# ruff: noqa: E501

import pytest

pytest.importorskip("torch")

from tests.torch.both import blocks, same

BEGIN = """
A = torch.autograd.functional
f64 = torch.float64
x = torch.tensor([0.3, -1.2, 2.0], dtype=f64)
y = torch.tensor([1.5, 0.2, -0.7], dtype=f64)
w = torch.tensor([0.5, -0.4, 1.1], dtype=f64, requires_grad=True)
v = torch.tensor([1.0, -2.0, 0.5], dtype=f64)
s = torch.tensor(0.7, dtype=f64)
z = torch.tensor([1 + 2j, -0.5j, 0.3], dtype=torch.complex128)
def f(x): return (x.sin() * x * x).sum()
def g(x, y): return (x * y).sin() @ y * x[0]
def h(x): return x.exp() * x[0]
def k(x, y): return x * y, x.sum() * y
"""

VALUES = """
r = A.vjp(h, x, v)

r = A.vjp(f, x)

r = A.vjp(k, (x, y), (v, x))

r = A.vjp(h, w, v, create_graph=True)

r = A.vjp(h, w, v)

r = A.vjp(lambda x: y * 2, x, v)

r = A.vjp(lambda x, y: x * 2, (x, y), v)

r = A.jvp(h, x, v)

r = A.jvp(f, x, v)

r = A.jvp(k, (x, y), (v, x))

r = A.jvp(h, w, v, create_graph=True)

r = A.jvp(lambda x: x * s, s)

r = A.jvp(lambda x: y * 2, x, v)

r = A.vhp(f, x, v), A.hvp(f, x, v)

r = A.vhp(g, (x, y), (v, x)), A.hvp(g, (x, y), (v, x))

r = A.vhp(f, w, v, create_graph=True), A.hvp(f, w, v, create_graph=True)

r = A.vhp(lambda s: s.sin(), s), A.hvp(lambda s: s.sin(), s)

r = A.vhp(lambda x: x.sum(), x, v), A.hvp(lambda x: x.sum(), x, v)

r = A.jacobian(h, x)

r = A.jacobian(k, (x, y))

r = A.jacobian(h, x, vectorize=True)

r = A.jacobian(k, (x, y), vectorize=True)

r = A.jacobian(k, (x, y), vectorize=True, strategy='forward-mode')

r = A.jacobian(h, x, vectorize=True, strategy='forward-mode')

r = A.jacobian(h, w, create_graph=True)

r = A.jacobian(h, w, create_graph=True, vectorize=True)

r = A.jacobian(h, x, strict=True)

r = A.jacobian(lambda x: y, x), A.jacobian(lambda x: y, x, vectorize=True)

r = A.jacobian(lambda x, y: x * 2, (x, y)), A.jacobian(lambda x, y: x * 2, (x, y), vectorize=True)

with torch.no_grad():
    r = A.jacobian(h, w), A.vjp(h, w, v), A.jvp(h, w, v), A.hvp(f, w, v)

r = A.hessian(f, x)

r = A.hessian(g, (x, y))

r = A.hessian(g, (x, y), vectorize=True)

r = A.hessian(f, x, vectorize=True, outer_jacobian_strategy='forward-mode')

r = A.hessian(f, w, create_graph=True)

r = A.hessian(lambda x: (x ** 3).sum().view(1), x, strict=True)

out = w * w * 2
r = torch.autograd.grad(out, w, torch.eye(3, dtype=f64), is_grads_batched=True)

out = w * w * 2
r = torch.autograd.grad(out, w, torch.eye(3, dtype=f64), is_grads_batched=True, create_graph=True)
r = r, torch.autograd.grad(r[0].sum(), w)

out = w.sum(), w * 2
r = torch.autograd.grad(out, w, (torch.ones(2, dtype=f64), torch.ones(2, 3, dtype=f64)), is_grads_batched=True)

q = torch.ones(2, requires_grad=True)
r = torch.autograd.grad(w * 2, (w, q), torch.eye(3, dtype=f64), is_grads_batched=True, allow_unused=True)
"""

ERRORS = """
A.vjp(h, 3, v)

A.vjp(h, (x, 3), v)

A.vjp(lambda x: 3, x, v)

A.vjp(h, x)

A.vjp(h, x, torch.ones(2))

A.vjp(k, (x, y), (v, v[:2]))

A.vjp(k, (x, y), (v,))

A.vjp(h, x, (v, v))

A.vjp(lambda x: y, x, v, strict=True)

A.vjp(lambda x, y: x * 2, (x, y), v, strict=True)

A.vjp(lambda x: x * 2, w, v, strict=True, create_graph=True)

A.jvp(h, x)

A.jvp(h, x, torch.ones(2))

A.jvp(lambda x: y, x, v, strict=True)

A.jvp(lambda x, y: x * 2, (x, y), (v, v), strict=True)

A.vhp(h, x, v)

A.vhp(k, (x, y), (v, v))

A.vhp(lambda x: x.sum(), x, v, strict=True)

A.vhp(f, x)

A.hvp(h, x, v)

A.hvp(lambda x: x.sum(), x, v, strict=True)

A.jacobian(h, x, strategy='foo')

A.jacobian(h, x, strategy='forward-mode')

A.jacobian(h, x, strategy='forward-mode', create_graph=True)

A.jacobian(h, x, strategy='forward-mode', strict=True)

A.jacobian(h, x, strict=True, vectorize=True)

A.jacobian(lambda x: y, x, strict=True)

A.jacobian(lambda x, y: x * 2, (x, y), strict=True)

A.jacobian(lambda x: x * 2, w, strict=True, create_graph=True)

A.hessian(h, x)

A.hessian(k, (x, y))

A.hessian(f, x, outer_jacobian_strategy='foo')

A.hessian(lambda x: x.sum(), x, strict=True)

torch.func.grad(lambda x: A.vjp(h, x, v)[1].sum())(x)

q = torch.ones(2, requires_grad=True)
torch.autograd.grad(w * 2, (w, q), torch.eye(3, dtype=f64), is_grads_batched=True)
"""


@pytest.mark.parametrize("program", blocks(VALUES))
def test_values(program: str) -> None:
    same(program, BEGIN)


@pytest.mark.parametrize("program", blocks(ERRORS))
def test_errors(program: str) -> None:
    same(program, BEGIN)
