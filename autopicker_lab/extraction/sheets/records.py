"""Records of the stream of an XLS: what xlrd does not tell of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILEPASS, _BOUNDSHEET, _CODEPAGE, _END = 0x2F, 0x85, 0x42, 0x0A
_OBJECT, _TEXT_OBJECT, _CONTINUE = 0x5D, 0x1B6, 0x3C
_NOTE = 0x19  # the kind of the object that shows a comment
_MAX_TEXTS = 1000


def records(stream: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The kind and the content of each record from a place on."""
    at = max(start, 0)
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def is_locked(stream: bytes) -> bool:
    """Whether a workbook's records are encrypted."""
    for kind, _ in records(stream):
        if kind == _FILEPASS:
            return True
        if kind in (_END, _BOUNDSHEET):
            return False
    return False


def code_page(stream: bytes) -> int | None:
    """The number of the code page that a workbook's texts are written in; None where it does not say."""
    for kind, content in records(stream):
        if kind == _CODEPAGE and len(content) >= 2:
            return int.from_bytes(content[:2], "little")
        if kind == _END:
            return None
    return None


def shape_texts(stream: bytes) -> list[list[str]]:
    """The texts of the shapes of each worksheet of Excel 97 and later, comments left out."""
    starts: list[int] = []
    for kind, content in records(stream):
        if kind == _BOUNDSHEET and len(content) > 5 and content[5] == 0:
            starts.append(int.from_bytes(content[:4], "little"))
        elif kind == _END:
            break
    return [list(_texts(stream, start)) for start in starts]


def _texts(stream: bytes, start: int) -> Iterator[str]:
    kind_of_object = expected = found = 0
    for kind, content in records(stream, start):
        if kind == _OBJECT and len(content) >= 6:
            kind_of_object = int.from_bytes(content[4:6], "little")
        elif kind == _TEXT_OBJECT and len(content) >= 12:
            expected = int.from_bytes(content[10:12], "little")
        elif kind == _CONTINUE and expected and content:
            text = content[1:].decode("utf-16-le" if content[0] & 1 else "latin-1", "replace")[:expected]
            expected = 0
            if kind_of_object != _NOTE and text.strip():
                found += 1
                yield text.replace("\r", "\n")
        elif kind == _END or found >= _MAX_TEXTS:
            return
