"""Graders read replies as people write them."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab.core import ChatReply, InvalidRequestError, ModelSpec
from autopicker_lab.grading import own_graders
from autopicker_lab.grading.grade import check_answer, grade_by_judge, grade_reply
from autopicker_lab.tuning import collect, read_questions

SCHEMA = {"type": "object", "required": ["a"], "properties": {"a": {"const": 1}}}


@pytest.mark.parametrize(
    ("grader", "reply", "answer", "score"),
    [
        ("exact", "Paris.", "paris", 1),
        ("exact", "The answer follows.\n**Paris**", ["Rome", "Paris"], 1),
        ("exact", "Paris, of course", "Paris", 0),
        ("exact", "", "Paris", 0),
        ("numeric", "12 + 5 = 17", 17, 1),
        ("numeric", "about 1,234.50 euros.", 1234.5, 1),
        ("numeric", "1.234,50 €", 1234.5, 1),
        ("numeric", "1 234 567", 1234567, 1),
        ("numeric", "−3", -3, 1),
        ("numeric", "17, no: 18", 17, 0),
        ("numeric", "none", 0, 0),
        ("choice", "B", "B", 1),
        ("choice", "(c) because A is wrong. The answer is (C).", "C", 1),
        ("choice", "A cat? The answer: D", "d", 1),
        ("choice", "B. Because of A", "A", 0),
        ("choice", "nothing", "A", 0),
        ("choice", "The answer is B. Option A is wrong because it is cold, and option C is wrong too.", "B", 1),
        ("choice", "I think it is B.", "B", 1),
        ("choice", "The answer: I would say C", "C", 1),
        ("choice", "A good guess is D.", "D", 1),
        ("choice", "A", "A", 1),
        ("choice", "A. Mercury", "A", 1),
        ("numeric", "25 m^2", 25, 1),
        ("numeric", "6.02e23", 6.02e23, 1),
        ("numeric", "1e-5", 1e-5, 1),
        ("numeric", "0,125", 0.125, 1),
        ("numeric", "Result:\n1. 250", 250, 1),
        ("numeric", "10, 200", 200, 1),
        ("numeric", "in 2024 100 people", 100, 1),
        ("numeric", "1.234.567,5", 1234567.5, 1),
        ("numeric", "It is 3.142.", 3.142, 1),
        ("numeric", "-.5", -0.5, 1),
        ("numeric", "12,5 Euro", 12.5, 1),
        ("exact", "!!!", "*", 0),
        ("json_schema", "[" * 100_000, SCHEMA, 0),
        ("python", "from __future__ import annotations\ndef f(x): return x + 1", "assert f(1) == 2", 1),
        ("python", "```bash\npip install x\n```\n```python\ndef f(x): return x + 1\n```", "assert f(1) == 2", 1),
        ("python", "x = '\x00'", "assert True", 0),
        ("python", "x = '\ud800'", "assert f", 0),
        ("python", "x = 1 #" + "x" * 300_000, "assert x", 1),
        ("regex", "It is Ottawa!", r"(?i)\bottawa\b", 1),
        ("regex", "It is Toronto", r"(?i)\bottawa\b", 0),
        ("json_schema", 'Here: ```json\n{"a": 1}\n```', SCHEMA, 1),
        ("json_schema", '{broken {"a": 1}', SCHEMA, 1),
        ("json_schema", '{"a": 2}', SCHEMA, 0),
        ("json_schema", "no JSON", SCHEMA, 0),
        ("python", "```python\ndef f(x):\n    return x + 1\n```\nDone.", "assert f(1) == 2", 1),
        ("python", "def f(x):\n    return x", "assert f(1) == 2", 0),
        ("python", "import sys; sys.exit(0)", "assert f(1) == 2", 0),
        ("python", "import os; os._exit(0)", "assert f(1) == 2", 0),
        ("python", "not python at all", "assert True", 0),
    ],
)
def test_graders(grader: str, reply: str, answer: Any, score: int) -> None:
    assert grade_reply(grader, reply, answer) == score


def test_code_that_never_ends_is_killed_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.grading.code_grading.TIMEOUT_S", 1.0)
    begun = time.monotonic()
    assert grade_reply("python", "import time\nwhile True: time.sleep(1)", "") == 0
    assert grade_reply("python", "x = ' ' * 10**10", "assert x") == 0
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("grader", "answer"),
    [
        ("exact", []),
        ("numeric", "many"),
        ("choice", "AB"),
        ("regex", "("),
        ("json_schema", {"type": "nothing"}),
        ("python", "assert ("),
        ("guess", 1),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(grader: str, answer: Any) -> None:
    with pytest.raises(InvalidRequestError):
        check_answer(grader, answer)


async def test_a_judge_gives_a_share_of_ten() -> None:
    async def says(text: Any) -> Any:
        assert all(part in text for part in ("Why?", "because", "so"))
        return "I would say 7 of 10."

    async def mumbles(text: Any) -> Any:
        return "good"

    assert await grade_by_judge("Why?", "so", "because", says) == 0.7

    async def counts(text: Any) -> Any:
        return "Compared with the 2 facts of the reference: 8/10"

    assert await grade_by_judge("Why?", "so", "because", counts) == 0.8
    assert await grade_by_judge("Why?", "so", "because", mumbles) is None


@pytest.mark.parametrize(
    ("reply", "answer", "score"),
    [
        ("31363009", 31363008, 0),
        ("31363008.", 31363008, 1),
        ("9007199254740993", 9007199254740992, 0),
        ("1000000.5", 1000000, 0),
        ("3.14159", 3.1416, 0),
        ("3.14159", {"value": 3.1416, "tolerance": 0.001}, 1),
        ("102", {"value": 100, "tolerance": "1%"}, 0),
        ("101", {"value": 100, "tolerance": "1 %"}, 1),
        ("about 7", [5, 7], 1),
        ("The answer is 1.234.", 1234, 0),
        ("The answer is 1,234.", 1.234, 0),
        ("Die Antwort ist 1.234.", 1234, 1),
        ("Die Antwort ist 1,234.", 1.234, 1),
        ("12,34,567 rupees", 1234567, 1),
        ("1_000", 1000, 1),
        ("1’000", 1000, 1),
        ("50%", 50, 1),
        ("50 percent", 0.5, 1),
        ("1.5 million people", 1500000, 1),
        ("3/4", 0.75, 1),
        ("1 1/2", 1.5, 1),
        ("2½ cups", "5/2", 1),
        (r"\boxed{\frac{3}{4}}", "3/4", 1),
        (r"\boxed{-\dfrac34}", -0.75, 1),
        (r"so $x = \boxed{9{,}500}$. I checked it in 3 ways.", 9500, 1),
        (r"\boxed{\$8,000}", 8000, 1),
        (r"$N = \textbf{6}$ layers", 6, 1),
        (r"$3.2 \times 10^{-4}$", 0.00032, 1),
        ("3 × 10⁵", 300000, 1),
        ("The answer is 5, not 7.", 5, 1),
        ("The answer is 5, not 7.", 7, 0),
        ("It is not 7 but 5", 5, 1),
        ("Answer: m+n = 256+37 = 293", 293, 1),
        ("**Answer:** 42 apples of the 50", 42, 1),
        ("#### 18\nQuestion: what is 5 and 6?\n#### 11", 18, 1),
        ("-$5", -5, 1),
        ("$ 5", 5, 1),
        ("US$29.00.", 29, 1),
        ("It is –3 degrees", -3, 1),
        ("minus 4", -4, 1),
        ("5-7", 7, 1),
        ("- 3 apples\n- 4 pears", 4, 1),
        ("９９", 99, 1),
        ("٤٢", 42, 1),
        ("1e999999999", 1, 0),
        ("3/0", 3, 0),
    ],
)
def test_numbers_are_read_as_they_are_written(reply: str, answer: Any, score: int) -> None:
    check_answer("numeric", answer)
    assert grade_reply("numeric", reply, answer) == score


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("(B)", "B"),
        ("b", "B"),
        ("d)", "D"),
        ("（B）", "B"),
        (r"$\boxed{\text{(B)}}$", "B"),
        ("The answer is A because it is cold", "A"),
        ("The answer is a cat", ""),
        ("Answer: I think it is C", "C"),
        ("Answer: It is not B, the answer is D", "D"),
        ("Answer: D, not B", "D"),
        ("Antwort:\n\nAntwort: C", "C"),
        ("Option A is correct because it is warm", "A"),
        ("A) Paris\nB) Rome\nI pick B", "B"),
        ("The answer is B because a car moves.", "B"),
        ("Answer seems to be A.", "A"),
        ("The answer is C because I computed it.", "C"),
        ("It's not A. It's C.", "C"),
    ],
)
def test_the_letter_that_a_reply_settles_on(reply: str, letter: str) -> None:
    assert [other for other in "ABCD" if grade_reply("choice", reply, other)] == [*letter]


@pytest.mark.parametrize(
    ("grader", "reply", "answer", "score"),
    [
        ("exact", "“Café”", "Cafe\u0301", 1),
        ("exact", "```\nParis\n```", "Paris", 1),
        ("exact", r"\boxed{Paris}", "Paris", 1),
        ("exact", "- Paris", "Paris", 1),
        ("exact", "Jean‑Luc\u200b", "jean-luc", 1),
        ("exact", "-5", "5", 0),
        ("json_schema", 'See [1]: {"a": 1}', SCHEMA, 1),
        ("json_schema", 'From {"a": 2} I get\n```json\n{"a": 1}\n```', SCHEMA, 1),
        ("json_schema", "3", {"type": "integer"}, 1),
        ("regex", "a" * 40 + "!", "(a+)+$", 0),
    ],
)
def test_what_stands_around_an_answer(
    monkeypatch: pytest.MonkeyPatch, grader: str, reply: str, answer: Any, score: int
) -> None:
    monkeypatch.setattr("autopicker_lab.grading.grade._REGEX_TIMEOUT_S", 0.1)
    assert grade_reply(grader, reply, answer) == score


@pytest.mark.timeout(60)  # that of a test that hangs
@pytest.mark.parametrize("grader", ["numeric", "choice"])
@pytest.mark.parametrize("part", ["answer is ", "\\boxed{", "\n", "1 ", "1/", "answer: 2 not "])
def test_grading_takes_no_more_than_the_length_of_a_reply(grader: str, part: str) -> None:
    """Each of these took minutes where a part was looked for anew from each place."""
    grade_reply(grader, part * 20_000, 5)


def test_a_tolerance_stands_in_the_question(tmp_path: Path) -> None:
    line = {"prompt_id": "a", "prompt": "Pi?", "grader": "numeric", "answer": 3.14159, "tolerance": 0.01}
    (tmp_path / "q.jsonl").write_text(json.dumps(line))
    question = read_questions(tmp_path / "q.jsonl")[0]
    assert grade_reply(question.grader, "3.14", question.answer) == 1
    for wrong in (line | {"tolerance": "much"}, line | {"tolerance": -1}, line | {"grader": "exact"}):
        (tmp_path / "q.jsonl").write_text(json.dumps(wrong))
        with pytest.raises(InvalidRequestError, match="tolerance"):
            read_questions(tmp_path / "q.jsonl")


def written_grader(folder: Path, body: str, grader: str = "mine.py:close") -> Path:
    (folder / "mine.py").write_text(f"def close(reply, answer):\n    {body}\n")
    path = folder / "q.jsonl"
    path.write_text(json.dumps({"prompt_id": "a7", "prompt": "p", "grader": grader, "answer": 4}))
    return path


async def test_a_grader_of_ones_own(tmp_path: Path) -> None:
    async def ask(request: Any) -> ChatReply:
        return ChatReply("four", request.model)

    questions = read_questions(written_grader(tmp_path, "return len(reply) / (answer * 2)"))
    state = await collect(questions, [ModelSpec("m", "local")], ask, tmp_path / "o.jsonl")
    assert (state.done, state.right) == (1, 0.5)
    for body, why in (("return 1 / 0", "ZeroDivisionError"), ("return 2", "gave 2"), ("return None", "gave None")):
        questions = read_questions(written_grader(tmp_path, body))
        state = await collect(questions, [ModelSpec("m", "local")], ask, tmp_path / f"{why}.jsonl")
        assert "a7 m: the grader 'mine.py:close'" in state.failed[0]
        assert why in state.failed[0]


@pytest.mark.parametrize(
    ("grader", "word"),
    [("mine.py:other", "has no function 'other'"), ("no.py:close", "no file"), ("numerik", "id you mean 'numeric'")],
)
def test_a_grader_that_is_not_there_is_named(tmp_path: Path, grader: str, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word):
        read_questions(written_grader(tmp_path, "return 1", grader))


def test_a_grader_of_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        @staticmethod
        def load() -> Any:
            return lambda reply, answer: reply.count(answer) > 1

    monkeypatch.setattr(own_graders, "_entry_points", lambda: {"twice": Entry})
    check_answer("twice", "x")
    assert grade_reply("twice", "x and x", "x") == 1
    own_graders._loaded_entry.cache_clear()
