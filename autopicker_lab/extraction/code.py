"""Readers for source code: Python by its own parser, JavaScript by tree-sitter, CSS by tinycss2; one Part a symbol."""

from __future__ import annotations

import ast
import warnings as python_warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from autopicker_lab.core import Document, Part, SourceFile
from autopicker_lab.core.places import line_place
from autopicker_lab.extraction.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node


@dataclass(frozen=True)
class Symbol:
    """A class, function, variable or selector in source code; lines count from 1, both inclusive."""

    kind: str
    name: str
    first: int
    last: int
    top: bool = True


def read_python(file: SourceFile) -> Document:
    """Python source cut at its top-level symbols; symbols, imports and docstring as metadata."""
    text, _, warnings = decode(file.data)
    symbols: list[Symbol] = []
    imports: list[str] = []
    docstring = None
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        warnings += (f"syntax error at line {error.lineno}, column {error.offset}: {error.msg}",)
    except (RecursionError, MemoryError, ValueError) as error:
        warnings += (f"too deeply nested to parse ({type(error).__name__}): read as plain text",)
    else:
        symbols = list(_python_symbols(tree.body, "", True))
        imports = sorted(set(_python_imports(tree)))
        docstring = ast.get_docstring(tree)
    return _document(file, text, symbols, imports, warnings, docstring)


def _python_symbols(body: list[ast.stmt], prefix: str, top: bool) -> Iterator[Symbol]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            kind = "class" if isinstance(node, ast.ClassDef) else "function" if top else "method"
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield Symbol(kind, prefix + node.name, first, node.end_lineno or node.lineno, top)
            if isinstance(node, ast.ClassDef):
                yield from _python_symbols(node.body, f"{prefix}{node.name}.", False)


def _python_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def read_javascript(file: SourceFile) -> Document:
    """JavaScript source cut at its top-level symbols; symbols and imports as metadata."""
    import tree_sitter_javascript as grammar

    text, _, warnings = decode(file.data)
    root = _parse(grammar.language(), text)
    symbols = [s for child in root.children for s in _javascript_symbols(child, True)]
    imports = sorted(
        {_node_text(n.child_by_field_name("source")) for n in root.children if n.type == "import_statement"}
    )
    return _document(file, text, symbols, imports, warnings + _errors(root))


_JS_KINDS = {
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "class_declaration": "class",
    "method_definition": "method",
}


def _javascript_symbols(node: Node, top: bool) -> Iterator[Symbol]:
    if node.type == "export_statement":
        for child in node.children:
            yield from _javascript_symbols(child, top)
    elif node.type in _JS_KINDS:
        yield _symbol(_JS_KINDS[node.type], node, top)
        body = node.child_by_field_name("body")
        if node.type == "class_declaration" and body is not None:
            for child in body.children:
                yield from _javascript_symbols(child, False)
    elif node.type in ("lexical_declaration", "variable_declaration"):
        for child in node.named_children:
            if child.type == "variable_declarator":
                value = child.child_by_field_name("value")
                is_function = value is not None and value.type in ("arrow_function", "function_expression")
                yield _symbol("function" if is_function else "variable", child, top)


def read_css(file: SourceFile) -> Document:
    """A style sheet cut at its rules; selectors, at-rules and imports as metadata."""
    import tinycss2

    text, _, warnings = decode(file.data)
    symbols: list[Symbol] = []
    imports: list[str] = []
    rules = tinycss2.parse_stylesheet(text, skip_whitespace=True)
    ends = [rule.source_line - 1 for rule in rules[1:]] + [text.count("\n") + 1]
    for rule, end in zip(rules, ends, strict=False):  # no rules: one end too many
        if rule.type == "error":
            warnings += (f"syntax error at line {rule.source_line}, column {rule.source_column}: {rule.message}",)
        elif rule.type in ("qualified-rule", "at-rule"):
            name = " ".join(tinycss2.serialize(rule.prelude).split())
            if rule.type == "at-rule":
                name = f"@{rule.at_keyword} {name}".strip()
                if rule.lower_at_keyword == "import":
                    imports.append(name.removeprefix("@import ").strip("'\""))
            kind = "selector" if rule.type == "qualified-rule" else "at-rule"
            symbols.append(Symbol(kind, name, rule.source_line, max(end, rule.source_line)))
    return _document(file, text, symbols, imports, warnings)


def _parse(language: object, text: str) -> Node:
    from tree_sitter import Language, Parser

    return Parser(Language(language)).parse(text.encode()).root_node


def _node_text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode().strip("'\"")


def _symbol(kind: str, node: Node, top: bool) -> Symbol:
    return Symbol(
        kind, _node_text(node.child_by_field_name("name")), node.start_point[0] + 1, node.end_point[0] + 1, top
    )


def _errors(root: Node, limit: int = 5) -> tuple[str, ...]:
    """Messages about the first syntax errors in a tree, which may be too deep for recursion."""
    messages: list[str] = []
    stack = [root]
    while stack and len(messages) < limit:
        node = stack.pop()
        if node.is_error or node.is_missing:
            messages.append(f"syntax error at line {node.start_point[0] + 1}, column {node.start_point[1] + 1}")
        elif node.has_error:
            stack.extend(reversed(node.children))
    return tuple(messages)


def _document(
    file: SourceFile,
    text: str,
    symbols: list[Symbol],
    imports: list[str],
    warnings: tuple[str, ...],
    docstring: str | None = None,
) -> Document:
    rows = [asdict(symbol) for symbol in symbols]
    meta = {
        "lines": text.count("\n") + 1,
        "symbols": [{key: row[key] for key in ("kind", "name", "first", "last")} for row in rows],
        "imports": imports,
        "docstring": docstring,
    }
    return Document(file.name, file.kind, tuple(_split_at_symbols(text, symbols)), meta, warnings)


def _split_at_symbols(text: str, symbols: list[Symbol]) -> Iterator[Part]:
    """Cut the whole source before each top-level symbol; nothing twice, nothing lost."""
    lines = text.split("\n")
    starts = sorted({s.first: s for s in reversed(symbols) if s.top}.items())
    if not starts or starts[0][0] > 1:
        end = starts[0][0] - 1 if starts else len(lines)
        yield _part(f"lines 1-{end}", lines, 1, end)
    for i, (first, symbol) in enumerate(starts):
        end = starts[i + 1][0] - 1 if i + 1 < len(starts) else len(lines)
        yield _part(f"{symbol.kind} {symbol.name}, lines {first}-{end}", lines, first, end)


def _part(label: str, lines: list[str], first: int, last: int) -> Part:
    text = "\n".join(lines[first - 1 : last])
    return Part(label, text, (), (line_place(text, first),))
