"""What a tuning run concluded, as a value: Verdict and Saving. The sentence is drawn from the fields."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import html_table
from autopicker_lab.tuning.matrix import CALL

if TYPE_CHECKING:
    from autopicker_lab.tuning.metrics import Interval

_OF_INTERVAL = 1.2816 / 1.96  # a one-sided bound at 90 %, of half a 95 % interval


class Finding(Enum):
    """What was found out about routing on some outcomes."""

    PAYS = "routing pays"
    NOT_SHOWN = "routing is not shown to beat one model"
    RANKS_ONLY = "prompts are ranked, but nothing is shown to be saved at the best model's quality"
    MODELS_EQUAL = "the models are equally good within noise"
    SCORE_RANKS = "the score ranks prompts better than chance"
    SCORE_DOES_NOT_RANK = "the score is not shown to rank prompts better than chance"


def in_points(score: float) -> str:
    """A difference of mean scores, 0 to 1, in words."""
    return "1 point" if round(100 * score, 6) == 1 else f"{100 * score:g} points"


def signed_points(change: float) -> str:
    """A change of mean score, -1 to 1, as a number of points; what is rounded to nothing is never minus nothing."""
    return f"{round(100 * change, 1) + 0.0:+.1f}"


@dataclass(frozen=True)
class Saving:
    """The policy at its own cost weight, against always asking the best single model.

    Attributes:
        share: of the best model's cost that is saved. quality: difference to its mean score.
        excess: quality over tossing coins between single models at the same cost, with its p-value.
    """

    best: str
    share: Interval
    quality: Interval
    excess: Interval


@dataclass(frozen=True)
class Null:
    """What routing has to beat, and how far it could get: mean scores, 0 to 1.

    Attributes:
        best, best_quality: the best single model, asked always.
        same_shares: each model the share of prompts that the policy gives it, dealt at random.
        oracle: of a router that knows every score beforehand.
        policy: of the policy itself.
    """

    best: str
    best_quality: float
    same_shares: float
    oracle: float
    policy: float

    def __str__(self) -> str:
        return (
            f"always {self.best}: {self.best_quality:.3f}; the same shares dealt at random: {self.same_shares:.3f}; "
            f"an oracle: {self.oracle:.3f}; this policy: {self.policy:.3f}"
        )


@dataclass(frozen=True)
class Verdict:
    """What to do about routing, after tuning or evaluating a policy.

    Attributes:
        keep: the single model to ask always where routing is not shown to pay; None where it is, or where nothing
            was said of models.
        allowance: mean score, 0 to 1, that may be lost against the best model to save cost; None where something else
            was asked for, see tuning.promise.
        saving: of the policy against the best single model; None for a policy that chooses no models.
        apgr: how well the pair is ranked; None where its lead is within noise.
        size: how many prompts there were, in words.
        pair: weak and strong model.
        cpt50: least share of strong calls that recovers half of the pair's gap; None where it has no meaning.
        null: what the policy has to beat; None for one that chooses no models.
        unstable: that its choices change too often under rewording, in words; "" where they do not.
    """

    finding: Finding
    keep: str | None
    allowance: float | None
    saving: Saving | None
    apgr: Interval | None
    size: str
    pair: tuple[str, str]
    cost_unit: str
    cpt50: float | None = None
    null: Null | None = None
    unstable: str = ""

    @property
    def pays(self) -> bool:
        """Whether routing is shown to pay: the advice is to route."""
        return self.finding is Finding.PAYS

    @property
    def quality_change(self) -> Interval | None:
        """Mean score of routing minus that of the best single model."""
        return None if self.saving is None else self.saving.quality

    @property
    def allowance_met(self) -> bool | None:
        """Whether the loss stays within the allowance, by a one-sided bound at 90 %.

        None where no saving was measured or nothing was allowed.
        """
        if self.saving is None or self.allowance is None:
            return None
        quality = self.saving.quality
        return quality.value - (quality.value - quality.low) * _OF_INTERVAL >= -self.allowance

    @property
    def reasons(self) -> tuple[str, ...]:
        """The figures that the verdict rests on, one a line."""
        lines = [self.size]
        if self.apgr is not None:
            lines.append(f"APGR {self.apgr}")
        if self.saving is not None:
            lines.append(f"share of cost saved against always {self.saving.best}: {self.saving.share}")
            lines.append(f"mean score against always {self.saving.best}: {self.saving.quality}")
            lines.append(f"mean score over coins tossed at the same cost: {self.saving.excess}, p={self._p:.3f}")
        return tuple(lines)

    @property
    def _p(self) -> float:
        p = None if self.saving is None else self.saving.excess.p
        return 1.0 if p is None else p

    @property
    def _figures(self) -> str:
        return self.size if self.apgr is None else f"{self.size}, APGR {self.apgr}"

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: the fields that decide, the sentence and its reasons."""
        change = self.quality_change
        return {
            "finding": self.finding.name.lower(),
            "pays": self.pays,
            "keep": self.keep,
            "share_saved": None if self.saving is None else self.saving.share.value,
            "quality_change": None if change is None else change.value,
            "allowance": self.allowance,
            "allowance_met": self.allowance_met,
            "null": None if self.null is None else asdict(self.null),
            "sentence": str(self),
            "reasons": list(self.reasons),
        }

    def __str__(self) -> str:
        """What routing has to beat, then the verdict with its figures."""
        return self.sentence if self.null is None else f"{self.null}. {self.sentence[:1].upper()}{self.sentence[1:]}"

    def _repr_html_(self) -> str:
        null = () if self.null is None else (str(self.null),)
        return html_table([], [(line,) for line in (*null, *self.reasons)], self.sentence)

    @property
    def sentence(self) -> str:
        """The verdict in one sentence with its figures."""
        return f"{self._concluded}; but {self.unstable}" if self.unstable else self._concluded

    @property
    def _concluded(self) -> str:
        weak, strong = self.pair
        points = in_points(self.allowance or 0.0)
        if self.finding is Finding.PAYS:
            return self._pays()
        if self.finding is Finding.MODELS_EQUAL:
            return f"the models are equally good within noise here ({self.size}): keep one model: {self.keep}"
        if self.finding is Finding.SCORE_RANKS:
            return f"the score ranks prompts better than chance ({self._figures}); tune on these outcomes to use it"
        if self.finding is Finding.SCORE_DOES_NOT_RANK:
            p = None if self.apgr is None else self.apgr.p
            return f"no evidence that this score ranks prompts better than chance here ({self._figures}, p={p:.2f})"
        if self.finding is Finding.RANKS_ONLY and self.cpt50 is not None:
            return (
                f"no evidence that routing saves at the quality of {self.keep} minus {points} ({self._figures}, "
                f"p={self._p:.2f}): keep one model: {self.keep}. It does rank prompts: {100 * self.cpt50:.0f} % of the "
                f"calls to {strong} recover half of its lead over {weak}"
            )
        best = None if self.saving is None else self.saving.best
        near = "" if self.keep == best else f", which is within {points} of {best}"
        figures = f"{self._figures}, p={self._p:.2f}"
        return f"no evidence that routing beats always {self.keep}{near}, here: {figures}; keep one model: {self.keep}"

    def _pays(self) -> str:
        assert self.saving is not None  # nothing else can pay
        best, share, quality = self.saving.best, self.saving.share, self.saving.quality
        figures = f"{self._figures}; p={self._p:.3f} against coins tossed at the same cost"
        low, high = signed_points(quality.low), signed_points(quality.high)
        change = f"{signed_points(quality.value)} points [{low}, {high}] of quality"
        if share.low <= 0:
            return f"routing gains {change} over always {best} ({figures})"
        saved = f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"
        of = f"the calls to {best}" if self.cost_unit == CALL else f"the cost of always {best}"
        doubt = ""
        if self.allowance is not None and not self.allowance_met:
            doubt = f"the loss may be more than the {in_points(self.allowance)} allowed: "
        return f"{doubt}routing saves {saved} of {of}, for {change} ({figures})"
