from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.upstream import soon, upstream

from autopicker_lab.core import ChatRequest
from autopicker_lab.live.signals import SignalWatch
from autopicker_lab.service.state import decision_id
from autopicker_lab.storage import Decision, open_log
from autopicker_lab.storage.decisions import MemoryLog

FIRST = [{"role": "user", "content": "Capital of Peru?"}]
SECOND = [*FIRST, {"role": "assistant", "content": "Quito."}]


def noticed(*asked: tuple[list[Any], str, bool], left: bool = False) -> dict[str, str | None]:
    """The signals of answers c0, c1 ... to requests: each messages, caller, and whether it named a model."""
    watch, log = SignalWatch(), MemoryLog()
    for i, (messages, caller, named) in enumerate(asked):
        log.record(Decision(f"c{i}", f"r{i}", float(i), "m"))
        watch.answered(ChatRequest.of(messages), f"c{i}", caller, named=named, left=left)
    watch.write(log)
    return {row.chat_id: row.signals for row in log.rows()}


def test_the_same_again_and_another_model_are_told_apart() -> None:
    assert noticed((FIRST, "k", False), (FIRST, "k", False)) == {"c0": "regenerated", "c1": None}
    assert noticed((FIRST, "k", False), (FIRST, "k", True)) == {"c0": "overridden", "c1": None}


def test_another_caller_says_nothing_of_it() -> None:
    assert noticed((FIRST, "k", False), (FIRST, "other", False)) == {"c0": None, "c1": None}


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("No, that is Ecuador's.", "corrected"),
        ("That's wrong", "corrected"),
        ("Nein, falsch.", "corrected"),
        ("Nothing else?", None),
        ("And of Chile?", None),
        ("Wrongly said?", None),
    ],
)
def test_a_follow_up_that_corrects_is_a_signal_on_the_answer_before(text: str, signal: str | None) -> None:
    after = [*SECOND, {"role": "user", "content": text}]
    assert noticed((FIRST, "k", False), (after, "k", False)) == {"c0": signal, "c1": None}


def test_an_answer_that_was_left_says_so() -> None:
    assert noticed((FIRST, "k", False), left=True) == {"c0": "left"}


def test_a_signal_on_a_forgotten_decision_is_dropped() -> None:
    watch = SignalWatch()
    watch.answered(ChatRequest.of(FIRST), "gone", "", named=False, left=True)
    watch.write(MemoryLog())


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("chatcmpl-1f", "chatcmpl-1f"),
        ("msg_1f", "chatcmpl-1f"),
        ("cmpl-1f", "chatcmpl-1f"),
        ("resp_1f", "1f"),
        ("1f",) * 2,
    ],
)
def test_an_answer_is_known_by_its_id_in_any_dialect(given: str, known: str) -> None:
    assert decision_id(given) == known


@pytest.mark.parametrize("logged", [False, True])
def test_feedback_comes_singly_and_in_batches_and_signals_are_no_scores(tmp_path: Path, logged: bool) -> None:
    log = tmp_path / "log.sqlite" if logged else None
    with upstream() as up, gateway(up, decision_log=log) as base, httpx.Client(base_url=base, timeout=30) as client:

        def feedback(**body: Any) -> httpx.Response:
            return client.post("/v1/feedback", json=body)

        chat = {"model": "m", "messages": FIRST, "max_tokens": 5}
        answers = [client.post("/v1/chat/completions", json=chat) for _ in range(2)]
        anthropic = client.post("/v1/messages", json=chat).json()["id"]
        response = client.post("/v1/responses", json={"model": "m", "input": "Hi"}).json()["id"]
        ids = [answers[0].json()["id"], answers[1].headers["x-request-id"], anthropic, response]
        assert feedback(request_id=ids[0], signal="left").json()["signal"] == "left"
        many = [{"request_id": name, "score": i / 4} for i, name in enumerate(ids)]
        many += [{"request_id": ids[0], "signal": "regenerated"}, {"request_id": "chatcmpl-none", "score": 1}]
        said = feedback(feedback=many).json()
        assert said == {"status": "stored", "stored": 5, "unknown": ["chatcmpl-none"]}
        malformed: list[dict[str, Any]] = [
            {},
            {"request_id": ids[0]},
            {"request_id": ids[0], "signal": "shrugged"},
            {"feedback": []},
            {"feedback": [{"request_id": ids[0]}]},
            {"feedback": many, "request_id": ids[0], "score": 1},
            {"feedback": many[:1] * 1001},
        ]
        for wrong in malformed:
            assert feedback(**wrong).status_code == 400, wrong
        if log is not None:
            assert soon(lambda: all("regenerated" in (row.signals or "") for row in open_log(log).rows()[:1]), 20)
            rows = open_log(log).rows()
            assert [row.score for row in rows] == [0, 0.25, 0.5, 0.75]
            assert rows[0].signals == "left,regenerated"
