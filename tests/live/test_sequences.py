"""Intervals that hold at all times, and canaries that are judged by them however often one looks."""

from itertools import pairwise

import numpy as np
import pytest

from autopicker_lab.live.canary import Advice, Arm, Guardrails, judge
from autopicker_lab.live.sequences import BoundedMean, bounded_mean, difference, difference_of_means
from autopicker_lab.runtime.moments import Moments

LOOKS = [*range(5, 60, 11), *range(60, 601, 60)]


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.9])
def test_a_bounded_mean_is_in_its_interval_at_all_looks_together(rate: float) -> None:
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(200):
        values = (rng.random(600) < rate).astype(float)
        bounds = [bounded_mean(values[:n].tolist(), 0.1) for n in LOOKS]
        missed += any(not b.low <= rate <= b.high for b in bounds)
    assert missed / 200 <= 0.1


@pytest.mark.parametrize("skewed", [True, False])
def test_a_difference_of_means_is_in_its_interval_at_all_looks_together(skewed: bool) -> None:
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(300):
        one, other = rng.lognormal(0, 0.7, (2, 600)) if skewed else (rng.random((2, 600)) < 0.2).astype(float)
        few, many = one.tolist(), other.tolist()
        looks = range(200, 601, 25)
        bounds = [difference_of_means(Moments.of(few[: n // 4]), Moments.of(many[:n]), 0.1) for n in looks]
        missed += any(not b.low <= 0 <= b.high for b in bounds)
    assert missed / 300 <= 0.1


def test_intervals_narrow_with_what_is_known_and_say_nothing_before() -> None:
    assert tuple(bounded_mean([], 0.05))[1:] == (0.0, 1.0)
    assert difference_of_means(Moments.of([1.0] * 49), Moments.of([0.0] * 99), 0.05).low == -np.inf
    few, many = (bounded_mean([0.0, 1.0] * n, 0.05) for n in (20, 500))
    assert many.high - many.low < few.high - few.low < 0.9
    assert many.high - many.low < 0.18
    assert difference(many, few).low < 0 < difference(many, few).high


def test_bounds_and_moments_are_the_same_however_the_values_come() -> None:
    rng = np.random.default_rng(7)
    values, parts = rng.random(1000), [0, 1, 1, 2, 60, 700, 1000]
    sequence, moments = BoundedMean(0.05), Moments()
    for start, end in pairwise(parts):
        sequence.extend(values[start:end].tolist())
        moments = moments.plus(Moments.of(values[start:end].tolist()))
    assert sequence.bounds == pytest.approx(bounded_mean(values.tolist(), 0.05))
    assert moments == pytest.approx((1000, values.mean(), values.var() * 1000))
    assert moments.times(-3).variance == pytest.approx(9 * values.var())


Values = tuple[list[float], list[float], list[float], list[float]]  # scores, USD, seconds, failures


def traffic(rng: np.random.Generator, right: float, cost: float = 1.0, slow: float = 1.0, fails: float = 0.0) -> Values:
    n = 1500
    return (
        (rng.random(n) < right).astype(float).tolist(),
        (cost * rng.lognormal(0, 0.5, n)).tolist(),
        (slow * rng.lognormal(0, 0.5, n)).tolist(),
        (rng.random(n) < fails).astype(float).tolist(),
    )


def arm(values: Values) -> Arm:
    made = Arm()
    made.take(*values)
    return made


def outcome(stable: Values, canary: Values, rails: Guardrails) -> Advice:
    """The first advice that is none to continue, looking a dozen times at a canary of a third."""
    arms = Arm(), Arm()
    for n in range(0, 1500, 100):
        for arm, values, step in zip(arms, (stable, canary), (100, 50), strict=True):
            start = n * step // 100
            arm.take(*(each[start : start + step] for each in values))
        report = judge(*arms, rails)
        if report.advice is not Advice.CONTINUE:
            return report.advice
    return Advice.CONTINUE


def test_an_equal_canary_is_called_better_or_worse_in_at_most_five_of_a_hundred() -> None:
    rng = np.random.default_rng(3)
    found = [outcome(traffic(rng, 0.6), traffic(rng, 0.6), Guardrails(margin=0.0)) for _ in range(200)]
    assert sum(advice is Advice.PROMOTE for advice in found) <= 10
    assert sum(advice is Advice.ROLL_BACK for advice in found) <= 10


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"right": 0.45}, Advice.ROLL_BACK),
        ({"right": 0.75}, Advice.PROMOTE),
        ({"right": 0.6, "cost": 2.5}, Advice.ROLL_BACK),
        ({"right": 0.6, "slow": 2.5}, Advice.ROLL_BACK),
        ({"right": 0.6, "fails": 0.2}, Advice.ROLL_BACK),
    ],
)
def test_a_canary_that_is_worse_or_breaks_a_guardrail_is_rolled_back_and_a_better_one_promoted(
    changes: dict[str, float], advice: Advice
) -> None:
    rng = np.random.default_rng(4)
    found = [outcome(traffic(rng, 0.6), traffic(rng, **changes), Guardrails(margin=0.0)) for _ in range(10)]
    assert found == [advice] * 10


def test_a_canary_that_is_slower_by_what_nobody_notices_stays() -> None:
    rng = np.random.default_rng(6)
    stable, canary = arm(traffic(rng, 0.6, slow=0.001)), arm(traffic(rng, 0.6, slow=0.003))
    assert judge(stable, canary, Guardrails(margin=0.0)).advice is Advice.CONTINUE


def test_a_cheaper_canary_that_is_as_good_within_the_margin_is_promoted() -> None:
    rng = np.random.default_rng(5)
    report = judge(arm(traffic(rng, 0.9)), arm(traffic(rng, 0.9, cost=0.3)), Guardrails(margin=0.06))
    assert report.advice is Advice.PROMOTE
    assert report.to_dict()["figures"]["cost_usd"]["high"] < 0
