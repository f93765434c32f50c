"""Python's own containers and bytes in pickles of torch's files, where a call makes them."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from minigrad.core.unpickler import Unpickler


def _ordered_dict(machine: Unpickler, arguments: tuple[Any, ...]) -> OrderedDict[Any, Any]:
    machine.take(400)
    made: OrderedDict[Any, Any] = OrderedDict()
    if arguments:
        pairs = arguments[0]
        if len(arguments) > 1 or not isinstance(pairs, list | tuple):
            raise ValueError("an OrderedDict should be made of a list of pairs")
        machine.take(200 * len(pairs))
        for pair in pairs:
            if type(pair) not in (list, tuple) or len(pair) != 2:
                raise ValueError("an OrderedDict should be made of a list of pairs")
            made[machine.key(pair[0])] = pair[1]
    return made


def _counter(machine: Unpickler, arguments: tuple[Any, ...]) -> Counter[Any]:
    machine.take(200)
    counts = arguments[0] if arguments else {}
    if type(counts) is not dict or len(arguments) > 1:
        raise ValueError("a Counter should be made of a dict")
    machine.take(128 * len(counts))
    made: Counter[Any] = Counter()
    dict.update(made, counts)
    return made


def _set(machine: Unpickler, arguments: tuple[Any, ...]) -> set[Any]:
    return set(_elements(machine, arguments))


def _frozenset(machine: Unpickler, arguments: tuple[Any, ...]) -> frozenset[Any]:
    return frozenset(_elements(machine, arguments))


def _elements(machine: Unpickler, arguments: tuple[Any, ...]) -> list[Any]:
    machine.take(200)
    values = arguments[0] if arguments else []
    if len(arguments) > 1 or type(values) not in (list, tuple):
        raise ValueError("a set should be made of a list")
    return machine.elements(values)


def _encode(machine: Unpickler, arguments: tuple[Any, ...]) -> bytes:
    """Bytes, as pickles before protocol 3 have them: a string whose characters they are."""
    if len(arguments) != 2 or type(arguments[0]) is not str or arguments[1] != "latin1":
        raise ValueError("bytes should be given in latin1")
    machine.take(len(arguments[0]))
    return arguments[0].encode("latin-1")


def _bytes(machine: Unpickler, arguments: tuple[Any, ...]) -> bytes:
    if arguments:
        raise ValueError("bytes should be given in latin1")
    return b""


def _bytearray(machine: Unpickler, arguments: tuple[Any, ...]) -> bytearray:
    if not arguments:
        return bytearray()
    if len(arguments) == 2:
        return bytearray(_encode(machine, (arguments[0], str(arguments[1]).replace("-", ""))))
    if type(arguments[0]) is not bytes:
        raise ValueError("a bytearray should be made of bytes")
    machine.take(len(arguments[0]))
    return bytearray(arguments[0])


def _complex(machine: Unpickler, arguments: tuple[Any, ...]) -> complex:
    if len(arguments) != 2 or not all(type(a) is float for a in arguments):
        raise ValueError("a complex number should be made of two floats")
    return complex(*arguments)


PYTHON_CALLS: dict[str, Callable[[Any, tuple[Any, ...]], Any]] = {
    "collections OrderedDict": _ordered_dict,
    "collections Counter": _counter,
    "builtins set": _set,
    "builtins frozenset": _frozenset,
    "builtins bytes": _bytes,
    "builtins bytearray": _bytearray,
    "builtins complex": _complex,
    "_codecs encode": _encode,
}
"""The names of Python's that a pickle may have, and what a call of them gives."""
