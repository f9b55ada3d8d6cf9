"""Recordings decoded in a process of their own, and what becomes of one that a recording kills, holds up or fills."""

import io
import os
import signal
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from autopicker_lab.core import CorruptFileError, ExtractionLimitError, SourceFile
from autopicker_lab.transcription import decoding
from autopicker_lab.transcription.decoding import DecodedSound, Decoders
from autopicker_lab.transcription.sound import RATE, Sound

HOSTILE = """
import os, time, numpy
from autopicker_lab.transcription import decoding_worker, sound
decoding_worker.PROCESSOR_S = 1
class Hostile(sound.Sound):
    def blocks(self):
        yield from super().blocks()
        {deed}
sound.Sound = Hostile
decoding_worker.main()
"""
DEEDS = {
    "crash": "os.abort()",
    "spin": "any(iter(int, 1))",
    "fill": "numpy.ones(2**28)",
    "hang": "time.sleep(600)",
    "lie": "os.write(1, b'{\"bytes\": 99999999999999}\\n'); time.sleep(600)",
}


def recording(seconds: float) -> SourceFile:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.sin(np.arange(round(seconds * RATE)) / 9) * 9000).astype("<i2").tobytes())
    return SourceFile("made.wav", out.getvalue(), "wav")


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    made = Decoders()
    yield made
    made.release()


def pid(decoders: Decoders) -> int:
    (process,) = decoders._resting
    return process._process.pid


def test_what_is_decoded_there_is_what_is_decoded_here(decoders: Decoders) -> None:
    file = recording(70)
    with DecodedSound(file, decoders) as there:
        assert decoders._working == 0  # it is short: the process is free before it is heard
        blocks = list(there.blocks())
    here = Sound(file)
    for one, other in zip(blocks, here.blocks(), strict=True):
        assert (one.start, one.names) == (other.start, other.names)
        assert np.array_equal(one.channels, other.channels)
    assert (there.length, there.declared, there.notes) == (here.length, here.declared, here.notes)


def test_a_process_is_used_again_and_replaced_where_it_died(decoders: Decoders) -> None:
    list(DecodedSound(recording(1), decoders).blocks())
    first = pid(decoders)
    with pytest.raises(CorruptFileError, match=r"'x\.mp3' is not a readable recording"):
        DecodedSound(SourceFile("x.mp3", os.urandom(5000), "mp3"), decoders)
    list(DecodedSound(recording(1), decoders).blocks())
    assert pid(decoders) == first
    os.kill(first, signal.SIGKILL)
    decoders._resting[0]._process.wait()
    assert len(list(DecodedSound(recording(1), decoders).blocks())) == 1
    assert pid(decoders) != first


def test_one_that_is_closed_frees_the_processor_at_once(decoders: Decoders) -> None:
    sound = DecodedSound(recording(200), decoders)
    next(sound.blocks())
    process: Any = sound._process
    sound.close()
    assert process._process.returncode is not None
    assert (decoders._working, decoders._resting) == (0, [])
    sound.close()


def test_many_at_once_are_all_decoded_and_few_processes_stay(decoders: Decoders) -> None:
    with ThreadPoolExecutor(4) as threads:
        lengths = list(threads.map(lambda s: len(list(DecodedSound(recording(s), decoders).blocks())), [1, 31] * 3))
    assert lengths == [1, 2] * 3
    assert decoders._working == 0
    assert 1 <= len(decoders._resting) <= 2


@pytest.mark.fault("a recording crashes the decoder, or holds it up", "only its own process ends, with a 400")
@pytest.mark.parametrize("deed", DEEDS)
def test_a_hostile_recording_ends_nothing_but_its_process(
    deed: str, decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_RUN", HOSTILE.format(deed=DEEDS[deed]))
    if deed == "hang":
        monkeypatch.setattr(decoding, "_SILENT_S", 3.0)
    said = "takes too much memory" if deed == "fill" else "ended its process"
    with pytest.raises(ExtractionLimitError, match=f"'made.wav' {said}"):
        list(DecodedSound(recording(1), decoders).blocks())
    assert decoders._working == 0
