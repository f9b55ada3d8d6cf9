"""Answers about files say which of their sentences stand where; streams say it at their end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.gateway import gateway
from support.raw_upstream import END, completion, piece, raw_upstream, stream, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "# Zeals\n\nThe boat yard of Zeals employed 190 people at its height.\n"
ANSWER = "It employed 190 people. It closed in 1999."
QUESTION = [{"role": "user", "content": "How many people did the boat yard employ?"}]


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with raw_upstream() as up:
        up.script = lambda asked: (
            stream(piece({"role": "assistant", "content": ANSWER[:9]}), piece({"content": ANSWER[9:]}), END)
            if asked.body.get("stream")
            else [whole(completion(ANSWER))]
        )
        with gateway(up, cache_ttl=60) as address:
            yield address


@pytest.fixture(scope="module")
def file_id(base: str) -> str:
    upload = requests.post(f"{base}/api/v1/upload", files={"file": ("survey.md", FILE)}, timeout=30)
    return str(upload.json()["id"])


def check(answer: Any) -> None:
    (citation,) = answer["citations"]
    assert (citation["file"], citation["quote"]) == ("survey.md", FILE.splitlines()[2])
    assert ANSWER[slice(*citation["sentence"])] == "It employed 190 people."
    (span,) = answer["unsupported"]
    assert ANSWER[slice(*span)].strip() == "It closed in 1999."


def test_a_whole_answer_has_citations(base: str, file_id: str) -> None:
    body = {"messages": QUESTION, "file_ids": [file_id], "model": "m"}
    answer = requests.post(f"{base}/api/v1/chat/multimodal", json=body, timeout=30).json()
    check(answer)
    assert answer["context"]["coverage"] == [{"file": "survey.md", "share": 1.0}]


def test_a_stream_has_them_at_its_end_and_again_from_the_cache(base: str, file_id: str) -> None:
    body = {"messages": QUESTION, "file_ids": [file_id], "model": "m", "stream": True, "temperature": 0}
    for _ in range(2):
        answer = requests.post(f"{base}/api/v1/chat/multimodal", json=body, timeout=30)
        events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
        assert "citations" not in events[0]
        assert events[0]["context"]["used"]
        check(events[-1])
        assert events[-1]["choices"][0]["delta"] == {}


def test_what_would_be_read_is_told_without_an_answer(base: str, file_id: str) -> None:
    body = {"messages": QUESTION, "file_ids": [file_id], "budget": 100}
    told = requests.post(f"{base}/api/v1/context", json=body, timeout=30).json()["context"]
    assert FILE.splitlines()[2] in told["text"]
    assert (told["passages"][0]["file"], told["model"], told["budget"]) == ("survey.md", None, 100)
    missing = requests.post(f"{base}/api/v1/context", json={**body, "file_ids": ["no"]}, timeout=30)
    assert missing.status_code == 404
