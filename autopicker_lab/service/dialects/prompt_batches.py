"""Several prompts in one request to /completions: each goes the way of a request of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.service.dialects.fields import json_text, wrong
from autopicker_lab.service.request import json_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from autopicker_lab.service.request.context import RequestContext

MAX_PROMPTS = 20
_AT_ONCE = 4
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


class PromptBatches:
    """The application in front of /completions, which puts the answers to several prompts together.

    Args:
        chat: answers one prompt.
        limit: bytes of a body.
    """

    def __init__(self, chat: ASGIApp, limit: int):
        self._chat = chat
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; errors are those of `chat`."""
        context: RequestContext = scope["request_context"]
        raw = await json_body.read(receive, context.headers, self._limit)
        headers = {name: value for name, value in context.headers.items() if name != b"content-encoding"}
        scope = {**scope, "request_context": replace(context, headers=headers)}
        fields = await json_body.off_loop(len(raw), json_body.parse, raw)
        prompts = fields.get("prompt")
        if not isinstance(prompts, list) or len(prompts) < 2 or not all(isinstance(one, str) for one in prompts):
            await self._chat(scope, _replay(raw, receive), send)
            return
        if len(prompts) > MAX_PROMPTS:
            raise wrong("prompt", f"has {len(prompts):,} texts", f"send at most {MAX_PROMPTS} at once")
        if fields.get("stream"):
            raise wrong("prompt", f"has {len(prompts):,} texts", "send one a request to have it streamed")
        answers = await self._each(
            scope, [json_text({**fields, "prompt": one}, "the body").encode() for one in prompts], receive
        )
        await _send_joined(answers, send)

    async def _each(self, scope: Scope, bodies: Sequence[bytes], receive: Receive) -> list[_Answer]:
        gate = asyncio.Semaphore(_AT_ONCE)
        gone = asyncio.ensure_future(receive())  # comes when the client leaves

        async def ask(body: bytes) -> _Answer:
            async with gate:
                answer = _Answer()
                await self._chat(scope, _replay(body, lambda: asyncio.shield(gone)), answer)
                return answer

        tasks = [asyncio.ensure_future(ask(body)) for body in bodies]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in (*tasks, gone):
                task.cancel()
            await asyncio.wait((*tasks, gone))


class _Answer:
    """What is sent for one prompt."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.headers = message["headers"]
        else:
            self.body += message.get("body", b"")


def _replay(raw: bytes, receive: Any) -> Receive:
    """`receive` of a request whose body is known."""
    given = False

    async def next_message() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": raw, "more_body": False}
        message: Message = await receive()
        return message

    return next_message


async def _send_joined(answers: Sequence[_Answer], send: Send) -> None:
    """One response with the choices of all, numbered through, and all their tokens."""
    parsed = [orjson.loads(answer.body) for answer in answers]
    choices = [choice for one in parsed for choice in one["choices"]]
    usage = {name: sum(one["usage"].get(name, 0) for one in parsed) for name in _COUNTS}
    joined = {**parsed[0], "choices": [{**choice, "index": i} for i, choice in enumerate(choices)], "usage": usage}
    body = orjson.dumps(joined)
    headers = [(name, value) for name, value in answers[0].headers if not name.startswith((b"content-length", b"x-"))]
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
