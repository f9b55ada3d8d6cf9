"""Anthropic's /v1/messages: a dialect of the chats."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.extraction import open_source
from autopicker_lab.service.chat.dialect import AnswerHead, ChatCall
from autopicker_lab.service.chat.request_body import ChatBody
from autopicker_lab.service.dialects.anthropic_answer import message_object
from autopicker_lab.service.dialects.anthropic_blocks import Reading
from autopicker_lab.service.dialects.anthropic_events import PING, MessageEvents, event
from autopicker_lab.service.dialects.anthropic_request import chat_fields, wants_thinking
from autopicker_lab.service.dialects.fields import wrong
from autopicker_lab.service.request import bounds, json_body
from autopicker_lab.service.request.error_dialects import anthropic_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.chat import Reader
    from autopicker_lab.core import AutopickerError, ChatRequest, Usage
    from autopicker_lab.service.request.context import RequestContext

_IMAGE_TOKENS = 800  # of a picture, about


class AnthropicChat:
    """The dialect of /messages.

    Args:
        reader: of documents in messages, whose text the models get.
        max_file_size: bytes of such a document.
    """

    def __init__(self, reader: Reader, max_file_size: int):
        self._reader = reader
        self._max_file_size = max_file_size

    async def read(self, raw: bytes, context: RequestContext, path: str) -> ChatCall:
        """The request in a body of Anthropic's format."""
        body = await json_body.off_loop(len(raw), _parsed, raw)
        request = await self.request(body, len(raw))
        stops = body.get("stop_sequences") or ()
        tokens = await json_body.off_loop(len(raw), count_tokens, request)
        wording = AnthropicWording(wants_thinking(body), stops, tokens, context.request_id)
        return ChatCall(request, bool(body.get("stream")), wording)

    async def request(self, body: dict[str, Any], size: int | None = None, counting: bool = False) -> ChatRequest:
        """The ChatRequest for a body; see `chat_fields`."""
        reading = Reading()
        fields = await json_body.off_loop(size or 0, chat_fields, body, reading, counting)
        for part, name, data in reading.documents:
            part.update({"type": "text", "text": await self._text(name, data)})
        return (await json_body.off_loop(size or 0, ChatBody.check, fields, size)).to_request()

    async def _text(self, name: str, data: str) -> str:
        try:
            content = await asyncio.to_thread(base64.b64decode, data, validate=True)
        except (binascii.Error, ValueError):
            raise wrong("messages", f"have a document '{name}' that is not valid base64", "encode it again") from None
        file = await asyncio.to_thread(open_source, content, name, self._max_file_size)
        document = await self._reader.read(file)
        return f"{name}\n\n{document.text}"


def count_tokens(request: ChatRequest) -> int:
    """Tokens of a request with its tools and pictures, estimated."""
    return request.token_count + _IMAGE_TOKENS * len(request.image_urls)


class AnthropicWording:
    """Anthropic's message, or its events.

    Args:
        thinking, stops: as of `message_object`.
        input_tokens: of the request, estimated: the first event tells them.
        request_id: for errors.
    """

    content_type = b"text/event-stream; charset=utf-8"
    keepalive = PING

    def __init__(self, thinking: bool, stops: Sequence[str], input_tokens: int, request_id: str):
        self._thinking = thinking
        self._stops = stops
        self._input_tokens = input_tokens
        self._request_id = request_id
        self._events = MessageEvents(thinking, stops)

    def whole(self, completion: bytes) -> bytes:
        """The message object."""
        return orjson.dumps(message_object(orjson.loads(completion), self._thinking, self._stops))

    def opening(self, head: AnswerHead, events: Sequence[Mapping[str, Any]], extra: Mapping[str, Any]) -> bytes:
        """`message_start`, and what the first chunks bring."""
        return self._events.start(head.id, head.model, self._input_tokens, extra) + self._events.feed(events)

    def events(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        """The events of more chunks."""
        return self._events.feed(events)

    def end(self, finish_reason: str, usage: Usage, extra: Mapping[str, Any]) -> bytes:
        """`message_delta` with the reason and the tokens, and `message_stop`."""
        return self._events.end(finish_reason, usage.to_openai(), extra)

    def error(self, error: AutopickerError) -> bytes:
        """An `error` event."""
        return event("error", **anthropic_body(error, self._request_id))


def _parsed(raw: bytes) -> dict[str, Any]:
    body = json_body.parse(raw)
    bounds.check(body, len(raw))
    return body
