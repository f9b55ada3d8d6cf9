"""The editor and the microphone of the transcription panel; a stand-in hears, so that nothing takes long."""

import io
from typing import Any

import av
import numpy as np
import pytest

from autopicker_lab.core import Segment, SpeechOptions, Transcript, Word
from autopicker_lab.extraction import open_source
from autopicker_lab.transcription.live import LiveUpdate
from autopicker_lab.transcription.picture import PEAKS_A_SECOND, peaks_of, playable
from autopicker_lab.transcription.recordings import open_recording
from autopicker_lab.transcription.sound import RATE, Sound
from autopicker_lab.widgets import TranscriptionPanel
from autopicker_lab.widgets.editor import Editor


def said(text: str, start: float, *ends: float, unsure: str = "") -> Segment:
    """A segment whose words end there; the word `unsure` is not sure."""
    words, at = [], start
    for word, end in zip(text.split(), ends, strict=True):
        words.append(Word(at, end, f" {word}", 0.3 if word == unsure else 0.9))
        at = end
    return Segment(start, at, text, 0.8, tuple(words), "en")


SEGMENTS = (
    said("Good mourning.", 0, 0.4, 1, unsure="mourning."),
    said("The boat leaves", 1, 1.2, 1.6, 2, unsure="boat"),
    said("at eight.", 2, 2.2, 2.5),
    Segment(2.5, 3, "Thanks for watching.", 0.9, (), "en", doubt="a phrase that Whisper makes up"),
)
TONE = (0.5 * np.sin(np.arange(3 * RATE) / 5)).astype(np.float32)


class Hearing:
    """Hears the same in each recording; live a word for each piece of sound."""

    model = "stand-in"

    def __init__(self) -> None:
        self.transcriber = self
        self.asked: list[SpeechOptions] = []
        self.settled: list[Word] = []
        self.unread = True
        self.received_s = 1.0

    def transcribe(self, file: Any, **options: Any) -> Transcript:
        return Transcript(file.name, "", "en", 3.0, SEGMENTS, seconds_taken=0.1).with_segments(SEGMENTS)

    def live(self, options: SpeechOptions = SpeechOptions()) -> Any:
        self.asked.append(options)
        return self

    def feed(self, samples: Any) -> None:
        self.settled.append(Word(len(self.settled), len(self.settled) + 1, " word", 0.9))

    def due(self, waiting: bool) -> bool:
        return True

    def read(self, last: bool = False) -> LiveUpdate:
        return LiveUpdate((), () if last else (Word(9, 9, " maybe", 0.2),), 1.0)


@pytest.fixture
def panel() -> TranscriptionPanel:
    panel = TranscriptionPanel(Hearing())  # type: ignore[arg-type]
    panel.model.intake.add_file(open_recording(TONE, RATE))
    panel.model.job.wait(30)
    return panel


def editor_of(panel: TranscriptionPanel) -> Editor:
    (editor,) = panel.editor.children
    return editor  # type: ignore[no-any-return]


def do(panel: TranscriptionPanel, act: str, **more: Any) -> list[Any]:
    """What the browser is told after something was done in it."""
    editor, told = editor_of(panel), []
    editor.send = lambda message, buffers=None: told.append(message)
    editor._handle_custom_msg({"act": act, **more}, [])
    return told


def test_only_what_changed_is_told_and_a_reload_shows_all(panel: TranscriptionPanel) -> None:
    editor = editor_of(panel)
    assert len(editor.peaks) == 3 * PEAKS_A_SECOND
    assert [row["text"] for row in editor.get_state()["segments"]] == [s.text for s in SEGMENTS]
    (told,) = do(panel, "correct", index=0, text="Good morning.")
    assert (told["first"], told["removed"], [row["text"] for row in told["rows"]]) == (0, 1, ["Good morning."])
    assert told["rows"][0]["words"][1] == [0.4, 1, " morning.", 1.0]
    (told,) = do(panel, "merge", index=1)
    assert (told["first"], told["removed"], [row["text"] for row in told["rows"]]) == (
        1,
        2,
        ["The boat leaves at eight."],
    )
    (told,) = do(panel, "split", index=1, at=8)
    assert [row["text"] for row in told["rows"]] == ["The boat", "leaves at eight."]
    (told,) = do(panel, "remove", index=3)
    assert (told["first"], told["removed"], told["rows"]) == (3, 1, [])
    assert editor_of(panel) is editor
    shown = [row["text"] for row in editor.get_state()["segments"]]
    assert shown == ["Good morning.", "The boat", "leaves at eight."]
    assert panel.model.transcript is not None
    assert panel.model.transcript.text == " ".join(shown)
    assert "leaves at eight." in panel.save[1].encode().decode()


def test_changes_are_taken_back_and_made_again(panel: TranscriptionPanel) -> None:
    first = panel.model.transcript
    do(panel, "correct", index=0, text="Good morning.")
    do(panel, "retime", index=0, end=0.8)
    assert panel.model.transcript is not None
    assert panel.model.transcript.segments[0].end == 0.8
    do(panel, "undo")
    (told,) = do(panel, "undo")
    assert panel.model.transcript is first
    assert told["rows"][0]["text"] == "Good mourning."
    do(panel, "undo")  # nothing before
    do(panel, "redo")
    assert panel.model.transcript is not None
    assert panel.model.transcript.segments[0].text == "Good morning."
    do(panel, "split", index=2, at=3)
    do(panel, "redo")  # the way there is gone
    assert len(panel.model.transcript.segments) == 5


def test_doubtful_words_come_first_until_they_are_read(panel: TranscriptionPanel) -> None:
    assert [(w.segment, w.word, w.text) for w in panel.model.doubtful] == [
        (3, -1, "Thanks for watching."),
        (0, 1, "mourning."),
        (1, 1, "boat"),
    ]
    do(panel, "confirm", index=1)
    do(panel, "confirm", index=3)
    do(panel, "correct", index=0, text="Good morning.")
    assert editor_of(panel).doubtful == {"count": 0, "words": []}


def test_what_cannot_be_done_is_told_and_changes_nothing(panel: TranscriptionPanel) -> None:
    before = panel.model.transcript
    assert (
        do(panel, "split", index=0, at=0)
        == do(panel, "merge", index=3)
        == do(panel, "correct", index=9, text="x")
        == []
    )
    assert "Place the cursor between two words" in panel.note.value
    do(panel, "retime", index=1, start=2.4)
    assert "ends after it begins" in panel.note.value
    assert panel.model.transcript is before


def test_another_recording_does_not_take_corrections_unasked(panel: TranscriptionPanel) -> None:
    do(panel, "correct", index=0, text="Good morning.")
    panel.model.intake.add_file(open_recording(TONE[:RATE], RATE))
    assert "replaces your corrections" in panel.note.value
    assert panel.model.transcript is not None
    assert panel.model.transcript.segments[0].text == "Good morning."
    panel.again.click()
    panel.model.job.wait(30)
    assert panel.model.transcript.segments[0].text == "Good mourning."
    assert len(panel.model.peaks) == PEAKS_A_SECOND


def test_sound_that_a_browser_does_not_know_is_made_playable(panel: TranscriptionPanel) -> None:
    sent: list[Any] = []
    editor_of(panel).send = lambda message, buffers: sent.extend(buffers)
    editor_of(panel)._handle_custom_msg({"act": "unplayable"}, [])
    sound = Sound(open_source(sent[0], "x.webm"))
    heard = np.concatenate([block.channels[0] for block in sound.blocks()])
    assert abs(len(heard) - len(TONE)) < 0.1 * RATE
    assert np.abs(heard).max() > 0.3


def test_a_picture_of_the_sound_has_its_length_and_its_loudness() -> None:
    half = TONE.copy()
    half[: RATE // 2] *= 0.5
    half[-RATE:] = 0
    peaks = np.frombuffer(peaks_of(open_recording(np.stack([half, half], axis=1), RATE)), np.uint8)
    assert len(peaks) == 3 * PEAKS_A_SECOND
    assert peaks[2 * PEAKS_A_SECOND - 5] > 250
    assert 120 < peaks[10] < 135
    assert not peaks[-PEAKS_A_SECOND + 5 :].any()
    assert len(playable(open_recording(TONE[:1], RATE))) > 0


def recorded(samples: Any) -> bytes:
    """Sound as browsers record it."""
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=RATE)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", "mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def test_a_microphone_writes_what_is_said_and_gives_the_recording_to_the_editor(panel: TranscriptionPanel) -> None:
    panel.language.value, panel.translate.value = "de", True
    box, data = panel.microphone, recorded(TONE)
    box.view._handle_custom_msg({"act": "begin", "form": "webm"}, [])
    assert box.view.listening
    for at in range(0, len(data), 1000):
        box.view._handle_custom_msg({"act": "sound"}, [memoryview(data[at : at + 1000])])
    box.view._handle_custom_msg({"act": "begin", "form": "webm"}, [])
    assert "is still being written" in box.view.message
    box.view._handle_custom_msg({"act": "end"}, [])
    box.model.wait(30)
    panel.model.job.wait(30)
    assert set(box.view.settled.split()) == {"word"}
    assert (box.view.tail, box.view.listening) == ("", False)
    (asked,) = panel.model.lab.asked
    assert (asked.language, asked.task) == ("de", "translate")
    assert panel.model.file is not None
    assert panel.model.file.name.startswith("microphone-")
    assert panel.model.file.data == data
    assert len(editor_of(panel).peaks) == pytest.approx(3 * PEAKS_A_SECOND, abs=5)


def test_a_microphone_that_fails_says_why(panel: TranscriptionPanel) -> None:
    box = panel.microphone
    box.view._handle_custom_msg({"act": "begin", "form": "midi"}, [])
    assert "unknown format" in box.view.message
    box.view._handle_custom_msg({"act": "failed", "why": "There is no microphone."}, [])
    assert box.view.message == "There is no microphone."
    box.view._handle_custom_msg({"act": "begin", "form": "webm"}, [])
    box.view._handle_custom_msg({"act": "sound"}, [b"no recording at all" * 100])
    box.view._handle_custom_msg({"act": "end"}, [])
    box.model.wait(30)
    assert "not a readable recording" in box.view.message


def test_a_panel_without_live_hearing_says_so() -> None:
    lab = Hearing()
    lab.transcriber = object()  # type: ignore[assignment]
    panel = TranscriptionPanel(lab)  # type: ignore[arg-type]
    panel.microphone.view._handle_custom_msg({"act": "begin", "form": "webm"}, [])
    assert "Give a recording" in panel.microphone.view.message
