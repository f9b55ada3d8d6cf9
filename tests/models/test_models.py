import asyncio
import base64
import json
import time
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.ollama_server import FakeOllama
from support.serving import free_port, serving

from autopicker_lab.core import (
    ChatRequest,
    ContextLengthError,
    InvalidRequestError,
    ModelSpec,
    ModelUnavailableError,
    SettingsError,
    TransientUpstreamError,
    UnknownModelError,
    UpstreamError,
    UpstreamTimeoutError,
)
from autopicker_lab.models import Catalogue, build, complete_from_stream, image_bytes, quality_prior

HELLO = ChatRequest.of("Say hello.", options={"max_tokens": 12})
LOCAL = ModelSpec("small", "local")
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def llama(address: str, **fields: Any) -> ModelSpec:
    return ModelSpec("llama", "ollama", "llama3.2", address, capabilities=frozenset({"text", "tools"}), **fields)


@pytest.fixture(scope="module")
def local() -> Any:
    return build(LOCAL)


@pytest.fixture
def recorded_file(tmp_path: Path) -> str:
    questions = [HELLO.question, "Say good evening."]
    rows = [
        {"prompt": q, "model": "recorded", "reply": "good evening to you", "prompt_tokens": 9, "completion_tokens": 4}
        for q in questions
    ]
    path = tmp_path / "recorded.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


@pytest.fixture
def spec(request: Any, service: str, fake_ollama: Any, recorded_file: str) -> Any:
    """A model of each provider: the contract below holds for all of them, each against something real to talk to."""
    return {
        "local": LOCAL,
        "ollama": llama(fake_ollama[1]),
        "openai": ModelSpec("remote", "openai", "smollm2-135m", f"{service}/v1"),
        "replay": ModelSpec("recorded", "replay", recorded_file),
    }[request.param]


each_provider = pytest.mark.parametrize("spec", ["local", "ollama", "openai", "replay"], indirect=True)


@each_provider
async def test_complete_answers_with_usage(spec: Any) -> None:
    model = build(spec)
    reply = await model.complete(HELLO)
    assert reply.text.strip()
    assert reply.model == spec.id
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.completion_tokens > 0
    assert reply.finish_reason in ("stop", "length")
    await model.close()


@each_provider
async def test_stream_comes_in_pieces_that_make_the_answer(spec: Any) -> None:
    model = build(spec)
    request = ChatRequest.of("Say good evening.", options={"max_tokens": 12})  # not one that the service remembers
    chunks = [chunk async for chunk in model.stream(request)]
    assert len([delta for chunk in chunks for delta in chunk.deltas if delta.get("content")]) > 2
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason]
    assert [chunk.usage for chunk in chunks if chunk.usage]
    await model.close()


@each_provider
async def test_a_model_that_is_there_is_available_and_described(spec: Any) -> None:
    model = build(spec)
    assert (await model.available()).ok
    assert model.describe() is spec
    await model.close()


@pytest.mark.parametrize("provider", ["ollama", "openai"])
async def test_a_server_that_is_down_is_named_with_the_next_step(provider: str) -> None:
    model = build(ModelSpec("down", provider, "x", f"http://127.0.0.1:{free_port()}"))
    answer = await model.available()
    assert not answer.ok
    assert "does not answer" in answer.why
    assert answer.hint
    with pytest.raises(ModelUnavailableError, match="does not answer"):
        await model.complete(HELLO)
    with pytest.raises(ModelUnavailableError):
        await complete_from_stream(model, HELLO)
    await model.close()


@pytest.mark.slow
async def test_the_first_token_comes_long_before_the_last(local: Any) -> None:
    request = ChatRequest.of("Tell a long story about a lighthouse keeper.", options={"max_tokens": 100})
    await local.warm_up()
    started_at = time.perf_counter()
    times = [time.perf_counter() - started_at async for chunk in local.stream(request) if chunk.content]
    assert len(set(times)) > 20
    assert all(earlier < later for earlier, later in pairwise(times))
    assert times[-1] - times[0] > 20 * 1e-3  # they were not made first and handed over then


@pytest.mark.slow
async def test_a_reader_who_leaves_stops_the_local_model(local: Any) -> None:
    request = ChatRequest.of("Tell a very long story.", options={"max_tokens": 2000})
    async with aclosing(local.stream(request)) as chunks:
        async for _ in chunks:
            break
    started_at = time.perf_counter()
    await local.complete(HELLO)  # would queue behind 2,000 tokens, or share the cores with them
    assert time.perf_counter() - started_at < 10


@pytest.mark.slow
async def test_a_reader_who_leaves_while_the_prompt_is_read_stops_it(local: Any) -> None:
    prompt = f"{time.time()} " + "word " * 6000
    for _ in range(4):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(local.complete(ChatRequest.of(prompt)), 0.3)
    started_at = time.perf_counter()
    await local.complete(HELLO)  # would wait four minutes for 24,000 tokens
    assert time.perf_counter() - started_at < 60


@pytest.mark.slow
async def test_local_answers_run_together(local: Any) -> None:
    replies = await asyncio.gather(*(local.complete(HELLO) for _ in range(6)))
    assert all(reply.text for reply in replies)


async def test_local_refuses_what_it_cannot_read(local: Any) -> None:
    with pytest.raises(ContextLengthError, match="context"):
        await local.complete(ChatRequest.of("word " * 20000))
    with pytest.raises(InvalidRequestError):
        await local.complete(ChatRequest.of("hi", options={"temperature": "hot"}))


async def test_local_answers_as_json_when_asked(local: Any) -> None:
    options = {
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "schema": {
                    "type": "object",
                    "properties": {"n": {"type": "integer"}},
                    "required": ["n"],
                    "additionalProperties": False,
                }
            },
        },
        "max_tokens": 40,
    }
    reply = await local.complete(ChatRequest.of("Give the number seven.", options=options))
    assert reply.text.replace(" ", "").replace("\n", "").startswith('{"n":')


async def test_weights_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await build(ModelSpec("x", "local", str(tmp_path / "no.gguf"))).available()
    assert "no GGUF file" in answer.why
    (tmp_path / "bad.gguf").write_bytes(b"GGUF nonsense")
    with pytest.raises(ModelUnavailableError, match="could not be loaded"):
        await build(ModelSpec("x", "local", str(tmp_path / "bad.gguf"))).complete(HELLO)
    monkeypatch.setattr("huggingface_hub.HfApi.list_repo_files", lambda *_: (_ for _ in ()).throw(OSError("offline")))
    with pytest.raises(ModelUnavailableError, match="could not be downloaded"):
        await build(ModelSpec("x", "local", "owner/repository")).complete(HELLO)


async def test_ollama_gets_options_images_and_tools(fake_ollama: Any) -> None:
    fake, address = fake_ollama
    picture = base64.b64encode(b"picture").decode()
    message = {
        "role": "user",
        "content": [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
        ],
    }
    options = {"temperature": 0.5, "max_tokens": 9, "stop": ["x"], "seed": 4, "tools": [TOOL]}
    model = build(llama(address))
    reply = await model.complete(ChatRequest.of([message], options=options))
    body = fake.requests[-1]
    assert body["options"] == {"temperature": 0.5, "num_predict": 9, "stop": ["x"], "seed": 4, "num_ctx": 8192}
    assert base64.b64decode(body["messages"][0]["images"][0]) == b"picture"
    assert reply.finish_reason == "tool_calls"
    assert reply.message["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"x": 1}'}
    await model.complete(ChatRequest.of("hi", options={"response_format": {"type": "json_object"}}))
    assert fake.requests[-1]["format"] == "json"
    await model.close()


@pytest.mark.parametrize(("fault", "error"), [("500", UpstreamError), ("cut", UpstreamError)])
async def test_ollama_faults_are_typed(fake_ollama: Any, fault: str, error: Any) -> None:
    fake, address = fake_ollama
    fake.fault = fault
    model = build(llama(address))
    with pytest.raises(error):
        await model.complete(HELLO)
    await model.close()


@pytest.mark.slow
async def test_an_ollama_that_hangs_is_too_slow(fake_ollama: Any) -> None:
    fake, address = fake_ollama
    fake.fault = "hang"
    model = build(llama(address, timeout_s=0.3))
    with pytest.raises(UpstreamTimeoutError, match=r"0\.3 s"):
        await model.complete(HELLO)
    await model.close()


async def test_a_reader_who_leaves_stops_ollama(fake_ollama: Any) -> None:
    fake, address = fake_ollama
    fake.delay_s = 0.2
    model = build(llama(address))
    async with aclosing(model.stream(HELLO)) as chunks:
        async for _ in chunks:
            break
    for _ in range(100):
        if fake.cancelled:
            break
        await asyncio.sleep(0.05)
    assert fake.cancelled == 1
    await model.close()


async def test_a_model_that_ollama_lacks(fake_ollama: Any) -> None:
    model = build(ModelSpec("m", "ollama", "mistral", fake_ollama[1]))
    assert (await model.available()).hint == "run `ollama pull mistral`"
    with pytest.raises(ModelUnavailableError, match="ollama pull mistral"):
        await model.complete(HELLO)
    await model.close()


async def test_an_ollama_that_goes_away_keeps_its_models_as_unavailable() -> None:
    fake = FakeOllama({"mistral:7b": {"size": "7B", "capabilities": ["completion"]}})
    with serving(fake.app) as address:
        catalogue = Catalogue([build(LOCAL)], address)
        assert (await catalogue.availability())["mistral:7b"].ok
    assert not (await catalogue.availability(fresh=True))["mistral:7b"].ok
    assert catalogue.get("mistral:7b")
    await catalogue.close()


async def test_other_models_of_ollama_are_discovered(fake_ollama: Any) -> None:
    fake, address = fake_ollama
    fake.models["llava:7b"] = {"size": "7B", "capabilities": ["completion", "vision"]}
    fake.models["nomic-embed-text"] = {"size": "137M", "capabilities": ["embedding"]}
    catalogue = Catalogue([build(llama(address))], address)
    assert (await catalogue.availability())["llava:7b"].ok
    assert {spec.id for spec in catalogue.specs()} == {"llama", "llava:7b"}
    spec = catalogue.get("llava:7b").describe()
    assert spec.capabilities == {"text", "json", "images"}
    assert spec.quality == pytest.approx(quality_prior(7))
    del fake.models["llava:7b"]
    await catalogue.availability(fresh=True)
    with pytest.raises(UnknownModelError):
        catalogue.get("llava:7b")
    await catalogue.close()
    await catalogue.close()


def test_an_unknown_name_gets_the_nearest() -> None:
    catalogue = Catalogue([build(LOCAL)])
    with pytest.raises(UnknownModelError, match="Did you mean 'small'"):
        catalogue.get("smal")
    with pytest.raises(SettingsError, match="unknown type"):
        build(ModelSpec("x", "telepathy"))


@pytest.mark.parametrize("url", ["http://169.254.169.254/x.png", "/etc/passwd", "data:image/png;base64,!!", "data:,x"])
def test_pictures_come_as_data_or_not_at_all(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        image_bytes(url)


def openai_upstream(answer: Any) -> Any:
    from fastapi import FastAPI, Request

    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Any:
        return answer

    return app


@pytest.mark.parametrize(
    ("status", "body", "media_type", "error"),
    [
        (200, b'data: {"choices":[{"delta":{"content":"half"}}]}\n\n', "text/event-stream", UpstreamError),
        (200, b'data: {"error":{"message":"boom"}}\n\n', "text/event-stream", UpstreamError),
        (200, b"<html>", "text/html", UpstreamError),
        (200, b"data: {broken\n\n", "text/event-stream", UpstreamError),
        (401, b"{}", "application/json", UpstreamError),
        (404, b'{"error":{"message":"no such model"}}', "application/json", UpstreamError),
        (400, b'{"error":{"message":"too long"}}', "application/json", InvalidRequestError),
        (503, b"busy", "text/plain", TransientUpstreamError),
        (500, b"", "text/plain", UpstreamError),
    ],
)
async def test_openai_faults_are_typed(status: int, body: bytes, media_type: str, error: Any) -> None:
    from fastapi.responses import Response

    with serving(openai_upstream(Response(body, status, media_type=media_type))) as address:
        model = build(ModelSpec("remote", "openai", "x", f"{address}/v1"))
        with pytest.raises(error):
            await complete_from_stream(model, HELLO)
        await model.close()


async def test_openai_tool_calls_are_put_together() -> None:
    from fastapi.responses import Response

    pieces = [
        b'{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{\\"a\\":"}}]}}]}',
        b'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]}',
        b'{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}',
        b"[DONE]",
    ]
    body = b"".join(b"data: " + piece + b"\n\n" for piece in pieces)
    with serving(openai_upstream(Response(body, media_type="text/event-stream"))) as address:
        model = build(ModelSpec("remote", "openai", "x", f"{address}/v1"))
        reply = await complete_from_stream(model, HELLO)
        await model.close()
    assert reply.message["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    ]
