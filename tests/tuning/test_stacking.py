"""Of many models, the greatest estimate is drawn towards the others where chance makes it the greatest."""

import numpy as np

from autopicker_lab.routing.estimator import stacked
from autopicker_lab.tuning.stacking import fit_stack


def scores_of(chances: np.ndarray, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(chances.shape) < chances).astype(float)


def test_what_misleads_the_choice_among_many_is_drawn_in() -> None:
    random = np.random.default_rng(2)
    true = 0.08 * random.normal(size=(8000, 4))
    misleading = random.random((8000, 1)) < 0.15  # of these prompts the deviations say nothing, and say it loudly
    raw = np.column_stack([np.zeros(8000), np.where(misleading, 0.32 * random.normal(size=true.shape), true)])
    scores = scores_of(np.array([0.6, 0.5, 0.5, 0.5]) + true, 3)
    # a pair is never drawn together, and each model's own regression is the same
    plain = np.vstack([fit_stack(raw[:, [0, 1, 2]], scores[:, :2]), fit_stack(raw[:, [0, 3, 4]], scores[:, 2:])])
    drawn = fit_stack(raw, scores)
    assert (drawn[:, 3] < 0.95 * plain[:, 3]).all()
    chosen = [scores[np.arange(8000), stacked(raw, each).argmax(1)].mean() for each in (plain, drawn)]
    assert chosen[1] > chosen[0] + 0.001


def test_true_differences_stay() -> None:
    true = 0.2 * np.random.default_rng(2).normal(size=(6000, 3))
    raw, scores = np.column_stack([np.zeros(6000), true]), scores_of(0.5 + true, 5)
    assert np.allclose(fit_stack(raw, scores)[:2], fit_stack(raw[:, :3], scores[:, :2]))
