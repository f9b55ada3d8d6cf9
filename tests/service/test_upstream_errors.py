"""What an upstream says of a failure reaches whoever asked with its meaning, in whatever shape it came."""

import json
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.raw_upstream import completion, event, piece, raw_upstream, stream, whole

from autopicker_lab.runtime.circuit_breaker import BreakerPolicy
from autopicker_lab.settings import ModelConfig

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with raw_upstream() as up:
        yield up


@pytest.fixture(scope="module")
def base(server: Any) -> Iterator[str]:
    with gateway(ModelConfig(name="m", type="openai", endpoint=server.url, timeout_s=5)) as address:
        yield address


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.models.catalogue.BREAKER_POLICY", BreakerPolicy(1000, 5.0, 60.0))


@pytest.fixture
def up(server: Any) -> Any:
    server.asked.clear()
    return server


def ask(base: str, streamed: bool = False, model: str = "m", **fields: Any) -> Any:
    body = {"model": model, "messages": HELLO, "stream": streamed, **fields}
    return httpx.post(f"{base}/v1/chat/completions", json=body, timeout=30)


def says(answer: bytes) -> Any:
    return lambda asked: [answer]


OPENAI = {"error": {"message": "bad seed", "type": "invalid_request_error", "param": "seed", "code": "bad_seed"}}


@pytest.mark.fault(
    "an upstream refuses a request", "400 with the upstream's words, code, type and param, streamed or not"
)
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("status", "answer", "message", "fields"),
    [
        ("400 B", OPENAI, "bad seed", {"code": "bad_seed", "type": "invalid_request_error", "param": "seed"}),
        ("200 OK", OPENAI, "bad seed", {"code": "bad_seed", "type": "invalid_request_error", "param": "seed"}),
        ("422 U", {"detail": "no seed here"}, "no seed here", {}),
        (
            "422 U",
            {"detail": [{"loc": ["body", "seed"], "msg": "not an int", "type": "x"}]},
            "seed: not an int",
            {"param": "seed"},
        ),
        ("400 B", {"error": "plain words"}, "plain words", {}),
        (
            "400 B",
            {"message": "top words", "type": "BadRequestError", "code": 400},
            "top words",
            {"type": "BadRequestError"},
        ),
        ("400 B", {"object": "error", "message": "vllm words", "param": "seed"}, "vllm words", {"param": "seed"}),
        ("400 B", {"errors": [{"message": "first words", "code": 7}]}, "first words", {}),
        ("400 B", {"errors": ["listed words"]}, "listed words", {}),
        (
            "400 B",
            [{"error": {"code": 400, "message": "google words", "status": "INVALID_ARGUMENT"}}],
            "google words",
            {"code": "invalid_argument"},
        ),
        (
            "400 B",
            {"type": "error", "error": {"type": "invalid_request_error", "message": "claude words"}},
            "claude words",
            {"type": "invalid_request_error"},
        ),
        (
            "400 B",
            {"error": {"message": '{"error": {"message": "inner words", "code": "x"}}'}},
            "inner words",
            {"code": "x"},
        ),
        (
            "400 B",
            {"object": "error", "message": {"detail": [{"msg": "mistral words", "loc": ["body", "x"]}]}},
            "mistral words",
            {},
        ),
        ("400 B", {"error": {"message": "Provider returned error", "metadata": {"raw": "raw words"}}}, "raw words", {}),
        ("400 B", b"text words", "text words", {}),
        ("400 B", b"<html><head><title>400 Bad Request</title></head></html>", "400 Bad Request", {}),
        ("413 T", {"error": {"message": "large words"}}, "large words", {}),
        ("200 OK", {"object": "error", "message": "odd words", "code": 400}, "odd words", {}),
    ],
)
def test_a_refusal_keeps_its_words(
    up: Any, base: str, streamed: bool, status: str, answer: Any, message: str, fields: Any
) -> None:
    up.script = lambda asked: [whole(answer, status)]
    got = ask(base, streamed)
    error = got.json()["error"]
    assert got.status_code == 400
    assert message in error["message"]
    assert {name: error[name] for name in fields} == fields
    assert len(up.asked) == 1


@pytest.mark.fault(
    "an upstream's own key is refused, or its model unknown", "502, not the 401 or 404 of a caller's mistake"
)
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (
            "401 U",
            {
                "error": {
                    "message": "Incorrect API key sk-secret",
                    "code": "invalid_api_key",
                    "type": "authentication_error",
                }
            },
        ),
        ("403 F", {"error": {"message": "sk-secret has no access"}}),
        (
            "400 B",
            {
                "error": {
                    "code": 400,
                    "message": "API key sk-secret not valid",
                    "details": [{"reason": "API_KEY_INVALID"}],
                }
            },
        ),
        ("404 N", {"error": {"message": "The model does not exist", "code": "model_not_found"}}),
        ("400 B", {"error": {"message": "The model does not exist", "code": "model_not_found"}}),
    ],
)
def test_the_operators_mistakes_are_not_the_callers(up: Any, base: str, status: str, answer: Any) -> None:
    up.script = lambda asked: [whole(answer, status)]
    for streamed in (False, True):
        got = ask(base, streamed)
        assert got.status_code == 502
        assert got.json()["error"]["code"] != "invalid_api_key"
        assert "sk-secret" not in got.text


@pytest.mark.fault(
    "429 of an upstream", "429 with its words, its code and its Retry-After: seconds, date or milliseconds"
)
@pytest.mark.parametrize(
    ("header", "answer", "seconds"),
    [
        ("retry-after: 7", {"error": {"message": "slow down"}}, (7, 7)),
        ("retry-after: 6.2", {"error": {"message": "slow down"}}, (7, 7)),
        ("retry-after-ms: 1500", {"error": {"message": "slow down"}}, (2, 2)),
        ("date", {"error": {"message": "slow down"}}, (25, 31)),
        ("retry-after: soon", {"error": {"message": "slow down"}}, None),
        ("x: y", [{"error": {"message": "slow down", "details": [{"retryDelay": "34.07s"}]}}], (35, 35)),
        ("x: y", b"slow down", None),
    ],
)
def test_a_rate_limit_is_told_as_it_is(up: Any, base: str, header: str, answer: Any, seconds: Any) -> None:
    for streamed in (False, True):
        line = f"retry-after: {formatdate(time.time() + 30, usegmt=True)}" if header == "date" else header
        up.asked.clear()
        up.script = says(whole(answer, "429 Too Many Requests", f"{line}\r\n"))
        got = ask(base, streamed)
        assert (got.status_code, got.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert "slow down" in got.json()["error"]["message"]
        told = got.headers.get("retry-after")
        assert told is None if seconds is None else seconds[0] <= int(told) <= seconds[1]
        assert len(up.asked) == 1


@pytest.mark.fault(
    "an upstream's account has spent its quota", "429 insufficient_quota, which is no rate limit to wait for"
)
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("429 T", {"error": {"message": "no credit", "type": "insufficient_quota", "code": "insufficient_quota"}}),
        ("402 P", {"error": {"message": "Insufficient Balance"}}),
        ("403 F", {"error": {"message": "hard limit", "code": "billing_hard_limit_reached"}}),
        (
            "400 B",
            {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}},
        ),
    ],
)
def test_a_spent_quota_is_no_rate_limit(up: Any, base: str, status: str, answer: Any) -> None:
    up.script = lambda asked: [whole(answer, status)]
    got = ask(base)
    assert (got.status_code, got.json()["error"]["code"]) == (429, "insufficient_quota")
    assert "retry-after" not in got.headers


TOO_LONG = [
    ("400 B", {"error": {"message": "x", "code": "context_length_exceeded", "param": "messages"}}),
    ("400 B", {"error": {"message": "x", "type": "exceed_context_size_error", "code": 400, "n_ctx": 4096}}),
    (
        "400 B",
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000",
            "code": 400,
        },
    ),
    (
        "400 B",
        {"error": "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded"},
    ),
    ("500 I", {"error": {"message": "the request exceeds the available context size. try increasing it", "code": 500}}),
    (
        "413 L",
        {"error": {"message": "prompt is too long: 9000 tokens > 4096 maximum", "type": "invalid_request_error"}},
    ),
    ("422 U", {"error": "Input validation error: `inputs` must have less than 4096 tokens. Given: 9000"}),
    (
        "400 B",
        [
            {
                "error": {
                    "message": "The input token count (9000) exceeds the maximum number of tokens allowed (4096).",
                    "code": 400,
                }
            }
        ],
    ),
    ("200 OK", {"error": {"message": "maximum context length is 4096 tokens", "code": 400}}),
]


@pytest.mark.fault(
    "a request longer than a model reads, by the upstream's code or words",
    "400 context_length_exceeded; `auto` goes on to a larger window",
)
@pytest.mark.parametrize(("status", "answer"), TOO_LONG)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_context_error_is_one(up: Any, base: str, status: str, answer: Any, streamed: bool) -> None:
    up.script = lambda asked: [whole(answer, status)]
    got = ask(base, streamed)
    assert (got.status_code, got.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert len(up.asked) == 1


def test_auto_goes_on_to_a_larger_window_alone(up: Any) -> None:
    with raw_upstream() as equal, raw_upstream() as larger:
        larger.script = lambda asked: [whole(completion("from the larger"))]
        windows = {"a": (up, 8192, 0.9), "b": (equal, 8192, 0.2), "c": (larger, 32768, 0.1)}
        models = [
            ModelConfig(name=name, type="openai", endpoint=server.url, context_window=window, quality=quality)
            for name, (server, window, quality) in windows.items()
        ]
        with gateway(*models) as address:
            hard = [{"role": "user", "content": "Prove the theorem step by step, then derive the equation. " * 60}]
            up.script = lambda asked: [whole(TOO_LONG[0][1], "400 B")]
            got = ask(address, model="auto", messages=hard).json()
            assert got["choices"][0]["message"]["content"] == "from the larger"
            assert (len(up.asked), len(equal.asked)) == (1, 0)
            assert ask(address, model="a").status_code == 400


@pytest.mark.fault("a content filter of an upstream refuses", "400 content_filter, and no other model is asked")
def test_a_filtered_request_stops_there(up: Any) -> None:
    with raw_upstream() as other:
        models = [
            ModelConfig(name="a", type="openai", endpoint=up.url, quality=0.9),
            ModelConfig(name="b", type="openai", endpoint=other.url, quality=0.1, context_window=99999),
        ]
        with gateway(*models) as address:
            hard = [{"role": "user", "content": "Prove the theorem step by step, then derive the equation. " * 60}]
            for status, answer in (
                (
                    "400 B",
                    {
                        "error": {
                            "code": "content_filter",
                            "message": "filtered",
                            "innererror": {"code": "ResponsibleAIPolicyViolation"},
                        }
                    },
                ),
                ("400 B", {"error": {"code": "content_policy_violation", "message": "filtered"}}),
                (
                    "403 F",
                    {
                        "error": {
                            "code": 403,
                            "message": "filtered",
                            "metadata": {"flagged_input": "x", "reasons": ["violence"]},
                        }
                    },
                ),
            ):
                up.script = says(whole(answer, status))
                got = ask(address, model="auto", messages=hard)
                assert (got.status_code, got.json()["error"]["code"]) == (400, "content_filter")
            assert not other.asked


@pytest.mark.fault("an overloaded upstream (529, 503 with Retry-After)", "503 with Retry-After, after one try")
@pytest.mark.parametrize(
    ("status", "header", "answer", "expected", "tries"),
    [
        ("529 O", "x: y", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 503, 1),
        ("503 S", "retry-after: 9", {"error": "busy"}, 503, 1),
        ("503 S", "x: y", {"error": "Model is currently loading", "estimated_time": 20.0}, 503, 1),
        ("504 G", "x: y", b"<html>", 504, 1),
        ("408 T", "x: y", b"", 504, 1),
        ("502 B", "x: y", b"", 502, 3),
        ("307 T", "location: https://elsewhere/v1", b"", 502, 1),
        ("501 N", "x: y", b"", 502, 1),
    ],
)
def test_each_kind_of_failure_has_its_status(
    up: Any, base: str, status: str, header: str, answer: Any, expected: int, tries: int
) -> None:
    up.script = lambda asked: [whole(answer, status, f"{header}\r\n")]
    got = ask(base)
    assert got.status_code == expected
    assert (got.headers.get("retry-after") is not None) == (expected == 503)
    assert len(up.asked) == tries


@pytest.mark.fault(
    "an error as the first event of a stream, after its role", "its own status, and on `auto` another model"
)
def test_an_error_before_the_first_word_has_its_own_status(up: Any, base: str) -> None:
    role = piece({"role": "assistant", "content": ""})
    up.script = lambda asked: stream(
        role, 0.05, event({"error": {"message": "slow down", "code": "rate_limit_exceeded"}})
    )
    assert ask(base, True).status_code == 429
    up.script = lambda asked: stream(
        role, b"event: error\ndata: " + json.dumps({"message": "it fell over"}).encode() + b"\n\n"
    )
    got = ask(base, True)
    assert got.status_code == 502
    assert "it fell over" in got.text
    up.script = lambda asked: stream(
        role, piece({"content": "Hi"}), event({"error": {"message": "slow", "code": "busy_now"}})
    )
    last = [json.loads(line[6:]) for line in ask(base, True).text.split("\n") if line.startswith("data: {")][-1]
    assert (last["error"]["code"], last["status_code"]) == ("busy_now", 502)


def test_a_choice_that_failed_is_a_failure(up: Any, base: str) -> None:
    failed = {"index": 0, "finish_reason": "error", "error": {"code": 502, "message": "provider died"}}
    up.script = lambda asked: [whole({"choices": [{**failed, "message": {"role": "assistant", "content": "par"}}]})]
    assert "provider died" in ask(base).json()["error"]["message"]
    up.script = lambda asked: stream(piece({"content": "par"}), event({"choices": [{**failed, "delta": {}}]}))
    assert "provider died" in ask(base, True).text
    assert "[DONE]" not in ask(base, True).text
