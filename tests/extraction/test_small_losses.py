"""Small things that readers must not lose, and details that must not refuse the rest of a file."""

import base64

import pytest
from lxml import etree
from support.raw_pdf import document, show
from support.word_file import package, paragraph, part, run

from autopicker_lab.core import Document, Part, SourceFile, Table
from autopicker_lab.core.files import name_suffix
from autopicker_lab.extraction import extract, latex
from autopicker_lab.extraction.base64_data import leave_out_base64
from autopicker_lab.extraction.encodable import LOST, replace_surrogates
from autopicker_lab.extraction.ooxml import chart_table
from autopicker_lab.extraction.pdf.opening import open_pdf
from autopicker_lab.extraction.sheets.tree import read_cells
from autopicker_lab.extraction.web import tables
from autopicker_lab.extraction.web.mathml import clean_source


def text_of(source: str, name: str = "page.html") -> str:
    return extract(source.encode(), name=name).text


class TestCells:
    """A dash in a cell says that there is nothing, as "---" does; neither is the rule of a table within it."""

    @pytest.mark.parametrize("sign", ["-", "---", ":"])
    def test_of_a_word_table(self, sign: str) -> None:
        cells = "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in ("gain", sign))
        assert extract(package(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"), name="a.docx").text.startswith(
            f"| gain | {sign} |"
        )

    def test_of_a_page(self) -> None:
        page = "<table><tr><th>gain<th>loss<tr><td><p>3</p><td><p>-</p></table>"
        assert text_of(page).endswith("| 3 | - |")

    def test_a_table_within_still_loses_its_rules(self) -> None:
        inner = "<w:tbl><w:tr>" + "".join(f"<w:tc>{paragraph(c)}</w:tc>" for c in "ab") + "</w:tr></w:tbl>"
        outer = f"<w:tbl><w:tr><w:tc>{inner}<w:p/></w:tc><w:tc>{paragraph('c')}</w:tc></w:tr></w:tbl>"
        assert extract(package(outer), name="a.docx").text.startswith("| a, b | c |")


class TestComments:
    @staticmethod
    def text(ids: str, parents: dict[str, str]) -> str:
        comments = "".join(
            f'<w:comment w:id="{i}" w:author="A"><w:p w14:paraId="{id_}">{run(f"said {i}")}</w:p></w:comment>'
            for i, id_ in enumerate(ids)
        )
        threads = "".join(
            f'<w15:commentEx w15:paraId="{id_}" w15:paraIdParent="{parent}"/>' for id_, parent in parents.items()
        )
        parts = {
            "word/comments.xml": part("w:comments", comments),
            "word/ex.xml": part("w15:commentsEx", threads),
        }
        links = (("comments", "comments.xml"), ("commentsExtended", "ex.xml"))
        return extract(package(paragraph("text"), links, parts), name="a.docx").text

    def test_answers_to_answers_are_told(self) -> None:
        assert self.text("KLM", {"L": "K", "M": "L"}).endswith("> A: said 0\n> > A: said 1\n> > A: said 2")

    def test_comments_of_one_id_are_all_told(self) -> None:
        text = self.text("KK", {})
        assert "said 0" in text
        assert "said 1" in text

    def test_comments_that_answer_each_other_are_told(self) -> None:
        text = self.text("KL", {"L": "K", "K": "L"})
        assert "said 0" in text
        assert "said 1" in text


class TestPages:
    """Empty attributes and odd trees refuse no page."""

    @pytest.mark.parametrize(
        "odd",
        [
            '<img src="data:image/png;base64,xx" alt="a bee" data-src=" ">',
            '<span class="MathJax" data-mathml=" ">x</span>',
            '<span class="MathJax" data-mathml="&lt;!-- --&gt;">x</span>',
            '<div><template shadowrootmode="open">a</template><template shadowrootmode="open">b</template></div>',
        ],
    )
    def test_the_rest_is_read(self, odd: str) -> None:
        assert text_of(f"<p>before</p>{odd}<p>after</p>").endswith("after")

    def test_rows_past_the_bound_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tables, "_MAX_CELLS", 10)
        rows = "".join(f"<tr><td>{i}<td>x" for i in range(20))
        warnings = extract(f"<table>{rows}</table>".encode(), name="a.html").warnings
        assert "a table has too many cells to be read whole: 15 rows were left out" in warnings


class TestOddDetails:
    """A detail that no reader can use refuses nothing else."""

    def test_a_prefix_without_a_name_space(self) -> None:
        binding = """<w:dataBinding w:prefixMappings="xmlns:a=''" w:xpath="/a:x[1]" w:storeItemID="{1}"/>"""
        control = f"<w:sdt><w:sdtPr>{binding}</w:sdtPr><w:sdtContent>{paragraph('kept')}</w:sdtContent></w:sdt>"
        data = package(control, (("customXml", "../customXml/item1.xml"),), {"customXml/item1.xml": "<x>bound</x>"})
        assert extract(data, name="a.docx").text == "kept"

    def test_a_point_of_a_chart_without_a_place(self) -> None:
        point = '<c:pt idx="{}"><c:v>{}</c:v></c:pt>'
        points = point.format("x", 1) + point.format(0, 2)
        space = "http://schemas.openxmlformats.org/drawingml/2006/chart"
        root = etree.fromstring(f'<c:c xmlns:c="{space}"><c:ser><c:val>{points}</c:val></c:ser></c:c>')
        table = chart_table(root, "")
        assert table is not None
        assert table.rows == ((None, "series 1"), (None, 2))

    def test_numbers_that_are_too_long(self) -> None:
        long = "1" * 5000
        cells = f'<c r="A1" t="s"><v>{long}</v></c><c r="B1" s="{long}"><v>7</v></c>'
        assert read_cells(f'<s><row r="{long}">{cells}</row></s>'.encode(), [], [], False) == {(0, 1): 7}

    def test_a_damaged_file_stays_so_when_its_layers_are_marked(self) -> None:
        layers = "/OCProperties<</OCGs[20 0 R]/D<</OFF[20 0 R]>>>>"
        data = document([show("one")], catalog=layers, more={20: "<</Type/OCG/Name(x)>>"})
        opened = open_pdf(SourceFile("a.pdf", data + b"99 0 obj null endobj", "pdf"))
        assert opened.layers_off == ["x"]
        assert (opened.is_damaged, opened.labels_circle) == (True, False)
        opened.pdf.close()


def test_the_braces_of_a_source_that_are_not_one_pair() -> None:
    assert clean_source(r"{\displaystyle a+b}") == "a+b"
    assert clean_source(r"{\displaystyle a}+{b}") == r"{\displaystyle a}+{b}"


def test_a_heading_keeps_a_number_sign_that_belongs_to_a_word() -> None:
    document = extract(b"# C#\n\ntext\n\n## F# and G ##\n", name="a.md")
    assert document.metadata["headings"] == ["C#", "F# and G"]


def test_scripts_of_a_piece_that_only_begins_and_ends_in_braces() -> None:
    assert latex.scripts("{a^b}^{cd}", high="e") == "{{a^b}^{cd}}^e"
    assert latex.scripts("{a^b}", high="e") == "{a^b}^e"


def test_a_long_number_names_a_column() -> None:
    assert extract(b"1" * 5000 + b",b\nx,2\ny,4\nz,6\n", name="a.csv").tables[0].rows[1] == ("x", 2)


def test_a_table_with_one_wide_row_is_not_filled_up() -> None:
    table = Table((("a",) * 2000, *[("b",)] * 2000))
    assert len(table.to_markdown()) < 50_000
    assert Table((("a", "b"), ("c",))).to_markdown() == "| a | b |\n| --- | --- |\n| c |  |"


def test_halves_of_characters_are_found_at_any_depth_of_metadata_and_their_escapes_are_left() -> None:
    part = Part("text", "a")
    broken = replace_surrogates(Document("a.txt", "txt", (part,), {"a": ({"b": ["\udc00"]},)}))
    assert broken.metadata["a"][0]["b"] == ["\ufffd"]
    assert broken.warnings == (LOST,)
    whole = Document("a.txt", "txt", (part,), {"a": "\\ud83d"})
    assert replace_surrogates(whole) is whole


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.PDF", ".pdf"), ("a.tar.gz", ".gz"), (".profile", ""), ("a.", ""), ("a", ""), ("", "")]
)
def test_the_suffix_of_a_name(name: str, suffix: str) -> None:
    assert name_suffix(name) == suffix


def test_base64_for_addresses_is_left_out_too() -> None:
    letters = base64.urlsafe_b64encode(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 5).decode()
    assert (
        extract(f'{{"data": "{letters}"}}'.encode(), name="a.json").text
        == '{"data": "[base64, image/jpeg: 1 kB left out]"}'
    )
    slug = "-".join(["a-long-name-of-words"] * 80)
    assert slug in extract(slug.encode(), name="a.txt").text


@pytest.mark.parametrize("lines", ["", "%0A", "%0D%0A"])
def test_base64_whose_signs_are_escaped_is_left_out_too(lines: str) -> None:
    letters = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 5).decode()
    escaped = letters[:76] + lines + letters[76:].replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    text = extract(f"before ![a bee](data:image/png;base64,{escaped}) after".encode(), name="a.md").text
    assert text == "before ![a bee](data:image/png;base64,[1 kB left out]) after"


LETTERS = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9).decode()  # whole fours, no sign at its end


@pytest.mark.parametrize("width", [76, 1024, len(LETTERS)])
@pytest.mark.parametrize("below", ["function f() {}", "end", "main()", "x = 1", "export default 1"])
def test_the_words_below_base64_are_none_of_it(width: int, below: str) -> None:
    lines = "\n".join(LETTERS[i : i + width] for i in range(0, len(LETTERS), width))
    for before in ("//# sourceMappingURL=data:application/json;base64,", "\n"):
        text = extract(f"{before}{lines}\n{below}\n".encode(), name="a.txt").text
        assert "left out]" in text
        assert text.split("\n")[-2] == below
        assert text.count("\n") == f"{before}{lines}\n{below}\n".count("\n")
        assert LETTERS[-40:] not in text


@pytest.mark.parametrize("line_end", ["\n", "\\n", "\\r\\n", "\n    ", "\n> "])
@pytest.mark.parametrize("width", [40, 64, 76, 1000])
def test_base64_just_long_enough_to_be_named_is_found_wherever_it_begins(line_end: str, width: int) -> None:
    letters = LETTERS[: -(-1000 // width) * width]
    run = line_end.join(letters[i : i + width] for i in range(0, len(letters), width))
    for before in range(0, 1000, 7):
        assert "left out]" in leave_out_base64(f"{'a ' * before}\n{run}\n\nBelow").text, before


def test_base64_that_is_quoted_in_a_mail_and_in_cells_is_left_out() -> None:
    lines = "\n".join(f"> {LETTERS[i : i + 76]}" for i in range(0, len(LETTERS), 76))
    assert "[base64, image/png: 2 kB left out]" in extract(lines.encode(), name="a.txt").text
    document = extract(f"name,logo\na,{LETTERS}\nb,{LETTERS}\n".encode(), name="a.csv")
    assert document.tables[0].rows[1] == ("a", "[base64, image/png: 2 kB left out]")
    assert document.warnings == ("base64 was left out: image/png of 2 kB",)
