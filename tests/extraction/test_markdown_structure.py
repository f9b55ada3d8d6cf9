# ruff: noqa: E501
"""Markdown as people have it: headings of every form, front matter, tables of HTML and in quotes; the source as it is."""

import pytest

from autopicker_lab.core import Document
from autopicker_lab.extraction import extract


def read(text: str) -> Document:
    return extract(text.encode(), name="a.md")


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("# C#\n\n## `a#` and *b* #\n\n####### seven\n\n#none\n", ["C#", "a# and b"]),
        ("2024 in review\n===\n\n3 ways\n---\n\n- item\n---\n\na\nb\n===\n", ["2024 in review", "3 ways", "a b"]),
        ("<!--\n# out\n\n## of it\n-->\n# In\n", ["In"]),
        ("<pre>\n# no\n\n# nor this\n</pre>\n\n~~~\n# no\n```\n~~~\n\n    # no\n", []),
        ('<h1 align="center">\n  <img src="a.png">\n  Harbour &amp; Tools\n</h1>\n\nText\n', ["Harbour & Tools"]),
        ("> # quoted\n\n- # listed\n\n# Own\n", ["Own"]),
        ("# [A](b) ![c](d.png) [e][f]\n\n[f]: g\n", ["A c e"]),
        ("# ![](a.png)\n\n> é\n\n![](b.png)\n---\n\n#\n", ["![](a.png)", "![](b.png)"]),
        ("```\n$$\n```\n# In\n$$\n", ["In"]),
        ("> $$\n> # x\n> $$\n\na\n$$\n# y\n$$\n---\n# In\n", ["In"]),
        ("# a &copy; \\# b  \n", ["a © # b"]),
        ("$$\n# x\n---\n$$\n\n\\[\n# y \\]\n# In\n", ["In"]),
        ("$$ x $$\n\n$$ # of prices\n# In\n", ["In"]),
        ("- $$\n  # x\n  $$\n\n# In {#anchor .wide}\n", ["In"]),
    ],
)
def test_headings(text: str, headings: list[str]) -> None:
    document = read(text)
    assert document.metadata["headings"] == headings
    assert document.metadata["title"] == (headings[0] if headings else None)
    assert [line for part in document.parts for line in part.text.split("\n") if line] == [
        li for li in text.split("\n") if li
    ]


class TestFrontMatter:
    def test_it_is_metadata_and_gives_the_title(self) -> None:
        document = read(
            "---\ntitle: 'Winter: a plan'\ndate: 2024-01-02\ntags: [roads, salt]\nzip: 00742\n---\n\n# Salt\n\nHall 4\n"
        )
        assert document.metadata["title"] == "Winter: a plan"
        assert document.metadata["headings"] == ["Salt"]
        front = document.metadata["front_matter"]
        assert front == {"title": "Winter: a plan", "date": "2024-01-02", "tags": ["roads", "salt"], "zip": "00742"}
        assert "tags: [roads, salt]" in document.parts[0].text
        assert read('+++\ntitle = "T"\nn = 1979-05-27\n+++\n# H\n').metadata["front_matter"] == {
            "title": "T",
            "n": "1979-05-27",
        }

    @pytest.mark.parametrize(
        "inner", ["a: [b\nc: }", "a: &x [1]\nb: *x", "- a\n- b", "plain words", "a: " + "[" * 3000]
    )
    def test_what_is_none_or_broken_loses_nothing(self, inner: str) -> None:
        document = read(f"---\n{inner}\n---\n\n# H\n\nText\n")
        assert document.metadata["headings"] == ["H"]
        assert inner.split("\n", maxsplit=1)[0] in document.text


def test_tables_of_markdown_and_of_html() -> None:
    text = (
        "# One\n\n> | a | b |\n> |---|:-:|\n> | `c \\| d` | |\n\n- x\n\n  | e |\n  |---|\n  | f |\n\n## Two\n\n"
        "<table>\n<tr><th>Size<th>Width</tr>\n\n<tr><td>M</td><td>44 &micro;m</td></tr>\n<!-- <tr><td>no</td></tr> -->\n</table>\n\n"
        "```\n| no |\n|---|\n<table><tr><td>no</td></tr></table>\n```\n"
    )
    document = read(text)
    assert [table.rows for table in document.parts[0].tables] == [(("a", "b"), ("`c | d`", None)), (("e",), ("f",))]
    assert [table.rows for table in document.parts[1].tables] == [(("Size", "Width"), ("M", "44 µm"))]


def test_cells_beside_letters_of_several_bytes() -> None:
    document = read("# Öl\n\n1. 漢字\n\n   | ä | 漢 |\n   |---|---|\n   | ß |\n   | 😀 | ü | more |\n\n   [ü]: x\n")
    assert document.tables[0].rows == (("ä", "漢"), ("ß", None), ("😀", "ü"))


def test_places_are_lines_of_the_file_and_name_the_headings_above() -> None:
    document = read("---\na: b\n---\n# One\n\nx\n## Two\ny\n")
    assert [(part.places[0].lines, part.places[0].headings) for part in document.parts] == [
        ((1, 3), None), ((4, 6), ("One",)), ((7, 8), ("One", "Two")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "unit", ["> ", "- ", "[", "*a ", "<h1>", "<table>", "|a|\n|-|\n", "# x\n", "<!--", "`", "1. ", "<h1>a</h2>"]
)
def test_odd_text_costs_no_more_than_its_size(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    document = read(text)
    assert sum(len(part.text) for part in document.parts) >= len(text.strip("\n")) - text.count("\n")


def test_signs_of_lists_one_after_another_are_read_once() -> None:
    """Tried in all ways, forty of them with two blanks between take days."""
    line = "-  " * 400 + "x $$"
    document = read(f"{line}\n\n> -  1.  $$\n> -  # x\n> -  $$\n\n# In\n")
    assert document.metadata["headings"] == ["In"]
    assert line in document.text


@pytest.mark.parametrize("deep", ["- " * 100_000 + "a", "? " * 100_000])
def test_front_matter_that_is_nested_without_end_is_said_and_ends_no_process(deep: str) -> None:
    document = read(f"---\n{deep}\n---\n# H\n")
    assert document.metadata["headings"] == ["H"]
    assert any("front matter" in warning for warning in document.warnings)


def test_text_between_two_rules_is_no_front_matter() -> None:
    document = read("---\n\nwords alone\n\n# H\n\na: b\n---\n")
    assert document.metadata["headings"] == ["H", "a: b"]
    assert not document.warnings


def test_a_heading_between_two_rules_is_no_front_matter() -> None:
    document = read("---\n# The heading\n---\n\ntext\n")
    assert document.metadata["headings"] == ["The heading"]
    assert "front_matter" not in document.metadata
    assert read("---\n# a comment\ntitle: T\n---\n# H\n").metadata["title"] == "T"
