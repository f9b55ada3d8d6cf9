"""PDF: text that nobody sees is left out and said; text that a scan shows, or a dark ground, stays."""

import io
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.lib.utils import ImageReader
from support.papers import pdf, read

SECRET = "the margin of the ferry is ninety percent"
PLAIN = "Every fare includes a seat on the upper deck."


def line(paper: Any, text: str, y: int, **options: Any) -> None:
    block = paper.beginText(60, y)
    block.setFont("Helvetica", 11)
    block.setTextRenderMode(options.get("mode", 0))
    block.setFillGray(options.get("grey", 0))
    block.textOut(text)
    paper.drawText(block)


def white(paper: Any) -> None:
    line(paper, SECRET, 600, grey=1)


def unpainted(paper: Any) -> None:
    line(paper, SECRET, 600, mode=3)


def transparent(paper: Any) -> None:
    paper.setFillAlpha(0)
    line(paper, SECRET, 600)


def tiny(paper: Any) -> None:
    paper.setFont("Helvetica", 0.5)
    paper.drawString(60, 600, SECRET)


def blackened(paper: Any) -> None:
    line(paper, SECRET, 600)
    paper.rect(50, 592, 300, 20, fill=1, stroke=0)


def papered_over(paper: Any) -> None:
    line(paper, SECRET, 600)
    paper.drawImage(ImageReader(Image.new("RGB", (30, 3), "white")), 50, 592, 300, 20)


def camouflaged(paper: Any) -> None:
    paper.setFillColorRGB(1, 0, 0)
    paper.rect(50, 592, 300, 20, fill=1, stroke=0)
    paper.drawString(60, 600, SECRET)


def clipped(paper: Any) -> None:
    outline = paper.beginPath()
    outline.rect(400, 200, 100, 100)
    paper.clipPath(outline, stroke=0, fill=0)
    line(paper, SECRET, 600)


def beyond_its_form(paper: Any) -> None:
    paper.beginForm("box", 0, 0, 200, 100)
    line(paper, SECRET, 600)
    paper.endForm()
    paper.doForm("box")


HIDDEN = [white, unpainted, transparent, tiny, blackened, papered_over, camouflaged, clipped, beyond_its_form]


@pytest.mark.parametrize("hide", HIDDEN)
@pytest.mark.parametrize("turn", [0, 90])
def test_text_that_nobody_sees_is_left_out_and_said(hide: Any, turn: int) -> None:
    def draw(paper: Any, _: int) -> None:
        paper.saveState()
        hide(paper)
        paper.restoreState()
        line(paper, PLAIN, 700)

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(draw))))
    writer.pages[0].rotate(turn)
    out = io.BytesIO()
    writer.write(out)
    found = read(out.getvalue())
    assert PLAIN in found.text
    assert "ninety" not in found.text
    assert found.warnings[0] == "text that nobody sees was left out: 34 characters on page 1"


def test_white_text_on_a_dark_ground_and_marked_text_stay() -> None:
    def draw(paper: Any, _: int) -> None:
        line(paper, PLAIN, 700)
        paper.rect(50, 592, 300, 20, fill=1, stroke=0)
        line(paper, "Heading of a table", 600, grey=1)
        line(paper, "This is what matters", 500)
        paper.setFillColorRGB(1, 1, 0, alpha=0.4)
        paper.rect(50, 492, 300, 20, fill=1, stroke=0)

    found = read(pdf(draw))
    assert "Heading of a table" in found.text
    assert "This is what matters" in found.text
    assert not found.warnings


def test_text_that_its_clip_shows_in_part_stays_whole() -> None:
    def draw(paper: Any, _: int) -> None:
        line(paper, PLAIN, 700)
        outline = paper.beginPath()
        outline.rect(60, 490, 80, 20)
        paper.clipPath(outline, stroke=0, fill=0)
        line(paper, "A name that is wider than its cell", 500)

    found = read(pdf(draw))
    assert "A name that is wider than its cell" in found.text
    assert not found.warnings


def test_text_beyond_the_edge_of_the_page_is_left_out_and_said() -> None:
    def draw(paper: Any, _: int) -> None:
        line(paper, PLAIN, 700)
        paper.drawString(60, 900, "printer's mark 17")

    found = read(pdf(draw))
    assert "printer" not in found.text
    assert found.warnings == ("text beyond the edge of the page was left out: 15 characters on page 1",)


def test_a_text_layer_on_a_scan_stays() -> None:
    scan = Image.effect_noise((595, 842), 90)

    def draw(paper: Any, _: int) -> None:
        paper.drawImage(ImageReader(scan), 0, 0, 595, 842)
        for number in range(3):
            line(paper, f"{PLAIN} {number}", 700 - 20 * number, mode=3)

    found = read(pdf(draw))
    assert f"{PLAIN} 2" in found.text
    assert not any("nobody" in warning for warning in found.warnings)


def test_where_nothing_else_can_be_seen_unseen_text_is_read() -> None:
    assert "ninety" in read(pdf(lambda paper, _: unpainted(paper))).text
