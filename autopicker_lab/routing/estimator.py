"""Estimates of P(a good answer) for each model, learned from outcomes: what a policy file carries, and how it is read.

Fitting is in tuning/fitting.py; what stands here needs numpy alone, so that a service pays nothing for it. A text is
seen as tf-idf over its tokens and pairs of tokens, its mean token embedding, and a few counts; which text and which
counts, its kind says (see routing.readings). What is appended to a question may move its estimate by so much and no
more: the estimate stays near that of the text without its last words.

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
from autopicker_lab.routing.packed_arrays import packed
from autopicker_lab.routing.readings import READINGS, SENTENCES, ReadText
from autopicker_lab.routing.token_keys import LONG, PAIRS, Tokens, tokens_of, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from autopicker_lab.core.policy import Estimator

    Array = np.ndarray[Any, Any]

_FURTHEST = 4.0  # standard deviations: a text unlike all that were fitted may not run away
_FEATURES = 0.1  # weight of the counts beside tf-idf rows of length 1


@dataclass(frozen=True, eq=False)
class LearnedEstimator:
    """Linear estimates, stacked: a mean over models, each model's deviation from it, and a fit of both to its score.

    Attributes:
        models: in the order of the outputs.
        kind: how it reads a text, one of READINGS.
        novelty: idf of a token that is not known, and the mean idf of a text's tokens from which on it is unfamiliar;
            None: no text is.
        tail: how far the last words may move the mean and each deviation; None: without limit.
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
    kind: str = SENTENCES
    novelty: tuple[float, float] | None = None
    tail: tuple[float, ...] | None = None
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
    def _tables(self) -> _Tables:
        return _Tables(self)

    def estimate(self, text: str, features: Mapping[str, float]) -> dict[str, float]:
        """P(a good answer), 0 to 1, by model. `features` are those of features.measure for the whole text."""
        mean, *deviations = self._raw(READINGS[self.kind].read(text, features)).tolist()
        square = mean * mean
        return {
            name: min(max(a + mean * b + square * c + own * d, 0.0), 1.0)
            for name, own, (a, b, c, d) in zip(self.models, deviations, self._tables.stack, strict=True)
        }

    def is_unfamiliar(self, text: str) -> bool:
        """Whether the tokens of a text are rarer, on average, than those of what was fitted."""
        if self.novelty is None:
            return False
        unknown, limit = self.novelty
        return self._tables.mean_idf(tokens_of(READINGS[self.kind].read(text, None).excerpt), unknown) > limit

    def part_read(self, text: str) -> str:
        """The part of a text that is read, in words; "" for all of it, or where its kind tells no parts apart."""
        reading = READINGS[self.kind]
        return reading.read(text, None).part if reading.parts else ""

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
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, zlib.error) as error:
            raise InvalidRequestError(f"the estimator's arrays are damaged: {error}", "tune again") from None
        _check(estimator)
        return estimator

    def _raw(self, read: ReadText) -> Array:
        """Mean and deviations before they are stacked, shape (1 + models,)."""
        import numpy as np

        t = self._tables
        tokens = tokens_of(read.excerpt)
        scaled = np.minimum(np.maximum((read.counts - t.mean) * t.scale, -_FURTHEST), _FURTHEST)
        base: Array = t.bias + scaled @ t.by_features
        rows = t.rows_of(tokens.keys)
        idf, weights = t.idf.take(rows), t.weights.take(rows, axis=0)
        if not t.most:
            return base + t.words(_weighted(idf, tokens.counts), weights) + t.embedding(t.vectors[tokens.ids])
        vectors = t.vectors.take(tokens.keys[: tokens.different], axis=0)
        times = np.minimum(tokens.counts, t.most)
        whole: Array = base + t.words(idf * t.sublinear.take(times), weights) + t.embedding(vectors)
        if self.tail is None or len(tokens.ids) < LONG:
            return whole
        times = np.minimum(tokens.early, t.most)
        early = times[: tokens.different].nonzero()[0]
        head = base + t.words(idf * t.sublinear.take(times), weights) + t.embedding(vectors.take(early, axis=0))
        bounded: Array = np.minimum(np.maximum(whole, head - t.tail), head + t.tail)
        return bounded


class _Tables:
    """An estimator's arrays as one request needs them: single precision, weights of the dense blocks folded in."""

    def __init__(self, estimator: LearnedEstimator):
        import numpy as np

        dense = estimator.dense.astype(np.float32)
        # a last row for what is not known, of zeros: to leave such keys out would take longer than to add nothing
        self.idf, self.weights = (
            np.concatenate([array, np.zeros_like(array[:1], shape=(1, *array.shape[1:]))]).astype(np.float32)
            for array in (estimator.idf, estimator.weights)
        )
        self.known, self.bias = len(estimator.keys), estimator.bias
        self.centre = estimator.centre.astype(np.float32)
        width = len(self.centre)
        self.mean = estimator.feature_mean.astype(np.float32)
        self.scale = (1 / estimator.feature_scale).astype(np.float32)
        reading = READINGS[estimator.kind]
        self.most, self.vectors, self.tail = reading.most, embeddings.vectors(), np.array(estimator.tail or ())
        self.by_vector, self.by_features = reading.embedding * dense[:width], _FEATURES * dense[width:]
        self.stack: list[list[float]] = estimator.stack.tolist()
        self.sublinear = np.array([0.0, *(1 + math.log(times) for times in range(1, self.most + 1))], np.float32)
        self.rows = np.full(len(embeddings.vectors()) + PAIRS, self.known)
        self.rows[estimator.keys] = np.arange(self.known)
        self._last: tuple[Array, Array] | None = None

    def rows_of(self, keys: Array) -> Array:
        """The row of each key, the last one for what is not known; remembered, since a text is asked about twice."""
        last = self._last
        if last is not None and last[0] is keys:
            return last[1]
        rows: Array = self.rows.take(keys)
        self._last = keys, rows
        return rows

    def words(self, values: Array, weights: Array) -> Array:
        """What tokens and pairs add: values of shape (k,), weights of shape (k, outputs)."""
        length = math.sqrt(values @ values)
        added: Array = values @ weights
        return added / length if length else added

    def embedding(self, vectors: Array) -> Array:
        """What the mean of the vectors of tokens adds, shape (k, 256)."""
        moved = unit(vectors.sum(0)) - self.centre
        reach = math.sqrt(moved @ moved)
        added: Array = moved @ self.by_vector
        return added / reach if reach else added

    def mean_idf(self, tokens: Tokens, unknown: float) -> float:
        """Of the different tokens of a text; 0 for none."""
        rows = self.rows_of(tokens.keys)[: tokens.different]
        missing = len(rows) - int((rows < self.known).sum())
        return float(self.idf.take(rows).sum() + unknown * missing) / max(len(rows), 1)


def _weighted(idf: Array, times: Array) -> Array:
    """Sublinear tf-idf, before a text's values are divided by their length."""
    import numpy as np

    values: Array = (idf * (1 + np.log(times))).astype(np.float32)
    return values


def dense_block(vector: Array, counts: Array, centre: Array, mean: Array, scale: Array, kind: str = SENTENCES) -> Array:
    """Embedding and features as the linear model sees them, shape (..., 256 + features)."""
    import numpy as np

    moved = vector - centre
    moved = moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-12)
    scaled = np.clip((counts - mean) / scale, -_FURTHEST, _FURTHEST)
    return np.concatenate([READINGS[kind].embedding * moved, _FEATURES * scaled], axis=-1)


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
