import io
import time
from datetime import UTC, datetime

import pytest
from PIL import Image
from pypdf import PdfWriter
from support.outcomes import table
from support.serving import serving

from autopicker_lab.core import AutopickerError
from autopicker_lab.routing import choose, default_policy, load_policy
from autopicker_lab.routing.choose import Needs
from autopicker_lab.tuning import evaluate, tune
from autopicker_lab.tuning.whatif import compare, compare_on, specs_of
from autopicker_lab.widgets import (
    ChatModel,
    ChatPanel,
    ExplorerModel,
    ExplorerPanel,
    ExtractionModel,
    ExtractionPanel,
    LoadModel,
    LoadPanel,
    ThresholdModel,
    ThresholdPanel,
    WhatIfModel,
    WhatIfPanel,
)
from autopicker_lab.widgets.load import OPEN
from autopicker_lab.widgets.threshold import ESTIMATES, TIERS


@pytest.fixture(scope="module")
def report():
    return tune(table(300, models=("small", "middle", "large"), usd=True))


def test_the_explorer_decides_anew_at_every_change(lab, samples):
    model = ExplorerModel(lab)
    told = []
    model.listeners.append(lambda: told.append(model.route))
    model.set(prompt="Why is the sky blue?")
    plain = model.route.complexity.score
    model.set(file=str(samples / "report.pdf"))
    assert model.route.complexity.score > plain
    assert "quality 0.40" not in model.route.reason or model.threshold <= model.route.complexity.score
    model.set(threshold=0.0)
    assert "quality 0.40" in model.route.reason
    assert len(told) == 3


def test_the_explorer_tells_a_failure_with_its_next_step(lab):
    model = ExplorerModel(lab)
    model.set(prompt="x", file="/no/such.pdf")
    assert model.route is None
    assert "Check the path" in model.message
    model.set(file="", prompt="")
    assert model.message == ""


def test_the_explorer_panel_shows_factors_and_follows_its_controls(lab):
    panel = ExplorerPanel(lab, "Why?")
    assert "reasoning" in panel.result.value
    panel.prompt.value = "x = 1; return f(x)"
    assert "code" in panel.result.value
    panel.file.value = "/no/such.pdf"
    assert "Check the path" in panel.result.value
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()


async def test_the_chat_streams_and_keeps_the_reply(lab, samples):
    model = ChatModel(lab)
    texts = []
    model.listeners.append(lambda: texts.append(model.text))
    await model.ask("Which boat is driven by electric motors?", str(samples / "report.pdf"))
    assert "kittiwake" in model.text.lower()
    assert model.reply.text == model.text
    assert len(set(texts)) > 5
    assert not model.running


async def test_the_chat_stops_and_keeps_what_came(lab):
    model = ChatModel(lab)
    model.listeners.append(lambda: model.stop() if len(model.text) > 10 else None)
    await model.ask("Tell a very long story.")
    assert 10 < len(model.text) < 400
    assert "stopped" in model.message
    assert not model.running


async def test_the_chat_tells_a_failure_with_its_next_step(lab):
    model = ChatModel(lab)
    await model.ask("x", model="llama3.2-local")
    assert "ollama serve" in model.message


async def test_a_message_is_never_markup(lab):
    panel = ChatPanel(lab, question="x", file="<img src=x onerror=alert(1)>.pdf")
    panel.ask.click()
    await panel.task
    assert "&lt;img" in panel.answer.value
    assert "<img" not in panel.answer.value


async def test_the_chat_panel(lab):
    panel = ChatPanel(lab, question="Say hello.")
    panel.ask.click()
    assert panel.ask.disabled is False or panel.model.running
    await panel.task
    assert panel.model.reply.text in panel.answer.value or panel.model.reply.text[:5] in panel.answer.value
    assert panel.stop.disabled


def test_the_explorer_takes_a_dropped_file_and_a_policy(lab, samples, report):
    panel = ExplorerPanel(lab, "Summarise.", policy=report.policy)
    content = (samples / "report.pdf").read_bytes()
    dropped = {"type": "", "last_modified": datetime.now(UTC)}
    panel.upload.value = ({**dropped, "name": "report.pdf", "size": len(content), "content": content},)
    assert "with report.pdf" in panel.result.value
    assert panel.model.route.policy == report.policy.id
    panel.upload.value = ({**dropped, "name": "x.rar", "size": 4, "content": b"Rar!"},)
    assert "upported" in panel.result.value


def test_sliders_route_all_prompts_anew(report):
    model = ThresholdModel(report)
    told = []
    model.listeners.append(lambda: told.append((model.cost, model.quality)))
    model.set(cost_weight=0.0)
    best = model.quality
    model.set(cost_weight=1e9)
    assert model.shares["small"] == 1
    assert model.quality < best
    assert model.cost == pytest.approx(report.board.costs[:, 0].mean())
    middle = float(report.board.costs.mean(0).mean())
    model.aim(middle)
    assert model.cost <= middle
    model.set(rule=TIERS, thresholds=(0.0, 0.0))
    assert model.shares["large"] == 1
    model.set(rule=TIERS, thresholds=(101.0, 101.0))
    assert model.shares["small"] == 1
    assert len(told) == 5
    assert "mean score" in model.summary()


@pytest.mark.parametrize("rule", [ESTIMATES, TIERS])
def test_a_saved_setting_routes_as_the_panel_shows(report, tmp_path, rule):
    model = ThresholdModel(report)
    scores = sorted(50 + 50 * report.scores)
    model.set(rule=rule, cost_weight=20.0, thresholds=(scores[100], scores[200]))
    model.save(tmp_path / "p.json")
    assert "AUTOPICKER_POLICY" in model.message
    policy, specs = load_policy(tmp_path / "p.json"), specs_of(report.board)
    found = compare_on(report.board, policy, policy)
    routed = {name: sum(r.after == name for r in found.requests) / 300 for name in report.board.models}
    assert routed == pytest.approx(model.shares, abs=0.12)  # the panel is out of fold, the file's estimates are not
    complexity = lab_complexity("hello")
    assert choose(complexity, specs, policy, Needs(5), question="hello").policy == policy.id
    model.save(tmp_path / "nowhere" / "p.json")
    assert "nowhere" in model.message


def lab_complexity(text):
    from autopicker_lab.complexity import score
    from autopicker_lab.core import ChatRequest

    return score(ChatRequest.of(text))


def test_the_threshold_panel_redraws_with_its_sliders(report, tmp_path):
    panel = ThresholdPanel(report, str(tmp_path / "p.json"))
    pictures = [panel.picture.value]
    for change in (
        lambda: setattr(panel.weight, "value", len(report.curve.weights) - 1),
        lambda: setattr(panel.cost, "value", panel.cost.min),
        lambda: setattr(panel.thresholds, "value", (panel.thresholds.min, panel.thresholds.min)),
    ):
        change()
        pictures.append(panel.picture.value)
    assert Image.open(io.BytesIO(pictures[0])).size == (640, 420)
    assert pictures[0] != pictures[1]
    assert pictures[2] != pictures[3]
    assert panel.rule.value == TIERS
    panel.save.click()
    assert load_policy(tmp_path / "p.json").by_tiers
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()


def test_a_report_without_estimates_has_no_sliders():
    with pytest.raises(AutopickerError, match="no estimates"):
        ThresholdModel(evaluate(table(), default_policy()))


def test_what_if(report, lab):
    found = compare_on(report.board, default_policy(), report.policy)
    assert found.changed
    assert len(found.to_frame()) == len(found.changed)
    first = found.changed[0]
    column = report.board.models.index(first.after)
    assert first.score_after == report.board.scores[report.board.prompts.index(first.prompt), column]
    assert "change sides" in found.summary
    assert found.plot().patches
    assert not compare_on(report.board, report.policy, report.policy).changed
    plain = compare(["Hello"], lab.catalogue.specs(), default_policy(), default_policy())
    assert plain.quality is None
    assert "0 of 1" in plain.summary


def test_the_what_if_panel(report, lab):
    panel = WhatIfPanel(report.board, {"tuned": report.policy})
    assert "change sides" in panel.result.value
    panel.after.value = "default"
    assert "0 of 300" in panel.result.value
    panel.after.value = "/no/such.json"
    assert "Check the path" in panel.result.value
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()
    prompts = WhatIfModel(["Hello"])
    prompts.set()
    assert "pass lab=" in prompts.message
    prompts.set(lab=lab)
    assert len(prompts.comparison.requests) == 1


class TestExtraction:
    def test_a_file_is_read_turned_and_pictured(self, samples):
        told = []
        model = ExtractionModel(listeners=[lambda: told.append(model.part)])
        model.open(samples / "report.pdf")
        model.look_at(1)
        assert "| North Quay | 9 |" in model.shown.text
        assert model.picture().startswith(b"\x89PNG")
        model.look_at(99)
        assert model.shown.label == "page 10"
        assert told == [0, 1, 9]

    def test_a_failure_is_a_message_with_the_next_step(self, tmp_path):
        model = ExtractionModel()
        model.open(tmp_path / "missing.pdf")
        assert "check the path" in model.message.lower()
        assert (model.shown, model.picture()) == (None, b"")

    def test_a_password_opens_text_and_picture(self, samples):
        writer = PdfWriter(clone_from=samples / "report.pdf")
        writer.encrypt("tide", algorithm="RC4-128")
        locked = io.BytesIO()
        writer.write(locked)
        model = ExtractionModel()
        model.open(locked.getvalue(), "locked.pdf")
        assert "is encrypted" in model.message
        model.open(locked.getvalue(), "locked.pdf", password="tide")
        assert "412,000 passengers" in model.shown.text
        assert model.picture()

    def test_the_panel_shows_parts_tables_and_warnings(self, samples):
        panel = ExtractionPanel(samples / "report.pdf")
        panel.parts.value = 1
        assert "188,400" in panel.text.value
        assert panel.image.layout.display == "block"
        panel.path.value = str(samples / "board.gif")
        assert "only the first of 2 frames was read" in panel.about.value
        panel.path.value = str(samples / "notes.txt")
        assert panel.image.layout.display == "none"


@pytest.fixture(scope="module")
def quick():
    """The address of a server that answers in a moment."""
    from fastapi import FastAPI

    app = FastAPI()
    app.get("/ok")(lambda: {})
    with serving(app) as address:
        yield f"{address}/ok"


def test_the_load_model_runs_and_keeps(lab, quick, tmp_path):
    model = LoadModel(lab, quick, chat=False, users=2, seconds=0.6)
    model.start()
    model.start()  # one at a time
    assert model.running
    model.wait(20)
    assert not model.running
    assert list(model.reports) == ["1: 2 users"]
    assert model.history[-1].done == model.latest.count.sent > 5
    model.save(tmp_path / "r.json")
    assert "saved" in model.message
    model.set(loop=OPEN, rate=50.0)
    model.sweep("20, 40")
    model.wait(20)
    assert [rate for rate, _ in model.swept.points] == [20, 40]
    model.sweep("fast")
    model.wait(20)
    assert "rates are numbers" in model.message.lower()


def test_the_load_model_stops_within_a_second(lab, quick):
    model = LoadModel(lab, quick, chat=False, seconds=60)
    model.start()
    while not model.history:
        time.sleep(0.05)
    model.stop()
    begun = time.monotonic()
    model.wait(20)
    assert time.monotonic() - begun < 1
    assert model.latest.stopped_early


def test_the_load_model_says_what_is_wrong(lab, tmp_path):
    model = LoadModel(lab, "ftp://x")
    model.start()
    assert "http://" in model.message
    model.save(tmp_path / "r.json")
    assert "start a test" in model.message.lower()


def test_the_load_panel_follows_its_controls_and_shows_what_came(lab):
    panel = LoadPanel(lab, prompt="Say hi.", seconds=2, users=1)
    panel.begin.click()
    assert panel.begin.disabled
    while panel.begin.disabled and "<svg" not in panel.chart.value:
        time.sleep(0.05)
    assert "answers a second" in panel.chart.value
    panel.model.wait(60)
    assert not panel.begin.disabled
    assert bytes(panel.picture.value).startswith(b"\x89PNG")
    assert "p50_ms" in panel.table.value
    panel.loop.value = OPEN
    assert panel.users.disabled
    assert panel.model.loop == OPEN
