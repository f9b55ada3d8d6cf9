"""A policy file whose vocabulary is hashed decides alike for who has the key, and tells nothing to who has not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autopicker_lab.complexity.features import measure
from autopicker_lab.core import InvalidRequestError, RoutePolicy, Tier
from autopicker_lab.routing import load_policy, save_policy
from autopicker_lab.routing.estimator import LearnedEstimator, read_estimator
from autopicker_lab.routing.packed_arrays import packed, unpacked
from autopicker_lab.tuning import fitting, tune

KEY = "not for those who read the file"
TEXTS = [f"{verb} {i} {thing}?" for i in range(20) for verb in ("Count", "Sell") for thing in ("pears", "mill stones")]


@pytest.fixture(scope="module")
def estimator() -> LearnedEstimator:
    scores = np.random.default_rng(0).random((len(TEXTS), 2))
    fitted = fitting.fit(fitting.prepare(TEXTS, np.zeros(len(TEXTS), int)), scores, ("weak", "strong"))
    return replace(fitted, vocabulary_key=KEY)


def policy(estimator: LearnedEstimator) -> RoutePolicy:
    return RoutePolicy("made-up", (Tier(0.0, 0.0),), estimator=estimator)


def test_it_decides_alike(estimator: LearnedEstimator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOCABULARY_KEY", KEY)
    path = save_policy(policy(estimator), tmp_path / "policy.json")
    read = load_policy(path)
    assert read.id == policy(replace(estimator, vocabulary_key="")).id
    for text in (*TEXTS[:9], "天空", ""):
        assert read.estimator is not None
        assert read.estimator.estimate(text, measure(text)) == estimator.estimate(text, measure(text))
    again = save_policy(read, tmp_path / "again.json")  # it stays hashed
    assert again.read_text("utf-8") == path.read_text("utf-8")


def test_it_tells_nothing_of_its_words(estimator: LearnedEstimator) -> None:
    plain, hidden = replace(estimator, vocabulary_key="").to_dict(), estimator.to_dict()
    keys = unpacked(hidden["arrays"]["keys"], "int64")
    assert not set(keys.tolist()) & set(estimator.keys.tolist())
    assert (np.diff(keys) > 0).all()
    assert hidden["arrays"]["weights"] != plain["arrays"]["weights"]
    others = unpacked(replace(estimator, vocabulary_key=KEY + "!").to_dict()["arrays"]["keys"], "int64")
    assert not set(keys.tolist()) & set(others.tolist())
    assert KEY not in json.dumps(hidden)
    assert KEY not in repr(estimator)


@pytest.mark.parametrize(
    ("key", "message"),
    [("", "is hashed"), ("another key than the one", "with another key"), ("short", "needs 16 characters")],
)
def test_who_has_not_the_key_is_told(
    estimator: LearnedEstimator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, message: str
) -> None:
    path = save_policy(policy(estimator), tmp_path / "policy.json")
    monkeypatch.setenv("VOCABULARY_KEY", key)
    with pytest.raises(InvalidRequestError, match=message) as raised:
        load_policy(path)
    assert "VOCABULARY_KEY" in raised.value.hint


def test_a_damaged_file_is_named(estimator: LearnedEstimator) -> None:
    raw = estimator.to_dict()
    for keys in (np.array([1, 2, 3]), np.array([], np.int64)):
        with pytest.raises(InvalidRequestError, match="estimator"):
            read_estimator({**raw, "arrays": {**raw["arrays"], "keys": packed(keys)}}, KEY)


def test_tune_refuses_a_short_key() -> None:
    with pytest.raises(InvalidRequestError, match="needs 16 characters"):
        tune("nowhere.csv", vocabulary_key="short")
