"""What of a page's text nobody sees: not painted, in the colour of what is behind it, covered, clipped, too small."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from PIL.Image import Image
    from pypdfium2 import PdfPage

    from autopicker_lab.extraction.pdf.drawing import Cover, PageDrawings
    from autopicker_lab.extraction.pdf.paint import Paint
    from autopicker_lab.extraction.pdf.words import PageWord

_SIDE = 2000  # pixels
_SCAN = 0.5  # share of the page under pictures
_BELOW = 2.0  # points that a base line may stand below what covers its letters
_TINY = 1.0  # points: a type size that no eye reads
_CONTRAST = 8  # of 255: what differs less from its surroundings is not seen


def unseen_words(
    page: PdfPage, words: Sequence[PageWord], paints: Mapping[int | None, Paint], drawings: PageDrawings
) -> set[int]:
    """The ids of the words of which the picture of the page shows nothing.

    Words are as pdfium gives them, not yet turned. The picture is made only where some may be unseen: white or
    transparent text, what has the colour of the area that it stands on, what something is drawn over, and what its clip
    cuts away. Text that is not painted on a scan is what was recognised on it, and where most such text has something
    of a picture behind it, it belongs to that.
    """
    if drawings.image_share > _SCAN:
        return set()
    hidden = {source for source, paint in paints.items() if not paint.painted}
    faint = {source for source, paint in paints.items() if paint.is_faint} - hidden
    unpainted = [word for word in words if word.source in hidden] if hidden else []
    pale = [word for word in words if word.source in faint] if faint else []
    others = [*_covered(words, drawings), *_camouflaged(words, paints, drawings.grounds)]
    others += [word for word in words if word.source in drawings.clipped] if drawings.clipped else []
    pale += {id(word): word for word in others if word.source not in faint and word.source not in hidden}.values()
    tiny = {id(word) for word in words if word.style.size <= _TINY and word.x1 - word.x0 < 0.6 * len(word.text)}
    if not unpainted and not pale:
        return tiny if len(tiny) < len(words) else set()
    picture = _PagePicture(page)
    unseen = [word for word in unpainted if not picture.shows(word)]
    if len(unseen) < 0.5 * len(unpainted):
        unseen = []
    unseen += [word for word in pale if not picture.shows(word)]
    found = tiny | {id(word) for word in unseen}
    return found if len(found) < len(words) else set()


def _camouflaged(
    words: Sequence[PageWord], paints: Mapping[int | None, Paint], grounds: Sequence[tuple[Paint, Cover]]
) -> Iterator[PageWord]:
    """The words on an area of their own colour."""
    own = set(paints.values())
    alike = [(paint, area) for paint, area in grounds if paint in own]
    for word in words if alike else ():
        paint = paints.get(word.source)
        x, y = (word.x0 + word.x1) / 2, word.base
        if word.style.angle in (90, 270):
            x, y = y, x
        if any(p == paint and a.x0 <= x <= a.x1 and a.y0 - _BELOW <= y <= a.y1 for p, a in alike):
            yield word


def _covered(words: Sequence[PageWord], drawings: PageDrawings) -> Iterator[PageWord]:
    """The words over which something is drawn later."""
    if not drawings.covers:
        return
    ordered = sorted((word for word in words if word.style.angle == 0), key=lambda word: word.base)
    bases = [word.base for word in ordered]
    below = [
        (word, cover.turn)
        for cover in drawings.covers
        for word in ordered[bisect_left(bases, cover.y0 - _BELOW) : bisect_right(bases, cover.y1)]
        if cover.x0 <= (word.x0 + word.x1) / 2 <= cover.x1
    ]
    turns = drawings.text_turns() if below else {}
    for word, turn in below:
        if turns.get(word.source, -1) < turn:
            yield word


class _PagePicture:
    """A page in grey as it is shown, before it is turned, and what stands on it."""

    def __init__(self, page: PdfPage) -> None:
        left, bottom, right, top = page.get_bbox()
        self._left, self._top = left, top
        self._scale = min(1.5, _SIDE / max(right - left, top - bottom, 1))
        turn = page.get_rotation()
        with closing(page.render(scale=self._scale, rotation=(360 - turn) % 360, grayscale=True)) as bitmap:
            self._grey: Image = bitmap.to_pil().convert("L")

    def shows(self, word: PageWord) -> bool:
        """Whether anything of a word can be seen: of letters their middle zone has both light and dark."""
        size = word.style.size
        low, high = (0.05, 0.45) if any(c.isalnum() for c in word.text) else (-0.25, 0.9)
        if word.style.angle in (90, 270):
            side = size if word.style.angle == 270 else -size
            across = sorted((word.base + low * side, word.base + high * side))
            box = (across[0], word.x0, across[1], word.x1)
        else:
            up = -size if word.style.angle == 180 else size
            heights = sorted((word.base + low * up, word.base + high * up))
            box = (word.x0, heights[0], word.x1, heights[1])
        x0, y0, x1, y1 = box
        area = (
            int((x0 - self._left) * self._scale),
            int((self._top - y1) * self._scale),
            int((x1 - self._left) * self._scale) + 1,
            int((self._top - y0) * self._scale) + 1,
        )
        area = (max(area[0], 0), max(area[1], 0), min(area[2], self._grey.width), min(area[3], self._grey.height))
        if area[0] >= area[2] or area[1] >= area[3]:
            return True  # beyond the edge, which is judged elsewhere
        dark, light = self._grey.crop(area).getextrema()
        return float(light) - float(dark) > _CONTRAST  # type: ignore[arg-type]  # a grey picture has one pair
