"""What one request may hold: each bound is a 400 that names the field, on every way in."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket
from support.gateway import gateway, model
from support.upstream import FaultyUpstream, upstream

from autopicker_lab.embeddings import text_vectors
from autopicker_lab.service.request import bounds, json_body

PATH = "/api/v1/chat/completions"
HELLO: Any = [{"role": "user", "content": "Say hello."}]
PICTURE: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
TOOL: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def nested(depth: int) -> Any:
    value: Any = {"type": "string"}
    for _ in range(depth):
        value = {"type": "object", "properties": {"a": value}}
    return value


@pytest.fixture(scope="module")
def faulty() -> Iterator[FaultyUpstream]:
    with upstream() as running:
        yield running


@pytest.fixture(scope="module")
def base(faulty: FaultyUpstream) -> Iterator[str]:
    with gateway(model(faulty.url, timeout_s=20.0)) as address:
        yield address


PAST_A_BOUND = [
    ("messages", HELLO * 5_001, "5,000"),
    ("messages", [{"role": "user", "content": [{"type": "text", "text": ""}] * 10_001}], "10,000"),
    ("messages", [{"role": "user", "content": [PICTURE] * 501}], "500"),
    ("messages", [{"role": "user", "content": [PICTURE] * 51}], "50"),
    ("messages", [{"role": "user", "content": "x" * 12_000_001}], "12,000,000"),
    ("tools", [TOOL] * 513, "512"),
    ("tools", [{**TOOL, "description": "x" * 1_000_001}], "1,000,000"),
    ("tools", [{**TOOL, "function": {"name": "f", "parameters": nested(40)}}], "64 levels"),
    ("response_format", {"type": "json_schema", "json_schema": {"schema": nested(40)}}, "64 levels"),
    ("response_format", {"type": "json_schema", "json_schema": {"schema": {"enum": ["x" * 9] * 30_000}}}, "250,000"),
    ("stop", ["x"] * 65, "64"),
    ("stop", ["x" * 1_001], "1,000"),
    ("stop", "x" * 1_001, "1,000"),
    ("file_ids", ["x"] * 51, "50"),
    ("file_ids", ["x" * 257], "256"),
    ("model", "m" * 257, "256"),
    ("user", "u" * 1_025, "1,024"),
    ("metadata", {str(i): "x" for i in range(65)}, "64"),
    ("logit_bias", {str(i): 1 for i in range(1_025)}, "1,024"),
    ("made_up", ["x" * 1_000_001], "1,000,000"),
    ("made_up", "x" * 100_001, "100,000"),
]


@pytest.mark.parametrize(("field", "value", "most"), PAST_A_BOUND, ids=lambda value: str(value)[:20])
@pytest.mark.fault("a request holds more of something than one may", "400 names the field and the bound")
def test_each_bound_is_a_400_that_names_it(base: str, field: str, value: Any, most: str) -> None:
    answer = httpx.post(base + "/v1/chat/completions", json={"messages": HELLO, field: value}, timeout=30)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == field
    assert most in error["message"]
    assert len(answer.content) < 2_000


def test_a_websocket_and_the_analysis_have_the_same_bounds(base: str) -> None:
    body = {"messages": HELLO * 5_001}
    assert "5,000" in httpx.post(base + "/v1/analyze-complexity", json=body, timeout=30).json()["detail"]
    with_files = {"messages": HELLO, "file_ids": ["0b5e3a9e-0000-4000-8000-000000000000"] * 1_000}
    assert httpx.post(base + "/v1/analyze-complexity", json=with_files, timeout=30).status_code == 400
    socket = websocket.create_connection(base.replace("http", "ws") + "/ws/chat", timeout=30)
    socket.send(json.dumps({"type": "chat", "stop": ["x"] * 65, "messages": HELLO}))
    answer = json.loads(socket.recv())
    socket.close()
    assert (answer["type"], answer["status_code"]) == ("error", 400)
    assert "'stop'" in answer["detail"]


def test_more_fields_than_any_request_has(base: str) -> None:
    body = {"messages": HELLO, **{f"field{i}": 1 for i in range(bounds.MAX_FIELDS)}}
    assert httpx.post(base + PATH, json=body, timeout=30).status_code == 400


SMALL_THINGS = {
    "empty lists": b'{"messages": [' + b",".join([b"[]"] * 4_000_000) + b"]}",
    "content parts": b'{"messages": [{"role": "user", "content": [' + b"{}," * 4_000_000 + b"1]}]}",
    "in another field": b'{"messages": [], "x": [' + b"1," * 4_000_000 + b"1]}",
    "quotes": b'{"messages": [], "x": [' + b'"",' * 4_000_000 + b"1]}",
}


@pytest.mark.parametrize("what", SMALL_THINGS)
@pytest.mark.parametrize("path", [PATH, "/v1/analyze-complexity", "/v1/feedback"])
@pytest.mark.fault("a body of millions of small values", "400 before it is parsed")
def test_a_body_of_small_things_is_refused_unparsed(base: str, what: str, path: str) -> None:
    headers = {"content-type": "application/json"}
    answer = httpx.post(base + path, content=SMALL_THINGS[what], headers=headers, timeout=60)
    assert answer.status_code == 400
    assert "200,000" in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "a, [b] {c} " * 30_000,
        'say \\" and "',
        "\\" * 70_000,
        '"' * 70_000,
        "語" * 40_000,
        "\u0001\\\\" * 20_000,
        '\\"' * 40_000,
    ],
    ids=["signs", "short", "backslashes", "quotes", "wide", "control", "mixed"],
)
def test_what_stands_in_strings_is_not_counted(base: str, faulty: FaultyUpstream, text: str) -> None:
    message = {"role": "user", "content": text + "a, [b] {c} " * 10_000}
    answer = httpx.post(base + PATH, json={"messages": [message], "model": "m"}, timeout=60)
    assert answer.status_code == 400
    assert "context window" in answer.json()["detail"]
    assert json_body.parse(json.dumps({"x": text + "[" * 70_000}).encode())["x"].startswith(text)


class TestPackedBodies:
    def send(self, base: str, content: bytes, encoding: str, path: str = PATH) -> httpx.Response:
        headers = {"content-type": "application/json", "content-encoding": encoding}
        return httpx.post(base + path, content=content, headers=headers, timeout=60)

    @pytest.mark.parametrize("path", [PATH, "/v1/analyze-complexity"])
    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "identity", "GZip"])
    def test_a_packed_body_is_unpacked(self, base: str, encoding: str, path: str) -> None:
        raw = json.dumps({"messages": HELLO, "model": "m"}).encode()
        packer = zlib.compressobj(wbits=-15)
        packed = {
            "gzip": gzip.compress(raw),
            "deflate": zlib.compress(raw),
            "raw deflate": packer.compress(raw) + packer.flush(),
            "identity": raw,
            "GZip": gzip.compress(raw[:10]) + gzip.compress(raw[10:]),
        }
        assert self.send(base, packed[encoding], encoding.rsplit(maxsplit=1)[-1], path).status_code == 200

    @pytest.mark.fault("a small packed body that is huge unpacked", "413, and no more than the bound is unpacked")
    def test_a_bomb_is_413(self, base: str) -> None:
        assert self.send(base, gzip.compress(bytes(200 * 2**20)), "gzip").status_code == 413
        assert self.send(base, gzip.compress(bytes(200 * 2**20)), "gzip", "/v1/analyze-complexity").status_code == 413

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\x1f\x8b",
            gzip.compress(b"{}" * 500, mtime=0)[:-20],
            b"not packed",
            gzip.compress(b"", mtime=0) * 50_000,
        ],
        ids=["nothing", "its first bytes", "cut", "not packed", "many members"],
    )
    def test_what_cannot_be_unpacked_is_400(self, base: str, content: bytes) -> None:
        assert self.send(base, content, "gzip").status_code == 400

    @pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense" * 100])
    def test_an_unknown_encoding_is_415(self, base: str, encoding: str) -> None:
        answer = self.send(base, b"x", encoding)
        assert (answer.status_code, len(answer.content) < 500) == (415, True)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("path", [PATH, "/v1/analyze-complexity"])
def test_a_body_as_some_systems_write_unicode(base: str, encoding: str, path: str) -> None:
    text = json.dumps({"messages": [{"role": "user", "content": "héllo 世界"}], "model": "m"}, ensure_ascii=False)
    headers = {"content-type": "application/json"}
    assert httpx.post(base + path, content=text.encode(encoding), headers=headers, timeout=30).status_code == 200


def test_the_page_names_each_bound() -> None:
    page = (Path(bounds.__file__).parent.parent / "README.md").read_text()
    figures = [*bounds.COUNTS.values(), *bounds.ITEM_LENGTHS.values(), bounds.LENGTHS["user"], bounds.MAX_LENGTH]
    figures += [bounds.MAX_FIELDS, bounds.MAX_PARTS, bounds.MAX_MEDIA, bounds.MAX_DEPTH, json_body.MAX_ITEMS]
    missing = [figure for figure in figures if f"{figure:,}" not in page]
    assert not missing


@pytest.mark.parametrize("given", ["語" * 1_300_000, ["word " * 200] * 1_300], ids=["one text", "many texts"])
def test_embeddings_of_more_than_one_may_ask_for(base: str, given: Any) -> None:
    answer = httpx.post(base + "/v1/embeddings", json={"input": given}, timeout=60)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")


def test_a_long_text_embeds_as_its_words_do() -> None:
    text = "The keeper of the lighthouse rings the fog bell every second minute. " * 1_000
    vectors, tokens = text_vectors([text, text[:10_000]])
    assert float(vectors[0] @ vectors[1]) > 0.999
    assert tokens > 16_000


@pytest.mark.parametrize("name", ["m" * 200, "m" * 5_000])
def test_an_unknown_model_is_not_quoted_at_length(base: str, name: str) -> None:
    answer = httpx.get(f"{base}/v1/models/{name}", timeout=30)
    assert answer.status_code == 404
    assert len(answer.content) < 1_500
