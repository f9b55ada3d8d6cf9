"""Chat completions as plain ASGI: read, check, remember or ask, answer whole or as a stream.

FastAPI documents these paths and does not serve them: its machinery takes longer than the rest of a request.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from autopicker_lab.core import AutopickerError, ChatRequest, InvalidRequestError, ModelUnavailableError
from autopicker_lab.service.chat import sse
from autopicker_lab.service.request import errors
from autopicker_lab.service.request.middleware import RequestContext, key_of
from autopicker_lab.service.routes.schemas import ChatBody
from autopicker_lab.service.state import AnswerRecord, ServiceState

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from autopicker_lab.chat import Attachment

_LONG = 100_000  # bytes of a body from which it is parsed and hashed off the event loop
_NOT_ASKED = frozenset({"stream", "stream_options", "user"})
_WHOLE = ("stop", "length", "tool_calls")  # how an answer ends that would be the same again
_EXTRAS = ("routing", "files_processed", "file_errors", "context")


def read_body(raw: bytes) -> tuple[dict[str, Any], ChatRequest]:
    """A request's body as it came, without nulls, and the ChatRequest in it; InvalidRequestError says what is wrong."""
    if not raw:
        raise InvalidRequestError("A JSON body is required", "send messages")
    try:
        asked = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        detail = f"the body is not valid JSON: {error.msg} at character {error.pos}"
        raise InvalidRequestError(detail, "correct it") from None
    if not isinstance(asked, dict):
        raise InvalidRequestError("the body must be a JSON object", 'send {"messages": [...]}')
    return checked(asked)


def checked(asked: dict[str, Any]) -> tuple[dict[str, Any], ChatRequest]:
    """As read_body, of a body that is parsed."""
    asked = {name: value for name, value in asked.items() if value is not None}
    try:
        ChatBody.model_validate(asked)
    except ValidationError as error:
        raise errors.validation(error.errors()) from None
    return asked, ChatBody.request(asked)


class ChatApp:
    """Args:
    with_files: the answer says which files were read, whether any were named or not.
    """

    def __init__(self, state: ServiceState, with_files: bool = False):
        self._state = state
        self._with_files = with_files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await _body(receive)
        long = len(raw) >= _LONG
        asked, request = await asyncio.to_thread(read_body, raw) if long else read_body(raw)
        turn = _Turn(self._state, scope, asked, request, self._with_files or bool(request.file_ids))
        turn.key = await asyncio.to_thread(turn.cache_key) if long else turn.cache_key()
        self._state.callers.check_budget(turn.request_context.caller)
        begun = time.perf_counter()
        try:
            await (turn.streamed(receive, send) if asked.get("stream") else turn.whole(receive, send))
        except AutopickerError as error:
            seconds = time.perf_counter() - begun
            self._state.tracing.failed(request.model, error, seconds, turn.request_context.traceparent)
            raise


class _Turn:
    """One question on its way.

    Attributes:
        key: what its answer is kept under; None for one that is not to be kept.
    """

    def __init__(
        self, state: ServiceState, scope: Scope, asked: dict[str, Any], request: ChatRequest, with_files: bool
    ):
        self.key: str | None = None
        self.request_context: RequestContext = scope["request_context"]
        self._state = state
        self._path: str = scope["path"]
        self._asked = asked
        self._request = request.permitted(self.request_context.caller.models)
        self._with_files = with_files
        self._extra: dict[str, Any] = {}

    def cache_key(self) -> str | None:
        """A key for requests that want the same answer again; None where variety or freshness is asked for.

        None for logprobs, too: a stream's are not put together again.
        """
        fresh = b"no-cache" in self.request_context.headers.get(b"cache-control", b"") or self._asked.get("logprobs")
        if fresh or (self._asked.get("temperature") or 0) > 0 or self._state.lab.settings.cache_ttl == 0:
            return None
        asked = {name: value for name, value in self._asked.items() if name not in _NOT_ASKED}
        who = self.request_context.caller.id or key_of(self.request_context.headers)
        rights = sorted(self._request.allowed) if self._request.allowed is not None else None
        parts = [who, rights, self._path.rpartition("/")[2], self._state.lab.policy.id, asked]
        try:
            return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
        except TypeError as error:  # orjson's own kind of it
            raise InvalidRequestError(f"the request cannot be passed on: {error}", "nest it less deeply") from None

    async def whole(self, receive: Receive, send: Send) -> None:
        try:
            with self._state.disconnects.wait(receive):
                content = await self._remembered() if self.key else None
                mark = b"HIT" if content is not None else self._mark
                if self.key is None:
                    content = await self._answer()
                elif content is None:
                    async with self._state.single_flight.leading(self.key) as flight:
                        content = flight.content = await self._answer()
        except asyncio.CancelledError:
            raise _stopping() from None
        length = (b"content-length", b"%d" % len(content))
        headers = [(b"content-type", b"application/json"), length, (b"x-cache", mark)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def streamed(self, receive: Receive, send: Send) -> None:
        """The status waits for the first piece, so that a failure has its own, but not longer than a keepalive."""
        out = sse.EventStream(send, self._mark)
        done = sse.done_mark(self.request_context.headers, self._path)
        try:
            with self._state.disconnects.wait(receive, out.keepalive):
                content = await self._remembered() if self.key else None
                if content is not None:
                    out.mark = b"HIT"
                    await out.end(self._replayed(content) + done)
                    return
                async with self._state.single_flight.leading(self.key) as flight:
                    flight.content = await self._stream(out)
                await out.end(done)
        except asyncio.CancelledError:
            if not out.begun:
                raise _stopping() from None
            await out.fail(_stopping())
        except ClientDisconnect:
            raise
        except Exception as failure:
            if not out.begun:
                raise
            await out.fail(sse.error_of(failure))

    @property
    def _mark(self) -> bytes:
        return b"MISS" if self.key else b"BYPASS"

    @property
    def _include_usage(self) -> bool:
        return bool((self._asked.get("stream_options") or {}).get("include_usage"))

    async def _remembered(self) -> bytes | None:
        """What was answered to this before, or is being answered now; None where this turn is to ask."""
        if self.key is None:
            return None
        content = await self._state.cache.get(self.key)
        if content is None:
            content = await self._state.single_flight.join(self.key)
        self._state.cache.stats.count(content is not None)
        if content is not None:  # a deleted file is unknown, whatever is remembered
            await self._state.check_files(self._request.file_ids, self.request_context.caller)
        return content

    async def _read(self) -> list[Attachment]:
        if not self._with_files:
            return []
        attachments, failures = await self._state.attach(self._request.file_ids, self.request_context.caller)
        self._extra = {"files_processed": len(attachments), "file_errors": failures}
        return attachments

    async def _answer(self) -> bytes:
        reply = await self._state.lab.pipeline.complete(self._request, await self._read() if self._with_files else ())
        self._state.remember(AnswerRecord.of_reply(reply, self.request_context), self._request.question)
        answer = sse.completion(reply) | self._extra
        if self._with_files:
            answer["context"] = sse.context(reply.context)
        content = orjson.dumps(answer)
        await self._keep(content, reply.finish_reason)
        return content

    async def _stream(self, out: sse.EventStream) -> bytes | None:
        """Send the answer as it comes; what it was in whole, where that is to be kept."""
        keep = self.key is not None
        stream = self._state.lab.pipeline.stream(self._request, await self._read(), keep)
        async with aclosing(stream):
            chunks = aiter(stream)
            chunk = await anext(chunks, None)
            answered = AnswerRecord.begun(
                stream, self.request_context.request_id, self.request_context.caller, self.request_context.traceparent
            )
            writer = sse.ChunkWriter(answered.id, stream.model)
            head = dict(self._extra)
            if self._with_files:
                head["context"] = sse.context(stream.context)
            if stream.route is not None and not stream.route.named:
                head["routing"] = sse.routing(stream.route, stream.model)
            data = writer.opening(chunk.events if chunk else (), head)
            try:
                while chunk is not None:
                    if data:
                        await out.write(data)
                    chunk = await anext(chunks, None)
                    data = writer.events(chunk.events) if chunk else b""
            finally:  # what was made of an answer is spent, whether it was heard to the end or not
                self._state.remember(answered.ended(stream), self._request.question)
        if self._include_usage:
            await out.write(writer.usage(stream.usage.to_openai()))
        reply = stream.reply
        if reply is None:
            return None
        content = orjson.dumps(sse.completion(replace(reply, id=answered.id)) | head)
        await self._keep(content, reply.finish_reason)
        return content

    async def _keep(self, content: bytes, finish_reason: str) -> None:
        if self.key and finish_reason in _WHOLE:
            await self._state.cache.put(self.key, content)

    def _replayed(self, content: bytes) -> bytes:
        """A remembered answer as the events of a stream."""
        answer = orjson.loads(content)
        extra = {name: answer[name] for name in _EXTRAS if name in answer}
        writer = sse.ChunkWriter(answer["id"], answer["model"], answer["created"])
        return writer.replayed(answer, extra, self._include_usage)


def _stopping() -> ModelUnavailableError:
    return ModelUnavailableError("the service is stopping", "ask again", retry_after=5)


async def _body(receive: Receive) -> bytes:
    """The whole body of a request; ClientDisconnect where it does not come to an end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
