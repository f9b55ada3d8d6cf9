"""What the headers of an answer say of it."""

import json
from urllib.parse import unquote

import httpx
import pytest
from support.gateway import gateway, model
from support.scripted import scripted

from autopicker_lab.service.chat.answer_headers import answer_headers

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize("name", ["auto", "m"])
@pytest.mark.parametrize("stream", [False, True])
def test_headers_and_body_say_who_answered_and_why(name: str, stream: bool) -> None:
    with scripted() as up, gateway(model(up.url, price_in=1.0, price_out=2.0), cache_ttl=60) as base:
        for cache in ("MISS", "HIT"):
            body = {"messages": HELLO, "model": name, "stream": stream, "stream_options": {"include_usage": True}}
            answer = httpx.post(f"{base}/v1/chat/completions", json=body)
            assert answer.headers["x-cache"] == cache
            assert answer.headers["x-autopicker-model"] == "m"
            assert float(answer.headers["x-autopicker-score"]) >= 0
            assert answer.headers["x-autopicker-reason"]
            assert answer.headers["x-request-id"]
            assert '"routing":{' in answer.text
            last = json.loads(answer.text.split("data: ")[-2] if stream else answer.text)
            usage = last["usage"]
            cost = (usage["prompt_tokens"] * 1.0 + usage["completion_tokens"] * 2.0) / 1e6 if cache == "MISS" else 0.0
            assert (cost > 0) == (cache == "MISS")
            if stream:  # its headers leave before it is known
                assert last["cost_usd"] == pytest.approx(cost, abs=1e-8)
            else:
                assert float(answer.headers["x-autopicker-cost-usd"]) == pytest.approx(cost, abs=1e-8)
                assert answer.json()["routing"]["selected_model"] == "m"


@pytest.mark.parametrize("text", ["größer, 100 % sicher", "two\r\nlines: x", "\ud800", "x" * 5000, "日本" * 500])
def test_headers_are_ascii_and_short(text: str) -> None:
    headers = dict(answer_headers(text, {"complexity_score": 3.5, "reason": text, "warnings": [text]}))
    for value in headers.values():
        assert value.isascii()
        assert value.decode().isprintable()
        assert len(value) <= 2000
    if len(text) < 100 and text != "\ud800":
        assert unquote(headers[b"x-autopicker-reason"].decode()) == text
