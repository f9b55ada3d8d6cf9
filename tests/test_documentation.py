"""The examples that users hold: run as they stand, against a real service on its real port.

The platform's own documentation is tested where its file exists; the blocks below are ours, and say the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SHARED, needs
from support.ollama_server import FakeOllama
from support.serving import is_free, serving

from autopicker_lab import Settings, Workbench
from autopicker_lab.service import create_app
from autopicker_lab.service.server import DEFAULT_PORT
from autopicker_lab.settings import ModelConfig

OLLAMA_PORT = 11434
DOCUMENTATION = SHARED / "platform-documentation.md"
# The files that the examples name, and the samples that stand for them.
NAMED = {
    "document.pdf": "report.pdf",
    "report.pdf": "report.pdf",
    "doc1.pdf": "report.pdf",
    "image1.jpg": "sign.jpg",
    "data.xlsx": "passengers.xlsx",
    "meeting.mp3": "announcement.mp3",
    "interview.wav": "announcement.wav",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory, samples) -> Iterator[Path]:
    """A folder with the named files, beside a running service and an Ollama, all on their documented ports."""
    if not (is_free(DEFAULT_PORT) and is_free(OLLAMA_PORT)):
        pytest.skip(f"ports {DEFAULT_PORT} and {OLLAMA_PORT} are taken")
    folder = tmp_path_factory.mktemp("desk")
    for name, sample in NAMED.items():
        shutil.copy(samples / sample, folder / name)
    brief = {"max_output": 80, "context_budget": 300, "quality": 0.15}  # the default catalogue, with shorter answers
    models = (
        ModelConfig(name="smollm2-135m", type="local", **brief),
        ModelConfig(name="llama3.2-local", type="ollama", model="llama3.2", quality=0.54),
    )
    settings = Settings.load(models=models)
    with serving(FakeOllama().app, OLLAMA_PORT), serving(create_app(Workbench(settings, isolate=True)), DEFAULT_PORT):
        yield folder


def blocks(language: str) -> list[str]:
    text = DOCUMENTATION.read_text("utf-8") if DOCUMENTATION.exists() else ""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def shell(script: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-e"], input=script, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def python(script: str, names: dict[str, object], folder: Path) -> str:
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        exec(compile(script, "<example>", "exec"), names)
    return out.getvalue()


@pytest.mark.skipif(not DOCUMENTATION.exists(), reason="the platform's documentation is not here")
class TestThePlatformsOwn:
    @needs("curl")
    @needs("jq")
    def test_bash(self, desk):
        outputs = [shell(block, desk) for block in blocks("bash")]
        assert len(outputs) >= 6
        assert '"object":"list"' in outputs[0]
        assert '"id"' in outputs[1]
        assert '"choices"' in outputs[2]
        assert "llama heard" in outputs[2]
        assert '"status":"healthy"' in outputs[3]
        whole = next(output for output in outputs if "Chatting with file..." in output)
        assert re.search(r"File ID: [0-9a-f-]{36}", whole)
        assert "null" not in whole
        assert '"hits"' in whole

    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the examples open files and never close them
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # which is how that is reported
    @pytest.mark.timeout(600)
    def test_python(self, desk):
        names: dict[str, object] = {}
        outputs = [python(block, names, desk) for block in blocks("python")]
        printed = "\n".join(outputs)
        for words in (
            r"File ID: [0-9a-f-]{36}",
            r"Complexity Score: \d",
            "Selected Model: ",
            "Transcription: Good morning",
            "Language: en",
            r"Duration: 1\d\.\d+ seconds",
            r"CPU Usage: [\d.]+%",
            "Healthy APIs: 2",
            r"Cache Hit Rate: [\d.]+%",
            r"Success Rate: 100\.0%",
            r"Avg Response Time: [\d.]+ms",
        ):
            assert re.search(words, printed), words
        assert len(outputs[1].split()) > 10  # the story of the streaming example
        assert names["response"]["choices"][0]["message"]["content"]  # type: ignore[index]
        batch = names["process_files_batch"](["doc1.pdf", "image1.jpg", "data.xlsx"])  # type: ignore[operator]
        with contextlib.chdir(desk):
            assert asyncio.run(batch)["files_processed"] == 3
        names.clear()
        gc.collect()  # what the examples left open is reported here, and not in whichever test comes next

    @needs("node")
    def test_javascript(self, desk):
        for i, block in enumerate(blocks("javascript")):
            script = desk / f"example{i}.cjs"
            script.write_text(block + "\nexample().catch((error) => { console.error(error); process.exit(1); });\n")
            done = subprocess.run(["node", script], cwd=desk, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr
            assert len(done.stdout.strip()) > 10

    def test_error_shapes(self, desk):
        import json

        import requests

        answer = requests.post(f"http://localhost:{DEFAULT_PORT}/api/v1/chat/completions", json={}, timeout=20)
        assert answer.json() == json.loads(blocks("json")[0])


@needs("curl")
def test_curl_uploads_and_chats(desk):
    script = f"""
    BASE=http://localhost:{DEFAULT_PORT}
    curl -sf -X POST $BASE/api/v1/upload -F "file=@report.pdf" | grep -o '"id":"[^"]*"' | head -1 | cut -d'"' -f4 > id
    curl -sf $BASE/api/v1/chat/multimodal -H 'Content-Type: application/json' \
      -d '{{"messages": [{{"role": "user", "content": "Which boat is electric?"}}], "file_ids": ["'$(cat id)'"]}}'
    """
    assert '"files_processed":1' in shell(script, desk)


def test_requests_parses_every_line_of_a_stream(desk):
    script = f"""
import requests, json
response = requests.post("http://localhost:{DEFAULT_PORT}/api/v1/chat/completions",
                         json={{"messages": [{{"role": "user", "content": "Tell a story"}}], "stream": True}},
                         stream=True)
for line in response.iter_lines():
    if line.startswith(b"data: "):
        chunk = json.loads(line[6:])
        if chunk.get("choices"):
            print(chunk["choices"][0]["delta"].get("content", ""), end="")
"""
    assert len(python(script, {}, desk).split()) > 10


def test_aiohttp_uploads_together(desk):
    script = f"""
import asyncio, aiohttp
async def upload(session, path):
    with open(path, "rb") as f:
        data = aiohttp.FormData()
        data.add_field("file", f)
        async with session.post("http://localhost:{DEFAULT_PORT}/api/v1/upload", data=data) as response:
            return (await response.json())["id"]
async def main():
    async with aiohttp.ClientSession() as session:
        return await asyncio.gather(*(upload(session, p) for p in ("doc1.pdf", "image1.jpg", "data.xlsx")))
print(len(set(asyncio.run(main()))))
"""
    assert python(script, {}, desk).strip() == "3"


@needs("node")
def test_javascript_uploads_a_blob_without_a_name(desk):
    script = f"""
    const blob = new Blob([require('fs').readFileSync('document.pdf')]);
    const form = new FormData();
    form.append('file', blob);
    fetch('http://localhost:{DEFAULT_PORT}/api/v1/upload', {{ method: 'POST', body: form }})
      .then((r) => r.json()).then((r) => console.log(r.file_type));
    """
    done = subprocess.run(["node", "-e", script], cwd=desk, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "pdf"


@needs("chromium")
@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_the_docs_pages_render_without_a_network(desk, page):
    """Rendered in a browser that is allowed to reach this service and nothing else."""
    from playwright.sync_api import sync_playwright

    refused = []
    with sync_playwright() as play:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        tab = browser.new_page()
        tab.route(
            lambda url: f"localhost:{DEFAULT_PORT}" not in url and not url.startswith("data:"),
            lambda route: (refused.append(route.request.url), route.abort()),
        )
        tab.goto(f"http://localhost:{DEFAULT_PORT}/{page}")
        tab.get_by_text("Chat, OpenAI's format").locator("visible=true").first.wait_for(timeout=30_000)
        browser.close()
    assert [url for url in refused if not url.startswith("blob:")] == []
