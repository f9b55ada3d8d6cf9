"""A table of one's own, under any path and in any usual way of writing it, through the public functions."""

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.outcomes import table

import autopicker_lab
from autopicker_lab.benchmark.routing import table_names
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing import default_policy, save_policy
from autopicker_lab.tuning import OutcomeMatrix, evaluate, gate, keep_as_decisions, measure_drift, read_outcomes, tune
from autopicker_lab.tuning.grid import tune_grid

ROWS = table(60)
TEXT = ROWS.to_csv(index=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with an outcomes table and a policy in it."""
    monkeypatch.chdir(tmp_path)
    ROWS.to_json("outcomes.jsonl", orient="records", lines=True)
    save_policy(default_policy(), "policy.json")
    return tmp_path


def test_paths_do_for_tables_and_policies(here: Path) -> None:
    assert len(evaluate("outcomes.jsonl", Path("policy.json")).outcomes) == 60
    assert gate(Path("outcomes.jsonl"), "policy.json", "default").served == default_policy().id
    assert measure_drift("policy.json", [1.0]).n == 1
    keep_as_decisions("outcomes.jsonl", here / "log.sqlite")
    assert len(read_outcomes(here / "log.sqlite")) == len(ROWS)


def test_a_path_is_the_source_of_the_policy_that_is_tuned_on_it(here: Path) -> None:
    tuned = tune("outcomes.jsonl", folds=2)
    assert list(tuned.policy.stamp["data"]) == ["outcomes.jsonl"]
    assert str(tune_grid(Path("outcomes.jsonl"), {"folds": [13]}, jobs=1)["error"][0]).startswith("too little data")


def test_a_wide_table_is_taken_as_it_is() -> None:
    wide = ROWS.pivot(index=["prompt_id", "prompt"], columns="model", values="score").add_prefix("score|").reset_index()
    assert len(OutcomeMatrix.from_table(wide)) == 60


@pytest.mark.parametrize("given", [None, 3, [{"prompt_id": "a"}]])
def test_what_is_no_table_is_told(given: Any) -> None:
    with pytest.raises(InvalidRequestError, match="a table or the path of its file"):
        tune(given)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bom.csv", b"\xef\xbb\xbf" + TEXT.encode()),
        ("windows.csv", TEXT.replace("\n", "\r\n").encode()),
        ("semicolons.csv", ROWS.to_csv(index=False, sep=";").encode()),
        ("tabs.tsv", ROWS.to_csv(index=False, sep="\t").encode()),
        ("packed.csv", gzip.compress(TEXT.encode())),
        ("packed.jsonl.gz", gzip.compress(ROWS.to_json(orient="records", lines=True).encode())),
        ("windows.jsonl", b"\xef\xbb\xbf" + ROWS.to_json(orient="records", lines=True).replace("\n", "\r\n").encode()),
        ("UPPER.CSV", TEXT.encode()),
    ],
)
def test_usual_ways_of_writing_a_table_are_read(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = read_outcomes(tmp_path / name)
    pd.testing.assert_frame_equal(found[list(ROWS.columns)], ROWS[list(ROWS.columns)], check_dtype=False)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("hundreds.csv", b"prompt_id,prompt,model,score\na,p,x,80\nb,q,x,95\n", "Divide all scores by the highest"),
        ("comma.csv", b'prompt_id;prompt;model;score\na;p;x;"0,5"\n', "with a point, as 0.5"),
        ("empty.jsonl", b"", "is empty. Collect some"),
        ("utf16.csv", TEXT.encode("utf-16"), "check that it is UTF-8"),
        ("header.csv", b"prompt_id,prompt,model,score\n", "no rows. Collect some first"),
        ("lines.jsonl", b"[1, 2]\n3\n", "."),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_the_next_step(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidRequestError) as caught:
        read_outcomes(tmp_path / name)
    assert says.lower() in str(caught.value).lower()
    assert caught.value.hint


def test_a_folder_and_a_missing_file_are_told_apart(here: Path) -> None:
    with pytest.raises(InvalidRequestError, match=r"is a folder. Name a file in it: outcomes\.jsonl"):
        tune(here)
    with pytest.raises(InvalidRequestError, match=f"looked in {here}"):
        tune("other.jsonl")


def test_each_table_of_a_benchmark_has_a_name_of_its_own() -> None:
    named = [("data/outcomes.jsonl", "a", "b"), ("outcomes.jsonl", "a", "b"), ("outcomes.jsonl", "c", "b")]
    assert table_names([*named, named[2]]) == [
        "outcomes",
        "outcomes.jsonl",
        "outcomes.jsonl: c over b",
        "outcomes.jsonl: c over b (2)",
    ]


def test_lazy_packages_list_what_they_offer() -> None:
    from autopicker_lab import service

    for package in (autopicker_lab, service):
        assert set(package.__all__) <= set(dir(package))
        assert "__getattr__" in dir(package)
    assert {"tuning", "routing", "widgets"} <= set(dir(autopicker_lab))
    assert autopicker_lab.tuning.tune is tune
