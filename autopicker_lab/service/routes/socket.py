"""Chat over a WebSocket: several turns on one connection, each of which can be cancelled."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import orjson
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from autopicker_lab.chat import ChatStream
from autopicker_lab.core import (
    AuthenticationError,
    AutopickerError,
    ChatChunk,
    InvalidRequestError,
    ModelBusyError,
    UpstreamError,
    new_id,
)
from autopicker_lab.service.chat.completions import checked
from autopicker_lab.service.request import errors
from autopicker_lab.service.request.auth import Caller
from autopicker_lab.service.request.middleware import key_of, origin_is_welcome
from autopicker_lab.service.state import AnswerRecord, ServiceState

router = APIRouter()


@router.websocket("/ws/chat")
async def chat(socket: WebSocket) -> None:
    """See the API's documentation for the messages; the key may come in a header, the query or a first message."""
    state: ServiceState = socket.app.state.service
    headers = dict(socket.scope["headers"])
    if not origin_is_welcome(headers, state.lab.settings.origins):
        await socket.close(code=4403, reason="this origin may not call the service: see ALLOWED_ORIGINS")
        return
    await socket.accept()
    session = _Session(socket, state, key_of(headers) or socket.query_params.get("api_key"))
    try:
        await session.run()
    except WebSocketDisconnect:
        pass
    finally:
        await session.cancel()


class _Session:
    def __init__(self, socket: WebSocket, state: ServiceState, key: str | None):
        self._socket = socket
        self._state = state
        self._key = key
        self._turn: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                await self._handle(_parsed(message.get("text") or ""))
            except AutopickerError as error:
                await self._error(error)
                if isinstance(error, AuthenticationError):
                    await self._socket.close(code=4401)
                    return

    async def cancel(self) -> bool:
        if self._turn is None or self._turn.done():
            return False
        self._turn.cancel()
        await asyncio.wait({self._turn})
        return True

    async def _handle(self, message: dict[str, Any]) -> None:
        kind = message.pop("type", None)
        if kind == "auth":
            self._key = str(message.get("api_key") or message.get("key") or "")
            await self._admitted()
            await self._socket.send_json({"type": "authenticated"})
        elif kind == "cancel":
            await self._socket.send_json({"type": "cancelled", "was_running": await self.cancel()})
        elif kind == "chat":
            caller = await self._admitted()
            if self._turn is not None and not self._turn.done():
                raise InvalidRequestError("an answer is still running", 'wait, or send {"type": "cancel"}')
            self._turn = asyncio.create_task(self._chat(message, caller))
        else:
            raise InvalidRequestError(f"unknown message type {kind!r}", "send chat, cancel or auth", param="type")

    async def _admitted(self) -> Caller:
        """Who asks, counted; a guessed key counts as a request, too."""
        limits, address = self._state.limits, self._state.limits.client_of(self._socket.scope)
        try:
            caller = self._state.callers.identify(self._key)
        except AuthenticationError as error:
            await limits.admit(address)
            hint = 'send {"type": "auth", "api_key": "..."} first'
            raise AuthenticationError(error.detail, hint) from None
        await limits.admit(caller.counted_as(address), caller.limit)
        self._state.callers.check_budget(caller)
        return caller

    async def _chat(self, message: dict[str, Any], caller: Caller) -> None:
        metrics = self._state.metrics
        metrics.begin()
        begun, status = time.perf_counter(), 200
        try:
            if metrics.running > self._state.lab.settings.max_concurrency:
                raise ModelBusyError("the service is at its limit of requests", "try again soon")
            await self._answer(message, caller)
        except AutopickerError as error:
            status = error.status
            await self._error(error)
        except (WebSocketDisconnect, asyncio.CancelledError):
            status = 499  # the client left in the middle, or wants no more
        except Exception:
            status = 500
            if self._socket.client_state is WebSocketState.CONNECTED:
                errors.log.exception("a WebSocket chat failed")
                await self._error(errors.internal())
        finally:
            metrics.end("/ws/chat", "GET", status, time.perf_counter() - begun)

    async def _answer(self, message: dict[str, Any], caller: Caller) -> None:
        asked, request = checked(message)
        request = request.permitted(caller.models)
        attachments, failures = await self._state.attach(request.file_ids, caller)
        stream = self._state.lab.pipeline.stream(request, attachments)
        whole = asked.get("stream") is False
        answered: AnswerRecord | None = None
        try:
            async with aclosing(stream):
                async for chunk in stream:
                    if answered is None:
                        answered = AnswerRecord.begun(stream, new_id(), caller)
                        await self._socket.send_json(_route(stream, failures))
                    if not whole:
                        await self._pieces(chunk)
        finally:  # what was made of an answer is spent, whether it was heard to the end or not
            if answered is not None:
                self._state.remember(answered.ended(stream), request.question)
        if answered is None or stream.reply is None:
            raise UpstreamError("the model answered nothing", "ask again")
        if whole:
            await self._pieces(ChatChunk.of(stream.reply.message))
        done = {"type": "done", "id": answered.id, "model": stream.model, "finish_reason": stream.finish_reason}
        await self._socket.send_json({**done, "usage": stream.usage.to_openai()})

    async def _pieces(self, chunk: ChatChunk) -> None:
        if chunk.content:
            await self._socket.send_json({"type": "content", "content": chunk.content})
        for delta in chunk.deltas:
            if delta.get("tool_calls"):
                await self._socket.send_json({"type": "tool_calls", "tool_calls": delta["tool_calls"]})

    async def _error(self, error: AutopickerError) -> None:
        await self._socket.send_text(json.dumps({"type": "error", **errors.body(error, openai=False)}))


def _parsed(text: str) -> dict[str, Any]:
    try:
        message = orjson.loads(text.encode("utf-8", "surrogatepass"))
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict):
        raise InvalidRequestError("a message must be a JSON object", 'send {"type": "chat", "messages": [...]}')
    return message


def _route(stream: ChatStream, failures: Sequence[Mapping[str, str]]) -> dict[str, Any]:
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
    }
