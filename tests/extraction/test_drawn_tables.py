"""Tables that are drawn with characters, in plain text and in Markdown: the text stays, the tables are told."""

import pytest

from autopicker_lab.extraction import extract

GRID = """
+----------+--------+----------------+
| Ferry    | Berth  | Known for      |
+==========+========+================+
| Aurora   | 4      | - a long deck  |
|          |        | - slow lifts   |
+----------+--------+----------------+
| Boreas   | 7      |                |
+----------+--------+----------------+
"""
SPANNED = """
+-----+-----+-----+
| both      | c   |
+-----+-----+-----+
| 1   | 2   | 3   |
+-----+-----+-----+
"""
CLIENT = """
+----+-------+-------+
| id | name  | note  |
+----+-------+-------+
|  1 | 東京  | NULL  |
|  2 | Oslo  | a | b |
+----+-------+-------+
2 rows in set
"""
OPEN = """
 id | name | fare
----+------+-------
  1 | Ann  |  3.50
  2 | Bob  |
(2 rows)
"""
LINES = """
┌────┬──────┐
│ id │ name │
├────┼──────┤
│  1 │ Ann  │
│  2 │ Bob  │
└────┴──────┘
"""
FRAME = """
+------------------+
| Note: be careful |
|  +--+            |
+------------------+
"""
BOXES = """
+--------+     +--------+
| client |---->| server |
+--------+     +--------+
"""


@pytest.mark.parametrize(
    ("drawn", "rows"),
    [
        (
            GRID,
            (
                ("Ferry", "Berth", "Known for"),
                ("Aurora", "4", "- a long deck - slow lifts"),
                ("Boreas", "7", None),
            ),
        ),
        (SPANNED, (("both", None, "c"), ("1", "2", "3"))),
        (CLIENT, (("id", "name", "note"), ("1", "東京", "NULL"), ("2", "Oslo", "a | b"))),
        (OPEN, (("id", "name", "fare"), ("1", "Ann", "3.50"), ("2", "Bob", None))),
        (LINES, (("id", "name"), ("1", "Ann"), ("2", "Bob"))),
    ],
)
@pytest.mark.parametrize("suffix", ["txt", "md"])
def test_drawn_tables_are_tables(drawn: str, rows: tuple[tuple[str | None, ...], ...], suffix: str) -> None:
    text = f"What follows is a table.\n{drawn}\nSo much for it."
    found = extract(text.encode(), name=f"a.{suffix}")
    assert [table.rows for table in found.tables] == [rows]
    assert drawn.strip() in found.text


@pytest.mark.parametrize("drawn", [FRAME, BOXES])
def test_frames_and_boxes_are_none(drawn: str) -> None:
    assert not extract(f"A drawing.\n{drawn}".encode(), name="a.txt").tables
