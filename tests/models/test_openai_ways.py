"""Each upstream its ways: headers, options, query strings, proxies, and parameters that it refuses."""

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import needs
from support.raw_upstream import END, completion, head, piece, raw_upstream, stream, whole
from support.serving import free_port

from autopicker_lab import Settings
from autopicker_lab.core import ChatRequest, InvalidRequestError, ModelSpec, ModelUnavailableError, SettingsError
from autopicker_lab.http_client import proxy_address
from autopicker_lab.models import build, complete_from_stream

HELLO = ChatRequest.of("Hello")


@pytest.fixture
def up() -> Iterator[Any]:
    with raw_upstream() as server:
        yield server


def run(spec: ModelSpec, *requests: ChatRequest, streamed: bool = False) -> Any:
    """The last of the replies of one model."""

    async def asking() -> Any:
        model = build(spec)
        try:
            for request in requests:
                reply = await (complete_from_stream(model, request) if streamed else model.complete(request))
            return reply
        finally:
            await model.close()

    return asyncio.run(asking())


def openai(up: Any, path: str = "", **fields: Any) -> ModelSpec:
    return ModelSpec("m", "openai", "x", up.url + path, timeout_s=5, **fields)


@pytest.mark.fault("an endpoint with a query string, such as Azure's api-version", "the query goes with each request")
def test_the_query_of_an_endpoint_is_kept(up: Any) -> None:
    spec = openai(up, "/deployments/d?api-version=2024-10-21&x=1")
    run(spec, HELLO)
    up.script = lambda asked: stream(piece({"content": "x"}) + END)
    run(spec, HELLO, streamed=True)
    assert [asked.target for asked in up.asked] == ["/v1/deployments/d/chat/completions?api-version=2024-10-21&x=1"] * 2


@pytest.mark.fault("an upstream with headers of its own, such as Azure's api-key", "the headers that its entry names")
def test_headers_of_the_configuration_are_sent(up: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_KEY", "secret-1")
    path = tmp_path / "models.yaml"
    path.write_text(
        f"models:\n- {{name: m, type: openai, endpoint: '{up.url}', api_key: unused,"
        " headers: {api-key: '${AZURE_KEY}', authorization: Basic x, X-Empty: ''}}\n"
    )
    spec = Settings.load(autopicker_config=path).catalogue()[0]
    assert "secret-1" not in repr(spec)
    run(spec, HELLO)
    headers = up.asked[0].headers
    assert (headers["api-key"], headers["authorization"]) == ("secret-1", "Basic x")


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("headers: {'a b': x}", "no header"),
        ("headers: {Host: x}", "no header"),
        ('headers: {x-key: "secret-2\\nX: y"}', "printable"),
        ("options: {stream: true}", "no option"),
        ("proxy: 'socks5://u:secret-2@h'", "must begin with http"),
    ],
)
def test_what_cannot_be_sent_stops_the_start(tmp_path: Path, field: str, says: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(f"models:\n- {{name: m, type: openai, endpoint: 'http://h/v1', {field}}}\n")
    with pytest.raises(SettingsError, match=says) as caught:
        Settings.load(autopicker_config=path)
    assert "secret-2" not in str(caught.value)


def test_a_user_and_password_in_an_endpoint_are_sent(up: Any) -> None:
    spec = ModelSpec("m", "openai", "x", up.url.replace("http://", "http://me:p%40ss@"))
    run(spec, HELLO)
    assert up.asked[0].headers["authorization"] == "Basic bWU6cEBzcw=="
    assert "@" not in up.asked[0].headers["host"]


def test_options_are_defaults_and_dropped_ones_never_sent(up: Any) -> None:
    options = {"temperature": 0.3, "top_k": 5, "max_tokens": 9, "made_up_here": 1}
    spec = openai(up, options=options, drop=("seed", "stream_options"))
    given = ChatRequest.of("Hello", options={"temperature": 0.9, "seed": 1, "max_completion_tokens": 7, "top_p": None})
    up.script = lambda asked: stream(piece({"content": "x"}) + END)
    run(spec, given, streamed=True)
    run(spec, HELLO, streamed=True)
    sent = [{k: v for k, v in asked.body.items() if k not in ("messages", "model", "stream")} for asked in up.asked]
    assert sent[0] == {"temperature": 0.9, "top_k": 5, "max_completion_tokens": 7, "made_up_here": 1}
    assert sent[1] == options


@pytest.mark.fault("a parameter that no upstream is known to take", "left out, unless the model's `allow` names it")
def test_unknown_options_are_left_out(up: Any) -> None:
    options = {"n_predict": 5, "chat_template": "{{", "top_k": 3, "guided_json": {}, "reasoning": {"effort": "low"}}
    request = ChatRequest.of("Hello", options=options)
    for allow, left_out in (((), {"n_predict", "chat_template"}), (("n_predict",), {"chat_template"}), (("*",), set())):
        run(openai(up, allow=allow), request)
        assert set(options) - set(up.asked[-1].body) == left_out


def refusing(up: Any, refuses: Any, words: Any) -> None:
    """Let an upstream refuse the bodies of which `refuses` is true."""

    def script(asked: Any) -> Any:
        if refuses(asked.body):
            return [whole(words, "400 Bad Request")]
        if asked.body["stream"]:
            return stream(piece({"content": "ok"}) + END)
        return [whole(completion("ok"))]

    up.script = script


ROLES = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello"}]


@pytest.mark.fault(
    "an upstream refuses `stream_options`, `developer`, `max_tokens` or `max_completion_tokens`",
    "asked once more without it, and so from then on",
)
@pytest.mark.parametrize(
    ("request_", "refuses", "words"),
    [
        (
            HELLO,
            lambda body: "stream_options" in body,
            {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
        ),
        (
            ChatRequest.of(ROLES),
            lambda body: body["messages"][0]["role"] == "developer",
            {"error": {"message": "messages[0].role: unknown variant `developer`, expected one of `system`, `user`"}},
        ),
        (
            ChatRequest.of("Hello", options={"max_tokens": 9}),
            lambda body: body.get("max_completion_tokens") != 9,
            {
                "error": {
                    "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
                    " 'max_completion_tokens' instead.",
                    "param": "max_tokens",
                    "code": "unsupported_parameter",
                }
            },
        ),
        (
            ChatRequest.of("Hello", options={"max_completion_tokens": 9}),
            lambda body: body.get("max_tokens") != 9,
            {"message": "property 'max_completion_tokens' is unsupported"},
        ),
    ],
)
def test_what_an_upstream_refuses_is_worded_otherwise(up: Any, request_: Any, refuses: Any, words: Any) -> None:
    refusing(up, refuses, words)
    assert run(openai(up), request_, request_, streamed=True).text == "ok"
    assert len(up.asked) == 3  # refused once, and remembered


def test_several_refusals_are_mended_one_after_the_other(up: Any) -> None:
    def refuses(body: Any) -> bool:
        return "stream_options" in body or body["messages"][0]["role"] == "developer"

    refusing(up, refuses, {"error": "unknown: stream_options, developer"})
    assert run(openai(up), ChatRequest.of(ROLES), streamed=True).text == "ok"
    assert len(up.asked) == 3


def test_a_refusal_that_another_wording_does_not_mend_is_told_and_not_remembered(up: Any) -> None:
    refusing(up, lambda body: True, {"error": {"message": "max_tokens is too large", "param": "max_tokens"}})
    limited = ChatRequest.of("Hello", options={"max_tokens": 9})
    with pytest.raises(InvalidRequestError, match="too large"):
        run(openai(up), limited)
    assert len(up.asked) == 2
    up.asked.clear()
    with pytest.raises(InvalidRequestError):
        run(openai(up), HELLO)
    assert len(up.asked) == 1


def test_who_is_asked_by_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxy_address("https://api.example/v1") == ""
    monkeypatch.setenv("HTTPS_PROXY", "http://p:3128")
    monkeypatch.setenv("NO_PROXY", "inner.example,.corp")
    assert proxy_address("https://api.example/v1") == "http://p:3128"
    assert proxy_address("https://api.example/v1", "none") == ""
    assert proxy_address("https://api.example/v1", "http://q:1") == "http://q:1"
    for url in (
        "https://inner.example/v1",
        "https://a.corp",
        "http://api.example",
        "https://localhost:1",
        "https://[::1]",
    ):
        assert proxy_address(url) == ""
    assert proxy_address("https://127.0.0.1:8000", "http://q:1") == ""


@asynccontextmanager
async def proxying(target: int, status: bytes = b"200 OK") -> Any:
    """A proxy that leads every CONNECT to a port here, and answers other requests itself; and what it was asked."""
    heads: list[str] = []

    async def pump(reader: Any, writer: Any) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def serve(reader: Any, writer: Any) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        heads.append(asked.decode())
        if not asked.startswith(b"CONNECT"):
            writer.write(whole(completion("by the proxy")))
            await reader.read()
            writer.close()
            return
        writer.write(b"HTTP/1.1 %s\r\n\r\n" % status)
        if not status.startswith(b"200"):
            writer.close()
            return
        there, out = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pump(reader, out), pump(there, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], heads
        await asyncio.sleep(0.1)  # for the connections to end


async def test_a_proxy_is_given_the_whole_address_and_its_password() -> None:
    async with proxying(0) as (port, heads):
        model = build(
            ModelSpec("m", "openai", "x", "http://api.example/v1?a=1", proxy=f"http://me:word@127.0.0.1:{port}")
        )
        assert (await model.complete(HELLO)).text == "by the proxy"
        await model.close()
    assert heads[0].startswith("POST http://api.example/v1/chat/completions?a=1 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic bWU6d29yZA==" in heads[0]


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The context of a server that is believed to be api.example."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=api.example"]
    names = ["-addext", "subjectAltName=DNS:api.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return context


@needs("openssl")
async def test_tls_goes_through_a_tunnel(certified: ssl.SSLContext) -> None:
    async def serve(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head() + piece({"content": "secure"}) + END)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certified) as server:
        async with proxying(server.sockets[0].getsockname()[1]) as (port, heads):
            model = build(
                ModelSpec("m", "openai", "x", "https://api.example/v1", proxy=f"http://me:word@127.0.0.1:{port}")
            )
            assert (await complete_from_stream(model, HELLO)).text == "secure"
            await model.close()
        assert heads[0].startswith("CONNECT api.example:443 HTTP/1.1\r\n")
        assert "Proxy-Authorization" in heads[0]
        async with proxying(0, b"407 Proxy Authentication Required") as (port, _):
            model = build(ModelSpec("m", "openai", "x", "https://api.example/v1", proxy=f"http://127.0.0.1:{port}"))
            with pytest.raises(ModelUnavailableError, match="answered 407"):
                await model.complete(HELLO)
            await model.close()
        await asyncio.sleep(0.05)


async def test_a_proxy_that_is_not_there() -> None:
    model = build(ModelSpec("m", "openai", "x", "https://api.example/v1", proxy=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(ModelUnavailableError):
        await model.complete(HELLO)
    await model.close()
