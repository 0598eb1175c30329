"""`torch.autograd.forward_ad` against PyTorch."""

# ruff: noqa: E501

import pytest

pytest.importorskip("torch")

from tests.torch.both import blocks, same

BEGIN = """
import torch.autograd.forward_ad as fw
""".replace("import torch.autograd.forward_ad as fw", "fw = torch.autograd.forward_ad") + """
f64 = torch.float64
x = torch.tensor([0.3, -1.2, 2.0], dtype=f64)
v = torch.tensor([1.0, -2.0, 0.5], dtype=f64)
w = torch.tensor([0.5, -0.4, 1.1], dtype=f64, requires_grad=True)
z = torch.tensor([1 + 2j, -0.5j, 0.3], dtype=torch.complex128)
"""

VALUES = """
with fw.dual_level():
    d = fw.make_dual(x, v)
    r = fw.unpack_dual(d.sin() * d)

with fw.dual_level():
    d = fw.make_dual(x, v)
    r = fw.unpack_dual(d), fw.unpack_dual(x), fw.unpack_dual(x * 2)

with fw.dual_level():
    d = fw.make_dual(x, v)
    r = fw.unpack_dual(d.detach()), fw.unpack_dual((d * 2).detach() * d)

with fw.dual_level():
    d = fw.make_dual(x, v)
    with torch.no_grad():
        r = fw.unpack_dual(d * d)

with fw.dual_level() as level:
    d = fw.make_dual(x, v, level=level)
    r = level, fw.unpack_dual(d, level=level).tangent, str(fw.unpack_dual(d)._fields)

a = x.clone()
with fw.dual_level():
    d = fw.make_dual(a, v)
    d.mul_(2)
    r = fw.unpack_dual(d), a.clone(), fw.unpack_dual(d).primal
r = r, a

with fw.dual_level():
    d = fw.make_dual(x.clone(), v)
    d[0] = d[1] * d[2]
    e = d.view(3, 1) @ d.view(1, 3)
    r = fw.unpack_dual(e), fw.unpack_dual(d[1:]), fw.unpack_dual(torch.cat([d, x]))

with fw.dual_level():
    d = fw.make_dual(w, v)
    p, t = fw.unpack_dual(d * d)
    r = p, t, torch.autograd.grad(t.sum(), w), torch.autograd.grad(p.sum(), w)

with fw.dual_level():
    d = fw.make_dual(x, w)
    p, t = fw.unpack_dual(d.exp() * w)
    r = p, t, torch.autograd.grad(t.sum(), w)

with fw.dual_level():
    d = fw.make_dual(w, v)
    g, = torch.autograd.grad((d ** 3).sum(), d, create_graph=True)
    r = fw.unpack_dual(g)

with fw.dual_level():
    d = fw.make_dual(z, z * 2)
    r = fw.unpack_dual(d * d), fw.unpack_dual(d.abs()), fw.unpack_dual(d.conj())

@fw.dual_level()
def f(x):
    return fw.unpack_dual(fw.make_dual(x, v) ** 2)
r = f(x)

level = fw.enter_dual_level()
d = fw.make_dual(x, v) * 3
r = fw.unpack_dual(d)
fw.exit_dual_level()
r = r, fw.unpack_dual(d), level

class F(torch.autograd.Function):
    @staticmethod
    def forward(x, y):
        return x * y
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_forward(*inputs)
    @staticmethod
    def jvp(ctx, a, b):
        x, y = ctx.saved_tensors
        return a * y * 10 + x * b
with fw.dual_level():
    d = fw.make_dual(x, v)
    r = fw.unpack_dual(F.apply(d, x)), fw.unpack_dual(F.apply(x, d) * d), fw.unpack_dual(F.apply(x, x))

r = fw.unpack_dual(x)
"""

ERRORS = """
fw.make_dual(x, v)

with fw.dual_level():
    fw.make_dual(torch.arange(3), v)

with fw.dual_level():
    fw.make_dual(x, torch.arange(3))

with fw.dual_level():
    fw.make_dual(x, v[:2])

with fw.dual_level():
    with fw.dual_level():
        pass

fw.exit_dual_level()

with fw.dual_level():
    fw.exit_dual_level(level=3)

class F(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
with fw.dual_level():
    F.apply(fw.make_dual(x, v))
"""


@pytest.mark.parametrize("program", blocks(VALUES))
def test_values(program: str) -> None:
    same(program, BEGIN)


@pytest.mark.parametrize("program", blocks(ERRORS))
def test_errors(program: str) -> None:
    same(program, BEGIN)
