"""Where a voice is: Silero's detector, fed piece by piece, and the windows of speech that are cut by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autopicker_lab.transcription.sound import RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

FRAME = 512  # samples of one probability: 32 ms
_CONTEXT = 64  # samples of the frame before that the detector wants
_VOICE, _NO_VOICE = 0.4, 0.25  # probabilities from which a voice begins, and below which it ends
_PAUSE = 10  # frames without a voice that end a stretch of speech
_PAD = 10  # frames kept before and behind it
_APART = 63  # frames of a pause (2 s) over which no window goes
_LONGEST, _LONG = 875, 470  # frames of a window: 28 s; a cut inside of speech is not made before 15 s
_QUIET, _SILENT = 0.1, 3e-6  # levels below which sound is raised, and that of nothing at all


@dataclass(frozen=True)
class Window:
    """Up to 28 s of speech on one lane: its samples from the sample `start` on, the stretches in which a voice is.

    Attributes:
        voice: (first, last) sample of each stretch, counted from the start of the recording.
        probability: of a voice, the mean over these.
    """

    lane: str
    start: int
    samples: Samples
    voice: tuple[tuple[int, int], ...]
    probability: float

    @property
    def end(self) -> int:
        """The sample behind its last."""
        return self.start + len(self.samples)

    @property
    def voiced_s(self) -> float:
        """Seconds of voice."""
        return sum(b - a for a, b in self.voice) / RATE

    def part(self, first: int, behind: int) -> Window:
        """What is between two samples, within it; cut where its voice may go on."""
        first, behind = max(first, self.start), min(behind, self.end)
        voice = tuple((max(a, first), min(b, behind)) for a, b in self.voice if b > first and a < behind)
        samples = self.samples[first - self.start : behind - self.start]
        return replace(self, start=first, samples=samples, voice=voice or ((first, behind),))


def raised(samples: Samples) -> Samples:
    """Very low sound, brought to where speech usually is; a click does not hide it, and other sound stays as it is."""
    import numpy as np

    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    levels = np.sort(np.sqrt((frames**2).mean(axis=1))) if len(frames) else np.zeros(1)
    level = float(levels[-min(5, len(levels))])
    if not _SILENT < level < _QUIET / 5:
        return samples
    loud: Samples = np.clip(samples * (_QUIET / level), -1.0, 1.0)
    return loud


class VoiceDetector:
    """Silero's probabilities of a voice for sound that comes piece by piece, one a frame of 32 ms."""

    def __init__(self) -> None:
        import numpy as np

        self._state = np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._rest = np.zeros(0, np.float32)

    def feed(self, samples: Samples, last: bool = False) -> npt.NDArray[np.float32]:
        """Probabilities of all whole frames so far that were not told yet; of the `last` piece, of its rest as well."""
        import numpy as np
        from faster_whisper.vad import get_vad_model

        sound = np.concatenate([self._rest, samples])
        if last:
            sound = np.pad(sound, (0, -len(sound) % FRAME))
        count = len(sound) // FRAME
        self._rest = sound[count * FRAME :]
        if not count:
            return np.zeros(0, np.float32)
        frames = sound[: count * FRAME].reshape(count, FRAME)
        if abs(frames).max() <= _SILENT:  # hours of it cost nothing
            self._context = frames[-1, -_CONTEXT:]
            return np.zeros(count, np.float32)
        before = np.concatenate([self._context[None], frames[:-1, -_CONTEXT:]])
        self._context = frames[-1, -_CONTEXT:]
        given = np.concatenate([before, frames], axis=1)
        output, *state = get_vad_model().session.run(None, {"input": given, "h": self._state[0], "c": self._state[1]})
        self._state = state[0], state[1]
        return np.asarray(output, np.float32).reshape(-1)


class Windower:
    """Cuts one lane of sound into windows of speech, holding no more of it than the window that is being made.

    Args:
        lane: what the windows are named by.
        start: the sample at which it begins.
        filtered: whether stretches without a voice are left out.
    """

    def __init__(self, lane: str, start: int, filtered: bool = True):
        import numpy as np

        self._lane = lane
        self._base = start
        self._filtered = filtered
        self._detector = VoiceDetector()
        self._samples = np.zeros(0, np.float32)
        self._probabilities = np.zeros(0, np.float32)

    def feed(self, samples: Samples, last: bool = False) -> Iterator[Window]:
        """The windows that are complete now; at the `last` piece, what is left."""
        import numpy as np

        self._probabilities = np.concatenate([self._probabilities, self._detector.feed(raised(samples), last)])
        self._samples = np.concatenate([self._samples, samples])
        while (cut := self._next(last)) is not None:
            first, behind, voice = cut
            yield self._window(first, behind, voice)
            self._drop(behind)
        if self._filtered and not last:
            voice = stretches(self._probabilities)
            self._drop(max((voice[0][0] if voice else len(self._probabilities)) - 2 * _PAD, 0))

    def _next(self, last: bool) -> tuple[int, int, list[tuple[int, int]]] | None:
        """First frame, the frame behind the last, and stretches of voice of the next window."""
        known = len(self._probabilities)
        voice = stretches(self._probabilities) if self._filtered else ([(0, known)] if known else [])
        if not voice:
            return None
        first = max(voice[0][0] - _PAD, 0)
        taken: list[tuple[int, int]] = []
        for begin, end in voice:
            if taken and begin - taken[-1][1] > _APART:
                break
            if end - first > _LONGEST - _PAD:
                if not taken or taken[-1][1] - first < _LONG:
                    cut = self._weakest(max(begin + 1, first + _LONG), first + _LONGEST - _PAD)
                    return first, cut, [*taken, (begin, cut)]
                break
            taken.append((begin, end))
        behind = taken[-1][1]
        open_yet = known - behind <= _APART and len(taken) == len(voice)
        if open_yet and not last:
            return None
        return first, min(behind + _PAD, known), taken

    def _weakest(self, first: int, behind: int) -> int:
        """The frame between two others at which a voice is least likely, the later ones first."""
        import numpy as np

        part = self._probabilities[first:behind]
        smooth = np.convolve(np.pad(part, 2, mode="edge"), np.ones(5) / 5, mode="valid")
        return behind - 1 - int(np.argmin(smooth[::-1]))

    def _window(self, first: int, behind: int, voice: list[tuple[int, int]]) -> Window:
        import numpy as np

        samples = self._samples[first * FRAME : behind * FRAME]
        where = tuple((self._base + a * FRAME, self._base + min(b * FRAME, len(self._samples))) for a, b in voice)
        probability = float(np.concatenate([self._probabilities[a:b] for a, b in voice]).mean())
        return Window(self._lane, self._base + first * FRAME, samples, where, probability)

    def _drop(self, frames: int) -> None:
        self._base += min(frames * FRAME, len(self._samples))
        self._samples = self._samples[frames * FRAME :].copy()
        self._probabilities = self._probabilities[frames:].copy()


def stretches(probabilities: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """(First frame, frame behind the last) of each stretch of voice; pauses of a third of a second end one."""
    found: list[tuple[int, int]] = []
    begin, quiet = -1, 0
    for at, probability in enumerate(probabilities.tolist()):
        if begin < 0:
            if probability >= _VOICE:
                begin, quiet = at, 0
        elif probability >= _NO_VOICE:
            quiet = 0
        else:
            quiet += 1
            if quiet >= _PAUSE:
                found.append((begin, at - quiet + 1))
                begin = -1
    if begin >= 0:
        found.append((begin, len(probabilities) - quiet))
    return found
