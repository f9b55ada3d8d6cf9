"""A request of OpenAI's Responses as the fields of a chat, and as the fields that its response repeats."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from autopicker_lab.service.dialects.fields import flag, mapping, picked, sequence, string, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.service.dialects.responses_tools import ToolBox

_SAME = ("model", "temperature", "top_p", "user", "service_tier", "seed", "file_ids")
_REFUSED = {
    "background": "answers are not made in the background: leave it out",
    "conversation": "send previous_response_id, or the items themselves, in place of it",
    "prompt": "stored prompts are OpenAI's own: send instructions and input",
}
LOGPROBS = "message.output_text.logprobs"


def chat_fields(body: Mapping[str, Any], messages: list[dict[str, Any]], tools: ToolBox) -> dict[str, Any]:
    """The chat's fields for a request whose items are these messages."""
    for name, hint in _REFUSED.items():
        if body.get(name) not in (None, False):
            raise wrong(name, "is not supported", hint)
    fields: dict[str, Any] = picked(body, _SAME)
    instructions = body.get("instructions")
    if instructions is not None:
        messages = [{"role": "system", "content": string(instructions, "instructions")}, *messages]
    fields["messages"] = messages
    choice = tools.choice(body.get("tool_choice"))
    if tools.functions:
        fields["tools"] = tools.functions
        fields |= picked(body, ("parallel_tool_calls",))
        if choice not in (None, "auto"):
            fields["tool_choice"] = choice
    limit = body.get("max_output_tokens")
    if limit is not None:
        fields["max_tokens"] = _whole_number(limit, "max_output_tokens")
    fields |= _text_fields(body.get("text"))
    fields |= _reasoning_fields(body.get("reasoning"))
    include = [string(one, f"include[{i}]") for i, one in enumerate(sequence(body.get("include"), "include"))]
    if body.get("top_logprobs") or LOGPROBS in include:
        fields |= {"logprobs": True, **picked(body, ("top_logprobs",))}
    return fields


def _whole_number(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 1:
        raise wrong(place, "must be a whole number from 1")
    return int(value)


def _text_fields(raw: object) -> dict[str, Any]:
    """`response_format` for `text.format`."""
    if raw is None:
        return {}
    wanted = mapping(raw, "text").get("format")
    if wanted is None:
        return {}
    kind = mapping(wanted, "text.format").get("type")
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"response_format": {"type": "json_object"}}
    if kind != "json_schema":
        raise wrong("text.format.type", "must be text, json_object or json_schema")
    schema = {"name": wanted.get("name") or "answer", "schema": mapping(wanted.get("schema"), "text.format.schema")}
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {**schema, **picked(wanted, ("strict", "description"))},
        }
    }


def _reasoning_fields(raw: object) -> dict[str, Any]:
    effort = mapping(raw, "reasoning").get("effort") if raw is not None else None
    return {} if effort is None else {"reasoning_effort": string(effort, "reasoning.effort")}


def response_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a response repeats of its request, and says before there is an answer."""
    metadata = body.get("metadata")
    text = body.get("text")
    text_format = text.get("format") if isinstance(text, dict) else None
    reasoning = body.get("reasoning")
    return {
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "metadata": mapping(metadata, "metadata") if metadata is not None else {},
        "model": body.get("model") or "auto",
        "output": [],
        "parallel_tool_calls": flag(body.get("parallel_tool_calls"), "parallel_tool_calls", default=True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None, **(reasoning if isinstance(reasoning, dict) else {})},
        "service_tier": body.get("service_tier") or "default",
        "store": flag(body.get("store"), "store", default=True),
        "temperature": body.get("temperature"),
        "text": {"format": text_format or {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": sequence(body.get("tools"), "tools"),
        "top_p": body.get("top_p"),
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
        "user": body.get("user"),
    }


def usage_object(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The `usage` of a response for a chat's."""
    prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": _detail(usage, "prompt_tokens_details", "cached_tokens")},
        "output_tokens": completion,
        "output_tokens_details": {
            "reasoning_tokens": _detail(usage, "completion_tokens_details", "reasoning_tokens"),
        },
        "total_tokens": prompt + completion,
    }


def _detail(usage: Mapping[str, Any], group: str, name: str) -> int:
    details = usage.get(group)
    value = details.get(name) if isinstance(details, dict) else 0
    return value if isinstance(value, int) else 0
