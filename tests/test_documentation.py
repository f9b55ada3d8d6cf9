"""The examples that users hold: run as they stand, against a real service on its real port.

The platform's own documentation is tested where its file exists; the blocks below it are ours, and say the same. Then
come the project's pages (README.md, and every page beside the code), whose code is run, or checked where it cannot be.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import gc
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import typer
import yaml
from conftest import ROOT, SHARED, needs
from support import pages
from support.ollama_server import FakeOllama
from support.serving import is_free, serving

from autopicker_lab import Settings, Workbench
from autopicker_lab.cli.app import app
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
def desk(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Path]:
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


@pytest.mark.slow
@pytest.mark.skipif(not DOCUMENTATION.exists(), reason="the platform's documentation is not here")
class TestThePlatformsOwn:
    @needs("curl")
    @needs("jq")
    def test_bash(self, desk: Any) -> None:
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
    def test_python(self, desk: Any) -> None:
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
        assert names["response"]["choices"][0]["message"]["content"]
        batch = names["process_files_batch"](["doc1.pdf", "image1.jpg", "data.xlsx"])
        with contextlib.chdir(desk):
            assert asyncio.run(batch)["files_processed"] == 3
        names.clear()
        gc.collect()  # what the examples left open is reported here, and not in whichever test comes next

    @needs("node")
    def test_javascript(self, desk: Any) -> None:
        for i, block in enumerate(blocks("javascript")):
            script = desk / f"example{i}.cjs"
            script.write_text(block + "\nexample().catch((error) => { console.error(error); process.exit(1); });\n")
            done = subprocess.run(["node", script], cwd=desk, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr
            assert len(done.stdout.strip()) > 10

    def test_error_shapes(self, desk: Any) -> None:
        answer = requests.post(f"http://localhost:{DEFAULT_PORT}/api/v1/chat/completions", json={}, timeout=20)
        assert answer.json() == json.loads(blocks("json")[0])


@pytest.mark.slow
@needs("curl")
def test_curl_uploads_and_chats(desk: Any) -> None:
    script = f"""
    BASE=http://localhost:{DEFAULT_PORT}
    curl -sf -X POST $BASE/api/v1/upload -F "file=@report.pdf" | grep -o '"id":"[^"]*"' | head -1 | cut -d'"' -f4 > id
    curl -sf $BASE/api/v1/chat/multimodal -H 'Content-Type: application/json' \
      -d '{{"messages": [{{"role": "user", "content": "Which boat is electric?"}}], "file_ids": ["'$(cat id)'"]}}'
    """
    assert '"files_processed":1' in shell(script, desk)


@pytest.mark.slow
def test_requests_parses_every_line_of_a_stream(desk: Any) -> None:
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


@pytest.mark.slow
def test_aiohttp_uploads_together(desk: Any) -> None:
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


@pytest.mark.slow
@needs("node")
def test_javascript_uploads_a_blob_without_a_name(desk: Any) -> None:
    script = f"""
    const blob = new Blob([require('fs').readFileSync('document.pdf')]);
    const form = new FormData();
    form.append('file', blob);
    fetch('http://localhost:{DEFAULT_PORT}/api/v1/upload', {{ method: 'POST', body: form }})
      .then((r) => r.json()).then((r) => console.log(r.file_type));
    """
    done = subprocess.run(["node", "-e", script], cwd=desk, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "pdf"


# ---------------------------------------------------------------- the project's own pages


@pytest.fixture(scope="module")
def clone(desk: Path) -> Path:
    """The desk with what a clone holds, since the pages' examples begin in one."""
    for name in ("data", "benchmarks", "notebooks"):
        (desk / name).symlink_to(ROOT / name)
    return desk


_RUNNABLE = [page for page in pages.PAGES if pages.of(page, "python")]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", _RUNNABLE, ids=pages.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(clone: Any, page: Any, tmp_path: Path) -> None:
    """In a process of its own, block after block, as a script and, where there is an `await`, as a notebook has it."""
    script = "\n\n".join(block.text for block in pages.of(page, "python") if "no-run" not in block.words)
    path = tmp_path / "page.py"
    path.write_text(_awaited(script), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, path], cwd=clone, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def _awaited(script: str) -> str:
    """A script whose top level may await, as a notebook's may."""
    try:
        compile(script, "<page>", "exec")
    except SyntaxError:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        compile(script, "<page>", "exec", flags)
        run = f"eval(compile({script!r}, '<page>', 'exec', {flags}), globals())"
        return f"import asyncio\nasyncio.run({run})\n"
    return script


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
class TestPages:
    def test_links_and_pictures_are_there(self, page: Any) -> None:
        gone = [target for target in pages.links(page) if not (page.parent / target).exists()]
        assert gone == []

    def test_every_block_says_its_language(self, page: Any) -> None:
        for block in pages.blocks(page):
            known = ("python", "bash", "yaml", "json", "javascript", "nginx", "text", "ini", "toml", "html", "")
            assert block.language in known, block.text

    def test_python_that_is_not_run_is_python(self, page: Any) -> None:
        for block in pages.of(page, "python"):
            compile(block.text, "<page>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    def test_commands_exist_with_their_options(self, page: Any) -> None:
        for line in pages.commands(page):
            for words in _autopicker_words(line):
                _check_command(words, line)

    def test_curl_asks_for_routes_that_exist(self, page: Any, desk: Any) -> None:
        described = requests.get(f"http://localhost:{DEFAULT_PORT}/openapi.json", timeout=20).json()["paths"]
        routes = [re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)) for path in [*described, "/", "/docs", "/v1"]]
        for line in pages.commands(page):
            for path in re.findall(rf"localhost:{DEFAULT_PORT}(/[^\s\"'?]*)", line):
                assert any(route.fullmatch(path) for route in routes), line

    def test_models_and_other_yaml_parse(self, page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        for block in pages.of(page, "yaml"):
            if "models" in yaml.safe_load(block.text):
                (tmp_path / "models.yaml").write_text(block.text)
                assert Settings.load(autopicker_config=tmp_path / "models.yaml").catalogue()

    def test_json_parses(self, page: Any) -> None:
        for block in pages.of(page, "json"):
            json.loads(block.text)

    def test_javascript_parses(self, page: Any, tmp_path: Path) -> None:
        scripts = pages.of(page, "javascript")
        if scripts and not shutil.which("node"):
            pytest.skip("node is not installed")
        for i, block in enumerate(scripts):
            script = tmp_path / f"{i}.mjs"
            script.write_text(block.text)
            done = subprocess.run(["node", "--check", script], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

    def test_nginx_is_configured_for_this_service(self, page: Any, tmp_path: Path) -> None:
        for block in pages.of(page, "nginx"):
            assert f"127.0.0.1:{DEFAULT_PORT}" in block.text
            assert "proxy_buffering off;" in block.text
            lines = [re.sub(r"#.*", "", line).strip() for line in block.text.splitlines()]
            assert block.text.count("{") == block.text.count("}")
            assert all(line.endswith((";", "{", "}")) for line in lines if line)
            if nginx := shutil.which("nginx"):
                whole = f"events {{}}\npid {tmp_path}/pid;\nhttp {{\naccess_log off;\n{block.text}\n}}\n"
                (tmp_path / "nginx.conf").write_text(whole)
                words: list[Any] = [
                    nginx,
                    "-t",
                    "-p",
                    tmp_path,
                    "-c",
                    tmp_path / "nginx.conf",
                    "-e",
                    tmp_path / "errors",
                ]
                done = subprocess.run(words, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr


def test_the_top_page_is_short_and_leads_to_the_others() -> None:
    text = pages.PAGES[0].read_text("utf-8")
    assert text.count("\n") < 200
    linked = {(ROOT / target).resolve() for target in pages.links(pages.PAGES[0])}
    assert set(pages.PAGES[1:]) <= linked


def test_the_two_commands_are_there_for_ci() -> None:
    """`.ci/run` takes them from the README."""
    text = pages.PAGES[0].read_text("utf-8")
    install = "python3 -m pip install -q --upgrade --target .uv uv"
    assert re.search(r"python3 -m pip install [^&]*[^& ]", text)[0] == install
    assert f"    {install} && .uv/bin/uv run --no-dev autopicker tour\n" in text
    assert f"    {install} && .uv/bin/uv run pytest\n" in text
    assert re.search(r"uv run pytest.*", text)[0] == "uv run pytest"


def test_every_picture_is_shown_somewhere() -> None:
    shown = {(page.parent / target).resolve() for page in pages.PAGES for target in pages.links(page)}
    assert set((ROOT / "data/pictures").glob("*.png")) <= shown


def _autopicker_words(line: str) -> Iterator[list[str]]:
    """The words after each `autopicker` that a command line runs."""
    for part in re.split(r"&&|\||;|>", line):
        if "autopicker " not in part:
            continue
        words = [word for word in shlex.split(part.replace("...", "")) if not re.match(r"[A-Z_]+=", word)]
        if words[:1] == ["autopicker"] or ("run" in words and "autopicker" in words):
            yield words[words.index("autopicker") + 1 :]


def _check_command(words: list[str], line: str) -> None:
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, line
        command, words = command.commands[words[0]], words[1:]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help"}
    for word in words:
        if re.match(r"--?[a-z]", word):
            assert word.partition("=")[0] in known, line


@pytest.mark.browser
@needs("chromium")
@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_the_docs_pages_render_without_a_network(desk: Any, page: str) -> None:
    """Rendered in a browser that is allowed to reach this service and nothing else."""
    from playwright.sync_api import sync_playwright

    refused = []
    with sync_playwright() as play:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        tab = browser.new_page()
        tab.route(
            lambda url: f"localhost:{DEFAULT_PORT}" not in url and not url.startswith("data:"),
            lambda route: (refused.append(route.request.url), route.abort())[1],  # type: ignore[func-returns-value]  # both
        )
        tab.goto(f"http://localhost:{DEFAULT_PORT}/{page}")
        tab.get_by_text("Chat, OpenAI's format").locator("visible=true").first.wait_for(timeout=30_000)
        browser.close()
    assert [url for url in refused if not url.startswith("blob:")] == []
