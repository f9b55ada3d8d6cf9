"""Pages that are read from their picture: which these are, and what stands on them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autopicker_lab.core import MissingPackageError, Part, Place, Table

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfPage

    from autopicker_lab.extraction.pdf.content import PageContent

OCR_DPI = 200
_OCR_SIDE = 4000  # pixels
_OUTLINES = 60  # pieces of drawings: fewer draw no letters
_STAMP = 60  # characters: a page number or a stamp on a scan is not its text


@dataclass(frozen=True)
class PageScan:
    """What was read from the picture of a page, the note about it for the warnings, and where its lines stand."""

    text: str = ""
    note: str = ""
    lines: tuple[Place, ...] = ()
    tables: tuple[Table, ...] = ()

    def part(self, label: str, text_layer: str, number: int) -> Part:
        """The page, number from 1, whose own text, a stamp or the like, stands above what was read."""
        above = text_layer + "\n\n" * bool(text_layer and self.text)
        moved = (replace(p, page=number, start=p.start + len(above), stop=p.stop + len(above)) for p in self.lines)
        tables = tuple(replace(table, label=f"{label}, table {i}") for i, table in enumerate(self.tables, 1))
        own = (Place(0, len(text_layer), page=number),) if text_layer else ()
        return Part(label, above + self.text, tables, (*own, *moved))


def is_scan(content: PageContent) -> bool:
    """Whether a page without text of its own shows something that may be text: pictures, or outlines of letters."""
    characters = sum(len(word.text) for word in content.words)
    if content.image_share > 0.5:
        return characters < _STAMP
    shows_something = content.image_share > 0.02 or content.drawn > _OUTLINES
    return not characters and not content.rotated and shows_something


def why_scanned(content: PageContent) -> str:
    """Why a page was read from its picture."""
    if content.lies:
        return "its text layer says something else than it shows"
    return "scanned" if content.image_share > 0.02 else "its letters are drawn as outlines"


def recognise(page: PdfPage, languages: tuple[str, ...]) -> PageScan:
    """Read a page from its picture."""
    from autopicker_lab.extraction.ocr import read_text
    from autopicker_lab.extraction.pdf.recognised import arrange

    width, height = page.get_size()
    try:
        picture = render(page, min(OCR_DPI / 72, _OCR_SIDE / max(width, height, 1)))
        if content_is_blank(picture):
            return PageScan()
        result = read_text(picture, languages)
    except MissingPackageError as error:  # the other pages may have text of their own
        if languages:
            raise
        return PageScan(note=f"and not read: {error}")
    doubts = "".join(f"; {doubt}" for doubt in result.doubts)
    if not result.text:
        return PageScan(note=f"and no text was recognised{doubts}")
    sure = f"text recognised with confidence {result.confidence:.2f}"
    text, tables, places = arrange(result, "page", 1, picture.size)
    return PageScan(text, (sure if result.is_confident else result.warning) + doubts, places, tables)


def content_is_blank(picture: Image) -> bool:
    """Whether a picture has one colour all over."""
    return all(low == high for low, high in picture.getextrema())  # type: ignore[misc]  # of RGB these are pairs


def render(page: PdfPage, scale: float) -> Image:
    """The picture of a page, `scale` pixels a point."""
    with closing(page.render(scale=scale)) as bitmap:
        picture: Image = bitmap.to_pil().convert("RGB")
        return picture
