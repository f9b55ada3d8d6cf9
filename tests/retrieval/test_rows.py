"""Rows of tables whose text is a summary are found by what their cells hold, and by their number."""

import csv
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab import Workbench
from autopicker_lab.core import Document, Part, Table
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.retrieval import Retriever
from autopicker_lab.retrieval.tables import Column, IndexedTable

FILLER = "Nothing of note is said in this line. " * 60
PORTS = ("Kelham", "Venton", "東京港")
ROWS = [
    (i, f"Customer {i % 4_000}", PORTS[i % 3], f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}", i / 4) for i in range(12_000)
]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Document:
    path = tmp_path_factory.mktemp("rows") / "orders.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("No", "Customer", "Port", "Date", "Amount"), *ROWS])
    return Workbench().extract(Path(path))


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("What did Customer 3711 buy?", [3711, 7711, 11711]),
        ("what did customer 3711 buy in Venton?", [7711]),
        ("Customer 3711在東京港買了什麼？", [11711]),
        ("What is the amount of No 5,004?", [5004]),
        ("What was order #5004 of?", [5004]),
        ("Show me row 7002.", [7000]),
    ],
)
def test_rows_that_a_question_names(orders: Document, question: str, rows: list[int]) -> None:
    assert orders.text.count("\n") < 400  # most rows are not in the text
    found = Retriever().select(question, [orders], 400)
    named = [one.passage.part for one in found.passages if one.why == "place"]
    (table,) = (part for part in named if part.label.startswith("table, row"))
    lines = table.text.splitlines()
    assert lines[0] == "| No | Customer | Port | Date | Amount |"
    assert [int(line.split(" | ")[0].strip("| ")) for line in lines[2:]] == rows
    assert table.label.endswith(", ".join(str(row + 2) for row in rows))


@pytest.mark.parametrize("question", ["What went to Kelham?", "Who is the harbour master?", "What came in spring?"])
def test_what_a_third_of_the_rows_have_or_none_names_no_rows(orders: Document, question: str) -> None:
    found = Retriever().select(question, [orders], 400)
    assert not any(one.why == "place" for one in found.passages)


@pytest.mark.parametrize("value", [-1, -2])  # which have one hash
def test_numbers_that_look_alike_to_a_table_are_told_apart(value: int) -> None:
    rows: tuple[tuple[Any, ...], ...] = (("No", "Level"), *((f"N{i}", -i if i in (1, 2) else i * 7) for i in range(60)))
    document = Document("a.csv", "csv", (Part("table", "Levels", tables=(Table(rows),)), Part("text", FILLER)))
    found = Retriever().select(f"Which one has level {value}?", [document], 300)
    (named,) = (one.passage.part.text for one in found.passages if one.why == "place")
    assert [line.split()[1] for line in named.splitlines()[2:]] == [f"N{-value}"]


def test_a_table_is_read_for_the_first_question_alone(orders: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    made = IndexedTable._column

    def column(table: IndexedTable, i: int, name: str) -> Column:
        read.append(name)
        return made(table, i, name)

    monkeypatch.setattr(IndexedTable, "_column", column)
    retriever = Retriever()
    for question in ("What is the sum of Amount?", "How many went to Venton?", "Summarise the table."):
        found = retriever.select(question, [orders], 400)
        assert any(one.why == "computed" for one in found.passages)
    assert read == ["No", "Customer", "Port", "Date", "Amount"]


@pytest.mark.parametrize(
    ("written", "value"), [("5,5", 5.5), ("1.055,5", 1055.5), ("1,055", 1055), ("10,55,000", 1055e3)]
)
def test_a_comma_is_read_as_it_is_written(written: str, value: float) -> None:
    amounts = (5.5, 55, 1055.5, 10555, 1055, 1.055, 1055e3, 105.5)
    rows = (("No", "Betrag"), *((f"N{i}", amounts[i] if i < len(amounts) else i * 7e6) for i in range(60)))
    document = Document("a.csv", "csv", (Part("table", "Betrag: many", tables=(Table(rows),)), Part("text", FILLER)))
    found = Retriever().select(f"Was hat den Betrag {written}?", [document], 300)
    (named,) = (one.passage.part.text for one in found.passages if one.why == "place")
    assert [line.split()[1] for line in named.splitlines()[2:]] == [f"N{amounts.index(value)}"]


@pytest.mark.parametrize("budget", [400, 1000])
@pytest.mark.parametrize("sheets", [2, 10])
def test_rows_of_several_tables_share_the_budget(sheets: int, budget: int) -> None:
    rows: tuple[tuple[Any, ...], ...] = (
        ("No", "Customer", "Port", "Amount"),
        *((i, f"Customer {i % 1000}", "Kelham", i / 4) for i in range(9_000)),
    )
    parts = [Part(f"sheet {i}", f"A table of many rows. {FILLER}", tables=(Table(rows),)) for i in range(sheets)]
    found = Retriever().select("What did Customer 711 buy?", [Document("a.xlsx", "xlsx", tuple(parts))], budget)
    said = "\n\n".join(
        f"[0a1b2c 00: a.xlsx, {one.passage.part.label}]\n{one.passage.part.text}" for one in found.passages
    )
    assert "| 711 |" in said
    assert estimate_tokens(said) <= budget


def test_of_more_rows_than_fit_the_first_are_told(orders: Document) -> None:
    found = Retriever().select("What did Customer 3711 buy?", [orders], 200)
    (table,) = (one.passage.part for one in found.passages if one.why == "place")
    assert table.label.endswith(("row 3713", "rows 3713, 7713"))
