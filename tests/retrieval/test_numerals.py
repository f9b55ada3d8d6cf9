"""Numbers in words beside the word for a place, in many languages, and what is no number of a place."""

import pytest

from autopicker_lab.core import Document, Part
from autopicker_lab.retrieval import Retriever
from autopicker_lab.retrieval.intent import NamedPlace, intent_of
from autopicker_lab.retrieval.numerals import with_digits


def numbered(question: str) -> set[tuple[str, str]]:
    return {(place.kind, place.number) for place in intent_of(question).places if place.number}


@pytest.mark.parametrize(
    "question",
    [
        "What does page seven say?",
        "the seventh page",
        "pg 7",
        "page number seven",
        "auf der siebten Seite",
        "Seite sieben",
        "la septième page",
        "página siete",
        "na sétima página",
        "alla settima pagina",
        "op de zevende bladzijde",
        "på sjunde sidan",
        "seitsemännellä sivulla",
        "на седьмой странице",
        "страница семь",
        "на сьомій сторінці",
        "na siódmej stronie",
        "na sedmé straně",
        "a hetedik oldalon",
        "a șaptea pagină",
        "έβδομη σελίδα",
        "yedinci sayfada",
        "7'nci sayfa",
        "7-бет",
        "Kas yra 7 puslapyje?",
        "الصفحة السابعة",
        "في الصفحة رقم ٧",
        "העמוד השביעי",
        "هفتمین صفحه",
        "सातवें पृष्ठ पर",
        "पेज नंबर 7",
        "7वें पृष्ठ पर",
        "৭ নম্বর পৃষ্ঠায়",
        "7-ம் பக்கம்",
        "7వ పేజీ",
        "ಪುಟ ಸಂಖ್ಯೆ 7",
        "halaman ketujuh",
        "halaman ke-7",
        "trang thứ bảy",
        "ika-7 pahina",
        "Ukurasa wa 7 unasema nini?",
        "หน้าที่เจ็ด",
        "7번 페이지",
        "일곱 번째 페이지",
        "მე-7 გვერდი",
    ],
)
def test_a_page_is_named_in_words_of_many_languages(question: str) -> None:
    assert numbered(question) == {("page", "7")}


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ("chapter three", {("chapter", "3")}),
        ("chapter the third", {("chapter", "3")}),
        ("im dritten Kapitel", {("chapter", "3")}),
        ("capítulo tercero", {("chapter", "3")}),
        ("row twenty-three", {("row", "23")}),
        ("slides six and seven", {("slide", "6"), ("slide", "7")}),
        ("pages six to eight", {("page", "6"), ("page", "7"), ("page", "8")}),
        ("the second table", {("table", "2")}),
        ("7枚目のスライド", {("slide", "7")}),
        ("最後のページ", {("page", "last")}),
    ],
)
def test_other_places_and_several(question: str, places: set[tuple[str, str]]) -> None:
    assert numbered(question) == places


@pytest.mark.parametrize(
    "question",
    [
        "Summarise this in one page",
        "seven pages of text",
        "zwei Seiten",
        "en dos páginas",
        "в двух строках",
        "두 페이지로 요약해 줘",
        "septyni puslapiai",
        "Welche Seite hat das Bild?",
        "from one side to the other",
        "a 7-page report",
        "7 puslapiai",
    ],
)
def test_how_many_is_no_place(question: str) -> None:
    assert numbered(question) == set()


def test_a_heading_is_numbered_in_words() -> None:
    titles = ("Chapter One: The Tide", "Chapter Two: The Pier", "Chapter Three: The Storm")
    filler = "Nothing of note is said in this line. " * 30
    text = "\n\n".join(f"# {title}\n\nThe mark is {n}{n}{n}. {filler}" for n, title in enumerate(titles, 1))
    found = Retriever().select("What is in chapter 2?", [Document("book.md", "md", (Part("text", text),))], 300)
    assert "The mark is 222" in "\n".join(chosen.passage.part.text for chosen in found.passages)


def test_a_text_without_such_words_stays_as_it_is() -> None:
    text = "seven of nine boats, the eighth in a row of its own"
    assert with_digits(text) == text
    assert with_digits("") == ""
    assert NamedPlace("page", "21") in intent_of("page twenty one").places
