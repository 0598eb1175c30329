"""`torch.autograd.gradcheck` against PyTorch: what passes, what fails, and in which words."""

# ruff: noqa: E501

import pytest

pytest.importorskip("torch")

from tests.torch.both import blocks, ours, outcome, real, same

BEGIN = """
check, check2 = torch.autograd.gradcheck, torch.autograd.gradgradcheck
f64 = torch.float64
x = torch.tensor([0.3, -1.2, 2.0], dtype=f64, requires_grad=True)
y = torch.tensor([[0.5, 0.4, 1.1], [0.1, -0.3, 0.9]], dtype=f64, requires_grad=True)
z = torch.tensor([1 + 2j, -0.5j, 0.3], dtype=torch.complex128, requires_grad=True)
class Bad(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x.sin()
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)
    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].cos() * 2
    @staticmethod
    def jvp(ctx, t):
        return t * ctx.saved_tensors[0].cos() * 3
class NoZero(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g * 2 + 1e-9
class Rand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g * 2 + torch.rand(3, dtype=f64) * 1e-7
class Undef(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2
    @staticmethod
    def backward(ctx, g):
        if g is None: raise RuntimeError('no gradient')
        return g * 2
class Undef2(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.set_materialize_grads(False)
        return x * 2, y * 3
    @staticmethod
    def backward(ctx, g, h):
        one = torch.ones(3, dtype=f64)
        return one if g is None else g * 2, one if h is None else h * 3
class Single(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g.float() * 2
class Conj(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2j
    @staticmethod
    def backward(ctx, g):
        return g * 2j
"""

PASS = """
r = check(torch.sin, x)

r = check(torch.sin, (x,), fast_mode=True)

r = check(lambda x, y: (x * y, x.sum(), 3 * torch.ones(2)), (x, y))

r = check(lambda x, y: (x * y, x.sum()), (x, y), fast_mode=True)

r = check(lambda x, y: (x * y, x.sum()), (x, y), check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True)

r = check(lambda x, y: y @ x, [x, y], check_forward_ad=True, check_backward_ad=False)

r = check(lambda z: z * z, z)

r = check(lambda z: z * z.conj() * 2j, z, check_forward_ad=True)

r = check(lambda z: z.abs(), z, check_forward_ad=True)

r = check(lambda z: z * z, z, fast_mode=True)

r = check(lambda z: (z.exp(), z.real), z, fast_mode=True, check_forward_ad=True)

r = check(lambda x: torch.complex(x, x * x), x, check_forward_ad=True)

r = check(lambda x: torch.complex(x, x * x), x, check_forward_ad=True, fast_mode=True)

r = check(lambda x: x.round().detach(), x)

r = check(lambda x: x.detach().round(), x, fast_mode=True)

r = check(lambda x, k: x * k, (x, 3))

r = check(torch.sin, x, eps=1e-4, atol=1e-3, rtol=1e-2, nondet_tol=1e-7, check_grad_dtypes=True, masked=True)

r = check(torch.sin, torch.ones(0, dtype=f64, requires_grad=True))

r = check(Rand.apply, x, nondet_tol=1e-5, check_undefined_grad=False, masked=True, atol=1e-3)

r = check(Bad.apply, x, raise_exception=False)

r = check(Undef.apply, x, check_undefined_grad=False)

r = check2(torch.sin, x)

r = check2(lambda x, y: (x * y).sin() * x, (x, y), fast_mode=True)

r = check2(lambda x, y: ((x * y).sin(), x ** 3), (x, y))

r = check2(torch.sin, x, torch.tensor([1., 2, 3], dtype=f64, requires_grad=True))

r = check2(torch.sin, x, gen_non_contig_grad_outputs=True)

r = check2(torch.exp, x, check_fwd_over_rev=True, check_batched_grad=True)

r = check2(torch.exp, x, check_fwd_over_rev=True, check_rev_over_rev=False, check_undefined_grad=False)

r = check2(lambda z: z ** 3, z)

r = check2(Bad.apply, x, raise_exception=False)
"""

FAIL = """
check(Bad.apply, x)

check(Bad.apply, x, check_backward_ad=False, check_forward_ad=True)

check(Conj.apply, z)

check(Rand.apply, x)

check(NoZero.apply, x)

check(Undef.apply, x)

check(Undef2.apply, (x, x.detach().requires_grad_()))

check(Single.apply, x, check_grad_dtypes=True)

check(lambda x: (x * 2).detach(), x)

check(lambda x: (x * 2).detach(), x, fast_mode=True)

check(torch.sin, x.detach())

check(torch.sin, x.sum().detach().requires_grad_().expand(3))

check(torch.sin, x, check_backward_ad=False)

check(torch.sin, x, check_backward_ad=False, check_forward_ad=True, check_batched_grad=True)

check(torch.sin, x, check_batched_forward_grad=True)

check(lambda x: x if x[0] > 0.3 else torch.cat([x, x]), x)

check2(torch.sin, x, check_rev_over_rev=False)

check2(torch.sin, x, check_rev_over_rev=False, check_fwd_over_rev=True)

check2(torch.sin, x, check_rev_over_rev=False, check_fwd_over_rev=True, check_undefined_grad=False, check_batched_grad=True)

check2(Bad.apply, x)
"""

FAIL_QUICKLY = """
check(Bad.apply, x, fast_mode=True)

check(Bad.apply, x, fast_mode=True, check_backward_ad=False, check_forward_ad=True)

check(Conj.apply, z, fast_mode=True)
"""


@pytest.mark.parametrize("program", blocks(PASS))
def test_what_passes(program: str) -> None:
    same(program, BEGIN)


@pytest.mark.parametrize("program", blocks(FAIL))
def test_what_fails(program: str) -> None:
    want, got = outcome(real, program, BEGIN), outcome(ours, program, BEGIN)
    assert got[:2] == want[:2]
    assert str(got[2]).partition("NOTE")[0] == str(want[2]).partition("NOTE")[0]


@pytest.mark.parametrize("program", blocks(FAIL_QUICKLY))
def test_what_fails_quickly(program: str) -> None:
    _, name, want = outcome(real, program, BEGIN)
    _, same_name, got = outcome(ours, program, BEGIN)
    assert (same_name, len(got.splitlines())) == (name, len(want.splitlines()))
    assert got.partition("mismatch")[0] == want.partition("mismatch")[0]


def test_inputs_of_single_precision_are_warned_of() -> None:
    for lib in (real, ours):
        x = lib.tensor([1.0], requires_grad=True)
        with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double"):
            lib.autograd.gradcheck(lib.mul, (x, 2.0), atol=1e-1, rtol=1e-1, eps=1e-2)


def test_the_module_may_be_called() -> None:
    import sys

    from lazytensor.torch.autograd.gradcheck import GradcheckError

    module = sys.modules["lazytensor.torch.autograd.gradcheck"]
    x = ours.ones(2, dtype=ours.float64, requires_grad=True)
    assert module(ours.sin, x)
    assert issubclass(GradcheckError, RuntimeError)
