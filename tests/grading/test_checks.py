"""Checks of answers that need no right answer: by the graders themselves, in bounded time, by code that was allowed."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from autopicker_lab.core import InvalidRequestError, WorkerError
from autopicker_lab.grading import checks as checks_module
from autopicker_lab.grading.checks import CheckRunner, check_usable, written_out
from autopicker_lab.grading.code_grading import why_not_confined

SCHEMA = 'schema:{"type":"object","required":["total"]}'
OWN = """
import os, time

def asks(reply, question):
    return float(question in reply)

def hangs(reply, question):
    time.sleep(60)

def crashes(reply, question):
    os._exit(3)

def shouts(reply, question):
    raise ValueError("no")

def much(reply, question):
    return 7
"""


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CheckRunner]:
    folder = tmp_path_factory.mktemp("checks")
    (folder / "my.py").write_text(OWN)
    runner = CheckRunner(folder)
    yield runner
    runner.close()


@pytest.mark.parametrize(
    ("name", "reply", "value"),
    [
        ("regex:^[0-9]+$", "42", 1.0),
        ("regex:^[0-9]+$", "about 42", 0.0),
        (SCHEMA, 'Here: ```json\n{"total": 3}\n```', 1.0),
        (SCHEMA, '{"sum": 3}', 0.0),
        ("my.py:asks", "Why? Because.", 1.0),
        ("my.py:asks", "Because.", 0.0),
    ],
)
async def test_a_check_scores_an_answer(runner: CheckRunner, name: str, reply: str, value: float) -> None:
    assert await runner.score(name, reply, "Why?") == value


@pytest.mark.skipif(bool(why_not_confined()), reason="code cannot be shut in here")
async def test_code_of_an_answer_is_run_with_assertions_and_without(runner: CheckRunner) -> None:
    double = "```python\ndef double(x):\n    return 2 * x\n```"
    assert await runner.score("tests:assert double(2) == 4", double, "") == 1.0
    assert await runner.score("tests:assert double(2) == 5", double, "") == 0.0
    assert await runner.score("tests:", double, "") == 1.0
    assert await runner.score("tests:", "```python\n1 / 0\n```", "") == 0.0


async def test_a_check_that_hangs_or_ends_its_process_is_told_and_the_next_one_runs(
    runner: CheckRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks_module, "TIMEOUT_S", 1.0)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.05)
            ticks += 1

    ticking = asyncio.ensure_future(tick())
    with pytest.raises(WorkerError, match="took longer than 1 s"):
        await runner.score("my.py:hangs", "x", "y")
    ticking.cancel()
    assert ticks > 5  # the event loop went on
    with pytest.raises(WorkerError, match="ended its process"):
        await runner.score("my.py:crashes", "x", "y")
    with pytest.raises(InvalidRequestError, match="failed: ValueError: no"):
        await runner.score("my.py:shouts", "x", "y")
    with pytest.raises(InvalidRequestError, match="gave 7"):
        await runner.score("my.py:much", "x", "y")
    assert await runner.score("my.py:asks", "y", "y") == 1.0


async def test_code_of_a_persons_own_runs_from_the_folder_that_was_named_alone(runner: CheckRunner) -> None:
    with pytest.raises(InvalidRequestError, match="from a folder that you name alone"):
        await CheckRunner().score("my.py:asks", "x", "y")
    with pytest.raises(InvalidRequestError, match="no file"):
        await runner.score("other.py:asks", "x", "y")
    for outside in ("../my.py:asks", "/tmp/my.py:asks", "a/../../my.py:asks"):
        with pytest.raises(InvalidRequestError, match="outside its folder"):
            await runner.score(outside, "x", "y")


@pytest.mark.parametrize("name", ["regex:(", "schema:{", 'schema:{"type": 3}', "tests:assert ("])
def test_what_a_check_cannot_compare_with_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        check_usable(name)


@pytest.mark.parametrize("name", ["logprob_mean", "agreement:3", "mood", ""])
def test_other_names_are_no_checks(name: str) -> None:
    assert not check_usable(name)


def test_files_are_written_out_into_the_name(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{ "type":\n "object" }')
    (tmp_path / "t.py").write_text("assert f(1) == 2\n")
    assert written_out(f"schema:@{tmp_path / 's.json'}") == 'schema:{"type":"object"}'
    assert written_out(f"tests:@{tmp_path / 't.py'}") == "tests:assert f(1) == 2"
    assert written_out("regex:@home") == "regex:@home"  # a pattern
    with pytest.raises(InvalidRequestError, match="cannot read"):
        written_out("schema:@nowhere.json")
    with pytest.raises(InvalidRequestError, match="is not JSON"):
        written_out(f"schema:@{tmp_path / 't.py'}")
