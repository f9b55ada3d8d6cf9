"""How often a policy decides alike when a prompt is reworded: by kind of rewording, by language, and at its worst.

RouterArena measures the same of public routers: Lu et al. (2025), https://arxiv.org/abs/2510.00202.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import frame
from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.choices import route_outcomes
from autopicker_lab.tuning.conversations import with_question
from autopicker_lab.tuning.decision_table import mean_interval, share_interval
from autopicker_lab.tuning.metrics import Interval, bootstrap, interval_of
from autopicker_lab.tuning.variants import VARIANTS, variants_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.tuning.learned import Learned
    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]

STABLE = 0.9  # mean agreement below which a report says so beside the saving
SAMPLE = 200  # prompts that are reworded
_FEWEST = 5  # prompts of a language that has a row


@dataclass(frozen=True)
class AgreementRow:
    """How often the choice stayed the same: of `n` decisions on rewordings of one kind, or in one language."""

    name: str
    n: int
    agreement: Interval


@dataclass(frozen=True)
class Stability:
    """How often a policy chooses for a reworded prompt what it chooses for the prompt.

    Attributes:
        n: prompts that were reworded, each in every kind.
        agreement: share of rewordings with the same choice.
        worst_tenth: the same of the tenth of the prompts whose choice changes most often.
        by_kind: of rewording. by_language: of prompts, where there are several.
        each: share of its rewordings with the same choice, by prompt, shape (n,).
        models: how many models are chosen at all for the prompts as they are.
    """

    n: int
    agreement: Interval
    worst_tenth: Interval
    by_kind: tuple[AgreementRow, ...]
    by_language: tuple[AgreementRow, ...] = ()
    each: Any = field(default=None, repr=False, compare=False)
    models: int = 0

    @property
    def is_stable(self) -> bool:
        """Whether the agreement is not below 0.9."""
        return self.agreement.value >= STABLE

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: shares with their intervals."""
        return {
            "n": self.n,
            "agreement": asdict(self.agreement),
            "worst_tenth": asdict(self.worst_tenth),
            "by_kind": [asdict(row) for row in self.by_kind],
            "by_language": [asdict(row) for row in self.by_language],
        }

    def __str__(self) -> str:
        value, low, high = (100 * bound for bound in (self.agreement.value, self.agreement.low, self.agreement.high))
        least = min(self.by_kind, key=lambda row: row.agreement.value)
        return (
            f"reworded, {value:.0f} % [{low:.0f}, {high:.0f}] of the prompts get the same model "
            f"(least with {least.name}: {100 * least.agreement.value:.0f} %)"
        )


def measure_stability(
    policy: RoutePolicy, outcomes: OutcomeMatrix, seed: int = 0, sample: int = SAMPLE
) -> Stability | None:
    """Reword a sample of the prompts, and compare what the policy chooses; None where there are no prompts.

    Args:
        outcomes: whose prompts the policy was not fitted on, or the figures are too good.
        sample: prompts at most, drawn by the seed.
    """
    import numpy as np

    rows = sampled_rows(outcomes, seed, sample)
    if not len(rows):
        return None
    drawn = outcomes.single_models().at(rows)
    same, usual = _agreements(policy, drawn, seed)
    each = same.mean(1)
    worst = interval_of(
        bootstrap(
            lambda some: _worst_tenth(each[some]) if len(some) else None, len(rows), seed=seed, groups=drawn.groups
        )
    )
    different = max(drawn.different, 1)
    return Stability(
        n=len(rows),
        agreement=_within_one(mean_interval(each, drawn.groups, 0.0)),
        worst_tenth=_within_one(worst or Interval(_worst_tenth(each), 0.0, 1.0)),
        by_kind=tuple(
            AgreementRow(kind, len(rows), share_interval(float(same[:, i].mean()), different))
            for i, kind in enumerate(VARIANTS)
        ),
        by_language=_by_language(each, drawn),
        each=each,
        models=len(np.unique(usual)),
    )


def stability_change(served: RoutePolicy, new: RoutePolicy, outcomes: OutcomeMatrix, seed: int = 0) -> Interval | None:
    """Agreement of a new policy minus that of the one that serves, on the same rewordings; None for no prompts.

    Where the one that serves gives all prompts one model, nothing can change its choice: 0.9 stands in for it.
    """
    before, after = (measure_stability(policy, outcomes, seed) for policy in (served, new))
    if before is None or after is None:
        return None
    rows = sampled_rows(outcomes, seed, SAMPLE)
    return mean_interval(after.each - (before.each if before.models > 1 else STABLE), outcomes.groups[rows])


def sampled_rows(outcomes: OutcomeMatrix, seed: int, sample: int) -> Array:
    """Rows of the prompts that are reworded."""
    import numpy as np

    return np.sort(np.random.default_rng(seed).permutation(len(outcomes))[:sample])


def reworded_choices(policy: RoutePolicy, outcomes: OutcomeMatrix, question: str, seed: int = 0) -> pd.DataFrame:
    """What a policy chooses for a question and for each rewording of it, as if it were one of the table.

    One row each: rewording ("as it is" first), model, whether that is another one, and the text.
    """
    import numpy as np

    texts = {"as it is": question, **variants_of(question, seed)}
    asked = outcomes.single_models().at(np.zeros(len(texts), int))
    asked = replace(asked, prompts=tuple(texts.values()), tasks=np.full(len(texts), "", object))
    names = [asked.models[i] for i in route_outcomes(policy, asked).choices.tolist()]
    return frame(
        {"rewording": kind, "model": name, "changed": name != names[0], "text": text}
        for (kind, text), name in zip(texts.items(), names, strict=True)
    )


def held_out_stability(policy: RoutePolicy, learned: Learned) -> Stability | None:
    """Stability of a policy as it was just tuned, on a fold that its estimator is fitted without."""
    train, test = learned.fits.folds[0][0]
    fitted = fitting.fit(
        learned.prompts.at(train),
        learned.outcomes.scores[train],
        learned.outcomes.models,
        learned.seed,
        like=learned.estimator,
    )
    whole = learned.estimator
    taken_over = {name: getattr(whole, name) for name in ("stack", "novelty", "kind", "by_language")}
    fitted = replace(fitted, **taken_over)
    return measure_stability(replace(policy, estimator=fitted), learned.outcomes.at(test), learned.seed)


def _agreements(policy: RoutePolicy, outcomes: OutcomeMatrix, seed: int) -> tuple[Array, Array]:
    """Whether each prompt gets the same model by each kind, shape (n, kinds), and the model as it is, shape (n,)."""
    import numpy as np

    usual = route_outcomes(policy, outcomes).choices
    reworded = [variants_of(question, seed) for question in outcomes.questions]
    same = []
    for kind in VARIANTS:
        prompts = [with_question(prompt, row[kind]) for prompt, row in zip(outcomes.prompts, reworded, strict=True)]
        same.append(route_outcomes(policy, replace(outcomes, prompts=tuple(prompts))).choices == usual)
    return np.stack(same, axis=1), usual


def _worst_tenth(each: Array) -> float:
    import numpy as np

    return float(np.sort(each)[: max(round(len(each) / 10), 1)].mean())


def _within_one(interval: Interval) -> Interval:
    return replace(interval, low=max(interval.low, 0.0), high=min(interval.high, 1.0))


def _by_language(each: Array, outcomes: OutcomeMatrix) -> tuple[AgreementRow, ...]:
    """A row a language, the most frequent first; none where there is but one."""
    import numpy as np

    names, counts = np.unique(outcomes.languages.astype(str), return_counts=True)
    if len(names) < 2:
        return ()
    rows = []
    for i in np.argsort(-counts, kind="stable"):
        at = outcomes.languages == names[i]
        if counts[i] >= _FEWEST:
            agreement = share_interval(float(each[at].mean()), int(counts[i]))
            rows.append(AgreementRow(str(names[i]), int(counts[i]), agreement))
    return tuple(rows)
