"""The drawn pictures of the benchmark of extraction, and how readings of them are scored."""

from typing import Any

import pytest

from autopicker_lab.benchmark.pictures import KINDS, measure_pictures, measuring, plot_accuracy, plot_speed, summarise
from autopicker_lab.benchmark.pictures.measuring import photographs, word_accuracy
from autopicker_lab.core import StoppedError


def test_pictures_are_the_same_for_a_seed() -> None:
    first, again, other = (list(photographs(24, seed)) for seed in (1, 1, 2))
    assert [shot.image.tobytes() for shot in first] == [shot.image.tobytes() for shot in again]
    assert [shot.lines for shot in first] != [shot.lines for shot in other]
    assert {shot.kind for shot in first} <= set(KINDS)
    assert len({shot.condition for shot in first}) > 1
    assert all(shot.lines for shot in first)


def test_words_and_rows() -> None:
    truth = ["Rye bread 3.20", "Total 12.00"]
    assert word_accuracy("| Rye bread | 3.20 |\n| --- | --- |\n| Total | 12.00 |", truth) == 1
    assert word_accuracy("Rye bread\nTotal\n3.20\n12.00", truth) == 1
    assert word_accuracy("Rye bred 3.20", truth) == pytest.approx(2 * 2 / (3 + 5))
    assert word_accuracy("", truth) == 0
    assert word_accuracy("紧急口", ["紧急出口"]) == pytest.approx(6 / 7)
    assert measuring._rows_found("| Rye bread | 3.20 |\nTotal\n12.00", truth) == 0.5


def test_engines_stand_beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    blind: Any = {name: lambda: lambda image: "Total" for name in ("autopicker", "tesseract", "rapidocr")}
    monkeypatch.setattr(measuring, "ENGINES", blind)
    results = measure_pictures(14, tuple(blind))
    assert len(results) == 42
    table = summarise(results)
    assert table.index[-1] == "all"
    assert set(table["words"].columns) == set(blind)
    assert summarise(results, "condition")["words"]["tesseract"].max() < 0.5
    assert plot_accuracy(results).get_xlabel().startswith("words")
    axes = plot_speed(results)
    assert axes.get_xlabel().startswith("processor seconds")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(blind)
    with pytest.raises(StoppedError):
        measure_pictures(2, ("tesseract",), progress=lambda done, total: False)
