"""Transcripts in OpenAI's formats: whole, or as events while they are made."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Literal

from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.requests import ClientDisconnect

from autopicker_lab.core import Segment, SourceFile, SpeechOptions, Transcript
from autopicker_lab.service.chat import sse
from autopicker_lab.service.chat.event_stream import EventStream
from autopicker_lab.service.chat.openai import OpenAIWording

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from autopicker_lab.service.state import ServiceState

ResponseFormat = Literal["json", "text", "srt", "vtt", "verbose_json"]


def transcript_response(transcript: Transcript, response_format: ResponseFormat, task: str = "transcribe") -> Response:
    """A transcript in one of OpenAI's formats; `verbose_json` has segments, and words where they were asked for."""
    usage = {"type": "duration", "seconds": math.ceil(transcript.duration)}
    if response_format == "text":
        return PlainTextResponse(transcript.text + "\n")
    if response_format == "srt":
        return PlainTextResponse(transcript.to_srt())
    if response_format == "vtt":
        return PlainTextResponse(transcript.to_vtt())
    if response_format == "json":
        return JSONResponse({"text": transcript.text, "usage": usage})
    rows = transcript.to_dict()["segments"]
    body: dict[str, Any] = {
        "task": task,
        "language": transcript.language,
        "duration": transcript.duration,
        "text": transcript.text,
        "usage": usage,
        "segments": [{"id": i, **{k: v for k, v in row.items() if k != "words"}} for i, row in enumerate(rows)],
    }
    if any("words" in row for row in rows):
        body["words"] = [word for row in rows for word in row.get("words", ())]
    return JSONResponse(body)


class TranscriptStream(Response):
    """The answer to a transcription with `stream`: an event for each stretch of speech, then the whole text."""

    def __init__(self, state: ServiceState, source: SourceFile, options: SpeechOptions):
        super().__init__()
        self._state = state
        self._source = source
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; a failure before the first of them is raised, a later one is an event."""
        wording = OpenAIWording(b"", include_usage=False)
        out = EventStream(send, wording, [(b"x-cache", b"BYPASS")])
        try:
            with self._state.disconnects.watch(receive, out.keepalive):
                await self._send(out)
        except ClientDisconnect:
            raise
        except Exception as failure:
            if not out.started:
                raise
            await out.end(wording.error(sse.error_of(failure)))

    async def _send(self, out: EventStream) -> None:
        pieces: asyncio.Queue[Segment | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def heard(segment: Segment) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, segment)

        work = asyncio.create_task(self._state.lab.reader.transcribe(self._source, self._options, heard=heard))
        work.add_done_callback(lambda _: pieces.put_nowait(None))
        said = ""
        try:
            while (segment := await pieces.get()) is not None:
                delta = f"{' ' if said else ''}{segment.text}"
                said += delta
                await out.write(sse.event({"type": "transcript.text.delta", "delta": delta}))
            text = (await work).text
        finally:
            work.cancel()
        rest = text[len(said) :]  # all of it, for a recording that is known already
        last = sse.event({"type": "transcript.text.delta", "delta": rest}) if rest else b""
        await out.end(last + sse.event({"type": "transcript.text.done", "text": text}) + sse.DONE)
