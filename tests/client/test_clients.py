"""Our own clients against the running service: every route, in Python, awaited, and in JavaScript both ways."""

import inspect
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import needs
from support.gateway import gateway
from support.serving import free_port
from support.upstream import upstream

from autopicker_lab.client import AsyncAutopickerClient, AutopickerClient, ServiceError, protocol
from autopicker_lab.client.__main__ import common_js
from autopicker_lab.core import StoppedError, UpstreamError

HELLO = [{"role": "user", "content": "Hello, how are you?"}]
HERE = Path(protocol.__file__).parent
FOR_OTHER_CLIENTS = (
    "/embeddings",
    "/audio/translations",
    "/messages",
    "/responses",
    "/completions",
    "/api/",
)  # OpenAI's, Anthropic's and Ollama's own: ours need them not


@pytest.fixture
def client(service: str) -> Iterator[Any]:
    with AutopickerClient(service) as client:
        yield client


@pytest.mark.slow
def test_every_route(client: Any, samples: Path) -> None:
    reports = []
    record = client.upload_file(samples / "report.pdf", lambda done, total: reports.append((done, total)))
    assert reports[-1][0] == reports[-1][1] == record["size"]
    assert client.file(record["id"])["filename"] == "report.pdf"
    assert record["id"] in [row["id"] for row in client.files()]
    assert client.file_content(record["id"])["parts"]
    answer = client.chat(HELLO, [record["id"]], max_tokens=8)
    assert (answer["files_processed"], answer["routing"]["selected_model"]) == (1, "smollm2-135m")
    chunks = list(client.stream_chunks(HELLO, max_tokens=8, stream_options={"include_usage": True}))
    assert chunks[0]["routing"]["reason"]
    assert chunks[-1]["usage"]["completion_tokens"] > 0
    assert "".join(client.stream(HELLO, max_tokens=8))
    assert client.analyze(HELLO, [record["id"]])["selected_model"] == "smollm2-135m"
    context = client.context([{"role": "user", "content": "What is the report about?"}], [record["id"]], budget=200)
    assert context["passages"][0]["file"] == "report.pdf"
    client.feedback(answer["id"], 1.0)
    client.delete_file(record["id"])
    sound = client.upload_file(samples / "announcement.mp3")
    assert client.transcribe(sound["id"])["language"] == "en"
    assert client.hear(samples / "announcement.mp3")["text"]
    assert client.hear(samples / "announcement.mp3", response_format="srt").startswith("1\n")
    client.delete_file(sound["id"])
    assert "auto" in [row["id"] for row in client.models()]
    assert client.model("smollm2-135m")["available"]
    assert client.health()["status"] == "healthy"
    assert client.monitoring()["system_metrics"]
    assert client.metrics()["performance_metrics"]
    assert "autopicker_requests_total" in client.prometheus()
    assert client.load_test(concurrent_users=2, requests_per_user=2)["success_rate_percent"] == 100


async def test_an_upload_stops_where_its_progress_says_so(client: Any, service: str, samples: Path) -> None:
    names = [row["filename"] for row in client.files()]
    with pytest.raises(StoppedError, match="upload was stopped"):
        client.upload_file(samples / "report.pdf", lambda done, total: False)
    async with AsyncAutopickerClient(service) as awaited:
        with pytest.raises(StoppedError):
            await awaited.upload_file(samples / "report.pdf", lambda done, total: False)
    assert [row["filename"] for row in client.files()] == names


@pytest.mark.slow
async def test_every_route_awaited(service: str, samples: Path) -> None:
    async with AsyncAutopickerClient(service) as client:
        reports = []
        record = await client.upload_file(samples / "notes.txt", lambda done, total: reports.append((done, total)))
        assert reports[-1][0] == reports[-1][1] == record["size"]
        assert (await client.file(record["id"]))["filename"] == "notes.txt"
        assert record["id"] in [row["id"] for row in await client.files()]
        assert (await client.file_content(record["id"]))["parts"]
        answer = await client.chat(HELLO, [record["id"]], max_tokens=8)
        assert answer["files_processed"] == 1
        assert "".join([text async for text in client.stream(HELLO, max_tokens=8)])
        assert (await client.analyze(HELLO))["complexity_score"] > 0
        await client.feedback(answer["id"], 0.5)
        sound = await client.upload_file(samples / "announcement.wav")
        assert (await client.transcribe(sound["id"]))["duration"] > 1
        assert (await client.hear(samples / "announcement.wav"))["text"]
        for file in (record, sound):
            await client.delete_file(file["id"])
        assert "auto" in [row["id"] for row in await client.models()]
        assert (await client.model("auto"))["available"]
        assert (await client.health())["status"] == "healthy"
        assert (await client.monitoring())["api_health"]
        assert (await client.metrics())["routing"]
        assert "autopicker_requests_total" in await client.prometheus()
        assert (await client.load_test(concurrent_users=1, requests_per_user=1))["requests_per_second"] > 0
        with pytest.raises(ServiceError, match="no file with id"):
            await client.file(record["id"])
        with pytest.raises(ServiceError, match="unknown model"):
            _ = [text async for text in client.stream(HELLO, model="gpt-9")]


def test_the_clients_have_the_same_methods_and_every_documented_path(service: str) -> None:
    def methods(kind: Any) -> Any:
        return {name: inspect.signature(getattr(kind, name)) for name in dir(kind) if not name.startswith("_")}

    assert {n: s.parameters.keys() for n, s in methods(AutopickerClient).items()} == {
        n: s.parameters.keys() for n, s in methods(AsyncAutopickerClient).items()
    }
    source = (HERE / "protocol.py").read_text() + (HERE / "autopicker.mjs").read_text()
    known = set(re.findall(r"/(?:api/v1|v1)(/[\w\-/]+)|[`\"'](/health|/metrics)[`\"']", source))
    sent = {a or b for a, b in known}
    for path in httpx.get(f"{service}/openapi.json").json()["paths"]:
        short = path.removeprefix("/api/v1").split("{")[0].rstrip("/")
        if not short.startswith(FOR_OTHER_CLIENTS):
            assert any(s.rstrip("/").startswith(short) for s in sent) or short == "/chat/multimodal", path
    script = (HERE / "autopicker.mjs").read_text()
    types = (HERE / "autopicker.d.ts").read_text()
    client = script.partition("export class AutopickerClient")[2].partition("\n}\n")[0]
    for name in re.findall(r"^  (?:async )?\*?(\w+)\(.*\{$", client, re.M):
        assert f"  {name}(" in types


def test_refusals_are_typed_and_tried_again_where_that_helps() -> None:
    with upstream() as up, gateway(up) as base:
        waits: list[Any] = []
        mine, sleep = threading.get_ident(), time.sleep
        with AutopickerClient(base, retries=1) as client, pytest.MonkeyPatch.context() as patch:
            # other threads of this process sleep, too
            patch.setattr("time.sleep", lambda s: waits.append(s) if threading.get_ident() == mine else sleep(s))
            up.fault = "429"
            with pytest.raises(ServiceError, match="rate limit") as caught:
                client.chat(HELLO)
            assert (caught.value.status, caught.value.retry_after, waits) == (429, 7, [7])
            assert caught.value.request_id
            up.fault = "clean cut"
            with pytest.raises(ServiceError, match="cut its answer short"):
                list(client.stream(HELLO))
            with pytest.raises(ServiceError, match="unknown model"):
                client.chat(HELLO, model="gpt-9")
            assert len(waits) == 1


def test_no_service_and_half_a_stream() -> None:
    with pytest.raises(ServiceError, match="autopicker serve") as caught:
        AutopickerClient(f"http://127.0.0.1:{free_port()}", retries=0).health()
    assert caught.value.status == 0
    reader = protocol.EventTextReader()
    assert list(reader.read('data: {"choices": []}')) == [{"choices": []}]
    with pytest.raises(UpstreamError, match="cut short"):
        reader.check()


def test_the_common_js_module_is_made_from_the_other() -> None:
    assert (HERE / "autopicker.cjs").read_text() == common_js()


SCRIPT = """
const client = new AutopickerClient(%(base)s);
const run = async () => {
  const file = await client.uploadFile(%(pdf)s);
  const question = [{ role: 'user', content: 'Which boat is electric?' }];
  const answer = await client.chat(question, [file.id], { max_tokens: 20 });
  let streamed = '';
  for await (const piece of client.stream(question, [file.id], { max_tokens: 20 })) streamed += piece;
  const chunks = [];
  for await (const chunk of client.streamChunks(question, null, { max_tokens: 4 })) chunks.push(chunk);
  const abort = new AbortController();
  let aborted = '';
  try {
    for await (const piece of client.stream(question, null, { signal: abort.signal })) abort.abort();
  } catch (error) { aborted = error.name; }
  await client.feedback(answer.id, 1);
  const sound = await client.uploadFile(%(sound)s);
  const results = {
    name: file.filename, processed: answer.files_processed, streamed: streamed.length > 5,
    routed: chunks[0].routing.selected_model, aborted,
    score: (await client.analyze(question, [file.id])).complexity_score > 0,
    record: (await client.file(file.id)).size === file.size,
    content: (await client.fileContent(file.id)).parts.length > 0,
    listed: (await client.files()).some((row) => row.id === file.id),
    heard: (await client.transcribe(sound.id)).language,
    srt: (await client.hear(%(sound)s, { response_format: 'srt' })).slice(0, 2),
    text: (await client.hear(%(sound)s)).text.length > 5,
    models: (await client.models()).length > 1, model: (await client.model('auto')).id,
    health: (await client.health()).status, monitoring: 'api_health' in (await client.monitoring()),
    metrics: 'routing' in (await client.metrics()), prometheus: (await client.prometheus()).includes('autopicker_'),
    load: (await client.loadTest('/health', 1, 2)).success_rate_percent,
    deleted: (await client.deleteFile(file.id)).deleted && (await client.deleteFile(sound.id)).deleted,
  };
  const failure = await client.transcribe(file.id).catch((error) => error);
  results.failure = failure instanceof ServiceError && failure.status;
  const away = await new AutopickerClient('http://127.0.0.1:9', null, { retries: 0 }).health().catch((e) => e);
  results.away = away.status;
  console.log(JSON.stringify(results));
};
run();
"""


@pytest.mark.slow
@needs("node")
@pytest.mark.parametrize("kind", ["mjs", "cjs"])
def test_every_route_in_javascript(service: str, samples: Path, tmp_path: Path, kind: str) -> None:
    module = json.dumps(str(HERE / f"autopicker.{kind}"))
    names = "{ AutopickerClient, ServiceError }"
    first = f"import {names} from {module};" if kind == "mjs" else f"const {names} = require({module});"
    values = {"base": service, "pdf": str(samples / "report.pdf"), "sound": str(samples / "announcement.mp3")}
    script = tmp_path / f"client.{kind}"
    script.write_text(first + SCRIPT % {name: json.dumps(value) for name, value in values.items()})
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "name": "report.pdf",
        "processed": 1,
        "streamed": True,
        "routed": "smollm2-135m",
        "aborted": "AbortError",
        "score": True,
        "record": True,
        "content": True,
        "listed": True,
        "heard": "en",
        "srt": "1\n",
        "text": True,
        "models": True,
        "model": "auto",
        "health": "healthy",
        "monitoring": True,
        "metrics": True,
        "prometheus": True,
        "load": 100,
        "deleted": True,
        "failure": 404,
        "away": 0,
    }
