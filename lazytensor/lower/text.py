"""Plans and kernels as text that reads as Python.

What enters: a plan or a kernel. What leaves: text: kernels as loop nests, steps as statements. It
must not know targets.
"""

from .kernel import Call, Kernel, Launch, Plan, Stage

# Rows that the name of a kernel has.
MOST_NAMES = 4
_SHORT = {"float": "f", "int": "i", "uint": "u", "complex": "c"}


def _dtype(dtype: object) -> str:
    name = str(dtype)
    head = name.rstrip("0123456789")
    return _SHORT.get(head, head) + name[len(head) :]


class _Names:
    """Names of a kernel's values: x0 … for inputs, literals for constants, t0 … for stages, y0 …
    for outputs.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        first = len(kernel.inputs) + len(kernel.constants)
        self.names = [f"x{i}" for i in range(len(kernel.inputs))]
        self.names += [repr(c.value) for c in kernel.constants]
        self.names += [f"t{i}" for i in range(len(kernel.stages))]
        for i, number in enumerate(kernel.outputs):
            self.names[number] = f"y{i}"
        self.first = first

    def axes(self, number: int) -> str:
        """The index of a value: `[r, c]`, `[r]`, `[c]`, or nothing for a scalar."""
        kernel, rank = self.kernel, self.kernel.rank
        letters = ["r", "c"] if kernel.reduced else [f"i{k}" for k in range(rank)]
        if number < len(kernel.inputs):
            used = [a for a, on in zip(letters, kernel.inputs[number].axes, strict=True) if on]
        elif number < self.first:
            used = []
        else:
            used = letters if not kernel.reduced or kernel.level(number) == "full" else ["r"]
        return f"[{', '.join(used)}]" if used else ""

    def read(self, number: int) -> str:
        """The value as it stands in an expression."""
        return self.names[number] + self.axes(number)


def kernel_name(kernel: Kernel) -> str:
    """A short name: the first of the rows that it computes, and how many there are more."""
    names = [stage.op.name for stage in kernel.stages if stage.op.kind != "movement"]
    rest = len(names) - MOST_NAMES
    return "+".join(names[:MOST_NAMES]) + (f"+{rest} more" if rest > 0 else "")


def kernel_text(kernel: Kernel, name: str = "kernel") -> str:
    """A kernel as a loop nest."""
    names = _Names(kernel)
    inputs = ", ".join(f"{names.read(i)}: {_dtype(x.dtype)}" for i, x in enumerate(kernel.inputs))
    made = [f"{names.read(n)}: {_dtype(kernel.dtype(n))}" for n in kernel.outputs]
    made += [f"s{i}[c]: {_dtype(kernel.dtype(n))}" for i, n in enumerate(kernel.totals)]
    outputs = ", ".join(made)
    axes = (
        "r in rows"
        if kernel.reduced
        else ", ".join(f"i{k}" for k in range(kernel.rank)) + " in space"
    )
    loop = [f"    for {axes}:"] if kernel.rank else []
    indent = "        " if loop else "    "
    lines = [
        indent + _stage(stage, names, i + names.first) for i, stage in enumerate(kernel.stages)
    ]
    sums = [f"    s{i}[c] = sum over r of {names.read(n)}" for i, n in enumerate(kernel.totals)]
    return "\n".join([f"kernel {name}({inputs}) -> {outputs}:", *loop, *lines, *sums])


def _stage(stage: Stage, names: _Names, number: int) -> str:
    args = [names.read(a) for a in stage.args]
    target = names.read(number)
    if stage.reduces:
        return f"{target} = {stage.op.name} over c of {args[0]}"
    return f"{target} = {stage.op.name}({', '.join([*args, *map(str, stage.params)])})"


def describe(plan: Plan) -> str:
    """A plan: its kernels, then its steps with the shapes they make and the buffers that are free
    after them.
    """
    kernels: dict[Kernel, str] = {}
    steps = [_step(step, kernels) for step in plan.steps]
    texts = [kernel_text(kernel, name) for kernel, name in kernels.items()]
    inputs = ", ".join(f"b{i}" for i in range(len(plan.inputs)))
    outputs = ", ".join(f"b{i}" for i in plan.outputs)
    constants = [f"    b{slot} = {value.item()!r}" for slot, value in plan.constants]
    body = [*constants, *steps, f"    return {outputs}"]
    return "\n\n".join([*texts, "\n".join([f"plan({inputs}):", *body])])


def _step(step: Launch | Call, kernels: dict[Kernel, str]) -> str:
    args = [f"b{i}" for i in step.args]
    outs = ", ".join(f"b{i}" for i in step.outs)
    if isinstance(step, Launch):
        name = kernels.setdefault(step.kernel, f"k{len(kernels)}")
        types = zip(step.dtypes, step.shapes, strict=True)
        made = ", ".join([f"{_dtype(dtype)}{list(shape)}" for dtype, shape in types])
    else:
        name = step.op.name
        args += [repr(p) for p in step.params]
        made = (
            f"{step.dtype}{step.shape}"
            if step.op.outputs > 1
            else f"{_dtype(step.dtype)}{list(step.shape)}"
        )
    freed = [f"b{i}" for i in step.drops]
    note = f"; frees {', '.join(freed)}" if freed else ""
    return f"    {outs} = {name}({', '.join(args)})  # {made}{note}"
