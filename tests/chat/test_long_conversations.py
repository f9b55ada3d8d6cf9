"""Routing a conversation costs what reading it once costs, and keeps to what its questions need."""

from typing import Any

import pytest

from autopicker_lab import Settings, Workbench
from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest
from autopicker_lab.models import Availability
from autopicker_lab.settings import ModelConfig

HARD = "Prove step by step, derive and justify why this must hold, and compare the two designs. " * 40
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def conversation(*questions: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
    for question in questions:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": "Yes."}]
    return messages[:-1]


def test_earlier_questions_are_scored_as_they_stood() -> None:
    seen = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    request = ChatRequest.of(conversation("Hi", seen, HARD, "And now?"))
    ends = [1, 3, 5]
    alone = [ChatRequest(request.messages[: end + 1]) for end in ends]
    assert [score(part) for part in request.as_of(ends)] == [score(part) for part in alone]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Any:
    fields: dict[str, Any] = {"type": "openai", "endpoint": "http://127.0.0.1:9/v1", "context_window": 10**6}
    models = (
        ModelConfig(name="weak", quality=0.2, **fields),
        ModelConfig(name="strong", quality=0.9, price_in=5, **fields),
    )
    lab = Workbench(Settings.load(models=models))
    answers = dict.fromkeys(("weak", "strong"), Availability(True))
    monkeypatch.setattr(lab.catalogue, "cached_availability", lambda: answers)
    return lab


@pytest.mark.parametrize("place", [0, 60, 199])
async def test_a_long_conversation_stays_with_the_model_that_its_hardest_question_got(lab: Any, place: int) -> None:
    questions = [f"Hello {i}?" for i in range(200)]
    assert (await lab.pipeline.route(ChatRequest.of(conversation(*questions)))).model == "weak"
    questions[place] = HARD
    assert (await lab.pipeline.route(ChatRequest.of(conversation(*questions, "Thanks!")))).model == "strong"


@pytest.mark.fault("a conversation of thousands of questions", "a bounded number is weighed, and routing stays quick")
async def test_a_bounded_number_of_questions_is_weighed(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[int] = []
    scorer = lab.pipeline._scorer

    def counting(request: ChatRequest, documents: Any) -> Any:
        scored.append(len(request.messages))
        return scorer(request, documents)

    monkeypatch.setattr(lab.pipeline, "_scorer", counting)
    await lab.pipeline.route(ChatRequest.of(conversation(*[f"Hello {i}?" for i in range(5_000)])))
    assert len(scored) <= 40
