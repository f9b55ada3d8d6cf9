"""Which paragraphs stand in a passage of their own, and which with the next."""

import pytest

from autopicker_lab.core import Document, Part
from autopicker_lab.retrieval import Retriever, passages_of

LONG = "The mill was put up on the left bank, and the owners had timber brought down the river for its roof."
OTHER = "A market is held below the church on the second Monday, and those of the farms come to it by cart."


def cut(text: str, kind: str = "md") -> list[str]:
    return [passage.part.text for passage in passages_of(Document(f"a.{kind}", kind, (Part("text", text),)))]


def test_paragraphs_that_say_something_stand_alone() -> None:
    assert cut(f"{LONG}\n\n{OTHER}\n\n{LONG}") == [LONG, OTHER, LONG]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# Opening hours of the house", OTHER),
        ("Opening hours", OTHER),
        ("Within how many days may what was bought in the shop of the house be brought back to it?", "Thirty days."),
        ("Für die Küche und für den Keller des Hauses wird jeden Monat gebraucht, was hier steht:", f"- {OTHER}"),
        ("在本店购买的商品如果有质量问题或者不满意，可以在多少天之内申请退货并且得到全额的退款呢？", "三十天之内。"),
        ("What the mills of the county ground in each of the years", "| Mill | Tons |\n| --- | --- |\n| A | 3 |"),
    ],
)  # fmt: skip
def test_what_opens_something_stands_with_it(before: str, after: str) -> None:
    assert f"{before}\n\n{after}" in cut(f"{LONG}\n\n{before}\n\n{after}\n\n{LONG}")


def test_short_paragraphs_stand_together() -> None:
    lines = [f"Yes, {number}." for number in range(60)]
    found = cut("\n\n".join(lines))
    assert [line for text in found for line in text.split("\n\n")] == lines
    assert min(text.count("\n\n") for text in found[:-1]) >= 2


def test_code_is_not_cut_at_its_blank_lines() -> None:
    code = "```python\nvalues = [line.strip() for line in open('values.txt')]\n\nprint(sum(map(int, values)))\n```"
    assert any(code in text for text in cut(f"{LONG}\n\n{code}\n\n{LONG}"))


def test_of_many_short_records_those_are_given_that_the_question_asks_for() -> None:
    """Read four at a time, three of a passage's records crowd out those that are asked for."""
    missing = 0
    names = [f"{a}{b}or" for a in ("Bal", "Fen", "Gar", "Kol", "Mer", "Nas") for b in ("im", "ul", "et", "an", "os")]
    told = (
        "{0} keeps {1} boats through the winter, most of them under canvas, and mends them in the spring.",
        "The road to {0} is metalled, and kept by the parish from the bridge on; carts pay {1} pence.",
        "At {0} lessons are given to {1} children, who come on foot from the farms on the hill.",
    )
    records = [
        told[(i + j) % 3].format(name, 100 + 30 * i + j)
        for j in range(3)
        for i, name in enumerate(names)
    ]  # fmt: skip
    document = Document("records.md", "md", (Part("records", "\n\n".join(records)),))
    for i, name in enumerate(names):
        found = Retriever().select(f"How many children are taught at {name}?", [document], 150)
        given = "\n".join(one.passage.part.text for one in found.passages)
        missing += told[2].format(name, 100 + 30 * i + (2 - i) % 3) not in given
    assert missing <= len(names) // 10
