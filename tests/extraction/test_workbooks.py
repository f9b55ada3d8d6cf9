"""Workbooks as people have them: what cells show, what is hidden, what lies beside the cells; old and broken files."""

import re
import struct
from typing import Any

import pytest
import xlrd
from support.ole import ole
from support.workbooks import biff5, biff8, label, number, relations, rows, unzipped, xlsx, zipped

from autopicker_lab.core import CorruptFileError, Document
from autopicker_lab.extraction import extract
from autopicker_lab.extraction.sheets import xls
from autopicker_lab.extraction.sheets.number_format import number_format
from autopicker_lab.extraction.sheets.xls_formats import StyledCells

_DRAWING = 'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'


def read(sheet: str, name: str = "a.xlsx", **more: Any) -> Document:
    return extract(xlsx(sheet, **more), name=name)


SHOWN = [
    ("00000", 742, "00742"),
    ("0.00%", 0.175, "17.5%"),
    ("0 %", 0.17512, "18 %"),
    ('#,##0.00 "€"', 1299.5, "1,299.50 €"),
    ("[$€-407]#,##0.00", 1299.5, "€1,299.50"),
    ("#,##0.00\\ [$EUR]", -685, "-685.00 EUR"),
    ('0.0" kg"', 2, "2.0 kg"),
    ('"open";;"closed"', 1, "open"),
    ('"open";;"closed"', 0, "closed"),
    ("# ?/?", 2.5, "2 1/2"),
    ("# ??/??", 1 / 3, "1/3"),
    ("?/8", 0.625, "5/8"),
    ("0.00E+00", 12345, "1.23E+04"),
    ("##0.0E+0", 12345, "12.3E+3"),
    ("(000) 000-0000", 5551234567, "(555) 123-4567"),
    ("[<=9999999]###-####;(###) ###-####", 8005551234, "(800) 555-1234"),
    ('[>100]"big";[<0]"neg";0', 150, "big"),
    ('[>100]"big";[<0]"neg";0', -1, "neg"),
    ('_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', -685, "$ (685.00)"),
    ('0.0,,"M"', 1234567, "1.2M"),
    ('[Red]-0.0"°C";0.0"°C"', 3, "-3.0°C"),
    ("0\\.000", 12345, "12.345"),
    ('General" pcs"', 2.5, "2.5 pcs"),
    ("+0%;-0%", 0.05, "+5%"),
    ('"ID-"@', "a7", "ID-a7"),
    ('#"whole"\\ ??/??', 12.3456789, "12whole 28/81"),
    ("#,### ?/10", 1000.1, "1,000 1/10"),
    ("000\\.000\\.000\\-00", 12345678901, "123.456.789-01"),
    ("[<1]0.00%;0", 0.5, "50%"),
    ("[h]:mm:ss", "1 day, 6:05:00", "30:05:00"),
    ("[h]:mm", "1 day, 6:05:00", "30:05"),
    ("[mm]:ss", "1:30:00", "90:00"),
    ('[h] "hours"', "2 days, 0:00:00", "48 hours"),
    ("[h]:mm", "-1 day, 22:30:00", "-1:30"),
    ("[h]:mm:ss", "6:05:00", None),
]


@pytest.mark.parametrize(("code", "value", "shown"), SHOWN)
def test_a_number_is_shown_by_its_format(code: str, value: Any, shown: str) -> None:
    assert number_format(code).show(value) == shown


@pytest.mark.parametrize(
    "code",
    [
        "General",
        "0.00",
        "#,##0",
        "#,##0_);(#,##0)",
        "# ##0",
        "@",
        "yyyy-mm-dd",
        "0_ ;[Red]-0 ",
        "#,##0,",
        '_-* #,##0.00_-;-* #,##0.00_-;_-* "-"??_-;_-@_-',
    ],
)
def test_a_format_of_mere_digits_carries_no_meaning(code: str) -> None:
    assert not number_format(code).carries_meaning


@pytest.mark.parametrize(
    "code", ["[" * 900, '"' * 5, ";;;;;;", "0" * 900, "#" * 900 + ",", "E+", "/", "?/?/?", "[>", "\\"]
)
def test_a_broken_format_does_no_harm(code: str) -> None:
    assert number_format(code).show(1.5) is None or number_format(code).show(1.5)


def test_cells_are_shown_as_in_the_sheet_and_the_table_keeps_their_values() -> None:
    styles = {"A2": 1, "B2": 2, "C2": 3, "D2": 4}
    data = rows(("code", "share", "price", "weight"), (742, 0.175, 1299.5, 2), styles=styles)
    document = read(data, formats=["00000", "0.00%", '#,##0.00 "EUR"', '0.00" kg"'])
    assert "| 00742 | 17.5% (0.175) | 1,299.50 EUR (1299.5) | 2.00 kg |" in document.text
    assert document.tables[0].rows[1] == (742, 0.175, 1299.5, 2)


def test_dates_that_only_east_asian_formats_tell() -> None:
    document = read(rows((45000, 45000), styles={"A1": 1, "B1": 2}), formats=[31, "aaaa"])
    assert document.tables[0].rows[0] == ("2023-03-15", "2023-03-15")


def test_hidden_rows_and_columns_are_marked_in_the_text_and_by_a_warning() -> None:
    data = rows(("item", "price", "cost"), ("desk", 200, 90), ("lamp", 30, 28), ("chair", 80, 35))
    data = data.replace('<row r="3">', '<row r="3" hidden="1">').replace(
        '<row r="4">', '<row r="4" ht="0" customHeight="1">'
    )
    document = read('<cols><col min="3" max="3" width="9" hidden="1"/></cols>' + data)
    assert "sheet S: hidden rows 3 to 4 and columns C" in document.warnings
    assert "Hidden in the sheet: rows 3 to 4 and columns C" in document.text


def test_values_that_a_format_hides_are_told() -> None:
    document = read(rows(("k", "v"), ("margin", 7), styles={"B2": 1}), formats=[";;;"])
    assert any("1 cells have a format that hides their values" in warning for warning in document.warnings)


def test_links_stand_in_their_cells() -> None:
    sheet = rows(("pump", "data sheet", "http://same.pt/")) + (
        '<hyperlinks><hyperlink ref="B1" r:id="r1" tooltip="x"/><hyperlink ref="C1" r:id="r2"/>'
        '<hyperlink ref="A1" location="Other!B2"/></hyperlinks>'
    )
    links = relations(("r1", "hyperlink", "http://pumps.pt/a?b=1&c=2"), ("r2", "hyperlink", "http://same.pt/"))
    document = read(sheet, parts={"xl/worksheets/_rels/sheet1.xml.rels": links})
    assert "| [pump](#Other!B2) | [data sheet](http://pumps.pt/a?b=1&c=2) | http://same.pt/ |" in document.text


def test_a_link_of_a_formula_stands_in_its_cell() -> None:
    cell = '<c r="A1" t="str"><f>HYPERLINK("http://pumps.pt/","pumps")</f><v>pumps</v></c>'
    assert "[pumps](http://pumps.pt/)" in read(f"<sheetData><row r='1'>{cell}</row></sheetData>").text


def test_a_link_that_a_formula_joins_of_cells_stands_in_its_cell() -> None:
    formula = "HYPERLINK(&quot;http://pumps.pt/&quot;&amp;$A$1 &amp;&quot;.pdf&quot;,&quot;sheet&quot;)"
    cells = f'<c r="A1"><v>17</v></c><c r="B1" t="str"><f>{formula}</f><v>sheet</v></c>'
    assert "| 17 | [sheet](http://pumps.pt/17.pdf) |" in read(f"<sheetData><row r='1'>{cells}</row></sheetData>").text


def test_text_boxes_pictures_and_threads() -> None:
    drawing = f"""<xdr:wsDr {_DRAWING}><xdr:twoCellAnchor><xdr:sp><xdr:txBody><a:p><a:r><a:t>All prices </a:t></a:r>
<a:r><a:t>without tax</a:t></a:r></a:p><a:p><a:r><a:t>and delivery</a:t></a:r></a:p></xdr:txBody></xdr:sp><xdr:pic>
<xdr:nvPicPr><xdr:cNvPr id="2" name="Logo 1" descr="a ferry"/></xdr:nvPicPr></xdr:pic></xdr:twoCellAnchor></xdr:wsDr>"""
    vml = """<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:x="urn:schemas-microsoft-com:office:excel">
<v:shape><v:textbox><div><font>Order now</font><br></div></v:textbox><x:ClientData ObjectType="Button"/></v:shape>
</xml>"""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    thread = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"
    document = read(
        rows(("item", "price")),
        parts={
            "xl/worksheets/_rels/sheet1.xml.rels": relations(
                ("r1", "drawing", "../drawings/drawing1.xml"),
                ("r2", "vmlDrawing", "../drawings/vml1.vml"),
                ("r3", "comments", "../comments1.xml"),
                ("r4", "threadedComment", "../threadedComments/threadedComment1.xml"),
                ("r5", "table", "../tables/table1.xml"),
            ),
            "xl/drawings/drawing1.xml": drawing,
            "xl/drawings/vml1.vml": vml,
            "xl/comments1.xml": f'<comments xmlns="{main}"><commentList><comment ref="A1"><text><t>[Threaded comment] '
            f"Your version ...</t></text></comment></commentList></comments>",
            "xl/threadedComments/threadedComment1.xml": f'<ThreadedComments xmlns="{thread}"><threadedComment ref="A1">'
            "<text>Is it so?</text></threadedComment><threadedComment ref='A1'><text>Yes.</text></threadedComment>"
            "</ThreadedComments>",
            "xl/tables/table1.xml": f'<table xmlns="{main}" displayName="Prices" ref="A1:B2"/>',
        },
    )
    for part in (
        "All prices without tax\nand delivery",
        "Order now",
        "Pictures: Logo 1: a ferry",
        "A1 Is it so? / Yes.",
    ):
        assert part in document.text
    assert document.metadata["tables"] == {"Prices": "S!A1:B2"}


def test_shared_formulas_are_written_out() -> None:
    cells = '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f t="shared" ref="B1:B3" si="0">A1*2</f><v>2</v></c></row>'
    cells += '<row r="2"><c r="A2"><v>2</v></c><c r="B2"><f t="shared" si="0"/><v>4</v></c></row>'
    cells += '<row r="3"><c r="A3"><v>3</v></c><c r="B3"><f t="shared" si="0"/></c></row>'
    document = read(f"<sheetData>{cells}</sheetData>")
    assert document.metadata["formulas"]["S"] == {"B1": "=A1*2", "B2": "=A2*2", "B3": "=A3*2"}
    assert document.tables[0].rows == ((1, 2), (2, 4), (3, "=A3*2"))


def test_cells_without_a_reference_are_counted() -> None:
    data = re.sub(r' r="[A-Z]*\d+"', "", rows(("k", "v"), ("a", 0.5), styles={"B2": 1}))
    document = read(data.replace("<v>0.5</v>", "<v>0.5</v>", 1), formats=["0%"])
    assert "| a | 50% (0.5) |" in document.text


def test_group_headers_of_merged_cells_stay_with_their_columns() -> None:
    data = rows(
        (None, "2023", None, "2024", None),
        ("region", "Jan", "Feb", "Jan", "Feb"),
        *(("north", i, i, i, i) for i in range(4)),
    )
    document = read(data + '<mergeCells><mergeCell ref="B1:C1"/><mergeCell ref="D1:E1"/></mergeCells>')
    assert document.tables[0].rows[0] == ("region", "2023 Jan", "2023 Feb", "2024 Jan", "2024 Feb")


def strict(data: bytes) -> bytes:
    return zipped(
        {
            name: content.replace(
                b"http://schemas.openxmlformats.org/officeDocument/2006/", b"http://purl.oclc.org/ooxml/officeDocument/"
            ).replace(
                b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                b"http://purl.oclc.org/ooxml/spreadsheetml/main",
            )
            for name, content in unzipped(data).items()
        }
    )


def test_a_strict_workbook_shows_its_errors_formats_and_dates() -> None:
    cells = '<c r="A1" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="B1" s="1"><v>0.5</v></c>'
    cells += '<c r="C1" t="d"><v>2024-05-01</v></c>'
    document = extract(strict(xlsx(f"<sheetData><row r='1'>{cells}</row></sheetData>", formats=["0%"])), name="a.xlsx")
    assert document.tables[0].rows == (("#DIV/0!", 0.5, "2024-05-01"),)
    assert "50% (0.5)" in document.text


PLAIN = xlsx(rows(("part", "share"), ("bolt", 0.5), styles={"B2": 1}), formats=["0%"])


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("/", "\\"),
        lambda name: "/" + name,
        lambda name: name.upper(),
        lambda name: name.replace("xl/", "book/"),
    ],
)
def test_a_workbook_is_read_however_its_parts_are_named(rename: Any) -> None:
    parts = {rename(name): content for name, content in unzipped(PLAIN).items()}
    if "book/workbook.xml" in parts:
        parts["_rels/.rels"] = parts["_rels/.rels"].replace(b"xl/", b"book/")
    document = extract(zipped(parts), name="a.xlsx")
    assert "| bolt | 50% (0.5) |" in document.text


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl/worksheets/sheet1.xml", lambda xml: xml[: xml.rindex(b"</row>")]),
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"<v>0.5</v>", b"<v>0.5</v></c><c r='C2'><v>many</v>")),
        ("xl/styles.xml", lambda xml: xml[:60]),
        ("xl/styles.xml", None),
        ("_rels/.rels", None),
        ("xl/_rels/workbook.xml.rels", None),
        ("xl/workbook.xml", lambda xml: xml[:-20]),
    ],
)
def test_a_damaged_part_leaves_the_rest(part: str, change: Any) -> None:
    parts = unzipped(PLAIN)
    content = parts.pop(part)
    if change:
        parts[part] = change(content)
    document = extract(zipped(parts), name="a.xlsx")
    assert document.tables[0].rows[1][:2] == ("bolt", 0.5)


SPREADSHEET_ML = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Styles><Style ss:ID="p"><NumberFormat ss:Format="Percent"/></Style></Styles>
<Worksheet ss:Name="Stock"><Table><Column ss:Index="2" ss:Hidden="1"/>
<Row><Cell><Data ss:Type="String">part</Data></Cell><Cell ss:Index="3"><Data ss:Type="String">share</Data></Cell></Row>
<Row ss:Index="3" ss:Hidden="1"><Cell ss:HRef="http://bolts.pt/"><Data ss:Type="String">bolt</Data>
<Comment><ss:Data>of steel</ss:Data></Comment></Cell>
<Cell><Data ss:Type="DateTime">2024-05-01T00:00:00.000</Data></Cell>
<Cell ss:StyleID="p" ss:Formula="=1/2"><Data ss:Type="Number">0.5</Data></Cell></Row></Table></Worksheet></Workbook>"""


@pytest.mark.parametrize("name", ["a.xls", "a.xml", "a.xlsx", "a.csv"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_workbook_in_xml_is_read(name: str, encoding: str) -> None:
    document = extract(SPREADSHEET_ML.encode(encoding), name=name)
    assert document.tables[0].rows == (("part", None, "share"), (None,) * 3, ("bolt", "2024-05-01", 0.5))
    assert "| [bolt](http://bolts.pt/) | 2024-05-01 | 50% (0.5) |" in document.text
    assert "sheet Stock: hidden rows 3 and columns B" in document.warnings
    assert document.metadata["comments"] == {"Stock": {"A3": "of steel"}}
    assert any("SpreadsheetML 2003" in warning for warning in document.warnings)


@pytest.mark.parametrize("stream", ["Book", "BOOK", "Workbook"])
@pytest.mark.parametrize(
    ("code_page", "encoding", "text"),
    [(932, "cp932", "部品名"), (1251, "cp1251", "Паром"), (10007, "mac_cyrillic", "Паром"), (1252, "cp1252", "Fähre")],
)
def test_old_workbooks_are_read_in_their_code_page(code_page: int, encoding: str, text: str, stream: str) -> None:
    content = biff5({(0, 0): text.encode(encoding), (0, 1): 12.0}, code_page)
    document = extract(ole(stream, content=content), name="a.xls")
    assert document.tables[0].rows == ((text, 12),)
    assert any("old workbook" in warning for warning in document.warnings) == (code_page != 1252)


def test_a_byte_that_its_code_page_does_not_know_is_marked() -> None:
    content = biff5({(0, 0): "Расписание паромов".encode("cp1251"), (1, 0): b"\x98" + "Паром".encode("cp1251")}, 1251)
    assert extract(content, name="a.xls").tables[0].rows == (("Расписание паромов",), ("\ufffdПаром",))


def test_cells_of_an_old_workbook_that_stand_far_apart_are_no_grid() -> None:
    document = extract(
        ole("Workbook", content=biff8([], label(0, 0, "near"), label(9000, 255, "off"), label(65535, 0, "far"))),
        name="a.xls",
    )
    assert document.tables[0].rows == (("near", None), (None, "off"), ("far", None))
    assert any("far apart" in warning for warning in document.warnings)


def test_a_raw_stream_of_excel_4_is_read() -> None:
    cells = struct.pack("<HHHHHH3s", 0x204, 11, 0, 0, 0, 3, b"abc") + struct.pack("<HHHHHd", 0x203, 14, 0, 1, 0, 5.5)
    content = b"\x09\x04\x06\x00\x00\x00\x10\x00\x00\x00" + cells + b"\x0a\x00\x00\x00"
    assert extract(content, name="a.xls").tables[0].rows == (("abc", 5.5),)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_what_scripts_of_web_servers_write_by_hand_is_read(encoding: str) -> None:
    name = "Fähre nach Süden, täglich".encode(encoding)
    content = struct.pack("<6H", 0x809, 8, 0, 0x10, 0, 0)
    content += struct.pack("<6H", 0x204, 8 + len(name), 0, 0, 0, len(name)) + name
    content += struct.pack("<5Hd", 0x203, 14, 0, 1, 0, 12.5) + struct.pack("<2H", 0x0A, 0)
    assert extract(content, name="a.xls").tables[0].rows == (("Fähre nach Süden, täglich", 12.5),)


def test_a_drawing_of_millions_of_elements_is_refused() -> None:
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(("r1", "drawing", "../drawings/drawing1.xml")),
        "xl/drawings/drawing1.xml": f"<xdr:wsDr {_DRAWING}>{'<a:t/>' * 1_100_000}</xdr:wsDr>",
    }
    with pytest.raises(CorruptFileError, match="elements"):
        read(rows(("a",)), parts=parts)


def test_a_code_page_that_is_wrong_or_unknown_is_said() -> None:
    text = "Расписание паромов на лето, пристань у старого города"
    for code_page in (1252, None, 999):
        document = extract(biff5({(0, 0): text.encode("cp1251"), (0, 1): 12.0}, code_page), name="a.xls")
        assert document.tables[0].rows == ((text, 12),)
        assert "which is a guess" in document.warnings[0]


@pytest.mark.parametrize("stream", ["Workbook", "WORKBOOK"])
def test_an_xls_shows_formats_hidden_rows_and_text_boxes(stream: str) -> None:
    text = "All prices without tax"
    box = struct.pack("<HHHHH12s", 0x15, 0x12, 6, 1, 0, b""), struct.pack("<HH6sHHI", 0, 0, b"", len(text), 0, 0)
    content = biff8(
        ["0.0%", '0.00" kg"'],
        (0x7D, struct.pack("<HHHHHH", 1, 1, 2560, 0, 1, 0)),
        (0x208, struct.pack("<HHHHHHHH", 1, 0, 3, 255, 0, 0, 0x20, 15)),
        label(0, 0, "part"),
        label(0, 1, "share"),
        label(0, 2, "weight"),
        label(1, 0, "болт"),
        number(1, 1, 0.175, 1),
        number(1, 2, 2, 2),
        (0x5D, box[0]),
        (0x1B6, box[1]),
        (0x3C, b"\x00" + text.encode()),
    )
    document = extract(ole(stream, content=content), name="a.xls")
    assert "| болт | 17.5% (0.175) | 2.00 kg |" in document.text
    assert document.tables[0].rows[1] == ("болт", 0.175, 2)
    assert "sheet S: hidden rows 2 and columns B" in document.warnings
    assert f"Text box: {text}" in document.text


def test_what_newer_programs_write_is_read_without_its_marks() -> None:
    cells = '<c r="A1"><f>_xlfn._xlws.SORT(B1:B2)</f><v>4</v></c><c r="B1" t="e" vm="1"><v>#VALUE!</v></c>'
    margins = "<oddHeader>&amp;C&amp;B Confidential &amp;D</oddHeader><oddFooter>Page &amp;P</oddFooter>"
    document = read(f"<sheetData><row r='1'>{cells}</row></sheetData><headerFooter>{margins}</headerFooter>")
    assert document.metadata["formulas"] == {"S": {"A1": "=SORT(B1:B2)"}}
    assert document.tables[0].rows == ((4, "#VALUE! (a picture or a rich value)"),)
    assert "Printed on its pages: Confidential" in document.text
    assert "Page" not in document.text


def test_many_hidden_rows_are_told_in_short() -> None:
    data = rows(*[(number,) for number in range(200)])
    document = read(re.sub(r'<row r="(\d*[02468])">', r'<row r="\1" hidden="1">', data))
    assert "and 80 more stretches" in document.warnings[0]


@pytest.mark.parametrize(
    "change", [lambda xml: xml.decode().encode("utf-16"), lambda xml: xml.replace(b"bolt", b"bolt&#xD83D;")]
)
def test_a_sheet_in_another_encoding_or_with_half_a_character_is_read(change: Any) -> None:
    parts = unzipped(PLAIN)
    parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"])
    document = extract(zipped(parts), name="a.xlsx")
    assert document.tables[0].rows[1][0].rstrip("\ufffd") == "bolt"
    assert "50% (0.5)" in document.text


def test_other_workbooks_are_named_and_not_opened() -> None:
    parts = unzipped(PLAIN)
    link = relations(("r9", "externalLink", "externalLinks/externalLink1.xml")).partition("><")[2].partition("</Rel")[0]
    main = "xl/_rels/workbook.xml.rels"
    parts[main] = parts[main].replace(b"</Relationships>", f"<{link}</Relationships>".encode())
    parts["xl/externalLinks/externalLink1.xml"] = b"<externalLink/>"
    other = relations(("r1", "externalLinkPath", "file:///C:/other.xlsx"))
    parts["xl/externalLinks/_rels/externalLink1.xml.rels"] = other.encode()
    document = extract(zipped(parts), name="a.xlsx")
    assert document.metadata["external_workbooks"] == ["file:///C:/other.xlsx"]
    assert any("as they were last saved" in warning for warning in document.warnings)


def test_macros_are_told_and_not_run() -> None:
    document = extract(zipped({**unzipped(PLAIN), "xl/vbaProject.bin": b"x"}), name="a.xlsm")
    assert "the workbook brings macros: they were not run" in document.warnings


@pytest.mark.parametrize("part", [b"xl/styles.xml", b"xl/worksheets/sheet1.xml", b"xl/workbook.xml", b"_rels/.rels"])
def test_a_part_whose_checksum_is_wrong_is_read_all_the_same(part: bytes) -> None:
    data = bytearray(PLAIN)
    data[data.index(b"PK\x01\x02", data.rindex(part) - 60) + 16] ^= 0xFF
    document = extract(bytes(data), name="a.xlsx")
    assert "| bolt | 50% (0.5) |" in document.text
    assert any("damaged" in warning for warning in document.warnings) == (
        part != b"_rels/.rels"
    )  # which nothing asks for


def test_a_part_that_breaks_off_in_its_archive_is_read_up_to_there() -> None:
    data = xlsx(rows(*[(f"row {number * number}", number) for number in range(3000)]))
    place = data.index(b"xl/worksheets/sheet1.xml") + 30_000
    document = extract(data[:place] + bytes(40) + data[place + 40 :], name="a.xlsx")
    assert document.tables[0].rows[0] == ("row 0", 0)
    assert any("as far as it goes" in warning for warning in document.warnings)


def test_errors_of_an_old_workbook_are_shown() -> None:
    wrong = struct.pack("<HHHBB", 1, 0, 0, 7, 1)
    formula = struct.pack("<HHHQHIH", 2, 0, 0, 0xFFFF_0000_002A_0002, 0, 0, 0)
    content = biff8([], label(0, 0, "share"), (0x205, wrong), (0x06, formula), number(3, 0, 5))
    document = extract(ole("Workbook", content=content), name="a.xls")
    assert document.tables[0].rows == (("share",), ("#DIV/0!",), ("#N/A",), (5,))


@pytest.mark.parametrize("junk", [b"\r\n\r\n", b"\xef\xbb\xbf"])
def test_blanks_before_an_old_workbook_are_passed_over(junk: bytes) -> None:
    data = junk + ole("Workbook", content=biff8(["0%"], number(0, 0, 0.5, 1), label(1, 0, "x")))
    assert "50% (0.5)" in extract(data, name="a.xls").text


@pytest.mark.parametrize(
    "data",
    [
        SPREADSHEET_ML.replace('"1.0"?>', '"1.0" encoding="utf-16"?>', 1).encode(),
        SPREADSHEET_ML.replace(">bolt<", ">Fähre nach Süden<").encode("cp1252"),
    ],
)
def test_a_workbook_in_xml_whose_encoding_is_not_as_it_says_is_read(data: bytes) -> None:
    assert extract(data, name="a.xls").tables[0].rows[2][0] in ("bolt", "Fähre nach Süden")


def test_a_title_above_a_blank_row_is_no_header_of_a_short_table() -> None:
    document = read(rows(("Progress",), (), ("Task", None, "Owner"), ("Design", None, "Ana")))
    assert document.tables[0].rows == (("Task", None, "Owner"), ("Design", None, "Ana"))
    assert document.text.startswith("## S\n\nProgress\n\n| Task")


@pytest.mark.parametrize("name", ["charts/chart1.xml", "charts/chartEx1.xml"])
def test_a_chart_without_stored_values_is_named_by_its_title(name: str) -> None:
    words = (
        '<c:title><a:p xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:t>Trips</a:t></a:p></c:title>'
    )
    space = "http://schemas.openxmlformats.org/drawingml/2006/chart"
    chart = f'<c:chartSpace xmlns:c="{space}"><c:chart>{words}</c:chart></c:chartSpace>'
    document = read(rows(("a",)), parts={f"xl/{name}": chart})
    assert document.metadata["charts"] == ["Trips"]


_RICH = (
    "<si><r><t>10</t></r><r><rPr><vertAlign val='superscript'/></rPr><t>6</t></r><r><t> litres_x000D_</t></r></si>"
    "<si><t>106 litres</t></si>"
    "<si><r><rPr><strike/></rPr><t>25 euros</t></r><r><t xml:space='preserve'> 20 euros</t></r></si>"
)


def test_raised_lowered_and_struck_characters_of_cells_are_marked() -> None:
    inline = "<is><r><t>H</t></r><r><rPr><vertAlign val='subscript'/></rPr><t>2</t></r><r><t>O</t></r></is>"
    sheet = (
        '<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
        f'<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="inlineStr">{inline}</c></row></sheetData>'
    )
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = relations(("r1", "worksheet", "worksheets/sheet1.xml"), ("r3", "sharedStrings", "sharedStrings.xml"))
    parts = {"xl/sharedStrings.xml": f'<sst xmlns="{namespace}">{_RICH}</sst>', "xl/_rels/workbook.xml.rels": links}
    rows_read = read(sheet, parts=parts).tables[0].rows
    assert [[str(cell).strip() for cell in row] for row in rows_read] == [
        ["10⁶ litres", "106 litres"],
        ["~~25 euros~~ 20 euros", "H₂O"],
    ]


def test_raised_characters_of_an_old_workbook_are_marked() -> None:
    usual, raised = (
        struct.pack("<HHHHHBBBBBB", 200, 0, 0x7FFF, 400, script, 0, 0, 0, 0, 1, 0) + b"A" for script in (0, 1)
    )
    text = struct.pack("<HHHHB", 0, 0, 0, 10, 0) + b"106 litres" + struct.pack("<HHHHH", 2, 2, 5, 3, 0)
    content = biff8([], (0xD6, text), fonts=[usual, usual, usual, raised])
    assert extract(ole("Workbook", content=content), name="a.xls").tables[0].rows == (("10⁶ litres",),)


def test_a_package_that_was_packed_within_a_folder_is_read() -> None:
    parts = unzipped(xlsx(rows(["name", "n"], ["Ada", 1])))
    packed = zipped({f"my book/{name}": content for name, content in parts.items()})
    assert extract(packed, name="a.xlsx").tables[0].rows == (("name", "n"), ("Ada", 1))


def test_a_whole_number_of_sixteen_digits_stays_whole() -> None:
    assert read(rows(["card"], [4111111111111111])).tables[0].rows[1] == (4111111111111111,)


@pytest.mark.parametrize(
    ("header", "told"),
    [("&amp;CCONFIDENTIAL &amp;P of &amp;N", "CONFIDENTIAL"), ("&amp;CSeite &amp;P von &amp;N", None)],
)
def test_what_is_printed_beside_a_page_number_is_told(header: str, told: str | None) -> None:
    text = read(rows(["a"]) + f"<headerFooter><oddHeader>{header}</oddHeader></headerFooter>").text
    assert ("Printed on its pages" in text) is bool(told)
    assert told is None or f"Printed on its pages: {told}" in text


def test_cells_that_are_struck_through_are_marked_in_the_text() -> None:
    sheet = rows(["item", "price"], ["old boat", 99], styles={"A2": 1, "B2": 1})
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    fonts = "<fonts><font/><font><b/><strike/></font></fonts>"
    styles = f'<styleSheet xmlns="{namespace}">{fonts}<cellXfs><xf fontId="0"/><xf fontId="1"/></cellXfs></styleSheet>'
    document = read(sheet, parts={"xl/styles.xml": styles})
    assert "| ~~old boat~~ | ~~99~~ |" in document.text
    assert document.tables[0].rows[1] == ("old boat", 99)


def test_newer_errors_are_no_damage() -> None:
    cells = '<c r="A1" t="e"><v>#SPILL!</v></c><c r="B1"><v>5</v></c>'
    document = read(f'<sheetData><row r="1">{cells}</row></sheetData>')
    assert document.tables[0].rows == (("#SPILL!", 5),)
    assert document.warnings == ()


def test_boxes_for_ticks_tell_that_they_are_not_ticked() -> None:
    shapes = "".join(
        f'<v:shape><v:textbox>{text}</v:textbox><x:ClientData ObjectType="{kind}">{more}</x:ClientData></v:shape>'
        for text, kind, more in (
            ("paid", "Checkbox", "<x:Checked>1</x:Checked>"),
            ("sent", "Checkbox", ""),
            ("cash", "Radio", ""),
            ("Print", "Button", ""),
        )
    )
    office = "urn:schemas-microsoft-com:office:excel"
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(("r1", "vmlDrawing", "../drawings/v.vml")),
        "xl/drawings/v.vml": f'<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:x="{office}">{shapes}</xml>',
    }
    text = read(rows(["a"]), parts=parts).text
    assert [line for line in text.split("\n") if line.startswith("Text box")] == [
        "Text box: [x] paid",
        "Text box: [ ] sent",
        "Text box: ( ) cash",
        "Text box: Print",
    ]


@pytest.mark.parametrize("by_records", [True, False])
def test_formats_of_an_old_workbook_are_read_without_a_reader_of_all(by_records: bool, monkeypatch: Any) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise xlrd.XLRDError("not asked")

    packed = struct.pack("<HHHiHiH", 1, 1, 1, 70 << 2 | 3, 2, 7 << 2 | 2, 2)  # 0.7 and 7
    content = biff8(['0.0"%"', "0000"], label(0, 0, "a"), number(0, 3, 1), (0xBD, packed), number(2, 1, 5, 2))
    if by_records:
        monkeypatch.setattr(xlrd, "open_workbook", refuse)
    else:
        monkeypatch.setattr(StyledCells, "of_sheets", lambda *_: [])  # as where its records are out of order
    document = extract(ole("Workbook", content=content), name="a.xls")
    assert "| 0.7% (0.7) | 0007 |" in document.text
    assert "| 0005 |" in document.text
    assert document.warnings == ()


@pytest.mark.parametrize(("code", "value"), [("yyyy-mm-dd", -5), ("h:mm", -0.5)])
def test_a_number_below_zero_under_a_date_format_is_no_time_of_the_day(code: str, value: float) -> None:
    found = read(rows(["at"], [value], [2], styles={"A2": 1, "A3": 1}), formats=[code])
    assert found.tables[0].rows == (("at",), (value,), ("1900-01-02",))


def test_an_old_workbook_with_times_is_read_where_the_second_reader_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("assert fails")

    monkeypatch.setattr(xls, "_by_xlrd", fails)
    content = biff8(["hh:mm"], label(0, 0, "at"), number(1, 0, -1.5, 1), number(2, 0, 0.5, 1))
    document = extract(ole("Workbook", content=content), name="a.xls")
    assert document.tables[0].rows[2] == ("12:00:00",)
    assert any("below nought" in warning for warning in document.warnings)


def test_a_negative_number_is_no_time_of_day_in_an_old_workbook_either() -> None:
    content = biff8(["hh:mm"], label(0, 0, "at"), number(1, 0, -1.5, 1), number(2, 0, 0.5, 1), number(3, 0, 60.25, 1))
    document = extract(ole("Workbook", content=content), name="a.xls")
    assert document.tables[0].rows == (("at",), (-1.5,), ("12:00:00",), ("1900-03-01 06:00:00",))
    sound = biff8(["hh:mm"], label(0, 0, "at"), number(1, 0, 0.25, 1), number(2, 0, 0.5, 1))
    assert extract(ole("Workbook", content=sound), name="a.xls").tables[0].rows == (
        ("at",),
        ("06:00:00",),
        ("12:00:00",),
    )
