"""Speech over the service's socket, written while it is said; both Python clients speak it by these."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, cast

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from autopicker_lab.core import ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping

    from autopicker_lab.client.types import LiveText

_PATH = "/ws/transcribe"
_END = json.dumps({"type": "end"})


def hear(
    base_url: str, headers: Mapping[str, str], sound: Iterable[bytes], options: dict[str, Any]
) -> Iterator[LiveText]:
    """What is said in `sound`, whose pieces are sent by a thread of their own; see AutopickerClient.transcribe_live."""
    from websockets.sync.client import connect

    failures: list[BaseException] = []
    with _told(base_url), connect(_address(base_url), additional_headers=headers, max_size=None) as socket:

        def send() -> None:
            try:
                for piece in sound:
                    socket.send(piece)
                socket.send(_END)
            except ConnectionClosed:
                return
            except BaseException as error:  # of whoever gives the sound
                failures.append(error)
                socket.close()

        socket.send(_start(options))
        threading.Thread(target=send, name="autopicker speech", daemon=True).start()
        for text in socket:
            message = _message(text)
            if message["type"] != "listening":
                yield message
            if message["type"] == "done":
                return
    raise failures[0] if failures else _broken()  # out here, where an OSError is none of the connection


async def hear_async(
    base_url: str, headers: Mapping[str, str], sound: AsyncIterator[bytes], options: dict[str, Any]
) -> AsyncGenerator[LiveText, None]:
    """The same for an event loop."""
    from websockets.asyncio.client import connect

    failures: list[Exception] = []
    async with _told_async(base_url), connect(_address(base_url), additional_headers=headers, max_size=None) as socket:

        async def send() -> None:
            try:
                async for piece in sound:
                    await socket.send(piece)
                await socket.send(_END)
            except ConnectionClosed:
                return
            except Exception as error:  # of whoever gives the sound
                failures.append(error)
                await socket.close()

        await socket.send(_start(options))
        sending = asyncio.create_task(send())
        try:
            async for text in socket:
                message = _message(text)
                if message["type"] != "listening":
                    yield message
                if message["type"] == "done":
                    return
        finally:
            sending.cancel()
    raise failures[0] if failures else _broken()


def _address(base_url: str) -> str:
    return f"ws{base_url.rstrip('/').removeprefix('http')}{_PATH}"


def _start(options: dict[str, Any]) -> str:
    return json.dumps({"type": "start"} | {name: value for name, value in options.items() if value is not None})


def _message(text: str | bytes) -> LiveText:
    message = json.loads(text)
    if message["type"] == "error":
        seconds = message.get("retry_after")
        raise ServiceError(str(message.get("detail")), "", int(message.get("status_code", 500)), None, seconds)
    return cast("LiveText", message)


def _broken() -> ServiceError:
    return ServiceError("the service closed the connection before all was written", "send the sound again", 502)


@contextmanager
def _told(base_url: str) -> Iterator[None]:
    """Failures of the connection as the client's own."""
    try:
        yield
    except InvalidStatus as error:
        status = error.response.status_code
        raise ServiceError(f"the service answered {status}", "", status) from None
    except ConnectionClosed:
        raise _broken() from None
    except (OSError, WebSocketException) as error:
        raise ServiceError(f"no service at {base_url}: {error}", "start it: autopicker serve", 0) from None


@asynccontextmanager
async def _told_async(base_url: str) -> AsyncIterator[None]:
    with _told(base_url):
        yield
