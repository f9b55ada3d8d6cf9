"""Where parts and passages stand in their file, and the header that passages of a table carry."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopicker_lab.core import Document, Part, Place, Table
from autopicker_lab.core.places import column_letters, describe


def table_of(rows: int, columns: int = 4, width: int = 6) -> Table:
    names = tuple(f"name {column}" for column in range(columns))
    return Table(
        (names, *(tuple(f"{row}.{column}".ljust(width, "x") for column in range(columns)) for row in range(rows)))
    )


def document_of(text: str, *places: Place) -> Document:
    return Document("a", "txt", (Part("part", text, (), places),))


class TestPassagesOfTables:
    def test_each_carries_the_header_and_says_its_rows(self) -> None:
        text = table_of(60).to_markdown()
        passages = list(document_of(f"Before it.\n\n{text}\n\nAfter it.").chunks(160))
        header = "\n".join(text.split("\n")[:2])
        assert len(passages) > 5
        assert all(header in passage.text for passage in passages)
        assert all(len(passage.text) <= 320 for passage in passages)
        assert passages[0].label.startswith("part, rows 1-")
        assert passages[-1].label.endswith("-60")
        assert passages[-1].text.endswith("After it.")
        rows = [line for passage in passages for line in passage.text.split("\n") if line.startswith("| ")]
        assert [line for line in rows if "name" not in line and "---" not in line] == text.split("\n")[2:]

    def test_a_whole_table_and_prose_have_the_label_of_their_part(self) -> None:
        text = f"{table_of(3).to_markdown()}\n\n" + "Words of a paragraph. " * 40
        assert {passage.label for passage in document_of(text).chunks(160)} == {"part"}

    def test_of_several_tables_the_label_says_which(self) -> None:
        text = "\n\n".join(table_of(30).to_markdown() for _ in range(2))
        labels = [passage.label for passage in document_of(text).chunks(160)]
        assert labels[0].startswith("part, table 1, rows 1-")
        assert labels[-1].startswith("part, table 2, rows ")
        assert labels[-1].endswith("-30")

    def test_a_header_is_never_left_alone_at_the_end_of_a_passage(self) -> None:
        for words in range(1, 60):
            passages = document_of("word " * words + "\n\n" + table_of(20).to_markdown()).chunks(60)
            assert not any(passage.text.rstrip().endswith("--- |") for passage in passages)

    def test_overlap_repeats_whole_rows_under_the_header(self) -> None:
        text = table_of(60).to_markdown()
        first, second, *_ = document_of(text).chunks(100, overlap=30)
        assert second.text.startswith("\n".join(text.split("\n")[:2]))
        assert second.text.split("\n")[2] in first.text.split("\n")

    def test_rows_too_long_for_a_passage_come_by_columns_under_their_names(self) -> None:
        text = table_of(3, columns=60).to_markdown()
        passages = list(document_of(text).chunks(60))
        assert all(len(passage.text) <= 240 for passage in passages)
        for passage in passages:
            names, _, values = (line.split(" | ") for line in passage.text.split("\n"))
            assert [name.strip("| ").split()[1] for name in names] == [v.strip("| x").split(".")[1] for v in values]
        assert passages[-1].label == "part, row 3"

    def test_a_cell_longer_than_a_passage_keeps_its_name_and_loses_nothing(self) -> None:
        long = "word " * 200
        text = Table((("key", "story"), ("k", long.strip()), ("l", "short"))).to_markdown()
        passages = [passage.text for passage in document_of(text).chunks(40)]
        assert all(len(passage) <= 160 for passage in passages)
        assert sum(passage.count("word") for passage in passages) == 200
        assert any(passage.startswith("story: word") for passage in passages)
        assert any("short" in passage for passage in passages)

    @settings(deadline=None)
    @given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 40), st.integers(8, 90))
    def test_a_tokenizer_is_never_passed_and_each_value_is_there(
        self, rows: int, columns: int, width: int, size: int
    ) -> None:
        table = table_of(rows, columns, width)
        passages = [passage.text for passage in document_of(table.to_markdown()).chunks(size, count=len)]
        assert all(len(passage) <= size for passage in passages)
        joined = "".join("".join(passages).split())
        if size > 60:
            assert all(str(value) in joined for row in table.rows[1:] for value in row)

    def test_cutting_costs_grow_with_the_size(self) -> None:
        """A header much longer than its rows would be repeated, or read, for each of them."""
        text = f"| {'name | ' * 50_000}|\n| --- |\n" + "| a |\n" * 50_000
        assert sum(len(passage.text) for passage in document_of(text).chunks()) < 8 * len(text)


class TestPlaces:
    def test_a_passage_has_the_places_of_its_text(self) -> None:
        text = "first block\n\nsecond block\n\nthird block"
        places = (
            Place(0, 11, page=2, box=(0.1, 0.1, 0.9, 0.2)),
            Place(13, 25, page=2, box=(0.1, 0.3, 0.9, 0.4)),
            Place(27, 38, page=2, box=(0.1, 0.5, 0.9, 0.6)),
        )
        for passage in document_of(text, *places).chunks(4):
            (place,) = passage.places
            assert passage.text[place.start : place.stop] == passage.text
            assert place.box == next(p.box for p in places if text[p.start : p.stop] == passage.text)
            assert passage.where == "page 2"

    def test_rows_and_lines_are_narrowed_to_the_passage(self) -> None:
        text = "\n".join(f"line {number}" for number in range(11, 111))
        for passage in document_of(text, Place(0, len(text), lines=(11, 110))).chunks(20):
            lines = passage.text.split("\n")
            (place,) = passage.places
            assert place.lines == (int(lines[0].split()[1]), int(lines[-1].split()[1]))

    def test_a_passage_of_a_sheet_names_its_cells_and_its_header(self) -> None:
        text = table_of(100).to_markdown()
        body = text.index("\n", text.index("\n") + 1) + 1
        places = (
            Place(0, body, sheet="Prices", rows=(3, 3), columns=(2, 5)),
            Place(body, len(text), sheet="Prices", rows=(4, 103), columns=(2, 5)),
        )
        passages = list(document_of(text, *places).chunks(160))
        assert passages[0].label == f"part, rows 4-{3 + passages[0].text.count('.') // 4}"
        assert passages[1].places[0].rows == (3, 3)
        first, last = passages[1].places[1].rows or (0, 0)
        assert passages[1].text.split("\n")[2].startswith(f"| {first - 4}.0")
        assert passages[1].text.split("\n")[-1].startswith(f"| {last - 4}.0")

    def test_json_and_back(self) -> None:
        place = Place(1, 9, 3, (0.0, 0.25, 1.0, 0.5), "S", (1, 2), (1, 30), (4, 5), ("A", "B"), (0.5, 61.0))
        document = document_of("some text here", place)
        assert Document.from_dict(json.loads(json.dumps(document.to_dict()))) == document

    @pytest.mark.parametrize(
        ("place", "words"),
        [
            (Place(0, 1, page=3, box=(0, 0, 1, 1)), "page 3"),
            (Place(0, 1, sheet="Prices", rows=(2, 9), columns=(1, 28)), "Prices!A2:AB9"),
            (Place(0, 1, sheet="Prices", rows=(2, 2), columns=(2, 2)), "Prices!B2"),
            (Place(0, 1, lines=(5, 9)), "lines 5-9"),
            (Place(0, 1, lines=(5, 5)), "line 5"),
            (Place(0, 1, headings=("Fares", "Children")), "Fares > Children"),
            (Place(0, 1, seconds=(59.9, 75.0)), "0:59-1:15"),
            (Place(0, 1), ""),
        ],
    )
    def test_a_place_in_words(self, place: Place, words: str) -> None:
        assert str(place) == words

    def test_places_of_one_page_or_sheet_are_said_once(self) -> None:
        sheet = [Place(i, i + 1, sheet="S", rows=(r, r), columns=(1, 3)) for i, r in enumerate((1, 7, 8))]
        assert (
            describe([Place(0, 1, page=1), Place(1, 2, page=1), Place(2, 3, page=2), *sheet])
            == "page 1, page 2, S!A1:C1, A7:C8"
        )

    def test_lines_are_joined_where_they_meet_and_told_from_first_to_last_where_they_are_many(self) -> None:
        def lines(*numbers: int) -> str:
            return describe(Place(n, n + 1, lines=(n, n)) for n in numbers)

        assert lines(5, 1, 2) == "lines 1-2, 5"
        assert lines(1, 3, 5, 7) == "lines 1-7"

    def test_letters_of_columns(self) -> None:
        assert [column_letters(n) for n in (1, 26, 27, 702, 703)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_a_document_shows_its_warnings_first() -> None:
    document = Document("a.pdf", "pdf", (Part("page 1", "x"),), {"title": "T"}, ("page 2 is <damaged>", "lost"))
    assert repr(document).endswith("2 warnings: page 2 is <damaged>; lost>")
    page = document._repr_html_()
    assert page.index("page 2 is &lt;damaged&gt;") < page.index("title")


@pytest.mark.parametrize("above", ["", "Words | above\n\n", "# Title\n"])
def test_all_rows_above_the_row_of_dashes_are_the_header(above: str) -> None:
    """Writers of Markdown that know no merged cells put group headers there."""
    head = "| Category | 2023 | |\n| | Jan | Feb |\n|---|---|---|\n"
    text = above + head + "".join(f"| name {row} | {row} | {row} |\n" for row in range(40))
    passages = list(document_of(text).chunks(120))
    assert len(passages) > 4
    assert all(head in passage.text for passage in passages)
    wide = list(document_of(above + head + f"| name | {'long ' * 30}| {'short ' * 30}|\n").chunks(80))
    assert any("2023 Jan" in passage.text for passage in wide)
