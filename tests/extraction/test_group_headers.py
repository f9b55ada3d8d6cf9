"""Headers of several rows, of which the upper ones name groups of columns."""

import pytest

from autopicker_lab.core import Cell
from autopicker_lab.extraction import extract
from autopicker_lab.extraction.headers import join_group_headers


def header(text: str) -> tuple[Cell, ...]:
    return extract(text.encode(), name="a.csv").tables[0].rows[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            ",2023,,2024,\nregion,Jan,Feb,Jan,Feb\nnorth,1,2,3,4\n",
            ("region", "2023 Jan", "2023 Feb", "2024 Jan", "2024 Feb"),
        ),
        (
            "Region;Plan;;Actual;\n;Q1;Q2;Q1;Q2\nN;1,5;2;3;4\n",
            ("Region", "Plan Q1", "Plan Q2", "Actual Q1", "Actual Q2"),
        ),
        ("City,2023,,Total\n,Jan,Feb,\nA,1,2,3\n", ("City", "2023 Jan", "2023 Feb", "Total")),
        (
            ",Sales,,Cost,\nregion,2021,2022,2021,2022\nnorth,1,2,3,4\n",
            ("region", "Sales 2021", "Sales 2022", "Cost 2021", "Cost 2022"),
        ),
        ("time;M1;M2\n;[K];[bar]\n2020-01-01;256.7;0.3\n", ("time", "M1 [K]", "M2 [bar]")),
        (",a,a,b,b\n,q,r,s,t\none,1,2,3,4\n", (None, "a q", "a r", "b s", "b t")),
        (
            ",2023,,,\n,Q1,,Q2,\nregion,n,EUR,n,EUR\nnorth,1,2,3,4\n",
            ("region", "2023 Q1 n", "2023 Q1 EUR", "2023 Q2 n", "2023 Q2 EUR"),
        ),
    ],
)
def test_groups_stand_with_their_columns(text: str, expected: tuple[str, ...]) -> None:
    assert header(text) == expected


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Report date:,2024-01-01,,\nregion,a,b,c\nnorth,1,2,3\nsouth,7,8,9\n", "region"),
        ("Totals,,,\nregion,a,b,c\nnorth,1,2,3\nsouth,7,8,9\n", "region"),
        ("John,,London\nMary,Smith,Paris\nAnn,Lee,Rome\n", "John"),
        (",a,b,c\nx,y,z,w\n1,2,3,4\n", None),
        ("id,name,,\n1,2,3,4\n5,6,7,8\n", "id"),
    ],
)
def test_titles_and_rows_with_blanks_are_no_groups(text: str, first: str | None) -> None:
    assert header(text)[0] == first


def test_a_title_above_groups_is_a_title() -> None:
    document = extract(b"Sales report\n\n,2023,,2024,\nregion,Jan,Feb,Jan,Feb\nn,1,2,3,4\ns,1,2,3,4\n", name="a.csv")
    assert document.metadata["preamble"] == ["Sales report"]
    assert document.tables[0].rows[0][1] == "2023 Jan"


def test_a_file_that_tells_how_wide_a_group_is_is_believed() -> None:
    rows: list[tuple[Cell, ...]] = [(None, "2023", None, None), ("region", "Jan", "Feb", "Total"), ("n", 1, 2, 3)]
    assert join_group_headers(rows, 1, {(0, 1): 2}) == (0, 2, ("region", "2023 Jan", "2023 Feb", "Total"))
