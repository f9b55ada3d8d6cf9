"""CSS by a parser of the standard's own error rules (tinycss2): selectors at any depth, faults with their lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.extraction.code.outline import Comments, Symbol, one_line, outline_document
from autopicker_lab.extraction.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.core import Document, SourceFile

_MOST_FAULTS = 5
_CLOSING = 50  # braces added at the end: those that close nothing there tell how many were left open
_HOLD_RULES = {"media", "supports", "layer", "container", "scope", "starting-style", "document", "-moz-document"}
_COMMENT_OR_TEXT = re.compile(
    r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|url\([^)\n]*\)|/\*.*?(?:\*/|\Z)|(?<![^\s;{}])//[^\n]*""",
    re.DOTALL,
)
_MESSAGES = {
    "}": "a brace that closes nothing",
    ")": "a parenthesis that closes nothing",
    "]": "a bracket that closes nothing",
    "bad-string": "a string that does not end in its line",
    "bad-url": "not a valid url()",
    "eof-in-string": "a string that does not end",
    "eof-in-url": "a url() that does not end",
}


class _Level(NamedTuple):
    """A block to be read: its tokens, the selector of the rules it is in, and the name of its own rule."""

    tokens: Sequence[Any]
    selector: str
    parent: str


@dataclass
class _Sheet:
    """What is found in a style sheet."""

    lines: list[str]
    ends: dict[int, int] = field(default_factory=dict)  # the last line of a block, by the id of its tokens
    comments: list[tuple[int, int]] = field(default_factory=list)
    symbols: list[Symbol] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    properties: dict[str, None] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)


def read_css(file: SourceFile) -> Document:
    """A style sheet cut at its outermost rules; selectors, at-rules, imports and custom properties as metadata."""
    text, _, warnings = decode(file.data)
    sheet = _Sheet(text.split("\n"))
    tokens = _tokens(_with_plain_comments(text, sheet), sheet)
    _measure(tokens, sheet)
    comments = Comments(sheet.lines, sheet.comments)
    levels = [_Level(tokens, "", "")]
    while levels:
        levels += reversed(list(_read_level(levels.pop(), sheet, comments)))
    sheet.symbols.sort(key=lambda symbol: symbol.first)
    faults = sorted(set(sheet.faults))
    warnings += tuple(f"syntax error at line {line}: {message}" for line, message in faults[:_MOST_FAULTS])
    if len(faults) > _MOST_FAULTS:
        warnings += (f"{len(faults) - _MOST_FAULTS} more syntax errors",)
    properties = list(sheet.properties)
    return outline_document(
        file, text, sheet.symbols, sheet.imports, warnings, comments, docstring=None, custom_properties=properties
    )


def _with_plain_comments(text: str, sheet: _Sheet) -> str:
    """The text with its last comment closed, and blanks for comments that other languages know; both are told."""

    def plain(match: re.Match[str]) -> str:
        comment = match[0]
        line = text.count("\n", 0, match.start()) + 1
        if comment.startswith("/*") and not (comment.endswith("*/") and len(comment) > 3):
            sheet.faults.append((line, "a comment that is never closed"))
            return f"{comment}*/"
        if not comment.startswith("//"):
            return comment
        sheet.faults.append((line, "// begins no comment in CSS"))
        return " " * len(comment)

    return _COMMENT_OR_TEXT.sub(plain, text) if "/*" in text or "//" in text else text


def _tokens(text: str, sheet: _Sheet) -> list[Any]:
    """The tokens of a text; blocks in it that are never closed are told."""
    import tinycss2

    end = len(sheet.lines)
    tokens: list[Any]
    *tokens, last = tinycss2.parse_component_value_list(f"{text}\n}}")
    if last.type == "error" and last.source_line > end:  # it closed nothing
        return tokens
    tokens = tinycss2.parse_component_value_list(f"{text}\n{'}' * _CLOSING}")
    kept = [token for token in tokens if not (token.type == "error" and token.source_line > end)]
    open_blocks = _CLOSING - (len(tokens) - len(kept))
    block = next((token for token in reversed(kept) if token.type == "{} block"), None)
    while open_blocks > 0 and block is not None:
        sheet.faults.append((block.source_line, "a brace that is never closed"))
        open_blocks -= 1
        block = next((token for token in reversed(block.content) if token.type == "{} block"), None)
    return kept


def _measure(tokens: Sequence[Any], sheet: _Sheet) -> None:
    """Note where blocks and comments end, which is where what follows begins, and the faults of single tokens."""
    total = len(sheet.lines)
    todo = [(tokens, total)]
    while todo:
        within, end = todo.pop()
        lines = [token.source_line for token in within] + [end]
        for token, (first, last) in zip(within, pairwise(lines), strict=True):
            if token.type == "comment":
                sheet.comments.append((first, min(last, total)))
            elif token.type == "error":
                sheet.faults.append((first, _MESSAGES.get(token.kind, token.message)))
            elif token.type in ("{} block", "() block", "[] block"):
                sheet.ends[id(token.content)] = min(last, total)
                todo.append((token.content, last))


def _read_level(level: _Level, sheet: _Sheet, comments: Comments) -> Iterator[_Level]:
    """Keep what stands in one block; yields the blocks within."""
    import tinycss2

    holds_rules = not level.selector and (not level.parent or level.parent[1:].split(" ")[0].lower() in _HOLD_RULES)
    if not level.parent:
        rules = tinycss2.parse_stylesheet(level.tokens, skip_comments=True, skip_whitespace=True)
    elif holds_rules:
        rules = tinycss2.parse_rule_list(level.tokens, skip_comments=True, skip_whitespace=True)
    else:
        rules = tinycss2.parse_blocks_contents(level.tokens, skip_comments=True, skip_whitespace=True)
    for rule in rules:
        if rule.type == "declaration":
            if rule.name.startswith("--"):
                sheet.properties[rule.name] = None
            elif _goes_on(rule.value):
                sheet.faults.append((rule.source_line, "a declaration without a semicolon"))
        elif rule.type == "error":
            _note_fault(rule, sheet)
        elif rule.type in ("qualified-rule", "at-rule"):
            symbol = _symbol(rule, level, sheet, comments)
            sheet.symbols.append(symbol)
            if rule.content is not None and not symbol.name.lower().startswith(("@keyframes", "@-webkit-keyframes")):
                selector = level.selector if rule.type == "at-rule" else symbol.name
                yield _Level(rule.content, selector, symbol.name)


def _goes_on(value: Sequence[Any]) -> bool:
    """Whether another declaration begins on a line of a value: a name, and a colon."""
    tokens = [token for token in value if token.type != "comment"]
    return all(token.type != "error" for token in tokens) and any(
        before.type == "whitespace" and "\n" in before.value and name.type == "ident" and colon == ":"
        for before, name, colon in zip(tokens, tokens[1:], tokens[2:], strict=False)
    )


def _note_fault(error: Any, sheet: _Sheet) -> None:
    line, column = error.source_line, error.source_column
    before = sheet.lines[line - 1][: column - 1] if 0 < line <= len(sheet.lines) else ""
    if re.search(r"(^|[;{])\s*\*[\w-]+\s*:[^;{]*$", before):  # what only old browsers take: *zoom: 1
        return
    is_cut = "Stop token" in error.message or "EOF" in error.message
    sheet.faults.append((line, "a declaration without a colon" if is_cut else error.message))


def _symbol(rule: Any, level: _Level, sheet: _Sheet, comments: Comments) -> Symbol:
    import tinycss2

    prelude = list(rule.prelude)
    while bad := next((i for i, token in enumerate(prelude) if token.type == "error"), None):
        prelude = prelude[bad + 1 :]
    first = next((t.source_line for t in prelude if t.type not in ("whitespace", "error")), rule.source_line)
    name = one_line(tinycss2.serialize([token for token in prelude if token.type not in ("comment", "error")]))
    if rule.type == "at-rule":
        first = rule.source_line
        name = f"@{rule.at_keyword} {name}".strip()
        if rule.lower_at_keyword == "import":
            sheet.imports += _addresses(rule.prelude)
    elif level.selector:
        name = _nested(level.selector, name)
    end = sheet.ends.get(id(rule.content)) if rule.content is not None else None
    last = end or first + tinycss2.serialize(rule.prelude).count("\n")
    kind = "selector" if rule.type == "qualified-rule" else "at-rule"
    return Symbol(kind, name, first, max(first, last), level.parent, "", comments.above(first), not level.parent)


def _nested(outer: str, inner: str) -> str:
    """The selector that a nested one stands for."""
    whole = f":is({outer})" if "," in outer else outer
    return one_line(inner.replace("&", whole) if "&" in inner else f"{whole} {inner}")


def _addresses(prelude: Sequence[Any]) -> Iterator[str]:
    for token in prelude:
        if token.type in ("string", "url"):
            yield token.value
            return
        if token.type == "function" and token.lower_name == "url":
            yield from (part.value for part in token.arguments if part.type == "string")
            return
