"""Operations on lists of tensors, element by element: `torch._foreach_*`.

What enters: lists of tensors, numbers, lists of numbers. What leaves: tuples of tensors, or the
list that was written to. It must not know how anything is computed.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ..ir.node import Node
from ..ops import g
from ._calls import NUMBERS, refuse
from ._direct import apart, each, number_like, write
from ._dispatch import FUNCTIONS, _public
from ._graph import MODE
from ._record import distinct, record
from .norms import norm_of_all
from .tensor import Tensor, wrap

__all__: list[str] = []

LISTS = (list, tuple)

# --- what is given --------------------------------------------------------------------------------


def _tensors(name: str, given: Any, argument: str = "self", position: int = 1) -> Sequence[Any]:
    """A list of tensors. Raises TypeError for what is none, RuntimeError for an empty one."""
    if not isinstance(given, LISTS):
        raise TypeError(
            f"{name}(): argument '{argument}' (position {position}) must be tuple of Tensors, not "
            f"{type(given).__name__}"
        )
    if not given:
        raise RuntimeError("Tensor list must have at least one tensor.")
    for i, x in enumerate(given):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument {position - 1}, but got "
                f"{type(x).__name__}"
            )
    return given


def _fit(xs: Sequence[Any], other: Sequence[Any], scalars: bool = False) -> None:
    if len(xs) == len(other):
        return
    if scalars:
        raise RuntimeError("Tensor list must have same number of elements as scalar list.")
    raise RuntimeError(
        f"Tensor lists must have the same number of tensors, got {len(xs)} and {len(other)}"
    )


def _kind(other: Any) -> str:
    """What a second operand is: Scalar, ScalarList, Tensor, List; nothing of these is ""."""
    if isinstance(other, Tensor):
        return "Tensor"
    if isinstance(other, NUMBERS):
        return "Scalar"
    if not isinstance(other, LISTS):
        return ""
    return "List" if other and all(isinstance(x, Tensor) for x in other) else "ScalarList"


def _spread(name: str, xs: Sequence[Any], other: Any, tensor: bool = False) -> Sequence[Any]:
    """A second operand for each tensor; `tensor` where a tensor may stand for a number.

    Raises TypeError, RuntimeError for what doesn't fit.
    """
    kind = _kind(other)
    if not kind or (kind == "Tensor" and other.ndim and not tensor):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got "
            f"({type(xs).__name__}, {type(other).__name__})"
        )
    if kind == "Tensor" and other.ndim:
        raise RuntimeError(
            f"scalar tensor expected to be 0 dim but it has {other.ndim} dimensions and "
            f"{other.numel()} elements."
        )
    if kind in ("Scalar", "Tensor"):
        return [other] * len(xs)
    _fit(xs, other, kind == "ScalarList")
    return other  # type: ignore[no-any-return]


# --- how they are carried out ---------------------------------------------------------------------


def _one(title: str, f: Callable[..., Tensor], *args: Any) -> Tensor:
    """One operation, recorded under one name whatever it consists of."""
    tensors = [a for a in args if isinstance(a, Tensor)]
    if not MODE.grad or not any(t.requires_grad for t in tensors):
        return f(*args)
    nodes = distinct([t._read() for t in tensors])
    fresh = iter([wrap(n, t.dtype, t._strides) for n, t in zip(nodes, tensors)])
    MODE.grad = False
    try:
        out = f(*[next(fresh) if isinstance(a, Tensor) else a for a in args])
    finally:
        MODE.grad = True
    return record(out, title, tensors, nodes)


def _offer(name: str, f: Callable[..., Any]) -> None:
    f.__name__ = f.__qualname__ = name
    FUNCTIONS[name] = _public(f, name, False)


def _titled(name: str, suffix: str = "Backward0") -> str:
    words = {"log1p": "Log1P", "clamp_min": "ClampMin", "clamp_max": "ClampMax"}
    return f"Foreach{words.get(name, name.capitalize())}{suffix}"


def _unary(name: str) -> None:
    called, title = f"_foreach_{name}", _titled(name)

    def function(self: Any) -> tuple[Tensor, ...]:
        f = getattr(Tensor, name)
        return tuple([_one(title, f, x) for x in _tensors(called, self)])

    def written(self: Any) -> Any:
        for x in _tensors(called + "_", self):
            getattr(Tensor, name + "_")(x)
        return self

    function.__doc__ = f"`{name}` of each tensor. Raises RuntimeError for no tensors."
    written.__doc__ = f"`{name}` of each tensor, in place. Raises RuntimeError for no tensors."
    _offer(called, function)
    _offer(called + "_", written)


for _name in (
    "abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor",
    "frac", "lgamma", "log", "log10", "log1p", "log2", "neg", "reciprocal", "round", "rsqrt",
    "sigmoid", "sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
):  # fmt: skip
    _unary(_name)


def _bounded(keep: str, x: Any, bound: Any) -> Any:
    """The greater or the lesser of each element and a bound."""
    return FUNCTIONS[f"clamp_{keep}"](x, bound)


def _binary(
    name: str, suffixes: dict[str, str], f: Callable[..., Any] | None = None,
    scaled: bool = False, tensor: bool = False, row: Callable[..., Node] | None = None,
) -> None:  # fmt: skip
    """`suffixes` says how derivatives are called by kinds of operands; `scaled` are operations that
    take alpha, `tensor` those that take a tensor for a number; `row` is what computes one that
    casts nothing where operands are of one floating-point dtype.
    """
    called = f"_foreach_{name}"
    def step(x: Any, y: Any, alpha: Any) -> Any:
        public = f or FUNCTIONS[name]
        return public(x, y) if alpha == 1 else public(x, y, alpha=alpha)

    def function(self: Any, other: Any, *, alpha: Any = 1) -> tuple[Tensor, ...]:
        _only_with(called, alpha, scaled)
        xs = _tensors(called, self)
        ys, title = _spread(called, xs, other, tensor), _titled(name, suffixes[_kind(other)])
        return tuple([_one(title, lambda a, b: step(a, b, alpha), x, y) for x, y in zip(xs, ys)])

    def written(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        _only_with(called + "_", alpha, scaled)
        xs = _tensors(called + "_", self)
        if row is None or alpha != 1 or not _written_at_once(row, xs, other):
            for x, y in zip(xs, _spread(called + "_", xs, other, tensor)):
                _write(name, f, x, y, alpha)
        return self

    function.__doc__ = f"`{name}` of each tensor with a number, or its own number or tensor."
    written.__doc__ = f"`{name}` of each tensor with others, in place."
    _offer(called, function)
    _offer(called + "_", written)


def _written_at_once(row: Callable[..., Node], xs: Sequence[Tensor], other: Any) -> bool:
    """Write what a row gives of each tensor and a number, if nothing sees how; whether that was."""
    read = [other] if isinstance(other, Tensor) else []
    number = number_like(other, xs[0]) if apart(xs, read) else None
    if number is None:
        return False
    for x, node in zip(xs, each(_with_number(row), xs, number)):
        write(x, node, 1)
    return True


@lru_cache
def _with_number(row: Callable[..., Node]) -> Callable[..., list[Node]]:
    return lambda number, *nodes: [row(x, number) for x in nodes]


def _only_with(called: str, alpha: Any, scaled: bool) -> None:
    if not scaled and alpha != 1:
        raise TypeError(f"{called}() got an unexpected keyword argument 'alpha'")


def _write(name: str, f: Callable[..., Any] | None, x: Any, y: Any, alpha: Any) -> None:
    method = getattr(Tensor, name + "_", None)
    if method is None:  # maximum and minimum, which have none
        keep = "min" if name == "maximum" else "max"
        getattr(Tensor, f"clamp_{keep}_")(x, y)
    elif alpha == 1:
        method(x, y)
    else:
        method(x, y, alpha=alpha)


_PLAIN = {"Scalar": "Backward1Scalar", "ScalarList": "Backward1ScalarList"}
_SUM = {**_PLAIN, "Tensor": "Backward1Scalar", "List": "Backward0List"}
_binary("add", _SUM, scaled=True, tensor=True, row=g.add)
_binary("sub", _SUM, scaled=True)
_PRODUCT = {**_PLAIN, "Tensor": "Backward0Tensor", "List": "Backward0List"}
_binary("mul", _PRODUCT, tensor=True, row=g.multiply)
_RATIO = {**_PLAIN, "Tensor": "Backward0Tensor", "List": "Backward0"}
_binary("div", _RATIO, tensor=True, row=g.divide)
_EXTREME = {"Scalar": "Backward0", "ScalarList": "Backward1", "Tensor": "Backward0",
            "List": "Backward0List"}  # fmt: skip
_CLAMP = {"Scalar": "Backward0Scalar", "ScalarList": "Backward0ScalarList",
          "Tensor": "Backward0Scalar", "List": "Backward1List"}  # fmt: skip
for _name, _keep, _suffixes in (
    ("maximum", "min", _EXTREME), ("minimum", "max", _EXTREME), ("clamp_min", "min", _CLAMP),
    ("clamp_max", "max", _CLAMP),
):  # fmt: skip
    _binary(_name, _suffixes, lambda x, y, keep=_keep: _bounded(keep, x, y))
_POW = {"Scalar": "Backward0Scalar", "ScalarList": "Backward1", "Tensor": "Backward0Scalar",
        "List": "Backward0"}  # fmt: skip
_binary("pow", _POW)


def _powers(self: Any, exponent: Any) -> tuple[Tensor, ...]:
    """Powers of each tensor, or of a number with each tensor as the exponent."""
    if isinstance(self, NUMBERS):
        xs = _tensors("_foreach_pow", exponent, "exponent", 2)
        return tuple([_one("ForeachPowBackward2", FUNCTIONS["pow"], self, x) for x in xs])
    return _of_tensors(self, exponent)  # type: ignore[no-any-return]


_of_tensors = FUNCTIONS["_foreach_pow"]
_offer("_foreach_pow", _powers)

# --- three lists ----------------------------------------------------------------------------------


def _factors(name: str, xs: Sequence[Any], given: Any) -> Any:
    """A factor for each tensor: of a number, a list, or a tensor with one axis."""
    if isinstance(given, Tensor):
        if given.ndim != 1:
            raise RuntimeError(
                f"Expected packed scalar Tensor to be of dimension 1. Got {given.ndim} instead."
            )
        if given.numel() != len(xs):
            raise RuntimeError(
                f"Expected length of scalars to match input of length {len(xs)} but got "
                f"{given.numel()} instead."
            )
        return given.tolist()
    return _spread(name, xs, given)


def _ternary(name: str) -> None:
    called = f"_foreach_{name}"

    def rows(
        called: str, self: Any, tensor1: Any, tensor2: Any, factor: Any
    ) -> list[tuple[Any, ...]]:
        xs = _tensors(called, self)
        others = [_tensors(called, t, f"tensor{k}", k + 1) for k, t in ((1, tensor1), (2, tensor2))]
        for ys in others:
            _fit(xs, ys)
        return list(zip(xs, *others, _factors(called, xs, factor)))

    def function(
        self: Any, tensor1: Any, tensor2: Any, scalars: Any = 1, *, value: Any = None
    ) -> tuple[Tensor, ...]:
        factor = scalars if value is None else value
        title = _titled(name, f"Backward0{'ScalarList' if isinstance(factor, LISTS) else 'Scalar'}")

        def f(x: Any, y: Any, z: Any, by: Any) -> Any:
            return FUNCTIONS[name](x, y, z, value=by)

        return tuple([_one(title, f, *r) for r in rows(called, self, tensor1, tensor2, factor)])

    def written(
        self: Any, tensor1: Any, tensor2: Any, scalars: Any = 1, *, value: Any = None
    ) -> Any:
        factor = scalars if value is None else value
        for x, y, z, by in rows(called + "_", self, tensor1, tensor2, factor):
            getattr(Tensor, name + "_")(x, y, z, value=by)
        return self

    function.__doc__ = f"`{name}` of each three tensors, with a factor or one for each."
    written.__doc__ = f"`{name}` of each three tensors, in place."
    _offer(called, function)
    _offer(called + "_", written)


_ternary("addcmul")
_ternary("addcdiv")


def _lerped(called: str, self: Any, tensors1: Any, weight: Any) -> list[tuple[Any, ...]]:
    xs = _tensors(called, self)
    ys = _tensors(called, tensors1, "tensors1", 2)
    _fit(xs, ys)
    return list(zip(xs, ys, _spread(called, xs, weight)))


def _lerp(self: Any, tensors1: Any, weight: Any) -> tuple[Tensor, ...]:
    """`lerp` between each two tensors. Raises RuntimeError for lists of other lengths."""
    rows = _lerped("_foreach_lerp", self, tensors1, weight)
    suffix = {"List": "Backward1List", "ScalarList": "Backward0ScalarList"}
    title = _titled("lerp", suffix.get(_kind(weight), "Backward0Scalar"))
    return tuple([_one(title, FUNCTIONS["lerp"], *row) for row in rows])


def _lerp_(self: Any, tensors1: Any, weight: Any) -> Any:
    """`lerp` between each two tensors, in place."""
    for x, y, w in _lerped("_foreach_lerp_", self, tensors1, weight):
        x.lerp_(y, w)
    return self


_offer("_foreach_lerp", _lerp)
_offer("_foreach_lerp_", _lerp_)

# --- copies, products, norms ----------------------------------------------------------------------


def _clone(self: Any, *, memory_format: Any = None) -> tuple[Tensor, ...]:
    """A copy of each tensor."""
    f = FUNCTIONS["clone"]
    kwargs = {} if memory_format is None else {"memory_format": memory_format}
    xs = _tensors("_foreach_clone", self)
    return tuple([_one("ForeachCloneBackward0", lambda x: f(x, **kwargs), x) for x in xs])


def _copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
    """Each tensor's elements written to another."""
    xs, ys = _tensors("_foreach_copy_", self), _tensors("_foreach_copy_", src, "src", 2)
    _fit(xs, ys)
    for x, y in zip(xs, ys):
        x.copy_(y)
    return self


def _zero_(self: Any) -> Any:
    """Zeros in each tensor."""
    for x in _tensors("_foreach_zero_", self):
        x.zero_()
    return self


def _mm(self: Any, mat2: Any) -> tuple[Tensor, ...]:
    """Products of each two matrices."""
    xs = _tensors("_foreach_mm", self)
    if not isinstance(mat2, LISTS) or len(mat2) != len(xs):
        raise RuntimeError("_foreach_mm: self and mat2 must have the same number of tensors")
    return tuple([_one("ForeachMmBackward0", FUNCTIONS["mm"], x, y) for x, y in zip(xs, mat2)])


def _max(self: Any) -> tuple[Tensor, ...]:
    """The greatest element of each tensor."""
    xs = _tensors("_foreach_max", self)
    if any(not x.numel() for x in xs):
        raise RuntimeError(
            "_foreach_max cannot compute the maximum of an empty tensor; max over zero elements is "
            "undefined."
        )
    return tuple([_one("ForeachMaxBackward1", FUNCTIONS["max"], x) for x in xs])


def _norm(self: Any, ord: Any = 2, dtype: Any = None) -> tuple[Tensor, ...]:
    """The norm of each tensor's elements."""
    xs = _tensors("_foreach_norm", self)
    if ord == float("inf") and any(not x.numel() for x in xs):
        raise RuntimeError(
            "_foreach_norm cannot compute the infinity norm on an empty tensor because the "
            "operation does not have an identity"
        )
    if type(ord) in (int, float) and dtype is None and all(x.numel() for x in xs) and apart(xs):
        nodes = each(_norms(float(ord)), xs)
        return tuple([wrap(node, x.dtype) for node, x in zip(nodes, xs)])
    f = lambda x: FUNCTIONS["norm"](x, ord, dtype=dtype)  # noqa: E731
    return tuple([_one("ForeachNormBackward0", f, x) for x in xs])


@lru_cache
def _norms(ord: float) -> Callable[..., list[Node]]:
    return lambda *nodes: [norm_of_all(x, ord) for x in nodes]


def _powsum(self: Any, ord: Any = 2, dtype: Any = None) -> tuple[Tensor, ...]:
    """The sum of powers of each tensor's absolute values. Raises NotImplementedError for ints."""
    xs = _tensors("_foreach_powsum", self)
    for x in xs:
        refuse(x, "powsum_cpu", "01")
    with_no_history = [x.detach() for x in xs]
    return tuple([(x if dtype is None else x.to(dtype)).abs().pow(ord).sum()
                  for x in with_no_history])  # fmt: skip


for _name, _f in (("clone", _clone), ("copy_", _copy_), ("zero_", _zero_), ("mm", _mm),
                  ("max", _max), ("norm", _norm), ("powsum", _powsum)):  # fmt: skip
    _offer(f"_foreach_{_name}", _f)
