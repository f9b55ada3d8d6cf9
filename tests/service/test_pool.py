"""Several entries of one name in the catalogue are one model with several servers."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.raw_upstream import END, completion, event, piece, raw_upstream, stream, whole
from support.serving import free_port
from support.upstream import soon

from autopicker_lab.core import ModelSpec, SettingsError
from autopicker_lab.models import Catalogue, build
from autopicker_lab.settings import ModelConfig

BROKEN = whole({"error": {"message": "boom"}}, "500 I")


@pytest.fixture
def two() -> Iterator[Any]:
    with raw_upstream() as one, raw_upstream() as other:
        for name, up in (("one", one), ("other", other)):
            up.script = says(whole(completion(name)))
        yield one, other


def says(*answer: Any) -> Any:
    return lambda asked: answer


def entry(url: str, **fields: Any) -> ModelConfig:
    return ModelConfig(name="m", type="openai", endpoint=url, timeout_s=5, **fields)


def ask(base: str, streamed: bool = False, model: str = "m") -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": streamed}
    return httpx.post(f"{base}/v1/chat/completions", json=body, timeout=30)


@pytest.mark.fault("one of several servers of a model fails", "another answers; the one that fails is set aside")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        (BROKEN,),
        (None,),
        (whole({"error": {"message": "slow down"}}, "429 T", "retry-after: 60\r\n"),),
        (whole({"error": {"message": "overloaded"}}, "529 O"),),
        (whole({"error": {"message": "no credit", "code": "insufficient_quota"}}, "429 T"),),
        tuple(stream(piece({"role": "assistant"}), event({"error": {"message": "out of memory"}}))),
    ],
)
def test_another_server_stands_in(two: Any, fault: Any, streamed: bool) -> None:
    one, other = two
    other.script = says(*stream(piece({"content": "other"}) + END)) if streamed else says(whole(completion("other")))
    with gateway(entry(one.url), entry(other.url)) as base:
        one.script = says(*fault)
        for _ in range(8):
            got = ask(base, streamed)
            assert got.status_code == 200
            assert '"other"' in got.text
        assert len(one.asked) <= 3  # and then it rests
        assert len(other.asked) == 8


def test_the_least_busy_is_asked_and_equal_ones_in_turn(two: Any) -> None:
    one, other = two
    with gateway(entry(one.url), entry(other.url)) as base:
        for _ in range(4):
            ask(base)
        assert (len(one.asked), len(other.asked)) == (2, 2)
        one.script = lambda asked: [1.5, whole(completion("late"))]
        busy = [threading.Thread(target=lambda: ask(base)) for _ in range(1)]
        while len(one.asked) == 2:
            busy[-1].start()
            assert soon(lambda: len(one.asked) + len(other.asked) > 4)
            busy.append(threading.Thread(target=lambda: ask(base)))
            time.sleep(0.2)
        before = len(other.asked)
        for _ in range(3):
            assert ask(base).json()["choices"][0]["message"]["content"] == "other"
        assert len(other.asked) == before + 3
        for thread in busy[:-1]:
            thread.join()


def test_a_pool_is_there_while_one_of_its_servers_is(two: Any) -> None:
    one, _ = two
    with gateway(entry(f"http://127.0.0.1:{free_port()}/v1"), entry(one.url)) as base:
        listed = {m["id"]: m["available"] for m in httpx.get(f"{base}/v1/models").json()["data"]}
        assert listed["m"]
        assert all(ask(base).status_code == 200 for _ in range(4))
    with gateway(*[entry(f"http://127.0.0.1:{free_port()}/v1") for _ in range(2)]) as base:
        assert ask(base).status_code == 503


def test_what_the_caller_did_wrong_is_asked_of_one_server_alone(two: Any) -> None:
    for up in two:
        up.script = says(whole({"error": {"message": "bad seed"}}, "400 B"))
    with gateway(entry(two[0].url), entry(two[1].url)) as base:
        assert ask(base).status_code == 400
        assert sum(len(up.asked) for up in two) == 1


def test_a_stream_that_breaks_after_a_piece_is_not_begun_anew(two: Any) -> None:
    for up in two:
        up.script = says(*stream(piece({"content": "half"})))
    with gateway(entry(two[0].url), entry(two[1].url)) as base:
        got = ask(base, True)
        assert json.loads(got.text.split("data: ")[-1])["status_code"] == 502
        assert sum(len(up.asked) for up in two) == 1


def test_a_pool_promises_what_each_server_holds() -> None:
    def spec(endpoint: str, **fields: Any) -> ModelSpec:
        return ModelSpec("m", "openai", "x", endpoint, **fields)

    near = spec("http://127.0.0.1:1/v1", capabilities=frozenset({"text", "tools"}), context_window=9000, price_in=1.0)
    far = spec("https://far.example/v1", context_window=5000, aliases=("n",), price_out=2.0, max_concurrency=3)
    catalogue = Catalogue([build(near), build(far)])
    made = catalogue.get("n").describe()
    assert [s.id for s in catalogue.specs()] == ["m"]
    assert (made.context_window, made.capabilities, made.price_in, made.price_out) == (
        5000,
        frozenset({"text"}),
        1.0,
        2.0,
    )
    assert (made.endpoint, made.max_concurrency) == ("https://far.example/v1", None)
    with pytest.raises(SettingsError, match="ollama and openai"):
        Catalogue([build(near), build(ModelSpec("m", "ollama", "x", "http://h"))])


@pytest.mark.fault("all servers of a model are over their rate limits", "429 with Retry-After")
def test_a_pool_that_is_limited_as_a_whole_says_so(two: Any) -> None:
    for up in two:
        up.script = says(whole({"error": {"message": "slow down"}}, "429 T", "retry-after: 30\r\n"))
    with gateway(entry(two[0].url), entry(two[1].url)) as base:
        for _ in range(3):
            got = ask(base)
            assert got.status_code == 429
            assert 25 <= int(got.headers["retry-after"]) <= 30
        assert sum(len(up.asked) for up in two) == 2
