"""Methods, slashes and prefixes of paths, and the pages of other origins."""

import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.upstream import upstream

from autopicker_lab import Settings
from autopicker_lab.core import SettingsError
from autopicker_lab.service.observation.log_config import LineFormatter, log_config
from autopicker_lab.service.request.origins import Origins
from autopicker_lab.storage import KeyFile

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def base() -> Any:
    with upstream() as up, gateway(up) as address:
        yield address


@pytest.mark.parametrize(
    "path", ["/health", "/v1/models", "/v1/models/m", "/", "/docs", "/openapi.json", "/metrics", "/v1/files"]
)
def test_head_is_get_without_its_body(base: str, path: str) -> None:
    got, head = httpx.get(base + path, timeout=20), httpx.head(base + path, timeout=20)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert "content-length" in head.headers or path == "/metrics"


def test_head_of_what_is_not_there(base: str) -> None:
    with httpx.Client(base_url=base, timeout=20) as client:  # one connection: a body that came would spoil the next
        for path, status in (("/v1/models/none", 404), ("/v1/chat/completions", 405), ("/nowhere", 404)):
            assert client.head(path).status_code == status
        assert client.get("/health").json()["status"] == "healthy"


@pytest.mark.fault("a path with a slash at its end", "answered as without, and not led to http://")
def test_slashes_at_the_end_are_nothing(base: str) -> None:
    assert httpx.get(f"{base}/v1/models/", timeout=20).json()["object"] == "list"
    assert httpx.get(f"{base}/api/v1/models//", timeout=20).json()["object"] == "list"
    assert httpx.get(f"{base}/v1/models/m/", timeout=20).json()["id"] == "m"
    assert httpx.get(f"{base}/health/", timeout=20).status_code == 200
    assert httpx.get(f"{base}/docs/", timeout=20).status_code == 200
    assert httpx.post(f"{base}/v1/chat/completions/", json=CHAT, timeout=20).status_code == 200
    assert httpx.get(f"{base}/v1/nowhere/", timeout=20).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/transcribe/talks%2Fmonday.mp3"),
        ("GET", "/api/v1/files/talks%2Fmonday.mp3"),
        ("GET", "/api/v1/files/talks%2Fmonday.mp3/content"),
        ("DELETE", "/v1/files/talks%2Fmonday.mp3"),
    ],
)
@pytest.mark.fault("a path in the place of an upload's id", "404 that names the path and says to upload it")
def test_a_path_is_no_id_of_an_upload(base: str, method: str, path: str) -> None:
    answer = httpx.request(method, base + path, timeout=20)
    assert answer.status_code == 404
    assert "no file with id 'talks/monday.mp3'" in answer.text
    assert "Upload it first" in answer.text


@pytest.mark.parametrize("root", ["/llm", "llm/", "/a/b"])
def test_a_proxy_may_serve_under_a_prefix_and_cut_it_off_or_not(root: str) -> None:
    prefix = f"/{root.strip('/')}"
    with upstream() as up, gateway(up, root_path=root) as base:
        for before in ("", prefix):
            for path in (
                "/health",
                "/v1/models",
                "/docs",
                "/redoc",
                "/page/page.js",
                "/static-offline-docs/favicon.png",
            ):
                assert httpx.get(base + before + path, timeout=20).status_code == 200, before + path
            assert httpx.post(f"{base}{before}/v1/chat/completions", json=CHAT, timeout=20).status_code == 200
            wrong = httpx.get(f"{base}{before}/v1/files/none", timeout=20)
            assert (wrong.status_code, wrong.json()["error"]["code"] is None) == (404, True)
        assert f'"{prefix}/openapi.json"' in httpx.get(f"{base}/docs", timeout=20).text.replace("'", '"')
        assert httpx.get(f"{base}{prefix}/openapi.json", timeout=20).json()["servers"] == [{"url": prefix}]
        page = httpx.get(base + prefix, timeout=20)
        assert f'src="{prefix}/page/page.js"' in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert httpx.get(f"{base}{prefix}x/v1/models", timeout=20).status_code == 404


@pytest.mark.parametrize("root", ["/a b", "/a?b", "//a//b", "/é"])
def test_a_prefix_that_is_none_stops_the_start(root: str) -> None:
    with pytest.raises(SettingsError, match="ROOT_PATH"):
        Settings.load(root_path=root)


def test_feedback_does_not_take_from_the_requests() -> None:
    with upstream() as up, gateway(up, rate_limit_requests=2) as base:
        answers = [httpx.post(f"{base}/v1/chat/completions", json=CHAT, timeout=20) for _ in range(2)]
        for answer in answers:
            feedback = {"request_id": answer.json()["id"], "score": 1}
            assert httpx.post(f"{base}/v1/feedback", json=feedback, timeout=20).status_code == 200
        assert httpx.post(f"{base}/v1/feedback", json=feedback, timeout=20).status_code == 429
        assert httpx.post(f"{base}/v1/chat/completions", json=CHAT, timeout=20).status_code == 429


ALLOWED = "https://friend.example, chrome-extension://*, https://*.example.org, http://localhost:*, moz-extension://*/"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://friend.example", True),
        ("chrome-extension://abcdefghijklmnop", True),
        ("moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc", True),
        ("https://a.example.org", True),
        ("https://a.b.example.org", True),
        ("http://localhost:3000", True),
        ("https://example.org", False),
        ("https://evilexample.org", False),
        ("http://a.example.org", False),
        ("https://a.example.org.evil.example", False),
        ("https://evil.example/.example.org", False),
        ("https://evil.example?.example.org", False),
        ("https://evil@.example.org", False),
        ("https://a.example.org:8443", False),
        ("http://localhost:3000.evil.example", True),  # a browser names no such port
        ("null", False),
        ("http://[::1", False),
        ("https://evil.example", False),
    ],
)
def test_origins_are_patterns(origin: str, allowed: bool) -> None:
    origins = Origins(Settings.load(allowed_origins=ALLOWED).origins)
    assert origins.allow({b"origin": origin.encode(), b"host": b"here"}) == allowed


def test_browsers_learn_that_they_may(tmp_path: Path) -> None:
    KeyFile(tmp_path / "keys.json").create("app")
    with upstream() as up, gateway(up, allowed_origins=ALLOWED, autopicker_home=tmp_path) as base:
        asks = {
            "Origin": "chrome-extension://abc",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
            "Access-Control-Request-Private-Network": "true",
        }
        preflight = httpx.options(f"{base}/v1/chat/completions", headers=asks, timeout=20)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "chrome-extension://abc"
        assert preflight.headers["access-control-allow-private-network"] == "true"
        assert "authorization" in preflight.headers["access-control-allow-headers"]
        refused = httpx.options(base + "/v1/models", headers={**asks, "Origin": "https://evil.example"}, timeout=20)
        assert "access-control-allow-origin" not in refused.headers
        without_key = httpx.get(f"{base}/v1/models", headers={"Origin": "https://a.example.org"}, timeout=20)
        assert without_key.status_code == 401
        assert without_key.headers["access-control-allow-origin"] == "https://a.example.org"
        assert httpx.options(f"{base}/v1/models", timeout=20).status_code == 405  # which needs no key either


def test_an_origin_that_cannot_be_read_is_another_one(base: str) -> None:
    answer = httpx.post(f"{base}/v1/chat/completions", json=CHAT, headers={"Origin": "http://[::1"}, timeout=20)
    assert answer.status_code == 401


@pytest.mark.parametrize("origins", ["friend.example", "https://", "https://a.example/path", "https://a b"])
def test_origins_that_could_never_match_stop_the_start(origins: str) -> None:
    with pytest.raises(SettingsError, match="ALLOWED_ORIGINS"):
        Settings.load(allowed_origins=origins)


def test_a_line_of_the_log_cannot_be_forged(capfd: pytest.CaptureFixture[str]) -> None:
    with upstream() as up, gateway(up) as base, httpx.Client(timeout=20) as client:
        for path in ("/a%0A2026-01-01 INFO forged", "/b 200 1.0 ms [forged]", "/c%1b[2K", "/d%E2%80%A8forged"):
            client.get(httpx.URL(base, raw_path=path.replace(" ", "%20").encode()))
    lines = capfd.readouterr().err
    assert "\n2026-01-01 INFO forged" not in lines
    assert "/b 200 1.0 ms" not in lines
    assert "\x1b" not in lines


def test_a_message_of_the_log_is_one_line() -> None:
    config = log_config(Settings.load())
    formatter = LineFormatter(config["formatters"]["text"]["fmt"])
    record = logging.LogRecord("a", logging.WARNING, "", 0, "no %s", ("model\n2026 INFO x\x1b[2K\u2028é",), None)
    assert formatter.format(record).endswith("no model\\n2026 INFO x\\x1b[2K\\u2028é")
