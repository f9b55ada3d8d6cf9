"""Whole answers as OpenAI's chat.completion objects, and those objects as the chunks that they would have come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core import ChatReply, ContextReport, Route

OWN_FIELDS = ("routing", "files_processed", "file_errors", "context")  # beside those that models' servers send
_NOT_IN_CHUNKS = frozenset({"id", "object", "created", "model", "choices", "usage", *OWN_FIELDS})


def of_reply(reply: ChatReply) -> dict[str, Any]:
    """A chat.completion object: the provider's own where it made one, under the catalogue's name and our id."""
    answer = {
        **(reply.raw or _body(reply)),
        "id": reply.id,
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model,
    }
    if not answer.get("usage"):
        answer["usage"] = reply.usage.to_openai()
    if reply.route is not None and not reply.route.named:
        answer["routing"] = routing_object(reply.route, reply.model)
    return answer


def _body(reply: ChatReply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text, **reply.message}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    return {"choices": [choice], "system_fingerprint": None}


def to_events(completion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """OpenAI's chunks for a whole answer: of each choice one that says all of it, and one that ends it."""
    fields = {name: value for name, value in completion.items() if name not in _NOT_IN_CHUNKS}
    events: list[dict[str, Any]] = []
    for place, choice in enumerate(completion["choices"]):
        index = choice.get("index", place)
        delta = {"role": "assistant", **(choice.get("message") or {})}
        if delta.get("tool_calls"):
            delta["tool_calls"] = [{"index": i, **call} for i, call in enumerate(delta["tool_calls"])]
        said = {"index": index, "delta": delta, "logprobs": choice.get("logprobs"), "finish_reason": None}
        rest = {name: value for name, value in choice.items() if name not in ("message", "logprobs")}
        ended = {"finish_reason": "stop", **rest, "index": index, "delta": {}, "logprobs": None}
        events += ({**fields, "choices": [said]}, {**fields, "choices": [ended]})
    return events


def routing_object(route: Route, model: str) -> dict[str, Any]:
    """The `routing` object of an answer; with `warnings` where something was asked that no model can do."""
    fields = {
        "complexity_score": route.complexity.score,
        "selected_model": model,
        "reason": route.reason,
        "fallback_used": model != route.model,
    }
    return {**fields, "warnings": list(route.warnings)} if route.warnings else fields


def context_object(report: ContextReport) -> dict[str, Any]:
    """The `context` object of an answer about files: what was read, and what was left out."""
    return {"used": list(report.used), "left_out": list(report.left_out), "warnings": list(report.warnings)}
