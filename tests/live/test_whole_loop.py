"""The whole loop on two real workers and Redis, one of which is killed in the middle: nothing of the log is lost."""

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from conftest import needs
from support.redis_server import redis_server
from support.serving import free_port
from support.upstream import soon

from autopicker_lab import assets
from autopicker_lab.cli.app import app
from autopicker_lab.core import RoutePolicy, Tier
from autopicker_lab.live.exploration import drawn
from autopicker_lab.routing import save_policy
from autopicker_lab.storage import Decision, open_log
from autopicker_lab.tuning import read_outcomes, tune

pytestmark = pytest.mark.slow

OUTCOMES = [json.loads(line) for line in (assets.outcomes() / "outcomes.jsonl").read_text("utf-8").splitlines()]
SCORES = {(row["prompt"], row["model"]): row["score"] for row in OUTCOMES}
PROMPTS = list(dict.fromkeys(row["prompt"] for row in OUTCOMES))
CONTEXT = ssl.create_default_context()  # made for each request, it takes longer than the rest
CLEAR = [p for p in PROMPTS if SCORES[p, "qwen2.5-coder-0.5b"] - SCORES[p, "smollm2-135m"] == 1]  # one model is right


class Loop:
    """A service of two workers on recorded models, and what a person does with it."""

    def __init__(self, base: str, log: Path, pid: int):
        self.base, self.log, self.pid = base, log, pid

    def ask(self, prompt: str) -> dict[str, Any]:
        """Ask on a connection of its own, so that either worker may answer; again where one was killed."""
        body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 200}
        for _ in range(20):
            try:
                answer = httpx.post(f"{self.base}/v1/chat/completions", json=body, timeout=30, verify=CONTEXT)
            except httpx.TransportError:
                continue
            return dict(answer.json())
        raise AssertionError("no worker answers")

    def rows(self) -> list[Decision]:
        with closing(open_log(self.log)) as log:
            return log.rows()

    def judge_all(self) -> None:
        """Give each answer, and each in the shadow, the score that was measured."""
        rows = [row for row in self.rows() if row.score is None]
        judged = [{"request_id": row.chat_id, "score": SCORES[row.prompt, row.model]} for row in rows]
        for start in range(0, len(judged), 1000):
            body = {"feedback": judged[start : start + 1000]}
            assert httpx.post(f"{self.base}/v1/feedback", json=body, timeout=60).json()["unknown"] == []


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    with redis_server(tmp_path) as (url, *_):
        log, port = tmp_path / "log.sqlite", free_port()
        settings = {
            "AUTOPICKER_HOME": str(tmp_path / "home"),
            "ENABLE_REDIS_CACHE": "true",
            "REDIS_URL": url,
            "RATE_LIMIT_REQUESTS": "100000",
            "CACHE_TTL": "0",
            "DECISION_LOG": str(log),
            "DECISION_LOG_PROMPTS": "true",
            "EXPLORE_SHARE": "0.3",
            "SHADOW_SHARE": "1",
            "AUTOPICKER_DEMO": "true",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        command = [sys.executable, "-m", "autopicker_lab.service", "--port", str(port), "--workers", "2"]
        service_log = (tmp_path / "service.log").open("w")
        process = subprocess.Popen(command, env=dict(os.environ), stderr=service_log)
        base = f"http://127.0.0.1:{port}"
        try:
            assert soon(lambda: _healthy(base), 120)
            yield Loop(base, log, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            service_log.close()


def _healthy(base: str) -> bool:
    try:
        return httpx.get(f"{base}/health").status_code == 200
    except httpx.TransportError:
        return False


def run(*arguments: str) -> Any:
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@needs("redis-server")
def test_traffic_becomes_a_policy_that_is_promoted_and_a_worse_one_goes_back(loop: Loop, tmp_path: Path) -> None:
    # traffic, explored, and asked again in the shadow; a worker dies in the middle of it
    answers = [loop.ask(prompt) for prompt in PROMPTS[::6][:50]]
    next(p for p in psutil.Process(loop.pid).children() if "spawn_main" in " ".join(p.cmdline())).kill()
    answers += [loop.ask(prompt) for prompt in PROMPTS[1::8]]
    assert all("choices" in answer for answer in answers)
    assert soon(lambda: sum(row.policy is None for row in loop.rows()) >= 60, 30)
    rows = loop.rows()
    explored = [row for row in rows if row.propensities and len(json.loads(row.propensities)) == 2]
    assert len(explored) > 60  # of 123: those that the killed worker had not written yet are lost
    assert all(drawn(json.loads(row.propensities or ""), 0, row.request_id) == row.model for row in explored)
    assert {row.model for row in explored} == {"smollm2-135m", "qwen2.5-coder-0.5b"}

    # feedback, and a policy of it
    loop.judge_all()
    report = tune(read_outcomes(loop.log), within=0.02)
    tuned = save_policy(report.policy, tmp_path / "tuned.json")
    worse = save_policy(RoutePolicy("worse", (Tier(0, 0.0),)), tmp_path / "worse.json")

    # a canary, promoted by a person; all workers follow
    run("deploy", str(tuned), "--canary", "0.5", "--by", "ann")
    assert soon(lambda: report.policy.id in {loop.ask(p)["routing"]["policy"] for p in PROMPTS[2:200:20]}, 20)
    assert run("deployments")["report"]["advice"] in ("continue", "promote")
    run("promote", "--by", "ann", "--why", "the gate is open")
    assert soon(lambda: {loop.ask(p)["routing"]["policy"] for p in PROMPTS[2:200:20]} == {report.policy.id}, 20)

    # a worse one is rolled back by the service
    run("deploy", str(worse), "--canary", "0.5", "--by", "bob")
    assert soon(lambda: len({loop.ask(p)["routing"]["policy"] for p in PROMPTS[2:200:20]}) == 2, 20)
    for prompt in CLEAR * 4:  # at two, an interval of chance may end at zero
        loop.ask(prompt)
    loop.judge_all()
    assert soon(lambda: run("deployments")["canary"] is None, 60)
    told = run("deployments")
    assert told["stable"] == report.policy.id
    assert [(step["number"], step["action"], step["who"]) for step in told["steps"]] == [
        (1, "canary", "ann"),
        (2, "promote", "ann"),
        (3, "canary", "bob"),
        (4, "rollback", "service"),
    ]
    assert all(step["at"] for step in told["steps"])
    assert told["steps"][1]["why"] == "the gate is open"
    assert told["steps"][3]["figures"]["quality"]["high"] < 0
    pairs = run("shadow")["pairs"]
    assert {pair["shadow"] for pair in pairs} <= {"smollm2-135m", "qwen2.5-coder-0.5b"}
