"""Promises hold, by the laws they claim to follow and on tables where the truth is known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.outcomes import table

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing import load_policy, save_policy
from autopicker_lab.routing.rule import prefer_by_estimates
from autopicker_lab.tuning import OutcomeMatrix, Promise, Terms, tune
from autopicker_lab.tuning.baseline import SAME_SHARES
from autopicker_lab.tuning.bounds import betting_p, binomial_p, p_of_mean, upper_bound
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.curve import best_weight, cost_quality_curve
from autopicker_lab.tuning.promise import certify, cut, in_testing_order, needed

Array = Any
DELTA = 0.1


# tests and bounds of a mean


def test_the_binomial_test_by_hand() -> None:
    assert binomial_p(0, 10, 0.5) == pytest.approx(0.5**10)
    assert binomial_p(1, 2, 0.5) == pytest.approx(0.75)
    assert binomial_p(0, 29, 0.1) < 0.05 < binomial_p(0, 28, 0.1)  # the rule of three
    assert p_of_mean(np.array([]), 0.1) == 1


def binary(random: np.random.Generator, n: int) -> Array:
    return (random.random(n) < 0.05) * 1.0


def graded(random: np.random.Generator, n: int) -> Array:
    return np.where(random.random(n) < 0.1, random.random(n), 0.0)


@pytest.mark.parametrize("draw", [binary, graded])
@pytest.mark.parametrize("n", [20, 200, 1000])
def test_a_false_promise_passes_no_more_often_than_it_may(draw: Any, n: int) -> None:
    """Both have a mean of 0.05, so that each test that says it is lower errs."""
    random = np.random.default_rng(n)
    passed = np.mean([p_of_mean(draw(random, n), 0.05) <= DELTA for _ in range(1000)])
    assert passed <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / 1000)


def test_betting_is_valid_for_differences_and_finds_what_is_there() -> None:
    random = np.random.default_rng(0)
    drawn = [(1 + random.choice([-1, 0, 1], 1000, p=[0.03, 0.92, 0.05])) / 2 for _ in range(500)]
    assert np.mean([betting_p(values, 0.51) <= DELTA for values in drawn]) <= DELTA + 0.04
    assert np.mean([betting_p(values, 0.52) <= DELTA for values in drawn]) > 0.5


def test_an_upper_bound_covers_and_shrinks() -> None:
    random = np.random.default_rng(1)

    def bound(n: int) -> float:
        losses = binary(random, n)
        return upper_bound(lambda limit: p_of_mean(losses, limit), DELTA)

    bounds = [bound(300) for _ in range(300)]
    assert np.mean(np.array(bounds) >= 0.05) >= 1 - DELTA - 0.05
    assert bound(10_000) < np.mean(bounds) < bound(50)


# promises


class World:
    """Prompts whose strong model is right nine times in ten, and the weak one the less the harder they are."""

    models = ("weak", "strong")

    def __init__(self, n: int, seed: int):
        random = np.random.default_rng(seed)
        hard = random.random(n)
        self.estimates = np.stack([0.9 - 0.6 * hard, np.full(n, 0.9)], axis=1)
        right = random.random(n) < 0.9
        self.outcomes = OutcomeMatrix(
            ids=tuple(map(str, range(n))),
            prompts=("",) * n,
            tasks=np.array([""] * n, object),
            models=self.models,
            scores=np.stack([right & (random.random(n) >= 0.667 * hard), right], axis=1).astype(float),
            costs=np.tile([0.0, 1.0], (n, 1)),
            cost_unit="call",
            strong=1,
            weak=0,
            groups=np.arange(n),
        )

    def promise(self, terms: Terms, tested: "World", seed: int = 0) -> tuple[float | None, Promise]:
        curve = cost_quality_curve(self.estimates, self.outcomes.scores, self.outcomes.costs)
        order = in_testing_order(self.outcomes, curve.choices, 1, terms, len(tested.outcomes), seed)
        weights = [float(curve.weights[i]) for i in order]
        choices = [prefer_by_estimates(tested.estimates, np.array([0.0, 1.0]), weight) for weight in weights]
        passed, promise = certify(tested.outcomes, choices, 1, terms, seed)
        return (weights[passed - 1] if passed else None), promise

    def true_loss(self, weight: float) -> tuple[float, float]:
        """Of the requests kept from the strong model, and of all."""
        kept = self.estimates[:, 0] >= self.estimates[:, 1] - weight
        lost = self.outcomes.scores[:, 1] - self.outcomes.scores[:, 0]
        return float(lost[kept].mean()), float((lost * kept).mean())


@pytest.fixture(scope="module")
def truth() -> World:
    return World(200_000, 99)


@pytest.mark.parametrize("loss", [0.1, 0.2])
def test_a_promise_is_false_no_more_often_than_it_may_be(truth: World, loss: float) -> None:
    terms = Terms(loss, 1 - DELTA)
    fitted = World(600, 1)
    weights = [fitted.promise(terms, World(600, 2 + draw))[0] for draw in range(200)]
    kept = [weight for weight in weights if weight is not None]
    assert len(kept) > 20  # it does promise
    broken = sum(truth.true_loss(weight)[0] > loss for weight in kept)
    assert broken <= 200 * DELTA + 3 * np.sqrt(200 * DELTA * (1 - DELTA))


@pytest.mark.parametrize("loss", [0.1, 0.6])
@pytest.mark.parametrize("graded", [False, True])
def test_the_bound_that_is_told_holds_although_the_same_prompts_chose(loss: float, graded: bool) -> None:
    """Also of many settings that lose alike, the last of which to pass is a matter of luck."""
    random = np.random.default_rng(int(100 * loss))
    truth = 0.08 if loss == 0.1 else 0.3
    false = passes = 0
    for _ in range(200):
        outcomes = World(200, 0).outcomes
        lost = (random.random(200) < (2 * truth if graded else truth)) * (random.random(200) if graded else 1.0)
        outcomes.scores[:] = np.stack([1 - lost, np.ones(200)], axis=1)
        choices = [np.where(random.random(200) < 0.8, 0, 1) for _ in range(12)]
        passed, promise = certify(outcomes, choices, 1, Terms(loss, 1 - DELTA), 0)
        passes += passed > 0
        false += passed > 0 and promise.bound < truth
    assert passes > 10
    assert false <= 200 * DELTA + 13


def test_a_promise_of_mean_quality_holds_too(truth: World) -> None:
    terms = Terms(0.5, 1 - DELTA, within=0.03)
    fitted = World(600, 1)
    weights = [fitted.promise(terms, World(600, 2 + draw))[0] for draw in range(100)]
    kept = [weight for weight in weights if weight is not None]
    assert len(kept) > 20
    assert sum(truth.true_loss(weight)[1] > 0.03 for weight in kept) <= 100 * DELTA + 9


def test_what_is_told_of_a_promise() -> None:
    weight, promise = World(2000, 1).promise(Terms(0.1), World(2000, 2))
    assert weight
    assert promise.feasible
    assert promise.bound == 0.1  # a bolder weight failed
    assert 0.05 < promise.cheap_share < 0.5
    assert promise.calibration_n == 2000
    assert str(promise).startswith("promised with 90 % confidence: at most 10 % of the requests kept")


def test_one_that_more_outcomes_would_make_says_how_many() -> None:
    fitted, terms = World(300, 1), Terms(0.06)
    weight, promise = fitted.promise(terms, World(100, 3))
    assert (weight, promise.feasible) == (None, False)
    curve = cost_quality_curve(fitted.estimates, fitted.outcomes.scores, fitted.outcomes.costs)
    wanted = needed(fitted.outcomes, curve.choices, 1, terms, 0)
    assert wanted is not None
    assert 300 < wanted < 20_000
    assert f"about {wanted:,} such prompts would do" in str(replace(promise, needed_n=wanted))
    assert fitted.promise(terms, World(3 * wanted, 3))[1].feasible


def test_one_that_no_number_would_make_says_so() -> None:
    world = World(500, 1)
    world.estimates[:] = 0.5
    world.outcomes.scores[:] = [[0.0, 1.0]]
    weight, promise = world.promise(Terms(0.05), world)
    assert (weight, promise.feasible) == (None, False)
    curve = cost_quality_curve(world.estimates, world.outcomes.scores, world.outcomes.costs)
    assert needed(world.outcomes, curve.choices, 1, Terms(0.05), 0) is None
    assert "no number of prompts like these would do" in str(promise)


@pytest.mark.parametrize(("loss", "confidence"), [(0.0, 0.9), (1.0, 0.9), (0.1, 1.0)])
def test_impossible_terms_are_refused(loss: float, confidence: float) -> None:
    with pytest.raises(InvalidRequestError, match="between 0 and 1"):
        Terms(loss, confidence)


# through tuning


@pytest.fixture(scope="module")
def promised() -> Any:
    return tune(table(600), promise=Terms(0.15, 0.9))


@pytest.mark.slow
def test_what_is_certified_is_what_is_served(promised: Any, tmp_path: Path) -> None:
    assert promised.promise.feasible
    policy = load_policy(save_policy(promised.policy, tmp_path / "p.json"))
    assert policy.promise == promised.promise.to_dict()
    fitted, kept_out = cut(OutcomeMatrix.from_table(table(600)), seed=0)
    assert promised.outcomes.ids == fitted.ids
    choices = route_outcomes(policy, kept_out).choices
    best = int(np.argmax(fitted.mean_scores))
    kept = choices != best
    rows = np.unique(kept_out.groups, return_index=True)[1]
    assert kept[rows].mean() == pytest.approx(promised.promise.cheap_share, abs=0.05)  # another one of each group
    assert (kept_out.scores[kept, best] - kept_out.scores[kept, 1 - best]).clip(0).mean() <= 0.15


@pytest.mark.slow
def test_a_report_begins_with_what_routing_has_to_beat(promised: Any) -> None:
    assert promised.to_frame()["router"].tolist()[:4] == ["always:large", SAME_SHARES, "oracle", "policy"]
    null = promised.verdict.null
    assert null.same_shares <= null.policy <= null.oracle
    assert str(promised.verdict).startswith(f"always large: {null.best_quality:.3f}; the same shares dealt at random")
    assert next(iter(promised.policy.card)) == "null"
    assert promised.missed == ""


# the allowance without a promise


def test_a_weight_keeps_the_allowance_by_a_bound() -> None:
    world = World(800, 5)
    curve = cost_quality_curve(world.estimates, world.outcomes.scores, world.outcomes.costs)
    lost = world.outcomes.scores[:, 1][None, :] - world.outcomes.scores[np.arange(800), curve.choices]
    at = int(np.flatnonzero(curve.weights == best_weight(curve, world.outcomes, 0.03))[0])
    assert lost[at].mean() + 1.645 * lost[at].std() / np.sqrt(800) <= 0.03
    assert curve.costs[at] < 1
    bolder = curve.costs < curve.costs[at]
    assert (lost[bolder].mean(1) + 1.645 * lost[bolder].std(1) / np.sqrt(800) > 0.03).all()


def test_where_no_weight_keeps_it_the_least_loss_is_taken() -> None:
    world = World(800, 5)
    curve = cost_quality_curve(world.estimates, world.outcomes.scores, world.outcomes.costs)
    assert best_weight(curve, world.outcomes, -1.0) == 0
