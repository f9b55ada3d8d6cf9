"""The outline of source code, the same for each language: its symbols, and the source cut at the outermost ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Document, Part, SourceFile
from autopicker_lab.core.places import line_place
from autopicker_lab.extraction.base64_data import leave_out_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_SIGNATURE = 200  # characters
_MOST_DOC = 300
_MOST_HEAD = 1000  # bytes
_PYTHON_HEAD = re.compile(r"#[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[()\[\]{}:]")
_ALONE = re.compile(r"\s*(#|//|/\*|<!--)")
_SIGNS = re.compile(r"^\s*(#+|//+|/\*+|\*+(?!/))\s?|\s*\*+/\s*$")  # around what a comment says


@dataclass(frozen=True)
class Symbol:
    """Something in source code that has a name.

    Attributes:
        kind: "class", "function", "method", "variable", "type", "selector" or "at-rule".
        name: its name, after those that it is in: "Tide.next_high".
        first, last: its lines, from 1, decorators included.
        parent: the name of the symbol that it is in or belongs to.
        signature: its head, in one line; empty where that is the name.
        doc: the first paragraph of what is written about it: docstring or comment above.
        top: whether the source is cut before it.
    """

    kind: str
    name: str
    first: int
    last: int
    parent: str = ""
    signature: str = ""
    doc: str = ""
    top: bool = True

    def to_dict(self) -> dict[str, Any]:
        """What is known of it, for the metadata of a Document."""
        row = {"kind": self.kind, "name": self.name, "first": self.first, "last": self.last}
        more = {"parent": self.parent, "signature": self.signature, "doc": self.doc}
        return row | {key: value for key, value in more.items() if value}


class Comments:
    """The comments that have lines to themselves, by the line they end in."""

    def __init__(self, lines: list[str], comments: Iterable[tuple[int, int]]) -> None:
        """`comments`: first and last line of each."""
        self._lines = lines
        self._first = {last: first for first, last in comments if self._is_alone(first)}

    def _is_alone(self, line: int) -> bool:
        return bool(_ALONE.match(self._lines[line - 1]))

    def begin_above(self, line: int) -> int:
        """The line in which the comments begin that stand right above a line; the line itself where none do."""
        while (above := self._first.get(line - 1)) is not None:
            line = above
        return line

    def end_before(self, line: int) -> int:
        """The last line up to this one that is neither blank nor of such comments."""
        while (first := self._first.get(line)) is not None or not self._lines[line - 1].strip():
            line = (line if first is None else first) - 1
        return line

    def above(self, line: int) -> str:
        """What the comments right above a line say: their first paragraph."""
        begin = self.begin_above(line)
        if begin == line or self._lines[begin - 1].startswith("#!"):
            return ""
        said = (_SIGNS.sub("", text) for text in self._lines[begin - 1 : line - 1])
        return first_paragraph("\n".join(said))


def first_paragraph(text: str) -> str:
    """The first paragraph of a docstring or comment, in one line of bounded length."""
    paragraph = re.split(r"\n\s*\n|\n\s*@", text.strip()[: 4 * _MOST_DOC], maxsplit=1)[0]
    return one_line(paragraph, _MOST_DOC)


def head_line(data: bytes, start: int, stop: int) -> str:
    """The head of a symbol in one line: what stands before its body in UTF-8."""
    return one_line(data[start : min(stop, start + _MOST_HEAD)].decode(errors="replace").rstrip(" \n\t{:=>"))


def python_head(data: bytes, start: int, stop: int) -> str:
    """The head of a class or function of Python, without comments and decorators that stand between it and its body."""
    head = data[start : min(stop, start + _MOST_HEAD)].decode(errors="replace")
    depth = 0
    for match in _PYTHON_HEAD.finditer(head):
        sign = match[0]
        depth += (sign in "([{") - (sign in ")]}")
        if sign == ":" and depth <= 0:
            return head_line(head[: match.start()].encode(), 0, stop)
    return head_line(data, start, stop)


def one_line(text: str, most: int = _MOST_SIGNATURE) -> str:
    """A text without line ends, cut where it is long."""
    joined = " ".join(text[: 4 * most].split())
    return joined if len(joined) <= most else f"{joined[: most - 1]}…"


def outline_document(
    file: SourceFile,
    text: str,
    symbols: list[Symbol],
    imports: Iterable[str],
    warnings: tuple[str, ...],
    comments: Comments,
    **more: Any,
) -> Document:
    """The Document of a source text, shown without long base64; `more` is metadata of its language."""
    text, left_out = leave_out_base64(text)
    meta = {
        "lines": text.count("\n") + 1,
        "symbols": [symbol.to_dict() for symbol in symbols],
        "imports": sorted(set(imports)),
        **more,
    }
    return Document(file.name, file.kind, tuple(_split_at_symbols(text, symbols, comments)), meta, warnings + left_out)


def _split_at_symbols(text: str, symbols: list[Symbol], comments: Comments) -> Iterator[Part]:
    """Cut the whole source before each top symbol and the comments above it."""
    lines = text.split("\n")
    by_begin: dict[int, Symbol] = {}
    for symbol in symbols:
        if symbol.top:
            by_begin.setdefault(comments.begin_above(symbol.first), symbol)
    starts = sorted(by_begin.items())
    if not starts or starts[0][0] > 1:
        end = starts[0][0] - 1 if starts else len(lines)
        yield _part(f"lines 1-{end}", lines, 1, end)
    for i, (first, symbol) in enumerate(starts):
        end = starts[i + 1][0] - 1 if i + 1 < len(starts) else len(lines)
        yield _part(f"{symbol.kind} {symbol.name}, lines {first}-{end}", lines, first, end)


def _part(label: str, lines: list[str], first: int, last: int) -> Part:
    text = "\n".join(lines[first - 1 : last])
    return Part(label, text, (), (line_place(text, first),))
