"""The compiler: machine code of texts.

What enters: the text of a module. What leaves: object code; functions in memory; what is known of
the processor. LLVM is loaded where there is something to compile. It must not know kernels.
"""

from typing import Any

from .form import IN_ORDER

# Lines of a text up to which the compiler takes its time; it takes more than twice as long to make
# code that is some 8 % faster. What has to be there soon takes a third of that again.
LONG = 800
SOON = 0


class Compiler:
    """Compiles modules, and links what `loading` doesn't know. One thread at a time may use it."""

    def __init__(self) -> None:
        import llvmlite
        import llvmlite.binding as llvm

        self._llvm = llvm
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._target_of_host = llvm.Target.from_default_triple()
        features = llvm.get_host_cpu_features()
        self._name = llvm.get_host_cpu_name()
        self._features = features.flatten()
        self._reorders = True
        self._compilers: dict[int, Any] = {}
        version = f"{llvmlite.__version__} {llvm.llvm_version_info}"
        host = _host(features, llvm.get_process_triple())
        self.said = f"{host}\n{version} {self._name} {self._features}"

    def _target(self, effort: int) -> Any:
        return self._target_of_host.create_target_machine(
            cpu=self._name, features=self._features, opt=effort, jit=True
        )

    def compile(self, text: str, soon: bool) -> bytes:
        """See `Machine.compile`."""
        effort = SOON if soon else 2 if text.count("\n") <= LONG else 1
        if effort not in self._compilers:
            self._compilers[effort] = self._target(effort)
        compiler = self._compilers[effort]
        module = self._llvm.parse_assembly(text)
        if not soon:
            self._inline(module, compiler)
        try:
            self._reorder(not text.startswith(IN_ORDER))
            code: bytes = compiler.emit_object(module)
        finally:
            self._reorder(True)
        return code

    def _reorder(self, may: bool) -> None:
        """Whether instructions may be put in another order, for the sake of registers. It is asked
        of the process: what others compile meanwhile runs as well either way.
        """
        if may is not self._reorders:
            self._reorders = may
            self._llvm.set_option("", f"-enable-misched={'true' if may else 'false'}")

    def _inline(self, module: Any, compiler: Any) -> None:
        """The only pass: IR is written as it is to run, but for functions with rare cases."""
        passes = self._llvm.create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        options = self._llvm.create_pipeline_tuning_options(speed_level=0)
        passes.run(module, self._llvm.create_pass_builder(compiler, options))

    def link(self, code: bytes, name: str, given: dict[str, int]) -> tuple[int, Any]:
        """The address of a function, and what holds it."""
        for function, address in given.items():
            self._llvm.add_symbol(function, address)
        empty = self._llvm.parse_assembly("")
        # code is there: a target without features is made in a quarter of the time
        target = self._target_of_host.create_target_machine(jit=True)
        engine = self._llvm.create_mcjit_compiler(empty, target)
        engine.remove_module(empty)  # which would be compiled
        engine.add_object_file(self._llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        return int(engine.get_function_address(name)), engine


def _host(features: Any, triple: str) -> str:
    """Numbers of what a Host is made."""

    def has(name: str) -> bool:
        return bool(features.get(name, False))

    nbytes = 64 if has("avx512f") and has("avx512vl") else 32 if has("avx") else 16
    arm = triple.startswith(("aarch64", "arm64"))
    registers = 32 if nbytes == 64 or arm else 16
    return f"{nbytes} {int(has('fma') or arm)} {int(has('f16c') or arm)} {registers}"
