"""Tools as llama.cpp gets them: it holds a call's arguments to their schema where that can be done."""

from __future__ import annotations

from typing import Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.models.local_schema import held_schema

_MAX_TOOLS = 128


def held_tools(name: str, tools: object) -> list[dict[str, Any]]:
    """The tools as llama.cpp gets them.

    The arguments of a tool that is `strict` are held to its schema. Otherwise a schema is advice, as it is to OpenAI's
    models: where llama.cpp could not hold to a parameter's, the model gets its name and description alone.

    Raises:
        InvalidRequestError: one is no function, or is strict and has a schema that llama.cpp cannot hold to.
    """
    if not isinstance(tools, list | tuple) or len(tools) > _MAX_TOOLS:
        raise InvalidRequestError(f"'{name}' must be a list of up to {_MAX_TOOLS} tools", "send fewer", param=name)
    return [_held_tool(f"{name}[{i}]", tool) for i, tool in enumerate(tools)]


def _held_tool(param: str, tool: object) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        detail = f"'{param}' must be an object of type 'function' with a 'function' that has a 'name'"
        raise InvalidRequestError(detail, "correct it", param=param)
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    where = f"{param}.function.parameters"
    try:
        parameters = held_schema(schema, where)
    except InvalidRequestError:
        if function.get("strict") or not isinstance(schema, dict):
            raise
        parameters = _loosened(schema, where)
    held = {"name": function["name"], "parameters": parameters}
    if isinstance(function.get("description"), str):
        held["description"] = function["description"]
    return {"type": "function", "function": held}


def _loosened(schema: dict[str, Any], param: str) -> dict[str, Any]:
    """An object whose properties have the schemas that can be held to, and any value otherwise."""
    raw = schema.get("properties")
    properties = {str(name): _held_or_any(part, param) for name, part in (raw if isinstance(raw, dict) else {}).items()}
    required = schema.get("required")
    names = [name for name in required if name in properties] if isinstance(required, list) else []
    return held_schema({"type": "object", "properties": properties, "required": names}, param)


def _held_or_any(part: object, param: str) -> dict[str, Any]:
    try:
        return held_schema(part, param)
    except InvalidRequestError:
        said = part.get("description") if isinstance(part, dict) else None
        return {"description": said} if isinstance(said, str) else {}
