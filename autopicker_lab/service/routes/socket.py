"""Chat over a WebSocket: several turns on one connection, each of which can be cancelled."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from autopicker_lab.chat import ChatStream
from autopicker_lab.core import (
    AuthenticationError,
    AutopickerError,
    ChatChunk,
    ChatRequest,
    InvalidRequestError,
    UpstreamError,
    new_id,
)
from autopicker_lab.runtime.fair_queue import working_for
from autopicker_lab.service.chat.request_body import ChatBody
from autopicker_lab.service.observation.answer_record import AnswerRecord
from autopicker_lab.service.request import errors, json_body
from autopicker_lab.service.request.auth import Caller, api_key_in
from autopicker_lab.service.request.budgets import Reservation
from autopicker_lab.service.request.context import RequestContext
from autopicker_lab.service.request.origins import Origins
from autopicker_lab.service.request.rate_limits import check_concurrency
from autopicker_lab.service.state import ServiceState

router = APIRouter()
_OTHER_TEXTS = {"reasoning": ("reasoning_content", "reasoning"), "refusal": ("refusal",)}  # messages by fields
AUTH_S = 10.0  # seconds in which a client must say who it is, where a key is needed
IDLE_S = 600.0  # seconds without a message or an answer after which a socket is closed
_UNKNOWN_SIZE = 2**20  # bytes of a message from a client that has not said yet who it is
_AUTH_HINT = 'send {"type": "auth", "api_key": "..."} first'
_UNKNOWN = Caller()  # of a client that has not said yet who it is


@router.websocket("/ws/chat")
async def chat(socket: WebSocket) -> None:
    """Answer the chats of one connection; the key may come in a header, in the query or in a first message."""
    state: ServiceState = socket.app.state.service
    headers = dict(socket.scope["headers"])
    if not Origins(state.lab.settings.origins).allow(headers):
        await socket.close(code=4403, reason="this origin may not call the service: see ALLOWED_ORIGINS")
        return
    await socket.accept()
    session = _Session(socket, state, api_key_in(headers) or socket.query_params.get("api_key"))
    try:
        with state.key_watch.during(session.context):
            await session.run()
    except WebSocketDisconnect:
        pass
    except asyncio.CancelledError:
        if session.context.ended_by is None:
            raise
        await session.cancel()
        await session.refuse(session.context.ended_by)
    finally:
        await session.cancel()


class _Session:
    """One connection: its key, and the answer that is being made.

    Attributes:
        context: its caller, once that is known.
    """

    def __init__(self, socket: WebSocket, state: ServiceState, key: str | None):
        self._socket = socket
        self._state = state
        self._key = key
        self._answering: asyncio.Task[None] | None = None
        self._ask_by = time.monotonic() + AUTH_S
        self.context = RequestContext(new_id(), {}, _UNKNOWN)
        self._limit_messages(_UNKNOWN_SIZE)

    def _limit_messages(self, size: int) -> None:
        """Bound the messages of the socket, where the server can."""
        if server := self._socket.scope.get("extensions", {}).get("autopicker.messages"):
            server["limit"](size)

    async def run(self) -> None:
        """Handle messages until the client goes away, says nothing for too long, or sends a wrong key."""
        try:
            if self._key or self._state.authenticator.open:
                await self._identify()
            while message := await self._next_message():
                try:
                    raw = (message.get("text") or "").encode("utf-8", "surrogatepass")
                    await self._handle(await json_body.off_loop(len(raw), _parse, raw), len(raw))
                except AuthenticationError:
                    raise
                except AutopickerError as error:
                    await self._send_error(error)
                await asyncio.sleep(0)  # nothing above need have waited, and others have their turn
        except AutopickerError as error:
            await self.refuse(error)

    async def refuse(self, error: AutopickerError) -> None:
        """Say why, and close."""
        await self._send_error(error)
        await self._socket.close(code=4401)

    async def _next_message(self) -> Mapping[str, Any] | None:
        """The next message; None when the client has left or said nothing for too long.

        Raises:
            AuthenticationError: it has not said who it is in time.
        """
        known = self.context.caller is not _UNKNOWN
        while True:
            try:
                async with asyncio.timeout(IDLE_S if known else max(0.0, self._ask_by - time.monotonic())):
                    message = await self._socket.receive()
                return None if message["type"] == "websocket.disconnect" else message
            except TimeoutError:
                if not known:
                    raise AuthenticationError("an API key is required", _AUTH_HINT) from None
                if self._answering is None or self._answering.done():
                    await self._socket.close(code=1001, reason="nothing was asked for a long time")
                    return None

    async def cancel(self) -> bool:
        """End the answer that is being made; False where there is none."""
        if self._answering is None or self._answering.done():
            return False
        self._answering.cancel()
        await asyncio.wait({self._answering})
        return True

    async def _handle(self, message: dict[str, Any], size: int) -> None:
        kind = message.pop("type", None)
        if kind == "auth":
            self._key = str(message.get("api_key") or message.get("key") or "")
            await self._admit()
            await self._socket.send_json({"type": "authenticated"})
        elif kind == "cancel":
            await self._socket.send_json({"type": "cancelled", "was_running": await self.cancel()})
        elif kind == "chat":
            caller = await self._admit()
            if self._answering is not None and not self._answering.done():
                raise InvalidRequestError("an answer is still running", 'wait, or send {"type": "cancel"}')
            self._answering = asyncio.create_task(self._chat(message, size, caller))
        else:
            raise InvalidRequestError(f"unknown message type {kind!r}", "send chat, cancel or auth", param="type")

    async def _identify(self) -> Caller:
        """The caller by the key; a guessed one counts as a request."""
        try:
            self.context.caller = self._state.authenticator.identify(self._key)
        except AuthenticationError as error:
            await self._state.limiter.check(self._state.limiter.client_address(self._socket.scope))
            raise AuthenticationError(error.detail, _AUTH_HINT) from None
        self._limit_messages(json_body.max_bytes(self._state.lab.settings))
        return self.context.caller

    async def _admit(self) -> Caller:
        """Identify the caller and count a request."""
        caller = await self._identify()
        address = self._state.limiter.client_address(self._socket.scope)
        working_for.set(caller.id or address)
        await self._state.limiter.check(caller.rate_limit_key(address), caller.limit)
        return caller

    async def _chat(self, message: dict[str, Any], size: int, caller: Caller) -> None:
        metrics = self._state.metrics
        metrics.request_started()
        started_at, status = time.perf_counter(), 200
        try:
            check_concurrency(metrics.running, self._state.lab.settings.max_concurrency)
            async with self._state.budgets.reserve(caller) as reservation:
                await self._answer(message, size, caller, reservation)
        except AutopickerError as error:
            status = error.status
            await self._send_error(error)
        except (WebSocketDisconnect, asyncio.CancelledError):
            status = 499  # the client left in the middle, or wants no more
        except Exception:
            status = 500
            if self._socket.client_state is WebSocketState.CONNECTED:
                errors.log.exception("a WebSocket chat failed")
                await self._send_error(errors.internal())
        finally:
            metrics.request_ended()
            metrics.request_finished("/ws/chat", "GET", status, time.perf_counter() - started_at)

    async def _answer(self, message: dict[str, Any], size: int, caller: Caller, reservation: Reservation) -> None:
        body, request = await json_body.off_loop(size, _checked, message, size)
        context = RequestContext(new_id(), {}, caller)
        request = request.with_allowed(caller.models, reservation.spending)
        if self._state.live.active:
            request = await self._state.live.with_terms(request, context.request_id, caller.id)
        attachments, failures = await self._state.attach(request.file_ids, caller)
        stream = self._state.lab.pipeline.stream(request, attachments)
        whole = "stream" in body.model_fields_set and not body.stream
        record: AnswerRecord | None = None
        try:
            async with aclosing(stream):
                async for chunk in stream:
                    if record is None:
                        record = AnswerRecord.of_stream(stream, context)
                        await self._socket.send_json(_route_message(stream, failures))
                    if not whole:
                        await self._send_chunk(chunk)
        finally:  # what was made of an answer costs, whether the client took it to the end or not
            if record is not None:
                self._state.record_answer(record.with_end(stream), request)
        if record is None or stream.reply is None:
            raise UpstreamError("the model answered nothing", "ask again")
        if whole:
            await self._send_chunk(ChatChunk.of(stream.reply.message))
        done = {"type": "done", "id": record.id, "model": stream.model, "finish_reason": stream.finish_reason}
        sources = stream.sources.to_dict() if stream.context.passages else {}
        await self._socket.send_json({**done, "usage": stream.usage.to_openai(), **sources})

    async def _send_chunk(self, chunk: ChatChunk) -> None:
        if chunk.content:
            await self._socket.send_json({"type": "content", "content": chunk.content})
        for delta in chunk.deltas:
            for kind, names in _OTHER_TEXTS.items():
                text = next((delta[name] for name in names if delta.get(name)), None)
                if isinstance(text, str):
                    await self._socket.send_json({"type": kind, kind: text})
            if delta.get("tool_calls"):
                await self._socket.send_json({"type": "tool_calls", "tool_calls": delta["tool_calls"]})

    async def _send_error(self, error: AutopickerError) -> None:
        await self._socket.send_text(json.dumps({"type": "error", **errors.body(error, openai=False)}))


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        return json_body.parse(raw)
    except InvalidRequestError as error:
        hint = 'a message is a JSON object: {"type": "chat", "messages": [...]}'
        raise InvalidRequestError(error.detail, hint) from None


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
