"""Files to Documents for a conversation: extraction for most, transcription for sound, each file read once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autopicker_lab.core import Document, Part, SourceFile, Transcript
from autopicker_lab.runtime.concurrency import ConcurrencyLimit
from autopicker_lab.runtime.lru_cache import LRUCache
from autopicker_lab.transcription import STOPPED, Progress, Transcriber

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEPT = 256
KEPT_CHARACTERS = 50_000_000
PREVIEW = 500
_LONGEST_LINE = 32


@dataclass(frozen=True)
class Attachment:
    """A file of a question: the bytes as they came and the text read out of them."""

    file: SourceFile
    document: Document


class Reader:
    """Args:
    extract: reads a file that is not sound; may run elsewhere.
    transcriber: hears the others.
    """

    def __init__(self, extract: Callable[[SourceFile], Awaitable[Document]], transcriber: Transcriber):
        self._extract = extract
        self._transcriber = transcriber
        # hearing takes seconds to minutes, one recording at a time: in the shared pool it would starve everything else
        self._ears = ThreadPoolExecutor(1, thread_name_prefix="hearing")
        self._line = ConcurrencyLimit("the transcriber", _LONGEST_LINE)
        self._documents = LRUCache[Document](KEPT_CHARACTERS, _weight)
        self._transcripts = LRUCache[Transcript](KEPT)

    async def attach(self, file: SourceFile) -> Attachment:
        return Attachment(file, await self.read(file))

    async def read(self, file: SourceFile) -> Document:
        """The Document of a file, remembered by content; a recording's text is what is said in it."""
        key = (file.sha256, file.kind, file.options)
        document = self._documents.get(key)
        if document is None:
            document = await self._extract(file)
            if file.category == "audio":
                document = _spoken(document, await self.hear(file))
            self._documents.put(key, document)
        return replace(document, name=file.name)

    async def preview(self, file: SourceFile) -> str:
        """The first 500 characters of a file's text; "" for a recording, which is heard when it is needed."""
        if file.category == "audio":
            await self._extract(file)  # refuses what no one can play
            return ""
        return (await self.read(file)).text[:PREVIEW]

    def waiting(self) -> int:
        """Recordings that are being heard, or wait to be."""
        return self._line.length

    async def hear(
        self,
        file: SourceFile,
        *,
        language: str | None = None,
        task: str = "transcribe",
        word_timestamps: bool = False,
        progress: Progress | None = None,
    ) -> Transcript:
        """The Transcript of a recording, remembered by content and options; stops when its task is cancelled."""
        key = (file.sha256, language, task, word_timestamps)
        if (known := self._transcripts.get(key)) is not None:
            return replace(known, name=file.name)
        cancelled = False

        def report(share: float) -> bool:
            return not cancelled and (progress is None or progress(share) is not False)

        def work() -> Transcript:
            if (known := self._transcripts.get(key)) is not None:
                return known  # an equal request was before this one in the queue
            options = {"language": language, "task": task, "word_timestamps": word_timestamps}
            transcript = self._transcriber.transcribe(file, progress=report, **options)  # type: ignore[arg-type]
            if STOPPED not in transcript.warnings:
                self._transcripts.put(key, transcript)
            return transcript

        try:
            with self._line:
                transcript = await asyncio.get_running_loop().run_in_executor(self._ears, work)
        except asyncio.CancelledError:
            cancelled = True
            raise
        return replace(transcript, name=file.name)


def _weight(document: Document) -> int:
    return 1 + sum(len(part.text) for part in document.parts)


def _spoken(document: Document, transcript: Transcript) -> Document:
    """The recording's Document with its speech in place of the description, cut by time."""
    from autopicker_lab.extraction.audio import NOT_TRANSCRIBED

    parts = tuple(Part(f"{_clock(s.start)}-{_clock(s.end)}", s.text) for s in transcript.segments)
    meta = {**document.metadata, "language": transcript.language, "transcribed_by": transcript.model}
    warnings = tuple(w for w in document.warnings if w != NOT_TRANSCRIBED) + transcript.warnings
    return replace(document, parts=parts or document.parts, metadata=meta, warnings=warnings)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
