"""The input of OpenAI's Responses, which is a list of items, as the messages of its chats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core import new_id
from autopicker_lab.service.dialects.fields import json_text, mapping, picked, string, wrong
from autopicker_lab.service.dialects.responses_tools import ToolBox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ROLES = ("user", "assistant", "system", "developer")
_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_SILENT = ("reasoning", "item_reference", "compaction", "mcp_list_tools")
_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")


def input_items(raw: object) -> list[dict[str, Any]]:
    """The items of `input`, each with an id of its own."""
    if isinstance(raw, str):
        raw = [{"type": "message", "role": "user", "content": raw}]
    if raw is None or not isinstance(raw, list):
        raise wrong("input", "must be a string or a list of items", "send what you want to ask")
    items = [mapping(item, f"input[{i}]") for i, item in enumerate(raw)]
    return [item if item.get("id") else {**item, "id": f"{_prefix(item)}_{new_id()}"} for item in items]


def _prefix(item: Mapping[str, Any]) -> str:
    kind = item.get("type")
    return {"function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}.get(kind, "msg")  # type: ignore[arg-type]  # any value of JSON


def messages(items: Sequence[Mapping[str, Any]], place: str = "input") -> list[dict[str, Any]]:
    """The chat's messages for items; calls that follow each other are one message, as models gave them."""
    found: list[dict[str, Any]] = []
    for i, item in enumerate(items):
        where = f"{place}[{i}]"
        kind = item.get("type") or ("message" if "role" in item else None)
        if kind == "message":
            found.append(_message(item, where))
        elif kind in _CALLS:
            _add_call(found, _call(item, where))
        elif kind in _OUTPUTS:
            found.append(_output(item, where))
        elif not isinstance(kind, str):
            raise wrong(f"{where}.type", "must be a string")
        elif not _may_be_left_out(kind):
            raise wrong(f"{where}.type", f"is {kind[:40]!r}, which is not known", "send message or function_call items")
    return found


def _may_be_left_out(kind: str) -> bool:
    """Whether an item says nothing that models are told: thoughts, and calls that only OpenAI's servers make."""
    return kind in ("reasoning", "item_reference", "compaction") or kind.endswith(
        ("_call", "_call_output", "_approval")
    )


def _message(item: Mapping[str, Any], place: str) -> dict[str, Any]:
    role = item.get("role")
    if role not in _ROLES:
        raise wrong(f"{place}.role", f"must be one of {', '.join(_ROLES)}")
    content = item.get("content")
    if isinstance(content, str):
        return {"role": role, "content": content}
    if not isinstance(content, list):
        raise wrong(f"{place}.content", "must be a string or a list of parts")
    return {"role": role, "content": _content(content, f"{place}.content")}


def _content(parts: Sequence[object], place: str) -> str | list[dict[str, Any]]:
    """Parts as the chats have them; texts alone as one text."""
    read = [_part(mapping(part, f"{place}[{i}]"), f"{place}[{i}]") for i, part in enumerate(parts)]
    if all(part["type"] == "text" for part in read):
        return "\n".join(part["text"] for part in read)
    return read


def _part(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    kind = part.get("type")
    if kind in _TEXTS:
        return {"type": "text", "text": string(part.get("text"), f"{place}.text")}
    if kind == "refusal":
        return {"type": "text", "text": string(part.get("refusal"), f"{place}.refusal")}
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise wrong(f"{place}.type", "must be input_text, input_image, input_file, input_audio, output_text or refusal")
    return reader(part, place)


def _image(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    if part.get("image_url") is None:
        return _file(part, place)
    url = part["image_url"]
    url = url.get("url") if isinstance(url, dict) else url
    return {"type": "image_url", "image_url": {"url": string(url, f"{place}.image_url"), **picked(part, ("detail",))}}


def _file(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    if part.get("file_url") is not None:
        raise wrong(f"{place}.file_url", "is not fetched", "send file_data, or upload the file and send its file_id")
    file = picked(part, ("file_id", "file_data", "filename"))
    if "file_id" not in file and "file_data" not in file:
        raise wrong(place, "has no data", "send file_id, or data as image_url or file_data")
    for name, value in file.items():
        string(value, f"{place}.{name}")
    return {"type": "file", "file": file}


def _audio(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": mapping(part.get("input_audio"), f"{place}.input_audio")}


_READERS: Mapping[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "input_image": _image,
    "image_url": _image,
    "input_file": _file,
    "input_audio": _audio,
}


def _call(item: Mapping[str, Any], place: str) -> dict[str, Any]:
    name = string(item.get("name"), f"{place}.name")
    if item["type"] == "custom_tool_call":
        arguments = json_text({"input": string(item.get("input"), f"{place}.input")}, f"{place}.input")
    else:
        raw = item.get("arguments")
        arguments = raw if isinstance(raw, str) else json_text(raw or {}, f"{place}.arguments")
    namespace = item.get("namespace")
    known_as = ToolBox.known_as(name, namespace if isinstance(namespace, str) else None)
    call_id = string(item.get("call_id") or item.get("id"), f"{place}.call_id")
    function = {"name": known_as, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function, **picked(item, ("extra_content",))}


def _add_call(found: list[dict[str, Any]], call: dict[str, Any]) -> None:
    last = found[-1] if found else None
    if last is None or last["role"] != "assistant":
        last = {"role": "assistant", "content": None}
        found.append(last)
    last.setdefault("tool_calls", []).append(call)


def _output(item: Mapping[str, Any], place: str) -> dict[str, Any]:
    output = item.get("output")
    if isinstance(output, list):
        content = _content(output, f"{place}.output")
    else:
        content = output if isinstance(output, str) else json_text(output, f"{place}.output")
    return {"role": "tool", "tool_call_id": string(item.get("call_id"), f"{place}.call_id"), "content": content}
