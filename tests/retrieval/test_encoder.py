"""Passages by meaning: vectors made in the background, questions in another language, encoders that fail."""

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

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
