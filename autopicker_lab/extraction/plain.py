"""Plain text and Markdown, in any encoding."""

from __future__ import annotations

import re

from autopicker_lab.core import Document, Part, SourceFile

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$")
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
    """Markdown cut at its headings; each Part is labelled with its heading and keeps it."""
    parts: list[Part] = []
    label, held, fenced = "beginning", [], False  # type: str, list[str], bool
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        match = None if fenced else _HEADING.match(line)
        if match:
            if any(x.strip() for x in held):
                parts.append(Part(label, "\n".join(held).strip("\n")))
            label, held = match[2], []
        held.append(line)
    if any(x.strip() for x in held) or not parts:
        parts.append(Part(label, "\n".join(held).strip("\n")))
    return parts
