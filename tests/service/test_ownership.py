"""Who may do what: each key has its own answers, files, models and limits, also where the service asks itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.upstream import upstream

from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import KeyFile
from autopicker_lab.storage.decisions import open_log

HELLO = [{"role": "user", "content": "Hello"}]


@contextmanager
def keyed(home: Path, **settings: Any) -> Iterator[Any]:
    """A service with two keys and the models "cheap" and "dear": (base, mine, theirs, upstream)."""
    file = KeyFile(home / "keys.json")
    mine, theirs = (file.create(name, models=models)[0] for name, models in (("mine", ("cheap",)), ("theirs", None)))
    with upstream() as up:
        cheap = ModelConfig(name="cheap", type="openai", endpoint=up.url, quality=0.2)
        dear = ModelConfig(name="dear", type="openai", endpoint=up.url, quality=0.9)
        with gateway(cheap, dear, autopicker_home=home, **settings) as base:
            yield base, {"x-api-key": mine}, {"authorization": f"Bearer {theirs}"}, up


def ask(base: str, headers: dict[str, str], **body: Any) -> httpx.Response:
    body = {"messages": HELLO, **body}
    return httpx.post(f"{base}/v1/chat/completions", json=body, headers=headers, timeout=30)


def judge(base: str, headers: dict[str, str], request_id: str) -> int:
    body = {"request_id": request_id, "score": 1}
    return httpx.post(f"{base}/v1/feedback", json=body, headers=headers, timeout=30).status_code


@pytest.mark.fault("feedback by one key on another key's answer", "404: the answer is unknown to it")
@pytest.mark.parametrize("logged", [False, True])
def test_feedback_belongs_to_the_key_that_asked(tmp_path: Path, logged: bool) -> None:
    log = tmp_path / "log.sqlite"
    with keyed(tmp_path, api_key="master", decision_log=log if logged else None) as (base, mine, theirs, _):
        answer = ask(base, theirs)
        for request_id in (answer.json()["id"], answer.headers["x-request-id"]):
            assert judge(base, mine, request_id) == 404
            assert judge(base, theirs, request_id) == 200
            assert judge(base, {"x-api-key": "master"}, request_id) == 200  # runs the service
        own = ask(base, {"x-api-key": "master"})
        assert judge(base, theirs, own.json()["id"]) == 404
    with gateway(ModelConfig(name="m", type="openai", endpoint="http://127.0.0.1:1/v1"), decision_log=log) as base:
        assert judge(base, {}, answer.json()["id"]) == 404  # open access is one more caller


@pytest.mark.fault(
    "a request id that a client sends twice", "two ids of the service's own; the client's comes back beside"
)
@pytest.mark.parametrize("name", ["X-Request-ID", "X-Client-Request-Id"])
def test_ids_of_requests_are_the_services_own(tmp_path: Path, name: str) -> None:
    log = tmp_path / "log.sqlite"
    with keyed(tmp_path, decision_log=log) as (base, mine, _, _):
        answers = [ask(base, {**mine, name: "same"}) for _ in range(2)]
        ids = [answer.headers["x-request-id"] for answer in answers]
        assert len({*ids, "same"}) == 3
        assert [answer.headers["x-client-request-id"] for answer in answers] == ["same", "same"]
        assert judge(base, mine, "same") == 404
        assert judge(base, mine, ids[0]) == 200
    decisions = open_log(log)
    assert [row.score for row in decisions.rows()] == [1.0, None]
    decisions.close()


def load_test(base: str, headers: dict[str, str], endpoint: str, requests: int = 4) -> dict[str, Any]:
    query: dict[str, Any] = {"endpoint": endpoint, "concurrent_users": 1, "requests_per_user": requests}
    answer = httpx.post(f"{base}/v1/performance/load-test", params=query, headers=headers, timeout=60)
    results: dict[str, Any] = answer.json()["load_test_results"]
    return results


@pytest.mark.fault("a key's load test of another key's file or model", "its requests are the key's: they get 404")
def test_a_load_test_may_do_what_its_caller_may(tmp_path: Path) -> None:
    with keyed(tmp_path, api_key="master") as (base, mine, theirs, _):
        note = {"file": ("note.txt", b"the code is 4711")}
        sent = httpx.post(f"{base}/v1/upload", files=note, headers=theirs).json()["id"]
        for path in (f"/v1/files/{sent}/content", "/v1/models/dear"):
            assert load_test(base, mine, path)["success_rate_percent"] == 0
            assert load_test(base, theirs, path)["success_rate_percent"] == 100
            assert load_test(base, {"x-api-key": "master"}, path)["success_rate_percent"] == 100


@pytest.mark.fault("a load test past the limit of its caller", "its requests count, and those past the limit are 429")
def test_a_load_test_counts(tmp_path: Path) -> None:
    secret, _ = KeyFile(tmp_path / "keys.json").create("few", requests=6)
    with keyed(tmp_path, rate_limit_requests=8, trusted_proxies="127.0.0.1") as (base, mine, _, _):
        limited = load_test(base, {"x-api-key": secret}, "/v1/files", 10)
        assert limited["success_rate_percent"] == 50  # the load test is a request itself
        mine["x-forwarded-for"] = "203.0.113.9"
        assert load_test(base, mine, "/v1/files", 10)["success_rate_percent"] == 70
        assert httpx.get(f"{base}/v1/files", headers=mine).status_code == 429  # of the same address
        mine["x-forwarded-for"] = "203.0.113.10"
        mine["x-autopicker-internal"] = "0" * 64 + " 203.0.113.11"
        answer = httpx.get(f"{base}/v1/files", headers=mine)
        assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (200, "7")
        mine["x-forwarded-for"] = "203.0.113.11"
        answer = httpx.get(f"{base}/v1/files", headers=mine)
        assert answer.headers["x-ratelimit-remaining"] == "7"  # nobody signs for another but the service
