"""Whether a new policy may take the place of the one that serves."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import BLUE, GREY, frame, html_table
from autopicker_lab.routing import as_policy
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.grouping import AUTO, REQUESTS
from autopicker_lab.tuning.matrix import OutcomeMatrix
from autopicker_lab.tuning.metrics import Interval, bootstrap, interval_of
from autopicker_lab.tuning.stability import stability_change
from autopicker_lab.tuning.whatif import in_sample_warning

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.core import RoutePolicy

MARGIN = 0.02  # mean score
_SEEN = 3.0  # over n: the share of requests of a kind that n may not have met once, by the rule of three


@dataclass(frozen=True)
class GateResult:
    """Whether a new policy may take the place of the one that serves, and by what figures.

    Attributes:
        n: requests, and how many `different` ones among them.
        quality: mean score of the new policy minus that of the one that serves, paired by request.
        saving: share of the served policy's cost that the new one saves; None where neither costs anything.
        passed: the new one is not worse by more than `margin`, better at one of the two, and not shown to change its
            choice for 2 % more of reworded prompts, by 95 % intervals.
        warning: why the figures cannot be trusted.
        requests: what the requests to come are taken to be of: "new templates", or "these templates".
        other: by the other assumption; None where it would change nothing.
        stability: agreement under rewording of the new one minus that of the served one (see tuning.stability); None
            where the gate stays shut without it.
    """

    served: str
    new: str
    n: int
    different: int
    margin: float
    quality: Interval
    saving: Interval | None
    passed: bool
    warning: str = ""
    requests: str = ""
    other: GateResult | None = None
    stability: Interval | None = None

    @property
    def verdict(self) -> str:
        """The answer in words; by both assumptions about the requests to come where these differ."""
        if self.other is None:
            return self._sentence
        return f"for {self.requests}: {self._sentence}. For {self.other.requests}: {self.other.verdict}"

    @property
    def _sentence(self) -> str:
        gain = f"mean score {self.quality.value:+.3f} [{self.quality.low:+.3f}, {self.quality.high:+.3f}]"
        saved = "" if self.saving is None else f", cost saved {self.saving}"
        words = f"{gain}{saved}, on {self.n:,} requests"
        if self.passed:
            return f"deploy {self.new}: {words}"
        if self.warning:
            why = self.warning
        elif not _met_enough(self.different, self.quality, self.margin):
            why = f"{self.different} different requests are too few for a margin of {self.margin:g}"
        elif self.quality.low < -self.margin:
            why = f"it may be worse by more than {self.margin:g}"
        elif self.stability is not None and self.stability.high < -MARGIN:
            more = -100 * self.stability.value
            why = f"it decides otherwise for {more:.0f} % more of the prompts that are reworded"
        else:
            why = "it is not shown to be better at anything"
        return f"keep {self.served}: {why} ({words})"

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: the fields, and the verdict in words."""
        return asdict(self) | {"verdict": self.verdict}

    def to_frame(self) -> pd.DataFrame:
        """One row a difference, quality, then saving, then stability: value, low, high, p."""
        differences = {"quality": self.quality, "saving": self.saving, "stability": self.stability}
        return frame({"of": name} | asdict(interval) for name, interval in differences.items() if interval is not None)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Both differences with their intervals; what lies right of 0 speaks for the new policy."""
        target = axes(ax, (7.0, 1.8))
        intervals = {"mean score gained": self.quality}
        if self.saving is not None:
            intervals["share of cost saved"] = self.saving
        for row, interval in enumerate(intervals.values()):
            target.plot([interval.low, interval.high], [row, row], color=BLUE, lw=3, solid_capstyle="butt")
            target.plot(interval.value, row, "o", color=BLUE)
        target.axvline(0, color=GREY, lw=1)
        target.axvline(-self.margin, color=GREY, lw=1, ls=":")
        target.set_yticks(range(len(intervals)), list(intervals))
        target.set(
            ylim=(len(intervals) - 0.5, -0.5), xlabel="difference with its 95 % interval; dotted: what may be lost"
        )
        target.set_title(f"{'deploy' if self.passed else 'do not deploy'} {self.new}", loc="left")
        target.spines[["top", "right"]].set_visible(False)
        return target

    def _repr_html_(self) -> str:
        return html_table([], [], self.verdict)


def gate(
    outcomes: OutcomeMatrix | pd.DataFrame | str | Path,
    served: RoutePolicy | str | Path,
    new: RoutePolicy | str | Path,
    *,
    margin: float = MARGIN,
    seed: int = 0,
    groups: str = AUTO,
) -> GateResult:
    """Pay both policies out on measured requests, paired: a test of non-inferiority, then of any gain.

    Args:
        outcomes: what neither policy was fitted on, also as a table or the path of one; the gate stays shut for the
            very same set, and knows no other.
        served, new: or the paths of their files.
        margin: mean score that may be lost without it mattering (Piaggio et al., JAMA 308:2594, 2012, on such margins).
            Of n different requests, a share of 3 / n may not have been met once (the rule of three: Hanley and
            Lippman-Hand, JAMA 249:1743, 1983): it may be lost, and that must lie within the margin, or be made up for
            by what is gained.
        groups: of a table: which of its prompts are alike, see OutcomeMatrix.from_table.
    """
    if not isinstance(outcomes, OutcomeMatrix):
        outcomes = OutcomeMatrix.from_table(outcomes, seed=seed, groups=groups)
    served, new = as_policy(served), as_policy(new)
    score_before, cost_before = route_outcomes(served, outcomes).paid
    score_after, cost_after = route_outcomes(new, outcomes).paid
    gains, savings = score_after - score_before, cost_before - cost_after

    def share_saved(rows: Any) -> float | None:
        before = cost_before[rows].sum()
        return float(savings[rows].sum() / before) if before else None

    def measured(measure: Callable[[Any], float | None]) -> Interval | None:
        return interval_of(bootstrap(measure, len(outcomes), seed=seed, groups=outcomes.groups), null=0.0)

    other = outcomes.by_the_other()
    quality, saving = measured(lambda rows: float(gains[rows].mean())), measured(share_saved)
    assert quality is not None  # a mean is always defined
    better = quality.low > 0 or (saving is not None and saving.low > 0)
    warning = in_sample_warning(outcomes, served, new)
    met = _met_enough(outcomes.different, quality, margin)
    opens = quality.low >= -margin and better and met and not warning
    stability = stability_change(served, new, outcomes, seed) if opens else None
    return GateResult(
        served=served.id,
        new=new.id,
        n=len(outcomes),
        different=outcomes.different,
        margin=margin,
        quality=quality,
        saving=saving,
        passed=opens and (stability is None or stability.high >= -MARGIN),
        warning=warning,
        requests=REQUESTS[outcomes.assumed],
        other=None if other is None else gate(replace(other, other_groups=None), served, new, margin=margin, seed=seed),
        stability=stability,
    )


def _met_enough(different: int, quality: Interval, margin: float) -> bool:
    unseen = _SEEN / different
    return unseen <= margin or quality.low * (1 - unseen) - unseen >= -margin
