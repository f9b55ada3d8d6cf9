"""Fit estimates of P(a good answer) for each model, and measure them out of fold.

Two ridge regressions share tf-idf of tokens and pairs, mean embeddings and counts: one for the mean score over models
(how hard the prompt is), one, more strongly regularised, for each model's deviation from it (who is better at it).
The pull of the two on a score is fitted on inner out-of-fold values (stacking: Wolpert, 1992,
https://doi.org/10.1016/S0893-6080(05)80023-1), which also calibrates it. How strongly each is regularised is chosen
by inner cross-validation inside each outer fold. What these values leave over of the scores of a language is added
to its estimates (see tuning.language_terms).

A fit also sees rewordings of its prompts (see tuning.rewordings), so that a decision does not hang on how a question is
written; a prompt and its copies weigh as much as one prompt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab import embeddings
from autopicker_lab.core import StoppedError
from autopicker_lab.routing.bounded_influence import bounded
from autopicker_lab.routing.estimator import LearnedEstimator, dense_block, stacked
from autopicker_lab.routing.readings import BOTH_ENDS, READINGS
from autopicker_lab.routing.token_keys import PAIRS, inner_parts, keys_of, mean_vector
from autopicker_lab.routing.written_language import written_language
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.tuning.grouping import near_duplicates
from autopicker_lab.tuning.language_terms import language_terms, languages_with_enough, with_language_terms
from autopicker_lab.tuning.prompts import Prompts, Space, tfidf
from autopicker_lab.tuning.rewordings import copies_of
from autopicker_lab.tuning.ridge import Design, fit_ridges
from autopicker_lab.tuning.stacking import fit_stack, unstacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

PENALTIES = ((1.0, 3.0, 10.0), (3.0, 10.0, 20.0, 40.0))  # of the mean, of the deviations
INNER = 4
_TAIL_MOVES = 0.3  # standard deviations of held-out values: more lets ten chosen words move a third of the requests


def prepare(texts: Sequence[str], groups: Array | None = None, kind: str = BOTH_ENDS, parts: bool = True) -> Prompts:
    """Everything that is known of texts without their outcomes.

    Args:
        groups: of near-duplicates, where they are known.
        kind: of the estimator that reads them.
        parts: whether texts without words at their ends are prepared, too.
    """
    import numpy as np

    groups = near_duplicates(texts) if groups is None else groups
    reading = READINGS[kind]
    read = [reading.read(text, None) for text in texts]
    ids = [embeddings.token_ids(each.excerpt) for each in read]
    counts = np.stack([each.counts for each in read])
    whole = _prepared(ids, counts, groups, reading.most)
    if not (parts and reading.most):
        return whole
    whole = replace(whole, languages=np.array([written_language(each.excerpt) for each in read], str))
    slices = [inner_parts(len(row), reading.long, reading.both) for row in ids]
    inner = []
    for i in range(3 if reading.both else 1):
        left = [row[part[i]] if part else row for row, part in zip(ids, slices, strict=True)]
        known = [
            each.inner[i] if part and each.inner is not None else each.counts
            for each, part in zip(read, slices, strict=True)
        ]
        inner.append(_prepared(left, np.stack(known), groups, reading.most))
    return replace(whole, inner=tuple(inner))


def _prepared(ids: Sequence[Array], counts: Array, groups: Array, most: int) -> Prompts:
    import numpy as np
    from scipy import sparse

    vocabulary = len(embeddings.vectors())
    columns, values, ends, vectors = [], [], [0], []
    for row in ids:
        keys, times = keys_of(row, long=len(row) + 1)
        columns.append(keys)
        values.append(np.minimum(times[0], most) if most else times[0])
        ends.append(ends[-1] + len(keys))
        vectors.append(mean_vector(keys[: keys.searchsorted(vocabulary)] if most else row))
    data = np.concatenate(values).astype(np.float64)
    shape = (len(ids), vocabulary + PAIRS)
    tokens = sparse.csr_matrix((data, np.concatenate(columns), np.array(ends)), shape=shape)
    return Prompts(tokens, np.stack(vectors), counts, groups)


def prepare_to_fit(texts: Sequence[str], groups: Array | None = None, seed: int = 0) -> Prompts:
    """The same, with rewordings for a fit, drawn by a seed."""
    prompts = prepare(texts, groups)
    copies = tuple(prepare(copy, prompts.groups, parts=False) for copy in copies_of(texts, seed))
    return replace(prompts, copies=copies)


def fit(
    prompts: Prompts,
    scores: Array,
    models: Sequence[str],
    seed: int = 0,
    like: LearnedEstimator | None = None,
    languages: Sequence[str] | None = None,
) -> LearnedEstimator:
    """Estimates fitted on all of `prompts`; `scores` has shape (n, models), 0 to 1.

    Args:
        like: a fit of the same models whose penalties are taken over, without a stack and terms of languages; None
            finds these by cross-validation.
        languages: that may have estimates of their own; None: those with enough of the prompts.
    """
    import numpy as np

    targets = _targets(scores)
    tail: tuple[float, ...] | None
    if like is None and len(set(prompts.groups.tolist())) > 1:
        penalties, raw = _cross_validated(prompts, targets, seed)
        stack, tail = fit_stack(raw, scores), tuple((_TAIL_MOVES * raw.std(0)).tolist())
        by_language = language_terms(
            prompts, scores - stacked(raw, stack), languages_with_enough(prompts) if languages is None else languages
        )
    else:
        penalties = like.penalties if like else (PENALTIES[0][-1], PENALTIES[1][-1])  # of one group nothing is found
        stack, tail, by_language = unstacked(scores), like.tail if like else None, {}
    several, times = prompts.with_copies(), 1 + len(prompts.copies)
    space = Space(several, times)
    design = Design(*space.columns(several))
    parts = [  # a prompt and its copies weigh as one: so many times the rows, so many times the penalty
        fit_ridges(design, np.tile(part, (times, 1)), [penalty * times])[0]
        for part, penalty in zip(targets, penalties, strict=True)
    ]
    coefficients = np.hstack([part.coefficients for part in parts])
    known = len(space.keys)
    return LearnedEstimator(
        models=tuple(models),
        keys=space.keys,
        idf=space.idf,
        centre=space.centre,
        feature_mean=space.mean,
        feature_scale=space.scale,
        weights=np.ascontiguousarray(coefficients[:known], np.float16),
        dense=np.ascontiguousarray(coefficients[known:], np.float16),
        bias=np.concatenate([p.intercept - t.mean(0) for p, t in zip(parts, targets, strict=True)]),
        stack=stack,
        penalties=penalties,
        tail=tail,
        kind=BOTH_ENDS,
        by_language=by_language,
    )


def out_of_fold(
    prompts: Prompts,
    scores: Array,
    folds: Sequence[tuple[Array, Array]],
    seed: int = 0,
    progress: Progress | None = None,
) -> Array:
    """Estimates of each prompt by a fit that saw neither it nor a near-duplicate, shape (n, models).

    Rows that are in no fold's test part are NaN.

    Args:
        progress: called with (folds done, folds in all).

    Raises:
        StoppedError: `progress` returned False.
    """
    import numpy as np

    estimates, languages = np.full(scores.shape, np.nan), languages_with_enough(prompts)
    names = [str(model) for model in range(scores.shape[1])]
    for i, (train, test) in enumerate(folds):
        estimator = fit(prompts.at(train), scores[train], names, seed, languages=languages)
        estimates[test] = predict(estimator, prompts.at(test))
        if not report_progress(progress, i + 1, len(folds)):
            raise StoppedError.of("tuning")
    return estimates


def predict(estimator: LearnedEstimator, prompts: Prompts) -> Array:
    """Estimates of many prompts at once, shape (n, models)."""
    estimates = stacked(raw_estimates(estimator, prompts), estimator.stack)
    return with_language_terms(estimates, estimator.by_language, prompts.languages)


def raw_estimates(estimator: LearnedEstimator, prompts: Prompts) -> Array:
    """The mean over models and each model's deviation before they are stacked, shape (n, 1 + models)."""
    import numpy as np

    whole = _linear(estimator, prompts)
    if estimator.tail is None or not prompts.inner:
        return whole
    return bounded(whole, [_linear(estimator, part) for part in prompts.inner], np.array(estimator.tail))


def _linear(estimator: LearnedEstimator, prompts: Prompts) -> Array:
    """The same without the limit of what words at the ends add."""
    import numpy as np

    weighted = tfidf(prompts, estimator.keys, estimator.idf)
    scaling = (estimator.centre, estimator.feature_mean, estimator.feature_scale)
    block = dense_block(prompts.vectors, prompts.counts, *scaling, estimator.kind)
    weights, dense = estimator.weights.astype(np.float64), estimator.dense.astype(np.float64)
    raw: Array = estimator.bias + weighted @ weights + block @ dense
    return raw


def grouped_folds(groups: Array, folds: int, seed: int) -> list[tuple[Array, Array]]:
    """Train and test rows of each fold, as many as there are groups at most; a group is never in both."""
    from sklearn.model_selection import GroupKFold

    folds = min(folds, len(set(groups.tolist())))
    return list(GroupKFold(folds, shuffle=True, random_state=seed).split(groups, groups=groups))


def _cross_validated(prompts: Prompts, targets: Sequence[Array], seed: int) -> tuple[tuple[float, float], Array]:
    """The penalties of mean and deviations with the least inner error, and their inner values, (n, 1 + models)."""
    import numpy as np

    values = [
        [np.zeros((len(prompts), part.shape[1])) for _ in penalties] for part, penalties in _with_penalties(targets)
    ]
    errors = [[0.0] * len(penalties) for penalties in PENALTIES]
    for train, test in grouped_folds(prompts.groups, INNER, seed + 1):
        space = Space(prompts.at(train))
        design, held_out_columns = Design(*space.columns(prompts.at(train))), space.columns(prompts.at(test))
        for k, ((part, penalties), held_out) in enumerate(zip(_with_penalties(targets), values, strict=True)):
            for i, fitted in enumerate(fit_ridges(design, part[train], penalties)):
                predicted = fitted.predict(*held_out_columns)
                errors[k][i] += float(((predicted - part[test]) ** 2).sum())
                # a fold's mean leans against that of the rest: pooled, it would teach the stack the opposite
                held_out[i][test] = predicted - part[train].mean(0)
    mean, deviations = (several.index(min(several)) for several in errors)
    raw = np.hstack([values[0][mean], values[1][deviations]])
    return (PENALTIES[0][mean], PENALTIES[1][deviations]), raw


def _with_penalties(targets: Sequence[Array]) -> Iterable[tuple[Array, tuple[float, ...]]]:
    return zip(targets, PENALTIES, strict=True)


def _targets(scores: Array) -> tuple[Array, Array]:
    mean = scores.mean(1, keepdims=True)
    return mean, scores - mean
