"""Passages by meaning: vectors made in the background, questions in another language, encoders that fail."""

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from autopicker_lab.benchmark.passages.surveys import survey
from autopicker_lab.core import Document, Part
from autopicker_lab.retrieval import AskedEncoder, Retriever

FACT, QUESTION = "The password of the lighthouse is marmalade.", "灯塔的密码是什么？"
LINES = [f"Line {i} tells about the weather of the {i}th day of May, which was fine." * 3 for i in range(60)]
LINES[37] = FACT
DOCUMENT = Document("a.txt", "txt", (Part("text", "\n\n".join(LINES)),), sha256="lines")


class Meaning:
    """An encoder that knows one thing; it waits for `go` and counts the texts that it reads."""

    name = "meaning"

    def __init__(self, fails: bool = False) -> None:
        self.go = threading.Event()
        self.read: list[str] = []
        self._fails = fails

    def passages(self, texts: Sequence[str]) -> np.ndarray:
        self.go.wait(10)
        if self._fails:
            raise RuntimeError("out of order")
        self.read += texts
        return np.stack([self.question(text) for text in texts])

    def question(self, text: str) -> np.ndarray:
        return np.array([1.0, 0.0] if "lighthouse" in text or "灯塔" in text else [0.0, 1.0], np.float32)


def asked(retriever: Retriever, question: str = QUESTION) -> tuple[bool, tuple[str, ...]]:
    found = retriever.select(question, [DOCUMENT], 150)
    return any(FACT in chosen.passage.part.text for chosen in found.passages), found.warnings


def test_a_question_in_another_language_waits_for_the_vectors() -> None:
    encoder = Meaning()
    retriever = Retriever(encoder, wait_s=10)
    threading.Timer(0.2, encoder.go.set).start()
    assert asked(retriever) == (True, ())
    assert asked(retriever) == (True, ())
    assert len(encoder.read) == len(set(encoder.read)) > 10  # each passage once


def test_one_in_the_same_language_is_answered_at_once_and_the_vectors_follow() -> None:
    encoder = Meaning()
    retriever = Retriever(encoder, wait_s=10)
    assert asked(retriever, "What is the password of the lighthouse?")[0]
    assert encoder.read == []
    encoder.go.set()
    assert asked(retriever) == (True, ())


def test_what_was_found_by_words_alone_says_so() -> None:
    assert "another language" in asked(Retriever())[1][0]
    assert "not ready" in asked(Retriever(Meaning(), wait_s=0))[1][0]
    assert asked(Retriever(), "What is the password of the lighthouse?")[1] == ()


class OwnLanguageFirst(Meaning):
    """An encoder that finds texts in the question's own letters nearer than those that answer it in others."""

    def question(self, text: str) -> np.ndarray:
        angle = 0.1 if "灯塔" in text else 0.2 if "条" in text else 0.5 if "lighthouse" in text else 0.6
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


@pytest.mark.parametrize("encoder_of", [Meaning, OwnLanguageFirst])
def test_a_file_in_other_letters_is_found_beside_one_in_the_questions_own(encoder_of: type[Meaning]) -> None:
    lines = "\n\n".join(f"第{i}条：本公司的车辆管理办法自发布之日起施行，由办公室负责解释。" for i in range(60))
    beside = Document("b.txt", "txt", (Part("text", lines),), sha256="rules")
    encoder = encoder_of()
    encoder.go.set()
    found = Retriever(encoder, wait_s=10).select(QUESTION, [DOCUMENT, beside], 150)
    assert any(FACT in chosen.passage.part.text for chosen in found.passages)


TABLE = "| Name | Town | Year |\n|---|---|---|\n" + "".join(
    f"| Captain {i} | Kelham | {1800 + i} |\n" for i in range(90)
)


def foreign_in(text: str) -> Callable[[str], bool]:
    document, retriever = Document("a.md", "md", (Part("text", text),), sha256="a text"), Retriever()
    return lambda question: "another language" in " ".join(retriever.select(question, [document], 150).warnings)


@pytest.mark.parametrize("places", [12, 100])
@pytest.mark.parametrize(
    ("language", "other"), [("en", "es"), ("de", "en"), ("es", "de"), ("ru", "en"), ("zh", "ru"), ("ar", "zh")]
)
def test_another_language_is_told_from_words_that_a_small_file_lacks(language: str, other: str, places: int) -> None:
    facts = survey(language, places)
    is_foreign = foreign_in("\n\n".join(fact.text for fact in facts))
    asked = [fact for fact in facts if fact.answer][:12]
    assert not any(is_foreign(fact.asked_in(language)) for fact in asked)
    if not {language, other} <= {"en", "de", "es"}:  # in the same letters, some of a small file's are missed
        assert all(is_foreign(fact.asked_in(other)) for fact in asked)


@pytest.mark.parametrize(
    "question", ["In which town does Captain 45 live?", "How many captains are there?", "Captain 3"]
)
def test_a_table_is_in_no_language_but_by_its_letters(question: str) -> None:
    is_foreign = foreign_in(TABLE)
    assert not is_foreign(question)
    assert is_foreign("船长有多少人？")


def test_what_a_question_waits_for_goes_before_files_that_nobody_asks_about() -> None:
    encoder = Meaning()
    retriever = Retriever(encoder, wait_s=10)
    other = Document("b.txt", "txt", (Part("text", "\n\n".join(f"Other {line}" for line in LINES)),), sha256="others")
    retriever.expect(other)
    threading.Timer(0.2, encoder.go.set).start()
    assert asked(retriever) == (True, ())
    last = max(i for i, text in enumerate(encoder.read) if "Other" not in text)
    assert len([text for text in encoder.read[:last] if "Other" in text]) <= 16  # those that were begun before
    retriever.prepare([other], wait_s=10)
    assert len([text for text in encoder.read if "Other" in text]) > 16
    assert len(encoder.read) == len(set(encoder.read))


def test_what_was_used_is_told() -> None:
    encoder = Meaning()
    encoder.go.set()
    retriever = Retriever(encoder, wait_s=10)
    retriever.prepare([DOCUMENT], wait_s=10)
    assert retriever.select(QUESTION, [DOCUMENT], 150).encoder == "meaning"
    assert retriever.select(QUESTION, [DOCUMENT], 9_000).encoder == ""  # everything fits
    assert Retriever().select(QUESTION, [DOCUMENT], 150).encoder == ""


def test_waiting_is_told_and_can_be_stopped() -> None:
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> bool:
        seen.append((done, total))
        return False

    Retriever(Meaning(), wait_s=60).select(QUESTION, [DOCUMENT], 150, progress=stop)
    assert seen[0][0] == 0 < seen[0][1]


def test_an_encoder_that_fails_is_left_alone_and_words_are_searched() -> None:
    encoder = Meaning(fails=True)
    encoder.go.set()
    retriever = Retriever(encoder, wait_s=10)
    started = time.monotonic()
    assert "not ready" in asked(retriever)[1][0]
    assert asked(retriever, "password of the lighthouse")[0]
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("name", "before"), [("multilingual-e5-large", "query: "), ("nomic-embed-text", "search_query: "), ("x", "")]
)
def test_a_model_is_asked_with_the_words_that_it_was_trained_with(name: str, before: str) -> None:
    texts: list[str] = []

    def embed(given: Sequence[str]) -> np.ndarray:
        texts.extend(given)
        return np.array([[3.0, 4.0]] * len(given))

    encoder = AskedEncoder(name, embed)
    assert np.allclose(encoder.question("what"), [0.6, 0.8])
    assert texts == [f"{before}what"]
