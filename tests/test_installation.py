"""The base installation, made for real: it serves, reads office files, and says what an extra would add."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import ROOT
from support.serving import free_port
from support.upstream import soon, upstream

from autopicker_lab import __version__
from autopicker_lab.core.optional import EXTRAS

UV = shutil.which("uv") or next((str(path) for path in [ROOT / ".uv/bin/uv"] if path.exists()), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(UV is None, reason="uv is not installed")]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a virtual environment that holds the base alone."""
    home = tmp_path_factory.mktemp("base") / "venv"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    for words in (["venv", "-q", "--python", python, str(home)], ["pip", "install", "-q", str(ROOT)]):
        environment = {**os.environ, "VIRTUAL_ENV": str(home)}
        done = subprocess.run([str(UV), *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return home / "bin"


def clean(folder: Path, **settings: str) -> dict[str, str]:
    """An environment in which the base finds itself and not this checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**kept, "AUTOPICKER_HOME": str(folder / "home"), **settings}


def run(words: list[Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of the base installation, run in an empty folder."""
    return subprocess.run(words, cwd=folder, env=clean(folder), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def served(base: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of the service on the base, its one model an upstream of the tests' own."""
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    with upstream() as faulty:
        model = {"name": "m", "type": "openai", "endpoint": faulty.url}
        (folder / "models.yaml").write_text(json.dumps({"models": [model]}))
        environment = clean(folder, AUTOPICKER_CONFIG=str(folder / "models.yaml"), RATE_LIMIT_REQUESTS="100000")
        command = [base / "autopicker", "serve", "--port", str(port)]
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
        ):
            try:
                assert soon(lambda: _healthy(client), 30), (folder / "log").read_text("utf-8")
                yield client
            finally:
                process.terminate()
                process.wait(30)


def _healthy(client: httpx.Client) -> bool:
    try:
        return bool(client.get("/health").json()["status"] == "healthy")
    except httpx.TransportError:
        return False


def test_nothing_of_an_extra_is_in_the_base(base: Any, tmp_path: Path) -> None:
    listed = sorted(m for modules in EXTRAS.values() for m in modules if "." not in m)
    code = f"from importlib.util import find_spec; print([m for m in {listed!r} if find_spec(m)])"
    done = run([base / "python", "-c", code], tmp_path)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_command_tells_its_version(base: Any, tmp_path: Path) -> None:
    assert run([base / "autopicker", "--version"], tmp_path).stdout.strip() == __version__


def test_it_serves(served: Any) -> None:
    assert served.get("/docs").status_code == 200
    assert served.get("/").status_code == 200
    assert served.get("/metrics").status_code == 200
    assert served.get("/api/v1/performance/metrics").status_code == 200
    question = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
    for stream in (False, True):
        answer = served.post("/v1/chat/completions", json={**question, "stream": stream})
        assert answer.status_code == 200, answer.text
        assert "it is" in answer.text
    assert served.post("/api/v1/analyze-complexity", json=question).json()["complexity_analysis"]
    target = {"endpoint": "/health", "concurrent_users": 2, "requests_per_user": 2}
    assert served.post("/api/v1/performance/load-test", params=target).json()["load_test_results"]


@pytest.mark.parametrize("name", ["report.pdf", "minutes.docx", "passengers.xlsx", "notes.txt", "timetable.html"])
def test_files_are_read(served: Any, samples: Path, name: str) -> None:
    kept = served.post("/api/v1/upload", files={"file": (name, (samples / name).read_bytes())})
    assert kept.status_code == 200, kept.text
    content = served.get(f"/api/v1/files/{kept.json()['id']}/content").json()
    assert len(json.dumps(content)) > 200
    question = {"messages": [{"role": "user", "content": "What is it about?"}], "file_ids": [kept.json()["id"]]}
    assert served.post("/api/v1/chat/multimodal", json=question).status_code == 200


def test_a_recording_is_answered_with_the_line_that_installs_speech(served: Any, samples: Path) -> None:
    sound = {"file": ("announcement.mp3", (samples / "announcement.mp3").read_bytes())}
    for path in ("/api/v1/upload", "/v1/audio/transcriptions"):
        answer = served.post(path, files=sound)
        assert answer.status_code == 501, answer.text
        assert "pip install 'autopicker-lab[speech]'" in answer.json()["detail"]


def test_a_picture_is_taken_with_a_warning_that_names_the_extra(base: Any, samples: Path, tmp_path: Path) -> None:
    done = run([base / "autopicker", "extract", samples / "sign.jpg"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pip install 'autopicker-lab[ocr]'" in done.stdout


@pytest.mark.parametrize(
    ("words", "extra"),
    [(["lab"], "notebook"), (["bench", "--list"], "bench"), (["evaluate", "x.csv"], "tuning")],
)
def test_a_command_without_its_extra_is_one_line(base: Any, tmp_path: Path, words: Any, extra: str) -> None:
    done = run([base / "autopicker", *words], tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(rf"autopicker: .*pip install 'autopicker-lab\[{extra}\]'\n", done.stderr), done.stderr


def test_doctor_names_each_extra(base: Any, tmp_path: Path) -> None:
    done = run([base / "autopicker", "doctor"], tmp_path)
    for extra in EXTRAS:
        assert f"pip install 'autopicker-lab[{extra}]'" in done.stdout, extra
