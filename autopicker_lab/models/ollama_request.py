"""OpenAI's chat requests as Ollama's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ChatRequest, InvalidRequestError, Message, MissingCapabilityError, ModelSpec
from autopicker_lab.models.base import image_base64

if TYPE_CHECKING:
    from collections.abc import Sequence

# How a server lays out its memory (num_ctx, num_gpu ...) is its operator's affair: a model's own `options` may say it.
_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        **{
            name: name
            for name in (
                "frequency_penalty",
                "min_p",
                "mirostat",
                "mirostat_eta",
                "mirostat_tau",
                "presence_penalty",
                "repeat_last_n",
                "repeat_penalty",
                "seed",
                "temperature",
                "top_k",
                "top_p",
                "typical_p",
            )
        },
        "random_seed": "seed",
        "repetition_penalty": "repeat_penalty",
    }
)
_EFFORTS: Mapping[str, bool | str] = MappingProxyType(
    {"none": False, "minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high"}
)
_WORDLESS = frozenset({"image_url", "text", "refusal", "thinking", "redacted_thinking", "reasoning"})


def chat_body(spec: ModelSpec, request: ChatRequest) -> tuple[dict[str, Any], bool]:
    """The body of POST /api/chat, and whether its answer must stand for the call of a tool.

    Ollama has no tool_choice: a shape for its answer stands in for it. What the model's `options` say holds where the
    caller says nothing.

    Raises:
        InvalidRequestError: it holds what Ollama has no place for.
    """
    given = {**spec.options, **request.options}
    tools, forced = _tools(given) if "tools" in spec.capabilities | spec.unconfirmed else (None, None)
    body: dict[str, Any] = {
        "model": spec.model or spec.id,
        "messages": _messages(request),
        "stream": True,
        "options": _options(spec, request, given),
        # without these two a server that knows them leaves out earlier messages, and says nothing
        "truncate": False,
        "shift": False,
        "tools": tools,
        "format": forced or _format(given.get("response_format")),
        "think": _think(given),
        "keep_alive": _keep_alive(given.get("keep_alive")),
        "logprobs": given.get("logprobs") or None,
        "top_logprobs": given.get("top_logprobs") if given.get("logprobs") else None,
    }
    for name in spec.drop:
        body["options"].pop(name, None)
    body = {name: value for name, value in body.items() if value is not None and name not in spec.drop}
    return body, forced is not None


def _options(spec: ModelSpec, request: ChatRequest, given: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: given[key] for key, name in _OPTIONS.items() if given.get(key) is not None}
    options |= {name: given[name] for name in spec.allow if given.get(name) is not None}
    stop = given.get("stop")
    if stop:
        options["stop"] = [stop] if isinstance(stop, str) else list(stop)
    limit = request.max_tokens
    if limit is not None:
        options["num_predict"] = limit
    options["num_ctx"] = spec.options.get("num_ctx", spec.context_window)
    return options


def _messages(request: ChatRequest) -> list[dict[str, Any]]:
    names: dict[str, str] = {}
    return [_message(message, i, names) for i, message in enumerate(request.messages)]


def _message(message: Message, index: int, names: dict[str, str]) -> dict[str, Any]:
    """One message; `names` are those of the functions called so far, by the id of the call."""
    _refuse_other_parts(message, index)
    extra = message.extra
    role = {"developer": "system", "function": "tool"}.get(message.role, message.role)
    body: dict[str, Any] = {"role": role, "content": message.text}
    if message.image_urls:
        body["images"] = [image_base64(url) for url in message.image_urls]
    thoughts = extra.get("reasoning_content") or extra.get("reasoning")
    if role == "assistant" and isinstance(thoughts, str):
        body["thinking"] = thoughts
    if calls := _calls(extra, index):
        body["tool_calls"] = calls
        names.update({call["id"]: call["function"]["name"] for call in calls if "id" in call})
    if role == "tool":
        called = extra.get("tool_call_id")
        name = extra.get("name") or (names.get(called) if isinstance(called, str) else None)
        body |= {"tool_name": name or called, "tool_call_id": called}
        body = {key: value for key, value in body.items() if value is not None}
    return body


def _refuse_other_parts(message: Message, index: int) -> None:
    if not isinstance(message.content, tuple):
        return
    for i, part in enumerate(message.content):
        if part["type"] not in _WORDLESS:
            where = f"messages[{index}].content[{i}]"
            detail = f"'{where}': models of Ollama take text and pictures, no {part['type']}"
            raise MissingCapabilityError(detail, "upload the file and name it in file_ids", param=where)


def _calls(extra: Mapping[str, Any], index: int) -> list[dict[str, Any]]:
    """OpenAI's tool calls as Ollama's, whose arguments are an object."""
    legacy = extra.get("function_call")
    raw = extra.get("tool_calls") or ([{"function": legacy}] if legacy else [])
    try:
        return [_call(call) for call in raw]
    except (TypeError, KeyError, AttributeError, ValueError):
        where = f"messages[{index}].tool_calls"
        detail = f"'{where}' must have a function with a name and JSON arguments each"
        raise InvalidRequestError(detail, "send them as the model gave them", param=where) from None


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    arguments = function.get("arguments") or {}
    if isinstance(arguments, str):
        arguments = json.loads(arguments) if arguments.strip() else {}
    if not isinstance(arguments, dict):
        raise TypeError
    named = {"id": call["id"]} if isinstance(call.get("id"), str) else {}
    return {**named, "function": {"name": str(function["name"]), "arguments": arguments}}


def _tools(given: Mapping[str, Any]) -> tuple[list[Any] | None, dict[str, Any] | None]:
    """The tools that may be called, and the shape of an answer that must call one of them."""
    tools, choice = given.get("tools") or None, given.get("tool_choice")
    if tools is None or choice == "none":
        return None, None
    names = [_function_name(tool, i) for i, tool in enumerate(tools)]
    wanted = _wanted(choice)
    if wanted is not None:
        if missing := [name for name in wanted if name not in names]:
            detail = f"'tool_choice' names '{missing[0]}', which is not among the tools"
            raise InvalidRequestError(detail, f"name one of {', '.join(names)}", param="tool_choice")
        tools = [tool for tool, name in zip(tools, names, strict=True) if name in wanted]
    must = choice == "required" or (isinstance(choice, Mapping) and _mode(choice) != "auto")
    return tools, _call_schema(tools) if must else None


def _function_name(tool: Any, index: int) -> str:
    try:
        if tool.get("type", "function") == "function":
            return str(tool["function"]["name"])
    except (AttributeError, KeyError, TypeError):
        pass
    detail = f"'tools[{index}]': models of Ollama call functions alone, each with a name"
    raise InvalidRequestError(detail, 'send {"type": "function", "function": {"name": ...}}', param="tools")


def _wanted(choice: Any) -> list[str] | None:
    """Names that tool_choice restricts the tools to; None for no restriction."""
    if not isinstance(choice, Mapping):
        return None
    try:
        if choice.get("type") == "allowed_tools":
            return [tool["function"]["name"] for tool in choice["allowed_tools"]["tools"]]
        return [choice["function"]["name"] if "function" in choice else choice["name"]]
    except (KeyError, TypeError):
        detail = "'tool_choice' must be auto, none, required or name a function"
        raise InvalidRequestError(detail, param="tool_choice") from None


def _mode(choice: Mapping[str, Any]) -> str:
    """Whether named tools may ("auto") or must be called."""
    allowed = choice.get("allowed_tools")
    return str(allowed.get("mode", "auto")) if isinstance(allowed, Mapping) else "required"


def _call_schema(tools: Sequence[Any]) -> dict[str, Any]:
    shapes = [_shape(tool["function"]) for tool in tools]
    return shapes[0] if len(shapes) == 1 else {"anyOf": shapes}


def _shape(function: Mapping[str, Any]) -> dict[str, Any]:
    fields = {"name": {"const": function["name"]}, "arguments": function.get("parameters") or {"type": "object"}}
    return {"type": "object", "properties": fields, "required": list(fields)}


def _format(response_format: Any) -> Any:
    """OpenAI's response_format as Ollama's format: None, "json" or a JSON schema."""
    kind = response_format.get("type") if isinstance(response_format, Mapping) else None
    if kind == "json_schema":
        schema = response_format.get("json_schema")
        return (schema.get("schema") if isinstance(schema, Mapping) else None) or "json"
    return "json" if kind == "json_object" else None


def _think(given: Mapping[str, Any]) -> bool | str | None:
    """Whether to think, and how long, in the words that clients have for it; None where they leave it to the model."""
    if isinstance(given.get("think"), bool | str):
        think: bool | str = given["think"]
        return think
    reasoning = given.get("reasoning")
    effort = given.get("reasoning_effort") or (reasoning.get("effort") if isinstance(reasoning, Mapping) else None)
    if isinstance(effort, str):
        if effort not in _EFFORTS:
            detail = f"'reasoning_effort' must be one of {', '.join(_EFFORTS)}"
            raise InvalidRequestError(detail, param="reasoning_effort")
        return _EFFORTS[effort]
    template = given.get("chat_template_kwargs")
    enabled = given.get("enable_thinking", template.get("enable_thinking") if isinstance(template, Mapping) else None)
    return enabled if isinstance(enabled, bool) else None


def _keep_alive(value: Any) -> Any:
    """Seconds, or a duration with its unit: "300" alone is refused by Ollama."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
