"""Chat answers as OpenAI's objects and server-sent events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import AutopickerError, ChatReply, ContextReport, Route
from autopicker_lab.service.request import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Send

DONE = b"data: [DONE]\n\n"
DONE_WITHOUT_SPACE = b"data:[DONE]\n\n"
KEEPALIVE_COMMENT = b": waiting\n\n"
STALLED_S = 30.0  # without reading, after which a client counts as gone: others may wait for the same answer
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would hold the events back
]


def done_event(headers: Mapping[bytes, bytes], path: str) -> bytes:
    """The last event of a stream.

    The platform's documented `requests` example parses every line that begins with "data: " as JSON, which
    "[DONE]" is not. In server-sent events the space is optional, so that client alone gets the event without it.
    """
    agent, accepts = headers.get(b"user-agent", b""), headers.get(b"accept", b"*/*")
    parses_all = agent.startswith(b"python-requests/") and accepts == b"*/*" and path.startswith("/api/")
    return DONE_WITHOUT_SPACE if parses_all else DONE


def event(payload: Mapping[str, Any]) -> bytes:
    """One server-sent event whose data is a JSON object."""
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def routing_object(route: Route, model: str) -> dict[str, Any]:
    """The `routing` object of an answer; with `warnings` where something was asked that no model can do."""
    fields = {
        "complexity_score": route.complexity.score,
        "selected_model": model,
        "reason": route.reason,
        "fallback_used": model != route.model,
    }
    return {**fields, "warnings": list(route.warnings)} if route.warnings else fields


def completion_object(reply: ChatReply) -> dict[str, Any]:
    """A chat.completion object: the provider's own where it made one, under the catalogue's name and our id."""
    answer = {
        **(reply.raw or _completion_body(reply)),
        "id": reply.id,
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model,
    }
    if reply.route is not None and not reply.route.named:
        answer["routing"] = routing_object(reply.route, reply.model)
    return answer


def _completion_body(reply: ChatReply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text, **reply.message}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    return {"choices": [choice], "usage": reply.usage.to_openai(), "system_fingerprint": None}


def context_object(report: ContextReport) -> dict[str, Any]:
    """The `context` object of an answer about files: what was read, and what was left out."""
    return {"used": list(report.used), "left_out": list(report.left_out), "warnings": list(report.warnings)}


class ChunkWriter:
    """Writes the events of one streamed answer: the model's own, under our id and the catalogue's name."""

    def __init__(self, reply_id: str, model: str, created: int | None = None):
        self._head: dict[str, Any] = {
            "id": reply_id,
            "object": "chat.completion.chunk",
            "created": created or int(time.time()),
            "model": model,
        }

    def opening(self, events: Sequence[Mapping[str, Any]], extra: Mapping[str, Any]) -> bytes:
        """The first events, of which the first has the role and `extra`: the model's own where that has a role."""
        if events and "role" in (events[0]["choices"][0].get("delta") or ()):
            first = {**events[0], **self._head, **extra}
            first.pop("usage", None)
            return event(first) + self.events(events[1:])
        delta = {"role": "assistant", "content": ""}
        return self.chunk(delta, **extra) + self.events(events)

    def events(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        """The model's events with our id and name, without `usage`, which comes once and at the end."""
        head = self._head
        parts: list[bytes] = []
        for raw in events:
            chunk = {**raw, **head}
            chunk.pop("usage", None)
            parts += (b"data: ", orjson.dumps(chunk), b"\n\n")
        return b"".join(parts)

    def chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None, **extra: Any) -> bytes:
        """One event of our own making; `extra` are further fields of the chunk object."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event({**self._head, "choices": [choice], **extra})

    def usage(self, usage: Mapping[str, Any]) -> bytes:
        """The event with the tokens, for those who ask for it by `stream_options`."""
        return event({**self._head, "choices": [], "usage": usage})

    def replay(self, answer: Mapping[str, Any], extra: Mapping[str, Any], include_usage: bool) -> bytes:
        """A whole answer as the events of a stream."""
        choice = answer["choices"][0]
        delta = {name: value for name, value in choice["message"].items() if name != "role"}
        if delta.get("tool_calls"):
            delta["tool_calls"] = [{"index": i, **call} for i, call in enumerate(delta["tool_calls"])]
        events = self.opening((), extra) + self.chunk(delta) + self.chunk({}, choice["finish_reason"])
        return events + (self.usage(answer["usage"]) if include_usage else b"")


class EventStream:
    """The response that carries the events; it starts with the first of them, or with a comment to wait for it.

    Attributes:
        cache_status: for the X-Cache header (HIT, MISS, BYPASS); may be changed until the response starts.
        started: whether the status was sent, so that a failure can only be an event.
    """

    def __init__(self, send: Send, cache_status: bytes):
        self._send = send
        self.cache_status = cache_status
        self.started = False
        self._writing_since = 0.0

    async def write(self, data: bytes) -> None:
        """Send events; waits where the client reads more slowly."""
        self._writing_since = time.monotonic()
        if not self.started:
            self.started = True
            headers = [*_HEADERS, (b"x-cache", self.cache_status)]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self._writing_since = 0.0

    async def keepalive(self) -> bool:
        """Send a comment, so that nobody on the way gives up; False where the client has not read for STALLED_S."""
        if self._writing_since:
            return time.monotonic() - self._writing_since < STALLED_S
        await self.write(KEEPALIVE_COMMENT)
        return True

    async def end(self, data: bytes = b"") -> None:
        """Send the last events and end the response."""
        if not self.started:
            await self.write(b"")
        await self._send({"type": "http.response.body", "body": data})

    async def fail(self, error: AutopickerError) -> None:
        """Send an event with the error and end the response."""
        await self.end(event(errors.body(error, openai=True)))


def error_of(failure: Exception) -> AutopickerError:
    """The error that is sent for a failure: itself where it is one of ours, else an internal error, which is logged."""
    if isinstance(failure, AutopickerError):
        return failure
    errors.log.error("a stream failed", exc_info=failure)
    return errors.internal()
