"""Python: outlined by a grammar that reads Python 2 and what is newer than the interpreter; errors told by `ast`."""

from __future__ import annotations

import ast
import inspect
import platform
import re
import warnings as python_warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autopicker_lab.extraction.code.grammar import Scope, Source, line_range, nest, node_text
from autopicker_lab.extraction.code.outline import Comments, first_paragraph, outline_document
from autopicker_lab.extraction.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from autopicker_lab.core import Document, SourceFile
    from autopicker_lab.extraction.code.grammar import Found

_QUERY = """
(function_definition name: (identifier) @name body: (_) @body) @function
(class_definition name: (identifier) @name body: (_) @body) @class
(decorated_definition definition: (_) @decorated) @decoration
(import_statement name: (dotted_name) @import)
(import_statement name: (aliased_import name: (dotted_name) @import))
(import_from_statement module_name: (dotted_name) @import)
(import_from_statement module_name: (relative_import) @package name: (dotted_name) @member)
(import_from_statement module_name: (relative_import) @package name: (aliased_import name: (dotted_name) @member))
(import_from_statement module_name: (relative_import) @package (wildcard_import))
(future_import_statement) @future
(comment) @comment
"""
_TEXTS = "[(string) (comment)] @text"
_HEAD = re.compile(rb"^([ \t]*)(?:async[ \t]+)?(class|def)[ \t]+(\w+)[^\n]*", re.M)
_KINDS = {b"class": "class", b"def": "function"}
_OF_PYTHON_2 = re.compile(
    r"^\s*(print|exec)\s+[^\s=(.,)]|^\s*print\s*>>|\bexcept\b.+,\s*\w+\s*:|^\s*raise\b.+,|<>|`|\b0[0-7]|\bur?['\"]"
)


def read_python(file: SourceFile) -> Document:
    """Python source cut at its top-level symbols; symbols, imports and docstring as metadata."""
    import tree_sitter_python

    text, _, warnings = decode(file.data)
    source = Source(text, tree_sitter_python.language)
    found = list(source.find(_QUERY))
    comments = Comments(text.split("\n"), (line_range(match["comment"]) for match in found if "comment" in match))
    tree, fault = _second_opinion(text)
    if tree is not None and source.root.has_error:
        scopes = list(_scopes_of_ast(tree, source))
    else:
        scopes = list(_scopes(source, found, comments))
        if source.root.has_error:
            scopes = [_ended_by_indent(scope, source) for scope in scopes]
            scopes += _lost_scopes(source, {scope.start for scope in scopes})
    warnings += (fault.in_words(source),) if fault else ()
    docstring = _docstring(source.root)
    warnings += source.said
    return outline_document(file, text, nest(scopes), _imports(found), warnings, comments, docstring=docstring)


def _scopes(source: Source, found: list[Found], comments: Comments) -> Iterator[Scope]:
    decorations = {match["decorated"].id: match["decoration"] for match in found if "decorated" in match}
    for match in found:
        kind = next((kind for kind in ("class", "function") if kind in match), None)
        if kind is not None:
            node = match[kind]
            first, last = line_range(decorations.get(node.id, node))
            last = comments.end_before(last)  # the grammar counts comments after a body to it
            doc = _docstring(match["body"]) or comments.above(first)
            signature = source.signature(node.start_byte, match["body"].start_byte)
            name = node_text(match["name"])
            yield Scope(kind, name, node.start_byte, node.end_byte, first, last, signature, first_paragraph(doc))


def _docstring(body: Node) -> str | None:
    """The text that stands first in a module, class or function."""
    statement = next((child for child in body.named_children if child.type != "comment"), None)
    if statement is None or statement.type != "expression_statement" or len(statement.named_children) != 1:
        return None
    if statement.named_children[0].type not in ("string", "concatenated_string"):
        return None
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            value = ast.literal_eval(node_text(statement))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return inspect.cleandoc(value) if isinstance(value, str) else None


def _lost_scopes(source: Source, known: set[int]) -> Iterator[Scope]:
    """Classes and functions whose heads the tree lost within its errors."""
    texts = source.ranges(_TEXTS)
    line, counted = 1, 0
    for match in _HEAD.finditer(source.data):
        indent, kind, name = match.groups()
        start = match.start() + len(indent)
        line, counted = line + source.data.count(b"\n", counted, start), start
        if start not in known and not texts.holds(start):
            signature = source.signature(start, match.end())
            scope = Scope(_KINDS[kind], name.decode(), start, len(source.data), line, line, signature)
            yield _ended_by_indent(scope, source)


def _ended_by_indent(scope: Scope, source: Source) -> Scope:
    """The scope up to the next line that is not deeper, where an error lets the tree go on."""
    line = source.data.rfind(b"\n", 0, scope.start) + 1
    head_end = source.data.find(b"\n", scope.start)
    if head_end < 0:
        return scope
    not_deeper = re.compile(rb"^(?![ \t]{%d}[ \t])[ \t]*[^\s#)\]}]" % (scope.start - line), re.M)
    after = not_deeper.search(source.data, head_end + 1, scope.stop)
    if after is None and scope.last > scope.first:
        return scope
    stop = scope.start + len(source.data[scope.start : after.start() if after else scope.stop].rstrip())
    return replace(scope, stop=stop, last=scope.first + source.data.count(b"\n", scope.start, stop))


def _imports(found: list[Found]) -> Iterator[str]:
    for match in found:
        if "import" in match:
            yield node_text(match["import"])
        elif "future" in match:
            yield "__future__"
        elif "package" in match:
            package = node_text(match["package"])
            is_named = package.strip(". ")
            yield package if is_named or "member" not in match else f"{package}{node_text(match['member'])}"


def _scopes_of_ast(tree: ast.Module, source: Source) -> Iterator[Scope]:
    """What Python's own parser finds where the grammar stumbles over something odd but right."""
    begins = [0, *(match.end() for match in re.finditer(b"\n", source.data))]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            start = begins[node.lineno - 1] + node.col_offset
            last = node.end_lineno or node.lineno
            stop = begins[last - 1] + (node.end_col_offset or 0)
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            signature = source.signature(start, begins[node.body[0].lineno - 1] + node.body[0].col_offset)
            yield Scope(
                kind, node.name, start, stop, first, last, signature, first_paragraph(ast.get_docstring(node) or "")
            )


@dataclass(frozen=True)
class _Fault:
    """What this Python says against a text, and in which line."""

    line: int | None
    message: str
    of_layout: bool = False

    def in_words(self, source: Source) -> str:
        """A warning."""
        if self.line is None:
            return self.message
        lines = source.text.split("\n")
        at = lines[self.line - 1] if 0 < self.line <= len(lines) else ""
        if _OF_PYTHON_2.search(at):
            return f"line {self.line} is Python 2: {self.message}"
        if not source.root.has_error and not self.of_layout:
            version = platform.python_version()
            return f"line {self.line} is not for Python {version}, which read it, perhaps for a newer one"
        return f"syntax error at line {self.line}: {self.message}"


def _second_opinion(text: str) -> tuple[ast.Module | None, _Fault | None]:
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            return ast.parse(text), None
    except SyntaxError as error:
        return None, _Fault(error.lineno, error.msg, isinstance(error, IndentationError))
    except (RecursionError, MemoryError, ValueError):
        return None, _Fault(None, "too deeply nested for Python itself")
