"""Rows of tables whose text is a summary are found by what their cells hold, and by their number."""

import csv
from pathlib import Path

import pytest

from autopicker_lab import Workbench
from autopicker_lab.core import Document
from autopicker_lab.retrieval import Retriever

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
    assert not any(one.passage.part.label.startswith("table, row") for one in found.passages)


def test_of_more_rows_than_fit_the_first_are_told(orders: Document) -> None:
    found = Retriever().select("What did Customer 3711 buy?", [orders], 200)
    table = next((one.passage.part for one in found.passages if one.passage.part.label.startswith("table, row")), None)
    assert table is not None
    assert table.label.endswith(("row 3713", "rows 3713, 7713"))
