"""Pickles made to do harm, written by hand, and torch files around them."""

import io
import os
import pickle
import struct
import zipfile

_MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)


class Evil:
    """What a pickle may ask of Python's own unpickler."""

    fired: list[str] = []  # noqa: RUF012  the marks of whatever ran

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class Stateful:
    """An object whose state is set when it is unpickled."""

    def __init__(self):
        self.state = 1

    def __setstate__(self, state):
        Evil.fired.append("setstate")


def fire(*arguments):
    Evil.fired.append("fired")


def text(value):
    """The opcode of a string."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


STORAGE = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x04tQ"


def tensor(offset=b"K\0", size=b"K\2K\2\x86", stride=b"K\2K\1\x86", storage=STORAGE, last=b"\x89)"):
    """The call that makes a tensor of four elements, with parts of it replaced."""
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + size + stride + last + b"tR"


LIST_OF_ONES = b"](" + b"K\1" * 1000 + b"e"
SHARED = b"]q\0" + b"".join(
    b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(40)
)
SHARED_TUPLES = b"K\1q\0" + b"".join(
    b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(60)
)
BIG = b"\xff" * 7 + b"\x7f"

HOSTILE = {
    # Calls
    "own function": pickle.dumps(Evil(fire), 2),
    "own function, protocol 0": pickle.dumps(Evil(fire), 0),
    "own function, protocol 4": pickle.dumps(Evil(fire), 4),
    "own function, protocol 5": pickle.dumps(Evil(fire), 5),
    "os.system": pickle.dumps(Evil(os.system, "echo hostile"), 2),
    "os.system by GLOBAL": b"cos\nsystem\n" + text("echo hostile") + b"\x85R.",
    "os.system by STACK_GLOBAL": text("os")
    + text("system")
    + b"\x93"
    + text("echo hostile")
    + b"\x85R.",
    "os.system by INST": b"(S'echo hostile'\nios\nsystem\n.",
    "os.system by OBJ": b"(cos\nsystem\nS'echo hostile'\no.",
    "os.system by NEWOBJ": b"cos\nsystem\n" + text("echo hostile") + b"\x85\x81.",
    "os.system by NEWOBJ_EX": b"cos\nsystem\n" + text("echo hostile") + b"\x85}\x92.",
    "os.system named by torch": b"ctorch.serialization\nos.system\n"
    + text("echo hostile")
    + b"\x85R.",
    "eval": pickle.dumps(Evil(eval, "__import__('os').abort()"), 2),
    "getattr": b"c__builtin__\ngetattr\n(ctorch\nTensor\n" + text("__reduce__") + b"tR.",
    "import": b"c__builtin__\n__import__\n" + text("os") + b"\x85R.",
    "copyreg": b"ccopyreg\n_reconstructor\n(cos\nsystem\nN)tR.",
    "torch.load": b"ctorch.serialization\nload\n" + text("x") + b"\x85R.",
    "torch.hub": b"ctorch.hub\nload\n" + text("x") + b"\x85R.",
    "numpy.load": b"cnumpy\nload\n" + text("x") + b"\x85R.",
    "call of a string": text("os.system") + text("echo") + b"\x85R.",
    "call of a dict": b"}" + text("echo") + b"\x85R.",
    "call of a call": b"ccollections\nOrderedDict\n)R)R.",
    "call of a storage": STORAGE + b")R.",
    "call without a tuple": b"ccollections\nOrderedDict\n" + text("x") + b"R.",
    "codecs": b"c_codecs\nencode\n(" + text("x") + text("rot13") + b"tR.",
    "OrderedDict of a function": b"ccollections\nOrderedDict\ncos\nsystem\n\x85R.",
    "Counter of a string": b"ccollections\nCounter\n" + text("aab") + b"\x85R.",
    "set of lists": b"c__builtin__\nset\n]]a\x85R.",
    # States
    "state of an object": pickle.dumps(Stateful(), 2),
    "state of a list": b"]}b.",
    "state of an OrderedDict": b"ccollections\nOrderedDict\n)R}" + text("keys") + b"K\1sb.",
    "state of a tensor": tensor() + b"}" + text("array") + b"K\1sb.",
    "attribute that hides another": b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n"
    b"_rebuild_tensor_v2\nctorch\nTensor\n("
    + STORAGE
    + b"K\0K\4\x85K\1\x85\x89)t}"
    + text("array")
    + b"K\1stR.",
    "attribute that hides a property": b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n"
    b"_rebuild_tensor_v2\nctorch\nTensor\n("
    + STORAGE
    + b"K\0K\4\x85K\1\x85\x89)t}"
    + text("mT")
    + b"K\1stR.",
    "attribute that is not text": b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n"
    b"_rebuild_tensor_v2\nctorch\nTensor\n(" + STORAGE + b"K\0K\4\x85K\1\x85\x89)t}K\1K\1stR.",
    "class that is none": b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n"
    b"_rebuild_tensor_v2\ncos\nsystem\n)}tR.",
    "function that makes no tensor": b"ctorch._tensor\n_rebuild_from_type_v2\n(ccollections\n"
    b"OrderedDict\nctorch\nTensor\n)}tR.",
    # References
    "extension 1": b"\x82\x01.",
    "extension 2": b"\x83\x01\x01.",
    "extension 4": b"\x84\x01\x01\x01\x01.",
    "persistent id in text": b"Pfile\n.",
    "persistent id of another kind": text("file") + b"Q.",
    "persistent module": b"(" + text("module") + b"cos\nsystem\nNNtQ.",
    "out-of-band buffer": b"\x97.",
    "read-only buffer": b"]\x98.",
    "storage of a class that is none": STORAGE.replace(b"torch\nFloatStorage", b"os\nsystem")
    + b".",
    "storage that is missing": tensor(storage=STORAGE.replace(text("0"), text("../../etc/passwd")))
    + b".",
    "storage in two sizes": b"]"
    + tensor()
    + tensor(storage=STORAGE.replace(b"K\x04", b"K\x03"))
    + b"\x86.",
    "storage with a size that overflows": tensor(
        storage=STORAGE.replace(b"K\x04", b"\x8a\x08" + BIG)
    )
    + b".",
    "storage of negative size": tensor(storage=STORAGE.replace(b"K\x04", b"J\xff\xff\xff\xff"))
    + b".",
    "storage as a value": STORAGE + b".",
    "function as a value": b"ccollections\nOrderedDict\n.",
    "dtype of NumPy as a value": b"](cnumpy\ndtype\n(" + text("f4") + b"\x89\x88tRe.",
    # Tensors that lie elsewhere
    "offset outside": tensor(offset=b"K\1") + b".",
    "negative offset": tensor(offset=b"J\xff\xff\xff\xff") + b".",
    "negative stride": tensor(stride=b"J\xfe\xff\xff\xffK\1\x86") + b".",
    "negative size": tensor(size=b"J\xff\xff\xff\xffK\2\x86") + b".",
    "stride outside": tensor(stride=b"K\3K\1\x86") + b".",
    "size outside": tensor(size=b"K\3K\2\x86") + b".",
    "size that overflows": tensor(size=b"\x8a\x08" + BIG + b"K\2\x86", stride=b"K\0K\0\x86") + b".",
    "stride that overflows": tensor(stride=b"\x8a\x08" + BIG + b"\x8a\x08" + BIG + b"\x86") + b".",
    "product that overflows": tensor(size=b"J\0\0\0\x40J\0\0\0\x40\x86", stride=b"K\0K\0\x86")
    + b".",
    "more sizes than strides": tensor(size=b"K\1K\2K\2\x87") + b".",
    "a thousand sizes": tensor(size=b"(" + b"K\1" * 1000 + b"t", stride=b"(" + b"K\0" * 1000 + b"t")
    + b".",
    "bool for a size": tensor(size=b"\x88K\2\x86") + b".",
    "float for an offset": tensor(offset=b"G\0\0\0\0\0\0\0\0") + b".",
    "list for a storage": tensor(storage=b"]") + b".",
    "number for requires_grad": tensor(last=b"K\1)") + b".",
    # NumPy
    "array of objects": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\1btR"
    b"(K\1K\1\x85cnumpy\ndtype\n(" + text("O8") + b"\x89\x88tR\x89]tb.",
    "array longer than its content": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
    b"K\0\x85C\1btR(K\1J\0\0\0\x40\x85cnumpy\ndtype\n(" + text("f4") + b"\x89\x88tR\x89C\4aaaatb.",
    "scalar of another size": b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n("
    + text("f8")
    + b"\x89\x88tRC\4aaaatR.",
    "dtype with fields": b"cnumpy\ndtype\n(" + text("V8") + b"\x89\x88tR.",
    # Lengths and depths
    "huge FRAME": b"\x95" + BIG + b"K\1.K",
    "huge LONG4": b"\x8b\xff\xff\xff\x7f1.",
    "negative LONG4": b"\x8b\xff\xff\xff\xff1.",
    "huge BINBYTES8": b"\x8e" + BIG + b"1.",
    "huge BINUNICODE8": b"\x8d" + BIG + b"1.",
    "huge BYTEARRAY8": b"\x96" + BIG + b"1.",
    "huge BINBYTES": b"B\xff\xff\xff\x7f1.",
    "huge BINUNICODE": b"X\xff\xff\xff\x7f1.",
    "negative BINSTRING": b"T\xff\xff\xff\xff1.",
    "huge memo number": b"K\1r\xff\xff\xff\xff0.",
    "a number of a million digits": b"I" + b"9" * 1_000_000 + b"\n.",
    "unfinished name": b"c" + b"x" * 100_000,
    "missing memo number": b"j\xff\xff\xff\xff.",
    "empty stack": b".",
    "mark for a value": b"(.",
    "left over": b"K\1K\1.",
    "no STOP": b"K\1",
    "not UTF-8": b"X\2\0\0\0\xff\xff.",
    "unknown opcode": b"\xff.",
    "items of an odd number": b"}(K\1u.",
    "dict key that is a list": b"}]K\1s.",
    "append to a tuple": b")K\1a.",
    "tuples that share, as a key": b"}" + SHARED_TUPLES + b"K\1s.",
    "copies of a list": LIST_OF_ONES + b"q\0(" + b"c__builtin__\nset\nq\1h\0\x85R" * 5_000 + b"t.",
}


def archive(pickled, **members):
    """A torch file with this pickle, and a storage of four floats unless others are given."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("archive/data.pkl", pickled)
        for name, content in {
            "version": b"3\n",
            "byteorder": b"little",
            "data/0": bytes(16),
            **members,
        }.items():
            made.writestr(f"archive/{name}", content)
    return file.getvalue()


def legacy(pickled):
    """A file of the old format with this pickle, and a storage of four floats."""
    numbers = pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    storage = struct.pack("<q", 4) + bytes(16)
    return _MAGIC + numbers + pickled + pickle.dumps(["0"], 2) + storage
