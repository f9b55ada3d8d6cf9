"""Plain text and Markdown, in any encoding."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from autopicker_lab.core import Cell, Document, Part, SourceFile, Table

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$")
_DELIMITER_ROW = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?|\s*\|\s*:?-+:?\s*\|?\s*")
_BAR = re.compile(r"(?<!\\)\|")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")


def decode(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    """Text, encoding name and warnings of bytes in an unknown encoding; line ends become \\n."""
    text, encoding, warnings = _decode(data)
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding, warnings


def _decode(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").lstrip("\ufeff"), encoding, ()
    for encoding, zeros in (("utf-16-be", data[:256:2]), ("utf-16-le", data[1:256:2])):
        if len(data) % 2 == 0 and zeros.count(0) > 0.6 * len(zeros):  # UTF-16 of mostly Latin text, without a mark
            return data.decode(encoding, "replace"), encoding, ()
    try:
        return data.decode("utf-8"), "utf-8", ()
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        return data.decode("utf-8", "replace"), "utf-8", ("the encoding is unknown: some characters were lost",)
    return str(best), best.encoding, ()


def read_txt(file: SourceFile) -> Document:
    text, encoding, warnings = decode(file.data)
    meta = {"encoding": encoding, "lines": text.count("\n") + (not text.endswith("\n"))}
    return Document(file.name, file.kind, (Part("text", text),), meta, warnings)


def read_md(file: SourceFile) -> Document:
    text, encoding, warnings = decode(file.data)
    parts = tuple(sections(text))
    headings = [part.label for part in parts if part.label != "beginning"]
    meta = {"encoding": encoding, "title": headings[0] if headings else None, "headings": headings}
    return Document(file.name, file.kind, parts, meta, warnings)


def sections(text: str) -> list[Part]:
    """Markdown cut at its headings; each Part is labelled with its heading, keeps it, and holds its tables."""
    parts: list[Part] = []
    label, held, fenced = "beginning", [], False  # type: str, list[str], bool

    def close() -> None:
        if any(line.strip() for line in held):
            parts.append(Part(label, "\n".join(held).strip("\n"), tuple(tables(held))))

    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        match = None if fenced else _HEADING.match(line)
        if match:
            close()
            label, held = match[2], []
        held.append(line)
    close()
    return parts or [Part(label, "")]


def tables(lines: Sequence[str]) -> Iterator[Table]:
    """GitHub's Markdown tables among lines, cells as text, blank ones None."""
    fenced = False
    rows: list[tuple[Cell, ...]] | None = None
    for before, line in zip(["", *lines], [*lines, ""], strict=True):
        if _FENCE.match(line):
            fenced = not fenced
        if rows is None:
            if not fenced and "|" in before and _DELIMITER_ROW.fullmatch(line):
                rows = [_cells(before)]
        elif "|" in line:
            rows.append(_cells(line))
        else:
            yield Table(tuple(rows))
            rows = None


def _cells(line: str) -> tuple[Cell, ...]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(cell.strip().replace("\\|", "|") or None for cell in _BAR.split(inner))
