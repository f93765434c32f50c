"""A reader for the pickles in torch's files: tensors and plain values, and nothing else.

What may be named and called is in closed tables, of this file, `numpy_values` and `python_values`.
Beside them stands what the user trusts, see `safe_globals`.  The names are compared as text,
nothing is imported.  See `core.unpickler` for the machine.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from minigrad.core import dtypes, unsupported
from minigrad.core.device import device
from minigrad.core.types import Size
from minigrad.core.unpickler import Unpickler
from minigrad.nn.module import Module
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.serialization.attributes import set_attributes
from minigrad.serialization.numpy_values import (
    NUMPY_CALLS,
    NumpyDType,
    NumpyName,
    set_numpy_state,
)
from minigrad.serialization.python_values import PYTHON_CALLS
from minigrad.serialization.safe_globals import is_trusted, set_state, trusted_values
from minigrad.serialization.torch_storage import (
    STORAGE_TYPES,
    StorageRecord,
    Storages,
    storage_of,
)
from minigrad.tensor import Tensor


class _Global:
    """A class or function that a pickle names."""

    def __init__(self, name: str) -> None:
        self.name = name


_DTYPES: dict[str, Any] = {
    f"torch {name}": getattr(dtypes, "bool_" if name == "bool" else name)
    for name in (
        "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool",
        "complex64", "complex128",
    )
}  # fmt: skip
_DTYPES |= {
    f"torch {name}": found
    for name, found in vars(unsupported).items()
    if isinstance(found, unsupported.Unsupported)
    and found.name == name
    and name.startswith(("bfloat", "float8", "complex", "uint"))
}
# Types that minigrad has no name for, but whose elements it reads.
_FOREIGN_DTYPES = {
    f"torch {name}": _Global(name)
    for name in ("float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "uint16", "uint32",
                 "uint64", "bfloat16", "float8_e4m3fn", "float8_e5m2")
    if f"torch {name}" not in _DTYPES
}  # fmt: skip

_TENSOR, _PARAMETER = "torch Tensor", "torch.nn.parameter Parameter"
_REFUSED = {
    "torch._utils _rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils _rebuild_sparse_csr_tensor": "a sparse tensor",
    "torch._utils _rebuild_qtensor": "a quantized tensor",
    "torch._utils _rebuild_nested_tensor": "a nested tensor",
    "torch._utils _rebuild_meta_tensor_no_storage": "a tensor without content, of device 'meta'",
    "torch._utils _rebuild_wrapper_subclass": "a tensor of a class of its own",
}


class TorchUnpickler(Unpickler):
    """The pickle machine for torch's files; tensors take their memory from `storages`."""

    needs = (
        "no file of tensors and plain values needs: save the state_dict() of objects, or name it "
        "in serialization.add_safe_globals"
    )

    def __init__(self, storages: Storages) -> None:
        super().__init__()
        self.storages = storages
        self.attributes: list[Any] = []

    def find(self, name: str) -> Any:
        """A dtype, or a name that `call` knows."""
        module, _, rest = name.partition(" ")
        name = f"{_MODULES.get(module, module)} {rest}"
        if name in _DTYPES:
            return _DTYPES[name]
        if name in _FOREIGN_DTYPES:
            return _FOREIGN_DTYPES[name]
        if name in NUMPY_CALLS:
            return NumpyName(name)
        if name in _REFUSED:
            raise ValueError(f"it holds {_REFUSED[name]}, which minigrad does not have")
        if name not in _CALLS and name not in STORAGE_TYPES and name != _TENSOR:
            trusted = trusted_values()
            path = f"{module}.{rest}"
            return trusted[path] if path in trusted else super().find(name)
        return _Global(name)

    def call(self, called: Any, arguments: Any) -> Any:
        """What a function of torch, NumPy or Python's collections would make of the arguments."""
        if type(arguments) is not tuple:
            raise ValueError("it calls something without a tuple of arguments")
        if is_trusted(called):
            self.attributes.append(arguments)
            return called(*arguments)
        if type(called) is NumpyName:
            return NUMPY_CALLS[called.name](self, arguments)
        if type(called) is not _Global or called.name not in _CALLS:
            raise ValueError("it calls something that is no function")
        return _CALLS[called.name](self, arguments)

    def new(self, kind: Any, arguments: Any) -> Any:
        """An object of a class that is trusted, before its state is set."""
        if type(arguments) is not tuple or not (isinstance(kind, type) and is_trusted(kind)):
            return self.call(kind, arguments)
        if issubclass(kind, Module):  # torch's have another state
            raise ValueError("it holds a whole module: save its state_dict()")
        self.attributes.append(arguments)
        return kind.__new__(kind, *arguments)

    def build(self, made: Any, state: Any) -> None:
        """Set the metadata of a state_dict, the content of an array, or an old parameter."""
        if is_trusted(type(made)):
            self.attributes.append([state])
            set_state(made, state)
            return
        if type(made) is OrderedDict:
            _set_metadata(self, made, state)
        elif type(made) is Parameter:
            _set_parameter(made, state)
        else:
            set_numpy_state(self, made, state)

    def persistent(self, pid: Any) -> StorageRecord:
        """A storage: ("storage", type, key, location, number of elements)."""
        if type(pid) is tuple and pid and pid[0] == "module":
            raise ValueError("it holds a whole module: save its state_dict()")
        if type(pid) is not tuple or len(pid) not in (5, 6) or pid[0] != "storage":
            raise ValueError("it refers to something that is no storage")
        kind, key, location, count = pid[1:5]
        if type(kind) is not _Global or kind.name not in STORAGE_TYPES:
            raise ValueError("a storage's type is missing")
        if not (type(key) is type(location) is str and type(count) is int):
            raise ValueError("a storage should have a name, a location and a number of elements")
        if not 0 <= count < 1 << 60:
            raise ValueError("a storage should have a number of elements >= 0")
        record = self.storages.record(key, STORAGE_TYPES[kind.name], count, location)
        return record if len(pid) == 5 or pid[5] is None else _part(record, pid[5])

    def load(self, content: Any) -> Any:
        """The object of one pickle.  Raises ValueError if a part only stands for a value."""
        result = super().load(content)
        _require_values([result, *self.attributes])
        return result


def _require_values(found: list[Any]) -> None:
    """Raise ValueError for a class, a storage or a dtype in the making inside of containers.

    Each container is looked at once: a short pickle can have exponentially many paths to one.
    """
    seen: set[int] = set()
    waiting: list[Any] = [found]
    while waiting:
        container = waiting.pop()
        if id(container) in seen:
            continue
        seen.add(id(container))
        for value in container.values() if isinstance(container, dict) else container:
            if isinstance(value, dict | list | tuple):
                waiting.append(value)
            elif isinstance(value, StorageRecord):
                raise ValueError("it has a storage for a value: save a tensor on it")
            elif isinstance(value, _Global | NumpyName | NumpyDType):
                raise ValueError(f"it has {value.name.replace(' ', '.')!r} for a value")


# --- what may be called ---------------------------------------------------------------------------


def _part(record: StorageRecord, view: Any) -> StorageRecord:
    """A view of a storage, as files of torch before 1.0 have them: (key, offset, size)."""
    if type(view) is not tuple or len(view) != 3:
        raise ValueError("a view of a storage should have a name, an offset and a size")
    _, offset, count = view
    if not (type(offset) is type(count) is int and 0 <= offset <= record.count - count):
        raise ValueError("a view of a storage does not lie inside")
    return StorageRecord(record.key, record.dtype, record.count, record.location, offset)


def _tensor(machine: TorchUnpickler, arguments: tuple[Any, ...]) -> Tensor:
    """A tensor of (storage, offset, size, stride), as torch before 0.4 wrote them."""
    if len(arguments) != 4:
        raise ValueError("a tensor should have 4 parts")
    record, offset, size, stride = arguments
    return machine.storages.view(storage_of(record), None, offset, size, stride)


def _tensor_v2(
    machine: TorchUnpickler, arguments: tuple[Any, ...], dtype: str | None = None
) -> Tensor:
    """A tensor of (storage, offset, size, stride, requires_grad, hooks), perhaps with metadata."""
    if len(arguments) not in (6, 7):
        raise ValueError("a tensor should have 6 parts")
    record, offset, size, stride, requires_grad = arguments[:5]
    if len(arguments) == 7 and arguments[6]:
        raise ValueError("it holds a tensor with a pending conjugation or negation: resolve it")
    tensor = machine.storages.view(storage_of(record), dtype, offset, size, stride)
    return _requiring(tensor, requires_grad)


def _tensor_v3(machine: TorchUnpickler, arguments: tuple[Any, ...]) -> Tensor:
    """A tensor whose dtype stands beside an untyped storage."""
    if len(arguments) not in (7, 8):
        raise ValueError("a tensor should have 7 parts")
    dtype = arguments[6]
    if type(dtype) not in (dtypes.dtype, unsupported.Unsupported, _Global):
        raise ValueError("a tensor's dtype is missing")
    return _tensor_v2(machine, arguments[:6] + arguments[7:], dtype.name)


def _requiring(tensor: Tensor, requires_grad: Any) -> Tensor:
    if type(requires_grad) is not bool:
        raise ValueError("a tensor should require a gradient or not")
    if requires_grad:
        if tensor.array.dtype.kind != "f":
            raise ValueError("a tensor of integers should not require a gradient")
        tensor.requires_grad = True
    return tensor


def _parameter(machine: TorchUnpickler, arguments: tuple[Any, ...]) -> Parameter:
    """A Parameter of (data, requires_grad, hooks) and perhaps the state of its attributes."""
    if len(arguments) == 0:
        return Parameter()  # in files of torch 0.1 to 0.3, with its content as state
    data, requires_grad, *rest = (*arguments, True)[: max(len(arguments), 2)]
    if not isinstance(data, Tensor) or len(rest) > 2:
        raise ValueError("a parameter's data is missing")
    parameter = Parameter(data.detach(), requires_grad=False)
    _requiring(parameter, requires_grad)
    if len(rest) == 2:
        _set_attributes(machine, parameter, rest[1])
    return parameter


def _typed(machine: TorchUnpickler, arguments: tuple[Any, ...]) -> Tensor:
    """A tensor of a subclass, or with attributes: (function, class, arguments, attributes)."""
    if len(arguments) != 4 or not all(type(a) is _Global for a in arguments[:2]):
        raise ValueError("a tensor should be given by a function, a class and attributes")
    function, kind, parts, state = arguments
    if function.name not in _TENSOR_CALLS:
        raise ValueError("a tensor should be given by a function for tensors")
    tensor: Tensor = machine.call(function, parts)
    if kind.name not in (_TENSOR, _PARAMETER):
        raise ValueError("it names a class of tensors that is none")
    if kind.name == _PARAMETER and type(tensor) is Tensor:
        tensor = _parameter(machine, (tensor.detach(), tensor.requires_grad))
    if type(state) is dict and state.get("_is_buffer") is True:
        state = {name: value for name, value in state.items() if name != "_is_buffer"}
        persistent = state.pop("persistent", True) is not False
        requires_grad = tensor.requires_grad
        tensor = Buffer(tensor.detach(), persistent=persistent, requires_grad=requires_grad)
    _set_attributes(machine, tensor, state)
    return tensor


def _set_attributes(machine: TorchUnpickler, tensor: Tensor, state: Any) -> None:
    """Set a tensor's own attributes, none of which may hide one that every tensor has."""
    if not state:
        return
    slots = None
    if type(state) is tuple and len(state) == 2:
        state, slots = state
    if type(state) is not dict or slots:
        raise ValueError("a tensor's attributes should be a dict")
    set_attributes(tensor, state)
    machine.attributes.append(state)


def _set_parameter(made: Parameter, state: Any) -> None:
    """The content of an old parameter: (data, gradient, requires_grad, hooks) or more."""
    if type(state) is tuple and len(state) == 4 and isinstance(state[0], Tensor):
        made.data = state[0].detach()
        made.requires_grad = False
        _requiring(made, state[2])
    else:
        raise ValueError("a parameter should have a state of a tensor and three values")


def _set_metadata(machine: TorchUnpickler, made: OrderedDict[Any, Any], state: Any) -> None:
    """`state_dict()` notes versions of modules in an attribute of its result."""
    if type(state) is not dict or set(state) - {"_metadata"}:
        raise ValueError("an OrderedDict has attributes other than _metadata")
    machine.attributes.append(state)
    for name, value in state.items():
        setattr(made, name, value)


def _size(machine: TorchUnpickler, arguments: tuple[Any, ...]) -> Size:
    if len(arguments) != 1 or type(arguments[0]) is not tuple:
        raise ValueError("a Size should be made of a tuple")
    if not all(type(n) is int for n in arguments[0]):
        raise ValueError("a Size should have integers")
    return Size(arguments[0])


def _device(machine: TorchUnpickler, arguments: tuple[Any, ...]) -> device:
    if not arguments or type(arguments[0]) is not str or len(arguments) > 2:
        raise ValueError("a device should have a type and an index")
    try:
        return device(*arguments)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"it holds a device that minigrad does not have ({error})") from None


_TENSOR_CALLS: dict[str, Callable[[TorchUnpickler, tuple[Any, ...]], Any]] = {
    "torch._utils _rebuild_tensor": _tensor,
    "torch._utils _rebuild_tensor_v2": _tensor_v2,
    "torch._utils _rebuild_tensor_v3": _tensor_v3,
    "torch._utils _rebuild_parameter": _parameter,
    "torch._utils _rebuild_parameter_with_state": _parameter,
}
_CALLS: dict[str, Callable[[TorchUnpickler, tuple[Any, ...]], Any]] = {
    **_TENSOR_CALLS,
    **PYTHON_CALLS,
    "torch._tensor _rebuild_from_type_v2": _typed,
    _PARAMETER: _parameter,
    "torch Size": _size,
    "torch device": _device,
}
# Modules under names that Python 2 and NumPy 1 had.
_MODULES = {
    "__builtin__": "builtins",
    "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
    "torch.tensor": "torch._tensor",
}
