"""A promise about losses that holds for requests like those of a table: a cost weight certified on unseen outcomes.

The outcomes are cut in two by groups of alike prompts. On one half a policy is fitted, and cost weights are put in an
order, the most likely to pass first. On the other, which fitted nothing, they are tested in that order until one fails;
the last that passed is the policy's. So many weights are tried, and the probability that the promise is false is still
at most 1 - confidence: Angelopoulos et al., "Learn then Test" (2021), section 2.2 (fixed sequence testing),
https://arxiv.org/abs/2110.01052.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.bounds import p_of_mean, upper_bound
from autopicker_lab.tuning.verdict import in_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.settings import Setting

    Array = np.ndarray[Any, Any]

_MOST_NEEDED = 100_000  # outcomes, beyond which nobody labels any


@dataclass(frozen=True)
class Terms:
    """What is to be promised.

    Attributes:
        loss: of the requests kept from the best single model, at most this share lose by it; where scores are graded,
            they lose at most this much on average.
        confidence: probability, over the draw of the outcomes it is tested on, with which the promise holds.
        within: mean score that may be lost at most against the best single model; None promises nothing of it.
    """

    loss: float
    confidence: float = 0.9
    within: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("loss", self.loss), ("confidence", self.confidence)):
            if not 0 < value < 1:
                raise InvalidRequestError(f"the {name} of a promise must lie between 0 and 1, not {value:g}")

    @property
    def delta(self) -> float:
        """Probability with which the promise may be false."""
        return 1 - self.confidence


@dataclass(frozen=True)
class Promise:
    """What was promised, or that it cannot be.

    Attributes:
        loss, confidence, within: see Terms.
        feasible: some cost weight passed.
        bound: of the loss, upper, at the same confidence, although the weight was chosen on the same prompts: it is
            below `loss` only where the boldest weight passed. Where none did, that of the first one tested; None where
            it would keep no request from the best model.
        quality_bound: of the mean score lost against the best model, likewise; None where nothing was promised of it.
        cheap_share: of requests that are kept from the best single model.
        calibration_n: prompts it was tested on, one of each group of alike ones.
        needed_n: outcomes in all that would make it feasible, if things are as they look; None: no number would.
    """

    loss: float
    confidence: float
    feasible: bool
    bound: float | None
    cheap_share: float
    calibration_n: int
    within: float | None = None
    quality_bound: float | None = None
    needed_n: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        """The promise in a sentence."""
        sure = f"with {100 * self.confidence:g} % confidence"
        lost = f"at most {100 * self.loss:g} % of the requests kept from the best model lose by it"
        if self.within is not None:
            lost += f", and mean quality is at most {in_points(self.within)} below it"
        tested = f"tested on {self.calibration_n:,} prompts that fitted nothing"
        if self.feasible:
            return f"promised {sure}: {lost}; {100 * self.cheap_share:.0f} % are kept from it ({tested})"
        more = (
            "no number of prompts like these would do: allow a greater loss"
            if self.needed_n is None
            else f"about {self.needed_n:,} such prompts would do, or a greater loss"
        )
        return f"cannot be promised {sure} that {lost} ({tested}): {more}"


@dataclass(frozen=True, eq=False)
class _Losses:
    """What routing loses against the best single model, at one cost weight.

    Attributes:
        kept: of each prompt kept from the best model, 0 to 1. all: of each prompt, -1 to 1.
    """

    kept: Array
    all: Array

    def p(self, terms: Terms) -> float:
        """Of the promise being false."""
        p = p_of_mean(self.kept, terms.loss)
        return p if terms.within is None else max(p, self._p_within(terms.within))

    def _p_within(self, within: float) -> float:
        return p_of_mean((1 + self.all) / 2, (1 + within) / 2)

    def loss_bound(self, terms: Terms) -> float | None:
        """Upper bound of the loss, of a weight that was named beforehand."""
        return upper_bound(lambda limit: p_of_mean(self.kept, limit), terms.delta) if len(self.kept) else None

    def quality_bound(self, terms: Terms) -> float | None:
        """Upper bound of what mean quality loses, likewise."""
        if terms.within is None:
            return None
        return 2 * upper_bound(lambda limit: self._p_within(2 * limit - 1), terms.delta) - 1


def losses_of(outcomes: OutcomeMatrix, choices: Array, best: int, rows: Array) -> _Losses:
    """What the prompts in `rows` lose by getting the model (column) that is chosen for each."""
    chosen, scores = outcomes.answering(choices)[rows], outcomes.scores[rows]
    lost = scores[:, best] - scores[range(len(rows)), chosen]
    return _Losses(lost[chosen != best].clip(0), lost)


def promise_of(
    fitted: OutcomeMatrix,
    kept_out: OutcomeMatrix,
    estimates: Array,
    unseen: Array,
    settings: Sequence[Setting],
    terms: Terms,
    seed: int,
) -> tuple[Setting | None, Promise]:
    """The setting that keeps `terms`, None where none does, and the promise.

    Args:
        fitted: what the policy was fitted on. kept_out: the other half.
        estimates: of the fitted half, out of fold, shape (n, models). unseen: of the other one, by the policy.
        settings: by cost weight, ascending.
    """
    import numpy as np

    expected = np.stack([setting.choices(fitted, estimates) for setting in settings])
    positions = in_testing_order(fitted, expected, fitted.best, terms, kept_out.different, seed)
    choices = [settings[i].choices(fitted, unseen) for i in positions]
    passed, promise = certify(kept_out, choices, fitted.best, terms, seed)
    if not passed:
        return None, replace(promise, needed_n=needed(fitted, expected, fitted.best, terms, seed))
    return settings[positions[passed - 1]], promise


def cut(outcomes: OutcomeMatrix, seed: int) -> tuple[OutcomeMatrix, OutcomeMatrix]:
    """The half that a policy is fitted on, and the one that a promise is tested on; alike prompts are never in both."""
    import numpy as np

    groups = np.unique(outcomes.groups)
    fitted = np.random.default_rng(seed).permutation(groups)[: len(groups) // 2]
    is_fitted = np.isin(outcomes.groups, fitted)
    return outcomes.at(np.flatnonzero(is_fitted)), outcomes.at(np.flatnonzero(~is_fitted))


def certify(
    outcomes: OutcomeMatrix, choices: Sequence[Array], best: int, terms: Terms, seed: int
) -> tuple[int, Promise]:
    """How many of several settings pass, tested in their order until one fails, and what the last of them promises.

    Where all pass, the sequence goes on with the last of them and ever smaller losses, down to its own bound; where one
    fails, nothing below the promised loss is tested any more, and that is the bound.

    Args:
        outcomes: that fitted nothing, and chose neither the settings nor their order.
        choices: by setting, the model (column) of each prompt, shape (settings, n).
        best: column of the best single model.
    """
    rows = _one_of_each(outcomes.groups, seed)
    tested = [losses_of(outcomes, chosen, best, rows) for chosen in choices]
    passed = list(takewhile(lambda losses: losses.p(terms) <= terms.delta, tested))
    if passed:
        bound = passed[-1].loss_bound(terms) if len(passed) == len(tested) else terms.loss
        share, quality_bound = len(passed[-1].kept) / len(rows), terms.within
    else:
        bound, share, quality_bound = tested[0].loss_bound(terms), 0.0, tested[0].quality_bound(terms)
    n, feasible = len(rows), bool(passed)
    told = (feasible, bound, round(share, 4), n, terms.within, quality_bound)
    return len(passed), Promise(terms.loss, terms.confidence, *told)


def in_testing_order(
    outcomes: OutcomeMatrix, curve_choices: Array, best: int, terms: Terms, n: int, seed: int
) -> list[int]:
    """Positions of the cost weights to be tested: from the one most likely to pass on n prompts to the boldest.

    Args:
        outcomes: that the policy was fitted on. curve_choices: out of fold, by weight, ascending, shape (weights, n).
    """
    import numpy as np

    rows = _one_of_each(outcomes.groups, seed)
    odds = [_expected_p(losses_of(outcomes, choices, best, rows), terms, n / len(rows)) for choices in curve_choices]
    return list(range(int(np.argmin(odds)), len(odds)))


def _expected_p(losses: _Losses, terms: Terms, times: float) -> float:
    """The p-value if as many as `times` the prompts are met, and as many of them lose."""
    import numpy as np

    def repeated(values: Array) -> Array:
        return np.resize(values, round(times * len(values)))

    return _Losses(repeated(losses.kept), repeated(losses.all)).p(terms)


def _one_of_each(groups: Array, seed: int) -> Array:
    """A row of each group, drawn by `seed`, in an order drawn likewise: alike prompts say the same thing twice."""
    import numpy as np

    shuffled = np.random.default_rng(seed).permutation(len(groups))
    first = np.unique(groups[shuffled], return_index=True)[1]
    rows: Array = shuffled[np.sort(first)]
    return rows


def needed(outcomes: OutcomeMatrix, curve_choices: Array, best: int, terms: Terms, seed: int) -> int | None:
    """How many outcomes in all would let some cost weight pass, if as many lose as of these; None for more than a lot.

    Args: as of `in_testing_order`.
    """
    rows = _one_of_each(outcomes.groups, seed)
    losses = [losses_of(outcomes, choices, best, rows) for choices in curve_choices]
    times = 1.0
    while 2 * times * len(rows) < _MOST_NEEDED:
        if min(_expected_p(each, terms, times) for each in losses) <= terms.delta:
            return round(2 * times * len(rows))
        times *= 1.3
    return None
