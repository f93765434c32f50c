"""Outlining: each loop over `prange` becomes a function that threads call.

    for i in prange(n):          def double_0(begin, end, y, x):
        y[i] = 2 * x[i]     ->       for i in range(begin, end):
                                         y[i] = 2 * x[i]

The loop is replaced by `share_out(double_0, n, work, (y, x))`.  Numba's own pass for such
loops compiles each loop, and the code around it, twice more.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any, cast

from minigrad.kernels.compiler.parallel_for import share_out

Function = Callable[..., Any]


def has_prange(function: Function) -> bool:
    """Return whether the function has loops to outline."""
    return "prange" in function.__code__.co_names


def outline(function: Function, link: Callable[[Function], Function]) -> Function:
    """Return the function with its loops outlined and a new first argument, the amount of work.

    If there is enough, all threads share its loops.  `link` makes device functions of them.  Raises
    SyntaxError for a loop whose iterations depend on one another or that has another form than
    `for i in prange(n)`, TypeError for a closure.
    """
    if function.__code__.co_freevars:
        raise TypeError(
            f"a kernel with prange loops cannot be a closure, but {function.__qualname__} takes "
            f"{', '.join(function.__code__.co_freevars)} from the function around it"
        )
    lines, first = inspect.getsourcelines(function)
    module = ast.parse("\n" * (first - 1) + textwrap.dedent("".join(lines)))
    definition = cast(ast.FunctionDef, module.body[0])
    outliner = _Outliner(definition.name, function.__code__.co_varnames)
    mentions = [getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(definition)]
    outliner.visit(definition)
    if mentions.count("prange") > len(outliner.loops):
        raise SyntaxError(
            f"{function.__qualname__}: prange must stand in `for i in prange(n)`, and in no other "
            "such loop"
        )
    definition.args.args.insert(0, ast.copy_location(ast.arg("_work"), definition))
    module.body[:0] = outliner.loops

    names: dict[str, Any] = {**function.__globals__, "_share_out": share_out}
    code = compile(module, function.__code__.co_filename, "exec")
    exec(code, names)
    for number, loop in enumerate(outliner.loops):
        names[loop.name].__qualname__ = f"{function.__qualname__}_{number}"
        names[loop.name] = link(names[loop.name])
    outlined: Function = names[definition.name]
    outlined.__qualname__ = function.__qualname__
    return outlined


class _Outliner(ast.NodeTransformer):
    """Replaces the `prange` loops of a function by calls, and collects the loops."""

    def __init__(self, name: str, variables: tuple[str, ...]) -> None:
        self.name = name
        self.variables = variables
        self.loops: list[ast.FunctionDef] = []

    def visit_FunctionDef(self, definition: ast.FunctionDef) -> ast.FunctionDef:
        """Drop decorators and annotations, which belong to the function as it was written."""
        definition.decorator_list = []
        definition.returns = None
        self.generic_visit(definition)
        return definition

    def visit_arg(self, argument: ast.arg) -> ast.arg:
        argument.annotation = None
        return argument

    def visit_For(self, loop: ast.For) -> ast.stmt:
        match loop.iter:
            case ast.Call(func=ast.Name("prange"), args=[count], keywords=[]):
                return ast.copy_location(self._call(loop, count), loop)
        self.generic_visit(loop)
        return loop

    def _call(self, loop: ast.For, count: ast.expr) -> ast.stmt:
        read = _Names([loop.target, *loop.body]).read
        values = "".join(f"{name}, " for name in read if name in self.variables)
        name = f"{self.name}_{len(self.loops)}"
        head = f"def {name}(_begin, _end, {values}):\n for _ in range(_begin, _end): pass"
        outlined = cast(ast.FunctionDef, ast.parse(head).body[0])
        each = cast(ast.For, outlined.body[0])
        each.target, each.body = loop.target, loop.body
        self.loops.append(ast.copy_location(outlined, loop))
        call = ast.parse(f"_share_out({name}, _count, _work, ({values}))", mode="eval").body
        cast(ast.Call, call).args[1] = count
        return ast.Expr(call)


class _Names(ast.NodeVisitor):
    """The names that an iteration reads from outside, collected in the order of execution."""

    def __init__(self, iteration: list[Any]) -> None:
        self.read: dict[str, None] = {}  # in order
        self._bound: set[str] = set()
        self._visit(*iteration)

    def _visit(self, *nodes: ast.AST) -> None:
        for node in nodes:
            self.visit(node)

    def visit_Name(self, name: ast.Name) -> None:
        if isinstance(name.ctx, ast.Load):
            self._read(name.id)
        elif name.id in self.read:
            raise SyntaxError(
                f"line {name.lineno}: an iteration of a prange loop binds {name.id!r}, which it "
                "has read before; iterations are independent, so what one binds is local to it"
            )
        else:
            self._bound.add(name.id)

    def _read(self, name: str) -> None:
        if name not in self._bound:
            self.read[name] = None

    def visit_Assign(self, statement: ast.Assign) -> None:
        self._visit(statement.value, *statement.targets)

    def visit_AugAssign(self, statement: ast.AugAssign) -> None:
        if isinstance(statement.target, ast.Name):
            self._read(statement.target.id)
        self._visit(statement.value, statement.target)

    def visit_For(self, loop: ast.For) -> None:
        self._visit(loop.iter, loop.target, *loop.body)
