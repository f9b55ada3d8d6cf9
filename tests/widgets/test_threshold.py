"""The panel that tunes: one figure for one policy, other allowances, own tables, and the way to what serves."""

import gc
import re
import threading
from pathlib import Path
from typing import Any

import pandas
import pytest
from support.outcomes import table
from support.upstream import soon

from autopicker_lab import Workbench
from autopicker_lab.routing import load_policy
from autopicker_lab.settings import Settings
from autopicker_lab.tuning import tune, validate
from autopicker_lab.tuning.allowed import allowed
from autopicker_lab.widgets import ThresholdModel, ThresholdPanel, threshold_model
from autopicker_lab.widgets.outcomes_intake import OutcomesIntake
from autopicker_lab.widgets.threshold_model import ALLOWANCE, ESTIMATES
from autopicker_lab.widgets.threshold_words import leaving, replies_of, requests_frame

QUICK: Any = {"folds": 3, "repeats": 2, "cascade": "off", "within": 0.05}


@pytest.fixture(scope="module")
def outcomes() -> Any:
    rows = table(120, models=("small", "large"), usd=True)
    return validate(rows.assign(reply=[f"{model} says {i}" for i, model in enumerate(rows["model"])]))


@pytest.fixture(scope="module")
def report(outcomes: Any) -> Any:
    return tune(outcomes, **QUICK)


def test_the_tuned_policy_has_the_figure_of_its_verdict_everywhere(report: Any) -> None:
    model = ThresholdModel(report)
    assert model.rule == ALLOWANCE
    assert model.is_tuned
    assert model.figures.quality == report.quality
    assert model.figures.change == report.saving.quality
    assert model.figures.saved == report.saving.share
    assert model.cost == pytest.approx(
        next(row for row in report.ways if row.name == "policy").cost_per_1000.value / 1000
    )
    shown = f"quality {report.quality.value:.3f} [{report.quality.low:.3f}, {report.quality.high:.3f}]"
    panel = ThresholdPanel(report)
    panel.model.job.wait(60)
    assert shown in report.chart().to_html()
    assert shown in panel.picture.value
    words = panel.table.value
    front, _, details = words.partition("<details>")
    assert front.lower().count(report.verdict.sentence.lower()[:40]) == 1
    assert "which chose it, and so too good" in details
    assert report.verdict.sentence[:40].lower() not in details.lower()
    model.set(rule=ESTIMATES)  # the same policy by another control
    assert model.figures.quality == report.quality


def test_another_allowance_is_judged_as_the_tuned_one_is(report: Any, outcomes: Any) -> None:
    model = ThresholdModel(report)
    model.set(within=0.2)
    again = tune(outcomes, **{**QUICK, "within": 0.2})
    assert model.figures.quality == again.quality
    assert model.figures.saved == again.saving.share
    assert model.allowed.verdict.sentence == replaced(again.verdict.sentence)
    policy = model.policy()
    assert policy.cost_weight == again.policy.cost_weight
    assert policy.id != report.policy.id
    same = allowed(report, 0.05)
    assert (same.choices == report.draws).all()
    assert same.setting.weight == report.policy.cost_weight


def test_no_verdict_stands_for_an_allowance_that_is_being_worked_out(
    report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = [], threading.Event()

    def slowly(report: Any, within: float) -> Any:
        asked.append(within)
        assert go_on.wait(60)
        return allowed(report, within)

    monkeypatch.setattr(threshold_model, "allowed", slowly)
    panel = ThresholdPanel(report)
    model = panel.model
    drawn: list[str] = []
    model.listeners.append(lambda: drawn.append(panel.table.value))
    assert soon(lambda: asked)
    panel.question.value = 0.1
    assert model.waiting
    assert "Working out what a loss of 10 points gives" in panel.table.value
    assert "quality" not in panel.table.value
    assert "this setting" not in panel.picture.value
    assert panel.deploy.disabled
    panel.question.value = model.report.verdict.allowance  # the tuned setting is there at once
    assert not model.waiting
    assert report.verdict.sentence[:20].lower() in panel.table.value.lower()
    panel.question.value = 0.2
    go_on.set()
    model.job.wait(60)
    assert asked[:2] == [asked[0], 0.2]  # what is asked for comes before the rest
    assert sorted(asked) == [within for within in model.allowances if within != 0.05]
    assert not model.waiting
    assert model.figures == allowed(report, 0.2).figures
    assert "quality" in panel.table.value
    assert drawn[-1] == panel.table.value


class JobThatEnds:
    """A job that ends just when it was seen to run."""

    def __init__(self, ended: Any):
        self.ended, self.seen = ended, False

    @property
    def running(self) -> bool:
        if self.seen:
            return False
        self.seen = True
        self.ended()
        return True


def test_work_that_ends_while_an_allowance_is_set_leaves_nothing_waiting(report: Any) -> None:
    model: Any = ThresholdModel(report)
    model.job = JobThatEnds(model._on_job)
    model.set(within=0.2)
    assert not model.waiting
    assert model.figures == allowed(report, 0.2).figures


class TellingLock:
    """A lock that tells when a thread other than the first asks for it."""

    def __init__(self, asked: threading.Event):
        self.lock, self.asked, self.first = threading.RLock(), asked, threading.get_ident()

    def __enter__(self) -> None:
        if threading.get_ident() != self.first:
            self.asked.set()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def test_a_policy_that_is_asked_for_while_figures_are_made_has_these(report: Any) -> None:
    model: Any = ThresholdModel(report)
    went_on, route = threading.Event(), model._route
    saved: list[Any] = []
    model._lock = TellingLock(went_on)

    def save() -> None:
        saved.append(model.policy())
        went_on.set()

    def meanwhile() -> None:
        other.start()
        assert went_on.wait(60)
        route()

    other, model._route = threading.Thread(target=save), meanwhile
    model.set(within=0.2)
    other.join(60)
    assert saved[0].card["chosen to lose at most 0.2"]["quality"] == allowed(report, 0.2).figures.quality.value


def test_an_allowance_that_fails_in_the_background_is_taken_back(report: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ThresholdModel(report)
    shown = model.within
    monkeypatch.setattr(model.job, "_running", True)
    model.set(within=0.2)
    assert model.waiting

    def fails(report: Any, within: float) -> Any:
        raise MemoryError

    monkeypatch.setattr(threshold_model, "allowed", fails)
    monkeypatch.setattr(model.job, "_running", False)
    model._on_job()
    assert (model.within, model.rule, model.waiting) == (shown, ALLOWANCE, False)
    assert model.message
    assert model.figures == ThresholdModel(report).figures


def replaced(sentence: str) -> str:
    return re.sub(r"; but reworded.*", "", sentence)


def test_what_was_not_tuned_for_an_allowance_is_set_by_hand(outcomes: Any) -> None:
    report = tune(outcomes, **{**QUICK, "strong_share": 0.5})
    panel = ThresholdPanel(report)
    assert panel.question.disabled
    assert panel.model.rule == ESTIMATES
    shown = panel.model.figures
    panel.model.set(within=0.1)
    assert "not tuned for an allowance" in panel.model.message
    assert (panel.model.rule, panel.model.figures) == (ESTIMATES, shown)


def requests_that_leave(model: Any, table: Any, task: str = "") -> Any:
    return requests_frame(model, leaving(model, task), replies_of(table))


def test_the_requests_that_leave_are_shown_with_both_answers(report: Any, outcomes: Any) -> None:
    model = ThresholdModel(report)
    model.set(within=0.2)
    rows = requests_that_leave(model, outcomes)
    left = (model.choices() != report.outcomes.best).sum()
    assert len(rows) == left > 0
    assert list(rows["points lost"]) == sorted(rows["points lost"], reverse=True)
    first = rows.iloc[0]
    assert first["goes to"] == "small"
    assert first["answer of the chosen"].startswith("small says")
    assert first["answer of large"].startswith("large says")
    lost = 100 * (first["score of large"] - first["score"])
    assert first["points lost"] == pytest.approx(lost, abs=0.11)
    task = str(report.outcomes.tasks[0])
    assert set(requests_that_leave(model, outcomes, task)["task"]) <= {task}
    assert "answer of large" not in requests_that_leave(model, None)
    twice = validate(pandas.concat([outcomes, outcomes.assign(reply="said later")]))
    assert requests_that_leave(model, twice).equals(rows)  # of samples, the first answer
    model.set(within=0.0, cost_weight=0.0, z=0.0)
    assert len(requests_that_leave(model, outcomes)) == (model.choices() != report.outcomes.best).sum()


def test_a_table_of_ones_own_is_tuned_in_the_panel(outcomes: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    outcomes.to_csv(path, index=False)
    panel = ThresholdPanel(**QUICK)
    assert panel.model is None
    assert not panel.body.children
    panel.intake.path.value = str(tmp_path / "none.csv")
    panel.tuning.job.wait(60)
    assert "none.csv" in panel.bar.words.value
    panel.intake.path.value = str(path)
    panel.tuning.job.wait(60)
    assert panel.report.policy.stamp["data"]
    assert "tuned on mine.csv" in panel.bar.words.value
    first = panel.report
    panel.intake._intake.add_upload("mine.csv", b"prompt,model\n")  # a table that cannot be tuned leaves the last one
    panel.tuning.job.wait(60)
    assert panel.report is first
    assert "⚠" in panel.bar.words.value


def test_a_table_that_was_uploaded_goes_with_its_panel() -> None:
    given: list[Path] = []
    intake = OutcomesIntake(on_table=given.append)
    intake.add_upload("../mine.csv", b"prompt,model")
    assert (given[0].name, given[0].read_bytes()) == ("mine.csv", b"prompt,model")
    del intake
    gc.collect()
    assert not given[0].parent.exists()


def test_what_was_compared_can_be_deployed_and_nothing_else(report: Any, tmp_path: Path) -> None:
    lab = Workbench(Settings(autopicker_home=tmp_path))
    panel = ThresholdPanel(report, str(tmp_path / "p.json"), lab=lab)
    assert panel.deploy.disabled
    panel.serving.deploy(panel.model.policy())
    assert "ompare it first" in panel.serving.message
    panel.compare.click()
    assert "+++ " + report.policy.id in panel.difference.value
    assert "fitted on these very prompts" in panel.difference.value
    assert not panel.deploy.disabled
    panel.model.set(within=0.2)
    assert panel.deploy.disabled  # another policy now
    panel.compare.click()
    panel.share.value = 10
    panel.deploy.click()
    assert "step 1: canary" in panel.difference.value
    panel.save.click()
    assert load_policy(tmp_path / "p.json").id == panel.model.policy().id
    panel.path.value = str(tmp_path / "none" / "<b>.json")
    panel.save.click()
    assert "&lt;b&gt;.json" in panel.kept.value  # a path is words, and no tags
    panel.compare.click()
    assert "--- " + lab.policy.id in panel.difference.value  # the canary is not what serves
