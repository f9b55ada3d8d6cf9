"""Chat over a WebSocket: several turns on one connection, each of which can be cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from autopicker_lab.chat import ChatStream
from autopicker_lab.core import (
    AutopickerError,
    ChatChunk,
    ChatRequest,
    InvalidRequestError,
    UpstreamError,
    new_id,
)
from autopicker_lab.service.chat.completion import COST
from autopicker_lab.service.chat.request_body import ChatBody
from autopicker_lab.service.observation.answer_record import AnswerRecord
from autopicker_lab.service.request import errors, json_body
from autopicker_lab.service.request.auth import Caller
from autopicker_lab.service.request.budgets import Reservation
from autopicker_lab.service.request.context import RequestContext
from autopicker_lab.service.request.rate_limits import check_concurrency
from autopicker_lab.service.routes.socket_session import SocketSession, serve
from autopicker_lab.service.state import ServiceState

router = APIRouter()
_OTHER_TEXTS = {"reasoning": ("reasoning_content", "reasoning"), "refusal": ("refusal",)}  # messages by fields


@router.websocket("/ws/chat")
async def chat(socket: WebSocket) -> None:
    """Answer the chats of one connection; the key may come in a header, in the query or in a first message."""
    await serve(socket, _ChatSession)


class _ChatSession(SocketSession):
    """The chats of one connection, and the answer that is being made."""

    def __init__(self, socket: WebSocket, state: ServiceState, key: str | None):
        super().__init__(socket, state, key)
        self._answering: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is being made."""
        return self._answering is not None and not self._answering.done()

    async def cancel(self) -> bool:
        """End the answer that is being made; False where there is none."""
        if self._answering is None or self._answering.done():
            return False
        self._answering.cancel()
        await asyncio.wait({self._answering})
        return True

    def parse(self, raw: bytes) -> dict[str, Any]:
        """The object of a message; an error says what one looks like."""
        try:
            return super().parse(raw)
        except InvalidRequestError as error:
            hint = 'a message is a JSON object: {"type": "chat", "messages": [...]}'
            raise InvalidRequestError(error.detail, hint) from None

    async def handle(self, kind: Any, message: dict[str, Any], size: int) -> None:
        """Begin an answer."""
        if kind != "chat":
            raise InvalidRequestError(f"unknown message type {kind!r}", "send chat, cancel or auth", param="type")
        caller = await self.admit()
        if self.busy:
            raise InvalidRequestError("an answer is still running", 'wait, or send {"type": "cancel"}')
        self._answering = asyncio.create_task(self._chat(message, size, caller))

    async def _chat(self, message: dict[str, Any], size: int, caller: Caller) -> None:
        metrics = self.state.metrics
        metrics.request_started()
        started_at, status = time.perf_counter(), 200
        try:
            check_concurrency(metrics.running, self.state.lab.settings.max_concurrency)
            async with self.state.budgets.reserve(caller) as reservation:
                await self._answer(message, size, caller, reservation)
        except AutopickerError as error:
            status = error.status
            await self.send_error(error)
        except (WebSocketDisconnect, asyncio.CancelledError):
            status = 499  # the client left in the middle, or wants no more
        except Exception:
            status = 500
            if self.socket.client_state is WebSocketState.CONNECTED:
                errors.log.exception("a WebSocket chat failed")
                await self.send_error(errors.internal())
        finally:
            metrics.request_ended()
            metrics.request_finished("/ws/chat", "GET", status, time.perf_counter() - started_at)

    async def _answer(self, message: dict[str, Any], size: int, caller: Caller, reservation: Reservation) -> None:
        body, request = await json_body.off_loop(size, _checked, message, size)
        context = RequestContext(new_id(), {}, caller)
        request = request.with_allowed(caller.models, reservation.spending)
        if (live := self.state.live).active:
            whose = request, context.request_id, caller.id
            if not live.give_terms(*whose):
                await live.give_recalled_terms(*whose)
        attachments, failures = await self.state.attach(request.file_ids, caller)
        stream = self.state.lab.pipeline.stream(request, attachments)
        whole = "stream" in body.model_fields_set and not body.stream
        record: AnswerRecord | None = None
        try:
            async with aclosing(stream):
                async for chunk in stream:
                    if record is None:
                        record = AnswerRecord.of_stream(stream, context)
                        await self.socket.send_json(_route_message(stream, failures))
                    if not whole:
                        await self._send_chunk(chunk)
        finally:  # what was made of an answer costs, whether the client took it to the end or not
            if record is not None:
                cost_usd = self.state.record_answer(record.with_end(stream), request)
        if record is None or stream.reply is None:
            raise UpstreamError("the model answered nothing", "ask again")
        if whole:
            await self._send_chunk(ChatChunk.of(stream.reply.message))
        done = {"type": "done", "id": record.id, "model": stream.model, "finish_reason": stream.finish_reason}
        sources = stream.sources.to_dict() if stream.context.passages else {}
        await self.socket.send_json({**done, "usage": stream.usage.to_openai(), COST: cost_usd, **sources})

    async def _send_chunk(self, chunk: ChatChunk) -> None:
        if chunk.content:
            await self.socket.send_json({"type": "content", "content": chunk.content})
        for delta in chunk.deltas:
            for kind, names in _OTHER_TEXTS.items():
                text = next((delta[name] for name in names if delta.get(name)), None)
                if isinstance(text, str):
                    await self.socket.send_json({"type": kind, kind: text})
            if delta.get("tool_calls"):
                await self.socket.send_json({"type": "tool_calls", "tool_calls": delta["tool_calls"]})


def _checked(message: dict[str, Any], size: int) -> tuple[ChatBody, ChatRequest]:
    body = ChatBody.check(message, size)
    return body, body.to_request()


def _route_message(stream: ChatStream, failures: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    route = stream.route
    assert route is not None  # set before the first chunk
    return {
        "type": "route",
        "model": stream.model,
        "complexity_score": route.complexity.score,
        "reason": route.reason,
        "fallback_used": stream.model != route.model,
        "left_out": list(stream.context.left_out),
        "file_errors": list(failures),
        **({"cascade": stream.cascade.to_dict()} if stream.cascade else {}),
    }
