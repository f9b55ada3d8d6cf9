"""Counting what the loop on live traffic costs, where that can be had without valgrind."""

from pathlib import Path

import pytest

from autopicker_lab.benchmark.serving import CountedCost, counted_costs, counted_frame
from autopicker_lab.core import InvalidRequestError


def test_without_valgrind_it_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidRequestError, match="apt install valgrind"):
        counted_costs(1)


def test_an_unknown_part_names_those_there_are() -> None:
    with pytest.raises(InvalidRequestError, match="no part 'magic'") as told:
        counted_costs(1, parts=("magic",))
    assert told.value.hint == "known: exploration, canary, shadow, all"


def test_the_loops_own_part_is_what_is_beyond_the_second_request() -> None:
    cost = CountedCost("shadow", 1_290_000, 0.046, 0.025, 0.0, 0.1, 0.0)
    assert counted_frame([cost])["loop"].tolist() == pytest.approx([0.021])
