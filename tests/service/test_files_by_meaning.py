"""Files are made ready to be found by meaning when they come, and who waits for them is told how far it is."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from support.gateway import gateway, model
from support.upstream import soon, upstream

from autopicker_lab import Settings, Workbench
from autopicker_lab.widgets import ContextModel

FACT, QUESTION = "The password of the lighthouse is marmalade.", "灯塔的密码是什么？"
TEXT = "\n\n".join([f"Line {i} tells of the weather of the {i}th day of May. " * 3 for i in range(60)] + [FACT])


class SlowMeaning:
    """An encoder that knows one thing, and begins when it may."""

    name = "meaning"

    def __init__(self) -> None:
        self.may_begin = threading.Event()
        self.read: list[str] = []

    def passages(self, texts: Sequence[str]) -> Any:
        self.may_begin.wait(30)
        self.read += texts
        return np.stack([self.question(text) for text in texts])

    def question(self, text: str) -> Any:
        return np.array([1.0, 0.0] if "lighthouse" in text or "灯塔" in text else [0.0, 1.0], np.float32)

    def knows(self) -> bool:
        return any(FACT in text for text in self.read)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> SlowMeaning:
    made = SlowMeaning()
    monkeypatch.setattr("autopicker_lab.workbench.bundled", lambda: made)
    return made


@pytest.fixture
def base(encoder: SlowMeaning) -> Iterator[str]:
    with upstream() as up:
        small = model(up.url, timeout_s=30.0, context_window=1_500, max_output=100)
        with gateway(small, retrieval_encoder="auto") as address:
            yield address


def uploaded(base: str) -> str:
    answer = httpx.post(f"{base}/api/v1/upload", files={"file": ("weather.txt", TEXT.encode())})
    found: str = answer.json()["id"]
    return found


def test_an_upload_is_read_before_a_question_comes(base: str, encoder: SlowMeaning) -> None:
    encoder.may_begin.set()
    uploaded(base)
    assert soon(encoder.knows)


def test_a_file_given_to_a_panel_is_read_before_a_question_comes(encoder: SlowMeaning, tmp_path: Path) -> None:
    encoder.may_begin.set()
    path = tmp_path / "weather.txt"
    path.write_text(TEXT, "utf-8")
    with Workbench(Settings(autopicker_home=tmp_path, retrieval_encoder="auto")) as lab:
        ContextModel(lab).intake.add_path(str(path))
        assert soon(encoder.knows)


def test_comments_of_a_stream_tell_how_far_the_waiting_is(
    base: str, encoder: SlowMeaning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autopicker_lab.service.request.disconnect.KEEPALIVE_S", 0.05)
    body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True, "file_ids": [uploaded(base)]}
    with httpx.stream("POST", f"{base}/api/v1/chat/completions", json=body, timeout=30) as answer:
        lines = []
        for line in answer.iter_lines():
            lines.append(line)
            if line.startswith(": waiting, 0 of "):
                encoder.may_begin.set()
    assert encoder.knows()
    assert any(line.startswith(": waiting, 0 of ") for line in lines)
    assert all(line.startswith((": waiting", "data: ")) for line in lines if line)
    assert lines[-2:] == ["data: [DONE]", ""] or lines[-1] == "data: [DONE]"
