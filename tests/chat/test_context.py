"""lab.context: what of the files a model would be given, with its own tokens, and no model asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from autopicker_lab import Settings, Workbench
from autopicker_lab.chat.file_context import FileContext
from autopicker_lab.core import ChatRequest, Document, InvalidRequestError, ModelSpec, Part
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.models import build
from autopicker_lab.settings import ModelConfig

if TYPE_CHECKING:
    from pathlib import Path

HINDI = "पुरानी कागज़ मिल नदी के किनारे खड़ी रही और उसमें बहुत लोग काम करते थे। "
PAGES = [f"The boat yard of place {i} employed {100 + i} people in the year {1700 + i}. " * 3 for i in range(60)]


def lab_of(home: Path, **fields: object) -> Workbench:
    model = {"name": "m", "type": "openai", "endpoint": "http://127.0.0.1:9/v1", "model": "gpt-4o", **fields}
    return Workbench(Settings(autopicker_home=home, models=(ModelConfig.model_validate(model),)))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "survey.md"
    path.write_text("\n\n".join(f"# Place {i}\n\n{page}" for i, page in enumerate(PAGES)), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["survey.md", "调查报告二零二四年全部地方.md", "a_(b)-<c>~{d}=e;" * 6 + ".md"])
@pytest.mark.parametrize("question", ["How many did the boat yard of place 31 employ?", "Summarise the survey."])
def test_labels_count_within_the_budget(tmp_path: Path, name: str, question: str) -> None:
    path = tmp_path / name
    path.write_text("\n\n".join(f"# Place {i}\n\n{page}" for i, page in enumerate(PAGES)), encoding="utf-8")
    with lab_of(tmp_path) as lab:
        for budget in (200, 1_000):
            assert 0.4 * budget < lab.context(question, path, budget=budget).report.tokens <= budget


def test_a_context_is_told_without_asking_a_model(tmp_path: Path, text: Path) -> None:
    with lab_of(tmp_path) as lab:
        found = lab.context("How many did the boat yard of place 31 employ?", text, budget=200)
    assert "employed 131 people" in found.text
    assert found.report.tokens <= 200
    assert found.model == ""
    passage = next(p for p in found.report.passages if "131 people" in p.text)
    assert (passage.file, passage.why) == ("survey.md", "near")
    assert passage.score == max(p.score for p in found.report.passages)
    assert f"[{found.mark} {passage.number}: survey.md, " in found.text
    ((name, share),) = found.report.coverage
    assert name == "survey.md"
    assert 0 < share < 0.3
    said = found.to_dict()
    assert said["passages"][0]["file"] == "survey.md"
    assert said["coverage"] == [{"file": "survey.md", "share": round(share, 4)}]
    assert "131 people" in found._repr_html_()


def test_a_question_that_nothing_is_near_to_may_not_be_answered_in_the_files(tmp_path: Path, text: Path) -> None:
    with lab_of(tmp_path) as lab:
        far = lab.context("Which minister signed the treaty of Lisbon?", text, budget=300)
        near = lab.context("Which boat yard employed 120 people in 1720?", text, budget=300)
        foreign = lab.context("Wer arbeitete 1731 dort?", text, budget=300)
    assert far.is_far
    assert any("may not be in the files" in line for line in far.report.warnings)
    assert "say that the files do not hold it" in far.before("?")
    for context in (near, foreign):
        assert not context.is_far
        assert "do not hold" not in context.before("?")


def test_a_follow_up_is_asked_with_what_it_refers_to(tmp_path: Path, text: Path) -> None:
    said = [
        {"role": "user", "content": "When was the boat yard of place 31 at work?"},
        {"role": "assistant", "content": "In 1731."},
        {"role": "user", "content": "And how many people did it employ?"},
    ]
    with lab_of(tmp_path) as lab:
        assert "employed 131 people" in lab.context(said, [text], budget=200).text


def test_without_a_budget_it_is_what_the_model_gets(tmp_path: Path, text: Path) -> None:
    with lab_of(tmp_path, context_window=1000, max_output=400) as lab:
        found = lab.context("Who?", text, model="m")
        assert found.model == "m"
        assert 400 <= found.budget <= 0.85 * 600
        assert found.report.tokens <= found.budget
        assert lab.context("Who?", text, model="m", budget=10_000).budget == found.budget  # the window bounds it
        with pytest.raises(InvalidRequestError, match="holds no passage"):
            lab.context("Who?", text, budget=10)


@pytest.mark.parametrize("name", ["gpt-4", "smollm2:1.7b", "a-model-of-nobody"])
def test_a_tokenizer_that_hardly_knows_a_script_gets_less_of_it(name: str) -> None:
    document = Document("a.txt", "txt", tuple(Part(f"page {i}", HINDI * 3 + str(i)) for i in range(40)))
    request = ChatRequest.of("नदी के किनारे क्या था?")

    def given(model: str) -> str:
        spec = ModelSpec("m", "openai", model, "https://models.example.com/v1")
        return asyncio.run(FileContext().fitted(build(spec), request, [document], 600)).text

    assert len(given(name)) < 0.6 * len(given("gpt-4o"))
    assert estimate_tokens(given(name), "cl100k" if name == "gpt-4" else "smollm") <= 700
