"""`torch.autograd.Function` against PyTorch: alone, and within transformed functions."""

# ruff: noqa: E501

import pytest

pytest.importorskip("torch")

from tests.torch.both import blocks, same

BEGIN = """
F, A = torch.func, torch.autograd
Function = A.Function
f64 = torch.float64
x = torch.tensor([0.3, -1.2, 2.0], dtype=f64, requires_grad=True)
w = torch.tensor([0.5, -0.4, 1.1], dtype=f64, requires_grad=True)
y = torch.tensor([[1.5, 0.2, -0.7], [0.1, 2.5, 0.9]], dtype=f64)
v = torch.tensor([1.0, -2.0, 0.5], dtype=f64)
d = x.detach()
class Mul(Function):
    generate_vmap_rule = True
    @staticmethod
    def forward(x, y):
        return x * y
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)
    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y * 10, g * x
    @staticmethod
    def jvp(ctx, a, b):
        x, y = ctx.saved_tensors
        return a * y * 10 + b * x
class Ruled(Mul):
    generate_vmap_rule = False
    @staticmethod
    def vmap(info, in_dims, x, y):
        print(info.batch_size, info.randomness, in_dims, tuple(x.shape), tuple(y.shape))
        x = x if in_dims[0] is None else x.movedim(in_dims[0], 0)
        y = y if in_dims[1] is None else y.movedim(in_dims[1], 0)
        return Ruled.apply(x, y), 0
class Plain(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()
    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].cos() * 3
class Two(Function):
    generate_vmap_rule = True
    @staticmethod
    def forward(x, k):
        return x * k, x.exp()
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.k = inputs[1]
        ctx.save_for_backward(output[1])
    @staticmethod
    def backward(ctx, g, h):
        e, = ctx.saved_tensors
        return g * ctx.k + h * e * 2, None
"""

ALONE = """
out = Plain.apply(x)
out.sum().backward()
r = out, x.grad, out.grad_fn.name(), type(out.grad_fn).__name__

out = Mul.apply(x, w)
r = out, A.grad(out.sum(), (x, w), create_graph=True)
r = r, A.grad(r[1][0].sum(), w)

out = Two.apply(x, 3)
r = out, A.grad(out[0].sum() + out[1].sum(), x), out[0].grad_fn is out[1].grad_fn

out = Two.apply(x, 3)
r = A.grad(out[1].sum(), x)

class E(Function):
    @staticmethod
    def forward(ctx, x, y, n):
        print(ctx.needs_input_grad)
        ctx.set_materialize_grads(False)
        return x * 2, y * 3
    @staticmethod
    def backward(ctx, g, h):
        print(g is None, h is None, ctx.needs_input_grad)
        return None if g is None else g * 2, None if h is None else h * 3, None
a, b = E.apply(x, d, 3)
a.sum().backward()
r = x.grad, a.requires_grad, b.requires_grad

class E(Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x
    @staticmethod
    def backward(ctx, g):
        return g * 20
a = x * 1
out = E.apply(a)
out.sum().backward()
r = out is a, a, x.grad, a.grad_fn.name()

class E(Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x * 1
    @staticmethod
    def backward(ctx, g):
        return g * 20
E.apply(x * 1)

class E(Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x
    @staticmethod
    def backward(ctx, g):
        return g * 20
E.apply(x)

class E(Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x
    @staticmethod
    def backward(ctx, g):
        return g * 20
a = x * 1
b = a[:2]
out = E.apply(b)
a.sum().backward()
r = out, a, x.grad, a.grad_fn.name()

class E(Function):
    @staticmethod
    def forward(ctx, x):
        a, b = x.sort()
        ctx.mark_non_differentiable(b)
        ctx.save_for_backward(b)
        return a, b
    @staticmethod
    def backward(ctx, g, h):
        out = torch.zeros_like(g)
        out[ctx.saved_tensors[0]] = g
        return out
a, b = E.apply(x)
r = a, b, A.grad((a * v).sum(), x)

class E(Function):
    @staticmethod
    def forward(ctx, x):
        return x, x * 2
    @staticmethod
    def backward(ctx, g, h):
        return g * 3 + h
a, b = E.apply(x)
r = a is x, a, A.grad(a.sum() + b.sum(), x)

class E(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2, 'text', None
    @staticmethod
    def backward(ctx, g, *rest):
        return g * 2
a, b, c = E.apply(x)
r = a, b, c, A.grad(a.sum(), x)

class E(Plain):
    backward = staticmethod(A.function.once_differentiable(Plain.backward))
out = E.apply(x)
g, = A.grad(out.sum(), x, create_graph=True)
r = g
g.sum().backward()

class E(Plain):
    backward = staticmethod(A.function.once_differentiable(Plain.backward))
out = E.apply(x)
r = A.grad(out.sum(), x), A.grad(E.apply(x * 2), x, torch.ones(3, dtype=f64, requires_grad=True), create_graph=True)

class E(Function):
    @staticmethod
    def forward(ctx, x): return x * 2
    @staticmethod
    def vjp(ctx, g): return g * 5
out = E.apply(x)
r = A.grad(out.sum(), x)

class E(Function):
    @staticmethod
    def forward(ctx, x): return x * 2
    @staticmethod
    def vjp(ctx, g): return g * 5
    @staticmethod
    def backward(ctx, g): return g * 5
E.apply(x).sum().backward()

class E(Function):
    @staticmethod
    def forward(ctx, x): return x * 2
E.apply(x).sum().backward()

class E(Function):
    pass
E.apply(x)

Plain()(x)

class E(Plain):
    @staticmethod
    def backward(ctx, g): return g, g
E.apply(x).sum().backward()

class E(Plain):
    @staticmethod
    def backward(ctx, g): return g, None
r = A.grad(E.apply(x).sum(), x)

class E(Plain):
    @staticmethod
    def backward(ctx, g): return 3
E.apply(x).sum().backward()

class E(Plain):
    @staticmethod
    def backward(ctx, g): return g[:2]
E.apply(x).sum().backward()

class E(Plain):
    @staticmethod
    def backward(ctx, g): return torch.ones(2, 3)
r = A.grad(E.apply(x).sum(), x)

class E(Function):
    @staticmethod
    def forward(ctx, x, k): return x * k
    @staticmethod
    def backward(ctx, g): return g, g
E.apply(x, 3).sum().backward()

class E(Function):
    @staticmethod
    def forward(ctx, x, k): return x * k
    @staticmethod
    def backward(ctx, g): return g, g
E.apply(x, 3.0).sum().backward()

class E(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x, 3)
        return x * 2
E.apply(x)

class E(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_forward(x, 3)
        return x * 2
E.apply(x)

out = Plain.apply(x)
out.sum().backward()
out.sum().backward()

out = Plain.apply(x * 1)
out.grad_fn.saved_tensors
r = out.grad_fn.saved_tensors, out.grad_fn.needs_input_grad

a = x * 1
out = Plain.apply(a)
a.mul_(2)
out.sum().backward()

class E(Function):
    @staticmethod
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out
    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]
out = E.apply(x)
r = A.grad(out.sum(), x, create_graph=True)
r = r, A.grad(r[0].sum(), x)
out = E.apply(x)
out.mul_(2)
out.sum().backward()

with torch.no_grad(): r = Plain.apply(x)

r = Plain.apply(d)

class E(A.function.InplaceFunction):
    @staticmethod
    def forward(ctx, x): return x * 2
    @staticmethod
    def backward(ctx, g): return g * 2
r = E.apply(x), E(True).inplace, E().inplace

"""

TRANSFORMED = """
r = F.grad(lambda x: Mul.apply(x, v).sum())(d)

r = F.grad(lambda x: Mul.apply(x, w).sum())(d)

r = F.vjp(lambda x: Two.apply(x, 2), d)[1]((v, v))

r = F.jvp(lambda x: Mul.apply(x, x), (d,), (v,))

r = F.vmap(lambda x: Mul.apply(x, v))(y)

r = F.vmap(lambda x: Two.apply(x, 3))(y)

r = F.vmap(lambda x: Mul.apply(x, w))(y)

a = y.clone().requires_grad_()
out = F.vmap(lambda x: Mul.apply(x, w) * w)(a)
out.sum().backward()
r = out, a.grad, w.grad

a = y.clone().requires_grad_()
p, q = F.vmap(lambda x: Two.apply(x, 3))(a)
(p * q).sum().backward()
r = a.grad

r = F.vmap(F.grad(lambda x: Mul.apply(x, v).sum()))(y)

r = F.grad(lambda x: F.vmap(lambda x: Mul.apply(x, v))(x).sum())(y)

r = F.grad(lambda v: F.vmap(lambda x: Mul.apply(x, v))(y).sum())(v)

r = F.vmap(F.vmap(lambda t: Mul.apply(t, t)))(y)

r = F.jvp(F.vmap(lambda x: Mul.apply(x, v)), (y,), (y,))

r = F.vmap(lambda x: F.jvp(lambda x: Mul.apply(x, v), (x,), (x,)))(y)

r = F.jacrev(lambda x: Mul.apply(x, v))(d), F.jacfwd(lambda x: Mul.apply(x, v))(d)

r = F.jacrev(F.jacrev(lambda x: Mul.apply(x, v) * x))(d)

r = F.hessian(lambda x: Mul.apply(x, x).sum())(d)

r = F.vmap(lambda x: Ruled.apply(x, v))(y)

r = F.vmap(lambda x: Ruled.apply(x, x), randomness='same')(y)

r = F.vmap(F.grad(lambda x: Ruled.apply(x, v).sum()))(y)

r = F.grad(lambda x: F.vmap(lambda x: Ruled.apply(x, v))(x).sum())(y)

a = y.clone().requires_grad_()
out = F.vmap(lambda x: Ruled.apply(x, w))(a)
out.sum().backward()
r = out, a.grad, w.grad

r = F.vmap(F.vmap(lambda t: Ruled.apply(t, t)))(y)

r = F.vmap(lambda x: Ruled.apply(v, v) * x)(y)

class E(Ruled):
    @staticmethod
    def vmap(info, in_dims, x, y):
        return (x * y).t(), 1
r = F.vmap(lambda x: E.apply(x, v))(y)

class E(Ruled):
    @staticmethod
    def vmap(info, in_dims, x, y):
        return v, None
r = F.vmap(lambda x: E.apply(x, v))(y)

class E(Ruled):
    @staticmethod
    def vmap(info, in_dims, x, y):
        return x * y, 0, 0
F.vmap(lambda x: E.apply(x, v))(y)

class E(Ruled):
    @staticmethod
    def vmap(info, in_dims, x, y):
        return (x * y, x), (0,)
F.vmap(lambda x: E.apply(x, v))(y)

class E(Ruled):
    generate_vmap_rule = True
F.vmap(lambda x: E.apply(x, v))(y)

class E(Mul):
    generate_vmap_rule = False
F.vmap(lambda x: E.apply(x, v))(y)

F.grad(lambda x: Plain.apply(x).sum())(d)

F.vmap(Plain.apply)(y)

class E(Mul):
    jvp = Function.jvp
F.jvp(lambda x: E.apply(x, v), (d,), (v,))

r = A.functional.jacobian(lambda x: Mul.apply(x, v), d, vectorize=True)

out = Plain.apply(x) * x
r = A.grad(out, x, torch.eye(3, dtype=f64), is_grads_batched=True)

out = Two.apply(x, 3)
r = A.grad(out, x, (torch.eye(3, dtype=f64), torch.eye(3, dtype=f64)), is_grads_batched=True)
"""


@pytest.mark.parametrize("program", blocks(ALONE))
def test_alone(program: str) -> None:
    same(program, BEGIN)


@pytest.mark.parametrize("program", blocks(TRANSFORMED))
def test_within_transforms(program: str) -> None:
    same(program, BEGIN)
