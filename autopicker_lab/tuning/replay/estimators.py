"""Off-policy estimates of a mean, with intervals by groups of alike requests.

Of a request, w is 1 / p where the policy chooses what was logged, else 0; r what was got; q what a reward model that
was fitted without it expects, of the logged model and of the policy's choice.

- direct: the mean of q of the choice. It is as wrong as the model is.
- IPS: the mean of w r (Horvitz and Thompson, 1952). Right on average where propensities are.
- SNIPS: the sum of w r over that of w (Swaminathan and Joachims, "The self-normalized estimator for counterfactual
  learning", NeurIPS 2015).
- DR: doubly robust (Dudik, Langford and Li, "Doubly robust policy evaluation and learning", ICML 2011): q of the
  choice, and the mean of w (r - q) over that of w, right where either propensities or the reward model are. The weights
  are normalised there, too (Thomas and Brunskill, "Data-efficient off-policy policy evaluation for reinforcement
  learning", ICML 2016): measured, its intervals are narrower, and hold better, than those of plain DR or of DR with
  fitted control variates.
- ESS: the effective sample size of the weights, their sum squared over the sum of their squares (Owen, "Monte Carlo
  theory, methods and examples", 2013, section 9.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.clusters import clustered_error, freedom

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.tuning.replay.report import Estimate

    Array = np.ndarray[Any, Any]

LEVEL = 0.975  # of each side
_MOST_LEVERAGE = 0.9  # of one request on a normalised mean


@dataclass(frozen=True, eq=False)
class Weighed:
    """What one policy makes of each logged request, or two where it is their difference.

    Attributes:
        weights: w, shape (n,). expected: q of the choice, shape (n,). logged: q of the logged model, shape (n,).
        chances: p of the choice, logged or not, shape (n,); None where it is not known.
    """

    weights: Array
    expected: Array
    logged: Array
    chances: Array | None = None


def effective_size(weights: Array) -> float:
    """Of the requests that count; 0 where none does."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def direct(weighed: Weighed, groups: Array) -> Estimate:
    """What the reward model expects of the choices."""
    return _interval(weighed.expected, groups, freedom(groups))


def ips(weighed: Weighed, got: Array, groups: Array) -> Estimate:
    """Inverse propensity scores."""
    return _interval(weighed.weights * got, groups, _freedom(weighed.weights, groups))


def snips(weighed: Weighed, got: Array, groups: Array) -> Estimate:
    """Self-normalised."""
    least = _least_error(weighed, got)
    return _interval(_normalised(weighed.weights, got), groups, _freedom(weighed.weights, groups), least)


def doubly_robust(weighed: Weighed, got: Array, groups: Array) -> Estimate:
    """Doubly robust, self-normalised."""
    values = weighed.expected + _normalised(weighed.weights, got - weighed.logged)
    least = _least_error(weighed, got - weighed.logged)
    return _interval(values, groups, _freedom(weighed.weights, groups), least)


def _least_error(weighed: Weighed, got: Array) -> float:
    """The error of a normalised mean by the propensities of all requests.

    Where chance brought few of the requests that weigh much, what is seen of the spread is too little, too.
    """
    if weighed.chances is None:
        return 0.0
    w = weighed.weights
    value = (w * got).sum() / w.sum()
    spread = (w * (got - value) ** 2).sum() / w.sum()
    return float((spread * (1 / weighed.chances).mean() / len(w)) ** 0.5)


def difference(first: Weighed, second: Weighed, got: Array, groups: Array) -> dict[str, Estimate]:
    """Of the first policy's value over the second's, paired by request, by each of the estimates."""
    one, two = first.weights, second.weights
    apart = one != two  # what both choose alike says nothing of the difference
    least = min(_freedom(w, groups) for w in (one, two)) if apart.any() else 1.0
    expected, rest = first.expected - second.expected, got - first.logged
    values = {
        "direct": expected,
        "ips": (one - two) * got,
        "snips": _normalised(one, got) - _normalised(two, got),
        "dr": expected + _normalised(one, rest) - _normalised(two, rest),
    }
    return {
        name: _interval(each, groups, freedom(groups) if name == "direct" else least) for name, each in values.items()
    }


def _normalised(weights: Array, got: Array) -> Array:
    """Values whose mean is that of `got` by normalised weights, and whose error is the jackknife's, shape (n,)."""
    import numpy as np

    value = float((weights * got).sum() / weights.sum())
    left = 1 - np.minimum(weights / weights.sum(), _MOST_LEVERAGE)  # of a request that counts much, the more
    parts = weights * (got - value) / weights.mean() / left
    normalised: Array = value + parts - parts.mean()
    return normalised


def _freedom(weights: Array, groups: Array) -> float:
    """Degrees of freedom: of the groups, or fewer where a few large weights make most of the error.

    By Satterthwaite ("An approximate distribution of estimates of variance components", 1946), the terms of the
    variance being as the squares of the weights.
    """
    return min(effective_size(weights**2) - 1, freedom(groups))


def _interval(values: Array, groups: Array, degrees: float, least: float = 0.0) -> Estimate:
    """The mean of values with its 95 % interval, by Student's t, moved by their skewness.

    Few of the requests have large weights, so that values are skewed to the right, and an interval that is symmetric
    lies too low (Johnson, "Modified t tests and confidence intervals for asymmetrical populations", 1978,
    https://doi.org/10.1080/01621459.1978.10480051).
    """
    import numpy as np
    from scipy.stats import t

    from autopicker_lab.tuning.replay.report import Estimate

    mean = float(values.mean())
    error = max(float(clustered_error(values[None, :], groups)[0]), least)
    quantile = float(t.ppf(LEVEL, max(degrees, 1.0)))
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=values - mean)
    spread = float((sums**2).sum())
    moved = float((sums**3).sum()) / spread * (1 + 2 * quantile**2) / 6 / len(values) if spread else 0.0
    moved = min(max(moved, -quantile * error), quantile * error)  # the estimate itself stays within
    return Estimate(mean, mean + moved - quantile * error, mean + moved + quantile * error)
