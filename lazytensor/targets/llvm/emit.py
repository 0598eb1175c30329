"""From a kernel to the text of a native function, `i64 kernel(i64 lo, i64 hi, ptr pointers,
ptr words)`.

It computes rows `lo` to `hi`, or, where there are no rows, columns. What enters: a Kernel, how its
operands lie, and what the processor has. What leaves: the text of a module, and what memory a row
wants. It must not know sizes.
"""

from ...lower.kernel import Kernel
from .across import Across
from .along import Along
from .emitter import Form, Module
from .host import Host
from .tall import Tall
from .tiled import Tiled

__all__ = ["Form", "Host", "Module", "emit"]


def emit(kernel: Kernel, form: Form, host: Host) -> Module:
    """The module of a kernel. Raises Unsupported."""
    kind = Tall if kernel.totals else Across if form.across else Tiled if form.crossing else Along
    return kind(kernel, form, host).module()
