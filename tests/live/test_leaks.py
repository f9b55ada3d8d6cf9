"""What the loop on live traffic does not tell, and to whom: prompts, grades, propensities, and what must stay here."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.upstream import soon

from autopicker_lab.core import ChatRequest, Complexity, Route
from autopicker_lab.live.traffic import LiveTraffic, RequestTerms
from autopicker_lab.routing import default_policy
from autopicker_lab.settings import ModelConfig, Settings
from autopicker_lab.storage import KeyFile, open_log
from autopicker_lab.storage.ledger import open_ledger

SECRET = "the launch code is swordfish"  # of a question, and of an answer: it must not be found
CHATS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": SECRET}]}),
    ("/v1/messages", {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": SECRET}]}),
    ("/v1/responses", {"model": "auto", "input": SECRET, "store": False}),
    ("/api/chat", {"model": "auto", "stream": False, "messages": [{"role": "user", "content": SECRET}]}),
]


@pytest.fixture
def models(tmp_path: Path) -> list[ModelConfig]:
    rows = [
        {"prompt": SECRET, "model": name, "reply": f"{name}: {SECRET}", "prompt_tokens": 1, "completion_tokens": 1}
        for name in ("small", "large")
    ]
    path = tmp_path / "recorded" / "outcomes.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return [
        ModelConfig(name=name, type="replay", path=str(path), quality=quality)
        for name, quality in (("small", 0.5), ("large", 0.9))
    ]


def test_all_dialects_have_a_shadow_and_nothing_keeps_texts_unless_it_is_wanted(
    tmp_path: Path, models: list[ModelConfig]
) -> None:
    home, log = tmp_path / "home", tmp_path / "logs" / "log.sqlite"
    loop = {"explore_share": 0.5, "shadow_share": 1.0, "shadow_grader": r"regex:\d", "autopicker_home": home}
    with gateway(*models, decision_log=log, **loop) as base, httpx.Client(base_url=base, timeout=30) as client:
        for path, body in CHATS:
            assert client.post(path, json=body).status_code == 200, path
        with closing(open_log(log)) as kept:
            assert soon(lambda: sum(row.grade is not None for row in kept.rows()) == 2 * len(CHATS), 20)
            rows = kept.rows()
        metrics = client.get("/metrics").text
    served = [row for row in rows if not row.chat_id.startswith("shadow-")]
    assert {row.chat_id for row in rows} == {*(r.chat_id for r in served), *(f"shadow-{r.chat_id}" for r in served)}
    assert all(json.loads(row.propensities or "{}").keys() == {"small", "large"} for row in served)
    files = [path for folder in (home, log.parent) for path in folder.rglob("*") if path.is_file()]
    assert log in files
    assert [path for path in files if b"swordfish" in path.read_bytes()] == []
    assert "swordfish" not in metrics


def test_a_key_neither_judges_nor_reads_what_is_anothers(tmp_path: Path, models: list[ModelConfig]) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    ann, bob = (keys.create(name)[0] for name in ("ann", "bob"))
    log = tmp_path / "log.sqlite"
    loop = {"explore_share": 0.5, "api_keys_file": tmp_path / "keys.json", "autopicker_home": tmp_path / "home"}
    with gateway(*models, decision_log=log, **loop) as base, httpx.Client(base_url=base, timeout=30) as client:

        def post(path: str, key: str, **body: Any) -> httpx.Response:
            return client.post(path, json=body, headers={"X-API-Key": key})

        answer = post("/v1/chat/completions", ann, **CHATS[0][1])
        assert "propensit" not in answer.text + str(answer.headers)
        for name in (answer.json()["id"], answer.headers["x-request-id"]):
            assert post("/v1/feedback", bob, request_id=name, score=0).status_code == 404
            many = post("/v1/feedback", bob, feedback=[{"request_id": name, "signal": "left"}]).json()
            assert (many["stored"], many["unknown"]) == (0, [name])
        assert post("/v1/feedback", ann, request_id=answer.json()["id"], score=1).status_code == 200
        with closing(open_log(log)) as kept:
            assert [(row.score, row.signals) for row in kept.rows()] == [(1.0, None)]


@pytest.mark.fault("a deployment changes whether requests may leave, while one is answered", "its shadow stays here")
def test_what_was_decided_by_a_policy_that_serves_no_more_stays_here(tmp_path: Path) -> None:
    here, there = replace(default_policy(), local_only=True), default_policy()
    pipeline: Any = SimpleNamespace(policy=there, policy_of=lambda request: request.live.policy or pipeline.policy)
    settings = Settings.load(autopicker_home=tmp_path)
    live = LiveTraffic(settings, open_ledger(settings), pipeline, lambda: 0)
    request, route = ChatRequest.of("q"), Route("m", (), (), Complexity((), 1), there.id, "")
    for own, decided, stays in ((None, there, False), (None, here, True), (here, here, True), (there, there, False)):
        asked = replace(request, live=RequestTerms(own, None, "r", begun=False))
        assert live.must_stay(asked, replace(route, policy=decided.id)) is stays
    live.close(open_log(None))
