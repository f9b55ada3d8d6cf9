"""What the bytes of a PDF tell of its structure, without a parser: whether it is worth opening by pypdf as well."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = re.compile(rb"/Type\s*/Page\b")
_OBJECT_STREAM = re.compile(rb"/ObjStm\b")
_STREAM = re.compile(rb"stream\r?\n")
_LABELS = re.compile(rb"/PageLabels\s*(?:(\d+)\s+\d+\s+R)?")
_FLAT = re.compile(rb"\s*<<\s*/Nums\b")
_STREAM_LIMIT = 8 * 2**20
_MAX_LABELS = 20  # objects that are said to be the page labels: one a revision


@dataclass(frozen=True)
class PdfTraits:
    """What stands in a file, as far as its bytes tell.

    Attributes:
        pages: how many objects are pages, those of earlier revisions as well.
        layers, collection: whether it has optional content, or is a portfolio.
        opaque: whether its objects are encrypted, so that the others may be wrong.
        cut: whether objects stand after its last end, or it has none.
        label_tree: whether its page labels may be a tree, which in a circle would end pdfium.
    """

    pages: int
    layers: bool
    collection: bool
    opaque: bool
    cut: bool
    label_tree: bool

    @classmethod
    def of(cls, data: bytes) -> PdfTraits:
        """The traits of a file's bytes and of its object streams."""
        pages, layers, collection, label_tree = 0, False, False, False
        for piece in (data, *_object_streams(data)):
            pages += len(_PAGE.findall(piece))
            label_tree = label_tree or _has_label_tree(piece, data)
            layers = layers or b"/OCProperties" in piece
            collection = collection or b"/Collection" in piece
        end = data.rfind(b"%%EOF")
        cut = end < 0 or b" obj" in data[end:]
        return cls(pages, layers, collection, b"/Encrypt" in data and b"/ObjStm" in data, cut, label_tree)


def _has_label_tree(piece: bytes, data: bytes) -> bool:
    """Whether page labels in a piece are more than one plain array."""
    numbers: set[bytes] = set()
    for match in _LABELS.finditer(piece):
        if match[1]:
            numbers.add(match[1])
        elif not _FLAT.match(piece, match.end()):
            return True
    if len(numbers) > _MAX_LABELS:
        return True
    for number in numbers:
        labels = re.search(rb"(?<!\d)%b\s+\d+\s+obj\b(.{0,20000}?)endobj" % number, data, re.DOTALL)
        if labels is None or b"/Kids" in labels[1]:
            return True
    return False


def _object_streams(data: bytes) -> Iterator[bytes]:
    known = -1
    for match in _OBJECT_STREAM.finditer(data):
        start = _STREAM.search(data, match.end(), match.end() + 1000)
        if start is None or start.start() == known:
            continue
        known = start.start()
        end = data.find(b"endstream", start.end())
        try:
            yield zlib.decompressobj().decompress(data[start.end() : end if end > 0 else None], _STREAM_LIMIT)
        except zlib.error:
            yield data[start.end() : end]
