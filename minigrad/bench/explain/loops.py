"""The innermost loops of a function's assembly, and what stands in them."""

import re
from typing import NamedTuple

Lines = list[str]

_FUNCTION = re.compile(r'("?)(?!\.)[^\s:]+\1:|"[^"]+":')
_LABEL = re.compile(r"(\.LBB\w+):")
_INSTRUCTION = re.compile(r"\t[^.\s]")
_JUMP = re.compile(r"\t(?:j\w+|b(?:\.\w+)?|cbn?z\s+\w+,|tbn?z\s+\w+,\s*#\d+,)\s+(\.LBB\w+)")
_CONTROL = re.compile(r"\t(?:j\w+|b(?:\.\w+)?|cbn?z|tbn?z|ret\w*|call\w*|bl)\b")
_MULTIPLY_ADD = re.compile(r"\t(?:vfn?m(?:add|sub)\d+p[sd]|fml[as])\b")
_PRODUCT = re.compile(r"\tv?mulp[sd]\b")
_VECTOR = re.compile(r"%[xyz]mm\d|\b[qv]\d+\b")
_MOVE = re.compile(
    r"\tv?mov(?:ap[sd]|up[sd]|dq[au]\d*)\s+%[xyz]mm\d+, %[xyz]mm\d+$|\tmov\s+v\d+\.16b, v\d+\.16b$"
)
_MEMORY = re.compile(r"\(%|, \[")


class Counts(NamedTuple):
    """What a loop does in one round."""

    multiply_adds: int
    """Those of vectors: without such an instruction, products."""
    spills: int
    """Vectors on the stack: each store to it, and each read."""
    reloads: int
    """Other values on the stack."""
    moves: int
    """From one vector register to another."""
    memory: int
    """Instructions that read or write memory."""
    instructions: int


def functions_of(assembly: str) -> list[Lines]:
    """The labels and instructions of each function, without comments and directives."""
    comment = "//" if re.search(r"^\tret$", assembly, re.MULTILINE) else "#"
    functions: list[Lines] = []
    for whole in assembly.splitlines():
        line = whole.split(comment)[0].rstrip()
        if _FUNCTION.match(line):
            functions.append([])
        elif functions and (_LABEL.match(line) or _INSTRUCTION.match(line)):
            functions[-1].append(line)
    return [function for function in functions if function]


def innermost_loops(code: Lines) -> list[Lines]:
    """The loops without another loop inside: from a label to the last jump back to it."""
    labels = {match[1]: i for i, line in enumerate(code) if (match := _LABEL.match(line))}
    jumps = [
        (labels.get(m[1], len(code)), i) for i, line in enumerate(code) if (m := _JUMP.match(line))
    ]
    loops: dict[int, int] = {}
    for begin, end in jumps:
        if begin < end:
            loops[begin] = max(end, loops.get(begin, 0))
    return [
        code[begin : end + 1]
        for begin, end in loops.items()
        if not any(begin < b and e <= end for b, e in loops.items())
    ]


def main_loop(code: Lines) -> Lines:
    """The innermost loop with the most multiply-adds; all code where there is no loop."""
    return max(
        innermost_loops(code) or [code],
        key=lambda loop: (count(loop, code).multiply_adds, len(loop)),
    )


def count(loop: Lines, code: Lines) -> Counts:
    """What stands in a loop of the function `code`."""
    instructions = list(filter(_INSTRUCTION.match, loop))
    on_stack = [line for line in instructions if _stack(code).search(line)]
    spills = sum(map(bool, map(_VECTOR.search, on_stack)))
    return Counts(
        multiply_adds=sum(map(bool, map(_MULTIPLY_ADD.match, instructions)))
        or sum(map(bool, map(_PRODUCT.match, instructions))),
        spills=spills,
        reloads=len(on_stack) - spills,
        moves=sum(map(bool, map(_MOVE.match, instructions))),
        memory=sum(map(bool, map(_MEMORY.search, instructions))),
        instructions=len(instructions),
    )


def _stack(code: Lines) -> re.Pattern[str]:
    """An operand on the stack.  The frame's register is one like others where it has no frame."""
    text = "\n".join(code)
    if "%" in text:
        return re.compile(r"\(%r[sb]p" if re.search(r"\tmovq\s+%rsp, %rbp", text) else r"\(%rsp")
    has_frame = re.search(r"\t(?:mov|add)\s+x29, sp", text)
    return re.compile(r"\[(?:sp|x29)\b" if has_frame else r"\[sp\b")


def straight_line(loop: Lines) -> str:
    """A round of a loop as a simulator takes it, without labels and jumps."""
    return "\n".join(line for line in loop if _INSTRUCTION.match(line) and not _CONTROL.match(line))
