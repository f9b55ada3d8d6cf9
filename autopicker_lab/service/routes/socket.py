"""Chat over a WebSocket: several turns on one connection, each of which can be cancelled."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from starlette.websockets import WebSocketState

from autopicker_lab.core import AuthenticationError, AutopickerError, InvalidRequestError
from autopicker_lab.service import errors
from autopicker_lab.service.schemas import ChatBody
from autopicker_lab.service.state import ServiceState

router = APIRouter()


@router.websocket("/ws/chat")
async def chat(socket: WebSocket) -> None:
    """See the API's documentation for the messages; the key may come in a header, the query or a first message."""
    state: ServiceState = socket.app.state.service
    await socket.accept()
    key = socket.headers.get("x-api-key") or socket.query_params.get("api_key")
    bearer = socket.headers.get("authorization", "").removeprefix("Bearer ").strip()
    session = _Session(socket, state, key or bearer or None)
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
        self._open = state.keys.opens(key)
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
            self._hit()  # guesses count as requests
            self._open = self._state.keys.opens(str(message.get("api_key") or message.get("key") or ""))
            if self._open:
                await self._socket.send_json({"type": "authenticated"})
        if not self._open:
            raise AuthenticationError("an API key is required", 'send {"type": "auth", "api_key": "..."} first')
        if kind == "auth":
            return
        if kind == "cancel":
            await self._socket.send_json({"type": "cancelled", "was_running": await self.cancel()})
        elif kind == "chat":
            if self._turn is not None and not self._turn.done():
                raise InvalidRequestError("an answer is still running", 'wait, or send {"type": "cancel"}')
            self._hit()
            self._turn = asyncio.create_task(self._chat(message))
        else:
            raise InvalidRequestError(f"unknown message type {kind!r}", "send chat, cancel or auth", param="type")

    def _hit(self) -> None:
        self._state.limits.hit(self._state.limits.client_of(self._socket.scope))

    async def _chat(self, message: dict[str, Any]) -> None:
        try:
            body = ChatBody.model_validate(message)
            request = body.request()
            attachments, failures = await self._state.attach(request.file_ids)
            stream = self._state.lab.pipeline.stream(request, attachments)
            announced = False
            async with aclosing(stream):
                async for chunk in stream:
                    if not announced and stream.route is not None:
                        announced = True
                        await self._socket.send_json(
                            {
                                "type": "route",
                                "model": stream.model,
                                "complexity_score": stream.route.complexity.score,
                                "reason": stream.route.reason,
                                "fallback_used": stream.model != stream.route.model,
                                "left_out": list(stream.context.left_out),
                                "file_errors": failures,
                            }
                        )
                    if chunk.content and body.stream is not False:
                        await self._socket.send_json({"type": "content", "content": chunk.content})
            reply = stream.reply
            if reply is None:
                return
            if body.stream is False:
                await self._socket.send_json({"type": "content", "content": reply.text})
            await self._state.remember(reply, uuid.uuid4().hex)
            done = {"type": "done", "id": reply.id, "model": reply.model, "finish_reason": reply.finish_reason}
            await self._socket.send_json({**done, "usage": reply.usage.to_openai()})
        except ValidationError as error:
            await self._error(errors.validation(error.errors()))
        except AutopickerError as error:
            await self._error(error)
        except WebSocketDisconnect:
            return  # the client left in the middle
        except Exception:
            if self._socket.client_state is not WebSocketState.CONNECTED:
                return
            errors.log.exception("a WebSocket chat failed")
            await self._error(errors.internal())

    async def _error(self, error: AutopickerError) -> None:
        await self._socket.send_text(json.dumps({"type": "error", **errors.body(error, openai=False)}))


def _parsed(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise InvalidRequestError("a message must be a JSON object", 'send {"type": "chat", "messages": [...]}')
    return message
