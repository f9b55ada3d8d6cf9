"""What estimates of a language's own add to those of all languages: read from a policy file, fitted by tuning."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class LanguageTerm:
    """What is added to the estimates of questions in one language, and what was measured of it.

    Attributes:
        groups: of alike prompts that were in this language.
        added: to the estimate of each model, mean score, shape (models,).
        left: what estimates without it left over of the scores, out of fold. errors: standard errors of these.
        novelty: mean idf of a text's tokens from which on it is unfamiliar in this language; None: as in any other.
    """

    groups: int
    added: tuple[float, ...]
    left: tuple[float, ...]
    errors: tuple[float, ...]
    novelty: float | None = None

    def with_model(self) -> LanguageTerm:
        """With one more model, of whose scores in this language nothing was seen: it gets the mean of the others."""
        mean = [sum(each) / len(each) for each in (self.added, self.left)]
        return replace(
            self,
            added=(*self.added, mean[0]),
            left=(*self.left, mean[1]),
            errors=(*self.errors, max(self.errors)),
        )

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def read_language_terms(raw: Mapping[str, Any] | None, models: int) -> dict[str, LanguageTerm]:
    """The terms of a policy file by language; ValueError, TypeError, LookupError or AttributeError where damaged."""
    return {str(language): _read(term, models) for language, term in (raw or {}).items()}


def _read(raw: Mapping[str, Any], models: int) -> LanguageTerm:
    added, left, errors = (tuple(map(float, raw[name])) for name in ("added", "left", "errors"))
    limit = raw.get("novelty")
    term = LanguageTerm(int(raw["groups"]), added, left, errors, None if limit is None else float(limit))
    figures = (*added, *left, *errors, term.novelty or 0.0)
    if any(len(each) != models for each in (added, left, errors)) or not all(map(math.isfinite, figures)):
        raise ValueError("'by_language'")
    return term
