"""JSON bodies: read, unpacked, and parsed so that none holds the event loop or grows far past its own size.

A parser makes hundreds of bytes of a `[]`, and holds the interpreter while it does. So what a long body holds is
counted first, in pieces and off the event loop, and what would grow too much is refused before it is parsed.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from starlette.requests import ClientDisconnect

from autopicker_lab.core import FileTooLargeError, InvalidRequestError, UnsupportedEncodingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive

    from autopicker_lab.settings import Settings

T = TypeVar("T")
LONG_BODY = 65_536  # bytes from which a body is worked on off the event loop
MAX_ITEMS = 200_000  # commas and opening brackets of a body, outside its strings
MAX_TEXT_BYTES = 12_000_000  # bytes of a body in pieces that are not plain ASCII, and so take long to read
_PIECE = 65_536
_JSON_FACTOR = 3  # a JSON body may be three times an upload: long conversations, pictures as base64
_OVERHEAD = 65_536
_MAX_MEMBERS = 16  # of a gzip stream
_WINDOWS: Mapping[bytes, int] = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}  # zlib's word for each format


def max_bytes(settings: Settings) -> int:
    """Bytes that a JSON body may have, unpacked or not."""
    return settings.max_file_size * _JSON_FACTOR + _OVERHEAD


async def read(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body of a request as UTF-8; ClientDisconnect where it does not come to an end.

    Raises:
        UnsupportedEncodingError: it is packed in a way that is not known here.
        FileTooLargeError: it has over `limit` bytes once it is unpacked.
        InvalidRequestError: it cannot be unpacked.
    """
    raw = await _received(receive)
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding and encoding != b"identity":
        raw = await asyncio.to_thread(unpacked, raw, encoding, limit)
    return raw if raw[:1] == b"{" and raw[1:2] != b"\0" else await off_loop(len(raw), _as_utf8, raw)


async def off_loop(size: int, work: Callable[..., T], *arguments: Any) -> T:
    """What `work` returns; for a body of many bytes it is done off the event loop."""
    return await asyncio.to_thread(work, *arguments) if size >= LONG_BODY else work(*arguments)


def parse(raw: bytes) -> dict[str, Any]:
    """The JSON object in these bytes; InvalidRequestError says what is wrong with them, or that they hold too much."""
    if not raw:
        raise InvalidRequestError("A JSON body is required", "send messages")
    if len(raw) >= LONG_BODY:
        _check_content(raw)
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        detail = f"the body is not valid JSON: {error.msg} at character {error.pos}"
        raise InvalidRequestError(detail, "correct it") from None
    if not isinstance(fields, dict):
        raise InvalidRequestError("the body must be a JSON object", 'send {"messages": [...]}')
    return fields


def unpacked(raw: bytes, encoding: bytes, limit: int) -> bytes:
    """A body that was packed by one of HTTP's encodings; raises as `read`."""
    window = _WINDOWS.get(encoding)
    if window is None:
        name = encoding[:40].decode("latin-1")
        raise UnsupportedEncodingError(f"a body packed by {name!r} cannot be read", "send it as it is, or by gzip")
    if window == _WINDOWS[b"deflate"] and not _has_zlib_head(raw):
        window = -15  # what some clients mean by deflate
    parts: list[bytes] = []
    size = 0
    try:
        for _ in range(_MAX_MEMBERS):
            reader = zlib.decompressobj(window)
            while not reader.eof:
                part = reader.decompress(raw, _PIECE * 16)
                raw = reader.unconsumed_tail
                if not part and not raw and not reader.eof:
                    raise InvalidRequestError("the packed body ends in the middle", "send it whole")
                size += len(part)
                if size > limit:
                    raise FileTooLargeError(f"the unpacked body has over {limit:,} bytes", "send less")
                parts.append(part)
            raw = reader.unused_data
            if not raw:
                return b"".join(parts)
    except zlib.error:
        pass
    raise InvalidRequestError(f"the body is not valid {encoding.decode('latin-1')}", "pack it anew")


def _has_zlib_head(raw: bytes) -> bool:
    return len(raw) >= 2 and raw[0] & 15 == 8 and int.from_bytes(raw[:2], "big") % 31 == 0


def _as_utf8(raw: bytes) -> bytes:
    """A body in UTF-8 without a byte order mark; some systems write UTF-16 where JSON is meant."""
    encoding = json.detect_encoding(raw)
    if encoding == "utf-8":
        return raw
    try:
        return raw.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeError:
        raise InvalidRequestError("the body is not valid JSON: it is not UTF-8", "send UTF-8") from None


async def _received(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return bytes(message.get("body", b""))
    parts: list[bytes] = []
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return await off_loop(sum(map(len, parts)), b"".join, parts)
        message = await receive()


def _check_content(raw: bytes) -> None:
    """Refuse a body that holds more items, or more text that is slow to read, than one may."""
    items = text_bytes = string_bytes = 0
    inside, encoded = False, True  # whether a piece begins inside a string, which may be base64 so far
    backslash = b""
    for start in range(0, len(raw), _PIECE):
        piece = (backslash + raw[start : start + _PIECE]).replace(b"\\\\", b"")
        backslash = b"\\" if piece.endswith(b"\\") else b""
        if b"\\" in piece or not piece.isascii():
            text_bytes += _PIECE
        parts = piece.removesuffix(b"\\").replace(b'\\"', b"").split(b'"')
        structure = b"".join(parts[inside::2])
        items += structure.count(b",") + structure.count(b"[") + structure.count(b"{")
        string_bytes += len(parts[0])
        encoded = encoded and _may_be_base64(parts[0])
        if text_bytes > MAX_TEXT_BYTES or (not encoded and string_bytes > MAX_TEXT_BYTES):
            detail = f"the body has over {MAX_TEXT_BYTES:,} bytes of text"
            raise InvalidRequestError(detail, "send less, or upload it as a file")
        if items > MAX_ITEMS:
            raise InvalidRequestError(
                f"the body has over {MAX_ITEMS:,} items: values in lists and objects", "send less"
            )
        if len(parts) > 1:
            string_bytes, encoded = len(parts[-1]), _may_be_base64(parts[-1])
        inside ^= len(parts) % 2 == 0


def _may_be_base64(text: bytes) -> bool:
    return text.isascii() and b" " not in text
