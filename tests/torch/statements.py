"""Lines of random PyTorch programs: creation, views, arithmetic, writes, autograd.

Each function takes a Writer, which knows the variables so far with their shapes and values, and
gives one line of Python over `torch`, `np`, `log` and variables, or None where none fits. Lines are
mostly right; now and then an index or a shape is wrong on purpose, and what autograd refuses comes
about by itself. Values are small multiples of a quarter, so that most arithmetic is exact. Memory
that nobody has written to is never read. How lines are run and compared is not known here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

import torch

LARGE = 1 << 10  # products of larger values are not made
MOST_ELEMENTS = 96
SHAPES = [(), (1,), (3,), (4,), (2, 3), (3, 2), (3, 1), (1, 4), (4, 4), (2, 3, 2), (2, 1, 3), (5,)]
SHAPES += [(2, 0), (6,), (2, 2, 1, 3)]
FLOATS = ("float32", "float32", "float64")
DTYPES = (*FLOATS, *FLOATS, *FLOATS, "int64", "int64", "int32", "bool", "complex64")


class Writer(Protocol):
    """What statements see of a program that is being written."""

    rng: random.Random

    def pick(self, *conditions: Condition) -> str | None:
        """The name of a tensor so far for which all the conditions hold."""

    def value(self, name: str) -> torch.Tensor:
        """The tensor of a name."""

    def new(self) -> str:
        """A name for a new tensor."""

    def arrays(self) -> list[str]:
        """Names of NumPy arrays that share memory with tensors."""

    def hooks(self) -> list[str]:
        """Names of handles of hooks."""


Condition = Callable[[torch.Tensor], bool]
Statement = Callable[[Any], "str | None"]
STATEMENTS: list[tuple[int, Statement]] = []


def statement(weight: int) -> Callable[[Statement], Statement]:
    """Register a statement with how often it is drawn."""

    def register(f: Statement) -> Statement:
        STATEMENTS.append((weight, f))
        return f

    return register


# --- conditions and pieces ------------------------------------------------------------------------


def floating(t: torch.Tensor) -> bool:
    """Real floating-point."""
    return t.is_floating_point()


def differentiable(t: torch.Tensor) -> bool:
    """With a history, or a leaf that needs a gradient."""
    return t.requires_grad


def modest(t: torch.Tensor) -> bool:
    """Of values whose products are small."""
    with torch.no_grad():
        return t.dtype == torch.bool or bool((t.detach().abs() < LARGE).all())


def nonscalar(t: torch.Tensor) -> bool:
    """With a dimension."""
    return t.dim() > 0


def filled(t: torch.Tensor) -> bool:
    """With an element."""
    return t.numel() > 0


def numbers(w: Writer, shape: tuple[int, ...], dtype: str) -> Any:
    """Nested lists of a shape: multiples of a quarter, or integers, or bools."""
    if shape:
        return [numbers(w, shape[1:], dtype) for _ in range(shape[0])]
    if dtype == "bool":
        return w.rng.random() < 0.5
    if dtype == "complex64":
        return complex(w.rng.randint(-4, 4), w.rng.randint(-4, 4) / 2)
    value = w.rng.randint(-12, 12)
    return value // 2 if dtype.startswith("int") else value / 4


def dim(w: Writer, t: torch.Tensor, extra: int = 0) -> int:
    """A dimension of a tensor, from either end; once in 40 one that isn't there."""
    n = t.dim() + extra
    if w.rng.random() < 0.025:
        return n + 1
    return w.rng.randint(-n, n - 1) if n else 0


def index(w: Writer, t: torch.Tensor) -> str:
    """A basic index: integers, slices, None and an ellipsis."""
    parts = [_index_part(w, n) for n in t.shape[: w.rng.randint(0, t.dim())]]
    if w.rng.random() < 0.2:
        parts.insert(w.rng.randint(0, len(parts)), "None")
    if w.rng.random() < 0.2 or not parts:
        parts.append("...")
    return ", ".join(parts)


def _index_part(w: Writer, n: int) -> str:
    kind = w.rng.random()
    if kind < 0.03:
        return str(n)
    if kind < 0.4 and n:
        return str(w.rng.randint(-n, n - 1))
    if kind < 0.6:
        return ":"
    start, stop = sorted((w.rng.randint(0, n), w.rng.randint(0, n)))
    step = w.rng.choice(["", "", ":2", ":3"])
    return f"{start}:{stop}{step}"


def refactored(w: Writer, t: torch.Tensor) -> tuple[int, ...]:
    """A shape of as many elements; once in 40 of more."""
    n = t.numel()
    if w.rng.random() < 0.025:
        return (n + 1,)
    if n == 0:
        return (0,)
    first = w.rng.choice([d for d in range(1, n + 1) if n % d == 0])
    rest = n // first
    second = w.rng.choice([d for d in range(1, rest + 1) if rest % d == 0])
    return w.rng.choice([(first, rest), (first, second, rest // second), (n,), (-1,), (-1, first)])


def one(w: Writer, *options: str) -> str:
    """One of the options."""
    return w.rng.choice(options)


def scalar(w: Writer) -> str:
    """A Python number."""
    return w.rng.choice(["2", "0.5", "-1", "3", "1.5", "-0.25", "0", "True"])


def distinct(t: torch.Tensor) -> bool:
    """Without elements that lie in one place of memory, unless by a stride of 0.

    What a write to others gives depends on the order in which PyTorch's kernels take the elements.
    """
    reach = 0
    for step, n in sorted((s, n) for s, n in zip(t.stride(), t.shape) if n > 1 and s):
        if step <= reach:
            return False
        reach += step * (n - 1)
    return True


def apart(t: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether no element of one is written while the other is still to be read there, unless
    PyTorch refuses that: it does for tensors without gaps. Else what is read depends on the order
    in which its kernels take the elements.
    """
    same = (t.shape, t.stride(), t.storage_offset()) == (
        other.shape, other.stride(), other.storage_offset()
    )  # fmt: skip
    if same or t.untyped_storage().data_ptr() != other.untyped_storage().data_ptr():
        return True
    mine, theirs = places(t), places(other)
    return not mine & theirs or (gapless(mine, t) and gapless(theirs, other))


def places(t: torch.Tensor) -> set[int]:
    """Where in memory the elements begin, in bytes."""
    size = t.element_size()
    found = {t.storage_offset() * size} if t.numel() else set()
    for step, n in zip(t.stride(), t.shape):
        found = {p + i * step * size for p in found for i in range(n)}
    return found


def gapless(found: set[int], t: torch.Tensor) -> bool:
    """Whether the places are those of elements one after another, each shown once."""
    return len(found) == t.numel() == (max(found) - min(found)) // t.element_size() + 1


def partner(w: Writer, t: torch.Tensor, *more: Condition) -> str | None:
    """A tensor that broadcasts with this one."""

    def fits(other: torch.Tensor) -> bool:
        pairs = zip(t.shape[::-1], other.shape[::-1])
        return all(a == b or 1 in (a, b) for a, b in pairs)

    return w.pick(fits, modest, *more) if w.rng.random() < 0.95 else w.pick(modest, *more)


def read_for(w: Writer, t: torch.Tensor) -> str | None:
    """A tensor that broadcasts with this one, which it is written to."""
    return partner(w, t, lambda other: apart(t, other))


# --- creation -------------------------------------------------------------------------------------


@statement(6)
def make(w: Writer) -> str:
    """A tensor from nested lists."""
    dtype = w.rng.choice(DTYPES)
    values = numbers(w, w.rng.choice(SHAPES), dtype)
    needs = dtype in (*FLOATS, "complex64") and w.rng.random() < 0.6
    tail = ", requires_grad=True" if needs else ""
    return f"{w.new()} = torch.tensor({values}, dtype=torch.{dtype}{tail})"


@statement(3)
def fill(w: Writer) -> str:
    """A tensor of known values."""
    shape, dtype = w.rng.choice(SHAPES), w.rng.choice(FLOATS)
    return f"{w.new()} = " + w.rng.choice(
        [
            f"torch.ones({shape}, requires_grad=True)",
            f"torch.full({shape}, 0.25, dtype=torch.{dtype})",
            "torch.arange(6.0).reshape(2, 3)",
            "torch.arange(24.0, requires_grad=True).view(2, 3, 4).transpose(0, 2)",
            "torch.linspace(0, 1, 5, dtype=torch.float64, requires_grad=True)",
            "torch.eye(3)",
        ]
    )


@statement(1)
def like(w: Writer) -> str | None:
    """A tensor like another."""
    name = w.pick()
    f = w.rng.choice(["zeros_like", "ones_like"])
    return name and f"{w.new()} = torch.{f}({name})"


@statement(2)
def foreign(w: Writer) -> str:
    """Memory of NumPy's that a tensor shares."""
    name = w.new()
    dtype = w.rng.choice(FLOATS)
    values = numbers(w, w.rng.choice(SHAPES[1:8]), dtype)
    array = f"a{name[1:]} = np.array({values}, dtype=np.{dtype})"
    return f"{array}; {name} = torch.from_numpy(a{name[1:]})"


# --- views ----------------------------------------------------------------------------------------


@statement(10)
def take(w: Writer) -> str | None:
    """A basic index."""
    name = w.pick(nonscalar)
    return name and f"{w.new()} = {name}[{index(w, w.value(name))}]"


@statement(12)
def rearrange(w: Writer) -> str | None:
    """Transposed, permuted, with a dimension more or less."""
    name = w.pick()
    if name is None:
        return None
    t = w.value(name)
    order = w.rng.sample(range(t.dim()), t.dim())
    a, b = dim(w, t), dim(w, t)
    call = w.rng.choice(
        [
            f"transpose({a}, {b})",
            f"permute({order})",
            f"unsqueeze({dim(w, t, 1)})",
            "squeeze()",
            f"squeeze({a})",
            f"movedim({a}, {b})",
            f"flatten({min(a, b)}, {max(a, b)})" if a * b >= 0 else "flatten()",
            "detach()",
            f"view_as({name})",
            "mT" if t.dim() > 1 else "view(-1)",
        ]
    )
    return f"{w.new()} = {name}.{call}"


@statement(8)
def regroup(w: Writer) -> str | None:
    """Reshaped."""
    name = w.pick()
    if name is None:
        return None
    how = w.rng.choice(["view", "reshape", "reshape"])
    return f"{w.new()} = {name}.{how}({refactored(w, w.value(name))})"


@statement(8)
def part(w: Writer) -> str | None:
    """A piece along a dimension."""
    name = w.pick(nonscalar, filled)
    if name is None:
        return None
    t = w.value(name)
    d = w.rng.randrange(t.dim())
    n = t.shape[d]
    start = w.rng.randrange(n)
    length = w.rng.randint(0, n - start)
    pieces = w.rng.randint(1, n)
    size = w.rng.randint(1, n)
    call = w.rng.choice(
        [
            f"narrow({d}, {start}, {length})",
            f"select({d}, {start})",
            f"unfold({d}, {size}, {w.rng.randint(1, 2)})",
            f"unbind({d})[{start}]",
            f"chunk({pieces}, {d})[0]",
            f"split({size}, {d})[-1]",
            f"diagonal({w.rng.randint(-1, 1)})" if t.dim() > 1 else "diagonal()",
        ]
    )
    return f"{w.new()} = {name}.{call}"


@statement(3)
def repeat(w: Writer) -> str | None:
    """Expanded, or viewed through strides."""
    name = w.pick(filled, lambda t: t.numel() <= MOST_ELEMENTS // 3)
    if name is None:
        return None
    t = w.value(name)
    sizes = [n if n != 1 else w.rng.randint(1, 3) for n in t.shape]
    strided = f"as_strided(({t.numel()},), (1,), {t.storage_offset()})"
    fits = t.is_contiguous() and w.rng.random() < 0.3
    return f"{w.new()} = {name}." + (strided if fits else f"expand({[2, *sizes]})")


@statement(1)
def reinterpret(w: Writer) -> str | None:
    """The same bytes as another dtype."""
    name = w.pick(lambda t: t.dtype == torch.float32 and not t.requires_grad)
    return name and f"{w.new()} = {name}.view(torch.int32)"


@statement(1)
def parts_of_complex(w: Writer) -> str | None:
    """Views of and over complex numbers."""
    name = w.pick(torch.is_complex)
    how = w.rng.choice(["real", "imag", "conj()", "abs()"])
    return name and f"{w.new()} = {name}.{how}"


# --- values from values ---------------------------------------------------------------------------


@statement(10)
def with_scalar(w: Writer) -> str | None:
    """Arithmetic with a Python number."""
    name = w.pick(modest)
    op = w.rng.choice(["+", "-", "*", "*", "/"])
    pair = [name, scalar(w)]
    if w.rng.random() < 0.3:
        pair.reverse()
    return name and f"{w.new()} = {pair[0]} {op} {pair[1]}"


@statement(12)
def with_tensor(w: Writer) -> str | None:
    """Arithmetic of two tensors."""
    name = w.pick(modest)
    other = name and partner(w, w.value(name))
    if other is None:
        return None
    form = one(
        w,
        "{} + {}",
        "{} - {}",
        "{} * {}",
        "torch.maximum({}, {})",
        "torch.add({}, {}, alpha=2)",
        "torch.where({0} > 0, {0}, {1})",
        "{} < {}",
        "{} == {}",
        "torch.stack([{0}, {0}, {1}])",
    )
    return f"{w.new()} = {form.format(name, other)}"


@statement(8)
def function(w: Writer) -> str | None:
    """A function of each element."""
    name = w.pick(modest)
    call = one(
        w,
        "neg()",
        "abs()",
        "relu()",
        "sin()",
        "tanh()",
        "sigmoid()",
        "square()",
        "clone()",
        "clamp(-1, 2)",
        "double()",
        "contiguous()",
        "cos()",
        "sign()",
        "float()",
        "pow(2)",
    )
    return name and f"{w.new()} = {name}.{call}"


@statement(8)
def reduction(w: Writer) -> str | None:
    """A reduction, or a running one."""
    name = w.pick(modest, filled)
    if name is None:
        return None
    t = w.value(name)
    d = dim(w, t)
    keep = w.rng.choice(["", ", keepdim=True"])
    call = one(
        w,
        "sum()",
        "mean()",
        f"sum({d}{keep})",
        f"mean({d}{keep})",
        f"amax({d}{keep})",
        f"max({d}{keep})[0]",
        f"cumsum({d})",
        "max()",
        f"argmin({d}{keep})",
        f"min({d})[1]",
        f"sort({d})[0]",
        f"flip({d})",
        f"any({d})",
    )
    return f"{w.new()} = {name}.{call}"


@statement(3)
def product(w: Writer) -> str | None:
    """A matrix product."""
    name = w.pick(modest, nonscalar, lambda t: t.dim() < 3)
    if name is None:
        return None
    n = w.value(name).shape[-1]
    other = w.pick(modest, nonscalar, lambda t: t.shape[0] == n and t.dim() < 3)
    return other and f"{w.new()} = {name} @ {other}"


@statement(4)
def advanced(w: Writer) -> str | None:
    """Indexing by lists, tensors and masks."""
    name = w.pick(nonscalar, filled)
    if name is None:
        return None
    n = w.value(name).shape[0]
    places = [w.rng.randint(-n, n - 1) for _ in range(w.rng.randint(1, 4))]
    positive = [p % n for p in places]
    expression = w.rng.choice(
        [
            f"{name}[{places}]",
            f"{name}[torch.tensor({places})]",
            f"{name}[{name} > 0]",
            f"{name}.index_select(0, torch.tensor({positive}))",
            f"{name}.masked_fill({name} > 0, 0.5)",
            f"torch.cat([{name}, {name}[:1]])",
            f"{name}[..., {places}]",
        ]
    )
    return f"{w.new()} = {expression}"


# --- writes ---------------------------------------------------------------------------------------


def guarded(w: Writer, name: str, line: str) -> str:
    """The line, mostly without history where it writes to a leaf that needs a gradient."""
    t = w.value(name)
    try:
        often = t.requires_grad and (t.is_leaf or w.rng.random() < 0.1)
    except RuntimeError:  # a view that a write has ruined
        often = False
    return f"with torch.no_grad(): {line}" if often and w.rng.random() < 0.8 else line


@statement(10)
def write(w: Writer) -> str | None:
    """An in-place method."""
    name = w.pick(modest, distinct)
    if name is None:
        return None
    other = read_for(w, w.value(name)) or name
    call = one(
        w,
        f"add_({scalar(w)})",
        f"mul_({scalar(w)})",
        "neg_()",
        "zero_()",
        "fill_(0.5)",
        "relu_()",
        f"add_({other})",
        f"mul_({other})",
        f"copy_({other})",
        f"sub_({other}, alpha=2)",
        "clamp_(min=0)",
        "sigmoid_()",
        f"masked_fill_({name} > 1, 0.25)",
        "abs_()",
    )
    return guarded(w, name, f"{name}.{call}")


@statement(8)
def assign(w: Writer) -> str | None:
    """A write through an index."""
    name = w.pick(nonscalar, modest, distinct)
    if name is None:
        return None
    t = w.value(name)
    where = w.rng.choice([index(w, t), index(w, t), f"{name} > 0", "[0, -1]"])
    if where == "[0, -1]" and t.shape[0] == 0:
        return None
    other = w.pick(lambda o: o.dim() == 0 and apart(t, o)) if w.rng.random() < 0.4 else None
    op = w.rng.choice(["=", "=", "+=", "*="])
    return guarded(w, name, f"{name}[{where}] {op} {other or scalar(w)}")


@statement(3)
def augmented(w: Writer) -> str | None:
    """An augmented assignment, which writes in place."""
    name = w.pick(modest, distinct)
    op = w.rng.choice(["+=", "-=", "*="])
    return name and guarded(w, name, f"{name} {op} {read_for(w, w.value(name)) or scalar(w)}")


@statement(3)
def rows(w: Writer) -> str | None:
    """A write to some rows."""
    name = w.pick(nonscalar, filled, modest, distinct)
    if name is None:
        return None
    n = w.value(name).shape[0]
    places = [w.rng.randrange(n) for _ in range(2)]
    call = w.rng.choice(
        [
            f"index_fill_(0, torch.tensor({places}), 0.5)",
            f"index_add_(0, torch.tensor({places}), {name}[{places}].detach())",
            f"index_copy_(0, torch.tensor([{places[0]}]), {name}[:1].detach() * 2)",
        ]
    )
    return guarded(w, name, f"{name}.{call}")


@statement(3)
def reform(w: Writer) -> str | None:
    """A tensor's own shape changed, in place."""
    name = w.pick(nonscalar)
    if name is None:
        return None
    d = dim(w, w.value(name))
    call = w.rng.choice([f"unsqueeze_({d})", "squeeze_()", f"transpose_({d}, 0)", "detach_()"])
    return guarded(w, name, f"{name}.{call}")


@statement(3)
def into(w: Writer) -> str | None:
    """A result that goes into a given tensor."""
    name = w.pick(modest, distinct, lambda t: not t.requires_grad)
    t = w.value(name) if name else None
    other = name and w.pick(modest, lambda o: o.shape == t.shape and apart(t, o))
    f = w.rng.choice(["add({0}, 1, ", "mul({0}, {0}, ", "neg({0}, ", "maximum({0}, {0}, "])
    line = other and f"torch.{f.format(other)}out={name})"
    return line and (f"with torch.no_grad(): {line}" if w.rng.random() < 0.6 else line)


@statement(3)
def behind(w: Writer) -> str | None:
    """A write that autograd isn't told of, or is told of by the version only."""
    name = w.pick(modest, distinct)
    where = w.rng.choice(["data", "detach()"])
    call = w.rng.choice(["mul_(2)", "zero_()", "add_(1)"])
    return name and f"{name}.{where}.{call}"


@statement(3)
def from_outside(w: Writer) -> str | None:
    """A write by NumPy into memory that tensors share."""
    arrays = w.arrays()
    if not arrays:
        name = w.pick(lambda t: not t.requires_grad and not torch.is_complex(t) and t.dim() > 0)
        return name and f"a{name[1:]} = {name}.numpy()"
    return f"{w.rng.choice(arrays)}[..., :1] = {w.rng.randint(-3, 3)}"


# --- autograd -------------------------------------------------------------------------------------


@statement(8)
def backward(w: Writer) -> str | None:
    """Gradients into leaves."""
    name = w.pick(floating, differentiable, modest)
    if name is None:
        return None
    call = one(
        w,
        "{0}.sum().backward()",
        "({0} * {0}).sum().backward()",
        "{0}.backward()",
        "{0}.sum().backward(retain_graph=True)",
        "{0}.backward(torch.ones_like({0}))",
        "({0} * {0}).sum().backward(create_graph=True)",
    )
    return call.format(name)


@statement(5)
def gradient(w: Writer) -> str | None:
    """A gradient as a value."""
    name, leaf = (w.pick(floating, differentiable, modest) for _ in range(2))
    if name is None:
        return None
    new = w.new()
    flags = w.rng.choice(["", ", retain_graph=True", ", create_graph=True", ", create_graph=True"])
    unused = w.rng.choice(["", ", allow_unused=True", ", materialize_grads=True"])
    loss = w.rng.choice([f"{name}.sum()", f"({name} * {name} * {name}).sum()"])
    return f"{new} = torch.autograd.grad({loss}, {leaf}{flags}{unused})[0]"


@statement(3)
def hook(w: Writer) -> str | None:
    """A hook that notes a gradient, or changes it."""
    name = w.pick(differentiable)
    if name is None:
        return None
    handle = f"h{w.new()[1:]}"
    f = w.rng.choice(
        [
            f"register_hook(lambda g: log.append(('{name}', g.detach().sum().tolist())))",
            "register_hook(lambda g: g * 2)",
            "register_post_accumulate_grad_hook(lambda p: log.append(p.grad.sum().tolist()))",
        ]
    )
    return f"{handle} = {name}.{f}"


@statement(1)
def unhook(w: Writer) -> str | None:
    """A hook taken away."""
    hooks = w.hooks()
    return f"{w.rng.choice(hooks)}.remove()" if hooks else None


@statement(4)
def flag(w: Writer) -> str | None:
    """What a tensor needs or keeps."""
    name = w.pick(floating)
    call = one(w, "requires_grad_()", "requires_grad_(False)", "retain_grad()")
    return name and f"{name}.{call}"


@statement(3)
def reset(w: Writer) -> str | None:
    """A gradient taken away, written to or given."""
    name = w.pick(lambda t: t.is_leaf and t.grad is not None)
    line = w.rng.choice(["{0}.grad = None", "{0}.grad.zero_()", "{0}.grad = {0}.grad * 2"])
    return name and line.format(name)


@statement(2)
def without(w: Writer) -> str | None:
    """A value made without history."""
    name = w.pick(modest)
    mode = w.rng.choice(["no_grad", "no_grad", "inference_mode"])
    how = w.rng.choice(["{} * 2", "{}.view(-1)", "{}.clone()"])
    return name and f"with torch.{mode}(): {w.new()} = {how.format(name)}"


@statement(2)
def read(w: Writer) -> str | None:
    """A value taken out."""
    name = w.pick(modest)
    return name and f"log.append({name}.detach().sum().item())"


@statement(2)
def forget(w: Writer) -> str | None:
    """A name given up."""
    name = w.pick()
    return name and f"del {name}"
