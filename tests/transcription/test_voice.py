from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from autopicker_lab.core import SourceFile
from autopicker_lab.transcription.channels import MIX, Lanes
from autopicker_lab.transcription.doubts import is_loop, is_phantom, too_fast
from autopicker_lab.transcription.sound import RATE, Sound, SoundBlock
from autopicker_lab.transcription.spoken import SpokenLanguages
from autopicker_lab.transcription.voice import Window, Windower

pytest.importorskip("faster_whisper")
Samples = np.typing.NDArray[np.float32]


@pytest.fixture(scope="module")
def speech() -> Samples:
    from autopicker_lab import assets

    data = (Path(assets.samples()) / "announcement.wav").read_bytes()
    samples: Samples = next(Sound(SourceFile("a.wav", data, "wav")).blocks()).channels[0]
    return samples


def windows(samples: Samples, step: int = 7 * RATE, filtered: bool = True) -> list[Window]:
    windower = Windower(MIX, 0, filtered)
    found = [w for at in range(0, len(samples), step) for w in windower.feed(samples[at : at + step])]
    return found + list(windower.feed(np.zeros(0, np.float32), last=True))


def quiet(seconds: float) -> Samples:
    return np.random.default_rng(0).normal(0, 1e-4, round(seconds * RATE)).astype(np.float32)


def test_no_window_goes_over_a_long_pause(speech: Samples) -> None:
    found = windows(np.concatenate([speech, quiet(31), speech, quiet(9)]))
    assert all(w.end - w.start < 29 * RATE for w in found)
    silent = len(speech) / RATE, len(speech) / RATE + 31
    assert not any(w.start / RATE < silent[1] - 1 and w.end / RATE > silent[0] + 1 for w in found)
    assert sum(w.voiced_s for w in found) > 15


def test_windows_are_the_same_however_the_sound_comes(speech: Samples) -> None:
    sound = np.concatenate([quiet(2), speech, quiet(5), speech])
    told = [[(w.start, w.end) for w in windows(sound, step)] for step in (3 * RATE, 30 * RATE)]
    assert told[0] == told[1]


def test_all_of_it_is_in_windows_where_nothing_is_left_out(speech: Samples) -> None:
    found = windows(np.concatenate([speech, quiet(40)]), filtered=False)
    assert found[0].start == 0
    assert all(a.end == b.start for a, b in pairwise(found))
    assert found[-1].end == len(speech) + 40 * RATE


@pytest.mark.parametrize("level", [1.0, 1e-3])
def test_very_low_speech_is_found(speech: Samples, level: float) -> None:
    assert sum(w.voiced_s for w in windows(speech * np.float32(level))) > 7


@pytest.mark.parametrize("sound", [np.zeros(20 * RATE, np.float32), quiet(20)])
def test_no_voice_is_found_where_none_is(sound: Samples) -> None:
    assert windows(sound) == []


def block(*channels: Samples, names: tuple[str, ...] = ("FL", "FR")) -> SoundBlock:
    return SoundBlock(0, np.stack(channels), names)


def power(samples: Samples) -> float:
    return float((samples**2).mean())


def test_opposite_phase_is_not_silence(speech: Samples) -> None:
    assert power(Lanes().of(block(speech, -speech))[MIX]) == pytest.approx(power(speech))


def test_stereo_of_one_voice_is_one_lane(speech: Samples) -> None:
    later = np.concatenate([np.zeros(60, np.float32), speech[:-60]])  # two microphones, a metre apart
    assert list(Lanes().of(block(speech, later * np.float32(0.6)))) == [MIX]


def test_a_call_is_heard_side_by_side_to_its_end(speech: Samples) -> None:
    lanes = Lanes()
    half = len(speech) // 2
    other = np.concatenate([speech[half:], speech[:half]])
    left = (speech + 0.02 * other).astype(np.float32)
    assert list(lanes.of(block(left, other))) == ["left", "right"]
    assert list(lanes.of(block(np.zeros_like(speech), other))) == ["left", "right"]


def test_a_side_does_not_repeat_what_it_hears_of_the_other(speech: Samples) -> None:
    alone = np.concatenate([speech, np.zeros_like(speech)])
    answer = np.concatenate([np.zeros_like(speech), speech])
    lanes = Lanes().of(block(alone + answer * np.float32(0.05), answer))
    assert power(lanes["left"][len(speech) + RATE :]) == 0
    assert power(lanes["left"][: len(speech)]) == pytest.approx(power(speech), rel=0.1)


def test_the_centre_of_a_film_is_heard_before_its_music(speech: Samples) -> None:
    music = np.random.default_rng(0).normal(0, 0.3, len(speech)).astype(np.float32)
    names = ("FL", "FR", "FC", "LFE", "SL", "SR")
    lane = Lanes().of(block(music, music, speech, music, music, music, names=names))[MIX]
    assert lane is not music
    assert np.array_equal(lane, speech)


@pytest.mark.parametrize(
    "text", ["Thanks for watching!", "Untertitel der Amara.org-Community", "ご視聴ありがとうございました"]
)
def test_known_phantoms_are_known(text: str) -> None:
    assert is_phantom(text)
    assert not is_phantom(f"{text} The first boat leaves at seven in the morning, and the last one comes back at ten.")


def test_a_loop_is_what_nobody_says_so_fast() -> None:
    assert is_loop("one two three " * 20, 6.0)
    assert not is_loop("one two three " * 10, 27.0)
    assert too_fast("春天的时候我们一起去山里看花那里的花开得很好" * 3, 2.0)
    assert not too_fast("Peter Piper picked a peck of pickled peppers", 2.0)


def test_the_language_changes_only_beyond_doubt() -> None:
    spoken = SpokenLanguages()
    spoken.listen({"en": 0.9, "de": 0.1}, 9.0)
    assert (spoken.main, spoken.sure) == ("en", True)
    assert spoken.of({"de": 0.95, "en": 0.05}, 3.0) == "de"
    assert spoken.of({"de": 0.6, "en": 0.4}, 3.0) == "en"
    assert spoken.of({"de": 0.95, "en": 0.05}, 0.4) == "en"
