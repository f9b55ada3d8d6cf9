"""Files and recordings by OpenAI's own client, beside the platform's fields under the same paths."""

import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from support.gateway import gateway
from support.upstream import upstream


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
def test_openai_s_client_and_the_platform_s_see_the_same_files(prefix: str, samples: Path, tmp_path: Path) -> None:
    with upstream() as up, gateway(up, storage_url=str(tmp_path)) as base:
        client = openai.OpenAI(base_url=base + prefix, api_key="none", max_retries=0)
        data = (samples / "notes.txt").read_bytes()
        made = client.files.create(file=("nötes.txt", data), purpose="assistants")
        assert (made.object, made.filename, made.bytes, made.purpose) == ("file", "nötes.txt", len(data), "assistants")
        assert isinstance(made.created_at, int)
        other = httpx.post(f"{base}{prefix}/upload", files={"file": ("two.txt", b"two")}).json()
        assert [row.id for row in client.files.list()] == [made.id, other["id"]]
        assert [row.id for row in client.files.list(purpose="assistants")] == [made.id]
        assert [row.id for row in client.files.list(limit=1, order="desc")] == [other["id"], made.id]
        assert client.files.retrieve(made.id).status == "processed"
        assert client.files.content(made.id).read() == data
        url = f"{base}{prefix}/files/{made.id}/content"
        document = httpx.get(url).json()
        assert (document["id"], bool(document["parts"])) == (made.id, True)
        saved = httpx.get(url, headers={"Accept": "application/octet-stream"})
        assert (saved.content, saved.headers["x-content-type-options"]) == (data, "nosniff")
        listed = httpx.get(f"{base}{prefix}/files").json()
        assert (listed["files"], listed["count"]) == (listed["data"], 2)
        assert client.files.delete(made.id).deleted
        with pytest.raises(openai.NotFoundError):
            client.files.retrieve(made.id)
        with pytest.raises(openai.APIStatusError) as caught:
            client.files.create(file=("x.exe", b"MZ\x90\x00" + b"\x00" * 60), purpose="assistants")
        assert caught.value.status_code == 415


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # of the client's translations
def test_recordings(service: str, samples: Path) -> None:
    client = openai.OpenAI(base_url=f"{service}/v1", api_key="none", max_retries=0, timeout=120)
    sound = samples / "announcement.mp3"

    def hear(**options: Any) -> Any:
        with sound.open("rb") as file:
            return client.audio.transcriptions.create(model="whisper-1", file=file, **options)

    whole = hear().text
    assert whole
    for _ in range(2):  # made, and known already
        events: list[Any] = list(hear(stream=True, language="en"))
        assert {event.type for event in events[:-1]} == {"transcript.text.delta"}
        assert events[-1].type == "transcript.text.done"
        assert "".join(event.delta for event in events[:-1]) == events[-1].text
    verbose = hear(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert verbose.words[0].word
    assert verbose.segments[0].end > 0
    assert hear(response_format="srt").startswith("1\n")
    with sound.open("rb") as file:
        assert client.audio.translations.create(model="whisper-1", file=file).text
    with pytest.raises(openai.BadRequestError, match="stream"):
        hear(stream=True, response_format="srt")
    with pytest.raises(openai.BadRequestError):
        client.audio.transcriptions.create(model="whisper-1", file=("notes.txt", b"no sound"), stream=True)


def test_they_are_documented(service: str) -> None:
    paths = json.loads(httpx.get(f"{service}/openapi.json").text)["paths"]
    assert {"/api/v1/files", "/api/v1/embeddings", "/api/v1/audio/translations"} <= set(paths)
