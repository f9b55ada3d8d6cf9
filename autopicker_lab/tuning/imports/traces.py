"""What gateways and tracing tools write: spend logs of LiteLLM, exports of Langfuse, OpenTelemetry's GenAI spans.

A trace without a grade teaches nothing: its rows have no score, and what is missing is said.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopicker_lab.tuning.imports.documents import Content

Rows = list[dict[str, Any]]
_EVALUATION = "gen_ai.evaluation.result"
_LANGFUSE_NAMES = (("dataType", "data_type"), ("stringValue", "string_value"))


def litellm(content: Content) -> Rows:
    """Spend logs of LiteLLM; a score is looked for in each row and in its metadata."""
    records = _records(content)
    if not records or not {"request_id", "spend", "model"} <= set(records[0]):
        return []
    return [
        {
            "prompt_id": "",
            "prompt": _messages(record.get("messages")) or _messages(_body(record)),
            "model": record["model"],
            "score": record.get("score", (_parsed(record.get("metadata")) or {}).get("score")),
            "cost_usd": None if str(record.get("cache_hit")).lower() == "true" else record.get("spend"),
            "prompt_tokens": record.get("prompt_tokens"),
            "completion_tokens": record.get("completion_tokens"),
        }
        for record in records
    ]


def _body(record: dict[str, Any]) -> Any:
    return (_parsed(record.get("proxy_server_request")) or {}).get("messages")


def langfuse(content: Content) -> Rows:
    """Traces or observations of Langfuse, with their scores."""
    rows: Rows = []
    for record in _records(content):
        trace = record.get("trace") if isinstance(record.get("trace"), dict) else record
        assert trace is not None
        observations = record.get("observations")
        calls = [o for o in observations if isinstance(o, dict)] if isinstance(observations, list) else [record]
        calls = [call for call in calls if call.get("model") or call.get("providedModelName")]
        scores = record.get("scores") or trace.get("scores")
        if not ("traceId" in record or "trace_id" in record or isinstance(observations, list)) or not calls:
            continue
        call = calls[-1]
        usage = _parsed(call.get("usageDetails") or call.get("usage_details") or call.get("usage")) or {}
        rows.append(
            {
                "prompt_id": "",
                "prompt": _messages(call.get("input") if call.get("input") is not None else trace.get("input")),
                "model": call.get("model") or call.get("providedModelName"),
                "scores": _langfuse_scores(scores),
                "task": str(trace.get("name") or ""),
                "cost_usd": call.get("totalCost") or call.get("total_cost") or call.get("calculatedTotalCost"),
                "prompt_tokens": usage.get("input"),
                "completion_tokens": usage.get("output"),
                "latency_s": call.get("latency"),
            }
        )
    return rows


def _langfuse_scores(scores: Any) -> dict[str, Any]:
    """Its scores by name; the last of several by one name."""
    scores = _parsed(scores)
    if isinstance(scores, dict):
        return {str(name): value[-1] if isinstance(value, list) and value else value for name, value in scores.items()}
    listed = scores if isinstance(scores, list) else ()  # a list of traces has but the ids of their scores
    found = [each if isinstance(each, dict) else {"value": each} for each in listed if not isinstance(each, str)]
    values = [(str(each.get("name") or "score"), _langfuse_value(each)) for each in found]
    return {name: value for name, value in values if value is not None}


def _langfuse_value(score: dict[str, Any]) -> Any:
    """A score's number, or its word; of categories and texts the number is but a place in a list, or 0."""
    kind, word = (score.get(camel) or score.get(snake) for camel, snake in _LANGFUSE_NAMES)
    value = score.get("value")
    return (word or None) if value is None or kind in ("CATEGORICAL", "TEXT") else value


def opentelemetry(content: Content) -> Rows:
    """OpenTelemetry's GenAI spans, as OTLP in JSON; grades by the event gen_ai.evaluation.result."""
    spans = list(_spans(content))
    grades = {span["id"]: span["scores"] for span in spans if span["scores"]}
    return [
        {
            "prompt_id": "",
            "prompt": _messages(span["prompt"]),
            "model": span["model"],
            "scores": grades.get(span["id"], grades.get(span["parent"], {})),
            "prompt_tokens": span["in"],
            "completion_tokens": span["out"],
            "latency_s": span["seconds"],
        }
        for span in spans
        if span["model"]
    ]


def _spans(content: Content) -> Iterator[dict[str, Any]]:
    for record in content.records:
        for resource in record.get("resourceSpans") or ():
            for scope in resource.get("scopeSpans") or ():
                for span in scope.get("spans") or ():
                    yield _span(span)


def _span(span: dict[str, Any]) -> dict[str, Any]:
    known = _attributes(span)
    events = [(event.get("name"), _attributes(event)) for event in span.get("events") or ()]
    asked = known.get("gen_ai.input.messages") or known.get("gen_ai.prompt")
    if asked is None:
        asked = [
            {
                "role": str(name).split(".")[1],
                "content": values.get("content") or values.get("gen_ai.event.content") or "",
            }
            for name, values in events
            if str(name).startswith("gen_ai.") and str(name).endswith(".message")
        ]
    graded = [values for name, values in events if name == _EVALUATION] or [known]
    start, end = (int(span.get(name) or 0) for name in ("startTimeUnixNano", "endTimeUnixNano"))
    return {
        "id": span.get("spanId"),
        "parent": span.get("parentSpanId"),
        "model": known.get("gen_ai.response.model") or known.get("gen_ai.request.model"),
        "prompt": asked,
        "scores": {
            str(values.get("gen_ai.evaluation.name") or "score"): value
            for values in graded
            if (value := values.get("gen_ai.evaluation.score.value")) is not None
        },
        "in": known.get("gen_ai.usage.input_tokens"),
        "out": known.get("gen_ai.usage.output_tokens"),
        "seconds": (end - start) / 1e9 if end > start else None,
    }


def _attributes(of: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for attribute in of.get("attributes") or ():
        kind, value = next(iter(attribute.get("value", {}).items()), ("", None))
        found[attribute.get("key")] = int(str(value)) if kind == "intValue" else value
    return found


def _records(content: Content) -> list[dict[str, Any]]:
    """Of a file of JSON, also wrapped as `data`, or of a table."""
    if content.table is not None:
        return [{str(k): v for k, v in row.items()} for row in content.table.to_dict("records")]
    wrapped = content.first.get("data")
    if isinstance(content.whole, dict) and isinstance(wrapped, list):
        return [record for record in wrapped if isinstance(record, dict)]
    return list(content.records)


def _parsed(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return value


def _messages(value: Any) -> Any:
    """Messages as the service reads them: of OpenTelemetry with their parts as text; a text as it is; None for none.

    A gateway that keeps no prompts writes `{}` in their place.
    """
    found = _parsed(value) if isinstance(value, str) and value.lstrip().startswith(("[", "{")) else value
    if isinstance(found, dict) and "messages" in found:
        found = found["messages"]
    if not isinstance(found, list) or not all(isinstance(each, dict) and "role" in each for each in found):
        return value if found else None
    return [{"role": each["role"], "content": _said(each)} for each in found] or None


def _said(message: dict[str, Any]) -> Any:
    if "parts" in message:
        return "\n".join(str(part.get("content", "")) for part in message["parts"] if isinstance(part, dict))
    return message.get("content") or ""
