"""The op record: one row of the table.

What enters: the columns of a row. What leaves: the row, and `ROWS`, the table by name.
It must not know any particular row.
"""

from collections.abc import Callable
from typing import Any

ROWS: dict[str, "Op"] = {}


class _Marker:
    """A named value for a column that holds no rule."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


NONDIFF = _Marker("NONDIFF")
"""In the derivative columns: the result does not vary with the arguments, or is discrete."""

# Which columns each kind of row must fill; "derivative" stands for one of the sets in DERIVATIVES.
REQUIRED: dict[str, tuple[str, ...]] = {
    "elementwise": ("infer", "value", "body", "derivative", "batch", "doc"),
    "reduce": ("infer", "value", "derivative", "batch", "doc"),
    "movement": ("infer", "value", "derivative", "batch", "doc"),
    "gather": ("infer", "value", "derivative", "batch", "doc"),
    "contract": ("infer", "value", "derivative", "batch", "doc"),
    "scan": ("infer", "value", "derivative", "batch", "doc"),
    "linalg": ("infer", "value", "derivative", "batch", "doc"),
    "fft": ("infer", "value", "derivative", "batch", "doc"),
    "create": ("infer", "value", "doc"),
    "transfer": ("infer", "value", "derivative", "batch", "doc"),
    "random": ("infer", "value", "derivative", "batch", "doc"),
    "leaf": ("doc",),
}
DERIVATIVES: tuple[tuple[str, ...], ...] = (("partials",), ("transpose",), ("vjp", "jvp"))
COLUMNS = (
    "infer", "value", "body", "partials", "transpose", "vjp", "jvp", "batch", "doc",
)  # fmt: skip


class Op:
    """One primitive: its name, kind, parameters and rules (see `docs/architecture.md`, "The
    table").

    Rules take the array arguments first, then the parameters, positionally. `g` is a builder, `np`
    the NumPy-like module of the device, `s` an interpreter of scalar instructions, `y` the result,
    `ct` its cotangent:

    `picks` marks a view whose parameters say which elements it shows: of a known value it is taken
    at once, so that programs which differ in that alone are one.

    `index(*params)` is what a view can be taken by, `x[index]`, or None.

    `view` is `value` for readers that take elements in any order, as kernels do: what it gives may
    run backwards in memory.

    `into` is `value` written over the first argument, which nobody else has.

    `work(y, *args)` counts additions and multiplications from what has a shape, where they are more
    than one or so an element.

    - `infer(*args, *params) -> (shape, dtype)`; tuples of each for several outputs
    - `value(np, *arrays, *params) -> array`
    - `body(s, *scalars, *params) -> scalar`; of a reduction the step that combines two values
    - `partials(g, y, *args, *params) -> one partial derivative per argument` (None: zero; 1 and
      -1 as numbers)
    - `transpose(g, ct, *args, *params) -> one cotangent per argument (None: not linear in it)`
    - `vjp(g, ct, y, *args, *params) -> one cotangent per argument`
    - `jvp(g, tangents, y, *args, *params) -> tangent of the result` (a tangent may be None)
    - `batch(g, batched, *args, *params) -> result`; batched arguments, and the result, carry the
      batch on axis 0
    """

    __slots__ = (
        "name", "kind", "arity", "params", "domain", "outputs", "fails", "cheap", "smooth", "picks",
        "index", "view", "into", "work", *COLUMNS,
    )  # fmt: skip

    infer: Callable[..., tuple[Any, Any]]
    value: Any
    body: Any
    partials: Any
    transpose: Any
    vjp: Any
    jvp: Any
    batch: Any
    doc: str

    def __init__(
        self,
        name: str,
        kind: str,
        arity: int | None,
        *,
        params: tuple[str, ...] = (),
        domain: str = "biufc",
        outputs: int = 1,
        fails: bool = False,
        copies: bool = False,
        picks: bool = False,
        index: Callable[..., Any] | None = None,
        view: Callable[..., Any] | None = None,
        into: Callable[..., Any] | None = None,
        work: Callable[..., int] | None = None,
        **columns: Any,
    ) -> None:
        self.name = name
        self.kind = kind
        self.arity = arity
        self.params = params
        self.domain = domain
        self.outputs = outputs
        self.fails = fails
        self.picks = picks
        self.index = index
        self.view = view
        self.into = into
        self.work = work
        self.cheap = kind in ("elementwise", "movement", "create", "leaf") and not copies
        for column in COLUMNS:
            setattr(self, column, columns.pop(column, None))
        if columns:
            raise TypeError(f"op {name!r} has no column {', '.join(columns)}")
        self.smooth = any(
            getattr(self, c) not in (None, NONDIFF) for c in ("partials", "transpose", "vjp")
        )

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _by_name, (self.name,)

    def differentiable(self) -> bool:
        """Whether any derivative column holds a rule."""
        return self.smooth


def _by_name(name: str) -> Op:
    return ROWS[name]


def blanks(op: Op) -> list[str]:
    """Columns that the op's kind requires and that hold nothing."""
    out = []
    for column in REQUIRED[op.kind]:
        if column == "derivative":
            if not any(all(getattr(op, c) is not None for c in choice) for choice in DERIVATIVES):
                out.append(column)
        elif getattr(op, column) is None:
            out.append(column)
    return out


def register(op: Op) -> Op:
    """Put a row into the table. Raises ValueError for a blank column or a name that is taken."""
    if op.name in ROWS:
        raise ValueError(f"op {op.name!r} is in the table already")
    missing = blanks(op)
    if missing:
        raise ValueError(
            f"op {op.name!r} of kind {op.kind!r} has blank columns: {', '.join(missing)}"
        )
    ROWS[op.name] = op
    return op


Rule = Callable[..., Any]
