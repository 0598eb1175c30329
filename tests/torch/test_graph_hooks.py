"""`torch.autograd.graph` and `torch.utils.checkpoint` against PyTorch."""

# ruff: noqa: E501

import warnings

import pytest

pytest.importorskip("torch")
import torch.utils.checkpoint

import lazytensor.torch.utils.checkpoint
from tests.torch.both import blocks, ours, real, same

BEGIN = """
G = torch.autograd.graph
C = torch.utils.checkpoint
nn = torch.nn
f64 = torch.float64
a = torch.tensor([1.0, 2.0], requires_grad=True)
b = torch.tensor([3.0, 4.0], requires_grad=True) * 2
def pack(x):
    fn = None if x.grad_fn is None else x.grad_fn.name()
    print('pack', x.requires_grad, fn, torch.is_grad_enabled(), tuple(x.shape))
    return x
def unpack(x):
    print('unpack', torch.is_grad_enabled(), tuple(x.shape))
    return x
def calls(f):
    def counted(*args, **kwargs):
        print('called', torch.is_grad_enabled())
        return f(*args, **kwargs)
    return counted
"""

OPERATIONS = [
    "a * b", "a.exp()", "b.exp()", "b.sin()", "b ** 2", "b.softmax(0)", "a + b", "a / b",
    "b.relu()", "b.view(1, 2) @ a.view(2, 1)", "b.tanh() * a", "b.sigmoid()", "b.sqrt()",
]  # fmt: skip

HOOKS = """
with G.saved_tensors_hooks(lambda x: x.detach() * 10, lambda x: x): y = a * a
r = torch.autograd.grad(y.sum(), a)

with G.saved_tensors_hooks(lambda x: x.detach() * 10, lambda x: x): y = a.exp()
r = torch.autograd.grad(y.sum(), a)

with G.saved_tensors_hooks(lambda x: x, lambda x: x): y = b * b
b.mul_(2)
y.sum().backward()

with G.saved_tensors_hooks(pack, unpack): y = a * a
y.sum().backward()
y.sum().backward()

with G.saved_tensors_hooks(lambda x: x, lambda x: 3): y = a * a
y.sum().backward()

def bad(x): return x.mul_(2)
with G.saved_tensors_hooks(bad, unpack): b * b

with G.saved_tensors_hooks(pack, unpack):
    with G.saved_tensors_hooks(lambda x: x.detach().clone(), lambda x: x): y = a.sin()
    z = y.sin()
z.sum().backward()
r = a.grad

class F(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        out = x * y
        ctx.save_for_backward(x, y, None, out)
        return out
    @staticmethod
    def backward(ctx, g):
        x, y, n, out = ctx.saved_tensors
        return g * y, g * x
with G.saved_tensors_hooks(lambda x: (print('pack'), x.detach() * 3)[1], lambda x: (print('unpack'), x)[1]):
    y = F.apply(a, a)
y.sum().backward()
r = a.grad

with G.disable_saved_tensors_hooks('off'):
    y = a * a
    with G.saved_tensors_hooks(pack, unpack): pass

with G.saved_tensors_hooks(pack, unpack):
    with G.disable_saved_tensors_hooks('off'): pass

with G.disable_saved_tensors_hooks('off'):
    with G.disable_saved_tensors_hooks('on'): pass
with G.saved_tensors_hooks(pack, unpack): pass
r = 'fine'

with G.saved_tensors_hooks(pack, unpack): torch.func.grad(lambda x: x.sin().sum())(a)

with G.save_on_cpu(): y = (a * b).sum()
r = torch.autograd.grad(y, a)

with G.save_on_cpu(pin_memory=True): y = (a.sin() * b.exp()).sum()
r = torch.autograd.grad(y, a)

with G.allow_mutation_on_saved_tensors():
    c = a.clone()
    out = (c ** 2).sum()
    c.sin_()
    out.backward()
r = a.grad, c

with G.allow_mutation_on_saved_tensors():
    c = a.clone(); d = c[0]
    o = d * d + (c * c).sum()
    c.mul_(3); d.mul_(2)
    o.backward()
r = a.grad

with G.allow_mutation_on_saved_tensors():
    with G.allow_mutation_on_saved_tensors(): pass

with G.allow_mutation_on_saved_tensors(): out = (a.clone() ** 2).sum()
out.backward()

y = a * b
e = G.get_gradient_edge(y)
r = e.output_nr, e.node.name(), torch.autograd.grad(e, a, torch.ones(2))

y = (a * b).sum()
r = torch.autograd.grad(y, G.get_gradient_edge(a))

y = (a * b).sum()
torch.autograd.backward(y, inputs=[G.get_gradient_edge(a)])
r = a.grad

y = a * b
torch.autograd.backward(G.get_gradient_edge(y), torch.ones(2))
r = a.grad

torch.autograd.grad(G.get_gradient_edge(a * b), a)

G.get_gradient_edge(torch.ones(2))

y = a * b
r = isinstance(y.grad_fn, G.Node), isinstance(G.get_gradient_edge(a).node, G.Node), isinstance(3, G.Node)

x = torch.ones(2)
G.increment_version(x)
G.increment_version([x, x])
r = x._version

y = a.exp()
z = y * 2
G.increment_version(y)
z.sum().backward()

G.increment_version(3)

c = torch.ones(2, requires_grad=True)
d = a * c; e = a * c
h = G.register_multi_grad_hook((a, c, d, e), lambda gs: print([None if g is None else g.tolist() for g in gs]))
d.sum().backward(retain_graph=True)
d.sum().backward(inputs=(a,), retain_graph=True)
(d + e).sum().backward(retain_graph=True)
h.remove()
d.sum().backward()

c = torch.ones(2, requires_grad=True)
d = a * c; e = a * c
with G.register_multi_grad_hook((a, c, d, e), lambda g: print(g.tolist()), mode='any'):
    d.sum().backward(retain_graph=True)
    e.sum().backward(retain_graph=True)
e.sum().backward()

G.register_multi_grad_hook((a,), None, mode='x')

G.region_activation_memory_budget(0.5)

G.region_activation_memory_budget('a')

G.region_activation_memory_budget(3.)

r = G.set_warn_on_accumulate_grad_stream_mismatch(True), G.set_override_stale_capture_stream(True)
"""

CHECKPOINTS = """
f = calls(lambda x, y: (x.sin() * y).exp())
out = C.checkpoint(f, a, b, use_reentrant=R)
out.sum().backward()
r = out, a.grad

f = calls(lambda x: torch.nn.functional.dropout(x.sin(), 0.5) * torch.rand(2) * x)
out = C.checkpoint(f, a, use_reentrant=R)
n = torch.rand(2)
out.sum().backward()
r = out, a.grad, n, torch.rand(2)

f = calls(lambda x: x.sin() * torch.rand(2) * x)
out = C.checkpoint(f, a, use_reentrant=R, preserve_rng_state=False)
out.sum().backward()
r = out, a.grad, torch.rand(2)

f = calls(lambda x, n: (x.sin() * n, x.exp()))
out = C.checkpoint(f, a, 3, use_reentrant=R)
(out[0] * out[1]).sum().backward()
r = out, a.grad

f = calls(lambda x: x.sin())
with torch.no_grad(): out = C.checkpoint(f, a, use_reentrant=R)
r = out

f = calls(lambda x: C.checkpoint(calls(lambda y: y.sin().exp()), x.tanh(), use_reentrant=R).cos())
out = C.checkpoint(f, a, use_reentrant=R)
out.sum().backward()
r = out, a.grad

l = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
out = C.checkpoint_sequential(l, 2, a, use_reentrant=R)
out.sum().backward()
r = out, a.grad, [p.grad for p in l.parameters()]

f = calls(lambda x: x.sin() * x)
out = C.checkpoint(f, a, use_reentrant=R)
out.sum().backward(retain_graph=True)
out.sum().backward()
r = a.grad

f = calls(lambda x: x.sin() * x)
out = C.checkpoint(f, a, use_reentrant=R)
r = torch.autograd.grad(out.sum(), a)

f = calls(lambda x: x.sin() * x)
out = C.checkpoint(f, a, use_reentrant=R)
out.sum().backward(inputs=[a])
r = a.grad

out = C.checkpoint(lambda x: x.sin(), torch.ones(2), use_reentrant=R)
r = out

out = C.checkpoint(lambda x, k: x * k, a, k=2, use_reentrant=R)
r = out

C.checkpoint(lambda x: x, a, use_reentrant=R, debug=3 if R else False, context_fn=lambda: (torch.no_grad(), torch.no_grad()))

C.checkpoint(lambda x: x, a, use_reentrant=R, determinism_check='foo')

C.checkpoint_sequential([torch.sin], 1, a, use_reentrant=R, foo=1)

out = C.checkpoint(lambda x: x.detach(), a, use_reentrant=R)
out.sum().backward()

state = [1]
def f(x):
    state[0] += 1
    return x.sin() if state[0] == 2 else x.sin().sin()
out = C.checkpoint(f, a, use_reentrant=R, **({} if R else {'early_stop': False}))
out.sum().backward()

state = [1]
def f(x):
    state[0] += 1
    return x.sin().sin() if state[0] == 2 else x.sin()
out = C.checkpoint(f, a, use_reentrant=R)
out.sum().backward()

state = [1]
def f(x):
    state[0] += 1
    return (x if state[0] == 2 else torch.cat([x, x])).sin().sum()
out = C.checkpoint(f, a, use_reentrant=R)
out.backward()

state = [1]
def f(x):
    state[0] += 1
    return (x if state[0] == 2 else torch.cat([x, x])).sin().sum() * 2
out = C.checkpoint(f, a, use_reentrant=R, determinism_check='none')
r = out

def f(x):
    y = x.sin()
    print('after')
    return y + 1
with C.set_checkpoint_early_stop(False): out = C.checkpoint(f, a, use_reentrant=R)
out.sum().backward()
out = C.checkpoint(f, a, use_reentrant=R)
out.sum().backward()
r = a.grad

r = C.detach_variable((a, 3))

C.detach_variable([a])
"""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_packed(operation: str) -> None:
    begin = f"with G.saved_tensors_hooks(pack, unpack): y = {operation}\n"
    end = "r = torch.autograd.grad(y.sum(), a, retain_graph=True, create_graph=True, allow_unused=True)"
    same(begin + "y.sum().backward(retain_graph=True)\n" + end, BEGIN)


@pytest.mark.parametrize("program", blocks(HOOKS))
def test_hooks(program: str) -> None:
    same(program, BEGIN)


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("program", blocks(CHECKPOINTS))
def test_checkpoints(program: str, reentrant: bool) -> None:
    same(program, BEGIN + f"R = {reentrant}\n")


def test_warnings_of_checkpoints() -> None:
    texts = []
    for lib, module in ((ours, lazytensor.torch.utils.checkpoint), (real, torch.utils.checkpoint)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module.checkpoint(lib.sin, lib.ones(1))
            module.checkpoint_sequential([lib.sin, lib.cos], 2, lib.ones(1))
        texts.append([str(w.message) for w in caught])
    assert texts[0] == texts[1]


def test_the_debug_option_is_refused() -> None:
    module = lazytensor.torch.utils.checkpoint
    with pytest.raises(NotImplementedError, match="debug"):
        module.checkpoint(ours.sin, ours.ones(1), use_reentrant=False, debug=True)
    with module.set_checkpoint_debug_enabled(True), pytest.raises(NotImplementedError):
        module.checkpoint(ours.sin, ours.ones(1), use_reentrant=False)
