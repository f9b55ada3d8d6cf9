"""Reads the files of a conversation: extraction for most, transcription for recordings, each file once."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from autopicker_lab.core import Document, Part, Place, ReadOptions, SourceFile, SpeechOptions, Transcript
from autopicker_lab.core.text import clock
from autopicker_lab.extraction.registry import formats
from autopicker_lab.extraction.vision import VisionPictures, as_it_came, prepare
from autopicker_lab.models import image_bytes
from autopicker_lab.runtime.fair_queue import FairQueue
from autopicker_lab.runtime.lru_cache import LRUCache
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.transcription import STOPPED, Transcriber

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from autopicker_lab.core import Segment, Vision
    from autopicker_lab.storage import StoredFile

MAX_TRANSCRIPTS = 256
MAX_DOCUMENT_CHARACTERS = 50_000_000
MAX_SHOWN_BYTES = 50_000_000
PREVIEW_CHARACTERS = 500
_TRANSCRIBING = 8  # recordings that are heard at once; the transcriber shares its model between them
_MAX_READING, _MAX_TRANSCRIBING = 1000, 32  # files that wait
_MAX_WAITING_BYTES = 2**28  # of these


T = TypeVar("T")


class Work(Protocol):
    """What runs a function of a module with a file's name and its arguments: in a thread, or in another process."""

    async def __call__(self, name: str, work: Callable[..., T], *arguments: Any) -> T:
        """The result of `work(*arguments)`."""


async def _in_a_thread(name: str, work: Callable[..., T], *arguments: Any) -> T:
    del name  # a pool in its place tells it where the work fails
    return await asyncio.to_thread(work, *arguments)


@dataclass(frozen=True)
class Attachment:
    """A file of a question: the text read out of it, and the way to its bytes.

    Attributes:
        category: of its format: document, spreadsheet, image, audio or code.
        load: gives the file itself, which may be read from storage only then; for a thread, not the event loop.
    """

    document: Document
    category: str
    load: Callable[[], SourceFile]


class Reader:
    """Makes Documents and Transcripts of files and keeps them by content, so that each file is read once.

    Args:
        extract: reads a file that is no recording; may run elsewhere.
        work: runs a function that makes a picture ready; may run elsewhere.
        transcriber: transcribes recordings.
        at_once: files that are read at the same time.
    """

    def __init__(
        self,
        extract: Callable[[SourceFile], Awaitable[Document]],
        transcriber: Transcriber,
        at_once: int = 2,
        work: Work = _in_a_thread,
    ):
        self._extract = extract
        self._work = work
        self._transcriber = transcriber
        # one recording takes seconds to minutes: the shared pool would be starved
        self._transcription_threads = ThreadPoolExecutor(_TRANSCRIBING, thread_name_prefix="transcription")
        self._transcribing = FairQueue("the transcriber", _TRANSCRIBING, _MAX_TRANSCRIBING, _MAX_WAITING_BYTES)
        self._under_way: dict[Hashable, Future[None]] = {}  # recordings that are heard, or wait
        self._under_way_lock = threading.Lock()
        self._reading = FairQueue("files to be read", at_once, _MAX_READING, _MAX_WAITING_BYTES)
        self._documents = LRUCache[Document](MAX_DOCUMENT_CHARACTERS, _characters)
        self._transcripts = LRUCache[Transcript](MAX_TRANSCRIPTS)
        self._shown = LRUCache[VisionPictures](MAX_SHOWN_BYTES, lambda made: 1 + made.size)

    def __repr__(self) -> str:
        return f"Reader({self._transcriber!r})"

    async def attach(self, file: SourceFile) -> Attachment:
        """Read a file of a question."""
        return Attachment(await self.read(file), file.category, lambda: file)

    async def attach_upload(self, record: StoredFile, load: Callable[[StoredFile], SourceFile]) -> Attachment:
        """Read an upload of a question; arguments as of `read_upload`."""
        category = formats()[record.kind].category
        return Attachment(await self.read_upload(record, load), category, lambda: load(record))

    async def read(self, file: SourceFile) -> Document:
        """The Document of a file; a recording's text is what is said in it."""
        key = (await _digest(file), file.kind, file.options)
        document = self._documents.get(key)
        if document is None:
            document = await self._in_turn(file, key)
            if file.category == "audio":
                document = _with_speech(document, await self.transcribe(file))
            self._documents.put(key, document)
        return replace(document, name=file.name)

    async def _in_turn(self, file: SourceFile, key: Hashable = None) -> Document:
        """What is read of a file, when its turn has come; it may have been read for another meanwhile."""
        async with self._reading.turn(file.size):
            return self._documents.get(key) or await self._extract(file)

    async def show(self, picture: str | SourceFile, name: str, vision: Vision, room: int) -> VisionPictures:
        """A picture as a model that sees is sent it (see extraction.vision), made once.

        Args:
            picture: a data URL, or a file.
            room: pictures that it may become.
        """
        ready = await asyncio.to_thread(_as_it_came, picture, name, vision)
        if isinstance(ready, VisionPictures):
            return ready
        file = SourceFile(name, ready, "png")
        key = (await _digest(file), vision, room)
        async with self._reading.turn(file.size):
            made = self._shown.get(key)
            if made is None:
                made = await self._work(name, prepare, file.data, name, vision, room)
                self._shown.put(key, made)
        return made

    async def read_upload(self, record: StoredFile, load: Callable[[StoredFile], SourceFile]) -> Document:
        """The Document of an upload, as by `read`.

        Args:
            load: gives the file of a record; called, in a thread, only where its Document is not kept.
        """
        document = self._documents.get((record.sha256, record.kind, ReadOptions()))
        if document is None:
            return await self.read(await asyncio.to_thread(load, record))
        return replace(document, name=record.name)

    async def preview(self, file: SourceFile) -> str:
        """The first 500 characters of a file's text; "" for a recording, which is transcribed when it is needed."""
        if file.category == "audio":
            await self._in_turn(file)  # refuses what no one can play
            return ""
        return (await self.read(file)).text[:PREVIEW_CHARACTERS]

    def queue_length(self) -> int:
        """Recordings that are being transcribed, or wait to be."""
        return self._transcribing.length

    async def transcribe(
        self,
        file: SourceFile,
        options: SpeechOptions = SpeechOptions(),
        *,
        progress: Progress | None = None,
        heard: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        """The Transcript of a recording, kept by content and options; it stops when its task is cancelled.

        Args:
            progress: called with (done, total) in whole seconds of the recording, see WhisperTranscriber.transcribe.
            heard: called with each segment as it is recognised, in another thread; not for a recording that is known,
                or is being heard for an equal request.
        """
        key = (await _digest(file), options)
        while (transcript := self._transcripts.get(key)) is None:
            with self._under_way_lock:
                other = self._under_way.get(key)
                if other is None:
                    own = self._under_way[key] = Future[None]()
            if other is not None:
                await asyncio.shield(asyncio.wrap_future(other))
                continue
            try:
                transcript = await self._hear(file, options, progress, heard)
                if STOPPED not in transcript.warnings:
                    self._transcripts.put(key, transcript)
                break
            finally:
                del self._under_way[key]
                own.set_result(None)
        return replace(transcript, name=file.name)

    async def _hear(
        self,
        file: SourceFile,
        options: SpeechOptions,
        progress: Progress | None,
        heard: Callable[[Segment], None] | None,
    ) -> Transcript:
        """The Transcript of a recording, when its turn has come."""
        cancelled = False

        def report(done: int, total: int) -> bool:
            return not cancelled and report_progress(progress, done, total)

        def work() -> Transcript:
            return self._transcriber.transcribe(file, options, progress=report, heard=heard)

        try:
            async with self._transcribing.turn(file.size):
                return await asyncio.get_running_loop().run_in_executor(self._transcription_threads, work)
        except asyncio.CancelledError:
            cancelled = True
            raise


def _as_it_came(picture: str | SourceFile, name: str, vision: Vision) -> VisionPictures | bytes:
    """A picture that needs no change, or the bytes of one that does."""
    data = image_bytes(picture) if isinstance(picture, str) else picture.data
    return as_it_came(data, name, vision) or data


async def _digest(file: SourceFile) -> str:
    """The SHA-256 of a file, computed off the event loop: 10 MB take 9 ms."""
    return await asyncio.to_thread(lambda: file.sha256)


def _characters(document: Document) -> int:
    return 1 + sum(len(part.text) for part in document.parts)


def _with_speech(document: Document, transcript: Transcript) -> Document:
    """The Document of a recording with what is said in it, cut by time, in place of its description."""
    from autopicker_lab.extraction.audio import NOT_TRANSCRIBED

    parts = tuple(
        Part(f"{clock(s.start)}-{clock(s.end)}", s.text, (), (Place(0, len(s.text), seconds=(s.start, s.end)),))
        for s in transcript.segments
    )
    meta = {**document.metadata, "language": transcript.language, "transcribed_by": transcript.model}
    warnings = tuple(w for w in document.warnings if w != NOT_TRANSCRIBED) + transcript.warnings
    return replace(document, parts=parts or document.parts, metadata=meta, warnings=warnings)
