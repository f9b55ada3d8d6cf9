"""What layout needs of a page of a PDF: its words, lines and pictures, and what is to be said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.extraction.pdf.annotations import PageAnnotations

if TYPE_CHECKING:
    from autopicker_lab.extraction.pdf.drawing import RulingLine
    from autopicker_lab.extraction.pdf.words import PageWord


class TurnedLine(NamedTuple):
    """A line at another angle than the page's, with its box on the page turned upright, points."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    at_right_angle: bool


@dataclass
class PageContent:
    """Everything that layout needs of a page.

    Attributes:
        garbled: share of characters that have no name, 0 to 1.
        unmapped: share of characters for which pdfium took the font's own code, 0 to 1.
        hidden, outside: how many characters were left out that nobody sees, or that stand beyond the page's edge.
        turn: degrees by which the page as it is shown is turned clockwise so that its text is upright.
    """

    width: float
    height: float
    words: list[PageWord]
    rotated: list[PageWord]  # set at another angle than most of the page
    rules: list[RulingLine] = field(default_factory=list)
    image_share: float = 0.0
    pictures: int = 0  # those that cover more than a hundredth of the page
    garbled: float = 0.0
    unmapped: float = 0.0
    hidden: int = 0
    outside: int = 0
    lies: bool = False  # its text is another than what it shows
    doubted: bool = False  # it may be
    nameless: set[int | None] = field(default_factory=set)  # text objects whose font does not name its characters
    mended: int = 0  # lines of these that were read from the picture
    drawn: int = 0  # see `drawn_weight`; measured where there are no words
    notes: list[str] = field(default_factory=list)  # text of annotations
    annotations: PageAnnotations = field(default_factory=PageAnnotations)
    line_numbers: int = 0  # left out by layout
    turn: int = 0
    turned: list[TurnedLine] = field(default_factory=list)  # the lines of `rotated` that are no heads of columns

    @property
    def is_blank(self) -> bool:
        """Whether there is neither a word nor a line nor a picture on it."""
        return not (self.words or self.rotated or self.rules or self.image_share)
