"""Counts and sums are computed of a table's values and shown as a passage."""

from datetime import date, timedelta
from statistics import median
from typing import Any

import pytest

from autopicker_lab.core import Document, Part, Table
from autopicker_lab.core.places import Place
from autopicker_lab.retrieval import Retriever
from autopicker_lab.retrieval.comparisons import comparisons_in
from autopicker_lab.retrieval.dates import spans_in
from autopicker_lab.retrieval.mentions import term_counted
from autopicker_lab.retrieval.ngrams import fold

CITIES = ("Kelham", "Venton", "東京", "القاهرة")
ROWS = [
    (f"INV-{i:04}", CITIES[i % 4], (date(2024, 1, 1) + timedelta(i)).isoformat(), i + 0.25, None if i % 10 else "ok")
    for i in range(400)
]


def ledger() -> Document:
    table = Table((("Invoice", "City", "Date", "Net", "Note"), *ROWS), "Invoices")
    return Document("ledger.xlsx", "xlsx", (Part("sheet Invoices", table.to_markdown(), (table,)),), sha256="sums")


def computed(question: str, document: Document | None = None) -> str:
    found = Retriever().select(question, [document or ledger()], 500)
    return "\n".join(chosen.passage.part.text for chosen in found.passages if chosen.why == "computed")


def test_a_sum_of_a_column() -> None:
    text = computed("What is the sum of Net?")
    assert "400 of 400 rows" in text
    assert f"sum {sum(row[3] for row in ROWS):,.0f}" in text
    assert "greatest 399.25" in text


@pytest.mark.parametrize(
    ("question", "city"),
    [
        ("What is the total Net of Kelham?", "Kelham"),
        ("Wie hoch ist die Summe von Net für Venton?", "Venton"),
        ("東京のNetの合計はいくつですか", "東京"),
        ("ما مجموع Net في القاهرة؟", "القاهرة"),
        ("Kelham için Net toplamı nedir?", "Kelham"),
    ],
)
def test_a_sum_of_the_rows_that_are_named(question: str, city: str) -> None:
    text = computed(question)
    assert f"100 of 400 rows where City is {city}" in text
    assert f"sum {sum(row[3] for row in ROWS if row[1] == city):,.0f}" in text


def test_rows_are_counted() -> None:
    assert "100 of 400 rows where City is Kelham" in computed("How many invoices has Kelham?")
    assert "400 of 400 rows" in computed("How many rows are there?")


def test_nothing_is_computed_where_nothing_is_counted_or_concerned() -> None:
    assert computed("Who was INV-0007 issued to?") == ""
    two = Document("b.xlsx", "xlsx", ledger().parts * 2, sha256="two")
    assert computed("How many people live in Rome?", two) == ""


def test_formulas_and_texts_of_numbers_are_not_run_or_added() -> None:
    table = Table((("Name", "Net"), *((f"n{i}", "=1+1") for i in range(300))), "S")
    document = Document("c.xlsx", "xlsx", (Part("sheet S", table.to_markdown(), (table,)),), sha256="formulas")
    assert "sum" not in computed("What is the sum of Net?", document)


def test_a_summary_of_a_sheet_says_how_many_rows_it_has() -> None:
    assert "400 of 400 rows" in computed("Summarise this sheet.")


def test_a_table_of_several_is_meant_by_its_name() -> None:
    orders = Table((("No", "Item"), *((i, "rope") for i in range(50))), "Orders")
    stores = Table((("Place", "Keeper"), *((f"Store {i}", "nobody") for i in range(9))), "Stores")
    parts = tuple(Part(table.label, table.to_markdown(), (table,)) for table in (orders, stores))
    book = Document("book.xlsx", "xlsx", parts, sha256="two sheets")
    found = Retriever().select("How many orders are in the table?", [book], 200)
    told = [chosen.passage.part.text for chosen in found.passages if chosen.why == "computed"]
    assert len(told) == 1
    assert "50 of 50 rows" in told[0]


@pytest.mark.parametrize("question", ["When was the Petrel built?", "Where are petals sold?"])
def test_a_short_word_of_some_language_is_not_read_into_a_longer_one(question: str) -> None:
    assert computed(question) == ""


def test_the_only_table_of_a_text_is_not_counted_for_what_the_text_tells() -> None:
    table = Table((("Route", "Departures"), *((f"Route {i}", i) for i in range(6))), "table 1")
    said = "The engines saved 96,000 litres of diesel in their first year. " + "The weather was fine. " * 120
    text = f"{said}\n\n{table.to_markdown()}"
    report = Document("report.md", "md", (Part("text", text, (table,)),), sha256="one small table")
    assert computed("How many litres of diesel were saved?", report) == ""
    assert "6 of 6 rows" in computed("What is the sum of Departures?", report)


def test_zeros_are_added_up_and_what_is_no_number_of_a_machine_is_left_out() -> None:
    table = Table((("Name", "Fee", "Size"), *((f"n{i}", 0, 10**400 if i else 2) for i in range(300))), "S")
    document = Document("z.xlsx", "xlsx", (Part("sheet S", "Many rows are here. " * 300, (table,)),), sha256="zeros")
    assert "Fee: 300 numbers, sum 0," in computed("What is the sum of Fee?", document)
    assert "Size: 1 numbers, sum 2," in computed("What is the sum of Size?", document)


KINDS = ("Boat", "Crane", "Pier")
FLEET = [
    (CITIES[i % 2], KINDS[i % 3], (date(2024, 1, 1) + timedelta(i)).isoformat(), i % 50 * 10, i % 7) for i in range(300)
]


def fleet() -> Document:
    table = Table((("City", "Kind", "Date", "Net", "Crew"), *FLEET), "Fleet")
    return Document("fleet.xlsx", "xlsx", (Part("sheet Fleet", table.to_markdown(), (table,)),), sha256="fleet")


def rows_where(holds: Any) -> tuple[int, int]:
    met = [row for row in FLEET if holds(*row[:2], row[2][:7], row[3], row[4])]
    return len(met), sum(row[3] for row in met)


def assert_means(question: str, holds: Any, said: str) -> None:
    """Computed are the count and the sum of the rows for which `holds`, and the condition is said."""
    text = computed(question, fleet())
    count, total = rows_where(holds)
    assert 0 < count < len(FLEET)
    assert f"{count} of 300 rows" in text
    assert f"sum {total:,}" in text
    assert said in text


@pytest.mark.parametrize(
    ("question", "holds", "said"),
    [
        ("Total Net with a Net above 300", lambda c, k, m, n, w: n > 300, "Net is more than 300"),
        ("Total Net of rows with Net of at least 300", lambda c, k, m, n, w: n >= 300, "Net is at least 300"),
        ("total Net where Crew is under 3", lambda c, k, m, n, w: w < 3, "Crew is less than 3"),
        ("total Net for Crew <= 3", lambda c, k, m, n, w: w <= 3, "Crew is at most 3"),
        ("total Net between 100 and 200", lambda c, k, m, n, w: 100 <= n <= 200, "Net is 100 to 200"),
        ("Summe Net mit mehr als 300", lambda c, k, m, n, w: n > 300, "Net is more than 300"),
        ("Netが300以上の合計", lambda c, k, m, n, w: n >= 300, "Net is at least 300"),
        ("Net大于300的总和", lambda c, k, m, n, w: n > 300, "Net is more than 300"),
        ("сумма Net больше 300", lambda c, k, m, n, w: n > 300, "Net is more than 300"),
        ("total Net in March 2024", lambda c, k, m, n, w: m == "2024-03", "Date is 2024-03-01 to 2024-03-31"),
        ("Summe Net im März 2024", lambda c, k, m, n, w: m == "2024-03", "Date is 2024-03-01 to 2024-03-31"),
        ("2024年3月のNetの合計", lambda c, k, m, n, w: m == "2024-03", "Date is 2024-03-01 to 2024-03-31"),
        ("total Net in may", lambda c, k, m, n, w: m == "2024-05", "Date is in month 5"),
        ("total Net since June 2024", lambda c, k, m, n, w: m >= "2024-06", "Date is since 2024-06-01"),
        ("total Net before 2024-02-01", lambda c, k, m, n, w: m < "2024-02", "Date is before 2024-02-01"),
        ("total Net from March 2024 to May 2024", lambda c, k, m, n, w: "2024-03" <= m <= "2024-05", "2024-03-01 to"),
        ("total Net in Q2 2024", lambda c, k, m, n, w: "2024-04" <= m <= "2024-06", "2024-04-01 to 2024-06-30"),
        ("total Net in the second quarter of 2024", lambda c, k, m, n, w: "2024-04" <= m <= "2024-06", "2024-04-01"),
        ("total Net of the first half of 2024", lambda c, k, m, n, w: m <= "2024-06", "2024-01-01 to 2024-06-30"),
        ("total Net without Kelham", lambda c, k, m, n, w: c != "Kelham", "City is not Kelham"),
        ("Summe Net ohne Kelham", lambda c, k, m, n, w: c != "Kelham", "City is not Kelham"),
        ("Kelham以外のNetの合計", lambda c, k, m, n, w: c != "Kelham", "City is not Kelham"),
        ("total Net of Kelham's boats", lambda c, k, m, n, w: (c, k) == ("Kelham", "Boat"), "Kind is Boat"),
        ("total Net of boats and piers", lambda c, k, m, n, w: k != "Crane", "Kind is Boat or Pier"),
    ],
)
def test_what_a_question_says_of_the_rows_is_a_condition(question: str, holds: Any, said: str) -> None:
    assert_means(question, holds, said)


@pytest.mark.parametrize(
    ("question", "holds", "said"),
    [
        ("total Net not over 300", lambda c, k, m, n, w: n <= 300, "Net is not more than 300"),
        ("total where Net does not exceed 300", lambda c, k, m, n, w: n <= 300, "Net is not more than 300"),
        ("Summe Net nicht über 300", lambda c, k, m, n, w: n <= 300, "Net is not more than 300"),
        ("total Net not in March 2024", lambda c, k, m, n, w: m != "2024-03", "Date is not 2024-03-01 to 2024-03-31"),
        ("total Net no later than March 2024", lambda c, k, m, n, w: m <= "2024-03", "Date is not after 2024-03-31"),
        ("total Net not before March 2024", lambda c, k, m, n, w: m >= "2024-03", "Date is not before 2024-03-01"),
        ("total Net not sold by Kelham", lambda c, k, m, n, w: c != "Kelham", "City is not Kelham"),
        ("total Net of all but Kelham", lambda c, k, m, n, w: c != "Kelham", "City is not Kelham"),
        ("total Net excluding boats and piers", lambda c, k, m, n, w: k == "Crane", "Kind is not Boat or Pier"),
        ("total Net between March and May 2024", lambda c, k, m, n, w: "2024-03" <= m <= "2024-05", "2024-03-01 to"),
        ("Summe Net von März bis Mai 2024", lambda c, k, m, n, w: "2024-03" <= m <= "2024-05", "2024-03-01 to"),
        ("total Net of neither boats nor piers", lambda c, k, m, n, w: k == "Crane", "Kind is not Boat or Pier"),
        ("total Net by March 2024", lambda c, k, m, n, w: m <= "2024-03", "Date is until 2024-03-31"),
        ("total Net before May", lambda c, k, m, n, w: m < "2024-05", "Date is before month 5"),
        ("total Net since May", lambda c, k, m, n, w: m >= "2024-05", "Date is since month 5"),
        ("total Net from May to July", lambda c, k, m, n, w: "2024-05" <= m <= "2024-07", "Date is in month 5 to 7"),
        ("total Net from October to May", lambda c, k, m, n, w: m <= "2024-05" or m >= "2024-10", "month 10 to 5"),
        ("Summe Net ab 300", lambda c, k, m, n, w: n >= 300, "Net is at least 300"),
        ("Summe Net ab 1. März 2024", lambda c, k, m, n, w: m >= "2024-03", "Date is since 2024-03-01"),
        ("total Net from 100 to 200", lambda c, k, m, n, w: 100 <= n <= 200, "Net is 100 to 200"),
        ("total Net above $300", lambda c, k, m, n, w: n > 300, "Net is more than 300"),
        ("total Net below 0.2k", lambda c, k, m, n, w: n < 200, "Net is less than 200"),
    ],
)
def test_a_condition_that_is_denied_or_joined_is_read_as_a_whole(question: str, holds: Any, said: str) -> None:
    assert_means(question, holds, said)


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("above 1.500", 1.5),
        ("above 1,500", 1500),
        ("über 1.500", 1500),
        ("más de 1.234,5", 1234.5),
        ("over 1,234.5", 1234.5),
        ("over 2 million", 2e6),
        ("超过3万", 3e4),
        ("under −10", -10),
    ],
)
def test_numbers_are_read_as_the_language_writes_them(words: str, number: float) -> None:
    (one,) = comparisons_in(fold(words))
    assert number in (one.low, one.high)


@pytest.mark.parametrize(
    "question",
    [
        "How many mayors were decided on in the main hall?",
        "the total of marine junior novels and marked apples",
        "Quel est le total du maire et du marché ?",
        "Care sunt cele mai mari totaluri?",
        "Сколько травм и маяков?",
        "موضوع مهم چند تا",
        "How many decentralised octopuses marched?",
    ],
)
def test_what_begins_like_a_month_is_none(question: str) -> None:
    assert spans_in(fold(question)) == []


@pytest.mark.parametrize(
    ("words", "month"),
    [
        ("in May", 5),
        ("im Januar", 1),
        ("до марта", 3),
        ("в июле", 7),
        ("у травні", 5),
        ("w lipcu", 7),
        ("w sierpniu", 8),
        ("tammikuussa", 1),
        ("τον Ιανουάριο", 1),
        ("januárban", 1),
        ("ocakta", 1),
        ("en août", 8),
        ("în mai", 5),
        ("في مايو", 5),
        ("no mês de março", 3),
        ("v dubnu", 4),
    ],
)
def test_months_are_known_in_many_languages(words: str, month: int) -> None:
    assert [span.month for span in spans_in(f" {fold(words)} ")] == [month]


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("total Net in 2023", "25 of 100 rows where Year is 2023-01-01 to 2023-12-31"),
        ("total Net since 2023", "50 of 100 rows where Year is since"),
        ("total Net between 2022 and 2023", "50 of 100 rows where Year is"),
        ("total Net not in 2023", "75 of 100 rows where Year is not"),
        ("total Net where Year is over 2023", "25 of 100 rows where Year is more than 2023"),
        ("total Net in March 2023", "100 of 100 rows."),
    ],
)
def test_a_column_of_numbers_may_be_of_years(question: str, count: str) -> None:
    table = Table((("Year", "Net"), *((2021 + i % 4, i * 10) for i in range(100))), "Years")
    document = Document("years.xlsx", "xlsx", (Part("sheet Years", table.to_markdown(), (table,)),), sha256="years")
    assert count in computed(question, document)


def codes() -> Document:
    names = ("IN", "NO", "Over", "March", "BY")
    rows = [(f"{2023 + i % 2}-{i % 12 + 1:02}-01", names[i % 5], i, i * 10) for i in range(100)]
    table = Table((("Date", "Land", "No", "Net"), *rows), "Codes")
    return Document("codes.xlsx", "xlsx", (Part("sheet Codes", table.to_markdown(), (table,)),), sha256="codes")


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("How many are in the list, over all and by kind, and how many may be late?", "100 of 100 rows."),
        ("How many of them march?", "100 of 100 rows."),
        ("How many are of IN?", "20 of 100 rows where Land is IN"),
        ("How many has March?", "20 of 100 rows where Land is March"),
        ("How many in March 2023?", "9 of 100 rows where Date is 2023-03-01 to 2023-03-31"),
        ("How many have a Net not over 100?", "11 of 100 rows where Net is not more than 100"),
        ("How many have a Net over 500 and No below 90?", "39 of 100 rows where Net is more than 500 and No is less"),
        ("How many have a Net over 2024?", "0 of 100 rows where Net is more than 2024"),
        ("How many since 2024 and before 2025?", "where Date is"),
        ("How many on 03/04/2023?", "100 of 100 rows."),
        ("How many last month?", "100 of 100 rows."),
    ],
)
def test_small_words_codes_and_months_are_told_apart(question: str, count: str) -> None:
    assert count in computed(question, codes())


@pytest.mark.parametrize(
    "question", ["Total Net per city", "total Net by city", "Cityごとの合計、Net", "Summe Net je City"]
)
def test_sums_are_told_by_group(question: str) -> None:
    text = computed(question, fleet())
    for city in CITIES[:2]:
        count, total = rows_where(lambda c, k, m, n, w, city=city: c == city)
        assert f"City {city}: {count} rows; Net {count} numbers, sum {total:,}," in text


def test_a_median_and_how_many_are_different() -> None:
    assert f"median {median(row[3] for row in FLEET):g}," in computed("What is the median of Net?", fleet())
    assert "Kind: 3 different values (Boat 100, Crane 100, Pier 100 rows)" in computed("How many kinds?", fleet())


@pytest.mark.parametrize(
    "question", ["How many rows are over 1.2.3?", "total Net above", "How many rows in 2024-13-45?"]
)
def test_what_is_no_number_or_day_is_no_condition(question: str) -> None:
    assert "300 of 300 rows" in computed(question, fleet())


def test_days_and_months_that_cannot_be_told_apart_are_no_days() -> None:
    def of(days: list[str]) -> Document:
        table = Table((("Day", "Net"), *((day, 1) for day in days * 20)), "S")
        return Document("s.csv", "csv", (Part("table", table.to_markdown(), (table,)),), sha256=str(days))

    assert "where Day" not in computed("total Net in March 2024", of(["03/04/2024", "04/03/2024"]))
    assert "20 of 40 rows where Day" in computed("total Net in March 2024", of(["15/03/2024", "04/04/2024"]))
    assert "20 of 40 rows where Day" in computed("total Net in March 2024", of(["03/15/2024", "04/04/2024"]))
    assert "20 of 40 rows where Day" in computed("total Net in March 2024", of(["15.03.2024", "04.04.2024"]))


@pytest.mark.parametrize(
    ("question", "term"),
    [
        ("How often is the ferry mentioned in the report?", "ferry"),
        ("How many times does the word 'boat' appear?", "boat"),
        ("How many times does Captain Lee appear?", "Captain Lee"),
        ("Wie oft kommt das Wort Hafen vor?", "Hafen"),
        ("Combien de fois Kelham est-il mentionné ?", "Kelham"),
        ("¿Cuántas veces aparece Kelham?", "Kelham"),
        ("Сколько раз упоминается Келхэм?", "Келхэм"),
        ("提到了几次港口？", "港口"),
        ("Kelhamは何回登場しますか", "Kelham"),
        ("Kelham이 몇 번 언급되나요?", "Kelham"),
        ("Kelham कितनी बार आता है?", "Kelham"),
        ("How often does the ferry run?", ""),
        ("Where is the ferry mentioned?", ""),
    ],
)
def test_the_term_that_is_to_be_counted(question: str, term: str) -> None:
    assert term_counted(question) == term


def test_mentions_are_counted_with_their_pages() -> None:
    parts = []
    for page in range(1, 31):
        text = (
            f"{'The Ferry ran. A ferry-boat lay by. ' * (page % 3 == 0)}No ferryman came on day {page}. "
            + "It rained. " * 60
        )
        parts.append(Part("text", text, places=(Place(0, len(text), page=page),)))
    document = Document("log.pdf", "pdf", tuple(parts), sha256="mentions")
    text = computed("How often is the ferry mentioned?", document)
    assert "'ferry' stands there 20 times: page 3 (2), page 6 (2)" in text
    assert computed("How often is the zeppelin mentioned?", document) == ""
