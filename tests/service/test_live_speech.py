"""Speech written while it is said; a stand-in reads, so that nothing takes long, and Whisper once."""

import io
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import websocket
from conftest import needs
from support.stenographer import served
from support.upstream import soon

from autopicker_lab.core import SpeechOptions
from autopicker_lab.extraction import open_source
from autopicker_lab.service.routes import live_speech
from autopicker_lab.storage import KeyFile
from autopicker_lab.transcription.sound import RATE, Sound
from autopicker_lab.transcription.whisper import WhisperTranscriber

Samples = np.ndarray[Any, Any]
FRAGMENTS = {"movflags": "empty_moov+default_base_moof", "frag_duration": "250000"}


@pytest.fixture(scope="module")
def speech(samples: Path) -> Samples:
    """The announcement, at 16 kHz."""
    file = open_source(samples / "announcement.wav")
    return np.concatenate([block.channels[0] for block in Sound(file).blocks()])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("home")) as address:
        yield address


OPENED: list[Any] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def connect(address: str, query: str = "") -> Any:
    OPENED.append(websocket.create_connection(address.replace("http", "ws") + "/ws/transcribe" + query, timeout=20))
    return OPENED[-1]


def say(socket: Any, sound: bytes, **start: Any) -> list[Any]:
    """All that is answered to some sound, to the end."""
    socket.send(json.dumps({"type": "start", **start}))
    for at in range(0, len(sound), 20_000):
        socket.send_binary(sound[at : at + 20_000])
    socket.send(json.dumps({"type": "end"}))
    return until(socket, "done")


def until(socket: Any, *kinds: str) -> list[Any]:
    found = [json.loads(socket.recv())]
    while found[-1]["type"] not in (*kinds, "error"):
        found.append(json.loads(socket.recv()))
    return found


def pcm(samples: Samples) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


def recorded(samples: Samples, form: str) -> bytes:
    """Opus in a container without an index, as a browser records it."""
    out = io.BytesIO()

    class Pipe:
        def write(self, data: bytes) -> int:
            return out.write(data)

    with av.open(Pipe(), "w", format=form, options=FRAGMENTS if form == "mp4" else {}) as container:
        track = container.add_stream("libopus", rate=48_000)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", "mono")
        frame.sample_rate = RATE
        for made in (*av.AudioResampler("flt", "stereo", 48_000).resample(frame), None):
            for packet in track.encode(made):
                container.mux(packet)
    return out.getvalue()


def test_words_settle_and_are_never_taken_back(address: str, speech: Samples) -> None:
    socket = connect(address)
    told = say(socket, pcm(speech), language="English", prompt="boats")
    assert told[0] == {"type": "listening", "model": "stenographer"}
    settled = "".join(message["text"] for message in told if message["type"] == "settled")
    done = told[-1]
    assert done["text"] == settled.strip()
    assert done["duration"] == pytest.approx(len(speech) / RATE, abs=0.05)
    assert (done["language"], done["delay"] is None) == ("en", False)
    words = [word for message in told if message["type"] == "settled" for word in message["words"]]
    assert [word["start"] for word in words] == sorted(word["start"] for word in words)
    assert any("maybe" in message["text"] for message in told if message["type"] == "partial")
    again = say(socket, pcm(speech[:RATE]), language="en")  # on the same socket
    assert again[-1]["type"] == "done"


@pytest.mark.parametrize("form", ["webm", "ogg", "mp4"])
def test_what_a_browser_records_is_heard(address: str, speech: Samples, form: str) -> None:
    told = say(connect(address), recorded(speech[: 5 * RATE], form), format=form)
    assert told[-1]["duration"] == pytest.approx(5.0, abs=0.1)
    assert "word2" in told[-1]["text"]


def test_samples_of_any_rate_and_channels_are_heard(address: str, speech: Samples) -> None:
    stereo = np.repeat(np.repeat(speech[: 3 * RATE], 3)[:, None], 2, axis=1)
    told = say(connect(address), pcm(stereo), rate=48_000, channels=2)
    assert told[-1]["duration"] == pytest.approx(3.0, abs=0.05)
    assert "word2" in told[-1]["text"]


def test_silence_says_nothing(address: str) -> None:
    told = say(connect(address), bytes(4 * RATE))
    assert [message["type"] for message in told if message.get("text")] == []
    assert told[-1]["text"] == ""
    assert say(connect(address), b"", format="webm")[-1]["text"] == ""


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ({"format": "midi"}, "unknown format"),
        ({"rate": 7}, "rate"),
        ({"channels": 99}, "channels"),
        ({"language": "klingon"}, "klingon"),
        ({"volume": 3}, "volume"),
        ({"prompt": "x" * 20_000}, "prompt"),
    ],
)
def test_what_cannot_be_heard_is_refused_and_the_socket_goes_on(
    address: str, speech: Samples, start: dict[str, Any], says: str
) -> None:
    socket = connect(address)
    socket.send(json.dumps({"type": "start", **start}))
    error = until(socket)[-1]
    assert error["status_code"] in (400, 422)
    assert says in json.dumps(error)
    assert say(socket, pcm(speech[:RATE]))[-1]["type"] == "done"


def test_sound_that_is_none_is_an_error(address: str) -> None:
    told = say(connect(address), b"no sound" * 2000, format="webm")
    assert told[-1]["type"] == "error"
    assert "not a readable recording" in told[-1]["detail"]
    socket = connect(address)
    for message in ('{"type": "end"}', '{"type": "sing"}', "[]", "{"):
        socket.send(message)
        assert until(socket)[-1]["status_code"] == 400
    socket.send_binary(b"12")
    assert "start" in json.dumps(until(socket)[-1])


def test_who_leaves_or_cancels_gives_the_place_back(
    address: str, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_speech, "MOST_SPEAKERS", 1)
    first, second = connect(address), connect(address)
    first.send(json.dumps({"type": "start"}))
    until(first, "listening")
    second.send(json.dumps({"type": "start"}))
    assert until(second)[-1]["status_code"] == 503
    first.send(json.dumps({"type": "start"}))
    assert "heard" in until(first)[-1]["detail"]
    first.send(json.dumps({"type": "cancel"}))
    assert until(first, "cancelled")[-1]["was_running"]
    second.send(json.dumps({"type": "start"}))
    assert until(second, "listening")[-1]["type"] == "listening"
    second.close()
    for _ in range(50):
        told = say(first, pcm(speech[:RATE]))
        if told[-1]["type"] == "done":
            break
        time.sleep(0.05)
    assert told[-1]["type"] == "done"


def test_a_key_is_asked_for(tmp_path: Path, speech: Samples) -> None:
    secret, _ = KeyFile(tmp_path / "keys.json").create("app")
    with served(tmp_path) as address:
        socket = connect(address)
        socket.send(json.dumps({"type": "start"}))
        assert until(socket)[-1]["status_code"] == 401
        assert say(connect(address, f"?api_key={secret}"), pcm(speech[:RATE]))[-1]["type"] == "done"


@pytest.mark.browser
@needs("chromium")
def test_the_page_writes_what_is_said_into_the_question(address: str, samples: Path) -> None:
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    sound = f"--use-file-for-fake-audio-capture={samples / 'announcement.wav'}"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=[*options, sound])
        tab = browser.new_context(permissions=["microphone"]).new_page()
        wrong: list[str] = []
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto(address)
        question = tab.get_by_label("Your question")
        question.fill("Note:")
        tab.get_by_role("button", name="Speak", exact=True).click()
        assert soon(lambda: "word2" in question.input_value())
        tab.get_by_role("button", name="Stop speaking").click()
        tab.get_by_role("button", name="Speak", exact=True).wait_for()
        assert question.input_value().startswith("Note: word")
        assert wrong == []
        browser.close()


@pytest.mark.browser
@needs("chromium")
def test_a_microphone_that_is_allowed_too_late_is_let_go(address: str) -> None:
    from playwright.sync_api import sync_playwright

    asked_for = """
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wanted) => new Promise((give) => {
          window.allow = async () => give((window.sound = await ask(wanted)));
        });
    """
    options = ["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        tab = browser.new_context(permissions=["microphone"]).new_page()
        tab.add_init_script(asked_for)
        tab.goto(address)
        tab.get_by_role("button", name="Speak", exact=True).click()
        assert soon(lambda: tab.evaluate("() => Boolean(window.allow)"))
        tab.get_by_role("button", name="Stop speaking").click()
        tab.evaluate("() => window.allow()")
        states = "() => window.sound.getTracks().map((track) => track.readyState)"
        assert soon(lambda: tab.evaluate(states) == ["ended"])
        browser.close()


@pytest.mark.slow
def test_whisper_writes_what_is_said(speech: Samples, tmp_path: Path) -> None:
    transcriber = WhisperTranscriber(cache=tmp_path)
    live = transcriber.live(SpeechOptions(language="en"))
    settled, tails = "", 0
    for at in range(0, len(speech), RATE):
        live.feed(speech[at : at + RATE])
        if live.due(False):
            update = live.read()
            settled += "".join(word.text for word in update.settled)
            tails += bool(update.tail)
    assert len(settled) > 60
    settled += "".join(word.text for word in live.read(last=True).settled)
    assert "journey" in settled
    assert "ticket until the end" in settled
    assert tails > 3
    transcriber.release()
