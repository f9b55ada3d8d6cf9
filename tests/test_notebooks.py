import json
import shutil

import nbformat
import pytest
from conftest import ROOT

from autopicker_lab import benchmark
from autopicker_lab.core import AutopickerError, InvalidRequestError

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.ipynb"))
QUICK = {
    "answers": {"questions": 2, "max_tokens": 20},
    "extraction": {"rounds": 1, "workload": 12},
    "routing": {"rounds": 5},
    "serving": {"seconds": 0.5, "repeats": 1, "streams": 50},
}
SHOWN = {  # what must be seen in each notebook, beside a picture and a panel
    "00_start_here": ("Kittiwake", "Please keep your ticket"),
    "01_extraction": ("Departures a day", "announcement.ogg", "python-docx"),
    "03_complexity_explorer": ("complexity", "always:smollm2-135m"),
    "04_routing_what_if": ("change sides",),
    "05_threshold_tuning": ("routing saves", "achieved_share"),
}


@pytest.mark.parametrize("path", NOTEBOOKS + BENCHMARKS, ids=lambda path: path.stem)
def test_a_notebook_calls_and_the_package_does(path):
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
            assert len(cell.source.splitlines()) <= 12
            assert not any(line.lstrip().startswith(("def ", "class ")) for line in cell.source.splitlines())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = json.dumps(notebook)
    assert "image/png" in shown
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert all(words in shown for words in SHOWN[path.stem])


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_leaves_a_record_and_a_report(path, tmp_path):
    seen = []
    run = benchmark.run(path, QUICK[path.stem], runs=tmp_path, progress=lambda done, total: seen.append((done, total)))
    record = json.loads((run.folder / "record.json").read_text())
    assert record["figures"] == run.figures != {}
    assert record["stamp"]["packages"]["autopicker-lab"]
    assert seen[-1][0] == seen[-1][1]
    html = (run.folder / f"{path.stem}.html").read_text("utf-8")
    assert "data:image/png;base64" in html
    for mark in ('<script src="http', '<link rel="stylesheet" href="http', 'src="//'):
        assert mark not in html


def test_a_misspelt_parameter_stops_before_anything_runs(tmp_path):
    with pytest.raises(InvalidRequestError, match="Did you mean 'questions'"):
        benchmark.run(BENCHMARKS[0], {"questoins": 1}, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_benchmark_that_fails_says_where(tmp_path):
    shutil.copy(BENCHMARKS[0], tmp_path / "broken.ipynb")
    with pytest.raises(AutopickerError, match="failed in cell"):
        benchmark.run(tmp_path / "broken.ipynb", {"model": "gpt-9"}, runs=tmp_path)
