"""Ollama's /api/chat and /api/generate: dialects of the chats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import ChatRequest
from autopicker_lab.service.chat.dialect import AnswerHead, ChatCall
from autopicker_lab.service.chat.request_body import ChatBody
from autopicker_lab.service.dialects.ollama_answer import AnswerLines, loaded
from autopicker_lab.service.dialects.ollama_request import chat_fields, generate_fields, wants_thinking
from autopicker_lab.service.request import bounds, json_body
from autopicker_lab.service.request.error_dialects import ollama_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.core import AutopickerError, Usage
    from autopicker_lab.service.request.context import RequestContext


class OllamaChat:
    """The dialect of /api/chat or, where it is `generating`, of /api/generate."""

    def __init__(self, generating: bool = False):
        self._generating = generating

    async def read(self, raw: bytes, context: RequestContext, path: str) -> ChatCall:
        """The request in a body of Ollama's format."""
        return await json_body.off_loop(len(raw), self._call, raw)

    def _call(self, raw: bytes) -> ChatCall:
        body = json_body.parse(raw)
        bounds.check(body, len(raw))
        fields = generate_fields(body) if self._generating else chat_fields(body)
        wording = OllamaWording(fields["model"], self._generating, wants_thinking(body))
        if not fields["messages"]:
            reason = "unload" if body.get("keep_alive") in (0, "0", "0s") else "load"
            return ChatCall(ChatRequest(()), False, wording, loaded(fields["model"], self._generating, reason))
        return ChatCall(ChatBody.check(fields, len(raw)).to_request(), fields["stream"], wording)


class OllamaWording:
    """Ollama's object, or its lines.

    Args:
        model: as it was asked for, until it is known who answers.
        generating, thinking: as of AnswerLines.
    """

    content_type = b"application/x-ndjson"

    def __init__(self, model: str, generating: bool, thinking: bool):
        self._lines = AnswerLines(model, generating, thinking)

    @property
    def keepalive(self) -> bytes:
        """A line without words: Ollama's clients take every line for an object."""
        return self._lines.keepalive()

    def whole(self, completion: bytes) -> bytes:
        """The one object."""
        return self._lines.whole(orjson.loads(completion))

    def opening(self, head: AnswerHead, events: Sequence[Mapping[str, Any]], extra: Mapping[str, Any]) -> bytes:
        """The lines of the first chunks."""
        self._lines.start(head.model, extra)
        return self._lines.feed(events)

    def events(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        """The lines of more chunks."""
        return self._lines.feed(events)

    def end(self, finish_reason: str, usage: Usage, extra: Mapping[str, Any]) -> bytes:
        """The last lines: tool calls, and the counts."""
        return self._lines.end(finish_reason, usage.to_openai(), extra)

    def error(self, error: AutopickerError) -> bytes:
        """A line with the error."""
        return orjson.dumps(ollama_body(error)) + b"\n"
