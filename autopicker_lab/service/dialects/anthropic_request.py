"""A request to Anthropic's /v1/messages as OpenAI's fields of a chat."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.service.dialects import anthropic_blocks as blocks
from autopicker_lab.service.dialects.fields import flag, mapping, picked, sequence, string, wrong

if TYPE_CHECKING:
    from autopicker_lab.service.dialects.anthropic_blocks import Reading

_SAME = ("model", "stream", "temperature", "top_p", "top_k", "file_ids")
_USER_LENGTH = 64  # characters that OpenAI's `user` may have
_TOOL_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_BILLING = "x-anthropic-billing-header:"  # a line of Claude Code's that changes with each request, and is no prompt


def chat_fields(body: dict[str, Any], reading: Reading, counting: bool = False) -> dict[str, Any]:
    """OpenAI's fields for the fields of a Messages request; InvalidRequestError names one that is wrong.

    Args:
        reading: takes the documents, whose text is not there yet.
        counting: it is a request to count tokens, which needs no max_tokens.
    """
    fields = picked(body, _SAME)
    limit = body.get("max_tokens")
    if limit is None and not counting:
        raise InvalidRequestError("The 'max_tokens' field is required", "send it", param="max_tokens")
    if limit is not None:
        fields["max_tokens"] = limit
    if body.get("mcp_servers"):
        raise wrong("mcp_servers", "cannot be asked by this service", "ask them yourself, and send their tools")
    reading.file_ids += sequence(fields.get("file_ids"), "file_ids")
    fields["messages"] = [*_system(body.get("system")), *blocks.messages(body.get("messages"), reading)]
    if reading.file_ids:
        fields["file_ids"] = reading.file_ids
    if stops := sequence(body.get("stop_sequences"), "stop_sequences"):
        fields["stop"] = [string(stop, f"stop_sequences[{i}]") for i, stop in enumerate(stops)]
    fields.update(_tools(body))
    fields.update(_user(body.get("metadata")))
    fields.update(_thinking(body))
    fields.update(_format(body))
    return fields


def wants_thinking(body: dict[str, Any]) -> bool:
    """Whether an answer may have thinking blocks: clients that did not ask for them take the first block for text."""
    thinking = body.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") != "disabled"


def _system(system: object) -> list[dict[str, Any]]:
    if system is None:
        return []
    if isinstance(system, str):
        texts = [system]
    else:
        texts = [blocks.text(block, f"system[{i}]") for i, block in enumerate(sequence(system, "system"))]
    text = "\n\n".join([text for text in texts if not text.startswith(_BILLING)])
    return [{"role": "system", "content": text}] if text else []


def _tools(body: dict[str, Any]) -> dict[str, Any]:
    tools = [_tool(tool, f"tools[{i}]") for i, tool in enumerate(sequence(body.get("tools"), "tools"))]
    choice = body.get("tool_choice")
    fields: dict[str, Any] = {"tools": tools} if tools else {}
    if choice is None:
        return fields
    choice = mapping(choice, "tool_choice")
    kind = string(choice.get("type"), "tool_choice.type")
    names = [tool["function"]["name"] for tool in tools]
    if kind == "tool":
        name = string(choice.get("name"), "tool_choice.name")
        if name not in names:
            raise wrong("tool_choice.name", f"is '{name}', which is none of the tools", "name one of them")
        fields["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif kind not in _TOOL_CHOICES:
        raise wrong("tool_choice.type", "must be auto, any, tool or none")
    elif tools:
        fields["tool_choice"] = _TOOL_CHOICES[kind]
    elif kind == "any":
        raise wrong("tool_choice", "asks for a tool, and there are no tools", "send tools")
    if tools and flag(choice.get("disable_parallel_tool_use"), "tool_choice.disable_parallel_tool_use"):
        fields["parallel_tool_calls"] = False
    return fields


def _tool(tool: object, place: str) -> dict[str, Any]:
    fields = mapping(tool, place)
    kind = fields.get("type") or "custom"
    name = string(fields.get("name"), f"{place}.name")
    if kind != "custom":
        hint = "describe the tool by input_schema, and run it yourself"
        raise wrong(f"{place}.type", f"is '{kind}', which only Anthropic's own service runs", hint)
    schema = mapping(fields.get("input_schema"), f"{place}.input_schema")
    function = {"name": name, "parameters": schema, **picked(fields, ("description", "strict"))}
    return {"type": "function", "function": function}


def _user(metadata: object) -> dict[str, Any]:
    if metadata is None:
        return {}
    user = mapping(metadata, "metadata").get("user_id")
    if user is None:
        return {}
    user = string(user, "metadata.user_id")
    return {"user": user if len(user) <= _USER_LENGTH else hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()}


def _thinking(body: dict[str, Any]) -> dict[str, Any]:
    """How hard to think, where the caller says so: a model that cannot goes on without, so no more is asked of it."""
    thinking = body.get("thinking")
    if thinking is None:
        return {}
    thinking = mapping(thinking, "thinking")
    kind = string(thinking.get("type"), "thinking.type")
    if kind != "enabled":
        return {"think": False} if kind == "disabled" else {}
    tokens = thinking.get("budget_tokens")
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 1:
        raise wrong("thinking.budget_tokens", "must be a number of tokens")
    effort = mapping(body.get("output_config") or {}, "output_config").get("effort")
    by_budget = "low" if tokens < 2048 else "medium" if tokens < 8192 else "high"
    return {"reasoning_effort": _EFFORTS.get(str(effort), by_budget)}


def _format(body: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's response_format for a JSON schema that the answer is to hold to."""
    config = body.get("output_config")
    wanted = mapping(config, "output_config").get("format") if config is not None else body.get("output_format")
    if wanted is None:
        return {}
    wanted = mapping(wanted, "output_config.format")
    if wanted.get("type") != "json_schema":
        raise wrong("output_config.format.type", "must be json_schema")
    schema = mapping(wanted.get("schema"), "output_config.format.schema")
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}
