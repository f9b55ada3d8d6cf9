import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from support.notebooks import small

from autopicker_lab import benchmark
from autopicker_lab.core import AutopickerError, InvalidRequestError, StoppedError

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.ipynb"))
QUICK: dict[str, Any] = {
    "answers": {"questions": 2, "max_tokens": 20},
    "extraction": {"rounds": 1, "workload": 12},
    "loadgen": {"testers": "autopicker,aiohttp", "seconds": 0.5, "repeats": 1, "stall_seconds": 3, "search_seconds": 6},
    "routing": {"rounds": 5},
    "serving": {"seconds": 0.5, "repeats": 1, "streams": 50, "soak_seconds": 2},
    "transcription": {"limit": 1},
}
SHOWN = {  # what must be seen in each notebook, beside a picture and, but for the service's, a panel
    "00_start_here": ("Kittiwake", "Please keep your ticket"),
    "01_extraction": ("Departures a day", "announcement.ogg", "python-docx"),
    "02_transcription": ("Please keep your ticket", "real-time factor", "announcement.flac"),
    "03_complexity_explorer": ("complexity", "always:smollm2-135m"),
    "04_routing_what_if": ("change sides",),
    "05_threshold_tuning": ("routing saves", "achieved_share"),
    "06_chat_with_files": ("built in 1987", "report.pdf, page", "Pier 4"),
    "07_load_testing": ("requests_per_second", "ttft_p50_ms", "goodput"),
    "08_served_api": ("Kittiwake", "selected_model", "/docs", "total_requests"),
    "09_learning_from_live_traffic": ("Rome", "deploy tuned-smollm2-135m", "changed (PSI"),
}


@pytest.mark.parametrize("path", NOTEBOOKS + BENCHMARKS, ids=lambda path: path.stem)
def test_a_notebook_calls_and_the_package_does(path: Any) -> None:
    import nbformat  # takes seconds to load

    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
            assert len(cell.source.splitlines()) <= 12
            assert not any(line.lstrip().startswith(("def ", "class ")) for line in cell.source.splitlines())


@pytest.mark.parametrize("path", NOTEBOOKS + BENCHMARKS, ids=lambda path: path.stem)
def test_a_notebook_takes_parameters_that_say_what_they_are(path: Any) -> None:
    parameters = benchmark.parameters_of(path)
    assert parameters
    assert all(parameter.help for parameter in parameters.values())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Any, tmp_path: Path) -> None:
    import nbformat  # takes seconds to load
    from nbclient import NotebookClient

    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = json.dumps(notebook)
    if path.stem != "08_served_api":
        assert "image/png" in shown
        assert "application/vnd.jupyter.widget-view+json" in shown
    assert all(words in shown for words in SHOWN[path.stem])


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
    assert "data:image/png;base64" in html
    for remote in ('<script src="http', '<link rel="stylesheet" href="http', 'src="//'):
        assert remote not in html


def test_the_pictures_of_the_pages_are_of_these_notebooks() -> None:
    sys.path.insert(0, str(ROOT / "data"))
    import make_pictures

    sources = json.loads(make_pictures.SOURCES.read_text())
    assert sources == make_pictures.made_from(), "run: uv run python data/make_pictures.py"
    for name in sources:
        assert (make_pictures.FOLDER / f"{name}.png").stat().st_size < 100_000


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
