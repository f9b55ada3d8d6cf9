"""What a replay found, as values: estimates, overlap, and what the log cannot tell."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import BLUE, frame, html_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

KINDS: Mapping[str, str] = {
    "direct": "direct (the reward model alone)",
    "ips": "IPS",
    "snips": "SNIPS",
    "dr": "doubly robust",
}


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


Estimates = dict[str, Estimate]


@dataclass(frozen=True)
class Overlap:
    """How much the log tells of one kind of request.

    Attributes:
        n: requests of the kind. told: share of them whose choice could have been logged. matched: share whose choice
            was. ess: effective sample size. least: the smallest probability with which a choice could be logged.
    """

    kind: str
    n: int
    told: float
    matched: float
    ess: float
    least: float | None


@dataclass(frozen=True)
class Refusal:
    """What the log cannot tell, of how many requests, and what would have to be logged."""

    what: str
    n: int
    log: str

    def __str__(self) -> str:
        return f"{self.what} ({self.n:,} requests): {self.log}"


@dataclass(frozen=True)
class ReplayReport:
    """What a policy would have got on logged traffic.

    Attributes:
        policy: its id. n: requests that the figures are about; of `rows` in the log.
        ess: effective sample size; largest_weight: of a request, 1 / p.
        value, cost_usd: mean score, and mean cost of a request in USD, by kind of estimate (KINDS); empty where
            refused, or where costs are unknown.
        logged: mean score of what the log itself got, and its cost.
        shares: of the requests, by the model that the policy chooses.
        against: id of the other policy; gain, saving: value of the policy over it, its cost less, paired.
    """

    policy: str
    n: int
    rows: int
    ess: float
    largest_weight: float | None
    value: Estimates
    cost_usd: Estimates
    logged: Mapping[str, float | None]
    shares: Mapping[str, float]
    overlap: tuple[Overlap, ...] = ()
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    against: str = ""
    gain: Estimates | None = None
    saving: Estimates | None = None

    @property
    def verdict(self) -> str:
        """What was found, in words."""
        if not self.value:
            return f"{self.policy}: the log cannot tell. {' '.join(map(str, self.refused))}"
        words = f"{self.policy} would have got {self.value['dr']} where the log got {self.logged['score']:.4g}"
        if self.cost_usd:
            words += f", at {self.cost_usd['dr']} USD a request"
        if self.gain:
            words += f"; {self.gain['dr']} over {self.against}"
        doubts = f". Not told: {'; '.join(map(str, self.refused))}" if self.refused else ""
        return f"{words} (doubly robust, 95 %, {self.n:,} requests, effectively {self.ess:,.0f}){doubts}"

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        known = asdict(self)
        if self.gain is None:
            for name in ("against", "gain", "saving"):
                known.pop(name)
        known["refused"] = [asdict(each) | {"why": str(each)} for each in self.refused]
        return known | {"verdict": self.verdict}

    def to_frame(self) -> pd.DataFrame:
        """One row a figure and kind of estimate: of, by, estimate, low, high."""
        figures = {"value": self.value, "cost_usd": self.cost_usd, "gain": self.gain or {}, "saving": self.saving or {}}
        return frame(
            {"of": of, "by": by} | asdict(estimate) for of, each in figures.items() for by, estimate in each.items()
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """The value by each kind of estimate, with its interval; the line is what the log got."""
        target = axes(ax, (7.0, 2.2))
        for row, estimate in enumerate(self.value.values()):
            target.plot([estimate.low, estimate.high], [row, row], color=BLUE, lw=3, solid_capstyle="butt")
            target.plot(estimate.estimate, row, "o", color=BLUE)
        target.set_yticks(range(len(self.value)), [KINDS[name] for name in self.value])
        if self.logged["score"] is not None:
            target.axvline(self.logged["score"], ls=":", lw=1)
        target.set(ylim=(len(self.value) - 0.5, -0.5), xlabel="mean score, 95 % intervals; dotted: what the log got")
        target.spines[["top", "right"]].set_visible(False)
        return target

    def _repr_html_(self) -> str:
        rows = [(KINDS[name], str(e), str(self.cost_usd.get(name, ""))) for name, e in self.value.items()]
        return html_table(["", "mean score", "USD a request"], rows, self.verdict)
