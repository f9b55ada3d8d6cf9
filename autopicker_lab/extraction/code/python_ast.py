"""Sound Python as Python's own parser sees it."""

from __future__ import annotations

import ast
import re
import warnings as python_warnings
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from autopicker_lab.extraction.code.grammar import Scope
from autopicker_lab.extraction.code.outline import Comments, first_paragraph, python_head

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(r"^[ \t]*#", re.M)


@dataclass(frozen=True)
class Found:
    """What was found in a source text, by whatever parser."""

    scopes: list[Scope]
    imports: list[str]
    comments: Comments
    docstring: str | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """What this Python says against a text, in which line, and whether it is about its indentation."""

    line: int | None
    message: str
    of_layout: bool = False


def parse(text: str) -> tuple[ast.Module | None, Fault | None]:
    """The tree of a text, or what is wrong with it."""
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            return ast.parse(text), None
    except SyntaxError as error:
        return None, Fault(error.lineno, error.msg, isinstance(error, IndentationError))
    except (RecursionError, MemoryError, ValueError):
        return None, Fault(None, "too deeply nested for Python itself")


def found_by_ast(tree: ast.Module, text: str) -> Found:
    """The symbols, imports, comments and docstring of a text that is sound."""
    lines = text.split("\n")
    data = text.encode()
    begins = [0, *accumulate(len(line) + 1 for line in data.split(b"\n"))]
    # a line of a longer text that begins with # may pass for one: none stands right above a symbol
    comments = Comments(lines, ((i, i) for i, line in enumerate(lines, 1) if _COMMENT.match(line)))
    scopes: list[Scope] = []
    imports: list[str] = []
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            imports += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            imports += _from(node)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            scopes.append(_scope(node, data, begins, comments))
    return Found(scopes, imports, comments, ast.get_docstring(tree))


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """All statements, at any depth; nothing within expressions."""
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, name, None)
            if isinstance(inner, list):
                stack += inner


def _from(node: ast.ImportFrom) -> Iterator[str]:
    package = "." * node.level + (node.module or "")
    if node.module:
        yield package
    else:  # from . import name
        yield from (package if alias.name == "*" else f"{package}{alias.name}" for alias in node.names)


def _scope(
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, data: bytes, begins: list[int], comments: Comments
) -> Scope:
    last = node.end_lineno or node.lineno
    start = begins[node.lineno - 1] + node.col_offset
    stop = begins[last - 1] + (node.end_col_offset or 0)
    body = begins[node.body[0].lineno - 1] + node.body[0].col_offset
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    said = node.body[0].value if isinstance(node.body[0], ast.Expr) else None
    is_text = isinstance(said, ast.Constant) and isinstance(said.value, str)
    doc = first_paragraph(said.value) if is_text else comments.above(first)  # type: ignore[union-attr]
    kind = "class" if isinstance(node, ast.ClassDef) else "function"
    return Scope(kind, node.name, start, stop, first, last, python_head(data, start, body), doc)
