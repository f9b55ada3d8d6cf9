"""Chat answers as OpenAI's objects and server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from autopicker_lab.core import AutopickerError, ChatChunk, ChatReply, ContextReport, Route
from autopicker_lab.service import errors

DONE = b"data: [DONE]\n\n"
DONE_TIGHT = b"data:[DONE]\n\n"


def done_mark(headers: Mapping[str, str], path: str) -> bytes:
    """The stream's last event.

    The platform's documented `requests` example parses every line that begins with "data: " as JSON, which
    "[DONE]" is not. In server-sent events the space is optional, so that client alone gets the mark without it.
    """
    agent, accepts = headers.get("user-agent", ""), headers.get("accept", "*/*")
    naive = agent.startswith("python-requests/") and accepts == "*/*" and path.startswith("/api/")
    return DONE_TIGHT if naive else DONE


def event(payload: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def routing(route: Route, model: str) -> dict[str, Any]:
    """The `routing` object of an answer."""
    return {
        "complexity_score": route.complexity.score,
        "selected_model": model,
        "reason": route.reason,
        "fallback_used": model != route.model,
    }


def completion(reply: ChatReply, name: str) -> dict[str, Any]:
    """A chat.completion object; `name` is what the caller called the model, or its id."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": reply.text, **reply.message},
        "logprobs": None,
        "finish_reason": reply.finish_reason,
    }
    answer = {
        "id": reply.id,
        "object": "chat.completion",
        "created": reply.created,
        "model": name,
        "choices": [choice],
        "usage": reply.usage.to_openai(),
        "system_fingerprint": None,
    }
    if reply.route is not None and not reply.route.named:
        answer["routing"] = routing(reply.route, reply.model)
    return answer


def context(report: ContextReport) -> dict[str, Any]:
    """The `context` object of an answer about files: what was read, and what was left out."""
    return {"used": list(report.used), "left_out": list(report.left_out), "warnings": list(report.warnings)}


class ChunkWriter:
    """Writes the events of one streamed answer."""

    def __init__(self, reply_id: str, created: int, model: str):
        self._head = {"id": reply_id, "object": "chat.completion.chunk", "created": created, "model": model}

    def chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None, **extra: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event({**self._head, "choices": [choice], **extra})

    def usage(self, usage: Mapping[str, Any]) -> bytes:
        return event({**self._head, "choices": [], "usage": usage})


async def write(
    writer: ChunkWriter,
    chunks: AsyncIterator[ChatChunk],
    first: ChatChunk | None,
    *,
    head: Mapping[str, Any],
    include_usage: bool,
    done: bytes,
) -> AsyncIterator[bytes]:
    """Events for chunks as they come; an error after the first byte is an event with an `error`, and the last one."""
    yield writer.chunk({"role": "assistant", "content": ""}, **head)
    usage = None
    chunk = first
    try:
        while chunk is not None:
            usage = chunk.usage or usage
            if chunk.delta or chunk.finish_reason:
                yield writer.chunk(chunk.delta, chunk.finish_reason)
            chunk = await anext(chunks, None)
    except AutopickerError as error:
        yield event(errors.body(error, openai=True))
        return
    except Exception:
        errors.log.exception("a stream failed")
        yield event(errors.body(errors.internal(), openai=True))
        return
    if include_usage and usage is not None:
        yield writer.usage(usage.to_openai())
    yield done
