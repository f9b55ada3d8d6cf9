"""Fits see rewordings of their prompts, which weigh as one prompt each."""

import random

import numpy as np

from autopicker_lab.routing.normal_form import normal_form
from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.prompts import Prompts, concatenated
from autopicker_lab.tuning.rewordings import COPIES, beside_words, copies_of, framed, mistyped, unpunctuated

TEXTS = [f"Which of the {i} rivers of Asia, or lakes, flows north of the Altai mountains?" for i in range(40)]


def test_rewordings_are_drawn_by_their_seed() -> None:
    assert copies_of(TEXTS, 1) == copies_of(TEXTS, 1)
    assert copies_of(TEXTS, 1) != copies_of(TEXTS, 2)
    assert [len(copy) for copy in copies_of(TEXTS, 0)] == [len(TEXTS)] * COPIES


def test_each_kind_changes_what_it_says() -> None:
    for kind in (framed, beside_words):
        changed = kind(TEXTS[0], random.Random(0))
        assert TEXTS[0] in changed
        assert changed != TEXTS[0]
    assert set("?,") & set(unpunctuated(TEXTS[0], random.Random(0))) == set()
    slips = [mistyped(TEXTS[0], random.Random(seed)) for seed in range(20)]
    assert all(abs(len(slip) - len(TEXTS[0])) < 15 for slip in slips)
    assert sum(normal_form(slip) != normal_form(TEXTS[0]) for slip in slips) > 10


def test_copies_go_where_their_prompts_go() -> None:
    prompts = fitting.prepare_to_fit(TEXTS, np.arange(len(TEXTS)))
    some = prompts.at(np.array([3, 5]))
    everything = some.with_copies()
    assert len(some) == 2
    assert everything.groups.tolist() == [3, 5] * (1 + COPIES)
    assert len(concatenated([some, some]).copies[0]) == 4


def test_equal_copies_change_no_fit() -> None:
    scores = np.random.default_rng(0).random((len(TEXTS), 2))
    plain = fitting.prepare(TEXTS, np.arange(len(TEXTS)))
    doubled = Prompts(plain.tokens, plain.vectors, plain.counts, plain.groups, (plain,))
    one, two = (
        fitting.fit(prompts, scores, ("weak", "strong"), like=fitting.fit(plain, scores, ("weak", "strong")))
        for prompts in (plain, doubled)
    )
    assert one.keys.tolist() == two.keys.tolist()
    np.testing.assert_allclose(fitting.predict(one, plain), fitting.predict(two, plain), atol=0.01)
