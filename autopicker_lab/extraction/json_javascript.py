"""The value of an object or a list that is written as JavaScript writes it, by JavaScript's grammar; nothing runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tree_sitter import Node

    from autopicker_lab.extraction.code.grammar import Source

_MOST_CHARACTERS = 2_000_000
_DEEPEST = 200
_WORDS = {"true": True, "false": False, "null": None, "undefined": None}
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_ESCAPE = re.compile(r"\\(?:u\{?([0-9a-fA-F]+)\}?|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_AROUND = {  # what may stand around the value: a call, an assignment, an export
    *("program", "expression_statement", "parenthesized_expression", "call_expression", "arguments"),
    *("assignment_expression", "variable_declaration", "lexical_declaration", "variable_declarator"),
    *("export_statement", "sequence_expression"),
}


def javascript_value(text: str) -> Any:
    """The one object or list of a text, what is computed as its source; None where it is none, or has faults."""
    import tree_sitter_javascript

    from autopicker_lab.extraction.code.grammar import Source

    if len(text) > _MOST_CHARACTERS or not any(sign in text for sign in "{["):
        return None
    bare = text.strip().rstrip(";")
    for tried in (f"({bare}\n)", bare):  # by itself an object would be a block
        source = Source.parse(tried, tree_sitter_javascript.language)
        if source is not None and not source.root.has_error:
            found = _outermost(source.root)
            return _value(found, source) if found is not None else None
    return None


def _outermost(root: Node) -> Node | None:
    """The only object or list of a text that holds nothing else."""
    found: list[Node] = []
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type in ("object", "array"):
            found.append(node)
        elif node.type in _AROUND:
            stack += node.named_children
        elif node.type not in ("identifier", "member_expression", "comment"):
            return None
    return found[0] if len(found) == 1 else None


def _value(node: Node, source: Source, depth: int = 0) -> Any:
    text = source.text_of(node)
    if depth > _DEEPEST:
        return text
    children = [child for child in node.named_children if child.type != "comment"]
    if node.type == "object":
        pairs = ((child.child_by_field_name("key"), child.child_by_field_name("value")) for child in children)
        return {_key(key, source): _value(value, source, depth + 1) for key, value in pairs if key and value}
    if node.type == "array":
        return [_value(child, source, depth + 1) for child in children]
    if node.type in ("string", "template_string"):
        return _ESCAPE.sub(_letter, text[1:-1])
    return _WORDS[text] if text in _WORDS else _number(text)


def _key(node: Node, source: Source) -> str:
    text = source.text_of(node)
    return _ESCAPE.sub(_letter, text[1:-1]) if node.type == "string" else text


def _letter(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    if not number:
        return _LETTERS.get(match[3], match[3])
    return chr(int(number, 16)) if int(number, 16) < 0x110000 else match[0]


def _number(text: str) -> Any:
    bare = "".join(text.split()).replace("_", "").removeprefix("+")
    for read in (int, lambda digits: int(digits, 0), float):
        try:
            return read(bare)
        except ValueError:
            continue
    return text
