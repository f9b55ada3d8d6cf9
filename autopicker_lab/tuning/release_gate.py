"""Whether a new policy may take the place of the one that serves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import BLUE, GREY, axes, frame, html_table
from autopicker_lab.routing import as_policy
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.matrix import OutcomeMatrix
from autopicker_lab.tuning.metrics import Interval, bootstrap, interval_of
from autopicker_lab.tuning.whatif import in_sample_warning

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.core import RoutePolicy

MARGIN = 0.02  # mean score
_SEEN = 3.0  # losses of the margin's size that should have been met


@dataclass(frozen=True)
class GateResult:
    """Whether a new policy may take the place of the one that serves, and by what figures.

    Attributes:
        n: requests, and how many `different` ones among them.
        quality: mean score of the new policy minus that of the one that serves, paired by request.
        saving: share of the served policy's cost that the new one saves; None where neither costs anything.
        passed: the new one is not worse by more than `margin`, and better at one of the two, by 95 % intervals.
        warning: why the figures cannot be trusted.
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

    @property
    def verdict(self) -> str:
        """The answer in words."""
        gain = f"mean score {self.quality.value:+.3f} [{self.quality.low:+.3f}, {self.quality.high:+.3f}]"
        saved = "" if self.saving is None else f", cost saved {self.saving}"
        words = f"{gain}{saved}, on {self.n:,} requests"
        if self.passed:
            return f"deploy {self.new}: {words}"
        if self.warning:
            why = self.warning
        elif self.different * self.margin < _SEEN:
            why = f"{self.different} different requests are too few for a margin of {self.margin:g}"
        elif self.quality.low < -self.margin:
            why = f"it may be worse by more than {self.margin:g}"
        else:
            why = "it is not shown to be better at anything"
        return f"keep {self.served}: {why} ({words})"

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: the fields, and the verdict in words."""
        return asdict(self) | {"verdict": self.verdict}

    def to_frame(self) -> pd.DataFrame:
        """One row a difference, quality and then saving: value, low, high, p."""
        differences = {"quality": self.quality, "saving": self.saving}
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
) -> GateResult:
    """Pay both policies out on measured requests, paired: a test of non-inferiority, then of any gain.

    Args:
        outcomes: what neither policy was fitted on, also as a table or the path of one; the gate stays shut for the
            very same set, and knows no other.
        served, new: or the paths of their files.
        margin: mean score that may be lost without it mattering (Piaggio et al., JAMA 308:2594, 2012, on such margins).
            3 / margin different requests are needed: of fewer, so rare a loss may not have been seen once (the rule of
            three: Hanley and Lippman-Hand, JAMA 249:1743, 1983).
    """
    if not isinstance(outcomes, OutcomeMatrix):
        outcomes = OutcomeMatrix.from_table(outcomes, seed=seed)
    served, new = as_policy(served), as_policy(new)
    score_before, cost_before = outcomes.routed(route_outcomes(served, outcomes).choices)
    score_after, cost_after = outcomes.routed(route_outcomes(new, outcomes).choices)
    gains, savings = score_after - score_before, cost_before - cost_after

    def share_saved(rows: Any) -> float | None:
        before = cost_before[rows].sum()
        return float(savings[rows].sum() / before) if before else None

    def measured(measure: Callable[[Any], float | None]) -> Interval | None:
        return interval_of(bootstrap(measure, len(outcomes), seed=seed, groups=outcomes.groups), null=0.0)

    quality, saving = measured(lambda rows: float(gains[rows].mean())), measured(share_saved)
    assert quality is not None  # a mean is always defined
    better = quality.low > 0 or (saving is not None and saving.low > 0)
    warning = in_sample_warning(outcomes, served, new)
    passed = quality.low >= -margin and better and outcomes.different * margin >= _SEEN and not warning
    return GateResult(served.id, new.id, len(outcomes), outcomes.different, margin, quality, saving, passed, warning)
