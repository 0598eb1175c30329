"""`torch.func` against PyTorch: values, dtypes, who needs a gradient, errors."""

import pytest

pytest.importorskip("torch")

from tests.torch.both import blocks, ours, same

BEGIN = """
from collections import namedtuple, OrderedDict
F = torch.func
nn = torch.nn
f64 = torch.float64
x = torch.tensor([0.3, -1.2, 2.0], dtype=f64)
y = torch.tensor([[1.5, 0.2, -0.7], [0.1, 2.5, 0.9]], dtype=f64)
w = torch.tensor([0.5, -0.4, 1.1], dtype=f64, requires_grad=True)
m = torch.tensor([[0.2, 1.0, -0.3], [0.8, -0.6, 0.4], [0.9, 0.1, 0.7]], dtype=f64)
v = torch.tensor([1.0, -2.0, 0.5], dtype=f64)
z = torch.tensor([1 + 2j, -0.5j, 0.3], dtype=torch.complex128)
s = torch.tensor(0.7, dtype=f64)
def f(x): return (x.sin() * x).sum()
def h(x): return x.exp() * x[0]
Point = namedtuple('Point', 'a b')
"""

VALUES = """
r = F.grad(f)(x)

r = F.grad_and_value(f)(x)

r = F.grad(lambda x, y: (x * y).sum(), argnums=1)(x, v)

r = F.grad(lambda x, y: (x * y).sum(), argnums=(1, 0))(x, v)

r = F.grad(lambda x, y: (x * y).sum(), argnums=-1)(x, v)

r = F.grad(lambda x: (f(x), x * 2), has_aux=True)(x)

r = F.grad_and_value(lambda x: (f(x), {'a': x * 2, 'b': [x]}), has_aux=True)(x)

r = F.grad(lambda p: (p['a'] * p['b'][0]).sum())({'a': x, 'b': [v, x]})

r = F.grad(lambda p: (p.a * p.b).sum())(Point(x, v))

r = F.grad(lambda p: (p[0] * p[1]).sum())((x, v))

r = F.grad(lambda x, *, k: (x * k).sum())(x, k=v)

r = F.grad(lambda x: (x * w).sum())(x)

r = F.grad(f)(w)

r = F.grad(F.grad(lambda t: t.sin()))(s)

r = F.grad(F.grad(F.grad(lambda t: t.sin() * t)))(s)

with torch.no_grad():
    r = F.grad(lambda x: (x * w).sum())(x)

with torch.no_grad():
    r = F.grad(lambda x: f(x) * 2)(w)

def g(x):
    with torch.no_grad():
        c = x ** 2
    return (x - c).sum()
r = F.grad(g)(x)

r = F.grad(lambda x: (x * x.detach()).sum())(x)

r = F.grad(lambda x: v.sum())(x)

r = F.grad(lambda x: (x.clone().mul_(x) * 2).sum())(x)

def g(x):
    y = torch.zeros(3, dtype=f64)
    y = y + x
    y[0] = x[1] * x[2]
    y[1:] *= x[0]
    return y.sum()
r = F.grad(g)(x)

r = F.grad(lambda x: x.sum() if x.sum() > 0 else -x.sum())(x)

r = F.grad(lambda x: (x * x.conj()).real.sum())(z)

r = F.grad(lambda x: (torch.ones(3, dtype=f64, requires_grad=True) * x).sum())(x)

with torch.inference_mode():
    a = F.grad(f)(x.clone())
r = a

out, pull = F.vjp(h, x)
r = out, pull(v)

out, pull = F.vjp(lambda x, y: {'a': x * y, 'b': (x, y.sum())}, x, v)
r = pull({'a': v, 'b': (x, s)})

out, pull, aux = F.vjp(lambda x: (x ** 2, x + 1), x, has_aux=True)
r = out, aux, pull(v)

out, pull = F.vjp(h, w)
r = out, pull(v), pull(x)

out, pull = F.vjp(lambda x: x * w, x)
with torch.no_grad():
    r = out, pull(v)

out, pull = F.vjp(lambda x: v * 2, x)
r = pull(v)

out, pull = F.vjp(lambda x: x * x, z)
r = out, pull(z)

r = F.jvp(h, (x,), (v,))

r = F.jvp(lambda x, y: (x * y, {'k': x.sum()}), (x, v), (v, x))

r = F.jvp(lambda x: (x ** 2, x + 1), (x,), (v,), has_aux=True)

r = F.jvp(lambda x: v, (x,), (v,))

r = F.jvp(lambda x: x.detach() * x, (x,), (v,))

r = F.jvp(h, (w,), (v,))

r = F.jvp(h, (x,), (w,))

r = F.jvp(lambda x: x * w, (x,), (v,))

r = F.jvp(lambda x: x * x, (z,), (z,))

r = F.jvp(lambda p: p['a'] * p['b'], ({'a': x, 'b': v},), ({'a': v, 'b': x},))

def g(x):
    y = x.clone()
    y[0] = y[1] * 3
    y.mul_(x)
    return y
r = F.jvp(g, (x,), (v,))

r = F.jvp(F.grad(f), (x,), (v,))

r = F.grad(lambda x: F.jvp(f, (x,), (v,))[1])(x)

r = F.jvp(lambda x: F.jvp(h, (x,), (v,))[1], (x,), (v,))

r = F.grad(lambda x: F.jvp(lambda y: (y * x).sin().sum(), (x,), (v,))[1])(x)

r = F.grad(lambda x: F.vjp(h, x)[1](v)[0].sum())(x)

r = F.jvp(lambda x: F.vjp(h, x)[1](v)[0], (x,), (v,))

r = F.jacrev(h)(x)

r = F.jacrev(h, chunk_size=1)(x), F.jacrev(h, chunk_size=2)(x)

r = F.jacrev(lambda x, y: (x * y, x.sum()), argnums=(0, 1))(x, v)

r = F.jacrev(lambda x, y: x.outer(y), argnums=1)(x, v)

r = F.jacrev(lambda x: (x ** 2, x), has_aux=True)(x)

r = F.jacrev(lambda p: {'o': p['a'] * p['b']})({'a': x, 'b': v})

r = F.jacrev(h)(w)

r = F.jacfwd(h)(x)

r = F.jacfwd(lambda x, y: (x * y, x.sum()), argnums=(0, 1))(x, v)

r = F.jacfwd(lambda x: (x ** 2, x * 3), has_aux=True)(x)

r = F.jacfwd(lambda p: {'o': p['a'] * p['b']})({'a': x, 'b': v})

r = F.jacfwd(h)(w)

r = F.jacfwd(lambda x: y * x)(x)

r = F.jacrev(lambda y: y.t() @ y)(y), F.jacfwd(lambda y: y.t() @ y)(y)

r = F.hessian(f)(x)

r = F.hessian(lambda x, y: (x * y).sin().sum(), argnums=(0, 1))(x, v)

r = F.jacrev(F.jacrev(h))(x), F.jacfwd(F.jacfwd(h))(x), F.jacrev(F.jacfwd(h))(x)

r = F.jacrev(F.jacfwd(F.jacrev(f)))(x)

r = F.hessian(f)(w)

r = F.vmap(lambda x: x.sin())(y)

r = torch.vmap(lambda x: x.sin() * 2, in_dims=1)(y)

r = F.vmap(lambda x: x.sin(), in_dims=1, out_dims=1)(y)

r = F.vmap(lambda x, y: x @ y, in_dims=(0, None))(y, m)

r = F.vmap(lambda x, y: x @ y, in_dims=(None, 1))(x, m)

r = F.vmap(lambda x: (x.sum(), x), out_dims=(0, 1))(y)

r = F.vmap(lambda x: (x.sum(), v), out_dims=(0, None))(y)

r = F.vmap(lambda x: {'a': x * 2, 'b': [x.sum()]})(y)

r = F.vmap(lambda p, x: p['a'] * x + p['b'], in_dims=({'a': 0, 'b': None}, 0))({'a': y, 'b': v}, y)

r = F.vmap(lambda x: x + 1, chunk_size=2)(m)

r = F.vmap(lambda x, y: (x + y, x.sum()), in_dims=(1, None), out_dims=(1, 0), chunk_size=2)(m, v)

r = F.vmap(F.vmap(lambda x: x ** 2))(y)

r = F.vmap(F.vmap(torch.dot, (0, None)), (None, 0))(m, y)

r = F.vmap(F.vmap(lambda a, b: a * b, in_dims=(0, 0)), in_dims=(1, 1), out_dims=1)(y, y)

r = F.vmap(F.grad(f))(y)

r = F.vmap(F.grad(lambda p, x: ((p * x).sum()) ** 2), in_dims=(None, 0))(v, y)

r = F.vmap(F.grad(lambda x: (x * w).sin().sum()))(y)

r = F.grad(lambda x: F.vmap(f)(x).sum())(y)

r = F.grad(lambda x: F.vmap(lambda row: row * x)(y).sum())(x)

r = F.grad(lambda q: F.vmap(lambda a, b: (a * b).sum(), in_dims=(0, None))(y, q).prod())(x)

r = F.vmap(F.jacrev(h))(y)

r = F.vmap(F.jacfwd(h))(y)

r = F.vmap(F.hessian(f))(y)

r = F.jacrev(F.vmap(f))(y), F.jacfwd(F.vmap(f))(y)

r = F.jvp(F.vmap(h), (y,), (y,))

r = F.vmap(lambda a, b: F.jvp(h, (a,), (b,)))(y, y)

r = F.vmap(F.vmap(F.grad(lambda t: t.sin())))(y)

r = F.vmap(lambda x: x * w)(y)

a = y.clone().requires_grad_()
out = F.vmap(lambda x: x.sin() * w)(a)
out.sum().backward()
r = out, a.grad, w.grad

a = y.clone().requires_grad_()
out = F.vmap(lambda x: torch.cat([x, w]).cumsum(0)[1:4] * x.detach(), in_dims=0, out_dims=1)(a)
(out ** 2).sum().backward()
r = out, a.grad, w.grad

a = y.clone().requires_grad_()
def g(x):
    with torch.no_grad():
        c = x * 2
    return x * c
out = F.vmap(g)(a)
r = out, torch.autograd.grad(out.sum(), a)

r = F.vmap(lambda x: w)(y)

r = F.vmap(lambda x: w, out_dims=None)(y)

r = F.vmap(lambda x: torch.zeros(2))(y)

a = y.clone()
r = F.vmap(lambda x: x.mul_(3))(a), a

a = y.clone()
b = F.vmap(lambda x: x.t_() if x.ndim > 1 else x[1:].add_(1))(a)
r = a, b

def g(x):
    q = x.clone()
    q[0] = x[1]
    q[1:].mul_(2)
    return q.masked_fill(x > 0, 5.)
r = F.vmap(g)(y)

r = F.vmap(lambda x: torch.where(x > 0, x, -x))(y)

r = F.vmap(lambda x, i: x[i])(y, torch.tensor([2, 0]))

r = F.vmap(lambda x: x[torch.tensor([0, 0, 2])])(y)

r = F.vmap(lambda x, i: torch.gather(x, 0, i))(y, torch.tensor([[0, 1], [2, 2]]))

r = F.vmap(lambda x: torch.stack([x.mean(), x.std(), x.max(), x.logsumexp(0)]))(y)

r = F.vmap(lambda x: x.view(3, 1) @ x.view(1, 3))(y)

r = F.vmap(lambda x: torch.sort(x).values)(y)

r = F.vmap(lambda x: torch.topk(x, 2))(y)

r = F.vmap(lambda x: [x.dim(), x.numel(), *x.shape], out_dims=None)(y)

r = F.vmap(lambda x: torch.nn.functional.conv1d(x.view(1, 1, 3), torch.ones(1, 1, 2, dtype=f64)))(y)

r = F.vmap(lambda x: torch.nn.functional.layer_norm(x, (3,)))(y)

r = F.vmap(lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(1)))(y)

r = F.vmap(lambda x: x.to(torch.float32))(y)

r = F.vmap(lambda x: x + torch.ones(3))(y.float())

r = F.vmap(lambda x: x * torch.ones(2, 3))(y.float())

out, push = F.linearize(h, x)
r = out, push(v), push(x)

out, push = F.linearize(lambda x, y: {'a': x * y, 'b': x}, x, v)
r = out, push(v, x)

out, push = F.linearize(h, x)
r = F.vmap(push)(y)

r = F.functionalize(lambda x: x.clone().mul_(2))(x)

r = F.functionalize(lambda x: x.view(3, 1), remove='mutations_and_views')(x)

a = x.clone()
r = F.functionalize(lambda x: x.add_(1))(a), a

l = nn.Linear(3, 2)
p = dict(l.named_parameters())
def loss(p, x): return (F.functional_call(l, p, (x,)) ** 2).sum()
r = F.grad(loss)(p, x.float())

l = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
p = {k: t.detach() for k, t in l.named_parameters()}
def loss(p, x, t): return ((F.functional_call(l, p, (x,)) - t) ** 2).mean()
r = F.vmap(F.grad(loss), in_dims=(None, 0, 0))(p, y.float(), torch.tensor([[1.], [2.]]))

ms = [nn.Linear(3, 2) for _ in range(3)]
p, b = F.stack_module_state(ms)
r = p, b, F.vmap(lambda p, x: F.functional_call(ms[0], p, (x,)), (0, None))(p, x.float())

ms = [nn.BatchNorm1d(3) for _ in range(2)]
r = F.stack_module_state(ms)

l = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1))
F.replace_all_batch_norm_modules_(l)
p = dict(l.named_parameters())
r = [k for k, _ in l.named_buffers()], F.grad(lambda p: F.functional_call(l, p, y.float()).sum())(p)

r = F.debug_unwrap(x) is x

seen = []
F.vmap(lambda x: seen.append(F.debug_unwrap(x * 2)) or x)(y)
r = seen

F.vmap(lambda x: print(x) or x)(y)

F.grad(lambda x: print(x, x * 2) or x.sum())(x)

F.vmap(F.grad(lambda x: print(x) or x.sum()))(y)

r = F.vmap(lambda x: x.requires_grad, out_dims=None)(y), F.grad(lambda x: x.is_leaf and x.sum())(x)
"""

RANDOM = """
r = F.vmap(lambda x: torch.rand(3), randomness=R)(y)

r = F.vmap(lambda x: torch.randn(2, 3) + x, randomness=R)(y)

r = F.vmap(lambda x: torch.rand_like(x), randomness=R)(y)

r = F.vmap(lambda x: torch.nn.functional.dropout(x), randomness=R)(y)

r = F.vmap(lambda x: torch.nn.functional.dropout(v), randomness=R)(y)

r = F.vmap(lambda x: torch.bernoulli(x.sigmoid()), randomness=R)(y)

r = F.vmap(lambda x: torch.bernoulli(v.sigmoid()), randomness=R)(y)

r = F.vmap(lambda x: torch.zeros(3).normal_(), randomness=R)(y)

r = F.vmap(lambda x: x.clone().normal_(), randomness=R)(y)

r = F.vmap(lambda x: x.clone().uniform_(), randomness=R)(y)

r = F.vmap(lambda x: torch.randperm(5), randomness=R)(y)

r = F.vmap(lambda x: torch.randint(0, 10, (3,)), randomness=R)(y)

r = F.vmap(lambda x: torch.normal(0., 1., (3,)), randomness=R)(y)

r = F.vmap(lambda x: torch.multinomial(x.sigmoid(), 2), randomness=R)(y)

r = F.vmap(F.vmap(lambda x: torch.rand(2) + x, randomness=R), randomness=R)(y)

r = F.vmap(F.grad(lambda x: torch.nn.functional.dropout(x, 0.5).sum()), randomness=R)(y)

r = F.jacfwd(lambda x: x * torch.rand(3), randomness=R)(x)
"""

REARRANGED = [
    ("a b c -> c (a b)", {}), ("a b c -> a b c 1", {}), ("a b (c d) -> d a b c", {"c": 2}),
    ("... c -> c ...", {}), ("a ... -> (a ...)", {}), ("a b c -> a () b c", {}),
    ("a (b 1) c -> a b c", {}), ("... -> ...", {}), ("a b c -> (a b c)", {}),
    ("a b c -> a b", {}), ("a b -> b a", {}), ("a b c -> a b c d", {}), ("a a c -> a c", {}),
    ("a b c", {}), ("a b c -> a ((b c))", {}), ("a b c -> a (b c", {}), ("a b 2 -> a b", {}),
    ("a b c -> a b c", {"q": 2}), ("() a b c -> a b c", {}), ("a b c -> a b ...", {}),
    ("a _b c -> a c _b", {}), ("a b! c -> a b c", {}), ("a ... ... -> a ...", {}),
    ("a .. c -> a c", {}), ("a b c) -> a b c", {}), ("a b c -> a b c", {"a": 2.5}),
    ("a b c d ... -> a b c d ...", {}),
]  # fmt: skip

ERRORS = """
F.grad(f)(torch.arange(3))

F.grad(lambda x: x)(x)

F.grad(lambda x: 3.)(x)

F.grad(lambda x: x.sum(), has_aux=True)(x)

F.grad(f, argnums=1)(x)

F.grad(f, argnums=(0, 0))(x)

F.grad(f, argnums=())(x)

F.grad(f, argnums='a')(x)

F.grad(f)('a')

F.grad(lambda x: x.mul_(2).sum())(x)

F.grad(lambda x: v.add_(1).sum() + x.sum())(x)

F.grad(lambda x: v.copy_(x).sum())(x)

F.grad(lambda x: v.sin_().sum() + x.sum())(x)

F.jvp(lambda x: v.add_(x), (x,), (v,))

F.grad(lambda x: x.sum().backward())(x)

F.grad(lambda x: (x * 1).requires_grad_().sum())(x)

F.grad(lambda x: x.retain_grad() or x.sum())(x)

F.vjp(lambda x: x.long(), x)

F.vjp(lambda x: None, x)

F.vjp(lambda x: (x, 3), x)

F.vjp(lambda x: x, x, has_aux=True)

F.vjp(lambda x: (x, x), x)[1](v)

F.vjp(lambda x: {'a': x}, x)[1]((v,))

F.vjp(lambda x: x, x)[1](torch.ones(2, dtype=f64))

F.jvp(h, x, v)

F.jvp(h, (x,), (v, v))

F.jvp(h, (x,), (torch.ones(2, dtype=f64),))

F.jvp(h, (), ())

F.jvp(h, (3,), (v,))

F.jvp(h, (x,), (3,))

F.jvp(lambda x: 3, (x,), (v,))

F.jvp(lambda x: v, (x,), (v,), strict=True)

F.jvp(lambda x: v, (x,), (v,), has_aux=True)

F.jacrev(h)(z)

F.jacrev(lambda x: x * 1j)(x)

F.jacrev(h, chunk_size=0)

F.jacfwd(h)(z)

F.jacfwd(lambda x: x * 1j)(x)

F.linearize(h, x)[1](v, v)

F.linearize(h, x)[1](torch.ones(2, dtype=f64))

F.linearize(h, x)[1](v.float())

F.vmap(f)()

F.vmap(f, in_dims=[0])(y)

F.vmap(f, in_dims=(0, 0))(y)

F.vmap(f, in_dims=('a',))(y)

F.vmap(f, in_dims=None)(y)

F.vmap(f, in_dims=2)(y)

F.vmap(f)(3)

F.vmap(f)(s)

F.vmap(lambda a, b: a)(y, m)

F.vmap(lambda x: 3)(y)

F.vmap(f, out_dims='a')(y)

F.vmap(f, out_dims=None)(y)

F.vmap(f, out_dims=(0, 0))(y)

F.vmap(lambda x: (x, x), out_dims=(0,))(y)

F.vmap(lambda x: {'a': x}, out_dims=(0,))(y)

F.vmap(f, out_dims=2)(y)

F.vmap(f, chunk_size=0)(y)

F.vmap(f, randomness='foo')(y)

F.vmap(lambda x: x.sum().item())(y)

F.vmap(lambda x: x if x.sum() > 0 else -x)(y)

F.vmap(lambda x: float(x.sum()))(y)

F.vmap(lambda x: x.tolist())(y)

F.vmap(lambda x: x.numpy())(y)

F.vmap(lambda x: x.nonzero())(y)

F.vmap(lambda x: x[x > 0])(y)

F.vmap(lambda x: x.unique())(y)

F.vmap(lambda x: torch.masked_select(x, x > 0))(y)

F.vmap(lambda x: torch.allclose(x, x))(y)

F.vmap(lambda x: torch.equal(x, x))(y)

F.vmap(lambda x: v.add_(x))(y)

F.vmap(lambda x: v.copy_(x))(y)

F.vmap(lambda x: torch.zeros(3, dtype=f64).mul_(x))(y)

def g(x):
    q = torch.zeros(3, dtype=f64)
    q[0] = x[0]
    return q
F.vmap(g)(y)

F.vmap(lambda x: (x * w).sum().backward())(y)

F.vmap(lambda x: (x * w).requires_grad_())(y)

F.functionalize(f, remove='foo')

F.stack_module_state([])

F.stack_module_state([nn.Linear(1, 1), nn.ReLU()])

F.stack_module_state([nn.Linear(1, 1), nn.Linear(1, 1).eval()])

a = nn.Linear(1, 1)
a.weight.requires_grad_(False)
F.stack_module_state([nn.Linear(1, 1), a])

F.functional_call(nn.Linear(1, 1), 3, s)

F.functional_call(nn.Linear(1, 1), [3], s)

F.functional_call(nn.Linear(1, 1), ({'weight': s}, {'weight': s}), s)

F.vmap(nn.BatchNorm1d(3))(torch.ones(2, 4, 3))
"""


@pytest.mark.parametrize("program", blocks(VALUES))
def test_values(program: str) -> None:
    same(program, BEGIN)


@pytest.mark.parametrize("kind", ["same", "different", "error"])
@pytest.mark.parametrize("program", blocks(RANDOM))
def test_random_numbers(program: str, kind: str) -> None:
    same(program, BEGIN + f"R = {kind!r}\n")


@pytest.mark.parametrize("program", blocks(ERRORS))
def test_errors(program: str) -> None:
    same(program, BEGIN)


@pytest.mark.parametrize(("pattern", "lengths"), REARRANGED)
def test_rearrange(pattern: str, lengths: dict[str, int]) -> None:
    begin = "q = torch.arange(24.).reshape(2, 3, 4)"
    same(f"r = torch.func.rearrange(q, {pattern!r}, **{lengths!r})", begin)


@pytest.mark.parametrize("lengths", [{}, {"c": 3}, {"c": 2, "d": 3}])
def test_sizes_that_do_not_fit(lengths: dict[str, int]) -> None:
    x = ours.ones(2, 3, 4)
    with pytest.raises(Exception, match="dimension|Dimension") as caught:
        ours.func.rearrange(x, "a b (c d) -> a b c d", **lengths)
    assert type(caught.value).__name__ == "DimensionBindError"


def test_several_tensors_are_stacked() -> None:
    same("r = torch.func.rearrange([torch.ones(2), torch.zeros(2)], 'n a -> a n')")
