"""OpenAI's own wording of chats: what comes from a model's server passes through it almost as it came."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.http_client.text_events import TextEvent, TextEventWriter
from autopicker_lab.service.chat import sse
from autopicker_lab.service.chat.completion import COST
from autopicker_lab.service.chat.dialect import AnswerHead, ChatCall
from autopicker_lab.service.chat.request_body import ChatBody
from autopicker_lab.service.request import errors, json_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.core import AutopickerError, ChatRequest, Usage
    from autopicker_lab.service.request.context import RequestContext


class OpenAIChat:
    """The dialect of /chat/completions."""

    async def read(self, raw: bytes, context: RequestContext, path: str) -> ChatCall:
        """The request in a body of OpenAI's format."""
        long = len(raw) >= json_body.LONG_BODY
        body, request = await asyncio.to_thread(_parse, raw) if long else _parse(raw)
        include_usage = bool((body.stream_options or {}).get("include_usage"))
        return ChatCall(request, bool(body.stream), OpenAIWording(sse.done_event(context.headers, path), include_usage))


def closing_events(
    head: Mapping[str, Any], choice: Mapping[str, Any], usage: Usage | None, extra: Mapping[str, Any]
) -> bytes:
    """The last events of a stream before [DONE]: our own fields beside an empty choice; the tokens with the cost.

    Args:
        usage: None where the caller has not asked for it.
    """
    own = {name: value for name, value in extra.items() if name != COST}
    events = sse.event({**head, "choices": [choice], **own}) if own else b""
    if usage is None:
        return events
    cost = {COST: extra[COST]} if COST in extra else {}
    return events + sse.event({**head, "choices": [], "usage": usage.to_openai(), **cost})


class OpenAIWording:
    """The chat.completion as it is kept, or the model's chunks under our id and the catalogue's name.

    Args:
        done: the event that ends a stream.
        include_usage: whether an event with the tokens comes before it.
    """

    __slots__ = ("_done", "_head", "_include_usage", "_texts")
    content_type = sse.CONTENT_TYPE
    keepalive = sse.KEEPALIVE_COMMENT

    def __init__(self, done: bytes, include_usage: bool):
        self._done = done
        self._include_usage = include_usage
        self._head: dict[str, Any] = {}
        self._texts = TextEventWriter(self._head)

    def whole(self, completion: bytes) -> bytes:
        """The answer as it is kept."""
        return completion

    def opening(self, head: AnswerHead, events: Sequence[Mapping[str, Any]], extra: Mapping[str, Any]) -> bytes:
        """The first events, of which the first has the role and `extra`: the model's own where that has a role."""
        reply_id, model, created = head
        self._head = {"id": reply_id, "object": "chat.completion.chunk", "created": created, "model": model}
        self._texts = TextEventWriter(self._head)
        if events and "role" in (events[0]["choices"][0].get("delta") or ()):
            first = {**events[0], **self._head, **extra}
            first.pop("usage", None)
            return sse.event(first) + self.events(events[1:])
        choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
        return sse.event({**self._head, "choices": [choice], **extra}) + self.events(events)

    def events(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        """The model's events with our id and name, without `usage`, which comes once and at the end."""
        head = self._head
        parts: list[bytes] = []
        for raw in events:
            if raw.__class__ is TextEvent:
                parts += self._texts.write(raw)
                continue
            chunk = {**raw, **head}
            chunk.pop("usage", None)
            parts += (b"data: ", orjson.dumps(chunk), b"\n\n")
        return b"".join(parts)

    def end(self, finish_reason: str, usage: Usage, extra: Mapping[str, Any]) -> bytes:
        """Our own fields; the tokens and the cost, where they were asked for by `stream_options`; and [DONE]."""
        choice = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": None}
        return closing_events(self._head, choice, usage if self._include_usage else None, extra) + self._done

    def error(self, error: AutopickerError) -> bytes:
        """An event with OpenAI's error object."""
        return sse.event(errors.body(error, openai=True))


def _parse(raw: bytes) -> tuple[ChatBody, ChatRequest]:
    body = ChatBody.parse(raw)
    return body, body.to_request()
