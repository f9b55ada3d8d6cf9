"""Another model is asked afterwards: of what, how much, and what is kept of it."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.upstream import soon
from typer.testing import CliRunner

from autopicker_lab.cli.app import app
from autopicker_lab.complexity import score
from autopicker_lab.core import Candidate, ChatReply, ChatRequest, ModelSpec, Route, SettingsError, UpstreamError
from autopicker_lab.live.grading import ShadowGrader
from autopicker_lab.live.pairs import agreement, paired
from autopicker_lab.live.shadow import QUEUE, Answered, Shadow, ShadowPlan
from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import Decision, FileLog, open_log
from autopicker_lab.storage.decisions import MemoryLog

HELLO = ChatRequest.of("Hello")
SPECS = {
    "here": ModelSpec("here", "local", price_out=1e6),
    "there": ModelSpec("there", "openai", endpoint="https://example.org"),
    "served": ModelSpec("served", "local"),
}


class FakeModel:
    def __init__(self, name: str, asked: list[Any], fails: bool):
        self._name, self._asked, self._fails = name, asked, fails

    def describe(self) -> ModelSpec:
        return SPECS[self._name]

    async def complete(self, request: ChatRequest) -> ChatReply:
        self._asked.append(request)
        if self._fails:
            raise UpstreamError("down")
        return ChatReply("42", self._name)


def shadowing(plan: ShadowPlan, left: float = 9.0, running: int = 0, fails: bool = False) -> tuple[Shadow, list[Any]]:
    asked: list[Any] = []
    breaker = SimpleNamespace(resting_s=lambda: 0.0)
    catalogue = SimpleNamespace(get=lambda name: FakeModel(name, asked, fails), breaker=lambda name: breaker)
    allowance: Any = SimpleNamespace(left_usd=left, spend=lambda usd: None)
    pipeline: Any = SimpleNamespace(catalogue=catalogue)
    grader: Any = ShadowGrader(r"regex:\d+", catalogue, allowance)  # type: ignore[arg-type]
    return Shadow(plan, pipeline, allowance, grader, lambda: running), asked


def answered(i: int = 0, local_only: bool = False, **fields: Any) -> Answered:
    candidates = tuple(Candidate(name, True, "", 0.5, 0.5) for name in SPECS)
    route = Route("served", (), candidates, score(HELLO), "p", "")
    return Answered(f"c{i}", HELLO, route, "served", "none", "key", "Hello", local_only, **fields)


def run(shadow: Shadow, *offered: Answered) -> MemoryLog:
    decisions = MemoryLog()

    async def work() -> None:
        for one in offered:
            decisions.record(Decision(one.chat_id, "r", 0.0, "served"))
            shadow.offer(one)
        task = asyncio.create_task(shadow.run(decisions))
        await asyncio.sleep(0.3)
        task.cancel()

    asyncio.run(work())
    return decisions


def test_both_answers_are_graded_and_kept_and_a_persons_score_goes_before() -> None:
    shadow, asked = shadowing(ShadowPlan(1.0, "here"))
    log = run(shadow, answered())
    served, other = log.rows()
    assert (served.score, served.grade, served.scored_by) == (0.0, 0.0, r"regex:\d+")
    assert (other.model, other.score, other.policy, other.prompt, other.key_id) == ("here", 1.0, None, "Hello", "key")
    assert asked[0].model == "here"
    log.feedback("c0", 0.75)
    log.grade("c0", 1.0, "judge:x")
    assert (log.rows()[0].score, log.rows()[0].grade, log.rows()[0].scored_by) == (0.75, 1.0, None)


@pytest.mark.fault("a request must not leave the machine, and shadow is on", "models and judges of it alone are asked")
def test_what_must_stay_here_goes_to_models_and_judges_of_this_machine_alone() -> None:
    shadow, asked = shadowing(ShadowPlan(1.0))
    run(shadow, *(answered(i, local_only=True) for i in range(20)))
    assert {request.model for request in asked} == {"here"}
    shadow, asked = shadowing(ShadowPlan(1.0, "there"))
    run(shadow, answered(local_only=True))
    assert not asked
    get: Any = SimpleNamespace(get=lambda name: FakeModel(name, [], False))
    assert ShadowGrader("judge:here", get, None).stays_here  # type: ignore[arg-type]
    assert not ShadowGrader("judge:there", get, None).stays_here  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [{"tools": [{"type": "function"}]}, {"functions": [{}]}, {"n": 2}],
)
def test_what_could_act_or_wants_several_answers_is_not_asked(options: Any) -> None:
    shadow, _ = shadowing(ShadowPlan(1.0))
    assert shadow.wants(HELLO, "r")
    assert not shadow.wants(ChatRequest.of("Hello", options=options), "r")
    assert not shadow.wants(ChatRequest.of("Hello", file_ids=("f",)), "r")


def test_the_share_is_kept() -> None:
    shadow, _ = shadowing(ShadowPlan(0.1))
    assert 60 < sum(shadow.wants(HELLO, f"r{i}") for i in range(1000)) < 140


@pytest.mark.fault(
    "shadow has more to ask than it may, or a model fails in it", "dropped and counted; answers do not wait for it"
)
def test_what_is_too_much_is_dropped_and_nothing_waits_for_it() -> None:
    shadow, asked = shadowing(ShadowPlan(1.0, "here"), running=1000)
    run(shadow, *(answered(i) for i in range(QUEUE + 7)))
    assert (len(asked), shadow.dropped) == (0, 7)
    shadow, asked = shadowing(ShadowPlan(1.0, "here"), left=0.4)
    run(shadow, answered())
    assert (len(asked), shadow.dropped) == (0, 1)
    shadow, asked = shadowing(ShadowPlan(1.0, "here"), fails=True)
    log = run(shadow, answered(0), answered(1))
    assert (len(asked), shadow.dropped, len(log.rows())) == (2, 2, 2)


def test_a_grader_is_held_against_people() -> None:
    rows = [Decision(f"c{i}", "r", 0.0, "m", score=i % 2, grade=(i % 2) * 0.5 + 0.5) for i in range(200)]
    rows += [Decision("x", "r", 0.0, "m", score=1.0, grade=1.0, scored_by="judge:x")]
    found = agreement(rows)
    assert (found.n, found.same_side) == (200, 1.0)
    assert found.bias.mean == pytest.approx(0.25)
    assert 0 < found.bias.low < 0.25 < found.bias.high
    assert agreement([]).same_side is None


class PositionJudge(FakeModel):
    """A judge who calls the answer better that is shown first, but for one that it knows to be right."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        if self._name != "there":
            return ChatReply("42", self._name)
        shown_first, shown_second = request.question.split("Answer B")
        return ChatReply("A" if "41" in shown_first or "41" not in shown_second else "B", self._name)


@pytest.mark.parametrize(("served", "grade", "first_gains"), [("41", 1.0, 0.0), ("43", 0.5, 1.0)])
def test_a_judge_that_compares_sees_each_answer_first_once(served: str, grade: float, first_gains: float) -> None:
    asked: list[Any] = []
    shadow, _ = shadowing(ShadowPlan(1.0, "here"))
    catalogue: Any = SimpleNamespace(
        get=lambda name: PositionJudge(name, asked, False),
        breaker=lambda name: SimpleNamespace(resting_s=lambda: 0.0),
    )
    allowance: Any = SimpleNamespace(left_usd=9.0, spend=lambda usd: None)
    grader = ShadowGrader("pairwise:there", catalogue, allowance)
    shadow = Shadow(ShadowPlan(1.0, "here"), SimpleNamespace(catalogue=catalogue), allowance, grader, lambda: 0)  # type: ignore[arg-type]
    left, other = run(shadow, answered()._replace(text=served)).rows()
    assert (left.grade, other.grade, other.first_gains) == (grade, 1 - grade, first_gains)
    told = agreement([left, other])
    assert (told.swapped, told.settled, told.first_gains.mean) == (1, float(first_gains == 0), first_gains)
    assert not grader.stays_here


@pytest.mark.fault("a grader fails on answers that were asked for in the shadow", "they are kept without a grade")
def test_an_answer_that_could_not_be_graded_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shadow, _ = shadowing(ShadowPlan(1.0, "here"))

    async def fails(*_: Any) -> Any:
        raise UpstreamError("the judge is down")

    shadow._grader.grade = fails  # type: ignore[method-assign]
    with caplog.at_level("INFO"):
        rows = run(shadow, answered()).rows()
    assert [(row.model, row.grade) for row in rows] == [("served", None), ("here", None)]
    assert "was not graded: the judge is down" in caplog.text
    log = FileLog(tmp_path / "log.sqlite")
    log.write(rows)
    log.close()
    monkeypatch.setenv("DECISION_LOG", str(tmp_path / "log.sqlite"))
    assert "graded yet (1 asked in the shadow)" in CliRunner().invoke(app, ["shadow"]).output.replace("\n", " ")


def test_models_are_compared_on_the_requests_that_both_were_graded_on() -> None:
    rows = [Decision(f"c{i}", "r", 0.0, "a", grade=0.0) for i in range(60)]
    rows += [Decision(f"shadow-c{i}", "r", 0.0, "b", grade=1.0) for i in range(50)]
    rows += [Decision("shadow-c55", "r", 0.0, "c", grade=1.0), Decision("shadow-gone", "r", 0.0, "b", grade=1.0)]
    rows += [Decision("s", "r", 0.0, "a", score=1.0), Decision("shadow-s", "r", 0.0, "d", score=0.0)]  # by people
    rows += [Decision("t", "r", 0.0, "a", score=1.0), Decision("shadow-t", "r", 0.0, "e", score=0.0, scored_by="g")]
    first, second, third = paired(rows)
    assert (third.shadow, third.lead.mean) == ("d", -1.0)
    assert (first.served, first.shadow, first.n, first.lead.mean) == ("a", "b", 50, 1.0)
    assert 0.5 < first.lead.low <= 1 <= first.lead.high
    assert (second.shadow, second.n) == ("c", 1)


@pytest.mark.parametrize("name", ["regex:(", "nope", "gone.py:grade"])
def test_a_grader_that_is_none_stops_the_start(name: str) -> None:
    with pytest.raises(SettingsError, match="SHADOW_GRADER"):
        ShadowGrader(name, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("stream", "prompts"), [(False, True), (True, False)])
def test_a_service_asks_afterwards_and_keeps_questions_only_where_that_is_wanted(
    tmp_path: Path, stream: bool, prompts: bool
) -> None:
    rows = [
        {"prompt": "q", "model": name, "reply": reply, "prompt_tokens": 1, "completion_tokens": 1}
        for name, reply in (("small", "no"), ("large", "7"))
    ]
    recorded = tmp_path / "outcomes.jsonl"
    recorded.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    models = [
        ModelConfig(name=name, type="replay", path=str(recorded), quality=quality)
        for name, quality in (("small", 0.5), ("large", 0.9))
    ]
    log = tmp_path / "log.sqlite"
    settings = {"decision_log": log, "decision_log_prompts": prompts, "autopicker_home": tmp_path / "home"}
    with gateway(*models, shadow_share=1.0, shadow_grader=r"regex:\d", **settings) as base:
        body = {"messages": [{"role": "user", "content": "q"}], "stream": stream}
        assert soon(lambda: _asked(base, body) and len(open_log(log).rows()) > 2, 20)
        assert soon(lambda: any(row.grade is not None for row in open_log(log).rows() if row.policy), 20)
    kept = open_log(log).rows()
    served = next(row for row in kept if row.policy and row.grade is not None)
    other = next(row for row in kept if row.chat_id == f"shadow-{served.chat_id}")
    assert {served.model, other.model} == {"small", "large"}
    assert {row.model: row.score for row in (served, other)} == {"small": 0.0, "large": 1.0}
    assert served.prompt == other.prompt == ("q" if prompts else None)


def _asked(base: str, body: Any) -> bool:
    return httpx.post(f"{base}/v1/chat/completions", json=body, timeout=30).status_code == 200
