"""What the WebSockets have in common: who may open one, how a client says who it is, how long it may say nothing."""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from autopicker_lab.core import AuthenticationError, AutopickerError, new_id
from autopicker_lab.runtime.fair_queue import working_for
from autopicker_lab.service.request import errors, json_body
from autopicker_lab.service.request.auth import Caller, api_key_in
from autopicker_lab.service.request.context import RequestContext
from autopicker_lab.service.request.origins import Origins
from autopicker_lab.service.state import ServiceState

AUTH_S = 10.0  # seconds in which a client must say who it is, where a key is needed
IDLE_S = 600.0  # seconds without a message or an answer after which a socket is closed
_UNKNOWN_SIZE = 2**20  # bytes of a message from a client that has not said yet who it is
_AUTH_HINT = 'send {"type": "auth", "api_key": "..."} first'
_UNKNOWN = Caller()  # of a client that has not said yet who it is


class SocketSession(ABC):
    """One connection: its key, and what is being done for it.

    Attributes:
        context: its caller, once that is known.
    """

    def __init__(self, socket: WebSocket, state: ServiceState, key: str | None):
        self.socket = socket
        self.state = state
        self._key = key
        self._ask_by = time.monotonic() + AUTH_S
        self.context = RequestContext(new_id(), {}, _UNKNOWN)
        self._limit_messages(_UNKNOWN_SIZE)

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether something is being done, so that the client may say nothing for long."""

    @abstractmethod
    async def handle(self, kind: Any, message: dict[str, Any], size: int) -> None:
        """Handle a message of a kind of its own, which came in `size` bytes.

        An AutopickerError is sent, one of AuthenticationError ends the connection.
        """

    @abstractmethod
    async def cancel(self) -> bool:
        """End what is being done; False where there is nothing."""

    def parse(self, raw: bytes) -> dict[str, Any]:
        """The object of a message."""
        return json_body.parse(raw)

    async def take(self, message: Mapping[str, Any]) -> None:
        """Handle one message of ASGI."""
        raw = (message.get("text") or "").encode("utf-8", "surrogatepass")
        given = await json_body.off_loop(len(raw), self.parse, raw)
        kind = given.pop("type", None)
        if kind == "auth":
            await self._authenticate(given)
        elif kind == "cancel":
            await self.socket.send_json({"type": "cancelled", "was_running": await self.cancel()})
        else:
            await self.handle(kind, given, len(raw))

    def _limit_messages(self, size: int) -> None:
        """Bound the messages of the socket, where the server can."""
        if server := self.socket.scope.get("extensions", {}).get("autopicker.messages"):
            server["limit"](size)

    async def run(self) -> None:
        """Handle messages until the client goes away, says nothing for too long, or sends a wrong key."""
        try:
            if self._key or self.state.authenticator.open:
                await self._identify()
            while message := await self._next_message():
                try:
                    await self.take(message)
                except AuthenticationError:
                    raise
                except AutopickerError as error:
                    await self.send_error(error)
                await asyncio.sleep(0)  # nothing above need have waited, and others have their turn
        except AutopickerError as error:
            await self.refuse(error)

    async def refuse(self, error: AutopickerError) -> None:
        """Say why, and close."""
        await self.send_error(error)
        await self.socket.close(code=4401)

    async def _next_message(self) -> Mapping[str, Any] | None:
        """The next message; None when the client has left or said nothing for too long.

        Raises:
            AuthenticationError: it has not said who it is in time.
        """
        known = self.context.caller is not _UNKNOWN
        while True:
            try:
                async with asyncio.timeout(IDLE_S if known else max(0.0, self._ask_by - time.monotonic())):
                    message = await self.socket.receive()
                return None if message["type"] == "websocket.disconnect" else message
            except TimeoutError:
                if not known:
                    raise AuthenticationError("an API key is required", _AUTH_HINT) from None
                if not self.busy:
                    await self.socket.close(code=1001, reason="nothing was asked for a long time")
                    return None

    async def _authenticate(self, message: Mapping[str, Any]) -> None:
        """Take the key of an `auth` message."""
        self._key = str(message.get("api_key") or message.get("key") or "")
        await self.admit()
        await self.socket.send_json({"type": "authenticated"})

    async def _identify(self) -> Caller:
        """The caller by the key; a guessed one counts as a request."""
        try:
            self.context.caller = self.state.authenticator.identify(self._key)
        except AuthenticationError as error:
            await self.state.limiter.check(self.state.limiter.client_address(self.socket.scope))
            raise AuthenticationError(error.detail, _AUTH_HINT) from None
        self._limit_messages(json_body.max_bytes(self.state.lab.settings))
        return self.context.caller

    async def admit(self) -> Caller:
        """Identify the caller and count a request."""
        caller = await self._identify()
        address = self.state.limiter.client_address(self.socket.scope)
        working_for.set(caller.id or address)
        await self.state.limiter.check(caller.rate_limit_key(address), caller.limit)
        return caller

    async def send_error(self, error: AutopickerError) -> None:
        """Send an error message."""
        await self.socket.send_text(json.dumps({"type": "error", **errors.body(error, openai=False)}))


async def serve(socket: WebSocket, session_of: Callable[[WebSocket, ServiceState, str | None], SocketSession]) -> None:
    """Hold one connection; the key may come in a header, in the query or in a first message."""
    state: ServiceState = socket.app.state.service
    headers = dict(socket.scope["headers"])
    if not Origins(state.lab.settings.origins).allow(headers):
        await socket.close(code=4403, reason="this origin may not call the service: see ALLOWED_ORIGINS")
        return
    await socket.accept()
    session = session_of(socket, state, api_key_in(headers) or socket.query_params.get("api_key"))
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
