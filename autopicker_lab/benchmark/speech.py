"""What benchmarks/transcription.ipynb compares: recognisers, and what befalls a recording before it is heard."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, SpeechOptions
from autopicker_lab.extraction import open_source
from autopicker_lab.runtime.cores import usable_cores
from autopicker_lab.settings import Settings
from autopicker_lab.transcription import WhisperTranscriber
from autopicker_lab.transcription.local_models import folder_of
from autopicker_lab.transcription.recordings import open_recording
from autopicker_lab.transcription.sound import RATE, Sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Self

    import numpy as np
    import numpy.typing as npt

    from autopicker_lab.core import SourceFile

    Samples = npt.NDArray[np.float32]

OURS = "autopicker"
AS_IT_IS = "as it is"
BESIDE_WORK = "two minutes beside work"
JOINED = {"two minutes": 120, "ten minutes": 600, BESIDE_WORK: 120}
"""Conditions under which recordings are joined until they last so many seconds; the last one beside a busy process."""
_PAUSE = RATE // 2  # samples between recordings that are joined


@dataclass(frozen=True)
class Engines:
    """Recognisers with the same weights: ours, and faster-whisper without anything around it."""

    ours: WhisperTranscriber
    bare: Any

    @classmethod
    def load(cls, model: str, threads: int, compute: str) -> Self:
        """Load both.

        Args:
            model: as WhisperTranscriber takes it; "": that of the settings.
            threads: of each; 0: as many as there are cores.
            compute: of the bare one, and of ours: a type of CTranslate2.
        """
        from faster_whisper import WhisperModel

        settings = Settings.load()
        model = model or settings.whisper_model
        ours = WhisperTranscriber(model, settings.autopicker_home, threads=threads, compute=compute)
        source = str(folder_of(model, settings.autopicker_home))
        return cls(ours, WhisperModel(source, compute_type=compute, cpu_threads=threads or usable_cores()))

    def hear(self, way: str, file: SourceFile) -> tuple[str, str]:
        """The text and language that one of WAYS makes of a recording."""
        return WAYS[way](self, file)

    def close(self) -> None:
        """Give the memory back."""
        self.ours.release()


def _ours(beam: int | None) -> Callable[[Engines, SourceFile], tuple[str, str]]:
    def hear(engines: Engines, file: SourceFile) -> tuple[str, str]:
        transcript = engines.ours.transcribe(file, SpeechOptions(beam=beam))
        return transcript.text, transcript.language or ""

    return hear


def _bare(beam: int, batch: int = 0) -> Callable[[Engines, SourceFile], tuple[str, str]]:
    def hear(engines: Engines, file: SourceFile) -> tuple[str, str]:
        from faster_whisper import BatchedInferencePipeline

        engine = BatchedInferencePipeline(engines.bare) if batch else engines.bare
        options = {"batch_size": batch} if batch else {}
        segments, info = engine.transcribe(io.BytesIO(file.data), beam_size=beam, **options)
        return "".join(segment.text for segment in segments), info.language

    return hear


WAYS: dict[str, Callable[[Engines, SourceFile], tuple[str, str]]] = {
    OURS: _ours(None),
    "autopicker beam 1": _ours(1),
    "autopicker beam 5": _ours(5),
    "faster-whisper beam 1": _bare(1),
    "faster-whisper beam 5": _bare(5),
    "faster-whisper batched": _bare(1, 8),
    "faster-whisper batched beam 5": _bare(5, 8),
}


def _noisy(decibels: float) -> Callable[[Samples], tuple[Samples, int]]:
    """White noise that is so many dB below the sound."""

    def change(samples: Samples) -> tuple[Samples, int]:
        import numpy as np

        level = float(np.sqrt((samples**2).mean())) * 10 ** (-decibels / 20)
        noise = np.random.default_rng(0).normal(0, level, len(samples))
        return np.clip(samples + noise, -1, 1).astype(np.float32), RATE

    return change


def _telephone(samples: Samples) -> tuple[Samples, int]:
    """300 to 3400 Hz, at 8 kHz."""
    import numpy as np

    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    return np.fft.irfft(spectrum, len(samples))[::2].astype(np.float32), RATE // 2


CONDITIONS: dict[str, Callable[[Samples], tuple[Samples, int]] | None] = {
    AS_IT_IS: None,
    "noise 20 dB": _noisy(20),
    "noise 5 dB": _noisy(5),
    "telephone": _telephone,
    **dict.fromkeys(JOINED),
}


def samples_of(file: SourceFile) -> Samples:
    """A recording's sound at 16 kHz, its channels mixed."""
    import numpy as np

    return np.concatenate([block.channels.mean(axis=0) for block in Sound(file).blocks()])


def under(condition: str, file: SourceFile) -> SourceFile:
    """A recording under one of CONDITIONS; but for `as it is`, its channels mixed."""
    change = CONDITIONS[condition]
    return file if change is None else open_recording(*change(samples_of(file)))


def joined(cases: Iterable[tuple[Path, str]], seconds: float) -> tuple[SourceFile, str]:
    """Recordings one after another, and again, until it is so long, with what all of them say."""
    import numpy as np

    pieces: list[Samples] = []
    texts: list[str] = []
    for path, text in cycle(cases):
        pieces += [samples_of(open_source(path)), np.zeros(_PAUSE, np.float32)]
        texts.append(text)
        if sum(map(len, pieces)) >= seconds * RATE:
            break
    return open_recording(np.concatenate(pieces), RATE), " ".join(texts)


@contextmanager
def beside_work() -> Iterator[None]:
    """A process that keeps one core busy meanwhile."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def chosen(names: str, known: Sequence[str], param: str) -> list[str]:
    """The names in a list with commas.

    Raises:
        InvalidRequestError: one is unknown.
    """
    given = [name.strip() for name in names.split(",") if name.strip()]
    for name in given or [""]:
        if name not in known:
            raise InvalidRequestError(f"unknown {param[:-1]} '{name}'", f"use some of {', '.join(known)}", param=param)
    return given


def format_of(path: str | Path) -> str:
    """The ending of a file's name."""
    return Path(path).suffix.lstrip(".").lower()
