"""Fit the score at which requests go to the strong model, and say whether it is worth it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, InvalidRequestError, RoutePolicy, RunStamp, Tier
from autopicker_lab.core.show import BLUE, GREY, ORANGE, axes, frame, html_table
from autopicker_lab.tuning.metrics import apgr, bootstrap_apgr, cpt, quality_curve
from autopicker_lab.tuning.outcomes import wide

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ENOUGH = 50


@dataclass(frozen=True)
class TuningReport:
    """What the outcomes say about routing between two models.

    Attributes:
        curve: shares of strong calls and mean quality at each, as fitted, by length, and by an oracle.
        verdict: the same in words.
    """

    n: int
    weak: str
    strong: str
    weak_quality: float
    strong_quality: float
    apgr: float | None
    apgr_ci: tuple[float, float] | None
    cpt50: float | None
    cpt80: float | None
    baselines: Mapping[str, float | None]
    curve: Mapping[str, list[float]]
    policy: RoutePolicy
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "models": [self.weak, self.strong],
            "apgr": self.apgr,
            "apgr_ci": self.apgr_ci,
            "cpt50": self.cpt50,
            "cpt80": self.cpt80,
            "baselines": dict(self.baselines),
            "verdict": self.verdict,
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a share of strong calls: share, quality as routed, by length, by the oracle."""
        names = list(self.curve)
        return frame(dict(zip(names, row, strict=True)) for row in zip(*self.curve.values(), strict=True))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Quality over the share of strong calls."""
        target = axes(ax, (6.0, 4.0))
        for name, colour, style in (("quality", BLUE, "-"), ("length", ORANGE, "--"), ("oracle", GREY, ":")):
            target.plot(self.curve["share"], self.curve[name], style, color=colour, label=name)
        target.plot([0, 1], [self.weak_quality, self.strong_quality], color=GREY, lw=0.8, label="random")
        target.set(xlabel=f"share of calls to {self.strong}", ylabel="mean quality")
        target.set_title(self.verdict, loc="left", wrap=True)
        target.legend(frameon=False)
        return target

    def _repr_html_(self) -> str:
        return html_table(["", ""], list(self.to_dict().items()), self.verdict)


def fit_threshold(
    table: pd.DataFrame, *, strong: str | None = None, weak: str | None = None, target: float = 0.5, seed: int = 0
) -> TuningReport:
    """Fit a two-tier policy on an outcomes table (see read_outcomes).

    Args:
        strong, weak: model names; None takes the best and the worst by mean score.
        target: the performance gap (PGR, 0 to 1) that the policy must recover.

    Raises:
        InvalidRequestError: fewer than 50 prompts with both models, unknown models, or two of equal quality.
    """
    import numpy as np

    scores = wide(table)
    means = scores.mean().sort_values()
    weak, strong = weak or str(means.index[0]), strong or str(means.index[-1])
    for name in (weak, strong):
        if name not in scores:
            raise InvalidRequestError(f"no model '{name}' in the outcomes", f"known: {', '.join(map(str, scores))}")
    if len(scores) < ENOUGH:
        raise InvalidRequestError(f"too little data: {len(scores)} prompts", f"collect at least {ENOUGH}")
    low, high = scores[weak].to_numpy(), scores[strong].to_numpy()
    if high.mean() <= low.mean():
        raise InvalidRequestError(f"'{strong}' is not better than '{weak}' here", f"use {weak} alone")
    prompts = table.drop_duplicates("prompt_id").set_index("prompt_id")["prompt"].astype(str).loc[scores.index]
    order = np.array([score(ChatRequest.of(text)).score for text in prompts], float)
    length = np.array([len(text) for text in prompts], float)
    baselines = {"random": 0.5, "length": apgr(length, low, high), "oracle": apgr(high - low, low, high)}
    value, interval = apgr(order, low, high), bootstrap_apgr(order, low, high, seed=seed)
    share = cpt(order, low, high, target)
    cut = 0.0 if share is None or share >= 1 else float(sorted(order, reverse=True)[int(share * len(order))])
    shares, quality = quality_curve(order, low, high, 100)
    policy = RoutePolicy(
        id=f"{weak}-{strong}",
        tiers=(Tier(0.0, 0.0), Tier(cut, float(high.mean()))) if cut > 0 else (Tier(0.0, float(high.mean())),),
        qualities={weak: float(low.mean()), strong: float(high.mean())},
        stamp=RunStamp.collect(seed=seed).to_dict() | {"n": len(scores), "target_pgr": target, "apgr": value},
    )
    return TuningReport(
        n=len(scores),
        weak=weak,
        strong=strong,
        weak_quality=float(low.mean()),
        strong_quality=float(high.mean()),
        apgr=value,
        apgr_ci=interval,
        cpt50=cpt(order, low, high, 0.5),
        cpt80=cpt(order, low, high, 0.8),
        baselines=baselines,
        curve={
            "share": shares.tolist(),
            "quality": quality.tolist(),
            "length": quality_curve(length, low, high, 100)[1].tolist(),
            "oracle": quality_curve(high - low, low, high, 100)[1].tolist(),
        },
        policy=policy,
        verdict=_verdict(value, interval, share, target, len(scores)),
    )


def _verdict(
    value: float | None, interval: tuple[float, float] | None, share: float | None, target: float, n: int
) -> str:
    if value is None or interval is None or interval[0] <= 0.5 or share is None:
        found = (
            "undefined" if value is None or interval is None else f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"
        )
        return f"no evidence that routing by complexity beats chance here (APGR {found}, n={n}): keep one model"
    return (
        f"{100 * share:.0f} % of calls to the strong model recover {100 * target:.0f} % of its lead "
        f"(APGR {value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}], n={n})"
    )
