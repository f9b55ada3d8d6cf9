import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from autopicker_lab import benchmark
from autopicker_lab.benchmark.kernels import private_kernels

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.ipynb"))
SHOWN = {  # what must be seen in each notebook, beside a picture and, but for the service's, a panel
    "00_start_here": ("Kittiwake", "Please keep your ticket"),
    "01_extraction": ("Departures a day", "announcement.ogg", "python-docx"),
    "02_transcription": ("Please keep your ticket", "real-time factor", "announcement.flac"),
    "03_complexity_explorer": ("complexity", "always smollm2-135m"),
    "04_routing_what_if": ("change sides",),
    "05_threshold_tuning": ("keep one model", "what it is set to send", "which chose it, and so too good"),
    "06_chat_with_files": ("built in 1987", "report.pdf, page", "Pier 4"),
    "07_load_testing": ("requests_per_second", "ttft_p50_ms", "goodput"),
    "08_served_api": ("Kittiwake", "selected_model", "/docs", "total_requests"),
    "09_learning_from_live_traffic": ("replayed", "(PSI", "promote", "the gate is", "canary"),
}


@pytest.mark.parametrize("path", NOTEBOOKS + BENCHMARKS, ids=lambda path: path.stem)
def test_a_notebook_calls_and_the_package_does(path: Any) -> None:
    import nbformat  # takes seconds to load

    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
            assert len(cell.source.splitlines()) <= 12 or "parameters" in cell.metadata.get("tags", ())
            assert not any(line.lstrip().startswith(("def ", "class ")) for line in cell.source.splitlines())


@pytest.mark.parametrize("path", NOTEBOOKS + BENCHMARKS, ids=lambda path: path.stem)
def test_a_notebook_takes_parameters_that_say_what_they_are(path: Any) -> None:
    parameters = benchmark.parameters_of(path)
    assert parameters
    assert all(parameter.help for parameter in parameters.values())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Any, samples: Path, tmp_path: Path) -> None:
    import nbformat  # takes seconds to load
    from nbclient import NotebookClient
    from traitlets.config import Config

    notebook = nbformat.read(path, 4)
    if path.stem == "02_transcription":  # its parameter, for other than all the samples
        for kind in ("flac", "ogg"):
            shutil.copy(samples / f"announcement.{kind}", tmp_path)
        next(cell for cell in notebook.cells if cell.cell_type == "code").source = f"folder = {str(tmp_path)!r}"
    with private_kernels() as configuration:
        resources = {"metadata": {"path": str(path.parent)}}
        NotebookClient(notebook, timeout=120, resources=resources, config=Config(configuration)).execute()
    shown = json.dumps(notebook)
    if path.stem != "08_served_api":
        assert "image/png" in shown or "<svg" in shown
        assert "application/vnd.jupyter.widget-view+json" in shown
    assert all(words in shown for words in SHOWN[path.stem])


def test_the_pictures_of_the_pages_are_of_these_notebooks() -> None:
    sys.path.insert(0, str(ROOT / "data"))
    import make_pictures

    sources = json.loads(make_pictures.SOURCES.read_text())
    assert sources == make_pictures.made_from(), "run: uv run python data/make_pictures.py"
    for name in sources:
        assert (make_pictures.FOLDER / f"{name}.png").stat().st_size < 100_000
