"""The encodings set, and failures by kind."""

import pandas as pd

from autopicker_lab.benchmark.encodings import encoded_texts, encoding_failures, measure_encodings
from autopicker_lab.benchmark.extraction import failures


def test_the_set_has_forty_languages_of_five_lengths_in_their_encodings() -> None:
    texts = list(encoded_texts())
    assert len({text.language for text in texts}) >= 40
    assert len({text.length for text in texts}) == 5
    assert {"cp1252", "koi8-r", "cp1258", "iso2022_jp", "utf-16-be", "utf-7"} <= {text.encoding for text in texts}


def test_nearly_all_of_it_is_read_and_failures_are_told_by_encoding() -> None:
    results = measure_encodings()
    assert results["ok"].mean() > 0.98
    assert (~results["ok"] & ~results["said"]).mean() < 0.01
    table = encoding_failures(results)
    assert table["wrong"].sum() == (~results["ok"]).sum()
    assert not set(table.index) & {"utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"}


def test_failures_are_told_by_kind_and_engine() -> None:
    rows = [
        {"kind": "pdf", "engine": "a", "file": "1.pdf", "ok": False, "error": "OSError", "quality": 0.0},
        {"kind": "pdf", "engine": "a", "file": "2.pdf", "ok": True, "error": None, "quality": 0.5},
        {"kind": "csv", "engine": "a", "file": "3.csv", "ok": True, "error": None, "quality": 1.0},
    ]
    table = failures(pd.DataFrame(rows))
    assert table.reset_index().to_dict("records") == [
        {"kind": "pdf", "engine": "a", "no_text": 1, "poor": 1, "errors": "OSError", "files": "1.pdf, 2.pdf"}
    ]
    assert failures(pd.DataFrame(rows[2:])).empty
