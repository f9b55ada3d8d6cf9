"""What gateways and tracing tools write: spend logs of LiteLLM, exports of Langfuse.

A trace without a grade teaches nothing: its rows have no score, and what is missing is said.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopicker_lab.tuning.imports.documents import Content

Rows = list[dict[str, Any]]
_LANGFUSE_NAMES = (("dataType", "data_type"), ("stringValue", "string_value"))


def litellm(content: Content) -> Rows:
    """Spend logs of LiteLLM; a score is looked for in each row and in its metadata.

    Tries that failed and answers that were fetched again are rows of it, too, and no answers more.
    """
    records = records_of(content)
    if not records or not {"request_id", "spend", "model"} <= set(records[0]):
        return []
    records = list({_litellm_key(each, i): each for i, each in enumerate(records) if _is_answer(each)}.values())
    return [
        {
            "prompt_id": "",
            "prompt": messages(record.get("messages")) or messages(_body(record)),
            "model": record["model"],
            "score": record.get("score", (parsed(record.get("metadata")) or {}).get("score")),
            "cost_usd": None if str(record.get("cache_hit")).lower() == "true" else record.get("spend"),
            "prompt_tokens": record.get("prompt_tokens"),
            "completion_tokens": record.get("completion_tokens"),
        }
        for record in records
    ]


def _is_answer(record: dict[str, Any]) -> bool:
    fetched = str(record.get("call_type") or "").removeprefix("a").startswith("get_")
    return not fetched and str(record.get("status") or "").lower() != "failure"


def _litellm_key(record: dict[str, Any], place: int) -> Any:
    """What an answer is known by: servers may use an id twice for different ones."""
    own = record.get("request_id")
    return (own, json.dumps([record.get("messages"), record["model"]], default=str)) if own else place


def _body(record: dict[str, Any]) -> Any:
    return (parsed(record.get("proxy_server_request")) or {}).get("messages")


def langfuse(content: Content) -> Rows:
    """Traces or observations of Langfuse, with their scores, and in `ids` those of the call and of its trace."""
    rows: Rows = []
    for record in records_of(content):
        trace = record.get("trace") if isinstance(record.get("trace"), dict) else record
        assert trace is not None
        observations = record.get("observations")
        calls = [o for o in observations if isinstance(o, dict)] if isinstance(observations, list) else [record]
        calls = [call for call in calls if _langfuse_model(call)]
        scores = record.get("scores") or trace.get("scores")
        if not ("traceId" in record or "trace_id" in record or isinstance(observations, list)) or not calls:
            continue
        call = calls[-1]
        usage = parsed(call.get("usageDetails") or call.get("usage_details") or call.get("usage")) or {}
        rows.append(
            {
                "prompt_id": "",
                "prompt": messages(call.get("input") if call.get("input") is not None else trace.get("input")),
                "model": _langfuse_model(call),
                "scores": _langfuse_scores(scores),
                "ids": [call.get("id"), _trace_id(record)],
                "task": str(trace.get("name") or ""),
                "cost_usd": call.get("totalCost") or call.get("total_cost") or call.get("calculatedTotalCost"),
                "prompt_tokens": usage.get("input"),
                "completion_tokens": usage.get("output"),
                "latency_s": call.get("latency"),
            }
        )
    return rows


def _trace_id(record: dict[str, Any]) -> Any:
    return record.get("traceId") or record.get("trace_id") or record.get("id")


def _langfuse_model(call: dict[str, Any]) -> Any:
    return call.get("model") or call.get("providedModelName") or call.get("provided_model_name")


def _langfuse_scores(scores: Any) -> dict[str, Any]:
    """Its scores by name; the last of several by one name."""
    scores = parsed(scores)
    if isinstance(scores, dict):
        return {str(name): value[-1] if isinstance(value, list) and value else value for name, value in scores.items()}
    listed = scores if isinstance(scores, list) else ()  # a list of traces has but the ids of their scores
    found = [each if isinstance(each, dict) else {"value": each} for each in listed if not isinstance(each, str)]
    values = [(str(each.get("name") or "score"), langfuse_value(each)) for each in found]
    return {name: value for name, value in values if value is not None}


def langfuse_value(score: dict[str, Any]) -> Any:
    """A score's number, or its word; of categories and texts the number is but a place in a list, or 0."""
    kind, word = (score.get(camel) or score.get(snake) for camel, snake in _LANGFUSE_NAMES)
    value = score.get("value")
    return (word or None) if value is None or kind in ("CATEGORICAL", "TEXT") else value


def records_of(content: Content) -> list[dict[str, Any]]:
    """Of a file of JSON, also wrapped as `data`, or of a table."""
    if content.table is not None:
        return [{str(k): v for k, v in row.items()} for row in content.table.to_dict("records")]
    wrapped = content.first.get("data")
    if isinstance(content.whole, dict) and isinstance(wrapped, list):
        return [record for record in wrapped if isinstance(record, dict)]
    return list(content.records)


def parsed(value: Any) -> Any:
    """What a text of JSON holds, None for another text; what is no text as it is."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return value


def messages(value: Any) -> Any:
    """Messages as the service reads them: of OpenTelemetry with their parts as text; a text as it is; None for none.

    A gateway that keeps no prompts writes `{}` in their place, or messages without their contents.
    """
    found = parsed(value) if isinstance(value, str) and value.lstrip().startswith(("[", "{")) else value
    if isinstance(found, dict) and "messages" in found:
        found = found["messages"]
    if not isinstance(found, list) or not all(isinstance(each, dict) and "role" in each for each in found):
        return value if found else None
    said = [{"role": each["role"], "content": _said(each)} for each in found]
    return said if any(each["content"] for each in said) else None


def _said(message: dict[str, Any]) -> Any:
    if "parts" in message:
        return "\n".join(str(part.get("content", "")) for part in message["parts"] if isinstance(part, dict))
    return message.get("content") or ""
