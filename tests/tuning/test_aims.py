"""Half of the prompts up, or so much spent: the cost weight that does it."""

import numpy as np
import pytest
from support.outcomes import table

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing.rule import prefer_by_estimates
from autopicker_lab.tuning import OutcomeMatrix, tune
from autopicker_lab.tuning.aims import weight_for_share, weight_for_spend
from autopicker_lab.tuning.curve import cost_quality_curve
from autopicker_lab.tuning.settings import Asked, setting_for

RANDOM = np.random.default_rng(3)
ESTIMATES = np.clip(RANDOM.normal([0.4, 0.6, 0.8], 0.15, (400, 3)), 0, 1)
COSTS = np.array([1e-4, 1e-3, 1e-2])


@pytest.mark.parametrize("models", [[0, 2], [0, 1, 2]])
@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 0.75])
def test_the_share_that_is_asked_for_goes_up(models: list[int], share: float) -> None:
    estimates, costs = ESTIMATES[:, models], COSTS[models]
    strong = len(models) - 1
    weight = weight_for_share(estimates, costs, strong, share)
    sent = float((prefer_by_estimates(estimates, costs, weight) == strong).mean())
    assert sent == pytest.approx(share, abs=1 / 400)


def test_what_no_weight_reaches_is_met_as_nearly_as_can_be() -> None:
    never = ESTIMATES.copy()
    never[:200, 1] = 1.1  # as dear as the strong one, and better: these never go up
    weight = weight_for_share(never, np.array([1e-4, 1e-2, 1e-2]), 2, 0.9)
    best = [(prefer_by_estimates(never, np.array([1e-4, 1e-2, 1e-2]), w) == 2).mean() for w in (0.0, weight)]
    assert best[1] >= best[0]
    assert best[1] <= 0.5


def test_the_middle_model_has_a_share_too() -> None:
    weight = weight_for_share(ESTIMATES, COSTS, 1, 0.4)
    sent = float((prefer_by_estimates(ESTIMATES, COSTS, weight) == 1).mean())
    assert sent == pytest.approx(0.4, abs=1 / 400)


def test_without_a_difference_of_costs_there_is_no_weight() -> None:
    with pytest.raises(InvalidRequestError, match="all models cost the same"):
        weight_for_share(ESTIMATES, np.ones(3), 2, 0.5)


def test_no_more_is_spent_than_may_be() -> None:
    scores, costs = (RANDOM.random(ESTIMATES.shape) < ESTIMATES).astype(float), np.tile(COSTS, (400, 1))
    curve = cost_quality_curve(ESTIMATES, scores, costs)
    for cost in (2e-4, 1e-3, 5e-3, 1.0):
        weight = weight_for_spend(curve, cost)
        chosen = prefer_by_estimates(ESTIMATES, COSTS, weight)
        assert COSTS[chosen].mean() <= cost * 1.0001
        better = curve.qualities[curve.costs <= cost]
        assert scores[np.arange(400), chosen].mean() == pytest.approx(better.max())
    assert prefer_by_estimates(ESTIMATES, COSTS, weight_for_spend(curve, 0.0)).max() == 0


def test_a_setting_keeps_what_is_asked_instead_of_an_allowance() -> None:
    outcomes = OutcomeMatrix.from_table(table(120, usd=True))
    estimates = np.clip(outcomes.scores + RANDOM.normal(0, 0.3, outcomes.scores.shape), 0, 1)
    half = Asked(0.01, strong_share=0.5)
    sent = setting_for(outcomes, estimates, half).choices(outcomes, estimates) == outcomes.strong
    assert sent.mean() == pytest.approx(0.5, abs=0.01)
    four = Asked(0.01, spend=4.0)
    spent = outcomes.mean_costs[setting_for(outcomes, estimates, four).choices(outcomes, estimates)].mean()
    assert 0.003 < spent <= 0.004
    assert (half.allowance, four.allowance, Asked(0.01).allowance) == (None, None, 0.01)


@pytest.mark.parametrize(
    ("asked", "usd", "says"),
    [
        ({"spend": 0.5}, True, "the cheapest model costs 1 USD per 1,000 requests"),
        ({"spend": 5.0}, False, "--prices"),
        ({"strong_share": 0.5, "spend": 5.0}, True, "one thing decides"),
        ({"strong_share": 1.5}, True, "between 0 and 1"),
        ({"strong_share": float("nan")}, True, "between 0 and 1"),
        ({"spend": float("nan")}, True, "the cheapest model costs"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_fitted(
    asked: dict[str, float], usd: bool, says: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        tune(table(60, usd=usd), **asked)  # type: ignore[arg-type]
    assert says in str(caught.value)
