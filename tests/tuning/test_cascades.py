"""Cascades that are tuned: taken where the signal tells right answers from wrong ones, not where it says nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.outcomes import table

from autopicker_lab.benchmark.cascades import cascades_against_routing, plot_leads
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing import load_policy, save_policy
from autopicker_lab.tuning import OutcomeMatrix, Terms, TuningReport, evaluate, read_outcomes, tune
from autopicker_lab.tuning.cascade_columns import checking_costs
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.fitting import grouped_folds
from autopicker_lab.tuning.forms import AUTO, ONLY, ROUTE, Forms, compare_forms
from autopicker_lab.tuning.settings import Asked

NAMES = ("cheap", "dear")


def outcomes(knows: float, n: int = 160, seed: int = 0) -> pd.DataFrame:
    """The cheap model solves half of prompts that look alike, and its signal knows which in this share of cases."""
    random = np.random.default_rng(seed)
    rows = table(n, seed=seed, models=NAMES, usd=True)
    cheap = rows["model"] == "cheap"
    rows.loc[cheap, "score"] = (random.random(n) < 0.5).astype(float)
    rows.loc[~cheap, "score"] = (random.random(n) < 0.95).astype(float)
    known = random.random(n) < knows
    hint = np.where(known, rows.loc[cheap, "score"], random.random(n) < 0.5)
    rows.loc[cheap, "signal_logprob_min"] = hint - 1 - 0.2 * random.random(n)
    return rows


def tuned(rows: pd.DataFrame, **asked: Any) -> TuningReport:
    return tune(rows, folds=2, groups="off", **{"within": 0.02, **asked})


@pytest.fixture(scope="module")
def telling() -> TuningReport:
    return tuned(outcomes(0.95))


def test_a_signal_that_knows_beats_routing_and_is_served_as_it_was_measured(
    telling: TuningReport, tmp_path: Path
) -> None:
    assert telling.forms is not None
    form, cascade = telling.forms.form, telling.policy.cascade
    assert form is not None
    assert cascade is not None
    assert form.over_route.low > 0
    assert telling.saving is not None
    assert telling.saving.share.low > 0.1  # half of the requests stay cheap, and those that go up pay both calls
    assert (cascade.first, cascade.then, cascade.signal) == ("cheap", "dear", "logprob_min")
    assert list(cascade.right) == sorted(cascade.right)
    policy = load_policy(save_policy(telling.policy, tmp_path / "p.json"))
    assert policy.id == telling.policy.id
    newer = OutcomeMatrix.from_table(outcomes(0.95, seed=1), groups="off")
    scores, costs = route_outcomes(policy, newer).paid
    assert scores.mean() > newer.scores[:, 1].mean() - 0.05
    assert costs.mean() < 0.75 * newer.costs[:, 1].mean()
    assert evaluate(outcomes(0.95, seed=1), policy, groups="off").cost == pytest.approx(costs.mean())
    assert "cascades against routing" in policy.card["cascade"]
    assert set(telling.choices_frame()["model"]) == set(NAMES)
    assert telling.to_dict()["cascade"]["taken"] == form.name


def test_the_shares_of_models_count_the_answers_that_went_up(telling: TuningReport) -> None:
    shares = [way.share.value for way in telling.ways if way.share is not None]
    assert sum(shares) == pytest.approx(1.0)


def compared(rows: pd.DataFrame, mode: str = AUTO, guard: float | None = None) -> Forms:
    """The forms by estimates that tell no prompt from another."""
    matrix = OutcomeMatrix.from_table(rows, groups="off")
    estimates = np.tile(matrix.mean_scores, (len(matrix), 1))
    return compare_forms(
        matrix, estimates, grouped_folds(matrix.groups, 2, 0), asked=Asked(0.02, guard), mode=mode, seed=0
    )


def test_a_signal_that_says_nothing_is_not_taken_unless_it_must_be() -> None:
    found = compared(outcomes(0.0))
    assert (found.taken, found.form) == (ROUTE, None)
    assert "not shown to pay: route" in str(found)
    assert compared(outcomes(0.0), ONLY).form is not None
    assert compared(outcomes(0.95)).form is not None


def test_without_signals_there_is_nothing_to_try() -> None:
    rows = outcomes(0.95).drop(columns="signal_logprob_min")
    assert str(compared(rows)) == "no cascade was tried: the outcomes have no signals of answers"
    with pytest.raises(InvalidRequestError, match="no cascade can be tuned: the outcomes have no signals"):
        compared(rows, ONLY)
    rows = outcomes(0.95)
    rows.loc[rows["model"] == "cheap", "cost_usd"] = 1.0  # there is nothing cheaper than the best model
    assert "no model that is cheaper" in compared(rows).why_none
    with pytest.raises(InvalidRequestError, match="no cascade 'maybe'"):
        tuned(rows, cascade="maybe")


def test_what_a_signal_costs_is_paid_for_each_answer_that_is_held() -> None:
    rows = outcomes(0.95)
    cheap = rows["model"] == "cheap"
    free, priced = compared(rows), rows.rename(columns={"signal_logprob_min": "signal_judge:x"})
    priced.loc[cheap, "usd_signal_judge:x"] = 0.5 * rows.loc[~cheap, "cost_usd"].mean()
    found = compared(priced, ONLY)
    assert found.tried[0].signal == "judge:x"
    assert found.tried[0].cost > free.tried[0].cost
    assert found.tried[0].over_route.value < free.tried[0].over_route.value
    several = rows.rename(columns={"signal_logprob_min": "signal_agreement:8"})  # nothing says what they cost
    matrix = OutcomeMatrix.from_table(several, groups="off")
    assert checking_costs(matrix, "agreement:8", 0).tolist() == pytest.approx((8 * matrix.costs[:, 0]).tolist())


def test_a_signal_that_costs_is_taken_only_where_it_is_worth_that() -> None:
    rows = outcomes(0.9)
    cheap = rows["model"] == "cheap"
    rows.loc[cheap, "signal_judge:x"] = rows.loc[cheap, "score"]  # knows all
    for share, signal in ((0.001, "judge:x"), (0.9, "logprob_min")):
        rows.loc[cheap, "usd_signal_judge:x"] = share * rows.loc[~cheap, "cost_usd"].mean()
        assert compared(rows, ONLY).tried[0].signal == signal


def test_beside_a_guard_a_cascade_must_be_shown_to_pay(telling: TuningReport) -> None:
    guarded = tuned(outcomes(0.95), guard=1.0, within=0.05)
    assert guarded.policy.cascade is not None
    assert guarded.policy.guard is not None
    for mode in (AUTO, ONLY):
        silent = compared(outcomes(0.0), mode, guard=2.0)
        assert (silent.taken, silent.form) == (ROUTE, None)
        assert "by the guard" in str(silent)


def test_seconds_stand_beside_cost_and_the_losses_of_a_cascade_are_told() -> None:
    rows = outcomes(0.6)
    rows["latency_s"] = np.where(rows["model"] == "cheap", 1.0, 3.0)
    form = compared(rows, ONLY).tried[0]
    assert form.seconds == pytest.approx(1.0 + 3.0 * form.went_up)
    assert form.to_dict()["seconds"] == form.seconds
    report = tuned(rows, cascade="only", within=0.0, repeats=1)
    assert report.losses is not None
    assert report.losses.within == 0.0


def test_a_cascade_can_be_promised() -> None:
    report = tuned(outcomes(1.0, 300), promise=Terms(0.2, 0.9))
    assert report.promise is not None
    assert report.promise.feasible
    assert report.policy.cascade is not None
    assert report.policy.promise["cheap_share"] > 0.2  # what goes up is not kept from the best model


def test_signals_are_read_back_and_samples_of_them_averaged(tmp_path: Path) -> None:
    rows = outcomes(0.5)
    for suffix in ("csv", "jsonl"):
        path = tmp_path / f"o.{suffix}"
        rows.to_csv(path, index=False) if suffix == "csv" else rows.to_json(path, orient="records", lines=True)
        read = read_outcomes(path)
        assert read["signal_logprob_min"].tolist() == pytest.approx(rows["signal_logprob_min"].tolist(), nan_ok=True)
    twice = pd.concat([rows, rows.assign(signal_logprob_min=rows["signal_logprob_min"] - 1)])
    merged = OutcomeMatrix.from_table(twice, groups="off").signals["logprob_min"][:, 0]
    assert merged.tolist() == pytest.approx((rows["signal_logprob_min"].dropna() - 0.5).tolist())


def test_the_benchmark_of_cascades_has_a_row_a_form(tmp_path: Path) -> None:
    outcomes(0.95).to_csv(tmp_path / "o.csv", index=False)
    rows = cascades_against_routing(tmp_path / "o.csv", (0.02,), folds=2)
    assert rows["form"].tolist() == ["cascade", "both"]
    assert rows["taken"].sum() == 1
    assert len(plot_leads(rows).get_yticklabels()) == 2
