"""The clients that people already have, each in an environment of its own, against the running service."""

import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, needs
from support.gateway import gateway
from support.upstream import TEXT, upstream

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "clients"
NEWEST = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]["exclude-newer"]


@pytest.fixture(scope="module")
def base() -> Iterator[Any]:
    with upstream() as up, gateway(up) as address:
        yield address


def run(folder: Any, command: Any, **environment: Any) -> Any:
    """What a command prints, in a folder without a virtual environment of its own."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTHON"))}
    done = subprocess.run(
        command, cwd=folder, env={**known, **environment}, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def uv(*packages: Any) -> Any:
    """A command in an environment that has these packages and nothing of the project's."""
    return [
        "uv",
        "run",
        "--exclude-newer",
        NEWEST,
        "--isolated",
        "--no-project",
        "--quiet",
        *(part for package in packages for part in ("--with", package)),
    ]


@needs("uv")
@pytest.mark.parametrize(
    ("packages", "script"),
    [
        (["openai>=2"], "openai_python.py"),
        (["openai>=1,<2"], "openai_python.py"),
        (["langchain-openai"], "langchain.py"),
        (["llama-index-llms-openai-like"], "llamaindex.py"),
        (["litellm==1.106.2"], "litellm_client.py"),
    ],
    ids=["openai", "openai 1.x", "langchain", "llama-index", "litellm"],
)
def test_python_clients(base: Any, samples: Path, tmp_path: Path, packages: Any, script: str) -> None:
    sound = str(samples / "announcement.mp3")
    output = run(
        tmp_path,
        [*uv(*packages), "python", str(HERE / script), base, packages[0], sound],
        LITELLM_LOCAL_MODEL_COST_MAP="True",
    )
    assert "works" in output


@needs("uv")
def test_the_llm_command(base: Any, tmp_path: Path) -> None:
    folder = tmp_path / "llm"
    folder.mkdir()
    (folder / "extra-openai-models.yaml").write_text(f"- model_id: lab\n  model_name: auto\n  api_base: {base}/v1\n\n")
    for option in ([], ["--no-stream"]):
        output = run(
            tmp_path,
            [*uv("llm"), "llm", "-m", "lab", *option, "--no-log", "Say hello."],
            LLM_USER_PATH=str(folder),
            OPENAI_API_KEY="none",
        )
        assert output.strip() == TEXT


@needs("npm")
def test_openai_node(base: Any, samples: Path, tmp_path: Path) -> None:
    quiet = ["--loglevel=error", "--no-audit", "--no-fund", "--fetch-retries=0"]
    command = [str(shutil.which("npm")), "install", "--prefix", str(tmp_path), *quiet, "openai@^6"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    if any(sign in done.stderr for sign in ("_CERT", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT")):
        pytest.skip("npm does not reach its registry")
    assert done.returncode == 0, done.stderr[-3000:]
    script = tmp_path / "script.mjs"
    script.write_text((HERE / "openai_node.mjs").read_text("utf-8"), "utf-8")
    assert "works" in run(tmp_path, ["node", str(script), base, str(samples / "announcement.mp3")])
