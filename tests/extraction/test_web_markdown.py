"""The Markdown that elements of HTML become."""

from __future__ import annotations

import pytest

from autopicker_lab import extract


def text(body: str) -> str:
    return extract(f"<html><body>{body}</body></html>".encode(), name="a.html").text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("10<sup>6</sup> m<sup>-2</sup> of H<sub>2</sub>O", "10⁶ m⁻² of H₂O"),
        ("x<sup>n+1</sup>, v<sub>max</sub>, 1<sup>st</sup>", "x^{n+1}, v_{max}, 1st"),
        ("seen<sup><a href='#f'>[3]</a></sup>", "seen[3]"),
        ("$19<sup>99</sup>, € 1,200<sup>50</sup>, $10<sup>12</sup>, 5<sup>12</sup>", "$19.99, € 1,200.50, $10¹², 5¹²"),
        ("10<span style='vertical-align: super'>6</span>, H<i style='vertical-align:sub'>2</i>", "10⁶, H*2*"),
        ("a<b style='opacity:0'>b</b><b style='opacity: 0.5'>c</b><i style='font-size:0px'>d</i>", "a**c**"),
        ("<base href='https://a.b/'><a name='here'>place</a>", "place"),
        ("a<br>b<wbr>c&shy;d&nbsp;e", "a\nbcd e"),
        ("<b> x </b>y<i>z</i><del>1</del><ins>2</ins>", "**x** y*z*~~1~~2"),
        ("<ruby>漢字<rp>(</rp><rt>kanji</rt><rp>)</rp></ruby>", "漢字(kanji)"),
        ("<q>hm</q> <abbr title='World Wide Web'>WWW</abbr>", "“hm” WWW (World Wide Web)"),
        ("<time datetime='2024-05-01'>yesterday</time>", "yesterday (2024-05-01)"),
        ("<a href='/x'>a</a> <a href='javascript:go()'>b</a> <a href='#c'>c</a>", "[a](/x) b c"),
        ("<img src='data:image/png;base64,AAAA' alt='dot'>", "![dot](data:image/png)"),
        ("<svg><title>Rose</title><text>Wind</text></svg>", "Rose Wind"),
        ("<my-box>in a <my-word>box</my-word></my-box>", "in a box"),
        ("# no heading", "\\# no heading"),
        ("<h2>A <b>bold</b> head</h2>", "## A bold head"),
        ("<pre><code class='language-py'>a  = 1\n\nb</code></pre>", "```py\na  = 1\n\nb\n```"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        ("<figure><img src='a.png' alt='A'><figcaption>Fig. 1</figcaption></figure>", "![A](a.png)\n\nFig. 1"),
        ("<dl><dt>Tea</dt><dd>hot</dd></dl>", "- **Tea**\n  - hot"),
    ],
)
def test_elements(body: str, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    ("body", "marks"),
    [
        ("<ol start='3'><li>a<li value='7'>b<li>c</ol>", ["3.", "7.", "8."]),
        ("<ol type='a'><li>a<li>b</ol>", ["a.", "b."]),
        ("<ol type='I' start='4'><li>a<li>b</ol>", ["IV.", "V."]),
        ("<ol reversed><li>a<li>b</ol>", ["2.", "1."]),
        ("<ol style='list-style-type: lower-roman'><li>a<li>b</ol>", ["i.", "ii."]),
        ("<ol start='27' type='A'><li>a</ol>", ["AA."]),
    ],
)
def test_list_marks(body: str, marks: list[str]) -> None:
    assert [line.split()[0] for line in text(body).split("\n")] == marks


def test_nested_lists_and_paragraphs_of_items() -> None:
    assert text("<ol><li><p>a</p><p>b</p><ul><li>c</li></ul></li></ol>") == "1. a\n\n   b\n   - c"


class TestTables:
    def test_merged_cells_repeat_and_group_heads_join_their_columns(self) -> None:
        head = "<thead><tr><th rowspan=2>Town<th colspan=2>2023</tr><tr><th>Jan<th>Feb</tr></thead>"
        body = "<tfoot><tr><td>Sum<td>5<td>7</tfoot><tbody><tr><td rowspan=2>Bern<td>1<td>2<tr><td>4<td>5</tbody>"
        assert text(f"<table><caption>Rain</caption>{head}{body}</table>").split("\n") == [
            "Rain",
            "",
            "| Town | 2023 Jan | 2023 Feb |",
            "| --- | --- | --- |",
            "| Bern | 1 | 2 |",
            "| Bern | 4 | 5 |",
            "| Sum | 5 | 7 |",
        ]

    def test_a_table_that_lays_the_page_out_is_no_table(self) -> None:
        inner = "<table><tr><th>a<th>b<tr><td>1<td>2</table>"
        page = f"<table><tr><td>menu</td><td><h1>Head</h1><p>Text</p>{inner}</td></tr></table>"
        assert text(page) == "menu\n\n# Head\n\nText\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"

    def test_bars_breaks_and_lists_stay_in_their_cell(self) -> None:
        table = "<table><tr><th>a<th>b<tr><td>1|2<br>3<td><ul><li>x<li>y</ul></table>"
        assert text(table).endswith("| 1\\|2 3 | - x - y |")

    def test_spans_without_end_stay_within_bounds(self) -> None:
        rows = "<tr><td colspan=9999999 rowspan=9999999>x" * 3000
        assert len(text(f"<table>{rows}</table>")) < 5_000_000


class TestFormulas:
    def test_elements_become_latex(self) -> None:
        math = (
            "<math><msup><mrow><mo>(</mo><mfrac><mi>x</mi><mi>y</mi></mfrac><mo>)</mo></mrow><mn>2</mn></msup></math>"
        )
        assert text(f"so {math}.") == r"so $(\frac{x}{y})^2$."

    @pytest.mark.parametrize(
        ("math", "expected"),
        [
            ("<mo>(</mo><mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac><mo>)</mo>", r"\binom{n}{k}"),
            ("<munder><mi>lim</mi><mi>x</mi></munder><mover><mi>v</mi><mo>→</mo></mover>", r"\lim_x\vec{v}"),
            (
                "<mo>{</mo><mtable><mtr><mtd><mn>0</mn></mtd><mtd><mtext>if </mtext><mi>x</mi></mtd></mtr></mtable>",
                r"\begin{cases} 0 & \text{if }x \end{cases}",
            ),
            ("<mfenced open='[' close=')'><mn>0</mn><mn>1</mn></mfenced>", "[0, 1)"),
            ("<mmultiscripts><mi>C</mi><mprescripts/><mn>6</mn><mn>14</mn></mmultiscripts>", "{}_6^{14}C"),
            (
                "<mroot><mi>x</mi><mn>3</mn></mroot><menclose notation='box'><mi>a</mi></menclose>",
                r"\sqrt[3]{x}\boxed{a}",
            ),
            ("<menclose notation='top'><mi>A</mi><mi>B</mi></menclose>", r"\overline{AB}"),
            ("<menclose notation='left right'><mi>x</mi></menclose>", "|x|"),
        ],
    )
    def test_kinds_of_formula(self, math: str, expected: str) -> None:
        assert text(f"<math>{math}</math>") == f"${expected}$"

    def test_a_formula_that_a_page_holds_twice_comes_once(self) -> None:
        note = "<annotation encoding='application/x-tex'>E=mc^2</annotation>"
        katex = f"<span class='katex'><span class='katex-mathml'><math><semantics><mi>E</mi>{note}</semantics></math>"
        assert (
            text(f"<p>{katex}</span><span class='katex-html' aria-hidden='true'>E=mc2</span></span></p>") == "$E=mc^2$"
        )
        wiki = (
            "<span class='mwe-math-element'><span style='display:none'><math alttext='{\\displaystyle x^{2}}'></math>"
        )
        assert text(f"<p>{wiki}</span><img class='mwe-math-fallback-image-inline' alt='x'></span></p>") == "$x^{2}$"
        old = "<span class='MathJax' id='MathJax-Element-1-Frame'>a2</span>"
        old += "<script type='math/tex; mode=display' id='MathJax-Element-1'>a^2</script>"
        assert text(f"<p>{old}</p>") == "$$a^2$$"


class TestBrokenTables:
    @pytest.mark.parametrize(
        "table",
        [
            "<table><th>a<th>b<tr><td>1<td>2</table>",
            "<table><form><tr><th>a<th>b</tr><tr><td>1<td><input value=2></tr></form></table>",
            "<table><tr><th>a<th>b</tr><tr><form><td>1</td><td>2</td></form></tr></table>",
        ],
    )
    def test_cells_without_a_row_and_forms_between_rows(self, table: str) -> None:
        assert text(table) == "| a | b |\n| --- | --- |\n| 1 | 2 |"

    def test_what_stands_in_no_cell_comes_before_the_table(self) -> None:
        assert text("<table>Note <p>first</p><tr><th>a<th>b<tr><td>1<td>2</table>").startswith("Note\n\nfirst\n\n| a |")

    def test_a_title_over_all_columns_stands_once(self) -> None:
        table = "<table><tr><th>a<th>b<tr><td colspan=2>Group<tr><td>1<td>2</table>"
        assert text(table).split("\n")[2:] == ["| Group |  |", "| 1 | 2 |"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<h2>Install<a class='headerlink' href='#install'>¶</a></h2>", "## Install"),
        ("<img src=m.png alt=Map><map><area href=/n alt=North></map>", "![Map](m.png)[North](/n)"),
        ("<div class='highlight-python'><div><pre>x = 1</pre></div></div>", "```python\nx = 1\n```"),
        ("<ol><li>a</li><ol><li>b</li></ol><li>c</li></ol>", "1. a\n   1. b\n2. c"),
        ("<mjx-container><svg data-latex='x^2'></svg></mjx-container>", "$x^2$"),
        ("<video src='a/b.mp4' title='Tour'></video>", "[film: Tour](a/b.mp4)"),
        ("<a href=/x><h3>Card</h3><p>text</p></a>", "### [Card](/x)\n\ntext"),
        ("<iframe src='https://x.example/m' title='Map'></iframe>", "[frame: Map](https://x.example/m)"),
    ],
)
def test_odd_elements(body: str, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (
            "<tr><th>Y<th>A<tr><th rowspan=2>1959</th></tr><tr><td>Ella</tr>",
            ["| Y | A |", "| 1959 |  |", "| 1959 | Ella |"],
        ),
        ("<tr><th rowspan=2>h</th><th>i</th></tr>", ["| h | i |"]),
        ("<tr><td>a<td rowspan=2>x</tr><tr><td>b<td>c</tr>", ["| a | x |  |", "| b | x | c |"]),
    ],
)
def test_rows_that_reach_down(table: str, rows: list[str]) -> None:
    lines = text(f"<table>{table}</table>").split("\n")
    assert [lines[0], *lines[2:]] == rows


def test_a_table_in_a_list_has_its_own_columns() -> None:
    document = extract(b"<ul><li><table><tr><td>a<td>b<tr><td>1<td>2</table></ul>", name="a.html")
    assert document.tables[0].rows == (("a", "b"), ("1", "2"))


def test_headings_are_told_without_their_permalinks_and_empty_ones_not() -> None:
    document = extract(b"<h1>Sea <a href='#sea'>\xc2\xb6</a></h1><h2></h2><h2>Tide</h2>", name="a.html")
    assert document.metadata["headings"] == ["Sea", "Tide"]


def test_what_only_roles_make_a_table_is_one() -> None:
    head = "<div role=row><span role=columnheader>Boat</span><div><span role=columnheader>Length</span></div></div>"
    body = "".join(
        f"<div role=rowgroup><div role=row><a href=/x role=gridcell>{name}</a><b role=gridcell>{size}</b></div></div>"
        for name, size in (("Gull", 9), ("Tern", 8))
    )
    page = f"<html><body><div role=grid>{head}{body}</div><p>after</p></body></html>"
    document = extract(page.encode(), name="a.html")
    assert document.tables[0].rows == (("Boat", "Length"), ("Gull", "9"), ("Tern", "8"))


def test_a_table_by_role_with_words_outside_its_cells_keeps_them() -> None:
    page = "<html><body><div role=table><div role=row>Note <span role=cell>a</span></div></div></body></html>"
    assert "Note" in extract(page.encode(), name="a.html").text


def test_a_heading_or_list_by_role_is_one() -> None:
    body = "<div role=heading aria-level=3>Tides</div><div role=list><div role=listitem>ebb</div></div>"
    assert text(body) == "### Tides\n\n- ebb"


def test_raised_cents_before_a_currency_are_cents() -> None:
    page = "<html><body><p>now 19<sup>99</sup> € each, 10<sup>12</sup> stars</p></body></html>"
    assert extract(page.encode(), name="a.html").text == "now 19.99 € each, 10¹² stars"
