"""The table of bad calls: what each must raise, what its text must name, and the call itself.

A line is `class | words | call`; words are separated by `;`. `m` is the namespace, `a` has arrays
(`ARRAYS`), the names of `foreign` are there too. NumPy is asked the same and must raise a class of
the same family, but for lines with `!` after the class: there NumPy accepts the call, has no such
function, or the standard names another class. `~` after the class: found when it is computed.
"""

from typing import Any, NamedTuple

import numpy as np

ARRAYS: dict[str, np.ndarray] = {
    "s": np.array(1.5),
    "v3": np.array([1.0, 2.0, 3.0]),
    "v4": np.array([4.0, 3.0, 2.0, 1.0]),
    "f3": np.array([1.0, 2.0, 3.0], np.float32),
    "i3": np.array([2, 0, 1]),
    "i5": np.array([3, 1, 5]),
    "n3": np.array([-7, 0, 1]),
    "u3": np.array([1, 2, 3], np.uint8),
    "u64": np.array([1, 2, 3], np.uint64),
    "b3": np.array([True, False, True]),
    "b4": np.array([True, False, True, True]),
    "c3": np.array([1 + 2j, 0j, 3j]),
    "e0": np.zeros((0,)),
    "e03": np.zeros((0, 3)),
    "m34": np.arange(12.0).reshape(3, 4),
    "m43": np.arange(12.0).reshape(4, 3),
    "m33": np.eye(3) * 2,
    "z33": np.zeros((3, 3)),
    "neg33": -np.eye(3),
    "t234": np.arange(24.0).reshape(2, 3, 4),
    "im34": np.arange(12).reshape(3, 4),
    "nan3": np.array([1.0, np.nan, np.inf]),
}

ELEMENTWISE = """
ValueError | (3,); (4,)     | a.v3 + a.v4
ValueError | (3,); (4,)     | a.v3 - a.v4
ValueError | (3,); (4,)     | a.v3 * a.v4
ValueError | (3,); (4,)     | a.v3 / a.v4
ValueError | (3,); (4,)     | a.v3 // a.v4
ValueError | (3,); (4,)     | a.v3 % a.v4
ValueError | (3,); (4,)     | a.v3 ** a.v4
ValueError | (3,); (4,)     | a.v3 < a.v4
ValueError | (3,); (4,)     | a.v3 >= a.v4
ValueError | (3,); (4,)     | a.b3 & a.b4
ValueError | (3, 4); (4, 3) | a.m34 + a.m43
ValueError | (2, 3, 4); (3,) | a.t234 + a.v3
ValueError | (3,); (4,)     | m.add(a.v3, a.v4)
ValueError | (3,); (4,)     | m.atan2(a.v3, a.v4)
ValueError | (3,); (4,)     | m.hypot(a.v3, a.v4)
ValueError | (3,); (4,)     | m.maximum(a.v3, a.v4)
ValueError | (3,); (4,)     | m.minimum(a.v3, a.v4)
ValueError | (3,); (4,)     | m.logaddexp(a.v3, a.v4)
ValueError | (3,); (4,)     | m.copysign(a.v3, a.v4)
ValueError | (3,); (4,)     | m.nextafter(a.v3, a.v4)
ValueError | (3,); (4,)     | m.logical_and(a.b3, a.b4)
ValueError | (3,); (4,)     | m.equal(a.v3, a.v4)
ValueError | (3,); (4,)     | m.where(a.b3, a.v4, a.v4)
ValueError | (4,); (3,)     | m.where(a.b4, a.v3, a.v3)
ValueError | (3,); (4,)     | m.clip(a.v3, a.v4, 5.0)
TypeError  | bitwise_and; float64 | a.v3 & a.v3
TypeError  | bitwise_or; float64  | a.v3 | a.v3
TypeError  | bitwise_xor; float64 | a.v3 ^ a.v3
TypeError  | left_shift; float64  | a.v3 << a.v3
TypeError  | right_shift; float64 | a.i3 >> a.v3
TypeError  | bitwise_invert; float64 | ~a.v3
TypeError  | bitwise_invert; complex128 | ~a.c3
TypeError  | negative; bool | -a.b3
TypeError  | bool | +a.b3
TypeError  | subtract; bool | a.b3 - a.b3
TypeError  | left_shift; integer; float64 | m.bitwise_left_shift(a.v3, 1)
TypeError! | less; complex128 | a.c3 < a.c3
TypeError! | greater_equal; complex128 | a.c3 >= 1
TypeError  | floor_divide; complex128 | a.c3 // a.c3
TypeError  | remainder; complex128 | a.c3 % 2
TypeError! | maximum; complex128 | m.maximum(a.c3, a.c3)
TypeError! | minimum; complex128 | m.minimum(a.c3, a.c3)
TypeError  | atan2; complex128 | m.atan2(a.c3, a.c3)
TypeError  | hypot; complex128 | m.hypot(a.c3, a.c3)
TypeError  | copysign; complex128 | m.copysign(a.c3, a.c3)
TypeError  | nextafter; complex128 | m.nextafter(a.c3, a.c3)
TypeError  | logaddexp; complex128 | m.logaddexp(a.c3, a.c3)
TypeError  | floor; complex128 | m.floor(a.c3)
TypeError  | ceil; complex128 | m.ceil(a.c3)
TypeError  | trunc; complex128 | m.trunc(a.c3)
TypeError  | signbit; complex128 | m.signbit(a.c3)
TypeError! | sin; bool | m.sin(a.b3)
TypeError! | exp; bool | m.exp(a.b3)
TypeError! | sqrt; bool | m.sqrt(a.b3)
TypeError  | sign; bool | m.sign(a.b3)
TypeError! | clip; complex128 | m.clip(a.c3, 0, 1)
TypeError  | bitwise_and; uint64; int64 | a.u64 & a.i3
TypeError  | sin; x; str; 'abc' | m.sin("abc")
TypeError  | sin; x; NoneType; None | m.sin(None)
TypeError  | exp; x; object | m.exp(object())
TypeError  | abs; x; dict | m.abs({})
TypeError! | sin; x; list; [1.0, 2.0] | m.sin([1.0, 2.0])
TypeError  | add; argument 2; str; 'x' | m.add(a.v3, "x")
TypeError  | add; argument 1; NoneType | m.add(None, a.v3)
TypeError  | multiply; argument 2; dict | m.multiply(a.v3, {})
TypeError  | str | a.v3 + "x"
TypeError  | NoneType | a.v3 * None
TypeError  | NoneType | None - a.v3
TypeError  | dict | a.v3 < {}
TypeError  | ellipsis | a.v3 ** ...
OverflowError | 300; uint8 | a.u3 + 300
OverflowError | -1; uint8 | a.u3 * -1
OverflowError | int64 | a.i3 + 2**63
TypeError  | missing | m.add(a.v3)
TypeError  | argument | m.sin()
TypeError  | argument | m.sin(a.v3, a.v3, a.v3, a.v3)
TypeError  | bogus | m.sin(a.v3, bogus=1)
TypeError  | argument | m.clip()
"""

REDUCTIONS = """
IndexError | 5; 2  | m.sum(a.m34, axis=5)
IndexError | -3; 2 | m.sum(a.m34, axis=-3)
ValueError | 2     | m.prod(a.m34, axis=2)
ValueError | 4; 3  | m.max(a.t234, axis=4)
ValueError | 4; 3  | m.min(a.t234, axis=4)
ValueError | 1     | m.mean(a.v3, axis=1)
ValueError | 1     | m.var(a.v3, axis=1)
ValueError | 1     | m.std(a.v3, axis=1)
ValueError | 7     | m.all(a.m34, axis=7)
ValueError | 7     | m.any(a.m34, axis=7)
ValueError | 7     | m.argmax(a.m34, axis=7)
ValueError | 7     | m.argmin(a.m34, axis=7)
ValueError | 7     | m.count_nonzero(a.m34, axis=7)
ValueError | 7     | m.cumulative_sum(a.m34, axis=7)
ValueError | 7     | m.cumulative_prod(a.m34, axis=7)
ValueError | 7     | m.sort(a.m34, axis=7)
ValueError | 7     | m.argsort(a.m34, axis=7)
ValueError | 7     | m.diff(a.m34, axis=7)
ValueError | repeat; (0, 0) | m.sum(a.m34, axis=(0, 0))
ValueError | repeat; (1, -1) | m.max(a.m34, axis=(1, -1))
TypeError  | axis; 1.5 | m.sum(a.m34, axis=1.5)
TypeError  | axis; 'x' | m.sum(a.m34, axis="x")
TypeError  | axis; 'x' | m.argmax(a.m34, axis="x")
TypeError  | axis; None | m.sum(a.m34, axis=(None,))
TypeError  | axis; 0.0 | m.sort(a.m34, axis=0.0)
ValueError | max; (0,) | m.max(a.e0)
ValueError | min; (0, 3) | m.min(a.e03, axis=0)
ValueError | argmax; (0,) | m.argmax(a.e0)
ValueError | argmin; (0, 3) | m.argmin(a.e03, axis=0)
TypeError! | max; complex128 | m.max(a.c3)
TypeError! | min; complex128 | m.min(a.c3)
TypeError! | argmax; complex128 | m.argmax(a.c3)
TypeError! | sort; complex128 | m.sort(a.c3)
TypeError! | argsort; complex128 | m.argsort(a.c3)
TypeError! | complex128; float64 | m.sum(a.c3, dtype="float64")
TypeError! | bool | m.sum(a.v3, dtype="bool")
TypeError  | nonsense | m.sum(a.v3, dtype="nonsense")
TypeError  | sum; x; str | m.sum("abc")
TypeError! | sum; x; NoneType | m.sum(None)
TypeError  | mean; x; object | m.mean(object())
ValueError | cumulative_sum; axis | m.cumulative_sum(a.m34)
ValueError | cumulative_prod; axis | m.cumulative_prod(a.m34)
ValueError | diff; -1 | m.diff(a.v3, n=-1)
TypeError  | diff; n; 1.5 | m.diff(a.v3, n=1.5)
ValueError | diff; (3, 4) | m.diff(a.m34, prepend=a.t234)
TypeError  | out | a.v3.sum(out=a.v3.tolist())
TypeError  | bogus | m.sum(a.v3, bogus=2)
ValueError | side; 'middle' | m.searchsorted(a.v3, a.v3, side="middle")
ValueError | searchsorted; (3, 4) | m.searchsorted(a.m34, a.v3)
ValueError | nonzero; () | m.nonzero(a.s)
"""

SHAPES = """
ValueError | reshape; (3, 4); (5,) | m.reshape(a.m34, (5,))
ValueError | reshape; (3, 4); (-1, 5) | m.reshape(a.m34, (-1, 5))
ValueError | reshape; (-1, -1) | m.reshape(a.m34, (-1, -1))
ValueError! | reshape; (3, -4) | m.reshape(a.m34, (3, -4))
ValueError | reshape; (0, -1) | m.reshape(a.e0, (0, -1))
TypeError  | shape; (1.5, 8) | m.reshape(a.m34, (1.5, 8))
TypeError  | shape; 'ab' | m.reshape(a.m34, "ab")
TypeError! | shape; None | m.reshape(a.m34, None)
ValueError | permute_dims; (0, 0) | m.permute_dims(a.m34, (0, 0))
ValueError | permute_dims; (0,) | m.permute_dims(a.m34, (0,))
ValueError | 2 | m.permute_dims(a.m34, (0, 2))
TypeError  | axis; 'a' | m.permute_dims(a.m34, "ab")
ValueError | broadcast_to; (3, 4); (5, 4) | m.broadcast_to(a.m34, (5, 4))
ValueError | (3, 4); (4,) | m.broadcast_to(a.m34, (4,))
ValueError | negative; (-1, 4) | m.broadcast_to(a.v4, (-1, 4))
TypeError  | shape; (2.5, 4) | m.broadcast_to(a.v4, (2.5, 4))
ValueError | (3,); (4,) | m.broadcast_arrays(a.v3, a.v4)
ValueError | (3,); (4,) | m.broadcast_shapes((3,), (4,))
ValueError | squeeze; (3, 4); 3 | m.squeeze(a.m34, axis=0)
ValueError | 5; 2 | m.squeeze(a.m34, axis=5)
ValueError | 4 | m.expand_dims(a.m34, axis=4)
ValueError | -5 | m.expand_dims(a.m34, axis=-5)
ValueError | repeat; (0, 0) | m.expand_dims(a.m34, axis=(0, 0))
ValueError | 3; 2 | m.flip(a.m34, axis=3)
ValueError | 3; 2 | m.roll(a.m34, 1, axis=3)
TypeError! | roll; shift; 1.5 | m.roll(a.m34, 1.5, axis=0)
ValueError | roll; (1, 2, 3); (0, 1) | m.roll(a.m34, (1, 2, 3), axis=(0, 1))
ValueError | moveaxis; (0, 1); 0 | m.moveaxis(a.t234, (0, 1), 0)
ValueError | 7; 3 | m.moveaxis(a.t234, 7, 0)
ValueError | moveaxis; (0, 0) | m.moveaxis(a.t234, (0, 0), (1, 2))
ValueError | concat; (3, 4); (4, 3) | m.concat([a.m34, a.m43])
ValueError | concat; (3,); (3, 4) | m.concat([a.v3, a.m34])
ValueError | 1 | m.concat([a.v3, a.v4], axis=1)
ValueError | concat | m.concat([])
ValueError | concat; axes | m.concat([a.s, a.s])
TypeError  | concat; int; 5 | m.concat(5)
TypeError! | concat; str | m.concat([a.v3, "x"])
ValueError | stack; (3,); (4,) | m.stack([a.v3, a.v4])
ValueError | 3; 2 | m.stack([a.v3, a.v3], axis=3)
ValueError | stack | m.stack([])
TypeError  | stack; NoneType | m.stack(None)
ValueError | unstack; () | m.unstack(a.s)
ValueError | 2 | m.unstack(a.m34, axis=2)
ValueError | negative; -2 | m.tile(a.v3, -2)
TypeError  | 1.5 | m.tile(a.v3, 1.5)
ValueError | repeat; -1 | m.repeat(a.v3, -1)
TypeError  | repeat; float64 | m.repeat(a.v3, a.v3)
ValueError | repeat; 3; (3, 4) | m.repeat(a.m34, a.i3, axis=1)
ValueError | 2 | m.repeat(a.m34, 2, axis=2)
ValueError | (3,) | a.v3.mT
ValueError! | (2, 3, 4) | a.t234.T
ValueError | 5 | a.m34.swapaxes(0, 5)
ValueError | order; 'X' | a.m34.reshape(12, order="X")
ValueError | meshgrid; 'no' | m.meshgrid(a.v3, a.v4, indexing="no")
ValueError! | meshgrid; (3, 4) | m.meshgrid(a.v3, a.m34)
ValueError! | tril; (3,) | m.tril(a.v3)
ValueError! | triu; () | m.triu(a.s)
TypeError! | tril; k; 1.5 | m.tril(a.m34, k=1.5)
"""

INDEXING = """
IndexError | 3; axis 0; size 3 | a.v3[3]
IndexError | -4; axis 0; size 3 | a.v3[-4]
IndexError | 9; axis 1; size 4 | a.m34[0, 9]
IndexError | too many; (3,) | a.v3[0, 0]
IndexError | too many; () | a.s[0]
IndexError | ellipsis | a.m34[..., ...]
IndexError | 'x' | a.v3["x"]
IndexError | 1.5 | a.v3[1.5]
IndexError | float64 | a.v3[a.v3]
IndexError | complex128 | a.v3[a.c3]
IndexError | (4,); size; 3 | a.v3[a.b4]
IndexError | (3,); 4 | a.m34[:, a.b3]
IndexError | (3,); (2,) | a.m34[a.i3, [0, 1]]
IndexError~ | index 3; size 3; <call>:1 | a.v3[a.i5]
IndexError~ | -7; 3 | a.v3[a.n3]
IndexError~ | 3; 3 | a.v3[[0, 3]]
IndexError | {} | a.v3[{}]
ValueError | step | a.v3[::0]
TypeError  | slice | a.v3["a":]
TypeError  | slice | a.v3[1.5:]
IndexError | 3; size 3 | a.v3[3] = 1.0
IndexError | (4,) | a.v3[a.b4] = 1.0
IndexError | too many | a.v3[0, 0] = 1.0
ValueError | (4,); (3,) | a.v3[:] = a.v4
ValueError | (4,); (3,) | a.m34[0] = a.v3
ValueError | (3,); (2,) | a.v3[a.b3] = a.v3
ValueError | (3, 4) | a.m34[:, 0] = a.m34
TypeError! | complex128; float64 | a.v3[0] = a.c3[0]
TypeError  | 1j; float64 | a.v3[0] = 1j
OverflowError | 300; uint8 | a.u3[0] = 300
OverflowError | infinity | a.i3[0] = float("inf")
ValueError | NaN | a.i3[0] = float("nan")
TypeError! | str | a.v3[0] = "x"
TypeError  | NoneType; int64 | a.i3[0] = None
IndexError~ | index 3; size 3; <call>:1 | a.v3[a.i5] = 0.0
ValueError! | axis; (3, 4) | m.take(a.m34, a.i3)
IndexError~ | index 3; size 3 | m.take(a.v3, a.i5)
IndexError~ | 5; 4 | m.take(a.m34, a.i5, axis=1)
TypeError  | take; float64 | m.take(a.v3, a.v3)
ValueError | 2 | m.take(a.m34, a.i3, axis=2)
ValueError | take_along_axis; (3, 4); (3,) | m.take_along_axis(a.m34, a.i3, axis=1)
TypeError! | take_along_axis; float64 | m.take_along_axis(a.m34, a.m34, axis=0)
IndexError~ | 3 | m.take_along_axis(a.m34, a.im34, axis=0)
ValueError | ambiguous; (3,) | bool(a.v3)
ValueError | ambiguous; (0,) | bool(a.e0)
TypeError  | (3,) | float(a.v3)
TypeError  | (3,) | int(a.v3)
TypeError  | (3,) | complex(a.c3)
TypeError  | complex | float(m.asarray(1j))
TypeError  | float64 | range(a.s)
TypeError  | integer | [1, 2, 3][a.v3]
TypeError  | axes | len(a.s)
TypeError  | axes | iter(a.s)
ValueError | item; (3,) | a.v3.item()
IndexError | 7; 3 | a.v3.item(7)
ValueError | unpack | x, y = a.v3
ValueError | (3,); (3, 4) | a.v3 += a.m34
ValueError | (3,); (4,) | a.v3 *= a.v4
TypeError  | in place; int64; float64 | a.i3 += 0.5
TypeError  | in place; int64; float64 | a.i3 /= a.i3
TypeError  | in place; float64; complex128 | a.v3 += a.c3
TypeError  | in place; float32; complex | a.f3 *= 1j
TypeError  | dict | a.v3 -= {}
OverflowError | 300; uint8 | a.u3 += 300
ValueError | matmul; (3, 4) | a.m34 @= a.m34
"""

CREATION = """
ValueError | negative; (-1,) | m.zeros(-1)
ValueError | negative; (2, -3) | m.ones((2, -3))
ValueError | negative; (-2,) | m.full(-2, 1.0)
ValueError | negative; (-2,) | m.empty(-2)
TypeError  | shape; 1.5 | m.zeros(1.5)
TypeError  | shape; 'ab' | m.ones("ab")
TypeError  | shape; None | m.zeros(None)
TypeError  | shape; (2, 'x') | m.zeros((2, "x"))
TypeError  | nope | m.zeros(3, dtype="nope")
TypeError! | object | m.zeros(3, dtype="object")
TypeError! | str32 | m.zeros(3, dtype="U1")
TypeError! | datetime64 | m.zeros(3, dtype="datetime64[s]")
ValueError | gpu | m.zeros(3, device="gpu")
ValueError | cuda | m.ones(3, device="cuda:0")
ValueError | cpu:99 | m.asarray([1.0], device="cpu:99")
TypeError! | device; int; 5 | m.zeros(3, device=5)
ValueError! | step | m.arange(0, 5, 0)
ValueError | inf | m.arange(0, float("inf"))
ValueError | nan | m.arange(0, float("nan"))
TypeError! | 1j | m.arange(0, 1j)
TypeError  | arange; stop; str | m.arange("abc")
TypeError  | arange; stop; list | m.arange(0, [5])
TypeError  | bool | m.arange(5, dtype="bool")
OverflowError! | 299; uint8 | m.arange(300, dtype="uint8")
ValueError | linspace; num; -1 | m.linspace(0, 1, -1)
TypeError  | linspace; num; 1.5 | m.linspace(0, 1, 1.5)
TypeError  | linspace; start; str | m.linspace("a", 1, 3)
TypeError  | linspace; stop; NoneType | m.linspace(0, None, 3)
ValueError | negative; -1 | m.eye(-1)
TypeError  | 1.5 | m.eye(1.5)
TypeError  | eye; k; 1.5 | m.eye(3, k=1.5)
TypeError! | dict | m.full(3, {})
TypeError! | asarray; str | m.full(3, "x")
OverflowError | 300; uint8 | m.full(3, 300, dtype="uint8")
OverflowError | 300; uint8 | m.full_like(a.u3, 300)
TypeError  | zeros_like; str | m.zeros_like("abc", dtype="nope")
TypeError! | ones_like; NoneType | m.ones_like(None)
ValueError | homogeneous | m.asarray([[1, 2], [3]])
ValueError | homogeneous | m.asarray([1, [2, 3]])
ValueError | homogeneous | m.asarray([[[1], [2]], [[3]]])
TypeError! | asarray; str; 'a' | m.asarray(["a", "b"])
TypeError! | asarray; NoneType | m.asarray([1, None])
TypeError! | asarray; NoneType | m.asarray(None)
TypeError! | asarray; str; 'abc' | m.asarray("abc")
TypeError! | asarray; bytes | m.asarray(b"abc")
TypeError! | asarray; dict | m.asarray({"a": 1})
TypeError! | asarray; set | m.asarray({1, 2})
TypeError! | asarray; object | m.asarray(object())
TypeError! | asarray; generator | m.asarray(i for i in range(3))
TypeError! | asarray; function | m.asarray(lambda: 0)
TypeError! | asarray; type | m.asarray(int)
TypeError! | asarray; Fraction | m.asarray(Fraction(1, 2))
TypeError! | asarray; Decimal | m.asarray([Decimal("0.1")])
TypeError! | datetime64 | m.asarray(np.array(["2020-01-01"], "datetime64[D]"))
TypeError! | object | m.asarray(np.array([None], object))
TypeError! | str32 | m.asarray(np.array(["a"]))
TypeError! | void | m.asarray(np.zeros(2, [("x", "f8")]))
TypeError! | not supported | m.asarray(np.zeros(2, np.longdouble))
OverflowError | int64 | m.asarray(2**64, dtype="int64")
OverflowError | 300; uint8 | m.asarray(300, dtype="uint8")
OverflowError | int8 | m.asarray([1, 300], dtype="int8")
OverflowError! | int64 | m.asarray([1, 2**70])
OverflowError | infinity | m.asarray(float("inf"), dtype="int32")
ValueError | NaN | m.asarray(float("nan"), dtype="int32")
TypeError  | 1j; float64 | m.asarray(1j, dtype="float64")
TypeError! | complex128; float32 | m.asarray(a.c3, dtype="float32")
ValueError | copy | m.asarray([1, 2], copy=False)
ValueError | copy | m.asarray(5, copy=False)
ValueError | copy; float64 | m.asarray(a.v3, dtype="float32", copy=False)
TypeError! | from_dlpack; list | m.from_dlpack([1, 2])
TypeError! | from_dlpack; NoneType | m.from_dlpack(None)
ValueError | gpu | m.from_dlpack(a.v3, device="gpu")
TypeError  | bogus | m.zeros(3, bogus=1)
MemoryError~ | allocate | m.ones((1 << 30, 1 << 20)) * 3.0
"""

LINALG = """
ValueError | matmul; (3, 4) | a.m34 @ a.m34
ValueError | matmul; (3,); (4,) | a.v3 @ a.v4
ValueError | matmul; () | a.s @ a.v3
ValueError | matmul; () | m.matmul(a.v3, a.s)
TypeError! | matmul; 2.0 | a.m33 @ 2.0
TypeError! | matmul; bool | a.b3 @ a.b3
TypeError  | matmul; str | m.matmul(a.m33, "x")
ValueError | (2, 3, 4); (3, 3) | m.matmul(a.t234, a.m33)
ValueError | tensordot; (3, 4) | m.tensordot(a.m34, a.m34, axes=1)
ValueError! | tensordot; axes; 5 | m.tensordot(a.v3, a.v3, axes=5)
ValueError | tensordot; axes | m.tensordot(a.m34, a.m34, axes=((0, 1), (0,)))
ValueError | vecdot; (3,); (4,) | m.vecdot(a.v3, a.v4)
ValueError | vecdot; axis; 0 | m.vecdot(a.m34, a.v4, axis=0)
ValueError | (3,) | m.matrix_transpose(a.v3)
ValueError | 5 | m.linalg.vector_norm(a.m34, axis=5)
ValueError | cross; 4 | m.linalg.cross(a.v4, a.v4)
ValueError | 3 | m.linalg.cross(a.v3, a.v4)
ValueError | outer; (3, 4) | m.linalg.outer(a.m34, a.v3)
ValueError | inv; square; (3, 4) | m.linalg.inv(a.m34)
ValueError | det; (3, 4) | m.linalg.det(a.m34)
ValueError | slogdet; (3, 4) | m.linalg.slogdet(a.m34)
ValueError | cholesky; (3, 4) | m.linalg.cholesky(a.m34)
ValueError | eigh; (3, 4) | m.linalg.eigh(a.m34)
ValueError | eigvalsh; (3, 4) | m.linalg.eigvalsh(a.m34)
ValueError | eig; (3, 4) | m.linalg.eig(a.m34)
ValueError | matrix_power; (3, 4) | m.linalg.matrix_power(a.m34, 2)
TypeError  | matrix_power; n; 1.5 | m.linalg.matrix_power(a.m33, 1.5)
ValueError | solve; (3, 3); (4, 3) | m.linalg.solve(a.m33, a.m43)
ValueError | solve; (3, 4) | m.linalg.solve(a.m34, a.v3)
ValueError | svd; (3,) | m.linalg.svd(a.v3)
ValueError | qr; (3,) | m.linalg.qr(a.v3)
ValueError | qr; mode; 'funny' | m.linalg.qr(a.m33, mode="funny")
ValueError | pinv; (3,) | m.linalg.pinv(a.v3)
ValueError | (3,) | m.linalg.matrix_norm(a.v3)
ValueError | ord; 'bad' | m.linalg.matrix_norm(a.m33, ord="bad")
ValueError | (3,) | m.linalg.trace(a.v3)
ValueError | (3,) | m.linalg.diagonal(a.v3)
TypeError! | inv; bool | m.linalg.inv(m.astype(a.m33, "bool"))
TypeError! | inv; x; str | m.linalg.inv("abc")
LinAlgError~ | ingular | m.linalg.inv(a.z33)
LinAlgError~ | ingular | m.linalg.solve(a.z33, a.v3)
LinAlgError~ | ositive | m.linalg.cholesky(a.neg33)
IndexError | axis 5; 1 | m.fft.fft(a.c3, axis=5)
ValueError | fft; 0 | m.fft.fft(a.c3, n=0)
ValueError | fft; norm; 'bad' | m.fft.fft(a.c3, norm="bad")
ValueError | norm; 'bad' | m.fft.ifft(a.c3, norm="bad")
TypeError  | rfft; complex128 | m.fft.rfft(a.c3)
TypeError! | fft; bool | m.fft.fft(a.b3)
ValueError | fftn; s | m.fft.fftn(a.m34, s=(1, 2), axes=(0,))
IndexError | 7 | m.fft.fftshift(a.m34, axes=7)
TypeError  | fft; n; 1.5 | m.fft.fft(a.c3, n=1.5)
TypeError! | fft; x; str | m.fft.fft("abc")
ValueError | fft; positive; 0 | m.fft.fft(a.e0)
TypeError  | fftfreq; int64 | m.fft.fftfreq(4, dtype="int64")
"""

OTHER = """
TypeError! | complex128; float64 | m.astype(a.c3, "float64")
TypeError  | nope | m.astype(a.v3, "nope")
TypeError! | finfo; int64 | m.finfo("int64")
TypeError! | iinfo; float64 | m.iinfo("float64")
ValueError | result_type | m.result_type()
ValueError | kind; 'wibble' | m.isdtype(a.v3.dtype, "wibble")
ValueError | version; '2012.12' | a.v3.__array_namespace__(api_version="2012.12")
ValueError | gpu | a.v3.to_device("gpu")
ValueError | stream; 5 | a.v3.to_device("cpu", stream=5)
ValueError! | stream; 5 | a.v3.__dlpack__(stream=5)
BufferError | device | a.v3.__dlpack__(dl_device=(2, 0))
TypeError! | unique; list | m.unique_values([1, 2])
TypeError! | isin; dict | m.isin(a.v3, {})
TypeError! | materialize; argument 2; int | m.materialize(a.v3, 5)
TypeError! | grad; scalar | m.grad(lambda x: x.tolist())(a.v3)
ValueError! | scalar; (3,) | m.grad(lambda x: x * 2.0)(a.v3)
TypeError! | real; complex128 | m.grad(lambda x: m.sum(x))(a.c3)
ValueError! | argnums; 3 | m.grad(m.sum, argnums=3)(a.v3)
TypeError! | argnums; 'x' | m.grad(m.sum, argnums="x")(a.v3)
ValueError! | sizes; 3; 4 | m.vmap(m.add)(a.v3, a.v4)
TypeError! | traced | m.vmap(lambda x: float(x))(a.v3)
TypeError! | jvp; tuple | m.jvp(m.sin, a.v3, a.v3)
ValueError | einsum; 2 | m.einsum("ij,jk", a.m34)
ValueError | einsum | m.einsum("ij", a.v3)
ValueError | einsum; 3; 4 | m.einsum("i,i", a.v3, a.v4)
ValueError | pad; 'funny' | m.pad(a.v3, 1, mode="funny")
ValueError | pad; -1 | m.pad(a.v3, -1)
TypeError  | pad; 1.5 | m.pad(a.v3, 1.5)
ValueError | 2.0 | m.quantile(a.v3, 2.0)
ValueError | method; 'funny' | m.quantile(a.v3, 0.5, method="funny")
ValueError | -1 | m.random.default_rng(0).standard_normal(-1)
ValueError | choice; 5; 3 | m.random.default_rng(0).choice(3, 5, replace=False)
AttributeError | lazytensor; 'nonsense' | m.nonsense
AttributeError | 'nonsense' | a.v3.nonsense
AttributeError! | shape | a.v3.shape = (3, 1)
TypeError  | format | format(a.v3, "d")
"""


class Case(NamedTuple):
    """One line of the table."""

    call: str
    error: str
    words: tuple[str, ...]
    like_numpy: bool
    late: bool


def parse(text: str) -> list[Case]:
    """The cases of a part of the table."""
    cases = []
    for line in text.strip().splitlines():
        error, words, call = (part.strip() for part in line.split("|", 2))
        name = error.rstrip("!~")
        found = tuple(w.strip() for w in words.split(";"))
        cases.append(Case(call, name, found, "!" not in error, "~" in error))
    return cases


PARTS = (ELEMENTWISE, REDUCTIONS, SHAPES, INDEXING, CREATION, LINALG, OTHER)
TABLE = [case for part in PARTS for case in parse(part)]


class Arrays:
    """The arrays of the table in a namespace."""

    def __init__(self, make: Any) -> None:
        for name, array in ARRAYS.items():
            setattr(self, name, make(array))
