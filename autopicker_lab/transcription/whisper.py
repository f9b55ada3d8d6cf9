"""Speech to text by faster-whisper, the model loaded on first use and let go after a while of silence."""

from __future__ import annotations

import io
import math
import statistics
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import (
    CorruptFileError,
    ExtractionLimitError,
    InvalidRequestError,
    ModelUnavailableError,
    Segment,
    SourceFile,
    Transcript,
    Word,
)
from autopicker_lab.core.optional import require
from autopicker_lab.runtime.threaded_iterator import iterate_in_thread
from autopicker_lab.transcription.weights import assemble

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

SHIPPED = "base"
MAX_SECONDS = 2 * 3600  # decoded sound takes 230 MB an hour
STOPPED = "stopped before the end"
_ASKED_S = 0.2  # from asking whether to go on to asking again
Progress = Callable[[float], bool | None]


class WhisperTranscriber:
    """Transcribes recordings with one Whisper model.

    Args:
        model: "base" for the weights that ship as packages, a folder of a converted model, or the name of one
            that faster-whisper downloads from Hugging Face ("small", "Systran/faster-whisper-large-v3").
        cache: where the shipped weights are put together.
        keep_warm_s: seconds after the last use until the model's memory is given back.
    """

    def __init__(self, model: str = SHIPPED, cache: Path | None = None, keep_warm_s: float = 600.0, threads: int = 0):
        self.model = model
        self._cache = cache or Path.home() / ".cache" / "autopicker-lab"
        self._keep_warm_s = keep_warm_s
        self._threads = threads
        self._loaded: WhisperModel | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def transcribe(
        self,
        file: SourceFile,
        *,
        language: str | None = None,
        task: str = "transcribe",
        word_timestamps: bool = False,
        progress: Progress | None = None,
    ) -> Transcript:
        """What is said in `file`.

        Args:
            language: ISO 639-1 code; None detects it.
            task: "transcribe", or "translate" into English.
            progress: called several times a second with the share done, 0 to 1; returning False ends the wait and
                keeps what there is, while the model finishes the half minute it is at, for nobody.

        Raises:
            CorruptFileError: the recording cannot be decoded.
            InvalidRequestError: an unknown language or task.
            ModelUnavailableError: the weights are not to be had.
            MissingPackageError: the extra `speech` is not installed.
        """
        require("faster_whisper", "av")
        from faster_whisper.tokenizer import _LANGUAGE_CODES

        if file.category != "audio":
            raise InvalidRequestError(f"'{file.name}' is not an audio file", "send MP3, WAV, M4A, OGG or FLAC")
        if language is not None and language not in _LANGUAGE_CODES:
            raise InvalidRequestError(f"unknown language '{language}'", "give an ISO 639-1 code such as en, or none")
        if task not in ("transcribe", "translate"):
            raise InvalidRequestError(f"unknown task '{task}'", "use transcribe or translate")
        begun = time.perf_counter()
        duration, found, stopped = 0.0, None, False
        segments: list[Segment] = []
        with closing(iterate_in_thread(self._hear(file, language, task, word_timestamps), _ASKED_S)) as heard:
            for news in heard:
                if news is not None:
                    duration, found, segment = news
                    segments += [segment] if segment else []
                share = min(segments[-1].end / duration, 1.0) if segments else 0.0
                if progress is not None and progress(share) is False:
                    stopped = True
                    break
        warnings = ("no speech was found in this recording",) if not segments and not stopped else ()
        return Transcript(
            name=file.name,
            text=" ".join(segment.text for segment in segments),
            language=found if segments else language,
            duration=round(duration, 3),
            segments=tuple(segments),
            model=f"whisper {self.model}",
            seconds_taken=time.perf_counter() - begun,
            warnings=warnings + ((STOPPED,) if stopped else ()),
        )

    def _hear(
        self, file: SourceFile, language: str | None, task: str, words: bool
    ) -> Generator[tuple[float, str | None, Segment | None], None, None]:
        """The recording's seconds, its language and each segment, as soon as they are known."""
        import av
        from faster_whisper.audio import decode_audio

        with self._lock:
            try:
                _refuse_endless(file)
                samples = decode_audio(io.BytesIO(file.data), sampling_rate=16000)
            except (av.FFmpegError, IndexError, ValueError):
                what = f"'{file.name}' is not a readable recording"
                raise CorruptFileError(what, "record or save it again") from None
            duration = len(samples) / 16000
            yield duration, None, None
            if duration < 0.1:
                return
            stream, info = self._load().transcribe(
                samples,
                language=language,
                task=task,
                word_timestamps=words,
                vad_filter=True,
                beam_size=1,
                condition_on_previous_text=False,
            )
            try:
                for raw in stream:
                    yield duration, info.language, _segment(raw)
            finally:
                self._schedule_release()

    def _load(self) -> WhisperModel:
        if self._loaded is None:
            from faster_whisper import WhisperModel

            source = str(assemble(self._cache / "whisper-base")) if self.model == SHIPPED else self.model
            try:
                self._loaded = WhisperModel(source, device="auto", compute_type="auto", cpu_threads=self._threads)
            except Exception as error:  # huggingface_hub, ctranslate2 and the file system each raise their own
                raise ModelUnavailableError(
                    f"the Whisper model '{self.model}' could not be loaded: {str(error)[:200]}",
                    f"use WHISPER_MODEL={SHIPPED}, which needs no network, or a folder with a converted model",
                ) from error
        return self._loaded

    def _schedule_release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._keep_warm_s, self.release)
        self._timer.daemon = True
        self._timer.start()

    def release(self) -> None:
        """Give the model's memory back; the next use loads it again."""
        with self._lock:
            self._loaded = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None


def _refuse_endless(file: SourceFile) -> None:
    """A few kilobytes can claim to be days of sound: add up the packets before any is decoded."""
    import av

    with av.open(io.BytesIO(file.data), mode="r", metadata_errors="ignore") as container:
        seconds = 0.0
        for packet in container.demux(audio=0):
            if packet.duration and packet.time_base:
                seconds += float(packet.duration * packet.time_base)
            if seconds > MAX_SECONDS:
                hint = "cut it into shorter recordings"
                raise ExtractionLimitError(f"'{file.name}' is longer than {MAX_SECONDS // 3600} hours", hint)


def _segment(raw: Any) -> Segment:
    words = tuple(Word(float(w.start), float(w.end), w.word, float(w.probability)) for w in raw.words or ())
    # without words Whisper knows one figure for each half minute
    confidence = statistics.fmean(word.probability for word in words) if words else math.exp(raw.avg_logprob)
    return Segment(round(float(raw.start), 3), round(float(raw.end), 3), raw.text.strip(), confidence, words)
