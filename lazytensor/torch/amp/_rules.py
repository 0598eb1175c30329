"""Which operations run in which dtype under `torch.autocast`, as PyTorch documents it.

What enters: an operation's name, its arguments, a dtype. What leaves: the arguments, cast. It must
not know how anything is computed, nor when casting is asked for.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from .._dtypes import dtype, float32, float64
from .._record import to_dtype
from ..tensor import Tensor

__all__ = ["RULES", "clear_cache", "rule_of"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PRODUCTS = _names("""
    conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d prelu addmm
    matmul mm linear addbmm baddbmm bmm linalg_vecdot linalg_matmul scaled_dot_product_attention
    lstm gru rnn_tanh rnn_relu
""")
_LOSSES = _names("""
    cosine_embedding_loss cross_entropy_loss nll_loss nll_loss_nd hinge_embedding_loss kl_div
    l1_loss smooth_l1_loss huber_loss mse_loss margin_ranking_loss multilabel_margin_loss
    soft_margin_loss triplet_margin_loss multi_margin_loss binary_cross_entropy_with_logits
    poisson_nll_loss
""")
_MORE_PRODUCTS = _names("""
    addmv addr einsum mv chain_matmul linalg_multi_dot lstm_cell gru_cell rnn_tanh_cell
    rnn_relu_cell
""")
_EXPONENTIALS = _names("""
    acos arccos asin arcsin cosh erfinv exp expm1 log log10 log2 log1p reciprocal rsqrt sinh tan pow
    softplus layer_norm native_layer_norm group_norm rms_norm cosine_similarity dist pdist cdist
    renorm logsumexp pairwise_distance upsample_nearest1d upsample_nearest2d upsample_nearest3d
    _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d
    upsample_bilinear2d _upsample_bilinear2d_aa upsample_trilinear3d upsample_bicubic2d
    _upsample_bicubic2d_aa special_expm1 special_log1p special_erfinv special_logsumexp
""")
_FACTORS = _names("""
    avg_pool3d binary_cross_entropy grid_sampler grid_sampler_2d grid_sampler_3d polar prod quantile
    nanquantile stft cdist trace view_as_complex cholesky cholesky_inverse cholesky_solve inverse
    lu_solve orgqr ormqr pinverse max_pool3d max_unpool2d max_unpool3d adaptive_avg_pool3d
    adaptive_max_pool3d fractional_max_pool2d fractional_max_pool3d ctc_loss geqrf qr svd
    triangular_solve linalg_cond linalg_matrix_rank linalg_solve linalg_cholesky linalg_svdvals
    linalg_eigvals linalg_eigvalsh linalg_inv linalg_householder_product linalg_tensorinv
    linalg_tensorsolve linalg_qr linalg_cholesky_ex linalg_svd linalg_eig linalg_eigh linalg_lstsq
    linalg_inv_ex fft_fft fft_ifft fft_fft2 fft_ifft2 fft_fftn fft_ifftn fft_rfft fft_irfft
    fft_rfft2 fft_irfft2 fft_rfftn fft_irfftn fft_hfft fft_ihfft
""")

# In the lower precision: what matrices are multiplied by.
LOWER = {"cuda": _PRODUCTS | _MORE_PRODUCTS, "cpu": _PRODUCTS}
# In float32: what loses too much in the lower precision.
SINGLE = {"cuda": _LOSSES | _EXPONENTIALS, "cpu": _LOSSES | _FACTORS}
# In float32 unless the call says a dtype.
SUMMED = {
    "cuda": _names(
        "prod softmax log_softmax cumprod cumsum sum norm linalg_norm linalg_vector_norm "
        "linalg_matrix_norm"
    ),
    "cpu": frozenset[str](),
}
# In the widest dtype of their arguments.
WIDEST = {
    "cuda": _names(
        "addcdiv addcmul atan2 arctan2 bilinear cross linalg_cross dot vdot grid_sampler index_put "
        "tensordot scatter_add"
    ),
    "cpu": _names("stack cat concat concatenate index_copy"),
}
_UNSAFE = (
    "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast.\n"
    "Many models use a sigmoid layer right before the binary cross entropy layer.\n"
    "In this case, combine the two layers using "
    "torch.nn.functional.binary_cross_entropy_with_logits\n"
    "or torch.nn.BCEWithLogitsLoss.  binary_cross_entropy_with_logits and BCEWithLogits are\n"
    "safe to autocast."
)


def _each(x: Any, f: Callable[[Tensor], Tensor]) -> Any:
    """What a function makes of each tensor among arguments."""
    if isinstance(x, Tensor):
        return f(x)
    if type(x) in (list, tuple):
        return type(x)([_each(y, f) for y in x])
    return x


def tensors(x: Any) -> list[Tensor]:
    """The tensors among arguments."""
    if isinstance(x, Tensor):
        return [x]
    if type(x) in (list, tuple):
        return [t for y in x for t in tensors(y)]
    return []


def eligible(x: Tensor, kind: str) -> bool:
    """Whether a tensor is cast: it has floating-point numbers, not double ones, on the device."""
    return x.dtype.is_floating_point and x.dtype is not float64 and x.device.type == kind


_CACHE: dict[int, tuple[Tensor, dtype, Tensor]] = {}


def clear_cache() -> None:
    """Forget the parameters that were cast."""
    _CACHE.clear()


def _lowered(x: Tensor, to: dtype, keep: bool) -> Tensor:
    """A tensor in the lower precision; parameters are cast once within a context."""
    if not (keep and x.dtype is float32 and x.requires_grad and x.is_leaf and x._base is None):
        return to_dtype(x, to)
    found = _CACHE.get(id(x))
    if found is None or found[0] is not x or found[1] is not to:
        found = _CACHE[id(x)] = x, to, to_dtype(x, to)
    return found[2]


def _to(args: Any, kind: str, to: dtype, keep: bool = False) -> Any:
    cast = lambda x: _lowered(x, to, keep) if eligible(x, kind) else x  # noqa: E731
    return _each(args, cast)


def _lower(args: Any, kwargs: Any, kind: str, to: dtype, keep: bool) -> Any:
    return _to(args, kind, to, keep), {k: _to(x, kind, to, keep) for k, x in kwargs.items()}


def _single(args: Any, kwargs: Any, kind: str, to: dtype, keep: bool) -> Any:
    return _to(args, kind, float32), {k: _to(x, kind, float32) for k, x in kwargs.items()}


def _summed(args: Any, kwargs: Any, kind: str, to: dtype, keep: bool) -> Any:
    if kwargs.get("dtype") is not None or any(isinstance(x, dtype) for x in args):
        return args, kwargs
    return _single(args, kwargs, kind, to, keep)


def _widest(args: Any, kwargs: Any, kind: str, to: dtype, keep: bool) -> Any:
    found = [x for x in tensors([*args, *kwargs.values()]) if eligible(x, kind)]
    if any(x.dtype is float32 for x in found):
        return _single(args, kwargs, kind, to, keep)
    return args, kwargs


def _refused(args: Any, kwargs: Any, kind: str, to: dtype, keep: bool) -> NoReturn:
    raise RuntimeError(_UNSAFE)


RULES: dict[str, dict[str, Any]] = {
    kind: {
        **dict.fromkeys(LOWER[kind], _lower),
        **dict.fromkeys(SINGLE[kind], _single),
        **dict.fromkeys(SUMMED[kind], _summed),
        **dict.fromkeys(WIDEST[kind], _widest),
    }
    for kind in ("cuda", "cpu")
}
RULES["cuda"]["binary_cross_entropy"] = _refused


def rule_of(name: str, kind: str) -> Any:
    """What is done with the arguments of an operation; None for nothing."""
    return RULES[kind].get(name)
