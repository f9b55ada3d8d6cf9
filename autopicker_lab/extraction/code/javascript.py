"""JavaScript, with JSX and with TypeScript's annotations: functions, classes and methods in whatever form they come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopicker_lab.extraction.code.grammar import Scope, Source, line_range, nest
from autopicker_lab.extraction.code.outline import Comments, one_line, outline_document
from autopicker_lab.extraction.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from autopicker_lab.core import Document, SourceFile
    from autopicker_lab.extraction.code.grammar import Match

_FUNCTION = "[(function_expression) (generator_function) (arrow_function)]"
_KEY = "[(property_identifier) (private_property_identifier) (string) (number) (computed_property_name)]"
_TEXT = "[(string) (template_string)]"
_QUERY = f"""
(function_declaration name: (_) @name body: (_) @body) @function
(generator_function_declaration name: (_) @name body: (_) @body) @function
(function_expression name: (_) @name body: (_) @body) @expression
(generator_function name: (_) @name body: (_) @body) @expression
(class_declaration name: (_) @name body: (_) @body) @class
(class name: (_) @name body: (_) @body) @class
(method_definition name: (_) @name body: (_) @body) @function
(variable_declarator name: (identifier) @name value: {_FUNCTION} @value) @function
(variable_declarator name: (identifier) @name value: (class) @value) @class
(variable_declarator name: (identifier) @name value: (object)) @holder
(pair key: {_KEY} @name value: {_FUNCTION} @value) @function
(pair key: {_KEY} @name value: (class) @value) @class
(pair key: {_KEY} @name value: (object)) @holder
(assignment_expression left: [(identifier) (member_expression)] @name right: {_FUNCTION} @value) @function
(assignment_expression left: [(identifier) (member_expression)] @name right: (class) @value) @class
(assignment_expression left: [(identifier) (member_expression)] @name right: (object)) @holder
(export_statement "default" @name value: {_FUNCTION} @value) @function
(export_statement "default" @name value: (class) @value) @class
(program (lexical_declaration (variable_declarator name: (identifier) @name value: (_)? @initial) @variable))
(program (variable_declaration (variable_declarator name: (identifier) @name value: (_)? @initial) @variable))
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @variable)))
(program (export_statement (variable_declaration (variable_declarator name: (identifier) @name) @variable)))
(import_statement source: (string) @import)
(export_statement source: (string) @import)
(call_expression function: (import) arguments: (arguments . {_TEXT} @import))
(call_expression function: (identifier) @callee arguments: (arguments . {_TEXT} @import))
(call_expression function: (identifier) @callee arguments: (arguments (array (string) @import)))
(export_statement declaration: (_) @exported) @export
(comment) @comment
"""
_FIELDS = f"(field_definition property: {_KEY} @name value: {_FUNCTION} @value) @function"
_OF_TYPESCRIPT = f"""
(public_field_definition name: {_KEY} @name value: {_FUNCTION} @value) @function
(abstract_class_declaration name: (_) @name body: (_) @body) @class
(interface_declaration name: (_) @name body: (_) @body) @type
(type_alias_declaration name: (_) @name value: (_) @body) @type
(enum_declaration name: (_) @name body: (_) @body) @type
(internal_module name: (_) @name) @holder
(method_signature name: (_) @name) @function
(abstract_method_signature name: (_) @name) @function
(import_require_clause source: (string) @import)
"""
_KINDS = ("function", "class", "type", "variable", "expression", "holder")
_SIGNATURES = ("method_signature", "abstract_method_signature")  # have no body
_CALLEES = ("require", "importScripts", "define")
_GLOBALS = re.compile(r"^(module\.exports|exports|this|window|globalThis|self|global)(\.|$)")
_ACCESSOR = re.compile(r"(?<=[\s;{)])accessor(?=[ \t]+[#\w$\[\"'])")  # before a field, as decorators want it
_LITERAL_KEY = re.compile(r"""\[(["'])[^"'\\]*\1\]""")
_MOST_NAME = 200


def read_javascript(file: SourceFile) -> Document:
    """JavaScript source cut at its outermost symbols; symbols and imports as metadata."""
    text, _, warnings = decode(file.data)
    parsed = _parse(text)
    if parsed is None:
        warnings += ("so much is wrong that it was not parsed: read as plain text",)
        return outline_document(file, text, [], (), warnings, Comments([], ()))
    source, query, said = parsed
    found = list(source.find(query))
    comments = Comments(text.split("\n"), (line_range(match["comment"]) for match in found if "comment" in match))
    symbols = nest(_scopes(source, found, comments))
    return outline_document(file, text, symbols, _imports(source, found), warnings + said + source.said, comments)


def _parse(text: str) -> tuple[Source, str, tuple[str, ...]] | None:
    """The tree of the grammar that finds the fewest faults, a query of it, and what to say of the faults."""
    import tree_sitter_javascript

    source = Source.parse(text, tree_sitter_javascript.language)
    known = ""
    if source is not None and source.root.has_error and _ACCESSOR.search(text):
        known = _ACCESSOR.sub(" " * len("accessor"), text)
        source = Source.parse(text, tree_sitter_javascript.language, known)
    if source is None:
        return None
    if not source.root.has_error:
        return source, _QUERY + _FIELDS, ()
    import tree_sitter_typescript

    grammars = (tree_sitter_typescript.language_tsx, tree_sitter_typescript.language_typescript)
    found = (Source.parse(text, grammar, known) for grammar in grammars)
    typed = min((each for each in found if each is not None), key=_count_faults, default=source)
    if _count_faults(typed) >= _count_faults(source):
        return source, _QUERY + _FIELDS, _in_words(source)
    line = source.faults()[0][0]
    said = (f"not plain JavaScript: types as of TypeScript, first in line {line}",)
    return typed, _QUERY + _OF_TYPESCRIPT, said + _in_words(typed)


def _count_faults(source: Source) -> int:
    return len(source.faults(50))


def _in_words(source: Source) -> tuple[str, ...]:
    return tuple(f"syntax error at line {line}, column {column}" for line, column in source.faults())


def _scopes(source: Source, found: list[Match], comments: Comments) -> Iterator[Scope]:
    exports = {match["exported"].id: match["export"] for match in found if "exported" in match}
    values = {match["value"].id for match in found if "value" in match}
    for match in found:
        kind = next((kind for kind in _KINDS if kind in match), None)
        if kind is None:
            continue
        node = match[kind]
        if node.id in values or ("initial" in match and _is_require(source, match["initial"])):
            continue  # a function expression that has another name, what is an import
        first, last = line_range(node)
        first = min(first, line_range(exports.get(node.id, node))[0])
        owner, name = _owner_and_name(source, match["name"])
        if kind == "holder":
            yield Scope("", name, node.start_byte, node.end_byte, first, last, owner=owner)
            continue
        kind = "function" if kind == "expression" else kind
        name = name or "module.exports"
        body = match.get("body") or (match["value"].child_by_field_name("body") if "value" in match else None)
        end = body.start_byte if body is not None else node.end_byte if node.type in _SIGNATURES else node.start_byte
        signature = source.signature(node.start_byte, end) if end > node.start_byte else ""
        yield Scope(
            kind, name, node.start_byte, node.end_byte, first, last, signature, comments.above(first), owner=owner
        )


def _is_require(source: Source, value: Node) -> bool:
    return source.data.startswith(b"require(", value.start_byte)


def _owner_and_name(source: Source, node: Node) -> tuple[str, str]:
    """What something belongs to and its name: of `Queue.prototype.add`, "Queue" and "add"."""
    text = one_line(source.text_of(node), _MOST_NAME)
    if node.type == "string":
        return "", text.strip("'\"")
    if node.type == "computed_property_name" and _LITERAL_KEY.fullmatch(text):
        return "", text[2:-2]
    if node.type != "member_expression":
        return "", text
    owner, _, name = _GLOBALS.sub("", text.replace(".prototype", "")).rpartition(".")
    return owner, name


def _imports(source: Source, found: list[Match]) -> Iterator[str]:
    for match in found:
        if "import" in match and ("callee" not in match or source.text_of(match["callee"]) in _CALLEES):
            name = source.text_of(match["import"]).strip("'\"`")
            if "${" not in name:
                yield name
