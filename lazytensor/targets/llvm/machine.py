"""The processor at hand, and machine code for it.

What enters: the text of a module. What leaves: the address of a function. Object code comes from a
store of files where there is one, so that a second process compiles nothing. It must not know
kernels.
"""

import threading
from collections import deque
from typing import Any

from ..._base.digests import digest
from .host import IN_ORDER, Host

# Lines of a text up to which the compiler takes its time; it takes more than twice as long to make
# code that is some 8 % faster. What has to be there soon takes a third of that again.
LONG = 800
SOON = 0


class Machine:
    """Compiles and links modules; one for the process."""

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
        self.host = _host(features, llvm.get_process_triple())
        self._lock = threading.RLock()
        self._reorders = True
        self._compilers: dict[int, Any] = {}
        version = f"{llvmlite.__version__} {llvm.llvm_version_info}"
        self.identity = f"{version} {self._name} {self._features}"

    def _target(self, effort: int) -> Any:
        return self._target_of_host.create_target_machine(
            cpu=self._name, features=self._features, opt=effort, jit=True
        )

    def key(self, text: str) -> str:
        """What names the object code of a text."""
        return digest(f"{self.identity}\n{text}".encode()).hex()

    def compile(self, text: str, soon: bool = False) -> bytes:
        """Object code, with little effort if it is wanted `soon`: the same results, later. Raises
        RuntimeError for a text that is no module.
        """
        with self._lock:
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

    def link(self, code: bytes, name: str) -> "Linked":
        """A function of object code. Code of functions that are gone is unloaded."""
        with self._lock:
            _GONE.clear()
            empty = self._llvm.parse_assembly("")
            # code is there: a target without features is made in a quarter of the time
            target = self._target_of_host.create_target_machine(jit=True)
            engine = self._llvm.create_mcjit_compiler(empty, target)
            engine.remove_module(empty)  # which would be compiled
            engine.add_object_file(self._llvm.ObjectFileRef.from_data(code))
            engine.finalize_object()
            return Linked(int(engine.get_function_address(name)), engine)

    def provide(self, name: str, address: int) -> None:
        """Let modules call a function of this process by name."""
        self._llvm.add_symbol(name, address)


# Code of functions that are gone. It is unloaded by whoever links next, under the lock that a fork
# waits for: finalizers run anywhere.
_GONE: deque[Any] = deque()


class Linked:
    """A function in memory: whoever calls its `address` keeps this."""

    __slots__ = ("_code", "address")

    def __init__(self, address: int, code: Any) -> None:
        self.address = address
        self._code = code

    def __del__(self, gone: deque[Any] = _GONE) -> None:
        gone.append(self._code)


def _host(features: Any, triple: str) -> Host:
    def has(name: str) -> bool:
        return bool(features.get(name, False))

    nbytes = 64 if has("avx512f") and has("avx512vl") else 32 if has("avx") else 16
    arm = triple.startswith(("aarch64", "arm64"))
    registers = 32 if nbytes == 64 or arm else 16
    return Host(nbytes, has("fma") or arm, has("f16c") or arm, registers)


_machine: Machine | None = None
_making = threading.Lock()


def machine() -> Machine:
    """The machine of this process, made when it is first asked for."""
    global _machine
    with _making:
        if _machine is None:
            _machine = Machine()
        return _machine


def unique(key: str) -> str:
    """A name for the function of a text that no other text's function has."""
    return f"lazytensor_{key[:24]}"
