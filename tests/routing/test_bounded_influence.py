"""Few words move an estimate by so much and no more."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from autopicker_lab.complexity.features import measure
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing.estimator import KINDS, LearnedEstimator
from autopicker_lab.routing.readings import NORMAL, READINGS, SENTENCES, STEADY
from autopicker_lab.routing.token_keys import head_length, keys_of
from autopicker_lab.tuning import fitting

HARD = "Prove with induction that the sum of the first {} odd integers is a perfect square, then bound its remainder"
EASY = "Tell my neighbour {} about the harbour festival, the market stalls and the music in the old town hall"
TEXTS = [text.format(word) for word in ("seven", "blue", "quiet", "Anna", "twelve") * 8 for text in (HARD, EASY)]
SUFFIX = "harbour festival market stalls music neighbour town hall harbour festival"


@cache
def fitted() -> LearnedEstimator:
    scores = np.tile([[0.1, 0.9], [0.9, 0.95]], (len(TEXTS) // 2, 1))
    noise = np.random.default_rng(0).random(scores.shape) / 10
    return fitting.fit(fitting.prepare(TEXTS, np.arange(len(TEXTS))), scores - noise, ("weak", "strong"))


def weak(estimator: LearnedEstimator, text: str) -> float:
    return estimator.estimate(text, measure(text))["weak"]


def test_a_hostile_tail_moves_an_estimate_less_than_it_would() -> None:
    assert fitted().tail is not None
    bounded, free = (
        replace(fitted(), tail=tuple(reach / 2 for reach in fitted().tail or ())),
        replace(fitted(), tail=None),
    )
    question = f"{TEXTS[0]}. {TEXTS[2]}"
    moved, would = (weak(e, f"{question} {SUFFIX}") - weak(e, question) for e in (bounded, free))
    assert would > 0.1
    assert 0 <= moved < 0.9 * would
    worse = weak(bounded, f"{question} {SUFFIX.replace('music', 'stalls market')}") - weak(bounded, question)
    assert worse == pytest.approx(moved, abs=0.02)  # the limit is reached


def test_a_word_counts_twice_at_most() -> None:
    assert set(fitting.prepare(["harbour " * 9], np.zeros(1)).tokens.data.tolist()) == {2}
    three, many = (weak(fitted(), f"{TEXTS[0]} {'harbour ' * times}") for times in (40, 60))
    assert three == many


@pytest.mark.parametrize(
    "text",
    [
        *TEXTS[:2],
        f"{TEXTS[0]} {SUFFIX}",
        "harbour",
        "seven blue",
        "",
        "天空は青い",
        "x " * 400,
        f"harbour music harbour music harbour {SUFFIX}",
    ],
)
def test_one_text_and_many_are_estimated_alike(text: str) -> None:
    batch = fitting.predict(fitted(), fitting.prepare([text], np.zeros(1)))[0]
    assert list(fitted().estimate(text, measure(text)).values()) == pytest.approx(batch.tolist(), abs=1e-4)


def test_keys_know_how_often_they_occur_before_the_tail() -> None:
    ids = np.array([5, 7] * 14 + [5, 7, 9] * 6)
    keys, counts, early = keys_of(ids)
    assert head_length(len(ids)) == 32
    assert keys[:3].tolist() == [5, 7, 9]
    assert counts[:3].tolist() == [20, 20, 6]
    assert early[:3].tolist() == [16, 15, 1]
    assert early[3:].sum() == 31  # pairs, by their second tokens
    assert [len(part) for part in keys_of(np.zeros(0, int))] == [0, 0, 0]


def test_a_short_text_has_no_tail() -> None:
    assert [head_length(n) for n in (0, 1, 20, 27, 28, 100)] == [0, 1, 20, 27, 14, 86]
    assert [head_length(n, long=42) for n in (41, 42)] == [41, 28]
    short = "Prove that seven is odd"
    assert weak(fitted(), short) == weak(replace(fitted(), tail=None), short)


def test_what_is_counted_in_the_last_ten_words_is_bounded_too() -> None:
    reading = READINGS[STEADY]
    text, last = "we met a tall man with two red hats in one old inn", "return 7 print(9) why not solve x^2 = 4 now?"
    read = reading.read(f"{text} {last}", None)
    alone = reading.read(f"{text} and so", None)
    assert read.early is not None
    both = dict(zip(reading.names, np.expm1(read.early), strict=True))
    without = dict(zip(reading.names, np.expm1(reading.read(text, None).counts), strict=True))
    assert both == pytest.approx(without, abs=1e-4)
    assert alone.early is None  # of fewer than twenty words, all are the question
    assert READINGS[SENTENCES].read(f"{text} {last}", None).early is None


def test_a_file_keeps_the_limit_and_older_kinds_have_none() -> None:
    raw = fitted().to_dict()
    read = KINDS[raw["kind"]](raw)
    assert read.fingerprint == fitted().fingerprint
    text = f"{TEXTS[0]} {SUFFIX}"
    assert read.estimate(text, measure(text)) == fitted().estimate(text, measure(text))
    older = replace(fitted(), kind=NORMAL, tail=None)
    assert older.fingerprint != fitted().fingerprint
    assert "tail" not in older.to_dict()
    assert older.estimate("stalls " * 9, {}) != older.estimate("stalls", {})  # it counts what recurs, as it did
    for damaged in ([1.0], [0.1, 0.1, -1.0], [0.1, 0.1, float("nan")]):
        with pytest.raises(InvalidRequestError, match="tail"):
            KINDS[raw["kind"]]({**raw, "tail": damaged})
