"""What stands in a DOCX beside plain text: fields, forms, symbols, objects, other parts, odd packages."""

import io
import zipfile

import docx
import pytest
from msoffcrypto.format.ooxml import OOXMLFile
from support.word_file import NAMES, package, paragraph, part, read, relations, run

from autopicker_lab.core import CorruptFileError, EncryptedFileError, ReadOptions
from autopicker_lab.extraction import extract
from autopicker_lab.extraction.docx.numerals import numeral


def field(code: str, result: str | None = None, form: str = "") -> str:
    begin = (
        f'<w:r><w:fldChar w:fldCharType="begin">{form}</w:fldChar></w:r><w:r><w:instrText>{code}</w:instrText></w:r>'
    )
    shown = "" if result is None else f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run(result)}'
    return f'{begin}{shown}<w:r><w:fldChar w:fldCharType="end"/></w:r>'


def control(properties: str, text: str) -> str:
    return f"<w:sdt><w:sdtPr>{properties}</w:sdtPr><w:sdtContent>{run(text)}</w:sdtContent></w:sdt>"


class TestFields:
    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (field('HYPERLINK "https://a.example/x" \\o "tip"', "here"), "[here](https://a.example/x)"),
            (field('HYPERLINK "https://a.example/x" \\l "part2"', "here"), "[here](https://a.example/x#part2)"),
            (field('HYPERLINK \\l "bookmark"', "here"), "here"),
            (field(" PAGEREF _Toc1 \\h ", "12"), "12"),
            (field("SYMBOL 254 \\f Wingdings"), "☑"),
            (field("SYMBOL 97 \\f &quot;Symbol&quot; \\s 12"), "α"),
            (field("MACROBUTTON Run press here"), "press here"),
            (field('HYPERLINK "mailto:m@a.example"', "m@a.example"), "m@a.example"),
            (
                "<w:fldSimple w:instr='HYPERLINK \"https://b.example\"'>" + run("b") + "</w:fldSimple>",
                "[b](https://b.example)",
            ),
            ("<w:fldSimple w:instr=' DATE '>" + run("1 May") + "</w:fldSimple>", "1 May"),
        ],
    )
    def test_a_field_shows_its_result_and_leads_where_its_code_says(self, content: str, expected: str) -> None:
        assert read(paragraph("see ", content, " now")).text == f"see {expected} now"

    def test_a_field_in_the_code_of_another_is_not_shown(self) -> None:
        inner = field("MERGEFIELD sex", "f")
        begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>IF </w:instrText></w:r>'
        rest = '<w:r><w:instrText> = "f" "Ms" "Mr"</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        end = f'{run("Ms")}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        assert read(paragraph("Dear ", begin, inner, rest, end, " Lee")).text == "Dear Ms Lee"

    def test_a_link_over_two_paragraphs_is_one_in_each(self) -> None:
        begin, end = field('HYPERLINK "https://a.example"', "one").rsplit("<w:r>", 1)
        text = read(paragraph(begin) + paragraph("two", f"<w:r>{end}") + paragraph("three")).text
        assert text == "[one](https://a.example)\n\n[two](https://a.example)\n\nthree"

    def test_a_field_without_an_end_swallows_nothing(self) -> None:
        open_field = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>'
        text = read(paragraph("first ", open_field, "still") + paragraph("second")).text
        assert text == "first still\n\nsecond"


class TestForms:
    def test_old_form_fields_show_state_and_choice(self) -> None:
        def box(state: str) -> str:
            return field(
                "FORMCHECKBOX", None, f'<w:ffData><w:name w:val="b"/><w:checkBox>{state}</w:checkBox></w:ffData>'
            )

        items = "".join(f'<w:listEntry w:val="{name}"/>' for name in ("ash", "elm"))
        wood = field(
            "FORMDROPDOWN",
            None,
            f'<w:ffData><w:name w:val="Wood"/><w:ddList><w:result w:val="1"/>{items}</w:ddList></w:ffData>',
        )
        document = read(
            paragraph(box('<w:default w:val="1"/>'), " a")
            + paragraph(box('<w:default w:val="1"/><w:checked w:val="0"/>'), " b")
            + paragraph(box("<w:checked/>"), " c")
            + paragraph("Wood: ", wood)
        )
        assert document.text == "☑ a\n\n☐ b\n\n☑ c\n\nWood: elm"
        assert document.metadata["form"]["Wood"] == "elm"
        assert document.metadata["form_choices"] == {"Wood": ["ash", "elm"]}

    def test_controls_show_their_state_and_what_nobody_filled_in(self) -> None:
        box = '<w14:checkbox><w14:checked w14:val="{}"/></w14:checkbox>'
        document = read(
            paragraph(control(box.format(1), "X"), " milk")
            + paragraph(control(box.format(0), "O"), " sugar")
            + paragraph("Name: ", control('<w:alias w:val="Name"/><w:showingPlcHdr/><w:text/>', "Click here"))
            + paragraph("Day: ", control('<w:date w:fullDate="2024-05-01T00:00:00Z"/>', ""))
        )
        assert document.text == "☑ milk\n\n☐ sugar\n\nName: [not filled in: Click here]\n\nDay: 2024-05-01"
        assert document.metadata["form"] == {"Name": ""}

    def test_a_control_shows_the_data_that_it_is_bound_to(self) -> None:
        binding = (
            '<w:dataBinding w:prefixMappings="xmlns:n=\'urn:x\'" w:xpath="/n:order[1]/n:city[1]" w:storeItemID="{A}"/>'
        )
        document = read(
            paragraph("To ", control(f"{binding}<w:text/>", "[City]")),
            (("customXml", "../customXml/item1.xml"),),
            {"customXml/item1.xml": '<order xmlns="urn:x"><city>Porto</city></order>'},
        )
        assert document.text == "To Porto"

    def test_rows_and_cells_in_controls_are_those_of_the_table(self) -> None:
        cell = "<w:tc>{}</w:tc>".format
        wrap = "<w:sdt><w:sdtContent>{}</w:sdtContent></w:sdt>".format
        rows = wrap(f"<w:tr>{wrap(cell(paragraph('a')))}{cell(paragraph('b'))}</w:tr>")
        body = f"<w:tbl>{rows}<w:tr>{cell(paragraph('c'))}{cell(paragraph('d'))}</w:tr></w:tbl>"
        assert read(body).tables[0].rows == (("a", "b"), ("c", "d"))


class TestLooks:
    def test_symbols_and_letters_of_symbol_fonts(self) -> None:
        fonts = '<w:rFonts w:ascii="{0}" w:hAnsi="{0}"/>'.format
        body = paragraph(
            '<w:r><w:sym w:font="Wingdings" w:char="F0A8"/></w:r>',
            '<w:r><w:sym w:font="Symbol" w:char="F0B3"/></w:r>',
            run("\uf062", fonts("Symbol")),
            run("m", fonts("Symbol")),
            '<w:r><w:sym w:font="MT Extra" w:char="F04D"/></w:r>',
        )
        document = read(body)
        assert document.text == "☐≥βμ\ufffd"
        assert "symbols without a character in the font MT Extra: 1" in document.warnings

    def test_hidden_text_is_left_out_by_run_style_and_paragraph_style(self) -> None:
        hide = "<w:rPr><w:vanish/></w:rPr>"
        styles = f'<w:style w:type="character" w:styleId="c">{hide}</w:style>'
        styles += f'<w:style w:type="paragraph" w:styleId="p">{hide}</w:style>'
        styles += '<w:style w:type="paragraph" w:styleId="q"><w:basedOn w:val="p"/></w:style>'
        body = (
            paragraph("a ", run("secret", "<w:vanish/>"), run("secret", '<w:rStyle w:val="c"/>'), "b")
            + paragraph("secret", properties='<w:pStyle w:val="q"/>')
            + paragraph(run("shown", '<w:vanish w:val="0"/>'), properties='<w:pStyle w:val="q"/>')
        )
        document = read(body, (("styles", "styles.xml"),), {"word/styles.xml": part("w:styles", styles)})
        assert document.text == "a b\n\nshown"
        assert "hidden text was left out: 18 characters" in document.warnings

    def test_what_is_based_on_the_title_is_no_heading(self) -> None:
        styles = '<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/></w:style>'
        styles += '<w:style w:styleId="Author"><w:name w:val="Author"/><w:basedOn w:val="Title"/></w:style>'
        body = "".join(paragraph(name, properties=f'<w:pStyle w:val="{name}"/>') for name in ("Title", "Author"))
        document = read(body, (("styles", "styles.xml"),), {"word/styles.xml": part("w:styles", styles)})
        assert document.text == "# Title\n\nAuthor"

    def test_struck_text_raised_digits_and_readings(self) -> None:
        ruby = f"<w:r><w:ruby><w:rt>{run('とうきょう')}</w:rt><w:rubyBase>{run('東京')}</w:rubyBase></w:ruby></w:r>"
        strike = "<w:strike/>"
        body = paragraph(
            "was ", run("10 ", strike), run("EUR", strike), " 10", run("−3", '<w:vertAlign w:val="superscript"/>')
        )
        assert read(body + paragraph(ruby)).text == "was ~~10 EUR~~ 10⁻³\n\n東京(とうきょう)"

    def test_raised_and_lowered_letters_keep_their_meaning(self) -> None:
        def raised(text: str, where: str = "superscript") -> str:
            return run(text, f'<w:vertAlign w:val="{where}"/>')

        body = paragraph("x", raised("2"), raised("k"), " on the 1", raised("st"), ", 20", raised("e"), " siècle")
        body += paragraph(
            "T", raised("m", "subscript"), raised("ax", "subscript"), " of H", raised("2", "subscript"), "O"
        )
        assert read(body).text == "x^{2k} on the 1st, 20e siècle\n\nT_{max} of H₂O"

    def test_hidden_rows_are_left_out(self) -> None:
        row = "<w:tr><w:trPr>{}</w:trPr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>".format
        body = row("", paragraph("a"), paragraph("b")) + row("<w:hidden/>", paragraph("c"), paragraph("d"))
        assert read(f"<w:tbl>{body}</w:tbl>").tables[0].rows == (("a", "b"),)


def numbering(*levels: str, nums: str = "") -> dict[str, str]:
    lines = "".join(f'<w:lvl w:ilvl="{i}">{level}</w:lvl>' for i, level in enumerate(levels))
    nums = nums or '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    return {
        "word/numbering.xml": part("w:numbering", f'<w:abstractNum w:abstractNumId="0">{lines}</w:abstractNum>{nums}')
    }


def level(form: str, text: str, more: str = "") -> str:
    return f'<w:start w:val="1"/><w:numFmt w:val="{form}"/>{more}<w:lvlText w:val="{text}"/>'


def items(*places: int, number: int = 1) -> str:
    return "".join(
        paragraph("x", properties=f'<w:numPr><w:ilvl w:val="{place}"/><w:numId w:val="{number}"/></w:numPr>')
        for place in places
    )


def labels(body: str, parts: dict[str, str]) -> list[str]:
    return [
        line.removesuffix(" x").strip()
        for line in read(body, (("numbering", "numbering.xml"),), parts).text.split("\n")
        if line
    ]


class TestNumbers:
    @pytest.mark.parametrize(
        ("form", "count", "expected"),
        [
            ("chineseCountingThousand", 110, "一百一十"),
            ("japaneseCounting", 121, "百二十一"),
            ("ideographTraditional", 3, "丙"),
            ("ideographEnclosedCircle", 2, "㊁"),
            ("chineseLegalSimplified", 12, "壹拾贰"),
            ("koreanLegal", 21, "스물하나"),
            ("ganada", 2, "나"),
            ("hebrew1", 16, "טז"),
            ("arabicAbjad", 3, "ج"),
            ("russianUpper", 3, "В"),
            ("thaiNumbers", 12, "๑๒"),
            ("ordinal", 22, "22nd"),
            ("ordinalText", 21, "Twenty-first"),
            ("cardinalText", 115, "One hundred fifteen"),
            ("chicago", 5, "**"),
            ("decimalEnclosedCircle", 21, "㉑"),
            ("001, 002, 003, ...", 7, "007"),
            ("no such form", 4, "4"),
            ("upperLetter", 28, "BB"),
        ],
    )
    def test_formats(self, form: str, count: int, expected: str) -> None:
        assert numeral(count, form) == expected

    def test_levels_begin_anew_as_they_say(self) -> None:
        never = numbering(level("decimal", "%1"), level("lowerLetter", "%2", '<w:lvlRestart w:val="0"/>'))
        assert labels(items(0, 1, 1, 0, 1), never) == ["1", "a", "b", "2", "c"]
        usual = numbering(level("decimal", "%1"), level("lowerLetter", "%2"))
        assert labels(items(0, 1, 1, 0, 1), usual) == ["1", "a", "b", "2", "a"]

    def test_another_list_of_the_same_kind_goes_on_or_starts_where_it_says(self) -> None:
        nums = "".join(
            f'<w:num w:numId="{i}"><w:abstractNumId w:val="0"/>{start}</w:num>'
            for i, start in (
                (1, ""),
                (2, ""),
                (3, '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'),
            )
        )
        parts = numbering(level("decimal", "%1."), nums=nums)
        body = items(0) + items(0, number=2) + items(0, 0, number=3)
        assert labels(body, parts) == ["1.", "2.", "5.", "6."]

    def test_legal_numbers_and_boxes_for_bullets(self) -> None:
        legal = numbering(level("upperRoman", "%1"), level("decimal", "%1.%2", "<w:isLgl/>"))
        assert labels(items(0, 1), legal) == ["I", "1.1"]
        box = level("bullet", "\uf0a8") + '<w:rPr><w:rFonts w:ascii="Wingdings"/></w:rPr>'
        assert labels(items(0), numbering(box)) == ["- ☐"]

    def test_the_level_of_a_style_is_the_one_that_names_it(self) -> None:
        in_list = '<w:numPr><w:numId w:val="1"/></w:numPr>'
        styles = "".join(
            f'<w:style w:type="paragraph" w:styleId="s{i}"><w:pPr>{in_list}</w:pPr></w:style>' for i in (0, 1)
        )
        levels = [level("decimal", "%1", '<w:pStyle w:val="s0"/>'), level("decimal", "%1.%2", '<w:pStyle w:val="s1"/>')]
        parts = {**numbering(*levels), "word/styles.xml": part("w:styles", styles)}
        body = "".join(paragraph("x", properties=f'<w:pStyle w:val="s{i}"/>') for i in (0, 1, 1))
        document = read(body, (("numbering", "numbering.xml"), ("styles", "styles.xml")), parts)
        assert [line.strip() for line in document.text.split("\n")] == ["1 x", "1.1 x", "1.2 x"]


class TestChanges:
    def test_a_deleted_paragraph_end_joins_and_counts_no_number(self) -> None:
        gone = "<w:rPr><w:del w:id='1'/></w:rPr>"
        joined = paragraph("one ", properties=gone) + paragraph("line")
        assert read(joined).text == "one line"
        number = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
        deleted = paragraph("<w:del><w:r><w:delText>old</w:delText></w:r></w:del>", properties=number + gone)
        assert labels(deleted + items(0), numbering(level("decimal", "%1."))) == ["1."]

    def test_moved_text_stands_once_and_deleted_cells_go(self) -> None:
        moved = paragraph(f"<w:moveFrom>{run('moved')}</w:moveFrom>") + paragraph(
            f"<w:moveTo>{run('moved')}</w:moveTo>"
        )
        assert read(moved).text == "moved"
        cells = f"<w:tc><w:tcPr><w:cellDel/></w:tcPr>{paragraph('x')}</w:tc>"
        cells += f"<w:tc>{paragraph('y')}</w:tc><w:tc>{paragraph('z')}</w:tc>"
        assert read(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>").tables[0].rows == (("y", "z"),)


class TestParts:
    def test_links_lead_where_the_relations_of_their_own_part_say(self) -> None:
        link = '<w:hyperlink r:id="rId1">{}</w:hyperlink>'.format
        parts: dict[str, str | bytes] = {
            "word/footnotes.xml": part(
                "w:footnotes", f'<w:footnote w:id="2">{paragraph(link(run("note")))}</w:footnote>'
            ),
            "word/_rels/footnotes.xml.rels": relations(("hyperlink", "https://note.example")),
            "word/header1.xml": part("w:hdr", paragraph(link(run("head")))),
            "word/_rels/header1.xml.rels": relations(("hyperlink", "https://head.example")),
            "word/comments.xml": part(
                "w:comments", f'<w:comment w:id="0" w:author="Bo">{paragraph(link(run("said")))}</w:comment>'
            ),
        }
        links = (
            ("hyperlink", "https://body.example"),
            ("footnotes", "footnotes.xml"),
            ("header", "header1.xml"),
            ("comments", "comments.xml"),
        )
        inner = f"<w:txbxContent>{paragraph(link(run('box')))}</w:txbxContent>"
        box = f"<w:r><w:pict><v:shape><v:textbox>{inner}</v:textbox></v:shape></w:pict></w:r>"
        section = '<w:sectPr><w:headerReference w:type="default" r:id="rId3"/></w:sectPr>'
        text = read(
            paragraph(link(run("body")), '<w:r><w:footnoteReference w:id="2"/></w:r>', box) + section, links, parts
        ).text
        assert "[body](https://body.example)[^1]" in text
        assert "[box](https://body.example)" in text
        assert "[^1]: [note](https://note.example)" in text
        assert "[head](https://head.example)" in text
        assert "> Bo: said" in text

    def test_notes_are_marked_as_the_document_asks(self) -> None:
        settings = part(
            "w:settings", '<w:footnotePr><w:numFmt w:val="upperRoman"/><w:numStart w:val="4"/></w:footnotePr>'
        )
        notes = part("w:footnotes", "".join(f'<w:footnote w:id="{i}">{paragraph("n")}</w:footnote>' for i in (1, 2)))
        body = paragraph("a", *(f'<w:r><w:footnoteReference w:id="{i}"/></w:r>' for i in (1, 2)))
        links = (("footnotes", "footnotes.xml"), ("settings", "settings.xml"))
        text = read(body, links, {"word/footnotes.xml": notes, "word/settings.xml": settings}).text
        assert text == "a[^IV][^V]\n\n[^IV]: n\n\n[^V]: n"

    def test_answers_stand_below_the_comment_that_they_answer(self) -> None:
        def comment(number: int, author: str, text: str) -> str:
            inner = f'<w:p w14:paraId="0000000{number}">{run(text)}</w:p>'
            return f'<w:comment w:id="{number}" w:author="{author}">{inner}</w:comment>'

        threads = '<w15:commentEx w15:paraId="00000001" w15:done="1"/>'
        threads += '<w15:commentEx w15:paraId="00000003" w15:paraIdParent="00000001"/>'
        document = read(
            paragraph("x ", '<w:commentRangeStart w:id="2"/>', "the quay", '<w:commentRangeEnd w:id="2"/>'),
            (("comments", "comments.xml"), ("commentsExtended", "commentsExtended.xml")),
            {
                "word/comments.xml": part(
                    "w:comments", comment(1, "Ada", "Why?") + comment(2, "Bo", "Other") + comment(3, "Cy", "So")
                ),
                "word/commentsExtended.xml": part("w15:commentsEx", threads),
            },
        )
        assert document.parts[-1].text == "> Ada (resolved): Why?\n> > Cy: So\n\n> Bo: Other (on: the quay)"

    @pytest.mark.parametrize(
        ("name", "data", "expected"),
        [
            ("word/c.html", b"<html><body><h2>Depth</h2><p>9 m</p></body></html>", "## Depth\n\n9 m"),
            ("word/c.txt", "tide tables für März".encode(), "tide tables für März"),
            ("word/c.docx", package(paragraph("from inside")), "from inside"),
        ],
    )
    def test_an_inserted_file_is_read_in_its_place(self, name: str, data: bytes, expected: str) -> None:
        body = paragraph("before") + '<w:altChunk r:id="rId1"/>' + paragraph("after")
        document = read(body, (("aFChunk", name.removeprefix("word/")),), {name: data})
        assert document.text == f"before\n\n{expected}\n\nafter"

    def test_an_inserted_file_that_cannot_be_read_is_named(self) -> None:
        document = read(
            paragraph("x") + '<w:altChunk r:id="rId1"/>', (("aFChunk", "c.rtf"),), {"word/c.rtf": rb"{\rtf1 words}"}
        )
        assert any(w.startswith("the inserted file word/c.rtf was not read") for w in document.warnings)

    def test_files_inside_each_other_have_an_end(self) -> None:
        data = package(paragraph("core"))
        for _ in range(6):
            data = package(
                paragraph("layer") + '<w:altChunk r:id="rId1"/>', (("aFChunk", "c.docx"),), {"word/c.docx": data}
            )
        document = extract(data, name="a.docx")
        assert document.text.count("layer") == 3
        assert any("stands in too many others" in w for w in document.warnings)

    def test_smart_art_tells_its_texts_in_their_order(self) -> None:
        def point(id_: str, text: str, kind: str = "node") -> str:
            return (
                f'<dgm:pt modelId="{id_}" type="{kind}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>'
            )

        points = (
            point("0", "", "doc")
            + point("2", "Wash")
            + point("1", "Cut")
            + point("3", "thin")
            + point("9", "no", "pres")
        )
        links = "".join(
            f'<dgm:cxn modelId="c{i}" srcId="{a}" destId="{b}" srcOrd="{o}"/>'
            for i, (a, b, o) in enumerate([("0", "1", 0), ("0", "2", 1), ("1", "3", 0)])
        )
        data = part("dgm:dataModel", f"<dgm:ptLst>{points}</dgm:ptLst><dgm:cxnLst>{links}</dgm:cxnLst>")
        graphic = "<a:graphic><a:graphicData><dgm:relIds r:dm='rId1'/></a:graphicData></a:graphic>"
        drawing = f"<w:r><w:drawing><wp:inline><wp:docPr name='d'/>{graphic}</wp:inline></w:drawing></w:r>"
        document = read(paragraph(drawing), (("diagramData", "diagrams/data1.xml"),), {"word/diagrams/data1.xml": data})
        assert document.text == "- Cut\n   - thin\n- Wash"
        assert document.metadata["images"] == []

    def test_old_pictures_objects_and_watermarks_are_told(self) -> None:
        picture = (
            '<w:r><w:pict><v:shape alt="a pier"><v:imagedata r:id="rId9" o:title="pier"/></v:shape></w:pict></w:r>'
        )
        ole = '<v:shape><v:imagedata r:id="rId9"/></v:shape><o:OLEObject ProgID="Excel.Sheet.12" r:id="rId2"/>'
        ole = f"<w:r><w:object>{ole}</w:object></w:r>"
        mark = '<v:shape id="PowerPlusWaterMarkObject1"><v:textpath string="DRAFT"/></v:shape>'
        mark = f"<w:p><w:r><w:pict>{mark}</w:pict></w:r></w:p>"
        section = '<w:sectPr><w:headerReference w:type="default" r:id="rId1"/></w:sectPr>'
        document = read(
            paragraph("see ", picture, ole) + section,
            (("header", "header1.xml"), ("package", "embeddings/costs.xlsx")),
            {"word/header1.xml": part("w:hdr", mark), "word/embeddings/costs.xlsx": b"PK"},
        )
        assert document.text == "see [embedded object: Excel.Sheet.12, costs.xlsx]\n\nWatermark: DRAFT"
        assert document.metadata["images"] == [{"name": "pier", "alt": "a pier"}]
        assert "embedded objects that were not read: Excel.Sheet.12, costs.xlsx" in document.warnings

    def test_the_link_of_a_picture_is_kept(self) -> None:
        graphic = "<a:graphic><a:graphicData><pic:pic/></a:graphicData></a:graphic>"
        drawing = f"<w:r><w:drawing><wp:inline><wp:docPr name='P' descr='logo'/>{graphic}</wp:inline></w:drawing></w:r>"
        document = read(
            paragraph(f'<w:hyperlink r:id="rId1">{drawing}</w:hyperlink>'), (("hyperlink", "https://p.example"),)
        )
        assert document.metadata["images"] == [{"name": "P", "alt": "logo", "link": "https://p.example"}]


class TestPackages:
    def test_relations_to_nothing_and_missing_parts_refuse_no_file(self) -> None:
        links = (("image", "NULL"), ("styles", "styles.xml"), ("numbering", "gone.xml"), ("settings", "../NULL"))
        document = read(paragraph("whole", properties='<w:pStyle w:val="Heading2"/>'), links)
        assert document.text == "## whole"

    @pytest.mark.parametrize("styles", [b"<w:styles", b"", b"\x00\x01", b"<a/><b/>"])
    def test_a_damaged_part_is_read_as_far_as_it_goes(self, styles: bytes) -> None:
        data = package(paragraph("kept"), (("styles", "styles.xml"),), {"word/styles.xml": styles})
        document = extract(data, name="a.docx")
        assert document.text == "kept"
        assert any("word/styles.xml" in warning for warning in document.warnings)

    def test_entities_of_html_and_odd_encodings_are_read(self) -> None:
        body = part("w:document", f"<w:body>{paragraph('a&nbsp;b &eacute;')}</w:body>")
        assert extract(package("", parts={"word/document.xml": body}), name="a.docx").text == "a\xa0b é"
        wide = f'<?xml version="1.0" encoding="UTF-16"?>{body}'.replace("&nbsp;", " ").replace("&eacute;", "ü")
        assert extract(package("", parts={"word/document.xml": wide.encode("utf-16")}), name="a.docx").text == "a b ü"

    def test_strict_open_xml_is_read(self) -> None:
        before = package(paragraph("Strict", properties='<w:outlineLvl w:val="0"/>'))
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(before)) as source, zipfile.ZipFile(out, "w") as copy:
            for name in source.namelist():
                text = source.read(name).decode()
                for word in ("officeDocument", "wordprocessingml"):
                    text = text.replace(
                        f"http://schemas.openxmlformats.org/{word}/2006/", f"http://purl.oclc.org/ooxml/{word}/"
                    )
                copy.writestr(name, text)
        assert extract(out.getvalue(), name="a.docx").text == "# Strict"

    @pytest.mark.parametrize("kind", ["document.macroEnabled.main+xml", "template.macroEnabledTemplate.main+xml"])
    def test_macros_are_not_run_and_said(self, kind: str) -> None:
        data = package(
            paragraph("x"),
            (("vbaProject", "vbaProject.bin"),),
            {"word/vbaProject.bin": b""},
            main_type=f"application/vnd.ms-word.{kind}",
        )
        document = extract(data, name="a.docx")
        assert (document.text, document.warnings) == ("x", ("the document brings macros: they were not run",))

    def test_templates_and_documents_elsewhere_are_read(self) -> None:
        template = "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"
        assert extract(package(paragraph("t"), main_type=template), name="a.docx").text == "t"
        assert extract(package(paragraph("e"), main="content/text.xml"), name="a.docx").text == "e"

    def test_a_package_without_a_document_is_damaged(self) -> None:
        data = package("", parts={"word/document.xml": f"<w:document {NAMES}/>"})
        with pytest.raises(CorruptFileError, match="holds no document"):
            extract(data, name="a.docx")

    def test_a_locked_document_opens_by_its_password(self) -> None:
        paper, plain, locked = docx.Document(), io.BytesIO(), io.BytesIO()
        paper.add_paragraph("under lock")
        paper.save(plain)
        plain.seek(0)
        OOXMLFile(plain).encrypt("tide", locked)
        assert extract(locked.getvalue(), name="a.docx", options=ReadOptions(password="tide")).text == "under lock"
        with pytest.raises(EncryptedFileError, match="another password"):
            extract(locked.getvalue(), name="a.docx", options=ReadOptions(password="ebb"))
        with pytest.raises(EncryptedFileError) as caught:
            extract(locked.getvalue(), name="a.docx")
        assert "password" in (caught.value.hint or "")


def test_the_words_in_a_control_beside_its_box_stay() -> None:
    box = '<w14:checkbox><w14:checked w14:val="1"/></w14:checkbox>'
    assert read(paragraph(control(box, "☐ I agree"))).text == "☑ I agree"
    assert read(paragraph(control(box, "☐"), " yes")).text == "☑ yes"


def test_a_large_initial_is_the_first_letter_of_its_word() -> None:
    initial = '<w:p><w:pPr><w:framePr w:dropCap="drop" w:lines="3"/></w:pPr>' + run("T") + "</w:p>"
    assert read(initial + paragraph("he tide turns.")).text == "The tide turns."


def test_the_words_for_a_picture_are_told() -> None:
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
    known = f'<wp:inline xmlns:wp="{drawing}"><wp:docPr name="P" descr="A red&#10;boat"/></wp:inline>'
    picture = f"<w:r><w:drawing>{known}</w:drawing></w:r>"
    assert "pictures that were not read: 1 (A red boat)" in read(paragraph(picture, "text")).warnings
