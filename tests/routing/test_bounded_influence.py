"""Few words move an estimate by so much and no more."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from autopicker_lab.complexity.features import measure
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing.bounded_influence import FIRST_MOVE, bounded
from autopicker_lab.routing.estimator import KINDS, LearnedEstimator
from autopicker_lab.routing.readings import BOTH_ENDS, NORMAL, READINGS, SENTENCES, STEADY
from autopicker_lab.routing.token_keys import inner_parts, keys_of
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


def test_keys_know_how_often_they_occur_in_each_inner_part() -> None:
    ids = np.array([5, 7] * 14 + [5, 7, 9] * 6)
    keys, (whole, early, late, middle) = keys_of(ids, both=True)
    assert keys[:3].tolist() == [5, 7, 9]
    for counts, part in ((whole, ids), (early, ids[:32]), (late, ids[14:]), (middle, ids[14:32])):
        alone, (times,) = keys_of(part, long=100)
        assert dict(zip(keys[counts > 0], counts[counts > 0], strict=True)) == dict(zip(alone, times, strict=True))
    assert keys_of(ids)[1].tolist() == [whole.tolist(), early.tolist()]
    assert [part.size for part in keys_of(np.zeros(0, int))] == [0, 0]


def test_a_short_text_has_no_ends() -> None:
    assert [len(inner_parts(n)) for n in (0, 1, 20, 27, 28, 100)] == [0, 0, 0, 0, 1, 1]
    assert [inner_parts(n, long=42) for n in (41, 42)] == [[], [slice(0, 28)]]
    early, late, middle = inner_parts(41, both=True)
    assert middle == early  # without both there would be next to nothing
    assert (late.start, late.stop) == (14, 41)
    assert inner_parts(42, both=True)[2] == slice(14, 28)
    short = "Prove that seven is odd"
    assert weak(fitted(), short) == weak(replace(fitted(), tail=None), short)


def test_what_is_counted_in_the_last_ten_words_is_bounded_too() -> None:
    reading = READINGS[STEADY]
    text, last = "we met a tall man with two red hats in one old inn", "return 7 print(9) why not solve x^2 = 4 now?"
    read = reading.read(f"{text} {last}", None)
    alone = reading.read(f"{text} and so", None)
    assert read.inner is not None
    both = dict(zip(reading.names, np.expm1(read.inner[0]), strict=True))
    without = dict(zip(reading.names, np.expm1(reading.read(text, None).counts), strict=True))
    assert both == pytest.approx(without, abs=1e-4)
    assert alone.inner is None  # of fewer than twenty words, all are the question
    assert READINGS[SENTENCES].read(f"{text} {last}", None).inner is None
    framed = READINGS[BOTH_ENDS].read(f"{last} {text} {last}", None)
    assert framed.inner is not None
    expected = reading.read(text, None).counts
    assert np.delete(framed.inner[2], 0) == pytest.approx(np.delete(expected, 0), abs=1e-4)  # but for repeated words


def test_first_words_move_an_estimate_by_so_much_and_no_more() -> None:
    tail, middle = np.array([0.3]), np.array([1.0])
    for added in (-9.0, -0.1, 0.1, 9.0):
        whole, early, late = middle + added, middle + added, middle  # of words before
        assert bounded(whole, (early, late, middle), tail) == pytest.approx(
            middle + np.clip(added, -FIRST_MOVE * tail, FIRST_MOVE * tail)
        )
        assert bounded(middle + added, (middle, middle + added, middle), tail) == pytest.approx(
            middle + np.clip(added, -tail, tail)
        )
    assert bounded(np.array([9.0]), (np.array([1.0]),), tail) == pytest.approx([1.3])  # of earlier kinds


def test_a_hostile_head_moves_an_estimate_less_than_it_would() -> None:
    question = f"{TEXTS[0]}. {TEXTS[2]}"
    free, now = (replace(fitted(), kind=kind) for kind in (STEADY, BOTH_ENDS))
    assert now.tail is not None
    near = replace(now, tail=tuple(reach / 4 for reach in now.tail))
    would, moved = (weak(e, f"{SUFFIX}. {question}") - weak(e, question) for e in (free, near))
    assert would > 0.1
    assert abs(moved) < 0.7 * would


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
