"""Speech to text by faster-whisper; the model is loaded on first use, and released after a while without use."""

from __future__ import annotations

import io
import math
import os
import statistics
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import (
    CorruptFileError,
    ExtractionLimitError,
    InvalidRequestError,
    ModelUnavailableError,
    Segment,
    SourceFile,
    SpeechOptions,
    Transcript,
    Word,
)
from autopicker_lab.core.optional import require
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.runtime.threaded_iterator import iterate_in_thread
from autopicker_lab.transcription.languages import language_code
from autopicker_lab.transcription.weights import assemble

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from faster_whisper import WhisperModel

BUNDLED_MODEL = "base"
MAX_SECONDS = 2 * 3600  # decoded sound takes 230 MB an hour
STOPPED = "stopped before the end"
_PROGRESS_INTERVAL_S = 0.2  # between two calls of `progress`


class WhisperTranscriber:
    """Speech recogniser with one Whisper model.

    Args:
        model: "base" for the weights that ship as packages, a folder of a converted model, or the name of one
            that faster-whisper downloads from Hugging Face ("small", "Systran/faster-whisper-large-v3").
        cache: where the shipped weights are put together.
        keep_warm_s: seconds after the last use until the model's memory is given back.
        threads: CPU threads of the model; 0: as many as faster-whisper chooses.
    """

    def __init__(
        self, model: str = BUNDLED_MODEL, cache: Path | None = None, keep_warm_s: float = 600.0, threads: int = 0
    ):
        self.model = model
        self._cache = cache or Path.home() / ".cache" / "autopicker-lab"
        self._keep_warm_s = keep_warm_s
        self._threads = threads
        self._loaded: WhisperModel | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def __repr__(self) -> str:
        return f"WhisperTranscriber({self.model!r})"

    def transcribe(
        self,
        file: SourceFile,
        options: SpeechOptions = SpeechOptions(),
        *,
        progress: Progress | None = None,
        heard: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        """The Transcript of the recording in `file`.

        Args:
            progress: called several times a second with (done, total) in whole seconds of the recording, where total is
                0 until it is decoded. Returning False stops and keeps the segments so far, while the model finishes
                its current half minute, which is dropped.
            heard: called with each segment as it is recognised.

        Raises:
            CorruptFileError: the recording cannot be decoded.
            ExtractionLimitError: it is longer than two hours.
            InvalidRequestError: it is no recording, or the language or task is unknown.
            ModelUnavailableError: the weights cannot be loaded.
            MissingPackageError: the extra `speech` is not installed.
        """
        # read when the library loads: threads that spin while they wait are many times slower on a busy machine
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        require("faster_whisper", "av")

        options = replace(options, language=language_code(options.language))
        check_options(options)
        if file.category != "audio":
            raise InvalidRequestError(f"'{file.name}' is not an audio file", "send MP3, WAV, M4A, OGG or FLAC")
        started_at = time.perf_counter()
        duration, detected_language, stopped = 0.0, None, False
        segments: list[Segment] = []
        with closing(iterate_in_thread(self._recognise(file, options), _PROGRESS_INTERVAL_S)) as updates:
            for update in updates:
                if update is not None:
                    duration, detected_language, segment = update
                    segments += [segment] if segment else []
                    if heard is not None and segment:
                        heard(segment)
                done = min(segments[-1].end, duration) if segments else 0.0
                if not report_progress(progress, round(done), math.ceil(duration)):
                    stopped = True
                    break
        warnings = ("no speech was found in this recording",) if not segments and not stopped else ()
        return Transcript(
            name=file.name,
            text=" ".join(segment.text for segment in segments),
            language=detected_language if segments else options.language,
            duration=round(duration, 3),
            segments=tuple(segments),
            model=f"whisper {self.model}",
            seconds_taken=time.perf_counter() - started_at,
            warnings=warnings + ((STOPPED,) if stopped else ()),
        )

    def _recognise(
        self, file: SourceFile, options: SpeechOptions
    ) -> Generator[tuple[float, str | None, Segment | None], None, None]:
        """(Duration in seconds, language, segment) for each segment as it is recognised; first the duration alone."""
        import av
        from faster_whisper.audio import decode_audio

        with self._lock:
            try:
                _refuse_overlong(file)
                samples = decode_audio(io.BytesIO(file.data), sampling_rate=16000)
            except (av.FFmpegError, IndexError, ValueError):
                problem = f"'{file.name}' is not a readable recording"
                raise CorruptFileError(problem, "record or save it again") from None
            duration = len(samples) / 16000
            yield duration, None, None
            if duration < 0.1:
                return
            stream, info = self._load().transcribe(
                samples,
                language=options.language,
                task=options.task,
                word_timestamps=options.words,
                vad_filter=options.vad is not False,
                beam_size=options.beam or 1,
                initial_prompt=options.prompt,
                hotwords=options.hotwords,
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

            source = str(assemble(self._cache / "whisper-base")) if self.model == BUNDLED_MODEL else self.model
            try:
                self._loaded = WhisperModel(source, device="auto", compute_type="auto", cpu_threads=self._threads)
            except Exception as error:  # huggingface_hub, ctranslate2 and the file system each raise their own
                raise ModelUnavailableError(
                    f"the Whisper model '{self.model}' could not be loaded: {str(error)[:200]}",
                    f"use WHISPER_MODEL={BUNDLED_MODEL}, which needs no network, or a folder with a converted model",
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


def check_options(options: SpeechOptions) -> None:
    """Refuse options that Whisper has no use for.

    Raises:
        InvalidRequestError: the task is unknown, the beam or the temperature out of bounds.
    """
    if options.task not in ("transcribe", "translate"):
        raise InvalidRequestError(f"unknown task '{options.task}'", "use transcribe or translate", param="task")
    if options.beam is not None and not 1 <= options.beam <= 20:
        raise InvalidRequestError(f"a beam of {options.beam} is not possible", "give 1 to 20", param="beam")
    if options.temperature is not None and not 0 <= options.temperature <= 1:
        detail = f"a temperature of {options.temperature} is not possible"
        raise InvalidRequestError(detail, "give 0 to 1", param="temperature")


def _refuse_overlong(file: SourceFile) -> None:
    """Refuse a recording of over two hours by the lengths of its packets, before any is decoded into memory."""
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
