"""The benchmark of passages: asks, rankings, budgets and intervals."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from autopicker_lab import Workbench
from autopicker_lab.benchmark import passages
from autopicker_lab.benchmark.passages.rankings import OTHER, Rankings, Remembered
from autopicker_lab.core import InvalidRequestError, StoppedError

WORDS = [passages.TRIGRAMS, passages.PRODUCT_WORDS]


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> list[passages.Ask]:
    return passages.write_surveys(tmp_path_factory.mktemp("surveys"), 12, languages=("en", "ru"))


@pytest.fixture(scope="module")
def lab() -> Workbench:
    return Workbench()


def test_asks_are_made_in_a_language_and_across(surveys: list[passages.Ask]) -> None:
    assert {ask.kind for ask in surveys} == {"passage en", "passage ru", "across en>ru", "across ru>en"}
    across = next(ask for ask in surveys if ask.kind == "across en>ru")
    assert across.files[0].name == "survey.ru.md"
    assert across.question.isascii()
    assert across.gold[0] in across.files[0].read_text("utf-8")
    assert across.answer in across.gold[0]


def test_more_tokens_hold_no_fewer_answers_and_nothing_else_counts_as_one(
    lab: Workbench, surveys: list[passages.Ask]
) -> None:
    corpus = passages.Corpus(lab, surveys)
    results = passages.measure(corpus, surveys[:12], [150, 4000], WORDS)
    shares = results.groupby(["ranking", "budget"])["right"].mean().unstack("budget")
    assert (shares[4000] == 1).all()  # all of it fits
    assert (shares[150] < 1).any()
    assert not surveys[0].is_met("Nothing of the kind.")


def test_intervals_hold_the_share_and_the_lead_is_the_difference(lab: Workbench, surveys: list[passages.Ask]) -> None:
    results = passages.measure(passages.Corpus(lab, surveys, beside=1), surveys[:12], [150], WORDS)
    table = passages.by_kind(results)
    assert ((table["low"] <= table["right"]) & (table["right"] <= table["high"]) & (table["low"] < table["high"])).all()
    share = table.set_index("ranking")["right"]
    lead = passages.leads(results, passages.PRODUCT_WORDS).iloc[0]
    assert lead["ahead"] == pytest.approx(share[passages.PRODUCT_WORDS] - share[passages.TRIGRAMS])
    assert lead["low"] <= lead["ahead"] <= lead["high"]
    figure = passages.plot(results)
    assert figure.axes[0].get_title() == "passage en"


def test_a_spread_needs_its_tenths_and_several_texts_their_share() -> None:
    spread = passages.Ask("whole", (), (), spread=tuple(f"fact {n}." for n in range(20)), tenths=0.5)
    assert spread.is_met(" ".join(f"fact {n}." for n in range(0, 10)))
    assert not spread.is_met(" ".join(f"fact {n}." for n in range(0, 8)))
    several = passages.Ask("several", (), (), gold=("one  fact", "two"), share=0.5)
    assert several.is_met("one\nfact")
    assert not several.is_met("three")


def test_a_folder_without_asks_says_what_it_must_have(tmp_path: Path) -> None:
    (tmp_path / "asks.json").write_text(json.dumps([{"kind": "passage"}]))
    with pytest.raises(InvalidRequestError, match="holds no asks"):
        passages.read_asks(tmp_path)


def test_a_vector_is_made_once_whichever_ranking_asks_for_it() -> None:
    read: list[str] = []

    class Counting:
        name = "counting"

        def passages(self, texts: Sequence[str]) -> Any:
            read.extend(texts)
            return np.array([[len(text), 1.0] for text in texts])

        def question(self, text: str) -> Any:
            read.append(text)
            return np.array([1.0, 0.0])

    encoder = Remembered(Counting())
    rankings = Rankings(encoder)
    first = rankings.of(OTHER, ["a", "bbb", "a"], 0).scores("which")
    assert list(first) == [1, 3, 1]
    assert list(rankings.of(f"{passages.TRIGRAMS} + {OTHER}", ["bbb", "cc"], 1).scores("which").argsort()) == [1, 0]
    assert read == ["a", "bbb", "which", "cc"]


def test_no_more_vectors_are_kept_than_there_is_room_for() -> None:
    class Ones:
        name = "ones"
        read: ClassVar[list[str]] = []

        def passages(self, texts: Sequence[str]) -> Any:
            self.read.extend(texts)
            return np.ones((len(texts), 2), np.float32)

        def question(self, text: str) -> Any:
            return np.ones(2, np.float32)

    encoder = Remembered(Ones(), room_bytes=3 * 1_008)
    assert encoder.passages([]).shape == (0, 2)
    assert encoder.passages(["a", "b", "c", "d", "e"]).shape == (5, 2)
    assert encoder.passages(["e", "a", "e"]).shape == (3, 2)
    assert Ones.read == ["a", "b", "c", "d", "e", "a"]


def test_an_unknown_ranking_names_those_there_are() -> None:
    with pytest.raises(InvalidRequestError) as error:
        Rankings().of("soundex", ["text"], 0)
    assert passages.TRIGRAMS in str(error.value.hint)


def test_the_measurement_can_be_stopped(lab: Workbench, surveys: list[passages.Ask]) -> None:
    with pytest.raises(StoppedError):
        passages.measure(
            passages.Corpus(lab, surveys), surveys, [200], WORDS[:1], progress=lambda done, total: done < 3
        )


def test_surveys_that_were_made_are_removed_with_the_process(tmp_path: Path) -> None:
    code = "from autopicker_lab.benchmark.passages import asks_of; print(asks_of(limit=1)[0].files[0].is_file())"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "True"
    assert list(tmp_path.iterdir()) == []
