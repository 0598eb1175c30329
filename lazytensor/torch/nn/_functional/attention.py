"""Attention as functions.

What enters: queries, keys, values, masks and projection weights. What leaves: attended values, and
the weights where asked for. It must not know modules.
"""

import math
import warnings
from typing import Any

from ... import _api as torch
from ...tensor import Tensor
from .activation import softmax
from .dropout import dropout
from .linear import linear
from .resample import pad


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(Q Kᵀ scale + mask) V over the last two dimensions (..., length, features)."""
    return torch._nn.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=attn_mask,
        dropout_p=dropout_p,
        is_causal=is_causal,
        scale=scale,
        enable_gqa=enable_gqa,
    )


def _none_or_dtype(input: Any) -> Any:
    """The dtype of a tensor, None for None."""
    if input is None or isinstance(input, Tensor):
        return None if input is None else input.dtype
    raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")


def _canonical_mask(
    mask: Any,
    mask_name: str,
    other_type: Any,
    other_name: str,
    target_type: Any,
    check_other: bool = True,
) -> Any:
    """A mask to be added: -inf where a boolean one is true; AssertionError for integer ones."""
    if mask is None:
        return None
    floating = torch.is_floating_point(mask)
    if mask.dtype != torch.bool and not floating:
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type "
            "for both instead.",
            stacklevel=3,
        )
    if floating:
        return mask
    return torch.zeros_like(mask, dtype=target_type).masked_fill_(mask, float("-inf"))


def _check_ranks(query: Any, key: Any, value: Any, padding: Any, mask: Any, num_heads: int) -> bool:
    """Whether the inputs are batched; AssertionError where their ranks do not fit."""
    rank = query.dim()
    if rank not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {rank}-D query tensor"
        )
    kind = f"For {'batched (3-D)' if rank == 3 else 'unbatched (2-D)'} `query`, expected"
    if key.dim() != rank or value.dim() != rank:
        raise AssertionError(
            f"{kind} `key` and `value` to be {rank}-D but found {key.dim()}-D and {value.dim()}-D "
            "tensors respectively"
        )
    if padding is not None and padding.dim() != rank - 1:
        raise AssertionError(
            f"{kind} `key_padding_mask` to be `None` or {rank - 1}-D but found {padding.dim()}-D "
            "tensor instead"
        )
    if mask is not None and mask.dim() not in (2, 3):
        raise AssertionError(
            f"{kind} `attn_mask` to be `None`, 2-D or 3-D but found {mask.dim()}-D tensor instead"
        )
    if rank == 2 and mask is not None and mask.dim() == 3:
        shape = (num_heads, query.shape[0], key.shape[0])
        if mask.shape != shape:
            raise AssertionError(f"Expected `attn_mask` shape to be {shape} but got {mask.shape}")
    return bool(rank == 3)


def _packed(q: Any, k: Any, v: Any, w: Any, b: Any) -> tuple[Any, Any, Any]:
    """Projections by one weight of three parts; what is the same tensor is projected together."""
    size = q.size(-1)
    if q is k and k is v:
        parts = _split(linear(q, w, b), 3, size)
        return parts[0], parts[1], parts[2]
    if k is v:
        w_q, w_kv = w.split([size, size * 2])
        b_q, b_kv = (None, None) if b is None else b.split([size, size * 2])
        both = _split(linear(k, w_kv, b_kv), 2, size)
        return linear(q, w_q, b_q), both[0], both[1]
    w_q, w_k, w_v = w.chunk(3)
    b_q, b_k, b_v = (None, None, None) if b is None else b.chunk(3)
    return linear(q, w_q, b_q), linear(k, w_k, b_k), linear(v, w_v, b_v)


def _split(projected: Any, parts: int, size: int) -> list[Any]:
    """The parts of the last dimension, in memory of their own."""
    apart = projected.unflatten(-1, (parts, size)).unsqueeze(0).transpose(0, -2)
    apart = apart.squeeze(-2).contiguous()
    return [apart[i] for i in range(parts)]


def _separate(q: Any, k: Any, v: Any, weights: Any, b: Any) -> tuple[Any, Any, Any]:
    """Projections by a weight for each."""
    size = q.size(-1)
    names = ("query", "key", "value")
    for name, x, w in zip(names, (q, k, v), weights):
        if w is None:
            raise AssertionError(
                f"use_separate_proj_weight is True but {name[0]}_proj_weight is None"
            )
        shape = (size, x.size(-1))
        if w.shape != shape:
            raise AssertionError(f"expecting {name} weights shape of {shape}, but got {w.shape}")
    biases = (None, None, None) if b is None else b.chunk(3)
    projected = [linear(x, w, c) for x, w, c in zip((q, k, v), weights, biases)]
    return projected[0], projected[1], projected[2]


def _shaped_mask(mask: Any, heads: int, tgt_len: int, src_len: int) -> Any:
    """A mask of three dimensions; RuntimeError for a shape that does not fit."""
    if mask is None:
        return None
    shapes = {2: (tgt_len, src_len), 3: (heads, tgt_len, src_len)}
    rank = mask.dim()
    if rank not in shapes:
        raise RuntimeError(f"attn_mask's dimension {rank} is not supported")
    if mask.shape != shapes[rank]:
        raise RuntimeError(
            f"The shape of the {rank}D attn_mask is {mask.shape}, but should be {shapes[rank]}."
        )
    return mask.unsqueeze(0) if rank == 2 else mask


def _wider(mask: Any) -> Any:
    """A mask with one more source position, which is seen."""
    return None if mask is None else pad(mask, (0, 1))


def _with_bias(k: Any, v: Any, bias_k: Any, bias_v: Any, batch: int) -> tuple[Any, Any]:
    """Keys and values with a learned one more."""
    more = [torch.cat([x, b.repeat(1, batch, 1)]) for x, b in ((k, bias_k), (v, bias_v))]
    return more[0], more[1]


def _with_zero(x: Any) -> Any:
    """Keys or values by heads with one of zeros more."""
    zeros = torch.zeros((x.shape[0], 1, x.shape[2]), dtype=x.dtype, device=x.device)
    return torch.cat([x, zeros], dim=1)


def _merged(mask: Any, padding: Any, batch: int, num_heads: int, src_len: int) -> Any:
    """The mask with that of padded keys added."""
    if padding is None:
        return mask
    for i, size in enumerate((batch, src_len)):
        if padding.shape[i] != size:
            raise AssertionError(
                f"Expected key_padded_mask.shape[{i}] to be {size}, but got {padding.shape[i]}"
            )
    wide = padding.view(batch, 1, 1, src_len).expand(-1, num_heads, -1, -1)
    wide = wide.reshape(batch * num_heads, 1, src_len)
    return wide if mask is None else mask + wide


def _weighed(
    q: Any, k: Any, v: Any, mask: Any, dropout_p: float, is_causal: bool
) -> tuple[Any, Any]:
    """Attended values and weights by heads (batch * heads, length, features)."""
    q = q * math.sqrt(1.0 / float(q.shape[-1]))
    if is_causal and mask is None:
        raise AssertionError("FIXME: is_causal not implemented for need_weights")
    keys = k.transpose(-2, -1)
    scores = torch.bmm(q, keys) if mask is None else torch.baddbmm(mask, q, keys)
    weights = softmax(scores, dim=-1)
    if dropout_p > 0.0:
        weights = dropout(weights, p=dropout_p)
    return torch.bmm(weights, v), weights


def _fused(q: Any, k: Any, v: Any, mask: Any, p: float, is_causal: bool, batch: int) -> Any:
    """Attended values (length, batch, features) without the weights."""
    heads, src_len = q.shape[0] // batch, k.size(1)
    if mask is not None:
        single = mask.size(0) == 1 and mask.dim() == 3
        mask = mask.unsqueeze(0) if single else mask.view(batch, heads, -1, src_len)
    q, k, v = (x.view(batch, heads, x.shape[1], x.shape[2]) for x in (q, k, v))
    return scaled_dot_product_attention(q, k, v, mask, p, is_causal).permute(2, 0, 1, 3)


def _by_heads(x: Any, heads: int, head_dim: int) -> Any:
    return x.view(x.shape[0], heads, head_dim).transpose(0, 1)


def _static(x: Any, given: Any, heads: int, head_dim: int, name: str) -> Any:
    """Keys or values by heads, or those given, whose shape must fit."""
    if given is None:
        return _by_heads(x, heads, head_dim)
    for dim, size in ((0, heads), (2, head_dim)):
        if given.size(dim) != size:
            raise AssertionError(
                f"expecting static_{name}.size({dim}) of {size}, but got {given.size(dim)}"
            )
    return given


def _check_sizes(
    query: Any, key: Any, value: Any, embed_dim: int, num_heads: int, separate: bool
) -> int:
    """The features of a head; AssertionError where sizes do not fit."""
    size = query.shape[-1]
    if size != embed_dim:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim}, but got {size}")
    if size % num_heads:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {num_heads}")
    if separate and key.shape[:2] != value.shape[:2]:
        raise AssertionError(
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
        )
    if not separate and key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
    return int(size // num_heads)


def multi_head_attention_forward(
    query: Any, key: Any, value: Any, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Any, in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: bool,
    dropout_p: float, out_proj_weight: Any, out_proj_bias: Any, training: bool = True,
    key_padding_mask: Any = None, need_weights: bool = True, attn_mask: Any = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Any = None, k_proj_weight: Any = None,
    v_proj_weight: Any = None, static_k: Any = None, static_v: Any = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """Attention by several heads between projections (Vaswani et al. 2017).

    Inputs are (length, batch, features), or without the batch. Returns the attended values, and
    the weights (batch, target, source), averaged over heads or not, or None.
    """
    batched = _check_ranks(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = _unsqueezed(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    (tgt_len, batch, _), src_len = query.shape, key.shape[0]
    kind = _none_or_dtype(attn_mask)
    padding = _canonical_mask(key_padding_mask, "key_padding_mask", kind, "attn_mask", query.dtype)
    if is_causal and attn_mask is None:
        raise RuntimeError(_NEED_MASK)
    if is_causal and padding is None and not need_weights:
        mask = None
    else:
        mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)
        is_causal = is_causal and padding is None
    size = (embed_dim_to_check, num_heads, use_separate_proj_weight)
    head_dim, heads = _check_sizes(query, key, value, *size), batch * num_heads
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = _separate(query, key, value, weights, in_proj_bias)
    else:
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _packed(query, key, value, in_proj_weight, in_proj_bias)
    mask = _shaped_mask(mask, heads, tgt_len, src_len)
    if bias_k is not None and bias_v is not None:
        k, v = _with_bias(k, v, bias_k, bias_v, batch)
        mask, padding = _wider(mask), _wider(padding)
    q = _by_heads(q, heads, head_dim)
    k, v = _static(k, static_k, heads, head_dim, "k"), _static(v, static_v, heads, head_dim, "v")
    if add_zero_attn:
        k, v, mask, padding = _with_zero(k), _with_zero(v), _wider(mask), _wider(padding)
    mask = _merged(mask, padding, batch, num_heads, k.size(1))
    rate = dropout_p if training else 0.0
    if need_weights:
        out, attended = _weighed(q, k, v, mask, rate, is_causal)
        out = out.transpose(0, 1)
        attended = attended.view(batch, num_heads, tgt_len, k.size(1))
        attended = attended.mean(dim=1) if average_attn_weights else attended
    else:
        out, attended = _fused(q, k, v, mask, rate, is_causal, batch), None
    out = linear(out.reshape(tgt_len * batch, embed_dim_to_check), out_proj_weight, out_proj_bias)
    out = out.view(tgt_len, batch, out.size(1))
    if batched:
        return out, attended
    return out.squeeze(1), None if attended is None else attended.squeeze(0)


def _unsqueezed(query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
    """Inputs with a batch of one; what was one tensor stays one."""
    q = query.unsqueeze(1)
    k = q if key is query else key.unsqueeze(1)
    return q, k, k if value is key else value.unsqueeze(1)


_NEED_MASK = (
    "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
    "`generate_square_subsequent_mask` to create this mask."
)
