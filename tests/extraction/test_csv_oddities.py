"""Tables of text as programs and people write them."""

from autopicker_lab.core import Document
from autopicker_lab.extraction import extract


def read(text: str) -> Document:
    return extract(text.encode(), name="a.csv")


def test_a_quote_that_is_never_closed_swallows_no_rows() -> None:
    rows = "".join(f"{i},note {i},{2 * i}\n" for i in range(11, 40))
    document = read(f'id,text,n\n9,"a, b",18\n10,"note 10,20\n{rows}')
    assert document.tables[0].rows[1:4] == ((9, "a, b", 18), (10, "note 10", 20), (11, "note 11", 22))
    assert len(document.tables[0].rows) == 32
    assert document.warnings == ("line 3: a quote that is never closed was dropped",)


def test_an_inch_in_a_cell_is_no_open_quote() -> None:
    document = read('size,n\n5" pipe,1\n6,2\n')
    assert document.tables[0].rows[1] == ('5" pipe', 1)
    assert document.warnings == ()


def test_blanks_behind_the_delimiter_and_single_quotes_are_no_content() -> None:
    assert read('a, b, c\n1, "x, y", 3\n').tables[0].rows == (("a", "b", "c"), (1, "x, y", 3))
    assert read("'a','b'\n'x, y','z'\n").tables[0].rows == (("a", "b"), ("x, y", "z"))


def test_lines_above_a_short_table_are_titles() -> None:
    document = read("Report\nDate: 2024\n\na,b,c\n1,2,3\n4,5,6\n\nTotal,,9\nSource: x\n")
    assert document.metadata["preamble"] == ["Report", "Date: 2024"]
    assert document.tables[0].rows[0] == ("a", "b", "c")


def test_leading_zeros_and_decimal_commas_stay_as_written() -> None:
    assert read("zip;price\n00742;1.234,50\n").tables[0].rows[1] == ("00742", "1.234,50")


def test_blank_cells_above_the_header_are_no_header() -> None:
    assert read(",,\n,,\na,b,c\n1,2,3\n").tables[0].rows == (("a", "b", "c"), (1, 2, 3))


def test_rare_delimiters_cut_where_no_other_does() -> None:
    assert read("a^b\n1^2\n").tables[0].rows == (("a", "b"), (1, 2))
    assert read("a~b\n1~2\n3~4\n").metadata["delimiter"] == "~"
    assert read("2^3\nx\n").metadata["delimiter"] != "^"


def test_tables_below_one_another_keep_their_own_columns() -> None:
    document = read("[Boats]\nname,length\nGull,9\nTern,8\n\n[Crew]\nname,role,years\nAda,cook,3\nBob,pilot,1\n")
    assert [table.rows[0] for table in document.tables] == [("name", "length"), ("name", "role", "years")]
    assert [part.label for part in document.parts] == ["table 1", "table 2"]
    assert document.parts[1].text.startswith("[Crew]\n\n| name | role | years |")
    assert document.parts[1].places[0].lines == (7, 7)
    assert document.metadata["preamble"] == ["[Boats]", "[Crew]"]
    assert document.warnings == ()


def test_a_second_table_of_as_many_columns_is_told_by_its_header() -> None:
    assert [len(table.rows) for table in read("item,n\nbolt,4\n\nyear,sum\n2023,40\n2024,50\n").tables] == [2, 3]


def test_blank_lines_within_a_table_part_nothing() -> None:
    for text in (
        "name,n\nAda,1\n\nBob,2\nCleo,3\n",
        "a,b\nx,y\n\nu,v\nw,z\n",
        "a,b\n1,2\n3,4\n\nSource: office, 2024\n",
    ):
        assert len(read(text).tables) == 1


def test_columns_at_fixed_places_are_columns() -> None:
    document = read("name      town      n\nAda Stone Oslo      4\nBob       Bergen   12\n\nCleo      Bodo      7\n")
    assert document.tables[0].rows[1:3] == (("Ada Stone", "Oslo", 4), ("Bob", "Bergen", 12))
    assert document.warnings == ("columns at fixed places, filled up with blanks",)
    assert read("note\nall  is well\nwords here  and there\nno columns  at all\n").tables[0].rows[1] == (
        "all  is well",
    )
