"""Multi-head attention.

What enters: queries, keys, values and masks. What leaves: attended values, and the weights where
asked for. It must not know how attention is computed.
"""

from typing import Any

from .. import functional as F
from .. import init
from .linear import NonDynamicallyQuantizableLinear
from .module import Module
from .utils import fresh

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention by several heads between learned projections (Vaswani et al. 2017)."""

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.dropout, self.batch_first = dropout, batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        self._register(device, dtype)
        self.register_parameter(
            "in_proj_bias", fresh(3 * embed_dim, device, dtype) if bias else None
        )
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        self.bias_k: Any = fresh((1, 1, embed_dim), device, dtype) if add_bias_kv else None
        self.bias_v: Any = fresh((1, 1, embed_dim), device, dtype) if add_bias_kv else None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _register(self, device: Any, dtype: Any) -> None:
        """Register the projections' weights: one for all, or one for each where sizes differ."""
        size = self.embed_dim
        if self._qkv_same_embed_dim:
            self.in_proj_weight = fresh((3 * size, size), device, dtype)
            for name in "qkv":
                self.register_parameter(f"{name}_proj_weight", None)
            return
        for name, other in zip("qkv", (size, self.kdim, self.vdim)):
            self.register_parameter(f"{name}_proj_weight", fresh((size, other), device, dtype))
        self.register_parameter("in_proj_weight", None)

    def _reset_parameters(self) -> None:
        """Xavier draws for weights, zeros for biases."""
        if self._qkv_same_embed_dim:
            init.xavier_uniform_(self.in_proj_weight)
        else:
            for weight in (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"_qkv_same_embed_dim": True, **state})

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """Attended values (length, batch, embed_dim), batch first where set, and weights or None.

        Masks are true, or -inf, where a key is not seen: key_padding_mask (batch, source),
        attn_mask (target, source) or (batch * heads, target, source).
        """
        padding = F._canonical_mask(
            key_padding_mask,
            "key_padding_mask",
            F._none_or_dtype(attn_mask),
            "attn_mask",
            query.dtype,
        )
        mask = F._canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)
        swapped = self.batch_first and query.dim() == 3
        if swapped:
            query, key, value = _length_first(query, key, value)
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=padding,
            need_weights=need_weights,
            attn_mask=mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (output.transpose(1, 0) if swapped else output), weights

    def merge_masks(self, attn_mask: Any, key_padding_mask: Any, query: Any) -> tuple[Any, Any]:
        """Both masks added, and the kind: 1 for padding alone, 2 for others, None for none."""
        if attn_mask is None:
            return key_padding_mask, None if key_padding_mask is None else 1
        batch, length, _ = query.shape
        if attn_mask.dim() == 3:
            merged = attn_mask.view(batch, -1, length, length)
        else:
            wide = attn_mask.view(1, 1, length, length)
            merged = wide.expand(batch, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            padding = key_padding_mask.view(batch, 1, 1, length)
            merged = merged + padding.expand(-1, self.num_heads, -1, -1)
        return merged, 2


def _length_first(query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
    """Inputs with the batch second; what was one tensor stays one."""
    q = query.transpose(1, 0)
    k = q if key is query else key.transpose(1, 0)
    if value is key:
        return q, k, k
    return q, k, value.transpose(1, 0)
