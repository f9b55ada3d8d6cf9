"""Transcripts in OpenAI's formats: whole, or as events while they are made."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.requests import ClientDisconnect

from autopicker_lab.core import Segment, SourceFile, SpeechOptions, Transcript
from autopicker_lab.service.chat import sse
from autopicker_lab.service.chat.event_stream import EventStream
from autopicker_lab.service.chat.openai import OpenAIWording
from autopicker_lab.transcription.formats import verbose, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from autopicker_lab.service.state import ServiceState

ResponseFormat = Literal["json", "text", "srt", "vtt", "verbose_json"]


@dataclass(frozen=True)
class AudioAnswer:
    """How a transcript is worded: its format and task, whether with times of words, and with their probabilities."""

    form: ResponseFormat
    task: str = "transcribe"
    words: bool = False
    logprobs: bool = False


def transcript_response(transcript: Transcript, answer: AudioAnswer) -> Response:
    """A transcript in one of OpenAI's formats."""
    if answer.form in ("text", "srt", "vtt"):
        return PlainTextResponse(written(transcript, answer.form, words=answer.words))
    body: dict[str, Any] = (
        verbose(transcript, answer.task) if answer.form == "verbose_json" else {"text": transcript.text}
    )
    body["usage"] = {"type": "duration", "seconds": math.ceil(transcript.duration)}
    if not answer.words:
        body.pop("words", None)  # they were asked for their probabilities
    if answer.logprobs:
        body["logprobs"] = _logprobs(transcript.segments)
    if transcript.warnings:
        body["warnings"] = list(transcript.warnings)
    return JSONResponse(body)


def _logprobs(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    """OpenAI's log probabilities, of words in place of tokens."""
    return [
        {"token": w.text, "logprob": math.log(max(w.probability, 1e-10)), "bytes": list(w.text.encode())}
        for segment in segments
        for w in segment.words
    ]


class TranscriptStream(Response):
    """The answer to a transcription with `stream`: an event for each stretch of speech, then the whole text."""

    def __init__(self, state: ServiceState, source: SourceFile, options: SpeechOptions, answer: AudioAnswer):
        super().__init__()
        self._state = state
        self._source = source
        self._options = options
        self._answer = answer

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
        ready: list[Segment] = []
        try:
            while (segment := await pieces.get()) is not None:
                ready.append(segment)
                if segment.doubt:
                    continue  # it is left out where nothing else is said
                delta = " ".join(["", *(one.text for one in ready)] if said else [one.text for one in ready])
                said += delta
                await out.write(sse.event(self._event("delta", delta, ready)))
                ready = []
            transcript = await work
        finally:
            work.cancel()
        # all of it, for a recording that is known already; nothing where two voices were heard out of turn
        rest = transcript.text[len(said) :] if transcript.text.startswith(said) else ""
        last = sse.event(self._event("delta", rest, ready if said else transcript.segments)) if rest else b""
        done = self._event("text", transcript.text, transcript.segments)
        done["usage"] = {"type": "duration", "seconds": math.ceil(transcript.duration)}
        if transcript.warnings:
            done["warnings"] = list(transcript.warnings)
        await out.end(last + sse.event(done) + sse.DONE)

    def _event(self, what: str, text: str, segments: Iterable[Segment]) -> dict[str, Any]:
        """A piece of the text ("delta"), or the whole ("text"), as OpenAI words it."""
        kind = "transcript.text.delta" if what == "delta" else "transcript.text.done"
        event: dict[str, Any] = {"type": kind, what: text}
        return event | {"logprobs": _logprobs(segments)} if self._answer.logprobs else event
