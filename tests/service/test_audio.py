"""Options of the audio routes, each heard or refused; a stand-in hears, so that nothing takes long."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.serving import serving

from autopicker_lab import Settings, Workbench
from autopicker_lab.chat import Reader
from autopicker_lab.core import Document, Segment, SourceFile, SpeechOptions, Transcript, Word
from autopicker_lab.extraction.pool import read_source
from autopicker_lab.runtime.progress import Progress
from autopicker_lab.service.app import create_app
from autopicker_lab.transcription.hearing import check_options
from autopicker_lab.transcription.languages import language_code

WORDS = (Word(0.5, 0.9, " Two", 0.5), Word(1.0, 1.4, " boats.", 0.9))
LINE = "Please keep your ticket until the end of the journey, and show it to whoever asks."


class Parrot:
    """Says what it was asked for."""

    model = "parrot"

    def __init__(self) -> None:
        self.asked: list[SpeechOptions] = []

    def transcribe(
        self,
        file: SourceFile,
        options: SpeechOptions = SpeechOptions(),
        *,
        progress: Progress | None = None,
        heard: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        check_options(options)
        language_code(options.language)
        self.asked.append(options)
        segments = (
            Segment(0.5, 1.4, "Two boats.", 0.7, WORDS if options.words else ()),
            Segment(20, 20.5, "Thanks for watching.", 0.2, doubt="made up"),
            Segment(21, 25, LINE, 0.9),
        )
        for segment in segments:
            if heard is not None:
                heard(segment)
        text = " ".join(segment.text for segment in segments)
        return Transcript(file.name, text, None, 30.0, segments, "parrot", 0.1, ("hardly a voice",))

    def release(self) -> None:
        """Nothing is kept."""


@pytest.fixture(scope="module")
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture(scope="module")
def address(parrot: Parrot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    async def extract(file: SourceFile) -> Document:
        return read_source(file)

    with Workbench(Settings.load(autopicker_home=tmp_path_factory.mktemp("home"))) as lab:
        lab.reader = Reader(extract, parrot)
        with serving(create_app(lab)) as served:
            yield served


@pytest.fixture
def ask(address: str, samples: Path) -> Callable[..., httpx.Response]:
    def ask(path: str = "transcriptions", **form: Any) -> httpx.Response:
        data = {name.replace("_list", "[]"): value for name, value in form.items()}
        files = {"file": ("announcement.wav", (samples / "announcement.wav").read_bytes())}
        return httpx.post(f"{address}/v1/audio/{path}", data=data, files=files, timeout=30)

    return ask


@pytest.mark.parametrize("path", ["transcriptions", "translations"])
def test_each_option_reaches_the_recogniser(ask: Any, parrot: Parrot, path: str) -> None:
    given = {"language": "de-AT", "prompt": f"Ankunft {path}", "hotwords": "Gleis", "temperature": "0.2"}
    assert ask(path, **given).status_code == 200
    task = "transcribe" if path == "transcriptions" else "translate"
    options = SpeechOptions("de-AT", task, prompt=f"Ankunft {path}", hotwords="Gleis", temperature=0.2)
    assert parrot.asked[-1] == options


def test_verbose_json_is_whole(ask: Any) -> None:
    body = ask(response_format="verbose_json", timestamp_granularities_list="word").json()
    assert (body["task"], body["language"], body["duration"]) == ("transcribe", "", 30)
    figures = {"id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob", "compression_ratio"}
    assert figures | {"no_speech_prob"} <= set(body["segments"][0])
    assert body["segments"][1]["doubt"] == "made up"
    assert body["words"] == [{"word": "Two", "start": 0.5, "end": 0.9}, {"word": "boats.", "start": 1.0, "end": 1.4}]
    assert body["warnings"] == ["hardly a voice"]
    assert "words" not in ask(response_format="verbose_json", include_list="logprobs").json()


def test_logprobs_are_of_words(ask: Any) -> None:
    rows = ask(include_list="logprobs").json()["logprobs"]
    assert rows[0] == {"token": " Two", "logprob": pytest.approx(-0.693, abs=0.001), "bytes": list(b" Two")}


def test_vtt_has_the_start_of_each_word(ask: Any) -> None:
    text = ask(response_format="vtt", timestamp_granularities_list="word").text
    assert "<c>Two</c> <00:00:01.000><c>boats.</c>" in text
    assert all(len(line) <= 42 for line in ask(response_format="srt").text.splitlines())


def test_a_stream_is_the_text_piece_by_piece(ask: Any) -> None:
    for prompt in ("new", "new"):  # made, and known already
        answer = ask(stream="true", prompt=prompt, include_list="logprobs")
        events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
        assert {event["type"] for event in events[:-1]} == {"transcript.text.delta"}
        assert "".join(event["delta"] for event in events[:-1]) == events[-1]["text"]
        assert events[-1]["type"] == "transcript.text.done"
        assert [row["token"] for event in events[:-1] for row in event["logprobs"]] == [" Two", " boats."]
        assert events[-1]["warnings"] == ["hardly a voice"]


@pytest.mark.parametrize("name", ["timestamp_granularities", "timestamp_granularities[]"])
@pytest.mark.parametrize("value", [["word"], ["segment", "word"], "segment,word", '["word"]'])
def test_granularities_in_each_way_that_clients_write_them(ask: Any, name: str, value: Any) -> None:
    assert ask(response_format="verbose_json", **{name: value}).json()["words"][0]["word"] == "Two"


def test_the_voice_filter_is_set_as_other_servers_take_it(ask: Any, parrot: Parrot) -> None:
    assert ask(vad_filter="false").status_code == 200
    assert parrot.asked[-1].vad is False


@pytest.mark.fault("an option of a transcription is unknown, of a wrong kind, or goes with no other", "400 names it")
@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": "nan"}, "temperature"),
        ({"temperature": "2"}, "temperature"),
        ({"language": "Klingon"}, "Klingon"),
        ({"response_format": "diarized_json"}, "share a channel"),
        ({"timestamp_granularities_list": "letter"}, "timestamp_granularities"),
        ({"timestamp_granularities_list": "word"}, "verbose_json"),
        ({"include_list": "secrets"}, "include"),
        ({"include_list": "logprobs", "response_format": "srt"}, "logprobs"),
        ({"stream": "true", "response_format": "srt"}, "stream"),
        ({"stream": "perhaps"}, "stream"),
        ({"known_speaker_names_list": "Ada"}, "known_speaker_names"),
        ({"langauge": "de"}, "langauge"),
    ],
)
def test_what_cannot_be_had_is_refused(ask: Any, form: dict[str, str], word: str) -> None:
    answer = ask(**form)
    assert answer.status_code == 400
    assert word in json.dumps(answer.json()["error"])


def test_an_upload_has_the_same_options(address: str, samples: Path, parrot: Parrot) -> None:
    with (samples / "announcement.mp3").open("rb") as file:
        upload = httpx.post(f"{address}/api/v1/upload", files={"file": file}, timeout=30).json()
    path = f"{address}/api/v1/transcribe/{upload['id']}"
    body = httpx.post(path, params={"word_timestamps": True, "prompt": "x", "temperature": 0}, timeout=30).json()
    assert parrot.asked[-1] == SpeechOptions(words=True, prompt="x", temperature=0.0)
    assert body["segments"][0]["words"][0]["word"] == "Two"
    assert body["warnings"] == ["hardly a voice"]
    assert httpx.post(path, params={"word_timestamp": True}, timeout=30).status_code == 400
