"""A reader of OpenAI's server-sent events, in blocks of any size: it gives whole events, and keeps an unfinished one.

Every event is parsed and none is rebuilt, so that fields beside the text (logprobs, fingerprints) are passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from autopicker_lab.core import ChatChunk, StreamFailedError, UpstreamError, Usage

_MAX_EVENT = 2**22  # bytes


class EventReader:
    """Reads the events of one answer, block by block.

    Args:
        model: the name that an error has, where an event is an error or no JSON.

    Attributes:
        finish_reason: how the answer ended; None while it has not.
        done: the server said [DONE].
    """

    def __init__(self, model: str):
        self._model = model
        self._tail = b""
        self.finish_reason: str | None = None
        self.done = False
        self._failure: UpstreamError | None = None

    def feed(self, block: bytes) -> ChatChunk | None:
        """The events that are whole now, as one chunk; None where none of them has content.

        Raises:
            UpstreamError: an event is an error, or no JSON; events before it in the block are given first.
        """
        if self._failure is not None:
            raise self._failure
        data = self._tail + block if self._tail else block
        if b"\r" in data:  # JSON has none of its own
            data = data.replace(b"\r\n", b"\n")
        events, separator, self._tail = data.rpartition(b"\n\n")
        if len(self._tail) > _MAX_EVENT:
            raise UpstreamError(f"'{self._model}' sent an event without end", "check the endpoint")
        return self._read(events) if separator else None

    def end(self) -> ChatChunk | None:
        """The chunk of the last event, where the server ended without the blank line after it."""
        tail, self._tail = self._tail, b""
        chunk = self._read(tail) if tail.strip() and self._failure is None else None
        if self._failure is not None and chunk is None:
            raise self._failure
        return chunk

    def _read(self, data: bytes) -> ChatChunk | None:
        events: list[dict[str, Any]] = []
        finish: str | None = None
        usage: Usage | None = None
        for line in data.split(b"\n"):
            if not line.startswith(b"data:"):
                continue  # a comment, an event's name or the blank line between events
            text = line[5:].strip()
            if text == b"[DONE]":
                self.done = True
                break
            try:
                event = self._parse(text)
                usage = Usage.from_openai(event.get("usage")) or usage
            except UpstreamError as error:
                self._failure = error
                break
            choices = event.get("choices")
            if not choices:
                continue  # usage alone
            finish = choices[0].get("finish_reason") or finish
            events.append(event)
        self.finish_reason = finish or self.finish_reason
        if events or usage:
            return ChatChunk(events, finish, usage)
        if self._failure is not None:
            raise self._failure
        return None

    def _parse(self, text: bytes) -> dict[str, Any]:
        try:
            event: dict[str, Any] = orjson.loads(text)
            if event.get("error"):
                error = event["error"]
                message = error.get("message") if isinstance(error, Mapping) else error
                raise StreamFailedError(f"'{self._model}' failed in the middle", "ask again", quote=message)
            for choice in event.get("choices") or ():
                delta = choice.get("delta") or {}
                if not isinstance(delta.get("content") or "", str):
                    raise TypeError
                for call in delta.get("tool_calls") or ():
                    call.get("function")
            if not isinstance(event.get("usage") or {}, Mapping):
                raise TypeError
        except (orjson.JSONDecodeError, AttributeError, TypeError, KeyError):
            raise UpstreamError(f"'{self._model}' sent an event that is not a chunk", "ask again") from None
        return event
