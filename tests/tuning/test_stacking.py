"""Of many models, the greatest estimate is drawn towards the others where chance makes it the greatest."""

import numpy as np
import pytest

from autopicker_lab.routing.estimator import stacked
from autopicker_lab.tuning import stacking
from autopicker_lab.tuning.stacking import fit_stack


def scores_of(chances: np.ndarray, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(chances.shape) < chances).astype(float)


def raw_of(estimates: np.ndarray) -> np.ndarray:
    mean = estimates.mean(1, keepdims=True)
    return np.hstack([mean, estimates - mean])


def never_drawn(raw: np.ndarray, scores: np.ndarray) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacking, "_WORTH", 1.0)
        return fit_stack(raw, scores)


def test_what_misleads_the_choice_among_many_is_drawn_in() -> None:
    random = np.random.default_rng(2)
    true = 0.08 * random.normal(size=(8000, 4))
    misleading = random.random((8000, 1)) < 0.15  # of these prompts the deviations say nothing, and say it loudly
    raw = raw_of(np.where(misleading, 0.32 * random.normal(size=true.shape), true))
    scores = scores_of(np.array([0.6, 0.5, 0.5, 0.5]) + true, 3)
    plain, drawn = never_drawn(raw, scores), fit_stack(raw, scores)
    assert (drawn[:, 3] < 0.95 * plain[:, 3]).all()
    chosen = [scores[np.arange(8000), stacked(raw, each).argmax(1)].mean() for each in (plain, drawn)]
    assert chosen[1] > chosen[0] + 0.001


def test_true_differences_stay() -> None:
    true = 0.2 * np.random.default_rng(2).normal(size=(6000, 3))
    raw, scores = raw_of(true), scores_of(0.5 + true, 5)
    assert np.allclose(fit_stack(raw, scores), never_drawn(raw, scores))


def test_what_models_do_not_differ_in_is_not_learned_from_noise() -> None:
    random = np.random.default_rng(6)
    apart, noise = [], []
    for _ in range(40):
        mean = 0.2 * random.normal(size=600)
        scores = np.column_stack([scores_of(0.5 + mean, seed) for seed in random.integers(10**6, size=2)])
        raw = np.column_stack([mean, *(0.05 * random.normal(size=(1, 600)) * np.array([[1], [-1]]))])
        stack = fit_stack(raw, scores)
        apart.append(stack[0, 1] - stack[1, 1])
        noise.append(np.polyfit(mean, scores[:, 0] - scores[:, 1], 1)[0])
    assert np.mean(np.square(apart)) < 0.6 * np.mean(np.square(noise))


def test_curves_that_do_differ_are_kept() -> None:
    random = np.random.default_rng(7)
    mean = random.uniform(-0.5, 0.5, 4000)
    chances = np.column_stack([0.5 + mean - 1.2 * (mean**2 - 1 / 12), 0.5 + mean])
    scores = np.column_stack([scores_of(each, seed) for seed, each in enumerate(chances.T)])
    raw = np.column_stack([mean, 0.05 * random.normal(size=(4000, 2))])
    gains = stacked(raw, fit_stack(raw, scores)) @ [1, -1]
    assert np.corrcoef(gains, -(mean**2))[0, 1] > 0.9
