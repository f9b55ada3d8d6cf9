"""PDFs drawn with reportlab, so that what must come out is known, and a font of boxes for any characters."""

import io
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

from autopicker_lab.core import ReadOptions
from autopicker_lab.extraction import extract

PROSE = (
    "The harbour office opens at six in the morning",
    "and the first ferry leaves twenty minutes later",
    "with a crew of four and a dog that barks at gulls",
    "which the passengers on the upper deck enjoy more",
    "than the captain, who has heard it all before and",
    "keeps the window of the wheel house firmly closed.",
)


def pdf(draw: Any, pages: int = 1, **options: Any) -> Any:
    """The bytes of a document on whose canvas `draw(canvas, page number)` was called for every page."""
    buffer = io.BytesIO()
    paper = canvas.Canvas(buffer, pagesize=A4, invariant=1, **options)
    for number in range(1, pages + 1):
        paper.setFont("Helvetica", 10)
        draw(paper, number)
        paper.showPage()
    paper.save()
    return buffer.getvalue()


def column(paper: Any, x: Any, top: Any, lines: Any, step: int = 13) -> None:
    for i, line in enumerate(lines):
        paper.drawString(x, top - i * step, line)


def read(data: Any, **options: Any) -> Any:
    return extract(data, name="a.pdf", options=ReadOptions(**options))


def box_font(name: str, characters: str, width: int = 1000) -> None:
    """Register a font in which each of the characters is a box, `width` thousandths of an em wide."""
    glyphs = {ord(c): f"u{ord(c):04X}" for c in characters}
    names = [".notdef", *sorted(set(glyphs.values()))]
    pen = TTGlyphPen(None)
    for move, point in ((pen.moveTo, (80, -60)), (pen.lineTo, (width - 80, -60)), (pen.lineTo, (width - 80, 800))):
        move(point)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(glyphs)
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (width, 80)))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, usWinAscent=880, usWinDescent=120)
    builder.setupPost()
    file = io.BytesIO()
    builder.save(file)
    file.seek(0)
    pdfmetrics.registerFont(TTFont(name, file))
