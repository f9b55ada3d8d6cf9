"""API keys of the key file: hashed, limited, restricted to models, budgeted, revoked while the service runs."""

import json
import stat
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
import websocket
from support.gateway import gateway
from support.upstream import soon, upstream

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import InvalidRequestError, NotFoundError, SettingsError
from autopicker_lab.service import create_app
from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import KeyFile, Ledger, digest
from autopicker_lab.tuning import read_outcomes

HELLO = [{"role": "user", "content": "Hello"}]


@contextmanager
def two_models(home, **settings):
    """Two models on one upstream, of which an answer of "dear" costs 5 USD."""
    with upstream() as up:
        cheap = ModelConfig(name="cheap", type="openai", endpoint=up.url, quality=0.2)
        dear = ModelConfig(name="dear", type="openai", endpoint=up.url, quality=0.9, price_out=1_000_000)
        with gateway(cheap, dear, autopicker_home=home, **settings) as base:
            yield base, up


def ask(base, key=None, **body):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"{base}/v1/chat/completions", json={"messages": HELLO, **body}, headers=headers, timeout=30)


def test_a_key_is_kept_as_a_hash_that_only_its_owner_reads(tmp_path):
    file = KeyFile(tmp_path / "home" / "keys.json")
    secret, key = file.create("ci", requests=5)
    assert secret.startswith("apl-")
    assert secret not in file.path.read_text()
    assert file.keys() == {digest(secret): key}
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    with pytest.raises(NotFoundError, match="no key"):
        file.revoke("nobody")
    with pytest.raises(InvalidRequestError, match="already"):
        file.create("ci")
    assert file.revoke(key.id) == key
    with pytest.raises(InvalidRequestError, match="name"):
        file.create(" ")


def test_a_damaged_key_file_stops_the_start(tmp_path):
    (tmp_path / "keys.json").write_text('{"keys": [{"id": 1}]}')
    with pytest.raises(SettingsError, match="key file"):
        create_app(Workbench(Settings.load(autopicker_home=tmp_path)))


@pytest.mark.slow
def test_the_first_key_closes_the_service_and_a_revoked_one_no_longer_opens_it(tmp_path):
    with two_models(tmp_path) as (base, _):
        assert ask(base).status_code == 200
        secret, key = KeyFile(tmp_path / "keys.json").create("app")
        assert soon(lambda: ask(base).status_code == 401, 4)
        assert ask(base, secret).status_code == 200
        KeyFile(tmp_path / "keys.json").revoke(key.id)
        assert soon(lambda: ask(base, secret).status_code == 401, 4)
        assert ask(base).status_code == 401  # a file without keys lets nobody in


def test_each_key_has_its_own_limit_and_models(tmp_path):
    file = KeyFile(tmp_path / "keys.json")
    few, _ = file.create("few", requests=2, models=("cheap",))
    many, _ = file.create("many", requests=50)
    narrow, _ = file.create("narrow", models=("cheap",))
    hard = [{"role": "user", "content": "Prove the theorem step by step, then derive the equation. " * 60}]
    with two_models(tmp_path, rate_limit_requests=3) as (base, _):
        answers = [ask(base, few, messages=hard) for _ in range(3)]
        assert [a.status_code for a in answers] == [200, 200, 429]
        assert answers[0].json()["routing"]["selected_model"] == "cheap"
        assert answers[0].headers["x-ratelimit-limit"] == "2"
        assert all(ask(base, many).status_code == 200 for _ in range(6))
        assert ask(base, many, messages=hard).json()["routing"]["selected_model"] == "dear"
    with two_models(tmp_path) as (base, _):
        refused = ask(base, few, model="dear")
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
        assert "it may use: cheap" in refused.json()["detail"].lower()
        headers = {"x-api-key": narrow}
        assert httpx.get(f"{base}/v1/models/cheap", headers=headers).status_code == 200
        assert httpx.get(f"{base}/v1/models/dear", headers=headers).status_code == 404


@pytest.mark.slow
def test_a_key_file_that_is_gone_or_damaged_opens_nothing(tmp_path, caplog):
    path = tmp_path / "keys.json"
    with pytest.raises(SettingsError, match="API_KEYS_FILE"):
        create_app(Workbench(Settings.load(autopicker_home=tmp_path, api_keys_file=path)))
    secret, _ = KeyFile(path).create("app")
    with two_models(tmp_path) as (base, _):
        kept = path.read_text()
        for damage in (path.unlink, lambda: path.write_text("{bad")):
            damage()
            time.sleep(2.2)
            assert ask(base).status_code == 401
            assert ask(base, secret).status_code == 200
        assert "keys that were known stay" in caplog.text
        assert str(path) not in ask(base).text
        path.write_text(kept)


def test_an_answer_that_is_not_heard_to_the_end_is_paid_for(tmp_path):
    secret, _ = KeyFile(tmp_path / "keys.json").create("hasty", budget_usd=0.5)
    with two_models(tmp_path) as (base, up):
        up.delay_s, up.pieces = 0.05, 100
        body = {"messages": HELLO, "model": "dear", "stream": True}
        headers = {"x-api-key": secret}
        with httpx.stream("POST", f"{base}/v1/chat/completions", json=body, headers=headers) as answer:
            lines = answer.iter_lines()
            for _ in range(10):
                next(lines)
        assert soon(lambda: ask(base, secret, model="cheap").status_code == 429)
        assert "retry-after" in ask(base, secret, model="cheap").headers


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_a_budget_ends_and_outlives_the_service(tmp_path, stream):
    secret, _ = KeyFile(tmp_path / "keys.json").create("poor", budget_usd=7)
    with two_models(tmp_path) as (base, up):
        assert [ask(base, secret, model="dear", stream=stream).status_code for _ in range(3)] == [200, 200, 429]
        assert len(up.bodies) == 2
    with two_models(tmp_path) as (base, up):
        assert soon(lambda: ask(base, secret, model="cheap").status_code == 429)
        assert ask(base, secret).json()["error"]["code"] == "insufficient_quota"
    command = [sys.executable, "-m", "autopicker_lab.cli"]
    code = "from autopicker_lab.cli import main; main(['keys', 'list', '--json'])"
    listing = subprocess.run(
        [command[0], "-c", code], env={"AUTOPICKER_HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert json.loads(listing.stdout)[0]["spent_usd"] == 10.0


def test_two_ledgers_agree_within_a_sync(tmp_path):
    one, two = (Ledger(tmp_path / "spent.sqlite") for _ in range(2))
    account = ("key", "2026-11")
    assert two.spent(account) == 0
    one.add(account, 1.5)
    two.add(account, 0.25)
    assert (one.spent(account), two.spent(account)) == (1.5, 0.25)
    one.sync()
    two.sync()
    one.sync()
    assert (one.spent(account), two.spent(account)) == (1.75, 1.75)


def test_spending_that_cannot_be_stored_is_counted_and_stored_later(tmp_path, caplog):
    (tmp_path / "no").write_text("a file where a folder should be")
    ledger = Ledger(tmp_path / "no" / "spent.sqlite")
    ledger.add(("key", "2026-11"), 2.0)
    ledger.sync()
    ledger.sync()
    assert ledger.spent(("key", "2026-11")) == 2.0
    assert caplog.text.count("counting it in this process until") == 1
    (tmp_path / "no").unlink()
    ledger.sync()
    other = Ledger(tmp_path / "no" / "spent.sqlite")
    other.spent(("key", "2026-11"))
    other.sync()
    assert other.spent(("key", "2026-11")) == 2.0


@pytest.mark.parametrize("prompts", [True, False])
def test_the_decision_log_is_an_outcomes_table_once_answers_were_judged(tmp_path, prompts):
    log = tmp_path / "log.sqlite"
    with two_models(tmp_path, decision_log=log, decision_log_prompts=prompts) as (base, _):
        for question, score in (("What is 2 + 2?", 1.0), ("What is 2 + 2?", 0.0), ("Why?", 0.25), ("Unjudged", None)):
            answer = ask(base, messages=[{"role": "user", "content": question}], model="cheap")
            if score is not None:
                feedback = {"request_id": answer.headers["x-request-id"], "score": score}
                assert httpx.post(f"{base}/v1/feedback", json=feedback).status_code == 200
    if not prompts:
        assert b"2 + 2" not in log.read_bytes()
        with pytest.raises(InvalidRequestError, match="keeps no prompts"):
            read_outcomes(log)
        return
    table = read_outcomes(log)
    assert list(zip(table["prompt"], table["score"], strict=True)) == [("What is 2 + 2?", 0.5), ("Why?", 0.25)]
    assert table["completion_tokens"].tolist() == [5.0, 5.0]


def test_too_many_at_once_are_told_to_come_again(tmp_path):
    with upstream() as up:
        up.delay_s = 0.5
        model = ModelConfig(name="m", type="openai", endpoint=up.url, max_concurrency=2)
        with gateway(model, max_concurrency=3) as base, httpx.Client() as client:
            assert client.get(f"{base}/health").status_code == 200
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda _: ask(base), range(8)))
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(200) >= 2
        assert set(statuses) == {200, 503}
        assert all("retry-after" in a.headers for a in answers if a.status_code == 503)
        assert len(up.bodies) == statuses.count(200)


def test_the_same_overload_is_the_same_error_over_http_and_on_the_socket():
    with upstream() as up, gateway(up, max_concurrency=1) as base:
        up.delay_s, up.pieces = 0.2, 100
        chat = json.dumps({"type": "chat", "messages": HELLO})
        first, second = (websocket.create_connection(base.replace("http", "ws") + "/ws/chat") for _ in range(2))
        first.send(chat)
        assert json.loads(first.recv())["type"] == "route"
        second.send(chat)
        event = json.loads(second.recv())
        answer = httpx.post(f"{base}/api/v1/chat/completions", json={"messages": HELLO})
        first.close()
        second.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"] == "Too busy"
    assert event == {"type": "error", **answer.json()}


def test_a_key_sees_its_own_uploads_alone(tmp_path):
    file = KeyFile(tmp_path / "keys.json")
    mine, theirs = ({"x-api-key": file.create(name)[0]} for name in ("mine", "theirs"))
    with two_models(tmp_path, api_key="master") as (base, up):
        note = {"file": ("note.txt", b"the code is 4711")}
        sent = httpx.post(f"{base}/v1/upload", files=note, headers=mine).json()["id"]
        for headers, count, status in ((mine, 1, 200), (theirs, 0, 404), ({"x-api-key": "master"}, 1, 200)):
            assert httpx.get(f"{base}/v1/files", headers=headers).json()["count"] == count
            for path in (f"files/{sent}", f"files/{sent}/content"):
                assert httpx.get(f"{base}/v1/{path}", headers=headers).status_code == status
            body = {"messages": HELLO, "file_ids": [sent], "model": "cheap"}
            assert httpx.post(f"{base}/v1/chat/multimodal", json=body, headers=headers).status_code == status
            analysis = httpx.post(f"{base}/v1/analyze-complexity", json=body, headers=headers).json()
            assert bool(analysis["complexity_analysis"]["file_errors"]) == (status == 404)
        assert str(up.bodies).count("4711") == 2
        assert httpx.delete(f"{base}/v1/files/{sent}", headers=theirs).status_code == 404
        assert httpx.delete(f"{base}/v1/files/{sent}", headers=mine).status_code == 200
