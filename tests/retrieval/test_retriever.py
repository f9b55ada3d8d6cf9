"""Which passages a question gets: by n-grams in any script, by places that it names, from all over, from its files."""

import random
import tracemalloc
from typing import Any

import numpy as np
import pytest

from autopicker_lab.core import Document, Message, Part, Table
from autopicker_lab.core.places import Place
from autopicker_lab.retrieval import Retriever, passages_of
from autopicker_lab.retrieval.index import IndexCache
from autopicker_lab.retrieval.intent import intent_of
from autopicker_lab.retrieval.lexical import LexicalIndex
from autopicker_lab.retrieval.nearness import nearest_first
from autopicker_lab.retrieval.ngrams import ngrams, ngrams_of

FILLER = "Nothing of note is said in this line. " * 12
CHAPTERS = ("Introduction", "Methods", "Harbours", "Repairs", "Conclusions")


def report(pages: int = 40) -> Document:
    """Pages with a fact each, a chapter every eight of them."""
    parts = []
    for page in range(1, pages + 1):
        head = f"# {page // 8 + 1} {CHAPTERS[page // 8 % 5]}\n\n" if page == 1 or page % 8 == 0 else ""
        text = f"{head}The mill number {page * 111} was built. {FILLER}"
        parts.append(Part(f"page {page}", text, places=(Place(0, len(text), page=page),)))
    return Document("report.pdf", "pdf", tuple(parts), sha256=f"report {pages}")


def text_of(question: Any, *documents: Document, budget: int = 400) -> str:
    return "\n".join(c.passage.part.text for c in Retriever().select(question, documents, budget).passages)


@pytest.mark.parametrize(
    "question",
    [
        "What is said on page 17?",
        "Was steht auf Seite 17?",
        "Que dit la page 17 ?",
        "第17页写了什么？",
        "第十七页写了什么？",
        "17ページには何が書いてありますか",
        "17페이지에는 뭐라고 쓰여 있나요?",
        "ماذا ورد في الصفحة ١٧؟",
        "पृष्ठ १७ पर क्या लिखा है?",
        "หน้าที่ 17 เขียนว่าอะไร",
        "17. sayfada ne yazıyor?",
        "Mi áll a 17. oldalon?",
        "Что написано на странице 17?",
        "Что на 17-й странице?",
        "Τι γράφει η σελίδα 17;",
        "מה כתוב בעמוד 17?",
        "Trang 17 viết gì?",
        "Compare pages 3 and 17.",
        "pp. 16-18",
    ],
)
def test_a_page_is_found_by_its_number(question: str) -> None:
    assert "number 1887 " in text_of(question, report(), budget=600)


@pytest.mark.parametrize(
    ("question", "page"),
    [("What is on the first page?", 1), ("die letzte Seite", 40), ("la dernière page", 40), ("最后一页", 40)],
)
def test_first_and_last_pages(question: str, page: int) -> None:
    assert f"number {page * 111} " in text_of(question, report())


@pytest.mark.parametrize(
    "question",
    [
        "What does the chapter on repairs say?",
        "Summarise chapter 4.",
        "Worum geht es in Kapitel 4?",
        "第四章的内容是什么？",
        "Chapter IV",
        "الفصل ٤",
    ],
)
def test_a_chapter_is_found_by_number_or_words(question: str) -> None:
    text = text_of(question, report(), budget=1200)
    assert sum(f"number {page * 111} " in text for page in range(24, 32)) >= 7


@pytest.mark.parametrize("question", ["What does the conclusion say?", "Was ist das Fazit?", "结论是什么？"])
def test_a_chapter_is_found_by_what_it_is(question: str) -> None:
    text = text_of(question, report(39), budget=1200)
    assert sum(f"number {page * 111} " in text for page in range(32, 40)) >= 7


@pytest.mark.parametrize(
    "question", ["Summarise the document.", "Résume ce document.", "总结全文", "สรุปเอกสารนี้", "Belgeyi özetle"]
)
def test_the_whole_is_read_from_all_over(question: str) -> None:
    found = Retriever().select(question, [report()], 1000)
    pages = {chosen.passage.index for chosen in found.passages}
    assert len({page // 4 for page in pages}) == 10
    assert found.method == "spread"
    text = " ".join(chosen.passage.part.text for chosen in found.passages)
    assert text.count("number") >= 10  # what is said once, not what is said on every page


def test_an_earlier_question_says_what_a_later_one_is_about() -> None:
    conversation = [
        Message("user", "When was the mill number 2220 built?"),
        Message("assistant", "That is not told."),
        Message("user", "And what did it cost?"),
    ]
    assert "number 2220 " in text_of(conversation, report())
    changed = [*conversation[:2], Message("user", "When was the mill number 3330 built?")]
    assert "number 3330 " in text_of(changed, report(), budget=140)


SCRIPTS = {
    "tr": ("Deniz fenerinin şifresi portakal reçelidir.", "Fenerin şifresi nedir?", "Bugün hava çok güzel ve sakin."),
    "ar": ("كلمة سر المنارة هي مربى البرتقال.", "ما كلمة السر للمنارة؟", "كان الطقس جميلا في شهر مايو."),
    "hi": ("प्रकाशस्तंभ का पासवर्ड मुरब्बा है।", "प्रकाशस्तंभों के पासवर्ड क्या हैं?", "मई में मौसम अच्छा था।"),
    "th": ("รหัสผ่านของประภาคารคือแยมส้ม ", "ประภาคารใช้รหัสผ่านอะไร", "อากาศดีมากในเดือนพฤษภาคม "),
    "ja": ("灯台の合言葉はマーマレードです。", "灯台の合言葉は何ですか？", "五月の天気は良かったです。"),
    "ko": ("등대의 암호는 마멀레이드이다.", "등대에서 쓰는 암호는?", "오월에는 날씨가 좋았다."),
    "el": ("Ο κωδικός του φάρου είναι μαρμελάδα.", "ΠΟΙΟΣ ΕΙΝΑΙ Ο ΚΩΔΙΚΟΣ ΤΩΝ ΦΑΡΩΝ;", "Ο καιρός ήταν καλός τον Μάιο."),
    "fi": ("Majakan salasana on marmeladi.", "Mikä majakkojen salasanana oli?", "Sää oli hyvä toukokuussa."),
}


@pytest.mark.parametrize("language", SCRIPTS)
def test_words_meet_in_any_script_and_inflection(language: str) -> None:
    fact, question, other = SCRIPTS[language]
    lines = [other * 3] * 60
    lines[37] = fact
    document = Document("a.txt", "txt", (Part("text", "\n\n".join(f"{i} {line}" for i, line in enumerate(lines))),))
    assert fact.strip() in text_of(question, document, budget=300)


@pytest.mark.parametrize("stop", ["。", "।", "؟", "။", "። "])
def test_passages_end_with_sentences_of_any_script(stop: str) -> None:
    text = "".join(f"{'字' if stop == '。' else 'क'}{i}{'文' * 20}{stop}" for i in range(60))
    passages = passages_of(Document("a.txt", "txt", (Part("text", text),)))
    assert len(passages) > 3
    assert all(p.part.text.rstrip().endswith(stop.strip()) for p in passages)
    assert "".join(p.part.text for p in passages).replace(" ", "") == text.replace(" ", "")


def test_a_file_that_is_named_is_read_alone() -> None:
    files = [
        Document(f"letter_{i}.txt", "txt", (Part("text", f"{i}{i} tons of oak. {FILLER * 4}"),)) for i in range(1, 6)
    ]
    found = Retriever().select("How many tons of oak are asked for in letter_3.txt?", files, 300)
    assert {chosen.passage.document for chosen in found.passages} == {2}
    assert found.coverage[2] > 0 == found.coverage[1]


def test_rows_keep_their_header_and_are_found_by_key_and_number() -> None:
    rows = "\n".join(f"| INV-{i * 7919 % 10000:04} | Customer {i} | {i * 3}.5 |" for i in range(300))
    text = f"| Invoice | Customer | Net |\n| --- | --- | --- |\n{rows}"
    places = (Place(0, len(text), sheet="Invoices", rows=(1, 302)),)
    sheet = Document("ledger.xlsx", "xlsx", (Part("sheet Invoices", text, places=places),), sha256="ledger")
    text = text_of("Who was INV-6118 issued to?", sheet, budget=250)
    assert "| Customer 122 |" in text
    assert "| Invoice | Customer | Net |" in text


def test_nothing_is_asked_of_no_text() -> None:
    assert Retriever().select("?", [], 100).passages == ()
    assert Retriever().select("", [report()], 200).passages
    assert Retriever().select("x" * 5_000_000, [report()], 200).passages


# Kinds of faults that people report of other programs for chats with files.


@pytest.mark.parametrize(
    "question", ["What is the context about?", "What is this document about?", "Worum geht es in dem Text?"]
)
def test_what_a_file_is_about_is_not_searched_for(question: str) -> None:
    assert Retriever().select(question, [report()], 1000).method == "spread"


@pytest.mark.parametrize("reply", ["yes", "Yes, please.", "ja", "はい"])
def test_a_yes_is_about_what_was_offered(reply: str) -> None:
    offered = Message("assistant", "Would you like to know more about the mill number 2220?")
    conversation = [Message("user", "Which mills are there?"), offered, Message("user", reply)]
    assert "number 2220 " in text_of(conversation, report(), budget=250)


def test_another_file_that_is_named_takes_the_place_of_the_last_one() -> None:
    notes = [Document(f"note{i}.md", "md", (Part("text", f"Price {i}{i} is told. {FILLER * 3}"),)) for i in (1, 2)]
    conversation = [
        Message("user", "What price is in note1.md?"),
        Message("assistant", "11"),
        Message("user", "And in note2.md?"),
    ]
    found = Retriever().select(conversation, notes, 150)
    assert {chosen.passage.document for chosen in found.passages} == {1}


def test_lines_of_a_poem_are_told_apart_by_two_characters() -> None:
    lines = ("床前明月光", "疑是地上霜", "举头望明月", "低头思故乡")
    files = [
        Document(f"{i}.txt", "txt", (Part("text", f"{line}。" + "其他的话。" * 40),)) for i, line in enumerate(lines)
    ]
    found = Retriever().select("故乡", files, 150)
    assert max(found.passages, key=lambda chosen: chosen.score).passage.document == 3


def test_a_section_below_its_title_is_found_by_the_title() -> None:
    filler = "\n\n".join(f"# Table {name}\n\n{FILLER}" for name in "abcdefgh")
    fields = "## page 1\n\nfield1\n\n## page 2\n\nfield9 is a date"
    text = f"# Orders table\n\nThis table has 100 fields.\n\n{fields}\n\n{filler}"
    assert "field9" in text_of(
        "Which fields has the orders table?", Document("t.md", "md", (Part("text", text),)), budget=200
    )


def test_identifiers_are_found_as_they_are_written() -> None:
    hosts = "\n\n".join(f"host-{i:03}.example.org is at 10.0.{i // 16}.{i % 16 * 7} in rack {i}" for i in range(300))
    document = Document("hosts.txt", "txt", (Part("text", hosts),))
    assert "rack 237" in text_of("where is host-237.example.org?", document, budget=150)
    assert "rack 118" in text_of("10.0.7.42", document, budget=150)


def test_a_passage_that_repeats_a_name_does_not_keep_out_the_one_that_answers() -> None:
    names = [f"{a}{b}{c}" for a in ("Kor", "Lu", "Mer") for b in ("do", "fen", "ri") for c in ("sul", "tav", "nos")]
    said = [
        text
        for i, name in enumerate(names)
        for text in (
            f"The road from {name} is metalled. From {name} on it is kept by others, who come to {name} by cart. "
            f"Beyond {name} it is steep. A market is held at {name} on Mondays, and {name} has no other.",
            f"The master at {name} teaches {100 + i} children on weekdays in two rooms above the smithy, which were "
            "let to him by the parish when the old house had burnt down; a stove is lit there from autumn to spring.",
        )
    ]
    random.Random(3).shuffle(said)
    document = Document("a.md", "md", (Part("text", "\n\n".join(said)),), sha256="repeated names")
    asked = (f"How many pupils has {name}?" for name in names)
    found = [f" {100 + i} " in text_of(question, document, budget=260) for i, question in enumerate(asked)]
    assert sum(found) >= 0.8 * len(names)


def test_scores_are_those_of_bm25() -> None:
    """By hand, for "b" of the texts "a b", "b b c", "d": n-grams of three across words are " b " and no other."""
    from math import log

    found = LexicalIndex(["a b", "b b c", "d"]).scores("b")
    rarity = log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    lengths = [len(ngrams(text)) for text in ("a b", "b b c", "d")]
    mean = sum(lengths) / 3
    wanted = [
        rarity * n / (n + 0.6 * (0.25 + 0.75 * length / mean)) for n, length in zip((1, 2, 0), lengths, strict=True)
    ]
    assert found.tolist() == pytest.approx(wanted, rel=1e-5)
    beside = LexicalIndex(["a b h", "b b c h", "d h"])  # " h " is in all of them, whose rarity is little
    alone, both = (beside.scores(question) for question in ("b", "h b"))
    assert (both > alone).all()
    assert both.tolist() == pytest.approx((alone + beside.scores("h")).tolist(), rel=1e-5)


@pytest.mark.parametrize("count", [0, 1, 1_000, 3_000])
def test_the_nearest_come_first_and_of_the_same_in_their_order(count: int) -> None:
    scores = np.random.default_rng(0).integers(0, 40, count).astype(np.float32)
    assert list(nearest_first(scores)) == (-scores).argsort(kind="stable").tolist()


def test_texts_counted_together_have_the_ngrams_that_they_have_alone() -> None:
    texts = ["a", "", "two words", "日本語の文", "one 日 of both", "\0 b\0", "İstanbul'da", "two words"]
    grams, rows = ngrams_of(texts)
    for i, text in enumerate(texts):
        assert sorted(grams[rows == i]) == sorted(ngrams(text))


@pytest.mark.parametrize("article", ["第{}条　", "มาตรา{}ให้", "第{}條，", "{}月の"])
def test_a_number_of_one_digit_is_found_among_letters_of_a_script_without_spaces(article: str) -> None:
    lines = [f"{article.format(i)}{'港務局の管理' if 'の' in article else '由值班室管理'}" + "。" for i in range(1, 60)]
    document = Document("a.txt", "txt", (Part("text", "\n\n".join(lines)),), sha256=article)
    for wanted in (3, 7, 41):
        assert lines[wanted - 1] in text_of(f"{article.format(wanted).strip()}？", document, budget=60)


def test_an_index_takes_little_more_memory_while_it_is_made_than_after() -> None:
    """Of 2,000 pages it would be 120 MB each time that its n-grams stand there once more."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghij", k=draw.randint(2, 8))) for _ in range(30_000)]
    texts = [" ".join(draw.choices(words, k=70)) for _ in range(2_000)]
    tracemalloc.start()
    index = LexicalIndex(texts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.6 * index.size_bytes


def test_an_index_that_takes_more_than_the_room_is_kept_alone() -> None:
    def lamps(count: int) -> Document:
        text = "\n\n".join(f"Lamp {i} of {count} is lit at dusk." for i in range(count))
        return Document("a.txt", "txt", (Part("text", text),), sha256=str(count))

    small, large = lamps(3), lamps(400)
    cache = IndexCache(room_bytes=20_000)
    first = cache.of([small])
    assert first.size_bytes < 20_000
    assert cache.of([small]) is first
    kept = cache.of([large])
    assert kept.size_bytes > 20_000
    assert cache.of([large]) is kept
    assert cache.of([small]) is not first


def test_a_file_that_is_there_twice_is_given_once() -> None:
    text = "\n\n".join(f"Rule {i}: the lamps of corridor {i} are switched off at ten by the porter." for i in range(90))
    copies = [Document(name, "txt", (Part("text", text),), sha256="the same") for name in ("rules.txt", "copy.txt")]
    other = Document("other.txt", "txt", (Part("text", text),), sha256="another")
    found = Retriever().select("When are the lamps of corridor 7 switched off?", copies, 300).passages
    assert len({one.passage.part.text for one in found}) == len(found) > 3
    beside = Retriever().select("When are the lamps of corridor 7 switched off?", [copies[0], other], 300).passages
    assert {one.passage.document for one in beside} == {0, 1}  # two files that say the same


@pytest.mark.parametrize(
    ("question", "budget"), [("When are the lamps of corridor 7 switched off?", 300), ("Summarise it.", 600)]
)
def test_of_a_file_that_is_there_twice_both_say_what_was_read(question: str, budget: int) -> None:
    text = "\n\n".join(f"Rule {i}: the lamps of corridor {i} are switched off at ten by the porter." for i in range(90))
    copies = [Document(name, "txt", (Part("text", text),), sha256="the same") for name in ("rules.txt", "copy.txt")]
    found = Retriever().select(question, copies, budget)
    texts = [one.passage.part.text for one in found.passages]
    assert len(set(texts)) == len(texts)
    assert found.coverage[0] == found.coverage[1] > 0
    first, second = (line.split(": ", 1)[1] for line in found.left_out)
    assert first == second
    assert "read: text" in first


def test_rows_of_a_file_that_is_there_twice_are_given_once() -> None:
    rows: tuple[tuple[Any, ...], ...] = (("No", "Customer"), *((i, f"Customer {i}") for i in range(900)))
    part = Part("table", FILLER * 20, tables=(Table(rows),))
    copies = [Document(name, "csv", (part,), sha256="the same") for name in ("rules.csv", "copy.csv")]
    found = Retriever().select("Who is Customer 711?", copies, 400)
    assert len([one for one in found.passages if one.why == "place"]) == 1


def test_of_a_long_text_no_more_is_counted_than_tells_that_it_does_not_fit() -> None:
    text = " ".join(f"Lamp {i} is lit at dusk." for i in range(20_000))
    counted: list[int] = []

    def count(given: str) -> int:
        counted.append(len(given))
        return len(given) // 4

    document = Document("a.txt", "txt", (Part("text", text),), sha256="lamps")
    assert Retriever().select("Which lamp is lit?", [document], 200, count).method == "near"
    assert max(counted) < 3_000


def test_a_second_summary_is_read_of_what_the_first_one_found(monkeypatch: pytest.MonkeyPatch) -> None:
    retriever, document = Retriever(), report()
    first = retriever.select("Summarise the document.", [document], 400)
    monkeypatch.setattr("autopicker_lab.retrieval.index.salient", lambda passages: pytest.fail("found again"))
    assert retriever.select("Summarise the document.", [document], 400) == first


@pytest.mark.parametrize(
    "question",
    [
        "In which country does the winter last longest?",  # count
        "What is the meaning of the second sign, and what means are used?",  # mean
        "Wie warm war der Summer an der Tür?",  # summe
        "Tell me which categories the median person visited in Holland",  # câte, media, visi, holl
        "Ich möchte dich nach den Kosten fragen",  # dịch
        "Nenne den Mann, der allein kam",  # alle
        "Which skills stand on the resume?",  # résume
        "Describe how the tumor was found",  # túmọ̀
        "The sommelier and the mediator sat in the hotel's summer house",  # somme, media, summe
        "Who wrote the summary?",
        "What does the condenser do?",  # condense
        "¿Qué es la síntesis de proteínas?",
        "谁翻译了这本书？",
        "李先生说了什么？",
        "O czym mówił Kowalski?",
        "Which harbour is the main point of departure?",
    ],
)
def test_words_of_what_is_wanted_are_not_read_into_others_that_begin_alike(question: str) -> None:
    intent = intent_of(question)
    assert (intent.whole, intent.all_of, intent.total) == (False, False, False)


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("What are the totals of the year?", "total"),
        ("Wie ist die Summe der Beträge?", "total"),
        ("Quelle est la somme des prix ?", "total"),
        ("Nenne alle Häfen", "all_of"),
        ("Vypiš všetkých ľudí", "all_of"),
        ("Résumez ce rapport", "whole"),
        ("Fais un résumé du document", "whole"),
        ("Resume el documento", "whole"),
        ("Rezumă documentul", "whole"),
        ("Belgenin özetini yaz", "whole"),
        ("Shrňte dokument", "whole"),
        ("Dịch tài liệu này", "whole"),
        ("Can you sum this up for me?", "whole"),
        ("What topics are covered?", "whole"),
        ("Key findings?", "whole"),
        ("Worum geht es hier?", "whole"),
        ("Inhaltsangabe", "whole"),
        ("De quoi s'agit-il ?", "whole"),
        ("¿Cuáles son los puntos clave?", "whole"),
        ("Di cosa si tratta?", "whole"),
        ("Кратко перескажи документ", "whole"),
        ("Τι λέει το έγγραφο;", "whole"),
        ("这份文件讲了什么？", "whole"),
        ("요점 정리해줘", "whole"),
        ("أهم النقاط", "whole"),
    ],
)
def test_inflected_words_of_what_is_wanted_are_read(question: str, wanted: str) -> None:
    assert getattr(intent_of(question), wanted)
