"""Chat completions: plain, with files, with recordings; whole or streamed."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from autopicker_lab.chat import Attachment
from autopicker_lab.core import ChatReply, ChatRequest
from autopicker_lab.service import sse
from autopicker_lab.service.schemas import ChatBody
from autopicker_lab.service.state import ServiceState, State, while_connected

router = APIRouter(tags=["chat"])


@router.post("/chat/completions", summary="Chat, OpenAI's format")
async def completions(body: ChatBody, request: Request, state: State) -> Response:
    """The model is chosen by complexity unless it is named. `stream: true` answers with server-sent events."""
    return await _answer(body, request, state, with_files=bool(body.file_ids))


@router.post("/chat/multimodal", summary="Chat about uploaded files")
async def multimodal(body: ChatBody, request: Request, state: State) -> Response:
    """As chat completions, plus `file_ids`: what does not fit the model's context is left out by relevance."""
    return await _answer(body, request, state, with_files=True)


@router.post("/chat/multimodal-audio", summary="Chat about uploaded files, recordings among them")
async def multimodal_audio(body: ChatBody, request: Request, state: State) -> Response:
    """As multimodal; recordings are transcribed first."""
    return await _answer(body, request, state, with_files=True)


async def _answer(body: ChatBody, request: Request, state: ServiceState, with_files: bool) -> Response:
    key = _cache_key(body, request, state)
    if key and (stored := await state.cache.get(key)):
        await state.check_files(body.file_ids or ())  # a deleted file is unknown, whatever is remembered
        return _replayed(stored, body, request)
    turn = _Turn(body, request, state, key, with_files)
    return await while_connected(request, turn.streamed if body.stream else turn.whole)


@dataclass
class _Turn:
    """One question on its way: what came in, and what the answer carries beside OpenAI's fields."""

    body: ChatBody
    request: Request
    state: ServiceState
    key: str | None
    with_files: bool
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Cache": "MISS" if self.key else "BYPASS"}

    async def whole(self) -> Response:
        chat, attachments = await self._read()
        reply = await self.state.lab.pipeline.complete(chat, attachments)
        content = await self._kept(reply)
        return Response(content, headers=self.headers, media_type="application/json")

    async def streamed(self) -> Response:
        """The first chunk is awaited before the status is sent, so that a failure still has its own."""
        stream = self.state.lab.pipeline.stream(*await self._read())
        chunks = aiter(stream)
        first = await anext(chunks, None)
        reply_id = f"chatcmpl-{uuid.uuid4().hex}"
        writer = sse.ChunkWriter(reply_id, int(time.time()), stream.model)
        head = {**self.extra, **({"context": sse.context(stream.context)} if self.with_files else {})}
        if stream.route is not None and not stream.route.named:
            head["routing"] = sse.routing(stream.route, stream.model)
        done = sse.done_mark(self.request.headers, self.request.url.path)

        async def events() -> AsyncIterator[bytes]:
            async with aclosing(stream):
                async for data in sse.write(
                    writer, chunks, first, head=head, include_usage=self.body.include_usage, done=done
                ):
                    yield data
            if stream.reply is not None:
                await self._kept(replace(stream.reply, id=reply_id))

        headers = {**self.headers, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(events(), headers=headers, media_type="text/event-stream")

    async def _read(self) -> tuple[ChatRequest, list[Attachment]]:
        chat = self.body.request()
        attachments, failures = await self.state.attach(chat.file_ids)
        if self.with_files:
            self.extra = {"files_processed": len(attachments), "file_errors": failures}
        return chat, attachments

    async def _kept(self, reply: ChatReply) -> bytes:
        """The answer's body, counted, remembered for feedback, and cached where it may be."""
        answer = sse.completion(reply, reply.model) | self.extra
        if self.with_files:
            answer["context"] = sse.context(reply.context)
        content = orjson.dumps(answer)
        if self.key and reply.finish_reason == "stop":
            await self.state.cache.put(self.key, content)
        await self.state.remember(reply, self.request.state.request_id)
        return content


def _cache_key(body: ChatBody, request: Request, state: ServiceState) -> str | None:
    """A key for requests that want the same answer again; None where the caller asks for variety or freshness."""
    fresh = "no-cache" in request.headers.get("cache-control", "") or (body.temperature or 0) > 0
    if fresh or state.lab.settings.cache_ttl == 0:
        return None
    asked = body.model_dump(exclude={"stream", "stream_options", "user"}, exclude_none=True)
    caller = request.headers.get("x-api-key") or request.headers.get("authorization") or ""
    route = request.url.path.split("/")[-1]
    parts = orjson.dumps([caller, route, state.lab.policy.id, asked], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(parts).hexdigest()


def _replayed(stored: bytes, body: ChatBody, request: Request) -> Response:
    """A remembered answer: whole, or as the events of a stream."""
    headers = {"X-Cache": "HIT"}
    if not body.stream:
        return Response(stored, headers=headers, media_type="application/json")
    answer = orjson.loads(stored)
    choice = answer["choices"][0]
    delta = {name: value for name, value in choice["message"].items() if name != "role"}
    writer = sse.ChunkWriter(answer["id"], answer["created"], answer["model"])
    extra = {name: answer[name] for name in ("routing", "files_processed", "file_errors", "context") if name in answer}
    events = [
        writer.chunk({"role": "assistant", "content": ""}, **extra),
        writer.chunk(delta),
        writer.chunk({}, choice["finish_reason"]),
    ]
    if body.include_usage:
        events.append(writer.usage(answer["usage"]))
    events.append(sse.done_mark(request.headers, request.url.path))
    return Response(b"".join(events), headers=headers, media_type="text/event-stream")
