"""Cascades as they are served: the first answer is held, and kept or not by the signal that is measured on it."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket
from starlette.responses import JSONResponse
from support.gateway import gateway
from support.scripted import USAGE, chunks, completion, scripted

from autopicker_lab.core import Cascade, InvalidRequestError, RoutePolicy
from autopicker_lab.routing import default_policy, save_policy
from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import KeyFile, Ledger

HELLO = [{"role": "user", "content": "Hello"}]
CASCADE = Cascade("cheap", "dear", "logprob_mean", (-2.0, 0.0), (0.1, 0.9), (0.6, 0.0), least_gain=0.3, always=True)
POLICY = replace(default_policy(), name="cascade", cascade=CASCADE)


def answer_with(logprob: float | None, text: str = "cheap words", **fields: Any) -> dict[str, Any]:
    """A chat.completion of two tokens with this mean log-probability."""
    made = completion({"content": text}, **fields)
    if logprob is not None:
        rows: list[dict[str, Any]] = [
            {"token": word, "logprob": value, "bytes": None, "top_logprobs": []}
            for word, value in ((text, 0.0), ("!", 2 * logprob))
        ]
        made["choices"][0]["logprobs"] = {"content": rows, "refusal": None}
    return made


@contextmanager
def two_models(home: Path, policy: RoutePolicy = POLICY, **settings: Any) -> Iterator[Any]:
    """A service whose policy asks "cheap" first (0.001 USD a token of an answer), then "dear" (0.1 USD)."""
    with scripted() as cheap, scripted() as dear:
        dear.whole, dear.chunks = completion({"content": "dear words"}), chunks({"content": "dear words"}, usage=USAGE)
        named = {"cheap": (cheap, 1_000, 0.2), "dear": (dear, 100_000, 0.9)}
        models = [
            ModelConfig(name=name, type="openai", endpoint=up.url, price_out=price, quality=quality, timeout_s=2.0)
            for name, (up, price, quality) in named.items()
        ]
        path = save_policy(policy, home / "policy.json")
        with gateway(*models, autopicker_policy=str(path), autopicker_home=home, **settings) as base:
            yield base, cheap, dear


def ask(base: str, path: str = "/v1/chat/completions", key: str = "", **body: Any) -> httpx.Response:
    headers = {"x-api-key": key} if key else {}
    return httpx.post(f"{base}{path}", json={"messages": HELLO, "model": "auto", **body}, headers=headers, timeout=30)


def text_of(stream: str) -> str:
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    return "".join((choice["delta"].get("content") or "") for event in events for choice in event["choices"])


def test_a_sure_answer_is_kept_and_the_second_model_not_asked(tmp_path: Path) -> None:
    with two_models(tmp_path) as (base, cheap, dear):
        cheap.whole = answer_with(-0.1)
        answer = ask(base, max_tokens=20)
        said = answer.json()
        assert (said["model"], said["choices"][0]["message"]["content"]) == ("cheap", "cheap words")
        assert not dear.bodies
        assert [cheap.bodies[0][name] for name in ("logprobs", "top_logprobs", "max_tokens")] == [True, 2, 20]
        assert said["choices"][0]["logprobs"] is None  # the caller did not ask for them
        cascade = said["routing"]["cascade"]
        assert (cascade["went_up"], cascade["signal"], cascade["value"]) == (False, "logprob_mean", -0.1)
        assert cascade["right"] == pytest.approx(0.86)
        assert [call["model"] for call in cascade["calls"]] == ["cheap"]
        assert answer.headers["x-autopicker-cascade"] == "kept"
        assert float(answer.headers["x-autopicker-cost-usd"]) == pytest.approx(0.005)
        assert text_of(ask(base, stream=True).text) == "cheap words"


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (answer_with(-1.5), "logprob_mean of -1.500"),
        (answer_with(None), "came without logprob_mean"),
        (answer_with(-0.1, finish_reason="length"), "longer than 1,024 tokens"),
        (JSONResponse({"error": {"message": "broken"}}, 500), "it failed"),
        (JSONResponse({"error": {"message": "logprobs are not supported"}}, 400), "it failed"),
    ],
)
def test_a_doubtful_answer_and_none_at_all_go_up(tmp_path: Path, first: Any, why: str) -> None:
    with two_models(tmp_path) as (base, cheap, dear):
        cheap.whole = lambda _: first
        answer = ask(base, max_tokens=2_000)
        said = answer.json()
        assert (said["model"], said["choices"][0]["message"]["content"]) == ("dear", "dear words")
        assert why in said["routing"]["reason"]
        assert not said["routing"]["fallback_used"]
        assert answer.headers["x-autopicker-cascade"] == "went-up"
        first_cost = 0.0 if isinstance(first, JSONResponse) else 0.005
        calls = {call["model"]: call["cost_usd"] for call in said["routing"]["cascade"]["calls"]}
        assert calls == pytest.approx({"cheap": first_cost, "dear": 0.5})
        assert float(answer.headers["x-autopicker-cost-usd"]) == pytest.approx(0.5 + first_cost)
        assert "logprobs" not in dear.bodies[0]
        streamed = ask(base, max_tokens=2_000, stream=True, stream_options={"include_usage": True})
        assert text_of(streamed.text) == "dear words"
        assert json.loads(streamed.text.split("data: ")[-2])["cost_usd"] == pytest.approx(0.5 + first_cost)


def test_where_the_second_model_fails_the_held_answer_is_given_with_a_warning(tmp_path: Path) -> None:
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=5)
    with two_models(tmp_path) as (base, cheap, dear):
        cheap.whole = answer_with(-1.5)
        dear.whole = dear.chunks = lambda _: JSONResponse({"error": {"message": "broken"}}, 500)
        said = ask(base, key=secret, max_tokens=20).json()
        assert (said["model"], said["choices"][0]["message"]["content"]) == ("cheap", "cheap words")
        assert "dear was asked, too, and failed" in said["routing"]["warnings"][0]
        assert not said["routing"]["fallback_used"]
        assert text_of(ask(base, key=secret, stream=True, max_tokens=20).text) == "cheap words"
    assert spent(tmp_path, key) == pytest.approx(2 * 0.005)  # of each call once


def spent(home: Path, key: Any) -> float:
    return Ledger(home / "spending.sqlite").spent((key.id, key.current_period()))


def test_both_calls_are_charged_and_never_more_than_is_there(tmp_path: Path) -> None:
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=2.02)
    with two_models(tmp_path) as (base, cheap, _):
        cheap.whole = answer_with(-1.5)
        assert ask(base, key=secret, max_tokens=20).json()["model"] == "dear"
        said = ask(base, key=secret, max_tokens=20).json()  # dear may cost 2 USD, of which 1.515 are left
        assert said["model"] == "cheap"
        assert "this request may cost 2.02 USD" in said["routing"]["warnings"][0]
    assert spent(tmp_path, key) == pytest.approx(0.505 + 0.005)


def test_the_decision_log_and_metrics_know_both_calls(tmp_path: Path) -> None:
    with two_models(tmp_path) as (base, cheap, _):
        cheap.whole = answer_with(-1.5)
        ask(base)
        metrics = httpx.get(f"{base}/metrics").text
        costs = {
            line.split('"')[1]: float(line.split()[-1])
            for line in metrics.splitlines()
            if line.startswith("autopicker_cost_usd_total{")
        }
        assert costs == pytest.approx({"cheap": 0.005, "dear": 0.5})


def test_a_kept_answer_is_cached_with_its_cascade(tmp_path: Path) -> None:
    with two_models(tmp_path, cache_ttl=60) as (base, cheap, _):
        cheap.whole = answer_with(-0.1)
        first, again = ask(base), ask(base)
        assert (again.headers["x-cache"], len(cheap.bodies)) == ("HIT", 1)
        assert again.json()["routing"] == first.json()["routing"]


def test_what_may_call_tools_is_not_held(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    with two_models(tmp_path) as (base, cheap, _):
        said = ask(base, tools=tools).json()
        assert said["model"] == "dear"
        assert "may call tools is not held" in said["routing"]["reason"]
        assert not cheap.bodies


def test_a_model_that_never_gives_the_signal_is_passed_over_after_three_answers(tmp_path: Path) -> None:
    with two_models(tmp_path) as (base, cheap, dear):
        cheap.whole = answer_with(None)
        reasons = [ask(base).json()["routing"]["reason"] for _ in range(4)]
        assert (len(cheap.bodies), len(dear.bodies)) == (3, 4)
        assert "dear is asked at once" in reasons[-1]


def test_other_dialects_and_the_socket_take_the_same_way(tmp_path: Path) -> None:
    with two_models(tmp_path) as (base, cheap, _):
        cheap.whole = answer_with(-1.5)
        assert ask(base, "/v1/messages", max_tokens=20).json()["content"][0]["text"] == "dear words"
        assert ask(base, "/api/chat", stream=False).json()["message"]["content"] == "dear words"
        with_socket = websocket.create_connection(base.replace("http", "ws") + "/ws/chat", timeout=10)
        try:
            with_socket.send(json.dumps({"type": "chat", "messages": HELLO}))
            route = json.loads(with_socket.recv())
            assert (route["model"], route["cascade"]["went_up"]) == ("dear", True)
            assert json.loads(with_socket.recv()) == {"type": "content", "content": "dear words"}
        finally:
            with_socket.close()


@pytest.mark.parametrize(
    ("others", "model"), [(["Cheap words.", "cheap  words", "no"], "cheap"), (["a", "b", "c"], "dear")]
)
def test_further_answers_that_agree_keep_the_first(tmp_path: Path, others: list[str], model: str) -> None:
    agreeing = replace(CASCADE, signal="agreement:3", values=(0.0, 1.0))
    with two_models(tmp_path, replace(POLICY, cascade=agreeing)) as (base, cheap, _):
        several = completion(*({"content": text} for text in others))
        cheap.whole = lambda body: several if body.get("n") else completion({"content": "cheap words"})
        said = ask(base, max_tokens=20).json()
        assert (said["model"], said["routing"]["cascade"]["value"]) == (
            model,
            pytest.approx(2 / 3 if model == "cheap" else 0),
        )
        assert [body.get("n") for body in cheap.bodies] == [None, 3]
        assert said["routing"]["cascade"]["calls"][0]["completion_tokens"] == 10  # of both requests
        assert "logprobs" not in cheap.bodies[0]


def test_an_answer_that_does_not_match_goes_up(tmp_path: Path) -> None:
    matching = replace(CASCADE, signal="regex:^cheap", values=(0.0, 1.0))
    with two_models(tmp_path, replace(POLICY, cascade=matching)) as (base, cheap, _):
        models = []
        for text in ("cheap words", "a cheap word"):
            cheap.whole = completion({"content": text})
            models.append(ask(base).json()["model"])
        assert models == ["cheap", "dear"]


def by_signal(name: str) -> RoutePolicy:
    """A cascade by a signal from 0 to 1, which goes up below about a half."""
    return replace(POLICY, cascade=replace(CASCADE, signal=name, values=(0.0, 1.0)))


def test_an_answer_that_fails_a_schema_or_ones_own_check_goes_up(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("def check(reply, question):\n    return float(reply == question)\n")
    for name, good in (('schema:{"required":["n"]}', '{"n": 1}'), ("my.py:check", "Hello")):
        with two_models(tmp_path, by_signal(name), autopicker_checks=tmp_path) as (base, cheap, _):
            for text, model, value in ((good, "cheap", 1.0), ("{}", "dear", 0.0)):
                cheap.whole = completion({"content": text})
                said = ask(base).json()
                assert (said["model"], said["routing"]["cascade"]["value"]) == (model, value)
                assert said["routing"]["cascade"]["signal"] == name


def test_a_check_that_fails_goes_up_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("def check(reply, question):\n    return 1 / 0\n")
    with two_models(tmp_path, by_signal("my.py:check"), autopicker_checks=tmp_path) as (base, _, _):
        said = ask(base).json()
        assert said["model"] == "dear"
        assert "ZeroDivisionError" in said["routing"]["cascade"]["why"]


def test_code_of_a_policy_is_not_run_unless_its_folder_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidRequestError, match="from a folder that you name alone"),
        two_models(tmp_path, by_signal("my.py:check")),
    ):
        pass


@pytest.mark.parametrize(("mark", "model"), [("9", "cheap"), ("1 of 10", "dear"), ("no idea", "dear")])
def test_a_judge_is_asked_charged_and_named(tmp_path: Path, mark: str, model: str) -> None:
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=100)
    with two_models(tmp_path, by_signal("judge:dear")) as (base, cheap, dear):
        cheap.whole = completion({"content": "cheap words"})
        verdict, words = completion({"content": mark}), completion({"content": "dear words"})
        dear.whole = lambda body: verdict if "Answer to grade" in body["messages"][0]["content"] else words
        answer = ask(base, key=secret, max_tokens=20)
        said = answer.json()
        assert said["model"] == model
        calls = [(call["model"], call["cost_usd"]) for call in said["routing"]["cascade"]["calls"]]
        assert calls == [("cheap", 0.005), ("dear", 0.5), *([("dear", 0.5)] if model == "dear" else [])]
        cost = sum(usd for _, usd in calls)
        assert float(answer.headers["x-autopicker-cost-usd"]) == pytest.approx(cost)
        metrics = httpx.get(f"{base}/metrics", headers={"x-api-key": secret}).text
        assert f'autopicker_cost_usd_total{{model="dear"}} {cost - 0.005:g}' in metrics
    assert spent(tmp_path, key) == pytest.approx(cost)


def test_without_its_judge_the_second_model_is_asked_at_once(tmp_path: Path) -> None:
    with two_models(tmp_path, by_signal("judge:nobody")) as (base, cheap, _):
        said = ask(base).json()
        assert (said["model"], cheap.bodies) == ("dear", [])
        assert "there is no 'nobody' to judge" in said["routing"]["reason"]


def test_thirty_at_once_spend_no_more_than_there_is_and_reserve_both_calls(tmp_path: Path) -> None:
    """A cheap call may cost 0.022 USD and a dear one 2.2: there is enough for both calls of four requests."""
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=9.5)
    with two_models(tmp_path) as (base, cheap, dear):
        cheap.whole, dear.whole = slowly(answer_with(-1.5)), slowly(completion({"content": "dear words"}))
        with ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda _: ask(base, key=secret, max_tokens=20), range(30)))
    said = [answer.json() for answer in answers if answer.status_code == 200]
    refused = sorted(answer.status_code for answer in answers if answer.status_code != 200)
    assert all(status in (402, 429, 502, 503, 504) for status in refused), refused  # thirty at once on two cores
    up = [each for each in said if each["model"] == "dear"]
    assert up  # how many depends on who comes first
    assert len(up) <= len(dear.bodies) <= len(up) + len(refused)
    told = [each["routing"]["warnings"][0] for each in said if each["model"] == "cheap"]
    assert all("could not be asked, too" in line for line in told)  # none began what it could not pay
    paid = sum(call["cost_usd"] for each in said for call in each["routing"]["cascade"]["calls"])
    assert paid <= spent(tmp_path, key) + 1e-9 <= 9.5
    if not refused:
        assert spent(tmp_path, key) == pytest.approx(paid)


def slowly(answer: dict[str, Any]) -> Any:
    def script(_: Any) -> dict[str, Any]:
        time.sleep(0.02)
        return answer

    return script


def test_requests_that_all_servers_refuse_do_not_end_a_cascade(tmp_path: Path) -> None:
    with two_models(tmp_path) as (base, cheap, dear):
        cheap.whole = dear.whole = lambda _: JSONResponse({"error": {"message": "no such thing"}}, 400)
        assert {ask(base).status_code for _ in range(4)} == {400}
        cheap.whole = answer_with(-0.1)
        assert ask(base).json()["model"] == "cheap"
