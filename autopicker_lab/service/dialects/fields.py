"""Reading the fields of a foreign request: what is of the wrong type is an InvalidRequestError that names its place."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.files import picture_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in a body."""
    if not raw.strip():
        raise InvalidRequestError("A JSON body is required", "send one")
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        detail = f"the body is not valid JSON: {error.msg} at character {error.pos}"
        raise InvalidRequestError(detail, "correct it") from None
    return mapping(fields, "the body")


def mapping(value: object, place: str) -> dict[str, Any]:
    """`value`, which must be an object."""
    if not isinstance(value, dict):
        raise wrong(place, "must be an object")
    return value


def sequence(value: object, place: str) -> list[Any]:
    """`value`, which must be a list; None counts as an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(place, "must be a list")
    return value


def string(value: object, place: str) -> str:
    """`value`, which must be text."""
    if not isinstance(value, str):
        raise wrong(place, "must be a string")
    return value


def flag(value: object, place: str, default: bool = False) -> bool:
    """`value`, which must be true or false; None counts as `default`."""
    if value is None:
        return default
    if not isinstance(value, bool):
        raise wrong(place, "must be true or false")
    return value


def wrong(place: str, why: str, hint: str = "") -> InvalidRequestError:
    """The error for a field: `place` as "messages[0].content", or "the body"."""
    if place.startswith("the "):
        return InvalidRequestError(f"{place} {why}", hint)
    field = re.split(r"[.\[]", place, maxsplit=1)[0]
    return InvalidRequestError(f"'{place}' {why}", hint, param=field)


def picked(source: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The named fields that are there and not null."""
    return {name: source[name] for name in names if source.get(name) is not None}


def image_part(data: str, place: str, media_type: str | None = None) -> dict[str, Any]:
    """OpenAI's part for a picture in base64, whose type is read off its first bytes where it is not named."""
    if media_type is None:
        try:
            start = base64.b64decode(data[:16], validate=True)
        except (binascii.Error, ValueError):
            raise wrong(place, "is not valid base64", "encode the file again") from None
        media_type = picture_type(start) or ("image/bmp" if start.startswith(b"BM") else "image/png")
    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}


def tool_arguments(text: object) -> dict[str, Any]:
    """The arguments of a tool call, which OpenAI's objects hold as text.

    What a model wrote that is no JSON object is kept under INVALID_JSON, so that nobody takes it for no arguments.
    """
    if isinstance(text, dict):
        return text
    if not text:
        return {}
    try:
        value = orjson.loads(str(text))
    except orjson.JSONDecodeError:
        return {"INVALID_JSON": str(text)}
    return value if isinstance(value, dict) else {"INVALID_JSON": str(text)}


def json_text(value: object, place: str) -> str:
    """A value as JSON; what is nested too deeply to be passed on is an InvalidRequestError."""
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:  # orjson's own kind of it
        raise wrong(place, f"cannot be passed on: {error}", "nest it less deeply") from None


def call_pieces(delta: Mapping[str, Any]) -> Iterator[tuple[int, str, str, str]]:
    """What a delta adds to tool calls: (index, id, name, piece of the arguments), "" for what it does not say."""
    calls = delta.get("tool_calls")
    for position, call in enumerate(calls if isinstance(calls, list) else ()):
        if not isinstance(call, dict):
            continue
        index, function = call.get("index"), call.get("function") or {}
        arguments = function.get("arguments") or ""
        piece = arguments if isinstance(arguments, str) else json_text(arguments, "tool_calls")
        yield index if isinstance(index, int) else position, call.get("id") or "", function.get("name") or "", piece


def reasoning_of(message: Mapping[str, Any]) -> str:
    """What a message or delta says before its answer, under either of the names in use; "" for nothing."""
    text = message.get("reasoning_content") or message.get("reasoning") or ""
    return text if isinstance(text, str) else ""


def text_of(content: object) -> str:
    """The text of a message's or delta's `content`: itself, or that of its parts."""
    if isinstance(content, list):
        return "".join([str(part.get("text") or "") for part in content if isinstance(part, dict)])
    return content if isinstance(content, str) else ""
