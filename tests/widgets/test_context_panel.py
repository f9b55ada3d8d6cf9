"""The context panel: what would be read for a question, why, and within which budget."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab import Settings, Workbench
from autopicker_lab.widgets import ContextModel, ContextPanel

PAGES = [f"The boat yard of place {i} employed {100 + i} people in the year {1700 + i}. " * 3 for i in range(60)]
QUESTION = "How many did the boat yard of place 31 employ?"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "survey<b>.md"
    path.write_text("\n\n".join(f"# Place {i}\n\n{page}" for i, page in enumerate(PAGES)), encoding="utf-8")
    return path


@pytest.fixture
def words(tmp_path: Path) -> Any:
    with Workbench(Settings(autopicker_home=tmp_path, retrieval_encoder="off")) as lab:
        yield lab


def test_a_question_is_looked_up_as_it_changes(words: Workbench, text: Path) -> None:
    model = ContextModel(words, budget=200)
    model.intake.add_path(str(text))
    assert model.found is None
    model.set(question=QUESTION)
    model.job.wait(20)
    assert model.found is not None
    assert "employed 131 people" in model.found.text
    model.set(budget=1_000)
    model.set(question="What is said of place 12?")  # while the other is looked for
    model.job.wait(20)
    assert "place 12 " in model.found.text
    assert 200 < model.found.report.tokens <= 1_000


def test_the_panel_shows_why_and_how_near(words: Workbench, text: Path) -> None:
    panel = ContextPanel(words, QUESTION, text, budget=200)
    panel.model.job.wait(20)
    shown = panel.result.value
    assert "near to the question" in shown
    assert "words <svg" in shown
    assert "found by words alone" in shown
    assert "<b>" not in shown.split("</b>", 1)[1].split("<pre>")[0].replace("<b>1</b>", "")
    panel.budget.value = 4_000
    panel.model.job.wait(20)
    assert panel.result.value.count("<details>") > shown.count("<details>")
    assert "survey&lt;b&gt;.md" in panel.result.value
    panel.question.value = ""
    assert "give a file and a question" in panel.result.value
    with pytest.raises(Exception, match="nothing was looked for"):
        panel.model.require_found()


def test_rows_of_a_table_are_told_by_what_they_say(words: Workbench, tmp_path: Path) -> None:
    path = tmp_path / "boats.csv"
    path.write_text("Name,Built\n" + "".join(f"Boat {i},{1700 + i}\n" for i in range(200)), encoding="utf-8")
    panel = ContextPanel(words, "When was Boat 117 built?", path, budget=200)
    panel.model.job.wait(20)
    heads = re.findall("<summary>(.*?)<div", panel.result.value)
    assert all(re.search(r"row.*: \| Boat \d+ \| 1\d{3} \|", head) for head in heads)
    assert "| Name | Built |" in panel.result.value
