"""How good a router is. Arrays have one entry a prompt, unless said otherwise.

PGR, APGR and CPT: Ong et al., "RouteLLM: Learning to Route LLMs with Preference Data" (2024),
https://arxiv.org/abs/2406.18665, section 4. AIQ: Hu et al., "RouterBench" (2024), https://arxiv.org/abs/2403.12031,
section 3. Expected calibration error: Naeini et al. (2015), https://doi.org/10.1609/aaai.v29i1.9602. The arena score:
Lu et al., "RouterArena" (2025), https://arxiv.org/abs/2510.00202. Bootstrap: Efron (1979),
https://doi.org/10.1214/aos/1176344552.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.clusters import are_few, freedom, jackknife_error
from autopicker_lab.tuning.ranked import BINS, RankedPair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Interval:
    """A figure with its bootstrap interval, and the share of resamples at or below `null` (a one-sided p-value)."""

    value: float
    low: float
    high: float
    p: float | None = None

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def quality_curve(order: Array, weak: Array, strong: Array, bins: int = BINS) -> tuple[Array, Array]:
    """Share of strong calls, ascending, and mean quality at each threshold, from none to all.

    Thresholds are the quantiles of `order` that cut it into `bins` parts; prompts at or above one go to the strong
    model, so equal scores always go together; one may be told twice, where several parts end at one score. `bins=0`
    puts a threshold at every distinct score.
    """
    return RankedPair(order, weak, strong).curve(bins=bins)


def pgr(quality: float, weak: float, strong: float) -> float | None:
    """Performance gap recovered: 0 at the weak model's quality, 1 at the strong one's; None where they are equal."""
    return None if strong == weak else (quality - weak) / (strong - weak)


def apgr(order: Array, weak: Array, strong: Array, bins: int = BINS) -> float | None:
    """Average PGR over the share of strong calls: trapezoids through the points of `quality_curve`.

    With 10 bins as RouteLLM's evaluation computes it; with 0 at full resolution. Chance gives 0.5; one score for all
    prompts gives exactly that. None where the models are equally good.
    """
    return RankedPair(order, weak, strong).apgr(bins=bins)


def cpt(order: Array, weak: Array, strong: Array, target: float) -> float | None:
    """Call-performance threshold: the least share of strong calls at which PGR first reaches `target` (0 to 1)."""
    low, high = float(weak.mean()), float(strong.mean())
    if high == low:
        return None
    shares, qualities = quality_curve(order, weak, strong, bins=0)
    reached = (qualities - low) / (high - low) >= target - 1e-12
    return float(shares[reached.argmax()]) if reached.any() else None


def aiq(costs: Array, qualities: Array, low: float, high: float) -> float | None:
    """Average improvement in quality: area under the non-decreasing convex hull of (cost, quality) points.

    Between the costs `low` and `high`, divided by their distance: the mean quality that is to be had for a budget
    drawn evenly between them. Left of the cheapest point nothing is had; right of the best one, the best. None where
    low and high are equal.
    """
    import numpy as np

    if high <= low:
        return None
    x, y = hull(costs, qualities)
    start = min(max(low, float(x[0])), high)
    grid = np.concatenate([[start], x[(x > start) & (x < high)], [high]])
    return float(np.trapezoid(np.interp(grid, x, y), grid) / (high - low))


def hull(costs: Array, qualities: Array) -> tuple[Array, Array]:
    """Upper convex hull of (cost, quality) points up to the best quality: costs and qualities, both ascending.

    Every point on it is to be had: by one router, or by tossing a coin between two.
    """
    import numpy as np

    best: list[tuple[float, float]] = []
    for i in np.lexsort((-np.asarray(qualities), np.asarray(costs))):
        point = (float(costs[i]), float(qualities[i]))
        if best and point[1] <= best[-1][1]:
            continue
        while len(best) >= 2 and _above(best[-2], best[-1], point):
            best.pop()
        best.append(point)
    return np.array([x for x, _ in best]), np.array([y for _, y in best])


def _above(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or below the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])


def arena_score(accuracy: float, usd_per_1000: float, beta: float = 0.1) -> float:
    """RouterArena's score: weighted harmonic mean of accuracy and of how cheap 1,000 queries are.

    The cost counts on a logarithmic scale from 200 USD (0) to 0.0044 USD (1), the published bounds, and is clipped to
    them; `beta` below 1 weighs accuracy more.
    """
    dearest, cheapest = math.log2(200.0), math.log2(0.0044)
    cost = (dearest - math.log2(min(max(usd_per_1000, 0.0044), 200.0))) / (dearest - cheapest)
    weight = beta * accuracy + cost
    return (1 + beta) * accuracy * cost / weight if weight else 0.0


def expected_calibration_error(estimates: Array, scores: Array, bins: int = BINS) -> float:
    """Mean distance of estimated and measured quality over `bins` groups of equal size, 0 (calibrated) to 1."""
    import numpy as np

    order = np.argsort(estimates, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [len(part) * abs(estimates[part].mean() - scores[part].mean()) for part in parts]
    return float(sum(gaps) / len(order))


def paraphrase_stability(choices: Array, groups: Array) -> float | None:
    """Share of pairs of paraphrases (prompts of one group) that were given the same model; None without pairs.

    The robustness of RouterArena, over the pairs within each group.
    """
    import numpy as np

    same = pairs = 0
    for group in np.unique(groups):
        members = choices[groups == group]
        counts = np.unique(members, return_counts=True)[1]
        pairs += len(members) * (len(members) - 1) // 2
        same += int((counts * (counts - 1) // 2).sum())
    return same / pairs if pairs else None


@dataclass(frozen=True)
class Bootstrap:
    """A measure of all prompts, and of each resample of them.

    Attributes:
        resampled: shape (rounds,); NaN where a resample leaves the measure undefined. Where groups are few, the measure
            with each of them left out, shape (groups,).
        freedom: degrees of freedom, where groups are few; see tuning.clusters.
        varied: variance between fits, where groups are few; elsewhere the resamples have it in them.
    """

    value: float
    resampled: Array
    freedom: float | None = None
    varied: float = 0.0

    def __sub__(self, other: Bootstrap) -> Bootstrap:
        """The paired difference, where both were drawn from one seed."""
        varied = self.varied + other.varied
        return Bootstrap(self.value - other.value, self.resampled - other.resampled, self.freedom, varied)

    def interval(self, null: float | None = None, level: float = 0.95) -> Interval | None:
        """Percentile interval, or Student's where groups are few; None where no resample defines the measure.

        Args:
            null: the interval's p is the share of resamples in which the measure is not above it (with the usual one
                added to both counts): a one-sided test that it is. Of a paired difference it is a paired test.
        """
        import numpy as np

        values = self.resampled[~np.isnan(self.resampled)]
        if not len(values):
            return None
        if self.freedom is not None:
            return self._by_leaving_out(values, self.freedom, null, level)
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        p = None if null is None else float((1 + (values <= null).sum()) / (1 + len(values)))
        return Interval(self.value, float(low), float(high), p)

    def _by_leaving_out(self, values: Array, freedom: float, null: float | None, level: float) -> Interval | None:
        import numpy as np
        from scipy.stats import t

        if len(values) < 2:
            return None
        error = math.hypot(float(jackknife_error(values, np.array(self.value))), math.sqrt(self.varied))
        reach = float(t.ppf((1 + level) / 2, freedom)) * error
        p = None if null is None else float(t.sf((self.value - null) / max(error, 1e-12), freedom))
        return Interval(self.value, self.value - reach, self.value + reach, p)


def interval_of(bootstrap: Bootstrap | None, null: float | None = None) -> Interval | None:
    """The interval of a bootstrap; None where there is none."""
    return None if bootstrap is None else bootstrap.interval(null)


def rounds_for(n: int) -> int:
    """How many resamples of `n` prompts are drawn where nothing else is asked for."""
    return 1000 if n <= 10_000 else 400


def bootstrap(
    measure: Callable[[Array], float | None],
    n: int,
    *,
    rounds: int | None = None,
    seed: int = 0,
    groups: Array | None = None,
    by_fit: Sequence[Callable[[Array], float | None]] = (),
) -> Bootstrap | None:
    """Bootstrap over prompts of `measure`, which is given rows; None where it is undefined.

    Args:
        by_fit: the measure of single fits, each of which is resampled in its turn, so that intervals carry what fits
            vary; `measure`, of all of them, is the value.
        groups: a number for each prompt; prompts of one group are drawn together, because near-duplicates say the same
            thing twice (cluster bootstrap: Davison and Hinkley, 1997, section 3.8). Where they are few, each is left
            out in turn instead.
    """
    import numpy as np

    whole = measure(np.arange(n))
    if whole is None:
        return None
    several = by_fit or [measure]
    if groups is not None and are_few(groups):
        varied = float(np.var(np.array([each(np.arange(n)) for each in several], float)))
        left_out = [measure(np.flatnonzero(groups != group)) for group in np.unique(groups)]
        return Bootstrap(float(whole), np.array(left_out, float), freedom(groups), varied)
    random = np.random.default_rng(seed)
    resampled = [
        each(rows)
        for each, rows in zip(cycle(several), _resamples(random, n, rounds or rounds_for(n), groups), strict=False)
    ]
    return Bootstrap(float(whole), np.array(resampled, float))  # None becomes NaN


def _resamples(random: np.random.Generator, n: int, rounds: int, groups: Array | None) -> Iterator[Array]:
    """Rows of each resample: prompts drawn with replacement, or whole groups of them."""
    import numpy as np

    members = np.arange(n) if groups is None else np.argsort(groups, kind="stable")
    sizes = np.ones(n, int) if groups is None else np.unique(groups, return_counts=True)[1]
    starts = np.cumsum(sizes) - sizes
    for _ in range(rounds):
        chosen = random.integers(0, len(sizes), len(sizes))
        if len(sizes) == n:
            yield members[chosen]
            continue
        taken = sizes[chosen]
        offsets = np.repeat(starts[chosen] - (np.cumsum(taken) - taken), taken)
        yield members[offsets + np.arange(taken.sum())]


def psi(expected: Array, observed: Array) -> float:
    """Population stability index of two distributions over the same bins (shares that add up to 1).

    Siddiqi, "Credit Risk Scorecards" (2006): below 0.1 stable, above 0.25 changed. Empty bins count as half a
    thousandth.
    """
    import numpy as np

    a, b = np.maximum(expected, 5e-4), np.maximum(observed, 5e-4)
    return float(((b - a) * np.log(b / a)).sum())
