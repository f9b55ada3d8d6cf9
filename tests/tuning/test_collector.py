import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from autopicker_lab import Workbench
from autopicker_lab.cli.app import app
from autopicker_lab.core import (
    ChatReply,
    InvalidRequestError,
    ModelSpec,
    ModelUnavailableError,
    RateLimitError,
    TransientUpstreamError,
    UnknownModelError,
    UpstreamQuotaError,
    UpstreamTimeoutError,
    Usage,
)
from autopicker_lab.grading.checks import CheckRunner
from autopicker_lab.models import Availability, Catalogue, build
from autopicker_lab.tuning import CollectionResult, collect, read_outcomes, read_questions
from autopicker_lab.tuning.collected import ModelSummary
from autopicker_lab.tuning.questions import unread_keys


def questions(path: Any, n: int = 4, **fields: Any) -> Any:
    rows = [
        {"prompt_id": f"q{i}", "prompt": f"What is {i}?", "grader": "numeric", "answer": i, **fields} for i in range(n)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return read_questions(path)


class Oracle:
    """Answers with the number in the question; `down` models fail, and every call is counted."""

    def __init__(self, down: Any = (), slow: float = 0.0) -> None:
        self.asked: list[tuple[str, str]] = []
        self.down, self.slow = down, slow

    async def __call__(self, request: Any) -> Any:
        self.asked.append((request.question, request.model))
        await asyncio.sleep(self.slow)
        if request.model in self.down:
            raise ModelUnavailableError("it is down", "start it")
        text = request.question.removeprefix("What is ").rstrip("?") if request.model == "good" else "no idea"
        return ChatReply(text, request.model, usage=Usage(100, 10), total_s=0.25)


GOOD, BAD = ModelSpec("good", "openai", price_in=1, price_out=1000, max_output=10), ModelSpec("bad", "local")


async def test_rows_are_graded_and_read_as_outcomes(tmp_path: Path) -> None:
    seen = []
    state = await collect(
        questions(tmp_path / "q.jsonl"),
        [GOOD, BAD],
        Oracle(),
        tmp_path / "o.jsonl",
        parallel=3,
        progress=lambda s: seen.append(s.done),
    )
    assert (state.total, state.done, state.failed, state.stopped) == (8, 8, [], "")
    assert seen == list(range(9))
    table = read_outcomes(tmp_path / "o.jsonl")
    assert table.groupby("model")["score"].mean().to_dict() == {"good": 1, "bad": 0}
    row = table[table["model"] == "good"].iloc[0]
    assert row["cost_usd"] == pytest.approx((100 + 10 * 1000) / 1e6)
    assert (row["prompt_tokens"], row["completion_tokens"], row["latency_s"]) == (100, 10, 0.25)


async def test_a_run_that_was_stopped_goes_on_where_it_ended(tmp_path: Path) -> None:
    asked, out = questions(tmp_path / "q.jsonl"), tmp_path / "o.jsonl"
    slow = Oracle(slow=0.05)
    task = asyncio.ensure_future(collect(asked, [GOOD], slow, out))
    await asyncio.sleep(0.13)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = out.read_text().splitlines()
    assert 1 <= len(kept) < 4
    out.write_text("\n".join(kept) + '\n{"prompt_id": "q9", "cut sho')
    again = Oracle()
    state = await collect(asked, [GOOD], again, out)
    assert (state.skipped, state.done) == (len(kept), 4 - len(kept))
    assert len(again.asked) == 4 - len(kept)
    assert len(read_outcomes(out)) == 4


async def test_what_failed_is_told_and_asked_again(tmp_path: Path) -> None:
    asked, out = questions(tmp_path / "q.jsonl", 2), tmp_path / "o.jsonl"
    state = await collect(asked, [GOOD, BAD], Oracle(down={"bad"}), out, patience_s=0)
    assert state.done == 2
    assert "q0 bad: it is down" in state.failed[0]
    assert (state.by_model["bad"].failed, state.settled) == (2, 4)
    assert (await collect(asked, [GOOD, BAD], Oracle(), out)).done == 2


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.tuning.asking._FIRST_PAUSE_S", 1e-4)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    "failure", [TransientUpstreamError("500"), UpstreamTimeoutError("slow"), RateLimitError("many")]
)
async def test_a_model_that_fails_half_the_time_answers_everything(tmp_path: Path, failure: Exception) -> None:
    oracle, calls = Oracle(), 0

    async def flaky(request: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 4 < 2:
            raise failure
        return await oracle(request)

    state = await collect(questions(tmp_path / "q.jsonl", 20), [GOOD], flaky, tmp_path / "o.jsonl")
    assert (state.done, state.failed, state.resting) == (20, [], "")


@pytest.mark.usefixtures("no_pause")
async def test_a_model_that_is_gone_is_given_up_and_the_others_go_on(tmp_path: Path) -> None:
    oracle = Oracle(down={"bad"})
    state = await collect(
        questions(tmp_path / "q.jsonl", 20), [BAD, GOOD], oracle, tmp_path / "o.jsonl", patience_s=0.005
    )
    bad = state.by_model["bad"]
    assert (state.done, bad.failed, bad.left_out, bad.answers) == (20, 5, 15, 0)
    assert state.settled == state.total
    asked = [name for _, name in oracle.asked if name == "bad"]
    assert 6 <= len(asked) <= 12  # patiently once, then once a question


@pytest.mark.usefixtures("no_pause")
async def test_nothing_is_paid_for_that_a_dead_judge_would_grade(tmp_path: Path) -> None:
    oracle = Oracle(down={"bad"})
    asked = questions(tmp_path / "q.jsonl", 20, grader="judge", answer="a number")
    state = await collect(asked, [GOOD], oracle, tmp_path / "o.jsonl", judge=BAD, patience_s=0)
    assert [name for _, name in oracle.asked].count("good") == 5
    assert state.by_model["good"].left_out == 15


@pytest.mark.parametrize("error", [UpstreamQuotaError("spent", retry_after=0.001), InvalidRequestError("refused")])
async def test_what_another_try_does_not_mend_is_not_tried_again(tmp_path: Path, error: Exception) -> None:
    calls = []

    async def ask(request: Any) -> ChatReply:
        calls.append(request)
        raise error

    state = await collect(questions(tmp_path / "q.jsonl", 1), [GOOD], ask, tmp_path / "o.jsonl")
    assert len([call for call in calls if call.options.get("logprobs")]) == len(state.failed) == 1
    assert len(calls) == 1 + isinstance(error, InvalidRequestError)  # which may be about the log-probabilities


@pytest.mark.parametrize("parallel", [1, 3, 8])
async def test_whatever_ends_it_leaves_questions_that_all_models_answered(tmp_path: Path, parallel: int) -> None:
    asked, models = questions(tmp_path / "q.jsonl", 10), [GOOD, BAD, ModelSpec("third", "local")]
    for name, ends in {
        "cap": {"max_cost_usd": 0.045},
        "stop": {"progress": lambda s: s.done < 4},
    }.items():
        out = tmp_path / f"{name}.jsonl"
        state = await collect(asked, models, Oracle(), out, parallel=parallel, **ends)  # type: ignore[arg-type]
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert state.stopped
        assert 0 < len(rows) < 30
        assert set(Counter(row["prompt_id"] for row in rows).values()) == {3}


async def test_models_are_asked_to_and_fro(tmp_path: Path) -> None:
    oracle = Oracle()
    await collect(questions(tmp_path / "q.jsonl", 3), [GOOD, BAD], oracle, tmp_path / "o.jsonl")
    assert [name for _, name in oracle.asked] == ["good", "bad", "bad", "good", "good", "bad"]


async def test_samples_are_rows_and_what_is_missing_is_asked(tmp_path: Path) -> None:
    asked, out = questions(tmp_path / "q.jsonl", 2), tmp_path / "o.jsonl"
    await collect(asked, [GOOD, BAD], Oracle(), out)
    state = await collect(asked, [GOOD, BAD], Oracle(), out, samples=3)
    assert (state.total, state.skipped, state.done) == (12, 4, 8)
    assert (await collect(asked, [GOOD, BAD], Oracle(), out, samples=2)).done == 0
    table = read_outcomes(out)
    assert table["samples"].tolist() == [3] * 4
    assert table["spread"].tolist() == [0] * 4


async def test_a_summary_by_model_counts_the_whole_file(tmp_path: Path) -> None:
    asked, out = questions(tmp_path / "q.jsonl", 3), tmp_path / "o.jsonl"
    await collect(asked[:1], [GOOD, BAD], Oracle(), out)
    state = await collect(asked, [GOOD, BAD], Oracle(), out)
    good = state.by_model["good"]
    assert (good.answers, good.right, good.seconds, good.prompt_tokens, good.completion_tokens) == (3, 3, 0.75, 300, 30)
    assert good.cost_usd == pytest.approx(3 * 0.0101)
    frame = state.to_frame().set_index("model")
    assert frame.loc["bad", "score"] == 0
    assert frame.loc["good", "completion_tokens"] == 10
    json.dumps(state.to_dict())


async def test_conversations_settings_and_files_reach_the_model(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("The report.")
    common = {"grader": "exact", "answer": "no idea"}
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Bye"},
    ]
    rows = [
        {"prompt_id": "a", "prompt": "Why?", "system": "Be short.", "temperature": 0.5, "max_tokens": 9},
        {"prompt_id": "b", "messages": turns},
        {"prompt_id": "c", "prompt": "Sum it up.", "files": ["report.txt"]},
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(json.dumps(row | common) for row in rows))
    seen = []

    async def ask(request: Any, files: Any = ()) -> Any:
        options = {name: value for name, value in request.options.items() if "logprobs" not in name}
        seen.append((tuple((m.role, m.text) for m in request.messages), options, [f.name for f in files]))
        return ChatReply("no idea", request.model)

    await collect(read_questions(path), [GOOD], ask, tmp_path / "o.jsonl")
    assert seen == [
        ((("system", "Be short."), ("user", "Why?")), {"temperature": 0.5, "max_tokens": 9}, []),
        ((("user", "Hi"), ("assistant", "Hello"), ("user", "Bye")), {}, []),
        ((("user", "Sum it up."),), {}, ["report.txt"]),
    ]
    kept = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert json.loads(kept[1]["prompt"]) == turns
    assert (kept[0]["temperature"], kept[2]["files"]) == (0.5, ["report.txt"])
    path.write_text(json.dumps(rows[0] | common | {"temperature": 0}))
    with pytest.raises(InvalidRequestError, match="another 'temperature'"):
        await collect(read_questions(path), [GOOD], ask, tmp_path / "o.jsonl")


def test_keys_that_nothing_reads_are_told(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    questions(path, 2, level=1, system_prompt="Be short.")
    assert unread_keys(read_questions(path)) == (
        "nothing reads 'level' of 2 questions, 'system_prompt' of 2 questions (did you mean 'system'?)"
    )
    for slip in ("temprature", "max_token", "file"):
        questions_with_slip = {"prompt_id": "a", "prompt": "p", "grader": "exact", "answer": "x", slip: 1}
        path.write_text(json.dumps(questions_with_slip))
        with pytest.raises(InvalidRequestError, match=f"line 1: unknown key '{slip}'"):
            read_questions(path)


async def test_no_more_is_spent_than_allowed(tmp_path: Path) -> None:
    asked = questions(tmp_path / "q.jsonl", 10)
    state = await collect(asked, [GOOD], Oracle(), tmp_path / "o.jsonl", max_cost_usd=0.035, parallel=4)
    assert state.done == 3
    assert state.cost_usd <= 0.035
    assert "limit of 0.035 USD" in state.stopped


async def test_a_judge_must_be_named_and_may_fail(tmp_path: Path) -> None:
    asked = questions(tmp_path / "q.jsonl", 1, grader="judge", answer="a number")
    with pytest.raises(InvalidRequestError, match="graded by a judge"):
        await collect(asked, [GOOD], Oracle(), tmp_path / "o.jsonl")
    state = await collect(asked, [GOOD], Oracle(), tmp_path / "o.jsonl", judge=BAD)
    assert "named no number" in state.failed[0]


async def test_a_judge_is_paid_out_of_the_same_purse(tmp_path: Path) -> None:
    asked = questions(tmp_path / "q.jsonl", 4, grader="judge", answer="a number")
    free = ModelSpec("free", "local")
    for limit, done in ((0.0, 0), (0.22, 2)):  # a judge may write 200 tokens at 0.001 USD each, and writes 10
        oracle = Oracle()
        state = await collect(asked, [free], oracle, tmp_path / f"{limit}.jsonl", judge=GOOD, max_cost_usd=limit)
        assert state.cost_usd <= limit
        assert len([name for _, name in oracle.asked if name == "good"]) >= done
        assert "limit" in state.stopped
        again = await collect(asked, [free], Oracle(), tmp_path / f"{limit}.jsonl", judge=GOOD)
        assert again.cost_usd > state.cost_usd


async def test_any_character_may_stand_in_an_answer(tmp_path: Path) -> None:
    async def strange(request: Any) -> Any:
        return ChatReply("two\u2028lines\x85 and \ud800 more 1", "good")

    asked, out = questions(tmp_path / "q.jsonl", 2), tmp_path / "o.jsonl"
    assert (await collect(asked, [GOOD, GOOD], strange, out)).done == 2
    assert (await collect(asked, [GOOD], strange, out)).skipped == 2
    assert len(read_outcomes(out)) == 2


async def test_a_corrected_answer_is_not_passed_over(tmp_path: Path) -> None:
    out = tmp_path / "o.jsonl"
    await collect(questions(tmp_path / "q.jsonl"), [GOOD], Oracle(), out)
    with pytest.raises(InvalidRequestError, match="graded by another answer"):
        await collect(questions(tmp_path / "q.jsonl", 4, answer=7), [GOOD], Oracle(), out)


async def test_a_file_of_other_questions_is_not_added_to(tmp_path: Path) -> None:
    out = tmp_path / "o.jsonl"
    await collect(questions(tmp_path / "q.jsonl"), [GOOD], Oracle(), out)
    other = questions(tmp_path / "q.jsonl", 4, prompt="Another question?")
    with pytest.raises(InvalidRequestError, match="had another text"):
        await collect(other, [GOOD], Oracle(), out)
    out.write_text("no json\n")
    with pytest.raises(InvalidRequestError, match="line 1 is not an outcome"):
        await collect(questions(tmp_path / "q.jsonl"), [GOOD], Oracle(), out)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "'prompt_id' is missing"),
        ('{"prompt_id": "a", "prompt": "p", "grader": "exact"}', "'answer' is missing"),
        ('{"prompt_id": "a", "prompt": "p", "grader": "magic", "answer": 1}', "unknown grader 'magic'"),
        ('{"prompt_id": "a", "prompt": "p", "grader": "exact", "answer": "x", "max_tokens": 0}', "positive"),
        ('{"prompt_id": "a", "prompt": "p", "grader": "exact", "answer": "x", "temperature": 3}', "'temperature' must"),
        ('{"prompt_id": "a", "prompt": "p", "grader": "exact", "answer": "x", "files": ["no.pdf"]}', "no file at"),
        ('{"prompt_id": "a", "prompt": [{"role": "me"}], "grader": "exact", "answer": "x"}', "role' must be one of"),
        ('{"prompt_id": "a", "prompt": "p", "messages": [1], "grader": "exact", "answer": "x"}', "has both"),
        ('{"prompt_id": "a", "promt": "p", "grader": "exact", "answer": "x"}', "id you mean 'prompt'"),
        ("", "no questions"),
        ('{"prompt_id": "a", "prompt": "p", "grader": "exact", "answer": "x"}\n' * 2, "line 2: prompt_id 'a' came"),
    ],
)
def test_questions_that_are_wrong_are_named(tmp_path: Path, line: str, word: str) -> None:
    (tmp_path / "q.jsonl").write_text(line)
    with pytest.raises(InvalidRequestError, match=word):
        read_questions(tmp_path / "q.jsonl")


@pytest.mark.slow
def test_real_models_are_asked_through_the_workbench(lab: Workbench, tmp_path: Path) -> None:
    asked = [
        {"prompt_id": "a", "prompt": "What is the capital of France?", "grader": "regex", "answer": "Paris"},
        {"prompt_id": "b", "prompt": "Prove Fermat's last theorem in one word.", "grader": "exact", "answer": "no"},
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(json.dumps(q | {"max_tokens": 16}) for q in asked))
    state = lab.collect(path, ["smollm2"], tmp_path / "o.jsonl")
    assert state.done == 2
    table = read_outcomes(tmp_path / "o.jsonl")
    assert table["score"].tolist() == [1, 0]
    assert table["model"].unique().tolist() == ["smollm2-135m"]
    assert (table["completion_tokens"] > 0).all()


async def test_a_collection_stops_where_its_progress_says_so_and_keeps_what_is_under_way(tmp_path: Path) -> None:
    asked, oracle = questions(tmp_path / "q.jsonl", 4), Oracle()
    state = await collect(asked, [GOOD], oracle, tmp_path / "o.jsonl", parallel=2, progress=lambda s: s.done < 1)
    assert (state.stopped, state.failed) == ("stopped by its caller", [])
    assert state.done == len(oracle.asked) == 2
    rest = await collect(asked, [GOOD], oracle, tmp_path / "o.jsonl")
    assert (rest.done, rest.skipped, rest.stopped) == (2, 2, "")


async def test_a_collection_that_waits_for_a_model_stops_at_once(tmp_path: Path) -> None:
    async def ask(request: Any) -> ChatReply:
        raise ModelUnavailableError("'good' rests", retry_after=60)

    asked = questions(tmp_path / "q.jsonl", 2)
    state = await collect(asked, [GOOD], ask, tmp_path / "o.jsonl", progress=lambda s: not s.resting)
    assert (state.stopped, state.resting, state.done, len(state.failed)) == ("stopped by its caller", "", 0, 1)


async def test_a_model_that_rests_is_waited_for(tmp_path: Path) -> None:
    rests, notes = [0.02, 0.03], []

    async def ask(request: Any) -> Any:
        if rests:
            raise ModelUnavailableError("'good' failed 5 times running and rests", retry_after=rests.pop())
        return await Oracle()(request)

    asked = questions(tmp_path / "q.jsonl", 2)
    state = await collect(asked, [GOOD], ask, tmp_path / "o.jsonl", progress=lambda s: notes.append(s.resting))
    assert (state.done, state.failed, state.resting, state.mean_score) == (2, [], "", 1.0)
    assert sum("rests: waiting for 0 s" in note for note in notes) == 2


async def test_a_model_that_will_not_be_back_soon_is_not_waited_for(tmp_path: Path) -> None:
    async def ask(request: Any) -> ChatReply:
        raise ModelUnavailableError("it rests", retry_after=3600)

    state = await collect(questions(tmp_path / "q.jsonl", 1), [GOOD], ask, tmp_path / "o.jsonl")
    assert len(state.failed) == 1


async def test_signals_that_are_asked_for_are_kept_beside_those_of_log_probabilities(tmp_path: Path) -> None:
    asked = []

    async def ask(request: Any) -> ChatReply:
        asked.append(request.options)
        rows = [{"token": "x", "logprob": -0.5, "top_logprobs": []}]
        choice = {"message": {"content": "22"}, "logprobs": {"content": rows}}
        return ChatReply("22", "good", raw={"choices": [choice] * request.options.get("n", 1)})

    signals = ("agreement:2", "regex:^2")
    await collect(questions(tmp_path / "q.jsonl", 1), [GOOD], ask, tmp_path / "o.jsonl", signals=signals)
    row = json.loads((tmp_path / "o.jsonl").read_text())
    found = {name: value for name, value in row.items() if name.startswith("signal_")}
    assert found == {
        "signal_logprob_mean": -0.5, "signal_logprob_min": -0.5, "signal_agreement:2": 1.0, "signal_regex:^2": 1.0
    }  # fmt: skip
    assert [options.get("n") for options in asked] == [None, 2]
    with pytest.raises(InvalidRequestError, match="no signal 'mood'"):
        await collect(questions(tmp_path / "q.jsonl", 1), [GOOD], ask, tmp_path / "o.jsonl", signals=["mood"])


async def test_checks_and_a_judge_are_kept_with_what_they_cost_and_what_fails_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"type": "number"}')
    (tmp_path / "my.py").write_text("def check(reply, question):\n    return float(question == 'What is 0?')\n")
    dear = ModelSpec("dear", "openai", price_out=1_000_000)

    async def ask(request: Any) -> ChatReply:
        if request.model != "dear":
            return ChatReply("22", "good")
        assert "Answer to grade:\n22" in request.question
        assert "eference" not in request.question
        return ChatReply("8", "dear", usage=Usage(10, 2))

    signals = (f"schema:@{tmp_path / 's.json'}", "my.py:check", "judge:dear", "my.py:missing")
    how: Any = {"signals": signals, "judges": {"dear": dear}, "checks": CheckRunner(tmp_path)}
    asked = questions(tmp_path / "q.jsonl", 1)
    state = await collect(asked, [GOOD], ask, tmp_path / "o.jsonl", **how)
    row = json.loads((tmp_path / "o.jsonl").read_text())
    assert {name: value for name, value in row.items() if "signal_" in name} == {
        'signal_schema:{"type":"number"}': 1.0, "signal_my.py:check": 1.0, "signal_judge:dear": 0.8,
        "usd_signal_judge:dear": 2.0,
    }  # fmt: skip
    assert state.cost_usd == 2.0
    assert "1 answers lack the signal my.py:missing: 'my.py' has no function 'missing'" in state.notes[0]
    assert (await collect(asked, [GOOD], ask, tmp_path / "o.jsonl", **how)).cost_usd == 2.0  # of what was there
    limit = await collect(asked, [GOOD], ask, tmp_path / "p.jsonl", max_cost_usd=100.0, **how)
    assert "could pass the limit" in limit.stopped  # a verdict may have 200 tokens
    with pytest.raises(InvalidRequestError, match="no model 'dear' for the signal"):
        await collect(asked, [GOOD], ask, tmp_path / "r.jsonl", signals=["judge:dear"])


async def test_a_name_with_wildcards_stands_for_the_models_that_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [
        ModelSpec(name, "openai", endpoint="http://127.0.0.1:9/v1") for name in ("qwen-s", "qwen-l", "phi", "q[1]")
    ]
    catalogue = Catalogue([build(spec) for spec in specs])

    async def answers(fresh: bool = False) -> Any:
        return {spec.id: Availability(spec.id in ("qwen-l", "q[1]"), "it is down", "start it") for spec in specs}

    monkeypatch.setattr(catalogue, "availability", answers)

    async def found(pattern: str) -> list[str]:
        return [model.describe().id for model in await catalogue.matching(pattern)]

    assert await found("qwen*") == ["qwen-l"]
    assert await found("q[1]") == ["q[1]"]  # a name as it stands goes first
    assert await found("qwen-s") == ["qwen-s"]
    assert await found("*") == ["qwen-l", "q[1]"]
    with pytest.raises(ModelUnavailableError, match="phi: it is down"):
        await found("p*")
    with pytest.raises(UnknownModelError, match="no model is like"):
        await found("gpt*")


def test_an_interrupt_says_what_is_kept_what_it_cost_and_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Any, *_: Any, progress: Any, **__: Any) -> Any:
        state = CollectionResult(9, by_model={"a-long-name-of-a-model": ModelSummary()})
        state.add({"model": "a-long-name-of-a-model", "score": 1.0, "cost_usd": 0.25})
        state.cost_usd = 0.25
        assert progress(state)
        raise KeyboardInterrupt

    monkeypatch.setattr(Workbench, "collect", interrupted)
    done = CliRunner().invoke(app, ["collect", "q.jsonl", "--models", "a", "--out", "o.jsonl"])
    assert done.exit_code != 0
    for words in ("a-long-name-of-a-model", "1 answers added to o.jsonl", "0.2500 USD in all", "goes on from there"):
        assert words in done.output
