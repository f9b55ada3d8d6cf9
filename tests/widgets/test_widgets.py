import errno
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfWriter
from reportlab.pdfgen.canvas import Canvas
from support.outcomes import table
from support.serving import serving

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import AutopickerError, Guard, UnsupportedFileError
from autopicker_lab.routing import choose, default_policy, load_policy
from autopicker_lab.routing.requirements import Requirements
from autopicker_lab.settings import ModelConfig
from autopicker_lab.tuning import Promise, evaluate, tune
from autopicker_lab.tuning.choices import stand_in_specs
from autopicker_lab.tuning.whatif import compare, compare_on
from autopicker_lab.widgets import (
    ChatPanel,
    ConversationModel,
    ExplorerModel,
    ExplorerPanel,
    ExtractionModel,
    ExtractionPanel,
    LoadModel,
    LoadPanel,
    ThresholdModel,
    ThresholdPanel,
    TranscriptionPanel,
    WhatIfModel,
    WhatIfPanel,
)
from autopicker_lab.widgets.load_model import OPEN
from autopicker_lab.widgets.parts import Intake, IntakeBox, Job, JobBar, Save, to_html
from autopicker_lab.widgets.parts.job import STOPPED
from autopicker_lab.widgets.parts.snapshot import static_html
from autopicker_lab.widgets.threshold_model import ESTIMATES, TIERS
from autopicker_lab.widgets.threshold_words import summary_html
from autopicker_lab.widgets.transcription_model import _pace


@pytest.fixture(scope="module")
def report() -> Any:
    return tune(table(300, models=("small", "middle", "large"), usd=True))


def until(happened: Any, seconds: int = 20) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_explorer_decides_anew_at_every_change(lab: Workbench, samples: Path) -> None:
    model = ExplorerModel(lab)
    told = []
    model.listeners.append(lambda: told.append(model.route))
    model.set(prompt="Why is the sky blue?")
    plain = model.route.complexity.score
    model.intake.add_path(str(samples / "report.pdf"))
    model.job.wait(20)
    assert model.route.complexity.score > plain
    assert "quality 0.40" not in model.route.reason or model.threshold <= model.route.complexity.score
    model.set(threshold=0.0)
    assert "quality 0.40" in model.route.reason
    assert len(told) >= 3
    with pytest.raises(AttributeError, match="no field 'treshold'"):
        model.set(treshold=1)


def test_the_explorer_routes_as_if_all_models_answered() -> None:
    gone = ModelConfig(name="large", type="openai", endpoint="http://127.0.0.1:1/v1", quality=0.9)
    with Workbench(Settings.load(models=(ModelConfig(name="smollm2-135m", type="replay"), gone))) as lab:
        panel = ExplorerPanel(lab, "Why? Prove it step by step.")
        panel.threshold.value = 0
        assert panel.model.route.model == "smollm2-135m"
        panel.all_answer.value = True
        assert panel.model.route.model == "large"
        assert "▶ large" in panel.result.value
        panel.all_answer.value = False
        assert panel.model.route.model == "smollm2-135m"


def test_the_explorer_panel_shows_factors_and_follows_its_controls(lab: Workbench) -> None:
    panel = ExplorerPanel(lab, "Why?")
    assert "reasoning" in panel.result.value
    panel.prompt.value = "x = 1; return f(x)"
    assert "code" in panel.result.value
    panel.intake.path.value = "/no/such.pdf"
    assert "check the path" in panel.intake.note.value.lower()
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()


def test_a_panel_has_a_last_state_that_needs_no_kernel(
    lab: Workbench, report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    kept: list[str] = []
    handle = SimpleNamespace(update=lambda html: kept.append(html.data))

    def display(data: Any, **_: Any) -> Any:
        shown.append(data)
        return handle

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("autopicker_lab.widgets.parts.snapshot._EVERY_S", 0.01)
    panel = ExplorerPanel(lab, "Why <b>?")
    panel._ipython_display_()
    assert (
        "application/vnd.jupyter.widget-view+json" in shown[0]
    )  # before its copy, whose names of elements are its own
    for words in ("Run this cell to go on", "prompt: Why &lt;b&gt;?", "threshold: 12.0", "complexity"):
        assert words in shown[1].data
    panel.prompt.value = "And why not?"
    until(lambda: kept and "And why not?" in kept[-1])
    tuned = static_html(ThresholdPanel(report).view)
    for words in ("what may it cost in quality?: 1 points", "<svg", "Requests", "By hand", "points lost"):
        assert words in tuned
    key = LoadPanel(lab, key="secret")
    assert "secret" not in static_html(key.view)
    assert "address: lab:" in static_html(key.view)
    key.url.value = "http://ann:hidden@127.0.0.1:1/v1?key=hidden-too"
    key.model.message = f"{key.url.value} refused the key 'secret' <b>"
    key.model.notify()
    copied = static_html(key.view)
    assert "address: http://127.0.0.1:1/v1?key=***" in copied
    assert "http://127.0.0.1:1/v1?key=*** refused the key &#x27;***&#x27; &lt;b&gt;" in copied


def test_the_explorer_takes_a_dropped_file_and_a_policy(lab: Workbench, samples: Path, report: Any) -> None:
    panel = ExplorerPanel(lab, "Summarise.", policy=report.policy)
    panel.model.intake.add_upload("report.pdf", (samples / "report.pdf").read_bytes())
    panel.model.job.wait(20)
    assert "with report.pdf" in panel.result.value
    assert panel.model.route.policy == report.policy.id
    panel.model.intake.add_upload("x.rar", b"Rar!")
    assert "upported" in panel.intake.note.value
    panel.model.intake.add_upload("broken.pdf", b"%PDF-1.7 broken")
    panel.model.job.wait(20)
    assert "not a readable PDF" in panel.bar.words.value
    assert "with broken.pdf" not in panel.result.value


class TestChat:
    @pytest.mark.slow
    def test_it_streams_and_keeps_the_reply_with_its_sources(self, lab: Workbench, samples: Path) -> None:
        model = ConversationModel(lab)
        texts = []
        model.intake.add_path(str(samples / "report.pdf"))
        model.listeners.append(lambda: texts.append(model.turns[-1].answer.text if model.turns else ""))
        model.ask("Which boat is driven by electric motors?")
        model.job.wait(60)
        answer = model.turns[0].answer
        assert "kittiwake" in answer.text.lower()
        assert len(set(texts)) > 2
        assert answer.model == "smollm2-135m"
        assert any("electric motors" in text for text in answer.sources.values())
        assert model.tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 50

    def test_it_remembers_and_answers_again(self, lab: Workbench) -> None:
        model = ConversationModel(lab, options={"max_tokens": 12})
        for question in ("Say hello.", "And in French?"):
            model.ask(question)
            model.job.wait(60)
        assert [message.role for message in model._messages()] == ["user", "assistant", "user"]
        model.regenerate("smollm2-135m")
        model.job.wait(60)
        assert [len(turn.answers) for turn in model.turns] == [1, 2]
        assert model.turns[1].answer.route.named
        assert len(model.to_dict()["turns"][1]["answers"]) == 2
        assert "**And in French?**" in model.to_markdown()
        model.clear()
        assert model.turns == []

    def test_it_stops_within_a_second_and_keeps_what_came(self, lab: Workbench) -> None:
        model = ConversationModel(lab)
        model.ask("Tell a very long story.")
        until(lambda: model.turns[0].answer.text)
        model.job.stop()
        stopped_at = time.monotonic()
        model.job.wait(10)
        assert time.monotonic() - stopped_at < 1
        answer = model.turns[0].answer
        assert 0 < len(answer.text) < 4000
        assert answer.note == model.job.words == STOPPED
        assert answer.usage.prompt_tokens
        assert not model.job.failed

    def test_it_tells_a_failure_with_its_next_step(self, lab: Workbench) -> None:
        panel = ChatPanel(lab, "x")
        panel.choice.value = "llama3.2-local"
        panel.ask.click()
        panel.model.job.wait(20)
        assert "ollama serve" in panel.bar.words.value
        assert "no answer: " in panel.log.children[0].children[0].value
        panel.ask.click()
        assert "type a question first" in panel.note.value
        assert len(panel.model.turns) == 1
        assert panel.again.disabled is panel.ask.disabled is False

    @pytest.mark.slow
    def test_a_message_is_never_markup(self, lab: Workbench) -> None:
        panel = ChatPanel(lab, question="<img src=x onerror=alert(1)>", file="<img src=x onerror=alert(1)>.pdf")
        panel.ask.click()
        panel.model.job.wait(60)
        shown = panel.log.children[0].children[0].value + panel.intake.note.value
        assert "&lt;img" in shown
        assert "<img" not in shown

    def test_markdown_is_shown_and_tags_are_not(self) -> None:
        html = to_html("**b** <script>x</script> ![p](http://x/y.png) [l](javascript:alert(1))\n\n|a|\n|-|\n|1|")
        assert "<strong>b</strong>" in html
        assert "<td>1</td>" in html
        for bad in ("<script", "<img", 'href="javascript'):
            assert bad not in html


def test_sliders_route_all_prompts_anew(report: Any) -> None:
    model = ThresholdModel(report)
    told = []
    model.listeners.append(lambda: told.append((model.cost, model.quality)))
    model.set(cost_weight=0.0)
    best = model.quality
    model.set(cost_weight=1e9)
    assert model.shares["small"] > 0.95  # all but what is unlike the rest
    assert model.quality < best
    middle = float(report.outcomes.costs.mean(0).mean())
    model.aim(middle)
    assert model.cost <= middle
    model.set(rule=TIERS, thresholds=(0.0, 0.0))
    assert model.shares["large"] == 1
    model.set(rule=TIERS, thresholds=(101.0, 101.0))
    assert model.shares["small"] == 1
    assert len(told) == 5
    for words in ("small</td>", "100 % of the requests", "quality", "USD per 1,000", "saved", "against always large"):
        assert words in summary_html(model)


def test_what_is_unlike_the_rest_stays_with_the_incumbent_whatever_the_sliders_say(report: Any) -> None:
    unknown, limit = report.policy.estimator.novelty
    narrow = replace(report.policy.estimator, novelty=(unknown, 0.98 * limit))  # so that a few prompts are unlike
    report = replace(report, policy=replace(report.policy, estimator=narrow))
    model = ThresholdModel(report)
    model.set(cost_weight=1e9)
    new = np.array([report.policy.is_unfamiliar(question) for question in report.outcomes.questions])
    assert 0 < new.mean() < 0.1
    assert "unlike the rest, left to large" in summary_html(model)
    assert f"{100 * new.mean():.1f} % of these prompts" in summary_html(model)
    assert model.shares["small"] == pytest.approx(1 - new.mean())
    assert model.cost == pytest.approx(np.where(new, report.outcomes.costs[:, 2], report.outcomes.costs[:, 0]).mean())


def test_a_promise_is_of_the_tuned_setting_alone(report: Any) -> None:
    promise = Promise(0.05, 0.9, True, 0.04, 0.5, 100)
    policy = replace(report.policy, promise=promise.to_dict(), guard=Guard("large", 2.0, {"small": 0.0}))
    model = ThresholdModel(replace(report, policy=policy, promise=promise))
    assert model.policy().promise == promise.to_dict()
    assert "<td" in summary_html(model)
    assert ">holds<" in summary_html(model)
    assert "large is left for a lead of 2 standard errors or more" in summary_html(model)
    assert str(promise) in summary_html(model)
    model.set(cost_weight=policy.cost_weight + 1.0)
    assert model.policy().promise == {}
    assert ">does not hold for this setting<" in summary_html(model)


def test_the_guards_slider_shows_what_its_policy_does(report: Any, tmp_path: Path) -> None:
    model = ThresholdModel(report)
    model.set(cost_weight=float(report.curve.weights[len(report.curve.weights) // 3]))
    left = []
    for z, coverage in zip(model.risk.z, model.risk.coverage, strict=True):
        model.set(z=float(z))
        left.append(1 - model.shares["large"])
        assert left[-1] == pytest.approx(coverage)  # one rule: what is drawn is what is routed
        if z:
            assert model.policy().guard.z == z
            assert f"large is left for a lead of {z:g} standard errors" in summary_html(model)
    assert left[0] > left[-1]
    model.set(z=1.0)
    model.save(tmp_path / "p.json")
    policy = load_policy(tmp_path / "p.json")
    assert policy.guard == model.policy().guard
    assert policy.id == model.policy().id
    model.set(z=0.0)
    assert model.policy().guard is None


def test_a_tuned_guard_is_kept_where_its_slider_is_not_moved(report: Any) -> None:
    never = Guard("large", 0.7, {})  # the outcomes do not show that leaving it pays
    model = ThresholdModel(replace(report, policy=replace(report.policy, guard=never)))
    assert model.policy().guard is never
    model.set(rule=ESTIMATES)
    assert (model.z, model.policy().guard) == (0.7, never)
    model.set(z=0.5)
    assert model.policy().guard.errors


@pytest.mark.parametrize("rule", [ESTIMATES, TIERS])
def test_a_saved_setting_routes_as_the_panel_shows(report: Any, tmp_path: Path, rule: Any) -> None:
    model = ThresholdModel(report)
    scores = sorted(50 + 50 * report.scores)
    model.set(rule=rule, cost_weight=20.0, thresholds=(scores[100], scores[200]))
    model.save(tmp_path / "p.json")
    assert "AUTOPICKER_POLICY" in model.message
    policy, specs = load_policy(tmp_path / "p.json"), stand_in_specs(report.outcomes)
    found = compare_on(report.outcomes, policy, policy)
    routed = {name: sum(r.after == name for r in found.requests) / 300 for name in report.outcomes.models}
    assert routed == pytest.approx(model.shares, abs=0.15)  # the panel is out of fold, the file's estimates are not
    complexity = lab_complexity("hello")
    assert choose(complexity, specs, policy, Requirements(5), question="hello").policy == policy.id
    model.save(tmp_path / "nowhere" / "p.json")
    assert "nowhere" in model.message


def lab_complexity(text: Any) -> Any:
    from autopicker_lab.complexity import score
    from autopicker_lab.core import ChatRequest

    return score(ChatRequest.of(text))


@pytest.mark.slow
def test_the_threshold_panel_redraws_with_its_sliders(report: Any, tmp_path: Path) -> None:
    panel = ThresholdPanel(report, str(tmp_path / "p.json"))
    pictures = [panel.picture.value]
    changes: list[Any] = [
        lambda: setattr(panel.weight, "value", len(report.curve.weights) - 1),
        lambda: setattr(panel.cost, "value", 0),
        lambda: setattr(panel.thresholds, "value", (panel.thresholds.min, panel.thresholds.min)),
    ]
    for change in changes:
        change()
        pictures.append(panel.picture.value)
    assert pictures[0].count("this policy, as judged") == 3  # in the legend, and in its mark's words and name
    assert pictures[0] != pictures[1]
    assert pictures[2] != pictures[3]
    assert panel.rule.value == TIERS
    panel.weight.value = len(report.curve.weights) // 3
    before = panel.risk.value
    panel.z.value = 1.0
    assert panel.rule.value == ESTIMATES
    assert panel.risk.value != before
    assert panel.model.policy().guard.z == panel.z.value
    panel.rule.value = TIERS
    panel.save.click()
    assert load_policy(tmp_path / "p.json").by_tiers
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()


def test_a_report_without_estimates_has_no_sliders() -> None:
    with pytest.raises(AutopickerError, match="no estimates"):
        ThresholdModel(evaluate(table(), default_policy()))


def test_what_if(report: Any, lab: Workbench) -> None:
    found = compare_on(report.outcomes, default_policy(), report.policy)
    assert found.changed
    assert len(found.to_frame()) == len(found.changed)
    first = found.changed[0]
    column = report.outcomes.models.index(first.after)
    assert first.score_after == report.outcomes.scores[report.outcomes.prompts.index(first.prompt), column]
    assert "change sides" in found.summary
    assert found.plot().patches
    assert not compare_on(report.outcomes, report.policy, report.policy).changed
    plain = compare(["Hello"], lab.catalogue.specs(), default_policy(), default_policy())
    assert plain.quality is None
    assert "0 of 1" in plain.summary


def test_the_what_if_panel(report: Any, lab: Workbench) -> None:
    panel = WhatIfPanel(report.outcomes, {"tuned": report.policy})
    panel.model.job.wait(20)
    assert re.search("→ (middle|large)", panel.picture.value)
    assert "change sides" in panel.table.children[0].caption
    panel.after.value = "default"
    panel.model.job.wait(20)
    assert not panel.model.comparison.changed
    panel.after.value = "/no/such.json"
    panel.model.job.wait(20)
    assert "check the path" in panel.bar.words.value.lower()
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()
    prompts = WhatIfModel(["Hello"])
    prompts.set()
    prompts.job.wait(20)
    assert "pass lab=" in prompts.job.words.lower()
    prompts.set(lab=lab)
    prompts.job.wait(20)
    assert len(prompts.comparison.requests) == 1


@pytest.fixture
def reading() -> Iterator[Any]:
    """An extraction model whose process is ended afterwards."""
    model = ExtractionModel()
    yield model
    model.close()


def two_pages(word: Any) -> Any:
    out = io.BytesIO()
    canvas = Canvas(out)
    for page in (1, 2):
        canvas.setFont("Helvetica", 60)
        canvas.drawString(72, 600, f"{word} {page}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.mark.slow
class TestExtraction:
    def test_a_file_is_read_turned_and_pictured(self, reading: Any, samples: Path) -> None:
        reading.open(samples / "report.pdf")
        reading.job.wait(30)
        reading.select(1)
        assert "| North Quay | 9 |" in reading.current_part.text
        assert reading.picture().startswith(b"\x89PNG")
        assert len(reading.current.pictures) == 10
        reading.select(99)
        assert reading.current_part.label == "page 10"
        reading.compare("pypdf")
        reading.job.wait(30)
        assert "only pypdf" in reading.comparison

    def test_failures_are_words_with_the_next_step_and_the_rest_is_read(
        self, reading: Any, samples: Path, tmp_path: Path
    ) -> None:
        reading.open(tmp_path / "missing.pdf")
        assert "check the path" in reading.intake.message.lower()
        assert (reading.current_part, reading.picture()) == (None, b"")
        for name, content in (("a.pdf", b"%PDF-1.4 broken"), ("b.txt", b"well")):
            reading.open(content, name)
        reading.job.wait(30)
        assert "not a readable PDF" in reading.files[0].error
        assert reading.files[1].document.text == "well"
        assert reading.job.words == "1 of 2 files read"

    def test_a_folder_is_read_and_stops_within_a_second(self, reading: Any, samples: Path) -> None:
        reading.open(samples)
        assert len(reading.files) > 15
        until(lambda: reading.files[0].document)
        reading.job.stop()
        stopped_at = time.monotonic()
        reading.job.wait(10)
        assert time.monotonic() - stopped_at < 1
        assert {one.error for one in reading.files if one.document is None} == {STOPPED}
        reading.open(b"more", "more.txt")
        reading.job.wait(30)
        assert reading.document.text == "more"

    def test_a_password_opens_text_and_picture(self, reading: Any, samples: Path) -> None:
        writer = PdfWriter(clone_from=samples / "report.pdf")
        writer.encrypt("tide", algorithm="RC4-128")
        locked = io.BytesIO()
        writer.write(locked)
        reading.open(locked.getvalue(), "locked.pdf")
        reading.job.wait(30)
        assert "is encrypted" in reading.current.error
        assert reading.current.locked
        reading.unlock("tide")
        reading.job.wait(30)
        assert "412,000 passengers" in reading.current_part.text
        assert reading.picture()

    def test_the_panel_shows_parts_tables_and_warnings(self, samples: Path, tmp_path: Path) -> None:
        panel = ExtractionPanel(samples / "report.pdf")
        panel.model.job.wait(30)
        panel.pages.chosen = 1
        assert "188,400" in panel.text.value
        assert "<td" in panel.text.value
        panel.tabs.selected_index = 1
        assert "North Quay" in panel.tables.children[0].df.to_string()
        assert panel.image.layout.display == "block"
        assert json.loads(panel.save[2].encode())["name"] == "report.pdf"
        renamed = tmp_path / "board.png"
        renamed.write_bytes((samples / "board.gif").read_bytes())
        panel.intake.path.value = str(renamed)
        panel.model.job.wait(30)
        assert "its content is GIF" in panel.about.value
        panel.intake.path.value = str(samples / "notes.txt")
        panel.model.job.wait(30)
        assert panel.image.layout.display == "none"
        assert panel.file.layout.display == "flex"
        panel.model.close()

    def test_a_passage_that_is_picked_is_shown_and_marked_on_its_page(self, samples: Path) -> None:
        panel = ExtractionPanel(samples / "report.pdf")
        panel.model.job.wait(30)
        panel.pages.chosen = 1
        whole, plain = panel.source.value, bytes(panel.image.value)
        names = [name for name, _ in panel.passage.options]
        assert names[0] == "all of it"
        assert len(names) > 1
        panel.passage.value = len(names) - 2
        assert (panel.passage.layout.display, panel.file.layout.display) == ("flex", "none")
        assert panel.source.value == panel.model.passages[-1].text != whole
        assert ">page 2<" in panel.where.value
        assert bytes(panel.image.value) != plain
        panel.passage.value = -1
        assert (panel.source.value, bytes(panel.image.value)) == (whole, plain)
        panel.passage.value = 0
        panel.pages.chosen = 2
        assert (panel.model.passage, panel.passage.value) == (None, -1)
        panel.model.close()

    def test_each_file_has_its_own_pages_and_a_ragged_table_is_shown(self, samples: Path) -> None:
        panel = ExtractionPanel()
        for name, word in (("a.pdf", "one"), ("b.pdf", "two")):
            panel.model.open(two_pages(word), name)
        panel.model.job.wait(30)
        second = list(panel.pages.pictures)
        panel.file.value = 0
        assert panel.pages.pictures != second
        assert panel.file.value == panel.model.index == 0
        panel.model.open(b"| a |\n| - |\n| 1 | 2 | 3 |\n", "t.md")
        panel.model.job.wait(30)
        panel.tabs.selected_index = 1
        panel.model.open(b"and on", "u.txt")
        panel.model.job.wait(30)
        assert "and on" in panel.text.value

    def test_a_folder_with_a_bad_file_gives_the_others(self, reading: Any, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("good")
        (tmp_path / "b.txt").write_text("")
        reading.open(tmp_path)
        reading.job.wait(30)
        assert [one.file.name for one in reading.files] == ["a.txt"]
        assert "left out: 'b.txt' is empty" in reading.intake.message

    def test_a_sheet_has_a_picture(self, reading: Any, samples: Path) -> None:
        reading.open(samples / "passengers.xlsx")
        reading.job.wait(30)
        assert Image.open(io.BytesIO(reading.picture())).width > 100


@pytest.mark.parametrize(
    ("factor", "told"), [(None, ""), (0.1, "at 10 times"), (0.7, "at 1.4 times"), (3.0, "at 0.33 times"), (0.0, "")]
)
def test_a_slow_recognition_is_never_told_as_nothing(factor: float | None, told: str) -> None:
    assert bool(told) == bool(_pace(factor))
    assert told in _pace(factor)


@pytest.mark.slow
class TestTranscription:
    def test_a_recording_is_heard_corrected_and_saved(self, lab: Workbench, samples: Path) -> None:
        panel = TranscriptionPanel(lab, samples / "announcement.ogg")
        model = panel.model
        model.job.wait(60)
        assert "times the speed" in panel.bar.words.value
        first = model.transcript.segments[0]
        assert first.words
        (editor,) = panel.editor.children
        assert editor.audio[:4] == b"OggS"
        assert editor.rows()[0]["words"][0][3] > 0
        assert "<c>" in panel.model.written("vtt", words=True)
        assert '"avg_logprob"' in panel.model.written("verbose_json")
        editor._handle_custom_msg({"act": "correct", "index": 0, "text": "Mind the gap."}, [])
        assert model.transcript.text.startswith("Mind the gap.")
        assert panel.editor.children == (editor,)
        srt, vtt = panel.save[1].encode().decode(), panel.save[2].encode().decode()
        assert "Mind the gap." in srt
        assert vtt.startswith("WEBVTT")
        panel.again.click()
        assert "replaces your corrections" in panel.note.value
        assert not model.job.running
        editor._handle_custom_msg({"act": "correct", "index": 0, "text": " "}, [])
        assert "Mind the gap." not in model.transcript.to_srt()
        assert "\n\n\n" not in model.transcript.to_srt()

    def test_stop_ends_it_and_it_can_begin_again(self, lab: Workbench, samples: Path) -> None:
        panel = TranscriptionPanel(lab)
        never_heard = (samples / "announcement.wav").read_bytes() + bytes(2)
        panel.model.intake.add_upload("talk.wav", never_heard)
        panel.bar.stop.click()
        panel.model.job.wait(30)
        assert STOPPED in panel.bar.words.value
        assert panel.model.transcript.segments == ()
        panel.again.click()
        panel.model.job.wait(60)
        assert "ticket" in panel.model.transcript.text

    def test_what_is_no_recording_is_refused(self, lab: Workbench, samples: Path) -> None:
        panel = TranscriptionPanel(lab)
        panel.again.click()
        assert "give a recording first" in panel.note.value
        panel.intake.path.value = str(samples / "report.pdf")
        assert "no audio file" in panel.intake.note.value
        panel.model.intake.add_upload("x.wav", b"RIFF0000WAVEbroken")
        panel.model.job.wait(30)
        assert "⚠" in panel.bar.words.value
        assert panel.model.transcript is None


class TestParts:
    def test_an_upload_in_pieces_is_whole_and_its_limit_is_kept(self) -> None:
        intake = Intake(limit=3_000_000)
        whole = b"x" * 2_500_000
        for at in range(0, len(whole), 2**20):
            intake.add_piece("k", "a.txt", len(whole), whole[at : at + 2**20])
        assert intake.files[0].data == whole
        intake.add_piece("l", "b.txt", 3_000_001, b"x")
        assert "limit is 3,000,000" in intake.message
        assert [file.name for file in intake.files] == ["a.txt"]
        intake.add_piece("m", "empty.txt", 0, b"")
        assert "is empty" in intake.message

    def test_several_files_and_folders_are_taken(self, samples: Path) -> None:
        intake = Intake(several=True, categories=("image",))
        box = IntakeBox(intake)
        box.path.value = str(samples)
        assert {file.category for file in intake.files} == {"image"}
        assert "sign.jpg" in box.note.value
        box.clear.click()
        assert intake.files == []
        assert ".png" in box.drop.accept
        assert ".pdf" not in box.drop.accept

    def test_of_a_folder_it_says_what_is_left_out(self, tmp_path: Path) -> None:
        for name, content in (("a.txt", b"text"), ("b.exe", b"MZ"), ("empty.md", b""), (".hidden", b"x")):
            (tmp_path / name).write_bytes(content)
        intake = Intake(several=True)
        intake.add_path(str(tmp_path))
        assert [file.name for file in intake.files] == ["a.txt"]
        assert intake.message.startswith("left out: 'b.exe' is not of a kind that is read here; 'empty.md' is empty")
        assert "hidden" not in intake.message

    def test_a_folder_that_is_named_twice_at_once_is_taken_once(self, samples: Path) -> None:
        """As a path box and the button beside it do."""
        intake = Intake(several=True, categories=("image",))
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(intake.add_path, [str(samples)] * 8))
        names = [file.name for file in intake.files]
        assert len(names) == len(set(names)) > 1
        assert "left out" in intake.message

    def test_a_job_reports_and_stops(self) -> None:
        told = []
        job = Job(lambda: told.append((job.running, job.share)))
        bar = JobBar(job)

        def work() -> Any:
            for done in range(1000):
                if not job.report(done / 1000, f"{done} done"):
                    return "ended early"
                time.sleep(0.01)
            return "all done"

        assert job.start(work)
        assert not job.start(work)
        time.sleep(0.4)
        assert job.remaining_s > 5
        bar.draw()
        assert "s left" in bar.words.value
        job.stop()
        job.wait(5)
        assert job.words == "ended early"
        assert told[-1] == (False, job.share)

    @pytest.mark.parametrize(
        ("error", "says"),
        [
            (OSError(errno.ENOSPC, "No space left on device", "/x/p.json"), "free some space"),
            (UnsupportedFileError("'x.rar' is not read", "give a PDF"), "Give a PDF"),
            (KeyError("oops"), "please report it"),
        ],
    )
    def test_whatever_fails_becomes_words(self, error: Any, says: str) -> None:
        job = Job()

        def work() -> None:
            raise error

        job.start(work)
        job.wait(5)
        assert job.failed
        assert says.lower() in job.words.lower()
        assert "Traceback" not in job.words

    def test_a_drawing_that_fails_does_not_hold_up_the_work(self) -> None:
        job = Job(lambda: 1 / 0)  # type: ignore[arg-type]  # it fails before it returns
        assert job.start(lambda: "done")
        job.wait(5)
        assert (job.running, job.words) == (False, "done")
        assert job.start(lambda: "again")

    def test_controls_that_follow_in_two_threads_stay_alive(self, lab: Workbench) -> None:
        panel = ExplorerPanel(lab, "Why?")
        values: list[Any] = []
        panel.on(panel.threshold, values.append)
        stop = threading.Event()

        def follow() -> None:
            while not stop.is_set():
                with panel.following():
                    time.sleep(0.0001)

        other = threading.Thread(target=follow)
        other.start()
        for _ in range(200):
            with panel.following():
                panel.threshold.value = 1.0
        stop.set()
        other.join()
        panel.threshold.value = 30.0
        assert values == [30.0]

    @pytest.mark.parametrize("path", ["x" * 5000, "~nosuchuser/x", "a\0b"])
    def test_what_is_no_path_is_told(self, path: str) -> None:
        intake = Intake()
        intake.add_path(path)
        assert "check the path" in intake.message.lower()

    def test_a_download_that_cannot_be_made_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = []
        button = Save("Save", "a.json", lambda: {"a": 1})
        monkeypatch.setattr(button, "send", lambda message, buffers=None: sent.append((message, buffers)))
        button._handle_custom_msg({"want": True}, [])
        assert json.loads(sent[0][1][0]) == {"a": 1}
        button._content = lambda: 1 / 0
        button._handle_custom_msg({"want": True}, [])
        assert "ZeroDivisionError" in sent[1][0]["error"]


@pytest.fixture(scope="module")
def quick() -> Iterator[Any]:
    """The address of a server that answers in a moment."""
    from fastapi import FastAPI

    app = FastAPI()
    app.get("/ok")(lambda: {})
    with serving(app) as address:
        yield f"{address}/ok"


@pytest.mark.slow
def test_the_load_model_runs_and_keeps(lab: Workbench, quick: Any, tmp_path: Path) -> None:
    model = LoadModel(lab, quick, chat=False, users=2, seconds=0.6)
    model.start()
    model.start()  # one at a time
    assert model.job.running
    model.job.wait(20)
    assert not model.job.running
    assert list(model.reports) == [f"1: 2 users, {quick}"]
    assert model.history[-1].done == model.latest.count.sent > 5
    model.save(tmp_path / "r.json")
    assert "saved" in model.message
    model.load(tmp_path / "r.json")
    assert list(model.reports) == [f"1: 2 users, {quick}", "2: r.json"]
    model.set(loop=OPEN, rate=50.0)
    model.sweep("20, 40")
    model.job.wait(20)
    assert [rate for rate, _ in model.last_sweep.points] == [20, 40]
    model.sweep("fast")
    model.job.wait(20)
    assert "rates are numbers" in model.job.words.lower()


def test_the_load_model_stops_within_a_second(lab: Workbench, quick: Any) -> None:
    model = LoadModel(lab, quick, chat=False, seconds=60)
    model.start()
    until(lambda: model.history)
    model.job.stop()
    stopped_at = time.monotonic()
    model.job.wait(20)
    assert time.monotonic() - stopped_at < 1
    assert model.latest.stopped_early


def test_the_load_model_says_what_is_wrong(lab: Workbench, tmp_path: Path) -> None:
    model = LoadModel(lab, "ftp://x")
    model.start()
    assert "http://" in model.message
    model.save(tmp_path / "r.json")
    assert "start a test" in model.message.lower()
    model.load(tmp_path / "none.json")
    assert "check the path" in model.message.lower()


@pytest.mark.slow
def test_the_load_panel_follows_its_controls_and_shows_what_came(lab: Workbench) -> None:
    panel = LoadPanel(lab, prompt="Say hi.", seconds=60, users=1)
    panel.begin.click()
    assert panel.begin.disabled
    until(lambda: "answers a second" in panel.chart.value, 50)
    panel.model.job.stop()
    panel.model.job.wait(60)
    assert not panel.begin.disabled
    assert "<svg" in panel.picture.value
    assert "mean latency, ms" in panel.table.children[0].df.to_string()
    panel.loop.value = OPEN
    assert panel.users.disabled
    assert panel.model.loop == OPEN


def test_the_load_panel_tests_a_keyed_server_of_one_model(lab: Workbench) -> None:
    panel = LoadPanel(lab, "http://127.0.0.1:9/v1")
    panel.model_name.value, panel.key.value, panel.max_tokens.value = " small ", "sk-1", 7
    plan = panel.model.plan()
    assert (plan.chat.model, plan.chat.max_tokens) == ("small", 7)
    assert plan.headers == {"Authorization": "Bearer sk-1"}
    panel.max_tokens.value, panel.key.value = 0, ""
    assert panel.model.plan().chat.max_tokens is None
    assert panel.model.plan().headers == {}


@pytest.mark.slow
def test_the_load_panel_finds_a_rate_in_words_and_keeps_the_search(lab: Workbench, quick: Any, tmp_path: Path) -> None:
    panel = LoadPanel(lab, quick, chat=False, seconds=0.2, latency_s=5.0)
    assert panel.most.description == "Find the most users it holds"
    assert panel.prompt.disabled
    assert panel.ttft.disabled
    panel.loop.value = OPEN
    assert panel.most.description == "Find the highest rate it holds"
    panel.most.click()
    panel.model.job.stop()
    panel.model.job.wait(20)
    assert "no rate was tried" in panel.model.job.words
    panel.most.click()
    until(lambda: "held" in panel.model.job.words)
    panel.model.job.stop()
    panel.model.job.wait(20)
    shown = panel.table.children[0].df
    assert list(shown)[:4] == ["requests, a second", "held", "share within the objective, %", "answers, a second"]
    assert shown.iloc[0, 0] == "1"
    assert shown.iloc[0, 2] == "100"
    panel.path.value = str(tmp_path / "search.json")
    panel.keep.click()
    other = LoadModel(lab)
    other.load(tmp_path / "search.json")
    assert str(other.last_search) == str(panel.model.last_search)
    assert [rate for rate, _ in other.last_search.probes] == [rate for rate, _ in panel.model.last_search.probes]
    assert not other.message


def test_a_policy_of_a_newer_version_is_words(report: Any, tmp_path: Path) -> None:
    panel = ThresholdPanel(report)
    newer = json.loads(panel.download.encode()) | {"format": 3}
    (tmp_path / "newer.json").write_text(json.dumps(newer))
    chosen = WhatIfPanel(report.outcomes, {"tuned": report.policy})
    chosen.after.value = str(tmp_path / "newer.json")
    chosen.model.job.wait(20)
    assert "this version reads up to 2. Upgrade autopicker-lab" in chosen.bar.words.value


def test_no_space_is_words_and_leaves_nothing(report: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any, *_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    panel = ThresholdPanel(report, str(tmp_path / "p.json"))
    monkeypatch.setattr("pathlib.Path.write_text", full)
    panel.save.click()
    assert "No space left on device. Free some space" in panel.table.value
    assert list(tmp_path.iterdir()) == []
