"""Where the blocks of a page stand on it, as it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.core import Place
from autopicker_lab.core.places import turn_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from autopicker_lab.core.places import Box
    from autopicker_lab.extraction.pdf.content import PageContent
    from autopicker_lab.extraction.pdf.layout import TextRow

_ASCENT, _DESCENT = 0.85, 0.25  # of the type size, about, above and below the base line


def box_of_rows(rows: Iterable[TextRow]) -> Box:
    """Left, top, right and bottom of rows, points."""
    edges = [(row.x0, row.base - _ASCENT * row.size, row.x1, row.base + _DESCENT * row.size) for row in rows]
    lefts, tops, rights, bottoms = zip(*edges, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def block_places(spans: Sequence[tuple[int, int, Box | None]], content: PageContent, number: int) -> Iterator[Place]:
    """The places of blocks, given as begin and end in the text and box in points; the first page has number 1."""
    for start, stop, box in spans:
        yield Place(start, stop, page=number, box=None if box is None else _shown(box, content))


def _shown(box: Box, content: PageContent) -> Box:
    """A box on the page turned for its text, in points, as shares of the page as it is shown."""
    left, right = (_share(x, content.width) for x in (box[0], box[2]))
    top, bottom = (_share(y, content.height) for y in (box[1], box[3]))
    return turn_back((left, top, right, bottom), content.turn)


def _share(value: float, whole: float) -> float:
    return min(max(value / whole, 0.0), 1.0) if whole else 0.0
