"""Which answer of a trace a grade is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.tuning.imports.loose_grades import Grade

_SEVERAL = 2  # as good as any higher number of answers: a grade is of none of them


class _Known(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def parent(self) -> str: ...

    @property
    def trace(self) -> str: ...

    @property
    def response(self) -> str: ...


class Answers:
    """Answers by what grades may name; each is told by its place among the spans.

    Args:
        spans: all of them, in any order; a trace has each id once.
        asked: by the places of those that are answers, whether it is known what was asked.
    """

    def __init__(self, spans: Sequence[_Known], asked: Mapping[int, bool]):
        self._asked = asked
        self._by_id: dict[str, dict[str, int]] = {}
        self._by_response: dict[str, list[int]] = {}
        self._by_trace: dict[str, list[int]] = {}
        self._below: dict[int, list[int]] = {}  # answers below a span, up to _SEVERAL
        for place, span in enumerate(spans):
            self._by_id.setdefault(span.id, {})[span.trace] = place
        for place in asked:
            self._by_response.setdefault(spans[place].response, []).append(place)
            self._by_trace.setdefault(spans[place].trace, []).append(place)
        self._usable = {place for place, known in asked.items() if known} or set(asked)
        for place in self._usable:
            self._tell_parents(place, spans)

    def _tell_parents(self, answer: int, spans: Sequence[_Known]) -> None:
        """Count an answer for all spans above it, up to one that is an answer itself."""
        above = self._parent(spans[answer])
        while above is not None and above != answer:
            below = self._below.setdefault(above, [])
            if answer in below or len(below) == _SEVERAL:
                return  # parents in a circle, or those above have several, too
            below.append(answer)
            if above in self._usable:
                return
            above = self._parent(spans[above])

    def _parent(self, span: _Known) -> int | None:
        return self._by_id.get(span.parent, {}).get(span.trace) if span.parent else None

    def of(self, grade: Grade) -> list[int]:
        """The answers that a grade may be of: that of its span or below it, of its response, else of its trace."""
        spans = self._by_id.get(grade.span, {}) if grade.span else {}
        named = [spans[grade.trace]] if grade.trace in spans else list(spans.values())
        if len(named) == 1 and named[0] in self._usable:
            return named
        if grade.response and (found := self._by_response.get(grade.response)):
            return found
        if named:
            return list(dict.fromkeys(answer for place in named for answer in self._at(place)))
        return self._by_trace.get(grade.trace, []) if grade.trace else []

    def _at(self, place: int) -> Sequence[int]:
        """The answer that a span is, else those below it."""
        own = [place] if place in self._asked else []
        return own if place in self._usable else self._below.get(place, own)


class Placed:
    """What grades are of.

    Attributes:
        of: scores by name, by the place of the answer that they are of.
        lost: grades of no answer that is known. unclear: of one among several.
    """

    def __init__(self) -> None:
        self.of: dict[int, dict[str, Any]] = {}
        self.lost: list[Grade] = []
        self.unclear: list[Grade] = []

    def place(self, grade: Grade, answers: Answers) -> None:
        """Give a grade to the one answer that it can be of."""
        found = answers.of(grade)
        if len(found) == 1:
            self.of.setdefault(found[0], {})[grade.name] = grade.value
        else:
            (self.unclear if found else self.lost).append(grade)
