"""What clients write in more than one way, brought into the one that models' servers take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ChatRequest, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE = frozenset({"max_tokens", "max_completion_tokens", "seed", "n", "top_k", "top_logprobs"})
_LIMITS = ("max_tokens", "max_completion_tokens")
_OF_TOOLS = (("tools", "tool_choice"), ("functions", "function_call"))
_LOOKED_AT = frozenset({"stop", "response_format", "parallel_tool_calls", *_OF_TOOLS[0], *_OF_TOOLS[1]})


def put_right(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without those that say nothing: null, a limit of -1, no stop texts, no tools; 5.0 is written as 5.

    Raises:
        InvalidRequestError: tools are malformed, or demanded where there are none.
    """
    made = {name: value for name, value in fields.items() if value is not None}
    for name, value in made.items():
        if type(value) is float and name in _WHOLE and value.is_integer():
            made[name] = int(value)
    for name in _LIMITS:
        if made.get(name) == -1:
            del made[name]
    if not _LOOKED_AT.isdisjoint(made):
        _put_others_right(made)
    return made


def _put_others_right(made: dict[str, Any]) -> None:
    if "stop" in made:
        _put_stop_right(made)
    for tools, choice in _OF_TOOLS:
        if tools in made or choice in made:
            _put_tools_right(made, tools, choice)
    if not made.get("tools"):
        made.pop("parallel_tool_calls", None)
    if "response_format" in made:
        _check_shape(made["response_format"])


def _put_stop_right(made: dict[str, Any]) -> None:
    stop = made["stop"]
    if isinstance(stop, list):
        stop = made["stop"] = [text for text in stop if text != ""]
    if stop in ("", []):
        del made["stop"]


def _put_tools_right(made: dict[str, Any], tools: str, choice: str) -> None:
    if made.get(tools):
        if isinstance(made[tools], list):
            for i, tool in enumerate(made[tools]):
                _check_tool(tool, f"{tools}[{i}]", "function" if tools == "functions" else None)
        return
    if made.pop(choice, "none") not in ("none", "auto"):
        raise InvalidRequestError(f"'{choice}' demands a tool, and '{tools}' has none", "send tools", param=choice)
    if made.get(tools) == []:
        del made[tools]


def _check_tool(tool: Any, place: str, kind: str | None) -> None:
    """A tool has a type; a function has a name, and its parameters are an object."""
    if not isinstance(tool, dict):
        raise InvalidRequestError(f"'{place}' must be an object", "see OpenAI's tools", param=place)
    if kind is None and tool.get("type") != "function":
        if not isinstance(tool.get("type"), str):
            raise InvalidRequestError(f"'{place}.type' must be a string", 'send "function"', param=place)
        return
    function = tool if kind else tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise InvalidRequestError(f"'{place}' must have a function with a name", "name it", param=place)
    if not isinstance(function.get("parameters", {}), dict | None):
        detail = f"'{place}' must have an object for its parameters"
        raise InvalidRequestError(detail, "send a JSON schema", param=place)


def _check_shape(shape: Any) -> None:
    if not isinstance(shape, dict):
        return  # the body's own check names it
    kind = shape.get("type", "")
    if not isinstance(kind, str):
        detail = "'response_format.type' must be a string"
        raise InvalidRequestError(detail, "send text, json_object or json_schema", param="response_format")
    schema = shape.get("json_schema")
    if kind == "json_schema" and not (isinstance(schema, dict) and isinstance(schema.get("schema", {}), dict | bool)):
        detail = "'response_format.json_schema' must be an object with a schema"
        raise InvalidRequestError(detail, 'send {"name": ..., "schema": {...}}', param="response_format")


def with_uploads(request: ChatRequest) -> ChatRequest:
    """The request with the uploads that its file parts name (OpenAI's way to send them) among its `file_ids`."""
    ids: list[str] = []
    messages = []
    for message in request.messages:
        if isinstance(message.content, tuple):
            ids += [part["file"]["file_id"] for part in message.content if _names_upload(part)]
            kept = tuple([part for part in message.content if not _names_upload(part)])
            messages.append(replace(message, content=kept or ""))
        else:
            messages.append(message)
    return replace(request, messages=tuple(messages), file_ids=tuple(dict.fromkeys([*request.file_ids, *ids])))


def _names_upload(part: Mapping[str, Any]) -> bool:
    return part["type"] == "file" and not part["file"].get("file_data")
