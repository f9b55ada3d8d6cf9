"""A chat.completion as Anthropic's message object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.service.dialects.fields import reasoning_of, text_of, tool_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
STOP_NAMES = ("stop_reason", "matched_stop")  # what vLLM and SGLang call the stop sequence that was met
_OWN_FIELDS = ("routing", "files_processed", "file_errors", "context", "citations", "unsupported")


def message_id(completion_id: str) -> str:
    """The id of the message for a completion's."""
    return "msg_" + completion_id.removeprefix("chatcmpl-")


def message_object(completion: Mapping[str, Any], thinking: bool, stops: Sequence[str] = ()) -> dict[str, Any]:
    """The message for a completion.

    Args:
        thinking: what the model thought becomes a block of its own; it is left out otherwise.
        stops: the request's stop sequences, of which the answer may have met one.
    """
    choice = completion["choices"][0]
    said = choice.get("message") or {}
    content: list[dict[str, Any]] = []
    if thinking and (thought := reasoning_of(said)):
        content.append({"type": "thinking", "thinking": thought, "signature": ""})
    if text := text_of(said.get("content")) or text_of(said.get("refusal")):
        content.append({"type": "text", "text": text})
    content += [_tool_use(call) for call in said.get("tool_calls") or ()]
    reason, sequence = stop_of(choice, bool(said.get("tool_calls")), bool(said.get("refusal")), stops)
    return {
        "id": message_id(completion["id"]),
        "type": "message",
        "role": "assistant",
        "model": completion["model"],
        "content": content,
        "stop_reason": reason,
        "stop_sequence": sequence,
        "usage": usage_object(completion.get("usage") or {}),
        **{name: completion[name] for name in _OWN_FIELDS if name in completion},
    }


def stop_of(choice: Mapping[str, Any], has_calls: bool, refused: bool, stops: Sequence[str]) -> tuple[str, str | None]:
    """Anthropic's stop_reason and stop_sequence for a choice that has ended."""
    for name in STOP_NAMES:
        met = choice.get(name)
        if isinstance(met, str) and met in stops:
            return "stop_sequence", met
    reason = _STOP_REASONS.get(choice.get("finish_reason") or "stop", "end_turn")
    if reason == "end_turn" and has_calls:
        return "tool_use", None  # some servers end with "stop" after a call
    return ("refusal" if refused and reason == "end_turn" else reason), None


def usage_object(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Anthropic's usage, which counts tokens read from a cache apart from the others."""
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    cached = cached if isinstance(cached, int) else 0
    return {
        "input_tokens": max((usage.get("prompt_tokens") or 0) - cached, 0),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.get("completion_tokens") or 0,
    }


def _tool_use(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    return {
        "type": "tool_use",
        "id": call.get("id") or "",
        "name": function.get("name") or "",
        "input": tool_arguments(function.get("arguments")),
    }
