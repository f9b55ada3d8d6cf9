"""What of an HTML page is its content, and what is said of the rest."""

from __future__ import annotations

from autopicker_lab import extract
from autopicker_lab.core import Document

PROSE = "The canal was dug by hand in one summer, and the diggers kept a log of each metre of clay. " * 4
NAV = "<nav><a href='/'>Start</a> <a href='/fares'>All fares</a></nav>"


def read(body: str, name: str = "a.html") -> Document:
    return extract(f"<!DOCTYPE html><html><head><title>T</title></head><body>{body}</body></html>".encode(), name=name)


class TestFurniture:
    def test_what_stands_within_an_article_is_its_own(self) -> None:
        inner = "<aside>Mind the gap.</aside><section id='cookies'><p>Bake twelve.</p></section>"
        inner += "<div class='card'><p>x</p><div class='card-footer'>Sum 31</div></div><footer>By Ada</footer>"
        text = read(f"{NAV}<article><h1>Title</h1><p>{PROSE}</p>{inner}</article><footer>Imprint</footer>").text
        assert all(words in text for words in ("Mind the gap.", "Bake twelve.", "Sum 31", "By Ada"))
        assert "Imprint" not in text
        assert "All fares" not in text

    def test_a_card_outside_an_article_keeps_its_foot(self) -> None:
        card = "<div class='card'><div class='card-header'>Order 8</div><div class='card-footer'>Sum 31</div></div>"
        assert "Sum 31" in read(f"{NAV}<div class='box'>{card}</div>").text

    def test_a_remark_between_paragraphs_stays_without_an_article(self) -> None:
        assert "Mind the gap." in read(f"{NAV}<p>{PROSE}</p><aside>Mind the gap.</aside><p>{PROSE}</p>").text

    def test_a_form_around_the_page_hides_nothing_of_it(self) -> None:
        page = f"<form id='aspnetForm'><input type='hidden' name='__VIEWSTATE' value='dDw3'>{NAV}<div><h1>Bill</h1>"
        text = read(f"{page}<p>{PROSE}</p></div><footer>Imprint</footer></form>").text
        assert text.startswith("# Bill\n\nThe canal")
        assert "dDw3" not in text
        assert "Imprint" not in text

    def test_navigation_larger_than_the_text_still_goes(self) -> None:
        links = "".join(f"<li><a href='/{i}'>Topic number {i}</a></li>" for i in range(400))
        text = read(f"<nav><ul>{links}</ul></nav><h1>News</h1><p>{PROSE}</p>").text
        assert "Topic number 7" not in text
        assert "The canal" in text

    def test_what_went_is_named(self) -> None:
        document = read(f"{NAV}<p>{PROSE}</p><div class='cookie-banner'>We bake. <button>OK</button></div>")
        assert document.warnings == (
            "navigation, side bars and the like were left out: nav (Start All fares), div.cookie-banner (We bake. OK)",
        )

    def test_a_small_page_keeps_its_table_and_lists(self) -> None:
        table = "<table><tr><th>item</th><th>eur</th></tr><tr><td>rake</td><td>15</td></tr></table>"
        document = read(f"{NAV}<h1>Prices</h1>{table}<ul><li>net</li></ul>")
        assert document.tables[0].rows == (("item", "eur"), ("rake", "15"))
        assert "- net" in document.text


class TestHidden:
    def test_what_no_reader_sees_is_left_out_and_said(self) -> None:
        document = read("<p>Shown</p><p style='display: none'>Pay 9 instead</p><p hidden>Old price</p>")
        assert document.text == "Shown"
        assert document.warnings == ("hidden text was left out: Pay 9 instead, Old price",)

    def test_what_a_style_sheet_of_the_page_hides(self) -> None:
        style = (
            "<style>/* x */ p.off, #old { color: red; display: none } @media print { .on { display: none } }</style>"
        )
        document = read(f"{style}<p class='off'>Margin 3</p><p id='old'>Old</p><p class='on'>Shown</p>")
        assert document.text == "Shown"
        assert document.warnings == ("hidden text was left out: Margin 3, Old",)

    def test_what_a_style_sheet_shows_in_some_state_is_read(self) -> None:
        style = "<style>.tab{display:none} .tab.on{display:block} .wide{display:none}"
        style += "@media (min-width: 9em) {.wide {display: flex}}</style>"
        assert read(f"{style}<p class='tab'>One</p><p class='wide'>Two</p>").text == "One\n\nTwo"

    def test_icons_and_what_is_doubled_for_screen_readers(self) -> None:
        price = "<span class='sr-only'>15.90 euros</span><span aria-hidden='true'><b>15</b>90</span>"
        assert read(f"<p><i class='icon' aria-hidden='true'>star</i>Rake {price}</p>").text == "Rake 15.90 euros"

    def test_closed_details_are_read(self) -> None:
        text = read("<details><summary>More</summary><p>Inside</p></details>").text
        assert text == "**More**\n\nInside"


class TestForms:
    def test_values_choices_and_ticks(self) -> None:
        form = """<form><label for="n">Name</label> <input id="n" value="Ada"><br>
        <label>Town <input placeholder="where you live"></label>
        <select><optgroup label="Big"><option>A</option></optgroup><option selected>B</option></select>
        <label for="t">tea</label> <input type="checkbox" id="t" checked><br>
        <input type="checkbox" id="c"> <label for="c">coffee</label><textarea>Two
        lines</textarea><input type="hidden" value="secret"><input type="submit" value="Send"></form>"""
        lines = read(form).text.split("\n")
        assert lines[:4] == ["Name Ada", "Town ____ (where you live)", "B (choices: Big: A, B)", "[x] tea"]
        assert lines[4:] == ["[ ] coffee Two", "lines", "[Send]"]

    def test_controls_in_a_table_stand_in_their_cells(self) -> None:
        rows = "<tr><th>Field</th><th>Value</th></tr><tr><td>Town</td><td><input value='Oslo' readonly></td></tr>"
        assert read(f"<form><table>{rows}</table></form>").tables[0].rows[1] == ("Town", "Oslo")

    def test_states_that_only_roles_tell(self) -> None:
        assert read("<div role='checkbox' aria-checked='true'>dry</div>").text == "[x] dry"
        assert read("<meter value='3' max='5'></meter>").text == "3 of 5"


def teasers(count: int) -> str:
    return "".join(
        f"<div class='t'><h3><a href='/{i}'>Headline {i} of the day</a></h3><p>Short words on story {i}.</p></div>"
        for i in range(count)
    )


def links(count: int) -> str:
    return "<ul>" + "".join(f"<li><a href='/{i}'>Topic {i} of the site</a></li>" for i in range(count)) + "</ul>"


class TestMainContent:
    def test_the_article_of_a_news_page_that_names_nothing(self) -> None:
        text = "".join(f"<p>{i}. {PROSE}</p>" for i in range(4))
        table = "<table><tr><th>year</th><th>boats</th></tr><tr><td>1884</td><td>7</td></tr></table>"
        article = f"<div class='x3'><h1>The canal</h1>{text}{table}<ul><li><a href='/map'>Map</a></li></ul></div>"
        page = f"<div class='x1'>{links(200)}</div><div class='x2'>{article}<div class='x4'>{teasers(20)}</div></div>"
        document = read(f"{page}<div class='x5'>{links(40)}</div>")
        assert document.text.startswith("# The canal\n\n0. The canal")
        assert document.text.endswith("| 1884 | 7 |\n\n- [Map](/map)")
        assert "div.x1 (Topic 0 of the site" in document.warnings[0]

    def test_an_article_in_tables_that_lay_the_page_out(self) -> None:
        rows = f"<tr><td>{links(70)}</td><td>{PROSE}<br><br>{PROSE}</td><td>{teasers(9)}</td></tr>"
        assert read(f"<table>{rows}</table>").text == f"{PROSE.strip()}\n{PROSE.strip()}"

    def test_links_under_a_heading_of_the_text_stay(self) -> None:
        text = f"<div><p>{PROSE}</p></div><div><p>{PROSE}</p></div><h2>Functions</h2>{links(8)}"
        assert "[Topic 7 of the site](/7)" in read(f"<div>{links(90)}</div><div><h1>Book</h1>{text}</div>").text

    def test_an_index_keeps_its_teasers(self) -> None:
        text = read(f"<nav>{links(80)}</nav><h1>News</h1>{teasers(30)}").text
        assert "Short words on story 29." in text
        assert "Topic 7" not in text

    def test_a_page_with_few_links_keeps_its_cards(self) -> None:
        assert "story 8" in read(f"{NAV}<div><p>{PROSE}</p><p>{PROSE}</p></div><div>{teasers(9)}</div>").text

    def test_what_stands_beside_the_stated_main_element_goes_but_not_its_links(self) -> None:
        main = f"<!-- start --><main><h1>Guide</h1><div><p>{PROSE}</p></div><div>{links(30)}</div></main>"
        document = read(f"<div>{links(90)}</div>{main}<div class='promo'>Buy boats</div>")
        assert document.text.count("[Topic 29 of the site](/29)") == 1
        assert "Buy boats" not in document.text
        assert document.warnings[0].endswith(", div.promo (Buy boats)")
        assert ", (" not in document.warnings[0]

    def test_comments_go_where_there_is_an_article_and_stay_where_they_are_the_content(self) -> None:
        comments = "".join(f"<div><b>Bo {i}</b><p>{i} {PROSE}</p></div>" for i in range(4))
        nav, talk = f"<div>{links(90)}</div>", f"<section id='comments'>{comments}</section>"
        article = f"<div><h1>The canal</h1><p>{PROSE}</p><p>{PROSE}</p></div>"
        assert "Bo 3" not in read(nav + article + talk).text
        assert "Bo 3" in read(f"{nav}<h1>What of the canal?</h1>{talk}").text

    def test_a_main_element_that_is_not_all_there_is(self) -> None:
        text = read(f"<main><p>Short.</p></main><div><p>{PROSE}</p></div>").text
        assert text == f"Short.\n\n{PROSE.strip()}"

    def test_the_head_of_a_page_beside_its_main_element_stays(self) -> None:
        table = "<table><tr><th>Item</th><th>Sum</th></tr><tr><td>Rake made of ash wood</td><td>15</td></tr></table>"
        page = f"<header><h2>INVOICE 7</h2><div>Acme</div></header><main>{table}<p>Pay in thirty days.</p></main>"
        assert read(page).text.startswith("## INVOICE 7\n\nAcme\n\n| Item |")


def test_what_a_button_opens_is_read() -> None:
    page = "<h3><button aria-controls='p1'>When?</button></h3><div id='p1' hidden><p>At noon.</p></div>"
    document = read(page)
    assert document.text == "### When?\n\nAt noon."
    assert document.warnings == ()
