"""Arrays made from nothing, and copies to another device; the device is the last parameter."""

from ..ir.op import Op, register

iota = register(
    Op(
        "iota",
        "create",
        0,
        params=("n", "dtype", "device"),
        infer=lambda n, dtype, device: ((n,), dtype),
        value=lambda np, n, dtype, device: np.arange(n).astype(dtype, copy=False),
        doc="0, 1, …, n - 1.",
    )
)
transfer = register(
    Op(
        "transfer",
        "transfer",
        1,
        params=("device",),
        infer=lambda x, device: (x.shape, x.dtype),
        value=lambda np, x, device: x,
        transpose=lambda g, ct, x, device: (g.transfer(ct, x.device),),
        batch=lambda g, b, x, device: g.transfer(x, device),
        doc="The same elements on another device.",
    )
)
