"""That what is counted of the loop is what it does."""

import pytest

from autopicker_lab.benchmark.serving.loop_steps import PARTS, run

GIVEN = {"nothing": range(1), "the least": range(300, 301), "exploration": range(300, 301), "canary": range(10, 61)}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_gives_terms_to_those_that_it_concerns(part: str) -> None:
    assert run(part, 300) in GIVEN[part]
