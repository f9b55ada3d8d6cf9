"""Speech to text by faster-whisper; the model is loaded on first use, and released after a while without use."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autopicker_lab.core import (
    InvalidRequestError,
    ModelUnavailableError,
    Segment,
    SourceFile,
    SpeechOptions,
    Transcript,
)
from autopicker_lab.core.optional import require
from autopicker_lab.runtime.cores import usable_cores
from autopicker_lab.runtime.fair_lock import FairLock, LockShare
from autopicker_lab.runtime.threaded_iterator import iterate_in_thread
from autopicker_lab.transcription.decoders import release_decoders
from autopicker_lab.transcription.engine import load_engine
from autopicker_lab.transcription.hearing import Hearing, check_options
from autopicker_lab.transcription.languages import language_code
from autopicker_lab.transcription.live import LiveTranscript
from autopicker_lab.transcription.local_models import BUNDLED_MODEL, check_memory, describe, folder_of, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from faster_whisper import WhisperModel

    from autopicker_lab.runtime.progress import Progress
    from autopicker_lab.transcription.local_models import WhisperWeights

_PROGRESS_INTERVAL_S = 0.2  # between two calls of `progress`
_MOST_THREADS = 8  # more make Whisper no faster


class WhisperTranscriber:
    """Speech recogniser with one Whisper model.

    Args:
        model: "base" for the weights that ship as packages, a folder of a converted model, or the name of one
            that faster-whisper downloads from Hugging Face ("small", "Systran/faster-whisper-large-v3").
        cache: where the shipped weights are put together.
        keep_warm_s: seconds after the last use until the model's memory is given back.
        threads: CPU threads of the model; 0: as many as there are cores for it, up to 8.
        compute: type of CTranslate2 that it computes in ("int8", "float32"); "auto": the fastest for this machine.

    Attributes:
        card_fails: why the model is not on the graphics card that this machine has; None: it is, there is none, or
            nothing is loaded. Once it failed, the processor is used until the model's memory is given back.
    """

    def __init__(
        self,
        model: str = BUNDLED_MODEL,
        cache: Path | None = None,
        keep_warm_s: float = 600.0,
        threads: int = 0,
        compute: str = "auto",
    ):
        self.model = model
        self._cache = cache or Path.home() / ".cache" / "autopicker-lab"
        self._keep_warm_s = keep_warm_s
        self._threads = threads
        self._compute = compute
        self._loaded: WhisperModel | None = None
        self.card_fails: str | None = None
        self._lock = FairLock()
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
            options: what is None in them is chosen for the recording.
            progress: called several times a second with (done, total) in whole seconds of the recording; where it does
                not say how long it is, total is what is decoded so far. Returning False stops and keeps the segments so
                far, while the model finishes the search that it is at.
            heard: called with each segment as it is recognised.

        Raises:
            CorruptFileError: the recording cannot be decoded.
            ExtractionLimitError: it is longer than eight hours.
            InvalidRequestError: it is no recording, or the language or task is unknown.
            ModelUnavailableError: the weights cannot be loaded.
            MissingPackageError: the extra `speech` is not installed.
        """
        options = _made_ready(options)
        started_at = time.perf_counter()
        if file.category != "audio":
            raise InvalidRequestError(f"'{file.name}' is not an audio file", "send a recording, or a film with sound")
        hearing = Hearing(file, options, progress)
        with closing(iterate_in_thread(self._segments(hearing), _PROGRESS_INTERVAL_S)) as updates:
            for segment in updates:
                if segment is not None and heard is not None:
                    heard(segment)
                if not hearing.report():
                    break
        return hearing.transcript(f"whisper {self.model}", time.perf_counter() - started_at)

    def live(self, options: SpeechOptions = SpeechOptions()) -> LiveTranscript:
        """Speech that is heard while it is said; errors as of `transcribe`."""
        share = LockShare()
        return LiveTranscript(lambda: self._lent(share), _made_ready(options))

    def _segments(self, hearing: Hearing) -> Generator[Segment, None, None]:
        share = LockShare()
        yield from hearing.segments(lambda: self._lent(share))

    @contextmanager
    def _lent(self, share: LockShare) -> Iterator[WhisperModel]:
        """The model, for one window: a short recording waits for one of these of a long one, not for its end."""
        with self._lock.held(share):
            try:
                yield self._load()
            except RuntimeError as error:  # of CTranslate2: the card's memory is full, or its driver went away
                if type(error) is not RuntimeError or self._loaded is None or self._loaded.model.device != "cuda":
                    raise
                self._loaded, self.card_fails = None, str(error)[:200]
                raise ModelUnavailableError(
                    f"the graphics card failed: {self.card_fails}", "send it again: Whisper runs on the processor now"
                ) from error
            self._schedule_release()

    def _load(self) -> WhisperModel:
        if self._loaded is None:
            folder = folder_of(self.model, self._cache)
            check_memory(self.model, folder)
            threads = self._threads or min(usable_cores(), _MOST_THREADS)
            try:
                tried = self.card_fails is None
                self._loaded, why = load_engine(folder, compute=self._compute, threads=threads, card=tried)
                self.card_fails = why if tried else self.card_fails
            except Exception as error:  # ctranslate2, tokenizers and the file system each raise their own
                raise unavailable(self.model, str(error)) from error
        return self._loaded

    @property
    def engine(self) -> WhisperModel:
        """The model of faster-whisper, loaded; errors as of `transcribe`."""
        with self._lent(LockShare()) as model:
            return model

    def weights(self) -> WhisperWeights:
        """Where its weights are, how large, and their sum; errors as of `transcribe`."""
        require("faster_whisper")
        return describe(self.model, self._cache)

    def _schedule_release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._keep_warm_s, self.release)
        self._timer.daemon = True
        self._timer.start()

    def release(self) -> None:
        """Give the model's memory back; the next use loads it again."""
        release_decoders()
        with self._lock.held(LockShare()):
            self._loaded = self.card_fails = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None


def _made_ready(options: SpeechOptions) -> SpeechOptions:
    """Options with the language as its code, once the engine is known to be installed."""
    # read when the library loads: threads that spin while they wait are many times slower on a busy machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    require("faster_whisper", "av")
    options = replace(options, language=language_code(options.language))
    check_options(options)
    return options
