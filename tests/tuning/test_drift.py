"""Drift: quiet on requests like those of the table, also where the fit has seen them; it names what moved elsewhere."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.outcomes import table

from autopicker_lab.complexity.features import measure
from autopicker_lab.core import InvalidRequestError, RoutePolicy
from autopicker_lab.routing import default_policy, load_policy, save_policy
from autopicker_lab.routing.estimator import estimate_each
from autopicker_lab.tuning import DriftState, OutcomeMatrix, measure_drift
from autopicker_lab.tuning.drift_reference import reference_of
from autopicker_lab.tuning.learned import learn

TOPICS = ("bread", "rivers", "music", "taxes", "trains", "birds", "glass", "chess", "wool", "ports")
PROMPTS = [  # any 400 of them are like the others
    f"{'Why do' if i % 3 else 'Please list what'} {TOPICS[i % 10]} {'change' * (i % 2)} {TOPICS[i * 7 % 9]} "
    f"{'and then compare them with those of a neighbour ' * (i % 5)}{'in the year 1950' * (i % 4 == 1)} number {i}?"
    for i in np.random.default_rng(0).permutation(1400).tolist()
]


@pytest.fixture(scope="module")
def fitted() -> Any:
    random = np.random.default_rng(0)
    rows = [
        {"prompt_id": str(i), "prompt": prompt, "model": model, "score": float(random.random() < chance)}
        for i, prompt in enumerate(PROMPTS[:400])
        for model, chance in (("weak", 0.7 - 0.4 * ("compare" in prompt)), ("strong", 0.85))
    ]
    import pandas as pd

    outcomes = OutcomeMatrix.from_table(pd.DataFrame(rows), groups="off")
    learned = learn(outcomes, None, 2, 1, 0, None)
    edges, shares, reference = reference_of(learned)
    estimator = learned.estimator
    return replace(
        default_policy(), estimator=estimator, pair=outcomes.pair, edges=edges, shares=shares, reference=reference
    )


def states(policy: RoutePolicy, prompts: list[str]) -> Counter[DriftState]:
    """Of 100 draws of 500 of some prompts."""
    assert policy.estimator is not None
    random = np.random.default_rng(1)
    estimates, features = estimate_each(policy.estimator, prompts), [measure(prompt) for prompt in prompts]
    weak, strong = (policy.estimator.models.index(name) for name in policy.pair or ())
    scores = 50 + 50 * (estimates[:, strong] - estimates[:, weak])
    drawn = (random.choice(len(prompts), 500, replace=len(prompts) < 500) for _ in range(100))
    return Counter(measure_drift(policy, scores[rows].tolist(), [features[i] for i in rows]).state for rows in drawn)


def test_other_prompts_of_the_same_kind_are_no_drift(fitted: RoutePolicy) -> None:
    assert states(fitted, PROMPTS[400:])[DriftState.STABLE] >= 95


def test_neither_are_the_very_prompts_that_were_fitted(fitted: RoutePolicy) -> None:
    assert states(fitted, PROMPTS[:400])[DriftState.STABLE] >= 95


def test_prompts_of_another_kind_are_and_it_says_what_moved_and_what_to_do(fitted: RoutePolicy) -> None:
    found = measure_drift(fitted, table(500)["prompt"].unique().tolist())
    assert found.state is DriftState.CHANGED
    assert "digits" in [moved.feature for moved in found.moved if moved.more]
    assert str(found.moved[0]) in found.verdict
    assert "tune again" in found.verdict


def test_a_flood_of_one_request_is_drift(fitted: RoutePolicy) -> None:
    assert measure_drift(fitted, PROMPTS[:1] * 600).state is DriftState.CHANGED


def test_what_it_is_measured_against_survives_the_file(fitted: RoutePolicy, tmp_path: Path) -> None:
    path = save_policy(fitted, tmp_path / "p.json")
    assert load_policy(path).reference == fitted.reference
    live = PROMPTS[500:1100]
    assert measure_drift(path, live) == measure_drift(fitted, live)
    assert measure_drift(replace(fitted, reference={}), live).by_chance is None  # a file of an earlier version


@pytest.mark.parametrize(
    "damage", [{"seen": [1.0]}, {"prompts": 0}, {"features": {"tokens": {"edges": [2, 1], "shares": [1, 0, 0]}}}]
)
def test_a_damaged_reference_is_named(fitted: RoutePolicy, tmp_path: Path, damage: Any) -> None:
    path = save_policy(replace(fitted, reference={**fitted.reference, **damage}), tmp_path / "p.json")
    with pytest.raises(InvalidRequestError, match="reference"):
        load_policy(path)


def test_prompts_are_scored_by_estimates_alone(fitted: RoutePolicy) -> None:
    with pytest.raises(InvalidRequestError, match="routing scores"):
        measure_drift(replace(fitted, estimator=None), PROMPTS[:500])


RUSSIAN = [f"Почему меняется цена {word} и как долго это длится, номер {i}?" for i, word in enumerate(TOPICS * 15)]


def test_the_share_that_no_estimate_decides_on_is_told_and_is_drift(fitted: RoutePolicy) -> None:
    careful = replace(fitted, unfamiliar="incumbent")
    usual, mixed = measure_drift(careful, PROMPTS[400:]), measure_drift(careful, PROMPTS[400:850] + RUSSIAN)
    assert usual.unfamiliar is not None
    assert usual.unfamiliar < 0.04
    assert "unfamiliar" not in [moved.feature for moved in usual.moved]
    assert mixed.unfamiliar == pytest.approx(0.25, abs=0.03)
    assert "more requests unlike all that was fitted" in mixed.verdict
    assert mixed.to_dict()["unfamiliar"] == mixed.unfamiliar


def test_a_policy_that_estimates_all_counts_none_as_unfamiliar(fitted: RoutePolicy) -> None:
    found = measure_drift(replace(fitted, unfamiliar="estimate"), PROMPTS[400:850] + RUSSIAN)
    assert found.unfamiliar is None
    assert "unfamiliar" not in [moved.feature for moved in found.moved]
