"""What a tensor becomes for Python: numbers, lists, arrays, text, copies; other dtypes and devices.

What enters: tensors. What leaves: Python and NumPy values, tensors. It must not know how anything
is computed.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from weakref import ref

import numpy as np

from .._base.devices import is_gpu
from ..ir.node import Node, known
from ..ops import g
from ..runtime import gpus
from ..runtime.materialize import NoValue, on_device
from . import _dtypes, _types
from ._dispatch import assign, op, refuse_leaf
from ._foreign import lent
from ._format import PRINT_OPTS, device_suffix, formatted, suffixes, text
from ._graph import MODE, Handle, refuse_within
from ._host import asked, beside, is_cuda, value
from ._overlap import refuse_overlap
from ._record import cast, run
from ._strides import refuse_wider
from .create import from_array, from_numpy, moved
from .parts import unbind
from .tensor import Tensor, is_contiguous, linked, memory
from .views import axis, clone, type_name

__all__ = ["array"]

Function = TypeVar("Function", bound=Callable[..., Any])


_ITEM = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling "
    ".item() on a Tensor, please try to rewrite what you're doing with other operations. If error "
    "is occurring somewhere inside PyTorch internals, please file a bug report."
)
_BRANCH = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We "
    "don't support that yet, please file an issue at https://github.com/pytorch/pytorch/issues ."
)
_PYTHON = frozenset((bool, int, float, complex))
_MEMORY = "Cannot access data pointer of Tensor that doesn't have storage"


def array(
    x: Tensor, refusal: str = _MEMORY, get: Callable[[Node], Any] = value
) -> np.ndarray[Any, Any]:
    """The tensor's value, not to be written to. Raises RuntimeError for one of many examples."""
    try:
        return get(x._read())  # type: ignore[no-any-return]
    except NoValue:
        raise RuntimeError(refusal) from None


def _shown(x: Tensor, refusal: str = _MEMORY) -> np.ndarray[Any, Any]:
    """`array` where it goes to the user."""
    return array(x, refusal, asked)


def method(f: Function) -> Function:
    """A method that is no function of the namespace."""
    op(f.__name__, function=False)(f)
    return f


def bound(name: str, f: Any) -> None:
    """A method that PyTorch's classes of overriding tensors know by its own name, or a property."""
    if name.startswith("__"):
        f.__name__ = f.__qualname__ = name
    setattr(Tensor, name, f)


# --- numbers --------------------------------------------------------------------------------------


@method
def item(input: Tensor) -> Any:
    """The one element as a Python number. Raises RuntimeError for more, or none."""
    if input._node.size != 1:
        raise RuntimeError(
            f"a Tensor with {input._node.size} elements cannot be converted to Scalar"
        )
    return _python(_shown(input, _ITEM).reshape(()))


def _python(x: np.ndarray[Any, Any]) -> Any:
    found = x.item()
    plain = type(found) in _PYTHON or x.dtype.name != "bfloat16"
    return found if plain else float(found)


@method
def tolist(input: Tensor) -> Any:
    """Nested lists of Python numbers."""
    found = _shown(input)
    return (found.astype(np.float32) if found.dtype.name == "bfloat16" else found).tolist()


def _bool(self: Tensor) -> bool:
    if self._node.size != 1:
        if not self._node.size:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    return bool(array(self, _BRANCH).reshape(()))


def _int(self: Tensor) -> int:
    return int(_real(self, "int64_t"))


def _float(self: Tensor) -> float:
    return float(_real(self, "double"))


def _real(self: Tensor, name: str) -> Any:
    """The one element as a real number. ValueError for several, RuntimeError where it has an
    imaginary part.
    """
    if self._node.size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    found = item(self)
    if type(found) is not complex:
        return found
    if found.imag:
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")
    return found.real


def _complex(self: Tensor) -> complex:
    return complex(item(self))


def _index(self: Tensor) -> int:
    if self.dtype._rank > 1 or self._node.size != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(item(self))


def _len(self: Tensor) -> int:
    if not self._node.shape:
        raise TypeError("len() of a 0-d tensor")
    return int(self._node.shape[0])


def _iter(self: Tensor) -> Iterator[Tensor]:
    if not self._node.shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(self, 0))


def _contains(self: Tensor, other: Any) -> bool:
    return bool(array(self == other).any())


for _name, _f in (("bool", _bool), ("int", _int), ("float", _float), ("complex", _complex),
                  ("index", _index), ("len", _len), ("iter", _iter),
                  ("contains", _contains)):  # fmt: skip
    bound(f"__{_name}__", _f)


# --- text -----------------------------------------------------------------------------------------


def _repr(self: Tensor) -> str:
    for depth in range(len(MODE.transforms), 0, -1):
        found = MODE.transforms[depth - 1].described(self, depth)
        if found is not None:
            return str(found)
    kind = type(self)
    plain = "_prints_as" in kind.__dict__
    prefix = "tensor(" if plain else f"{kind.__name__}("
    about = suffixes(
        str(self.dtype), self.shape, PRINT_OPTS,
        default_dtype=str(_dtypes.default()),
        device=_device_text(self.device),
        requires_grad=self.requires_grad,
        grad_fn=_record_text(self),
    )  # fmt: skip
    found = text(_shown(self), about, PRINT_OPTS, prefix=prefix)
    return found if plain or self._prints_as is None else f"{self._prints_as}({found})"


def _device_text(where: _types.device) -> str:
    return device_suffix(where.type, where.index, current=_types.HERE.cuda)


def _record_text(x: Tensor) -> str | None:
    """The name of the record that made a tensor, as it is printed."""
    try:
        fn = x.grad_fn
    except RuntimeError:  # a view of which a write can't be recorded
        return "Invalid"
    return None if fn is None else fn.name().rpartition(":")[2]


def _format(self: Tensor, spec: str) -> str:
    if not self._node.shape and type(self) is Tensor:
        return formatted(_shown(self), spec)
    return object.__format__(self, spec)


bound("__repr__", _repr)
bound("__format__", _format)


# --- arrays ---------------------------------------------------------------------------------------


@method
def numpy(input: Tensor, *, force: bool = False) -> np.ndarray[Any, Any]:
    """The tensor's own memory as an array: writes to either are seen by both.

    Raises RuntimeError for a tensor that needs a gradient, unless `force`.
    """
    if force:
        input = input.resolve_conj().resolve_neg()
    if is_cuda(input._node.device):
        if not force:
            raise TypeError(
                f"can't convert {input.device} device type tensor to numpy. Use Tensor.cpu() to "
                "copy the tensor to host memory first."
            )
        input = moved(input.detach(), "cpu")
    if input.requires_grad:
        if not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        return numpy(Tensor.detach(input))  # type: ignore[attr-defined]
    if input.dtype is _dtypes.bfloat16:
        raise TypeError("Got unsupported ScalarType BFloat16")
    return memory(input)


def _array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
    found = numpy(self)
    if dtype is not None and np.dtype(dtype) != found.dtype:
        return found.astype(dtype)
    return found.copy() if copy else found


bound("__array__", _array)


def _array_wrap(self: Tensor, array: np.ndarray[Any, Any], *how: Any) -> Tensor:
    """A tensor of what NumPy computed with one; of bool, uint8."""
    return from_numpy(array.astype(np.uint8) if array.dtype == bool else array)


bound("__array_wrap__", _array_wrap)


def _dlpack(self: Tensor, **kwargs: Any) -> Any:
    stream = kwargs.pop("stream", None)
    if is_cuda(lent(self)._node.device):
        return gpus.loaded().capsule(_on_gpu(self), stream=stream, **kwargs)
    return memory(self).__dlpack__(**kwargs)


def _on_gpu(x: Tensor) -> Any:
    """The tensor's elements as an array of CuPy's, which it keeps. Raises BufferError for a virtual
    device.
    """
    node = x._read()
    if not is_gpu(node.device):
        raise BufferError(f"Can't export tensors on {x.device}, which is virtual: use tensor.cpu()")
    found = on_device(node)
    if found is not node.value:
        x._node = known(found, node.dtype, node.device)
        if x._stor is not None and not x._steps:
            x._stor.node = x._node
    return found


def _cuda_interface(self: Tensor) -> dict[str, Any]:
    """Memory on a GPU, not to be written to. Raises AttributeError for tensors elsewhere."""
    if not is_gpu(self._node.device):
        raise AttributeError(
            f"Can't get __cuda_array_interface__ on non-CUDA tensor type: {type_name(self)} If "
            "CUDA data is required use tensor.cuda() to copy tensor to device memory."
        )
    if self.requires_grad:
        raise RuntimeError(
            "Can't get __cuda_array_interface__ on Variable that requires grad. If gradients "
            "aren't required, use var.detach() to get Variable that doesn't require grad."
        )
    found = gpus.loaded().interface(_on_gpu(self))
    return {**found, "data": (found["data"][0], True)}


def _dlpack_device(self: Tensor) -> tuple[int, int]:
    where = self.device
    return (2, int(where.index or 0)) if where.type == "cuda" else (1, 0)


bound("__dlpack__", _dlpack)
bound("__dlpack_device__", _dlpack_device)
setattr(Tensor, "__cuda_array_interface__", property(_cuda_interface))  # noqa: B010


# --- sizes ----------------------------------------------------------------------------------------


@method
def size(input: Tensor, dim: int | None = None) -> Any:
    """All sizes, or that of one axis."""
    shape = input.shape
    return shape if dim is None else shape[axis(dim, len(shape))]


@method
def stride(input: Tensor, dim: int | None = None) -> Any:
    """All strides, or that of one axis, in elements."""
    found = input._stride()
    return found if dim is None else found[axis(dim, len(found))]


@op()
def numel(input: Tensor) -> int:
    """The number of elements."""
    return input._node.size


bound("nelement", numel)


@method
def dim(input: Tensor) -> int:
    """The number of axes."""
    return len(input._node.shape)


bound("ndimension", dim)


@method
def storage_offset(input: Tensor) -> int:
    """Where in its memory the tensor begins, in elements."""
    return input._offset


@method
def element_size(input: Tensor) -> int:
    """Bytes of an element."""
    return input.dtype.itemsize


@method
def data_ptr(input: Tensor) -> int:
    """The address of the first element, where its value is found until it is next written to; 0
    for a tensor without memory.
    """
    address = input._share().address()
    return address + input._offset * input.dtype.itemsize if address else 0


@op(name="is_contiguous", function=False)
def contiguous_(input: Tensor, memory_format: Any = _types.contiguous_format) -> bool:
    """Whether the elements lie in row-major order, or in that of a memory format."""
    if memory_format is _types.contiguous_format:
        return input._strides is None or is_contiguous(input._node.shape, input._strides)
    ndim = 4 if memory_format is _types.channels_last else 5
    shape = input._node.shape
    if len(shape) != ndim:
        return False
    order = (0, *range(2, ndim), 1)
    strides = input._stride()
    return is_contiguous(tuple(shape[a] for a in order), tuple(strides[a] for a in order))


@method
def contiguous(input: Tensor, memory_format: Any = _types.contiguous_format) -> Tensor:
    """The tensor in row-major order: itself, or a copy."""
    if contiguous_(input, memory_format):
        return input
    return clone(input, memory_format)


for _name, _f in (
    ("itemsize", lambda x: x.dtype.itemsize),
    ("nbytes", lambda x: x.dtype.itemsize * x._node.size),
    ("is_cuda", lambda x: x.device.type == "cuda"),
    ("is_cpu", lambda x: x.device.type == "cpu"),
    ("is_meta", lambda x: False),
    ("is_sparse", lambda x: False),
    ("is_sparse_csr", lambda x: False),
    ("is_quantized", lambda x: False),
    ("is_mkldnn", lambda x: False),
    ("is_nested", lambda x: False),
    ("is_mps", lambda x: False),
    ("is_xpu", lambda x: False),
    ("is_ipu", lambda x: False),
    ("is_maia", lambda x: False),
    ("is_mtia", lambda x: False),
    ("is_vulkan", lambda x: False),
    ("is_xla", lambda x: False),
    ("volatile", lambda x: False),
    ("names", lambda x: (None,) * x.ndim),
):
    bound(_name, property(_f))
bound("name", property(lambda x: None))


@op(name="is_complex")
def _is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex."""
    return input.dtype.is_complex


@op(name="is_floating_point")
def _is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is real floating point."""
    return input.dtype.is_floating_point


@op(name="is_signed")
def _is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return input.dtype.is_signed


bound("is_inference", lambda self: bool(self._inference))


@method
def get_device(input: Tensor) -> int:
    """The index of the tensor's CUDA device; -1 on the CPU."""
    where = input.device
    return int(where.index or 0) if where.type == "cuda" else -1


# --- copies ------------------------------------------------------------------------------------


def _same_memory(x: Tensor, y: Any) -> bool:
    """Whether two tensors show the same elements in the same order."""
    if not isinstance(y, Tensor) or x._stor is None or x._stor is not y._stor:
        return x is y
    places = [(t.dtype, t._node.shape, t._stride(), t._offset, linked(t)) for t in (x, y)]
    return places[0] == places[1]


@method
def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """The elements of another tensor, broadcast and cast, in place."""
    refuse_leaf(input, (src,))
    if not _same_memory(input, src):
        refuse_overlap(input, (src,))
    x = src if isinstance(src, Tensor) else from_array(np.asarray(src), None, "cpu")
    shape, to = input._node.shape, input.dtype
    refuse_wider(shape, x._node.shape)

    def f(_: Node, new: Node) -> Node:
        return g.broadcast_to(beside(cast(new, to), input._node), shape)

    return assign(input, run("CopyBackwards", f, (input, x), to))


# --- needing gradients, hooks ---------------------------------------------------------------------


@method
def requires_grad_(input: Tensor, requires_grad: bool = True) -> Tensor:
    """Set whether a gradient is needed, and return the tensor."""
    input.requires_grad = requires_grad
    return input


@method
def retain_grad(input: Tensor) -> None:
    """Keep the gradient of a tensor that is no leaf. Raises RuntimeError if it needs none."""
    refuse_within("retain_grad", "")
    if not input.requires_grad:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    fn = input.grad_fn
    if fn is None:
        return
    fn.retain(input._out, ref(input))


def _retains(self: Tensor) -> bool:
    """Whether its gradient is kept; a view isn't recorded again for that, which may be refused."""
    fn = self._fn
    return fn is not None and fn._retained is not None and self._out in fn._retained


bound("retains_grad", property(_retains))


@method
def register_hook(input: Tensor, hook: Any) -> Handle:
    """Call `hook(grad)` when the gradient has come; what it returns takes its place."""
    if not input.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    fn = input.grad_fn
    if fn is None:
        if input._hooks is None:
            input._hooks = {}
        return Handle(input._hooks, hook)
    return Handle(fn.tensor_hooks(input._out), hook)


@method
def register_post_accumulate_grad_hook(input: Tensor, hook: Any) -> Handle:
    """Call `hook(tensor)` when its gradient has been added to. Raises RuntimeError for no leaf."""
    if not input.requires_grad:
        raise RuntimeError(
            "cannot register a hook on a tensor that doesn't require gradient"
        )
    if input.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    if input._after is None:
        input._after = {}
    return Handle(input._after, hook)
