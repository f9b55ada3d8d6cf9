"""Estimates of P(a good answer) for each model, learned from outcomes: what a policy file carries, and how it is read.

Fitting is in tuning/fitting.py; what stands here needs numpy alone, so that a service pays nothing for it. A text is
seen as tf-idf over its tokens and pairs of tokens, its mean token embedding, and a few counts; which text and which
counts, its kind says (see routing.readings). What is written after a question or before it may move its estimate by so
much and no more (see routing.bounded_influence).

Another kind of estimator is a class with the methods of core's Estimator, and a line in `KINDS`.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from autopicker_lab import embeddings
from autopicker_lab.complexity.features import measure
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing.hidden_vocabulary import hashed, probe_of, read_arrays
from autopicker_lab.routing.language_terms import LanguageTerm, read_language_terms
from autopicker_lab.routing.packed_arrays import packed
from autopicker_lab.routing.readings import APART, BOTH_ENDS, READINGS
from autopicker_lab.routing.request_tables import FEATURES, FURTHEST, RequestTables
from autopicker_lab.routing.token_keys import PAIRS
from autopicker_lab.routing.written_language import written_language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from autopicker_lab.core.policy import Estimator

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class LearnedEstimator:
    """Linear estimates, stacked: a mean over models, each model's deviation from it, and a fit of both to its score.

    Attributes:
        models: in the order of the outputs.
        kind: how it reads a text, one of READINGS.
        novelty: idf of a token that is not known, and the mean idf of a text's tokens from which on it is unfamiliar;
            None: no text is.
        tail: how far last words may move the mean and each deviation, and first ones by it; None: without limit.
        by_language: what languages with enough outcomes add to the estimates (see tuning.language_terms).
        keys: of the tokens and pairs that are known, ascending, shape (k,).
        idf: shape (k,). centre, feature_mean, feature_scale: what the dense blocks are shifted and divided by.
        weights: shape (k, 1 + models): the mean first. dense: shape (256 + features, 1 + models).
        bias: shape (1 + models,).
        stack: shape (models, 4): intercept, and coefficients of mean, mean squared and deviation.
        penalties: of the ridge regressions of mean and deviations.
        vocabulary_key: a secret that the keys are hashed with where this is written; "": they are written as they are.
    """

    models: tuple[str, ...]
    keys: Array
    idf: Array
    centre: Array
    feature_mean: Array
    feature_scale: Array
    weights: Array
    dense: Array
    bias: Array
    stack: Array
    penalties: tuple[float, float] = (0.0, 0.0)
    kind: str = BOTH_ENDS
    novelty: tuple[float, float] | None = None
    tail: tuple[float, ...] | None = None
    by_language: Mapping[str, LanguageTerm] = field(default_factory=dict)
    vocabulary_key: str = field(default="", repr=False)

    ARRAYS: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "keys": "int32",
            "idf": "float16",
            "centre": "float16",
            "feature_mean": "float64",
            "feature_scale": "float64",
            "weights": "float16",
            "dense": "float16",
            "bias": "float64",
            "stack": "float64",
        }
    )

    @cached_property
    def _tables(self) -> RequestTables:
        arrays = {name: getattr(self, name) for name in self.ARRAYS}
        return RequestTables(self.kind, arrays, self.novelty, self.tail)

    def estimate(self, text: str, features: Mapping[str, float]) -> dict[str, float]:
        """P(a good answer), 0 to 1, by model. `features` are those of features.measure for the whole text."""
        read = READINGS[self.kind].read(text, features)
        mean, *deviations = self._tables.raw(read).tolist()
        square = mean * mean
        estimates = {
            name: min(max(a + mean * b + square * c + own * d, 0.0), 1.0)
            for name, own, (a, b, c, d) in zip(self.models, deviations, self._tables.stack, strict=True)
        }
        term = self.by_language.get(written_language(read.excerpt)) if self.by_language else None
        if term is None:
            return estimates
        return {
            name: min(max(value + more, 0.0), 1.0)
            for (name, value), more in zip(estimates.items(), term.added, strict=True)
        }

    def is_unfamiliar(self, text: str) -> bool:
        """Whether the tokens of a text are rarer, on average, than those of what was fitted."""
        if self.novelty is None:
            return False
        tables, limit = self._tables, self.novelty[1]
        term = self.by_language.get(self.own_language(text))
        if term is not None and term.novelty is not None:
            limit = term.novelty
        return tables.rarity_of(tables.tokens_of(READINGS[self.kind].read(text, None))) > limit

    def part_read(self, text: str) -> str:
        """The part of a text that is read, in words; "" for all of it, or where its kind tells no parts apart."""
        reading = READINGS[self.kind]
        return reading.read(text, None).part if reading.parts else ""

    def own_language(self, text: str) -> str:
        """The language of a text, where its questions have estimates of their own; "" for others."""
        if not self.by_language:
            return ""
        language = written_language(READINGS[self.kind].read(text, None).excerpt)
        return language if language in self.by_language else ""

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of its models and arrays, and of the embeddings that it reads texts by."""
        digest = hashlib.sha256(
            json.dumps(
                [self.kind, self.models, embeddings.fingerprint(), *(self.novelty or ()), *(self.tail or ())]
            ).encode()
        )
        for name in self.ARRAYS:
            digest.update(getattr(self, name).tobytes())
        for language, term in sorted(self.by_language.items()):
            digest.update(repr((language, term.added, term.novelty)).encode())
        return digest.hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: what it is, then each array as its type, shape and compressed bytes."""
        return {
            "kind": self.kind,
            "models": list(self.models),
            "penalties": list(self.penalties),
            "embedding": embeddings.NAME,
            "fingerprint": embeddings.fingerprint(),
            **({"novelty": list(self.novelty)} if self.novelty else {}),
            **({"tail": list(self.tail)} if self.tail else {}),
            **(
                {"by_language": {name: t.to_dict() for name, t in self.by_language.items()}} if self.by_language else {}
            ),
            **({"vocabulary": probe_of(self.vocabulary_key)} if self.vocabulary_key else {}),
            "arrays": {name: packed(array) for name, array in self._written().items()},
        }

    def _written(self) -> dict[str, Array]:
        """The arrays as a file holds them: with a secret, the keys hashed, and in the order of their hashes."""
        arrays = {name: getattr(self, name) for name in self.ARRAYS}
        if not self.vocabulary_key:
            return arrays
        keys = hashed(self.keys, self.vocabulary_key)
        order = keys.argsort()
        return arrays | {"keys": keys[order]} | {name: arrays[name][order] for name in ("idf", "weights")}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], vocabulary_key: str = "") -> LearnedEstimator:
        """The estimator of a policy file.

        Args:
            vocabulary_key: the secret that its vocabulary was hashed with, where it was.

        Raises:
            InvalidRequestError: other embeddings than the installed ones, arrays that do not fit together, or another
                secret.
        """
        if raw.get("fingerprint") != embeddings.fingerprint():
            detail = f"the estimator was fitted on other embeddings than the installed {embeddings.NAME}"
            raise InvalidRequestError(detail, "tune again with this installation")
        try:
            arrays = read_arrays(raw, cls.ARRAYS, vocabulary_key)
            mean, deviations = map(float, raw["penalties"])
            estimator = cls(
                tuple(map(str, raw["models"])), **arrays, penalties=(mean, deviations), kind=str(raw["kind"])
            )
            if "vocabulary" in raw:
                estimator = replace(estimator, vocabulary_key=vocabulary_key)
            if raw.get("novelty") is not None:
                unknown, limit = map(float, raw["novelty"])
                estimator = replace(estimator, novelty=(unknown, limit))
            if raw.get("tail") is not None:
                estimator = replace(estimator, tail=tuple(map(float, raw["tail"])))
            if estimator.kind in (APART, BOTH_ENDS) and "by_language" in raw:
                terms = read_language_terms(raw["by_language"], len(estimator.models))
                estimator = replace(estimator, by_language=terms)
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, zlib.error) as error:
            raise InvalidRequestError(f"the estimator's arrays are damaged: {error}", "tune again") from None
        _check(estimator)
        return estimator


def dense_block(vector: Array, counts: Array, centre: Array, mean: Array, scale: Array, kind: str = BOTH_ENDS) -> Array:
    """Embedding and features as the linear model sees them, shape (..., 256 + features)."""
    import numpy as np

    moved = vector - centre
    moved = moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-12)
    scaled = np.clip((counts - mean) / scale, -FURTHEST, FURTHEST)
    return np.concatenate([READINGS[kind].embedding * moved, FEATURES * scaled], axis=-1)


def stacked(raw: Array, stack: Array) -> Array:
    """Estimates from means and deviations, shape (n, models), within 0 and 1."""
    import numpy as np

    mean, deviations = raw[:, :1], raw[:, 1:]
    estimates: Array = stack[:, 0] + mean * stack[:, 1] + mean * mean * stack[:, 2] + deviations * stack[:, 3]
    return np.clip(estimates, 0.0, 1.0)


KINDS: Mapping[str, Callable[..., Estimator]] = MappingProxyType(dict.fromkeys(READINGS, LearnedEstimator.from_dict))


def read_estimator(raw: Mapping[str, Any], vocabulary_key: str = "") -> Estimator:
    """The estimator of a policy file, of any of the `KINDS`.

    Args:
        vocabulary_key: the secret that its vocabulary was hashed with, where it was.

    Raises:
        InvalidRequestError: another kind, or a damaged one.
    """
    kind = str(raw.get("kind"))
    if kind not in KINDS:
        detail = f"the estimator is of kind {kind!r}, this version reads {', '.join(map(repr, KINDS))}"
        raise InvalidRequestError(detail, "upgrade autopicker-lab, or tune again")
    return KINDS[kind](raw, vocabulary_key)


def estimate_each(estimator: Estimator, texts: Sequence[str]) -> Array:
    """Estimates of many texts, exactly as `estimate` makes them of one; shape (n, models)."""
    import numpy as np

    rows = [estimator.estimate(text, measure(text)) for text in texts]
    return np.array([[row[model] for model in estimator.models] for row in rows]).reshape(len(texts), -1)


def _check(estimator: LearnedEstimator) -> None:
    import numpy as np

    outputs, known = 1 + len(estimator.models), len(estimator.keys)
    width, counted = embeddings.vectors().shape[1], len(READINGS[estimator.kind].names)
    shapes = {
        "idf": (known,),
        "centre": (width,),
        "feature_mean": (counted,),
        "feature_scale": (counted,),
        "weights": (known, outputs),
        "dense": (width + counted, outputs),
        "bias": (outputs,),
        "stack": (len(estimator.models), 4),
    }
    for name, shape in shapes.items():
        array = getattr(estimator, name)
        if array.shape != shape or not np.isfinite(array).all():
            raise InvalidRequestError(f"the estimator's '{name}' is damaged", "tune again")
    tail = estimator.tail
    if tail is not None and (len(tail) != outputs or not all(0 <= reach < math.inf for reach in tail)):
        raise InvalidRequestError("the estimator's 'tail' is damaged", "tune again")
    keys = estimator.keys
    if not (estimator.feature_scale > 0).all() or len(set(estimator.models)) != len(estimator.models):
        raise InvalidRequestError("the estimator's models or 'feature_scale' are damaged", "tune again")
    if known and (keys[0] < 0 or keys[-1] >= len(embeddings.vectors()) + PAIRS or (np.diff(keys) <= 0).any()):
        raise InvalidRequestError("the estimator's 'keys' are damaged", "tune again")
