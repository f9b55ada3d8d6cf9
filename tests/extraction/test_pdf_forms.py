"""PDF: fields, annotations and XFA forms as a person sees them."""

from typing import Any

from support.papers import pdf
from support.papers import read as read_pdf
from support.raw_pdf import document, show, stream

from autopicker_lab.extraction import extract

FORM = "/AcroForm<</Fields[20 0 R]/DR<</Font<</F 3 0 R>>>>/DA(/F 10 Tf)>>"


def field(entries: str) -> str:
    return f"<</Type/Annot/Subtype/Widget/Rect[60 600 260 640]/T(days)/P 4 0 R{entries}>>"


def read(widget: str | bytes, catalog: str = FORM, more: Any = None) -> Any:
    page = "/Annots[20 0 R]"
    data = document([show("Open days:")], catalog=catalog, page=page, more={20: widget, **(more or {})})
    return extract(data, name="a.pdf")


def look(text: str) -> dict[int, bytes]:
    entries = "/Type/XObject/Subtype/Form/BBox[0 0 200 40]/Resources<</Font<</F 3 0 R>>>>"
    return {30: stream(f"BT /F 10 Tf 4 12 Td ({text}) Tj ET", entries)}


def test_a_list_box_gives_every_choice_as_it_is_shown() -> None:
    options = "/Opt[[(m)(Monday)][(t)(Tuesday)][(f)(Friday)]]"
    found = read(field(f"/FT/Ch/Ff 2097152{options}/V[(m)(f)]/I[0 2]"))
    assert "Monday, Friday" in found.text
    assert found.metadata["form"] == {"days": "Monday, Friday"}


def test_a_menu_gives_what_is_shown_and_not_what_is_sent() -> None:
    found = read(field("/FT/Ch/Ff 131072/Opt[[(01)(Harbour)][(02)(Lighthouse)]]/V(02)"))
    assert "Lighthouse" in found.text
    assert "02" not in found.text


def test_a_menu_that_takes_other_words_gives_these() -> None:
    assert "Boat house" in read(field("/FT/Ch/Ff 393216/Opt[(Harbour)]/V(Boat house)")).text


def test_a_hidden_field_is_left_out_and_named() -> None:
    for flag in (2, 32):
        found = read(field(f"/FT/Tx/V(a discount of ninety)/F {flag}"))
        assert "discount" not in found.text
        assert "form" not in found.metadata
        assert found.warnings == ("hidden form fields and notes were left out: days",)


def test_a_password_is_not_told() -> None:
    found = read(field("/FT/Tx/Ff 8192/V(swordfish)"))
    assert "swordfish" not in found.text + str(found.metadata)
    assert "*********" in found.text


def test_what_a_signature_shows_is_read() -> None:
    found = read(field("/FT/Sig/AP<</N 30 0 R>>"), more=look("Signed by A. Ferryman"))
    assert "Signed by A. Ferryman" in found.text


def test_a_stamp_and_a_text_box_show_their_own_text_and_keep_their_note() -> None:
    for kind in ("Stamp", "FreeText"):
        note = f"<</Type/Annot/Subtype/{kind}/Rect[60 600 260 640]/Contents(checked twice)/AP<</N 30 0 R>>>>"
        found = read(note, "", look("APPROVED at the pier"))
        assert "APPROVED at the pier" in found.text
        assert "> note: checked twice" in found.text
        same = read(note, "", look("checked twice"))
        assert same.text.count("checked twice") == 1


def test_a_value_beside_a_stamp_comes_once() -> None:
    stamp = "<</Type/Annot/Subtype/Stamp/Rect[60 500 260 540]/AP<</N 30 0 R>>>>"
    look_of_field = {31: stream("BT /F 10 Tf 4 12 Td (noon) Tj ET", "/Subtype/Form/BBox[0 0 200 40]")}
    data = document(
        [show("Open days:")],
        catalog=FORM,
        page="/Annots[20 0 R 21 0 R]",
        more={20: field("/FT/Tx/V(noon)/AP<</N 31 0 R>>"), 21: stamp, **look("PAID"), **look_of_field},
    )
    found = extract(data, name="a.pdf")
    assert found.text.count("noon") == 1
    assert "PAID" in found.text


def test_attached_files_are_named() -> None:
    pin = "<</Type/Annot/Subtype/FileAttachment/Rect[60 600 80 620]/FS 21 0 R>>"
    more = {21: "<</Type/Filespec/F(tides.csv)/EF<</F 22 0 R>>>>", 22: stream("1;2", "/Type/EmbeddedFile")}
    found = read(pin, "", more)
    assert found.metadata["attachments"] == ["tides.csv"]
    assert found.warnings == ("attached files were not read: tides.csv",)


def test_a_portfolio_says_that_its_files_were_not_read() -> None:
    names = "/Collection<</View/D>>/Names<</EmbeddedFiles<</Names[(a)21 0 R]>>>>"
    more = {21: "<</Type/Filespec/F(tides.csv)/EF<</F 22 0 R>>>>", 22: stream("1;2", "/Type/EmbeddedFile")}
    found = read("null", names, more)
    assert found.warnings == ("the file is a portfolio, whose files were not read: tides.csv",)


TEMPLATE = """<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><template xmlns="http://www.xfa.org/schema/xfa-template/3.0/">
<subform name="trip"><pageSet><pageArea name="P"><contentArea/></pageArea></pageSet>
<draw><value><text>Passage to the island</text></value></draw>
<draw presence="hidden"><value><text>Office only</text></value></draw>
<draw><value><exData contentType="text/html"><body xmlns="http://www.w3.org/1999/xhtml"><p>Bring <b>warm</b>
 clothes</p></body></exData></value></draw>
<field name="harbour"><ui><choiceList/></ui><caption><value><text>From:</text></value></caption>
 <items><text>North pier</text><text>South pier</text></items><items save="1"><text>n</text><text>s</text></items>
</field>
<field name="dog"><ui><checkButton/></ui><caption><value><text>With a dog</text></value></caption>
 <items><text>1</text><text>0</text></items></field>
<field name="unseen" presence="invisible"><value><text>secret</text></value></field>
<exclGroup name="class"><field name="a"><ui><checkButton/></ui><caption><value><text>First</text></value></caption>
 <items><text>1</text></items></field><field name="b"><ui><checkButton/></ui><caption><value><text>Second</text></value>
 </caption><items><text>2</text></items></field></exclGroup>
<subform name="guest"><occur max="-1"/><field name="name"><ui><textEdit/></ui>
 <caption><value><text>Guest</text></value></caption><value><text>nobody</text></value></field></subform>
<field name="send"><ui><button/></ui><caption><value><text>Send</text></value></caption></field>
<field name="total"><bind match="dataRef" ref="$record.sum.euros"/><ui><numericEdit/></ui>
 <caption><value><text>Total</text></value></caption></field>
</subform></template>
<xfa:datasets xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><xfa:data><trip><harbour>s</harbour><dog>1</dog>
<class>2</class><guest><name>Ada</name></guest><guest><name>Bo</name></guest><sum><euros>42</euros></sum></trip>
</xfa:data></xfa:datasets></xdp:xdp>"""


def xfa(pages: int = 1, widget: str = "null") -> Any:
    catalog = "/NeedsRendering true/AcroForm<</Fields[20 0 R]/XFA 30 0 R>>"
    waiting = [show("Please wait until the form appears.")] * pages
    more: Any = {20: widget, 30: stream(TEMPLATE)}
    return extract(document(waiting, catalog=catalog, more=more, page="/Annots[20 0 R]"), name="a.pdf")


def test_an_xfa_form_is_read_from_its_template_and_data() -> None:
    found = xfa()
    assert found.text.splitlines() == [
        "Passage to the island",
        "Bring warm clothes",
        "From: South pier",
        "With a dog: [x]",
        "( ) First",
        "(x) Second",
        "Guest: Ada",
        "Guest: Bo",
        "Total: 42",
    ]
    assert found.metadata["form"]["harbour"] == "South pier"
    assert "XFA" in found.warnings[0]


def test_further_pages_of_an_xfa_form_stay_and_pages_with_fields_are_the_form() -> None:
    assert [part.label for part in xfa(2).parts] == ["form", "page 1", "page 2"]
    static = xfa(widget=field("/FT/Tx/V(noon)"))
    assert [part.label for part in static.parts] == ["page 1"]
    assert "XFA" in static.warnings[0]


def test_reading_prints_nothing(capfd: Any) -> None:
    xfa()
    extract(
        document([show("x")], catalog="/Outlines<</First 20 0 R>>", more={20: "<</Title(a)/Next 20 0 R>>"}),
        name="a.pdf",
    )
    assert capfd.readouterr() == ("", "")


def test_boxes_for_ticks_that_are_drawn_are_told() -> None:
    def draw(paper: Any, _: Any) -> None:
        for row, (text, marks) in enumerate((("oak", "lines"), ("pine", ""), ("fir", "outline"))):
            y = 700 - 20 * row
            paper.rect(60, y, 9, 9)
            paper.drawString(76, y + 1, text)
            if marks == "lines":
                paper.line(60, y, 69, y + 9)
                paper.line(60, y + 9, 69, y)
            elif marks:
                path = paper.beginPath()
                for move, point in ((path.moveTo, (61, y + 4)), (path.lineTo, (64, y + 1)), (path.lineTo, (68, y + 8))):
                    move(*point)
                paper.drawPath(path)

    assert read_pdf(pdf(draw)).text == "[x] oak\n[ ] pine\n[x] fir"


def test_small_squares_of_a_grid_or_a_legend_are_no_boxes() -> None:
    def draw(paper: Any, _: Any) -> None:
        for column in range(4):
            paper.rect(60 + 12 * column, 700, 12, 12)
        paper.drawString(114, 702, "account")
        paper.rect(60, 650, 9, 9, fill=1)
        paper.drawString(76, 651, "north")

    assert "[" not in read_pdf(pdf(draw)).text
