"""Speech over a WebSocket, written while it is said."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import threading
import time
from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autopicker_lab.core import AutopickerError, InvalidRequestError, ModelBusyError, SpeechOptions, Word
from autopicker_lab.service.request import bounds, errors
from autopicker_lab.service.request.rate_limits import check_concurrency
from autopicker_lab.service.routes.socket_session import SocketSession, serve
from autopicker_lab.service.state import ServiceState
from autopicker_lab.transcription import LiveTranscriber
from autopicker_lab.transcription.live import LiveTranscript, LiveUpdate, hear_live, text_of
from autopicker_lab.transcription.stream import SoundStream

router = APIRouter()
MOST_SPEAKERS = 8  # of one worker; each takes most of a core with the weights that ship
_MOST_WAITING = 2**20  # bytes of sound that were not heard yet, from which no more is taken
_LOOK_S = 0.05  # between two looks at whether these have become fewer
_MOST_TEXT = 10_000


class Start(BaseModel):
    """What begins a stretch of speech."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field("pcm16", max_length=32)
    rate: int = 16_000
    channels: int = 1
    language: str | None = Field(None, max_length=64)
    task: Literal["transcribe", "translate"] = "transcribe"
    prompt: str | None = Field(None, max_length=_MOST_TEXT)
    hotwords: str | None = Field(None, max_length=_MOST_TEXT)

    @classmethod
    def check(cls, fields: dict[str, Any], size: int) -> Start:
        """These fields, which came in `size` bytes; InvalidRequestError names one that is wrong."""
        bounds.check(fields, size)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise errors.validation(error.errors(include_url=False)) from None

    def options(self) -> SpeechOptions:
        """As the recogniser takes them."""
        return SpeechOptions(self.language or None, self.task, True, prompt=self.prompt, hotwords=self.hotwords)


@router.websocket("/ws/transcribe")
async def transcribe(socket: WebSocket) -> None:
    """Write what is said on one connection, one stretch of speech after another."""
    await serve(socket, _SpeechSession)


class _SpeechSession(SocketSession):
    """One speaker."""

    def __init__(self, socket: WebSocket, state: ServiceState, key: str | None):
        super().__init__(socket, state, key)
        self._stream: SoundStream | None = None
        self._writing: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Never: a speaker who sends nothing for long is gone."""
        return False

    async def cancel(self) -> bool:
        """Hear no more; False where nothing was heard."""
        if self._writing is None or self._writing.done() or self._stream is None:
            return False
        self._stream.abort()
        self._writing.cancel()
        await asyncio.wait({self._writing})
        return True

    async def take(self, message: Mapping[str, Any]) -> None:
        """Take sound, or a message."""
        if (data := message.get("bytes")) is not None:
            await self._sound(data)
        else:
            await super().take(message)

    async def handle(self, kind: Any, message: dict[str, Any], size: int) -> None:
        """Begin or end what is heard."""
        if kind == "start":
            await self._start(message, size)
        elif kind == "end":
            self._running().end()
        else:
            raise InvalidRequestError(f"unknown message type {kind!r}", "send start, sound, end, cancel or auth")

    def _running(self) -> SoundStream:
        if self._stream is None or self._writing is None or self._writing.done():
            raise InvalidRequestError("no speech has begun", 'send {"type": "start"} first')
        return self._stream

    async def _sound(self, data: bytes) -> None:
        stream = self._running()
        stream.put(data)
        # what comes faster than it is heard waits at the client; it is taken in a thread, of which no event tells
        while stream.waiting > _MOST_WAITING and self._writing is not None and not self._writing.done():  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)

    async def _start(self, given: dict[str, Any], size: int) -> None:
        await self.admit()
        if self._writing is not None and not self._writing.done():
            raise InvalidRequestError("speech is being heard", 'send {"type": "end"} or {"type": "cancel"} first')
        start = Start.check(given, size)
        transcriber = self.state.lab.transcriber
        if not isinstance(transcriber, LiveTranscriber):
            raise InvalidRequestError("the transcriber cannot hear speech while it is said", "send a recording")
        stream = SoundStream(start.format, start.rate, start.channels)
        live = transcriber.live(start.options())
        check_concurrency(self.state.metrics.running + 1, self.state.lab.settings.max_concurrency)
        if self.state.speakers >= MOST_SPEAKERS:
            raise ModelBusyError(f"{MOST_SPEAKERS} speakers are being heard", "try again soon", retry_after=5)
        self._stream = stream
        self._writing = asyncio.create_task(self._write(live, stream))

    async def _write(self, live: LiveTranscript, stream: SoundStream) -> None:
        metrics = self.state.metrics
        metrics.request_started()
        self.state.speakers += 1
        started_at, status = time.perf_counter(), 200
        try:
            await self.socket.send_json({"type": "listening", "model": self.state.lab.transcriber.model})
            await self._tell(live, stream)
        except AutopickerError as error:
            status = error.status
            await self.send_error(error)
        except (WebSocketDisconnect, asyncio.CancelledError):
            status = 499  # the speaker left, or wants no more
        except Exception:
            status = 500
            errors.log.exception("live transcription failed")
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it left meanwhile
                await self.send_error(errors.internal())
        finally:
            stream.abort()
            self.state.speakers -= 1
            metrics.request_ended()
            metrics.request_finished("/ws/transcribe", "GET", status, time.perf_counter() - started_at)

    async def _tell(self, live: LiveTranscript, stream: SoundStream) -> None:
        """Send what is new until the speech ends, and then all of it."""
        updates = _in_a_thread(live, stream)
        delays: list[float] = []
        while (update := await updates.get()) is not None:
            if isinstance(update, BaseException):
                raise update
            for message in _messages(update, delays):
                await self.socket.send_text(json.dumps(message))
        done = {"type": "done", "text": text_of(live.settled), "language": live.language}
        delay = round(statistics.median(delays), 3) if delays else None
        await self.socket.send_json({**done, "duration": round(live.received_s, 3), "delay": delay})


def _messages(update: LiveUpdate, delays: list[float]) -> list[dict[str, Any]]:
    """A message of what has settled, where something has, and one of what may still change."""
    found: list[dict[str, Any]] = []
    if update.settled:
        late = [update.received_s + update.taken_s - word.end for word in update.settled]
        delays += late
        found.append({"type": "settled", **_words(update.settled), "delay": round(late[-1], 3)})
    return [*found, {"type": "partial", **_words(update.tail), "received": round(update.received_s, 3)}]


def _words(words: tuple[Word, ...]) -> dict[str, Any]:
    rows = [{"start": w.start, "end": w.end, "word": w.text, "probability": round(w.probability, 3)} for w in words]
    return {"text": "".join(word.text for word in words), "words": rows}


def _in_a_thread(live: LiveTranscript, stream: SoundStream) -> asyncio.Queue[LiveUpdate | BaseException | None]:
    """Updates as they are found in a thread of their own, then the failure or None."""
    loop = asyncio.get_running_loop()
    updates: asyncio.Queue[LiveUpdate | BaseException | None] = asyncio.Queue()

    def tell(update: LiveUpdate | BaseException | None) -> None:
        with contextlib.suppress(RuntimeError):  # the service has ended
            loop.call_soon_threadsafe(updates.put_nowait, update)

    def work() -> None:
        try:
            hear_live(live, stream, tell)
            tell(None)
        except BaseException as error:
            tell(error)

    threading.Thread(target=work, name="autopicker-lab live speech", daemon=True).start()
    return updates
