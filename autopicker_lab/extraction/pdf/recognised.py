"""Recognised lines in reading order: columns, rows and tables, by the layout of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core import Place, Table
from autopicker_lab.core.places import turn_back
from autopicker_lab.extraction.ocr.tilt import size_level, tilted_back
from autopicker_lab.extraction.pdf.alignment import aligned_tables
from autopicker_lab.extraction.pdf.columns import reading_order
from autopicker_lab.extraction.pdf.fonts import FontStyle
from autopicker_lab.extraction.pdf.layout import TextSegment, make_rows
from autopicker_lab.extraction.pdf.words import PageWord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core.places import Box
    from autopicker_lab.extraction.ocr import OcrLine, OcrResult
    from autopicker_lab.extraction.ocr.lines import PixelBox

_BESIDE = 0.35  # share of lines with another one beside them, from which there are columns


class ArrangedText(NamedTuple):
    """The text of a recognised picture, a line each, the tables that stand in it as Markdown, and where each stands."""

    text: str
    tables: tuple[Table, ...]
    places: tuple[Place, ...]


def arrange(result: OcrResult, label: str, page: int, size: tuple[int, int]) -> ArrangedText:
    """The recognised text of a picture in reading order.

    Args:
        label: what its tables are labelled after.
        page: number of the page or picture, from 1.
        size: width and height in pixels of the picture as it came, not turned.
    """
    lines = result.lines
    segments = [_segment(line, order) for order, line in enumerate(lines)]
    boxes = {id(word): line.box for line, segment in zip(lines, segments, strict=True) for word in segment.words}
    columns = _stand_beside(lines) >= _BESIDE * len(lines)
    regions = reading_order(segments) if columns else [make_rows(segments)]
    pieces: list[str] = []
    tables: list[Table] = []
    places: list[Place] = []
    start = 0
    for region in regions:
        for first, last, found in aligned_tables(region):
            if found is None:
                stretches = [(row.text, [row]) for row in region[first:last]]
            else:
                rows = tuple(tuple(cell or None for cell in row) for row in found.rows)
                tables.append(Table(rows, f"{label}, table {len(tables) + 1}"))
                stretches = [(f"{chr(10) * bool(pieces)}{tables[-1].to_markdown()}\n", region[first:last])]
            for text, rows_of_it in stretches:
                box = _box([boxes[id(word)] for row in rows_of_it for word in row.words], size, result)
                places.append(Place(start, start + len(text), page=page, box=box))
                pieces.append(text)
                start += len(text) + 1
    return ArrangedText("\n".join(pieces), tuple(tables), tuple(places))


def _box(boxes: Sequence[PixelBox], size: tuple[int, int], result: OcrResult) -> Box:
    """The box around boxes in a picture as it was turned to read it, as shares of its sides as it came."""
    level = size_level(size, result.tilt)
    width, height = level if result.rotation % 180 == 0 else level[::-1]
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    edges = min(lefts) / width, min(tops) / height, max(rights) / width, max(bottoms) / height
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in edges)
    return tilted_back(turn_back((left, top, right, bottom), -result.rotation), size, result.tilt)


def _segment(line: OcrLine, order: int) -> TextSegment:
    left, _, right, _ = line.box
    style = FontStyle(line.height, bold=False, mono=False, angle=0)
    words = line.text.split()
    width = (right - left) / max(len(line.text), 1)
    placed: list[PageWord] = []
    start = 0
    for word in words:
        start = line.text.index(word, start)
        placed.append(PageWord(word, left + start * width, left + (start + len(word)) * width, line.base, style))
        start += len(word)
    return TextSegment(placed, left, right, line.base, line.height, order=order)


def _stand_beside(lines: Sequence[OcrLine]) -> int:
    """How many lines have another one beside them; in a conversation of bubbles left and right there are few."""
    boxes = sorted((line.box for line in lines), key=lambda box: box[1] + box[3])
    middles = [(box[1] + box[3]) / 2 for box in boxes]
    beside = [a < box[3] for a, box in zip(middles[1:], boxes, strict=False)]
    return sum(any(beside[max(i - 1, 0) : i + 1]) for i in range(len(boxes)))
