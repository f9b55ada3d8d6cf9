"""PDFs made here with reportlab and pypdf, so that what must come out is known."""

import io
import zlib
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.platypus import Table, TableStyle
from support.papers import PROSE, column, pdf, read

from autopicker_lab.core import CorruptFileError, EncryptedFileError
from autopicker_lab.extraction import extract, open_source
from autopicker_lab.extraction.pdf import page_image
from autopicker_lab.extraction.pdf.bombs import refuse_bombs


def test_columns_are_read_one_after_the_other_under_a_heading_across() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.setFont("Helvetica-Bold", 20)
        paper.drawString(60, 780, "A title over both columns")
        paper.setFont("Helvetica", 10)
        column(paper, 60, 740, [f"left {line}" for line in PROSE])
        column(paper, 320, 733, [f"right {line}" for line in PROSE])  # base lines that do not meet the left ones

    text = read(pdf(draw)).text
    assert text.startswith("# A title over both columns\n\nleft The harbour office")
    assert text.index("left keeps the window") < text.index("right The harbour office")


def test_lines_become_paragraphs_and_divided_words_whole() -> None:
    def draw(paper: Any, _: Any) -> None:
        lines = [
            "Nobody expected the effi-",
            "cient shuffling of files on",
            "the well-known first floor,",
            "a well-",
            "known",
        ]
        column(paper, 60, 700, [f"{line}" for line in lines])
        column(paper, 60, 600, ["A second paragraph stands apart from the first one."])

    first, second = read(pdf(draw)).text.split("\n\n")
    assert first == "Nobody expected the efficient shuffling of files on the well-known first floor, a well-known"
    assert second == "A second paragraph stands apart from the first one."


def test_headings_by_size_and_by_outline() -> None:
    def draw(paper: Any, number: Any) -> None:
        paper.bookmarkPage(f"p{number}")
        paper.addOutlineEntry(f"Part {number}", f"p{number}", level=1 if number > 1 else 0)
        paper.drawString(60, 640, f"Part {number}")  # as small as the text: only the outline knows
        column(paper, 60, 600, PROSE)
        paper.setFont("Helvetica", 16)
        paper.drawString(60, 480, "Set larger")

    document = read(pdf(draw, pages=2))
    assert "# Part 1\n" in document.parts[0].text
    assert "## Part 2\n" in document.parts[1].text
    assert "# Set larger" in document.text
    assert document.metadata["outline"] == ["Part 1", "Part 2"]


def test_what_stands_beside_a_title_is_no_part_of_it() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.setFont("Helvetica", 20)
        paper.drawString(60, 700, "Booking order")
        paper.setFont("Helvetica", 10)
        paper.drawString(420, 700, "Printed 12/15/2024")
        column(paper, 60, 640, PROSE)

    text = read(pdf(draw)).text
    assert text.startswith("# Booking order\n\nPrinted 12/15/2024\n\nThe harbour")


def test_a_ruled_table_with_a_merged_and_a_wrapped_cell() -> None:
    rows = [
        ["Fleet", "", ""],
        ["Boat", "Built", "Remark"],
        ["Petrel", "1987", "refitted\nin March"],
        ["Fulmar", "1999", ""],
    ]
    style = [("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("SPAN", (0, 0), (-1, 0))]

    def draw(paper: Any, _: Any) -> None:
        table = Table(rows, style=TableStyle(style))
        table.wrapOn(paper, 400, 400)
        table.drawOn(paper, 60, 500)
        paper.drawString(60, 480, "Text below the table.")

    document = read(pdf(draw))
    assert document.tables[0].rows == (
        ("Fleet", None, None),
        ("Boat", "Built", "Remark"),
        ("Petrel", "1987", "refitted in March"),
        ("Fulmar", "1999", None),
    )
    assert "| Petrel | 1987 | refitted in March |" in document.text
    assert document.text.endswith("Text below the table.")


def test_an_unruled_table_among_text() -> None:
    rows = [("Route", "Boats", "Passengers"), ("North Quay", "9", "188,400"), ("Mill Island", "6", "121,750")]

    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 740, PROSE)
        for i, row in enumerate(rows):
            for x, cell in zip((60, 220, 320), row, strict=True):
                paper.drawString(x, 640 - 14 * i, cell)
        column(paper, 60, 560, PROSE)

    document = read(pdf(draw))
    assert document.tables[0].rows == tuple(rows)
    assert document.parts[0].text.count("|") == 4 * 4


def test_running_heads_and_page_numbers_are_kept_apart() -> None:
    def draw(paper: Any, number: Any) -> None:
        paper.drawString(60, 815, "Harbour gazette, volume nine")
        paper.drawString(290, 20, f"- {number} -")
        column(paper, 60, 700, [f"{line} {number}" for line in PROSE])

    document = read(pdf(draw, pages=4))
    assert "gazette" not in document.text
    assert "- 3 -" not in document.text
    assert set(document.metadata["running_heads"]) >= {"Harbour gazette, volume nine", "- 3 -"}


def test_the_head_of_a_single_page_is_told_by_its_number_or_its_line_and_size() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.drawString(60, 815, "Chapter two of the gazette 124")
        column(paper, 60, 700, PROSE)
        paper.setFont("Helvetica", 8)
        paper.line(60, 60, 540, 60)
        paper.drawString(60, 45, "The harbour gazette of Mill Island")

    document = read(pdf(draw))
    assert document.metadata["running_heads"] == [
        "Chapter two of the gazette 124",
        "The harbour gazette of Mill Island",
    ]
    assert "running heads and feet stand in the metadata, not in the text" in document.warnings


def test_what_is_repeated_in_the_text_itself_stays() -> None:
    def draw(paper: Any, number: Any) -> None:
        column(paper, 60, 800, PROSE * 9)

    assert read(pdf(draw, pages=3)).text.count("keeps the window") == 27


def test_lists_footnotes_and_code() -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 740, PROSE)
        column(paper, 60, 640, ["• count the passengers", "• test the horn", "1. report to the office", "2. cast off"])
        paper.setFont("Courier", 10)
        column(paper, 60, 560, ["def leave(boat):", "    return boat.engine.start()"])
        paper.setFont("Helvetica", 7)
        paper.drawString(60, 90, "1 Only in summer, and only where the tide allows it.")

    text = read(pdf(draw)).text
    assert "- count the passengers\n- test the horn\n1. report to the office\n2. cast off" in text
    assert "```\ndef leave(boat):\n    return boat.engine.start()\n```" in text
    assert text.endswith("[^1]: Only in summer, and only where the tide allows it.")


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_reads_like_an_upright_one(turn: int) -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 740, PROSE)

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(draw))))
    writer.pages[0].rotate(turn)
    writer.pages[0].transfer_rotation_to_content()
    buffer = io.BytesIO()
    writer.write(buffer)
    assert read(buffer.getvalue()).text == read(pdf(draw)).text


def test_form_values_stand_beside_their_labels() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.drawString(60, 700, "Name of the keeper:")
        paper.acroForm.textfield(name="keeper", value="Ottilie Vandersteen", x=180, y=692, width=200, height=20)
        paper.drawString(60, 660, "Lamp is lit:")
        paper.acroForm.checkbox(name="lamp", checked=True, x=180, y=656)

    document = read(pdf(draw))
    assert "Name of the keeper: Ottilie Vandersteen" in " ".join(document.text.split())
    assert document.metadata["form"] == {"keeper": "Ottilie Vandersteen", "lamp": "[x]"}


def test_of_radio_buttons_the_chosen_one_counts() -> None:
    def draw(paper: Any, _: Any) -> None:
        for i, colour in enumerate(("red", "green", "blue")):
            paper.acroForm.radio(name="lamp", value=colour, selected=colour == "green", x=60, y=700 - 30 * i)
            paper.drawString(90, 704 - 30 * i, colour)

    document = read(pdf(draw))
    assert document.metadata["form"] == {"lamp": "green"}
    assert document.text.split() == ["(", ")", "red", "(x)", "green", "(", ")", "blue"]


def test_an_invoice_keeps_its_first_and_last_lines() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.drawString(60, 800, "Acme Corp invoice 2024")
        column(paper, 60, 600, PROSE)
        paper.drawString(60, 40, "Total due by wire to account 4711")

    text = read(pdf(draw)).text
    assert "Acme Corp invoice 2024" in text
    assert "account 4711" in text


def test_the_header_of_a_table_on_every_page_is_no_running_head() -> None:
    def draw(paper: Any, number: Any) -> None:
        for i in range(20):
            row = ("Region", "Sales", "Cost") if i == 0 else (f"Pier {number}{i}", str(100 * i), str(90 * i))
            for x, cell in zip((60, 220, 320), row, strict=True):
                paper.drawString(x, 805 - 14 * i - 6 * (i > 0), cell)

    document = read(pdf(draw, pages=3))
    assert [table.rows[0] for table in document.tables] == [("Region", "Sales", "Cost")] * 3


def test_links_notes_and_attachments() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.drawString(60, 700, "See the timetable of today.")
        paper.linkURL("https://example.org/t", (80, 695, 130, 712), relative=0)

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(draw))))
    writer.add_attachment("tides.csv", b"time,height\n")
    buffer = io.BytesIO()
    writer.write(buffer)
    document = read(buffer.getvalue())
    assert "](https://example.org/t)" in document.text
    assert document.metadata["links"] == ["https://example.org/t"]
    assert document.metadata["attachments"] == ["tides.csv"]


def test_a_locked_file_opens_with_its_password() -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 740, PROSE)

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(draw))))
    writer.encrypt("tide", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    with pytest.raises(EncryptedFileError, match=r"Give its password"):
        read(buffer.getvalue())
    with pytest.raises(EncryptedFileError, match="has another password"):
        read(buffer.getvalue(), password="ebb")
    assert "harbour office" in read(buffer.getvalue(), password="tide").text


def test_mathematical_letters_are_letters_and_ligatures_are_undone() -> None:
    from autopicker_lab.extraction.pdf.words import _normalise

    assert _normalise("e\ufb03cient") == "efficient"
    assert _normalise("\ud835\udc65\u00ad") == "x"


def scan(lines: Any) -> Any:
    page = Image.new("RGB", (1240, 900), "white")
    ImageDraw.Draw(page).multiline_text((80, 80), "\n".join(lines), "black", ImageFont.load_default(30), spacing=12)
    return page


def test_scanned_pages_go_through_ocr_and_say_so_up_to_a_limit() -> None:
    def draw(paper: Any, number: Any) -> None:
        if number == 2:
            column(paper, 60, 740, PROSE)
        else:
            paper.drawInlineImage(scan(PROSE), 20, 300, 550, 400)

    document = read(pdf(draw, pages=3), ocr_pages=1)
    assert "first ferry leaves twenty minutes later" in document.parts[0].text
    assert document.metadata["scanned_pages"] == ["1", "3"]
    assert document.warnings[0].startswith("page 1: scanned, text recognised with confidence 0.9")
    assert document.warnings[1] == "1 scanned pages were not read: only the first 1 are"


def test_a_page_number_on_a_scan_is_not_its_text() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.drawInlineImage(scan(PROSE), 20, 150, 560, 560)
        paper.drawString(290, 20, "Exhibit 12")

    assert "captain, who has heard it all" in read(pdf(draw)).text


def test_pictures_that_are_not_read_are_counted() -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 60, 740, PROSE)
        paper.drawInlineImage(Image.new("RGB", (90, 90), "navy"), 60, 300, 180, 180)

    assert "pictures on the pages that were not read: 1" in read(pdf(draw)).warnings


def test_a_page_as_a_picture() -> None:
    picture = page_image(open_source(pdf(lambda paper, _: column(paper, 60, 740, PROSE)), "a.pdf"), 0, width=300)
    assert picture.width == 300
    assert picture.height == pytest.approx(300 * A4[1] / A4[0], abs=2)
    assert picture.convert("L").getextrema()[0] < 128


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_stream_that_inflates_too_far_is_refused_however_often_it_is_packed(layers: int) -> None:
    packed = b"\x00" * (70 * 2**20)
    for _ in range(layers):
        packed = zlib.compress(packed, 9)
    bomb = b"%PDF-1.4\n1 0 obj\n<< >>\nstream\n" + packed + b"\nendstream\nendobj\n"
    with pytest.raises(CorruptFileError, match="unpacks to over 64 MiB"):
        refuse_bombs(open_source(bomb, "a.pdf"))


def test_one_stream_shown_again_and_again_is_refused() -> None:
    bomb = b"%PDF-1.4\n1 0 obj\n<< /Contents [" + b"4 0 R " * 20 + b"] >>\nendobj\n"
    with pytest.raises(CorruptFileError, match="again and again"):
        refuse_bombs(open_source(bomb, "a.pdf"))


def test_a_hexadecimal_coat_hides_no_bomb() -> None:
    packed = zlib.compress(b"\x00" * (70 * 2**20), 9).hex().encode() + b">"
    bomb = b"%PDF-1.4\n<< /Filter [/ASCIIHexDecode /FlateDecode] >>\nstream\n" + packed + b"\nendstream\n"
    with pytest.raises(CorruptFileError, match="unpacks to over 64 MiB"):
        refuse_bombs(open_source(bomb, "a.pdf"))


@pytest.mark.timeout(60)
def test_many_false_starts_of_streams_take_linear_time() -> None:
    refuse_bombs(open_source(b"%PDF-1.4\n" + b"stream\nx\x9c" * 200_000, "a.pdf"))


@pytest.mark.timeout(60)
def test_a_page_of_figures_is_laid_out_in_time() -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.setFont("Helvetica", 4)
        for row in range(140):
            for x in range(60):
                paper.drawString(10 + 9.6 * x, 820 - 5.5 * row, f"{row * x % 997}")

    assert len(read(pdf(draw)).tables[0].rows) == 140


def test_a_damaged_file_gives_its_text_with_a_warning_or_a_typed_error() -> None:
    whole = pdf(lambda paper, _: column(paper, 60, 740, PROSE), pages=2, pageCompression=0)
    for damaged in (whole.replace(b"%PDF", b"%PDX", 1), whole[: len(whole) // 2], whole.replace(b"/Kids", b"/Kidz")):
        try:
            document = extract(damaged, name="a.pdf")
        except CorruptFileError:
            continue
        assert document.text or document.warnings


def test_line_numbers_of_a_draft_are_left_out() -> None:
    def draw(paper: Any, _: Any) -> None:
        column(paper, 80, 740, PROSE * 3)
        for i in range(18):
            paper.drawRightString(50, 740 - 13 * i, str(i + 1))

    document = read(pdf(draw))
    assert document.text.startswith("The harbour office opens at six in the morning")
    assert "17" not in document.text
    assert document.warnings == ("line numbers beside the text were left out: 18",)
