"""Office files, pages of the web, pictures and the Document itself: what must come out of files made here."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from PIL import Image, ImageDraw, ImageFont

from autopicker_lab import Workbench
from autopicker_lab.core import (
    CorruptFileError,
    Document,
    EncryptedFileError,
    InvalidRequestError,
    Part,
    ReadOptions,
    Table,
)
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.extraction import extract, open_source
from autopicker_lab.extraction.columns import MAX_RENDERED_CELLS
from autopicker_lab.extraction.docx.lists import Numbering
from autopicker_lab.extraction.plain import sections


def saved_bytes(document: Any) -> Any:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def word(change: Any) -> Any:
    paper = docx.Document()
    change(paper)
    return extract(saved_bytes(paper), name="a.docx")


def run_of(text: Any) -> Any:
    return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"


def paragraph(inside: Any) -> Any:
    return parse_xml(f"<w:p {nsdecls('w', 'r', 'wp', 'a')}>{inside}</w:p>")


class TestWord:
    def test_tracked_changes_are_taken_as_accepted_with_a_warning(self) -> None:
        def change(paper: Any) -> None:
            marks = "w:id='1' w:author='x' w:date='2026-01-01T00:00:00Z'"
            deletion = f"<w:del {marks}><w:r><w:delText>old </w:delText></w:r></w:del>"
            paper.element.body.insert(0, paragraph(f"{run_of('The ')}{deletion}<w:ins {marks}>{run_of('new')}</w:ins>"))

        document = word(change)
        assert document.text == "The new"
        assert document.warnings == ("tracked changes were taken as accepted: 1 insertions kept, 1 deletions left out",)

    def test_lists_carry_their_numbers_and_levels(self) -> None:
        def change(paper: Any) -> None:
            for style, text in (
                ("List Number", "a"),
                ("List Number", "b"),
                ("List Bullet", "c"),
                ("List Bullet 2", "d"),
            ):
                paper.add_paragraph(text, style=style)
            paper.add_paragraph("between")
            paper.add_paragraph("e", style="List Number")

        assert word(change).text == "1. a\n2. b\n- c\n   - d\n\nbetween\n\n3. e"

    def test_raised_digits_and_equations_keep_their_meaning(self) -> None:
        math = "xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'"
        half = "<m:f><m:num><m:r><m:t>12</m:t></m:r></m:num><m:den><m:r><m:t>34</m:t></m:r></m:den></m:f>"
        square = "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"

        def change(paper: Any) -> None:
            line = paper.add_paragraph("The mass is 10")
            line.add_run("6").font.superscript = True
            line.add_run(" kilograms.")
            line.add_run(" secret").font.hidden = True
            paper.element.body.insert(1, paragraph(f"<m:oMath {math}>{half}{square}</m:oMath>"))

        assert word(change).text == "The mass is 10⁶ kilograms.\n\n$\\frac{12}{34}x^2$"

    def test_a_paragraph_is_not_taken_for_markdown(self) -> None:
        document = word(lambda paper: [paper.add_paragraph(t) for t in ("# of items is 5", "```", "the end")])
        assert document.text == "\\# of items is 5\n\n\\```\n\nthe end"
        assert [part.label for part in document.parts] == ["beginning"]

    @pytest.mark.parametrize(
        ("form", "text", "expected"),
        [
            ("lowerLetter", "%1)", ["a)", "b)"]),
            ("upperRoman", "%1.", ["I.", "II."]),
            ("decimalZero", "%1", ["01", "02"]),
        ],
    )
    def test_number_formats(self, form: str, text: str, expected: Any) -> None:
        root = parse_xml(
            f"<w:numbering {nsdecls('w')}><w:abstractNum w:abstractNumId='0'><w:lvl w:ilvl='0'><w:start w:val='1'/>"
            f"<w:numFmt w:val='{form}'/><w:lvlText w:val='{text}'/></w:lvl></w:abstractNum>"
            "<w:num w:numId='7'><w:abstractNumId w:val='0'/></w:num></w:numbering>"
        )
        numbering = Numbering.of(root)
        assert [numbering.next("7", 0) for _ in expected] == expected
        assert numbering.next("8", 0) is None

    def test_a_nested_table_is_told_in_its_cell_and_merged_cells_once(self) -> None:
        def change(paper: Any) -> None:
            table = paper.add_table(rows=2, cols=2)
            table.cell(0, 0).merge(table.cell(0, 1)).text = "wide | with a bar"
            inner = table.cell(1, 0).add_table(rows=1, cols=2)
            inner.cell(0, 0).text, inner.cell(0, 1).text = "inner left", "inner right"
            table.cell(1, 1).text = "two\nlines"

        document = word(change)
        assert document.tables[0].rows == (("wide | with a bar", None), ("inner left, inner right", "two lines"))

    def test_headers_once_comments_and_the_alternative_text_of_pictures(self) -> None:
        def change(paper: Any) -> None:
            for _ in range(2):
                section = paper.add_section()
                section.header.is_linked_to_previous = False
                section.header.paragraphs[0].text = "RUNNING HEAD"
            paragraph_ = paper.add_paragraph("Beside a picture")
            picture = io.BytesIO(saved_png(Image.new("RGB", (20, 20), "navy")))
            paragraph_.add_run().add_picture(picture)
            paragraph_._p.find(".//{*}docPr").set("descr", "a lighthouse at night")
            paper.add_comment(paragraph_.runs[0], text="Which lighthouse?", author="Mira", initials="M")

        document = word(change)
        assert document.text.count("RUNNING HEAD") == 1
        assert "> Mira: Which lighthouse?" in document.text
        assert document.metadata["images"][0]["alt"] == "a lighthouse at night"
        assert any(warning.startswith("pictures that were not read: 1 (") for warning in document.warnings)

    def test_a_text_box_comes_once_though_it_is_written_twice(self) -> None:
        box = "<w:txbxContent><w:p><w:r><w:t>in the box</w:t></w:r></w:p></w:txbxContent>"

        def change(paper: Any) -> None:
            space = "xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'"
            both = f"<mc:AlternateContent {space}><mc:Choice Requires='wps'>{box}</mc:Choice>"
            both += f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
            paper.element.body.insert(0, paragraph(f"{run_of('before')}<w:r>{both}</w:r>"))

        assert word(change).text == "before\n\nin the box"

    def test_sections_hold_their_tables(self) -> None:
        def change(paper: Any) -> None:
            paper.add_heading("First", 1)
            paper.add_heading("Second", 2)
            paper.add_table(rows=1, cols=2).cell(0, 0).text = "x"

        document = word(change)
        assert [(part.label, len(part.tables)) for part in document.parts] == [("First", 0), ("Second", 1)]
        assert document.metadata["headings"] == ["First", "Second"]


def saved_png(picture: Any) -> Any:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def rewritten(data: Any, name: Any, before: Any, after: Any) -> Any:
    """An archive with one entry's bytes changed once."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as copy:
        for entry in source.namelist():
            content = source.read(entry)
            copy.writestr(entry, content.replace(before, after, 1) if entry == name else content)
    return out.getvalue()


def book(change: Any) -> Any:
    workbook = openpyxl.Workbook()
    change(workbook)
    return extract(saved_bytes(workbook), name="a.xlsx")


class TestSheets:
    def test_errors_and_formulas_without_a_value_are_shown(self) -> None:
        def change(workbook: Any) -> None:
            sheet = workbook.active
            sheet["B3"], sheet["C3"] = "total", "=SUM(C1:C2)"
            sheet["D3"] = "#DIV/0!"
            sheet["D3"].data_type = "e"

        document = book(change)
        assert document.tables[0].rows == (("total", "=SUM(C1:C2)", "#DIV/0!"),)
        assert document.metadata["formulas"] == {"Sheet": {"C3": "=SUM(C1:C2)"}}
        assert "sheet Sheet: 1 formulas were never computed: they stand for their values" in document.warnings

    def test_hidden_sheets_comments_merged_cells_and_charts(self) -> None:
        def change(workbook: Any) -> None:
            sheet = workbook.active
            for row in (("Route", "Trips"), ("North", 9), ("Mill", 6)):
                sheet.append(row)
            sheet["A2"].comment = Comment("the busiest", "Mira")
            sheet.merge_cells("A5:C5")
            sheet["A5"] = "merged"
            chart = BarChart()
            chart.title = "Trips a day"
            chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
            sheet.add_chart(chart, "E2")
            other = workbook.create_sheet("Secret")
            other["A1"] = "hidden value"
            other.sheet_state = "hidden"

        document = book(change)
        assert "Comments: A2 the busiest" in document.text
        assert document.metadata["merged"] == {"Sheet": ["A5:C5"]}
        assert document.metadata["hidden_sheets"] == ["Secret"]
        assert "## Secret (hidden)" in document.text
        assert any("charts are named, not drawn" in warning for warning in document.warnings)

    @pytest.mark.slow
    def test_a_huge_table_is_summarised_and_kept_whole(self) -> None:
        def change(workbook: Any) -> None:
            for i in range(MAX_RENDERED_CELLS // 2 + 2):
                workbook.active.append((f"row {i}", i) if i else ("name", "number"))

        document = book(change)
        rows = MAX_RENDERED_CELLS // 2 + 2
        assert len(document.tables[0].rows) == rows
        assert f"- number: number, {rows - 1:,} filled, {rows - 1:,} distinct, 1 to {rows - 1}" in document.text
        assert f"| row {rows - 1} | {rows - 1} |" in document.text
        assert len(document.text) < 20_000
        assert "its table holds all" in document.warnings[0]
        again = book(change)
        assert again.text == document.text  # the sample is seeded

    def test_title_lines_of_a_sheet_are_no_header(self) -> None:
        def change(workbook: Any) -> None:
            for row in (
                ("Ducks of the year",),
                (),
                ("Year", "Fresh", "Salt"),
                (2023, 1, 2),
                (2024, 3, 4),
                (2025, 5, 6),
            ):
                workbook.active.append(row)

        document = book(change)
        assert document.tables[0].rows[0] == ("Year", "Fresh", "Salt")
        assert document.text.startswith("## Sheet\n\nDucks of the year\n\n| Year")

    def test_numbers_are_written_as_a_person_would(self) -> None:
        table = Table(((1.1000100437000001, 1e-7, 0.1 + 0.2, 2.5e10, True),))
        assert table.to_markdown().split("\n")[0] == "| 1.1000100437 | 1e-07 | 0.3 | 25000000000.0 | True |"

    def test_the_preamble_of_a_csv_is_no_header(self) -> None:
        data = "Passengers of 2025\nAll piers\n\nroute,trips,share\nNorth,9,0.4\nMill,6,0.3\nOld Town,3,0.2\n"
        document = extract(data.encode(), name="a.csv")
        assert document.metadata["preamble"] == ["Passengers of 2025", "All piers"]
        assert document.tables[0].rows[0] == ("route", "trips", "share")
        assert document.text.startswith("Passengers of 2025\nAll piers\n\n| route")

    def test_a_text_that_is_empty_is_a_value_and_marks_outside_the_values_are_kept(self) -> None:
        from autopicker_lab.extraction.sheets.model import Sheet, SheetNotes, insert_notes

        workbook = openpyxl.Workbook()
        workbook.active["A1"] = 5
        workbook.active["D4"] = "=A1*2"
        data = saved_bytes(workbook)
        empty = b'<c r="B1" t="str"><f>IF(A1=5,"",A1)</f><v></v></c></row>'
        document = extract(rewritten(data, "xl/worksheets/sheet1.xml", b"</row>", empty), name="a.xlsx")
        assert document.tables[0].rows == ((5, None, None, None), (None,) * 4, (None,) * 4, (None, None, None, "=A1*2"))
        sheet = Sheet("empty", True, [])
        insert_notes(sheet, SheetNotes())
        assert sheet.rows == []

    @pytest.mark.parametrize(
        "xml", [b'<c r="A1" t="e">' * 20_000, b"<row " * 40_000, b"<c " * 40_000, b'<c r="A1"><f>' * 20_000]
    )
    def test_broken_tags_are_searched_in_linear_time(self, xml: bytes) -> None:
        from autopicker_lab.extraction.sheets.xlsx_cells import read_sheet

        read_sheet(xml, {})

    def test_many_full_sheets_are_not_sparse(self) -> None:
        from autopicker_lab.extraction.sheets.model import SheetNotes
        from autopicker_lab.extraction.sheets.xlsx import is_sparse

        assert not is_sparse([SheetNotes(area=500_000, filled=60_000)] * 12)
        assert is_sparse([SheetNotes(area=500_000, filled=10)] * 12)

    def test_merged_ranges_of_a_sparse_sheet_are_not_filled(self) -> None:
        workbook = openpyxl.Workbook()
        workbook.active["XFD1048576"], workbook.active["A1"] = "far", "near"
        merge = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
        data = rewritten(saved_bytes(workbook), "xl/worksheets/sheet1.xml", b"</sheetData>", merge)
        assert extract(data, name="a.xlsx").tables[0].rows == (("near", None), (None, "far"))

    @pytest.mark.parametrize(
        ("text", "first"),
        [
            ("1,5;2,5;3,5\n4,5;5,5;6,5\n", ("1,5", "2,5", "3,5")),
            ('name,said\nMira,"say \\"hi\\", you"\nJonas,yes\n', ("name", "said")),
            ("remark\nGood, but late, and wet\nCold, dark, windy\nFine\n", ("remark",)),
        ],
    )
    def test_delimiters_and_quotes_of_other_habits(self, text: str, first: Any) -> None:
        table = extract(text.encode(), name="a.csv").tables[0]
        assert table.rows[0] == first
        assert {len(row) for row in table.rows} == {len(first)}

    def test_a_quote_that_is_closed_far_below_is_said(self) -> None:
        text = 'a,b\n1,"open\n' + "2,3\n" * 200 + '4,5"\n'
        assert "was its quote never closed?" in extract(text.encode(), name="a.csv").warnings[-1]

    def test_a_locked_xls_says_that_it_is_locked(self) -> None:
        from conftest import SHARED

        path = SHARED / "data" / "extraction" / "hostile-xls__password.xls"
        if not path.exists():
            pytest.skip("the shared extraction data is not here")
        with pytest.raises(EncryptedFileError):
            extract(path)


PAGE = """<html lang="en"><head><title>T</title></head><body>{nav}<h1>Ferries</h1><p>{text}</p>
<table><tr><th>Pier</th><th>First</th></tr><tr><td>4</td><td>08:30</td></tr></table>
<ul><li>one<ul><li>nested</li></ul></li></ul></body></html>"""
LONG = "The first ferry leaves pier four at half past eight, and in fog it waits until the bell has rung. " * 6


class TestWeb:
    def test_a_page_without_furniture_is_read_whole_with_its_tables(self) -> None:
        document = extract(PAGE.format(nav="", text="Short.").encode(), name="a.html")
        assert document.text.startswith("# Ferries\n\nShort.")
        assert document.tables[0].rows == (("Pier", "First"), ("4", "08:30"))
        assert "  - nested" in document.text
        assert document.warnings == ()

    def test_navigation_is_left_out_and_said(self) -> None:
        nav = "<nav><a href='/'>Home</a> <a href='/fares'>All our fares</a></nav>"
        document = extract(PAGE.format(nav=nav, text=LONG).encode(), name="a.html")
        assert "All our fares" not in document.text
        assert "half past eight" in document.text
        warning = "navigation, side bars and the like were left out: nav (Home All our fares)"
        assert warning in document.warnings

    def test_a_page_that_is_no_article_loses_only_its_furniture(self) -> None:
        dishes = "".join(f"<div class='menu'><h3>Dish {i}</h3><p>{i}.50 euros</p></div>" for i in range(9))
        page = f"<body><nav><a href='/'>Home</a></nav><h1>Our dishes</h1><p>{LONG[:200]}</p>{dishes}</body>"
        text = extract(page.encode(), name="a.html").text
        assert "# Our dishes" in text
        assert all(f"{i}.50 euros" in text for i in range(9))
        assert "Home" not in text

    def test_the_structure_is_a_part_when_it_is_asked_for(self) -> None:
        source = open_source(PAGE.format(nav="", text="Short.").encode(), "a.html")
        assert "structure" not in [part.label for part in extract(source).parts]
        outline = extract(source, options=ReadOptions(structure=True)).parts[-1]
        assert outline.label == "structure"
        assert "- h1 (line 1): Ferries" in outline.text
        assert "- table (line" in outline.text


class TestMarkdown:
    def test_underlined_headings_and_fences_of_every_kind(self) -> None:
        text = "Title\n=====\n\n```code``` is inline\n\nPart two\n---\n\n```\n~~~\n# no heading\n```\n\n# Last #\n"
        assert [part.label for part in sections(text)] == ["Title", "Part two", "Last"]

    def test_tables_of_a_section_but_not_those_in_code(self) -> None:
        text = "# A\n\n| x | y |\n|---|---|\n| 1 \\| 2 | |\n\n# B\n\n```\n| no | table |\n| --- | --- |\n```\n"
        first, second = sections(text)
        assert first.tables == (Table((("x", "y"), ("1 | 2", None))),)
        assert second.tables == ()

    @given(
        st.lists(st.lists(st.sampled_from(["a", "1.5", "x|y", "ä ö"]), min_size=2, max_size=2), min_size=1, max_size=6)
    )
    def test_a_table_survives_its_own_markdown(self, rows: Any) -> None:
        table = Table(tuple(map(tuple, rows)))
        assert sections(table.to_markdown())[0].tables == (table,)


def drawn(text: Any, size: Any = (900, 160)) -> Any:
    page = Image.new("RGB", size, "white")
    ImageDraw.Draw(page).text((40, 40), text, "black", ImageFont.load_default(40))
    return page


class TestPictures:
    def test_lines_have_boxes_in_pixels_of_the_picture_and_a_confidence(self) -> None:
        document = extract(saved_png(drawn("Mind the step 4417")), name="a.png")
        (line,) = document.metadata["ocr_lines"]
        left, top, right, bottom = line["box"]
        assert line["text"] == "Mind the step 4417"
        assert 30 <= left < 60
        assert 40 <= top < bottom <= 110
        assert 350 < right < 600
        assert line["confidence"] > 0.8
        assert document.text == "Mind the step 4417"

    def test_a_picture_upside_down_is_turned(self) -> None:
        text = "\n".join(["The lamp must burn until sunrise,", "although the keeper has forgotten it twice."] * 3)
        page = Image.new("RGB", (1100, 420), "white")
        ImageDraw.Draw(page).multiline_text((40, 40), text, "black", ImageFont.load_default(36), spacing=14)
        document = extract(saved_png(page.rotate(180)), name="a.png")
        assert "The lamp must burn until sunrise" in document.text

    def test_a_picture_without_text_is_described_with_a_warning(self) -> None:
        document = extract(saved_png(Image.new("RGB", (64, 64), "navy")), name="a.png")
        assert document.text.startswith("PNG image, 64 x 64 pixels")
        assert "no text was recognised in the picture" in document.warnings

    @pytest.mark.slow
    def test_where_tesseract_is_missing_the_other_engine_reads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from autopicker_lab.extraction.ocr import tesseract

        monkeypatch.setattr(tesseract, "has_tesseract", lambda: False)
        document = extract(saved_png(drawn("Mind the step")), name="a.png")
        assert document.metadata["ocr_engine"] == "rapidocr"
        assert document.text == "Mind the step"

    def test_the_place_of_a_picture_is_kept_only_when_asked_for(self) -> None:
        buffer = io.BytesIO()
        exif = Image.Exif()
        exif[0x8825] = {1: "N", 2: (53.0, 33.0, 0.0)}
        exif[0x010F] = "Camera works"
        drawn("Platform seven").save(buffer, "JPEG", exif=exif)
        source = open_source(buffer.getvalue(), "a.jpg")
        assert extract(source).metadata["exif"]["Make"] == "Camera works"
        assert "GPSLatitudeRef" not in extract(source).metadata["exif"]
        assert extract(source, options=ReadOptions(place=True)).metadata["exif"]["GPSLatitudeRef"] == "N"

    def test_a_later_frame_that_is_too_large_is_refused(self) -> None:
        from conftest import SHARED

        path = SHARED / "data" / "extraction" / "hostile-gif__decompression_bomb_extents.gif"
        if not path.exists():
            pytest.skip("the shared extraction data is not here")
        with pytest.raises(CorruptFileError, match="pixels"):
            extract(path)


class TestDocument:
    def test_json_and_back(self, samples: Path) -> None:
        for path in sorted(samples.iterdir()):
            document = extract(path)
            assert Document.from_dict(json.loads(json.dumps(document.to_dict()))) == document

    @given(st.text(min_size=1), st.integers(2, 60), st.integers(0, 20))
    def test_chunks_never_cross_parts_stay_below_the_bound_and_lose_nothing(
        self, text: Any, size: Any, overlap: Any
    ) -> None:
        overlap = min(overlap, size - 1)
        document = Document("a", "txt", (Part("one", text), Part("two", text[::-1])))
        chunks = list(document.chunks(size, overlap))
        width = {part.label: len(part.text) / estimate_tokens(part.text) for part in document.parts}  # of a token
        assert all(len(chunk.text) <= max(size * width[chunk.label], 1) for chunk in chunks)
        whole = {part.label: part.text for part in document.parts}
        assert all(chunk.text in whole[chunk.label] for chunk in chunks)  # indentation and blank lines as they were
        if not overlap:
            for part in document.parts:
                joined = "".join(chunk.text for chunk in chunks if chunk.label == part.label)
                assert "".join(joined.split()) == "".join(part.text.split())

    @given(st.text(alphabet="a b.\n字", min_size=1, max_size=80), st.integers(1, 9))
    def test_a_tokenizer_is_never_passed_and_the_cutting_ends(self, text: Any, size: Any) -> None:
        document = Document("a", "txt", (Part("p", text),))
        chunks = [chunk.text for chunk in document.chunks(size, count=len)]
        assert all(len(chunk) <= size for chunk in chunks)
        assert "".join("".join(chunks).split()) == "".join(text.split())

    def test_a_passage_repeats_the_end_of_the_one_before_it(self) -> None:
        lines = [f"Sentence number {i} of the report stands here." for i in range(40)]
        document = Document("a", "txt", (Part("text", "\n".join(lines)),))
        first, second, *_ = (chunk.text for chunk in document.chunks(40, overlap=10))
        assert second.split("\n")[0] in first
        assert second[:20] in first
        with pytest.raises(InvalidRequestError, match="overlap must be"):
            list(document.chunks(10, overlap=10))

    def test_a_models_own_tokenizer_bounds_the_passages(self) -> None:
        words = Document("a", "txt", (Part("text", "one two three four five six seven eight nine ten " * 20),))
        chunks = list(words.chunks(20, count=lambda text: len(text.split())))
        assert max(len(chunk.text.split()) for chunk in chunks) <= 20
        assert len(chunks) < 14


def test_the_embedded_model_counts_its_own_tokens(lab: Workbench) -> None:
    assert lab.count_tokens("Hello world, 1234.", "smollm2-135m") == 9
    assert 7 <= lab.count_tokens("The old mill stood by the river.", "llama3.2-local") <= 9
