"""From where on a question is unlike all that was fitted: its tokens are rarer than those of held-out prompts.

Another language, or a subject of other words, is met by tokens that few or none of the prompts had; estimates then add
up weights that say nothing. A text is as new as its different tokens are rare on average, those that no prompt had
counting more. The limit is conformal (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005): a
quantile of what held-out prompts have, groups of alike ones weighing as one each, and the next prompt as one more.
Tokens of rewordings are known, so that a typing error is not taken for a language. A language with estimates of its own
has a limit of its own, by its own prompts, so that it is not new beside one with many more.
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

CALLED_NEW = 0.02  # share of new prompts of the same kind, at most
_NOBODY_HAD = 6.0  # added to the idf of a token that no prompt had: other tables were told by it best, among 0 to 30


def with_novelty(estimator: LearnedEstimator, prompts: Prompts, seed: int = 0) -> LearnedEstimator:
    """The estimator with a limit of novelty, found on folds of the prompts that it was fitted on."""
    import numpy as np

    if len(set(prompts.groups.tolist())) < INNER:
        return estimator
    times, values, groups, rows = 1 + len(prompts.copies), [], [], []
    for train, test in grouped_folds(prompts.groups, INNER, seed):
        known = prompts.at(train).with_copies()
        values.append(_mean_idf(Space(known, times), prompts.at(test), _unknown(len(known), times)))
        groups.append(prompts.groups[test])
        rows.append(test)
    known_values, known_groups = np.concatenate(values), np.concatenate(groups)
    limited = {}
    for language, term in estimator.by_language.items():
        own = prompts.languages[np.concatenate(rows)] == language  # type: ignore[index]  # there are terms
        limited[language] = replace(term, novelty=_limit(known_values[own], known_groups[own]))
    limit = _limit(known_values, known_groups)
    return replace(estimator, novelty=(_unknown(times * len(prompts), times), limit), by_language=limited)


def _limit(values: Array, groups: Array) -> float:
    """The value that a new prompt passes in `CALLED_NEW` of cases at most; the highest where too few groups tell it."""
    import numpy as np

    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(values)
    covered = np.cumsum(1 / sizes[group[order]]) / (len(sizes) + 1)
    enough = int(np.searchsorted(covered, 1 - CALLED_NEW))
    return float(values[order[min(enough, len(order) - 1)]])


def _unknown(rows: int, times: int) -> float:
    """What a token counts that no prompt had."""
    import numpy as np

    return float(np.log((1 + rows) / times) + 1 + _NOBODY_HAD)


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
