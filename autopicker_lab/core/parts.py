"""Content parts of a message: text, pictures, sound, videos and files pass one gate, whichever model they go to.

What is sent whole passes, as a data URL or base64 that is put right where a client wrapped its lines or left out the
padding. An http address would be fetched by the model's server, out of its own network, and is marked as such: only
models whose entry says `image_urls` get it. Any other address is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

Part = Mapping[str, Any]
_PIECE = 2**20  # characters that are looked at at once
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SPACE = str.maketrans(dict.fromkeys(" \t\r\n"))
_MAX_ADDRESS = 8_192  # characters
_MAX_HEAD = 256  # characters of a data URL before its data
_SEND = "send it whole, as data:image/png;base64,DATA"


class MalformedError(Exception):
    """What is wrong with a message, and in which part of it."""

    def __init__(self, place: str, why: str):
        super().__init__(place, why)
        self.place = place
        self.why = why


def checked(part: object) -> Part:
    """A part of a message as OpenAI shapes it; MalformedError says what is wrong with it."""
    if not isinstance(part, Mapping) or not isinstance(part.get("type"), str):
        raise MalformedError("", "must be an object with a 'type'")
    read = _READERS.get(part["type"])
    if read is None:
        raise MalformedError(".type", f"must be one of {', '.join(_READERS)}")
    return read(part)


def media_of(part: Part) -> frozenset[str]:
    """What of "images", "audio", "video" and "files" a part holds, and "addresses" where a server would fetch it."""
    medium = _MEDIA.get(part["type"])
    if medium is None:
        return frozenset()
    url = _object(part, part["type"]).get("url", "")
    return frozenset({medium, "addresses"} if _is_address(url) else {medium})


def whole_data_url(url: str) -> str:
    """A data URL whose base64 is on one line, padded and in the standard alphabet; ValueError where it is none."""
    comma = url.find(",", 0, _MAX_HEAD)
    head = url[:comma].lower() if comma > 0 else ""
    if not head.startswith("data:") or not head.rstrip().endswith(";base64"):
        raise ValueError("must be a data URL")
    start = comma + 1
    if _is_base64(url, start):
        return url
    return url[:start] + _put_right(url[start:])


def _is_base64(text: str, start: int = 0) -> bool:
    """Whether base64 begins at `start` and goes on to the end, on one line and padded."""
    end = len(text) - (2 if text.endswith("==") else 1 if text.endswith("=") else 0)
    if end <= start or (len(text) - start) % 4 or not text.isascii():
        return False
    pieces = range(start, end, _PIECE)
    return not any(text[at : min(at + _PIECE, end)].encode().translate(None, _BASE64) for at in pieces)


def _put_right(text: str) -> str:
    """Base64 as other programs write it, in the standard form."""
    if "%" in text:
        text = unquote(text)
    text = text.translate(_SPACE).replace("-", "+").replace("_", "/").rstrip("=")
    text += "=" * (-len(text) % 4)
    if not _is_base64(text) or text.endswith("==="):
        raise ValueError("is not valid base64")
    return text


def _is_address(url: object) -> bool:
    return isinstance(url, str) and url[:8].lower().startswith(("http://", "https://"))


def _text(part: Part) -> Part:
    if not isinstance(part.get("text"), str):
        raise MalformedError(".text", "must be a string")
    return part if part["type"] == "text" else {**part, "type": "text"}


def _refusal(part: Part) -> Part:
    if not isinstance(part.get("refusal"), str):
        raise MalformedError(".refusal", "must be a string")
    return part


def _object(part: Part, name: str) -> Part:
    value = part.get(name)
    return value if isinstance(value, Mapping) else {}


def _linked(kind: str) -> Callable[[Part], Part]:
    """A reader of parts whose data has a URL: `{"type": kind, kind: {"url": ...}}`, or the URL alone."""

    def read(part: Part) -> Part:
        value = part.get(kind)
        fields = dict(value) if isinstance(value, Mapping) else {"url": value}
        if isinstance(part.get("detail"), str):  # where the Responses API has it
            fields.setdefault("detail", part["detail"])
        return {"type": kind, kind: {**fields, "url": _checked_url(fields.get("url"), kind)}}

    return read


def _checked_url(url: object, kind: str) -> str:
    if not isinstance(url, str) or not url:
        raise MalformedError(f".{kind}.url", "must be a string")
    url = url.strip()
    if _is_address(url):
        if len(url) > _MAX_ADDRESS or not url.isprintable() or " " in url:
            raise MalformedError(f".{kind}.url", f"is no address: {_SEND}")
        return url
    try:
        return whole_data_url(url)
    except ValueError as error:
        raise MalformedError(f".{kind}.url", f"{error}: {_SEND}") from None


def _sound(part: Part) -> Part:
    fields = _object(part, "input_audio")
    return {**part, "input_audio": {**fields, "data": _checked_data(fields.get("data"), "input_audio.data")}}


def _file(part: Part) -> Part:
    fields = dict(_object(part, "file")) if part["type"] == "file" else {k: v for k, v in part.items() if k != "type"}
    if "file_url" in fields:
        raise MalformedError(".file.file_url", "is not fetched: send file_data, or upload the file")
    if fields.get("file_data") is not None:
        data = fields["file_data"]
        is_url = isinstance(data, str) and data[:5].lower() == "data:"
        fields["file_data"] = _checked_url(data, "file_data") if is_url else _checked_data(data, "file.file_data")
    elif not isinstance(fields.get("file_id"), str):
        raise MalformedError(".file", "must have file_data or a file_id")
    return {"type": "file", "file": fields}


def _checked_data(data: object, place: str) -> str:
    if not isinstance(data, str):
        raise MalformedError(f".{place}", "must be base64")
    if data[:5].lower() == "data:":
        data = data[data.find(",") + 1 :]
    if _is_base64(data):
        return data
    try:
        return _put_right(data)
    except ValueError as error:
        raise MalformedError(f".{place}", str(error)) from None


def _as_it_is(part: Part) -> Part:
    return part


_READERS: Mapping[str, Callable[[Part], Part]] = MappingProxyType(
    {
        "text": _text,
        "image_url": _linked("image_url"),
        "input_audio": _sound,
        "file": _file,
        "refusal": _refusal,
        "audio_url": _linked("audio_url"),
        "video_url": _linked("video_url"),
        "input_text": _text,
        "output_text": _text,
        "input_image": _linked("image_url"),
        "input_file": _file,
        "thinking": _as_it_is,  # of an answer that comes back as part of the conversation
        "redacted_thinking": _as_it_is,
        "reasoning": _as_it_is,
    }
)
_MEDIA: Mapping[str, str] = MappingProxyType(
    {"image_url": "images", "input_audio": "audio", "audio_url": "audio", "video_url": "video", "file": "files"}
)
