"""Markdown of models and files as HTML: tables, code and formulas are drawn, and nothing runs or is fetched."""

from __future__ import annotations

import re

import pytest

from autopicker_lab.chat.markdown import markdown_html
from autopicker_lab.core.sentences import sentences


def test_formulas_in_all_four_marks_become_mathml() -> None:
    html = markdown_html(r"$x^2$ and \(a_b\) and \[\frac{1}{2}\] and $$\sqrt{3}$$")
    assert all(f"<{name}>" in html for name in ("msup", "msub", "mfrac", "msqrt"))
    assert html.count('display="block"') == 2
    assert "$" not in html


@pytest.mark.parametrize("text", ["It costs $5, or $10.", r"`\(x\)` and `$x$`", r"\(never closed", "a $ b"])
def test_what_is_no_formula_stays_as_it_is_written(text: str) -> None:
    assert "<math" not in markdown_html(text)


@pytest.mark.parametrize(
    "latex",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\text{<script>alert(1)</script>}",
        r"\text{&lt;img src=x onerror=alert(1)&gt;}",
        r"\style{background:url(//far)}{x}",
        r'\class{a" onclick="alert(1)}{x}',
        r'\color{" onclick="alert(1)}x',
        "<img src=x onerror=alert(1)>",
        r"\begin{nothing",
        r"\frac{",
        "{" * 1900,
        "x" * 3000,
    ],
)
def test_a_formula_names_no_script_style_or_address(latex: str) -> None:
    html = markdown_html(f"${latex}$ and more")
    names = set(re.findall(r"<(\w+)", html))
    assert not names & {"script", "img", "a", "style"}
    assert not re.search(r"<[^>]*\b(href|style|class|on\w+)=", html)
    assert "and more" in html


def test_tags_are_text_pictures_words_and_cells_aligned_without_a_style() -> None:
    html = markdown_html("<b>x</b> ![a](http://far/p.png)\n\n| a |\n|--:|\n| 1 |\n\n[l](javascript:alert(1))")
    assert "&lt;b&gt;" in html
    assert "<img" not in html
    assert '<td align="right">' in html
    assert "javascript:alert(1))" not in re.sub(r">[^<]*<", "><", html)


def test_a_link_opens_beside_the_conversation() -> None:
    html = markdown_html("[a](https://b/c) <http://d>")
    assert html.count('target="_blank" rel="noopener noreferrer"') == html.count("<a ") == 2


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("It was. It is.", "<p>It was.# It is.#</p>"),
        ("| a | b |\n|---|---|\n| c \\| |\n", "<th>b#</th>"),
        ("| a | b |\n|---|---|\n| c \\| |\n", "<td>c |#</td>"),
        ("# One #\n\nC#", "<h1>One#</h1>\n<p>C##</p>"),
        ("``` x\ny\n```\nz", "y\n</code></pre>\n<p>##</p>\n<p>z#</p>"),
        ("It is `a. B` now", "<code>a. B</code># now#"),
        ("$$\nx = 1\n$$", "</math>#"),
        ("[l](http://a/b?Next) and", "http://a/b?Next"),
        ('[l]\n\n[l]: http://a/b "It was."', '<a href="http://a/b" title="It was." target="_blank"'),
        ("[l]\n\n[l]:\n  http://a/b.c\n\nIt is.", "It is.#</p>"),
        ("[1]: It was so.\n\n[1]", "<p>[1]: It was so.#</p>"),
        ("a \ue0000\ue001 b.", "<p>a \ufffd0\ufffd b.#</p>"),
    ],
)
def test_a_mark_stands_where_a_sentence_ends_and_changes_nothing_else(text: str, html: str) -> None:
    stops = [stop for _, stop in sentences(text)] + [text.find("Next")] * ("Next" in text)
    marked = markdown_html(text, stops)
    assert html in re.sub(r'<span data-cite="\d"></span>', "#", marked)
    assert not set("\ue000\ue001") & set(marked)


def test_marks_say_which_sentence_they_are_of() -> None:
    assert markdown_html("a b", [3, 1, 3]) == "<p>a{1} b{0}{2}</p>\n".format(
        *(f'<span data-cite="{number}"></span>' for number in range(3))
    )


@pytest.mark.parametrize("mark", ["\\(", "\\[ "])
def test_marks_without_end_cost_no_more_than_they_are_long(mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    class Text(str):
        def find(self, *arguments: object) -> int:
            nonlocal looked
            looked += 1
            return super().find(*arguments)  # type: ignore[arg-type]

    from markdown_it.rules_inline import StateInline

    begin = StateInline.__init__

    def counted(self: StateInline, src: str, *rest: object) -> None:
        begin(self, Text(src), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(StateInline, "__init__", counted)
    markdown_html(mark * 2000)
    assert looked < 10
