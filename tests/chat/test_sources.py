"""Which sentences of an answer stand in the files, and where."""

from __future__ import annotations

import pytest

from autopicker_lab.chat.sources import sources_of
from autopicker_lab.core import Place, ReadPassage

BOAT = (
    "The boat yard of Zeals opened in 1870 beside the lower bridge. It employed 190 people at its height. "
    "Its last owner sold the slipway to the county."
)
MILL = "The paper mill of Fenwick burned down in the winter of 1873, and was never built up again."
PASSAGES = (
    ReadPassage(
        1,
        "survey.pdf",
        "page 3",
        BOAT,
        (Place(0, 62, page=3, box=(0.1, 0.1, 0.9, 0.2)), Place(62, 200, page=3, box=(0.1, 0.2, 0.9, 0.3))),
    ),
    ReadPassage(2, "survey.pdf", "page 9", MILL, (Place(0, 200, page=9),)),
)
QUESTION = "How many people did the boat yard of Zeals employ?"


def test_a_sentence_of_the_files_is_cited_with_its_words_and_place() -> None:
    answer = "The yard employed 190 people at its height."
    (citation,) = sources_of(answer, PASSAGES, QUESTION).citations
    assert (citation.number, citation.file, citation.part) == (1, "survey.pdf", "page 3")
    assert citation.quote == "It employed 190 people at its height."
    assert answer[citation.start : citation.stop] == answer
    assert citation.to_dict()["place"] == {"page": 3, "box": [0.1, 0.2, 0.9, 0.3]}


def test_labels_of_passages_that_a_model_repeats_are_neither_cited_nor_marked() -> None:
    said = "The yard employed 190 people at its height [c49a7c 3: survey.pdf, page 6]."
    answer = f"{said}\n\n[c49a7c 3: survey.pdf, page 6]\n\nEnd of text c49a7c"
    sources = sources_of(answer, PASSAGES, QUESTION)
    assert [answer[c.start : c.stop].strip() for c in sources.citations] == [said]
    assert sources.unsupported == ()


def test_a_claim_in_the_form_of_a_label_is_marked() -> None:
    for claim in ("[c49a7c 3: The yard burned down in 1999.]", "[190000 400 men and women worked at the yard in 1999."):
        answer = f"{claim} It employed 190 people at its height."
        sources = sources_of(answer, PASSAGES, QUESTION)
        assert [answer[start:stop].strip() for start, stop in sources.unsupported] == [claim]
        assert len(sources.citations) == 1


def test_a_label_with_full_stops_and_brackets_in_its_files_name_is_none_of_the_sentences() -> None:
    file, said = "Survey vol. 2 [final].pdf", "It employed 190 people at its height."
    passage = ReadPassage(1, file, "page 3", BOAT, ())
    answer = f"{said} [c49a7c 1: {file}, Yards [a. b.], page 3] [c49a7c 1] [c49a7c 1: {file}, pa"
    sources = sources_of(answer, [passage], QUESTION)
    assert [answer[c.start : c.stop].strip() for c in sources.citations] == [said]
    assert sources.unsupported == ()


def test_a_sentence_that_no_passage_holds_is_marked() -> None:
    answer = "The mill of Fenwick burned down in 1873. Volcanoes have erupted on Iceland since prehistoric ages."
    sources = sources_of(answer, PASSAGES, "What happened to the mill of Fenwick?")
    assert [c.number for c in sources.citations] == [2]
    ((start, stop),) = sources.unsupported
    assert answer[start:stop].strip().startswith("Volcanoes")


@pytest.mark.parametrize(
    "answer", ["The boat yard of Zeals employed 910 people.", "In 1,870.5 there were 190 of them."]
)
def test_a_number_that_stands_nowhere_marks_its_sentence(answer: str) -> None:
    sources = sources_of(answer, PASSAGES, QUESTION)
    assert sources.citations == ()
    assert len(sources.unsupported) == 1


def test_what_the_question_says_needs_no_source() -> None:
    answer = "In 2024 the boat yard of Zeals employed 190 people at its height."
    assert sources_of(answer, PASSAGES, QUESTION).unsupported != ()
    assert sources_of(answer, PASSAGES, f"{QUESTION} I ask in 2024.").unsupported == ()


def test_numbers_of_a_list_are_no_figures() -> None:
    answer = "1. The boat yard employed 190 people.\n2. The paper mill burned down in 1873."
    sources = sources_of(answer, PASSAGES, "What do we know?")
    assert [c.number for c in sources.citations] == [1, 2]
    assert sources.unsupported == ()


def test_an_answer_in_another_language_is_judged_by_its_numbers() -> None:
    german = "Dort arbeiteten 190 Menschen. Das war damals sehr viel. Er schloss jedoch schon 1999 wieder."
    sources = sources_of(german, PASSAGES, "Wie viele arbeiteten in der Werft?")
    assert [c.number for c in sources.citations] == [1]
    assert [german[start:stop].strip() for start, stop in sources.unsupported] == [
        "Er schloss jedoch schon 1999 wieder."
    ]


def test_scripts_without_spaces_are_cited_too() -> None:
    passage = ReadPassage(1, "a.txt", "page 1", "这座古老的造纸厂在河边矗立了两百多年。1873年它雇用了334人。")
    sources = sources_of("造纸厂在1873年雇用了334人。太阳系有许多行星围绕恒星运行。", [passage], "有多少人?")
    assert [c.quote for c in sources.citations] == ["1873年它雇用了334人。"]
    assert len(sources.unsupported) == 1


@pytest.mark.parametrize(("answer", "passages"), [("", PASSAGES), ("   \n", PASSAGES), ("Yes.", ()), ("...", PASSAGES)])
def test_without_words_or_files_nothing_is_said(answer: str, passages: tuple[ReadPassage, ...]) -> None:
    sources = sources_of(answer, passages)
    assert (sources.citations, sources.unsupported) == ((), ())
