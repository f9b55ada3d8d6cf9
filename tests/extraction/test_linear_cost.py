"""What would take time or memory out of proportion to a file's size: each of these once took minutes, or gigabytes."""

import struct

import pytest
from lxml import etree

from autopicker_lab.extraction import extract
from autopicker_lab.extraction.archives import mended_archive
from autopicker_lab.extraction.docx.drawings import extended_chart, smart_art
from autopicker_lab.extraction.docx.eq_field import equation
from autopicker_lab.extraction.marks import STRUCK, STRUCK_END, resolved
from autopicker_lab.extraction.pdf import xfa
from autopicker_lab.extraction.pdf.traits import PdfTraits
from autopicker_lab.extraction.sheets.xlsx_cells import read_sheet

MANY = 60_000
DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
CHARTEX = "http://schemas.microsoft.com/office/drawing/2014/chartex"
MAIN = "http://schemas.openxmlformats.org/drawingml/2006/main"
SHEET = "urn:schemas-microsoft-com:office:spreadsheet"


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.csv", f"a,b\n1{' ' * MANY}x,2\n3,4\n5,6\n"),
        ("a.csv", "a," * MANY + "\nx" * MANY),
        ("a.md", f"a|b\n{' ' * MANY}x\n"),
        ("a.html", f'<base href="http://x/{"a" * MANY}/">{"<a href=b>c</a> " * 20_000}'),
        ("a.html", f'<ol style="{"list-style:" * MANY}"><li>x</ol>'),
        ("a.html", f"<datalist id=d><option>{'x' * MANY}</datalist>{'<input list=d>' * 20_000}"),
        (
            "a.html",
            f"<div><template shadowrootmode=open>{'<slot></slot>' * 20_000}</template>{'<b>x</b>' * 20_000}</div>",
        ),
        (
            "a.xls",
            f'<?xml version="1.0"?><Workbook xmlns="{SHEET}" xmlns:ss="{SHEET}"><Worksheet ss:Name="a"><Table>'
            + '<Row ss:Hidden="1" ss:Span="1000000"/>' * 1000
            + '<Row ss:Index="1"><Cell><Data ss:Type="String">x</Data></Cell></Row></Table></Worksheet></Workbook>',
        ),
    ],
    ids=lambda value: value if len(value) < 10 else "",
)
def test_text(name: str, source: str) -> None:
    document = extract(source.encode(), name=name)
    assert len(document.text) < 10 * len(source)


def test_a_wide_row_of_a_table_says_what_became_of_it() -> None:
    document = extract(b"a," * 6000 + b"\n" + b"x\n" * 6000, name="a.csv")
    assert any(warning.startswith("1 rows have over 833 cells") for warning in document.warnings)


def test_spaces_in_struck_text() -> None:
    text = f"a{' ' * MANY}b "
    assert resolved(STRUCK + text + STRUCK_END, []) == f"~~{text.strip()}~~ "


def test_spaces_in_an_equation_field() -> None:
    assert equation(r"\o\a(\s\up" + " " * MANY + "x") != ""


@pytest.mark.parametrize("tag", [b"<c %s<", b"<row %s<"])
def test_a_tag_that_repeats_an_attribute(tag: bytes) -> None:
    repeated = (b'r="A1" ' if tag.startswith(b"<c") else b' hidden="1"') * MANY
    sheet = b'<sheetData><row r="1"><c r="A1"><f>1</f><v>1</v></c></row></sheetData>' + tag % repeated
    assert read_sheet(sheet, {}).formulas == {(0, 0): "1"}


def test_a_diagram_in_which_each_point_is_below_the_last() -> None:
    points = "".join(
        f'<d:pt modelId="{i}"><d:t><a:t xmlns:a="{MAIN}">x</a:t></d:t></d:pt><d:cxn srcId="{i}" destId="{i + 1}"/>'
        for i in range(10_000)
    )
    text = smart_art(etree.fromstring(f'<d:m xmlns:d="{DIAGRAM}">{points}</d:m>'))
    assert text.count("\n") == 9999
    assert len(text) < 300_000


def test_a_chart_of_many_dimensions() -> None:
    levels = "".join(f'<c:lvl><c:pt idx="{i}">x</c:pt></c:lvl>' for i in range(5000))
    text = extended_chart(etree.fromstring(f'<c:s xmlns:c="{CHARTEX}"><c:data>{levels}</c:data></c:s>'))
    assert len(text) < 300_000


def test_entries_of_an_archive_that_begin_within_each_other() -> None:
    heads = b"".join(
        b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, 0, 0, 0, 38 * (1500 - i), 0) + b"word/xxx"
        for i in range(1500)
    )
    assert mended_archive(heads + b"\x00\x00\x00\xff\xff" * 400_000, 2**20) is None


def test_subforms_within_each_other_that_all_data_fit() -> None:
    template = etree.fromstring("<t>" + '<subform name="a">' * 20 + "</subform>" * 20 + "</t>")
    data = etree.fromstring("<data>" + "<a><b/></a>" * 10 + "</data>")
    form = xfa.XfaForm()
    xfa._read_container(template[0], [data], form, 0)
    assert form.is_full


def test_object_streams_and_labels_that_are_named_often() -> None:
    named = b"/ObjStm " * 100 + b"stream\n" + b"x" * 100 + b"endstream "
    data = b"%PDF-1.7\n" + named + b"/PageLabels 7 0 R " * 20_000 + b"7 0 obj << /Nums [] >> endobj"
    assert not PdfTraits.of(data).label_tree
