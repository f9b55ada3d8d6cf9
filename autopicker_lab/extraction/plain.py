"""Readers for plain text and Markdown, in any encoding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopicker_lab.core import Cell, Document, Part, SourceFile, Table
from autopicker_lab.core.places import Place, line_place
from autopicker_lab.extraction.base64_data import leave_out_base64
from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.drawn_tables import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_OVERSTRUCK = re.compile(r"[^\n\x08]\x08(?=[^\n\x08])")
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(\S.*)$")
_LINK = re.compile(r"""!?\[((?:[^\[\]\\]|\\.)*)\]\((?:[^()\s]|\([^()\s]{0,200}\)){0,2000}(?:\s+"[^"]*")?\)""")
_UNDERLINE = re.compile(r" {0,3}(?:={2,}|-{3,})[ \t]*")
_DELIMITER_ROW = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?|\|\s*:?-+:?")
_RULE = re.compile(r"\|(?:\s*:?-{3,}:?\s*\|)+")
_CLOSING_SIGNS = re.compile(r"(?:^|[ \t])#+$")
_BAR = re.compile(r"(?<!\\)\|")
_BEFORE_ROW = re.compile(r"(?:[-*+>]|\d{1,9}[.)])\s+(?=\|)")  # the sign of the list or quote that a table stands in
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")


def read_txt(file: SourceFile) -> Document:
    """The text as one Part; encoding and number of lines as metadata."""
    text, encoding, warnings = decode(file.data)
    if "\x1b" in text:
        text, warnings = _TERMINAL.sub("", text), (*warnings, "colours and moves of a terminal were dropped")
    if "\x08" in text:  # overstruck, as printers made letters bold and underlined
        text = _OVERSTRUCK.sub("", text).replace("\x08", "")
    text, left_out = leave_out_base64(text)
    warnings += left_out
    place = line_place(text)
    meta = {"encoding": encoding, "lines": place.lines[1] if place.lines else 0}
    return Document(file.name, file.kind, (Part("text", text, tuple(tables_of(text)), (place,)),), meta, warnings)


def sections(text: str) -> list[Part]:
    """Cut Markdown that a reader made at its headings; a Part has its heading as label and in its text, and its tables.

    The places of a Part name the headings that it stands under.
    """
    parts: list[Part] = []
    label, pending = "beginning", []  # type: str, list[str]
    titles: dict[int, str] = {}  # level -> the title that holds

    def close() -> None:
        if any(line.strip() for line in pending):
            text = "\n".join(pending).strip("\n")
            place = Place(0, len(text), headings=tuple(titles[level] for level in sorted(titles)) or None)
            parts.append(Part(label, text, tuple(markdown_tables(pending)), (place,)))

    lines = text.split("\n")
    code = lines_in_code(lines)
    for line, is_code, below in zip(lines, code, [*lines[1:], ""], strict=True):
        heading = None if is_code else _heading(line, below)
        if heading:
            close()
            level, label = heading
            pending = []
            titles = {above: title for above, title in titles.items() if above < level} | {level: label}
        pending.append(line)
    close()
    return parts or [Part(label, "")]


def _heading(line: str, below: str) -> tuple[int, str] | None:
    """Level and title of a line that is a heading, by number signs or by the line below it; None for other lines."""
    match = _HEADING.match(line)
    if match:
        title = _CLOSING_SIGNS.sub("", match[2].rstrip()).rstrip()
        return (len(match[1]), _without_links(title)) if title else None
    underlined = _UNDERLINE.fullmatch(below) and line.strip() and line[0] not in " \t>|-*+#`0123456789"
    return (1 if "=" in below else 2, _without_links(line.strip())) if underlined else None


def _without_links(title: str) -> str:
    """A title with the words of its links and pictures alone, as it is shown."""
    return (_LINK.sub(r"\1", _LINK.sub(r"\1", title)) if "](" in title else title) or title


def lines_in_code(lines: Sequence[str]) -> list[bool]:
    """Whether each line belongs to a fenced block; a fence is closed by one of its own kind, at least as long."""
    in_fence: list[bool] = []
    fence = ""
    for line in lines:
        match = _FENCE.match(line)
        if fence:
            in_fence.append(True)
            if match and match[1][0] == fence[0] and len(match[1]) >= len(fence) and not match[2].strip():
                fence = ""
        else:
            fence = match[1] if match and not (match[1][0] == "`" and "`" in match[2]) else ""
            in_fence.append(bool(fence))
    return in_fence


def markdown_tables(lines: Sequence[str]) -> Iterator[Table]:
    """The tables of GitHub-flavoured Markdown among lines; cells are text, blank ones None."""
    rows: list[tuple[Cell, ...]] | None = None
    for before, line, is_code in zip(["", *lines], [*lines, ""], [*lines_in_code(lines), False], strict=True):
        if rows is None:
            if not is_code and "|" in before and _DELIMITER_ROW.fullmatch(line.strip()):
                rows = [_cells(before)]
        elif "|" in line and not is_code:
            rows.append(_cells(line))
        else:
            yield Table(tuple(rows))
            rows = None


def flat_rows(text: str) -> list[str]:
    """The lines of a cell's text, where a table in it has lost its rules, and its bars are commas."""
    lines: list[str] = []
    for line in text.split("\n"):
        if not line.startswith("|"):
            lines.append(line)
        elif not _RULE.fullmatch(line) and (row := line.strip("| ")):
            lines.append(", ".join(cell.strip() for cell in _BAR.split(row)))
    return lines


def _cells(line: str) -> tuple[Cell, ...]:
    inner = _BEFORE_ROW.sub("", line.strip()).removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(cell.strip().replace("\\|", "|") or None for cell in _BAR.split(inner))
