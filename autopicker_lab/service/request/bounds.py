"""How much one request may hold. Checked before anything is built of its fields; each refusal names field and bound.

The bounds are far above what models take and what frameworks send: they are there so that a request costs no more
than its size. `README.md` of the service lists them, and a test compares.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import ContextLengthError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_FIELDS = 200
MAX_PARTS = 10_000
MAX_MEDIA = 500  # content parts that are not text: pictures, sound, files
MAX_TEXT = 12_000_000  # characters
MAX_DEPTH = 64  # levels of a schema
COUNTS: Mapping[str, int] = MappingProxyType(
    {
        "messages": 5_000,
        "input": MAX_PARTS,
        "prompt": MAX_PARTS,
        "images": MAX_MEDIA,
        "tools": 512,
        "functions": 512,
        "stop": 64,
        "file_ids": 50,
        "metadata": 64,
        "logit_bias": 1_024,
    }
)
_TEXTS = ("input", "prompt", "system", "instructions", "suffix")  # what other APIs ask by
LENGTHS: Mapping[str, int] = MappingProxyType(
    {"model": 256, "user": 1_024, "request_id": 256, "stop": 1_000, **dict.fromkeys(_TEXTS, MAX_TEXT)}
)
SIZES: Mapping[str, int] = MappingProxyType(
    {
        "tools": 1_000_000,
        "functions": 1_000_000,
        "response_format": 250_000,
        **dict.fromkeys((*_TEXTS, "images"), 64_000_000),  # pictures among them; the body has a bound of its own
    }
)
ITEM_LENGTHS: Mapping[str, int] = MappingProxyType({"stop": 1_000, "file_ids": 256})
MAX_LENGTH = 100_000  # characters of any other field that is a string
MAX_SIZE = 1_000_000  # bytes, as JSON, of any other field


def check(fields: Mapping[str, Any], size: int | None = None) -> None:
    """Refuse fields of a request that are past a bound, by an InvalidRequestError that names it.

    Args:
        size: bytes of the body that they came in; None where that is not known.
    """
    if len(fields) > MAX_FIELDS:
        raise InvalidRequestError(f"the body has {len(fields):,} fields: at most {MAX_FIELDS}", "send fewer")
    for name, value in fields.items():
        kind = type(value)
        if kind is str:
            most = LENGTHS.get(name, MAX_LENGTH)
            if len(value) > most:
                raise _too_long(name, value, most)
        elif kind is list or kind is dict:
            _check_count(name, value)
            if name in ITEM_LENGTHS:
                for item in value:
                    if type(item) is str and len(item) > ITEM_LENGTHS[name]:
                        raise _too_long(name, item, ITEM_LENGTHS[name])
            if name == "messages":
                _check_content(value)
                continue
            if name in SIZES:
                _check_depth(name, value)
            most = SIZES.get(name, MAX_SIZE)
            if size is None or size > most:
                _check_size(name, value, most)


def _too_long(name: str, text: str, most: int) -> InvalidRequestError:
    detail = f"'{_shown(name)}' has {len(text):,} characters, too many: at most {most:,}"
    return InvalidRequestError(detail, "shorten it", param=_shown(name))


def _check_count(name: str, items: Any) -> None:
    most = COUNTS.get(name)
    if most is not None and len(items) > most:
        detail = f"'{name}' has {len(items):,} items, too many for one request"
        raise InvalidRequestError(detail, f"send at most {most:,}", param=name)


def _check_content(messages: Any) -> None:
    parts = texts = characters = 0
    for message in messages:
        content = message.get("content") if type(message) is dict else None
        if type(content) is str:
            characters += len(content)
        elif type(content) is list:
            parts += len(content)
            lengths = [len(part["text"]) for part in content if _is_text(part)]
            texts += len(lengths)
            characters += sum(lengths)
    if parts > MAX_PARTS:
        detail = f"'messages' have {parts:,} content parts, too many for one request"
        raise InvalidRequestError(detail, f"send at most {MAX_PARTS:,}", param="messages")
    if parts - texts > MAX_MEDIA:
        detail = f"'messages' have {parts - texts:,} pictures and other files, too many for one request"
        raise InvalidRequestError(detail, f"send at most {MAX_MEDIA:,}", param="messages")
    if characters > MAX_TEXT:
        detail = f"'messages' have {characters:,} characters of text, too many for one request: at most {MAX_TEXT:,}"
        raise ContextLengthError(detail, "shorten the conversation", param="messages")


def _is_text(part: Any) -> bool:
    return type(part) is dict and type(part.get("text")) is str


def _check_depth(name: str, value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    detail = f"'{name}' is nested too deeply: at most {MAX_DEPTH} levels"
    raise InvalidRequestError(detail, "nest it less deeply", param=name)


def _check_size(name: str, value: Any, most: int) -> None:
    try:
        size = len(orjson.dumps(value))
    except TypeError as error:  # orjson's own kind of it
        detail = f"'{_shown(name)}' cannot be passed on: {error}"
        raise InvalidRequestError(detail, "nest it less deeply", param=_shown(name)) from None
    if size > most:
        detail = f"'{_shown(name)}' is too large: at most {most:,} bytes as JSON"
        raise InvalidRequestError(detail, "send less", param=_shown(name))


def _shown(name: str) -> str:
    """The name of a field, short enough to be quoted."""
    return name[:64]
