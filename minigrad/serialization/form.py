"""The structure of a saved object as JSON, which the header of a safetensors file holds.

A value is itself if JSON has it, and else an object whose first key says what it is:
`{"list": [...]}`, `{"dict": [[key, value], ...]}`, `{"tensor": name, ...}`.
"""

import base64
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.device import device
from minigrad.core.types import Array, Size
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.serialization.attributes import attributes_of, set_attributes
from minigrad.serialization.memory import Placed, free_name, place
from minigrad.serialization.strided import laid_out, view_of
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_array

_PLAIN = (str, int, float, bool, type(None))
_DICTS: dict[type, str] = {dict: "dict", OrderedDict: "OrderedDict", Counter: "Counter"}
_LISTS: dict[type, str] = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset"}
_KINDS: dict[type, str | None] = {Tensor: None, Parameter: "Parameter", Buffer: "Buffer"}
_UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
_SCALARS = frozenset((*_UNSIGNED, *(str(d) for d in map(np.dtype, "?bhilefd")), "int64"))

_TEXTS: dict[type, Callable[[Any], Any]] = {
    bytes: lambda value: base64.b64encode(value).decode(),
    bytearray: lambda value: base64.b64encode(value).decode(),
    complex: lambda value: [value.real, value.imag],
    dtypes.dtype: lambda value: value.name,
    device: str,
    Size: list,
}


class Encoder:
    """Makes JSON of an object; `arrays` has the elements of its tensors and arrays by name."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self._placed: list[Placed] = []
        self._names: set[str] = set()
        self._forms: dict[int, dict[str, Any]] = {}

    def encode(self, obj: Any, every_name: bool) -> Any:
        """The structure of an object.

        every_name: also write tensors whose memory is written already, for readers that know
        tensors by name only.  Raises TypeError for what cannot be saved.
        """
        try:
            form = self._form(obj, ())
        except RecursionError as error:
            raise ValueError("the object to save is nested too deeply, or holds itself") from error
        place(self._placed, self.arrays)
        if every_name:
            for p in self._placed:
                self.arrays.setdefault(p.name, np.asarray(p.array, order="C"))
        return form

    def _form(self, obj: Any, path: tuple[Any, ...]) -> Any:  # noqa: PLR0911  a line for each kind
        kind = type(obj)
        if kind in _PLAIN:
            return obj
        if isinstance(obj, Tensor):
            if obj.array.dtype == np.complex128:
                raise TypeError(
                    f"save() writes safetensors, which have complex64 but not complex128, got one "
                    f"at '{_where(path)}': save view_as_real(x)"
                )
            return self._tensor(obj, path)
        if kind in _DICTS:
            form = {_DICTS[kind]: self._pairs(obj, path)}
            metadata = getattr(obj, "_metadata", None)
            return form if metadata is None else form | {"metadata": self._form(metadata, path)}
        if kind in _LISTS:
            return {_LISTS[kind]: [self._form(v, (*path, i)) for i, v in enumerate(obj)]}
        if kind is np.ndarray and obj.dtype.name in _SCALARS:
            name = self._name(path)
            self.arrays[name] = np.asarray(obj, obj.dtype.newbyteorder("="), order="C")
            return {"array": name}
        if isinstance(obj, np.generic) and obj.dtype.name in _SCALARS:
            return {"scalar": [obj.dtype.name, obj.item()]}
        if kind in _TEXTS:
            return {kind.__name__: _TEXTS[kind](obj)}
        raise TypeError(
            f"save() expects tensors, arrays, numbers, strings and None, in dictionaries, lists, "
            f"tuples and sets, got {kind.__name__} at '{_where(path)}'"
        )

    def _pairs(self, obj: Mapping[Any, Any], path: tuple[Any, ...]) -> list[list[Any]]:
        for key in obj:
            parts = key if type(key) is tuple else (key,)
            if not all(type(part) in (*_PLAIN, bytes) for part in parts):
                raise TypeError(
                    f"save() expects strings and numbers as keys, or tuples of them, got "
                    f"{type(key).__name__} in '{_where(path)}'"
                )
        return [[self._form(k, path), self._form(v, (*path, k))] for k, v in obj.items()]

    def _tensor(self, tensor: Tensor, path: tuple[Any, ...]) -> dict[str, Any]:
        if type(tensor) not in _KINDS:
            raise TypeError(
                f"save() expects tensors of minigrad's own classes, got {type(tensor).__name__} at "
                f"'{_where(path)}'"
            )
        if id(tensor) in self._forms:
            form = self._forms[id(tensor)]
            self._placed.append(Placed(self._name(path), tensor.array, {}))
            return form
        form = self._forms[id(tensor)] = {"tensor": ""}
        if (kind := _KINDS[type(tensor)]) is not None:
            form["kind"] = kind
        if tensor.requires_grad:
            form["requires_grad"] = True
        if isinstance(tensor, Buffer) and not tensor.persistent:
            form["persistent"] = False
        if attributes := attributes_of(tensor):
            form["attributes"] = self._pairs(attributes, path)
        self._placed.append(Placed(self._name(path), tensor.array, form))
        return form

    def _name(self, path: tuple[Any, ...]) -> str:
        return free_name(_where(path), self._names)


def _where(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


class Decoder:
    """Makes an object of JSON again.  Raises ValueError for JSON that `Encoder` does not write."""

    def __init__(self, array: Callable[[str], Array], tensor: Callable[[str], Tensor]) -> None:
        self._array, self._tensor = array, tensor
        self._made: dict[str, Any] = {}

    def decode(self, form: Any) -> Any:
        """The object."""
        try:
            return self._value(form)
        except RecursionError as error:
            raise ValueError("its structure is nested too deeply") from error

    def _value(self, form: Any) -> Any:
        if type(form) in _PLAIN:
            return form
        if not isinstance(form, dict) or not form:
            raise ValueError("its structure is damaged")
        kind, content = next(iter(form.items()))
        if kind in _DICTS.values():
            return self._dict(kind, content, form)
        if kind in _LISTS.values():
            values = [self._value(value) for value in _list(content)]
            if kind in ("set", "frozenset"):
                values = [_key(value) for value in values]
            return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind](values)
        if kind == "tensor":
            return self._once(repr(form), lambda: self._tensor_of(form))
        if kind == "array":
            return self._once(f"array {_string(content)}", lambda: self._array(content))
        if kind in _VALUES:
            try:
                return _VALUES[kind](content)
            except (TypeError, ValueError, LookupError, RuntimeError, OverflowError) as error:
                raise ValueError(f"its structure has a damaged {kind}") from error
        raise ValueError(f"its structure has a value of an unknown kind, {kind[:30]!r}")

    def _dict(self, kind: str, content: Any, form: Mapping[str, Any]) -> Any:
        result: Any = {"dict": dict, "OrderedDict": OrderedDict, "Counter": Counter}[kind]()
        for pair in _list(content):
            if len(_list(pair)) != 2:
                raise ValueError("its structure is damaged: a dict should have pairs")
            key, value = pair
            result[_key(self._value(key))] = self._value(value)
        if "metadata" in form and kind == "OrderedDict":
            result._metadata = self._value(form["metadata"])
        return result

    def _tensor_of(self, form: Mapping[str, Any]) -> Tensor:
        tensor = _of_kind(self._placed(form), form)
        if "attributes" in form:
            set_attributes(tensor, self._dict("dict", form["attributes"], {}))
        return tensor

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        """What is made for a key, once: a forged file may ask for it again and again."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _placed(self, form: Mapping[str, Any]) -> Tensor:
        """A tensor's elements: all of an array in the file, a view of them, or in another order."""
        name = _string(form["tensor"])
        if "strides" in form and "offset" not in form:
            if f"strided {name}" in self._made:
                raise ValueError("its structure gives a tensor strides twice")
            array = self._once(f"strided {name}", lambda: self._tensor(name).array)
            return from_array(laid_out(array, _list(form["strides"])))
        tensor: Tensor = self._once(f"tensor {name}", lambda: self._tensor(name))
        if "offset" not in form:
            return tensor
        shape, strides = _list(form.get("shape")), _list(form.get("strides"))
        return view_of(tensor.reshape(-1), form["offset"], shape, strides)


def _of_kind(tensor: Tensor, form: Mapping[str, Any]) -> Tensor:
    kind, requires_grad = form.get("kind"), form.get("requires_grad") is True
    if requires_grad and tensor.array.dtype.kind != "f":
        raise ValueError("a tensor of integers should not require a gradient")
    if kind == "Parameter":
        return Parameter(tensor, requires_grad)
    if kind == "Buffer":
        persistent = form.get("persistent") is not False
        return Buffer(tensor, persistent=persistent, requires_grad=requires_grad)
    tensor = tensor.detach()
    tensor.requires_grad = requires_grad
    return tensor


def _scalar(content: Any) -> Any:
    name, number = _list(content)
    if name not in _SCALARS:
        raise ValueError("its structure has a number of an unknown type")
    return np.dtype(name).type(number)


def _bytes(content: Any) -> bytes:
    return base64.b64decode(_string(content), validate=True)


def _dtype(content: Any) -> dtypes.dtype:
    return dtypes.of_numpy(np.dtype(_string(content)))


def _size(content: Any) -> Size:
    if not all(type(n) is int for n in _list(content)):
        raise ValueError("a Size should have integers")
    return Size(content)


_VALUES: dict[str, Callable[[Any], Any]] = {
    "scalar": _scalar,
    "bytes": _bytes,
    "bytearray": lambda content: bytearray(_bytes(content)),
    "complex": lambda content: complex(*_list(content)),
    "dtype": _dtype,
    "Size": _size,
    "device": lambda content: device(_string(content)),
}


def _list(form: Any) -> list[Any]:
    if not isinstance(form, list):
        raise ValueError("its structure is damaged: a list is missing")
    return form


def _string(form: Any) -> str:
    if not isinstance(form, str):
        raise ValueError("its structure is damaged: a name is missing")
    return form


def _key(value: Any) -> Any:
    parts = value if type(value) is tuple else (value,)
    if not all(type(part) in (*_PLAIN, bytes) for part in parts):
        raise ValueError("its structure has a key that is no string or number")
    return value
