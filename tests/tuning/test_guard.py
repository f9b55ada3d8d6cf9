"""The incumbent's guard, settings that keep what was asked, and figures that do not hang on one draw of folds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.outcomes import table

from autopicker_lab.core import Guard, InvalidRequestError
from autopicker_lab.routing import load_policy, save_policy
from autopicker_lab.tuning import OutcomeMatrix, tune
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.curve import best_weight, cost_quality_curve
from autopicker_lab.tuning.guard import decided, guard_curve, guard_of, lead_errors
from autopicker_lab.tuning.judging import saving_of
from autopicker_lab.tuning.metrics import bootstrap
from autopicker_lab.tuning.power import needed_prompts
from autopicker_lab.tuning.repeats import Fits
from autopicker_lab.tuning.settings import Asked, cross_fitted_choices, setting_for

Array = Any


def matrix(scores: Array, costs: tuple[float, ...] = (0.0, 1.0), **fields: Any) -> OutcomeMatrix:
    n, k = scores.shape
    names = ("weak", "strong", "third")[:k]
    rows = np.tile(costs, (n, 1)), "usd" if k > 2 else "call"
    ids = tuple(map(str, range(n)))
    return OutcomeMatrix(ids, ("",) * n, np.full(n, "", object), names, scores, *rows, 1, 0, np.arange(n), **fields)


def world(n: int, seed: int, known: bool = True) -> tuple[OutcomeMatrix, Array]:
    """Half of the prompts are as good with the weak model; estimates know which, or know nothing."""
    random = np.random.default_rng(seed)
    easy = random.random(n) < 0.5
    right = random.random(n) < 0.9
    scores = np.stack([right & (easy | (random.random(n) < 0.4)), right], axis=1).astype(float)
    seen = easy if known else random.permutation(easy)
    return matrix(scores), np.stack([np.where(seen, 0.9, 0.36), np.full(n, 0.9)], axis=1)


# the guard


def test_errors_of_leads_are_small_where_estimates_are_right_and_large_where_they_are_not() -> None:
    right, wrong = (lead_errors(*world(4000, 0, known))["weak"] for known in (True, False))
    assert right < 0.02
    assert wrong > 0.2
    assert lead_errors(*world(100, 0))["weak"] > lead_errors(*world(4000, 0))["weak"]


def test_the_incumbent_is_left_where_that_is_shown_to_pay_and_not_elsewhere() -> None:
    outcomes, estimates = world(2000, 1)
    assert decided(guard_of(outcomes, estimates, 1.3), outcomes, estimates, 0.2, 0.01).errors
    outcomes, estimates = world(2000, 1, known=False)
    assert decided(guard_of(outcomes, estimates, 1.3), outcomes, estimates, 0.2, 0.01) == Guard("strong", 1.3, {})


@pytest.mark.parametrize("known", [False, True])
def test_a_guarded_policy_is_not_worse_than_its_incumbent(known: bool) -> None:
    """The loss on other prompts passes the allowance in at most as many draws as a bound at 90 % lets it."""
    truth, expected = world(100_000, 99, known)
    worse = left = 0
    for draw in range(60):
        outcomes, estimates = world(400, draw, known)
        chosen = setting_for(outcomes, estimates, Asked(0.02, 1.3)).choices(outcomes, expected)
        left += bool((chosen != 1).any())
        worse += (truth.scores[:, 1] - truth.routed(chosen)[0]).mean() > 0.02
    assert worse <= 12
    assert left > 40 if known else left < 20


def test_risk_over_coverage() -> None:
    outcomes, estimates = world(1000, 2)
    curve = guard_curve(outcomes, estimates, 0.02, (0.0, 1.0, 1e6))
    assert curve.coverage.tolist() == sorted(curve.coverage, reverse=True)
    assert curve.coverage[0] == pytest.approx(0.5, abs=0.05)
    assert (curve.coverage[-1], curve.risk[-1], curve.errors[-1]) == (0, 0, 0)
    assert abs(curve.risk[0]) < 4 * curve.errors[0] + 1e-9
    assert curve.to_frame().columns.tolist() == ["z", "coverage", "risk", "error"]
    assert curve.plot(z=1.0).lines


def test_every_decision_of_a_setting_is_made_on_other_folds() -> None:
    outcomes, estimates = world(400, 3)
    halves = [(np.arange(200), np.arange(200, 400)), (np.arange(200, 400), np.arange(200))]
    fits = Fits(estimates[None], (halves,))
    choices = cross_fitted_choices(outcomes, fits, Asked(0.02, 1.0))
    spoilt = matrix(np.where(np.arange(400)[:, None] < 200, outcomes.scores, 1 - outcomes.scores))
    again = cross_fitted_choices(spoilt, fits, Asked(0.02, 1.0))
    assert (choices[0, 200:] == again[0, 200:]).all()
    assert not (choices[0, :200] == again[0, :200]).all()


def test_an_incumbent_of_the_callers_own() -> None:
    outcomes, _ = world(500, 4)
    named = outcomes.with_incumbent("weak")
    assert (outcomes.best, named.best, outcomes.with_incumbent(None).best) == (1, 0, 1)
    saving = saving_of(named, np.ones(500, int), 0)
    assert saving.best == "weak"
    assert saving.share.value == -1  # of a free one: in shares of the dearest model's cost
    assert saving.quality.low > 0
    with pytest.raises(InvalidRequestError, match="no model 'other'"):
        outcomes.with_incumbent("other")


# settings


def test_a_weight_beyond_the_first_that_fails_is_not_taken() -> None:
    """The cheapest one keeps the allowance by luck, those before it do not."""
    scores = np.ones((300, 3))
    scores[:, 0] = 0.0
    scores[200:, 0] = 1.0
    scores[:, 1] = 0.97
    scores[:, 2] = 1.0
    estimates = np.stack([np.linspace(0, 0.9, 300), np.full(300, 0.5), np.full(300, 0.95)], axis=1)
    outcomes = matrix(scores, costs=(0.0, 0.1, 1.0))
    curve = cost_quality_curve(estimates, outcomes.scores, outcomes.costs)
    taken = curve.nearest(best_weight(curve, outcomes, 0.01))
    lost = 1 - curve.qualities
    assert (lost[: taken + 1] <= 0.01).all()


# draws


def test_intervals_carry_what_fits_vary() -> None:
    values = np.random.default_rng(0).normal(0, 1, 400)
    fits = [lambda rows, shift=shift: float(values[rows].mean()) + shift for shift in (-0.3, 0.3)]
    one = bootstrap(lambda rows: float(values[rows].mean()), 400)
    both = bootstrap(lambda rows: float(values[rows].mean()), 400, by_fit=fits)
    few = bootstrap(lambda rows: float(values[rows].mean()), 400, groups=np.arange(400) // 50, by_fit=fits)
    assert one.value == both.value
    for wider in (both, few):
        interval = wider.interval()
        assert interval.high - interval.low > 2.5 * (one.interval().high - one.interval().low)
    assert (few - few).varied == 2 * few.varied


def test_how_many_prompts_would_settle_a_doubt() -> None:
    outcomes, _ = world(60, 5)
    choices = np.where(np.arange(60) % 3 == 0, 0, 1)
    saving = saving_of(outcomes, choices, 0)
    needed = needed_prompts(outcomes, saving, 0.5)
    assert needed.get("pays", 1) is None or needed["pays"] > 60
    assert "allowance" not in needed  # half of all score may be lost
    assert needed_prompts(outcomes, saving, -1.0)["allowance"] is None
    assert needed_prompts(outcomes, None, 0.01) == {}


# through tuning


@pytest.fixture(scope="module")
def guarded() -> Any:
    return tune(table(240), guard=1.0, incumbent="large", folds=3)


@pytest.mark.slow
def test_the_guard_that_was_measured_is_the_one_that_serves(guarded: Any, tmp_path: Path) -> None:
    policy = load_policy(save_policy(guarded.policy, tmp_path / "p.json"))
    assert policy.guard == guarded.policy.guard
    assert (policy.guard.incumbent, policy.guard.z, set(policy.guard.errors)) == ("large", 1.0, {"smollm2-135m"})
    outcomes = guarded.outcomes
    routed = route_outcomes(policy, outcomes)
    margin = policy.guard.errors["smollm2-135m"]
    lead = routed.estimates[:, 0] + policy.cost_weight - routed.estimates[:, 1]
    assert ((routed.choices == 0) == (lead - margin >= 0)).mean() > 0.99
    assert guarded.saving.best == "large"


@pytest.mark.slow
def test_a_report_tells_its_learning_curve_and_draws(guarded: Any) -> None:
    told = guarded.to_dict()
    sizes = [row["n"] for row in told["learning"]]
    assert sizes == sorted(sizes)
    assert len(sizes) == 4
    assert all(0 <= row["apgr"] <= 1 for row in told["learning"])
    assert guarded.policy.stamp["repeats"] == 2
    assert isinstance(told["needed"], dict)


@pytest.mark.parametrize("wrong", [{"guard": -1.0}, {"repeats": 0}, {"incumbent": "nobody"}])
def test_what_cannot_be_asked_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidRequestError):
        tune(table(100), **wrong)


def test_the_band_of_a_curve_counts_alike_prompts_once() -> None:
    random = np.random.default_rng(0)
    estimates, scores = random.random((100, 2)), random.integers(0, 2, (100, 2)).astype(float)
    costs = np.tile([0.0, 1.0], (100, 1))
    once = cost_quality_curve(estimates, scores, costs)
    a, b, c = (np.repeat(values, 6, axis=0) for values in (estimates, scores, costs))
    again = cost_quality_curve(a, b, c, np.repeat(np.arange(100), 6))
    assert again.errors[0] == pytest.approx(once.errors[0])
    assert cost_quality_curve(a, b, c).errors[0] < 0.5 * once.errors[0]
