"""A key whose requests rank otherwise than the others' is named; keys that ask alike are not."""

import random

import pytest

from autopicker_lab.tuning.departing_keys import FEWEST, DepartingKey, departing_keys


def asked(shift: float = 0.0, n: int = 60, seed: int = 0) -> list[tuple[str, float]]:
    rng = random.Random(seed)
    routed = [(f"key-{i % 8}", rng.gauss(50, 10)) for i in range(600)]
    return routed + [("odd", rng.gauss(50 + shift, 10)) for _ in range(n)]


@pytest.mark.parametrize("shift", [25, -25])
def test_a_key_that_departs_is_named(shift: float) -> None:
    [found] = departing_keys(asked(shift))
    assert (found.key_id, found.requests) == ("odd", 60)
    assert (found.share > found.others) is (shift > 0)
    assert found.to_dict() == pytest.approx(vars(found), abs=1e-3)


def test_keys_that_ask_alike_are_not_named() -> None:
    assert sum(bool(departing_keys(asked(seed=seed))) for seed in range(100)) <= 5


def test_too_few_requests_say_nothing() -> None:
    assert departing_keys([]) == ()
    assert departing_keys(asked(25, n=FEWEST - 1)) == ()
    assert departing_keys([("only", float(i)) for i in range(100)]) == ()
    assert departing_keys([("a", 50.0)] * 50 + [("b", 50.0)] * 50) == ()


@pytest.mark.parametrize("others", [1, 2, 4])
@pytest.mark.parametrize("shift", [25, -25])
def test_the_others_are_not_named_for_one_that_is_most_of_all(others: int, shift: float) -> None:
    rng = random.Random(1)
    routed = [(f"key-{i % others}", rng.gauss(50, 10)) for i in range(400)]
    routed += [("odd", rng.gauss(50 + shift, 10)) for _ in range(350 if others > 1 else 150)]
    named = [key.key_id for key in departing_keys(routed)]
    assert named[0] == "odd" if others > 1 else set(named) <= {"odd", "key-0"}
    assert len(named) == 1


@pytest.mark.parametrize("score", [10.0, 90.0])
def test_scores_that_are_all_alike_hide_no_key(score: float) -> None:
    [found] = departing_keys([("a", 50.0)] * 200 + [("odd", score)] * 60)
    assert found.key_id == "odd"


def test_the_furthest_comes_first() -> None:
    routed = asked(25) + [("nearer", 55.0)] * 45 + [("nearer", 45.0)] * 15
    found = departing_keys(routed)
    assert [key.key_id for key in found] == ["odd", "nearer"]
    assert all(isinstance(key, DepartingKey) for key in found)
