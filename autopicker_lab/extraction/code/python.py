"""Python: by its own parser, and where that fails by a grammar that holds: Python 2, what is newer, what is wrong."""

from __future__ import annotations

import ast
import inspect
import platform
import re
import warnings as python_warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.extraction.code.grammar import Scope, Source, line_range, nest
from autopicker_lab.extraction.code.outline import Comments, first_paragraph, outline_document, python_head
from autopicker_lab.extraction.code.python_ast import Fault, Found, found_by_ast, parse
from autopicker_lab.extraction.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from autopicker_lab.core import Document, SourceFile
    from autopicker_lab.extraction.code.grammar import Match

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
    text, _, warnings = decode(file.data)
    tree, fault = parse(text)
    found = found_by_ast(tree, text) if tree is not None else _found_by_grammar(text, fault)
    return outline_document(
        file,
        text,
        nest(found.scopes),
        found.imports,
        warnings + found.warnings,
        found.comments,
        docstring=found.docstring,
    )


def _found_by_grammar(text: str, fault: Fault | None) -> Found:
    import tree_sitter_python

    source = Source.parse(text, tree_sitter_python.language)
    if source is None:
        return Found([], [], Comments([], ()), None, ("so much is wrong that it was not parsed: read as plain text",))
    matches = list(source.find(_QUERY))
    comments = Comments(text.split("\n"), (line_range(match["comment"]) for match in matches if "comment" in match))
    scopes = list(_scopes(source, matches, comments))
    if source.root.has_error:
        scopes = [_ended_by_indent(scope, source) for scope in scopes]
        scopes += _lost_scopes(source, {scope.start for scope in scopes})
    said = (_in_words(fault, source),) if fault else ()
    return Found(scopes, list(_imports(source, matches)), comments, _docstring(source, source.root), said + source.said)


def _scopes(source: Source, matches: list[Match], comments: Comments) -> Iterator[Scope]:
    decorations = {match["decorated"].id: match["decoration"] for match in matches if "decorated" in match}
    for match in matches:
        kind = next((kind for kind in ("class", "function") if kind in match), None)
        if kind is not None:
            node = match[kind]
            first, last = line_range(decorations.get(node.id, node))
            last = comments.end_before(last)  # the grammar counts comments after a body to it
            doc = _docstring(source, match["body"]) or comments.above(first)
            signature = python_head(source.data, node.start_byte, match["body"].start_byte)
            name = source.text_of(match["name"])
            yield Scope(kind, name, node.start_byte, node.end_byte, first, last, signature, first_paragraph(doc))


def _docstring(source: Source, body: Node) -> str | None:
    """The text that stands first in a module, class or function."""
    statement = next((child for child in body.named_children if child.type != "comment"), None)
    if statement is None or statement.type != "expression_statement" or len(statement.named_children) != 1:
        return None
    if statement.named_children[0].type not in ("string", "concatenated_string"):
        return None
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            value = ast.literal_eval(source.text_of(statement))
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
            signature = python_head(source.data, start, match.end())
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


def _imports(source: Source, matches: list[Match]) -> Iterator[str]:
    for match in matches:
        if "import" in match:
            yield source.text_of(match["import"])
        elif "future" in match:
            yield "__future__"
        elif "package" in match:
            package = source.text_of(match["package"])
            is_named = package.strip(". ")
            yield package if is_named or "member" not in match else f"{package}{source.text_of(match['member'])}"


def _in_words(fault: Fault, source: Source) -> str:
    if fault.line is None:
        return fault.message
    lines = source.text.split("\n")
    at = lines[fault.line - 1] if 0 < fault.line <= len(lines) else ""
    if _OF_PYTHON_2.search(at):
        return f"line {fault.line} is Python 2: {fault.message}"
    if not source.root.has_error and not fault.of_layout:
        return (
            f"line {fault.line} is not for Python {platform.python_version()}, which read it, perhaps for a newer one"
        )
    return f"syntax error at line {fault.line}: {fault.message}"
