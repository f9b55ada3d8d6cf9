"""What is said after a tuning run."""

import pytest

from autopicker_lab.tuning.advice import Losses
from autopicker_lab.tuning.verdict import signed_points


@pytest.mark.parametrize(
    ("change", "says"), [(-0.0, "+0.0"), (-0.0004, "+0.0"), (0.0004, "+0.0"), (-0.0006, "-0.1"), (0.013, "+1.3")]
)
def test_nothing_has_no_minus(change: float, says: str) -> None:
    assert signed_points(change) == says


def test_no_loss_is_not_said_to_be_one() -> None:
    assert "-0.0" not in str(Losses(0.0, 0.0, 0.0, 0.0, 0.01, None))
