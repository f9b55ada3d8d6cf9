"""What must not be printed is not, and what one key must not know it is not told."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket
from support.gateway import gateway
from support.upstream import upstream

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import AutopickerError, SettingsError
from autopicker_lab.core.addresses import public_address
from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import FileStore, KeyFile
from autopicker_lab.storage.redis_client import open_redis

HELLO = [{"role": "user", "content": "Hello"}]
SECRETS = ("hunter2", "s3cr3t-user", "s3cr3t-query", "s3cr3t-header", "s3cr3t-option", "s3cr3t-proxy", "s3cr3t-redis")
ENTRY = """
models:
  - name: m
    type: {type}
    endpoint: "http://s3cr3t-user:hunter2@127.0.0.1:{port}/v1?api-key=s3cr3t-query"
    api_key: "${{THE_KEY}}"
    headers: {{x-token: s3cr3t-header}}
    options: {{user: s3cr3t-option}}
    proxy: "{proxy}"
    {more}
"""


def config(folder: Path, **fields: Any) -> Path:
    path = folder / "models.yaml"
    path.write_text(ENTRY.format(**{"type": "openai", "port": 1, "proxy": "none", "more": "", **fields}))
    return path


def shows(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.fault(
    "a password in an endpoint's address, a key in its query, in a header or in ${SECRET}", "none is printed"
)
@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_no_secret_of_a_model_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("THE_KEY", "hunter2")
    fields: dict[str, Any] = {"redis_url": "redis://:s3cr3t-redis@127.0.0.1:1/0", "api_key": "hunter2"}
    settings = Settings.load(autopicker_config=config(tmp_path, type=kind), autopicker_home=tmp_path, **fields)
    with Workbench(settings) as lab:
        seen = [
            repr(settings),
            str(settings),
            repr(settings.models),
            repr(lab),
            repr(lab.catalogue),
            repr(lab.pipeline),
        ]
        seen += [repr(lab.models()), lab._repr_html_(), str(lab.models()[0][1])]
        path = "/v1" if kind == "openai" else ""  # Ollama's own API has none
        assert f"http://127.0.0.1:1{path}?api-key=***" in str(lab.models()[0][1])
        for name in ("m", "auto"):
            with pytest.raises(AutopickerError) as failure:
                lab.ask("Hello", model=name)
            seen += [str(failure.value), repr(failure.value)]
    assert [shows(text) for text in (*seen, caplog.text)] == [[]] * (len(seen) + 1)


def test_no_secret_is_printed_by_the_command_line_or_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path)
    environment = {"THE_KEY": "hunter2", "AUTOPICKER_CONFIG": str(path), "AUTOPICKER_HOME": str(tmp_path)}
    for command in (["models"], ["models", "--json"], ["doctor"]):
        code = f"from autopicker_lab.cli import main; main({command!r})"
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert shows(done.stdout + done.stderr) == []
    monkeypatch.setenv("THE_KEY", "hunter2")
    models = Settings.load(autopicker_config=path).models
    with gateway(*models, autopicker_home=tmp_path, log_level="DEBUG") as base:
        for way in ("v1/models", "v1/monitoring/health", "metrics", "v1/performance/metrics", "api/tags"):
            assert shows(httpx.get(f"{base}/{way}").text) == []
        assert shows(httpx.post(f"{base}/v1/chat/completions", json={"messages": HELLO, "model": "m"}).text) == []
        assert shows(httpx.post(f"{base}/v1/analyze-complexity", json={"messages": HELLO}).text) == []
    assert shows("".join(capfd.readouterr())) == []


@pytest.mark.parametrize(
    "more",
    [
        "context_window: ${THE_KEY}",
        "quality: [hunter2]",
        'tpye: "${THE_KEY}"',
        "aliases: {hunter2: 1}",
        'name: ["${THE_KEY}"]',
        "\thunter2",
        "api_key: 'hunter2",
        "price_in: !!int hunter2",
    ],
)
@pytest.mark.fault(
    "an error in the configuration beside a ${SECRET}", "one line that names the place, without the secret"
)
def test_an_error_in_the_file_does_not_repeat_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    monkeypatch.setenv("THE_KEY", "hunter2")
    with pytest.raises(SettingsError) as failure:
        Settings.load(autopicker_config=config(tmp_path, more=more))
    assert shows(str(failure.value)) == []
    assert "\n" not in str(failure.value)
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__


@pytest.mark.parametrize(
    ("field", "value"), [("endpoint", "ftp://a:hunter2@b"), ("proxy", "https://a:hunter2@b"), ("api_key", "hunter2\n2")]
)
def test_an_error_in_a_secret_field_does_not_repeat_it(field: str, value: str) -> None:
    entry = {"name": "m", "type": "openai", "endpoint": "http://localhost/v1", field: value}
    with pytest.raises(SettingsError, match=field) as failure:
        Settings.load(models=[entry])
    assert "hunter2" not in str(failure.value)
    with pytest.raises(SettingsError) as failure:  # the whole entry is wrong
        Settings.load(models=[{"name": "m", "type": "openai", "api_key": "hunter2"}])
    assert "hunter2" not in str(failure.value)


def test_addresses_of_stores_do_not_print_their_passwords() -> None:
    for url in ("redis:/:hunter2@x", "nothing://:hunter2@x", "redis://:hunter2@x:port/0"):
        with pytest.raises(SettingsError) as failure:
            open_redis(url)
        assert "hunter2" not in str(failure.value)
    with pytest.raises(SettingsError) as failure:
        FileStore("nosuch://user:hunter2@bucket/x")
    assert "hunter2" not in str(failure.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:hunter2@host:8/v1", "https://host:8/v1"),
        ("https://hunter2@host/v1?api-key=hunter2&x=1#hunter2", "https://host/v1?api-key=***&x=***"),
        ("http://a:hunter2/x@host/v1", "***"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1"),
        ("http://user:hunter2@[bad/v1", "***"),
        ("hunter2", "***"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert public_address(url) == shown


def test_a_server_that_repeats_the_key_does_not_tell_it_to_callers(tmp_path: Path) -> None:
    with upstream() as up:
        key = "boom"  # what the upstream says in its 500
        model = ModelConfig(name="m", type="openai", endpoint=up.url, api_key=key)
        up.fault = "500"
        with gateway(model, autopicker_home=tmp_path) as base:
            answer = httpx.post(f"{base}/v1/chat/completions", json={"messages": HELLO}, timeout=30)
        assert answer.status_code == 502
        assert key not in answer.text


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{b}: &{b} {{<<: [{','.join(['*' + a] * 10)}]}}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB + "models: *i",
        MERGES + "models: [*i]",
        "models: &m [*m]",
        "models: " + "[" * 100_000,
        "models: " + "[" * 200 + "]" * 200,
        "models: " + "{a: " * 5000,
        "models:\n" + "- x\n" * 30_000,
        "models: [" + "9" * 5000 + "]",
        "models: [2026-99-99]",
        "models: []\n#" + "x" * 2**20,
        "models: [!!python/object/apply:os.system [true]]",
        "\x00",
        "",
    ],
)
@pytest.mark.fault("a configuration of aliases of aliases, or nested without end", "refused in one line")
def test_a_file_that_grows_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="AUTOPICKER_CONFIG") as failure:
        Settings.load(autopicker_config=path)
    assert len(str(failure.value).splitlines()) == 1
    assert len(str(failure.value)) < 400


def test_anchors_and_merges_are_still_read(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(
        "common: &common {type: openai, endpoint: 'http://127.0.0.1:1/v1'}\n"
        "models: [{<<: *common, name: a}, {<<: *common, name: b}]\n"
    )
    assert [model.name for model in Settings.load(autopicker_config=path).models] == ["a", "b"]


@contextmanager
def two_models(home: Path) -> Iterator[Any]:
    """A service whose key may use "cheap" and not "dear": (base, key)."""
    secret, _ = KeyFile(home / "keys.json").create("narrow", models=("cheap",))
    with upstream() as up:
        cheap = ModelConfig(name="cheap", type="openai", endpoint=up.url, quality=0.2, aliases=("small",))
        dear = ModelConfig(name="dear", type="openai", endpoint=up.url, quality=0.9, aliases=("large-dear",))
        with gateway(cheap, dear, autopicker_home=home, api_key="master") as base:
            for name in ("cheap", "dear"):
                body = {"messages": HELLO, "model": name}
                answer = httpx.post(f"{base}/v1/chat/completions", json=body, headers={"x-api-key": "master"})
                assert answer.status_code == 200
            yield base, secret


@pytest.mark.fault("a key that may use few models asks what others there are", "it sees only its own, in errors too")
def test_a_key_sees_its_own_models_alone(tmp_path: Path) -> None:
    with two_models(tmp_path) as (base, key):
        headers = {"x-api-key": key}
        for way in (
            "metrics",
            "v1/models",
            "v1/monitoring/health",
            "v1/performance/metrics",
            "v1/models/deer",
            "api/tags",
            "api/ps",
        ):
            assert "dear" not in httpx.get(f"{base}/{way}", headers=headers).text, way
        assert 'model="cheap"' in httpx.get(f"{base}/metrics", headers=headers).text
        assert 'model="dear"' in httpx.get(f"{base}/metrics", headers={"x-api-key": "master"}).text
        for way in (
            "v1/chat/completions",
            "v1/messages",
            "v1/messages/count_tokens",
            "v1/embeddings",
            "v1/responses",
            "v1/completions",
            "v1/analyze-complexity",
            "api/chat",
            "api/generate",
            "api/show",
            "api/embed",
        ):
            body: dict[str, Any] = {"messages": HELLO, "input": "Hello", "prompt": "Hello", "max_tokens": 5}
            if way == "v1/responses":
                body = {"input": "Hello"}
            told = {}
            for name in ("deer", "dear", "large-dear"):
                answer = httpx.post(f"{base}/{way}", json={**body, "model": name}, headers=headers)
                assert answer.status_code == 404, (way, answer.text)
                told[name] = answer.text.replace(f"'{name}'", "").replace(answer.headers["x-request-id"], "")
            assert len(set(told.values())) == 1, way  # not even whether there is one
            assert "dear" not in told["deer"]
        socket = websocket.create_connection(base.replace("http", "ws") + "/ws/chat", header=[f"X-API-Key: {key}"])
        socket.send(json.dumps({"type": "chat", "messages": HELLO, "model": "deer"}))
        assert "dear" not in socket.recv()
        socket.close()
        assert "dear" not in httpx.post(f"{base}/v1/analyze-complexity", json={"messages": HELLO}, headers=headers).text
        assert httpx.post(
            f"{base}/v1/chat/completions", json={"messages": HELLO, "model": "small"}, headers=headers
        ).is_success
