"""Anthropic's messages, which are lists of blocks, as OpenAI's messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.service.dialects.fields import image_part, json_text, mapping, sequence, string, wrong

_NOT_SAID = ("thinking", "redacted_thinking")  # of an earlier answer: models are asked without
_EMPTY = {"type": "text", "text": ""}
_MAX_DOCUMENTS = 20
_ONLY_TEXT = "send its text, or upload the file and name it in file_ids"


@dataclass
class Reading:
    """What is gathered on the way.

    Attributes:
        file_ids: uploads that blocks name.
        documents: (part that is to become the document's text, its name, its bytes in base64).
    """

    file_ids: list[str] = field(default_factory=list)
    documents: list[tuple[dict[str, Any], str, str]] = field(default_factory=list)


def messages(raw: object, reading: Reading) -> list[dict[str, Any]]:
    """OpenAI's messages for Anthropic's."""
    rows = sequence(raw, "messages")
    if not rows:
        raise InvalidRequestError("The 'messages' field is required", "send at least one", param="messages")
    found: list[dict[str, Any]] = []
    for i, row in enumerate(rows):
        place = f"messages[{i}]"
        message = mapping(row, place)
        role, content = message.get("role"), message.get("content")
        if role not in ("user", "assistant", "system"):
            raise wrong(f"{place}.role", "must be user or assistant")
        where = f"{place}.content"
        if isinstance(content, str):
            found.append({"role": role, "content": content})
        elif not isinstance(content, list):
            raise wrong(where, "must be a string or a list of blocks")
        elif role == "user":
            found += _of_user(content, where, reading)
        else:
            found.append(_of_assistant(content, where) if role == "assistant" else _of_system(content, where))
    return found


def text(block: object, place: str) -> str:
    """The text of a block that must be one."""
    fields = mapping(block, place)
    if fields.get("type") != "text":
        raise wrong(place, "must be a text block")
    return string(fields.get("text"), f"{place}.text")


def _of_system(content: list[Any], place: str) -> dict[str, Any]:
    return {"role": "system", "content": "\n\n".join([text(b, f"{place}[{i}]") for i, b in enumerate(content)])}


def _of_user(content: list[Any], place: str, reading: Reading) -> list[dict[str, Any]]:
    """Tool results come first, each a message of its own: they must follow the call at once."""
    results: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for i, block in enumerate(content):
        where = f"{place}[{i}]"
        fields = mapping(block, where)
        if fields.get("type") == "tool_result":
            message, more = _tool_result(fields, where, reading)
            results.append(message)
            parts += more
        else:
            parts += _parts(fields, where, reading)
    parts = [part for part in parts if part != _EMPTY]  # clients leave such behind, and servers refuse them
    if not parts:
        return results or [{"role": "user", "content": ""}]
    return [*results, {"role": "user", "content": _joined(parts)}]


def _joined(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Parts as the content of a message: plain text where that is all, which every server reads."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _tool_result(block: dict[str, Any], place: str, reading: Reading) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The message with a tool's result, and its pictures and documents, which a message of a tool cannot hold."""
    call_id = string(block.get("tool_use_id"), f"{place}.tool_use_id")
    content = block.get("content")
    if isinstance(content, str):
        parts = [{"type": "text", "text": content}]
    else:
        where = f"{place}.content"
        rows = sequence(content, where)
        parts = [p for i, row in enumerate(rows) for p in _parts(mapping(row, f"{where}[{i}]"), where, reading)]
    said = "\n".join([part["text"] for part in parts if part["type"] == "text"])
    if block.get("is_error"):
        said = f"Error: {said}" if said else "Error"
    more = [part for part in parts if part["type"] != "text"]
    if more:
        label = {"type": "text", "text": f"What belongs to the result of {call_id}:"}
        said, more = said or "The result is in the message below.", [label, *more]
    return {"role": "tool", "tool_call_id": call_id, "content": said}, more


def _parts(block: dict[str, Any], place: str, reading: Reading) -> list[dict[str, Any]]:
    """OpenAI's parts for one block of a user's message."""
    kind = block.get("type")
    if kind == "text":
        return [{"type": "text", "text": string(block.get("text"), f"{place}.text")}]
    if kind == "image":
        return _image(mapping(block.get("source"), f"{place}.source"), f"{place}.source", reading)
    if kind == "document":
        return _document(block, place, reading)
    if kind == "search_result":
        rows = sequence(block.get("content"), f"{place}.content")
        said = "\n".join([text(row, f"{place}.content[{i}]") for i, row in enumerate(rows)])
        return [{"type": "text", "text": f"{block.get('title') or ''} ({block.get('source') or ''})\n{said}"}]
    raise wrong(f"{place}.type", f"is '{kind}', which cannot be passed on", "send text, image or document blocks")


def _image(source: dict[str, Any], place: str, reading: Reading) -> list[dict[str, Any]]:
    kind = source.get("type")
    if kind == "base64":
        media_type = string(source.get("media_type"), f"{place}.media_type")
        return [image_part(string(source.get("data"), f"{place}.data"), f"{place}.data", media_type)]
    if kind == "url":
        return [{"type": "image_url", "image_url": {"url": string(source.get("url"), f"{place}.url")}}]
    if kind == "file":
        return _upload(source, place, reading)
    raise wrong(f"{place}.type", "must be base64, url or file")


def _document(block: dict[str, Any], place: str, reading: Reading) -> list[dict[str, Any]]:
    where = f"{place}.source"
    source = mapping(block.get("source"), where)
    kind = source.get("type")
    if kind == "file":
        return _upload(source, where, reading)
    if kind == "text":
        said = string(source.get("data"), f"{where}.data")
    elif kind == "content":
        content = source.get("content")
        if not isinstance(content, str):
            rows = sequence(content, f"{where}.content")
            content = "\n".join([text(row, f"{where}.content[{i}]") for i, row in enumerate(rows)])
        said = content
    elif kind == "base64":
        if len(reading.documents) >= _MAX_DOCUMENTS:
            raise wrong("messages", f"have over {_MAX_DOCUMENTS} documents", _ONLY_TEXT)
        name = string(block.get("title") or "document.pdf", f"{place}.title")
        part = {"type": "document"}
        reading.documents.append((part, name, string(source.get("data"), f"{where}.data")))
        return [part]
    else:
        raise wrong(f"{where}.type", f"is '{kind}', which is not fetched here", _ONLY_TEXT)
    heading = "\n".join([str(block[name]) for name in ("title", "context") if block.get(name)])
    return [{"type": "text", "text": f"{heading}\n\n{said}" if heading else said}]


def _upload(source: dict[str, Any], place: str, reading: Reading) -> list[dict[str, Any]]:
    reading.file_ids.append(string(source.get("file_id"), f"{place}.file_id"))
    return []


def _of_assistant(content: list[Any], place: str) -> dict[str, Any]:
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    for i, block in enumerate(content):
        where = f"{place}[{i}]"
        fields = mapping(block, where)
        kind = fields.get("type")
        if kind == "text":
            texts.append(string(fields.get("text"), f"{where}.text"))
        elif kind == "tool_use":
            calls.append(_tool_use(fields, where))
        elif kind not in _NOT_SAID:
            raise wrong(f"{where}.type", f"is '{kind}', which cannot be passed on", "send text and tool_use blocks")
    said = "".join(texts)
    message: dict[str, Any] = {"role": "assistant", "content": said if said or not calls else None}
    return {**message, "tool_calls": calls} if calls else message


def _tool_use(block: dict[str, Any], place: str) -> dict[str, Any]:
    arguments = mapping(block.get("input") if block.get("input") is not None else {}, f"{place}.input")
    function = {"name": string(block.get("name"), f"{place}.name"), "arguments": json_text(arguments, f"{place}.input")}
    return {"id": string(block.get("id"), f"{place}.id"), "type": "function", "function": function}
