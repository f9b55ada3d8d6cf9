"""PDF: a text layer that says something else than the page shows is not believed."""

import io
import random
import string
from pathlib import Path
from typing import Any

import pytest
import reportlab
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from support.papers import PROSE, pdf, read

from autopicker_lab.extraction.pdf.content import PageContent
from autopicker_lab.extraction.pdf.fonts import FontStyle
from autopicker_lab.extraction.pdf.trust import is_odd
from autopicker_lab.extraction.pdf.words import PageWord

VERA = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
SHIFTED = "1 begincodespacerange <00><ff> endcodespacerange 1 beginbfrange <00><7e><0001> endbfrange"
NAMELESS = "1 begincodespacerange <00><ff> endcodespacerange 1 beginbfrange <00><ff><e000> endbfrange"
SPACES = "1 begincodespacerange <00><ff> endcodespacerange 2 beginbfchar <00><0020><01><0020> endbfchar"


def embedded(readable: bool) -> bytes:
    """Prose in a font whose codes are those of ASCII, or count from 0."""
    name = f"Vera{readable}"
    registerFont(TTFont(name, str(VERA), asciiReadable=readable))

    def draw(paper: Any, _: int) -> None:
        paper.setFont(name, 14)
        for number, text in enumerate(PROSE):
            paper.drawString(60, 700 - 24 * number, text)

    return bytes(pdf(draw))


def with_map(data: bytes, cmap: str | None) -> Any:
    """The file with another map of its codes to Unicode, or none."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    for font in writer.pages[0]["/Resources"]["/Font"].values():
        entries = font.get_object()
        if "/ToUnicode" not in entries:
            continue
        if cmap is None:
            del entries["/ToUnicode"]
            continue
        stream = DecodedStreamObject()
        stream.set_data(f"/CIDInit /ProcSet findresource begin begincmap {cmap} endcmap end".encode())
        assert isinstance(entries, DictionaryObject)
        entries[NameObject("/ToUnicode")] = stream
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("readable", "cmap"),
    [(False, None), (True, SHIFTED), (True, NAMELESS)],
    ids=["no map", "another letter", "private"],
)
def test_a_page_whose_letters_are_not_named_is_read_from_its_picture(readable: bool, cmap: str | None) -> None:
    found = read(with_map(embedded(readable), cmap))
    assert "the first ferry leaves twenty minutes later" in found.text
    assert "its text layer says something else than it shows" in found.warnings[0]
    assert found.metadata["scanned_pages"] == ["1"]


def test_a_page_whose_letters_are_right_is_not_recognised() -> None:
    for data in (embedded(True), embedded(False)):
        found = read(data)
        assert "the first ferry leaves twenty minutes later" in found.text
        assert not found.metadata["scanned_pages"]
        assert not found.warnings


def test_a_heading_whose_font_names_no_letters_is_read_from_the_picture() -> None:
    registerFont(TTFont("VeraHeading", str(VERA), asciiReadable=False))

    def draw(paper: Any, _: int) -> None:
        paper.setFont("VeraHeading", 18)
        paper.drawString(60, 760, "Timetable of the ferries")
        paper.setFont("Helvetica", 11)
        for number, text in enumerate(PROSE):
            paper.drawString(60, 700 - 24 * number, text)

    found = read(with_map(pdf(draw), None))
    assert "Timetable of the ferries" in found.text
    assert "the first ferry leaves twenty minutes later" in found.text
    assert not found.metadata["scanned_pages"]
    assert found.warnings == ("lines in fonts that do not name their characters were read from the picture: 1",)


def test_a_page_drawn_as_outlines_is_read_from_its_picture() -> None:
    textpath = pytest.importorskip("matplotlib.textpath")
    outline = textpath.TextPath((60, 700), "Wear a life jacket", size=24)

    def draw(paper: Any, _: int) -> None:
        path = paper.beginPath()
        for contour in outline.to_polygons():
            path.moveTo(*contour[0])
            for point in contour[1:]:
                path.lineTo(*point)
            path.close()
        paper.drawPath(path, stroke=0, fill=1, fillMode=0)

    found = read(pdf(draw))
    assert "life jacket" in found.text
    assert "outlines" in found.warnings[0]


def odd(text: str, unmapped: float = 0.0) -> bool:
    words = [PageWord(word, 0, 1, 1, FontStyle(10, False, False, 0)) for word in text.split()]
    return is_odd(PageContent(595, 842, words, [], unmapped=unmapped))


def test_what_is_odd() -> None:
    prose = " ".join(PROSE)
    shuffled = random.Random(3).sample(string.ascii_lowercase, 26)
    assert not odd(prose)
    assert not odd(prose, unmapped=1.0)  # the codes are the letters
    assert odd("7LFNHWV DUH VROG", unmapped=1.0)
    assert odd(prose.lower().translate(str.maketrans(string.ascii_lowercase, "".join(shuffled))))
    assert odd("Ïðèâåò âñåì êòî ïëûâåò íà îñòðîâ ñåãîäíÿ âå÷åðîì " * 4)
    assert odd("!\"#$%&'()*+,-./:;<=>?@[]^{}~" * 6)
    assert not odd("Всеобщая декларация прав человека и гражданина для всех " * 4)
    assert not odd("Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm " * 4)
    assert not odd("12.50 | 17.80 | 99.10 | 2024-05-06 | 1,200.00 " * 9)
