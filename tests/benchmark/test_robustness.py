"""Agreement under rewording and under words that were searched for, by router."""

import numpy as np
import pytest
from support.outcomes import table

from autopicker_lab.benchmark.robustness import DEFAULT, LEARNED, LENGTH, HeldOutPrompts, plot_agreement
from autopicker_lab.benchmark.routing import LITELLM
from autopicker_lab.tuning import OutcomeMatrix
from autopicker_lab.tuning.variants import VARIANTS

TEXTS = tuple(f"Why is the {word} {'very ' * i}loud?" for i, word in enumerate(("harbour", "kitchen", "market") * 7))


def held(**scorers: object) -> HeldOutPrompts:
    return HeldOutPrompts(TEXTS, scorers)  # type: ignore[arg-type]


def letters(texts: object) -> np.ndarray:
    return np.array([len(text) for text in texts], float)  # type: ignore[attr-defined]


def kitchens(texts: object) -> np.ndarray:
    return np.array([text.lower().count("kitchen") for text in texts])  # type: ignore[attr-defined]


def test_agreement_is_one_where_a_change_moves_no_score_and_less_where_it_moves_all() -> None:
    found = held(length=letters).agreement().set_index("rewording")["same"]
    assert list(found.index) == list(VARIANTS)
    assert found["capitals"] == 1
    assert found["ten other words after"] < 0.9


def test_words_are_found_that_move_a_score_and_none_that_do_not() -> None:
    found = held(words=kitchens, none=lambda texts: kitchens(TEXTS[: len(texts)])).searched_words()
    moved = found.set_index(["router", "direction"])["moved"]
    assert moved["words", "up"] == pytest.approx(2 / 3, abs=0.1)
    assert moved["none", "up"] == moved["none", "down"] == 0


def test_what_is_new_keeps_the_incumbent_in_each_language() -> None:
    prompts = HeldOutPrompts(TEXTS, {LEARNED: letters, LENGTH: letters}, lambda text: not text.isascii(), False)
    found = prompts.by_language().set_index(["router", "language"])
    assert len(found.loc[LEARNED]) == len(set(found.loc[LEARNED].index)) == 12
    assert set(found["n"]) == {20}
    assert found.loc[(LEARNED, "ru"), ["up", "new"]].tolist() == [0, 1]
    assert found["new"][LENGTH].max() == 0
    few = prompts.by_language({"en": [TEXTS[0], TEXTS[-1]]}).set_index("router")
    assert few["up"].tolist() == [0.5, 0.5]  # the shorter stays down


def test_a_picture_has_a_marker_for_each_router() -> None:
    agreement = held(**{LENGTH: letters, DEFAULT: kitchens}).agreement()
    assert {line.get_label() for line in plot_agreement(agreement).get_lines()} >= {LENGTH, DEFAULT}


def test_a_public_router_is_ranked_beside_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = OutcomeMatrix.from_table(table(60))
    monkeypatch.setattr(
        "autopicker_lab.benchmark.robustness.litellm_classifier", lambda: lambda text: ("SIMPLE", text.count("a"), [])
    )
    prompts = HeldOutPrompts.of(outcomes, sample=10)
    assert list(prompts.scorers) == [LEARNED, LENGTH, DEFAULT, LITELLM]
    assert prompts.scorers[LITELLM](["banana", "plum"]).tolist() == [3, 0]
    assert set(prompts.agreement()["router"]) == set(prompts.scorers)
    monkeypatch.setattr("autopicker_lab.benchmark.robustness.litellm_classifier", lambda: None)
    assert LITELLM not in HeldOutPrompts.of(outcomes, sample=10).scorers
