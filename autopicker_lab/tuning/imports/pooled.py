"""Traces and their grades, put together from all files that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.imports import spans, traces
from autopicker_lab.tuning.imports.loose_grades import Grade, loose_grades, plain_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.tuning.imports.documents import Content

Rows = list[dict[str, Any]]
ODD = (LookupError, TypeError, AttributeError, ValueError)  # what a reader raises that looks for what is not there
SPANS, OBSERVATIONS, GRADES = "OpenTelemetry", "Langfuse", "grades"


@dataclass
class Pool:
    """What files hold of traces, by what they are, until all are read.

    Attributes:
        graded_by: the column that was named as the grade of a file of grades, which has been read; "" for none.
    """

    contents: dict[str, list[Content]] = field(default_factory=dict)
    grades: list[Grade] = field(default_factory=list)
    graded_by: str = ""

    def takes(self, content: Content, column: str = "", models: Sequence[str] = ()) -> str:
        """What a file is that holds traces or their grades, which is kept; "" for any other.

        Args:
            column: that is the grade. models: columns that are models.
        """
        if spans.tells(content):
            kind = SPANS
        elif found := loose_grades(content, column, models):
            self.grades += found
            self.graded_by, kind = column, GRADES
        else:
            try:
                kind = OBSERVATIONS if traces.langfuse(content) else ""
            except ODD as error:
                raise unlike(content, OBSERVATIONS, error) from None
        if kind:
            self.contents.setdefault(kind, []).append(content)
        return kind

    def answers(self) -> Iterator[tuple[Content, Rows, list[str]]]:
        """The answers of each tool: the first of their files, rows, and notes on grades that are of none.

        Raises:
            InvalidRequestError: there are but grades.
        """
        kept = self.contents
        if GRADES in kept and len(kept) == 1:
            detail = f"'{kept[GRADES][0].path.name}' holds grades of spans or traces, and no answers"
            raise InvalidRequestError(
                detail,
                "name the file of the traces, too: autopicker outcomes import SPANS GRADES; "
                "or of a table of answers, say which columns these are: --column prompt=NAME",
            )
        if SPANS in kept:
            records = [record for content in kept[SPANS] for record in content.records]
            try:
                rows, placed = spans.answers_of(records, self.grades)
            except ODD as error:
                raise unlike(kept[SPANS][0], SPANS, error) from None
            yield kept[SPANS][0], rows, self._notes(SPANS, placed.lost, placed.unclear)
        if OBSERVATIONS in kept:
            rows, lost, unclear = _with_grades(kept[OBSERVATIONS], self.grades)
            yield kept[OBSERVATIONS][0], rows, self._notes(OBSERVATIONS, lost, unclear)

    def _notes(self, kind: str, lost: Sequence[Grade], unclear: Sequence[Grade]) -> list[str]:
        found = [note for content in (*self.contents[kind], *self.contents.get(GRADES, ())) for note in content.notes]
        if lost:
            found.append(f"{len(lost):,} grades are of no answer in these files ({_named(lost[0])}): left out")
        if unclear:
            what = f"{len(unclear):,} grades name a span, trace or response of several answers ({_named(unclear[0])})"
            found.append(f"{what}: left out; grade by the id of the span")
        return found


def unlike(content: Content, tool: str, error: Exception) -> InvalidRequestError:
    """The error for a file that looks like one of a tool, and lacks something."""
    detail = f"'{content.path.name}' looks like a file of {tool}, but lacks {error!s:.80}"
    return InvalidRequestError(detail, "export it again, or make a table with prompt, model and score")


def _with_grades(contents: Sequence[Content], grades: Sequence[Grade]) -> tuple[Rows, list[Grade], list[Grade]]:
    """Rows of Langfuse's exports with the scores of its other files; and the scores of none, and of one among several.

    A record that stands in several files counts once, with what any of these says of it.
    """
    kept: dict[Any, dict[str, Any]] = {}
    for content in contents:
        for row in traces.langfuse(content):
            ids = tuple(plain_id(each) for each in row["ids"])
            key = ids if all(ids) else len(kept)
            kept[key] = _merged(kept.get(key, {}), {**row, "ids": ids})
    rows = list(kept.values())
    by_id: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        for name in filter(None, dict.fromkeys(row["ids"])):
            by_id.setdefault(name, []).append(row)
    lost: list[Grade] = []
    unclear: list[Grade] = []
    for grade in grades:
        found = by_id.get(grade.span) or by_id.get(grade.trace) or []
        if len(found) == 1:
            found[0]["scores"] = {**found[0]["scores"], grade.name: grade.value}
        else:
            (unclear if found else lost).append(grade)
    return [{key: value for key, value in row.items() if key != "ids"} for row in rows], lost, unclear


def _merged(before: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """A record with what it lacks of the same one in an earlier file."""
    said = {name: value for name, value in row.items() if value not in (None, "")}
    return {**row, **before, **said, "scores": {**before.get("scores", {}), **row["scores"]}}


def _named(grade: Grade) -> str:
    kinds = (("span", grade.span), ("trace", grade.trace), ("response", grade.response))
    return next((f"{kind} {value[:32]}" for kind, value in kinds if value), "one names none")
