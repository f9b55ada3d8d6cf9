"""What of some documents was chosen for a question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.retrieval.passages import Passage


@dataclass(frozen=True)
class ChosenPassage:
    """A passage that a model is given.

    Attributes:
        why: "all" (everything fits), "place" (the question names where it stands, or cells of a row), "near", "spread"
            (from all over), "computed" (a count or sum of a table's values, or of mentions).
        score: how near it is to the question, from 0, of the kinds in `scores` together.
        scores: by kind: "lexical", BM25 of n-grams, as a share of the best; "encoder", the cosine of vectors.
    """

    passage: Passage
    why: str
    score: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Retrieved:
    """What a model is to be given, in reading order, and what was left out.

    Attributes:
        coverage: of each document, by its number: the share (0 to 1) of its text that is given.
        method: how the passages were chosen: "all", "place", "near" or "spread".
        left_out: one line a document that is not given whole.
        warnings: one line for each thing that the question names and that is not there.
        encoder: name of the encoder by whose vectors, too, passages were found; "" for words alone.
    """

    passages: tuple[ChosenPassage, ...] = ()
    coverage: tuple[float, ...] = ()
    method: str = "all"
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    encoder: str = ""
