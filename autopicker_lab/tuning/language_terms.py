"""Estimates of a language's own: what those of all languages leave over of its scores, as far as that is not noise.

A fit of few prompts in a language among many in another finds little of what sets it apart: of 50 German questions
beside 100 English ones a fifth of the difference. What it leaves over, by values that saw neither a prompt nor one
alike, is added: of the level over models and of the models' deviations from it so much as is more than its variance,
of the square (empirical Bayes: Efron and Morris, "Stein's Estimation Rule and Its Competitors", 1973,
https://doi.org/10.1080/01621459.1973.10481350). A table in one language has no such terms.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from autopicker_lab.routing.language_terms import LanguageTerm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from autopicker_lab.tuning.prompts import Prompts

    Array = np.ndarray[Any, Any]

ENOUGH = 50  # groups of alike prompts in a language
_MISREAD = 0.01  # share of prompts whose language may be mistaken: of short German questions one in 200
_DIGITS = 6


def languages_with_enough(prompts: Prompts) -> tuple[str, ...]:
    """The languages with `ENOUGH` prompts, where there are several."""
    if prompts.languages is None:
        return ()
    pairs = {*zip(prompts.languages.tolist(), prompts.groups.tolist(), strict=True)}
    counts = Counter(language for language, _ in pairs if language)
    least = max(ENOUGH, _MISREAD * counts.total())
    enough = tuple(sorted(language for language, count in counts.items() if count >= least))
    return enough if len(enough) > 1 else ()


def language_terms(prompts: Prompts, left: Array, languages: Sequence[str]) -> dict[str, LanguageTerm]:
    """The terms of some languages; none where nothing is to be added to any.

    Args:
        left: what estimates of fits without a prompt left over of its scores, shape (n, models).
    """
    import numpy as np

    terms = {}
    for language in languages:
        rows = np.flatnonzero(prompts.languages == language)
        groups = len(np.unique(prompts.groups[rows]))
        if groups > 1:
            terms[language] = _term(left[rows], prompts.groups[rows], groups)
    return terms if any(any(term.added) for term in terms.values()) else {}


def with_language_terms(estimates: Array, terms: Mapping[str, LanguageTerm], languages: Array | None) -> Array:
    """Estimates of shape (n, models) with what the language of each prompt, shape (n,), adds to them."""
    if not terms or languages is None:
        return estimates
    whole = estimates.copy()
    for language, term in terms.items():
        rows = languages == language
        whole[rows] = (whole[rows] + term.added).clip(0.0, 1.0)
    return whole


def _term(left: Array, groups: Array, count: int) -> LanguageTerm:
    """Of one language: residuals of shape (n, models), and the group of each, shape (n,)."""
    import numpy as np

    level = left.mean(1, keepdims=True)
    added = np.zeros(left.shape[1])
    for part in (level, left - level):
        mean, variance = _mean_and_variance(part, groups)
        added += _kept(mean, variance) * mean
    means, variances = _mean_and_variance(left, groups)
    return LanguageTerm(count, _rounded(added), _rounded(means), _rounded(np.sqrt(variances)))


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(values.round(_DIGITS).tolist())


def _mean_and_variance(values: Array, groups: Array) -> tuple[Array, Array]:
    """Means of columns, and the variances of these, rows of a group counting together; shape (k,) each."""
    import numpy as np

    means = values.mean(0)
    _, group = np.unique(groups, return_inverse=True)
    sums = np.stack([np.bincount(group, column) for column in (values - means).T], axis=1)
    count = len(sums)
    return means, (sums**2).sum(0) / len(values) ** 2 * count / max(count - 1, 1)


def _kept(means: Array, variances: Array) -> float:
    """The share of means that is kept, one for all of them: of their squares, what is more than their variances."""
    squares = float((means**2).sum())
    return max(1 - float(variances.sum()) / squares, 0.0) if squares else 0.0
