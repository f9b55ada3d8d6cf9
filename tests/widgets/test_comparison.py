"""Runs of benchmarks side by side in a notebook: which differ, by how much, and how sure that is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab import benchmark
from autopicker_lab.widgets import ComparisonModel, compare_runs


def kept(folder: Path, name: str, speed: float, when: int, kind: str = "b") -> None:
    path = folder / f"{kind}-{name}-{when}"
    path.mkdir(parents=True)
    figures = {"speed": speed, "same": 3.0, "nothing": 0}
    stamp = {"commit": name, "utc": f"2026-01-0{when}T10:00:00+00:00"}
    record = {"benchmark": kind, "name": name, "parameters": {}, "figures": figures, "stamp": stamp}
    (path / "record.json").write_text(json.dumps(record), "utf-8")
    os.utime(path / "record.json", (when, when))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for when, (name, speed) in enumerate((("before", 10), ("before", 10.1), ("after", 20), ("after", 20.1)), 1):
        kept(tmp_path, name, speed, when)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "record.json").write_text("{", "utf-8")
    return tmp_path


def test_runs_are_listed_newest_first_and_compared_with_the_oldest_as_they_are_chosen(runs: Path) -> None:
    panel = compare_runs(runs)
    assert list(panel.runs.options) == [
        f"b, {name}, 2026-01-0{day} 10:00" for name, day in (("after", 4), ("after", 3), ("before", 2), ("before", 1))
    ]
    assert "4 runs" in panel.note.value
    assert panel.dots.value == ""
    panel.runs.value = tuple(panel.runs.options)
    assert panel.model.table.loc["speed", "after (2) / before (2)"] == pytest.approx(2.0, rel=0.01)
    assert "1 of 3 figures differ" in panel.note.value
    assert "<svg" in panel.dots.value
    assert "speed" in panel.dots.value
    assert "same" not in panel.dots.value
    panel.every.value = True
    assert "same" in panel.dots.value
    panel.runs.value = panel.runs.options[:1]
    assert panel.dots.value == ""


def test_new_runs_are_seen_and_what_cannot_be_compared_is_told(runs: Path) -> None:
    panel = compare_runs(runs, "before")
    assert panel.runs.value == panel.runs.options[2:]
    kept(runs, "other", 1, 5, kind="c")
    panel.look.click()
    assert len(panel.runs.options) == 5
    assert len(panel.runs.value) == 2
    panel.runs.value = panel.runs.options[:2]
    assert "these are of b and c" in panel.note.value
    empty = ComparisonModel(folder=runs / "none")
    empty.look()
    assert "autopicker bench" in empty.message


def test_dots_have_their_intervals_and_one_is_no_change(runs: Path) -> None:
    table = benchmark.compare(list(benchmark.known_runs(runs).values())[::-1])
    ax = benchmark.plot_ratios(table)
    bars: Any = ax.containers[0]
    (dots, _, (spread,)) = bars.lines
    at = list(dots.get_xdata())
    place = [label.get_text() for label in ax.get_yticklabels()].index("speed")
    assert at[place] == pytest.approx(2.0, rel=0.01)
    low, high = spread.get_segments()[place][:, 0]
    assert (low, high) == pytest.approx(tuple(table.loc["speed", ["after (2), low", "after (2), high"]]))
    assert "nothing" not in [label.get_text() for label in ax.get_yticklabels()]  # it has no ratio
