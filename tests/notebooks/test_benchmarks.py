import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from support.jupyter import chromium
from support.looks import look_at_page
from support.notebooks import small

from autopicker_lab import benchmark
from autopicker_lab.core import AutopickerError, InvalidRequestError, StoppedError

pytestmark = pytest.mark.slow

BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.ipynb"))
_LOOKED_AT = "replay"  # whose report is photographed: a cheap one with tables and figures
QUICK: dict[str, Any] = {
    "answers": {"questions": 2, "max_tokens": 20},
    "extraction": {"rounds": 1, "workload": 12, "pictures": 2},
    "loadgen": {"testers": "autopicker,aiohttp", "seconds": 0.5, "repeats": 1, "stall_seconds": 3, "search_seconds": 6},
    "passages": {
        "limit": 1,
        "budgets": [300],
        "beside": [0],
        "rankings": ["trigram BM25", "words", "retriever without encoder"],
        "pages": 20,
        "questions": 1,
    },
    "replay": {"requests": 500, "replays": 20, "tries": 10},
    "robustness": {"sample": 40, "tries": 20},
    "routing": {"rounds": 5},
    "serving": {"seconds": 0.5, "repeats": 1, "streams": 50, "soak_seconds": 2, "live_rounds": 1, "live_parts": "all"},
    "transcription": {"limit": 1, "ways": "autopicker,faster-whisper beam 1", "conditions": "as it is"},
}


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_leaves_a_record_and_a_report(path: Any, tmp_path: Path) -> None:
    steps = []
    run = benchmark.run(path, QUICK[path.stem], runs=tmp_path, progress=lambda done, total: steps.append((done, total)))
    record = json.loads((run.folder / "record.json").read_text())
    assert record["figures"] == run.figures != {}
    assert record["stamp"]["packages"]["autopicker-lab"]
    assert steps[-1][0] == steps[-1][1]
    assert list(run.folder.glob("*.csv"))
    html = (run.folder / f"{path.stem}.html").read_text("utf-8")
    assert "data:image/" in html
    assert record["verdict"]
    assert record["verdict"].split()[0] in html
    if path.stem == _LOOKED_AT and shutil.which("chromium"):
        with chromium() as browser:
            page = browser.new_page()
            page.goto((run.folder / f"{path.stem}.html").as_uri())
            assert look_at_page(page, "report") == []
    for remote in ('<script src="http', '<link rel="stylesheet" href="http', 'src="//'):
        assert remote not in html


def test_a_misspelt_parameter_stops_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="Did you mean 'questions'"):
        benchmark.run(BENCHMARKS[0], {"questoins": 1}, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("times", "many", "a whole number"),
        ("times", 1.5, "a whole number"),
        ("times", True, "a whole number"),
        ("rate", "inf", "a number"),
        ("on", "maybe", "true or false"),
    ],
)
def test_a_parameter_of_the_wrong_type_stops_before_anything_runs(
    tmp_path: Path, name: str, value: bool | float | str, says: str
) -> None:
    path = small(tmp_path, 1)
    with pytest.raises(InvalidRequestError, match=says):
        benchmark.run(path, {name: value}, runs=tmp_path / "runs")
    with pytest.raises(InvalidRequestError, match=says):
        benchmark.sweep(path, name, [benchmark.parameters_of(path)[name].default, value], runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_sweeps_and_comparisons(tmp_path: Path) -> None:
    path = small(tmp_path, 10)
    assert {name: p.kind for name, p in benchmark.parameters_of(path).items()} == {
        "times": "int",
        "rate": "float",
        "on": "bool",
    }
    progress = []
    results = benchmark.sweep(
        path,
        "times",
        ["1", "2"],
        {"on": "false", "rate": 2},
        jobs=2,
        runs=tmp_path / "runs",
        progress=lambda done, total: progress.append((done, total)),
    )
    assert [run.parameters for run in results] == [{"times": n, "rate": 2.0, "on": False} for n in (1, 2)]
    assert progress == [(1, 2), (2, 2)]
    assert list(benchmark.sweep_frame("times", results)["speed"]) == [10, 20]
    table = benchmark.compare([run.folder for run in results])
    assert table.loc["speed", "B times=2 (1) / A times=1 (1)"] == pytest.approx(2)
    again = benchmark.sweep(path, "times", [1, 2], {"on": False, "rate": 2}, runs=tmp_path / "runs")
    bounds = benchmark.compare([run.folder for run in (*results, *again)])
    assert bounds.loc["speed", "B times=2 (2), low"] == pytest.approx(2)
    with pytest.raises(StoppedError, match="notebook was stopped"):
        benchmark.run(path, runs=tmp_path / "stopped", progress=lambda done, total: False)
    assert (
        len(benchmark.sweep(path, "times", [1, 2], runs=tmp_path / "stopped", progress=lambda done, total: False)) == 1
    )
    with pytest.raises(InvalidRequestError, match="nothing to compare"):
        benchmark.compare([results[0].folder])
    with pytest.raises(InvalidRequestError, match="is no run"):
        benchmark.compare([tmp_path, tmp_path])


def test_a_benchmark_that_fails_says_where(tmp_path: Path) -> None:
    shutil.copy(BENCHMARKS[0], tmp_path / "broken.ipynb")
    with pytest.raises(AutopickerError, match="failed in cell"):
        benchmark.run(tmp_path / "broken.ipynb", {"model": "gpt-9"}, runs=tmp_path)
