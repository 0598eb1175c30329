"""Text of arrays: `repr`, `str` and HTML, with NumPy's print options and bounded in size.

What enters: a node, and its value where that has been asked for. What leaves: text. It must not
know class Array, and the HTML must start no work.
"""

from typing import Any

import numpy as np

from .._base.devices import device as device_of
from .._base.errors import publish
from ..ir.graph import ancestors
from ..ir.node import PLACEHOLDER, TRACING, Node
from ..runtime.materialize import asked

__all__ = ["set_printoptions"]

# Elements of a summary that are written out at most; NumPy shows six along each axis of a large
# array, which is a great deal for one of many axes.
MOST = 6**4

_options: dict[str, Any] = {}


def set_printoptions(
    *,
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    suppress: bool | None = None,
    nanstr: str | None = None,
    infstr: str | None = None,
    sign: str | None = None,
    floatmode: str | None = None,
    formatter: dict[str, Any] | None = None,
) -> None:
    """How arrays are shown, where it shall differ from `numpy.set_printoptions`, whose names these
    are.

    An option left out (None) stays as it is; without any, all follow NumPy again. Raises TypeError
    and ValueError as NumPy does.
    """
    given = {name: option for name, option in locals().items() if option is not None}
    with np.printoptions(**given):
        pass
    if not given:
        _options.clear()
    _options.update(given)


def traced(node: Node) -> bool:
    """Whether the value hangs on an argument of a function that is being traced."""
    if node.value is not None or not TRACING.depth:
        return False
    above = ancestors([node], lambda n: n.value is not None)
    return any(n.op is PLACEHOLDER for n in above)


def _shown(n: int, edge: int) -> int:
    return min(n, 2 * edge)


def _edgeitems(shape: tuple[int, ...], options: Any) -> int:
    """As many items at the edges as keep the text bounded; 0 where even one is too many."""
    edge = int(options["edgeitems"])
    while edge and np.prod([_shown(n, edge) for n in shape], dtype=float) > MOST:
        edge -= 1
    return edge


def _body(x: np.ndarray[Any, Any], prefix: str, suffix: str, separator: str) -> str:
    with np.printoptions(**_options):
        options = np.get_printoptions()
        if x.size > options["threshold"]:
            edge = _edgeitems(x.shape, options)
            if not edge:
                return "..."
            np.set_printoptions(edgeitems=edge)
        return np.array2string(x, prefix=prefix, suffix=suffix, separator=separator)


def _tail(node: Node) -> str:
    parts = [f"dtype={node.dtype.name}"]
    if 0 in node.shape and node.shape != (0,):
        parts.insert(0, f"shape={node.shape}")
    if node.device is not device_of(None):
        parts.append(f"device={str(node.device)!r}")
    return ", ".join(parts)


def array_repr(node: Node) -> str:
    """`Array([1., 2.], dtype=float64)`: computes the value."""
    tail = _tail(node)
    if traced(node):
        return f"Array(traced, shape={node.shape}, {tail})"
    body = _body(asked(node), "Array(", ")", ", ")
    last = body.rsplit("\n", 1)[-1]
    width = _options.get("linewidth", np.get_printoptions()["linewidth"])
    start = len("Array(") if "\n" not in body else 0
    fits = start + len(last) + len(tail) + 3 <= width
    return f"Array({body},{' ' if fits else chr(10) + ' ' * 6}{tail})"


def array_str(node: Node) -> str:
    """As `str` of a NumPy array: computes the value."""
    return array_repr(node) if traced(node) else _body(asked(node), "", "", " ")


def _escaped(text: str) -> str:
    """Text for HTML; the module `html` would cost a millisecond of the import."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def array_html(node: Node) -> str:
    """A table of shape, dtype, device and state; with the values if few and known already."""
    rows = {"shape": node.shape, "dtype": node.dtype.name, "device": str(node.device)}
    if node.value is None:
        pending = sum(n.value is None for n in ancestors([node], lambda n: n.value is not None))
        rows["state"] = f"pending, {pending} operation{'s' if pending != 1 else ''}"
    else:
        rows["state"] = "computed"
    cells = "".join(f"<tr><th>{k}</th><td>{_escaped(str(v))}</td></tr>" for k, v in rows.items())
    html = f"<table>{cells}</table>"
    if node.value is not None and node.value.size <= np.get_printoptions()["threshold"]:
        html += f"<pre>{_escaped(_body(asked(node), '', '', ' '))}</pre>"
    return html


publish(globals())
