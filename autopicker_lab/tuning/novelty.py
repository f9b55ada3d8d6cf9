"""From where on a question is unlike all that was fitted: its tokens are rarer than those of held-out prompts.

Another language, or a subject of other words, is met by tokens that few or none of the prompts had; estimates then add
up weights that say nothing. The limit is a quantile of the mean idf of held-out prompts. Tokens of rewordings are
known, so that a typing error is not taken for a language.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab import embeddings
from autopicker_lab.tuning.fitting import INNER, grouped_folds
from autopicker_lab.tuning.prompts import Space

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.routing.estimator import LearnedEstimator
    from autopicker_lab.tuning.prompts import Prompts

    Array = np.ndarray[Any, Any]

CALLED_NEW = 0.01  # share of held-out prompts: of those of a new half, at most twice as many


def with_novelty(estimator: LearnedEstimator, prompts: Prompts, seed: int = 0) -> LearnedEstimator:
    """The estimator with a limit of novelty, found on folds of the prompts that it was fitted on."""
    import numpy as np

    if len(set(prompts.groups.tolist())) < INNER:
        return estimator
    times, values = 1 + len(prompts.copies), []
    for train, test in grouped_folds(prompts.groups, INNER, seed):
        known = prompts.at(train).with_copies()
        values.append(_mean_idf(Space(known, times), prompts.at(test), _unknown(len(known), times)))
    limit = float(np.quantile(np.concatenate(values), 1 - CALLED_NEW))
    return replace(estimator, novelty=(_unknown(times * len(prompts), times), limit))


def _unknown(rows: int, times: int) -> float:
    """The idf of a token that no prompt had."""
    import numpy as np

    return float(np.log((1 + rows) / times) + 1)


def _mean_idf(space: Space, prompts: Prompts, unknown: float) -> Array:
    """The mean idf of the different tokens of each row, shape (n,)."""
    import numpy as np

    vocabulary = len(embeddings.vectors())
    idf = np.full(vocabulary, unknown)
    of_tokens = space.keys < vocabulary
    idf[space.keys[of_tokens]] = space.idf[of_tokens]
    met = prompts.tokens[:, :vocabulary].astype(bool).astype(float)
    means: Array = (met @ idf) / np.maximum(np.asarray(met.sum(1)).ravel(), 1)
    return means
