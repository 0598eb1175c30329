"""From a kernel to the text of a native function, `i64 kernel(i64 lo, i64 hi, ptr pointers,
ptr words)`.

It computes rows `lo` to `hi`, or, where there are no rows, columns. What enters: a Kernel, how its
operands lie, and what the processor has. What leaves: the text of a module. It must not know sizes.
"""

from ...lower.kernel import Kernel
from .across import Across
from .along import Along
from .form import Form, Host
from .tall import Tall
from .tiled import Tiled


def emit(kernel: Kernel, form: Form, host: Host) -> str:
    """The module of a kernel. Raises Unsupported."""
    kind = Tall if kernel.totals else Across if form.across else Tiled if form.crossing else Along
    return kind(kernel, form, host).module()
