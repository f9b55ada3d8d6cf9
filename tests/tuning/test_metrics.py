from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autopicker_lab.routing.rule import prefer_by_estimates
from autopicker_lab.tuning import (
    aiq,
    apgr,
    arena_score,
    bootstrap,
    cpt,
    expected_calibration_error,
    paraphrase_stability,
    pgr,
    psi,
    quality_curve,
)
from autopicker_lab.tuning.curve import cost_quality_curve, mixing_quality, switching_weights
from autopicker_lab.tuning.metrics import hull
from autopicker_lab.tuning.ranked import RankedPair

WEAK = np.array([1.0, 0.0, 0.0, 1.0])
STRONG = np.array([1.0, 1.0, 0.0, 1.0])


def test_pgr_by_hand() -> None:
    assert pgr(0.75, 0.5, 1.0) == 0.5
    assert pgr(0.5, 0.5, 0.5) is None


def test_a_perfect_order_by_hand() -> None:
    # Only the second prompt gains. Going down the order 0.9, 0.5, 0.4, 0.1 quality jumps from 0.5 to 0.75 at once.
    order = np.array([0.5, 0.9, 0.4, 0.1])
    shares, quality = quality_curve(order, WEAK, STRONG, bins=0)
    assert shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert quality.tolist() == [0.5, 0.75, 0.75, 0.75, 0.75]
    assert apgr(order, WEAK, STRONG, bins=0) == pytest.approx(0.125 + 0.75)
    assert cpt(order, WEAK, STRONG, 0.8) == 0.25


def test_the_worst_order_by_hand() -> None:
    order = np.array([0.5, 0.1, 0.4, 0.9])
    assert apgr(order, WEAK, STRONG, bins=0) == pytest.approx(0.125)
    assert cpt(order, WEAK, STRONG, 0.5) == 1.0


def test_equal_scores_go_together_and_one_score_for_all_is_chance() -> None:
    shares, quality = quality_curve(np.array([1.0, 1.0, 0.0, 0.0]), WEAK, STRONG, bins=0)
    assert shares.tolist() == [0, 0.5, 1]
    assert quality.tolist() == [0.5, 0.75, 0.75]
    assert apgr(np.zeros(4), WEAK, STRONG) == pytest.approx(0.5)
    assert apgr(np.zeros(4), WEAK, STRONG, bins=0) == pytest.approx(0.5)


def test_apgr_is_what_routellms_evaluation_computes() -> None:
    """The published procedure, written out with pandas: ten quantile bins, >= each edge, > the last, trapezoids."""
    random = np.random.default_rng(3)
    weak, strong = (random.random(997) < 0.5).astype(float), (random.random(997) < 0.7).astype(float)
    order = strong - weak + random.normal(0, 1.5, 997)
    edges = pd.qcut(order, 10, retbins=True)[1]
    chosen = [order >= edge if i < 10 else order > edge for i, edge in enumerate(edges)]
    points = sorted((up.mean(), np.where(up, strong, weak).mean()) for up in chosen)
    x, y = np.array(points).T
    area = np.trapezoid(y, x)
    assert apgr(order, weak, strong) == pytest.approx((area - weak.mean()) / (strong.mean() - weak.mean()))


@pytest.mark.parametrize("bins", [10, 3])
@pytest.mark.parametrize("grid", [0, 4, 60], ids=["all alike", "ties", "few ties"])
def test_rows_drawn_from_ranked_prompts_are_measured_as_if_ranked_anew(bins: int, grid: int) -> None:
    """Against the definition: a threshold at each quantile but the highest score, ties together."""
    random = np.random.default_rng(bins + grid)
    order, weak, strong = random.integers(0, grid + 1, 80) / 7, random.random(80), random.random(80)
    ranked = RankedPair(order, weak, strong)
    for rows in random.integers(0, 80, (20, 80)):
        edges = np.unique(np.quantile(order[rows], np.linspace(0, 1, bins + 1)))
        thresholds = [*edges[: max(len(edges) - 1, 1)], np.inf]
        points = sorted(
            ((up := order[rows] >= edge).mean(), np.where(up, strong[rows], weak[rows]).mean()) for edge in thresholds
        )
        x, y = np.array(points).T
        low, high = weak[rows].mean(), strong[rows].mean()
        assert ranked.apgr(rows, bins) == pytest.approx(np.trapezoid((y - low) / (high - low), x))


def test_apgr_of_equal_models_is_undefined() -> None:
    assert apgr(np.arange(4.0), WEAK, WEAK) is None
    assert cpt(np.arange(4.0), WEAK, WEAK, 0.5) is None


def test_chance_is_a_half_and_its_interval_holds_it() -> None:
    random = np.random.default_rng(0)
    weak, strong = (random.random(4000) < 0.5).astype(float), (random.random(4000) < 0.8).astype(float)
    order = random.random(4000)
    found = bootstrap(lambda rows: apgr(order[rows], weak[rows], strong[rows]), 4000, rounds=200).interval(null=0.5)
    assert found.low < 0.5 < found.high
    assert found.p > 0.025
    better = order + (strong - weak)
    sure = bootstrap(lambda rows: apgr(better[rows], weak[rows], strong[rows]), 4000, rounds=200).interval(null=0.5)
    assert sure.low > 0.5
    assert sure.p == pytest.approx(1 / 201)
    assert bootstrap(lambda _: None, 10) is None


def mean_of(values: Any, rows: Any) -> float:
    return float(values[rows].mean())


def test_a_bootstrap_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    hits = 0
    for i in range(200):
        drawn = random.normal(0, 1, 60)
        found = bootstrap(partial(mean_of, drawn), 60, rounds=200, seed=i).interval()
        hits += found.low <= 0 <= found.high
    assert 176 <= hits <= 198  # 95 % of 200, give or take


def test_the_hull_by_hand() -> None:
    x, y = hull(np.array([0.0, 1.0, 2.0, 3.0, 1.5]), np.array([0.2, 0.6, 0.7, 0.65, 0.3]))
    assert (x.tolist(), y.tolist()) == ([0, 1, 2], [0.2, 0.6, 0.7])  # below the line, and beyond the best, is dropped


def test_aiq_by_hand() -> None:
    costs, qualities = np.array([0.0, 1.0]), np.array([0.4, 0.8])
    assert aiq(costs, qualities, 0, 1) == pytest.approx(0.6)
    assert aiq(costs, qualities, 0, 2) == pytest.approx((0.6 + 0.8) / 2)
    assert aiq(np.array([1.0]), np.array([0.8]), 0, 2) == pytest.approx(0.4)
    assert aiq(costs, qualities, 1, 1) is None


def test_the_arena_score_by_hand() -> None:
    assert arena_score(0.5, 200.0) == 0
    assert arena_score(0.8, 0.0044) == pytest.approx(1.1 * 0.8 / (0.08 + 1))
    assert arena_score(0.8, 0.0) == arena_score(0.8, 0.0044)
    middle = 0.0044 * (200 / 0.0044) ** 0.5
    assert arena_score(0.6, middle) == pytest.approx(1.1 * 0.6 * 0.5 / (0.06 + 0.5))


def test_calibration_by_hand() -> None:
    estimates = np.array([0.2, 0.2, 0.8, 0.8])
    assert expected_calibration_error(estimates, np.array([0, 0, 1, 1.0]), bins=2) == pytest.approx(0.2)
    assert expected_calibration_error(np.array([0.5, 0.5]), np.array([0.0, 1.0]), bins=1) == 0


def test_paraphrase_stability_by_hand() -> None:
    # Group 1 has three pairs of which one agrees, group 2 one that agrees; group 3 is alone.
    assert paraphrase_stability(np.array([0, 0, 1, 2, 2, 1]), np.array([1, 1, 1, 2, 2, 3])) == pytest.approx(2 / 4)
    assert paraphrase_stability(np.array([0, 1]), np.array([1, 2])) is None


def test_population_stability_by_hand() -> None:
    half = np.array([0.5, 0.5])
    assert psi(half, half) == 0
    assert psi(half, np.array([0.8, 0.2])) == pytest.approx(0.3 * np.log(1.6) + -0.3 * np.log(0.4))
    assert np.isfinite(psi(half, np.array([1.0, 0.0])))


ESTIMATES = np.array([[0.5, 0.9], [0.5, 0.6], [0.8, 0.7]])
PRICES = np.array([0.0, 1.0])


@pytest.mark.parametrize(("weight", "chosen"), [(0.0, [1, 1, 0]), (0.2, [1, 0, 0]), (0.5, [0, 0, 0]), (0.4, [0, 0, 0])])
def test_estimated_quality_minus_weighted_cost(weight: float, chosen: Any) -> None:
    assert prefer_by_estimates(ESTIMATES, PRICES, weight).tolist() == chosen


def test_a_curve_goes_from_best_to_cheapest() -> None:
    costs = np.tile(PRICES, (3, 1))
    found = cost_quality_curve(ESTIMATES, ESTIMATES, costs)
    assert found.costs[0] == pytest.approx(2 / 3)
    assert found.costs[-1] == 0
    assert (np.diff(found.costs) <= 0).all()
    assert mixing_quality(ESTIMATES.mean(0), costs.mean(0), 0.5) == pytest.approx((0.6 + 2.2 / 3) / 2)
    assert switching_weights(ESTIMATES, np.ones(2)).tolist() == [0]
