"""Server-sent events, as the streams of several APIs are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import AutopickerError
from autopicker_lab.service.request import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE = b"text/event-stream; charset=utf-8"
KEEPALIVE_COMMENT = b": waiting\n\n"
DONE = b"data: [DONE]\n\n"
DONE_WITHOUT_SPACE = b"data:[DONE]\n\n"


def done_event(headers: Mapping[bytes, bytes], path: str) -> bytes:
    """The last event of a stream of OpenAI's.

    The platform's documented `requests` example parses every line that begins with "data: " as JSON, which
    "[DONE]" is not. In server-sent events the space is optional, so that client alone gets the event without it.
    """
    agent, accepts = headers.get(b"user-agent", b""), headers.get(b"accept", b"*/*")
    parses_all = agent.startswith(b"python-requests/") and accepts == b"*/*" and path.startswith("/api/")
    return DONE_WITHOUT_SPACE if parses_all else DONE


def waiting_comment(done: int, total: int) -> bytes:
    """A comment that says how much is ready of what an answer waits for."""
    return b": waiting, %d of %d are ready\n\n" % (done, total)


def event(payload: Mapping[str, Any]) -> bytes:
    """One server-sent event whose data is a JSON object."""
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def named_event(payload: Mapping[str, Any]) -> bytes:
    """One server-sent event whose name is the `type` of the object that is its data."""
    return b"event: %b\ndata: %b\n\n" % (payload["type"].encode(), orjson.dumps(payload))


def error_of(failure: Exception) -> AutopickerError:
    """The error that is sent for a failure: itself where it is one of ours, else an internal error, which is logged."""
    if isinstance(failure, AutopickerError):
        return failure
    errors.log.error("a stream failed", exc_info=failure)
    return errors.internal()
