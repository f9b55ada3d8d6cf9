"""Claims that chance alone may make: choices dealt to other prompts do as well, though no resample says so."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.outcomes import table

from autopicker_lab.tuning import Finding, OutcomeMatrix
from autopicker_lab.tuning.dealing import p_of_dealing
from autopicker_lab.tuning.judging import conclude, saving_of

N = 200


@pytest.fixture
def outcomes() -> Any:
    """The dear model is right on 9 of 10 prompts, the cheap one on 8 of these 9."""
    matrix = OutcomeMatrix.from_table(table(N, models=("small", "middle", "large"), usd=True), groups="off")
    dear = np.arange(N) % 10 < 9
    cheap = np.arange(N) % 10 < 8
    scores = np.stack([cheap, cheap, dear], axis=1).astype(float)
    return replace(matrix, scores=scores, groups=np.arange(N), other_groups=None)


def leaving(rows: Any) -> Any:
    choices = np.full(N, 2)
    choices[rows] = 0
    return choices


def test_eight_prompts_that_lose_nothing_are_no_claim(outcomes: Any) -> None:
    choices = leaving(np.arange(8) * 10)
    saving = saving_of(outcomes, choices, 0)
    assert saving.quality.low == saving.quality.value == 0.0  # in no resample is anything lost
    assert saving.excess.p is not None
    assert saving.excess.p > 0.2
    assert conclude(outcomes, None, None, saving, 0.01).finding is not Finding.PAYS


def test_many_prompts_that_lose_nothing_are_a_claim_unless_it_is_the_best_of_many(outcomes: Any) -> None:
    saving = saving_of(outcomes, leaving(np.flatnonzero(np.arange(N) % 10 < 8)), 0)
    assert saving.excess.p is not None
    assert saving.excess.p < 0.005
    assert conclude(outcomes, None, None, saving, 0.01).pays
    assert not conclude(outcomes, None, None, saving, 0.01, looks=20).pays


def test_alike_prompts_change_places_together() -> None:
    groups = np.repeat(np.arange(4), 50)
    scores = np.stack([groups == 0, np.ones(200)], axis=1).astype(float)
    choices = np.where(groups == 0, 0, 1)
    assert p_of_dealing(scores, choices, np.arange(200), 0) == 0.001
    assert 0.2 < p_of_dealing(scores, choices, groups, 0) < 0.3  # one of four


def test_choices_of_several_fits_count_as_their_mean() -> None:
    scores = np.random.default_rng(0).random((50, 2))
    choices = scores.argmax(1)
    groups = np.arange(50)
    assert p_of_dealing(scores, np.stack([choices, choices]), groups, 0) == p_of_dealing(scores, choices, groups, 0)
    assert p_of_dealing(scores, np.stack([choices, 1 - choices]), groups, 0) > 0.3
