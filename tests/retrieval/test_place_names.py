"""How places are named: numbers in words, ranges, from the end, next to others; and what is no number of a place."""

from pathlib import Path

import pytest

from autopicker_lab.core import Document, Part
from autopicker_lab.core.places import Place
from autopicker_lab.extraction import extract
from autopicker_lab.retrieval import Retriever
from autopicker_lab.retrieval.intent import intent_of
from autopicker_lab.retrieval.numerals import with_digits
from autopicker_lab.retrieval.place_names import NamedPlace


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
        ("from page 7 to page 9", {("page", "7"), ("page", "8"), ("page", "9")}),
        ("die Seiten von 7 bis 9", {("page", "7"), ("page", "8"), ("page", "9")}),
        ("第7到9页", {("page", "7"), ("page", "8"), ("page", "9")}),
        ("7〜9ページ", {("page", "7"), ("page", "8"), ("page", "9")}),
        ("الصفحات 7 إلى 9", {("page", "7"), ("page", "8"), ("page", "9")}),
        ("page 7 and page 9", {("page", "7"), ("page", "9")}),
        ("the second and third chapters", {("chapter", "2"), ("chapter", "3")}),
        ("rows 20 to 22", {("row", "20"), ("row", "21"), ("row", "22")}),
        ("the first three pages", {("page", "1"), ("page", "2"), ("page", "3")}),
        ("les trois premières pages", {("page", "1"), ("page", "2"), ("page", "3")}),
        ("前三页", {("page", "1"), ("page", "2"), ("page", "3")}),
        ("las dos últimas páginas", {("page", "-2"), ("page", "-1")}),
        ("마지막 두 페이지", {("page", "-2"), ("page", "-1")}),
        ("the second to last page", {("page", "-2")}),
        ("die vorletzte Folie", {("slide", "-2")}),
        ("העמוד האחרון", {("page", "last")}),
        ("첫 번째 페이지", {("page", "first")}),
        ("the first and the last page", {("page", "first"), ("page", "last")}),
        ("Chapter 3, last page", {("chapter", "3"), ("page", "last")}),
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


@pytest.mark.parametrize(
    "question",
    [
        "What is a third party under the contract?",
        "What does the first party owe the second party?",
        "What did participant 12 say to partner 3?",
        "What did the second tablet show?",
        "Who owns the second real estate?",
        "Was sagt der achte Teilnehmer?",
        "die zweite Teilzahlung",
        "el tercer participante",
        "le dernier partenaire",
        "het laatste deelbedrag",
        "Сколько глав семей подписали договор?",
        "второй главный врач",
        "druhá částka",
        "az utolsó résztvevő",
        "次の行動は何ですか",
        "第二図書館",
        "第五表演队",
        "다음 면접은 언제입니까?",
        "두 번째 장관",
    ],
)
def test_what_begins_like_a_place_is_none(question: str) -> None:
    assert numbered(question) == set()


@pytest.mark.parametrize(
    "question",
    [
        "the last list of names",
        "the next full year",
        "the last real offer",
        "List 3 reasons for the fall",
        "¿Cuánto cuesta una página?",
        "¿Qué pasó del 3 al 5 de mayo?",
        "O que aconteceu no dia 5 de maio?",
        "Quel est son tableau préféré ?",
        "le prix par page",
        "på den anden side",
        "på den andra sidan",
        "druhá strana smlouvy",
        "druga strona umowy",
    ],
)
def test_a_word_of_another_language_or_of_a_phrase_is_no_place(question: str) -> None:
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


@pytest.mark.parametrize(
    ("questions", "number"),
    [
        (["What is on page 7?", "And on the next page?"], "8"),
        (["What is on page 7?", "And the previous one?"], "6"),
        (["Was steht auf Seite 7?", "Und auf der nächsten Seite?", "Und auf der nächsten?"], "9"),
        (["第7页写了什么？", "下一页呢？"], "8"),
        (["What is on page 7?", "Who wrote it?"], ""),
        (["What is on page 7?", "Who is the next mayor?"], ""),
        (["Who wrote it?", "And on the next page?"], "next"),
    ],
)
def test_the_next_place_follows_the_one_asked_for_before(questions: list[str], number: str) -> None:
    *earlier, last = questions
    assert [place.number for place in intent_of(last, earlier).places] == [number] * bool(number)


def pages(name: str, count: int) -> Document:
    filler = "Nothing of note is said in this line. " * 12
    parts = []
    for page in range(1, count + 1):
        text = f"The mark of {name} is {page * 111}. {filler}"
        parts.append(Part(f"page {page}", text, places=(Place(0, len(text), page=page),)))
    return Document(f"{name}.pdf", "pdf", tuple(parts), sha256=f"{name} {count}")


def test_the_last_page_is_each_files_own() -> None:
    found = Retriever().select("What is on the last page?", [pages("one", 20), pages("two", 30)], 600)
    shown = "\n".join(chosen.passage.part.text for chosen in found.passages)
    assert "of one is 2220." in shown
    assert "of two is 3330." in shown


@pytest.mark.parametrize("question", ["Chapter 2, section 1", "section 3 of chapter 2", "Kapitel 2, Abschnitt 2"])
@pytest.mark.parametrize("numbers", ["{chapter}.{section} ", "Section {section}: "])
def test_a_section_of_a_chapter_is_that_one(question: str, numbers: str) -> None:
    filler = "Nothing of note is said in this line. " * 12
    text = "".join(
        f"# {chapter} Coast {chapter}\n\n"
        + "".join(
            f"## {numbers.format(chapter=chapter, section=section)}Piers\n\n"
            f"The mark is {chapter}0{section}. {filler}\n\n"
            for section in (1, 2, 3)
        )
        for chapter in (1, 2, 3)
    )
    found = Retriever().select(question, [Document("book.md", "md", (Part("text", text),))], 200)
    section = {"Chapter 2, section 1": 1, "section 3 of chapter 2": 3, "Kapitel 2, Abschnitt 2": 2}[question]
    assert f"The mark is 20{section}." in "\n".join(chosen.passage.part.text for chosen in found.passages)


@pytest.mark.parametrize("rows", [80, 5000])
def test_the_last_rows_of_a_table_are_found(rows: int, tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text("Name,City,Net\n" + "".join(f"P{i:05d},Kelham {i % 7},{i * 3}\n" for i in range(1, rows + 1)))
    document = extract(path)
    for question, name in (("the last row", f"P{rows:05d}"), ("the last three rows", f"P{rows - 2:05d}")):
        found = Retriever().select(question, [document], 400)
        assert name in "\n".join(chosen.passage.part.text for chosen in found.passages)


def test_the_last_line_of_a_text_is_found() -> None:
    lines = [f"Line about boat {i:03d} and its mark {i * 17:05d}." for i in range(1, 401)]
    size = len(lines[0]) + 1
    places = tuple(Place(size * i, size * (i + 1) - 1, lines=(i + 1, i + 1)) for i in range(len(lines)))
    text = "\n".join(lines)
    document = Document("log.txt", "txt", (Part("text", text, places=places),), sha256="log")
    found = Retriever().select("What does the last line say?", [document], 300)
    assert "boat 400 " in "\n".join(chosen.passage.part.text for chosen in found.passages)
