"""OpenTelemetry's GenAI spans: OTLP in JSON, as collectors and SDKs write it, and what Python's console exporter shows.

Grades are events gen_ai.evaluation.result, of a span or as log records, or spans of their own below the graded ones.
What was asked stands in gen_ai.input.messages, in events, or (OpenLLMetry, OpenInference) in an attribute a message.
Sources: https://opentelemetry.io/docs/specs/otel/protocol/file-exporter and
https://github.com/open-telemetry/semantic-conventions-genai.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.tuning.imports.loose_grades import Grade, plain_id
from autopicker_lab.tuning.imports.placing import Answers, Placed
from autopicker_lab.tuning.imports.traces import messages, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from autopicker_lab.tuning.imports.documents import Content

_RESULT = "gen_ai.evaluation.result"
_DETAILS = "gen_ai.client.inference.operation.details"
_MESSAGE = re.compile(r"gen_ai\.(?P<role>system|user|assistant|tool)\.message")
_FLAT = re.compile(r"(?:gen_ai\.prompt|llm\.input_messages)\.(?P<at>\d+)\.(?:message\.)?(?P<field>role|content)")
_MODELS = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name")
_ASKED = ("gen_ai.input.messages", "gen_ai.prompt")
_TOKENS_IN = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
_TOKENS_OUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
_NO_ANSWER = frozenset({"embeddings", "execute_tool", "retrieval"})  # operations that have a model, and answer nothing


class _Event(NamedTuple):
    """Something that was told of a span, in it or as a log record.

    Attributes:
        span, trace, response: ids of what it is about; "" where they are not said.
        body: of a log record.
    """

    name: str
    values: Mapping[str, Any]
    span: str
    trace: str
    response: str
    body: Any


class _Span(NamedTuple):
    id: str
    parent: str
    trace: str
    values: Mapping[str, Any]
    seconds: float | None

    @property
    def response(self) -> str:
        return str(self.values.get("gen_ai.response.id") or "")


def tells(content: Content) -> bool:
    """Whether a file holds spans or log records."""
    return any(next(each(record), None) is not None for record in content.records for each in (_spans_of, _logs_of))


def answers_of(records: Iterable[dict[str, Any]], loose: Sequence[Grade] = ()) -> tuple[list[dict[str, Any]], Placed]:
    """Rows of the answers that the records of one or more files tell of, and what became of their grades.

    A span that was sent twice counts once.

    Args:
        loose: grades of other files.
    """
    spans: dict[tuple[str, str], tuple[_Span, list[_Event]]] = {}
    events: list[_Event] = []
    for record in records:
        for each in _spans_of(record):
            span = _span(each, len(spans))
            spans[span.trace, span.id] = span, [_event(event, span) for event in _objects(each.get("events"))]
        events += [_event(each, None) for each in _logs_of(record)]
    events += [event for _, told in spans.values() for event in told]
    known = [span for span, _ in spans.values()]
    told: dict[tuple[str, str], list[_Event]] = {}
    for event in events:
        told.setdefault((event.trace, event.span) if event.span else ("", event.response), []).append(event)
    rows = {place: _row(span, told) for place, span in enumerate(known) if _answers(span.values)}
    answers, placed = Answers(known, {place: bool(row["prompt"]) for place, row in rows.items()}), Placed()
    for grade in (*_grades(known, events), *loose):
        placed.place(grade, answers)
    return [{**row, "scores": placed.of.get(place, {})} for place, row in rows.items()], placed


def _row(span: _Span, told: Mapping[tuple[str, str], list[_Event]]) -> dict[str, Any]:
    places = {(span.trace, span.id): None, ("", span.id): None, ("", span.response or span.id): None}
    return {
        "prompt_id": "",
        "prompt": _asked(span.values, [event for place in places for event in told.get(place, ())]),
        "model": _first(span.values, _MODELS),
        "prompt_tokens": _first(span.values, _TOKENS_IN),
        "completion_tokens": _first(span.values, _TOKENS_OUT),
        "latency_s": span.seconds,
    }


def _answers(values: Mapping[str, Any]) -> bool:
    return bool(_first(values, _MODELS)) and values.get("gen_ai.operation.name") not in _NO_ANSWER


def _grades(spans: Sequence[_Span], events: Sequence[_Event]) -> Iterator[Grade]:
    """What the files say themselves: results of evaluations as events, log records or spans."""
    for event in events:
        for name, value in _score(event.values).items() if event.name == _RESULT else ():
            yield Grade(name, value, event.span, event.trace, event.response)
    for span in spans:
        for name, value in _score(span.values).items():
            yield Grade(name, value, span.id if _answers(span.values) else span.parent, span.trace)


def _score(values: Mapping[str, Any]) -> dict[str, Any]:
    """A grade by its name: the number, or where there is none its label, as pass and fail are."""
    value = _first(values, ("gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"))
    return {} if value is None else {str(values.get("gen_ai.evaluation.name") or "score"): value}


def _asked(values: Mapping[str, Any], events: Sequence[_Event]) -> Any:
    """Messages with their roles, or a text; None where neither was kept."""
    for kept in (values, *(event.values for event in events if event.name == _DETAILS)):
        if asked := messages(_first(kept, _ASKED)):
            return _instructed(kept, asked)
    flat: dict[int, dict[str, Any]] = {}
    for name, value in values.items():
        if part := _FLAT.fullmatch(name):
            flat.setdefault(int(part["at"]), {})[part["field"]] = value
    spoken = [(_MESSAGE.fullmatch(event.name), event) for event in events]
    listed = [flat[at] for at in sorted(flat)] or [
        {"role": named["role"], "content": _spoken(event)} for named, event in spoken if named
    ]
    return messages([{"role": "user", **each} for each in listed])


def _instructed(values: Mapping[str, Any], asked: Any) -> Any:
    parts = values.get("gen_ai.system_instructions")
    told = messages([{"role": "system", "parts": parsed(parts)}]) if parts else []
    return [*told, *asked] if told and isinstance(asked, list) else asked


def _spoken(event: _Event) -> Any:
    body = event.body if isinstance(event.body, dict) else {}
    return _first({**event.values, **body}, ("content", "gen_ai.event.content")) or ""


def _spans_of(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The spans of a record: with or without the wrapper of OTLP, or one alone as Python's console shows it."""
    for resource in _objects(record.get("resourceSpans")) if "resourceSpans" in record else [record]:
        for scope in _objects(resource.get("scopeSpans")):
            yield from _objects(scope.get("spans"))
    if isinstance(record.get("context"), dict) and "parent_id" in record:
        yield record


def _logs_of(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The log records of a record, likewise."""
    for resource in _objects(record.get("resourceLogs")) if "resourceLogs" in record else [record]:
        for scope in _objects(resource.get("scopeLogs")):
            yield from _objects(scope.get("logRecords"))
    if "severity_number" in record and "attributes" in record:
        yield record


def _span(span: dict[str, Any], number: int) -> _Span:
    """A span; one that has no id gets one by its number, which no other has."""
    own, trace = _ids(span, span.get("context") or {})
    parent = plain_id(span.get("parentSpanId") or span.get("parent_id"))
    return _Span(own or f"without an id, number {number}", parent, trace, _attributes(span), _seconds(span))


def _ids(*places: dict[str, Any]) -> tuple[str, str]:
    """Ids of a span and its trace."""
    span, trace = (
        next((value for place in places for name in names if (value := place.get(name))), "")
        for names in (("spanId", "span_id"), ("traceId", "trace_id"))
    )
    return plain_id(span), plain_id(trace)


def _seconds(span: dict[str, Any]) -> float | None:
    try:
        if "start_time" in span:
            start, end = (datetime.fromisoformat(span[name]).timestamp() for name in ("start_time", "end_time"))
        else:
            start, end = (int(span.get(name) or 0) / 1e9 for name in ("startTimeUnixNano", "endTimeUnixNano"))
    except (TypeError, ValueError):
        return None
    return end - start if end > start else None


def _event(event: dict[str, Any], of: _Span | None) -> _Event:
    """An event of a span, or a log record."""
    values = _attributes(event)
    name = event.get("name") or event.get("eventName") or event.get("event_name") or values.get("event.name")
    span, trace = _ids(event) if of is None else (of.id, of.trace)
    body = event.get("body")
    response = str(values.get("gen_ai.response.id") or "")
    return _Event(str(name or ""), values, span, trace, response, body if _plain(event) else _value(body))


def _plain(record: dict[str, Any]) -> bool:
    """Whether a record is as Python's console shows it, with values that do not name their types."""
    return isinstance(record.get("attributes"), dict)


def _attributes(of: dict[str, Any]) -> dict[str, Any]:
    kept = of.get("attributes")
    if isinstance(kept, dict):
        return kept
    return {str(each.get("key")): _value(each.get("value")) for each in _objects(kept)}


def _value(value: Any) -> Any:
    """A value of OTLP, which names its type."""
    kind, held = next(iter(value.items()), ("", None)) if isinstance(value, dict) else ("", None)
    if kind == "intValue":
        return int(str(held))
    if not isinstance(held, dict):
        return held
    if kind == "arrayValue":
        return [_value(each) for each in _objects(held.get("values"))]
    if kind == "kvlistValue":
        return {str(each.get("key")): _value(each.get("value")) for each in _objects(held.get("values"))}
    return held


def _first(values: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((values[name] for name in names if values.get(name) not in (None, "")), None)


def _objects(listed: Any) -> list[dict[str, Any]]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
