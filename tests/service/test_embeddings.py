"""Vectors of texts: the static ones that ship, those of OpenAI-compatible servers and of Ollama."""

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from support.gateway import gateway
from support.serving import serving
from support.upstream import upstream

from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import KeyFile


class EmbeddingServer:
    """Speaks OpenAI's and Ollama's embeddings; a vector has the length of its text in it.

    Attributes:
        bodies: what was asked.
        answer: in place of a right one, where it is set.
    """

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.answer: Any = None
        self.app = FastAPI()
        self.app.post("/v1/embeddings")(self.openai)
        self.app.post("/api/embed")(self.ollama)
        self.app.get("/api/tags")(lambda: {"models": [{"model": "nomic:latest", "name": "nomic:latest"}]})
        self.app.get("/v1/models")(lambda: {"object": "list", "data": []})

    async def openai(self, request: Request) -> Any:
        body = await request.json()
        self.bodies.append(body)
        if self.answer is not None:
            return JSONResponse(*self.answer)
        rows = [{"index": i, "embedding": [float(len(x)), 0.5, 0.25]} for i, x in enumerate(body["input"])]
        return {"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": 1_000_000, "total_tokens": 1_000_000}}

    async def ollama(self, request: Request) -> Any:
        body = await request.json()
        self.bodies.append(body)
        return {"model": body["model"], "embeddings": [[1.0, 2.0] for _ in body["input"]], "prompt_eval_count": 4}


@pytest.fixture
def served() -> Iterator[tuple[str, EmbeddingServer]]:
    server = EmbeddingServer()
    with upstream() as up, serving(server.app) as address:
        remote = ModelConfig(
            name="remote",
            type="openai",
            endpoint=f"{address}/v1",
            capabilities=frozenset({"embeddings"}),
            price_in=1.0,
            aliases=("text-embedding-3-small",),
        )
        nomic = ModelConfig(name="nomic", type="ollama", endpoint=address, capabilities=frozenset({"embeddings"}))
        chat = ModelConfig(name="m", type="openai", endpoint=up.url)
        with gateway(chat, remote, nomic) as base:
            yield base, server


def ask(base: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{base}/v1/embeddings", json=body, timeout=30)


def test_the_static_ones_with_openai_s_client(served: Any) -> None:
    client = openai.OpenAI(base_url=f"{served[0]}/v1", api_key="none", max_retries=0)
    texts = ["A cat sits on the mat.", "A kitten rests on a rug.", "Interest rates rose."]
    by_default = client.embeddings.create(model="wordllama", input=texts)  # asks for base64
    as_floats = client.embeddings.create(model="auto", input=texts, encoding_format="float")
    vectors = [row.embedding for row in by_default.data]
    assert [len(v) for v in vectors] == [256] * 3
    assert vectors[0] == pytest.approx(as_floats.data[0].embedding, abs=1e-6)

    def near(a: Any, b: Any) -> float:
        return float(sum(x * y for x, y in zip(a, b, strict=True)))

    assert near(vectors[0], vectors[0]) == pytest.approx(1, abs=1e-4)
    assert near(vectors[0], vectors[1]) > near(vectors[0], vectors[2])
    assert by_default.usage.total_tokens > 10
    cut = client.embeddings.create(model="wordllama", input=texts[0], dimensions=64).data[0].embedding
    assert len(cut) == 64
    assert near(cut, cut) == pytest.approx(1, abs=1e-4)


def test_those_of_servers(served: Any) -> None:
    base, server = served
    answer = ask(base, model="text-embedding-3-small", input=["a", "bcd"], input_type="query").json()
    assert [row["embedding"][0] for row in answer["data"]] == [1.0, 3.0]
    assert (answer["model"], answer["usage"]["prompt_tokens"]) == ("remote", 1_000_000)
    sent = server.bodies[-1]
    assert (sent["model"], sent["encoding_format"], sent["input_type"]) == ("remote", "float", "query")
    packed = ask(base, model="remote", input="abc", encoding_format="base64").json()["data"][0]["embedding"]
    assert struct.unpack("<3f", base64.b64decode(packed)) == (3.0, 0.5, 0.25)
    assert ask(base, model="remote", input=[1, 2, 3]).status_code == 200
    assert server.bodies[-1]["input"] == [[1, 2, 3]]
    assert ask(base, model="nomic", input="x").json()["data"][0]["embedding"] == [1.0, 2.0]
    server.answer = ({"data": [{"embedding": base64.b64encode(struct.pack("<2f", 3, 4)).decode()}]},)
    unasked = ask(base, model="remote", input="some words", encoding_format="float").json()
    assert unasked["data"][0]["embedding"] == [3.0, 4.0]
    assert unasked["usage"]["prompt_tokens"] > 0  # estimated


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"model": "wordllama", "input": [1, 2]}, 400, "texts"),
        ({"model": "nomic", "input": [[1], [2]]}, 400, "texts"),
        ({"model": "wordllama", "input": "x", "dimensions": 512}, 400, "256"),
        ({"model": "remote", "input": "x", "dimensions": 2}, 400, "dimensions"),
        ({"model": "wordllama", "input": ""}, 400, "input"),
        ({"model": "wordllama", "input": []}, 400, "input"),
        ({"model": "wordllama", "input": ["x", ""]}, 400, "input"),
        ({"model": "wordllama", "input": ["x"] * 2049}, 400, "2,048"),
        ({"model": "wordllama", "input": "x" * 1_300_000}, 400, "input"),
        ({"model": "wordllama", "input": [[True]]}, 400, "input"),
        ({"model": "remote", "input": ["x", 1]}, 400, "input"),
        ({"model": "remote", "input": [-1]}, 400, "input"),
        ({"model": "remote", "input": [None] * 9_000}, 400, "must be a text"),
        ({"model": "wordllama", "input": "x", "encoding_format": "md5"}, 400, "encoding_format"),
        ({"model": "m", "input": "x"}, 400, "no embeddings"),
        ({"model": "gpt-9", "input": "x"}, 404, "unknown model"),
        ({"model": "wordllama"}, 400, "input"),
    ],
)
def test_what_cannot_be_done_is_said(served: Any, body: Any, status: int, word: str) -> None:
    answer = ask(served[0], **body)
    assert (answer.status_code, word in answer.text) == (status, True), answer.text


def test_a_model_that_makes_vectors_is_asked_no_question(served: Any) -> None:
    base, _ = served
    chat = {"messages": [{"role": "user", "content": "Hello"}]}
    assert httpx.post(f"{base}/v1/chat/completions", json=chat).json()["model"] == "m"
    named = httpx.post(f"{base}/v1/chat/completions", json={**chat, "model": "remote"})
    assert (named.status_code, "does not chat" in named.text) == (400, True)
    rows = {row["id"]: row for row in httpx.get(f"{base}/v1/models").json()["data"]}
    assert rows["wordllama"]["capabilities"] == rows["nomic"]["capabilities"] == ["embeddings"]
    assert "embeddings" not in rows["auto"]["capabilities"]
    assert httpx.get(f"{base}/v1/models/wordllama").json()["available"]


@pytest.mark.parametrize(
    "answer",
    [
        ({"data": [{"index": 0, "embedding": [1.0, None]}]},),
        ({"data": []},),
        ({"data": [{"index": 0, "embedding": "AAAA"}]},),
        ({"error": {"message": "x"}}, 500),
        ([],),
    ],
)
def test_a_server_that_answers_wrongly(served: Any, answer: Any) -> None:
    base, server = served
    server.answer = answer
    assert ask(base, model="remote", input="x").status_code == 502


@pytest.mark.fault("embeddings by a key with a budget and a list of models", "charged by price_in; no other model")
def test_keys_and_budgets(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    key, _ = keys.create("reader", models=["remote"], budget_usd=1.5)
    server = EmbeddingServer()
    with serving(server.app) as address:
        remote = ModelConfig(
            name="remote", type="openai", endpoint=f"{address}/v1", capabilities=frozenset({"embeddings"}), price_in=1.0
        )
        with gateway(remote, api_keys_file=str(tmp_path / "keys.json")) as base:
            headers = {"Authorization": f"Bearer {key}"}

            def status(model: str) -> int:
                body = {"model": model, "input": "x"}
                return httpx.post(f"{base}/v1/embeddings", json=body, headers=headers, timeout=30).status_code

            assert status("wordllama") == 404
            assert [status("remote"), status("remote"), status("remote")] == [200, 200, 429]
