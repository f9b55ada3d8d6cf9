"""Dialect: how one API words a chat, so that all of them share the way that a chat goes.

`ChatApp` (completions.py) routes, limits, counts, caches and logs; a dialect reads the body of a request into a
ChatCall and words the answer. To serve a further API:

    class UpperCase:                                    # a Dialect: one for all requests
        async def read(self, raw, context, path):
            body, request = await json_body.off_loop(len(raw), parse, raw)   # errors name the API's own fields
            return ChatCall(request, bool(body.stream), UpperCaseWording())

    class UpperCaseWording:                             # a Wording: one for each request, so it may hold state
        content_type, keepalive = b"text/plain", b"\\n"
        def whole(self, completion):                    # a chat.completion as JSON, whose usage is always there
            return orjson.loads(completion)["choices"][0]["message"]["content"].upper().encode()
        def opening(self, head, events, extra): return self.events(events)
        def events(self, events): return text_of(events).upper().encode()
        def end(self, finish_reason, usage, extra): return b""
        def error(self, error): return str(error).encode()

and name it with its path in `CHATS` of app.py. What is kept in the cache is the chat.completion, whatever dialect asked
first; a cached answer is streamed as the events that it would have come in (`completion.to_events`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.core import AutopickerError, ChatRequest, Usage
    from autopicker_lab.service.request.context import RequestContext


class AnswerHead(NamedTuple):
    """What is known of an answer before its first word: OpenAI's id, the catalogue's name, seconds since 1970."""

    id: str
    model: str
    created: int


class Wording(Protocol):
    """Words one answer, whole or as a stream.

    A stream is `opening` and `events` as it comes, and at its end `end`, or `error` wherever it fails: also before
    `opening`, after `keepalive` alone.

    Attributes:
        content_type: of the response that is a stream.
        keepalive: sent while a client waits for the first word; may be empty.
    """

    @property
    def content_type(self) -> bytes:
        """Of the response that is a stream."""

    @property
    def keepalive(self) -> bytes:
        """What says that an answer is still to come."""

    def whole(self, completion: bytes) -> bytes:
        """The JSON of an answer out of that of its chat.completion object."""

    def opening(self, head: AnswerHead, events: Sequence[Mapping[str, Any]], extra: Mapping[str, Any]) -> bytes:
        """The beginning of a stream with the first of OpenAI's chunks; `extra` are our own fields (`routing` ...)."""

    def events(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        """More of OpenAI's chunk objects, each of which has `choices`."""

    def end(self, finish_reason: str, usage: Usage, extra: Mapping[str, Any]) -> bytes:
        """The end of a stream that came to its end; `extra` are our own fields that are only known then."""

    def error(self, error: AutopickerError) -> bytes:
        """The end of a stream that failed."""


class ChatCall(NamedTuple):
    """A request as a dialect read it.

    Attributes:
        stream: whether the answer is asked for piece by piece.
        ready: the JSON of the answer, where no model is to be asked.
    """

    request: ChatRequest
    stream: bool
    wording: Wording
    ready: bytes | None = None


class Dialect(Protocol):
    """How one API words its requests and answers."""

    async def read(self, raw: bytes, context: RequestContext, path: str) -> ChatCall:
        """The request in a body; what is wrong with it is an InvalidRequestError in the API's own words."""
