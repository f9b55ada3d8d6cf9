from typing import Any

import numpy as np
import pytest

from autopicker_lab.tuning.means import ResampledMeans
from autopicker_lab.tuning.metrics import bootstrap


def ratio(means: Any) -> float:
    return float(means[0] / means[1])


@pytest.mark.parametrize("groups", [300, 60, 7])
@pytest.mark.parametrize("fits", [1, 3])
def test_means_are_resampled_as_rows_are(groups: int, fits: int) -> None:
    random = np.random.default_rng(groups)
    columns = [random.uniform(1, 2, (300, 2)) for _ in range(fits)]
    which = np.arange(300) if groups == 300 else random.integers(0, groups, 300)

    def by_rows(values: Any) -> Any:
        return lambda rows: ratio(values[rows].mean(0))

    each = [by_rows(values) for values in columns]
    wanted = bootstrap(
        lambda rows: float(np.mean([of(rows) for of in each])), 300, rounds=50, seed=3, groups=which, by_fit=each
    )
    found = ResampledMeans(columns, which, seed=3, rounds=50).bootstrap(ratio)
    assert wanted is not None
    assert found.value == pytest.approx(wanted.value)
    assert found.resampled == pytest.approx(wanted.resampled)
    assert found.freedom == wanted.freedom
    assert found.varied == pytest.approx(wanted.varied)


def test_resamples_drawn_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, groups = [np.arange(80.0)[:, None], np.ones((80, 1))], np.arange(80) // 2
    whole = ResampledMeans(columns, groups, rounds=33).bootstrap(lambda means: float(means[0]))
    monkeypatch.setattr("autopicker_lab.tuning.means._AT_ONCE", 200)
    parts = ResampledMeans(columns, groups, rounds=33).bootstrap(lambda means: float(means[0]))
    assert parts.resampled == pytest.approx(whole.resampled)
