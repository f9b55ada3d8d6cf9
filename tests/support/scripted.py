"""An OpenAI-compatible server that says what a test has written, word for word."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from support.serving import serving

USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


class ScriptedUpstream:
    """Attributes:
    whole: the answer to a chat that is not streamed, or what makes it of the body.
    chunks: the events of one that is, or what makes them of the body.
    bodies: what was asked.
    """

    def __init__(self) -> None:
        self.whole: dict[str, Any] | Callable[[dict[str, Any]], Any] = completion({"content": "Hello"})
        self.chunks: list[dict[str, Any]] | Callable[[dict[str, Any]], Any] = chunks({"content": "Hello"})
        self.bodies: list[dict[str, Any]] = []
        self.url = ""

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        script = self.chunks if body.get("stream") else self.whole
        said = script(body) if callable(script) else script
        if isinstance(said, Response):
            return said
        if not body.get("stream"):
            return JSONResponse(said)
        events = "".join(f"data: {json.dumps(event)}\n\n" for event in said)
        return Response(events + "data: [DONE]\n\n", media_type="text/event-stream")


def completion(*messages: Mapping[str, Any], finish_reason: str = "stop", **fields: Any) -> dict[str, Any]:
    """A chat.completion with a choice a message."""
    choices = [
        {"index": i, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
        for i, message in enumerate(messages)
    ]
    head = {"id": "up", "object": "chat.completion", "created": 1, "model": "up"}
    return {**head, "choices": choices, "usage": USAGE, **fields}


def chunks(*deltas: Mapping[str, Any], finish_reason: str = "stop", index: int = 0, **fields: Any) -> list[Any]:
    """The events of one choice, an event a delta, and its end; without usage."""
    ends: list[tuple[Mapping[str, Any], str | None]] = [(delta, None) for delta in deltas] + [({}, finish_reason)]
    return [
        {"id": "up", "choices": [{"index": index, "delta": delta, "finish_reason": end}], **fields}
        for delta, end in ends
    ]


@contextmanager
def scripted() -> Iterator[ScriptedUpstream]:
    """A ScriptedUpstream in a thread, on loopback; its address ends in /v1."""
    upstream = ScriptedUpstream()

    async def models(request: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": []})

    routes = [Route("/v1/chat/completions", upstream.chat, methods=["POST"]), Route("/v1/models", models)]
    with serving(Starlette(routes=routes)) as base:
        upstream.url = f"{base}/v1"
        yield upstream
