"""Runs of benchmarks: parameters of every kind, runs that fail beside those that do not, and what differs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autopicker_lab import benchmark
from autopicker_lab.benchmark.kernels import private_kernels
from autopicker_lab.benchmark.parameters import check_parameters
from autopicker_lab.core import AutopickerError, InvalidRequestError

CELL = """\
sizes = [1, 2]  # of what is read; a = b
weights = {"a": 0.5}
where = None  # a file
rule = "a = 1, b == 2"  # a text with signs
twice = 2 * 3  # worked out
left, right = 1, 2
total: int = 4  # annotated
out = ""  # folder
"""


def notebook(folder: Path, parameters: str, *cells: str) -> Path:
    import nbformat

    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_markdown_cell("# A benchmark"), nbformat.v4.new_code_cell(parameters)]
    made.cells[1].metadata.tags = ["parameters"]
    made.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    path = folder / "own.ipynb"
    nbformat.write(made, path)
    return path


def test_parameters_are_read_as_python_writes_them(tmp_path: Path) -> None:
    known = benchmark.parameters_of(notebook(tmp_path, CELL))
    assert {name: p.kind for name, p in known.items()} == {
        "sizes": "list",
        "weights": "dict",
        "where": "any",
        "rule": "str",
        "twice": "any",
        "total": "int",
    }
    assert known["sizes"].help == "of what is read; a = b"
    assert known["rule"].default == "a = 1, b == 2"
    assert repr(known["twice"].default) == "2 * 3"
    (tmp_path / "own.ipynb").write_text("{}")
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        benchmark.parameters_of(tmp_path / "own.ipynb")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("sizes", "[3, 4]", [3, 4]),
        ("sizes", "(3, 4)", [3, 4]),
        ("weights", '{"b": 1}', {"b": 1}),
        ("weights", "{'b': None}", {"b": None}),
        ("where", "None", None),
        ("where", "null", None),
        ("where", "a/b.csv", "a/b.csv"),
        ("where", "5", 5),
        ("twice", "8", 8),
        ("rule", "[1]", "[1]"),
    ],
)
def test_a_text_becomes_a_value_of_the_kind(tmp_path: Path, name: str, text: str, value: object) -> None:
    assert check_parameters(notebook(tmp_path, CELL), {name: text}) == {name: value}


@pytest.mark.parametrize(("name", "text"), [("sizes", "3, 4, x"), ("sizes", "5"), ("weights", "[1]"), ("total", "[1]")])
def test_a_text_of_another_kind_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"'{name}' must be"):
        check_parameters(notebook(tmp_path, CELL), {name: text})


def test_figures_of_numpy_and_pandas_are_kept(tmp_path: Path) -> None:
    figures: dict[Any, Any] = {
        "share": np.float32(0.5),
        "counts": np.array([1, 2]),
        "column": pd.Series([1.5, np.nan]),
        3: {np.int64(4): np.bool_(True)},
        "table": pd.DataFrame({"x": [np.int64(1), np.nan]}, index=pd.Index(["a", "b"], name="of")),
        "day": pd.Timestamp("2026-01-02"),
        "path": tmp_path,
    }
    benchmark.save_figures(figures, tmp_path)
    assert json.loads((tmp_path / "figures.json").read_text()) == {
        "share": 0.5,
        "counts": [1, 2],
        "column": [1.5, None],
        "3": {"4": True},
        "table": [{"of": "a", "x": 1.0}, {"of": "b", "x": None}],
        "day": "2026-01-02 00:00:00",
        "path": str(tmp_path),
    }


def test_saved_figures_show_themselves_with_units_what_matters_first() -> None:
    figures = {"right_share": 0.58333, "cold_s": 3.0217, "gone": None, "rates": {"<b>": 12345.678, "n": 3}, "rows": [1]}
    html = benchmark.save_figures(figures, "", verdict="<i>", look_first=["rates.<b>", "not there"])._repr_html_()
    words = [word for word in re.split(r"(?:<[^>]*>)+", html) if word]
    first, rest = ["rates.&lt;b&gt;", "12,346"], ["right share", "58.3 %", "cold", "3.02 s", "rates.n", "3"]
    assert words == ["&lt;i&gt;", "figure", "value", *first, *rest]
    many = benchmark.save_figures({f"n{i}": i for i in range(1000)}, "")._repr_html_()
    assert "960 more" in many
    assert len(many) < 20_000


@pytest.mark.slow
def test_a_run_that_fails_hides_no_other(tmp_path: Path) -> None:
    work = (
        "import json\nfrom ipykernel import get_connection_info\nfrom autopicker_lab.benchmark import save_figures\n"
        "save_figures({'inverse': 1 / times, 'transport': json.loads(get_connection_info())['transport']}, out)"
    )
    path = notebook(tmp_path, 'times = 1\nout = ""', work)
    results = benchmark.sweep(path, "times", [0, 2], runs=tmp_path / "runs")
    assert "ZeroDivisionError" in results[0].error
    table = benchmark.sweep_frame("times", results)
    assert table.loc[2, "inverse"] == 0.5
    assert results[1].figures["transport"] == ("tcp" if os.name == "nt" else "ipc")  # no port that another may take
    assert "ZeroDivisionError" in str(table.loc[0, "error"])
    with pytest.raises(AutopickerError, match="every run failed, the first one"):
        benchmark.sweep(path, "times", [0], runs=tmp_path / "runs")


@pytest.mark.slow
def test_a_kernel_that_is_killed_is_told(tmp_path: Path) -> None:
    path = notebook(tmp_path, "times = 1", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(AutopickerError, match="ended before the notebook did"):
        benchmark.run(path, runs=tmp_path / "runs")


@pytest.mark.skipif(os.name == "nt", reason="event loops of Windows handle no signals")
def test_an_interrupt_is_one_again_after_a_kernel_that_did_not_start() -> None:
    before = signal.getsignal(signal.SIGINT)

    async def fails_to_start() -> None:  # as nbclient does
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, print)
        raise RuntimeError("the port is taken")

    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(RuntimeError, match="taken"), private_kernels():
            loop.run_until_complete(fails_to_start())
        assert signal.getsignal(signal.SIGINT) is before
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        loop.close()


def test_handlers_of_signals_that_are_none_of_pythons_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: None)  # as it says of one that another library has set
    with private_kernels() as configuration:
        assert isinstance(configuration, dict)


def kept(folder: Path, name: str, figures: dict[str, float]) -> Path:
    folder.mkdir()
    record = {"benchmark": "b", "name": name, "parameters": {}, "figures": figures, "stamp": {"commit": "c"}}
    (folder / "record.json").write_text(json.dumps(record))
    return folder


def test_a_comparison_shows_what_differs_under_the_names_of_runs(tmp_path: Path) -> None:
    quiet = [
        kept(tmp_path / f"a{i}", "before", {"same": 10, "noisy": 10 + i, "faster": 10, "zero": 0}) for i in range(3)
    ]
    busy = [kept(tmp_path / f"b{i}", "after", {"same": 10, "noisy": 11 + i, "faster": 20, "zero": 0}) for i in range(3)]
    table = benchmark.compare([*quiet, *busy])
    assert list(table.columns[:2]) == ["before (3)", "after (3)"]
    assert list(benchmark.telling(table).index) == ["faster"]
    single = benchmark.compare([quiet[0], busy[1]])
    assert list(benchmark.telling(single).index) == ["faster", "noisy"]


def test_runs_without_a_figure_in_common_are_told(tmp_path: Path) -> None:
    for i, name in enumerate("ab"):
        kept = {"benchmark": "own", "name": "", "parameters": {"x": i}, "figures": {name: 1.0}, "stamp": {}}
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").write_text(json.dumps(kept), "utf-8")
    with pytest.raises(InvalidRequestError, match="no figure in common"):
        benchmark.compare([tmp_path / "a", tmp_path / "b"])
