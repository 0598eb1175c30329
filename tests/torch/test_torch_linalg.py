"""`torch.linalg`, the functions of matrices that PyTorch has beside it, against PyTorch."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import lazytensor.torch as ours
from tests.torch.results import same_derivatives, same_results

CALLS = (Path(__file__).parent / "data" / "linalg_calls.txt").read_text().splitlines()


def operands(T: Any) -> dict[str, Any]:
    """Matrices: `A` symmetric, `S` and `Z` singular, `N` indefinite, `W` wide, `B` a batch, `BS` a
    batch with singular ones, `I` of integers, `E0` and `E1` empty; a `g` behind: with gradients.
    """
    A = T.tensor([[4.0, 1, 2], [1, 5, 3], [2, 3, 6]])
    S, Z = T.tensor([[1.0, 2], [2, 4]]), T.zeros(2, 2)
    W = T.arange(6.0).reshape(2, 3) + T.eye(2, 3)
    B = T.stack([A, A + T.eye(3)])
    v, V = T.arange(3.0), T.ones(3, 2)
    given = {
        "T": T, "L": T.linalg, "A": A, "Ac": A.to(T.complex64), "S": S, "W": W, "B": B, "v": v,
        "V": V, "Z": Z, "BS": T.stack([T.eye(2), S, Z]), "I": T.arange(9).reshape(3, 3),
        "N": T.tensor([[1.0, 2], [2, 1]]), "E0": T.ones(0, 0), "E1": T.ones(2, 0, 3),
        "e": T.ones(0, 3), "z": T.tensor(2.0), "inf": float("inf"),
    }  # fmt: skip
    for name in ("A", "Ac", "S", "W", "B", "v", "V"):
        given[name + "g"] = given[name].clone().requires_grad_()
    return given


# What NumPy's LAPACK finds, and others don't.
FOUND_NAN = {"L.eigh(T.full((2,2),float('nan')))", "L.eigvalsh(T.full((2,2),float('inf')))"}
OF_LAPACK = pytest.mark.cpu("eigenvalues of what isn't finite are NaN there; else none are found")


@pytest.mark.parametrize(
    "call", [pytest.param(c, marks=OF_LAPACK) if c in FOUND_NAN else c for c in CALLS]
)
def test_calls(call: str) -> None:
    same_results(call, operands, 3e-5)


# Vectors whose signs LAPACK's versions choose differently: what doesn't depend on them is compared.
FREE = """
L.eigh(Ag,UPLO='U')
L.eigh(Acg)
L.eig(Ag)
L.eig(B)
L.svd(Wg)
L.svd(Wg,full_matrices=False)
T.svd(Wg)
T.svd(Wg,some=False)
"""


@pytest.mark.parametrize("call", FREE.split())
def test_vectors(call: str) -> None:
    same_results(call, operands, float("inf"))
    whole = {"L.eigh": "(lambda w, v: v * w @ v.mH)", "L.eig": "(lambda w, v: v * w @ v.mH)",
             "L.svd": "(lambda u, s, v: (u[..., :2] * s) @ v[..., :2, :])",
             "T.svd": "(lambda u, s, v: (u[..., :2] * s) @ v[..., :2].mH)"}  # fmt: skip
    same_results(f"{whole[call.partition('(')[0]]}(*{call}).detach()", operands)


def test_linalg_error_is_pytorch_s() -> None:
    kind, theirs = ours._C._LinAlgError, torch._C._LinAlgError
    assert kind is ours.linalg.LinAlgError
    assert [c.__name__ for c in kind.__mro__] == [c.__name__ for c in theirs.__mro__]
    assert kind.__module__ == theirs.__module__
    with pytest.raises(kind, match="leading minor of order 1"):
        ours.linalg.cholesky(-ours.eye(2))


def test_every_name_is_there() -> None:
    public = [n for n in dir(torch.linalg) if not n.startswith(("_", "common"))]
    assert set(public) - {"torch", "Tensor"} <= set(dir(ours.linalg))


# --- derivatives ----------------------------------------------------------------------------------


def leaves(T: Any) -> dict[str, Any]:
    """Leaves: `x` and `y` square, `p` to be made positive definite, `w` wide, `b` a batch, `c`
    complex, `k` complex and wide, `v` a vector, `r` right-hand sides; all of full rank.
    """
    rng = np.random.default_rng(5)

    def made(*shape: int, complex_: bool = False, shift: float = 0.0) -> Any:
        found = rng.uniform(-1, 1, shape)
        if complex_:
            found = found + 1j * rng.uniform(-1, 1, shape)
        if shift:
            found = found + shift * np.eye(shape[-2], shape[-1])
        return T.tensor(found.tolist(), dtype=T.complex128 if complex_ else T.float64)

    given = {
        "x": made(3, 3, shift=2.0), "y": made(3, 3), "w": made(2, 4), "b": made(2, 3, 3, shift=2.0),
        "c": made(3, 3, complex_=True, shift=2.0), "k": made(2, 3, complex_=True), "v": made(3),
        "r": made(3, 2), "u": made(3, 2, complex_=True),
    }  # fmt: skip
    for t in given.values():
        t.requires_grad_()
    return {"T": T, "L": T.linalg, "inf": float("inf"), **given}


DERIVATIVES = """
L.cholesky(x@x.mT)
L.cholesky(c@c.mH)
L.cholesky(b@b.mT,upper=True)
L.cholesky_ex(c@c.mH,upper=True)[0]
T.cholesky_inverse(x.tril())
T.cholesky_inverse(L.cholesky(c@c.mH,upper=True),upper=True)
T.cholesky_solve(r,x.tril())
T.cholesky_solve(u,L.cholesky(c@c.mH,upper=True),upper=True)
L.inv(x)
L.inv(c)
L.inv_ex(b)[0]
L.solve(x,r)
L.solve(c,u)
L.solve(b,v)
L.solve(x,r.mT,left=False)
L.solve_ex(b,r)[0]
L.solve_triangular(x,r,upper=True)
L.solve_triangular(c,u,upper=False)
L.solve_triangular(b,r.mT,upper=True,left=False)
L.solve_triangular(x,r,upper=False,unitriangular=True)
T.triangular_solve(r,x,transpose=True)[0]
L.tensorinv(b[0]@y,ind=1)
L.tensorsolve(x,v)
L.lu_factor(x)[0]
L.lu_factor(w)[0]
L.lu_factor(w.mT)[0]
L.lu_factor(c)[0]
L.lu(b)[1]
L.lu(k)[2]
L.lu(k.mT)[1]
L.lu_solve(*L.lu_factor(x),r)
L.lu_solve(*L.lu_factor(c),u,adjoint=True)
L.lu_solve(*L.lu_factor(x),r.mT,left=False)
T.lu_unpack(*L.lu_factor(c))[1]
L.qr(x)[0]
L.qr(w)[1]
L.qr(w.mT)[0]
L.qr(c)[1]
L.qr(k)[0]
L.qr(w,mode='complete')[1]
L.householder_product(x,v)
L.householder_product(c,u[:,0])
T.ormqr(x,v,r)
T.ormqr(c,u[:,1],u.mH,left=False,transpose=True)
L.eigvalsh(x+x.mT)
L.eigh(c+c.mH)[0]
L.eigh(c+c.mH)[1].abs()
L.eigvals(x)
L.eig(c)[0]
L.eig(c)[1].abs()
L.svdvals(w)
L.svd(k,full_matrices=False)[1]
L.svd(k,full_matrices=False)[0].abs()
T.svd(b)[1]
L.det(x)
L.det(c)
T.det(y*0+v)
L.slogdet(b)[1]
L.slogdet(c)[0]
T.logdet(x@x.mT)
T.logdet(c)
L.matrix_exp(x)
L.matrix_exp(c)
L.matrix_exp(b*3)
L.matrix_power(x,3)
L.matrix_power(c,-2)
L.matrix_norm(w)
L.matrix_norm(w,'nuc')
L.matrix_norm(k,2)
L.matrix_norm(b,-2)
L.matrix_norm(k,1)
L.matrix_norm(w,-inf)
L.norm(x,'nuc')
L.norm(v,-2)
L.norm(v,0.5)
L.cond(x)
L.cond(x,'nuc')
L.pinv(w)
L.pinv(k)
L.pinv(c+c.mH,hermitian=True)
L.pinv(x@r@r.mT)
T.pinverse(b)
L.lstsq(w.mT,T.cat([r,v.unsqueeze(1)],1).mT[:2].mT.new_ones(4,2)*r.sum())[0]
L.lstsq(x,r)[0]
L.lstsq(r,x,driver='gelsd')[0]
L.lstsq(r,x,driver='gels')[1]
L.cross(x,y)
L.diagonal(b)**2
L.multi_dot([w.mT,w,w.mT])
L.vander(v,N=3)**2
L.vecdot(k,k*2)
T.gradient(x**2,spacing=0.5)[1]
T.gradient(x**2,spacing=[v.abs().cumsum(0)],dim=[0],edge_order=2)[0]
"""


@pytest.mark.parametrize("call", DERIVATIVES.split("\n")[1:-1])
def test_derivatives(call: str) -> None:
    same_derivatives(call, leaves, 1e-7)


SAVED = """
L.inv(a)
L.cholesky(a)
L.solve(a,b)
L.solve_triangular(a,b,upper=True)
L.lu_factor(a)[0]
L.lu_solve(a,T.tensor([1,2,3],dtype=T.int32),b)
L.qr(a)[1]
L.eigvalsh(a)
L.svd(a)[2]
L.det(a)
L.matrix_exp(a)
L.pinv(a)
L.householder_product(a,b[:,0])
T.cholesky_solve(b,a)
T.triangular_solve(b,a)[0]
L.lstsq(a,b)[0]
T.fft.fft(a).real
T.lu_unpack(a,T.tensor([1,2,3],dtype=T.int32))[1]
"""


def refuses(call: str, written: str, T: Any) -> bool:
    """Whether `backward` refuses after a write to an operand or to the result."""
    leaf = (T.ones(3, 3) + T.eye(3)).requires_grad_()
    a, b = leaf * 1, leaf[:, :2] * 1
    out = eval(call, {"T": T, "L": T.linalg, "a": a, "b": b})
    with T.no_grad():
        {"a": a, "b": b, "out": out}[written].mul_(1)
    try:
        out.sum().backward()
    except RuntimeError as error:
        return "modified by an inplace operation" in str(error)
    return False


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", SAVED.split())
def test_writes_to_what_derivatives_read_are_refused(call: str) -> None:
    for written in ("a", "b", "out"):
        assert refuses(call, written, ours) == refuses(call, written, torch), written


REFUSED = """
L.ldl_factor(x)[0]
L.ldl_solve(*L.ldl_factor(x.detach()),r)
T.geqrf(x)[0]
L.qr(x,mode='r')[1]
L.qr(r,mode='complete')[0]
"""


@pytest.mark.parametrize("call", REFUSED.split())
def test_gradients_that_are_refused(call: str) -> None:
    same_results(f"{call}.sum().backward()", leaves)


# --- shapes, dtypes -------------------------------------------------------------------------------

SHAPED = "inv det cholesky eigvalsh svdvals qr lu_factor matrix_exp slogdet pinv matrix_norm"


@pytest.mark.parametrize("name", [*SHAPED.split(), "matrix_rank"])
def test_shapes_and_dtypes(name: str) -> None:
    sizes = ((), (2,), (0,), (2, 1, 3))
    for lead, n, dtype in itertools.product(sizes, (0, 1, 4), ("float32", "float64", "complex128")):
        shape = (*lead, n, n)

        def given(T: Any, shape: Any = shape, dtype: str = dtype) -> dict[str, Any]:
            size = int(np.prod(shape))
            found = np.sin(np.arange(size) * 0.7).reshape(shape)
            x = T.tensor(found.tolist(), dtype=getattr(T, dtype)).reshape(shape)
            return {"T": T, "x": x @ x.mH + T.eye(shape[-1], dtype=x.dtype) if size else x}

        same_results(f"T.linalg.{name}(x)", given)


def test_many_columns_are_eliminated_in_blocks() -> None:
    x = np.random.default_rng(0).standard_normal((2, 100, 70))
    packed, pivots = ours.linalg.lu_factor(ours.tensor(x))
    want, rows = torch.linalg.lu_factor(torch.tensor(x))
    np.testing.assert_allclose(packed.numpy(force=True), want.numpy(), 1e-9, 1e-9)
    assert pivots.tolist() == rows.tolist()
    low, r = x[:, :70], np.ones((2, 70, 3))
    for upper in (False, True):
        found = ours.linalg.solve_triangular(ours.tensor(low), ours.tensor(r), upper=upper)
        kept = np.triu(low) if upper else np.tril(low)
        scale = np.abs(found.numpy(force=True)).max()
        np.testing.assert_allclose(kept @ found.numpy(force=True), r, atol=1e-12 * scale)


def test_ldl_of_indefinite_matrices() -> None:
    rng = np.random.default_rng(1)
    for n, complex_, hermitian in itertools.product((1, 5, 9), (False, True), (False, True)):
        x = rng.standard_normal((4, n, n)) + 1j * complex_ * rng.standard_normal((4, n, n))
        x = x if complex_ else x.real
        turned = x.swapaxes(-1, -2)
        x = x + (turned.conj() if hermitian else turned)
        x[0] -= np.diag(np.diag(x[0])) if n > 1 else 0
        packed, pivots = ours.linalg.ldl_factor(ours.tensor(x), hermitian=hermitian)
        want, rows = torch.linalg.ldl_factor(torch.tensor(x), hermitian=hermitian)
        np.testing.assert_allclose(packed.numpy(force=True), want.numpy(), 1e-8, 1e-9)
        assert pivots.tolist() == rows.tolist()
        b = ours.tensor(rng.standard_normal((4, n, 2)).astype(x.dtype))
        y = ours.linalg.ldl_solve(packed, pivots, b, hermitian=hermitian)
        np.testing.assert_allclose(x @ y.numpy(force=True), b.numpy(force=True), 1e-8, 1e-8)


def eigenpairs(T: Any, given: Any, grad: bool, **options: Any) -> list[Any]:
    """Eigenvalues and projections on the vectors that `lobpcg` finds, and gradients of both."""
    T.manual_seed(0)
    tensors = {
        k: T.tensor(v, requires_grad=grad and k != "X") if isinstance(v, np.ndarray) else v
        for k, v in {**given, **options}.items()
    }
    e, x = T.lobpcg(**tensors)
    seen = [e, x @ x.mT]
    found = [t.detach() for t in seen]
    if grad:
        loss = (seen[0] * T.arange(1.0, 3.0)).sum() + (seen[1] ** 2 * seen[1].detach().cos()).sum()
        loss.backward()
        found += [tensors[k].grad for k in "AB" if k in tensors]
    return [np.asarray(t.numpy(force=True)) for t in found]


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("largest", [False, True])
def test_lobpcg(grad: bool, largest: bool) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((12, 12))
    a = x @ x.T + np.diag(np.arange(12.0))
    b = np.diag(np.arange(1.0, 13.0)) + 0.1
    cases = [{"A": a}, {"A": a, "X": rng.standard_normal((12, 2))}, {"A": a, "B": b}]
    for given in cases[: 2 if grad else 3]:  # PyTorch has no gradient with B
        options = {"k": 2, "largest": largest, "tol": 1e-10}
        got, want = (eigenpairs(T, given, grad, **options) for T in (ours, torch))
        for mine, theirs in zip(got, want, strict=True):
            np.testing.assert_allclose(mine, theirs, 1e-5, 1e-6 * np.abs(theirs).max())


def test_lobpcg_refuses_what_it_has_not() -> None:
    with pytest.raises(NotImplementedError, match="tracker"):
        ours.lobpcg(ours.eye(9), tracker=print)
    with pytest.raises(NotImplementedError, match="ortho_iparams"):
        ours.lobpcg(ours.eye(9), ortho_iparams={"ortho_i_max": 2})


def test_low_rank_matrices_are_found() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((8, 2)) @ rng.standard_normal((2, 6))
    for lib in (torch, ours):
        lib.manual_seed(0)
        u, s, v = lib.svd_lowrank(lib.tensor(x), q=3)
        np.testing.assert_allclose(((u * s) @ v.mT).numpy(force=True), x, atol=1e-9)
        _, s, _ = lib.pca_lowrank(lib.tensor(x), q=2)
        centred = np.linalg.svd(x - x.mean(0), compute_uv=False)
        np.testing.assert_allclose(s.numpy(force=True), centred[:2], rtol=1e-9)
