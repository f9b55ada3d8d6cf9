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
from autopicker_lab.transcription import decoders as processes
from autopicker_lab.transcription.decoders import Decoders
from autopicker_lab.transcription.decoding import DecodedSound, DecodedStream
from autopicker_lab.transcription.sound import RATE, Sound

av = pytest.importorskip("av")

FRAGMENTS = {"movflags": "empty_moov+default_base_moof", "frag_duration": "250000"}
HOSTILE = """
import os, time, numpy
from autopicker_lab.transcription import decoding_worker, sound, streamed_sound
decoding_worker.PROCESSOR_S = 1
class Hostile(sound.Sound):
    def blocks(self):
        yield from super().blocks()
        {deed}
sound.Sound = Hostile
plain = streamed_sound.streamed
def hostile(form, read):
    yield from plain(form, read)
    {deed}
streamed_sound.streamed = hostile
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


def streamed(seconds: float, form: str = "webm") -> bytes:
    """Opus as a browser sends it: nothing in it that is only known at the end."""
    made = io.BytesIO()

    class Pipe:
        def write(self, data: bytes) -> int:
            return made.write(data)

    with av.open(Pipe(), "w", format=form, options=FRAGMENTS if form == "mp4" else {}) as container:
        track = container.add_stream("libopus", rate=48_000, layout="mono")
        tone = (np.sin(np.arange(round(seconds * RATE)) / 9) * 0.3).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(tone[None], "flt", "mono")
        frame.sample_rate = RATE
        for piece in (*av.AudioResampler("flt", "mono", 48_000).resample(frame), None):
            container.mux(track.encode(piece))
    return made.getvalue()


def taken(data: bytes, decoders: Decoders, form: str = "webm", each: int = 700) -> Any:
    """What is decoded of bytes that come piece by piece."""
    given = io.BytesIO(data)
    with DecodedStream(form, lambda size: given.read(min(size, each)), decoders) as stream:
        return np.concatenate(list(stream.pieces()))


def flac(seconds: int) -> bytes:
    """Silence."""
    out = io.BytesIO()
    with av.open(out, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE)
        stream.layout = "mono"
        for second in range(seconds):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, RATE), np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = RATE, second * RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


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
        DecodedSound(SourceFile("x.mp3", b"no sound " * 600, "mp3"), decoders)
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


def test_one_that_is_longer_than_it_says_is_not_held_as_a_whole(decoders: Decoders) -> None:
    data = bytearray(flac(400))
    data[22:26] = (RATE).to_bytes(4, "big")  # the samples that its head tells of: a second
    with DecodedSound(SourceFile("made.flac", bytes(data), "flac"), decoders) as sound:
        assert sound.declared == 1.0
        assert 120 < sum(block.channels.shape[-1] for block in sound._early) / RATE < 180
        assert sum(block.channels.shape[-1] for block in sound.blocks()) == 400 * RATE
    assert decoders._working == 0


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
    monkeypatch.setattr(processes, "_RUN", HOSTILE.format(deed=DEEDS[deed]))
    decoders.give_back(decoders.take())  # it has started
    if deed == "hang":
        monkeypatch.setattr(processes, "_SILENT_S", 1.0)
    said = "takes too much memory" if deed == "fill" else "ended its process"
    with pytest.raises(ExtractionLimitError, match=f"'made.wav' {said}"):
        list(DecodedSound(recording(1), decoders).blocks())
    assert decoders._working == 0


@pytest.mark.parametrize("form", ["webm", "ogg", "mp4"])
def test_sound_that_is_still_coming_is_decoded_there_too(form: str, decoders: Decoders) -> None:
    for _ in range(2):
        samples = taken(streamed(3, form), decoders, form)
        assert len(samples) / RATE == pytest.approx(3, abs=0.1)
        assert 0.2 < abs(samples[RATE:-RATE]).max() < 0.4
    assert (decoders._working, len(decoders._resting)) == (0, 1)


@pytest.mark.fault(
    "speech over the socket crashes the decoder, or holds it up", "only its own process ends, with a 400"
)
@pytest.mark.parametrize("deed", ["crash", "spin", "fill"])
def test_a_hostile_stream_ends_nothing_but_its_process(
    deed: str, decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_RUN", HOSTILE.format(deed=DEEDS[deed]))
    with pytest.raises(ExtractionLimitError, match="takes too much memory" if deed == "fill" else "ended its process"):
        taken(streamed(1), decoders)
    assert decoders._working == 0


def test_a_stream_that_nobody_wants_ends_though_its_decoder_is_at_work(
    decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_RUN", HOSTILE.format(deed=DEEDS["hang"]))
    given = io.BytesIO(streamed(1))
    stream = DecodedStream("webm", given.read, decoders)
    pieces = stream.pieces()
    next(pieces)
    stream.kill()
    with pytest.raises(ExtractionLimitError):
        list(pieces)
    stream.kill()
    assert (decoders._working, decoders._resting) == (0, [])


def test_damaged_bytes_in_a_stream_do_not_end_it(decoders: Decoders) -> None:
    data = bytearray(streamed(8))
    data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
    samples = taken(bytes(data), decoders)
    assert 5 < len(samples) / RATE < 8.1
    assert abs(samples[-RATE:]).max() > 0.2
