"""Grades in a file of their own: of spans, traces or responses that another file tells of."""

from __future__ import annotations

import base64
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.imports.tables import NAMES, is_grade
from autopicker_lab.tuning.imports.traces import langfuse_value, records_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from autopicker_lab.tuning.imports.documents import Content

_SPANS = ("span_id", "spanId", "observation_id", "observationId")
_TRACES = ("trace_id", "traceId")
_RESPONSES = ("response_id", "responseId", "gen_ai.response.id", "completion_id")
_NAMES = ("name", "metric", "evaluator", "gen_ai.evaluation.name")
_VALUES = (
    "score",
    "value",
    "grade",
    "label",
    "rating",
    "gen_ai.evaluation.score.value",
    "gen_ai.evaluation.score.label",
)
_TOLD = {"observations", "context", "providedModelName", "provided_model_name"}
_ANSWERS = _TOLD.union(NAMES["prompt"], NAMES["model"])  # columns of what was answered
_BESIDE = re.compile(  # what stands beside a grade in exports of graders, in small letters and digits
    "(annotation|annotator|assessment|author|authoruser|category|config|datasetitem|datasetrun|eval|evaluation|evaluator|"
    "event|executiontrace|experiment|feedback|grader|jobconfiguration|judge|metric|observation|project|queue|rater|"
    "reviewer|run|score|session|source|span|thread|trace|user)?(id|key|kind|model|name|source|tags|type)?"
    "|(created?|modified|updated?|observed|last(updated?|modified))?(at|by|date|time|timems|timestamp)"
    "|body|comments?|confidence|correction|criteria|criterion|datatype|environment|error|expectation|"
    "explanation|flags|(has)?metadata|identifier|justification|overrides|notes?|passed|rationale|reason|reasoning|resource|"
    "severitynumber|severitytext|status|(long)?stringvalue|success|threshold|traceflags|username|valid|version|weight"
)
_NO_NAME = re.compile(
    r"Unnamed: \d+|index|level_\d"
)  # of rows' numbers as pandas writes and reads them, and of nothing
_BASE64 = re.compile(r"[A-Za-z0-9+/]{11}=|[A-Za-z0-9+/]{22}==")  # of 8 and 16 bytes, as protobuf's own JSON has them


class Grade(NamedTuple):
    """A grade, and what it is of: the ids that are known, "" for others, see `plain_id`."""

    name: str
    value: Any
    span: str = ""
    trace: str = ""
    response: str = ""


def plain_id(value: Any) -> str:
    """An id of a span or trace as hexadecimal digits, however it was written; another text as it is."""
    text = "" if isinstance(value, float) and math.isnan(value) else str(value or "").strip()  # an empty cell
    if _BASE64.fullmatch(text):
        return base64.b64decode(text).hex()
    bare = text.lower().removeprefix("0x").replace("-", "")
    if not re.fullmatch(r"[0-9a-f]{16}|[0-9a-f]{32}", bare):
        return text
    return bare if bare.strip("0") else ""  # what is told outside a span


def loose_grades(content: Content, column: str = "", models: Iterable[str] = ()) -> list[Grade]:
    """The grades of a file that holds nothing else; none of another one.

    Args:
        column: that is the grade; "": the first of the usual names. models: columns that are models.

    Raises:
        InvalidRequestError: columns that no export of grades has may be models, or prompts, and nobody said which
            column is the grade.
    """
    answers = _ANSWERS.union(models)
    rows = records_of(content)
    if not rows or any(answers & row.keys() for row in rows[:10]):
        return []
    found = [grade for grade in (_grade(row, (column,) if column else _VALUES) for row in rows) if grade is not None]
    if found and not column and (unknown := _unknown(rows)):
        raise _unclear(content, rows, unknown)
    return found


def _unknown(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns that may hold anything: of no export of grades, with a name, and numbers or text in them."""
    names = {
        str(name): None
        for row in rows
        for name, value in row.items()
        if isinstance(value, str | int | float) and value != "" and value == value  # noqa: PLR0124  # not NaN
    }
    return [name for name in names if not (_is_known(name) or _is_known(name.split(".")[0]))]


def _is_known(column: str) -> bool:
    if column in {*_SPANS, *_TRACES, *_RESPONSES, *_NAMES, *_VALUES}:
        return True
    if not column or _NO_NAME.fullmatch(column):
        return True
    letters = re.sub(r"[^a-z0-9]", "", column.lower())
    return bool(letters) and _BESIDE.fullmatch(letters) is not None


def _unclear(content: Content, rows: Sequence[Mapping[str, Any]], unknown: Sequence[str]) -> InvalidRequestError:
    value = next(name for name in _VALUES if any(_first(row, (name,)) is not None for row in rows))
    scored = [name for name in unknown if all(is_grade(row.get(name)) for row in rows[:10])]
    detail = f"'{content.path.name}' has grades by their spans or traces, and columns that are not known here: "
    hint = (
        f"if they are grades of the answers in another file, say which column is the grade: --column score={value}; if "
        f"it is a table of answers, say which columns are models: --models {','.join(scored[:4]) or 'A,B'}, or which "
        "have model and prompt: --column model=NAME --column prompt=NAME"
    )
    return InvalidRequestError(detail + ", ".join(unknown[:4]), hint)


def _grade(row: Mapping[str, Any], values: Iterable[str]) -> Grade | None:
    span, trace = plain_id(_first(row, _SPANS)), plain_id(_first(row, _TRACES))
    response, value = str(_first(row, _RESPONSES) or ""), _first(row, values)
    if "dataType" in row or "data_type" in row:
        value = langfuse_value(dict(row))
    if value is None or not (span or trace or response):
        return None
    return Grade(str(_first(row, _NAMES) or "score"), value, span, trace, response)


def _first(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next(
        (row[name] for name in names if row.get(name) not in (None, "") and row[name] == row[name]), None
    )  # not NaN
