import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import ChatRequest, ModelSpec, NotFoundError, SettingsError
from autopicker_lab.models import build

ROW = {"prompt": "Name a  fish.", "model": "small", "reply": "A  pike,\nor a carp.", "latency_s": 0.2}
TOKENS = {"prompt_tokens": 7, "completion_tokens": 6}


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    path = tmp_path / "outcomes.jsonl"
    other = {**ROW, "model": "large", "reply": "Trout."}
    path.write_text("".join(json.dumps(row | TOKENS) + "\n" for row in (ROW, other)), "utf-8")
    return ModelSpec("weak", "replay", str(path), aliases=("small",))


async def test_the_recorded_answer_comes_whole_with_its_tokens_and_says_what_it_is(spec: Any) -> None:
    reply = await build(spec).complete(ChatRequest.of(" name a fish. "))
    assert (reply.text, reply.usage.prompt_tokens, reply.usage.completion_tokens) == (ROW["reply"], 7, 6)
    assert reply.raw["replayed"] == {"recorded_latency_s": 0.2}


async def test_an_answer_is_cut_at_its_limit(spec: Any) -> None:
    reply = await build(spec).complete(ChatRequest.of("Name a fish.", options={"max_tokens": 3}))
    assert (reply.text, reply.finish_reason, reply.usage.completion_tokens) == ("A  pike,", "length", 3)


async def test_a_question_that_was_not_recorded_is_an_error_that_says_what_can_be_asked(spec: Any) -> None:
    with pytest.raises(NotFoundError, match=r"no recorded answer.*1 recorded, such as \"Name a  fish"):
        await build(spec).complete(ChatRequest.of("Name a bird."))


async def test_it_takes_its_recorded_time_where_that_is_wanted(spec: Any) -> None:
    started_at = time.perf_counter()
    await build(spec).complete(ChatRequest.of("Name a fish.", options={"replay_speed": 2}))
    assert time.perf_counter() - started_at >= 0.1
    with pytest.raises(SettingsError, match="replay_speed"):
        await build(spec).complete(ChatRequest.of("Name a fish.", options={"replay_speed": 0}))


@pytest.mark.parametrize(
    ("text", "why"), [("", "has no replies"), ("{}", "line 1"), ("[1]", "line 1"), ('{"prompt": 1', "line 1")]
)
async def test_a_file_without_replies_is_not_available_and_says_why(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "none.jsonl"
    path.write_text(text, "utf-8")
    answer = await build(ModelSpec("weak", "replay", str(path))).available()
    assert not answer.ok
    assert why in answer.why
    assert answer.hint


def test_a_file_that_is_written_anew_is_read_anew(spec: Any) -> None:
    model = build(spec)
    asyncio.run(model.complete(ChatRequest.of("Name a fish.")))
    Path(spec.model).write_text(json.dumps(ROW | TOKENS | {"reply": "An eel."}), "utf-8")
    assert asyncio.run(model.complete(ChatRequest.of("Name a fish."))).text == "An eel."


def test_the_demonstration_chooses_between_recorded_models_and_each_answer_says_so() -> None:
    lab = Workbench(Settings.load(autopicker_demo=True))
    assert all(available.ok for _, available in lab.models())
    assert {spec.provider for spec, _ in lab.models()} == {"replay"}
    easy = lab.ask("What is 50 - 12? Reply with the number only.")
    assert easy.route is not None
    assert len([c for c in easy.route.candidates if c.kept]) == 2
    assert any("replayed" in warning for warning in easy.route.warnings)
    stream = lab.stream("What is 50 - 12? Reply with the number only.", model="qwen2.5-coder-0.5b")
    assert "".join(chunk.content for chunk in stream)
    assert stream.route is not None
    assert any("replayed" in warning for warning in stream.route.warnings)
