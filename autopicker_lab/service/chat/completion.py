"""Whole answers as OpenAI's chat.completion objects, and those objects as the chunks that they would have come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core import CascadeTrace, ChatReply, ContextReport, Route

COST = "cost_usd"  # of a stream's end: a whole answer has it in a header
LATE_FIELDS = ("citations", "unsupported")  # those of our own that are known when an answer is whole
# beside those that models' servers send
OWN_FIELDS = ("routing", "files_processed", "file_errors", "context", *LATE_FIELDS)
_REPEATABLE = ("stop", "length", "tool_calls", "function_call")  # reasons to end that would be the same again
_SAID = ("tool_calls", "function_call", "refusal", "audio")
_NOT_IN_CHUNKS = frozenset({"id", "object", "created", "model", "choices", "usage", *OWN_FIELDS} - set(LATE_FIELDS))


def of_reply(reply: ChatReply) -> dict[str, Any]:
    """A chat.completion object: the provider's own where it made one, under the catalogue's name and our id."""
    answer = {
        **(reply.raw or _body(reply)),
        "id": reply.id,
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model,
    }
    usage = answer.get("usage")
    if not isinstance(usage, dict) or not usage.get("prompt_tokens"):  # the server did not count
        answer["usage"] = reply.usage.to_openai()
    if reply.route is not None:
        answer["routing"] = routing_object(reply.route, reply.model, reply.cascade)
    return answer


def _body(reply: ChatReply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text, **reply.message}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    return {"choices": [choice], "system_fingerprint": None}


def is_repeatable(completion: Mapping[str, Any]) -> bool:
    """Whether an equal request would be given the same: each choice says something, and ended as it should."""
    return all(_is_repeatable(choice) for choice in completion["choices"])


def _is_repeatable(choice: object) -> bool:
    if not isinstance(choice, dict) or choice.get("finish_reason") not in _REPEATABLE:
        return False
    message = choice.get("message")
    return isinstance(message, dict) and (bool(message.get("content")) or any(message.get(name) for name in _SAID))


def to_events(completion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """OpenAI's chunks for a whole answer: of each choice one that says all of it, and one that ends it."""
    fields = {name: value for name, value in completion.items() if name not in _NOT_IN_CHUNKS}
    events: list[dict[str, Any]] = []
    choices = [choice for choice in completion["choices"] if isinstance(choice, dict)]
    for place, choice in enumerate(choices):
        index = choice.get("index", place)
        message = choice.get("message")
        delta = {"role": "assistant", **(message if isinstance(message, dict) else {})}
        if delta.get("tool_calls"):
            delta["tool_calls"] = [{"index": i, **call} for i, call in enumerate(_objects(delta["tool_calls"]))]
        said = {"index": index, "delta": delta, "logprobs": choice.get("logprobs"), "finish_reason": None}
        rest = {name: value for name, value in choice.items() if name not in ("message", "logprobs")}
        ended = {"finish_reason": "stop", **rest, "index": index, "delta": {}, "logprobs": None}
        events += ({**fields, "choices": [said]}, {**fields, "choices": [ended]})
    return events


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def routing_object(route: Route, model: str, cascade: CascadeTrace | None = None) -> dict[str, Any]:
    """The `routing` object of an answer.

    With `warnings` where something was asked that no model can do, the `promise` of a policy that has one, and what a
    `cascade` did.
    """
    fields: dict[str, Any] = {
        "complexity_score": route.complexity.score,
        "selected_model": model,
        "reason": route.reason,
        "fallback_used": model != route.model,
        "policy": route.policy,
    }
    if route.promise:
        fields["promise"] = dict(route.promise)
    if cascade is not None:
        fields["cascade"] = cascade.to_dict()
    return {**fields, "warnings": list(route.warnings)} if route.warnings else fields


def context_object(report: ContextReport) -> dict[str, Any]:
    """The `context` object of an answer about files: what was read, and what was left out."""
    return report.to_dict()
