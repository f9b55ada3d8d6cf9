"""Ridges of several targets and penalties at once are those of scikit-learn, one by one."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge as Reference

from autopicker_lab.tuning.ridge import Design, fit_ridges


@pytest.mark.parametrize("columns", [5, 80])
@pytest.mark.parametrize("targets", [1, 3])
def test_a_fit_is_that_of_the_reference(columns: int, targets: int) -> None:
    random = np.random.default_rng(columns)
    weighted = sparse.random(40, columns, 0.3, "csr", rng=random)
    block = 1 + random.random((40, 4))
    wanted = random.random((40, targets)) + (weighted.toarray() ** 2)[:, :1]
    whole = np.hstack([weighted.toarray(), block])
    for penalty, fitted in zip([0.1, 5.0], fit_ridges(Design(weighted, block), wanted, [0.1, 5.0]), strict=True):
        reference = Reference(penalty).fit(whole, wanted).predict(whole).reshape(40, -1)
        assert fitted.coefficients.shape == (columns + 4, targets)
        assert fitted.predict(weighted, block) == pytest.approx(reference, abs=2e-2)


def test_targets_that_never_vary_are_their_mean() -> None:
    design = Design(sparse.csr_matrix(np.eye(5)), np.ones((5, 1)))
    [fitted] = fit_ridges(design, np.full((5, 2), 0.3), [1.0])
    assert fitted.predict(sparse.csr_matrix(np.eye(5)), np.ones((5, 1))) == pytest.approx(0.3)
