"""A report is read without a dictionary: what decides first, in words, and no name cut."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.outcomes import table

from autopicker_lab.cli.report_text import section_text, wrapped
from autopicker_lab.core import RoutePolicy, Tier
from autopicker_lab.routing.rule import prefer_by_estimates
from autopicker_lab.tuning import Finding, evaluate
from autopicker_lab.tuning.advice import next_steps
from autopicker_lab.tuning.allowances import losses_where_doubtful
from autopicker_lab.tuning.baselines import heuristic_scores
from autopicker_lab.tuning.decision_table import mean_interval, part_rows, routed_by, share_interval, way_rows
from autopicker_lab.tuning.judging import conclude, saving_of
from autopicker_lab.tuning.sections import ReportTable

LONG = "a-model-of-an-organisation/with-a-name-that-fills-a-line-of-a-narrow-terminal-and-more"
MODELS = ("small", LONG)


@pytest.fixture(scope="module")
def report() -> Any:
    rows = table(60, models=MODELS, usd=True)
    middle = float(np.median(heuristic_scores(rows["prompt"].tolist())))
    tiers = (Tier(0.0, 0.0), Tier(middle, 0.9))
    policy = RoutePolicy("by hand", tiers, {"small": 0.5, LONG: 0.9}, costs={"small": 0.001, LONG: 0.01})
    return evaluate(rows.assign(latency_s=100 * rows["cost_usd"]), policy)


def test_the_table_stands_in_the_order_of_a_decision(report: Any) -> None:
    first, by_task, papers = report.sections()
    assert first.head == ("way of answering", "requests it gets", "quality", "USD per 1,000", "seconds")
    names = [row[0] for row in first.rows]
    assert names[0] == f"always {LONG}"
    assert names[3] == "routed by this policy"
    assert by_task.title == "By task"
    assert papers.aside
    assert {word.split(":")[0].split(" ")[0] for word in papers.notes} == {
        head.split(" ")[0] for head in papers.head[1:]
    }


def test_its_figures_are_those_of_the_choices(report: Any) -> None:
    ways = {way.name: way for way in report.ways}
    share = float((report.choices == 1).mean())
    assert 0 < share < 1
    assert ways[f"always:{LONG}"].share.value == pytest.approx(share)
    assert ways[f"always:{LONG}"].share.value + ways["always:small"].share.value == pytest.approx(1)
    routed = ways["policy"]
    assert routed.share is None
    assert routed.cost_per_1000.value == pytest.approx(1 + 9 * share)
    assert routed.seconds.value == pytest.approx(0.1 + 0.9 * share)
    assert ways["same shares, at random"].cost_per_1000.value == pytest.approx(1 + 9 * share)
    assert ways["oracle"].cost_per_1000.value < 10
    for task in report.by_task:
        at = report.outcomes.tasks == task.name
        assert task.n == at.sum()
        assert task.routed - task.best == pytest.approx(task.change.value)
        assert task.routed == pytest.approx(report.outcomes.routed(report.choices)[0][at].mean())


def test_several_fits_count_by_how_often_they_choose(report: Any) -> None:
    ways = way_rows(
        report.outcomes, routed_by(np.array([[0] * 60, [1] * 60]), 2), {"policy": None, "always:small": None}
    )
    assert ways[0].cost_per_1000.value == pytest.approx(5.5)
    assert ways[1].share.value == 0.5


def test_what_says_nothing_is_left_out(report: Any) -> None:
    assert part_rows(report.outcomes, routed_by(report.choices, 2), np.full(60, "one task")) == []
    assert part_rows(report.outcomes, None, report.outcomes.tasks) == []
    assert ReportTable("t", ("a", "b", "c"), (("x", "", "1"), ("y", "", ""))).filled.head == ("a", "c")


@pytest.mark.parametrize("width", [None, 200, 80, 20])
def test_no_name_is_cut_at_any_width(report: Any, width: int | None) -> None:
    for section in report.sections():
        text = section_text(section, width)
        assert all(cell in text for row in section.rows for cell in row)
    assert LONG in report._repr_html_()
    assert LONG in wrapped(str(report.verdict), width).split()[1]


def test_of_one_group_the_range_is_told() -> None:
    found = mean_interval(np.array([0.0, 1.0, 0.5]), np.zeros(3, int))
    assert (found.low, found.value, found.high) == (0.0, 0.5, 1.0)


def test_a_share_of_none_has_an_interval() -> None:
    none, half = share_interval(0.0, 100), share_interval(0.5, 100)
    assert (none.low, none.value) == (0.0, 0.0)
    assert none.high == pytest.approx(0.037, abs=1e-3)
    assert [half.low, half.high] == pytest.approx([0.4038, 0.5962], abs=1e-3)


def test_the_allowance_that_would_do_is_named_with_both_losses(report: Any) -> None:
    outcomes = report.outcomes
    best = np.full(60, 1)
    knowing = prefer_by_estimates(outcomes.scores, outcomes.mean_costs, 1e-6)
    verdict = conclude(outcomes, None, None, saving_of(outcomes, best, 0), 0.01)

    def choices_for(allowance: float) -> Any:
        return knowing if allowance >= 0.05 else best

    losses = losses_where_doubtful(outcomes, verdict, np.zeros(60, int), choices_for, 0)
    assert losses is not None
    assert (losses.within, losses.enough, losses.new) == (0.01, 0.05, 0.0)
    assert losses.these == pytest.approx(outcomes.mean_scores[1] - outcomes.mean_scores[0])
    words = str(losses)
    assert "on prompts like these" in words
    assert "on new kinds of prompt" in words
    assert "--within 0.05 would do" in words
    followed = conclude(outcomes, None, None, saving_of(outcomes, choices_for(0.05), 0), 0.05)
    assert followed.allowance_met
    assert losses_where_doubtful(outcomes, verdict, best, lambda _: best, 0).enough is None


def test_the_next_step_and_what_would_settle_a_doubt_are_told(report: Any) -> None:
    assert (
        report.next_steps[0] == f"Next: ask {LONG} for everything, until more outcomes, or other models, show that "
        "routing pays."
    )
    pays = replace(report.verdict, finding=Finding.PAYS, allowance=None)
    assert "serve it" in next_steps(pays, {}, None, None, 60)[0]
    steps = next_steps(pays, {"pays": 200, "allowance": None}, None, None, 60)
    assert steps[1].startswith("About 140 more prompts like these (200 in all) would settle whether routing pays")
    assert steps[2].startswith("No number of prompts like these would settle whether the loss keeps")
