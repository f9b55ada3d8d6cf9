"""Tables of PDFs whose columns no line parts, as books and papers set them."""

from collections.abc import Sequence
from typing import Any

import pytest
from support.papers import PROSE, column, pdf, read


def lined(paper: Any, edges: Sequence[float], lines: Sequence[Any], step: float = 11, top: float = 700) -> None:
    """Rows of (text, x) pairs, "-" for a line over the whole width, "" for a little space."""
    y = top
    for line in lines:
        if line == "-":
            paper.line(edges[0], y, edges[1], y)
            y -= 1
        elif line == "":
            y -= 4
        else:
            y -= step
            for text, x in line:
                paper.drawString(x, y, text)
            y -= 3 if lines[lines.index(line) + 1] == "-" else 0


def test_a_table_with_groups_of_columns_and_a_wrapped_cell() -> None:
    lines = (
        "-",
        [("Method", 60), ("North", 165), ("South", 235)],
        [("Acc.", 155), ("F1", 190), ("Acc.", 225), ("F1", 260)],
        "-",
        [("Baseline", 60), ("71.2", 155), ("68.0", 190), ("65.1", 225), ("60.2", 260)],
        [("Ours (with the moon", 60), ("74.8", 155), ("71.9", 190), ("69.9", 225), ("66.1", 260)],
        [("and wind)", 60)],
        [("Oracle", 60), ("80.1", 155), ("79.0", 190), ("77.7", 225), ("75.0", 260)],
        "-",
    )

    def draw(paper: Any, _: Any) -> None:
        lined(paper, (60, 290), lines)
        paper.line(150, 686, 215, 686)
        paper.line(220, 686, 290, 686)

    assert read(pdf(draw)).tables[0].rows == (
        ("Method", "North", None, "South", None),
        (None, "Acc.", "F1", "Acc.", "F1"),
        ("Baseline", "71.2", "68.0", "65.1", "60.2"),
        ("Ours (with the moon and wind)", "74.8", "71.9", "69.9", "66.1"),
        ("Oracle", "80.1", "79.0", "77.7", "75.0"),
    )


def test_a_table_of_long_texts_is_no_pair_of_columns() -> None:
    lines = (
        "-",
        [("Species", 60), ("Where it lives and breeds", 160), ("What threatens it most", 340)],
        "-",
        [
            ("Gull", 60),
            ("Coasts, harbours and rubbish tips", 160),
            ("Loss of rubbish tips and of herring", 340),
        ],
        [("of the whole north", 160), ("in the shallow seas", 340)],
        "",
        [("Gannet", 60), ("Cliffs; it is far out at sea when it", 160), ("Nets, plastic and the flu of birds", 340)],
        [("does not breed", 160)],
        "",
        [("Puffin", 60), ("Burrows on islands without rats", 160), ("Rats, and sand eels that move north", 340)],
        "-",
    )
    rows = read(pdf(lambda paper, _: lined(paper, (60, 520), lines))).tables[0].rows
    assert rows[1] == (
        "Gull",
        "Coasts, harbours and rubbish tips of the whole north",
        "Loss of rubbish tips and of herring in the shallow seas",
    )
    assert [row[0] for row in rows] == ["Species", "Gull", "Gannet", "Puffin"]


def test_columns_with_narrow_gaps_and_a_head_of_two_lines() -> None:
    lines = (
        "-",
        [("Boat", 60), ("Length", 100), ("Built", 135)],
        [("(m)", 100), ("(year)", 135)],
        "-",
        [("Petrel", 60), ("12.50 m", 96), ("1987", 138)],
        [("Fulmar", 60), ("10.75 m", 96), ("1999", 138)],
        "-",
    )
    rows = read(pdf(lambda paper, _: lined(paper, (60, 170), lines))).tables[0].rows
    assert rows == (
        ("Boat", "Length (m)", "Built (year)"),
        ("Petrel", "12.50 m", "1987"),
        ("Fulmar", "10.75 m", "1999"),
    )


def test_tables_side_by_side_are_two() -> None:
    def draw(paper: Any, _: Any) -> None:
        for left in (60, 320):
            lines: list[Any] = ["-"]
            for row in (("Boat", "Built"), ("Petrel", "1987"), ("Fulmar", f"{left}")):
                lines += [[(row[0], left), (row[1], left + 90)], "-"]
            lined(paper, (left, left + 180), lines)

    tables = read(pdf(draw)).tables
    assert [table.rows[2] for table in tables] == [("Fulmar", "60"), ("Fulmar", "320")]


def test_drawn_tables_side_by_side_are_two() -> None:
    def draw(paper: Any, _: Any) -> None:
        for left in (60, 320):
            for row, cells in enumerate((("Boat", "Built"), ("Petrel", "1987"), ("Fulmar", f"{left}"))):
                paper.drawString(left + 4, 686 - 20 * row, cells[0])
                paper.drawString(left + 94, 686 - 20 * row, cells[1])
            paper.grid([left, left + 90, left + 180], [700, 680, 660, 640])

    assert [table.rows[2][1] for table in read(pdf(draw)).tables] == ["60", "320"]


def test_text_between_lines_is_no_table() -> None:
    def draw(paper: Any, _: Any) -> None:
        for top in (715, 620, 520):
            paper.line(60, top, 300, top)
        column(paper, 60, 700, PROSE)
        column(paper, 60, 600, PROSE)

    document = read(pdf(draw))
    assert not document.tables
    assert document.text.count("keeps the window of the wheel house") == 2


MONTHS = [("Region", 60), ("Jan", 165), ("Feb", 245), ("Jan", 315), ("Feb", 395)]
FIGURES = [
    [(name, 60), *((str(7 * row + i), x) for i, (_, x) in enumerate(MONTHS[1:]))] for row, name in enumerate("NSW")
]


@pytest.mark.parametrize("rules", [True, False])
def test_a_group_that_stands_between_its_columns_is_put_over_the_first(rules: bool) -> None:
    def draw(paper: Any, _: Any) -> None:
        paper.drawString(60, 740, "What the boats of the town took in is told by region.")
        for text, middle in (("2023", 211), ("2024", 361)):
            paper.drawCentredString(middle, 700, text)
            if rules:
                paper.line(middle - 46, 696, middle + 46, 696)
        for y, line in zip((685, 665, 651, 637), (MONTHS, *FIGURES), strict=True):
            for text, x in line:
                paper.drawString(x, y, text)
        for y in (712, 679, 630) if rules else ():
            paper.line(60, y, 425, y)

    rows = read(pdf(draw)).tables[0].rows
    assert rows[:3] == (
        (None, "2023", None, "2024", None),
        ("Region", "Jan", "Feb", "Jan", "Feb"),
        ("N", "0", "1", "2", "3"),
    )


@pytest.mark.parametrize(("font", "steps"), [("Helvetica-Bold", (12, 14)), ("Helvetica", (11, 16))])
def test_names_of_columns_on_two_lines_are_one_row(font: str, steps: tuple[int, int]) -> None:
    columns = [(60, "Name of", "boat"), (180, "Length", "(m)"), (280, "Crew", "size")]

    def draw(paper: Any, _: Any) -> None:
        paper.setFont(font, 10)
        for x, above, below in columns:
            paper.drawString(x, 700, above)
            paper.drawString(x, 700 - steps[0], below)
        paper.setFont("Helvetica", 10)
        for row, cells in enumerate((("Petrel", "12.5", "4"), ("Gull", "9.0", "2"), ("Tern", "8.1", "2"))):
            for (x, _above, _below), text in zip(columns, cells, strict=True):
                paper.drawString(x, 700 - steps[0] - (row + 1) * steps[1], text)

    assert read(pdf(draw)).tables[0].rows[:2] == (
        ("Name of boat", "Length (m)", "Crew size"),
        ("Petrel", "12.5", "4"),
    )


def test_entries_of_a_table_of_contents_are_no_headings() -> None:
    def draw(paper: Any, _: Any) -> None:
        for row, text in enumerate(("1 Introduction", "1.1 The harbour", "2 Boats")):
            paper.drawString(60, 700 - 18 * row, f"{text} {'.' * 60} {row + 3}")

    assert "#" not in read(pdf(draw)).text


def boxed(paper: Any, *cells: tuple[str, int, int, int, int]) -> None:
    """Cells in boxes of their own: text, row, column, and how many of each they take; rows of 24, columns of 70."""
    for text, row, left, down, across in cells:
        x, y = 60 + 70 * left, 700 - 24 * (row + down)
        paper.rect(x, y, 70 * across, 24 * down)
        paper.drawString(x + 5, y + 12 * down - 4, text)


def test_a_cell_merged_over_rows_stands_in_the_first_and_groups_over_columns_in_its_names() -> None:
    months = [(name, 1, 1 + i, 1, 1) for i, name in enumerate(("Jan", "Feb", "Jan", "Feb"))]
    numbers = [(str(10 * row + column), row, column, 1, 1) for row in (2, 3, 4) for column in range(1, 5)]
    heads = [
        ("Item", 0, 0, 2, 1),
        ("2023", 0, 1, 1, 2),
        ("2024", 0, 3, 1, 2),
        ("Bread", 2, 0, 2, 1),
        ("Milk", 4, 0, 1, 1),
    ]

    def draw(paper: Any, _: Any) -> None:
        boxed(paper, *heads, *months, *numbers)

    assert read(pdf(draw)).tables[0].rows == (
        ("Item", "2023 Jan", "2023 Feb", "2024 Jan", "2024 Feb"),
        ("Bread", "21", "22", "23", "24"),
        (None, "31", "32", "33", "34"),
        ("Milk", "41", "42", "43", "44"),
    )


def test_a_line_over_a_sum_merges_no_cells_beside_it() -> None:
    def draw(paper: Any, _: Any) -> None:
        boxed(paper, ("Item", 0, 0, 1, 2), ("Price", 0, 2, 1, 1), ("", 1, 0, 3, 2), ("", 1, 2, 3, 1))
        for y, text, price in ((660, "Bread", "3.20"), (640, "Milk", "1.10"), (612, "Total", "4.30")):
            paper.drawString(65, y, text)
            paper.drawString(205, y, price)
        paper.line(200, 628, 270, 628)

    assert read(pdf(draw)).tables[0].rows[-1] == ("Total", "4.30")
