"""Chat completions as plain ASGI: read and check the body, answer from the cache or a model, whole or as a stream.

FastAPI documents these paths and does not serve them: its machinery takes longer than the rest of a request.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from autopicker_lab.core import (
    AutopickerError,
    ChatRequest,
    FileReading,
    UpstreamError,
    Usage,
)
from autopicker_lab.service.chat import completion, sse
from autopicker_lab.service.chat.answer_headers import answer_headers
from autopicker_lab.service.chat.cache_key import cache_key
from autopicker_lab.service.chat.dialect import AnswerHead
from autopicker_lab.service.chat.event_stream import EventStream
from autopicker_lab.service.observation.answer_record import AnswerRecord
from autopicker_lab.service.request import json_body

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from autopicker_lab.chat import Attachment
    from autopicker_lab.core import Route
    from autopicker_lab.service.chat.dialect import Dialect, Wording
    from autopicker_lab.service.chat.single_flight import SingleFlight
    from autopicker_lab.service.request.context import RequestContext
    from autopicker_lab.service.request.rate_limits import HeaderLines
    from autopicker_lab.service.state import ServiceState

_MANY_PIECES = 5_000  # of which an answer is put together off the event loop


class ChatApp:
    """The application behind one chat path.

    Args:
        flights: the answers under way, which the chat paths of a service share.
        dialect: how requests and answers are worded.
        with_files: the answer says which files were read, whether any were named or not.
    """

    def __init__(self, state: ServiceState, flights: SingleFlight, dialect: Dialect, with_files: bool = False):
        self._state = state
        self._flights = flights
        self._dialect = dialect
        self._with_files = with_files
        self._body_limit = json_body.max_bytes(state.lab.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an AutopickerError comes out before anything is sent, or not at all."""
        context: RequestContext = scope["request_context"]
        raw = await json_body.read(receive, context.headers, self._body_limit)
        size = len(raw)
        call = await self._dialect.read(raw, context, scope["path"])
        del raw  # what waits for an answer keeps what was made of it
        if call.ready is not None:
            await Response(call.ready, media_type="application/json")(scope, receive, send)
            return
        request = call.request
        with_files = self._with_files or bool(request.file_ids)
        started_at = time.perf_counter()
        try:
            async with self._state.budgets.reserve(context.caller) as reservation:
                request = request.with_allowed(context.caller.models, reservation.spending)
                if (live := self._state.live).active:
                    whose = request, context.request_id, context.caller.id
                    if not live.give_terms(*whose):
                        await live.give_recalled_terms(*whose)
                handler = _CompletionHandler(self._state, self._flights, context, request, call.wording, with_files)
                long = size >= json_body.LONG_BODY
                keyed = self._state, context, request, with_files
                handler.key = await asyncio.to_thread(cache_key, *keyed) if long else cache_key(*keyed)
                await (handler.stream(receive, send) if call.stream else handler.complete(receive, send))
                if handler.shadowed is not None:
                    record, text = handler.shadowed
                    self._state.shadow(record, request, text)
        except AutopickerError as error:
            seconds = time.perf_counter() - started_at
            self._state.tracing.record_failure(request.model, error, seconds, context.traceparent)
            self._state.live.failed(request, error)
            raise


class _CompletionHandler:
    """Answers one chat request.

    Attributes:
        key: what its answer is cached under; None for one that is not to be cached.
        shadowed: the answer and its text, where another model is to be asked the same afterwards.
    """

    def __init__(
        self,
        state: ServiceState,
        flights: SingleFlight,
        context: RequestContext,
        request: ChatRequest,
        wording: Wording,
        with_files: bool,
    ):
        self.key: str | None = None
        self._state = state
        self._flights = flights
        self._context = context
        self._request = request
        self._wording = wording
        self._with_files = with_files
        self._file_fields: dict[str, Any] = {}
        self._headers: HeaderLines = []  # of the response, beside those that any has
        shadow = state.live.shadow
        self._shadows = shadow is not None and shadow.wants(request, context.request_id)
        self.shadowed: tuple[AnswerRecord, str] | None = None

    async def complete(self, receive: Receive, send: Send) -> None:
        """Send the whole answer as one JSON object."""
        try:
            with self._state.disconnects.watch(receive):
                content = await self._cached_answer() if self.key else None
                cache_status = self._cache_status
                if content is not None:
                    cache_status = b"HIT"
                    answer = orjson.loads(content)
                    self._headers = answer_headers(answer["model"], answer.get("routing"), 0.0)
                elif self.key is None:
                    content = await self._make_answer()
                else:
                    async with self._flights.lead(self.key) as pending:
                        content = pending.content = await self._make_answer()
        except asyncio.CancelledError:
            raise self._context.interruption() from None
        data = self._wording.whole(content)
        length = (b"content-length", b"%d" % len(data))
        headers = [(b"content-type", b"application/json"), length, (b"x-cache", cache_status), *self._headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})

    async def stream(self, receive: Receive, send: Send) -> None:
        """Send the answer as it comes.

        The status waits for the first of it, so that a failure has its own, but not longer than a keepalive.
        """
        wording = self._wording
        out = EventStream(send, wording, [(b"x-cache", self._cache_status)])
        try:
            with self._state.disconnects.watch(receive, out.keepalive):
                content = await self._cached_answer() if self.key else None
                if content is not None:
                    ending = self._replay(content)
                    out.headers = [(b"x-cache", b"HIT"), *self._headers]
                    await out.end(ending)
                    return
                async with self._flights.lead(self.key) as answer:
                    answer.content, ending = await self._stream_answer(out)
                await out.end(ending)
        except asyncio.CancelledError:
            if not out.started:
                raise self._context.interruption() from None
            await out.end(wording.error(self._context.interruption()))
        except ClientDisconnect:
            raise
        except Exception as failure:
            if not out.started:
                raise
            error = sse.error_of(failure)
            self._state.live.failed(self._request, error)
            await out.end(wording.error(error))

    @property
    def _cache_status(self) -> bytes:
        return b"MISS" if self.key else b"BYPASS"

    async def _cached_answer(self) -> bytes | None:
        """The answer to an equal request, given before or being made now; None where this request is to ask."""
        if self.key is None:
            return None
        content = await self._state.cache.get(self.key)
        if content is None:
            content = await self._flights.wait(self.key)
        self._state.cache.stats.count(content is not None)
        if content is not None:  # a deleted file is unknown, whatever is cached
            await self._state.file_records(self._request.file_ids, self._context.caller)
            self._state.lab.catalogue.keep_fresh()  # else nobody would see that a model was replaced
        return content

    async def _attachments(self) -> list[Attachment]:
        if not self._with_files:
            return []
        attachments, failures = await self._state.attach(self._request.file_ids, self._context.caller)
        self._file_fields = {"files_processed": len(attachments), "file_errors": failures}
        return attachments

    async def _make_answer(self) -> bytes:
        """Ask for the whole answer, count it and cache it."""
        reply = await self._state.lab.pipeline.complete(self._request, await self._attachments())
        record = AnswerRecord.of_reply(reply, self._context)
        cost_usd = self._state.record_answer(record, self._request)
        if self._shadows:
            self.shadowed = record, reply.text
        answer = completion.of_reply(reply) | self._file_fields
        self._headers = answer_headers(reply.model, answer.get("routing"), cost_usd)
        if self._with_files:
            answer |= {"context": completion.context_object(reply.context), **reply.sources.to_dict()}
        return await self._cache(answer, reply.route)

    async def _stream_answer(self, out: EventStream) -> tuple[bytes | None, bytes]:
        """Send the answer as it comes; returns it whole where it is to be cached, and the end of the stream."""
        wording = self._wording
        keep = self.key is not None or self._shadows
        request = self._request
        if self._with_files:  # what is waited for is told in the comments that keep the connection
            request = replace(request, reading=replace(request.reading or FileReading(), progress=out.waits))
        stream = self._state.lab.pipeline.stream(request, await self._attachments(), keep)
        async with aclosing(stream):
            chunks = aiter(stream)
            chunk = await anext(chunks, None)
            out.answers()
            record = AnswerRecord.of_stream(stream, self._context)
            extra = dict(self._file_fields)
            if self._with_files:
                extra["context"] = completion.context_object(stream.context)
            if stream.route is not None:
                extra["routing"] = completion.routing_object(stream.route, stream.model, stream.cascade)
            out.headers += answer_headers(stream.model, extra.get("routing"))
            head = AnswerHead(record.id, stream.model, int(time.time()))
            data = wording.opening(head, chunk.events if chunk else (), extra)
            try:
                while chunk is not None:
                    if data:
                        await out.write(data)
                    chunk = await anext(chunks, None)
                    data = wording.events(chunk.events) if chunk else b""
            finally:  # what was made of an answer costs, whether the client took it to the end or not
                cost_usd = self._state.record_answer(record.with_end(stream), self._request)
        late = stream.sources.to_dict() if self._with_files else {}
        ending = data + wording.end(stream.finish_reason or "stop", stream.usage, {**late, completion.COST: cost_usd})
        reply = await asyncio.to_thread(lambda: stream.reply) if stream.kept > _MANY_PIECES else stream.reply
        if reply is not None and self._shadows:
            self.shadowed = record, reply.text
        if reply is None or self.key is None:
            return None, ending
        return await self._cache(completion.of_reply(replace(reply, id=record.id)) | extra | late, stream.route), ending

    async def _cache(self, answer: dict[str, Any], route: Route | None) -> bytes:
        """The JSON of an answer, which is kept where it would be the same again, and where the policy chose it."""
        try:
            content = orjson.dumps(answer)
        except TypeError as error:  # orjson's own kind of it
            raise UpstreamError(f"the answer cannot be passed on: {error}", "ask again") from None
        spending = self._request.spending
        shortened = spending is not None and spending.shortened
        explored = route is not None and bool(route.explored_from)
        if self.key and not shortened and not explored and completion.is_repeatable(answer):
            await self._state.cache.put(self.key, content)
        return content

    def _replay(self, content: bytes) -> bytes:
        """A cached answer as a stream."""
        answer = orjson.loads(content)
        # an answer without files may have a field of such a name from its server, which comes in its chunks
        late = {name: answer.pop(name) for name in completion.LATE_FIELDS if name in answer and "context" in answer}
        extra = {name: answer[name] for name in completion.OWN_FIELDS if name in answer}
        self._headers = answer_headers(answer["model"], extra.get("routing"), 0.0)
        head = AnswerHead(answer["id"], answer["model"], answer["created"])
        finish_reason = answer["choices"][0].get("finish_reason") or "stop"
        usage = Usage.from_openai(answer.get("usage")) or Usage()
        opening = self._wording.opening(head, completion.to_events(answer), extra)
        return opening + self._wording.end(finish_reason, usage, {**late, completion.COST: 0.0})
