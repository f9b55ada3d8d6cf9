"""What was read for an answer, and which of its sentences stand in what was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core.places import Place


@dataclass(frozen=True)
class ReadPassage:
    """A passage that a model is given.

    Attributes:
        number: by which the prompt names it, from 1; passages under one label share theirs.
        file, part: names of its file and of the Part that it is from ("page 3").
        places: where its characters stand in the file.
        why: how it was chosen: "all" (everything fits), "place" (the question names it), "near", "spread".
        score: how near it is to the question, from 0; `scores` by kind.
    """

    number: int
    file: str
    part: str
    text: str
    places: tuple[Place, ...] = ()
    why: str = "all"
    score: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The passage as JSON can hold it."""
        return {
            "number": self.number,
            "file": self.file,
            "part": self.part,
            "text": self.text,
            "places": [place.to_dict() for place in self.places],
            "why": self.why,
            "score": round(self.score, 4),
            "scores": {name: round(score, 4) for name, score in self.scores.items()},
        }


@dataclass(frozen=True)
class Citation:
    """A sentence of an answer, and the words of a file that it stands on.

    Attributes:
        start, stop: characters of the answer that the sentence takes.
        number, file, part: of the passage.
        quote: the words of the passage that are nearest to the sentence.
        place: page and box, or sheet and rows, or lines, or seconds of the quote; None where that is not known.
        support: share (0 to 1) of what the sentence says that the quote's passage holds.
    """

    start: int
    stop: int
    number: int
    file: str
    part: str
    quote: str
    place: Place | None = None
    support: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """The citation as JSON can hold it."""
        place = self.place.to_dict() if self.place else {}
        return {
            "sentence": [self.start, self.stop],
            "number": self.number,
            "file": self.file,
            "part": self.part,
            "quote": self.quote,
            "place": {name: value for name, value in place.items() if name not in ("start", "stop")},
            "support": round(self.support, 3),
        }


@dataclass(frozen=True)
class AnswerSources:
    """Where the sentences of an answer come from.

    Attributes:
        citations: of sentences that passages hold, in the order of the answer.
        unsupported: begin and end of the sentences that no passage holds: they are not from the files.
    """

    citations: tuple[Citation, ...] = ()
    unsupported: tuple[tuple[int, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Citations, and characters of unsupported sentences, as JSON can hold them."""
        return {
            "citations": [citation.to_dict() for citation in self.citations],
            "unsupported": [list(span) for span in self.unsupported],
        }
