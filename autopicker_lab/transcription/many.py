"""Transcription of many recordings, in several processes or on a cluster."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, InvalidRequestError, SpeechOptions, Transcript
from autopicker_lab.core.files import find_files
from autopicker_lab.extraction import open_source
from autopicker_lab.runtime.cores import usable_cores
from autopicker_lab.runtime.executors import Scheduler, submit_all, worker_pool, wrap_task_error
from autopicker_lab.transcription import WhisperTranscriber

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from autopicker_lab.runtime.progress import Progress

_transcribers: dict[str, WhisperTranscriber] = {}  # by model; in a worker: those that it has loaded


@dataclass(frozen=True)
class TranscriptionResult:
    """The result of one recording: its Transcript or the error, and the `seconds` that it took."""

    path: Path
    transcript: Transcript | None
    error: AutopickerError | None
    seconds: float


def transcribe_many(
    paths: Iterable[str | Path],
    *,
    jobs: int | None = None,
    scheduler: Scheduler = None,
    progress: Progress | None = None,
    model: str = "base",
    **options: Any,
) -> Iterator[TranscriptionResult]:
    """Transcribe recordings, and those in folders, yielding each result as it finishes; an error is a result, too.

    Args:
        paths: recordings, and folders whose recordings are read.
        jobs: processes, each with a model of its own and its share of the cores; None: one, since Whisper uses all.
        scheduler: a cluster in place of local processes, see `runtime.executors.worker_pool`.
        progress: called after each with (done, in all); False stops.
        model: the Whisper model, as WhisperTranscriber takes it.
        options: those of SpeechOptions.

    Raises:
        InvalidRequestError: a path does not exist, or there is no recording; raised before anything runs.
    """
    files = find_files(paths, "audio")
    if not files:
        raise InvalidRequestError("there is no recording to read", "name recordings, or a folder with some")
    count = jobs or 1
    threads = 0 if scheduler is not None else max(1, usable_cores() // count)
    return _run(files, count, scheduler, progress, (model, threads, options))


def _run(
    files: list[Path],
    jobs: int,
    scheduler: Scheduler,
    progress: Progress | None,
    arguments: tuple[str, int, dict[str, Any]],
) -> Iterator[TranscriptionResult]:
    with worker_pool(scheduler, jobs) as (pool, at_once):
        for path, future, start in submit_all(
            files, lambda path: pool.submit(transcribe_path, str(path), *arguments), at_once, progress
        ):
            try:
                transcript, seconds = future.result()
            except Exception as error:
                yield TranscriptionResult(path, None, wrap_task_error(path.name, error), time.perf_counter() - start)
            else:
                yield TranscriptionResult(path, transcript, None, seconds)


def transcribe_path(path: str, model: str, threads: int, options: dict[str, Any]) -> tuple[Transcript, float]:
    """The Transcript of the recording at a path, and the seconds that it took; workers run this."""
    if model not in _transcribers:
        _transcribers[model] = WhisperTranscriber(model, threads=threads)
    start = time.perf_counter()
    transcript = _transcribers[model].transcribe(open_source(path), SpeechOptions(**options))
    return transcript, time.perf_counter() - start
